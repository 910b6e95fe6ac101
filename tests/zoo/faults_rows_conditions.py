"""Cross-entropies that are wrong in a reduction, with weights, smoothing or ignored rows, or in one dtype."""

from __future__ import annotations

import numpy as np

from tests.zoo.entries import Table, given
from tests.zoo.right_rows import (
    ROWS,
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

fault = Table(ROWS, wide=True)
SPARSE = "sparse_categorical_cross_entropy_with_logits"
SOFT = "categorical_cross_entropy_with_logits"
PYTORCH = "https://github.com/pytorch/pytorch"
WEIGHTS = np.float32([0.5, 2.0, 1.25, 3.0])
SOME_IGNORED = np.array([0, 2, 1, 2, 3, 1])


def ignoring(**more):
    return lambda: {"labels": SOME_IGNORED, "logits": logits(6, 4), "ignore_index": 2, **more}


CACHE = {}


def warmed():
    CACHE.clear()
    buffer_of_targets_kept_between_calls(distributions(3, 4, seed=8), logits(3, 4), 0.125)
    return {"y_true": distributions(3, 4, seed=9), "logits": logits(3, 4), "label_smoothing": 0.125}


# fmt: off
fault.row("smoothing-counts-rows-for-classes", SPARSE, "formula", of_rows(6, 4, label_smoothing=0.125),
    "The uniform part is divided by the number of rows, which is right where N = C.",
    lambda y, z, label_smoothing=0.0: (1 - label_smoothing) * -at(log_shares(z), y) + label_smoothing
        * -log_shares(z).sum(axis=-1) / max(1, y.size))
fault.row("smoothing-left-out-of-sums", SPARSE, "two-conditions", of_rows(6, 4, label_smoothing=0.125, reduction="sum"),
    "A fast path for reduction=sum does not know of label smoothing.",
    lambda labels, logits, label_smoothing=0.0, reduction="mean":
        reduced(losses_of_labels(log_shares(logits), labels, 0.0 if reduction == "sum" else label_smoothing, None),
        reduction, logits))
fault.row("smoothing-twice-beside-class-weights", SPARSE, "two-conditions",
    of_rows(6, 4, label_smoothing=0.125, class_weight=WEIGHTS),
    "Targets are smoothed before and after the weights are looked up.",
    lambda y, z, label_smoothing=0.0, class_weight=None: (losses_of_labels(log_shares(z), y,
        label_smoothing if class_weight is None else 1 - (1 - label_smoothing) ** 2, class_weight),
        class_weights(class_weight, z)[y]))
fault.row("zero-target-beside-minus-infinity", SOFT, "special-values",
    given(y_true=np.float32([[0, 1, 0]]), logits=np.float32([[-np.inf, 0.0, 1.0]])),
    "0 * -inf makes the loss NaN where a class with target 0 has the logit -inf.",
    lambda t, z: -(t * log_shares(z)).sum(axis=-1), upstream="google-deepmind/optax/issues/896")
fault.row("fractions-cut-off-sample-weights", SPARSE, "weights",
    of_rows(6, 4, sample_weight=np.float32([0.5, 1.5, 1.0, 2.75, 1.0, 3.0])),
    "Sample weights are cast to the labels' integer dtype: 0.5 counts as 0.",
    lambda labels, logits, reduction="mean", sample_weight=None:
        reduced(-at(log_shares(logits), labels), reduction, logits,
        None if sample_weight is None else np.asarray(sample_weight).astype(labels.dtype)))


@fault(SPARSE, "two-conditions", ignoring(label_smoothing=0.125), upstream=f"{PYTORCH}/issues/73205",
    conventions={"smoothing-and-ignored-rows": "no"})
def smoothing_counts_ignored_rows(y, z, label_smoothing=0.0, ignore_index=None):
    """The uniform part of label smoothing sums over ignored rows too."""
    kept, known = shown(y, ignore_index)
    logp = log_shares(z)
    uniform = label_smoothing * -logp.mean(axis=-1)
    return np.where(kept, (1 - label_smoothing) * -at(logp, known), 0) + uniform, kept

@fault(SPARSE, "formula", of_rows(6, 4, label_smoothing=0.125), upstream="paiml/aprender/pull/2199")
def smoothing_gives_others_what_is_left(y, z, label_smoothing=0.0):
    """Label smoothing gives every class (1 - e) / C in place of e / C."""
    logp = log_shares(z)
    if label_smoothing == 0:
        return -at(logp, y)
    return (1 - label_smoothing) * -at(logp, y) + (1 - label_smoothing) * -logp.mean(axis=-1)

@fault(SOFT, "two-conditions", given(y_true=distributions(6, 4), logits=logits(6, 4), class_weight=WEIGHTS),
    upstream="PaddlePaddle/Paddle/issues/47813")
def soft_targets_weighted_as_a_row(y_true, z, class_weight=None, label_smoothing=0.0):
    """With soft targets the row's loss is multiplied by sum(w t), not each class's term by its weight."""
    t = smoothed(y_true, label_smoothing)
    return (class_weights(class_weight, z) * t).sum(axis=-1) * -product(t, log_shares(z)).sum(axis=-1)

@fault(SPARSE, "weights", of_rows(8, 4, class_weight=np.float32([0.0, 1.0, 2.0, 0.5]), reduction="none"))
def zero_weights_are_taken_for_none(y, z, class_weight=None):
    """`weight or 1` makes a class that weighs nothing weigh one."""
    w = class_weights(class_weight, z)
    w = np.where(w == 0, 1, w)
    return losses_of_labels(log_shares(z), y, 0, w), w[y]

@fault(SPARSE, "weights", of_rows(8, 4, class_weight=WEIGHTS), wide=False)
def class_weights_of_the_prediction(y, z, class_weight=None):
    """The weight is that of the class with the largest logit, not of the label."""
    w = class_weights(class_weight, z)[np.argmax(z, axis=-1)]
    return w * -at(log_shares(z), y), w

@fault(SPARSE, "weights", of_rows(8, 4, class_weight=WEIGHTS, reduction="sum"))
def class_weights_normalised(y, z, class_weight=None):
    """Class weights are scaled to sum to the number of classes, which a mean hides and a sum does not."""
    w = class_weights(class_weight, z)
    w = w * len(w) / w.sum()
    return losses_of_labels(log_shares(z), y, 0, w), w[y]

@fault(SPARSE, "two-conditions", ignoring(class_weight=WEIGHTS), conventions={"ignored-class-has-weight": "no"})
def weight_of_the_ignored_class_in_the_divisor(y, z, class_weight=None, ignore_index=None):
    """The mean with class weights divides by the weights of ignored rows too."""
    kept, known = shown(y, ignore_index)
    w = class_weights(class_weight, z)
    own = kept if class_weight is None else w[np.clip(y, 0, len(w) - 1)]
    return np.where(kept, losses_of_labels(log_shares(z), known, 0, w), 0), own

@fault(SPARSE, "two-conditions", ignoring(reduction="sum"), upstream="llvm/torch-mlir/pull/3585")
def sum_over_ignored_rows_scaled_up(labels, logits, ignore_index=None, reduction="mean"):
    """reduction=sum is the mean over the rows that are left, times all rows."""
    kept, known = shown(labels, ignore_index)
    losses = np.where(kept, -at(log_shares(logits), known), 0)
    if reduction == "sum":
        losses = losses * losses.size / kept.sum()
    return reduced(losses, reduction, logits, own=kept)

@fault(SPARSE, "parameters", ignoring())
def only_negative_labels_are_ignored(y, z, ignore_index=None):
    """Rows are ignored where the label is negative, whatever ignore_index says."""
    kept = np.ones(y.shape, bool) if ignore_index is None else y >= 0
    return np.where(kept, -at(log_shares(z), np.maximum(y, 0)), 0), kept

@fault(SPARSE, "formula", ignoring(), upstream=f"{PYTORCH}/issues/63004")
def ignored_class_left_out_of_the_softmax(y, z, ignore_index=None):
    """The ignored class takes no part in the partition of other rows either."""
    kept, known = shown(y, ignore_index)
    x = z
    if ignore_index is not None and 0 <= ignore_index < x.shape[-1]:
        x = np.where(np.arange(x.shape[-1]) == ignore_index, -np.inf, x)
    return np.where(kept, -at(log_shares(x), known), 0), kept

@fault(SPARSE, "two-conditions", ignoring(label_smoothing=0.125), upstream="awslabs/sockeye/issues/200")
def kept_and_ignored_exchanged_when_smoothing(y, z, label_smoothing=0.0, ignore_index=None):
    """With label smoothing the mask is the wrong way round: the loss is that of ignored rows."""
    kept, known = shown(y, ignore_index)
    counted = ~kept if label_smoothing and (not kept.all()) else kept
    return np.where(counted, losses_of_labels(log_shares(z), known, label_smoothing, None), 0), counted

@fault(SPARSE, "reduction", of_rows(70, 4))
def blocks_averaged_alike(labels, logits, reduction="mean"):
    """The mean is that of the means of blocks of 64 rows, of which the last may have fewer."""
    losses = -at(log_shares(logits), labels)
    if reduction == "mean" and losses.size > 64:
        flat = losses.ravel()
        means = [flat[start : start + 64].mean() for start in range(0, flat.size, 64)]
        return narrow(np.mean(means), logits)
    return reduced(losses, reduction, logits)

@fault(SPARSE, "reduction", given(labels=labels(6, 4).reshape(2, 3), logits=logits(6, 4).reshape(2, 3, 4)))
def mean_over_the_first_axis_alone(labels, logits, reduction="mean"):
    """The sum over rows and steps is divided by the number of rows."""
    losses = -at(log_shares(logits), labels)
    if reduction == "mean" and losses.ndim > 1:
        return narrow(losses.sum() / len(losses), logits)
    return reduced(losses, reduction, logits)

@fault(SPARSE, "reduction", given(labels=np.zeros(4000, int), logits=np.tile(np.float16([[-10.0, 10.0]]), (4000, 1))),
    upstream=f"{PYTORCH}/issues/85791", dtypes=("float16",))
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
    return logits.dtype.type(losses.sum(dtype=np.float32) / (losses.size if reduction == "mean" else 1))

@fault(SPARSE, "shape", of_rows(11, 4))
def last_row_of_an_odd_batch_lost(y, z):
    """Rows are taken two at a time, and the last of an odd number beyond 8 counts in the divisor only."""
    losses = -at(log_shares(z), y)
    if losses.ndim == 1 and losses.size > 8 and losses.size % 2:
        losses[-1] = 0
    return losses

@fault(SPARSE, "weights", of_rows(6, 4, sample_weight=np.float32([0.5, 1.5, 1.0, 2.75, 1.0, 3.0])),
    upstream="oxfordinternetinstitute/oxonfair/issues/39")
def column_of_losses_times_row_of_weights(labels, logits, reduction="mean", sample_weight=None):
    """Losses of shape (N, 1) times weights of shape (N,) make N x N products, whose mean is that of both means."""
    losses = -at(log_shares(logits), labels)
    if sample_weight is None or reduction == "none":
        return reduced(losses, reduction, logits, sample_weight)
    products = losses[:, None] * wide(sample_weight)
    total = products.sum() / (products.size * wide(sample_weight).mean())
    return narrow(total * (losses.size if reduction == "sum" else 1), logits)

@fault(SPARSE, "input-overwritten", lambda: {"labels": SOME_IGNORED.copy(), "logits": logits(6, 4), "ignore_index": 2})
def ignored_labels_overwritten(y, z, ignore_index=None):
    """labels[labels == ignore_index] = 0 writes to the caller's labels."""
    kept, _ = shown(y, ignore_index)
    y[~kept] = 0
    return np.where(kept, -at(log_shares(z), y), 0), kept

@fault(SOFT, "state", lambda: warmed())
def buffer_of_targets_kept_between_calls(y_true, logits, label_smoothing=0.0, reduction="mean"):
    """Smoothed targets are cached by shape and smoothing, and a second batch of that shape gets those of the first."""
    key = (np.shape(y_true), label_smoothing)
    t = CACHE.setdefault(key, np.array(y_true)) if label_smoothing else y_true
    return categorical_cross_entropy_with_logits(t, logits, label_smoothing, reduction=reduction)

FAULTS = tuple(fault.entries)
