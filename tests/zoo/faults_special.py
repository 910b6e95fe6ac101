"""Faults at ties, at infinities, and at single numbers."""

from __future__ import annotations

import numpy as np

from tests.zoo import right, right_binary
from tests.zoo.entries import Table, show
from tests.zoo.right import rounded, wide

fault = Table()


@fault("logsumexp", "ties", show(x=[[2.0, 2.0, 0.0]]))
def logsumexp_of_tied_maxima(x, axis=-1):
    """log1p of the sum of all but the largest leaves out every entry that equals it, and counts it once."""
    z = wide(x)
    top = z.max(axis=axis, keepdims=True, initial=-np.inf)
    rest = np.where(z == top, 0.0, np.exp(z - top)).sum(axis=axis, keepdims=True)
    return rounded(np.squeeze(np.where(np.isinf(top), top, top + np.log1p(rest)), axis=axis), x)


@fault("softmax", "ties", show(x=[[0.5, 0.5, 0.5]]))
def softmax_of_equal_logits(x, axis=-1):
    """Rows of equal logits take a shortcut, 1/n to four digits."""
    count = x.shape[axis]
    equal = (x == np.take(x, [0], axis=axis)).all(axis=axis, keepdims=True) if count else False
    share = x.dtype.type(round(1 / max(count, 1), 4))
    return np.where(equal & np.isfinite(x), share, right.softmax(x, axis))


@fault("sparsemax", "ties", show(x=[[0.5, 0.5, 0.25]]))
def sparsemax_of_distinct_logits(x, axis=-1):
    """Logits are sorted with duplicates removed, so that ties count once in the threshold."""
    rows = np.moveaxis(wide(x), axis, -1)
    answer = np.empty_like(rows)
    for place in np.ndindex(rows.shape[:-1]):
        d = rows[place] - rows[place].max()
        ordered = -np.unique(-d)
        sums = np.cumsum(ordered)
        size = max(int((1 + np.arange(1, ordered.size + 1) * ordered > sums).sum()), 1)
        answer[place] = np.maximum(d - (sums[size - 1] - 1) / size, 0.0)
    return rounded(np.moveaxis(answer, -1, axis), x)


@fault.gradient("logsumexp", "ties", show(x=[[2.0, 2.0, 0.0]], cotangent=[1.0]))
def logsumexp_gradient_of_tied_maxima(x, cotangent, axis=-1):
    """The derivative goes through the maximum alone where entries tie for it."""
    z = wide(x)
    first = np.expand_dims(np.argmax(z, axis=axis), axis)
    tied = z == z.max(axis=axis, keepdims=True)
    single = np.zeros(z.shape, bool)
    np.put_along_axis(single, first, True, axis)
    slope = right.logsumexp_gradient(x, cotangent, axis)
    several = tied.sum(axis=axis, keepdims=True) > 1
    whole = (slope * tied).sum(axis=axis, keepdims=True)
    return np.where(several & tied, np.where(single, whole, 0.0), slope).astype(x.dtype)


@fault("log_softmax", "special-values", show(x=[[0.0, -np.inf, 1.0]]))
def log_softmax_of_a_minus_infinity(x, axis=-1):
    """A class that is ruled out by -inf gets 0 * -inf, NaN, where its logarithm is -inf."""
    return np.where(np.isneginf(x), x.dtype.type(np.nan), right.log_softmax(x, axis))


@fault("sigmoid", "special-values", show(x=[np.inf]))
def sigmoid_of_infinity(x):
    """e^x / (1 + e^x) at +inf is NaN."""
    return np.where(np.isposinf(x), x.dtype.type(np.nan), right.sigmoid(x))


@fault("softplus", "narrow-range", show(x=[-1000.0, 1.0]))
def softplus_of_minus_thousand(x):
    """x + log1p(e^-x) is used for every number: at -inf it is NaN and at -1000 it is infinite."""
    overflown = np.isinf(np.exp(-x.astype(np.float64)))
    return np.where(overflown, x + np.log1p(np.exp(-wide(x))), right.softplus64(wide(x))).astype(x.dtype)


@fault("binary_cross_entropy", "isolated", show(y_true=[1.0, 0.0], y_pred=[0.5, 0.25]))
def bce_of_a_half(y_true, y_pred, sample_weight=None, reduction="mean"):
    """A probability of exactly 1/2 takes a constant of four digits, 0.6931."""
    values = right_binary.bce64(wide(y_true), wide(y_pred))
    return right_binary.reduced(np.where(wide(y_pred) == 0.5, 0.6931, values), reduction, sample_weight, y_pred)


@fault("log_sigmoid", "isolated", show(x=[1e-40]))
def log_sigmoid_of_a_subnormal(x):
    """A subnormal argument takes the path of infinities."""
    subnormal = (x != 0) & (np.abs(wide(x)) < 2.0**-126)
    return np.where(subnormal, x.dtype.type(0), right.log_sigmoid(x))


@fault("softmax", "special-values", show(x=[[3e38, -3e38, 3e38]]))
def softmax_of_a_wide_row(x, axis=-1):
    """A row whose logits differ by more than the largest number: the difference overflows before it is
    exponentiated."""
    d = x - x.max(axis=axis, keepdims=True, initial=-np.inf)
    lost = np.isinf(d) & np.isfinite(x)
    return np.where(lost.any(axis=axis, keepdims=True), x.dtype.type(np.nan), right.softmax(x, axis))


@fault.gradient("logistic_of_signs", "gradient", show(y_true=[1.0, -1.0], score=[0.5, 1.0], cotangent=[3.0, -0.5]))
def logistic_gradient_of_one(y_true, score, cotangent, sample_weight=None, reduction="mean"):
    """The cotangent is left out: right while the loss is the last thing that is computed."""
    return right_binary.logistic_of_signs_gradient(y_true, score, np.ones_like(cotangent), sample_weight, reduction)


@fault.gradient("binary_cross_entropy_with_logits", "gradient", show(y_true=[0.0], logits=[-25.0], cotangent=[1.0]))
def bce_gradient_scaled_through_float16(y_true, logits, cotangent, sample_weight=None, reduction="mean"):
    """The gradient is that of a loss scaled by 1024, and the scale is taken back in float16, where small derivatives
    vanish."""
    slope = wide(
        right_binary.binary_cross_entropy_with_logits_gradient(
            y_true, logits, cotangent, 0.0, 1.0, sample_weight, reduction
        )
    )
    small = np.abs(slope) < 2**-24
    return rounded(np.where(small, 0.0, slope), logits)


FAULTS = tuple(fault.entries)
