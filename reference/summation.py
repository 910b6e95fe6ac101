"""What a sum costs: how often each of its terms is rounded."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from gaugeblock.reference.formats import Array

Sums = Callable[[float | Array], Array]
"""How sums are taken: from the number of terms to the roundings that each of them meets."""


def pairwise(count: float | Array) -> Array:
    """log2 n roundings for each of n terms: pairwise summation, the best order known."""
    return np.asarray(np.log2(np.maximum(1.0, count)))


def in_any_order(count: float | Array) -> Array:
    """Roundings for each of n terms of a sum that is taken one after another: n - 1, or 4 sqrt(n) if that is less.

    Of n roundings of random signs lambda sqrt(n) are left in all but 2 exp(-lambda^2 / 2) of the sums: 4 is exceeded by
    one in 1,500. Higham and Mary, A new approach to probabilistic rounding error analysis, SIAM J. Sci. Comput. 41(5),
    2019.
    """
    terms = np.maximum(1.0, count)
    return np.asarray(np.minimum(terms - 1, 4 * np.sqrt(terms)))
