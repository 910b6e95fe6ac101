"""The suite sees every planted fault, and fails no legitimate variant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import right
import right_binary
import right_metrics
import right_rows
from entries import KINDS, Entry
from gaugeblock.conformance import check
from gaugeblock.reference.catalogue import OPERATIONS
from tables import MISSED_BY_QUICK, installed, judged, table

FAULTS, VARIANTS = table("faults"), table("variants")
RIGHT = [
    (name, getattr(module, name))
    for module in (right, right_rows, right_binary, right_metrics)
    for name in OPERATIONS
    if hasattr(module, name)
]


def named(entry: Entry) -> str:
    return entry.id


def skip_without(entry: Entry) -> None:
    if not installed(entry):
        pytest.skip(f"{entry.options['arrays']} is not installed")


def test_there_are_faults_of_every_kind_and_variants_enough() -> None:
    kinds = Counter(entry.kind for entry in FAULTS)
    assert set(kinds) == set(KINDS)
    assert len(FAULTS) >= 120
    assert len(VARIANTS) >= 40
    assert {entry.kind for entry in VARIANTS} == {"variant"}
    ids = [entry.id for entry in (*FAULTS, *VARIANTS)]
    assert len(set(ids)) == len(ids)
    assert {entry.id for entry in FAULTS} >= MISSED_BY_QUICK


@pytest.mark.parametrize("entry", FAULTS, ids=named)
def test_a_fault_is_caught(entry: Entry) -> None:
    skip_without(entry)
    result = judged(entry, "default" if entry.id in MISSED_BY_QUICK else "quick")
    assert result.failures, f"{entry.defect}: {result.not_covered}"


@pytest.mark.parametrize("entry", VARIANTS, ids=named)
def test_a_variant_conforms(entry: Entry) -> None:
    skip_without(entry)
    judged(entry, "quick").raise_for_failures()


@pytest.mark.parametrize(("name", "function"), RIGHT, ids=[f"{name}-{f.__module__}" for name, f in RIGHT])
def test_what_faults_are_built_on_conforms(name: str, function: Callable[..., Any]) -> None:
    check(function, name, effort="quick").raise_for_failures()
