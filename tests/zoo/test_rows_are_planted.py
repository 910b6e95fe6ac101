"""Every fault of the zoo of rows is one where it says, every variant is none, and what they are made of is right."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path

import pytest
from entries import KINDS, Entry
from showing import FARTHER, framework_of, shown
from trueline.reference.catalogue import OPERATIONS

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
