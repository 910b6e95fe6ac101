"""The gradient check: the framework's vector-Jacobian product against the derivative of the definition."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from trueline.adapters.registry import adapter
from trueline.conformance.asking import answers
from trueline.conformance.cases import Case
from trueline.conformance.checks import Check
from trueline.conformance.context import Context, Observation, Setting, asked_one_by_one
from trueline.conformance.frozen import integers
from trueline.conformance.isolation import Answer, NoAnswer
from trueline.conformance.judge import Judgement, allowance, condition, digest, divided_by, judge, unanswered
from trueline.reference.balls import PrecisionError
from trueline.reference.formats import Array


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
    return context.format.array(drawn * signs / 4)


def _condition(context: Context, case: Case, upstream: Array) -> Array | float:
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
    return condition(operation.gradient_bound, operation, case.inputs, axis, known, weights)


def _judged(context: Context, case: Case, upstream: Array, answer: Answer) -> Observation:
    if isinstance(answer, NoAnswer):
        return context.observation("gradient", case, unanswered(answer))
    try:
        truth = context.gradient(case, upstream)
    except PrecisionError as error:
        return context.observation("gradient", case, Judgement("undecided", message=str(error)), digest=digest(answer))
    bound = context.operation.gradient_bound
    assert bound is not None
    allowed = allowance(bound, _condition(context, case, upstream), truth, context.format)
    return context.observation("gradient", case, judge(answer, truth, allowed, context.format), digest=digest(answer))


def observe(context: Context) -> Iterator[Observation]:
    """One observation for each differentiable case."""
    # A loss that comes as a mean alone has the gradients of its mean.
    chosen = [
        case
        for case in context.cases()
        if case.gradient and not asked_one_by_one(context.implementation, context.operation, case)
    ]
    upstream = [cotangent(context, case) for case in chosen]
    for case, weights, answer in zip(chosen, upstream, answers(context, chosen, cotangents=upstream), strict=True):
        yield _judged(context, case, weights, answer)


def applies(setting: Setting) -> bool:
    """Whether the operation has a derivative and the framework an autodiff."""
    return setting.operation.gradient_bound is not None and adapter(setting.implementation.framework).differentiable


CHECK = Check(
    "gradient",
    "gradient",
    "How far is the gradient, for an upstream gradient other than one, from the exact one?",
    applies,
    observe,
)
