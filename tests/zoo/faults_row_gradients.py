"""Losses of rows whose values are right and whose vector-Jacobian products are not."""

from __future__ import annotations

import numpy as np
import right_slopes
from right_rows import class_weights, narrow, one_hot, shares_of, shortfalls, shown, smoothed, wide
from right_slopes import shares, through_softmax
from rows_table import Table, distributions, labels, logits, multi_hots, one_hots

fault = Table()
slope_of = fault.slope_of
SPARSE = "sparse_categorical_cross_entropy_with_logits"
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
RIGHT = right_slopes.sparse_categorical_cross_entropy_with_logits


@slope_of(
    "cotangent-not-looked-at",
    SPARSE,
    "the backward pass returns the gradient of the forward pass and never multiplies with what comes from above",
    upstream="https://github.com/SeanNaren/warp-ctc/issues/69",
    shows=rows(2.0),
)
def no_cotangent(labels, logits, cotangent, reduction="mean"):
    return RIGHT(labels, logits, np.ones_like(cotangent), reduction=reduction)


@slope_of(
    "first-cotangent-for-every-row",
    SPARSE,
    "with reduction=none every row is multiplied with the first row's cotangent",
    upstream="https://github.com/linkedin/Liger-Kernel/pull/1298",
    shows=rows(),
)
def first_cotangent(labels, logits, cotangent, reduction="mean"):
    return RIGHT(labels, logits, np.broadcast_to(np.ravel(cotangent)[0], np.shape(cotangent)), reduction=reduction)


@slope_of(
    "cotangents-in-absolute-value",
    SPARSE,
    "a negative cotangent counts as a positive one",
    shows=rows(-1.0),
)
def absolute_cotangent(labels, logits, cotangent, reduction="mean"):
    return RIGHT(labels, logits, np.abs(cotangent), reduction=reduction)


@slope_of(
    "small-cotangents-flushed",
    SPARSE,
    "a cotangent below 2^-14 passes through float16's normal range and becomes 0: a loss scale of 2^-15 trains nothing",
    shows=rows(2.0**-15),
)
def flushed_cotangent(labels, logits, cotangent, reduction="mean"):
    c = np.asarray(cotangent)
    return RIGHT(labels, logits, np.where(np.abs(c) < 2.0**-14, 0, c).astype(c.dtype), reduction=reduction)


@slope_of(
    "slope-of-a-mean-over-all-rows",
    SPARSE,
    "the value divides by the rows that are not ignored, its gradient by all rows",
    shows=rows(1.0, labels=IGNORED, ignore_index=2),
)
def divides_by_all(labels, logits, cotangent, ignore_index=None, reduction="mean"):
    scale = 1 / labels.size if reduction == "mean" else 1
    c = wide(cotangent) * scale
    return RIGHT(labels, logits, c, ignore_index=ignore_index, reduction="sum" if np.ndim(c) == 0 else "none")


@slope_of(
    "ignored-rows-have-slopes",
    SPARSE,
    "the gradient of ignored rows is the softmax, not 0",
    shows=rows(1.0, labels=IGNORED, ignore_index=2),
)
def ignored_have_slopes(labels, logits, cotangent, ignore_index=None, reduction="mean"):
    kept, _ = shown(labels, ignore_index)
    extra = shares(cotangent, reduction, kept.shape, kept)[..., None] * shares_of(logits)
    return RIGHT(labels, logits, cotangent, ignore_index=ignore_index, reduction=reduction) + narrow(
        np.where(kept[..., None], 0, extra), logits
    )


@slope_of(
    "ignored-nan-leaks-into-slopes",
    SPARSE,
    "the mask is a multiplication with 0, and an ignored row of NaN has the slope NaN",
    shows=rows(
        1.0,
        labels=IGNORED,
        ignore_index=2,
        logits=np.where(IGNORED[:, None] == 2, np.float32(np.nan), logits(6, 4)),
    ),
    kind="two-conditions",
)
def ignored_nan(labels, logits, cotangent, ignore_index=None, reduction="mean"):
    kept, known = shown(labels, ignore_index)
    slopes = (shares_of(logits) - one_hot(known, logits.shape[-1])) * kept[..., None]
    return narrow(shares(cotangent, reduction, kept.shape, kept)[..., None] * slopes, logits)


@slope_of(
    "slope-without-class-weights",
    SPARSE,
    "the gradient divides by the sum of weights and leaves the row's own weight out",
    shows=rows(1.0, class_weight=WEIGHTS),
)
def slope_without_weights(labels, logits, cotangent, class_weight=None, reduction="mean"):
    own = class_weights(class_weight, logits)[labels]
    slopes = shares_of(logits) - one_hot(labels, logits.shape[-1])
    return narrow(shares(cotangent, reduction, labels.shape, own)[..., None] * slopes, logits)


@slope_of(
    "smoothing-only-at-the-label",
    SPARSE,
    "the gradient takes 1 - e off at the label and forgets e / C at the other classes",
    shows=rows(1.0, label_smoothing=0.125),
)
def smoothing_at_label(labels, logits, cotangent, label_smoothing=0.0, reduction="mean"):
    hot = one_hot(labels, logits.shape[-1])
    slopes = shares_of(logits) - hot * (1 - label_smoothing + label_smoothing / logits.shape[-1])
    return narrow(shares(cotangent, reduction, labels.shape)[..., None] * slopes, logits)


@slope_of(
    "backward-softmax-without-a-shift",
    SPARSE,
    "the backward pass recomputes softmax as e^x / sum: logits beyond 88 give NaN there, and a right value forward",
    shows=rows(1.0, logits=logits(6, 4) + np.float32(100)),
    kind="narrow-range",
)
def backward_overflows(labels, logits, cotangent, reduction="mean"):
    e = np.exp(logits)
    slopes = e / e.sum(axis=-1, keepdims=True) - one_hot(labels, logits.shape[-1])
    return narrow(shares(cotangent, reduction, labels.shape)[..., None] * slopes, logits)


@slope_of(
    "slope-of-long-rows-is-that-of-one-block",
    SPARSE,
    "rows beyond 2048 classes get their gradient from the first block's partition",
    shows=lambda: {
        "labels": np.array([5]),
        "logits": logits(1, 2500),
        "cotangent": np.float32(1),
    },
    kind="shape",
)
def one_block(labels, logits, cotangent, reduction="mean"):
    slopes = shares_of(logits)
    if logits.shape[-1] > 2048:
        slopes = slopes / slopes[..., :2048].sum(axis=-1, keepdims=True)
    slopes = slopes - one_hot(labels, logits.shape[-1])
    return narrow(shares(cotangent, reduction, labels.shape)[..., None] * slopes, logits)


@slope_of(
    "slopes-written-into-the-logits",
    SPARSE,
    "the backward kernel stores the gradient in the logits, which others have saved",
    upstream="https://github.com/unslothai/unsloth/issues/5002",
    shows=rows(1.0),
    kind="input-overwritten",
)
def written_into_logits(labels, logits, cotangent, reduction="mean"):
    logits[...] = RIGHT(labels, logits, cotangent, reduction=reduction)
    return logits


@slope_of(
    "logits-scaled-in-the-slope-twice",
    SPARSE,
    "the slope of large rows is scaled by the number of tiles: it was put on the exponentials, not on the result",
    upstream="https://github.com/ServiceNow/Fast-LLM/issues/228",
    shows=lambda: {"labels": labels(3, 300), "logits": logits(3, 300), "cotangent": np.float32(1)},
    kind="shape",
)
def scaled_by_tiles(labels, logits, cotangent, reduction="mean"):
    tiles = -(-logits.shape[-1] // 256)
    slopes = tiles * shares_of(logits) - one_hot(labels, logits.shape[-1])
    return narrow(shares(cotangent, reduction, labels.shape)[..., None] * slopes, logits)


@slope_of(
    "weighted-targets-that-do-not-sum-to-one",
    SOFT,
    "the gradient is p - w t, right only where the weighted targets sum to one",
    shows=lambda: {
        "y_true": one_hots(6, 4),
        "logits": logits(6, 4),
        "class_weight": WEIGHTS,
        "cotangent": np.float32(1),
    },
    kind="two-conditions",
)
def softmax_less_weighted_targets(y_true, logits, cotangent, class_weight=None, label_smoothing=0.0, reduction="mean"):
    slopes = shares_of(logits) - class_weights(class_weight, logits) * smoothed(y_true, label_smoothing)
    return narrow(shares(cotangent, reduction, logits.shape[:-1])[..., None] * slopes, logits)


@slope_of(
    "double-slopes-in-single",
    SOFT,
    "the gradient of binary64 logits is computed in binary32",
    shows=lambda: {
        "y_true": distributions(4, 5, "float64"),
        "logits": logits(4, 5, "float64"),
        "cotangent": np.float64(1),
    },
    kind="dtype",
    dtypes=("float64",),
)
def single_slopes(y_true, logits, cotangent, reduction="mean"):
    slopes = through_softmax(logits, wide(y_true)).astype(np.float32)
    return narrow(shares(cotangent, reduction, logits.shape[:-1])[..., None] * slopes, logits)


@slope_of(
    "sum-has-the-slope-of-the-mean",
    "categorical_cross_entropy",
    "reduction=sum divides the gradient by the number of rows all the same",
    shows=lambda: {
        "y_true": distributions(4, 3),
        "y_pred": distributions(4, 3, seed=8),
        "cotangent": np.float32(1),
        "reduction": "sum",
    },
    kind="reduction",
)
def sum_as_mean(y_true, y_pred, cotangent, label_smoothing=0.0, reduction="mean"):
    over = "mean" if reduction == "sum" else reduction
    return right_slopes.categorical_cross_entropy(y_true, y_pred, cotangent, label_smoothing, over)


@slope_of(
    "slope-of-a-weighted-mean-over-rows",
    "negative_log_likelihood",
    "the gradient of a mean with class weights divides by the number of rows, the value by the sum of weights",
    shows=lambda: {
        "labels": labels(6, 4),
        "log_probabilities": np.log(distributions(6, 4)),
        "class_weight": WEIGHTS,
        "cotangent": np.float32(1),
    },
    kind="weights",
)
def weighted_over_rows(labels, log_probabilities, cotangent, class_weight=None, ignore_index=None, reduction="mean"):
    kept, known = shown(labels, ignore_index)
    w = np.where(kept, class_weights(class_weight, log_probabilities)[known], 0)
    slopes = -w[..., None] * one_hot(known, log_probabilities.shape[-1])
    return narrow(shares(cotangent, reduction, known.shape, kept)[..., None] * slopes, log_probabilities)


@slope_of(
    "square-without-its-two",
    "multi_margin",
    "the slope of the squared violation lacks the factor 2",
    shows=lambda: {
        "labels": labels(6, 4),
        "scores": logits(6, 4, scale=0.5),
        "p": 2,
        "cotangent": np.float32(1),
    },
    kind="parameters",
)
def square_without_two(labels, scores, cotangent, p=1, margin=1.0, class_weight=None, reduction="mean"):
    whole = right_slopes.multi_margin(labels, scores, wide(cotangent) / p, p, margin, class_weight, reduction)
    return narrow(whole, scores)


@slope_of(
    "label-pays-for-one-violation",
    "multi_margin",
    "the label's slope is -1 however many classes violate the margin",
    shows=lambda: {"labels": labels(6, 5), "scores": logits(6, 5, scale=0.5), "cotangent": np.float32(1)},
)
def one_violation(labels, scores, cotangent, p=1, margin=1.0, class_weight=None, reduction="mean"):
    short = shortfalls(labels, scores, margin)
    each = np.where(short > 0, p * short ** (p - 1), 0)
    slopes = each - one_hot(labels, scores.shape[-1]) * each.max(axis=-1, keepdims=True)
    weight = class_weights(class_weight, scores)[labels] / scores.shape[-1]
    return narrow((shares(cotangent, reduction, weight.shape) * weight)[..., None] * slopes, scores)


@slope_of(
    "pairs-race-for-the-label",
    "multilabel_margin",
    "threads that add to the same label overwrite one another: one pair's share is left",
    upstream="https://github.com/pytorch/pytorch/issues/84202",
    shows=lambda: {"y_true": multi_hots(5, 6), "scores": logits(5, 6, scale=0.5), "cotangent": np.float32(1)},
)
def racing_pairs(y_true, scores, cotangent, reduction="mean"):
    t, s = wide(y_true) == 1, wide(scores)
    pairs = t[..., :, None] & ~t[..., None, :] & (1 - (s[..., :, None] - s[..., None, :]) > 0)
    slopes = (pairs.sum(axis=-2) - pairs.any(axis=-1)) / np.longdouble(s.shape[-1])
    return narrow(shares(cotangent, reduction, s.shape[:-1])[..., None] * slopes, scores)


@slope_of(
    "epsilon-in-the-divisor-of-the-slope",
    "kl_divergence",
    "the slope is -p / (q + 1e-7), and a tenth too small where q is 1e-6",
    shows=lambda: {
        "y_true": np.float32([[0.25, 0.75]]),
        "y_pred": np.float32([[1e-6, 1.0]]),
        "cotangent": np.float32(1),
    },
    kind="relative-accuracy",
)
def epsilon_in_divisor(y_true, y_pred, cotangent, reduction="mean"):
    slopes = -wide(y_true) / (wide(y_pred) + 1e-7)
    return narrow(shares(cotangent, reduction, y_pred.shape[:-1])[..., None] * slopes, y_pred)


@slope_of(
    "half-of-the-slope-of-squares",
    "multiclass_brier_score",
    "the slope of (p - t)^2 is taken for p - t",
    shows=lambda: {"y_true": one_hots(5, 4), "y_pred": distributions(5, 4), "cotangent": np.float32(1)},
)
def half_slope(y_true, y_pred, cotangent, reduction="mean"):
    return narrow(right_slopes.multiclass_brier_score(y_true, y_pred, wide(cotangent) / 2, reduction), y_pred)


@slope_of(
    "modulating-factor-held-constant",
    "categorical_focal_cross_entropy_with_logits",
    "(1 - p)^gamma is taken for a constant in the gradient",
    shows=lambda: {"y_true": one_hots(5, 4), "logits": logits(5, 4), "cotangent": np.float32(1)},
)
def constant_factor(y_true, logits, cotangent, gamma=2.0, alpha=1.0, reduction="mean"):
    t = wide(y_true) * (1 - shares_of(logits)) ** gamma * alpha
    return narrow(shares(cotangent, reduction, logits.shape[:-1])[..., None] * through_softmax(logits, t), logits)


@slope_of(
    "slope-of-pos-weight-on-both-terms",
    "multilabel_binary_cross_entropy_with_logits",
    "pos_weight multiplies the slope of negatives too, and the value of positives alone",
    shows=lambda: {
        "y_true": multi_hots(5, 4),
        "logits": logits(5, 4),
        "pos_weight": WEIGHTS,
        "cotangent": np.float32(1),
    },
    kind="parameters",
)
def pos_weight_on_both(y_true, logits, cotangent, pos_weight=None, class_weight=None, reduction="mean"):
    q = class_weights(pos_weight, logits)
    both = q if class_weight is None else q * wide(class_weight)
    return right_slopes.multilabel_binary_cross_entropy_with_logits(
        y_true, logits, cotangent, class_weight=both, reduction=reduction
    )


@slope_of(
    "rows-of-a-batch-share-one-slope",
    "sparse_categorical_cross_entropy",
    "an assignment in place of an addition: of rows with the same label the last alone has a slope",
    shows=lambda: {"labels": np.array([1, 1, 2]), "y_pred": distributions(3, 4), "cotangent": np.float32(1)},
)
def last_of_a_label(labels, y_pred, cotangent, ignore_index=None, reduction="mean"):
    slopes = right_slopes.sparse_categorical_cross_entropy(labels, y_pred, cotangent, ignore_index, reduction)
    for label in np.unique(labels):
        for row in np.flatnonzero(np.ravel(labels) == label)[:-1]:
            slopes.reshape(-1, slopes.shape[-1])[row] = 0
    return slopes


FAULTS = tuple(fault.entries)
