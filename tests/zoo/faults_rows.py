"""Faults of softmax and its relatives: formulas, formats and accuracy."""

from __future__ import annotations

import numpy as np

from tests.zoo import right
from tests.zoo.entries import Table, normal, show
from tests.zoo.right import ANSWERS, wide

fault = Table(ANSWERS)

# fmt: off
fault.row("logsumexp-of-a-wide-float16-row", "logsumexp", "two-conditions", show(dtype="float16", x=[np.zeros(65536)]),
    "A float16 row of more than 65504 equal numbers has an infinite sum, though its logarithm is 11.09.",
    lambda x, axis=-1: np.where(np.isinf(np.exp(right.logsumexp64(wide(x), axis)
        - np.max(wide(x), axis=axis)).astype(x.dtype)), x.dtype.type(np.inf), right.logsumexp(x, axis)),
    upstream="google-research/last/pull/43", dtypes=["float16"])
fault.row("log-softmax-minus-logsumexp", "log_softmax", "relative-accuracy", show(x=[[-1e7, -1e7 + 1, -1e7 + 1]]),
    "x - (max + log sum) rounds to the spacing of numbers as large as the row's offset.",
    lambda x, axis=-1: x - np.expand_dims(right.logsumexp(x, axis), axis), upstream="pytorch/pytorch/issues/38839")
fault.row("log-softmax-of-softmax", "log_softmax", "narrow-range", show(x=[[0.0, -150.0]]),
    "The logarithm of a softmax that has underflowed: -inf from -104 on.",
    lambda x, axis=-1: np.where(right.softmax64(wide(x), axis).astype(np.float32) == 0, -np.inf,
        right.log_softmax64(wide(x), axis)).astype(x.dtype))
fault.row("log-softmax-of-a-shifted-softmax", "log_softmax", "relative-accuracy", show(x=[[0.0, -15.0, -40.0]]),
    "log(softmax + 1e-9): the tail ends at -20.7.", lambda x, axis=-1: np.log(right.softmax64(x, axis) + 1e-9),
    wide=True)
fault.row("logsumexp-of-minus-infinities", "logsumexp", "special-values", show(x=[[-np.inf, -np.inf, -np.inf]]),
    "-inf minus a maximum of -inf is NaN, where the sum of nothing has the logarithm -inf.",
    lambda x, axis=-1: np.where(np.isneginf(right.logsumexp(x, axis)), x.dtype.type(np.nan), right.logsumexp(x, axis)),
    upstream="microsoft/onnxruntime/issues/28461")
fault.row("logsumexp-of-an-infinity", "logsumexp", "special-values", show(x=[[np.inf, 0.0, 1.0]]),
    "+inf minus a maximum of +inf is NaN, where the answer is +inf.",
    lambda x, axis=-1: np.where(np.isposinf(right.logsumexp(x, axis)), x.dtype.type(np.nan), right.logsumexp(x, axis)),
    upstream="sims1253/bayesfam/issues/33")
fault.row("softmax-without-small-shares", "softmax", "relative-accuracy", show(x=[[0.0, -15.0, 3.0]]),
    "Shares below 1e-6 are set to 0, as a clean-up for sparse storage.",
    lambda x, axis=-1: np.where(right.softmax(x, axis) < 1e-6, x.dtype.type(0), right.softmax(x, axis)))
fault.row("softmax-where-nan-spoils-the-batch", "softmax", "special-values", show(x=[[np.nan, 1.0], [0.0, 1.0]]),
    "One maximum for the batch: a NaN in one row makes every row NaN.",
    lambda x, axis=-1: right.softmax(x, axis) + x.dtype.type(0) * np.sum(np.where(np.isnan(x), x, x.dtype.type(0))))
fault.row("softmax-with-a-finite-minus-infinity", "softmax", "two-conditions", show(x=[[-np.inf, -20000.0, -20001.0]]),
    "-inf is replaced by -10000, which outweighs visible logits that lie lower still.",
    lambda x, axis=-1: right.softmax64(np.where(np.isneginf(x), -1e4, x), axis), wide=True)
fault.row("softmax-shifted-by-the-largest-of-all", "softmax", "two-conditions", show(x=[[900.0, 899.0], [0.0, 1.0]]),
    "The maximum is that of the whole array, so that a row far below another underflows to 0 / 0.",
    lambda x, axis=-1: np.exp(x - np.max(x, initial=-np.inf)) / np.exp(x - np.max(x, initial=-np.inf)).sum(axis=axis,
        keepdims=True), wide=True)

@fault("softmax", "narrow-range", show(x=[[100.0, 99.0, 1.0]]))
def softmax_without_a_shift(x, axis=-1):
    """No maximum is subtracted: logits above 88 overflow to NaN."""
    e = np.exp(x.astype(np.float32))
    shares = e / e.sum(axis=axis, keepdims=True)
    bad = np.isinf(e).any(axis=axis, keepdims=True)
    return np.where(bad, shares.astype(x.dtype), right.softmax(x, axis))

@fault("softmax", "two-conditions", show(x=[[*np.zeros(256), 100.0, 1.0]]), upstream="Infatoshi/cuda-course/issues/10")
def softmax_shifted_by_a_block(x, axis=-1):
    """Each thread starts its maximum with its own element: the shift is that of the first 256 entries alone."""
    rows = np.moveaxis(x.astype(np.float32), axis, -1)
    e = np.exp(rows - rows[..., :256].max(axis=-1, keepdims=True, initial=-np.inf))
    return np.moveaxis(e / e.sum(axis=-1, keepdims=True), -1, axis).astype(x.dtype)

@fault("softmax", "two-conditions", show(x=[[*np.zeros(128), *np.full(10, 2.0)]]), wide=True)
def softmax_online_without_rescaling(x, axis=-1):
    """Online softmax in blocks of 128 forgets to rescale the sum when a later block has the larger maximum."""
    rows = np.moveaxis(x, axis, -1)
    top, total = np.full((*rows.shape[:-1], 1), -np.inf), np.zeros((*rows.shape[:-1], 1))
    for start in range(0, rows.shape[-1], 128):
        block = rows[..., start : start + 128]
        top = np.maximum(top, block.max(axis=-1, keepdims=True))
        total = total + np.exp(block - top).sum(axis=-1, keepdims=True)
    return np.moveaxis(np.exp(rows - top) / total, -1, axis)

@fault("softmax", "dtype", show(dtype="float16", x=[np.zeros(4096)]), upstream="sonos/tract/pull/2586",
    dtypes=["float16", "float32"])
def softmax_summed_in_float16(x, axis=-1):
    """The sum of a float16 row is a float16 number and sticks at 2048."""
    if x.dtype != np.float16:
        return right.softmax(x, axis)
    e = np.exp(x - x.max(axis=axis, keepdims=True, initial=-np.inf))
    return e / np.take(np.cumsum(e, axis=axis, dtype=np.float16), [-1], axis=axis)

@fault("softmax", "dtype", show(dtype="bfloat16", x=[np.zeros(512)]), upstream="pytorch/executorch/pull/20090",
    dtypes=["bfloat16"])
def softmax_summed_in_bfloat16(x, axis=-1):
    """The sum of a bfloat16 row is a bfloat16 number and sticks at 256."""
    rows = np.moveaxis(x, axis, -1)
    e = np.exp(rows.astype(np.float32) - rows.astype(np.float32).max(axis=-1, keepdims=True)).astype(x.dtype)
    total = np.zeros(rows.shape[:-1], x.dtype)
    for each in np.moveaxis(e, -1, 0):
        total = (total + each).astype(x.dtype)
    return np.moveaxis((e / total[..., None]).astype(x.dtype), -1, axis)

@fault("log_softmax", "dtype", show(dtype="float16", x=[[-20000.0, -20016.0, -20000.0]]), dtypes=["float16"])
def log_softmax_of_large_float16(x, axis=-1):
    """The row's maximum is added to the logarithm before it is subtracted, in float16, where -20000 has a spacing of
    16."""
    top = x.max(axis=axis, keepdims=True)
    log = np.log(np.exp(x - top).sum(axis=axis, keepdims=True, dtype=np.float32)).astype(x.dtype)
    return x - (top + log).astype(x.dtype)

@fault("softmax", "dtype", show(dtype="float64", x=normal(2, 9)), dtypes=["float32", "float64"])
def softmax_with_a_binary32_partition(x, axis=-1):
    """The partition of a binary64 row is summed in binary32."""
    e = np.exp(wide(x) - np.max(wide(x), axis=axis, keepdims=True, initial=-np.inf))
    if x.dtype != np.float64:
        return right.softmax(x, axis)
    return e / e.sum(axis=axis, keepdims=True, dtype=np.float32)

@fault("softmax", "two-conditions", show(x=[[120.0, *np.zeros(30)]]))
def softmax_shifted_by_the_mean(x, axis=-1):
    """The shift is the row's mean: long rows with one large logit overflow."""
    shift = np.where(np.isfinite(x), x, 0).mean(axis=axis, keepdims=True, dtype=np.float64)
    e = np.exp((wide(x) - shift).astype(np.float32))
    overflown = np.isinf(e).any(axis=axis, keepdims=True) & (np.isfinite(x) | np.isneginf(x)).all(
        axis=axis, keepdims=True
    )
    return np.where(overflown, (e / e.sum(axis=axis, keepdims=True)).astype(x.dtype), right.softmax(x, axis))

@fault("softmax", "relative-accuracy", show(x=[[0.0, 15.0], [14.0, 1.0]]))
def softmax_of_two_as_p_and_one_minus_p(x, axis=-1):
    """Rows of two take a shortcut, p and 1 - p, and the small share is all rounding."""
    if x.shape[axis] != 2:
        return right.softmax(x, axis)
    first, second = np.take(x, 0, axis=axis), np.take(x, 1, axis=axis)
    p = right.sigmoid(first - second)
    return np.stack([p, x.dtype.type(1) - p], axis=axis)

@fault("softmax", "isolated", show(x=[[0.0, 1.0, 3.0]]), wide=True)
def softmax_where_zero_is_padding(x, axis=-1):
    """A logit of exactly 0 is taken for padding and left out of the partition."""
    e = np.exp(x - np.max(x, axis=axis, keepdims=True, initial=-np.inf))
    kept = np.where(x == 0, 0.0, e).sum(axis=axis, keepdims=True)
    return e / np.where(kept == 0, e.sum(axis=axis, keepdims=True), kept)

FAULTS = tuple(fault.entries)
