"""A case: one named input with its parameters, given exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gaugeblock.reference.formats import Array


@dataclass(frozen=True)
class Case:
    """One named input with its parameters. Inputs have the batch axes first and the core axis at `axis`."""

    name: str
    inputs: Mapping[str, Array]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    gradient: bool = False
    """Whether the derivative is asked for too: inputs finite, answers differentiable there."""
