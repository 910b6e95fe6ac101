"""Wrong cross-entropies of labels or targets and logits: values, dtypes, reductions, weights, ignored rows."""

from __future__ import annotations

import numpy as np

from tests.zoo.entries import Table, given
from tests.zoo.making import added, in_binary32, mean_of_means
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
    sparse_categorical_cross_entropy_with_logits,
    wide,
)
from tests.zoo.row_inputs import distributions, labels, logits, of_labels, of_log_shares, of_rows

fault = Table(ROWS, wide=True)
RIGHT = sparse_categorical_cross_entropy_with_logits
SPARSE = "sparse_categorical_cross_entropy_with_logits"
PYTORCH = "https://github.com/pytorch/pytorch"


def log_sum(x, top):
    return top + np.log(np.exp(x - top).sum(axis=-1, keepdims=True))


SOFT = "categorical_cross_entropy_with_logits"
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
fault.row("offset-rounded-into-the-log-sum", SPARSE, "relative-accuracy",
    given(labels=[1, 0], logits=[[1e8, 1e8], [300.0, 290.0]]),
    "The maximum is added to the log-sum before the logit is subtracted, so that a large common offset eats the loss.",
    of_log_shares(lambda x: x - log_sum(x, x.max(axis=-1, keepdims=True))), upstream=f"{PYTORCH}/issues/11752")
fault.row("no-shift-in-a-wider-format", SPARSE, "narrow-range", given(labels=[0], logits=[[-800.0, -801.0]]),
    "Exponentials are taken in binary64 without a shift: logits beyond 709 overflow, below -745 vanish.",
    of_log_shares(lambda x: x.astype(np.float64) - np.log(np.exp(x.astype(np.float64)).sum(axis=-1, keepdims=True))))
fault.row("logits-clamped-at-fifty", SPARSE, "narrow-range", given(labels=[1], logits=[[80.0, -80.0]]),
    "Logits are clamped to [-50, 50] against overflow.", of_log_shares(lambda x: log_shares(np.clip(x, -50, 50))))
fault.row("epsilon-inside-the-logarithm-of-softmax", SPARSE, "relative-accuracy",
    given(labels=[1], logits=[[0.0, -20.0]]), "log(softmax + 1e-10): losses beyond 15 are wrong and none is above 23.",
    of_log_shares(lambda x: np.log(np.exp(log_shares(x)) + 1e-10)))
fault.row("equal-logits-lose-nothing", SPARSE, "isolated", given(labels=[1], logits=np.full((1, 3), 0.25, np.float32)),
    "A row whose largest and smallest logit are equal is taken for padding and its loss for 0.",
    of_log_shares(lambda x: np.where(np.ptp(x, axis=-1, keepdims=True) == 0, 0, log_shares(x))))
fault.row("a-true-logit-of-zero-is-missing", SPARSE, "isolated", given(labels=[1], logits=[[1.0, 0.0, 2.0]]),
    "`if logit:` takes the true class's logit of exactly 0 for absent, and the loss for 0.",
    of_log_shares(lambda x: np.where(x == 0, 0, log_shares(x))))
fault.row("nan-in-a-row-spoils-the-batch", SPARSE, "special-values",
    given(labels=[1, 0], logits=np.float32([[np.nan, 0.0, 1.0], [1.0, 2.0, 3.0]]), reduction="none"),
    "The shift is common to the batch, so that a NaN in one row makes every row's loss NaN.",
    of_log_shares(lambda x: log_shares(x) + 0 * np.max(x, initial=0)))
fault.row("three-axes-normalised-over-the-middle", SPARSE, "shape",
    given(labels=labels(6, 4).reshape(2, 3), logits=logits(6, 4).reshape(2, 3, 4)),
    "With two batch axes, softmax runs over the second axis, not the last.",
    of_log_shares(lambda x: np.moveaxis(log_shares(np.moveaxis(x, 1, -1)), -1, 1) if x.ndim == 3 else log_shares(x)))
fault.row("single-class-gives-its-logit", SPARSE, "shape", given(labels=[0], logits=[[1.5]]),
    "A row of one class is a shortcut that returns the logit, where the loss is 0.",
    of_log_shares(lambda x: -wide(x) if x.shape[-1] == 1 else log_shares(x)))
fault.row("strides-of-logits-not-looked-at", SPARSE, "layout",
    given(labels=labels(6, 4), logits=np.asfortranarray(logits(6, 4))),
    "A kernel takes the logits' memory for C order, and a transposed array for another one.",
    of_log_shares(lambda x: log_shares(x.ravel(order="K").reshape(x.shape))),
    upstream="NVIDIA/TransformerEngine/issues/2734")
fault.row("labels-kept-in-one-byte", SPARSE, "labels", given(labels=[260, 3], logits=logits(2, 300)),
    "Labels are stored as uint8: class 256 is class 0.", of_labels(lambda y, x: y.astype(np.uint8)),
    upstream="open-mmlab/mmsegmentation/issues/3583")
fault.row("labels-pass-through-half-precision", SPARSE, "labels",
    given(labels=[2051, 7], logits=logits(2, 2100, "float16")),
    "Labels are cast to the logits' dtype and back: from 2048 on, float16 holds even classes only.",
    of_labels(lambda y, x: np.minimum(y.astype(x.dtype).astype(np.int64), x.shape[-1] - 1)),
    upstream="tensorflow/tensorflow/pull/51053", dtypes=("float16",))
fault.row("flat-index-in-the-labels-dtype", SPARSE, "labels",
    given(labels=labels(40, 9, "uint8"), logits=logits(40, 9)),
    "Row * classes + label is computed in the dtype of the labels, and wraps for uint8 and int8.",
    lambda y, z: -log_shares(z).ravel()[(np.arange(y.size).astype(y.dtype).reshape(y.shape)
        * y.dtype.type(z.shape[-1] % 256) + y).astype(np.int64) % log_shares(z).ravel().size],
    upstream="Lightning-AI/torchmetrics/issues/1510")
fault.row("signed-bytes-from-128-on", SPARSE, "labels",
    given(labels=np.array([200, 3], np.uint8), logits=logits(2, 230)),
    "Labels of dtype uint8 are read as int8, so that class 200 becomes -56, counted from the end.",
    of_labels(lambda y, x: y.astype(np.int8).astype(np.int64) % x.shape[-1] if y.dtype == np.uint8 else y))
fault.row("square-batches-indexed-the-other-way", SPARSE, "shape", of_rows(5, 5),
    "With as many rows as classes, p[labels, arange] passes unnoticed for p[arange, labels].",
    lambda y, z: -at(log_shares(z).T if z.ndim == 2 and z.shape[0] == z.shape[1] else log_shares(z), y))
fault.row("label-zero-is-padding", SPARSE, "labels", given(labels=[0, 2], logits=logits(2, 4)),
    "Class 0 is taken for padding, as sequence models mask it, and its loss for 0.",
    lambda y, z: np.where(y == 0, 0, -at(log_shares(z), y)))
fault.row("last-class-cut-off", SPARSE, "labels", given(labels=[3], logits=logits(1, 4)),
    "Labels are clipped to the classes less two: the last class is taken for the one before.",
    of_labels(lambda y, x: np.minimum(y, max(x.shape[-1] - 2, 0))))

@fault(SPARSE, "two-conditions", given(labels=[0, 1], logits=[[500.0, 0.0], [-500.0, -501.0]]), made=of_log_shares)
def one_maximum_for_the_batch(x):
    """The shift is the batch's maximum: a row far below it, in a batch with others, underflows."""
    x = x.astype(np.float64)
    return x - log_sum(x, x.max(initial=0))

@fault(SPARSE, "narrow-range", given(labels=[0], logits=[[-400.0, -401.0, -400.5]]), made=of_log_shares)
def shift_by_the_largest_magnitude(x):
    """The shift is max |x|: rows of large negative logits underflow."""
    x = x.astype(np.float64)
    return x - log_sum(x, np.abs(x).max(axis=-1, keepdims=True))

@fault(SPARSE, "shape", of_rows(6, 11), made=of_log_shares)
def tail_of_the_block_padded_with_zeros(x):
    """Rows longer than a block of 8 are padded with logits of 0, not -inf, up to a whole block."""
    x = x.astype(np.float64)
    missing = -x.shape[-1] % 8 if x.shape[-1] > 8 else 0
    padded = np.concatenate([x, np.zeros((*x.shape[:-1], missing))], axis=-1)
    return x - log_sum(padded, padded.max(axis=-1, keepdims=True))

@fault(SPARSE, "shape", of_rows(6, 19), made=of_log_shares)
def last_element_of_odd_vectors_not_summed(x):
    """A loop unrolled by 4 leaves out the last logit of rows whose length is 3 modulo 4, beyond 16."""
    x = wide(x)
    summed = x[..., :-1] if x.shape[-1] > 16 and x.shape[-1] % 4 == 3 else x
    return x - log_sum(summed, x.max(axis=-1, keepdims=True))

@fault(SPARSE, "two-conditions", given(labels=[5], logits=np.float32([[0.5] * 1999 + [3.0]])), made=of_log_shares)
def running_sum_not_rescaled_in_the_last_block(x):
    """Online softmax over blocks of 1024 forgets to rescale the sum if the maximum rises in the last of several
    blocks."""
    x = wide(x)
    starts = range(0, x.shape[-1], 1024)
    top, total = np.full((*x.shape[:-1], 1), -np.inf), 0
    for start in starts:
        block = x[..., start : start + 1024]
        higher = np.maximum(top, block.max(axis=-1, keepdims=True))
        scale = 1 if start == starts[-1] and len(starts) > 1 else np.exp(top - higher)
        total = total * scale + np.exp(block - higher).sum(axis=-1, keepdims=True)
        top = higher
    return x - top - np.log(total)

@fault(SPARSE, "narrow-range", given(labels=[0], logits=np.float32([[0.0] + [-10.5] * 40])), made=of_log_shares)
def exponentials_below_e_to_the_minus_ten_are_dropped(x):
    """Entries more than 10 below the maximum are taken for 0, as block-sparse kernels prune."""
    d = wide(x) - wide(x).max(axis=-1, keepdims=True)
    return d - np.log(np.where(d < -10, 0, np.exp(d)).sum(axis=-1, keepdims=True))

@fault(SPARSE, "narrow-range", given(labels=[0, 1], logits=[[0.0, -2.2], [-2.24, 0.0]]), made=of_log_shares)
def one_interval_of_the_exponential_is_wrong(x):
    """A table of e^x has a typing error of 2^-10 in the entry for [-2.25, -2.1875)."""
    d = wide(x) - wide(x).max(axis=-1, keepdims=True)
    e = np.exp(d) * np.where((d >= -2.25) & (d < -2.1875), 1 + 2.0**-10, 1)
    return d - np.log(e.sum(axis=-1, keepdims=True))

@fault(SPARSE, "special-values", given(labels=[1], logits=np.float32([[np.nan, 0.0, 1.0]])), made=of_log_shares)
def nan_in_a_row_is_passed_over(x):
    """fmax and nansum leave a NaN out of the partition, so that the row's loss is a number."""
    d = wide(x) - np.fmax.reduce(wide(x), axis=-1)[..., None]
    return d - np.log(np.nansum(np.exp(d), axis=-1, keepdims=True))

@fault(SPARSE, "shape", of_rows(65600, 2), upstream="PaddlePaddle/Paddle/issues/53516")
def rows_beyond_the_grid_are_not_computed(y, z):
    """A launch grid of 65,535 blocks leaves the losses of later rows at 0."""
    losses = -at(log_shares(z), y)
    losses.reshape(-1)[65535:] = 0
    return losses

@fault(SPARSE, "layout", given(labels=labels(12, 4)[::2], logits=logits(6, 4)), upstream=f"{PYTORCH}/issues/67167",
    made=of_labels)
def strides_of_labels_not_looked_at(y, x):
    """Every second label of an array is handed over, and the first half of the memory behind is read."""
    behind = y.base if isinstance(y.base, np.ndarray) and y.base.size > y.size else None
    return y if behind is None or y.ndim != 1 else behind.ravel()[: y.size]

fault.row("blocks-averaged-alike", SPARSE, "reduction", of_rows(70, 4),
    "The mean is that of the means of blocks of 64 rows, of which the last may have fewer.",
    added(RIGHT, mean=lambda each: mean_of_means(each, 64)))
fault.row("mean-over-the-first-axis-alone", SPARSE, "reduction",
    given(labels=labels(6, 4).reshape(2, 3), logits=logits(6, 4).reshape(2, 3, 4)),
    "The sum over rows and steps is divided by the number of rows.",
    added(RIGHT, count=lambda each: len(each) if each.ndim else 1))
fault.row("mean-out-of-a-half-precision-sum", SPARSE, "reduction",
    given(labels=np.zeros(4000, int), logits=np.tile(np.float16([[-10.0, 10.0]]), (4000, 1))),
    "float16 losses are added up in float16, where the sum overflows at 65504, and divided afterwards.",
    added(RIGHT, total=lambda each: each.sum(dtype=each.dtype)), upstream=f"{PYTORCH}/issues/85791",
    dtypes=("float16",))
fault.row("double-losses-added-in-single", SPARSE, "reduction", of_rows(50, 5, "float64"),
    "binary64 losses are right one by one, and added up in binary32.", added(RIGHT, total=in_binary32),
    dtypes=("float64",))
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
    counted = ~kept if label_smoothing and not kept.all() else kept
    return np.where(counted, losses_of_labels(log_shares(z), known, label_smoothing, None), 0), counted

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

fault.row("double-input-computed-in-single", SPARSE, "dtype", of_rows(6, 5, "float64"),
    "binary64 logits are cast to binary32 on the way in.",
    lambda labels, logits, reduction="mean": narrow(reduced(-at(log_shares(logits.astype(np.float32)), labels),
        reduction, np.float32(0)), logits), dtypes=("float64",))


@fault(SPARSE, "dtype", given(labels=[7], logits=np.zeros((1, 5000), np.float16)), made=of_log_shares,
    dtypes=("float16",))
def partition_summed_in_half(x):
    """The sum of exponentials of float16 logits is kept in float16, and stops growing at 2048."""
    d = x - x.max(axis=-1, keepdims=True)
    return d - np.log(np.add.accumulate(np.exp(d), axis=-1, dtype=x.dtype)[..., -1:].astype(np.float32))

@fault(SPARSE, "input-overwritten", of_rows(4, 3), upstream="linkedin/Liger-Kernel/issues/343", made=of_log_shares)
def logits_shifted_in_place(x):
    """`logits -= max` writes to the caller's array."""
    x -= x.max(axis=-1, keepdims=True)
    return log_shares(x)

FAULTS = tuple(fault.entries)
