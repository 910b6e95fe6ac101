"""Workers: one thread for each framework process, as many at a time as there are cores."""

from __future__ import annotations

import os
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from gaugeblock.conformance.execution.worker import FrameworkProcess, Greeting
from gaugeblock.conformance.known.matcher import apply, known_of
from gaugeblock.conformance.minimise.reproduction import reproduced
from gaugeblock.conformance.session.plan import Test
from gaugeblock.conformance.trials.engine import Outcome, not_run, observe
from gaugeblock.reference.cached_truth import CLOCK
from gaugeblock.reports import runfile
from gaugeblock.reports.records import NotSeen, Observation, StoredCase, StoredStep

ProcessKey = tuple[str, tuple[tuple[str, str], ...]]

THREADS = "OMP_NUM_THREADS"

PLAYED = {"stories": "gaugeblock.conformance.stories"}
"""Modules that calls name beside those of frameworks: the scenes of stories."""


@dataclass
class Measured:
    """What a test showed. `error` is the traceback of a fault of the suite's own."""

    observations: list[Observation] = field(default_factory=list)
    not_seen: list[NotSeen] = field(default_factory=list)
    cases: dict[str, StoredCase] = field(default_factory=dict)
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


class Workers:
    """Starts the framework processes and hands out what their tests showed.

    Args:
        tests: those to run.
        timeout: seconds that a framework may take for an answer.
        jobs: framework processes at a time; by default the number of cores.
    """

    def __init__(self, tests: Sequence[Test], *, timeout: float, jobs: int | None = None) -> None:
        self.measured: dict[str, Future[Measured]] = {test.id: Future() for test in tests}
        self.greetings: dict[ProcessKey, Greeting] = {}
        self.seconds = Seconds()
        self.done = 0
        """How many tests are finished."""
        self.over = threading.Event()
        """Set once all are."""
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

    def finish(self) -> None:
        """Wait for threads whose tests are all done; end everything else. What is finished stays."""
        if self.done < len(self.measured):
            self._stopped.set()
            with self._lock:
                for process in self._processes:
                    process.end()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, key: ProcessKey, tests: Sequence[Test]) -> None:
        started, truths = time.perf_counter(), CLOCK.seconds
        process = FrameworkProcess(key[0], {**self._environ, **dict(key[1])}, self._timeout, PLAYED)
        with self._lock:
            if self._stopped.is_set():
                return
            self._processes.append(process)
        try:
            greeting = process.greet()
            self.greetings[key] = greeting
            for test in tests:
                if self._stopped.is_set():
                    return
                self._settle(test, lambda test=test: _measured(test, process, greeting))  # type: ignore[misc]
        except Exception:
            text = traceback.format_exc()
            for test in tests:
                self._settle(test, lambda: Measured(error=text))
        finally:
            process.discard()
            with self._lock:
                self.seconds.imports += process.import_seconds
                self.seconds.framework += process.framework_seconds
                self.seconds.oracle += CLOCK.seconds - truths
                self.seconds.busy += time.perf_counter() - started

    def _settle(self, test: Test, make: Callable[[], Measured]) -> None:
        future = self.measured[test.id]
        if future.done() or not future.set_running_or_notify_cancel():
            return
        found = make()
        # A process that was ended by finish() looks like one that crashed.
        if not self._stopped.is_set():
            future.set_result(found)
            with self._lock:
                self.done += 1
                if self.done == len(self.measured):
                    self.over.set()


def _measured(test: Test, process: FrameworkProcess, greeting: Greeting) -> Measured:
    setting = test.setting
    framework = setting.implementation.framework
    if greeting.error is not None:
        return Measured(error=f"{framework} could not be imported: {greeting.error}")
    try:
        if setting.device in greeting.devices:
            outcomes = observe(test.check, setting, process.ask)
        else:
            outcomes = [not_run(test.check, setting, f"{framework} sees no device {setting.device}")]
        outcomes = reproduced(setting, outcomes, process.ask)
    except Exception:
        return Measured(error=traceback.format_exc())
    marked, not_seen = apply(test.id, [each.observation for each in outcomes], greeting.versions, known_of(framework))
    return Measured(marked, not_seen, _cases(outcomes))


def _cases(outcomes: Sequence[Outcome]) -> dict[str, StoredCase]:
    """The cases that observations were made of, as a run file holds them, by digest."""
    cases = {each.observation.case: each.trial.case for each in outcomes if each.observation.case is not None}
    return {
        digest: StoredCase(
            {name: list(value) if isinstance(value, tuple) else value for name, value in case.parameters.items()},
            {name: runfile.encode(array) for name, array in case.inputs.items()},
            case.order,
            [StoredStep(**vars(step)) for step in case.steps],
        )
        for digest, case in cases.items()
    }
