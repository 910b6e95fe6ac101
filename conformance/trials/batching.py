"""Asking many cases in few calls, and in few shapes: a framework that compiles does so for each shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gaugeblock.adapters.base import Implementation, Mode
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.execution.call import Answer, Call, NoAnswer
from gaugeblock.conformance.trials.setting import Context, asked_one_by_one
from gaugeblock.reference.catalogue import Operation, operation
from gaugeblock.reference.formats import Array

BATCHES = (64, 4096)
"""Batches are filled up to these numbers of rows with copies of their first row."""

Asked = tuple[Case, Array | None]
"""A case, with the upstream gradient if its vector-Jacobian product is asked for."""


@dataclass(frozen=True)
class Given:
    """The answer to a case, and the calls that gave it: one whose rows from `start` on it is, or one a sample."""

    answer: Answer
    calls: tuple[Call, ...]
    whole: tuple[Answer, ...]
    """The answers to those calls."""
    start: int = 0


def answers(context: Context, chosen: Sequence[Case], **how: Any) -> list[Answer]:
    """The answer to each case; see `given`."""
    return [each.answer for each in given(context, chosen, **how)]


def given(
    context: Context,
    chosen: Sequence[Case],
    *,
    mode: Mode | None = None,
    implementation: Implementation | None = None,
    cotangents: Sequence[Array] | None = None,
    order: int = 1,
) -> list[Given]:
    """The answer to each case, or its vector-Jacobian product with that cotangent.

    Cases that differ in their rows alone are asked in one call. Where that call is refused, each is asked alone,
    so that one bad row does not stand for all.
    """
    asked = implementation or context.implementation
    op = operation(asked.operation)
    found: dict[int, Given] = {}
    together: dict[Any, list[int]] = {}
    for index, case in enumerate(chosen):
        if cotangents is None and asked_one_by_one(asked, context.operation, case):
            calls = tuple(context.call(part, implementation=asked, mode=mode) for part in samples(case))
            singles = tuple(context.ask(calls))
            found[index] = Given(joined(singles), calls, singles)
        else:
            together.setdefault(_likeness(case, index, op), []).append(index)
    questions: list[Asked] = [
        (case, None if cotangents is None else cotangents[index]) for index, case in enumerate(chosen)
    ]

    def call(question: Asked) -> Call:
        return context.call(question[0], implementation=asked, mode=mode, cotangent=question[1], order=order)

    groups = list(together.values())
    filled = [_filled([questions[index] for index in group], op) for group in groups]
    asked_together = [call(question) for question in filled]
    answered = context.ask(asked_together)
    for group, question, one, answer in zip(groups, filled, asked_together, answered, strict=True):
        start = 0
        parts = list(_parts(answer, [chosen[index] for index in group], _rows(question[0]), op))
        for index, part in zip(group, parts, strict=False):
            found[index] = Given(part, (one,), (answer,), start)
            start += _rows(chosen[index])
        if not parts:
            alone = [call(questions[index]) for index in group]
            for index, own, part in zip(group, alone, context.ask(alone), strict=True):
                found[index] = Given(part, (own,), (part,))
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


def joined(got: Sequence[Answer]) -> Answer:
    """The answers for single samples as one; the first that never came, where one did not."""
    refused = next((each for each in got if isinstance(each, NoAnswer)), None)
    if refused is not None:
        return refused
    return np.stack([each for each in got if not isinstance(each, NoAnswer)]) if got else np.zeros(0)
