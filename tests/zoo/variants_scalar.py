"""Legitimate ways of computing sigmoid and its relatives, none of which is to be failed."""

from __future__ import annotations

import functools
import math

import numpy as np

from tests.zoo import right
from tests.zoo.entries import Entry, Variants
from tests.zoo.right import rounded, wide

variant = Variants()

NARROW = {"dtypes": ["float16", "float32"]}
"""Variants that compute in binary64 what they cannot do as well in binary64 itself."""


@variant("sigmoid", **NARROW)
def sigmoid_in_binary64(x):
    """1 / (1 + e^-x) in binary64, rounded once, without branches."""
    return rounded(1 / (1 + np.exp(-wide(x))), x)


@variant("sigmoid", dtypes=["float32", "float64"])
def sigmoid_of_two_branches(x):
    """Two branches in the input's own format."""
    e = np.exp(-np.abs(x))
    one = x.dtype.type(1)
    return np.where(x >= 0, one / (one + e), e / (one + e))


@variant("sigmoid")
def sigmoid_by_tanh(x):
    """Tanh where it is accurate, (1 + tanh(x / 2)) / 2, and e^x times that for negatives."""
    z = wide(x)
    upper = 0.5 + 0.5 * np.tanh(0.5 * np.abs(z))
    return rounded(np.where(z < 0, np.exp(z) * upper, upper), x)


@variant("sigmoid", dtypes=["float64"])
def sigmoid_of_scipy(x):
    """scipy.special.expit in binary64."""
    from scipy.special import expit

    return np.asarray(expit(x))


@variant("sigmoid", **NARROW)
def sigmoid_of_base_two(x):
    """Base 2: 1 / (1 + 2^(-x log2 e)) in binary64."""
    return rounded(1 / (1 + np.exp2(-wide(x) * math.log2(math.e))), x)


@variant("sigmoid")
def sigmoid_in_a_loop(x):
    """Number by number in pure Python, with math.exp."""

    def one(z):
        if z >= 0:
            return 1 / (1 + math.exp(-z)) if z < 700 else 1.0
        return math.exp(z) / (1 + math.exp(z)) if z > -745.2 else 0.0 if z < 0 else z

    flat = [one(z) for z in wide(x).ravel().tolist()]
    return rounded(np.array(flat, dtype=np.float64).reshape(np.shape(x)), x)


def _table_exp(d):
    """e^d for d <= 0: 2^(k/32) from a table, times a polynomial of what is left; faithful to a few ULP of binary32."""
    k = np.rint(np.maximum(d, -1000.0) * (32 / math.log(2)))
    r = (np.maximum(d, -1000.0) - k * (math.log(2) / 32)).astype(np.float32)
    polynomial = np.float32(1) + r * (np.float32(1) + r * (np.float32(0.5) + r * np.float32(1 / 6)))
    table = np.exp2(np.arange(32) / 32).astype(np.float32)
    whole = k.astype(np.int64)
    return np.ldexp((table[whole % 32] * polynomial).astype(np.float64), whole // 32)


@variant("sigmoid", **NARROW)
def sigmoid_by_lookup(x):
    """Lookup and polynomial in binary32, faithful within 4 ULP."""
    z = wide(x)
    e = np.where(np.isnan(z), np.nan, _table_exp(-np.abs(np.nan_to_num(z, nan=0.0))))
    e = np.where(np.isinf(z), 0.0, e)
    return rounded(np.where(z >= 0, 1 / (1 + e), e / (1 + e)), x)


@variant("sigmoid", dtypes=["float16"])
def sigmoid_of_float16_in_binary32(x):
    """float16 in binary32 arithmetic, rounded at the end."""
    z = x.astype(np.float32)
    return (np.float32(1) / (np.float32(1) + np.exp(-z))).astype(x.dtype)


@variant("log_sigmoid", dtypes=["float32", "float64"])
def log_sigmoid_by_logaddexp(x):
    """-logaddexp(0, -x) of the input's own format."""
    return -np.logaddexp(x.dtype.type(0), -x)


@variant("log_sigmoid")
def log_sigmoid_of_three_ranges(x):
    """Minus softplus of -x, in three ranges: e^-x, log1p(e^-x), and x - log1p(e^x)."""
    z = wide(x)
    values = np.where(z > 40, -np.exp(-z), np.where(z < -1, z - np.log1p(np.exp(z)), -np.log1p(np.exp(-z))))
    return rounded(values, x)


@variant("log_sigmoid", dtypes=["float32", "float64"])
def log_sigmoid_of_scipy(x):
    """scipy.special.log_expit."""
    from scipy.special import log_expit

    return np.asarray(log_expit(x))


@variant("softplus", dtypes=["float32", "float64"])
def softplus_in_the_own_format(x):
    """max(x, 0) + log1p(e^-|x|) in the input's own format."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


@variant("softplus", **NARROW)
def softplus_of_three_ranges(x):
    """Linear above 40, an exponential below -40."""
    z = wide(x)
    return rounded(np.where(z > 40, z, np.where(z < -40, np.exp(z), np.log1p(np.exp(z)))), x)


@variant("logit", **NARROW)
def logit_of_scipy(x):
    """scipy.special.logit in binary64."""
    from scipy.special import logit

    return rounded(logit(wide(x)), x)


@variant("logit")
def logit_by_atanh(x):
    """2 atanh(2 p - 1) in the middle, log p - log1p(-p) outside."""
    p = wide(x)
    return rounded(np.where((p > 0.25) & (p < 0.75), 2 * np.arctanh(2 * p - 1), np.log(p) - np.log1p(-p)), x)


@variant("hard_sigmoid", dtypes=["float32", "float64"])
def hard_sigmoid_by_relu6(x):
    """relu6(x + 3) / 6 in the input's own format, of one width."""
    six = x.dtype.type(6)
    return np.minimum(np.maximum(x + x.dtype.type(3), 0), six) / six


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


@variant.gradient("sigmoid", dtypes=["float16", "float32"])
def sigmoid_gradient_by_cosh(x, cotangent):
    """1 / (2 cosh(x / 2))^2."""
    return rounded(wide(cotangent) / np.square(2 * np.cosh(wide(x) / 2)), x)


@variant.gradient("sigmoid", dtypes=["float32", "float64"])
def sigmoid_gradient_of_both_sides(x, cotangent):
    """sigmoid(x) sigmoid(-x) in the input's own format."""
    return cotangent * (right.sigmoid(x) * right.sigmoid(-x))


@variant.gradient("softplus", dtypes=["float16", "float32"])
def softplus_gradient_of_one_branch(x, cotangent):
    """1 / (1 + e^-x)."""
    return rounded(wide(cotangent) / (1 + np.exp(-wide(x))), x)


VARIANTS = tuple(variant.entries)
