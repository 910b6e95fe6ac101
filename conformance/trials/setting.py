"""Settings: one implementation on one device, in one dtype and mode; its cases, calls and exact answers."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from gaugeblock.adapters.base import Adapter, Implementation, Mode
from gaugeblock.adapters.registry import adapter
from gaugeblock.conformance.cases.case import COTANGENT, Case
from gaugeblock.conformance.cases.cases import cases
from gaugeblock.conformance.execution.call import Call
from gaugeblock.conformance.execution.query import Query
from gaugeblock.conformance.judging.policy import STRICT, Policy
from gaugeblock.conformance.trials.effort import EFFORTS, STANDARD, Effort
from gaugeblock.reference import cached_truth
from gaugeblock.reference.catalogue import Operation, operation
from gaugeblock.reference.formats import FORMATS, Array, Format
from gaugeblock.reference.operations import REDUCTIONS
from gaugeblock.reference.truth import Truth


@dataclass(frozen=True)
class Setting:
    """One implementation on one device, in one dtype and mode."""

    implementation: Implementation
    dtype: str
    device: str
    mode: Mode
    own: Adapter | None = field(default=None, compare=False)
    """Who asks it, where that is no adapter of the registry: of a callable that a user hands in."""
    effort: Effort = EFFORTS[STANDARD].framework
    policy: Policy = STRICT
    abilities: frozenset[str] = frozenset()
    """What was measured of a callable before it is asked: see gaugeblock.conformance.yours.conventions."""
    keeps: bool = True
    """Whether exact answers are kept for others who ask for the same."""

    @staticmethod
    def of_framework(
        implementation: Implementation, dtype: str, device: str, mode: Mode, effort: str = STANDARD
    ) -> Setting:
        """The setting in which a run of an effort asks an implementation of a framework."""
        row = EFFORTS[effort]
        return Setting(implementation, dtype, device, mode, effort=row.combined if mode.combined else row.framework)

    @property
    def adapter(self) -> Adapter:
        """What the suite knows of the framework."""
        return self.own or adapter(self.implementation.framework)

    @property
    def operation(self) -> Operation:
        """The operation that the implementation claims to compute."""
        return operation(self.implementation.operation)

    @property
    def format(self) -> Format:
        """The format of its inputs; binary64 for operations on labels alone."""
        return FORMATS.get(self.dtype, FORMATS["float64"])

    @property
    def prefix(self) -> str:
        """operation/implementation/dtype/device/mode, the start of every key."""
        return "/".join((self.implementation.id, self.dtype, self.device, self.mode.name))

    @property
    def swept(self) -> bool:
        """Whether the dtype is one in which shapes are swept."""
        return self.dtype in self.mode.sweeps

    @property
    def reductions(self) -> tuple[str, ...]:
        """The reductions that the implementation can be asked for; `none` where it has no such parameter."""
        return self.implementation.choices("reduction", REDUCTIONS) or ("none",)

    def of(self, implementation: Implementation) -> Setting:
        """The same setting for another implementation of the framework."""
        return replace(self, implementation=implementation)

    def judged_by(self, policy: Policy) -> Setting:
        """The same setting under a policy that is at least as relaxed."""
        own = self.policy
        return replace(self, policy=Policy(own.any_order or policy.any_order, own.flush or policy.flush))

    @property
    def once(self) -> Setting:
        """The same setting for cases that nobody else asks: their exact answers are not kept."""
        return replace(self, keeps=False)

    # Cases

    def cases(self) -> tuple[Case, ...]:
        """The operation's cases that this implementation can be asked."""
        return tuple(case for case in cases(self.operation.name, self.format.name) if self.offers(case))

    def offers(self, case: Case) -> bool:
        """Whether the implementation offers the case's parameters, and its weights if it has any."""
        return can_ask(self.implementation, self.operation, case)

    def one_by_one(self, case: Case) -> bool:
        """Whether losses of single samples can be had only as the mean over one sample at a time."""
        return asked_one_by_one(self.implementation, self.operation, case)

    def ordinary(self, dtype: str | None = None, most: int = 1024) -> Case:
        """The largest ordinary case without weights, asked in one call, with so many numbers in an input at most.

        Where none of an operation's cases is tagged so, its first of that size.
        """
        offered = [
            case
            for case in cases(self.operation.name, dtype or self.format.name)
            if self.offers(case)
            and not self.one_by_one(case)
            and case.parameters.get("axis", -1) == -1
            and set(case.inputs) == set(self.operation.inputs)
        ]
        small = [case for case in offered if _size(case) <= most] or offered
        named = [case for case in small if "ordinary" in case.tags]
        return max(named, key=_size) if named else small[0]

    # What is sent

    def call(self, case: Case, *, implementation: Implementation | None = None, mode: Mode | None = None) -> Call:
        """The call that asks `case`, of this implementation and in this mode unless others are named."""
        asked = implementation or self.implementation
        op = operation(asked.operation)
        defaults = {name: default_of(op, name) for name in op.parameters} | {
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
        upstream = case.inputs.get(COTANGENT)
        mode = mode or self.mode
        return Call(asked, inputs, arrays, parameters, mode, self.device, upstream, case.order, case.steps, case.layout)

    def query(
        self,
        case: Case,
        *,
        implementation: Implementation | None = None,
        mode: Mode | None = None,
        together: str | None = None,
        **more: Any,
    ) -> Query:
        """What asks `case`: one call, or one for each sample where there is no other way.

        Args:
            case: what is asked; with a cotangent its vector-Jacobian product is.
            implementation: another of the framework.
            mode: another of its modes.
            together: cases that share it, and differ in their rows alone, are asked in one call; None asks as it is.
            more: fields of the query.
        """
        asked = implementation or self.implementation
        if COTANGENT not in case.inputs and asked_one_by_one(asked, self.operation, case):
            calls = tuple(self.call(each, implementation=asked, mode=mode) for each in samples(case))
            return Query(calls, join="samples", **more)
        call = self.call(case, implementation=asked, mode=mode)
        likeness = _likeness(case, operation(asked.operation))
        if together is not None and likeness is not None:
            more["together"] = (together, asked.id, call.mode.name, likeness)
        return Query((call,), **more)

    # What is expected

    def truth(self, case: Case, fmt: Format | None = None, **more: Any) -> Truth:
        """The exact answer under the implementation's conventions; `more` overrides the case's parameters."""
        parameters = definition_parameters(self.implementation, {**case.parameters, **more})
        inputs = {name: array for name, array in case.inputs.items() if name != COTANGENT}
        return cached_truth.evaluate(self.operation, fmt or self.format, inputs, keep=self.keeps, **parameters)

    def derivative(self, case: Case, cotangent: Array) -> Truth:
        """The exact vector-Jacobian product with respect to the last input; see engine.gradient."""
        parameters = definition_parameters(self.implementation, case.parameters)
        inputs = {name: array for name, array in case.inputs.items() if name != COTANGENT}
        return cached_truth.gradient(
            self.operation, self.format, inputs, cotangent, keep=self.keeps, order=case.order, **parameters
        )

    # Other implementations of the framework

    def partner(self, name: str) -> Implementation | None:
        """The framework's implementation of another operation whose public path is nearest; None if it has none."""
        offers = [
            each
            for each in self.adapter.implementations
            if each.operation == name and offered_in(each, self.mode, self.dtype)
        ]
        own = self.implementation.name
        return max(offers, key=lambda each: _shared_start(each.name, own), default=None)

    def partners(self, *names: str) -> tuple[Implementation, ...]:
        """The partner of each name; all of them are there."""
        found = tuple(self.partner(name) for name in names)
        return tuple(each for each in found if each is not None)


def _size(case: Case) -> int:
    return max(array.size for array in case.inputs.values())


def _likeness(case: Case, op: Operation) -> Any:
    """What cases must share to be asked in one call: parameters and row length, and nothing reduced; None: nothing."""
    plain = case.parameters.get("reduction", "none") == "none" and case.parameters.get("axis", -1) == -1
    if not plain or op.whole or case.inputs[op.inputs[0]].ndim <= op.core_ranks[0]:
        return None
    shapes = tuple((name, array.shape[1:]) for name, array in case.inputs.items())
    return tuple(sorted(case.parameters.items())), shapes, case.order


def samples(case: Case) -> list[Case]:
    """A case for each sample, that of the mean over itself."""
    first = next(iter(case.inputs.values()))
    return [
        Case(
            case.name,
            {name: array[i : i + 1] for name, array in case.inputs.items()},
            {**case.parameters, "reduction": "mean"},
            layout=case.layout,
        )
        for i in range(len(first) if first.ndim else 1)
    ]


def definition_parameters(implementation: Implementation, parameters: dict[str, Any] | Any) -> dict[str, Any]:
    """The case's parameters, and the conventions that the implementation is measured to follow."""
    conventions = {name: value for name, value in implementation.conventions.items() if name != "reduction"}
    return {**parameters, **conventions}


def can_ask(implementation: Implementation, op: Operation, case: Case) -> bool:
    """Whether an implementation offers a case's parameters, and its weights if it has any."""
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
        elif name not in implementation.names and value != default_of(op, name):
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


def default_of(op: Operation, name: str) -> Any:
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


def _shared_start(one: str, other: str) -> int:
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def batch_of(inputs: Mapping[str, Array], rows: Sequence[int] | Array) -> dict[str, Array]:
    """Some rows of every input."""
    return {name: array[np.asarray(rows, int)] for name, array in inputs.items()}
