"""What the observations show of behaviour: recipes, stories, and how far frameworks agree bit for bit."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter

from gaugeblock.reports.merge import Merged, Placed, grouped
from gaugeblock.reports.records import OperationRecord
from gaugeblock.reports.summary import badness


@dataclass(frozen=True)
class Expression:
    """A recipe's expression in one framework, over dtypes, modes and cases."""

    column: int
    call: str
    counts: Mapping[str, int]
    worst: Placed


@dataclass(frozen=True)
class Recipe:
    """One meaning, and the expressions that have it."""

    operation: str
    like: str
    name: str
    says: str
    limits: str
    expressions: tuple[Expression, ...]


@dataclass(frozen=True)
class Figure:
    """A figure of a story: its question, and which answer was observed where."""

    name: str
    question: str
    placed: tuple[Placed, ...]


@dataclass(frozen=True)
class Story:
    """A story with its figures, as the newest run states it."""

    name: str
    entry: OperationRecord
    scenes: Mapping[str, str]
    """The code that was played, by framework."""
    figures: tuple[Figure, ...]


@dataclass(frozen=True)
class Agreement:
    """How many cases two columns both answered, and in how many some implementation of each gave the same bits."""

    one: int
    other: int
    shared: int
    equal: int


def recipes(merged: Merged) -> list[Recipe]:
    """Every recipe observed, by operation and the implementation whose meaning it has."""
    groups = grouped(merged.of("recipe"), _recipe_identity)
    return [Recipe(*identity, tuple(_expressions(members))) for identity, members in groups.items()]


def _recipe_identity(placed: Placed) -> tuple[str, str, str, str, str]:
    record = placed.implementation_entry.recipe
    assert record is not None
    name = placed.implementation.partition(".recipe.")[2]
    return placed.operation, record.like, name, record.says, record.limits


def _expressions(every: list[Placed]) -> Iterator[Expression]:
    for (column, call), members in grouped(every, attrgetter("column", "implementation_entry.call")).items():
        worst = max(members, key=lambda placed: (placed.verdict != "conforms", badness(placed.observation), placed.key))
        yield Expression(column, call, Counter(placed.verdict for placed in members), worst)


def stories(merged: Merged) -> list[Story]:
    """Every story observed, with its figures in the order in which it has them."""
    operations = merged.operations()
    found = []
    for (name, _), members in grouped(merged.of("story"), attrgetter("operation", "check_kind")).items():
        scenes = {placed.framework: placed.implementation_entry.call for placed in members}
        figures = (
            Figure(figure, question, tuple(placed for placed in members if placed.case == figure))
            for figure, question in operations[name].parameters.items()
        )
        found.append(Story(name, operations[name], scenes, tuple(figure for figure in figures if figure.placed)))
    return found


def agreements(merged: Merged) -> list[Agreement]:
    """For every two columns: of the values that both gave to the same case in the same dtype, how many are equal."""
    answered = [each for each in merged.placed if each.check == "value" and each.observation.digest is not None]
    shared: Counter[tuple[int, int]] = Counter()
    equal: Counter[tuple[int, int]] = Counter()
    for members in grouped(answered, attrgetter("operation", "dtype", "case")).values():
        digests: dict[int, set[str | None]] = defaultdict(set)
        for placed in members:
            digests[placed.column].add(placed.observation.digest)
        for pair in itertools.combinations(sorted(digests), 2):
            shared[pair] += 1
            equal[pair] += not digests[pair[0]].isdisjoint(digests[pair[1]])
    return [Agreement(*pair, shared[pair], equal[pair]) for pair in sorted(shared)]
