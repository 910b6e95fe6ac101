"""Metrics of a whole batch: not the mean of a value of each sample. They are quotients of weighted counts.

Labels and scores have shape (n,). A count of zero divided by zero, such as the precision where nothing is predicted, is
NaN: what a framework answers there is a question for a probe.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from flint import arb
from gaugeblock.reference.balls import Ball, less, total
from gaugeblock.reference.formats import Array
from gaugeblock.reference.operations import Bound, metric

FAWCETT = "Fawcett, An introduction to ROC analysis, Pattern Recognition Letters 27, 2006"
BRODERSEN = "Brodersen et al., The Balanced Accuracy and Its Posterior Distribution, ICPR 2010, eq. 4"
SOKOLOVA = (
    "Sokolova and Lapalme, A systematic analysis of performance measures for classification tasks,"
    " Information Processing and Management 45(4), 2009"
)
RIJSBERGEN = "van Rijsbergen, Information Retrieval, 2nd ed., Butterworths, 1979, chapter 7"
OPITZ = "Opitz and Burst, Macro F1 and Macro F1, arXiv:1911.03347, 2019, eq. 1"
HANLEY = "Hanley and McNeil, The Meaning and Use of the Area under a ROC Curve, Radiology 143(1), 1982"
NAEINI = "Naeini et al., Obtaining Well Calibrated Probabilities Using Bayesian Binning, AAAI 2015"
GUO = "Guo et al., On Calibration of Modern Neural Networks, ICML 2017, eq. 3"

Labels = Sequence[int]
Weights = Sequence[Ball] | None

QUOTIENT = Bound(1, "a count divided by a count, both exact")
AREA = Bound(2, "a count of pairs divided by their number; under a curve, the two rates are rounded quotients")
CLASSES = Bound(4, "a rounded quotient for each of a handful of classes, their sum and its division, all of one sign")


def _count(weights: Weights, chosen: Sequence[bool]) -> Ball:
    """The sum of the weights of the samples chosen."""
    if weights is None:
        return arb(sum(chosen))
    return total([weight for weight, taken in zip(weights, chosen, strict=True) if taken])


def _precision(y_true: Labels, y_pred: Labels, label: int, weights: Weights) -> Ball:
    """Share, by weight, of the samples predicted as one class that are of it."""
    pairs = list(zip(y_true, y_pred, strict=True))
    right = _count(weights, [true == pred == label for true, pred in pairs])
    return right / _count(weights, [pred == label for _, pred in pairs])


def _recall(y_true: Labels, y_pred: Labels, label: int, weights: Weights) -> Ball:
    """Share, by weight, of the samples of one class that are predicted as it."""
    return _precision(y_pred, y_true, label, weights)


def _f1(y_true: Labels, y_pred: Labels, label: int, weights: Weights) -> Ball:
    """2 TP / (2 TP + FP + FN) of one class against all others, each count a sum of weights."""
    pairs = list(zip(y_true, y_pred, strict=True))
    right = _count(weights, [true == pred == label for true, pred in pairs])
    true, predicted = (_count(weights, [pair[side] == label for pair in pairs]) for side in (0, 1))
    return 2 * right / (true + predicted)


def _macro(each: Callable[..., Ball], y_true: Labels, y_pred: Labels, weights: Weights) -> Ball:
    """The mean over the classes that occur among the labels or the predictions."""
    classes = sorted({*y_true, *y_pred})
    return total([each(y_true, y_pred, label, weights) for label in classes]) / len(classes)


@metric("label(n), label(n) -> ()", source=BRODERSEN, bound=CLASSES)
def balanced_accuracy(y_true: Labels, y_pred: Labels, *, sample_weight: Weights = None) -> Ball:
    """Mean, over the classes of the truth, of the share of each class's samples that are predicted rightly.

    Args:
        sample_weight: the weight of each sample, shape (n,); None for 1 each.
    """
    classes = sorted(set(y_true))
    return total([_recall(y_true, y_pred, label, sample_weight) for label in classes]) / len(classes)


@metric("binary(n), binary(n) -> ()", source=RIJSBERGEN, bound=QUOTIENT)
def precision(y_true: Labels, y_pred: Labels, *, sample_weight: Weights = None) -> Ball:
    """Share of the samples predicted positive that are, TP / (TP + FP).

    Args:
        sample_weight: the weight of each sample, shape (n,); None for 1 each.
    """
    return _precision(y_true, y_pred, 1, sample_weight)


@metric("binary(n), binary(n) -> ()", source=RIJSBERGEN, bound=QUOTIENT)
def recall(y_true: Labels, y_pred: Labels, *, sample_weight: Weights = None) -> Ball:
    """Share of the positive samples that are predicted so, TP / (TP + FN).

    Args:
        sample_weight: the weight of each sample, shape (n,); None for 1 each.
    """
    return _recall(y_true, y_pred, 1, sample_weight)


@metric("binary(n), binary(n) -> ()", source=SOKOLOVA, bound=QUOTIENT)
def specificity(y_true: Labels, y_pred: Labels, *, sample_weight: Weights = None) -> Ball:
    """Share of the negative samples that are predicted so, TN / (TN + FP).

    Args:
        sample_weight: the weight of each sample, shape (n,); None for 1 each.
    """
    return _recall(y_true, y_pred, 0, sample_weight)


@metric("binary(n), binary(n) -> ()", source=RIJSBERGEN, bound=QUOTIENT)
def f1_score(y_true: Labels, y_pred: Labels, *, sample_weight: Weights = None) -> Ball:
    """Harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN).

    Args:
        sample_weight: the weight of each sample, shape (n,); None for 1 each.
    """
    return _f1(y_true, y_pred, 1, sample_weight)


@metric("label(n), label(n) -> ()", source=SOKOLOVA, bound=CLASSES)
def macro_precision(y_true: Labels, y_pred: Labels, *, sample_weight: Weights = None) -> Ball:
    """Mean over the classes of the precision of each against all others.

    Args:
        sample_weight: the weight of each sample, shape (n,); None for 1 each.
    """
    return _macro(_precision, y_true, y_pred, sample_weight)


@metric("label(n), label(n) -> ()", source=SOKOLOVA, bound=CLASSES)
def macro_recall(y_true: Labels, y_pred: Labels, *, sample_weight: Weights = None) -> Ball:
    """Mean over the classes of the recall of each against all others.

    Args:
        sample_weight: the weight of each sample, shape (n,); None for 1 each.
    """
    return _macro(_recall, y_true, y_pred, sample_weight)


@metric("label(n), label(n) -> ()", source=OPITZ, bound=CLASSES)
def macro_f1_score(y_true: Labels, y_pred: Labels, *, sample_weight: Weights = None) -> Ball:
    """Mean over the classes of the F1 score of each against all others.

    Args:
        sample_weight: the weight of each sample, shape (n,); None for 1 each.
    """
    return _macro(_f1, y_true, y_pred, sample_weight)


def _rank(score: Ball, num_thresholds: int | None) -> Ball:
    """What a score is compared by: itself, or the number of thresholds i / (n - 1) within (0, 1) that it exceeds."""
    if num_thresholds is None:
        return score
    return sum(1 for i in range(1, num_thresholds - 1) if less(arb(i), score * (num_thresholds - 1)))


@metric("binary(n), probability(n) -> ()", source=HANLEY, bound=AREA)
def roc_auc(
    y_true: Labels, y_score: Sequence[Ball], *, sample_weight: Weights = None, num_thresholds: int | None = None
) -> Ball:
    """Area under the ROC curve: share of pairs of a positive and a negative that are ordered so, equal ones half.

    Args:
        sample_weight: the weight of each sample, shape (n,), a pair weighing the product of its two; None for 1 each.
        num_thresholds: number n of the thresholds i / (n - 1) that draw the curve: scores that none of them separates
            count as equal. None compares the scores themselves.
    """
    weights = sample_weight or [arb(1)] * len(y_true)
    samples = [(_rank(score, num_thresholds), weight) for score, weight in zip(y_score, weights, strict=True)]
    positive = [sample for sample, true in zip(samples, y_true, strict=True) if true == 1]
    negative = [sample for sample, true in zip(samples, y_true, strict=True) if true != 1]
    won = [w * v * (2 * bool(a > b) + bool(a == b)) for a, w in positive for b, v in negative]
    pairs = total([w for _, w in positive]) * total([v for _, v in negative])
    return total(won) / (2 * pairs)


def _calibration(y_true: Array, y_score: Array) -> Array:
    return np.asarray(np.mean(y_true + y_score, axis=-1))


@metric(
    "binary(n), probability(n) -> ()",
    source=f"{NAEINI}; {GUO}",
    bound=Bound(
        2, "in each bin a rounded mean of labels is subtracted from a rounded mean of probabilities", _calibration
    ),
)
def expected_calibration_error(y_true: Labels, y_score: Sequence[Ball], *, n_bins: int = 15) -> Ball:
    """Expected calibration error, the sum over bins B of |B| / n |share of positives in B - mean probability in B|.

    The probability is that of the positive class, not of the predicted one.

    Args:
        n_bins: number of bins of equal width over [0, 1], each containing its upper edge; the first contains 0 too.
    """
    bins: dict[int, list[Ball]] = {}
    for true, score in zip(y_true, y_score, strict=True):
        place = sum(1 for edge in range(1, n_bins) if less(arb(edge), score * n_bins))
        bins.setdefault(place, []).append(true - score)
    return total([abs(total(differences)) for differences in bins.values()]) / len(y_true)
