"""The recorder: from what tests showed to the run, with everything a reader of the run file needs."""

from __future__ import annotations

import datetime
import functools
import hashlib
import importlib.metadata
import platform
import time
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
from gaugeblock.adapters import processor
from gaugeblock.adapters.registry import adapter
from gaugeblock.conformance.known.matcher import known_of
from gaugeblock.conformance.session.brought import Brought
from gaugeblock.conformance.session.measured import Measured
from gaugeblock.conformance.session.plan import Plan, Selection, Test
from gaugeblock.conformance.session.workers import Workers, process_key
from gaugeblock.reference.catalogue import Operation
from gaugeblock.reports.records import (
    FORMAT,
    CheckRecord,
    FrameworkRecord,
    ImplementationRecord,
    OperationRecord,
    Run,
    Selected,
    Suite,
    Wording,
)
from gaugeblock.reports.verdicts import Verdict

PACKAGES = ("adapters", "conformance", "reference", "reports")


@functools.cache
def suite() -> Suite:
    """Version and digest of the installed suite: the same digest means the same code, data and known deviations.

    Plug-ins are none of it: the versions of their distributions stand beside what was measured.
    """
    hashed = hashlib.sha256()
    for package in PACKAGES:
        root = Path(str(resources.files(f"gaugeblock.{package}")))
        for file in sorted(root.rglob("*")):
            if file.is_file() and file.suffix in (".py", ".toml", ".json", ".j2", ".css", ".js"):
                hashed.update(f"{package}/{file.relative_to(root).as_posix()}".encode() + file.read_bytes())
    return Suite(importlib.metadata.version("gaugeblock"), hashed.hexdigest()[:16])


class Recorder:
    """Makes the run of a session; `brought` are the known deviations that the user's own files hold."""

    def __init__(self, plan: Plan, selection: Selection, workers: Workers, brought: Brought) -> None:
        self.plan = plan
        self.brought = brought
        self.selection = selection
        self.workers = workers
        self._started = time.perf_counter()

    def measured(self, test: Test) -> Measured:
        """What the test showed; waits for it."""
        return self.workers.measured[test.id].result()

    def finished(self, tests: Sequence[Test]) -> list[Test]:
        """Those of the tests that are finished."""
        futures = self.workers.measured
        return [test for test in tests if futures[test.id].done() and not futures[test.id].cancelled()]

    def run(self, tests: Sequence[Test]) -> Run:
        """The run of what is finished; `partial` if that is not all of `tests`."""
        done = self.finished(tests)
        measured = [self.measured(test) for test in done]
        observations = [seen for each in measured for seen in each.observations]
        broken = any(each.error for each in measured) or any(
            seen.verdict is Verdict.HARNESS_ERROR for seen in observations
        )
        seen_here = {seen.known for seen in observations}
        not_seen = [entry for each in measured for entry in each.not_seen if entry.known not in seen_here]
        used = seen_here | {entry.known for entry in not_seen}
        frameworks = dict.fromkeys(test.setting.implementation.framework for test in done)
        known = {each.id: each.record() for name in frameworks for each in known_of(name) if each.id in used}
        for path, entries in self.brought.items():
            known.update((each.id, each.record(path)) for each in entries if each.id in used)
        return Run(
            format=FORMAT,
            suite=suite(),
            status="partial" if len(done) < len(tests) else "broken" if broken else "complete",
            created=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            selection=Selected(
                list(self.selection.frameworks),
                list(self.selection.devices),
                list(self.selection.dtypes),
                list(self.selection.modes),
                self.selection.expression,
                self.selection.effort,
                list(self.selection.operations),
                list(self.selection.implementations),
                list(self.selection.checks),
                {path: [each.id for each in entries] for path, entries in self.brought.items()},
            ),
            seconds=self._seconds(),
            environment=environment(),
            frameworks=self._frameworks(done, measured),
            operations=_operations(done),
            implementations=_implementations(done),
            checks={
                check.name: CheckRecord(check.kind, check.question, list(check.answers))
                for check in (test.check for test in done)
            },
            cases={digest: case for each in measured for digest, case in each.cases.items()},
            known=known,
            not_seen=not_seen,
            observations=observations,
        )

    def _seconds(self) -> dict[str, float]:
        spent = self.workers.seconds
        parts = {
            "total": time.perf_counter() - self._started,
            "import": spent.imports,
            "framework": spent.framework,
            "oracle": spent.oracle,
            "rest": max(0.0, spent.busy - spent.imports - spent.framework - spent.oracle),
        }
        return {name: round(value, 3) for name, value in parts.items()}

    def _frameworks(self, done: Sequence[Test], measured: Sequence[Measured]) -> dict[str, FrameworkRecord]:
        found = {name: FrameworkRecord("not_run", message, {}, {}, {}) for name, message in self.plan.absent.items()}
        for test, each in zip(done, measured, strict=True):
            name = test.setting.implementation.framework
            greeting = self.workers.greetings.get(process_key(test))
            if name not in found:
                own = adapter(name)
                scripts = {mode.name: _wording(own.script_words(mode)) for mode in own.modes}
                found[name] = FrameworkRecord("measured", None, own.versions(), {}, {}, scripts)
            entry = found[name]
            if greeting and greeting.error is None:
                entry.versions.update(greeting.versions)
                entry.devices.update(greeting.devices)
                entry.modes[test.setting.mode.name] = greeting.flags
            if each.error:
                entry.status, entry.message = "harness_error", each.error.strip().splitlines()[-1]
        for (name, mode), message in self.plan.missing_modes.items():
            if name in found:
                found[name].modes[mode] = {"message": message}
        return found


def _wording(words: Mapping[str, Any] | None) -> Wording | None:
    return None if words is None else msgspec.convert(words, Wording)


def environment() -> dict[str, str | int]:
    """The machine, the interpreter, and the switches that make frameworks use less of the processor."""
    model = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": model or "unknown",
        "instruction_set": processor.instruction_set(),
        **processor.switches(),
    }


def _described(op: Operation) -> OperationRecord:
    parameters = {name: str(default) for name, default in op.parameters.items()}
    return OperationRecord(op.kind, op.summary, op.formula, op.source, parameters, str(op.bound))


def _operations(tests: Sequence[Test]) -> dict[str, OperationRecord]:
    """The operations that the tests name."""
    return {
        name: test.check.operation or _described(test.setting.operation)
        for name, test in {test.setting.implementation.operation: test for test in tests}.items()
    }


def _implementations(tests: Sequence[Test]) -> dict[str, ImplementationRecord]:
    """The implementations that the tests name."""
    found = {}
    for test in {test.setting.implementation.id: test for test in tests}.values():
        implementation, check = test.setting.implementation, test.check
        conventions = {key: _plain(value) for key, value in implementation.conventions.items()}
        found[implementation.id] = ImplementationRecord(
            implementation.framework, check.code or implementation.call, conventions, check.recipe
        )
    return found


def _plain(value: Any) -> Any:
    return ", ".join(str(each) for each in value) if isinstance(value, tuple) else value
