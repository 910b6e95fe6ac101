"""The adapters there are, by framework: the suite's own, and those that plug-ins bring as entry points.

A module is imported when its adapter is first needed, and no framework with it.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import importlib.metadata
import re
from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint

from gaugeblock.adapters.base import Adapter, Implementation

FRAMEWORKS = ("numpy", "sklearn", "torch", "tensorflow", "keras", "jax", "torchmetrics", "onnxruntime")
"""Names of the suite's own frameworks, each a module here."""

GROUP = "gaugeblock.adapters"
"""The group of the plug-ins' entry points: name = framework, value = module:ADAPTER."""

NEEDED = ("framework", "distributions", "modules", "modes", "table")


class UnknownFrameworkError(LookupError):
    """No adapter has this name; the message names the nearest one."""


class PlugInError(Exception):
    """A plug-in has no usable adapter; the message is one sentence that says which, and why."""


@functools.cache
def adapter(framework: str) -> Adapter:
    """The adapter of `framework`; imports the adapter, not the framework.

    Raises UnknownFrameworkError, and PlugInError if the plug-in of this name has no usable one.
    """
    if framework in FRAMEWORKS:
        own: Adapter = importlib.import_module(f"gaugeblock.adapters.{framework}").ADAPTER
        return own
    offered = _entry_points()
    if framework not in offered:
        known = (*FRAMEWORKS, *(name for name in offered if name not in FRAMEWORKS))
        near = difflib.get_close_matches(framework, known, n=1, cutoff=0.4)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise UnknownFrameworkError(f"there is no framework '{framework}': {hint}Known are {', '.join(known)}.")
    found = _loaded(framework)
    if isinstance(found, str):
        raise PlugInError(found)
    return found


def frameworks() -> tuple[str, ...]:
    """Every framework that has an adapter: the suite's own first, then plug-ins by name, which are imported."""
    plugged = (name for name in _entry_points() if name not in FRAMEWORKS)
    return (*FRAMEWORKS, *(name for name in plugged if not isinstance(_loaded(name), str)))


def left_out() -> dict[str, str]:
    """The plug-ins without a usable adapter: by name, the sentence that says why."""
    reasons = {}
    for name, points in _entry_points().items():
        if name in FRAMEWORKS:
            for each in points:
                why = f"the plug-in {_origin([each])} is left out, since '{name}' is a framework of the suite's own."
                reasons[f"{name} of {_distribution(each)}"] = why
        elif isinstance(found := _loaded(name), str):
            reasons[name] = found
    return reasons


def implementations(names: Iterable[str] = FRAMEWORKS) -> list[Implementation]:
    """Every implementation of these frameworks, by default of the suite's own; raises what `adapter` does."""
    return [implementation for name in names for implementation in adapter(name).implementations]


@functools.cache
def _entry_points() -> dict[str, list[EntryPoint]]:
    """Plug-ins by name, in order. The same entry point found twice, as in an editable install, counts once."""
    found: dict[str, dict[str, EntryPoint]] = {}
    for each in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda each: (each.name, each.value)):
        found.setdefault(each.name, {}).setdefault(each.value, each)
    return {name: list(points.values()) for name, points in found.items()}


@functools.cache
def _loaded(name: str) -> Adapter | str:
    """The adapter of a plug-in, or why there is none. A module that fails is not imported a second time."""
    points = _entry_points()[name]
    named = f"the plug-in {_origin(points)}"
    if len(points) > 1:
        return f"{named} is left out: two adapters cannot share a name."
    if not re.fullmatch(r"[a-z0-9_\-]+", name):
        return f"{named} is left out: a framework's name has small letters, digits, - and _ alone."
    try:
        found = points[0].load()
    except (Exception, SystemExit) as error:
        said = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".")
        return f"{named} cannot be imported: {said}."
    if not isinstance(found, Adapter):
        kind = "a class, not an object" if isinstance(found, type) else f"of type {type(found).__name__}"
        return f"{named} gives no adapter: {points[0].value} is {kind}; an instance of {GROUP}.base.Adapter is needed."
    lacking = [needed for needed in NEEDED if not hasattr(found, needed)]
    if lacking:
        return f"{named} gives no adapter: {points[0].value} has no {' and no '.join(lacking)}."
    if found.framework != name:
        return f"{named} gives the adapter of '{found.framework}': entry point and adapter need the same name."
    return found


def origin(name: str) -> str:
    """A plug-in's name and distribution, as messages write it; KeyError if there is none of this name."""
    return _origin(_entry_points()[name])


def _origin(points: Sequence[EntryPoint]) -> str:
    return f"'{points[0].name}' of {' and '.join(map(_distribution, points))}"


def _distribution(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value
