"""Every fault of the zoo of rows is one where it says, every variant is none, and what they are made of is right."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest
import right as right_scalars
import right_binary
import right_metrics
import right_rows
import right_slopes
from entries import KINDS, Entry
from faults_of_adversaries import BinaryLoss
from gaugeblock.reference.catalogue import OPERATIONS
from showing import FARTHER, framework_of, shown

HERE = Path(__file__).parent
THEMES = (
    "faults_rows_values",
    "faults_rows_conditions",
    "faults_rows_dtypes",
    "faults_rows_slopes",
    "faults_divergences",
    "faults_rows_margins",
    "faults_accuracies",
    "faults_batch_metrics",
    "faults_curves",
    "faults_states",
    "faults_states_of_quotients",
    "faults_rows_frameworks",
    "faults_of_adversaries",
    "variants_rows_losses",
    "variants_rows_metrics",
)
FAULTS: list[Entry] = [entry for theme in THEMES for entry in getattr(importlib.import_module(theme), "FAULTS", ())]
VARIANTS: list[Entry] = [e for theme in THEMES for e in getattr(importlib.import_module(theme), "VARIANTS", ())]


def named(entry: Entry) -> str:
    return entry.id


def skip_without(entry: Entry) -> None:
    if importlib.util.find_spec(framework_of(entry)) is None:
        pytest.skip(f"{framework_of(entry)} is not installed")


def test_entries_are_well_formed() -> None:
    every = [*FAULTS, *VARIANTS]
    assert len({entry.id for entry in every}) == len(every)
    for entry in every:
        assert entry.operation in OPERATIONS, entry.id
        assert entry.kind in (*KINDS, "variant"), entry.id
        assert entry.defect, entry.id
        assert entry.upstream.startswith(("", "https://")), entry.id


@pytest.mark.parametrize("entry", FAULTS, ids=named)
def test_a_fault_shows(entry: Entry) -> None:
    skip_without(entry)
    off = shown(entry)
    half = entry.options.get("dtypes") in (("float16",), ("bfloat16",))
    # A hundred epsilons of a half format are no accuracy at all.
    assert off > (FARTHER / 10 if half else FARTHER), off


@pytest.mark.parametrize("entry", VARIANTS, ids=named)
def test_a_variant_is_right(entry: Entry) -> None:
    skip_without(entry)
    assert shown(entry) < 16


def right(entry: Entry) -> Entry:
    """The right implementation of what the entry is a fault of, as an entry that shows the same input."""
    options = {name: value for name, value in entry.options.items() if name in ("gradient", "protocol")}
    if "protocol" in options and entry.operation == "binary_cross_entropy_with_logits":
        return replace(entry, function=BinaryLoss, options=options)
    if "protocol" in options:
        of = staticmethod(getattr(right_metrics, entry.operation))
        return replace(entry, function=type("Right", (right_metrics.State,), {"of": of}), options=options)
    if "gradient" in options:
        options = {"gradient": getattr(right_slopes, entry.operation)}
    known = (right_rows, right_metrics, right_scalars, right_binary)
    value = next(getattr(module, entry.operation) for module in known if hasattr(module, entry.operation))
    return replace(entry, function=value, options=options, kind="variant")


@pytest.mark.parametrize("entry", [e for e in FAULTS if framework_of(e) == "numpy"], ids=named)
def test_what_a_fault_is_made_of_is_right(entry: Entry) -> None:
    assert shown(right(entry)) < 4


def test_means_over_samples_are_right_as_two_sums() -> None:
    streams = [e for e in FAULTS if "protocol" in e.options and e.operation == "accuracy"]
    assert len(streams) > 15
    for entry in streams:
        assert shown(replace(entry, function=right_metrics.Mean)) < 1, entry.id
