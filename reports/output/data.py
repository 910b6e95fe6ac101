"""The merged summary as JSON, for other programs."""

from __future__ import annotations

import json
from typing import Any

from gaugeblock.reports import banner
from gaugeblock.reports.behaviour import Story, agreements, recipes, stories
from gaugeblock.reports.merge import Merged, Placed
from gaugeblock.reports.summary import Achieved, Summary, summarise
from gaugeblock.reports.verdicts import ordered

FORMAT = 2


def render_json(merged: Merged) -> str:
    """The summary as JSON text. `column` is always a number into `columns`, `worst` and `example` are keys.

    - format: 2
    - created: when the newest run ended
    - warnings: sentences
    - runs: [{created, status, suite, environment, observations}]
    - columns: [{label, framework, versions, device, hardware}]
    - totals: {verdict: count}
    - operations: {name: {kind, summary, source, bound, counts: [{column, counts: {verdict: count}}]}}
    - findings: [{verdict, operation, implementation, framework, check, known, count, columns, dtypes,
      modes, worst, error, allowed, message, keys: [{column, key}]}], most serious first
    - accuracy: [{operation, implementation, column, kind, dtypes: {dtype: {worst, error, allowed, counts}}}]
    - conventions: [{operation, check, case, question, disagree, answers: [{implementation, column, label,
      verdict, where, example}]}]; label is null where there was no answer; where is empty if the answer is
      the same in every dtype and mode
    - relations: [{operation, check, implementation, column, counts, labels, worst}]
    - recipes: [{operation, like, name, says, limits, expressions: [{column, call, counts, worst}]}]
    - stories: [{name, title, text, instead, source, figures: [{name, question,
      observed: [{column, key, label, got}]}]}]
    - agreements: [{columns, shared, equal}]: of the cases that two columns both answered, those with the same bits
    """
    summary = summarise(merged)
    document = {
        "format": FORMAT,
        "created": merged.created,
        "warnings": banner.warnings(merged),
        "runs": [
            {
                "created": run.created,
                "status": run.status,
                "suite": {"version": run.suite.version, "digest": run.suite.digest},
                "environment": run.environment,
                "observations": len(run.observations),
            }
            for run in merged.runs
        ],
        "columns": [
            {
                "label": column.label,
                "framework": column.framework,
                "versions": dict(column.versions),
                "device": column.device,
                "hardware": column.hardware,
            }
            for column in merged.columns
        ],
        "totals": ordered(summary.totals),
        "operations": _operations(summary),
        "findings": _findings(summary),
        "accuracy": [
            {
                "operation": row.operation,
                "implementation": row.implementation,
                "column": row.column,
                "kind": row.kind,
                "dtypes": {dtype: _achieved(achieved) for dtype, achieved in row.dtypes.items()},
            }
            for row in summary.accuracy
        ],
        "conventions": _conventions(summary),
        "relations": [
            {
                "operation": relation.operation,
                "check": relation.check,
                "implementation": relation.implementation,
                "column": relation.column,
                "counts": dict(relation.counts),
                "labels": dict(relation.labels),
                "worst": relation.worst.key,
            }
            for relation in summary.relations
        ],
        "recipes": [
            {
                **{field: getattr(recipe, field) for field in ("operation", "like", "name", "says", "limits")},
                "expressions": [
                    {"column": each.column, "call": each.call, "counts": dict(each.counts), "worst": each.worst.key}
                    for each in recipe.expressions
                ],
            }
            for recipe in recipes(merged)
        ],
        "stories": [_story(story) for story in stories(merged)],
        "agreements": [
            {"columns": [each.one, each.other], "shared": each.shared, "equal": each.equal}
            for each in agreements(merged)
        ],
    }
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def _operations(summary: Summary) -> dict[str, Any]:
    columns = range(len(summary.merged.columns))
    return {
        name: {
            **{field: getattr(entry, field) for field in ("kind", "summary", "source", "bound")},
            "counts": [
                {"column": column, "counts": ordered(summary.counts[name, column])}
                for column in columns
                if (name, column) in summary.counts
            ],
        }
        for name, entry in summary.merged.operations().items()
    }


def _findings(summary: Summary) -> list[dict[str, Any]]:
    return [
        {
            "verdict": finding.verdict,
            "operation": finding.operation,
            "implementation": finding.implementation,
            "framework": finding.framework,
            "check": finding.check,
            "known": finding.known,
            "count": len(finding.members),
            "columns": finding.columns,
            "dtypes": finding.dtypes,
            "modes": finding.modes,
            "worst": finding.members[0].key,
            **_measured(finding.members[0]),
            "message": finding.members[0].observation.message,
            "keys": [{"column": placed.column, "key": placed.key} for placed in finding.members],
        }
        for finding in summary.findings
    ]


def _conventions(summary: Summary) -> list[dict[str, Any]]:
    return [
        {
            "operation": convention.operation,
            "check": convention.check,
            "case": convention.case,
            "question": convention.question,
            "disagree": convention.disagree,
            "answers": [
                {
                    "implementation": answer.implementation,
                    "column": answer.column,
                    "label": answer.label if answer.is_label else None,
                    "verdict": answer.example.verdict,
                    "where": list(answer.where),
                    "example": answer.example.key,
                }
                for answer in convention.answers
            ],
        }
        for convention in summary.conventions
    ]


def _story(story: Story) -> dict[str, Any]:
    return {
        "name": story.name,
        "title": story.entry.summary,
        "text": story.entry.formula,
        "instead": story.entry.bound,
        "source": story.entry.source,
        "figures": [
            {
                "name": figure.name,
                "question": figure.question,
                "observed": [
                    {
                        "column": placed.column,
                        "key": placed.key,
                        "label": placed.observation.label,
                        "got": placed.observation.witness.got if placed.observation.witness else None,
                    }
                    for placed in figure.placed
                ],
            }
            for figure in story.figures
        ],
    }


def _achieved(achieved: Achieved) -> dict[str, Any]:
    return {"worst": achieved.worst.key, **_measured(achieved.worst), "counts": dict(achieved.counts)}


def _measured(placed: Placed) -> dict[str, Any]:
    return {name: getattr(placed.observation, name) for name in ("error", "allowed")}
