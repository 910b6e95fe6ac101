"""Frozen draws: the same numbers for the same name on every platform and for ever, from SHAKE-256 in counter mode."""

from __future__ import annotations

import hashlib
import math

import numpy as np
from gaugeblock.reference.formats import Array


def _raw(name: str, count: int) -> Array:
    return np.frombuffer(hashlib.shake_256(name.encode()).digest(8 * count), dtype="<u8").astype(np.uint64)


def uniform(name: str, shape: tuple[int, ...], low: float, high: float) -> Array:
    """binary64 numbers in [low, high)."""
    unit = (_raw(name, math.prod(shape)) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return (low + (high - low) * unit).reshape(shape)


def bell(name: str, shape: tuple[int, ...], deviation: float) -> Array:
    """binary64 numbers around 0: the sum of four uniform draws, scaled to this standard deviation."""
    four = uniform(name, (4, *shape), -1.0, 1.0)
    return np.asarray(four.sum(axis=0) * (deviation / math.sqrt(4 / 3)))


def shuffled(name: str, shape: tuple[int, ...]) -> Array:
    """The numbers from zero on, in an order of their own along each row."""
    return np.asarray(np.argsort(uniform(name, shape, 0, 1), axis=-1, kind="stable"))


def integers(name: str, shape: tuple[int, ...], below: int) -> Array:
    """int64 numbers in [0, below)."""
    return (_raw(name, math.prod(shape)) % np.uint64(below)).astype(np.int64).reshape(shape)
