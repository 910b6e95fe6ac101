"""Domains: what an input holds. One object each, which knows all that the suite draws, asks and says of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from gaugeblock.conformance.cases import named_arrays, patterns
from gaugeblock.conformance.cases.draws import bell, integers, uniform
from gaugeblock.conformance.cases.patterns import Known, Pattern
from gaugeblock.reference.formats import FORMATS, Array, Format

INPUT = FORMATS["float32"]
"""The format whose numbers special points are."""

INF, NAN = math.inf, math.nan
REALS, UNIT, NEGATIVE = (-INF, INF), (0.0, 1.0), (-INF, 0.0)


class Point(NamedTuple):
    """One sample of an input: a number, label or nested list of them, and what is special about it."""

    value: Any
    note: str = ""


class MovingRow(NamedTuple):
    """A row in which one entry moves: its place, and the row."""

    place: int
    row: tuple[float, ...]


def _lacking(*_: Any) -> Any:
    raise LookupError("nothing of this domain is drawn so")


@dataclass(frozen=True)
class Domain:
    """What an input holds: its special values, its patterns, what stands beside others, how it is made simpler.

    Fields that are functions take frozen names, so that the same is drawn for ever. A domain of what is differentiated
    has `named` inputs; one that stands beside rows, as targets and masks do, `beside_rows`; one of single numbers
    beside others `numbers_beside`.
    """

    holds: str
    """In words, for the pages."""
    special: tuple[Point, ...] = ()
    """Special points, the most ordinary first. Every number is one of INPUT; rows have three classes, and batches, of
    metrics that have no sample of their own, four samples."""
    limits: tuple[float, float] = REALS
    """The smallest and the largest number."""
    fixed: bool = False
    """Whether its numbers are simple, and each as simple as another."""
    shares: bool = False
    """Whether the sum of a row is kept: what is left out goes to the largest entry."""
    one_of_a_row: bool = False
    """Whether a row of whole numbers has one entry that is 1, the others 0."""
    distinct: bool = False
    """Whether the entries of a row differ."""
    any_entries: bool = False
    """Whether the entries of a row may be any, each as often as it likes."""
    multiplied: bool = False
    """Whether it holds targets that are multiplied with the logarithm of each class."""
    named: Callable[[Format], Mapping[str, Array]] | None = None
    """Named rows, or vectors of single numbers, of what an operation differentiates."""
    smooth: Collection[str] = named_arrays.SMOOTH_ROWS
    """Names of those at which operations have derivatives."""
    patterns: Mapping[str, Pattern] = field(default_factory=dict)
    """What an operation's last input may hold, in the kinds that combinations draw from."""
    beside_rows: Callable[[Known], Array] = _lacking
    """What stands beside rows in combinations."""
    numbers_beside: Callable[[str, tuple[int, ...]], Array] = _lacking
    """What stands beside single numbers in combinations."""
    swept: Callable[[str, tuple[int, ...], Format], Array] = _lacking
    """Rows of any length, or vectors of any size, in sweeps over shapes."""
    swept_beside: Callable[[Array], Array] = _lacking
    """What stands beside those."""
    moving: bool = False
    """Whether dense lines move one number of it through the numbers of a format, within its limits."""
    moving_rows: Mapping[str, MovingRow] = field(default_factory=dict)
    """Rows in which a number moves; of none, the number moves alone."""
    beside_moving: Callable[[Array, Array], Mapping[str, Any]] = _lacking
    """What stands beside such a row or number, by which class is the moving one's and which another."""

    @property
    def points(self) -> dict[int, tuple[Point, ...]]:
        """The special points by the number of their axes."""
        ranks = {np.ndim(each.value) for each in self.special}
        return {rank: tuple(each for each in self.special if np.ndim(each.value) == rank) for rank in sorted(ranks)}


BATCH = [[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.5, 0.125, 0.375], [0.125, 0.25, 0.625]]
LABELS = (Point([0, 1, 1, 0]), Point([0, 0, 0, 0], "1 is absent"), Point([1, 1, 1, 1], "0 is absent"))
SHARES = (Point([0.25, 0.75, 0.5, 0.125]), Point([0.5, 0.5, 0.5, 0.5], "all tie"))

MOVING_LOGITS = {"of-3": MovingRow(1, (0.0, 0.0, 1.0)), "of-5": MovingRow(4, (0.5, -2.5, 9.0, 4.0, 0.0))}


def _one_of_two(it: Array, other: Array) -> dict[str, Any]:
    return {"label-moving": it, "label-other": other}


def _hot(last: Array) -> Array:
    return np.asarray(np.arange(last.shape[1]) == patterns.swept_labels(last)[:, None])


def _swept_decisions(name: str, shape: tuple[int, ...], _: Format) -> Array:
    return bell(f"sweep/{name}/{shape[1]}", shape, 3)


DOMAINS: dict[str, Domain] = {
    "real": Domain(
        "any real number",
        special=(
            *map(Point, (0.0, -0.0, 1.0, -1.0, INF, -INF, NAN)),
            Point(INPUT.largest, "the largest number"),
            Point(-INPUT.largest, "the smallest number"),
            Point(INPUT.smallest_normal, "the smallest positive normal number"),
            Point(INPUT.smallest_subnormal, "the smallest positive number"),
            Point(-INPUT.smallest_subnormal, "the largest negative number"),
        ),
        named=named_arrays.scalars,
        smooth=named_arrays.SMOOTH,
        patterns=patterns.ELEMENTS,
        swept=lambda name, shape, fmt: uniform(f"sweep/{name}", shape, -0.4, 0.4) * -2 * fmt.emin * 0.69,
        moving=True,
    ),
    "probability": Domain(
        "a probability, in [0, 1]",
        special=(
            *map(Point, (0.5, 0.0, 1.0)),
            Point(INPUT.smallest_subnormal, "the smallest positive number"),
            Point(INPUT.next_down(1.0), "the largest number below 1"),
            Point(NAN),
            *SHARES,
        ),
        limits=UNIT,
        patterns={
            "ordinary": lambda name, shape, _: uniform(name, shape, 0.01, 0.99),
            "small": lambda name, shape, _: uniform(name, shape, 0.5, 1) * 2.0 ** -integers(f"{name}/e", shape, 12),
            "minute": patterns.minute,
            "steps": lambda name, shape, _: (1 + integers(name, shape, 15)) / 16.0,
            "nearly one": lambda name, shape, fmt: 1 - (1 + integers(name, shape, 64)) * fmt.epsilon,
        },
        swept=lambda name, shape, _: uniform(f"sweep-p/{name}", shape, 0.01, 0.99),
        moving=True,
    ),
    "target": Domain(
        "a target, in [0, 1]: the probability that the label is 1",
        special=(Point(1.0), Point(0.0), Point(0.5)),
        limits=UNIT,
        numbers_beside=patterns.random_targets,
        swept=lambda name, shape, _: integers(f"sweep-t/{name}", shape, 2) * 1.0,
        beside_moving=lambda *_: {"target-0": 0.0, "target-1": 1.0, "target-soft": 0.25},
    ),
    "sign": Domain(
        "a label, -1 or 1",
        special=(Point(1.0), Point(-1.0)),
        fixed=True,
        numbers_beside=lambda name, shape: 1.0 - 2 * integers(name, shape, 2),
        swept=lambda name, shape, _: 1.0 - 2 * integers(f"sweep-t/{name}", shape, 2),
        beside_moving=lambda *_: {"sign-plus": 1.0, "sign-minus": -1.0},
    ),
    "label": Domain(
        "a class label, an integer from 0",
        special=(Point(0), Point(2), *LABELS),
        beside_rows=lambda known: known.labels,
        numbers_beside=lambda name, shape: integers(name, shape, 5),
        swept_beside=patterns.swept_labels,
        swept=lambda name, shape, _: integers(f"sweep-l/{name}", shape, 7),
        beside_moving=lambda it, other: {"label-moving": np.argmax(it), "label-other": np.argmax(other)},
    ),
    "binary": Domain(
        "a label, 0 or 1",
        special=(Point(0), Point(1), *LABELS),
        numbers_beside=lambda name, shape: integers(name, shape, 2),
        swept=lambda name, shape, _: integers(f"sweep-t/{name}", shape, 2),
    ),
    "score": Domain(
        "a score: the larger, the likelier is 1",
        special=(Point(0.25), Point(0.5), Point(0.75), Point(INF), Point(-INF), *SHARES),
        limits=UNIT,
        patterns={"ordinary": lambda name, shape, _: uniform(name, shape, 0.26, 0.49) * (1 + integers(name, shape, 2))},
        swept=lambda name, shape, _: uniform(f"sweep-p/{name}", shape, 0.51, 0.99) - (np.arange(shape[0]) % 2) * 0.5,
    ),
    "logits": Domain(
        "logits: any real numbers, one for each entry",
        special=(
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
        any_entries=True,
        named=named_arrays.logit_rows,
        patterns=patterns.LOGITS,
        swept=patterns.swept_logits,
        moving=True,
        moving_rows=MOVING_LOGITS,
    ),
    "finite_logits": Domain(
        "rows of logits, none of them infinite",
        any_entries=True,
        named=named_arrays.logit_rows,
        patterns={name: each for name, each in patterns.LOGITS.items() if name not in patterns.SPECIAL},
        swept=_swept_decisions,
        moving=True,
        moving_rows=MOVING_LOGITS,
    ),
    "decisions": Domain(
        "decision values: any real numbers, one for each class",
        any_entries=True,
        named=named_arrays.decision_rows,
        smooth=named_arrays.SMOOTH_DECISIONS,
        patterns={
            **patterns.DISTINCT,
            "ordinary": patterns.LOGITS["ordinary"],
            "flat": lambda name, shape, fmt: patterns.distinct(name, shape, fmt) / 64,
        },
        swept=_swept_decisions,
        moving=True,
        moving_rows=MOVING_LOGITS,
    ),
    "probabilities": Domain(
        "probabilities, one for each class",
        special=(
            Point([0.25, 0.25, 0.5]),
            Point([1.0, 0.0, 0.0], "certain"),
            Point([0.5, 0.5, 0.5], "sum is not 1"),
            Point([0.25, NAN, 0.5], "one NaN"),
            Point([1.0], "size 1"),
            Point(BATCH),
            Point([[1.0, 0.0, 0.0]] * 4, "certain"),
        ),
        limits=UNIT,
        shares=True,
        one_of_a_row=True,
        named=named_arrays.probability_rows,
        smooth={*named_arrays.SMOOTH_ROWS, "equal-10"} - {"confident-10"},
        patterns=patterns.SHARES,
        swept=lambda name, shape, _: patterns.shares(1.0 + integers(f"sweep-p/{name}/{shape[1]}", shape, 64)),
        moving=True,
        moving_rows={"of-3": MovingRow(1, (0.25, 0.0, 0.5))},
    ),
    "log_probabilities": Domain(
        "logarithms of probabilities, one for each class",
        special=(
            Point([-2.0, -1.0, -0.5]),
            Point([0.0, -INF, -INF], "certain"),
            Point([-2.0, NAN, -0.5], "one NaN"),
            Point([0.0], "size 1"),
        ),
        limits=NEGATIVE,
        named=named_arrays.log_probability_rows,
        patterns={
            "ordinary": lambda name, shape, _: -uniform(name, shape, 0.1, 9),
            "wide": lambda name, shape, fmt: -uniform(name, shape, 0.1, 0.9) * named_arrays.Landmarks.of(fmt).normal,
        },
        swept=lambda name, shape, _: -uniform(f"sweep-log/{name}/{shape[1]}", shape, 0.1, 9),
        moving=True,
        moving_rows={"of-3": MovingRow(1, (-1.0, 0.0, -2.0))},
    ),
    "distribution": Domain(
        "a target distribution over the classes",
        special=(
            Point([1.0, 0.0, 0.0]),
            Point([0.0, 0.0, 1.0]),
            Point([0.5, 0.25, 0.25], "soft"),
            Point([0.0, 0.0, 0.0], "none"),
            Point([1.0], "size 1"),
        ),
        limits=UNIT,
        shares=True,
        one_of_a_row=True,
        multiplied=True,
        beside_rows=patterns.distribution,
        swept_beside=lambda last: np.where(_hot(last), 1.0, 0.0),
        beside_moving=lambda it, other: {
            **_one_of_two(it, other),
            "label-soft": np.where(other, 0.5, np.where(it, 0.25, 0.25 / (len(it) - 2))),
        },
    ),
    "log_distribution": Domain(
        "logarithms of a target distribution over the classes",
        special=(Point([-2.0, -1.0, -0.5]), Point([0.0, -INF, -INF], "certain"), Point([0.0], "size 1")),
        limits=NEGATIVE,
        multiplied=True,
        beside_rows=lambda known: np.where(known.hot, -0.125, -6.0),
        swept_beside=lambda last: np.where(_hot(last), -0.125, -6.0),
        beside_moving=lambda it, other: {
            "label-moving": np.where(it, -0.125, -6.0),
            "label-other": np.where(other, -0.125, -6.0),
        },
    ),
    "one_hot": Domain(
        "a one-hot target: 1 at the true class, else 0",
        special=(Point([1.0, 0.0, 0.0]), Point([0.0, 0.0, 1.0]), Point([1.0], "size 1")),
        fixed=True,
        one_of_a_row=True,
        multiplied=True,
        beside_rows=lambda known: known.hot,
        swept_beside=_hot,
        beside_moving=_one_of_two,
    ),
    "multi_hot": Domain(
        "a label of 0 or 1 for each class",
        special=(Point([1.0, 0.0, 1.0]), Point([0.0, 0.0, 0.0], "none"), Point([1.0, 1.0, 1.0], "all")),
        one_of_a_row=True,
        multiplied=True,
        beside_rows=lambda known: named_arrays.multi_hot(known.name, known.last.shape),
        swept_beside=lambda last: ((np.arange(last.shape[1]) % 3 == 0) & np.isfinite(last)) * 1.0,
        beside_moving=_one_of_two,
    ),
    "mask": Domain(
        "which entries take part",
        special=(Point([True, True, True]), Point([True, False, True]), Point([False, False, False], "none")),
        beside_rows=patterns.random_mask,
        swept_beside=np.isfinite,
        beside_moving=lambda it, other: {"mask-other": ~other, "mask-moving": ~it},
    ),
    "scores": Domain(
        "a score for each class: the larger, the likelier",
        special=(
            Point([0.125, 0.25, 0.5]),
            Point([0.5, 0.25, 0.5], "two tie for the first place"),
            Point([0.5, 0.5, 0.5], "all tie"),
            Point([0.0, INF, -INF], "infinite"),
            Point([1.0], "size 1"),
            Point(BATCH),
            Point([[0.5, 0.5, 0.5]] * 4, "all tie"),
        ),
        limits=UNIT,
        distinct=True,
        patterns=patterns.DISTINCT,
        swept=patterns.swept_scores,
    ),
}
"""Every domain by name, as definitions name them."""
