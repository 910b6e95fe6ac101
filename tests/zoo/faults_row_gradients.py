"""Losses of rows whose values are right and whose vector-Jacobian products are not."""

from __future__ import annotations

import numpy as np

from tests.zoo import right_row_gradients
from tests.zoo.entries import Table, given
from tests.zoo.making import changed
from tests.zoo.right_row_gradients import through_softmax
from tests.zoo.right_rows import (
    ROWS,
    class_weights,
    narrow,
    one_hot,
    shares,
    shares_of,
    shortfalls,
    shown,
    smoothed,
    wide,
)
from tests.zoo.row_inputs import distributions, labels, logits, multi_hots, one_hots

fault = Table(ROWS, wide=True)
SPARSE = "sparse_categorical_cross_entropy_with_logits"
MULTILABEL = "multilabel_binary_cross_entropy_with_logits"
SOFT = "categorical_cross_entropy_with_logits"
UNEVEN = np.float32([1.5, -0.5, 2.0, 0.25, -3.0, 1.0])
WEIGHTS = np.float32([0.5, 2.0, 1.25, 3.0])


def rows(cotangent=UNEVEN, **more):
    return lambda: {
        "labels": labels(6, 4),
        "logits": logits(6, 4),
        "cotangent": np.float32(cotangent),
        "reduction": "none" if np.ndim(cotangent) else "mean",
        **more,
    }


IGNORED = np.array([0, 2, 1, 2, 3, 1])
RIGHT = right_row_gradients.sparse_categorical_cross_entropy_with_logits

# fmt: off
fault.slope("cotangent-not-looked-at", SPARSE, "gradient", rows(2.0),
    "The backward pass returns the gradient of the forward pass and never multiplies with the cotangent.",
    changed(RIGHT, cotangent=lambda cotangent: np.ones_like(cotangent)), upstream="SeanNaren/warp-ctc/issues/69")
fault.slope("first-cotangent-for-every-row", SPARSE, "gradient", rows(),
    "With reduction=none every row is multiplied with the first row's cotangent.",
    changed(RIGHT, cotangent=lambda cotangent: np.broadcast_to(np.ravel(cotangent)[0], np.shape(cotangent))),
    upstream="linkedin/Liger-Kernel/pull/1298")
fault.slope("small-cotangents-flushed", SPARSE, "gradient", rows(2.0**-15),
    "A cotangent below 2^-14 passes through float16's normal range and becomes 0: a loss scale of 2^-15 trains "
    "nothing.",
    changed(RIGHT, cotangent=lambda cotangent: np.where(np.abs(cotangent) < 2.0**-14, 0, cotangent)))
fault.slope("slope-of-pos-weight-on-both-terms", MULTILABEL, "parameters",
    given(y_true=multi_hots(5, 4), logits=logits(5, 4), pos_weight=WEIGHTS, cotangent=np.float32(1)),
    "pos_weight multiplies the derivative of negatives too, and the value of positives alone.",
    changed(getattr(right_row_gradients, MULTILABEL), pos_weight=lambda: None, class_weight=lambda
        pos_weight, class_weight, logits: class_weights(pos_weight, logits) * class_weights(class_weight, logits)))
fault.slope("cotangents-in-absolute-value", SPARSE, "gradient", rows(-1.0),
    "A negative cotangent counts as a positive one.",
    changed(RIGHT, cotangent=lambda cotangent: np.abs(cotangent)))
fault.slope("slope-without-class-weights", SPARSE, "gradient", rows(1.0, class_weight=WEIGHTS),
    "The gradient divides by the sum of weights and leaves the row's own weight out.",
    lambda y, z, class_weight=None: (shares_of(z) - one_hot(y, z.shape[-1]), class_weights(class_weight, z)[y]))
fault.slope("smoothing-only-at-the-label", SPARSE, "gradient", rows(1.0, label_smoothing=0.125),
    "The gradient takes 1 - e off at the label and forgets e / C at the other classes.",
    lambda y, z, label_smoothing=0.0: shares_of(z) - one_hot(y, z.shape[-1])
        * (1 - label_smoothing + label_smoothing / z.shape[-1]))
fault.slope("backward-softmax-without-a-shift", SPARSE, "narrow-range",
    rows(1.0, logits=logits(6, 4) + np.float32(100)),
    "The backward pass recomputes softmax as e^x / sum: logits beyond 88 give NaN there, and a right value forward.",
    lambda y, z: np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True) - one_hot(y, z.shape[-1]), wide=False)
fault.slope("logits-scaled-in-the-slope-twice", SPARSE, "shape",
    given(labels=labels(3, 300), logits=logits(3, 300), cotangent=np.float32(1)),
    "The derivative of large rows is scaled by the number of tiles: it was put on the exponentials, not on the result.",
    lambda y, z: -(-z.shape[-1] // 256) * shares_of(z) - one_hot(y, z.shape[-1]),
    upstream="ServiceNow/Fast-LLM/issues/228")
fault.slope("weighted-targets-that-do-not-sum-to-one", SOFT, "two-conditions",
    given(y_true=one_hots(6, 4), logits=logits(6, 4), class_weight=WEIGHTS, cotangent=np.float32(1)),
    "The gradient is p - w t, right only where the weighted targets sum to one.",
    lambda t, z, class_weight=None, label_smoothing=0.0: shares_of(z) - class_weights(class_weight, z)
        * smoothed(t, label_smoothing))
fault.slope("double-slopes-in-single", SOFT, "dtype",
    given(y_true=distributions(4, 5, "float64"), logits=logits(4, 5, "float64"), cotangent=np.float64(1)),
    "The gradient of binary64 logits is computed in binary32.", lambda t, z: through_softmax(z, t).astype(np.float32),
    dtypes=("float64",))
fault.slope("sum-has-the-slope-of-the-mean", "categorical_cross_entropy", "reduction",
    given(y_true=distributions(4, 3), y_pred=distributions(4, 3, seed=8), cotangent=np.float32(1), reduction="sum"),
    "reduction=sum divides the gradient by the number of rows all the same.",
    changed(right_row_gradients.categorical_cross_entropy,
        reduction=lambda reduction: "mean" if reduction == "sum" else reduction))
fault.slope("square-without-its-two", "multi_margin", "parameters",
    given(labels=labels(6, 4), scores=logits(6, 4, scale=0.5), p=2, cotangent=np.float32(1)),
    "The derivative of the squared violation lacks the factor 2.",
    lambda labels, scores, cotangent, p=1, margin=1.0, class_weight=None, reduction="mean":
        narrow(right_row_gradients.multi_margin(labels, scores, wide(cotangent) / p, p, margin, class_weight,
        reduction), scores))
fault.slope("epsilon-in-the-divisor-of-the-slope", "kl_divergence", "relative-accuracy",
    given(y_true=[[0.25, 0.75]], y_pred=[[1e-6, 1.0]], cotangent=np.float32(1)),
    "The derivative is -p / (q + 1e-7), and a tenth too small where q is 1e-6.", lambda t, p: -t / (p + 1e-7))
fault.slope("half-of-the-slope-of-squares", "multiclass_brier_score", "gradient",
    given(y_true=one_hots(5, 4), y_pred=distributions(5, 4), cotangent=np.float32(1)),
    "The derivative of (p - t)^2 is taken for p - t.",
    lambda y_true, y_pred, cotangent, reduction="mean": narrow(right_row_gradients.multiclass_brier_score(y_true,
        y_pred, wide(cotangent) / 2, reduction), y_pred))
fault.slope("modulating-factor-held-constant", "categorical_focal_cross_entropy_with_logits", "gradient",
    given(y_true=one_hots(5, 4), logits=logits(5, 4), cotangent=np.float32(1)),
    "(1 - p)^gamma is taken for a constant in the gradient.",
    lambda y_true, z, gamma=2.0, alpha=1.0: through_softmax(z, y_true * (1 - shares_of(z)) ** gamma * alpha))


@fault.gradient(SPARSE, "gradient", rows(1.0, labels=IGNORED, ignore_index=2))
def slope_of_a_mean_over_all_rows(labels, logits, cotangent, ignore_index=None, reduction="mean"):
    """The value divides by the rows that are not ignored, its gradient by all rows."""
    scale = 1 / labels.size if reduction == "mean" else 1
    c = wide(cotangent) * scale
    return RIGHT(labels, logits, c, ignore_index=ignore_index, reduction="sum" if np.ndim(c) == 0 else "none")

@fault.gradient(SPARSE, "gradient", rows(1.0, labels=IGNORED, ignore_index=2))
def ignored_rows_have_slopes(labels, logits, cotangent, ignore_index=None, reduction="mean"):
    """The gradient of ignored rows is the softmax, not 0."""
    kept, _ = shown(labels, ignore_index)
    extra = shares(cotangent, reduction, kept.shape, kept)[..., None] * shares_of(logits)
    return RIGHT(labels, logits, cotangent, ignore_index=ignore_index, reduction=reduction) + narrow(
        np.where(kept[..., None], 0, extra), logits
    )

@fault.gradient(SPARSE, "two-conditions",
    rows(1.0, labels=IGNORED, ignore_index=2, logits=np.where(IGNORED[:, None] == 2, np.float32(np.nan), logits(6, 4))))
def ignored_nan_leaks_into_slopes(y, z, ignore_index=None):
    """The mask is a multiplication with 0, and an ignored row of NaN has the derivative NaN."""
    kept, known = shown(y, ignore_index)
    return (shares_of(z) - one_hot(known, z.shape[-1])) * kept[..., None], kept

@fault.gradient(SPARSE, "shape", given(labels=[5], logits=logits(1, 2500), cotangent=np.float32(1)))
def slope_of_long_rows_is_that_of_one_block(y, z):
    """Rows beyond 2048 classes get their gradient from the first block's partition."""
    slopes = shares_of(z)
    if z.shape[-1] > 2048:
        slopes = slopes / slopes[..., :2048].sum(axis=-1, keepdims=True)
    return slopes - one_hot(y, z.shape[-1])

@fault.gradient(SPARSE, "input-overwritten", rows(1.0), upstream="unslothai/unsloth/issues/5002")
def slopes_written_into_the_logits(labels, logits, cotangent, reduction="mean"):
    """The backward kernel stores the gradient in the logits, which others have saved."""
    logits[...] = RIGHT(labels, logits, cotangent, reduction=reduction)
    return logits

@fault.gradient("negative_log_likelihood", "weights",
    given(labels=labels(6, 4), log_probabilities=np.log(distributions(6, 4)), class_weight=WEIGHTS,
        cotangent=np.float32(1)))
def slope_of_a_weighted_mean_over_rows(y, logq, class_weight=None, ignore_index=None):
    """The gradient of a mean with class weights divides by the number of rows, the value by the sum of weights."""
    kept, known = shown(y, ignore_index)
    w = np.where(kept, class_weights(class_weight, logq)[known], 0)
    return -w[..., None] * one_hot(known, logq.shape[-1]), kept

@fault.gradient("multi_margin", "gradient",
    given(labels=labels(6, 5), scores=logits(6, 5, scale=0.5), cotangent=np.float32(1)))
def label_pays_for_one_violation(labels, scores, cotangent, p=1, margin=1.0, class_weight=None, reduction="mean"):
    """The label's derivative is -1 however many classes violate the margin."""
    short = shortfalls(labels, scores, margin)
    each = np.where(short > 0, p * short ** (p - 1), 0)
    slopes = each - one_hot(labels, scores.shape[-1]) * each.max(axis=-1, keepdims=True)
    weight = class_weights(class_weight, scores)[labels] / scores.shape[-1]
    return narrow((shares(cotangent, reduction, weight.shape) * weight)[..., None] * slopes, scores)

@fault.gradient("multilabel_margin", "gradient",
    given(y_true=multi_hots(5, 6), scores=logits(5, 6, scale=0.5), cotangent=np.float32(1)),
    upstream="pytorch/pytorch/issues/84202")
def pairs_race_for_the_label(y_true, s):
    """Threads that add to the same label overwrite one another: one pair's share is left."""
    t = y_true == 1
    pairs = t[..., :, None] & ~t[..., None, :] & (1 - (s[..., :, None] - s[..., None, :]) > 0)
    return (pairs.sum(axis=-2) - pairs.any(axis=-1)) / np.longdouble(s.shape[-1])

@fault.gradient("sparse_categorical_cross_entropy", "gradient",
    given(labels=[1, 1, 2], y_pred=distributions(3, 4), cotangent=np.float32(1)))
def rows_of_a_batch_share_one_slope(labels, y_pred, cotangent, ignore_index=None, reduction="mean"):
    """An assignment in place of an addition: of rows with the same label the last alone has a derivative."""
    slopes = right_row_gradients.sparse_categorical_cross_entropy(labels, y_pred, cotangent, ignore_index, reduction)
    for label in np.unique(labels):
        for row in np.flatnonzero(np.ravel(labels) == label)[:-1]:
            slopes.reshape(-1, slopes.shape[-1])[row] = 0
    return slopes

FAULTS = tuple(fault.entries)
