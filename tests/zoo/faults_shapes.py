"""Faults of activations that show for some lengths, ranks, axes, strides and sizes alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import right
from entries import Entry
from planting import normal, plant, show
from right import Array, quiet, rounded, wide

_TABLE: list[Entry] = []


def _rows(x: Any, axis: int) -> Array:
    """The rows in binary64, last."""
    return np.moveaxis(wide(x), axis, -1)


def _shares(e: Array, kept: Any, axis: int, like: Any) -> Array:
    """Exponentials over the sum of those that are kept, rows last, put back where they were."""
    total = np.where(kept, e, 0.0).sum(axis=-1, keepdims=True)
    return rounded(np.moveaxis(e / total, -1, axis), like)


def _exponentials(x: Any, axis: int) -> Array:
    rows = _rows(x, axis)
    return np.exp(rows - rows.max(axis=-1, keepdims=True, initial=-np.inf))


@plant(
    _TABLE,
    "softmax",
    "shape",
    "rows of an odd length between 512 and 1024 are misaligned after the first, and lose their head",
    show(x=normal(2, 781)),
    upstream="https://github.com/pytorch/pytorch/issues/147284",
)
@quiet
def softmax_of_odd_widths(x: Any, axis: int = -1) -> Array:
    e = _exponentials(x, axis)
    width = e.shape[-1]
    kept = np.ones(e.shape, bool)
    if 512 < width < 1024 and width % 2 and width % 32 != 31:
        kept.reshape(-1, width)[1:, : width % 32] = False
    return _shares(e, kept, axis, x)


@plant(
    _TABLE,
    "softmax",
    "shape",
    "rows longer than 1024 are added in fours, and what is left over is not added",
    show(x=normal(2, 1031)),
)
@quiet
def softmax_without_the_tail(x: Any, axis: int = -1) -> Array:
    e = _exponentials(x, axis)
    width = e.shape[-1]
    return _shares(e, np.arange(width) < (width - width % 4 if width > 1024 else width), axis, x)


@plant(
    _TABLE,
    "softmax",
    "shape",
    "rows are padded to the next power of two with 0 instead of -inf",
    show(x=normal(2, 5)),
)
@quiet
def softmax_padded_with_zeros(x: Any, axis: int = -1) -> Array:
    rows = _rows(x, axis)
    width = rows.shape[-1]
    padding = (1 << max(width - 1, 0).bit_length()) - width
    top = np.maximum(rows.max(axis=-1, keepdims=True, initial=-np.inf), 0.0 if padding else -np.inf)
    e = np.exp(rows - top)
    total = e.sum(axis=-1, keepdims=True) + padding * np.exp(-top)
    return rounded(np.moveaxis(e / total, -1, axis), x)


@plant(
    _TABLE,
    "softmax",
    "shape",
    "of three axes and more, the last is taken whatever is asked for",
    show(x=normal(2, 3, 4), keywords={"axis": 1}),
    upstream="https://github.com/JuliaGPU/CUDA.jl/issues/599",
)
def softmax_of_the_last_of_three_axes(x: Any, axis: int = -1) -> Array:
    return right.softmax(x, axis if x.ndim < 3 else -1)


@plant(
    _TABLE,
    "log_softmax",
    "shape",
    "from `axis` on everything is flattened into one row, as ONNX had it before opset 13",
    show(x=normal(2, 3, 4), keywords={"axis": 1}),
    upstream="https://github.com/microsoft/onnxruntime/issues/4288",
)
def log_softmax_flattened(x: Any, axis: int = -1) -> Array:
    place = axis % x.ndim
    if not x.size:
        return x.copy()
    return right.log_softmax(x.reshape(*x.shape[:place], -1), -1).reshape(x.shape)


@plant(
    _TABLE,
    "softmax",
    "shape",
    "a square matrix is taken for one whose classes stand in the first axis",
    show(x=normal(4, 4)),
)
def softmax_of_a_square(x: Any, axis: int = -1) -> Array:
    square = x.ndim == 2 and x.shape[0] == x.shape[1]
    return right.softmax(x, 0 if square and axis % 2 == 1 else axis)


@plant(
    _TABLE,
    "logsumexp",
    "shape",
    "a negative axis other than -1 counts from the front",
    show(x=normal(2, 3, 4), keywords={"axis": -2}),
)
def logsumexp_of_a_negative_axis(x: Any, axis: int = -1) -> Array:
    return right.logsumexp(x, axis if axis >= -1 else -axis % x.ndim)


@plant(
    _TABLE,
    "softmax",
    "layout",
    "a transposed array is read as it lies in memory",
    show(x=lambda: normal(3, 4).astype(np.float32).T),
    upstream="https://github.com/tracel-ai/burn/issues/4815",
)
def softmax_of_the_storage(x: Any, axis: int = -1) -> Array:
    if x.ndim < 2 or x.flags.c_contiguous or not x.flags.f_contiguous:
        return right.softmax(x, axis)
    return right.softmax(x.ravel(order="K").reshape(x.shape), axis)


@plant(
    _TABLE,
    "log_softmax",
    "layout",
    "rows with a unit stride are taken to follow one another without a gap, though the array is a slice of a wider one",
    show(x=lambda: normal(3, 8).astype(np.float32)[:, :5]),
    upstream="https://github.com/NVIDIA/TransformerEngine/issues/2734",
)
def log_softmax_of_padded_rows(x: Any, axis: int = -1) -> Array:
    base = x.base
    sliced = x.ndim == 2 and isinstance(base, np.ndarray) and base.ndim == 2 and base.flags.c_contiguous
    if not sliced or x.strides[1] != x.itemsize or x.strides[0] == x.shape[1] * x.itemsize or x.strides[0] < 0:
        return right.log_softmax(x, axis)
    packed = np.lib.stride_tricks.as_strided(x, strides=(x.shape[1] * x.itemsize, x.itemsize))
    return right.log_softmax(packed.copy(), axis)


@plant(
    _TABLE,
    "sigmoid",
    "layout",
    "the step of a strided vector is taken for 1",
    show(x=lambda: normal(20).astype(np.float32)[::2]),
    upstream="https://github.com/ROCm/rocm-libraries/issues/11387",
)
def sigmoid_of_a_packed_vector(x: Any) -> Array:
    if x.ndim != 1 or x.size < 2 or x.strides[0] <= x.itemsize or x.base is None:
        return right.sigmoid(x)
    return right.sigmoid(np.lib.stride_tricks.as_strided(x, strides=(x.itemsize,)).copy())


@plant(
    _TABLE,
    "softplus",
    "layout",
    "a reversed view is answered in the order of memory",
    show(x=lambda: normal(9).astype(np.float32)[::-1]),
)
def softplus_of_a_reversed_view(x: Any) -> Array:
    reverse = x.ndim == 1 and x.size > 1 and x.strides[0] < 0
    return right.softplus(x[::-1] if reverse else x)


@plant(
    _TABLE,
    "softmax",
    "layout",
    "a broadcast row, whose stride is 0, is read as the rows behind it in memory",
    show(x=lambda: np.broadcast_to(normal(4).astype(np.float32), (3, 4))),
)
def softmax_of_a_broadcast(x: Any, axis: int = -1) -> Array:
    if 0 not in x.strides or x.size < 2:
        return right.softmax(x, axis)
    return right.softmax(np.roll(x, 1, axis=-1) * x.dtype.type(0.5), axis)


@plant(
    _TABLE,
    "log_sigmoid",
    "layout",
    "an array that does not start at a multiple of 16 bytes is loaded from the one before",
    show(x=lambda: np.concatenate([normal(40), normal(1)]).astype(np.float32)[1:9]),
)
def log_sigmoid_of_an_unaligned_start(x: Any) -> Array:
    offset = x.ctypes.data % 16
    if x.base is None or offset == 0 or x.ndim != 1 or not x.flags.c_contiguous:
        return right.log_sigmoid(x)
    return right.log_sigmoid(np.roll(x, 1))


@plant(
    _TABLE,
    "sigmoid",
    "shape",
    "the last n mod 8 numbers are computed by another, coarser, routine",
    show(x=normal(13)),
)
def sigmoid_with_a_coarse_tail(x: Any) -> Array:
    flat = right.sigmoid64(wide(x)).reshape(-1)
    tail = flat.size - flat.size % 8
    flat[tail:] += 2e-4 * flat[tail:] * (1 - flat[tail:])
    return rounded(flat.reshape(x.shape), x)


@plant(
    _TABLE,
    "sigmoid",
    "shape",
    "an index is too narrow, here 16 bits: beyond 65536 numbers the first ones come again",
    show(x=normal(65600)),
    upstream="https://github.com/pytorch/pytorch/issues/84144",
)
def sigmoid_of_a_16_bit_index(x: Any) -> Array:
    flat = right.sigmoid(x).reshape(-1)
    return flat[np.arange(flat.size) & 0xFFFF].reshape(x.shape)


@plant(
    _TABLE,
    "softmax",
    "shape",
    "one block for each row, and at most 4095 blocks: the rows beyond stay zero",
    show(x=normal(4100, 2)),
)
def softmax_of_at_most_4095_rows(x: Any, axis: int = -1) -> Array:
    answer = np.moveaxis(right.softmax(x, axis), axis, -1).copy()
    if x.ndim > 1:
        answer.reshape(-1, x.shape[axis])[4095:] = 0
    return np.moveaxis(answer, -1, axis)


@plant(
    _TABLE,
    "softmax",
    "shape",
    "rows of one class are taken for a binary output and get the sigmoid",
    show(x=[[0.5], [2.0]]),
)
def softmax_of_one_class(x: Any, axis: int = -1) -> Array:
    return right.sigmoid(x) if x.shape[axis] == 1 else right.softmax(x, axis)


@plant(
    _TABLE,
    "softplus",
    "shape",
    "a number without axes comes back as an array of one",
    show(x=0.75),
)
def softplus_of_a_scalar(x: Any) -> Array:
    return np.atleast_1d(right.softplus(x))


@plant(
    _TABLE,
    "logsumexp",
    "shape",
    "the reduced axis is kept",
    show(x=normal(3, 4)),
)
def logsumexp_that_keeps_the_axis(x: Any, axis: int = -1) -> Array:
    return np.expand_dims(right.logsumexp(x, axis), axis)


@plant(
    _TABLE,
    "log_softmax",
    "two-conditions",
    "more than 64 rows along an axis that is not the last: the maximum of the neighbouring column is taken",
    show(x=np.concatenate([normal(70, 3), [[0, 200, 0]]]), keywords={"axis": 0}),
)
@quiet
def log_softmax_of_long_columns(x: Any, axis: int = -1) -> Array:
    if axis % x.ndim == x.ndim - 1 or x.shape[axis] <= 64:
        return right.log_softmax(x, axis)
    top = np.roll(x.max(axis=axis, keepdims=True), 1, axis=-1).astype(np.float32)
    d = x.astype(np.float32) - top
    return (d - np.log(np.exp(d).sum(axis=axis, keepdims=True))).astype(x.dtype)


@plant(
    _TABLE,
    "softmin",
    "shape",
    "of four axes, the second and the third are exchanged in the answer",
    show(x=normal(2, 3, 3, 2)),
)
def softmin_of_four_axes(x: Any, axis: int = -1) -> Array:
    answer = right.softmin(x, axis)
    return np.ascontiguousarray(answer.swapaxes(1, 2)).reshape(x.shape) if x.ndim == 4 else answer


@plant(
    _TABLE,
    "sparsemax",
    "shape",
    "rows along the first axis are sorted along it and added up along the last",
    show(x=normal(4, 3), keywords={"axis": 0}),
)
def sparsemax_of_columns(x: Any, axis: int = -1) -> Array:
    if x.ndim < 2 or axis % x.ndim == x.ndim - 1:
        return right.sparsemax(x, axis)
    return right.sparsemax(np.sort(x, axis=axis), axis)


@plant(
    _TABLE,
    "logsumexp",
    "shape",
    "the reduction is a tree over a power of two: for other lengths from 16 on the middle entry counts twice",
    show(x=normal(2, 17)),
)
@quiet
def logsumexp_of_a_lopsided_tree(x: Any, axis: int = -1) -> Array:
    width = x.shape[axis]
    if width < 16 or width & (width - 1) == 0:
        return right.logsumexp(x, axis)
    doubled = np.concatenate([wide(x), np.take(wide(x), [width // 2], axis=axis)], axis=axis)
    return rounded(right.logsumexp64(doubled, axis), x)


FAULTS = tuple(_TABLE)
