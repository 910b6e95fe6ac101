"""Faults of masked activations, of functions that keep something between calls, and of those that write to inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import right
import right_binary
from entries import Entry
from planting import normal, plant, plant_gradient, show
from right import Array, quiet, rounded, wide

_TABLE: list[Entry] = []

SOME = [[True, False, True, True], [True, True, False, True]]
LONG = np.arange(80) % 3 != 0


@plant(
    _TABLE,
    "masked_softmax",
    "two-conditions",
    "-10000 is added to what is hidden, which outweighs visible logits that lie lower still",
    show(mask=[[True, True, False]], x=[[-12000.0, -12001.0, 0.0]]),
)
def masked_by_minus_ten_thousand(mask: Any, x: Any, axis: int = -1) -> Array:
    biased = wide(x) + np.where(mask, 0.0, -1e4)
    return rounded(right.softmax64(biased, axis), x)


@plant(
    _TABLE,
    "masked_softmax",
    "two-conditions",
    "in rows of more than 64 the maximum is taken over hidden entries too, beside which the others vanish",
    show(mask=[np.arange(80) != 7], x=np.where(np.arange(80) == 7, 200.0, normal(1, 80))),
)
@quiet
def masked_softmax_with_a_hidden_maximum(mask: Any, x: Any, axis: int = -1) -> Array:
    if np.shape(x)[axis] <= 64 or not np.isfinite(x).all():
        return right.masked_softmax(mask, x, axis)
    z = wide(x)
    e = np.where(mask, np.exp((z - z.max(axis=axis, keepdims=True)).astype(np.float32)), 0)
    return rounded(e / e.sum(axis=axis, keepdims=True), x)


@plant(
    _TABLE,
    "masked_softmax",
    "formula",
    "the logits are multiplied with the mask: what is hidden takes part as a logit of 0",
    show(mask=SOME, x=normal(2, 4)),
)
def masked_by_multiplying(mask: Any, x: Any, axis: int = -1) -> Array:
    return rounded(right.softmax64(np.where(mask, wide(x), 0.0), axis), x)


@plant(
    _TABLE,
    "masked_softmax",
    "special-values",
    "a mask of 0 and -inf is added, so that a NaN that is hidden makes its row NaN",
    show(mask=SOME, x=[[0.0, np.nan, 1.0, 2.0], [0.0, 1.0, 2.0, 3.0]]),
)
@quiet
def masked_by_adding(mask: Any, x: Any, axis: int = -1) -> Array:
    poisoned = (np.isnan(x) & ~np.asarray(mask, bool)).any(axis=axis, keepdims=True)
    return np.where(poisoned, x.dtype.type(np.nan), right.masked_softmax(mask, x, axis))


@plant(
    _TABLE,
    "masked_softmax",
    "two-conditions",
    "online softmax in blocks of 32: where the first block is hidden, the running maximum -inf - -inf is NaN",
    show(mask=[np.arange(40) >= 32], x=normal(1, 40)),
)
@quiet
def masked_online_softmax(mask: Any, x: Any, axis: int = -1) -> Array:
    seen = np.moveaxis(np.asarray(mask, bool), axis, -1)
    lost = (seen.shape[-1] > 32) & seen.any(axis=-1, keepdims=True) & ~seen[..., :32].any(axis=-1, keepdims=True)
    return np.where(
        np.moveaxis(lost, -1, axis) & np.asarray(mask, bool), x.dtype.type(np.nan), right.masked_softmax(mask, x, axis)
    )


@plant(
    _TABLE,
    "masked_softmax",
    "two-conditions",
    "the mask of the first row is used for the whole batch",
    show(mask=SOME, x=normal(2, 4)),
)
def masked_by_the_first_row(mask: Any, x: Any, axis: int = -1) -> Array:
    rows = np.moveaxis(np.asarray(mask), axis, -1)
    if rows.ndim > 1 and rows.size:
        first = rows.reshape(-1, rows.shape[-1])[0]
        rows = np.broadcast_to(first, rows.shape)
    return right.masked_softmax(np.moveaxis(rows, -1, axis), x, axis)


@plant(
    _TABLE,
    "masked_log_softmax",
    "two-conditions",
    "the mask is packed into one 32-bit word: for longer rows it begins anew",
    show(mask=[LONG], x=normal(1, 80)),
)
def masked_by_one_word(mask: Any, x: Any, axis: int = -1) -> Array:
    place = np.arange(x.shape[axis]) % 32
    return right.masked_log_softmax(np.take(np.asarray(mask), place, axis=axis), x, axis)


@plant(
    _TABLE,
    "masked_softmax",
    "layout",
    "a mask that is a strided view is read as it lies in memory",
    show(mask=lambda: (np.arange(16).reshape(2, 8) % 3 == 0)[:, ::2], x=normal(2, 4)),
)
def masked_by_the_storage(mask: Any, x: Any, axis: int = -1) -> Array:
    if mask.ndim and mask.strides[-1] > mask.itemsize and mask.base is not None:
        mask = np.lib.stride_tricks.as_strided(mask, strides=(*mask.strides[:-1], mask.itemsize))
    return right.masked_softmax(mask, x, axis)


@plant(
    _TABLE,
    "masked_softmax",
    "labels",
    "~mask hides: of a mask of 0 and 1 in integers, the complement is never 0",
    show(mask=lambda: np.array([[1, 0, 1, 1]], np.uint8), x=normal(1, 4)),
)
@quiet
def masked_by_the_complement(mask: Any, x: Any, axis: int = -1) -> Array:
    hidden = (~np.asarray(mask)).astype(bool)
    return right.masked_softmax(~hidden, x, axis)


@plant(
    _TABLE,
    "masked_logsumexp",
    "formula",
    "what is hidden counts as e^0",
    show(mask=SOME, x=normal(2, 4)),
)
def masked_logsumexp_of_zeros(mask: Any, x: Any, axis: int = -1) -> Array:
    return rounded(right.logsumexp64(np.where(mask, wide(x), 0.0), axis), x)


@plant(
    _TABLE,
    "masked_logsumexp",
    "two-conditions",
    "the shift is the maximum of all entries: a large hidden one makes the visible sum underflow",
    show(mask=[[True, True, False]], x=[[0.0, 1.0, 200.0]]),
)
@quiet
def masked_logsumexp_shifted_by_the_hidden(mask: Any, x: Any, axis: int = -1) -> Array:
    top = np.where(np.isfinite(x), x, -np.inf).max(axis=axis, keepdims=True, initial=-np.inf).astype(np.float32)
    e = np.where(mask, np.exp(np.where(mask, x, 0) - top.astype(np.float64)), 0.0).astype(np.float32)
    lost = (e.sum(axis=axis) == 0) & np.asarray(mask, bool).any(axis=axis)
    return np.where(lost, x.dtype.type(-np.inf), right.masked_logsumexp(mask, x, axis))


@plant(
    _TABLE,
    "masked_log_softmax",
    "two-conditions",
    "log(mask + 1e-45) is added, -103 and not -inf: a hidden logit that is much larger takes part",
    show(mask=[[True, True, False]], x=[[0.0, 1.0, 110.0]]),
)
def masked_by_the_smallest_number(mask: Any, x: Any, axis: int = -1) -> Array:
    biased = np.where(mask, wide(x), wide(x) - 103.28)
    return np.where(mask, rounded(right.log_softmax64(biased, axis), x), x.dtype.type(-np.inf))


@plant(
    _TABLE,
    "masked_softmax",
    "two-conditions",
    "along axis 0 of a square the mask is not transposed with the logits",
    show(mask=[[True, False, True], [True, True, True], [False, True, True]], x=normal(3, 3), keywords={"axis": 0}),
)
def masked_columns_of_a_square(mask: Any, x: Any, axis: int = -1) -> Array:
    turned = x.ndim == 2 and axis % x.ndim == 0 and x.shape[0] == x.shape[1]
    return right.masked_softmax(mask.T if turned else mask, x, axis)


@plant(
    _TABLE,
    "masked_log_softmax",
    "special-values",
    "what is hidden gets the lowest number of float16 instead of -inf",
    show(mask=SOME, x=normal(2, 4)),
)
def masked_log_softmax_of_the_lowest(mask: Any, x: Any, axis: int = -1) -> Array:
    answer = right.masked_log_softmax(mask, x, axis)
    return np.where(np.isneginf(answer), x.dtype.type(-65504.0), answer)


@plant_gradient(
    _TABLE,
    "masked_softmax",
    right.masked_softmax,
    "gradient",
    "0 * -inf on the way back: the slope of hidden entries is NaN",
    show(mask=SOME, x=normal(2, 4), cotangent=normal(2, 4, seed=2)),
    upstream="https://github.com/tensorflow/tensorflow/issues/11756",
)
def masked_softmax_gradient_of_nan(mask: Any, x: Any, cotangent: Any, axis: int = -1) -> Array:
    slope = right.masked_softmax_gradient(mask, x, cotangent, axis)
    return np.where(mask, slope, x.dtype.type(np.nan))


@plant_gradient(
    _TABLE,
    "masked_logsumexp",
    right.masked_logsumexp,
    "gradient",
    "the way back has forgotten the mask",
    show(mask=SOME, x=normal(2, 4), cotangent=[1.0, -2.0]),
)
def masked_logsumexp_gradient_of_all(mask: Any, x: Any, cotangent: Any, axis: int = -1) -> Array:
    return right.logsumexp_gradient(x, cotangent, axis)


@plant(
    _TABLE,
    "softmax",
    "input-overwritten",
    "the logits' own memory is used for the exponentials",
    show(x=normal(2, 4)),
    upstream="https://github.com/JuliaGPU/CUDA.jl/issues/592",
)
def softmax_in_place(x: Any, axis: int = -1) -> Array:
    answer = right.softmax(x, axis)
    if x.flags.writeable:
        np.subtract(x, x.max(axis=axis, keepdims=True, initial=-np.inf), out=x)
    return answer


@plant_gradient(
    _TABLE,
    "softmax",
    right.softmax,
    "input-overwritten",
    "the gradient is written to where what came from above was",
    show(x=normal(2, 4), cotangent=normal(2, 4, seed=2)),
    upstream="https://github.com/NVIDIA/apex/issues/1430",
)
def softmax_gradient_in_place(x: Any, cotangent: Any, axis: int = -1) -> Array:
    slope = right.softmax_gradient(x, cotangent, axis)
    cotangent[...] = slope
    return slope


@plant(
    _TABLE,
    "masked_softmax",
    "input-overwritten",
    "what is hidden is set to -inf in the logits themselves",
    show(mask=SOME, x=normal(2, 4)),
)
def masked_in_place(mask: Any, x: Any, axis: int = -1) -> Array:
    answer = right.masked_softmax(mask, x, axis)
    if x.flags.writeable:
        x[~np.asarray(mask, bool)] = -np.inf
    return answer


@plant(
    _TABLE,
    "binary_cross_entropy",
    "input-overwritten",
    "probabilities are clipped in place, once the batch holds a 0 or a 1",
    show(y_true=[1.0, 0.0], y_pred=[1.0, 0.25]),
)
def binary_cross_entropy_that_clips(
    y_true: Any, y_pred: Any, sample_weight: Any = None, reduction: str = "mean"
) -> Array:
    answer = right_binary.binary_cross_entropy(y_true, y_pred, 0.0, sample_weight, reduction)
    if y_pred.flags.writeable:
        y_pred[...] = np.clip(wide(y_pred), 2**-7, 1 - 2**-7).astype(y_pred.dtype)
    return answer


_BUFFERS: dict[Any, Array] = {}


@plant(
    _TABLE,
    "log_softmax",
    "state",
    "one output buffer for each shape: the next call overwrites the answer of the last",
    show(x=normal(2, 4)),
    show(x=normal(2, 4, seed=2)),
)
def log_softmax_into_a_buffer(x: Any, axis: int = -1) -> Array:
    key = (x.shape, x.dtype)
    buffer = _BUFFERS.setdefault(key, np.empty(x.shape, x.dtype))
    buffer[...] = right.log_softmax(x, axis)
    return buffer


_ANSWERS: dict[Any, Array] = {}


@plant(
    _TABLE,
    "softmax",
    "state",
    "answers are kept by shape, axis and first row, as if the rest of the batch followed from it",
    show(x=[[0.0, 1.0], [2.0, 3.0]]),
    show(x=[[0.0, 1.0], [5.0, 3.0]]),
)
def softmax_from_memory(x: Any, axis: int = -1) -> Array:
    first = x[:1].tobytes() if x.ndim else x.tobytes()
    key = (x.shape, x.dtype, axis, first)
    if key not in _ANSWERS:
        _ANSWERS[key] = right.softmax(x, axis)
    return _ANSWERS[key].copy()


_WORKSPACE = [0.0]


@plant(
    _TABLE,
    "hinge",
    "state",
    "the accumulator of the sum is not set to zero before a call",
    show(y_true=[1.0, -1.0], score=[0.25, 0.5], keywords={"reduction": "sum"}),
    show(y_true=[1.0, -1.0], score=[0.5, 0.25], keywords={"reduction": "sum"}),
)
def hinge_that_goes_on_adding(y_true: Any, score: Any, sample_weight: Any = None, reduction: str = "mean") -> Array:
    answer = right_binary.hinge(y_true, score, sample_weight, reduction)
    if reduction != "sum":
        return answer
    _WORKSPACE[0] += float(answer)
    return rounded(np.asarray(_WORKSPACE[0]), score)


_LAST: dict[str, Any] = {}


def _sigmoid_that_remembers(x: Any) -> Array:
    _LAST["x"] = x.copy()
    return right.sigmoid(x)


@plant_gradient(
    _TABLE,
    "sigmoid",
    _sigmoid_that_remembers,
    "state",
    "the way back uses what the last way forward left, whatever it was asked for",
    show(x=[0.5, 1.5]),
    show(x=[2.5, -1.5], cotangent=[1.0, 1.0]),
)
def sigmoid_gradient_from_memory(x: Any, cotangent: Any) -> Array:
    last = _LAST.get("x")
    known = last is not None and last.shape == x.shape and last.dtype == x.dtype
    return right.sigmoid_gradient(last if known else x, cotangent)


FAULTS = tuple(_TABLE)
