"""Evaluating calls in the process where the framework is, and that process as the suite sees it."""

from __future__ import annotations

import importlib
import os
import re
import time
import traceback
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from gaugeblock.adapters.base import Adapter, Array, Function
from gaugeblock.adapters.processor import instruction_set
from gaugeblock.adapters.registry import adapter
from gaugeblock.conformance.cases.steps import batches
from gaugeblock.conformance.execution.call import Answer, Call, NoAnswer, vectors
from gaugeblock.conformance.execution.lifecycle import perform
from gaugeblock.conformance.execution.supervisor import ProcessLostError, WorkerProcess
from gaugeblock.reports.verdicts import Verdict


def describe(error: BaseException) -> str:
    """The exception in one line, without what differs from run to run: addresses and folders of this machine."""
    text = " ".join(str(error).split())
    text = re.sub(r"0x[0-9a-f]{6,}", "0x...", text)
    text = re.sub(r"""(["'])/[^"']*/([^"'/]+)\1""", r"\1\2\1", text)
    return f"{type(error).__name__}: {text}"[:300]


def handed_over(framework_adapter: Adapter, call: Call, arrays: Sequence[Array]) -> list[Any]:
    """The arrays of a call as the framework's own, in the layout asked for."""
    if call.layout is None:
        return [framework_adapter.put(array, call.device) for array in arrays]
    return [framework_adapter.lay_out(array, call.layout, call.device) for array in arrays]


def overwritten(framework_adapter: Adapter, call: Call, arrays: Sequence[Any]) -> NoAnswer | None:
    """What is said of a call that changed the numbers of an array which it was given."""
    handed = [*zip(call.inputs, call.arrays, strict=True)]
    handed += [] if call.cotangent is None else [("cotangent", call.cotangent)]
    for (name, given), array in zip(handed, arrays, strict=False):
        if framework_adapter.get(array).astype(given.dtype).tobytes() != given.tobytes():
            return NoAnswer(Verdict.DEVIATES, f"the call wrote to its input {name}", name)
    return None


def _kept(halves: Array) -> str:
    return "kept" if np.all(halves != 0) else "flushed to zero"


class Server:
    """Evaluates calls; keeps what it compiled."""

    def __init__(self, framework_adapter: Adapter, namespace: dict[str, Any], *, watchful: bool = False) -> None:
        self.adapter = framework_adapter
        self.watchful = watchful
        """Whether a call that writes to its inputs has no answer in any layout."""
        self.namespace = namespace
        self.functions: dict[Any, Function] = {}
        self.seconds = 0.0

    def flags(self) -> dict[str, Any]:
        """The adapter's flags, instruction set, and what happens to subnormal numbers, in NumPy beside it too."""
        tiny = np.full(64, np.finfo(np.float32).tiny, np.float32)
        given = self.adapter.put(tiny, next(iter(self.adapter.devices())))
        try:
            half = self.adapter.get(given * 0.5)
        except Exception:
            told = "unknown"
        else:
            told = _kept(half)
        return {
            "instruction_set": instruction_set(),
            **self.adapter.flags(),
            "omp_num_threads": os.environ.get("OMP_NUM_THREADS", "not set"),
            "subnormals": told,
            "subnormals_in_numpy_beside_it": _kept(tiny * np.float32(0.5)),
        }

    def answer(self, call: Call) -> Answer:
        """The answer to a call; what its implementation raised is `unsupported`."""
        try:
            function, given = self._stepping(call) if call.steps else self._calling(call)
            arrays = handed_over(self.adapter, call, given)
        except Exception as error:
            traceback.print_exc()
            return NoAnswer(Verdict.HARNESS_ERROR, describe(error))
        started = time.perf_counter()
        try:
            result: Array = function(*arrays)
        except NameError as error:
            return NoAnswer(
                Verdict.HARNESS_ERROR, f"the call {call.implementation.call!r} cannot be evaluated: {error}"
            )
        except Exception as error:
            return NoAnswer(Verdict.UNSUPPORTED, describe(error))
        finally:
            self.seconds += time.perf_counter() - started
        watched = self.watchful or call.layout is not None
        written = None if not watched else overwritten(self.adapter, call, arrays)
        return result if written is None else written

    def _calling(self, call: Call) -> tuple[Function, list[Array]]:
        function = self._function(call)
        given = [*call.arrays, *([] if call.cotangent is None else [call.cotangent])]

        def called(*arrays: Any) -> Array:
            answer = function(*arrays)
            return answer if isinstance(answer, np.ndarray) else self.adapter.get(answer)

        return called, given

    def _stepping(self, call: Call) -> tuple[Function, list[Array]]:
        """The steps of a call as a function of their batches' arrays, one batch after another."""
        cut = batches(call.steps, call.arrays)
        width = len(call.arrays)

        def stepped(*arrays: Any) -> list[Any]:
            made = {key: arrays[at * width : (at + 1) * width] for at, key in enumerate(cut)}
            spelled = self.adapter.spelled(call.parameters)
            return perform(call.implementation, call.inputs, spelled, self.namespace, call.steps, made)

        function = self.adapter.on_device(stepped, call.device)

        def joined(*arrays: Any) -> Array:
            return np.concatenate([self.adapter.get(each).ravel() for each in function(*arrays)])

        return joined, [array for batch in cut.values() for array in batch]

    def _function(self, call: Call) -> Function:
        spelled = self.adapter.spelled(call.parameters)
        key = (
            call.implementation.id,
            call.implementation.call,
            call.mode.name,
            call.device,
            tuple(sorted(spelled.items())),
            call.cotangent is not None and call.order,
            call.inputs,
            (call.arrays[-1].dtype.name, call.layout) if vectors(spelled, call) else None,
        )
        if key not in self.functions:
            own = call.implementation.product if call.cotangent is not None else None
            names = (*call.inputs, *([] if own is None else ["cotangent"]), *spelled)
            named = call.implementation.function(self.namespace, names, own)

            held = vectors(spelled, call)
            laid = dict(zip(held, handed_over(self.adapter, call, list(held.values())), strict=True))
            values = [laid.get(name, value) for name, value in spelled.items()]

            def function(*arrays: Any) -> Any:
                return named(*arrays, *values)

            made: Function = function
            if call.cotangent is not None and own is None:
                made = self.adapter.vjp(made, call.order)
            if call.mode.compiled:
                made = self.adapter.compile(made)
            self.functions[key] = self.adapter.on_device(made, call.device)
        return self.functions[key]


NONE: Mapping[str, str] = {}
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


class FrameworkProcess:
    """A process that imports one framework, under one environment, and answers calls.

    Args:
        framework: its name.
        environ: environment variables, set before the framework is imported.
        timeout: seconds that an answer may take.
        modules: what calls may name beside what the framework's adapter has, with the module that each is.
        logs: see WorkerProcess.
    """

    def __init__(
        self,
        framework: str,
        environ: Mapping[str, str],
        timeout: float,
        modules: Mapping[str, str] = NONE,
        *,
        logs: Path | None = None,
    ) -> None:
        self.framework = framework
        self.timeout = timeout
        self.import_seconds = 0.0
        """What its processes took to start, to import the framework and to end."""
        self.framework_seconds = 0.0
        self._environ, self._modules, self._logs = environ, dict(modules), logs
        self._greeting = Greeting()
        self._worker: WorkerProcess | None = None

    def greet(self) -> Greeting:
        """Start the process if it does not run; what it said of itself."""
        if self._worker is None:
            arguments = (self.framework, self._modules)
            self._worker = WorkerProcess(self.framework, serve, arguments, self._environ, logs=self._logs)
        if not self._worker.runs:
            started = time.perf_counter()
            try:
                self._greeting = self._worker.start(START_SECONDS)
            except ProcessLostError as error:
                self._greeting = Greeting(error=str(error))
            self.import_seconds += time.perf_counter() - started
        return self._greeting

    def ask(self, calls: Sequence[Call]) -> list[Answer]:
        """Answers to the calls, in order. Calls that the process does not survive are found out one by one."""
        try:
            return self._exchange(calls)
        except ProcessLostError as error:
            if len(calls) == 1:
                return [NoAnswer(error.verdict, str(error))]
        answers: list[Answer] = []
        for call in calls:
            if any(isinstance(answer, NoAnswer) and answer.verdict == Verdict.TIMED_OUT for answer in answers):
                # Each hang costs the whole time limit: one proves the point.
                why = "not asked: an earlier call of the test gave no answer in time"
                answers.append(NoAnswer(Verdict.NOT_RUN, why))
            else:
                answers += self.ask([call])
        return answers

    def _exchange(self, calls: Sequence[Call]) -> list[Answer]:
        greeting = self.greet()
        if greeting.error is not None or self._worker is None:
            raise ProcessLostError(Verdict.HARNESS_ERROR, greeting.error or "the process did not start")
        answers, seconds = self._worker.ask(list(calls), self.timeout)
        self.framework_seconds += seconds
        return list(answers)

    def discard(self) -> None:
        """End the process and remove what it said."""
        started = time.perf_counter()
        if self._worker is not None:
            self._worker.discard(GRACE_SECONDS)
        self.import_seconds += time.perf_counter() - started

    def end(self) -> None:
        """End the process for good, whatever it is doing."""
        if self._worker is not None:
            self._worker.end()


def serve(framework: str, modules: Mapping[str, str]) -> Generator[Any, Any, None]:
    """The life of a framework process: its greeting, then for each list of calls their answers and the seconds."""
    started = time.perf_counter()
    try:
        framework_adapter = adapter(framework)
        more = {name: importlib.import_module(module) for name, module in modules.items()}
        namespace = {**framework_adapter.load(), **more}
        server = Server(framework_adapter, namespace)
        greeting = Greeting(
            framework_adapter.versions(),
            framework_adapter.devices(),
            server.flags(),
            time.perf_counter() - started,
        )
    except Exception as error:
        traceback.print_exc()
        yield Greeting(error=describe(error), seconds=time.perf_counter() - started)
        return
    reply: Any = greeting
    while True:
        calls: Sequence[Call] = yield reply
        server.seconds = 0.0
        reply = [server.answer(call) for call in calls], server.seconds
