"""Lines through the inputs of an operation: one number moves, everything else stands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gaugeblock.conformance.cases.domains import DOMAINS, MovingRow
from gaugeblock.reference.catalogue import Operation
from gaugeblock.reference.formats import Array, Format


def lines(op: Operation, fmt: Format) -> dict[str, tuple[dict[str, Array], int]]:
    """The lines of an operation by name: one sample of its inputs, and the place of what moves in the last."""
    moving = DOMAINS[op.domains[-1]]
    if op.kind == "metric" or not moving.moving:
        return {}
    found = {}
    for name, (place, row) in (moving.moving_rows or {"": MovingRow(0, (0.0,))}).items():
        last = fmt.array(row if name else row[0])
        if len(op.inputs) == 1:
            found[name or "alone"] = ({op.inputs[0]: last}, place)
            continue
        for beside, first in _beside(op.domains[0], place, last.size).items():
            held = np.asarray(first) if op.inputs[0] in op.integers else fmt.rounded(first)
            slug = f"{name}-{beside}" if name else beside
            found[slug] = ({op.inputs[0]: held, op.inputs[1]: last}, place)
    return found


def _beside(name: str, place: int, size: int) -> Mapping[str, Any]:
    domain = DOMAINS[name]
    classes = np.arange(size)
    return domain.beside_moving or domain.beside_moving_row(classes == place, classes == 0)
