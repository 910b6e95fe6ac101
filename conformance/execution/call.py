"""What is asked of an implementation, and what may come back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gaugeblock.adapters.base import Array, Implementation, Mode
from gaugeblock.conformance.cases.lifecycle import Step


@dataclass(frozen=True)
class Call:
    """One call of an implementation: arrays in the operation's order, parameters by name.

    With a `cotangent` the answer is the vector-Jacobian product with respect to the last array. With `steps` they
    are done to live objects of a stateful implementation, and the answer holds every result asked for, flat. With a
    `layout` arrays lie in memory so where they can, and a call that writes to one of them has no answer, but deviates.
    """

    implementation: Implementation
    inputs: tuple[str, ...]
    arrays: tuple[Array, ...]
    parameters: Mapping[str, Any]
    mode: Mode
    device: str
    cotangent: Array | None = None
    order: int = 1
    """2 asks for the second derivative of a function of one number, times the square of the cotangent."""
    steps: tuple[Step, ...] = ()
    layout: str | None = None


def vectors(parameters: Mapping[str, Any], call: Call) -> dict[str, Array]:
    """Those that are one number for each class: arrays of the format of what is differentiated."""
    given = {name: value for name, value in parameters.items() if isinstance(value, tuple)}
    return {name: np.array(value, call.arrays[-1].dtype) for name, value in given.items()}


@dataclass(frozen=True)
class NoAnswer:
    """Why there is no answer: `unsupported` (the framework raised), `crashed`, `timed_out` or `harness_error`.

    `deviates`: there is one, and the call wrote to its input.
    """

    verdict: str
    message: str


Answer = Array | NoAnswer
