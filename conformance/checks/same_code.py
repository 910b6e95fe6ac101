"""The check of implementations that end in the code of another: their answers have the same bits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from gaugeblock.adapters.base import Implementation
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.checks.gradient import cotangent, has_derivative, has_gradient, with_cotangent
from gaugeblock.conformance.execution.query import Reply
from gaugeblock.conformance.judging.judgement import SAMENESS, Judgement, answer_format, compared
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.setting import Setting, offered_in
from gaugeblock.conformance.trials.trial import Trial, Trials
from gaugeblock.reports.verdicts import Verdict

SAME_BITS = "same-bits"


def _other(setting: Setting) -> Implementation | None:
    """The implementation in whose code this one ends, where it is offered in the same mode and dtype."""
    own = setting.implementation
    offers = (
        each
        for each in setting.adapter.implementations
        if each.operation == own.operation
        and each.name == own.same_as
        and offered_in(each, setting.mode, setting.dtype)
    )
    return next(offers, None)


def _few(setting: Setting) -> Iterator[Case]:
    """The first case of each kind: of its parameters, its rank, and what it is about."""
    seen = set()
    for case in setting.cases():
        ranks = tuple(array.ndim for array in case.inputs.values())
        kind = (tuple(sorted(case.parameters.items())), ranks, case.tags)
        if kind not in seen:
            seen.add(kind)
            yield case


def _trial(setting: Setting, case: Case, other: Implementation) -> Trial:
    def judged(replies: Sequence[Reply]) -> Judgement:
        theirs = replies[1]
        fmt = answer_format(setting.operation, setting.dtype, theirs.answer)
        numbers = theirs.numbers.astype(np.float64)
        exponents = np.frexp(np.where(np.isfinite(numbers), numbers, 0.0))[1] - 1
        unit = np.ldexp(1.0, np.maximum(exponents, fmt.emin) - fmt.precision + 1)
        found = compared(replies, np.zeros(numbers.shape), unit)
        if found.label == SAMENESS[1]:
            return replace(found, verdict=Verdict.DEVIATES, label=SAMENESS[2], message="equal numbers in other bits")
        return found

    queries = (setting.query(case), setting.query(case, implementation=other))
    return Trial(case, queries, judged, partial(_trial, setting, other=other))


def same_bits(setting: Setting) -> Trials:
    """One trial for a case of each kind that both can be asked, and for one derivative."""
    other = _other(setting)
    assert other is not None
    theirs = setting.of(other)
    both = [case for case in _few(setting) if theirs.offers(case)]
    for case in both:
        yield _trial(setting, case, other)
    if has_gradient(setting) and has_gradient(theirs):
        smooth = (each for each in both if each.gradient and has_derivative(setting, each))
        for case in (each for each in smooth if not setting.one_by_one(each) and not theirs.one_by_one(each)):
            posed = with_cotangent(case, cotangent(setting, case))
            yield _trial(setting, replace(posed, name=f"gradient-{case.name}"), other)
            return


CHECKS = (
    Check(
        SAME_BITS,
        "relation",
        "Has the answer the bits of that of the implementation in whose code it ends?",
        lambda setting: _other(setting) is not None,
        same_bits,
        SAMENESS,
    ),
)
