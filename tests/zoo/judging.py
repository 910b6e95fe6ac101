"""How far an answer lies from the engine's exact value, beside what the operation's bound allows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gaugeblock.reference.catalogue import OPERATIONS
from gaugeblock.reference.engine import evaluate, gradient
from gaugeblock.reference.formats import FORMATS, Array
from gaugeblock.reference.operations import Bound, Operation
from gaugeblock.reference.truth import Truth

ELSEWHERE = ("axis", "reduction", "mean_over")
"""Keywords that are not the definition's parameters."""


def _allowed(
    operation: Operation, bound: Bound, arrays: list[Array], axis: int, keywords: Mapping[str, Any], core: bool
) -> Array:
    """The sensitivity of each element, where the bound has one: the arrays come with their core axes last."""
    if bound.sensitivity is None:
        return np.zeros(())
    conventions = {name: keywords[name] for name in bound.conventions if name in keywords}
    ranks = [*operation.core_ranks, operation.output_rank][: len(arrays)]
    last = [
        np.moveaxis(a.astype(np.float64), axis, -1) if r else a.astype(np.float64)
        for a, r in zip(arrays, ranks, strict=True)
    ]
    with np.errstate(all="ignore"):
        sizes = np.nan_to_num(bound.sensitivity(*last, **conventions))
    return np.moveaxis(sizes, -1, axis) if core else np.asarray(sizes)


def truth_of(name: str, dtype: str, inputs: Mapping[str, Array], keywords: Mapping[str, Any], cotangent: Any) -> Truth:
    """The exact answer, or with a cotangent the exact vector-Jacobian product."""
    asked = {"reduction": "none", **keywords}
    if cotangent is None:
        return evaluate(OPERATIONS[name], FORMATS[dtype], inputs, **asked)
    return gradient(OPERATIONS[name], FORMATS[dtype], inputs, np.asarray(cotangent, dtype=np.float64), **asked)


def excess(
    name: str,
    dtype: str,
    inputs: Mapping[str, Array],
    answer: Any,
    *,
    keywords: Mapping[str, Any],
    cotangent: Any = None,
) -> tuple[float, float]:
    """The largest error in ULP, and the largest in units of what is allowed there.

    Both are infinite for a wrong shape, NaN, infinity or sign of infinity.
    """
    operation, fmt = OPERATIONS[name], FORMATS[dtype]
    truth = truth_of(name, dtype, inputs, keywords, cotangent)
    got = np.asarray(answer).astype(np.float64)
    if got.shape != truth.nearest.shape:
        return np.inf, np.inf
    asked = np.ones(got.shape, bool) if truth.asked is None else truth.asked
    asked = asked & ~truth.undecided
    finite = np.isfinite(truth.nearest) & asked
    special = asked & ~finite
    # Beyond the largest finite number an infinity is the rounded answer.
    over = finite & np.isinf(got) & (np.abs(truth.nearest) == fmt.largest) & (np.sign(got) == np.sign(truth.nearest))
    if (
        not np.array_equal(got[special], truth.nearest[special], equal_nan=True)
        or not np.isfinite(got[finite & ~over]).all()
    ):
        return np.inf, np.inf
    with np.errstate(all="ignore"):
        errors = np.abs((got - truth.nearest) / truth.ulp + truth.residual[0])
    errors = np.where(finite & ~over, errors, 0.0)
    bound = operation.bound if cotangent is None else operation.gradient_bound
    assert bound is not None
    allowed: Any = bound.ulps
    if keywords.get("reduction", "none") == "none":
        arrays = [inputs[each] for each in operation.inputs]
        core = bool(operation.core_ranks[-1]) if cotangent is not None else bool(operation.output_rank)
        if cotangent is not None:
            arrays.append(np.asarray(cotangent))
        sizes = _allowed(operation, bound, arrays, keywords.get("axis", -1), keywords, core)
        allowed = bound.ulps + fmt.unit_roundoff * sizes / truth.ulp
    ratio = errors / allowed
    return float(errors.max(initial=0.0)), float(np.max(ratio, initial=0.0))
