"""Right vector-Jacobian products of losses of rows, with respect to their last input."""

from __future__ import annotations

import numpy as np

from tests.zoo.right_rows import (
    ROWS,
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
)


def through_softmax(logits, targets):
    """p_c sum(t) - t_c, in which what cancels is left out."""
    p = shares_of(logits)
    return p * (targets.sum(axis=-1, keepdims=True) - targets) - product(targets, complement(p))


@ROWS.slope
def sparse_categorical_cross_entropy_with_logits(y, z, label_smoothing=0.0, class_weight=None, ignore_index=None):
    kept, known = shown(y, ignore_index)
    w, e = class_weights(class_weight, z), np.longdouble(label_smoothing)
    targets = w[known][..., None] * one_hot(known, z.shape[-1]) * (1 - e) + w * e / z.shape[-1]
    own = np.where(kept, w[known], 0)
    return np.where(kept[..., None], through_softmax(z, targets), 0), own


categorical_cross_entropy_with_logits = ROWS.of(
    "categorical_cross_entropy_with_logits_gradient",
    lambda t, z, label_smoothing=0.0, class_weight=None: through_softmax(
        z, class_weights(class_weight, z) * smoothed(t, label_smoothing)
    ),
)


@ROWS.slope
def sparse_categorical_cross_entropy(y, p, ignore_index=None):
    kept, known = shown(y, ignore_index)
    return np.where(one_hot(known, p.shape[-1]) & kept[..., None], -1 / p, 0), kept


@ROWS.slope
def negative_log_likelihood(y, logq, class_weight=None, ignore_index=None):
    kept, known = shown(y, ignore_index)
    w = np.where(kept, class_weights(class_weight, logq)[known], 0)
    return -w[..., None] * one_hot(known, logq.shape[-1]), w


categorical_cross_entropy = ROWS.of(
    "categorical_cross_entropy_gradient",
    lambda t, p, label_smoothing=0.0: -product(smoothed(t, label_smoothing), 1 / p),
)
kl_divergence = ROWS.of("kl_divergence_gradient", lambda t, p: -product(t, 1 / p))
multiclass_brier_score = ROWS.of("multiclass_brier_score_gradient", lambda t, p: 2 * (p - t))


def multi_margin(labels, scores, cotangent, p=1, margin=1.0, class_weight=None, reduction="mean"):
    short = shortfalls(labels, scores, margin)
    each = np.where(short > 0, p * short ** (p - 1), 0)
    slopes = each - one_hot(labels, scores.shape[-1]) * each.sum(axis=-1, keepdims=True)
    weight = class_weights(class_weight, scores)[np.asarray(labels).astype(np.int64)] / scores.shape[-1]
    return narrow((shares(cotangent, reduction, weight.shape) * weight)[..., None] * slopes, scores)


@ROWS.slope
def multilabel_margin(y_true, s):
    t = y_true == 1
    pairs = t[..., :, None] & ~t[..., None, :] & (1 - (s[..., :, None] - s[..., None, :]) > 0)
    return (pairs.sum(axis=-2) - pairs.sum(axis=-1)) / np.longdouble(s.shape[-1])


@ROWS.slope
def multilabel_binary_cross_entropy_with_logits(t, z, pos_weight=None, class_weight=None):
    q, w = class_weights(pos_weight, z), class_weights(class_weight, z)
    small = np.exp(-np.abs(z))
    up, down = np.where(z >= 0, 1, small) / (1 + small), np.where(z >= 0, small, 1) / (1 + small)
    return w * ((1 - t) * up - q * t * down) / z.shape[-1]


@ROWS.slope
def categorical_focal_cross_entropy_with_logits(t, z, gamma=2.0, alpha=1.0):
    logp = log_shares(z)
    p = np.exp(logp)
    wrong = complement(p)
    # The slope along log p_c, through which softmax's own slopes go.
    along = -np.longdouble(alpha) * product(t, wrong**gamma - gamma * wrong ** (gamma - 1) * p * logp)
    count = z.shape[-1]
    through = along[..., :, None] * (np.eye(count) * wrong[..., None, :] - (1 - np.eye(count)) * p[..., None, :])
    return through.sum(axis=-2)
