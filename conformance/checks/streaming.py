"""The streaming check: a stateful metric, given its samples in any batches, is the metric of all of them together.

After every scenario of updates, resets, merges and copies each result must be the weighted mean, in exact
rationals, of what the definition says of the single samples.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.lifecycle import Step
from gaugeblock.conformance.cases.random_arrays import Levels, contents, textures
from gaugeblock.conformance.checks.probes.base import REFUSES, Probe
from gaugeblock.conformance.checks.scenarios import RESULT, ROWS, SINGLE, WHOLE, Scenario, scenarios, updates
from gaugeblock.conformance.checks.value import allowed_errors as allowed_of_batch
from gaugeblock.conformance.checks.value import in_any_way, shown_value
from gaugeblock.conformance.execution.call import Answer, Call, NoAnswer
from gaugeblock.conformance.judging.accumulation import Sums, allowed_errors, seen
from gaugeblock.conformance.judging.judge import answer_format, condition, digest, judge, unanswered
from gaugeblock.conformance.judging.showing import Shown, observed
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.setting import Context, Observation, Setting
from gaugeblock.reference.formats import Array, Format
from gaugeblock.reference.truth import Truth, rationals

SAMPLES, CLASSES = 61, 5
"""Of losses, the numbers of samples and of classes."""


def applies(setting: Setting) -> bool:
    """Whether the implementation is an object that collects samples."""
    collected = setting.operation.kind == "metric" or (setting.operation.kind == "loss" and setting.own is not None)
    return setting.implementation.lifecycle is not None and collected


def basis(context: Context) -> Case:
    """The samples of every scenario: those of the first case that has enough, of more than one column, reordered.

    Hits and misses take turns, a hit first, so that batches differ in their means and none has the whole's. For a
    metric of whole batches a hit is a true positive, and the kinds of misses take turns. Losses are drawn.
    """
    if context.operation.kind == "loss":
        return _losses(context)
    found = next(
        case
        for case in context.cases()
        if case.parameters.get("reduction", "mean") == "mean"
        and "sample_weight" not in case.inputs
        and len(next(iter(case.inputs.values()))) >= ROWS
        and all(array.ndim == 1 or array.shape[1] > 1 for array in case.inputs.values())
    )
    inputs = list(found.inputs.values())
    told = inputs if context.operation.whole else [context.truth(found, reduction="none").nearest]
    kinds = list(zip(*((array != 0).tolist() for array in told), strict=True))
    groups = [[row for row, kind in enumerate(kinds) if kind == each] for each in sorted(set(kinds), reverse=True)]
    misses = [row for turn in itertools.zip_longest(*groups[1:]) for row in turn if row is not None]
    order = [row for turn in itertools.zip_longest(groups[0], misses) for row in turn if row is not None]
    return replace(found, inputs={name: array[order] for name, array in found.inputs.items()})


def _losses(context: Context) -> Case:
    op = context.operation
    texture = next(iter(textures(op)), None)
    drawn = contents(op, context.format, Levels(f"streaming/{op.name}"), (SAMPLES, CLASSES), texture)
    return Case("samples", drawn, {"reduction": "mean"})


def case_of(scenario: Scenario, samples: Case) -> Case:
    """The scenario's samples, with their weights and the steps in words."""
    inputs = dict(samples.inputs)
    if scenario.weights is not None:
        inputs["sample_weight"] = SINGLE.rounded(scenario.weights(len(next(iter(inputs.values())))))
    steps = "; ".join(str(step) for step in scenario.steps)
    return Case(scenario.name, inputs, {**samples.parameters, "steps": steps})


def call_of(context: Context, samples: Case, case: Case, steps: tuple[Step, ...]) -> Call:
    """The call that puts the implementation through the steps."""
    call = context.call(samples)
    parameters = {name: value for name, value in call.parameters.items() if name not in case.inputs}
    arrays = tuple(case.inputs.values())
    return replace(call, inputs=tuple(case.inputs), arrays=arrays, parameters=parameters, steps=steps)


def _means(asked: Sequence[Sums], weights: Sequence[Fraction], values: Sequence[Fraction], fmt: Format) -> Truth:
    """The weighted mean of the single samples' values at each result."""
    return rationals(
        [
            sum((weights[row] * times * values[row] for row, times in sums.times.items()), Fraction(0))
            / sum((weights[row] * times for row, times in sums.times.items()), Fraction(0))
            for sums in asked
        ],
        fmt,
    )


def _batches(context: Context, samples: Case, asked: Sequence[Sums], weights: Sequence[Fraction]) -> Iterator[Case]:
    """All that was seen at each result: a sample seen n times weighs n times as much, or is there so often."""
    for sums in asked:
        rows = sorted(sums.times)
        if "sample_weight" in context.operation.parameters:
            weight = {"sample_weight": np.array([float(weights[row] * sums.times[row]) for row in rows])}
        else:
            rows, weight = [row for row in rows for _ in range(sums.times[row])], {}
        yield replace(samples, inputs={**{name: array[rows] for name, array in samples.inputs.items()}, **weight})


def _whole(context: Context, batches: Sequence[Case], fmt: Format) -> Truth:
    """The metric of each batch. Where it has no value, as precision where nothing is predicted, it is not asked for."""
    found = [context.truth(batch, fmt) for batch in batches]
    nearest = np.array([float(truth.nearest) for truth in found])
    return Truth(
        nearest,
        np.array([float(truth.ulp) for truth in found]),
        np.stack([truth.residual for truth in found], axis=1),
        np.array([bool(truth.undecided) for truth in found]),
        ~np.isnan(nearest),
    )


def _due(
    context: Context, steps: Sequence[Step], samples: Case, case: Case, answer: Array
) -> tuple[Truth, Array, Format] | None:
    """What is due to each result; None if none has a value. ZeroDivisionError for a mean over nothing."""
    fmt = answer_format(context.operation, context.setting.dtype, answer)
    count = len(next(iter(samples.inputs.values())))
    weights = [Fraction(float(weight)) for weight in case.inputs.get("sample_weight", np.ones(count))]
    asked = seen(steps, weights, every=context.operation.whole)
    if context.operation.whole:
        values = [Fraction(1)] * count
        batches = list(_batches(context, samples, asked, weights))
        truth = _whole(context, batches, fmt)
        if np.isnan(truth.nearest).all():
            return None
        if "sample_weight" not in context.operation.parameters:
            each = [allowed_of_batch(context, batch, context.truth(batch, fmt), fmt) for batch in batches]
            return truth, np.array(each), fmt
    else:
        single = context.truth(samples, fmt, reduction="none")
        values = [single.exact((row,)) for row in range(count)]
        truth = _means(asked, weights, values, fmt)
    allowed = allowed_errors(asked, weights, values, context.operation.bound, truth, fmt)
    if context.operation.kind == "loss":
        allowed = allowed + _conditions(context, samples, asked, weights, values, fmt) / truth.ulp
    return truth, allowed + in_any_way(context.operation, fmt), fmt


def _conditions(
    context: Context,
    samples: Case,
    asked: Sequence[Sums],
    weights: Sequence[Fraction],
    values: Sequence[Fraction],
    fmt: Format,
) -> Array:
    """What the mean of so many losses may be off for the errors of each."""
    bound = context.operation.bound
    terms = condition(bound, context.operation, samples.inputs, -1, context.implementation.conventions)
    each = np.broadcast_to(terms, len(values)) + 2 * bound.ulps * np.abs(np.array(values, np.float64))
    shares = np.array([[float(weights[row] * sums.times.get(row, 0)) for row in range(len(values))] for sums in asked])
    return np.asarray(fmt.unit_roundoff * (shares @ each) / shares.sum(axis=1))


@dataclass(frozen=True)
class Stepped:
    """A scenario, its steps among its case's parameters, asked again."""

    context: Context
    samples: Case
    case: Case

    @property
    def shrinks(self) -> bool:
        """Whether other steps can be taken in place of these."""
        return True

    def calls(self, case: Case) -> list[Call]:
        """The call that takes the steps."""
        return [call_of(self.context, self.samples, case, case.parameters["steps"])]

    def shown(self, case: Case, calls: Sequence[Call], answers: Sequence[Answer]) -> Shown:
        """The result with the largest error."""
        (answer,) = answers
        if isinstance(answer, NoAnswer):
            return Shown(observed(unanswered(answer)))
        try:
            due = _due(self.context, case.parameters["steps"], self.samples, case, answer)
        except ZeroDivisionError:
            due = None
        return Shown({}) if due is None else shown_value(calls, False, answer, due[0], judge(answer, *due))


def _judged(context: Context, scenario: Scenario, samples: Case, case: Case, answer: Answer) -> Observation | None:
    if isinstance(answer, NoAnswer):
        return context.observation("streaming", case, unanswered(answer))
    due = _due(context, scenario.steps, samples, case, answer)
    if due is None:
        return None
    stepped = replace(case, parameters={**case.parameters, "steps": scenario.steps})
    replay = Stepped(context, samples, stepped)
    return context.observation("streaming", case, judge(answer, *due), replay=replay, digest=digest(answer))


def observe(context: Context) -> Iterator[Observation]:
    """One observation for each scenario, of all the results it asks for."""
    samples = basis(context)
    chosen = scenarios(context.setting)
    posed = [case_of(scenario, samples) for scenario in chosen]
    calls = [call_of(context, samples, case, each.steps) for each, case in zip(chosen, posed, strict=True)]
    for scenario, case, answer in zip(chosen, posed, context.ask(calls), strict=True):
        observation = _judged(context, scenario, samples, case, answer)
        if observation is not None:
            yield observation


def _nothing(scenario: Scenario, question: str) -> Check:
    """A probe of a mean that has no definition: it is over nothing."""
    probe = Probe(scenario.name, (), question, {}, {"zero": [0.0], "one": [1.0], "NaN": [math.nan], REFUSES: []})

    def ask(context: Context) -> Iterator[Observation]:
        samples = basis(context)
        case = case_of(scenario, samples)
        (answer,) = context.ask([call_of(context, samples, case, scenario.steps)])
        yield probe.observed(context, case, answer)

    return replace(probe.check(), applies=lambda setting: applies(setting) and scenario.asks(setting), observe=ask)


CHECKS = (
    Check(
        "streaming",
        "value",
        "Is the metric of many batches that of all their samples together?",
        applies,
        observe,
    ),
    _nothing(Scenario("result-before-update", (RESULT,)), "What is the result before the first update?"),
    _nothing(
        Scenario("weights-all-zero", (*updates(*WHOLE), RESULT), np.zeros),
        "What is the result where every sample weighs nothing?",
    ),
)
