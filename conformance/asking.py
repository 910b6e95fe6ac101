"""Asking many cases in few calls, and in few shapes: a framework that compiles does so for each shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from trueline.adapters.base import Implementation, Mode
from trueline.conformance.calls import Answer, Call, NoAnswer
from trueline.conformance.cases import Case
from trueline.conformance.context import Context, asked_one_by_one
from trueline.reference.catalogue import Operation, operation
from trueline.reference.formats import Array

BATCHES = (64, 4096)
"""Batches are filled up to these numbers of rows with copies of their first row."""

Asked = tuple[Case, Array | None]
"""A case, with the upstream gradient if its vector-Jacobian product is asked for."""


def answers(
    context: Context,
    chosen: Sequence[Case],
    *,
    mode: Mode | None = None,
    implementation: Implementation | None = None,
    cotangents: Sequence[Array] | None = None,
    order: int = 1,
) -> list[Answer]:
    """The answer to each case, or its vector-Jacobian product with that cotangent.

    Cases that differ in their rows alone are asked in one call. Where that call is refused, each is asked alone,
    so that one bad row does not stand for all.
    """
    asked = implementation or context.implementation
    op = operation(asked.operation)
    found: dict[int, Answer] = {}
    together: dict[Any, list[int]] = {}
    for index, case in enumerate(chosen):
        if cotangents is None and asked_one_by_one(asked, context.operation, case):
            found[index] = one_by_one(context, case, asked, mode)
        else:
            together.setdefault(_likeness(case, index, op), []).append(index)
    questions: list[Asked] = [
        (case, None if cotangents is None else cotangents[index]) for index, case in enumerate(chosen)
    ]

    def call(question: Asked) -> Call:
        return context.call(question[0], implementation=asked, mode=mode, cotangent=question[1], order=order)

    groups = list(together.values())
    filled = [_filled([questions[index] for index in group], op) for group in groups]
    answered = context.ask([call(question) for question in filled])
    for group, question, answer in zip(groups, filled, answered, strict=True):
        parts = list(_parts(answer, [chosen[index] for index in group], _rows(question[0]), op))
        if not parts:
            parts = context.ask([call(questions[index]) for index in group])
        found.update(zip(group, parts, strict=True))
    return [found[index] for index in range(len(chosen))]


def _stackable(case: Case, op: Operation) -> bool:
    plain = case.parameters.get("reduction", "none") == "none" and case.parameters.get("axis", -1) == -1
    return bool(plain and not op.whole and case.inputs[op.inputs[0]].ndim > op.core_ranks[0])


def _likeness(case: Case, index: int, op: Operation) -> Any:
    """What cases must share to be asked in one call: parameters and row length, and nothing reduced."""
    shapes = tuple((name, array.shape[1:]) for name, array in case.inputs.items())
    return (tuple(sorted(case.parameters.items())), shapes, None if _stackable(case, op) else index)


def _rows(case: Case) -> int:
    first = next(iter(case.inputs.values()))
    return len(first) if first.ndim else 1


def _fill(arrays: Sequence[Array]) -> Array:
    whole = np.concatenate(arrays)
    size = next((batch for batch in BATCHES if batch >= len(whole)), len(whole))
    return np.concatenate([whole, np.repeat(whole[:1], size - len(whole), axis=0)])


def _filled(group: Sequence[Asked], op: Operation) -> Asked:
    """One question of all rows of a group, filled up to a usual number of rows."""
    first, upstream = group[0]
    if not _stackable(first, op) or _rows(first) == 0:
        return group[0]
    inputs = {name: _fill([case.inputs[name] for case, _ in group]) for name in first.inputs}
    cotangent = None if upstream is None else _fill([weights for _, weights in group if weights is not None])
    return Case("+".join(case.name for case, _ in group), inputs, first.parameters), cotangent


def _parts(answer: Answer, group: Sequence[Case], asked: int, op: Operation) -> Iterator[Answer]:
    """The rows of each case; nothing if there is no answer, or one of another number of rows than was asked."""
    if not _stackable(group[0], op) or _rows(group[0]) == 0:
        yield answer
        return
    lengths = [_rows(case) for case in group]
    if isinstance(answer, NoAnswer) or answer.ndim == 0 or len(answer) != asked:
        return
    start = 0
    for length in lengths:
        yield answer[start : start + length]
        start += length


def filled_up(case: Case, op: Operation) -> Case:
    """The case with as many rows as it is asked with beside others, those that are added being its first."""
    return _filled([(case, None)], op)[0]


def samples(case: Case) -> list[Case]:
    """A case for each sample, that of the mean over itself."""
    return [
        Case(
            case.name,
            {name: array[i : i + 1] for name, array in case.inputs.items()},
            {**case.parameters, "reduction": "mean"},
        )
        for i in range(_rows(case))
    ]


def one_by_one(context: Context, case: Case, asked: Implementation, mode: Mode | None = None) -> Answer:
    """The answers for single samples, each asked for as the mean over itself."""
    return joined(context.ask([context.call(part, implementation=asked, mode=mode) for part in samples(case)]))


def joined(got: Sequence[Answer]) -> Answer:
    """The answers for single samples as one; the first that never came, where one did not."""
    refused = next((each for each in got if isinstance(each, NoAnswer)), None)
    if refused is not None:
        return refused
    return np.stack([each for each in got if not isinstance(each, NoAnswer)]) if got else np.zeros(0)
