"""Wrong metrics of whole batches: precision and its kin, and means over classes."""

from __future__ import annotations

import numpy as np
import right_metrics
from right_metrics import every_class, over_classes, tallies, weights_of
from rows_table import Table, binary, generator, labels

fault = Table()


def pairs(n=30, c=4, **more):
    return lambda: {"y_true": labels(n, c), "y_pred": labels(n, c, seed=11), **more}


def flags(n=30, **more):
    return lambda: {"y_true": binary(n), "y_pred": binary(n, seed=12), **more}


ABSENT = {"y_true": np.array([0, 0, 1, 1]), "y_pred": np.array([0, 0, 1, 2])}
GAP = {"y_true": np.array([0, 0, 3, 3]), "y_pred": np.array([0, 3, 3, 3])}


@fault(
    "classes-only-predicted-count-as-zero",
    "balanced_accuracy",
    "two-conditions",
    "the mean is over the classes of truth and predictions: one that is predicted and never true counts 0",
    upstream="https://github.com/scikit-learn/scikit-learn/issues/26892",
    shows=lambda: ABSENT,
)
def predicted_only(y_true, y_pred, sample_weight=None):
    return over_classes(
        every_class(y_true, y_pred), y_true, y_pred, sample_weight, lambda r, p, t: r / t if t else np.longdouble(0)
    )


@fault(
    "classes-up-to-the-largest",
    "balanced_accuracy",
    "labels",
    "classes are 0 to the largest label, and one that does not occur counts 0",
    upstream="https://github.com/Lightning-AI/torchmetrics/issues/300",
    shows=lambda: GAP,
)
def up_to_largest(y_true, y_pred, sample_weight=None):
    classes = range(int(np.max(y_true)) + 1)
    return over_classes(classes, y_true, y_pred, sample_weight, lambda r, p, t: r / t if t else np.longdouble(0))


@fault(
    "confusion-index-in-the-labels-dtype",
    "balanced_accuracy",
    "labels",
    "true * classes + predicted wraps in uint8 for more than 16 classes",
    upstream="https://github.com/Lightning-AI/torchmetrics/issues/1510",
    shows=lambda: {"y_true": labels(60, 20, "uint8"), "y_pred": labels(60, 20, "uint8", seed=2)},
)
def confusion_in_bytes(y_true, y_pred, sample_weight=None):
    count = int(max(np.max(y_true), np.max(y_pred))) + 1
    index = np.asarray(y_true) * np.asarray(y_true).dtype.type(count) + np.asarray(y_pred)
    weight = weights_of(y_true, sample_weight)
    matrix = np.zeros(count * count, np.longdouble)
    np.add.at(matrix, index.astype(np.int64) % (count * count), weight)
    matrix = matrix.reshape(count, count)
    support = matrix.sum(axis=1)
    return float((np.diag(matrix)[support > 0] / support[support > 0]).mean())


@fault(
    "divisors-without-weights",
    "balanced_accuracy",
    "weights",
    "hits are weighted, the number of a class's samples is not",
    shows=pairs(sample_weight=generator(3).random(30) + 0.5),
)
def unweighted_support(y_true, y_pred, sample_weight=None):
    one = np.ones(len(y_true), np.longdouble)
    weight = weights_of(y_true, sample_weight)
    values = [
        tallies(y_true, y_pred, label, weight)[0] / tallies(y_true, y_pred, label, one)[2]
        for label in np.unique(y_true)
    ]
    return float(np.mean(values))


@fault(
    "harmonic-mean-of-two-means",
    "macro_f1_score",
    "formula",
    "F1 of macro precision and macro recall is another quantity than the mean of the F1 scores",
    shows=pairs(),
)
def f1_of_means(y_true, y_pred, sample_weight=None):
    p = right_metrics.macro_precision(y_true, y_pred, sample_weight)
    r = right_metrics.macro_recall(y_true, y_pred, sample_weight)
    return 2 * p * r / (p + r)


@fault(
    "f1-of-nothing-right-is-nan",
    "macro_f1_score",
    "special-values",
    "2 p r / (p + r) of a class with neither precision nor recall is 0/0, where 2 TP / (...) is 0",
    upstream="https://github.com/scikit-learn-contrib/hiclass/issues/133",
    shows=lambda: {"y_true": np.array([0, 1, 1, 2]), "y_pred": np.array([0, 2, 1, 1])},
)
def f1_zero_over_zero(y_true, y_pred, sample_weight=None):
    def harmonic(r, p, t):
        a, b = r / p, r / t
        return 2 * a * b / (a + b)

    return over_classes(every_class(y_true, y_pred), y_true, y_pred, sample_weight, harmonic)


@fault(
    "class-mean-weighted-by-support",
    "macro_precision",
    "formula",
    "classes count as often as they are predicted: micro precision",
    shows=pairs(),
)
def precision_by_support(y_true, y_pred, sample_weight=None):
    weight = weights_of(y_true, sample_weight)
    each = [tallies(y_true, y_pred, label, weight) for label in every_class(y_true, y_pred)]
    return float(sum(r for r, _, _ in each) / sum(p for _, p, _ in each))


@fault(
    "class-zero-is-background",
    "macro_recall",
    "labels",
    "class 0 is left out of the mean, as a segmentation's background",
    shows=pairs(60, 4),
)
def without_background(y_true, y_pred, sample_weight=None):
    classes = [c for c in every_class(y_true, y_pred) if c != 0] or [0]
    return over_classes(classes, y_true, y_pred, sample_weight, lambda r, p, t: r / t)


@fault(
    "true-positives-counted-in-a-byte",
    "precision",
    "shape",
    "products of uint8 flags are summed in uint8: 300 true positives are 44",
    shows=lambda: {"y_true": np.ones(310, int), "y_pred": np.r_[np.ones(300, int), np.zeros(10, int)]},
)
def positives_in_a_byte(y_true, y_pred):
    t, p = np.asarray(y_true).astype(np.uint8), np.asarray(y_pred).astype(np.uint8)
    return float(np.longdouble((t * p).sum(dtype=np.uint8)) / p.sum(dtype=np.int64))


@fault(
    "false-positives-without-weights",
    "precision",
    "weights",
    "false positives count once each, true positives by their weight",
    shows=flags(sample_weight=generator(3).random(30) + 0.5),
)
def unweighted_false(y_true, y_pred, sample_weight=None):
    weight = weights_of(y_true, sample_weight)
    right, _, _ = tallies(y_true, y_pred, 1, weight)
    return float(right / (right + ((np.asarray(y_true) != 1) & (np.asarray(y_pred) == 1)).sum()))


@fault(
    "epsilon-in-the-divisor",
    "recall",
    "relative-accuracy",
    "TP / (TP + FN + 1e-3): of few positives a share of a thousandth is lost",
    shows=flags(),
)
def epsilon_in_recall(y_true, y_pred, sample_weight=None):
    right, _, true = tallies(y_true, y_pred, 1, weights_of(y_true, sample_weight))
    return float(right / (true + 1e-3))


@fault(
    "share-of-the-predicted-negatives",
    "specificity",
    "formula",
    "TN / (TN + FN) is the negative predictive value",
    shows=flags(),
)
def negative_predictive(y_true, y_pred, sample_weight=None):
    right, predicted, _ = tallies(y_true, y_pred, 0, weights_of(y_true, sample_weight))
    return float(right / predicted)


@fault(
    "mean-of-precision-and-recall",
    "f1_score",
    "formula",
    "the arithmetic mean in place of the harmonic one, which is the same where the two are equal",
    shows=flags(),
)
def arithmetic_mean(y_true, y_pred, sample_weight=None):
    p = right_metrics.precision(y_true, y_pred, sample_weight)
    return (p + right_metrics.recall(y_true, y_pred, sample_weight)) / 2


FAULTS = tuple(fault.entries)
