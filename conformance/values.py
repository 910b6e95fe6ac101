"""The value check: every case's answer against the exact one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from trueline.conformance.asking import answers
from trueline.conformance.calls import Answer, NoAnswer
from trueline.conformance.cases import Case
from trueline.conformance.checks import Check
from trueline.conformance.context import Context, Observation
from trueline.conformance.judge import (
    Judgement,
    allowance,
    answer_format,
    digest,
    judge,
    sensitivity,
    unanswered,
)
from trueline.reference.balls import PrecisionError
from trueline.reference.formats import Array, Format
from trueline.reference.truth import Truth


def allowed_errors(context: Context, case: Case, truth: Truth, fmt: Format) -> Array:
    """The bound of the operation for this case's answer, in ULP."""
    reduction = str(case.parameters.get("reduction", "none"))
    each = context.truth(case, fmt, reduction="none") if reduction != "none" else None
    condition = sensitivity(
        context.operation,
        case.inputs,
        int(case.parameters.get("axis", -1)),
        reduction,
        each,
        {**case.parameters, **context.implementation.conventions},
        truth,
    )
    # A weight is one more rounded product.
    return allowance(context.operation.bound, condition, truth, fmt) + ("sample_weight" in case.inputs)


def judged(context: Context, check: str, case: Case, answer: Answer) -> Observation:
    """The observation that an answer is, or is not, within the bound of the exact one."""
    if isinstance(answer, NoAnswer):
        return context.observation(check, case, unanswered(answer))
    fmt = answer_format(context.operation, context.setting.dtype, answer)
    try:
        truth = context.truth(case, fmt)
    except PrecisionError as error:
        return context.observation(check, case, Judgement("undecided", message=str(error)), digest=digest(answer))
    judgement = judge(answer, truth, allowed_errors(context, case, truth, fmt), fmt)
    if context.operation.kind != "metric" and answer.dtype.name != fmt.name and judgement.message is None:
        judgement = replace(judgement, message=f"the answer is {answer.dtype.name}")
    return context.observation(check, case, judgement, digest=digest(answer))


def observe(context: Context) -> Iterator[Observation]:
    """One observation for each case that the implementation can be asked."""
    chosen = context.cases()
    for case, answer in zip(chosen, answers(context, chosen), strict=True):
        yield judged(context, "value", case, answer)


CHECK = Check(
    "value",
    "value",
    "How far is the answer from the exact one?",
    lambda _: True,
    observe,
)
