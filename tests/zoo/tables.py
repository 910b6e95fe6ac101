"""Every entry of the zoo, and how `check` judges one."""

from __future__ import annotations

import functools
import importlib
import importlib.util
from pathlib import Path

from entries import Entry
from gaugeblock.conformance import Result, check

HERE = Path(__file__).parent

MISSED_BY_QUICK = frozenset(
    {
        "log-softmax-of-long-columns",
        "mean-of-the-sequences",
        "permuted-labels-are-the-diagonal",
        "softmax-of-two-as-p-and-one-minus-p",
    }
)
"""Faults that the quick effort does not see and the default does."""


@functools.cache
def table(kind: str) -> tuple[Entry, ...]:
    """The entries of every module called faults_* or variants_*."""
    modules = [importlib.import_module(path.stem) for path in sorted(HERE.glob(f"{kind}_*.py"))]
    return tuple(entry for module in modules for entry in getattr(module, kind.upper()))


def installed(entry: Entry) -> bool:
    """Whether the framework whose arrays it takes is there."""
    return importlib.util.find_spec(entry.options.get("arrays", "numpy")) is not None


def judged(entry: Entry, effort: str) -> Result:
    """What `check` says of it."""
    return check(entry.function, entry.operation, effort=effort, **entry.options)
