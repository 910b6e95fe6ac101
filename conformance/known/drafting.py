"""Drafts of known deviations: the undocumented ones of a run, grouped by what may be one cause."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.known.deviation import KINDS
from gaugeblock.conformance.known.sight import Sight
from gaugeblock.reports.records import Observation, Run
from gaugeblock.reports.runfile import decode, split_key
from gaugeblock.reports.verdicts import FAILING

HEAD = f"""# Drafted by 'gaugeblock known': choose a kind for each entry, and say why. Until then the file is refused.
# Kinds: {", ".join(KINDS)}. A defect has the link of its issue, or reported = false.
# 'gaugeblock run --known' applies the file beside the known deviations of the suite.
"""

ROOM = 1.5
"""How far beyond the largest error seen a drafted ceiling lies: other processors round otherwise."""

CLOSE = 1e6
"""Errors in ULP up to which some digits are right."""

SPECIAL = ("nan", "infinity", "subnormal")
"""What inputs hold that may be the cause."""


def undocumented(run: Run) -> list[Observation]:
    """What deviates in a run and no known deviation explains."""
    return [each for each in run.observations if each.verdict in FAILING and each.known is None]


def draft(run: Run) -> str:
    """Entries in TOML for the undocumented deviations of a run, one for each cause that may be behind them."""
    groups: dict[Cause, list[Observation]] = {}
    for observation in undocumented(run):
        groups.setdefault(_cause(run, observation), []).append(observation)
    ids = Counter[str]()
    written = []
    for cause, observations in sorted(groups.items()):
        name = cause.slug
        ids[name] += 1
        written.append(_entry(name if ids[name] == 1 else f"{name}-{ids[name]}", cause, observations))
    return "\n".join([HEAD, *written])


class Cause(NamedTuple):
    """What deviations share that may have one cause."""

    framework: str
    check: str
    size: str
    """lost: no digit is right; near: some are; wrong: the error is no distance."""
    expected: str
    """The sort of number."""
    got: str
    """The same, or the label; where it is of the sort expected, whether it is larger or smaller."""
    holds: tuple[str, ...]
    """What the inputs hold that is special."""

    @property
    def slug(self) -> str:
        """An id for it."""
        words = " ".join(part for part in (*self[:-1], *self.holds) if part)
        return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def _cause(run: Run, observation: Observation) -> Cause:
    key = split_key(observation.key)
    framework = run.implementations[f"{key['operation']}/{key['implementation']}"].framework
    seen = Sight(observation, _case(run, observation))
    expected, got = seen.sort(seen.expected) or "", seen.sort(seen.got) or ""
    holds = tuple(sort for sort in SPECIAL if sort in seen.holds)
    if observation.error is None:
        got = got or observation.label or observation.verdict.words
        return Cause(framework, key["check"], "wrong", expected, got, holds)
    size = "lost" if observation.error > CLOSE else "near"
    if got == expected and seen.got is not None and seen.expected is not None:
        got = "larger" if seen.got > seen.expected else "smaller"
    return Cause(framework, key["check"], size, expected, got, holds)


def _case(run: Run, observation: Observation) -> Case | None:
    """The case of an observation; None if the run file does not hold all of its inputs."""
    stored = run.cases.get(observation.case or "")
    if stored is None or any(array.data is None for array in stored.inputs.values()):
        return None
    return Case("", {name: decode(array) for name, array in stored.inputs.items()}, stored.parameters)


def _entry(name: str, cause: Cause, observations: Sequence[Observation]) -> str:
    """One entry; what its reader must write is left empty, and what was seen stands in its `why`."""
    errors = [each.error for each in observations if each.error is not None]
    holds = ", ".join(map(_text, cause.holds))
    lines = [
        "[[known]]",
        f"id = {_text(name)}",
        f'kind = ""  # {", ".join(KINDS)}',
        "reported = false",
        f"why = {_text(_seen(cause, observations))}",
        "keys = [",
        *(f"    {_text(key)}," for key in folded(each.key for each in observations)),
        "]",
        *([f"when = {{ holds = [{holds}] }}"] if holds else []),
    ]
    if errors and cause.expected == "subnormal" and cause.got == "zero":
        lines.append("flush = true")
    elif errors:
        lines.append(f"at_most = {_rounded_up(max(errors) * ROOM)}  # {max(errors):.4g} seen")
    if len(errors) < len(observations):
        gives = {Sight(each).sort(Sight(each).got) for each in observations if each.error is None}
        lines.append('gives = ["nan"]' if gives == {"nan"} else "wrong = true")
    return "\n".join([*lines, ""])


def _seen(cause: Cause, observations: Sequence[Observation]) -> str:
    many = f"{len(observations)} observation{'s' if len(observations) > 1 else ''}"
    how = {"wrong": "", "lost": ", all digits lost,", "near": ", beyond the bound,"}[cause.size]
    expected = cause.expected or "another answer"
    return f"In {many} of {cause.framework}, check {cause.check}: {cause.got}{how} where {expected} is expected."


def _text(value: str) -> str:
    """A string as TOML writes it, which is as JSON does."""
    return json.dumps(value, ensure_ascii=False)


def _rounded_up(value: float) -> str:
    """Two digits, upwards."""
    if value >= 1e300:
        return "1e300"
    step = 10.0 ** (math.floor(math.log10(value)) - 1) if value > 0 else 1.0
    return f"{math.ceil(value / step) * step:.2g}"


def folded(keys: Iterable[str]) -> list[str]:
    """Patterns that match these keys and no others: what differs in one part alone stands between bars.

    The part in which the most can be folded comes first.
    """
    patterns: list[tuple[str, ...]] = [tuple(key.split("/")) for key in sorted({*keys})]
    while True:
        groups = max((_grouped(patterns, place) for place in range(7)), key=lambda each: len(patterns) - len(each))
        if len(groups) == len(patterns):
            return ["/".join(pattern) for pattern in sorted(patterns)]
        patterns = [
            (*rest[:place], "|".join(sorted({*options})), *rest[place:]) for (place, rest), options in groups.items()
        ]


def _grouped(patterns: Sequence[tuple[str, ...]], place: int) -> Mapping[tuple[int, tuple[str, ...]], list[str]]:
    """The options of one part, by the other parts."""
    found: dict[tuple[int, tuple[str, ...]], list[str]] = {}
    for pattern in patterns:
        found.setdefault((place, (*pattern[:place], *pattern[place + 1 :])), []).extend(pattern[place].split("|"))
    return found
