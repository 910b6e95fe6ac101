"""Right implementations of losses of rows: the numbers are computed in extended precision and rounded once.

Each takes the definition's own names. Labels have the batch's shape and rows one more axis, the last. Faults are
built out of the parts here, one of which they change.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.zoo.making import Maker

Array = Any


def wide(x):
    """The same numbers in extended precision."""
    return np.asarray(x).astype(np.float64).astype(np.longdouble)


def narrow(value, like):
    """Rounded to the dtype of `like`."""
    return np.asarray(value).astype(np.asarray(like).dtype)


def product(weight, x):
    """weight * x with 0 * anything = 0."""
    return np.where(weight == 0, 0, weight * x)


def reduced(losses, reduction, like, weight=None, own=1):
    """Losses that weigh `weight`, besides `own` that they have in them; the mean is over the sum of both."""
    given = np.ones(losses.shape, np.longdouble) if weight is None else wide(weight)
    weighed = losses if weight is None else given * losses
    if reduction == "none":
        return narrow(weighed, like)
    total = weighed.sum()
    return narrow(total if reduction == "sum" else total / (given * own).sum(), like)


def shares(cotangent, reduction, shape, own=1):
    """What each row's loss is multiplied with: the cotangent, over the sum of weights in a mean."""
    c = np.broadcast_to(wide(cotangent), shape)
    return c / np.broadcast_to(own, shape).sum() if reduction == "mean" else c


def _with_own(answer):
    return answer if isinstance(answer, tuple) else (answer, 1)


def _loss(answer, like, reduction, sample_weight):
    losses, own = _with_own(answer)
    return reduced(losses, reduction, like, sample_weight, own)


def _gradient(answer, like, cotangent, reduction):
    slopes, own = _with_own(answer)
    return narrow(shares(cotangent, reduction, slopes.shape[:-1], own)[..., None] * slopes, like)


ROWS = Maker(wide, _loss, _gradient, added_to_gradient=("reduction",))


def at(rows, labels):
    """The entry of each row at its label."""
    return np.take_along_axis(rows, np.asarray(labels).astype(np.int64)[..., None], axis=-1)[..., 0]


def one_hot(labels, count):
    """A row of False with a True at each label."""
    return np.arange(count) == np.asarray(labels).astype(np.int64)[..., None]


def log_shares(logits):
    """In extended precision, accurate near 0 too."""
    x = wide(logits)
    top = x.max(axis=-1, keepdims=True)
    d = x - np.where(np.isfinite(top), top, 0)
    first = np.arange(x.shape[-1]) == np.argmax(x, axis=-1)[..., None]
    others = np.where(first, 0, np.exp(d)).sum(axis=-1, keepdims=True)
    finite = d - np.log1p(others)
    return np.where(np.isfinite(top), finite, x - top)


def shares_of(logits):
    return np.exp(log_shares(logits))


def complement(p):
    """1 - p of a row that sums to one, as the sum of the others."""
    none = np.zeros_like(p[..., :1])
    before = np.concatenate([none, np.cumsum(p, axis=-1)[..., :-1]], axis=-1)
    after = np.concatenate([none, np.cumsum(p[..., ::-1], axis=-1)[..., :-1]], axis=-1)[..., ::-1]
    return before + after


def smoothed(y_true, label_smoothing):
    t = wide(y_true)
    return t * (1 - label_smoothing) + np.longdouble(label_smoothing) / t.shape[-1]


def class_weights(class_weight, logits):
    return np.ones(logits.shape[-1], np.longdouble) if class_weight is None else wide(class_weight)


def shown(labels, ignore_index):
    """Which rows count, and labels with which those that do not can be looked up."""
    labels = np.asarray(labels).astype(np.int64)
    kept = np.ones(labels.shape, bool) if ignore_index is None else labels != ignore_index
    return kept, np.where(kept, labels, 0)


def categorical_cross_entropy(y_true, y_pred, label_smoothing=0.0, reduction="mean", sample_weight=None):
    losses = -product(smoothed(y_true, label_smoothing), np.log(wide(y_pred))).sum(axis=-1)
    return reduced(losses, reduction, y_pred, sample_weight)


def sparse_categorical_cross_entropy(labels, y_pred, ignore_index=None, reduction="mean", sample_weight=None):
    kept, known = shown(labels, ignore_index)
    losses = np.where(kept, -np.log(at(wide(y_pred), known)), 0)
    return reduced(losses, reduction, y_pred, sample_weight, own=kept)


def categorical_cross_entropy_with_logits(
    y_true, logits, label_smoothing=0.0, class_weight=None, reduction="mean", sample_weight=None
):
    targets = class_weights(class_weight, logits) * smoothed(y_true, label_smoothing)
    return reduced(-product(targets, log_shares(logits)).sum(axis=-1), reduction, logits, sample_weight)


def losses_of_labels(logp, labels, label_smoothing, class_weight):
    """-w_label log p_label, mixed with the mean of -w log p."""
    w = class_weights(class_weight, logp)
    own = w[labels] * -at(logp, labels)
    e = np.longdouble(label_smoothing)
    return product(1 - e, own) + product(w * e, -logp).sum(axis=-1) / logp.shape[-1]


def sparse_categorical_cross_entropy_with_logits(
    labels, logits, label_smoothing=0.0, class_weight=None, ignore_index=None, reduction="mean", sample_weight=None
):
    kept, known = shown(labels, ignore_index)
    losses = np.where(kept, losses_of_labels(log_shares(logits), known, label_smoothing, class_weight), 0)
    own = np.where(kept, class_weights(class_weight, logits)[known], 0)
    return reduced(losses, reduction, logits, sample_weight, own)


def negative_log_likelihood(
    labels, log_probabilities, class_weight=None, ignore_index=None, reduction="mean", sample_weight=None
):
    kept, known = shown(labels, ignore_index)
    w = np.where(kept, class_weights(class_weight, log_probabilities)[known], 0)
    losses = np.where(kept, -w * at(wide(log_probabilities), known), 0)
    return reduced(losses, reduction, log_probabilities, sample_weight, w)


def relative_entropy(p, log_p, log_q):
    return np.where(np.isnan(log_q), log_q, product(p, log_p - log_q))


def kl_divergence(y_true, y_pred, reduction="mean", sample_weight=None):
    p, q = wide(y_true), wide(y_pred)
    return reduced(relative_entropy(p, np.log(p), np.log(q)).sum(axis=-1), reduction, y_pred, sample_weight)


def kl_divergence_of_log_predictions(y_true, log_probabilities, reduction="mean", sample_weight=None):
    p, q = wide(y_true), wide(log_probabilities)
    return reduced(relative_entropy(p, np.log(p), q).sum(axis=-1), reduction, log_probabilities, sample_weight)


def kl_divergence_of_logs(log_targets, log_probabilities, reduction="mean", sample_weight=None):
    p, q = wide(log_targets), wide(log_probabilities)
    return reduced(relative_entropy(np.exp(p), p, q).sum(axis=-1), reduction, log_probabilities, sample_weight)


def generalised_kl_divergence(y_true, log_probabilities, reduction="mean", sample_weight=None):
    p, q = wide(y_true), wide(log_probabilities)
    terms = relative_entropy(p, np.log(p), q) - p + np.exp(q)
    return reduced(terms.sum(axis=-1), reduction, log_probabilities, sample_weight)


def generalised_kl_divergence_of_probabilities(y_true, y_pred, reduction="mean", sample_weight=None):
    p, q = wide(y_true), wide(y_pred)
    terms = relative_entropy(p, np.log(p), np.log(q)) - p + q
    return reduced(terms.sum(axis=-1), reduction, y_pred, sample_weight)


def brier_score(y_true, y_pred, reduction="mean", sample_weight=None):
    return reduced((wide(y_pred) - wide(y_true)) ** 2, reduction, y_pred, sample_weight)


def multiclass_brier_score(y_true, y_pred, reduction="mean", sample_weight=None):
    return reduced(((wide(y_pred) - wide(y_true)) ** 2).sum(axis=-1), reduction, y_pred, sample_weight)


def categorical_focal_cross_entropy(y_true, y_pred, gamma=2.0, alpha=1.0, reduction="mean", sample_weight=None):
    p = wide(y_pred)
    losses = -np.longdouble(alpha) * product(wide(y_true), (1 - p) ** gamma * np.log(p)).sum(axis=-1)
    return reduced(losses, reduction, y_pred, sample_weight)


def categorical_focal_cross_entropy_with_logits(
    y_true, logits, gamma=2.0, alpha=1.0, reduction="mean", sample_weight=None
):
    logp = log_shares(logits)
    terms = product(wide(y_true), complement(np.exp(logp)) ** gamma * logp)
    return reduced(-np.longdouble(alpha) * terms.sum(axis=-1), reduction, logits, sample_weight)


def poly_cross_entropy_with_logits(y_true, logits, epsilon=2.0, reduction="mean", sample_weight=None):
    t, logp = wide(y_true), log_shares(logits)
    losses = (product(t, -logp) + epsilon * product(t, complement(np.exp(logp)))).sum(axis=-1)
    return reduced(losses, reduction, logits, sample_weight)


def generalised_cross_entropy(labels, y_pred, q=0.5, reduction="mean", sample_weight=None):
    return reduced(-np.expm1(q * np.log(at(wide(y_pred), labels))) / q, reduction, y_pred, sample_weight)


def multilabel_binary_cross_entropy_with_logits(
    y_true, logits, pos_weight=None, class_weight=None, reduction="mean", sample_weight=None
):
    t, z = wide(y_true), wide(logits)
    q, w = class_weights(pos_weight, logits), class_weights(class_weight, logits)
    each = w * (product(q * t, soft_plus(-z)) + product(1 - t, soft_plus(z)))
    return reduced(each.sum(axis=-1) / z.shape[-1], reduction, logits, sample_weight)


def soft_plus(z):
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def others(scores, labels):
    """Scores with -inf at the label."""
    return np.where(one_hot(labels, scores.shape[-1]), -np.inf, scores)


def multiclass_hinge(labels, scores, reduction="mean", sample_weight=None):
    s = wide(scores)
    losses = np.maximum(1 + (others(s, labels).max(axis=-1) - at(s, labels)), 0)
    return reduced(losses, reduction, scores, sample_weight)


def multiclass_perceptron(labels, scores, reduction="mean", sample_weight=None):
    s = wide(scores)
    return reduced(s.max(axis=-1) - at(s, labels), reduction, scores, sample_weight)


def categorical_hinge(y_true, scores, reduction="mean", sample_weight=None):
    t, s = wide(y_true), wide(scores)
    losses = np.maximum(product(1 - t, s).max(axis=-1) - product(t, s).sum(axis=-1) + 1, 0)
    return reduced(losses, reduction, scores, sample_weight)


def one_vs_all_hinge(labels, scores, reduction="mean", sample_weight=None):
    s = wide(scores)
    signs = np.where(one_hot(labels, s.shape[-1]), 1, -1)
    return reduced(np.maximum(1 - signs * s, 0).sum(axis=-1), reduction, scores, sample_weight)


def shortfalls(labels, scores, margin):
    """By how much the label's score lacks the margin over each other class's; 0 for the label itself."""
    s = wide(scores)
    short = np.maximum(np.longdouble(margin) - (at(s, labels)[..., None] - s), 0)
    return np.where(one_hot(labels, s.shape[-1]), 0, short)


def projected(scores):
    """Scores less their maximum, what sparsemax subtracts from those, and sparsemax."""
    d = wide(scores)
    d = d - d.max(axis=-1, keepdims=True)
    ordered = -np.sort(-d, axis=-1)
    sums = np.cumsum(ordered, axis=-1)
    size = np.maximum((1 + np.arange(1, d.shape[-1] + 1) * ordered > sums).sum(axis=-1, keepdims=True), 1)
    tau = (np.take_along_axis(sums, size - 1, axis=-1) - 1) / size
    return d, tau, np.maximum(d - tau, 0)


def sparsemax_loss(labels, scores, reduction="mean", sample_weight=None):
    d, tau, p = projected(scores)
    squares = np.square(p - one_hot(labels, d.shape[-1])).sum(axis=-1) / 2
    missed = np.maximum(tau[..., 0] - at(d, labels), 0)
    return reduced(squares + missed, reduction, scores, sample_weight)


def multi_margin(labels, scores, p=1, margin=1.0, class_weight=None, reduction="mean", sample_weight=None):
    weight = class_weights(class_weight, scores)[np.asarray(labels).astype(np.int64)]
    losses = weight * (shortfalls(labels, scores, margin) ** p).sum(axis=-1) / scores.shape[-1]
    return reduced(losses, reduction, scores, sample_weight)


def multilabel_margin(y_true, scores, reduction="mean", sample_weight=None):
    t, s = wide(y_true) == 1, wide(scores)
    short = np.maximum(1 - (s[..., :, None] - s[..., None, :]), 0)
    pairs = t[..., :, None] & ~t[..., None, :]
    losses = np.where(pairs, short, 0).sum(axis=(-2, -1)) / s.shape[-1]
    return reduced(losses, reduction, scores, sample_weight)
