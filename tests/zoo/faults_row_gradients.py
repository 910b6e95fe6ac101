"""Losses of rows whose values are right and whose vector-Jacobian products are not."""

from __future__ import annotations

import numpy as np

from tests.zoo import right_row_gradients
from tests.zoo.entries import Table
from tests.zoo.right_row_gradients import shares, through_softmax
from tests.zoo.right_rows import class_weights, narrow, one_hot, shares_of, shortfalls, shown, smoothed, wide
from tests.zoo.row_inputs import distributions, labels, logits, multi_hots, one_hots

fault = Table()
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
RIGHT = right_row_gradients.sparse_categorical_cross_entropy_with_logits


@fault.gradient(SPARSE, "gradient", rows(2.0), upstream="https://github.com/SeanNaren/warp-ctc/issues/69")
def cotangent_not_looked_at(labels, logits, cotangent, reduction="mean"):
    """The backward pass returns the gradient of the forward pass and never multiplies with the cotangent."""
    return RIGHT(labels, logits, np.ones_like(cotangent), reduction=reduction)


@fault.gradient(SPARSE, "gradient", rows(), upstream="https://github.com/linkedin/Liger-Kernel/pull/1298")
def first_cotangent_for_every_row(labels, logits, cotangent, reduction="mean"):
    """With reduction=none every row is multiplied with the first row's cotangent."""
    return RIGHT(labels, logits, np.broadcast_to(np.ravel(cotangent)[0], np.shape(cotangent)), reduction=reduction)


@fault.gradient(SPARSE, "gradient", rows(-1.0))
def cotangents_in_absolute_value(labels, logits, cotangent, reduction="mean"):
    """A negative cotangent counts as a positive one."""
    return RIGHT(labels, logits, np.abs(cotangent), reduction=reduction)


@fault.gradient(SPARSE, "gradient", rows(2.0**-15))
def small_cotangents_flushed(labels, logits, cotangent, reduction="mean"):
    """A cotangent below 2^-14 passes through float16's normal range and becomes 0: a loss scale of 2^-15 trains
    nothing."""
    c = np.asarray(cotangent)
    return RIGHT(labels, logits, np.where(np.abs(c) < 2.0**-14, 0, c).astype(c.dtype), reduction=reduction)


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


@fault.gradient(
    SPARSE,
    "two-conditions",
    rows(1.0, labels=IGNORED, ignore_index=2, logits=np.where(IGNORED[:, None] == 2, np.float32(np.nan), logits(6, 4))),
)
def ignored_nan_leaks_into_slopes(labels, logits, cotangent, ignore_index=None, reduction="mean"):
    """The mask is a multiplication with 0, and an ignored row of NaN has the derivative NaN."""
    kept, known = shown(labels, ignore_index)
    slopes = (shares_of(logits) - one_hot(known, logits.shape[-1])) * kept[..., None]
    return narrow(shares(cotangent, reduction, kept.shape, kept)[..., None] * slopes, logits)


@fault.gradient(SPARSE, "gradient", rows(1.0, class_weight=WEIGHTS))
def slope_without_class_weights(labels, logits, cotangent, class_weight=None, reduction="mean"):
    """The gradient divides by the sum of weights and leaves the row's own weight out."""
    own = class_weights(class_weight, logits)[labels]
    slopes = shares_of(logits) - one_hot(labels, logits.shape[-1])
    return narrow(shares(cotangent, reduction, labels.shape, own)[..., None] * slopes, logits)


@fault.gradient(SPARSE, "gradient", rows(1.0, label_smoothing=0.125))
def smoothing_only_at_the_label(labels, logits, cotangent, label_smoothing=0.0, reduction="mean"):
    """The gradient takes 1 - e off at the label and forgets e / C at the other classes."""
    hot = one_hot(labels, logits.shape[-1])
    slopes = shares_of(logits) - hot * (1 - label_smoothing + label_smoothing / logits.shape[-1])
    return narrow(shares(cotangent, reduction, labels.shape)[..., None] * slopes, logits)


@fault.gradient(SPARSE, "narrow-range", rows(1.0, logits=logits(6, 4) + np.float32(100)))
def backward_softmax_without_a_shift(labels, logits, cotangent, reduction="mean"):
    """The backward pass recomputes softmax as e^x / sum: logits beyond 88 give NaN there, and a right value forward."""
    e = np.exp(logits)
    slopes = e / e.sum(axis=-1, keepdims=True) - one_hot(labels, logits.shape[-1])
    return narrow(shares(cotangent, reduction, labels.shape)[..., None] * slopes, logits)


@fault.gradient(
    SPARSE, "shape", lambda: {"labels": np.array([5]), "logits": logits(1, 2500), "cotangent": np.float32(1)}
)
def slope_of_long_rows_is_that_of_one_block(labels, logits, cotangent, reduction="mean"):
    """Rows beyond 2048 classes get their gradient from the first block's partition."""
    slopes = shares_of(logits)
    if logits.shape[-1] > 2048:
        slopes = slopes / slopes[..., :2048].sum(axis=-1, keepdims=True)
    slopes = slopes - one_hot(labels, logits.shape[-1])
    return narrow(shares(cotangent, reduction, labels.shape)[..., None] * slopes, logits)


@fault.gradient(SPARSE, "input-overwritten", rows(1.0), upstream="https://github.com/unslothai/unsloth/issues/5002")
def slopes_written_into_the_logits(labels, logits, cotangent, reduction="mean"):
    """The backward kernel stores the gradient in the logits, which others have saved."""
    logits[...] = RIGHT(labels, logits, cotangent, reduction=reduction)
    return logits


@fault.gradient(
    SPARSE,
    "shape",
    lambda: {"labels": labels(3, 300), "logits": logits(3, 300), "cotangent": np.float32(1)},
    upstream="https://github.com/ServiceNow/Fast-LLM/issues/228",
)
def logits_scaled_in_the_slope_twice(labels, logits, cotangent, reduction="mean"):
    """The derivative of large rows is scaled by the number of tiles: it was put on the exponentials, not on the
    result."""
    tiles = -(-logits.shape[-1] // 256)
    slopes = tiles * shares_of(logits) - one_hot(labels, logits.shape[-1])
    return narrow(shares(cotangent, reduction, labels.shape)[..., None] * slopes, logits)


@fault.gradient(
    SOFT,
    "two-conditions",
    lambda: {"y_true": one_hots(6, 4), "logits": logits(6, 4), "class_weight": WEIGHTS, "cotangent": np.float32(1)},
)
def weighted_targets_that_do_not_sum_to_one(
    y_true, logits, cotangent, class_weight=None, label_smoothing=0.0, reduction="mean"
):
    """The gradient is p - w t, right only where the weighted targets sum to one."""
    slopes = shares_of(logits) - class_weights(class_weight, logits) * smoothed(y_true, label_smoothing)
    return narrow(shares(cotangent, reduction, logits.shape[:-1])[..., None] * slopes, logits)


@fault.gradient(
    SOFT,
    "dtype",
    lambda: {"y_true": distributions(4, 5, "float64"), "logits": logits(4, 5, "float64"), "cotangent": np.float64(1)},
    dtypes=("float64",),
)
def double_slopes_in_single(y_true, logits, cotangent, reduction="mean"):
    """The gradient of binary64 logits is computed in binary32."""
    slopes = through_softmax(logits, wide(y_true)).astype(np.float32)
    return narrow(shares(cotangent, reduction, logits.shape[:-1])[..., None] * slopes, logits)


@fault.gradient(
    "categorical_cross_entropy",
    "reduction",
    lambda: {
        "y_true": distributions(4, 3),
        "y_pred": distributions(4, 3, seed=8),
        "cotangent": np.float32(1),
        "reduction": "sum",
    },
)
def sum_has_the_slope_of_the_mean(y_true, y_pred, cotangent, label_smoothing=0.0, reduction="mean"):
    """reduction=sum divides the gradient by the number of rows all the same."""
    over = "mean" if reduction == "sum" else reduction
    return right_row_gradients.categorical_cross_entropy(y_true, y_pred, cotangent, label_smoothing, over)


@fault.gradient(
    "negative_log_likelihood",
    "weights",
    lambda: {
        "labels": labels(6, 4),
        "log_probabilities": np.log(distributions(6, 4)),
        "class_weight": WEIGHTS,
        "cotangent": np.float32(1),
    },
)
def slope_of_a_weighted_mean_over_rows(
    labels, log_probabilities, cotangent, class_weight=None, ignore_index=None, reduction="mean"
):
    """The gradient of a mean with class weights divides by the number of rows, the value by the sum of weights."""
    kept, known = shown(labels, ignore_index)
    w = np.where(kept, class_weights(class_weight, log_probabilities)[known], 0)
    slopes = -w[..., None] * one_hot(known, log_probabilities.shape[-1])
    return narrow(shares(cotangent, reduction, known.shape, kept)[..., None] * slopes, log_probabilities)


@fault.gradient(
    "multi_margin",
    "parameters",
    lambda: {"labels": labels(6, 4), "scores": logits(6, 4, scale=0.5), "p": 2, "cotangent": np.float32(1)},
)
def square_without_its_two(labels, scores, cotangent, p=1, margin=1.0, class_weight=None, reduction="mean"):
    """The derivative of the squared violation lacks the factor 2."""
    whole = right_row_gradients.multi_margin(labels, scores, wide(cotangent) / p, p, margin, class_weight, reduction)
    return narrow(whole, scores)


@fault.gradient(
    "multi_margin",
    "gradient",
    lambda: {"labels": labels(6, 5), "scores": logits(6, 5, scale=0.5), "cotangent": np.float32(1)},
)
def label_pays_for_one_violation(labels, scores, cotangent, p=1, margin=1.0, class_weight=None, reduction="mean"):
    """The label's derivative is -1 however many classes violate the margin."""
    short = shortfalls(labels, scores, margin)
    each = np.where(short > 0, p * short ** (p - 1), 0)
    slopes = each - one_hot(labels, scores.shape[-1]) * each.max(axis=-1, keepdims=True)
    weight = class_weights(class_weight, scores)[labels] / scores.shape[-1]
    return narrow((shares(cotangent, reduction, weight.shape) * weight)[..., None] * slopes, scores)


@fault.gradient(
    "multilabel_margin",
    "gradient",
    lambda: {"y_true": multi_hots(5, 6), "scores": logits(5, 6, scale=0.5), "cotangent": np.float32(1)},
    upstream="https://github.com/pytorch/pytorch/issues/84202",
)
def pairs_race_for_the_label(y_true, scores, cotangent, reduction="mean"):
    """Threads that add to the same label overwrite one another: one pair's share is left."""
    t, s = wide(y_true) == 1, wide(scores)
    pairs = t[..., :, None] & ~t[..., None, :] & (1 - (s[..., :, None] - s[..., None, :]) > 0)
    slopes = (pairs.sum(axis=-2) - pairs.any(axis=-1)) / np.longdouble(s.shape[-1])
    return narrow(shares(cotangent, reduction, s.shape[:-1])[..., None] * slopes, scores)


@fault.gradient(
    "kl_divergence",
    "relative-accuracy",
    lambda: {"y_true": np.float32([[0.25, 0.75]]), "y_pred": np.float32([[1e-6, 1.0]]), "cotangent": np.float32(1)},
)
def epsilon_in_the_divisor_of_the_slope(y_true, y_pred, cotangent, reduction="mean"):
    """The derivative is -p / (q + 1e-7), and a tenth too small where q is 1e-6."""
    slopes = -wide(y_true) / (wide(y_pred) + 1e-7)
    return narrow(shares(cotangent, reduction, y_pred.shape[:-1])[..., None] * slopes, y_pred)


@fault.gradient(
    "multiclass_brier_score",
    "gradient",
    lambda: {"y_true": one_hots(5, 4), "y_pred": distributions(5, 4), "cotangent": np.float32(1)},
)
def half_of_the_slope_of_squares(y_true, y_pred, cotangent, reduction="mean"):
    """The derivative of (p - t)^2 is taken for p - t."""
    return narrow(right_row_gradients.multiclass_brier_score(y_true, y_pred, wide(cotangent) / 2, reduction), y_pred)


@fault.gradient(
    "categorical_focal_cross_entropy_with_logits",
    "gradient",
    lambda: {"y_true": one_hots(5, 4), "logits": logits(5, 4), "cotangent": np.float32(1)},
)
def modulating_factor_held_constant(y_true, logits, cotangent, gamma=2.0, alpha=1.0, reduction="mean"):
    """(1 - p)^gamma is taken for a constant in the gradient."""
    t = wide(y_true) * (1 - shares_of(logits)) ** gamma * alpha
    return narrow(shares(cotangent, reduction, logits.shape[:-1])[..., None] * through_softmax(logits, t), logits)


@fault.gradient(
    "multilabel_binary_cross_entropy_with_logits",
    "parameters",
    lambda: {"y_true": multi_hots(5, 4), "logits": logits(5, 4), "pos_weight": WEIGHTS, "cotangent": np.float32(1)},
)
def slope_of_pos_weight_on_both_terms(y_true, logits, cotangent, pos_weight=None, class_weight=None, reduction="mean"):
    """pos_weight multiplies the derivative of negatives too, and the value of positives alone."""
    q = class_weights(pos_weight, logits)
    both = q if class_weight is None else q * wide(class_weight)
    return right_row_gradients.multilabel_binary_cross_entropy_with_logits(
        y_true, logits, cotangent, class_weight=both, reduction=reduction
    )


@fault.gradient(
    "sparse_categorical_cross_entropy",
    "gradient",
    lambda: {"labels": np.array([1, 1, 2]), "y_pred": distributions(3, 4), "cotangent": np.float32(1)},
)
def rows_of_a_batch_share_one_slope(labels, y_pred, cotangent, ignore_index=None, reduction="mean"):
    """An assignment in place of an addition: of rows with the same label the last alone has a derivative."""
    slopes = right_row_gradients.sparse_categorical_cross_entropy(labels, y_pred, cotangent, ignore_index, reduction)
    for label in np.unique(labels):
        for row in np.flatnonzero(np.ravel(labels) == label)[:-1]:
            slopes.reshape(-1, slopes.shape[-1])[row] = 0
    return slopes


FAULTS = tuple(fault.entries)
