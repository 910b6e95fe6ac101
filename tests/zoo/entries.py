"""What stands in the zoo: wrong implementations, and right ones that compute in another way; how they are entered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gaugeblock.conformance.judging.policy import STRICT, Policy
from gaugeblock.reference.formats import FORMATS

from tests.zoo import right, right_binary, right_rows

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]

KINDS = (
    "formula",
    "narrow-range",
    "isolated",
    "shape",
    "layout",
    "two-conditions",
    "dtype",
    "labels",
    "gradient",
    "state",
    "reduction",
    "weights",
    "special-values",
    "ties",
    "relative-accuracy",
    "input-overwritten",
    "parameters",
)


@dataclass(frozen=True)
class Entry:
    """One implementation of an operation.

    `defect` is one sentence: which real defect it stands for, or for a variant which legitimate algorithm. `kind` is
    one of KINDS, or "variant". `upstream` is the address of an issue about that defect.

    Without a `check` it is judged by check(), and `options` are what that takes besides: dtypes, arrays, gradient,
    protocol, conventions, fixed parameters. `shows` are calls, made one after the other, of which at least one answer
    is wrong; or a function that makes the input, or the steps of a state, at which the defect shows.

    With one it is judged by that check alone, under `policy`, and `options` are those of `tests.planted.setting_of`.
    `expected` says of its cases, by name or pattern, several of them with spaces between, the verdict or after it the
    label: {"ordinary nan": "conforms", "x-*": "conforms: refuses"}. Some case has each pattern, and all that have it
    are so.
    """

    id: str
    operation: str
    function: Function
    defect: str
    kind: str
    upstream: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    shows: tuple[Any, ...] | Callable[[], Any] = ()
    check: str = ""
    expected: Mapping[str, str] = field(default_factory=dict)
    policy: Policy = STRICT


@dataclass(frozen=True)
class Show:
    """One call: inputs by name, as numbers of `dtype`, or a function without arguments that gives the array itself.

    With a `cotangent` the gradient is meant. `keywords` are axis, reduction and the definition's parameters.
    """

    inputs: Mapping[str, Any]
    dtype: str = "float32"
    cotangent: Any = None
    keywords: Mapping[str, Any] = field(default_factory=dict)

    def arrays(self) -> dict[str, Array]:
        """The inputs."""
        return {name: self._array(name, values) for name, values in self.inputs.items()}

    def upstream(self) -> Array | None:
        """The cotangent."""
        return None if self.cotangent is None else self._array("cotangent", self.cotangent)

    def _array(self, name: str, values: Any) -> Array:
        if callable(values):
            return np.asanyarray(values())
        if name == "mask":
            return np.asarray(values, dtype=bool)
        return FORMATS[self.dtype].rounded(values)


def show(
    *, dtype: str = "float32", cotangent: Any = None, keywords: Mapping[str, Any] | None = None, **inputs: Any
) -> Show:
    """A call with these inputs."""
    return Show(inputs, dtype, cotangent, keywords or {})


def normal(*shape: int, scale: float = 1.0, shift: float = 0.0, seed: int = 1) -> Array:
    """Normally distributed numbers of that shape."""
    return shift + scale * np.random.default_rng(seed).standard_normal(shape)


RIGHT = (right, right_binary, right_rows)


class Table:
    """Decorators that enter functions and classes. What is wrong with one is its docstring, its id its name with
    hyphens."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def __call__(
        self,
        operation: str,
        kind: str,
        *shows: Any,
        name: str = "",
        made: Callable[[Function], Function] = lambda function: function,
        upstream: str = "",
        **options: Any,
    ) -> Callable[[Function], Function]:
        """Enter a function, or what `made` makes of it; `shows` are calls, or one function that makes the input."""
        shown = shows[0] if len(shows) == 1 and callable(shows[0]) else shows

        def enter(function: Function) -> Function:
            defect = " ".join((function.__doc__ or "").split())
            slug = name or function.__name__.replace("_", "-")
            self.entries.append(Entry(slug, operation, made(function), defect, kind, upstream, options, shown))
            return function

        return enter

    def gradient(
        self, operation: str, kind: str, *shows: Any, of: Function | None = None, **options: Any
    ) -> Callable[[Function], Function]:
        """Enter a vector-Jacobian product, beside the right function of the operation or another."""
        forward = of or next(getattr(module, operation) for module in RIGHT if hasattr(module, operation))

        def enter(gradient: Function) -> Function:
            name, made = gradient.__name__.replace("_", "-"), lambda _: forward
            return Table.__call__(self, operation, kind, *shows, name=name, made=made, gradient=gradient, **options)(
                gradient
            )

        return enter

    def state(
        self, name: str, steps: Any, operation: str = "accuracy", kind: str = "state", **more: Any
    ) -> Callable[[Function], Function]:
        """Enter a class, with the steps after which its result is wrong, or a function that makes them."""
        shows = steps if callable(steps) else lambda: steps
        return self(operation, kind, shows, name=name, protocol=PROTOCOL, **more)


class Variants(Table):
    """The same for right ones, whose docstring says how they compute."""

    def __call__(self, operation: str, *shows: Any, **options: Any) -> Callable[[Function], Function]:  # type: ignore[override]
        """Enter a function."""
        return super().__call__(operation, "variant", *shows, **options)

    def gradient(self, operation: str, *shows: Any, **options: Any) -> Callable[[Function], Function]:  # type: ignore[override]
        """Enter a vector-Jacobian product."""
        return super().gradient(operation, "variant", *shows, **options)


PROTOCOL = {"update": "update", "merge": "merge", "reset": "reset", "result": "result"}
