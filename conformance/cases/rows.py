"""Rows of any length, and vectors of any size, for every operation: what sweeps over shapes and batches ask."""

from __future__ import annotations

import functools

import numpy as np
from gaugeblock.conformance.cases.domains import DOMAINS
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
    if not op.rowwise:
        drawn = {each: DOMAINS[domain].swept_numbers(f"{name}/{each}", length, fmt) for each, domain in _held(op)}
    else:
        last = DOMAINS[op.domains[-1]].swept_rows(name, rows, length, fmt)
        if DOMAINS[op.domains[0]].multiplied:
            # The known NaN of 0 * -inf would hide what a length does.
            last = np.where(np.isneginf(last), -20.0, last)
        drawn = {
            each: DOMAINS[domain].swept_beside(last) if each != op.inputs[-1] else last for each, domain in _held(op)
        }
    return {
        each: np.array(drawn[each], bool if domain == "mask" else np.int64)
        if each in op.integers
        else fmt.rounded(drawn[each])
        for each, domain in _held(op)
    }


def _held(op: Operation) -> list[tuple[str, str]]:
    return list(zip(op.inputs, op.domains, strict=True))
