"""Legitimate ways of computing losses of one number, none of which is to be failed."""

from __future__ import annotations

import math

import numpy as np

from tests.zoo import right_binary
from tests.zoo.entries import NARROW, OWN, Variants
from tests.zoo.right import rounded, sigmoid64, softplus64, wide
from tests.zoo.right_binary import LOSSES, bce_logits64, reduced, weighed

variant = Variants(LOSSES, wide=True)

PROBABILITY = "binary_cross_entropy"
LOGITS = "binary_cross_entropy_with_logits"

# fmt: off
variant.row("bce-of-the-stable-formula", LOGITS,
    "max(z, 0) - z t + log1p(e^-|z|) in the input's own format, for finite logits.",
    lambda y_true, z: np.where(np.isfinite(z), wide(np.maximum(z, 0) - z * y_true.astype(z.dtype)
        + np.log1p(np.exp(-np.abs(z)))), bce_logits64(wide(y_true.astype(z.dtype)), wide(z))), dtypes=OWN, wide=False)
variant.row("bce-by-the-sign", LOGITS, "softplus((1 - 2 t) z) for hard targets, a mixture of two for soft ones.",
    lambda t, z: np.where((t == 0) | (t == 1), softplus64(np.where(t == 1, -z, z)), bce_logits64(t, z)))
variant.row("bce-by-logaddexp", LOGITS, "logaddexp of 0 and the signed logit, in binary64.",
    lambda t, z: right_binary.times(t, np.logaddexp(0, -z)) + right_binary.times(1 - t, np.logaddexp(0, z)))
variant.row("bce-without-reduction", LOGITS, "A function without reduction that gives every loss.",
    lambda y_true, logits: right_binary.binary_cross_entropy_with_logits(y_true, logits, reduction="none"), as_is=True)
variant.row("brier-in-the-own-format", "brier_score",
    "The square of a difference in the input's own format, with a binary64 mean.",
    lambda t, p: wide((p - t.astype(p.dtype)) * (p - t.astype(p.dtype))), dtypes=OWN, wide=False)


@variant(PROBABILITY, dtypes=OWN, wide=False)
def bce_of_scipy(t, p):
    """scipy.special.xlogy and xlog1py in the input's own format."""
    from scipy.special import xlog1py, xlogy

    return wide(-(xlogy(t, p) + xlog1py(1 - t, -p)))

@variant(PROBABILITY)
def bce_mean_as_a_product(y_true, y_pred, sample_weight=None, reduction="mean"):
    """A mean as a scalar product with 1/n, or with the weights over their sum."""
    if reduction != "mean":
        return right_binary.binary_cross_entropy(y_true, y_pred, 0.0, sample_weight, reduction)
    values = weighed(right_binary.bce64(wide(y_true), wide(y_pred)), sample_weight).ravel()
    total = float(values.size) if sample_weight is None else wide(sample_weight).sum()
    return rounded(np.divide(np.dot(values, np.ones_like(values)), total), y_pred)

@variant(PROBABILITY)
def bce_in_a_loop(y_true, y_pred, sample_weight=None, reduction="mean"):
    """Number by number in pure Python, and math.fsum."""

    def log(p):
        return math.log(p) if p > 0 else -math.inf if p == 0 else math.nan

    def one(t, p):
        own = -t * log(p) if t else 0.0
        other = -(1 - t) * (math.log1p(-p) if p < 1 else log(1 - p)) if t != 1 else 0.0
        return own + other

    pairs = zip(wide(y_true).ravel().tolist(), wide(y_pred).ravel().tolist(), strict=True)
    values = np.array([one(t, p) for t, p in pairs], dtype=np.float64).reshape(np.shape(y_pred))
    if reduction == "none" or sample_weight is not None or not np.isfinite(values).all():
        return reduced(values, y_pred, sample_weight, reduction)
    return rounded(np.divide(math.fsum(values.ravel()), values.size if reduction == "mean" else 1), y_pred)

@variant(LOGITS)
def bce_mean_over_blocks(y_true, logits, sample_weight=None, reduction="mean"):
    """A mean of the means of blocks, weighted with their lengths."""
    if reduction != "mean" or sample_weight is not None or not logits.size:
        return right_binary.binary_cross_entropy_with_logits(y_true, logits, 0.0, 1.0, sample_weight, reduction)
    values = bce_logits64(wide(y_true), wide(logits)).ravel()
    blocks = [values[start : start + 64] for start in range(0, values.size, 64)]
    return rounded(np.asarray(sum(block.mean() * block.size for block in blocks) / values.size), logits)

@variant(LOGITS, dtypes=["float16"], wide=False)
def bce_of_float16_in_binary32(y_true, logits):
    """float16 in binary32 arithmetic and with a binary32 mean."""
    t, z = y_true.astype(np.float32), logits.astype(np.float32)
    own = np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z)))
    return wide(np.where(np.isfinite(z), own, bce_logits64(wide(t), wide(z)).astype(np.float32)))

@variant("binary_focal_cross_entropy_with_logits", dtypes=NARROW)
def focal_by_an_exponential(t, z, gamma=2.0):
    """The factor as e^(-gamma softplus), for hard targets."""
    signed = np.where(t == 1, z, -z)
    hard = right_binary.times(np.exp(-gamma * softplus64(signed)), softplus64(-signed))
    soft = wide(right_binary.binary_focal_cross_entropy_with_logits(t, z, gamma, reduction="none"))
    return np.where((t == 0) | (t == 1), hard, soft)

@variant("hinge", dtypes=NARROW)
def hinge_by_the_absolute_value(t, s):
    """(m + |m|) / 2 in place of a maximum."""
    m = 1 - t * s
    return np.where(np.isneginf(m), 0.0, (m + np.abs(m)) / 2)

@variant("squared_hinge", dtypes=OWN, wide=False)
def squared_hinge_in_the_own_format(t, s):
    """A choice and a square in the input's own format."""
    m = np.maximum(s.dtype.type(1) - t.astype(s.dtype) * s, 0)
    return wide(m * m)

@variant("logistic_of_signs", dtypes=NARROW)
def logistic_loss_by_ranges(t, s):
    """Minus the logarithm of a sigmoid, by log1p, in binary64."""
    z = t * s
    return np.where(z > 0, np.log1p(np.exp(-z)), -z + np.log1p(np.exp(z)))

@variant.gradient(LOGITS, dtypes=NARROW)
def bce_gradient_by_cases(
    y_true, logits, cotangent, label_smoothing=0.0, pos_weight=1.0, sample_weight=None, reduction="mean"
):
    """sigmoid(z) - t where that does not cancel, -sigmoid(-z) for positives."""
    t = right_binary.smoothed(wide(y_true), label_smoothing)
    z = wide(logits)
    weight = float(logits.dtype.type(pos_weight))
    plain = np.where(t == 1, -sigmoid64(-z), sigmoid64(z) - t)
    slope = plain if weight == 1 else right_binary.bce_logits64_slope(t, z, weight)
    return right_binary.spread(slope, logits, cotangent, sample_weight, reduction)

VARIANTS = tuple(variant.entries)
