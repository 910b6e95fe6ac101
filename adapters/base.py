"""What an adapter is: one framework's implementations, modes and devices, and how arrays go in and out.

The adapters of the suite are modules beside this one; others come as plug-ins, under entry points of the group
`gaugeblock.adapters` (docs/adding-a-framework.md builds one).
"""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib.metadata
from abc import ABC
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import ml_dtypes
import numpy as np
from gaugeblock.adapters.layouts import has_layout
from gaugeblock.adapters.wording import Wording, evaluated, placing, product

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]

WIDE = ("float16", "bfloat16", "float32", "float64")
OTHER = ("bool", "int8", "uint8", "int16", "uint16", "int32", "int64", "uint64", "float16", "float32", "float64")
OURS = "GAUGEBLOCK_"
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
    product: str | None = None
    """The expression of its vector-Jacobian product, where it brings its own; `cotangent` is the upstream gradient."""

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
    """One line of an adapter's table: what the framework has for an operation.

    Args:
        operation: its name, as `gaugeblock list operations` has it.
        call: the Python expression that is evaluated. The operation's inputs and parameters stand in it under the
            definition's names (docs/operations), beside `axis` for activations of rows, `reduction` ("none", "mean"
            or "sum") and `sample_weight` for losses and metrics, and the names that `load` returns. A parameter that
            is not mentioned is not asked for.
        name: the public path, a part of each observation's key; by default what stands before the call's first
            parenthesis.
        dtypes: the formats it is asked for, where its documentation names fewer than the mode has.
        stateful: whether the call is `maker(...)(arguments)` of an object that keeps state, or writes to an array.
        differentiable: False where the framework's autodiff does not know the call.
        **conventions: parameters of the definition that the call fixes (`reduction="mean"`, `axis=-1`, `clip=1e-7`);
            a tuple lists the values that it can be asked for.
    """
    return operation, name or call.partition("(")[0], call, conventions, dtypes, stateful, differentiable


@dataclass(frozen=True)
class Mode:
    """A way of executing. Modes with the same `environ` share a process; `requires` names other adapters."""

    name: str
    """A part of each observation's key. A compiled mode has `compiled` in its name, and stands beside one of the same
    name with `eager` in its place, with which its answers are compared."""
    dtypes: tuple[str, ...] = WIDE
    """Formats of the numbers handed over: of float16, bfloat16, float32 and float64."""
    environ: Mapping[str, str] = field(default_factory=dict)
    """Environment variables, set before the framework is imported."""
    requires: tuple[str, ...] = ()
    compiled: bool = False
    """Whether calls go through the adapter's `compile`."""
    layouts: tuple[str, ...] = ()
    """Memory layouts in which arrays are handed over, by `lay_out`."""
    other_dtypes: tuple[str, ...] = OTHER
    """Dtypes in which numbers and labels are handed over beside those of the mode; fewer where each is compiled."""
    sweeps: tuple[str, ...] = WIDE
    """Dtypes in which every shape is asked; fewer where each is compiled anew, or another adapter sweeps the rest."""
    few_shapes: bool = False
    """Whether only some shapes are asked, since each costs hundreds of milliseconds."""
    combined: bool = False
    """Whether combinations, large batches, long rows and dense lines are asked, as they are of what is given to
    `check`: each deviation there wants its reason."""
    subnormals: bool = False
    """Whether subnormal numbers are asked beside others, since nothing around the call flushes them."""


class Adapter(ABC):
    """What the suite knows of one framework.

    The module of an adapter imports no framework: the attributes, `versions` and `present` are read wherever a run is
    planned or listed. `load` imports it, in a process of the framework's own; what stands below `load` is called
    there, after it. An adapter needs the attributes without a value here, `put` and `get`; the rest has defaults.
    """

    framework: ClassVar[str]
    """The name that `--framework` takes; of a plug-in, that of its entry point."""
    distributions: ClassVar[tuple[str, ...]]
    """Distributions whose versions name the environment, `|` between alternatives; the first must be installed. Of a
    plug-in, its own among them."""
    modules: ClassVar[tuple[str, ...]]
    """What is imported, under the names that calls use: "jax.nn", "tensorflow as tf"."""
    modes: ClassVar[tuple[Mode, ...]]
    """Ways of executing, each measured on its own."""
    table: ClassVar[tuple[tuple[Any, ...], ...]]
    """The implementations, each line made by `implements`."""
    extra: ClassVar[str] = ""
    """The extra of gaugeblock that installs the framework; without one, the first distribution does."""
    differentiable: ClassVar[bool] = True
    """Whether the framework has gradients, by `vjp`."""
    device_types: ClassVar[tuple[str, ...]] = ("cpu", "cuda")
    """Kinds of devices. `--device` takes a kind, or one device of it: npu, npu:0. Answers of other kinds are compared
    with those of `cpu`, if that is one of them."""
    spelling: ClassVar[Mapping[str, Mapping[Any, Any]]] = {}
    """The framework's own words for parameter values: {"reduction": {"mean": "sum_over_batch_size"}}."""
    wording: ClassVar[Wording] = Wording()
    """How arrays go in and out, and what else stands around a call."""
    lifecycle: ClassVar[Lifecycle | None] = None
    """How the framework's stateful metrics are used, if it has any."""
    prefix: ClassVar[str] = ""
    """What stands before the name of each implementation: one that takes another adapter's table, for a device of its
    own, tells its observations from that one's so ("npu." makes npu.torch.softmax)."""
    expectations: ClassVar[tuple[Mapping[str, Any], ...]] = ()
    """Deviations that are known, of a plug-in: what `gaugeblock.conformance.known.matcher.Expectation` takes, each as a
    mapping ({"id": ..., "keys": [...], "why": ..., "at_most": ...})."""

    names: Mapping[str, Any] = {"numpy": np}
    """What the wording's texts may name; with the framework's modules once it is loaded."""

    @functools.cached_property
    def implementations(self) -> tuple[Implementation, ...]:
        """The table, as implementations."""
        made = (Implementation(self.framework, line[0], self.prefix + line[1], *line[2:]) for line in self.table)
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

    def present(self) -> tuple[str, ...]:
        """Slugs of the devices that this machine seems to have for the framework, found without importing it.

        By default the CPU and the NVIDIA devices that the system shows, as far as `device_types` has their kinds.
        What `devices` then lacks is recorded as not run.
        """
        count = sum(1 for path in Path("/dev").glob("nvidia[0-9]*"))
        every = ("cpu", *(f"cuda:{index}" for index in range(count)))
        return tuple(slug for slug in every if slug.partition(":")[0] in self.device_types)

    def load(self) -> dict[str, Any]:
        """Import the framework; return the names that calls may use, with the modules behind them.

        What it raises is told as a harness error of the framework's tests, and the run goes on.
        """
        names: dict[str, Any] = {}
        exec("\n".join(f"import {module}" for module in self.modules), names)
        del names["__builtins__"]
        self.names = {"numpy": np, **names}
        return names

    def evaluated(self, text: str, **names: Any) -> Any:
        """What a text of the wording says."""
        return evaluated(text, self.names, **names)

    def devices(self) -> dict[str, str]:
        """Slugs of the devices that the framework sees, with the hardware's name, or "" where nothing tells it.

        A slug is a kind (`cpu`) or one of several devices of it (`cuda:1`).
        """
        return {"cpu": ""}

    def flags(self) -> dict[str, str | float | bool | None]:
        """Settings of this process that can change results: they stand in the run file, for its reader."""
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
        if wording == Wording() and type(self).put is not Adapter.put:
            return None
        environ = {name: value for name, value in mode.environ.items() if not name.startswith(OURS)}
        return {"imports": list(self.imported(mode)), "environ": environ, "compiled": mode.compiled, **wording.record()}

    def put(self, array: Array, device: str) -> Any:
        """The framework's own array, on the device, with the same bits.

        `array` is in C order, of the mode's dtypes, bool or integers; bfloat16 is that of ml_dtypes. What is returned
        is multiplied by 0.5 once, to see whether subnormal numbers are flushed; unless it can be, that is unknown.
        """
        narrow = self.wording.put_bfloat16 if array.dtype.name == "bfloat16" else None
        with self._placed(device):
            return self.evaluated(narrow or self.wording.put, array=array, **placing(device))

    def _placed(self, device: str) -> contextlib.AbstractContextManager[Any]:
        text = self.wording.placed
        found: contextlib.AbstractContextManager[Any] = (
            contextlib.nullcontext() if text is None else self.evaluated(text, **placing(device))
        )
        return found

    def lay_out(self, array: Array, layout: str, device: str) -> Any:
        """The framework's own array with the same numbers, in a memory layout that the mode names.

        Of layouts in REPEATED the first row stands for all, so that other rows than equal ones lie plainly, as a single
        number does.
        """
        filler = 0 if array.dtype.kind in "biu" else np.nan
        handed, own = self.wording.handed.get(layout), self.wording.laid_out.get(layout)
        if handed is None and own is None:
            raise NotImplementedError(f"{self.framework} has no layout {layout}")
        if not has_layout(array, layout):
            return self.put(array, device)
        made = self.put(array if handed is None else self.evaluated(handed, array=array, filler=filler), device)
        return made if own is None else self.evaluated(own, array=made, filler=filler)

    def get(self, answer: Any) -> Array:
        """The answer as a NumPy array of the same dtype and bits: arrays, and whatever else calls return."""
        narrow = str(getattr(answer, "dtype", "")).endswith("bfloat16") and self.wording.get_bfloat16
        array = np.asarray(self.evaluated(narrow or self.wording.get, answer=answer))
        return array.astype(ml_dtypes.bfloat16) if narrow else array

    def compile(self, function: Function) -> Function:
        """`function`, of the framework's arrays, compiled: for modes that are.

        It is called with arrays of several shapes, in the first of which the compiler may be asked to work anew.
        """
        if self.wording.compile is None:
            raise NotImplementedError(f"{self.framework} compiles nothing")
        compiled: Function = self.evaluated(self.wording.compile, function=function)
        return compiled

    def on_device(self, function: Function, device: str) -> Function:
        """`function` with its calls placed on the device, where arrays alone do not place them."""
        if self.wording.placed is None:
            return function

        def placed(*arrays: Any) -> Any:
            with self._placed(device):
                return function(*arrays)

        return placed

    def vjp(self, function: Function, order: int = 1) -> Function:
        """(arrays..., cotangent) -> the vector-Jacobian product of `function` with respect to its last array.

        Arrays, the cotangent and the product are the framework's own, the cotangent in the shape of the answer. Of
        `order` 2, for a function of one number, it is that of this product, with the cotangent once more.
        """
        text = self.wording.gradient if order == 1 else self.wording.second
        if text is not None:
            made: Function = product(text, self.names)(function)
            return made

        def lacking(*arrays: Any) -> Any:
            raise NotImplementedError(f"{self.framework} has no gradients of order {order}")

        return lacking
