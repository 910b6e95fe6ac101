"""What binary64 arithmetic settles is what whole-number arithmetic settles: one decision, made in two ways."""

import math
import random
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx
from gaugeblock.reference.formats import FORMATS, Format
from gaugeblock.reference.truth import settle, settle_plainly

DTYPES = tuple(FORMATS)
NARROW = tuple(name for name in DTYPES if name != "float64")


def near(fmt: Format, source: random.Random) -> Iterator[Any]:
    """Balls at and around numbers of the format, halves between them, powers of two, and its ends."""
    low, high = max(fmt.emin - fmt.precision, -860), min(fmt.emax, 830)
    for _ in range(6000):
        exponent = source.randint(low, high)
        unit = math.ldexp(1.0, fmt.ulp_exponent(exponent))
        whole = source.choice([2 ** (fmt.precision - 1), source.getrandbits(fmt.precision), 2**fmt.precision - 1])
        steps = arb(whole) + source.choice([0, arb(1) / 2, arb(-1) / 2, arb(1) / 4])
        offset = source.choice([0, 1, -1]) * arb(2) ** -source.choice([1, 2, 20, 49, 50, 51, 55, 60, 70, 100])
        radius = source.choice([0, 0, arb(2) ** -source.choice([60, 63, 70, 90])])
        yield source.choice([1, -1]) * (steps + offset + arb(0, radius) / 3 * 3) * arb(unit)


@pytest.mark.parametrize("dtype", DTYPES)
def test_both_ways_of_settling_agree(dtype: str) -> None:
    fmt, settled = FORMATS[dtype], 0
    ctx.prec = 320
    for ball in near(fmt, random.Random(dtype)):
        plainly = settle_plainly(ball, fmt)
        if plainly is None:
            continue
        settled += 1
        exactly = settle(ball, fmt, last=True)
        assert exactly is not None
        assert plainly[:2] == exactly[:2], ball
        assert plainly[4] == exactly[4], ball
        off = sum(map(Fraction, plainly[2:4])) - sum(map(Fraction, exactly[2:4]))
        assert abs(off) <= Fraction(1, 2**100), ball
    assert settled > 1000


@pytest.mark.parametrize("dtype", DTYPES)
def test_nothing_near_a_tie_is_settled_plainly(dtype: str) -> None:
    fmt = FORMATS[dtype]
    ctx.prec = 320
    for distance in (0, arb(2) ** -30, -(arb(2) ** -30), arb(2) ** -300):
        tie = (1 + arb(fmt.epsilon) / 2) + distance * arb(fmt.epsilon)
        assert settle_plainly(tie, fmt) is None
    wide = arb(1.25, fmt.epsilon * 2.0**-50)
    assert settle_plainly(wide, fmt) is None


@pytest.mark.parametrize("dtype", NARROW)
def test_arrays_are_rounded_as_single_numbers_are(dtype: str) -> None:
    fmt, source = FORMATS[dtype], random.Random(f"rounded/{dtype}")
    drawn = [
        math.ldexp(source.uniform(-2, 2), source.randint(fmt.emin - fmt.precision - 2, fmt.emax)) for _ in range(4000)
    ]
    halves = [
        math.ldexp(
            source.randint(-(2**fmt.precision), 2**fmt.precision) + 0.5, source.randint(fmt.emin - 2 * fmt.precision, 0)
        )
        for _ in range(2000)
    ]
    ends = [fmt.largest, fmt.smallest_subnormal, fmt.smallest_subnormal / 2, 0.0, -0.0, math.inf, -math.inf, math.nan]
    beyond = [math.ldexp(2 - math.ldexp(part, -fmt.precision), fmt.emax) for part in (2.0, 1.5, 1.0, 0.75, 0.5)]
    values = np.array([*drawn, *halves, *ends, *beyond])
    expected = np.array([fmt.round(float(value)) for value in values])
    got = fmt.rounded(values).astype(np.float64)
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(np.signbit(got[~np.isnan(got)]), np.signbit(expected[~np.isnan(expected)]))
