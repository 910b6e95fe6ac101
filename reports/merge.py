"""One report's material out of many run files."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
from gaugeblock.reports.records import ImplementationRecord, Observation, OperationRecord, Run, StoredCase
from gaugeblock.reports.runfile import RunFileError
from gaugeblock.reports.verdicts import Verdict
from packaging.version import InvalidVersion, Version

Identity = tuple[str, tuple[tuple[str, str], ...], str]

_KINDS = ("activation", "loss", "metric", "story")
_DTYPES = ("float8_e4m3fn", "float8_e5m2", "float16", "bfloat16", "float32", "float64")


@dataclass(frozen=True)
class Column:
    """A framework in certain versions on one device.

    `label`, its name and version, is unique on a device; `name` adds the device where there are several.
    """

    framework: str
    versions: Mapping[str, str]
    device: str
    hardware: str
    label: str
    name: str


@dataclass(frozen=True, slots=True)
class Placed:
    """An observation with its column, the parts of its key, and the run that explains it."""

    observation: Observation
    column: int
    run: Run
    operation: str
    implementation: str
    dtype: str
    device: str
    mode: str
    check: str
    case: str

    @property
    def key(self) -> str:
        """The observation's key."""
        return self.observation.key

    @property
    def verdict(self) -> Verdict:
        """The observation's verdict."""
        return self.observation.verdict

    @property
    def check_kind(self) -> str:
        """value, gradient, relation, probe, recipe or story."""
        return self.run.checks[self.check].kind

    @property
    def implementation_entry(self) -> ImplementationRecord:
        """Framework, call and conventions, as this observation's run states them."""
        return self.run.implementations[f"{self.operation}/{self.implementation}"]

    @property
    def call(self) -> str:
        """The expression that ran: the observation's own, or the implementation's."""
        return self.observation.call or self.implementation_entry.call

    @property
    def operation_entry(self) -> OperationRecord:
        """The definition, as this observation's run states it."""
        return self.run.operations[self.operation]

    @property
    def case_entry(self) -> StoredCase | None:
        """The exact inputs, if there are any."""
        return self.run.cases[self.observation.case] if self.observation.case else None


@dataclass(frozen=True)
class Merged:
    """All runs together, in an order that does not depend on the order in which they are passed."""

    runs: tuple[Run, ...]
    columns: tuple[Column, ...]
    placed: tuple[Placed, ...]

    @property
    def created(self) -> str:
        """When the newest run ended."""
        return max(run.created for run in self.runs)

    def operations(self) -> dict[str, OperationRecord]:
        """Every operation observed, by kind and name; where runs differ, as the newest run states it."""
        entries: dict[str, OperationRecord] = {}
        for run in self.runs:
            entries.update(run.operations)
        used = {placed.operation for placed in self.placed}
        order = sorted(used, key=lambda name: (_KINDS.index(entries[name].kind), name))
        return {name: entries[name] for name in order}

    def absent(self) -> list[tuple[str, str, str]]:
        """Frameworks that no run measured: name, status (not_run, harness_error) and message."""
        measured = {f for run in self.runs for f, entry in run.frameworks.items() if entry.status == "measured"}
        found = {
            (framework, entry.status, entry.message or "")
            for run in self.runs
            for framework, entry in run.frameworks.items()
            if framework not in measured or entry.status == "harness_error"
        }
        return sorted(found)


def merge(runs: Sequence[Run], names: Sequence[str] = ()) -> Merged:
    """Put the observations of `runs` side by side, a column for each framework, its versions and device.

    `names` are what messages call the runs. RunFileError if there is none, or if two runs hold the same
    observation of the same framework in the same versions: one of them would silently be hidden.
    """
    if not runs:
        raise RunFileError("No run file was given; make one with 'gaugeblock run --output RUN.json'.")
    called = list(names) or [f"run {number + 1}" for number in range(len(runs))]
    order = sorted(range(len(runs)), key=lambda i: (runs[i].created, _fingerprint(runs[i])))
    owners: dict[tuple[Identity, str], int] = {}
    found: list[tuple[Identity, int, Observation]] = []
    hardware: dict[Identity, str] = {}
    for index in order:
        run = runs[index]
        for observation in run.observations:
            identity = _identity(run, observation.key)
            other = owners.setdefault((identity, observation.key), index)
            if other != index:
                raise RunFileError(
                    f"{called[other]} and {called[index]} both hold {observation.key} of the same "
                    f"versions of {identity[0]}; give only one of them."
                )
            found.append((identity, index, observation))
            devices = run.frameworks[identity[0]].devices
            hardware[identity] = devices.get(identity[2], "") or hardware.get(identity, "")
    columns = _columns(hardware)
    place = {_column_identity(column): number for number, column in enumerate(columns)}
    placed = [
        Placed(observation, place[identity], runs[index], *observation.key.split("/"))
        for identity, index, observation in found
    ]
    placed.sort(key=lambda s: (s.observation.key, s.column))
    return Merged(tuple(runs[i] for i in order), tuple(columns), tuple(placed))


def dtype_order(dtype: str) -> tuple[int, str]:
    """Sort key: floating-point formats from narrow to wide, then any other."""
    return (_DTYPES.index(dtype) if dtype in _DTYPES else len(_DTYPES), dtype)


def main_version(framework: str, versions: Mapping[str, str]) -> tuple[str, str]:
    """The distribution that the framework is named for, and its version.

    Which of `versions` that is follows from its name, since run files have no table of frameworks:
    `sklearn` is nearest to `scikit-learn`.
    """
    if framework in versions:
        return framework, versions[framework]
    near = difflib.get_close_matches(framework, sorted(versions), n=1, cutoff=0.6)
    return (near[0], versions[near[0]]) if near else (framework, "")


def natural(text: str) -> list[tuple[int, int, str]]:
    """Sort key in which 10 comes after 9."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", text) if part]


def _identity(run: Run, key: str) -> Identity:
    operation, implementation, _, device, *_ = key.split("/")
    framework = run.implementations[f"{operation}/{implementation}"].framework
    versions = run.frameworks[framework].versions
    return framework, tuple(sorted(versions.items())), device


def _column_identity(column: Column) -> Identity:
    return column.framework, tuple(sorted(column.versions.items())), column.device


def _columns(hardware: Mapping[Identity, str]) -> list[Column]:
    labels: dict[Identity, str] = {}
    for identity in hardware:
        labels[identity] = " ".join(main_version(identity[0], dict(identity[1]))).strip()
    same = Counter((label, identity[2]) for identity, label in labels.items())
    for identity, label in list(labels.items()):
        if same[label, identity[2]] > 1:
            rivals = [i for i in hardware if i[2] == identity[2] and labels[i].split(" (")[0] == label]
            shared = set.intersection(*(set(i[1]) for i in rivals))
            apart = ", ".join(f"{n} {v}" for n, v in identity[1] if (n, v) not in shared)
            if len({i[0] for i in rivals}) > 1:
                apart = ", ".join([identity[0], *([apart] if apart else [])])
            labels[identity] = f"{label} ({apart})" if apart else label
    several = len({identity[2] for identity in hardware}) > 1
    columns = [
        Column(i[0], dict(i[1]), i[2], hardware[i], label, f"{label} · {i[2]}" if several else label)
        for i, label in labels.items()
    ]
    return sorted(columns, key=_column_order)


def _column_order(column: Column) -> tuple[str, Version, str, list[tuple[int, int, str]]]:
    try:
        version = Version(main_version(column.framework, column.versions)[1])
    except InvalidVersion:
        version = Version("0")
    return column.framework, version, column.label, natural(column.device)


def _fingerprint(run: Run) -> bytes:
    facts = [run.frameworks, run.selection, run.environment, run.seconds]
    return msgspec.json.encode(facts, order="sorted")
