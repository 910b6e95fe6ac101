"""All observations as compact, compressed JSON for the page's search."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

from gaugeblock.reports.merge import Merged, Seen
from gaugeblock.reports.script import DEVIATING, NoScriptError, script
from gaugeblock.reports.values import both, describe, lines
from gaugeblock.reports.verdicts import VERDICTS

_INPUTS_FOR = frozenset({"deviates", "documented", "undecided", "crashed", "timed_out", "harness_error"})


class _Table:
    """Strings by number: each is stored once."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))

    def strings(self) -> list[str]:
        return list(self._numbers)


def embedded(merged: Merged) -> str:
    """Base64 of zlib-compressed JSON: strings, columns, verdicts, calls, expectations, rows.

    A row is a list of numbers into `strings` unless said otherwise, cut after its last entry that is not
    null: operation, implementation, dtype, device, mode, check, case, column (a number into `columns`),
    verdict (into `verdicts`), error, allowed (themselves), accuracy, label, message, expectation, expected,
    nearest, got, digest, input, call where it is not the implementation's, script: a list of its lines or, where there
    is none, why. The order is the one that `report.js` reads.
    """
    table = _Table()
    verdicts = list(VERDICTS)
    rows = [_row(seen, table, verdicts) for seen in merged.seen]
    calls: dict[str, str] = {}
    expectations: dict[str, dict[str, Any]] = {}
    for run in merged.runs:
        calls.update({name: entry["call"] for name, entry in run["implementations"].items()})
        expectations.update(run["expectations"])
    data = {
        "columns": [column.name for column in merged.columns],
        "verdicts": [[name, VERDICTS[name].symbol] for name in verdicts],
        "calls": calls,
        "expectations": expectations,
        "strings": table.strings(),
        "rows": rows,
    }
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def _row(seen: Seen, table: _Table, verdicts: list[str]) -> list[Any]:
    observation = seen.observation
    witness = observation.get("witness") or {}

    def text(value: str | None) -> int | None:
        return table.number(value) if value else None

    row: list[Any] = [
        *(
            table.number(part)
            for part in (
                seen.operation,
                seen.implementation,
                seen.dtype,
                seen.device,
                seen.mode,
                seen.check,
                seen.case,
            )
        ),
        seen.column,
        verdicts.index(seen.verdict),
        _short(observation.get("error")),
        _short(observation.get("allowed")),
        text(observation.get("accuracy")),
        text(observation.get("label")),
        text(observation.get("message")),
        text(observation.get("expectation")),
        text(witness.get("expected")),
        text(both(witness["nearest"], seen.dtype) if "nearest" in witness else None),
        text(both(witness["got"], seen.dtype) if witness else None),
        text(observation.get("digest")),
        text(_inputs(seen) if seen.verdict in _INPUTS_FOR else None),
        text(observation.get("call")),
        _script(seen, table),
    ]
    while row[-1] is None:
        row.pop()
    return row


def _script(seen: Seen, table: _Table) -> list[int] | int | None:
    """Scripts share most of their lines: each line is stored once."""
    if seen.verdict not in DEVIATING:
        return None
    try:
        return [table.number(line) for line in script(seen.run, seen.observation).splitlines()]
    except NoScriptError as error:
        return table.number(str(error))


def _short(value: float | None) -> float | int | None:
    if value is None:
        return None
    short = float(f"{value:.4g}")
    return int(short) if short.is_integer() and short < 1e6 else short


def _inputs(seen: Seen) -> str:
    case = seen.case_entry
    if case is None:
        return ""
    at = (seen.observation.get("witness") or {}).get("at", [])
    text = [f"{name} = {value}" for name, value in sorted(case["parameters"].items())]
    for name, stored in sorted(case["inputs"].items()):
        text += [f"{name}: {describe(stored)}", *(f"  {line}" for line in lines(stored, at))]
    return "\n".join(text)
