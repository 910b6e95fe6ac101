"""A summary in Markdown, short enough for a comment on GitHub."""

from __future__ import annotations

from collections.abc import Mapping

from gaugeblock.reports import banner
from gaugeblock.reports.merge import Merged, Placed
from gaugeblock.reports.output.gfm import code, row, text
from gaugeblock.reports.summary import Convention, Finding, Summary, summarise
from gaugeblock.reports.values import ulp
from gaugeblock.reports.verdicts import Verdict

LIMIT = 60_000
"""GitHub takes comments of 65,536 characters."""

_MESSAGE = 140


def render_markdown(merged: Merged) -> str:
    """Environment, matrix, findings and conventions; what does not fit is counted and left out."""
    summary = summarise(merged)
    totals = ", ".join(f"{count:,} {verdict.words}" for verdict, count in summary.totals.items())
    lines = [
        "# Gaugeblock report",
        "",
        f"{len(merged.placed):,} observations, {text(merged.created)}: {totals}.",
        "",
        *_warnings(merged),
        *_environments(merged),
        *_matrix(summary),
    ]
    conventions = sorted(summary.conventions, key=lambda convention: not convention.disagree)
    deviations = [_finding(merged, finding) for finding in summary.findings]
    answers = [_convention(merged, convention) for convention in conventions]
    for title, rows, heads in (
        ("Deviations", deviations, ("verdict", "what", "where", "worst", "why")),
        ("Conventions", answers, ("operation", "question", "answers")),
    ):
        if rows:
            lines += [f"## {title}", "", *_head(*heads)]
            # A table needs room for its own last line and for what follows.
            lines += _fitting(rows, LIMIT - 400 - sum(len(line) + 1 for line in lines))
            lines.append("")
    return "\n".join(lines)


def _head(*names: str) -> list[str]:
    return [row(names), row("---" for _ in names)]


def _fitting(rows: list[str], room: int) -> list[str]:
    kept: list[str] = []
    for line in rows:
        room -= len(line) + 1
        if room < 0:
            return [*kept, "", f"… and {len(rows) - len(kept)} more; the HTML report has them all."]
        kept.append(line)
    return kept


def _warnings(merged: Merged) -> list[str]:
    sentences = [text(warning) for warning in banner.warnings(merged)]
    if len(sentences) > 20:
        sentences[20:] = [f"… and {len(sentences) - 20} more"]
    head = ["> **Before you rely on this report**", ">"]
    return [*head, *(f"> - {each}" for each in sentences), ""] if sentences else []


def _environments(merged: Merged) -> list[str]:
    lines = _head("environment", "versions", "hardware")
    for column in merged.columns:
        versions = ", ".join(f"{name} {version}" for name, version in sorted(column.versions.items()))
        lines.append(row(map(text, (column.name, versions, column.hardware))))
    return [*lines, ""]


def _matrix(summary: Summary) -> list[str]:
    columns = summary.merged.columns
    lines = ["## Operations", "", *_head("operation", *(text(column.name) for column in columns))]
    for operation in summary.merged.operations():
        counts = (summary.counts.get((operation, number), {}) for number in range(len(columns)))
        lines.append(row((code(operation), *map(_counted, counts))))
    legend = ", ".join(f"{verdict.symbol} {verdict.words}" for verdict in summary.totals)
    return [*lines, "", legend, ""]


def _counted(counts: Mapping[Verdict, int]) -> str:
    return " ".join(f"{verdict.symbol}{count}" for verdict, count in counts.items())


def _finding(merged: Merged, finding: Finding) -> str:
    worst, verdict = finding.worst, finding.verdict
    where = [*finding.dtypes, *(merged.columns[number].name for number in finding.columns)]
    why = worst.known_entry.why if worst.known_entry else worst.observation.message or ""
    return row(
        (
            f"{verdict.symbol} {verdict.words} {len(finding.members)}",
            f"{code(finding.implementation)} {text(finding.operation)}, {text(finding.check)}",
            text(", ".join(where)),
            _worst(worst),
            text(why, _MESSAGE),
        )
    )


def _worst(placed: Placed) -> str:
    observation = placed.observation
    if observation.error is not None:
        measured = f"{ulp(observation.error)} of {ulp(observation.allowed) or '–'} ULP"
    else:
        witness = observation.witness
        measured = f"{witness.got} for {witness.expected}" if witness else (observation.label or "")
    return f"{text(measured, _MESSAGE)} ({code(placed.case)})" if measured else code(placed.case)


def _convention(merged: Merged, convention: Convention) -> str:
    answers = []
    for label in convention.labels:
        who = []
        for answer in convention.answers:
            if answer.is_label and answer.label == label:
                only = f" [{', '.join(answer.where)}]" if answer.where else ""
                who.append(f"{answer.implementation} ({merged.columns[answer.column].name}){only}")
        answers.append(f"**{text(label)}**: {text(', '.join(who))}")
    mark = "≠ " if convention.disagree else ""
    return row((code(convention.operation), f"{mark}{text(convention.question)}", "<br>".join(answers) or "none"))
