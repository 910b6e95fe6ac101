"""Questions with enumerated answers, by what they are about: each module is a table of probes."""

from __future__ import annotations

from gaugeblock.conformance.checks.probes import (
    accuracy,
    activations,
    bad_input,
    cross_entropy,
    gradients,
    labels,
    losses,
    state,
)

PROBES = (
    *accuracy.ACCURACIES,
    *activations.PROBES,
    *accuracy.AVERAGES,
    *bad_input.OF_LABELS,
    *cross_entropy.PROBES,
    *gradients.PROBES,
    *bad_input.OF_SHAPES,
    *labels.PROBES,
    *losses.PROBES,
    *state.PROBES,
)
"""Every probe, in the order of the generated pages."""
