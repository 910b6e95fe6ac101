"""Smaller witnesses: fewer rows, shorter rows, rounder numbers, one condition less, while the deviation still shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from trueline.adapters.base import Mode
from trueline.conformance.calls import Answer, Call
from trueline.conformance.cases import Case
from trueline.conformance.showing import Replay, Shown, reason
from trueline.reference.balls import PrecisionError
from trueline.reference.catalogue import Operation
from trueline.reference.formats import Format


@dataclass
class Allowance:
    steps: int

    @classmethod
    def of(cls, mode: Mode) -> Allowance:
        return cls(1000)


class Search:
    def __init__(self, replay: Replay, ask: Callable[[Sequence[Call]], list[Answer]], why: tuple[Any, ...], fmt: Format, allowance: Allowance) -> None:
        self.replay, self.ask, self.why, self.fmt = replay, ask, why, fmt
        self.case = replay.case
        self.found = Shown({})

    def shows(self, case: Case) -> bool:
        calls = self.replay.calls(case)
        try:
            shown = self.replay.shown(case, calls, self.ask(calls))
        except PrecisionError:
            return False
        if reason(shown.observed, self.fmt) != self.why:
            return False
        self.case, self.found = case, shown
        return True

    def shrink(self, op: Operation) -> None:
        pass
