"""Scores next to what decides: close to it, on both sides, and never on it."""

from fractions import Fraction

import numpy as np
import pytest
from gaugeblock.conformance.cases.random_arrays import ROOM, Levels, at_boundaries
from gaugeblock.reference.catalogue import operation
from gaugeblock.reference.formats import FORMATS, Array

NUMBERS = range(40)


def drawn(name: str, dtype: str, parameters: dict[str, float]) -> list[Array]:
    """What is put in the place of scores of 1/3, where anything is."""
    op, fmt = operation(name), FORMATS[dtype]
    scores = fmt.rounded(np.full(64, 1 / 3))
    made = [at_boundaries(op, fmt, Levels(f"test/{number}"), parameters, scores) for number in NUMBERS]
    return [each.astype(np.float64) for each in made if each is not scores]


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("threshold", [0.5, 0.25, 0.0, -0.5])
def test_thresholds_are_missed_by_a_few_numbers_of_the_format(dtype: str, threshold: float) -> None:
    made = drawn("binary_accuracy", dtype, {"threshold": threshold})
    assert made
    for scores in made:
        assert (scores < threshold).any()
        assert (scores > threshold).any()
        assert not (scores == threshold).any()
        assert np.abs(scores - threshold).max() <= 4 * max(abs(threshold) * FORMATS[dtype].epsilon, 2.0**-14)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize(("name", "parameters", "bins"), [("expected_calibration_error", {"n_bins": 10}, 10),
                                                          ("roc_auc", {"num_thresholds": 5}, 4)])  # fmt: skip
def test_edges_of_bins_are_missed_by_more_than_rounding(
    dtype: str, name: str, parameters: dict[str, float], bins: int
) -> None:
    fmt = FORMATS[dtype]
    near = [scores for scores in drawn(name, dtype, parameters) if not (scores == 0).any()]
    assert near
    for scores in near:
        for score in scores.tolist():
            place = Fraction(score) * bins
            away = abs(place - round(place))
            assert ROOM / 2 * fmt.unit_roundoff * bins < away < 2 * ROOM * fmt.unit_roundoff * bins


def test_zeros_have_either_sign() -> None:
    zeros = [scores for scores in drawn("roc_auc", "float32", {}) if (scores == 0).any()]
    assert zeros
    assert all(np.signbit(scores[scores == 0]).any() and not np.signbit(scores).all() for scores in zeros)


def test_losses_of_probabilities_keep_theirs() -> None:
    assert drawn("binary_cross_entropy", "float32", {}) == []
