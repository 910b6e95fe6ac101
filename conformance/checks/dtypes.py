"""Dtypes: whole numbers, truth values and other formats in place of floats; labels in every dtype that holds them."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.domains import DOMAINS, Domain
from gaugeblock.conformance.cases.draws import integers
from gaugeblock.conformance.checks.probes.base import REFUSES
from gaugeblock.conformance.checks.value import bounds, exactly, value_trial
from gaugeblock.conformance.execution.call import NoAnswer
from gaugeblock.conformance.judging.judgement import Judgement, unanswered
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.setting import Setting
from gaugeblock.conformance.trials.trial import Trials
from gaugeblock.reference.formats import FORMATS, Array, Format
from gaugeblock.reference.operations import Operation
from gaugeblock.reference.truth import Truth
from gaugeblock.reports.verdicts import Verdict

INPUT_DTYPE, LABEL_DTYPE = "input-dtype", "label-dtype"

WHOLE = ("bool", "int8", "uint8", "int32", "int64")
MIXED = ("float16", "float64")
BASE = "float32"
"""The dtype of the other inputs; their numbers are numbers of binary16, so that every format mixed in holds them."""

ANSWERS = (REFUSES, *(f"promoted to {name}" for name in FORMATS), *(f"computed as {name}" for name in WHOLE))

# Numbers in other dtypes


def _numbers(setting: Setting) -> list[str]:
    return [name for name in setting.operation.inputs if name not in setting.operation.integers]


def _takes_whole(setting: Setting) -> bool:
    # A call that names the dtype of its input asks for an answer of that dtype itself.
    return f"{_numbers(setting)[0]}.dtype" not in setting.implementation.call


def _whole(domain: Domain, array: Array, dtype: str) -> Array | None:
    """Whole numbers in place of those of an input, of the same domain; None if the dtype does not hold them."""
    wide = array.astype(np.float64)
    values: Array
    if domain.distinct:
        values = wide.argsort(axis=-1).argsort(axis=-1)
    elif domain.one_of_a_row:
        values = np.arange(wide.shape[-1]) == wide.argmax(axis=-1)[..., None]
    elif domain.limits == (0.0, 1.0):
        values = integers("input-dtype", wide.shape, 2)
    elif domain.fixed:
        values = wide
    elif dtype == "bool":
        values = wide > 0
    elif domain.limits[1] == 0.0:
        values = np.rint(wide)
    else:
        values = np.rint(np.abs(wide) if dtype.startswith("u") else wide)
        if dtype.endswith("int8"):
            # Where negation, absolute values and differences wrap.
            values.flat[:2] = np.iinfo(dtype).min, np.iinfo(dtype).max
    cast = values.astype(dtype)
    return cast if np.array_equal(cast, values) else None


def _in_other_dtypes(setting: Setting) -> Iterator[Case]:
    base = setting.ordinary("float16")
    numbers = _numbers(setting)
    plain = {name: array.astype(BASE) if name in numbers else array for name, array in base.inputs.items()}
    offered = setting.mode.other_dtypes
    # Whole targets are usual, whole predictions beside them are not.
    target, prediction = numbers[0], numbers[-1]
    domain = DOMAINS[setting.operation.domains[setting.operation.inputs.index(target)]]
    if _takes_whole(setting):
        for dtype in (each for each in WHOLE if each in offered):
            array = _whole(domain, base.inputs[target], dtype)
            if array is not None:
                yield replace(base, name=f"{target}-{dtype}", inputs={**plain, target: array})
    if target != prediction:
        for dtype in (each for each in MIXED if each in offered):
            mixed = base.inputs[prediction].astype(dtype)
            tags = base.tags | {"mixed-formats"}
            yield replace(base, name=f"{prediction}-{dtype}", inputs={**plain, prediction: mixed}, tags=tags)


def _in_own_format(setting: Setting, case: Case, answer: Array) -> tuple[Truth, Array, Format]:
    """What is expected in the answer's own format, but none wider than the inputs, as that of a Python float may be."""
    own = FORMATS.get(answer.dtype.name, FORMATS["float64"])
    held = [FORMATS[array.dtype.name] for array in case.inputs.values() if array.dtype.name in FORMATS]
    fmt = min(own, max(held, key=lambda fmt: fmt.precision, default=own), key=lambda fmt: fmt.precision)
    return *bounds(setting, case, fmt), fmt


def _kind_of(answer: Array) -> str:
    kind = answer.dtype.name
    return f"{'promoted to' if kind in FORMATS else 'computed as'} {kind}"


def _refused(answer: NoAnswer, conforms: bool) -> Judgement:
    """A refusal has a label."""
    found = unanswered(answer)
    if not answer.refuses:
        return found
    return replace(found, label=REFUSES, verdict=Verdict.CONFORMS if conforms else found.verdict)


def _has_other_dtypes(setting: Setting) -> bool:
    """Whether there is an input of numbers to be handed over in another dtype, beside others of the base."""
    numbers = _numbers(setting)
    return (
        setting.dtype == BASE
        and not setting.mode.compiled
        and bool(numbers)
        and (len(numbers) > 1 or _takes_whole(setting))
    )


def input_dtype(setting: Setting) -> Trials:
    """One trial for each input and dtype: the label, and whether the answer is that of the definition."""
    for case in _in_other_dtypes(setting):
        trial = value_trial(setting, case, expecting=_in_own_format, label=_kind_of)
        yield replace(trial, refused=partial(_refused, conforms=True))


# Labels in other dtypes

TAKEN = "taken"

LABELS = ("bool", "int8", "uint8", "int16", "uint16", "int32", "int64", "uint64", "float32")

EDGES = ((127, 200, 300), (255, 281, 300), (2048, 2049, 3000), (32767, 40_001, 70_000), (65_535, 69_000, 70_000))
"""The largest label that a narrower dtype holds, one beyond it, and among how many classes."""

CLASSES = (17, 120, 250)
"""Numbers of classes of a whole batch: their squares, or they themselves, are beyond a byte."""

WIDER = ((2**24, 2**24 + 1), (2**32 - 1, 2**32 + 7), (2**53, 2**53 + 1), (2**63 - 1, 2**63 + 2**11))
"""Labels that need no rows: beyond the integers of binary32, of 32 bits, of binary64 and of int64."""


def holds(dtype: str, values: Array) -> bool:
    """Whether the dtype holds each of the whole numbers exactly."""
    kind = np.dtype(dtype)
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    if kind.kind == "b":
        return low >= 0 and high <= 1
    if kind.kind == "f":
        return all(int(kind.type(value)) == value for value in values.tolist())
    return high <= np.iinfo(kind).max and low >= 0


@functools.cache
def row(classes: int, dtype: str, peak: int, shares: bool) -> Array:
    """One row of logits, or of probabilities, in which classes that truncation takes for another have another loss.

    The steps are beyond every bound, and beside the peak all other exponentials are lost in whatever order.
    """
    steps = np.arange(classes) % 7
    values = np.ldexp(1.0, steps - 22) if shares else -30.0 - 6 * steps
    fmt = FORMATS[dtype]
    values[peak] = fmt.round(1 - np.delete(values, peak).sum()) if shares else 0.0
    return fmt.array(values[None, :])


def _labels(op: Operation) -> list[str]:
    return [name for name in op.inputs if name in op.integers]


def in_each(case: Case, labels: Mapping[str, Array], name: str) -> Iterator[Case]:
    """The case with its labels in each dtype that holds them."""
    every = np.concatenate([array.ravel() for array in labels.values()])
    for dtype in LABELS:
        if holds(dtype, every):
            cast = {label: array.astype(dtype) for label, array in labels.items()}
            yield replace(case, name=dtype + name, inputs={**case.inputs, **cast}, tags=frozenset({dtype}))


def _beside_rows(base: Case, op: Operation, dtype: str, few: bool) -> Iterator[Case]:
    first, rows = op.inputs
    shares = op.domains[1] == "probabilities"
    # The first and the last stand for the others where each shape is compiled.
    for edge, label, classes in (EDGES[0], EDGES[-1]) if few else EDGES:
        peak = label if op.kind == "metric" else 0
        case = replace(base, inputs={first: np.array([label]), rows: row(classes, dtype, peak, shares)})
        yield from in_each(case, {first: np.array([label])}, f"-beyond-{edge}")


def _alone(base: Case, op: Operation) -> Iterator[Case]:
    """Each label beside itself and beside those that a narrower dtype would take it for."""
    first, *others = op.inputs
    for edge, label in (*((edge, label) for edge, label, _ in EDGES), *WIDER):
        mixed_up = np.array([label, label - 1, label % 2**8, label % 2**16, label % 2**32], np.uint64)
        labels = {first: np.full(len(mixed_up), label, np.uint64), **dict.fromkeys(others, mixed_up)}
        yield from in_each(base, labels, f"-beyond-{edge}")


def _of_labels(setting: Setting) -> Iterator[Case]:
    op = setting.operation
    base = setting.ordinary()
    yield from in_each(base, {name: base.inputs[name] for name in _labels(op)}, "")
    if op.domains[0] == "label" and op.core_ranks == (0, 1):
        yield from _beside_rows(base, op, setting.format.name, setting.mode.few_shapes)
    elif op.domains == ("label", "label") and not op.rowwise:
        yield from _alone(base, op)
    elif op.domains == ("label", "label") and setting.effort.thorough:
        for classes in CLASSES:
            # Every class stands in the truth and among the predictions: what 0/0 is taken for is another question.
            place = np.arange(2 * classes)
            true = place % classes
            pred = np.where((place % 3 == 0) & (place < classes), (true + 1) % classes, true)
            yield from in_each(base, dict(zip(op.inputs, (true, pred), strict=True)), f"-of-{classes}-classes")


def _of_whole_labels(setting: Setting, case: Case, answer: Array) -> tuple[Truth, Array, Format]:
    """What is expected of the same labels in a dtype that the definition takes, one for all."""
    whole = {name: _plain(case.inputs[name]) for name in _labels(setting.operation)}
    return exactly(setting, replace(case, inputs={**case.inputs, **whole}), answer)


def _plain(labels: Array) -> Array:
    return labels.astype(np.uint64 if labels.max(initial=0) > np.iinfo(np.int64).max else np.int64)


def _has_labels(setting: Setting) -> bool:
    """Whether there are labels among the inputs."""
    if setting.mode.compiled or not _labels(setting.operation) or not setting.effort.asks(LABEL_DTYPE, setting.dtype):
        return False
    return setting.effort.thorough or "mask" not in setting.operation.domains


def label_dtype(setting: Setting) -> Trials:
    """One trial for each dtype that the mode offers, and each size of label that it holds."""
    # Truth values are asked of those who are asked thoroughly.
    offered = {each for each in setting.mode.other_dtypes if each != "bool" or setting.effort.thorough}
    for case in _of_labels(setting):
        if case.tags & offered:
            trial = value_trial(setting, case, expecting=_of_whole_labels, label=lambda _: TAKEN)
            yield replace(trial, refused=partial(_refused, conforms=False))


CHECKS = (
    Check(INPUT_DTYPE, "relation",
          "What becomes of whole numbers, truth values and other formats, and is the answer that of these numbers?",
          _has_other_dtypes, input_dtype, ANSWERS),
    Check(LABEL_DTYPE, "value", "Are labels of every dtype and size refused or taken for what they are?",
          _has_labels, label_dtype, (TAKEN, REFUSES)),
)  # fmt: skip
