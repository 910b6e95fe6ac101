"""From outcomes to a result: which of them are failures, conventions, or not covered."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from gaugeblock.adapters.base import Implementation
from gaugeblock.conformance.cases.case import COTANGENT, Case
from gaugeblock.conformance.checks.dtypes import INPUT_DTYPE
from gaugeblock.conformance.judging.judgement import FLUSHED, SAMENESS
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.engine import Outcome
from gaugeblock.conformance.trials.setting import Setting
from gaugeblock.conformance.yours.result import Failure, Result, Witness
from gaugeblock.reports import records
from gaugeblock.reports.records import Observation
from gaugeblock.reports.runfile import decode
from gaugeblock.reports.verdicts import FAILING, Verdict

ANSWERED = ("value", "every-length", "combined", "gradient", "gradient-of-lengths", "combined-gradient", "streaming")
"""Checks of ordinary use: who answers some of their cases must answer all that are of finite numbers."""


class Collector:
    """What the checks showed of an implementation, dtype by dtype."""

    def __init__(self, pinned: Mapping[str, str], notes: Sequence[str]) -> None:
        self.pinned, self.notes = pinned, notes
        self.failures: list[Failure] = []
        self.counts: Counter[str] = Counter()
        self.answered = 0
        self._labels: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        self._unanswered: defaultdict[str, list[str]] = defaultdict(list)

    def settle(self, setting: Setting, names: Sequence[str]) -> None:
        """Take in the conventions that were found by measuring, under these names."""
        for name in names:
            value = setting.implementation.conventions.get(name)
            if value is not None:
                self._labels[name].append((setting.dtype, str(value)))

    def add(self, setting: Setting, check: Check, outcomes: Sequence[Outcome]) -> None:
        """Take in what a check showed."""
        answered = any(each.observation.verdict in {Verdict.CONFORMS, *FAILING} for each in outcomes)
        for outcome in outcomes:
            case, dtype = outcome.trial.case, setting.dtype
            observation = self._judged(setting, check, outcome.observation, case, answered)
            verdict = observation.verdict
            self.counts[verdict.value] += 1
            self.answered += verdict == Verdict.CONFORMS and check.kind in ("value", "gradient")
            for name, label in _properties(check, observation, case):
                self._labels[name].append((dtype, label))
            if verdict in FAILING:
                self.failures.append(_failure(check, observation, case, dtype))
            elif verdict != Verdict.CONFORMS:
                said = f"{check.name}, {verdict}: {observation.message or ''}"
                self._unanswered[said].append(f"{case.name} ({dtype})")

    def _judged(
        self, setting: Setting, check: Check, observation: Observation, case: Case, answered: bool
    ) -> Observation:
        """The observation under the pins, and with no refusal of what an implementation must take."""
        verdict, label, pinned = observation.verdict, observation.label, self.pinned.get(check.name)
        more: dict[str, Any] = {}
        if pinned is not None and label is not None:
            kept = pinned in label.split(" or ")
            more["verdict"] = Verdict.CONFORMS if kept else Verdict.DEVIATES
            more["witness"] = records.Witness(at=[], expected=pinned, got=label)
        elif verdict == Verdict.UNSUPPORTED and check.name in ANSWERED and answered and _finite(case):
            # It answers other cases of the check, so that this one is no limit of what it is for.
            more["verdict"] = Verdict.DEVIATES
        elif check.name == INPUT_DTYPE and verdict in FAILING:
            prediction = case.inputs[setting.operation.inputs[-1]]
            if prediction.dtype.name != setting.dtype:
                # It was made for other formats than these: what becomes of them is reported.
                more = {"verdict": Verdict.CONFORMS, "label": f"{label or 'an array'}, and wrong"}
        return msgspec.structs.replace(observation, **more)

    def result(
        self, implementation: Implementation, arrays: str, dtypes: tuple[str, ...], effort: str, seconds: float
    ) -> Result:
        """The verdict on all that was shown."""
        more = {said: f" and {len(cases) - 1} more" if cases[1:] else "" for said, cases in self._unanswered.items()}
        several = [f"{said} [{cases[0]}{more[said]}]" for said, cases in self._unanswered.items()]
        return Result(
            name=implementation.name,
            operation=implementation.operation,
            arrays=arrays,
            dtypes=dtypes,
            effort=effort,
            failures=tuple(self.failures),
            conventions={name: _merged(found) for name, found in self._labels.items()},
            not_covered=(*self.notes, *several),
            counts=dict(self.counts),
            answered=self.answered,
            seconds=seconds,
        )


def _properties(check: Check, observation: Observation, case: Case) -> Iterator[tuple[str, str]]:
    """What an observation says that is no matter of right and wrong."""
    label = observation.label
    if check.kind == "probe" and label is not None:
        yield check.name, label
    elif check.name == INPUT_DTYPE and observation.verdict == Verdict.CONFORMS:
        yield f"{INPUT_DTYPE} {case.name}", str(label)
    elif label is not None and label in SAMENESS[1:]:
        yield check.name, label
    if observation.message == FLUSHED:
        yield "subnormal-results", "flushed to zero"


def _merged(found: Sequence[tuple[str, str]]) -> str:
    """The label out of pairs of a dtype and a label; each with its dtypes where they differ."""
    by_label: defaultdict[str, dict[str, None]] = defaultdict(dict)
    for dtype, label in found:
        by_label[label][dtype] = None
    if len(by_label) == 1:
        return found[0][1]
    return "; ".join(f"{label} ({', '.join(dtypes)})" for label, dtypes in by_label.items())


def _finite(case: Case) -> bool:
    """Whether a case is of finite numbers, and there are some."""
    wide = [array.astype(np.float64) for array in case.inputs.values()]
    return all(array.size and np.isfinite(array).all() for array in wide)


def _failure(check: Check, observation: Observation, case: Case, dtype: str) -> Failure:
    seen, record = observation.witness, observation.reproduction
    original = witness = Witness(case.inputs, case.parameters, tuple(seen.at) if seen else ())
    expected: Any = seen.expected if seen else ""
    got: Any = seen.got if seen else ""
    error, bound, said = observation.error, observation.allowed, observation.message or ""
    if record is not None and record.smaller and record.expected.exact is not None:
        call, expected, got = record.calls[0], record.expected.exact, record.calls[0].got
        error, bound = record.expected.error, record.expected.allowed
        arrays = {**call.inputs, **({} if call.cotangent is None else {COTANGENT: call.cotangent})}
        witness = Witness({n: decode(a) for n, a in arrays.items()}, call.parameters, tuple(call.at or ()))
    return Failure(check.name, check.question, case.name, dtype, witness, expected, got, error, bound, said, original)
