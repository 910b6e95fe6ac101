"""Asking many cases in few calls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from trueline.adapters.base import Implementation, Mode
from trueline.conformance.cases import Case
from trueline.conformance.context import Context, asked_one_by_one, batches, stack, unstack
from trueline.conformance.isolation import Answer, NoAnswer
from trueline.reference.formats import Array


def answers(
    context: Context,
    chosen: Sequence[Case],
    *,
    mode: Mode | None = None,
    implementation: Implementation | None = None,
    cotangents: Sequence[Array] | None = None,
) -> list[Answer]:
    """The answer to each case, or its vector-Jacobian product with that cotangent.

    Cases that differ in their rows alone are asked in one call. Where that call is refused, each is asked alone,
    so that one bad row does not stand for all.
    """
    asked = implementation or context.implementation
    position = {id(case): index for index, case in enumerate(chosen)}
    found: dict[int, Answer] = {}
    single = [case for case in chosen if asked_one_by_one(asked, context.operation, case)]
    for case in single:
        if cotangents is None:
            found[id(case)] = one_by_one(context, case, asked, mode)
    groups = list(batches([case for case in chosen if id(case) not in found]))
    calls = []
    for group in groups:
        cotangent = None
        if cotangents is not None:
            parts = [cotangents[position[id(case)]] for case in group]
            cotangent = parts[0] if len(parts) == 1 else np.concatenate(parts)
        calls.append(context.call(stack(group), implementation=asked, mode=mode, cotangent=cotangent))
    for group, answer in zip(groups, context.ask(calls), strict=True):
        rows = unstack(answer, group) if isinstance(answer, np.ndarray) else None
        if rows is not None:
            found.update((id(case), row) for case, row in zip(group, rows, strict=True))
        elif len(group) == 1:
            found[id(group[0])] = answer
        else:
            alone = [
                context.call(
                    case,
                    implementation=asked,
                    mode=mode,
                    cotangent=None if cotangents is None else cotangents[position[id(case)]],
                )
                for case in group
            ]
            found.update((id(case), each) for case, each in zip(group, context.ask(alone), strict=True))
    return [found[id(case)] for case in chosen]


def one_by_one(context: Context, case: Case, asked: Implementation, mode: Mode | None = None) -> Answer:
    """The answers for single samples, each asked for as the mean over itself."""
    count = len(next(iter(case.inputs.values())))
    parts = [
        Case(case.name, {name: array[i : i + 1] for name, array in case.inputs.items()}, {**case.parameters, "reduction": "mean"})
        for i in range(count)
    ]
    got = context.ask([context.call(part, implementation=asked, mode=mode) for part in parts])
    refused = next((each for each in got if isinstance(each, NoAnswer)), None)
    if refused is not None:
        return refused
    return np.stack([each for each in got if not isinstance(each, NoAnswer)]) if got else np.zeros(0)
