"""Two answers beside each other: what is compared of each, and how far apart they may lie."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.execution.call import Answer, Call, NoAnswer
from gaugeblock.conformance.judging.judge import LARGEST_ERROR, Judgement, digest, hexadecimal, unanswered
from gaugeblock.conformance.judging.showing import Part, Shown, observed
from gaugeblock.conformance.trials.batching import samples
from gaugeblock.conformance.trials.setting import Context, Observation, asked_one_by_one
from gaugeblock.reference.formats import Array

Join = Literal["one", "samples", "rows"]
"""What several answers are of one: nothing but the only one, means over single samples, or batches of a single row."""


@dataclass(frozen=True)
class Side:
    """One of two answers that are compared, and the calls that gave it.

    `then` is an expression of the answer, a NumPy array; `pick` chooses and orders the numbers that are compared.
    """

    calls: tuple[Call, ...]
    answers: tuple[Answer, ...]
    pick: Callable[[Array], Array] = np.asarray
    then: str | None = None
    join: Join = "one"

    @property
    def refused(self) -> NoAnswer | None:
        """The first answer that never came."""
        return next((each for each in self.answers if isinstance(each, NoAnswer)), None)

    @property
    def _made(self) -> Array:
        found = [each for each in self.answers if not isinstance(each, NoAnswer)]
        if self.join == "rows":
            # The mean over one row is the row's loss, and has no axis.
            return np.concatenate([np.atleast_1d(each) for each in found])
        answer = np.stack(found) if self.join == "samples" else found[0]
        return np.asarray(eval(self.then, {"numpy": np, "answer": answer})) if self.then else answer

    @property
    def numbers(self) -> Array:
        """The numbers that are compared."""
        return self.pick(self._made)

    def part(self, at: tuple[int, ...]) -> Part:
        """Where the number at this place of those compared stands in the answer."""
        made = self._made
        places = self.pick(np.arange(made.size).reshape(made.shape))
        index = tuple(int(i) for i in np.unravel_index(int(places[at]), made.shape))
        number, inner = 0, list(index)
        if self.join != "one":
            number, inner = index[0], list(index[1:])
        answer = self.answers[number]
        if self.join == "rows" and not isinstance(answer, NoAnswer) and answer.ndim:
            inner = [0, *inner]
        told = {"at": inner, "got": hexadecimal(float(made[index]))}
        return Part(self.calls[number], {**told, "then": self.then} if self.then else told)


def side(context: Context, case: Case, answer: Answer, **more: Any) -> Side:
    """The answer of an implementation, by default the one under test, to a case."""
    asked = {name: more.pop(name) for name in ("implementation", "mode") if name in more}
    if not asked_one_by_one(asked.get("implementation", context.implementation), context.operation, case):
        return Side((context.call(case, **asked),), (answer,), **more)
    calls = tuple(context.call(each, **asked) for each in samples(case))
    found: Sequence[Answer] = [answer] * len(calls) if isinstance(answer, NoAnswer) else list(answer)
    return Side(calls, tuple(found), join="samples", **more)


@dataclass(frozen=True)
class Alone:
    """One call, and what is made of its answer."""

    case: Case
    call: Call
    told: Callable[[Call, Array], Shown]

    @property
    def shrinks(self) -> bool:
        """Whether another case can be asked in its place."""
        return False

    def calls(self, case: Case) -> list[Call]:
        """The call."""
        del case
        return [self.call]

    def shown(self, case: Case, calls: Sequence[Call], answers: Sequence[Answer]) -> Shown:
        """What is made of its answer."""
        del case, calls
        (answer,) = answers
        return Shown(observed(unanswered(answer))) if isinstance(answer, NoAnswer) else self.told(self.call, answer)


@dataclass(frozen=True)
class Pair:
    """Two answers that may differ by `allowed` units of `ulp`."""

    case: Case
    one: Side
    other: Side
    allowed: Array
    ulp: Array

    @property
    def shrinks(self) -> bool:
        """Whether another case can be asked in its place."""
        return False

    def calls(self, case: Case) -> list[Call]:
        """The calls of both."""
        del case
        return [*self.one.calls, *self.other.calls]

    def shown(self, case: Case, calls: Sequence[Call], answers: Sequence[Answer]) -> Shown:
        """The two numbers that lie farthest apart, or the two shapes."""
        del case, calls
        count = len(self.one.calls)
        one = replace(self.one, answers=tuple(answers[:count]))
        other = replace(self.other, answers=tuple(answers[count:]))
        seen = replace(self, one=one, other=other).seen()
        if one.refused or other.refused:
            # The call wrote to its input, which the message names last.
            wrote = seen.get("message", "").rpartition(" ")[2]
            part = Part((one if one.refused else other).calls[0], {"wrote": wrote})
            return Shown(seen, (part,), {"unchanged": wrote})
        if "witness" not in seen:
            return Shown(seen, tuple(Part(each.calls[0], {"shape": list(each.numbers.shape)}) for each in (one, other)))
        at = tuple(seen["witness"]["at"])
        ulp = float(np.broadcast_to(self.ulp, one.numbers.shape)[at])
        due = {"allowed": seen["allowed"], "error": seen.get("error"), "ulp": hexadecimal(ulp)}
        told = {name: value for name, value in due.items() if value is not None}
        return Shown(seen, (one.part(at), other.part(at)), told)

    def seen(self) -> dict[str, Any]:
        """What an observation says of the two."""
        refused = self.one.refused or self.other.refused
        if refused is not None:
            return observed(unanswered(refused))
        one, other = self.one.numbers, self.other.numbers
        if one.shape != other.shape:
            return observed(Judgement("deviates", message=f"shapes {one.shape} and {other.shape}"))
        a, b = one.astype(np.float64), other.astype(np.float64)
        with np.errstate(all="ignore"):
            distance = np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a / self.ulp - b / self.ulp))
            most = np.broadcast_to(np.nan_to_num(self.allowed, posinf=LARGEST_ERROR), distance.shape)
            ratio = np.where(np.isfinite(distance), np.where(distance == 0, 0, distance / most), np.inf)
        if distance.size == 0:
            return observed(Judgement("conforms"), label="bit-equal")
        at = tuple(int(i) for i in np.unravel_index(int(np.argmax(ratio)), distance.shape))
        witness = {"at": list(at), "expected": hexadecimal(float(b[at])), "got": hexadecimal(float(a[at]))}
        equal = digest(one) == digest(other)
        label = "bit-equal" if equal else ("equal within the bounds" if ratio[at] <= 1 else "differ")
        error = float(distance[at]) if np.isfinite(distance[at]) else None
        judgement = Judgement("conforms" if ratio[at] <= 1 else "deviates", error, float(most[at]), None, None, witness)
        return observed(judgement, label=label, digest=digest(one))


def compared(
    context: Context, check: str, case: Case, one: Side, other: Side, allowed: Array, ulp: Array
) -> Observation:
    """The observation that two answers differ by no more than `allowed`, in units of `ulp`."""
    pair = Pair(case, one, other, allowed, ulp)
    return context.seen(check, case, pair.seen(), pair)
