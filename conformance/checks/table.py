"""The table of checks, in the order in which they run."""

from __future__ import annotations

from gaugeblock.conformance.checks import (
    combined,
    dense,
    gradient,
    input_dtypes,
    invariances,
    label_dtypes,
    large_batches,
    memory_layout,
    probes,
    relations,
    shapes,
    streaming,
    value,
)
from gaugeblock.conformance.trials.check import Check

CHECKS: tuple[Check, ...] = (
    value.CHECK,
    label_dtypes.CHECK,
    *gradient.CHECKS,
    *shapes.CHECKS,
    *large_batches.CHECKS,
    *combined.checks_of(*combined.USUAL),
    *dense.CHECKS,
    *relations.CHECKS,
    *invariances.CHECKS,
    memory_layout.CHECK,
    input_dtypes.CHECK,
    *probes.CHECKS,
    *streaming.CHECKS,
)
"""Every check. Names are unique."""
