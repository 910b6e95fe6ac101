"""Legitimate ways of computing losses of one number, none of which is to be failed."""

from __future__ import annotations

import math

import numpy as np

from tests.zoo import right_binary
from tests.zoo.entries import Variants
from tests.zoo.right import rounded, sigmoid64, softplus64, wide
from tests.zoo.right_binary import bce_logits64, reduced, weighed

variant = Variants()

PROBABILITY = "binary_cross_entropy"
LOGITS = "binary_cross_entropy_with_logits"
NARROW = {"dtypes": ["float16", "float32"]}
OWN = {"dtypes": ["float32", "float64"]}


@variant(PROBABILITY, **OWN)
def bce_of_scipy(y_true, y_pred, sample_weight=None, reduction="mean"):
    """scipy.special.xlogy and xlog1py in the input's own format."""
    from scipy.special import xlog1py, xlogy

    values = -(xlogy(y_true, y_pred) + xlog1py(1 - y_true, -y_pred))
    return reduced(wide(values), reduction, sample_weight, y_pred)


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
        return reduced(values, reduction, sample_weight, y_pred)
    return rounded(np.divide(math.fsum(values.ravel()), values.size if reduction == "mean" else 1), y_pred)


@variant(LOGITS, **OWN)
def bce_of_the_stable_formula(y_true, logits, sample_weight=None, reduction="mean"):
    """max(z, 0) - z t + log1p(e^-|z|) in the input's own format, for finite logits."""
    t = y_true.astype(logits.dtype)
    own = np.maximum(logits, 0) - logits * t + np.log1p(np.exp(-np.abs(logits)))
    limits = bce_logits64(wide(t), wide(logits))
    return reduced(np.where(np.isfinite(logits), wide(own), limits), reduction, sample_weight, logits)


@variant(LOGITS)
def bce_by_the_sign(y_true, logits, sample_weight=None, reduction="mean"):
    """softplus((1 - 2 t) z) for hard targets, a mixture of two for soft ones."""
    t, z = wide(y_true), wide(logits)
    hard = (t == 0) | (t == 1)
    values = np.where(hard, softplus64(np.where(t == 1, -z, z)), bce_logits64(t, z))
    return reduced(values, reduction, sample_weight, logits)


@variant(LOGITS)
def bce_by_logaddexp(y_true, logits, sample_weight=None, reduction="mean"):
    """logaddexp of 0 and the signed logit, in binary64."""
    t, z = wide(y_true), wide(logits)
    values = right_binary.times(t, np.logaddexp(0, -z)) + right_binary.times(1 - t, np.logaddexp(0, z))
    return reduced(values, reduction, sample_weight, logits)


@variant(LOGITS)
def bce_mean_over_blocks(y_true, logits, sample_weight=None, reduction="mean"):
    """A mean of the means of blocks, weighted with their lengths."""
    if reduction != "mean" or sample_weight is not None or not logits.size:
        return right_binary.binary_cross_entropy_with_logits(y_true, logits, 0.0, 1.0, sample_weight, reduction)
    values = bce_logits64(wide(y_true), wide(logits)).ravel()
    blocks = [values[start : start + 64] for start in range(0, values.size, 64)]
    return rounded(np.asarray(sum(block.mean() * block.size for block in blocks) / values.size), logits)


@variant(LOGITS, dtypes=["float16"])
def bce_of_float16_in_binary32(y_true, logits, reduction="mean"):
    """float16 in binary32 arithmetic and with a binary32 mean."""
    t, z = y_true.astype(np.float32), logits.astype(np.float32)
    own = np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z)))
    values = np.where(np.isfinite(z), own, bce_logits64(wide(t), wide(z)).astype(np.float32))
    return reduced(wide(values), reduction, None, logits)


@variant(LOGITS)
def bce_without_reduction(y_true, logits):
    """A function without reduction that gives every loss."""
    return right_binary.binary_cross_entropy_with_logits(y_true, logits, reduction="none")


@variant("binary_focal_cross_entropy_with_logits", **NARROW)
def focal_by_an_exponential(y_true, logits, gamma=2.0, sample_weight=None, reduction="mean"):
    """The factor as e^(-gamma softplus), for hard targets."""
    t, z = wide(y_true), wide(logits)
    signed = np.where(t == 1, z, -z)
    hard = right_binary.times(np.exp(-gamma * softplus64(signed)), softplus64(-signed))
    soft = wide(right_binary.binary_focal_cross_entropy_with_logits(t, z, gamma, reduction="none"))
    return reduced(np.where((t == 0) | (t == 1), hard, soft), reduction, sample_weight, logits)


@variant("hinge", **NARROW)
def hinge_by_the_absolute_value(y_true, score, sample_weight=None, reduction="mean"):
    """(m + |m|) / 2 in place of a maximum."""
    m = 1 - wide(y_true) * wide(score)
    return reduced(np.where(np.isneginf(m), 0.0, (m + np.abs(m)) / 2), reduction, sample_weight, score)


@variant("squared_hinge", **OWN)
def squared_hinge_in_the_own_format(y_true, score, sample_weight=None, reduction="mean"):
    """A choice and a square in the input's own format."""
    m = np.maximum(score.dtype.type(1) - y_true.astype(score.dtype) * score, 0)
    return reduced(wide(m * m), reduction, sample_weight, score)


@variant("brier_score", **OWN)
def brier_in_the_own_format(y_true, y_pred, sample_weight=None, reduction="mean"):
    """The square of a difference in the input's own format, with a binary64 mean."""
    d = y_pred - y_true.astype(y_pred.dtype)
    return reduced(wide(d * d), reduction, sample_weight, y_pred)


@variant("logistic_of_signs", **NARROW)
def logistic_loss_by_ranges(y_true, score, sample_weight=None, reduction="mean"):
    """Minus the logarithm of a sigmoid, by log1p, in binary64."""
    z = wide(y_true) * wide(score)
    values = np.where(z > 0, np.log1p(np.exp(-z)), -z + np.log1p(np.exp(z)))
    return reduced(values, reduction, sample_weight, score)


@variant.gradient(LOGITS, **NARROW)
def bce_gradient_by_cases(
    y_true, logits, cotangent, label_smoothing=0.0, pos_weight=1.0, sample_weight=None, reduction="mean"
):
    """sigmoid(z) - t where that does not cancel, -sigmoid(-z) for positives."""
    t = right_binary.smoothed(y_true, label_smoothing, logits)
    z = wide(logits)
    weight = float(logits.dtype.type(pos_weight))
    plain = np.where(t == 1, -sigmoid64(-z), sigmoid64(z) - t)
    slope = plain if weight == 1 else right_binary.bce_logits64_slope(t, z, weight)
    return right_binary.spread(slope, cotangent, reduction, sample_weight, logits)


VARIANTS = tuple(variant.entries)
