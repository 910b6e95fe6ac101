"""Distances in units in the last place, the digest of an answer's bits, and numbers as they are recorded."""

from __future__ import annotations

import functools
import hashlib
import math
from typing import Any

import numpy as np
from gaugeblock.reference.formats import Array, Format
from gaugeblock.reference.truth import Truth

LARGEST_ERROR = 1e300
"""Errors in ULP are capped here: JSON has no infinity."""


def hexadecimal(value: float) -> str:
    """C99 hexadecimal; nan, inf and -inf as they are."""
    return value.hex() if math.isfinite(value) else repr(value)


def digest(answer: Array) -> str:
    """SHA-256 over dtype, shape and bits, every NaN taken for the same; the first 16 hex digits."""
    bits = answer
    if bits.dtype.kind not in "biu":
        missing = np.isnan(bits)
        if missing.any():
            bits = np.array(bits)
            bits[missing] = np.nan
    head = f"{_name(bits.dtype)}{bits.shape}".encode()
    return hashlib.sha256(head + bits.tobytes()).hexdigest()[:16]


@functools.cache
def _name(dtype: np.dtype[Any]) -> str:
    return dtype.name


def errors(got: Array, truth: Truth, fmt: Format) -> Array:
    """|got - exact| in ULP of the exact value, NaN where that is no distance (NaN or infinity against a number).

    An infinity for a finite truth counts as 2^(emax + 1); NaN for NaN and the same infinity count as 0.
    """
    wide = np.asarray(got, dtype=np.float64)
    with np.errstate(all="ignore"):
        # Scaled by a power of two, both are integers or nearly so, and their difference is exact when small.
        scaled = wide / truth.ulp
        ordinary = np.isfinite(wide)
        # An answer in a wider format may be beyond the largest number, as the exact value is.
        scaled = np.where(np.abs(wide) > fmt.largest, np.sign(wide) * fmt.largest / truth.ulp, scaled)
        if not ordinary.all():
            beyond = np.ldexp(1.0, fmt.emax + 1 - np.log2(truth.ulp).astype(int)) * np.sign(wide)
            scaled = np.where(np.isinf(wide), beyond, scaled)
        distance = np.abs((scaled - truth.nearest / truth.ulp) + truth.residual[0] + truth.residual[1])
    distance = np.asarray(np.minimum(distance, LARGEST_ERROR))
    known = np.isfinite(truth.nearest)
    if ordinary.all() and known.all():
        return distance
    distance = np.where(np.isnan(wide) | ~known, np.nan, distance)
    same = (np.isnan(wide) & np.isnan(truth.nearest)) | (np.isinf(wide) & (wide == truth.nearest))
    return np.asarray(np.where(same, 0.0, distance))
