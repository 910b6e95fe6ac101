"""The value check: every case's answer against the exact one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.execution.call import Answer, Call, NoAnswer
from gaugeblock.conformance.judging.judge import (
    Judgement,
    allowance,
    answer_format,
    digest,
    judge,
    sensitivity,
    unanswered,
)
from gaugeblock.conformance.judging.showing import Part, Shown, due_value, observed
from gaugeblock.conformance.trials.batching import answers, joined, samples
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.setting import Context, Observation, asked_one_by_one
from gaugeblock.reference.balls import PrecisionError
from gaugeblock.reference.formats import FORMATS, Array, Format
from gaugeblock.reference.operations import Operation
from gaugeblock.reference.summation import in_any_order, roundings
from gaugeblock.reference.truth import Truth


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
    more = ("sample_weight" in case.inputs) + in_any_way(context.operation, fmt)
    weighed = _weighed(context.operation, case, truth) + _magnified(context.operation, case, truth, fmt)
    return allowance(context.operation.bound, condition, truth, fmt) + more + weighed


def _magnified(op: Operation, case: Case, truth: Truth, fmt: Format) -> Array | float:
    """ULP more, where a loss that was rounded to a subnormal number may then be multiplied by its weight."""
    weights = case.inputs.get("sample_weight")
    if weights is None or op.kind != "loss" or not in_any_order():
        return 0.0
    size = np.abs(np.asarray(weights, dtype=np.float64))
    reduction = case.parameters.get("reduction", "none")
    whole = size if reduction == "none" else np.sum(size) if reduction == "sum" else np.max(size, initial=0.0)
    return np.asarray(whole * fmt.smallest_subnormal / truth.ulp)


def _weighed(op: Operation, case: Case, truth: Truth) -> Array | float:
    """ULP more, where a metric may add its weights in their own format, be it narrower than its answer's."""
    weights = case.inputs.get("sample_weight")
    if weights is None or op.kind != "metric" or not in_any_order() or weights.dtype.name not in FORMATS:
        return 0.0
    size = np.nan_to_num(np.abs(truth.nearest) / truth.ulp)
    return np.asarray(2 * float(roundings(weights.size)) * FORMATS[weights.dtype.name].unit_roundoff * size)


QUOTIENTS = {"float64": 64.0}
"""ULP that a metric may be farther from the exact one where it is composed of other rounded quotients, by its format.

Such are 2 P R / (P + R), 1 - accuracy, means of means, and areas under rounded rates: a handful of roundings. In
binary64, which metrics are also computed in, 64: a running mean rounds once for each sample, and over the 4,099 of
large.COUNTS these roundings, being of either sign, come to about the root of their number. A running mean over
more samples may be farther, and is then a deviation.
"""


def in_any_way(op: Operation, fmt: Format) -> float:
    """ULP more, where a metric may be composed in any way: where sums may be taken in any order."""
    return QUOTIENTS.get(fmt.name, 3.0) if op.kind == "metric" and in_any_order() else 0.0


Due = Callable[[Context, Case, Array], tuple[Truth, Array, Format]]
"""What is due where an answer came to a case: the truth, the errors that are allowed, and the format of both."""


def due(context: Context, case: Case, answer: Array) -> tuple[Truth, Array, Format]:
    """The exact value, and the bound of the operation."""
    fmt = answer_format(context.operation, context.setting.dtype, answer)
    truth = context.truth(case, fmt)
    return truth, allowed_errors(context, case, truth, fmt), fmt


@dataclass(frozen=True)
class Valued:
    """A case whose answer is judged against what is due, asked alone."""

    context: Context
    case: Case
    due: Due = due
    label: Callable[[Array], str] | None = None
    """What an observation calls an answer, where it calls it anything."""
    layout: str | None = None
    """The memory layout in which its arrays are handed over."""

    def _single(self, case: Case) -> bool:
        return asked_one_by_one(self.context.implementation, self.context.operation, case)

    @property
    def shrinks(self) -> bool:
        """Whether another case can be asked in its place."""
        return True

    def calls(self, case: Case) -> list[Call]:
        """One call, or one for each sample where there is no other way."""
        asked = samples(case) if self._single(case) else [case]
        return [replace(self.context.call(each), layout=self.layout) for each in asked]

    def shown(self, case: Case, calls: Sequence[Call], answers: Sequence[Answer]) -> Shown:
        """The element with the largest error, or the shape that is not the one due."""
        single = self._single(case)
        answer = joined(answers) if single else answers[0]
        if isinstance(answer, NoAnswer):
            return Shown(observed(unanswered(answer)))
        truth, allowed, fmt = self.due(self.context, case, answer)
        label = self.label(answer) if self.label else None
        return shown_value(calls, single, answer, truth, judge(answer, truth, allowed, fmt), label)


def shown_value(
    calls: Sequence[Call], single: bool, answer: Array, truth: Truth, judgement: Judgement, label: str | None = None
) -> Shown:
    """What a judgement on an answer shows; of the calls of `single` samples, that of the one which it is about."""
    if not calls:
        return Shown({})
    if judgement.witness is None:
        part = Part(calls[0], {"shape": list(answer.shape[single:])})
        return Shown(observed(judgement, label=label), (part,), {"shape": list(truth.nearest.shape[single:])})
    at = judgement.witness["at"]
    call = calls[at[0]] if single else calls[0]
    part = Part(call, {"at": at[1:] if single else at, "got": judgement.witness["got"]})
    return Shown(observed(judgement, label=label), (part,), due_value(judgement, truth))


def judged(context: Context, check: str, case: Case, answer: Answer, layout: str | None = None) -> Observation:
    """The observation that an answer is, or is not, within the bound of the exact one."""
    if isinstance(answer, NoAnswer):
        return context.observation(check, case, unanswered(answer))
    try:
        truth, allowed, fmt = due(context, case, answer)
    except PrecisionError as error:
        return context.observation(check, case, Judgement("undecided", message=str(error)), digest=digest(answer))
    judgement = judge(answer, truth, allowed, fmt)
    if context.operation.kind != "metric" and answer.dtype.name != fmt.name and judgement.message is None:
        judgement = replace(judgement, message=f"the answer is {answer.dtype.name}")
    replay = Valued(context, case, layout=layout)
    return context.observation(check, case, judgement, replay=replay, digest=digest(answer))


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
