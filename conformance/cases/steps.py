"""Steps: what is done, one after another, to live objects of a stateful implementation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from gaugeblock.reference.formats import Array

Verb = Literal["update", "call", "result", "reset", "merge", "copy"]

FEEDING = ("update", "call")
"""The verbs that hand an object a batch."""

Batch = tuple[tuple[int, int | None], int]
"""Which rows, and how many times over."""

WHOLE: Batch = ((0, None), 1)


@dataclass(frozen=True)
class Step:
    """One act, done `repeat` times to the object number `on`, which is made when it is first named.

    `update` hands it a batch: the rows [start, stop) of every input, `tile` times over; `call` does so and its value is
    a result. `merge` takes the state of the object number `other` into it; `copy` puts a copy of `other` in its place.
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
    for rows, tile in [WHOLE, *(step.batch for step in steps if step.verb in FEEDING)]:
        if (rows, tile) not in made:
            cut = [array[slice(*rows)] for array in arrays]
            made[rows, tile] = [np.tile(array, (tile, *[1] * (array.ndim - 1))) for array in cut]
    return made
