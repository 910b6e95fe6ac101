"""Wrong metrics of samples: accuracies of labels, of scores, of several labels."""

from __future__ import annotations

import numpy as np
import right_metrics
from right_metrics import counted, label_hits
from right_rows import at, wide
from rows_table import Table, generator, labels, logits, multi_hots

fault = Table()
SPARSE = "sparse_categorical_accuracy"
TOP_K = "top_k_accuracy"


def halves(n, wrong=0):
    """Labels of which all but so many are predicted rightly."""
    y = labels(n, 5)
    return lambda: {"y_true": y, "y_pred": np.where(np.arange(n) < wrong, y + 1, y)}


@fault(
    "label-ids-cut-to-32-bits",
    "accuracy",
    "labels",
    "identifiers are compared as int32: two that differ by 2^32 are one",
    shows=lambda: {"y_true": np.array([7, 2**33 + 5]), "y_pred": np.array([7, 5])},
)
def ids_in_32_bits(y_true, y_pred, reduction="mean", sample_weight=None):
    same = np.asarray(y_true).astype(np.int32) == np.asarray(y_pred).astype(np.int32)
    return counted(same, reduction, sample_weight)


@fault(
    "label-ids-compared-as-floats",
    "accuracy",
    "labels",
    "labels are cast to float32, where 2^24 and 2^24 + 1 are the same",
    shows=lambda: {"y_true": np.array([1, 16777216]), "y_pred": np.array([1, 16777217])},
)
def ids_as_floats(y_true, y_pred, reduction="mean", sample_weight=None):
    same = np.asarray(y_true).astype(np.float32) == np.asarray(y_pred).astype(np.float32)
    return counted(same, reduction, sample_weight)


@fault(
    "hits-counted-in-a-byte",
    "accuracy",
    "shape",
    "the sum of booleans is an int8, which does not count past 127",
    upstream="https://github.com/pypy/pypy/issues/1663",
    shows=halves(200),
)
def hits_in_a_byte(y_true, y_pred, reduction="mean"):
    hits = np.asarray(y_true) == np.asarray(y_pred)
    if reduction == "none":
        return hits.astype(float)
    total = int(hits.sum(dtype=np.int8))
    return float(total if reduction == "sum" else total / hits.size)


@fault(
    "hits-counted-in-half",
    "accuracy",
    "shape",
    "hits are cast to float16 and added one by one: the count stops at 2048",
    shows=halves(5000, 10),
)
def hits_in_half(y_true, y_pred, reduction="mean"):
    hits = (np.asarray(y_true) == np.asarray(y_pred)).astype(np.float16)
    if reduction == "none":
        return hits
    total = float(np.add.accumulate(hits.ravel(), dtype=np.float16)[-1]) if hits.size else 0.0
    return total if reduction == "sum" else total / hits.size


@fault(
    "smaller-label-is-right",
    "accuracy",
    "formula",
    "`y_true - y_pred < 1` is meant for |difference| and takes every prediction above the truth for right",
    shows=lambda: {"y_true": np.array([0, 1, 2]), "y_pred": np.array([0, 2, 1])},
)
def signed_difference(y_true, y_pred, reduction="mean", sample_weight=None):
    return counted(np.asarray(y_true) - np.asarray(y_pred) < 1, reduction, sample_weight)


@fault(
    "every-truth-against-every-prediction",
    "accuracy",
    "shape",
    "truths become a column before they are compared, and the mean is over N x N pairs",
    upstream="https://github.com/oxfordinternetinstitute/oxonfair/issues/39",
    shows=halves(6, 2),
)
def pairs_of_all(y_true, y_pred, reduction="mean"):
    same = np.asarray(y_true).reshape(-1, 1) == np.asarray(y_pred).reshape(1, -1)
    if reduction == "none":
        return np.diagonal(same).astype(float)
    return float(same.mean() * (len(same) if reduction == "sum" else 1))


@fault(
    "weights-are-yes-or-no",
    "accuracy",
    "weights",
    "a sample counts fully if its weight is above 0",
    shows=lambda: {**halves(4, 2)(), "sample_weight": np.array([0.25, 2.0, 1.0, 0.0])},
)
def binary_weights(y_true, y_pred, reduction="mean", sample_weight=None):
    w = None if sample_weight is None else np.asarray(sample_weight) > 0
    return counted(np.asarray(y_true) == np.asarray(y_pred), reduction, w)


@fault(
    "weights-in-float16",
    "accuracy",
    "weights",
    "sample weights are stored in float16: 100,000 is infinite and 4097 is 4096",
    shows=lambda: {**halves(3, 1)(), "sample_weight": np.array([1e5, 2e5, 1.0])},
)
def half_weights(y_true, y_pred, reduction="mean", sample_weight=None):
    w = None if sample_weight is None else np.asarray(sample_weight).astype(np.float16)
    return counted(np.asarray(y_true) == np.asarray(y_pred), reduction, w)


@fault(
    "one-less-an-accuracy-in-single",
    "zero_one_loss",
    "relative-accuracy",
    "1 - mean(hits) in float32: three errors in a hundred thousand have three digits",
    shows=halves(100_000, 3),
)
def one_less_accuracy(y_true, y_pred, reduction="mean"):
    hits = np.asarray(y_true) == np.asarray(y_pred)
    if reduction == "mean":
        return np.float32(1) - np.float32(hits.mean())
    return counted(~hits, reduction)


@fault(
    "errors-summed-are-hits",
    "zero_one_loss",
    "reduction",
    "the unnormalised loss is the number of right predictions",
    shows=lambda: {**halves(6, 2)(), "reduction": "sum"},
)
def sum_of_hits(y_true, y_pred, reduction="mean", sample_weight=None):
    wrong = np.asarray(y_true) != np.asarray(y_pred)
    return counted(~wrong if reduction == "sum" else wrong, reduction, sample_weight)


@fault(
    "argmax-in-a-byte",
    SPARSE,
    "shape",
    "the position of the largest score is stored in a byte, and 256 is 0",
    upstream="https://github.com/plaidml/plaidml/issues/1216",
    shows=lambda: {"labels": np.array([299]), "y_score": np.arange(300, dtype=np.float32)[None]},
)
def argmax_in_a_byte(labels, y_score, reduction="mean"):
    best = np.argmax(y_score, axis=-1).astype(np.uint8)
    return counted(np.asarray(labels) == best, reduction)


@fault(
    "scores-compared-in-half",
    SPARSE,
    "narrow-range",
    "scores are cast to float16 before the largest is sought: those nearer than 2^-11 tie",
    shows=lambda: {"labels": np.array([1]), "y_score": np.float32([[0.70001, 0.70002, 0.1]])},
)
def scores_in_half(labels, y_score, reduction="mean"):
    return counted(np.asarray(labels) == np.argmax(y_score.astype(np.float16), axis=-1), reduction)


@fault(
    "double-scores-compared-in-single",
    SPARSE,
    "dtype",
    "binary64 scores are compared in binary32",
    shows=lambda: {"labels": np.array([1]), "y_score": np.array([[0.7, 0.7 + 1e-12, 0.1]])},
    dtypes=("float64",),
)
def scores_in_single(labels, y_score, reduction="mean"):
    return counted(np.asarray(labels) == np.argmax(y_score.astype(np.float32), axis=-1), reduction)


@fault(
    "search-for-the-best-starts-at-zero",
    SPARSE,
    "narrow-range",
    "the running maximum starts at 0: in a row of negative scores class 0 wins",
    shows=lambda: {"labels": np.array([1]), "y_score": np.float32([[-3.0, -1.0, -2.0]])},
)
def argmax_from_zero(labels, y_score, reduction="mean"):
    best = np.where(y_score.max(axis=-1) > 0, np.argmax(y_score, axis=-1), 0)
    return counted(np.asarray(labels) == best, reduction)


@fault(
    "square-scores-transposed",
    SPARSE,
    "shape",
    "a square batch of scores is taken for one of classes by samples",
    shows=lambda: {"labels": labels(5, 5), "y_score": logits(5, 5)},
)
def square_transposed(labels, y_score, reduction="mean"):
    square = y_score.ndim == 2 and y_score.shape[0] == y_score.shape[1]
    return counted(np.asarray(labels) == np.argmax(y_score, axis=0 if square else -1), reduction)


@fault(
    "sign-of-scores-lost",
    "categorical_accuracy",
    "formula",
    "the prediction is the score of largest magnitude",
    shows=lambda: {"y_true": np.float32([[0, 1, 0]]), "y_score": np.float32([[-3.0, 1.0, 0.5]])},
)
def largest_magnitude(y_true, y_score, reduction="mean"):
    return counted(np.argmax(y_true, axis=-1) == np.argmax(np.abs(y_score), axis=-1), reduction)


@fault(
    "rows-compared-in-memory-order",
    "categorical_accuracy",
    "layout",
    "scores in Fortran order are read as if they were in C order",
    shows=lambda: {
        "y_true": np.eye(4, dtype=np.float32)[labels(6, 4)],
        "y_score": np.asfortranarray(logits(6, 4)),
    },
)
def scores_in_memory_order(y_true, y_score, reduction="mean"):
    rows = y_score.ravel(order="K").reshape(y_score.shape)
    return counted(np.argmax(y_true, axis=-1) == np.argmax(rows, axis=-1), reduction)


@fault(
    "k-compiled-in",
    TOP_K,
    "parameters",
    "k is 2 whatever is asked for",
    shows=lambda: {"labels": labels(9, 6), "y_score": logits(9, 6), "k": 4},
)
def fixed_k(labels, y_score, k=2, reduction="mean"):
    return right_metrics.top_k_accuracy(labels, y_score, 2, reduction)


@fault(
    "first-place-left-out",
    TOP_K,
    "formula",
    "the slice of the sorted scores leaves out the very largest",
    shows=lambda: {"labels": np.array([2]), "y_score": np.float32([[0.1, 0.2, 0.7]])},
)
def first_place_out(labels, y_score, k=2, reduction="mean"):
    larger = (y_score > at(y_score, labels)[..., None]).sum(axis=-1)
    return counted((larger >= 1) & (larger <= k), reduction)


@fault(
    "top-k-of-all-classes-is-none",
    TOP_K,
    "parameters",
    "scores[-k - 1] for k = C wraps to the largest: of all C places only the first is right",
    shows=lambda: {"labels": np.array([1, 0]), "y_score": np.float32([[0.2, 0.1, 0.7], [0.5, 0.3, 0.2]]), "k": 3},
)
def k_of_all(labels, y_score, k=2, reduction="mean"):
    larger = (y_score > at(y_score, labels)[..., None]).sum(axis=-1)
    return counted(larger < (1 if k == y_score.shape[-1] > 1 else k), reduction)


@fault(
    "top-k-labels-in-a-byte",
    TOP_K,
    "labels",
    "the classes in the first places are stored as uint8",
    shows=lambda: {"labels": np.array([290]), "y_score": np.arange(300, dtype=np.float32)[None], "k": 20},
)
def top_k_in_a_byte(labels, y_score, k=2, reduction="mean"):
    first = np.argsort(-wide(y_score), axis=-1, kind="stable")[..., :k].astype(np.uint8)
    return counted((first == np.asarray(labels)[..., None]).any(axis=-1), reduction)


@fault(
    "rows-beyond-a-block-are-those-of-the-first",
    TOP_K,
    "shape",
    "with more than 1024 rows the row index is taken modulo 1024",
    shows=lambda: {"labels": labels(1300, 6), "y_score": logits(1300, 6)},
)
def rows_modulo(labels, y_score, k=2, reduction="mean"):
    if y_score.ndim == 2 and len(y_score) > 1024:
        y_score = y_score[np.arange(len(y_score)) % 1024]
    return right_metrics.top_k_accuracy(labels, y_score, k, reduction)


@fault(
    "threshold-not-looked-at",
    "binary_accuracy",
    "parameters",
    "predictions are rounded: the threshold is 1/2",
    shows=lambda: {"y_true": np.array([1, 0, 1]), "y_score": np.float32([0.3, 0.6, 0.9]), "threshold": 0.25},
)
def rounded_scores(y_true, y_score, threshold=0.5, reduction="mean"):
    return counted(np.rint(y_score) == np.asarray(y_true), reduction)


@fault(
    "threshold-compared-in-half",
    "binary_accuracy",
    "narrow-range",
    "scores are compared with the threshold in float16: 0.50001 is not above 0.5",
    shows=lambda: {"y_true": np.array([1, 0]), "y_score": np.float32([0.50001, 0.1])},
)
def threshold_in_half(y_true, y_score, threshold=0.5, reduction="mean"):
    above = y_score.astype(np.float16) > np.float16(threshold)
    return counted(above == (np.asarray(y_true) == 1), reduction)


@fault(
    "boolean-truths-subtracted",
    "binary_accuracy",
    "labels",
    "the sum of truth and prediction is even where they agree; in uint8 and bool 1 + 1 is taken for 1",
    shows=lambda: {"y_true": np.array([True, False, True]), "y_score": np.float32([0.9, 0.1, 0.2])},
)
def boolean_sum(y_true, y_score, threshold=0.5, reduction="mean"):
    above = y_score > np.asarray(threshold).astype(y_score.dtype)
    total = np.asarray(y_true) + above.astype(np.asarray(y_true).dtype)
    return counted(total.astype(int) % 2 == 0, reduction)


@fault(
    "false-positives-not-seen",
    "subset_accuracy",
    "formula",
    "a row is right if every label that is there is found, whatever else is predicted",
    shows=lambda: {"y_true": np.float32([[1, 0, 0]]), "y_score": np.float32([[0.9, 0.8, 0.1]])},
)
def found_is_right(y_true, y_score, threshold=0.5, reduction="mean"):
    return counted((label_hits(y_true, y_score, threshold) | (y_true != 1)).all(axis=-1), reduction)


@fault(
    "rows-without-labels-are-wrong",
    "subset_accuracy",
    "two-conditions",
    "the intersection over the union of nothing is 0, not 1",
    shows=lambda: {"y_true": np.float32([[0, 0], [1, 0]]), "y_score": np.float32([[0.1, 0.2], [0.9, 0.1]])},
)
def empty_rows_wrong(y_true, y_score, threshold=0.5, reduction="mean"):
    return counted(label_hits(y_true, y_score, threshold).all(axis=-1) & (y_true == 1).any(axis=-1), reduction)


@fault(
    "labels-beyond-eight-packed-away",
    "hamming_loss",
    "shape",
    "labels are packed into a byte, and those after the eighth are not compared",
    shows=lambda: {"y_true": multi_hots(5, 11), "y_score": generator(9).random((5, 11)).astype(np.float32)},
)
def packed_labels(y_true, y_score, threshold=0.5, reduction="mean"):
    wrong = ~label_hits(y_true, y_score, threshold)
    return counted(wrong[..., :8].sum(axis=-1) / np.longdouble(wrong.shape[-1]), reduction)


@fault(
    "true-negatives-not-counted",
    "multilabel_accuracy",
    "formula",
    "a label is right if it is there and found; those rightly not predicted count as wrong",
    shows=lambda: {"y_true": multi_hots(5, 4), "y_score": generator(9).random((5, 4)).astype(np.float32)},
)
def without_negatives(y_true, y_score, threshold=0.5, reduction="mean"):
    hits = label_hits(y_true, y_score, threshold) & (np.asarray(y_true) == 1)
    return counted(hits.sum(axis=-1) / np.longdouble(hits.shape[-1]), reduction)


FAULTS = tuple(fault.entries)
