"""Combinations: cases in which sizes, contents, reductions, weights, parameters and layouts meet at random.

A fault may need two conditions, such as a mask and a length, or ignored rows and a mean. Each combination draws a level
of every factor from its number alone, so that a few dozen hold nearly every pair of levels.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
from gaugeblock.adapters.layouts import REPEATED, rank_of
from gaugeblock.conformance.cases.case import COTANGENT, Case
from gaugeblock.conformance.cases.draws import integers
from gaugeblock.conformance.cases.patterns import SUBNORMAL
from gaugeblock.conformance.cases.random_arrays import (
    Levels,
    at_boundaries,
    contents,
    in_format,
    parameters_of,
    patterns_of,
    shape_of,
    weights_of,
)
from gaugeblock.conformance.checks.dtypes import LABELS, holds
from gaugeblock.conformance.checks.gradient import cotangent, gradient_trial, has_derivative, has_gradient
from gaugeblock.conformance.checks.value import value_trial
from gaugeblock.conformance.judging.policy import RELAXED
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.setting import Setting
from gaugeblock.conformance.trials.trial import Trials
from gaugeblock.reference.catalogue import Operation, operation
from gaugeblock.reference.formats import FORMATS, Array, Format

PAIRS = (("label", "label"), ("binary", "binary"))
"""Domains of a truth and a prediction, one of which may be wrong in many."""

SOME = (0, 1, 3)
"""Classes of the truth, where they are not all that there are."""

Ids = Callable[[Array, Array], tuple[Array, Array]]

IDS: tuple[Ids, ...] = (
    lambda true, guess: (true, guess),
    lambda true, guess: (true, guess),
    lambda true, guess: (true * 97, guess * 97),
    lambda true, guess: (_many(true), np.where(guess < 2, _many(true), _many(true)[::-1])),
)
"""Numbers of classes: small, far apart, and nearly as many classes as samples."""

FAR_IDS: tuple[Ids, ...] = (
    *IDS,
    lambda true, guess: (true + 2**24, guess + 2**24),
    lambda true, guess: (true << 16, guess << 16),
)
"""Those that who counts by class would need memory for: adjacent beyond binary32, and multiples of 2^16."""

OVER_CLASSES_OF_THE_TRUTH = ("balanced_accuracy",)
"""Means over classes that the definition names. Of others, what a class predicted alone counts is for a probe."""

BATCHES = ((), (), (), (2,), (3,), (2, 2), (2, 3), (2, 1), (2, 2, 2))
"""Axes of samples before the last one."""

WHOLE = tuple(dtype for dtype in LABELS if np.dtype(dtype).kind in "biu")

WIDER = ("float32", "float64")
"""Dtypes of targets and weights beside narrower inputs."""

TRIED = 40
"""Numbers tried for one combination that an implementation offers."""


def nearly_right(true: tuple[str, Array], guess: tuple[str, Array]) -> dict[str, Array]:
    """A truth, and predictions of which one alone is wrong."""
    name, labels = true
    one = np.arange(len(labels)) == len(labels) // 2
    return {name: labels, guess[0]: np.where(one, (labels + 1) % 2, labels)}


def _many(labels: Array) -> Array:
    return np.arange(len(labels)) * 2 // 3


def _moved(op: Operation, case: Case, levels: Levels, batches: bool) -> Case:
    """The case with more axes of samples, and along any axis where it takes one, as its number says."""
    inputs = dict(case.inputs)
    if op.whole or (op.kind != "activation" and not batches):
        return case
    rows = len(inputs[op.inputs[-1]])
    fitting = [each for each in BATCHES if rows % math.prod(each) == 0 and rows > math.prod(each)]
    if fitting:
        batch = levels.of("rank", fitting)
        # An axis of one sample comes last, where the axis of classes may pass it.
        batch = (*batch, -1) if 1 not in batch else (batch[0], -1, 1)
        inputs = {name: array.reshape(*batch, *array.shape[1:]) for name, array in inputs.items()}
    if not op.rowwise or op.kind != "activation":
        return replace(case, inputs=inputs)
    rank = inputs[op.inputs[-1]].ndim
    axis = levels.of("axis", (-1, *range(rank)))
    return replace(case, inputs=along(op, inputs, axis), parameters={**case.parameters, "axis": axis})


def along(op: Operation, inputs: Mapping[str, Array], axis: int) -> dict[str, Array]:
    """The inputs with their last axis moved to another place, where it is that of the classes."""
    return {
        name: np.ascontiguousarray(np.moveaxis(array, -1, axis)) if core else array
        for (name, array), core in zip(inputs.items(), op.core_ranks, strict=True)
    }


@functools.cache
def drawn(name: str, number: int, few: bool, gradients: bool) -> tuple[Levels, tuple[int, int], Case]:
    """The levels of an operation's combination with this number, its size, and a case that has its names alone.

    By these, before any arrays are made, it is seen who can be asked.
    """
    op = operation(name)
    # What is drawn by these names is frozen, whatever words are used elsewhere.
    levels = Levels(f"combination/{'slope/' if gradients else ''}{name}/{number}")
    shape = shape_of(op, levels, few, gradients)
    weighs = "sample_weight" in op.parameters if op.whole else op.kind != "activation"
    weights = {"sample_weight": np.ones(1)} if weighs and levels.one_in("weighted", 3) else {}
    return levels, shape, Case("", weights, parameters_of(op, levels, shape[1]))


@functools.cache
def combination(
    name: str, dtype: str, number: int, few: bool, gradients: bool, subnormals: bool, batches: bool
) -> Case:
    """The combination of an operation with this number, in a format.

    With subnormal inputs, and losses of batches of several axes, among others, if so asked.
    """
    op, fmt = operation(name), FORMATS[dtype]
    levels, shape, named = drawn(name, number, few, gradients)
    parameters = in_format(named.parameters, fmt)
    # A NaN has no derivative.
    left_out = {*(["nan"] if gradients else []), *([] if subnormals and not gradients else [SUBNORMAL])}
    known = [pattern for pattern in patterns_of(op) if pattern not in left_out]
    inputs = contents(op, fmt, levels, shape, levels.of("texture", known) if known else None)
    inputs[op.inputs[-1]] = at_boundaries(op, fmt, levels, parameters, inputs[op.inputs[-1]])
    if "ignore_index" in parameters:
        (labels,) = op.integers
        hidden = integers(f"{levels.name}/ignored", (shape[0],), 3) == 0
        hidden[0] = False
        inputs[labels] = np.where(hidden, parameters["ignore_index"], inputs[labels])
    if op.domains in PAIRS and levels.one_in("nearly right", 4):
        inputs = nearly_right(*inputs.items())
    if op.domains == ("label", "label"):
        inputs = dict(zip(inputs, levels.of("ids", IDS if op.whole else FAR_IDS)(*inputs.values()), strict=True))
    if name in OVER_CLASSES_OF_THE_TRUTH and levels.one_in("some classes", 3):
        true, guess = op.inputs
        inputs = {true: np.array(SOME)[np.arange(shape[0]) % len(SOME)], guess: np.arange(shape[0]) % 5}
    if named.inputs:
        inputs["sample_weight"] = weights_of(op, levels, fmt, shape[0])
    return _moved(op, Case(f"{number:03d}", inputs, parameters), levels, batches)


def _askable(setting: Setting, case: Case) -> bool:
    return setting.offers(case) and not setting.one_by_one(case)


def _has_value(setting: Setting, case: Case) -> bool:
    """Whether the definition has a value there: a mean over no weight, or a metric of an absent class, has none.

    Nor has what the largest precision cannot tell from 0^0.5 of an unknown sign.
    What becomes of a loss that is no number where it weighs nothing is left to conventions.
    """
    rows = case.inputs[setting.operation.inputs[-1]]
    if 0.0 in case.parameters.get("class_weight", ()) and not np.isfinite(rows.astype(np.float64)).all():
        return False
    none = np.asarray(case.inputs.get("sample_weight", 1.0)) == 0
    if none.any() and not setting.operation.whole:
        plain = {name: array for name, array in case.inputs.items() if name != "sample_weight"}
        each = setting.truth(replace(case, inputs=plain), reduction="none").nearest
        if not np.isfinite(each[none]).all():
            return False
    reduced = setting.operation.kind != "activation" and case.parameters.get("reduction") != "none"
    if not reduced and not np.isfinite(rows.astype(np.float64)).all():
        return True
    return not bool(np.isnan(setting.truth(case).nearest).any())


def _divided(setting: Setting, number: int, case: Case) -> Case:
    """The case with a mean over samples in every second, where that is a parameter."""
    means = "sample_weight" in case.inputs and case.parameters.get("reduction") == "mean"
    if not means or "mean_over" not in setting.implementation.names or number % 2:
        return case
    return replace(case, parameters={**case.parameters, "mean_over": "samples"})


def combinations(setting: Setting, count: int, gradients: bool = False) -> Iterator[tuple[int, Case]]:
    """The first combinations that the implementation can be asked, numbered: so many, or more of what is cheap."""
    few, name = setting.mode.few_shapes, setting.operation.name
    count = _count(setting, count)
    # An axis is drawn with the arrays: who takes none can be asked for the last alone.
    numbers = (n for n in range(TRIED * count) if _askable(setting, drawn(name, n, few, gradients)[2]))
    more = setting.mode.subnormals, "batches" in setting.abilities
    made = ((n, combination(name, setting.format.name, n, few, gradients, *more)) for n in numbers)
    every = ((n, _divided(setting, n, case)) for n, case in made)
    known = (one for one in every if _askable(setting, one[1]) and (not gradients or has_derivative(setting, one[1])))
    yield from itertools.islice((one for one in known if _has_value(setting, one[1])), count)


def _count(setting: Setting, count: int) -> int:
    """A fifth of so many combinations where each shape is compiled, and more of what is cheap."""
    op = setting.operation
    cheap = 1 if op.output_rank or not setting.effort.more_of_cheap else 2 if op.rowwise and op.kind != "metric" else 4
    return count * cheap // (5 if setting.mode.few_shapes else 1)


def _layout(setting: Setting, number: int, case: Case) -> str | None:
    """Every second combination lies in memory in another way."""
    layouts = [name for name in setting.mode.layouts if name not in REPEATED]
    ranks = [array.ndim for array in case.inputs.values()]
    if number % 2 == 0 or not layouts or min(ranks) == 0:
        return None
    layout = layouts[number // 2 % len(layouts)]
    return layout if max(ranks) >= rank_of(layout) else None


def _spread(setting: Setting, number: int) -> str | None:
    """Every fifth upstream gradient is one number for all, as the gradient of a sum is: a stride of 0 in memory."""
    offered = [name for name in setting.mode.layouts if name in REPEATED]
    return offered[0] if offered and number % 5 == 4 else None


def _dtypes(op: Operation, name: str, array: Array) -> Iterator[str]:
    """Dtypes that hold what an input holds: of labels, of weights, and of targets, from which nobody subtracts."""
    labels = name in op.integers
    whole = labels or bool((array == np.rint(array.astype(np.float64))).all())
    if not labels:
        yield from (each for each in WIDER if np.dtype(each).itemsize > array.dtype.itemsize)
    if whole and bool((array >= 0).all()):
        # Truth values are no numbers of classes.
        known = WHOLE[1:] if labels and op.domains[op.inputs.index(name)] == "label" else WHOLE
        unsigned = labels or name == "sample_weight"
        yield from (each for each in known if holds(each, array.ravel()) and (unsigned or np.dtype(each).kind != "u"))


def _cast(setting: Setting, number: int, case: Case) -> Case:
    """The case with its labels, targets and weights in other dtypes that hold them, as its number says."""
    op, levels = setting.operation, Levels(f"combination/{number:03d}/dtype")
    offered = setting.mode.other_dtypes
    inputs = dict(case.inputs)
    for name, array in case.inputs.items():
        chosen = name != op.inputs[-1] or name in op.integers
        if chosen and levels.one_in(name, 2 if name in op.integers or name == "sample_weight" else 3):
            held = [dtype for dtype in _dtypes(op, name, array) if dtype in offered]
            inputs[name] = array.astype(levels.of(f"{name}/which", held)) if held else array
    same = all(inputs[name] is array for name, array in case.inputs.items())
    return case if same else replace(case, inputs=inputs)


def _upstream(setting: Setting, number: int, case: Case) -> Array:
    """An upstream gradient, scaled as a loss may be; in some combinations that of a third of the answers alone."""
    op, fmt = setting.operation, setting.format
    weights: Array = cotangent(setting, case) * fmt.dtype.type(_scale(number % SCALES, fmt, bool(op.output_rank)))
    if weights.size and _spread(setting, number):
        return np.asarray(np.full_like(weights, weights.flat[0]))
    if number % 7 == 3 and weights.size > 2:
        weights = weights.copy()
        weights[np.arange(weights.size).reshape(weights.shape) % 3 != 1] = 0
    return weights


SCALES = 6


def _scale(row: int, fmt: Format, rowwise: bool) -> float:
    """A power of two by which an upstream gradient is larger or smaller, rows of which add up within the format.

    As a loss scale is in binary16, rows of which then add up beyond its largest number, while few of the derivatives
    are.
    """
    narrow = fmt.largest < 2**16
    loss_scale = 2.0**12 if narrow else 2.0**17
    return {1: 64.0, 2: loss_scale if rowwise or not narrow else 1.0, 3: 2.0**-7, 4: 1.0 if narrow else 2.0**-30}.get(
        row, 1.0
    )


def drawn_for(setting: Setting, name: str) -> bool:
    """Whether a check of what is drawn at random is asked."""
    effort = setting.effort
    return not setting.mode.compiled and effort.combinations > 0 and effort.asks(name, setting.dtype)


def combined(setting: Setting, gradients: bool = False) -> Trials:
    """One trial for each combination, or each that has a derivative; as it was drawn where its dtypes are refused."""
    setting = setting.judged_by(RELAXED)
    trial, effort = gradient_trial if gradients else value_trial, setting.effort
    for number, case in combinations(setting, effort.gradients if gradients else effort.combinations, gradients):
        upstream = {COTANGENT: _upstream(setting, number, case)} if gradients else {}
        layout = (_spread(setting, number) if gradients else None) or _layout(setting, number, case)
        cast = _cast(setting, number, case)
        drawn_so, asked = (replace(each, inputs={**each.inputs, **upstream}, layout=layout) for each in (case, cast))
        yield trial(setting, asked, instead=None if cast is case else trial(setting, drawn_so))


CHECKS = (
    Check("combined", "value",
          "Is the answer right where sizes, contents, reductions, weights, parameters and layouts meet?",
          lambda setting: drawn_for(setting, "combined"), combined),
    Check("combined-gradient", "gradient",
          "Is the gradient right where sizes, contents, reductions, weights and parameters meet?",
          lambda setting: drawn_for(setting, "combined-gradient") and has_gradient(setting),
          lambda setting: combined(setting, gradients=True)),
)  # fmt: skip
