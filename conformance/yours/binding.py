"""From a user's callable to an implementation: its call, the names in it, and the conventions that are settled."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from gaugeblock.adapters.base import Implementation, Lifecycle
from gaugeblock.conformance.yours.callable_adapter import LIFECYCLE, CallableError, Held
from gaugeblock.reference.catalogue import Operation

FUNCTION, GRADIENT = "function", "gradient"
"""Names under which a call finds the callable and its gradient."""

OF_EVERY_LOSS = ("mean_over",)
"""Conventions of every loss, which are no parameters of its definition."""

SETTLED = ("clip", "log_floor", "floor", "normalise", "num_thresholds")
"""Parameters of definitions that are conventions of an implementation, and never arguments of a case."""

VERBS = {"update": ("update", "update_state"), "result": ("result", "compute"), "reset": ("reset", "reset_state"),
         "merge": ("merge", "merge_state")}  # fmt: skip
"""What is done to objects of a class, and the names that its methods have where no protocol names them."""

Act = str | Callable[..., Any]
"""A method by name, or a function of the object."""


@dataclass(frozen=True)
class Binding:
    """A callable as an implementation, with what its call needs."""

    implementation: Implementation
    namespace: Mapping[str, Any]
    open: frozenset[str]
    """Conventions that are to be found by measuring."""
    notes: tuple[str, ...]
    """What it does not take, a sentence each."""


def bound(
    user_callable: Callable[..., Any],
    op: Operation,
    *,
    framework: str,
    signature: Mapping[str, str],
    gradient: Callable[..., Any] | None,
    protocol: Mapping[str, Act] | None,
    conventions: Mapping[str, Any],
    fixed: Mapping[str, Any],
) -> Binding:
    """What is asked of a function, or of the objects of a class; CallableError if nothing can be. See `check`."""
    if not callable(user_callable):
        raise CallableError(
            f"{title(user_callable)} cannot be called: give a function, or a class with update and result."
        )
    known = {*op.inputs, *offered(op), *op.parameters, *OF_EVERY_LOSS}
    unknown = sorted(set(signature) - known - {"cotangent"})
    if unknown:
        raise CallableError(f"{op.name} has no {unknown[0]!r} to rename: it has {', '.join(sorted(known))}.")
    stateful = (inspect.isclass(user_callable) and protocol is not None) or _collects(user_callable)
    every = OF_EVERY_LOSS if "reduction" in offered(op) else ()
    parameters = [*offered(op), *(name for name in (*op.parameters, *every, *fixed) if name not in offered(op))]
    texts = _Texts(fixed)
    if stateful:
        assert isinstance(user_callable, type)
        acts = acts_of(user_callable, protocol)
        # Objects are made with the parameters; batches and their weights come later.
        made = arguments(
            user_callable, (), [n for n in parameters if n not in ("reduction", "sample_weight")], signature
        )
        taken = arguments(partial(acts["update"], None), op.inputs, ("sample_weight",), signature)
        call = texts.expression(FUNCTION, made) + texts.expression("", taken)
        namespace: dict[str, Any] = {FUNCTION: lambda **named: Held(user_callable(**named), acts)}
        taken |= made
        missing = [verb for verb in ("reset", "merge") if verb not in acts]
        lifecycle = Lifecycle(**{**vars(LIFECYCLE), **dict.fromkeys(missing)})
        notes = [f"{verb}: nothing says which method of {title(user_callable)} it is." for verb in missing]
    else:
        if protocol is not None:
            raise CallableError(f"a protocol is for a class, and {title(user_callable)} is none.")
        taken = arguments(user_callable, op.inputs, parameters, signature)
        left = _left_out(user_callable, taken)
        call, namespace, lifecycle = texts.expression(FUNCTION, taken), {FUNCTION: user_callable}, None
        notes = [f"{name}: {op.name} has no parameter of that name, so that it stays at its default." for name in left]
    useless = sorted(name for name in fixed if name not in known and name not in taken)
    if useless:
        raise CallableError(f"neither {title(user_callable)} nor {op.name} has a parameter {useless[0]!r}.")
    product = None
    if gradient is not None:
        passed = [name for name in taken if name not in op.inputs]
        of_gradient = arguments(gradient, op.inputs, parameters, signature, ("cotangent",), passed)
        product = texts.expression(GRADIENT, of_gradient)
        without = [name for name in passed if name not in of_gradient and name not in ("axis", "reduction")]
        notes += [f"gradients with {name}: {title(gradient)} does not take it." for name in without]
        namespace[GRADIENT] = gradient
    settled = {name: value for name, value in {**fixed, **conventions}.items() if name in known}
    if settled.get("axis", -1) not in (-1, 1):
        raise CallableError(
            f"a function of axis {settled['axis']} alone cannot be asked: give one of the last axis, "
            "as in lambda x: function(x.T).T, or one that takes axis."
        )
    if op.rowwise and not op.whole and ("axis" not in taken or "axis" in fixed):
        settled["axis"] = -1
    if stateful and not op.whole:
        settled.setdefault("reduction", "mean")
    lacking = [name for name in offered(op) if name not in taken and name not in fixed and name != "reduction"]
    notes += [f"{name}: {title(user_callable)} does not take it." for name in lacking]
    implementation = Implementation(
        framework, op.name, _slug(user_callable), call, settled, None, stateful, not stateful, lifecycle, product
    )
    measured = {n for n in (*SETTLED, *OF_EVERY_LOSS, "reduction") if n in known and n not in {*taken, *settled}}
    return Binding(implementation, {**namespace, **texts.values}, frozenset(measured), tuple(notes))


def offered(operation: Operation) -> tuple[str, ...]:
    """Names of the parameters that an operation can be asked with, besides its inputs."""
    more = ["axis"] if operation.rowwise and not operation.whole else []
    more += ["reduction"] if operation.kind != "activation" and not operation.whole else []
    weighed = operation.kind != "activation" and not operation.whole
    more += ["sample_weight"] if weighed or "sample_weight" in operation.parameters else []
    return (*more, *(name for name in operation.parameters if name not in (*SETTLED, *more)))


def title(user_callable: Any) -> str:
    """What a callable is called."""
    return str(getattr(user_callable, "__name__", type(user_callable).__name__))


def _slug(user_callable: Any) -> str:
    """Its name as a part of an observation's key."""
    name = str(getattr(user_callable, "__qualname__", title(user_callable)))
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "function"


def _collects(user_callable: Any) -> bool:
    """Whether it is a class whose objects take samples in, by the usual names."""
    usual = (getattr(user_callable, name, None) for name in VERBS["update"])
    return inspect.isclass(user_callable) and any(callable(each) for each in usual)


def acts_of(user_class: type, protocol: Mapping[str, Act] | None) -> dict[str, Callable[..., Any]]:
    """What is called for each verb: a method by name, or a function of the object; unnamed ones by their usual names.

    CallableError for a verb or a method that is not there, and if nothing updates or returns the result.
    """
    named = dict(protocol or {})
    for verb, act in named.items():
        if verb not in VERBS:
            raise CallableError(f"a protocol has no {verb!r}: it names what is called for {', '.join(VERBS)}.")
        if isinstance(act, str) and not callable(getattr(user_class, act, None)):
            raise CallableError(f"{title(user_class)} has no method {act!r}, which the protocol names for {verb!r}.")
    usual = {v: next((n for n in names if callable(getattr(user_class, n, None))), None) for v, names in VERBS.items()}
    acts: dict[str, Act] = {**{verb: act for verb, act in usual.items() if act is not None}, **named}
    missing = [verb for verb in ("update", "result") if verb not in acts]
    if missing:
        raise CallableError(
            f"nothing says which method of {title(user_class)} is its {missing[0]!r}: "
            f"protocol={{'{missing[0]}': '...'}}."
        )
    return {verb: getattr(user_class, act) if isinstance(act, str) else act for verb, act in acts.items()}


# The names that a callable takes


def arguments(
    function: Callable[..., Any],
    inputs: Sequence[str],
    parameters: Sequence[str],
    signature: Mapping[str, str],
    further: Sequence[str] = (),
    passed: Sequence[str] = (),
) -> dict[str, str | None]:
    """What a function takes of inputs and parameters: their names to its own, None where it takes them by position.

    Every input must be taken, and is found by its name, by `signature`, which renames, or, if it is the only one, by
    its place. `further` are inputs too, such as the upstream gradient, and `passed` are parameters that it takes if it
    takes any by name. CallableError if one cannot be told from the others, or the function needs more than there is.
    """
    names = _names(function)
    wanted = (*inputs, *further)
    if names is None:
        if len(inputs) > 1:
            raise CallableError(
                f"the arguments of {title(function)} cannot be inspected: wrap it in a lambda that takes "
                f"{', '.join(wanted)}."
            )
        return {**dict.fromkeys(wanted), **{name: name for name in passed if _takes_any(function)}}
    found = _inputs(function, names, inputs, signature, further)
    found |= {n: signature.get(n, n) for n in parameters if n not in found and signature.get(n, n) in names}
    placed = sum(own is None for own in found.values())
    used = {*list(names)[:placed], *found.values()}
    needed = [n for n, each in names.items() if each.default is each.empty and n not in used]
    if needed:
        raise CallableError(
            f"{title(function)} needs {needed[0]!r}, which is none of {', '.join((*wanted, *parameters))}: give it a "
            f"value, as in check(..., {needed[0]}=...), or say which of them it is in signature=."
        )
    return {
        n: None if own and names[own].kind is inspect.Parameter.POSITIONAL_ONLY else own for n, own in found.items()
    }


def _left_out(function: Callable[..., Any], taken: Mapping[str, str | None]) -> list[str]:
    """The names that a function takes, and that nothing is passed by."""
    names = list(_names(function) or ())
    placed = sum(own is None for own in taken.values())
    return [name for name in names[placed:] if name not in taken.values()]


Names = Mapping[str, inspect.Parameter]


def _every(function: Callable[..., Any]) -> Names | None:
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):
        return None


def _names(function: Callable[..., Any]) -> Names | None:
    """Parameters that can be named or placed; None if nobody knows them."""
    every = _every(function)
    if every is None:
        return None
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    placed = any(each.kind is inspect.Parameter.VAR_POSITIONAL for each in every.values())
    named = {name: each for name, each in every.items() if each.kind not in variadic}
    return named or (None if placed else {})


def _takes_any(function: Callable[..., Any]) -> bool:
    return any(each.kind is inspect.Parameter.VAR_KEYWORD for each in (_every(function) or {}).values())


def _inputs(
    function: Callable[..., Any],
    names: Names,
    inputs: Sequence[str],
    signature: Mapping[str, str],
    further: Sequence[str],
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
    raise CallableError(
        f"{title(function)} takes ({', '.join(names)}), and must be passed {', '.join(wanted)}: say which is which "
        f"with signature={{{pairs}}}."
    )


class _Texts:
    """Texts of calls, in which values that are fixed stand as literals, or by a name where they have no literal."""

    def __init__(self, fixed: Mapping[str, Any]) -> None:
        plain = {name for name, value in fixed.items() if isinstance(value, bool | int | float | str | None)}
        self.literals = {name: repr(value) if name in plain else f"fixed_{name}" for name, value in fixed.items()}
        self.values = {f"fixed_{name}": value for name, value in fixed.items() if name not in plain}

    def expression(self, function: str, taken: Mapping[str, str | None]) -> str:
        """The call of `function` with what it takes."""
        texts = {name: self.literals.get(name, name) for name in taken}
        placed = [texts[name] for name, own in taken.items() if own is None]
        named = [f"{own}={texts[name]}" for name, own in taken.items() if own is not None]
        return f"{function}({', '.join([*placed, *named])})"
