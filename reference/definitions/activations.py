"""Activations: definitions as the textbook prints them, and the bounds their answers are held to."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
from flint import arb
from gaugeblock.reference.balls import INFINITY, Ball, exp, log, maximum, minimum, total
from gaugeblock.reference.formats import Array
from gaugeblock.reference.operations import Bound, activation
from gaugeblock.reference.summation import Sums

BHH = (
    "Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax functions, "
    "IMA J. Numer. Anal. 41(4), 2021"
)
GBC = "Goodfellow, Bengio and Courville, Deep Learning, MIT Press, 2016"

TEMPERATURE = arb(2)

SCALAR = Bound(
    4, "a well-conditioned chain of an exponential or logarithm (2.5 ULP is common) and a few exact or rounded steps"
)
SCALAR_SECOND = Bound(12, "the product of three such chains, none of which need cancel")
SCALAR_GRADIENT = Bound(8, "the product of two such chains; 1 - sigmoid(x) is sigmoid(-x), so nothing need cancel")

scalar = functools.partial(activation, "real() -> ()", bound=SCALAR, gradient_bound=SCALAR_GRADIENT)


def spread(x: Array, *, sums: Sums) -> tuple[Array, Array, Array]:
    """Softmax, distance to the row's maximum, and the condition |d_i| + sum_j p_j |d_j| + log2 n, along the last axis.

    An error of u in d = x - max multiplies e^d by 1 + |d| u, in the numerator and, averaged, in the sum; the sum of
    n terms, taken in pairs, is rounded log2 n times.
    """
    d = np.nan_to_num(x - np.max(x, axis=-1, keepdims=True), nan=0.0, posinf=0.0, neginf=-1e4)
    e = np.exp(d)
    p = e / e.sum(axis=-1, keepdims=True)
    return p, d, -d + np.sum(p * -d, axis=-1, keepdims=True) + sums(x.shape[-1])


def _product(p: Array, weight: Array, factor: Array) -> Array:
    """The condition of p_j (c_j - sum_i c_i p_i), each p_i having its own: where c_j is 0, the others' count."""
    each = np.sum(p * weight, axis=-1, keepdims=True) * factor + np.sum(p * weight * factor, axis=-1, keepdims=True)
    return np.asarray(p * (weight * factor + each))


def _softmax(x: Array, cotangent: Array | None = None, *, sums: Sums) -> Array:
    p, _, condition = spread(x, sums=sums)
    return np.asarray(p * condition) if cotangent is None else _product(p, np.abs(cotangent), 2 + condition)


def _log_softmax(x: Array, cotangent: Array | None = None, *, sums: Sums) -> Array:
    p, d, condition = spread(x, sums=sums)
    if cotangent is None:
        return np.asarray(1 + condition + np.log(np.exp(d).sum(axis=-1, keepdims=True)))
    weight = np.abs(cotangent)
    return np.asarray(weight + p * np.sum(weight, axis=-1, keepdims=True) * (2 + condition))


def _logsumexp(x: Array, cotangent: Array | None = None, *, sums: Sums) -> Array:
    p, d, condition = spread(x, sums=sums)
    if cotangent is not None:
        return np.asarray(np.abs(cotangent)[..., None] * p * (2 + condition))
    top = np.nan_to_num(np.abs(x).max(axis=-1), posinf=0.0)
    own = np.sum(p * -d, axis=-1) + sums(x.shape[-1])
    return np.asarray(1 + top + np.log(np.exp(d).sum(axis=-1)) + own)


def _sigmoid_second(x: Array, cotangent: Array) -> Array:
    p = 1 / (1 + np.exp(-x))
    return np.asarray(2 * np.abs(cotangent) * p * (1 - p))


def _logit_second(x: Array, cotangent: Array) -> Array:
    return np.asarray(np.abs(cotangent) * (1 / x**2 + 1 / (1 - x) ** 2))


@scalar(
    source=f"{GBC}, eq. 3.30",
    second_bound=Bound(
        12, "s (1 - s) (1 - 2 s), which vanishes at 0, where 1 - 2 s cancels but for an ULP of s", _sigmoid_second
    ),
)
def sigmoid(x: Ball) -> Ball:
    """Logistic sigmoid, 1 / (1 + e^-x)."""
    return 1 / (1 + exp(-x))


@scalar(source=f"{GBC}, section 3.10", second_bound=SCALAR_SECOND)
def log_sigmoid(x: Ball) -> Ball:
    """Logarithm of the logistic sigmoid, -log(1 + e^-x)."""
    return -log(1 + exp(-x))


@scalar(source=f"{GBC}, eq. 3.31", second_bound=SCALAR_SECOND)
def softplus(x: Ball) -> Ball:
    """Softplus, log(1 + e^x)."""
    return log(1 + exp(x))


@activation(
    "probability() -> ()",
    source="Agresti, Categorical Data Analysis, Wiley, 3rd edition 2013, section 4.2",
    bound=Bound(6, "log1p((2 p - 1) / (1 - p)) around 1/2, where 2 p - 1 is exact; log(p / (1 - p)) elsewhere"),
    gradient_bound=Bound(8, "1 / (p (1 - p)), where 1 - p is rounded once"),
    second_bound=Bound(12, "1 / (1 - p)^2 - 1 / p^2, which cancel around 1/2", _logit_second),
)
def logit(x: Ball) -> Ball:
    """Log-odds of a probability, log(p / (1 - p)); no value outside [0, 1]."""
    return log(x) - log(1 - x)


@activation(
    "real() -> ()",
    source="Howard et al., Searching for MobileNetV3, ICCV 2019, section 5.2; width 5: Courbariaux et al., "
    "BinaryConnect, NeurIPS 2015, as ONNX has it",
    bound=Bound(3, "(x + w/2) / w: around its zero the sum is exact, and the quotient is rounded once"),
    gradient_bound=Bound(2, "1 / w between the kinks"),
    asks=({"width": 5},),
)
def hard_sigmoid(x: Ball, *, width: int = 6) -> Ball:
    """Piecewise linear sigmoid, x / w + 1/2 cut at 0 and 1.

    Args:
        width: w, the length of the interval in which it rises.
    """
    return minimum(maximum(x / width + arb(0.5), arb(0)), arb(1))


@activation(
    "logits(n) -> (n)",
    source=f"{GBC}, eq. 4.1",
    bound=Bound(
        4,
        f"one exponential and one division; condition |x_i - max x| + its mean under softmax + log2 n ({BHH})",
        _softmax,
    ),
    gradient_bound=Bound(8, "p_j (c_j - sum_i c_i p_i) with the condition of softmax in each factor", _softmax),
)
def softmax(x: Sequence[Ball]) -> list[Ball]:
    """Softmax along a row, e^x_i / sum_j e^x_j."""
    powers = [exp(xi) for xi in x]
    partition = total(powers)
    return [power / partition for power in powers]


@activation(
    "logits(n) -> (n)",
    source=f"{BHH}, eq. 1.3",
    bound=Bound(6, f"condition of softmax, plus the rounding of the sum, which cancels near 0 ({BHH})", _log_softmax),
    gradient_bound=Bound(8, "c_j - p_j sum_i c_i with the condition of softmax", _log_softmax),
)
def log_softmax(x: Sequence[Ball]) -> list[Ball]:
    """Logarithm of softmax along a row, x_i - log sum_j e^x_j."""
    partition = log(total([exp(xi) for xi in x]))
    return [xi - partition for xi in x]


@activation(
    "logits(n) -> ()",
    source=f"{BHH}, eq. 1.1",
    bound=Bound(6, f"max x + log of the sum, which cancel near 0 ({BHH})", _logsumexp),
    gradient_bound=Bound(8, "softmax times the cotangent", _logsumexp),
)
def logsumexp(x: Sequence[Ball]) -> Ball:
    """Logarithm of the sum of exponentials of a row, log sum_j e^x_j."""
    return log(total([exp(xi) for xi in x]))


def _negated(x: Array, *cotangent: Array, sums: Sums) -> Array:
    return _softmax(-x, *cotangent, sums=sums)


@activation(
    "finite_logits(n) -> (n)",
    source=f"{GBC}, eq. 4.1, of -x",
    bound=Bound(4, "softmax of numbers whose sign is changed exactly", _negated),
    gradient_bound=Bound(8, "that of softmax", _negated),
)
def softmin(x: Sequence[Ball]) -> list[Ball]:
    """Softmax of the negated row, e^-x_i / sum_j e^-x_j."""
    return list(softmax([-xi for xi in x]))


def _quotients(x: Array, temperature: float, *, sums: Sums) -> Array:
    """Relative error of softmax, in u, from rounding x / T: the size of each quotient, and its mean under softmax."""
    if math.frexp(temperature)[0] == 0.5:
        return np.zeros(x.shape)
    p, _, _ = spread(x / temperature, sums=sums)
    size = np.nan_to_num(np.abs(x / temperature), nan=0.0, posinf=0.0)
    return np.asarray(size + np.sum(p * size, axis=-1, keepdims=True))


def _tempered(x: Array, cotangent: Array | None = None, *, temperature: float = 2.0, sums: Sums) -> Array:
    p, _, condition = spread(x / temperature, sums=sums)
    quotients = _quotients(x, temperature, sums=sums)
    if cotangent is None:
        return np.asarray(p * condition + p * quotients)
    factor = 2 + condition + 2 * np.max(quotients, axis=-1, keepdims=True, initial=0.0)
    return _product(p, np.abs(cotangent), factor) / temperature


@activation(
    "logits(n) -> (n)",
    source="Hinton, Vinyals and Dean, Distilling the Knowledge in a Neural Network, 2015, eq. 1",
    bound=Bound(
        4, "softmax of x / T, a quotient that is exact for a T that is a power of two, else rounded", _tempered
    ),
    gradient_bound=Bound(8, "that of softmax, divided by T", _tempered),
    asks=({"temperature": 0.5},),
)
def softmax_with_temperature(x: Sequence[Ball], *, temperature: Ball = TEMPERATURE) -> list[Ball]:
    """Softmax at a temperature, e^(x_i / T) / sum_j e^(x_j / T).

    Args:
        temperature: T, a positive number; the larger, the more even the answer.
    """
    return list(softmax([xi / temperature for xi in x]))


def _visible(mask: Array, x: Array) -> Array:
    return np.where(mask != 0, x, -np.inf)


def _masked_softmax(mask: Array, x: Array, *cotangent: Array, sums: Sums) -> Array:
    return _softmax(_visible(mask, x), *(c * mask for c in cotangent), sums=sums)


def _masked_log_softmax(mask: Array, x: Array, *cotangent: Array, sums: Sums) -> Array:
    return _log_softmax(_visible(mask, x), *(c * mask for c in cotangent), sums=sums) * mask


def _masked_logsumexp(mask: Array, x: Array, *cotangent: Array, sums: Sums) -> Array:
    return _logsumexp(_visible(mask, x), *cotangent, sums=sums)


MASKED = "Vaswani et al., Attention Is All You Need, NeurIPS 2017, section 3.2.3"


@activation(
    "mask(n), logits(n) -> (n)",
    source=MASKED,
    bound=Bound(4, "softmax of the entries that take part", _masked_softmax),
    gradient_bound=Bound(8, "that of softmax; 0 for masked entries", _masked_softmax),
)
def masked_softmax(mask: Sequence[bool], x: Sequence[Ball]) -> list[Ball]:
    """Softmax over the entries of a row whose mask is true; 0 for the others, whatever they hold."""
    shares = iter(softmax(_unmasked(mask, x)))
    return [next(shares) if m else arb(0) for m in mask]


@activation(
    "mask(n), logits(n) -> (n)",
    source=MASKED,
    bound=Bound(6, "log-softmax of the entries that take part", _masked_log_softmax),
    gradient_bound=Bound(8, "that of log-softmax; 0 for masked entries", _masked_log_softmax),
)
def masked_log_softmax(mask: Sequence[bool], x: Sequence[Ball]) -> list[Ball]:
    """Log-softmax over the entries of a row whose mask is true; -inf for the others, whatever they hold."""
    logs = iter(log_softmax(_unmasked(mask, x)))
    return [next(logs) if m else -INFINITY for m in mask]


@activation(
    "mask(n), logits(n) -> ()",
    source=MASKED,
    bound=Bound(6, "logsumexp of the entries that take part", _masked_logsumexp),
    gradient_bound=Bound(8, "softmax of the entries that take part; 0 for the others", _masked_logsumexp),
)
def masked_logsumexp(mask: Sequence[bool], x: Sequence[Ball]) -> Ball:
    """Logarithm of the sum of exponentials over the entries of a row whose mask is true."""
    return logsumexp(_unmasked(mask, x))


def _unmasked(mask: Sequence[bool], x: Sequence[Ball]) -> list[Ball]:
    """The entries of x whose mask is true."""
    return [xi for m, xi in zip(mask, x, strict=True) if m]
