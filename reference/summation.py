"""What a sum costs: how often each of its terms is rounded."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from contextvars import ContextVar

_any_order: ContextVar[bool] = ContextVar("any_order", default=False)


def roundings(count: float) -> float:
    """Roundings that a sum of so many terms costs each of them.

    Pairwise summation, the best known, needs log2 of their number. Where sums may be taken in any order
    (`sums_in_any_order`) it is n - 1, of which random signs leave a few times sqrt(n): Higham and Mary, A new approach
    to probabilistic rounding error analysis, SIAM J. Sci. Comput. 41(5), 2019.
    """
    if _any_order.get():
        return min(max(0.0, count - 1), 2 * math.sqrt(count))
    return math.log2(max(1.0, count))


@contextlib.contextmanager
def sums_in_any_order() -> Iterator[None]:
    """Within it, bounds hold for sums that are taken one term after another."""
    token = _any_order.set(True)
    try:
        yield
    finally:
        _any_order.reset(token)
