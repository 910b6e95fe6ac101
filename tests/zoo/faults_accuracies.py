"""Wrong metrics of samples: accuracies of labels, of scores, of several labels."""

from __future__ import annotations

import numpy as np

from tests.zoo import right_metrics
from tests.zoo.entries import Table, given
from tests.zoo.making import added
from tests.zoo.right_metrics import HITS, counted, label_hits
from tests.zoo.right_rows import at, wide
from tests.zoo.row_inputs import generator, labels, logits, multi_hots

fault = Table(HITS)
SPARSE = "sparse_categorical_accuracy"
TOP_K = "top_k_accuracy"


def halves(n, wrong=0):
    """Labels of which all but so many are predicted rightly."""
    y = labels(n, 5)
    return lambda: {"y_true": y, "y_pred": np.where(np.arange(n) < wrong, y + 1, y)}


# fmt: off
fault.row("label-ids-cut-to-32-bits", "accuracy", "labels", given(y_true=np.array([7, 2**33 + 5]), y_pred=[7, 5]),
    "Identifiers are compared as int32: two that differ by 2^32 are one.",
    lambda t, p: t.astype(np.int32) == p.astype(np.int32))
fault.row("label-ids-compared-as-floats", "accuracy", "labels", given(y_true=[1, 16777216], y_pred=[1, 16777217]),
    "Labels are cast to float32, where 2^24 and 2^24 + 1 are the same.",
    lambda t, p: t.astype(np.float32) == p.astype(np.float32))
fault.row("hits-counted-in-a-byte", "accuracy", "shape", halves(200),
    "The sum of booleans is an int8, which does not count past 127.",
    added(right_metrics.accuracy, total=lambda each: each.astype(bool).sum(dtype=np.int8)),
    upstream="pypy/pypy/issues/1663")
fault.row("hits-counted-in-half", "accuracy", "shape", halves(5000, 10),
    "Hits are cast to float16 and added one by one: the count stops at 2048.",
    added(right_metrics.accuracy,
        total=lambda each: np.add.accumulate(np.append(0, each), dtype=np.float16)[-1].astype(float)))
fault.row("smaller-label-is-right", "accuracy", "formula", given(y_true=[0, 1, 2], y_pred=[0, 2, 1]),
    "`y_true - y_pred < 1` is meant for |difference| and takes every prediction above the truth for right.",
    lambda t, p: t - p < 1)
fault.row("weights-are-yes-or-no", "accuracy", "weights",
    given(**halves(4, 2)(), sample_weight=np.array([0.25, 2.0, 1.0, 0.0])),
    "A sample counts fully if its weight is above 0.",
    lambda y_true, y_pred, reduction="mean", sample_weight=None:
        counted(np.asarray(y_true) == np.asarray(y_pred), reduction,
        None if sample_weight is None else np.asarray(sample_weight) > 0))
fault.row("weights-in-float16", "accuracy", "weights", given(**halves(3, 1)(), sample_weight=np.array([1e5, 2e5, 1.0])),
    "Sample weights are stored in float16: 100,000 is infinite and 4097 is 4096.",
    lambda y_true, y_pred, reduction="mean", sample_weight=None:
        counted(np.asarray(y_true) == np.asarray(y_pred), reduction,
        None if sample_weight is None else np.asarray(sample_weight).astype(np.float16)))
fault.row("argmax-in-a-byte", SPARSE, "shape", given(labels=[299], y_score=np.arange(300, dtype=np.float32)[None]),
    "The position of the largest score is stored in a byte, and 256 is 0.",
    lambda y, s: y == np.argmax(s, axis=-1).astype(np.uint8), upstream="plaidml/plaidml/issues/1216")
fault.row("scores-compared-in-half", SPARSE, "narrow-range", given(labels=[1], y_score=[[0.70001, 0.70002, 0.1]]),
    "Scores are cast to float16 before the largest is sought: those nearer than 2^-11 tie.",
    lambda y, s: y == np.argmax(s.astype(np.float16), axis=-1))
fault.row("double-scores-compared-in-single", SPARSE, "dtype",
    given(labels=[1], y_score=np.array([[0.7, 0.7 + 1e-12, 0.1]])), "binary64 scores are compared in binary32.",
    lambda y, s: y == np.argmax(s.astype(np.float32), axis=-1), dtypes=("float64",))
fault.row("search-for-the-best-starts-at-zero", SPARSE, "narrow-range", given(labels=[1], y_score=[[-3.0, -1.0, -2.0]]),
    "The running maximum starts at 0: in a row of negative scores class 0 wins.",
    lambda y, s: y == np.where(s.max(axis=-1) > 0, np.argmax(s, axis=-1), 0))
fault.row("square-scores-transposed", SPARSE, "shape", given(labels=labels(5, 5), y_score=logits(5, 5)),
    "A square batch of scores is taken for one of classes by samples.",
    lambda y, s: y == np.argmax(s, axis=0 if s.ndim == 2 and s.shape[0] == s.shape[1] else -1))
fault.row("sign-of-scores-lost", "categorical_accuracy", "formula",
    given(y_true=np.float32([[0, 1, 0]]), y_score=[[-3.0, 1.0, 0.5]]),
    "The prediction is the score of largest magnitude.",
    lambda t, s: np.argmax(t, axis=-1) == np.argmax(np.abs(s), axis=-1))
fault.row("rows-compared-in-memory-order", "categorical_accuracy", "layout",
    given(y_true=np.eye(4, dtype=np.float32)[labels(6, 4)], y_score=np.asfortranarray(logits(6, 4))),
    "Scores in Fortran order are read as if they were in C order.",
    lambda t, s: np.argmax(t, axis=-1) == np.argmax(s.ravel(order="K").reshape(s.shape), axis=-1))
fault.row("k-compiled-in", TOP_K, "parameters", given(labels=labels(9, 6), y_score=logits(9, 6), k=4),
    "k is 2 whatever is asked for.",
    lambda labels, y_score, k=2, reduction="mean": right_metrics.top_k_accuracy(labels, y_score, 2, reduction))
fault.row("top-k-of-all-classes-is-none", TOP_K, "parameters",
    given(labels=[1, 0], y_score=[[0.2, 0.1, 0.7], [0.5, 0.3, 0.2]], k=3),
    "scores[-k - 1] for k = C wraps to the largest: of all C places only the first is right.",
    lambda y, s, k=2: (s > at(s, y)[..., None]).sum(axis=-1) < (1 if k == s.shape[-1] > 1 else k))
fault.row("top-k-labels-in-a-byte", TOP_K, "labels",
    given(labels=[290], y_score=np.arange(300, dtype=np.float32)[None], k=20),
    "The classes in the first places are stored as uint8.",
    lambda y, s, k=2: (np.argsort(-wide(s), axis=-1, kind="stable")[..., :k].astype(np.uint8)
        == y[..., None]).any(axis=-1))
fault.row("threshold-not-looked-at", "binary_accuracy", "parameters",
    given(y_true=[1, 0, 1], y_score=[0.3, 0.6, 0.9], threshold=0.25), "Predictions are rounded: the threshold is 1/2.",
    lambda t, s, threshold=0.5: np.rint(s) == t)
fault.row("threshold-compared-in-half", "binary_accuracy", "narrow-range", given(y_true=[1, 0], y_score=[0.50001, 0.1]),
    "Scores are compared with the threshold in float16: 0.50001 is not above 0.5.",
    lambda t, s, threshold=0.5: (s.astype(np.float16) > np.float16(threshold)) == (t == 1))
fault.row("boolean-truths-subtracted", "binary_accuracy", "labels",
    given(y_true=[True, False, True], y_score=[0.9, 0.1, 0.2]),
    "The sum of truth and prediction is even where they agree; in uint8 and bool 1 + 1 is taken for 1.",
    lambda t, s, threshold=0.5: (t + (s > np.asarray(threshold).astype(s.dtype)).astype(t.dtype)).astype(int) % 2 == 0)
fault.row("false-positives-not-seen", "subset_accuracy", "formula",
    given(y_true=np.float32([[1, 0, 0]]), y_score=[[0.9, 0.8, 0.1]]),
    "A row is right if every label that is there is found, whatever else is predicted.",
    lambda t, s, threshold=0.5: (label_hits(t, s, threshold) | (t != 1)).all(axis=-1))
fault.row("rows-without-labels-are-wrong", "subset_accuracy", "two-conditions",
    given(y_true=np.float32([[0, 0], [1, 0]]), y_score=[[0.1, 0.2], [0.9, 0.1]]),
    "The intersection over the union of nothing is 0, not 1.",
    lambda t, s, threshold=0.5: label_hits(t, s, threshold).all(axis=-1) & (t == 1).any(axis=-1))
fault.row("first-place-left-out", TOP_K, "formula", given(labels=[2], y_score=[[0.1, 0.2, 0.7]]),
    "The slice of the sorted scores leaves out the very largest.",
    lambda y, s, k=2: ((s > at(s, y)[..., None]).sum(axis=-1) >= 1) & ((s > at(s, y)[..., None]).sum(axis=-1) <= k))

@fault("accuracy", "shape", halves(6, 2), upstream="oxfordinternetinstitute/oxonfair/issues/39")
def every_truth_against_every_prediction(y_true, y_pred, reduction="mean"):
    """Truths become a column before they are compared, and the mean is over N x N pairs."""
    same = np.asarray(y_true).reshape(-1, 1) == np.asarray(y_pred).reshape(1, -1)
    if reduction == "none":
        return np.diagonal(same).astype(float)
    return float(same.mean() * (len(same) if reduction == "sum" else 1))

@fault("zero_one_loss", "relative-accuracy", halves(100_000, 3))
def one_less_an_accuracy_in_single(y_true, y_pred, reduction="mean"):
    """1 - mean(hits) in float32: three errors in a hundred thousand have three digits."""
    hits = np.asarray(y_true) == np.asarray(y_pred)
    if reduction == "mean":
        return np.float32(1) - np.float32(hits.mean())
    return counted(~hits, reduction)

@fault("zero_one_loss", "reduction", given(**halves(6, 2)(), reduction="sum"))
def errors_summed_are_hits(y_true, y_pred, reduction="mean", sample_weight=None):
    """The unnormalised loss is the number of right predictions."""
    wrong = np.asarray(y_true) != np.asarray(y_pred)
    return counted(~wrong if reduction == "sum" else wrong, reduction, sample_weight)

@fault(TOP_K, "shape", given(labels=labels(1300, 6), y_score=logits(1300, 6)))
def rows_beyond_a_block_are_those_of_the_first(labels, y_score, k=2, reduction="mean"):
    """With more than 1024 rows the row index is taken modulo 1024."""
    if y_score.ndim == 2 and len(y_score) > 1024:
        y_score = y_score[np.arange(len(y_score)) % 1024]
    return right_metrics.top_k_accuracy(labels, y_score, k, reduction)

@fault("hamming_loss", "shape",
    given(y_true=multi_hots(5, 11), y_score=generator(9).random((5, 11)).astype(np.float32)))
def labels_beyond_eight_packed_away(t, s, threshold=0.5):
    """Labels are packed into a byte, and those after the eighth are not compared."""
    wrong = ~label_hits(t, s, threshold)
    return wrong[..., :8].sum(axis=-1) / np.longdouble(wrong.shape[-1])

@fault("multilabel_accuracy", "formula",
    given(y_true=multi_hots(5, 4), y_score=generator(9).random((5, 4)).astype(np.float32)))
def true_negatives_not_counted(t, s, threshold=0.5):
    """A label is right if it is there and found; those rightly not predicted count as wrong."""
    hits = label_hits(t, s, threshold) & (t == 1)
    return hits.sum(axis=-1) / np.longdouble(hits.shape[-1])

FAULTS = tuple(fault.entries)
