"""The gradient check: the framework's vector-Jacobian product against the derivative of the definition."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from trueline.adapters.registry import adapter
from trueline.conformance.asking import answers
from trueline.conformance.cases import Case
from trueline.conformance.checks import Check
from trueline.conformance.context import Context, Observation, Setting
from trueline.conformance.frozen import integers
from trueline.conformance.isolation import Answer, NoAnswer
from trueline.conformance.judge import Judgement, allowance, digest, judge, unanswered
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
    bound = context.operation.gradient_bound
    if bound is None or bound.sensitivity is None:
        return 0.0
    operation, axis = context.operation, int(case.parameters.get("axis", -1))
    arrays = [
        np.asarray(np.moveaxis(case.inputs[name], axis, -1) if rank else case.inputs[name], dtype=np.float64)
        for name, rank in zip(operation.inputs, operation.core_ranks, strict=True)
    ]
    weights = np.asarray(upstream, dtype=np.float64)
    batch = arrays[-1].shape[: arrays[-1].ndim - operation.core_ranks[-1]]
    if case.parameters.get("reduction", "none") != "none":
        weights = np.broadcast_to(weights / (np.prod(batch) if case.parameters["reduction"] == "mean" else 1), batch)
    elif operation.output_rank:
        weights = np.moveaxis(weights, axis, -1)
    condition = np.asarray(bound.sensitivity(*arrays, weights))
    return np.moveaxis(condition, -1, axis) if operation.core_ranks[-1] else condition


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
    chosen = [case for case in context.cases() if case.gradient]
    upstream = [cotangent(context, case) for case in chosen]
    for case, weights, answer in zip(chosen, upstream, answers(context, chosen, cotangents=upstream), strict=True):
        yield _judged(context, case, weights, answer)


def applies(setting: Setting) -> bool:
    """Whether the operation has a derivative and the framework an autodiff that knows the implementation."""
    implementation = setting.implementation
    known = implementation.differentiable and adapter(implementation.framework).differentiable
    return known and setting.operation.gradient_bound is not None


CHECK = Check(
    "gradient",
    "gradient",
    "How far is the gradient, for an upstream gradient other than one, from the exact one?",
    applies,
    observe,
)
