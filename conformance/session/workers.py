"""Workers: processes that judge, each beside a framework process of its own, as many as there are cores."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
import traceback
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

from gaugeblock.adapters.registry import adapter
from gaugeblock.conformance.execution import compiled
from gaugeblock.conformance.execution.supervisor import ProcessLostError, WorkerProcess
from gaugeblock.conformance.execution.worker import Greeting
from gaugeblock.conformance.known.deviation import KnownDeviation
from gaugeblock.conformance.session.measured import Answer, Measured, Seconds, Share, work
from gaugeblock.conformance.session.plan import Test

ProcessKey = tuple[str, tuple[tuple[str, str], ...]]

THREADS = "OMP_NUM_THREADS"

START_SECONDS = 300.0
GRACE_SECONDS = 5.0

WORTH = 40
"""Tests that are left for a second worker to start the same framework once more."""


def shared_cores(processes: int) -> dict[str, str]:
    """The environment of each of so many framework processes at a time: its share of the cores, at least one.

    OpenMP's threads spin while they wait, so that processes with a thread for every core each wait for one another.
    What the user has set stays.
    """
    threads = max(1, (os.cpu_count() or 1) // max(1, processes))
    return {} if THREADS in os.environ else {THREADS: str(threads)}


def process_key(test: Test) -> ProcessKey:
    """What tests must share to run in one process."""
    return test.setting.implementation.framework, tuple(sorted(test.setting.mode.environ.items()))


class Workers:
    """Starts the worker processes and hands out what their tests showed.

    Tests of one operation in one framework process are a share: they know the same exact answers.

    Args:
        tests: those to run.
        timeout: seconds that a framework may take for an answer.
        jobs: workers at a time; by default the number of cores.
        effort: how much a test asks.
        brought: known deviations beside those of the suite.
    """

    def __init__(
        self,
        tests: Sequence[Test],
        *,
        timeout: float,
        jobs: int | None = None,
        effort: str,
        brought: Sequence[KnownDeviation] = (),
    ) -> None:
        self.measured: dict[str, Future[Measured]] = {test.id: Future() for test in tests}
        self.greetings: dict[ProcessKey, Greeting] = {}
        self.seconds = Seconds()
        self.done = 0
        """How many tests are finished."""
        self.now = ""
        """The test that was started last."""
        self.over = threading.Event()
        """Set once all are."""
        self._stopped = threading.Event()
        self._timeout, self._brought = timeout, tuple(brought)
        self._lock = threading.Lock()
        self._shares: dict[ProcessKey, list[Share]] = {}
        most = max(1, min(jobs or os.cpu_count() or 1, len(tests)))
        if compiled.kept() > compiled.LIMIT:
            with contextlib.suppress(OSError):
                compiled.clear()
        grouped: dict[tuple[ProcessKey, str], list[Test]] = {}
        for test in tests:
            grouped.setdefault((process_key(test), test.setting.implementation.operation), []).append(test)
        for (key, _), group in grouped.items():
            setting = group[0].setting
            cache = compiled.environ([setting.adapter, *map(adapter, setting.mode.requires)])
            environ = {**shared_cores(most), **cache, **setting.mode.environ}
            share = Share(key[0], environ, effort, tuple(test.id for test in group))
            self._shares.setdefault(key, []).append(share)
        for shares in self._shares.values():
            # The largest first, or it runs alone at the end.
            shares.sort(key=lambda share: len(share.tests))
        self._logs = Path(tempfile.mkdtemp(prefix="gaugeblock-"))
        self._workers = [self._worker() for _ in range(most)]
        self._busy: set[ProcessKey] = set()
        self._threads = [threading.Thread(target=self._run, args=(number,), daemon=True) for number in range(most)]

    def _worker(self) -> WorkerProcess:
        arguments = (self._timeout, str(self._logs), self._brought)
        return WorkerProcess("a worker", work, arguments, logs=self._logs, leads=True)

    def start(self) -> None:
        """Start measuring."""
        for thread in self._threads:
            thread.start()

    def finish(self) -> None:
        """End what still runs; what is finished stays."""
        self._stopped.set()
        for worker in self._workers:
            worker.end()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join()
        for future in self.measured.values():
            future.cancel()
        shutil.rmtree(self._logs, ignore_errors=True)

    def _next(self, key: ProcessKey | None) -> tuple[ProcessKey, Share] | None:
        """The largest share of the framework process that a worker has, else of the one with the most tests left."""
        with self._lock:
            left = {each: sum(len(share.tests) for share in shares) for each, shares in self._shares.items() if shares}
            free = {each: count for each, count in left.items() if each not in self._busy}
            also = {each: count for each, count in left.items() if count >= WORTH}
            mine = {each: count for each, count in left.items() if each == key}
            if not (able := mine or free or also):
                return None
            chosen = max(able, key=lambda each: able[each])
            self._busy.add(chosen)
            return chosen, self._shares[chosen].pop()

    def _run(self, number: int) -> None:
        key = None
        while not self._stopped.is_set() and (found := self._next(key)) is not None:
            key, share = found
            self._measure(self._workers[number], key, share)
        self._workers[number].discard(GRACE_SECONDS)

    def _measure(self, worker: WorkerProcess, key: ProcessKey, share: Share) -> None:
        """Hand out what the tests of a share show. A worker that is lost costs its test; the next goes on."""
        message: Share | None = share
        for place, name in enumerate(share.tests):
            self.now = name
            try:
                if not worker.runs:
                    worker.start(START_SECONDS)
                    message = Share(share.framework, share.environ, share.effort, share.tests[place:])
                answer = worker.ask(message, None)
            except ProcessLostError as error:
                answer = Answer(name, Measured(error=str(error)), Greeting(), Seconds())
            except Exception:
                # A thread that ends here would leave its tests unfinished, and the session waiting for them.
                worker.close()
                answer = Answer(name, Measured(error=traceback.format_exc()), Greeting(), Seconds())
            message = None
            # A worker that was ended by finish() looks like one that crashed.
            if self._stopped.is_set():
                return
            self._settle(key, answer)

    def _settle(self, key: ProcessKey, answer: Answer) -> None:
        with self._lock:
            self.measured[answer.test].set_result(answer.measured)
            if answer.greeting.seconds or answer.greeting.error:
                self.greetings.setdefault(key, answer.greeting)
            for name, value in vars(answer.seconds).items():
                setattr(self.seconds, name, getattr(self.seconds, name) + value)
            self.done += 1
            if self.done == len(self.measured):
                self.over.set()
