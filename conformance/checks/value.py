"""The value check: every case's answer against the exact one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from gaugeblock.conformance.cases.case import COTANGENT, Case
from gaugeblock.conformance.execution.query import Reply
from gaugeblock.conformance.judging.allowance import allowance, condition, condition_of_reduced
from gaugeblock.conformance.judging.judgement import Judgement, answer_format, judge, shown_beside_truth
from gaugeblock.conformance.judging.policy import Policy
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.setting import Setting
from gaugeblock.conformance.trials.trial import Trial, Trials
from gaugeblock.reference.formats import FORMATS, Array, Format
from gaugeblock.reference.operations import Operation
from gaugeblock.reference.truth import Truth


def allowed_errors(setting: Setting, case: Case, truth: Truth, fmt: Format) -> Array:
    """The allowance of the operation for this case's answer, in ULP."""
    op, policy, conventions = setting.operation, setting.policy, setting.implementation.conventions
    axis, reduction = int(case.parameters.get("axis", -1)), str(case.parameters.get("reduction", "none"))
    # The exact value of each sample comes first: it may stay uncertain.
    each = setting.truth(case, fmt, reduction="none") if reduction != "none" else None
    terms = condition(op.bound, op, case.inputs, axis, {**case.parameters, **conventions}, sums=policy.sums)
    if each is not None:
        terms = condition_of_reduced(op, terms, each, truth, reduction == "mean")
    # A weight is one more rounded product.
    more = ("sample_weight" in case.inputs) + of_quotients(op, fmt, policy)
    weighed = _weighed(op, case, truth, policy) + _magnified(op, case, truth, fmt, policy)
    return allowance(op.bound, terms, truth, fmt, policy) + more + weighed


def _magnified(op: Operation, case: Case, truth: Truth, fmt: Format, policy: Policy) -> Array | float:
    """ULP more, where a loss that was rounded to a subnormal number may then be multiplied by its weight."""
    weights = case.inputs.get("sample_weight")
    if weights is None or op.kind != "loss" or not policy.any_order:
        return 0.0
    size = np.abs(np.asarray(weights, dtype=np.float64))
    reduction = case.parameters.get("reduction", "none")
    whole = size if reduction == "none" else np.sum(size) if reduction == "sum" else np.max(size, initial=0.0)
    return np.asarray(whole * fmt.smallest_subnormal / truth.ulp)


def _weighed(op: Operation, case: Case, truth: Truth, policy: Policy) -> Array | float:
    """ULP more, where a metric may add its weights in their own format, be it narrower than its answer's."""
    weights = case.inputs.get("sample_weight")
    if weights is None or op.kind != "metric" or not policy.any_order or weights.dtype.name not in FORMATS:
        return 0.0
    size = np.nan_to_num(np.abs(truth.nearest) / truth.ulp)
    return np.asarray(2 * float(policy.sums(weights.size)) * FORMATS[weights.dtype.name].unit_roundoff * size)


QUOTIENTS = {"float64": 64.0}
"""ULP that a metric may be farther from the exact one where it is composed of other rounded quotients, by its format.

Such are 2 P R / (P + R), 1 - accuracy, means of means, and areas under rounded rates: a handful of roundings. In
binary64, which metrics are also computed in, 64: a running mean rounds once for each sample, and over the 4,099 of
shapes.COUNTS these roundings, being of either sign, come to about the root of their number. A running mean over
more samples may be farther, and is then a deviation.
"""


def of_quotients(op: Operation, fmt: Format, policy: Policy) -> float:
    """ULP more, where a metric may be composed in any way."""
    return QUOTIENTS.get(fmt.name, 3.0) if op.kind == "metric" and policy.any_order else 0.0


Expecting = Callable[[Setting, Case, Array], tuple[Truth, Array, Format]]
"""What is expected where an answer came to a case: the truth, the errors that are allowed, and the format of both."""


def exactly(setting: Setting, case: Case, answer: Array) -> tuple[Truth, Array, Format]:
    """The exact value, and the allowance of the operation."""
    fmt = answer_format(setting.operation, setting.dtype, answer)
    return *bounds(setting, case, fmt), fmt


def bounds(setting: Setting, case: Case, fmt: Format | None = None) -> tuple[Truth, Array]:
    """The exact value of a case in a format, by default that of its inputs, and the errors that are allowed."""
    truth = setting.truth(case, fmt)
    return truth, allowed_errors(setting, case, truth, fmt or setting.format)


def judged_beside(setting: Setting, reply: Reply, truth: Truth, allowed: Array, fmt: Format) -> Judgement:
    """The judgement on an answer beside what is expected, with what shows it."""
    found = judge(reply.answer, truth, allowed, fmt, setting.policy)
    return replace(found, evidence=partial(shown_beside_truth, reply, found, truth))


def value_trial(
    setting: Setting,
    case: Case,
    *,
    expecting: Expecting = exactly,
    label: Callable[[Array], str] | None = None,
    together: str | None = None,
    replies: tuple[Reply, ...] | None = None,
    instead: Trial | None = None,
) -> Trial:
    """The trial of a case whose answer is judged beside what is expected there.

    Args:
        setting: where it is asked.
        case: what is asked.
        expecting: what is expected of an answer.
        label: what an observation calls an answer, where it calls it anything.
        together: see Setting.query.
        replies: the reply, if it has come already.
        instead: what is asked where the framework refuses the case.
    """

    def judged(replies: Sequence[Reply]) -> Judgement:
        (reply,) = replies
        truth, allowed, fmt = expecting(setting, case, reply.answer)
        found, got = judged_beside(setting, reply, truth, allowed, fmt), reply.answer.dtype.name
        usual = got == fmt.name or setting.operation.kind == "metric" or COTANGENT in case.inputs
        if found.message is None and not usual:
            found = replace(found, message=f"the answer is {got}")
        return found if label is None else replace(found, label=label(reply.answer))

    again = partial(value_trial, setting.once, expecting=expecting, label=label)
    query = setting.query(case, together=together) if replies is None else replies[0].query
    return Trial(case, (query,), judged, again, instead=instead, replies=replies)


def value(setting: Setting) -> Trials:
    """One trial for each case that the implementation can be asked."""
    for case in setting.cases():
        yield value_trial(setting, case, together="value")


CHECKS = (Check("value", "value", "How far is the answer from the exact one?", lambda _: True, value),)
