"""The gradient check: the framework's vector-Jacobian product against the derivative of the definition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from gaugeblock.conformance.cases.case import COTANGENT, Case
from gaugeblock.conformance.cases.draws import integers
from gaugeblock.conformance.execution.query import Reply
from gaugeblock.conformance.judging.allowance import allowance, condition, divided_by
from gaugeblock.conformance.judging.judgement import Judgement, judge, shown_beside_truth
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.setting import Setting, can_ask
from gaugeblock.conformance.trials.trial import Trial, Trials
from gaugeblock.reference.formats import Array
from gaugeblock.reference.operations import Bound, Operation
from gaugeblock.reference.truth import Truth


def answer_shape(op: Operation, case: Case) -> tuple[int, ...]:
    """The shape of the answer to a case, which an upstream gradient has too."""
    shape: tuple[int, ...] = case.inputs[op.inputs[-1]].shape
    if case.parameters.get("reduction", "none") != "none":
        return ()
    if op.core_ranks[-1] and not op.output_rank:
        return tuple(np.delete(shape, int(case.parameters.get("axis", -1))))
    return shape


def cotangent(setting: Setting, case: Case) -> Array:
    """A frozen upstream gradient in the shape of the answer: quarters of either sign, none of them zero or one."""
    op = setting.operation
    shape = answer_shape(op, case)
    drawn = integers(f"cotangent/{case.name}", shape, 5) + 5
    signs = 1 - 2 * integers(f"cotangent-sign/{case.name}", shape, 2)
    weights = drawn * signs / 4
    if "mask" in op.domains and op.output_rank:
        # The logarithm of a masked entry is -inf, which nothing moves.
        weights = np.where(np.isinf(setting.truth(case).nearest), 0.0, weights)
    return setting.format.array(weights)


def with_cotangent(case: Case, upstream: Array) -> Case:
    """The case whose vector-Jacobian product with this upstream gradient is asked for."""
    return replace(case, inputs={**case.inputs, COTANGENT: upstream})


def _plain(case: Case) -> Case:
    return replace(case, inputs={name: array for name, array in case.inputs.items() if name != COTANGENT})


def _condition(setting: Setting, case: Case, upstream: Array, bound: Bound) -> Array | float:
    op, axis = setting.operation, int(case.parameters.get("axis", -1))
    weights = np.asarray(upstream, dtype=np.float64)
    reduction = case.parameters.get("reduction", "none")
    if reduction != "none":
        batch = answer_shape(op, replace(case, parameters={**case.parameters, "reduction": "none"}))
        divisor = 1.0
        if reduction == "mean":
            each = setting.truth(case, reduction="none")
            divisor = divided_by(each, setting.truth(case), int(np.prod(batch)))
        weights = np.broadcast_to(weights / divisor, batch)
    elif op.output_rank:
        weights = np.moveaxis(weights, axis, -1)
    known = {**case.parameters, **setting.implementation.conventions}
    return condition(bound, op, case.inputs, axis, known, weights, sums=setting.policy.sums)


def expected_slope(setting: Setting, case: Case, bound: Bound) -> tuple[Truth, Array]:
    """The exact vector-Jacobian product, and the errors that are allowed."""
    upstream = case.inputs[COTANGENT]
    # The second derivative is asked with the cotangent twice.
    weights = upstream if case.order == 1 else np.asarray(upstream, np.float64) ** 2
    plain = _plain(case)
    truth = setting.derivative(plain, weights)
    allowed = allowance(bound, _condition(setting, plain, weights, bound), truth, setting.format, setting.policy)
    # What meets the upstream gradient may be a subnormal number, rounded as such.
    least = setting.format.smallest_subnormal * np.max(np.abs(weights), initial=0.0)
    return truth, allowed + least / truth.ulp


def gradient_trial(setting: Setting, case: Case, *, bound: Bound, **more: Any) -> Trial:
    """The trial of a case with a cotangent, whose vector-Jacobian product is judged; `more` as of value_trial."""

    def judged(replies: Sequence[Reply]) -> Judgement:
        (reply,) = replies
        truth, allowed = expected_slope(setting, case, bound)
        found = judge(reply.answer, truth, allowed, setting.format, setting.policy)
        return replace(found, evidence=partial(shown_beside_truth, reply, found, truth))

    replies = more.pop("replies", None)
    query = setting.query(case, together=more.pop("together", None)) if replies is None else replies[0].query
    return Trial(case, (query,), judged, partial(gradient_trial, setting.once, bound=bound), replies=replies, **more)


def has_derivative(setting: Setting, case: Case) -> bool:
    """Whether a vector-Jacobian product that the implementation brings takes the parameters and weights of the case."""
    own = setting.implementation
    if own.product is None:
        return True
    placed = {name: value for name, value in case.parameters.items() if name not in ("axis", "reduction")}
    return can_ask(replace(own, call=own.product), setting.operation, replace(case, parameters=placed))


def has_autodiff(setting: Setting) -> bool:
    """Whether the framework has autodiff that knows the implementation."""
    implementation = setting.implementation
    known = implementation.differentiable and not implementation.stateful and implementation.product is None
    return known and setting.adapter.differentiable


def has_product(setting: Setting) -> bool:
    """Whether there is a vector-Jacobian product: by autodiff, or one that the implementation brings."""
    return has_autodiff(setting) or setting.implementation.product is not None


def has_gradient(setting: Setting) -> bool:
    """Whether there is a vector-Jacobian product, and what it is held to."""
    return setting.operation.gradient_bound is not None and has_product(setting)


def bound_of(setting: Setting, order: int = 1) -> Bound:
    """The bound of the first or second derivative, of an operation that has one."""
    bound = setting.operation.gradient_bound if order == 1 else setting.operation.second_bound
    assert bound is not None
    return bound


def gradient(setting: Setting) -> Trials:
    """One trial for each differentiable case."""
    for case in setting.cases():
        # A loss that comes as a mean alone has the gradients of its mean.
        if case.gradient and has_derivative(setting, case) and not setting.one_by_one(case):
            posed = with_cotangent(case, cotangent(setting, case))
            yield gradient_trial(setting, posed, bound=bound_of(setting), together="gradient")


def second_derivative(setting: Setting) -> Trials:
    """One trial for each differentiable case of a function of one number."""
    for case in setting.cases():
        if case.gradient:
            posed = with_cotangent(case, _powers_of_two(cotangent(setting, case)))
            second = replace(posed, order=2)
            yield gradient_trial(setting, second, bound=bound_of(setting, 2), together="second")


def _powers_of_two(weights: Array) -> Array:
    """Weights whose square is a number of every format."""
    return np.where(np.abs(weights.astype(np.float64)) >= 2, 2, 0.5).astype(weights.dtype)


CHECKS = (
    Check("gradient", "gradient",
          "How far is the gradient, for an upstream gradient other than one, from the exact one?",
          has_gradient, gradient),
    Check("second-derivative", "gradient", "How far is the second derivative from the exact one?",
          lambda setting: setting.operation.second_bound is not None and has_autodiff(setting), second_derivative),
)  # fmt: skip
