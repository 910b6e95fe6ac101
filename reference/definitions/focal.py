"""Losses that weigh cross-entropy by how wrong a prediction is: focal, poly and generalised cross-entropy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from flint import arb
from gaugeblock.reference.balls import Ball, exp, log, power, times, total
from gaugeblock.reference.definitions.activations import BHH, sigmoid, softmax, spread
from gaugeblock.reference.definitions.losses import ONE, WHOLE, Interval, categorical_cross_entropy_with_logits, clamp
from gaugeblock.reference.formats import Array
from gaugeblock.reference.operations import Bound, loss
from gaugeblock.reference.summation import Sums

FOCAL = "Lin et al., Focal Loss for Dense Object Detection, ICCV 2017"
POLY = "Leng et al., PolyLoss, ICLR 2022"
GCE = "Zhang and Sabuncu, Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels, 2018"

TWO, QUARTER = arb(2), arb(0.25)
HALF = arb(0.5)

ROUNDINGS = 8
"""Rounding error of a term of a derivative, in u: the factors of a product, a logarithm and a power."""


def balanced(y_true: Ball, alpha: Ball | None) -> Ball:
    """The weight of a target: alpha for the positive class and 1 - alpha for the negative; 1 for None."""
    return arb(1) if alpha is None else y_true * alpha + (1 - y_true) * (1 - alpha)


def _soft(y_true: Array) -> Array:
    """Where a target is neither 0 nor 1, so that the derivative's terms are of either sign."""
    return np.asarray((y_true != 0) & (y_true != 1))


def _weight(y_true: Array, alpha: float | None) -> Array:
    return np.asarray(1.0 if alpha is None else y_true * alpha + (1 - y_true) * (1 - alpha))


def _power_error(gamma: float) -> float:
    """Rounding error of (1 - p_t)^gamma beyond that of the square, in u: 1 - p_t is within 3 ULP."""
    return 6 * max(gamma - 2, 0.0)


def _focal(
    y_true: Array, y_pred: Array, cotangent: Array | None = None, *, gamma: float = 2.0, alpha: float | None = None
) -> Array:
    p = np.clip(y_pred, 1e-300, 1 - 2**-53)
    wrong = y_true * (1 - p) + (1 - y_true) * p
    loss = -(y_true * np.log(p) + (1 - y_true) * np.log1p(-p))
    if cotangent is None:
        return np.asarray(_power_error(gamma) * _weight(y_true, alpha) * wrong**gamma * loss)
    terms = gamma * wrong ** (gamma - 1) * loss + wrong**gamma * (y_true / p + (1 - y_true) / (1 - p))
    factor = ROUNDINGS * _soft(y_true) + _power_error(gamma)
    return np.asarray(factor * np.abs(cotangent) * _weight(y_true, alpha) * terms)


def _focal_logits(
    y_true: Array, logits: Array, cotangent: Array | None = None, *, gamma: float = 2.0, alpha: float | None = None
) -> Array:
    p, q = np.exp(-np.logaddexp(0, -logits)), np.exp(-np.logaddexp(0, logits))
    wrong = y_true * q + (1 - y_true) * p
    losses = y_true * np.logaddexp(0, -logits), (1 - y_true) * np.logaddexp(0, logits)
    if cotangent is None:
        loss = np.nan_to_num(losses[0], posinf=0.0) + np.nan_to_num(losses[1], posinf=0.0)
        return np.asarray(_power_error(gamma) * _weight(y_true, alpha) * wrong**gamma * loss)
    terms = gamma * wrong ** (gamma - 1) * p * q * (losses[0] + losses[1]) + wrong**gamma * wrong
    factor = ROUNDINGS * _soft(y_true) + _power_error(gamma)
    return np.asarray(factor * np.abs(cotangent) * _weight(y_true, alpha) * terms)


def _shares(y_true: Array, p: Array, wrong: Array, gamma: float, alpha: float) -> tuple[Array, Array]:
    """The derivatives of the focal loss by -log p and by log(1 - p), for each class."""
    size = np.nan_to_num(-np.log(p), posinf=0.0)
    direct = np.abs(alpha * y_true) * wrong**gamma
    return np.asarray(direct), np.asarray(np.nan_to_num(gamma * direct * size, posinf=0.0))


def _focal_rows(
    y_true: Array,
    y_pred: Array,
    cotangent: Array | None = None,
    *,
    gamma: float = 2.0,
    alpha: float = 1.0,
    normalise: bool = False,
) -> Array:
    """Dividing by the row's sum rounds each p once, which costs u in log p and u p / (1 - p) in log(1 - p)."""
    wrong = np.maximum(1 - y_pred, 2**-53)
    direct, modulation = _shares(y_true, y_pred, wrong, gamma, alpha)
    derivative = direct + modulation * y_pred / wrong
    if cotangent is None:
        value = direct * np.nan_to_num(-np.log(y_pred), posinf=0.0)
        return np.asarray(np.sum(normalise * derivative + _power_error(gamma) * value, axis=-1))
    ratio = np.nan_to_num(derivative / y_pred, posinf=0.0)
    mean = derivative.sum(axis=-1, keepdims=True)
    each = normalise * (ratio * (1 + 1 / wrong) + mean) + _power_error(gamma) * ratio
    return np.asarray(np.abs(cotangent)[..., None] * each)


def _before(p: Array) -> Array:
    """The sum of the entries before each."""
    return np.concatenate([np.zeros_like(p[..., :1]), np.cumsum(p, axis=-1)[..., :-1]], axis=-1)


def _log_softmax_error(logits: Array, *, sums: Sums) -> tuple[Array, Array, Array, Array]:
    """Softmax, one minus it, its condition, and the error of log-softmax, along the last axis."""
    p, d, condition = spread(logits, sums=sums)
    # The sum of all the others, without cancellation: of those before, and of those after.
    wrong = _before(p) + _before(p[..., ::-1])[..., ::-1]
    return p, wrong, condition, 1 + condition + np.log(np.exp(d).sum(axis=-1, keepdims=True))


def _focal_row_logits(
    y_true: Array, logits: Array, cotangent: Array | None = None, *, gamma: float = 2.0, alpha: float = 1.0, sums: Sums
) -> Array:
    p, wrong, condition, error = _log_softmax_error(logits, sums=sums)
    direct, modulation = _shares(y_true, p, wrong, gamma, alpha)
    if cotangent is None:
        return np.asarray(np.sum(direct * error + modulation * (2 + condition), axis=-1))
    rounded = np.nan_to_num(gamma * direct * p / wrong * error, posinf=0.0)
    derivative = (direct + modulation * p / wrong) * (1 + gamma) * (2 + condition)
    derivative = np.nan_to_num(derivative, posinf=0.0) + rounded
    through = wrong * derivative + p * (derivative.sum(axis=-1, keepdims=True) - derivative)
    return np.asarray(np.abs(cotangent)[..., None] * through)


def _poly(y_true: Array, logits: Array, cotangent: Array | None = None, *, epsilon: float = 2.0, sums: Sums) -> Array:
    p, _, condition, error = _log_softmax_error(logits, sums=sums)
    if cotangent is None:
        return np.asarray(np.sum(np.abs(y_true) * (error + abs(epsilon) * (1 + p * condition)), axis=-1))
    derivative = np.abs(y_true) * (1 + abs(epsilon) * p)
    through = p * derivative.sum(axis=-1, keepdims=True) * (2 + condition) + derivative * (1 + p * condition)
    return np.asarray(np.abs(cotangent)[..., None] * through)


ASKS: tuple[dict[str, Any], ...] = ({"gamma": 0.5}, {"gamma": 1.0}, {"alpha": 0.25})


@loss(
    "target(), probability() -> ()",
    source=f"{FOCAL}, eq. 5",
    bound=Bound(8, "1 - p_t of positive terms, a power and a logarithm, each accurate in its own ULP", _focal),
    gradient_bound=Bound(16, "two terms of one sign, which differ for soft targets alone", _focal),
    asks=ASKS,
)
def binary_focal_cross_entropy(
    y_true: Ball,
    y_pred: Ball,
    *,
    gamma: Ball = TWO,
    alpha: Ball | None = None,
    clip: Interval = WHOLE,
) -> Ball:
    """Focal loss of a probability, -a_t (1 - p_t)^gamma log p_t, where p_t is p for target 1 and 1 - p for 0.

    A soft target t gives p_t = t p + (1 - t)(1 - p), and binary cross-entropy in place of -log p_t.

    Args:
        gamma: exponent; the larger, the less a sample counts that is classified well.
        alpha: a_t for target 1, and 1 - alpha that for target 0; a soft target mixes the two. None for a_t = 1.
        clip: interval into which p is moved, inside the logarithms alone; a number e stands for [e, 1 - e].
    """
    p = clamp(y_pred, clip)
    loss = -(times(y_true, log(p)) + times(1 - y_true, log(1 - p)))
    wrong = times(y_true, 1 - y_pred) + times(1 - y_true, y_pred)
    return balanced(y_true, alpha) * times(power(wrong, gamma), loss)


@loss(
    "target(), real() -> ()",
    source=f"{FOCAL}, eq. 5",
    bound=Bound(12, "a power of sigmoids and two softplus terms, each of one sign", _focal_logits),
    gradient_bound=Bound(16, "two terms of one sign, which differ for soft targets alone", _focal_logits),
    asks=ASKS,
)
def binary_focal_cross_entropy_with_logits(
    y_true: Ball, logits: Ball, *, gamma: Ball = TWO, alpha: Ball | None = None
) -> Ball:
    """Focal loss of a logit, -a_t (1 - p_t)^gamma log p_t, where p_t is sigmoid(z) for target 1, sigmoid(-z) for 0.

    Args:
        gamma: exponent; the larger, the less a sample counts that is classified well.
        alpha: a_t for target 1, and 1 - alpha that for target 0; a soft target mixes the two. None for a_t = 1.
    """
    loss = times(y_true, log(1 + exp(-logits))) + times(1 - y_true, log(1 + exp(logits)))
    wrong = times(y_true, sigmoid(-logits)) + times(1 - y_true, sigmoid(logits))
    return balanced(y_true, alpha) * times(power(wrong, gamma), loss)


@loss(
    "distribution(c), probabilities(c) -> ()",
    source=f"{FOCAL}, eq. 5, over several classes",
    bound=Bound(8, "terms of one sign; a normalised p is rounded once, which costs u in both logarithms", _focal_rows),
    gradient_bound=Bound(16, "terms of one sign, and minus their mean where the row is normalised", _focal_rows),
    asks=ASKS,
)
def categorical_focal_cross_entropy(
    y_true: Sequence[Ball],
    y_pred: Sequence[Ball],
    *,
    gamma: Ball = TWO,
    alpha: Ball = ONE,
    normalise: bool = False,
    clip: Interval = WHOLE,
) -> Ball:
    """Focal loss of a row of probabilities, -alpha sum_c t_c (1 - p_c)^gamma log p_c.

    Args:
        gamma: exponent; the larger, the less a sample counts that is classified well.
        alpha: factor of the whole loss, a number.
        normalise: whether the probabilities are first divided by their sum.
        clip: interval into which each p_c, once normalised, is moved; a number e stands for [e, 1 - e].
    """
    scale = total(y_pred) if normalise else arb(1)
    ps = [clamp(p / scale, clip) for p in y_pred]
    return -alpha * total([times(t, power(1 - p, gamma) * log(p)) for t, p in zip(y_true, ps, strict=True)])


@loss(
    "distribution(c), logits(c) -> ()",
    source=f"{FOCAL}, eq. 5, over several classes",
    bound=Bound(12, f"condition of log-softmax, weighted by the targets and the factors ({BHH})", _focal_row_logits),
    gradient_bound=Bound(24, "a product of such factors with softmax's derivative", _focal_row_logits),
    asks=ASKS,
)
def categorical_focal_cross_entropy_with_logits(
    y_true: Sequence[Ball], logits: Sequence[Ball], *, gamma: Ball = TWO, alpha: Ball = ONE
) -> Ball:
    """Focal loss of a row of logits, -alpha sum_c t_c (1 - softmax(z)_c)^gamma log softmax(z)_c.

    Args:
        gamma: exponent; the larger, the less a sample counts that is classified well.
        alpha: factor of the whole loss, a number.
    """
    return -alpha * total(
        [times(t, power(1 - p, gamma) * log(p)) for t, p in zip(y_true, softmax(logits), strict=True)]
    )


@loss(
    "distribution(c), logits(c) -> ()",
    source=f"{POLY}, eq. 5",
    bound=Bound(8, f"condition of log-softmax, weighted by the targets, and u in each 1 - p ({BHH})", _poly),
    gradient_bound=Bound(12, "(p_c sum(t) - t_c) (1 + epsilon p_t) with the condition of softmax", _poly),
    asks=({"epsilon": -1.0},),
)
def poly_cross_entropy_with_logits(y_true: Sequence[Ball], logits: Sequence[Ball], *, epsilon: Ball = TWO) -> Ball:
    """Poly-1 cross-entropy of a row of logits, cross-entropy + epsilon sum_c t_c (1 - softmax(z)_c).

    Args:
        epsilon: coefficient of the first term of the polynomial, sum_c t_c (1 - softmax(z)_c).
    """
    wrong = total([times(t, 1 - p) for t, p in zip(y_true, softmax(logits), strict=True)])
    return categorical_cross_entropy_with_logits(y_true, logits) + epsilon * wrong


@loss(
    "label(), probabilities(c) -> ()",
    source=f"{GCE}, eq. 6",
    bound=Bound(6, "-expm1(q log p) / q is accurate in its own ULP"),
    gradient_bound=Bound(6, "-p^(q - 1) at the label, 0 elsewhere"),
    asks=({"q": 0.75},),
)
def generalised_cross_entropy(labels: int, y_pred: Sequence[Ball], *, q: Ball = HALF) -> Ball:
    """Generalised cross-entropy of a row of probabilities for an integer label, (1 - p_label^q) / q.

    Args:
        q: exponent in (0, 1]; the limit at 0 is cross-entropy, and 1 gives 1 - p_label.
    """
    return (1 - power(y_pred[labels], q)) / q
