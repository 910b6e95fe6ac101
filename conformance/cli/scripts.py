"""Running the scripts of a run: each framework and mode in one fresh process, which may crash or hang alone."""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from gaugeblock.reports.runfile import Run, split_key
from gaugeblock.reports.script import DEVIATING, NoScriptError, script

SHOWS = "shows"
SECONDS = 120.0
"""How long one script may take, with the import of its framework."""

Scripts = Sequence[tuple[str, str]]
"""Keys, each with its script."""


def scripts(run: Run) -> tuple[dict[str, str], dict[str, str]]:
    """The script of every deviation by key, and why others have none."""
    made, lacking = {}, {}
    for observation in run["observations"]:
        if observation["verdict"] in DEVIATING:
            try:
                made[observation["key"]] = script(run, observation)
            except NoScriptError as error:
                lacking[observation["key"]] = str(error)
    return made, lacking


def verified(
    run: Run, made: Mapping[str, str], tell: Callable[[str], None], *, jobs: int | None = None
) -> dict[str, str]:
    """What became of each script: SHOWS, or what it was instead. `tell` is called with each key that is done."""
    groups: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for key, text in made.items():
        parts = split_key(key)
        framework = run["implementations"][f"{parts['operation']}/{parts['implementation']}"]["framework"]
        groups.setdefault((framework, parts["mode"]), []).append((key, text))
    found: dict[str, str] = {}
    stopped = threading.Event()

    def work(group: Scripts) -> None:
        runner = _Runner()
        try:
            for key, text in group:
                if stopped.is_set():
                    return
                found[key] = runner.outcome(key, text)
                tell(key)
        finally:
            runner.end()

    with ThreadPoolExecutor(jobs or os.cpu_count() or 1) as pool:
        try:
            list(pool.map(work, sorted(groups.values(), key=len, reverse=True)))
        except KeyboardInterrupt:
            stopped.set()
            raise
    return {key: found[key] for key in made}


class _Runner:
    """A process that runs one script after another; another takes its place where it does not survive one."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._process: Any = None

    def outcome(self, key: str, text: str) -> str:
        if self._connection is None:
            context = multiprocessing.get_context("spawn")
            self._connection, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(theirs, sys.path), daemon=True)
            self._process.start()
            theirs.close()
        connection, process = self._connection, self._process
        try:
            connection.send((key, text))
            if connection.poll(SECONDS):
                return str(connection.recv())
        except (EOFError, OSError):
            process.join(5)
            self.end()
            return f"ended its process with exit code {process.exitcode}"
        self.end()
        return f"did not end within {SECONDS:g} s"

    def end(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
            self._process.kill()
            self._process.join(5)


def _serve(connection: Connection, path: list[str]) -> None:
    # Frameworks write to the file descriptors themselves.
    with Path(os.devnull).open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.path[:] = path
    with contextlib.suppress(EOFError):
        while True:
            connection.send(_run(*connection.recv()))


def _run(key: str, text: str) -> str:
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            exec(compile(text, key, "exec"), {"__name__": "__main__"})
    except SystemExit as end:
        lines = [line for line in said.getvalue().splitlines() if line.startswith(("got", "one", "other", "error"))]
        return SHOWS if end.code == 1 else f"does not show: {'; '.join(lines)}"
    except BaseException as error:
        return f"raised {type(error).__name__}: {' '.join(str(error).split())}"[:300]
    return "ended without saying whether it shows"
