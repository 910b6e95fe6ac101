"""The streaming check: a stateful metric that takes its samples in any batches is the metric of all of them together.

After every scenario of updates, resets, merges and copies each result must be the weighted mean, in exact
rationals, of what the definition says of the single samples.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

import numpy as np
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.draws import integers, uniform
from gaugeblock.conformance.cases.random_arrays import Levels, contents, patterns_of
from gaugeblock.conformance.cases.steps import Step
from gaugeblock.conformance.checks.probes.base import REFUSES, Probe, offers
from gaugeblock.conformance.checks.value import allowed_errors as allowed_of_batch
from gaugeblock.conformance.checks.value import judged_beside, of_quotients
from gaugeblock.conformance.execution.query import Query, Reply
from gaugeblock.conformance.judging.accumulation import Accumulated, accumulated, allowed_errors
from gaugeblock.conformance.judging.allowance import condition
from gaugeblock.conformance.judging.judgement import Judgement, answer_format
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.setting import Setting
from gaugeblock.conformance.trials.trial import Trial, Trials
from gaugeblock.reference.formats import FORMATS, Array, Format
from gaugeblock.reference.truth import Truth, rationals
from gaugeblock.reports.verdicts import Verdict

SAMPLES, CLASSES = 61, 5
"""Of losses, the numbers of samples and of classes."""

STEPS = "steps"
"""The parameter of a case that says its steps in words; no definition has it."""


# Scenarios: what is done to objects that collect samples, and how the samples weigh

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
        own, op = setting.implementation, setting.operation
        offered = offers(own, self.steps) and (setting.effort.thorough or not self.thorough)
        # Counters do not take the dtype of what is counted.
        counts = op.kind != "loss" and not op.whole and setting.dtype in ("float32", "int64")
        divided = op.kind != "loss" or own.conventions.get("mean_over", "weights") == "weights"
        weighs = "sample_weight" in own.names and divided
        return offered and (counts or MANY not in self.steps) and (weighs or self.weights is None)


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
    Scenario("other-goes-on-after-merge",
             (*updates(0, 11, on=1), _merge(1, on=0), *updates(11, None, on=1), RESULT, SECOND), thorough=True),
    Scenario("memory-used-again", (*(replace(each, spoil=True) for each in updates(*UNEQUAL)), RESULT), thorough=True),
    Scenario("as-many-after-reset", (*updates(0, 11), RESULT, RESET, *updates(11, 22), RESULT), thorough=True),
    Scenario("fewer-after-reset", (*updates(0, 7, 14, 21), RESET, *updates(4, 9, 15), RESULT), thorough=True),
    Scenario("reset-twice", (*updates(0, 7), RESET, *updates(7, 14), RESET, *updates(11, None), RESULT), thorough=True),
    Scenario("reset-after-merge", (*HALVES, _merge(1, on=0), RESET, *updates(4, 17), RESULT, SECOND), thorough=True),
    Scenario("merge-one-that-was-reset",
             (*updates(0, 11, on=1), replace(RESET, on=1), *updates(11, 20, on=1), *updates(20, None), _merge(1, on=0),
              RESULT), thorough=True),
    Scenario("reset-of-another",
             (*updates(0, 7), *updates(7, 14, on=1), replace(RESET, on=1), *updates(14, 20), *updates(20, 26, on=1),
              RESULT, SECOND), thorough=True),
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
)  # fmt: skip

# What is expected of each


def applies(setting: Setting) -> bool:
    """Whether the implementation is an object that collects samples."""
    collected = setting.operation.kind == "metric" or (setting.operation.kind == "loss" and setting.effort.thorough)
    return setting.implementation.lifecycle is not None and collected


def basis(setting: Setting) -> Case:
    """The samples of every scenario: those of the first case that has enough, of more than one column, reordered.

    Hits and misses take turns, a hit first, so that batches differ in their means and none has the whole's. For a
    metric of whole batches a hit is a true positive, and the kinds of misses take turns. Losses are drawn.
    """
    if setting.operation.kind == "loss":
        return _losses(setting)
    found = next(
        case
        for case in setting.cases()
        if case.parameters.get("reduction", "mean") == "mean"
        and "sample_weight" not in case.inputs
        and len(next(iter(case.inputs.values()))) >= ROWS
        and all(array.ndim == 1 or array.shape[1] > 1 for array in case.inputs.values())
    )
    inputs = list(found.inputs.values())
    shown = inputs if setting.operation.whole else [setting.truth(found, reduction="none").nearest]
    kinds = list(zip(*((array != 0).tolist() for array in shown), strict=True))
    groups = [[row for row, kind in enumerate(kinds) if kind == each] for each in sorted(set(kinds), reverse=True)]
    misses = [row for turn in itertools.zip_longest(*groups[1:]) for row in turn if row is not None]
    order = [row for turn in itertools.zip_longest(groups[0], misses) for row in turn if row is not None]
    return replace(found, inputs={name: array[order] for name, array in found.inputs.items()})


def _losses(setting: Setting) -> Case:
    op = setting.operation
    levels, pattern = Levels(f"streaming/{op.name}"), next(iter(patterns_of(op)), None)
    drawn = contents(op, setting.format, levels, (SAMPLES, CLASSES), pattern)
    return Case("samples", drawn, {"reduction": "mean"})


def case_of(scenario: Scenario, samples: Case) -> Case:
    """The scenario's samples, with their weights, the steps and the steps in words."""
    inputs = dict(samples.inputs)
    if scenario.weights is not None:
        inputs["sample_weight"] = SINGLE.rounded(scenario.weights(len(next(iter(inputs.values())))))
    words = "; ".join(str(step) for step in scenario.steps)
    return Case(scenario.name, inputs, {**samples.parameters, STEPS: words}, steps=scenario.steps)


def _weights(case: Case) -> list[Fraction]:
    count = len(next(iter(case.inputs.values())))
    return [Fraction(float(weight)) for weight in case.inputs.get("sample_weight", np.ones(count))]


def _batches(
    setting: Setting, samples: Case, results: Sequence[Accumulated], weights: Sequence[Fraction]
) -> Iterator[Case]:
    """All that came before each result: a sample that came n times weighs n times as much, or is there so often."""
    for sums in results:
        rows = sorted(sums)
        if "sample_weight" in setting.operation.parameters:
            weight = {"sample_weight": np.array([float(weights[row] * sums[row]) for row in rows])}
        else:
            rows, weight = [row for row in rows for _ in range(sums[row])], {}
        yield replace(samples, inputs={**{name: array[rows] for name, array in samples.inputs.items()}, **weight})


def _whole(setting: Setting, batches: Sequence[Case], fmt: Format) -> Truth:
    """The metric of each batch. Where it has no value, as precision where nothing is predicted, it is not asked for."""
    found = [setting.truth(batch, fmt) for batch in batches]
    nearest = np.array([float(truth.nearest) for truth in found])
    return Truth(
        nearest,
        np.array([float(truth.ulp) for truth in found]),
        np.stack([truth.residual for truth in found], axis=1),
        np.array([bool(truth.undecided) for truth in found]),
        ~np.isnan(nearest),
    )


def _has_value(setting: Setting, samples: Case, case: Case) -> bool:
    """Whether something is expected of one of the results, at least: of a metric of whole batches it may be nothing.

    Weights are rounded to the format of the answer, which is not known yet: binary64 holds them all.
    """
    if not setting.operation.whole:
        return True
    weights = _weights(case)
    batches = _batches(setting, samples, accumulated(case.steps, weights, every=True), weights)
    return any(not np.isnan(setting.truth(batch, FORMATS["float64"]).nearest) for batch in batches)


def _expected(setting: Setting, samples: Case, case: Case, answer: Array) -> tuple[Truth, Array, Format] | None:
    """What is expected of each result; None if none has a value. ZeroDivisionError for a mean over nothing."""
    op, fmt = setting.operation, answer_format(setting.operation, setting.dtype, answer)
    weights = _weights(case)
    results = accumulated(case.steps, weights, every=op.whole)
    shares = [[weight * sums.get(row, 0) for row, weight in enumerate(weights)] for sums in results]
    if op.whole:
        values = [Fraction(1)] * len(weights)
        batches = list(_batches(setting, samples, results, weights))
        truth = _whole(setting, batches, fmt)
        if np.isnan(truth.nearest).all():
            return None
        if "sample_weight" not in op.parameters:
            each = [allowed_of_batch(setting, batch, setting.truth(batch, fmt), fmt) for batch in batches]
            return truth, np.array(each), fmt
    else:
        single = setting.truth(samples, fmt, reduction="none")
        values = [single.exact((row,)) for row in range(len(weights))]
        truth = rationals([Fraction(sum(map(operator.mul, each, values))) / sum(each) for each in shares], fmt)
    allowed = allowed_errors(results, weights, values, op.bound, truth, fmt)
    if op.kind == "loss":
        allowed = allowed + _conditions(setting, samples, np.array(shares, np.float64), values, fmt) / truth.ulp
    return truth, allowed + of_quotients(op, fmt, setting.policy), fmt


def _conditions(setting: Setting, samples: Case, shares: Array, values: Sequence[Fraction], fmt: Format) -> Array:
    """What the mean of so many losses may be off for the errors of each, by the share of each in each result."""
    op, conventions = setting.operation, setting.implementation.conventions
    terms = condition(op.bound, op, samples.inputs, -1, conventions, sums=setting.policy.sums)
    each = np.broadcast_to(terms, len(values)) + 2 * op.bound.ulps * np.abs(np.array(values, np.float64))
    return np.asarray(fmt.unit_roundoff * (shares @ each) / shares.sum(axis=1))


def streaming_trial(setting: Setting, case: Case, *, samples: Case) -> Trial:
    """The trial of a case with steps: every result beside that of all the samples which were seen until then.

    Args:
        setting: where it is asked.
        case: the samples, with their weights if they have any, and the steps.
        samples: the same without weights and steps, as the definition takes them.
    """

    def judged(replies: Sequence[Reply]) -> Judgement:
        (reply,) = replies
        try:
            expected = _expected(setting, samples, case, reply.answer)
        except ZeroDivisionError:
            expected = None
        if expected is None:
            return Judgement(Verdict.UNDECIDED, message="the definition has no value for what was seen")
        return judged_beside(setting, reply, *expected)

    return Trial(case, (Query((setting.call(case),)),), judged, partial(streaming_trial, setting.once, samples=samples))


def streaming(setting: Setting) -> Trials:
    """One trial for each scenario, of all the results it asks for."""
    samples = basis(setting)
    for scenario in (each for each in SCENARIOS if each.asks(setting)):
        case = case_of(scenario, samples)
        if _has_value(setting, samples, case):
            yield streaming_trial(setting, case, samples=samples)


def _nothing(scenario: Scenario, question: str) -> Check:
    """A probe of a mean that has no definition: it is over nothing."""
    probe = Probe(scenario.name, (), question, {}, {"zero": [0.0], "one": [1.0], "NaN": [math.nan], REFUSES: []})

    def trials(setting: Setting) -> Trials:
        case = case_of(scenario, basis(setting))
        yield probe.trial(setting, case, Query((setting.call(case),)))

    return replace(probe.check(), applies=lambda setting: applies(setting) and scenario.asks(setting), trials=trials)


CHECKS = (
    Check("streaming", "value", "Is the metric of many batches that of all their samples together?",
          applies, streaming),
    _nothing(Scenario("result-before-update", (RESULT,)), "What is the result before the first update?"),
    _nothing(Scenario("weights-all-zero", (*updates(*WHOLE), RESULT), np.zeros),
             "What is the result where every sample weighs nothing?"),
)  # fmt: skip
