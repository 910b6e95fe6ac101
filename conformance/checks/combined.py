"""Combinations: cases in which sizes, contents, reductions, weights, parameters and layouts meet at random.

A fault may need two conditions, such as a mask and a length, or ignored rows and a mean. Each combination draws a level
of every factor from its number alone, so that a few dozen hold nearly every pair of levels.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from gaugeblock.adapters.layouts import REPEATED, rank_of
from gaugeblock.conformance.cases.boundaries import at_boundaries
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.draws import integers
from gaugeblock.conformance.cases.random_arrays import SUBNORMAL, Levels, contents, textures
from gaugeblock.conformance.cases.random_parameters import in_format, parameters_of, shape_of, weights_of
from gaugeblock.conformance.checks.gradient import cotangent, has_gradient, has_slope
from gaugeblock.conformance.checks.gradient import judged as judged_gradient
from gaugeblock.conformance.checks.label_dtypes import LABELS, holds
from gaugeblock.conformance.checks.value import due, judged
from gaugeblock.conformance.execution.call import Answer, Call, NoAnswer
from gaugeblock.conformance.judging.judge import judge
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.lenient import lenient
from gaugeblock.conformance.trials.setting import Context, Observation, Setting, asked_one_by_one, can_ask
from gaugeblock.reference.catalogue import Operation, operation
from gaugeblock.reference.formats import FORMATS, Array, Format
from gaugeblock.reference.operations import REDUCTIONS

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
    moved = {
        name: np.ascontiguousarray(np.moveaxis(array, -1, axis)) if core else array
        for (name, array), core in zip(inputs.items(), op.core_ranks, strict=True)
    }
    return replace(case, inputs=moved, parameters={**case.parameters, "axis": axis})


@dataclass(frozen=True)
class Drawn:
    """A combination before its arrays are made: its size, its parameters, and whether samples have weights."""

    levels: Levels
    shape: tuple[int, int]
    parameters: Mapping[str, Any]
    weighted: bool

    @property
    def asking(self) -> Case:
        """A case with the names alone, to see who can be asked."""
        weights = {"sample_weight": np.ones(1)} if self.weighted else {}
        return Case("", weights, self.parameters)


@functools.cache
def drawn(name: str, number: int, few: bool, slopes: bool) -> Drawn:
    """The levels of an operation's combination with this number."""
    op = operation(name)
    levels = Levels(f"combination/{'slope/' if slopes else ''}{name}/{number}")
    shape = shape_of(op, levels, few, slopes)
    weighs = "sample_weight" in op.parameters if op.whole else op.kind != "activation"
    weighted = weighs and levels.one_in("weighted", 3)
    return Drawn(levels, shape, parameters_of(op, levels, shape[1]), weighted)


@functools.cache
def combination(name: str, dtype: str, number: int, few: bool, slopes: bool, subnormals: bool, batches: bool) -> Case:
    """The combination of an operation with this number, in a format.

    With subnormal inputs, and losses of batches of several axes, among others, if so asked.
    """
    op, fmt = operation(name), FORMATS[dtype]
    found = drawn(name, number, few, slopes)
    levels, shape, parameters = found.levels, found.shape, in_format(found.parameters, fmt)
    # A NaN has no slope.
    left_out = {*(["nan"] if slopes else []), *([] if subnormals and not slopes else [SUBNORMAL])}
    known = [texture for texture in textures(op) if texture not in left_out]
    inputs = contents(op, fmt, levels, shape, levels.of("texture", known) if known else None)
    inputs[op.inputs[-1]] = at_boundaries(op, fmt, levels, parameters, inputs[op.inputs[-1]])
    if "ignore_index" in parameters:
        (given,) = op.integers
        hidden = integers(f"{levels.name}/ignored", (shape[0],), 3) == 0
        hidden[0] = False
        inputs[given] = np.where(hidden, parameters["ignore_index"], inputs[given])
    if op.domains in PAIRS and levels.one_in("nearly right", 4):
        inputs = nearly_right(*inputs.items())
    if op.domains == ("label", "label"):
        inputs = dict(zip(inputs, levels.of("ids", IDS if op.whole else FAR_IDS)(*inputs.values()), strict=True))
    if name in OVER_CLASSES_OF_THE_TRUTH and levels.one_in("some classes", 3):
        true, guess = op.inputs
        inputs = {true: np.array(SOME)[np.arange(shape[0]) % len(SOME)], guess: np.arange(shape[0]) % 5}
    if found.weighted:
        inputs["sample_weight"] = weights_of(op, levels, fmt, shape[0])
    return _moved(op, Case(f"{number:03d}", inputs, parameters), levels, batches)


def _askable(context: Context, case: Case) -> bool:
    implementation, op = context.implementation, context.operation
    return can_ask(implementation, op, case) and not asked_one_by_one(implementation, op, case)


def _valued(context: Context, case: Case) -> bool:
    """Whether the definition has a value there: a mean over no weight, or a metric of an absent class, has none.

    Nor has what the largest precision cannot tell from 0^0.5 of an unknown sign.
    What becomes of a loss that is no number where it weighs nothing is left to conventions.
    """
    rows = case.inputs[context.operation.inputs[-1]]
    if 0.0 in case.parameters.get("class_weight", ()) and not np.isfinite(rows.astype(np.float64)).all():
        return False
    none = np.asarray(case.inputs.get("sample_weight", 1.0)) == 0
    if none.any() and not context.operation.whole:
        plain = {name: array for name, array in case.inputs.items() if name != "sample_weight"}
        each = context.truth(replace(case, inputs=plain), reduction="none").nearest
        if not np.isfinite(each[none]).all():
            return False
    reduced = context.operation.kind != "activation" and case.parameters.get("reduction") != "none"
    if not reduced and not np.isfinite(rows.astype(np.float64)).all():
        return True
    return not bool(np.isnan(context.truth(case).nearest).any())


def _takes_batches(context: Context) -> bool:
    """Whether losses of a plain batch of two axes are right: who is asked for rows alone may take no other."""
    op = context.operation
    if context.setting.own is None or op.kind == "activation" or op.whole:
        return False
    texture = next(iter(textures(op)), None)
    rows = contents(op, context.format, Levels(f"batches/{op.name}"), (12, 5), texture)
    # No two sizes are alike, nor 1, which would stand for all.
    inputs = {name: array.reshape(3, 4, *array.shape[1:]) for name, array in rows.items()}
    cases = [Case("", inputs, {"reduction": reduction}) for reduction in REDUCTIONS]
    known = [case for case in cases if _askable(context, case)][:1]
    answers = context.ask([context.call(case) for case in known])
    return any(
        isinstance(answer, np.ndarray) and judge(answer, *due(context, case, answer)).verdict == "conforms"
        for case, answer in zip(known, answers, strict=True)
    )


def _divided(context: Context, case: Case) -> Case:
    """The case with a mean over samples in every second, where that is a parameter."""
    means = "sample_weight" in case.inputs and case.parameters.get("reduction") == "mean"
    if not means or "mean_over" not in context.implementation.names or int(case.name) % 2:
        return case
    return replace(case, parameters={**case.parameters, "mean_over": "samples"})


def combinations(context: Context, count: int, slopes: bool = False) -> Iterator[Case]:
    """The first so many combinations that the implementation can be asked."""
    few = context.setting.mode.few_shapes
    name = context.operation.name
    # An axis is drawn with the arrays: who takes none can be asked for the last alone.
    numbers = (n for n in range(TRIED * count) if _askable(context, drawn(name, n, few, slopes).asking))
    asked = context.setting.mode.subnormals, _takes_batches(context)
    made = (combination(name, context.format.name, n, few, slopes, *asked) for n in numbers)
    named = (_divided(context, case) for case in made)
    known = (case for case in named if _askable(context, case) and (not slopes or has_slope(context, case)))
    yield from itertools.islice((case for case in known if _valued(context, case)), count)


def _layout(context: Context, case: Case) -> str | None:
    """Every second combination lies in memory in another way."""
    number = int(case.name)
    layouts = [name for name in context.setting.mode.layouts if name not in REPEATED]
    ranks = [array.ndim for array in case.inputs.values()]
    if number % 2 == 0 or not layouts or min(ranks) == 0:
        return None
    layout = layouts[number // 2 % len(layouts)]
    return layout if max(ranks) >= rank_of(layout) else None


def _number(context: Context, count: int) -> int:
    """A fifth of so many combinations where each shape is compiled, and more of what is cheap."""
    op = context.operation
    cheap = 1 if op.output_rank or context.setting.own is None else 2 if op.rowwise and op.kind != "metric" else 4
    return count * cheap // (5 if context.setting.mode.few_shapes else 1)


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


def _cast(context: Context, case: Case) -> Case:
    """The case with its labels, targets and weights in other dtypes that hold them, as its number says."""
    op, levels = context.operation, Levels(f"combination/{case.name}/dtype")
    offered = context.setting.mode.other_dtypes
    inputs = dict(case.inputs)
    for name, array in case.inputs.items():
        chosen = name != op.inputs[-1] or name in op.integers
        if chosen and levels.one_in(name, 2 if name in op.integers or name == "sample_weight" else 3):
            held = [dtype for dtype in _dtypes(op, name, array) if dtype in offered]
            inputs[name] = array.astype(levels.of(f"{name}/which", held)) if held else array
    same = all(inputs[name] is array for name, array in case.inputs.items())
    return case if same else replace(case, inputs=inputs)


def _asked(
    context: Context, drawn_ones: Iterable[Case], calling: Callable[[Case], Call]
) -> Iterator[tuple[Case, Call, Answer]]:
    """Each case in the dtypes that it is cast to, or as it was drawn where those are refused, and the answer."""
    chosen = list(drawn_ones)
    cast = [_cast(context, case) for case in chosen]
    calls = [calling(case) for case in cast]
    found = context.ask(calls)
    refused = [
        at
        for at, answer in enumerate(found)
        if isinstance(answer, NoAnswer) and answer.verdict == "unsupported" and cast[at] is not chosen[at]
    ]
    for at, answer in zip(refused, context.ask([calling(chosen[at]) for at in refused]), strict=True):
        cast[at], calls[at], found[at] = chosen[at], calling(chosen[at]), answer
    return zip(cast, calls, found, strict=True)


def _values(context: Context, count: int) -> Iterator[Observation]:
    def calling(case: Case) -> Call:
        return replace(context.call(case), layout=_layout(context, case))

    for case, call, answer in _asked(context, combinations(context, _number(context, count)), calling):
        yield judged(context, "combined", case, answer, call.layout)


def _gradients(context: Context, count: int) -> Iterator[Observation]:
    bound = context.operation.gradient_bound
    assert bound is not None

    def calling(case: Case) -> Call:
        layout = _spread(context, case) or _layout(context, case)
        return replace(context.call(case, cotangent=_upstream(context, case)), layout=layout)

    chosen = combinations(context, _number(context, count), slopes=True)
    for case, call, answer in _asked(context, chosen, calling):
        assert call.cotangent is not None
        yield judged_gradient(context, "combined-gradient", case, call.cotangent, answer, bound, layout=call.layout)


def _spread(context: Context, case: Case) -> str | None:
    """Every fifth upstream gradient is one number for all, as the gradient of a sum is: a stride of 0 in memory."""
    offered = [name for name in context.setting.mode.layouts if name in REPEATED]
    return offered[0] if offered and int(case.name) % 5 == 4 else None


def _upstream(context: Context, case: Case) -> Array:
    """An upstream gradient, scaled as a loss may be; in some combinations that of a third of the answers alone."""
    number, op, fmt = int(case.name), context.operation, context.format
    weights: Array = cotangent(context, case) * fmt.dtype.type(_scale(number % SCALES, fmt, bool(op.output_rank)))
    if weights.size and _spread(context, case):
        return np.asarray(np.full_like(weights, weights.flat[0]))
    if number % 7 == 3 and weights.size > 2:
        weights = weights.copy()
        weights[np.arange(weights.size).reshape(weights.shape) % 3 != 1] = 0
    return weights


SCALES = 6


def _scale(row: int, fmt: Format, rowwise: bool) -> float:
    """A power of two by which an upstream gradient is larger or smaller, rows of which add up within the format.

    As a loss scale is in binary16, rows of which then add up beyond its largest number, while few of the slopes are.
    """
    narrow = fmt.largest < 2**16
    loss_scale = 2.0**12 if narrow else 2.0**17
    return {1: 64.0, 2: loss_scale if rowwise or not narrow else 1.0, 3: 2.0**-7, 4: 1.0 if narrow else 2.0**-30}.get(
        row, 1.0
    )


DTYPES = ("float32", "int64")
"""Dtypes in which a framework's implementations are asked: the others differ from these in what sweeps ask as well."""


def drawn_for(setting: Setting) -> bool:
    """Whether combinations are asked: of what is given, and in modes that say so."""
    usual = setting.dtype in DTYPES and setting.mode.combined
    return not setting.mode.compiled and (setting.own is not None or usual)


USUAL = (48, 16)
"""Combinations, and gradients of combinations, that frameworks are asked."""


def checks_of(count: int, slopes: int) -> tuple[Check, Check]:
    """The checks of so many combinations, and of the gradients of so many."""
    return (
        Check(
            "combined",
            "value",
            "Is the answer right where sizes, contents, reductions, weights, parameters and layouts meet?",
            drawn_for,
            lenient(lambda context: _values(context, count)),
        ),
        Check(
            "combined-gradient",
            "gradient",
            "Is the gradient right where sizes, contents, reductions, weights and parameters meet?",
            lambda setting: (
                drawn_for(setting) and setting.operation.gradient_bound is not None and has_gradient(setting)
            ),
            lenient(lambda context: _gradients(context, slopes)),
        ),
    )
