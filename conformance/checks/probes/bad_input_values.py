"""Bad input: shapes that do not belong together, ranks and axes that are wrong, labels in place of rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from gaugeblock.conformance.checks.probes.base import REFUSES, Probe, Values
from gaugeblock.conformance.checks.probes.formulas import LN3, ONCE, RIGHT, ROWS_OF_LOGITS, WRONG, F

BINARY, BINARY_LOGITS = "binary_cross_entropy", "binary_cross_entropy_with_logits"
ROWS, ROWS_LOGITS = "categorical_cross_entropy", "categorical_cross_entropy_with_logits"
LABELS_LOGITS = "sparse_categorical_cross_entropy_with_logits"
EITHER, EITHER_ROWS = (BINARY_LOGITS, BINARY), (ROWS_LOGITS, ROWS)

SILENT = "silent: a number comes back"
MEAN = {"reduction": "mean"}
EACH = {"reduction": "none"}

AS_WRITTEN: Mapping[str, Mapping[str, str]] = {
    BINARY: {
        "numpy.textbook": "-(y_true * numpy.log(y_pred) + (1 - y_true) * numpy.log(1 - y_pred))",
        "sklearn.metrics.log_loss": "sklearn.metrics.log_loss(y_true, y_pred)",
        f"{F}.binary_cross_entropy": f"{F}.binary_cross_entropy(y_pred, y_true, reduction='none')",
        "torch.nn.BCELoss": "torch.nn.BCELoss(reduction='none')(y_pred, y_true)",
        "keras.losses.binary_crossentropy": "keras.losses.binary_crossentropy(y_true, y_pred)",
        "keras.losses.BinaryCrossentropy": "keras.losses.BinaryCrossentropy()(y_true, y_pred)",
        "keras.metrics.BinaryCrossentropy": "keras.metrics.BinaryCrossentropy()(y_true, y_pred)",
    },
    BINARY_LOGITS: {
        "numpy.stable": "numpy.logaddexp(0, logits) - logits * y_true",
        f"{F}.binary_cross_entropy_with_logits": (
            f"{F}.binary_cross_entropy_with_logits(logits, y_true, reduction='none')"
        ),
        "torch.nn.BCEWithLogitsLoss": "torch.nn.BCEWithLogitsLoss(reduction='none')(logits, y_true)",
        "tf.nn.sigmoid_cross_entropy_with_logits": (
            "tf.nn.sigmoid_cross_entropy_with_logits(labels=y_true, logits=logits)"
        ),
        "tf.nn.weighted_cross_entropy_with_logits": (
            "tf.nn.weighted_cross_entropy_with_logits(labels=y_true, logits=logits, pos_weight=1.0)"
        ),
        "optax.sigmoid_binary_cross_entropy": "optax.sigmoid_binary_cross_entropy(logits, y_true)",
        "keras.losses.binary_crossentropy": "keras.losses.binary_crossentropy(y_true, logits, from_logits=True)",
        "keras.losses.BinaryCrossentropy": "keras.losses.BinaryCrossentropy(from_logits=True)(y_true, logits)",
        "keras.metrics.BinaryCrossentropy": "keras.metrics.BinaryCrossentropy(from_logits=True)(y_true, logits)",
    },
    ROWS: {
        "numpy.textbook": "-(y_true * numpy.log(y_pred)).sum(axis=1)",
        "keras.losses.categorical_crossentropy": "keras.losses.categorical_crossentropy(y_true, y_pred)",
        "keras.losses.CategoricalCrossentropy": (
            "keras.losses.CategoricalCrossentropy(reduction='none')(y_true, y_pred)"
        ),
    },
    ROWS_LOGITS: ROWS_OF_LOGITS,
}
"""The calls as they are usually written, without columns made of vectors."""

# Each target beside its own probability costs as much as the others; beside another's it may not.
PAIRS = [1.0, 0.0, 1.0]
BESIDE = {"y_pred": [0.25, 0.75, 0.25], "logits": [-LN3, LN3, -LN3]}
TABLE = [[WRONG, RIGHT, WRONG], [RIGHT, WRONG, RIGHT], [WRONG, RIGHT, WRONG]]
BY_ROW = [(2 * WRONG + RIGHT) / 3, (WRONG + 2 * RIGHT) / 3, (2 * WRONG + RIGHT) / 3]

OF_SHAPES: dict[str, Values] = {
    REFUSES: [],
    "as pairs": [WRONG] * 3,
    "as pairs: their mean": [WRONG],
    "silent: broadcast to (N, N)": [each for row in TABLE for each in row],
    "silent: broadcast to (N, N), the mean over rows": BY_ROW,
    "silent: broadcast to (N, N), the mean over all": [sum(BY_ROW) / 3],
}


def _column(values: list[Any]) -> list[Any]:
    return [[value] for value in values]


PROBES = (
    *(
        Probe(
            f"vector-of-targets-and-column-of-{slug}",
            (name,),
            f"What do targets of shape (N,) and {slug} of shape (N, 1) give?",
            {"y_true": PAIRS, **{given: _column(values) for given, values in BESIDE.items()}},
            OF_SHAPES,
            dtypes=ONCE,
            calls=AS_WRITTEN[name],
        )
        for slug, name in (("probabilities", BINARY), ("logits", BINARY_LOGITS))
    ),
    *(
        Probe(
            f"column-of-targets-and-vector-of-{slug}",
            (name,),
            f"What do targets of shape (N, 1) and {slug} of shape (N,) give?",
            {"y_true": _column(PAIRS), **BESIDE},
            OF_SHAPES,
            dtypes=ONCE,
            calls=AS_WRITTEN[name],
        )
        for slug, name in (("probabilities", BINARY), ("logits", BINARY_LOGITS))
    ),
    *(
        Probe(
            f"fewer-targets-than-{slug}",
            (name,),
            f"What do two targets and three {slug} give?",
            {"y_true": [1.0, 0.0], **BESIDE},
            {REFUSES: []},
            dtypes=ONCE,
            calls=AS_WRITTEN[name],
            otherwise=SILENT,
        )
        for slug, name in (("probabilities", BINARY), ("logits", BINARY_LOGITS))
    ),
    *(
        Probe(
            f"one-target-for-all-{slug}",
            (name,),
            f"What do one target and three {slug} give?",
            {"y_true": [1.0], **BESIDE},
            {
                REFUSES: [],
                "silent: the target is repeated": [WRONG, RIGHT, WRONG],
                "silent: the target is repeated, the mean": [(2 * WRONG + RIGHT) / 3],
            },
            dtypes=ONCE,
            calls=AS_WRITTEN[name],
            otherwise=SILENT,
        )
        for slug, name in (("probabilities", BINARY), ("logits", BINARY_LOGITS))
    ),
    Probe(
        "fewer-weights-than-samples",
        EITHER,
        "What do two weights for three samples give?",
        {"y_true": PAIRS, **BESIDE, "sample_weight": [1.0, 2.0]},
        {REFUSES: []},
        MEAN,
        dtypes=ONCE,
        otherwise=SILENT,
    ),
    Probe(
        "column-of-weights",
        EITHER,
        "What do weights of shape (N, 1) for losses of shape (N,) give?",
        {
            "y_true": [1.0, 0.0],
            "y_pred": [0.25, 0.25],
            "logits": [-LN3, -LN3],
            "sample_weight": [[1.0], [3.0]],
        },
        {
            REFUSES: [],
            "as one for each sample": [(WRONG + 3 * RIGHT) / 2],
            "as one for each sample, over their sum": [(WRONG + 3 * RIGHT) / 4],
            "silent: broadcast to (N, N)": [WRONG + RIGHT],
        },
        MEAN,
        dtypes=ONCE,
        otherwise=SILENT,
    ),
    Probe(
        "rows-of-other-numbers-of-classes",
        EITHER_ROWS,
        "What do targets of three classes and predictions of two give?",
        {"y_true": [[1.0, 0.0, 0.0]] * 2, "y_pred": [[0.5, 0.5]] * 2, "logits": [[0.0, 0.0]] * 2},
        {REFUSES: []},
        EACH,
        dtypes=ONCE,
        otherwise=SILENT,
    ),
    Probe(
        "one-row-of-targets-for-all",
        EITHER_ROWS,
        "What do one row of targets and two of predictions give?",
        {"y_true": [[1.0, 0.0]], "y_pred": [[0.75, 0.25], [0.25, 0.75]], "logits": [[LN3, 0.0], [-LN3, 0.0]]},
        {REFUSES: [], "silent: the row is repeated": [RIGHT, WRONG]},
        EACH,
        dtypes=ONCE,
        otherwise=SILENT,
    ),
    Probe(
        "row-without-a-batch",
        EITHER_ROWS,
        "What does a single row of shape (C,) give?",
        {"y_true": [1.0, 0.0], "y_pred": [0.25, 0.75], "logits": [-LN3, 0.0]},
        {"its loss": [WRONG], REFUSES: []},
        EACH,
        dtypes=ONCE,
        otherwise=SILENT,
    ),
    Probe(
        "row-without-a-batch-and-label",
        (LABELS_LOGITS,),
        "What do a single row of shape (C,) and a label of shape () give?",
        {"labels": 0, "logits": [-LN3, 0.0]},
        {"its loss": [WRONG], REFUSES: []},
        EACH,
        dtypes=ONCE,
        otherwise=SILENT,
    ),
    *(
        Probe(
            f"labels-beside-rows-of-{slug}",
            (name,),
            "What do integer labels of shape (N,) give where rows are due, N not being the number of classes?",
            {"y_true": [1, 0, 1], "y_pred": [[0.75, 0.25]] * 3, "logits": [[0.0, -LN3]] * 3},
            {REFUSES: [], "taken for labels": [WRONG, RIGHT, WRONG]},
            dtypes=ONCE,
            given_as={"y_true": "int64"},
            calls=AS_WRITTEN[name],
            otherwise=SILENT,
        )
        for slug, name in (("probabilities", ROWS), ("logits", ROWS_LOGITS))
    ),
    *(
        Probe(
            f"as-many-labels-as-classes-beside-{slug}",
            (name,),
            "What do integer labels of shape (N,) give where rows are due, N being the number of classes?",
            {
                "y_true": [1, 0],
                "y_pred": [[0.75, 0.25], [0.25, 0.75]],
                "logits": [[0.0, -LN3], [-LN3, 0.0]],
            },
            {REFUSES: [], "taken for labels": [WRONG, WRONG], "silent: taken for one row for all": [RIGHT, WRONG]},
            dtypes=ONCE,
            given_as={"y_true": "int64"},
            calls=AS_WRITTEN[name],
            otherwise=SILENT,
        )
        for slug, name in (("probabilities", ROWS), ("logits", ROWS_LOGITS))
    ),
    *(
        Probe(
            f"{slug}-rows-given-to-a-loss-of-labels",
            (LABELS_LOGITS,),
            f"What do one-hot rows of {kind} numbers give where labels are due?",
            {"labels": [[0, 1], [1, 0], [0, 1]], "logits": [[0.0, -LN3]] * 3},
            {REFUSES: [], "taken for rows": [WRONG, RIGHT, WRONG]},
            EACH,
            dtypes=ONCE,
            given_as={"labels": dtype},
            otherwise=SILENT,
        )
        for slug, kind, dtype in (("integer", "whole", "int64"), ("float", "floating-point", "float32"))
    ),
    Probe(
        "axis-beyond-the-rank",
        ("softmax", "log_softmax", "logsumexp", "sparsemax"),
        "What does the third axis of a matrix give?",
        {"x": [[0.0, 0.0], [0.0, 0.0]]},
        {REFUSES: []},
        {"axis": 2},
        dtypes=ONCE,
        otherwise=SILENT,
    ),
    Probe(
        "mask-of-another-length",
        ("masked_softmax", "masked_log_softmax", "masked_logsumexp"),
        "What does a mask of two entries for rows of three give?",
        {"mask": [[True, False]], "x": [[0.0, 0.0, 0.0]]},
        {REFUSES: []},
        dtypes=ONCE,
        given_as={"mask": "bool"},
        otherwise=SILENT,
    ),
    Probe(
        "mask-of-one-entry",
        ("masked_softmax",),
        "What does a mask of one entry, which is false, for rows of three give?",
        {"mask": [[False]], "x": [[0.0, 0.0, 0.0]]},
        {
            REFUSES: [],
            "as of a mask of three": [math.nan] * 3,
            "zero everywhere": [0.0] * 3,
            "a third each": [1 / 3] * 3,
        },
        dtypes=ONCE,
        given_as={"mask": "bool"},
        otherwise=SILENT,
    ),
)
