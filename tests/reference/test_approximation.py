"""Approximations along a line: their errors are what they say, and nothing is left out."""

import math
from typing import Any

import numpy as np
import pytest
from gaugeblock.conformance.cases.domains import DOMAINS
from gaugeblock.conformance.cases.float_grid import numbers
from gaugeblock.conformance.cases.rows import lines
from gaugeblock.conformance.checks.dense import line_of
from gaugeblock.reference import engine
from gaugeblock.reference.approximation import Approximation, Line, approximate
from gaugeblock.reference.catalogue import OPERATIONS, operation
from gaugeblock.reference.formats import FORMATS, Array

SERVED = [
    (op, fmt)
    for op in OPERATIONS.values()
    for fmt in map(FORMATS.get, ("float16", "float32", "float64"))
    if lines(op, fmt)
]

# Published hard cases for rounding to binary64: e^x from Lefevre and Muller, Worst cases for correct rounding of the
# elementary functions in double precision, 2001; x such that softplus and sigmoid stand next to e^x.
HARD = [
    float.fromhex(text)
    for text in (
        "-0x1.12d9c8c5cf3e8p+5",
        "0x1.fffffffffffffp-54",
        "-0x1.e8bdbfcd9144ep+3",
        "0x1.f6e4c3ced7c72p+6",
        "-0x1.ed318efb627eap-27",
        "-0x1.3475ac05cefc1p+3",
    )
]


def apart(line: Line, approximation: Approximation, points: Array, chosen: Array) -> tuple[Array, Array]:
    """How far head + tail are from the exact values, and the errors that they say, in units of the last place."""
    head, tail, error = (part[chosen] for part in approximation(points))
    truth = engine.evaluate(line.operation, line.format, line.batch(points[chosen]), **line.parameters)
    shape = head.shape
    nearest, ulp, undecided = (each.reshape(shape) for each in (truth.nearest, truth.ulp, truth.undecided))
    residual = truth.residual.reshape(2, *shape)
    with np.errstate(all="ignore"):
        off = np.abs((head - nearest) + tail + (residual[0] + residual[1]) * ulp) / ulp
        off = np.where((head == nearest) & ~np.isfinite(head), 0.0, off)
    return np.where(undecided | np.isinf(error), 0.0, off), error / ulp


@pytest.mark.parametrize(("op", "fmt"), [pytest.param(*each, id=f"{each[0].name}-{each[1].name}") for each in SERVED])
def test_errors_are_what_they_say(op: Any, fmt: Any) -> None:
    for name in lines(op, fmt):
        line = line_of(op, fmt, name, {})
        points = numbers(fmt, 2**11 if fmt.precision == 53 else 2**12, *DOMAINS[op.domains[-1]].limits)
        approximation = approximate(line, points)
        assert approximation.counts.sum() == len(points)
        chosen = np.linspace(0, len(points) - 1, 100 if fmt.precision == 53 else 300).astype(int)
        off, error = apart(line, approximation, points, chosen)
        # The exact value is itself known to 2^-60 of a unit here.
        assert np.all(off <= error + 2**-40), (name, points[chosen[np.argmax(np.max(off - error, axis=1))]])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(
    "name", ["sigmoid", "softplus", "logit", "hard_sigmoid", "softmax", "log_softmax", "hinge", "sparsemax"]
)
def test_derivatives_are_as_certain(name: str, dtype: str) -> None:
    op, fmt = operation(name), FORMATS[dtype]
    for way in lines(op, fmt):
        line = line_of(op, fmt, way, {}, derivative=True)
        points = numbers(fmt, 2**11, *DOMAINS[op.domains[-1]].limits)
        chosen = np.linspace(0, len(points) - 1, 100).astype(int)
        head, tail, error = (part[chosen, 0] for part in approximate(line, points)(points))
        upstream = line.upstream(len(chosen))
        truth = engine.gradient(op, fmt, line.batch(points[chosen]), upstream, reduction="none")
        nearest, ulp, undecided = (line.moved(each) for each in (truth.nearest, truth.ulp, truth.undecided))
        residual = line.moved(truth.residual[0]) + line.moved(truth.residual[1])
        asked = True if truth.asked is None else line.moved(truth.asked)
        compared = asked & ~undecided & np.isfinite(error) & np.isfinite(nearest)
        with np.errstate(all="ignore"):
            off = np.abs((head - nearest) + tail + residual * ulp) / ulp
        assert np.sum(compared) > 90
        assert np.all((off <= error / ulp + 2**-40)[compared]), way


def test_ends_and_middles_of_pieces_are_as_certain() -> None:
    fmt = FORMATS["float32"]
    for name in ("sigmoid", "softplus", "logit", "softmax", "sparse_categorical_cross_entropy_with_logits"):
        op = operation(name)
        line = line_of(op, fmt, next(iter(lines(op, fmt))), {})
        points = numbers(fmt, 2**14, *DOMAINS[op.domains[-1]].limits)
        approximation = approximate(line, points)
        ends = np.cumsum(approximation.counts)
        places = [ends - 1, ends - approximation.counts, ends - approximation.counts // 2 - 1]
        chosen = np.unique(np.concatenate(places))
        off, error = apart(line, approximation, points, np.clip(chosen, 0, len(points) - 1))
        assert len(chosen) > 100
        assert np.all(off <= error + 2**-40), name
        # Few numbers are left to the engine, and few to a tangent.
        assert np.sum(approximation.counts == 1) < len(points) / 8


@pytest.mark.parametrize("name", ["sigmoid", "softplus", "log_sigmoid"])
def test_hard_cases(name: str) -> None:
    op, fmt = operation(name), FORMATS["float64"]
    line = line_of(op, fmt, "alone", {})
    # Many neighbours, so that a polynomial answers and not the engine.
    steps = np.arange(-200, 201)
    for hard in HARD:
        points = np.sort(hard + steps * math.ulp(hard))
        approximation = approximate(line, points)
        assert not np.any(approximation.counts == 1), hard
        off, error = apart(line, approximation, points, np.arange(150, 251))
        assert np.all(off <= error + 2**-40)
        assert np.max(error) < 0.6


def test_kinks_are_left_to_the_engine() -> None:
    op, fmt = operation("hard_sigmoid"), FORMATS["float32"]
    line = line_of(op, fmt, "alone", {})
    points = numbers(fmt, 2**14)
    head, tail, error = approximate(line, points)(points)
    value = (head + tail)[:, 0]
    assert value[points == 3.0] == 1.0
    assert value[points == -3.0] == 0.0
    assert np.all(value[points > 3] == 1)
    assert np.all(value[points < -3] == 0)
    assert np.all(np.isfinite(error))


def test_an_infinite_answer_is_one() -> None:
    op, fmt = operation("masked_log_softmax"), FORMATS["float32"]
    line = line_of(op, fmt, "of-3-mask-moving", {})
    points = numbers(fmt, 2**14)
    approximation = approximate(line, points)
    head, _, _ = approximation(points)
    assert np.all(np.isneginf(head[:, 1]))
    assert len(approximation.counts) < 50


def test_what_is_beyond_the_format_is_its_largest_number() -> None:
    op, fmt = operation("squared_hinge"), FORMATS["float32"]
    line = line_of(op, fmt, "sign-plus", {})
    points = numbers(fmt, 2**14)
    head, tail, _ = approximate(line, points)(points)
    far = points < -1e30
    assert np.all((head + tail)[far] == fmt.largest)


def test_overlapping_balls_are_not_sorted() -> None:
    """Over a ball around another entry the order of a row is open: sparsemax must not answer."""
    op, fmt = operation("sparsemax"), FORMATS["float32"]
    line = Line(op, fmt, {"x": fmt.array([0.0, 0.0, 0.5])}, {}, 1)
    points = np.linspace(-0.25, 0.25, 1001).astype(np.float32).astype(np.float64)
    off, error = apart(line, approximate(line, points), points, np.arange(len(points)))
    assert np.all(off <= error + 2**-40)
