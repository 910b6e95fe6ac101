"""Right activations and their gradients in plain NumPy: computed in binary64 by stable formulas, rounded once.

Faults are built on these, each with one defect. `x` has any shape; `axis` is where rows lie.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def wide(x):
    """The numbers in binary64, copied."""
    return np.array(x, dtype=np.float64)


def rounded(values, like):
    """The values rounded to the dtype of `like`."""
    return np.asarray(values).astype(np.asarray(like).dtype)


def sigmoid64(z):
    """Logistic sigmoid in binary64."""
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1 / (1 + e), np.where(np.isnan(z), z, e / (1 + e)))


def softplus64(z):
    """log(1 + e^z) in binary64."""
    return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))


def sigmoid(x):
    return rounded(sigmoid64(wide(x)), x)


def log_sigmoid(x):
    return rounded(-softplus64(-wide(x)), x)


def softplus(x):
    return rounded(softplus64(wide(x)), x)


def logit(x):
    p = wide(x)
    middle = np.abs(p - 0.5) < 0.25
    return rounded(np.where(middle, np.log1p((2 * p - 1) / (1 - p)), np.log(p / (1 - p))), x)


def hard_sigmoid(x, width=6):
    return rounded(np.clip((wide(x) + width / 2) / width, 0.0, 1.0), x)


def sparse_sigmoid(x):
    return rounded(np.clip((wide(x) + 1) / 2, 0.0, 1.0), x)


def sparse_plus(x):
    z = wide(x)
    return rounded(np.where(z > 1, z, np.square(np.maximum(z + 1, 0.0)) / 4), x)


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


def softmax(x, axis=-1):
    return rounded(softmax64(wide(x), axis), x)


def log_softmax(x, axis=-1):
    return rounded(log_softmax64(wide(x), axis), x)


def logsumexp(x, axis=-1):
    return rounded(logsumexp64(wide(x), axis), x)


def softmin(x, axis=-1):
    return rounded(softmax64(-wide(x), axis), x)


def tempered(x, temperature):
    """x / T in binary64, T rounded to the dtype of x."""
    return wide(x) / float(np.asarray(x).dtype.type(temperature))


def softmax_with_temperature(x, temperature=2.0, axis=-1):
    return rounded(softmax64(tempered(x, temperature), axis), x)


def seen(mask, x):
    """The entries that take part, and -inf for the others."""
    return np.where(np.asarray(mask) != 0, wide(x), -np.inf)


def masked_softmax64(mask, x, axis=-1):
    """Softmax in binary64 of the entries that take part; 0 for the others."""
    return np.where(np.asarray(mask) != 0, softmax64(seen(mask, x), axis), 0.0)


def masked_softmax(mask, x, axis=-1):
    return rounded(masked_softmax64(mask, x, axis), x)


def masked_log_softmax(mask, x, axis=-1):
    return rounded(np.where(np.asarray(mask) != 0, log_softmax64(seen(mask, x), axis), -np.inf), x)


def masked_logsumexp(mask, x, axis=-1):
    return rounded(logsumexp64(seen(mask, x), axis), x)


def sparsemax64(z, axis=-1):
    """Sparsemax in binary64."""
    d = np.moveaxis(_shifted(z, axis)[0], axis, -1)
    ordered = -np.sort(-d, axis=-1)
    sums = np.cumsum(ordered, axis=-1)
    inside = 1 + np.arange(1, d.shape[-1] + 1) * ordered > sums
    size = np.maximum(inside.sum(axis=-1, keepdims=True), 1)
    tau = (np.take_along_axis(sums, size - 1, axis=-1) - 1) / size
    return np.moveaxis(np.maximum(d - tau, 0.0), -1, axis)


def sparsemax(x, axis=-1):
    return rounded(sparsemax64(wide(x), axis), x)


def sigmoid_gradient(x, cotangent):
    e = np.exp(-np.abs(wide(x)))
    return rounded(wide(cotangent) * (e / np.square(1 + e)), x)


def log_sigmoid_gradient(x, cotangent):
    return rounded(wide(cotangent) * sigmoid64(-wide(x)), x)


def softplus_gradient(x, cotangent):
    return rounded(wide(cotangent) * sigmoid64(wide(x)), x)


def logit_gradient(x, cotangent):
    p = wide(x)
    return rounded(wide(cotangent) / (p * (1 - p)), x)


def hard_sigmoid_gradient(x, cotangent, width=6):
    return rounded(np.where(np.abs(wide(x)) < width / 2, wide(cotangent) / width, 0.0), x)


def sparse_sigmoid_gradient(x, cotangent):
    return rounded(np.where(np.abs(wide(x)) < 1, wide(cotangent) / 2, 0.0), x)


def sparse_plus_gradient(x, cotangent):
    return rounded(wide(cotangent) * np.clip((wide(x) + 1) / 2, 0.0, 1.0), x)


def softmax_product(p, cotangent, axis):
    """The vector-Jacobian product of softmax, in binary64, from its answers."""
    c = wide(cotangent)
    return p * (c - np.sum(c * p, axis=axis, keepdims=True))


def softmax_gradient(x, cotangent, axis=-1):
    return rounded(softmax_product(softmax64(wide(x), axis), cotangent, axis), x)


def log_softmax_gradient(x, cotangent, axis=-1):
    c = wide(cotangent)
    return rounded(c - softmax64(wide(x), axis) * c.sum(axis=axis, keepdims=True), x)


def logsumexp_gradient(x, cotangent, axis=-1):
    return rounded(np.expand_dims(wide(cotangent), axis) * softmax64(wide(x), axis), x)


def softmin_gradient(x, cotangent, axis=-1):
    return rounded(-softmax_product(softmax64(-wide(x), axis), cotangent, axis), x)


def softmax_with_temperature_gradient(x, cotangent, temperature=2.0, axis=-1):
    product = softmax_product(softmax64(tempered(x, temperature), axis), cotangent, axis)
    return rounded(product / float(np.asarray(x).dtype.type(temperature)), x)


def masked_softmax_gradient(mask, x, cotangent, axis=-1):
    hidden = np.asarray(mask) == 0
    product = softmax_product(masked_softmax64(mask, x, axis), np.where(hidden, 0.0, wide(cotangent)), axis)
    return rounded(np.where(hidden, 0.0, product), x)


def masked_log_softmax_gradient(mask, x, cotangent, axis=-1):
    c = np.where(np.asarray(mask) != 0, wide(cotangent), 0.0)
    p = masked_softmax64(mask, x, axis)
    return rounded(np.where(np.asarray(mask) != 0, c - p * c.sum(axis=axis, keepdims=True), 0.0), x)


def masked_logsumexp_gradient(mask, x, cotangent, axis=-1):
    return rounded(np.expand_dims(wide(cotangent), axis) * masked_softmax64(mask, x, axis), x)


def sparsemax_gradient(x, cotangent, axis=-1):
    inside = sparsemax64(wide(x), axis) > 0
    c = np.where(inside, wide(cotangent), 0.0)
    mean = c.sum(axis=axis, keepdims=True) / inside.sum(axis=axis, keepdims=True)
    return rounded(np.where(inside, c - mean, 0.0), x)
