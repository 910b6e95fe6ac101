"""The gradient check: the framework's vector-Jacobian product against the derivative of the definition."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
from gaugeblock.conformance.cases.case import COTANGENT, Case
from gaugeblock.conformance.cases.draws import integers
from gaugeblock.conformance.checks.value import value_trial
from gaugeblock.conformance.judging.allowance import allowance, condition, divided_by
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.setting import Setting, can_ask
from gaugeblock.conformance.trials.trial import Trials
from gaugeblock.reference.formats import Array, Format
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


def expected_slope(setting: Setting, case: Case, _: Array) -> tuple[Truth, Array, Format]:
    """The exact vector-Jacobian product, the errors that are allowed, and the format of both."""
    bound = setting.operation.gradient_bound if case.order == 1 else setting.operation.second_bound
    assert bound is not None
    upstream = case.inputs[COTANGENT]
    # The second derivative is asked with the cotangent twice.
    weights = upstream if case.order == 1 else np.asarray(upstream, np.float64) ** 2
    plain = replace(case, inputs={name: array for name, array in case.inputs.items() if name != COTANGENT})
    truth = setting.derivative(plain, weights)
    allowed = allowance(bound, _condition(setting, plain, weights, bound), truth, setting.format, setting.policy)
    # What meets the upstream gradient may be a subnormal number, rounded as such.
    least = setting.format.smallest_subnormal * np.max(np.abs(weights), initial=0.0)
    return truth, allowed + least / truth.ulp, setting.format


gradient_trial = partial(value_trial, expecting=expected_slope)
"""The trial of a case with a cotangent, whose vector-Jacobian product is judged."""


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


def gradient(setting: Setting) -> Trials:
    """One trial for each differentiable case."""
    for case in setting.cases():
        # A loss that comes as a mean alone has the gradients of its mean.
        if case.gradient and has_derivative(setting, case) and not setting.one_by_one(case):
            yield gradient_trial(setting, with_cotangent(case, cotangent(setting, case)), together="gradient")


def second_derivative(setting: Setting) -> Trials:
    """One trial for each differentiable case of a function of one number."""
    for case in setting.cases():
        if case.gradient:
            weights = cotangent(setting, case)
            # Their squares are numbers of every format.
            powers = np.where(np.abs(weights.astype(np.float64)) >= 2, 2, 0.5).astype(weights.dtype)
            second = replace(with_cotangent(case, powers), order=2)
            yield gradient_trial(setting, second, together="second")


CHECKS = (
    Check("gradient", "gradient",
          "How far is the gradient, for an upstream gradient other than one, from the exact one?",
          has_gradient, gradient),
    Check("second-derivative", "gradient", "How far is the second derivative from the exact one?",
          lambda setting: setting.operation.second_bound is not None and has_autodiff(setting), second_derivative),
)  # fmt: skip
