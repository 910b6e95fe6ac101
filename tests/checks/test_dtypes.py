"""Dtypes of inputs and of labels: which are asked, and what is said of a refusal."""

import numpy as np
import pytest
from gaugeblock.conformance.checks.dtypes import EDGES, LABELS, WIDER, holds, row

from tests import static
from tests.planted import BCE_LOGITS, SPARSE, bce_logits, observe, sigmoid, sparse, wide
from tests.zoo.faults_by_check import share
from tests.zoo.variants_by_check import of_one_dtype, signed_labels_alone

INPUT, LABEL = "input-dtype", "label-dtype"
NONE = {"reduction": "none"}


def test_whole_numbers_are_asked_of_a_function_of_numbers() -> None:
    found = observe(INPUT, "sigmoid", lambda x: sigmoid(x.astype(np.float64)))
    assert list(found) == ["x-bool", "x-int8", "x-uint8", "x-int32", "x-int64"]


def test_a_refusal_says_why() -> None:
    assert observe(INPUT, BCE_LOGITS, of_one_dtype, **NONE)["logits-float16"].message == "RefusalError: dtypes differ"
    found = observe(LABEL, SPARSE, signed_labels_alone, **NONE)
    assert found["uint8"].message == "RefusalError: expected int64"


def test_a_call_that_names_the_dtype_of_its_input_is_not_asked() -> None:
    asked = {setting.implementation.id for setting, check in static.tests() if check.name == INPUT}
    assert "sigmoid/numpy.textbook" in asked
    for implementation in static.implementations():
        if implementation.operation == "softmax" and ".astype(x.dtype)" in implementation.call:
            assert implementation.id not in asked
    call = "planted(y_true, logits).astype(y_true.dtype)"
    assert list(observe(INPUT, BCE_LOGITS, wide(bce_logits), call=call, **NONE)) == ["logits-float16", "logits-float64"]


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_labels_are_asked_in_every_dtype_and_beyond_every_narrower_one(dtype: str) -> None:
    assert set(observe(LABEL, SPARSE, wide(sparse), dtype=dtype, **NONE)) == {
        *(name for name in LABELS if name != "bool"),
        *(f"{d}-beyond-127" for d in LABELS[2:]),
        *(f"{d}-beyond-{e}" for d in LABELS[3:] if d != "uint8" for e in (255, 2048)),
        *(f"{d}-beyond-32767" for d in LABELS[4:]),
        *(f"{d}-beyond-65535" for d in LABELS[5:]),
    }


def test_labels_alone_go_as_far_as_their_dtype_and_those_of_two_classes_no_further() -> None:
    found = observe(LABEL, "accuracy", share, dtype="int64", reduction="mean")
    assert {"uint64-beyond-9223372036854775807", "int64-beyond-9007199254740992", "int8"} <= set(found)
    assert "int64-beyond-9223372036854775807" not in found
    two = observe(LABEL, "binary_accuracy", lambda t, s: ((s > 0.5) == (t == 1)).astype(float), **NONE)
    assert set(two) == set(LABELS)


@pytest.mark.parametrize("shares", [False, True])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32"])
def test_classes_that_truncation_mixes_up_differ(shares: bool, dtype: str) -> None:
    for edge, label, classes in EDGES:
        scores = row(classes, dtype, 0, shares)[0].astype(np.float64)
        assert label > edge
        kinds = ("int8", "uint8", "int16", "uint16", "bfloat16", *(["float16"] if label < 65504 else []))
        narrowed = {int(np.array(label).astype(kind).astype(np.float64)) % classes for kind in kinds}
        for other in narrowed - {label}:
            assert scores[other] != scores[label], (label, other)
        if shares:
            assert abs(scores.sum() - 1) < 2.0**-8
            assert scores.min() > 1e-7, "what a clip would hide"
        assert len(np.unique(scores)) == 8


def test_what_a_dtype_holds() -> None:
    assert holds("int8", np.array([0, 127]))
    assert not holds("int8", np.array([128]))
    assert not holds("uint8", np.array([-1]))
    assert holds("float32", np.array([2**24]))
    assert not holds("float32", np.array([2**24 + 1]))
    for edge, label in WIDER:
        assert label > edge
        assert holds("uint64", np.array([label], np.uint64))
