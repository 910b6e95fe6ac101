"""Activations: the axis they take, its size, numbers that are no arrays, and the sign of zero."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from gaugeblock.conformance.checks.probes.base import INF, NAN, REFUSES, Probe, Values
from gaugeblock.conformance.checks.probes.formulas import ONCE, listed, log_softmax, logsumexp, softmax

OVER_ROWS = {"softmax": softmax, "log_softmax": log_softmax, "logsumexp": logsumexp}

SQUARE = [[0.0, 1.0], [3.0, 5.0]]
CUBE = [[[0.0, 1.0], [3.0, 5.0]], [[2.0, 6.0], [4.0, 9.0]]]

LONG = 70_000
"""More ones than binary16 has room for in their sum."""


def _along(name: str, x: list[Any], axes: dict[str, int | None]) -> dict[str, Values]:
    answers: dict[str, Values] = {label: listed(OVER_ROWS[name](x, axis)) for label, axis in axes.items()}
    return {**answers, REFUSES: []}


AXES: dict[str, int | None] = {"the last": -1, "the first": 0, "all of them": None}

PROBES = (
    *(
        Probe(
            f"default-axis-of-{name.replace('_', '-')}",
            (name,),
            "Which axis of a matrix is taken where none is named?",
            {"x": SQUARE},
            _along(name, SQUARE, AXES),
            dtypes=ONCE,
            left_out=("axis",),
        )
        for name in OVER_ROWS
    ),
    *(
        Probe(
            f"default-axis-of-{name.replace('_', '-')}-rank-3",
            (name,),
            "Which of three axes is taken where none is named?",
            {"x": CUBE},
            _along(name, CUBE, {"the last": -1, "the middle": 1, "the first": 0, "all of them": None}),
            dtypes=ONCE,
            left_out=("axis",),
        )
        for name in OVER_ROWS
    ),
    *(
        Probe(
            f"axis-none-of-{name.replace('_', '-')}",
            (name,),
            "What does axis=None mean for a matrix?",
            {"x": SQUARE},
            _along(name, SQUARE, AXES),
            {"axis": None},
            dtypes=ONCE,
        )
        for name in OVER_ROWS
    ),
    Probe(
        "axis-of-no-entries",
        ("softmax", "log_softmax", "sparsemax"),
        "What do rows without any entry give?",
        {"x": [[], []]},
        {"an empty array": [], REFUSES: []},
        {"axis": -1},
        dtypes=ONCE,
    ),
    Probe(
        "logsumexp-of-no-entries",
        ("logsumexp",),
        "What is the log-sum-exp of a row without any entry, the logarithm of 0?",
        {"x": [[], []]},
        {"-inf": [-INF] * 2, "NaN": [NAN] * 2, "zero": [0.0] * 2, REFUSES: []},
        {"axis": -1},
        dtypes=ONCE,
        otherwise="another number",
    ),
    Probe(
        "softmax-of-a-scalar",
        ("softmax", "sparsemax"),
        "Is an array of rank 0 taken for a row of one entry?",
        {"x": 2.0},
        {"yes: 1": [1.0], REFUSES: []},
        {"axis": -1},
        dtypes=ONCE,
    ),
    Probe(
        "log-softmax-of-a-scalar",
        ("log_softmax",),
        "Is an array of rank 0 taken for a row of one entry?",
        {"x": 2.0},
        {"yes: 0": [0.0], REFUSES: []},
        {"axis": -1},
        dtypes=ONCE,
    ),
    Probe(
        "logsumexp-of-a-scalar",
        ("logsumexp",),
        "Is an array of rank 0 taken for a row of one entry?",
        {"x": 2.0},
        {"yes: the number itself": [2.0], REFUSES: []},
        {"axis": -1},
        dtypes=ONCE,
    ),
    Probe(
        "softmax-of-a-very-long-row",
        ("softmax",),
        f"Where is a sum of {LONG:,} ones kept, which is more than binary16 holds?",
        {"x": [[0.0] * LONG]},
        {
            "in a wider format": [1 / LONG] * LONG,
            "in the format: it overflows, and all is 0": [0.0] * LONG,
            "in the format: it stops at 2,048": [1 / 2048] * LONG,
            "in the format: it stops at 256": [1 / 256] * LONG,
            "NaN": [NAN] * LONG,
        },
        {"axis": -1},
        dtypes=("float16", "bfloat16"),
        otherwise="in the format: it is too small",
    ),
    Probe(
        "logsumexp-of-a-very-long-row",
        ("logsumexp",),
        f"Where is a sum of {LONG:,} ones kept, which is more than binary16 holds?",
        {"x": [[0.0] * LONG]},
        {
            "in a wider format": [math.log(LONG)],
            "in the format: it overflows": [INF],
            "in the format: it stops at 2,048": [math.log(2048)],
            "in the format: it stops at 256": [math.log(256)],
            "NaN": [NAN],
        },
        {"axis": -1},
        dtypes=("float16", "bfloat16"),
        otherwise="in the format: it is too small",
    ),
    Probe(
        "python-number-as-input",
        ("sigmoid",),
        "What does a Python float give instead of an array?",
        {"x": [1.0]},
        {
            "an answer in binary64": [1 / (1 + math.exp(-1))],
            "an answer in binary32": [float(np.float32(1 / (1 + math.exp(-1))))],
            REFUSES: [],
        },
        dtypes=ONCE,
        tolerance=2.0**-40,
        calls={
            "scipy.special.expit": "scipy.special.expit(1.0)",
            "torch.sigmoid": "torch.sigmoid(1.0)",
            "tf.math.sigmoid": "tf.math.sigmoid(1.0)",
            "jax.nn.sigmoid": "jax.nn.sigmoid(1.0)",
            "keras.ops.sigmoid": "keras.ops.sigmoid(1.0)",
            "onnxruntime.Sigmoid": "onnx.Sigmoid(1.0)",
        },
    ),
    Probe(
        "python-integer-as-input",
        ("sigmoid",),
        "What does a Python integer give instead of an array?",
        {"x": [1.0]},
        {
            "an answer in binary64": [1 / (1 + math.exp(-1))],
            "an answer in binary32": [float(np.float32(1 / (1 + math.exp(-1))))],
            REFUSES: [],
        },
        dtypes=ONCE,
        tolerance=2.0**-40,
        calls={
            "scipy.special.expit": "scipy.special.expit(1)",
            "torch.sigmoid": "torch.sigmoid(1)",
            "tf.math.sigmoid": "tf.math.sigmoid(1)",
            "jax.nn.sigmoid": "jax.nn.sigmoid(1)",
            "keras.ops.sigmoid": "keras.ops.sigmoid(1)",
            "onnxruntime.Sigmoid": "onnx.Sigmoid(1)",
        },
    ),
    *(
        Probe(
            f"sign-of-zero-of-{name.replace('_', '-')}",
            (name,),
            f"Has the 0 that {told} a sign?",
            {"x": x},
            {"no: 0": [0.0], "yes: -0": [-0.0]},
            {"axis": -1} if name == "log_softmax" else {},
            dtypes=("float32", "float16"),
            signs=True,
            otherwise="it is no 0",
        )
        for name, told, x in (
            ("sigmoid", "sigmoid reaches at -inf", [-INF]),
            ("log_sigmoid", "log-sigmoid reaches", [2000.0]),
            ("softplus", "softplus reaches at -inf", [-INF]),
            ("hard_sigmoid", "hard sigmoid is cut at", [-4.0]),
            ("logit", "logit has at 1/2", [0.5]),
            ("log_softmax", "a row of one entry has as log-softmax", [[3.0]]),
        )
    ),
)
