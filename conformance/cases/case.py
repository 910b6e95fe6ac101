"""A case: one named input with its parameters, given exactly."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gaugeblock.conformance.cases.steps import Step
from gaugeblock.reference.formats import Array

COTANGENT = "cotangent"
"""The name of the upstream gradient among the inputs of a case whose vector-Jacobian product is asked for."""


@dataclass(frozen=True, eq=False)
class Case:
    """One named input with its parameters. Inputs have the batch axes first and the core axis at `axis`."""

    name: str
    inputs: Mapping[str, Array]
    """The operation's inputs, and where there are such `sample_weight` and `cotangent`, by name."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    gradient: bool = False
    """Whether the derivative is asked for too: inputs finite, answers differentiable there."""
    tags: frozenset[str] = frozenset()
    """What it is about: `ordinary`, `infinity`, `subnormal`."""
    order: int = 1
    """With a cotangent: 2 asks for the second derivative of a function of one number."""
    layout: str | None = None
    """How its arrays lie in memory when they are handed over."""
    steps: tuple[Step, ...] = ()
    """What is done to an object of a stateful implementation."""

    @functools.cached_property
    def digest(self) -> str:
        """Its identity: SHA-256 over inputs, parameters and steps, the first 16 hex digits.

        Neither its name counts, nor how it lies in memory.
        """
        hashed = hashlib.sha256(repr((sorted(self.parameters.items()), self.order, self.steps)).encode())
        for name, array in sorted(self.inputs.items()):
            hashed.update(f"{name} {array.dtype.name} {array.shape}".encode())
            hashed.update(array.tobytes())
        return hashed.hexdigest()[:16]
