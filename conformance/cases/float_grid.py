"""The numbers of a format that dense lines go through: all of a narrow one, a frozen choice out of a wide one.

A number's ordinal counts the format's numbers from 0, downwards below it: neighbours differ by one.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator

import numpy as np
from gaugeblock.conformance.cases.draws import uniform
from gaugeblock.conformance.cases.named_arrays import THRESHOLDS, Landmarks
from gaugeblock.reference.formats import FORMATS, Array, Format

CHUNK = 2**16
"""So many numbers are asked in one call."""

CENTRE = (2.0**-12, 2.0**7)
"""Where functions of one number change: most of what is drawn lies here, on either side."""

REACH = 130
"""Exponents up to this size are gone through one by one."""

NEIGHBOURS = 2
"""To so many units on either side of a landmark."""

EXHAUSTIVE = 2**32
"""As many points as float32 has numbers, and not all of them finite."""


def ordinals(fmt: Format, values: Array) -> Array:
    """The ordinals of numbers of the format, given as binary64."""
    bits = 8 * fmt.dtype.itemsize
    signed = fmt.array(values).view(f"i{fmt.dtype.itemsize}").astype(np.int64)
    # The sign and the magnitude of an integer, as the bits of a number have them.
    return np.where(signed < 0, -(signed & np.int64(2 ** (bits - 1) - 1)), signed)


def at(fmt: Format, ordinal: Array) -> Array:
    """The numbers with these ordinals, as binary64; both zeros have the ordinal 0."""
    size = fmt.dtype.itemsize
    magnitudes = np.abs(ordinal).astype(f"i{size}").view(fmt.dtype).astype(np.float64)
    return np.copysign(magnitudes, np.where(ordinal < 0, -1.0, 1.0))


CONSTANTS = tuple(
    float.fromhex(text)
    for text in (
        "0x1.921fb54442d18p+1", "0x1.5bf0a8b145769p+1", "0x1.62e42fefa39efp-1", "0x1.26bb1bbb55516p+1",
        "0x1.6a09e667f3bcdp+0", "0x1.bb67ae8584caap+0", "0x1.9e3779b97f4a8p+0", "0x1.2788cfc6fb619p-1",
    )
)  # fmt: skip
"""Pi, e, the logarithms of 2 and 10, the roots of 2 and 3, the golden ratio and Euler's constant."""


def _landmarks(fmt: Format) -> Array:
    """Powers of two, small integers, small decimals, thresholds of libms, and logarithms of the format's limits."""
    limits = Landmarks.of(fmt)
    exponents = np.arange(fmt.emin - fmt.precision + 1, fmt.emax + 1)
    exponents = exponents[(np.abs(exponents) <= REACH) | (exponents % 64 == 0)]
    known = [
        np.ldexp(1.0, exponents),
        np.arange(130.0),
        np.arange(100) / 10,
        np.arange(130) / 100,
        1 - np.ldexp(1.0, -np.arange(1, fmt.precision + 1)),
        np.array([*THRESHOLDS, limits.normal, limits.subnormal, limits.epsilon, limits.largest, fmt.largest]),
        np.array([limits.largest / 2, limits.epsilon / 2, limits.normal / 2]),
        np.outer(CONSTANTS, np.ldexp(1.0, np.arange(-2, 3))).ravel(),
    ]
    every = fmt.rounded(np.concatenate(known)).astype(np.float64)
    return ordinals(fmt, every[np.isfinite(every)])


def _short(fmt: Format, points: int) -> Array:
    """Ordinals of every positive number with so few bits after the leading one that they are a part of the points."""
    first, last = _ends(fmt, math.ldexp(1.0, max(fmt.emin, -REACH)), math.ldexp(1.0, REACH))
    binades = (last - first) >> (fmt.precision - 1)
    bits = int(math.log2(max(1, points / 4 / binades)))
    return np.arange(first, last + 1, 2 ** (fmt.precision - 1 - bits))


def _ends(fmt: Format, low: float, high: float) -> tuple[int, int]:
    """The ordinals of the first and the last finite number from `low` to `high`."""
    first, last = ordinals(fmt, np.array([max(low, -fmt.largest), min(high, fmt.largest)])).tolist()
    return first, last


def _drawn(name: str, first: int, last: int, count: int) -> Array:
    """One ordinal out of each of so many equal parts of a range."""
    # Ordinals of binary64 are more than a binary64 mantissa holds: whole parts are counted exactly.
    width = max(1, (last - first + 1) // max(1, count))
    starts = first + width * np.arange(min(count, last - first + 1), dtype=np.int64)
    return np.asarray(starts + np.floor(uniform(name, starts.shape, 0, 1) * width).astype(np.int64))


@functools.lru_cache(maxsize=64)
def numbers(fmt: Format, points: int, low: float = -math.inf, high: float = math.inf) -> Array:
    """About so many finite numbers of the format from `low` to `high`, ascending, as binary64: all, or a frozen choice.

    Out of a wide format: landmarks and their neighbours, as many short mantissas as make up half, the rest drawn. Of
    2^18 points and more, every number of float16 is one.
    """
    first, last = _ends(fmt, low, high)
    if last - first < max(points, 2**16):
        return at(fmt, np.arange(first, last + 1))
    near = np.add.outer(_landmarks(fmt), np.arange(-NEIGHBOURS, NEIGHBOURS + 1)).ravel()
    short = _short(fmt, points)
    if points >= 2**18:
        half = FORMATS["float16"]
        short = np.concatenate([short, ordinals(fmt, numbers(half, points, 0.0))])
    known = np.unique(np.concatenate([near, -near, short, -short]))
    known = known[(known >= first) & (known <= last)]
    rest = max(0, points - len(known))
    inner, outer = _ends(fmt, *CENTRE)
    _, top = _ends(fmt, 0.0, math.inf)
    parts = []
    for share, ranges in ((rest - rest // 4, ((inner, outer), (-outer, -inner))), (rest // 4, ((0, top), (-top, 0)))):
        sides = [(max(first, start), min(last, stop)) for start, stop in ranges]
        sides = [(start, stop) for start, stop in sides if start < stop]
        parts += [_drawn(f"dense/{start}", start, stop, share // len(sides)) for start, stop in sides]
    return at(fmt, np.unique(np.concatenate([known, *parts])))


def chunks(fmt: Format, points: int, low: float = -math.inf, high: float = math.inf) -> Iterator[Array]:
    """The same in chunks of at most CHUNK; every finite number where so many points are asked for."""
    if points < EXHAUSTIVE:
        every = numbers(fmt, points, low, high)
        yield from (every[start : start + CHUNK] for start in range(0, len(every), CHUNK))
        return
    first, last = _ends(fmt, low, high)
    for start in range(first, last + 1, CHUNK):
        yield at(fmt, np.arange(start, min(start + CHUNK, last + 1)))
