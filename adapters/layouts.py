"""Memory layouts of NumPy arrays: the same numbers, lying differently in memory.

What lies in memory between the numbers is NaN, or 0 among integers, so that a function that reads it shows it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from trueline.adapters.base import Array


def _transposed(array: Array) -> Array:
    return np.asfortranarray(array)


def _strided(array: Array) -> Array:
    buffer = np.full((*array.shape[:-1], 2 * array.shape[-1]), filler(array), array.dtype)
    buffer[..., ::2] = array
    return buffer[..., ::2]


def _padded(array: Array) -> Array:
    buffer = np.full((*array.shape[:-1], array.shape[-1] + 3), filler(array), array.dtype)
    buffer[..., :-3] = array
    return buffer[..., :-3]


def _reversed(array: Array) -> Array:
    return np.ascontiguousarray(array[..., ::-1])[..., ::-1]


def _misaligned(array: Array) -> Array:
    whole = np.zeros(array.nbytes + 1, np.uint8)
    placed: Array = whole[1:].view(array.dtype).reshape(array.shape)
    placed[...] = array
    return placed


def _read_only(array: Array) -> Array:
    copy = np.array(array)
    copy.flags.writeable = False
    return copy


def _broadcast(array: Array) -> Array:
    repeats = bool(array.size) and bool((array == array[:1]).all())
    return np.broadcast_to(array[:1], array.shape) if repeats else np.array(array)


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "contiguous": np.array,
    "transposed": _transposed,
    "strided": _strided,
    "padded": _padded,
    "reversed": _reversed,
    "misaligned": _misaligned,
    "read-only": _read_only,
    "broadcast": _broadcast,
}
"""Column-major order, every second element of a larger buffer, rows that are the
start of longer ones, a negative stride, one byte past alignment, not to be
written to, and one row with a stride of 0 for all where they are equal."""

HANDED_OVER = tuple(f"numpy-{name}" for name in LAYOUTS)
"""The layouts of the NumPy arrays that a framework is given whose own arrays have only one."""

REPEATED = frozenset({"broadcast", "numpy-broadcast", "expanded"})
"""Layouts that hold the first row alone: the numbers must be that row, repeated."""


def filler(array: Array) -> float:
    """What stands between the numbers."""
    return 0 if array.dtype.kind in "biu" else np.nan


def laid_out(array: Array, layout: str) -> Array:
    """The numbers of `array` in a layout of LAYOUTS or HANDED_OVER."""
    return LAYOUTS[layout.removeprefix("numpy-")](array)
