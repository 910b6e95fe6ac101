"""Losses of margins, of several labels, and sparsemax: values worked out by hand, and by other ways of computing."""

import itertools
import math
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from gaugeblock.conformance.cases.cases import cases
from gaugeblock.reference.catalogue import OPERATIONS
from gaugeblock.reference.engine import evaluate, gradient
from gaugeblock.reference.formats import FORMATS, Array

F64 = FORMATS["float64"]
INF, NAN = math.inf, math.nan


def inputs(name: str, *arrays: Any) -> dict[str, Array]:
    op = OPERATIONS[name]
    kinds = [np.int64 if each in op.integers else np.float64 for each in op.inputs]
    return {each: np.array([a], kind) for each, a, kind in zip(op.inputs, arrays, kinds, strict=True)}


def answer(name: str, *arrays: Any, **parameters: Any) -> Any:
    return evaluate(OPERATIONS[name], F64, inputs(name, *arrays), **parameters).nearest[0].tolist()


def slope(name: str, *arrays: Any, **parameters: Any) -> Any:
    upstream = np.ones(np.shape(answer(name, *arrays)))[None] if name == "sparsemax" else np.ones(1)
    return gradient(OPERATIONS[name], F64, inputs(name, *arrays), upstream, **parameters).nearest[0].tolist()


# (operation, inputs, parameters, value)
VALUES = [
    ("hinge", (1, 0.25), {}, 0.75),
    ("hinge", (-1, 0.25), {}, 1.25),
    ("hinge", (1, 1.0), {}, 0),
    ("hinge", (1, -INF), {}, INF),
    ("hinge", (1, NAN), {}, NAN),
    ("squared_hinge", (1, -0.5), {}, 2.25),
    ("squared_hinge", (-1, -3.0), {}, 0),
    ("perceptron", (1, -0.5), {}, 0.5),
    ("perceptron", (1, 0.5), {}, 0),
    ("hinge_embedding", (1, -2.5), {}, -2.5),
    ("hinge_embedding", (-1, 0.25), {}, 0.75),
    ("hinge_embedding", (-1, 0.25), {"margin": 2.0}, 1.75),
    ("hinge_embedding", (-1, INF), {}, 0),
    # The scores of the other classes, and 0, against the label's.
    ("categorical_hinge", ([0, 1, 0], [0.25, 1.0, 0.5]), {}, 0.5),
    ("categorical_hinge", ([0, 1, 0], [-4.0, 0.5, -2.0]), {}, 0.5),
    ("categorical_hinge", ([0, 1, 0], [-INF, 3.0, 1.0]), {}, 0),
    ("multiclass_hinge", (1, [0.25, 1.0, 0.5]), {}, 0.5),
    ("multiclass_hinge", (1, [-4.0, 0.5, -2.0]), {}, 0),
    ("multiclass_hinge", (0, [7.0]), {}, 0),
    ("multiclass_perceptron", (1, [0.25, 0.0, 0.5]), {}, 0.5),
    ("multiclass_perceptron", (2, [0.25, 0.0, 0.5]), {}, 0),
    ("one_vs_all_hinge", (1, [0.25, 0.5, -2.0]), {}, 1.75),
    # 1 - 0.5 + 0.25 = 0.75 and 1 - 0.5 + 0.5 = 1, over three classes; 0.75^2 + 1 = 1.5625.
    ("multi_margin", (1, [0.25, 0.5, 0.5]), {}, 1.75 / 3),
    ("multi_margin", (1, [0.25, 0.5, 0.5, -3.0]), {"p": 2}, 1.5625 / 4),
    ("multi_margin", (1, [0.25, 0.5, 0.5, -9.0]), {"margin": 2.0}, 3.75 / 4),
    ("multi_margin", (1, [0.25, 0.5, 0.5, -9.0]), {"class_weight": (9.0, 2.0, 9.0, 9.0)}, 3.5 / 4),
    # The labels 0 and 3 against the others, as PyTorch's documentation of MultiLabelMarginLoss adds them up.
    ("multilabel_margin", ([1, 0, 0, 1], [0.125, 0.25, 0.5, 0.75]), {}, (1.125 + 1.375 + 0.5 + 0.75) / 4),
    ("multilabel_margin", ([0, 0], [5.0, 7.0]), {}, 0),
    ("multilabel_margin", ([1, 1], [5.0, 7.0]), {}, 0),
    ("multilabel_binary_cross_entropy_with_logits", ([1, 0], [INF, -INF]), {}, 0),
    ("sparse_sigmoid", (0.5,), {}, 0.75),
    ("sparse_sigmoid", (-3.0,), {}, 0),
    ("sparse_sigmoid", (INF,), {}, 1),
    ("sparse_plus", (0.0,), {}, 0.25),
    ("sparse_plus", (-1.0,), {}, 0),
    ("sparse_plus", (1.0,), {}, 1),
    ("sparse_plus", (7.0,), {}, 7),
    ("sparse_plus", (NAN,), {}, NAN),
    ("sparsemax", ([0.0, 0.5, 1.0],), {}, [0, 0.25, 0.75]),
    ("sparsemax", ([5.0, 7.0],), {}, [0, 1]),
    ("sparsemax", ([-INF, 3.0, -INF],), {}, [0, 1, 0]),
    ("sparsemax", ([-INF, -INF],), {}, [NAN, NAN]),
    ("sparsemax", ([0.0, NAN],), {}, [NAN, NAN]),
    # Half of (1 - 0.75)^2 + 0.25^2; where the label is outside the support, tau = 0.25 less its score besides.
    ("sparsemax_loss", (2, [0.0, 0.5, 1.0]), {}, 0.0625),
    ("sparsemax_loss", (0, [0.0, 0.5, 1.0]), {}, (0.75**2 + 0.25**2 + 1) / 2 + 0.25),
    ("sparsemax_loss", (1, [5.0, 7.0]), {}, 0),
    ("binary_sparsemax_loss", (1, 0.0), {}, 0.25),
    ("binary_sparsemax_loss", (1, -3.0), {}, 3),
    ("binary_sparsemax_loss", (-1, -1.0), {}, 0),
]


@pytest.mark.parametrize(("name", "given", "parameters", "value"), VALUES)
def test_values_by_hand(name: str, given: tuple[Any, ...], parameters: dict[str, Any], value: Any) -> None:
    np.testing.assert_array_equal(answer(name, *given, **parameters), value)


SLOPES = [
    ("hinge", (-1, 0.25), {}, 1),
    ("hinge", (-1, -4.0), {}, 0),
    ("squared_hinge", (1, -0.5), {}, -3),
    ("hinge_embedding", (1, 0.25), {}, 1),
    ("hinge_embedding", (-1, 0.25), {}, -1),
    ("categorical_hinge", ([0, 1, 0], [0.25, 1.0, 0.5]), {}, [0, -1, 1]),
    ("categorical_hinge", ([0, 1, 0], [-4.0, 0.5, -2.0]), {}, [0, -1, 0]),
    ("multiclass_hinge", (1, [0.25, 1.0, 0.5]), {}, [0, -1, 1]),
    ("multiclass_perceptron", (1, [0.25, 0.0, 0.5]), {}, [0, -1, 1]),
    ("one_vs_all_hinge", (1, [0.25, 0.5, -2.0]), {}, [1, -1, 0]),
    ("multi_margin", (1, [0.25, 0.5, 0.5, -3.0]), {}, [0.25, -0.5, 0.25, 0]),
    ("multi_margin", (1, [0.25, 0.5, 0.5, -3.0]), {"p": 2}, [0.375, -0.875, 0.5, 0]),
    ("multilabel_margin", ([1, 0, 0, 1], [0.125, 0.25, 0.5, 0.75]), {}, [-0.5, 0.5, 0.5, -0.5]),
    ("multilabel_binary_cross_entropy_with_logits", ([1, 0], [0.0, 0.0]), {"pos_weight": (3.0, 9.0)}, [-0.75, 0.25]),
    ("sparse_sigmoid", (0.25,), {}, 0.5),
    ("sparse_plus", (0.5,), {}, 0.75),
    ("sparsemax", ([0.0, 0.5, 1.0],), {}, [0, 0, 0]),
    ("sparsemax_loss", (0, [0.0, 0.5, 1.0]), {}, [-1, 0.25, 0.75]),
    ("binary_sparsemax_loss", (1, 0.5), {}, -0.25),
]


@pytest.mark.parametrize(("name", "given", "parameters", "value"), SLOPES)
def test_gradients_by_hand(name: str, given: tuple[Any, ...], parameters: dict[str, Any], value: Any) -> None:
    np.testing.assert_array_equal(slope(name, *given, **parameters), value)


@pytest.mark.parametrize("score", [-90.5, -2.25, -0.125, 0.0, 0.75, 17.0, 750.0])
def test_logistic_losses_in_decimal(score: float) -> None:
    """Also as the multilabel loss of one class."""
    with localcontext() as context:
        context.prec = 400
        positive, negative = ((1 + Decimal(s * score).exp()).ln() for s in (-1, 1))
    for sign, exact in ((1, positive), (-1, negative)):
        assert answer("logistic_of_signs", sign, score) == float(exact)
        one = answer("multilabel_binary_cross_entropy_with_logits", [(1 + sign) / 2], [score])
        assert one == float(exact)
    both = answer("multilabel_binary_cross_entropy_with_logits", [1, 0], [score, score], class_weight=(0.5, 2.0))
    assert both == float((positive / 2 + negative * 2) / 2)


def fractions(row: Array) -> list[Fraction]:
    return [Fraction(float(entry)) for entry in row]


def projection(row: list[Fraction]) -> list[Fraction]:
    """The nearest point of the simplex: the one support, out of all, that meets the conditions of an optimum."""
    for size in range(1, len(row) + 1):
        for chosen in itertools.combinations(range(len(row)), size):
            tau = (sum(row[i] for i in chosen) - 1) / size
            if all((row[i] > tau) == (i in chosen) for i in range(len(row))):
                return [max(z - tau, Fraction(0)) for z in row]
    raise AssertionError("no support meets the conditions")


ROWS = [case.inputs["x"] for case in cases("sparsemax", "float64") if case.name in ("ordinary-3", "separated-10")]


@pytest.mark.parametrize("row", [row for rows in ROWS for row in rows])
def test_sparsemax_is_the_projection_onto_the_simplex(row: Array) -> None:
    exact = projection(fractions(row))
    assert sum(exact) == 1
    assert answer("sparsemax", row) == [float(p) for p in exact]
    for label in range(len(row)):
        # The Fenchel-Young loss of the Gini entropy: max_p (p.z - |p|^2 / 2) - z_label + 1/2.
        z = fractions(row)
        top = sum(p * s - p * p / 2 for p, s in zip(exact, z, strict=True))
        assert answer("sparsemax_loss", label, row) == float(top - z[label] + Fraction(1, 2))


def test_two_classes_are_one_sign() -> None:
    for score in (-2.5, -0.75, 0.0, 0.25, 3.0):
        assert answer("sparsemax", [score, 0.0])[0] == answer("sparse_sigmoid", score)
        assert answer("sparsemax_loss", 0, [score, 0.0]) == answer("binary_sparsemax_loss", 1, score)
        assert slope("sparse_plus", score) == answer("sparse_sigmoid", score)
        assert answer("multiclass_hinge", 0, [score, 0.0]) == answer("hinge", 1, score)
        assert answer("multiclass_perceptron", 1, [score, 0.0]) == answer("perceptron", -1, score)


KINKED = [name for name, op in OPERATIONS.items() if op.domains[-1] == "decisions"]


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("name", KINKED)
def test_no_gradient_is_asked_for_at_a_kink(name: str, dtype: str) -> None:
    """Scores, and differences of two, are 1/16 or more from any integer: from 0 and from every margin."""
    for case in cases(name, dtype):
        if not case.gradient:
            continue
        last = case.inputs[OPERATIONS[name].inputs[-1]].astype(np.float64)
        rows = np.moveaxis(last, int(case.parameters.get("axis", -1)), -1).reshape(-1, 3 if "-3" in case.name else 10)
        gaps = rows[:, :, None] - rows[:, None, :]
        apart = np.concatenate([gaps[:, ~np.eye(rows.shape[1], dtype=bool)].ravel(), rows.ravel()])
        assert np.abs(apart - np.round(apart)).min() >= 1 / 16, case.name
        for row in rows if name == "sparsemax" else ():
            exact = answer(name, row)
            tau = max(z - p for z, p in zip(row, exact, strict=True) if p > 0)
            assert min(abs(z - tau) for z in row) > 2**-6, case.name


@pytest.mark.parametrize("dtype", FORMATS)
def test_no_gradient_of_a_sign_is_asked_for_at_its_kink(dtype: str) -> None:
    for name, kink in (("hinge", 1), ("perceptron", 0), ("hinge_embedding", 1)):
        for case in cases(name, dtype):
            if case.gradient:
                products = (case.inputs["y_true"] * case.inputs["score"]).astype(np.float64)
                assert (np.abs(products) != case.parameters.get("margin", kink)).all(), (name, case.name)
