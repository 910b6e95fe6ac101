"""One report's material out of many run files."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from gaugeblock.reports.records import (
    CheckRecord,
    ImplementationRecord,
    KnownRecord,
    Observation,
    OperationRecord,
    Run,
    StoredCase,
)
from gaugeblock.reports.runfile import RunFileError
from gaugeblock.reports.verdicts import Verdict
from packaging.version import InvalidVersion, Version

Identity = tuple[str, tuple[tuple[str, str], ...], str]
"""Of a column: framework, versions, device."""

Item = TypeVar("Item")
Common = TypeVar("Common", bound=tuple[Any, ...])

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
    """An observation with its column, the parts of its key, and what its run states of them."""

    observation: Observation
    column: int
    run: Run
    key: str
    verdict: Verdict
    operation_entry: OperationRecord
    implementation_entry: ImplementationRecord
    check_entry: CheckRecord
    case_entry: StoredCase | None
    """The exact inputs, if there are any."""
    known: str
    """The known deviation that explains it, or nothing."""
    known_entry: KnownRecord | None
    framework: str
    check_kind: str
    """value, gradient, relation, probe, recipe or story."""
    call: str
    """The expression that ran: the observation's own, or the implementation's."""
    operation: str
    implementation: str
    dtype: str
    device: str
    mode: str
    check: str
    case: str


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

    def of(self, *kinds: str) -> list[Placed]:
        """The observations of checks of these kinds."""
        return [placed for placed in self.placed if placed.check_kind in kinds]

    def operations(self) -> dict[str, OperationRecord]:
        """Every operation observed, by kind and name; where runs differ, as the newest run states it."""
        entries = {name: entry for run in self.runs for name, entry in run.operations.items()}
        used = {placed.operation for placed in self.placed}
        # As words, kinds are in order: activation, loss, metric, story.
        return {name: entries[name] for name in sorted(used, key=lambda name: (entries[name].kind, name))}

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
    facts = [[run.created, run.frameworks, run.selection, run.environment, run.seconds] for run in runs]
    order = sorted(range(len(runs)), key=lambda index: msgspec.json.encode(facts[index], order="sorted"))
    owners: dict[tuple[Identity, str], int] = {}
    hardware: dict[Identity, str] = {}
    for index in order:
        for observation in runs[index].observations:
            identity = _identity(runs[index], observation.key)
            other = owners.setdefault((identity, observation.key), index)
            if other != index:
                raise RunFileError(
                    f"{called[other]} and {called[index]} both hold {observation.key} of the same "
                    f"versions of {identity[0]}; give only one of them."
                )
            devices = runs[index].frameworks[identity[0]].devices
            hardware[identity] = devices.get(identity[2], "") or hardware.get(identity, "")
    columns = _columns(hardware)
    numbers = {identity: number for number, identity in enumerate(columns)}
    ordered = tuple(runs[index] for index in order)
    placed = [_placed(run, each, numbers[_identity(run, each.key)]) for run in ordered for each in run.observations]
    placed.sort(key=lambda each: (each.key, each.column))
    return Merged(ordered, tuple(columns.values()), tuple(placed))


def _placed(run: Run, observation: Observation, column: int) -> Placed:
    operation, implementation, _, _, _, check, _ = parts = observation.key.split("/")
    entry = run.implementations[f"{operation}/{implementation}"]
    return Placed(
        observation,
        column,
        run,
        observation.key,
        observation.verdict,
        run.operations[operation],
        entry,
        run.checks[check],
        run.cases.get(observation.case) if observation.case else None,
        observation.known or "",
        run.known[observation.known] if observation.known else None,
        entry.framework,
        run.checks[check].kind,
        observation.call or entry.call,
        *parts,
    )


def grouped(items: Iterable[Item], key: Callable[[Item], Common]) -> dict[Common, list[Item]]:
    """Items by what they have in common, in its order; those of a group in their own."""
    groups: dict[Common, list[Item]] = defaultdict(list)
    for each in items:
        groups[key(each)].append(each)
    return dict(sorted(groups.items(), key=lambda group: group[0]))


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


def _identity(run: Run, key: str) -> Identity:
    operation, implementation, _, device, *_ = key.split("/")
    framework = run.implementations[f"{operation}/{implementation}"].framework
    versions = run.frameworks[framework].versions
    return framework, tuple(sorted(versions.items())), device


def _columns(hardware: Mapping[Identity, str]) -> dict[Identity, Column]:
    labels = {each: " ".join(main_version(each[0], dict(each[1]))).strip() for each in hardware}
    several = len({device for _, _, device in hardware}) > 1
    found: dict[Identity, Column] = {}
    for identity, label in labels.items():
        framework, versions, device = identity
        rivals = [each for each in hardware if each[2] == device and labels[each] == label]
        shared = set.intersection(*(set(each[1]) for each in rivals))
        apart = [f"{name} {version}" for name, version in versions if (name, version) not in shared]
        if len({each[0] for each in rivals}) > 1:
            apart.insert(0, framework)
        own = f"{label} ({', '.join(apart)})" if apart else label
        name = f"{own} · {device}" if several else own
        found[identity] = Column(framework, dict(versions), device, hardware[identity], own, name)
    return dict(sorted(found.items(), key=lambda item: _column_order(item[1])))


def _column_order(column: Column) -> tuple[str, Version, str, list[tuple[int, int, str]]]:
    try:
        version = Version(main_version(column.framework, column.versions)[1])
    except InvalidVersion:
        version = Version("0")
    # cuda:10 comes after cuda:9.
    parts = (part for part in re.split(r"(\d+)", column.device) if part)
    device = [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]
    return column.framework, version, column.label, device
