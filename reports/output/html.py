"""The report as one HTML file that needs nothing else: no network, no script but for the search."""

from __future__ import annotations

import functools
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from itertools import groupby
from operator import attrgetter
from typing import Any
from urllib.parse import quote

import jinja2
from gaugeblock.reports import banner
from gaugeblock.reports.merge import Column, Merged, Placed, dtype_order, grouped
from gaugeblock.reports.output import templating
from gaugeblock.reports.output.embed import embedded
from gaugeblock.reports.summary import (
    KINDS,
    Accuracy,
    Answer,
    Convention,
    Summary,
    agreements,
    recipes,
    stories,
    summarise,
)
from gaugeblock.reports.values import describe, elements, seen, ulp
from gaugeblock.reports.verdicts import ABSENT, ACCURACIES, Verdict
from markupsafe import Markup, escape

ROWS = 8
"""Observations of a finding that are listed in it; the table of all observations has the rest."""


def render_html(merged: Merged) -> str:
    """The whole page; the same runs give the same bytes."""
    summary = summarise(merged)
    operations = merged.operations()
    page = _environment().get_template("report.html.j2")
    return page.render(
        summary=summary,
        columns=merged.columns,
        details=[_details(merged, column) for column in merged.columns],
        runs=merged.runs,
        created=merged.created,
        warnings=banner.warnings(merged),
        notes=list(filter(None, map(banner.not_seen, merged.runs))),
        total=len(merged.placed),
        verdicts=list(Verdict),
        absent=ABSENT,
        accuracies=ACCURACIES,
        matrix=_parted(operations.items(), lambda item: item[1].kind),
        findings=_parted(summary.findings, attrgetter("verdict")),
        listed=_listed(summary),
        conventions=_conventions(summary),
        accuracy=_accuracy(summary),
        accuracy_dtypes=sorted({dtype for row in summary.accuracy for dtype in row.dtypes}, key=dtype_order),
        relations=_parted(summary.relations, attrgetter("check", "question")),
        agreements=_agreements(merged),
        recipes=_parted(recipes(merged), attrgetter("operation")),
        stories=stories(merged),
        operations=[(name, entry) for name, entry in operations.items() if entry.kind != "story"],
        implementations=_implementations(merged),
        data=embedded(merged),
        rows_shown=ROWS,
    )


@functools.cache
def _environment() -> jinja2.Environment:
    environment = templating.environment(__package__, escaped=True)
    environment.filters.update(
        ulp=ulp,
        soft=_soft,
        ticked=_ticked,
        is_url=lambda text: str(text).startswith(("https://", "http://")),
        seen=seen,
        describe=describe,
        elements=elements,
        worst=lambda counts: min(counts, key=lambda verdict: verdict.rank),
    )
    environment.globals.update(key_link=key_link, find_link=find_link)
    return environment


def _soft(text: str) -> Markup:
    """A name that may be broken after an underscore, dot or slash, and nowhere else."""
    return Markup(re.sub(r"([_./])(?=\w)", r"\1<wbr>", str(escape(text))))


def _ticked(text: str) -> Markup:
    """Text whose parts between backticks are code, and whose paragraphs are apart."""
    made = Markup("")
    for part in re.split(r"(```\w*\n.*?```|`[^`]+`)", text, flags=re.S):
        if part.startswith("```"):
            made += Markup("<pre>{}</pre>").format(part.partition("\n")[2].removesuffix("```").rstrip())
        elif part.startswith("`"):
            made += Markup("<code>{}</code>").format(part.strip("`"))
        else:
            made += Markup(escape(part).replace("\n\n", Markup("<br><br>")))
    return made


def key_link(key: str) -> str:
    """The fragment that leads to the observations with this key."""
    return "#key=" + quote(key, safe="/:.,=+()[]")


def find_link(text: str = "", verdict: str = "", column: int | None = None) -> str:
    """The fragment that opens the table of observations with these filters set."""
    fields = {"find": text, "verdict": verdict, "column": "" if column is None else str(column)}
    return "#" + "&".join(f"{name}={quote(value, safe='/')}" for name, value in fields.items() if value)


def _parted(items: Iterable[Any], key: Callable[[Any], Any]) -> list[tuple[Any, list[Any]]]:
    """Neighbours that have something in common, and what."""
    return [(common, list(members)) for common, members in groupby(items, key)]


def _details(merged: Merged, column: Column) -> tuple[dict[str, Any], list[str]]:
    """Modes with their flags and platforms of a column."""
    modes: dict[str, Any] = {}
    platforms: dict[str, None] = {}
    for run in merged.runs:
        entry = run.frameworks.get(column.framework)
        if entry and entry.versions == column.versions and column.device in entry.devices:
            modes.update(entry.modes)
            facts = run.environment
            platforms[f"{facts['platform']}, Python {facts['python']}, {facts['processor']}"] = None
    return modes, list(platforms)


def _listed(summary: Summary) -> dict[str, Placed]:
    """Of each key that is listed, the first: an id stands once in a page; the key in another column has none."""
    every = [placed for finding in summary.findings for placed in finding.members[:ROWS]]
    return {placed.key: placed for placed in reversed(every)}


def _conventions(summary: Summary) -> list[tuple[Convention, str, Any]]:
    """Each with its case, where its check has several, and who gives which answer; disagreements first."""
    several = Counter((each.operation, each.check) for each in summary.conventions)
    return [
        (
            each,
            each.case if several[each.operation, each.check] > 1 else "",
            [(*answer, _who(answers)) for answer, answers in _parted(each.answers, attrgetter("is_label", "label"))],
        )
        for each in sorted(summary.conventions, key=lambda convention: not convention.disagree)
    ]


def _who(answers: list[Answer]) -> list[list[Answer]]:
    """Together what an implementation answers alike in several versions or on several devices."""
    alike: dict[tuple[str, tuple[str, ...]], list[Answer]] = defaultdict(list)
    for answer in answers:
        alike[answer.implementation, answer.where].append(answer)
    return list(alike.values())


def _accuracy(summary: Summary) -> list[tuple[str, list[Accuracy], list[tuple[str, float, str]]]]:
    """By operation the rows, and what comes closest to the bounds: kind, share, key."""
    operations = list(summary.merged.operations())
    ranked = sorted(summary.accuracy, key=lambda row: operations.index(row.operation))
    return [
        (name, rows, [(kind, *summary.closest[name, kind]) for kind in KINDS if (name, kind) in summary.closest])
        for name, rows in _parted(ranked, attrgetter("operation"))
    ]


def _agreements(merged: Merged) -> list[list[tuple[int, int] | None]]:
    """A square of (equal, shared) cases for every two columns; None where they share none."""
    known = {frozenset((each.one, each.other)): (each.equal, each.shared) for each in agreements(merged)}
    numbers = range(len(merged.columns))
    return [[known.get(frozenset((row, column))) for column in numbers] for row in numbers]


def _implementations(merged: Merged) -> dict[str, list[tuple[Placed, list[int]]]]:
    """By operation an observation of each implementation, and its columns.

    The same name may stand for another call in another version.
    """
    found: dict[str, list[tuple[Placed, list[int]]]] = defaultdict(list)
    own = [placed for placed in merged.placed if placed.implementation_entry.recipe is None]
    identity = attrgetter("operation", "framework", "implementation", "implementation_entry.call")
    for (operation, *_), members in grouped(own, identity).items():
        found[operation].append((members[0], sorted({placed.column for placed in members})))
    return found
