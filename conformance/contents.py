"""Contents: what inputs hold, by domain, in the kinds that a combination draws from."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from trueline.conformance.frozen import bell, integers, uniform
from trueline.conformance.inputs import Landmarks, masks, multi_hot
from trueline.reference.formats import Array, Format

Texture = Callable[[str, tuple[int, int], Format], Array]


def _masked(name: str, shape: tuple[int, int], fmt: Format) -> Array:
    del fmt
    return np.where(masks(f"{name}/mask", shape), bell(name, shape, 1.5), -math.inf)


def _gap(name: str, shape: tuple[int, int], fmt: Format) -> Array:
    drawn = bell(name, shape, 1.5)
    at = integers(f"{name}/at", (shape[0],), shape[1])
    drawn[np.arange(shape[0]), at] += min(0.6 * Landmarks.of(fmt).normal, 80)
    return drawn


def _distinct(name: str, shape: tuple[int, int], fmt: Format) -> Array:
    """Different numbers in each row, no two of them, nor one and zero, a whole number apart."""
    del fmt
    order = np.argsort(uniform(f"{name}/order", shape, 0, 1), axis=1, kind="stable")
    return np.asarray((2 * order + 1) / 2.0 ** (shape[1].bit_length() + 2))


def _shares(name: str, shape: tuple[int, int], fmt: Format) -> Array:
    del fmt
    drawn = 1.0 + integers(name, shape, 64)
    return np.asarray(drawn / drawn.sum(axis=1, keepdims=True))


def _confident(name: str, shape: tuple[int, int], fmt: Format) -> Array:
    del fmt
    drawn = 2.0 ** -integers(name, shape, 12)
    return np.asarray(drawn / drawn.sum(axis=1, keepdims=True))


LOGITS: dict[str, Texture] = {
    "ordinary": lambda name, shape, _: bell(name, shape, 1.5),
    "wide": lambda name, shape, fmt: uniform(name, shape, -0.4, 0.4) * Landmarks.of(fmt).normal,
    "tiny": lambda name, shape, _: bell(name, shape, 2.0**-7),
    "offset": lambda name, shape, fmt: bell(name, shape, 1.5) + 0.8 * Landmarks.of(fmt).largest,
    "below": lambda name, shape, fmt: bell(name, shape, 1.5) - 2 * Landmarks.of(fmt).largest,
    "masked": _masked,
    "gap": _gap,
    "tied": lambda name, shape, _: np.rint(bell(name, shape, 1.5)),
    "equal": lambda name, shape, _: np.repeat(bell(name, (shape[0], 1), 3), shape[1], axis=1),
    "ascending": lambda name, shape, _: np.sort(bell(name, shape, 3), axis=1),
    "descending": lambda name, shape, _: -np.sort(bell(name, shape, 3), axis=1),
    "zeros": lambda name, shape, _: np.where(integers(name, shape, 2) == 1, 0.0, -0.0),
}

SHARES: dict[str, Texture] = {"ordinary": _shares, "confident": _confident}

ELEMENTS: dict[str, Texture] = {name: LOGITS[name] for name in ("ordinary", "wide", "tiny", "ascending")}

TEXTURES: dict[str, dict[str, Texture]] = {
    "logits": LOGITS,
    "finite_logits": {name: texture for name, texture in LOGITS.items() if name != "masked"},
    "decisions": {"distinct": _distinct, "ordinary": LOGITS["ordinary"]},
    "probabilities": SHARES,
    "log_probabilities": {
        "ordinary": lambda name, shape, _: -uniform(name, shape, 0.1, 9),
        "wide": lambda name, shape, fmt: -uniform(name, shape, 0.1, 0.9) * Landmarks.of(fmt).normal,
    },
    "scores": {"distinct": _distinct},
    "real": ELEMENTS,
    "probability": {
        "ordinary": lambda name, shape, _: uniform(name, shape, 0.01, 0.99),
        "small": lambda name, shape, _: uniform(name, shape, 0.5, 1) * 2.0 ** -integers(f"{name}/e", shape, 12),
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
    spread = 1.0 + integers(known.name, known.last.shape, 8)
    soft = np.floor(spread / spread.sum(axis=1, keepdims=True) * 64) / 64
    return np.where((np.arange(len(soft)) % 2 == 1)[:, None], soft, known.hot)


LABELS: dict[str, Callable[[int, int], Array]] = {
    "zero": lambda rows, _: np.zeros(rows, np.int64),
    "last": lambda rows, classes: np.full(rows, classes - 1),
    "in turn": lambda rows, classes: np.arange(rows) % classes,
}
"""Labels that are not drawn at random."""

TARGETS: dict[str, Callable[[Known], Array]] = {
    "label": lambda known: known.labels,
    "one_hot": lambda known: known.hot,
    "distribution": _distribution,
    "log_distribution": lambda known: np.where(known.hot, -0.125, -6.0),
    "multi_hot": lambda known: multi_hot(known.name, known.last.shape),
    "mask": lambda known: masks(known.name, known.last.shape),
}
"""What stands beside rows, by domain."""

BESIDE: dict[str, Callable[[str, tuple[int, ...]], Array]] = {
    "target": lambda name, shape: integers(name, shape, 5) / 4.0,
    "sign": lambda name, shape: 1.0 - 2 * integers(name, shape, 2),
    "binary": lambda name, shape: integers(name, shape, 2),
    "label": lambda name, shape: integers(name, shape, 5),
}
"""What stands beside single numbers."""
