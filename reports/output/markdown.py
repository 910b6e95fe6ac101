"""A summary in Markdown, short enough for a comment on GitHub."""

from __future__ import annotations

from gaugeblock.reports import banner
from gaugeblock.reports.merge import Merged, Placed
from gaugeblock.reports.output.gfm import code, row, text
from gaugeblock.reports.summary import Convention, Finding, Summary, summarise
from gaugeblock.reports.values import ulp
from gaugeblock.reports.verdicts import Verdict, counted, ordered

LIMIT = 60_000
"""GitHub takes comments of 65,536 characters."""

_MESSAGE = 140


def render_markdown(merged: Merged) -> str:
    """Environment, matrix, findings and conventions; what does not fit is counted and left out."""
    summary = summarise(merged)
    head = [
        "# Gaugeblock report",
        "",
        f"{len(merged.placed):,} observations, {text(merged.created)}: "
        + ", ".join(f"{count:,} {name.words}" for name, count in ordered(summary.totals).items())
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
    sentences = banner.warnings(merged)
    if not sentences:
        return []
    shown = [f"> - {text(warning)}" for warning in sentences[:20]]
    more = [f"> - … and {len(sentences) - 20} more"] if len(sentences) > 20 else []
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
    legend = ", ".join(f"{name.symbol} {name.words}" for name in ordered(summary.totals))
    return [*lines, "", legend, ""]


def _findings(summary: Summary) -> list[str]:
    return [_finding(summary, finding) for finding in summary.findings]


def _finding(summary: Summary, finding: Finding) -> str:
    worst = finding.members[0]
    verdict = Verdict(finding.verdict)
    where = [*finding.dtypes, *(summary.merged.columns[number].name for number in finding.columns)]
    why = str(worst.observation.message or "")
    if finding.known:
        entry = worst.run.known[finding.known]
        why = entry.why
    return row(
        (
            f"{verdict.symbol} {finding.verdict.words} {len(finding.members)}",
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


def _conventions(summary: Summary) -> list[str]:
    disagree = [convention for convention in summary.conventions if convention.disagree]
    agree = [convention for convention in summary.conventions if not convention.disagree]
    return [_convention(summary, convention) for convention in (*disagree, *agree)]


def _convention(summary: Summary, convention: Convention) -> str:
    answers = []
    for label in convention.labels:
        who = []
        for answer in convention.answers:
            if answer.is_label and answer.label == label:
                only = f" [{', '.join(answer.where)}]" if answer.where else ""
                who.append(f"{answer.implementation} ({summary.merged.columns[answer.column].name}){only}")
        answers.append(f"**{text(label)}**: {text(', '.join(who))}")
    mark = "≠ " if convention.disagree else ""
    return row((code(convention.operation), f"{mark}{text(convention.question)}", "<br>".join(answers) or "none"))
