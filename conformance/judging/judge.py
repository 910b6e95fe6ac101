"""Judging an answer against the truth: ULP errors, bounds, classes, and the digest of the bits."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import numpy as np
from gaugeblock.conformance.execution.call import NoAnswer
from gaugeblock.reference.catalogue import Operation
from gaugeblock.reference.formats import FORMATS, Array, Format
from gaugeblock.reference.operations import Bound
from gaugeblock.reference.summation import in_any_order
from gaugeblock.reference.truth import Truth

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


FLUSHED = "subnormal results are flushed to zero"
"""What is told of an answer that is right but for zeros where subnormal numbers are due."""

_flushing: ContextVar[bool] = ContextVar("flushing", default=False)


@contextlib.contextmanager
def flushing_told_apart() -> Iterator[None]:
    """Within it, a zero where a subnormal number is due is told in the judgement's message, and is no deviation."""
    token = _flushing.set(True)
    try:
        yield
    finally:
        _flushing.reset(token)


LACKING = re.compile(r"AttributeError: module '[^']+' has no attribute|TypeError: .*unexpected keyword argument")
"""What Python says of a call that names something which is not there."""


def refuses(answer: NoAnswer) -> bool:
    """Whether the framework looked at what it was given and raised.

    A version that lacks the function, or a keyword that the call names, was not asked: its `unsupported` is no answer
    to a question.
    """
    return answer.verdict == "unsupported" and not LACKING.search(answer.message)


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
        # An answer in a wider format may be beyond the largest number, as the exact value is.
        scaled = np.where(np.abs(wide) > fmt.largest, np.sign(wide) * fmt.largest / truth.ulp, scaled)
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


ANY_BASE = 2.0
"""By how much the condition may be exceeded where a function may be composed in any way."""


def allowance(bound: Bound, sensitivity: Array | float, truth: Truth, fmt: Format) -> Array:
    """The bound in ULP, element by element."""
    finite = np.where(np.isfinite(sensitivity), sensitivity, 0.0)
    # Exponentials may be taken to base two, or of logarithms that were rounded: their argument is rounded twice.
    finite = ANY_BASE * finite if in_any_order() else finite
    with np.errstate(all="ignore"):
        extra = fmt.unit_roundoff * finite / truth.ulp
        if in_any_order():
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
) -> Array | float:
    """The bound's sensitivity at these inputs, its core axis where theirs is; weighted as the samples are."""
    if bound is None or bound.sensitivity is None:
        return 0.0
    arrays = [
        np.asarray(np.moveaxis(inputs[name], axis, -1) if rank else inputs[name], dtype=np.float64)
        for name, rank in zip(operation.inputs, operation.core_ranks, strict=True)
    ]
    if any(array.size == 0 for array in arrays):
        return 0.0
    known = {name: parameters[name] for name in bound.conventions if name in parameters}
    with np.errstate(all="ignore"):
        terms = np.asarray(bound.sensitivity(*arrays, *upstream, **known))
    rowwise = operation.core_ranks[-1] if upstream else operation.output_rank
    if "sample_weight" in inputs:
        weight = np.abs(np.asarray(inputs["sample_weight"], dtype=np.float64))
        terms = terms * (weight[..., None] if rowwise else weight)
    return np.moveaxis(terms, -1, axis) if rowwise else terms


def sensitivity(
    operation: Operation,
    inputs: Mapping[str, Array],
    axis: int,
    reduction: str,
    each: Truth | None,
    parameters: Mapping[str, Any],
    reduced: Truth | None = None,
) -> Array | float:
    """The bound's condition for an answer; for a reduced one, `each` is the truth before reduction.

    A mean or sum of n terms adds the error of each term and n roundings of the running sum.
    """
    bound = operation.bound
    terms = condition(bound, operation, inputs, axis, parameters)
    if each is None:
        return terms
    size = np.abs(np.where(np.isfinite(each.nearest), each.nearest, 0.0))
    count = size.size
    rounding = 0 if operation.kind == "metric" else count + 2 * bound.ulps
    whole = np.sum(np.broadcast_to(terms, size.shape)) + rounding * np.sum(size)
    divisor = divided_by(each, reduced, count) if reduction == "mean" and count else 1
    return float(whole / divisor)


def divided_by(each: Truth, reduced: Truth | None, count: int) -> float:
    """What a mean of these values was divided by: their number, or the sum of their weights."""
    mean = float(reduced.nearest) if reduced is not None else math.nan
    whole = float(np.sum(each.nearest))
    return abs(whole / mean) if mean and math.isfinite(mean) and math.isfinite(whole) and whole else count


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
    if np.isnan(allowed).any():
        raise ValueError("a bound is NaN: an answer would be held to nothing")
    error = errors(got, truth, fmt)
    if truth.asked is not None:
        error = np.where(truth.asked, error, 0.0)
    flushed = _flushed(got, truth, fmt)
    if flushed.any():
        error = np.where(flushed, 0.0, error)
    wrong = np.isnan(error)
    undecided = truth.undecided.any()
    with np.errstate(all="ignore"):
        ratio = np.where(wrong, np.inf, error / allowed)
    if undecided:
        ratio = np.where(truth.undecided, -1.0, ratio)
    if truth.asked is not None:
        ratio = np.where(truth.asked, ratio, -1.0)
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
    return Judgement("conforms", worst, most, classify(float(error.max())), FLUSHED if flushed.any() else None, witness)


def _flushed(got: Array, truth: Truth, fmt: Format) -> Array:
    """Where zero stands for a subnormal number, if that is told apart."""
    if not _flushing.get():
        return np.zeros(got.shape, bool)
    small = (truth.nearest != 0) & (np.abs(truth.nearest) < fmt.smallest_normal)
    return np.asarray(small & (np.asarray(got, np.float64) == 0))


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
