"""Faults of sigmoid."""

from __future__ import annotations

import numpy as np

from tests.zoo import right
from tests.zoo.entries import Table, normal, show
from tests.zoo.right import ANSWERS, wide

fault = Table(ANSWERS)

# fmt: off
fault.row("sigmoid-below-zero", "sigmoid", "relative-accuracy", show(x=[-18.0, -10.0]),
    "A rational approximation of tanh around 1/2 is good to 6e-8 absolutely, so that -18 gives 0 or a negative number.",
    lambda x: (np.float32(0.5) * np.tanh(np.float32(0.5) * np.clip(x.astype(np.float32), -18, 18)) + np.float32(0.5)
        - np.float32(2 ** (-24))).astype(x.dtype), upstream="microsoft/onnxruntime/issues/22557")
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

FAULTS = tuple(fault.entries)
