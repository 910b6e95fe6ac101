"""Activations: infinities and NaN in a row, masks, slopes, and digits that are lost."""

from __future__ import annotations

import math

from gaugeblock.conformance.checks.probes.base import INF, NAN, REFUSES, Probe
from gaugeblock.conformance.checks.probes.formulas import LN2, LN3, LN10, softplus
from gaugeblock.reference.formats import Format


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
        "two-plus-inf-in-log-softmax",
        ("log_softmax",),
        "What do two logits of +inf give? There is no limit.",
        {"x": [[INF, INF, 1.0]]},
        {
            "NaN everywhere": [NAN] * 3,
            "a half each": [-LN2, -LN2, -INF],
            "NaN at the infinities": [NAN, NAN, -INF],
        },
        {"axis": -1},
    ),
    Probe(
        "plus-inf-in-sparsemax",
        ("sparsemax",),
        "What does one entry of +inf give? The limit is one-hot.",
        {"x": [[0.0, INF, 1.0]]},
        {"NaN everywhere": [NAN] * 3, "the limit": [0.0, 1.0, 0.0], "NaN at the infinity": [0.0, NAN, 0.0]},
        {"axis": -1},
        otherwise="other numbers",
    ),
    Probe(
        "minus-inf-in-sparsemax",
        ("sparsemax",),
        "Does an entry of -inf get 0 and leave the others alone?",
        {"x": [[0.0, -INF, 0.0]]},
        {"yes": [0.5, 0.0, 0.5], "no: NaN everywhere": [NAN] * 3, "no: NaN at the infinity": [0.5, NAN, 0.5]},
        {"axis": -1},
        otherwise="no: other numbers",
    ),
    Probe(
        "row-of-minus-inf",
        ("softmax",),
        "What is the softmax of a row that is -inf everywhere? There is no limit.",
        {"x": [[-INF] * 3]},
        {"NaN": [NAN] * 3, "zero everywhere": [0.0] * 3, "a third each": [1 / 3] * 3},
        {"axis": -1},
    ),
    Probe(
        "row-of-minus-inf-in-log-softmax",
        ("log_softmax",),
        "What is the log-softmax of a row that is -inf everywhere? There is no limit.",
        {"x": [[-INF] * 3]},
        {"NaN": [NAN] * 3, "-inf everywhere": [-INF] * 3, "-ln 3 each": [-LN3] * 3},
        {"axis": -1},
    ),
    Probe(
        "row-of-minus-inf-in-logsumexp",
        ("logsumexp",),
        "What is the log-sum-exp of a row that is -inf everywhere, the logarithm of 0?",
        {"x": [[-INF] * 3]},
        {"-inf": [-INF], "NaN": [NAN]},
        {"axis": -1},
    ),
    *(
        Probe(
            f"nan-in-a-row-of-{name.replace('_', '-')}",
            (name,),
            "Does a NaN spread over its row, and over its row only?",
            {"x": [[0.0, NAN, 1.0], [0.0, 0.0, 0.0]]},
            {
                "over its row only": [*[NAN] * width, *[other] * width],
                "over every row": [NAN] * 2 * width,
                **{label: [*row, *[other] * width] for label, row in more.items()},
            },
            {"axis": -1},
        )
        for name, width, other, more in (
            ("softmax", 3, 1 / 3, {"NaN there, 0 beside it": [0.0, NAN, 0.0]}),
            ("log_softmax", 3, -LN3, {"NaN there, as of a sum of 1e-20 beside it": [20 * LN10 - 1, NAN, 20 * LN10]}),
            ("logsumexp", 1, LN3, {"it is passed over": [1 + math.log1p(math.exp(-1))]}),
            (
                "sparsemax",
                3,
                1 / 3,
                {
                    "NaN there, it is left out beside it": [0.0, NAN, 1.0],
                    "NaN there, infinite beside it": [INF, NAN, INF],
                },
            ),
        )
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
    Probe(
        "hard-sigmoid-slope",
        ("hard_sigmoid",),
        "Which slope does the line through 1/2 have, and where is it cut?",
        {"x": [1.0, 2.75, -2.75, 3.5, -3.5]},
        {
            "1/6, cut at -3 and 3": [2 / 3, 5.75 / 6, 0.25 / 6, 1.0, 0.0],
            "1/5, cut at -2.5 and 2.5": [0.7, 1.0, 0.0, 1.0, 0.0],
        },
    ),
    Probe(
        "hard-sigmoid-default-slope",
        ("hard_sigmoid",),
        "Which slope is taken where none is named?",
        {"x": [1.0, 2.75, -2.75, 3.5, -3.5]},
        {
            "1/6, cut at -3 and 3": [2 / 3, 5.75 / 6, 0.25 / 6, 1.0, 0.0],
            "1/5, cut at -2.5 and 2.5": [0.7, 1.0, 0.0, 1.0, 0.0],
        },
        left_out=("width",),
    ),
    Probe(
        "softplus-above-twenty",
        ("softplus",),
        "What is added to x above 20, where binary64 still holds it?",
        {"x": [19.5, 20.5, 30.0]},
        {
            "what the definition says": [softplus(19.5), softplus(20.5), softplus(30.0)],
            "nothing: linear above 20": [softplus(19.5), 20.5, 30.0],
        },
        right=("what the definition says",),
        dtypes=("float64",),
        tolerance=2.0**-48,
    ),
    Probe(
        "softplus-threshold-is-of",
        ("softplus",),
        "Is softplus with beta = 2 linear above a threshold of beta * x, or of x?",
        {"x": [24.0]},
        {
            "beta * x": [24.0],
            "x": [softplus(24.0)],
        },
        dtypes=("float64",),
        tolerance=2.0**-48,
        calls={
            "torch.nn.functional.softplus": "2 * torch.nn.functional.softplus(x / 2, beta=2)",
            "torch.nn.Softplus": "2 * torch.nn.Softplus(beta=2)(x / 2)",
        },
    ),
    Probe(
        "masked-entry-of-softmax",
        ("masked_softmax",),
        "What is the value of a masked entry?",
        {"mask": [[True, False, True]], "x": [[1.0, 2.0, 1.0]]},
        {"zero": [0.5, 0.0, 0.5], "NaN": [0.5, NAN, 0.5]},
        given_as={"mask": "bool"},
        otherwise="a small number",
    ),
    Probe(
        "masked-entry-of-log-softmax",
        ("masked_log_softmax",),
        "What is the value of a masked entry?",
        {"mask": [[True, False, True]], "x": [[1.0, 2.0, 1.0]]},
        {
            "-inf": [-LN2, -INF, -LN2],
            "zero": [-LN2, 0.0, -LN2],
            "NaN": [-LN2, NAN, -LN2],
            "as if it took part": [-LN2, 1 - LN2, -LN2],
        },
        given_as={"mask": "bool"},
        otherwise="a large negative number",
    ),
    Probe(
        "all-masked-row-of-softmax",
        ("masked_softmax",),
        "What does a row give of which nothing takes part?",
        {"mask": [[False, False]], "x": [[1.0, 1.0]]},
        {"NaN": [NAN] * 2, "zero everywhere": [0.0] * 2, "as if nothing were masked": [0.5] * 2},
        given_as={"mask": "bool"},
    ),
    Probe(
        "all-masked-row-of-log-softmax",
        ("masked_log_softmax",),
        "What does a row give of which nothing takes part?",
        {"mask": [[False, False]], "x": [[1.0, 1.0]]},
        {
            "NaN": [NAN] * 2,
            "-inf everywhere": [-INF] * 2,
            "zero everywhere": [0.0] * 2,
            "as if nothing were masked": [-LN2] * 2,
        },
        given_as={"mask": "bool"},
    ),
    Probe(
        "all-masked-row-of-logsumexp",
        ("masked_logsumexp",),
        "What does a row give of which nothing takes part: the logarithm of 0?",
        {"mask": [[False, False]], "x": [[1.0, 1.0]]},
        {"-inf": [-INF], "NaN": [NAN], "as if nothing were masked": [1 + LN2]},
        given_as={"mask": "bool"},
    ),
    Probe(
        "sparsemax-is-a-projection",
        ("sparsemax",),
        "Is sparsemax the projection onto the simplex: not negative, with a sum of 1, and nearest?",
        {"x": [[1.0, 0.5, -1.0], [0.25, 0.25, 0.25], [2.0, 0.5, 0.0]]},
        {"yes": [0.75, 0.25, 0.0, *[1 / 3] * 3, 1.0, 0.0, 0.0]},
        {"axis": -1},
        right=("yes",),
        otherwise="no",
    ),
    Probe(
        "temperature-of-zero",
        ("softmax_with_temperature",),
        "What does a temperature of 0 give? The limit is one-hot.",
        {"x": [[-1.0, 1.0]]},
        {"NaN": [NAN] * 2, "the limit": [0.0, 1.0], "NaN at the largest": [0.0, NAN], REFUSES: []},
        {"axis": -1, "temperature": 0.0},
    ),
)
