"""Losses of one sample; the engine applies the reduction over samples.

A convention that a framework follows (clipping, normalisation) is a parameter here, off by default.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from flint import arb
from trueline.reference.activations import BHH, GBC, spread
from trueline.reference.balls import INFINITY, Ball, exp, log, maximum, minimum, times, total
from trueline.reference.formats import Array
from trueline.reference.operations import Bound, define

BISHOP = "Bishop, Pattern Recognition and Machine Learning, Springer, 2006"

Interval = tuple[Ball, Ball]
WHOLE: Interval = (-INFINITY, INFINITY)


def clamp(x: Ball, interval: Interval) -> Ball:
    """x moved to the nearest end of the interval if it lies outside."""
    return minimum(maximum(x, interval[0]), interval[1])


def _sigmoid(z: Array) -> Array:
    with np.errstate(over="ignore"):
        return np.asarray(1 / (1 + np.exp(-z)))


def _soft_probability_gradient(y_true: Array, y_pred: Array, cotangent: Array) -> Array:
    with np.errstate(all="ignore"):
        parts = np.abs(y_true / y_pred) + np.abs((1 - y_true) / (1 - y_pred))
    return np.asarray(np.abs(cotangent) * np.nan_to_num(parts, posinf=0.0))


def _bce_logits(y_true: Array, logits: Array) -> Array:
    soft = (y_true != 0) & (y_true != 1)
    return np.asarray(np.nan_to_num(np.abs(y_true * logits) * soft, posinf=0.0))


def _bce_logits_gradient(y_true: Array, logits: Array, cotangent: Array) -> Array:
    soft = (y_true != 0) & (y_true != 1)
    return np.asarray(
        np.abs(cotangent) * soft * (y_true * _sigmoid(-logits) + (1 - y_true) * _sigmoid(logits)) * (2 + np.abs(logits))
    )


def _cce(y_true: Array, y_pred: Array, *, normalise: bool = False) -> Array:
    """Dividing by the row's sum rounds each p once, which costs u in log p; a p taken as given is exact."""
    return np.asarray(np.abs(y_true).sum(axis=-1) * normalise + 0 * y_pred[..., 0])


def _cce_gradient(y_true: Array, y_pred: Array, cotangent: Array) -> Array:
    with np.errstate(all="ignore"):
        ratio = np.nan_to_num(np.abs(y_true / y_pred), posinf=0.0)
    return np.asarray(np.abs(cotangent)[..., None] * (ratio + np.abs(y_true).sum(axis=-1, keepdims=True)))


def _cce_logits(y_true: Array, logits: Array) -> Array:
    _, d, condition = spread(logits)
    return np.asarray(np.sum(np.abs(y_true) * (1 + condition + np.log(np.exp(d).sum(axis=-1, keepdims=True))), axis=-1))


def _cce_logits_gradient(y_true: Array, logits: Array, cotangent: Array) -> Array:
    p, _, condition = spread(logits)
    weight = np.abs(y_true)
    return np.asarray(
        np.abs(cotangent)[..., None] * (p * weight.sum(axis=-1, keepdims=True) * (2 + condition) + weight)
    )


def _one_hot(labels: Array, like: Array) -> Array:
    return np.asarray(np.arange(like.shape[-1]) == labels[..., None], dtype=np.float64)


def _sparse(labels: Array, logits: Array) -> Array:
    return _cce_logits(_one_hot(labels, logits), logits)


def _sparse_gradient(labels: Array, logits: Array, cotangent: Array) -> Array:
    return _cce_logits_gradient(_one_hot(labels, logits), logits, cotangent)


@define(
    "loss",
    "(),()->()",
    source=f"{BISHOP}, eq. 4.90",
    bound=Bound(
        4,
        "log p and log1p(-p) are accurate in ULP of the loss, and their terms have one sign",
    ),
    gradient_bound=Bound(
        8, "-t/p + (1-t)/(1-p), whose terms cancel for soft targets alone", _soft_probability_gradient
    ),
)
def binary_cross_entropy(y_true: Ball, y_pred: Ball, *, clip: Interval = WHOLE, log_floor: Ball = -INFINITY) -> Ball:
    """Binary cross-entropy of a probability, -(t log p + (1 - t) log(1 - p)), with 0 log 0 = 0."""
    p = clamp(y_pred, clip)
    return -(times(y_true, maximum(log(p), log_floor)) + times(1 - y_true, maximum(log(1 - p), log_floor)))


@define(
    "loss",
    "(),()->()",
    source=f"{BISHOP}, eq. 4.90 with eq. 4.59",
    bound=Bound(6, "two softplus terms of one sign; a soft target's own rounding weighs |t z|", _bce_logits),
    gradient_bound=Bound(
        8,
        "-t sigmoid(-z) + (1-t) sigmoid(z), whose terms cancel for soft targets alone",
        _bce_logits_gradient,
    ),
)
def binary_cross_entropy_with_logits(y_true: Ball, logits: Ball) -> Ball:
    """Binary cross-entropy of a logit, t log(1 + e^-z) + (1 - t) log(1 + e^z)."""
    return times(y_true, log(1 + exp(-logits))) + times(1 - y_true, log(1 + exp(logits)))


@define(
    "loss",
    "(c),(c)->()",
    source=f"{BISHOP}, eq. 4.108",
    bound=Bound(
        4,
        "log p is accurate in its own ULP and the sum has one sign; a normalised p is rounded once, which costs u",
        _cce,
    ),
    gradient_bound=Bound(8, "-t/p, and minus its mean where the row is normalised", _cce_gradient),
)
def categorical_cross_entropy(
    y_true: Sequence[Ball], y_pred: Sequence[Ball], *, normalise: bool = False, clip: Interval = WHOLE
) -> Ball:
    """Cross-entropy of a row of probabilities, -sum_c t_c log p_c, with 0 log 0 = 0."""
    scale = total(y_pred) if normalise else arb(1)
    return -total([times(t, log(clamp(p / scale, clip))) for t, p in zip(y_true, y_pred, strict=True)])


@define(
    "loss",
    "(c),(c)->()",
    source=f"{GBC}, eq. 6.30",
    bound=Bound(6, f"condition of log-softmax, weighted by the targets ({BHH})", _cce_logits),
    gradient_bound=Bound(8, "p_c sum(t) - t_c with the condition of softmax", _cce_logits_gradient),
)
def categorical_cross_entropy_with_logits(y_true: Sequence[Ball], logits: Sequence[Ball]) -> Ball:
    """Cross-entropy of a row of logits, -sum_c t_c log softmax(z)_c, with 0 log 0 = 0."""
    partition = log(total([exp(z) for z in logits]))
    return -total([times(t, z - partition) for t, z in zip(y_true, logits, strict=True)])


@define(
    "loss",
    "(),(c)->()",
    source=f"{GBC}, eq. 6.30",
    integers=frozenset({"labels"}),
    bound=Bound(6, f"condition of log-softmax at the label ({BHH})", _sparse),
    gradient_bound=Bound(8, "p_c - [c = label] with the condition of softmax", _sparse_gradient),
)
def sparse_categorical_cross_entropy_with_logits(labels: int, logits: Sequence[Ball]) -> Ball:
    """Cross-entropy of a row of logits for an integer label, -log softmax(z)_label."""
    return log(total([exp(z) for z in logits])) - logits[labels]
