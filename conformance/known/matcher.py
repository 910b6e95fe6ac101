"""Expectations: recorded, explained deviations. One that does not show here is noted, and fails a strict run."""

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
from gaugeblock.conformance.trials.setting import Observation
from packaging.requirements import Requirement

EXPLAINABLE = ("deviates", "crashed", "timed_out")
SILENT = ("unsupported", "not_run", "harness_error")


@dataclass(frozen=True)
class Expectation:
    """A deviation that is known.

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
        """Whether the expectation speaks of these versions."""
        for text in self.versions:
            requirement = _requirement(text)
            installed = versions.get(requirement.name)
            if installed is None or not requirement.specifier.contains(installed, prereleases=True):
                return False
        return True

    def explains(self, observation: Observation) -> bool:
        """Whether this deviation is of the kind and size that is meant."""
        if self.refused:
            return bool(observation["verdict"] == "unsupported")
        if observation["verdict"] not in EXPLAINABLE:
            return False
        return self.wrong if "error" not in observation else bool(observation["error"] <= self.at_most)

    def record(self) -> dict[str, Any]:
        """The expectation as the run file holds it."""
        return {"why": self.why, "versions": ", ".join(self.versions) or "all", "link": self.link}


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
def expectations() -> tuple[Expectation, ...]:
    """Every recorded expectation of the suite's own frameworks."""
    found: list[Expectation] = []
    folder = resources.files(__package__).joinpath("data")
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.endswith(".toml"):
            table = tomllib.loads(file.read_text(encoding="utf-8"))
            found += map(_made, table.get("expectation", []))
    return _told_apart(found)


@functools.cache
def expectations_of(framework: str) -> tuple[Expectation, ...]:
    """What is expected of a framework: a plug-in's deviations are its own, and those recorded here are none of it.

    Raises TypeError for a field that there is not, and ValueError for an id that is taken.
    """
    if framework in FRAMEWORKS:
        return expectations()
    own = [_made(entry) for entry in adapter(framework).expectations]
    _told_apart([*expectations(), *own])
    return tuple(own)


def _made(entry: Mapping[str, Any]) -> Expectation:
    fields: dict[str, Any] = {n: tuple(value) if isinstance(value, list) else value for n, value in entry.items()}
    return Expectation(**fields)


def _told_apart(found: Sequence[Expectation]) -> tuple[Expectation, ...]:
    twice = [name for name, count in Counter(each.id for each in found).items() if count > 1]
    if twice:
        raise ValueError(f"two expectations have the id '{twice[0]}'")
    return tuple(found)


def apply(
    test: str, observations: Iterable[Observation], versions: Mapping[str, str], known: Iterable[Expectation]
) -> tuple[list[Observation], list[dict[str, str]]]:
    """The observations of one test with known deviations marked `documented`, and the expectations that are stale.

    An expectation is stale for a test if it names cases of the test and none of those that one name matches deviates.
    """
    explained = [dict(observation) for observation in observations]
    stale = []
    operation = test.partition("/")[0]
    for expectation in known:
        if not expectation.holds_for(versions):
            continue
        named = (each for written in expectation.keys if _about(written, operation) for each in alternatives(written))
        for pattern in (each for each in named if matches(each, test)):
            met = [observation for observation in explained if matches(pattern, observation["key"])]
            meant = [observation for observation in met if expectation.explains(observation)]
            for observation in meant:
                observation["expectation"] = expectation.id
                if not expectation.refused:
                    observation["verdict"] = "documented"
            judged = [o for o in met if expectation.refused or o["verdict"] not in SILENT]
            if judged and not meant and not any(o["verdict"] in EXPLAINABLE or "expectation" in o for o in judged):
                stale.append({"expectation": expectation.id, "pattern": pattern, "test": test})
    return explained, stale


@functools.cache
def _about(pattern: str, operation: str) -> bool:
    """Whether a pattern can match a key of this operation: few can, and there are many keys."""
    return matches(pattern.partition("/")[0], operation)


@functools.cache
def alternatives(pattern: str) -> tuple[str, ...]:
    """The pattern once for each alternative of its last part: each case that it names must deviate."""
    start, _, cases = pattern.rpartition("/")
    return tuple(f"{start}/{case}" for case in cases.split("|"))
