"""Faults of sigmoid and its relatives: functions of one number."""

from __future__ import annotations

import numpy as np

from tests.zoo import right
from tests.zoo.entries import Table, show
from tests.zoo.right import rounded, wide

fault = Table()


@fault("log_sigmoid", "isolated", show(x=[0.0]))
def log_sigmoid_at_zero(x):
    """The comparison with 0 is strict on both sides: zero falls through and gives 0."""
    return np.where(x == 0, x.dtype.type(0), right.log_sigmoid(x))


@fault("log_sigmoid", "narrow-range", show(x=[-300.0]), upstream="https://github.com/pytorch/pytorch/issues/1835")
def log_sigmoid_overflows(x):
    """-log1p(e^-x) overflows for large negative numbers, where the answer is x itself."""
    overflown = np.isinf(np.exp(-np.float32(1) * x.astype(np.float32)))
    return np.where(overflown, -x.dtype.type(np.inf), right.log_sigmoid(x))


@fault(
    "log_sigmoid",
    "narrow-range",
    show(x=[-9.999999680285692e37]),
    upstream="https://github.com/mindspore-ai/mindspore/issues/390",
)
def log_sigmoid_of_huge_numbers(x):
    """Numbers as large as -1e38 leave the range that a product in between can hold."""
    scaled = x.astype(np.float32) * np.float32(16)
    return np.where(np.isinf(scaled) & (x < 0), -x.dtype.type(np.inf), right.log_sigmoid(x))


@fault(
    "log_sigmoid",
    "narrow-range",
    show(x=[176.0, 200.0]),
    upstream="https://github.com/tenstorrent/tt-metal/issues/55457",
)
def log_sigmoid_diverges(x):
    """The branch for large positive numbers has e^x for e^-x beyond its range, and diverges from 172 on."""
    z = wide(x)
    return rounded(np.where(z > 170, -np.exp(z - 176), -right.softplus64(-z)), x)


@fault("log_sigmoid", "relative-accuracy", show(x=[12.0, 20.0]))
def log_sigmoid_without_log1p(x):
    """log(1 + e) without log1p: the right tail is 0 from 17 on."""
    return np.minimum(x, 0) - np.log(x.dtype.type(1) + np.exp(-np.abs(x)))


@fault("log_sigmoid", "relative-accuracy", show(x=[-30.0]))
def log_sigmoid_of_a_shifted_sigmoid(x):
    """log(sigmoid(x) + 1e-8): the left tail ends at -18.4."""
    return rounded(np.log(right.sigmoid64(wide(x)) + 1e-8), x)


@fault(
    "softplus",
    "dtype",
    show(dtype="float64", x=[20.1, 25.0]),
    upstream="https://github.com/apache/tvm/issues/20184",
    dtypes=["float64"],
)
def softplus_linear_from_twenty(x):
    """The linear branch begins at 20 in every format: binary64 loses log1p(e^-x) between 20 and 36."""
    return np.where(x > 20, x, right.softplus(x))


@fault("softplus", "narrow-range", show(x=[8.5]))
def softplus_linear_from_eight(x):
    """The linear branch begins at 8, which was enough for the 8-bit model that the kernel was written for."""
    return np.where(x > 8, x, right.softplus(x))


@fault("softplus", "relative-accuracy", show(x=[-12.0, -20.0]))
def softplus_without_log1p(x):
    """max(x, 0) + log(1 + e^-|x|) without log1p: the left tail is 0 from -17 on."""
    return np.maximum(x, 0) + np.log(x.dtype.type(1) + np.exp(-np.abs(x)))


@fault("softplus", "narrow-range", show(x=[100.0]))
def softplus_overflows(x):
    """log1p(e^x) without a branch overflows, where the answer is x itself."""
    return np.where(np.isinf(np.exp(x.astype(np.float32))), x.dtype.type(np.inf), right.softplus(x))


@fault(
    "logit",
    "relative-accuracy",
    show(x=[0.50000006, 0.500001, 0.49999]),
    upstream="https://github.com/scipy/scipy/pull/21388",
)
def logit_around_a_half(x):
    """log(p / (1 - p)): the quotient is rounded next to 1, and its logarithm is all rounding around 1/2."""
    return np.log(x / (x.dtype.type(1) - x))


@fault("logit", "dtype", show(dtype="float64", x=[0.3, 0.9]), dtypes=["float64"])
def logit_through_binary32(x):
    """1 - p is rounded to binary32 on the way, which binary64 alone shows."""
    return rounded(np.log(wide(x)) - np.log((1 - x).astype(np.float32).astype(np.float64)), x)


@fault("logit", "special-values", show(x=[1.5, -0.25]))
def logit_of_no_probability(x):
    """Numbers outside [0, 1] get the log-odds of their sizes, where there is no value."""
    p = wide(x)
    return np.where((p < 0) | (p > 1), rounded(np.log(np.abs(p / (1 - p))), x), right.logit(x))


@fault("hard_sigmoid", "dtype", show(dtype="float64", x=[1.0, -2.0]), dtypes=["float64"])
def hard_sigmoid_of_seven_digits(x):
    """The derivative is the constant 0.1666667: seven digits, which binary64 shows."""
    return rounded(np.clip(wide(x) * 0.1666667 + 0.5, 0, 1), x)


@fault("hard_sigmoid", "parameters", show(x=[1.0, -2.75], keywords={"width": 5}))
def hard_sigmoid_of_one_width(x, width=6):
    """The width is accepted and not used."""
    return right.hard_sigmoid(x)


@fault("hard_sigmoid", "narrow-range", show(x=[3.05]))
def hard_sigmoid_above_one(x):
    """The upper cut is taken at x > 3.1: between 3 and 3.1 the answer exceeds 1."""
    z = wide(x)
    return rounded(np.where(z > 3.1, 1.0, np.maximum(z / 6 + 0.5, 0.0)), x)


@fault("sparse_plus", "narrow-range", show(x=[0.95]))
def sparse_plus_linear_too_soon(x):
    """The linear branch begins at 15/16, where the parabola has not reached it."""
    return np.where(x > 15 / 16, x, right.sparse_plus(x))


@fault("log_sigmoid", "dtype", show(dtype="float64", x=[0.1, 2.5]), dtypes=["float32", "float64"])
def log_sigmoid_through_binary32(x):
    """binary64 is computed in binary32 and cast back."""
    return right.log_sigmoid(x.astype(np.float32)).astype(x.dtype)


FAULTS = tuple(fault.entries)
