"""Wrong metrics of whole batches: precision and its kin, and means over classes."""

from __future__ import annotations

import numpy as np

from tests.zoo import right_metrics
from tests.zoo.entries import Table, given
from tests.zoo.right_metrics import every_class, over_classes, tallies, weights_of
from tests.zoo.row_inputs import binary, generator, labels

fault = Table()


def pairs(n=30, c=4, **more):
    return lambda: {"y_true": labels(n, c), "y_pred": labels(n, c, seed=11), **more}


def flags(n=30, **more):
    return lambda: {"y_true": binary(n), "y_pred": binary(n, seed=12), **more}


ABSENT = {"y_true": np.array([0, 0, 1, 1]), "y_pred": np.array([0, 0, 1, 2])}
GAP = {"y_true": np.array([0, 0, 3, 3]), "y_pred": np.array([0, 3, 3, 3])}

# fmt: off
fault.row("classes-only-predicted-count-as-zero", "balanced_accuracy", "two-conditions", lambda: ABSENT,
    "The mean is over the classes of truth and predictions: one that is predicted and never true counts 0.",
    lambda y_true, y_pred, sample_weight=None: over_classes(every_class(y_true, y_pred), y_true, y_pred, sample_weight,
        lambda r, p, t: r / t if t else np.longdouble(0)), upstream="scikit-learn/scikit-learn/issues/26892")
fault.row("classes-up-to-the-largest", "balanced_accuracy", "labels", lambda: GAP,
    "Classes are 0 to the largest label, and one that does not occur counts 0.",
    lambda y_true, y_pred, sample_weight=None: over_classes(range(int(np.max(y_true)) + 1), y_true, y_pred,
        sample_weight, lambda r, p, t: r / t if t else np.longdouble(0)),
    upstream="Lightning-AI/torchmetrics/issues/300")
fault.row("class-zero-is-background", "macro_recall", "labels", pairs(60, 4),
    "Class 0 is left out of the mean, as a segmentation's background.",
    lambda y_true, y_pred, sample_weight=None: over_classes([c for c in every_class(y_true, y_pred) if c != 0] or [0],
        y_true, y_pred, sample_weight, lambda r, p, t: r / t))
fault.row("mean-of-precision-and-recall", "f1_score", "formula", flags(),
    "The arithmetic mean in place of the harmonic one, which is the same where the two are equal.",
    lambda y_true, y_pred, sample_weight=None: (right_metrics.precision(y_true, y_pred, sample_weight)
        + right_metrics.recall(y_true, y_pred, sample_weight)) / 2)


@fault("balanced_accuracy", "labels", given(y_true=labels(60, 20, "uint8"), y_pred=labels(60, 20, "uint8", seed=2)),
    upstream="Lightning-AI/torchmetrics/issues/1510")
def confusion_index_in_the_labels_dtype(y_true, y_pred, sample_weight=None):
    """True * classes + predicted wraps in uint8 for more than 16 classes."""
    count = int(max(np.max(y_true), np.max(y_pred))) + 1
    index = np.asarray(y_true) * np.asarray(y_true).dtype.type(count) + np.asarray(y_pred)
    weight = weights_of(y_true, sample_weight)
    matrix = np.zeros(count * count, np.longdouble)
    np.add.at(matrix, index.astype(np.int64) % (count * count), weight)
    matrix = matrix.reshape(count, count)
    support = matrix.sum(axis=1)
    return float((np.diag(matrix)[support > 0] / support[support > 0]).mean())

@fault("balanced_accuracy", "weights", pairs(sample_weight=generator(3).random(30) + 0.5))
def divisors_without_weights(y_true, y_pred, sample_weight=None):
    """Hits are weighted, the number of a class's samples is not."""
    one = np.ones(len(y_true), np.longdouble)
    weight = weights_of(y_true, sample_weight)
    values = [
        tallies(y_true, y_pred, label, weight)[0] / tallies(y_true, y_pred, label, one)[2]
        for label in np.unique(y_true)
    ]
    return float(np.mean(values))

@fault("macro_f1_score", "formula", pairs())
def harmonic_mean_of_two_means(y_true, y_pred, sample_weight=None):
    """F1 of macro precision and macro recall is another quantity than the mean of the F1 scores."""
    p = right_metrics.macro_precision(y_true, y_pred, sample_weight)
    r = right_metrics.macro_recall(y_true, y_pred, sample_weight)
    return 2 * p * r / (p + r)

@fault("macro_f1_score", "special-values", given(y_true=[0, 1, 1, 2], y_pred=[0, 2, 1, 1]),
    upstream="scikit-learn-contrib/hiclass/issues/133")
def f1_of_nothing_right_is_nan(y_true, y_pred, sample_weight=None):
    """2 p r / (p + r) of a class with neither precision nor recall is 0/0, where 2 TP / (...) is 0."""

    def harmonic(r, p, t):
        a, b = r / p, r / t
        return 2 * a * b / (a + b)

    return over_classes(every_class(y_true, y_pred), y_true, y_pred, sample_weight, harmonic)

@fault("macro_precision", "formula", pairs())
def class_mean_weighted_by_support(y_true, y_pred, sample_weight=None):
    """Classes count as often as they are predicted: micro precision."""
    weight = weights_of(y_true, sample_weight)
    each = [tallies(y_true, y_pred, label, weight) for label in every_class(y_true, y_pred)]
    return float(sum((r for r, _, _ in each)) / sum((p for _, p, _ in each)))

@fault("precision", "shape", given(y_true=np.ones(310, int), y_pred=np.r_[np.ones(300, int), np.zeros(10, int)]))
def true_positives_counted_in_a_byte(y_true, y_pred):
    """Products of uint8 flags are summed in uint8: 300 true positives are 44."""
    t, p = np.asarray(y_true).astype(np.uint8), np.asarray(y_pred).astype(np.uint8)
    return float(np.longdouble((t * p).sum(dtype=np.uint8)) / p.sum(dtype=np.int64))

@fault("precision", "weights", flags(sample_weight=generator(3).random(30) + 0.5))
def false_positives_without_weights(y_true, y_pred, sample_weight=None):
    """False positives count once each, true positives by their weight."""
    weight = weights_of(y_true, sample_weight)
    right, _, _ = tallies(y_true, y_pred, 1, weight)
    return float(right / (right + ((np.asarray(y_true) != 1) & (np.asarray(y_pred) == 1)).sum()))

@fault("recall", "relative-accuracy", flags())
def epsilon_in_the_divisor(y_true, y_pred, sample_weight=None):
    """TP / (TP + FN + 1e-3): of few positives a share of a thousandth is lost."""
    right, _, true = tallies(y_true, y_pred, 1, weights_of(y_true, sample_weight))
    return float(right / (true + 1e-3))

@fault("specificity", "formula", flags())
def share_of_the_predicted_negatives(y_true, y_pred, sample_weight=None):
    """TN / (TN + FN) is the negative predictive value."""
    right, predicted, _ = tallies(y_true, y_pred, 0, weights_of(y_true, sample_weight))
    return float(right / predicted)

FAULTS = tuple(fault.entries)
