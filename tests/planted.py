"""Python functions in a framework's place: real checks asked of them, and reproductions evaluated from their text.

The functions below that are right answer in the precision of their arguments; `wide` makes them correct to a bit.
"""

import copy
import functools
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import ml_dtypes
import numpy as np
import scipy.special
from gaugeblock.adapters.base import Implementation, Lifecycle, Mode
from gaugeblock.adapters.layouts import LAYOUTS
from gaugeblock.adapters.numpy import NumPyAdapter
from gaugeblock.adapters.registry import adapter
from gaugeblock.conformance.cases.cases import cases
from gaugeblock.conformance.checks.table import CHECKS
from gaugeblock.conformance.execution.call import Answer, Call
from gaugeblock.conformance.execution.query import Ask
from gaugeblock.conformance.execution.worker import Server
from gaugeblock.conformance.judging.policy import STRICT, Policy
from gaugeblock.conformance.minimise.reproduction import deviating as unexplained
from gaugeblock.conformance.minimise.reproduction import reproduced
from gaugeblock.conformance.trials import engine
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.effort import EFFORTS, Effort
from gaugeblock.conformance.trials.setting import Setting
from gaugeblock.reference.catalogue import operation as operation_of
from gaugeblock.reports.records import Expected, Observation, Reproduction, StoredCall
from gaugeblock.reports.runfile import decode

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]

EAGER, COMPILED = Mode("eager", layouts=tuple(LAYOUTS), combined=True), Mode("compiled", compiled=True)
BCE, BCE_LOGITS, CCE = "binary_cross_entropy", "binary_cross_entropy_with_logits", "categorical_cross_entropy"
CCE_LOGITS, SPARSE = "categorical_cross_entropy_with_logits", "sparse_categorical_cross_entropy_with_logits"
ALONG_AXIS = ("softmax", "log_softmax", "logsumexp")
"""Operations whose planted functions take `axis` unless the call says otherwise."""
PARAMETERS = ("axis", "reduction", "mean_over", "sample_weight")
"""What a call may name beside inputs and parameters of the definition."""

LIFECYCLE = Lifecycle(
    update="metric.update",
    result="metric.result()",
    reset="metric.reset()",
    merge="metric.merge(other)",
    copy="metric.copy()",
)
"""How objects of the planted classes are used."""


class RefusalError(Exception):
    """What a framework raises."""


def refuses(*arrays: Any, **parameters: Any) -> Any:
    raise RefusalError(f"{len(arrays)} arrays, and {sorted(parameters)}")


@dataclass
class PlantedAdapter(NumPyAdapter):
    """NumPy's adapter, which has the planted implementation too."""

    planted: Implementation
    modes: ClassVar[tuple[Mode, ...]] = (EAGER, COMPILED)

    def __post_init__(self) -> None:
        self.spelling = adapter(self.planted.framework).spelling  # type: ignore[misc]

    @functools.cached_property
    def implementations(self) -> tuple[Implementation, ...]:
        return self.planted, *NumPyAdapter.implementations.func(self)  # type: ignore[attr-defined]

    def put(self, array: Array, device: str) -> Array:
        # A framework in its own process has arrays of its own.
        del device
        return array.copy()

    def lay_out(self, array: Array, layout: str, device: str) -> Array:
        # What `put` copies has lost its layout.
        return np.asarray(adapter("numpy").lay_out(array, layout, device))

    def compile(self, function: Function) -> Function:
        return function


def check_named(name: str) -> Check:
    (found,) = (each for each in CHECKS if each.name == name)
    return found


def _texts(operation: str, call: str | None) -> tuple[str, str]:
    """The expression of a planted function, and that of its vector-Jacobian product."""
    op = operation_of(operation)
    text = call or f"planted({', '.join([*op.inputs, *(['axis'] if operation in ALONG_AXIS else [])])})"
    names = Implementation("numpy", operation, "planted", text).names - {*op.inputs}
    named = [f"{name}={name}" for name in sorted(names & {*op.parameters, *PARAMETERS})]
    return text, f"gradient({', '.join([*op.inputs, 'cotangent', *named])})"


def setting_of(
    operation: str,
    function: Function,
    *,
    dtype: str = "float32",
    gradient: Function | None = None,
    call: str | None = None,
    mode: Mode = EAGER,
    framework: str = "numpy",
    compiled: Function | None = None,
    lifecycle: Lifecycle | None = None,
    policy: Policy = STRICT,
    effort: Effort | None = None,
    conventions: dict[str, Any] | None = None,
    **more: Any,
) -> tuple[Setting, Ask]:
    """The setting of a planted function, and what asks it.

    Args:
        operation: what it claims to compute.
        function: called with the operation's inputs in order, and `axis` where it is one of ALONG_AXIS.
        dtype: the format of its inputs.
        gradient: its vector-Jacobian product: takes inputs, cotangent, and parameters by name.
        call: the expression that is evaluated in place of that: `planted` stands for the function in it.
        mode: how it is executed.
        framework: whose words for values of parameters it takes.
        compiled: what is invoked in modes that compile.
        lifecycle: how its objects are used, if `function` is a class.
        policy: how it is judged.
        effort: how much is asked; by default what the mode is asked in a standard run.
        conventions: what it fixes of the definition's parameters.
        more: further conventions.
    """
    text, product = _texts(operation, call)
    known = {**(conventions or {}), **more}
    implementation = Implementation(
        framework, operation, "planted", text, known, None, lifecycle is not None, True, lifecycle,
        product if gradient is not None else None,
    )  # fmt: skip
    own = PlantedAdapter(implementation)
    names = {"numpy": np, "scipy": scipy, "gradient": gradient}
    servers = {
        False: Server(own, {**names, "planted": function}),
        True: Server(own, {**names, "planted": compiled or function}),
    }

    def ask(calls: Sequence[Call]) -> list[Answer]:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return [servers[call.mode.compiled].answer(call) for call in calls]

    row = EFFORTS["thorough"]
    asked = effort or (row.combined if mode.combined else row.framework)
    return Setting(implementation, dtype, "cpu", mode, own, asked, policy), ask


def _outcomes(
    check: str | Check, operation: str, function: Function, **options: Any
) -> tuple[Setting, Ask, list[engine.Outcome]]:
    setting, ask = setting_of(operation, function, **options)
    found = engine.observe(check_named(check) if isinstance(check, str) else check, setting, ask)
    assert found, "the check saw nothing"
    return setting, ask, found


def by_case(outcomes: Sequence[engine.Outcome]) -> dict[str, Observation]:
    return {each.observation.key.rpartition("/")[2]: each.observation for each in outcomes}


def observe(check: str | Check, operation: str, function: Function, **options: Any) -> dict[str, Observation]:
    """What a check shows of a planted function, by case. `options` are those of `setting_of`."""
    return by_case(_outcomes(check, operation, function, **options)[2])


def verdicts(found: dict[str, Observation]) -> dict[str, str]:
    return {case: str(observation.verdict) for case, observation in found.items()}


def deviating(
    check: str | Check, operation: str, function: Function, *, most: int | None = None, **options: Any
) -> dict[str, Observation]:
    """The observations of a check that deviate, with what reproduces them."""
    setting, ask, found = _outcomes(check, operation, function, **options)
    shown = by_case(reproduced(setting, found, ask, unexplained(found)[:most]))
    wrong = {case: each for case, each in shown.items() if each.verdict == "deviates"}
    assert all(each.reproduction is None for case, each in shown.items() if case not in wrong)
    return wrong


# Reproductions, evaluated from what stands in them alone


def number(text: Any) -> float:
    return float(text) if text in ("nan", "inf", "-inf") else float.fromhex(text)


def same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def _after_steps(call: StoredCall, known: dict[str, Any], inputs: dict[str, Array]) -> Array:
    objects: dict[int, Any] = {}
    results = []

    def act(verb: str, metric: Any, other: Any, batch: dict[str, Array]) -> Any:
        return eval(call.acts[verb], {**known, **batch, "metric": metric, "other": other})

    def at(place: int) -> Any:
        if place not in objects:
            objects[place] = act("make", None, None, inputs)
        return objects[place]

    for step in call.steps:
        batch = {n: np.concatenate([array[slice(*step.rows)]] * step.tile) for n, array in inputs.items()}
        for _ in range(step.repeat):
            if step.verb == "copy":
                objects[step.on] = act("copy", at(step.other), None, batch)
                continue
            metric = at(step.on)
            answer = act(step.verb, metric, at(step.other) if step.verb == "merge" else None, batch)
            if step.verb in ("result", "call"):
                results.append(np.ravel(answer))
    return np.concatenate(results)


def evaluated(call: StoredCall, function: Function, gradient: Function | None = None) -> Array:
    """The answer to a call of a reproduction, from what stands in it alone."""
    inputs = {name: decode(stored) for name, stored in call.inputs.items()}
    if call.layout is not None:
        inputs = {name: adapter("numpy").lay_out(array, call.layout, "cpu") for name, array in inputs.items()}
    parameters = {n: tuple(value) if isinstance(value, list) else value for n, value in call.parameters.items()}
    known = {"numpy": np, "scipy": scipy, "planted": function, **parameters}
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if call.cotangent is not None:
            assert gradient is not None
            return np.asarray(gradient(*inputs.values(), decode(call.cotangent), **parameters))
        if call.steps:
            return _after_steps(call, known, inputs)
        answer = np.asarray(eval(call.call, {**known, **inputs}))
        return answer if call.then is None else np.asarray(eval(call.then, {"numpy": np, "answer": answer}))


def _is_no_right_label(got: Array, expected: Expected) -> bool:
    for values in (expected.right or {}).values():
        if isinstance(values, dict):
            if list(got.shape) == values["shape"]:
                return False
            continue
        right = np.array([number(text) for text in values])
        if right.shape == got.ravel().shape:
            equal = (got.ravel() == right) | (np.isnan(got.ravel()) & np.isnan(right))
            with np.errstate(all="ignore"):
                if (equal | (np.abs(got.ravel() / right - 1) <= expected.within)).all():
                    return False
    return True


def shows(record: Reproduction | None, function: Function, gradient: Function | None = None) -> bool:
    """Whether the calls of a reproduction, evaluated anew, deviate from what is expected there."""
    expected, numbers = record.expected, []
    answers = [evaluated(call, function, gradient) for call in record.calls]
    for call, answer in zip(record.calls, answers, strict=True):
        if call.at is not None:
            got = float(answer[tuple(call.at)])
            assert same(got, number(call.got))
            numbers.append(got)
    if expected.shape is not None:
        assert list(answers[0].shape) == record.calls[0].shape
        return list(answers[0].shape) != expected.shape
    if expected.right is not None:
        return _is_no_right_label(np.concatenate([each.ravel() for each in answers]).astype(np.float64), expected)
    if expected.nearest is not None:
        (one,), other = numbers, number(expected.nearest)
        # The nearest number is half a unit from the exact one at most.
        slack = 0.5
    else:
        (one, other), slack = numbers, 0.0
    if math.isfinite(one) and math.isfinite(other):
        assert expected.allowed is not None
        return abs(one - other) / number(expected.ulp) > expected.allowed - slack
    return not same(one, other)


def sizes(record: Reproduction) -> dict[str, tuple[int, ...]]:
    """The shapes of the inputs of its first call."""
    return {name: tuple(stored.shape) for name, stored in record.calls[0].inputs.items()}


def values(record: Reproduction) -> dict[str, Any]:
    """The inputs of its first call."""
    return {name: decode(stored).tolist() for name, stored in record.calls[0].inputs.items()}


# Right implementations, in the precision of the arguments


def wide(function: Function) -> Function:
    """`function` computed in binary64 and rounded once to the format of its last array."""

    def widened(each: Any) -> Any:
        return each.astype(np.float64) if isinstance(each, np.ndarray) and each.dtype.kind not in "iu" else each

    def rounded(*arrays: Any, **parameters: Any) -> Any:
        own = [each for each in arrays if isinstance(each, np.ndarray)][-1].dtype
        return np.asarray(function(*map(widened, arrays), **parameters)).astype(own)

    return rounded


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
    return -np.where(y_true == 0, 0, y_true * log_softmax(logits)).sum(axis=1)


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


class Counting:
    """A mean of hits: two sums, in `kind`, and one quotient, in `answer`."""

    kind: ClassVar[Any] = np.float64
    answer: ClassVar[Any] = np.float32

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.hits, self.all = self.kind(0), self.kind(0)

    def total(self, terms: Array) -> Any:
        return terms.sum(dtype=self.kind)

    def add(self, values: Array, weight: Array) -> None:
        self.hits = self.kind(self.hits + self.total(values * weight))
        self.all = self.kind(self.all + self.total(weight))

    def update(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        values = (y_true == y_pred).astype(self.kind)
        self.add(values, np.ones(len(values), self.kind) if sample_weight is None else sample_weight.astype(self.kind))

    def result(self) -> Any:
        return self.answer(self.hits / self.all) if self.all else self.answer(0)

    def merge(self, other: "Counting") -> None:
        self.hits, self.all = self.kind(self.hits + other.hits), self.kind(self.all + other.all)

    def copy(self) -> "Counting":
        return copy.copy(self)


# Wrong ones that several tests plant


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


def swallowed(function: Function) -> Function:
    return lambda *arrays: np.nan_to_num(function(*arrays), posinf=np.inf, neginf=-np.inf)


def flushed(function: Function) -> Function:
    def flushing(x: Array) -> Array:
        answer = function(x)
        return np.where(np.abs(answer) < np.finfo(answer.dtype).tiny, 0, answer)

    return flushing


def clipped(edge: float) -> Function:
    def loss(y_true: Array, y_pred: Array) -> Array:
        p = np.clip(y_pred, np.float32(edge), np.float32(1 - edge)).astype(np.float64)
        return bce(y_true.astype(np.float64), p).astype(np.float32)

    return loss
