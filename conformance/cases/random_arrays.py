"""Random arrays: every input of an operation, in the levels that a combination draws."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gaugeblock.conformance.cases.domains import DOMAINS
from gaugeblock.conformance.cases.draws import integers
from gaugeblock.conformance.cases.patterns import Known
from gaugeblock.reference.catalogue import Operation
from gaugeblock.reference.formats import Array, Format

LABELS: dict[str, Callable[[int, int], Array]] = {
    "zero": lambda rows, _: np.zeros(rows, np.int64),
    "last": lambda rows, classes: np.full(rows, classes - 1),
    "in turn": lambda rows, classes: np.arange(rows) % classes,
    "backwards": lambda rows, classes: np.arange(rows)[::-1] % classes,
    "sorted": lambda rows, classes: np.arange(rows) * classes // rows,
}
"""Labels that are not drawn at random."""


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


def patterns_of(op: Operation) -> tuple[str, ...]:
    """Names of what the operation's last input may hold; none if it holds labels."""
    known = DOMAINS[op.domains[-1]].patterns
    # 0 * -inf beside targets would hide all else, and scores of several labels are probabilities to some.
    hidden = {"masked"} if DOMAINS[op.domains[0]].multiplied else set()
    hidden |= {"negative"} if op.domains == ("multi_hot", "scores") else set()
    # What a masked entry is beside a NaN that is seen, is another question.
    hidden |= {"nan"} if op.domains[0] == "mask" else set()
    return tuple(name for name in known if name not in hidden)


def _last(op: Operation, fmt: Format, levels: Levels, shape: tuple[int, ...], pattern: str | None) -> Array:
    domain = DOMAINS[op.domains[-1]]
    name = f"{levels.name}/{op.inputs[-1]}"
    if not domain.patterns:
        return domain.numbers_beside(name, shape)
    assert pattern is not None
    made = domain.patterns[pattern]
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
    op: Operation, fmt: Format, levels: Levels, shape: tuple[int, int], pattern: str | None
) -> dict[str, Array]:
    """Every input of an operation: `shape` is (rows, entries of a row), or the number of elements and what labels are
    below. `pattern` names what the last holds, if that is no label."""
    size = shape if op.core_ranks[-1] and not op.whole else shape[:1]
    last = _last(op, fmt, levels, size, pattern)
    wide = last.astype(np.float64)
    values = {}
    for name, domain in zip(op.inputs[:-1], op.domains[:-1], strict=True):
        label = f"{levels.name}/{name}"
        rowwise = len(size) == 2
        known = DOMAINS[domain]
        beside = Known(label, _labels(levels, wide), wide) if rowwise else None
        made = known.numbers_beside(label, size) if beside is None else known.beside_rows(beside)
        if op.whole and name in op.integers:
            # Every class stands in the truth: what is taken for 0/0 is a question for a probe.
            made = np.arange(size[0]) % (2 if domain == "binary" else 5)
        if name in op.integers:
            values[name] = np.asarray(made, bool if domain == "mask" else np.int64)
        else:
            values[name] = fmt.rounded(np.asarray(made, np.float64))
    return {**values, op.inputs[-1]: last}


# Scores next to what decides: none lies on a threshold or an edge, since what is decided there is a convention.

BINS = ("n_bins", "num_thresholds")
"""Parameters that cut the numbers from 0 to 1 into equal parts: so many, and one less."""

ROOM = 32
"""Roundings of a score from the edge of a bin."""


def at_boundaries(op: Operation, fmt: Format, levels: Levels, parameters: Mapping[str, Any], scores: Array) -> Array:
    """The scores, or in some combinations others next to what decides."""
    if "threshold" in parameters and levels.one_in("near the threshold", 4):
        return fmt.rounded(_beside(float(parameters["threshold"]), levels, fmt, scores.shape))
    if not op.whole or op.domains[-1] != "probability":
        return scores
    bins = next((int(parameters[name]) - (name == BINS[1]) for name in BINS if parameters.get(name)), 0)
    near = bins * ROOM * fmt.unit_roundoff
    if bins > 1 and near < 0.25 and levels.one_in("near the edges", 3):
        edge = 1.0 + integers(f"{levels.name}/edge", scores.shape, bins - 1)
        return fmt.rounded((edge + _side(levels, scores.shape) * near) / bins)
    if levels.one_in("zeros", 4):
        kind = integers(f"{levels.name}/zero", scores.shape, 4)
        return fmt.rounded(np.where(kind == 0, 0.0, np.where(kind == 1, -0.0, scores)))
    return scores


def _side(levels: Levels, shape: tuple[int, ...]) -> Array:
    return np.asarray(1.0 - 2 * integers(f"{levels.name}/side", shape, 2))


def _beside(threshold: float, levels: Levels, fmt: Format, shape: tuple[int, ...]) -> Array:
    """From one to four numbers of the format above the threshold or below it."""
    size = 2.0 ** math.floor(math.log2(abs(threshold))) * fmt.epsilon if threshold else fmt.smallest_normal
    return np.asarray(threshold + _side(levels, shape) * (1 + integers(f"{levels.name}/steps", shape, 4)) * size)
