"""Wrong metrics of whole batches: precision and its kin, means over classes, areas, calibration errors."""

from __future__ import annotations

import numpy as np

from tests.zoo import right_metrics
from tests.zoo.entries import Table, given
from tests.zoo.right_metrics import (
    area,
    binned,
    every_class,
    of_classes,
    of_ranks,
    of_tallies,
    tallies,
    upper_edges,
    weights_of,
)
from tests.zoo.right_rows import wide
from tests.zoo.row_inputs import binary, flags, generator, labels, pairs, scores

fault = Table()


AUC = "roc_auc"
ECE = "expected_calibration_error"


def share_of_the_true(right, predicted, true):
    return right / true if true else np.longdouble(0)


def curve(n=40, dtype="float32", **more):
    return lambda: {"y_true": binary(n), "y_score": scores(n, dtype), **more}


# fmt: off
fault.row("classes-only-predicted-count-as-zero", "balanced_accuracy", "two-conditions",
    given(y_true=[0, 0, 1, 1], y_pred=[0, 0, 1, 2]),
    "The mean is over the classes of truth and predictions: one that is predicted and never true counts 0.",
    of_classes(every_class, share_of_the_true), upstream="scikit-learn/scikit-learn/issues/26892")
fault.row("classes-up-to-the-largest", "balanced_accuracy", "labels", given(y_true=[0, 0, 3, 3], y_pred=[0, 3, 3, 3]),
    "Classes are 0 to the largest label, and one that does not occur counts 0.",
    of_classes(lambda t, p: range(int(np.max(t)) + 1), share_of_the_true),
    upstream="Lightning-AI/torchmetrics/issues/300")
fault.row("class-zero-is-background", "macro_recall", "labels", pairs(60, 4),
    "Class 0 is left out of the mean, as a segmentation's background.",
    of_classes(lambda t, p: [c for c in every_class(t, p) if c != 0] or [0],
        lambda right, predicted, true: right / true))
fault.row("f1-of-nothing-right-is-nan", "macro_f1_score", "special-values",
    given(y_true=[0, 1, 1, 2], y_pred=[0, 2, 1, 1]),
    "2 p r / (p + r) of a class with neither precision nor recall is 0/0, where 2 TP / (...) is 0.",
    of_classes(every_class, lambda right, predicted, true: 2 * (right / predicted) * (right / true)
        / (right / predicted + right / true)), upstream="scikit-learn-contrib/hiclass/issues/133")
fault.row("mean-of-precision-and-recall", "f1_score", "formula", flags(),
    "The arithmetic mean in place of the harmonic one, which is the same where the two are equal.",
    of_tallies(1, lambda right, predicted, true: (right / predicted + right / true) / 2))
fault.row("epsilon-in-the-divisor", "recall", "relative-accuracy", flags(),
    "TP / (TP + FN + 1e-3): of few positives a share of a thousandth is lost.",
    of_tallies(1, lambda right, predicted, true: right / (true + 1e-3)))
fault.row("share-of-the-predicted-negatives", "specificity", "formula", flags(),
    "TN / (TN + FN) is the negative predictive value.",
    of_tallies(0, lambda right, predicted, true: right / predicted))
fault.row("vertex-at-the-top-of-a-tie", AUC, "ties", given(y_true=[1, 0, 1, 0], y_score=[0.9, 0.9, 0.5, 0.5]),
    "The curve has its point at the first of equal scores: within a tie the order of the sort counts.",
    of_ranks(lambda s: -np.argsort(np.argsort(-s, kind="stable"))), upstream="aidotse/LeakPro/pull/465")


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

fault.row("ties-are-won", AUC, "ties", given(y_true=[1, 0, 1, 0], y_score=[0.9, 0.9, 0.5, 0.25]),
    "A positive and a negative with the same score count as ordered.",
    lambda y_true, y_score: float((wide(y_score)[np.asarray(y_true) == 1][:, None]
        >= wide(y_score)[~(np.asarray(y_true) == 1)]).mean()))
fault.row("weights-of-positives-alone", AUC, "weights", curve(sample_weight=generator(3).random(40) + 0.5),
    "A pair weighs what its positive weighs.",
    lambda y_true, y_score, sample_weight=None: area(wide(y_score), np.asarray(y_true) == 1,
        np.where(np.asarray(y_true) == 1, weights_of(y_true, sample_weight), 1)))
fault.row("certainty-in-a-bin-of-its-own", ECE, "isolated", given(y_true=[1, 0], y_score=[0.96, 1.0]),
    "A probability of exactly 1 falls into a bin after the last.",
    lambda y_true, y_score, n_bins=15: binned(y_true, y_score, np.where(wide(y_score) == 1, n_bins,
        upper_edges(y_score, n_bins)), n_bins + 1), upstream="Lightning-AI/torchmetrics/issues/3510")
fault.row("zero-wraps-to-the-last-bin", ECE, "isolated", given(y_true=[1, 0], y_score=[0.0, 0.97]),
    "The bin of a probability of exactly 0 is -1, which is the last.",
    lambda y_true, y_score, n_bins=15: binned(y_true, y_score, np.ceil(wide(y_score) * n_bins).astype(int) - 1, n_bins),
    upstream="Lightning-AI/torchmetrics/issues/1646")
fault.row("fifteen-bins-whatever-is-asked", ECE, "parameters", curve(n_bins=10),
    "n_bins makes the edges, and 15 the index.",
    lambda y_true, y_score, n_bins=15: binned(y_true, y_score, upper_edges(y_score, 15), 15))

@fault(AUC, "dtype", curve(9000, "float16"), upstream="MaigoAkisame/cmu-thesis/issues/7", dtypes=("float16",))
def cumulated_in_half(y_true, y_score):
    """True and false positives of float16 scores are cumulated in float16, and stop at 2048."""
    order = np.argsort(-wide(y_score), kind="stable")
    t = (np.asarray(y_true) == 1)[order].astype(y_score.dtype)
    last = np.r_[np.diff(y_score[order]) != 0, True]
    up, down = (np.add.accumulate(each, dtype=y_score.dtype)[last].astype(np.float64) for each in (t, 1 - t))
    return float(np.trapezoid(np.r_[0, up / up[-1]], np.r_[0, down / down[-1]]))

@fault(AUC, "shape", given(y_true=np.arange(100_000) % 2, y_score=(np.arange(100_000) % 7 / 8).astype(np.float32)))
def pairs_counted_in_32_bits(y_true, y_score):
    """The number of pairs of a positive and a negative is an int32: it overflows beyond 65,536 squared halves."""
    t = np.asarray(y_true) == 1
    pairs = np.array(t.sum()).astype(np.int32) * np.array((~t).sum()).astype(np.int32)
    return area(wide(y_score), t, np.ones(len(t), np.longdouble)) * float(t.sum()) * float((~t).sum()) / float(pairs)

@fault(AUC, "weights",
    given(y_true=[1, 0, 1, 0, 1, 0], y_score=[0.9, 0.8, 0.7, 0.6, 0.5, 0.4],
        sample_weight=np.float32([2**24, 1.0, 1.0, 1.0, 1.0, 1.0])), upstream="scikit-learn/scikit-learn/issues/6842")
def float32_weights_cumulated_in_float32(y_true, y_score, sample_weight=None):
    """Weights are cumulated in float32 beside a large one, where small ones are lost."""
    order = np.argsort(-wide(y_score), kind="stable")
    t = (np.asarray(y_true) == 1)[order]
    w = weights_of(y_true, sample_weight)[order].astype(np.float32)
    last = np.r_[np.diff(y_score[order]) != 0, True]
    both = np.add.accumulate(w, dtype=np.float32)
    up = np.add.accumulate(w * t, dtype=np.float32)
    up, down = up[last].astype(float), (both - up)[last].astype(float)
    return float(np.trapezoid(np.r_[0, up / up[-1]], np.r_[0, down / down[-1]]))

@fault(AUC, "two-conditions", given(y_true=[1, 0, 1, 0], y_score=[0.2, 0.9, 0.5, 0.4]))
def positive_class_is_the_more_frequent(y_true, y_score, sample_weight=None):
    """The area is turned round where it is below a half."""
    value = right_metrics.roc_auc(y_true, y_score, sample_weight)
    return max(value, 1 - value) if value == value else value

@fault(ECE, "isolated", given(y_true=[1, 0], y_score=[0.0, 0.5]), upstream="NandhaKishorM/laya/pull/39")
def zero_in_no_bin(y_true, y_score, n_bins=15):
    """Bins are open below, and a probability of exactly 0 is in none."""
    inside = wide(y_score) > 0
    y_true, y_score = np.asarray(y_true), np.asarray(y_score)
    value = binned(y_true[inside], y_score[inside], upper_edges(y_score[inside], n_bins), n_bins)
    return value * float(inside.sum()) / len(y_true) if inside.any() else 0.0

@fault(ECE, "formula", curve())
def bins_averaged_alike(y_true, y_score, n_bins=15):
    """Each bin that holds samples counts the same, however many they are."""
    place = upper_edges(y_score, n_bins)
    gaps = [abs((wide(y_true) - wide(y_score))[place == b].mean()) for b in np.unique(place)]
    return float(np.mean(gaps))

@fault(ECE, "special-values", given(y_true=[1, 0], y_score=[0.9, 0.2]))
def empty_bins_spoil_all(y_true, y_score, n_bins=15):
    """The mean of a bin without samples is 0/0, and so is the sum."""
    place = upper_edges(y_score, n_bins)
    counts = np.bincount(place, minlength=n_bins)
    gaps = np.abs(np.bincount(place, np.asarray(y_true) - y_score.astype(float), n_bins) / counts)
    return float((gaps * counts).sum() / len(y_true))

@fault(ECE, "formula", curve())
def confidence_of_the_predicted_class(y_true, y_score, n_bins=15):
    """The probability of the predicted class is compared with the accuracy, which is another metric."""
    s = wide(y_score)
    hits = (s > 0.5) == (np.asarray(y_true) == 1)
    confidence = np.maximum(s, 1 - s)
    return binned(hits, confidence, upper_edges(confidence, n_bins), n_bins)

@fault(AUC, "narrow-range", given(y_true=[0, 0, 1, 1], y_score=[1e-10, 4e-10, 3.5e-10, 8e-10]),
    upstream="scikit-learn/scikit-learn/issues/6688", made=of_ranks)
def near_scores_tie(s):
    """Scores closer than 1e-5 relative and 1e-8 absolute are one threshold: scores of the order of 1e-9 all tie."""
    order = np.argsort(s, kind="stable")
    apart = ~np.isclose(np.diff(s[order]).astype(float), 0, atol=1e-8, rtol=0)
    ranks = np.empty(len(s))
    ranks[order] = np.r_[0, np.cumsum(apart)] if len(s) else []
    return ranks

FAULTS = tuple(fault.entries)
