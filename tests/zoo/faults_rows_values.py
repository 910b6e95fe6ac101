"""Cross-entropies of logits that are wrong for some rows, shapes, layouts, dtypes or labels."""

from __future__ import annotations

import numpy as np
from right_rows import (
    at,
    log_shares,
    reduced,
    wide,
)
from rows_table import Table, labels, logits, of_labels, of_log_shares, of_rows

fault = Table()
SPARSE = "sparse_categorical_cross_entropy_with_logits"
PYTORCH = "https://github.com/pytorch/pytorch"


def log_sum(x, top):
    return top + np.log(np.exp(x - top).sum(axis=-1, keepdims=True))


@fault(
    "offset-rounded-into-the-log-sum",
    SPARSE,
    "relative-accuracy",
    "the maximum is added to the log-sum before the logit is subtracted, so that a large common offset eats the loss",
    upstream=f"{PYTORCH}/issues/11752",
    shows=lambda: {"labels": np.array([1, 0]), "logits": np.float32([[1e8, 1e8], [300.0, 290.0]])},
    made=of_log_shares,
)
def offset_in_log_sum(x):
    return x - log_sum(x, x.max(axis=-1, keepdims=True))


@fault(
    "no-shift-in-a-wider-format",
    SPARSE,
    "narrow-range",
    "exponentials are taken in binary64 without a shift: logits beyond 709 overflow, below -745 vanish",
    shows=lambda: {"labels": np.array([0]), "logits": np.float32([[-800.0, -801.0]])},
    made=of_log_shares,
)
def no_shift(x):
    x = x.astype(np.float64)
    return x - np.log(np.exp(x).sum(axis=-1, keepdims=True))


@fault(
    "one-maximum-for-the-batch",
    SPARSE,
    "two-conditions",
    "the shift is the batch's maximum: a row far below it, in a batch with others, underflows",
    shows=lambda: {"labels": np.array([0, 1]), "logits": np.float32([[500.0, 0.0], [-500.0, -501.0]])},
    made=of_log_shares,
)
def batch_maximum(x):
    x = x.astype(np.float64)
    return x - log_sum(x, x.max(initial=0))


@fault(
    "shift-by-the-largest-magnitude",
    SPARSE,
    "narrow-range",
    "the shift is max |x|: rows of large negative logits underflow",
    shows=lambda: {"labels": np.array([0]), "logits": np.float32([[-400.0, -401.0, -400.5]])},
    made=of_log_shares,
)
def magnitude_shift(x):
    x = x.astype(np.float64)
    return x - log_sum(x, np.abs(x).max(axis=-1, keepdims=True))


@fault(
    "tail-of-the-block-padded-with-zeros",
    SPARSE,
    "shape",
    "rows longer than a block of 8 are padded with logits of 0, not -inf, up to a whole block",
    shows=of_rows(6, 11),
    made=of_log_shares,
)
def padded_with_zeros(x):
    x = x.astype(np.float64)
    missing = -x.shape[-1] % 8 if x.shape[-1] > 8 else 0
    padded = np.concatenate([x, np.zeros((*x.shape[:-1], missing))], axis=-1)
    return x - log_sum(padded, padded.max(axis=-1, keepdims=True))


@fault(
    "last-element-of-odd-vectors-not-summed",
    SPARSE,
    "shape",
    "a loop unrolled by 4 leaves out the last logit of rows whose length is 3 modulo 4, beyond 16",
    shows=of_rows(6, 19),
    made=of_log_shares,
)
def tail_left_out(x):
    x = wide(x)
    summed = x[..., :-1] if x.shape[-1] > 16 and x.shape[-1] % 4 == 3 else x
    return x - log_sum(summed, x.max(axis=-1, keepdims=True))


@fault(
    "running-sum-not-rescaled-in-the-last-block",
    SPARSE,
    "two-conditions",
    "online softmax over blocks of 1024 forgets to rescale the sum if the maximum rises in the last of several blocks",
    shows=lambda: {"labels": np.array([5]), "logits": np.float32([[0.5] * 1999 + [3.0]])},
    made=of_log_shares,
)
def online_without_rescale(x):
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


@fault(
    "exponentials-below-e-to-the-minus-ten-are-dropped",
    SPARSE,
    "narrow-range",
    "entries more than 10 below the maximum are taken for 0, as block-sparse kernels prune",
    shows=lambda: {"labels": np.array([0]), "logits": np.float32([[0.0] + [-10.5] * 40])},
    made=of_log_shares,
)
def pruned(x):
    d = wide(x) - wide(x).max(axis=-1, keepdims=True)
    return d - np.log(np.where(d < -10, 0, np.exp(d)).sum(axis=-1, keepdims=True))


@fault(
    "one-interval-of-the-exponential-is-wrong",
    SPARSE,
    "narrow-range",
    "a table of e^x has a typing error of 2^-10 in the entry for [-2.25, -2.1875)",
    shows=lambda: {"labels": np.array([0, 1]), "logits": np.float32([[0.0, -2.2], [-2.24, 0.0]])},
    made=of_log_shares,
)
def wrong_interval(x):
    d = wide(x) - wide(x).max(axis=-1, keepdims=True)
    e = np.exp(d) * np.where((d >= -2.25) & (d < -2.1875), 1 + 2.0**-10, 1)
    return d - np.log(e.sum(axis=-1, keepdims=True))


@fault(
    "logits-clamped-at-fifty",
    SPARSE,
    "narrow-range",
    "logits are clamped to [-50, 50] against overflow",
    shows=lambda: {"labels": np.array([1]), "logits": np.float32([[80.0, -80.0]])},
    made=of_log_shares,
)
def clamped(x):
    return log_shares(np.clip(x, -50, 50))


@fault(
    "epsilon-inside-the-logarithm-of-softmax",
    SPARSE,
    "relative-accuracy",
    "log(softmax + 1e-10): losses beyond 15 are wrong and none is above 23",
    shows=lambda: {"labels": np.array([1]), "logits": np.float32([[0.0, -20.0]])},
    made=of_log_shares,
)
def epsilon_in_log(x):
    return np.log(np.exp(log_shares(x)) + 1e-10)


@fault(
    "equal-logits-lose-nothing",
    SPARSE,
    "isolated",
    "a row whose largest and smallest logit are equal is taken for padding and its loss for 0",
    shows=lambda: {"labels": np.array([1]), "logits": np.full((1, 3), 0.25, np.float32)},
    made=of_log_shares,
)
def constant_rows(x):
    return np.where(np.ptp(x, axis=-1, keepdims=True) == 0, 0, log_shares(x))


@fault(
    "a-true-logit-of-zero-is-missing",
    SPARSE,
    "isolated",
    "`if logit:` takes the true class's logit of exactly 0 for absent, and the loss for 0",
    shows=lambda: {"labels": np.array([1]), "logits": np.float32([[1.0, 0.0, 2.0]])},
    made=of_log_shares,
)
def zero_is_missing(x):
    return np.where(x == 0, 0, log_shares(x))


@fault(
    "nan-in-a-row-is-passed-over",
    SPARSE,
    "special-values",
    "fmax and nansum leave a NaN out of the partition, so that the row's loss is a number",
    shows=lambda: {"labels": np.array([1]), "logits": np.float32([[np.nan, 0.0, 1.0]])},
    made=of_log_shares,
)
def nan_passed_over(x):
    d = wide(x) - np.fmax.reduce(wide(x), axis=-1)[..., None]
    return d - np.log(np.nansum(np.exp(d), axis=-1, keepdims=True))


@fault(
    "nan-in-a-row-spoils-the-batch",
    SPARSE,
    "special-values",
    "the shift is common to the batch, so that a NaN in one row makes every row's loss NaN",
    shows=lambda: {
        "labels": np.array([1, 0]),
        "logits": np.float32([[np.nan, 0.0, 1.0], [1.0, 2.0, 3.0]]),
        "reduction": "none",
    },
    made=of_log_shares,
)
def nan_spoils_all(x):
    return log_shares(x) + 0 * np.max(x, initial=0)


@fault(
    "three-axes-normalised-over-the-middle",
    SPARSE,
    "shape",
    "with two batch axes, softmax runs over the second axis, not the last",
    shows=lambda: {"labels": labels(6, 4).reshape(2, 3), "logits": logits(6, 4).reshape(2, 3, 4)},
    made=of_log_shares,
)
def middle_axis(x):
    return np.moveaxis(log_shares(np.moveaxis(x, 1, -1)), -1, 1) if x.ndim == 3 else log_shares(x)


@fault(
    "single-class-gives-its-logit",
    SPARSE,
    "shape",
    "a row of one class is a shortcut that returns the logit, where the loss is 0",
    shows=lambda: {"labels": np.array([0]), "logits": np.float32([[1.5]])},
    made=of_log_shares,
)
def single_class(x):
    return -wide(x) if x.shape[-1] == 1 else log_shares(x)


@fault(
    "rows-beyond-the-grid-are-not-computed",
    SPARSE,
    "shape",
    "a launch grid of 65,535 blocks leaves the losses of later rows at 0",
    upstream="https://github.com/PaddlePaddle/Paddle/issues/53516",
    shows=of_rows(65600, 2),
)
def beyond_the_grid(labels, logits, reduction="mean"):
    losses = -at(log_shares(logits), labels)
    losses.reshape(-1)[65535:] = 0
    return reduced(losses, reduction, logits)


@fault(
    "strides-of-logits-not-looked-at",
    SPARSE,
    "layout",
    "a kernel takes the logits' memory for C order, and a transposed array for another one",
    upstream="https://github.com/NVIDIA/TransformerEngine/issues/2734",
    shows=lambda: {"labels": labels(6, 4), "logits": np.asfortranarray(logits(6, 4))},
    made=of_log_shares,
)
def memory_order(x):
    return log_shares(x.ravel(order="K").reshape(x.shape))


@fault(
    "strides-of-labels-not-looked-at",
    SPARSE,
    "layout",
    "every second label of an array is handed over, and the first half of the memory behind is read",
    upstream=f"{PYTORCH}/issues/67167",
    shows=lambda: {"labels": labels(12, 4)[::2], "logits": logits(6, 4)},
    made=of_labels,
)
def label_memory(y, x):
    behind = y.base if isinstance(y.base, np.ndarray) and y.base.size > y.size else None
    return y if behind is None or y.ndim != 1 else behind.ravel()[: y.size]


@fault(
    "labels-kept-in-one-byte",
    SPARSE,
    "labels",
    "labels are stored as uint8: class 256 is class 0",
    upstream="https://github.com/open-mmlab/mmsegmentation/issues/3583",
    shows=lambda: {"labels": np.array([260, 3]), "logits": logits(2, 300)},
    made=of_labels,
)
def labels_in_a_byte(y, x):
    return y.astype(np.uint8)


@fault(
    "labels-pass-through-half-precision",
    SPARSE,
    "labels",
    "labels are cast to the logits' dtype and back: from 2048 on, float16 holds even classes only",
    upstream="https://github.com/tensorflow/tensorflow/pull/51053",
    shows=lambda: {"labels": np.array([2051, 7]), "logits": logits(2, 2100, "float16")},
    made=of_labels,
    dtypes=("float16",),
)
def labels_in_half(y, x):
    return np.minimum(y.astype(x.dtype).astype(np.int64), x.shape[-1] - 1)


@fault(
    "flat-index-in-the-labels-dtype",
    SPARSE,
    "labels",
    "row * classes + label is computed in the dtype of the labels, and wraps for uint8 and int8",
    upstream="https://github.com/Lightning-AI/torchmetrics/issues/1510",
    shows=lambda: {"labels": labels(40, 9, "uint8"), "logits": logits(40, 9)},
)
def flat_index(labels, logits, reduction="mean"):
    flat = log_shares(logits).ravel()
    rows = np.arange(labels.size).astype(labels.dtype).reshape(labels.shape)
    index = rows * labels.dtype.type(logits.shape[-1] % 256) + labels
    return reduced(-flat[index.astype(np.int64) % flat.size], reduction, logits)


@fault(
    "signed-bytes-from-128-on",
    SPARSE,
    "labels",
    "labels of dtype uint8 are read as int8, so that class 200 becomes -56, counted from the end",
    shows=lambda: {"labels": np.array([200, 3], np.uint8), "logits": logits(2, 230)},
    made=of_labels,
)
def read_as_signed(y, x):
    return y.astype(np.int8).astype(np.int64) % x.shape[-1] if y.dtype == np.uint8 else y


@fault(
    "square-batches-indexed-the-other-way",
    SPARSE,
    "shape",
    "with as many rows as classes, p[labels, arange] passes unnoticed for p[arange, labels]",
    shows=of_rows(5, 5),
)
def transposed_if_square(labels, logits, reduction="mean"):
    p = log_shares(logits)
    square = logits.ndim == 2 and logits.shape[0] == logits.shape[1]
    return reduced(-at(p.T if square else p, labels), reduction, logits)


@fault(
    "label-zero-is-padding",
    SPARSE,
    "labels",
    "class 0 is taken for padding, as sequence models mask it, and its loss for 0",
    shows=lambda: {"labels": np.array([0, 2]), "logits": logits(2, 4)},
)
def zero_is_padding(labels, logits, reduction="mean"):
    return reduced(np.where(labels == 0, 0, -at(log_shares(logits), labels)), reduction, logits)


@fault(
    "last-class-cut-off",
    SPARSE,
    "labels",
    "labels are clipped to the classes less two: the last class is taken for the one before",
    shows=lambda: {"labels": np.array([3]), "logits": logits(1, 4)},
    made=of_labels,
)
def last_class_cut(y, x):
    return np.minimum(y, max(x.shape[-1] - 2, 0))


FAULTS = tuple(fault.entries)
