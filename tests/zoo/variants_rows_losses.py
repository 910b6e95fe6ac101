"""Losses of rows by other algorithms than the bases': none of them is wrong, and none may fail."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
from scipy.special import logsumexp

from tests.zoo import right_row_gradients
from tests.zoo.entries import Variants, given
from tests.zoo.making import less_the_largest
from tests.zoo.right_rows import ROWS, at, narrow, one_hot, product, reduced, shown, wide
from tests.zoo.row_inputs import distributions, labels, logits, multi_hots, of_rows, one_hots, scores

variant = Variants(ROWS, wide=True)
SPARSE = "sparse_categorical_cross_entropy_with_logits"
SOFT = "categorical_cross_entropy_with_logits"
KL = "kl_divergence"
NINE = of_rows(9, 7)


def plain(losses, like, reduction):
    """The reductions of losses in the dtype that they have, rounded to that of `like`."""
    if reduction == "none":
        return losses.astype(like.dtype)
    total = losses.sum(dtype=np.float64)
    return like.dtype.type(total if reduction == "sum" else total / losses.size if losses.size else np.nan)


def work(x):
    """float16 is computed in float32, all else in its own dtype."""
    return x.astype(np.result_type(x.dtype, np.float32))


def apart(a, b):
    """a - b, and 0 where both are the same infinity."""
    return np.where(a == b, 0, a - b)


def of_losses(function):
    """-log p_label of what a function of the labels and logits gives, with its own reductions."""

    def loss(labels, logits, reduction="mean"):
        return plain(function(np.asarray(labels).astype(np.int64), logits), logits, reduction)

    return loss


def of_log_sums(function):
    """The same out of the logarithm of the sum of exponentials of what lies below the maximum."""

    def less_own(y, x):
        d = less_the_largest(x)
        return function(d) - at(d, y)

    return of_losses(less_own)


# fmt: off
variant.row("cross-entropy-less-entropy", KL, "-sum p log q + sum p log p in extended precision.",
    lambda p, q: product(p, np.log(p)).sum(axis=-1) + np.where(np.isnan(q), q, product(p, -np.log(q))).sum(axis=-1),
    given(y_true=distributions(6, 5), y_pred=distributions(6, 5, seed=8)), dtypes=("float32",))
variant.row("in-double-and-rounded", SPARSE, "Everything in binary64, one rounding at the end.",
    of_losses(lambda y, x: np.log(np.exp(less_the_largest(x.astype(np.float64))).sum(axis=-1))
        - at(less_the_largest(x.astype(np.float64)), y)), NINE, dtypes=("float32", "float16"))
variant.row("log-sum-less-gathered", SPARSE, "log(sum e^d) - d_label in the input's precision.",
    of_log_sums(lambda d: np.log(np.exp(d).sum(axis=-1))), NINE)
variant.row("summed-from-the-end", SPARSE, "The exponentials are added in reversed order.",
    of_log_sums(lambda d: np.log(np.add.accumulate(np.exp(d)[..., ::-1], axis=-1)[..., -1])), NINE)
variant.row("summed-in-order-of-size", SPARSE, "The exponentials are sorted and added from the smallest.",
    of_log_sums(lambda d: np.log(np.sort(np.exp(d), axis=-1).sum(axis=-1))), NINE)
variant.row("logaddexp-reduced", SPARSE, "A fold of log(e^a + e^b) over the differences from the maximum.",
    of_log_sums(lambda d: np.logaddexp.reduce(d, axis=-1)), NINE)
variant.row("powers-of-two", SPARSE, "2^(d log2 e), and the logarithm in base 2 times ln 2.",
    of_log_sums(lambda d: np.log2(np.exp2((d * d.dtype.type(math.log2(math.e))).astype(d.dtype)).sum(axis=-1))
        * d.dtype.type(math.log(2))), NINE)
variant.row("scipy-logsumexp", SPARSE, "scipy.special.logsumexp of the differences from the maximum.",
    of_log_sums(lambda d: np.asarray(logsumexp(d, axis=-1))), NINE)

@variant(SPARSE, NINE, made=of_log_sums)
def log1p_of_the_others(d):
    """log1p of the exponentials of all but the largest."""
    e = np.exp(d)
    np.put_along_axis(e, d.argmax(axis=-1)[..., None], 0, axis=-1)
    return np.log1p(e.sum(axis=-1))

@variant(SPARSE, NINE, made=of_log_sums)
def compensated_sum(d):
    """Kahan's summation of the exponentials."""
    total, lost = np.zeros(d.shape[:-1], d.dtype), np.zeros(d.shape[:-1], d.dtype)
    for e in np.moveaxis(np.exp(d), -1, 0):
        term = e - lost
        grown = total + term
        total, lost = grown, (grown - total) - term
    return np.log(total)

@variant(SPARSE, NINE, made=of_log_sums)
def exponential_by_range_reduction(d):
    """e^d = 2^k e^r by a polynomial in r and an exponent."""
    lowest = np.log(np.finfo(d.dtype).tiny) - 40
    # NaN passes both; what lies below the lowest is 0 whatever the polynomial says.
    cut = np.clip(d, lowest, 0)
    k = np.rint(cut / math.log(2))
    r = (cut.astype(np.longdouble) - k * np.log(np.longdouble(2))).astype(d.dtype)
    e = np.ones_like(r)
    for order in range(13, 0, -1):
        e = 1 + e * r / d.dtype.type(order)
    e = np.where(d < lowest, 0, np.ldexp(e, np.nan_to_num(k).astype(np.int32)))
    return np.log(e.sum(axis=-1, dtype=d.dtype))

@variant(SPARSE, NINE, made=of_losses)
def online_softmax(y, x):
    """One pass that rescales the sum when the maximum rises, entry by entry."""
    x = work(x)
    top, total = x[..., 0].copy(), np.ones(x.shape[:-1], x.dtype)
    for index in range(1, x.shape[-1]):
        higher = np.maximum(top, x[..., index])
        total = total * np.exp(apart(top, higher)) + np.exp(apart(x[..., index], higher))
        top = higher
    return np.log(total) - (at(x, y) - top)

@variant(SPARSE, NINE, made=of_losses)
def online_softmax_in_blocks(y, x):
    """Partial maxima and sums of blocks of 4, merged pairwise."""
    x = work(x)
    blocks = [x[..., start : start + 4] for start in range(0, x.shape[-1], 4)]
    parts = [(b.max(axis=-1), np.exp(apart(b, b.max(axis=-1, keepdims=True))).sum(axis=-1)) for b in blocks]
    while len(parts) > 1:
        merged = []
        for one, other in zip(parts[::2], [*parts[1::2], None], strict=False):
            if other is None:
                merged.append(one)
                continue
            top = np.maximum(one[0], other[0])
            merged.append((top, one[1] * np.exp(apart(one[0], top)) + other[1] * np.exp(apart(other[0], top))))
        parts = merged
    top, total = parts[0]
    return np.log(total) - (at(x, y) - top)

@variant(SPARSE, NINE, made=of_losses)
def row_by_row(y, x):
    """Python's math module, a row at a time, with an exact sum."""
    flat = x.reshape(-1, x.shape[-1]).astype(np.float64).tolist()
    losses = []
    for row, label in zip(flat, y.ravel().tolist(), strict=True):
        top = max(row)
        losses.append(math.log(math.fsum(math.exp(z - top) for z in row)) - (row[label] - top))
    return np.array(losses).reshape(y.shape)

@variant(SPARSE, NINE, made=of_losses)
def one_hot_product(y, x):
    """The label's entry by an einsum with a one-hot row."""
    d = less_the_largest(x)
    hot = one_hot(y, x.shape[-1]).astype(d.dtype)
    return np.log(np.einsum("...c->...", np.exp(d))) - np.einsum("...c,...c->...", hot, np.where(hot == 1, d, 0))

@variant(SPARSE, NINE, made=of_losses)
def chunks_of_rows(y, x):
    """Rows are taken 4 at a time."""
    flat, known = x.reshape(-1, x.shape[-1]), y.ravel()
    parts = [less_the_largest(flat[i : i + 4]) for i in range(0, len(flat), 4)]
    parts = [np.log(np.exp(d).sum(axis=-1)) - at(d, known[4 * i : 4 * i + 4]) for i, d in enumerate(parts)]
    return np.concatenate([np.zeros(0, work(x).dtype), *parts]).reshape(y.shape)

@variant(SOFT, given(y_true=distributions(6, 5), logits=logits(6, 5)))
def targets_with_their_weights_in_one_product(y_true, z, class_weight=None, label_smoothing=0.0):
    """sum(w t) log(sum) - sum(w t d), which needs no row of logarithms."""
    t = y_true * (1 - label_smoothing) + np.longdouble(label_smoothing) / z.shape[-1]
    t = t if class_weight is None else t * wide(class_weight)
    d = less_the_largest(z)
    return product(t.sum(axis=-1), np.log(np.exp(d).sum(axis=-1))) - product(t, d).sum(axis=-1)

@variant(SPARSE, of_rows(6, 4, ignore_index=2, label_smoothing=0.125),
    gradient=right_row_gradients.sparse_categorical_cross_entropy_with_logits)
def labels_as_rows(y, z, label_smoothing=0.0, class_weight=None, ignore_index=None):
    """Labels become smoothed one-hot rows, and ignored ones rows of zeros."""
    kept, known = shown(y, ignore_index)
    count = z.shape[-1]
    w = np.ones(count, np.longdouble) if class_weight is None else wide(class_weight)
    hot = one_hot(known, count) & kept[..., None]
    t = (hot * (1 - np.longdouble(label_smoothing)) + kept[..., None] * np.longdouble(label_smoothing) / count) * w
    d = less_the_largest(np.where(kept[..., None], z, 0))
    each = -product(t, d - np.log(np.exp(d).sum(axis=-1, keepdims=True)))
    return each.sum(axis=-1), (hot * w).sum(axis=-1)

@variant(KL, given(y_true=distributions(6, 5), y_pred=distributions(6, 5, seed=8)), dtypes=("float32", "float16"))
def difference_of_logarithms(y_true, y_pred, reduction="mean"):
    """p (log p - log q), the logarithms taken one by one in a wider format."""
    p, q = y_true.astype(np.float64), y_pred.astype(np.float64)
    terms = np.where(p == 0, 0 * np.where(np.isnan(q), q, 0), p * (np.log(np.where(p == 0, 1, p)) - np.log(q)))
    return plain(terms.sum(axis=-1), y_pred, reduction)

@variant(KL, given(y_true=distributions(6, 5), y_pred=distributions(6, 5, seed=8)), upstream="scipy/scipy/pull/20816")
def log1p_where_the_quotient_is_near_one(p, q):
    """p log1p((p - q) / q) for quotients between 1/2 and 2, as scipy's rel_entr."""
    gap = (p - q) / q
    logs = np.where((gap > -0.5) & (gap < 1), np.log1p(gap), np.log(p) - np.log(q))
    return np.where(np.isnan(q), q, product(p, logs)).sum(axis=-1)

@variant("negative_log_likelihood", given(labels=labels(6, 4), log_probabilities=np.log(distributions(6, 4))))
def fancy_index(labels, log_probabilities, reduction="mean"):
    """-p[arange, labels] of flattened rows."""
    flat, known = log_probabilities.reshape(-1, log_probabilities.shape[-1]), np.ravel(labels).astype(np.int64)
    losses = -flat[np.arange(len(flat)), known].reshape(np.shape(labels))
    return plain(losses, log_probabilities, reduction)

@variant("multiclass_brier_score", given(y_true=one_hots(4, 3), y_pred=distributions(4, 3)), dtypes=("float32",))
def exact_squares(y_true, y_pred, reduction="mean"):
    """Rational arithmetic, rounded once."""
    t, p = (np.reshape(x, (-1, np.shape(x)[-1])).tolist() for x in (y_true, y_pred))
    if not (np.isfinite(y_pred).all() and np.isfinite(y_true).all()):
        return reduced(((wide(y_pred) - wide(y_true)) ** 2).sum(axis=-1), reduction, y_pred)
    rows = [
        sum(((Fraction(a) - Fraction(b)) ** 2 for a, b in zip(*row, strict=True))) for row in zip(t, p, strict=True)
    ]
    if reduction == "none":
        return np.array([float(row) for row in rows]).reshape(y_pred.shape[:-1]).astype(y_pred.dtype)
    total = sum(rows, Fraction(0))
    if not rows:
        return y_pred.dtype.type(np.nan if reduction == "mean" else 0)
    return y_pred.dtype.type(float(total / len(rows) if reduction == "mean" else total))

@variant("brier_score", given(y_true=(scores(9, seed=8) > 0.5).astype(np.float32), y_pred=scores(9)))
def dot_of_the_difference(y_true, y_pred, reduction="mean"):
    """The dot product of p - t with itself."""
    d = (wide(y_pred) - wide(y_true)).ravel()
    if reduction == "none":
        return narrow((d * d).reshape(y_pred.shape), y_pred)
    return narrow(np.dot(d, d) / (d.size if reduction == "mean" else 1), y_pred)

@variant("multiclass_hinge", given(labels=labels(8, 5), scores=logits(8, 5)))
def two_largest_by_partition(y, s):
    """The two largest scores: the runner-up is the second where the label's is the first."""
    if s.shape[-1] == 1:
        return np.maximum(-np.inf - s[..., 0], 0)
    ordered = np.sort(s, axis=-1)
    nan = np.isnan(s).any(axis=-1)
    rest = np.where(np.argmax(s, axis=-1) == y, ordered[..., -2], ordered[..., -1])
    return np.where(nan, np.nan, np.maximum(1 + (rest - at(s, y)), 0))

@variant("multilabel_margin", given(y_true=multi_hots(4, 5), scores=logits(4, 5)))
def pairs_in_a_loop(t, s):
    """A loop over the labels, each against all others at once."""
    losses = np.zeros(s.shape[:-1], np.longdouble)
    for a in range(s.shape[-1]):
        short = np.maximum(1 - (s[..., a, None] - s), 0)
        losses += np.where((t[..., a, None] == 1) & (t != 1), short, 0).sum(axis=-1)
    return losses / s.shape[-1]

@variant("multilabel_binary_cross_entropy_with_logits", given(y_true=multi_hots(5, 4), logits=logits(5, 4)))
def sign_times_logit(y_true, logits, reduction="mean"):
    """One softplus of -(2 t - 1) z for each label."""
    z = np.where(y_true == 1, -work(logits), work(logits))
    each = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))
    return plain(each.mean(axis=-1, dtype=np.result_type(each, np.float64)), logits, reduction)

VARIANTS = tuple(variant.entries)
