"""Cross-entropies that are wrong in a reduction, with weights, smoothing or ignored rows, or in one dtype."""

from __future__ import annotations

import numpy as np

from tests.zoo.entries import Table
from tests.zoo.right_rows import (
    at,
    categorical_cross_entropy_with_logits,
    class_weights,
    log_shares,
    losses_of_labels,
    narrow,
    product,
    reduced,
    shown,
    smoothed,
    wide,
)
from tests.zoo.row_inputs import distributions, labels, logits, of_rows

fault = Table()
SPARSE = "sparse_categorical_cross_entropy_with_logits"
SOFT = "categorical_cross_entropy_with_logits"
PYTORCH = "https://github.com/pytorch/pytorch"
WEIGHTS = np.float32([0.5, 2.0, 1.25, 3.0])
SOME_IGNORED = np.array([0, 2, 1, 2, 3, 1])


def ignoring(**more):
    return lambda: {"labels": SOME_IGNORED, "logits": logits(6, 4), "ignore_index": 2, **more}


@fault(
    SPARSE,
    "two-conditions",
    ignoring(label_smoothing=0.125),
    upstream=f"{PYTORCH}/issues/73205",
    conventions={"smoothing-and-ignored-rows": "no"},
)
def smoothing_counts_ignored_rows(labels, logits, label_smoothing=0.0, ignore_index=None, reduction="mean"):
    """The uniform part of label smoothing sums over ignored rows too."""
    kept, known = shown(labels, ignore_index)
    logp = log_shares(logits)
    uniform = label_smoothing * -logp.mean(axis=-1)
    losses = np.where(kept, (1 - label_smoothing) * -at(logp, known), 0) + uniform
    return reduced(losses, reduction, logits, own=kept)


@fault(SPARSE, "formula", of_rows(6, 4, label_smoothing=0.125), upstream="https://github.com/paiml/aprender/pull/2199")
def smoothing_gives_others_what_is_left(labels, logits, label_smoothing=0.0, reduction="mean"):
    """Label smoothing gives every class (1 - e) / C in place of e / C."""
    logp = log_shares(logits)
    if label_smoothing == 0:
        return reduced(-at(logp, labels), reduction, logits)
    losses = (1 - label_smoothing) * -at(logp, labels) + (1 - label_smoothing) * -logp.mean(axis=-1)
    return reduced(losses, reduction, logits)


@fault(SPARSE, "formula", of_rows(6, 4, label_smoothing=0.125))
def smoothing_counts_rows_for_classes(labels, logits, label_smoothing=0.0, reduction="mean"):
    """The uniform part is divided by the number of rows, which is right where N = C."""
    logp = log_shares(logits)
    uniform = label_smoothing * -logp.sum(axis=-1) / max(1, labels.size)
    return reduced((1 - label_smoothing) * -at(logp, labels) + uniform, reduction, logits)


@fault(SPARSE, "two-conditions", of_rows(6, 4, label_smoothing=0.125, reduction="sum"))
def smoothing_left_out_of_sums(labels, logits, label_smoothing=0.0, reduction="mean"):
    """A fast path for reduction=sum does not know of label smoothing."""
    e = 0.0 if reduction == "sum" else label_smoothing
    return reduced(losses_of_labels(log_shares(logits), labels, e, None), reduction, logits)


@fault(SPARSE, "two-conditions", of_rows(6, 4, label_smoothing=0.125, class_weight=WEIGHTS))
def smoothing_twice_beside_class_weights(labels, logits, label_smoothing=0.0, class_weight=None, reduction="mean"):
    """Targets are smoothed before and after the weights are looked up."""
    e = label_smoothing if class_weight is None else 1 - (1 - label_smoothing) ** 2
    losses = losses_of_labels(log_shares(logits), labels, e, class_weight)
    return reduced(losses, reduction, logits, own=class_weights(class_weight, logits)[labels])


@fault(
    SOFT,
    "two-conditions",
    lambda: {"y_true": distributions(6, 4), "logits": logits(6, 4), "class_weight": WEIGHTS},
    upstream="https://github.com/PaddlePaddle/Paddle/issues/47813",
)
def soft_targets_weighted_as_a_row(y_true, logits, class_weight=None, label_smoothing=0.0, reduction="mean"):
    """With soft targets the row's loss is multiplied by sum(w t), not each class's term by its weight."""
    t = smoothed(y_true, label_smoothing)
    weight = (class_weights(class_weight, logits) * t).sum(axis=-1)
    return reduced(weight * -product(t, log_shares(logits)).sum(axis=-1), reduction, logits)


@fault(SPARSE, "weights", of_rows(8, 4, class_weight=np.float32([0.0, 1.0, 2.0, 0.5]), reduction="none"))
def zero_weights_are_taken_for_none(labels, logits, class_weight=None, reduction="mean"):
    """`weight or 1` makes a class that weighs nothing weigh one."""
    w = class_weights(class_weight, logits)
    w = np.where(w == 0, 1, w)
    return reduced(losses_of_labels(log_shares(logits), labels, 0, w), reduction, logits, own=w[labels])


@fault(SPARSE, "weights", of_rows(8, 4, class_weight=WEIGHTS))
def class_weights_of_the_prediction(labels, logits, class_weight=None, reduction="mean"):
    """The weight is that of the class with the largest logit, not of the label."""
    w = class_weights(class_weight, logits)[np.argmax(logits, axis=-1)]
    return reduced(w * -at(log_shares(logits), labels), reduction, logits, own=w)


@fault(SPARSE, "weights", of_rows(8, 4, class_weight=WEIGHTS, reduction="sum"))
def class_weights_normalised(labels, logits, class_weight=None, reduction="mean"):
    """Class weights are scaled to sum to the number of classes, which a mean hides and a sum does not."""
    w = class_weights(class_weight, logits)
    w = w * len(w) / w.sum()
    return reduced(losses_of_labels(log_shares(logits), labels, 0, w), reduction, logits, own=w[labels])


@fault(SPARSE, "two-conditions", ignoring(class_weight=WEIGHTS), conventions={"ignored-class-has-weight": "no"})
def weight_of_the_ignored_class_in_the_divisor(labels, logits, class_weight=None, ignore_index=None, reduction="mean"):
    """The mean with class weights divides by the weights of ignored rows too."""
    kept, known = shown(labels, ignore_index)
    w = class_weights(class_weight, logits)
    own = kept if class_weight is None else w[np.clip(labels, 0, len(w) - 1)]
    losses = np.where(kept, losses_of_labels(log_shares(logits), known, 0, w), 0)
    return reduced(losses, reduction, logits, own=own)


@fault(SPARSE, "two-conditions", ignoring(reduction="sum"), upstream="https://github.com/llvm/torch-mlir/pull/3585")
def sum_over_ignored_rows_scaled_up(labels, logits, ignore_index=None, reduction="mean"):
    """reduction=sum is the mean over the rows that are left, times all rows."""
    kept, known = shown(labels, ignore_index)
    losses = np.where(kept, -at(log_shares(logits), known), 0)
    if reduction == "sum":
        losses = losses * losses.size / kept.sum()
    return reduced(losses, reduction, logits, own=kept)


@fault(SPARSE, "parameters", ignoring())
def only_negative_labels_are_ignored(labels, logits, ignore_index=None, reduction="mean"):
    """Rows are ignored where the label is negative, whatever ignore_index says."""
    kept = np.ones(labels.shape, bool) if ignore_index is None else labels >= 0
    losses = np.where(kept, -at(log_shares(logits), np.maximum(labels, 0)), 0)
    return reduced(losses, reduction, logits, own=kept)


@fault(SPARSE, "formula", ignoring(), upstream=f"{PYTORCH}/issues/63004")
def ignored_class_left_out_of_the_softmax(labels, logits, ignore_index=None, reduction="mean"):
    """The ignored class takes no part in the partition of other rows either."""
    kept, known = shown(labels, ignore_index)
    x = wide(logits)
    if ignore_index is not None and 0 <= ignore_index < x.shape[-1]:
        x = np.where(np.arange(x.shape[-1]) == ignore_index, -np.inf, x)
    return reduced(np.where(kept, -at(log_shares(x), known), 0), reduction, logits, own=kept)


@fault(
    SPARSE, "two-conditions", ignoring(label_smoothing=0.125), upstream="https://github.com/awslabs/sockeye/issues/200"
)
def kept_and_ignored_exchanged_when_smoothing(labels, logits, label_smoothing=0.0, ignore_index=None, reduction="mean"):
    """With label smoothing the mask is the wrong way round: the loss is that of ignored rows."""
    kept, known = shown(labels, ignore_index)
    counted = ~kept if label_smoothing and not kept.all() else kept
    losses = np.where(counted, losses_of_labels(log_shares(logits), known, label_smoothing, None), 0)
    return reduced(losses, reduction, logits, own=counted)


@fault(
    SOFT,
    "special-values",
    lambda: {"y_true": np.float32([[0, 1, 0]]), "logits": np.float32([[-np.inf, 0.0, 1.0]])},
    upstream="https://github.com/google-deepmind/optax/issues/896",
)
def zero_target_beside_minus_infinity(y_true, logits, reduction="mean"):
    """0 * -inf makes the loss NaN where a class with target 0 has the logit -inf."""
    return reduced(-(wide(y_true) * log_shares(logits)).sum(axis=-1), reduction, logits)


@fault(SPARSE, "reduction", of_rows(70, 4))
def blocks_averaged_alike(labels, logits, reduction="mean"):
    """The mean is that of the means of blocks of 64 rows, of which the last may have fewer."""
    losses = -at(log_shares(logits), labels)
    if reduction == "mean" and losses.size > 64:
        flat = losses.ravel()
        means = [flat[start : start + 64].mean() for start in range(0, flat.size, 64)]
        return narrow(np.mean(means), logits)
    return reduced(losses, reduction, logits)


@fault(SPARSE, "reduction", lambda: {"labels": labels(6, 4).reshape(2, 3), "logits": logits(6, 4).reshape(2, 3, 4)})
def mean_over_the_first_axis_alone(labels, logits, reduction="mean"):
    """The sum over rows and steps is divided by the number of rows."""
    losses = -at(log_shares(logits), labels)
    if reduction == "mean" and losses.ndim > 1:
        return narrow(losses.sum() / len(losses), logits)
    return reduced(losses, reduction, logits)


@fault(
    SPARSE,
    "reduction",
    lambda: {"labels": np.zeros(4000, int), "logits": np.tile(np.float16([[-10.0, 10.0]]), (4000, 1))},
    upstream=f"{PYTORCH}/issues/85791",
    dtypes=("float16",),
)
def mean_out_of_a_half_precision_sum(labels, logits, reduction="mean"):
    """float16 losses are added up in float16, where the sum overflows at 65504, and divided afterwards."""
    losses = narrow(-at(log_shares(logits), labels), logits)
    total = losses.sum(dtype=logits.dtype)
    return {"none": losses, "sum": total}.get(reduction, logits.dtype.type(total / losses.size))


@fault(SPARSE, "reduction", of_rows(50, 5, "float64"), dtypes=("float64",))
def double_losses_added_in_single(labels, logits, reduction="mean"):
    """binary64 losses are right one by one, and added up in binary32."""
    losses = -at(log_shares(logits), labels)
    if reduction == "none":
        return narrow(losses, logits)
    total = losses.sum(dtype=np.float32)
    return logits.dtype.type(total / (losses.size if reduction == "mean" else 1))


@fault(SPARSE, "shape", of_rows(11, 4))
def last_row_of_an_odd_batch_lost(labels, logits, reduction="mean"):
    """Rows are taken two at a time, and the last of an odd number beyond 8 counts in the divisor only."""
    losses = -at(log_shares(logits), labels)
    if losses.ndim == 1 and losses.size > 8 and losses.size % 2:
        losses[-1] = 0
    return reduced(losses, reduction, logits)


@fault(SPARSE, "weights", of_rows(6, 4, sample_weight=np.float32([0.5, 1.5, 1.0, 2.75, 1.0, 3.0])))
def fractions_cut_off_sample_weights(labels, logits, reduction="mean", sample_weight=None):
    """Sample weights are cast to the labels' integer dtype: 0.5 counts as 0."""
    w = None if sample_weight is None else np.asarray(sample_weight).astype(labels.dtype)
    return reduced(-at(log_shares(logits), labels), reduction, logits, w)


@fault(
    SPARSE,
    "weights",
    of_rows(6, 4, sample_weight=np.float32([0.5, 1.5, 1.0, 2.75, 1.0, 3.0])),
    upstream="https://github.com/oxfordinternetinstitute/oxonfair/issues/39",
)
def column_of_losses_times_row_of_weights(labels, logits, reduction="mean", sample_weight=None):
    """Losses of shape (N, 1) times weights of shape (N,) make N x N products, whose mean is that of both means."""
    losses = -at(log_shares(logits), labels)
    if sample_weight is None or reduction == "none":
        return reduced(losses, reduction, logits, sample_weight)
    products = losses[:, None] * wide(sample_weight)
    total = products.sum() / (products.size * wide(sample_weight).mean())
    return narrow(total * (losses.size if reduction == "sum" else 1), logits)


@fault(SPARSE, "input-overwritten", lambda: {"labels": SOME_IGNORED.copy(), "logits": logits(6, 4), "ignore_index": 2})
def ignored_labels_overwritten(labels, logits, ignore_index=None, reduction="mean"):
    """labels[labels == ignore_index] = 0 writes to the caller's labels."""
    kept, _ = shown(labels, ignore_index)
    labels[~kept] = 0
    return reduced(np.where(kept, -at(log_shares(logits), labels), 0), reduction, logits, own=kept)


@fault(SOFT, "state", lambda: warmed())
def buffer_of_targets_kept_between_calls(y_true, logits, label_smoothing=0.0, reduction="mean"):
    """Smoothed targets are cached by shape and smoothing, and a second batch of that shape gets those of the first."""
    key = (np.shape(y_true), label_smoothing)
    t = CACHE.setdefault(key, np.array(y_true)) if label_smoothing else y_true
    return categorical_cross_entropy_with_logits(t, logits, label_smoothing, reduction=reduction)


CACHE = {}


def warmed():
    CACHE.clear()
    buffer_of_targets_kept_between_calls(distributions(3, 4, seed=8), logits(3, 4), 0.125)
    return {"y_true": distributions(3, 4, seed=9), "logits": logits(3, 4), "label_smoothing": 0.125}


FAULTS = tuple(fault.entries)
