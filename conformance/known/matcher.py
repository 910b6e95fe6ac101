"""The known deviations of each framework, and which of them explains what was observed."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Sequence
from fnmatch import translate
from importlib import resources
from typing import Any

from gaugeblock.adapters.registry import FRAMEWORKS, adapter
from gaugeblock.conformance.known.deviation import KnownDeviation
from gaugeblock.conformance.known.reading import made, parsed, unique
from gaugeblock.conformance.known.sight import Sight
from gaugeblock.reports.records import NotSeen, Observation
from gaugeblock.reports.verdicts import ABSENT, FAILING, WRONG, Verdict
from msgspec.structs import replace

UNJUDGED = ABSENT | {Verdict.HARNESS_ERROR}
"""Verdicts of cases in which nothing can be seen."""


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
            found += parsed(file.read_text(encoding="utf-8"), file.name)
    unique(found)
    return tuple(found)


@functools.cache
def known_of(framework: str) -> tuple[KnownDeviation, ...]:
    """What is known of a framework: a plug-in's deviations are its own, and those recorded here are none of it.

    Raises KnownError for one that cannot be used, or whose id is taken.
    """
    if framework in FRAMEWORKS:
        return known_deviations()
    own = [made(entry, f"the table 'known' of {framework}") for entry in adapter(framework).known]
    unique([*known_deviations(), *own])
    return tuple(own)


def apply(
    test: str, sights: Sequence[Sight], known: Iterable[KnownDeviation]
) -> tuple[list[Observation], list[NotSeen]]:
    """The observations of one test with known deviations marked, and where a known deviation is not seen.

    Of several that explain an observation the first is named. One is not seen in a test if it speaks of cases of
    the test, and none of those that one name matches deviates. What deviates unexplained says which known deviation it
    exceeds.

    Args:
        test: the start of the keys.
        sights: what was observed, with cases and environment.
        known: what may explain it.
    """
    marked = [each.observation for each in sights]
    unseen = []
    operation = test.partition("/")[0]
    near: list[tuple[KnownDeviation, str]] = []
    for each in known:
        named = [one for written in each.keys if _about(written, operation) for one in alternatives(written)]
        named = [one for one in named if matches(one, test)]
        if not named or not each.holds_for(sights[0].environment.versions if sights else {}):
            continue
        near += [(each, one) for one in named]
        for pattern in named:
            met = [
                number
                for number, seen in enumerate(sights)
                if matches(pattern, seen.observation.key) and each.when.of_the_case(seen)
            ]
            meant = [number for number in met if marked[number].known is None and each.explains(sights[number])]
            for number in meant:
                verdict = marked[number].verdict if each.refused else Verdict.KNOWN
                marked[number] = replace(marked[number], known=each.id, verdict=verdict)
            judged = [
                seen for seen in (marked[number] for number in met) if each.refused or seen.verdict not in UNJUDGED
            ]
            if judged and not meant and not any(seen.verdict in WRONG or seen.known for seen in judged):
                unseen.append(NotSeen(each.id, pattern, test))
    return [_compared(found, seen, near) for found, seen in zip(marked, sights, strict=True)], unseen


def _compared(found: Observation, seen: Sight, near: Sequence[tuple[KnownDeviation, str]]) -> Observation:
    """An observation, which says which known deviation it exceeds if it deviates unexplained."""
    if found.verdict not in FAILING or found.known is not None:
        return found
    said = [exceeded(each, seen) for each, pattern in near if matches(pattern, found.key)]
    told = min((each for each in said if each is not None), default=None)
    if told is None:
        return found
    message = told[1] if found.message is None else f"{found.message}; {told[1]}"
    return replace(found, message=message)


def exceeded(each: KnownDeviation, seen: Sight) -> tuple[float, str] | None:
    """How far a deviation lies beyond a known one of the same case, and the words that say so; None: it is another.

    Beyond its ceiling counts before beyond one of its conditions; where more than one does not hold, the causes differ.
    """
    if each.refused:
        return None
    missing = each.when.unfulfilled(seen)
    error = seen.observation.error
    if not missing:
        ceiling = each.ceiling(seen)
        if error is None:
            got = seen.sort(seen.got) or seen.observation.label or seen.observation.verdict.words
            return 1e301, f"as {each.id}, but {got} where {_explained(each, ceiling)}"
        return error / max(ceiling, 1e-9), f"as {each.id}, but {error:.4g} ULP where {_explained(each, ceiling)}"
    if len(missing) == 1 and each.admits(seen):
        return 1e302, f"as {each.id}, but {missing[0]}"
    return None


def _explained(each: KnownDeviation, ceiling: float) -> str:
    """What a known deviation explains: "24 are known"."""
    return f"{ceiling:.4g} are known" if ceiling else f"{' and '.join(each.gives) or 'another answer'} is known"


@functools.cache
def _about(pattern: str, operation: str) -> bool:
    """Whether a pattern can match a key of this operation: few can, and there are many keys."""
    return matches(pattern.partition("/")[0], operation)


@functools.cache
def alternatives(pattern: str) -> tuple[str, ...]:
    """The pattern once for each alternative of its last part: each case that it names must deviate."""
    start, _, cases = pattern.rpartition("/")
    return tuple(f"{start}/{case}" for case in cases.split("|"))
