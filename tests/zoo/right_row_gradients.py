"""Right vector-Jacobian products of losses of rows, with respect to their last input."""

from __future__ import annotations

import numpy as np

from tests.zoo.right_rows import (
    class_weights,
    complement,
    log_shares,
    narrow,
    one_hot,
    product,
    shares,
    shares_of,
    shortfalls,
    shown,
    smoothed,
    wide,
)


def through_softmax(logits, targets):
    """p_c sum(t) - t_c, in which what cancels is left out."""
    p = shares_of(logits)
    return p * (targets.sum(axis=-1, keepdims=True) - targets) - product(targets, complement(p))


def sparse_categorical_cross_entropy_with_logits(
    labels, logits, cotangent, label_smoothing=0.0, class_weight=None, ignore_index=None, reduction="mean"
):
    kept, known = shown(labels, ignore_index)
    w, e = class_weights(class_weight, logits), np.longdouble(label_smoothing)
    targets = w[known][..., None] * one_hot(known, logits.shape[-1]) * (1 - e) + w * e / logits.shape[-1]
    own = np.where(kept, w[known], 0)
    slopes = np.where(kept[..., None], through_softmax(logits, targets), 0)
    return narrow(shares(cotangent, reduction, known.shape, own)[..., None] * slopes, logits)


def categorical_cross_entropy_with_logits(
    y_true, logits, cotangent, label_smoothing=0.0, class_weight=None, reduction="mean"
):
    targets = class_weights(class_weight, logits) * smoothed(y_true, label_smoothing)
    slopes = through_softmax(logits, targets)
    return narrow(shares(cotangent, reduction, logits.shape[:-1])[..., None] * slopes, logits)


def sparse_categorical_cross_entropy(labels, y_pred, cotangent, ignore_index=None, reduction="mean"):
    kept, known = shown(labels, ignore_index)
    slopes = np.where(one_hot(known, y_pred.shape[-1]) & kept[..., None], -1 / wide(y_pred), 0)
    return narrow(shares(cotangent, reduction, known.shape, kept)[..., None] * slopes, y_pred)


def negative_log_likelihood(
    labels, log_probabilities, cotangent, class_weight=None, ignore_index=None, reduction="mean"
):
    kept, known = shown(labels, ignore_index)
    w = np.where(kept, class_weights(class_weight, log_probabilities)[known], 0)
    slopes = -w[..., None] * one_hot(known, log_probabilities.shape[-1])
    return narrow(shares(cotangent, reduction, known.shape, w)[..., None] * slopes, log_probabilities)


def categorical_cross_entropy(y_true, y_pred, cotangent, label_smoothing=0.0, reduction="mean"):
    slopes = -product(smoothed(y_true, label_smoothing), 1 / wide(y_pred))
    return narrow(shares(cotangent, reduction, y_pred.shape[:-1])[..., None] * slopes, y_pred)


def kl_divergence(y_true, y_pred, cotangent, reduction="mean"):
    slopes = -product(wide(y_true), 1 / wide(y_pred))
    return narrow(shares(cotangent, reduction, y_pred.shape[:-1])[..., None] * slopes, y_pred)


def multiclass_brier_score(y_true, y_pred, cotangent, reduction="mean"):
    slopes = 2 * (wide(y_pred) - wide(y_true))
    return narrow(shares(cotangent, reduction, y_pred.shape[:-1])[..., None] * slopes, y_pred)


def multi_margin(labels, scores, cotangent, p=1, margin=1.0, class_weight=None, reduction="mean"):
    short = shortfalls(labels, scores, margin)
    each = np.where(short > 0, p * short ** (p - 1), 0)
    slopes = each - one_hot(labels, scores.shape[-1]) * each.sum(axis=-1, keepdims=True)
    weight = class_weights(class_weight, scores)[np.asarray(labels).astype(np.int64)] / scores.shape[-1]
    return narrow((shares(cotangent, reduction, weight.shape) * weight)[..., None] * slopes, scores)


def multilabel_margin(y_true, scores, cotangent, reduction="mean"):
    t, s = wide(y_true) == 1, wide(scores)
    pairs = t[..., :, None] & ~t[..., None, :] & (1 - (s[..., :, None] - s[..., None, :]) > 0)
    slopes = (pairs.sum(axis=-2) - pairs.sum(axis=-1)) / np.longdouble(s.shape[-1])
    return narrow(shares(cotangent, reduction, s.shape[:-1])[..., None] * slopes, scores)


def multilabel_binary_cross_entropy_with_logits(
    y_true, logits, cotangent, pos_weight=None, class_weight=None, reduction="mean"
):
    t, z = wide(y_true), wide(logits)
    q, w = class_weights(pos_weight, logits), class_weights(class_weight, logits)
    small = np.exp(-np.abs(z))
    up, down = np.where(z >= 0, 1, small) / (1 + small), np.where(z >= 0, small, 1) / (1 + small)
    slopes = w * ((1 - t) * up - q * t * down) / z.shape[-1]
    return narrow(shares(cotangent, reduction, z.shape[:-1])[..., None] * slopes, logits)


def categorical_focal_cross_entropy_with_logits(y_true, logits, cotangent, gamma=2.0, alpha=1.0, reduction="mean"):
    t, logp = wide(y_true), log_shares(logits)
    p = np.exp(logp)
    wrong = complement(p)
    # The slope along log p_c, through which softmax's own slopes go.
    along = -np.longdouble(alpha) * product(t, wrong**gamma - gamma * wrong ** (gamma - 1) * p * logp)
    count = logits.shape[-1]
    through = along[..., :, None] * (np.eye(count) * wrong[..., None, :] - (1 - np.eye(count)) * p[..., None, :])
    return narrow(shares(cotangent, reduction, logits.shape[:-1])[..., None] * through.sum(axis=-2), logits)
