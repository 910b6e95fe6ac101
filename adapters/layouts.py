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
"""Each as an expression of `array` and `filler`, see Wording. In order: C order; column-major order; the first axis
between the others; every second element of a larger buffer; the starts of longer rows; a negative stride; one byte past
alignment; not writable; one row with a stride of 0 for all."""

HANDED_OVER = {f"numpy-{name}": text for name, text in LAYOUTS.items()}
"""The same, under names of their own, for frameworks whose arrays have one layout: they convert NumPy's arrays."""

REPEATED = frozenset({"broadcast", "numpy-broadcast", "expanded"})
"""Layouts that store the first row alone: only arrays of equal rows can have them."""


RANKS = {"transposed": 2, "moved": 3}
"""Number of axes that an array must have, for layouts that need more than one."""


def rank_of(layout: str) -> int:
    """The least number of axes of an array in this layout."""
    return RANKS.get(layout.removeprefix("numpy-"), 1)


def has_layout(array: Array, layout: str) -> bool:
    """Whether an array can have this layout: it has the axes, and for one of REPEATED its rows have equal bits."""
    if array.ndim < rank_of(layout):
        return False
    return layout not in REPEATED or array.tobytes() == array[:1].tobytes() * len(array)
