"""Random inputs: what one combination draws of sizes, contents, parameters and weights.

Sizes are next to powers of two, round numbers, and multiples of what kernels cut rows into. Values of parameters are
ordinary, extreme and odd ones; none is left whose digits a narrow format would hold by chance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gaugeblock.conformance.cases.cases import VECTORS, spread
from gaugeblock.conformance.cases.domains import DOMAINS
from gaugeblock.conformance.cases.draws import integers
from gaugeblock.conformance.cases.patterns import Known
from gaugeblock.conformance.cases.rows import PAIRWISE, held
from gaugeblock.reference.catalogue import Operation
from gaugeblock.reference.formats import Array, Format
from gaugeblock.reference.operations import REDUCTIONS

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
    domain, name = DOMAINS[op.domains[-1]], f"{levels.name}/{op.inputs[-1]}"
    if pattern is None:
        last = domain.numbers_beside(name, size)
    else:
        last = fmt.rounded(domain.patterns[pattern](name, (*size, 1)[:2], fmt).reshape(size))
    wide = last.astype(np.float64)
    values = {}
    for name, holds in zip(op.inputs[:-1], op.domains[:-1], strict=True):
        label = f"{levels.name}/{name}"
        if op.whole and name in op.integers:
            # Every class stands in the truth: what is taken for 0/0 is a question for a probe.
            made = np.arange(size[0]) % (2 if holds == "binary" else 5)
        elif len(size) == 2:
            made = DOMAINS[holds].beside_rows(Known(label, _labels(levels, wide), wide))
        else:
            made = DOMAINS[holds].numbers_beside(label, size)
        values[name] = held(op, fmt, name, made)
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


# Sizes, parameters and weights

ROWS = (1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 24, 31, 33, 48, 64, 65)
CLASSES = (1, 2, 3, 4, 5, 7, 8, 9, 10, 16, 17, 24, 31, 32, 33, 48, 64, 65, 100, 129, 257)
FEW = ((4, 3), (3, 4), (5, 5))
"""Rows and classes in modes that compile each shape."""

TALL = (
    96, 127, 128, 150, 200, 256, 300, 384, 500, 512, 513, 600, 700, 768, 1000, 1024, 1100, 1501, 2000, 2101, 3000, 3001,
)  # fmt: skip
"""Rows of which there are many, of few classes."""

WIDE = (101, 192, 200, 256, 300, 384, 400, 500, 512, 640, 768, 1000, 1024, 1030, 1500, 1536, 2000, 2048)
"""Entries of rows of which there are few."""

SIDES = (3, 4, 5, 8, 10, 16, 24, 32, 48)
"""Rows and classes where they are as many."""

MOST, MOST_PAIRWISE, MOST_DERIVATIVES = 1100, 40, 160
"""Numbers in a batch of usual size: more of them add no combination, but time of the oracle."""


def shape_of(op: Operation, levels: Levels, few: bool, derivatives: bool) -> tuple[int, int]:
    """Rows, and entries of a row; of single numbers how many, and some number."""
    rows, classes = levels.of("few", FEW) if few else (levels.of("rows", ROWS), levels.of("classes", CLASSES))
    pairs = op.domains in (PAIRWISE, ("multi_hot", "decisions"))
    of_samples = op.whole and op.domains[1] == "probability" and "n_bins" not in op.parameters
    size = "usual" if few or pairs or of_samples else levels.of("size", SIZES)
    if not op.rowwise or op.whole:
        count = levels.of("tall", TALL) if size == "tall" else rows
        # Five classes of a truth, each twice.
        least = 10 if op.whole and "label" in op.domains else 2
        return (rows * classes if few else max(least, count), 5)
    if size == "tall":
        return levels.of("tall", TALL), levels.of("few classes", (2, 3, 5))
    if size == "wide":
        return levels.of("few rows", (1, 2, 3)), levels.of("wide", WIDE)
    if size == "square":
        return (levels.of("side", SIDES),) * 2
    most = MOST_PAIRWISE if pairs else MOST_DERIVATIVES if derivatives else MOST
    classes = min(classes, most)
    return max(1, min(rows, most // classes)), classes


SIZES = ("usual",) * 9 + ("tall", "wide", "square")

FURTHER: Mapping[str, tuple[Any, ...]] = {
    "label_smoothing": (0.1, 0.5, 0.3, 0.0005, 1.0),
    "gamma": (0.0, 3.0, 2.5, 5.0, 0.3, 8.0),
    "alpha": (0.0, 0.5, 0.75, 0.3, 1.0),
    "pos_weight": (50.0, 3.3, 0.1, 0.0),
    "class_weight": ("varied", "with-zero", "odd", "ratios", "even"),
    "temperature": (0.5, 4.0, 1.0, 0.07, 0.3, 1.5, 50.0),
    "threshold": (0.25, 0.7, 0.9, 0.3, 0.0, -0.5),
    "k": (1, 3, 5, 12),
    "ignore_index": (0, 1, -1, 255, "last"),
    "margin": (0.5, 0.3, 3.7, 20.0, 0.0),
    "n_bins": (5, 10, 1, 4, 7, 30, 300),
    "num_thresholds": (5, 17, 257),
    "q": (1.0, 0.7, 0.3, 0.05, 2.0**-7),
    "epsilon": (0.0, 4.0, 0.3),
    "width": (4, 8),
}
"""Values of parameters besides those that the ordinary cases have; of vectors, by the name of their entries. Thresholds
of curves lie at powers of two, which no rounding moves."""

ENTRIES: Mapping[str, tuple[float, ...]] = {
    **VECTORS,
    "odd": (0.3, 2.7, 1.1, 0.9, 3.3),
    "ratios": (100.0, 0.1, 1.0, 0.01, 7.3),
    "even": (2.0,),
}
"""Parameters with one number for each class, by name; repeated up to the number of classes."""


def parameters_of(op: Operation, levels: Levels, classes: int) -> dict[str, Any]:
    """Each parameter at its default in half of the combinations, and the reduction."""
    chosen = {}
    for name in dict.fromkeys([*(name for ask in op.asks for name in ask), *op.parameters]):
        values = [ask[name] for ask in op.asks if name in ask]
        # A parameter that is a vector here is a number elsewhere.
        vector = name not in ("class_weight", "ignore_index") and any(isinstance(value, str) for value in values)
        values += (ENTRIES if vector else FURTHER.get(name, ())) if name in op.parameters else ()
        if values and levels.one_in(f"{name}?", 2):
            chosen[name] = levels.of(name, values)
    if "k" in op.parameters:
        chosen["k"] = min(int(chosen.get("k", 2)), classes)
    if "threshold" in op.parameters:
        chosen.setdefault("threshold", 0.5)
    if op.kind != "activation" and not op.whole:
        chosen["reduction"] = levels.of("reduction", REDUCTIONS)
    return {name: classes - 1 if value == "last" else spread(value, classes, ENTRIES) for name, value in chosen.items()}


def in_format(parameters: Mapping[str, Any], fmt: Format) -> dict[str, Any]:
    """The parameters with numbers of the format, so that all mean the same."""

    def in_it(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(map(in_it, value))
        return fmt.round(value) if isinstance(value, float) else value

    return {name: in_it(value) for name, value in parameters.items()}


WEIGHTS: tuple[Callable[[Array], Array], ...] = (
    lambda drawn: drawn % 9 / 4.0,
    lambda drawn: drawn % 2 * 1.0,
    lambda drawn: 2.0 ** (drawn % 13 - 6),
    lambda drawn: 1.0 + drawn % 70_000,
    lambda drawn: np.where(np.arange(len(drawn)) == len(drawn) // 2, 2.0**26, 1.0 + drawn % 4),
    lambda drawn: np.full(len(drawn), 2.0),
    lambda drawn: (1.0 + drawn % 5) * 2.0**-40,
    lambda drawn: (1.0 + drawn % 5) * 2.0**-12,
    lambda drawn: 100.0 + drawn % 100,
    lambda drawn: 300.0 + drawn % 100,
)
"""Sample weights: some zero, zero or one, wide, large, one heavier than the others, all alike, tiny, small, whole."""


def weights_of(op: Operation, levels: Levels, fmt: Format, count: int) -> Array:
    """Weights of samples; the first weighs something. Of metrics some are so large that their squares overflow."""
    drawn = integers(f"{levels.name}/weights", (count,), 2**20)
    weights = levels.of("weights", WEIGHTS)(drawn)
    if op.whole and levels.one_in("huge", 8):
        weights = (1.0 + drawn % 5) * 2.0 ** (fmt.emax * 5 // 8)
    weights = np.clip(weights, np.where(weights > 0, fmt.smallest_normal, 0), fmt.largest / 2)
    weights[0] = weights[0] or 1.5
    return fmt.rounded(weights)
