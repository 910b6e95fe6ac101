"""Implementations to plant, right and wrong, and the real checks to put them through.

Each is a Python function in place of a framework: the checks ask it through the same calls.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np
import scipy.special
from gaugeblock.adapters.base import Implementation, Lifecycle, Mode
from gaugeblock.adapters.layouts import LAYOUTS
from gaugeblock.adapters.registry import adapter
from gaugeblock.conformance.cases.cases import cases
from gaugeblock.conformance.cases.lifecycle import batches, perform
from gaugeblock.conformance.checks.table import CHECKS
from gaugeblock.conformance.execution.call import Answer, Call, NoAnswer
from gaugeblock.conformance.execution.worker import handed_over, overwritten
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.setting import Context, Observation, Setting

Array = np.ndarray[Any, Any]
EAGER, COMPILED = Mode("eager", layouts=tuple(LAYOUTS), combined=True), Mode("compiled", compiled=True)


class RefusalError(Exception):
    """What a framework raises."""


def refuses(*arrays: Any, **parameters: Any) -> Any:
    raise RefusalError(f"{len(arrays)} arrays, and {sorted(parameters)}")


def planted(
    check: str,
    operation: str,
    function: Callable[..., Any],
    *,
    dtype: str = "float32",
    gradient: Callable[..., Any] | None = None,
    call: str | None = None,
    mode: Mode = EAGER,
    framework: str = "numpy",
    compiled: Callable[..., Any] | None = None,
    lifecycle: Lifecycle | None = None,
    **conventions: Any,
) -> tuple[Context, Check]:
    """A check, and the context in which it asks a planted implementation."""
    parameters = {"softmax": "axis", "log_softmax": "axis", "logsumexp": "axis"}.get(operation)
    setting = Setting(
        Implementation(framework, operation, "planted", "", conventions), dtype, "cpu", mode
    )  # only to know the inputs
    names = [*setting.operation.inputs, *([parameters] if parameters else [])]
    text = call or f"planted({', '.join(names)})"
    implementation = Implementation(
        framework, operation, "planted", text, conventions, stateful=lifecycle is not None, lifecycle=lifecycle
    )

    def evaluate(call: Call) -> Answer:
        chosen = compiled if call.mode.compiled and compiled is not None else function
        namespace = {"numpy": np, "scipy": scipy, "planted": chosen}
        parameters = list(call.parameters)
        try:
            if call.steps:
                made = batches(call.steps, call.arrays)
                results = perform(call.implementation, call.inputs, call.parameters, namespace, call.steps, made)
                return np.concatenate([np.ravel(each) for each in results])
            if call.cotangent is not None:
                assert gradient is not None
                return np.asarray(gradient(*call.arrays, call.cotangent, **call.parameters))
            called = call.implementation.function(namespace, (*call.inputs, *parameters))
            # A framework in its own process has arrays of its own.
            sent = replace(call, arrays=tuple(np.array(array) for array in call.arrays))
            arrays = handed_over(adapter("numpy"), sent, sent.arrays)
            answer = np.asarray(called(*arrays, *call.parameters.values()))
            return (overwritten(adapter("numpy"), call, arrays) if call.layout else None) or answer
        except (RefusalError, TypeError, ValueError) as error:
            return NoAnswer("unsupported", str(error))

    def ask(calls: Sequence[Call]) -> list[Answer]:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [evaluate(call) for call in calls]

    (chosen,) = (each for each in CHECKS if each.name == check)
    return Context(Setting(implementation, dtype, "cpu", mode), ask), chosen


def observe(check: str, operation: str, function: Callable[..., Any], **options: Any) -> dict[str, Observation]:
    """What a check sees of a planted implementation, by case."""
    context, chosen = planted(check, operation, function, **options)
    found = list(chosen.observe(context))
    assert found, "the check saw nothing"
    return {observation["key"].rpartition("/")[2]: observation for observation in found}


def verdicts(found: dict[str, Observation]) -> dict[str, str]:
    return {case: observation["verdict"] for case, observation in found.items()}


def wide(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` computed in binary64 and rounded once to the format of its last array."""

    def rounded(*arrays: Any) -> Any:
        numbers = [a for a in arrays if isinstance(a, np.ndarray)]
        widened = [
            a.astype(np.float64) if isinstance(a, np.ndarray) and a.dtype.kind not in "iu" else a for a in arrays
        ]
        return np.asarray(function(*widened)).astype(numbers[-1].dtype)

    return rounded


# Right implementations, in the precision of the arguments


def shifted(x: Array, axis: int) -> tuple[Array, Array]:
    d = x - x.max(axis=axis, keepdims=True)
    return d, np.exp(d)


def softmax(x: Array, axis: int = -1) -> Array:
    _, e = shifted(x, axis)
    return e / e.sum(axis=axis, keepdims=True)


def log_softmax(x: Array, axis: int = -1) -> Array:
    d, e = shifted(x, axis)
    return d - np.log(e.sum(axis=axis, keepdims=True))


def sigmoid(x: Array) -> Array:
    e = np.exp(-np.abs(x))
    return np.where(np.isnan(x), x, np.where(x >= 0, 1, e) / (1 + e))


def softplus(x: Array) -> Array:
    return np.logaddexp(np.zeros_like(x), x)


def bce_logits(y_true: Array, logits: Array) -> Array:
    with_zero = np.where(y_true == 0, 0, y_true * softplus(-logits))
    return with_zero + np.where(y_true == 1, 0, (1 - y_true) * softplus(logits))


def bce(y_true: Array, y_pred: Array) -> Array:
    return -(scipy.special.xlogy(y_true, y_pred) + scipy.special.xlog1py(1 - y_true, -y_pred))


def cce(y_true: Array, y_pred: Array) -> Array:
    return -scipy.special.xlogy(y_true, y_pred).sum(axis=1)


def cce_logits(y_true: Array, logits: Array) -> Array:
    terms = np.where(y_true == 0, 0, y_true * log_softmax(logits))
    return -terms.sum(axis=1)


def sparse(labels: Array, logits: Array) -> Array:
    return -np.take_along_axis(log_softmax(logits), labels[:, None], axis=1)[:, 0]


def top_k(labels: Array, scores: Array, k: int) -> Array:
    return (np.argsort(-scores, axis=1, kind="stable")[:, :k] == labels[:, None]).any(axis=1).mean()


def sigmoid_gradient(x: Array, cotangent: Array) -> Array:
    return cotangent * sigmoid(x) * sigmoid(-x)


def softmax_gradient(x: Array, cotangent: Array, axis: int) -> Array:
    p = softmax(x, axis)
    return p * (cotangent - (p * cotangent).sum(axis=axis, keepdims=True))


def log_softmax_gradient(x: Array, cotangent: Array, axis: int) -> Array:
    return cotangent - softmax(x, axis) * cotangent.sum(axis=axis, keepdims=True)


def wide_gradient(function: Callable[..., Any]) -> Callable[..., Any]:
    def rounded(*arrays: Array, **parameters: Any) -> Array:
        kind = arrays[-1].dtype
        return np.asarray(function(*(a.astype(np.float64) for a in arrays), **parameters)).astype(kind)

    return rounded


# Wrong ones


def unshifted(x: Array, axis: int) -> Array:
    e = np.exp(x)
    return e / e.sum(axis=axis, keepdims=True)


def noisy_at_one_input(x: Array) -> Array:
    answer = wide(sigmoid)(x)
    (ordinary,) = (case for case in cases("sigmoid", "float32") if case.name == "ordinary")
    return np.where(x == ordinary.inputs["x"][7], answer + 100 * np.spacing(answer), answer)


def missing_class(x: Array, axis: int) -> Array:
    d, e = shifted(x, axis)
    return d - np.log(np.delete(e, -1, axis=axis).sum(axis=axis, keepdims=True)) if x.shape[axis] > 1 else 0 * d


def f1_of_means(y_true: Array, y_pred: Array) -> Any:
    """The other thing that is called macro F1: the harmonic mean of macro precision and macro recall."""
    classes = np.unique(y_true)
    recall = np.mean([(y_pred[y_true == c] == c).mean() for c in classes])
    precision = np.mean([(y_true[y_pred == c] == c).mean() for c in classes])
    return 2 * precision * recall / (precision + recall)


def of_neighbour(x: Array, axis: int) -> Array:
    # The second row and those after it take their maximum from the whole batch, as a fused kernel might.
    d = x - (x.max() if len(x) > 1 else x.max(axis=axis, keepdims=True))
    e = np.exp(d)
    return e / e.sum(axis=axis, keepdims=True)


def bfloat16_sum(x: Array, axis: int) -> Array:
    """Softmax whose sum is kept in bfloat16: terms below half a unit of the sum are lost."""
    e = np.moveaxis(shifted(x.astype(np.float32), axis)[1].astype(ml_dtypes.bfloat16), axis, -1)
    total = np.zeros(e.shape[:-1], ml_dtypes.bfloat16)
    for column in range(e.shape[-1]):
        total = total + e[..., column]
    return np.moveaxis(e / total[..., None], -1, axis)


def swallowed(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arrays: np.nan_to_num(function(*arrays), posinf=np.inf, neginf=-np.inf)


def flushed(function: Callable[..., Any]) -> Callable[..., Any]:
    def flushing(x: Array) -> Array:
        answer = function(x)
        return np.where(np.abs(answer) < np.finfo(answer.dtype).tiny, 0, answer)

    return flushing


def clipped(edge: float) -> Callable[..., Any]:
    def loss(y_true: Array, y_pred: Array) -> Array:
        p = np.clip(y_pred, np.float32(edge), np.float32(1 - edge)).astype(np.float64)
        return bce(y_true.astype(np.float64), p).astype(np.float32)

    return loss


BCE, BCE_LOGITS, CCE = "binary_cross_entropy", "binary_cross_entropy_with_logits", "categorical_cross_entropy"
CCE_LOGITS, SPARSE = "categorical_cross_entropy_with_logits", "sparse_categorical_cross_entropy_with_logits"
