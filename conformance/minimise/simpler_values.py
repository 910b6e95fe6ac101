"""Rounder numbers: arrays of the same domain with numbers that are easier to read, the simplest first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from gaugeblock.conformance.cases.domains import DOMAINS, Domain
from gaugeblock.conformance.minimise.case_axes import shared
from gaugeblock.reference.formats import Array

BITS = (1, 2, 3, 4, 6, 8, 12, 16, 24)
"""Significant bits that numbers are rounded to."""

SMALL_WHOLE = 1024

FEW = 32
"""Entries of a row that are repeated over and over in place of the others."""

NO_NUMBER = 4
"""The complexity of NaN and infinities."""

WEIGHT = "weight"
"""The domain of what weighs samples, beside those of the inputs of operations."""

KNOWN = {**DOMAINS, WEIGHT: Domain("a weight", limits=(0.0, math.inf))}


def complexity(values: Array) -> Array:
    """How hard numbers are to read: their significant bits, and whether they are far from one, or have a fraction."""
    wide = np.asarray(values, np.float64)
    finite = np.isfinite(wide)
    size = np.where(finite, np.abs(wide), 0.0)
    scaled = np.ldexp(np.frexp(size)[0], 53).astype(np.int64)
    bits = 54 - np.frexp((scaled & -scaled).astype(np.float64))[1]
    far = (size < 2**-4) | (size > SMALL_WHOLE)
    usual = 3 + bits + far + 0.5 * (size != np.rint(size))
    simple = np.where(size == 1, np.where(wide < 0, 2.0, 1.0), 0.5 * np.signbit(wide))
    return np.where(finite, np.where((size == 0) | (size == 1), simple, usual), NO_NUMBER)


def _to_bits(values: Array, bits: Any) -> Array:
    with np.errstate(all="ignore"):
        fractions, exponents = np.frexp(values)
        rounded = np.ldexp(np.rint(np.ldexp(fractions, bits)), exponents - bits)
    return np.asarray(np.where(np.isfinite(values), rounded, values))


def of_one(value: float, domain: str) -> list[float]:
    """Simpler numbers of a domain, the simplest first."""
    low, high = KNOWN[domain].limits
    whole = [float(round(value))] if abs(value) < SMALL_WHOLE else []
    rounded = _to_bits(np.array(value), np.array(BITS if math.isfinite(value) else (), int))
    every = np.unique([0.0, 0.5, 1.0, math.copysign(1.0, value), *whole, *rounded])
    hard = complexity(every)
    fit = (low <= every) & (every <= high) & (hard < complexity(np.array(value)))
    order = np.argsort(hard[fit], kind="stable")
    return [float(each) for each in every[fit][order]]


def of_all(array: Array, domain: str, axis: int) -> Iterator[Array]:
    """Arrays whose numbers are rounder taken together; the simplest first."""
    known = KNOWN[domain]
    if domain == "mask":
        yield np.ones_like(array)
    if domain in ("label", "binary") or known.fixed or array.dtype.kind in "biu" or array.size == 1:
        # Those are made rounder one by one.
        return
    wide = array.astype(np.float64)
    most = complexity(wide).sum()
    rounded = [_to_bits(wide, bits) for bits in BITS]
    whole = np.where(np.abs(wide) < SMALL_WHOLE, np.rint(wide), wide)
    for made in (np.zeros_like(wide), np.ones_like(wide), *rounded[:2], whole, *rounded[2:]):
        rounder = _fitting(np.clip(made, *known.limits), array, known, axis)
        if rounder is not None and complexity(rounder).sum() < most:
            yield rounder


def repeated(array: Array, axis: int) -> Array:
    """The first entries of every row, over and over."""
    if not -array.ndim <= axis < array.ndim:
        return array
    return np.take(array, np.arange(array.shape[axis]) % FEW, axis)


def at_one(array: Array, domain: str, axis: int, place: tuple[int, ...]) -> Iterator[Array]:
    """Arrays with another number in one place, the simplest first."""
    known, value = KNOWN[domain], float(array[place])
    simpler: Iterable[float]
    if known.fixed:
        return
    if array.dtype.kind == "b" or domain in ("mask", "multi_hot", "binary"):
        simpler = {float(domain == "mask")} - {float(bool(value))}
    elif domain == "label" or array.dtype.kind in "iu":
        simpler = sorted({0, 1, value // 2, value - 1} - {value}) if value > 0 else ()
    else:
        simpler = of_one(value, domain)
    for each in simpler:
        made = np.array(array, np.float64)
        made[place] = each
        rounder = _fitting(made, array, known, axis)
        if rounder is not None:
            yield rounder


def _fitting(values: Array, before: Array, domain: Domain, axis: int) -> Array | None:
    """The values as an array of the domain; None if they are none.

    A number is then too large, entries that must differ are equal, or a share is less than nothing.
    """
    with np.errstate(over="ignore"):
        made = np.asarray(values).astype(before.dtype)
    if domain.shares:
        made = shared(before, made, axis)
    wide = made.astype(np.float64)
    if not np.isfinite(wide[np.isfinite(before.astype(np.float64))]).all():
        return None
    if domain.distinct and (np.diff(np.sort(wide, axis=-1), axis=-1) == 0).any():
        return None
    return made if not domain.shares or (wide >= 0).all() else None
