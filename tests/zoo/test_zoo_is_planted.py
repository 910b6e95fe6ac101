"""The zoo itself: what faults are built on is right, every fault is wrong where its entry says, no variant is."""

from __future__ import annotations

import inspect
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gaugeblock.reference.catalogue import OPERATIONS
from gaugeblock.reference.formats import FORMATS

from tests.zoo import right, right_binary, right_metrics, right_row_gradients, right_rows
from tests.zoo.entries import KINDS, Entry, Show, normal, show
from tests.zoo.faults_states import BinaryLoss
from tests.zoo.showing import OverwrittenError, all_off, answer, framework_of
from tests.zoo.tables import named, skip_without, table

FAULTS, VARIANTS = table("faults"), table("variants")
SHOWN = [entry for entry in FAULTS if not entry.check]

REALS = [*normal(40, scale=3), *normal(20, scale=60, seed=2), 0.0, -0.0, 1.0, -1.0, 3.0, -2.9999999, 1e-30, 88.8, -88.8]
SHARES = [*np.random.default_rng(3).random(60), 0.0, 1.0, 0.5, 0.50000006, 0.4999, 1e-9, 1 - 2**-20, 2**-20]
ROWS = np.concatenate(
    [normal(4, 9, scale=3), normal(3, 9, scale=30, seed=4), normal(1, 9, shift=1000), normal(1, 9, scale=1e-4)]
)
MASK = np.random.default_rng(5).random(ROWS.shape) < 0.7
MASK[:, 0] = True
SIGNS = np.where(np.arange(len(REALS)) % 3 == 0, -1.0, 1.0)
HARD = np.where(np.arange(len(SHARES)) % 3 == 0, 0.0, 1.0)


def _ordinary(name: str) -> dict[str, Any]:
    """Inputs of an operation of one number or of rows."""
    domains = OPERATIONS[name].domains
    if domains[0] == "mask":
        return {"mask": MASK, "x": ROWS}
    if domains == ("sign", "real"):
        return {"y_true": SIGNS, "score": REALS}
    if domains == ("target", "real"):
        soft = np.where(np.arange(len(REALS)) % 5 == 0, 0.25, (SIGNS + 1) / 2)
        return {"y_true": soft, "logits": REALS}
    if domains == ("target", "probability"):
        return {"y_true": HARD, "y_pred": SHARES}
    if domains == ("probability",):
        return {"x": SHARES}
    return {"x": REALS if domains == ("real",) else ROWS}


def _gradient_of(entry: Entry, call: Show, seed: int) -> Show:
    """The gradient at the inputs of a call, without those at which there is no derivative."""
    inputs = dict(call.inputs)
    if "probability" in OPERATIONS[entry.operation].domains:
        last = OPERATIONS[entry.operation].inputs[-1]
        held = FORMATS[call.dtype].rounded(inputs[last]).astype(np.float64)
        inputs[last] = np.where(np.isin(held, [0.0, 1.0]), 0.75, held)
    return replace(call, inputs=inputs, cotangent=normal(*np.shape(answer(entry, call)[2]), seed=seed))


def _base(name: str) -> Any:
    return getattr(right, name, None) or getattr(right_binary, name, None)


BASES = [name for name in OPERATIONS if _base(name)]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("name", BASES)
def test_bases_are_right(name: str, dtype: str) -> None:
    entry = Entry(name, name, _base(name), "", "", options={"gradient": _base(f"{name}_gradient")})
    axes = [{}, {"axis": 0}] if OPERATIONS[name].rowwise else [{}]
    for keywords in [*axes, *map(dict, OPERATIONS[name].asks)]:
        call = show(dtype=dtype, keywords=keywords, **_ordinary(name))
        assert max(off.ratio for _, off in all_off(entry, (call, _gradient_of(entry, call, 6)))) <= 1


def test_entries_are_well_formed() -> None:
    every = [*FAULTS, *VARIANTS]
    assert len({entry.id for entry in every}) == len(every)
    for entry in every:
        assert entry.operation in OPERATIONS, entry.id
        assert entry.defect, entry.id
        assert entry.upstream.startswith("https://") or not entry.upstream, entry.id
        assert bool(entry.check) == bool(entry.expected), entry.id
    assert {entry.kind for entry in FAULTS} == set(KINDS)
    assert {entry.kind for entry in VARIANTS} == {"variant"}


@pytest.mark.parametrize("entry", SHOWN, ids=named)
def test_faults_are_faults(entry: Entry) -> None:
    """An answer is off by more than 100 ULP and twice its bound, or an input is written to."""
    skip_without(entry)
    try:
        found = list(all_off(entry))
    except OverwrittenError:
        assert entry.kind == "input-overwritten"
        return
    assert entry.kind != "input-overwritten"
    assert any(off.is_wrong(dtype) for dtype, off in found), found


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("entry", [v for v in VARIANTS if not v.shows and not v.check], ids=named)
def test_variants_are_right(entry: Entry, dtype: str) -> None:
    if dtype not in entry.options.get("dtypes", (dtype,)):
        pytest.skip("for other formats")
    inputs = _ordinary(entry.operation)
    calls = [show(dtype=dtype, **inputs)]
    if "gradient" in entry.options:
        calls.append(_gradient_of(entry, calls[0], 7))
    if OPERATIONS[entry.operation].rowwise and "axis" in inspect.signature(entry.function).parameters:
        calls.append(show(dtype=dtype, keywords={"axis": 0}, **inputs))
    # Those of other bases round an argument once more.
    assert max(off.ratio for _, off in all_off(entry, tuple(calls))) <= 2


@pytest.mark.parametrize("entry", [v for v in VARIANTS if v.shows], ids=named)
def test_variants_are_right_where_they_say(entry: Entry) -> None:
    skip_without(entry)
    assert max(off.ulps for _, off in all_off(entry)) < 8


def _right(entry: Entry) -> Entry:
    """The right implementation of what the entry is a fault of, as an entry that shows the same input."""
    options = {name: value for name, value in entry.options.items() if name in ("gradient", "protocol")}
    if "protocol" in options and entry.operation == "binary_cross_entropy_with_logits":
        return replace(entry, function=BinaryLoss, options=options)
    if "protocol" in options:
        of = staticmethod(getattr(right_metrics, entry.operation))
        return replace(entry, function=type("Right", (right_metrics.State,), {"of": of}), options=options)
    if "gradient" in options:
        options = {"gradient": getattr(right_row_gradients, entry.operation)}
    known = (right_rows, right_metrics, right, right_binary)
    value = next(getattr(module, entry.operation) for module in known if hasattr(module, entry.operation))
    return replace(entry, function=value, options=options)


@pytest.mark.parametrize("entry", [e for e in SHOWN if callable(e.shows) and framework_of(e) == "numpy"], ids=named)
def test_what_a_fault_of_rows_is_made_of_is_right(entry: Entry) -> None:
    assert max(off.ulps for _, off in all_off(_right(entry))) < 4


def test_means_over_samples_are_right_as_two_sums() -> None:
    streams = [e for e in SHOWN if "protocol" in e.options and e.operation == "accuracy"]
    assert len(streams) > 15
    for entry in streams:
        assert max(off.ulps for _, off in all_off(replace(entry, function=right_metrics.Mean))) < 1, entry.id
