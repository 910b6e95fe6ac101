"""A summary in Markdown, short enough for a comment on GitHub."""

from __future__ import annotations

from gaugeblock.reports import banner
from gaugeblock.reports.gfm import code, row, text
from gaugeblock.reports.merge import Merged, Seen
from gaugeblock.reports.summary import Convention, Finding, Summary, summarise
from gaugeblock.reports.values import ulp
from gaugeblock.reports.verdicts import VERDICTS, counted, ordered, words

LIMIT = 60_000
"""GitHub takes comments of 65,536 characters."""

_MESSAGE = 140


def render_markdown(merged: Merged) -> str:
    """Environment, matrix, findings and conventions; what does not fit is counted and left out."""
    summary = summarise(merged)
    head = [
        "# Gaugeblock report",
        "",
        f"{len(merged.seen):,} observations, {text(merged.created)}: "
        + ", ".join(f"{count:,} {words(name)}" for name, count in ordered(summary.totals).items())
        + ".",
        "",
        *_warnings(merged),
        *_environments(merged),
        *_matrix(summary),
    ]
    lines = list(head)
    for title, rows, table in (
        ("Deviations", _findings(summary), ("verdict", "what", "where", "worst", "why")),
        ("Conventions", _conventions(summary), ("operation", "question", "answers")),
    ):
        if rows:
            lines += [f"## {title}", "", row(table), row("---" for _ in table)]
            # A table needs room for its own last line and for what follows.
            lines += _fitting(rows, LIMIT - 400 - sum(len(line) + 1 for line in lines))
            lines.append("")
    return "\n".join(lines)


def _fitting(rows: list[str], room: int) -> list[str]:
    kept: list[str] = []
    for line in rows:
        room -= len(line) + 1
        if room < 0:
            return [*kept, "", f"… and {len(rows) - len(kept)} more; the HTML report has them all."]
        kept.append(line)
    return kept


def _warnings(merged: Merged) -> list[str]:
    said = banner.warnings(merged)
    if not said:
        return []
    shown = [f"> - {text(warning)}" for warning in said[:20]]
    more = [f"> - … and {len(said) - 20} more"] if len(said) > 20 else []
    return ["> **Before you rely on this report**", ">", *shown, *more, ""]


def _environments(merged: Merged) -> list[str]:
    lines = ["| environment | versions | hardware |", "| --- | --- | --- |"]
    for column in merged.columns:
        versions = ", ".join(f"{name} {version}" for name, version in sorted(column.versions.items()))
        lines.append(row((text(column.name), text(versions), text(column.hardware))))
    return [*lines, ""]


def _matrix(summary: Summary) -> list[str]:
    columns = summary.merged.columns
    lines = [
        "## Operations",
        "",
        row(("operation", *(text(column.name) for column in columns))),
        row("---" for _ in range(len(columns) + 1)),
    ]
    for operation in summary.merged.operations():
        counts = [summary.counts.get((operation, number), {}) for number in range(len(columns))]
        lines.append(row((code(operation), *(counted(cell) for cell in counts))))
    legend = ", ".join(f"{VERDICTS[name].symbol} {words(name)}" for name in ordered(summary.totals))
    return [*lines, "", legend, ""]


def _findings(summary: Summary) -> list[str]:
    return [_finding(summary, finding) for finding in summary.findings]


def _finding(summary: Summary, finding: Finding) -> str:
    worst = finding.members[0]
    verdict = VERDICTS[finding.verdict]
    where = [*finding.dtypes, *(summary.merged.columns[number].name for number in finding.columns)]
    why = str(worst.observation.get("message", ""))
    if finding.expectation:
        entry = worst.run["expectations"][finding.expectation]
        why = entry["why"]
    return row(
        (
            f"{verdict.symbol} {words(finding.verdict)} {len(finding.members)}",
            f"{code(finding.implementation)} {text(finding.operation)}, {text(finding.check)}",
            text(", ".join(where)),
            _worst(worst),
            text(why, _MESSAGE),
        )
    )


def _worst(seen: Seen) -> str:
    observation = seen.observation
    if "error" in observation:
        measured = f"{ulp(observation['error'])} of {ulp(observation.get('allowed')) or '–'} ULP"
    else:
        witness = observation.get("witness")
        measured = f"{witness['got']} for {witness['expected']}" if witness else observation.get("label", "")
    return f"{text(measured, _MESSAGE)} ({code(seen.case)})" if measured else code(seen.case)


def _conventions(summary: Summary) -> list[str]:
    disagree = [convention for convention in summary.conventions if convention.disagree]
    agree = [convention for convention in summary.conventions if not convention.disagree]
    return [_convention(summary, convention) for convention in (*disagree, *agree)]


def _convention(summary: Summary, convention: Convention) -> str:
    told = []
    for label in convention.labels:
        who = []
        for answer in convention.answers:
            if answer.is_label and answer.label == label:
                only = f" [{', '.join(answer.where)}]" if answer.where else ""
                who.append(f"{answer.implementation} ({summary.merged.columns[answer.column].name}){only}")
        told.append(f"**{text(label)}**: {text(', '.join(who))}")
    mark = "≠ " if convention.disagree else ""
    answers = "<br>".join(told) or "none"
    return row((code(convention.operation), f"{mark}{text(convention.question)}", answers))
