"""Files of known deviations that the user brings, whose entries are applied beside the suite's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from gaugeblock.conformance.known.admission import frameworks
from gaugeblock.conformance.known.deviation import KnownDeviation
from gaugeblock.conformance.known.matcher import known_of
from gaugeblock.conformance.known.reading import KnownError, read, unique
from gaugeblock.conformance.session.plan import every_check_name, every_implementation, every_mode, nearest
from gaugeblock.reference.formats import FORMATS

Brought = Mapping[str, tuple[KnownDeviation, ...]]
"""The entries of each file that is brought, by its path."""


def brought(paths: Sequence[Path]) -> Brought:
    """The known deviations of files; KnownError if one cannot be used or names what does not exist."""
    found = {str(path): read(path) for path in paths}
    names = list(_names()) if found else []
    for path, entries in found.items():
        for each in entries:
            _check(f"{path}: the entry '{each.id}'", each, names)
    if found:
        ours = {each.id: each for name in frameworks() for each in known_of(name)}
        unique([*ours.values(), *(each for entries in found.values() for each in entries)])
    return found


def _names() -> Iterator[tuple[str, int, set[str]]]:
    """What parts of a key are called, where they stand, and what they may be."""
    every = list(every_implementation())
    yield "operation", 0, {each.operation for each in every}
    yield "implementation", 1, {each.name for each in every}
    yield "dtype", 2, {*FORMATS, "int64"}
    yield "mode", 4, {mode.name for mode in every_mode()}
    yield "check", 5, every_check_name()


def _check(where: str, entry: KnownDeviation, names: Sequence[tuple[str, int, set[str]]]) -> None:
    for key in entry.keys:
        parts = key.split("/")
        for what, place, known in names:
            for pattern in parts[place].split("|"):
                if not any(fnmatchcase(name, pattern) for name in known):
                    near = nearest(pattern, known)
                    hint = f"did you mean '{near}'?" if near else f"see 'gaugeblock list {what}s'."
                    raise KnownError(f"{where} names the {what} '{pattern}', which does not exist: {hint}")
