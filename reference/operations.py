"""Operations: mathematical functions with one written definition, and the table of them all."""

from __future__ import annotations

import difflib
import functools
import inspect
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from gaugeblock.reference.formats import Array
from gaugeblock.reference.summation import Sums, pairwise

Kind = Literal["activation", "loss", "metric"]

REDUCTIONS = ("none", "mean", "sum")
"""What a loss or metric returns of many samples: the value of each, their mean, or their sum."""

Sensitivity = Callable[..., Array]

INTEGER_DOMAINS = ("label", "binary", "mask")
"""Domains whose values are integers or booleans, not numbers of the format."""


class Weighted(NamedTuple):
    """The value of one sample and its weight: a mean divides the sum of the values by that of the weights."""

    value: Any
    weight: Any


def keyword_only(function: Callable[..., Any]) -> dict[str, Any]:
    """The keyword-only parameters of a function, with their defaults."""
    parameters = inspect.signature(function).parameters.values()
    return {each.name: each.default for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY}


@dataclass(frozen=True)
class Bound:
    """How far from the truth an answer may lie: `ulps` ULP + u * sensitivity, u being the unit roundoff.

    `sensitivity` takes the operation's arrays in binary64, core axes last, and gives, in the shape of the answer
    before reduction, the absolute size of the rounding errors that the best known algorithm cannot avoid; that of a
    derivative takes the cotangent behind them. Its keyword-only arguments are parameters of the definition, and `sums`,
    how often a term of a sum is rounded.
    """

    ulps: float
    reason: str
    sensitivity: Sensitivity | None = None

    @functools.cached_property
    def _keywords(self) -> Mapping[str, Any]:
        return keyword_only(self.sensitivity) if self.sensitivity else {}

    def condition(self, arrays: Sequence[Array], parameters: Mapping[str, Any], sums: Sums = pairwise) -> Array | float:
        """The sensitivity at these arrays, in binary64; 0 for a bound that has none.

        Args:
            arrays: the operation's inputs in order, core axes last, and for a derivative the cotangent behind them.
            parameters: values of the definition's parameters; those that the sensitivity does not take are ignored.
            sums: the order of summation, for a sensitivity that counts the roundings of sums.
        """
        if self.sensitivity is None:
            return 0.0
        known = {name: value for name, value in {**parameters, "sums": sums}.items() if name in self._keywords}
        wide = [np.asarray(array, dtype=np.float64) for array in arrays]
        with np.errstate(all="ignore"):
            return np.asarray(self.sensitivity(*wide, **known))

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
    domains: tuple[str, ...]
    """What each input holds, in order: names of domains, which the suite draws from and this package does not know."""
    source: str
    bound: Bound
    gradient_bound: Bound | None = None
    second_bound: Bound | None = None
    """For the second derivative of a function of one number."""
    asks: tuple[Mapping[str, Any], ...] = ()
    """Parameters with which the ordinary cases are evaluated, besides the defaults: a mapping for each variant."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """Parameters of the definition with their defaults; `inspect.Parameter.empty` for one that has none."""

    @functools.cached_property
    def inputs(self) -> tuple[str, ...]:
        """Names of the arrays, in order."""
        return tuple(inspect.signature(self.definition).parameters)[: len(self.core_ranks)]

    @functools.cached_property
    def integers(self) -> frozenset[str]:
        """Inputs that hold labels or masks, not numbers of the format."""
        return frozenset(n for n, d in zip(self.inputs, self.domains, strict=True) if d in INTEGER_DOMAINS)

    @functools.cached_property
    def core_ranks(self) -> tuple[int, ...]:
        """Number of core axes of each input: 0 for elementwise, 1 where a row is taken together."""
        return tuple(len(axes) for axes in self.core_axes)

    @functools.cached_property
    def core_axes(self) -> tuple[tuple[str, ...], ...]:
        """Names of the core axes of each input, as the signature has them."""
        return tuple(tuple(axes.split(",")) if axes else () for axes in _cores(self.signature.split("->")[0]))

    @functools.cached_property
    def output_rank(self) -> int:
        """Number of core axes of the answer."""
        return 1 if _cores(self.signature.split("->")[1])[0] else 0

    @property
    def rowwise(self) -> bool:
        """Whether the operation takes rows along an axis."""
        return any(self.core_ranks)

    @property
    def whole(self) -> bool:
        """Whether it is a metric of a whole batch, such as balanced accuracy, and no mean over samples."""
        return self.kind == "metric" and self.signature.startswith("(n")

    @property
    def summary(self) -> str:
        """The first line of the definition's docstring."""
        return (inspect.getdoc(self.definition) or "").partition("\n")[0]

    @functools.cached_property
    def meanings(self) -> dict[str, str]:
        """What parameters mean, by name: the lines `name: meaning` under `Args:` in the definition's docstring."""
        listed = (inspect.getdoc(self.definition) or "").partition("\nArgs:\n")[2].partition("\n\n")[0]
        entries = re.findall(r"^ {4}(\w+): (.+(?:\n {5}.+)*)", listed, re.MULTILINE)
        return {name: " ".join(text.split()) for name, text in entries}

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
    """Decorator that enters a definition in the table, under its own name.

    The first line of its docstring is the operation's summary, and `Args:` says what each keyword parameter means.
    ValueError if the name is taken.

    Args:
        kind: activation, loss or metric.
        signature: as in Operation, with what each input holds before its axes: "label(), logits(c) -> ()".
        source: the publication that has the formula.
        bound: how far from the truth an answer may lie.
        **more: further fields of Operation: gradient_bound, second_bound, asks.
    """

    def enter(definition: Callable[..., Any]) -> Callable[..., Any]:
        name = definition.__name__
        if name in OPERATIONS:
            raise ValueError(f"operation {name!r} is defined twice")
        held = tuple(re.findall(r"(\w+)\(", signature))
        shapes = re.sub(r"\w+\(", "(", signature).replace(" ", "")
        defaults = keyword_only(definition)
        OPERATIONS[name] = Operation(name, kind, definition, shapes, held, source, bound, parameters=defaults, **more)
        return definition

    return enter


activation = functools.partial(define, "activation")
loss = functools.partial(define, "loss")
metric = functools.partial(define, "metric")


def operation(name: str) -> Operation:
    """The operation called `name`; UnknownOperationError, with the nearest name, if there is none."""
    try:
        return OPERATIONS[name]
    except KeyError:
        near = difflib.get_close_matches(name, OPERATIONS, n=1, cutoff=0.4)
        hint = f"did you mean '{near[0]}'?" if near else "'gaugeblock list operations' names them all."
        raise UnknownOperationError(f"there is no operation '{name}': {hint}") from None
