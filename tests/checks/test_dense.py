"""Dense lines: a fault between two numbers, at one, in one binade or in a row alone is found; right ones pass."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.special
from gaugeblock.conformance.cases.float_grid import CHUNK
from gaugeblock.conformance.cases.rows import lines
from gaugeblock.conformance.trials.effort import EFFORTS
from gaugeblock.reference.catalogue import OPERATIONS
from gaugeblock.reference.formats import FORMATS
from gaugeblock.reports.records import Observation

from tests import planted
from tests.planted import BCE, BCE_LOGITS, SPARSE, Array, Function, bce_logits, sigmoid, softmax, softplus, sparse, wide

ISOLATED = float.fromhex("0x1.3ae148p+0")
"""1.23 in float32, 0x3f9d70a4."""


def seen(operation: str, function: Function, points: int = 2**14, **more: Any) -> dict[str, Observation]:
    """What lines of so many points show of a planted implementation."""
    effort = replace(EFFORTS["thorough"].combined, points=points, derivative_points=points)
    check = "dense-gradient" if "gradient" in more else "dense"
    return planted.observe(check, operation, function, effort=effort, **more)


def deviating(found: dict[str, Observation]) -> set[str]:
    return {case for case, each in found.items() if each.verdict == "deviates"}


def spoilt(function: Function, where: Callable[[Array], Any], factor: float = 1.0001) -> Function:
    """An implementation that is wrong where its last array says so."""

    def wrong(*arrays: Any, **parameters: Any) -> Array:
        x = arrays[-1] if not isinstance(arrays[-1], int) else arrays[-2]
        answer = np.asarray(function(*arrays, **parameters))
        chosen = where(x.astype(np.float64))
        chosen = chosen.any(axis=-1) if chosen.ndim > answer.ndim else chosen
        return np.where(chosen, answer * factor, answer).astype(answer.dtype)

    return wrong


RIGHT: tuple[tuple[str, Function, dict[str, Any]], ...] = (
    ("sigmoid", wide(sigmoid), {}),
    ("sigmoid", sigmoid, {}),
    ("sigmoid", sigmoid, {"dtype": "float64"}),
    ("sigmoid", wide(sigmoid), {"dtype": "float16"}),
    ("sigmoid", wide(sigmoid), {"dtype": "bfloat16"}),
    ("softplus", wide(softplus), {}),
    ("logit", wide(scipy.special.logit), {}),
    ("hard_sigmoid", wide(lambda x: np.clip(x / 6 + 0.5, 0, 1)), {}),
    ("softmax", softmax, {}),
    ("softmax", wide(softmax), {"dtype": "bfloat16"}),
    ("log_softmax", planted.log_softmax, {}),
    ("log_softmax", wide(planted.log_softmax), {"dtype": "float16"}),
    (BCE, wide(planted.bce), {"reduction": "none"}),
    (BCE_LOGITS, wide(bce_logits), {"reduction": "none"}),
    (SPARSE, sparse, {"reduction": "none"}),
    ("hinge", wide(lambda y, s: np.maximum(1 - y * s, 0)), {"reduction": "none"}),
)


@pytest.mark.parametrize(("operation", "function", "options"), RIGHT)
def test_right_implementations_conform(operation: str, function: Function, options: dict[str, Any]) -> None:
    found = seen(operation, function, **options)
    assert {each.verdict for each in found.values()} == {"conforms"}
    names = lines(OPERATIONS[operation], FORMATS[options.get("dtype", "float32")])
    assert set(names) <= set(found)
    assert all(each.witness.at and each.digest for each in found.values())


WRONG: tuple[tuple[str, str, Function, str, dict[str, Any]], ...] = (
    ("a narrow range", "sigmoid", spoilt(wide(sigmoid), lambda x: (x > 17) & (x < 17.0001)), "alone", {}),
    ("an isolated number of float32", "sigmoid", spoilt(wide(sigmoid), lambda x: x == ISOLATED), "alone", {}),
    ("a single number of float16", "sigmoid", spoilt(wide(sigmoid), lambda x: x == 1.2294921875, 1.01), "alone",
     {"dtype": "float16"}),
    ("one binade", "softplus", spoilt(wide(softplus), lambda x: (abs(x) >= 2**-20) & (abs(x) < 2**-19)), "alone", {}),
    ("the neighbour of a power of two", "log_sigmoid",
     spoilt(wide(lambda x: -softplus(-x)), lambda x: x == np.nextafter(np.float32(4), np.float32(0)), 1.00001),
     "alone", {}),
    ("the neighbour of a small decimal", "logit",
     spoilt(wide(scipy.special.logit), lambda x: x == np.nextafter(np.float32(0.3), np.float32(1))), "alone", {}),
    ("NaN at one number", "sigmoid", spoilt(wide(sigmoid), lambda x: x == 88.0, np.nan), "alone", {}),
    ("an infinity in a narrow range", "softplus", spoilt(wide(softplus), lambda x: (x > 50) & (x < 50.01), np.inf),
     "alone", {}),
    ("a subnormal result", "sigmoid", spoilt(wide(sigmoid), lambda x: (x < -100) & (x > -100.5), 0.0),
     "alone-subnormal", {}),
    ("a narrow range of binary64", "sigmoid", spoilt(sigmoid, lambda x: (x > 17) & (x < 17.01), 1 + 2**-45), "alone",
     {"dtype": "float64"}),
    ("a narrow range in a row", "softmax", spoilt(softmax, lambda x: ((x > 5) & (x < 5.01)).any(-1, keepdims=True)),
     "of-3", {}),
    ("one label alone", SPARSE, lambda labels, x: spoilt(sparse, lambda z: (z > 5) & (z < 5.01))(labels, x)
     if (labels == 1).all() else sparse(labels, x), "of-3-label-moving", {"reduction": "none"}),
    ("a soft target alone", BCE_LOGITS, lambda t, z: spoilt(wide(bce_logits), lambda x: (x > 3) & (x < 3.01))(t, z)
     if ((t > 0) & (t < 1)).any() else wide(bce_logits)(t, z), "target-soft", {"reduction": "none"}),
)  # fmt: skip


@pytest.mark.parametrize(
    ("operation", "function", "line", "options"), [pytest.param(*each[1:], id=each[0]) for each in WRONG]
)
def test_a_fault_is_seen_on_its_line(operation: str, function: Function, line: str, options: dict[str, Any]) -> None:
    found = seen(operation, function, points=2**16, **options)
    assert line in deviating(found)
    assert found[line].message.partition(" of ")[0].isdigit()
    if operation in (SPARSE, BCE_LOGITS):
        assert deviating(found) == {line}


GRADIENTS: tuple[tuple[str, Function, dict[str, Any]], ...] = (
    ("sigmoid", wide(planted.sigmoid_gradient), {}),
    ("sigmoid", wide(planted.sigmoid_gradient), {"dtype": "float16"}),
    ("softmax", wide(planted.softmax_gradient), {}),
    ("log_softmax", wide(planted.log_softmax_gradient), {}),
    ("hard_sigmoid", wide(lambda x, c: c * (np.abs(x) < 3) / 6), {}),
    (BCE_LOGITS, wide(lambda t, z, c: c * ((1 - t) * sigmoid(z) - t * sigmoid(-z))), {"reduction": "none"}),
)


@pytest.mark.parametrize(("operation", "gradient", "options"), GRADIENTS)
def test_right_gradients_conform(operation: str, gradient: Function, options: dict[str, Any]) -> None:
    found = seen(operation, wide(sigmoid), gradient=gradient, **options)
    assert {each.verdict for each in found.values()} == {"conforms"}
    assert set(lines(OPERATIONS[operation], FORMATS[options.get("dtype", "float32")])) <= set(found)


@pytest.mark.parametrize(("operation", "gradient", "options"), GRADIENTS)
def test_a_gradient_that_is_wrong_in_a_narrow_range_is_seen(
    operation: str, gradient: Function, options: dict[str, Any]
) -> None:
    def wrong(*arrays: Array, **parameters: Any) -> Array:
        slope, x = gradient(*arrays, **parameters), arrays[-2].astype(np.float64)
        return np.where((x > 2) & (x < 2.02), slope * 1.05, slope).astype(slope.dtype)

    found = seen(operation, wide(sigmoid), points=2**16, gradient=wrong, **options)
    assert deviating(found) == set(lines(OPERATIONS[operation], FORMATS["float32"]))


def test_the_message_says_where_and_how_many() -> None:
    wrong = spoilt(wide(sigmoid), lambda x: (x >= 2) & (x <= 2.5))
    found = seen("sigmoid", wrong, dtype="float16")
    # 2 to 2.5 holds a quarter of the 1024 numbers of its binade, and 2.5 itself.
    expected = "257 of 58588 numbers deviate, from 0x1.0000000000000p+1 to 0x1.4000000000000p+1"
    wrong_by_little = spoilt(wide(sigmoid), lambda x: (x >= 2) & (x <= 2.5), 1.01)
    assert found["alone"].verdict == "conforms"
    assert seen("sigmoid", wrong_by_little, dtype="float16")["alone"].message.startswith(expected)


def test_the_case_holds_the_worst_number_and_is_judged_alone() -> None:
    factor = lambda x: np.where(x == 17.0, 1.5, 1.0001)  # noqa: E731
    wrong = spoilt(wide(sigmoid), lambda x: (x > 16.5) & (x < 18))
    found = seen("sigmoid", lambda x: wrong(x) * factor(x).astype(np.float32))
    assert found["alone"].witness.at == [0]
    assert float.fromhex(found["alone"].witness.got) > 1.4
    assert found["alone"].error > 2**22


def test_every_call_has_the_same_shape() -> None:
    shapes = []

    def noted(x: Array) -> Array:
        shapes.append(x.shape)
        return wide(sigmoid)(x)

    seen("sigmoid", noted, points=2**18)
    assert set(shapes) == {(CHUNK,)}
    assert len(shapes) == 4


def test_a_wrong_shape_deviates() -> None:
    found = seen("sigmoid", lambda x: wide(sigmoid)(x)[:, None])
    assert deviating(found) == {"alone"}
    assert "shape" in found["alone"].message
