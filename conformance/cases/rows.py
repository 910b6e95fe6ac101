"""Inputs of every operation: rows of any length and vectors of any size, and lines along which one number moves."""

from __future__ import annotations

import functools

import numpy as np
from gaugeblock.conformance.cases.domains import DOMAINS, MovingRow
from gaugeblock.reference.catalogue import Operation, operation
from gaugeblock.reference.formats import Array, Format

DISTINCT = 61
"""Rows of a large batch repeat so many: no power of two, so that blocks of rows do not repeat with them."""

PAIRWISE = ("multi_hot", "decisions")
"""Domains of losses that compare every label with every other class, whose exact value grows with the square."""

LONGEST_PAIRWISE = 130


def rows_of(op: Operation, fmt: Format, rows: int, length: int, name: str = "row") -> dict[str, Array]:
    """`rows` rows of `length` entries for a rowwise operation, or `length` elements for one of single numbers."""
    return dict(_rows_of(op.name, fmt, rows, length, name))


@functools.cache
def _rows_of(operation_name: str, fmt: Format, rows: int, length: int, name: str) -> dict[str, Array]:
    # Every implementation of an operation is asked the same.
    op = operation(operation_name)
    domains = {each: DOMAINS[domain] for each, domain in zip(op.inputs, op.domains, strict=True)}
    if not op.rowwise:
        drawn = {each: domain.swept(f"{name}/{each}", (length,), fmt) for each, domain in domains.items()}
    else:
        last = domains[op.inputs[-1]].swept(name, (rows, length), fmt)
        if domains[op.inputs[0]].multiplied:
            # The known NaN of 0 * -inf would hide what a length does.
            last = np.where(np.isneginf(last), -20.0, last)
        drawn = {each: domains[each].swept_beside(last) for each in op.inputs[:-1]} | {op.inputs[-1]: last}
    return {each: held(op, fmt, each, array) for each, array in drawn.items()}


def held(op: Operation, fmt: Format, name: str, values: Array) -> Array:
    """Values as an input of the operation holds them: integers, true or false, or numbers of the format."""
    if name not in op.integers:
        return fmt.rounded(np.asarray(values, np.float64))
    return np.array(values, bool if op.domains[op.inputs.index(name)] == "mask" else np.int64)


def lines(op: Operation, fmt: Format) -> dict[str, tuple[dict[str, Array], int]]:
    """Lines along which one number moves and all else stands, by name: one sample of the operation's inputs, and the
    place of what moves in the last."""
    moving = DOMAINS[op.domains[-1]]
    if op.kind == "metric" or not moving.moving:
        return {}
    found = {}
    for name, (place, row) in (moving.moving_rows or {"": MovingRow(0, (0.0,))}).items():
        last = fmt.array(row if name else row[0])
        if len(op.inputs) == 1:
            found[name or "alone"] = ({op.inputs[0]: last}, place)
            continue
        classes = np.arange(last.size)
        for beside, first in DOMAINS[op.domains[0]].beside_moving(classes == place, classes == 0).items():
            slug = f"{name}-{beside}" if name else beside
            found[slug] = ({op.inputs[0]: held(op, fmt, op.inputs[0], first), op.inputs[1]: last}, place)
    return found
