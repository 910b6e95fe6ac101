"""Reproductions: what a deviation needs to be seen again, on its own, and nothing that it does not need.

Each is asked again in the process that measured, and kept only if it shows the same deviation for the same reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gaugeblock.adapters.layouts import has_layout
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.lifecycle import Step
from gaugeblock.conformance.execution.call import Call, vectors
from gaugeblock.conformance.judging.showing import Part, Replay, Shown, reason
from gaugeblock.conformance.minimise.search import Allowance, Search
from gaugeblock.conformance.minimise.simpler_values import repeated
from gaugeblock.conformance.trials.batching import filled_up
from gaugeblock.conformance.trials.setting import Context, Observation
from gaugeblock.reports import runfile

LARGEST = 65_536
"""Bytes of an input that a reproduction holds."""

REPEATABLE = ("logits", "finite_logits", "decisions")
"""Domains of rows whose entries may be any, each as often as it likes."""

TOO_LARGE = f"it needs an array of more than {LARGEST // 1024} KiB"
NOT_AGAIN = "asked again, alone, it did not deviate for the same reason"


def reproduced(context: Context, observations: Sequence[Observation]) -> list[Observation]:
    """The observations of a test, each that deviates with the record of how it is seen again, or why there is none."""
    deviating = sum(each["verdict"] == "deviates" for each in observations)
    allowance = Allowance.of(context.setting.mode, deviating)
    # Nobody else asks what is asked from here on.
    context.keeps = False
    return [
        {**each, **_record(context, each, allowance)} if each["verdict"] == "deviates" else each
        for each in observations
    ]


def _record(context: Context, observation: Observation, allowance: Allowance) -> dict[str, Any]:
    replay = context.replays.get(observation["key"])
    if replay is None:
        return {"reproduction_missing": "it is not asked in calls that can stand alone"}
    search = Search(replay, context.ask, reason(observation, context.format), context.format, allowance)
    start = next((case for case in _starts(context, replay, allowance) if search.shows(case)), None)
    if start is None:
        return {"reproduction_missing": NOT_AGAIN}
    if replay.shrinks:
        search.shrink(context.operation, context.implementation)
    missing = NOT_AGAIN
    # A fault that comes and goes may have shown by chance: it is asked once more.
    known = [(search.smaller, search.case), (False, replay.case)]
    if replay.shrinks and context.operation.domains[-1] in REPEATABLE:
        # What is too large to be kept may show itself in rows that repeat their first entries.
        known += [(True, _repeating(context, case)) for _, case in known]
    for smaller, case in known:
        if search.shows(case):
            record = _told(context, search.found)
            if not any("sha256" in array for call in record["calls"] for array in _arrays(call)):
                told = {"smaller": smaller, "stopped": search.stopped}
                return {"reproduction": record | {name: True for name, is_so in told.items() if is_so}}
            missing = TOO_LARGE
    return {"reproduction_missing": missing}


def _repeating(context: Context, case: Case) -> Case:
    name = context.operation.inputs[-1]
    rows = repeated(case.inputs[name], int(case.parameters.get("axis", -1)))
    return replace(case, inputs={**case.inputs, name: rows})


def _starts(context: Context, replay: Replay, allowance: Allowance) -> list[Case]:
    """The case alone, and with as many rows as it was asked with: a shape that was compiled already."""
    if not replay.shrinks or "steps" in replay.case.parameters:
        return [replay.case]
    filled = replace(filled_up(replay.case, context.operation), name=replay.case.name)
    return [filled, replay.case] if allowance.shape else [replay.case, filled]


def _told(context: Context, shown: Shown) -> dict[str, Any]:
    return {"calls": [_call(context, part) for part in shown.parts], "due": dict(shown.due)}


def _call(context: Context, part: Part) -> dict[str, Any]:
    call = part.call
    parameters = context.setting.adapter.spelled(call.parameters)
    told: dict[str, Any] = {
        "call": call.implementation.call,
        "operation": call.implementation.operation,
        "implementation": call.implementation.name,
        "mode": call.mode.name,
        "inputs": {n: runfile.encode_whole(array, LARGEST) for n, array in zip(call.inputs, call.arrays, strict=True)},
        "parameters": {name: list(value) if isinstance(value, tuple) else value for name, value in parameters.items()},
        **part.got,
    }
    return told | _circumstances(context, call, parameters)


def _circumstances(context: Context, call: Call, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What only some calls have."""
    told: dict[str, Any] = {"last": call.inputs[-1]} if call.inputs else {}
    if call.cotangent is not None:
        told["cotangent"] = runfile.encode_whole(call.cotangent, LARGEST)
    if call.order != 1:
        told["order"] = call.order
    if call.steps:
        told["steps"] = [_step(step) for step in call.steps]
        told["acts"] = call.implementation.acts()
    if call.layout is not None:
        told["layout"] = call.layout
        arrays = dict(zip(call.inputs, call.arrays, strict=True)) | vectors(parameters, call)
        arrays |= {} if call.cotangent is None else {"cotangent": call.cotangent}
        plain = [name for name, array in arrays.items() if not has_layout(array, call.layout)]
        told |= {"plain": plain} if plain else {}
    if call.device != context.setting.device:
        told["device"] = call.device
    return told


def _step(step: Step) -> dict[str, Any]:
    told = {**vars(step), "rows": list(step.rows)}
    return told if step.spoil else {name: value for name, value in told.items() if name != "spoil"}


def _arrays(call: dict[str, Any]) -> list[dict[str, Any]]:
    return [*call["inputs"].values(), *([call["cotangent"]] if "cotangent" in call else [])]
