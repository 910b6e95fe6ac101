"""Memory layouts: the same numbers, lying differently in memory, have the same answer and stay what they were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from gaugeblock.adapters.layouts import REPEATED, rank_of
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.checks.relations import SAMENESS
from gaugeblock.conformance.checks.value import allowed_errors
from gaugeblock.conformance.execution.call import NoAnswer
from gaugeblock.conformance.judging.judge import answer_format
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.comparison import Side, compared
from gaugeblock.conformance.trials.ordinary import ordinary_case
from gaugeblock.conformance.trials.setting import Context, Observation, Setting
from gaugeblock.reference.formats import Array

NAME = "memory-layout"

DTYPES = ("float16", "float32", "int64")
"""One format narrower than the registers' usual, and the usual one: other formats take the same ways."""

NUMBERS = 2048
"""Rows are cut to so many numbers an input, which a run holds."""


def _base(context: Context) -> Case:
    """The ordinary case, long rows before many: a matrix, where the operation takes numbers one by one."""
    case = ordinary_case(context, context.format.name, most=2 * NUMBERS)
    if case.parameters.get("reduction", "none") == "none":
        rows = max(1, NUMBERS * len(_largest(case)) // max(NUMBERS, _largest(case).size))
        case = replace(case, inputs={name: array[:rows] for name, array in case.inputs.items()})
    if context.operation.kind == "activation" and not context.operation.rowwise:
        case = replace(case, inputs={name: array.reshape(8, -1) for name, array in case.inputs.items()})
    return case


def _kept(layout: str, first: str, case: Case, repeated: bool) -> Case:
    """The case as a run holds it: the numbers once, under the first layout."""
    if layout == first:
        return replace(case, name=layout)
    told = f"the first row of {first}, repeated" if repeated else f"those of {first}"
    return Case(layout, {}, {**case.parameters, "numbers": told})


def _largest(case: Case) -> Array:
    return max(case.inputs.values(), key=lambda array: array.size)


def observe(context: Context) -> Iterator[Observation]:
    """One observation for each layout, of the answer beside that to a plain array of the same numbers."""
    plain = _base(context)
    repeated = replace(plain, inputs={n: np.repeat(array[:1], len(array), 0) for n, array in plain.inputs.items()})
    layouts = [
        (layout, repeated if layout in REPEATED else plain)
        for layout in context.setting.mode.layouts
        if _largest(plain).ndim >= rank_of(layout)
    ]
    one, same = context.ask([context.call(plain), context.call(repeated)])
    got = context.ask([replace(context.call(case), layout=layout) for layout, case in layouts])
    for (layout, case), answer in zip(layouts, got, strict=True):
        beside = same if case is repeated else one
        named = _kept(layout, layouts[0][0], case, case is repeated)
        call = context.call(case)
        sides = Side((replace(call, layout=layout),), (answer,)), Side((call,), (beside,))
        if isinstance(beside, NoAnswer):
            yield compared(context, NAME, named, *sides, np.zeros(()), np.ones(()))
            continue
        fmt = answer_format(context.operation, context.setting.dtype, beside)
        truth = context.truth(case, fmt)
        allowed = allowed_errors(context, case, truth, fmt)
        yield compared(context, NAME, named, *sides, 2 * allowed, truth.ulp)


def applies(setting: Setting) -> bool:
    """Whether the adapter offers layouts in this mode."""
    return bool(setting.mode.layouts) and setting.dtype in (DTYPES[1:] if setting.mode.few_shapes else DTYPES)


CHECK = Check(
    NAME,
    "relation",
    "Do the same numbers in another memory layout give the same answer, and are they left as they were?",
    applies,
    observe,
    SAMENESS,
)
