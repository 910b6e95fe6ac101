"""What a probe says of a planted function."""

from collections.abc import Callable
from typing import Any

from tests.planted import observe

Function = Callable[..., Any]
Row = tuple[str, str, Function, str, dict[str, Any]]
"""A probe, an operation, a function that claims to compute it, the label that it has, and options of planting."""

MEAN: dict[str, Any] = {"reduction": "mean"}
NONE: dict[str, Any] = {"reduction": "none"}


def answer(probe: str, operation: str, function: Function, **options: Any) -> tuple[str, str | None]:
    """The verdict and the label of a planted function."""
    (found,) = observe(probe, operation, function, **options).values()
    return found.verdict.value, found.label


def mean(function: Function) -> Function:
    return lambda *arrays: function(*arrays).mean()
