"""Memory layouts: which are asked, what a call that writes to its input is called, and that each layout is one."""

from typing import Any

import numpy as np
import pytest
from gaugeblock.adapters.layouts import LAYOUTS
from gaugeblock.adapters.registry import adapter
from gaugeblock.reference.formats import FORMATS

from tests import static
from tests.planted import SPARSE, Array, Function, observe, sigmoid, softmax, sparse, wide
from tests.zoo.faults_by_check import share, writing

LAYOUT = "memory-layout"


@pytest.mark.parametrize(
    ("operation", "function", "options", "lacking"),
    [
        ("sigmoid", wide(sigmoid), {}, {"moved"}),  # a matrix has but two orders
        ("softmax", wide(softmax), {}, {"moved"}),
        (SPARSE, wide(sparse), {"reduction": "none"}, {"moved"}),
        ("accuracy", share, {"dtype": "int64", "reduction": "mean"}, {"transposed", "moved"}),  # a column has one
    ],
)
def test_layouts_that_arrays_can_have_are_asked(
    operation: str, function: Function, options: dict[str, Any], lacking: set[str]
) -> None:
    assert list(observe(LAYOUT, operation, function, **options)) == [name for name in LAYOUTS if name not in lacking]


def test_the_input_that_a_call_writes_to_is_named() -> None:
    found = observe(LAYOUT, "softmax", writing)
    assert found["contiguous"].message == "the call wrote to its input x"
    assert "read-only" in found["read-only"].message


def test_another_shape_is_named() -> None:
    def flat(x: Array) -> Array:
        return wide(sigmoid)(x) if x.flags.c_contiguous else wide(sigmoid)(x).ravel()

    assert "shapes (64,) and (8, 8)" in observe(LAYOUT, "sigmoid", flat)["strided"].message


def test_numbers_are_the_same_in_every_layout_and_nothing_else_is() -> None:
    array = np.arange(12, dtype=np.float32).reshape(3, 4)
    framework = adapter("numpy")
    made = {name: framework.lay_out(array, name, "cpu") for name in LAYOUTS}
    for name, each in made.items():
        np.testing.assert_array_equal(each, array, name)
    strides = {"transposed": (4, 12), "strided": (32, 8), "reversed": (16, -4), "padded": (28, 4)}
    assert {name: made[name].strides for name in strides} == strides
    repeated = np.repeat(array[:1], 3, axis=0)
    assert framework.lay_out(repeated, "broadcast", "cpu").strides == (0, 4)
    np.testing.assert_array_equal(framework.lay_out(repeated, "broadcast", "cpu"), repeated)
    assert made["contiguous"].flags.c_contiguous
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
    numbers = {n: np.repeat(array[:1], 3, axis=0) if n == "expanded" else array for n in framework.modes[0].layouts}
    made = {name: framework.lay_out(each, name, "cpu") for name, each in numbers.items()}
    for name, each in made.items():
        np.testing.assert_array_equal(framework.get(each), numbers[name])
    strides = {"transposed": (1, 3), "strided": (8, 2), "expanded": (0, 1)}
    assert {name: made[name].stride() for name in strides} == strides
    assert made["contiguous"].is_contiguous()
    assert made["offset"].storage_offset() == 1
    assert torch.isnan(made["strided"]._base.reshape(-1)[1])


def test_layouts_and_dtypes_are_asked_in_eager_modes_alone() -> None:
    asked = [(setting, check.name) for setting, check in static.tests() if check.name in static.INPUTS]
    assert {name for _, name in asked} == set(static.INPUTS)
    assert not any(setting.mode.compiled for setting, _ in asked)
    assert {setting.dtype for setting, name in asked if name == "input-dtype"} == {"float32"}
    assert {setting.dtype for setting, name in asked if name == LAYOUT} <= {*FORMATS, "int64"} - {"float64", "bfloat16"}
