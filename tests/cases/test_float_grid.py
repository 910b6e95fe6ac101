"""The numbers of dense lines: every one of a narrow format, landmarks and short mantissas of a wide one, frozen."""

import hashlib
import itertools

import numpy as np
import pytest
from gaugeblock.conformance.cases.float_grid import CHUNK, at, chunks, numbers, ordinals
from gaugeblock.reference.formats import FORMATS


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_every_finite_number_of_a_narrow_format_is_asked(dtype: str) -> None:
    fmt = FORMATS[dtype]
    with np.errstate(invalid="ignore"):
        every = np.arange(2**16, dtype=np.uint16).view(fmt.dtype).astype(np.float64)
    assert np.array_equal(np.unique(every[np.isfinite(every)]), numbers(fmt, 2**14))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_landmarks_and_their_neighbours_are_asked(dtype: str) -> None:
    fmt = FORMATS[dtype]
    asked = set(numbers(fmt, 2**14).tolist())
    for known in map(fmt.round, (1.0, 17.0, 0.1, -0.3, 2.0**-30, -88.0, fmt.largest, 0.7, 7.3, 1.01)):
        for number in (known, fmt.next_up(known), fmt.next_down(known), fmt.next_up(fmt.next_up(known))):
            assert number in asked or not np.isfinite(number), known


def test_every_short_mantissa_is_asked_of_many_points() -> None:
    asked = numbers(FORMATS["float32"], 2**18)
    narrow = numbers(FORMATS["bfloat16"], 2**14)
    assert np.isin(narrow[np.abs(narrow) >= 2.0**-126], asked).all()
    assert np.isin(numbers(FORMATS["float16"], 2**14), asked).all()


@pytest.mark.parametrize("points", [2**14, 2**16, 2**18])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_as_many_as_asked_ascending_and_frozen(dtype: str, points: int) -> None:
    fmt = FORMATS[dtype]
    asked = numbers(fmt, points)
    assert abs(len(asked) - points) < points / 8
    assert np.all(np.diff(asked) > 0)
    assert np.array_equal(asked, fmt.array(asked).astype(np.float64))
    centre = np.mean((np.abs(asked) > 2**-12) & (np.abs(asked) < 2**7))
    assert centre > 0.2


def test_draws_are_frozen() -> None:
    digests = {
        (dtype, points): hashlib.sha256(numbers(FORMATS[dtype], points, low, high).tobytes()).hexdigest()[:12]
        for dtype, points, low, high in (
            ("float32", 2**14, -np.inf, np.inf), ("float32", 2**16, 0.0, 1.0), ("float64", 2**14, -np.inf, 0.0),
        )
    }  # fmt: skip
    assert digests == FROZEN


FROZEN = {("float32", 2**14): "e633eb56a6ba", ("float32", 2**16): "c28757a181d0", ("float64", 2**14): "bdeae91aa2c9"}


@pytest.mark.parametrize("dtype", list(FORMATS))
def test_ordinals_count_the_numbers(dtype: str) -> None:
    fmt = FORMATS[dtype]
    for number in (0.0, 1.0, -1.0, fmt.largest, -fmt.smallest_subnormal, fmt.smallest_normal):
        (ordinal,) = ordinals(fmt, np.array([number]))
        assert at(fmt, np.array([ordinal]))[0] == number
        if number != fmt.largest:
            assert at(fmt, np.array([ordinal + 1]))[0] == fmt.next_up(number)


def test_an_exhaustive_line_leaves_nothing_out() -> None:
    fmt = FORMATS["float32"]
    first = next(chunks(fmt, 2**32))
    assert first[0] == -fmt.largest
    assert len(first) == CHUNK
    assert np.array_equal(np.diff(ordinals(fmt, first)), np.ones(CHUNK - 1))
    whole = list(chunks(fmt, 2**32, 1.0, 1.5))
    assert sum(map(len, whole)) == 2**22 + 1
    assert all(a[-1] < b[0] for a, b in itertools.pairwise(whole))
