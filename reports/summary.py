"""What the observations amount to: counts, findings, conventions, accuracy, relations."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gaugeblock.reports.merge import Merged, Placed, dtype_order, merge
from gaugeblock.reports.records import Observation, Run
from gaugeblock.reports.verdicts import ACCURACY_RANK, Verdict, ordered
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class Finding:
    """Observations that do not conform and have verdict, implementation, check and known deviation in common."""

    verdict: Verdict
    operation: str
    implementation: str
    framework: str
    check: str
    known: str | None
    members: tuple[Placed, ...]
    """Worst first."""

    @property
    def columns(self) -> list[int]:
        """Numbers of the columns concerned."""
        return sorted({placed.column for placed in self.members})

    @property
    def dtypes(self) -> list[str]:
        """Dtypes concerned."""
        return sorted({placed.dtype for placed in self.members}, key=dtype_order)

    @property
    def modes(self) -> list[str]:
        """Modes concerned."""
        return sorted({placed.mode for placed in self.members})


@dataclass(frozen=True)
class Achieved:
    """How accurate one implementation is in one dtype, over modes, checks and cases."""

    worst: Placed
    """Of those that do not conform the one with the largest error / allowed; if all do, the largest error."""
    passing: Placed | None
    """The one with the largest error among those that conform."""
    counts: Mapping[str, int]
    """Observations by accuracy class."""


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

    operation: str
    check: str
    question: str
    implementation: str
    column: int
    counts: Mapping[Verdict, int]
    labels: Mapping[str, int]
    worst: Placed


@dataclass(frozen=True)
class Summary:
    """Everything that the outputs print."""

    merged: Merged
    counts: Mapping[tuple[str, int], Mapping[str, int]]
    """By operation and column number: how many observations have each verdict."""
    totals: Mapping[str, int]
    findings: tuple[Finding, ...]
    accuracy: tuple[Accuracy, ...]
    closest: Mapping[tuple[str, str], tuple[float, str]]
    """By operation and kind, value or gradient: of the conforming answers the one closest to its bound, as the
    share of the bound that its error takes, and its key. A bound that nothing comes near may be too wide."""
    conventions: tuple[Convention, ...]
    relations: tuple[Relation, ...]

    def column_totals(self, column: int) -> Counter[str]:
        """Counts by verdict over all operations of a column."""
        total: Counter[str] = Counter()
        for (_, number), counts in self.counts.items():
            if number == column:
                total.update(counts)
        return total


def summarise(merged: Merged) -> Summary:
    """Count, group and rank the observations."""
    counts: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for placed in merged.placed:
        counts[placed.operation, placed.column][placed.verdict] += 1
    return Summary(
        merged,
        dict(counts),
        Counter(placed.verdict for placed in merged.placed),
        tuple(_findings(merged.placed)),
        tuple(_accuracy(merged.placed)),
        _closest(merged.placed),
        tuple(_conventions(merged.placed)),
        tuple(_relations(merged.placed)),
    )


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


def _findings(every: Iterable[Placed]) -> list[Finding]:
    groups: dict[tuple[Verdict, str, str, str, str, str], list[Placed]] = defaultdict(list)
    for placed in every:
        if placed.verdict != "conforms":
            framework = placed.implementation_entry.framework
            known = placed.observation.known or ""
            identity = (placed.verdict, placed.operation, placed.implementation, framework, placed.check, known)
            groups[identity].append(placed)
    order = sorted(groups, key=lambda identity: (identity[0].rank, *identity[1:]))
    return [
        Finding(*identity[:5], identity[5] or None, tuple(sorted(groups[identity], key=_rank))) for identity in order
    ]


def _accuracy(every: Iterable[Placed]) -> list[Accuracy]:
    groups: dict[tuple[str, str, int, str], dict[str, list[Placed]]] = defaultdict(lambda: defaultdict(list))
    for placed in every:
        kind = placed.check_kind
        if kind in ("value", "gradient") and placed.observation.accuracy is not None:
            groups[placed.operation, placed.implementation, placed.column, kind][placed.dtype].append(placed)
    return [
        Accuracy(
            operation,
            implementation,
            column,
            kind,
            {dtype: _achieved(members) for dtype, members in sorted(cells.items(), key=lambda i: dtype_order(i[0]))},
        )
        for (operation, implementation, column, kind), cells in sorted(
            groups.items(), key=lambda i: (i[0][0], i[0][3] != "value", i[0][1], i[0][2])
        )
    ]


def _closest(every: Iterable[Placed]) -> dict[tuple[str, str], tuple[float, str]]:
    found: dict[tuple[str, str], tuple[float, str]] = {}
    for placed in every:
        error, allowed = placed.observation.error, placed.observation.allowed
        if (
            placed.check_kind in ("value", "gradient")
            and placed.verdict == "conforms"
            and allowed
            and error is not None
        ):
            place = (placed.operation, placed.check_kind)
            found[place] = max(found.get(place, (-1.0, "")), (error / allowed, placed.key))
    return found


def _achieved(members: list[Placed]) -> Achieved:
    passing = [placed for placed in members if placed.verdict == "conforms" and placed.observation.error is not None]
    largest = max(passing, key=lambda placed: placed.observation.error or 0.0, default=None)
    failing = [placed for placed in members if placed.verdict != "conforms"]
    # The condition may allow one case far more than another: among passing ones the error itself is the better measure.
    worst = min(failing, key=_rank) if failing else largest or min(members, key=_rank)
    classes = Counter(str(placed.observation.accuracy) for placed in members)
    return Achieved(
        worst,
        largest,
        {name: classes[name] for name in sorted(classes, key=lambda name: ACCURACY_RANK[name])},
    )


def _conventions(every: Iterable[Placed]) -> list[Convention]:
    probes: dict[tuple[str, str, str], list[Placed]] = defaultdict(list)
    for placed in every:
        if placed.check_kind == "probe":
            probes[placed.operation, placed.check, placed.case].append(placed)
    conventions = []
    for (operation, check, case), members in sorted(probes.items()):
        question = members[0].run.checks[check].question
        conventions.append(Convention(operation, check, case, question, tuple(_answers(members))))
    return conventions


def _answers(members: list[Placed]) -> list[Answer]:
    labelled: dict[tuple[str, int], dict[tuple[str, bool], list[Placed]]] = defaultdict(lambda: defaultdict(list))
    for placed in members:
        label = placed.observation.label
        entry = (placed.verdict.words, False) if label is None else (str(label), True)
        labelled[placed.implementation, placed.column][entry].append(placed)
    answers = []
    for (implementation, column), labels in labelled.items():
        everywhere = [placed for group in labels.values() for placed in group]
        for (label, is_label), group in labels.items():
            where = _where(group, everywhere) if len(labels) > 1 else ()
            answers.append(Answer(implementation, column, label, is_label, where, group[0]))
    return sorted(answers, key=lambda a: (not a.is_label, a.label, a.column, a.implementation))


def _where(group: list[Placed], everywhere: list[Placed]) -> tuple[str, ...]:
    """Dtypes, or modes, if they separate the group from the rest; else pairs of both."""
    for part in ("dtype", "mode"):
        inside = {str(getattr(placed, part)) for placed in group}
        if len(group) == sum(getattr(placed, part) in inside for placed in everywhere):
            return tuple(sorted(inside, key=dtype_order))
    pairs = sorted({(dtype_order(placed.dtype), placed.mode) for placed in group})
    return tuple(f"{dtype[1]} {mode}" for dtype, mode in pairs)


def _relations(every: Iterable[Placed]) -> list[Relation]:
    groups: dict[tuple[str, str, str, int], list[Placed]] = defaultdict(list)
    for placed in every:
        if placed.check_kind == "relation":
            groups[placed.check, placed.operation, placed.implementation, placed.column].append(placed)
    return [
        Relation(
            operation,
            check,
            members[0].run.checks[check].question,
            implementation,
            column,
            ordered(Counter(placed.verdict for placed in members)),
            Counter(str(placed.observation.label) for placed in members if placed.observation.label is not None),
            min(members, key=lambda placed: (placed.verdict.rank, *_rank(placed))),
        )
        for (check, operation, implementation, column), members in sorted(groups.items())
    ]


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
        cells = [_cell(summary.counts.get((operation, number), {})) for number in range(len(columns))]
        table.add_row(_broken(operation), *cells)
    legend = Text("  ").join(Text(f"{name.symbol}{name}", Verdict(name).style) for name in ordered(summary.totals))
    table.caption = legend
    table.caption_justify = "left"
    return table


def _broken(name: str, width: int = 25) -> str:
    """A long name on several lines, parted at underscores."""
    lines = [""]
    for part in re.findall(r"[^_]*_|[^_]+", name):
        if lines[-1] and len(lines[-1] + part) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(lines)


def _cell(counts: Mapping[str, int], separator: str = " ") -> Text:
    marks = [Text(f"{Verdict(n).symbol}{count}", Verdict(n).style) for n, count in ordered(counts).items()]
    return Text(separator).join(marks)
