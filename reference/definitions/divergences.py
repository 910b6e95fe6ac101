"""Divergences between distributions, and squared errors of probabilities; the engine reduces over samples."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from flint import arb
from gaugeblock.reference.balls import Ball, exp, log, maximum, times, total, value
from gaugeblock.reference.definitions.losses import ZERO
from gaugeblock.reference.formats import Array
from gaugeblock.reference.operations import Bound, loss
from gaugeblock.reference.summation import Sums

COVER = "Cover and Thomas, Elements of Information Theory, 2nd edition, Wiley, 2006"
BOYD = "Boyd and Vandenberghe, Convex Optimization, Cambridge University Press, 2004"
BRIER = "Brier, Verification of Forecasts Expressed in Terms of Probability, Monthly Weather Review 78(1), 1950"


def relative_entropy(p: Ball, log_p: Ball, log_q: Ball) -> Ball:
    """One term p log(p / q), with 0 log(0 / q) = 0; NaN where log q is no number."""
    return log_q if value(log_q).is_nan() else times(p, log_p - log_q)


def _shared(weight: Array, number: Array) -> Array:
    """|weight * number|, 0 where either is 0 or the product infinite."""
    return np.asarray(np.nan_to_num(np.abs(np.where(weight == 0, 0.0, weight * number)), posinf=0.0))


def _kl(y_true: Array, y_pred: Array, cotangent: Array | None = None, *, normalise: bool = False) -> Array:
    """The quotient is rounded once, which costs u p, and each division by a row's sum as much again."""
    if cotangent is None:
        ratio = _shared(y_true, np.log(y_true / y_pred))
        return np.asarray(np.sum(y_true * (1 + 2 * normalise) + 4 * ratio, axis=-1))
    mean = y_true.sum(axis=-1, keepdims=True)
    return np.asarray(np.abs(cotangent)[..., None] * (_shared(y_true, 1 / y_pred) + mean) * normalise)


def _kl_of_log_predictions(y_true: Array, log_probabilities: Array) -> Array:
    terms = _shared(y_true, np.log(y_true)) + _shared(y_true, log_probabilities)
    return np.asarray(2 * np.sum(terms, axis=-1))


def _kl_of_logs(log_targets: Array, log_probabilities: Array) -> Array:
    return np.asarray(4 * np.sum(_shared(np.exp(log_targets), log_targets - log_probabilities), axis=-1))


def _generalised_kl(y_true: Array, log_probabilities: Array, cotangent: Array | None = None) -> Array:
    if cotangent is not None:
        return np.asarray(np.abs(cotangent)[..., None] * (y_true + 2 * np.exp(log_probabilities)))
    whole = np.sum(y_true + np.nan_to_num(np.exp(log_probabilities)), axis=-1)
    return np.asarray(_kl_of_log_predictions(y_true, log_probabilities) + 2 * whole)


def _generalised_kl_of_probabilities(y_true: Array, y_pred: Array, cotangent: Array | None = None) -> Array:
    if cotangent is not None:
        return np.asarray(np.abs(cotangent)[..., None] * (1 + np.nan_to_num(y_true / y_pred, posinf=0.0)))
    logs = np.where(y_true == 0, 0.0, np.log(y_true / y_pred))
    return np.asarray(np.sum(np.abs(y_true) * (1 + np.abs(logs)) + np.abs(y_pred), axis=-1))


@loss(
    "distribution(c), probabilities(c) -> ()",
    source=f"{COVER}, eq. 2.26",
    bound=Bound(4, "terms p log(p/q) of either sign, each with one rounded quotient", _kl),
    gradient_bound=Bound(8, "-p/q, and plus its mean where the row is normalised", _kl),
)
def kl_divergence(
    y_true: Sequence[Ball], y_pred: Sequence[Ball], *, normalise: bool = False, floor: Ball = ZERO
) -> Ball:
    """Kullback-Leibler divergence of probabilities, sum_c p_c log(p_c / q_c), with 0 log(0 / q) = 0.

    Args:
        normalise: whether each of the two rows is first divided by its sum.
        floor: lower bound of the probabilities of both rows, once normalised; smaller ones are raised to it.
    """
    p_sum, q_sum = (total(y_true), total(y_pred)) if normalise else (arb(1), arb(1))
    ps, qs = ([maximum(x / scale, floor) for x in row] for row, scale in ((y_true, p_sum), (y_pred, q_sum)))
    return total([relative_entropy(p, log(p), log(q)) for p, q in zip(ps, qs, strict=True)])


@loss(
    "distribution(c), log_probabilities(c) -> ()",
    source=f"{COVER}, eq. 2.26",
    bound=Bound(4, "log p and its difference to log q are rounded, which costs u p |log|", _kl_of_log_predictions),
    gradient_bound=Bound(2, "minus p, a number of the input"),
)
def kl_divergence_of_log_predictions(y_true: Sequence[Ball], log_probabilities: Sequence[Ball]) -> Ball:
    """Kullback-Leibler divergence of log-probabilities, sum_c p_c (log p_c - log q_c), with 0 log(0 / q) = 0."""
    return total([relative_entropy(p, log(p), q) for p, q in zip(y_true, log_probabilities, strict=True)])


@loss(
    "log_distribution(c), log_probabilities(c) -> ()",
    source=f"{COVER}, eq. 2.26",
    bound=Bound(4, "terms of either sign, each an exponential times a rounded difference", _kl_of_logs),
    gradient_bound=Bound(4, "minus an exponential, rounded once"),
)
def kl_divergence_of_logs(log_targets: Sequence[Ball], log_probabilities: Sequence[Ball]) -> Ball:
    """Kullback-Leibler divergence of two rows of logarithms, sum_c e^(log p_c) (log p_c - log q_c)."""
    return total([relative_entropy(exp(p), p, q) for p, q in zip(log_targets, log_probabilities, strict=True)])


@loss(
    "distribution(c), log_probabilities(c) -> ()",
    source=f"{BOYD}, section 3.2.6, eq. 3.17",
    bound=Bound(4, "p, q and p log(p/q) are of either sign and cancel where p is near q", _generalised_kl),
    gradient_bound=Bound(4, "q - p, which cancel where p is near q", _generalised_kl),
)
def generalised_kl_divergence(y_true: Sequence[Ball], log_probabilities: Sequence[Ball]) -> Ball:
    """Kullback-Leibler divergence of rows that need not sum to one, sum_c p_c log(p_c / q_c) - p_c + q_c."""
    terms = [relative_entropy(p, log(p), q) - p + exp(q) for p, q in zip(y_true, log_probabilities, strict=True)]
    return total(terms)


@loss(
    "distribution(c), probabilities(c) -> ()",
    source=f"{BOYD}, section 3.2.6, eq. 3.17",
    bound=Bound(
        4, "p, q and p log(p/q) are of either sign and cancel where p is near q", _generalised_kl_of_probabilities
    ),
    gradient_bound=Bound(4, "1 - p/q, which cancel where p is near q", _generalised_kl_of_probabilities),
)
def generalised_kl_divergence_of_probabilities(y_true: Sequence[Ball], y_pred: Sequence[Ball]) -> Ball:
    """Kullback-Leibler divergence of rows that need not sum to one, sum_c p_c log(p_c / q_c) - p_c + q_c."""
    return total([relative_entropy(p, log(p), log(q)) - p + q for p, q in zip(y_true, y_pred, strict=True)])


@loss(
    "target(), probability() -> ()",
    source=BRIER,
    bound=Bound(3, "a difference that is rounded once, squared"),
    gradient_bound=Bound(3, "2 (p - t)"),
)
def brier_score(y_true: Ball, y_pred: Ball) -> Ball:
    """Brier score of a probability, (p - t)^2."""
    return (y_pred - y_true) * (y_pred - y_true)


def _sum_of_squares(y_true: Array, y_pred: Array, *, sums: Sums) -> Array:
    return np.asarray(np.sum((y_pred - y_true) ** 2, axis=-1) * sums(y_pred.shape[-1]))


@loss(
    "one_hot(c), probabilities(c) -> ()",
    source=BRIER,
    bound=Bound(3, "squares of one sign, whose sum, taken in pairs, is rounded log2 n times", _sum_of_squares),
    gradient_bound=Bound(3, "2 (p - t)"),
)
def multiclass_brier_score(y_true: Sequence[Ball], y_pred: Sequence[Ball]) -> Ball:
    """Brier score of a row of probabilities, sum_c (p_c - t_c)^2, which lies in [0, 2]."""
    return total([(p - t) * (p - t) for t, p in zip(y_true, y_pred, strict=True)])
