"""Questions with enumerated answers, by what they are about: each module is a table of probes."""

from __future__ import annotations

from gaugeblock.conformance.checks.probes import (
    accuracy,
    activations,
    bad_input,
    behind,
    binary,
    categorical,
    gradients,
    labels,
    losses,
    margins,
    state,
)
from gaugeblock.conformance.trials.check import Check

PROBES = (
    *accuracy.ACCURACIES,
    *activations.PROBES,
    *accuracy.AVERAGES,
    *bad_input.OF_LABELS,
    *binary.PROBES,
    *categorical.PROBES,
    *behind.PROBES,
    *gradients.PROBES,
    *bad_input.OF_SHAPES,
    *labels.PROBES,
    *losses.PROBES,
    *margins.PROBES,
    *state.PROBES,
)
"""Every probe, in the order of the generated pages."""

CHECKS: list[Check] = [probe.check() for probe in PROBES]
