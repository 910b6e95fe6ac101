"""Run files: reading, checking and writing them."""

from __future__ import annotations

import base64
import contextlib
import difflib
import gzip
import hashlib
import math
import os
import re
import tempfile
import zlib
from pathlib import Path
from typing import Any

import ml_dtypes
import msgspec
import numpy as np
from gaugeblock.reports.records import FORMAT, Exceptions, Observation, Run, StoredArray
from gaugeblock.reports.verdicts import SCRIPTED

KEY_PARTS = ("operation", "implementation", "dtype", "device", "mode", "check", "case")


GZIP = b"\x1f\x8b"
PACKED = ".gz"


class RunFileError(Exception):
    """A run file that cannot be used; the message is one sentence that says what to do."""


def parsed(text: str | bytes, name: str) -> Run:
    """The run in a JSON text; RunFileError, in which the text is called `name`, if it is none.

    Its types are checked, and that its keys are unique and what its observations refer to is there.
    """
    try:
        try:
            run = msgspec.json.decode(text, type=Run)
        except msgspec.ValidationError as error:
            # It stands for the first fault alone: what follows may be no JSON.
            raise RunFileError(_fault(msgspec.json.decode(text), name, str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RunFileError(f"{name} is not JSON ({error}); make the run again.") from None
    fault = _inconsistency(run)
    if fault is not None:
        raise RunFileError(f"{name} is not a valid run file: {fault}; make the run again.")
    return run


def _fault(found: Any, name: str, error: str) -> str:
    """The sentence about a JSON document that is no run of this format."""
    if not isinstance(found, dict) or "observations" not in found:
        return f"{name} is not a gaugeblock run file; make one with 'gaugeblock run --output {name}'."
    if found.get("format") != FORMAT:
        return (
            f"{name} has run-file format {found.get('format')!r}, and this gaugeblock reads format {FORMAT}; "
            "make the run again with this version."
        )
    message, _, place = error.partition(" - at ")
    where = "/".join(re.findall(r"\w+|\.\.\.", place.strip("`$"))) or "its top level"
    return f"{name} is not a valid run file: at {where}, {message[:200]}; make the run again."


def _inconsistency(run: Run) -> str | None:
    """What types cannot say: keys are unique, and what an observation refers to is in the file.

    The case of one that conforms may be named alone.
    """
    for name, case in run.cases.items():
        for stored in case.inputs.values():
            if (stored.data is None) == (stored.sha256 is None):
                return f"the input {name}: An array has either data or their digest"
            try:
                if stored.data is not None:
                    decode(stored)
            except RunFileError as error:
                return f"the input {name}: {error}"
    keys: set[str] = set()
    for observation in run.observations:
        key = observation.key
        if key in keys:
            return f"the key {key} stands twice among its observations"
        keys.add(key)
        operation, implementation, _, _, _, check, _ = key.split("/")
        for table, entry in (
            ("operations", operation),
            ("implementations", f"{operation}/{implementation}"),
            ("checks", check),
            ("cases", observation.case if observation.verdict in SCRIPTED else None),
            ("known", observation.known),
        ):
            if entry is not None and entry not in getattr(run, table):
                return f"the observation {key} refers to {entry!r}, which is not among its {table}"
        framework = run.implementations[f"{operation}/{implementation}"].framework
        if framework not in run.frameworks:
            return f"the implementation {implementation} is of {framework!r}, which is not among its frameworks"
    return None


def read(path: Path) -> Run:
    """Read and check the run file at `path`; RunFileError if it is missing, broken or of another format."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise RunFileError(f"{path} does not exist; make it with 'gaugeblock run --output {path}'.") from None
    except OSError as error:
        raise RunFileError(f"{path} cannot be read ({error}); make the run again.") from None
    if text.startswith(GZIP):
        try:
            text = gzip.decompress(text)
        except (OSError, EOFError, zlib.error) as error:
            raise RunFileError(f"{path} cannot be unpacked ({error}); make the run again.") from None
    return parsed(text, str(path))


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` so that a reader sees the old file or the new one, never a part. `.gz` compresses it."""
    data = text.encode("utf-8")
    if path.suffix == PACKED:
        # Without the time: the same run is the same file.
        data = gzip.compress(data, mtime=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write(run: Run, path: Path) -> Path:
    """Check `run` and write it, one observation a line; return where it was written.

    A name that ends in .gz compresses it. A partial or broken run never replaces a complete one: it then goes beside
    it, as NAME.partial.json or NAME.broken.json.
    """
    for each in run.observations:
        if not all(math.isfinite(distance) for distance in (each.error, each.allowed) if distance is not None):
            raise RunFileError(f"{path} is not written: the distance in {each.key} is no number that JSON has.")
    text = dumps(run)
    parsed(text, str(path))
    if run.status != "complete" and path.exists():
        with contextlib.suppress(RunFileError):
            if read(path).status == "complete":
                name = path.name.removesuffix(PACKED)
                path = path.with_name(f"{Path(name).stem}.{run.status}.json{path.name[len(name) :]}")
    write_text(path, text)
    return path


def _line(value: Any) -> str:
    return msgspec.json.encode(value, order="sorted").decode()


def dumps(run: Run) -> str:
    """The run as JSON text, in a fixed order and with one entry a line where lists are long."""
    fields = {name: getattr(run, name) for name in run.__struct_fields__ if name not in ("cases", "observations")}
    # The figures of a story stand in its order.
    fields["operations"] = msgspec.Raw(msgspec.json.encode(dict(sorted(run.operations.items()))))
    head = msgspec.json.format(_line(fields), indent=1)[:-2]
    cases = ",\n".join(f"  {_line(name)}: {_line(case)}" for name, case in sorted(run.cases.items()))
    observations = ",\n".join("  " + _line(each) for each in sorted(run.observations, key=lambda each: each.key))
    return f'{head},\n "cases": {{\n{cases}\n }},\n "observations": [\n{observations}\n ]\n}}\n'


def split_key(key: str) -> dict[str, str]:
    """The seven parts of an observation's key, by name."""
    return dict(zip(KEY_PARTS, key.split("/"), strict=True))


def found(run: Run, key: str) -> Observation:
    """The observation with this key; RunFileError, naming keys near it, if the run has none."""
    keyed = {observation.key: observation for observation in run.observations}
    if key not in keyed:
        near = difflib.get_close_matches(key, keyed, n=3, cutoff=0.5)
        hint = f"near it are {', '.join(near)}" if near else "the keys stand in the run file's observations"
        raise RunFileError(f"The run has no observation with the key {key!r}; {hint}.")
    return keyed[key]


FEW_OTHERS = 64
"""Entries of a large array that may differ from its usual number."""

LARGE = 8192
"""Bytes. Frozen inputs are drawn anew by the suite; rows of thousands of classes would make run files of their own."""

LONGEST_PERIOD = 1024
"""Numbers that a large array may repeat over and over."""


def encode(array: np.ndarray[Any, Any], largest: int = LARGE) -> StoredArray:
    """An array, exactly, as the run file holds it.

    Of one of more than `largest` bytes that repeats a few numbers over and over, these and what differs; of any other
    so large its SHA-256 alone.
    """
    if array.nbytes <= largest:
        return _stored(array, data=_base64(array))
    return _repeated(array) or _stored(array, sha256=hashlib.sha256(_bytes(array)).hexdigest())


def _stored(array: np.ndarray[Any, Any], **fields: Any) -> StoredArray:
    return StoredArray(array.dtype.name, list(array.shape), **fields)


def _bytes(array: np.ndarray[Any, Any]) -> bytes:
    return array.astype(array.dtype.newbyteorder("<")).tobytes()


def _base64(array: np.ndarray[Any, Any]) -> str:
    return base64.b64encode(_bytes(array)).decode("ascii")


def _repeated(array: np.ndarray[Any, Any]) -> StoredArray | None:
    flat = np.ascontiguousarray(array).ravel()
    bits = flat.view(f"u{flat.itemsize}")
    for period in np.flatnonzero(bits[-2 : -2 - LONGEST_PERIOD : -1] == bits[-1]) + 1:
        # The second period stands for all: what is odd often stands first.
        others = np.flatnonzero(bits != np.resize(bits[period : 2 * period], bits.shape))
        if len(others) <= FEW_OTHERS:
            but = Exceptions(others.tolist(), _base64(flat[others])) if len(others) else None
            return _stored(array, data=_base64(flat[period : 2 * period]), repeated=True, but=but)
    return None


def decode(stored: StoredArray) -> np.ndarray[Any, Any]:
    """The array that `encode` stored; RunFileError if the stored form is damaged, or holds a digest alone."""
    try:
        dtype = np.dtype(getattr(ml_dtypes, stored.dtype, stored.dtype))
        data = bytearray(base64.b64decode(stored.data or "", validate=True))
        if stored.repeated:
            if not data:
                raise ValueError("nothing is repeated")
            filled = np.resize(np.frombuffer(data, dtype), stored.shape)
            if stored.but is not None:
                others = base64.b64decode(stored.but.data, validate=True)
                filled.reshape(-1)[stored.but.at] = np.frombuffer(others, dtype)
            return filled
        if len(data) != math.prod(stored.shape) * dtype.itemsize:
            raise ValueError(f"{len(data)} bytes for shape {stored.shape}")
        return np.ndarray(tuple(stored.shape), dtype, buffer=data)
    except (ValueError, TypeError, IndexError) as error:
        raise RunFileError(
            f"An array of dtype {stored.dtype} in the run file is damaged ({error}); make the run again."
        ) from None
