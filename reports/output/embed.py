"""All observations as compact, compressed JSON for the page's search."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

from gaugeblock.reports.merge import Merged, Placed
from gaugeblock.reports.records import KnownRecord
from gaugeblock.reports.scripts.script import NoScriptError, script
from gaugeblock.reports.values import both, describe, lines
from gaugeblock.reports.verdicts import SCRIPTED, Verdict

_INPUTS_FOR = frozenset({"deviates", "known", "undecided", "crashed", "timed_out", "harness_error"})


class _Table:
    """Strings by number: each is stored once."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))

    def strings(self) -> list[str]:
        return list(self._numbers)


def embedded(merged: Merged) -> str:
    """Base64 of zlib-compressed JSON: strings, columns, verdicts, calls, known, rows.

    A row is a list of numbers into `strings` unless stated otherwise, cut after its last entry that is not
    null: operation, implementation, dtype, device, mode, check, case, column (a number into `columns`),
    verdict (into `verdicts`), error, allowed (themselves), accuracy, label, message, known, expected,
    nearest, got, digest, input, call where it is not the implementation's, script: a list of its lines or, where there
    is none, why. The order is the one that `report.js` reads.
    """
    table = _Table()
    verdicts = list(Verdict)
    rows = [_row(placed, table, verdicts) for placed in merged.placed]
    calls: dict[str, str] = {}
    known: dict[str, KnownRecord] = {}
    for run in merged.runs:
        calls.update({name: entry.call for name, entry in run.implementations.items()})
        known.update(run.known)
    data = {
        "columns": [column.name for column in merged.columns],
        "verdicts": [[verdict.value, verdict.symbol] for verdict in verdicts],
        "calls": calls,
        "known": {
            name: {"why": each.why, "versions": each.versions, "link": each.link} for name, each in known.items()
        },
        "strings": table.strings(),
        "rows": rows,
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def _row(placed: Placed, table: _Table, verdicts: list[Verdict]) -> list[Any]:
    observation = placed.observation
    witness = observation.witness

    def text(value: str | None) -> int | None:
        return table.number(value) if value else None

    row: list[Any] = [
        *(
            table.number(part)
            for part in (
                placed.operation,
                placed.implementation,
                placed.dtype,
                placed.device,
                placed.mode,
                placed.check,
                placed.case,
            )
        ),
        placed.column,
        verdicts.index(placed.verdict),
        _short(observation.error),
        _short(observation.allowed),
        text(observation.accuracy),
        text(observation.label),
        text(observation.message),
        text(observation.known),
        text(witness.expected if witness else None),
        text(both(witness.nearest, placed.dtype) if witness and witness.nearest else None),
        text(both(witness.got, placed.dtype) if witness else None),
        text(observation.digest),
        text(_inputs(placed) if placed.verdict in _INPUTS_FOR else None),
        text(observation.call),
        _script(placed, table),
    ]
    while row[-1] is None:
        row.pop()
    return row


def _script(placed: Placed, table: _Table) -> list[int] | int | None:
    """Scripts share most of their lines: each line is stored once."""
    if placed.verdict not in SCRIPTED:
        return None
    try:
        return [table.number(line) for line in script(placed.run, placed.observation).splitlines()]
    except NoScriptError as error:
        return table.number(str(error))


def _short(value: float | None) -> float | int | None:
    if value is None:
        return None
    short = float(f"{value:.4g}")
    return int(short) if short.is_integer() and short < 1e6 else short


def _inputs(placed: Placed) -> str:
    case = placed.case_entry
    if case is None:
        return ""
    at = placed.observation.witness.at if placed.observation.witness else []
    text = [f"{name} = {value}" for name, value in sorted(case.parameters.items())]
    for name, stored in sorted(case.inputs.items()):
        text += [f"{name}: {describe(stored)}", *(f"  {line}" for line in lines(stored, at))]
    return "\n".join(text)
