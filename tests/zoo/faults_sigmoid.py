"""Faults of sigmoid."""

from __future__ import annotations

import numpy as np

from tests.zoo import right
from tests.zoo.entries import Table, normal, show
from tests.zoo.right import rounded, wide

fault = Table()


@fault(
    "sigmoid",
    "relative-accuracy",
    show(x=[-12.0, -15.5, -30.0]),
    upstream="https://github.com/opencv/opencv/pull/28999",
)
def sigmoid_as_one_minus(x):
    """1 - 1 / (1 + e^x) saves a negation and loses the left tail, where it is a difference of two numbers near 1."""
    one, z = np.float32(1), np.clip(x.astype(np.float32), -80, 80)
    return (one - one / (one + np.exp(z))).astype(x.dtype)


@fault(
    "sigmoid",
    "relative-accuracy",
    show(x=[-18.0, -10.0]),
    upstream="https://github.com/microsoft/onnxruntime/issues/22557",
)
def sigmoid_below_zero(x):
    """A rational approximation of tanh around 1/2 is good to 6e-8 absolutely, so that -18 gives 0 or a negative
    number."""
    z = np.clip(x.astype(np.float32), -18, 18)
    return (np.float32(0.5) * np.tanh(np.float32(0.5) * z) + np.float32(0.5) - np.float32(2**-24)).astype(x.dtype)


@fault("sigmoid", "formula", show(x=[1.0, -3.0]), upstream="https://github.com/tphakala/simd/pull/39")
def sigmoid_rational(x):
    """The fast sigmoid x / (1 + |x|), scaled to (0, 1), stands in for the logistic one."""
    z = wide(x)
    return rounded(np.where(np.isinf(z), np.sign(z) / 2 + 0.5, 0.5 + 0.5 * z / (1 + np.abs(z))), x)


@fault("sigmoid", "narrow-range", show(x=[95.0, -120.0]), upstream="https://github.com/clab/dynet/issues/1525")
def sigmoid_of_half_beyond_overflow(x):
    """The packet's two halves are joined by max and min, and both give way to 1/2 where e^|x| overflows."""
    return np.where((np.abs(x) > 88.722) & np.isfinite(x), x.dtype.type(0.5), right.sigmoid(x))


@fault("sigmoid", "narrow-range", show(x=[-90.0]), upstream="https://github.com/Tencent/ncnn/issues/1284")
def sigmoid_by_refined_reciprocal(x):
    """A Newton step refines the reciprocal of an infinite 1 + e^-x, which is NaN below -88.7."""
    below = np.float32(1) + np.exp(-x.astype(np.float32))
    guess = np.float32(1) / below
    # One Newton step for 1 / below.
    return np.where(np.isinf(below), guess * (2 - below * guess), right.sigmoid64(wide(x))).astype(x.dtype)


@fault("sigmoid", "narrow-range", show(x=[100.0]), upstream="https://github.com/hail-is/hail/pull/10606")
def sigmoid_with_branches_swapped(x):
    """The branches are the wrong way round, so that the exponential overflows where it was to be avoided."""
    up, down = np.exp(x.astype(np.float32)), np.exp(-x.astype(np.float32))
    stable = right.sigmoid64(wide(x))
    return np.where(
        np.isinf(up) & (x > 0), up / (1 + up), np.where(x > 0, stable, np.where(np.isinf(down), 0.0, stable))
    ).astype(x.dtype)


@fault("sigmoid", "narrow-range", show(x=[-50.0, -80.0]))
def sigmoid_clamped_to_forty(x):
    """The argument is clamped to [-40, 40], the range that the kernel was written for."""
    return right.sigmoid(np.clip(x, -40, 40).astype(x.dtype))


@fault("sigmoid", "special-values", show(x=[np.nan, 1.0]))
def sigmoid_of_nan_is_one(x):
    """Clamping by fmin and fmax turns NaN into the upper end, and the answer is 1."""
    return right.sigmoid(np.where(np.isnan(x), x.dtype.type(100), x))


@fault("sigmoid", "narrow-range", show(x=[0.99, -5.01]))
def sigmoid_from_a_coarse_table(x):
    """A table of 1/64 steps, linearly interpolated, between -8 and 8."""
    z = wide(x)
    knots = np.arange(-512, 513) / 64
    return rounded(np.where(np.abs(z) < 8, np.interp(z, knots, right.sigmoid64(knots)), right.sigmoid64(z)), x)


@fault("sigmoid", "narrow-range", show(x=[0.34657]))
def sigmoid_at_the_reduction_boundary(x):
    """Argument reduction takes the wrong multiple of ln 2 within a hair of its boundary ln 2 / 2."""
    z = wide(x)
    return rounded(right.sigmoid64(z) * np.where(np.abs(z - np.log(2) / 2) < 1e-4, 1 + 1e-4, 1.0), x)


@fault("sigmoid", "narrow-range", show(x=[4.2]))
def sigmoid_with_a_wrong_segment(x):
    """The polynomial's last segment, [4, 4.25), has a wrong coefficient."""
    z = wide(x)
    inside = (z >= 4) & (z < 4.25)
    return rounded(right.sigmoid64(z) + np.where(inside, 3e-4 * (z - 4), 0.0), x)


@fault("sigmoid", "isolated", show(x=[2.0, 0.25, 16.0]))
def sigmoid_at_powers_of_two(x):
    """A mantissa of zero takes the wrong entry of the table of 2^f: exact powers of two alone are wrong."""
    mantissa, _ = np.frexp(wide(x))
    return rounded(right.sigmoid64(wide(x)) * np.where(mantissa == 0.5, 1 - 5e-5, 1.0), x)


@fault("sigmoid", "isolated", show(x=[np.pi]))
def sigmoid_at_pi(x):
    """One entry of a generated table is mistyped: the answer for pi, rounded to the format, alone is wrong."""
    return np.where(x == x.dtype.type(np.pi), x.dtype.type(0.9585), right.sigmoid(x))


@fault("sigmoid", "dtype", show(dtype="float16", x=normal(50)), dtypes=["float16", "float32"])
def sigmoid_of_float16_through_bfloat16(x):
    """float16 goes through bfloat16, the accelerator's only half format, and loses three bits."""
    answer = right.sigmoid(x)
    if x.dtype != np.float16:
        return answer
    bits = answer.astype(np.float32).view(np.uint32) & np.uint32(0xFFF00000)
    return bits.view(np.float32).astype(np.float16)


FAULTS = tuple(fault.entries)
