"""What the observations say together: counts, findings, conventions, accuracy, relations."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gaugeblock.reports.merge import Merged, Seen, dtype_order, merge
from gaugeblock.reports.runfile import Observation, Run
from gaugeblock.reports.verdicts import ACCURACY_RANK, RANK, VERDICTS, ordered, words
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True)
class Finding:
    """Observations that do not conform and have verdict, implementation, check and expectation in common."""

    verdict: str
    operation: str
    implementation: str
    framework: str
    check: str
    expectation: str | None
    members: tuple[Seen, ...]
    """Worst first."""

    @property
    def columns(self) -> list[int]:
        """Numbers of the columns concerned."""
        return sorted({seen.column for seen in self.members})

    @property
    def dtypes(self) -> list[str]:
        """Dtypes concerned."""
        return sorted({seen.dtype for seen in self.members}, key=dtype_order)

    @property
    def modes(self) -> list[str]:
        """Modes concerned."""
        return sorted({seen.mode for seen in self.members})


@dataclass(frozen=True)
class Achieved:
    """How accurate one implementation is in one dtype, over modes, checks and cases."""

    worst: Seen
    """Of those that do not conform the one with the largest error / allowed; if all do, the largest error."""
    passing: Seen | None
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
    example: Seen


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
        """The different labels given."""
        return sorted({answer.label for answer in self.answers if answer.is_label})

    @property
    def disagree(self) -> bool:
        """Whether more than one label was given."""
        return len(self.labels) > 1


@dataclass(frozen=True)
class Relation:
    """A relation of one implementation, over dtypes, modes and cases."""

    operation: str
    check: str
    question: str
    implementation: str
    column: int
    counts: Mapping[str, int]
    labels: Mapping[str, int]
    worst: Seen


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
    for seen in merged.seen:
        counts[seen.operation, seen.column][seen.verdict] += 1
    return Summary(
        merged,
        dict(counts),
        Counter(seen.verdict for seen in merged.seen),
        tuple(_findings(merged.seen)),
        tuple(_accuracy(merged.seen)),
        _closest(merged.seen),
        tuple(_conventions(merged.seen)),
        tuple(_relations(merged.seen)),
    )


def badness(observation: Observation) -> float:
    """Error / allowed: how far beyond the bound; infinite where the error is no distance."""
    if observation.get("accuracy") == "wrong":
        return math.inf
    error, allowed = observation.get("error"), observation.get("allowed")
    if error is None:
        return math.inf if observation["verdict"] != "conforms" else -1.0
    if not allowed:
        return math.inf if error else 0.0
    return float(error) / float(allowed)


def _rank(seen: Seen) -> tuple[float, float, str, int]:
    return (-badness(seen.observation), -seen.observation.get("error", 0.0), seen.key, seen.column)


def _findings(all_seen: Iterable[Seen]) -> list[Finding]:
    groups: dict[tuple[str, str, str, str, str, str], list[Seen]] = defaultdict(list)
    for seen in all_seen:
        if seen.verdict != "conforms":
            framework = seen.implementation_entry["framework"]
            expectation = seen.observation.get("expectation", "")
            identity = (seen.verdict, seen.operation, seen.implementation, framework, seen.check, expectation)
            groups[identity].append(seen)
    order = sorted(groups, key=lambda identity: (RANK[identity[0]], *identity[1:]))
    return [
        Finding(*identity[:5], identity[5] or None, tuple(sorted(groups[identity], key=_rank))) for identity in order
    ]


def _accuracy(all_seen: Iterable[Seen]) -> list[Accuracy]:
    groups: dict[tuple[str, str, int, str], dict[str, list[Seen]]] = defaultdict(lambda: defaultdict(list))
    for seen in all_seen:
        kind = seen.check_kind
        if kind in ("value", "gradient") and "accuracy" in seen.observation:
            groups[seen.operation, seen.implementation, seen.column, kind][seen.dtype].append(seen)
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


def _closest(all_seen: Iterable[Seen]) -> dict[tuple[str, str], tuple[float, str]]:
    found: dict[tuple[str, str], tuple[float, str]] = {}
    for seen in all_seen:
        error, allowed = seen.observation.get("error"), seen.observation.get("allowed")
        if seen.check_kind in ("value", "gradient") and seen.verdict == "conforms" and allowed and error is not None:
            place = (seen.operation, seen.check_kind)
            found[place] = max(found.get(place, (-1.0, "")), (error / allowed, seen.key))
    return found


def _achieved(members: list[Seen]) -> Achieved:
    passing = [seen for seen in members if seen.verdict == "conforms" and "error" in seen.observation]
    largest = max(passing, key=lambda seen: seen.observation["error"], default=None)
    failing = [seen for seen in members if seen.verdict != "conforms"]
    # The condition may allow one case far more than another: among passing ones the error itself tells more.
    worst = min(failing, key=_rank) if failing else largest or min(members, key=_rank)
    classes = Counter(seen.observation["accuracy"] for seen in members)
    return Achieved(
        worst,
        largest,
        {name: classes[name] for name in sorted(classes, key=lambda name: ACCURACY_RANK[name])},
    )


def _conventions(all_seen: Iterable[Seen]) -> list[Convention]:
    probes: dict[tuple[str, str, str], list[Seen]] = defaultdict(list)
    for seen in all_seen:
        if seen.check_kind == "probe":
            probes[seen.operation, seen.check, seen.case].append(seen)
    conventions = []
    for (operation, check, case), members in sorted(probes.items()):
        question = members[0].run["checks"][check]["question"]
        conventions.append(Convention(operation, check, case, question, tuple(_answers(members))))
    return conventions


def _answers(members: list[Seen]) -> list[Answer]:
    given: dict[tuple[str, int], dict[tuple[str, bool], list[Seen]]] = defaultdict(lambda: defaultdict(list))
    for seen in members:
        label = seen.observation.get("label")
        entry = (words(seen.verdict), False) if label is None else (str(label), True)
        given[seen.implementation, seen.column][entry].append(seen)
    answers = []
    for (implementation, column), labels in given.items():
        everywhere = [seen for group in labels.values() for seen in group]
        for (label, is_label), group in labels.items():
            where = _where(group, everywhere) if len(labels) > 1 else ()
            answers.append(Answer(implementation, column, label, is_label, where, group[0]))
    return sorted(answers, key=lambda a: (not a.is_label, a.label, a.column, a.implementation))


def _where(group: list[Seen], everywhere: list[Seen]) -> tuple[str, ...]:
    """Dtypes, or modes, if they tell the group from the rest; else pairs of both."""
    for part in ("dtype", "mode"):
        inside = {str(getattr(seen, part)) for seen in group}
        if len(group) == sum(getattr(seen, part) in inside for seen in everywhere):
            return tuple(sorted(inside, key=dtype_order))
    pairs = sorted({(dtype_order(seen.dtype), seen.mode) for seen in group})
    return tuple(f"{dtype[1]} {mode}" for dtype, mode in pairs)


def _relations(all_seen: Iterable[Seen]) -> list[Relation]:
    groups: dict[tuple[str, str, str, int], list[Seen]] = defaultdict(list)
    for seen in all_seen:
        if seen.check_kind == "relation":
            groups[seen.check, seen.operation, seen.implementation, seen.column].append(seen)
    return [
        Relation(
            operation,
            check,
            members[0].run["checks"][check]["question"],
            implementation,
            column,
            ordered(Counter(seen.verdict for seen in members)),
            Counter(str(seen.observation["label"]) for seen in members if "label" in seen.observation),
            min(members, key=lambda seen: (RANK[seen.verdict], *_rank(seen))),
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
    legend = Text("  ").join(
        Text(f"{VERDICTS[name].symbol}{name}", VERDICTS[name].style) for name in ordered(summary.totals)
    )
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
    marks = [Text(f"{VERDICTS[n].symbol}{count}", VERDICTS[n].style) for n, count in ordered(counts).items()]
    return Text(separator).join(marks)
