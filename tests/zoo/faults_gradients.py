"""Faults of gradients of activations whose values are right."""

from __future__ import annotations

from typing import Any

import numpy as np
import right
from entries import Entry
from planting import Show, normal, plant_gradient, show
from right import Array, quiet, rounded, wide

_TABLE: list[Entry] = []

ROWS = {"x": normal(3, 4), "cotangent": normal(3, 4, seed=2)}


def _activation(name: str, kind: str, defect: str, *shows: Show, **options: Any) -> Any:
    """Enters the gradient of a right activation."""
    return plant_gradient(_TABLE, name, getattr(right, name), kind, defect, *shows, **options)


@_activation(
    "sigmoid",
    "relative-accuracy",
    "p (1 - p) of the rounded answer is 0 from 17 on, where the slope is e^-x",
    show(x=[14.0, 20.0], cotangent=[1.0, 1.0]),
)
def sigmoid_gradient_of_the_answer(x: Any, cotangent: Any) -> Array:
    p = right.sigmoid(x)
    return cotangent * p * (x.dtype.type(1) - p)


@_activation(
    "sigmoid",
    "gradient",
    "of what comes from above, the first number is used for all",
    show(x=[0.5, 1.5], cotangent=[1.0, -3.0]),
    upstream="https://github.com/linkedin/Liger-Kernel/pull/1298",
)
def sigmoid_gradient_of_the_first(x: Any, cotangent: Any) -> Array:
    return right.sigmoid_gradient(x, np.full_like(cotangent, cotangent.flat[0]) if cotangent.size else cotangent)


@_activation(
    "softmax",
    "gradient",
    "the diagonal of the Jacobian alone, c p (1 - p)",
    show(**ROWS),
)
def softmax_gradient_of_the_diagonal(x: Any, cotangent: Any, axis: int = -1) -> Array:
    p = right.softmax64(wide(x), axis)
    return rounded(wide(cotangent) * p * (1 - p), x)


@_activation(
    "softmax",
    "two-conditions",
    "the scalar product is taken over the whole batch, which one row does not show",
    show(**ROWS),
)
def softmax_gradient_over_the_batch(x: Any, cotangent: Any, axis: int = -1) -> Array:
    p = right.softmax64(wide(x), axis)
    return rounded(p * (wide(cotangent) - np.sum(wide(cotangent) * p)), x)


@_activation(
    "softmax",
    "shape",
    "the scalar product is taken along the last axis, whichever was asked for",
    show(**ROWS, keywords={"axis": 0}),
)
def softmax_gradient_along_the_last_axis(x: Any, cotangent: Any, axis: int = -1) -> Array:
    p = right.softmax64(wide(x), axis)
    return rounded(right.softmax_product(p, cotangent, -1), x)


@_activation(
    "softmax",
    "layout",
    "what comes from above is read without its strides: broadcast ones are the numbers behind the first",
    show(x=normal(2, 3), cotangent=lambda: normal(2, 9, seed=2).astype(np.float32)[:, ::3]),
    upstream="https://github.com/flagos-ai/FlagGems/pull/5723",
)
def softmax_gradient_of_a_packed_cotangent(x: Any, cotangent: Any, axis: int = -1) -> Array:
    if cotangent.ndim and cotangent.base is not None and cotangent.strides[-1] > cotangent.itemsize:
        strides = (*cotangent.strides[:-1], cotangent.itemsize)
        cotangent = np.lib.stride_tricks.as_strided(cotangent, strides=strides).copy()
    return right.softmax_gradient(x, cotangent, axis)


@_activation(
    "log_softmax",
    "layout",
    "a sliced gradient from above is taken to be packed",
    show(x=normal(2, 3), cotangent=lambda: normal(2, 6, seed=2).astype(np.float32)[:, :3]),
    upstream="https://github.com/torch/nn/issues/832",
)
def log_softmax_gradient_of_a_slice(x: Any, cotangent: Any, axis: int = -1) -> Array:
    width = cotangent.shape[-1] * cotangent.itemsize if cotangent.ndim else 0
    if cotangent.ndim == 2 and cotangent.strides[-1] == cotangent.itemsize and cotangent.strides[0] > width:
        packed = np.lib.stride_tricks.as_strided(cotangent, strides=(width, cotangent.itemsize))
        return right.log_softmax_gradient(x, packed.copy(), axis)
    return right.log_softmax_gradient(x, cotangent, axis)


@_activation(
    "log_softmax",
    "gradient",
    "c - p takes the sum of what comes from above for 1, as it is for a one-hot loss and a gradient of 1",
    show(**ROWS),
)
def log_softmax_gradient_of_unit_sum(x: Any, cotangent: Any, axis: int = -1) -> Array:
    return rounded(wide(cotangent) - right.softmax64(wide(x), axis), x)


@_activation(
    "log_softmax",
    "dtype",
    "the sum of float16 gradients is a float16 number, and infinite where the slope is not",
    show(dtype="float16", x=np.zeros((1, 8)), cotangent=np.full((1, 8), 30000.0)),
    upstream="https://github.com/jax-ml/jax/pull/40474",
    dtypes=["float16"],
)
@quiet
def log_softmax_gradient_overflows(x: Any, cotangent: Any, axis: int = -1) -> Array:
    total = cotangent.sum(axis=axis, keepdims=True, dtype=x.dtype)
    return rounded(wide(cotangent) - right.softmax64(wide(x), axis) * wide(total), x)


@_activation(
    "logsumexp",
    "gradient",
    "the gradient is softmax, and what comes from above is left out",
    show(x=normal(2, 3), cotangent=[2.0, -0.5]),
)
def logsumexp_gradient_of_one(x: Any, cotangent: Any, axis: int = -1) -> Array:
    return right.softmax(x, axis)


@_activation(
    "softmin",
    "gradient",
    "the sign of the argument is lost on the way back",
    show(**ROWS),
)
def softmin_gradient_of_the_wrong_sign(x: Any, cotangent: Any, axis: int = -1) -> Array:
    return -right.softmin_gradient(x, cotangent, axis)


@_activation(
    "softmax_with_temperature",
    "gradient",
    "1/T is missing on the way back",
    show(**ROWS, keywords={"temperature": 2.0}),
)
def tempered_gradient_without_temperature(x: Any, cotangent: Any, temperature: float = 2.0, axis: int = -1) -> Array:
    slope = wide(right.softmax_with_temperature_gradient(wide(x), cotangent, temperature, axis))
    return rounded(slope * temperature, x)


@_activation(
    "softplus",
    "narrow-range",
    "the slope is 1 beyond 5, where the linear branch of a coarser format begins",
    show(x=[5.5], cotangent=[1.0]),
)
def softplus_gradient_of_one_beyond_five(x: Any, cotangent: Any) -> Array:
    return np.where(x > 5, cotangent, right.softplus_gradient(x, cotangent))


@_activation(
    "log_sigmoid",
    "relative-accuracy",
    "1 - sigmoid(x) for sigmoid(-x): the slope of large numbers is 0",
    show(x=[14.0, 20.0], cotangent=[1.0, 1.0]),
)
def log_sigmoid_gradient_as_one_minus(x: Any, cotangent: Any) -> Array:
    return cotangent * (x.dtype.type(1) - right.sigmoid(x))


@_activation(
    "logit",
    "relative-accuracy",
    "p - p^2 for p (1 - p) loses its digits next to 1",
    show(x=[0.99999], cotangent=[1.0]),
)
@quiet
def logit_gradient_of_p_minus_its_square(x: Any, cotangent: Any) -> Array:
    return cotangent / (x - x * x)


@_activation(
    "hard_sigmoid",
    "narrow-range",
    "the slope is cut at 3.5 and the function at 3",
    show(x=[3.25], cotangent=[1.0]),
)
def hard_sigmoid_gradient_beyond_the_cut(x: Any, cotangent: Any, width: float = 6) -> Array:
    return rounded(np.where(np.abs(wide(x)) < width / 2 + 0.5, wide(cotangent) / width, 0.0), x)


@_activation(
    "hard_sigmoid",
    "parameters",
    "the slope is 1/6 for every width",
    show(x=[1.0], cotangent=[1.0], keywords={"width": 5}),
)
def hard_sigmoid_gradient_of_one_width(x: Any, cotangent: Any, width: float = 6) -> Array:
    return rounded(np.where(np.abs(wide(x)) < width / 2, wide(cotangent) / 6, 0.0), x)


@_activation(
    "sparsemax",
    "gradient",
    "the mean over the whole row and not over the support",
    show(x=[[0.0, 0.25, 5.0, 5.5]], cotangent=[[1.0, 2.0, -1.0, 0.5]]),
)
def sparsemax_gradient_over_the_row(x: Any, cotangent: Any, axis: int = -1) -> Array:
    inside = right.sparsemax64(wide(x), axis) > 0
    c = wide(cotangent)
    return rounded(np.where(inside, c - c.mean(axis=axis, keepdims=True), 0.0), x)


@_activation(
    "sparsemax",
    "narrow-range",
    "entries of less than 1/100 are left out of the support on the way back",
    show(x=[[0.0, 0.99, -3.0]], cotangent=[[1.0, -2.0, 0.5]]),
)
def sparsemax_gradient_of_larger_shares(x: Any, cotangent: Any, axis: int = -1) -> Array:
    inside = right.sparsemax64(wide(x), axis) > 0.01
    c = np.where(inside, wide(cotangent), 0.0)
    return rounded(np.where(inside, c - c.sum(axis=axis, keepdims=True) / inside.sum(axis=axis, keepdims=True), 0.0), x)


FAULTS = tuple(_TABLE)
