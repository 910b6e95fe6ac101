"""Efforts: how much `check` asks."""

from __future__ import annotations

from dataclasses import dataclass

from trueline.conformance.checks import Check


@dataclass(frozen=True)
class Effort:
    """Which checks are asked, and in how many shapes."""

    few_shapes: bool
    left_out: frozenset[str] = frozenset()

    def asks(self, check: Check) -> bool:
        """Whether the check is asked."""
        return check.name not in self.left_out


EFFORTS = {"quick": Effort(few_shapes=True), "default": Effort(few_shapes=False)}
"""By name."""
