"""Faults of binary cross-entropy, of probabilities and of logits."""

from __future__ import annotations

import numpy as np

from tests.zoo import right_binary
from tests.zoo.entries import Table, normal, show
from tests.zoo.right import rounded, softplus64, wide
from tests.zoo.right_binary import LOSSES, bce64, bce_logits64, reduced, smoothed, times

fault = Table(LOSSES, wide=True)

PROBABILITY = "binary_cross_entropy"
LOGITS = "binary_cross_entropy_with_logits"
MEAN, SUM = {"reduction": "mean"}, {"reduction": "sum"}

# fmt: off
fault.row("bce-without-log1p", PROBABILITY, "relative-accuracy", show(y_true=[0.0, 0.0], y_pred=[1e-6, 1e-9]),
    "log(1 - p) for log1p(-p): the loss of a small probability for a negative is all rounding.",
    lambda t, p: -(times(wide(t), np.log(wide(p))) + times(1 - wide(t),
        np.log(p.dtype.type(1) - p).astype(np.float64))), wide=False)
fault.row("bce-of-hard-targets", PROBABILITY, "formula", show(y_true=[0.75, 0.25], y_pred=[0.5, 0.25]),
    "Targets are compared with 1/2: a soft target is taken for a hard one.",
    lambda t, p: bce64(np.where(t > 0.5, 1.0, 0.0), p))
fault.row("bce-smoothed-too-much", PROBABILITY, "parameters",
    show(y_true=[1.0, 0.0], y_pred=[0.75, 0.25], keywords={"label_smoothing": 0.125}),
    "Smoothing adds all of e and not half of it to a binary target.",
    lambda y_true, p, label_smoothing=0.0: bce64(y_true * (1 - label_smoothing) + label_smoothing, p))
fault.row("bce-of-certainty", PROBABILITY, "special-values", show(y_true=[1.0, 0.0], y_pred=[1.0, 0.0]),
    "0 log 0 is NaN: a certain and right prediction spoils the batch.",
    lambda t, p: -(t * np.log(p) + (1 - t) * np.log1p(-p)))
fault.row("bce-of-flushed-float16", PROBABILITY, "dtype", show(dtype="float16", y_true=[1.0], y_pred=[3e-5]),
    "Subnormal float16 probabilities, below 6e-5, are flushed to 0 before the logarithm.",
    lambda y_true, y_pred, sample_weight=None, reduction="mean":
        right_binary.binary_cross_entropy(y_true, np.where(np.abs(y_pred) < np.finfo(y_pred.dtype).tiny,
        y_pred.dtype.type(0), y_pred), 0.0, sample_weight, reduction), dtypes=["float16"])
fault.row("bce-of-sigmoid", LOGITS, "narrow-range", show(y_true=[1.0, 0.0], logits=[-120.0, 150.0]),
    "The logarithm of a sigmoid that has underflowed is infinite from -104 on.",
    lambda t, z: times(t, np.where(z < -104, np.inf, softplus64(-z)))
        + times(1 - t, np.where(z > 104, np.inf, softplus64(z))))
fault.row("bce-of-clipped-sigmoid", LOGITS, "narrow-range", show(y_true=[1.0, 0.0], logits=[-30.0, 30.0]),
    "The sigmoid is clipped to [1e-7, 1 - 1e-7] on the way, so that no logit costs more than 16.1.",
    lambda t, z: bce_logits64(t, np.clip(z, -16.118, 16.118)))
fault.row("bce-of-logits-without-log1p", LOGITS, "relative-accuracy", show(y_true=[1.0, 0.0], logits=[12.0, -20.0]),
    "max(z, 0) - z t + log(1 + e^-|z|) without log1p: a right logit beyond 17 costs nothing at all.",
    lambda t, z: wide(np.maximum(z, 0) - z * t + np.log(z.dtype.type(1) + np.exp(-np.abs(z)))), wide=False)
fault.row("bce-weighing-the-logarithm", LOGITS, "parameters",
    show(y_true=[1.0], logits=[-14.913008], keywords={"pos_weight": 2.0}),
    "pos_weight multiplies the logarithm and not the linear part: 14.9 where 44.7 is due.",
    lambda t, z, pos_weight=1.0: bce_logits64(t, z) + (pos_weight - 1) * t * np.log1p(np.exp(-np.abs(z))),
    upstream="PaddlePaddle/Paddle/pull/65859")
fault.row("bce-weighing-soft-targets", LOGITS, "two-conditions",
    show(y_true=[0.25], logits=[1.5], keywords={"pos_weight": 2.0}),
    "The loss is multiplied with 1 + (w - 1) t, which is right for hard targets alone.",
    lambda t, z, pos_weight=1.0: bce_logits64(t, z) * (1 + (pos_weight - 1) * t))
fault.row("bce-of-logits-of-hard-targets", LOGITS, "formula", show(y_true=[0.75], logits=[1.5]),
    "A choice between two softplus by t > 1/2, which is right for hard targets alone.",
    lambda t, logits: softplus64(np.where(t > 0.5, -logits, logits)))
fault.row("bce-of-small-logits", LOGITS, "narrow-range", show(y_true=[1.0], logits=[5e-4]),
    "The exponential of a logit between -1e-3 and 1e-3 is taken for 1 + z in a shortcut with a wrong constant.",
    lambda t, z: np.where((np.abs(z) < 1e-3) & (z != 0), bce_logits64(t, z) + 5e-5, bce_logits64(t, z)))

@fault(PROBABILITY, "reduction", show(y_true=np.ones((2, 3)), y_pred=np.full((2, 3), 0.25), keywords=MEAN))
def bce_mean_over_rows(y_true, y_pred, sample_weight=None, reduction="mean"):
    """The mean of a matrix is divided by its rows alone."""
    answer = right_binary.binary_cross_entropy(y_true, y_pred, 0.0, sample_weight, reduction)
    if reduction == "mean" and y_pred.ndim > 1 and y_pred.size and (sample_weight is None):
        return rounded(wide(answer) * y_pred[0].size, y_pred)
    return answer

@fault(PROBABILITY, "weights", show(y_true=[1.0, 1.0], y_pred=[0.25, 0.5], sample_weight=[1.0, 3.0], keywords=MEAN))
def bce_weighted_twice(y_true, y_pred, sample_weight=None, reduction="mean"):
    """The losses are weighted, and their mean is weighted again."""
    values = bce64(wide(y_true), wide(y_pred))
    if sample_weight is not None and reduction == "mean":
        values = values * wide(sample_weight)
    return reduced(values, y_pred, sample_weight, reduction)

@fault(PROBABILITY, "weights", show(y_true=[1.0, 1.0], y_pred=[0.25, 0.5], sample_weight=[1.0, 3.0], keywords=MEAN))
def bce_of_a_column_and_a_row(y_true, y_pred, sample_weight=None, reduction="mean"):
    """A column of losses meets a row of weights: every loss is weighted with every weight, and the mean forgets
    which."""
    values = bce64(wide(y_true), wide(y_pred))
    if sample_weight is None or reduction == "none":
        return reduced(values, y_pred, sample_weight, reduction)
    table = values.reshape(-1, 1) * wide(sample_weight).reshape(1, -1)
    total = table.sum() / max(values.size, 1)
    return rounded(total / (wide(sample_weight).sum() if reduction == "mean" else 1.0), y_pred)

@fault(PROBABILITY, "weights", show(y_true=[1.0, 1.0], y_pred=[0.25, 0.5], sample_weight=[0.75, 1.5], keywords=MEAN))
def bce_over_whole_weights(y_true, y_pred, sample_weight=None, reduction="mean"):
    """The sum of the weights that a mean divides by is kept as a whole number."""
    answer = right_binary.binary_cross_entropy(y_true, y_pred, 0.0, sample_weight, reduction)
    if sample_weight is None or reduction != "mean":
        return answer
    total = wide(sample_weight).sum()
    return rounded(wide(answer) * total / max(np.trunc(total), 1.0), y_pred)

@fault(PROBABILITY, "two-conditions",
    show(dtype="float16", y_true=np.ones(6000), y_pred=np.full(6000, 0.3), keywords=MEAN), dtypes=["float16"])
def bce_mean_in_float16(y_true, y_pred, sample_weight=None, reduction="mean"):
    """The mean of float16 losses is added up in float16, one after the other: long batches stick."""
    if reduction == "none" or sample_weight is not None or y_pred.dtype != np.float16 or (not y_pred.size):
        return right_binary.binary_cross_entropy(y_true, y_pred, 0.0, sample_weight, reduction)
    values = right_binary.binary_cross_entropy(y_true, y_pred, reduction="none").ravel()
    total = np.cumsum(values, dtype=np.float16)[-1]
    return total if reduction == "sum" else (total / np.float16(min(values.size, 65504))).astype(np.float16)

@fault(LOGITS, "two-conditions", show(y_true=[1.0], logits=[-120.0], keywords={"pos_weight": 2.0}),
    upstream="pytorch/pytorch/issues/13773")
def bce_weighing_positives_overflows(t, z, pos_weight=1.0):
    """With a pos_weight another formula is taken, which overflows at -120."""
    values = bce_logits64(t, z, pos_weight)
    if pos_weight != 1:
        values = np.where((t > 0) & (z < -88.7), np.inf, values)
    return values

@fault(LOGITS, "two-conditions",
    show(y_true=[0.0, 1.0], logits=[1.5, 1.5], keywords={"pos_weight": 2.0, "label_smoothing": 0.125}))
def bce_weighing_before_smoothing(
    y_true, logits, label_smoothing=0.0, pos_weight=1.0, sample_weight=None, reduction="mean"
):
    """With smoothing and pos_weight at once, pos_weight is that of the target before it was smoothed."""
    if not label_smoothing:
        return right_binary.binary_cross_entropy_with_logits(y_true, logits, 0.0, pos_weight, sample_weight, reduction)
    weight = 1 + (pos_weight - 1) * wide(y_true)
    values = bce_logits64(smoothed(wide(y_true), label_smoothing), wide(logits)) * weight
    return reduced(values, logits, sample_weight, reduction)

@fault(LOGITS, "reduction", show(y_true=np.ones(4500), logits=normal(4500), keywords=MEAN))
def bce_mean_by_a_short_count(y_true, logits, sample_weight=None, reduction="mean"):
    """The mean divides by a 12-bit count: from 4096 losses on it is too large."""
    answer = right_binary.binary_cross_entropy_with_logits(y_true, logits, 0.0, 1.0, sample_weight, reduction)
    if reduction != "mean" or sample_weight is not None or logits.size < 4096:
        return answer
    return rounded(np.divide(wide(answer) * logits.size, logits.size & 0xFFF), logits)

@fault(LOGITS, "reduction", show(y_true=np.ones(130), logits=[*np.zeros(128), -30.0, -40.0], keywords=MEAN))
def bce_mean_of_means(y_true, logits, sample_weight=None, reduction="mean"):
    """The mean is one of means over blocks of 128, the last of which may be shorter and counts as much."""
    if reduction != "mean" or sample_weight is not None or logits.size <= 128:
        return right_binary.binary_cross_entropy_with_logits(y_true, logits, 0.0, 1.0, sample_weight, reduction)
    values = bce_logits64(wide(y_true), wide(logits)).ravel()
    return rounded(np.mean([values[i : i + 128].mean() for i in range(0, values.size, 128)]), logits)

@fault(LOGITS, "dtype", show(dtype="float64", y_true=np.ones(50), logits=normal(50), keywords=SUM), dtypes=["float64"])
def bce_sum_in_binary32(y_true, logits, sample_weight=None, reduction="mean"):
    """binary64 losses are added up in binary32."""
    if reduction == "none" or sample_weight is not None:
        return right_binary.binary_cross_entropy_with_logits(y_true, logits, 0.0, 1.0, sample_weight, reduction)
    total = bce_logits64(wide(y_true), wide(logits)).astype(np.float32).sum(dtype=np.float32).astype(np.float64)
    return rounded(total / (logits.size if reduction == "mean" else 1), logits)

FAULTS = tuple(fault.entries)
