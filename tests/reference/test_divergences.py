"""Divergences and focal losses against decimal arithmetic, values derived by hand, and their own limits."""

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from gaugeblock.reference.catalogue import OPERATIONS
from gaugeblock.reference.engine import evaluate, gradient
from gaugeblock.reference.formats import FORMATS

from tests.reference import highprecision as hp

Row = Sequence[Decimal]
BINARY64 = FORMATS["float64"]


def ratio(p: Decimal, log_q: Decimal) -> Decimal:
    return Decimal(0) if p == 0 else p * (p.ln() - log_q)


def kl(ps: Row, qs: Row) -> Decimal:
    return sum((ratio(p, q.ln()) for p, q in zip(ps, qs, strict=True)), hp.ZERO)


def kl_log(ps: Row, qs: Row) -> Decimal:
    return sum((ratio(p, q) for p, q in zip(ps, qs, strict=True)), hp.ZERO)


def kl_logs(ps: Row, qs: Row) -> Decimal:
    return sum((p.exp() * (p - q) for p, q in zip(ps, qs, strict=True)), hp.ZERO)


def generalised(ps: Row, qs: Row) -> Decimal:
    return kl_log(ps, qs) - sum(ps) + sum(q.exp() for q in qs)


def focal(t: Decimal, p: Decimal, gamma: str = "2") -> Decimal:
    wrong = t * (1 - p) + (1 - t) * p
    return wrong ** Decimal(gamma) * hp.binary_cross_entropy(t, p)


def focal_logits(t: Decimal, z: Decimal, gamma: str = "2") -> Decimal:
    wrong = t * hp.sigmoid(-z) + (1 - t) * hp.sigmoid(z)
    return wrong ** Decimal(gamma) * hp.binary_cross_entropy_with_logits(t, z)


def focal_rows(ts: Row, ps: Row, gamma: str = "2") -> Decimal:
    return -sum((t * (1 - p) ** Decimal(gamma) * p.ln() for t, p in zip(ts, ps, strict=True) if t), hp.ZERO)


def focal_row_logits(ts: Row, zs: Row, gamma: str = "2") -> Decimal:
    return focal_rows(ts, hp.softmax(zs), gamma)


def poly(ts: Row, zs: Row) -> Decimal:
    wrong = sum((t * (1 - p) for t, p in zip(ts, hp.softmax(zs), strict=True)), hp.ZERO)
    return hp.categorical_cross_entropy_with_logits(ts, zs) + 2 * wrong


def brier(ts: Row, ps: Row) -> Decimal:
    return sum(((p - t) ** 2 for t, p in zip(ts, ps, strict=True)), hp.ZERO)


P, Q = (0.5, 0.0, 0.125, 0.375), (0.25, 0.5, 0.125, 0.125)
LOG_P, LOG_Q = (-0.75, -1.5, -3.0, -2.25), (-1.25, -0.5, -4.0, -2.0)
ONE_HOT, Z = (0.0, 1.0, 0.0, 0.0), (1.5, -2.0, 0.25, 3.0)

ROWS: dict[str, tuple[Callable[..., Decimal], tuple[float, ...], tuple[float, ...], dict[str, Any]]] = {
    "kl_divergence": (kl, P, Q, {}),
    "kl_divergence_of_log_predictions": (kl_log, P, LOG_Q, {}),
    "kl_divergence_of_logs": (kl_logs, LOG_P, LOG_Q, {}),
    "generalised_kl_divergence": (generalised, (0.5, 0.0, 1.5, 0.25), LOG_Q, {}),
    "multiclass_brier_score": (brier, ONE_HOT, Q, {}),
    "categorical_focal_cross_entropy": (focal_rows, P, Q, {}),
    "categorical_focal_cross_entropy with gamma": (lambda t, p: focal_rows(t, p, "0.5"), P, Q, {"gamma": 0.5}),
    "categorical_focal_cross_entropy_with_logits": (focal_row_logits, ONE_HOT, Z, {}),
    "categorical_focal_cross_entropy_with_logits with gamma": (lambda t, z: focal_row_logits(t, z, "0.5") / 4, P, Z,
        {"gamma": 0.5, "alpha": 0.25}),
    "poly_cross_entropy_with_logits": (poly, P, Z, {}),
}  # fmt: skip


def arrays(name: str, target: Any, prediction: Any, dtype: str) -> dict[str, Any]:
    fmt, op = FORMATS[dtype], OPERATIONS[name]
    return dict(zip(op.inputs, (fmt.array(target), fmt.array(prediction)), strict=True))


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("which", ROWS)
def test_rows(which: str, dtype: str) -> None:
    function, target, prediction, parameters = ROWS[which]
    name = which.partition(" ")[0]
    inputs = arrays(name, [target], [prediction], dtype)
    truth = evaluate(OPERATIONS[name], FORMATS[dtype], inputs, **parameters)
    slope = gradient(OPERATIONS[name], FORMATS[dtype], inputs, np.ones(1), **parameters)
    with hp.digits(160):
        ts, xs = [Decimal(t) for t in target], [Decimal(x) for x in prediction]
        assert hp.is_nearest(float(truth.nearest[0]), function(ts, xs), dtype)
        for place in range(len(xs)):

            def along(x: Decimal, place: int = place) -> Decimal:
                return function(ts, [*xs[:place], x, *xs[place + 1 :]])

            exact = hp.slope(along, xs[place])
            assert abs(Decimal(float(slope.nearest[0, place])) - exact) <= Decimal(float(slope.ulp[0, place]))


SCALARS: dict[str, tuple[Callable[[Decimal, Decimal], Decimal], dict[str, Any]]] = {
    "binary_focal_cross_entropy": (focal, {}),
    "binary_focal_cross_entropy with gamma": (lambda t, p: focal(t, p, "0.5"), {"gamma": 0.5}),
    "binary_focal_cross_entropy with alpha": (lambda t, p: (t / 4 + (1 - t) * 3 / 4) * focal(t, p, "1"),
        {"gamma": 1.0, "alpha": 0.25}),
    "binary_focal_cross_entropy_with_logits": (focal_logits, {}),
    "binary_focal_cross_entropy_with_logits with gamma": (lambda t, z: focal_logits(t, z, "0.5"), {"gamma": 0.5}),
    "brier_score": (lambda t, p: (p - t) ** 2, {}),
}  # fmt: skip


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("which", SCALARS)
def test_single_numbers(which: str, dtype: str) -> None:
    function, parameters = SCALARS[which]
    name = which.partition(" ")[0]
    predictions = [-6.0, -0.5, 0.25, 3.0, 9.0] if name.endswith("logits") else [0.0625, 0.25, 0.5, 0.75, 0.984375]
    for target in (0.0, 0.25, 1.0):
        inputs = arrays(name, [target] * len(predictions), predictions, dtype)
        truth = evaluate(OPERATIONS[name], FORMATS[dtype], inputs, **parameters)
        slope = gradient(OPERATIONS[name], FORMATS[dtype], inputs, np.ones(len(predictions)), **parameters)
        with hp.digits(160):
            for i, x in enumerate(predictions):
                t = Decimal(target)
                if (exact := function(t, Decimal(x))) != truth.nearest[i]:
                    assert hp.is_nearest(float(truth.nearest[i]), exact, dtype)
                along = hp.slope(lambda v, t=t: function(t, v), Decimal(x))  # type: ignore[misc]
                assert abs(Decimal(float(slope.nearest[i])) - along) <= Decimal(float(slope.ulp[i]))


INF, NAN, LOG_2 = math.inf, math.nan, math.log(2)
LIMITS = (
    ("kl_divergence", (1.0, 0.0), (1.0, 0.0), 0.0),
    ("kl_divergence", (1.0, 0.0), (0.0, 1.0), INF),
    ("kl_divergence", (1.0, 0.0), (0.5, 0.5), LOG_2),
    ("kl_divergence_of_log_predictions", (1.0, 0.0), (0.0, -INF), 0.0),
    ("kl_divergence_of_log_predictions", (0.5, 0.5), (0.0, -INF), INF),
    ("kl_divergence_of_log_predictions", (1.0, 0.0), (0.0, NAN), NAN),
    ("kl_divergence_of_logs", (0.0, -INF), (0.0, -INF), 0.0),
    ("kl_divergence_of_logs", (-INF, 0.0), (0.0, -INF), INF),
    ("generalised_kl_divergence", (0.0, 0.0), (0.0, -INF), 1.0),
    ("multiclass_brier_score", (1.0, 0.0), (0.0, 1.0), 2.0),
    ("categorical_focal_cross_entropy", (1.0, 0.0), (1.0, 0.0), 0.0),
    ("categorical_focal_cross_entropy", (1.0, 0.0), (0.0, 1.0), INF),
    ("categorical_focal_cross_entropy", (1.0, 0.0), (0.5, 0.5), LOG_2 / 4),
    ("categorical_focal_cross_entropy_with_logits", (1.0, 0.0), (3.0, 3.0), LOG_2 / 4),
    ("categorical_focal_cross_entropy_with_logits", (1.0, 0.0), (3.0, -INF), 0.0),
    ("poly_cross_entropy_with_logits", (1.0, 0.0), (3.0, 3.0), LOG_2 + 1),
    ("poly_cross_entropy_with_logits", (1.0, 0.0), (3.0, -INF), 0.0),
)


@pytest.mark.parametrize(("name", "target", "prediction", "value"), LIMITS)
def test_limits(name: str, target: tuple[float, ...], prediction: tuple[float, ...], value: float) -> None:
    truth = evaluate(OPERATIONS[name], BINARY64, arrays(name, [target], [prediction], "float64"))
    np.testing.assert_array_equal(truth.nearest, [value])
    assert not truth.undecided.any()


def test_conventions_of_the_divergence() -> None:
    op = OPERATIONS["kl_divergence"]
    halved = arrays("kl_divergence", [[0.25, 0.25]], [[0.125, 0.375]], "float64")
    whole = arrays("kl_divergence", [[0.5, 0.5]], [[0.25, 0.75]], "float64")
    normalised = evaluate(op, BINARY64, halved, normalise=True).nearest
    np.testing.assert_array_equal(normalised, evaluate(op, BINARY64, whole).nearest)
    certain = arrays("kl_divergence", [[1.0, 0.0]], [[0.0, 1.0]], "float32")
    floored = evaluate(op, FORMATS["float32"], certain, floor=1e-7)
    with hp.digits(60):
        edge = Decimal(float(np.float32(1e-7)))
        assert hp.is_nearest(float(floored.nearest[0]), -edge.ln() + edge * edge.ln(), "float32")


def test_generalised_cross_entropy_lies_between_its_limits() -> None:
    op = OPERATIONS["generalised_cross_entropy"]
    inputs = {"labels": np.array([1, 0]), "y_pred": np.array([[0.75, 0.25], [0.0, 1.0]])}
    np.testing.assert_array_equal(evaluate(op, BINARY64, inputs).nearest, [1.0, 2.0])
    np.testing.assert_array_equal(evaluate(op, BINARY64, inputs, q=1.0).nearest, [0.75, 1.0])
    near = evaluate(op, BINARY64, inputs, q=2.0**-40).nearest[0]
    assert abs(near - math.log(4)) < 1e-11
    slope = gradient(op, BINARY64, inputs, np.ones(2), q=0.5).nearest[0]
    np.testing.assert_array_equal(slope, [0.0, -2.0])
