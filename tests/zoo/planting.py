"""How entries are written down: decorators that enter a function in a table, and calls that show what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from entries import Entry
from gaugeblock.reference.formats import FORMATS

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]


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

    def upstream(self) -> Array:
        """The cotangent."""
        return self._array("cotangent", self.cotangent)

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


def plant(
    table: list[Entry],
    operation: str,
    kind: str,
    defect: str,
    *shows: Show,
    upstream: str = "",
    **options: Any,
) -> Callable[[Function], Function]:
    """Decorator that enters a function; its name, with hyphens, is the id."""

    def enter(function: Function) -> Function:
        name = function.__name__.replace("_", "-")
        table.append(Entry(name, operation, function, defect, kind, upstream, options, shows))
        return function

    return enter


def plant_gradient(
    table: list[Entry],
    operation: str,
    forward: Function,
    kind: str,
    defect: str,
    *shows: Show,
    upstream: str = "",
    **options: Any,
) -> Callable[[Function], Function]:
    """Decorator that enters the decorated vector-Jacobian product beside a right function."""

    def enter(gradient: Function) -> Function:
        name = gradient.__name__.replace("_", "-")
        table.append(Entry(name, operation, forward, defect, kind, upstream, {**options, "gradient": gradient}, shows))
        return gradient

    return enter
