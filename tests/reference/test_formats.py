"""The formats against NumPy's and ml_dtypes' own casts and exact fractions, and roundings settled in two ways."""

import itertools
import math
import random
import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from flint import arb, ctx
from gaugeblock.reference.formats import FORMATS, Array, Format
from gaugeblock.reference.truth import settle, settle_plainly

HALVES = ("float16", "bfloat16")


def every(dtype: str) -> Array:
    """All 2^16 bit patterns of a half-precision format."""
    return np.arange(2**16, dtype=np.uint16).view(FORMATS[dtype].dtype)


def finite(dtype: str) -> list[float]:
    """Its finite numbers in ascending order, -0 left out."""
    with np.errstate(invalid="ignore"):
        values = every(dtype).astype(np.float64)
    return np.unique(values[np.isfinite(values)]).tolist()


def same(a: float, b: float) -> bool:
    return (math.isnan(a) and math.isnan(b)) or (a == b and math.copysign(1, a) == math.copysign(1, b))


def doubles(count: int, seed: str) -> list[float]:
    """binary64 numbers of random bits."""
    source = random.Random(seed)
    return [struct.unpack("<d", source.getrandbits(64).to_bytes(8, "little"))[0] for _ in range(count)]


@pytest.mark.parametrize("dtype", FORMATS)
def test_constants(dtype: str) -> None:
    fmt = FORMATS[dtype]
    info: Any = ml_dtypes.finfo(fmt.dtype)
    assert fmt.largest == float(info.max)
    assert fmt.smallest_normal == float(info.smallest_normal)
    assert fmt.smallest_subnormal == float(info.smallest_subnormal)
    assert fmt.epsilon == float(info.eps)
    assert fmt.unit_roundoff == float(info.eps) / 2
    assert fmt.emin == math.frexp(float(info.smallest_normal))[1] - 1
    assert fmt.precision == info.nmant + 1
    assert fmt.name == fmt.dtype.name == dtype


def test_float64_rounds_to_itself_and_fractions_as_python_does() -> None:
    fmt = FORMATS["float64"]
    for value in doubles(2000, "float64"):
        assert same(fmt.round(value), value)
    source = random.Random("fractions")
    for _ in range(2000):
        above, below = (source.getrandbits(source.randrange(1, 200)) for _ in range(2))
        fraction = Fraction(above, below or 1) * Fraction(2) ** source.randrange(-1100, 900)
        # Python's division of integers is correctly rounded.
        try:
            expected = fraction.numerator / fraction.denominator
        except OverflowError:
            expected = math.inf
        assert same(fmt.round(fraction), expected), fraction
        assert same(fmt.round(-fraction), -expected) or fraction == 0, fraction


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_rounding_is_numpys_cast(dtype: str) -> None:
    fmt = FORMATS[dtype]
    source = random.Random(dtype)
    spread = [math.ldexp(source.uniform(-1, 1), source.randrange(fmt.emin - 30, fmt.emax + 3)) for _ in range(4000)]
    for value in [*spread, *doubles(500, dtype), 0.0, -0.0, math.inf, -math.inf, math.nan]:
        with np.errstate(all="ignore"):
            expected = float(np.float64(value).astype(dtype))
        assert same(fmt.round(value), expected), value


def test_rounding_to_bfloat16_is_ml_dtypes_cast_of_float32() -> None:
    source = random.Random("bfloat16")
    bits = np.array([source.getrandbits(32) for _ in range(4000)], dtype=np.uint32)
    # Half of them on ties and next to ties.
    bits[::2] = (bits[::2] & np.uint32(0xFFFF0000)) + np.uint32(0x8000)
    bits[::4] += np.array([source.choice((0, 1, -1)) for _ in range(1000)], dtype=np.int64).astype(np.uint32)
    values = bits.view(np.float32)
    with np.errstate(all="ignore"):
        expected = values.astype(ml_dtypes.bfloat16).astype(np.float64)
        wide = values.astype(np.float64)
    for value, cast in zip(wide.tolist(), expected.tolist(), strict=True):
        assert same(FORMATS["bfloat16"].round(value), cast), value


@pytest.mark.parametrize("dtype", HALVES)
def test_ties_between_all_neighbours_go_to_the_even_one(dtype: str) -> None:
    fmt = FORMATS[dtype]
    numbers = finite(dtype)
    bits = {
        float(v): int(b)
        for v, b in zip(np.array(numbers), np.array(numbers).astype(fmt.dtype).view(np.uint16), strict=True)
    }
    # -0 and 0 are the same number; its pattern is even.
    steps = list(itertools.pairwise(numbers))
    for low, high in steps[::5]:
        tie = (Fraction(low) + Fraction(high)) / 2
        even = low if bits[low] % 2 == 0 else high
        assert fmt.round(tie) == even, (low, high)
        nudge = abs(Fraction(high) - Fraction(low)) / 2**60
        assert fmt.round(tie - nudge) == low
        assert fmt.round(tie + nudge) == high


@pytest.mark.parametrize("dtype", FORMATS)
def test_overflow_threshold(dtype: str) -> None:
    fmt = FORMATS[dtype]
    threshold = Fraction(fmt.largest) + Fraction(2) ** (fmt.emax - fmt.precision)
    assert fmt.round(threshold) == math.inf
    assert fmt.round(-threshold) == -math.inf
    below = threshold - Fraction(1, 10**30)
    assert fmt.round(below) == fmt.largest
    assert fmt.round(-below) == -fmt.largest


@pytest.mark.parametrize("dtype", FORMATS)
def test_underflow_threshold(dtype: str) -> None:
    fmt = FORMATS[dtype]
    half = Fraction(fmt.smallest_subnormal) / 2
    assert same(fmt.round(half), 0.0)
    assert same(fmt.round(-half), -0.0)
    assert fmt.round(half * (1 + Fraction(1, 2**200))) == fmt.smallest_subnormal
    assert fmt.round(3 * half) == 2 * fmt.smallest_subnormal
    assert fmt.round(Fraction(fmt.smallest_normal) - half) == fmt.smallest_normal
    assert fmt.round(Fraction(fmt.smallest_normal) - half * (1 + Fraction(1, 2**200))) < fmt.smallest_normal


@pytest.mark.parametrize("dtype", FORMATS)
def test_dyadic_numbers_with_exponents_beyond_all_bounds(dtype: str) -> None:
    fmt = FORMATS[dtype]
    for far in (10**4, 10**9, 10**40):
        assert same(fmt.round_dyadic(1, far), math.inf)
        assert same(fmt.round_dyadic(-5, far), -math.inf)
        assert same(fmt.round_dyadic(1, -far), 0.0)
        assert same(fmt.round_dyadic(-(3**70), -far), -0.0)
        assert fmt.round_dyadic(0, far) == fmt.round_dyadic(0, -far) == 0
    # A long mantissa whose value is 1 and a sticky bit.
    assert fmt.round_dyadic((1 << 5000) + 1, -5000) == 1.0
    assert fmt.round_dyadic(((2 << fmt.precision) + 2 << 3000) + 1, -3001 - fmt.precision) == 1 + fmt.epsilon
    assert fmt.round_dyadic((2 << fmt.precision) + 2 << 3000, -3001 - fmt.precision) == 1.0


@pytest.mark.parametrize("dtype", FORMATS)
def test_dyadic_numbers_are_rounded_as_fractions_are(dtype: str) -> None:
    fmt = FORMATS[dtype]
    source = random.Random(f"dyadic/{dtype}")
    for _ in range(1000):
        mantissa = source.getrandbits(source.randrange(1, 120)) * source.choice((1, -1))
        exponent = source.randrange(fmt.emin - 150, fmt.emax + 10)
        exact = Fraction(mantissa) * Fraction(2) ** exponent
        got = fmt.round_dyadic(mantissa, exponent)
        if math.isinf(got):
            assert abs(exact) >= Fraction(fmt.largest) + Fraction(2) ** (fmt.emax - fmt.precision)
        else:
            off = abs(Fraction(got) - exact)
            others = [other for other in (fmt.next_up(got), fmt.next_down(got)) if math.isfinite(other)]
            assert all(off <= abs(Fraction(other) - exact) for other in others)


@pytest.mark.parametrize("dtype", HALVES)
def test_neighbours_of_all_numbers(dtype: str) -> None:
    fmt = FORMATS[dtype]
    numbers = finite(dtype)
    assert len(numbers) == {"float16": 63487, "bfloat16": 65279}[dtype]
    assert [fmt.next_up(number) for number in numbers] == [*numbers[1:], math.inf]
    assert [fmt.next_down(number) for number in numbers] == [-math.inf, *numbers[:-1]]
    assert fmt.next_up(-0.0) == fmt.smallest_subnormal
    assert fmt.next_down(0.0) == -fmt.smallest_subnormal


@pytest.mark.parametrize("dtype", FORMATS)
def test_neighbours_at_the_ends(dtype: str) -> None:
    fmt = FORMATS[dtype]
    assert fmt.next_up(-math.inf) == -fmt.largest
    assert fmt.next_down(math.inf) == fmt.largest
    assert fmt.next_up(math.inf) == math.inf
    assert fmt.next_down(-math.inf) == -math.inf
    assert math.isnan(fmt.next_up(math.nan))
    assert math.isnan(fmt.next_down(math.nan))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_neighbours_are_numpys(dtype: str) -> None:
    fmt = FORMATS[dtype]
    kind = np.dtype(dtype).type
    edges = [
        1.0, -1.0, 2.0, fmt.smallest_normal, -fmt.smallest_normal, fmt.smallest_subnormal, fmt.largest, -fmt.largest,
    ]  # fmt: skip
    with np.errstate(all="ignore"):
        drawn = np.array(doubles(1000, f"neighbours/{dtype}")).astype(dtype).astype(np.float64).tolist()
        for value in [*edges, *drawn]:
            up, down = (float(np.nextafter(kind(value), kind(way))) for way in (np.inf, -np.inf))
            assert fmt.next_up(value) == up or math.isnan(value)
            assert fmt.next_down(value) == down or math.isnan(value)


@pytest.mark.parametrize("dtype", FORMATS)
def test_unit_in_the_last_place(dtype: str) -> None:
    fmt = FORMATS[dtype]

    def ulp(value: float) -> float:
        return math.ldexp(1.0, fmt.ulp_exponent(math.frexp(value)[1] - 1))

    assert ulp(1.0) == fmt.epsilon
    assert ulp(fmt.next_down(1.0)) == fmt.epsilon / 2
    assert ulp(2.0) == 2 * fmt.epsilon
    assert ulp(fmt.largest) == fmt.largest - fmt.next_down(fmt.largest)
    for small in (fmt.smallest_subnormal, fmt.smallest_normal / 2, fmt.smallest_normal, 1.5 * fmt.smallest_normal):
        assert ulp(small) == fmt.smallest_subnormal
    assert ulp(2 * fmt.smallest_normal) == 2 * fmt.smallest_subnormal
    assert fmt.ulp_exponent(10**6) == fmt.emax - fmt.precision + 1
    assert fmt.ulp_exponent(-(10**6)) == fmt.emin - fmt.precision + 1
    for exponent in range(fmt.emin, fmt.emax, max(1, fmt.emax // 100)):
        assert ulp(math.ldexp(1.0, exponent)) == fmt.next_up(math.ldexp(1.0, exponent)) - math.ldexp(1.0, exponent)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_arrays_hold_numbers_of_the_format_alone(dtype: str) -> None:
    fmt = FORMATS[dtype]
    kept = fmt.array([1.0, -0.0, math.inf, -math.inf, math.nan, fmt.smallest_subnormal, fmt.largest])
    assert kept.dtype == fmt.dtype
    assert math.copysign(1, float(kept[1])) == -1
    for foreign in (0.1, 1 + fmt.epsilon / 2, fmt.smallest_subnormal / 2, 2 * fmt.largest, 1e308):
        with pytest.raises(ValueError, match=dtype):
            fmt.array([1.0, foreign])


def test_arrays_of_float64_hold_everything() -> None:
    values = [0.1, 5e-324, 1.7976931348623157e308, math.inf, math.nan]
    np.testing.assert_array_equal(FORMATS["float64"].array(values), values)


@pytest.mark.parametrize("dtype", FORMATS)
def test_rounded_arrays(dtype: str) -> None:
    fmt = FORMATS[dtype]
    got = fmt.rounded([[0.1, 1e308], [-1e-320, math.nan]])
    assert got.shape == (2, 2)
    assert got.dtype == fmt.dtype
    assert float(got[0, 0]) == fmt.round(0.1)
    assert float(got[0, 1]) == (1e308 if dtype == "float64" else math.inf)
    assert float(got[1, 0]) == (-1e-320 if dtype == "float64" else 0)
    assert math.isnan(float(got[1, 1]))
    assert fmt.rounded([]).shape == (0,)


@pytest.mark.parametrize("fmt", FORMATS.values(), ids=lambda fmt: fmt.name)
@pytest.mark.parametrize("number", [1e-7, 0.1, 0.9, 1 - 1e-7, 1e-30])
def test_rounded_constants_are_the_nearest(fmt: Format, number: float) -> None:
    got = fmt.round(number)
    off = abs(Fraction(got) - Fraction(number))
    assert off <= abs(Fraction(fmt.next_up(got)) - Fraction(number))
    assert off <= abs(Fraction(fmt.next_down(got)) - Fraction(number))


@pytest.mark.parametrize("fmt", FORMATS.values(), ids=lambda fmt: fmt.name)
def test_fractions_beyond_binary64(fmt: Format) -> None:
    assert fmt.round(Fraction(10) ** 400) == math.inf
    assert fmt.round(-(Fraction(10) ** 400)) == -math.inf
    assert same(fmt.round(Fraction(1, 10**400)), 0.0)
    assert same(fmt.round(Fraction(-1, 10**400)), -0.0)


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
    whole, least = 2**fmt.precision, fmt.emin - fmt.precision
    drawn = [math.ldexp(source.uniform(-2, 2), source.randint(least - 2, fmt.emax)) for _ in range(4000)]
    low = least - fmt.precision
    halves = [math.ldexp(source.randint(-whole, whole) + 0.5, source.randint(low, 0)) for _ in range(2000)]
    ends = [fmt.largest, fmt.smallest_subnormal, fmt.smallest_subnormal / 2, 0.0, -0.0, math.inf, -math.inf, math.nan]
    beyond = [math.ldexp(2 - math.ldexp(part, -fmt.precision), fmt.emax) for part in (2.0, 1.5, 1.0, 0.75, 0.5)]
    values = np.array([*drawn, *halves, *ends, *beyond])
    expected = np.array([fmt.round(float(value)) for value in values])
    got = fmt.rounded(values).astype(np.float64)
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(np.signbit(got[~np.isnan(got)]), np.signbit(expected[~np.isnan(expected)]))
