"""Metrics of labels and of whole batches: published values, values by hand, and what must hold between them."""

import itertools
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from gaugeblock.reference.catalogue import OPERATIONS
from gaugeblock.reference.engine import evaluate
from gaugeblock.reference.formats import FORMATS, Array

F64 = FORMATS["float64"]

SIX = ([0, 1, 2, 0, 1, 2], [0, 2, 1, 0, 0, 1])
BINARY = ([0, 1, 0, 0, 1, 0], [0, 1, 0, 0, 0, 1])
UNEVEN = ([0, 0, 0, 0, 1, 1, 2, 2], [0, 0, 0, 1, 1, 1, 0, 0])
FOUR = ([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
CALIBRATED = ([0, 0, 1, 1, 1], [0.25, 0.25, 0.55, 0.75, 0.75])
INDICATOR = ([[0.0, 1.0], [1.0, 1.0]], [[0.0, 0.0], [0.0, 0.0]])
ROWS = ([[1.0, 0.0, 1.0], [0.0, 0.0, 1.0]], [[0.9, 0.1, 0.6], [0.2, 0.7, 0.9]])
# Fawcett, figure 3: twenty samples by falling score, ten of them positive.
FAWCETT = (
    [int(each == "p") for each in "ppnpppnnpnpnpnnnpnpn"],
    [0.9, 0.8, 0.7, 0.6, 0.55, 0.54, 0.53, 0.52, 0.51, 0.505,
     0.4, 0.39, 0.38, 0.37, 0.36, 0.35, 0.34, 0.33, 0.3, 0.1],
)  # fmt: skip

VALUES = [
    # From the examples in the documentation of scikit-learn.
    ("balanced_accuracy", BINARY, "0.625"),
    ("macro_precision", SIX, "2/9"),
    ("macro_recall", SIX, "1/3"),
    ("macro_f1_score", SIX, "4/15"),
    ("roc_auc", FOUR, "3/4"),
    ("hamming_loss", INDICATOR, "3/4"),
    # By hand.
    ("zero_one_loss", SIX, "2/3"),
    ("multilabel_accuracy", INDICATOR, "1/4"),
    ("subset_accuracy", INDICATOR, "0"),
    ("hamming_loss", ROWS, "1/6"),
    ("multilabel_accuracy", ROWS, "5/6"),
    ("subset_accuracy", ROWS, "1/2"),
    ("precision", BINARY, "1/2"),
    ("recall", BINARY, "1/2"),
    ("f1_score", BINARY, "1/2"),
    ("f1_score", ([1, 1, 1, 0], [1, 0, 0, 0]), "1/2"),
    ("f1_score", ([1, 1, 1, 0], [0, 0, 0, 0]), "0"),
    ("balanced_accuracy", UNEVEN, "7/12"),
    ("macro_f1_score", UNEVEN, "22/45"),
    ("roc_auc", FAWCETT, "0.68"),
    ("roc_auc", ([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5]), "1/2"),
    ("roc_auc", ([0, 1, 0, 1], [0.25, 0.25, 0.5, 0.75]), "5/8"),
]


def given(op: str, pair: tuple[Any, Any]) -> dict[str, Array]:
    return {name: np.array(values) for name, values in zip(OPERATIONS[op].inputs, pair, strict=True)}


@pytest.mark.parametrize(("name", "pair", "expected"), VALUES)
def test_known_values(name: str, pair: tuple[Any, Any], expected: str) -> None:
    op = OPERATIONS[name]
    truth = evaluate(op, F64, given(name, pair), reduction="none" if op.whole else "mean")
    assert truth.nearest.shape == ()
    assert truth.nearest == float(Fraction(expected))
    assert not truth.undecided


# TorchMetrics' documentation, which gives 0.2900; and with other bins, by hand, in binary64's numbers.
@pytest.mark.parametrize(("n_bins", "expected"), [(1, 0.09), (2, 0.29), (4, 0.29), (15, 0.29)])
def test_calibration_error(n_bins: int, expected: float) -> None:
    truth = evaluate(OPERATIONS["expected_calibration_error"], F64, given("roc_auc", CALIBRATED), n_bins=n_bins)
    assert abs(truth.nearest - expected) < 1e-15


def test_bins_have_their_upper_edge_and_the_first_has_zero() -> None:
    op = OPERATIONS["expected_calibration_error"]
    inputs = {"y_true": np.array([1, 0, 0, 1]), "y_score": np.array([0.0, 0.5, 0.75, 1.0])}
    # (1 - 0 + 0 - 0.5) and (0 - 0.75 + 1 - 1): were 0, 0.5 or 1 elsewhere, the sum would be another.
    assert evaluate(op, F64, inputs, n_bins=2).nearest == (0.5 + 0.75) / 4


UNDEFINED = [
    ("precision", [1, 0, 1], [0, 0, 0]),
    ("recall", [0, 0, 0], [1, 0, 1]),
    ("f1_score", [0, 0], [0, 0]),
    ("macro_precision", [0, 1, 1], [1, 1, 1]),
    ("macro_recall", [1, 1, 1], [0, 1, 1]),
    ("roc_auc", [1, 1], [0.25, 0.5]),
    ("roc_auc", [0, 0], [0.25, 0.5]),
]


@pytest.mark.parametrize(("name", "y_true", "y_pred"), UNDEFINED)
def test_a_quotient_of_nothing_is_no_number(name: str, y_true: list[int], y_pred: list[float]) -> None:
    assert np.isnan(evaluate(OPERATIONS[name], F64, given(name, (y_true, y_pred))).nearest)


WEIGHTED = [name for name, op in OPERATIONS.items() if op.whole and "sample_weight" in op.parameters]
WEIGHTS = np.array([2, 0, 1, 3, 1, 0, 2, 1, 1, 4])
TEN = {
    "label": ([0, 1, 2, 0, 1, 2, 2, 1, 0, 2], [0, 2, 1, 0, 0, 2, 1, 1, 2, 2]),
    "binary": ([0, 1, 1, 0, 1, 0, 0, 1, 0, 1], [0, 1, 0, 1, 0, 0, 1, 1, 0, 1]),
    "probability": ([0, 1, 1, 0, 1, 0, 0, 1, 0, 1], [0.5, 0.1, 0.5, 0.2, 0.9, 0.3, 0.2, 0.2, 0.8, 0.6]),
}


@pytest.mark.parametrize("name", WEIGHTED)
def test_a_whole_weight_is_so_many_samples(name: str) -> None:
    op = OPERATIONS[name]
    inputs = given(name, TEN[op.domains[-1]])
    repeated = {key: np.repeat(values, WEIGHTS) for key, values in inputs.items()}
    expected = evaluate(op, F64, repeated)
    weighted = evaluate(op, F64, {**inputs, "sample_weight": WEIGHTS / 4})
    assert weighted.text(()) == expected.text(())
    assert weighted.text(()) != evaluate(op, F64, inputs).text(())


def test_weights_where_there_are_none_are_refused() -> None:
    inputs = {**given("roc_auc", FOUR), "sample_weight": np.ones(4)}
    with pytest.raises(TypeError, match="has no parameter 'sample_weight'"):
        evaluate(OPERATIONS["expected_calibration_error"], F64, inputs)


def curve(y_true: list[int], y_score: list[float], thresholds: list[Fraction]) -> Fraction:
    """The area by trapezoids under the points (false positive rate, true positive rate) at the thresholds."""
    points = []
    for threshold in thresholds:
        above = [Fraction(score) > threshold for score in y_score]
        rates = [
            Fraction(sum(a for a, t in zip(above, y_true, strict=True) if t == side), y_true.count(side))
            for side in (0, 1)
        ]
        points.append(rates)
    pairs = itertools.pairwise(points)
    return sum(((x0 - x1) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in pairs), Fraction(0))


@pytest.mark.parametrize("number", [3, 5, 8, 200])
def test_area_through_thresholds(number: int) -> None:
    thresholds = [Fraction(-1), *(Fraction(i, number - 1) for i in range(1, number - 1)), Fraction(2)]
    truth = evaluate(OPERATIONS["roc_auc"], F64, given("roc_auc", FAWCETT), num_thresholds=number)
    assert truth.nearest == float(curve(*FAWCETT, thresholds))


def test_area_without_thresholds_is_that_through_every_score() -> None:
    thresholds = [Fraction(-1), *sorted(Fraction(score) for score in FAWCETT[1])]
    assert curve(*FAWCETT, thresholds) == Fraction(68, 100)
