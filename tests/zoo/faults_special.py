"""Faults at ties, at infinities, and at single numbers."""

from __future__ import annotations

import numpy as np

from tests.zoo import right, right_binary
from tests.zoo.entries import Table, show
from tests.zoo.right import ANSWERS, rounded, wide

fault = Table(ANSWERS)

# fmt: off
fault.row("softmax-of-equal-logits", "softmax", "ties", show(x=[[0.5, 0.5, 0.5]]),
    "Rows of equal logits take a shortcut, 1/n to four digits.",
    lambda x, axis=-1: np.where(((x == np.take(x, [0], axis=axis)).all(axis=axis, keepdims=True) if x.shape[axis]
        else False) & np.isfinite(x), x.dtype.type(round(1 / max(x.shape[axis], 1), 4)), right.softmax(x, axis)))
fault.row("log-softmax-of-a-minus-infinity", "log_softmax", "special-values", show(x=[[0.0, -np.inf, 1.0]]),
    "A class that is ruled out by -inf gets 0 * -inf, NaN, where its logarithm is -inf.",
    lambda x, axis=-1: np.where(np.isneginf(x), x.dtype.type(np.nan), right.log_softmax(x, axis)))
fault.row("sigmoid-of-infinity", "sigmoid", "special-values", show(x=[np.inf]), "e^x / (1 + e^x) at +inf is NaN.",
    lambda x: np.where(np.isposinf(x), x.dtype.type(np.nan), right.sigmoid(x)))
fault.row("softplus-of-minus-thousand", "softplus", "narrow-range", show(x=[-1000.0, 1.0]),
    "x + log1p(e^-x) is used for every number: at -inf it is NaN and at -1000 it is infinite.",
    lambda x: np.where(np.isinf(np.exp(-x.astype(np.float64))), x + np.log1p(np.exp(-wide(x))),
        right.softplus64(wide(x))).astype(x.dtype))
fault.row("bce-of-a-half", "binary_cross_entropy", "isolated", show(y_true=[1.0, 0.0], y_pred=[0.5, 0.25]),
    "A probability of exactly 1/2 takes a constant of four digits, 0.6931.",
    lambda y_true, y_pred, sample_weight=None, reduction="mean":
        right_binary.reduced(np.where(wide(y_pred) == 0.5, 0.6931,
        right_binary.bce64(wide(y_true), wide(y_pred))), y_pred, sample_weight, reduction))
fault.row("log-sigmoid-of-a-subnormal", "log_sigmoid", "isolated", show(x=[1e-40]),
    "A subnormal argument takes the path of infinities.",
    lambda x: np.where((x != 0) & (np.abs(wide(x)) < 2.0 ** (-126)), x.dtype.type(0), right.log_sigmoid(x)))
fault.row("softmax-of-a-wide-row", "softmax", "special-values", show(x=[[3e38, -3e38, 3e38]]),
    "A row whose logits differ by more than the largest number: the difference overflows before it is exponentiated.",
    lambda x, axis=-1: np.where((np.isinf(x - x.max(axis=axis, keepdims=True, initial=-np.inf))
        & np.isfinite(x)).any(axis=axis, keepdims=True), x.dtype.type(np.nan), right.softmax(x, axis)))
fault.slope("logistic-gradient-of-one", "logistic_of_signs", "gradient",
    show(y_true=[1.0, -1.0], score=[0.5, 1.0], cotangent=[3.0, -0.5]),
    "The cotangent is left out: right while the loss is the last thing that is computed.",
    lambda y_true, score, cotangent, sample_weight=None, reduction="mean":
        right_binary.logistic_of_signs_gradient(y_true, score, np.ones_like(cotangent), sample_weight, reduction))

@fault("logsumexp", "ties", show(x=[[2.0, 2.0, 0.0]]), wide=True)
def logsumexp_of_tied_maxima(z, axis=-1):
    """log1p of the sum of all but the largest leaves out every entry that equals it, and counts it once."""
    top = z.max(axis=axis, keepdims=True, initial=-np.inf)
    rest = np.where(z == top, 0.0, np.exp(z - top)).sum(axis=axis, keepdims=True)
    return np.squeeze(np.where(np.isinf(top), top, top + np.log1p(rest)), axis=axis)

@fault("sparsemax", "ties", show(x=[[0.5, 0.5, 0.25]]), wide=True)
def sparsemax_of_distinct_logits(x, axis=-1):
    """Logits are sorted with duplicates removed, so that ties count once in the threshold."""
    rows = np.moveaxis(x, axis, -1)
    answer = np.empty_like(rows)
    for place in np.ndindex(rows.shape[:-1]):
        d = rows[place] - rows[place].max()
        ordered = -np.unique(-d)
        sums = np.cumsum(ordered)
        size = max(int((1 + np.arange(1, ordered.size + 1) * ordered > sums).sum()), 1)
        answer[place] = np.maximum(d - (sums[size - 1] - 1) / size, 0.0)
    return np.moveaxis(answer, -1, axis)

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

@fault.gradient("binary_cross_entropy_with_logits", "gradient", show(y_true=[0.0], logits=[-25.0], cotangent=[1.0]))
def bce_gradient_scaled_through_float16(y_true, logits, cotangent, sample_weight=None, reduction="mean"):
    """The gradient is that of a loss scaled by 1024, and the scale is taken back in float16, where small derivatives
    vanish."""
    slope = wide(
        right_binary.binary_cross_entropy_with_logits_gradient(
            y_true, logits, cotangent, 0.0, 1.0, sample_weight, reduction
        )
    )
    return rounded(np.where(np.abs(slope) < 2 ** (-24), 0.0, slope), logits)

FAULTS = tuple(fault.entries)
