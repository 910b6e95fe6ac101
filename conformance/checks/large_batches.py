"""Large batches and long rows: means and counts over many samples, and every kind of content in rows of thousands.

The samples of a large batch repeat a few, so that what is due is a mean of these with the numbers of times as weights.
"""

from __future__ import annotations

import math
import time
import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.random_arrays import SUBNORMAL, Levels, contents, textures
from gaugeblock.conformance.checks.combined import PAIRS, drawn_for, nearly_right
from gaugeblock.conformance.checks.label_dtypes import LABELS, holds
from gaugeblock.conformance.checks.shapes import DISTINCT, PAIRWISE, judgement, severity
from gaugeblock.conformance.checks.value import Due, Valued, allowed_errors, due, judged
from gaugeblock.conformance.execution.call import NoAnswer
from gaugeblock.conformance.judging.judge import answer_format, condition, digest, judge, unanswered
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.lenient import lenient
from gaugeblock.conformance.trials.setting import Context, Observation, Setting, asked_one_by_one, can_ask
from gaugeblock.reference.formats import Array, Format
from gaugeblock.reference.operations import Operation
from gaugeblock.reference.summation import roundings
from gaugeblock.reference.truth import Truth

COUNTS = (300, 4099, 70_001, 200_003)
"""Samples: more than 8 bits count, than binary16 counts, and than 16 bits do; so many of each of a few classes."""

OF_PAIRS = ("binary", "probability")
"""Domains of a metric of pairs of samples."""

MANY = 140_003
"""So many samples that their pairs are more than 32 bits count."""

PATIENCE = 0.5
"""Seconds for a few thousand samples, of what is asked for that many."""

CLASSES = 7

LENGTHS = (1300, 300, 4100)
"""Entries of long rows, the first in modes that compile each shape."""

COLUMNS = 300
"""Entries of columns at most: they are added one after another, and of thousands the small ones are lost in order."""

EVEN = ("equal", "tiny", "zeros")
"""Textures of entries that all add alike, as far as the format counts them."""


def _times(count: int) -> Array:
    """How often each of the few samples stands in the batch."""
    return np.bincount(np.arange(count) % DISTINCT, minlength=DISTINCT)


def _due(context: Context, few: Case, count: int, fmt: Format) -> tuple[Truth, Array]:
    """The exact answer for so many samples, and the errors that are allowed."""
    own, op = context.implementation, context.operation
    if op.whole and "sample_weight" not in op.parameters:
        index = np.arange(count) % DISTINCT
        truth = context.truth(replace(few, inputs={name: array[index] for name, array in few.inputs.items()}), fmt)
        return truth, allowed_errors(context, few, truth, fmt)
    # Every sample weighs as often as it is there, whatever a mean over weights would divide by.
    plain = {name: value for name, value in own.conventions.items() if name != "mean_over"}
    counted = context.of(replace(own, conventions=plain))
    weighed = replace(few, inputs={**few.inputs, "sample_weight": _times(count).astype(np.float64)})
    truth = counted.truth(weighed, fmt)
    if op.kind == "metric":
        return truth, allowed_errors(context, few, truth, fmt)
    each = counted.truth(few, fmt, reduction="none")
    size = np.abs(np.where(np.isfinite(each.nearest), each.nearest, 0.0))
    terms = np.broadcast_to(condition(op.bound, op, few.inputs, -1, own.conventions), size.shape)
    shares = _times(count) if few.parameters["reduction"] == "sum" else _times(count) / count
    whole = float(np.sum(shares * (terms + (_accumulated(count) + 2 * op.bound.ulps) * size)))
    return truth, np.asarray(op.bound.ulps + fmt.unit_roundoff * whole / truth.ulp)


def _due_of(whole: Case, few: Case, count: int) -> Due:
    """What is due to the large batch, by the few that it repeats, and to any other as ever."""

    def due_to(context: Context, case: Case, answer: Array) -> tuple[Truth, Array, Format]:
        if case is not whole:
            return due(context, case, answer)
        fmt = answer_format(context.operation, context.setting.dtype, answer)
        return *_due(context, few, count, fmt), fmt

    return due_to


def _counts(context: Context, few: Case) -> Iterator[int]:
    """A metric of whole batches that knows no weights is computed anew, and asked for few samples."""
    op = context.operation
    yield COUNTS[0]
    if context.setting.mode.few_shapes or (op.whole and "sample_weight" not in op.parameters):
        return
    yield COUNTS[1]
    if op.domains != OF_PAIRS:
        yield from COUNTS[2 : 4 if op.whole else 3]
    elif context.setting.own is not None and _sorts(context, few):
        yield MANY


def _sorts(context: Context, few: Case) -> bool:
    """Whether what computes a metric of pairs takes neither memory nor time for each of them."""
    index = np.arange(COUNTS[1]) % DISTINCT
    call = context.call(replace(few, inputs={name: array[index] for name, array in few.inputs.items()}))
    tracemalloc.start()
    started = time.perf_counter()
    try:
        context.ask([call])
        return tracemalloc.get_traced_memory()[1] < COUNTS[1] ** 2 / 4 and time.perf_counter() - started < PATIENCE
    finally:
        tracemalloc.stop()


def _accumulated(count: int) -> float:
    """Roundings of a sum of the losses, in the order in which they come."""
    return max(float(roundings(count)), math.sqrt(count))


def _label_dtypes(context: Context, few: Case) -> Iterator[tuple[str, Mapping[str, Array]]]:
    """The inputs, with labels in each narrow dtype that holds them."""
    labels = {name: few.inputs[name] for name in context.operation.integers if few.inputs[name].dtype.kind == "i"}
    yield "", few.inputs
    for dtype in LABELS if labels else ():
        wanted = dtype in context.setting.mode.other_dtypes and np.dtype(dtype).itemsize <= 2
        if wanted and all(holds(dtype, array) for array in labels.values()):
            cast = {name: array.astype(dtype) for name, array in labels.items()}
            yield f"-{dtype}", {**few.inputs, **cast}


def _ways(op: Operation) -> Iterator[Case]:
    """The reductions, with the parameters that have no usual value; samples are wanting."""
    parameters = {"threshold": 0.5} if "threshold" in op.parameters else {"k": 2} if "k" in op.parameters else {}
    for reduction in ("",) if op.whole else ("mean", "sum"):
        yield Case(reduction, {}, {**parameters, **({"reduction": reduction} if reduction else {})})


def _asked(context: Context) -> Iterator[Case]:
    """The few samples of large batches, to be reduced as the implementation can."""
    op = context.operation
    levels, classes = Levels(f"large/{op.name}"), CLASSES if op.rowwise else 2
    given = contents(op, context.format, levels, (DISTINCT, classes), _ordinary(op))
    if op.domains in PAIRS:
        given = nearly_right(*given.items())
    yield from (replace(way, inputs=given) for way in _ways(op) if can_ask(context.implementation, op, way))


def _reduces(setting: Setting, *names: str) -> bool:
    """Whether the implementation offers one of these reductions; by a metric of whole batches none is needed."""
    op = setting.operation
    return any(can_ask(setting.implementation, op, way) for way in _ways(op) if way.name in names)


def _ordinary(op: Operation) -> str | None:
    return next(iter(textures(op)), None)


def _large(context: Context) -> Iterator[Observation]:
    for few in _asked(context):
        for count in _counts(context, few):
            for suffix, inputs in _label_dtypes(context, few):
                index = np.arange(count) % DISTINCT
                name = f"{few.name or 'whole'}-of-{count}{suffix}"
                whole = Case(name, {key: array[index] for key, array in inputs.items()}, few.parameters)
                (answer,) = context.ask([context.call(whole)])
                # The few samples say what was asked: the name says how many.
                shown = replace(few, name=name, inputs=inputs)
                if isinstance(answer, NoAnswer):
                    yield context.observation("large-batch", shown, unanswered(answer))
                    continue
                replay = Valued(context, whole, _due_of(whole, few, count))
                seen = judge(answer, *replay.due(context, whole, answer))
                yield context.observation("large-batch", shown, seen, replay=replay, digest=digest(answer))


def _matrices(context: Context) -> Iterator[Observation]:
    """The mean over every entry of a batch of more than one axis."""
    for few in _asked(context):
        if few.parameters["reduction"] != "mean":
            continue
        batch = (4, 15)
        inputs = {name: array[:60].reshape(*batch, *array.shape[1:]) for name, array in few.inputs.items()}
        case = Case("mean-of-a-matrix", inputs, few.parameters)
        (answer,) = context.ask([context.call(case)])
        yield judged(context, "several-batch-axes", case, answer)


def _long(context: Context, lengths: Sequence[int]) -> Iterator[Observation]:
    op, fmt = context.operation, context.format
    for texture in (each for each in textures(op) if each != SUBNORMAL or context.setting.mode.subnormals):
        chosen = []
        for length in lengths[:1] if context.setting.mode.few_shapes else lengths:
            given = contents(op, fmt, Levels(f"long/{op.name}/{length}"), (2, length), texture)
            if op.kind != "activation":
                chosen.append(Case(texture, given, {"reduction": "none"}))
                continue
            chosen.append(Case(texture, given, {"axis": -1}))
            if length <= COLUMNS or (texture in EVEN and length < 2**fmt.precision):
                columns = {name: np.ascontiguousarray(array.T) for name, array in given.items()}
                chosen.append(Case(texture, columns, {"axis": 0}))
        # Not everyone takes every axis.
        chosen = [case for case in chosen if can_ask(context.implementation, op, case)]
        found = context.ask([context.call(case) for case in chosen])
        seen = [judgement(context, case, answer) for case, answer in zip(chosen, found, strict=True)]
        if seen:
            worst = max(range(len(seen)), key=lambda n: severity(seen[n]))
            yield context.observation("long-rows", chosen[worst], seen[worst], replay=Valued(context, chosen[worst]))


def _row_by_row(setting: Setting) -> bool:
    """Whether the implementation answers for each row of a batch."""
    own, op, each = setting.implementation, setting.operation, Case("", {}, {"reduction": "none"})
    return op.kind == "activation" or (can_ask(own, op, each) and not asked_one_by_one(own, op, each))


def long_rows(lengths: Sequence[int]) -> Check:
    """The check of rows of so many entries."""
    return Check(
        "long-rows",
        "value",
        "Is a row of thousands right whatever it holds?",
        lambda setting: (
            drawn_for(setting)
            and setting.operation.rowwise
            and not setting.operation.whole
            and setting.operation.kind != "metric"
            and setting.operation.domains[0] != "multi_hot"
            and _row_by_row(setting)
        ),
        lenient(lambda context: _long(context, lengths)),
    )


CHECKS = (
    Check(
        "large-batch",
        "value",
        "Are mean, sum and count right over hundreds and tens of thousands of samples, labels of one byte among them?",
        lambda setting: (
            drawn_for(setting)
            and setting.operation.kind != "activation"
            and setting.operation.domains != PAIRWISE
            and _reduces(setting, "", "mean", "sum")
        ),
        lenient(_large),
    ),
    Check(
        "several-batch-axes",
        "value",
        "Is a mean over a batch of several axes that of all its entries?",
        lambda setting: drawn_for(setting) and setting.operation.kind == "loss" and _reduces(setting, "mean"),
        lenient(_matrices),
    ),
    long_rows(LENGTHS),
)
