"""Efforts: how much `check` asks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gaugeblock.conformance.checks import dense
from gaugeblock.conformance.checks import large_batches as large
from gaugeblock.conformance.checks.combined import checks_of
from gaugeblock.conformance.checks.table import CHECKS
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.setting import Setting

LARGE = ("shapes", "large-batch")
"""Checks that ask large batches. They come last: who mixes up samples makes arrays of the square of their number."""


@dataclass(frozen=True)
class Effort:
    """How many combinations and numbers an implementation is asked."""

    combined: tuple[int, int]
    """Combinations, and gradients of combinations."""
    points: int
    """Numbers of each dense line."""
    lengths: tuple[int, ...]
    """Entries of long rows."""
    shrunk: int
    """Failures of each check whose input is shrunk."""

    def checks(self, setting: Setting) -> Iterator[Check]:
        """The checks that apply, as thorough as the effort says."""
        value, slope = dense.CHECKS
        lines = (
            replace(value, observe=dense.dense(self.points)),
            replace(slope, observe=dense.dense(self.points // 8, derivative=True)),
        )
        thorough = {check.name: check for check in (*checks_of(*self.combined), *lines, large.long_rows(self.lengths))}
        for check in sorted(CHECKS, key=lambda each: each.name in LARGE):
            if check.applies(setting):
                yield thorough.get(check.name, check)


EFFORTS = {
    "quick": Effort(combined=(80, 48), points=2**14, lengths=(1300,), shrunk=1),
    "default": Effort(combined=(600, 200), points=2**21, lengths=large.LENGTHS, shrunk=3),
}
"""By name."""
