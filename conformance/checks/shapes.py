"""Sweeps over shapes: every length of a row or vector, ranks, axes, empty and very large batches.

A framework changes its code with the shape: vector bodies and tails, blocks, reductions in several passes. The
answers to a range of lengths make one observation, whose case is that of the worst length.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.domains import DOMAINS
from gaugeblock.conformance.cases.draws import uniform
from gaugeblock.conformance.cases.rows import DISTINCT, LONGEST_PAIRWISE, PAIRWISE, rows_of
from gaugeblock.conformance.checks.gradient import bound_of, cotangent, gradient_trial, has_gradient, with_cotangent
from gaugeblock.conformance.checks.value import Expecting, exactly, value_trial
from gaugeblock.conformance.trials.check import Check, check
from gaugeblock.conformance.trials.setting import Setting
from gaugeblock.conformance.trials.trial import Trial, Trials, Worst
from gaugeblock.reference.formats import Array, Format
from gaugeblock.reference.truth import Truth

RANGES = tuple(
    [range(low, low + 8) for low in range(1, 65, 8)]
    + [range(65, 67)]
    + [range(n - 1, n + 2) for n in (128, 256, 512, 1024, 2048, 4096)]
)
"""Lengths, in ranges that are observed together: all of a vector's and around powers of two."""

SPREAD = (range(70, 500, 29), range(531, 1020, 61), range(1100, 4000, 367))
"""Others between them, for those who are asked thoroughly."""

FEW = (1, 2, 3, 8, 17, 33, 129, 1025)
"""Lengths in modes that compile each shape for several hundred milliseconds."""

GRADIENT_LENGTHS = (1, 2, 3, 7, 8, 9, 16, 17, 33, 65, 129, 513)

CHECKS: list[Check] = []


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
    return [n for n in lengths if n <= longest and (not setting.mode.few_shapes or n in FEW)]


def _swept(setting: Setting) -> bool:
    return not setting.operation.whole and (setting.swept or setting.dtype == "int64")


@check(CHECKS, "every-length", "Is a row right at every length, and a vector at every size?", _swept)
def every_length(setting: Setting) -> Trials:
    """One observation for each range of lengths, of the worst."""
    op, fmt = setting.operation, setting.format
    longest = _case(setting, "longest", rows_of(op, fmt, 2, max(each[-1] for each in RANGES)))
    expecting = _of_the_longest(setting, longest)
    for lengths in (*RANGES, *(SPREAD if setting.effort.thorough else ())):
        name = f"{lengths[0]}-to-{lengths[-1]}"
        rows = setting.effort.rows
        cases = [_case(setting, name, rows_of(op, fmt, rows, length)) for length in _wanted(setting, lengths)]
        if cases:
            yield Worst(tuple(value_trial(setting, case, expecting=expecting) for case in cases))


def _repeating(setting: Setting, name: str, rows: int, classes: int) -> Iterator[Trial]:
    """A batch of so many rows, whose truth is that of the few that it repeats."""
    op, fmt = setting.operation, setting.format
    few = rows_of(op, fmt, DISTINCT, DISTINCT if not op.rowwise else classes, name)
    index = np.arange(rows) % DISTINCT
    base, whole = (_case(setting, name, inputs) for inputs in (few, {k: a[index] for k, a in few.items()}))
    if whole.parameters.get("reduction") == "mean":
        return

    def expecting(setting: Setting, case: Case, answer: Array) -> tuple[Truth, Array, Format]:
        if case is not whole:
            return exactly(setting, case, answer)
        truth, allowed, format_ = exactly(setting, base, answer)
        return truth.take(index), allowed[index], format_

    yield value_trial(setting, whole, expecting=expecting)


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
            moved = {
                key: np.ascontiguousarray(np.moveaxis(array, -1, axis)) if rank else array
                for (key, array), rank in zip(shaped.items(), op.core_ranks, strict=True)
            }
            yield _case(setting, f"{name}-axis-{axis}", moved, axis)
    yield _case(setting, "square", rows_of(op, fmt, 10, 10, "square"))
    yield _case(setting, "empty-batch", rows_of(op, fmt, 0, 5, "empty"))
    if op.kind == "activation" and op.output_rank:
        yield _case(setting, "size-zero-axis", {key: a[:, :0] for key, a in flat.items()})


@check(CHECKS, "shapes", "Is the answer right at every rank and axis, for empty and very large batches?", _swept)
def shapes(setting: Setting) -> Trials:
    """One trial for each shape that the implementation can be asked."""
    op, fmt = setting.operation, setting.format
    for case in _shaped(setting):
        if setting.offers(case):
            yield value_trial(setting, case)
    if setting.mode.few_shapes:
        return
    yield from _repeating(setting, "rows-65599", 65_599, 3)
    # Losses of several labels may compare every two classes.
    formats = ("float32",) if op.domains[-1] == "scores" else ("float16", "float32")
    if op.rowwise and op.domains != PAIRWISE and setting.dtype in formats:
        inputs = {key: array[1:] for key, array in rows_of(op, fmt, 2, 100_000, "wide").items()}
        if fmt.largest < 100_000 and DOMAINS[op.domains[-1]].any_entries:
            # Neither the length nor the sum of so many nearly equal exponentials is a number of the format.
            inputs[op.inputs[-1]] = fmt.rounded(uniform("sweep/flat", (1, 100_000), -0.25, 0.25))
        yield value_trial(setting, _case(setting, "classes-100000", inputs))


@check(
    CHECKS,
    "gradient-of-lengths",
    "Is the gradient right at every length?",
    lambda setting: _swept(setting) and has_gradient(setting),
    "gradient",
)
def gradient_of_lengths(setting: Setting) -> Trials:
    """One trial for each length."""
    op, fmt = setting.operation, setting.format
    for length in _wanted(setting, GRADIENT_LENGTHS):
        case = _case(setting, f"length-{length}", rows_of(op, fmt, 2, length, "slope"))
        posed = with_cotangent(case, cotangent(setting, case))
        yield gradient_trial(setting, posed, bound=bound_of(setting))
