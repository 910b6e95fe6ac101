"""Queries: the calls that give one answer, and how many are asked in few calls, and in few shapes.

A framework that compiles does so for each shape.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from gaugeblock.conformance.execution.call import Answer, Call, NoAnswer
from gaugeblock.reference.formats import Array

Ask = Callable[[Sequence[Call]], list[Answer]]
"""What evaluates calls: the answers, in order."""

Join = Literal["one", "samples", "rows"]
"""What several answers are of one: nothing but the only one, means over single samples, or batches of a single row."""

BATCHES = (64, 4096)
"""Calls that go out together are filled up to these numbers of rows with copies of their first row."""


@dataclass(frozen=True, eq=False)
class Query:
    """The calls that give one answer.

    `then` is an expression of the answer, a NumPy array; `pick` chooses and orders the numbers that are looked at.
    """

    calls: tuple[Call, ...]
    join: Join = "one"
    pick: Callable[[Array], Array] = np.asarray
    then: str | None = None
    together: Hashable | None = None
    """Queries of one call that share this differ in their rows alone, and are asked in one call. None: asked as it is.
    """


@dataclass(frozen=True, eq=False)
class Reply:
    """A query with the answers to its calls, all of which are arrays."""

    query: Query
    answers: tuple[Array, ...]

    @property
    def answer(self) -> Array:
        """The answers as the one that the query is for."""
        if self.query.join == "rows":
            # The mean over one row is the row's loss, and has no axis.
            return np.concatenate([np.atleast_1d(each) for each in self.answers])
        if self.query.join == "samples":
            answer = np.stack(self.answers) if self.answers else np.zeros(0)
        else:
            (answer,) = self.answers
        if self.query.then is None:
            return answer
        return np.asarray(eval(self.query.then, {"numpy": np, "answer": answer}))

    @property
    def numbers(self) -> Array:
        """The numbers that are looked at."""
        return self.query.pick(self.answer)

    def place(self, at: Sequence[int]) -> tuple[Call, list[int]]:
        """The call whose answer holds the number at this place of those looked at, and where it stands in that."""
        answer = self.answer
        places = self.query.pick(np.arange(answer.size).reshape(answer.shape))
        index = tuple(int(i) for i in np.unravel_index(int(places[tuple(at)]), answer.shape))
        if self.query.join == "one":
            return self.query.calls[0], list(index)
        number, inner = index[0], list(index[1:])
        one_row = self.query.join == "rows" and self.answers[number].ndim
        return self.query.calls[number], [0, *inner] if one_row else inner


def answered(query: Query, answers: Sequence[Answer]) -> Reply | NoAnswer:
    """The reply, or the first answer that never came."""
    lacking = next((each for each in answers if isinstance(each, NoAnswer)), None)
    return lacking or Reply(query, tuple(each for each in answers if not isinstance(each, NoAnswer)))


def ask_all(ask: Ask, queries: Sequence[Query]) -> list[Reply | NoAnswer]:
    """The reply to each query. Those that go together are asked in one call.

    Where such a call is refused, or its answer has other rows than were asked for, each is asked alone, so that one bad
    row does not stand for all.
    """
    found: dict[int, Reply | NoAnswer] = {}
    groups: dict[Hashable, list[int]] = {}
    for index, query in enumerate(queries):
        groups.setdefault(index if query.together is None else ("together", query.together), []).append(index)
    members = list(groups.values())
    sent = [_sent([queries[index] for index in group]) for group in members]
    answers = iter(ask([call for calls in sent for call in calls]))
    alone: list[int] = []
    for group, calls in zip(members, sent, strict=True):
        mine = [next(answers) for _ in calls]
        if queries[group[0]].together is None:
            found[group[0]] = answered(queries[group[0]], mine)
            continue
        parts = _parts(mine[0], [rows_of(queries[index].calls[0]) for index in group], rows_of(calls[0]))
        if parts is None:
            alone += group
            continue
        for index, part in zip(group, parts, strict=True):
            found[index] = Reply(queries[index], (part,))
    if alone:
        for index, answer in zip(alone, ask([queries[index].calls[0] for index in alone]), strict=True):
            found[index] = answered(queries[index], [answer])
    return [found[index] for index in range(len(queries))]


def rows_of(call: Call) -> int:
    """How many rows a call has: the length of its arrays' first axis."""
    return len(call.arrays[0]) if call.arrays[0].ndim else 1


def _sent(group: Sequence[Query]) -> tuple[Call, ...]:
    return group[0].calls if group[0].together is None else (stacked([query.calls[0] for query in group]),)


def stacked(calls: Sequence[Call]) -> Call:
    """One call of all rows of several, filled up to a usual number of rows with copies of the first."""
    first = calls[0]
    if rows_of(first) == 0:
        return first
    arrays = tuple(_filled(each) for each in zip(*(call.arrays for call in calls), strict=True))
    upstream = [call.cotangent for call in calls if call.cotangent is not None]
    return replace(first, arrays=arrays, cotangent=_filled(upstream) if upstream else None)


def _filled(arrays: Sequence[Array]) -> Array:
    whole = np.concatenate(arrays)
    size = next((batch for batch in BATCHES if batch >= len(whole)), len(whole))
    return np.concatenate([whole, np.repeat(whole[:1], size - len(whole), axis=0)])


def _parts(answer: Answer, lengths: Sequence[int], asked: int) -> list[Array] | None:
    """The rows of each call; None if there is no answer, or one of another number of rows than was asked."""
    if isinstance(answer, NoAnswer) or answer.ndim == 0 or len(answer) != asked:
        return None
    starts = np.cumsum([0, *lengths])
    return [answer[start : start + length] for start, length in zip(starts, lengths, strict=False)]
