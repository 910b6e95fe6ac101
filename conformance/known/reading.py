"""Known deviations out of TOML, and one sentence about an entry that cannot be used."""

from __future__ import annotations

import difflib
import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from gaugeblock.conformance.known.conditions import ConditionError, When
from gaugeblock.conformance.known.deviation import KINDS, KnownDeviation
from gaugeblock.reference.formats import FORMATS
from packaging.requirements import InvalidRequirement, Requirement

KEY_PARTS = 7

CEILINGS = ("at_most", "per_term", "per_size", "cancels", "apart", "flush", "gives", "wrong", "refused")
"""Fields that say how far a deviation goes."""

NO_KEYS = "has no keys, the patterns operation/implementation/dtype/device/mode/check/case of what it explains"


class KnownError(Exception):
    """A known deviation that cannot be used; the message is one sentence that says what to do."""


def made(entry: Mapping[str, Any], where: str) -> KnownDeviation:
    """The known deviation of a table; KnownError, in which its place is called `where`, if it is none."""
    if not isinstance(entry, Mapping):
        raise KnownError(f"{where} has an entry that is no table: write [[known]] above it.")
    name = entry.get("id")
    if not isinstance(name, str) or not name:
        raise KnownError(f"{where} has an entry without an id: give each a name of its own.")
    fault = _fault(entry)
    if fault is not None:
        raise KnownError(f"{where}: the entry '{name}' {fault}.")
    try:
        return msgspec.convert(dict(entry), KnownDeviation)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at ")
        at = place.strip("`$.")
        raise KnownError(
            f"{where}: the entry '{name}' has a wrong {at or 'field'}: {message[:1].lower()}{message[1:]}."
        ) from None


def _fault(entry: Mapping[str, Any]) -> str | None:
    """What is wrong with a table, as the end of a sentence."""
    for held, kind, words in (
        (entry, KnownDeviation, "field"),
        (entry.get("when", {}), When, "condition"),
    ):
        if not isinstance(held, Mapping):
            return "has a 'when' that is no table: write when = { length = \">=1024\" }"
        for field in held:
            if field not in kind.__struct_fields__:
                return f"has the {words} '{field}', which does not exist: {_near(field, kind.__struct_fields__)}"
    if entry.get("kind") not in KINDS:
        return f"has the kind '{entry.get('kind', '')}': choose one of {', '.join(KINDS)}"
    if not entry.get("why"):
        return "does not say why"
    keys = entry.get("keys")
    if not keys:
        return NO_KEYS
    for key in keys if isinstance(keys, list | tuple) else ():
        parts = str(key).count("/") + 1
        if parts != KEY_PARTS:
            return (
                f"has the key '{key}' of {parts} parts, where operation/implementation/dtype/device/mode/check/case is"
            )
    if entry["kind"] == "defect" and not entry.get("link") and entry.get("reported") is not False:
        return "is a defect with no link: name the upstream issue, or write reported = false"
    if entry.get("link") and entry.get("reported") is False:
        return "has a link and reported = false: leave one out"
    if entry.get("computed_in", "float32") not in FORMATS:
        return f"is computed in '{entry['computed_in']}', which is none of {', '.join(FORMATS)}"
    if not any(entry.get(each) for each in CEILINGS):
        return f"explains nothing: give one of {', '.join(CEILINGS)}"
    try:
        for text in entry.get("versions", ()):
            Requirement(text)
        if isinstance(entry.get("when"), Mapping):
            msgspec.convert(entry["when"], When).check()
    except InvalidRequirement:
        return f"has the version '{text}', which is no requirement such as 'torch>=2.3'"
    except ConditionError as error:
        return str(error)
    except (msgspec.ValidationError, TypeError):
        return None  # said with its place by the conversion
    return None


def _near(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}"


def read(path: Path) -> tuple[KnownDeviation, ...]:
    """The known deviations of a file; KnownError if it cannot be read or one of them cannot be used."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise KnownError(f"{path} cannot be read ({reason}); name a file of known deviations.") from None
    return parsed(text, str(path))


def parsed(text: str, where: str) -> tuple[KnownDeviation, ...]:
    """The known deviations of a TOML text; KnownError, in which it is called `where`."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise KnownError(f"{where} is no TOML: {str(error)[:1].lower()}{str(error)[1:]}.") from None
    others = [name for name in table if name != "known"]
    if others or not isinstance(table.get("known", []), list):
        name = others[0] if others else "known"
        raise KnownError(f"{where} has '{name}' at its top level, where [[known]] entries are meant.")
    found = [made(entry, where) for entry in table.get("known", [])]
    unique(found)
    return tuple(found)


def unique(found: Iterable[KnownDeviation]) -> None:
    """KnownError if two have the same id."""
    twice = [name for name, count in Counter(each.id for each in found).items() if count > 1]
    if twice:
        raise KnownError(f"two known deviations have the id '{twice[0]}': give one another name.")
