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
"""The formats in which a mode takes numbers, by default."""

NATIVE = ("float16", "float32", "float64")
"""Those of them that NumPy has itself."""

OTHER = ("bool", "int8", "uint8", "int16", "uint16", "int32", "int64", "uint64", "float16", "float32", "float64")
"""The dtypes in which numbers and labels are handed over besides, by default."""

SUITE_VARIABLES = "GAUGEBLOCK_"
"""Prefix of the environment variables of the suite itself."""


@dataclass(frozen=True)
class Lifecycle:
    """How a framework's stateful metrics are used, as Python expressions of `metric`, the object.

    `update` and `call` are called with the arguments of the table's line, and the value of `call` is a result. `merge`
    adds the state of `other` to `metric`; `copy` is a second object of the same state. None: not offered.
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
    """Parameters of the definition that this implementation fixes. A tuple lists the values that it supports."""
    dtypes: tuple[str, ...] | None = None
    """The formats that it supports, where its documentation names fewer than the mode has."""
    stateful: bool = False
    """An object that creates variables, `maker(...)(arguments)`, or a call that writes to an array passed to it: not
    invoked in compiled modes."""
    differentiable: bool = True
    """Whether it has a derivative, where the framework has autodiff."""
    lifecycle: Lifecycle | None = None
    """How such an object is used, one batch after another."""
    product: str | None = None
    """The expression of its vector-Jacobian product, where it brings its own; `cotangent` is a name in it."""
    same_as: str | None = None
    """The name of the framework's implementation of the operation in whose code this one ends."""

    @property
    def id(self) -> str:
        """operation/name, unique in the suite."""
        return f"{self.operation}/{self.name}"

    @functools.cached_property
    def names(self) -> frozenset[str]:
        """Every name that the call mentions: inputs, parameters and modules."""
        return frozenset(node.id for node in ast.walk(ast.parse(self.call, mode="eval")) if isinstance(node, ast.Name))

    def choices(self, parameter: str, every: Sequence[Any]) -> tuple[Any, ...]:
        """The values of a parameter, out of `every`, that this implementation supports."""
        convention = self.conventions.get(parameter)
        if isinstance(convention, tuple):
            return convention
        if convention is not None:
            return (convention,)
        return tuple(every) if parameter in self.names else ()

    def acts(self) -> dict[str, str]:
        """The expressions of a stateful call: "make" for the object, and the fields of its lifecycle that are not None.

        ValueError if the call is not `maker(...)(arguments)`.
        """
        outer = ast.parse(self.call, mode="eval").body
        if self.lifecycle is None or not isinstance(outer, ast.Call) or not isinstance(outer.func, ast.Call):
            raise ValueError(f"{self.id} is no stateful call of the form maker(...)(arguments)")
        passed = [ast.unparse(each) for each in (*outer.args, *outer.keywords)]
        texts = {**vars(self.lifecycle), "make": ast.unparse(outer.func)}
        arguments = f"({', '.join(passed)})"
        texts["update"] += arguments
        if texts["call"] is not None:
            texts["call"] += arguments
        return {name: text for name, text in texts.items() if text is not None}

    def function(
        self, namespace: Mapping[str, Any], arguments: Sequence[str], expression: str | None = None
    ) -> Function:
        """The call, or another expression, as a function of `arguments`; other names are those of `namespace`."""
        source = f"lambda {', '.join(arguments)}: {expression or self.call}"
        made: Function = eval(compile(source, f"<{self.name}>", "eval"), dict(namespace))
        return made


def implements(
    operation: str,
    call: str,
    *,
    name: str | None = None,
    variant: str = "",
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
            is not mentioned keeps its default.
        name: the public path, a part of each observation's key; by default what stands before the call's first
            parenthesis.
        variant: what tells this call from others of the same path, put behind the name: "-out".
        dtypes: the formats that it supports, where its documentation names fewer than the mode has.
        stateful: whether the call is `maker(...)(arguments)` of an object that keeps state, or writes to an array.
        differentiable: False where the framework's autodiff does not know the call.
        **conventions: parameters of the definition that the call fixes (`reduction="mean"`, `axis=-1`, `clip=1e-7`);
            a tuple lists the values that it supports.
    """
    path = name or call.partition("(")[0]
    return operation, path + variant, call, conventions, dtypes, stateful, differentiable


def implementing(**options: Any) -> Callable[..., tuple[tuple[Any, ...], ...]]:
    """Lines that share what is passed to `implements`: the result takes a call, or a tuple of them, by operation.

    `*implementing(reduction="none")(hinge="the.hinge(score, y_true)", ...)` stands in a table.
    """

    def lines(**calls: str | tuple[str, ...]) -> tuple[tuple[Any, ...], ...]:
        each = ((name, (call,) if isinstance(call, str) else call) for name, call in calls.items())
        return tuple(implements(operation, call, **options) for operation, several in each for call in several)

    return lines


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
    """Dtypes in which every shape is run; fewer where each is compiled anew, or another adapter runs the rest."""
    few_shapes: bool = False
    """Whether only some shapes are run, since each takes hundreds of milliseconds to compile."""
    combined: bool = False
    """Whether combinations, large batches, long rows and dense lines are run, as they are for a user callable: each
    deviation there needs a recorded cause."""
    subnormals: bool = False
    """Whether random inputs mix subnormal numbers with others, since nothing around the call flushes them."""


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
    with those of `cpu`, if it is among them."""
    spelling: ClassVar[Mapping[str, Mapping[Any, Any]]] = {}
    """The framework's own words for parameter values: {"reduction": {"mean": "sum_over_batch_size"}}."""
    wording: ClassVar[Wording] = Wording()
    """How arrays go in and out, and what else stands around a call."""
    lifecycle: ClassVar[Lifecycle | None] = None
    """How the framework's stateful metrics are used, if it has any."""
    prefix: ClassVar[str] = ""
    """What stands before the name of each implementation: one that takes another adapter's table, for a device of its
    own, tells its observations from that one's so ("npu." makes npu.torch.softmax)."""
    same_as: ClassVar[Mapping[str, str]] = {}
    """Public paths that end in the code of another, by that one's path: at standard effort they are held to its bits,
    in place of being asked everything again."""
    caches: ClassVar[Mapping[str, str]] = {}
    """Environment variables under which the framework keeps what it compiled from one run to the next, with `{folder}`
    for a folder of its own."""
    known: ClassVar[tuple[Mapping[str, Any], ...]] = ()
    """Known deviations of a plug-in: what `gaugeblock.conformance.known.matcher.KnownDeviation` takes, each as a
    mapping ({"id": ..., "keys": [...], "why": ..., "at_most": ...})."""

    names: Mapping[str, Any] = {"numpy": np}
    """What the wording's texts may name; with the framework's modules once it is loaded."""

    @functools.cached_property
    def implementations(self) -> tuple[Implementation, ...]:
        """The table, as implementations."""
        same = {self.prefix + name: self.prefix + other for name, other in self.same_as.items()}
        lines = (Implementation(self.framework, line[0], self.prefix + line[1], *line[2:]) for line in self.table)
        made = [replace(each, lifecycle=self.lifecycle) if each.stateful else each for each in lines]
        every = {each.id for each in made}
        # A path stands for several operations, and need not end in the same code for all.
        return tuple(
            replace(each, same_as=same[each.name])
            if each.name in same and f"{each.operation}/{same[each.name]}" in every
            else each
            for each in made
        )

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

    def install_hint(self) -> str:
        """The command that installs the framework, for who lacks it."""
        if self.extra:
            # The suite is on no package index: its extras are those of a clone.
            how = f"pip install '.[{self.extra}]' in a clone of gaugeblock"
        else:
            how = f"pip install {self.distributions[0].partition('|')[0]}"
        return f"{self.framework} is not installed; {how} installs it"

    def present(self) -> tuple[str, ...]:
        """Slugs of the devices that this machine appears to have for the framework, without importing it.

        By default the CPU and the NVIDIA devices that the system shows, as far as `device_types` has their kinds.
        What `devices` then lacks is recorded as not run.
        """
        count = sum(1 for path in Path("/dev").glob("nvidia[0-9]*"))
        every = ("cpu", *(f"cuda:{index}" for index in range(count)))
        return tuple(slug for slug in every if slug.partition(":")[0] in self.device_types)

    def load(self) -> dict[str, Any]:
        """Import the framework; return the names that calls may use, with the modules behind them.

        What it raises is reported as a harness error of the framework's tests, and the run goes on.
        """
        names: dict[str, Any] = {}
        exec("\n".join(f"import {module}" for module in self.modules), names)
        del names["__builtins__"]
        self.names = {"numpy": np, **names}
        return names

    def evaluated(self, text: str, **names: Any) -> Any:
        """The value of a text of the wording, in which `names` stand."""
        return evaluated(text, self.names, **names)

    def devices(self) -> dict[str, str]:
        """Slugs of the devices that the framework sees, with the hardware's name, or "" where it is unknown.

        A slug is a kind (`cpu`) or one of several devices of it (`cuda:1`).
        """
        return {"cpu": ""}

    def flags(self) -> dict[str, str | float | bool | None]:
        """Settings of this process that can change results, for the reader of the run file.

        `instruction_set` is that of the processor unless it is among them: a word of
        gaugeblock.adapters.processor.INSTRUCTION_SETS for the most that the process uses. `libraries` are those of
        vendors that it computes with: "mkl, onednn v3.12.0".
        """
        return {}

    def worded(self, mode: Mode) -> Wording:
        """The wording that a mode uses: by default the same in all."""
        del mode
        return self.wording

    def imported(self, mode: Mode) -> tuple[str, ...]:
        """The modules imported in a mode: by default the same in all."""
        del mode
        return self.modules

    def script_words(self, mode: Mode) -> dict[str, Any] | None:
        """What a run file records for scripts that reproduce the results of a mode; None if `put` has no wording.

        A script sets the environment variables of the mode, except those of the suite itself.
        """
        wording = self.worded(mode)
        if wording == Wording() and type(self).put is not Adapter.put:
            return None
        environ = {name: value for name, value in mode.environ.items() if not name.startswith(SUITE_VARIABLES)}
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

        An array that cannot have it (`has_layout`) is put as it is. NotImplementedError for a layout that is not in the
        wording.
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
        """The answer, an array or whatever else a call returns, as a NumPy array of the same dtype and bits."""
        narrow = str(getattr(answer, "dtype", "")).endswith("bfloat16") and self.wording.get_bfloat16
        array = np.asarray(self.evaluated(narrow or self.wording.get, answer=answer))
        return array.astype(ml_dtypes.bfloat16) if narrow else array

    def compile(self, function: Function) -> Function:
        """`function`, of the framework's arrays, compiled: for modes that are.

        The result is called with arrays of several shapes, each of which it may compile anew. NotImplementedError if
        the framework has no compiler.
        """
        if self.wording.compile is None:
            raise NotImplementedError(f"{self.framework} compiles nothing")
        compiled: Function = self.evaluated(self.wording.compile, function=function)
        return compiled

    def on_device(self, function: Function, device: str) -> Function:
        """`function`, computing on the device: for frameworks in which the arrays alone do not decide where."""
        if self.wording.placed is None:
            return function

        def placed(*arrays: Any) -> Any:
            with self._placed(device):
                return function(*arrays)

        return placed

    def vjp(self, function: Function, order: int = 1) -> Function:
        """(arrays..., cotangent) -> the vector-Jacobian product of `function` with respect to its last array.

        Arrays, the cotangent and the product are the framework's own, the cotangent in the shape of the answer. `order`
        2, for a function of one number, is the product of the product, with the same cotangent again. Without such a
        wording, the result raises NotImplementedError.
        """
        text = self.wording.gradient if order == 1 else self.wording.second
        if text is not None:
            made: Function = product(text, self.names)(function)
            return made

        def lacking(*arrays: Any) -> Any:
            raise NotImplementedError(f"{self.framework} has no gradients of order {order}")

        return lacking
