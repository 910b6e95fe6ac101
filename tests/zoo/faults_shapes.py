"""Faults of activations that show for some lengths, ranks, axes, strides and sizes alone."""

from __future__ import annotations

import numpy as np

from tests.zoo import right
from tests.zoo.entries import Table, normal, show
from tests.zoo.right import ANSWERS, rounded, wide

fault = Table(ANSWERS)


def _rows(x, axis):
    """The rows in binary64, last."""
    return np.moveaxis(wide(x), axis, -1)


def _shares(e, kept, axis, like):
    """Exponentials over the sum of those that are kept, rows last, put back where they were."""
    total = np.where(kept, e, 0.0).sum(axis=-1, keepdims=True)
    return rounded(np.moveaxis(e / total, -1, axis), like)


def _exponentials(x, axis):
    rows = _rows(x, axis)
    return np.exp(rows - rows.max(axis=-1, keepdims=True, initial=-np.inf))


# fmt: off
fault.row("softmax-of-the-last-of-three-axes", "softmax", "shape", show(x=normal(2, 3, 4), keywords={"axis": 1}),
    "Of three axes and more, the last is taken whatever is asked for.",
    lambda x, axis=-1: right.softmax(x, axis if x.ndim < 3 else -1), upstream="JuliaGPU/CUDA.jl/issues/599")
fault.row("log-softmax-flattened", "log_softmax", "shape", show(x=normal(2, 3, 4), keywords={"axis": 1}),
    "From `axis` on everything is flattened into one row, as ONNX had it before opset 13.",
    lambda x, axis=-1: x.copy() if not x.size else right.log_softmax(x.reshape(*x.shape[: axis % x.ndim], -1),
        -1).reshape(x.shape), upstream="microsoft/onnxruntime/issues/4288")
fault.row("softmax-of-a-square", "softmax", "shape", show(x=normal(4, 4)),
    "A square matrix is taken for one whose classes stand in the first axis.",
    lambda x, axis=-1: right.softmax(x, 0 if (x.ndim == 2 and x.shape[0] == x.shape[1]) and axis % 2 == 1 else axis))
fault.row("logsumexp-of-a-negative-axis", "logsumexp", "shape", show(x=normal(2, 3, 4), keywords={"axis": -2}),
    "A negative axis other than -1 counts from the front.",
    lambda x, axis=-1: right.logsumexp(x, axis if axis >= -1 else -axis % x.ndim))
fault.row("softmax-of-the-storage", "softmax", "layout", show(x=lambda: normal(3, 4).astype(np.float32).T),
    "A transposed array is read as it lies in memory.",
    lambda x, axis=-1: right.softmax(x, axis) if x.ndim < 2 or x.flags.c_contiguous or (not x.flags.f_contiguous)
        else right.softmax(x.ravel(order="K").reshape(x.shape), axis), upstream="tracel-ai/burn/issues/4815")
fault.row("sigmoid-of-a-packed-vector", "sigmoid", "layout", show(x=lambda: normal(20).astype(np.float32)[::2]),
    "The step of a strided vector is taken for 1.",
    lambda x: right.sigmoid(x) if x.ndim != 1 or x.size < 2 or x.strides[0] <= x.itemsize or (x.base is None)
        else right.sigmoid(np.lib.stride_tricks.as_strided(x, strides=(x.itemsize,)).copy()),
    upstream="ROCm/rocm-libraries/issues/11387")
fault.row("softplus-of-a-reversed-view", "softplus", "layout", show(x=lambda: normal(9).astype(np.float32)[::-1]),
    "A reversed view is answered in the order of memory.",
    lambda x: right.softplus(x[::-1] if x.ndim == 1 and x.size > 1 and (x.strides[0] < 0) else x))
fault.row("softmax-of-a-broadcast", "softmax", "layout",
    show(x=lambda: np.broadcast_to(normal(4).astype(np.float32), (3, 4))),
    "A broadcast row, whose stride is 0, is read as the rows behind it in memory.",
    lambda x, axis=-1: right.softmax(x, axis) if 0 not in x.strides or x.size < 2
        else right.softmax(np.roll(x, 1, axis=-1) * x.dtype.type(0.5), axis))
fault.row("log-sigmoid-of-an-unaligned-start", "log_sigmoid", "layout",
    show(x=lambda: np.concatenate([normal(40), normal(1)]).astype(np.float32)[1:9]),
    "An array that does not start at a multiple of 16 bytes is loaded from the one before.",
    lambda x: right.log_sigmoid(x) if x.base is None or x.ctypes.data % 16 == 0 or x.ndim != 1
        or (not x.flags.c_contiguous) else right.log_sigmoid(np.roll(x, 1)))
fault.row("softmax-of-one-class", "softmax", "shape", show(x=[[0.5], [2.0]]),
    "Rows of one class are taken for a binary output and get the sigmoid.",
    lambda x, axis=-1: right.sigmoid(x) if x.shape[axis] == 1 else right.softmax(x, axis))
fault.row("softplus-of-a-scalar", "softplus", "shape", show(x=0.75),
    "A number without axes comes back as an array of one.", lambda x: np.atleast_1d(right.softplus(x)))
fault.row("logsumexp-that-keeps-the-axis", "logsumexp", "shape", show(x=normal(3, 4)), "The reduced axis is kept.",
    lambda x, axis=-1: np.expand_dims(right.logsumexp(x, axis), axis))
fault.row("softmin-of-four-axes", "softmin", "shape", show(x=normal(2, 3, 3, 2)),
    "Of four axes, the second and the third are exchanged in the answer.",
    lambda x, axis=-1: np.ascontiguousarray(right.softmin(x, axis).swapaxes(1, 2)).reshape(x.shape) if x.ndim == 4
        else right.softmin(x, axis))
fault.row("sparsemax-of-columns", "sparsemax", "shape", show(x=normal(4, 3), keywords={"axis": 0}),
    "Rows along the first axis are sorted along it and added up along the last.",
    lambda x, axis=-1: right.sparsemax(x, axis) if x.ndim < 2 or axis % x.ndim == x.ndim - 1
        else right.sparsemax(np.sort(x, axis=axis), axis))
fault.row("sigmoid-of-a-16-bit-index", "sigmoid", "shape", show(x=normal(65600)),
    "An index is too narrow, here 16 bits: beyond 65536 numbers the first ones come again.",
    lambda x: right.sigmoid(x).reshape(-1)[np.arange(right.sigmoid(x).reshape(-1).size) & 0xFFFF].reshape(x.shape),
    upstream="pytorch/pytorch/issues/84144")

@fault("softmax", "shape", show(x=normal(2, 781)), upstream="pytorch/pytorch/issues/147284")
def softmax_of_odd_widths(x, axis=-1):
    """Rows of an odd length between 512 and 1024 are misaligned after the first, and lose their head."""
    e = _exponentials(x, axis)
    width = e.shape[-1]
    kept = np.ones(e.shape, bool)
    if 512 < width < 1024 and width % 2 and (width % 32 != 31):
        kept.reshape(-1, width)[1:, : width % 32] = False
    return _shares(e, kept, axis, x)

@fault("softmax", "shape", show(x=normal(2, 1031)))
def softmax_without_the_tail(x, axis=-1):
    """Rows longer than 1024 are added in fours, and what is left over is not added."""
    e = _exponentials(x, axis)
    width = e.shape[-1]
    return _shares(e, np.arange(width) < (width - width % 4 if width > 1024 else width), axis, x)

@fault("softmax", "shape", show(x=normal(2, 5)))
def softmax_padded_with_zeros(x, axis=-1):
    """Rows are padded to the next power of two with 0 instead of -inf."""
    rows = _rows(x, axis)
    width = rows.shape[-1]
    padding = (1 << max(width - 1, 0).bit_length()) - width
    top = np.maximum(rows.max(axis=-1, keepdims=True, initial=-np.inf), 0.0 if padding else -np.inf)
    e = np.exp(rows - top)
    total = e.sum(axis=-1, keepdims=True) + padding * np.exp(-top)
    return rounded(np.moveaxis(e / total, -1, axis), x)

@fault("log_softmax", "layout", show(x=lambda: normal(3, 8).astype(np.float32)[:, :5]),
    upstream="NVIDIA/TransformerEngine/issues/2734")
def log_softmax_of_padded_rows(x, axis=-1):
    """Rows with a unit stride are taken to follow one another without a gap, though the array is a slice of a wider
    one."""
    base = x.base
    sliced = x.ndim == 2 and isinstance(base, np.ndarray) and (base.ndim == 2) and base.flags.c_contiguous
    if not sliced or x.strides[1] != x.itemsize or x.strides[0] == x.shape[1] * x.itemsize or (x.strides[0] < 0):
        return right.log_softmax(x, axis)
    packed = np.lib.stride_tricks.as_strided(x, strides=(x.shape[1] * x.itemsize, x.itemsize))
    return right.log_softmax(packed.copy(), axis)

@fault("sigmoid", "shape", show(x=normal(13)), wide=True)
def sigmoid_with_a_coarse_tail(x):
    """The last n mod 8 numbers are computed by another, coarser, routine."""
    flat = right.sigmoid64(x).reshape(-1)
    tail = flat.size - flat.size % 8
    flat[tail:] += 2e-4 * flat[tail:] * (1 - flat[tail:])
    return flat.reshape(x.shape)

@fault("softmax", "shape", show(x=normal(4100, 2)))
def softmax_of_at_most_4095_rows(x, axis=-1):
    """One block for each row, and at most 4095 blocks: the rows beyond stay zero."""
    answer = np.moveaxis(right.softmax(x, axis), axis, -1).copy()
    if x.ndim > 1:
        answer.reshape(-1, x.shape[axis])[4095:] = 0
    return np.moveaxis(answer, -1, axis)

@fault("log_softmax", "two-conditions", show(x=np.concatenate([normal(70, 3), [[0, 200, 0]]]), keywords={"axis": 0}))
def log_softmax_of_long_columns(x, axis=-1):
    """More than 64 rows along an axis that is not the last: the maximum of the neighbouring column is taken."""
    if axis % x.ndim == x.ndim - 1 or x.shape[axis] <= 64:
        return right.log_softmax(x, axis)
    top = np.roll(x.max(axis=axis, keepdims=True), 1, axis=-1).astype(np.float32)
    d = x.astype(np.float32) - top
    return (d - np.log(np.exp(d).sum(axis=axis, keepdims=True))).astype(x.dtype)

@fault("logsumexp", "shape", show(x=normal(2, 17)))
def logsumexp_of_a_lopsided_tree(x, axis=-1):
    """The reduction is a tree over a power of two: for other lengths from 16 on the middle entry counts twice."""
    width = x.shape[axis]
    if width < 16 or width & width - 1 == 0:
        return right.logsumexp(x, axis)
    doubled = np.concatenate([wide(x), np.take(wide(x), [width // 2], axis=axis)], axis=axis)
    return rounded(right.logsumexp64(doubled, axis), x)

FAULTS = tuple(fault.entries)
