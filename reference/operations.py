"""Operations: mathematical functions with one written definition, and the table of them all."""

from __future__ import annotations

import difflib
import functools
import inspect
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from trueline.reference.formats import Array

Kind = Literal["activation", "loss", "metric"]

REDUCTIONS = ("none", "mean", "sum")
"""What a loss or metric of many samples can be asked for."""

Sensitivity = Callable[..., Array]


@dataclass(frozen=True)
class Bound:
    """How far from the truth an answer may lie: `ulps` ULP + u * sensitivity, u being the unit roundoff.

    `sensitivity` takes the operation's arrays in binary64, core axes last, and gives, in the shape of the answer
    before reduction, the absolute size of the rounding errors that the best known algorithm cannot avoid.
    """

    ulps: float
    reason: str
    sensitivity: Sensitivity | None = None

    @functools.cached_property
    def conventions(self) -> tuple[str, ...]:
        """Parameters of the definition that the sensitivity depends on: its keyword-only arguments."""
        if self.sensitivity is None:
            return ()
        parameters = inspect.signature(self.sensitivity).parameters.values()
        return tuple(p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY)

    def __str__(self) -> str:
        return f"{self.ulps:g} ULP" + (" + u * condition" if self.sensitivity else "") + f": {self.reason}"


@dataclass(frozen=True)
class Operation:
    """A mathematical function: its definition, and the shapes and parameters that it takes.

    `signature` is in NumPy's generalised-ufunc notation: softmax is `(n)->(n)`, a loss of one-hot rows `(c),(c)->()`.
    A `rowwise` operation takes the parameter `axis`; losses and metrics take `reduction` over all rows.
    """

    name: str
    kind: Kind
    definition: Callable[..., Any]
    signature: str
    source: str
    bound: Bound
    gradient_bound: Bound | None = None
    integers: frozenset[str] = frozenset()
    """Inputs that hold class labels, not numbers of the format."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Parameters of the definition with their defaults."""

    @functools.cached_property
    def inputs(self) -> tuple[str, ...]:
        """Names of the arrays, in order."""
        return tuple(inspect.signature(self.definition).parameters)[: len(self.core_ranks)]

    @functools.cached_property
    def core_ranks(self) -> tuple[int, ...]:
        """Number of core axes of each input: 0 for elementwise, 1 where a row is taken together."""
        return tuple(len(dims.split(",")) if dims else 0 for dims in _cores(self.signature.split("->")[0]))

    @functools.cached_property
    def output_rank(self) -> int:
        """Number of core axes of the answer."""
        return 1 if _cores(self.signature.split("->")[1])[0] else 0

    @property
    def rowwise(self) -> bool:
        """Whether the operation takes rows along an axis."""
        return any(self.core_ranks)

    @property
    def summary(self) -> str:
        """The first line of the definition's docstring."""
        return (inspect.getdoc(self.definition) or "").partition("\n")[0]

    @property
    def formula(self) -> str:
        """The definition as it is written: the source text that is evaluated."""
        source = textwrap.dedent(inspect.getsource(self.definition))
        return source[source.index("def ") :].rstrip()


def _cores(side: str) -> list[str]:
    return re.findall(r"\(([^)]*)\)", side)


OPERATIONS: dict[str, Operation] = {}
"""Every operation by name, in the order of definition."""


class UnknownOperationError(LookupError):
    """No operation has this name; the message names the nearest one."""


def define(kind: Kind, signature: str, *, source: str, bound: Bound, **more: Any) -> Callable[..., Any]:
    """Decorator that enters a definition in the table. Its docstring's first line is the operation's summary."""

    def enter(definition: Callable[..., Any]) -> Callable[..., Any]:
        name = definition.__name__
        keywords = {
            p.name: p.default
            for p in inspect.signature(definition).parameters.values()
            if p.kind is inspect.Parameter.KEYWORD_ONLY
        }
        if name in OPERATIONS:
            raise ValueError(f"operation {name!r} is defined twice")
        OPERATIONS[name] = Operation(name, kind, definition, signature, source, bound, parameters=keywords, **more)
        return definition

    return enter


def operation(name: str) -> Operation:
    """The operation called `name`; UnknownOperationError with the near match if there is none."""
    try:
        return OPERATIONS[name]
    except KeyError:
        near = difflib.get_close_matches(name, OPERATIONS, n=1, cutoff=0.4)
        hint = f"did you mean '{near[0]}'?" if near else "'trueline list operations' names them all."
        raise UnknownOperationError(f"there is no operation '{name}': {hint}") from None
