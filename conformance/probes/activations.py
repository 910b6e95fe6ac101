"""Activations: infinities, and the digits of a log-probability near 0."""

from __future__ import annotations

import math

from trueline.conformance.probe import INF, NAN, Probe
from trueline.reference.formats import Format


def _gap(fmt: Format) -> float:
    """A distance between logits whose exponential is lost beside 1 but is a normal number."""
    return fmt.round(-1.3 * math.log(fmt.epsilon))


PROBES = (
    Probe(
        "one-plus-inf-logit",
        ("softmax",),
        "What does one logit of +inf give? The limit is one-hot.",
        {"x": [[0.0, INF, 1.0]]},
        {"NaN everywhere": [NAN] * 3, "the limit": [0.0, 1.0, 0.0], "NaN at the infinity": [0.0, NAN, 0.0]},
        {"axis": -1},
    ),
    Probe(
        "two-plus-inf-logits",
        ("softmax",),
        "What do two logits of +inf give? There is no limit.",
        {"x": [[INF, INF, 1.0]]},
        {"NaN everywhere": [NAN] * 3, "a half each": [0.5, 0.5, 0.0], "NaN at the infinities": [NAN, NAN, 0.0]},
        {"axis": -1},
    ),
    Probe(
        "plus-inf-in-log-softmax",
        ("log_softmax",),
        "What does one logit of +inf give? The limit is 0 there and -inf elsewhere.",
        {"x": [[0.0, INF, 1.0]]},
        {"NaN everywhere": [NAN] * 3, "the limit": [-INF, 0.0, -INF], "NaN at the infinity": [-INF, NAN, -INF]},
        {"axis": -1},
    ),
    Probe(
        "log-softmax-near-zero",
        ("log_softmax",),
        "Does a log-probability close to 0 keep its relative accuracy?",
        {"x": lambda fmt: [[0.0, -_gap(fmt)]]},
        {
            "kept": lambda fmt: [-math.log1p(math.exp(-_gap(fmt))), -_gap(fmt) - math.log1p(math.exp(-_gap(fmt)))],
            "lost: exactly 0": lambda fmt: [0.0, -_gap(fmt)],
        },
        {"axis": -1},
    ),
)
