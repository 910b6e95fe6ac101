"""Steps: what is done, one after another, to live objects of a stateful implementation."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from gaugeblock.adapters.base import Array, Function, Implementation

Verb = Literal["update", "call", "result", "reset", "merge", "copy"]

GIVING = ("update", "call")
"""The verbs that give an object a batch."""

Batch = tuple[tuple[int, int | None], int]
"""Which rows, and how many times over."""

WHOLE: Batch = ((0, None), 1)


@dataclass(frozen=True)
class Step:
    """One act, done `repeat` times to the object number `on`, which is made when it is first named.

    `update` gives it a batch: the rows [start, stop) of every input, `tile` times over; `call` does so and its value is
    a result. `merge` takes the state of
    the object number `other` into it; `copy` puts a copy of `other` in its place.
    """

    verb: Verb
    rows: tuple[int, int | None] = (0, None)
    tile: int = 1
    repeat: int = 1
    on: int = 0
    other: int = 0
    spoil: bool = False
    """Whether the caller uses the memory of the batch for something else afterwards, where it can be written to."""

    @property
    def batch(self) -> Batch:
        """The rows of an update, and how many times over."""
        return self.rows, self.tile

    def __str__(self) -> str:
        start, stop = self.rows
        times = f" {self.tile} times over" if self.tile > 1 else ""
        rows = f"rows {start}:{'' if stop is None else stop}{times}"
        words = {
            "update": f"update metric {self.on} with {rows}",
            "call": f"call metric {self.on} with {rows}",
            "result": f"result of metric {self.on}",
            "reset": f"reset metric {self.on}",
            "merge": f"merge metric {self.other} into metric {self.on}",
            "copy": f"copy metric {self.other} as metric {self.on}",
        }
        after = ", and overwrite them" if self.spoil else ""
        return words[self.verb] + after + (f", {self.repeat} times" if self.repeat > 1 else "")


def batches(steps: Iterable[Step], arrays: Sequence[Array]) -> dict[Batch, list[Array]]:
    """The arrays of every batch that the steps update with, each once, and of the whole."""
    made: dict[Batch, list[Array]] = {}
    for rows, tile in [WHOLE, *(step.batch for step in steps if step.verb in GIVING)]:
        if (rows, tile) not in made:
            cut = [array[slice(*rows)] for array in arrays]
            made[rows, tile] = [np.tile(array, (tile, *[1] * (array.ndim - 1))) for array in cut]
    return made


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
        given = made[step.batch] if step.verb in GIVING else example
        if step.spoil:
            given = copy.deepcopy(given)
        for _ in range(step.repeat):
            metric = at(step.other if step.verb == "copy" else step.on)
            other = at(step.other) if step.verb == "merge" else None
            answer = acts[step.verb](metric, other, *parameters.values(), *given)
            if step.verb == "copy":
                objects[step.on] = answer
            elif step.verb in ("result", "call"):
                results.append(answer)
        for array in given if step.spoil else ():
            # Arrays of JAX and TensorFlow cannot be written to.
            with contextlib.suppress(TypeError):
                array[...] = 0
    return results
