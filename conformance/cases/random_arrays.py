"""Contents: what inputs hold, by domain, in the kinds that a combination draws from."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gaugeblock.conformance.cases.draws import bell, integers, uniform
from gaugeblock.conformance.cases.named_arrays import Landmarks, masks, multi_hot
from gaugeblock.conformance.checks.shapes import PRODUCTS
from gaugeblock.reference.catalogue import Operation
from gaugeblock.reference.formats import Array, Format

Texture = Callable[[str, tuple[int, int], Format], Array]


def _masked(name: str, shape: tuple[int, int], fmt: Format) -> Array:
    del fmt
    return np.where(masks(f"{name}/mask", shape), bell(name, shape, 1.5), -math.inf)


def _gap(name: str, shape: tuple[int, int], fmt: Format) -> Array:
    drawn = bell(name, shape, 1.5)
    at = integers(f"{name}/at", (shape[0],), shape[1])
    drawn[np.arange(shape[0]), at] += min(0.6 * Landmarks.of(fmt).normal, 80)
    return drawn


def _chasm(name: str, shape: tuple[int, int], fmt: Format) -> Array:
    """One entry leads by so much that the exponentials of the others are zero beside its own."""
    drawn = bell(name, shape, 1.5)
    drawn[np.arange(shape[0]), integers(f"{name}/at", (shape[0],), shape[1])] += 2 * Landmarks.of(fmt).subnormal
    return drawn


def _leading(name: str, shape: tuple[int, int], fmt: Format) -> Array:
    """One entry leads by so much that the others' share still has digits."""
    del fmt
    drawn = bell(name, shape, 1.0)
    at = integers(f"{name}/at", (shape[0],), shape[1])
    drawn[np.arange(shape[0]), at] += 4.0 + integers(f"{name}/by", (shape[0],), 9)
    return drawn


def _twice(name: str, shape: tuple[int, int], fmt: Format) -> Array:
    """The largest entry stands in two places, near or far."""
    del fmt
    drawn = bell(name, shape, 1.0)
    for side in ("one", "other"):
        drawn[np.arange(shape[0]), integers(f"{name}/{side}", (shape[0],), shape[1])] = 6.0
    return drawn


def _places(name: str, shape: tuple[int, int]) -> Array:
    """The numbers from zero on, in an order of their own for each row."""
    return np.asarray(np.argsort(uniform(f"{name}/order", shape, 0, 1), axis=1, kind="stable"))


def _distinct(name: str, shape: tuple[int, int], fmt: Format) -> Array:
    """Different numbers in each row, no two of them, nor one and zero, a whole number apart."""
    del fmt
    return np.asarray((2 * _places(name, shape) + 1) / 2.0 ** (shape[1].bit_length() + 2))


def _low(name: str, shape: tuple[int, int], fmt: Format) -> Array:
    """Far below zero, but no farther than weighted sums of their squares have room for."""
    return -(1 + _places(name, shape)) * 2.0 ** max(0, min(32, fmt.emax // 2 - 20 - shape[1].bit_length()))


def _shares(name: str, shape: tuple[int, int], fmt: Format) -> Array:
    del fmt
    drawn = 1.0 + integers(name, shape, 64)
    return np.asarray(drawn / drawn.sum(axis=1, keepdims=True))


def _confident(name: str, shape: tuple[int, int], fmt: Format) -> Array:
    del fmt
    drawn = 2.0 ** -integers(name, shape, 12)
    return np.asarray(drawn / drawn.sum(axis=1, keepdims=True))


def _extreme(name: str, shape: tuple[int, int], fmt: Format) -> Array:
    """One entry holds nearly all; the others go down to the smallest normal number."""
    drawn = 2.0 ** -(1.0 + integers(name, shape, -fmt.emin - 2))
    drawn[np.arange(shape[0]), integers(f"{name}/at", (shape[0],), shape[1])] = 1.0
    return drawn


def _minute(name: str, shape: tuple[int, int], fmt: Format) -> Array:
    """Down to the smallest number of a narrow format."""
    lowest = min(60, fmt.precision - 1 - fmt.emin)
    return np.asarray(uniform(name, shape, 1, 2) * 2.0 ** -(1.0 + integers(f"{name}/e", shape, lowest)))


def _nan(name: str, shape: tuple[int, int], fmt: Format) -> Array:
    """One NaN in every second row."""
    del fmt
    drawn = bell(name, shape, 1.5)
    rows = np.arange(0, shape[0], 2)
    drawn[rows, integers(f"{name}/at", (len(rows),), shape[1])] = math.nan
    return drawn


LOGITS: dict[str, Texture] = {
    "ordinary": lambda name, shape, _: bell(name, shape, 1.5),
    "wide": lambda name, shape, fmt: uniform(name, shape, -0.4, 0.4) * Landmarks.of(fmt).normal,
    "tiny": lambda name, shape, _: bell(name, shape, 2.0**-7),
    "offset": lambda name, shape, fmt: bell(name, shape, 1.5) + 0.8 * Landmarks.of(fmt).largest,
    "below": lambda name, shape, fmt: bell(name, shape, 1.5) - 2 * Landmarks.of(fmt).largest,
    "masked": _masked,
    "nan": _nan,
    "gap": _gap,
    "chasm": _chasm,
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
"""The texture of entries that some processors and modes flush to zero before anything is computed."""

SPECIAL = ("masked", "nan")
"""Textures of entries that are no finite numbers."""

SHARES: dict[str, Texture] = {
    "ordinary": _shares,
    "confident": _confident,
    "extreme": _extreme,
    SUBNORMAL: lambda name, shape, fmt: np.where(
        integers(f"{name}/some", shape, 3) == 0, 3 * fmt.smallest_subnormal, _shares(name, shape, fmt)
    ),
}

DISTINCT: dict[str, Texture] = {
    "distinct": _distinct,
    "negative": lambda name, shape, fmt: _distinct(name, shape, fmt) - 0.5,
    "close": lambda name, shape, fmt: 0.5 + _places(name, shape) * 4 * fmt.epsilon,
    "low": _low,
    SUBNORMAL: lambda name, shape, fmt: (1 + _places(name, shape)) * fmt.smallest_subnormal,
}

ELEMENTS: dict[str, Texture] = {
    **{name: LOGITS[name] for name in ("ordinary", "wide", "tiny", "ascending")},
    "far": lambda name, shape, fmt: uniform(name, shape, -2, 2) * Landmarks.of(fmt).largest,
}

TEXTURES: dict[str, dict[str, Texture]] = {
    "logits": LOGITS,
    "finite_logits": {name: texture for name, texture in LOGITS.items() if name not in SPECIAL},
    "decisions": {
        **DISTINCT,
        "ordinary": LOGITS["ordinary"],
        "flat": lambda name, shape, fmt: _distinct(name, shape, fmt) / 64,
    },
    "probabilities": SHARES,
    "log_probabilities": {
        "ordinary": lambda name, shape, _: -uniform(name, shape, 0.1, 9),
        "wide": lambda name, shape, fmt: -uniform(name, shape, 0.1, 0.9) * Landmarks.of(fmt).normal,
    },
    "scores": DISTINCT,
    "real": ELEMENTS,
    "probability": {
        "ordinary": lambda name, shape, _: uniform(name, shape, 0.01, 0.99),
        "small": lambda name, shape, _: uniform(name, shape, 0.5, 1) * 2.0 ** -integers(f"{name}/e", shape, 12),
        "minute": _minute,
        "steps": lambda name, shape, _: (1 + integers(name, shape, 15)) / 16.0,
        "nearly one": lambda name, shape, fmt: 1 - (1 + integers(name, shape, 64)) * fmt.epsilon,
    },
    "score": {"ordinary": lambda name, shape, _: uniform(name, shape, 0.26, 0.49) * (1 + integers(name, shape, 2))},
}
"""What the last input holds, by domain."""


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


def _distribution(known: Known) -> Array:
    """One-hot rows; soft ones, of few digits or of many; nearly one-hot ones, by more than one in ten thousand or less;
    and those nearly equal to the probabilities that stand beside them."""
    spread = 1.0 + integers(known.name, known.last.shape, 8)
    full = spread / spread.sum(axis=1, keepdims=True)
    soft = np.floor(full * 64) / 64
    beside = known.last if ((known.last >= 0) & (known.last <= 1)).all() else full
    equal = beside * (1 + np.array((0.0, 2.0**-6, -(2.0**-9)))[integers(f"{known.name}/by", soft.shape, 3)])
    rest = 2.0 ** -np.array((4, 7, 11, 21))[integers(f"{known.name}/rest", (len(soft),), 4)][:, None]
    nearly = known.hot * (1 - rest) + np.roll(known.hot, 1, axis=1) * rest
    kinds = (np.arange(len(soft)) % 6)[:, None]
    return np.select([kinds == 1, kinds == 2, kinds == 3, kinds == 5], [soft, full, nearly, equal], known.hot)


def _mask(known: Known) -> Array:
    """Entries drawn at random; one alone; all but the largest; and the end of the row alone."""
    mask = masks(known.name, known.last.shape)
    rows, count = known.last.shape
    kinds = integers(f"{known.name}/kind", (rows, 1), 6)
    one = np.arange(count) == integers(f"{known.name}/one", (rows, 1), count)
    largest = np.arange(count) == np.argmax(np.nan_to_num(known.last, nan=-np.inf), axis=1)[:, None]
    end = np.arange(count) >= count * 3 // 4
    mask = np.where(kinds == 0, one, np.where(kinds == 1, ~largest, np.where(kinds == 2, end, mask)))
    # Of a row some entry is seen that is not hidden by a score of -inf.
    seen = (mask & ~np.isneginf(known.last)).any(axis=1, keepdims=True)
    return np.asarray(mask | (~seen & largest))


LABELS: dict[str, Callable[[int, int], Array]] = {
    "zero": lambda rows, _: np.zeros(rows, np.int64),
    "last": lambda rows, classes: np.full(rows, classes - 1),
    "in turn": lambda rows, classes: np.arange(rows) % classes,
    "backwards": lambda rows, classes: np.arange(rows)[::-1] % classes,
    "sorted": lambda rows, classes: np.arange(rows) * classes // rows,
}
"""Labels that are not drawn at random."""

TARGETS: dict[str, Callable[[Known], Array]] = {
    "label": lambda known: known.labels,
    "one_hot": lambda known: known.hot,
    "distribution": _distribution,
    "log_distribution": lambda known: np.where(known.hot, -0.125, -6.0),
    "multi_hot": lambda known: multi_hot(known.name, known.last.shape),
    "mask": lambda known: _mask(known),
}
"""What stands beside rows, by domain."""

SOFT = (0.0, 0.25, 0.5, 0.75, 1.0, 1.0, 0.0, 1 - 2.0**-4, 1 - 2.0**-11, 2.0**-11, 2.0**-20)
"""Targets of one class, hard, soft, and nearly hard."""


def _targets(name: str, shape: tuple[int, ...]) -> Array:
    """Hard ones alone in a third of the batches."""
    hard = integers(f"{name}/hard", (), 3) == 0
    return integers(name, shape, 2) * 1.0 if hard else np.array(SOFT)[integers(name, shape, len(SOFT))]


BESIDE: dict[str, Callable[[str, tuple[int, ...]], Array]] = {
    "target": _targets,
    "sign": lambda name, shape: 1.0 - 2 * integers(name, shape, 2),
    "binary": lambda name, shape: integers(name, shape, 2),
    "label": lambda name, shape: integers(name, shape, 5),
}
"""What stands beside single numbers."""


@dataclass(frozen=True)
class Levels:
    """The levels that one combination draws."""

    name: str

    def of(self, factor: str, levels: Sequence[Any]) -> Any:
        """The level of a factor."""
        return levels[int(integers(f"{self.name}/{factor}", (), len(levels)))]

    def one_in(self, factor: str, count: int) -> bool:
        """True once in so many combinations."""
        return bool(integers(f"{self.name}/{factor}", (), count) == 0)


def textures(op: Operation) -> tuple[str, ...]:
    """Names of what the operation's last input may hold; none if it holds labels."""
    known = TEXTURES.get(op.domains[-1], {})
    # 0 * -inf beside targets would hide all else, and scores of several labels are probabilities to some.
    hidden = {"masked"} if op.domains[0] in PRODUCTS else set()
    hidden |= {"negative"} if op.domains == ("multi_hot", "scores") else set()
    # What a masked entry is beside a NaN that is seen, is another question.
    hidden |= {"nan"} if op.domains[0] == "mask" else set()
    return tuple(name for name in known if name not in hidden)


def _last(op: Operation, fmt: Format, levels: Levels, shape: tuple[int, ...], texture: str | None) -> Array:
    domain = op.domains[-1]
    name = f"{levels.name}/{op.inputs[-1]}"
    if domain not in TEXTURES:
        return BESIDE[domain](name, shape)
    assert texture is not None
    made = TEXTURES[domain][texture]
    return fmt.rounded(made(name, (shape[0], shape[1] if len(shape) > 1 else 1), fmt).reshape(shape))


def _labels(levels: Levels, last: Array) -> Array:
    """A label for each row, of a class that is possible there; `largest` are the largest entries' but for one,
    `least` the smallest's."""
    rows, classes = last.shape
    kind = levels.of("labels", ("drawn", "largest", "least", *LABELS))
    chosen = LABELS[kind](rows, classes) if kind in LABELS else integers(f"{levels.name}/label", (rows,), classes)
    if kind == "largest":
        chosen = np.argmax(np.nan_to_num(last, nan=-np.inf), axis=1)
        chosen[:1] = (chosen[:1] + 1) % classes
    if kind == "least":
        chosen = np.argmin(np.nan_to_num(last, nan=np.inf), axis=1)
    return np.where(np.isneginf(last[np.arange(rows), chosen]), last.argmax(axis=1), chosen)


def contents(
    op: Operation, fmt: Format, levels: Levels, shape: tuple[int, int], texture: str | None
) -> dict[str, Array]:
    """Every input of an operation: `shape` is (rows, entries of a row), or the number of elements and what labels are
    below. `texture` names what the last holds, if that is no label."""
    size = shape if op.core_ranks[-1] and not op.whole else shape[:1]
    last = _last(op, fmt, levels, size, texture)
    wide = last.astype(np.float64)
    values = {}
    for name, domain in zip(op.inputs[:-1], op.domains[:-1], strict=True):
        label = f"{levels.name}/{name}"
        rowwise = len(size) == 2
        made = TARGETS[domain](Known(label, _labels(levels, wide), wide)) if rowwise else BESIDE[domain](label, size)
        if op.whole and name in op.integers:
            # Every class stands in the truth: what is taken for 0/0 is a question for a probe.
            made = np.arange(size[0]) % (2 if domain == "binary" else 5)
        if name in op.integers:
            values[name] = np.asarray(made, bool if domain == "mask" else np.int64)
        else:
            values[name] = fmt.rounded(np.asarray(made, np.float64))
    return {**values, op.inputs[-1]: last}
