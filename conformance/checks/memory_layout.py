"""Memory layouts: the same numbers, lying differently in memory, have the same answer and stay what they were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from gaugeblock.adapters.layouts import REPEATED, rank_of
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.checks.relations import relation
from gaugeblock.conformance.checks.value import allowed_errors
from gaugeblock.conformance.execution.query import Query, Reply
from gaugeblock.conformance.judging.judgement import Judgement, answer_format, compared
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.setting import Setting
from gaugeblock.conformance.trials.trial import Trial, Trials
from gaugeblock.reference.formats import Array

NUMBERS = 2048
"""Rows are cut to so many numbers an input, which a run holds."""

CHECKS: list[Check] = []


def _base(setting: Setting) -> Case:
    """The ordinary case, long rows before many: a matrix, where the operation takes numbers one by one."""
    case = setting.ordinary(most=2 * NUMBERS)
    if case.parameters.get("reduction", "none") == "none":
        rows = max(1, NUMBERS * len(_largest(case)) // max(NUMBERS, _largest(case).size))
        case = replace(case, inputs={name: array[:rows] for name, array in case.inputs.items()})
    if setting.operation.kind == "activation" and not setting.operation.rowwise:
        case = replace(case, inputs={name: array.reshape(8, -1) for name, array in case.inputs.items()})
    return case


def _largest(case: Case) -> Array:
    return max(case.inputs.values(), key=lambda array: array.size)


@relation(
    CHECKS,
    "memory-layout",
    "Do the same numbers in another memory layout give the same answer, and are they left as they were?",
    lambda setting: (
        bool(setting.mode.layouts)
        and setting.effort.asks("memory-layout", setting.dtype)
        and not (setting.mode.few_shapes and setting.dtype == "float16")
    ),
)
def memory_layout(setting: Setting) -> Trials:
    """One trial for each layout, of the answer beside that to a plain array of the same numbers."""
    plain = _base(setting)
    repeated = replace(plain, inputs={n: np.repeat(array[:1], len(array), 0) for n, array in plain.inputs.items()})
    for layout in setting.mode.layouts:
        if _largest(plain).ndim >= rank_of(layout):
            yield _laid_out(setting, repeated if layout in REPEATED else plain, layout)


def _laid_out(setting: Setting, plain: Case, layout: str) -> Trial:
    def judged(replies: Sequence[Reply]) -> Judgement:
        fmt = answer_format(setting.operation, setting.dtype, replies[1].answer)
        truth = setting.truth(plain, fmt)
        return compared(replies, 2 * allowed_errors(setting, plain, truth, fmt), truth.ulp)

    case = replace(plain, name=layout, layout=layout)
    return Trial(case, (Query((setting.call(case),)), Query((setting.call(plain),))), judged)
