"""Right losses of one number, and their gradients, in plain NumPy: computed in binary64, rounded once.

Inputs have one shape. `reduction` is "none", "mean" or "sum"; a mean divides by the sum of `sample_weight`. A
gradient is the vector-Jacobian product with respect to the last input, `cotangent` having the shape of the answer.
"""

from __future__ import annotations

import numpy as np

from tests.zoo.right import rounded, sigmoid64, softplus64, wide


def weighed(values, sample_weight):
    """The values times their weights; a weight of 0 hides what it weighs."""
    if sample_weight is None:
        return values
    weight = wide(sample_weight)
    return np.where(weight == 0, 0.0, weight * values)


def reduced(values, reduction, sample_weight, like):
    """The answer for each sample, or their weighted mean or sum, in the dtype of `like`."""
    each = weighed(values, sample_weight)
    if reduction == "none":
        return rounded(each, like)
    divisor = 1.0
    if reduction == "mean":
        divisor = float(each.size) if sample_weight is None else wide(sample_weight).sum()
    return rounded(np.divide(each.sum(), divisor), like)


def spread(slopes, cotangent, reduction, sample_weight, like):
    """The derivatives times the cotangent, through the reduction."""
    each = weighed(slopes, sample_weight) * wide(cotangent)
    if reduction == "mean":
        each = each / (float(each.size) if sample_weight is None else wide(sample_weight).sum())
    return rounded(each, like)


def times(weight, x):
    """weight * x, with 0 * anything = 0."""
    return np.where(weight == 0, 0.0, weight * x)


def smoothed(y_true, label_smoothing, like):
    """Targets mixed with 1/2, in binary64."""
    share = float(np.asarray(like).dtype.type(label_smoothing))
    return wide(y_true) * (1 - share) + share / 2


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


def binary_cross_entropy(y_true, y_pred, label_smoothing=0.0, sample_weight=None, reduction="mean"):
    return reduced(bce64(smoothed(y_true, label_smoothing, y_pred), wide(y_pred)), reduction, sample_weight, y_pred)


def binary_cross_entropy_gradient(y_true, y_pred, cotangent, label_smoothing=0.0, sample_weight=None, reduction="mean"):
    slope = bce64_slope(smoothed(y_true, label_smoothing, y_pred), wide(y_pred))
    return spread(slope, cotangent, reduction, sample_weight, y_pred)


def binary_cross_entropy_with_logits(
    y_true, logits, label_smoothing=0.0, pos_weight=1.0, sample_weight=None, reduction="mean"
):
    t = smoothed(y_true, label_smoothing, logits)
    weight = float(np.asarray(logits).dtype.type(pos_weight))
    return reduced(bce_logits64(t, wide(logits), weight), reduction, sample_weight, logits)


def binary_cross_entropy_with_logits_gradient(
    y_true, logits, cotangent, label_smoothing=0.0, pos_weight=1.0, sample_weight=None, reduction="mean"
):
    t = smoothed(y_true, label_smoothing, logits)
    weight = float(np.asarray(logits).dtype.type(pos_weight))
    return spread(bce_logits64_slope(t, wide(logits), weight), cotangent, reduction, sample_weight, logits)


def balance(t, alpha, like):
    """alpha for positives and 1 - alpha for negatives; 1 for None."""
    if alpha is None:
        return np.ones_like(t)
    share = float(np.asarray(like).dtype.type(alpha))
    return t * share + (1 - t) * (1 - share)


def focal64(t, wrong, loss, gamma):
    """Cross-entropy times the power of how wrong the prediction is."""
    return times(wrong**gamma, loss)


def focal64_slope(wrong, wrong_slope, loss, loss_slope, gamma):
    """Its derivative: two terms of one sign for hard targets; 0 where nothing is wrong."""
    modulated = gamma * wrong ** (gamma - 1) * wrong_slope * loss
    return np.where(wrong == 0, 0.0, modulated + wrong**gamma * loss_slope)


def binary_focal_cross_entropy(y_true, y_pred, gamma=2.0, alpha=None, sample_weight=None, reduction="mean"):
    t, p = wide(y_true), wide(y_pred)
    values = balance(t, alpha, y_pred) * focal64(t, times(t, 1 - p) + times(1 - t, p), bce64(t, p), gamma)
    return reduced(values, reduction, sample_weight, y_pred)


def binary_focal_cross_entropy_gradient(
    y_true, y_pred, cotangent, gamma=2.0, alpha=None, sample_weight=None, reduction="mean"
):
    t, p = wide(y_true), wide(y_pred)
    wrong = times(t, 1 - p) + times(1 - t, p)
    slope = focal64_slope(wrong, 1 - 2 * t, bce64(t, p), bce64_slope(t, p), gamma)
    return spread(balance(t, alpha, y_pred) * slope, cotangent, reduction, sample_weight, y_pred)


def binary_focal_cross_entropy_with_logits(y_true, logits, gamma=2.0, alpha=None, sample_weight=None, reduction="mean"):
    t, z = wide(y_true), wide(logits)
    wrong = times(t, sigmoid64(-z)) + times(1 - t, sigmoid64(z))
    values = balance(t, alpha, logits) * focal64(t, wrong, bce_logits64(t, z), gamma)
    return reduced(values, reduction, sample_weight, logits)


def binary_focal_cross_entropy_with_logits_gradient(
    y_true, logits, cotangent, gamma=2.0, alpha=None, sample_weight=None, reduction="mean"
):
    t, z = wide(y_true), wide(logits)
    p, q = sigmoid64(z), sigmoid64(-z)
    wrong = times(t, q) + times(1 - t, p)
    slope = focal64_slope(wrong, (1 - 2 * t) * p * q, bce_logits64(t, z), bce_logits64_slope(t, z), gamma)
    return spread(balance(t, alpha, logits) * slope, cotangent, reduction, sample_weight, logits)


def lack(y_true, score):
    """By how much y s falls short of 1, in binary64."""
    return np.maximum(1 - wide(y_true) * wide(score), 0.0)


def hinge(y_true, score, sample_weight=None, reduction="mean"):
    return reduced(lack(y_true, score), reduction, sample_weight, score)


def hinge_gradient(y_true, score, cotangent, sample_weight=None, reduction="mean"):
    slope = np.where(lack(y_true, score) > 0, -wide(y_true), 0.0)
    return spread(slope, cotangent, reduction, sample_weight, score)


def squared_hinge(y_true, score, sample_weight=None, reduction="mean"):
    return reduced(np.square(lack(y_true, score)), reduction, sample_weight, score)


def squared_hinge_gradient(y_true, score, cotangent, sample_weight=None, reduction="mean"):
    return spread(-2 * wide(y_true) * lack(y_true, score), cotangent, reduction, sample_weight, score)


def perceptron(y_true, score, sample_weight=None, reduction="mean"):
    return reduced(np.maximum(-wide(y_true) * wide(score), 0.0), reduction, sample_weight, score)


def perceptron_gradient(y_true, score, cotangent, sample_weight=None, reduction="mean"):
    slope = np.where(wide(y_true) * wide(score) < 0, -wide(y_true), 0.0)
    return spread(slope, cotangent, reduction, sample_weight, score)


def logistic_of_signs(y_true, score, sample_weight=None, reduction="mean"):
    return reduced(softplus64(-wide(y_true) * wide(score)), reduction, sample_weight, score)


def logistic_of_signs_gradient(y_true, score, cotangent, sample_weight=None, reduction="mean"):
    slope = -wide(y_true) * sigmoid64(-wide(y_true) * wide(score))
    return spread(slope, cotangent, reduction, sample_weight, score)


def hinge_embedding(y_true, score, margin=1.0, sample_weight=None, reduction="mean"):
    values = np.where(wide(y_true) == 1, wide(score), np.maximum(margin - wide(score), 0.0))
    return reduced(values, reduction, sample_weight, score)


def hinge_embedding_gradient(y_true, score, cotangent, margin=1.0, sample_weight=None, reduction="mean"):
    slope = np.where(wide(y_true) == 1, 1.0, np.where(wide(score) < margin, -1.0, 0.0))
    return spread(slope, cotangent, reduction, sample_weight, score)


def brier_score(y_true, y_pred, sample_weight=None, reduction="mean"):
    return reduced(np.square(wide(y_pred) - wide(y_true)), reduction, sample_weight, y_pred)


def brier_score_gradient(y_true, y_pred, cotangent, sample_weight=None, reduction="mean"):
    return spread(2 * (wide(y_pred) - wide(y_true)), cotangent, reduction, sample_weight, y_pred)


def binary_sparsemax_loss(y_true, score, sample_weight=None, reduction="mean"):
    z = -wide(y_true) * wide(score)
    values = np.where(z > 1, z, np.square(np.maximum(z + 1, 0.0)) / 4)
    return reduced(values, reduction, sample_weight, score)


def binary_sparsemax_loss_gradient(y_true, score, cotangent, sample_weight=None, reduction="mean"):
    z = -wide(y_true) * wide(score)
    slope = -wide(y_true) * np.clip((z + 1) / 2, 0.0, 1.0)
    return spread(slope, cotangent, reduction, sample_weight, score)
