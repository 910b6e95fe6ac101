"""An independent truth for the tests: Python's decimal arithmetic, whose exp and ln are correctly rounded.

Nothing of gaugeblock.reference is used here, nor its library. The formulas are the shifted ones where the
definitions are the textbook's: they meet only in the exact value.
"""

import contextlib
import decimal
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

import ml_dtypes
import numpy as np

DTYPES = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16, "float32": np.float32, "float64": np.float64}

ONE, ZERO = Decimal(1), Decimal(0)


@contextlib.contextmanager
def digits(count: int) -> Iterator[None]:
    """Decimal arithmetic with so many digits and practically no limit on exponents."""
    context = decimal.Context(prec=count, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX, traps=[])
    with decimal.localcontext(context):
        yield


def log1p(e: Decimal) -> Decimal:
    """ln(1 + e) for e >= 0, to about the working precision however small e is."""
    if e == 0:
        return ZERO
    if e.adjusted() < -40:
        # The series' next terms fall by e each; three hold 120 digits.
        return e - e * e / 2 + e * e * e / 3
    with decimal.localcontext() as context:
        context.prec += 60
        return (1 + e).ln()


def sigmoid(x: Decimal) -> Decimal:
    return 1 / (1 + (-x).exp()) if x >= 0 else (e := x.exp()) / (1 + e)


def log_sigmoid(x: Decimal) -> Decimal:
    return -log1p((-x).exp()) if x >= 0 else x - log1p(x.exp())


def softplus(x: Decimal) -> Decimal:
    return -log_sigmoid(-x)


def log_softmax(xs: Sequence[Decimal]) -> list[Decimal]:
    # -log1p of the other terms over this one: no cancellation anywhere.
    found = []
    for i, xi in enumerate(xs):
        top = max(xs)
        others = sum(((x - top).exp() for j, x in enumerate(xs) if j != i), ZERO)
        if xi == top:
            found.append(-log1p(others))
        else:
            found.append(xi - top - (others + (xi - top).exp()).ln())
    return found


def softmax(xs: Sequence[Decimal]) -> list[Decimal]:
    powers = [(x - max(xs)).exp() for x in xs]
    return [power / sum(powers) for power in powers]


def logsumexp(xs: Sequence[Decimal]) -> Decimal:
    return max(xs) + sum((x - max(xs)).exp() for x in xs).ln()


def xlogy(t: Decimal, p: Decimal) -> Decimal:
    return ZERO if t == 0 else t * p.ln()


def binary_cross_entropy(t: Decimal, p: Decimal) -> Decimal:
    return -(xlogy(t, p) + xlogy(1 - t, 1 - p))


def binary_cross_entropy_with_logits(t: Decimal, z: Decimal) -> Decimal:
    return -(t * log_sigmoid(z) + (1 - t) * log_sigmoid(-z))


def categorical_cross_entropy(ts: Sequence[Decimal], ps: Sequence[Decimal]) -> Decimal:
    return -sum((xlogy(t, p) for t, p in zip(ts, ps, strict=True)), ZERO)


def categorical_cross_entropy_with_logits(ts: Sequence[Decimal], zs: Sequence[Decimal]) -> Decimal:
    return -sum((t * z for t, z in zip(ts, log_softmax(zs), strict=True) if t), ZERO)


def sparse_categorical_cross_entropy_with_logits(label: int, zs: Sequence[Decimal]) -> Decimal:
    return -log_softmax(zs)[label]


def slope(function: Callable[[Decimal], Decimal], at: Decimal, step: str = "1e-60") -> Decimal:
    """The derivative by a central difference; its error is about step squared."""
    h = Decimal(step)
    return (function(at + h) - function(at - h)) / (2 * h)


def neighbours(value: float, dtype: str) -> tuple[float, float]:
    """The numbers of the format below and above, by NumPy's own nextafter."""
    kind = DTYPES[dtype]
    number = kind(value)
    with np.errstate(all="ignore"):
        return float(np.nextafter(number, kind(-np.inf))), float(np.nextafter(number, kind(np.inf)))


def is_nearest(value: float, exact: Decimal, dtype: str) -> bool:
    """Whether no number of the format lies nearer to `exact` than `value`, which must be one of its numbers.

    At a tie, which a transcendental value never is, the even one would have to be told; none is tested here.
    """
    kind = DTYPES[dtype]
    if float(kind(value)) != value:
        return False
    off = abs(Decimal(value) - exact)
    return all(off <= abs(Decimal(other) - exact) for other in neighbours(value, dtype))
