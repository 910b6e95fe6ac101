"""Wrong margin losses and a wrong sparsemax, planted, must be seen by the real checks; right ones must pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from planted import Array, observe, verdicts, wide

NONE: dict[str, Any] = {"reduction": "none"}
AXIS: dict[str, Any] = {"call": "planted(x, axis)"}


def hinge(y_true: Array, score: Array) -> Array:
    return np.maximum(1 - y_true * score, 0)


def of_sigmoid(y_true: Array, score: Array) -> Array:
    """A batch with a score outside [0, 1] is taken for logits."""
    outside = np.any((score < 0) | (score > 1))
    return hinge(y_true, 1 / (1 + np.exp(-score)) if outside else score)


def without(labels: Array, scores: Array) -> Array:
    return np.where(np.arange(scores.shape[1]) == labels[:, None], -np.inf, scores)


def own(labels: Array, scores: Array) -> Array:
    return np.take_along_axis(scores, labels[:, None], axis=1)[:, 0]


def multiclass_hinge(labels: Array, scores: Array) -> Array:
    return np.maximum(without(labels, scores).max(axis=1) - own(labels, scores) + 1, 0)


def with_own_class(labels: Array, scores: Array) -> Array:
    """The label's own score takes part in the maximum, so the loss never falls below the margin."""
    return 1 + scores.max(axis=1) - own(labels, scores)


def with_zero(labels: Array, scores: Array) -> Array:
    return np.maximum(np.maximum(without(labels, scores).max(axis=1), 0) - own(labels, scores) + 1, 0)


def multi_margin(labels: Array, scores: Array, *, own_term: int = 0, over: int = 0) -> Array:
    gaps = np.maximum(scores - own(labels, scores)[:, None] + 1, 0)
    gaps = np.where(np.arange(scores.shape[1]) == labels[:, None], own_term, gaps)
    return gaps.sum(axis=1) / (scores.shape[1] - over)


def sparsemax(x: Array, axis: int, *, sums_of_sums: bool = False) -> Array:
    rows = np.moveaxis(x, axis, -1)
    rows = rows - rows.max(axis=-1, keepdims=True)
    ordered = -np.sort(-rows, axis=-1)
    starts = ordered.cumsum(axis=-1)
    inside = 1 + np.arange(1, rows.shape[-1] + 1) * ordered > starts
    size = inside.sum(axis=-1, keepdims=True)
    added = np.where(inside, starts if sums_of_sums else ordered, 0).sum(axis=-1, keepdims=True)
    return np.moveaxis(np.maximum(rows - (added - 1) / size, 0), -1, axis)


def sparsemax_gradient(x: Array, cotangent: Array, axis: int, *, centred: bool = True) -> Array:
    inside = sparsemax(x, axis) > 0
    mean = (inside * cotangent).sum(axis=axis, keepdims=True) / inside.sum(axis=axis, keepdims=True)
    return inside * (cotangent - centred * mean)


def in_own_format(gradient: Callable[..., Array]) -> Callable[..., Array]:
    return lambda *arrays, **more: gradient(*(a.astype(np.float64) for a in arrays), **more).astype(np.float32)


RIGHT = [
    ("hinge", wide(hinge), NONE),
    ("squared_hinge", wide(lambda y, s: hinge(y, s) ** 2), NONE),
    ("multiclass_hinge", wide(multiclass_hinge), NONE),
    ("multi_margin", wide(multi_margin), NONE),
    ("sparsemax", wide(sparsemax), AXIS),
]

# (operation, implementation, options, cases that must deviate, cases that the fault does not reach)
WRONG: list[tuple[str, Callable[..., Any], dict[str, Any], set[str], set[str]]] = [
    ("hinge", wide(of_sigmoid), NONE, {"ordinary-plus", "ordinary-minus", "near-zero-plus"}, set()),
    (
        "hinge",
        wide(lambda y, s: np.maximum(1 - abs(y) * s, 0)),
        NONE,
        {"ordinary-minus", "inf-wrong"},
        {"ordinary-plus"},
    ),
    ("squared_hinge", wide(lambda y, s: hinge(y, s) ** 2 / 2), NONE, {"ordinary-plus"}, {"inf-right"}),
    ("multiclass_hinge", wide(with_own_class), NONE, {"wide-10", "ordinary-1", "separated-3"}, {"ordinary-1000"}),
    ("multiclass_hinge", wide(with_zero), NONE, {"negative-offset-10"}, {"large-offset-10"}),
    ("multi_margin", wide(lambda y, s: multi_margin(y, s, own_term=1)), NONE, {"ordinary-3", "confident-10"}, set()),
    ("multi_margin", wide(lambda y, s: multi_margin(y, s, over=1)), NONE, {"ordinary-3", "ordinary-1000"}, set()),
    (
        "sparsemax",
        wide(lambda x, axis: sparsemax(x, axis, sums_of_sums=True)),
        AXIS,
        {"ordinary-10", "axis-first-10", "separated-3"},
        {"ordinary-1", "subnormal-results-10"},
    ),
]


@pytest.mark.parametrize(("operation", "function", "options"), RIGHT, ids=[name for name, *_ in RIGHT])
def test_right_ones_conform(operation: str, function: Callable[..., Any], options: dict[str, Any]) -> None:
    assert set(verdicts(observe("value", operation, function, **options)).values()) == {"conforms"}


@pytest.mark.parametrize(("operation", "function", "options", "caught", "spared"), WRONG)
def test_wrong_ones_deviate(
    operation: str, function: Callable[..., Any], options: dict[str, Any], caught: set[str], spared: set[str]
) -> None:
    seen = verdicts(observe("value", operation, function, **options))
    assert {case for case in caught if seen[case] == "deviates"} == caught
    assert {case for case in spared if seen[case] == "conforms"} == spared


def test_gradient_of_sparsemax() -> None:
    found = observe("gradient", "sparsemax", sparsemax, gradient=in_own_format(sparsemax_gradient), **AXIS)
    assert set(verdicts(found).values()) == {"conforms"}
    uncentred = in_own_format(lambda *arrays, axis: sparsemax_gradient(*arrays, axis, centred=False))
    found = observe("gradient", "sparsemax", sparsemax, gradient=uncentred, **AXIS)
    assert set(verdicts(found).values()) == {"deviates"}


def test_a_loss_that_comes_as_a_mean_alone_is_differentiated_as_a_mean() -> None:
    def slopes(y_true: Array, score: Array, cotangent: Array) -> Array:
        return cotangent * np.where(y_true * score < 1, -y_true, 0) / len(score)

    mean = wide(lambda y, s: hinge(y, s).mean())
    found = observe("gradient", "hinge", mean, gradient=in_own_format(slopes), reduction="mean")
    assert set(found) == {"mean-ordinary-plus", "mean-ordinary-minus", "mean-ordinary-mixed"}
    assert set(verdicts(found).values()) == {"conforms"}
