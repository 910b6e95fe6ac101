"""From a user's callable to an implementation: its call, the names in it, and the conventions that are settled."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from inspect import Parameter
from typing import Any

from gaugeblock.adapters.base import Implementation, Lifecycle
from gaugeblock.conformance.yours.callable_adapter import LIFECYCLE, CallableError, Held
from gaugeblock.reference.catalogue import Operation

FUNCTION, GRADIENT = "function", "gradient"
"""Names under which a call finds the callable and its gradient."""

OF_EVERY_LOSS = ("mean_over",)
"""Conventions of every loss, which are no parameters of its definition."""

CHOICES: dict[str, tuple[Any, ...]] = {
    "clip": ("epsilon", 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16),
    "log_floor": (-100.0,),
    "floor": (1e-6, 1e-7, 1e-8, 1e-10, 1e-12, 1e-15),
    "normalise": (True,),
    "num_thresholds": (200,),
}
"""Parameters of definitions that are conventions of an implementation, and never arguments of a case, with the values
that are in use."""

VERBS = {"update": ("update", "update_state"), "result": ("result", "compute"), "reset": ("reset", "reset_state"),
         "merge": ("merge", "merge_state")}  # fmt: skip
"""What is done to objects of a class, and the names that its methods have where no protocol names them."""

Act = str | Callable[..., Any]
"""A method by name, or a function of the object."""

Taken = dict[str, str | None]
"""Inputs and parameters that a function takes: their names to its own, None where it takes them by position."""


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
    own, offers = title(user_callable), offered(op)
    if not callable(user_callable):
        raise CallableError(f"{own} cannot be called: give a function, or a class with update and result.")
    known = {*op.inputs, *offers, *op.parameters, *OF_EVERY_LOSS}
    unknown = sorted(set(signature) - known - {"cotangent"})
    if unknown:
        raise CallableError(f"{op.name} has no {unknown[0]!r} to rename: it has {', '.join(sorted(known))}.")
    every = OF_EVERY_LOSS if "reduction" in offers else ()
    parameters = list(dict.fromkeys((*offers, *op.parameters, *every, *fixed)))
    # Fixed values stand in the call as literals, or by a name where they have none.
    plain = {name for name, value in fixed.items() if isinstance(value, bool | int | float | str | None)}
    texts = {name: repr(value) if name in plain else f"fixed_{name}" for name, value in fixed.items()}
    namespace = {texts[name]: value for name, value in fixed.items() if name not in plain}
    stateful = inspect.isclass(user_callable) and (
        protocol is not None or any(callable(getattr(user_callable, name, None)) for name in VERBS["update"])
    )
    if stateful:
        assert isinstance(user_callable, type)
        acts = acts_of(user_callable, protocol)
        # Objects are made with the parameters; batches and their weights come later.
        made = arguments(
            user_callable, (), [n for n in parameters if n not in ("reduction", "sample_weight")], signature
        )
        taken = arguments(partial(acts["update"], None), op.inputs, ("sample_weight",), signature)
        call = _expression(FUNCTION, made, texts) + _expression("", taken, texts)
        namespace[FUNCTION] = lambda **named: Held(user_callable(**named), acts)
        taken |= made
        missing = [verb for verb in ("reset", "merge") if verb not in acts]
        lifecycle = Lifecycle(**{**vars(LIFECYCLE), **dict.fromkeys(missing)})
        notes = [f"{verb}: nothing says which method of {own} it is." for verb in missing]
    else:
        if protocol is not None:
            raise CallableError(f"a protocol is for a class, and {own} is none.")
        taken, lifecycle = arguments(user_callable, op.inputs, parameters, signature), None
        call, namespace[FUNCTION] = _expression(FUNCTION, taken, texts), user_callable
        placed = sum(each is None for each in taken.values())
        left = [name for name in list(_parameters(user_callable)[0])[placed:] if name not in taken.values()]
        notes = [f"{name}: {op.name} has no parameter of that name, so that it stays at its default." for name in left]
    useless = sorted(name for name in fixed if name not in known and name not in taken)
    if useless:
        raise CallableError(f"neither {own} nor {op.name} has a parameter {useless[0]!r}.")
    product = None
    if gradient is not None:
        passed = [name for name in taken if name not in op.inputs]
        of_gradient = arguments(gradient, op.inputs, parameters, signature, ("cotangent",), passed)
        product, namespace[GRADIENT] = _expression(GRADIENT, of_gradient, texts), gradient
        without = [name for name in passed if name not in of_gradient and name not in ("axis", "reduction")]
        notes += [f"gradients with {name}: {title(gradient)} does not take it." for name in without]
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
    lacking = [name for name in offers if name not in taken and name not in fixed and name != "reduction"]
    notes += [f"{name}: {own} does not take it." for name in lacking]
    slug = re.sub(r"[^\w.-]+", "-", getattr(user_callable, "__qualname__", own)).strip("-.") or "function"
    implementation = Implementation(
        framework, op.name, slug, call, settled, None, stateful, not stateful, lifecycle, product
    )
    measured = {n for n in (*CHOICES, *OF_EVERY_LOSS, "reduction") if n in known and n not in {*taken, *settled}}
    return Binding(implementation, namespace, frozenset(measured), tuple(notes))


def offered(operation: Operation) -> tuple[str, ...]:
    """Names of the parameters that an operation can be asked with, besides its inputs."""
    reduced = operation.kind != "activation" and not operation.whole
    more = ["axis"] if operation.rowwise and not operation.whole else []
    more += ["reduction"] if reduced else []
    more += ["sample_weight"] if reduced or "sample_weight" in operation.parameters else []
    return (*more, *(name for name in operation.parameters if name not in (*CHOICES, *more)))


def title(user_callable: Any) -> str:
    """What a callable is called."""
    return str(getattr(user_callable, "__name__", type(user_callable).__name__))


def acts_of(user_class: type, protocol: Mapping[str, Act] | None) -> dict[str, Callable[..., Any]]:
    """What is called for each verb: a method by name, or a function of the object; unnamed ones by their usual names.

    CallableError for a verb or a method that is not there, and if nothing updates or returns the result.
    """
    own, named = title(user_class), dict(protocol or {})
    for verb, act in named.items():
        if verb not in VERBS:
            raise CallableError(f"a protocol has no {verb!r}: it names what is called for {', '.join(VERBS)}.")
        if isinstance(act, str) and not callable(getattr(user_class, act, None)):
            raise CallableError(f"{own} has no method {act!r}, which the protocol names for {verb!r}.")
    for verb, names in VERBS.items():
        usual = [name for name in names if callable(getattr(user_class, name, None))]
        if usual:
            named.setdefault(verb, usual[0])
        elif verb in ("update", "result") and verb not in named:
            raise CallableError(f"nothing says which method of {own} is its {verb!r}: protocol={{{verb!r}: '...'}}.")
    return {verb: getattr(user_class, act) if isinstance(act, str) else act for verb, act in named.items()}


# The names that a callable takes


def arguments(
    function: Callable[..., Any],
    inputs: Sequence[str],
    parameters: Sequence[str],
    signature: Mapping[str, str],
    further: Sequence[str] = (),
    passed: Sequence[str] = (),
) -> Taken:
    """What a function takes of inputs and parameters.

    Every input must be taken, and is found by its name, by `signature`, which renames, or, if it is the only one, by
    its place. `further` are inputs too, such as the upstream gradient, and `passed` are parameters that it takes if it
    takes any by name. CallableError if one cannot be told from the others, or the function needs more than there is.
    """
    names, kinds = _parameters(function)
    wanted = (*inputs, *further)
    if not names and Parameter.VAR_POSITIONAL in kinds:
        if len(inputs) > 1:
            raise CallableError(
                f"the arguments of {title(function)} cannot be inspected: wrap it in a lambda that takes "
                f"{', '.join(wanted)}."
            )
        return dict.fromkeys(wanted) | {name: name for name in passed if Parameter.VAR_KEYWORD in kinds}
    found: Taken = {name: signature.get(name, name) for name in wanted}
    absent = [name for name in wanted if found[name] not in names]
    required = [name for name, each in names.items() if each.default is each.empty]
    alone = len(inputs) == 1
    if alone and absent == list(inputs) and inputs[0] not in signature and len(names) > len(further):
        found[inputs[0]] = None
    elif absent and alone and len(required) == len(wanted) and not set(signature) & set(wanted):
        found = dict.fromkeys(wanted)
    elif absent:
        pairs = ", ".join(f"'{name}': '...'" for name in absent)
        raise CallableError(
            f"{title(function)} takes ({', '.join(names)}), and must be passed {', '.join(wanted)}: say which is which "
            f"with signature={{{pairs}}}."
        )
    found |= {n: signature.get(n, n) for n in parameters if n not in found and signature.get(n, n) in names}
    placed = sum(own is None for own in found.values())
    used = {*list(names)[:placed], *found.values()}
    needed = [name for name in required if name not in used]
    if needed:
        raise CallableError(
            f"{title(function)} needs {needed[0]!r}, which is none of {', '.join((*wanted, *parameters))}: give it a "
            f"value, as in check(..., {needed[0]}=...), or say which of them it is in signature=."
        )
    return {n: None if own and names[own].kind is Parameter.POSITIONAL_ONLY else own for n, own in found.items()}


def _parameters(function: Callable[..., Any]) -> tuple[dict[str, Parameter], set[Any]]:
    """Parameters that can be named or placed, and the kinds of all; what cannot be inspected takes any by place."""
    try:
        every = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return {}, {Parameter.VAR_POSITIONAL}
    variadic = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    return {each.name: each for each in every if each.kind not in variadic}, {each.kind for each in every}


def _expression(function: str, taken: Taken, texts: Mapping[str, str]) -> str:
    """The call of `function` with what it takes, each by its own name if `texts` has no other text for it."""
    placed = [texts.get(name, name) for name, own in taken.items() if own is None]
    named = [f"{own}={texts.get(name, name)}" for name, own in taken.items() if own is not None]
    return f"{function}({', '.join([*placed, *named])})"
