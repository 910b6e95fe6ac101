"""A function or class that somebody gives, as the suite asks it: an implementation with an adapter of its own."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gaugeblock.adapters.base import Adapter, Array, Function, Implementation, Lifecycle
from gaugeblock.reference.catalogue import Operation

FUNCTION, GRADIENT, COTANGENT = "function", "gradient", "cotangent"
"""Names under which calls find what was given, and the upstream gradient."""


class GivenError(Exception):
    """What was given cannot be asked; the message is one sentence that says what to do."""


SETTLED = ("clip", "log_floor", "floor", "normalise", "num_thresholds")
"""Parameters of definitions that are conventions of an implementation, and never arguments of a case."""


def offered(operation: Operation) -> tuple[str, ...]:
    """Names of the parameters that an operation can be asked with, besides its inputs."""
    more = ["axis"] if operation.rowwise and not operation.whole else []
    more += ["reduction"] if operation.kind != "activation" and not operation.whole else []
    weighed = operation.kind != "activation" and not operation.whole
    more += ["sample_weight"] if weighed or "sample_weight" in operation.parameters else []
    return (*more, *(name for name in operation.parameters if name not in (*SETTLED, *more)))


Names = Mapping[str, inspect.Parameter]


def arguments(
    given: Callable[..., Any],
    inputs: Sequence[str],
    parameters: Sequence[str],
    signature: Mapping[str, str],
    further: Sequence[str] = (),
    passed: Sequence[str] = (),
) -> dict[str, str | None]:
    """What a callable takes of inputs and parameters: their names to its own, None where it takes them by position.

    Every input must be taken, and is found by its name, by `signature`, which renames, or, if it is the only one, by
    its place. `further` are inputs too, such as the upstream gradient, and `passed` are parameters that it takes if it
    takes any by name. GivenError if one cannot be told from the
    others, or the callable needs more than there is.
    """
    names = _names(given)
    wanted = (*inputs, *further)
    if names is None:
        if len(inputs) > 1:
            raise GivenError(
                f"the arguments of {title(given)} cannot be inspected: wrap it in a lambda that takes "
                f"{', '.join(wanted)}."
            )
        return {**dict.fromkeys(wanted), **{name: name for name in passed if _takes_any(given)}}
    found = _inputs(given, names, inputs, signature, further)
    found |= {n: signature.get(n, n) for n in parameters if n not in found and signature.get(n, n) in names}
    placed = sum(own is None for own in found.values())
    used = {*list(names)[:placed], *found.values()}
    needed = [n for n, each in names.items() if each.default is each.empty and n not in used]
    if needed:
        raise GivenError(
            f"{title(given)} needs {needed[0]!r}, which is none of {', '.join((*wanted, *parameters))}: give it a "
            f"value, as in check(..., {needed[0]}=...), or say which of them it is in signature=."
        )
    return {
        n: None if own and names[own].kind is inspect.Parameter.POSITIONAL_ONLY else own for n, own in found.items()
    }


def unasked(given: Callable[..., Any], taken: Mapping[str, str | None]) -> list[str]:
    """The names that a callable takes, and that nothing is given by."""
    names = list(_names(given) or ())
    placed = sum(own is None for own in taken.values())
    return [name for name in names[placed:] if name not in taken.values()]


def expression(function: str, taken: Mapping[str, str | None], literals: Mapping[str, str]) -> str:
    """The call as a Python expression; `literals` are the texts of values that are fixed."""
    texts = {name: literals.get(name, name) for name in taken}
    placed = [texts[name] for name, own in taken.items() if own is None]
    return f"{function}({', '.join([*placed, *(f'{own}={texts[n]}' for n, own in taken.items() if own is not None)])})"


def _names(given: Callable[..., Any]) -> Names | None:
    """Parameters that can be named or placed; None if nobody knows them."""
    try:
        every = inspect.signature(given).parameters
    except (TypeError, ValueError):
        return None
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    placed = any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in every.values())
    named = {name: each for name, each in every.items() if each.kind not in variadic}
    return named or (None if placed else {})


def _takes_any(given: Callable[..., Any]) -> bool:
    try:
        kinds = {each.kind for each in inspect.signature(given).parameters.values()}
    except (TypeError, ValueError):
        return False
    return inspect.Parameter.VAR_KEYWORD in kinds


def _inputs(
    given: Callable[..., Any], names: Names, inputs: Sequence[str], signature: Mapping[str, str], further: Sequence[str]
) -> dict[str, str | None]:
    wanted = (*inputs, *further)
    own: dict[str, str | None] = {name: signature.get(name, name) for name in wanted}
    absent = [name for name in wanted if own[name] not in names]
    if not absent:
        return own
    if len(inputs) == 1 and absent == list(inputs) and inputs[0] not in signature and len(names) > len(further):
        return {**own, inputs[0]: None}
    required = [name for name, each in names.items() if each.default is each.empty]
    if len(inputs) == 1 and len(required) == len(wanted) and not set(signature) & set(wanted):
        return dict.fromkeys(wanted)
    pairs = ", ".join(f"'{name}': '...'" for name in absent)
    raise GivenError(
        f"{title(given)} takes ({', '.join(names)}), and is to be given {', '.join(wanted)}: say which is which with "
        f"signature={{{pairs}}}."
    )


def title(given: Any) -> str:
    """What a callable is called."""
    return str(getattr(given, "__name__", type(given).__name__))


def slug(given: Any) -> str:
    """Its name as a part of an observation's key."""
    return re.sub(r"[^\w.-]+", "-", str(getattr(given, "__qualname__", title(given)))).strip("-.") or "function"


@dataclass
class Given(Adapter):
    """What somebody gives, beside the framework whose arrays it takes.

    The framework's adapter says how arrays go in and out; the only implementation is the one given.
    """

    base: Adapter
    implementation: Implementation
    namespace: Mapping[str, Any]

    def __post_init__(self) -> None:
        self.framework = self.base.framework  # type: ignore[misc]
        self.differentiable = self.base.differentiable  # type: ignore[misc]
        self.spelling = {}  # type: ignore[misc]

    @property
    def implementations(self) -> tuple[Implementation, ...]:
        """The one given."""
        return (self.implementation,)

    def load(self) -> dict[str, Any]:
        """Import the framework whose arrays it takes."""
        return {**self.base.load(), **self.namespace}

    def put(self, array: Array, device: str) -> Any:
        """The framework's own array, with memory of its own: what is given may write to it."""
        return self.base.put(array.copy(), device)

    def lay_out(self, array: Array, layout: str, device: str) -> Any:
        """As the framework's."""
        return self.base.lay_out(array, layout, device)

    def get(self, answer: Any) -> Array:
        """As the framework's."""
        return self.base.get(answer)

    def on_device(self, function: Function, device: str) -> Function:
        """As the framework's."""
        return self.base.on_device(function, device)

    def vjp(self, function: Function, order: int = 1) -> Function:
        """As the framework's."""
        return self.base.vjp(function, order)


VERBS = {"update": ("update", "update_state"), "result": ("result", "compute"), "reset": ("reset", "reset_state"),
         "merge": ("merge", "merge_state")}  # fmt: skip
"""What is done to objects of a class, and the names that its methods have where no protocol names them."""

Act = str | Callable[..., Any]

LIFECYCLE = Lifecycle(
    update="metric.update",
    result="metric.result()",
    reset="metric.reset()",
    merge="metric.merge(other)",
    copy="metric.copy()",
)


def protocol_of(given: type, protocol: Mapping[str, Act] | None) -> dict[str, Callable[..., Any]]:
    """What is called for each verb: a method by name, or a function of the object; unnamed ones by their usual names.

    GivenError for a verb or a method that is not there, and if nothing updates or tells the result.
    """
    named = dict(protocol or {})
    for verb, act in named.items():
        if verb not in VERBS:
            raise GivenError(f"a protocol has no {verb!r}: it names what is called for {', '.join(VERBS)}.")
        if isinstance(act, str) and not callable(getattr(given, act, None)):
            raise GivenError(f"{title(given)} has no method {act!r}, which the protocol names for {verb!r}.")
    usual = {v: next((n for n in names if callable(getattr(given, n, None))), None) for v, names in VERBS.items()}
    acts: dict[str, Act] = {**{verb: act for verb, act in usual.items() if act is not None}, **named}
    missing = [verb for verb in ("update", "result") if verb not in acts]
    if missing:
        raise GivenError(
            f"nothing says which method of {title(given)} is its {missing[0]!r}: protocol={{'{missing[0]}': '...'}}."
        )
    return {verb: getattr(given, act) if isinstance(act, str) else act for verb, act in acts.items()}


@dataclass
class Held:
    """An object of a class that was given, under the names of LIFECYCLE.

    An act that returns an object of the class, as immutable ones do, puts it in the place of the one held.
    """

    metric: Any
    acts: Mapping[str, Callable[..., Any]]

    def _done(self, verb: str, *given: Any, **named: Any) -> None:
        answer = self.acts[verb](self.metric, *given, **named)
        if isinstance(answer, type(self.metric)):
            self.metric = answer

    def update(self, *given: Any, **named: Any) -> None:
        """Take in a batch."""
        self._done("update", *given, **named)

    def reset(self) -> None:
        """Forget what was taken in."""
        self._done("reset")

    def merge(self, other: Held) -> None:
        """Take in what another one has."""
        self._done("merge", other.metric)

    def result(self) -> Any:
        """The metric of what was taken in."""
        return self.acts["result"](self.metric)

    def copy(self) -> Held:
        """One of the same state."""
        return Held(copy.deepcopy(self.metric), self.acts)

    def __call__(self, *given: Any, **named: Any) -> Any:
        """The metric of one batch."""
        self.update(*given, **named)
        return self.result()
