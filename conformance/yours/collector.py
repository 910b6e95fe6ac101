"""From observations to a result: which of them are failures, conventions, or not covered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from gaugeblock.adapters.base import Implementation
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.checks.input_dtypes import NAME as INPUT_DTYPE
from gaugeblock.conformance.checks.relations import SAMENESS
from gaugeblock.conformance.judging.judge import FLUSHED
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.setting import Context, Observation
from gaugeblock.conformance.yours.pins import Pins
from gaugeblock.conformance.yours.result import Failure, Result, Witness, merged_labels
from gaugeblock.reference.catalogue import Operation
from gaugeblock.reports.runfile import case_name, decode

WRONG = ("deviates", "crashed", "timed_out")


ANSWERED = ("value", "every-length", "combined", "gradient", "gradient-of-lengths", "combined-gradient", "streaming")
"""Checks of ordinary use: who answers some of their cases must answer all that are of finite numbers."""


class Seen:
    """What the checks saw of an implementation, dtype by dtype."""

    def __init__(self, pins: Pins, notes: Sequence[str]) -> None:
        self.pins = pins
        self.notes = list(notes)
        self.failures: list[Failure] = []
        self.counts: Counter[str] = Counter()
        self.answered = 0
        self._labels: dict[str, list[tuple[str, str]]] = {}
        self._unanswered: dict[str, list[str]] = {}

    def settle(self, implementation: Implementation, names: Sequence[str], dtype: str) -> None:
        """Take in the conventions that were found by measuring, under these names."""
        for name in names:
            value = implementation.conventions.get(name)
            if value is not None:
                self._labels.setdefault(name, []).append((dtype, str(value)))

    def add(self, context: Context, check: Check, observations: Sequence[Observation]) -> None:
        """Take in what a check saw."""
        answered = any(each["verdict"] in ("conforms", *WRONG) for each in observations)
        for observation in observations:
            case = context.stored_cases[case_name(observation["key"])]
            judged = self._judged(context.operation, check, observation, case, answered)
            self._take(check, judged, case, context.setting.dtype)

    def _judged(self, op: Operation, check: Check, observation: Observation, case: Case, answered: bool) -> Observation:
        """The observation under the pins, and with no refusal of what an implementation must take."""
        label, due = observation.get("label"), self.pins.labels.get(check.name)
        if due is not None and label is not None:
            kept = due in label.split(" or ")
            witness = {"at": [], "expected": due, "got": label}
            return {**observation, "verdict": "conforms" if kept else "deviates", "witness": witness}
        # It answers other cases of the check, so that this one is no limit of what it is for.
        if observation["verdict"] == "unsupported" and check.name in ANSWERED and answered and _finite(case):
            return {**observation, "verdict": "deviates"}
        # It was given for other formats than these: what becomes of them is told.
        if check.name == INPUT_DTYPE and case.name.startswith(op.inputs[-1]) and observation["verdict"] in WRONG:
            return {**observation, "verdict": "conforms", "label": f"{label or 'an array'}, and wrong"}
        return observation

    def _take(self, check: Check, observation: Observation, case: Case, dtype: str) -> None:
        verdict = observation["verdict"]
        self.counts[verdict] += 1
        self.answered += verdict == "conforms" and check.kind in ("value", "gradient")
        for name, label in _properties(check, observation, case):
            self._labels.setdefault(name, []).append((dtype, label))
        if verdict in WRONG:
            self.failures.append(_failure(check, observation, case, dtype))
        elif verdict != "conforms":
            said = f"{check.name}, {verdict}: {observation.get('message', '')}"
            self._unanswered.setdefault(said, []).append(f"{case.name} ({dtype})")

    def result(
        self, implementation: Implementation, arrays: str, dtypes: tuple[str, ...], effort: str, seconds: float
    ) -> Result:
        """The verdict on all that was seen."""
        several = [f"{said} [{cases[0]}{_more(len(cases) - 1)}]" for said, cases in self._unanswered.items()]
        return Result(
            name=implementation.name,
            operation=implementation.operation,
            arrays=arrays,
            dtypes=dtypes,
            effort=effort,
            failures=tuple(self.failures),
            conventions=merged_labels(self._labels),
            not_covered=(*self.notes, *several),
            counts=dict(self.counts),
            answered=self.answered,
            seconds=seconds,
        )


def _properties(check: Check, observation: Observation, case: Case) -> Iterator[tuple[str, str]]:
    """What an observation tells that is no matter of right and wrong."""
    label = observation.get("label")
    if check.kind == "probe" and label is not None:
        yield check.name, label
    elif check.name == INPUT_DTYPE and observation["verdict"] == "conforms":
        yield f"{INPUT_DTYPE} {case.name}", str(label)
    elif label in SAMENESS[1:]:
        yield check.name, label
    if observation.get("message") == FLUSHED:
        yield "subnormal-results", "flushed to zero"


def _more(count: int) -> str:
    return f" and {count} more" if count else ""


def _finite(case: Case) -> bool:
    """Whether a case is of finite numbers, and there are some."""
    wide = [array.astype(np.float64) for array in case.inputs.values()]
    return all(array.size and np.isfinite(array).all() for array in wide)


def _failure(check: Check, observation: Observation, case: Case, dtype: str) -> Failure:
    witness: dict[str, Any] = observation.get("witness") or {}
    original = Witness(case.inputs, case.parameters, tuple(witness.get("at", ())))
    told = {"expected": witness.get("expected", ""), "got": witness.get("got", "")}
    told |= {"error": observation.get("error"), "bound": observation.get("allowed")}
    smallest = original
    record = observation.get("reproduction", {})
    if record.get("smaller") and "exact" in record["due"]:
        (call, *_), due = record["calls"], record["due"]
        inputs = {name: decode(stored) for name, stored in call["inputs"].items()}
        smallest = Witness(inputs, call["parameters"], tuple(call["at"]))
        told = {"expected": due["exact"], "got": call["got"], "error": due.get("error"), "bound": due.get("allowed")}
    return Failure(
        check=check.name,
        question=check.question,
        case=case.name,
        dtype=dtype,
        witness=smallest,
        message=str(observation.get("message") or ""),
        original=original,
        **told,
    )
