"""The streaming check: a stateful metric that takes its samples in any batches is the metric of all of them together.

After every scenario of updates, resets, merges and copies each result must be the weighted mean, in exact
rationals, of what the definition says of the single samples.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial

import numpy as np
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.random_arrays import Levels, contents, patterns_of
from gaugeblock.conformance.checks.probes.base import REFUSES, Probe
from gaugeblock.conformance.checks.scenarios import RESULT, ROWS, SINGLE, WHOLE, Scenario, scenarios, updates
from gaugeblock.conformance.checks.value import allowed_errors as allowed_of_batch
from gaugeblock.conformance.checks.value import of_quotients
from gaugeblock.conformance.execution.query import Query, Reply
from gaugeblock.conformance.judging.accumulation import Accumulated, accumulated, allowed_errors
from gaugeblock.conformance.judging.allowance import condition
from gaugeblock.conformance.judging.judgement import Judgement, answer_format, judge, shown_beside_truth
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


def query_of(setting: Setting, case: Case) -> Query:
    """What puts the implementation through the steps of a case."""
    parameters = {name: value for name, value in case.parameters.items() if name != STEPS}
    return Query((setting.call(replace(case, parameters=parameters)),))


def _weights(case: Case) -> list[Fraction]:
    count = len(next(iter(case.inputs.values())))
    return [Fraction(float(weight)) for weight in case.inputs.get("sample_weight", np.ones(count))]


def _means(
    results: Sequence[Accumulated], weights: Sequence[Fraction], values: Sequence[Fraction], fmt: Format
) -> Truth:
    """The weighted mean of the single samples' values at each result."""
    return rationals(
        [
            sum((weights[row] * times * values[row] for row, times in sums.times.items()), Fraction(0))
            / sum((weights[row] * times for row, times in sums.times.items()), Fraction(0))
            for sums in results
        ],
        fmt,
    )


def _batches(
    setting: Setting, samples: Case, results: Sequence[Accumulated], weights: Sequence[Fraction]
) -> Iterator[Case]:
    """All that came before each result: a sample that came n times weighs n times as much, or is there so often."""
    for sums in results:
        rows = sorted(sums.times)
        if "sample_weight" in setting.operation.parameters:
            weight = {"sample_weight": np.array([float(weights[row] * sums.times[row]) for row in rows])}
        else:
            rows, weight = [row for row in rows for _ in range(sums.times[row])], {}
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
        truth = _means(results, weights, values, fmt)
    allowed = allowed_errors(results, weights, values, op.bound, truth, fmt)
    if op.kind == "loss":
        allowed = allowed + _conditions(setting, samples, results, weights, values, fmt) / truth.ulp
    return truth, allowed + of_quotients(op, fmt, setting.policy), fmt


def _conditions(
    setting: Setting,
    samples: Case,
    results: Sequence[Accumulated],
    weights: Sequence[Fraction],
    values: Sequence[Fraction],
    fmt: Format,
) -> Array:
    """What the mean of so many losses may be off for the errors of each."""
    op, conventions = setting.operation, setting.implementation.conventions
    terms = condition(op.bound, op, samples.inputs, -1, conventions, sums=setting.policy.sums)
    each = np.broadcast_to(terms, len(values)) + 2 * op.bound.ulps * np.abs(np.array(values, np.float64))
    shares = np.array(
        [[float(weights[row] * sums.times.get(row, 0)) for row in range(len(values))] for sums in results]
    )
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
        truth, allowed, fmt = expected
        found = judge(reply.answer, truth, allowed, fmt, setting.policy)
        return replace(found, evidence=partial(shown_beside_truth, reply, found, truth))

    return Trial(case, (query_of(setting, case),), judged, partial(streaming_trial, setting.once, samples=samples))


def streaming(setting: Setting) -> Trials:
    """One trial for each scenario, of all the results it asks for."""
    samples = basis(setting)
    for scenario in scenarios(setting):
        case = case_of(scenario, samples)
        if _has_value(setting, samples, case):
            yield streaming_trial(setting, case, samples=samples)


def _nothing(scenario: Scenario, question: str) -> Check:
    """A probe of a mean that has no definition: it is over nothing."""
    probe = Probe(scenario.name, (), question, {}, {"zero": [0.0], "one": [1.0], "NaN": [math.nan], REFUSES: []})

    def trials(setting: Setting) -> Trials:
        case = case_of(scenario, basis(setting))
        yield probe.trial(setting, case, query_of(setting, case))

    return replace(probe.check(), applies=lambda setting: applies(setting) and scenario.asks(setting), trials=trials)


CHECKS = (
    Check("streaming", "value", "Is the metric of many batches that of all their samples together?",
          applies, streaming),
    _nothing(Scenario("result-before-update", (RESULT,)), "What is the result before the first update?"),
    _nothing(Scenario("weights-all-zero", (*updates(*WHOLE), RESULT), np.zeros),
             "What is the result where every sample weighs nothing?"),
)  # fmt: skip
