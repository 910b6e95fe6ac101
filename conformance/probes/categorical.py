"""Categorical cross-entropy: normalising, clipping, masked classes, and a printed figure."""

from __future__ import annotations

import math

from trueline.conformance.inputs import ANIMALS
from trueline.conformance.probe import CLIPPED_LOW, INF, NAN, REFUSES, Probe

PROBES = (
    Probe(
        "zero-class-probability",
        ("categorical_cross_entropy",),
        "What is the loss of a true class with probability 0?",
        {"y_true": [[1.0, 0.0]], "y_pred": [[0.0, 1.0]]},
        CLIPPED_LOW,
    ),
    Probe(
        "probabilities-that-sum-to-a-half",
        ("categorical_cross_entropy",),
        "Are probabilities normalised?",
        {"y_true": [[1.0, 0.0]], "y_pred": [[0.25, 0.25]]},
        {"no, taken as given": [math.log(4)], "yes, divided by their sum": [math.log(2)], REFUSES: []},
    ),
    Probe(
        "minus-inf-logit-without-target",
        ("categorical_cross_entropy_with_logits",),
        "Does a logit of -inf where the target is 0 leave the loss alone?",
        {"y_true": [[0.0, 0.0, 1.0]], "logits": [[0.0, -INF, 1.0]]},
        {"yes": [math.log1p(math.exp(-1))], "no: NaN": [NAN], "no: infinite": [INF]},
        right=("yes",),
    ),
    Probe(
        "targets-that-sum-to-a-half",
        ("categorical_cross_entropy_with_logits",),
        "Are targets that sum to a half normalised?",
        {"y_true": [[0.5, 0.0]], "logits": [[0.0, 0.0]]},
        {"no, taken as given": [math.log(2) / 2], "yes, divided by their sum": [math.log(2)], REFUSES: []},
    ),
    *(
        Probe(
            f"three-animals-model-{number}",
            ("categorical_cross_entropy",),
            f"Is the mean loss of model {number} on three animals the figure {printed!r} that its source prints?",
            {"y_true": [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], "y_pred": [list(row) for row in p]},
            {"yes": [float(printed)], **({} if float(printed) == value else {f"no, it is {value!r}": [value]})},
            {"reduction": "mean"},
            right=("yes" if float(printed) == value else f"no, it is {value!r}",),
            dtypes=("float64",),
            tolerance=2.0**-51,
        )
        for number, p, printed, value in (
            (1, ANIMALS[0], "1.3783888722474517", 1.3783888522474517),
            (2, ANIMALS[1], "0.6391075640678003", 0.6391075640678003),
        )
    ),
)
