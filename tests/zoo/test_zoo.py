"""The suite sees every planted fault, and fails no legitimate variant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from gaugeblock.conformance import check
from gaugeblock.reference.catalogue import OPERATIONS

from tests.zoo import right, right_binary, right_metrics, right_rows
from tests.zoo.entries import Entry
from tests.zoo.tables import MISSED_BY_QUICK, as_expected, judged, named, skip_without, table

FAULTS, VARIANTS = table("faults"), table("variants")
RIGHT = [
    (name, getattr(module, name))
    for module in (right, right_rows, right_binary, right_metrics)
    for name in OPERATIONS
    if hasattr(module, name)
]


def test_there_are_enough_of_both() -> None:
    assert len(FAULTS) >= 520
    assert len(VARIANTS) >= 190
    assert {entry.id for entry in FAULTS} >= MISSED_BY_QUICK


@pytest.mark.parametrize("entry", FAULTS, ids=named)
def test_a_fault_is_caught(entry: Entry) -> None:
    skip_without(entry)
    if entry.check:
        as_expected(entry)
        return
    result = judged(entry, "standard" if entry.id in MISSED_BY_QUICK else "quick")
    assert result.failures, f"{entry.defect}: {result.not_covered}"


@pytest.mark.parametrize("entry", VARIANTS, ids=named)
def test_a_variant_conforms(entry: Entry) -> None:
    skip_without(entry)
    if entry.check:
        as_expected(entry)
        return
    judged(entry, "quick").raise_for_failures()


@pytest.mark.parametrize(("name", "function"), RIGHT, ids=[f"{name}-{f.__module__}" for name, f in RIGHT])
def test_what_faults_are_built_on_conforms(name: str, function: Callable[..., Any]) -> None:
    check(function, name, effort="quick").raise_for_failures()
