"""One observation in full, for a terminal."""

from __future__ import annotations

from gaugeblock.reports.merge import Seen, merge
from gaugeblock.reports.runfile import Run, found
from gaugeblock.reports.script import DEVIATING, NoScriptError, script
from gaugeblock.reports.values import both, describe, lines, ulp
from gaugeblock.reports.verdicts import ACCURACIES, VERDICTS, words
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text


def show(run: Run, key: str) -> RenderableType:
    """Everything the run knows about the observation with this key; RunFileError if it has none."""
    found(run, key)
    seen = next(seen for seen in merge([run]).seen if seen.key == key)
    verdict = VERDICTS[seen.verdict]
    head = Text.assemble(
        (f"{verdict.symbol} {words(seen.verdict)}", verdict.style), "  ", (key, "bold"), overflow="fold"
    )
    parts: list[RenderableType] = [head, Text(verdict.meaning, "dim")]
    for title, rows in (
        ("Definition", _definition(seen)),
        ("Call", _call(seen)),
        ("Input", _inputs(seen)),
        ("Answer", _answer(seen)),
        ("Expectation", _expectation(seen)),
        ("Script", _script(seen)),
        ("Environment", _environment(seen)),
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


def _definition(seen: Seen) -> list[tuple[str, str]]:
    entry = seen.operation_entry
    check = seen.run["checks"][seen.check]
    rows = [
        ("operation", f"{seen.operation}: {entry['summary']}"),
        ("formula", entry["formula"].strip("\n")),
        ("source", entry["source"]),
        ("bound", entry["bound"]),
        ("check", f"{seen.check} ({check['kind']}): {check['question']}"),
    ]
    if check["answers"]:
        rows.append(("answers", "; ".join(check["answers"])))
    return rows


def _call(seen: Seen) -> list[tuple[str, str]]:
    entry = seen.implementation_entry
    conventions = ", ".join(f"{name}={value}" for name, value in entry["conventions"].items())
    rows = [("call", seen.call)]
    return [*rows, ("conventions", conventions)] if conventions else rows


def _inputs(seen: Seen) -> list[tuple[str, str]]:
    case = seen.case_entry
    if case is None:
        return []
    at = seen.observation.get("witness", {}).get("at", [])
    rows = [(name, str(value)) for name, value in case["parameters"].items()]
    for name, stored in case["inputs"].items():
        rows.append((name, "\n".join([describe(stored), *lines(stored, at)])))
    return rows


def _answer(seen: Seen) -> list[tuple[str, str]]:
    observation = seen.observation
    witness = observation.get("witness", {})
    rows = []
    if witness:
        rows.append(("at", str(witness["at"])))
        rows.append(("expected", witness["expected"]))
        if "nearest" in witness:
            rows.append(("nearest", both(witness["nearest"], seen.dtype)))
        rows.append(("got", both(witness["got"], seen.dtype)))
    if "error" in observation:
        rows.append(("error", f"{ulp(observation['error'])} ULP"))
    if "allowed" in observation:
        rows.append(("allowed", f"{ulp(observation['allowed'])} ULP"))
    if "accuracy" in observation:
        accuracy = observation["accuracy"]
        rows.append(("class", f"{accuracy}: {ACCURACIES[accuracy]}"))
    rows += [(name, observation[name]) for name in ("label", "digest", "message") if observation.get(name)]
    return rows


def _expectation(seen: Seen) -> list[tuple[str, str]]:
    name = seen.observation.get("expectation")
    if name is None:
        return []
    entry = seen.run["expectations"][name]
    rows = [("name", name), ("why", entry["why"]), ("versions", entry["versions"])]
    return [*rows, ("link", entry["link"])] if entry["link"] else rows


def _script(seen: Seen) -> list[tuple[str, str]]:
    """How to see a deviation again, or why there is no way."""
    if seen.verdict not in DEVIATING:
        return []
    try:
        script(seen.run, seen.observation)
    except NoScriptError as error:
        return [("none", str(error))]
    return [("shows it", f"gaugeblock reproduce {seen.key} --run RUN.json")]


def _environment(seen: Seen) -> list[tuple[str, str]]:
    framework = seen.implementation_entry["framework"]
    entry = seen.run["frameworks"][framework]
    flags = entry["modes"].get(seen.mode, {})
    hardware = entry["devices"].get(seen.device)
    rows = [
        ("framework", framework),
        ("versions", ", ".join(f"{name} {version}" for name, version in sorted(entry["versions"].items()))),
        ("device", f"{seen.device} ({hardware})" if hardware else seen.device),
        ("mode", ", ".join([seen.mode, *(f"{name}={value}" for name, value in flags.items())])),
        *((name, str(value)) for name, value in seen.run["environment"].items()),
        ("run", f"{seen.run['created']}, gaugeblock {seen.run['suite']['version']}"),
    ]
    return [(name, text) for name, text in rows if text]
