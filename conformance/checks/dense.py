"""The check of dense lines: one number of an input goes through the numbers of the format: every one
of 16 bits, a frozen choice of thousands to millions out of a wider one.

What is wrong between two numbers that the cases know, or at a single one, is seen here. An approximation with proven
errors finds the suspects; whether an answer deviates is judged from the exact value, as everywhere.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.dense_lines import RANGES, lines
from gaugeblock.conformance.cases.float_grid import CHUNK, EXHAUSTIVE, chunks
from gaugeblock.conformance.checks import gradient as gradients
from gaugeblock.conformance.checks import value as values
from gaugeblock.conformance.checks.shapes import PAIRWISE
from gaugeblock.conformance.execution.call import Answer, NoAnswer
from gaugeblock.conformance.judging.judge import allowance, digest, hexadecimal, unanswered
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.setting import Context, Observation, Setting, definition_parameters
from gaugeblock.reference.approximation import Approximation, Line, approximate
from gaugeblock.reference.balls import PrecisionError
from gaugeblock.reference.catalogue import Operation, operation
from gaugeblock.reference.formats import FORMATS, Array, Format
from gaugeblock.reference.operations import REDUCTIONS
from gaugeblock.reference.summation import sums_in_any_order
from gaugeblock.reference.truth import Truth

RUN = 2**16
"""Points of a line in a run."""

DTYPES = ("float16", "float32")
"""Formats in which a framework's implementations are asked: the others take a minute for the lines alone."""

FEW_LINES, FEW_POINTS = 2, 2**14
"""Lines, and points of each, where a call takes long: modes that compile each shape, losses of pairs of classes."""

LARGEST = 2**22
"""Points of a line in a format with too many numbers to ask them all."""

SHOWN = 4
"""Rows of the case that an observation keeps."""

UPSTREAM = (1.25, -0.75, 2.0, 0.5, -1.5)
"""The upstream gradient of every sample: neither zero nor one, and numbers of every format."""

KEPT = 64
"""Numbers with the largest errors, which are kept for the exact judgement."""

SUSPECTS = 2**12
"""Suspects that are, the worst of them."""


@dataclass(frozen=True)
class _Scan:
    """Numbers of a chunk with their answers, and what the approximation says of each."""

    numbers: Array
    answer: Array
    ranks: Array
    certain: Array
    missing: Array
    infinite: Array
    subnormal: Array
    proven: Array


@dataclass
class _Seen:
    """What was seen at numbers of one kind along a line."""

    line: Line
    numbers: Array = field(default_factory=lambda: np.zeros(0))
    answers: list[Array] = field(default_factory=list)
    ranks: Array = field(default_factory=lambda: np.zeros(0))
    """How far off each is for what is allowed it; suspects above 1, whatever else above 0."""
    asked: int = 0
    presumed: int = 0
    deviating: int = 0
    missing: int = 0
    infinite: int = 0
    low: float = np.inf
    high: float = -np.inf
    digests: Any = field(default_factory=hashlib.sha256)

    def add(self, scan: _Scan, where: Array) -> None:
        """Take in the numbers of a chunk at these indices."""
        if not len(where):
            return
        self.asked += len(where)
        self.digests.update(digest(scan.answer[where]).encode())
        self.presumed += int(np.sum(~scan.proven[where]))
        self.missing += int(np.sum(scan.missing[where]))
        self.infinite += int(np.sum(scan.infinite[where]))
        certain = scan.numbers[where[scan.certain[where]]]
        self.deviating += len(certain)
        if len(certain):
            self.low, self.high = min(self.low, float(certain[0])), max(self.high, float(certain[-1]))
        ranks = scan.ranks[where]
        if len(self.ranks) >= KEPT:
            # Only what is worse than the worst so many is of interest, or suspect.
            where = where[ranks > min(1.0, self.ranks[KEPT - 1])]
            ranks = scan.ranks[where]
        keep = KEPT + min(SUSPECTS, int(np.sum(ranks > 1)))
        if keep < len(where):
            where = where[np.argpartition(-ranks, keep)[:keep]]
        numbers = np.concatenate([self.numbers, scan.numbers[where]])
        ranks = np.concatenate([self.ranks, scan.ranks[where]])
        answers = [*self.answers, *scan.answer[where]]
        chosen = np.argsort(-ranks, kind="stable")[: SUSPECTS + KEPT]
        self.numbers, self.ranks, self.answers = numbers[chosen], ranks[chosen], [answers[each] for each in chosen]


def _units(size: Array, fmt: Format) -> Array:
    """The units in the last place of numbers of these sizes."""
    return np.asarray(np.spacing(np.maximum(size, fmt.smallest_normal)) * 2.0 ** (53 - fmt.precision))


@np.errstate(all="ignore")
def scanned(line: Line, approximation: Approximation, numbers: Array, answer: Array) -> _Scan:
    """Answers, or derivatives in the shape of the last input, beside what is due, within what is known of that."""
    fmt, bound = line.format, line.bound
    head, tail, error = approximation(numbers)
    got = line.moved(answer).reshape(len(numbers), -1).astype(np.float64)
    size = np.abs(head + tail)
    ulp = _units(size - error, fmt)
    distance = np.abs((got - head) - tail) / ulp
    doubt = error / ulp
    missing = infinite = nowhere = np.zeros(len(numbers), bool)
    if not np.isfinite(np.max(distance) + np.max(doubt)):
        known = np.isfinite(head) & np.isfinite(error)
        beyond = np.isinf(got) & known
        # An infinity stands for the number that would follow the largest one.
        distance = np.where(beyond, np.abs((np.copysign(fmt.largest, got) - head) - tail) / ulp + 1, distance)
        distance = np.where(known, np.where(np.isnan(got), np.inf, distance), 0.0)
        doubt = np.where(known, doubt, 0.0)
        missing, infinite = np.any(np.isnan(got) & known, axis=1), np.any(beyond & (size <= fmt.largest), axis=1)
    # Those that conform are ranked by their error itself, of which the largest is told.
    most = np.max(distance, axis=1)
    ranks, certain = most / (1 + most), nowhere
    suspects = np.flatnonzero(np.any(distance + doubt > bound.ulps, axis=1))
    if len(suspects):
        off, open_, nothing = distance[suspects], doubt[suspects], np.zeros((2, *head[suspects].shape))
        due = Truth((head + tail)[suspects], ulp[suspects], nothing, nothing[0].astype(bool))
        allowed = allowance(bound, line.condition(numbers[suspects]), due, fmt)
        beyond = np.any(off + open_ > allowed, axis=1)
        ranks[suspects] = np.where(beyond, 2 + np.max(off / allowed, axis=1), ranks[suspects])
        certain = nowhere.copy()
        certain[suspects] = np.any(off - open_ > allowed, axis=1)
    tiny = fmt.smallest_normal
    subnormal = np.any((size < tiny) & (size > 0), axis=1) | ((np.abs(numbers) < tiny) & (numbers != 0))
    return _Scan(
        numbers, answer, ranks, certain, missing, infinite, subnormal, approximation.each(approximation.proven)
    )


@functools.lru_cache(maxsize=2048)
def _approximation(
    operation_name: str,
    fmt: Format,
    name: str,
    parameters: tuple[tuple[str, Any], ...],
    derivative: bool,
    points: int,
    index: int,
) -> Approximation:
    # Every implementation of an operation is asked the same.
    op = operation(operation_name)
    line = line_of(op, fmt, name, dict(parameters), derivative=derivative)
    return approximate(line, next(itertools.islice(chunks(fmt, points, *RANGES[op.domains[-1]]), index, None)))


def line_of(op: Operation, fmt: Format, name: str, parameters: Mapping[str, Any], *, derivative: bool = False) -> Line:
    """One of the operation's lines, or its derivatives along it, under parameters of its definition."""
    inputs, place = lines(op, fmt)[name]
    taken = {key: value for key, value in parameters.items() if key in op.parameters}
    if not derivative:
        return Line(op, fmt, inputs, taken, place)
    weights = np.resize(UPSTREAM, inputs[op.inputs[-1]].size if op.output_rank else 1)
    if "mask" in op.domains and op.output_rank:
        # The logarithm of a masked entry is -inf, which nothing moves.
        weights = weights * inputs[op.inputs[0]]
    return Line(op, fmt, inputs, taken, place, tuple(weights.tolist()))


def _case(line: Line, name: str, numbers: Array) -> Case:
    """Numbers of a line as a case, one row each."""
    op = line.operation
    asked = {"reduction": "none"} if op.kind == "loss" else {"axis": -1} if op.rowwise else {}
    return Case(name, line.batch(numbers), asked)


def _filled(numbers: Array, size: int) -> Array:
    return np.concatenate([numbers, np.repeat(numbers[-1:], size - len(numbers))])


def _check(line: Line) -> str:
    return "dense" if line.weights is None else "dense-gradient"


def _answered(context: Context, line: Line, case: Case, size: int) -> Answer:
    (answer,) = context.ask([context.call(case, cotangent=line.upstream(size))])
    op = line.operation
    moving = case.inputs[op.inputs[-1]]
    due = moving.shape if op.output_rank or line.weights is not None else moving.shape[:1]
    if isinstance(answer, NoAnswer) or answer.shape == due:
        return answer
    return NoAnswer("deviates", f"an answer of shape {answer.shape} where {due} is due")


def _observed(context: Context, name: str, points: int, derivative: bool) -> Iterator[Observation]:
    """What is seen along one line: once for ordinary numbers, and once for subnormal ones and subnormal results."""
    op, fmt = context.operation, context.format
    line = line_of(op, fmt, name, definition_parameters(context.implementation, {}), derivative=derivative)
    seen = {name: _Seen(line), f"{name}-subnormal": _Seen(line)}
    key = (op.name, fmt, name, tuple(sorted(line.parameters.items())), derivative, points)
    for index, numbers in enumerate(chunks(fmt, points, *RANGES[op.domains[-1]])):
        # Every call has the same shape.
        size = min(CHUNK, 2 ** (len(numbers) - 1).bit_length()) if index == 0 else CHUNK
        answer = _answered(context, line, _case(line, name, _filled(numbers, size)), size)
        if isinstance(answer, NoAnswer):
            yield context.observation(_check(line), _case(line, name, numbers[:SHOWN]), unanswered(answer))
            return
        started = time.perf_counter()
        approximation = approximate(line, numbers) if points >= EXHAUSTIVE else _approximation(*key, index)
        scan = scanned(line, approximation, numbers, answer[: len(numbers)])
        for each, where in zip(seen.values(), (~scan.subnormal, scan.subnormal), strict=True):
            each.add(scan, np.flatnonzero(where))
        context.clock.oracle += time.perf_counter() - started
    for kind, each in seen.items():
        if each.asked:
            yield _verdict(context, kind, each)


def _verdict(context: Context, name: str, seen: _Seen) -> Observation:
    """The exact judgement on the worst that was seen."""

    def exactly(chosen: Sequence[int]) -> Observation:
        line, answers = seen.line, np.stack([seen.answers[each] for each in chosen])
        case, upstream = _case(line, name, seen.numbers[list(chosen)]), line.upstream(len(chosen))
        if upstream is None:
            return values.judged(context, _check(line), case, answers)
        return gradients.judged(context, _check(line), case, upstream, answers, line.bound)

    def deviating(group: Sequence[int]) -> int | None:
        """The worst of a group if it deviates."""
        found: Observation = exactly(group) if group else {"verdict": "conforms"}
        if found["verdict"] == "deviates":
            return group[int(found["witness"]["at"][0])]
        if found["verdict"] == "undecided" and "witness" not in found and len(group) > 1:
            # One number at which a comparison stays open leaves all of the case without a verdict.
            half = len(group) // 2
            one = deviating(group[:half])
            return one if one is not None else deviating(group[half:])
        return None

    suspects = range(int(np.sum(seen.ranks > 1)))
    at = deviating(suspects[:KEPT])
    at = at if at is not None else deviating(suspects[KEPT:])
    worst = _decided(context, seen, name) if at is None else [at, *(each for each in suspects[:SHOWN] if each != at)]
    observation = exactly(worst[:SHOWN])
    return {**observation, "digest": seen.digests.hexdigest()[:16], "message": _said(observation, seen)}


def _decided(context: Context, seen: _Seen, name: str) -> Sequence[int]:
    """The largest errors among numbers whose exact answers have a rounding that is certain: a tie may have none."""
    first = range(min(KEPT, len(seen.numbers)))
    case, upstream = _case(seen.line, name, seen.numbers[list(first)]), seen.line.upstream(len(first))
    try:
        truth = context.truth(case) if upstream is None else context.gradient(case, upstream)
    except PrecisionError:
        return first
    return [each for each in first if not truth.undecided[each].any()] or first


def _said(observation: Observation, seen: _Seen) -> str:
    """How many numbers were asked, how many deviate and where, and what else is odd about them."""
    parts = [f"{seen.asked} numbers"]
    if observation["verdict"] == "deviates" and seen.deviating:
        parts = [
            f"{seen.deviating} of {seen.asked} numbers deviate, "
            f"from {hexadecimal(seen.low)} to {hexadecimal(seen.high)}"
        ]
    parts += [
        f"{count} {what}"
        for what, count in (
            ("answered with NaN", seen.missing),
            ("answered with an infinity", seen.infinite),
            ("on straight stretches that were sampled", seen.presumed),
        )
        if count
    ]
    return "; ".join([*parts, *([observation["message"]] if "message" in observation else [])])


def dense(points: int, *, derivative: bool = False) -> Callable[[Context], list[Observation]]:
    """What observes dense lines of about so many numbers: 2^14 to 2^22, or 2^32 for every number of binary32.

    Of formats of 16 bits every number is asked, of binary64 an eighth of the points. With `derivative` the
    vector-Jacobian product is, of which the entry that moves is followed.
    """

    def observe(context: Context) -> list[Observation]:
        op, fmt = context.operation, context.format
        few = context.setting.mode.few_shapes or op.domains == PAIRWISE
        most = min(points, FEW_POINTS) if few else points
        asked = most if fmt.precision < 53 else min(most // 8, LARGEST)
        with sums_in_any_order():
            chosen = list(lines(op, fmt))[: FEW_LINES if few else None]
            return [each for name in chosen for each in _observed(context, name, asked, derivative)]

    return observe


def _applies(setting: Setting) -> bool:
    op = setting.operation
    known = FORMATS if setting.own is not None else DTYPES if setting.mode.combined else ()
    if setting.dtype not in known or setting.dtype not in setting.mode.sweeps or not lines(op, FORMATS[setting.dtype]):
        return False
    return op.kind == "activation" or "none" in setting.implementation.choices("reduction", REDUCTIONS)


CHECKS = (
    Check(
        "dense",
        "value",
        "Is the answer right as one input goes through the numbers of its format?",
        _applies,
        dense(RUN),
    ),
    Check(
        "dense-gradient",
        "gradient",
        "Is the gradient right as one input goes through the numbers of its format?",
        # The gradients of frameworks have cases of their own; what is given to `check` has a single run.
        lambda setting: (
            setting.own is not None
            and _applies(setting)
            and setting.operation.gradient_bound is not None
            and gradients.has_gradient(setting)
        ),
        dense(RUN, derivative=True),
    ),
)
