"""Pins: conventions that an implementation must follow, by the name of a probe or by a topic of several."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gaugeblock.conformance.checks.table import CHECKS
from gaugeblock.conformance.yours.callable_adapter import CallableError
from gaugeblock.reference.catalogue import Operation

TOPICS: dict[str, dict[str, dict[str, str]]] = {
    "ties": {
        "lowest index": {
            "tied-largest-scores": "the first",
            "all-scores-equal": "the first",
            "tied-at-the-kth-place": "the first two",
            "constant-scores-in-top-k": "the first three",
        },
        "highest index": {
            "tied-largest-scores": "the last",
            "all-scores-equal": "the last",
            "tied-at-the-kth-place": "the last two",
            "constant-scores-in-top-k": "the last three",
        },
        "all": {
            "tied-largest-scores": "both",
            "all-scores-equal": "all",
            "tied-at-the-kth-place": "all",
            "constant-scores-in-top-k": "all",
        },
    },
}
"""By topic and what is asked for: the label that each probe must have."""


@dataclass(frozen=True)
class Pins:
    """Conventions as they must be."""

    settled: Mapping[str, Any]
    """Parameters of the definition, and its reduction."""
    labels: Mapping[str, str]
    """The label that a probe must have, by the probe's name."""


def pinned(conventions: Mapping[str, Any], op: Operation, parameters: Sequence[str]) -> Pins:
    """The pins that `conventions` names; CallableError for a name or label that there is not."""
    settled: dict[str, Any] = {}
    labels: dict[str, str] = {}
    probes = {each.name: each for each in CHECKS if each.kind == "probe"}
    for name, value in conventions.items():
        if name in parameters:
            settled[name] = value
        elif name in TOPICS:
            labels |= _chosen(name, value, TOPICS[name])
        elif name in probes:
            labels[name] = _chosen(name, value, dict.fromkeys(probes[name].answers, value))
        else:
            known = (*parameters, *TOPICS, *probes)
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise CallableError(f"there is no convention {name!r} of {op.name}: {hint}docs/questions names the probes.")
    return Pins(settled, labels)


def _chosen(name: str, value: Any, choices: Mapping[str, Any]) -> Any:
    if value not in choices:
        raise CallableError(f"{name!r} cannot be {value!r}: it is one of {', '.join(map(repr, choices))}.")
    return choices[value]
