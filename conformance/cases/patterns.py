"""Patterns: what rows and vectors hold, as functions of a name that draws them, a shape and a format."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from gaugeblock.conformance.cases.draws import bell, integers, shuffled, uniform
from gaugeblock.conformance.cases.named_arrays import Landmarks, masks
from gaugeblock.reference.formats import Array, Format

Pattern = Callable[[str, tuple[int, int], Format], Array]


def one_entry(name: str, shape: tuple[int, int]) -> Array:
    """Where one entry of each row stands."""
    return np.asarray(np.arange(shape[1]) == integers(name, (shape[0], 1), shape[1]))


def _places(name: str, shape: tuple[int, int]) -> Array:
    return shuffled(f"{name}/order", shape)


def distinct(name: str, shape: tuple[int, int], _: Format) -> Array:
    """Different numbers in each row, no two of them, nor one and zero, a whole number apart."""
    return np.asarray((2 * _places(name, shape) + 1) / 2.0 ** (shape[1].bit_length() + 2))


def _low(name: str, shape: tuple[int, int], fmt: Format) -> Array:
    """Far below zero, but no farther than weighted sums of their squares have room for."""
    return -(1 + _places(name, shape)) * 2.0 ** max(0, min(32, fmt.emax // 2 - 20 - shape[1].bit_length()))


def shares(drawn: Array) -> Array:
    """Rows of positive numbers, divided by their sums."""
    return np.asarray(drawn / drawn.sum(axis=1, keepdims=True))


def _shares(name: str, shape: tuple[int, int], _: Format) -> Array:
    return shares(1.0 + integers(name, shape, 64))


def minute(name: str, shape: tuple[int, int], fmt: Format) -> Array:
    """Down to the smallest number of a narrow format."""
    lowest = min(60, fmt.precision - 1 - fmt.emin)
    return np.asarray(uniform(name, shape, 1, 2) * 2.0 ** -(1.0 + integers(f"{name}/e", shape, lowest)))


def _twice(name: str, shape: tuple[int, int], _: Format) -> Array:
    """The largest entry stands in two places, near or far."""
    return np.where(one_entry(f"{name}/one", shape) | one_entry(f"{name}/other", shape), 6.0, bell(name, shape, 1.0))


def _leading(name: str, shape: tuple[int, int], _: Format) -> Array:
    """One entry leads by so much that the others' share still has digits."""
    by = 4.0 + integers(f"{name}/by", (shape[0], 1), 9)
    return bell(name, shape, 1.0) + by * one_entry(f"{name}/at", shape)


def _nan(name: str, shape: tuple[int, int], _: Format) -> Array:
    """One NaN in every second row."""
    drawn = bell(name, shape, 1.5)
    drawn[::2][one_entry(f"{name}/at", drawn[::2].shape)] = math.nan
    return drawn


LOGITS: dict[str, Pattern] = {
    "ordinary": lambda name, shape, _: bell(name, shape, 1.5),
    "wide": lambda name, shape, fmt: uniform(name, shape, -0.4, 0.4) * Landmarks.of(fmt).normal,
    "tiny": lambda name, shape, _: bell(name, shape, 2.0**-7),
    "offset": lambda name, shape, fmt: bell(name, shape, 1.5) + 0.8 * Landmarks.of(fmt).largest,
    "below": lambda name, shape, fmt: bell(name, shape, 1.5) - 2 * Landmarks.of(fmt).largest,
    "masked": lambda name, shape, _: np.where(masks(f"{name}/mask", shape), bell(name, shape, 1.5), -math.inf),
    "nan": _nan,
    "gap": lambda name, shape, fmt: (
        bell(name, shape, 1.5) + min(0.6 * Landmarks.of(fmt).normal, 80) * one_entry(f"{name}/at", shape)
    ),
    # One entry leads by so much that the exponentials of the others are zero beside its own.
    "chasm": lambda name, shape, fmt: (
        bell(name, shape, 1.5) + 2 * Landmarks.of(fmt).subnormal * one_entry(f"{name}/at", shape)
    ),
    "depths": lambda name, shape, fmt: uniform(name, shape, -2.5, -0.01) * Landmarks.of(fmt).normal,
    "twice": _twice,
    "leading": _leading,
    "tied": lambda name, shape, _: np.rint(bell(name, shape, 1.5)),
    "equal": lambda name, shape, _: np.repeat(bell(name, (shape[0], 1), 3), shape[1], axis=1),
    "ascending": lambda name, shape, _: np.sort(bell(name, shape, 3), axis=1),
    "descending": lambda name, shape, _: -np.sort(bell(name, shape, 3), axis=1),
    "zeros": lambda name, shape, _: np.where(integers(name, shape, 2) == 1, 0.0, -0.0),
}

SUBNORMAL = "subnormal"
"""The pattern of entries that some processors and modes flush to zero before anything is computed."""

SPECIAL = ("masked", "nan")
"""Patterns of entries that are no finite numbers."""

SHARES: dict[str, Pattern] = {
    "ordinary": _shares,
    "confident": lambda name, shape, _: shares(2.0 ** -integers(name, shape, 12)),
    # One entry holds nearly all; the others go down to the smallest normal number.
    "extreme": lambda name, shape, fmt: np.where(
        one_entry(f"{name}/at", shape), 1.0, 2.0 ** -(1.0 + integers(name, shape, -fmt.emin - 2))
    ),
    SUBNORMAL: lambda name, shape, fmt: np.where(
        integers(f"{name}/some", shape, 3) == 0, 3 * fmt.smallest_subnormal, _shares(name, shape, fmt)
    ),
}

DISTINCT: dict[str, Pattern] = {
    "distinct": distinct,
    "negative": lambda name, shape, fmt: distinct(name, shape, fmt) - 0.5,
    "close": lambda name, shape, fmt: 0.5 + _places(name, shape) * 4 * fmt.epsilon,
    "low": _low,
    SUBNORMAL: lambda name, shape, fmt: (1 + _places(name, shape)) * fmt.smallest_subnormal,
}

ELEMENTS: dict[str, Pattern] = {
    **{name: LOGITS[name] for name in ("ordinary", "wide", "tiny", "ascending")},
    "far": lambda name, shape, fmt: uniform(name, shape, -2, 2) * Landmarks.of(fmt).largest,
}


@dataclass(frozen=True)
class Known:
    """What is known of the rows when targets are made for them."""

    name: str
    labels: Array
    last: Array

    @property
    def hot(self) -> Array:
        """One-hot targets."""
        return np.asarray(np.arange(self.last.shape[1]) == self.labels[:, None])


def distribution(known: Known) -> Array:
    """One-hot rows; soft ones, of few digits or of many; nearly one-hot ones, by more than one in ten thousand or less;
    and those nearly equal to the probabilities that stand beside them."""
    full = shares(1.0 + integers(known.name, known.last.shape, 8))
    soft = np.floor(full * 64) / 64
    beside = known.last if ((known.last >= 0) & (known.last <= 1)).all() else full
    equal = beside * (1 + np.array((0.0, 2.0**-6, -(2.0**-9)))[integers(f"{known.name}/by", soft.shape, 3)])
    rest = 2.0 ** -np.array((4, 7, 11, 21))[integers(f"{known.name}/rest", (len(soft),), 4)][:, None]
    nearly = known.hot * (1 - rest) + np.roll(known.hot, 1, axis=1) * rest
    kinds = (np.arange(len(soft)) % 6)[:, None]
    return np.select([kinds == 1, kinds == 2, kinds == 3, kinds == 5], [soft, full, nearly, equal], known.hot)


def random_mask(known: Known) -> Array:
    """Entries drawn at random; one alone; all but the largest; and the end of the row alone."""
    mask = masks(known.name, known.last.shape)
    rows, count = known.last.shape
    kinds = integers(f"{known.name}/kind", (rows, 1), 6)
    one = one_entry(f"{known.name}/one", (rows, count))
    largest = np.arange(count) == np.argmax(np.nan_to_num(known.last, nan=-np.inf), axis=1)[:, None]
    end = np.arange(count) >= count * 3 // 4
    mask = np.where(kinds == 0, one, np.where(kinds == 1, ~largest, np.where(kinds == 2, end, mask)))
    # Of a row some entry is seen that is not hidden by a score of -inf.
    seen = (mask & ~np.isneginf(known.last)).any(axis=1, keepdims=True)
    return np.asarray(mask | (~seen & largest))


SOFT = (0.0, 0.25, 0.5, 0.75, 1.0, 1.0, 0.0, 1 - 2.0**-4, 1 - 2.0**-11, 2.0**-11, 2.0**-20)
"""Targets of one class, hard, soft, and nearly hard."""


def random_targets(name: str, shape: tuple[int, ...]) -> Array:
    """Hard ones alone in a third of the batches."""
    hard = integers(f"{name}/hard", (), 3) == 0
    return integers(name, shape, 2) * 1.0 if hard else np.array(SOFT)[integers(name, shape, len(SOFT))]


# Of sweeps over shapes: rows of any length


def swept_logits(name: str, shape: tuple[int, ...], fmt: Format) -> Array:
    """Ordinary rows; from the second on, every second has its first third masked and a large gap at its middle."""
    length = shape[1]
    drawn = bell(f"sweep/{name}/{length}", shape, 1.5)
    drawn[1::2, length // 2] += min(-fmt.emin * 0.6, 80.0)
    drawn[1::2, : length // 3] = -math.inf
    return drawn


def swept_scores(name: str, shape: tuple[int, ...], fmt: Format) -> Array:
    """A permutation of different numbers in each row: equal steps, or neighbours where the format has no such steps."""
    length = shape[1]
    order = shuffled(f"sweep-order/{name}/{length}", shape)
    if length < 2**fmt.precision:
        return np.asarray((order + 1) / 2.0 ** length.bit_length())
    one = np.ones((), fmt.dtype).view(f"i{fmt.dtype.itemsize}")
    return (one - 1 - order).astype(one.dtype).view(fmt.dtype).astype(np.float64)


def swept_labels(last: Array) -> Array:
    """The last class where it takes part, the largest entry elsewhere."""
    known = np.full(len(last), last.shape[1] - 1)
    return np.where(np.arange(len(last)) % 2 == 1, last.argmax(axis=1), known)
