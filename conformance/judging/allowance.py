"""Allowances: how far from the exact value an answer may lie, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from gaugeblock.conformance.judging.policy import Policy
from gaugeblock.conformance.judging.ulp_error import LARGEST_ERROR
from gaugeblock.reference.catalogue import Operation
from gaugeblock.reference.formats import Array, Format
from gaugeblock.reference.operations import Bound
from gaugeblock.reference.summation import Sums
from gaugeblock.reference.truth import Truth

ANY_BASE = 2.0
"""By how much the condition may be exceeded where a function may be composed in any way."""


def allowance(bound: Bound, condition: Array | float, truth: Truth, fmt: Format, policy: Policy) -> Array:
    """The bound in ULP, element by element: its own, and the condition in units roundoff."""
    finite = np.where(np.isfinite(condition), condition, 0.0)
    # Exponentials may be taken to base two, or of logarithms that were rounded: their argument is rounded twice.
    finite = ANY_BASE * finite if policy.any_order else finite
    with np.errstate(all="ignore"):
        extra = fmt.unit_roundoff * finite / truth.ulp
        if policy.any_order:
            # Where it is a good part of the value, the square of an error counts too: e^0.25 - 1 is 0.28.
            share = np.nan_to_num(np.abs(fmt.unit_roundoff * finite / truth.nearest), nan=0.0, posinf=0.5)
            extra = extra * (1 + np.minimum(share, 0.5) / 2)
    return np.asarray(np.minimum(bound.ulps + extra, LARGEST_ERROR))


def condition(
    bound: Bound | None,
    operation: Operation,
    inputs: Mapping[str, Array],
    axis: int,
    parameters: Mapping[str, Any],
    *upstream: Array,
    sums: Sums,
) -> Array | float:
    """The bound's condition at these inputs, its core axis where theirs is; weighted as the samples are."""
    if bound is None or bound.sensitivity is None:
        return 0.0
    arrays = [
        np.moveaxis(inputs[name], axis, -1) if rank else inputs[name]
        for name, rank in zip(operation.inputs, operation.core_ranks, strict=True)
    ]
    if any(array.size == 0 for array in arrays):
        return 0.0
    terms = np.asarray(bound.condition([*arrays, *upstream], parameters, sums))
    rowwise = operation.core_ranks[-1] if upstream else operation.output_rank
    if "sample_weight" in inputs:
        weight = np.abs(np.asarray(inputs["sample_weight"], dtype=np.float64))
        with np.errstate(all="ignore"):
            terms = terms * (weight[..., None] if rowwise else weight)
    return np.moveaxis(terms, -1, axis) if rowwise else terms


def condition_of_reduced(operation: Operation, terms: Array | float, each: Truth, reduced: Truth, mean: bool) -> float:
    """The condition of a sum or mean of samples, from that of each sample, `terms`, and their exact values.

    A mean or sum of n terms adds the error of each term and n roundings of the running sum.
    """
    size = np.abs(np.where(np.isfinite(each.nearest), each.nearest, 0.0))
    rounding = 0 if operation.kind == "metric" else size.size + 2 * operation.bound.ulps
    whole = np.sum(np.broadcast_to(terms, size.shape)) + rounding * np.sum(size)
    divisor = divided_by(each, reduced, size.size) if mean and size.size else 1
    return float(whole / divisor)


def divided_by(each: Truth, reduced: Truth, count: int) -> float:
    """What a mean of these values was divided by: their number, or the sum of their weights."""
    mean, whole = float(reduced.nearest), float(np.sum(each.nearest))
    return abs(whole / mean) if mean and math.isfinite(mean) and math.isfinite(whole) and whole else count
