"""How a deviation is shown again: the calls that ask one case alone, and what in their answers deviates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.execution.call import Answer, Call
from gaugeblock.conformance.judging.judge import LARGEST_ERROR, Judgement, hexadecimal
from gaugeblock.reference.formats import Array, Format
from gaugeblock.reference.truth import Truth


@dataclass(frozen=True)
class Part:
    """What of the answer to a call shows the deviation, as the run file holds it: see `reproduction` in its schema."""

    call: Call
    got: Mapping[str, Any]


def element(call: Call, answer: Array, at: Sequence[int]) -> Part:
    """One number of an answer."""
    index = tuple(int(i) for i in at)
    return Part(call, {"at": list(index), "got": hexadecimal(float(answer[index]))})


@dataclass(frozen=True)
class Shown:
    """What one asking saw: `observed` as an observation has it, the parts that show it, and what is due there."""

    observed: Mapping[str, Any]
    parts: tuple[Part, ...] = ()
    due: Mapping[str, Any] = field(default_factory=dict)


class Replay(Protocol):
    """How the case of an observation is asked again, alone, and another case in its place."""

    @property
    def case(self) -> Case:
        """The case as it was asked."""
        ...

    @property
    def shrinks(self) -> bool:
        """Whether another case in its place can be asked and judged."""
        ...

    def calls(self, case: Case) -> Sequence[Call]:
        """The calls that ask a case."""
        ...

    def shown(self, case: Case, calls: Sequence[Call], answers: Sequence[Answer]) -> Shown:
        """What their answers show."""
        ...


def observed(judgement: Judgement, **more: Any) -> dict[str, Any]:
    """What an observation says of a judgement."""
    fields = {
        **vars(judgement),
        "error": None if judgement.error is None else min(judgement.error, LARGEST_ERROR),
        "allowed": None if judgement.allowed is None else min(judgement.allowed, LARGEST_ERROR),
        **more,
    }
    return {name: value for name, value in fields.items() if value is not None}


def due_value(judgement: Judgement, truth: Truth) -> dict[str, Any]:
    """What is due where an answer lies farthest from the exact one: the value, its unit and the error allowed."""
    witness = judgement.witness
    assert witness is not None
    told = {
        "exact": witness["expected"],
        "nearest": witness["nearest"],
        "ulp": hexadecimal(float(truth.ulp[tuple(witness["at"])])),
        "error": judgement.error,
        "allowed": judgement.allowed,
    }
    return {name: value for name, value in told.items() if value is not None}


def _sort(text: str, fmt: Format) -> str:
    """What sort of number it is, written in hexadecimal."""
    try:
        value = float.fromhex(text)
    except ValueError:
        return text
    if not math.isfinite(value):
        return text
    size = abs(value)
    return "zero" if size == 0 else "subnormal" if size < fmt.smallest_normal else "number"


def reason(seen: Mapping[str, Any], fmt: Format) -> tuple[Any, ...]:
    """Why an observation deviates, or what one more asking saw: what two must share to have the same cause.

    That is the class of the error, the label, the sorts of numbers due and got, and whether half of the digits are
    right. Of a wrong shape it is that alone.
    """
    witness = seen.get("witness")
    if witness is None:
        return seen.get("verdict"), seen.get("label")
    if "nearest" not in witness:
        return seen["verdict"], seen.get("label"), "error" in seen
    lost = "error" in seen and seen["error"] * fmt.epsilon**0.5 > 1
    sorts = (_sort(witness["got"], fmt), _sort(witness["nearest"], fmt))
    return seen["verdict"], seen.get("accuracy"), seen.get("label"), sorts, lost
