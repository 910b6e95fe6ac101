"""What an entry answers at the input at which its defect shows, and what is exact there."""

from __future__ import annotations

import copy
import importlib
from typing import Any

import numpy as np
import right_metrics
from entries import Entry
from gaugeblock.reference.catalogue import OPERATIONS
from gaugeblock.reference.engine import evaluate, gradient
from gaugeblock.reference.formats import FORMATS, Format
from gaugeblock.reference.operations import Operation

MANY = 1000
"""Samples beyond which the engine's pairs of a positive and a negative are too many, and the base answers."""

FARTHER = 100
"""How many epsilons a fault is off, relative to the exact value, where its defect shows."""


def format_of(operation: Operation, given: dict[str, Any]) -> Format:
    """The format of the numbers among the inputs; binary64 where there are only labels."""
    for name, domain in zip(operation.inputs, operation.domains, strict=True):
        array = np.asarray(given[name])
        if name not in operation.integers and domain not in ("label", "binary") and array.dtype.name in FORMATS:
            return FORMATS[array.dtype.name]
    return FORMATS["float64"]


def exact(operation: Operation, given: dict[str, Any], cotangent: Any = None, fmt: Format | None = None) -> np.ndarray:
    """The engine's answer, rounded to the format; NaN where there is none."""
    fmt = fmt or format_of(operation, given)
    if operation.name == "roc_auc" and len(given["y_true"]) > MANY:
        return np.asarray(right_metrics.roc_auc(**given))
    more = dict(given)
    inputs = {name: np.asarray(more.pop(name)) for name in operation.inputs}
    if "sample_weight" in more:
        inputs["sample_weight"] = np.asarray(more.pop("sample_weight"))
    more = {name: tuple(map(float, v)) if isinstance(v, np.ndarray) else v for name, v in more.items()}
    if operation.whole:
        more.pop("reduction", None)
    else:
        more.setdefault("reduction", "mean")
    if cotangent is None:
        return evaluate(operation, fmt, inputs, **more).nearest
    truth = gradient(operation, fmt, inputs, np.asarray(cotangent), **more)
    return np.where(True if truth.asked is None else truth.asked, truth.nearest, np.nan)


def distance(got: Any, right: np.ndarray, fmt: Format) -> float:
    """The largest relative distance in epsilons; infinite for another shape, or where one of the two is no number."""
    got = np.asarray(got)
    if got.shape != right.shape:
        return np.inf
    got = got.astype(np.float64)
    if (np.isnan(got) != np.isnan(right)).any():
        return np.inf
    with np.errstate(all="ignore"):
        off = np.abs(got - right) / np.maximum(np.abs(right), fmt.smallest_normal) / fmt.epsilon
        # An infinity in the place of a number beyond the largest is an overflow as it should be.
        off = np.where((got == right) | (np.isinf(got) & (np.abs(right) >= fmt.largest)) | np.isnan(right), 0, off)
    return float(np.max(off, initial=0.0))


def framework_of(entry: Entry) -> str:
    return entry.options.get("arrays", "numpy")


def answer(entry: Entry, given: dict[str, Any]) -> Any:
    """What the function answers to NumPy arrays, in its own framework."""
    arrays = framework_of(entry)
    if arrays == "numpy":
        return entry.function(**given)
    module = importlib.import_module({"torch": "torch", "jax": "jax.numpy", "tensorflow": "tensorflow"}[arrays])
    into = {"torch": "from_numpy", "jax": "asarray", "tensorflow": "convert_to_tensor"}[arrays]
    held = {n: getattr(module, into)(v) if isinstance(v, np.ndarray) else v for n, v in given.items()}
    return np.asarray(entry.function(**held))


def slope(entry: Entry, operation: Operation, given: dict[str, Any], cotangent: Any) -> Any:
    """The vector-Jacobian product with respect to the last input, by the entry's own function or autodiff."""
    if "gradient" in entry.options:
        return entry.options["gradient"](**given, cotangent=cotangent)
    arrays, last = framework_of(entry), operation.inputs[-1]
    if arrays == "torch":
        import torch

        held = {n: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for n, v in given.items()}
        held[last].requires_grad_(True)
        entry.function(**held).backward(torch.as_tensor(cotangent))
        return held[last].grad.numpy()
    if arrays == "jax":
        import jax

        _, back = jax.vjp(lambda x: entry.function(**{**given, last: x}), given[last])
        return np.asarray(back(jax.numpy.asarray(cotangent))[0])
    import tensorflow

    x = tensorflow.convert_to_tensor(given[last])
    with tensorflow.GradientTape() as tape:
        tape.watch(x)
        value = entry.function(**{**given, last: x})
    return tape.gradient(value, x, output_gradients=tensorflow.convert_to_tensor(cotangent)).numpy()


def acts(entry: Entry) -> dict[str, str]:
    return {name: name for name in ("update", "merge", "reset", "result")} | dict(entry.options["protocol"])


def played(entry: Entry, steps: list[Any]) -> list[tuple[float, list[Any]]]:
    """Results of a stateful metric, and the batches that each of them is to be of.

    Steps: ("update", arrays...), ("reset",), ("merge", [batches of another]), ("other", arrays...) of an instance
    that has nothing to do with it, ("later", arrays...) of the one merged, ("reuse", arrays...), in whose memory the
    caller writes afterwards, ("result",) and ("theirs",), the result of the one merged.
    """
    name = acts(entry)
    metric, seen, results = entry.function(), [], []
    merged, theirs = None, []
    for act, *arguments in [*steps, ("result",)]:
        if act == "update":
            getattr(metric, name["update"])(*arguments)
            seen.append(arguments)
        elif act == "reuse":
            seen.append(copy.deepcopy(arguments))
            getattr(metric, name["update"])(*arguments)
            for array in arguments:
                array[...] = 0
        elif act == "reset":
            getattr(metric, name["reset"])()
            seen = []
        elif act == "merge":
            merged = entry.function()
            for batch in arguments[0]:
                getattr(merged, name["update"])(*batch)
            getattr(metric, name["merge"])(merged)
            seen, theirs = [*seen, *arguments[0]], list(arguments[0])
        elif act == "later":
            getattr(merged, name["update"])(*arguments)
            theirs.append(arguments)
        elif act == "theirs":
            results.append((getattr(merged, name["result"])(), theirs))
        elif act == "other":
            getattr(entry.function(), name["update"])(*arguments)
        else:
            results.append((getattr(metric, name["result"])(), list(seen)))
    return results


def of_batches(operation: Operation, batches: list[Any]) -> np.ndarray:
    """The exact result of all the batches together."""
    if not batches:
        return np.asarray(np.nan)
    weighted = any(len(batch) > 2 for batch in batches)
    full = [(*batch, np.ones(len(batch[0])))[:3] for batch in batches]
    columns = [np.concatenate(each) for each in zip(*full, strict=True)]
    given = dict(zip((*operation.inputs, "sample_weight"), columns, strict=True))
    if not weighted:
        del given["sample_weight"]
    return exact(operation, given, fmt=FORMATS["float64"])


@np.errstate(all="ignore")
def shown(entry: Entry) -> float:
    """By how many epsilons the entry is off at its input."""
    operation = OPERATIONS[entry.operation]
    assert callable(entry.shows), entry.id
    case = entry.shows()
    if "protocol" in entry.options:
        fmt = FORMATS["float32"]
        return max(distance(got, of_batches(operation, seen), fmt) for got, seen in played(entry, case))
    cotangent = case.pop("cotangent", None)
    before = copy.deepcopy(case)
    right, fmt = exact(operation, case, cotangent), format_of(operation, case)
    if operation.kind == "metric":
        fmt = FORMATS["float32"]
    if cotangent is None:
        got = answer(entry, case)
    else:
        got = slope(entry, operation, case, cotangent)
        right = np.where(np.isnan(right), np.asarray(got, dtype=np.float64), right)
    if entry.kind == "input-overwritten":
        changed = [n for n, v in before.items() if isinstance(v, np.ndarray) and v.tobytes() != case[n].tobytes()]
        return np.inf if changed else 0.0
    return distance(got, right, fmt)
