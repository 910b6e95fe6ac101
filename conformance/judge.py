"""Judging an answer against the truth: ULP errors, bounds, classes, and the digest of the bits."""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from trueline.conformance.isolation import NoAnswer
from trueline.reference.catalogue import Operation
from trueline.reference.engine import Truth
from trueline.reference.formats import FORMATS, Array, Format
from trueline.reference.operations import Bound

LARGEST_ERROR = 1e300
"""Errors in ULP are capped here: JSON has no infinity."""


@dataclass(frozen=True)
class Judgement:
    """What a comparison saw: the element with the largest error in proportion to what is allowed there."""

    verdict: str
    error: float | None = None
    allowed: float | None = None
    accuracy: str | None = None
    message: str | None = None
    witness: dict[str, Any] | None = None


def unanswered(answer: NoAnswer) -> Judgement:
    """The judgement on an answer that never came."""
    return Judgement(answer.verdict, message=answer.message)


def hexadecimal(value: float) -> str:
    """C99 hexadecimal; nan, inf and -inf as they are."""
    return value.hex() if math.isfinite(value) else repr(value)


def digest(answer: Array) -> str:
    """SHA-256 over dtype, shape and bits, every NaN taken for the same; the first 16 hex digits."""
    bits = answer
    if bits.dtype.kind not in "biu":
        missing = np.isnan(bits)
        if missing.any():
            bits = np.array(bits)
            bits[missing] = np.nan
    head = f"{_name(bits.dtype)}{bits.shape}".encode()
    return hashlib.sha256(head + bits.tobytes()).hexdigest()[:16]


@functools.cache
def _name(dtype: np.dtype[Any]) -> str:
    return dtype.name


def errors(got: Array, truth: Truth, fmt: Format) -> Array:
    """|got - exact| in ULP of the exact value, NaN where that is no distance (NaN or infinity against a number).

    An infinity for a finite truth counts as 2^(emax + 1); NaN for NaN and the same infinity count as 0.
    """
    wide = np.asarray(got, dtype=np.float64)
    with np.errstate(all="ignore"):
        # Scaled by a power of two, both are integers or nearly so, and their difference is exact when small.
        scaled = wide / truth.ulp
        ordinary = np.isfinite(wide)
        if not ordinary.all():
            beyond = np.ldexp(1.0, fmt.emax + 1 - np.log2(truth.ulp).astype(int)) * np.sign(wide)
            scaled = np.where(np.isinf(wide), beyond, scaled)
        distance = np.abs((scaled - truth.nearest / truth.ulp) + truth.residual[0] + truth.residual[1])
    distance = np.asarray(np.minimum(distance, LARGEST_ERROR))
    known = np.isfinite(truth.nearest)
    if ordinary.all() and known.all():
        return distance
    distance = np.where(np.isnan(wide) | ~known, np.nan, distance)
    same = (np.isnan(wide) & np.isnan(truth.nearest)) | (np.isinf(wide) & (wide == truth.nearest))
    return np.asarray(np.where(same, 0.0, distance))


def allowance(bound: Bound, sensitivity: Array | float, truth: Truth, fmt: Format) -> Array:
    """The bound in ULP, element by element."""
    finite = np.where(np.isfinite(sensitivity), sensitivity, 0.0)
    with np.errstate(over="ignore"):
        extra = fmt.unit_roundoff * finite / truth.ulp
    return np.asarray(np.minimum(bound.ulps + extra, LARGEST_ERROR))


def sensitivity(
    operation: Operation,
    inputs: Mapping[str, Array],
    axis: int,
    reduction: str,
    each: Truth | None,
    conventions: Mapping[str, Any],
) -> Array | float:
    """The bound's condition for an answer; for a reduced one, `each` is the truth before reduction.

    A mean or sum of n terms adds the error of each term and n roundings of the running sum.
    """
    bound = operation.bound
    terms: Array | float = 0.0
    if bound.sensitivity is not None:
        arrays = [
            np.moveaxis(inputs[name], axis, -1) if rank else inputs[name]
            for name, rank in zip(operation.inputs, operation.core_ranks, strict=True)
        ]
        with np.errstate(all="ignore"):
            known = {name: conventions[name] for name in bound.conventions if name in conventions}
            terms = bound.sensitivity(*(np.asarray(array, dtype=np.float64) for array in arrays), **known)
        if operation.output_rank:
            terms = np.moveaxis(np.asarray(terms), -1, axis)
    if each is None:
        return terms
    size = np.abs(np.where(np.isfinite(each.nearest), each.nearest, 0.0))
    count = size.size
    rounding = 0 if operation.kind == "metric" else count + 2 * bound.ulps
    whole = np.sum(np.broadcast_to(terms, size.shape)) + rounding * np.sum(size)
    return float(whole / count if reduction == "mean" and count else whole)


def judge(got: Array, truth: Truth, allowed: Array, fmt: Format) -> Judgement:
    """The verdict on an answer whose elements may each be `allowed` ULP from the truth."""
    if got.shape != truth.nearest.shape:
        return Judgement(
            "deviates",
            accuracy="wrong",
            message=f"an answer of shape {got.shape} where {truth.nearest.shape} is due",
        )
    if got.size == 0:
        return Judgement("conforms", 0.0, 0.0, "correctly rounded")
    error = errors(got, truth, fmt)
    wrong = np.isnan(error)
    undecided = truth.undecided.any()
    with np.errstate(all="ignore"):
        ratio = np.where(wrong, np.inf, error / allowed)
    if undecided:
        ratio = np.where(truth.undecided, -1.0, ratio)
    at = tuple(int(i) for i in np.unravel_index(int(np.argmax(ratio)), got.shape))
    witness = {
        "at": list(at),
        "expected": truth.text(at),
        "nearest": hexadecimal(float(truth.nearest[at])),
        "got": hexadecimal(float(got[at])),
    }
    if wrong[at] and not truth.undecided[at]:
        return Judgement("deviates", None, float(allowed[at]), "wrong", None, witness)
    worst, most = float(error[at]), float(allowed[at])
    if ratio[at] > 1:
        return Judgement("deviates", worst, most, "beyond", None, witness)
    if undecided:
        return Judgement("undecided", message="the exact value could not be rounded with certainty", witness=witness)
    return Judgement("conforms", worst, most, classify(float(error.max())), None, witness)


def classify(error: float) -> str:
    """The class of an error, in ULP, that lies within its bound."""
    # The residual of a truth is known to 2^-53 ULP and more.
    if error <= 0.5 + 2**-40:
        return "correctly rounded"
    return "faithful" if error < 1 else "within bound"


def answer_format(operation: Operation, dtype: str, answer: Array) -> Format:
    """The format an answer is judged in: that of the inputs, or a metric's own, which counts and divides."""
    if operation.kind == "metric":
        return FORMATS.get(answer.dtype.name, FORMATS["float64"])
    return FORMATS[dtype]
