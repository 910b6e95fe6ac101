"""Right metrics, and right states that gather them over batches: counts are exact, quotients rounded once."""

from __future__ import annotations

import numpy as np

from tests.zoo.making import Maker
from tests.zoo.right_rows import at, wide


def counted(hits, reduction, sample_weight=None):
    """The mean or sum of hits, each with its weight."""
    hits = np.asarray(hits)
    w = np.ones(hits.shape) if sample_weight is None else wide(sample_weight)
    if reduction == "none":
        return (w * hits).astype(np.float64)
    total = (wide(w) * hits).sum()
    return float(total if reduction == "sum" else total / wide(w).sum())


HITS = Maker(np.asarray, lambda hits, like, reduction, sample_weight: counted(hits, reduction, sample_weight))


accuracy = HITS.of("accuracy", lambda t, p: t == p)
zero_one_loss = HITS.of("zero_one_loss", lambda t, p: t != p)
binary_accuracy = HITS.of(
    "binary_accuracy", lambda t, s, threshold=0.5: (s > np.asarray(threshold).astype(s.dtype)) == (t == 1)
)
categorical_accuracy = HITS.of("categorical_accuracy", lambda t, s: np.argmax(t, axis=-1) == np.argmax(s, axis=-1))
sparse_categorical_accuracy = HITS.of("sparse_categorical_accuracy", lambda y, s: y == np.argmax(s, axis=-1))
top_k_accuracy = HITS.of("top_k_accuracy", lambda y, s, k=2: (s > at(s, y)[..., None]).sum(axis=-1) < k)


def label_hits(y_true, y_score, threshold):
    above = np.asarray(y_score) > np.asarray(threshold).astype(np.asarray(y_score).dtype)
    return above == (np.asarray(y_true) == 1)


@HITS
def hamming_loss(t, s, threshold=0.5):
    hits = label_hits(t, s, threshold)
    return (~hits).sum(axis=-1) / np.longdouble(hits.shape[-1])


@HITS
def multilabel_accuracy(t, s, threshold=0.5):
    hits = label_hits(t, s, threshold)
    return hits.sum(axis=-1) / np.longdouble(hits.shape[-1])


subset_accuracy = HITS.of("subset_accuracy", lambda t, s, threshold=0.5: label_hits(t, s, threshold).all(axis=-1))


def weights_of(y_true, sample_weight):
    return np.ones(len(y_true), np.longdouble) if sample_weight is None else wide(sample_weight)


def tallies(y_true, y_pred, label, weight):
    """Weights of the samples that are right, predicted and true, of one class."""
    true, predicted = np.asarray(y_true) == label, np.asarray(y_pred) == label
    return weight[true & predicted].sum(), weight[predicted].sum(), weight[true].sum()


def of_tallies(label, quotient):
    """A metric that is a quotient of one class's tallies."""

    def metric(y_true, y_pred, sample_weight=None):
        return float(quotient(*tallies(y_true, y_pred, label, weights_of(y_true, sample_weight))))

    return metric


def of_classes(classes, quotient):
    """A metric that is the mean over classes of a quotient of each one's tallies."""

    def metric(y_true, y_pred, sample_weight=None):
        weight = weights_of(y_true, sample_weight)
        values = [quotient(*tallies(y_true, y_pred, label, weight)) for label in classes(y_true, y_pred)]
        return float(sum(values) / np.longdouble(len(values)))

    return metric


def true_classes(y_true, y_pred):
    return np.unique(y_true)


def every_class(y_true, y_pred):
    return np.union1d(np.asarray(y_true), np.asarray(y_pred))


precision = of_tallies(1, lambda right, predicted, true: right / predicted)
recall = of_tallies(1, lambda right, predicted, true: right / true)
specificity = of_tallies(0, lambda right, predicted, true: right / true)
f1_score = of_tallies(1, lambda right, predicted, true: 2 * right / (predicted + true))
balanced_accuracy = of_classes(true_classes, lambda right, predicted, true: right / true)
macro_precision = of_classes(every_class, lambda right, predicted, true: right / predicted)
macro_recall = of_classes(every_class, lambda right, predicted, true: right / true)
macro_f1_score = of_classes(every_class, lambda right, predicted, true: 2 * right / (predicted + true))


def area(ranks, positive, weight):
    """Share of pairs of a positive and a negative that are ordered so, of those that share a rank the half."""
    _, group = np.unique(ranks, return_inverse=True)
    up = np.zeros(group.max(initial=-1) + 1, np.longdouble)
    down = up.copy()
    np.add.at(up, group[positive], weight[positive])
    np.add.at(down, group[~positive], weight[~positive])
    below = np.cumsum(down) - down
    return float((up * (below + down / 2)).sum() / (up.sum() * down.sum()))


def of_ranks(ranks):
    """The area under the curve of what `ranks` makes of the scores."""

    def metric(y_true, y_score, sample_weight=None):
        return area(ranks(wide(y_score)), np.asarray(y_true) == 1, weights_of(y_true, sample_weight))

    return metric


roc_auc = of_ranks(lambda s: s)


def binned(y_true, y_score, place, n_bins):
    """The sum over bins of |positives - sum of probabilities|, over the number of samples."""
    differences = np.zeros(n_bins, np.longdouble)
    np.add.at(differences, place, wide(y_true) - wide(y_score))
    return float(np.abs(differences).sum() / len(y_true))


def upper_edges(y_score, n_bins):
    """Each score's bin, which has its upper edge."""
    return np.maximum(np.ceil(wide(y_score) * n_bins).astype(np.int64) - 1, 0)


def expected_calibration_error(y_true, y_score, n_bins=15):
    return binned(y_true, y_score, upper_edges(y_score, n_bins), n_bins)


class State:
    """All samples that were seen, from which `of` computes the result."""

    of = staticmethod(accuracy)

    def __init__(self):
        self.seen = []

    def update(self, y_true, y_pred, sample_weight=None):
        weight = None if sample_weight is None else np.array(sample_weight, np.float64)
        self.seen.append((np.array(y_true), np.array(y_pred), weight))

    def merge(self, other):
        self.seen.extend(other.seen)

    def reset(self):
        self.seen = []

    def result(self):
        if not self.seen:
            return float("nan")
        y_true, y_pred = (np.concatenate([batch[side] for batch in self.seen]) for side in (0, 1))
        if all(weight is None for _, _, weight in self.seen):
            return type(self).of(y_true, y_pred)
        weights = [np.ones(len(t)) if weight is None else weight for t, _, weight in self.seen]
        return type(self).of(y_true, y_pred, sample_weight=np.concatenate(weights))


class Mean:
    """A weighted mean of what `of` makes of each sample, as two sums."""

    of = staticmethod(accuracy)

    def __init__(self):
        self.total = self.count = 0.0

    def reset(self):
        self.total = self.count = 0.0

    def update(self, y_true, y_pred, sample_weight=None):
        each = np.asarray(type(self).of(y_true, y_pred, reduction="none"), dtype=np.float64)
        weight = np.ones(each.shape) if sample_weight is None else np.asarray(sample_weight, np.float64)
        self.total += float((each * weight).sum())
        self.count += float(weight.sum())

    def merge(self, other):
        self.total += other.total
        self.count += other.count

    def result(self):
        return self.total / self.count if self.count else float("nan")
