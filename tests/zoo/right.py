"""Right activations and their gradients in plain NumPy: computed in binary64 by stable formulas, rounded once.

Faults are built on these, each with one defect. `x` has any shape; `axis` is where rows lie.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.zoo.making import Maker

Array = np.ndarray[Any, Any]


def wide(x):
    """The numbers in binary64, copied."""
    return np.array(x, dtype=np.float64)


def rounded(values, like):
    """The values rounded to the dtype of `like`."""
    return np.asarray(values).astype(np.asarray(like).dtype)


def held(parameter, like):
    """A parameter as the dtype of `like` holds it."""
    return float(like.dtype.type(parameter)) if isinstance(parameter, float) else parameter


ANSWERS = Maker(wide, rounded, added=(), added_to_gradient=(), parameter=held)


def sigmoid64(z):
    """Logistic sigmoid in binary64."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), np.where(np.isnan(z), z, e / (1 + e)))


def softplus64(z):
    """log(1 + e^z) in binary64."""
    return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))


def logit64(p):
    """log(p / (1 - p)) in binary64."""
    return np.where(np.abs(p - 0.5) < 0.25, np.log1p((2 * p - 1) / (1 - p)), np.log(p / (1 - p)))


def _shifted(z, axis):
    """The rows minus their maximum, and the maximum."""
    top = np.max(z, axis=axis, keepdims=True, initial=-np.inf)
    return z - top, top


def softmax64(z, axis=-1):
    """Softmax in binary64."""
    e = np.exp(_shifted(z, axis)[0])
    return e / e.sum(axis=axis, keepdims=True)


def _rest(z, axis):
    """The rows minus their maximum, log of the sum of their exponentials without cancellation, and the maximum."""
    d, top = _shifted(z, axis)
    e = np.exp(d)
    if z.shape[axis]:
        first = np.expand_dims(np.argmax(z, axis=axis), axis)
        np.put_along_axis(e, first, np.where(np.isnan(np.take_along_axis(d, first, axis)), np.nan, 0.0), axis)
    return d, np.log1p(e.sum(axis=axis, keepdims=True)), top


def log_softmax64(z, axis=-1):
    """Log-softmax in binary64."""
    d, rest, _ = _rest(z, axis)
    return d - rest


def logsumexp64(z, axis=-1):
    """log of the sum of exponentials in binary64."""
    _, rest, top = _rest(z, axis)
    return np.squeeze(np.where(np.isfinite(top), top + rest, top), axis=axis)


def seen(mask, x):
    """The entries that take part, and -inf for the others."""
    return np.where(np.asarray(mask) != 0, wide(x), -np.inf)


def masked_softmax64(mask, x, axis=-1):
    """Softmax in binary64 of the entries that take part; 0 for the others."""
    return np.where(mask != 0, softmax64(seen(mask, x), axis), 0.0)


def sparsemax64(z, axis=-1):
    """Sparsemax in binary64."""
    d = np.moveaxis(_shifted(z, axis)[0], axis, -1)
    ordered = -np.sort(-d, axis=-1)
    sums = np.cumsum(ordered, axis=-1)
    inside = 1 + np.arange(1, d.shape[-1] + 1) * ordered > sums
    size = np.maximum(inside.sum(axis=-1, keepdims=True), 1)
    tau = (np.take_along_axis(sums, size - 1, axis=-1) - 1) / size
    return np.moveaxis(np.maximum(d - tau, 0.0), -1, axis)


def softmax_product(p, c, axis):
    """The vector-Jacobian product of softmax, from its answers."""
    return p * (c - np.sum(c * p, axis=axis, keepdims=True))


of = ANSWERS.of
sigmoid = of("sigmoid", sigmoid64)
log_sigmoid = of("log_sigmoid", lambda z: -softplus64(-z))
softplus = of("softplus", softplus64)
logit = of("logit", logit64)
hard_sigmoid = of("hard_sigmoid", lambda z, width=6: np.clip((z + width / 2) / width, 0.0, 1.0))
sparse_sigmoid = of("sparse_sigmoid", lambda z: np.clip((z + 1) / 2, 0.0, 1.0))
sparse_plus = of("sparse_plus", lambda z: np.where(z > 1, z, np.square(np.maximum(z + 1, 0.0)) / 4))
softmax = of("softmax", softmax64)
log_softmax = of("log_softmax", log_softmax64)
logsumexp = of("logsumexp", logsumexp64)
softmin = of("softmin", lambda z, axis=-1: softmax64(-z, axis))
softmax_with_temperature = of(
    "softmax_with_temperature", lambda z, temperature=2.0, axis=-1: softmax64(z / temperature, axis)
)
masked_softmax = of("masked_softmax", masked_softmax64)
masked_log_softmax = of(
    "masked_log_softmax", lambda mask, x, axis=-1: np.where(mask != 0, log_softmax64(seen(mask, x), axis), -np.inf)
)
masked_logsumexp = of("masked_logsumexp", lambda mask, x, axis=-1: logsumexp64(seen(mask, x), axis))
sparsemax = of("sparsemax", sparsemax64)

log_sigmoid_gradient = of("log_sigmoid_gradient", lambda z, c: c * sigmoid64(-z))
softplus_gradient = of("softplus_gradient", lambda z, c: c * sigmoid64(z))
logit_gradient = of("logit_gradient", lambda p, c: c / (p * (1 - p)))
hard_sigmoid_gradient = of(
    "hard_sigmoid_gradient", lambda z, c, width=6: np.where(np.abs(z) < width / 2, c / width, 0.0)
)
sparse_sigmoid_gradient = of("sparse_sigmoid_gradient", lambda z, c: np.where(np.abs(z) < 1, c / 2, 0.0))
sparse_plus_gradient = of("sparse_plus_gradient", lambda z, c: c * np.clip((z + 1) / 2, 0.0, 1.0))
softmax_gradient = of("softmax_gradient", lambda z, c, axis=-1: softmax_product(softmax64(z, axis), c, axis))
logsumexp_gradient = of("logsumexp_gradient", lambda z, c, axis=-1: np.expand_dims(c, axis) * softmax64(z, axis))
softmin_gradient = of("softmin_gradient", lambda z, c, axis=-1: -softmax_product(softmax64(-z, axis), c, axis))
masked_logsumexp_gradient = of(
    "masked_logsumexp_gradient",
    lambda mask, x, c, axis=-1: np.expand_dims(c, axis) * masked_softmax64(mask, x, axis),
)


@ANSWERS
def sigmoid_gradient(z, c):
    e = np.exp(-np.abs(z))
    return c * (e / np.square(1 + e))


@ANSWERS
def log_softmax_gradient(z, c, axis=-1):
    return c - softmax64(z, axis) * c.sum(axis=axis, keepdims=True)


@ANSWERS
def softmax_with_temperature_gradient(z, c, temperature=2.0, axis=-1):
    return softmax_product(softmax64(z / temperature, axis), c, axis) / temperature


@ANSWERS
def masked_softmax_gradient(mask, x, c, axis=-1):
    p = masked_softmax64(mask, x, axis)
    return np.where(mask == 0, 0.0, softmax_product(p, np.where(mask == 0, 0.0, c), axis))


@ANSWERS
def masked_log_softmax_gradient(mask, x, c, axis=-1):
    c = np.where(mask != 0, c, 0.0)
    return np.where(mask != 0, c - masked_softmax64(mask, x, axis) * c.sum(axis=axis, keepdims=True), 0.0)


@ANSWERS
def sparsemax_gradient(z, c, axis=-1):
    inside = sparsemax64(z, axis) > 0
    c = np.where(inside, c, 0.0)
    return np.where(inside, c - c.sum(axis=axis, keepdims=True) / inside.sum(axis=axis, keepdims=True), 0.0)
