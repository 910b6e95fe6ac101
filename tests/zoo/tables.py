"""Every entry of the zoo, and how it is judged."""

from __future__ import annotations

import functools
import importlib
import importlib.util
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from gaugeblock.conformance import Result, check

from tests.planted import observe
from tests.zoo.entries import Entry
from tests.zoo.showing import framework_of

MISSED_BY_QUICK = frozenset(
    {
        "log-softmax-of-long-columns",
        "mean-of-the-sequences",
        "permuted-labels-are-the-diagonal",
        "softmax-of-two-as-p-and-one-minus-p",
    }
)
"""Faults that the quick effort does not see and the standard one does."""


@functools.cache
def table(kind: str) -> tuple[Entry, ...]:
    """The entries of every module called faults_* or variants_*."""
    names = [path.stem for path in sorted(Path(__file__).parent.glob(f"{kind}_*.py"))]
    modules = [importlib.import_module(f"tests.zoo.{name}") for name in names]
    return tuple(entry for module in modules for entry in getattr(module, kind.upper()))


def named(entry: Entry) -> str:
    return entry.id


def installed(entry: Entry) -> bool:
    """Whether the framework whose arrays the entry takes is there."""
    return importlib.util.find_spec(framework_of(entry)) is not None


def skip_without(entry: Entry) -> None:
    """Skip the test if the framework whose arrays the entry takes is not there."""
    if not installed(entry):
        pytest.skip(f"{framework_of(entry)} is not installed")


def judged(entry: Entry, effort: str) -> Result:
    """What `check` says of it."""
    return check(entry.function, entry.operation, effort=effort, **entry.options)


def as_expected(entry: Entry) -> None:
    """Assert that the check of an entry that names one shows what is expected of each case."""
    found = observe(entry.check, entry.operation, entry.function, policy=entry.policy, **entry.options)
    for patterns, expected in entry.expected.items():
        verdict, _, label = expected.partition(": ")
        for pattern in patterns.split():
            cases = [case for case in found if fnmatchcase(case, pattern)]
            assert cases, f"no case is called {pattern}: {list(found)}"
            for case in cases:
                shown = found[case]
                assert (shown.verdict, shown.label if label else "") == (verdict, label), (case, shown)
