"""Input dtypes: what becomes of whole numbers, truth values and a mixture of formats where floats are usual."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.draws import integers
from gaugeblock.conformance.checks.probes.base import REFUSES
from gaugeblock.conformance.checks.value import Valued, allowed_errors
from gaugeblock.conformance.execution.call import Answer, NoAnswer
from gaugeblock.conformance.judging.judge import Judgement, digest, judge, refuses
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.ordinary import ordinary_case
from gaugeblock.conformance.trials.setting import Context, Observation, Setting
from gaugeblock.reference.formats import FORMATS, Array, Format
from gaugeblock.reference.operations import Domain
from gaugeblock.reference.truth import Truth

NAME = "input-dtype"

WHOLE = ("bool", "int8", "uint8", "int32", "int64")
MIXED = ("float16", "float64")
BASE = "float32"
"""The dtype of the other inputs; their numbers are numbers of binary16, so that every format mixed in holds them."""

ANSWERS = (REFUSES, *(f"promoted to {name}" for name in FORMATS), *(f"computed as {name}" for name in WHOLE))


def _numbers(setting: Setting) -> list[str]:
    return [name for name in setting.operation.inputs if name not in setting.operation.integers]


def _takes_whole(setting: Setting) -> bool:
    # A call that names the dtype of its input asks for an answer of that dtype itself.
    return f"{_numbers(setting)[0]}.dtype" not in setting.implementation.call


SHARES = ("probabilities", "distribution", "one_hot", "multi_hot")
"""Rows of which one entry is made 1, the others 0."""


def _whole(domain: Domain, array: Array, dtype: str) -> Array | None:
    """Whole numbers in place of those of an input, of the same domain; None if the dtype does not hold them."""
    wide = array.astype(np.float64)
    values: Array
    if domain == "scores":
        values = wide.argsort(axis=-1).argsort(axis=-1)
    elif domain in SHARES:
        values = np.arange(wide.shape[-1]) == wide.argmax(axis=-1)[..., None]
    elif domain in ("probability", "target", "score"):
        values = integers("input-dtype", wide.shape, 2)
    elif domain == "sign":
        values = wide
    elif dtype == "bool":
        values = wide > 0
    elif domain in ("log_probabilities", "log_distribution"):
        values = np.rint(wide)
    else:
        values = np.rint(np.abs(wide) if dtype.startswith("u") else wide)
        if dtype.endswith("int8"):
            # Where negation, absolute values and differences wrap.
            values.flat[:2] = np.iinfo(dtype).min, np.iinfo(dtype).max
    cast = values.astype(dtype)
    return cast if np.array_equal(cast, values) else None


def _cases(context: Context) -> Iterator[Case]:
    base = ordinary_case(context, "float16")
    numbers = _numbers(context.setting)
    plain = {name: array.astype(BASE) if name in numbers else array for name, array in base.inputs.items()}
    offered = context.setting.mode.other_dtypes
    # Whole targets are usual, whole predictions beside them are not.
    target, prediction = numbers[0], numbers[-1]
    domain = context.operation.domains[context.operation.inputs.index(target)]
    if _takes_whole(context.setting):
        for dtype in (each for each in WHOLE if each in offered):
            array = _whole(domain, base.inputs[target], dtype)
            if array is not None:
                yield replace(base, name=f"{target}-{dtype}", inputs={**plain, target: array})
    if target != prediction:
        for dtype in (each for each in MIXED if each in offered):
            mixed = base.inputs[prediction].astype(dtype)
            yield replace(base, name=f"{prediction}-{dtype}", inputs={**plain, prediction: mixed})


def _format(case: Case, answer: Array) -> Format:
    """The format the answer is judged in: its own, but none wider than the numbers given, as a Python float may be."""
    own = FORMATS.get(answer.dtype.name, FORMATS["float64"])
    given = [FORMATS[array.dtype.name] for array in case.inputs.values() if array.dtype.name in FORMATS]
    widest = max(given, key=_precision, default=own)
    return min(own, widest, key=_precision)


def _precision(fmt: Format) -> int:
    return fmt.precision


def _judged(context: Context, case: Case, answer: Answer) -> Observation:
    if isinstance(answer, NoAnswer):
        refused = refuses(answer)
        judgement = Judgement("conforms" if refused else answer.verdict, message=answer.message)
        return context.observation(NAME, case, judgement, label=REFUSES if refused else None)
    judgement = judge(answer, *_due(context, case, answer))
    replay = Valued(context, case, _due, _label)
    return context.observation(NAME, case, judgement, replay=replay, label=_label(answer), digest=digest(answer))


def _label(answer: Array) -> str:
    kind = answer.dtype.name
    return f"{'promoted to' if kind in FORMATS else 'computed as'} {kind}"


def _due(context: Context, case: Case, answer: Array) -> tuple[Truth, Array, Format]:
    fmt = _format(case, answer)
    truth = context.truth(case, fmt)
    return truth, allowed_errors(context, case, truth, fmt), fmt


def observe(context: Context) -> Iterator[Observation]:
    """One observation for each input and dtype: the label, and whether the answer is that of the definition."""
    chosen = list(_cases(context))
    for case, answer in zip(chosen, context.ask([context.call(case) for case in chosen]), strict=True):
        yield _judged(context, case, answer)


def applies(setting: Setting) -> bool:
    """Whether there is an input of numbers to be given in another dtype, beside others of the base."""
    numbers = _numbers(setting)
    return (
        setting.dtype == BASE
        and not setting.mode.compiled
        and bool(numbers)
        and (len(numbers) > 1 or _takes_whole(setting))
    )


CHECK = Check(
    NAME,
    "relation",
    "What becomes of whole numbers, truth values and other formats, and is the answer that of these numbers?",
    applies,
    observe,
    ANSWERS,
)
