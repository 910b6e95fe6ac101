"""Questions with enumerated answers, by what they are about: each module is a table of probes."""

from __future__ import annotations

from trueline.conformance.probes import accuracy, activations, binary, categorical, labels, losses, margins

PROBES = (
    *accuracy.PROBES,
    *activations.PROBES,
    *binary.PROBES,
    *categorical.PROBES,
    *labels.PROBES,
    *losses.PROBES,
    *margins.PROBES,
)

CHECKS = tuple(probe.check() for probe in PROBES)
