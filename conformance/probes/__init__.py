"""Questions with enumerated answers, by what they are about: each module is a table of probes."""

from __future__ import annotations

from trueline.conformance.probes import (
    accuracy,
    activations,
    axes,
    bad_input_values,
    behind,
    binary,
    categorical,
    gradients,
    labels,
)

PROBES = (
    *accuracy.PROBES,
    *activations.PROBES,
    *axes.PROBES,
    *binary.PROBES,
    *categorical.PROBES,
    *behind.PROBES,
    *gradients.PROBES,
    *bad_input_values.PROBES,
    *labels.PROBES,
)

CHECKS = tuple(probe.check() for probe in PROBES)
