"""What a known deviation is held against: an observation, the case that it was made of, and where that was."""

from __future__ import annotations

import functools
import math
import platform
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gaugeblock.conformance.cases.case import COTANGENT, Case
from gaugeblock.reference.catalogue import OPERATIONS
from gaugeblock.reference.formats import FORMATS, Array, Format
from gaugeblock.reports.records import Observation

SORTS = ("nan", "infinity", "zero", "subnormal", "normal")
"""Sorts of numbers. A number other than 0 that is smaller than the smallest subnormal one is subnormal, too."""

BESIDE = (COTANGENT, "sample_weight")
"""Arrays of a case that are no inputs of its operation."""


@dataclass(frozen=True)
class Environment:
    """Where an observation was made."""

    versions: Mapping[str, str] = field(default_factory=dict)
    """Of the distributions installed."""
    flags: Mapping[str, Any] = field(default_factory=dict)
    """What the framework's process said of itself, such as its `instruction_set`."""

    @property
    def instruction_set(self) -> str | None:
        """The widest instructions that the framework uses; None where they are not known."""
        found = self.flags.get("instruction_set")
        return None if found is None else str(found).lower()

    @property
    def platform(self) -> tuple[str, str]:
        """The operating system and the processor's architecture, in Python's words."""
        return sys.platform, platform.machine().lower()

    @property
    def libraries(self) -> frozenset[str]:
        """The vendor libraries that the framework uses, without their versions."""
        listed = str(self.flags.get("libraries") or "")
        return frozenset(each.split()[0].lower() for each in listed.split(",") if each.strip())


@dataclass(frozen=True, eq=False)
class Sight:
    """An observation, the case that it was made of (None where nobody knows it any more), and where that was."""

    observation: Observation
    case: Case | None = None
    environment: Environment = field(default_factory=Environment)

    @functools.cached_property
    def parts(self) -> list[str]:
        """The parts of its key."""
        return self.observation.key.split("/")

    @property
    def format(self) -> Format:
        """The format of its dtype; binary64 for operations on labels alone."""
        return FORMATS.get(self.parts[2], FORMATS["float64"])

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The case's parameters."""
        return {} if self.case is None else self.case.parameters

    def _numbers(self, *others: str) -> Iterator[tuple[Array, Format]]:
        """The floating-point inputs in binary64, and the named arrays beside them."""
        for name, array in ({} if self.case is None else self.case.inputs).items():
            if array.dtype.name in FORMATS and (name not in BESIDE or name in others):
                yield np.asarray(array, np.float64), FORMATS[array.dtype.name]

    @functools.cached_property
    def length(self) -> int | None:
        """The number of entries along the core axis; of an operation without one, of its last input."""
        op = OPERATIONS.get(self.parts[0])
        if self.case is None or op is None or any(name not in self.case.inputs for name in op.inputs):
            return None
        ranks = dict(zip(op.inputs, op.core_ranks, strict=True))
        name = max(reversed(op.inputs), key=lambda each: ranks[each])
        array = self.case.inputs[name]
        if not ranks[name] or not array.ndim:
            return array.size
        axis = self.parameters.get("axis", -1)
        return int(array.shape[axis if isinstance(axis, int) and -array.ndim <= axis < array.ndim else -1])

    @functools.cached_property
    def magnitude(self) -> float | None:
        """The largest finite absolute value of the inputs; None without one."""
        found = [np.abs(array[np.isfinite(array)]) for array, _ in self._numbers()]
        largest = [float(each.max()) for each in found if each.size]
        return max(largest) if largest else None

    @functools.cached_property
    def scale(self) -> float:
        """The size of the largest terms that the inputs can make: at least 1, times the largest of the cotangent.

        Of a sum over samples it is that of all of them.
        """
        largest = max(1.0, self.magnitude or 0.0)
        if self.case is None:
            return largest
        if self.parameters.get("reduction") == "sum" and self.length:
            op = OPERATIONS[self.parts[0]]
            entries = max(self.case.inputs[name].size for name in op.inputs)
            largest *= entries / self.length if op.rowwise else entries
        if COTANGENT in self.case.inputs:
            cotangent = np.abs(np.asarray(self.case.inputs[COTANGENT], np.float64))
            largest *= max(1.0, float(cotangent.max(initial=1.0))) ** self.case.order
        return largest

    @functools.cached_property
    def holds(self) -> frozenset[str]:
        """The sorts of numbers among the inputs, and others of HELD in gaugeblock.conformance.known.conditions."""
        found: set[str] = set()
        for array, fmt in self._numbers():
            size = np.abs(array)
            small = size < fmt.smallest_normal
            for sort, there in (
                ("nan", np.isnan(array)),
                ("infinity", np.isinf(array)),
                ("zero", array == 0),
                ("subnormal", small & (array != 0)),
                ("normal", np.isfinite(array) & ~small),
                ("negative", array < 0),
                ("beyond-one", size > 1),
                ("huge", np.isfinite(array) & (size > fmt.largest / 4)),
            ):
                if sort not in found and np.any(there):
                    found.add(sort)
        return frozenset(found)

    def span(self, name: str) -> tuple[float, float] | None:
        """The smallest and the largest entry of an input; None if the case has no such input, or it is empty."""
        array = None if self.case is None else self.case.inputs.get(name)
        if array is None or not array.size:
            return None
        numbers = np.asarray(array, np.float64)
        return float(numbers.min()), float(numbers.max())

    @functools.cached_property
    def expected(self) -> float | None:
        """What is expected where the answer is worst; None if that is no number."""
        witness = self.observation.witness
        if witness is None:
            return None
        rounded = _number(witness.expected if witness.nearest is None else witness.nearest)
        if rounded is None or witness.nearest is None or not math.isfinite(rounded):
            return rounded
        exact = float(witness.expected)
        # What is smaller than any binary64 number is no zero.
        return exact if exact or not any(digit in witness.expected for digit in "123456789") else math.ulp(0.0)

    @functools.cached_property
    def got(self) -> float | None:
        """What came there."""
        witness = self.observation.witness
        return None if witness is None else _number(witness.got)

    def sort(self, value: float | None) -> str | None:
        """What sort of number it is in the format of the observation."""
        if value is None:
            return None
        if math.isnan(value):
            return "nan"
        if math.isinf(value):
            return "infinity"
        return "zero" if value == 0 else "subnormal" if abs(value) < self.format.smallest_normal else "normal"

    @property
    def distance(self) -> float | None:
        """How far the answer lies from what is expected, as a number; None if that is no finite distance."""
        if self.expected is None or self.got is None:
            return None
        found = abs(self.got - self.expected)
        return found if math.isfinite(found) else None


def _number(text: str) -> float | None:
    if text in ("nan", "inf", "-inf") or text.lstrip("-").startswith("0x"):
        return float.fromhex(text)
    return None
