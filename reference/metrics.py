"""Metrics of one sample: 1 if it is classified correctly, else 0; the engine takes the mean, an exact rational.

No definition breaks a tie: where scores tie, frameworks differ, and a probe asks how.
"""

from __future__ import annotations

from collections.abc import Sequence

from flint import arb
from trueline.reference.balls import Ball, less, value
from trueline.reference.operations import Bound, define

MEAN = Bound(1, "a count divided by a count, both exact")
SKLEARN = "Pedregosa et al., Scikit-learn: Machine Learning in Python, JMLR 12, 2011, section Metrics of the user guide"


def _largest(row: Sequence[Ball]) -> int:
    """Index of the largest entry, the first of equals."""
    best = 0
    for index in range(1, len(row)):
        if less(row[best], row[index]):
            best = index
    return best


@define("metric", "(),()->()", source=SKLEARN, bound=MEAN, integers=frozenset({"y_true", "y_pred"}))
def accuracy(y_true: int, y_pred: int) -> Ball:
    """Share of samples whose predicted label is the true one."""
    return arb(y_true == y_pred)


@define("metric", "(),()->()", source=SKLEARN, bound=MEAN, integers=frozenset({"y_true"}))
def binary_accuracy(y_true: int, y_score: Ball, *, threshold: Ball = arb(0.5)) -> Ball:  # noqa: B008
    """Share of samples whose score lies above the threshold exactly when the label is 1."""
    return arb(less(threshold, y_score) == (y_true == 1))


@define("metric", "(c),(c)->()", source=SKLEARN, bound=MEAN)
def categorical_accuracy(y_true: Sequence[Ball], y_score: Sequence[Ball]) -> Ball:
    """Share of rows whose largest score stands where the one-hot target has its 1."""
    return arb(_largest(y_true) == _largest(y_score))


@define("metric", "(),(c)->()", source=SKLEARN, bound=MEAN, integers=frozenset({"labels"}))
def sparse_categorical_accuracy(labels: int, y_score: Sequence[Ball]) -> Ball:
    """Share of rows whose largest score stands at the label."""
    return arb(labels == _largest(y_score))


@define("metric", "(),(c)->()", source=SKLEARN, bound=MEAN, integers=frozenset({"labels"}))
def top_k_accuracy(labels: int, y_score: Sequence[Ball], *, k: int = 2) -> Ball:
    """Share of rows in which fewer than k scores are larger than the label's."""
    larger = sum(1 for score in y_score if value(score) > value(y_score[labels]))
    return arb(larger < k)
