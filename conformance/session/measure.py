"""A measuring session: pytest over the suite, with progress, an exit code, and the run file it wrote."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from gaugeblock.conformance import plugin
from gaugeblock.conformance.session.plan import Plan, Selection, SelectionError, plan
from gaugeblock.reports import runfile
from gaugeblock.reports.banner import not_seen
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

CONFORMS, DEVIATES, HARNESS = 0, 1, 2

QUIET_SECONDS = 15.0
"""How often progress is told where there is no terminal to draw on."""

SHOWN = 20


class Nothing(Exception):  # noqa: N818
    """Nothing was measured; the message says why and what to do."""


@dataclass
class Report:
    """How a session ended."""

    code: int
    run: runfile.Run | None
    written: Path | None
    lines: list[str] = field(default_factory=list)


class _Watcher:
    """A pytest plugin that tells the progress and keeps what went wrong."""

    def __init__(self) -> None:
        # Made before pytest's own words on standard error are set aside.
        self._console = Console(file=sys.stderr)
        self.failed: list[str] = []
        self.faults: list[str] = []
        self.interrupted = False
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if plugin.RECORDER in session.config.stash:
            scheduler = session.config.stash[plugin.RECORDER].scheduler
            self._thread = threading.Thread(target=self._tell, args=(scheduler,), daemon=True)
            self._thread.start()

    def _tell(self, scheduler: Any) -> None:
        total = len(scheduler.outcomes)
        console = self._console
        if not console.is_terminal:
            last = time.monotonic()
            while not self._over.wait(0.5):
                if time.monotonic() - last > QUIET_SECONDS:
                    last = time.monotonic()
                    console.print(f"gaugeblock: {scheduler.done} of {total} tests", highlight=False)
            return
        columns = (
            TextColumn("measuring"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("tests"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=console, transient=True) as progress:
            task = progress.add_task("", total=total)
            while not self._over.wait(0.2):
                progress.update(task, completed=scheduler.done)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            if report.when == "call":
                self.failed.append(str(report.longrepr))
            else:
                crash = getattr(report.longrepr, "reprcrash", None)
                said = str(crash.message if crash else report.longrepr)
                self.faults.append(said.removeprefix(f"{plugin.__name__}.HarnessError: "))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.faults.append(str(report.longrepr))

    def pytest_keyboard_interrupt(self) -> None:
        self.interrupted = True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self) -> Any:
        try:
            return (yield)
        finally:
            self._over.set()
            if self._thread is not None:
                self._thread.join(5)


class _Config:
    """Catches pytest's configuration, where the plugin says what it wrote."""

    def __init__(self) -> None:
        self.config: pytest.Config | None = None

    def pytest_configure(self, config: pytest.Config) -> None:
        self.config = config


def arguments(
    selection: Selection, expression: str, output: Path, timeout: float, jobs: int | None, strict: bool
) -> list[str]:
    """The pytest command line that measures a selection."""
    package = Path(str(resources.files("gaugeblock.conformance")))
    given = [
        str(package / "test_conformance.py"),
        "-c",
        os.devnull,
        f"--rootdir={package}",
        "-p",
        "no:cacheprovider",
    ]
    given += ["-p", "no:terminal", "--import-mode=importlib", f"--gaugeblock-output={output.absolute()}"]
    # Frameworks speak, warn and log in processes of their own: here there is nothing to catch at each test.
    given += ["--capture=sys"]
    given += [f"-pno:{name}" for name in ("logging", "warnings", "unraisableexception", "threadexception")]
    for name in ("framework", "device", "dtype", "mode"):
        given += [f"--gaugeblock-{name}={value}" for value in getattr(selection, f"{name}s")]
    given += [f"--gaugeblock-timeout={timeout}"]
    given += [f"--gaugeblock-jobs={jobs}"] if jobs else []
    given += ["--gaugeblock-strict"] if strict else []
    given += ["--gaugeblock-skip-missing-device"] if selection.skip_missing_device else []
    given += [f"-k{expression}"] if expression else []
    return given


def measure(
    selection: Selection, expression: str, output: Path, *, timeout: float, jobs: int | None, strict: bool = False
) -> Report:
    """Measure a selection and write the run file; `strict` fails where an expected deviation does not show.

    Raises SelectionError for a name that does not exist, and Nothing if there is nothing to measure; then no file
    is touched.
    """
    made = plan(selection)
    if not made.tests and selection.skip_missing_device and not selection.has_device():
        note = f"not run: there is no device {' or '.join(selection.devices)} on this machine; no run file was written"
        return Report(CONFORMS, None, None, [note])
    if not made.tests:
        reasons = [*made.absent.values(), *made.missing_modes.values()]
        why = "; ".join(reasons).rstrip(".") or "no test has this framework, device, dtype and mode"
        raise Nothing(f"nothing to measure: {why}.")
    output = output.resolve()
    if output.exists() and not output.is_file():
        raise Nothing(f"{output} is not a file; give the name of a file to --output.")
    output.parent.mkdir(parents=True, exist_ok=True)
    # A place that cannot be written is known before an hour of measuring, not after.
    tempfile.TemporaryFile(dir=output.parent).close()
    watcher, catcher = _Watcher(), _Config()
    with contextlib.redirect_stderr(io.StringIO()) as said:
        code = pytest.main(arguments(selection, expression, output, timeout, jobs, strict), plugins=[watcher, catcher])
    nothing = None, None
    written, run = catcher.config.stash.get(plugin.WRITTEN, nothing) if catcher.config else nothing
    if code == pytest.ExitCode.USAGE_ERROR:
        words = " ".join(said.getvalue().removeprefix("ERROR: ").split())
        raise Nothing(f"pytest does not understand what it was asked: {words}.")
    if code == pytest.ExitCode.NO_TESTS_COLLECTED:
        raise Nothing(f"no test matches -k '{expression}'; 'gaugeblock list implementations' names what there is.")
    if code == pytest.ExitCode.INTERNAL_ERROR:
        watcher.faults.append(said.getvalue() or "pytest ended with an internal error")
    lines = [*_findings(watcher), *_notes(made, run, watcher.interrupted)]
    return Report(_code(code, watcher), run, written, lines)


def _code(code: int | pytest.ExitCode, watcher: _Watcher) -> int:
    if watcher.faults or watcher.interrupted or code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        return HARNESS
    return DEVIATES if watcher.failed else CONFORMS


def _findings(watcher: _Watcher) -> list[str]:
    lines = [line for text in watcher.failed for line in text.splitlines()]
    shown = lines[:SHOWN] + ([f"... and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else [])
    causes = list(dict.fromkeys(text.strip().splitlines()[-1] for text in watcher.faults))
    return [*shown, *(f"harness error: {cause}" for cause in causes[:SHOWN])]


def _notes(made: Plan, run: runfile.Run | None, interrupted: bool) -> list[str]:
    missing = [o["message"] for o in (run["observations"] if run else ()) if o["verdict"] == "not_run"]
    modes = [f"{framework} in mode {mode}: {why}" for (framework, mode), why in made.missing_modes.items()]
    lines = [f"not run: {message}" for message in dict.fromkeys([*made.absent.values(), *modes, *missing])]
    lines += [note] if run and (note := not_seen(run)) else []
    return lines + (["interrupted: the run file holds what was finished"] if interrupted else [])


__all__ = ["CONFORMS", "DEVIATES", "HARNESS", "Nothing", "Report", "SelectionError", "measure"]
