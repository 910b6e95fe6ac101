"""Factors: the sizes, parameters and weights that combinations draw from.

Sizes are next to powers of two, round numbers, and multiples of what kernels cut rows into. Values of parameters are
ordinary, extreme and odd ones; none is left whose digits a narrow format would hold by chance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from gaugeblock.conformance.cases.cases import VECTORS
from gaugeblock.conformance.cases.draws import integers
from gaugeblock.conformance.cases.random_arrays import Levels
from gaugeblock.conformance.cases.rows import PAIRWISE
from gaugeblock.reference.catalogue import Operation
from gaugeblock.reference.formats import Array, Format
from gaugeblock.reference.operations import REDUCTIONS

ROWS = (1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 24, 31, 33, 48, 64, 65)
CLASSES = (1, 2, 3, 4, 5, 7, 8, 9, 10, 16, 17, 24, 31, 32, 33, 48, 64, 65, 100, 129, 257)
FEW = ((4, 3), (3, 4), (5, 5))
"""Rows and classes in modes that compile each shape."""

TALL = (
    96,
    127,
    128,
    150,
    200,
    256,
    300,
    384,
    500,
    512,
    513,
    600,
    700,
    768,
    1000,
    1024,
    1100,
    1501,
    2000,
    2101,
    3000,
    3001,
)
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
"""Values of parameters besides those that the ordinary cases have; of vectors, by the name of their entries.

Thresholds of curves lie at powers of two, which no rounding moves.
"""

ENTRIES: Mapping[str, tuple[float, ...]] = {
    **VECTORS,
    "odd": (0.3, 2.7, 1.1, 0.9, 3.3),
    "ratios": (100.0, 0.1, 1.0, 0.01, 7.3),
    "even": (2.0,),
}
"""Parameters with one number for each class, by name; repeated up to the number of classes."""


def parameters_of(op: Operation, levels: Levels, classes: int) -> dict[str, Any]:
    """Each parameter at its default in half of the combinations, and the reduction."""
    choices: dict[str, list[Any]] = {}
    for ask in op.asks:
        for name, value in ask.items():
            choices.setdefault(name, []).append(value)
    for name in op.parameters:
        named = [value for value in choices.get(name, []) if isinstance(value, str)]
        # A parameter that is a vector here is a number elsewhere.
        further = tuple(ENTRIES) if named and name not in ("class_weight", "ignore_index") else FURTHER.get(name, ())
        choices.setdefault(name, []).extend(further)
    chosen = {
        name: levels.of(name, values) for name, values in choices.items() if values and levels.one_in(f"{name}?", 2)
    }
    if "k" in op.parameters:
        chosen["k"] = min(int(chosen.get("k", 2)), classes)
    if "threshold" in op.parameters:
        chosen.setdefault("threshold", 0.5)
    if op.kind != "activation" and not op.whole:
        chosen["reduction"] = levels.of("reduction", REDUCTIONS)
    return {name: _value(value, classes) for name, value in chosen.items()}


def _value(value: Any, classes: int) -> Any:
    if value == "last":
        return classes - 1
    return tuple(float(each) for each in np.resize(ENTRIES[value], classes)) if value in ENTRIES else value


def in_format(parameters: Mapping[str, Any], fmt: Format) -> dict[str, Any]:
    """The parameters with numbers of the format, so that all mean the same."""

    def held(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(held(each) for each in value)
        return fmt.round(value) if isinstance(value, float) else value

    return {name: held(value) for name, value in parameters.items()}


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
