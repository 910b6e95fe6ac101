"""Faults of gradients of activations whose values are right."""

from __future__ import annotations

import numpy as np

from tests.zoo import right
from tests.zoo.entries import Table, normal, show
from tests.zoo.right import ANSWERS, rounded, wide

fault = Table(ANSWERS)

ROWS = {"x": normal(3, 4), "cotangent": normal(3, 4, seed=2)}

# fmt: off
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
    if cotangent.ndim and cotangent.base is not None and (cotangent.strides[-1] > cotangent.itemsize):
        strides = (*cotangent.strides[:-1], cotangent.itemsize)
        cotangent = np.lib.stride_tricks.as_strided(cotangent, strides=strides).copy()
    return right.softmax_gradient(x, cotangent, axis)

@fault.gradient("log_softmax", "layout",
    show(x=normal(2, 3), cotangent=lambda: normal(2, 6, seed=2).astype(np.float32)[:, :3]),
    upstream="torch/nn/issues/832")
def log_softmax_gradient_of_a_slice(x, cotangent, axis=-1):
    """A sliced cotangent is taken to be packed."""
    width = cotangent.shape[-1] * cotangent.itemsize if cotangent.ndim else 0
    if cotangent.ndim == 2 and cotangent.strides[-1] == cotangent.itemsize and (cotangent.strides[0] > width):
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
