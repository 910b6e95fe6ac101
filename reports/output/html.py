"""The report as one HTML file that needs nothing else: no network, no script but for the search."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from itertools import groupby
from typing import Any
from urllib.parse import quote

import jinja2
from gaugeblock.reports import banner
from gaugeblock.reports.behaviour import Story, agreements, recipes, stories
from gaugeblock.reports.merge import Column, Merged, Placed, dtype_order
from gaugeblock.reports.output import templating
from gaugeblock.reports.output.embed import embedded
from gaugeblock.reports.records import OperationRecord
from gaugeblock.reports.summary import Achieved, Answer, Convention, Finding, Summary, summarise
from gaugeblock.reports.values import both, describe, elements, ulp
from gaugeblock.reports.verdicts import ACCURACIES, Verdict, ordered
from markupsafe import Markup, escape

ROWS = 8
"""Observations of a finding that are listed in it; the table of all observations has the rest."""

_QUIET = ("unsupported", "not_run")


def render_html(merged: Merged) -> str:
    """The whole page; the same runs give the same bytes."""
    summary = summarise(merged)
    operations = merged.operations()
    page = _environment().get_template("report.html.j2")
    return page.render(
        summary=summary,
        columns=merged.columns,
        column_details=[_column_details(merged, number) for number in range(len(merged.columns))],
        runs=merged.runs,
        created=merged.created,
        warnings=banner.warnings(merged),
        totals=ordered(summary.totals),
        total=len(merged.placed),
        verdicts={verdict.value: verdict for verdict in Verdict},
        accuracies=ACCURACIES,
        matrix=_matrix(summary, operations),
        findings=_findings(summary),
        conventions=_conventions(summary),
        accuracy=_accuracy(summary),
        accuracy_dtypes=_dtypes(summary),
        relations=_relations(summary),
        agreements=_agreements(merged),
        recipes=[
            {"operation": name, "recipes": list(of)} for name, of in groupby(recipes(merged), key=lambda r: r.operation)
        ],
        stories=[_story(story) for story in stories(merged)],
        operations=_operations(merged, operations),
        data=embedded(merged),
        rows_shown=ROWS,
    )


@functools.cache
def _environment() -> jinja2.Environment:
    environment = templating.environment(__package__, escaped=True)
    environment.filters["words"] = lambda verdict: Verdict(verdict).words
    environment.filters["ulp"] = ulp
    environment.filters["soft"] = _soft
    environment.filters["ticked"] = _ticked
    environment.filters["is_url"] = lambda text: str(text).startswith(("https://", "http://"))
    environment.globals["key_link"] = key_link
    environment.globals["find_link"] = find_link
    return environment


def _soft(text: str) -> Markup:
    """A name that may be broken after an underscore, dot or slash, and nowhere else."""
    return Markup(re.sub(r"([_./])(?=\w)", r"\1<wbr>", str(escape(text))))


def _ticked(text: str) -> Markup:
    """Text whose parts between backticks are code, and whose paragraphs are apart."""
    parts = re.split(r"(```\w*\n.*?```|`[^`]+`)", text, flags=re.S)
    return Markup("").join(_part(part) for part in parts)


def _part(part: str) -> Markup:
    if part.startswith("```"):
        return Markup("<pre>{}</pre>").format(part.partition("\n")[2].removesuffix("```").rstrip())
    if part.startswith("`"):
        return Markup("<code>{}</code>").format(part.strip("`"))
    return Markup(escape(part).replace("\n\n", Markup("<br><br>")))


def key_link(key: str) -> str:
    """The fragment that leads to the observations with this key."""
    return "#key=" + quote(key, safe="/:.,=+()[]")


def find_link(text: str = "", verdict: str = "", column: int | None = None) -> str:
    """The fragment that opens the table of observations with these filters set."""
    fields = {"find": text, "verdict": verdict, "column": "" if column is None else str(column)}
    return "#" + "&".join(f"{name}={quote(value, safe='/')}" for name, value in fields.items() if value)


def _column_details(merged: Merged, number: int) -> dict[str, Any]:
    column = merged.columns[number]
    modes: dict[str, Any] = {}
    platforms: dict[str, None] = {}
    for run in merged.runs:
        entry = run.frameworks.get(column.framework)
        if entry and entry.versions == dict(column.versions) and column.device in entry.devices:
            modes.update(entry.modes)
            facts = run.environment
            platforms[f"{facts['platform']}, Python {facts['python']}, {facts['processor']}"] = None
    versions = sorted(column.versions.items())
    return {
        "column": column,
        "versions": versions,
        "modes": sorted(modes.items()),
        "platforms": list(platforms),
    }


def _worst(counts: Mapping[str, int]) -> str:
    return min(map(Verdict, counts), key=lambda verdict: verdict.rank, default=Verdict.CONFORMS)


def _matrix(summary: Summary, operations: Mapping[str, OperationRecord]) -> list[dict[str, Any]]:
    def cell(operation: str, number: int) -> dict[str, Any] | None:
        counts = summary.counts.get((operation, number))
        if not counts:
            return None
        link = find_link(f"/{operation}/", column=number)
        return {
            "counts": ordered(counts),
            "total": sum(counts.values()),
            "worst": _worst(counts),
            "link": link,
        }

    numbers = range(len(summary.merged.columns))
    kinds = []
    for kind, names in groupby(operations, key=lambda name: operations[name].kind):
        rows = [{"operation": name, "cells": [cell(name, number) for number in numbers]} for name in names]
        kinds.append({"kind": kind, "rows": rows})
    return kinds


def _findings(summary: Summary) -> list[dict[str, Any]]:
    sections = []
    listed: set[str] = set()
    for verdict, found in groupby(summary.findings, key=lambda finding: finding.verdict):
        groups = [_finding(finding, summary.merged.columns, listed) for finding in found]
        count = sum(group["count"] for group in groups)
        section = {"verdict": Verdict(verdict), "groups": groups, "count": count, "quiet": verdict in _QUIET}
        sections.append(section)
    return sections


def _finding(finding: Finding, columns: tuple[Column, ...], listed: set[str]) -> dict[str, Any]:
    worst = finding.members[0]
    known = worst.run.known[finding.known] if finding.known else None
    shown = []
    for placed in finding.members[:ROWS]:
        # An id stands once in a page; the same key in another column has none.
        shown.append({**_facts(placed), "anchor": "" if placed.key in listed else f"key={placed.key}"})
        listed.add(placed.key)
    return {
        "finding": finding,
        "count": len(finding.members),
        "worst": {**_facts(worst), "inputs": _inputs(worst)},
        "columns": [columns[number].name for number in finding.columns],
        "known": known,
        "operation": worst.operation_entry,
        "check": worst.run.checks[finding.check],
        "call": worst.call,
        "conventions": sorted(worst.implementation_entry.conventions.items()),
        "rows": shown,
        "link": find_link(f"/{finding.operation}/{finding.implementation}/ /{finding.check}/", finding.verdict),
        "messages": sorted({str(s.observation.message) for s in finding.members if s.observation.message}),
    }


def _facts(placed: Placed) -> dict[str, Any]:
    observation = placed.observation
    witness = observation.witness
    return {
        "placed": placed,
        "key": placed.key,
        "error": observation.error,
        "allowed": observation.allowed,
        "accuracy": (observation.accuracy or ""),
        "label": (observation.label or ""),
        "message": (observation.message or ""),
        "at": witness.at if witness else [],
        "expected": witness.expected if witness else "",
        "nearest": both(witness.nearest, placed.dtype) if witness and witness.nearest else "",
        "got": both(witness.got, placed.dtype) if witness else "",
    }


def _inputs(placed: Placed) -> dict[str, Any] | None:
    case = placed.case_entry
    if case is None:
        return None
    at = placed.observation.witness.at if placed.observation.witness else []
    return {
        "parameters": sorted(case.parameters.items()),
        "arrays": [
            {
                "name": name,
                "about": describe(stored),
                "elements": elements(stored, at),
                "scalar": not stored.shape,
            }
            for name, stored in sorted(case.inputs.items())
        ],
    }


def _conventions(summary: Summary) -> list[dict[str, Any]]:
    several: dict[tuple[str, str], int] = {}
    for convention in summary.conventions:
        where = (convention.operation, convention.check)
        several[where] = several.get(where, 0) + 1
    entries = []
    for convention in sorted(summary.conventions, key=lambda c: not c.disagree):
        name = convention.case if several[convention.operation, convention.check] > 1 else ""
        entries.append(
            {
                "convention": convention,
                "case": name,
                "groups": _answer_groups(convention, summary.merged.columns),
            }
        )
    return entries


def _answer_groups(convention: Convention, columns: tuple[Column, ...]) -> list[dict[str, Any]]:
    labels = convention.labels
    return [
        {
            "label": label,
            "is_label": is_label,
            "number": labels.index(label) % 6 if is_label else None,
            "answers": _who(list(answers), columns),
        }
        for (is_label, label), answers in groupby(convention.answers, key=lambda a: (a.is_label, a.label))
    ]


def _who(answers: list[Answer], columns: tuple[Column, ...]) -> list[dict[str, Any]]:
    """One line for an implementation that answers the same in several versions or on several devices."""
    lines: dict[tuple[str, tuple[str, ...]], dict[str, Any]] = {}
    for answer in answers:
        new = {"implementation": answer.implementation, "where": answer.where, "key": answer.example.key}
        line = lines.setdefault((answer.implementation, answer.where), {**new, "columns": []})
        line["columns"].append(columns[answer.column].name)
    return list(lines.values())


KINDS = ("value", "gradient")


def _dtypes(summary: Summary) -> list[str]:
    return sorted({dtype for row in summary.accuracy for dtype in row.dtypes}, key=dtype_order)


def _accuracy(summary: Summary) -> list[dict[str, Any]]:
    dtypes = _dtypes(summary)
    place = {name: number for number, name in enumerate(summary.merged.operations())}
    ranked = sorted(summary.accuracy, key=lambda row: place[row.operation])
    tables = []
    for operation, rows in groupby(ranked, key=lambda row: row.operation):
        entries = [{"row": row, "cells": [_achieved(row.dtypes.get(dtype)) for dtype in dtypes]} for row in rows]
        near = [(kind, *summary.closest[operation, kind]) for kind in KINDS if (operation, kind) in summary.closest]
        tables.append({"operation": operation, "rows": entries, "closest": near})
    return tables


def _achieved(achieved: Achieved | None) -> dict[str, Any] | None:
    if achieved is None:
        return None
    observation = achieved.worst.observation
    other = None
    if achieved.worst.verdict != "conforms" and achieved.passing is not None:
        other = achieved.passing.observation
    return {
        "accuracy": max(achieved.counts, key=list(ACCURACIES).index),
        "error": observation.error,
        "allowed": observation.allowed,
        "key": achieved.worst.key,
        "verdict": achieved.worst.verdict,
        "counts": achieved.counts,
        "other": other,
    }


def _relations(summary: Summary) -> list[dict[str, Any]]:
    return [
        {"check": check, "question": question, "rows": list(rows)}
        for (check, question), rows in groupby(summary.relations, key=lambda r: (r.check, r.question))
    ]


def _agreements(merged: Merged) -> list[list[tuple[int, int] | None]]:
    """A square of (equal, shared) cases for every two columns; None where they share none."""
    known = {frozenset((each.one, each.other)): (each.equal, each.shared) for each in agreements(merged)}
    numbers = range(len(merged.columns))
    return [[known.get(frozenset((row, column))) for column in numbers] for row in numbers]


def _story(story: Story) -> dict[str, Any]:
    return {
        "name": story.name,
        "entry": story.entry,
        "scenes": sorted(story.scenes.items()),
        "figures": [
            {"name": figure.name, "question": figure.question, "placed": [_facts(placed) for placed in figure.placed]}
            for figure in story.figures
        ],
    }


def _operations(merged: Merged, operations: Mapping[str, OperationRecord]) -> list[dict[str, Any]]:
    offered: dict[str, dict[tuple[str, str], dict[str, Any]]] = {name: {} for name in operations}
    for placed in merged.placed:
        entry = placed.implementation_entry
        if entry.recipe is not None:
            continue
        # The same name may stand for another call in another version.
        where = offered[placed.operation].setdefault(
            (placed.implementation, entry.call), {"entry": entry, "columns": set()}
        )
        where["columns"].add(placed.column)
    return [
        {
            "name": name,
            "entry": entry,
            "implementations": [
                {
                    "name": implementation,
                    "entry": found["entry"],
                    "columns": [merged.columns[number].name for number in sorted(found["columns"])],
                }
                for (implementation, _), found in sorted(
                    offered[name].items(), key=lambda item: (item[1]["entry"].framework, item[0])
                )
            ],
        }
        for name, entry in operations.items()
        if entry.kind != "story"
    ]
