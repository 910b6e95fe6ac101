"""Trials: a case, the queries that ask it, and how their replies are judged."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.execution.call import NoAnswer
from gaugeblock.conformance.execution.query import Query, Reply
from gaugeblock.conformance.judging.judgement import Judgement

Judge = Callable[[Sequence[Reply]], Judgement]


@dataclass(frozen=True, eq=False)
class Trial:
    """A case, the queries that ask it, and how their replies are judged. Nothing is asked by making one."""

    case: Case
    queries: tuple[Query, ...]
    judge: Judge
    """What is made of the replies, one for each query. PrecisionError leaves the verdict undecided."""
    again: Callable[[Case], Trial] | None = None
    """The trial of another case in this one's place, by which a smaller witness is found; None: there is none."""
    refused: Callable[[NoAnswer], Judgement] | None = None
    """What is made of a reply that never came; by default that nothing was answered."""
    instead: Trial | None = None
    """What is asked in its place where the framework refuses it."""
    call: str | None = None
    """The expression that is evaluated, where it is not the implementation's."""
    replies: tuple[Reply | NoAnswer, ...] | None = None
    """Replies that have come already: then nothing is asked."""


def lacking(case: Case, query: Query, answer: NoAnswer) -> Trial:
    """The trial of a case that has no answer: there is nothing to judge."""
    return Trial(case, (query,), lambda _: Judgement(answer.verdict), replies=(answer,))


@dataclass(frozen=True, eq=False)
class Worst:
    """Trials that make one observation: that of the worst."""

    trials: tuple[Trial, ...]


@dataclass(frozen=True, eq=False)
class Asking:
    """What a check must know before it can go on: it is sent the replies."""

    queries: tuple[Query, ...]


Trials = Generator[Trial | Worst | Asking, Any, None]
"""What a check yields in a setting. The value of a yielded Asking is the list of its replies."""
