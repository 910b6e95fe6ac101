"""Cross-entropies of logits that are wrong for some rows, shapes, layouts, dtypes or labels."""

from __future__ import annotations

import numpy as np

from tests.zoo.entries import Table, given
from tests.zoo.right_rows import ROWS, at, log_shares, wide
from tests.zoo.row_inputs import labels, logits, of_labels, of_log_shares, of_rows

fault = Table(ROWS, wide=True)
SPARSE = "sparse_categorical_cross_entropy_with_logits"
PYTORCH = "https://github.com/pytorch/pytorch"


def log_sum(x, top):
    return top + np.log(np.exp(x - top).sum(axis=-1, keepdims=True))


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
    top, total = (np.full((*x.shape[:-1], 1), -np.inf), 0)
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
    e = np.exp(d) * np.where((d >= -2.25) & (d < -2.1875), 1 + 2.0 ** (-10), 1)
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

FAULTS = tuple(fault.entries)
