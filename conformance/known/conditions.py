"""Conditions of known deviations: what is true everywhere of the cases, answers and machines that a cause reaches."""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gaugeblock.conformance.known.sight import SORTS, Sight
from msgspec import Struct

INSTRUCTION_SETS = ("baseline", "sse4.2", "avx", "avx2", "avx512", "neon", "sve")
"""What `instruction_set` may name."""

PLATFORMS = ("linux", "darwin", "win32", "x86_64", "amd64", "aarch64", "arm64")
"""What `platform` may name: operating systems and architectures, in Python's words."""

HELD = (*SORTS, "negative", "beyond-one", "huge")
"""What `holds` may name."""

COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    ">=": operator.ge, "<=": operator.le, "==": operator.eq, ">": operator.gt, "<": operator.lt,
}  # fmt: skip


class ConditionError(Exception):
    """A condition that cannot be read; the message is the end of a sentence about the entry."""


class When(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Conditions that must all hold; one that is left out always does.

    What a machine does not say of itself fulfils no condition.
    """

    length: str | int | None = None
    """A range of the length of the core axis, such as ">=1024" or ">8, <=64"."""
    magnitude: str | float | None = None
    """A range of the largest finite absolute value of the inputs."""
    holds: tuple[str, ...] = ()
    """What the inputs hold, any of HELD: sorts of numbers, `negative` ones, numbers `beyond-one` in size, and `huge`
    ones of more than a quarter of the largest, whose sums and differences overflow."""
    expects: tuple[str, ...] = ()
    """What sort of number is expected where the answer is worst, any of SORTS."""
    every: Mapping[str, str | float] = {}
    """Ranges in which every entry of an input lies: { y_true = ">0" } is a batch of one class."""
    axis: tuple[int, ...] = ()
    """The axis that is asked for, any of these."""
    parameters: Mapping[str, Any] = {}
    """Values of the case's parameters: one, a list of which it is one, or a range."""
    label: tuple[str, ...] = ()
    """The label of the answer to a probe, any of these."""
    instruction_set: tuple[str, ...] = ()
    """The widest instructions that the framework uses, any of INSTRUCTION_SETS."""
    platform: tuple[str, ...] = ()
    """The operating system or architecture, any of PLATFORMS."""
    libraries: tuple[str, ...] = ()
    """Vendor libraries that the framework uses, any of these: "onednn"."""

    def check(self) -> None:
        """ConditionError if a range cannot be read, or a word is none that can hold."""
        for text in (
            self.length,
            self.magnitude,
            *self.every.values(),
            *(each for each in self.parameters.values() if _is_range(each)),
        ):
            if text is not None:
                bounds(text)
        for name, known in (
            ("holds", HELD),
            ("expects", SORTS),
            ("instruction_set", INSTRUCTION_SETS),
            ("platform", PLATFORMS),
        ):
            for word in getattr(self, name):
                if word not in known:
                    raise ConditionError(f"has '{word}' as {name}, which is none of {', '.join(known)}")

    def of_the_case(self, seen: Sight) -> bool:
        """Whether it speaks of the case and the machine, whatever the answer is."""
        return not any(self._unfulfilled_before(seen))

    def unfulfilled(self, seen: Sight) -> list[str]:
        """What of it does not hold: "its length is 300, not >=1024"."""
        return [*self._unfulfilled_before(seen), *self._unfulfilled_by_the_answer(seen)]

    def _unfulfilled_before(self, seen: Sight) -> Iterator[str]:
        for name, wanted, found in (
            ("length", self.length, seen.length),
            ("magnitude", self.magnitude, seen.magnitude),
        ):
            if wanted is not None and (found is None or not within(wanted, found)):
                yield f"its {name} is {_said(found)}, not {wanted}"
        if self.holds and not seen.holds.intersection(self.holds):
            yield f"its inputs hold no {' or '.join(self.holds)}"
        for name, wanted in self.every.items():
            if (span := seen.span(name)) is None or not all(within(wanted, each) for each in span):
                yield f"its {name} is {'not known' if span is None else f'{span[0]:g} to {span[1]:g}'}, not {wanted}"
        if self.axis and seen.parameters.get("axis", -1) not in self.axis:
            yield f"its axis is {seen.parameters.get('axis', -1)}, not {_any(self.axis)}"
        for name, wanted in self.parameters.items():
            value = seen.parameters.get(name)
            if not _is(wanted, value):
                yield f"its {name} is {_said(value)}, not {_any(wanted) if isinstance(wanted, list) else wanted}"
        there = seen.environment
        if self.instruction_set and there.instruction_set not in self.instruction_set:
            yield f"the instruction set is {_said(there.instruction_set)}, not {_any(self.instruction_set)}"
        if self.platform and not {*self.platform}.intersection(there.platform):
            yield f"the platform is {' on '.join(there.platform)}, not {_any(self.platform)}"
        if self.libraries and not there.libraries.intersection(each.lower() for each in self.libraries):
            yield f"the libraries are {', '.join(sorted(there.libraries)) or 'not known'}, not {_any(self.libraries)}"

    def _unfulfilled_by_the_answer(self, seen: Sight) -> Iterator[str]:
        if self.expects and seen.sort(seen.expected) not in self.expects:
            yield f"what is expected is {_said(seen.sort(seen.expected))}, not {_any(self.expects)}"
        if self.label and seen.observation.label not in self.label:
            yield f"the answer's label is {_said(seen.observation.label)}, not {_any(self.label)}"


def _any(wanted: Any) -> str:
    return " or ".join(str(each) for each in wanted)


def _said(value: Any) -> str:
    return "not known" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _is_range(wanted: Any) -> bool:
    return isinstance(wanted, str) and wanted.lstrip()[:1] in "<>="


def _is(wanted: Any, value: Any) -> bool:
    """Whether a parameter has a wanted value: itself, one of a list, or one in a range."""
    if isinstance(wanted, list):
        return any(_is(each, value) for each in wanted)
    if _is_range(wanted):
        return isinstance(value, int | float) and within(wanted, float(value))
    return bool(wanted == value)


@functools.cache
def bounds(text: str | float) -> tuple[tuple[str, float], ...]:
    """The comparisons of a range: ">=9, <17" is two; a number alone is equality."""
    found = []
    for part in str(text).split(","):
        matched = re.fullmatch(r"\s*(>=|<=|==|>|<|)\s*([-+0-9.eE]+)\s*", part)
        try:
            if matched is None:
                raise ValueError
            found.append((matched[1] or "==", float(matched[2])))
        except ValueError:
            raise ConditionError(f"has the range '{text}', where '>=1024' or '>8, <=64' is meant") from None
    return tuple(found)


def within(text: str | float, value: float) -> bool:
    """Whether a number lies in a range."""
    return all(COMPARISONS[comparison](value, limit) for comparison, limit in bounds(text))
