"""The table of checks, in the order in which they run."""

from __future__ import annotations

from gaugeblock.conformance.checks import (
    combined,
    dense,
    dtypes,
    gradient,
    invariances,
    large_batches,
    memory_layout,
    probes,
    relations,
    shapes,
    streaming,
    value,
)
from gaugeblock.conformance.trials.check import Check

_input_dtype, _label_dtype = dtypes.CHECKS

CHECKS: tuple[Check, ...] = (
    *value.CHECKS,
    _label_dtype,
    *gradient.CHECKS,
    *shapes.CHECKS,
    *large_batches.CHECKS,
    *combined.CHECKS,
    *dense.CHECKS,
    *relations.CHECKS,
    *invariances.CHECKS,
    *memory_layout.CHECKS,
    _input_dtype,
    *probes.CHECKS,
    *streaming.CHECKS,
)
"""Every check. Names are unique."""

if len({check.name for check in CHECKS}) < len(CHECKS):
    _names = [check.name for check in CHECKS]
    raise ValueError(f"checks share a name: {sorted({name for name in _names if _names.count(name) > 1})}")
