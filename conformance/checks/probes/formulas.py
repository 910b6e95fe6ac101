"""What answers are made of: the textbook's formulas in binary64, and the ends that clipping leaves of [0, 1]."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from gaugeblock.reference.formats import Array, Format

ONCE = ("float32",)
"""For questions whose answer does not depend on the format."""

LN2, LN3, LN10 = math.log(2), math.log(3), math.log(10)

RIGHT, WRONG = math.log(4 / 3), math.log(4)
"""The binary loss of probability 1/4, whose logit is -ln 3, for a negative and for a positive."""

COMES_BACK: Mapping[str, list[Any]] = {
    "the mean": [(WRONG + RIGHT) / 2],
    "the sum": [WRONG + RIGHT],
    "one loss for each sample": [WRONG, RIGHT],
}
"""What comes back for two samples, one with each of these losses."""

F = "torch.nn.functional"

ROWS_OF_LOGITS: Mapping[str, str] = {
    f"{F}.cross_entropy": f"{F}.cross_entropy(logits, y_true, reduction='none')",
    "torch.nn.CrossEntropyLoss": "torch.nn.CrossEntropyLoss(reduction='none')(logits, y_true)",
    "tf.nn.softmax_cross_entropy_with_logits": "tf.nn.softmax_cross_entropy_with_logits(labels=y_true, logits=logits)",
    "optax.softmax_cross_entropy": "optax.softmax_cross_entropy(logits, y_true)",
    "optax.safe_softmax_cross_entropy": "optax.safe_softmax_cross_entropy(logits, y_true)",
    "keras.losses.categorical_crossentropy": "keras.losses.categorical_crossentropy(y_true, logits, from_logits=True)",
    "keras.losses.CategoricalCrossentropy": (
        "keras.losses.CategoricalCrossentropy(from_logits=True, reduction='none')(y_true, logits)"
    ),
}
"""The losses of rows of targets and logits with nothing but the two arrays, which are asked what they are not meant
for."""

Ends = Callable[[Format], tuple[float, float]]

CLIPS: dict[str, Ends] = {
    "clipped at 1e-7": lambda fmt: (fmt.round(1e-7), fmt.round(1 - 1e-7)),
    "clipped at the format's epsilon": lambda fmt: (fmt.epsilon, 1 - fmt.epsilon),
}
"""The smallest and the largest probability that are left."""


def flat(rows: Sequence[Sequence[Any]]) -> list[Any]:
    """Rows one after another."""
    return list(chain.from_iterable(rows))


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
    return -math.log(p) if p > 0 else math.inf


def softplus(x: float) -> float:
    """ln(1 + e^x)."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))
