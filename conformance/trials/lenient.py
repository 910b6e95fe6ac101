"""Leniency: checks that look for what is grossly wrong hold nothing against an order of sums, or a flushed result.

How accurate a sum is that is taken in the best known order, and what becomes of subnormal results, have checks of their
own. Code that is given to `check` is judged so throughout.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.execution.call import Answer, Call
from gaugeblock.conformance.judging.judge import flushing_told_apart
from gaugeblock.conformance.judging.showing import Replay, Shown
from gaugeblock.conformance.trials.setting import Context, Observation
from gaugeblock.reference.summation import sums_in_any_order


@contextlib.contextmanager
def leniently() -> Iterator[None]:
    """Within it, sums may be taken in any order, and flushed subnormal results are told and no deviation."""
    with sums_in_any_order(), flushing_told_apart():
        yield


@dataclass(frozen=True)
class _Lenient:
    """A replay that is judged leniently."""

    strict: Replay

    @property
    def case(self) -> Case:
        return self.strict.case

    @property
    def shrinks(self) -> bool:
        return self.strict.shrinks

    def calls(self, case: Case) -> Sequence[Call]:
        return self.strict.calls(case)

    def shown(self, case: Case, calls: Sequence[Call], answers: Sequence[Answer]) -> Shown:
        with leniently():
            return self.strict.shown(case, calls, answers)


def lenient(observe: Callable[[Context], Iterable[Observation]]) -> Callable[[Context], list[Observation]]:
    """What observes the same leniently, and its deviations again."""

    def observed(context: Context) -> list[Observation]:
        with leniently():
            found = list(observe(context))
        for key in {each["key"] for each in found} & context.replays.keys():
            context.replays[key] = _Lenient(context.replays[key])
        return found

    return observed
