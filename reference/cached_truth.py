"""Exact answers, computed once: truth depends on the case alone, and many implementations share a case.

They are kept in memory, and on disk from one session to the next. The folder is the user's cache folder, or
GAUGEBLOCK_CACHE; an empty GAUGEBLOCK_CACHE keeps nothing. What cannot be read or written there is computed anew: a
cache never stops a run.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import json
import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from gaugeblock.reference import engine
from gaugeblock.reference.catalogue import Operation
from gaugeblock.reference.formats import Array, Format
from gaugeblock.reference.truth import Truth

LIMIT = 100_000_000
"""Bytes that are kept on disk at most; what comes later is computed anew each time."""

OFTEN = 32
"""Truths that are kept between two looks at the size."""


@functools.cache
def definitions() -> str:
    """A digest of all that decides a truth: the sources of the reference and python-flint's version."""
    hashed = hashlib.sha256(importlib.metadata.version("python-flint").encode())
    root = Path(str(resources.files("gaugeblock.reference")))
    for file in sorted(root.rglob("*.py")):
        hashed.update(file.relative_to(root).as_posix().encode() + file.read_bytes())
    return hashed.hexdigest()[:16]


def folder() -> Path | None:
    """Where truths are kept; None if nowhere."""
    chosen = os.environ.get("GAUGEBLOCK_CACHE")
    if chosen is None:
        return platformdirs.user_cache_path("gaugeblock")
    return Path(chosen) if chosen else None


class Store:
    """Truths by the content of their case."""

    def __init__(self, where: Path | None) -> None:
        self._database: sqlite3.Connection | None = None
        if where is None:
            return
        with contextlib.suppress(OSError, sqlite3.Error):
            where.mkdir(parents=True, exist_ok=True)
            path = where / f"truths-{definitions()}.sqlite"
            database = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=1)
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = OFF")
            database.execute("CREATE TABLE IF NOT EXISTS truths (key BLOB PRIMARY KEY, shape TEXT, numbers BLOB)")
            self._database = database
            self._path, self._puts, self._full = path, 0, False
            for other in set(_files(where)) - {path}:
                _remove(other)

    def get(self, key: bytes) -> Truth | None:
        """The truth kept under `key`, if there is one."""
        if self._database is None:
            return None
        with contextlib.suppress(sqlite3.Error, ValueError, zlib.error):
            row = self._database.execute("SELECT shape, numbers FROM truths WHERE key = ?", (key,)).fetchone()
            if row is not None:
                parts = np.frombuffer(zlib.decompress(row[1]), np.float64).reshape(6, *json.loads(row[0]))
                asked = None if parts[5].all() else parts[5].astype(bool)
                return Truth(parts[0], parts[1], parts[2:4], parts[4].astype(bool), asked)
        return None

    def put(self, key: bytes, truth: Truth) -> None:
        """Keep a truth, if there is room."""
        if self._database is None or not self._has_room():
            return
        shape = truth.nearest.shape
        asked = np.ones(shape) if truth.asked is None else truth.asked
        parts = np.stack([truth.nearest, truth.ulp, *truth.residual, truth.undecided, asked])
        with contextlib.suppress(sqlite3.Error):
            values = (key, json.dumps(shape), zlib.compress(parts.astype(np.float64).tobytes(), 1))
            self._database.execute("INSERT OR REPLACE INTO truths VALUES (?, ?, ?)", values)

    def _has_room(self) -> bool:
        """Whether what is kept is below the limit, looked at now and then."""
        self._puts += 1
        if self._puts % OFTEN == 1:
            with contextlib.suppress(OSError):
                self._full = self._path.stat().st_size >= LIMIT
        return not self._full


def _files(where: Path) -> list[Path]:
    """The files of truths in a folder, of whatever version of the definitions."""
    return sorted(where.glob("truths-*.sqlite"))


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def kept() -> int:
    """Bytes that are kept on disk."""
    where = folder()
    return sum(path.stat().st_size for path in where.glob("truths-*.sqlite*")) if where is not None else 0


def clear() -> None:
    """Remove all that is kept. OSError if a file cannot be removed."""
    where = folder()
    for path in _files(where) if where is not None else ():
        _remove(path)


@functools.cache
def store() -> Store:
    """The store of this process."""
    return Store(folder())


_known: dict[bytes, Truth] = {}
_lock = threading.Lock()


@dataclass
class Clock:
    """Seconds that exact answers took in this process, those that were kept included."""

    seconds: float = 0.0


CLOCK = Clock()


def _remembered(key: bytes, compute: Callable[[], Truth], keep: bool) -> Truth:
    started = time.perf_counter()
    try:
        if key not in _known and not keep:
            return compute()
        if key not in _known:
            # Two threads that ask at once for the same truth would both compute it.
            with _lock:
                if key not in _known:
                    found = store().get(key)
                    if found is None:
                        found = compute()
                        store().put(key, found)
                    _known[key] = found
        return _known[key]
    finally:
        CLOCK.seconds += time.perf_counter() - started


def _plain(array: Array, labels: bool) -> Array:
    """The array in the one dtype that stands for all that hold its numbers: they have the same truth."""
    if labels and array.dtype.kind in "biu" and array.dtype != np.uint64:
        return array.astype(np.int64)
    # These hold numbers that binary64 does not.
    return array if array.dtype in (np.int64, np.uint64) else array.astype(np.float64)


def _key(operation: Operation, fmt: Format, inputs: Mapping[str, Array], parameters: Mapping[str, Any]) -> bytes:
    hashed = hashlib.blake2b(repr((operation.name, fmt.name, sorted(parameters.items()))).encode(), digest_size=16)
    for name, each in inputs.items():
        array = _plain(each, name in operation.integers)
        hashed.update(f"{name} {array.dtype.name} {array.shape}".encode())
        hashed.update(array.tobytes())
    return hashed.digest()


def evaluate(
    operation: Operation, fmt: Format, inputs: Mapping[str, Array], *, keep: bool = True, **parameters: Any
) -> Truth:
    """See engine.evaluate. What is not to be kept is only looked up: nobody else will ask for it."""
    key = _key(operation, fmt, inputs, parameters)
    return _remembered(key, lambda: engine.evaluate(operation, fmt, inputs, **parameters), keep)


def gradient(
    operation: Operation,
    fmt: Format,
    inputs: Mapping[str, Array],
    cotangent: Array,
    *,
    keep: bool = True,
    **parameters: Any,
) -> Truth:
    """See engine.gradient; `keep` as above."""
    key = _key(operation, fmt, {**inputs, "": cotangent}, parameters)
    return _remembered(key, lambda: engine.gradient(operation, fmt, inputs, cotangent, **parameters), keep)
