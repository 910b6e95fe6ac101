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


categorical_cross_entropy = ROWS.of(
    "categorical_cross_entropy",
    lambda t, p, label_smoothing=0.0: -product(smoothed(t, label_smoothing), np.log(p)).sum(axis=-1),
)


@ROWS
def sparse_categorical_cross_entropy(y, p, ignore_index=None):
    kept, known = shown(y, ignore_index)
    return np.where(kept, -np.log(at(p, known)), 0), kept


categorical_cross_entropy_with_logits = ROWS.of(
    "categorical_cross_entropy_with_logits",
    lambda t, z, label_smoothing=0.0, class_weight=None: (
        -product(class_weights(class_weight, z) * smoothed(t, label_smoothing), log_shares(z)).sum(axis=-1)
    ),
)


def losses_of_labels(logp, labels, label_smoothing, class_weight):
    """-w_label log p_label, mixed with the mean of -w log p."""
    w = class_weights(class_weight, logp)
    own = w[labels] * -at(logp, labels)
    e = np.longdouble(label_smoothing)
    return product(1 - e, own) + product(w * e, -logp).sum(axis=-1) / logp.shape[-1]


@ROWS
def sparse_categorical_cross_entropy_with_logits(y, z, label_smoothing=0.0, class_weight=None, ignore_index=None):
    kept, known = shown(y, ignore_index)
    losses = np.where(kept, losses_of_labels(log_shares(z), known, label_smoothing, class_weight), 0)
    return losses, np.where(kept, class_weights(class_weight, z)[known], 0)


@ROWS
def negative_log_likelihood(y, logq, class_weight=None, ignore_index=None):
    kept, known = shown(y, ignore_index)
    w = np.where(kept, class_weights(class_weight, logq)[known], 0)
    return np.where(kept, -w * at(logq, known), 0), w


def relative_entropy(p, log_p, log_q):
    return np.where(np.isnan(log_q), log_q, product(p, log_p - log_q))


kl_divergence = ROWS.of("kl_divergence", lambda p, q: relative_entropy(p, np.log(p), np.log(q)).sum(axis=-1))
kl_divergence_of_log_predictions = ROWS.of(
    "kl_divergence_of_log_predictions", lambda p, q: relative_entropy(p, np.log(p), q).sum(axis=-1)
)
kl_divergence_of_logs = ROWS.of("kl_divergence_of_logs", lambda p, q: relative_entropy(np.exp(p), p, q).sum(axis=-1))
generalised_kl_divergence = ROWS.of(
    "generalised_kl_divergence", lambda p, q: (relative_entropy(p, np.log(p), q) - p + np.exp(q)).sum(axis=-1)
)
generalised_kl_divergence_of_probabilities = ROWS.of(
    "generalised_kl_divergence_of_probabilities",
    lambda p, q: (relative_entropy(p, np.log(p), np.log(q)) - p + q).sum(axis=-1),
)
brier_score = ROWS.of("brier_score", lambda t, p: (p - t) ** 2)
multiclass_brier_score = ROWS.of("multiclass_brier_score", lambda t, p: ((p - t) ** 2).sum(axis=-1))
categorical_focal_cross_entropy = ROWS.of(
    "categorical_focal_cross_entropy",
    lambda t, p, gamma=2.0, alpha=1.0: -np.longdouble(alpha) * product(t, (1 - p) ** gamma * np.log(p)).sum(axis=-1),
)


@ROWS
def categorical_focal_cross_entropy_with_logits(t, z, gamma=2.0, alpha=1.0):
    logp = log_shares(z)
    return -np.longdouble(alpha) * product(t, complement(np.exp(logp)) ** gamma * logp).sum(axis=-1)


poly_cross_entropy_with_logits = ROWS.of(
    "poly_cross_entropy_with_logits",
    lambda t, z, epsilon=2.0: (
        product(t, -log_shares(z)) + epsilon * product(t, complement(np.exp(log_shares(z))))
    ).sum(axis=-1),
)
generalised_cross_entropy = ROWS.of(
    "generalised_cross_entropy", lambda y, p, q=0.5: -np.expm1(q * np.log(at(p, y))) / q
)


@ROWS
def multilabel_binary_cross_entropy_with_logits(t, z, pos_weight=None, class_weight=None):
    q, w = class_weights(pos_weight, z), class_weights(class_weight, z)
    return (w * (product(q * t, soft_plus(-z)) + product(1 - t, soft_plus(z)))).sum(axis=-1) / z.shape[-1]


def soft_plus(z):
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def others(scores, labels):
    """Scores with -inf at the label."""
    return np.where(one_hot(labels, scores.shape[-1]), -np.inf, scores)


multiclass_hinge = ROWS.of("multiclass_hinge", lambda y, s: np.maximum(1 + (others(s, y).max(axis=-1) - at(s, y)), 0))
multiclass_perceptron = ROWS.of("multiclass_perceptron", lambda y, s: s.max(axis=-1) - at(s, y))
categorical_hinge = ROWS.of(
    "categorical_hinge", lambda t, s: np.maximum(product(1 - t, s).max(axis=-1) - product(t, s).sum(axis=-1) + 1, 0)
)
one_vs_all_hinge = ROWS.of(
    "one_vs_all_hinge", lambda y, s: np.maximum(1 - np.where(one_hot(y, s.shape[-1]), 1, -1) * s, 0).sum(axis=-1)
)


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


@ROWS
def sparsemax_loss(y, s):
    d, tau, p = projected(s)
    squares = np.square(p - one_hot(y, d.shape[-1])).sum(axis=-1) / 2
    return squares + np.maximum(tau[..., 0] - at(d, y), 0)


@ROWS
def multi_margin(y, s, p=1, margin=1.0, class_weight=None):
    weight = class_weights(class_weight, s)[np.asarray(y).astype(np.int64)]
    return weight * (shortfalls(y, s, margin) ** p).sum(axis=-1) / s.shape[-1]


@ROWS
def multilabel_margin(y_true, s):
    t = y_true == 1
    short = np.maximum(1 - (s[..., :, None] - s[..., None, :]), 0)
    pairs = t[..., :, None] & ~t[..., None, :]
    return np.where(pairs, short, 0).sum(axis=(-2, -1)) / s.shape[-1]
