"""Legitimate ways of computing softmax and its relatives, none of which is to be failed."""

from __future__ import annotations

import math

import numpy as np

from tests.zoo import right
from tests.zoo.entries import NARROW, OWN, Variants
from tests.zoo.right import ANSWERS, rounded, wide

variant = Variants(ANSWERS)


def _along(x, axis, row):
    """Rows by themselves, one after the other, put back where they were."""
    rows = np.moveaxis(np.asarray(x), axis, -1)
    answer = np.empty(rows.shape, rows.dtype)
    for place in np.ndindex(rows.shape[:-1]):
        answer[place] = row(rows[place])
    return np.moveaxis(answer, -1, axis)


# fmt: off
variant.row("softmax-of-log-softmax", "softmax", "e^log_softmax in binary64.",
    lambda x, axis=-1: np.exp(right.log_softmax64(x, axis)), dtypes=NARROW, wide=True)
variant.row("softmax-of-float16-in-binary32", "softmax", "float16 in binary32 arithmetic, rounded at the end.",
    lambda x, axis=-1: softmax_in_the_own_format(x.astype(np.float32), axis).astype(x.dtype), dtypes=["float16"])
variant.row("softmax-of-the-last-axis", "softmax", "Along the last axis alone, without the parameter axis.",
    lambda x: right.softmax(x))
variant.row("log-softmax-by-logsumexp", "log_softmax", "x - logsumexp(x) in binary64, of numbers below 65536.",
    lambda x, axis=-1: x - np.expand_dims(right.logsumexp64(x, axis), axis), dtypes=["float16"], wide=True)
variant.row("logsumexp-by-logaddexp", "logsumexp", "logaddexp of one number after the other, in binary64.",
    lambda x, axis=-1: np.logaddexp.reduce(x, axis=axis), dtypes=NARROW, wide=True)
variant.row("tempered-after-the-shift", "softmax_with_temperature", "Logits are shifted before they are divided.",
    lambda x, temperature=2.0, axis=-1: rounded(right.softmax64((wide(x) - wide(x).max(axis=axis, keepdims=True))
        / float(x.dtype.type(temperature)), axis), x), dtypes=NARROW)
variant.slope("softmax-gradient-in-the-own-format", "softmax", "p (c - c . p) in the input's own format.",
    lambda x, cotangent, axis=-1: right.softmax(x, axis) * (cotangent
        - (cotangent * right.softmax(x, axis)).sum(axis=axis, keepdims=True)), dtypes=OWN)
variant.slope("log-softmax-gradient-in-the-own-format", "log_softmax", "c - p sum(c) in the input's own format.",
    lambda x, cotangent, axis=-1: cotangent - right.softmax(x, axis) * cotangent.sum(axis=axis, keepdims=True),
    dtypes=OWN)
variant.row("softmax-of-its-logarithm", "softmax", "The exponential of what log-softmax is, in the own format.",
    lambda x, axis=-1: np.exp(x - x.max(axis=axis, keepdims=True)
        - np.log(np.exp(x - x.max(axis=axis, keepdims=True)).sum(axis=axis, keepdims=True))), dtypes=["float32"])
variant.row("log-softmax-in-the-own-format", "log_softmax",
    "Differences minus the logarithm of the sum, in the input's own format.",
    lambda x, axis=-1: x - x.max(axis=axis, keepdims=True) - np.log(np.exp(x
        - x.max(axis=axis, keepdims=True)).sum(axis=axis, keepdims=True)), dtypes=OWN)

@variant("softmax", dtypes=OWN)
def softmax_in_the_own_format(x, axis=-1):
    """Exponentials of differences over their sum, all in the input's own format."""
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)

@variant("softmax", dtypes=["float32"])
def softmax_by_powers_of_two(x, axis=-1):
    """Powers of two of differences times log2 e, as on a GPU."""
    e = np.exp2((x - x.max(axis=axis, keepdims=True)) * x.dtype.type(1 / math.log(2)))
    return e / e.sum(axis=axis, keepdims=True)

@variant("softmax", dtypes=OWN)
def softmax_of_scipy(x, axis=-1):
    """scipy.special.softmax."""
    from scipy.special import softmax

    return np.asarray(softmax(x, axis=axis))

@variant("softmax", dtypes=OWN)
def softmax_by_a_reciprocal(x, axis=-1):
    """Multiplied with the reciprocal of the sum."""
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e * (x.dtype.type(1) / e.sum(axis=axis, keepdims=True))

@variant("softmax", dtypes=NARROW)
def softmax_online(x, axis=-1):
    """Online, in blocks of 128, with a running maximum and a rescaled sum, in binary32."""
    rows = np.moveaxis(x, axis, -1).astype(np.float32)
    top = np.full((*rows.shape[:-1], 1), -np.inf, np.float32)
    total = np.zeros_like(top)
    for start in range(0, rows.shape[-1], 128):
        block = rows[..., start : start + 128]
        larger = np.maximum(top, block.max(axis=-1, keepdims=True))
        scale = np.where(np.isneginf(top), np.float32(0), np.exp(top - larger))
        shift = np.where(np.isneginf(larger), np.float32(0), larger)
        total = total * scale + np.exp(block - shift).sum(axis=-1, keepdims=True)
        top = larger
    return np.moveaxis(np.exp(rows - top) / total, -1, axis).astype(x.dtype)

@variant("softmax", dtypes=NARROW)
def softmax_of_base_two(x, axis=-1):
    """Base 2, with log2 e in two parts so that the exponent is not rounded."""
    d = x.astype(np.float32) - x.astype(np.float32).max(axis=axis, keepdims=True)
    head = np.float32(1.4423828125)
    tail = np.float32(math.log2(math.e) - 1.4423828125)
    # As a fused multiply-add would: the head's product is exact in binary64.
    e = np.exp2(d.astype(np.float64) * head + d.astype(np.float64) * tail).astype(np.float32)
    return (e / e.sum(axis=axis, keepdims=True)).astype(x.dtype)

@variant("softmax", dtypes=NARROW)
def softmax_summed_backwards(x, axis=-1):
    """The sum in reverse order, in pure Python, in binary64."""

    def row(z):
        e = np.exp(z.astype(np.float32) - z.astype(np.float32).max())
        total = 0.0
        for each in e[::-1].tolist():
            total += each
        return (e / np.float32(total)).astype(z.dtype)

    return _along(x, axis, row)

@variant("softmax", dtypes=OWN)
def softmax_summed_in_pairs(x, axis=-1):
    """The sum in pairs, recursively, in the input's own format."""

    def pairwise(e):
        return e.sum() if e.size < 3 else pairwise(e[: e.size // 2]) + pairwise(e[e.size // 2 :])

    def row(z):
        e = np.exp(z - z.max())
        return e / pairwise(e)

    return _along(x, axis, row)

@variant("softmax", dtypes=OWN)
def softmax_summed_with_compensation(x, axis=-1):
    """The sum with Kahan's compensation, in the input's own format."""

    def row(z):
        e = np.exp(z - z.max())
        total = lost = z.dtype.type(0)
        for each in e:
            term = each - lost
            larger = total + term
            lost = larger - total - term
            total = larger
        return e / total

    return _along(x, axis, row)

@variant("softmax", dtypes=NARROW)
def softmax_summed_by_einsum(x, axis=-1):
    """The sum as a product with ones, by einsum, in binary64."""
    rows = np.moveaxis(x, axis, -1).astype(np.float32)
    e = np.exp(rows - rows.max(axis=-1, keepdims=True))
    total = np.einsum("...i,i->...", e.astype(np.float64), np.ones(rows.shape[-1]))[..., None]
    return np.moveaxis(e / total.astype(np.float32), -1, axis).astype(x.dtype)

@variant("softmax", dtypes=OWN)
def softmax_of_sorted_rows(x, axis=-1):
    """Sorted rows, summed from the smallest, and put back in order."""
    order = np.argsort(x, axis=axis)
    ordered = np.take_along_axis(x, order, axis=axis)
    answer = np.empty_like(x)
    np.put_along_axis(answer, order, softmax_in_the_own_format(ordered, axis), axis)
    return answer

@variant("softmax", dtypes=NARROW, wide=True)
def softmax_shifted_by_a_whole_number(x, axis=-1):
    """Shifted by the maximum rounded up to a whole number."""
    e = np.exp(x - np.ceil(x.max(axis=axis, keepdims=True)))
    return e / e.sum(axis=axis, keepdims=True)

@variant("softmax")
def softmax_in_a_loop(x, axis=-1):
    """Row by row in pure Python, with math.exp and math.fsum."""

    def row(z):
        numbers = wide(z).tolist()
        if not all(map(math.isfinite, numbers)):
            return right.softmax(z)
        e = [math.exp(each - max(numbers)) for each in numbers]
        return rounded(np.array([each / math.fsum(e) for each in e]), z)

    return _along(x, axis, row)

@variant("log_softmax", dtypes=OWN)
def log_softmax_of_scipy(x, axis=-1):
    """scipy.special.log_softmax."""
    from scipy.special import log_softmax

    return np.asarray(log_softmax(x, axis=axis))

@variant("logsumexp", dtypes=OWN)
def logsumexp_in_the_own_format(x, axis=-1):
    """The maximum plus the logarithm of the sum, in the input's own format."""
    top = x.max(axis=axis, keepdims=True)
    shift = np.where(np.isfinite(top), top, 0)
    return np.squeeze(shift + np.log(np.exp(x - shift).sum(axis=axis, keepdims=True)), axis=axis)

@variant("logsumexp", dtypes=OWN)
def logsumexp_of_scipy(x, axis=-1):
    """scipy.special.logsumexp."""
    from scipy.special import logsumexp

    return np.asarray(logsumexp(x, axis=axis))

@variant("softmin", dtypes=OWN)
def softmin_shifted_by_the_minimum(x, axis=-1):
    """Shifted by the minimum, e^(min - x), in the input's own format."""
    e = np.exp(x.min(axis=axis, keepdims=True) - x)
    return e / e.sum(axis=axis, keepdims=True)

@variant("masked_softmax", dtypes=NARROW)
def masked_by_multiplying_exponentials(mask, x, axis=-1):
    """Exponentials are multiplied with the mask, after a shift by the visible maximum."""
    seen = right.seen(mask, x)
    top = seen.max(axis=axis, keepdims=True)
    e = np.where(mask, np.exp(seen - top), 0.0)
    total = e.sum(axis=axis, keepdims=True)
    return rounded(e / np.where(np.asarray(mask, bool).any(axis=axis, keepdims=True), total, 1.0), x)

@variant("masked_log_softmax")
def masked_by_selection(mask, x, axis=-1):
    """Only the visible entries of each row are looked at."""
    rows, seen = np.moveaxis(x, axis, -1), np.moveaxis(np.asarray(mask, bool), axis, -1)
    answer = np.full(rows.shape, -np.inf, x.dtype)
    for place in np.ndindex(rows.shape[:-1]):
        answer[place][seen[place]] = right.log_softmax(rows[place][seen[place]])
    return np.moveaxis(answer, -1, axis)

@variant("sparsemax", dtypes=NARROW, wide=True)
def sparsemax_by_bisection(x, axis=-1):
    """The threshold by bisection, then exactly from the support that it shows."""
    d = x - x.max(axis=axis, keepdims=True)
    low, high = np.full_like(d.max(axis=axis, keepdims=True), -1.0), np.zeros_like(d.max(axis=axis, keepdims=True))
    for _ in range(80):
        middle = (low + high) / 2
        above = np.maximum(d - middle, 0).sum(axis=axis, keepdims=True) > 1
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    inside = d > low
    total = np.where(inside, d, 0.0).sum(axis=axis, keepdims=True) - 1
    lost = np.isnan(d).any(axis=axis, keepdims=True)
    return np.where(lost, np.nan, np.maximum(d - total / inside.sum(axis=axis, keepdims=True), 0.0))

@variant.gradient("softmax", wide=True)
def softmax_gradient_of_the_whole_jacobian(x, cotangent, axis=-1):
    """The whole Jacobian, diag(p) - p p^T, times the cotangent."""
    p = np.moveaxis(right.softmax64(x, axis), axis, -1)
    c = np.moveaxis(cotangent, axis, -1)
    jacobian = p[..., None] * (np.eye(p.shape[-1]) - p[..., None, :])
    return np.moveaxis(np.einsum("...ij,...j->...i", jacobian, c), -1, axis)

VARIANTS = tuple(variant.entries)
