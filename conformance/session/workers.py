"""Runs tests ahead of pytest: one thread for each framework process, as many at a time as there are cores."""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.execution.supervisor import FrameworkProcess, Greeting
from gaugeblock.conformance.judging.judge import Judgement
from gaugeblock.conformance.minimise.reproduction import reproduced
from gaugeblock.conformance.session.plan import Test
from gaugeblock.conformance.trials.setting import Clock, Context, Observation

ProcessKey = tuple[str, tuple[tuple[str, str], ...]]

THREADS = "OMP_NUM_THREADS"


@dataclass
class Outcome:
    """What a test saw. `error` is the traceback of a fault of the suite's own."""

    observations: list[Observation] = field(default_factory=list)
    cases: dict[str, Case] = field(default_factory=dict)
    error: str | None = None


@dataclass
class Seconds:
    """Time, summed over framework processes and their threads."""

    imports: float = 0.0
    framework: float = 0.0
    oracle: float = 0.0
    busy: float = 0.0


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


class Scheduler:
    """Starts the framework processes and hands out what their tests saw."""

    def __init__(self, tests: Sequence[Test], *, timeout: float, jobs: int | None = None) -> None:
        self.outcomes: dict[str, Future[Outcome]] = {test.id: Future() for test in tests}
        self.greetings: dict[ProcessKey, Greeting] = {}
        self.seconds = Seconds()
        self._stopped = threading.Event()
        self._timeout = timeout
        self._lock = threading.Lock()
        self._processes: list[FrameworkProcess] = []
        self._groups: dict[ProcessKey, list[Test]] = {}
        for test in tests:
            self._groups.setdefault(process_key(test), []).append(test)
        most = jobs or os.cpu_count() or 1
        self._environ = shared_cores(min(most, len(self._groups)))
        self._pool = ThreadPoolExecutor(max_workers=most, thread_name_prefix="gaugeblock")

    def start(self) -> None:
        """Start measuring: the largest group first, or it runs alone at the end."""
        for key, group in sorted(self._groups.items(), key=lambda item: -len(item[1])):
            self._pool.submit(self._run, key, group)

    @property
    def done(self) -> int:
        """How many tests are finished."""
        return sum(1 for future in self.outcomes.values() if future.done())

    def finish(self) -> None:
        """Wait for threads whose tests are all done; end everything else. What is finished stays."""
        if self.done < len(self.outcomes):
            self._stopped.set()
            with self._lock:
                for process in self._processes:
                    process.end()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, key: ProcessKey, tests: Sequence[Test]) -> None:
        started = time.perf_counter()
        process = FrameworkProcess(key[0], {**self._environ, **dict(key[1])}, self._timeout)
        with self._lock:
            if self._stopped.is_set():
                return
            self._processes.append(process)
        clock = Clock()
        try:
            greeting = process.greet()
            self.greetings[key] = greeting
            for test in tests:
                if self._stopped.is_set():
                    return
                self._settle(test, lambda test=test: _observe(test, process, greeting, clock))  # type: ignore[misc]
        except Exception:
            text = traceback.format_exc()
            for test in tests:
                self._settle(test, lambda: Outcome(error=text))
        finally:
            process.discard()
            with self._lock:
                self.seconds.imports += process.import_seconds
                self.seconds.framework += process.framework_seconds
                self.seconds.oracle += clock.oracle
                self.seconds.busy += time.perf_counter() - started

    def _settle(self, test: Test, make: Callable[[], Outcome]) -> None:
        future = self.outcomes[test.id]
        if future.done() or not future.set_running_or_notify_cancel():
            return
        outcome = make()
        # A process that was ended by finish() looks like one that crashed.
        if not self._stopped.is_set():
            future.set_result(outcome)


def _observe(test: Test, process: FrameworkProcess, greeting: Greeting, clock: Clock) -> Outcome:
    if greeting.error is not None:
        return Outcome(error=f"{test.setting.implementation.framework} could not be imported: {greeting.error}")
    context = Context(test.setting, process.ask, clock)
    if test.setting.device not in greeting.devices:
        message = f"{test.setting.implementation.framework} sees no device {test.setting.device}"
        missing = context.observation(test.check.name, Case("all", {}), Judgement("not_run", message=message))
        return Outcome([missing], {})
    try:
        observations = reproduced(context, list(test.check.observe(context)))
    except Exception:
        return Outcome(error=traceback.format_exc())
    return Outcome(observations, context.stored_cases)
