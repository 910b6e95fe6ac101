"""Large batches and long rows: means and counts over many samples, and every kind of content in rows of thousands.

The samples of a large batch repeat a few, so that what is expected is a mean of these with the numbers of times as
weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.patterns import SUBNORMAL
from gaugeblock.conformance.cases.random_arrays import Levels, contents, patterns_of
from gaugeblock.conformance.cases.rows import DISTINCT, PAIRWISE
from gaugeblock.conformance.checks.combined import PAIRS, drawn_for, nearly_right
from gaugeblock.conformance.checks.dtypes import LABELS, holds
from gaugeblock.conformance.checks.value import Expecting, allowed_errors, exactly, value_trial
from gaugeblock.conformance.judging.allowance import condition
from gaugeblock.conformance.judging.judgement import answer_format
from gaugeblock.conformance.judging.policy import RELAXED
from gaugeblock.conformance.trials.check import Check, check
from gaugeblock.conformance.trials.setting import Setting
from gaugeblock.conformance.trials.trial import Trials, Worst
from gaugeblock.reference.catalogue import Operation
from gaugeblock.reference.formats import Array, Format
from gaugeblock.reference.truth import Truth

COUNTS = (300, 4099, 70_001, 200_003)
"""Samples: more than 8 bits count, than binary16 counts, and than 16 bits do; so many of each of a few classes."""

OF_PAIRS = ("binary", "probability")
"""Domains of a metric of pairs of samples."""

MANY = 140_003
"""So many samples that their pairs are more than 32 bits count."""

CLASSES = 7

COLUMNS = 300
"""Entries of columns at most: they are added one after another, and of thousands the small ones are lost in order."""

EVEN = ("equal", "tiny", "zeros")
"""Patterns of entries that all add alike, as far as the format counts them."""

CHECKS: list[Check] = []


def _times(count: int) -> Array:
    """How often each of the few samples stands in the batch."""
    return np.bincount(np.arange(count) % DISTINCT, minlength=DISTINCT)


def _expected(setting: Setting, few: Case, count: int, fmt: Format) -> tuple[Truth, Array]:
    """The exact answer for so many samples, and the errors that are allowed."""
    own, op = setting.implementation, setting.operation
    if op.whole and "sample_weight" not in op.parameters:
        index = np.arange(count) % DISTINCT
        truth = setting.truth(replace(few, inputs={name: array[index] for name, array in few.inputs.items()}), fmt)
        return truth, allowed_errors(setting, few, truth, fmt)
    # Every sample weighs as often as it is there, whatever a mean over weights would divide by.
    plain = {name: value for name, value in own.conventions.items() if name != "mean_over"}
    counted = setting.of(replace(own, conventions=plain))
    weighed = replace(few, inputs={**few.inputs, "sample_weight": _times(count).astype(np.float64)})
    truth = counted.truth(weighed, fmt)
    if op.kind == "metric":
        return truth, allowed_errors(setting, few, truth, fmt)
    each = counted.truth(few, fmt, reduction="none")
    size = np.abs(np.where(np.isfinite(each.nearest), each.nearest, 0.0))
    sums = setting.policy.sums
    terms = np.broadcast_to(condition(op.bound, op, few.inputs, -1, own.conventions, sums=sums), size.shape)
    # The losses may be added in the order in which they come.
    added = max(float(sums(count)), math.sqrt(count))
    shares = _times(count) if few.parameters["reduction"] == "sum" else _times(count) / count
    whole = float(np.sum(shares * (terms + (added + 2 * op.bound.ulps) * size)))
    return truth, np.asarray(op.bound.ulps + fmt.unit_roundoff * whole / truth.ulp)


def _of_the_few(whole: Case, few: Case, count: int) -> Expecting:
    """What is expected of the large batch, by the few samples that it repeats; of any other case its exact value."""

    def expecting(setting: Setting, case: Case, answer: Array) -> tuple[Truth, Array, Format]:
        if case is not whole:
            return exactly(setting, case, answer)
        fmt = answer_format(setting.operation, setting.dtype, answer)
        return *_expected(setting, few, count, fmt), fmt

    return expecting


def _counts(setting: Setting) -> Iterator[int]:
    """A metric of whole batches that knows no weights is computed anew, and asked for few samples."""
    op = setting.operation
    yield COUNTS[0]
    if setting.mode.few_shapes or (op.whole and "sample_weight" not in op.parameters):
        return
    yield COUNTS[1]
    if op.domains != OF_PAIRS:
        yield from COUNTS[2 : 4 if op.whole else 3]
    elif "many-samples" in setting.abilities:
        yield MANY


def _in_label_dtypes(setting: Setting, few: Case) -> Iterator[tuple[str, Mapping[str, Array]]]:
    """The inputs, with labels in each narrow dtype that holds them."""
    labels = {name: few.inputs[name] for name in setting.operation.integers if few.inputs[name].dtype.kind == "i"}
    yield "", few.inputs
    for dtype in LABELS if labels else ():
        wanted = dtype in setting.mode.other_dtypes and np.dtype(dtype).itemsize <= 2
        if wanted and all(holds(dtype, array) for array in labels.values()):
            cast = {name: array.astype(dtype) for name, array in labels.items()}
            yield f"-{dtype}", {**few.inputs, **cast}


def _ways(op: Operation) -> Iterator[Case]:
    """The reductions, with the parameters that have no usual value; samples are wanting."""
    parameters = {"threshold": 0.5} if "threshold" in op.parameters else {"k": 2} if "k" in op.parameters else {}
    for reduction in ("",) if op.whole else ("mean", "sum"):
        yield Case(reduction, {}, {**parameters, **({"reduction": reduction} if reduction else {})})


def _few(setting: Setting) -> Iterator[Case]:
    """The few samples of large batches, to be reduced as the implementation can."""
    op = setting.operation
    levels, classes = Levels(f"large/{op.name}"), CLASSES if op.rowwise else 2
    inputs = contents(op, setting.format, levels, (DISTINCT, classes), next(iter(patterns_of(op)), None))
    if op.domains in PAIRS:
        inputs = nearly_right(*inputs.items())
    yield from (replace(way, inputs=inputs) for way in _ways(op) if setting.offers(way))


def _reduces(setting: Setting, *names: str) -> bool:
    """Whether the implementation offers one of these reductions; by a metric of whole batches none is needed."""
    return any(setting.offers(way) for way in _ways(setting.operation) if way.name in names)


@check(
    CHECKS,
    "large-batch",
    "Are mean, sum and count right over hundreds and tens of thousands of samples, labels of one byte among them?",
    lambda setting: (
        drawn_for(setting, "large-batch")
        and setting.operation.kind != "activation"
        and setting.operation.domains != PAIRWISE
        and _reduces(setting, "", "mean", "sum")
    ),
)
def large_batch(setting: Setting) -> Trials:
    """One trial for each reduction, number of samples and dtype of labels."""
    setting = setting.judged_by(RELAXED)
    for few in _few(setting):
        for count in _counts(setting):
            index = np.arange(count) % DISTINCT
            for suffix, inputs in _in_label_dtypes(setting, few):
                name = f"{few.name or 'whole'}-of-{count}{suffix}"
                whole = Case(name, {key: array[index] for key, array in inputs.items()}, few.parameters)
                trial = value_trial(setting, whole, expecting=_of_the_few(whole, few, count))
                yield trial


@check(
    CHECKS,
    "several-batch-axes",
    "Is a mean over a batch of several axes that of all its entries?",
    lambda setting: (
        drawn_for(setting, "several-batch-axes") and setting.operation.kind == "loss" and _reduces(setting, "mean")
    ),
)
def several_batch_axes(setting: Setting) -> Trials:
    """One trial of the mean over every entry of a batch of more than one axis."""
    setting = setting.judged_by(RELAXED)
    for few in _few(setting):
        if few.parameters["reduction"] != "mean":
            continue
        batch = (4, 15)
        inputs = {name: array[:60].reshape(*batch, *array.shape[1:]) for name, array in few.inputs.items()}
        yield value_trial(setting, Case("mean-of-a-matrix", inputs, few.parameters))


def _row_by_row(setting: Setting) -> bool:
    """Whether the implementation answers for each row of a batch."""
    each = Case("", {}, {"reduction": "none"})
    return setting.operation.kind == "activation" or (setting.offers(each) and not setting.one_by_one(each))


def _long(setting: Setting, pattern: str) -> Iterator[Case]:
    """Two rows of each length with this pattern, and columns."""
    op, fmt, lengths = setting.operation, setting.format, setting.effort.lengths
    for length in lengths[:1] if setting.mode.few_shapes else lengths:
        inputs = contents(op, fmt, Levels(f"long/{op.name}/{length}"), (2, length), pattern)
        if op.kind != "activation":
            yield Case(pattern, inputs, {"reduction": "none"})
            continue
        yield Case(pattern, inputs, {"axis": -1})
        if length <= COLUMNS or (pattern in EVEN and length < 2**fmt.precision):
            columns = {name: np.ascontiguousarray(array.T) for name, array in inputs.items()}
            yield Case(pattern, columns, {"axis": 0})


@check(
    CHECKS,
    "long-rows",
    "Is a row of thousands right whatever it holds?",
    lambda setting: (
        drawn_for(setting, "long-rows")
        and setting.operation.rowwise
        and not setting.operation.whole
        and setting.operation.kind != "metric"
        and setting.operation.domains[0] != "multi_hot"
        and _row_by_row(setting)
    ),
)
def long_rows(setting: Setting) -> Trials:
    """One observation for each pattern, of the worst length."""
    setting = setting.judged_by(RELAXED)
    for pattern in patterns_of(setting.operation):
        if pattern != SUBNORMAL or setting.mode.subnormals:
            # Not everyone takes every axis.
            asked = [case for case in _long(setting, pattern) if setting.offers(case)]
            if asked:
                yield Worst(tuple(value_trial(setting, case) for case in asked))
