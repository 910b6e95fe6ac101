"""Activations: infinities and NaN in a row, masks, lost digits, the axis and its size, and the sign of zero."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from gaugeblock.conformance.checks.probes.base import INF, NAN, REFUSES, Contents, Probe, Values
from gaugeblock.conformance.checks.probes.shared import (
    LN2,
    LN3,
    LN10,
    NARROW,
    ONCE,
    listed,
    log_softmax,
    logsumexp,
    softmax,
    softplus,
)
from gaugeblock.reference.formats import Format

OVER_ROWS = {"softmax": softmax, "log_softmax": log_softmax, "logsumexp": logsumexp}

SQUARE: list[Any] = [[0.0, 1.0], [3.0, 5.0]]
CUBE: list[Any] = [[[0.0, 1.0], [3.0, 5.0]], [[2.0, 6.0], [4.0, 9.0]]]

AXES: dict[str, int | None] = {"the last": -1, "the first": 0, "all of them": None}
AXES_OF_THREE: dict[str, int | None] = {"the last": -1, "the middle": 1, "the first": 0, "all of them": None}

LONG = 70_000
"""More ones than binary16 has room for in their sum."""

LINES: dict[str, Values] = {
    "1/6, cut at -3 and 3": [2 / 3, 5.75 / 6, 0.25 / 6, 1.0, 0.0],
    "1/5, cut at -2.5 and 2.5": [0.7, 1.0, 0.0, 1.0, 0.0],
}
"""Hard sigmoids of 1, 2.75, -2.75, 3.5 and -3.5."""

SIGMOIDS = ("scipy.special.expit", "torch.sigmoid", "tf.math.sigmoid", "jax.nn.sigmoid", "keras.ops.sigmoid")

HALF_MASKED: dict[str, Contents] = {"mask": [[True, False, True]], "x": [[1.0, 2.0, 1.0]]}
ALL_MASKED: dict[str, Contents] = {"mask": [[False, False]], "x": [[1.0, 1.0]]}


def _gap(fmt: Format) -> float:
    """A distance between logits whose exponential is lost beside 1 but is a normal number."""
    return fmt.round(-1.3 * math.log(fmt.epsilon))


def _slug(name: str) -> str:
    return name.replace("_", "-")


def _along(name: str, x: list[Any], axes: dict[str, int | None]) -> dict[str, Values]:
    """What an activation of rows gives along each axis."""
    answers: dict[str, Values] = {label: listed(OVER_ROWS[name](x, axis)) for label, axis in axes.items()}
    return {**answers, REFUSES: []}


PROBES = (
    Probe("one-plus-inf-logit", ("softmax",), "What does one logit of +inf give? The limit is one-hot.",
          {"x": [[0.0, INF, 1.0]]},
          {"NaN everywhere": [NAN] * 3, "the limit": [0.0, 1.0, 0.0], "NaN at the infinity": [0.0, NAN, 0.0]},
          {"axis": -1}),
    Probe("two-plus-inf-logits", ("softmax",), "What do two logits of +inf give? There is no limit.",
          {"x": [[INF, INF, 1.0]]},
          {"NaN everywhere": [NAN] * 3, "a half each": [0.5, 0.5, 0.0], "NaN at the infinities": [NAN, NAN, 0.0]},
          {"axis": -1}),
    Probe("plus-inf-in-log-softmax", ("log_softmax",),
          "What does one logit of +inf give? The limit is 0 there and -inf elsewhere.", {"x": [[0.0, INF, 1.0]]},
          {"NaN everywhere": [NAN] * 3, "the limit": [-INF, 0.0, -INF], "NaN at the infinity": [-INF, NAN, -INF]},
          {"axis": -1}),
    Probe("two-plus-inf-in-log-softmax", ("log_softmax",), "What do two logits of +inf give? There is no limit.",
          {"x": [[INF, INF, 1.0]]},
          {"NaN everywhere": [NAN] * 3, "a half each": [-LN2, -LN2, -INF], "NaN at the infinities": [NAN, NAN, -INF]},
          {"axis": -1}),
    Probe("plus-inf-in-sparsemax", ("sparsemax",), "What does one entry of +inf give? The limit is one-hot.",
          {"x": [[0.0, INF, 1.0]]},
          {"NaN everywhere": [NAN] * 3, "the limit": [0.0, 1.0, 0.0], "NaN at the infinity": [0.0, NAN, 0.0]},
          {"axis": -1}, otherwise="other numbers"),
    Probe("minus-inf-in-sparsemax", ("sparsemax",), "Does an entry of -inf get 0 and leave the others alone?",
          {"x": [[0.0, -INF, 0.0]]},
          {"yes": [0.5, 0.0, 0.5], "no: NaN everywhere": [NAN] * 3, "no: NaN at the infinity": [0.5, NAN, 0.5]},
          {"axis": -1}, otherwise="no: other numbers"),
    Probe("row-of-minus-inf", ("softmax",), "What is the softmax of a row that is -inf everywhere? There is no limit.",
          {"x": [[-INF] * 3]}, {"NaN": [NAN] * 3, "zero everywhere": [0.0] * 3, "a third each": [1 / 3] * 3},
          {"axis": -1}),
    Probe("row-of-minus-inf-in-log-softmax", ("log_softmax",),
          "What is the log-softmax of a row that is -inf everywhere? There is no limit.", {"x": [[-INF] * 3]},
          {"NaN": [NAN] * 3, "-inf everywhere": [-INF] * 3, "-ln 3 each": [-LN3] * 3}, {"axis": -1}),
    Probe("row-of-minus-inf-in-logsumexp", ("logsumexp",),
          "What is the log-sum-exp of a row that is -inf everywhere, the logarithm of 0?", {"x": [[-INF] * 3]},
          {"-inf": [-INF], "NaN": [NAN]}, {"axis": -1}),
    *(
        Probe(f"nan-in-a-row-of-{_slug(name)}", (name,),
              "Does a NaN spread over its row, and over its row only?", {"x": [[0.0, NAN, 1.0], [0.0, 0.0, 0.0]]},
              {"over its row only": [*[NAN] * width, *[other] * width], "over every row": [NAN] * 2 * width,
               **{label: [*row, *[other] * width] for label, row in more.items()}}, {"axis": -1})
        for name, width, other, more in (
            ("softmax", 3, 1 / 3, {"NaN there, 0 beside it": [0.0, NAN, 0.0]}),
            ("log_softmax", 3, -LN3, {"NaN there, as of a sum of 1e-20 beside it": [20 * LN10 - 1, NAN, 20 * LN10]}),
            ("logsumexp", 1, LN3, {"it is passed over": [1 + math.log1p(math.exp(-1))]}),
            ("sparsemax", 3, 1 / 3, {"NaN there, it is left out beside it": [0.0, NAN, 1.0],
                                     "NaN there, infinite beside it": [INF, NAN, INF]}),
        )
    ),
    Probe("log-softmax-near-zero", ("log_softmax",), "Does a log-probability close to 0 keep its relative accuracy?",
          {"x": lambda fmt: [[0.0, -_gap(fmt)]]},
          {"kept": lambda fmt: [-math.log1p(math.exp(-_gap(fmt))), -_gap(fmt) - math.log1p(math.exp(-_gap(fmt)))],
           "lost: exactly 0": lambda fmt: [0.0, -_gap(fmt)]}, {"axis": -1}),
    Probe("hard-sigmoid-slope", ("hard_sigmoid",), "Which slope does the line through 1/2 have, and where is it cut?",
          {"x": [1.0, 2.75, -2.75, 3.5, -3.5]}, LINES),
    Probe("hard-sigmoid-default-slope", ("hard_sigmoid",), "Which slope is taken where none is named?",
          {"x": [1.0, 2.75, -2.75, 3.5, -3.5]}, LINES, left_out=("width",)),
    Probe("softplus-above-twenty", ("softplus",), "What is added to x above 20, where binary64 still holds it?",
          {"x": [19.5, 20.5, 30.0]}, {"what the definition says": [softplus(19.5), softplus(20.5), softplus(30.0)],
           "nothing: linear above 20": [softplus(19.5), 20.5, 30.0]}, right=("what the definition says",),
          dtypes=("float64",), tolerance=2.0**-48),
    Probe("softplus-threshold-is-of", ("softplus",),
          "Is softplus with beta = 2 linear above a threshold of beta * x, or of x?", {"x": [24.0]},
          {"beta * x": [24.0], "x": [softplus(24.0)]}, dtypes=("float64",), tolerance=2.0**-48,
          calls={"torch.nn.functional.softplus": "2 * torch.nn.functional.softplus(x / 2, beta=2)",
                 "torch.nn.Softplus": "2 * torch.nn.Softplus(beta=2)(x / 2)"}),
    Probe("masked-entry-of-softmax", ("masked_softmax",), "What is the value of a masked entry?", HALF_MASKED,
          {"zero": [0.5, 0.0, 0.5], "NaN": [0.5, NAN, 0.5]}, otherwise="a small number"),
    Probe("masked-entry-of-log-softmax", ("masked_log_softmax",), "What is the value of a masked entry?", HALF_MASKED,
          {"-inf": [-LN2, -INF, -LN2], "zero": [-LN2, 0.0, -LN2], "NaN": [-LN2, NAN, -LN2],
           "as if it took part": [-LN2, 1 - LN2, -LN2]}, otherwise="a large negative number"),
    Probe("all-masked-row-of-softmax", ("masked_softmax",), "What does a row give of which nothing takes part?",
          ALL_MASKED, {"NaN": [NAN] * 2, "zero everywhere": [0.0] * 2, "as if nothing were masked": [0.5] * 2}),
    Probe("all-masked-row-of-log-softmax", ("masked_log_softmax",), "What does a row give of which nothing takes part?",
          ALL_MASKED, {"NaN": [NAN] * 2, "-inf everywhere": [-INF] * 2, "zero everywhere": [0.0] * 2,
           "as if nothing were masked": [-LN2] * 2}),
    Probe("all-masked-row-of-logsumexp", ("masked_logsumexp",),
          "What does a row give of which nothing takes part: the logarithm of 0?", ALL_MASKED,
          {"-inf": [-INF], "NaN": [NAN], "as if nothing were masked": [1 + LN2]}),
    Probe("sparsemax-is-a-projection", ("sparsemax",),
          "Is sparsemax the projection onto the simplex: not negative, with a sum of 1, and nearest?",
          {"x": [[1.0, 0.5, -1.0], [0.25, 0.25, 0.25], [2.0, 0.5, 0.0]]},
          {"yes": [0.75, 0.25, 0.0, *[1 / 3] * 3, 1.0, 0.0, 0.0]}, {"axis": -1}, right=("yes",), otherwise="no"),
    Probe("temperature-of-zero", ("softmax_with_temperature",),
          "What does a temperature of 0 give? The limit is one-hot.", {"x": [[-1.0, 1.0]]},
          {"NaN": [NAN] * 2, "the limit": [0.0, 1.0], "NaN at the largest": [0.0, NAN], REFUSES: []},
          {"axis": -1, "temperature": 0.0}),
    *(Probe(f"{asked}-of-{_slug(name)}{rank}", (name,), question, {"x": x}, _along(name, x, axes), parameters,
            dtypes=ONCE, left_out=left_out)
      for asked, rank, question, x, axes, parameters, left_out in (
          ("default-axis", "", "Which axis of a matrix is taken where none is named?", SQUARE, AXES, {}, ("axis",)),
          ("default-axis", "-rank-3", "Which of three axes is taken where none is named?", CUBE, AXES_OF_THREE, {},
           ("axis",)),
          ("axis-none", "", "What does axis=None mean for a matrix?", SQUARE, AXES, {"axis": None}, ()),
      )
      for name in OVER_ROWS),
    Probe("axis-of-no-entries", ("softmax", "log_softmax", "sparsemax"), "What do rows without any entry give?",
          {"x": [[], []]}, {"an empty array": [], REFUSES: []}, {"axis": -1}, dtypes=ONCE),
    Probe("logsumexp-of-no-entries", ("logsumexp",),
          "What is the log-sum-exp of a row without any entry, the logarithm of 0?", {"x": [[], []]},
          {"-inf": [-INF] * 2, "NaN": [NAN] * 2, "zero": [0.0] * 2, REFUSES: []}, {"axis": -1}, dtypes=ONCE,
          otherwise="another number"),
    *(
        Probe(f"{_slug(names[0])}-of-a-scalar", names, "Is an array of rank 0 taken for a row of one entry?",
              {"x": 2.0}, {label: [value], REFUSES: []}, {"axis": -1}, dtypes=ONCE)
        for names, label, value in (
            (("softmax", "sparsemax"), "yes: 1", 1.0),
            (("log_softmax",), "yes: 0", 0.0),
            (("logsumexp",), "yes: the number itself", 2.0),
        )
    ),
    Probe("softmax-of-a-very-long-row", ("softmax",),
          f"Where is a sum of {LONG:,} ones kept, which is more than binary16 holds?", {"x": [[0.0] * LONG]},
          {"in a wider format": [1 / LONG] * LONG, "in the format: it overflows, and all is 0": [0.0] * LONG,
           "in the format: it stops at 2,048": [1 / 2048] * LONG, "in the format: it stops at 256": [1 / 256] * LONG,
           "NaN": [NAN] * LONG}, {"axis": -1}, dtypes=NARROW, otherwise="in the format: it is too small"),
    Probe("logsumexp-of-a-very-long-row", ("logsumexp",),
          f"Where is a sum of {LONG:,} ones kept, which is more than binary16 holds?", {"x": [[0.0] * LONG]},
          {"in a wider format": [math.log(LONG)], "in the format: it overflows": [INF],
           "in the format: it stops at 2,048": [math.log(2048)], "in the format: it stops at 256": [math.log(256)],
           "NaN": [NAN]}, {"axis": -1}, dtypes=NARROW, otherwise="in the format: it is too small"),
    *(
        Probe(f"python-{slug}-as-input", ("sigmoid",), f"What does a Python {kind} give instead of an array?",
              {"x": [1.0]}, {"an answer in binary64": [1 / (1 + math.exp(-1))],
               "an answer in binary32": [float(np.float32(1 / (1 + math.exp(-1))))], REFUSES: []}, dtypes=ONCE,
              tolerance=2.0**-40, calls={**{path: f"{path}({number})" for path in SIGMOIDS},
               "onnxruntime.Sigmoid": f"onnx.Sigmoid({number})"})
        for slug, kind, number in (("number", "float", "1.0"), ("integer", "integer", "1"))
    ),
    *(
        Probe(f"sign-of-zero-of-{_slug(name)}", (name,), f"Has the 0 that {what} a sign?", {"x": x},
              {"no: 0": [0.0], "yes: -0": [-0.0]}, {"axis": -1} if name == "log_softmax" else {},
              dtypes=("float32", "float16"), signs=True, otherwise="it is no 0")
        for name, what, x in (
            ("sigmoid", "sigmoid reaches at -inf", [-INF]),
            ("log_sigmoid", "log-sigmoid reaches", [2000.0]),
            ("softplus", "softplus reaches at -inf", [-INF]),
            ("hard_sigmoid", "hard sigmoid is cut at", [-4.0]),
            ("logit", "logit has at 1/2", [0.5]),
            ("log_softmax", "a row of one entry has as log-softmax", [[3.0]]),
        )
    ),
)  # fmt: skip
