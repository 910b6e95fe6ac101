"""Lines through the inputs of an operation: one number moves, everything else stands."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from gaugeblock.reference.catalogue import Operation
from gaugeblock.reference.formats import Array, Format

REALS = (-math.inf, math.inf)

RANGES = {
    "real": REALS,
    "probability": (0.0, 1.0),
    "logits": REALS,
    "finite_logits": REALS,
    "decisions": REALS,
    "probabilities": (0.0, 1.0),
    "log_probabilities": (-math.inf, 0.0),
}
"""Where the moving number goes, by what the last input holds; nothing else is moved."""

ALONE = {"": (0, 0.0)}

LOGITS = {"of-3": (1, (0.0, 0.0, 1.0)), "of-5": (4, (0.5, -2.5, 9.0, 4.0, 0.0))}

ROWS: dict[str, dict[str, tuple[int, tuple[float, ...]]]] = {
    "logits": LOGITS,
    "finite_logits": LOGITS,
    "decisions": LOGITS,
    "probabilities": {"of-3": (1, (0.25, 0.0, 0.5))},
    "log_probabilities": {"of-3": (1, (-1.0, 0.0, -2.0))},
}
"""Rows in which a number moves: its place, and the row."""

NUMBERS = {
    "target": {"target-0": 0.0, "target-1": 1.0, "target-soft": 0.25},
    "sign": {"sign-plus": 1.0, "sign-minus": -1.0},
}
"""What the first input holds beside a number that moves alone, by its domain."""

CLASSES: dict[str, Callable[[Array, Array], dict[str, Any]]] = {
    "label": lambda it, other: {"label-moving": np.argmax(it), "label-other": np.argmax(other)},
    "one_hot": lambda it, other: {"label-moving": it, "label-other": other},
    "multi_hot": lambda it, other: {"label-moving": it, "label-other": other},
    "distribution": lambda it, other: {
        "label-moving": it,
        "label-other": other,
        "label-soft": np.where(other, 0.5, np.where(it, 0.25, 0.25 / (len(it) - 2))),
    },
    "log_distribution": lambda it, other: {
        "label-moving": np.where(it, -0.125, -6.0),
        "label-other": np.where(other, -0.125, -6.0),
    },
    "mask": lambda it, other: {"mask-other": ~other, "mask-moving": ~it},
}
"""The same beside a row, by which class is the moving one's and which another."""


def lines(op: Operation, fmt: Format) -> dict[str, tuple[dict[str, Array], int]]:
    """The lines of an operation by name: one sample of its inputs, and the place of what moves in the last."""
    moving = op.domains[-1]
    if op.kind == "metric" or moving not in RANGES:
        return {}
    found = {}
    for name, (place, row) in ROWS.get(moving, ALONE).items():
        last = fmt.array(row)
        if len(op.inputs) == 1:
            found[name or "alone"] = ({op.inputs[0]: last}, place)
            continue
        for beside, given in _beside(op.domains[0], place, last.size).items():
            first = np.asarray(given) if op.inputs[0] in op.integers else fmt.rounded(given)
            slug = f"{name}-{beside}" if name else beside
            found[slug] = ({op.inputs[0]: first, op.inputs[1]: last}, place)
    return found


def _beside(domain: str, place: int, size: int) -> dict[str, Any]:
    if domain in NUMBERS:
        return NUMBERS[domain]
    classes = np.arange(size)
    return CLASSES[domain](classes == place, classes == 0)
