"""Special values: what a definition gives at the edges of its domain, computed by the engine and never typed."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from gaugeblock.conformance.cases.cases import cases
from gaugeblock.reference import engine
from gaugeblock.reference.balls import PrecisionError
from gaugeblock.reference.catalogue import Operation
from gaugeblock.reference.formats import FORMATS, Array
from gaugeblock.reference.truth import Truth

INPUT = FORMATS["float32"]
"""The format whose numbers are put in."""

ANSWER = FORMATS["float64"]
"""The format answers are settled in: a sum of float32 numbers may exceed the largest of them."""

INF, NAN = math.inf, math.nan

NO_VALUE = "no value"
"""The definition has none there: NaN."""

KINK = "none: a kink"
UNDECIDED = "undecided"
"""The engine could not tell."""


LIMIT = 12
"""Frozen cases that are shown of an operation."""


SHOWN = 12
"""Entries of a row that are shown; of a longer one, the first eight, and no slope."""


class Point(NamedTuple):
    """One sample of an input: a number, label or nested list of them, and what is special about it."""

    value: Any
    note: str = ""


HOLDS = {
    "real": "any real number",
    "probability": "a probability, in [0, 1]",
    "target": "a target, in [0, 1]: the probability that the label is 1",
    "sign": "a label, -1 or 1",
    "label": "a class label, an integer from 0",
    "binary": "a label, 0 or 1",
    "score": "a score: the larger, the likelier is 1",
    "logits": "logits: any real numbers, one for each entry",
    "probabilities": "probabilities, one for each class",
    "log_probabilities": "logarithms of probabilities, one for each class",
    "distribution": "a target distribution over the classes",
    "log_distribution": "logarithms of a target distribution over the classes",
    "finite_logits": "rows of logits, none of them infinite",
    "decisions": "decision values: any real numbers, one for each class",
    "one_hot": "a one-hot target: 1 at the true class, else 0",
    "multi_hot": "a label of 0 or 1 for each class",
    "mask": "which entries take part",
    "scores": "a score for each class: the larger, the likelier",
}
"""What an input of each domain holds."""

BATCH = [[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.5, 0.125, 0.375], [0.125, 0.25, 0.625]]
LABELS = (Point([0, 1, 1, 0]), Point([0, 0, 0, 0], "1 is absent"), Point([1, 1, 1, 1], "0 is absent"))
SHARES = (Point([0.25, 0.75, 0.5, 0.125]), Point([0.5, 0.5, 0.5, 0.5], "all tie"))

POINTS: Mapping[tuple[str, int], tuple[Point, ...]] = {
    ("real", 0): (
        Point(0.0),
        Point(-0.0),
        Point(1.0),
        Point(-1.0),
        Point(INF),
        Point(-INF),
        Point(NAN),
        Point(INPUT.largest, "the largest number"),
        Point(-INPUT.largest, "the smallest number"),
        Point(INPUT.smallest_normal, "the smallest positive normal number"),
        Point(INPUT.smallest_subnormal, "the smallest positive number"),
        Point(-INPUT.smallest_subnormal, "the largest negative number"),
    ),
    ("probability", 0): (
        Point(0.5),
        Point(0.0),
        Point(1.0),
        Point(INPUT.smallest_subnormal, "the smallest positive number"),
        Point(INPUT.next_down(1.0), "the largest number below 1"),
        Point(NAN),
    ),
    ("target", 0): (Point(1.0), Point(0.0), Point(0.5)),
    ("sign", 0): (Point(1.0), Point(-1.0)),
    ("label", 0): (Point(0), Point(2)),
    ("binary", 0): (Point(0), Point(1)),
    ("score", 0): (Point(0.25), Point(0.5), Point(0.75), Point(INF), Point(-INF)),
    ("logits", 1): (
        Point([0.0, 1.0, 2.0]),
        Point([1.0, 1.0, 1.0], "equal"),
        Point([200.0, 0.0, 0.0], "certain"),
        Point([INPUT.largest, 0.0, -INPUT.largest], "the largest numbers"),
        Point([-INF, 0.0, 1.0], "one -inf"),
        Point([-INF, -INF, -INF], "all -inf"),
        Point([INF, 0.0, 1.0], "one +inf"),
        Point([0.0, NAN, 1.0], "one NaN"),
        Point([1.0], "size 1"),
    ),
    ("probabilities", 1): (
        Point([0.25, 0.25, 0.5]),
        Point([1.0, 0.0, 0.0], "certain"),
        Point([0.5, 0.5, 0.5], "sum is not 1"),
        Point([0.25, NAN, 0.5], "one NaN"),
        Point([1.0], "size 1"),
    ),
    ("log_probabilities", 1): (
        Point([-2.0, -1.0, -0.5]),
        Point([0.0, -INF, -INF], "certain"),
        Point([-2.0, NAN, -0.5], "one NaN"),
        Point([0.0], "size 1"),
    ),
    ("distribution", 1): (
        Point([1.0, 0.0, 0.0]),
        Point([0.0, 0.0, 1.0]),
        Point([0.5, 0.25, 0.25], "soft"),
        Point([0.0, 0.0, 0.0], "none"),
        Point([1.0], "size 1"),
    ),
    ("log_distribution", 1): (Point([-2.0, -1.0, -0.5]), Point([0.0, -INF, -INF], "certain"), Point([0.0], "size 1")),
    ("one_hot", 1): (Point([1.0, 0.0, 0.0]), Point([0.0, 0.0, 1.0]), Point([1.0], "size 1")),
    ("multi_hot", 1): (Point([1.0, 0.0, 1.0]), Point([0.0, 0.0, 0.0], "none"), Point([1.0, 1.0, 1.0], "all")),
    ("mask", 1): (Point([True, True, True]), Point([True, False, True]), Point([False, False, False], "none")),
    ("scores", 1): (
        Point([0.125, 0.25, 0.5]),
        Point([0.5, 0.25, 0.5], "two tie for the first place"),
        Point([0.5, 0.5, 0.5], "all tie"),
        Point([0.0, INF, -INF], "infinite"),
        Point([1.0], "size 1"),
    ),
    ("label", 1): LABELS,
    ("binary", 1): LABELS,
    ("score", 1): SHARES,
    ("probability", 1): SHARES,
    ("scores", 2): (Point(BATCH), Point([[0.5, 0.5, 0.5]] * 4, "all tie")),
    ("probabilities", 2): (Point(BATCH), Point([[1.0, 0.0, 0.0]] * 4, "certain")),
}
"""Points by domain and number of core axes, the most ordinary first. Every number is one of INPUT.

Rows have three classes, and batches, of metrics that have no sample of their own, four samples.
"""


@dataclass(frozen=True)
class Special:
    """A point for each input, the answer there, and the slope where one is asked for: each to 20 digits."""

    points: tuple[Point, ...]
    answer: str
    slope: str
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
        defaults = operation.parameters.items()
        given = {n: case.parameters[n] for n, value in defaults if n in case.parameters and case.parameters[n] != value}
        # A vector for more classes is a shorter one, repeated.
        alike = {n: value[:3] if isinstance(value, tuple) else value for n, value in given.items()}
        if alike in shown or case.parameters.get("axis", -1) != -1 or len(found) == LIMIT:
            continue
        shown.append(alike)
        ranks = zip(operation.inputs, operation.core_ranks, strict=True)
        points = tuple(Point(_first(case.inputs[name], rank).tolist()) for name, rank in ranks)
        found.append(_special(operation, points, case.name, given))
    return found


def _first(array: Array, rank: int) -> Array:
    """The first sample of a batch."""
    return np.asarray(array[(0,) * (array.ndim - rank)])


def _situations(operation: Operation) -> list[tuple[Point, ...]]:
    """Points for all inputs together; none where the table knows an input or a parameter's default not.

    Two inputs meet in every combination; of more, one at a time is other than ordinary.
    """
    kinds = tuple(zip(operation.domains, operation.core_ranks, strict=True))
    if not POINTS.keys() >= set(kinds) or inspect.Parameter.empty in operation.parameters.values():
        return []
    choices = [POINTS[kind] for kind in kinds]
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
    classes = lengths.get(operation.core_axes[-1][-1], INF) if operation.core_axes[-1] else INF
    labels = (p.value for name, p in zip(operation.inputs, points, strict=True) if name in operation.integers)
    return all(np.max(label) < classes for label in labels)


def _special(
    operation: Operation, points: tuple[Point, ...], case: str = "", given: Mapping[str, Any] = MappingProxyType({})
) -> Special:
    inputs = {
        name: np.asarray(point.value) if name in operation.integers else INPUT.array(point.value)
        for name, point in zip(operation.inputs, points, strict=True)
    }
    answer = _told(lambda: engine.evaluate(operation, ANSWER, inputs, **given))
    # A derivative is due where everything is finite: beyond, it is a limit that series do not take.
    due = all(np.isfinite(array).all() and array.size <= SHOWN for array in inputs.values())
    if operation.gradient_bound is None or not due:
        return Special(points, answer, "", case, given)
    cotangent = np.ones(())
    if operation.output_rank:
        cotangent = (np.arange(inputs[operation.inputs[-1]].shape[-1]) == 0).astype(np.float64)
    slope = _told(lambda: engine.gradient(operation, ANSWER, inputs, cotangent, **given))
    return Special(points, answer, slope, case, given)


def _told(ask: Callable[[], Truth]) -> str:
    try:
        truth = ask()
    except PrecisionError:
        return UNDECIDED
    told = [_element(truth, at) for at in np.ndindex(truth.nearest.shape)]
    return bracketed(told) if truth.nearest.ndim else told[0]


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
