"""Activations: definitions as the textbook prints them, and the bounds their answers are held to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from trueline.reference.balls import Ball, exp, log, total
from trueline.reference.formats import Array
from trueline.reference.operations import Bound, define

BHH = (
    "Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax functions, "
    "IMA J. Numer. Anal. 41(4), 2021"
)
GBC = "Goodfellow, Bengio and Courville, Deep Learning, MIT Press, 2016"

SCALAR = Bound(
    4,
    "a well-conditioned chain of an exponential or logarithm (2.5 ULP is common) and a few exact or rounded steps",
)
SCALAR_GRADIENT = Bound(8, "the product of two such chains; 1 - sigmoid(x) is sigmoid(-x), so nothing need cancel")


def spread(x: Array) -> tuple[Array, Array, Array]:
    """Softmax, distance to the row's maximum, and the condition |d_i| + sum_j p_j |d_j|, along the last axis.

    An error of u in d = x - max multiplies e^d by 1 + |d| u, in the numerator and, averaged, in the sum.
    """
    with np.errstate(all="ignore"):
        d = np.nan_to_num(x - np.max(x, axis=-1, keepdims=True), nan=0.0, posinf=0.0, neginf=-1e4)
        e = np.exp(d)
        p = e / e.sum(axis=-1, keepdims=True)
        return p, d, -d + np.sum(p * -d, axis=-1, keepdims=True)


def _softmax_sensitivity(x: Array) -> Array:
    p, _, condition = spread(x)
    return np.asarray(p * condition)


def _softmax_gradient_sensitivity(x: Array, cotangent: Array) -> Array:
    p, _, condition = spread(x)
    weight = np.abs(cotangent)
    return np.asarray(p * (weight + np.sum(p * weight, axis=-1, keepdims=True)) * (2 + condition))


def _log_softmax_sensitivity(x: Array) -> Array:
    _, d, condition = spread(x)
    return np.asarray(1 + condition + np.log(np.exp(d).sum(axis=-1, keepdims=True)))


def _log_softmax_gradient_sensitivity(x: Array, cotangent: Array) -> Array:
    p, _, condition = spread(x)
    weight = np.abs(cotangent)
    return np.asarray(weight + p * np.sum(weight, axis=-1, keepdims=True) * (2 + condition))


def _logsumexp_sensitivity(x: Array) -> Array:
    p, d, _ = spread(x)
    top = np.nan_to_num(np.abs(x).max(axis=-1), posinf=0.0)
    return np.asarray(1 + top + np.log(np.exp(d).sum(axis=-1)) + np.sum(p * -d, axis=-1))


def _logsumexp_gradient_sensitivity(x: Array, cotangent: Array) -> Array:
    p, _, condition = spread(x)
    return np.asarray(np.abs(cotangent)[..., None] * p * (2 + condition))


@define("activation", "()->()", "real", source=f"{GBC}, eq. 3.30", bound=SCALAR, gradient_bound=SCALAR_GRADIENT)
def sigmoid(x: Ball) -> Ball:
    """Logistic sigmoid, 1 / (1 + e^-x)."""
    return 1 / (1 + exp(-x))


@define("activation", "()->()", "real", source=f"{GBC}, section 3.10", bound=SCALAR, gradient_bound=SCALAR_GRADIENT)
def log_sigmoid(x: Ball) -> Ball:
    """Logarithm of the logistic sigmoid, -log(1 + e^-x)."""
    return -log(1 + exp(-x))


@define("activation", "()->()", "real", source=f"{GBC}, eq. 3.31", bound=SCALAR, gradient_bound=SCALAR_GRADIENT)
def softplus(x: Ball) -> Ball:
    """Softplus, log(1 + e^x)."""
    return log(1 + exp(x))


@define(
    "activation",
    "(n)->(n)",
    "logits",
    source=f"{GBC}, eq. 4.1",
    bound=Bound(
        6,
        f"one exponential and one division; condition |x_i - max x| + its mean under softmax ({BHH})",
        _softmax_sensitivity,
    ),
    gradient_bound=Bound(
        8,
        "p_j (c_j - sum_i c_i p_i) with the condition of softmax in each factor",
        _softmax_gradient_sensitivity,
    ),
)
def softmax(x: Sequence[Ball]) -> list[Ball]:
    """Softmax along a row, e^x_i / sum_j e^x_j."""
    powers = [exp(xi) for xi in x]
    partition = total(powers)
    return [power / partition for power in powers]


@define(
    "activation",
    "(n)->(n)",
    "logits",
    source=f"{BHH}, eq. 1.3",
    bound=Bound(
        6,
        f"condition of softmax, plus the rounding of the sum, which cancels near 0 ({BHH})",
        _log_softmax_sensitivity,
    ),
    gradient_bound=Bound(8, "c_j - p_j sum_i c_i with the condition of softmax", _log_softmax_gradient_sensitivity),
)
def log_softmax(x: Sequence[Ball]) -> list[Ball]:
    """Logarithm of softmax along a row, x_i - log sum_j e^x_j."""
    partition = log(total([exp(xi) for xi in x]))
    return [xi - partition for xi in x]


@define(
    "activation",
    "(n)->()",
    "logits",
    source=f"{BHH}, eq. 1.1",
    bound=Bound(6, f"max x + log of the sum, which cancel near 0 ({BHH})", _logsumexp_sensitivity),
    gradient_bound=Bound(8, "softmax times the upstream gradient", _logsumexp_gradient_sensitivity),
)
def logsumexp(x: Sequence[Ball]) -> Ball:
    """Logarithm of the sum of exponentials of a row, log sum_j e^x_j."""
    return log(total([exp(xi) for xi in x]))
