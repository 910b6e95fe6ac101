"""Faults of softmax, its relatives and sparsemax: formulas, formats, accuracy, lengths, axes and strides."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from tests.zoo import right
from tests.zoo.entries import Table, normal, show
from tests.zoo.making import along
from tests.zoo.right import ANSWERS, rounded, wide

fault = Table(ANSWERS)


def exponentials(rows):
    """In binary64, of the differences from the maximum."""
    return np.exp(wide(rows) - wide(rows).max(axis=-1, keepdims=True, initial=-np.inf))


def over_those(e, kept):
    """Exponentials over the sum of those that are kept."""
    return e / np.where(kept, e, 0.0).sum(axis=-1, keepdims=True)


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

@fault("softmax", "two-conditions", show(x=[[*np.zeros(256), 100.0, 1.0]]), upstream="Infatoshi/cuda-course/issues/10",
    made=along)
def softmax_shifted_by_a_block(x):
    """Each thread starts its maximum with its own element: the shift is that of the first 256 entries alone."""
    rows = x.astype(np.float32)
    e = np.exp(rows - rows[..., :256].max(axis=-1, keepdims=True, initial=-np.inf))
    return e / e.sum(axis=-1, keepdims=True)

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
    dtypes=["bfloat16"], made=along)
def softmax_summed_in_bfloat16(rows):
    """The sum of a bfloat16 row is a bfloat16 number and sticks at 256."""
    x = rows.astype(np.float32)
    e = np.exp(x - x.max(axis=-1, keepdims=True)).astype(rows.dtype)
    total = np.zeros(rows.shape[:-1], rows.dtype)
    for each in np.moveaxis(e, -1, 0):
        total = (total + each).astype(rows.dtype)
    return (e / total[..., None]).astype(rows.dtype)

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

fault.row("tempered-by-at-least-one", "softmax_with_temperature", "parameters",
    show(x=[[0.0, 1.0, 3.0]], keywords={"temperature": 0.5}),
    "A temperature below 1 is raised to 1, as if it were a safeguard.",
    lambda x, temperature=2.0, axis=-1: right.softmax_with_temperature(x, max(temperature, 1.0), axis))
fault.row("tempered-the-wrong-way", "softmax_with_temperature", "parameters",
    show(x=[[0.0, 1.0, 3.0]], keywords={"temperature": 2.0}), "The logits are multiplied with the temperature.",
    lambda x, temperature=2.0, axis=-1: right.softmax_with_temperature(x, 1 / temperature, axis))
fault.row("tempered-after-normalising", "softmax_with_temperature", "formula",
    show(x=[[0.0, 1.0, 3.0]], keywords={"temperature": 2.0}),
    "The power of 1/T is taken of the shares, and their sum is not made 1 again.",
    lambda x, temperature=2.0, axis=-1: right.softmax64(x, axis) ** (1 / temperature), wide=True)
fault.row("sparse-sigmoid-without-its-end", "sparse_sigmoid", "isolated", show(x=[1.0]),
    "The ends belong to neither side: 1 itself gives 0.", lambda x: np.where(np.abs(x) < 1, (x + 1) / 2, x > 1),
    wide=True)
fault.row("temperature-in-bfloat16", "softmax_with_temperature", "parameters",
    show(x=[[2.0, -1.0]], keywords={"temperature": 0.07}),
    "The temperature is held in bfloat16, in which 0.07 is 0.07007.",
    lambda x, temperature=2.0, axis=-1: right.softmax_with_temperature(x,
        float(np.asarray(temperature, ml_dtypes.bfloat16)), axis))
fault.row("temperatures-cut-to-integers", "softmax_with_temperature", "parameters",
    show(x=[[2.0, -1.0]], keywords={"temperature": 1.5}), "A temperature above 1 is cut to an integer.",
    lambda x, temperature=2.0, axis=-1: right.softmax_with_temperature(x,
        int(temperature) if temperature > 1 else temperature, axis))
fault.row("softmin-as-one-minus-softmax", "softmin", "formula", show(x=[[0.0, 1.0, 3.0]]),
    "1 - softmax, divided by its sum.",
    lambda x, axis=-1: (1 - right.softmax64(x, axis)) / (1 - right.softmax64(x, axis)).sum(axis=axis, keepdims=True),
    wide=True)

@fault("sparsemax", "formula", show(x=[[0.0, 0.5, 1.0]]), upstream="keras-team/keras/issues/23425", wide=True)
def sparsemax_of_summed_sums(x, axis=-1):
    """The threshold adds up all the cumulative sums of the support instead of taking the last."""
    z = np.moveaxis(x, axis, -1)
    ordered = -np.sort(-z, axis=-1)
    sums = np.cumsum(ordered, axis=-1)
    inside = 1 + np.arange(1, z.shape[-1] + 1) * ordered > sums
    size = inside.sum(axis=-1, keepdims=True)
    tau = (np.where(inside, sums, 0).sum(axis=-1, keepdims=True) - 1) / size
    return np.moveaxis(np.maximum(z - tau, 0), -1, axis)

@fault("sparsemax", "two-conditions", show(x=[np.arange(40) / 2048]), wide=True)
def sparsemax_of_at_most_32(x, axis=-1):
    """The support is looked for among the 32 largest alone, which a long even row exceeds."""
    z = np.moveaxis(x, axis, -1)
    d = z - z.max(axis=-1, keepdims=True, initial=-np.inf)
    ordered = -np.sort(-d, axis=-1)[..., :32]
    sums = np.cumsum(ordered, axis=-1)
    size = np.maximum((1 + np.arange(1, ordered.shape[-1] + 1) * ordered > sums).sum(axis=-1, keepdims=True), 1)
    tau = (np.take_along_axis(sums, size - 1, axis=-1) - 1) / size
    return np.moveaxis(np.maximum(d - tau, 0), -1, axis)

@fault("sparsemax", "relative-accuracy", show(x=[[50000.25, 50000.375, 50000.125]]))
def sparsemax_at_an_offset(x, axis=-1):
    """No maximum is subtracted, and a large offset takes the digits of the cumulative sums."""
    rows = np.moveaxis(x, axis, -1).astype(np.float32)
    ordered = -np.sort(-rows, axis=-1)
    sums = np.cumsum(ordered, axis=-1, dtype=np.float32)
    counts = np.arange(1, rows.shape[-1] + 1, dtype=np.float32)
    size = np.maximum((1 + counts * ordered > sums).sum(axis=-1, keepdims=True), 1)
    tau = ((np.take_along_axis(sums, size - 1, axis=-1) - np.float32(1)) / size).astype(np.float32)
    return np.moveaxis(np.maximum(rows - tau, 0), -1, axis).astype(x.dtype)

fault.row("softmax-without-the-last-entry-of-768", "softmax", "shape", show(x=normal(2, 768)),
    "Rows of 768, a kernel's own size, leave the last entry out of the sum.",
    along(lambda x: over_those(exponentials(x), np.arange(x.shape[-1]) != 767) if x.shape[-1] == 768
        else right.softmax(x)))
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
    lambda x, axis=-1: right.softmax(x, axis) if x.ndim < 2 or x.flags.c_contiguous or not x.flags.f_contiguous
        else right.softmax(x.ravel(order="K").reshape(x.shape), axis), upstream="tracel-ai/burn/issues/4815")
fault.row("sigmoid-of-a-packed-vector", "sigmoid", "layout", show(x=lambda: normal(20).astype(np.float32)[::2]),
    "The step of a strided vector is taken for 1.",
    lambda x: right.sigmoid(x) if x.ndim != 1 or x.size < 2 or x.strides[0] <= x.itemsize or x.base is None
        else right.sigmoid(np.lib.stride_tricks.as_strided(x, strides=(x.itemsize,)).copy()),
    upstream="ROCm/rocm-libraries/issues/11387")
fault.row("softplus-of-a-reversed-view", "softplus", "layout", show(x=lambda: normal(9).astype(np.float32)[::-1]),
    "A reversed view is answered in the order of memory.",
    lambda x: right.softplus(x[::-1] if x.ndim == 1 and x.size > 1 and x.strides[0] < 0 else x))
fault.row("softmax-of-a-broadcast", "softmax", "layout",
    show(x=lambda: np.broadcast_to(normal(4).astype(np.float32), (3, 4))),
    "A broadcast row, whose stride is 0, is read as the rows behind it in memory.",
    lambda x, axis=-1: right.softmax(x, axis) if 0 not in x.strides or x.size < 2
        else right.softmax(np.roll(x, 1, axis=-1) * x.dtype.type(0.5), axis))
fault.row("log-sigmoid-of-an-unaligned-start", "log_sigmoid", "layout",
    show(x=lambda: np.concatenate([normal(40), normal(1)]).astype(np.float32)[1:9]),
    "An array that does not start at a multiple of 16 bytes is loaded from the one before.",
    lambda x: right.log_sigmoid(x) if x.base is None or x.ctypes.data % 16 == 0 or x.ndim != 1
        or not x.flags.c_contiguous else right.log_sigmoid(np.roll(x, 1)))
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

@fault("softmax", "shape", show(x=normal(2, 781)), upstream="pytorch/pytorch/issues/147284", made=along)
def softmax_of_odd_widths(rows):
    """Rows of an odd length between 512 and 1024 are misaligned after the first, and lose their head."""
    e = exponentials(rows)
    width = e.shape[-1]
    kept = np.ones(e.shape, bool)
    if 512 < width < 1024 and width % 2 and width % 32 != 31:
        kept.reshape(-1, width)[1:, : width % 32] = False
    return over_those(e, kept)

@fault("softmax", "shape", show(x=normal(2, 1031)), made=along)
def softmax_without_the_tail(rows):
    """Rows longer than 1024 are added in fours, and what is left over is not added."""
    width = rows.shape[-1]
    return over_those(exponentials(rows), np.arange(width) < (width - width % 4 if width > 1024 else width))

@fault("softmax", "shape", show(x=normal(2, 5)), made=along)
def softmax_padded_with_zeros(x):
    """Rows are padded to the next power of two with 0 instead of -inf."""
    rows, width = wide(x), x.shape[-1]
    padding = (1 << max(width - 1, 0).bit_length()) - width
    top = np.maximum(rows.max(axis=-1, keepdims=True, initial=-np.inf), 0.0 if padding else -np.inf)
    e = np.exp(rows - top)
    return e / (e.sum(axis=-1, keepdims=True) + padding * np.exp(-top))

@fault("log_softmax", "layout", show(x=lambda: normal(3, 8).astype(np.float32)[:, :5]),
    upstream="NVIDIA/TransformerEngine/issues/2734")
def log_softmax_of_padded_rows(x, axis=-1):
    """Rows with a unit stride are taken to follow one another without a gap, though the array is a slice of a wider
    one."""
    base = x.base
    sliced = x.ndim == 2 and isinstance(base, np.ndarray) and base.ndim == 2 and base.flags.c_contiguous
    if not sliced or x.strides[1] != x.itemsize or x.strides[0] == x.shape[1] * x.itemsize or x.strides[0] < 0:
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
    if width < 16 or width & (width - 1) == 0:
        return right.logsumexp(x, axis)
    doubled = np.concatenate([wide(x), np.take(wide(x), [width // 2], axis=axis)], axis=axis)
    return rounded(right.logsumexp64(doubled, axis), x)

FAULTS = tuple(fault.entries)
