"""Running the scripts of a run: each framework and mode in one fresh process, which may crash or hang alone."""

from __future__ import annotations

import contextlib
import io
import os
import threading
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor

from gaugeblock.conformance.execution.supervisor import ProcessLostError, WorkerProcess
from gaugeblock.reports.records import Run
from gaugeblock.reports.runfile import split_key
from gaugeblock.reports.scripts.script import NoScriptError, NotShrunkError, script
from gaugeblock.reports.verdicts import SCRIPTED

SHOWS = "shows"
SECONDS = 120.0
"""How long one script may take, with the import of its framework."""


def scripts(run: Run) -> tuple[dict[str, str], dict[str, str]]:
    """The script of every deviation that was shrunk by key, and why others have none."""
    made, lacking = {}, {}
    for observation in run.observations:
        if observation.verdict in SCRIPTED:
            try:
                made[observation.key] = script(run, observation)
            except NotShrunkError:
                continue
            except NoScriptError as error:
                lacking[observation.key] = str(error)
    return made, lacking


def verified(
    run: Run, made: Mapping[str, str], progress: Callable[[int, int], None], *, jobs: int | None = None
) -> dict[str, str]:
    """What became of each script: SHOWS, or what it was instead.

    `progress` is called with the number of scripts that are done, and of all.
    """
    groups: dict[tuple[str, str], list[str]] = {}
    for key in made:
        parts = split_key(key)
        framework = run.implementations[f"{parts['operation']}/{parts['implementation']}"].framework
        groups.setdefault((framework, parts["mode"]), []).append(key)
    processes = {name: WorkerProcess("the script", _serve) for name in groups}
    found: dict[str, str] = {}
    stopped, lock = threading.Event(), threading.Lock()

    def work(name: tuple[str, str]) -> None:
        try:
            for key in groups[name]:
                outcome = _outcome(processes[name], key, made[key])
                with lock:
                    if stopped.is_set():
                        return
                    found[key] = outcome
                    progress(len(found), len(made))
        finally:
            processes[name].discard()

    with ThreadPoolExecutor(jobs or os.cpu_count() or 1) as pool:
        try:
            list(pool.map(work, sorted(groups, key=lambda name: -len(groups[name]))))
        except BaseException:
            # What still runs is ended, or Ctrl-C would wait for it.
            stopped.set()
            for process in processes.values():
                process.end()
            raise
    return {key: found[key] for key in made}


def _outcome(process: WorkerProcess, key: str, text: str) -> str:
    try:
        if not process.runs:
            process.start(SECONDS)
        return str(process.ask((key, text), SECONDS))
    except ProcessLostError as error:
        return str(error).strip()


def _serve() -> Generator[str | None, tuple[str, str], None]:
    asked = yield None
    while True:
        asked = yield _run(*asked)


def _run(key: str, text: str) -> str:
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            exec(compile(text, key, "exec"), {"__name__": "__main__"})
    except SystemExit as end:
        lines = [line for line in printed.getvalue().splitlines() if line.startswith(("got", "one", "other", "error"))]
        return SHOWS if end.code == 1 else f"does not show: {'; '.join(lines)}"
    except BaseException as error:
        return f"raised {type(error).__name__}: {' '.join(str(error).split())}"[:300]
    return "ended without saying whether it shows"
