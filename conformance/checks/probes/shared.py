"""What tables of probes share: names of operations, common answers, and the textbook's formulas in binary64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from gaugeblock.conformance.checks.probes.base import INF
from gaugeblock.reference.formats import Array

BINARY, BINARY_LOGITS = "binary_cross_entropy", "binary_cross_entropy_with_logits"
ROWS, ROWS_LOGITS = "categorical_cross_entropy", "categorical_cross_entropy_with_logits"
LABELS, LABELS_LOGITS = "sparse_categorical_cross_entropy", "sparse_categorical_cross_entropy_with_logits"
EITHER, EITHER_ROWS = (BINARY_LOGITS, BINARY), (ROWS_LOGITS, ROWS)

MEAN, EACH = {"reduction": "mean"}, {"reduction": "none"}

ONCE, NARROW = ("float32",), ("float16", "bfloat16")
"""For questions whose answer does not depend on the format, and those about formats that hold few numbers."""

OTHER, SILENT = "silent: another number comes back", "silent: a number comes back"

LN2, LN3, LN10 = math.log(2), math.log(3), math.log(10)

RIGHT, WRONG = math.log(4 / 3), math.log(4)
"""The binary loss of probability 1/4, whose logit is -ln 3, for a negative and for a positive."""

F = "torch.nn.functional"


def by_path(*calls: str) -> dict[str, str]:
    """Calls by the public path that each starts with."""
    return {call.partition("(")[0]: call for call in calls}


ROWS_OF_LOGITS = by_path(
    f"{F}.cross_entropy(logits, y_true, reduction='none')",
    "torch.nn.CrossEntropyLoss(reduction='none')(logits, y_true)",
    "tf.nn.softmax_cross_entropy_with_logits(labels=y_true, logits=logits)",
    "optax.softmax_cross_entropy(logits, y_true)",
    "optax.safe_softmax_cross_entropy(logits, y_true)",
    "keras.losses.categorical_crossentropy(y_true, logits, from_logits=True)",
    "keras.losses.CategoricalCrossentropy(from_logits=True, reduction='none')(y_true, logits)",
)
"""The losses of rows of targets and logits with nothing but the two arrays, which are asked what they are not meant
for."""


def softmax(x: Any, axis: int | None = -1) -> Array:
    """e^x_i / sum_j e^x_j along an axis, or over all."""
    risen = np.exp(np.asarray(x, dtype=np.float64))
    return np.asarray(risen / risen.sum(axis=axis, keepdims=True))


def log_softmax(x: Any, axis: int | None = -1) -> Array:
    """Logarithm of softmax."""
    return np.log(softmax(x, axis))


def logsumexp(x: Any, axis: int | None = -1) -> Array:
    """Logarithm of the sum of exponentials."""
    return np.asarray(np.log(np.exp(np.asarray(x, dtype=np.float64)).sum(axis=axis)))


def listed(array: Array) -> list[float]:
    """Every number, in order."""
    return [float(value) for value in np.ravel(array)]


def minus_log(p: float) -> float:
    """-ln p, infinite at 0."""
    return -math.log(p) if p > 0 else INF


def softplus(x: float) -> float:
    """ln(1 + e^x)."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))
