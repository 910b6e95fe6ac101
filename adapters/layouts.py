"""Memory layouts of NumPy arrays: the same numbers, lying differently in memory.

What lies in memory between the numbers is NaN, or 0 among integers, so that a function that reads it shows it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

LAYOUTS = {
    "contiguous": "array.copy()",
    "transposed": "numpy.asfortranarray(array)",
    "moved": "numpy.moveaxis(numpy.moveaxis(array, 0, array.ndim // 2).copy(), array.ndim // 2, 0)",
    "strided": "numpy.stack([array, numpy.full_like(array, filler)], axis=-1).reshape(*array.shape[:-1], -1)[..., ::2]",
    "padded": "numpy.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, 3)], constant_values=filler)[..., :-3]",
    "reversed": "array[..., ::-1].copy()[..., ::-1]",
    "misaligned": "numpy.append(numpy.zeros(1, 'uint8'), numpy.frombuffer(array.tobytes(), 'uint8'))"
    "[1:].view(array.dtype).reshape(array.shape)",
    "read-only": "numpy.frombuffer(array.tobytes(), array.dtype).reshape(array.shape)",
    "broadcast": "numpy.broadcast_to(array[:1], array.shape)",
}
"""Column-major order, the first axis between the others, every second element of a larger buffer, rows that start
longer ones, a negative stride, one byte past alignment, not to be written to, and one row with a stride of 0 for all:
expressions of `array` and `filler`, see Wording."""

HANDED_OVER = {f"numpy-{name}": text for name, text in LAYOUTS.items()}
"""The layouts of the NumPy arrays that a framework is given whose own arrays have only one."""

REPEATED = frozenset({"broadcast", "numpy-broadcast", "expanded"})
"""Layouts that hold the first row alone: the numbers must be that row, repeated."""


RANKS = {"transposed": 2, "moved": 3}
"""Axes that an array must have to lie in some layouts."""


def rank_of(layout: str) -> int:
    """How many axes an array must have to lie so."""
    return RANKS.get(layout.removeprefix("numpy-"), 1)


def has_layout(array: Array, layout: str) -> bool:
    """Whether an array can lie so: a single number has no layout, and rows that differ are not one row repeated."""
    if array.ndim < rank_of(layout):
        return False
    return layout not in REPEATED or array.tobytes() == array[:1].tobytes() * len(array)
