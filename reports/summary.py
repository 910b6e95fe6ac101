"""What the observations amount to: counts, findings, conventions, accuracy, relations, recipes, stories, agreement."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter

from gaugeblock.reports.merge import Merged, Placed, dtype_order, grouped, merge
from gaugeblock.reports.records import Observation, OperationRecord, Run
from gaugeblock.reports.verdicts import ACCURACIES, Verdict, ordered
from rich.table import Table
from rich.text import Text

KINDS = ("value", "gradient")
"""The checks whose answers have an accuracy."""


@dataclass(frozen=True)
class Finding:
    """Observations that do not conform and have verdict, implementation, check and known deviation in common."""

    verdict: Verdict
    members: tuple[Placed, ...]
    """Worst first."""
    columns: list[int]
    """Numbers of the columns concerned."""
    dtypes: list[str]
    modes: list[str]
    operation: str
    implementation: str
    framework: str
    check: str
    known: str

    @property
    def worst(self) -> Placed:
        """The first of its members."""
        return self.members[0]

    @property
    def messages(self) -> list[str]:
        """Their different messages."""
        return sorted({placed.observation.message for placed in self.members if placed.observation.message})


@dataclass(frozen=True)
class Achieved:
    """How accurate one implementation is in one dtype, over modes, checks and cases."""

    worst: Placed
    """Of those that do not conform the one with the largest error / allowed; if all do, the largest error."""
    passing: Placed | None
    """The one with the largest error among those that conform."""
    counts: Mapping[str, int]
    """Observations by accuracy class, the best first."""

    @property
    def accuracy(self) -> str:
        """The worst class that there is."""
        return list(self.counts)[-1]


@dataclass(frozen=True)
class Accuracy:
    """Accuracy of an implementation by dtype; `kind` is value or gradient."""

    operation: str
    implementation: str
    column: int
    kind: str
    dtypes: Mapping[str, Achieved]


@dataclass(frozen=True)
class Answer:
    """What one implementation answered to a probe, and in which dtypes or modes if not in all."""

    implementation: str
    column: int
    label: str
    is_label: bool
    """False if there is no label, and `label` is the verdict instead."""
    where: tuple[str, ...]
    example: Placed


@dataclass(frozen=True)
class Convention:
    """A probe of one operation, put to everyone."""

    operation: str
    check: str
    case: str
    question: str
    answers: tuple[Answer, ...]

    @property
    def labels(self) -> list[str]:
        """The different labels."""
        return sorted({answer.label for answer in self.answers if answer.is_label})

    @property
    def disagree(self) -> bool:
        """Whether there is more than one label."""
        return len(self.labels) > 1


@dataclass(frozen=True)
class Relation:
    """A relation of one implementation, over dtypes, modes and cases."""

    question: str
    counts: Mapping[Verdict, int]
    labels: Mapping[str, int]
    worst: Placed
    check: str
    operation: str
    implementation: str
    column: int


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


@dataclass(frozen=True)
class Summary:
    """Everything that the outputs print."""

    merged: Merged
    counts: Mapping[tuple[str, int], Mapping[Verdict, int]]
    """By operation and column number: how many observations have each verdict."""
    totals: Mapping[Verdict, int]
    findings: tuple[Finding, ...]
    accuracy: tuple[Accuracy, ...]
    closest: Mapping[tuple[str, str], tuple[float, str]]
    """By operation and kind, value or gradient: of the conforming answers the one closest to its bound, as the
    share of the bound that its error takes, and its key. A bound that nothing comes near may be too wide."""
    conventions: tuple[Convention, ...]
    relations: tuple[Relation, ...]

    def column_totals(self, column: int) -> Mapping[Verdict, int]:
        """How many observations of a column have each verdict."""
        return _verdicts(placed for placed in self.merged.placed if placed.column == column)


def summarise(merged: Merged) -> Summary:
    """Count, group and rank the observations."""
    every = merged.placed
    cells = grouped(every, attrgetter("operation", "column"))
    return Summary(
        merged,
        {cell: _verdicts(members) for cell, members in cells.items()},
        _verdicts(every),
        tuple(_findings(merged)),
        tuple(_accuracy(merged)),
        _closest(merged),
        tuple(_conventions(merged)),
        tuple(_relations(merged)),
    )


def _verdicts(placed: Iterable[Placed]) -> dict[Verdict, int]:
    return ordered(Counter(each.verdict for each in placed))


def badness(observation: Observation) -> float:
    """Error / allowed: how far beyond the bound; infinite where the error is no distance."""
    if observation.accuracy == "wrong":
        return math.inf
    error, allowed = observation.error, observation.allowed
    if error is None:
        return math.inf if observation.verdict != "conforms" else -1.0
    if not allowed:
        return math.inf if error else 0.0
    return float(error) / float(allowed)


def _rank(placed: Placed) -> tuple[float, float, str, int]:
    return (-badness(placed.observation), -(placed.observation.error or 0.0), placed.key, placed.column)


def _findings(merged: Merged) -> Iterator[Finding]:
    deviating = [placed for placed in merged.placed if placed.verdict != "conforms"]
    identity_of = attrgetter("verdict.rank", "operation", "implementation", "framework", "check", "known")
    for (_, *identity), members in grouped(deviating, identity_of).items():
        yield Finding(
            members[0].verdict,
            tuple(sorted(members, key=_rank)),
            sorted({placed.column for placed in members}),
            sorted({placed.dtype for placed in members}, key=dtype_order),
            sorted({placed.mode for placed in members}),
            *identity,
        )


def _accuracy(merged: Merged) -> Iterator[Accuracy]:
    judged = [placed for placed in merged.of(*KINDS) if placed.observation.accuracy is not None]
    rows = grouped(judged, lambda each: (each.operation, each.check_kind != "value", each.implementation, each.column))
    for (operation, _, implementation, column), members in rows.items():
        cells = grouped(members, lambda each: dtype_order(each.dtype))
        achieved = {dtype: _achieved(cell) for (_, dtype), cell in cells.items()}
        yield Accuracy(operation, implementation, column, members[0].check_kind, achieved)


def _closest(merged: Merged) -> dict[tuple[str, str], tuple[float, str]]:
    found: dict[tuple[str, str], tuple[float, str]] = {}
    for placed in merged.of(*KINDS):
        error, allowed = placed.observation.error, placed.observation.allowed
        if placed.verdict == "conforms" and allowed and error is not None:
            place = (placed.operation, placed.check_kind)
            found[place] = max(found.get(place, (-1.0, "")), (error / allowed, placed.key))
    return found


def _achieved(members: list[Placed]) -> Achieved:
    failing = [placed for placed in members if placed.verdict != "conforms"]
    passing = [placed for placed in members if placed.verdict == "conforms" and placed.observation.error is not None]
    largest = max(passing, key=lambda placed: placed.observation.error or 0.0, default=None)
    # The condition may allow one case far more than another: among passing ones the error itself is the better measure.
    worst = min(failing, key=_rank) if failing else largest or min(members, key=_rank)
    classes = Counter(str(placed.observation.accuracy) for placed in members)
    return Achieved(worst, largest, {name: classes[name] for name in ACCURACIES if name in classes})


def _conventions(merged: Merged) -> Iterator[Convention]:
    for identity, members in grouped(merged.of("probe"), attrgetter("operation", "check", "case")).items():
        answers = []
        for who, everywhere in grouped(members, attrgetter("implementation", "column")).items():
            labelled = grouped(everywhere, _label)
            for label, group in labelled.items():
                where = _where(group, everywhere) if len(labelled) > 1 else ()
                answers.append(Answer(*who, *label, where, group[0]))
        answers.sort(key=lambda a: (not a.is_label, a.label, a.column, a.implementation))
        yield Convention(*identity, members[0].check_entry.question, tuple(answers))


def _label(placed: Placed) -> tuple[str, bool]:
    label = placed.observation.label
    return (placed.verdict.words, False) if label is None else (label, True)


def _where(group: list[Placed], everywhere: list[Placed]) -> tuple[str, ...]:
    """Dtypes, or modes, if they separate the group from the rest; else pairs of both."""
    for part in ("dtype", "mode"):
        inside = {getattr(placed, part) for placed in group}
        if len(group) == sum(getattr(placed, part) in inside for placed in everywhere):
            return tuple(sorted(inside, key=dtype_order))
    pairs = sorted({(dtype_order(placed.dtype), placed.mode) for placed in group})
    return tuple(f"{dtype} {mode}" for (_, dtype), mode in pairs)


def _relations(merged: Merged) -> Iterator[Relation]:
    identity_of = attrgetter("check", "operation", "implementation", "column")
    for identity, members in grouped(merged.of("relation"), identity_of).items():
        yield Relation(
            members[0].check_entry.question,
            _verdicts(members),
            Counter(placed.observation.label for placed in members if placed.observation.label is not None),
            min(members, key=lambda placed: (placed.verdict.rank, *_rank(placed))),
            *identity,
        )


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


def terminal_table(run: Run) -> Table:
    """Operations by frameworks with counts, for the end of a run."""
    summary = summarise(merge([run]))
    columns = summary.merged.columns
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), show_footer=True)
    table.add_column("operation", footer="all", no_wrap=True)
    for number, column in enumerate(columns):
        footer = _cell(summary.column_totals(number), "\n")
        # Narrow headings leave room for the counts on 80 columns.
        heading = column.name.replace("-", "-\n").replace(" · ", "\n").replace(" ", "\n", 1)
        # Folded, not cut: a count that is cut is another count.
        table.add_column(heading, footer=footer, overflow="fold")
    for operation in summary.merged.operations():
        # A long name stands on several lines, parted at underscores.
        name = "\n".join(re.findall(r".{1,25}(?:(?<=_)|$)|[^_]+_?", operation))
        cells = [_cell(summary.counts.get((operation, number), {})) for number in range(len(columns))]
        table.add_row(name, *cells)
    table.caption = Text("  ").join(Text(f"{each.symbol}{each}", each.style) for each in summary.totals)
    table.caption_justify = "left"
    return table


def _cell(counts: Mapping[Verdict, int], separator: str = " ") -> Text:
    return Text(separator).join(Text(f"{each.symbol}{count}", each.style) for each, count in counts.items())
