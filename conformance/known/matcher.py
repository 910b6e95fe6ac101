"""Known deviations: recorded causes, and the observations that each explains.

One that does not show here is noted, and fails a strict run.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import translate
from importlib import resources
from typing import Any

from gaugeblock.adapters.registry import FRAMEWORKS, adapter
from gaugeblock.reports.records import KnownRecord, NotSeen, Observation
from gaugeblock.reports.verdicts import ABSENT, FAILING, WRONG, Verdict
from msgspec.structs import replace
from packaging.requirements import Requirement

UNJUDGED = ABSENT | {Verdict.HARNESS_ERROR}
"""Verdicts of cases in which nothing can be seen."""


@dataclass(frozen=True)
class KnownDeviation:
    """A deviation whose cause is known.

    `keys` are patterns of observation keys, part by part: `*` and `?` as in file names, `|` between alternatives.
    `versions` are requirements ("torch>=2.3") that must all hold. `at_most` is the largest error in ULP explained;
    `wrong` says that what is no distance is explained too: NaN against a number, another label or shape, a crash.
    `refused` explains that the framework takes none of the cases; their verdict stays `unsupported`.
    """

    id: str
    keys: tuple[str, ...]
    why: str
    versions: tuple[str, ...] = ()
    link: str | None = None
    at_most: float = 0.0
    wrong: bool = False
    refused: bool = False

    def holds_for(self, versions: Mapping[str, str]) -> bool:
        """Whether it speaks of these versions."""
        for text in self.versions:
            requirement = _requirement(text)
            installed = versions.get(requirement.name)
            if installed is None or not requirement.specifier.contains(installed, prereleases=True):
                return False
        return True

    def explains(self, observation: Observation) -> bool:
        """Whether this deviation is of the kind and size that is meant."""
        if self.refused:
            return observation.verdict is Verdict.UNSUPPORTED
        if observation.verdict not in FAILING:
            return False
        return self.wrong if observation.error is None else observation.error <= self.at_most

    def record(self) -> KnownRecord:
        """The known deviation as the run file holds it."""
        return KnownRecord(self.why, ", ".join(self.versions) or "all", self.link)


@functools.cache
def _requirement(text: str) -> Requirement:
    return Requirement(text)


@functools.cache
def _part(options: str) -> Callable[[str], Any]:
    return re.compile("|".join(translate(option) for option in options.split("|"))).match


@functools.cache
def _parts(pattern: str) -> tuple[Callable[[str], Any], ...]:
    return tuple(map(_part, pattern.split("/")))


def matches(pattern: str, key: str) -> bool:
    """Whether a key, or the start of one, has the pattern, part by part."""
    return all(match(part) for match, part in zip(_parts(pattern), key.split("/"), strict=False))


@functools.cache
def known_deviations() -> tuple[KnownDeviation, ...]:
    """Every known deviation of the suite's own frameworks."""
    found: list[KnownDeviation] = []
    folder = resources.files(__package__).joinpath("data")
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.endswith(".toml"):
            table = tomllib.loads(file.read_text(encoding="utf-8"))
            found += map(_made, table.get("known", []))
    return _unique(found)


@functools.cache
def known_of(framework: str) -> tuple[KnownDeviation, ...]:
    """What is known of a framework: a plug-in's deviations are its own, and those recorded here are none of it.

    Raises TypeError for a field that does not exist, and ValueError for an id that is taken.
    """
    if framework in FRAMEWORKS:
        return known_deviations()
    own = [_made(entry) for entry in adapter(framework).known]
    _unique([*known_deviations(), *own])
    return tuple(own)


def _made(entry: Mapping[str, Any]) -> KnownDeviation:
    fields: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in entry.items()}
    return KnownDeviation(**fields)


def _unique(found: Sequence[KnownDeviation]) -> tuple[KnownDeviation, ...]:
    twice = [name for name, count in Counter(each.id for each in found).items() if count > 1]
    if twice:
        raise ValueError(f"two known deviations have the id '{twice[0]}'")
    return tuple(found)


def apply(
    test: str, observations: Iterable[Observation], versions: Mapping[str, str], known: Iterable[KnownDeviation]
) -> tuple[list[Observation], list[NotSeen]]:
    """The observations of one test with known deviations marked, and where a known deviation is not seen.

    It is not seen in a test if it names cases of the test and none of those that one name matches deviates.
    """
    marked = list(observations)
    unseen = []
    operation = test.partition("/")[0]
    for each in known:
        if not each.holds_for(versions):
            continue
        named = (one for written in each.keys if _about(written, operation) for one in alternatives(written))
        for pattern in (one for one in named if matches(one, test)):
            met = [number for number, seen in enumerate(marked) if matches(pattern, seen.key)]
            meant = [number for number in met if each.explains(marked[number])]
            for number in meant:
                verdict = marked[number].verdict if each.refused else Verdict.KNOWN
                marked[number] = replace(marked[number], known=each.id, verdict=verdict)
            judged = [
                seen for seen in (marked[number] for number in met) if each.refused or seen.verdict not in UNJUDGED
            ]
            if judged and not meant and not any(seen.verdict in WRONG or seen.known for seen in judged):
                unseen.append(NotSeen(each.id, pattern, test))
    return marked, unseen


@functools.cache
def _about(pattern: str, operation: str) -> bool:
    """Whether a pattern can match a key of this operation: few can, and there are many keys."""
    return matches(pattern.partition("/")[0], operation)


@functools.cache
def alternatives(pattern: str) -> tuple[str, ...]:
    """The pattern once for each alternative of its last part: each case that it names must deviate."""
    start, _, cases = pattern.rpartition("/")
    return tuple(f"{start}/{case}" for case in cases.split("|"))
