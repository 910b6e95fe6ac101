"""Sweeps over lengths and shapes: what is wrong for some shape alone is found, and what is right passes."""

from typing import Any

import numpy as np
import pytest
from gaugeblock.conformance.cases.rows import rows_of
from gaugeblock.conformance.checks.shapes import RANGES, SPREAD
from gaugeblock.reference.catalogue import OPERATIONS
from gaugeblock.reference.formats import FORMATS

from tests.planted import Array, observe, verdicts

LENGTHS = [length for lengths in (*RANGES, *SPREAD) for length in lengths]
SWEPT = [pytest.param(op, id=op.name) for op in OPERATIONS.values() if not op.whole]


def softmax(x: Array, axis: int = -1) -> Array:
    if x.shape[axis] == 0:
        return x
    wide = x.astype(np.float64)
    e = np.exp(wide - wide.max(axis=axis, keepdims=True))
    return np.asarray(e / e.sum(axis=axis, keepdims=True)).astype(x.dtype)


def product(x: Array, cotangent: Array, axis: int = -1) -> Array:
    p = softmax(x.astype(np.float64), axis)
    c = cotangent.astype(np.float64)
    return np.asarray(p * (c - (p * c).sum(axis=axis, keepdims=True))).astype(x.dtype)


def spoilt(wrong: Any) -> Any:
    """Softmax whose first entry is lost where `wrong` says so of the rows, the class axis last."""

    def function(x: Array, axis: int = -1) -> Array:
        answer = np.moveaxis(softmax(x, axis).copy(), axis, -1)
        rows = np.moveaxis(x, axis, -1)
        if answer.size and wrong(rows, axis):
            answer[..., -1] *= x.dtype.type(0.5)
        return np.moveaxis(answer, -1, axis)

    return function


def test_the_lengths_are_those_promised() -> None:
    around = [n + d for n in (128, 256, 512, 1024, 2048, 4096) for d in (-1, 0, 1)]
    spread = [*range(70, 500, 29), *range(531, 1020, 61), *range(1100, 4000, 367)]
    assert [*range(1, 67), *around, *spread] == LENGTHS


@pytest.mark.parametrize("dtype", list(FORMATS))
@pytest.mark.parametrize("check", ["every-length", "shapes", "gradient-of-lengths"])
def test_a_right_softmax_conforms(check: str, dtype: str) -> None:
    found = observe(check, "softmax", softmax, gradient=product, dtype=dtype)
    assert set(verdicts(found).values()) == {"conforms"}
    assert len(found) >= 12


WRONG_LENGTHS = {
    "seventeen": (lambda rows, _: rows.shape[-1] == 17, {"17-to-24"}),
    "odd and long": (lambda rows, _: rows.shape[-1] > 1000 and rows.shape[-1] % 2, {
        "1023-to-1025", "2047-to-2049", "4095-to-4097", "531-to-1019", "1100-to-3669"}),
    "tail after a block of 64": (lambda rows, _: rows.shape[-1] == 65, {"65-to-66"}),
    "long, odd, a masked start and a large gap": (
        lambda rows, _: rows.shape[-1] > 500 and rows.shape[-1] % 2 and np.isneginf(rows.astype(float)[..., 0]).any()
        and (rows.astype(float).max() > 20), {"511-to-513", "1023-to-1025", "2047-to-2049", "4095-to-4097",
                                             "531-to-1019", "1100-to-3669"}),
}  # fmt: skip


WRONG_SHAPES = {
    "as many rows as classes": (lambda rows, _: rows.ndim == 2 and rows.shape[0] == rows.shape[1], {"square"}),
    "more than 65,536 rows": (lambda rows, _: rows.size // max(1, rows.shape[-1]) > 2**16, {"rows-65599"}),
    "100,000 classes": (lambda rows, _: rows.shape[-1] > 2**16, {"classes-100000"}),
    "a single row": (lambda rows, _: rows.ndim == 1, {"rank-1-axis-0", "rank-1-axis--1"}),
    "a negative axis that is not the last": (
        lambda _, axis: axis < -1, {"rank-3-axis--2", "rank-3-axis--3", *(f"rank-4-axis--{n}" for n in (2, 3, 4))}),
}  # fmt: skip


def deviating(check: str, function: Any, **options: Any) -> set[str]:
    found = observe(check, "softmax", function, **options)
    return {case for case, verdict in verdicts(found).items() if verdict == "deviates"}


@pytest.mark.parametrize(
    ("check", "wrong", "expected"),
    [
        pytest.param(check, *each, id=name)
        for check, table in (("every-length", WRONG_LENGTHS), ("shapes", WRONG_SHAPES))
        for name, each in table.items()
    ],
)
def test_a_fault_at_some_lengths_or_shapes_is_found_there(check: str, wrong: Any, expected: set[str]) -> None:
    assert deviating(check, spoilt(wrong)) == expected


def test_float16_sums_that_overflow_are_found() -> None:
    def narrow(x: Array, axis: int = -1) -> Array:
        e = np.exp(x - x.max(axis=axis, keepdims=True, initial=-np.inf))
        return np.asarray(e / e.sum(axis=axis, keepdims=True, dtype=x.dtype))

    found = verdicts(observe("shapes", "softmax", narrow, dtype="float16"))
    assert (found["classes-100000"], found["square"]) == ("deviates", "conforms")


def test_a_gradient_that_is_wrong_at_one_length_is_found() -> None:
    def wrong(x: Array, cotangent: Array, axis: int = -1) -> Array:
        return product(x, cotangent, axis) * (x.dtype.type(1.5) if x.shape[-1] == 33 else x.dtype.type(1))

    assert deviating("gradient-of-lengths", softmax, gradient=wrong) == {"length-33"}


@pytest.mark.parametrize("dtype", list(FORMATS))
@pytest.mark.parametrize("op", SWEPT)
def test_inputs_are_numbers_of_the_format_in_the_shapes_asked(op: Any, dtype: str) -> None:
    fmt = FORMATS[dtype]
    for length in (1, 2, 17, 300):
        for name, array in rows_of(op, fmt, 3, length).items():
            rank = op.core_ranks[op.inputs.index(name)]
            shape = ((3, length) if rank else (3,)) if op.rowwise else (length,)
            assert array.shape == shape, name
            if name not in op.integers:
                assert array.dtype == fmt.dtype
            if name in op.integers and op.rowwise and not rank:
                last = rows_of(op, fmt, 3, length)[op.inputs[-1]].astype(np.float64)
                assert np.isfinite(last[np.arange(3), array]).all(), "a label that the loss of is infinite"


@pytest.mark.parametrize("dtype", list(FORMATS))
@pytest.mark.parametrize("length", [10, 300, 4097])
def test_scores_have_no_ties(length: int, dtype: str) -> None:
    scores = rows_of(OPERATIONS["top_k_accuracy"], FORMATS[dtype], 2, length)["y_score"]
    assert all(len(set(row)) == length for row in scores.astype(np.float64).tolist())
