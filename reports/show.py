"""One observation in full, for a terminal."""

from __future__ import annotations

from gaugeblock.reports.merge import Placed, merge
from gaugeblock.reports.records import Run
from gaugeblock.reports.runfile import found
from gaugeblock.reports.scripts.script import NoScriptError, script
from gaugeblock.reports.values import both, describe, lines, ulp
from gaugeblock.reports.verdicts import ACCURACIES, SCRIPTED, Verdict
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text


def show(run: Run, key: str) -> RenderableType:
    """Everything the run knows about the observation with this key; RunFileError if it has none."""
    found(run, key)
    placed = next(placed for placed in merge([run]).placed if placed.key == key)
    verdict = Verdict(placed.verdict)
    head = Text.assemble(
        (f"{verdict.symbol} {placed.verdict.words}", verdict.style), "  ", (key, "bold"), overflow="fold"
    )
    parts: list[RenderableType] = [head, Text(verdict.meaning, "dim")]
    for title, rows in (
        ("Definition", _definition(placed)),
        ("Call", _call(placed)),
        ("Input", _inputs(placed)),
        ("Answer", _answer(placed)),
        ("Known deviation", _known(placed)),
        ("Script", _script(placed)),
        ("Environment", _environment(placed)),
    ):
        if rows:
            parts += [Text(), Text(title, "bold"), Padding(_grid(rows), (0, 0, 0, 2))]
    return Group(*parts)


def _grid(rows: list[tuple[str, str]]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(Text(name), Text(text))
    return table


def _definition(placed: Placed) -> list[tuple[str, str]]:
    entry = placed.operation_entry
    check = placed.run.checks[placed.check]
    rows = [
        ("operation", f"{placed.operation}: {entry.summary}"),
        ("formula", entry.formula.strip("\n")),
        ("source", entry.source),
        ("bound", entry.bound),
        ("check", f"{placed.check} ({check.kind}): {check.question}"),
    ]
    if check.answers:
        rows.append(("answers", "; ".join(check.answers)))
    return rows


def _call(placed: Placed) -> list[tuple[str, str]]:
    entry = placed.implementation_entry
    conventions = ", ".join(f"{name}={value}" for name, value in entry.conventions.items())
    rows = [("call", placed.call)]
    return [*rows, ("conventions", conventions)] if conventions else rows


def _inputs(placed: Placed) -> list[tuple[str, str]]:
    case = placed.case_entry
    if case is None:
        return []
    at = placed.observation.witness.at if placed.observation.witness else []
    rows = [(name, str(value)) for name, value in case.parameters.items()]
    for name, stored in case.inputs.items():
        rows.append((name, "\n".join([describe(stored), *lines(stored, at)])))
    return rows


def _answer(placed: Placed) -> list[tuple[str, str]]:
    observation = placed.observation
    witness = observation.witness
    rows = []
    if witness:
        rows.append(("at", str(witness.at)))
        rows.append(("expected", witness.expected))
        if witness.nearest is not None:
            rows.append(("nearest", both(witness.nearest, placed.dtype)))
        rows.append(("got", both(witness.got, placed.dtype)))
    if observation.error is not None:
        rows.append(("error", f"{ulp(observation.error)} ULP"))
    if observation.allowed is not None:
        rows.append(("allowed", f"{ulp(observation.allowed)} ULP"))
    if observation.accuracy is not None:
        accuracy = observation.accuracy
        rows.append(("class", f"{accuracy}: {ACCURACIES[accuracy]}"))
    texts = {name: getattr(observation, name) for name in ("label", "digest", "message")}
    rows += [(name, text) for name, text in texts.items() if text]
    return rows


def _known(placed: Placed) -> list[tuple[str, str]]:
    name = placed.observation.known
    if name is None:
        return []
    entry = placed.run.known[name]
    rows = [("name", name), ("why", entry.why), ("versions", entry.versions)]
    return [*rows, ("link", entry.link)] if entry.link else rows


def _script(placed: Placed) -> list[tuple[str, str]]:
    """How to see a deviation again, or why there is no way."""
    if placed.verdict not in SCRIPTED:
        return []
    try:
        script(placed.run, placed.observation)
    except NoScriptError as error:
        return [("none", str(error))]
    return [("shows it", f"gaugeblock reproduce {placed.key} --run RUN.json")]


def _environment(placed: Placed) -> list[tuple[str, str]]:
    framework = placed.implementation_entry.framework
    entry = placed.run.frameworks[framework]
    flags = entry.modes.get(placed.mode, {})
    hardware = entry.devices.get(placed.device)
    rows = [
        ("framework", framework),
        ("versions", ", ".join(f"{name} {version}" for name, version in sorted(entry.versions.items()))),
        ("device", f"{placed.device} ({hardware})" if hardware else placed.device),
        ("mode", ", ".join([placed.mode, *(f"{name}={value}" for name, value in flags.items())])),
        *((name, str(value)) for name, value in placed.run.environment.items()),
        ("run", f"{placed.run.created}, gaugeblock {placed.run.suite.version}"),
    ]
    return [(name, text) for name, text in rows if text]
