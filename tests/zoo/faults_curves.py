"""Wrong areas under the ROC curve, and wrong calibration errors."""

from __future__ import annotations

import numpy as np

from tests.zoo import right_metrics
from tests.zoo.entries import Table, given
from tests.zoo.right_metrics import area, binned, upper_edges, weights_of
from tests.zoo.right_rows import wide
from tests.zoo.row_inputs import binary, generator, scores

fault = Table()
AUC = "roc_auc"
ECE = "expected_calibration_error"


def curve(n=40, dtype="float32", **more):
    return lambda: {"y_true": binary(n), "y_score": scores(n, dtype), **more}


# fmt: off
fault.row("vertex-at-the-top-of-a-tie", AUC, "ties", given(y_true=[1, 0, 1, 0], y_score=[0.9, 0.9, 0.5, 0.5]),
    "The curve has its point at the first of equal scores: within a tie the order of the sort counts.",
    lambda y_true, y_score, sample_weight=None: area(-np.argsort(np.argsort(-wide(y_score), kind="stable")),
        np.asarray(y_true) == 1, weights_of(y_true, sample_weight)), upstream="aidotse/LeakPro/pull/465")
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

@fault(AUC, "narrow-range", given(y_true=[0, 0, 1, 1], y_score=[1e-10, 4e-10, 3.5e-10, 8e-10]),
    upstream="scikit-learn/scikit-learn/issues/6688")
def near_scores_tie(y_true, y_score, sample_weight=None):
    """Scores closer than 1e-5 relative and 1e-8 absolute are one threshold: scores of the order of 1e-9 all tie."""
    order = np.argsort(wide(y_score), kind="stable")
    ordered = wide(y_score)[order]
    apart = ~np.isclose(np.diff(ordered).astype(float), 0, atol=1e-8, rtol=0)
    ranks = np.empty(len(ordered))
    ranks[order] = np.r_[0, np.cumsum(apart)] if len(ordered) else []
    return area(ranks, np.asarray(y_true) == 1, weights_of(y_true, sample_weight))

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
    up, down = (up[last].astype(float), (both - up)[last].astype(float))
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
    y_true, y_score = (np.asarray(y_true), np.asarray(y_score))
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

FAULTS = tuple(fault.entries)
