"""The adapters there are, by framework; each module is imported when it is asked for."""

from __future__ import annotations

import difflib
import functools
import importlib

from trueline.adapters.base import Adapter, Implementation

FRAMEWORKS = ("numpy", "sklearn", "torch", "tensorflow", "keras", "jax", "torchmetrics", "onnxruntime")
"""Names of the frameworks, each a module here."""


class UnknownFrameworkError(LookupError):
    """No adapter has this name; the message names the nearest one."""


@functools.cache
def adapter(framework: str) -> Adapter:
    """The adapter of `framework`; imports the adapter, not the framework."""
    if framework not in FRAMEWORKS:
        near = difflib.get_close_matches(framework, FRAMEWORKS, n=1, cutoff=0.4)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise UnknownFrameworkError(f"there is no framework '{framework}': {hint}Known are {', '.join(FRAMEWORKS)}.")
    found: Adapter = importlib.import_module(f"trueline.adapters.{framework}").ADAPTER
    return found


def implementations() -> list[Implementation]:
    """Every implementation of every framework."""
    return [implementation for name in FRAMEWORKS for implementation in adapter(name).implementations]
