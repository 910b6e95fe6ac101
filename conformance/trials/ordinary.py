"""The ordinary case of an operation, for checks that vary something other than the numbers."""

from __future__ import annotations

from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.cases import cases
from gaugeblock.conformance.trials.setting import Context, asked_one_by_one, can_ask


def ordinary_case(context: Context, dtype: str, most: int = 1024) -> Case:
    """The largest case called ordinary, without weights, asked in one call, with so many numbers in an input at most.

    Where an operation calls none of its cases so, its first of that size.
    """
    implementation, operation = context.implementation, context.operation
    offered = [
        case
        for case in cases(operation.name, dtype)
        if can_ask(implementation, operation, case)
        and not asked_one_by_one(implementation, operation, case)
        and case.parameters.get("axis", -1) == -1
        and set(case.inputs) == set(operation.inputs)
    ]
    small = [case for case in offered if _size(case) <= most] or offered
    named = [case for case in small if "ordinary" in case.name]
    return max(named, key=_size) if named else small[0]


def _size(case: Case) -> int:
    return max(array.size for array in case.inputs.values())
