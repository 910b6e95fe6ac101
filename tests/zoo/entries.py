"""What stands in the zoo: wrong implementations, and right ones that compute in another way."""

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
    """One implementation of an operation.

    `defect` is one sentence: which real defect it stands for, or for a variant which legitimate algorithm. `kind` is
    one of KINDS, or "variant". `upstream` is the address of an issue about that defect. `options` are what check()
    takes besides: dtypes, arrays, gradient, protocol, conventions, fixed parameters. `shows` are calls, made one after
    the other, of which at least one answer is wrong; or a function that makes the input, or the steps of a state, at
    which the defect shows.
    """

    id: str
    operation: str
    function: Callable[..., Any]
    defect: str
    kind: str
    upstream: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    shows: tuple[Any, ...] | Callable[[], Any] = ()
