"""What an entry answers where its defect shows, and how far that lies from the exact value."""

from __future__ import annotations

import copy
import importlib
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gaugeblock.reference.catalogue import OPERATIONS
from gaugeblock.reference.engine import evaluate, gradient
from gaugeblock.reference.formats import FORMATS, Format
from gaugeblock.reference.operations import Operation
from gaugeblock.reference.truth import Truth

from tests.zoo import right_metrics
from tests.zoo.entries import Array, Entry, Show

MANY = 1000
"""Samples beyond which the engine's pairs of a positive and a negative are too many, and the base answers."""


@dataclass(frozen=True)
class Off:
    """The largest error in ULP, and in units of what the operation's bound allows there.

    Both are infinite for a wrong shape, NaN, infinity or sign of infinity.
    """

    ulps: float
    ratio: float

    def is_wrong(self, dtype: str) -> bool:
        """A hundred ULP of a half format are no accuracy at all, ten are wrong."""
        return self.ulps > (10 if dtype in ("float16", "bfloat16") else 100) and self.ratio > 2


class OverwrittenError(Exception):
    """An input was written to."""


def framework_of(entry: Entry) -> str:
    return str(entry.options.get("arrays", "numpy"))


def _format_of(operation: Operation, inputs: Mapping[str, Any]) -> str:
    """The format of the numbers among the inputs; binary64 where there are only labels."""
    for name, domain in zip(operation.inputs, operation.domains, strict=True):
        array = np.asarray(inputs[name])
        if name not in operation.integers and domain not in ("label", "binary") and array.dtype.name in FORMATS:
            return array.dtype.name
    return "float64"


def calls_of(entry: Entry) -> tuple[Show, ...]:
    """The calls at which an entry that is no state shows its defect."""
    if not callable(entry.shows):
        return entry.shows
    operation, case = OPERATIONS[entry.operation], dict(entry.shows())
    cotangent = case.pop("cotangent", None)
    names = [name for name in (*operation.inputs, "sample_weight") if name in case]
    inputs = {name: case.pop(name) for name in names}
    default = {} if operation.whole else {"reduction": "mean"}
    return (
        Show(
            {name: lambda array=array: array for name, array in inputs.items()},
            _format_of(operation, inputs),
            None if cotangent is None else lambda: cotangent,
            {**default, **case},
        ),
    )


# What is exact


def _truth(
    operation: Operation, fmt: Format, inputs: Mapping[str, Array], more: Mapping[str, Any], above: Any
) -> Truth:
    known = {name: tuple(map(float, v)) if isinstance(v, np.ndarray) else v for name, v in more.items()}
    if not operation.whole:
        known = {"reduction": "none", **known}
    if above is None:
        return evaluate(operation, fmt, inputs, **known)
    return gradient(operation, fmt, inputs, np.asarray(above, dtype=np.float64), **known)


def _allowed(
    operation: Operation, fmt: Format, inputs: Mapping[str, Array], more: Mapping[str, Any], above: Any, truth: Truth
) -> Any:
    """ULP that the bound allows at each element; of what is reduced, without its condition."""
    bound = operation.bound if above is None else operation.gradient_bound
    assert bound is not None
    if operation.whole or more.get("reduction", "none") != "none":
        return bound.ulps
    axis = more.get("axis", -1)
    ranks = (*operation.core_ranks, operation.output_rank)
    arrays = [np.asarray(inputs[each]) for each in operation.inputs] + ([] if above is None else [np.asarray(above)])
    last = [np.moveaxis(each, axis, -1) if rank else each for each, rank in zip(arrays, ranks, strict=False)]
    sizes = np.nan_to_num(np.asarray(bound.condition(last, more)))
    if sizes.ndim and (operation.core_ranks[-1] if above is not None else operation.output_rank):
        sizes = np.moveaxis(sizes, -1, axis)
    with np.errstate(over="ignore"):
        return bound.ulps + fmt.unit_roundoff * sizes / truth.ulp


def _distance(got: Any, truth: Truth, fmt: Format, allowed: Any, unit: Any) -> Off:
    got = np.asarray(got).astype(np.float64)
    if got.shape != truth.nearest.shape:
        return Off(np.inf, np.inf)
    asked = ~truth.undecided & (True if truth.asked is None else truth.asked)
    finite = np.isfinite(truth.nearest) & asked
    # Beyond the largest finite number an infinity is the rounded answer.
    over = finite & np.isinf(got) & (np.abs(truth.nearest) == fmt.largest) & (np.sign(got) == np.sign(truth.nearest))
    special, plain = asked & ~finite, finite & ~over
    if not (np.array_equal(got[special], truth.nearest[special], equal_nan=True) and np.isfinite(got[plain]).all()):
        return Off(np.inf, np.inf)
    with np.errstate(all="ignore"):
        errors = np.where(plain, np.abs((got - truth.nearest) / unit + truth.residual[0] * truth.ulp / unit), 0.0)
    return Off(float(np.max(errors, initial=0.0)), float(np.max(errors / allowed, initial=0.0)))


def off(name: str, call: Show, inputs: Mapping[str, Array], above: Any, got: Any) -> Off:
    """How far an answer to a call is off."""
    operation, fmt = OPERATIONS[name], FORMATS[call.dtype]
    if name == "roc_auc" and len(inputs["y_true"]) > MANY:
        error = abs(float(got) - right_metrics.roc_auc(**inputs)) / np.finfo(np.float32).eps
        return Off(error, error)
    truth = _truth(operation, fmt, inputs, call.keywords, above)
    unit = truth.ulp
    if operation.kind == "metric":
        # What counts is judged in binary32, whatever the scores are.
        unit = np.maximum(unit, np.spacing(np.abs(truth.nearest).astype(np.float32)))
    allowed = _allowed(operation, fmt, inputs, call.keywords, above, truth)
    return _distance(got, truth, fmt, allowed, unit)


# What is answered


def _in_framework(entry: Entry, inputs: dict[str, Array], above: Any, keywords: dict[str, Any]) -> Any:
    """The answer of a function of tensors, or by autodiff its vector-Jacobian product."""
    framework = framework_of(entry)
    module = importlib.import_module(framework)
    last = OPERATIONS[entry.operation].inputs[-1]
    # from_numpy shares memory and strides, so that writing to an input is seen.
    into = {"torch": "from_numpy", "tensorflow": "constant"}.get(framework)
    made = getattr(module, into) if into else importlib.import_module("jax.numpy").asarray
    tensors = {n: made(v) if isinstance(v, np.ndarray) else v for n, v in {**inputs, **keywords}.items()}
    if above is None:
        return np.asarray(entry.function(**tensors))
    if framework == "torch":
        tensors[last].requires_grad_()
        return module.autograd.grad(entry.function(**tensors), tensors[last], module.as_tensor(above))[0].numpy()
    if framework == "jax":
        _, back = module.vjp(lambda x: entry.function(**{**tensors, last: x}), tensors[last])
        return np.asarray(back(made(above))[0])
    with module.GradientTape() as tape:
        tape.watch(tensors[last])
        answer = entry.function(**tensors)
    return tape.gradient(answer, tensors[last], made(above)).numpy()


def answer(entry: Entry, call: Show) -> tuple[dict[str, Array], Any, Any]:
    """The inputs as they were, the cotangent and the answer. OverwrittenError if one of them was written to."""
    inputs, above = call.arrays(), call.upstream()
    before, upstream = copy.deepcopy((inputs, above))
    own = entry.options.get("gradient") if above is not None else None
    known = inspect.signature(entry.function).parameters
    default = {} if OPERATIONS[entry.operation].whole else {"reduction": "none"}
    keywords = {name: value for name, value in {**default, **call.keywords}.items() if name in known}
    with np.errstate(all="ignore"):
        if own is not None:
            got = own(**inputs, cotangent=above, **keywords)
        elif framework_of(entry) == "numpy":
            got = entry.function(**inputs, **keywords)
        else:
            got = _in_framework(entry, inputs, above, keywords)
    for one, other in [*zip(before.values(), inputs.values(), strict=True), (upstream, above)]:
        if one is not None and np.asarray(one).tobytes() != np.asarray(other).tobytes():
            raise OverwrittenError
    return before, upstream, got


def played(entry: Entry, steps: list[Any]) -> list[tuple[float, list[Any]]]:
    """Results of a stateful metric, and the batches that each of them is to be of.

    Steps: ("update", arrays...), ("reset",), ("merge", [batches of another]), ("other", arrays...) of an instance
    that has nothing to do with it, ("later", arrays...) of the one merged, ("reuse", arrays...), in whose memory the
    caller writes afterwards, ("result",) and ("theirs",), the result of the one merged.
    """
    name = {each: each for each in ("update", "merge", "reset", "result")} | dict(entry.options["protocol"])
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


def _of_batches(name: str, batches: list[Any], got: float) -> Off:
    """How far a result is from that of all the batches together."""
    if not batches:
        return Off(0.0, 0.0) if np.isnan(got) else Off(np.inf, np.inf)
    operation, width = OPERATIONS[name], max(map(len, batches))
    full = [(*batch, np.ones(len(batch[0])))[:width] for batch in batches]
    columns = [np.concatenate(each) for each in zip(*full, strict=True)]
    inputs = dict(zip((*operation.inputs, "sample_weight"), columns, strict=False))
    default = {} if operation.whole else {"reduction": "mean"}
    truth = _truth(operation, FORMATS["float64"], inputs, default, None)
    return _distance(got, truth, FORMATS["float64"], 1, np.spacing(np.abs(truth.nearest).astype(np.float32)))


def all_off(entry: Entry, calls: tuple[Show, ...] = ()) -> Iterator[tuple[str, Off]]:
    """How far each answer is off, with the format: of calls made one after the other, judged after the last."""
    if "protocol" in entry.options:
        assert callable(entry.shows)
        for got, batches in played(entry, entry.shows()):
            yield "float32", _of_batches(entry.operation, batches, got)
        return
    calls = calls or calls_of(entry)
    answers = [answer(entry, call) for call in calls]
    for call, (inputs, above, got) in zip(calls, answers, strict=True):
        yield call.dtype, off(entry.operation, call, inputs, above, got)
