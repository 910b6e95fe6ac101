"""What frameworks compiled, kept from one run to the next in a folder beside the exact answers."""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import shutil
from collections.abc import Iterable
from pathlib import Path

from gaugeblock.adapters.base import Adapter
from gaugeblock.adapters.processor import features
from gaugeblock.reference import cached_truth

LIMIT = 100_000_000
"""Bytes; beyond them all is removed before the next run."""


def folder() -> Path | None:
    """Where it is kept; None if nowhere."""
    where = cached_truth.folder()
    return None if where is None else where / "compiled"


def kept() -> int:
    """Bytes that are kept."""
    where = folder()
    return sum(path.stat().st_size for path in where.rglob("*") if path.is_file()) if where is not None else 0


def clear() -> None:
    """Remove all of it. OSError if that cannot be done."""
    where = folder()
    if where is not None and where.exists():
        shutil.rmtree(where)


@functools.cache
def _machine() -> str:
    """A digest of what this processor can do: a home folder may be shared by several, and code for one is no code for
    all."""
    return hashlib.sha256(f"{platform.machine()} {features()}".encode()).hexdigest()[:8]


def environ(adapters: Iterable[Adapter]) -> dict[str, str]:
    """The environment variables under which these frameworks keep what they compile. What the user has set stays.

    Nothing is kept where the folder cannot be written: then there are none.
    """
    where = folder()
    if where is None:
        return {}
    found: dict[str, str] = {}
    for each in adapters:
        own = where / f"{each.framework}-{_machine()}"
        try:
            if each.caches:
                own.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        found |= {name: text.format(folder=own) for name, text in each.caches.items() if name not in os.environ}
    return found
