"""Legitimate ways of computing sigmoid and its relatives, none of which is to be failed."""

from __future__ import annotations

import functools
import math

import numpy as np

from tests.zoo import right
from tests.zoo.entries import NARROW, OWN, Entry, Variants
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

@variant("sigmoid", dtypes=["float64"])
def sigmoid_of_scipy(x):
    """scipy.special.expit in binary64."""
    from scipy.special import expit

    return np.asarray(expit(x))

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

@variant("log_sigmoid", dtypes=OWN)
def log_sigmoid_of_scipy(x):
    """scipy.special.log_expit."""
    from scipy.special import log_expit

    return np.asarray(log_expit(x))

@variant("logit", dtypes=NARROW, wide=True)
def logit_of_scipy(x):
    """scipy.special.logit in binary64."""
    from scipy.special import logit

    return logit(x)

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

VARIANTS = tuple(variant.entries)
