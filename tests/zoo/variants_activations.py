"""Legitimate ways of computing activations, none of which is to be failed."""

from __future__ import annotations

import functools
import math
import operator

import numpy as np
from scipy import special

from tests.zoo import right
from tests.zoo.entries import NARROW, OWN, Entry, Variants
from tests.zoo.making import along, less_the_largest
from tests.zoo.right import ANSWERS, rounded, wide

variant = Variants(ANSWERS)


def _table_exp(d):
    """e^d for d <= 0: 2^(k/32) from a table, times a polynomial of what is left; faithful to a few ULP of binary32."""
    k = np.rint(np.maximum(d, -1000.0) * (32 / math.log(2)))
    r = (np.maximum(d, -1000.0) - k * (math.log(2) / 32)).astype(np.float32)
    polynomial = np.float32(1) + r * (np.float32(1) + r * (np.float32(0.5) + r * np.float32(1 / 6)))
    table = np.exp2(np.arange(32) / 32).astype(np.float32)
    whole = k.astype(np.int64)
    return np.ldexp((table[whole % 32] * polynomial).astype(np.float64), whole // 32)


class _Sigmoid:
    """An object that is called."""

    def __call__(self, x):
        """Logistic sigmoid."""
        return right.sigmoid(x)

    def apply(self, x):
        return right.sigmoid(x)


def _with_options(x, *, out=None, where=True):
    """A function with parameters that no definition has."""
    return right.sigmoid(x)


variant.entries += [
    Entry("sigmoid-as-an-object", "sigmoid", _Sigmoid(), "an object with __call__", "variant"),
    Entry("sigmoid-as-a-method", "sigmoid", _Sigmoid().apply, "a bound method", "variant"),
    Entry("sigmoid-as-a-partial", "sigmoid", functools.partial(_with_options, where=True), "a partial", "variant"),
    Entry("sigmoid-as-a-lambda", "sigmoid", lambda x: right.sigmoid(x), "a lambda", "variant"),
]


def by_rows(function):
    """The same of rows by themselves, one after the other."""

    def each(rows):
        answer = np.empty(rows.shape, rows.dtype)
        for place in np.ndindex(rows.shape[:-1]):
            answer[place] = function(rows[place])
        return answer

    return along(each)


def over_sum(exponential):
    """Exponentials of differences over their sum."""

    def shares(x):
        e = exponential(less_the_largest(x))
        return e / e.sum(axis=-1, keepdims=True)

    return along(shares)


def over_own_sum(total):
    """Exponentials of a row over what `total` makes of them."""

    def shares(x):
        e = np.exp(less_the_largest(x))
        return e / total(e)

    return by_rows(shares)


def pairwise(e):
    return e.sum() if e.size < 3 else pairwise(e[: e.size // 2]) + pairwise(e[e.size // 2 :])


def compensated(e):
    total = lost = e.dtype.type(0)
    for each in e:
        term = each - lost
        larger = total + term
        total, lost = larger, (larger - total) - term
    return total


softmax_in_the_own_format = over_sum(np.exp)


# fmt: off
variant.row("sigmoid-in-binary64", "sigmoid", "1 / (1 + e^-x) in binary64, rounded once, without branches.",
    lambda x: 1 / (1 + np.exp(-x)), dtypes=NARROW, wide=True)
variant.row("sigmoid-of-base-two", "sigmoid", "Base 2: 1 / (1 + 2^(-x log2 e)) in binary64.",
    lambda x: 1 / (1 + np.exp2(-x * math.log2(math.e))), dtypes=NARROW, wide=True)
variant.row("sigmoid-of-float16-in-binary32", "sigmoid", "float16 in binary32 arithmetic, rounded at the end.",
    lambda x: (np.float32(1) / (np.float32(1) + np.exp(-x.astype(np.float32)))).astype(x.dtype), dtypes=["float16"])
variant.row("log-sigmoid-by-logaddexp", "log_sigmoid", "-logaddexp(0, -x) of the input's own format.",
    lambda x: -np.logaddexp(x.dtype.type(0), -x), dtypes=OWN)
variant.row("log-sigmoid-of-three-ranges", "log_sigmoid",
    "Minus softplus of -x, in three ranges: e^-x, log1p(e^-x), and x - log1p(e^x).",
    lambda z: np.where(z > 40, -np.exp(-z), np.where(z < -1, z - np.log1p(np.exp(z)), -np.log1p(np.exp(-z)))),
    wide=True)
variant.row("softplus-in-the-own-format", "softplus", "max(x, 0) + log1p(e^-|x|) in the input's own format.",
    lambda x: np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))), dtypes=OWN)
variant.row("softplus-of-three-ranges", "softplus", "Linear above 40, an exponential below -40.",
    lambda z: np.where(z > 40, z, np.where(z < -40, np.exp(z), np.log1p(np.exp(z)))), dtypes=NARROW, wide=True)
variant.row("logit-by-atanh", "logit", "2 atanh(2 p - 1) in the middle, log p - log1p(-p) outside.",
    lambda p: np.where((p > 0.25) & (p < 0.75), 2 * np.arctanh(2 * p - 1), np.log(p) - np.log1p(-p)), wide=True)
variant.row("hard-sigmoid-by-relu6", "hard_sigmoid", "relu6(x + 3) / 6 in the input's own format, of one width.",
    lambda x: np.minimum(np.maximum(x + x.dtype.type(3), 0), x.dtype.type(6)) / x.dtype.type(6), dtypes=OWN)
variant.slope("sigmoid-gradient-by-cosh", "sigmoid", "1 / (2 cosh(x / 2))^2.",
    lambda x, c: c / np.square(2 * np.cosh(x / 2)), dtypes=NARROW, wide=True)
variant.slope("sigmoid-gradient-of-both-sides", "sigmoid", "sigmoid(x) sigmoid(-x) in the input's own format.",
    lambda x, cotangent: cotangent * (right.sigmoid(x) * right.sigmoid(-x)), dtypes=OWN)
variant.slope("softplus-gradient-of-one-branch", "softplus", "1 / (1 + e^-x).", lambda x, c: c / (1 + np.exp(-x)),
    dtypes=NARROW, wide=True)
variant.row("sigmoid-by-tanh", "sigmoid",
    "Tanh where it is accurate, (1 + tanh(x / 2)) / 2, and e^x times that for negatives.",
    lambda z: np.where(z < 0, np.exp(z) * (0.5 + 0.5 * np.tanh(0.5 * np.abs(z))), 0.5 + 0.5 * np.tanh(0.5 * np.abs(z))),
    wide=True)

@variant("sigmoid", dtypes=OWN)
def sigmoid_of_two_branches(x):
    """Two branches in the input's own format."""
    e = np.exp(-np.abs(x))
    one = x.dtype.type(1)
    return np.where(x >= 0, one / (one + e), e / (one + e))

@variant("sigmoid")
def sigmoid_in_a_loop(x):
    """Number by number in pure Python, with math.exp."""

    def one(z):
        if z >= 0:
            return 1 / (1 + math.exp(-z)) if z < 700 else 1.0
        return math.exp(z) / (1 + math.exp(z)) if z > -745.2 else 0.0 if z < 0 else z

    flat = [one(z) for z in wide(x).ravel().tolist()]
    return rounded(np.array(flat, dtype=np.float64).reshape(np.shape(x)), x)

@variant("sigmoid", dtypes=NARROW, wide=True)
def sigmoid_by_lookup(z):
    """Lookup and polynomial in binary32, faithful within 4 ULP."""
    e = np.where(np.isnan(z), np.nan, _table_exp(-np.abs(np.nan_to_num(z, nan=0.0))))
    e = np.where(np.isinf(z), 0.0, e)
    return np.where(z >= 0, 1 / (1 + e), e / (1 + e))

@variant("sigmoid")
def sigmoid_in_blocks(x):
    """Answered in blocks of 1000, into a new array in Fortran's order."""
    answer = np.empty(np.shape(x), x.dtype, order="F")
    flat = np.ravel(x)
    parts = [right.sigmoid(flat[start : start + 1000]) for start in range(0, flat.size, 1000)]
    answer[...] = np.concatenate(parts).reshape(np.shape(x)) if parts else answer
    return answer

@variant("softplus")
def softplus_that_is_read_only(x):
    """A read-only answer."""
    answer = right.softplus(x)
    answer.flags.writeable = False
    return answer

variant.row("softmax-of-log-softmax", "softmax", "e^log_softmax in binary64.",
    lambda x, axis=-1: np.exp(right.log_softmax64(x, axis)), dtypes=NARROW, wide=True)
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

@variant("softmax", dtypes=OWN, made=along)
def softmax_by_a_reciprocal(x):
    """Multiplied with the reciprocal of the sum."""
    e = np.exp(less_the_largest(x))
    return e * (x.dtype.type(1) / e.sum(axis=-1, keepdims=True))

@variant("softmax", dtypes=NARROW)
def softmax_of_base_two(x, axis=-1):
    """Base 2, with log2 e in two parts so that the exponent is not rounded."""
    d = x.astype(np.float32) - x.astype(np.float32).max(axis=axis, keepdims=True)
    head = np.float32(1.4423828125)
    tail = np.float32(math.log2(math.e) - 1.4423828125)
    # As a fused multiply-add would: the head's product is exact in binary64.
    e = np.exp2(d.astype(np.float64) * head + d.astype(np.float64) * tail).astype(np.float32)
    return (e / e.sum(axis=axis, keepdims=True)).astype(x.dtype)

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

@variant("logsumexp", dtypes=OWN)
def logsumexp_in_the_own_format(x, axis=-1):
    """The maximum plus the logarithm of the sum, in the input's own format."""
    top = x.max(axis=axis, keepdims=True)
    shift = np.where(np.isfinite(top), top, 0)
    return np.squeeze(shift + np.log(np.exp(x - shift).sum(axis=axis, keepdims=True)), axis=axis)

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
variant.row("sigmoid-of-scipy", "sigmoid", "scipy.special.expit in binary64.", lambda x: special.expit(x),
    dtypes=["float64"])
variant.row("log-sigmoid-of-scipy", "log_sigmoid", "scipy.special.log_expit.", lambda x: special.log_expit(x),
    dtypes=OWN)
variant.row("logit-of-scipy", "logit", "scipy.special.logit in binary64.", lambda x: special.logit(x), dtypes=NARROW,
    wide=True)
variant.row("softmax-of-scipy", "softmax", "scipy.special.softmax.",
    lambda x, axis=-1: special.softmax(x, axis=axis), dtypes=OWN)
variant.row("log-softmax-of-scipy", "log_softmax", "scipy.special.log_softmax.",
    lambda x, axis=-1: special.log_softmax(x, axis=axis), dtypes=OWN)
variant.row("logsumexp-of-scipy", "logsumexp", "scipy.special.logsumexp.",
    lambda x, axis=-1: np.asarray(special.logsumexp(x, axis=axis)), dtypes=OWN)
variant.row("softmax-in-the-own-format", "softmax",
    "Exponentials of differences over their sum, all in the input's own format.", softmax_in_the_own_format, dtypes=OWN)
variant.row("softmax-of-float16-in-binary32", "softmax", "float16 in binary32 arithmetic, rounded at the end.",
    softmax_in_the_own_format, dtypes=["float16"])
variant.row("softmax-by-powers-of-two", "softmax", "Powers of two of differences times log2 e, as on a GPU.",
    over_sum(lambda d: np.exp2(d * d.dtype.type(1 / math.log(2)))), dtypes=["float32"])
variant.row("softmin-shifted-by-the-minimum", "softmin",
    "Shifted by the minimum, e^(min - x), in the input's own format.",
    lambda x, axis=-1: softmax_in_the_own_format(-x, axis), dtypes=OWN)
variant.row("softmax-summed-backwards", "softmax", "The sum in reverse order, in pure Python, in binary64.",
    over_own_sum(lambda e: np.float32(functools.reduce(operator.add, e[::-1].tolist()))), dtypes=NARROW)
variant.row("softmax-summed-in-pairs", "softmax", "The sum in pairs, recursively, in the input's own format.",
    over_own_sum(pairwise), dtypes=OWN)
variant.row("softmax-summed-with-compensation", "softmax",
    "The sum with Kahan's compensation, in the input's own format.", over_own_sum(compensated), dtypes=OWN)
variant.row("softmax-summed-by-einsum", "softmax", "The sum as a product with ones, by einsum, in binary64.",
    over_own_sum(lambda e: np.float32(np.einsum("i,i", e.astype(np.float64), np.ones(e.size)))), dtypes=NARROW)
variant.row("softmax-of-its-logarithm", "softmax", "The exponential of what log-softmax is, in the own format.",
    lambda x, axis=-1: np.exp(along(log_softmax_in_the_own_format)(x, axis)), dtypes=["float32"])

@variant("log_softmax", dtypes=OWN, made=along)
def log_softmax_in_the_own_format(x):
    """Differences minus the logarithm of the sum, in the input's own format."""
    d = less_the_largest(x)
    return d - np.log(np.exp(d).sum(axis=-1, keepdims=True))

@variant("softmax", made=by_rows)
def softmax_in_a_loop(z):
    """Row by row in pure Python, with math.exp and math.fsum."""
    numbers = wide(z).tolist()
    if not all(map(math.isfinite, numbers)):
        return right.softmax(z)
    e = [math.exp(each - max(numbers)) for each in numbers]
    return rounded(np.array([each / math.fsum(e) for each in e]), z)

@variant("softmax", dtypes=NARROW, made=along)
def softmax_online(rows):
    """Online, in blocks of 128, with a running maximum and a rescaled sum, in binary32."""
    rows = rows.astype(np.float32)
    top = np.full((*rows.shape[:-1], 1), -np.inf, np.float32)
    total = np.zeros_like(top)
    for start in range(0, rows.shape[-1], 128):
        block = rows[..., start : start + 128]
        larger = np.maximum(top, block.max(axis=-1, keepdims=True))
        scale = np.where(np.isneginf(top), np.float32(0), np.exp(top - larger))
        shift = np.where(np.isneginf(larger), np.float32(0), larger)
        total = total * scale + np.exp(block - shift).sum(axis=-1, keepdims=True)
        top = larger
    return np.exp(rows - top) / total

VARIANTS = tuple(variant.entries)
