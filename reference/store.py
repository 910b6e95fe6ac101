"""Truths on disk, from one session to the next: an exact value depends on its case and its definition alone.

The folder is the user's cache folder, or GAUGEBLOCK_CACHE; an empty GAUGEBLOCK_CACHE keeps nothing. What cannot be read
or written there is computed anew: a cache never stops a run.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import json
import os
import sqlite3
from importlib import resources
from pathlib import Path

import numpy as np
import platformdirs
from gaugeblock.reference.truth import Truth

KEPT = 3
"""Files of so many versions of the definitions are kept."""


@functools.cache
def definitions() -> str:
    """A digest of all that decides a truth: the sources of the reference and python-flint's version."""
    hashed = hashlib.sha256(importlib.metadata.version("python-flint").encode())
    root = Path(str(resources.files("gaugeblock.reference")))
    for file in sorted(root.glob("*.py")):
        hashed.update(file.name.encode() + file.read_bytes())
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
            _forget(where, path)

    def get(self, key: bytes) -> Truth | None:
        """The truth kept under `key`, if there is one."""
        if self._database is None:
            return None
        with contextlib.suppress(sqlite3.Error, ValueError):
            row = self._database.execute("SELECT shape, numbers FROM truths WHERE key = ?", (key,)).fetchone()
            if row is not None:
                parts = np.frombuffer(row[1], np.float64).reshape(6, *json.loads(row[0]))
                asked = None if parts[5].all() else parts[5].astype(bool)
                return Truth(parts[0], parts[1], parts[2:4], parts[4].astype(bool), asked)
        return None

    def put(self, key: bytes, truth: Truth) -> None:
        """Keep a truth."""
        if self._database is None:
            return
        shape = truth.nearest.shape
        asked = np.ones(shape) if truth.asked is None else truth.asked
        parts = np.stack([truth.nearest, truth.ulp, *truth.residual, truth.undecided, asked])
        with contextlib.suppress(sqlite3.Error):
            values = (key, json.dumps(shape), parts.astype(np.float64).tobytes())
            self._database.execute("INSERT OR REPLACE INTO truths VALUES (?, ?, ?)", values)


def _forget(where: Path, current: Path) -> None:
    """Remove what older definitions left, but for the latest few."""
    others = sorted(
        (path for path in where.glob("truths-*.sqlite") if path != current), key=lambda path: -path.stat().st_mtime
    )
    for path in others[KEPT - 1 :]:
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


@functools.cache
def store() -> Store:
    """The store of this process."""
    return Store(folder())
