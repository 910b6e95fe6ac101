"""Efforts: how much `check` asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trueline.conformance.checks import Check, checks
from trueline.conformance.combinations import checks_of
from trueline.conformance.context import Setting


@dataclass(frozen=True)
class Effort:
    """In how many shapes, and how many combinations and numbers, an implementation is asked."""

    few_shapes: bool
    combined: tuple[int, int]
    """Combinations, and gradients of combinations."""

    def checks(self, setting: Setting) -> Iterator[Check]:
        """The checks that apply, as thorough as the effort says."""
        # Where each shape is compiled, combinations cost a hundred times as much.
        counts = (QUICK if setting.mode.few_shapes else self).combined
        thorough = {check.name: check for check in checks_of(*counts)}
        for check in checks():
            if check.applies(setting):
                yield thorough.get(check.name, check)


QUICK = Effort(few_shapes=True, combined=(60, 16))

EFFORTS = {"quick": QUICK, "default": Effort(few_shapes=False, combined=(300, 80))}
"""By name."""
