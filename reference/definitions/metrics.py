"""Metrics of one sample: 1 if it is classified correctly, else 0; the engine takes the mean, an exact rational.

No definition breaks a tie: where scores tie, frameworks differ, and a probe reports how.
"""

from __future__ import annotations

from collections.abc import Sequence

from flint import arb
from gaugeblock.reference.balls import Ball, less, value
from gaugeblock.reference.operations import Bound, metric

MEAN = Bound(1, "a count divided by a count, both exact")
SKLEARN = "Pedregosa et al., Scikit-learn: Machine Learning in Python, JMLR 12, 2011, section Metrics of the user guide"
MULTI_LABEL = (
    "Tsoumakas and Katakis, Multi-Label Classification: An Overview, IJDWM 3(3), 2007, section Evaluation Metrics"
)
HALF = arb(0.5)


def _largest(row: Sequence[Ball]) -> int:
    """Index of the largest entry, the first of equals."""
    best = 0
    for index in range(1, len(row)):
        if less(row[best], row[index]):
            best = index
    return best


@metric("label(), label() -> ()", source=SKLEARN, bound=MEAN)
def accuracy(y_true: int, y_pred: int) -> Ball:
    """Share of samples whose predicted label is the true one."""
    return arb(y_true == y_pred)


@metric("binary(), score() -> ()", source=SKLEARN, bound=MEAN)
def binary_accuracy(y_true: int, y_score: Ball, *, threshold: Ball = HALF) -> Ball:
    """Share of samples whose score lies above the threshold exactly when the label is 1.

    Args:
        threshold: the score above which 1 is predicted.
    """
    return arb(less(threshold, y_score) == (y_true == 1))


@metric("one_hot(c), scores(c) -> ()", source=SKLEARN, bound=MEAN)
def categorical_accuracy(y_true: Sequence[Ball], y_score: Sequence[Ball]) -> Ball:
    """Share of rows whose largest score stands where the one-hot target has its 1."""
    return arb(_largest(y_true) == _largest(y_score))


@metric("label(), scores(c) -> ()", source=SKLEARN, bound=MEAN)
def sparse_categorical_accuracy(labels: int, y_score: Sequence[Ball]) -> Ball:
    """Share of rows whose largest score stands at the label."""
    return arb(labels == _largest(y_score))


@metric("label(), scores(c) -> ()", source=SKLEARN, bound=MEAN)
def top_k_accuracy(labels: int, y_score: Sequence[Ball], *, k: int = 2) -> Ball:
    """Share of rows in which fewer than k scores are larger than the label's.

    Args:
        k: the number of first places that count as right.
    """
    own = value(y_score[labels])
    larger = sum(1 for score in y_score if value(score) > own)
    return arb(larger < k)


@metric("label(), label() -> ()", source=SKLEARN, bound=MEAN)
def zero_one_loss(y_true: int, y_pred: int) -> Ball:
    """Share of samples whose predicted label is not the true one."""
    return arb(y_true != y_pred)


def _hits(y_true: Sequence[Ball], y_score: Sequence[Ball], threshold: Ball) -> list[bool]:
    """For each label of a row, whether its score lies above the threshold exactly when it is 1."""
    return [less(threshold, score) == bool(true == 1) for true, score in zip(y_true, y_score, strict=True)]


@metric("multi_hot(c), scores(c) -> ()", source=MULTI_LABEL, bound=MEAN)
def hamming_loss(y_true: Sequence[Ball], y_score: Sequence[Ball], *, threshold: Ball = HALF) -> Ball:
    """Share of labels, of all labels of all rows, that are predicted wrongly.

    Args:
        threshold: the score above which a label is predicted to be 1, the same for every label.
    """
    hits = _hits(y_true, y_score, threshold)
    return arb(hits.count(False)) / len(hits)


@metric("multi_hot(c), scores(c) -> ()", source=MULTI_LABEL, bound=MEAN)
def multilabel_accuracy(y_true: Sequence[Ball], y_score: Sequence[Ball], *, threshold: Ball = HALF) -> Ball:
    """Share of labels, of all labels of all rows, that are predicted rightly.

    Args:
        threshold: the score above which a label is predicted to be 1, the same for every label.
    """
    hits = _hits(y_true, y_score, threshold)
    return arb(hits.count(True)) / len(hits)


@metric("multi_hot(c), scores(c) -> ()", source=MULTI_LABEL, bound=MEAN)
def subset_accuracy(y_true: Sequence[Ball], y_score: Sequence[Ball], *, threshold: Ball = HALF) -> Ball:
    """Share of rows of which every label is predicted rightly.

    Args:
        threshold: the score above which a label is predicted to be 1, the same for every label.
    """
    return arb(all(_hits(y_true, y_score, threshold)))
