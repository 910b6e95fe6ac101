"""Every test and case that there can be, from the adapters' tables alone: nothing needs to be installed."""

import functools
from collections.abc import Iterator

from gaugeblock.adapters.base import Implementation
from gaugeblock.adapters.registry import FRAMEWORKS, adapter
from gaugeblock.conformance.cases.rows import lines
from gaugeblock.conformance.checks.streaming import SCENARIOS
from gaugeblock.conformance.execution.call import NoAnswer
from gaugeblock.conformance.known.matcher import matches
from gaugeblock.conformance.session.plan import every_test
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.setting import Setting
from gaugeblock.conformance.trials.trial import Asking, Worst
from gaugeblock.reports.verdicts import Verdict

INPUTS = ("memory-layout", "input-dtype", "label-dtype")
"""Checks of how arrays are handed over."""

KINDS = ("", "-subnormal")
"""Each dense line is two cases."""


def implementations() -> list[Implementation]:
    return [each for name in FRAMEWORKS for each in adapter(name).implementations]


@functools.cache
def tests() -> tuple[tuple[Setting, Check], ...]:
    return tuple(
        pair
        for framework in FRAMEWORKS
        for mode in adapter(framework).modes
        for pair in every_test(adapter(framework), mode, effort="thorough")
    )


def case_names(setting: Setting, check: Check) -> frozenset[str]:
    """Names of the cases of a test: those of its trials where every call is refused, and nothing is judged."""
    if check.name == "streaming":
        return frozenset(scenario.name for scenario in SCENARIOS if scenario.asks(setting))
    if check.name in ("dense", "dense-gradient"):
        # Which numbers of a line are a case depends on the answers.
        return frozenset(f"{name}{kind}" for name in lines(setting.operation, setting.format) for kind in KINDS)
    found: set[str] = set()
    trials = check.trials(setting)
    step = next(trials, None)
    while step is not None:
        if isinstance(step, Asking):
            try:
                step = trials.send([NoAnswer(Verdict.UNSUPPORTED, "") for _ in step.queries])
            except StopIteration:
                break
            continue
        found |= {trial.case.name for trial in (step.trials if isinstance(step, Worst) else (step,))}
        step = next(trials, None)
    return frozenset(found)


def keys(setting: Setting, check: Check) -> Iterator[str]:
    """Keys of the observations of a test."""
    return (f"{setting.prefix}/{check.name}/{name}" for name in sorted(case_names(setting, check)))


_known_keys: dict[str, tuple[str, ...]] = {}


def _keys(setting: Setting, check: Check) -> tuple[str, ...]:
    name = f"{setting.prefix}/{check.name}"
    if name not in _known_keys:
        _known_keys[name] = tuple(keys(setting, check))
    return _known_keys[name]


@functools.cache
def _tests_of() -> dict[tuple[str, str], list[tuple[str, Setting, Check]]]:
    """Every test with its prefix, by operation and check: few tests can have a pattern, and there are many of both."""
    found: dict[tuple[str, str], list[tuple[str, Setting, Check]]] = {}
    for setting, check in tests():
        place = (setting.implementation.operation, check.name)
        found.setdefault(place, []).append((f"{setting.prefix}/{check.name}", setting, check))
    return found


@functools.cache
def exists(pattern: str) -> bool:
    """Whether some test and case, on the CPU, has the pattern."""
    parts = pattern.split("/")
    here = "/".join([*parts[:3], "cpu", *parts[4:]])
    return any(
        matches(here, key)
        for (operation, check), found in _tests_of().items()
        if matches(parts[0], operation) and matches(parts[5], check)
        for prefix, setting, asked in found
        if matches(here, prefix)
        for key in _keys(setting, asked)
    )
