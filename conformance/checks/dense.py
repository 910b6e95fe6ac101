"""The check of dense lines: one number of an input goes through the numbers of the format: every one
of 16 bits, a frozen choice of thousands to millions out of a wider one.

What is wrong between two numbers that the cases know, or at a single one, is seen here. An approximation with proven
errors finds the suspects; whether an answer deviates is judged from the exact value, as everywhere.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from gaugeblock.conformance.cases.case import COTANGENT, Case
from gaugeblock.conformance.cases.domains import DOMAINS
from gaugeblock.conformance.cases.float_grid import CHUNK, EXHAUSTIVE, chunks
from gaugeblock.conformance.cases.rows import PAIRWISE, lines
from gaugeblock.conformance.checks.gradient import gradient_trial, has_gradient, with_cotangent
from gaugeblock.conformance.checks.value import value_trial
from gaugeblock.conformance.execution.call import NoAnswer
from gaugeblock.conformance.execution.query import Query, Reply
from gaugeblock.conformance.judging.allowance import allowance
from gaugeblock.conformance.judging.judgement import Judgement
from gaugeblock.conformance.judging.policy import Policy
from gaugeblock.conformance.judging.ulp_error import digest, hexadecimal
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.engine import judgement_on
from gaugeblock.conformance.trials.setting import Setting, definition_parameters
from gaugeblock.conformance.trials.trial import Asking, Trial, Trials, lacking
from gaugeblock.reference.approximation import Approximation, Line, approximate
from gaugeblock.reference.balls import PrecisionError
from gaugeblock.reference.catalogue import Operation, operation
from gaugeblock.reference.formats import FORMATS, Array, Format
from gaugeblock.reference.operations import REDUCTIONS
from gaugeblock.reference.truth import Truth
from gaugeblock.reports.verdicts import Verdict

POLICY = Policy(any_order=True)
"""How accurate a sum is that is taken in the best known order has checks of its own."""

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
    subnormal: Array
    odd: Mapping[str, Array]
    """In words, what else is said of some."""


@dataclass
class _Seen:
    """What was seen at numbers of one kind along a line."""

    line: Line
    numbers: Array = field(default_factory=lambda: np.zeros(0))
    answers: list[Array] = field(default_factory=list)
    ranks: Array = field(default_factory=lambda: np.zeros(0))
    """How far off each is for what is allowed it; suspects above 1, whatever else above 0."""
    asked: int = 0
    deviating: int = 0
    odd: Counter[str] = field(default_factory=Counter)
    low: float = np.inf
    high: float = -np.inf
    digests: Any = field(default_factory=hashlib.sha256)

    def add(self, scan: _Scan, where: Array) -> None:
        """Take in the numbers of a chunk at these indices."""
        if not len(where):
            return
        self.asked += len(where)
        self.digests.update(digest(scan.answer[where]).encode())
        self.odd.update({what: int(np.sum(such[where])) for what, such in scan.odd.items()})
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
    """Answers, or derivatives in the shape of the last input, beside what is expected, as far as that is known."""
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
    # Those that conform are ranked by their error itself, of which the largest is reported.
    most = np.max(distance, axis=1)
    ranks, certain = most / (1 + most), nowhere
    suspects = np.flatnonzero(np.any(distance + doubt > bound.ulps, axis=1))
    if len(suspects):
        off, unknown, nothing = distance[suspects], doubt[suspects], np.zeros((2, *head[suspects].shape))
        about = Truth((head + tail)[suspects], ulp[suspects], nothing, nothing[0].astype(bool))
        allowed = allowance(bound, line.condition(numbers[suspects]), about, fmt, POLICY)
        beyond = np.any(off + unknown > allowed, axis=1)
        ranks[suspects] = np.where(beyond, 2 + np.max(off / allowed, axis=1), ranks[suspects])
        certain = nowhere.copy()
        certain[suspects] = np.any(off - unknown > allowed, axis=1)
    tiny = fmt.smallest_normal
    subnormal = np.any((size < tiny) & (size > 0), axis=1) | ((np.abs(numbers) < tiny) & (numbers != 0))
    odd = {
        "answered with NaN": missing,
        "answered with an infinity": infinite,
        "on straight stretches that were sampled": ~approximation.each(approximation.proven),
    }
    return _Scan(numbers, answer, ranks, certain, subnormal, odd)


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
    return approximate(line, next(itertools.islice(_numbers(op, fmt, points), index, None)))


def _numbers(op: Operation, fmt: Format, points: int) -> Iterator[Array]:
    """What the moving number of an operation's lines goes through, in chunks."""
    return chunks(fmt, points, *DOMAINS[op.domains[-1]].limits)


def line_of(op: Operation, fmt: Format, name: str, parameters: Mapping[str, Any], *, derivative: bool = False) -> Line:
    """One of the operation's lines, or its derivatives along it, under parameters of its definition."""
    inputs, place = lines(op, fmt)[name]
    taken = {key: value for key, value in parameters.items() if key in op.parameters}
    if not derivative:
        return Line(op, fmt, inputs, taken, place, sums=POLICY.sums)
    weights = np.resize(UPSTREAM, inputs[op.inputs[-1]].size if op.output_rank else 1)
    if "mask" in op.domains and op.output_rank:
        # The logarithm of a masked entry is -inf, which nothing moves.
        weights = weights * inputs[op.inputs[0]]
    return Line(op, fmt, inputs, taken, place, tuple(weights.tolist()), POLICY.sums)


def _case(line: Line, name: str, numbers: Array) -> Case:
    """Numbers of a line as a case, one row each, with an upstream gradient if the line is one of derivatives."""
    op = line.operation
    parameters = {"reduction": "none"} if op.kind == "loss" else {"axis": -1} if op.rowwise else {}
    case, upstream = Case(name, line.batch(numbers), parameters), line.upstream(len(numbers))
    return case if upstream is None else with_cotangent(case, upstream)


def _shaped(line: Line, case: Case, reply: Reply | NoAnswer) -> Array | NoAnswer:
    """The answer, if it has the shape that is expected."""
    if isinstance(reply, NoAnswer):
        return reply
    op, answer = line.operation, reply.answer
    moving = case.inputs[op.inputs[-1]].shape
    expected = moving if op.output_rank or line.weights is not None else moving[:1]
    if answer.shape == expected:
        return answer
    return NoAnswer(Verdict.DEVIATES, f"an answer of shape {answer.shape} where {expected} is expected")


def _along(setting: Setting, name: str, points: int, derivative: bool) -> Trials:
    """What is seen along one line: once for ordinary numbers, and once for subnormal ones and subnormal results."""
    op, fmt = setting.operation, setting.format
    line = line_of(op, fmt, name, definition_parameters(setting.implementation, {}), derivative=derivative)
    seen = {name: _Seen(line), f"{name}-subnormal": _Seen(line)}
    key = (op.name, fmt, name, tuple(sorted(line.parameters.items())), derivative, points)
    for index, numbers in enumerate(_numbers(op, fmt, points)):
        # Every call has the same shape.
        size = min(CHUNK, 2 ** (len(numbers) - 1).bit_length()) if index == 0 else CHUNK
        case = _case(line, name, np.pad(numbers, (0, size - len(numbers)), "edge"))
        query = Query((setting.call(case),))
        (reply,) = yield Asking((query,))
        answer = _shaped(line, case, reply)
        if isinstance(answer, NoAnswer):
            yield lacking(_case(line, name, numbers[:SHOWN]), query, answer)
            return
        approximation = approximate(line, numbers) if points >= EXHAUSTIVE else _approximation(*key, index)
        scan = scanned(line, approximation, numbers, answer[: len(numbers)])
        for each, where in zip(seen.values(), (~scan.subnormal, scan.subnormal), strict=True):
            each.add(scan, np.flatnonzero(where))
    for kind, each in seen.items():
        if each.asked:
            yield _of_the_worst(setting, kind, each)


def _exact(setting: Setting, name: str, seen: _Seen, chosen: Sequence[int]) -> Trial:
    """The trial of some of the numbers that were kept, which have been answered."""
    case = _case(seen.line, name, seen.numbers[list(chosen)])
    answers = np.stack([seen.answers[each] for each in chosen])
    replies = (Reply(Query((setting.call(case),)), (answers,)),)
    return (value_trial if seen.line.weights is None else gradient_trial)(setting, case, replies=replies)


def _of_the_worst(setting: Setting, name: str, seen: _Seen) -> Trial:
    """The trial of the worst that was seen, judged from the exact values."""

    def deviating(group: Sequence[int]) -> int | None:
        """The worst of a group if it deviates."""
        if not group:
            return None
        trial = _exact(setting, name, seen, group)
        found = judgement_on(trial, trial.replies or ())
        if found.verdict == Verdict.DEVIATES and found.witness is not None:
            return group[found.witness.at[0]]
        if found.verdict == Verdict.UNDECIDED and found.witness is None and len(group) > 1:
            # One number at which a comparison stays open leaves all of the case without a verdict.
            half = len(group) // 2
            one = deviating(group[:half])
            return one if one is not None else deviating(group[half:])
        return None

    suspects = range(int(np.sum(seen.ranks > 1)))
    at = deviating(suspects[:KEPT])
    at = at if at is not None else deviating(suspects[KEPT:])
    worst = _decided(setting, name, seen) if at is None else [at, *(each for each in suspects[:SHOWN] if each != at)]
    trial = _exact(setting, name, seen, worst[:SHOWN])

    def judged(replies: Sequence[Reply]) -> Judgement:
        found = judgement_on(trial, replies)
        return replace(found, message=_said(found, seen), group_digest=seen.digests.hexdigest()[:16])

    return replace(trial, judge=judged)


def _decided(setting: Setting, name: str, seen: _Seen) -> Sequence[int]:
    """The largest errors among numbers whose exact answers have a rounding that is certain: a tie may have none."""
    first = range(min(KEPT, len(seen.numbers)))
    case = _case(seen.line, name, seen.numbers[list(first)])
    try:
        truth = setting.truth(case) if seen.line.weights is None else setting.derivative(case, case.inputs[COTANGENT])
    except PrecisionError:
        return first
    return [each for each in first if not truth.undecided[each].any()] or first


def _said(found: Judgement, seen: _Seen) -> str:
    """How many numbers were asked, how many deviate and where, and what else is odd about them."""
    parts = [f"{seen.asked} numbers"]
    if found.verdict == Verdict.DEVIATES and seen.deviating:
        parts = [
            f"{seen.deviating} of {seen.asked} numbers deviate, "
            f"from {hexadecimal(seen.low)} to {hexadecimal(seen.high)}"
        ]
    parts += [f"{count} {what}" for what, count in seen.odd.items() if count]
    return "; ".join([*parts, *([] if found.message is None else [found.message])])


def _lines(setting: Setting, points: int, *, derivative: bool = False) -> Trials:
    """One trial for each line and kind of numbers, of the worst of them.

    A line has about so many points: 2^14 to 2^22, or 2^32 for every number of binary32. Of formats of 16 bits every
    number is asked, of binary64 an eighth of the points. With `derivative` the vector-Jacobian product is, of which the
    entry that moves is followed.
    """
    op, fmt = setting.operation, setting.format
    setting = setting.judged_by(POLICY)
    few = setting.mode.few_shapes or op.domains == PAIRWISE
    most = min(points, FEW_POINTS) if few else points
    asked = most if fmt.precision < 53 else min(most // 8, LARGEST)
    for name in list(lines(op, fmt))[: FEW_LINES if few else setting.effort.lines]:
        yield from _along(setting, name, asked, derivative)


def _has_lines(setting: Setting, name: str) -> bool:
    op, effort = setting.operation, setting.effort
    if setting.dtype not in FORMATS or not setting.swept or not effort.asks(name, setting.dtype):
        return False
    by_row = op.kind == "activation" or "none" in setting.implementation.choices("reduction", REDUCTIONS)
    return by_row and bool(lines(op, setting.format))


CHECKS = (
    Check("dense", "value", "Is the answer right as one input goes through the numbers of its format?",
          lambda setting: setting.effort.points > 0 and _has_lines(setting, "dense"),
          lambda setting: _lines(setting, setting.effort.points)),
    Check("dense-gradient", "gradient", "Is the gradient right as one input goes through the numbers of its format?",
          lambda setting: (setting.effort.derivative_points > 0 and _has_lines(setting, "dense-gradient")
                           and has_gradient(setting)),
          lambda setting: _lines(setting, setting.effort.derivative_points, derivative=True)),
)  # fmt: skip
