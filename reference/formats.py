"""Binary floating-point formats: rounding, neighbours, ULP and subnormals.

Every value of every format here is a binary64 number too, so values travel as Python floats and binary64
arrays; `Format.array` goes to the storage type, exactly.
Source: IEEE 754-2019; bfloat16 as Intel's 'BFLOAT16 - Hardware Numerics Definition', 2018, with subnormals.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import ml_dtypes
import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Format:
    """A binary format: `precision` significant bits, the hidden one included, and the largest exponent `emax`.

    `dtype` is the NumPy dtype that stores its numbers.
    """

    name: str
    precision: int
    emax: int
    dtype: np.dtype[Any]

    @functools.cached_property
    def emin(self) -> int:
        """The exponent of the smallest normal number."""
        return 1 - self.emax

    @functools.cached_property
    def largest(self) -> float:
        """The largest finite number."""
        return math.ldexp(2.0 - math.ldexp(1.0, 1 - self.precision), self.emax)

    @functools.cached_property
    def smallest_normal(self) -> float:
        """The smallest positive normal number."""
        return math.ldexp(1.0, self.emin)

    @functools.cached_property
    def smallest_subnormal(self) -> float:
        """The smallest positive number."""
        return math.ldexp(1.0, self.emin - self.precision + 1)

    @functools.cached_property
    def epsilon(self) -> float:
        """The distance from 1 to the next larger number."""
        return math.ldexp(1.0, 1 - self.precision)

    @functools.cached_property
    def unit_roundoff(self) -> float:
        """Half of epsilon: the largest relative error of one rounding to nearest."""
        return self.epsilon / 2

    def ulp_exponent(self, exponent: int) -> int:
        """log2 of the unit in the last place of numbers in [2^exponent, 2^(exponent + 1)).

        Below the smallest normal number and beyond the largest it is that of the nearest binade of the format.
        """
        return min(max(exponent, self.emin), self.emax) - self.precision + 1

    def round_dyadic(self, mantissa: int, exponent: int) -> float:
        """mantissa * 2^exponent rounded to nearest, ties to even; overflow gives an infinity as IEEE 754 says."""
        if mantissa == 0:
            return 0.0
        magnitude, sign = abs(mantissa), -1.0 if mantissa < 0 else 1.0
        leading = magnitude.bit_length() - 1 + exponent
        # Exponents of balls have no limit: shifting by them would not end.
        if leading > self.emax:
            return sign * math.inf
        if leading < self.emin - self.precision - 1:
            return sign * 0.0
        unit = self.ulp_exponent(leading)
        shift = unit - exponent
        if shift > 0:
            quotient = magnitude >> shift
            remainder = magnitude - (quotient << shift)
            half = 1 << (shift - 1)
            if remainder > half or (remainder == half and quotient & 1):
                quotient += 1
        else:
            quotient = magnitude << -shift
        if quotient.bit_length() + unit > self.emax + 1:
            return sign * math.inf
        return sign * math.ldexp(quotient, unit)

    def round(self, value: float | Fraction) -> float:
        """`value`, which may be a fraction, rounded to nearest, ties to even."""
        if isinstance(value, float) and not math.isfinite(value):
            return value
        fraction = Fraction(value)
        if fraction == 0:
            return math.copysign(0.0, value)
        # Enough quotient bits that the sticky bit below settles every tie.
        scale = max(0, 2 * self.precision + 8 + fraction.denominator.bit_length() - fraction.numerator.bit_length())
        quotient, remainder = divmod(abs(fraction.numerator) << scale, fraction.denominator)
        sticky = (quotient << 1) | (remainder != 0)
        return self.round_dyadic(sticky if fraction > 0 else -sticky, -scale - 1)

    def next_up(self, value: float) -> float:
        """The next larger number of the format, of which `value` must be one; NaN and infinity stay as they are."""
        if math.isnan(value) or value == math.inf:
            return value
        if value == -math.inf:
            return -self.largest
        if value == self.largest:
            return math.inf
        if value == 0:
            return self.smallest_subnormal
        exponent = math.frexp(abs(value))[1] - 1
        step = math.ldexp(1.0, self.ulp_exponent(exponent))
        if value < 0 and abs(value) == math.ldexp(1.0, exponent) and exponent > self.emin:
            step /= 2
        return value + step

    def next_down(self, value: float) -> float:
        """The next smaller number of the format; see `next_up`."""
        return -self.next_up(-value)

    def array(self, values: Any) -> Array:
        """`values` (array-like) as an array of `dtype`; ValueError if one of them is no number of the format."""
        wide = np.asarray(values, dtype=np.float64)
        with np.errstate(all="ignore"):
            narrow = wide.astype(self.dtype)
        if not np.array_equal(narrow.astype(np.float64), wide, equal_nan=True):
            raise ValueError(f"not every value is a {self.name} number: {values!r}")
        return narrow

    def rounded(self, values: Any) -> Array:
        """`values` (array-like of binary64 numbers), each rounded to nearest, ties to even, as an array of `dtype`."""
        wide = np.asarray(values, dtype=np.float64)
        if self.dtype == np.float64:
            return self.array(wide)
        finite = np.where(np.isfinite(wide), wide, 0.0)
        # Scaling by powers of two is exact, but for quotients that round to zero anyway.
        units = np.ldexp(1.0, np.maximum(np.frexp(finite)[1] - 1, self.emin) - self.precision + 1)
        near = np.rint(finite / units) * units
        near = np.where(np.abs(near) > self.largest, np.copysign(np.inf, near), near)
        return self.array(np.where(np.isfinite(wide), near, wide))


FORMATS = {
    fmt.name: fmt
    for fmt in (
        Format("float16", 11, 15, np.dtype(np.float16)),
        Format("bfloat16", 8, 127, np.dtype(ml_dtypes.bfloat16)),
        Format("float32", 24, 127, np.dtype(np.float32)),
        Format("float64", 53, 1023, np.dtype(np.float64)),
    )
}
