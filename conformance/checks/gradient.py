"""The gradient check: the framework's vector-Jacobian product against the derivative of the definition."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.draws import integers
from gaugeblock.conformance.checks.value import shown_value
from gaugeblock.conformance.execution.call import Answer, Call, NoAnswer
from gaugeblock.conformance.judging.judge import Judgement, allowance, condition, digest, divided_by, judge, unanswered
from gaugeblock.conformance.judging.showing import Shown, observed
from gaugeblock.conformance.trials.batching import answers
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.setting import Context, Observation, Setting, asked_one_by_one, can_ask
from gaugeblock.reference.balls import PrecisionError
from gaugeblock.reference.formats import Array
from gaugeblock.reference.operations import Bound
from gaugeblock.reference.truth import Truth


def cotangent(context: Context, case: Case) -> Array:
    """A frozen upstream gradient in the shape of the answer: quarters of either sign, none of them zero or one."""
    operation = context.operation
    last = case.inputs[operation.inputs[-1]]
    axis = int(case.parameters.get("axis", -1))
    shape = last.shape
    if operation.core_ranks[-1] and not operation.output_rank:
        shape = tuple(np.delete(shape, axis))
    if case.parameters.get("reduction", "none") != "none":
        shape = ()
    drawn = integers(f"cotangent/{case.name}", shape, 5) + 5
    signs = 1 - 2 * integers(f"cotangent-sign/{case.name}", shape, 2)
    weights = drawn * signs / 4
    if "mask" in operation.domains and operation.output_rank:
        # The logarithm of a masked entry is -inf, which nothing moves.
        weights = np.where(np.isinf(context.truth(case).nearest), 0.0, weights)
    return context.format.array(weights)


def _condition(context: Context, case: Case, upstream: Array, bound: Bound) -> Array | float:
    operation, axis = context.operation, int(case.parameters.get("axis", -1))
    weights = np.asarray(upstream, dtype=np.float64)
    reduction = case.parameters.get("reduction", "none")
    if reduction != "none":
        batch = case.inputs[operation.inputs[-1]].shape
        batch = tuple(np.delete(batch, axis)) if operation.core_ranks[-1] else batch
        divisor = 1.0
        if reduction == "mean":
            each = context.truth(case, reduction="none")
            divisor = divided_by(each, context.truth(case), int(np.prod(batch)))
        weights = np.broadcast_to(weights / divisor, batch)
    elif operation.output_rank:
        weights = np.moveaxis(weights, axis, -1)
    known = {**case.parameters, **context.implementation.conventions}
    return condition(bound, operation, case.inputs, axis, known, weights)


def judged(
    context: Context,
    check: str,
    case: Case,
    upstream: Array,
    answer: Answer,
    bound: Bound,
    order: int = 1,
    layout: str | None = None,
) -> Observation:
    """The observation that a vector-Jacobian product is, or is not, within its bound."""
    if isinstance(answer, NoAnswer):
        return context.observation(check, case, unanswered(answer))
    try:
        truth, allowed = _due(context, case, upstream, bound, order)
    except PrecisionError as error:
        return context.observation(check, case, Judgement("undecided", message=str(error)), digest=digest(answer))
    judgement = judge(answer, truth, allowed, context.format)
    posed = replace(case, inputs={**case.inputs, COTANGENT: upstream})
    replay = Sloped(context, posed, bound, order, layout)
    return context.observation(check, case, judgement, replay=replay, digest=digest(answer))


def _due(context: Context, case: Case, upstream: Array, bound: Bound, order: int) -> tuple[Truth, Array]:
    # The second derivative is asked with the cotangent twice.
    weights = upstream if order == 1 else np.asarray(upstream, np.float64) ** 2
    truth = context.gradient(case, weights, order=order)
    allowed = allowance(bound, _condition(context, case, weights, bound), truth, context.format)
    # What meets the upstream gradient may be a subnormal number, rounded as such.
    least = context.format.smallest_subnormal * np.max(np.abs(weights), initial=0.0)
    return truth, allowed + least / truth.ulp


COTANGENT = "cotangent"
"""The upstream gradient, where a case that is asked again holds it among its inputs."""


@dataclass(frozen=True)
class Sloped:
    """A case whose vector-Jacobian product is judged, asked alone."""

    context: Context
    case: Case
    bound: Bound
    order: int = 1
    layout: str | None = None

    @staticmethod
    def _apart(case: Case) -> tuple[Case, Array]:
        inputs = dict(case.inputs)
        upstream = inputs.pop(COTANGENT)
        return replace(case, inputs=inputs), upstream

    @property
    def shrinks(self) -> bool:
        """Whether another case can be asked in its place."""
        return True

    def calls(self, case: Case) -> list[Call]:
        """The one call."""
        plain, upstream = self._apart(case)
        return [replace(self.context.call(plain, cotangent=upstream, order=self.order), layout=self.layout)]

    def shown(self, case: Case, calls: Sequence[Call], answers: Sequence[Answer]) -> Shown:
        """The element with the largest error, or the shape that is not the one due."""
        (answer,) = answers
        if isinstance(answer, NoAnswer):
            return Shown(observed(unanswered(answer)))
        plain, upstream = self._apart(case)
        truth, allowed = _due(self.context, plain, upstream, self.bound, self.order)
        return shown_value(calls, False, answer, truth, judge(answer, truth, allowed, self.context.format))


def has_slope(context: Context, case: Case) -> bool:
    """Whether a vector-Jacobian product that the implementation brings takes the parameters and weights of the case."""
    own = context.implementation
    if own.product is None:
        return True
    placed = {name: value for name, value in case.parameters.items() if name not in ("axis", "reduction")}
    return can_ask(replace(own, call=own.product), context.operation, replace(case, parameters=placed))


def observe(context: Context) -> Iterator[Observation]:
    """One observation for each differentiable case."""
    bound = context.operation.gradient_bound
    assert bound is not None
    # A loss that comes as a mean alone has the gradients of its mean.
    chosen = [
        case
        for case in context.cases()
        if case.gradient
        and has_slope(context, case)
        and not asked_one_by_one(context.implementation, context.operation, case)
    ]
    upstream = [cotangent(context, case) for case in chosen]
    for case, weights, answer in zip(chosen, upstream, answers(context, chosen, cotangents=upstream), strict=True):
        yield judged(context, "gradient", case, weights, answer, bound)


def observe_second(context: Context) -> Iterator[Observation]:
    """One observation for each differentiable case of a function of one number."""
    bound = context.operation.second_bound
    assert bound is not None
    chosen = [case for case in context.cases() if case.gradient]
    upstream = [_powers_of_two(cotangent(context, case)) for case in chosen]
    found = answers(context, chosen, cotangents=upstream, order=2)
    for case, weights, answer in zip(chosen, upstream, found, strict=True):
        yield judged(context, "second-derivative", case, weights, answer, bound, order=2)


def _powers_of_two(weights: Array) -> Array:
    """Weights whose square is a number of every format."""
    return np.where(np.abs(weights.astype(np.float64)) >= 2, 2, 0.5).astype(weights.dtype)


def has_autodiff(setting: Setting) -> bool:
    """Whether the framework has autodiff that knows the implementation."""
    implementation = setting.implementation
    known = implementation.differentiable and not implementation.stateful and implementation.product is None
    return known and setting.adapter.differentiable


def has_gradient(setting: Setting) -> bool:
    """Whether there is a vector-Jacobian product: by autodiff, or one that the implementation brings."""
    return has_autodiff(setting) or setting.implementation.product is not None


CHECKS = (
    Check(
        "gradient",
        "gradient",
        "How far is the gradient, for an upstream gradient other than one, from the exact one?",
        lambda setting: setting.operation.gradient_bound is not None and has_gradient(setting),
        observe,
    ),
    Check(
        "second-derivative",
        "gradient",
        "How far is the second derivative from the exact one?",
        lambda setting: setting.operation.second_bound is not None and has_autodiff(setting),
        observe_second,
    ),
)
