"""From outcomes to the run: expectations applied, and everything a reader of the run file needs."""

from __future__ import annotations

import datetime
import functools
import hashlib
import importlib.metadata
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from gaugeblock.adapters.registry import adapter
from gaugeblock.conformance.known.matcher import apply, expectations_of
from gaugeblock.conformance.session.plan import Plan, Selection, Test
from gaugeblock.conformance.session.workers import Outcome, Scheduler, process_key
from gaugeblock.conformance.trials.setting import Observation
from gaugeblock.reference.catalogue import Operation
from gaugeblock.reports import runfile

PACKAGES = ("adapters", "conformance", "reference", "reports")


@functools.cache
def suite() -> dict[str, str]:
    """Version and digest of the installed suite: the same digest means the same code, data and expectations.

    Plug-ins are none of it: the versions of their distributions stand beside what was measured.
    """
    hashed = hashlib.sha256()
    for package in PACKAGES:
        root = Path(str(resources.files(f"gaugeblock.{package}")))
        for file in sorted(root.rglob("*")):
            if file.is_file() and file.suffix in (".py", ".toml", ".json", ".j2", ".css", ".js"):
                hashed.update(f"{package}/{file.relative_to(root).as_posix()}".encode() + file.read_bytes())
    return {"version": importlib.metadata.version("gaugeblock"), "digest": hashed.hexdigest()[:16]}


@dataclass(frozen=True, repr=False)
class Judged:
    """A test's observations with known deviations marked. pytest shows the repr of every argument it reports."""

    observations: list[Observation]
    stale: list[dict[str, str]]
    outcome: Outcome


class Recorder:
    """Judges the outcomes of a session, once each, and makes the run of them."""

    def __init__(self, plan: Plan, selection: Selection, scheduler: Scheduler, expression: str) -> None:
        self.plan = plan
        self.selection = selection
        self.scheduler = scheduler
        self.expression = expression
        self._started = time.perf_counter()
        self._judged: dict[str, Judged] = {}

    def judged(self, test: Test) -> Judged:
        """What the test saw; waits for it."""
        if test.id not in self._judged:
            outcome = self.scheduler.outcomes[test.id].result()
            greeting = self.scheduler.greetings.get(process_key(test))
            versions = greeting.versions if greeting else {}
            known = expectations_of(test.setting.implementation.framework)
            observations, stale = apply(test.id, outcome.observations, versions, known)
            self._judged[test.id] = Judged(observations, stale, outcome)
        return self._judged[test.id]

    def run(self, tests: Sequence[Test]) -> runfile.Run:
        """The run of what is finished; `partial` if that is not all of `tests`."""
        done = [
            t for t in tests if self.scheduler.outcomes[t.id].done() and not self.scheduler.outcomes[t.id].cancelled()
        ]
        judged = [self.judged(test) for test in done]
        observations = [observation for each in judged for observation in each.observations]
        faults = [test.id for test, each in zip(done, judged, strict=True) if each.outcome.error]
        broken = bool(faults) or any(o["verdict"] == "harness_error" for o in observations)
        used = {observation["expectation"] for observation in observations if "expectation" in observation}
        used |= {entry["expectation"] for each in judged for entry in each.stale}
        measured = dict.fromkeys(test.setting.implementation.framework for test in done)
        known = {each.id: each for name in measured for each in expectations_of(name)}
        return {
            "format": runfile.FORMAT,
            "suite": suite(),
            "status": "partial" if len(done) < len(tests) else "broken" if broken else "complete",
            "created": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "selection": {
                "frameworks": list(self.selection.frameworks),
                "devices": list(self.selection.devices),
                "dtypes": list(self.selection.dtypes),
                "modes": list(self.selection.modes),
                "expression": self.expression,
            },
            "seconds": self._seconds(),
            "environment": environment(),
            "frameworks": self._frameworks(done, judged),
            **_tables(done),
            "cases": _cases(judged),
            "expectations": {name: each.record() for name, each in known.items() if name in used},
            "stale": [entry for each in judged for entry in each.stale],
            "observations": observations,
        }

    def _seconds(self) -> dict[str, float]:
        spent = self.scheduler.seconds
        known = spent.imports + spent.framework + spent.oracle
        parts = {
            "total": time.perf_counter() - self._started,
            "import": spent.imports,
            "framework": spent.framework,
            "oracle": spent.oracle,
            "rest": max(0.0, spent.busy - known),
        }
        return {name: round(value, 3) for name, value in parts.items()}

    def _frameworks(self, done: Sequence[Test], judged: Sequence[Judged]) -> dict[str, Any]:
        found: dict[str, Any] = {
            name: {"status": "not_run", "message": message, "versions": {}, "devices": {}, "modes": {}}
            for name, message in self.plan.absent.items()
        }
        for test, each in zip(done, judged, strict=True):
            name = test.setting.implementation.framework
            greeting = self.scheduler.greetings.get(process_key(test))
            if name not in found:
                found[name] = {
                    "status": "measured",
                    "message": None,
                    "versions": adapter(name).versions(),
                    "devices": {},
                    "modes": {},
                    "scripts": {mode.name: adapter(name).told(mode) for mode in adapter(name).modes},
                }
            entry = found[name]
            if greeting and greeting.error is None:
                entry["versions"].update(greeting.versions)
                entry["devices"].update(greeting.devices)
                entry["modes"][test.setting.mode.name] = greeting.flags
            if each.outcome.error:
                entry.update(status="harness_error", message=each.outcome.error.strip().splitlines()[-1])
        for (name, mode), message in self.plan.missing_modes.items():
            if name in found:
                found[name]["modes"][mode] = {"message": message}
        return found


def environment() -> dict[str, str | int]:
    """The machine and the interpreter."""
    processor = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                processor = line.partition(":")[2].strip()
                break
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processor": processor or "unknown",
    }


def _plain(value: Any) -> Any:
    return ", ".join(str(each) for each in value) if isinstance(value, tuple) else value


def _described(op: Operation) -> dict[str, Any]:
    return {
        "kind": op.kind,
        "summary": op.summary,
        "formula": op.formula,
        "source": op.source,
        "parameters": {name: str(default) for name, default in op.parameters.items()},
        "bound": str(op.bound),
    }


def _tables(tests: Sequence[Test]) -> dict[str, Any]:
    """Operations, implementations and checks that the tests name."""
    operations, implementations, checks = {}, {}, {}
    for name, test in {test.setting.implementation.operation: test for test in tests}.items():
        told = test.check.entry if test.check.kind == "story" else None
        operations[name] = dict(told) if told else _described(test.setting.operation)
    for name, test in {test.setting.implementation.id: test for test in tests}.items():
        implementation = test.setting.implementation
        implementations[name] = {
            "framework": implementation.framework,
            "call": test.check.code or implementation.call,
            "conventions": {key: _plain(value) for key, value in implementation.conventions.items()},
            **({"recipe": dict(test.check.entry)} if test.check.kind == "recipe" and test.check.entry else {}),
        }
    for check in {test.check.name: test.check for test in tests}.values():
        checks[check.name] = {"kind": check.kind, "question": check.question, "answers": list(check.answers)}
    return {"operations": operations, "implementations": implementations, "checks": checks}


def _cases(judged: Sequence[Judged]) -> dict[str, Any]:
    stored = {name: case for each in judged for name, case in each.outcome.cases.items()}
    return {
        name: {
            "parameters": {k: list(v) if isinstance(v, tuple) else v for k, v in case.parameters.items()},
            "inputs": {key: runfile.encode(array) for key, array in case.inputs.items()},
        }
        for name, case in stored.items()
    }
