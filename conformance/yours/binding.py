"""From what somebody gives to what the suite asks: the call, its names, and the conventions that are settled."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from gaugeblock.adapters.base import Implementation, Lifecycle
from gaugeblock.conformance.yours.callable_adapter import (
    LIFECYCLE,
    SETTLED,
    Act,
    GivenError,
    Held,
    arguments,
    expression,
    offered,
    protocol_of,
    slug,
    title,
    unasked,
)
from gaugeblock.reference.catalogue import Operation

FUNCTION, GRADIENT = "function", "gradient"
"""Names under which a call finds what was given."""

ENGINE = ("mean_over",)
"""Conventions of every loss, which are no parameters of its definition."""


@dataclass(frozen=True)
class Asked:
    """An implementation that was given, with what its call needs."""

    implementation: Implementation
    namespace: Mapping[str, Any]
    open: frozenset[str]
    """Conventions that are to be found by measuring."""
    notes: tuple[str, ...]
    """What it does not take, a sentence each."""


def asked(
    given: Callable[..., Any],
    op: Operation,
    *,
    framework: str,
    signature: Mapping[str, str],
    gradient: Callable[..., Any] | None,
    protocol: Mapping[str, Act] | None,
    conventions: Mapping[str, Any],
    fixed: Mapping[str, Any],
) -> Asked:
    """What is asked of a function, or of the objects of a class; GivenError if it cannot be."""
    if not callable(given):
        raise GivenError(f"{title(given)} cannot be called: give a function, or a class with update and result.")
    known = {*op.inputs, *offered(op), *op.parameters, *ENGINE}
    unknown = sorted(set(signature) - known - {"cotangent"})
    if unknown:
        raise GivenError(f"{op.name} has no {unknown[0]!r} to rename: it has {', '.join(sorted(known))}.")
    stateful = (inspect.isclass(given) and protocol is not None) or _collects(given)
    engine = ENGINE if "reduction" in offered(op) else ()
    parameters = [*offered(op), *(name for name in (*op.parameters, *engine, *fixed) if name not in offered(op))]
    names = _Texts(fixed)
    if stateful:
        assert isinstance(given, type)
        acts = protocol_of(given, protocol)
        # Objects are made with the parameters, and given samples and their weights.
        made = arguments(given, (), [n for n in parameters if n not in ("reduction", "sample_weight")], signature)
        taken = arguments(partial(acts["update"], None), op.inputs, ("sample_weight",), signature)
        call = names.expression(FUNCTION, made) + names.expression("", taken)
        namespace: dict[str, Any] = {FUNCTION: lambda **named: Held(given(**named), acts)}
        taken |= made
        missing = [verb for verb in ("reset", "merge") if verb not in acts]
        lifecycle = Lifecycle(**{**vars(LIFECYCLE), **dict.fromkeys(missing)})
        notes = [f"{verb}: nothing says which method of {title(given)} it is." for verb in missing]
    else:
        if protocol is not None:
            raise GivenError(f"a protocol is for a class, and {title(given)} is none.")
        taken = arguments(given, op.inputs, parameters, signature)
        left = unasked(given, taken)
        call, namespace, lifecycle = names.expression(FUNCTION, taken), {FUNCTION: given}, None
        notes = [f"{name}: {op.name} has no parameter of that name, so that it stays at its default." for name in left]
    useless = sorted(name for name in fixed if name not in known and name not in taken)
    if useless:
        raise GivenError(f"neither {title(given)} nor {op.name} has a parameter {useless[0]!r}.")
    product = None
    if gradient is not None:
        passed = [name for name in taken if name not in op.inputs]
        given_gradient = arguments(gradient, op.inputs, parameters, signature, ("cotangent",), passed)
        product = names.expression(GRADIENT, given_gradient)
        without = [name for name in passed if name not in given_gradient and name not in ("axis", "reduction")]
        notes += [f"gradients with {name}: {title(gradient)} does not take it." for name in without]
        namespace[GRADIENT] = gradient
    settled = {name: value for name, value in {**fixed, **conventions}.items() if name in known}
    if settled.get("axis", -1) not in (-1, 1):
        raise GivenError(
            f"a function of axis {settled['axis']} alone cannot be asked: give one of the last axis, "
            "as in lambda x: function(x.T).T, or one that takes axis."
        )
    if op.rowwise and not op.whole and ("axis" not in taken or "axis" in fixed):
        settled["axis"] = -1
    if stateful and not op.whole:
        settled.setdefault("reduction", "mean")
    lacking = [name for name in offered(op) if name not in taken and name not in fixed]
    notes += [f"{name}: {title(given)} does not take it." for name in lacking if name != "reduction"]
    implementation = Implementation(
        framework, op.name, slug(given), call, settled, None, stateful, not stateful, lifecycle, product
    )
    found = {name for name in (*SETTLED, *ENGINE, "reduction") if name in known and name not in {*taken, *settled}}
    return Asked(implementation, {**namespace, **names.values}, frozenset(found), tuple(notes))


def _collects(given: Any) -> bool:
    """Whether it is a class whose objects take samples in, by the usual names."""
    return inspect.isclass(given) and any(callable(getattr(given, name, None)) for name in ("update", "update_state"))


class _Texts:
    """Texts of calls, in which values that are fixed stand as literals, or by a name where they have no literal."""

    def __init__(self, fixed: Mapping[str, Any]) -> None:
        plain = {name for name, value in fixed.items() if isinstance(value, bool | int | float | str | None)}
        self.literals = {name: repr(value) if name in plain else f"given_{name}" for name, value in fixed.items()}
        self.values = {f"given_{name}": value for name, value in fixed.items() if name not in plain}

    def expression(self, function: str, taken: Mapping[str, str | None]) -> str:
        """The call of `function` with what it takes."""
        return expression(function, taken, self.literals)
