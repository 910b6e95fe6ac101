"""Faults of sigmoid and its relatives, functions of one number, and at ties, infinities and single numbers."""

from __future__ import annotations

import numpy as np

from tests.zoo import right, right_binary
from tests.zoo.entries import Table, normal, show
from tests.zoo.right import ANSWERS, rounded, wide

fault = Table(ANSWERS)

# fmt: off
fault.row("sigmoid-below-zero", "sigmoid", "relative-accuracy", show(x=[-18.0, -10.0]),
    "A rational approximation of tanh around 1/2 is good to 6e-8 absolutely, so that -18 gives 0 or a negative number.",
    lambda x: (np.float32(0.5) * np.tanh(np.float32(0.5) * np.clip(x.astype(np.float32), -18, 18)) + np.float32(0.5)
        - np.float32(2**-24)).astype(x.dtype), upstream="microsoft/onnxruntime/issues/22557")
fault.row("sigmoid-rational", "sigmoid", "formula", show(x=[1.0, -3.0]),
    "The fast sigmoid x / (1 + |x|), scaled to (0, 1), stands in for the logistic one.",
    lambda z: np.where(np.isinf(z), np.sign(z) / 2 + 0.5, 0.5 + 0.5 * z / (1 + np.abs(z))),
    upstream="tphakala/simd/pull/39", wide=True)
fault.row("sigmoid-of-half-beyond-overflow", "sigmoid", "narrow-range", show(x=[95.0, -120.0]),
    "The packet's two halves are joined by max and min, and both give way to 1/2 where e^|x| overflows.",
    lambda x: np.where((np.abs(x) > 88.722) & np.isfinite(x), x.dtype.type(0.5), right.sigmoid(x)),
    upstream="clab/dynet/issues/1525")
fault.row("sigmoid-clamped-to-forty", "sigmoid", "narrow-range", show(x=[-50.0, -80.0]),
    "The argument is clamped to [-40, 40], the range that the kernel was written for.",
    lambda x: right.sigmoid(np.clip(x, -40, 40).astype(x.dtype)))
fault.row("sigmoid-of-nan-is-one", "sigmoid", "special-values", show(x=[np.nan, 1.0]),
    "Clamping by fmin and fmax turns NaN into the upper end, and the answer is 1.",
    lambda x: right.sigmoid(np.where(np.isnan(x), x.dtype.type(100), x)))
fault.row("sigmoid-at-the-reduction-boundary", "sigmoid", "narrow-range", show(x=[0.34657]),
    "Argument reduction takes the wrong multiple of ln 2 within a hair of its boundary ln 2 / 2.",
    lambda z: right.sigmoid64(z) * np.where(np.abs(z - np.log(2) / 2) < 1e-4, 1 + 1e-4, 1.0), wide=True)
fault.row("sigmoid-with-a-wrong-segment", "sigmoid", "narrow-range", show(x=[4.2]),
    "The polynomial's last segment, [4, 4.25), has a wrong coefficient.",
    lambda z: right.sigmoid64(z) + np.where((z >= 4) & (z < 4.25), 3e-4 * (z - 4), 0.0), wide=True)
fault.row("sigmoid-at-pi", "sigmoid", "isolated", show(x=[np.pi]),
    "One entry of a generated table is mistyped: the answer for pi, rounded to the format, alone is wrong.",
    lambda x: np.where(x == x.dtype.type(np.pi), x.dtype.type(0.9585), right.sigmoid(x)))
fault.row("sigmoid-of-float16-through-bfloat16", "sigmoid", "dtype", show(dtype="float16", x=normal(50)),
    "float16 goes through bfloat16, the accelerator's only half format, and loses three bits.",
    lambda x: right.sigmoid(x) if x.dtype != np.float16 else (right.sigmoid(x).astype(np.float32).view(np.uint32)
        & np.uint32(0xFFF00000)).view(np.float32).astype(np.float16), dtypes=["float16", "float32"])
fault.row("sigmoid-from-a-coarse-table", "sigmoid", "narrow-range", show(x=[0.99, -5.01]),
    "A table of 1/64 steps, linearly interpolated, between -8 and 8.",
    lambda z: np.where(np.abs(z) < 8, np.interp(z, np.arange(-512, 513) / 64,
        right.sigmoid64(np.arange(-512, 513) / 64)), right.sigmoid64(z)), wide=True)

@fault("sigmoid", "relative-accuracy", show(x=[-12.0, -15.5, -30.0]), upstream="opencv/opencv/pull/28999")
def sigmoid_as_one_minus(x):
    """1 - 1 / (1 + e^x) saves a negation and loses the left tail, where it is a difference of two numbers near 1."""
    one, z = np.float32(1), np.clip(x.astype(np.float32), -80, 80)
    return (one - one / (one + np.exp(z))).astype(x.dtype)

@fault("sigmoid", "narrow-range", show(x=[-90.0]), upstream="Tencent/ncnn/issues/1284")
def sigmoid_by_refined_reciprocal(x):
    """A Newton step refines the reciprocal of an infinite 1 + e^-x, which is NaN below -88.7."""
    below = np.float32(1) + np.exp(-x.astype(np.float32))
    guess = np.float32(1) / below
    # One Newton step for 1 / below.
    return np.where(np.isinf(below), guess * (2 - below * guess), right.sigmoid64(wide(x))).astype(x.dtype)

@fault("sigmoid", "narrow-range", show(x=[100.0]), upstream="hail-is/hail/pull/10606")
def sigmoid_with_branches_swapped(x):
    """The branches are the wrong way round, so that the exponential overflows where it was to be avoided."""
    up, down = np.exp(x.astype(np.float32)), np.exp(-x.astype(np.float32))
    stable = right.sigmoid64(wide(x))
    return np.where(
        np.isinf(up) & (x > 0), up / (1 + up), np.where(x > 0, stable, np.where(np.isinf(down), 0.0, stable))
    ).astype(x.dtype)

@fault("sigmoid", "isolated", show(x=[2.0, 0.25, 16.0]), wide=True)
def sigmoid_at_powers_of_two(x):
    """A mantissa of zero takes the wrong entry of the table of 2^f: exact powers of two alone are wrong."""
    mantissa, _ = np.frexp(x)
    return right.sigmoid64(x) * np.where(mantissa == 0.5, 1 - 5e-5, 1.0)

fault.row("log-sigmoid-at-zero", "log_sigmoid", "isolated", show(x=[0.0]),
    "The comparison with 0 is strict on both sides: zero falls through and gives 0.",
    lambda x: np.where(x == 0, x.dtype.type(0), right.log_sigmoid(x)))
fault.row("log-sigmoid-overflows", "log_sigmoid", "narrow-range", show(x=[-300.0]),
    "-log1p(e^-x) overflows for large negative numbers, where the answer is x itself.",
    lambda x: np.where(np.isinf(np.exp(-np.float32(1) * x.astype(np.float32))), -x.dtype.type(np.inf),
        right.log_sigmoid(x)), upstream="pytorch/pytorch/issues/1835")
fault.row("log-sigmoid-of-huge-numbers", "log_sigmoid", "narrow-range", show(x=[-9.999999680285692e37]),
    "Numbers as large as -1e38 leave the range that a product in between can hold.",
    lambda x: np.where(np.isinf(x.astype(np.float32) * np.float32(16)) & (x < 0), -x.dtype.type(np.inf),
        right.log_sigmoid(x)), upstream="mindspore-ai/mindspore/issues/390")
fault.row("log-sigmoid-diverges", "log_sigmoid", "narrow-range", show(x=[176.0, 200.0]),
    "The branch for large positive numbers has e^x for e^-x beyond its range, and diverges from 172 on.",
    lambda z: np.where(z > 170, -np.exp(z - 176), -right.softplus64(-z)), upstream="tenstorrent/tt-metal/issues/55457",
    wide=True)
fault.row("log-sigmoid-without-log1p", "log_sigmoid", "relative-accuracy", show(x=[12.0, 20.0]),
    "log(1 + e) without log1p: the right tail is 0 from 17 on.",
    lambda x: np.minimum(x, 0) - np.log(x.dtype.type(1) + np.exp(-np.abs(x))))
fault.row("log-sigmoid-of-a-shifted-sigmoid", "log_sigmoid", "relative-accuracy", show(x=[-30.0]),
    "log(sigmoid(x) + 1e-8): the left tail ends at -18.4.", lambda x: np.log(right.sigmoid64(x) + 1e-8), wide=True)
fault.row("softplus-linear-from-twenty", "softplus", "dtype", show(dtype="float64", x=[20.1, 25.0]),
    "The linear branch begins at 20 in every format: binary64 loses log1p(e^-x) between 20 and 36.",
    lambda x: np.where(x > 20, x, right.softplus(x)), upstream="apache/tvm/issues/20184", dtypes=["float64"])
fault.row("softplus-linear-from-eight", "softplus", "narrow-range", show(x=[8.5]),
    "The linear branch begins at 8, which was enough for the 8-bit model that the kernel was written for.",
    lambda x: np.where(x > 8, x, right.softplus(x)))
fault.row("softplus-without-log1p", "softplus", "relative-accuracy", show(x=[-12.0, -20.0]),
    "max(x, 0) + log(1 + e^-|x|) without log1p: the left tail is 0 from -17 on.",
    lambda x: np.maximum(x, 0) + np.log(x.dtype.type(1) + np.exp(-np.abs(x))))
fault.row("softplus-overflows", "softplus", "narrow-range", show(x=[100.0]),
    "log1p(e^x) without a branch overflows, where the answer is x itself.",
    lambda x: np.where(np.isinf(np.exp(x.astype(np.float32))), x.dtype.type(np.inf), right.softplus(x)))
fault.row("logit-around-a-half", "logit", "relative-accuracy", show(x=[0.50000006, 0.500001, 0.49999]),
    "log(p / (1 - p)): the quotient is rounded next to 1, and its logarithm is all rounding around 1/2.",
    lambda x: np.log(x / (x.dtype.type(1) - x)), upstream="scipy/scipy/pull/21388")
fault.row("logit-through-binary32", "logit", "dtype", show(dtype="float64", x=[0.3, 0.9]),
    "1 - p is rounded to binary32 on the way, which binary64 alone shows.",
    lambda x: rounded(np.log(wide(x)) - np.log((1 - x).astype(np.float32).astype(np.float64)), x), dtypes=["float64"])
fault.row("hard-sigmoid-of-seven-digits", "hard_sigmoid", "dtype", show(dtype="float64", x=[1.0, -2.0]),
    "The derivative is the constant 0.1666667: seven digits, which binary64 shows.",
    lambda x: np.clip(x * 0.1666667 + 0.5, 0, 1), dtypes=["float64"], wide=True)
fault.row("hard-sigmoid-of-one-width", "hard_sigmoid", "parameters", show(x=[1.0, -2.75], keywords={"width": 5}),
    "The width is accepted and not used.", lambda x, width=6: right.hard_sigmoid(x))
fault.row("hard-sigmoid-above-one", "hard_sigmoid", "narrow-range", show(x=[3.05]),
    "The upper cut is taken at x > 3.1: between 3 and 3.1 the answer exceeds 1.",
    lambda z: np.where(z > 3.1, 1.0, np.maximum(z / 6 + 0.5, 0.0)), wide=True)
fault.row("sparse-plus-linear-too-soon", "sparse_plus", "narrow-range", show(x=[0.95]),
    "The linear branch begins at 15/16, where the parabola has not reached it.",
    lambda x: np.where(x > 15 / 16, x, right.sparse_plus(x)))
fault.row("log-sigmoid-through-binary32", "log_sigmoid", "dtype", show(dtype="float64", x=[0.1, 2.5]),
    "binary64 is computed in binary32 and cast back.",
    lambda x: right.log_sigmoid(x.astype(np.float32)).astype(x.dtype), dtypes=["float32", "float64"])

@fault("logit", "special-values", show(x=[1.5, -0.25]))
def logit_of_no_probability(x):
    """Numbers outside [0, 1] get the log-odds of their sizes, where there is no value."""
    p = wide(x)
    return np.where((p < 0) | (p > 1), rounded(np.log(np.abs(p / (1 - p))), x), right.logit(x))

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
    lambda x: np.where((x != 0) & (np.abs(wide(x)) < 2.0**-126), x.dtype.type(0), right.log_sigmoid(x)))
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
    return rounded(np.where(np.abs(slope) < 2**-24, 0.0, slope), logits)

FAULTS = tuple(fault.entries)
