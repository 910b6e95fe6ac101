"""Which frameworks take part: the suite's own, and the plug-ins whose tables and known deviations the suite can use.

One that it cannot use is left out with the reason, and the rest goes on.
"""

from __future__ import annotations

import functools
import re

from gaugeblock.adapters import registry
from gaugeblock.adapters.base import Adapter, Implementation
from gaugeblock.adapters.registry import FRAMEWORKS, adapter
from gaugeblock.conformance.known.matcher import known_of
from gaugeblock.conformance.known.reading import KnownError
from gaugeblock.reference.catalogue import Operation, operation
from gaugeblock.reference.formats import FORMATS
from gaugeblock.reference.operations import REDUCTIONS, UnknownOperationError

OF_THE_SUITE = ("axis", "reduction", "mean_over")
"""Parameters that no definition has."""


class _FaultError(Exception):
    """What is wrong with a plug-in, as the end of a sentence."""


def frameworks() -> tuple[str, ...]:
    """The frameworks that take part: the suite's own first, then plug-ins by name."""
    return tuple(name for name in registry.frameworks() if _fault(name) is None)


def left_out() -> dict[str, str]:
    """The plug-ins that take no part: what to call each, and the sentence that says why."""
    faults = {name: _fault(name) for name in registry.frameworks()}
    return {**registry.left_out(), **{name: said for name, said in faults.items() if said is not None}}


@functools.cache
def _fault(name: str) -> str | None:
    """The sentence that says why a plug-in cannot take part; None if it can. Built-in adapters have tests."""
    if name in FRAMEWORKS:
        return None
    try:
        _examine(adapter(name))
    except _FaultError as error:
        said = str(error)
    except Exception as error:
        said = " ".join(f"fails with {type(error).__name__}: {error}".split()).rstrip(".")
    else:
        return None
    return f"the plug-in {registry.origin(name)} {said}."


def _examine(found: Adapter) -> None:
    """What can be known of an adapter without its framework. Whatever is raised is its fault."""
    found.versions()
    for slug in found.present():
        if slug.partition(":")[0] not in found.device_types:
            raise _FaultError(f"has a device '{slug}', whose kind is not among its device_types")
    modes = {mode.name: mode for mode in found.modes}
    for name, mode in modes.items():
        unknown = sorted({*mode.dtypes} - {*FORMATS})
        if unknown:
            raise _FaultError(
                f"has a mode '{name}' with the dtype '{unknown[0]}', which is none of {', '.join(FORMATS)}"
            )
        if mode.compiled and ("compiled" not in name or name.replace("compiled", "eager") not in modes):
            raise _FaultError(
                f"has a compiled mode '{name}', beside which one with 'eager' in place of 'compiled' is needed"
            )
    taken = {each: name for name in registry.frameworks() if name != found.framework for each in _ids(name)}
    for each in found.implementations:
        if each.id in taken:
            raise _FaultError(f"has {each.id}, which '{taken[each.id]}' has already: give it a name, or set a prefix")
        taken[each.id] = found.framework
        _examine_line(each)
    try:
        known_of(found.framework)
    except KnownError as error:
        raise _FaultError(f"has known deviations that cannot be used: {error}".rstrip(".")) from None


def _ids(name: str) -> list[str]:
    """The implementations of a framework by id; none if its table is at fault."""
    try:
        return [each.id for each in adapter(name).implementations]
    except Exception:
        return []


def _examine_line(each: Implementation) -> None:
    try:
        op = operation(each.operation)
    except UnknownOperationError as error:
        raise _FaultError(f"has {each.name} for an operation that does not exist: {error}".rstrip(".")) from None
    if not re.fullmatch(r"[A-Za-z0-9_.\-]+", each.name):
        raise _FaultError(f"has an implementation '{each.name}': a name has letters, digits, '.', '_' and '-' alone")
    lacking = [name for name in op.inputs if name not in each.names]
    if lacking:
        raise _FaultError(f"has {each.id}, whose call {each.call!r} takes no {' and no '.join(lacking)}")
    unknown = sorted(each.conventions.keys() - {*op.parameters, *OF_THE_SUITE})
    if unknown:
        raise _FaultError(f"has {each.id} with the convention '{unknown[0]}', which is no parameter of {op.name}")
    unasked = _unasked(each, op)
    if unasked is not None:
        parameter = unasked.partition("=")[0]
        raise _FaultError(
            f"has {each.id}, which no case fits: its call takes no {parameter}, and {unasked} is not fixed"
        )


def _unasked(each: Implementation, op: Operation) -> str | None:
    """The convention without which no case fits, where the call does not take its parameter."""
    if op.kind == "activation":
        return "axis=-1" if op.rowwise and "axis" not in {*each.names, *each.conventions} else None
    offered = set(each.choices("reduction", REDUCTIONS))
    return None if op.whole or not offered.isdisjoint(REDUCTIONS) else "reduction='none'"
