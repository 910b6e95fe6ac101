"""Metrics and states by other algorithms than the bases': none of them is wrong, and none may fail."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

import numpy as np

from tests.zoo import right_metrics
from tests.zoo.entries import Variants, given
from tests.zoo.right_metrics import Mean, State, weights_of
from tests.zoo.right_rows import at, wide
from tests.zoo.row_inputs import binary, distributions, flags, labels, logits, multi_hots, pairs, scores

variant = Variants()


def curve(n=60):
    return lambda: {"y_true": binary(n), "y_score": (scores(n) * 16).round() / np.float32(16)}


def quotient(right, total):
    return float(Fraction(int(right), int(total))) if total else float("nan")


def confusion(y_true, y_pred):
    """Counts of pairs of classes, those that occur in order."""
    classes, index = np.unique(np.concatenate([y_true, y_pred]), return_inverse=True)
    true, predicted = index[: len(y_true)], index[len(y_true) :]
    count = len(classes)
    return np.bincount(true * count + predicted, minlength=count * count).reshape(count, count)


# fmt: off
variant.row("one-less-the-hits", "zero_one_loss", "The number less the hits, over the number.",
    lambda y_true, y_pred: quotient(np.size(y_true) - np.count_nonzero(np.equal(y_true, y_pred)), np.size(y_true)),
    pairs())
variant.row("largest-by-comparison", "sparse_categorical_accuracy", "The label's score is not below any other.",
    lambda labels, y_score, reduction="mean": right_metrics.counted(at(y_score, labels) == y_score.max(axis=-1),
        reduction), given(labels=labels(20, 5), y_score=logits(20, 5)))
variant.row("k-largest-by-sorting", "top_k_accuracy", "The positions of a stable sort of the negated scores.",
    lambda labels, y_score, k=2, reduction="mean": right_metrics.counted((np.argsort(-wide(y_score), axis=-1,
        kind="stable")[..., :k] == np.asarray(labels)[..., None]).any(axis=-1), reduction),
    given(labels=labels(20, 5), y_score=logits(20, 5), k=3))
variant.row("mean-of-row-means", "hamming_loss", "The mean over samples of the mean over labels.",
    lambda y_true, y_score, threshold=0.5: ((wide(y_score) > np.float64(np.asarray(threshold, y_score.dtype)))
        != (y_true == 1)).mean(axis=-1).mean(), given(y_true=multi_hots(6, 5), y_score=distributions(6, 5)))

@variant("accuracy", pairs())
def hits_by_python(y_true, y_pred, reduction="mean"):
    """A loop over pairs and a fraction."""
    hits = [a == b for a, b in zip(np.ravel(y_true).tolist(), np.ravel(y_pred).tolist(), strict=True)]
    if reduction == "none":
        return np.array(hits, dtype=float).reshape(np.shape(y_true))
    return float(sum(hits)) if reduction == "sum" else quotient(sum(hits), len(hits))

@variant("accuracy", pairs())
def trace_of_the_confusion_matrix(y_true, y_pred):
    """The trace over the total."""
    matrix = confusion(np.ravel(y_true), np.ravel(y_pred))
    return quotient(np.trace(matrix), matrix.sum())

@variant("top_k_accuracy", given(labels=labels(20, 5), y_score=logits(20, 5)))
def rank_of_the_label(labels, y_score, k=2, reduction="mean"):
    """The label's place among the sorted scores, by bisection."""
    rows = np.asarray(y_score, np.float64).reshape(-1, y_score.shape[-1])
    known = np.ravel(labels)
    larger = [len(r) - np.searchsorted(np.sort(r), r[y], side="right") for r, y in zip(rows, known, strict=True)]
    return right_metrics.counted((np.array(larger, int) < k).reshape(np.shape(labels)), reduction)

@variant("hamming_loss", given(y_true=multi_hots(6, 5), y_score=distributions(6, 5)))
def agreement_by_exclusive_or(y_true, y_score, threshold=0.5):
    """Exclusive or of bits."""
    above = y_score > np.asarray(threshold).astype(y_score.dtype)
    wrong = above ^ (y_true == 1)
    return quotient(np.count_nonzero(wrong), wrong.size)

@variant("balanced_accuracy", pairs())
def recalls_of_the_matrix(y_true, y_pred):
    """Diagonal over row sums, exactly."""
    matrix = confusion(y_true, y_pred)
    shares = [Fraction(int(row[i]), int(row.sum())) for i, row in enumerate(matrix) if row.sum()]
    return float(sum(shares) / len(shares)) if shares else float("nan")

@variant("macro_f1_score", pairs())
def counted_in_a_dictionary(y_true, y_pred):
    """A Counter of pairs, per class."""
    true, predicted = y_true.tolist(), y_pred.tolist()
    both = Counter(zip(true, predicted, strict=True))
    t, p = Counter(true), Counter(predicted)
    classes = sorted({*t, *p})
    if not classes:
        return float("nan")
    return float(sum(Fraction(2 * both[c, c], t[c] + p[c]) for c in classes) / len(classes))

@variant("precision", flags())
def dot_of_flags(y_true, y_pred):
    """The dot product of both flags over the sum of one."""
    t, p = (np.equal(x, 1).astype(np.int64) for x in (y_true, y_pred))
    return quotient(np.dot(t, p), p.sum())

@variant("f1_score", flags())
def through_precision_and_recall(y_true, y_pred):
    """2 / (1 / p + 1 / r), exactly."""
    t, p = np.equal(y_true, 1), np.equal(y_pred, 1)
    right, true, predicted = (int(np.count_nonzero(x)) for x in (t & p, t, p))
    if not right:
        return 0.0 if true + predicted else float("nan")
    return float(2 / (1 / Fraction(right, predicted) + 1 / Fraction(right, true)))

@variant("f1_score", flags())
def f1_of_rounded_quotients(y_true, y_pred):
    """2 p r / (p + r) in binary64."""
    p, r = right_metrics.precision(y_true, y_pred), right_metrics.recall(y_true, y_pred)
    if p > 0 and r > 0:
        return 2 * p * r / (p + r)
    return 0.0 if np.any(y_true) or np.any(y_pred) else float("nan")

@variant("accuracy", pairs())
def a_running_mean(y_true, y_pred):
    """m += (h - m) / n, sample by sample."""
    mean = 0.0
    for count, hit in enumerate((np.ravel(y_true) == np.ravel(y_pred)).tolist(), start=1):
        mean += (hit - mean) / count
    return mean if np.size(y_true) else float("nan")

@variant("roc_auc", curve())
def mann_whitney(y_true, y_score):
    """Mean ranks of the positives."""
    t = np.equal(y_true, 1)
    _, group, size = np.unique(wide(y_score), return_inverse=True, return_counts=True)
    twice = 2 * np.cumsum(size) - size + 1
    up, down = int(t.sum()), int((~t).sum())
    return quotient(int(twice[group][t].sum()) - up * (up + 1), 2 * up * down)

@variant("roc_auc", curve())
def every_pair(y_true, y_score, sample_weight=None):
    """A matrix of comparisons."""
    t, s = np.equal(y_true, 1), wide(y_score)
    w = weights_of(y_true, sample_weight)
    won = (s[t][:, None] > s[~t]) + (s[t][:, None] == s[~t]) / np.longdouble(2)
    return float((w[t][:, None] * w[~t] * won).sum() / (w[t].sum() * w[~t].sum()))

@variant("roc_auc", curve())
def trapezoids(y_true, y_score):
    """The area under the curve's points, in integers."""
    order = np.argsort(-wide(y_score), kind="stable")
    t, s = np.equal(y_true, 1)[order], wide(y_score)[order]
    last = np.append(s[1:] != s[:-1], True)[: len(s)]
    up, down = np.append(0, np.cumsum(t)[last]), np.append(0, np.cumsum(~t)[last])
    return quotient(((up[1:] + up[:-1]) * np.diff(down)).sum(), 2 * int(up[-1]) * int(down[-1]))

@variant("expected_calibration_error", given(y_true=binary(40), y_score=scores(40)))
def bins_in_a_loop(y_true, y_score, n_bins=15):
    """A mask for each bin, edges as exact fractions."""
    p, t = np.asarray(y_score).astype(np.float64).tolist(), np.asarray(y_true).tolist()
    gaps = [Fraction(0)] * n_bins
    for score, true in zip(p, t, strict=True):
        exact = Fraction(score)
        place = next(b for b in range(n_bins) if exact <= Fraction(b + 1, n_bins))
        gaps[place] += true - exact
    return float(sum(map(abs, gaps)) / len(t)) if t else float("nan")

STREAM = labels(20, 3), labels(20, 3, seed=13)
BATCHES = [(STREAM[0][part], STREAM[1][part]) for part in (slice(4), slice(4, 11), slice(11, None))]
STEPS = BATCHES[0], "result", ("merge", [BATCHES[1]]), "theirs", BATCHES[2]

@variant.state("two-sums", *STEPS)
class TwoSums(Mean):
    """The sum of weighted hits and of weights."""

@variant.state("all-samples", *STEPS)
class AllSamples(State):
    """Every sample is kept."""

@variant.state("counts-under-other-names", *STEPS,
    protocol={"update": "add", "result": "value", "merge": "merge_with", "reset": "clear"})
class Named:
    """Exact counts, with other names of the methods."""

    def __init__(self):
        self.clear()

    def clear(self):
        self.right = self.seen = 0

    def add(self, y_true, y_pred):
        self.right += int(np.count_nonzero(np.equal(y_true, y_pred)))
        self.seen += np.size(y_true)

    def merge_with(self, other):
        self.right += other.right
        self.seen += other.seen

    def value(self):
        return quotient(self.right, self.seen)

@variant.state("a-growing-confusion-matrix", *STEPS, operation="balanced_accuracy")
class Growing:
    """A Counter of pairs that grows with the classes."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.both = Counter()

    def update(self, y_true, y_pred):
        self.both.update(zip(np.ravel(y_true).tolist(), np.ravel(y_pred).tolist(), strict=True))

    def merge(self, other):
        self.both += other.both

    def result(self):
        support = Counter()
        for (true, _), count in self.both.items():
            support[true] += count
        shares = [Fraction(self.both[c, c], n) for c, n in support.items()]
        return float(sum(shares) / len(shares)) if shares else float("nan")

VARIANTS = tuple(variant.entries)
