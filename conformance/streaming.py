"""The streaming check: a stateful metric, given its samples in any batches, is the metric of all of them together.

After every scenario of updates, resets, merges and copies each result must be the weighted mean, in exact
rationals, of what the definition says of the single samples.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from trueline.conformance.calls import Answer, Call, NoAnswer
from trueline.conformance.cases import Case
from trueline.conformance.checks import Check
from trueline.conformance.contents import Levels, contents, textures
from trueline.conformance.context import Context, Observation, Setting
from trueline.conformance.frozen import integers, uniform
from trueline.conformance.judge import answer_format, condition, digest, judge, unanswered
from trueline.conformance.probe import REFUSES, Probe
from trueline.conformance.showing import Shown, observed
from trueline.conformance.stepping import Step
from trueline.conformance.sums import Sums, allowed_errors, seen
from trueline.conformance.values import allowed_errors as allowed_of_batch
from trueline.conformance.values import in_any_way, shown_value
from trueline.reference.formats import FORMATS, Array, Format
from trueline.reference.truth import Truth, rationals

SAMPLES, CLASSES = 61, 5
"""Of losses, the numbers of samples and of classes."""

ROWS = 40
"""Scenarios name rows up to this one, and the rest."""

SINGLE = FORMATS["float32"]
"""Sample weights are numbers of this format, which every framework's metrics take."""


def _update(*bounds: int | None, on: int = 0) -> tuple[Step, ...]:
    """An update for each pair of neighbouring bounds; None is the end."""
    return tuple(Step("update", (start or 0, stop), on=on) for start, stop in itertools.pairwise(bounds))


def _merge(other: int, on: int) -> Step:
    return Step("merge", on=on, other=other)


RESULT, RESET = Step("result"), Step("reset")
SECOND = replace(RESULT, on=1)
WHOLE = (0, None)
UNEQUAL = (0, 1, 4, 11, None)
RUNNING = tuple(step for update in _update(*UNEQUAL) for step in (update, RESULT))
# 2^20 rows at a time, so that no array is large, up to the number at which a counter in binary32 stops.
MANY = Step("update", (0, 32), tile=2**15, repeat=16)
SINGLES = Step("update", (32, 33), repeat=200)
ONES = Step("update", (0, 1), repeat=200)
HALVES = (*_update(0, 11), *_update(11, None, on=1))
THIRDS = (*_update(0, 1), *_update(1, 11, on=1), *_update(11, None, on=2))


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
        if self.thorough and not setting.thorough:
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
    Scenario("whole", (*_update(*WHOLE), RESULT)),
    Scenario("unequal-batches", (*_update(*UNEQUAL), RESULT)),
    Scenario("batches-in-reverse", (*_update(*UNEQUAL)[::-1], RESULT)),
    Scenario("running", RUNNING),
    Scenario("single-samples", tuple(step for update in _update(*range(33)) for step in (update, RESULT))),
    Scenario("empty-batch-between", (*_update(0, 11, 11), RESULT, *_update(11, None), RESULT)),
    Scenario("same-batch-again", (*_update(0, 7), *_update(0, 7), *_update(7, None), RESULT)),
    Scenario("asked-twice", (*_update(0, 11), RESULT, RESULT, *_update(11, None), RESULT, RESULT)),
    Scenario("reset-before-update", (RESET, *_update(*WHOLE), RESULT)),
    Scenario("reset-after-other-data", (*_update(11, None), RESET, *_update(0, 11), RESULT)),
    Scenario("reset-after-result", (*_update(11, None), RESULT, RESET, RESET, *_update(0, 11), RESULT)),
    Scenario("two-at-once", (*HALVES, RESULT, SECOND, *_update(0, 7, on=1), RESULT, SECOND)),
    Scenario("merge-two", (*HALVES, _merge(1, on=0), RESULT, SECOND)),
    Scenario("merge-two-other-way", (*HALVES, _merge(0, on=1), SECOND, RESULT)),
    Scenario("merge-asked-before", (*HALVES, RESULT, SECOND, _merge(1, on=0), RESULT)),
    Scenario("merge-three", (*THIRDS, _merge(1, on=0), _merge(2, on=0), RESULT)),
    Scenario("merge-three-other-way", (*THIRDS, _merge(1, on=2), _merge(2, on=0), RESULT)),
    Scenario("merge-an-empty-one", (*_update(0, 11), _merge(1, on=0), RESULT)),
    Scenario("merge-into-an-empty-one", (*_update(0, 11, on=1), _merge(1, on=0), RESULT, SECOND)),
    Scenario("update-after-merge", (*THIRDS[:2], _merge(1, on=0), *_update(11, None), RESULT, SECOND)),
    Scenario("copy", (*_update(0, 11), Step("copy", on=1), *_update(11, None, on=1), RESULT, SECOND)),
    Scenario(
        "other-goes-on-after-merge",
        (*_update(0, 11, on=1), _merge(1, on=0), *_update(11, None, on=1), RESULT, SECOND),
        thorough=True,
    ),
    Scenario("memory-used-again", (*(replace(each, spoil=True) for each in _update(*UNEQUAL)), RESULT), thorough=True),
    Scenario("as-many-after-reset", (*_update(0, 11), RESULT, RESET, *_update(11, 22), RESULT), thorough=True),
    Scenario("fewer-after-reset", (*_update(0, 7, 14, 21), RESET, *_update(4, 9, 15), RESULT), thorough=True),
    Scenario("reset-twice", (*_update(0, 7), RESET, *_update(7, 14), RESET, *_update(11, None), RESULT), thorough=True),
    Scenario("reset-after-merge", (*HALVES, _merge(1, on=0), RESET, *_update(4, 17), RESULT, SECOND), thorough=True),
    Scenario(
        "merge-one-that-was-reset",
        (
            *_update(0, 11, on=1),
            replace(RESET, on=1),
            *_update(11, 20, on=1),
            *_update(20, None),
            _merge(1, on=0),
            RESULT,
        ),
        thorough=True,
    ),
    Scenario(
        "reset-of-another",
        (
            *_update(0, 7),
            *_update(7, 14, on=1),
            replace(RESET, on=1),
            *_update(14, 20),
            *_update(20, 26, on=1),
            RESULT,
            SECOND,
        ),
        thorough=True,
    ),
    Scenario("as-many-in-two", (*_update(0, 7), RESULT, *_update(7, 14, on=1), SECOND, RESULT), thorough=True),
    Scenario("a-large-batch-after-a-small-one", (*_update(0, 4), Step("update", tile=50), RESULT), thorough=True),
    Scenario("weights-of-one", (*_update(*UNEQUAL), RESULT), np.ones),
    Scenario("weights-some-zero", (*_update(*UNEQUAL), RESULT), _some_zero),
    Scenario("weights-fractions", RUNNING, _fractions),
    Scenario("weights-unequal", RUNNING, _unequal),
    Scenario("weights-wide", RUNNING, _wide),
    Scenario("weights-batch-of-zero", RUNNING, _batch_of_zero),
    Scenario("weights-reset", (*_update(11, None), RESET, *_update(0, 11), RESULT), _fractions),
    Scenario("weights-merged", (*HALVES, _merge(1, on=0), RESULT, SECOND), _fractions),
    Scenario("weights-tiny", RUNNING, _tiny, thorough=True),
    Scenario("weights-by-batch", RUNNING, _by_batch, thorough=True),
    Scenario("weights-of-single-samples", (*_update(*range(33)), RESULT), _unequal, thorough=True),
    Scenario("beyond-2-to-the-24", (MANY, RESULT, SINGLES, RESULT)),
    Scenario("weights-beyond-2-to-the-24", (*_update(1, 5), RESULT, ONES, RESULT), _heavy),
)


def applies(setting: Setting) -> bool:
    """Whether the implementation is an object that collects samples."""
    collected = setting.operation.kind == "metric" or (setting.operation.kind == "loss" and setting.own is not None)
    return setting.implementation.lifecycle is not None and collected


def scenarios(setting: Setting) -> list[Scenario]:
    """The scenarios that the implementation can be put through."""
    return [scenario for scenario in SCENARIOS if scenario.asks(setting)]


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
    return truth, allowed + in_any_way(context.operation), fmt


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
        Scenario("weights-all-zero", (*_update(*WHOLE), RESULT), np.zeros),
        "What is the result where every sample weighs nothing?",
    ),
)
