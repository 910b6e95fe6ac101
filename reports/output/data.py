"""The merged summary as JSON, for other programs."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from gaugeblock.reports import banner
from gaugeblock.reports.merge import Merged, Placed
from gaugeblock.reports.summary import agreements, recipes, stories, summarise

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
            _picked(run, "created status environment suite") | {"observations": len(run.observations)}
            for run in merged.runs
        ],
        "columns": [_picked(column, "label framework versions device hardware") for column in merged.columns],
        "totals": summary.totals,
        "operations": {
            name: _picked(entry, "kind summary source bound")
            | {
                "counts": [
                    {"column": column, "counts": counts}
                    for (operation, column), counts in sorted(summary.counts.items())
                    if operation == name
                ]
            }
            for name, entry in merged.operations().items()
        },
        "findings": [
            _picked(finding, "verdict operation implementation framework check columns dtypes modes worst")
            | _picked(finding.worst.observation, "known error allowed message")
            | {"count": len(finding.members), "keys": [_picked(placed, "column key") for placed in finding.members]}
            for finding in summary.findings
        ],
        "accuracy": [
            _picked(row, "operation implementation column kind")
            | {
                "dtypes": {
                    dtype: _picked(cell, "worst counts") | _picked(cell.worst.observation, "error allowed")
                    for dtype, cell in row.dtypes.items()
                }
            }
            for row in summary.accuracy
        ],
        "conventions": [
            _picked(convention, "operation check case question disagree")
            | {
                "answers": [
                    _picked(answer, "implementation column where example")
                    | {"label": answer.label if answer.is_label else None, "verdict": answer.example.verdict}
                    for answer in convention.answers
                ]
            }
            for convention in summary.conventions
        ],
        "relations": [
            _picked(relation, "operation check implementation column counts labels worst")
            for relation in summary.relations
        ],
        "recipes": [
            _picked(recipe, "operation like name says limits")
            | {"expressions": [_picked(each, "column call counts worst") for each in recipe.expressions]}
            for recipe in recipes(merged)
        ],
        "stories": [
            {
                "name": story.name,
                "title": story.entry.summary,
                "text": story.entry.formula,
                "instead": story.entry.bound,
                "source": story.entry.source,
                "figures": [
                    _picked(figure, "name question")
                    | {
                        "observed": [
                            _picked(placed, "column key")
                            | {
                                "label": placed.observation.label,
                                "got": getattr(placed.observation.witness, "got", None),
                            }
                            for placed in figure.placed
                        ]
                    }
                    for figure in story.figures
                ],
            }
            for story in stories(merged)
        ],
        "agreements": [
            {"columns": [each.one, each.other], "shared": each.shared, "equal": each.equal}
            for each in agreements(merged)
        ],
    }
    made = json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False, default=_plain)
    return made + "\n"


def _picked(record: object, names: str) -> dict[str, Any]:
    """Fields of a record, by their names."""
    return {name: getattr(record, name) for name in names.split()}


def _plain(value: object) -> Any:
    """An observation as its key; a part of a run file as it stands there."""
    return value.key if isinstance(value, Placed) else msgspec.to_builtins(value)
