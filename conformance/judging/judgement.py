"""Judgements: the verdict on an answer, with what shows it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gaugeblock.conformance.execution.call import Call, NoAnswer
from gaugeblock.conformance.execution.query import Reply
from gaugeblock.conformance.judging.policy import Policy
from gaugeblock.conformance.judging.ulp_error import LARGEST_ERROR, digest, errors, hexadecimal
from gaugeblock.reference.catalogue import Operation
from gaugeblock.reference.formats import FORMATS, Array, Format
from gaugeblock.reference.truth import Truth
from gaugeblock.reports.records import Expected, Witness
from gaugeblock.reports.verdicts import Verdict

FLUSHED = "subnormal results are flushed to zero"
"""What is said of an answer that is right but for zeros where subnormal numbers are expected."""

SAMENESS = ("bit-equal", "equal within the bounds", "differ")
"""Labels of two answers that are compared."""


@dataclass(frozen=True)
class Evidence:
    """What shows a deviation: calls, each with the fields of a StoredCall that say what is looked at, and what is
    expected there."""

    parts: tuple[tuple[Call, Mapping[str, Any]], ...]
    expected: Expected


@dataclass(frozen=True)
class Judgement:
    """What a comparison showed: the element with the largest error in proportion to what is allowed there."""

    verdict: Verdict
    error: float | None = None
    """In ULP; None where it is no distance."""
    allowed: float | None = None
    accuracy: str | None = None
    label: str | None = None
    message: str | None = None
    witness: Witness | None = None
    digest: str | None = None
    group_digest: str | None = None
    evidence: Callable[[], Evidence] | None = field(default=None, compare=False)
    """Of a deviation, what shows it."""

    def reason(self, fmt: Format) -> tuple[Any, ...]:
        """Why it deviates: what two judgements must share to have the same cause.

        That is the class of the error, the label, the sorts of numbers expected and got, and whether half of the digits
        are right. Of a wrong shape it is that alone.
        """
        if self.witness is None:
            return self.verdict, self.label
        if self.witness.nearest is None:
            return self.verdict, self.label, self.error is not None
        lost = self.error is not None and self.error * fmt.epsilon**0.5 > 1
        sorts = (_sort(self.witness.got, fmt), _sort(self.witness.nearest, fmt))
        return self.verdict, self.accuracy, self.label, sorts, lost

    @property
    def severity(self) -> tuple[int, float]:
        """How bad it is: by the verdict, then by the error in proportion to what is allowed."""
        far = math.inf if self.error is None else self.error / max(self.allowed or 0.0, 1e-9)
        return -self.verdict.rank, far


def _sort(text: str, fmt: Format) -> str:
    """What sort of number it is, written in hexadecimal."""
    try:
        size = abs(float.fromhex(text))
    except ValueError:
        return text
    if not math.isfinite(size):
        return text
    return "zero" if size == 0 else "subnormal" if size < fmt.smallest_normal else "number"


def unanswered(answer: NoAnswer, call: Call | None = None) -> Judgement:
    """The judgement on an answer that never came; `call` is the one that wrote to its input, if it did."""
    evidence = None
    if answer.wrote is not None and call is not None:
        shown = Evidence(((call, {"wrote": answer.wrote}),), Expected(unchanged=answer.wrote))
        evidence = lambda: shown  # noqa: E731
    return Judgement(answer.verdict, message=answer.message, evidence=evidence)


def answer_format(operation: Operation, dtype: str, answer: Array) -> Format:
    """The format an answer is judged in: that of the inputs, or a metric's own, which counts and divides."""
    if operation.kind == "metric":
        return FORMATS.get(answer.dtype.name, FORMATS["float64"])
    return FORMATS[dtype]


def classify(error: float) -> str:
    """The class of an error, in ULP, that lies within its bound."""
    # The residual of a truth is known to 2^-53 ULP and more.
    if error <= 0.5 + 2**-40:
        return "correctly rounded"
    return "faithful" if error < 1 else "within bound"


def judge(got: Array, truth: Truth, allowed: Array, fmt: Format, policy: Policy) -> Judgement:
    """The verdict on an answer whose elements may each be `allowed` ULP from the truth."""
    if got.shape != truth.nearest.shape:
        message = f"an answer of shape {got.shape} where {truth.nearest.shape} is expected"
        return Judgement(Verdict.DEVIATES, accuracy="wrong", message=message)
    if got.size == 0:
        return Judgement(Verdict.CONFORMS, 0.0, 0.0, "correctly rounded")
    if np.isnan(allowed).any():
        raise ValueError("a bound is NaN: an answer would be held to nothing")
    # Zero stands there for a subnormal number.
    small = (truth.nearest != 0) & (np.abs(truth.nearest) < fmt.smallest_normal)
    flushed = policy.flush & small & (np.asarray(got, np.float64) == 0)
    left_out = np.zeros(got.shape, bool) if truth.asked is None else ~truth.asked
    error = np.where(flushed | left_out, 0.0, errors(got, truth, fmt))
    wrong = np.isnan(error)
    with np.errstate(all="ignore"):
        ratio = np.where(wrong, np.inf, error / allowed)
    ratio = np.where(truth.undecided | left_out, -1.0, ratio)
    at = _largest(ratio)
    exact, found = hexadecimal(float(truth.nearest[at])), hexadecimal(float(got[at]))
    witness = Witness(list(at), truth.text(at), found, exact)
    if wrong[at] and not truth.undecided[at]:
        return Judgement(Verdict.DEVIATES, None, float(allowed[at]), "wrong", witness=witness)
    worst, most = float(error[at]), float(allowed[at])
    if ratio[at] > 1:
        return Judgement(Verdict.DEVIATES, worst, most, "beyond", witness=witness)
    if truth.undecided.any():
        uncertain = "the exact value could not be rounded with certainty"
        return Judgement(Verdict.UNDECIDED, message=uncertain, witness=witness)
    note = FLUSHED if flushed.any() else None
    return Judgement(Verdict.CONFORMS, worst, most, classify(float(error.max())), message=note, witness=witness)


def _largest(ratio: Array) -> tuple[int, ...]:
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(ratio)), ratio.shape))


def shown_beside_truth(reply: Reply, found: Judgement, truth: Truth) -> Evidence:
    """The element with the largest error beside the exact value, or the shape beside the one expected."""
    if found.witness is None:
        # Of single samples the first stands for all.
        outer = int(reply.query.join != "one")
        part = reply.query.calls[0], {"shape": list(reply.answer.shape[outer:])}
        return Evidence((part,), Expected(shape=list(truth.nearest.shape[outer:])))
    witness, (call, at) = found.witness, reply.place(found.witness.at)
    expected = Expected(
        exact=witness.expected,
        nearest=witness.nearest,
        ulp=hexadecimal(float(truth.ulp[tuple(witness.at)])),
        error=found.error,
        allowed=found.allowed,
    )
    return Evidence(((call, {"at": at, "got": witness.got}),), expected)


def compared(replies: Sequence[Reply], allowed: Array, ulp: Array) -> Judgement:
    """The judgement that two answers differ by no more than `allowed`, in units of `ulp`, element by element."""
    mine, theirs = (each.numbers for each in replies)
    if mine.shape != theirs.shape:
        parts = tuple((each.query.calls[0], {"shape": list(each.numbers.shape)}) for each in replies)
        message = f"shapes {mine.shape} and {theirs.shape}"
        return Judgement(Verdict.DEVIATES, message=message, evidence=lambda: Evidence(parts, Expected()))
    a, b = mine.astype(np.float64), theirs.astype(np.float64)
    with np.errstate(all="ignore"):
        distance = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a / ulp - b / ulp))
        most = np.broadcast_to(np.nan_to_num(allowed, posinf=LARGEST_ERROR), distance.shape)
        ratio = np.where(np.isfinite(distance), np.where(distance == 0, 0, distance / most), np.inf)
    if distance.size == 0:
        return Judgement(Verdict.CONFORMS, label=SAMENESS[0])
    at = _largest(ratio)
    near = bool(ratio[at] <= 1)
    error = min(float(distance[at]), LARGEST_ERROR) if np.isfinite(distance[at]) else None
    allowance = min(float(most[at]), LARGEST_ERROR)

    def evidence() -> Evidence:
        parts = []
        for reply in replies:
            call, place = reply.place(at)
            then = {} if reply.query.then is None else {"then": reply.query.then}
            parts.append((call, {"at": place, "got": hexadecimal(float(reply.numbers[at])), **then}))
        unit = hexadecimal(float(np.broadcast_to(ulp, distance.shape)[at]))
        return Evidence(tuple(parts), Expected(allowed=allowance, error=error, ulp=unit))

    return Judgement(
        Verdict.CONFORMS if near else Verdict.DEVIATES,
        error,
        allowance,
        label=SAMENESS[0] if digest(mine) == digest(theirs) else SAMENESS[1] if near else SAMENESS[2],
        witness=Witness(list(at), hexadecimal(float(b[at])), hexadecimal(float(a[at]))),
        digest=digest(mine),
        evidence=evidence,
    )
