"""Questions with enumerated answers, by what they are about: each module is a table of probes."""

from __future__ import annotations

from gaugeblock.conformance.checks.probes import (
    accuracy,
    activations,
    averages,
    axes,
    bad_input_labels,
    bad_input_values,
    behind,
    binary,
    categorical,
    gradients,
    labels,
    losses,
    margins,
    state,
)

PROBES = (
    *accuracy.PROBES,
    *activations.PROBES,
    *axes.PROBES,
    *averages.PROBES,
    *bad_input_labels.PROBES,
    *binary.PROBES,
    *categorical.PROBES,
    *behind.PROBES,
    *gradients.PROBES,
    *bad_input_values.PROBES,
    *labels.PROBES,
    *losses.PROBES,
    *margins.PROBES,
    *state.PROBES,
)

CHECKS = tuple(probe.check() for probe in PROBES)
