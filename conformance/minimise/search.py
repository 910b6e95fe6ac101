"""Smaller witnesses: fewer rows, shorter rows, rounder numbers, one condition less, while the deviation still shows.

Each step asks again, and what no longer deviates for the same reason is not taken. How far a search goes is counted in
steps, so that the same environment ends in the same witness; the clock only ends what hangs.
"""

from __future__ import annotations

import hashlib
import itertools
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from gaugeblock.adapters.base import Implementation, Mode
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.checks.gradient import COTANGENT
from gaugeblock.conformance.execution.call import Answer, Call, NoAnswer
from gaugeblock.conformance.judging.showing import Replay, Shown, reason
from gaugeblock.conformance.minimise.case_axes import CLASS, answer_axes, axes, flattened, kept, labelled, length
from gaugeblock.conformance.minimise.simpler_values import at_one, of_all
from gaugeblock.conformance.trials.setting import asked_one_by_one, can_ask
from gaugeblock.reference.balls import PrecisionError
from gaugeblock.reference.catalogue import Operation
from gaugeblock.reference.formats import Array, Format

DEAR_FAILURES = 2
"""Sizes of blocks none of which could be left out, after which a dear case is left as it is."""

SKIPPED = 8
"""Candidates that are too dear, after which no others are looked at."""

TOGETHER = 3
"""Cases that are asked at once, the simplest of which that shows the deviation is taken."""

NUMBERS = 64
"""Entries of an array up to which each is made rounder on its own."""

COARSE = 32
"""Into so many blocks the entries of an axis are cut at first; single ones are left out at the end."""

WORK = 512
"""Exact numbers that make one step."""

ROW = 16
"""Exact numbers that a row costs as much as, besides its own."""

DEAREST = 24
"""Steps that a row costs at most: such long ones are not worth leaving out entry by entry."""

SECONDS = 60.0
"""After which a test's searches end, whatever their steps."""


@dataclass
class Allowance:
    """Steps that are left to the searches of a test."""

    searches: int
    """How many there will be."""
    test: int = 1000
    each: int = 250
    """Steps of one search at most."""
    least: int = 10
    """Steps of one search at least, as long as the test has any."""
    shape: int = 0
    """What a shape costs that was not asked yet: a framework that compiles does so for each."""
    shapes: set[Any] = field(default_factory=set)
    end: float = field(default_factory=lambda: time.monotonic() + SECONDS)

    @classmethod
    def of(cls, mode: Mode, searches: int) -> Allowance:
        """That of a test with so many searches, in a mode."""
        dear = mode.few_shapes or mode.compiled or not mode.sweeps
        return cls(searches, 48, 24, 4, 15) if dear else cls(searches)

    def share(self) -> int:
        """The steps of the next search."""
        fair = self.test // max(1, self.searches)
        self.searches -= 1
        return min(self.test, self.each, max(fair, self.least))

    def price(self, case: Case) -> int:
        """The steps that a case costs."""
        return work(case) + (0 if _shape(case) in self.shapes else self.shape)


def work(case: Case) -> int:
    """The steps that a case costs by its exact answer: a derivative takes a row once for each of its entries."""
    if "steps" in case.parameters:
        return sum(step.tile * step.repeat for step in case.parameters["steps"])
    size = max(array.size for array in case.inputs.values())
    row = max((array.shape[-1] for array in case.inputs.values() if array.ndim > 1), default=1)
    each = row * (min(row, NUMBERS) if COTANGENT in case.inputs else 1)
    others = size // max(1, row) - 1
    return min(DEAREST, 1 + each // WORK) + max(0, others) * (each + ROW) // WORK


def _shape(case: Case) -> Any:
    shapes = tuple((name, array.shape, array.dtype.name) for name, array in case.inputs.items())
    return shapes, tuple(case.parameters.items())


def _content(case: Case) -> bytes:
    hashed = hashlib.blake2b(repr(_shape(case)).encode(), digest_size=16)
    for array in case.inputs.values():
        hashed.update(array.tobytes())
    return hashed.digest()


class Search:
    """A search for the smallest case that shows a deviation for the reason `why`."""

    def __init__(
        self,
        replay: Replay,
        ask: Callable[[Sequence[Call]], list[Answer]],
        why: tuple[Any, ...],
        fmt: Format,
        allowance: Allowance,
    ) -> None:
        self.case = replay.case
        """The smallest case so far that shows it."""
        self.found = Shown({})
        """What that case showed."""
        self.smaller = False
        """Whether it is smaller than the case it began with."""
        self.stopped = False
        """Whether the clock ended it."""
        self._replay, self._ask, self._why, self._fmt, self._allowance = replay, ask, why, fmt, allowance
        self._left = allowance.share()
        self._tried: set[bytes] = set()

    def shows(self, case: Case) -> bool:
        """Whether a case, asked alone, shows the deviation; it is then the one that was found."""
        return self._of(case, self._ask(self._replay.calls(case)))

    def _of(self, case: Case, answers: Sequence[Answer]) -> bool:
        try:
            shown = self._replay.shown(case, self._replay.calls(case), answers)
        except PrecisionError:
            return False
        if reason(shown.observed, self._fmt) != self._why:
            return False
        self.case, self.found = case, shown
        return True

    def _any(self, candidates: Iterable[Case | None]) -> bool:
        """Whether one of the candidates shows it; the first of them is then taken."""
        for batch in self._batches(candidates):
            calls = [self._replay.calls(case) for case in batch]
            answers = self._ask([call for each in calls for call in each])
            if any(isinstance(each, NoAnswer) and each.verdict in ("crashed", "timed_out") for each in answers):
                self._left = 0
                return False
            for place, (case, asked) in enumerate(zip(batch, calls, strict=True)):
                mine, answers = answers[: len(asked)], answers[len(asked) :]
                if self._of(case, mine):
                    self.smaller = True
                    # What was not looked at may be asked again from here.
                    self._tried.difference_update(map(_content, batch[place + 1 :]))
                    return True
        return False

    def _batches(self, candidates: Iterable[Case | None]) -> Iterator[list[Case]]:
        """Those candidates that are new and not too dear, some at a time; of dear ones each on its own."""
        batch: list[Case] = []
        spent = skipped = 0
        for case in candidates:
            if case is None or self._known(case):
                continue
            price = self._allowance.price(case)
            self.stopped = self.stopped or time.monotonic() > self._allowance.end
            if self.stopped or price > self._left:
                skipped += 1
                if skipped > SKIPPED:
                    break
                continue
            self._left -= price
            self._allowance.test -= price
            self._allowance.shapes.add(_shape(case))
            batch.append(case)
            spent += price
            if spent >= TOGETHER:
                yield batch
                batch, spent = [], 0
        if batch:
            yield batch

    def _known(self, case: Case) -> bool:
        content = _content(case)
        new = content not in self._tried
        self._tried.add(content)
        return not new

    def shrink(self, op: Operation, implementation: Implementation) -> None:
        """Make the case smaller for as long as that goes."""
        self._tried.add(_content(self.case))
        if "steps" in self.case.parameters:
            self._fewer_steps()
            return
        for blocks in (COARSE, sys.maxsize):
            self._pass(op, implementation, blocks)

    def _pass(self, op: Operation, implementation: Implementation, blocks: int) -> None:
        before = None
        while before is not self.case:
            before = self.case
            for name in sorted({name for names in axes(op, self.case).values() for name in names} - {CLASS}):
                self._near_witness(op, name)
                self._fewer(op, name, blocks)
            while self._any(_simpler(op, implementation, self.case)):
                pass
            if any(CLASS in names for names in axes(op, self.case).values()):
                self._near_witness(op, CLASS)
                if work(self.case) >= DEAREST:
                    # Equal numbers need no room, however many they are.
                    self._rounder(op)
                self._fewer(op, CLASS, blocks)
            self._rounder(op)

    def _near_witness(self, op: Operation, name: str) -> None:
        """Keep the witness alone along an axis, or what stands next to it; the start, where it has no place there."""
        witness = self.found.observed.get("witness")
        names = axes(op, self.case)[op.inputs[-1]] if COTANGENT in self.case.inputs else answer_axes(op, self.case)
        count = length(op, self.case, name)
        at = witness["at"][names.index(name)] if witness and name in names else 0
        sizes = itertools.takewhile(lambda size: 2 * size <= count, (2**power for power in itertools.count()))
        windows = (np.arange(at // size * size, min(count, at // size * size + size)) for size in sizes)
        self._any(kept(op, self.case, name, window) for window in windows)

    def _fewer(self, op: Operation, name: str, blocks: int) -> None:
        """Leave out entries of an axis, half at first, at last one of so many blocks; of a dear case while it helps."""
        size, failed = length(op, self.case, name) // 2, 0
        while size and length(op, self.case, name) <= size * blocks and failed < DEAR_FAILURES:
            before = self.case
            while self._any(_blocks_left_out(op, self.case, name, size)):
                pass
            failed += before is self.case and work(before) >= DEAREST
            size //= 2

    def _fewer_steps(self) -> None:
        """Leave out steps, in blocks of half of them to single ones, and the weights."""
        size = len(self.case.parameters["steps"]) // 2
        while size:
            while self._any(_steps_left_out(self.case, size)):
                pass
            size //= 2
        self._any([_unweighted(self.case)])

    def _rounder(self, op: Operation) -> None:
        """Make numbers rounder: of a whole input, then one by one."""
        for name in reversed(list(self.case.inputs)):
            domain = op.domains[op.inputs.index(name)] if name in op.inputs else "weight"
            domain = "real" if name == COTANGENT else domain
            axis = int(self.case.parameters.get("axis", -1))
            self._any(self._with(name, made) for made in of_all(self.case.inputs[name], domain, axis))
            if self.case.inputs[name].size > NUMBERS:
                continue
            for place in np.ndindex(self.case.inputs[name].shape):
                while self._any(self._with(name, made) for made in at_one(self.case.inputs[name], domain, axis, place)):
                    pass

    def _with(self, name: str, array: Array) -> Case:
        return replace(self.case, inputs={**self.case.inputs, name: array})


def _blocks_left_out(op: Operation, case: Case, name: str, size: int) -> Iterator[Case | None]:
    count = length(op, case, name)
    for start in range((count - 1) // size * size, -1, -size):
        rest = np.delete(np.arange(count), np.arange(start, min(count, start + size)))
        if len(rest):
            yield kept(op, case, name, rest)


def _steps_left_out(case: Case, size: int) -> Iterator[Case]:
    steps = case.parameters["steps"]
    for start in range((len(steps) - 1) // size * size, -1, -size):
        rest = (*steps[:start], *steps[start + size :])
        if any(step.verb in ("result", "call") for step in rest):
            yield replace(case, parameters={**case.parameters, "steps": rest})


def _unweighted(case: Case) -> Case:
    return replace(case, inputs={name: array for name, array in case.inputs.items() if name != "sample_weight"})


def _simpler(op: Operation, implementation: Implementation, case: Case) -> Iterator[Case | None]:
    """The case with one condition less."""
    if "sample_weight" in case.inputs:
        yield _unweighted(case)
    for name in case.parameters:
        fewer = {key: value for key, value in case.parameters.items() if key != name}
        if name == "reduction":
            plain = _unreduced(op, replace(case, parameters={**fewer, "reduction": "none"}))
        else:
            plain = replace(case, parameters=fewer)
        other = name != "axis" and plain.parameters != case.parameters and labelled(op, plain)
        sloped = COTANGENT in case.inputs and asked_one_by_one(implementation, op, plain)
        if other and not sloped and can_ask(implementation, op, plain):
            yield plain
    yield flattened(op, case)


def _unreduced(op: Operation, case: Case) -> Case:
    """The case with an upstream gradient for each sample, if it has one for their mean."""
    if COTANGENT not in case.inputs:
        return case
    sizes = [length(op, case, name) for name in answer_axes(op, case)]
    spread = np.full(sizes, case.inputs[COTANGENT])
    return replace(case, inputs={**case.inputs, COTANGENT: spread})
