"""Worker processes: what computes in one may crash or hang alone.

The oracle and every judgement stay in the process that asks, so that a framework which changes threads or the
processor's floating-point mode changes nothing there.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Generator, Iterator, Mapping
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from gaugeblock.reports.verdicts import Verdict

Serve = Callable[..., Generator[Any, Any, None]]
"""The life of a worker process: a generator that first yields what it says of itself, and then, for each message that
is sent into it, the reply."""


class ProcessLostError(Exception):
    """The process died or hung; `verdict` says which."""

    def __init__(self, verdict: Verdict, message: str) -> None:
        super().__init__(message)
        self.verdict = verdict


class WorkerProcess:
    """A process that answers messages one after another. Once it is lost, the next message starts another.

    Args:
        title: what messages call it, as in "the process of torch".
        serve: a module-level function; see Serve.
        arguments: what it is called with.
        environ: environment variables that are set before it is called.
        logs: the folder of the file that holds what it prints; by default that of temporary files.
        leads: whether it has worker processes of its own.
    """

    def __init__(
        self,
        title: str,
        serve: Serve,
        arguments: tuple[Any, ...] = (),
        environ: Mapping[str, str] | None = None,
        *,
        logs: Path | None = None,
        leads: bool = False,
    ) -> None:
        self.title = title
        self._serve, self._arguments, self._environ = serve, arguments, dict(environ or {})
        self._logs, self._leads = logs, leads
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None
        self._log: Path | None = None
        self._ended = False

    def start(self, timeout: float) -> Any:
        """Start the process, which must not run; what it says of itself. ProcessLostError if that does not come."""
        if self._ended:
            raise ProcessLostError(Verdict.HARNESS_ERROR, "the session is over")
        if self._log is None:
            descriptor, name = tempfile.mkstemp(prefix="gaugeblock-", suffix=".log", dir=self._logs)
            os.close(descriptor)
            self._log = Path(name)
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        arguments = (theirs, str(self._log), sys.path, self._environ, self._serve, self._arguments)
        self._process = context.Process(target=_live, args=arguments, daemon=not self._leads)
        with _uninterrupted():
            self._process.start()
        theirs.close()
        return self._receive(timeout)

    @property
    def runs(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    def ask(self, message: Any, timeout: float | None) -> Any:
        """The reply to a message. ProcessLostError if the process does not survive it, or does not reply in time.

        `timeout` is in seconds; None waits as long as it takes.
        """
        connection = self._connection
        if connection is None:
            raise ProcessLostError(Verdict.HARNESS_ERROR, "the process was ended")
        try:
            connection.send(message)
        except OSError as error:
            self.close()
            raise ProcessLostError(Verdict.CRASHED, f"the process of {self.title} takes no calls: {error}") from None
        return self._receive(timeout)

    def _receive(self, timeout: float | None) -> Any:
        connection, process = self._connection, self._process
        if connection is None or process is None:
            raise ProcessLostError(Verdict.HARNESS_ERROR, "the process was ended")
        try:
            if connection.poll(timeout):
                return connection.recv()
        except (EOFError, OSError):
            process.join(5)
            message = f"the process of {self.title} ended with exit code {process.exitcode}. {self._tail()}".rstrip()
            self.close()
            raise ProcessLostError(Verdict.CRASHED, message) from None
        self.close()
        raise ProcessLostError(Verdict.TIMED_OUT, f"no answer within {timeout:g} s")

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

    def discard(self, grace: float = 0.0) -> None:
        """End the process and remove what it said."""
        self.close(grace)
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


def _end_with_the_parent() -> None:
    """Nobody waits for what this process is doing once the one that asked is gone, however that ended."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _live(
    connection: Connection,
    log: str,
    path: list[str],
    environ: Mapping[str, str],
    serve: Serve,
    arguments: tuple[Any, ...],
) -> None:
    # Frameworks write to the file descriptors themselves; their chatter belongs in the log.
    with Path(log).open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    # Ctrl-C is for the process that asks; it ends this one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    os.environ.update(environ)
    sys.path[:] = path
    serving = serve(*arguments)
    try:
        connection.send(next(serving))
        with contextlib.suppress(EOFError):
            while True:
                connection.send(serving.send(connection.recv()))
    except Exception:
        traceback.print_exc()
        raise
