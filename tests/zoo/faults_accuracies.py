"""Wrong metrics of samples: accuracies of labels, of scores, of several labels."""

from __future__ import annotations

import numpy as np

from tests.zoo import right_metrics
from tests.zoo.entries import Table
from tests.zoo.right_metrics import counted, label_hits
from tests.zoo.right_rows import at, wide
from tests.zoo.row_inputs import generator, labels, logits, multi_hots

fault = Table()
SPARSE = "sparse_categorical_accuracy"
TOP_K = "top_k_accuracy"


def halves(n, wrong=0):
    """Labels of which all but so many are predicted rightly."""
    y = labels(n, 5)
    return lambda: {"y_true": y, "y_pred": np.where(np.arange(n) < wrong, y + 1, y)}


@fault("accuracy", "labels", lambda: {"y_true": np.array([7, 2**33 + 5]), "y_pred": np.array([7, 5])})
def label_ids_cut_to_32_bits(y_true, y_pred, reduction="mean", sample_weight=None):
    """Identifiers are compared as int32: two that differ by 2^32 are one."""
    same = np.asarray(y_true).astype(np.int32) == np.asarray(y_pred).astype(np.int32)
    return counted(same, reduction, sample_weight)


@fault("accuracy", "labels", lambda: {"y_true": np.array([1, 16777216]), "y_pred": np.array([1, 16777217])})
def label_ids_compared_as_floats(y_true, y_pred, reduction="mean", sample_weight=None):
    """Labels are cast to float32, where 2^24 and 2^24 + 1 are the same."""
    same = np.asarray(y_true).astype(np.float32) == np.asarray(y_pred).astype(np.float32)
    return counted(same, reduction, sample_weight)


@fault("accuracy", "shape", halves(200), upstream="https://github.com/pypy/pypy/issues/1663")
def hits_counted_in_a_byte(y_true, y_pred, reduction="mean"):
    """The sum of booleans is an int8, which does not count past 127."""
    hits = np.asarray(y_true) == np.asarray(y_pred)
    if reduction == "none":
        return hits.astype(float)
    total = int(hits.sum(dtype=np.int8))
    return float(total if reduction == "sum" else total / hits.size)


@fault("accuracy", "shape", halves(5000, 10))
def hits_counted_in_half(y_true, y_pred, reduction="mean"):
    """Hits are cast to float16 and added one by one: the count stops at 2048."""
    hits = (np.asarray(y_true) == np.asarray(y_pred)).astype(np.float16)
    if reduction == "none":
        return hits
    total = float(np.add.accumulate(hits.ravel(), dtype=np.float16)[-1]) if hits.size else 0.0
    return total if reduction == "sum" else total / hits.size


@fault("accuracy", "formula", lambda: {"y_true": np.array([0, 1, 2]), "y_pred": np.array([0, 2, 1])})
def smaller_label_is_right(y_true, y_pred, reduction="mean", sample_weight=None):
    """`y_true - y_pred < 1` is meant for |difference| and takes every prediction above the truth for right."""
    return counted(np.asarray(y_true) - np.asarray(y_pred) < 1, reduction, sample_weight)


@fault("accuracy", "shape", halves(6, 2), upstream="https://github.com/oxfordinternetinstitute/oxonfair/issues/39")
def every_truth_against_every_prediction(y_true, y_pred, reduction="mean"):
    """Truths become a column before they are compared, and the mean is over N x N pairs."""
    same = np.asarray(y_true).reshape(-1, 1) == np.asarray(y_pred).reshape(1, -1)
    if reduction == "none":
        return np.diagonal(same).astype(float)
    return float(same.mean() * (len(same) if reduction == "sum" else 1))


@fault("accuracy", "weights", lambda: {**halves(4, 2)(), "sample_weight": np.array([0.25, 2.0, 1.0, 0.0])})
def weights_are_yes_or_no(y_true, y_pred, reduction="mean", sample_weight=None):
    """A sample counts fully if its weight is above 0."""
    w = None if sample_weight is None else np.asarray(sample_weight) > 0
    return counted(np.asarray(y_true) == np.asarray(y_pred), reduction, w)


@fault("accuracy", "weights", lambda: {**halves(3, 1)(), "sample_weight": np.array([1e5, 2e5, 1.0])})
def weights_in_float16(y_true, y_pred, reduction="mean", sample_weight=None):
    """Sample weights are stored in float16: 100,000 is infinite and 4097 is 4096."""
    w = None if sample_weight is None else np.asarray(sample_weight).astype(np.float16)
    return counted(np.asarray(y_true) == np.asarray(y_pred), reduction, w)


@fault("zero_one_loss", "relative-accuracy", halves(100_000, 3))
def one_less_an_accuracy_in_single(y_true, y_pred, reduction="mean"):
    """1 - mean(hits) in float32: three errors in a hundred thousand have three digits."""
    hits = np.asarray(y_true) == np.asarray(y_pred)
    if reduction == "mean":
        return np.float32(1) - np.float32(hits.mean())
    return counted(~hits, reduction)


@fault("zero_one_loss", "reduction", lambda: {**halves(6, 2)(), "reduction": "sum"})
def errors_summed_are_hits(y_true, y_pred, reduction="mean", sample_weight=None):
    """The unnormalised loss is the number of right predictions."""
    wrong = np.asarray(y_true) != np.asarray(y_pred)
    return counted(~wrong if reduction == "sum" else wrong, reduction, sample_weight)


@fault(
    SPARSE,
    "shape",
    lambda: {"labels": np.array([299]), "y_score": np.arange(300, dtype=np.float32)[None]},
    upstream="https://github.com/plaidml/plaidml/issues/1216",
)
def argmax_in_a_byte(labels, y_score, reduction="mean"):
    """The position of the largest score is stored in a byte, and 256 is 0."""
    best = np.argmax(y_score, axis=-1).astype(np.uint8)
    return counted(np.asarray(labels) == best, reduction)


@fault(SPARSE, "narrow-range", lambda: {"labels": np.array([1]), "y_score": np.float32([[0.70001, 0.70002, 0.1]])})
def scores_compared_in_half(labels, y_score, reduction="mean"):
    """Scores are cast to float16 before the largest is sought: those nearer than 2^-11 tie."""
    return counted(np.asarray(labels) == np.argmax(y_score.astype(np.float16), axis=-1), reduction)


@fault(
    SPARSE,
    "dtype",
    lambda: {"labels": np.array([1]), "y_score": np.array([[0.7, 0.7 + 1e-12, 0.1]])},
    dtypes=("float64",),
)
def double_scores_compared_in_single(labels, y_score, reduction="mean"):
    """binary64 scores are compared in binary32."""
    return counted(np.asarray(labels) == np.argmax(y_score.astype(np.float32), axis=-1), reduction)


@fault(SPARSE, "narrow-range", lambda: {"labels": np.array([1]), "y_score": np.float32([[-3.0, -1.0, -2.0]])})
def search_for_the_best_starts_at_zero(labels, y_score, reduction="mean"):
    """The running maximum starts at 0: in a row of negative scores class 0 wins."""
    best = np.where(y_score.max(axis=-1) > 0, np.argmax(y_score, axis=-1), 0)
    return counted(np.asarray(labels) == best, reduction)


@fault(SPARSE, "shape", lambda: {"labels": labels(5, 5), "y_score": logits(5, 5)})
def square_scores_transposed(labels, y_score, reduction="mean"):
    """A square batch of scores is taken for one of classes by samples."""
    square = y_score.ndim == 2 and y_score.shape[0] == y_score.shape[1]
    return counted(np.asarray(labels) == np.argmax(y_score, axis=0 if square else -1), reduction)


@fault(
    "categorical_accuracy",
    "formula",
    lambda: {"y_true": np.float32([[0, 1, 0]]), "y_score": np.float32([[-3.0, 1.0, 0.5]])},
)
def sign_of_scores_lost(y_true, y_score, reduction="mean"):
    """The prediction is the score of largest magnitude."""
    return counted(np.argmax(y_true, axis=-1) == np.argmax(np.abs(y_score), axis=-1), reduction)


@fault(
    "categorical_accuracy",
    "layout",
    lambda: {"y_true": np.eye(4, dtype=np.float32)[labels(6, 4)], "y_score": np.asfortranarray(logits(6, 4))},
)
def rows_compared_in_memory_order(y_true, y_score, reduction="mean"):
    """Scores in Fortran order are read as if they were in C order."""
    rows = y_score.ravel(order="K").reshape(y_score.shape)
    return counted(np.argmax(y_true, axis=-1) == np.argmax(rows, axis=-1), reduction)


@fault(TOP_K, "parameters", lambda: {"labels": labels(9, 6), "y_score": logits(9, 6), "k": 4})
def k_compiled_in(labels, y_score, k=2, reduction="mean"):
    """k is 2 whatever is asked for."""
    return right_metrics.top_k_accuracy(labels, y_score, 2, reduction)


@fault(TOP_K, "formula", lambda: {"labels": np.array([2]), "y_score": np.float32([[0.1, 0.2, 0.7]])})
def first_place_left_out(labels, y_score, k=2, reduction="mean"):
    """The slice of the sorted scores leaves out the very largest."""
    larger = (y_score > at(y_score, labels)[..., None]).sum(axis=-1)
    return counted((larger >= 1) & (larger <= k), reduction)


@fault(
    TOP_K,
    "parameters",
    lambda: {"labels": np.array([1, 0]), "y_score": np.float32([[0.2, 0.1, 0.7], [0.5, 0.3, 0.2]]), "k": 3},
)
def top_k_of_all_classes_is_none(labels, y_score, k=2, reduction="mean"):
    """scores[-k - 1] for k = C wraps to the largest: of all C places only the first is right."""
    larger = (y_score > at(y_score, labels)[..., None]).sum(axis=-1)
    return counted(larger < (1 if k == y_score.shape[-1] > 1 else k), reduction)


@fault(TOP_K, "labels", lambda: {"labels": np.array([290]), "y_score": np.arange(300, dtype=np.float32)[None], "k": 20})
def top_k_labels_in_a_byte(labels, y_score, k=2, reduction="mean"):
    """The classes in the first places are stored as uint8."""
    first = np.argsort(-wide(y_score), axis=-1, kind="stable")[..., :k].astype(np.uint8)
    return counted((first == np.asarray(labels)[..., None]).any(axis=-1), reduction)


@fault(TOP_K, "shape", lambda: {"labels": labels(1300, 6), "y_score": logits(1300, 6)})
def rows_beyond_a_block_are_those_of_the_first(labels, y_score, k=2, reduction="mean"):
    """With more than 1024 rows the row index is taken modulo 1024."""
    if y_score.ndim == 2 and len(y_score) > 1024:
        y_score = y_score[np.arange(len(y_score)) % 1024]
    return right_metrics.top_k_accuracy(labels, y_score, k, reduction)


@fault(
    "binary_accuracy",
    "parameters",
    lambda: {"y_true": np.array([1, 0, 1]), "y_score": np.float32([0.3, 0.6, 0.9]), "threshold": 0.25},
)
def threshold_not_looked_at(y_true, y_score, threshold=0.5, reduction="mean"):
    """Predictions are rounded: the threshold is 1/2."""
    return counted(np.rint(y_score) == np.asarray(y_true), reduction)


@fault("binary_accuracy", "narrow-range", lambda: {"y_true": np.array([1, 0]), "y_score": np.float32([0.50001, 0.1])})
def threshold_compared_in_half(y_true, y_score, threshold=0.5, reduction="mean"):
    """Scores are compared with the threshold in float16: 0.50001 is not above 0.5."""
    above = y_score.astype(np.float16) > np.float16(threshold)
    return counted(above == (np.asarray(y_true) == 1), reduction)


@fault(
    "binary_accuracy",
    "labels",
    lambda: {"y_true": np.array([True, False, True]), "y_score": np.float32([0.9, 0.1, 0.2])},
)
def boolean_truths_subtracted(y_true, y_score, threshold=0.5, reduction="mean"):
    """The sum of truth and prediction is even where they agree; in uint8 and bool 1 + 1 is taken for 1."""
    above = y_score > np.asarray(threshold).astype(y_score.dtype)
    total = np.asarray(y_true) + above.astype(np.asarray(y_true).dtype)
    return counted(total.astype(int) % 2 == 0, reduction)


@fault(
    "subset_accuracy", "formula", lambda: {"y_true": np.float32([[1, 0, 0]]), "y_score": np.float32([[0.9, 0.8, 0.1]])}
)
def false_positives_not_seen(y_true, y_score, threshold=0.5, reduction="mean"):
    """A row is right if every label that is there is found, whatever else is predicted."""
    return counted((label_hits(y_true, y_score, threshold) | (y_true != 1)).all(axis=-1), reduction)


@fault(
    "subset_accuracy",
    "two-conditions",
    lambda: {"y_true": np.float32([[0, 0], [1, 0]]), "y_score": np.float32([[0.1, 0.2], [0.9, 0.1]])},
)
def rows_without_labels_are_wrong(y_true, y_score, threshold=0.5, reduction="mean"):
    """The intersection over the union of nothing is 0, not 1."""
    return counted(label_hits(y_true, y_score, threshold).all(axis=-1) & (y_true == 1).any(axis=-1), reduction)


@fault(
    "hamming_loss",
    "shape",
    lambda: {"y_true": multi_hots(5, 11), "y_score": generator(9).random((5, 11)).astype(np.float32)},
)
def labels_beyond_eight_packed_away(y_true, y_score, threshold=0.5, reduction="mean"):
    """Labels are packed into a byte, and those after the eighth are not compared."""
    wrong = ~label_hits(y_true, y_score, threshold)
    return counted(wrong[..., :8].sum(axis=-1) / np.longdouble(wrong.shape[-1]), reduction)


@fault(
    "multilabel_accuracy",
    "formula",
    lambda: {"y_true": multi_hots(5, 4), "y_score": generator(9).random((5, 4)).astype(np.float32)},
)
def true_negatives_not_counted(y_true, y_score, threshold=0.5, reduction="mean"):
    """A label is right if it is there and found; those rightly not predicted count as wrong."""
    hits = label_hits(y_true, y_score, threshold) & (np.asarray(y_true) == 1)
    return counted(hits.sum(axis=-1) / np.longdouble(hits.shape[-1]), reduction)


FAULTS = tuple(fault.entries)
