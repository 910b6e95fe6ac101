"""Smaller witnesses: fewer rows, shorter rows, rounder numbers, one condition less, while the deviation still shows.

Each step asks again, and what no longer deviates for the same reason is not taken. How far a search goes is counted in
steps, so that the same environment ends in the same witness; the clock only ends what hangs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from gaugeblock.adapters.base import Mode
from gaugeblock.conformance.cases.case import COTANGENT, Case
from gaugeblock.conformance.execution.call import Answer, Call, NoAnswer
from gaugeblock.conformance.execution.query import Ask, answered
from gaugeblock.conformance.minimise.case_axes import (
    CLASS,
    answer_axes,
    axes,
    axis_of,
    flattened,
    kept,
    labelled,
    length,
)
from gaugeblock.conformance.minimise.simpler_values import WEIGHT, at_one, of_all
from gaugeblock.conformance.trials.engine import Outcome, judgement_on
from gaugeblock.conformance.trials.setting import Setting
from gaugeblock.conformance.trials.trial import Trial
from gaugeblock.reference.catalogue import Operation
from gaugeblock.reference.formats import Array
from gaugeblock.reports.verdicts import Verdict

EXPENSIVE_FAILURES = 2
"""Sizes of blocks none of which could be left out, after which an expensive case is left as it is."""

SKIPPED = 8
"""Candidates that are too expensive, after which no others are looked at."""

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

EXPENSIVE = 24
"""Steps that a row costs at most: such long ones are not worth leaving out entry by entry."""

SECONDS = 60.0
"""After which a test's searches end, whatever their steps."""


@dataclass
class Budget:
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
    def of(cls, mode: Mode, searches: int) -> Budget:
        """That of a test with so many searches, in a mode."""
        expensive = mode.few_shapes or mode.compiled or not mode.sweeps
        return cls(searches, 48, 24, 4, 15) if expensive else cls(searches)

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
    if case.steps:
        return sum(step.tile * step.repeat for step in case.steps)
    size = max(array.size for array in case.inputs.values())
    row = max((array.shape[-1] for array in case.inputs.values() if array.ndim > 1), default=1)
    each = row * (min(row, NUMBERS) if COTANGENT in case.inputs else 1)
    others = size // max(1, row) - 1
    return min(EXPENSIVE, 1 + each // WORK) + max(0, others) * (each + ROW) // WORK


def _shape(case: Case) -> Any:
    shapes = tuple((name, array.shape, array.dtype.name) for name, array in case.inputs.items())
    return shapes, tuple(case.parameters.items())


def _calls(trial: Trial) -> list[Call]:
    return [call for query in trial.queries for call in query.calls]


class Search:
    """A search for the smallest case that shows the deviation of an outcome, for the same reason."""

    def __init__(self, setting: Setting, ask: Ask, outcome: Outcome, budget: Budget) -> None:
        self.case = outcome.trial.case
        """The smallest case so far that shows it."""
        self.found = outcome.judgement
        """What that case showed."""
        self.smaller = False
        """Whether it is smaller than the case it began with."""
        self.stopped = False
        """Whether the clock ended it."""
        self._setting, self._ask, self._budget = setting, ask, budget
        self._first, self._why = outcome.trial, outcome.judgement.reason(setting.format)
        self._left = budget.share()
        self._tried: set[str] = set()

    @property
    def _op(self) -> Operation:
        # A story has none, and nothing to make smaller.
        return self._setting.operation

    def shows(self, case: Case) -> bool:
        """Whether a case, asked alone, shows the deviation; it is then the one that was found."""
        trial = self._trial(case)
        return self._deviates(case, trial, iter(self._ask(_calls(trial))))

    def _trial(self, case: Case) -> Trial:
        again = self._first.again
        return self._first if again is None or case is self._first.case else again(case)

    def _deviates(self, case: Case, trial: Trial, answers: Iterator[Answer]) -> bool:
        """The same, of the trial of a case whose answers come next."""
        replies = [answered(query, [next(answers) for _ in query.calls]) for query in trial.queries]
        judgement = judgement_on(trial, replies)
        if judgement.reason(self._setting.format) != self._why:
            return False
        self.case, self.found = case, judgement
        return True

    def _any(self, candidates: Iterable[Case | None]) -> bool:
        """Whether one of the candidates shows it; the first of them is then taken."""
        for batch in self._batches(candidates):
            trials = [self._trial(case) for case in batch]
            answers = self._ask([call for trial in trials for call in _calls(trial)])
            if any(isinstance(a, NoAnswer) and a.verdict in (Verdict.CRASHED, Verdict.TIMED_OUT) for a in answers):
                self._left = 0
                return False
            coming = iter(answers)
            for place, (case, trial) in enumerate(zip(batch, trials, strict=True)):
                if self._deviates(case, trial, coming):
                    self.smaller = True
                    # What was not looked at may be asked again from here.
                    self._tried.difference_update(each.digest for each in batch[place + 1 :])
                    return True
        return False

    def _repeat(self, candidates: Callable[..., Iterable[Case | None]], *about: Any) -> None:
        """Take candidates made of the smallest case for as long as one of them shows it."""
        while self._any(candidates(self.case, *about)):
            pass

    def _batches(self, candidates: Iterable[Case | None]) -> Iterator[list[Case]]:
        """Those candidates that are new and not too expensive, some at a time; of expensive ones each on its own."""
        batch: list[Case] = []
        spent = skipped = 0
        for case in candidates:
            if case is None or case.digest in self._tried:
                continue
            self._tried.add(case.digest)
            price = self._budget.price(case)
            self.stopped = self.stopped or time.monotonic() > self._budget.end
            if self.stopped or price > self._left:
                skipped += 1
                if skipped > SKIPPED:
                    break
                continue
            self._left -= price
            self._budget.test -= price
            self._budget.shapes.add(_shape(case))
            batch.append(case)
            spent += price
            if spent >= TOGETHER:
                yield batch
                batch, spent = [], 0
        if batch:
            yield batch

    def shrink(self) -> None:
        """Make the case smaller for as long as that goes."""
        self._tried.add(self.case.digest)
        if self.case.steps:
            # Steps are left out in blocks of half of them to single ones, then the weights.
            size = len(self.case.steps) // 2
            while size:
                self._repeat(_steps_left_out, size)
                size //= 2
            self._any([_unweighted(self.case)])
            return
        for blocks in (COARSE, sys.maxsize):
            self._pass(blocks)

    def _pass(self, blocks: int) -> None:
        before = None
        while before is not self.case:
            before = self.case
            for name in sorted({name for names in axes(self._op, self.case).values() for name in names} - {CLASS}):
                self._near_witness(name)
                self._fewer(name, blocks)
            self._repeat(_simpler, self._setting)
            if any(CLASS in names for names in axes(self._op, self.case).values()):
                self._near_witness(CLASS)
                if work(self.case) >= EXPENSIVE:
                    # Equal numbers need no room, however many they are.
                    self._rounder()
                self._fewer(CLASS, blocks)
            self._rounder()

    def _near_witness(self, axis: str) -> None:
        """Keep the witness alone along an axis, or what stands next to it; the start, where it has no place there."""
        op, case, witness = self._op, self.case, self.found.witness
        names = axes(op, case)[op.inputs[-1]] if COTANGENT in case.inputs else answer_axes(op, case)
        at, count = witness.at[names.index(axis)] if witness and axis in names else 0, length(op, case, axis)
        sizes = (2**power for power in range(count.bit_length() - 1))
        windows = (np.arange(count)[at // size * size :][:size] for size in sizes)
        self._any(kept(op, case, axis, window) for window in windows)

    def _fewer(self, axis: str, blocks: int) -> None:
        """Leave out entries of an axis, half at first, at last one of so many; of an expensive case while it helps."""
        size, failed = length(self._op, self.case, axis) // 2, 0
        while size and length(self._op, self.case, axis) <= size * blocks and failed < EXPENSIVE_FAILURES:
            before = self.case
            self._repeat(_blocks_left_out, self._op, axis, size)
            failed += before is self.case and work(before) >= EXPENSIVE
            size //= 2

    def _rounder(self) -> None:
        """Make numbers rounder: of a whole input, then one by one."""
        domains = {**dict(zip(self._op.inputs, self._op.domains, strict=True)), COTANGENT: "real"}
        for name in reversed(list(self.case.inputs)):
            domain, axis = domains.get(name, WEIGHT), axis_of(self.case)
            self._any(_rounder(self.case, name, of_all, domain, axis))
            if self.case.inputs[name].size > NUMBERS:
                continue
            for place in np.ndindex(self.case.inputs[name].shape):
                self._repeat(_rounder, name, at_one, domain, axis, place)


def _without_blocks(count: int, size: int) -> Iterator[Array]:
    """The places that are left of so many without a block of them, the last block first."""
    for start in range((count - 1) // size * size, -1, -size):
        yield np.delete(np.arange(count), slice(start, start + size))


def _blocks_left_out(case: Case, op: Operation, axis: str, size: int) -> Iterator[Case | None]:
    places = _without_blocks(length(op, case, axis), size)
    return (kept(op, case, axis, rest) for rest in places if len(rest))


def _steps_left_out(case: Case, size: int) -> Iterator[Case]:
    for places in _without_blocks(len(case.steps), size):
        rest = tuple(case.steps[place] for place in places)
        if any(step.verb in ("result", "call") for step in rest):
            words = {"steps": "; ".join(str(step) for step in rest)}
            yield replace(case, steps=rest, parameters={**case.parameters, **words})


def _rounder(case: Case, name: str, arrays: Callable[..., Iterable[Array]], *about: Any) -> Iterator[Case]:
    for array in arrays(case.inputs[name], *about):
        yield replace(case, inputs={**case.inputs, name: array})


def _unweighted(case: Case) -> Case:
    return replace(case, inputs={name: array for name, array in case.inputs.items() if name != "sample_weight"})


def _simpler(case: Case, setting: Setting) -> Iterator[Case | None]:
    """The case with one condition less."""
    op = setting.operation
    if "sample_weight" in case.inputs:
        yield _unweighted(case)
    for name in case.parameters:
        plain = replace(case, parameters={key: value for key, value in case.parameters.items() if key != name})
        if name == "reduction":
            plain = _unreduced(op, replace(plain, parameters={**plain.parameters, name: "none"}))
        if name == "axis" or plain.parameters == case.parameters or not labelled(op, plain):
            continue
        if setting.offers(plain) and not (COTANGENT in case.inputs and setting.one_by_one(plain)):
            yield plain
    yield flattened(op, case)


def _unreduced(op: Operation, case: Case) -> Case:
    """The case with an upstream gradient for each sample, if it has one for their mean."""
    if COTANGENT not in case.inputs:
        return case
    sizes = [length(op, case, name) for name in answer_axes(op, case)]
    spread = np.full(sizes, case.inputs[COTANGENT])
    return replace(case, inputs={**case.inputs, COTANGENT: spread})
