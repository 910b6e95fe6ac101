"""Reproductions: what a deviation needs to be seen again, on its own, and nothing that it does not need.

Each is asked again in the process that measured, and kept only if it shows the same deviation for the same reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
from gaugeblock.adapters.layouts import has_layout
from gaugeblock.conformance.cases.case import COTANGENT, Case
from gaugeblock.conformance.cases.domains import DOMAINS
from gaugeblock.conformance.execution.call import Call, NoAnswer, vectors
from gaugeblock.conformance.execution.query import Ask, stacked
from gaugeblock.conformance.minimise.case_axes import axis_of
from gaugeblock.conformance.minimise.search import Budget, Search
from gaugeblock.conformance.minimise.simpler_values import repeated
from gaugeblock.conformance.trials.engine import Outcome
from gaugeblock.conformance.trials.setting import Setting
from gaugeblock.reference.formats import Array
from gaugeblock.reports.records import Reproduction, StoredCall, StoredStep
from gaugeblock.reports.runfile import encode
from gaugeblock.reports.verdicts import Verdict

LARGEST = 65_536
"""Bytes of an input that a reproduction holds."""

NOT_ALONE = "it is not asked in calls that can stand alone"
NOT_AGAIN = "asked again, alone, it did not deviate for the same reason"
TOO_LARGE = f"it needs an array of more than {LARGEST // 1024} KiB"


def deviating(outcomes: Sequence[Outcome]) -> list[int]:
    """The places of the outcomes that deviate as nothing explains."""
    return [number for number, each in enumerate(outcomes) if each.observation.verdict == Verdict.DEVIATES]


def reproduced(setting: Setting, outcomes: Sequence[Outcome], ask: Ask, wanted: Sequence[int]) -> list[Outcome]:
    """The outcomes, those wanted with the record of how they are seen again, or why there is none.

    Args:
        setting: where they were asked.
        outcomes: those of a test.
        ask: what evaluates calls.
        wanted: places of outcomes that deviate.
    """
    budget = Budget.of(setting.mode, len(wanted))
    # Nobody else asks what is asked from here on.
    setting = replace(setting, keeps=False)
    found = list(outcomes)
    for number in wanted:
        outcome = outcomes[number]
        record = _record(setting, ask, outcome, budget)
        more = {"reproduction_missing" if isinstance(record, str) else "reproduction": record}
        found[number] = replace(outcome, observation=msgspec.structs.replace(outcome.observation, **more))
    return found


def _record(setting: Setting, ask: Ask, outcome: Outcome, budget: Budget) -> Reproduction | str:
    """How the outcome is seen again, or why it is not."""
    trial, shrinks = outcome.trial, outcome.trial.again is not None
    if outcome.judgement.evidence is None or any(isinstance(each, NoAnswer) for each in trial.replies or ()):
        return NOT_ALONE
    search = Search(setting, ask, outcome, budget)
    starts = [trial.case]
    if shrinks and not trial.case.steps:
        # Alone, and with as many rows as it was asked with: a shape that was compiled already.
        starts.insert(0 if budget.shape else 1, _filled(setting, trial.case))
    if not any(search.shows(case) for case in dict.fromkeys(starts)):
        return NOT_AGAIN
    if shrinks:
        search.shrink()
    missing = NOT_AGAIN
    # A fault that comes and goes may have shown by chance: it is asked once more.
    known = [(search.smaller, search.case), (False, trial.case)]
    if shrinks and DOMAINS[setting.operation.domains[-1]].any_entries:
        # What is too large to be kept may show itself in rows that repeat their first entries.
        for _, case in tuple(known):
            last = repeated(case.inputs[setting.operation.inputs[-1]], axis_of(case))
            known.append((True, replace(case, inputs={**case.inputs, setting.operation.inputs[-1]: last})))
    for smaller, case in known:
        if search.shows(case) and search.found.evidence is not None:
            evidence = search.found.evidence()
            calls = [_stored_call(setting, call, shown) for call, shown in evidence.parts]
            record = Reproduction(calls, evidence.expected)
            arrays = [array for call in record.calls for array in (*call.inputs.values(), call.cotangent)]
            if not any(array is not None and array.sha256 is not None for array in arrays):
                record.smaller, record.stopped = smaller, search.stopped
                return record
            missing = TOO_LARGE
    return missing


def _filled(setting: Setting, case: Case) -> Case:
    """The case with as many rows as it is asked with beside others, those that are added being its first."""
    query = setting.query(case, together="filled")
    if query.together is None:
        return case
    arrays = _arrays(stacked(query.calls))
    return replace(case, inputs={name: arrays[name] for name in case.inputs})


def _arrays(call: Call) -> dict[str, Array]:
    """The arrays that a call hands over, by name."""
    upstream = {} if call.cotangent is None else {COTANGENT: call.cotangent}
    return dict(zip(call.inputs, call.arrays, strict=True)) | upstream


def _stored_call(setting: Setting, call: Call, shown: Mapping[str, Any]) -> StoredCall:
    """The record of a call, with the fields that say what of its answer is looked at."""
    parameters = setting.adapter.spelled(call.parameters)
    laid = {} if call.layout is None else {**_arrays(call), **vectors(parameters, call)}
    # A story shows another text than what is called.
    text = {"call": call.implementation.call, **shown}
    return StoredCall(
        operation=call.implementation.operation,
        implementation=call.implementation.name,
        mode=call.mode.name,
        inputs={n: encode(array, LARGEST) for n, array in zip(call.inputs, call.arrays, strict=True)},
        parameters={name: list(value) if isinstance(value, tuple) else value for name, value in parameters.items()},
        device=None if call.device == setting.device else call.device,
        last=call.inputs[-1] if call.inputs else None,
        cotangent=None if call.cotangent is None else encode(call.cotangent, LARGEST),
        order=call.order,
        layout=call.layout,
        plain=[name for name, array in laid.items() if not has_layout(array, str(call.layout))],
        steps=[StoredStep(**vars(step)) for step in call.steps],
        acts=call.implementation.acts() if call.steps else {},
        **text,
    )
