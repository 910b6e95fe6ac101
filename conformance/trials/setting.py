"""What a check is given: one implementation in one setting, a way to ask it, and the truth."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from gaugeblock.adapters.base import Adapter, Implementation, Mode
from gaugeblock.adapters.registry import adapter
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.cases import cases
from gaugeblock.conformance.execution.call import Answer, Call
from gaugeblock.conformance.judging.judge import Judgement
from gaugeblock.conformance.judging.showing import Replay, observed
from gaugeblock.reference.cached_truth import evaluate, gradient
from gaugeblock.reference.catalogue import Operation, operation
from gaugeblock.reference.formats import FORMATS, Array, Format
from gaugeblock.reference.operations import REDUCTIONS
from gaugeblock.reference.truth import Truth

Ask = Callable[[Sequence[Call]], list[Answer]]
Observation = dict[str, Any]


@dataclass(frozen=True)
class Setting:
    """One implementation on one device, in one dtype and mode."""

    implementation: Implementation
    dtype: str
    device: str
    mode: Mode
    own: Adapter | None = field(default=None, compare=False)
    """Who asks it, where that is no adapter of the registry."""

    @property
    def adapter(self) -> Adapter:
        """What the suite knows of the framework."""
        return self.own or adapter(self.implementation.framework)

    @property
    def thorough(self) -> bool:
        """Whether it is asked all that there is: what is given is, and modes that say so."""
        return self.own is not None or self.mode.combined

    @property
    def operation(self) -> Operation:
        """The operation that the implementation claims to compute."""
        return operation(self.implementation.operation)

    @property
    def prefix(self) -> str:
        """operation/implementation/dtype/device/mode, the start of every key."""
        return "/".join((self.implementation.id, self.dtype, self.device, self.mode.name))


@dataclass
class Clock:
    """Seconds that the oracle took."""

    oracle: float = 0.0


@dataclass
class Context:
    """A setting with a way to ask."""

    setting: Setting
    ask: Ask
    clock: Clock = field(default_factory=Clock)
    stored_cases: dict[str, Case] = field(default_factory=dict)
    """Cases that observations were made of, under operation/dtype/check/case."""
    replays: dict[str, Replay] = field(default_factory=dict)
    """How observations that deviate are made again, by their keys."""
    keeps: bool = True
    """Whether exact answers are kept for others who ask for the same."""

    @property
    def implementation(self) -> Implementation:
        """The implementation under test."""
        return self.setting.implementation

    @property
    def operation(self) -> Operation:
        """The operation it claims to compute."""
        return self.setting.operation

    @property
    def format(self) -> Format:
        """The format of its inputs; binary64 for operations on labels alone."""
        return FORMATS.get(self.setting.dtype, FORMATS["float64"])

    def of(self, implementation: Implementation) -> Context:
        """The same setting for another implementation of the framework."""
        setting = replace(self.setting, implementation=implementation)
        return replace(self, setting=setting)

    def cases(self) -> tuple[Case, ...]:
        """The operation's cases that this implementation can be asked."""
        every = cases(self.operation.name, self.format.name)
        return tuple(case for case in every if can_ask(self.implementation, self.operation, case))

    def call(
        self,
        case: Case,
        *,
        implementation: Implementation | None = None,
        mode: Mode | None = None,
        cotangent: Array | None = None,
        order: int = 1,
    ) -> Call:
        """The call that asks `case`."""
        asked = implementation or self.implementation
        op = operation(asked.operation)
        defaults = {name: _default(op, name) for name in op.parameters} | {
            "axis": -1,
            "sample_weight": None,
            "mean_over": "weights",
        }
        # The array that is differentiated stands last.
        inputs = (*(name for name in case.inputs if name == "sample_weight"), *op.inputs)
        parameters = {
            name: value
            for name, value in {**defaults, **case.parameters}.items()
            if name in asked.names and name not in inputs
        }
        arrays = tuple(case.inputs[name] for name in inputs)
        return Call(asked, inputs, arrays, parameters, mode or self.setting.mode, self.setting.device, cotangent, order)

    def truth(
        self,
        case: Case,
        fmt: Format | None = None,
        *,
        implementation: Implementation | None = None,
        **more: Any,
    ) -> Truth:
        """The exact answer under the implementation's conventions; `more` overrides the case's parameters."""
        asked = implementation or self.implementation
        parameters = definition_parameters(asked, {**case.parameters, **more})
        started = time.perf_counter()
        try:
            op = operation(asked.operation)
            return evaluate(op, fmt or self.format, case.inputs, keep=self.keeps, **parameters)
        finally:
            self.clock.oracle += time.perf_counter() - started

    def gradient(
        self, case: Case, cotangent: Array, *, implementation: Implementation | None = None, order: int = 1
    ) -> Truth:
        """The exact vector-Jacobian product with respect to the last input; see engine.gradient."""
        asked = implementation or self.implementation
        parameters = definition_parameters(asked, case.parameters)
        started = time.perf_counter()
        try:
            op = operation(asked.operation)
            return gradient(op, self.format, case.inputs, cotangent, keep=self.keeps, order=order, **parameters)
        finally:
            self.clock.oracle += time.perf_counter() - started

    def partner(self, name: str) -> Implementation | None:
        """The same framework's implementation of another operation whose public path is nearest."""
        return partner(self.setting, name)

    def observation(
        self, check: str, case: Case, judgement: Judgement, *, replay: Replay | None = None, **more: Any
    ) -> Observation:
        """The record of what `check` saw of `case`; `replay` is how to see it again."""
        return self.seen(check, case, observed(judgement, **more), replay)

    def seen(self, check: str, case: Case, fields: Mapping[str, Any], replay: Replay | None) -> Observation:
        """The record that holds these fields."""
        self.stored_cases[f"{self.implementation.operation}/{self.setting.dtype}/{check}/{case.name}"] = case
        key = f"{self.setting.prefix}/{check}/{case.name}"
        if replay is not None and fields["verdict"] == "deviates":
            self.replays[key] = replay
        return {"key": key, **fields}


def definition_parameters(implementation: Implementation, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The case's parameters, and the conventions that the implementation is measured to follow."""
    conventions = {name: value for name, value in implementation.conventions.items() if name != "reduction"}
    return {**parameters, **conventions}


def can_ask(implementation: Implementation, op: Operation, case: Case) -> bool:
    """Whether the implementation offers the case's parameters, and its weights if it has any."""
    # The mean over one weighted sample is its loss again, without the weight.
    weighs = "sample_weight" in implementation.names and not asked_one_by_one(implementation, op, case)
    if "sample_weight" in case.inputs and not weighs:
        return False
    for name, value in case.parameters.items():
        if name == "reduction":
            if value not in implementation.choices(name, REDUCTIONS) and not asked_one_by_one(implementation, op, case):
                return False
        elif name in implementation.conventions:
            if not _same(implementation.conventions[name], value, case):
                return False
        elif name not in implementation.names and value != _default(op, name):
            return False
    return True


def _same(convention: Any, value: Any, case: Case) -> bool:
    """Whether a case asks for what an implementation does anyhow; the class axis counts from either end."""
    if isinstance(convention, tuple) and not isinstance(value, tuple):
        return value in convention
    rank = max((array.ndim for array in case.inputs.values()), default=0)
    return bool(convention == value or (isinstance(value, int) and value < 0 and rank and convention == value % rank))


def asked_one_by_one(implementation: Implementation, op: Operation, case: Case) -> bool:
    """Whether losses of single samples can be had only as the mean over one sample at a time."""
    offered = implementation.choices("reduction", REDUCTIONS)
    return (
        op.kind == "loss" and case.parameters.get("reduction") == "none" and "none" not in offered and "mean" in offered
    )


def _default(op: Operation, name: str) -> Any:
    """The definition's default, a number where the definition has a ball."""
    default = op.parameters.get(name)
    return default if isinstance(default, int | str | tuple | None) else float(default)


def offered_in(implementation: Implementation, mode: Mode, dtype: str) -> bool:
    """Whether the adapter offers the implementation in this mode and dtype."""
    if mode.compiled and implementation.stateful:
        return False
    return dtype in dtypes_of(implementation, mode)


def dtypes_of(implementation: Implementation, mode: Mode) -> tuple[str, ...]:
    """The dtypes in which an implementation is asked in this mode."""
    op = operation(implementation.operation)
    if op.integers.issuperset(op.inputs):
        return ("int64",)
    return tuple(dtype for dtype in mode.dtypes if implementation.dtypes is None or dtype in implementation.dtypes)


def partner(setting: Setting, name: str) -> Implementation | None:
    """See Context.partner; None if the framework offers no such operation in this mode and dtype."""
    offers = [
        each
        for each in setting.adapter.implementations
        if each.operation == name and offered_in(each, setting.mode, setting.dtype)
    ]
    own = setting.implementation.name
    return max(offers, key=lambda each: _shared_start(each.name, own), default=None)


def _shared_start(one: str, other: str) -> int:
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
