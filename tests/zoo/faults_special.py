"""Faults at ties, at infinities, and at single numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import right
import right_binary
from entries import Entry
from planting import plant, plant_gradient, show
from right import Array, quiet, rounded, wide

_TABLE: list[Entry] = []


@plant(
    _TABLE,
    "logsumexp",
    "ties",
    "log1p of the sum of all but the largest leaves out every entry that equals it, and counts it once",
    show(x=[[2.0, 2.0, 0.0]]),
)
@quiet
def logsumexp_of_tied_maxima(x: Any, axis: int = -1) -> Array:
    z = wide(x)
    top = z.max(axis=axis, keepdims=True, initial=-np.inf)
    rest = np.where(z == top, 0.0, np.exp(z - top)).sum(axis=axis, keepdims=True)
    return rounded(np.squeeze(np.where(np.isinf(top), top, top + np.log1p(rest)), axis=axis), x)


@plant(
    _TABLE,
    "softmax",
    "ties",
    "rows of equal logits take a shortcut, 1/n to four digits",
    show(x=[[0.5, 0.5, 0.5]]),
)
def softmax_of_equal_logits(x: Any, axis: int = -1) -> Array:
    count = x.shape[axis]
    equal = (x == np.take(x, [0], axis=axis)).all(axis=axis, keepdims=True) if count else False
    share = x.dtype.type(round(1 / max(count, 1), 4))
    return np.where(equal & np.isfinite(x), share, right.softmax(x, axis))


@plant(
    _TABLE,
    "sparsemax",
    "ties",
    "logits are sorted with duplicates removed, so that ties count once in the threshold",
    show(x=[[0.5, 0.5, 0.25]]),
)
@quiet
def sparsemax_of_distinct_logits(x: Any, axis: int = -1) -> Array:
    rows = np.moveaxis(wide(x), axis, -1)
    answer = np.empty_like(rows)
    for place in np.ndindex(rows.shape[:-1]):
        d = rows[place] - rows[place].max()
        ordered = -np.unique(-d)
        sums = np.cumsum(ordered)
        size = max(int((1 + np.arange(1, ordered.size + 1) * ordered > sums).sum()), 1)
        answer[place] = np.maximum(d - (sums[size - 1] - 1) / size, 0.0)
    return rounded(np.moveaxis(answer, -1, axis), x)


@plant_gradient(
    _TABLE,
    "logsumexp",
    right.logsumexp,
    "ties",
    "the slope goes through the maximum alone where entries tie for it",
    show(x=[[2.0, 2.0, 0.0]], cotangent=[1.0]),
)
def logsumexp_gradient_of_tied_maxima(x: Any, cotangent: Any, axis: int = -1) -> Array:
    z = wide(x)
    first = np.expand_dims(np.argmax(z, axis=axis), axis)
    tied = z == z.max(axis=axis, keepdims=True)
    single = np.zeros(z.shape, bool)
    np.put_along_axis(single, first, True, axis)
    slope = right.logsumexp_gradient(x, cotangent, axis)
    several = tied.sum(axis=axis, keepdims=True) > 1
    whole = (slope * tied).sum(axis=axis, keepdims=True)
    return np.where(several & tied, np.where(single, whole, 0.0), slope).astype(x.dtype)


@plant(
    _TABLE,
    "log_softmax",
    "special-values",
    "a class that is ruled out by -inf gets 0 * -inf, NaN, where its logarithm is -inf",
    show(x=[[0.0, -np.inf, 1.0]]),
)
def log_softmax_of_a_minus_infinity(x: Any, axis: int = -1) -> Array:
    return np.where(np.isneginf(x), x.dtype.type(np.nan), right.log_softmax(x, axis))


@plant(
    _TABLE,
    "sigmoid",
    "special-values",
    "e^x / (1 + e^x) at +inf is NaN",
    show(x=[np.inf]),
)
def sigmoid_of_infinity(x: Any) -> Array:
    return np.where(np.isposinf(x), x.dtype.type(np.nan), right.sigmoid(x))


@plant(
    _TABLE,
    "softplus",
    "narrow-range",
    "x + log1p(e^-x) is used for every number: at -inf it is NaN and at -1000 it is infinite",
    show(x=[-1000.0, 1.0]),
)
@quiet
def softplus_of_minus_thousand(x: Any) -> Array:
    overflown = np.isinf(np.exp(-x.astype(np.float64)))
    return np.where(overflown, x + np.log1p(np.exp(-wide(x))), right.softplus64(wide(x))).astype(x.dtype)


@plant(
    _TABLE,
    "binary_cross_entropy",
    "isolated",
    "a probability of exactly 1/2 takes a constant of four digits, 0.6931",
    show(y_true=[1.0, 0.0], y_pred=[0.5, 0.25]),
)
def bce_of_a_half(y_true: Any, y_pred: Any, sample_weight: Any = None, reduction: str = "mean") -> Array:
    values = right_binary.bce64(wide(y_true), wide(y_pred))
    return right_binary.reduced(np.where(wide(y_pred) == 0.5, 0.6931, values), reduction, sample_weight, y_pred)


@plant(
    _TABLE,
    "log_sigmoid",
    "isolated",
    "a subnormal argument takes the path of infinities",
    show(x=[1e-40]),
)
def log_sigmoid_of_a_subnormal(x: Any) -> Array:
    subnormal = (x != 0) & (np.abs(wide(x)) < 2.0**-126)
    return np.where(subnormal, x.dtype.type(0), right.log_sigmoid(x))


@plant(
    _TABLE,
    "softmax",
    "special-values",
    "a row whose logits differ by more than the largest number: the difference overflows before it is exponentiated",
    show(x=[[3e38, -3e38, 3e38]]),
)
@quiet
def softmax_of_a_wide_row(x: Any, axis: int = -1) -> Array:
    d = x - x.max(axis=axis, keepdims=True, initial=-np.inf)
    lost = np.isinf(d) & np.isfinite(x)
    return np.where(lost.any(axis=axis, keepdims=True), x.dtype.type(np.nan), right.softmax(x, axis))


@plant_gradient(
    _TABLE,
    "logistic_of_signs",
    right_binary.logistic_of_signs,
    "gradient",
    "what comes from above is left out: right while the loss is the last thing that is computed",
    show(y_true=[1.0, -1.0], score=[0.5, 1.0], cotangent=[3.0, -0.5]),
)
def logistic_gradient_of_one(
    y_true: Any, score: Any, cotangent: Any, sample_weight: Any = None, reduction: str = "mean"
) -> Array:
    return right_binary.logistic_of_signs_gradient(y_true, score, np.ones_like(cotangent), sample_weight, reduction)


@plant_gradient(
    _TABLE,
    "binary_cross_entropy_with_logits",
    right_binary.binary_cross_entropy_with_logits,
    "gradient",
    "the gradient is that of a loss scaled by 1024, and the scale is taken back in float16, where small slopes vanish",
    show(y_true=[0.0], logits=[-25.0], cotangent=[1.0]),
)
@quiet
def bce_gradient_scaled_through_float16(
    y_true: Any, logits: Any, cotangent: Any, sample_weight: Any = None, reduction: str = "mean"
) -> Array:
    slope = wide(
        right_binary.binary_cross_entropy_with_logits_gradient(
            y_true, logits, cotangent, 0.0, 1.0, sample_weight, reduction
        )
    )
    small = np.abs(slope) < 2**-24
    return rounded(np.where(small, 0.0, slope), logits)


FAULTS = tuple(_TABLE)
