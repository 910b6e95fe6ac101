"""Putting live objects of a stateful implementation through steps."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Mapping, Sequence
from typing import Any

from gaugeblock.adapters.base import Function, Implementation
from gaugeblock.conformance.cases.steps import FEEDING, WHOLE, Batch, Step


def perform(
    implementation: Implementation,
    inputs: Sequence[str],
    parameters: Mapping[str, Any],
    namespace: Mapping[str, Any],
    steps: Sequence[Step],
    made: Mapping[Batch, Sequence[Any]],
) -> list[Any]:
    """Every result that the steps ask for, in order; `made` holds the framework's own arrays of every batch."""
    names = ("metric", "other", *parameters, *inputs)
    texts = implementation.acts()
    acts: dict[str, Function] = {verb: implementation.function(namespace, names, text) for verb, text in texts.items()}
    objects: dict[int, Any] = {}
    # What makes an object may look at the data: a single batch need not have every class.
    example = made[WHOLE]

    def at(number: int) -> Any:
        if number not in objects:
            objects[number] = acts["make"](None, None, *parameters.values(), *example)
        return objects[number]

    results = []
    for step in steps:
        fed = made[step.batch] if step.verb in FEEDING else example
        if step.spoil:
            fed = copy.deepcopy(fed)
        for _ in range(step.repeat):
            metric = at(step.other if step.verb == "copy" else step.on)
            other = at(step.other) if step.verb == "merge" else None
            answer = acts[step.verb](metric, other, *parameters.values(), *fed)
            if step.verb == "copy":
                objects[step.on] = answer
            elif step.verb in ("result", "call"):
                results.append(answer)
        for array in fed if step.spoil else ():
            # Arrays of JAX and TensorFlow cannot be written to.
            with contextlib.suppress(TypeError):
                array[...] = 0
    return results
