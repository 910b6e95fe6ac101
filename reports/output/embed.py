"""All observations as compact, compressed JSON for the page's search."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

from gaugeblock.reports.merge import Merged, Placed
from gaugeblock.reports.scripts.script import NoScriptError, script
from gaugeblock.reports.values import describe, lines, seen
from gaugeblock.reports.verdicts import SCRIPTED, Verdict

_INPUTS_FOR = frozenset({"deviates", "known", "undecided", "crashed", "timed_out", "harness_error"})


def embedded(merged: Merged) -> str:
    """Base64 of zlib-compressed JSON: strings, columns, verdicts, calls, known, rows.

    A row is a list of numbers into `strings` unless stated otherwise, cut after its last entry that is not
    null: operation, implementation, dtype, device, mode, check, case, column (a number into `columns`),
    verdict (into `verdicts`), error, allowed (themselves), accuracy, label, message, known, expected,
    nearest, got, digest, input, call where it is not the implementation's, script: a list of its lines or, where there
    is none, why. The order is the one that `report.js` reads.
    """
    strings: dict[str, int] = {}
    data = {
        "columns": [column.name for column in merged.columns],
        "verdicts": [[verdict.value, verdict.symbol] for verdict in Verdict],
        "calls": {name: entry.call for run in merged.runs for name, entry in run.implementations.items()},
        "known": {
            name: {"why": each.why, "versions": each.versions, "link": each.link}
            for run in merged.runs
            for name, each in run.known.items()
        },
        "rows": [_row(placed, strings) for placed in merged.placed],
        "strings": list(strings),
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def _row(placed: Placed, strings: dict[str, int]) -> list[Any]:
    """The row of an observation; `strings` has the number of each string, and takes in those that are new."""

    def number(text: str) -> int:
        return strings.setdefault(text, len(strings))

    def optional(text: str | None) -> int | None:
        return number(text) if text else None

    observation = placed.observation
    witness = seen(observation)
    row: list[Any] = [
        *map(number, placed.key.split("/")),
        placed.column,
        placed.verdict.rank,
        _short(observation.error),
        _short(observation.allowed),
        *map(optional, (observation.accuracy, observation.label, observation.message, observation.known)),
        *map(optional, (witness.expected, witness.nearest, witness.got, observation.digest)),
        optional(_inputs(placed) if placed.verdict in _INPUTS_FOR else None),
        optional(observation.call),
    ]
    if placed.verdict in SCRIPTED:
        try:
            # Scripts share most of their lines.
            row.append([number(line) for line in script(placed.run, observation).splitlines()])
        except NoScriptError as error:
            row.append(number(str(error)))
    while row[-1] is None:
        row.pop()
    return row


def _short(value: float | None) -> float | int | None:
    if value is None:
        return None
    short = float(f"{value:.4g}")
    return int(short) if short.is_integer() and short < 1e6 else short


def _inputs(placed: Placed) -> str:
    case = placed.case_entry
    if case is None:
        return ""
    at = seen(placed.observation).at
    text = [f"{name} = {value}" for name, value in sorted(case.parameters.items())]
    for name, stored in sorted(case.inputs.items()):
        text += [f"{name}: {describe(stored)}", *(f"  {line}" for line in lines(stored, at))]
    return "\n".join(text)
