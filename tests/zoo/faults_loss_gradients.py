"""Faults of gradients of losses whose values are right."""

from __future__ import annotations

from typing import Any

import numpy as np
import right
import right_binary
from entries import Entry
from planting import Function, Show, plant_gradient, show
from right import Array, quiet, rounded, sigmoid64, wide
from right_binary import balance, bce64_slope, bce_logits64, bce_logits64_slope, smoothed, spread, times

_TABLE: list[Entry] = []

PROBABILITY = "binary_cross_entropy"
LOGITS = "binary_cross_entropy_with_logits"
FOCAL = "binary_focal_cross_entropy"
FOCAL_LOGITS = "binary_focal_cross_entropy_with_logits"


def _loss(name: str, kind: str, defect: str, *shows: Show, **options: Any) -> Any:
    """Enters the gradient of a right loss."""
    function: Function = getattr(right_binary, name)
    return plant_gradient(_TABLE, name, function, kind, defect, *shows, **options)


@_loss(
    LOGITS,
    "relative-accuracy",
    "sigmoid(z) - t is 0 for a positive from 17 on, where the same negative keeps its slope",
    show(y_true=[1.0, 0.0], logits=[15.0, -15.0], cotangent=[1.0, 1.0]),
    upstream="https://github.com/pytorch/pytorch/issues/195677",
)
def bce_gradient_as_a_difference(
    y_true: Any, logits: Any, cotangent: Any, sample_weight: Any = None, reduction: str = "mean"
) -> Array:
    slope = right.sigmoid(logits) - y_true.astype(logits.dtype)
    return spread(wide(slope), cotangent, reduction, sample_weight, logits)


@_loss(
    LOGITS,
    "isolated",
    "the maximum that guards the exponential has no slope at 0: a logit of 0 gets 0 for 1/2",
    show(y_true=[0.0, 1.0], logits=[0.0, 1.0], cotangent=[1.0, 1.0]),
    upstream="https://github.com/pytorch/pytorch/issues/2298",
)
def bce_gradient_at_zero(
    y_true: Any, logits: Any, cotangent: Any, sample_weight: Any = None, reduction: str = "mean"
) -> Array:
    slope = np.where(logits == 0, 0.0, bce_logits64_slope(wide(y_true), wide(logits)))
    return spread(slope, cotangent, reduction, sample_weight, logits)


@_loss(
    LOGITS,
    "parameters",
    "pos_weight is missing on the way back",
    show(y_true=[1.0], logits=[0.5], cotangent=[1.0], keywords={"pos_weight": 2.0}),
)
def bce_gradient_without_pos_weight(
    y_true: Any,
    logits: Any,
    cotangent: Any,
    label_smoothing: float = 0.0,
    pos_weight: float = 1.0,
    sample_weight: Any = None,
    reduction: str = "mean",
) -> Array:
    slope = bce_logits64_slope(smoothed(y_true, label_smoothing, logits), wide(logits))
    return spread(slope, cotangent, reduction, sample_weight, logits)


@_loss(
    LOGITS,
    "reduction",
    "the mean's gradient is that of the sum",
    show(y_true=[1.0, 0.0], logits=[0.5, 1.0], cotangent=1.0, keywords={"reduction": "mean"}),
)
def bce_gradient_of_the_sum(
    y_true: Any, logits: Any, cotangent: Any, sample_weight: Any = None, reduction: str = "mean"
) -> Array:
    slope = bce_logits64_slope(wide(y_true), wide(logits))
    return spread(slope, cotangent, "sum", sample_weight, logits)


@_loss(
    PROBABILITY,
    "weights",
    "the gradient of a weighted mean is divided by the number of samples",
    show(
        y_true=[1.0, 0.0],
        y_pred=[0.5, 0.25],
        sample_weight=[1.0, 3.0],
        cotangent=1.0,
        keywords={"reduction": "mean"},
    ),
)
def bce_gradient_over_the_count(
    y_true: Any, y_pred: Any, cotangent: Any, sample_weight: Any = None, reduction: str = "mean"
) -> Array:
    slope = bce64_slope(wide(y_true), wide(y_pred))
    slope = slope if sample_weight is None else slope * wide(sample_weight)
    return spread(slope, cotangent, reduction, None, y_pred)


@_loss(
    PROBABILITY,
    "parameters",
    "the way back takes the targets before they are smoothed",
    show(y_true=[1.0], y_pred=[0.75], cotangent=[1.0], keywords={"label_smoothing": 0.125}),
)
def bce_gradient_of_unsmoothed_targets(
    y_true: Any,
    y_pred: Any,
    cotangent: Any,
    label_smoothing: float = 0.0,
    sample_weight: Any = None,
    reduction: str = "mean",
) -> Array:
    return spread(bce64_slope(wide(y_true), wide(y_pred)), cotangent, reduction, sample_weight, y_pred)


@_loss(
    PROBABILITY,
    "narrow-range",
    "the denominator p (1 - p) is kept above 1e-4, which bounds the slope of small probabilities",
    show(y_true=[1.0], y_pred=[1e-5], cotangent=[1.0]),
)
@quiet
def bce_gradient_with_a_floor(
    y_true: Any, y_pred: Any, cotangent: Any, sample_weight: Any = None, reduction: str = "mean"
) -> Array:
    t, p = wide(y_true), wide(y_pred)
    return spread((p - t) / np.maximum(p * (1 - p), 1e-4), cotangent, reduction, sample_weight, y_pred)


@_loss(
    FOCAL_LOGITS,
    "gradient",
    "the factor (1 - p)^gamma is taken for a constant",
    show(y_true=[1.0], logits=[0.5], cotangent=[1.0]),
)
def focal_gradient_of_a_constant_factor(
    y_true: Any,
    logits: Any,
    cotangent: Any,
    gamma: float = 2.0,
    alpha: float | None = None,
    sample_weight: Any = None,
    reduction: str = "mean",
) -> Array:
    t, z = wide(y_true), wide(logits)
    wrong = times(t, sigmoid64(-z)) + times(1 - t, sigmoid64(z))
    slope = balance(t, alpha, logits) * wrong**gamma * bce_logits64_slope(t, z)
    return spread(slope, cotangent, reduction, sample_weight, logits)


@_loss(
    FOCAL_LOGITS,
    "two-conditions",
    "(1 - p)^(gamma - 1) is 0^negative for gamma below 1 where p has been rounded to 1: the slope is NaN",
    show(y_true=[1.0], logits=[30.0], cotangent=[1.0], keywords={"gamma": 0.5}),
    upstream="https://github.com/google-deepmind/optax/pull/1346",
)
@quiet
def focal_gradient_of_nan(
    y_true: Any,
    logits: Any,
    cotangent: Any,
    gamma: float = 2.0,
    alpha: float | None = None,
    sample_weight: Any = None,
    reduction: str = "mean",
) -> Array:
    slope = wide(
        right_binary.binary_focal_cross_entropy_with_logits_gradient(
            y_true, logits, cotangent, gamma, alpha, sample_weight, reduction
        )
    )
    p = right.sigmoid(np.where(y_true > 0.5, logits, -logits).astype(np.float32))
    return rounded(np.where((gamma < 1) & (p == 1), np.nan, slope), logits)


@_loss(
    FOCAL,
    "parameters",
    "alpha is missing on the way back",
    show(y_true=[1.0, 0.0], y_pred=[0.75, 0.5], cotangent=[1.0, 1.0], keywords={"alpha": 0.25}),
)
def focal_gradient_without_alpha(
    y_true: Any,
    y_pred: Any,
    cotangent: Any,
    gamma: float = 2.0,
    alpha: float | None = None,
    sample_weight: Any = None,
    reduction: str = "mean",
) -> Array:
    return right_binary.binary_focal_cross_entropy_gradient(
        y_true, y_pred, cotangent, gamma, None, sample_weight, reduction
    )


@_loss(
    FOCAL_LOGITS,
    "parameters",
    "the exponent on the way back is gamma and not gamma - 1, which gamma = 0 hides",
    show(y_true=[1.0], logits=[0.5], cotangent=[1.0], keywords={"gamma": 1.0}),
)
def focal_gradient_of_another_exponent(
    y_true: Any,
    logits: Any,
    cotangent: Any,
    gamma: float = 2.0,
    alpha: float | None = None,
    sample_weight: Any = None,
    reduction: str = "mean",
) -> Array:
    t, z = wide(y_true), wide(logits)
    p, q = sigmoid64(z), sigmoid64(-z)
    wrong = times(t, q) + times(1 - t, p)
    modulated = gamma * wrong**gamma * (1 - 2 * t) * p * q * bce_logits64(t, z)
    slope = balance(t, alpha, logits) * (modulated + wrong**gamma * bce_logits64_slope(t, z))
    return spread(slope, cotangent, reduction, sample_weight, logits)


@_loss(
    "hinge",
    "gradient",
    "the label is missing: the slope is -1 for negatives too",
    show(y_true=[-1.0], score=[0.5], cotangent=[1.0]),
)
def hinge_gradient_without_the_label(
    y_true: Any, score: Any, cotangent: Any, sample_weight: Any = None, reduction: str = "mean"
) -> Array:
    slope = np.where(right_binary.lack(y_true, score) > 0, -1.0, 0.0)
    return spread(slope, cotangent, reduction, sample_weight, score)


@_loss(
    "hinge",
    "gradient",
    "a negative gradient from above is taken for a positive one",
    show(y_true=[1.0, 1.0], score=[0.5, 0.25], cotangent=[-2.0, 1.0]),
)
def hinge_gradient_of_the_size(
    y_true: Any, score: Any, cotangent: Any, sample_weight: Any = None, reduction: str = "mean"
) -> Array:
    return right_binary.hinge_gradient(y_true, score, np.abs(cotangent), sample_weight, reduction)


@_loss(
    "squared_hinge",
    "gradient",
    "the factor 2 of the square is missing",
    show(y_true=[1.0], score=[0.5], cotangent=[1.0]),
)
def squared_hinge_gradient_without_two(
    y_true: Any, score: Any, cotangent: Any, sample_weight: Any = None, reduction: str = "mean"
) -> Array:
    slope = -wide(y_true) * right_binary.lack(y_true, score)
    return spread(slope, cotangent, reduction, sample_weight, score)


@_loss(
    "brier_score",
    "gradient",
    "the slope is that of half the square, in batches of more than one",
    show(y_true=[1.0, 0.0], y_pred=[0.5, 0.25], cotangent=[1.0, 1.0]),
)
def brier_gradient_of_half_the_square(
    y_true: Any, y_pred: Any, cotangent: Any, sample_weight: Any = None, reduction: str = "mean"
) -> Array:
    factor = 1.0 if y_pred.size > 1 else 2.0
    return spread(factor * (wide(y_pred) - wide(y_true)), cotangent, reduction, sample_weight, y_pred)


FAULTS = tuple(_TABLE)
