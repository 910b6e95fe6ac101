"""What depends on the memory layout, the dtype of the inputs or that of the labels is seen; what does not, conforms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import static
from gaugeblock.adapters.layouts import LAYOUTS
from gaugeblock.adapters.registry import adapter
from gaugeblock.conformance.checks.label_dtypes import EDGES, LABELS, WIDER, holds, row
from gaugeblock.conformance.trials.setting import Observation
from gaugeblock.reference.formats import FORMATS
from planted import (
    BCE_LOGITS,
    CCE_LOGITS,
    SPARSE,
    Array,
    RefusalError,
    bce_logits,
    cce_logits,
    observe,
    sigmoid,
    softmax,
    sparse,
    verdicts,
    wide,
)

LAYOUT, INPUT, LABEL = "memory-layout", "input-dtype", "label-dtype"


def labels(found: dict[str, Observation]) -> dict[str, str]:
    return {case: str(observation["label"]) for case, observation in found.items()}


def by_memory(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` of the numbers as they would lie in contiguous memory from the start of the buffer."""

    def read(x: Array, *rest: Any) -> Any:
        root = x
        while isinstance(root.base, np.ndarray):
            root = root.base
        raw = root.tobytes(order="A")
        return function(np.resize(np.frombuffer(raw, x.dtype, len(raw) // x.itemsize), x.shape), *rest)

    return read


def writing(x: Array, axis: int) -> Array:
    x -= x.max(axis=axis, keepdims=True)
    return softmax(x, axis)


# Memory layouts


@pytest.mark.parametrize(("operation", "function"), [("sigmoid", wide(sigmoid)), ("softmax", wide(softmax))])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_answers_that_do_not_depend_on_the_layout_are_bit_equal(
    operation: str, function: Callable[..., Any], dtype: str
) -> None:
    found = observe(LAYOUT, operation, function, dtype=dtype)
    assert list(found) == [name for name in LAYOUTS if name != "moved"], "a matrix has but two orders"
    assert set(verdicts(found).values()) == {"conforms"}
    assert set(labels(found).values()) == {"bit-equal"}


def test_labels_and_losses_have_layouts_too() -> None:
    found = observe(LAYOUT, SPARSE, wide(sparse), reduction="none")
    assert list(found) == [name for name in LAYOUTS if name != "moved"]
    assert set(verdicts(found).values()) == {"conforms"}
    alone = observe(
        LAYOUT,
        "accuracy",
        lambda t, p: (t == p).mean(),
        dtype="int64",
        reduction="mean",
    )
    assert set(alone) == set(LAYOUTS) - {"transposed", "moved"}, "a column has no other order"
    assert set(verdicts(alone).values()) == {"conforms"}


@pytest.mark.parametrize(("operation", "function"), [("sigmoid", wide(sigmoid)), ("softmax", wide(softmax))])
def test_a_function_that_takes_every_memory_for_contiguous_deviates(
    operation: str, function: Callable[..., Any]
) -> None:
    seen = verdicts(observe(LAYOUT, operation, by_memory(function)))
    for layout in ("transposed", "strided", "reversed", "misaligned"):
        assert seen[layout] == "deviates", layout
    assert seen["contiguous"] == seen["read-only"] == "conforms"


def test_a_function_that_writes_to_its_input_deviates() -> None:
    found = observe(LAYOUT, "softmax", writing)
    assert verdicts(found)["contiguous"] == "deviates"
    assert found["contiguous"]["message"] == "the call wrote to its input x"
    assert verdicts(found)["strided"] == verdicts(found)["transposed"] == "deviates"
    assert verdicts(found)["read-only"] == "unsupported"
    assert "read-only" in found["read-only"]["message"]


def test_a_refusal_of_a_layout_is_unsupported() -> None:
    def picky(x: Array) -> Array:
        if not x.flags.c_contiguous:
            raise RefusalError("must be contiguous")
        return wide(sigmoid)(x)

    seen = verdicts(observe(LAYOUT, "sigmoid", picky))
    assert {layout for layout, verdict in seen.items() if verdict == "unsupported"} == {
        "transposed",
        "strided",
        "padded",
        "reversed",
        "broadcast",
    }


def test_another_shape_deviates_and_the_last_bit_does_not() -> None:
    flat = observe(LAYOUT, "sigmoid", lambda x: wide(sigmoid)(x) if x.flags.c_contiguous else wide(sigmoid)(x).ravel())
    assert verdicts(flat)["strided"] == "deviates"
    assert "shapes (64,) and (8, 8)" in flat["strided"]["message"]
    odd = observe(
        LAYOUT,
        "sigmoid",
        lambda x: wide(sigmoid)(x) if x.flags.c_contiguous else np.nextafter(wide(sigmoid)(x), np.float32(0)),
    )
    assert labels(odd)["strided"] == "equal within the bounds"
    assert labels(odd)["contiguous"] == "bit-equal"
    assert set(verdicts(odd).values()) == {"conforms"}


def test_numbers_are_the_same_in_every_layout_and_nothing_else_is() -> None:
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    framework = adapter("numpy")
    made = {name: framework.lay_out(array, name, "cpu") for name in LAYOUTS}
    for name, each in made.items():
        np.testing.assert_array_equal(each, array, name)
    assert made["contiguous"].flags.c_contiguous
    assert made["transposed"].strides == (4, 12)
    assert made["strided"].strides == (32, 8)
    assert made["reversed"].strides == (16, -4)
    assert made["padded"].strides == (28, 4)
    repeated = np.repeat(array[:1], 3, axis=0)
    assert framework.lay_out(repeated, "broadcast", "cpu").strides == (0, 4)
    np.testing.assert_array_equal(framework.lay_out(repeated, "broadcast", "cpu"), repeated)
    assert not made["misaligned"].flags.aligned
    assert not made["read-only"].flags.writeable
    whole = made["strided"].base
    assert np.isnan(whole.reshape(3, 8)[:, 1::2]).all(), "what is read between the numbers shows"
    assert framework.lay_out(np.arange(4), "strided", "cpu").base.reshape(-1)[1] == 0


def test_tensors_have_the_layouts_they_are_said_to_have() -> None:
    torch = pytest.importorskip("torch")
    framework = adapter("torch")
    framework.load()
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    made = {name: framework.lay_out(array, name, "cpu") for name in framework.modes[0].layouts}
    for name, each in made.items():
        np.testing.assert_array_equal(
            framework.get(each), np.repeat(array[:1], 3, axis=0) if name == "expanded" else array
        )
    assert made["contiguous"].is_contiguous()
    assert made["transposed"].stride() == (1, 3)
    assert made["strided"].stride() == (8, 2)
    assert made["expanded"].stride() == (0, 1)
    assert made["offset"].storage_offset() == 1
    assert torch.isnan(made["strided"]._base[0, 1])


# Dtypes of the inputs


def test_whole_numbers_that_are_promoted_conform() -> None:
    found = observe(INPUT, "sigmoid", lambda x: sigmoid(x.astype(np.float64)))
    assert list(found) == ["x-bool", "x-int8", "x-uint8", "x-int32", "x-int64"]
    assert set(verdicts(found).values()) == {"conforms"}
    assert set(labels(found).values()) == {"promoted to float64"}
    narrow = observe(INPUT, "sigmoid", lambda x: sigmoid(x.astype(np.float64)).astype(np.float16))
    assert set(verdicts(narrow).values()) == {"conforms"}
    assert set(labels(narrow).values()) == {"promoted to float16"}


def test_negation_that_wraps_deviates() -> None:
    found = verdicts(observe(INPUT, "sigmoid", lambda x: 1 / (1 + np.exp((-x).astype(np.float64)))))
    assert found["x-uint8"] == "deviates"
    assert found["x-int8"] == "deviates", "-(-128) is -128"
    assert found["x-int32"] == found["x-int64"] == "conforms"


def test_differences_that_wrap_deviate() -> None:
    def wrapping(x: Array, axis: int) -> Array:
        return softmax((x - x.max(axis=axis, keepdims=True)).astype(np.float64), axis)

    found = observe(INPUT, "softmax", lambda x, axis: wrapping(x + np.int8(0) if x.dtype == bool else x, axis))
    assert verdicts(found)["x-uint8"] == verdicts(found)["x-int8"] == "deviates"
    assert verdicts(found)["x-int32"] == verdicts(found)["x-bool"] == "conforms"


def test_an_answer_cut_to_whole_numbers_deviates() -> None:
    found = observe(INPUT, "sigmoid", lambda x: sigmoid(x.astype(np.float64)).astype(x.dtype))
    assert labels(found)["x-int32"] == "computed as int32"
    assert set(verdicts(found).values()) == {"deviates"}


def test_a_refusal_is_an_answer() -> None:
    def floats_only(y_true: Array, logits: Array) -> Array:
        if y_true.dtype != logits.dtype:
            raise RefusalError("dtypes differ")
        return wide(bce_logits)(y_true, logits)

    found = observe(INPUT, BCE_LOGITS, floats_only, reduction="none")
    assert set(verdicts(found).values()) == {"conforms"}
    assert set(labels(found).values()) == {"refuses"}
    assert found["logits-float16"]["message"] == "dtypes differ"


@pytest.mark.parametrize(("operation", "right"), [(BCE_LOGITS, bce_logits), (CCE_LOGITS, cce_logits)])
def test_mixed_formats_are_judged_in_that_of_the_answer(operation: str, right: Callable[..., Any]) -> None:
    def promoted(y_true: Array, logits: Array) -> Array:
        return right(y_true.astype(np.float64), logits.astype(np.float64)).astype(np.result_type(y_true, logits))

    found = observe(INPUT, operation, promoted, reduction="none")
    assert {"y_true-bool", "y_true-int64", "logits-float16", "logits-float64"} <= set(found)
    assert set(verdicts(found).values()) == {"conforms"}
    assert labels(found)["logits-float16"] == "promoted to float32"
    assert labels(found)["logits-float64"] == "promoted to float64"

    def narrowed(y_true: Array, logits: Array) -> Array:
        half = np.float16 if logits.dtype == np.float16 else np.float64
        return promoted(y_true.astype(half), logits).astype(np.result_type(y_true, logits))

    off = verdicts(observe(INPUT, operation, narrowed, reduction="none"))
    assert off.pop("logits-float16") == "deviates"
    assert set(off.values()) == {"conforms"}


def test_a_python_float_promises_no_more_than_the_numbers_given() -> None:
    found = observe(
        INPUT,
        BCE_LOGITS,
        lambda t, z: float(bce_logits(t.astype(np.float32), z.astype(np.float32)).mean(dtype=np.float64)),
        reduction="mean",
    )
    assert verdicts(found)["y_true-int64"] == "conforms"
    assert labels(found)["y_true-int64"] == "promoted to float64"


def test_scores_may_be_whole_numbers_too() -> None:
    found = observe(
        INPUT, "sparse_categorical_accuracy", lambda y, s: (y == s.argmax(axis=1)).astype(float), reduction="none"
    )
    assert {"y_score-int8", "y_score-int64"} <= set(found)
    assert set(verdicts(found).values()) == {"conforms"}


def test_a_call_that_names_the_dtype_of_its_input_is_not_asked() -> None:
    asked = {setting.implementation.id: setting for setting, check in static.tests() if check.name == INPUT}
    assert "sigmoid/numpy.textbook" in asked
    for implementation in static.implementations():
        if implementation.operation == "softmax" and ".astype(x.dtype)" in implementation.call:
            assert implementation.id not in asked
    found = observe(
        INPUT,
        BCE_LOGITS,
        lambda t, z: bce_logits(t.astype(np.float64), z.astype(np.float64)),
        call="planted(y_true, logits).astype(y_true.dtype)",
        reduction="none",
    )
    assert list(found) == ["logits-float16", "logits-float64"]


# Dtypes of the labels


def in_dtype(function: Callable[..., Any], dtype: Any) -> Callable[..., Any]:
    return lambda y, z: function(y.astype(dtype).astype(np.int64) % z.shape[1], z)


def test_labels_of_every_dtype_and_size_conform() -> None:
    for dtype in ("bfloat16", "float32"):
        found = observe(LABEL, SPARSE, in_dtype(wide(sparse), np.int64), dtype=dtype, reduction="none")
        assert set(found) == {
            "int8", "uint8", "int16", "uint16", "int32", "int64", "uint64", "float32",
            *(f"{d}-beyond-127" for d in LABELS[1:] if d != "int8"),
            *(f"{d}-beyond-{e}" for d in LABELS[3:] for e in (255, 2048)),
            *(f"{d}-beyond-32767" for d in LABELS[4:]),
            *(f"{d}-beyond-65535" for d in LABELS[5:]),
        }  # fmt: skip
        assert set(verdicts(found).values()) == {"conforms"}
        assert set(labels(found).values()) == {"taken"}


@pytest.mark.parametrize(
    ("dtype", "first"),
    [(np.int8, 127), (np.uint8, 255), (np.int16, 32767), (np.uint16, 65535), (ml_dtypes.bfloat16, 255)],
)
@pytest.mark.parametrize("of", ["bfloat16", "float32"])
def test_labels_that_a_narrower_dtype_cuts_deviate(dtype: Any, first: int, of: str) -> None:
    seen = verdicts(observe(LABEL, SPARSE, in_dtype(wide(sparse), dtype), dtype=of, reduction="none"))
    for edge, _, _ in EDGES:
        assert seen[f"int64-beyond-{edge}"] == ("deviates" if edge >= first else "conforms"), edge
    assert seen["int8"] == seen["int64"] == "conforms"


def test_labels_rounded_to_binary16_deviate() -> None:
    seen = verdicts(observe(LABEL, SPARSE, in_dtype(wide(sparse), np.float16), reduction="none"))
    assert seen["int32-beyond-255"] == "conforms"
    assert seen["int32-beyond-2048"] == seen["int16-beyond-2048"] == seen["int32-beyond-32767"] == "deviates"


def test_metrics_see_cut_labels_too() -> None:
    def hits(y: Array, s: Array) -> Array:
        return (y.astype(np.int64) == s.argmax(axis=1)).astype(float)

    right = observe(LABEL, "sparse_categorical_accuracy", hits, reduction="none")
    assert set(verdicts(right).values()) == {"conforms"}
    cut = verdicts(
        observe(LABEL, "sparse_categorical_accuracy", lambda y, s: hits(y.astype(np.uint8), s), reduction="none")
    )
    assert cut["int64-beyond-255"] == "deviates"
    assert cut["uint8-beyond-127"] == "conforms"


def test_labels_alone_go_as_far_as_their_dtype() -> None:
    def share(t: Array, p: Array) -> float:
        return float((t == p).mean())

    found = observe(LABEL, "accuracy", share, dtype="int64", reduction="mean")
    assert {"uint64-beyond-9223372036854775807", "int64-beyond-9007199254740992", "int8"} <= set(found)
    assert "int64-beyond-9223372036854775807" not in found
    assert set(verdicts(found).values()) == {"conforms"}
    for dtype, first in ((np.float32, 2**24), (np.float64, 2**53), (np.uint32, 2**32 - 1)):
        seen = verdicts(
            observe(
                LABEL,
                "accuracy",
                lambda t, p, dtype=dtype: share(t.astype(dtype), p.astype(dtype)),
                dtype="int64",
                reduction="mean",
            )
        )
        assert seen[f"uint64-beyond-{first}"] == "deviates"
        assert seen["uint64-beyond-65535"] == "conforms"


def test_refused_label_dtypes_are_unsupported() -> None:
    def signed_only(y: Array, z: Array) -> Array:
        if y.dtype != np.int64:
            raise RefusalError("expected int64")
        return wide(sparse)(y, z)

    found = observe(LABEL, SPARSE, signed_only, reduction="none")
    for case, observation in found.items():
        taken = case.startswith("int64")
        assert observation["verdict"] == ("conforms" if taken else "unsupported"), case
        assert observation["label"] == ("taken" if taken else "refuses")
    assert found["uint8"]["message"] == "expected int64"


def test_binary_labels_have_no_further_classes() -> None:
    found = observe(
        LABEL,
        "binary_accuracy",
        lambda t, s, threshold: ((s > threshold) == (t == 1)).astype(float),
        call="planted(y_true, y_score, threshold)",
        reduction="none",
    )
    assert set(found) == set(LABELS)
    assert set(verdicts(found).values()) == {"conforms"}


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


# Which implementations are asked


def test_what_autodiff_does_not_know_has_no_gradient() -> None:
    asked = {setting.implementation.id for setting, check in static.tests() if check.kind == "gradient"}
    assert "sigmoid/torch.Tensor.sigmoid_" in asked
    assert "sigmoid/torch.sigmoid" in asked
    assert "sigmoid/torch.sigmoid-out" not in asked
    into = [setting for setting, _ in static.tests() if setting.implementation.name.endswith("-out")]
    assert into
    assert not any(setting.mode.compiled for setting in into)


def test_layouts_and_dtypes_are_asked_in_eager_modes_alone() -> None:
    asked = [(setting, check.name) for setting, check in static.tests() if check.name in static.INPUTS]
    assert {name for _, name in asked} == set(static.INPUTS)
    assert not any(setting.mode.compiled for setting, _ in asked)
    assert {setting.dtype for setting, name in asked if name == INPUT} == {"float32"}
    assert {setting.dtype for setting, name in asked if name == LAYOUT} <= {*FORMATS, "int64"} - {"float64", "bfloat16"}
