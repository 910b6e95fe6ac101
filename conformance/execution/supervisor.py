"""Framework processes: each framework computes in a process of its own, which may crash or hang alone.

The oracle and every judgement stay in the process that asks, so a framework that changes threads or the
processor's floating-point mode changes nothing there.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from gaugeblock.adapters.registry import adapter
from gaugeblock.conformance.execution.call import Answer, Call, NoAnswer
from gaugeblock.conformance.execution.worker import Server, describe

START_SECONDS = 300.0
GRACE_SECONDS = 5.0


@dataclass(frozen=True)
class Greeting:
    """What a framework process says once it has imported the framework; `error` if it could not."""

    versions: dict[str, str] = field(default_factory=dict)
    devices: dict[str, str] = field(default_factory=dict)
    flags: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    """From the start of the process to here."""
    error: str | None = None


class ProcessLostError(Exception):
    """The framework's process died or hung; `verdict` says which."""

    def __init__(self, verdict: str, message: str) -> None:
        super().__init__(message)
        self.verdict = verdict


class FrameworkProcess:
    """A process that imports one framework, under one environment, and answers calls."""

    def __init__(self, framework: str, environ: Mapping[str, str], timeout: float) -> None:
        self.framework = framework
        self.environ = dict(environ)
        self.timeout = timeout
        self.import_seconds = 0.0
        """What its processes took to start, to import the framework and to end."""
        self.framework_seconds = 0.0
        self._greeting: Greeting | None = None
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None
        self._log: Path | None = None
        self._ended = False

    def greet(self) -> Greeting:
        """Start the process if it does not run; what it said of itself."""
        if self._ended:
            return Greeting(error="the session is over")
        if self._process is None:
            if self._log is None:
                descriptor, name = tempfile.mkstemp(prefix="gaugeblock-", suffix=".log")
                os.close(descriptor)
                self._log = Path(name)
            context = multiprocessing.get_context("spawn")
            self._connection, theirs = context.Pipe()
            arguments = (self.framework, self.environ, theirs, str(self._log), sys.path, time.time())
            self._process = context.Process(target=_serve, args=arguments, daemon=True)
            with _uninterrupted():
                self._process.start()
            theirs.close()
            try:
                greeting: Greeting = self._receive(START_SECONDS)
            except ProcessLostError as error:
                greeting = Greeting(error=str(error))
            self.import_seconds += greeting.seconds
            self._greeting = greeting
        assert self._greeting is not None
        return self._greeting

    def ask(self, calls: Sequence[Call]) -> list[Answer]:
        """Answers to the calls, in order. Calls that the process does not survive are told apart one by one."""
        try:
            return self._exchange(calls)
        except ProcessLostError as error:
            if len(calls) == 1:
                return [NoAnswer(error.verdict, str(error))]
        answers: list[Answer] = []
        for call in calls:
            if any(isinstance(answer, NoAnswer) and answer.verdict == "timed_out" for answer in answers):
                # Each hang costs the whole time limit: one proves the point.
                answers.append(NoAnswer("not_run", "not asked: an earlier call of the test gave no answer in time"))
            else:
                answers += self.ask([call])
        return answers

    def _exchange(self, calls: Sequence[Call]) -> list[Answer]:
        greeting = self.greet()
        connection = self._connection
        if greeting.error is not None or connection is None:
            raise ProcessLostError("harness_error", greeting.error or "the process did not start")
        try:
            connection.send(list(calls))
        except OSError as error:
            self.close()
            raise ProcessLostError("crashed", f"the process of {self.framework} takes no calls: {error}") from None
        answers, seconds = self._receive(self.timeout)
        self.framework_seconds += seconds
        return list(answers)

    def _receive(self, timeout: float) -> Any:
        connection, process = self._connection, self._process
        if connection is None or process is None:
            raise ProcessLostError("harness_error", "the process was ended")
        try:
            if connection.poll(timeout):
                return connection.recv()
        except (EOFError, OSError):
            process.join(5)
            message = f"the process of {self.framework} ended with exit code {process.exitcode}. {self._tail()}"
            self.close()
            raise ProcessLostError("crashed", message) from None
        self.close()
        raise ProcessLostError("timed_out", f"no answer within {timeout:g} s")

    def _tail(self) -> str:
        with contextlib.suppress(OSError):
            assert self._log is not None
            lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
            return " | ".join(lines[-3:])[-400:]
        return ""

    def close(self, grace: float = 0.0) -> None:
        """End the process; the next question starts a new one. `grace` seconds let it tidy up after itself."""
        # Another thread may end the process at the same time: each works on what it took.
        connection, self._connection = self._connection, None
        process, self._process = self._process, None
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.close()
        if process is not None:
            if grace:
                process.join(grace)
            if process.is_alive():
                process.kill()
                process.join(5)

    def discard(self) -> None:
        """End the process and remove what it said."""
        started = time.perf_counter()
        self.close(GRACE_SECONDS)
        self.import_seconds += time.perf_counter() - started
        if self._log is not None:
            self._log.unlink(missing_ok=True)

    def end(self) -> None:
        """End the process for good, whatever it is doing."""
        self._ended = True
        self.close()


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """What is started here inherits that Ctrl-C waits: a process says nothing of it while Python starts."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # The first process starts this one too, which lets Ctrl-C through again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(
    framework: str, environ: dict[str, str], connection: Connection, log: str, path: list[str], started: float
) -> None:
    """The life of a framework process, `started` at that time of the clock."""
    # Frameworks write to the file descriptors themselves; their chatter belongs in the log.
    with Path(log).open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    # Ctrl-C is for the process that asks; it ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    os.environ.update(environ)
    sys.path[:] = path
    try:
        framework_adapter = adapter(framework)
        # Scenes of stories are evaluated here; they import what they play on.
        namespace = {**framework_adapter.load(), "stories": importlib.import_module("gaugeblock.conformance.stories")}
        server = Server(framework_adapter, namespace)
        greeting = Greeting(
            framework_adapter.versions(),
            framework_adapter.devices(),
            server.flags(),
            time.time() - started,
        )
    except Exception as error:
        traceback.print_exc()
        connection.send(Greeting(error=describe(error), seconds=time.time() - started))
        return
    connection.send(greeting)
    with contextlib.suppress(EOFError):
        while True:
            calls = connection.recv()
            server.seconds = 0.0
            connection.send(([server.answer(call) for call in calls], server.seconds))
