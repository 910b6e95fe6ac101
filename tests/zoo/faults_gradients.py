"""Faults of gradients of activations whose values are right."""

from __future__ import annotations

import numpy as np

from tests.zoo import right
from tests.zoo.entries import Table, normal, show
from tests.zoo.right import rounded, wide

fault = Table()

ROWS = {"x": normal(3, 4), "cotangent": normal(3, 4, seed=2)}


@fault.gradient("sigmoid", "relative-accuracy", show(x=[14.0, 20.0], cotangent=[1.0, 1.0]))
def sigmoid_gradient_of_the_answer(x, cotangent):
    """p (1 - p) of the rounded answer is 0 from 17 on, where the derivative is e^-x."""
    p = right.sigmoid(x)
    return cotangent * p * (x.dtype.type(1) - p)


@fault.gradient(
    "sigmoid",
    "gradient",
    show(x=[0.5, 1.5], cotangent=[1.0, -3.0]),
    upstream="https://github.com/linkedin/Liger-Kernel/pull/1298",
)
def sigmoid_gradient_of_the_first(x, cotangent):
    """Of the cotangent, the first number is used for all."""
    return right.sigmoid_gradient(x, np.full_like(cotangent, cotangent.flat[0]) if cotangent.size else cotangent)


@fault.gradient("softmax", "gradient", show(**ROWS))
def softmax_gradient_of_the_diagonal(x, cotangent, axis=-1):
    """The diagonal of the Jacobian alone, c p (1 - p)."""
    p = right.softmax64(wide(x), axis)
    return rounded(wide(cotangent) * p * (1 - p), x)


@fault.gradient("softmax", "two-conditions", show(**ROWS))
def softmax_gradient_over_the_batch(x, cotangent, axis=-1):
    """The scalar product is taken over the whole batch, which one row does not show."""
    p = right.softmax64(wide(x), axis)
    return rounded(p * (wide(cotangent) - np.sum(wide(cotangent) * p)), x)


@fault.gradient("softmax", "shape", show(**ROWS, keywords={"axis": 0}))
def softmax_gradient_along_the_last_axis(x, cotangent, axis=-1):
    """The scalar product is taken along the last axis, whichever was asked for."""
    p = right.softmax64(wide(x), axis)
    return rounded(right.softmax_product(p, cotangent, -1), x)


@fault.gradient(
    "softmax",
    "layout",
    show(x=normal(2, 3), cotangent=lambda: normal(2, 9, seed=2).astype(np.float32)[:, ::3]),
    upstream="https://github.com/flagos-ai/FlagGems/pull/5723",
)
def softmax_gradient_of_a_packed_cotangent(x, cotangent, axis=-1):
    """The cotangent is read without its strides: broadcast ones are the numbers behind the first."""
    if cotangent.ndim and cotangent.base is not None and cotangent.strides[-1] > cotangent.itemsize:
        strides = (*cotangent.strides[:-1], cotangent.itemsize)
        cotangent = np.lib.stride_tricks.as_strided(cotangent, strides=strides).copy()
    return right.softmax_gradient(x, cotangent, axis)


@fault.gradient(
    "log_softmax",
    "layout",
    show(x=normal(2, 3), cotangent=lambda: normal(2, 6, seed=2).astype(np.float32)[:, :3]),
    upstream="https://github.com/torch/nn/issues/832",
)
def log_softmax_gradient_of_a_slice(x, cotangent, axis=-1):
    """A sliced cotangent is taken to be packed."""
    width = cotangent.shape[-1] * cotangent.itemsize if cotangent.ndim else 0
    if cotangent.ndim == 2 and cotangent.strides[-1] == cotangent.itemsize and cotangent.strides[0] > width:
        packed = np.lib.stride_tricks.as_strided(cotangent, strides=(width, cotangent.itemsize))
        return right.log_softmax_gradient(x, packed.copy(), axis)
    return right.log_softmax_gradient(x, cotangent, axis)


@fault.gradient("log_softmax", "gradient", show(**ROWS))
def log_softmax_gradient_of_unit_sum(x, cotangent, axis=-1):
    """c - p takes the sum of the cotangent for 1, as it is for a one-hot loss and a gradient of 1."""
    return rounded(wide(cotangent) - right.softmax64(wide(x), axis), x)


@fault.gradient(
    "log_softmax",
    "dtype",
    show(dtype="float16", x=np.zeros((1, 8)), cotangent=np.full((1, 8), 30000.0)),
    upstream="https://github.com/jax-ml/jax/pull/40474",
    dtypes=["float16"],
)
def log_softmax_gradient_overflows(x, cotangent, axis=-1):
    """The sum of float16 gradients is a float16 number, and infinite where the derivative is not."""
    total = cotangent.sum(axis=axis, keepdims=True, dtype=x.dtype)
    return rounded(wide(cotangent) - right.softmax64(wide(x), axis) * wide(total), x)


@fault.gradient("logsumexp", "gradient", show(x=normal(2, 3), cotangent=[2.0, -0.5]))
def logsumexp_gradient_of_one(x, cotangent, axis=-1):
    """The gradient is softmax, and the cotangent is left out."""
    return right.softmax(x, axis)


@fault.gradient("softmin", "gradient", show(**ROWS))
def softmin_gradient_of_the_wrong_sign(x, cotangent, axis=-1):
    """The sign of the argument is lost on the way back."""
    return -right.softmin_gradient(x, cotangent, axis)


@fault.gradient("softmax_with_temperature", "gradient", show(**ROWS, keywords={"temperature": 2.0}))
def tempered_gradient_without_temperature(x, cotangent, temperature=2.0, axis=-1):
    """1/T is missing on the way back."""
    slope = wide(right.softmax_with_temperature_gradient(wide(x), cotangent, temperature, axis))
    return rounded(slope * temperature, x)


@fault.gradient("softplus", "narrow-range", show(x=[5.5], cotangent=[1.0]))
def softplus_gradient_of_one_beyond_five(x, cotangent):
    """The derivative is 1 beyond 5, where the linear branch of a coarser format begins."""
    return np.where(x > 5, cotangent, right.softplus_gradient(x, cotangent))


@fault.gradient("log_sigmoid", "relative-accuracy", show(x=[14.0, 20.0], cotangent=[1.0, 1.0]))
def log_sigmoid_gradient_as_one_minus(x, cotangent):
    """1 - sigmoid(x) for sigmoid(-x): the derivative of large numbers is 0."""
    return cotangent * (x.dtype.type(1) - right.sigmoid(x))


@fault.gradient("logit", "relative-accuracy", show(x=[0.99999], cotangent=[1.0]))
def logit_gradient_of_p_minus_its_square(x, cotangent):
    """p - p^2 for p (1 - p) loses its digits next to 1."""
    return cotangent / (x - x * x)


@fault.gradient("hard_sigmoid", "narrow-range", show(x=[3.25], cotangent=[1.0]))
def hard_sigmoid_gradient_beyond_the_cut(x, cotangent, width=6):
    """The derivative is cut at 3.5 and the function at 3."""
    return rounded(np.where(np.abs(wide(x)) < width / 2 + 0.5, wide(cotangent) / width, 0.0), x)


@fault.gradient("hard_sigmoid", "parameters", show(x=[1.0], cotangent=[1.0], keywords={"width": 5}))
def hard_sigmoid_gradient_of_one_width(x, cotangent, width=6):
    """The derivative is 1/6 for every width."""
    return rounded(np.where(np.abs(wide(x)) < width / 2, wide(cotangent) / 6, 0.0), x)


@fault.gradient("sparsemax", "gradient", show(x=[[0.0, 0.25, 5.0, 5.5]], cotangent=[[1.0, 2.0, -1.0, 0.5]]))
def sparsemax_gradient_over_the_row(x, cotangent, axis=-1):
    """The mean over the whole row and not over the support."""
    inside = right.sparsemax64(wide(x), axis) > 0
    c = wide(cotangent)
    return rounded(np.where(inside, c - c.mean(axis=axis, keepdims=True), 0.0), x)


@fault.gradient("sparsemax", "narrow-range", show(x=[[0.0, 0.99, -3.0]], cotangent=[[1.0, -2.0, 0.5]]))
def sparsemax_gradient_of_larger_shares(x, cotangent, axis=-1):
    """Entries of less than 1/100 are left out of the support on the way back."""
    inside = right.sparsemax64(wide(x), axis) > 0.01
    c = np.where(inside, wide(cotangent), 0.0)
    return rounded(np.where(inside, c - c.sum(axis=axis, keepdims=True) / inside.sum(axis=axis, keepdims=True), 0.0), x)


FAULTS = tuple(fault.entries)
