"""The table of checks, in the order in which they run."""

from __future__ import annotations

from gaugeblock.conformance.checks import (
    combined,
    dense,
    dtypes,
    gradient,
    invariances,
    probes,
    relations,
    same_code,
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
    *combined.CHECKS,
    *dense.CHECKS,
    *same_code.CHECKS,
    *relations.CHECKS,
    *invariances.CHECKS,
    _input_dtype,
    *(probe.check() for probe in probes.PROBES),
    *streaming.CHECKS,
)
"""Every check. Names are unique."""

if len({check.name for check in CHECKS}) < len(CHECKS):
    _names = [check.name for check in CHECKS]
    raise ValueError(f"checks share a name: {sorted({name for name in _names if _names.count(name) > 1})}")
