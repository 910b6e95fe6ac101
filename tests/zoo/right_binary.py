"""Right losses of one number, and their gradients, in plain NumPy: computed in binary64, rounded once.

Inputs have one shape. `reduction` is "none", "mean" or "sum"; a mean divides by the sum of `sample_weight`. A
gradient is the vector-Jacobian product with respect to the last input, `cotangent` having the shape of the answer.
"""

from __future__ import annotations

import numpy as np

from tests.zoo.making import Maker
from tests.zoo.right import held, rounded, sigmoid64, softplus64, wide


def weighed(values, sample_weight):
    """The values times their weights; a weight of 0 hides what it weighs."""
    if sample_weight is None:
        return values
    weight = wide(sample_weight)
    return np.where(weight == 0, 0.0, weight * values)


def _divisor(values, sample_weight):
    return float(values.size) if sample_weight is None else wide(sample_weight).sum()


def reduced(values, like, sample_weight, reduction):
    """The answer for each sample, or their weighted mean or sum, in the dtype of `like`."""
    each = weighed(values, sample_weight)
    if reduction == "none":
        return rounded(each, like)
    return rounded(np.divide(each.sum(), _divisor(each, sample_weight) if reduction == "mean" else 1.0), like)


def spread(slopes, like, cotangent, sample_weight, reduction):
    """The derivatives times the cotangent, through the reduction."""
    each = weighed(slopes, sample_weight) * wide(cotangent)
    return rounded(each / _divisor(each, sample_weight) if reduction == "mean" else each, like)


LOSSES = Maker(wide, reduced, spread, *[("sample_weight", "reduction")] * 2, parameter=held)


def times(weight, x):
    """weight * x, with 0 * anything = 0."""
    return np.where(weight == 0, 0.0, weight * x)


def smoothed(t, label_smoothing):
    """Targets mixed with 1/2."""
    return t * (1 - label_smoothing) + label_smoothing / 2


def bce64(t, p):
    """Binary cross-entropy of probabilities in binary64."""
    return -(times(t, np.log(p)) + times(1 - t, np.log1p(-p)))


def bce64_slope(t, p):
    """Its derivative."""
    return times(1 - t, 1 / (1 - p)) - times(t, 1 / p)


def bce_logits64(t, z, pos_weight=1.0):
    """Binary cross-entropy of logits in binary64."""
    return pos_weight * times(t, softplus64(-z)) + times(1 - t, softplus64(z))


def bce_logits64_slope(t, z, pos_weight=1.0):
    """Its derivative."""
    return times(1 - t, sigmoid64(z)) - pos_weight * times(t, sigmoid64(-z))


def balance(t, alpha):
    """alpha for positives and 1 - alpha for negatives; 1 for None."""
    return np.ones_like(t) if alpha is None else t * alpha + (1 - t) * (1 - alpha)


def focal64(t, wrong, loss, gamma):
    """Cross-entropy times the power of how wrong the prediction is."""
    return times(wrong**gamma, loss)


def focal64_slope(wrong, wrong_slope, loss, loss_slope, gamma):
    """Its derivative: two terms of one sign for hard targets; 0 where nothing is wrong."""
    modulated = gamma * wrong ** (gamma - 1) * wrong_slope * loss
    return np.where(wrong == 0, 0.0, modulated + wrong**gamma * loss_slope)


def lack(t, s):
    """By how much y s falls short of 1."""
    return np.maximum(1 - t * s, 0.0)


@LOSSES
def binary_cross_entropy(t, p, label_smoothing=0.0):
    return bce64(smoothed(t, label_smoothing), p)


@LOSSES
def binary_cross_entropy_gradient(t, p, label_smoothing=0.0):
    return bce64_slope(smoothed(t, label_smoothing), p)


@LOSSES
def binary_cross_entropy_with_logits(t, z, label_smoothing=0.0, pos_weight=1.0):
    return bce_logits64(smoothed(t, label_smoothing), z, pos_weight)


@LOSSES
def binary_cross_entropy_with_logits_gradient(t, z, label_smoothing=0.0, pos_weight=1.0):
    return bce_logits64_slope(smoothed(t, label_smoothing), z, pos_weight)


@LOSSES
def binary_focal_cross_entropy(t, p, gamma=2.0, alpha=None):
    return balance(t, alpha) * focal64(t, times(t, 1 - p) + times(1 - t, p), bce64(t, p), gamma)


@LOSSES
def binary_focal_cross_entropy_gradient(t, p, gamma=2.0, alpha=None):
    wrong = times(t, 1 - p) + times(1 - t, p)
    return balance(t, alpha) * focal64_slope(wrong, 1 - 2 * t, bce64(t, p), bce64_slope(t, p), gamma)


@LOSSES
def binary_focal_cross_entropy_with_logits(t, z, gamma=2.0, alpha=None):
    wrong = times(t, sigmoid64(-z)) + times(1 - t, sigmoid64(z))
    return balance(t, alpha) * focal64(t, wrong, bce_logits64(t, z), gamma)


@LOSSES
def binary_focal_cross_entropy_with_logits_gradient(t, z, gamma=2.0, alpha=None):
    p, q = sigmoid64(z), sigmoid64(-z)
    wrong = times(t, q) + times(1 - t, p)
    slope = focal64_slope(wrong, (1 - 2 * t) * p * q, bce_logits64(t, z), bce_logits64_slope(t, z), gamma)
    return balance(t, alpha) * slope


@LOSSES
def binary_sparsemax_loss(t, s):
    z = -t * s
    return np.where(z > 1, z, np.square(np.maximum(z + 1, 0.0)) / 4)


of = LOSSES.of
binary_sparsemax_loss_gradient = of("binary_sparsemax_loss_gradient", lambda t, s: -t * np.clip((1 - t * s) / 2, 0, 1))
hinge = of("hinge", lack)
hinge_gradient = of("hinge_gradient", lambda t, s: np.where(lack(t, s) > 0, -t, 0.0))
squared_hinge = of("squared_hinge", lambda t, s: np.square(lack(t, s)))
squared_hinge_gradient = of("squared_hinge_gradient", lambda t, s: -2 * t * lack(t, s))
perceptron = of("perceptron", lambda t, s: np.maximum(-t * s, 0.0))
perceptron_gradient = of("perceptron_gradient", lambda t, s: np.where(t * s < 0, -t, 0.0))
logistic_of_signs = of("logistic_of_signs", lambda t, s: softplus64(-t * s))
logistic_of_signs_gradient = of("logistic_of_signs_gradient", lambda t, s: -t * sigmoid64(-t * s))
hinge_embedding = of("hinge_embedding", lambda t, s, margin=1.0: np.where(t == 1, s, np.maximum(margin - s, 0.0)))
hinge_embedding_gradient = of(
    "hinge_embedding_gradient", lambda t, s, margin=1.0: np.where(t == 1, 1.0, np.where(s < margin, -1.0, 0.0))
)
brier_score = of("brier_score", lambda t, p: np.square(p - t))
brier_score_gradient = of("brier_score_gradient", lambda t, p: 2 * (p - t))
