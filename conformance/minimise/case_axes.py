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
    found = {
        name: _names(case.inputs[name].ndim, bool(rank) and not op.whole, axis_of(case))
        for name, rank in zip(op.inputs, op.core_ranks, strict=True)
    }
    found |= {name: _names(array.ndim, False, -1) for name, array in case.inputs.items() if name == "sample_weight"}
    if COTANGENT in case.inputs:
        found[COTANGENT] = answer_axes(op, case)
    return found


def answer_axes(op: Operation, case: Case) -> tuple[str, ...]:
    """The names of the axes of the answer to a case; those of its last input are those of a gradient."""
    if op.whole or case.parameters.get("reduction", "none") != "none":
        return ()
    core = bool(op.core_ranks[-1])
    names = _names(case.inputs[op.inputs[-1]].ndim, core, axis_of(case))
    return names if op.output_rank else tuple(name for name in names if name != CLASS)


def length(op: Operation, case: Case, axis: str) -> int:
    """How many entries there are along an axis."""
    found: int = next(
        case.inputs[name].shape[names.index(axis)] for name, names in axes(op, case).items() if axis in names
    )
    return found


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
    parameters = {
        key: tuple(value[place] for place in places) if isinstance(value, tuple) and len(value) == count else value
        for key, value in case.parameters.items()
    }
    made = _taken(op, case, CLASS, places)
    return replace(made, inputs={**made.inputs, **labels}, parameters=parameters)


def _taken(op: Operation, case: Case, axis: str, places: Array) -> Case:
    named, inputs = axes(op, case), dict(case.inputs)
    for name, array in case.inputs.items():
        if axis in named[name]:
            at = named[name].index(axis)
            inputs[name] = np.take(array, places, axis=at)
            if axis == CLASS and name in op.inputs and DOMAINS[op.domains[op.inputs.index(name)]].shares:
                inputs[name] = shared(array, inputs[name], at)
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
    count = length(op, case, CLASS)
    every = [case.inputs[name] for name, domain in zip(op.inputs, op.domains, strict=True) if domain == "label"]
    return all(
        0 <= label < count or label == case.parameters.get("ignore_index")
        for labels in every
        for label in labels.ravel().tolist()
    )


def _same_kinds(op: Operation, before: Case, after: Case) -> bool:
    """Whether a batch of labels still has no predicted class that stands not in the truth, or those it had.

    What a metric of a whole batch is where a class is missing is another question.
    """
    true, guess = op.inputs
    if op.domains[0] == "binary" and set(before.inputs[true].tolist()) != set(after.inputs[true].tolist()):
        return False
    if op.domains[1] not in ("binary", "label"):
        return True
    missing = set(after.inputs[guess].tolist()) - set(after.inputs[true].tolist())
    return missing <= set(before.inputs[guess].tolist()) - set(before.inputs[true].tolist())


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
