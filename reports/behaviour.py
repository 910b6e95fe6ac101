"""What the observations show of behaviour: recipes, stories, and how far frameworks agree bit for bit."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from gaugeblock.reports.merge import Merged, Placed
from gaugeblock.reports.records import OperationRecord
from gaugeblock.reports.summary import badness

Identity = tuple[str, str, str, str, str]
"""Operation, whose meaning it is, name, meaning and limits of a recipe."""


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
    groups: dict[Identity, dict[tuple[int, str], list[Placed]]] = defaultdict(lambda: defaultdict(list))
    for placed in merged.placed:
        if placed.check_kind == "recipe":
            record = placed.implementation_entry.recipe
            assert record is not None
            name = placed.implementation.partition(".recipe.")[2]
            identity = (placed.operation, record.like, name, record.says, record.limits)
            groups[identity][placed.column, placed.implementation_entry.call].append(placed)
    return [
        Recipe(
            *identity, tuple(_expression(column, call, members) for (column, call), members in sorted(found.items()))
        )
        for identity, found in sorted(groups.items())
    ]


def _expression(column: int, call: str, members: list[Placed]) -> Expression:
    worst = max(members, key=lambda placed: (placed.verdict != "conforms", badness(placed.observation), placed.key))
    return Expression(column, call, Counter(placed.verdict for placed in members), worst)


def stories(merged: Merged) -> list[Story]:
    """Every story observed, with its figures in the order in which it has them."""
    found: dict[str, dict[str, list[Placed]]] = defaultdict(lambda: defaultdict(list))
    scenes: dict[str, dict[str, str]] = defaultdict(dict)
    for placed in merged.placed:
        if placed.check_kind == "story":
            found[placed.operation][placed.case].append(placed)
            scenes[placed.operation][placed.implementation_entry.framework] = placed.implementation_entry.call
    operations = merged.operations()
    return [
        Story(
            name,
            operations[name],
            scenes[name],
            tuple(
                Figure(figure, question, tuple(found[name][figure]))
                for figure, question in operations[name].parameters.items()
                if figure in found[name]
            ),
        )
        for name in sorted(found)
    ]


def agreements(merged: Merged) -> list[Agreement]:
    """For every two columns: of the values that both gave to the same case in the same dtype, how many are equal."""
    answered: dict[tuple[str, str, str, str], dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for placed in merged.placed:
        if placed.check == "value" and placed.observation.digest is not None:
            case = (placed.operation, placed.dtype, placed.check, placed.case)
            answered[case][placed.column].add(str(placed.observation.digest))
    shared: Counter[tuple[int, int]] = Counter()
    equal: Counter[tuple[int, int]] = Counter()
    for columns in answered.values():
        numbers = sorted(columns)
        for place, one in enumerate(numbers):
            for other in numbers[place + 1 :]:
                shared[one, other] += 1
                equal[one, other] += bool(columns[one] & columns[other])
    return [Agreement(one, other, shared[one, other], equal[one, other]) for one, other in sorted(shared)]
