"""What stands in the zoo: wrong implementations, and right ones that compute in another way; how they are entered."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gaugeblock.conformance.judging.policy import STRICT, Policy
from gaugeblock.reference.formats import FORMATS

from tests.zoo import right, right_binary, right_rows
from tests.zoo.making import Maker

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


def given(**inputs: Any) -> Callable[[], dict[str, Any]]:
    """What makes these inputs and parameters. Lists become arrays, in binary32 if there is a point in them."""

    def array(values: list[Any]) -> Array:
        return np.float32(values) if np.asarray(values).dtype.kind == "f" else np.asarray(values)

    made = {name: array(values) if isinstance(values, list) else values for name, values in inputs.items()}
    return lambda: made


def normal(*shape: int, scale: float = 1.0, shift: float = 0.0, seed: int = 1) -> Array:
    """Normally distributed numbers of that shape."""
    return shift + scale * np.random.default_rng(seed).standard_normal(shape)


NARROW, OWN = ["float16", "float32"], ["float32", "float64"]
"""Formats of variants that compute in binary64 what they cannot do as well in binary64 itself, and of those that
compute in the format of their input."""

RIGHT = (right, right_binary, right_rows)


class Table:
    """Enters functions and classes.

    By decorators, what is wrong with one is its docstring, its id its name with hyphens; by `row` and `slope`, both
    are said. `shows` are calls, or one function that makes the input. A table with a maker makes functions out of
    formulas: of those that leave the reduction to it, and if `wide` is true of numbers that are widened.
    """

    of_states = "state"

    def __init__(self, maker: Maker | None = None, *, wide: bool = False) -> None:
        self.entries: list[Entry] = []
        self._maker, self._wide = maker, wide

    def _made(self, name: str, function: Function, wide: bool | None, as_is: bool) -> Function:
        """The function of a formula. What takes a reduction, or where none is added is not widened, is none."""
        if self._maker is None or as_is or isinstance(function, type):
            return function
        wide = self._wide if wide is None else wide
        taken = "reduction" in inspect.signature(function).parameters if self._maker.added else not wide
        return function if taken else self._maker.of(name, function, wide=wide)

    def row(
        self,
        name: str,
        operation: str,
        kind: str,
        shows: Any,
        defect: str,
        function: Function,
        *,
        wide: bool | None = None,
        as_is: bool = False,
        **options: Any,
    ) -> None:
        """Enter a function. `shows` is a call, several of them, or a function that makes the input."""
        self._enter(name, operation, kind, shows, defect, self._made(operation, function, wide, as_is), **options)

    def _enter(
        self, name: str, operation: str, kind: str, shows: Any, defect: str, function: Function, **options: Any
    ) -> None:
        shown, upstream = (shows,) if isinstance(shows, Show) else shows, options.pop("upstream", "")
        if upstream and not upstream.startswith("https:"):
            upstream = f"https://github.com/{upstream}"
        self.entries.append(Entry(name, operation, function, defect, kind, upstream, options, shown))

    def slope(
        self,
        name: str,
        operation: str,
        kind: str,
        shows: Any,
        defect: str,
        gradient: Function,
        *,
        of: Function | None = None,
        wide: bool | None = None,
        as_is: bool = False,
        **options: Any,
    ) -> None:
        """Enter a vector-Jacobian product, beside the right function of the operation or another."""
        gradient = self._made(f"{operation}_gradient", gradient, wide, as_is)
        forward = of or next(getattr(module, operation) for module in RIGHT if hasattr(module, operation))
        self._enter(name, operation, kind, shows, defect, forward, gradient=gradient, **options)

    def __call__(
        self,
        operation: str,
        kind: str,
        *shows: Any,
        name: str = "",
        made: Callable[[Function], Function] = lambda function: function,
        **options: Any,
    ) -> Callable[[Function], Function]:
        """Enter a function, or what `made` makes of it."""
        shown = _one(shows)
        return _entering(
            lambda slug, defect, it: Table.row(self, name or slug, operation, kind, shown, defect, made(it), **options)
        )

    def gradient(self, operation: str, kind: str, *shows: Any, **options: Any) -> Callable[[Function], Function]:
        """Enter a vector-Jacobian product."""
        shown = _one(shows)
        return _entering(
            lambda slug, defect, it: Table.slope(self, slug, operation, kind, shown, defect, it, **options)
        )

    def state(self, name: str, *steps: Any, operation: str = "accuracy", **more: Any) -> Callable[[Function], Function]:
        """Enter a class, with the steps after which its result is wrong, or a function that makes them.

        A tuple of arrays is a batch of an update, an act without arguments its name.
        """

        def act(step: Any) -> tuple[Any, ...]:
            return (step,) if isinstance(step, str) else step if isinstance(step[0], str) else ("update", *step)

        made = steps[0] if callable(steps[0]) else lambda: steps
        more = {"kind": self.of_states, "protocol": PROTOCOL, **more}
        return Table.__call__(self, operation, more.pop("kind"), lambda: [act(s) for s in made()], name=name, **more)


def _one(shows: tuple[Any, ...]) -> Any:
    return shows[0] if len(shows) == 1 and callable(shows[0]) else shows


def _entering(enter: Callable[[str, str, Function], None]) -> Callable[[Function], Function]:
    """A decorator that enters what it stands at under its name, with its docstring."""

    def decorate(function: Function) -> Function:
        enter(function.__name__.replace("_", "-"), " ".join((function.__doc__ or "").split()), function)
        return function

    return decorate


class Variants(Table):
    """The same for right ones, of which it is said how they compute."""

    of_states = "variant"

    def row(self, name: str, operation: str, how: str, function: Function, *shows: Any, **options: Any) -> None:  # type: ignore[override]
        """Enter a function."""
        super().row(name, operation, "variant", _one(shows), how, function, **options)

    def slope(self, name: str, operation: str, how: str, gradient: Function, *shows: Any, **options: Any) -> None:  # type: ignore[override]
        """Enter a vector-Jacobian product."""
        super().slope(name, operation, "variant", _one(shows), how, gradient, **options)

    def __call__(self, operation: str, *shows: Any, **options: Any) -> Callable[[Function], Function]:  # type: ignore[override]
        """Enter a function."""
        return super().__call__(operation, "variant", *shows, **options)

    def gradient(self, operation: str, *shows: Any, **options: Any) -> Callable[[Function], Function]:  # type: ignore[override]
        """Enter a vector-Jacobian product."""
        return super().gradient(operation, "variant", *shows, **options)


class ByCheck:
    """Enters functions that one check alone judges, under the id that is given; their defect is what it says."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def __call__(
        self, name: str, kind: str, check: str, operation: str, function: Function, *expected: Any, **options: Any
    ) -> None:
        """Enter one: cases that deviate, and cases that conform; or a mapping of what is expected of cases."""
        if expected and isinstance(expected[0], Mapping):
            (of_cases,) = expected
        else:
            of_cases = dict(zip(expected, ("deviates", "conforms"), strict=False))
        defect = name.replace("-", " ")
        self.entries.append(
            Entry(name, operation, function, defect, kind, options=options, check=check, expected=of_cases)
        )


PROTOCOL = {"update": "update", "merge": "merge", "reset": "reset", "result": "result"}
