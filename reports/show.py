"""One observation in full, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping

from gaugeblock.reports.merge import Placed, merge
from gaugeblock.reports.records import Observation, Run
from gaugeblock.reports.runfile import found
from gaugeblock.reports.scripts.script import NoScriptError, script
from gaugeblock.reports.values import describe, lines, seen, ulp
from gaugeblock.reports.verdicts import ACCURACIES, SCRIPTED
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

Rows = list[tuple[str, str | None]]


def show(run: Run, key: str) -> RenderableType:
    """Everything the run knows about the observation with this key; RunFileError if it has none."""
    found(run, key)
    placed = next(placed for placed in merge([run]).placed if placed.key == key)
    verdict = placed.verdict
    head = Text.assemble((f"{verdict.symbol} {verdict.words}", verdict.style), "  ", (key, "bold"), overflow="fold")
    parts: list[RenderableType] = [head, Text(verdict.meaning, "dim")]
    for title, rows in _sections(placed).items():
        columns = Column(style="dim", no_wrap=True), Column(overflow="fold")
        table = Table(*columns, box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
        for name, text in rows:
            if text:
                table.add_row(Text(name), Text(text))
        if table.rows:
            parts += [Text(), Text(title, "bold"), Padding(table, (0, 0, 0, 2))]
    return Group(*parts)


def _sections(placed: Placed) -> dict[str, Rows]:
    """What is shown under which title; what has no text is left out."""
    operation, check, known = placed.operation_entry, placed.check_entry, placed.known_entry
    framework = placed.run.frameworks[placed.framework]
    hardware = framework.devices.get(placed.device)
    return {
        "Definition": [
            ("operation", f"{placed.operation}: {operation.summary}"),
            ("formula", operation.formula.strip("\n")),
            ("source", operation.source),
            ("bound", operation.bound),
            ("check", f"{placed.check} ({check.kind}): {check.question}"),
            ("answers", "; ".join(check.answers)),
        ],
        "Call": [
            ("call", placed.call),
            ("conventions", ", ".join(_stated(placed.implementation_entry.conventions))),
        ],
        "Input": _inputs(placed),
        "Answer": _answer(placed.observation),
        "Known deviation": [
            ("name", placed.known),
            ("kind", getattr(known, "words", None)),
            *((name, getattr(known, name, None)) for name in ("why", "versions", "link", "file")),
        ],
        "Script": [_script(placed)],
        "Environment": [
            ("framework", placed.framework),
            ("versions", ", ".join(f"{name} {version}" for name, version in sorted(framework.versions.items()))),
            ("device", f"{placed.device} ({hardware})" if hardware else placed.device),
            ("mode", ", ".join([placed.mode, *_stated(framework.modes.get(placed.mode, {}))])),
            *((name, str(value)) for name, value in placed.run.environment.items()),
            ("run", f"{placed.run.created}, gaugeblock {placed.run.suite.version}"),
        ],
    }


def _stated(values: Mapping[str, object]) -> list[str]:
    return [f"{name}={value}" for name, value in values.items()]


def _inputs(placed: Placed) -> Rows:
    case, at = placed.case_entry, seen(placed.observation).at
    if case is None:
        suite, name = placed.run.suite, placed.observation.case
        drawn = f"{name}, which gaugeblock {suite.version} ({suite.digest}) draws anew"
        return [("case", drawn if name else None)]
    rows: Rows = [(name, str(value)) for name, value in case.parameters.items()]
    return [*rows, *((name, "\n".join([describe(it), *lines(it, at)])) for name, it in case.inputs.items())]


def _answer(observation: Observation) -> Rows:
    witness, accuracy = seen(observation), observation.accuracy
    return [
        ("at", str(witness.at) if observation.witness else None),
        *((name, getattr(witness, name)) for name in ("expected", "nearest", "got")),
        ("error", _distance(observation.error)),
        ("allowed", _distance(observation.allowed)),
        ("class", accuracy and f"{accuracy}: {ACCURACIES[accuracy]}"),
        *((name, getattr(observation, name)) for name in ("label", "digest", "message")),
    ]


def _distance(value: float | None) -> str | None:
    return None if value is None else f"{ulp(value)} ULP"


def _script(placed: Placed) -> tuple[str, str | None]:
    """How to see a deviation again, or why there is no way."""
    if placed.verdict not in SCRIPTED:
        return "none", None
    try:
        script(placed.run, placed.observation)
    except NoScriptError as error:
        return "none", str(error)
    return "shows it", f"gaugeblock reproduce {placed.key} --run RUN.json"
