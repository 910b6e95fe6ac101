"""Label dtypes: the same labels in every dtype that holds them, and labels that a narrower one would not hold."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.checks.probes.base import REFUSES
from gaugeblock.conformance.checks.value import Valued, due
from gaugeblock.conformance.execution.call import Answer, NoAnswer
from gaugeblock.conformance.judging.judge import digest, judge, refuses, unanswered
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.ordinary import ordinary_case
from gaugeblock.conformance.trials.setting import Context, Observation, Setting
from gaugeblock.reference.formats import FORMATS, Array, Format
from gaugeblock.reference.operations import Operation
from gaugeblock.reference.truth import Truth

NAME = "label-dtype"
TAKEN = "taken"

DTYPES = ("bfloat16", "float32", "int64")
"""Formats of the numbers beside the labels: the one that holds the fewest labels exactly, and the usual one."""

LABELS = ("bool", "int8", "uint8", "int16", "uint16", "int32", "int64", "uint64", "float32")

EDGES = ((127, 200, 300), (255, 281, 300), (2048, 2049, 3000), (32767, 40_001, 70_000), (65_535, 69_000, 70_000))
"""The largest label that a narrower dtype holds, one beyond it, and among how many classes."""

CLASSES = (17, 120, 250)
"""Numbers of classes of a whole batch: their squares, or they themselves, are beyond a byte."""

WIDER = ((2**24, 2**24 + 1), (2**32 - 1, 2**32 + 7), (2**53, 2**53 + 1), (2**63 - 1, 2**63 + 2**11))
"""Labels that need no rows: beyond the integers of binary32, of 32 bits, of binary64 and of int64."""


LABELLED = ("label", "binary", "mask")
"""Domains of whole numbers, and of truth values."""


@dataclass(frozen=True)
class _Question:
    """A case with its labels in their dtype, and what a run keeps of it."""

    case: Case
    shown: Case


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
    return [name for name, domain in zip(op.inputs, op.domains, strict=True) if domain in LABELLED]


def _told(case: Case, labels: dict[str, Array], name: str, shown: Case | None = None) -> Iterator[_Question]:
    """The case with its labels in each dtype that holds them."""
    every = np.concatenate([array.ravel() for array in labels.values()])
    for dtype in LABELS:
        if holds(dtype, every):
            cast = {label: array.astype(dtype) for label, array in labels.items()}
            called = dtype + name
            kept = replace(shown or case, name=called)
            yield _Question(
                replace(case, name=called, inputs={**case.inputs, **cast}),
                replace(kept, inputs={**kept.inputs, **cast}),
            )


def _beside_rows(base: Case, op: Operation, dtype: str, few: bool) -> Iterator[_Question]:
    given, rows = op.inputs
    shares = op.domains[1] == "probabilities"
    # The first and the last stand for the others where each shape is compiled.
    for edge, label, classes in (EDGES[0], EDGES[-1]) if few else EDGES:
        peak = label if op.kind == "metric" else 0
        labels = {given: np.array([label])}
        case = replace(base, inputs={rows: row(classes, dtype, peak, shares)})
        formula = f"2**(i % 7 - 22), i < {classes}" if shares else f"-30 - 6 * (i % 7), i < {classes}"
        rest = "what is left of 1" if shares else "0"
        # A row of 70,000 is told, not kept.
        told = {**base.parameters, rows: f"{formula}; {rest} at {peak}"}
        yield from _told(case, labels, f"-beyond-{edge}", Case(base.name, {}, told))


def _alone(base: Case, op: Operation) -> Iterator[_Question]:
    """Each label beside itself and beside those that a narrower dtype would take it for."""
    first, *others = op.inputs
    for edge, label in (*((edge, label) for edge, label, _ in EDGES), *WIDER):
        mixed_up = np.array([label, label - 1, label % 2**8, label % 2**16, label % 2**32], np.uint64)
        labels = {first: np.full(len(mixed_up), label, np.uint64), **dict.fromkeys(others, mixed_up)}
        yield from _told(base, labels, f"-beyond-{edge}")


def _questions(context: Context) -> Iterator[_Question]:
    op = context.operation
    base = ordinary_case(context, context.format.name)
    yield from _told(base, {name: base.inputs[name] for name in _labels(op)}, "")
    if op.domains[0] == "label" and op.core_ranks == (0, 1):
        yield from _beside_rows(base, op, context.format.name, context.setting.mode.few_shapes)
    elif op.domains == ("label", "label") and not op.rowwise:
        yield from _alone(base, op)
    elif op.domains == ("label", "label") and context.setting.thorough:
        for classes in CLASSES:
            # Every class stands in the truth and among the predictions: what 0/0 is taken for is another question.
            row = np.arange(2 * classes)
            true = row % classes
            pred = np.where((row % 3 == 0) & (row < classes), (true + 1) % classes, true)
            labels = dict(zip(op.inputs, (true, pred), strict=True))
            yield from _told(base, labels, f"-of-{classes}-classes")


def _due(context: Context, case: Case, answer: Array) -> tuple[Truth, Array, Format]:
    """What is due to the same labels in a dtype that the definition takes, one for all."""
    whole = {name: _whole(case.inputs[name]) for name in _labels(context.operation)}
    return due(context, replace(case, inputs={**case.inputs, **whole}), answer)


def _whole(labels: Array) -> Array:
    return labels.astype(np.uint64 if labels.max(initial=0) > np.iinfo(np.int64).max else np.int64)


def _judged(context: Context, question: _Question, answer: Answer) -> Observation:
    if isinstance(answer, NoAnswer):
        label: Any = REFUSES if refuses(answer) else None
        return context.observation(NAME, question.shown, unanswered(answer), label=label)
    judgement = judge(answer, *_due(context, question.case, answer))
    replay = Valued(context, question.case, _due, lambda _: TAKEN)
    return context.observation(NAME, question.shown, judgement, replay=replay, label=TAKEN, digest=digest(answer))


def observe(context: Context) -> Iterator[Observation]:
    """One observation for each dtype that the mode offers, and each size of label that it holds."""
    # Truth values are asked of those who are asked thoroughly.
    offered = [each for each in context.setting.mode.other_dtypes if each != "bool" or context.setting.thorough]
    chosen = [each for each in _questions(context) if each.case.name.partition("-")[0] in offered]
    for question, answer in zip(chosen, context.ask([context.call(each.case) for each in chosen]), strict=True):
        yield _judged(context, question, answer)


def applies(setting: Setting) -> bool:
    """Whether there are labels among the inputs."""
    if setting.mode.compiled or not _labels(setting.operation):
        return False
    known = setting.own is not None or setting.dtype in DTYPES
    return known and (setting.thorough or "mask" not in setting.operation.domains)


CHECK = Check(
    NAME,
    "value",
    "Are labels of every dtype and size refused or taken for what they are?",
    applies,
    observe,
    (TAKEN, REFUSES),
)
