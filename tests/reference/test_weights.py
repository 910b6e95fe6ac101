"""Weights, kinks, second derivatives and long rows: what the engine adds to a definition."""

import math
from typing import Any

import numpy as np
import pytest
from gaugeblock.reference.balls import KinkError, maximum, minimum
from gaugeblock.reference.catalogue import OPERATIONS
from gaugeblock.reference.engine import LONG, evaluate, gradient
from gaugeblock.reference.formats import FORMATS

Array = np.ndarray[Any, Any]
WIDE = FORMATS["float64"]
SPARSE = OPERATIONS["negative_log_likelihood"]
ROWS = {"labels": np.array([0, 1, 2]), "log_probabilities": -np.array([[1.0, 8, 8], [8, 2.0, 8], [8, 8, 4.0]])}


def mean(rows: dict[str, Array], **more: Any) -> float:
    return float(evaluate(SPARSE, WIDE, rows, reduction="mean", **more).nearest)


def test_a_mean_divides_by_what_is_said() -> None:
    # The losses are 1, 2 and 4, of samples that weigh 1/2, 2 and 1 by their class.
    weights = {"class_weight": (0.5, 2.0, 1.0)}
    assert mean(ROWS) == 7 / 3
    assert mean(ROWS, **weights) == (0.5 + 4 + 4) / 3.5
    assert mean(ROWS, mean_over="samples", **weights) == (0.5 + 4 + 4) / 3
    given = {**ROWS, "sample_weight": np.array([0.0, 1.0, 3.0])}
    assert mean(given) == (2 + 12) / 4
    assert mean(given, mean_over="samples") == (2 + 12) / 3
    assert mean(given, **weights) == (4 + 12) / 5


def test_ignored_samples_count_neither_above_nor_below() -> None:
    hidden = {**ROWS, "log_probabilities": ROWS["log_probabilities"].copy()}
    hidden["log_probabilities"][1] = math.nan
    assert mean(hidden, ignore_index=1) == (1 + 4) / 2
    each = evaluate(SPARSE, WIDE, hidden, ignore_index=1)
    np.testing.assert_array_equal(each.nearest, [1, 0, 4])
    slope = gradient(SPARSE, WIDE, hidden, np.array(1.0), reduction="mean", ignore_index=1)
    np.testing.assert_array_equal(slope.nearest, [[-0.5, 0, 0], [0, 0, 0], [0, 0, -0.5]])
    assert math.isnan(mean({**ROWS, "labels": np.array([1, 1, 1])}, ignore_index=1)), "0 / 0"


def test_a_kink_has_no_derivative_and_is_not_asked() -> None:
    hinge = OPERATIONS["hinge"]
    inputs = {"y_true": np.array([1.0, 1.0, 1.0]), "score": np.array([0.0, 1.0, 2.0])}
    np.testing.assert_array_equal(evaluate(hinge, WIDE, inputs).nearest, [1, 0, 0])
    slope = gradient(hinge, WIDE, inputs, np.ones(3))
    assert slope.asked is not None
    np.testing.assert_array_equal(slope.asked, [True, False, True])
    np.testing.assert_array_equal(slope.nearest[slope.asked], [-1, 0])


def test_where_both_branches_have_one_slope_there_is_no_kink() -> None:
    from flint import arb, arb_series

    x = arb_series([arb(1), 1], 2)
    assert maximum(x, x)[1] == 1
    assert minimum(x, x)[1] == 1
    with pytest.raises(KinkError):
        maximum(x, arb(1))
    with pytest.raises(KinkError):
        minimum(x, 2 * x - 1)


def test_second_derivatives() -> None:
    x = {"x": np.array([0.0, 1.0])}
    e = math.exp(-1)
    p = 1 / (1 + e)
    for name, due in (("sigmoid", [0, p * (1 - p) * (1 - 2 * p)]), ("softplus", [0.25, p * (1 - p)])):
        found = gradient(OPERATIONS[name], WIDE, x, np.ones(2), order=2)
        np.testing.assert_allclose(found.nearest, due, rtol=1e-15, atol=0)
    twice = gradient(OPERATIONS["logit"], WIDE, {"x": np.array([0.25, 0.5])}, np.ones(2), order=2)
    np.testing.assert_allclose(twice.nearest, [1 / 0.75**2 - 1 / 0.25**2, 0], rtol=1e-15, atol=0)


def test_long_rows_are_differentiated_at_a_sample() -> None:
    rows = np.zeros((1, LONG + 40))
    rows[0, 7], rows[0, 11] = 3, -3
    operation = OPERATIONS["sparse_categorical_cross_entropy_with_logits"]
    found = gradient(operation, WIDE, {"labels": np.array([13]), "logits": rows}, np.ones(1))
    assert found.asked is not None
    assert {0, 7, 11, 13, rows.shape[1] - 1} <= set(np.flatnonzero(found.asked[0]).tolist())
    assert not found.asked.all()
    whole = math.exp(3) + math.exp(-3) + LONG + 38
    np.testing.assert_allclose(found.nearest[0, [7, 13]], [math.exp(3) / whole, 1 / whole - 1], rtol=1e-14)
    short = gradient(operation, WIDE, {"labels": np.array([13]), "logits": rows[:, :LONG]}, np.ones(1))
    assert short.asked is None
