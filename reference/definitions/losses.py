"""Losses of one sample; the engine applies the reduction over samples.

A row has shape (c,) for c classes. What frameworks do differently (clipping, normalisation) is a parameter here,
off by default.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from flint import arb
from gaugeblock.reference.balls import INFINITY, Ball, exp, log, maximum, minimum, times, total
from gaugeblock.reference.definitions.activations import BHH, GBC, spread
from gaugeblock.reference.formats import Array
from gaugeblock.reference.operations import Bound, Weighted, loss
from gaugeblock.reference.summation import Sums

BISHOP = "Bishop, Pattern Recognition and Machine Learning, Springer, 2006"

Interval = tuple[Ball, Ball]
WHOLE: Interval = (-INFINITY, INFINITY)
ZERO, ONE = arb(0), arb(1)


def clamp(x: Ball, interval: Interval) -> Ball:
    """x moved to the nearest end of the interval if it lies outside."""
    return minimum(maximum(x, interval[0]), interval[1])


def _smoothed_binary(y_true: Array, label_smoothing: float) -> Array:
    return np.asarray(y_true * (1 - label_smoothing) + label_smoothing / 2)


def _bce_gradient(y_true: Array, y_pred: Array, cotangent: Array, *, label_smoothing: float = 0.0) -> Array:
    t = _smoothed_binary(y_true, label_smoothing)
    parts = np.abs(t / y_pred) + np.abs((1 - t) / (1 - y_pred))
    return np.asarray(np.abs(cotangent) * np.nan_to_num(parts, posinf=0.0))


def _bce_logits(
    y_true: Array,
    logits: Array,
    cotangent: Array | None = None,
    *,
    label_smoothing: float = 0.0,
    pos_weight: float = 1.0,
) -> Array:
    t = _smoothed_binary(y_true, label_smoothing)
    soft = (t != 0) & (t != 1)
    if cotangent is None:
        return np.asarray(max(1, pos_weight) * np.nan_to_num(np.abs(t * logits) * soft, posinf=0.0))
    terms = pos_weight * t * (1 / (1 + np.exp(logits))) + (1 - t) * (1 / (1 + np.exp(-logits)))
    return np.asarray(np.abs(cotangent) * soft * terms * (2 + np.abs(logits)))


def _weights(y_true: Array, label_smoothing: float, class_weight: Sequence[float] | None = None) -> Array:
    """Size of each class's share in the loss."""
    share = np.abs(y_true) * (1 - label_smoothing) + label_smoothing / y_true.shape[-1]
    return np.asarray(share if class_weight is None else share * np.abs(class_weight))


def _cce(
    y_true: Array,
    y_pred: Array,
    cotangent: Array | None = None,
    *,
    label_smoothing: float = 0.0,
    normalise: bool = False,
) -> Array:
    """Dividing by the row's sum rounds each p once, which costs u in log p; without it, p is exact."""
    weight = _weights(y_true, label_smoothing)
    if cotangent is None:
        return np.asarray(weight.sum(axis=-1) * normalise + 0 * y_pred[..., 0])
    ratio = np.nan_to_num(np.abs(weight / y_pred), posinf=0.0)
    return np.asarray(np.abs(cotangent)[..., None] * (ratio + weight.sum(axis=-1, keepdims=True)))


def _cce_logits(
    y_true: Array,
    logits: Array,
    cotangent: Array | None = None,
    *,
    label_smoothing: float = 0.0,
    class_weight: Sequence[float] | None = None,
    sums: Sums,
) -> Array:
    p, d, condition = spread(logits, sums=sums)
    weight = _weights(y_true, label_smoothing, class_weight)
    if cotangent is None:
        return np.asarray(np.sum(weight * (1 + condition + np.log(np.exp(d).sum(axis=-1, keepdims=True))), axis=-1))
    each = p * weight.sum(axis=-1, keepdims=True) * (2 + condition) + weight
    return np.asarray(np.abs(cotangent)[..., None] * each)


def one_hot(labels: Array, like: Array) -> Array:
    """Rows like those of `like`, binary64, 1 at each label and 0 elsewhere; all 0 for a label of no class."""
    return np.asarray(np.arange(like.shape[-1]) == labels[..., None], dtype=np.float64)


def _sparse_logits(
    labels: Array,
    logits: Array,
    *cotangent: Array,
    label_smoothing: float = 0.0,
    class_weight: Sequence[float] | None = None,
    ignore_index: int | None = None,
    sums: Sums,
) -> Array:
    """As for one-hot rows, with zeros for the logits of samples that do not count."""
    rows = one_hot(labels, logits), np.where((labels == ignore_index)[..., None], 0.0, logits)
    return _cce_logits(*rows, *cotangent, label_smoothing=label_smoothing, class_weight=class_weight, sums=sums)


def _sparse(labels: Array, y_pred: Array, *cotangent: Array, normalise: bool = False) -> Array:
    return _cce(one_hot(labels, y_pred), y_pred, *cotangent, normalise=normalise)


def smoothed(y_true: Sequence[Ball], label_smoothing: Ball) -> list[Ball]:
    """A row of targets mixed with the uniform distribution (Szegedy et al., CVPR 2016, section 7)."""
    return [t * (1 - label_smoothing) + label_smoothing / len(y_true) for t in y_true]


@loss(
    "target(), probability() -> ()",
    source=f"{BISHOP}, eq. 4.90",
    bound=Bound(4, "log p and log1p(-p) are accurate in ULP of the loss, and their terms have one sign"),
    gradient_bound=Bound(8, "-t/p + (1-t)/(1-p), whose terms cancel for soft targets alone", _bce_gradient),
    asks=({"label_smoothing": 0.125},),
)
def binary_cross_entropy(
    y_true: Ball,
    y_pred: Ball,
    *,
    label_smoothing: Ball = ZERO,
    clip: Interval = WHOLE,
    log_floor: Ball = -INFINITY,
) -> Ball:
    """Binary cross-entropy of a probability, -(t log p + (1 - t) log(1 - p)), with 0 log 0 = 0.

    Args:
        label_smoothing: s, by which a target t becomes (1 - s) t + s / 2.
        clip: interval into which p is moved; a number e stands for [e, 1 - e].
        log_floor: lower bound of log p and log(1 - p), to which smaller values are raised.
    """
    t = y_true * (1 - label_smoothing) + label_smoothing / 2
    p = clamp(y_pred, clip)
    return -(times(t, maximum(log(p), log_floor)) + times(1 - t, maximum(log(1 - p), log_floor)))


@loss(
    "target(), real() -> ()",
    source=f"{BISHOP}, eq. 4.90 with eq. 4.59",
    bound=Bound(6, "two softplus terms of one sign; a soft target's own rounding weighs |t z|", _bce_logits),
    gradient_bound=Bound(
        8, "-t sigmoid(-z) + (1-t) sigmoid(z), whose terms cancel for soft targets alone", _bce_logits
    ),
    asks=({"pos_weight": 2.0}, {"pos_weight": 0.25}, {"label_smoothing": 0.125}),
)
def binary_cross_entropy_with_logits(
    y_true: Ball, logits: Ball, *, label_smoothing: Ball = ZERO, pos_weight: Ball = ONE
) -> Ball:
    """Binary cross-entropy of a logit, w t log(1 + e^-z) + (1 - t) log(1 + e^z).

    Args:
        label_smoothing: s, by which a target t becomes (1 - s) t + s / 2.
        pos_weight: w, the factor of the positive label's term, a number.
    """
    t = y_true * (1 - label_smoothing) + label_smoothing / 2
    return pos_weight * times(t, log(1 + exp(-logits))) + times(1 - t, log(1 + exp(logits)))


@loss(
    "distribution(c), probabilities(c) -> ()",
    source=f"{BISHOP}, eq. 4.108",
    bound=Bound(
        4,
        "log p is accurate in its own ULP and the sum has one sign; a normalised p is rounded once, which costs u",
        _cce,
    ),
    gradient_bound=Bound(8, "-t/p, and minus its mean where the row is normalised", _cce),
    asks=({"label_smoothing": 0.125},),
)
def categorical_cross_entropy(
    y_true: Sequence[Ball],
    y_pred: Sequence[Ball],
    *,
    label_smoothing: Ball = ZERO,
    normalise: bool = False,
    clip: Interval = WHOLE,
) -> Ball:
    """Cross-entropy of a row of probabilities, -sum_c t_c log p_c, with 0 log 0 = 0.

    Args:
        label_smoothing: s, by which the targets become (1 - s) t_c + s / n for n classes.
        normalise: whether the probabilities are first divided by their sum.
        clip: interval into which each p_c, once normalised, is moved; a number e stands for [e, 1 - e].
    """
    scale = total(y_pred) if normalise else arb(1)
    targets = smoothed(y_true, label_smoothing)
    return -total([times(t, log(clamp(p / scale, clip))) for t, p in zip(targets, y_pred, strict=True)])


@loss(
    "label(), probabilities(c) -> ()",
    source=f"{BISHOP}, eq. 4.108",
    bound=Bound(4, "log p is accurate in its own ULP; a normalised p is rounded once, which costs u", _sparse),
    gradient_bound=Bound(8, "-1/p at the label, and minus its mean where the row is normalised", _sparse),
    asks=({"ignore_index": 2}, {"ignore_index": -100}),
)
def sparse_categorical_cross_entropy(
    labels: int,
    y_pred: Sequence[Ball],
    *,
    ignore_index: int | None = None,
    normalise: bool = False,
    clip: Interval = WHOLE,
) -> Weighted:
    """Cross-entropy of a row of probabilities for an integer label, -log p_label.

    Args:
        ignore_index: label whose samples have loss 0 and weight 0, so that a mean leaves them out; None for no label.
        normalise: whether the probabilities are first divided by their sum.
        clip: interval into which p_label, once normalised, is moved; a number e stands for [e, 1 - e].
    """
    if labels == ignore_index:
        return Weighted(arb(0), arb(0))
    scale = total(y_pred) if normalise else arb(1)
    return Weighted(-log(clamp(y_pred[labels] / scale, clip)), arb(1))


@loss(
    "distribution(c), logits(c) -> ()",
    source=f"{GBC}, eq. 6.30",
    bound=Bound(6, f"condition of log-softmax, weighted by the targets ({BHH})", _cce_logits),
    gradient_bound=Bound(8, "p_c sum(t) - t_c with the condition of softmax", _cce_logits),
    asks=({"label_smoothing": 0.125}, {"class_weight": "varied"}, {"class_weight": "varied", "label_smoothing": 0.125}),
)
def categorical_cross_entropy_with_logits(
    y_true: Sequence[Ball],
    logits: Sequence[Ball],
    *,
    label_smoothing: Ball = ZERO,
    class_weight: Sequence[Ball] | None = None,
) -> Ball:
    """Cross-entropy of a row of logits, -sum_c w_c t_c log softmax(z)_c, with 0 log 0 = 0.

    Args:
        label_smoothing: s, by which the targets become (1 - s) t_c + s / n for n classes.
        class_weight: w, a number for each class; None for 1 each.
    """
    partition = log(total([exp(z) for z in logits]))
    weights = class_weight or [arb(1)] * len(logits)
    targets = [w * t for w, t in zip(weights, smoothed(y_true, label_smoothing), strict=True)]
    return -total([times(t, z - partition) for t, z in zip(targets, logits, strict=True)])


@loss(
    "label(), logits(c) -> ()",
    source=f"{GBC}, eq. 6.30",
    bound=Bound(6, f"condition of log-softmax at the label ({BHH})", _sparse_logits),
    gradient_bound=Bound(8, "p_c - [c = label] with the condition of softmax", _sparse_logits),
    asks=(
        {"label_smoothing": 0.125},
        {"class_weight": "varied"},
        {"class_weight": "with-zero"},
        {"class_weight": "varied", "label_smoothing": 0.125},
        {"ignore_index": 2},
        {"ignore_index": -100},
        {"ignore_index": 2, "class_weight": "varied"},
    ),
)
def sparse_categorical_cross_entropy_with_logits(
    labels: int,
    logits: Sequence[Ball],
    *,
    label_smoothing: Ball = ZERO,
    class_weight: Sequence[Ball] | None = None,
    ignore_index: int | None = None,
) -> Weighted:
    """Cross-entropy of a row of logits for an integer label, -w_label log softmax(z)_label.

    Args:
        label_smoothing: s, by which the loss becomes that of the targets (1 - s) [c = label] + s / n for n classes.
        class_weight: w, a number for each class; a mean divides by the sum of w_label. None for 1 each.
        ignore_index: label whose samples have loss 0 and weight 0, so that a mean leaves them out; None for no label.
    """
    if labels == ignore_index:
        return Weighted(arb(0), arb(0))
    weights = class_weight or [arb(1)] * len(logits)
    partition = log(total([exp(z) for z in logits]))
    own = weights[labels] * (partition - logits[labels])
    uniform = total([times(w * label_smoothing, partition - z) for w, z in zip(weights, logits, strict=True)])
    return Weighted(times(1 - label_smoothing, own) + uniform / len(logits), weights[labels])


@loss(
    "label(), log_probabilities(c) -> ()",
    source=f"{BISHOP}, eq. 4.108",
    bound=Bound(2, "one product with a weight; without one the answer is a number of the input"),
    gradient_bound=Bound(2, "minus the weight, at the label alone"),
    asks=(
        {"class_weight": "varied"},
        {"ignore_index": 2},
        {"ignore_index": -100},
        {"ignore_index": 2, "class_weight": "varied"},
    ),
)
def negative_log_likelihood(
    labels: int,
    log_probabilities: Sequence[Ball],
    *,
    class_weight: Sequence[Ball] | None = None,
    ignore_index: int | None = None,
) -> Weighted:
    """Negative log-likelihood of a label from a row of log-probabilities, -w_label log p_label.

    Args:
        class_weight: w, a number for each class; a mean divides by the sum of w_label. None for 1 each.
        ignore_index: label whose samples have loss 0 and weight 0, so that a mean leaves them out; None for no label.
    """
    if labels == ignore_index:
        return Weighted(arb(0), arb(0))
    weight = class_weight[labels] if class_weight else arb(1)
    return Weighted(-weight * log_probabilities[labels], weight)
