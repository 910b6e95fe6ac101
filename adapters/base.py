"""What an adapter is: one framework's implementations, modes and devices, and how arrays go in and out."""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib.metadata
from abc import ABC
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import ml_dtypes
import numpy as np
from trueline.adapters.wording import Wording, evaluated, placing, product

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]

WIDE = ("float16", "bfloat16", "float32", "float64")
OTHER = ("bool", "int8", "uint8", "int16", "uint16", "int32", "int64", "uint64", "float16", "float32", "float64")
OURS = "TRUELINE_"
"""How the names of the suite's own environment variables start."""

NATIVE = ("float16", "float32", "float64")
"""Those that NumPy has itself."""


@dataclass(frozen=True)
class Lifecycle:
    """How a framework's stateful metrics are used, as Python expressions of `metric`, the object.

    `update` is what is called with the arguments of a line of the table, and so is `call`, whose value is a result;
    `merge` takes the state of `other` into
    `metric`; `copy` is a second object of the same state. What is None, the framework does not offer.
    """

    update: str
    result: str
    reset: str
    call: str | None = None
    merge: str | None = None
    copy: str | None = None


@dataclass(frozen=True)
class Implementation:
    """One public callable of a framework that claims to compute an operation.

    `call` is the Python expression that is evaluated; the operation's inputs and parameters stand in it under
    the operation's own names. What a report shows of a call is this text.
    """

    framework: str
    operation: str
    name: str
    call: str
    conventions: Mapping[str, Any] = field(default_factory=dict)
    """Parameters of the definition that this implementation fixes. A tuple lists the values it can be asked for."""
    dtypes: tuple[str, ...] | None = None
    """The formats it is asked for, where its documentation names fewer than the mode has."""
    stateful: bool = False
    """An object that creates variables, `maker(...)(arguments)`, or a call that writes to an array given: it is not
    asked for in compiled modes."""
    differentiable: bool = True
    """Whether it has a derivative, where the framework has autodiff."""
    lifecycle: Lifecycle | None = None
    """How such an object is used, one batch after another."""

    @property
    def id(self) -> str:
        """operation/name, unique in the suite."""
        return f"{self.operation}/{self.name}"

    @functools.cached_property
    def names(self) -> frozenset[str]:
        """Every name that the call mentions: inputs, parameters and modules."""
        return frozenset(node.id for node in ast.walk(ast.parse(self.call, mode="eval")) if isinstance(node, ast.Name))

    def choices(self, parameter: str, every: Sequence[Any]) -> tuple[Any, ...]:
        """The values out of `every` that this implementation can be asked for."""
        convention = self.conventions.get(parameter)
        if isinstance(convention, tuple):
            return convention
        if convention is not None:
            return (convention,)
        return tuple(every) if parameter in self.names else ()

    def acts(self) -> dict[str, str]:
        """What is evaluated to make the object of a stateful call, and for each act of its lifecycle that there is.

        ValueError if the call is not `maker(...)(arguments)`.
        """
        outer = ast.parse(self.call, mode="eval").body
        if self.lifecycle is None or not isinstance(outer, ast.Call) or not isinstance(outer.func, ast.Call):
            raise ValueError(f"{self.id} is no stateful call of the form maker(...)(arguments)")
        given = [ast.unparse(each) for each in (*outer.args, *outer.keywords)]
        every = {**vars(self.lifecycle), "make": ast.unparse(outer.func)}
        arguments = f"({', '.join(given)})"
        every["update"] += arguments
        if every["call"] is not None:
            every["call"] += arguments
        return {name: text for name, text in every.items() if text is not None}

    def function(
        self, namespace: Mapping[str, Any], arguments: Sequence[str], expression: str | None = None
    ) -> Function:
        """The call, or another expression, as a function of `arguments`, evaluated among `namespace`."""
        source = f"lambda {', '.join(arguments)}: {expression or self.call}"
        made: Function = eval(compile(source, f"<{self.name}>", "eval"), dict(namespace))
        return made


def implements(
    operation: str,
    call: str,
    *,
    name: str | None = None,
    dtypes: tuple[str, ...] | None = None,
    stateful: bool = False,
    differentiable: bool = True,
    **conventions: Any,
) -> tuple[Any, ...]:
    """One line of an adapter's table. The public path is what stands before the call's first parenthesis."""
    return operation, name or call.partition("(")[0], call, conventions, dtypes, stateful, differentiable


@dataclass(frozen=True)
class Mode:
    """A way of executing. Modes with the same `environ` share a process; `requires` names other adapters."""

    name: str
    dtypes: tuple[str, ...] = WIDE
    environ: Mapping[str, str] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    compiled: bool = False
    layouts: tuple[str, ...] = ()
    """Memory layouts in which arrays are handed over."""
    other_dtypes: tuple[str, ...] = OTHER
    """Dtypes in which numbers and labels are handed over beside those of the mode; fewer where each is compiled."""
    sweeps: tuple[str, ...] = WIDE
    """Dtypes in which every shape is asked; fewer where each is compiled anew, or another adapter sweeps the rest."""
    few_shapes: bool = False
    """Whether only some shapes are asked, since each costs hundreds of milliseconds."""


class Adapter(ABC):
    """One framework. Only `load` imports it; what comes after `load` runs in the framework's own process."""

    framework: ClassVar[str]
    distributions: ClassVar[tuple[str, ...]]
    """Distributions whose versions name the environment, `|` between alternatives; the first must be installed."""
    extra: ClassVar[str]
    """The extra of trueline that installs the framework."""
    modules: ClassVar[tuple[str, ...]]
    """What is imported, under the names that calls use: "sklearn.metrics", "tensorflow as tf"."""
    modes: ClassVar[tuple[Mode, ...]]
    table: ClassVar[tuple[tuple[Any, ...], ...]]
    differentiable: ClassVar[bool] = True
    cpu_only: ClassVar[bool] = False
    spelling: ClassVar[Mapping[str, Mapping[Any, Any]]] = {}
    """The framework's own words for parameter values: {"reduction": {"mean": "sum_over_batch_size"}}."""
    wording: ClassVar[Wording] = Wording()
    """How arrays go in and out, and what else stands around a call."""
    lifecycle: ClassVar[Lifecycle | None] = None
    """How the framework's stateful metrics are used, if it has any."""

    names: Mapping[str, Any] = {"numpy": np}
    """What the wording's texts may name; with the framework's modules once it is loaded."""

    @functools.cached_property
    def implementations(self) -> tuple[Implementation, ...]:
        """The table, as implementations."""
        made = (Implementation(self.framework, *line) for line in self.table)
        return tuple(replace(each, lifecycle=self.lifecycle) if each.stateful else each for each in made)

    def spelled(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters with their values in the framework's own words."""
        return {name: self.spelling.get(name, {}).get(value, value) for name, value in parameters.items()}

    def versions(self) -> dict[str, str]:
        """Installed versions of the distributions; empty if the framework is not installed. Imports nothing."""
        found: dict[str, str] = {}
        for index, names in enumerate(self.distributions):
            for name in names.split("|"):
                with contextlib.suppress(importlib.metadata.PackageNotFoundError):
                    found[name] = importlib.metadata.version(name)
                    break
            else:
                if index == 0:
                    return {}
        return found

    def load(self) -> dict[str, Any]:
        """Import the framework; return the names that calls may use."""
        names: dict[str, Any] = {}
        exec("\n".join(f"import {module}" for module in self.modules), names)
        del names["__builtins__"]
        self.names = {"numpy": np, **names}
        return names

    def evaluated(self, text: str, **names: Any) -> Any:
        """What a text of the wording says."""
        return evaluated(text, self.names, **names)

    def devices(self) -> dict[str, str]:
        """Slugs of the devices that the framework sees, with the hardware's name."""
        return {"cpu": ""}

    def flags(self) -> dict[str, str | float | bool | None]:
        """Settings of this process that can change results."""
        return {}

    def worded(self, mode: Mode) -> Wording:
        """The wording in a mode."""
        del mode
        return self.wording

    def imported(self, mode: Mode) -> tuple[str, ...]:
        """What is imported in a mode."""
        del mode
        return self.modules

    def told(self, mode: Mode) -> dict[str, Any] | None:
        """What a run file keeps for scripts that reproduce what was seen in a mode; None where it has no words for it.

        A script sets the environment itself, but for the variables that are the suite's own.
        """
        wording = self.worded(mode)
        if wording == Wording():
            return None
        environ = {name: value for name, value in mode.environ.items() if not name.startswith(OURS)}
        return {"imports": list(self.imported(mode)), "environ": environ, "compiled": mode.compiled, **wording.record()}

    def put(self, array: Array, device: str) -> Any:
        """The framework's own array, on the device, with the same bits."""
        narrow = self.wording.put_bfloat16 if array.dtype.name == "bfloat16" else None
        return self.evaluated(narrow or self.wording.put, array=array, **placing(device))

    def lay_out(self, array: Array, layout: str, device: str) -> Any:
        """The framework's own array with the same numbers, in a memory layout that the mode names."""
        filler = 0 if array.dtype.kind in "biu" else np.nan
        handed, own = self.wording.handed.get(layout), self.wording.laid_out.get(layout)
        if handed is None and own is None:
            raise NotImplementedError(f"{self.framework} has no layout {layout}")
        made = self.put(array if handed is None else self.evaluated(handed, array=array, filler=filler), device)
        return made if own is None else self.evaluated(own, array=made, filler=filler)

    def get(self, answer: Any) -> Array:
        """The answer as a NumPy array of the same dtype and bits."""
        narrow = str(getattr(answer, "dtype", "")).endswith("bfloat16") and self.wording.get_bfloat16
        array = np.asarray(self.evaluated(narrow or self.wording.get, answer=answer))
        return array.astype(ml_dtypes.bfloat16) if narrow else array

    def compile(self, function: Function) -> Function:
        """`function` compiled, for modes that are."""
        if self.wording.compile is None:
            raise NotImplementedError(f"{self.framework} compiles nothing")
        compiled: Function = self.evaluated(self.wording.compile, function=function)
        return compiled

    def on_device(self, function: Function, device: str) -> Function:
        """`function` with its calls placed on the device."""
        text = self.wording.placed
        if text is None:
            return function

        def placed(*arrays: Any) -> Any:
            with self.evaluated(text, **placing(device)):
                return function(*arrays)

        return placed

    def vjp(self, function: Function, order: int = 1) -> Function:
        """(arrays..., cotangent) -> the vector-Jacobian product of `function` with respect to its last array.

        Of `order` 2, for a function of one number, it is that of this product, with the cotangent once more.
        """
        text = self.wording.gradient if order == 1 else self.wording.second
        if text is None:
            raise NotImplementedError(f"{self.framework} has no gradients of order {order}")
        made: Function = product(text, self.names)(function)
        return made
