"""Special values: what a definition gives at the edges of its domain, computed by the engine and never typed."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from gaugeblock.conformance.cases.cases import cases
from gaugeblock.conformance.cases.domains import DOMAINS, INPUT, Point
from gaugeblock.reference import engine
from gaugeblock.reference.balls import PrecisionError
from gaugeblock.reference.catalogue import Operation
from gaugeblock.reference.formats import FORMATS
from gaugeblock.reference.truth import Truth

ANSWER = FORMATS["float64"]
"""The format answers are settled in: a sum of float32 numbers may exceed the largest of them."""

NO_VALUE = "no value"
"""The definition has none there: NaN."""

KINK = "none: a kink"
UNDECIDED = "undecided"
"""The engine could not tell."""

LIMIT = 12
"""Frozen cases that are shown of an operation."""

SHOWN = 12
"""Entries of a row that are shown; of a longer one, the first eight, and no derivative."""


@dataclass(frozen=True)
class Special:
    """A point for each input, the answer there, and the derivative where one is asked for: each to 20 digits."""

    points: tuple[Point, ...]
    answer: str
    derivative: str
    case: str = ""
    """Name of the frozen case whose first sample it is."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Parameters of the definition that are not at their defaults."""


def at_points(operation: Operation) -> list[Special]:
    """Answers at the special points of the inputs' domains; none where the table lacks an input's domain."""
    return [_special(operation, points) for points in _situations(operation)]


def at_cases(operation: Operation) -> list[Special]:
    """Answers at the first sample of a frozen case for each set of parameters that cases have, LIMIT at most.

    The defaults are left out where special points show them.
    """
    shown: list[Mapping[str, Any]] = [{}] if _situations(operation) else []
    found: list[Special] = []
    for case in cases(operation.name, INPUT.name):
        known = {name: value for name, value in case.parameters.items() if name in operation.parameters}
        stated = {name: known[name] for name, value in operation.parameters.items() if known.get(name, value) != value}
        # A vector for more classes is a shorter one, repeated.
        alike = {n: value[:3] if isinstance(value, tuple) else value for n, value in stated.items()}
        if alike in shown or case.parameters.get("axis", -1) != -1 or len(found) == LIMIT:
            continue
        shown.append(alike)
        arrays = zip((case.inputs[name] for name in operation.inputs), operation.core_ranks, strict=True)
        points = tuple(Point(array[(0,) * (array.ndim - rank)].tolist()) for array, rank in arrays)
        found.append(_special(operation, points, case.name, stated))
    return found


def _situations(operation: Operation) -> list[tuple[Point, ...]]:
    """Points for all inputs together; none where the table knows an input or a parameter's default not.

    Two inputs meet in every combination; of more, one at a time is other than ordinary.
    """
    kinds = tuple(zip(operation.domains, operation.core_ranks, strict=True))
    choices = [DOMAINS[domain].points.get(rank, ()) for domain, rank in kinds]
    if not all(choices) or inspect.Parameter.empty in operation.parameters.values():
        return []
    every = [points for points in itertools.product(*choices) if _fit(operation, points)]
    if len(choices) <= 2:
        return every
    ordinary = [points[0] for points in choices]
    return [points for points in every if sum(a is not b for a, b in zip(points, ordinary, strict=True)) <= 1]


def _fit(operation: Operation, points: Sequence[Point]) -> bool:
    """Whether axes of one name have one length, and labels name one of the classes."""
    lengths: dict[str, int] = {}
    for axes, point in zip(operation.core_axes, points, strict=True):
        for axis, length in zip(axes, np.shape(point.value), strict=True):
            if lengths.setdefault(axis, length) != length:
                return False
    classes = lengths.get(operation.core_axes[-1][-1], math.inf) if operation.core_axes[-1] else math.inf
    labels = (p.value for name, p in zip(operation.inputs, points, strict=True) if name in operation.integers)
    return all(np.max(label) < classes for label in labels)


def _special(
    operation: Operation, points: tuple[Point, ...], case: str = "", stated: Mapping[str, Any] = MappingProxyType({})
) -> Special:
    inputs = {
        name: np.asarray(point.value) if name in operation.integers else INPUT.array(point.value)
        for name, point in zip(operation.inputs, points, strict=True)
    }
    answer, derivative = _text(lambda: engine.evaluate(operation, ANSWER, inputs, **stated)), ""
    # A derivative is expected where everything is finite: beyond, it is a limit that series do not take.
    finite = all(np.isfinite(array).all() and array.size <= SHOWN for array in inputs.values())
    if operation.gradient_bound is not None and finite:
        cotangent = np.ones(())
        if operation.output_rank:
            cotangent = (np.arange(inputs[operation.inputs[-1]].shape[-1]) == 0).astype(np.float64)
        derivative = _text(lambda: engine.gradient(operation, ANSWER, inputs, cotangent, **stated))
    return Special(points, answer, derivative, case, stated)


def _text(ask: Callable[[], Truth]) -> str:
    try:
        truth = ask()
    except PrecisionError:
        return UNDECIDED
    texts = [_element(truth, at) for at in np.ndindex(truth.nearest.shape)]
    return bracketed(texts) if truth.nearest.ndim else texts[0]


def bracketed(entries: Sequence[str]) -> str:
    """A list as text, a long one elided."""
    shown = entries if len(entries) <= SHOWN else [*entries[:8], f"… {len(entries) - 8} more"]
    return f"[{', '.join(shown)}]"


def _element(truth: Truth, at: tuple[int, ...]) -> str:
    if truth.asked is not None and not truth.asked[at]:
        return KINK
    if truth.undecided[at]:
        return UNDECIDED
    return NO_VALUE if np.isnan(truth.nearest[at]) else _short(truth.text(at))


def _short(decimal: str) -> str:
    """Without the zeros that end the fraction."""
    digits, e, exponent = decimal.partition("e")
    return (digits.rstrip("0").rstrip(".") if "." in digits else digits) + e + exponent
