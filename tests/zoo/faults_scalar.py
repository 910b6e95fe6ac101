"""Faults of sigmoid and its relatives: functions of one number."""

from __future__ import annotations

import numpy as np

from tests.zoo import right
from tests.zoo.entries import Table, show
from tests.zoo.right import ANSWERS, rounded, wide

fault = Table(ANSWERS)

# fmt: off
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

FAULTS = tuple(fault.entries)
