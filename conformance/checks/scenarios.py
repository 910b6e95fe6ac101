"""Scenarios: what is done to objects that collect samples, and how the samples weigh."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from gaugeblock.conformance.cases.draws import integers, uniform
from gaugeblock.conformance.cases.steps import Step
from gaugeblock.conformance.trials.setting import Setting
from gaugeblock.reference.formats import FORMATS, Array

ROWS = 40
"""Scenarios name rows up to this one, and the rest."""

SINGLE = FORMATS["float32"]
"""Sample weights are numbers of this format, which every framework's metrics take."""


def updates(*bounds: int | None, on: int = 0) -> tuple[Step, ...]:
    """An update for each pair of neighbouring bounds; None is the end."""
    return tuple(Step("update", (start or 0, stop), on=on) for start, stop in itertools.pairwise(bounds))


def _merge(other: int, on: int) -> Step:
    return Step("merge", on=on, other=other)


RESULT, RESET = Step("result"), Step("reset")
SECOND = replace(RESULT, on=1)
WHOLE = (0, None)
UNEQUAL = (0, 1, 4, 11, None)
RUNNING = tuple(step for update in updates(*UNEQUAL) for step in (update, RESULT))
# 2^20 rows at a time, so that no array is large, up to the number at which a counter in binary32 stops.
MANY = Step("update", (0, 32), tile=2**15, repeat=16)
SINGLES = Step("update", (32, 33), repeat=200)
ONES = Step("update", (0, 1), repeat=200)
HALVES = (*updates(0, 11), *updates(11, None, on=1))
NEARLY = (*updates(0, 18), *updates(18, 32, on=1))
THIRDS = (*updates(0, 1), *updates(1, 11, on=1), *updates(11, None, on=2))


@dataclass(frozen=True)
class Scenario:
    """Steps, with the weights of the samples where they have any."""

    name: str
    steps: tuple[Step, ...]
    weights: Callable[[int], Array] | None = None
    thorough: bool = False
    """Whether only those are put through it who are asked thoroughly."""

    def asks(self, setting: Setting) -> bool:
        """Whether the implementation offers every act of it, and takes weights if there are any.

        What a metric of whole batches counts is a share of the samples: to fill its counters would take many more. Of
        losses it would take long.
        """
        lifecycle = setting.implementation.lifecycle
        assert lifecycle is not None
        offered = all(getattr(lifecycle, step.verb) is not None for step in self.steps)
        divided = setting.implementation.conventions.get("mean_over", "weights") == "weights"
        if self.weights is not None and setting.operation.kind == "loss" and not divided:
            return False
        filled = not ((setting.operation.whole or setting.operation.kind == "loss") and MANY in self.steps)
        # Counters do not take the dtype of what is counted.
        if MANY in self.steps and setting.dtype not in ("float32", "int64"):
            return False
        if self.thorough and not setting.effort.thorough:
            return False
        return offered and filled and (self.weights is None or "sample_weight" in setting.implementation.names)


def _fractions(count: int) -> Array:
    return np.asarray(1.0 + integers("weights/fractions", (count,), 31) / 8)


def _unequal(count: int) -> Array:
    return uniform("weights/unequal", (count,), 0.01, 3.0)


def _wide(count: int) -> Array:
    exponents = integers("weights/exponents", (count,), 24) - 12
    return np.asarray(np.ldexp(uniform("weights/wide", (count,), 1.0, 2.0), exponents))


def _some_zero(count: int) -> Array:
    return np.asarray(1.0 * (np.arange(count) % 3 != 1))


def _batch_of_zero(count: int) -> Array:
    return np.where((np.arange(count) >= 4) & (np.arange(count) < 11), 0.0, _fractions(count))


def _tiny(count: int) -> Array:
    return np.ldexp(_fractions(count), -40)


def _by_batch(count: int) -> Array:
    """All alike within a batch."""
    return np.array([1.0, 0.5, 4.0, 2.0])[np.searchsorted(UNEQUAL[1:-1], np.arange(count), side="right")]


def _heavy(count: int) -> Array:
    # They hold hits and misses, two true positives, a false negative and a false positive; row 0 is a hit.
    return np.where((np.arange(count) > 0) & (np.arange(count) < 5), 2.0**24, 1.0)


SCENARIOS = (
    Scenario("whole", (*updates(*WHOLE), RESULT)),
    Scenario("unequal-batches", (*updates(*UNEQUAL), RESULT)),
    Scenario("batches-in-reverse", (*updates(*UNEQUAL)[::-1], RESULT)),
    Scenario("running", RUNNING),
    Scenario("single-samples", tuple(step for update in updates(*range(33)) for step in (update, RESULT))),
    Scenario("empty-batch-between", (*updates(0, 11, 11), RESULT, *updates(11, None), RESULT)),
    Scenario("same-batch-again", (*updates(0, 7), *updates(0, 7), *updates(7, None), RESULT)),
    Scenario("asked-twice", (*updates(0, 11), RESULT, RESULT, *updates(11, None), RESULT, RESULT)),
    Scenario("reset-before-update", (RESET, *updates(*WHOLE), RESULT)),
    Scenario("reset-after-other-data", (*updates(11, None), RESET, *updates(0, 11), RESULT)),
    Scenario("reset-after-result", (*updates(11, None), RESULT, RESET, RESET, *updates(0, 11), RESULT)),
    Scenario("two-at-once", (*HALVES, RESULT, SECOND, *updates(0, 7, on=1), RESULT, SECOND)),
    Scenario("merge-two", (*HALVES, _merge(1, on=0), RESULT, SECOND)),
    Scenario("merge-two-other-way", (*HALVES, _merge(0, on=1), SECOND, RESULT)),
    Scenario("merge-asked-before", (*HALVES, RESULT, SECOND, _merge(1, on=0), RESULT)),
    Scenario("merge-nearly-as-many", (*NEARLY, _merge(1, on=0), RESULT, SECOND), thorough=True),
    Scenario("merge-three", (*THIRDS, _merge(1, on=0), _merge(2, on=0), RESULT)),
    Scenario("merge-three-other-way", (*THIRDS, _merge(1, on=2), _merge(2, on=0), RESULT)),
    Scenario("merge-an-empty-one", (*updates(0, 11), _merge(1, on=0), RESULT)),
    Scenario("merge-into-an-empty-one", (*updates(0, 11, on=1), _merge(1, on=0), RESULT, SECOND)),
    Scenario("update-after-merge", (*THIRDS[:2], _merge(1, on=0), *updates(11, None), RESULT, SECOND)),
    Scenario("copy", (*updates(0, 11), Step("copy", on=1), *updates(11, None, on=1), RESULT, SECOND)),
    Scenario(
        "other-goes-on-after-merge",
        (*updates(0, 11, on=1), _merge(1, on=0), *updates(11, None, on=1), RESULT, SECOND),
        thorough=True,
    ),
    Scenario("memory-used-again", (*(replace(each, spoil=True) for each in updates(*UNEQUAL)), RESULT), thorough=True),
    Scenario("as-many-after-reset", (*updates(0, 11), RESULT, RESET, *updates(11, 22), RESULT), thorough=True),
    Scenario("fewer-after-reset", (*updates(0, 7, 14, 21), RESET, *updates(4, 9, 15), RESULT), thorough=True),
    Scenario("reset-twice", (*updates(0, 7), RESET, *updates(7, 14), RESET, *updates(11, None), RESULT), thorough=True),
    Scenario("reset-after-merge", (*HALVES, _merge(1, on=0), RESET, *updates(4, 17), RESULT, SECOND), thorough=True),
    Scenario(
        "merge-one-that-was-reset",
        (
            *updates(0, 11, on=1),
            replace(RESET, on=1),
            *updates(11, 20, on=1),
            *updates(20, None),
            _merge(1, on=0),
            RESULT,
        ),
        thorough=True,
    ),
    Scenario(
        "reset-of-another",
        (
            *updates(0, 7),
            *updates(7, 14, on=1),
            replace(RESET, on=1),
            *updates(14, 20),
            *updates(20, 26, on=1),
            RESULT,
            SECOND,
        ),
        thorough=True,
    ),
    Scenario("as-many-in-two", (*updates(0, 7), RESULT, *updates(7, 14, on=1), SECOND, RESULT), thorough=True),
    Scenario("a-large-batch-after-a-small-one", (*updates(0, 4), Step("update", tile=50), RESULT), thorough=True),
    Scenario("weights-of-one", (*updates(*UNEQUAL), RESULT), np.ones),
    Scenario("weights-some-zero", (*updates(*UNEQUAL), RESULT), _some_zero),
    Scenario("weights-fractions", RUNNING, _fractions),
    Scenario("weights-unequal", RUNNING, _unequal),
    Scenario("weights-wide", RUNNING, _wide),
    Scenario("weights-batch-of-zero", RUNNING, _batch_of_zero),
    Scenario("weights-reset", (*updates(11, None), RESET, *updates(0, 11), RESULT), _fractions),
    Scenario("weights-merged", (*HALVES, _merge(1, on=0), RESULT, SECOND), _fractions),
    Scenario("weights-merged-nearly-as-many", (*NEARLY, _merge(1, on=0), RESULT), _fractions, thorough=True),
    Scenario("weights-tiny", RUNNING, _tiny, thorough=True),
    Scenario("weights-by-batch", RUNNING, _by_batch, thorough=True),
    Scenario("weights-of-single-samples", (*updates(*range(33)), RESULT), _unequal, thorough=True),
    Scenario("beyond-2-to-the-24", (MANY, RESULT, SINGLES, RESULT)),
    Scenario("weights-beyond-2-to-the-24", (*updates(1, 5), RESULT, ONES, RESULT), _heavy),
)


def scenarios(setting: Setting) -> list[Scenario]:
    """The scenarios that the implementation can be put through."""
    return [scenario for scenario in SCENARIOS if scenario.asks(setting)]
