"""Sweeps over shapes: every length of a row or vector, ranks, axes, empty and large batches, and long rows.

A framework changes its code with the shape: vector bodies and tails, blocks, reductions in several passes. The
answers to a range of lengths make one observation, whose case is that of the worst length. The samples of a large batch
repeat a few: what is expected is theirs, or a mean of them with the numbers of times as weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.domains import DOMAINS
from gaugeblock.conformance.cases.draws import uniform
from gaugeblock.conformance.cases.patterns import SUBNORMAL
from gaugeblock.conformance.cases.random_arrays import Levels, contents, patterns_of
from gaugeblock.conformance.cases.rows import DISTINCT, LONGEST_PAIRWISE, PAIRWISE, rows_of
from gaugeblock.conformance.checks.combined import PAIRS, along, drawn_for, nearly_right
from gaugeblock.conformance.checks.dtypes import in_each
from gaugeblock.conformance.checks.gradient import cotangent, gradient_trial, has_gradient, with_cotangent
from gaugeblock.conformance.checks.value import Expecting, allowed_errors, exactly, value_trial
from gaugeblock.conformance.judging.allowance import condition
from gaugeblock.conformance.judging.judgement import answer_format
from gaugeblock.conformance.judging.policy import RELAXED
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.setting import Setting
from gaugeblock.conformance.trials.trial import Trial, Trials, Worst
from gaugeblock.reference.formats import Array, Format
from gaugeblock.reference.operations import Operation
from gaugeblock.reference.truth import Truth

RANGES = tuple(
    [range(low, low + 8) for low in range(1, 65, 8)]
    + [range(65, 67)]
    + [range(n - 1, n + 2) for n in (128, 256, 512, 1024, 2048, 4096)]
)
"""Lengths, in ranges that are observed together: all of a vector's and around powers of two."""

SPREAD = (range(70, 500, 29), range(531, 1020, 61), range(1100, 4000, 367))
"""Others between them, for those who are asked thoroughly."""

FEW_SHAPES = ("rank-0", "rank-1-axis--1", "rank-3", "rank-3-axis-1", "empty-batch", "size-zero-axis")
"""Those that are asked in modes that compile each shape, where few are."""

GRADIENT_LENGTHS = (1, 2, 3, 7, 8, 9, 16, 17, 33, 65, 129, 513)

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


def _case(setting: Setting, name: str, inputs: dict[str, Array], axis: int | None = None) -> Case:
    """A case along an axis. Where none is named, losses are asked as they are used: rows, classes last."""
    op = setting.operation
    named = -1 if axis is None and op.kind == "activation" else axis
    parameters: dict[str, object] = {"axis": named} if op.rowwise and named is not None else {}
    if op.kind != "activation":
        parameters["reduction"] = "none" if "none" in setting.implementation.choices("reduction", ("none",)) else "mean"
    return Case(name, inputs, parameters)


def _of_the_longest(setting: Setting, longest: Case) -> Expecting:
    """What is expected of vectors that are the start of the longest: its truth is theirs, where nothing is reduced."""
    known: dict[str, tuple[Truth, Array, Format]] = {}

    def expecting(setting: Setting, case: Case, answer: Array) -> tuple[Truth, Array, Format]:
        start = slice(len(case.inputs[setting.operation.inputs[-1]]))
        if any(array.tobytes() != longest.inputs[name][start].tobytes() for name, array in case.inputs.items()):
            return exactly(setting, case, answer)
        if answer.dtype.name not in known:
            known[answer.dtype.name] = exactly(setting, longest, answer)
        truth, allowed, fmt = known[answer.dtype.name]
        return truth.take(start), allowed[start], fmt

    op = setting.operation
    return expecting if not op.rowwise and longest.parameters.get("reduction", "none") == "none" else exactly


def _wanted(setting: Setting, lengths: Iterable[int]) -> list[int]:
    longest = LONGEST_PAIRWISE if setting.operation.domains == PAIRWISE else math.inf
    return [n for n in lengths if n <= longest and (not setting.mode.few_shapes or n in setting.effort.few)]


def _swept(setting: Setting) -> bool:
    return not setting.operation.whole and (setting.swept or setting.dtype == "int64")


def every_length(setting: Setting) -> Trials:
    """One observation for each range of lengths, of the worst."""
    op, fmt = setting.operation, setting.format
    longest = _case(setting, "longest", rows_of(op, fmt, 2, max(each[-1] for each in RANGES)))
    expecting = _of_the_longest(setting, longest)
    for lengths in (*RANGES, *(SPREAD if setting.effort.thorough else ())):
        name = f"{lengths[0]}-to-{lengths[-1]}"
        if setting.effort.ranges is not None and name not in setting.effort.ranges:
            continue
        rows = setting.effort.rows
        cases = [_case(setting, name, rows_of(op, fmt, rows, length)) for length in _wanted(setting, lengths)]
        if cases:
            yield Worst(tuple(value_trial(setting, case, expecting=expecting) for case in cases))


def _repeating(setting: Setting) -> Iterator[Trial]:
    """A batch of more rows than 16 bits count, whose truth is that of the few that it repeats."""
    name, index = "rows-65599", np.arange(65_599) % DISTINCT
    few = rows_of(setting.operation, setting.format, DISTINCT, 3 if setting.operation.rowwise else DISTINCT, name)
    base, whole = (_case(setting, name, inputs) for inputs in (few, {k: a[index] for k, a in few.items()}))
    if whole.parameters.get("reduction") == "mean":
        return

    def of_the_few(setting: Setting, case: Case, answer: Array) -> tuple[Truth, Array, Format]:
        truth, allowed, format_ = exactly(setting, base if case is whole else case, answer)
        return (truth.take(index), allowed[index], format_) if case is whole else (truth, allowed, format_)

    yield value_trial(setting, whole, expecting=of_the_few)


def _shaped(setting: Setting) -> Iterator[Case]:
    """Batches of every rank, along every axis, square ones and empty ones."""
    op, fmt = setting.operation, setting.format
    if not op.rowwise:
        vector = rows_of(op, fmt, 1, 24, "ranks")
        shapes = {"rank-0": (), "rank-2": (4, 6), "rank-3": (2, 3, 4), "rank-4": (2, 3, 2, 2)}
        for name, shape in shapes.items() if op.kind == "activation" else ():
            yield _case(setting, name, {k: a[: math.prod(shape)].reshape(shape) for k, a in vector.items()})
        yield _case(setting, "empty-batch", {key: a[:0] for key, a in vector.items()})
        return
    flat = rows_of(op, fmt, 12, 10, "ranks")
    ranks = {"rank-1": (), "rank-3": (3, 4), "rank-4": (2, 3, 2)} if op.kind == "activation" else {"rank-3": (3, 4)}
    for name, batch in ranks.items():
        size = math.prod(batch)
        shaped = {key: array[:size].reshape(*batch, *array.shape[1:]) for key, array in flat.items()}
        for axis in range(-len(batch) - 1, len(batch) + 1):
            yield _case(setting, f"{name}-axis-{axis}", along(op, shaped, axis), axis)
    yield _case(setting, "square", rows_of(op, fmt, 10, 10, "square"))
    yield _case(setting, "empty-batch", rows_of(op, fmt, 0, 5, "empty"))
    if op.kind == "activation" and op.output_rank:
        yield _case(setting, "size-zero-axis", {key: a[:, :0] for key, a in flat.items()})


def shapes(setting: Setting) -> Trials:
    """One trial for each shape that the implementation can be asked."""
    op, fmt = setting.operation, setting.format
    few = setting.mode.few_shapes and setting.effort.few_ranks
    for case in _shaped(setting):
        if setting.offers(case) and (not few or case.name in FEW_SHAPES):
            yield value_trial(setting, case)
    if setting.mode.few_shapes:
        return
    yield from _repeating(setting)
    # Losses of several labels may compare every two classes.
    formats = ("float32",) if op.domains[-1] == "scores" else ("float16", "float32")
    wide = setting.effort.large or op.kind == "activation"
    if wide and op.rowwise and op.domains != PAIRWISE and setting.dtype in formats:
        inputs = {key: array[1:] for key, array in rows_of(op, fmt, 2, 100_000, "wide").items()}
        if fmt.largest < 100_000 and DOMAINS[op.domains[-1]].any_entries:
            # Neither the length nor the sum of so many nearly equal exponentials is a number of the format.
            inputs[op.inputs[-1]] = fmt.rounded(uniform("sweep/flat", (1, 100_000), -0.25, 0.25))
        yield value_trial(setting, _case(setting, "classes-100000", inputs))


def gradient_of_lengths(setting: Setting) -> Trials:
    """One trial for each length."""
    op, fmt = setting.operation, setting.format
    asked = setting.effort.derivative_lengths
    for length in _wanted(setting, [n for n in GRADIENT_LENGTHS if asked is None or n in asked]):
        case = _case(setting, f"length-{length}", rows_of(op, fmt, 2, length, "slope"))
        yield gradient_trial(setting, with_cotangent(case, cotangent(setting, case)))


# Large batches and long rows


def _of_the_few(
    whole: Case, few: Case, count: int, setting: Setting, case: Case, answer: Array
) -> tuple[Truth, Array, Format]:
    """What is expected of the large batch, by the few samples that it repeats; of any other case its exact value."""
    if case is not whole:
        return exactly(setting, case, answer)
    own, op = setting.implementation, setting.operation
    fmt, index = answer_format(op, setting.dtype, answer), np.arange(count) % DISTINCT
    if op.whole and "sample_weight" not in op.parameters:
        truth = setting.truth(replace(few, inputs={name: array[index] for name, array in few.inputs.items()}), fmt)
        return truth, allowed_errors(setting, few, truth, fmt), fmt
    # Every sample weighs as often as it is there, whatever a mean over weights would divide by.
    times = np.bincount(index, minlength=DISTINCT)
    plain = {name: value for name, value in own.conventions.items() if name != "mean_over"}
    counted = setting.of(replace(own, conventions=plain))
    truth = counted.truth(replace(few, inputs={**few.inputs, "sample_weight": times.astype(np.float64)}), fmt)
    if op.kind == "metric":
        return truth, allowed_errors(setting, few, truth, fmt), fmt
    each = counted.truth(few, fmt, reduction="none")
    size = np.abs(np.where(np.isfinite(each.nearest), each.nearest, 0.0))
    sums = setting.policy.sums
    terms = np.broadcast_to(condition(op.bound, op, few.inputs, -1, own.conventions, sums=sums), size.shape)
    # The losses may be added in the order in which they come.
    added = max(float(sums(count)), math.sqrt(count))
    shares = times if few.parameters["reduction"] == "sum" else times / count
    off = float(np.sum(shares * (terms + (added + 2 * op.bound.ulps) * size)))
    return truth, np.asarray(op.bound.ulps + fmt.unit_roundoff * off / truth.ulp), fmt


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
    for cast in in_each(few, labels, "") if labels else ():
        if cast.name in setting.mode.other_dtypes and np.dtype(cast.name).itemsize <= 2:
            yield f"-{cast.name}", cast.inputs


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


def large_batch(setting: Setting) -> Trials:
    """One trial for each reduction, number of samples and dtype of labels."""
    setting = setting.judged_by(RELAXED)
    for few in _few(setting):
        for count in _counts(setting):
            index = np.arange(count) % DISTINCT
            for suffix, inputs in _in_label_dtypes(setting, few):
                name = f"{few.name or 'whole'}-of-{count}{suffix}"
                whole = Case(name, {key: array[index] for key, array in inputs.items()}, few.parameters)
                yield value_trial(setting, whole, expecting=partial(_of_the_few, whole, few, count))


def several_batch_axes(setting: Setting) -> Trials:
    """One trial of the mean over every entry of a batch of more than one axis."""
    setting = setting.judged_by(RELAXED)
    for few in _few(setting):
        if few.parameters["reduction"] != "mean":
            continue
        batch = (4, 15)
        inputs = {name: array[:60].reshape(*batch, *array.shape[1:]) for name, array in few.inputs.items()}
        yield value_trial(setting, Case("mean-of-a-matrix", inputs, few.parameters))


def _has_long_rows(setting: Setting) -> bool:
    """Whether there is an answer for each row of a batch, whatever the rows hold."""
    op, each = setting.operation, Case("", {}, {"reduction": "none"})
    if not drawn_for(setting, "long-rows") or not op.rowwise or op.kind == "metric" or op.domains[0] == "multi_hot":
        return False
    return op.kind == "activation" or (setting.offers(each) and not setting.one_by_one(each))


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


def long_rows(setting: Setting) -> Trials:
    """One observation for each pattern, of the worst length."""
    setting = setting.judged_by(RELAXED)
    for pattern in patterns_of(setting.operation):
        if pattern != SUBNORMAL or setting.mode.subnormals:
            # Not everyone takes every axis.
            asked = [case for case in _long(setting, pattern) if setting.offers(case)]
            if asked:
                yield Worst(tuple(value_trial(setting, case) for case in asked))


CHECKS = (
    Check("every-length", "value", "Is a row right at every length, and a vector at every size?", _swept, every_length),
    Check("shapes", "value", "Is the answer right at every rank and axis, for empty and very large batches?",
          _swept, shapes),
    Check("gradient-of-lengths", "gradient", "Is the gradient right at every length?",
          lambda setting: _swept(setting) and has_gradient(setting), gradient_of_lengths),
    Check("large-batch", "value",
          "Are mean, sum and count right over hundreds and tens of thousands of samples, "
          "labels of one byte among them?",
          lambda setting: (drawn_for(setting, "large-batch") and setting.operation.kind != "activation"
                           and setting.operation.domains != PAIRWISE and _reduces(setting, "", "mean", "sum")),
          large_batch),
    Check("several-batch-axes", "value", "Is a mean over a batch of several axes that of all its entries?",
          lambda setting: (drawn_for(setting, "several-batch-axes") and setting.operation.kind == "loss"
                           and _reduces(setting, "mean")), several_batch_axes),
    Check("long-rows", "value", "Is a row of thousands right whatever it holds?", _has_long_rows, long_rows),
)  # fmt: skip
