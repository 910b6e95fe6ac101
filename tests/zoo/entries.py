"""What the zoo holds: wrong implementations, each with the defect that it stands for, and right ones of other kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

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
    """One implementation of an operation, and how `check` is to be asked about it."""

    id: str
    operation: str
    function: Callable[..., Any]
    """A function with the definition's own names, or a class, with `protocol` in the options."""
    defect: str
    """What real defect it stands for; of a variant, which legitimate algorithm it is."""
    kind: str
    upstream: str = ""
    """An upstream issue that was opened and read."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """For `check`: dtypes, arrays, gradient, protocol, conventions, fixed parameters."""
    shows: Callable[[], Any] | None = None
    """Makes an input at which the defect shows: keywords for the function, or the steps of a stateful metric."""
