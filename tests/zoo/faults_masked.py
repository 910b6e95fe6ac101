"""Faults of masked activations, of those that keep or write what they should not, and of gradients of right values."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.zoo import right, right_binary
from tests.zoo.entries import Table, normal, show
from tests.zoo.right import ANSWERS, Array, rounded, wide

fault = Table(ANSWERS)
SOME = [[True, False, True, True], [True, True, False, True]]
LONG = np.arange(80) % 3 != 0
_BUFFERS: dict[Any, Array] = {}
_ANSWERS: dict[Any, Array] = {}
_WORKSPACE = [0.0]
_LAST: dict[str, Any] = {}


def _sigmoid_that_remembers(x):
    _LAST["x"] = x.copy()
    return right.sigmoid(x)


ROWS = {"x": normal(3, 4), "cotangent": normal(3, 4, seed=2)}

# fmt: off
fault.row("masked-by-minus-ten-thousand", "masked_softmax", "two-conditions",
    show(mask=[[True, True, False]], x=[[-12000.0, -12001.0, 0.0]]),
    "-10000 is added to what is hidden, which outweighs visible logits that lie lower still.",
    lambda mask, x, axis=-1: right.softmax64(x + np.where(mask, 0.0, -1e4), axis), wide=True)
fault.row("masked-by-multiplying", "masked_softmax", "formula", show(mask=SOME, x=normal(2, 4)),
    "The logits are multiplied with the mask: what is hidden takes part as a logit of 0.",
    lambda mask, x, axis=-1: right.softmax64(np.where(mask, x, 0.0), axis), wide=True)
fault.row("masked-by-adding", "masked_softmax", "special-values",
    show(mask=SOME, x=[[0.0, np.nan, 1.0, 2.0], [0.0, 1.0, 2.0, 3.0]]),
    "A mask of 0 and -inf is added, so that a NaN that is hidden makes its row NaN.",
    lambda mask, x, axis=-1: np.where((np.isnan(x) & ~np.asarray(mask, bool)).any(axis=axis, keepdims=True),
        x.dtype.type(np.nan), right.masked_softmax(mask, x, axis)))
fault.row("masked-by-one-word", "masked_log_softmax", "two-conditions", show(mask=[LONG], x=normal(1, 80)),
    "The mask is packed into one 32-bit word: for longer rows it begins anew.",
    lambda mask, x, axis=-1: right.masked_log_softmax(np.take(np.asarray(mask), np.arange(x.shape[axis]) % 32,
        axis=axis), x, axis))
fault.row("masked-by-the-complement", "masked_softmax", "labels",
    show(mask=lambda: np.array([[1, 0, 1, 1]], np.uint8), x=normal(1, 4)),
    "~mask hides: of a mask of 0 and 1 in integers, the complement is never 0.",
    lambda mask, x, axis=-1: right.masked_softmax(~(~np.asarray(mask)).astype(bool), x, axis))
fault.row("masked-logsumexp-of-zeros", "masked_logsumexp", "formula", show(mask=SOME, x=normal(2, 4)),
    "What is hidden counts as e^0.", lambda mask, x, axis=-1: right.logsumexp64(np.where(mask, x, 0.0), axis),
    wide=True)
fault.row("masked-by-the-smallest-number", "masked_log_softmax", "two-conditions",
    show(mask=[[True, True, False]], x=[[0.0, 1.0, 110.0]]),
    "log(mask + 1e-45) is added, -103 and not -inf: a hidden logit that is much larger takes part.",
    lambda mask, x, axis=-1: np.where(mask, rounded(right.log_softmax64(np.where(mask, wide(x), wide(x) - 103.28),
        axis), x), x.dtype.type(-np.inf)))
fault.row("masked-columns-of-a-square", "masked_softmax", "two-conditions",
    show(mask=[[True, False, True], [True, True, True], [False, True, True]], x=normal(3, 3), keywords={"axis": 0}),
    "Along axis 0 of a square the mask is not transposed with the logits.",
    lambda mask, x, axis=-1: right.masked_softmax(mask.T if x.ndim == 2 and axis % x.ndim == 0
        and x.shape[0] == x.shape[1] else mask, x, axis))
fault.slope("masked-softmax-gradient-of-nan", "masked_softmax", "gradient",
    show(mask=SOME, x=normal(2, 4), cotangent=normal(2, 4, seed=2)),
    "0 * -inf on the way back: the derivative of hidden entries is NaN.",
    lambda mask, x, cotangent, axis=-1: np.where(mask, right.masked_softmax_gradient(mask, x, cotangent, axis),
        x.dtype.type(np.nan)), upstream="tensorflow/tensorflow/issues/11756")
fault.slope("masked-logsumexp-gradient-of-all", "masked_logsumexp", "gradient",
    show(mask=SOME, x=normal(2, 4), cotangent=[1.0, -2.0]), "The way back has forgotten the mask.",
    lambda mask, x, cotangent, axis=-1: right.logsumexp_gradient(x, cotangent, axis))
fault.row("masked-log-softmax-of-the-lowest", "masked_log_softmax", "special-values", show(mask=SOME, x=normal(2, 4)),
    "What is hidden gets the lowest number of float16 instead of -inf.",
    lambda mask, x, axis=-1: np.where(np.isneginf(right.masked_log_softmax(mask, x, axis)), x.dtype.type(-65504.0),
        right.masked_log_softmax(mask, x, axis)))

@fault("masked_softmax", "two-conditions",
    show(mask=[np.arange(80) != 7], x=np.where(np.arange(80) == 7, 200.0, normal(1, 80))))
def masked_softmax_with_a_hidden_maximum(mask, x, axis=-1):
    """In rows of more than 64 the maximum is taken over hidden entries too, beside which the others vanish."""
    if np.shape(x)[axis] <= 64 or not np.isfinite(x).all():
        return right.masked_softmax(mask, x, axis)
    z = wide(x)
    e = np.where(mask, np.exp((z - z.max(axis=axis, keepdims=True)).astype(np.float32)), 0)
    return rounded(e / e.sum(axis=axis, keepdims=True), x)

@fault("masked_softmax", "two-conditions", show(mask=[np.arange(40) >= 32], x=normal(1, 40)))
def masked_online_softmax(mask, x, axis=-1):
    """Online softmax in blocks of 32: where the first block is hidden, the running maximum -inf - -inf is NaN."""
    seen = np.moveaxis(np.asarray(mask, bool), axis, -1)
    lost = (seen.shape[-1] > 32) & seen.any(axis=-1, keepdims=True) & ~seen[..., :32].any(axis=-1, keepdims=True)
    return np.where(
        np.moveaxis(lost, -1, axis) & np.asarray(mask, bool), x.dtype.type(np.nan), right.masked_softmax(mask, x, axis)
    )

@fault("masked_softmax", "two-conditions", show(mask=SOME, x=normal(2, 4)))
def masked_by_the_first_row(mask, x, axis=-1):
    """The mask of the first row is used for the whole batch."""
    rows = np.moveaxis(np.asarray(mask), axis, -1)
    if rows.ndim > 1 and rows.size:
        first = rows.reshape(-1, rows.shape[-1])[0]
        rows = np.broadcast_to(first, rows.shape)
    return right.masked_softmax(np.moveaxis(rows, -1, axis), x, axis)

@fault("masked_softmax", "layout", show(mask=lambda: (np.arange(16).reshape(2, 8) % 3 == 0)[:, ::2], x=normal(2, 4)))
def masked_by_the_storage(mask, x, axis=-1):
    """A mask that is a strided view is read as it lies in memory."""
    if mask.ndim and mask.strides[-1] > mask.itemsize and mask.base is not None:
        mask = np.lib.stride_tricks.as_strided(mask, strides=(*mask.strides[:-1], mask.itemsize))
    return right.masked_softmax(mask, x, axis)

@fault("masked_logsumexp", "two-conditions", show(mask=[[True, True, False]], x=[[0.0, 1.0, 200.0]]))
def masked_logsumexp_shifted_by_the_hidden(mask, x, axis=-1):
    """The shift is the maximum of all entries: a large hidden one makes the visible sum underflow."""
    top = np.where(np.isfinite(x), x, -np.inf).max(axis=axis, keepdims=True, initial=-np.inf).astype(np.float32)
    e = np.where(mask, np.exp(np.where(mask, x, 0) - top.astype(np.float64)), 0.0).astype(np.float32)
    lost = (e.sum(axis=axis) == 0) & np.asarray(mask, bool).any(axis=axis)
    return np.where(lost, x.dtype.type(-np.inf), right.masked_logsumexp(mask, x, axis))

@fault("softmax", "input-overwritten", show(x=normal(2, 4)), upstream="JuliaGPU/CUDA.jl/issues/592")
def softmax_in_place(x, axis=-1):
    """The logits' own memory is used for the exponentials."""
    answer = right.softmax(x, axis)
    if x.flags.writeable:
        np.subtract(x, x.max(axis=axis, keepdims=True, initial=-np.inf), out=x)
    return answer

@fault.gradient("softmax", "input-overwritten", show(x=normal(2, 4), cotangent=normal(2, 4, seed=2)),
    upstream="NVIDIA/apex/issues/1430")
def softmax_gradient_in_place(x, cotangent, axis=-1):
    """The gradient is written to where the cotangent was."""
    slope = right.softmax_gradient(x, cotangent, axis)
    cotangent[...] = slope
    return slope

@fault("masked_softmax", "input-overwritten", show(mask=SOME, x=normal(2, 4)))
def masked_in_place(mask, x, axis=-1):
    """What is hidden is set to -inf in the logits themselves."""
    answer = right.masked_softmax(mask, x, axis)
    if x.flags.writeable:
        x[~np.asarray(mask, bool)] = -np.inf
    return answer

@fault("binary_cross_entropy", "input-overwritten", show(y_true=[1.0, 0.0], y_pred=[1.0, 0.25]))
def binary_cross_entropy_that_clips(y_true, y_pred, sample_weight=None, reduction="mean"):
    """Probabilities are clipped in place, once the batch holds a 0 or a 1."""
    answer = right_binary.binary_cross_entropy(y_true, y_pred, 0.0, sample_weight, reduction)
    if y_pred.flags.writeable:
        y_pred[...] = np.clip(wide(y_pred), 2**-7, 1 - 2**-7).astype(y_pred.dtype)
    return answer

@fault("log_softmax", "state", show(x=normal(2, 4)), show(x=normal(2, 4, seed=2)))
def log_softmax_into_a_buffer(x, axis=-1):
    """One output buffer for each shape: the next call overwrites the answer of the last."""
    key = (x.shape, x.dtype)
    buffer = _BUFFERS.setdefault(key, np.empty(x.shape, x.dtype))
    buffer[...] = right.log_softmax(x, axis)
    return buffer

@fault("softmax", "state", show(x=[[0.0, 1.0], [2.0, 3.0]]), show(x=[[0.0, 1.0], [5.0, 3.0]]))
def softmax_from_memory(x, axis=-1):
    """Answers are kept by shape, axis and first row, as if the rest of the batch followed from it."""
    first = x[:1].tobytes() if x.ndim else x.tobytes()
    key = (x.shape, x.dtype, axis, first)
    if key not in _ANSWERS:
        _ANSWERS[key] = right.softmax(x, axis)
    return _ANSWERS[key].copy()

@fault("hinge", "state", show(y_true=[1.0, -1.0], score=[0.25, 0.5], keywords={"reduction": "sum"}),
    show(y_true=[1.0, -1.0], score=[0.5, 0.25], keywords={"reduction": "sum"}))
def hinge_that_goes_on_adding(y_true, score, sample_weight=None, reduction="mean"):
    """The accumulator of the sum is not set to zero before a call."""
    answer = right_binary.hinge(y_true, score, sample_weight, reduction)
    if reduction != "sum":
        return answer
    _WORKSPACE[0] += float(answer)
    return rounded(np.asarray(_WORKSPACE[0]), score)

@fault.gradient("sigmoid", "state", show(x=[0.5, 1.5]), show(x=[2.5, -1.5], cotangent=[1.0, 1.0]),
    of=_sigmoid_that_remembers)
def sigmoid_gradient_from_memory(x, cotangent):
    """The way back uses what the last way forward left, whatever it was asked for."""
    last = _LAST.get("x")
    known = last is not None and last.shape == x.shape and last.dtype == x.dtype
    return right.sigmoid_gradient(last if known else x, cotangent)

fault.slope("sigmoid-gradient-of-the-answer", "sigmoid", "relative-accuracy",
    show(x=[14.0, 20.0], cotangent=[1.0, 1.0]),
    "p (1 - p) of the rounded answer is 0 from 17 on, where the derivative is e^-x.",
    lambda x, cotangent: cotangent * right.sigmoid(x) * (x.dtype.type(1) - right.sigmoid(x)))
fault.slope("sigmoid-gradient-of-the-first", "sigmoid", "gradient", show(x=[0.5, 1.5], cotangent=[1.0, -3.0]),
    "Of the cotangent, the first number is used for all.",
    lambda x, cotangent: right.sigmoid_gradient(x, np.full_like(cotangent, cotangent.flat[0]) if cotangent.size
        else cotangent), upstream="linkedin/Liger-Kernel/pull/1298")
fault.slope("softmax-gradient-of-the-diagonal", "softmax", "gradient", show(**ROWS),
    "The diagonal of the Jacobian alone, c p (1 - p).",
    lambda x, c, axis=-1: c * right.softmax64(x, axis) * (1 - right.softmax64(x, axis)), wide=True)
fault.slope("softmax-gradient-over-the-batch", "softmax", "two-conditions", show(**ROWS),
    "The scalar product is taken over the whole batch, which one row does not show.",
    lambda x, c, axis=-1: right.softmax64(x, axis) * (c - np.sum(c * right.softmax64(x, axis))), wide=True)
fault.slope("softmax-gradient-along-the-last-axis", "softmax", "shape", show(**ROWS, keywords={"axis": 0}),
    "The scalar product is taken along the last axis, whichever was asked for.",
    lambda x, cotangent, axis=-1: rounded(right.softmax_product(right.softmax64(wide(x), axis), cotangent, -1), x))
fault.slope("log-softmax-gradient-of-unit-sum", "log_softmax", "gradient", show(**ROWS),
    "c - p takes the sum of the cotangent for 1, as it is for a one-hot loss and a gradient of 1.",
    lambda x, c, axis=-1: c - right.softmax64(x, axis), wide=True)
fault.slope("log-softmax-gradient-overflows", "log_softmax", "dtype",
    show(dtype="float16", x=np.zeros((1, 8)), cotangent=np.full((1, 8), 30000.0)),
    "The sum of float16 gradients is a float16 number, and infinite where the derivative is not.",
    lambda x, cotangent, axis=-1: rounded(wide(cotangent) - right.softmax64(wide(x), axis)
        * wide(cotangent.sum(axis=axis, keepdims=True, dtype=x.dtype)), x), upstream="jax-ml/jax/pull/40474",
    dtypes=["float16"])
fault.slope("logsumexp-gradient-of-one", "logsumexp", "gradient", show(x=normal(2, 3), cotangent=[2.0, -0.5]),
    "The gradient is softmax, and the cotangent is left out.", lambda x, cotangent, axis=-1: right.softmax(x, axis))
fault.slope("softmin-gradient-of-the-wrong-sign", "softmin", "gradient", show(**ROWS),
    "The sign of the argument is lost on the way back.",
    lambda x, cotangent, axis=-1: -right.softmin_gradient(x, cotangent, axis))
fault.slope("tempered-gradient-without-temperature", "softmax_with_temperature", "gradient",
    show(**ROWS, keywords={"temperature": 2.0}), "1/T is missing on the way back.",
    lambda x, cotangent, temperature=2.0, axis=-1: rounded(wide(right.softmax_with_temperature_gradient(wide(x),
        cotangent, temperature, axis)) * temperature, x))
fault.slope("softplus-gradient-of-one-beyond-five", "softplus", "narrow-range", show(x=[5.5], cotangent=[1.0]),
    "The derivative is 1 beyond 5, where the linear branch of a coarser format begins.",
    lambda x, cotangent: np.where(x > 5, cotangent, right.softplus_gradient(x, cotangent)))
fault.slope("log-sigmoid-gradient-as-one-minus", "log_sigmoid", "relative-accuracy",
    show(x=[14.0, 20.0], cotangent=[1.0, 1.0]), "1 - sigmoid(x) for sigmoid(-x): the derivative of large numbers is 0.",
    lambda x, cotangent: cotangent * (x.dtype.type(1) - right.sigmoid(x)))
fault.slope("logit-gradient-of-p-minus-its-square", "logit", "relative-accuracy", show(x=[0.99999], cotangent=[1.0]),
    "p - p^2 for p (1 - p) loses its digits next to 1.", lambda x, cotangent: cotangent / (x - x * x))
fault.slope("hard-sigmoid-gradient-beyond-the-cut", "hard_sigmoid", "narrow-range", show(x=[3.25], cotangent=[1.0]),
    "The derivative is cut at 3.5 and the function at 3.",
    lambda x, c, width=6: np.where(np.abs(x) < width / 2 + 0.5, c / width, 0.0), wide=True)
fault.slope("hard-sigmoid-gradient-of-one-width", "hard_sigmoid", "parameters",
    show(x=[1.0], cotangent=[1.0], keywords={"width": 5}), "The derivative is 1/6 for every width.",
    lambda x, c, width=6: np.where(np.abs(x) < width / 2, c / 6, 0.0), wide=True)
fault.slope("sparsemax-gradient-over-the-row", "sparsemax", "gradient",
    show(x=[[0.0, 0.25, 5.0, 5.5]], cotangent=[[1.0, 2.0, -1.0, 0.5]]),
    "The mean over the whole row and not over the support.",
    lambda x, c, axis=-1: np.where(right.sparsemax64(x, axis) > 0, c - c.mean(axis=axis, keepdims=True), 0.0),
    wide=True)

@fault.gradient("softmax", "layout",
    show(x=normal(2, 3), cotangent=lambda: normal(2, 9, seed=2).astype(np.float32)[:, ::3]),
    upstream="flagos-ai/FlagGems/pull/5723")
def softmax_gradient_of_a_packed_cotangent(x, cotangent, axis=-1):
    """The cotangent is read without its strides: broadcast ones are the numbers behind the first."""
    if cotangent.ndim and cotangent.base is not None and cotangent.strides[-1] > cotangent.itemsize:
        strides = (*cotangent.strides[:-1], cotangent.itemsize)
        cotangent = np.lib.stride_tricks.as_strided(cotangent, strides=strides).copy()
    return right.softmax_gradient(x, cotangent, axis)

@fault.gradient("log_softmax", "layout",
    show(x=normal(2, 3), cotangent=lambda: normal(2, 6, seed=2).astype(np.float32)[:, :3]),
    upstream="torch/nn/issues/832")
def log_softmax_gradient_of_a_slice(x, cotangent, axis=-1):
    """A sliced cotangent is taken to be packed."""
    width = cotangent.shape[-1] * cotangent.itemsize if cotangent.ndim else 0
    if cotangent.ndim == 2 and cotangent.strides[-1] == cotangent.itemsize and cotangent.strides[0] > width:
        packed = np.lib.stride_tricks.as_strided(cotangent, strides=(width, cotangent.itemsize))
        return right.log_softmax_gradient(x, packed.copy(), axis)
    return right.log_softmax_gradient(x, cotangent, axis)

@fault.gradient("sparsemax", "narrow-range", show(x=[[0.0, 0.99, -3.0]], cotangent=[[1.0, -2.0, 0.5]]), wide=True)
def sparsemax_gradient_of_larger_shares(x, cotangent, axis=-1):
    """Entries of less than 1/100 are left out of the support on the way back."""
    inside = right.sparsemax64(x, axis) > 0.01
    c = np.where(inside, cotangent, 0.0)
    return np.where(inside, c - c.sum(axis=axis, keepdims=True) / inside.sum(axis=axis, keepdims=True), 0.0)

FAULTS = tuple(fault.entries)
