"""The axes of a case by name, and the case with fewer samples or classes along one of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from gaugeblock.conformance.cases.case import COTANGENT, Case
from gaugeblock.conformance.cases.domains import DOMAINS
from gaugeblock.reference.catalogue import Operation
from gaugeblock.reference.formats import Array

CLASS = "class"
"""The name of the axis that a row lies along; axes of samples are named by their place: "0", "1"."""


def axis_of(case: Case) -> int:
    """The axis that rows lie along."""
    return int(case.parameters.get("axis", -1))


def _names(rank: int, core: bool, axis: int) -> tuple[str, ...]:
    names = [str(place) for place in range(rank - core)]
    if core:
        names.insert(axis % rank, CLASS)
    return tuple(names)


def axes(op: Operation, case: Case) -> dict[str, tuple[str, ...]]:
    """The names of the axes of each input. The samples of a metric of a whole batch are its rows."""
    rows = {name for name, rank in zip(op.inputs, op.core_ranks, strict=True) if rank and not op.whole}
    return {
        name: answer_axes(op, case) if name == COTANGENT else _names(array.ndim, name in rows, axis_of(case))
        for name, array in case.inputs.items()
    }


def answer_axes(op: Operation, case: Case) -> tuple[str, ...]:
    """The names of the axes of the answer to a case; those of its last input are those of a gradient."""
    if op.whole or case.parameters.get("reduction", "none") != "none":
        return ()
    names = _names(case.inputs[op.inputs[-1]].ndim, bool(op.core_ranks[-1]), axis_of(case))
    return names if op.output_rank else tuple(name for name in names if name != CLASS)


def length(op: Operation, case: Case, axis: str) -> int:
    """How many entries there are along an axis."""
    name, names = next((name, names) for name, names in axes(op, case).items() if axis in names)
    return int(case.inputs[name].shape[names.index(axis)])


def kept(op: Operation, case: Case, axis: str, places: Array) -> Case | None:
    """The case with these entries of an axis alone; None if that would be no such case, but another question."""
    if axis != CLASS:
        made = _taken(op, case, axis, places)
        return made if not op.whole or _same_kinds(op, case, made) else None
    count = length(op, case, CLASS)
    least = 1 if op.kind == "activation" and len(op.inputs) == 1 else 2
    if not least <= len(places) or int(case.parameters.get("k", 1)) > len(places):
        return None
    labels = _relabelled(op, case, count, places)
    if labels is None:
        return None
    parameters = dict(case.parameters)
    for key, value in case.parameters.items():
        if isinstance(value, tuple) and len(value) == count:
            parameters[key] = tuple(value[place] for place in places)
    inputs = {**_taken(op, case, CLASS, places).inputs, **labels}
    return replace(case, inputs=inputs, parameters=parameters)


def _taken(op: Operation, case: Case, axis: str, places: Array) -> Case:
    inputs = dict(case.inputs)
    shares = {name for name, domain in zip(op.inputs, op.domains, strict=True) if DOMAINS[domain].shares}
    for name, names in axes(op, case).items():
        if axis in names:
            at = names.index(axis)
            inputs[name] = np.take(case.inputs[name], places, axis=at)
            if axis == CLASS and name in shares:
                inputs[name] = shared(case.inputs[name], inputs[name], at)
    return replace(case, inputs=inputs)


def shared(before: Array, after: Array, axis: int) -> Array:
    """Rows with their former sum."""
    wide = np.moveaxis(after.astype(np.float64), axis, -1)
    lost = np.moveaxis(before.astype(np.float64), axis, -1).sum(axis=-1) - wide.sum(axis=-1)
    largest = wide.argmax(axis=-1)[..., None]
    shares = np.take_along_axis(wide, largest, -1) + lost[..., None]
    np.put_along_axis(wide, largest, shares, -1)
    # Of numbers that are no shares, the sum may be beyond the format.
    with np.errstate(over="ignore"):
        return np.asarray(np.moveaxis(wide, -1, axis).astype(after.dtype))


def _relabelled(op: Operation, case: Case, count: int, places: Array) -> dict[str, Array] | None:
    """Labels under the new numbers of their classes; None if one is left out, or would be taken for an ignored one."""
    number = np.full(count, -1)
    number[places] = np.arange(len(places))
    ignored = case.parameters.get("ignore_index")
    if ignored is not None and 0 <= ignored < count and number[ignored] != ignored:
        return None
    found = {}
    for name, domain in zip(op.inputs, op.domains, strict=True):
        array, axis = case.inputs[name], axis_of(case)
        if domain == "one_hot" and not (np.take(array, places, axis) != 0).any(axis=axis).all():
            return None
        if domain == "label":
            known = array != ignored
            labels = np.where(known, array, 0).astype(np.int64)
            if not labelled(op, case) or (number[labels[known]] < 0).any():
                return None
            found[name] = np.where(known, number[labels], array).astype(array.dtype)
    return found


def labelled(op: Operation, case: Case) -> bool:
    """Whether each label beside rows is the number of a class of theirs, or ignored."""
    if op.whole or not op.rowwise:
        return True
    count, ignored = length(op, case, CLASS), case.parameters.get("ignore_index")
    every = [case.inputs[name] for name, domain in zip(op.inputs, op.domains, strict=True) if domain == "label"]
    return all((((labels >= 0) & (labels < count)) | (labels == ignored)).all() for labels in every)


def _same_kinds(op: Operation, before: Case, after: Case) -> bool:
    """Whether a batch of labels still has no predicted class that stands not in the truth, or those it had.

    What a metric of a whole batch is where a class is missing is another question.
    """
    before_true, before_guess, after_true, after_guess = (
        set(case.inputs[name].tolist()) for case in (before, after) for name in op.inputs
    )
    if op.domains[0] == "binary" and before_true != after_true:
        return False
    return op.domains[1] not in ("binary", "label") or after_guess - after_true <= before_guess - before_true


def flattened(op: Operation, case: Case) -> Case | None:
    """The case with one axis of samples, and classes last; None if it is so already."""
    named = axes(op, case)
    ranks = [len([name for name in names if name != CLASS]) for names in named.values() if names]
    if max(ranks, default=0) <= 1 and axis_of(case) == -1:
        return None
    inputs = {}
    for name, array in case.inputs.items():
        core = CLASS in named[name]
        rows = np.moveaxis(array, named[name].index(CLASS), -1) if core else array
        flat = rows.reshape(-1, rows.shape[-1]) if core else rows.reshape(-1) if array.ndim else array
        inputs[name] = np.ascontiguousarray(flat)
    parameters = {**case.parameters, "axis": -1} if "axis" in case.parameters else case.parameters
    return replace(case, inputs=inputs, parameters=parameters)
