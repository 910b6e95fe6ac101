"""What must hold: cases, checks, probes, relations, the pytest suite, and the judgement on a user's callable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if __name__ == "conformance":
    raise ImportError("import gaugeblock.conformance: this folder of a clone would be a second copy of it")

if TYPE_CHECKING:
    from gaugeblock.conformance.yours.checking import check
    from gaugeblock.conformance.yours.result import ConformanceError, Result

__all__ = ["ConformanceError", "Result", "check"]

_HOME = {"check": "yours.checking", "Result": "yours.result", "ConformanceError": "yours.result"}


def __getattr__(name: str) -> Any:
    """What __all__ names, imported when it is asked for: pytest loads the plugin of this package into every session."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
