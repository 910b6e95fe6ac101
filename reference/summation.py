"""What a sum costs: how often each of its terms is rounded."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

import numpy as np
from gaugeblock.reference.formats import Array

_any_order: ContextVar[bool] = ContextVar("any_order", default=False)


def roundings(count: float | Array) -> Array:
    """Roundings that a sum of so many terms costs each of them: a number, or one for each of several sums.

    Pairwise summation, the best known, needs log2 of their number. Where sums may be taken in any order
    (`sums_in_any_order`) it is n - 1, of which random signs leave lambda sqrt(n) in all but 2 exp(-lambda^2 / 2) of the
    sums: 4 is exceeded by one in 1,500. Higham and Mary, A new approach to probabilistic rounding error analysis,
    SIAM J. Sci. Comput. 41(5), 2019.
    """
    terms = np.maximum(1.0, count)
    return np.asarray(np.minimum(terms - 1, 4 * np.sqrt(terms)) if _any_order.get() else np.log2(terms))


def in_any_order() -> bool:
    """Whether bounds hold for sums that are taken in any order."""
    return _any_order.get()


@contextlib.contextmanager
def sums_in_any_order() -> Iterator[None]:
    """Within it, bounds hold for sums that are taken one term after another."""
    token = _any_order.set(True)
    try:
        yield
    finally:
        _any_order.reset(token)
