"""Run files: reading, checking and writing them."""

from __future__ import annotations

import base64
import copy
import difflib
import functools
import hashlib
import json
import math
import os
import tempfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import fastjsonschema
import jsonschema
import ml_dtypes
import numpy as np

FORMAT = 1

Run = dict[str, Any]
Observation = dict[str, Any]

KEY_PARTS = ("operation", "implementation", "dtype", "device", "mode", "check", "case")


class RunFileError(Exception):
    """A run file that cannot be used; the message is one sentence that says what to do."""


@functools.cache
def _schema() -> Any:
    return json.loads(resources.files(__package__).joinpath("run.schema.json").read_text(encoding="utf-8"))


@functools.cache
def _validate() -> Callable[[Any], Any]:
    """The schema as a compiled function: a run has a hundred thousand observations."""
    # It knows drafts up to 7, of which the schema has no other keywords.
    # What is compiled is changed, and the schema is used again.
    known = copy.deepcopy({name: value for name, value in _schema().items() if name != "$schema"})
    compiled: Callable[[Any], Any] = fastjsonschema.compile(known)
    return compiled


def _fault(run: Run) -> Any:
    """What jsonschema finds most telling, or None if the run is valid."""
    try:
        _validate()(run)
    except fastjsonschema.JsonSchemaValueException:
        return jsonschema.exceptions.best_match(jsonschema.Draft202012Validator(_schema()).iter_errors(run))
    return None


def validate(run: Any, name: str) -> Run:
    """Return `run` if it is a valid run, else raise RunFileError; `name` is how the message calls it."""
    if not isinstance(run, dict) or "observations" not in run:
        raise RunFileError(f"{name} is not a gaugeblock run file; make one with 'gaugeblock run --output {name}'.")
    if run.get("format") != FORMAT:
        raise RunFileError(
            f"{name} has run-file format {run.get('format')!r}, and this gaugeblock reads format {FORMAT}; "
            "make the run again with this version."
        )
    error = _fault(run)
    if error is not None:
        where = "/".join(str(part) for part in error.absolute_path) or "its top level"
        raise RunFileError(f"{name} is not a valid run file: at {where}, {error.message[:200]}; make the run again.")
    fault = _inconsistency(run)
    if fault is not None:
        raise RunFileError(f"{name} is not a valid run file: {fault}; make the run again.")
    return run


def _inconsistency(run: Run) -> str | None:
    """What a schema cannot say: keys are unique, and what an observation refers to is in the file."""
    for name, case in run["cases"].items():
        try:
            for stored in case["inputs"].values():
                if "data" in stored:
                    decode(stored)
        except RunFileError as error:
            return f"the input {name}: {error}"
    seen: set[str] = set()
    for observation in run["observations"]:
        key = observation["key"]
        if key in seen:
            return f"the key {key} stands twice among its observations"
        seen.add(key)
        operation, implementation, _, _, _, check, _ = key.split("/")
        expectation = observation.get("expectation")
        for table, entry in (
            ("operations", operation),
            ("implementations", f"{operation}/{implementation}"),
            ("checks", check),
            ("expectations", expectation),
        ):
            if entry is not None and entry not in run[table]:
                return f"the observation {key} refers to {entry!r}, which is not among its {table}"
        framework = run["implementations"][f"{operation}/{implementation}"]["framework"]
        if framework not in run["frameworks"]:
            return f"the implementation {implementation} is of {framework!r}, which is not among its frameworks"
    return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


def read(path: Path) -> Run:
    """Read and check the run file at `path`; RunFileError if it is missing, broken or of another format."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise RunFileError(f"{path} does not exist; make it with 'gaugeblock run --output {path}'.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RunFileError(f"{path} cannot be read ({error}); make the run again.") from None
    try:
        run = json.loads(text, parse_constant=_refuse)
    except ValueError as error:
        raise RunFileError(f"{path} is not JSON ({error}); make the run again.") from None
    return validate(run, str(path))


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` so that a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write(run: Run, path: Path) -> Path:
    """Check `run` and write it, one observation a line; return where it was written.

    A partial or broken run never replaces a complete one: it then goes beside it, as NAME.partial.json or
    NAME.broken.json.
    """
    validate(run, str(path))
    if run["status"] != "complete" and path.exists():
        try:
            keep = read(path)["status"] == "complete"
        except RunFileError:
            keep = False
        if keep:
            path = path.with_suffix(f".{run['status']}.json")
    write_text(path, dumps(run))
    return path


def dumps(run: Run) -> str:
    """The run as JSON text, in a fixed order and with one entry a line where lists are long."""
    head = {key: value for key, value in sorted(run.items()) if key not in ("cases", "observations")}
    lines = json.dumps(head, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)[:-2]
    cases = ",\n".join(f"  {json.dumps(name)}: {_compact(case)}" for name, case in sorted(run["cases"].items()))
    observations = ",\n".join("  " + _compact(o) for o in sorted(run["observations"], key=lambda o: o["key"]))
    return f'{lines},\n "cases": {{\n{cases}\n }},\n "observations": [\n{observations}\n ]\n}}\n'


_compact = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode


def split_key(key: str) -> dict[str, str]:
    """The seven parts of an observation's key, by name."""
    return dict(zip(KEY_PARTS, key.split("/"), strict=True))


def found(run: Run, key: str) -> Observation:
    """The observation with this key; RunFileError, naming keys near it, if the run has none."""
    keyed = {observation["key"]: observation for observation in run["observations"]}
    if key not in keyed:
        near = difflib.get_close_matches(key, keyed, n=3, cutoff=0.5)
        hint = f"near it are {', '.join(near)}" if near else "the keys stand in the run file's observations"
        raise RunFileError(f"The run has no observation with the key {key!r}; {hint}.")
    return dict(keyed[key])


def case_name(key: str) -> str:
    """Where the inputs of the observation with this key stand in the run's `cases`."""
    parts = split_key(key)
    return "/".join(parts[part] for part in ("operation", "dtype", "check", "case"))


FEW_OTHERS = 64
"""Entries of a large array that may differ from its usual number."""

LARGE = 8192
"""Bytes. Frozen inputs are drawn anew by the suite; rows of thousands of classes would make run files of their own."""


def encode(array: np.ndarray[Any, Any], largest: int = LARGE) -> dict[str, Any]:
    """An array, exactly, as the run file holds it; of one of more than `largest` bytes, its SHA-256 alone."""
    little = array.astype(array.dtype.newbyteorder("<")) if array.dtype.byteorder == ">" else array
    content = np.ascontiguousarray(little).tobytes()
    form = {"dtype": array.dtype.name, "shape": list(array.shape)}
    if len(content) > largest:
        return {**form, "sha256": hashlib.sha256(content).hexdigest()}
    return {**form, "data": base64.b64encode(content).decode("ascii")}


LONGEST_PERIOD = 1024
"""Numbers that a large array may repeat over and over."""


def encode_whole(array: np.ndarray[Any, Any], largest: int) -> dict[str, Any]:
    """An array as `encode` has it; of a large one that repeats a few numbers over and over, these and what differs."""
    flat = np.ascontiguousarray(array).ravel()
    if flat.nbytes <= largest:
        return encode(array, largest)
    bits = flat.view(f"u{flat.itemsize}")
    for period in np.flatnonzero(bits[-2 : -2 - LONGEST_PERIOD : -1] == bits[-1]) + 1:
        # The second period stands for all: what is odd often stands first.
        others = np.flatnonzero(bits != np.resize(bits[period : 2 * period], bits.shape))
        if len(others) <= FEW_OTHERS:
            told = {**encode(flat[period : 2 * period]), "shape": list(array.shape), "repeated": True}
            but = {"at": others.tolist(), "data": encode(flat[others])["data"]}
            return {**told, "but": but} if len(others) else told
    return encode(array, largest)


def decode(stored: dict[str, Any]) -> np.ndarray[Any, Any]:
    """The array that `encode` stored; RunFileError if the stored form is damaged."""
    name = stored["dtype"]
    try:
        dtype = np.dtype(getattr(ml_dtypes, name, name))
        data = bytearray(base64.b64decode(stored["data"], validate=True))
        if stored.get("repeated"):
            filled = np.resize(np.frombuffer(data, dtype), stored["shape"])
            but = stored.get("but", {"at": [], "data": ""})
            filled.flat[but["at"]] = np.frombuffer(base64.b64decode(but["data"], validate=True), dtype)
            return filled
        if len(data) != math.prod(stored["shape"]) * dtype.itemsize:
            raise ValueError(f"{len(data)} bytes for shape {stored['shape']}")
        return np.ndarray(tuple(stored["shape"]), dtype, buffer=data)
    except (ValueError, TypeError) as error:
        raise RunFileError(
            f"An array of dtype {name} in the run file is damaged ({error}); make the run again."
        ) from None
