"""Cross-entropies that are wrong in a reduction, with weights, smoothing or ignored rows, or in one dtype."""

from __future__ import annotations

import numpy as np
from right_rows import (
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
from rows_table import Table, distributions, labels, logits, of_rows

fault = Table()
SPARSE = "sparse_categorical_cross_entropy_with_logits"
SOFT = "categorical_cross_entropy_with_logits"
PYTORCH = "https://github.com/pytorch/pytorch"
WEIGHTS = np.float32([0.5, 2.0, 1.25, 3.0])
SOME_IGNORED = np.array([0, 2, 1, 2, 3, 1])


def ignoring(**more):
    return lambda: {"labels": SOME_IGNORED, "logits": logits(6, 4), "ignore_index": 2, **more}


@fault(
    "smoothing-counts-ignored-rows",
    SPARSE,
    "two-conditions",
    "the uniform part of label smoothing sums over ignored rows too",
    upstream=f"{PYTORCH}/issues/73205",
    shows=ignoring(label_smoothing=0.125),
    conventions={"smoothing-and-ignored-rows": "no"},
)
def smoothing_of_ignored(labels, logits, label_smoothing=0.0, ignore_index=None, reduction="mean"):
    kept, known = shown(labels, ignore_index)
    logp = log_shares(logits)
    uniform = label_smoothing * -logp.mean(axis=-1)
    losses = np.where(kept, (1 - label_smoothing) * -at(logp, known), 0) + uniform
    return reduced(losses, reduction, logits, own=kept)


@fault(
    "smoothing-gives-others-what-is-left",
    SPARSE,
    "formula",
    "label smoothing gives every class (1 - e) / C in place of e / C",
    upstream="https://github.com/paiml/aprender/pull/2199",
    shows=of_rows(6, 4, label_smoothing=0.125),
)
def smoothing_of_the_rest(labels, logits, label_smoothing=0.0, reduction="mean"):
    logp = log_shares(logits)
    if label_smoothing == 0:
        return reduced(-at(logp, labels), reduction, logits)
    losses = (1 - label_smoothing) * -at(logp, labels) + (1 - label_smoothing) * -logp.mean(axis=-1)
    return reduced(losses, reduction, logits)


@fault(
    "smoothing-counts-rows-for-classes",
    SPARSE,
    "formula",
    "the uniform part is divided by the number of rows, which is right where N = C",
    shows=of_rows(6, 4, label_smoothing=0.125),
)
def smoothing_over_rows(labels, logits, label_smoothing=0.0, reduction="mean"):
    logp = log_shares(logits)
    uniform = label_smoothing * -logp.sum(axis=-1) / max(1, labels.size)
    return reduced((1 - label_smoothing) * -at(logp, labels) + uniform, reduction, logits)


@fault(
    "smoothing-left-out-of-sums",
    SPARSE,
    "two-conditions",
    "a fast path for reduction=sum does not know of label smoothing",
    shows=of_rows(6, 4, label_smoothing=0.125, reduction="sum"),
)
def smoothing_but_in_sums(labels, logits, label_smoothing=0.0, reduction="mean"):
    e = 0.0 if reduction == "sum" else label_smoothing
    return reduced(losses_of_labels(log_shares(logits), labels, e, None), reduction, logits)


@fault(
    "smoothing-twice-beside-class-weights",
    SPARSE,
    "two-conditions",
    "targets are smoothed before and after the weights are looked up",
    shows=of_rows(6, 4, label_smoothing=0.125, class_weight=WEIGHTS),
)
def smoothed_twice(labels, logits, label_smoothing=0.0, class_weight=None, reduction="mean"):
    e = label_smoothing if class_weight is None else 1 - (1 - label_smoothing) ** 2
    losses = losses_of_labels(log_shares(logits), labels, e, class_weight)
    return reduced(losses, reduction, logits, own=class_weights(class_weight, logits)[labels])


@fault(
    "soft-targets-weighted-as-a-row",
    SOFT,
    "two-conditions",
    "with soft targets the row's loss is multiplied by sum(w t), not each class's term by its weight",
    upstream="https://github.com/PaddlePaddle/Paddle/issues/47813",
    shows=lambda: {"y_true": distributions(6, 4), "logits": logits(6, 4), "class_weight": WEIGHTS},
)
def weight_of_the_row(y_true, logits, class_weight=None, label_smoothing=0.0, reduction="mean"):
    t = smoothed(y_true, label_smoothing)
    weight = (class_weights(class_weight, logits) * t).sum(axis=-1)
    return reduced(weight * -product(t, log_shares(logits)).sum(axis=-1), reduction, logits)


@fault(
    "zero-weights-are-taken-for-none",
    SPARSE,
    "weights",
    "`weight or 1` makes a class that weighs nothing weigh one",
    shows=of_rows(8, 4, class_weight=np.float32([0.0, 1.0, 2.0, 0.5]), reduction="none"),
)
def falsy_weights(labels, logits, class_weight=None, reduction="mean"):
    w = class_weights(class_weight, logits)
    w = np.where(w == 0, 1, w)
    return reduced(losses_of_labels(log_shares(logits), labels, 0, w), reduction, logits, own=w[labels])


@fault(
    "class-weights-of-the-prediction",
    SPARSE,
    "weights",
    "the weight is that of the class with the largest logit, not of the label",
    shows=of_rows(8, 4, class_weight=WEIGHTS),
)
def weights_of_predictions(labels, logits, class_weight=None, reduction="mean"):
    w = class_weights(class_weight, logits)[np.argmax(logits, axis=-1)]
    return reduced(w * -at(log_shares(logits), labels), reduction, logits, own=w)


@fault(
    "class-weights-normalised",
    SPARSE,
    "weights",
    "class weights are scaled to sum to the number of classes, which a mean hides and a sum does not",
    shows=of_rows(8, 4, class_weight=WEIGHTS, reduction="sum"),
)
def normalised_weights(labels, logits, class_weight=None, reduction="mean"):
    w = class_weights(class_weight, logits)
    w = w * len(w) / w.sum()
    return reduced(losses_of_labels(log_shares(logits), labels, 0, w), reduction, logits, own=w[labels])


@fault(
    "weight-of-the-ignored-class-in-the-divisor",
    SPARSE,
    "two-conditions",
    "the mean with class weights divides by the weights of ignored rows too",
    shows=ignoring(class_weight=WEIGHTS),
    conventions={"ignored-class-has-weight": "no"},
)
def ignored_in_divisor(labels, logits, class_weight=None, ignore_index=None, reduction="mean"):
    kept, known = shown(labels, ignore_index)
    w = class_weights(class_weight, logits)
    own = kept if class_weight is None else w[np.clip(labels, 0, len(w) - 1)]
    losses = np.where(kept, losses_of_labels(log_shares(logits), known, 0, w), 0)
    return reduced(losses, reduction, logits, own=own)


@fault(
    "sum-over-ignored-rows-scaled-up",
    SPARSE,
    "two-conditions",
    "reduction=sum is the mean over the rows that are left, times all rows",
    upstream="https://github.com/llvm/torch-mlir/pull/3585",
    shows=ignoring(reduction="sum"),
)
def sum_scaled_up(labels, logits, ignore_index=None, reduction="mean"):
    kept, known = shown(labels, ignore_index)
    losses = np.where(kept, -at(log_shares(logits), known), 0)
    if reduction == "sum":
        losses = losses * losses.size / kept.sum()
    return reduced(losses, reduction, logits, own=kept)


@fault(
    "only-negative-labels-are-ignored",
    SPARSE,
    "parameters",
    "rows are ignored where the label is negative, whatever ignore_index says",
    shows=ignoring(),
)
def negative_is_ignored(labels, logits, ignore_index=None, reduction="mean"):
    kept = np.ones(labels.shape, bool) if ignore_index is None else labels >= 0
    losses = np.where(kept, -at(log_shares(logits), np.maximum(labels, 0)), 0)
    return reduced(losses, reduction, logits, own=kept)


@fault(
    "ignored-class-left-out-of-the-softmax",
    SPARSE,
    "formula",
    "the ignored class takes no part in the partition of other rows either",
    upstream=f"{PYTORCH}/issues/63004",
    shows=ignoring(),
)
def class_left_out(labels, logits, ignore_index=None, reduction="mean"):
    kept, known = shown(labels, ignore_index)
    x = wide(logits)
    if ignore_index is not None and 0 <= ignore_index < x.shape[-1]:
        x = np.where(np.arange(x.shape[-1]) == ignore_index, -np.inf, x)
    return reduced(np.where(kept, -at(log_shares(x), known), 0), reduction, logits, own=kept)


@fault(
    "kept-and-ignored-exchanged-when-smoothing",
    SPARSE,
    "two-conditions",
    "with label smoothing the mask is the wrong way round: the loss is that of ignored rows",
    upstream="https://github.com/awslabs/sockeye/issues/200",
    shows=ignoring(label_smoothing=0.125),
)
def mask_inverted(labels, logits, label_smoothing=0.0, ignore_index=None, reduction="mean"):
    kept, known = shown(labels, ignore_index)
    counted = ~kept if label_smoothing and not kept.all() else kept
    losses = np.where(counted, losses_of_labels(log_shares(logits), known, label_smoothing, None), 0)
    return reduced(losses, reduction, logits, own=counted)


@fault(
    "zero-target-beside-minus-infinity",
    SOFT,
    "special-values",
    "0 * -inf makes the loss NaN where a class with target 0 has the logit -inf",
    upstream="https://github.com/google-deepmind/optax/issues/896",
    shows=lambda: {"y_true": np.float32([[0, 1, 0]]), "logits": np.float32([[-np.inf, 0.0, 1.0]])},
)
def zero_times_infinity(y_true, logits, reduction="mean"):
    return reduced(-(wide(y_true) * log_shares(logits)).sum(axis=-1), reduction, logits)


@fault(
    "blocks-averaged-alike",
    SPARSE,
    "reduction",
    "the mean is that of the means of blocks of 64 rows, of which the last may have fewer",
    shows=of_rows(70, 4),
)
def mean_of_blocks(labels, logits, reduction="mean"):
    losses = -at(log_shares(logits), labels)
    if reduction == "mean" and losses.size > 64:
        flat = losses.ravel()
        means = [flat[start : start + 64].mean() for start in range(0, flat.size, 64)]
        return narrow(np.mean(means), logits)
    return reduced(losses, reduction, logits)


@fault(
    "mean-over-the-first-axis-alone",
    SPARSE,
    "reduction",
    "the sum over rows and steps is divided by the number of rows",
    shows=lambda: {"labels": labels(6, 4).reshape(2, 3), "logits": logits(6, 4).reshape(2, 3, 4)},
)
def mean_over_first(labels, logits, reduction="mean"):
    losses = -at(log_shares(logits), labels)
    if reduction == "mean" and losses.ndim > 1:
        return narrow(losses.sum() / len(losses), logits)
    return reduced(losses, reduction, logits)


@fault(
    "mean-out-of-a-half-precision-sum",
    SPARSE,
    "reduction",
    "float16 losses are added up in float16, where the sum overflows at 65504, and divided afterwards",
    upstream=f"{PYTORCH}/issues/85791",
    shows=lambda: {"labels": np.zeros(4000, int), "logits": np.tile(np.float16([[-10.0, 10.0]]), (4000, 1))},
    dtypes=("float16",),
)
def half_sum(labels, logits, reduction="mean"):
    losses = narrow(-at(log_shares(logits), labels), logits)
    total = losses.sum(dtype=logits.dtype)
    return {"none": losses, "sum": total}.get(reduction, logits.dtype.type(total / losses.size))


@fault(
    "double-losses-added-in-single",
    SPARSE,
    "reduction",
    "binary64 losses are right one by one, and added up in binary32",
    shows=of_rows(50, 5, "float64"),
    dtypes=("float64",),
)
def single_sum(labels, logits, reduction="mean"):
    losses = -at(log_shares(logits), labels)
    if reduction == "none":
        return narrow(losses, logits)
    total = losses.sum(dtype=np.float32)
    return logits.dtype.type(total / (losses.size if reduction == "mean" else 1))


@fault(
    "last-row-of-an-odd-batch-lost",
    SPARSE,
    "shape",
    "rows are taken two at a time, and the last of an odd number beyond 8 counts in the divisor only",
    shows=of_rows(11, 4),
)
def odd_row_lost(labels, logits, reduction="mean"):
    losses = -at(log_shares(logits), labels)
    if losses.ndim == 1 and losses.size > 8 and losses.size % 2:
        losses[-1] = 0
    return reduced(losses, reduction, logits)


@fault(
    "fractions-cut-off-sample-weights",
    SPARSE,
    "weights",
    "sample weights are cast to the labels' integer dtype: 0.5 counts as 0",
    shows=of_rows(6, 4, sample_weight=np.float32([0.5, 1.5, 1.0, 2.75, 1.0, 3.0])),
)
def integer_weights(labels, logits, reduction="mean", sample_weight=None):
    w = None if sample_weight is None else np.asarray(sample_weight).astype(labels.dtype)
    return reduced(-at(log_shares(logits), labels), reduction, logits, w)


@fault(
    "column-of-losses-times-row-of-weights",
    SPARSE,
    "weights",
    "losses of shape (N, 1) times weights of shape (N,) make N x N products, whose mean is that of both means",
    upstream="https://github.com/oxfordinternetinstitute/oxonfair/issues/39",
    shows=of_rows(6, 4, sample_weight=np.float32([0.5, 1.5, 1.0, 2.75, 1.0, 3.0])),
)
def weights_broadcast(labels, logits, reduction="mean", sample_weight=None):
    losses = -at(log_shares(logits), labels)
    if sample_weight is None or reduction == "none":
        return reduced(losses, reduction, logits, sample_weight)
    products = losses[:, None] * wide(sample_weight)
    total = products.sum() / (products.size * wide(sample_weight).mean())
    return narrow(total * (losses.size if reduction == "sum" else 1), logits)


@fault(
    "ignored-labels-overwritten",
    SPARSE,
    "input-overwritten",
    "labels[labels == ignore_index] = 0 writes to the caller's labels",
    shows=lambda: {"labels": SOME_IGNORED.copy(), "logits": logits(6, 4), "ignore_index": 2},
)
def labels_overwritten(labels, logits, ignore_index=None, reduction="mean"):
    kept, _ = shown(labels, ignore_index)
    labels[~kept] = 0
    return reduced(np.where(kept, -at(log_shares(logits), labels), 0), reduction, logits, own=kept)


@fault(
    "buffer-of-targets-kept-between-calls",
    SOFT,
    "state",
    "smoothed targets are cached by shape and smoothing, and a second batch of that shape gets those of the first",
    shows=lambda: warmed(),
)
def cached_targets(y_true, logits, label_smoothing=0.0, reduction="mean"):
    key = (np.shape(y_true), label_smoothing)
    t = CACHE.setdefault(key, np.array(y_true)) if label_smoothing else y_true
    return categorical_cross_entropy_with_logits(t, logits, label_smoothing, reduction=reduction)


CACHE = {}


def warmed():
    CACHE.clear()
    cached_targets(distributions(3, 4, seed=8), logits(3, 4), 0.125)
    return {"y_true": distributions(3, 4, seed=9), "logits": logits(3, 4), "label_smoothing": 0.125}


FAULTS = tuple(fault.entries)
