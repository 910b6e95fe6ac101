"""Faults of gradients of losses whose values are right."""

from __future__ import annotations

import numpy as np

from tests.zoo import right, right_binary
from tests.zoo.entries import Table, show
from tests.zoo.right import rounded, sigmoid64, wide
from tests.zoo.right_binary import balance, bce64_slope, bce_logits64, bce_logits64_slope, smoothed, spread, times

fault = Table()

PROBABILITY = "binary_cross_entropy"
LOGITS = "binary_cross_entropy_with_logits"
FOCAL = "binary_focal_cross_entropy"
FOCAL_LOGITS = "binary_focal_cross_entropy_with_logits"


@fault.gradient(
    LOGITS,
    "relative-accuracy",
    show(y_true=[1.0, 0.0], logits=[15.0, -15.0], cotangent=[1.0, 1.0]),
    upstream="https://github.com/pytorch/pytorch/issues/195677",
)
def bce_gradient_as_a_difference(y_true, logits, cotangent, sample_weight=None, reduction="mean"):
    """sigmoid(z) - t is 0 for a positive from 17 on, where the same negative keeps its derivative."""
    slope = right.sigmoid(logits) - y_true.astype(logits.dtype)
    return spread(wide(slope), cotangent, reduction, sample_weight, logits)


@fault.gradient(
    LOGITS,
    "isolated",
    show(y_true=[0.0, 1.0], logits=[0.0, 1.0], cotangent=[1.0, 1.0]),
    upstream="https://github.com/pytorch/pytorch/issues/2298",
)
def bce_gradient_at_zero(y_true, logits, cotangent, sample_weight=None, reduction="mean"):
    """The maximum that guards the exponential has no derivative at 0: a logit of 0 gets 0 for 1/2."""
    slope = np.where(logits == 0, 0.0, bce_logits64_slope(wide(y_true), wide(logits)))
    return spread(slope, cotangent, reduction, sample_weight, logits)


@fault.gradient(LOGITS, "parameters", show(y_true=[1.0], logits=[0.5], cotangent=[1.0], keywords={"pos_weight": 2.0}))
def bce_gradient_without_pos_weight(
    y_true, logits, cotangent, label_smoothing=0.0, pos_weight=1.0, sample_weight=None, reduction="mean"
):
    """pos_weight is missing on the way back."""
    slope = bce_logits64_slope(smoothed(y_true, label_smoothing, logits), wide(logits))
    return spread(slope, cotangent, reduction, sample_weight, logits)


@fault.gradient(
    LOGITS, "reduction", show(y_true=[1.0, 0.0], logits=[0.5, 1.0], cotangent=1.0, keywords={"reduction": "mean"})
)
def bce_gradient_of_the_sum(y_true, logits, cotangent, sample_weight=None, reduction="mean"):
    """The mean's gradient is that of the sum."""
    slope = bce_logits64_slope(wide(y_true), wide(logits))
    return spread(slope, cotangent, "sum", sample_weight, logits)


@fault.gradient(
    PROBABILITY,
    "weights",
    show(
        y_true=[1.0, 0.0], y_pred=[0.5, 0.25], sample_weight=[1.0, 3.0], cotangent=1.0, keywords={"reduction": "mean"}
    ),
)
def bce_gradient_over_the_count(y_true, y_pred, cotangent, sample_weight=None, reduction="mean"):
    """The gradient of a weighted mean is divided by the number of samples."""
    slope = bce64_slope(wide(y_true), wide(y_pred))
    slope = slope if sample_weight is None else slope * wide(sample_weight)
    return spread(slope, cotangent, reduction, None, y_pred)


@fault.gradient(
    PROBABILITY, "parameters", show(y_true=[1.0], y_pred=[0.75], cotangent=[1.0], keywords={"label_smoothing": 0.125})
)
def bce_gradient_of_unsmoothed_targets(
    y_true, y_pred, cotangent, label_smoothing=0.0, sample_weight=None, reduction="mean"
):
    """The way back takes the targets before they are smoothed."""
    return spread(bce64_slope(wide(y_true), wide(y_pred)), cotangent, reduction, sample_weight, y_pred)


@fault.gradient(PROBABILITY, "narrow-range", show(y_true=[1.0], y_pred=[1e-5], cotangent=[1.0]))
def bce_gradient_with_a_floor(y_true, y_pred, cotangent, sample_weight=None, reduction="mean"):
    """The denominator p (1 - p) is kept above 1e-4, which bounds the derivative of small probabilities."""
    t, p = wide(y_true), wide(y_pred)
    return spread((p - t) / np.maximum(p * (1 - p), 1e-4), cotangent, reduction, sample_weight, y_pred)


@fault.gradient(FOCAL_LOGITS, "gradient", show(y_true=[1.0], logits=[0.5], cotangent=[1.0]))
def focal_gradient_of_a_constant_factor(
    y_true, logits, cotangent, gamma=2.0, alpha=None, sample_weight=None, reduction="mean"
):
    """The factor (1 - p)^gamma is taken for a constant."""
    t, z = wide(y_true), wide(logits)
    wrong = times(t, sigmoid64(-z)) + times(1 - t, sigmoid64(z))
    slope = balance(t, alpha, logits) * wrong**gamma * bce_logits64_slope(t, z)
    return spread(slope, cotangent, reduction, sample_weight, logits)


@fault.gradient(
    FOCAL_LOGITS,
    "two-conditions",
    show(y_true=[1.0], logits=[30.0], cotangent=[1.0], keywords={"gamma": 0.5}),
    upstream="https://github.com/google-deepmind/optax/pull/1346",
)
def focal_gradient_of_nan(y_true, logits, cotangent, gamma=2.0, alpha=None, sample_weight=None, reduction="mean"):
    """(1 - p)^(gamma - 1) is 0^negative for gamma below 1 where p has been rounded to 1: the derivative is NaN."""
    slope = wide(
        right_binary.binary_focal_cross_entropy_with_logits_gradient(
            y_true, logits, cotangent, gamma, alpha, sample_weight, reduction
        )
    )
    p = right.sigmoid(np.where(y_true > 0.5, logits, -logits).astype(np.float32))
    return rounded(np.where((gamma < 1) & (p == 1), np.nan, slope), logits)


@fault.gradient(
    FOCAL, "parameters", show(y_true=[1.0, 0.0], y_pred=[0.75, 0.5], cotangent=[1.0, 1.0], keywords={"alpha": 0.25})
)
def focal_gradient_without_alpha(
    y_true, y_pred, cotangent, gamma=2.0, alpha=None, sample_weight=None, reduction="mean"
):
    """Alpha is missing on the way back."""
    return right_binary.binary_focal_cross_entropy_gradient(
        y_true, y_pred, cotangent, gamma, None, sample_weight, reduction
    )


@fault.gradient(FOCAL_LOGITS, "parameters", show(y_true=[1.0], logits=[0.5], cotangent=[1.0], keywords={"gamma": 1.0}))
def focal_gradient_of_another_exponent(
    y_true, logits, cotangent, gamma=2.0, alpha=None, sample_weight=None, reduction="mean"
):
    """The exponent on the way back is gamma and not gamma - 1, which gamma = 0 hides."""
    t, z = wide(y_true), wide(logits)
    p, q = sigmoid64(z), sigmoid64(-z)
    wrong = times(t, q) + times(1 - t, p)
    modulated = gamma * wrong**gamma * (1 - 2 * t) * p * q * bce_logits64(t, z)
    slope = balance(t, alpha, logits) * (modulated + wrong**gamma * bce_logits64_slope(t, z))
    return spread(slope, cotangent, reduction, sample_weight, logits)


@fault.gradient("hinge", "gradient", show(y_true=[-1.0], score=[0.5], cotangent=[1.0]))
def hinge_gradient_without_the_label(y_true, score, cotangent, sample_weight=None, reduction="mean"):
    """The label is missing: the derivative is -1 for negatives too."""
    slope = np.where(right_binary.lack(y_true, score) > 0, -1.0, 0.0)
    return spread(slope, cotangent, reduction, sample_weight, score)


@fault.gradient("hinge", "gradient", show(y_true=[1.0, 1.0], score=[0.5, 0.25], cotangent=[-2.0, 1.0]))
def hinge_gradient_of_the_size(y_true, score, cotangent, sample_weight=None, reduction="mean"):
    """A negative cotangent is taken for a positive one."""
    return right_binary.hinge_gradient(y_true, score, np.abs(cotangent), sample_weight, reduction)


@fault.gradient("squared_hinge", "gradient", show(y_true=[1.0], score=[0.5], cotangent=[1.0]))
def squared_hinge_gradient_without_two(y_true, score, cotangent, sample_weight=None, reduction="mean"):
    """The factor 2 of the square is missing."""
    slope = -wide(y_true) * right_binary.lack(y_true, score)
    return spread(slope, cotangent, reduction, sample_weight, score)


@fault.gradient("brier_score", "gradient", show(y_true=[1.0, 0.0], y_pred=[0.5, 0.25], cotangent=[1.0, 1.0]))
def brier_gradient_of_half_the_square(y_true, y_pred, cotangent, sample_weight=None, reduction="mean"):
    """The derivative is that of half the square, in batches of more than one."""
    factor = 1.0 if y_pred.size > 1 else 2.0
    return spread(factor * (wide(y_pred) - wide(y_true)), cotangent, reduction, sample_weight, y_pred)


FAULTS = tuple(fault.entries)
