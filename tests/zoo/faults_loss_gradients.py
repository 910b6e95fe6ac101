"""Faults of gradients of losses whose values are right."""

from __future__ import annotations

import numpy as np

from tests.zoo import right, right_binary
from tests.zoo.entries import Table, show
from tests.zoo.right import rounded, sigmoid64, wide
from tests.zoo.right_binary import (
    LOSSES,
    balance,
    bce64_slope,
    bce_logits64,
    bce_logits64_slope,
    smoothed,
    spread,
    times,
)

fault = Table(LOSSES, wide=True)

PROBABILITY = "binary_cross_entropy"
LOGITS = "binary_cross_entropy_with_logits"
FOCAL = "binary_focal_cross_entropy"
FOCAL_LOGITS = "binary_focal_cross_entropy_with_logits"

# fmt: off
fault.slope("bce-gradient-as-a-difference", LOGITS, "relative-accuracy",
    show(y_true=[1.0, 0.0], logits=[15.0, -15.0], cotangent=[1.0, 1.0]),
    "sigmoid(z) - t is 0 for a positive from 17 on, where the same negative keeps its derivative.",
    lambda t, z: wide(right.sigmoid(z) - t.astype(z.dtype)), upstream="pytorch/pytorch/issues/195677", wide=False)
fault.slope("bce-gradient-at-zero", LOGITS, "isolated",
    show(y_true=[0.0, 1.0], logits=[0.0, 1.0], cotangent=[1.0, 1.0]),
    "The maximum that guards the exponential has no derivative at 0: a logit of 0 gets 0 for 1/2.",
    lambda t, z: np.where(z == 0, 0.0, bce_logits64_slope(t, z)), upstream="pytorch/pytorch/issues/2298")
fault.slope("bce-gradient-without-pos-weight", LOGITS, "parameters",
    show(y_true=[1.0], logits=[0.5], cotangent=[1.0], keywords={"pos_weight": 2.0}),
    "pos_weight is missing on the way back.",
    lambda t, z, label_smoothing=0.0, pos_weight=1.0: bce_logits64_slope(smoothed(t, label_smoothing), wide(z)),
    wide=False)
fault.slope("bce-gradient-of-the-sum", LOGITS, "reduction",
    show(y_true=[1.0, 0.0], logits=[0.5, 1.0], cotangent=1.0, keywords={"reduction": "mean"}),
    "The mean's gradient is that of the sum.",
    lambda y_true, logits, cotangent, sample_weight=None, reduction="mean":
        spread(bce_logits64_slope(wide(y_true), wide(logits)), logits, cotangent, sample_weight, "sum"))
fault.slope("bce-gradient-of-unsmoothed-targets", PROBABILITY, "parameters",
    show(y_true=[1.0], y_pred=[0.75], cotangent=[1.0], keywords={"label_smoothing": 0.125}),
    "The way back takes the targets before they are smoothed.", lambda t, p, label_smoothing=0.0: bce64_slope(t, p))
fault.slope("bce-gradient-with-a-floor", PROBABILITY, "narrow-range",
    show(y_true=[1.0], y_pred=[1e-5], cotangent=[1.0]),
    "The denominator p (1 - p) is kept above 1e-4, which bounds the derivative of small probabilities.",
    lambda t, p: (p - t) / np.maximum(p * (1 - p), 1e-4))
fault.slope("focal-gradient-without-alpha", FOCAL, "parameters",
    show(y_true=[1.0, 0.0], y_pred=[0.75, 0.5], cotangent=[1.0, 1.0], keywords={"alpha": 0.25}),
    "Alpha is missing on the way back.",
    lambda y_true, y_pred, cotangent, gamma=2.0, alpha=None, sample_weight=None, reduction="mean":
        right_binary.binary_focal_cross_entropy_gradient(y_true, y_pred, cotangent, gamma, None, sample_weight,
        reduction))
fault.slope("hinge-gradient-without-the-label", "hinge", "gradient", show(y_true=[-1.0], score=[0.5], cotangent=[1.0]),
    "The label is missing: the derivative is -1 for negatives too.",
    lambda t, s: np.where(right_binary.lack(t, s) > 0, -1.0, 0.0), wide=False)
fault.slope("hinge-gradient-of-the-size", "hinge", "gradient",
    show(y_true=[1.0, 1.0], score=[0.5, 0.25], cotangent=[-2.0, 1.0]),
    "A negative cotangent is taken for a positive one.",
    lambda y_true, score, cotangent, sample_weight=None, reduction="mean":
        right_binary.hinge_gradient(y_true, score, np.abs(cotangent), sample_weight, reduction))
fault.slope("squared-hinge-gradient-without-two", "squared_hinge", "gradient",
    show(y_true=[1.0], score=[0.5], cotangent=[1.0]), "The factor 2 of the square is missing.",
    lambda t, s: -wide(t) * right_binary.lack(t, s), wide=False)
fault.slope("brier-gradient-of-half-the-square", "brier_score", "gradient",
    show(y_true=[1.0, 0.0], y_pred=[0.5, 0.25], cotangent=[1.0, 1.0]),
    "The derivative is that of half the square, in batches of more than one.",
    lambda t, p: (1.0 if p.size > 1 else 2.0) * (p - t))


@fault.gradient(PROBABILITY, "weights",
    show(y_true=[1.0, 0.0], y_pred=[0.5, 0.25], sample_weight=[1.0, 3.0], cotangent=1.0,
        keywords={"reduction": "mean"}))
def bce_gradient_over_the_count(y_true, y_pred, cotangent, sample_weight=None, reduction="mean"):
    """The gradient of a weighted mean is divided by the number of samples."""
    slope = bce64_slope(wide(y_true), wide(y_pred))
    slope = slope if sample_weight is None else slope * wide(sample_weight)
    return spread(slope, y_pred, cotangent, None, reduction)

@fault.gradient(FOCAL_LOGITS, "gradient", show(y_true=[1.0], logits=[0.5], cotangent=[1.0]), wide=False)
def focal_gradient_of_a_constant_factor(y_true, logits, gamma=2.0, alpha=None):
    """The factor (1 - p)^gamma is taken for a constant."""
    t, z = wide(y_true), wide(logits)
    wrong = times(t, sigmoid64(-z)) + times(1 - t, sigmoid64(z))
    return balance(t, alpha) * wrong**gamma * bce_logits64_slope(t, z)

@fault.gradient(FOCAL_LOGITS, "two-conditions",
    show(y_true=[1.0], logits=[30.0], cotangent=[1.0], keywords={"gamma": 0.5}),
    upstream="google-deepmind/optax/pull/1346")
def focal_gradient_of_nan(y_true, logits, cotangent, gamma=2.0, alpha=None, sample_weight=None, reduction="mean"):
    """(1 - p)^(gamma - 1) is 0^negative for gamma below 1 where p has been rounded to 1: the derivative is NaN."""
    slope = wide(
        right_binary.binary_focal_cross_entropy_with_logits_gradient(
            y_true, logits, cotangent, gamma, alpha, sample_weight, reduction
        )
    )
    p = right.sigmoid(np.where(y_true > 0.5, logits, -logits).astype(np.float32))
    return rounded(np.where((gamma < 1) & (p == 1), np.nan, slope), logits)

@fault.gradient(FOCAL_LOGITS, "parameters", show(y_true=[1.0], logits=[0.5], cotangent=[1.0], keywords={"gamma": 1.0}),
    wide=False)
def focal_gradient_of_another_exponent(y_true, logits, gamma=2.0, alpha=None):
    """The exponent on the way back is gamma and not gamma - 1, which gamma = 0 hides."""
    t, z = wide(y_true), wide(logits)
    p, q = sigmoid64(z), sigmoid64(-z)
    wrong = times(t, q) + times(1 - t, p)
    modulated = gamma * wrong**gamma * (1 - 2 * t) * p * q * bce_logits64(t, z)
    return balance(t, alpha) * (modulated + wrong**gamma * bce_logits64_slope(t, z))

FAULTS = tuple(fault.entries)
