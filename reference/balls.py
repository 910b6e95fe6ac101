"""The functions that definitions are written with, over balls and over truncated power series of balls.

A ball (python-flint's arb) encloses a real number with certainty; a series (arb_series) carries a derivative along.
Where arb has no answer at the edge of a domain, the limit that mathematics gives there is stated here once.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from flint import arb, arb_series

Ball = Any
"""An arb or an arb_series: python-flint ships no types."""

INFINITY: Ball = arb("inf")


class PrecisionError(ArithmeticError):
    """The balls are too wide to decide a comparison or a division: the engine repeats it at a higher precision."""


class KinkError(ArithmeticError):
    """There is no derivative: two arguments of a maximum or minimum are equal, and their derivatives differ."""


def _derivative(x: Ball) -> Ball:
    return x[1] if isinstance(x, arb_series) else arb(0)


def value(x: Ball) -> Ball:
    """The number itself: the constant term of a series."""
    return x[0] if type(x) is arb_series else x


def is_zero(x: Ball) -> bool:
    """Whether x, or the constant term of a series, is exactly zero."""
    return bool((x[0] if type(x) is arb_series else x) == 0)


def exp(x: Ball) -> Ball:
    """e^x, with exp(-inf) = 0."""
    return x.exp()


def log(x: Ball) -> Ball:
    """The natural logarithm, with log 0 = -inf."""
    if is_zero(x) and not isinstance(x, arb_series):
        return -INFINITY
    return x.log()


def times(weight: Ball, x: Ball) -> Ball:
    """weight * x, with 0 * anything = 0: the limit that information theory gives 0 log 0."""
    if is_zero(weight) and (not isinstance(weight, arb_series) or is_zero(weight[1])):
        return arb(0)
    return weight * x


def power(x: Ball, exponent: Ball) -> Ball:
    """x to a positive power, with 0^exponent = 0; an integer power of a ball around zero, too."""
    if exponent.is_integer():
        return math.prod([x] * int(exponent.unique_fmpz()), start=arb(1))
    return x**exponent


def less(x: Ball, y: Ball) -> bool:
    """Whether x < y; PrecisionError if the balls overlap without being the same exact number."""
    a = x[0] if type(x) is arb_series else x
    b = y[0] if type(y) is arb_series else y
    if a < b:
        return True
    if a >= b or a.is_nan() or b.is_nan():
        return False
    raise PrecisionError


def maximum(x: Ball, y: Ball) -> Ball:
    """The larger of two; NaN if either is. KinkError where they are equal and their derivatives differ."""
    one, other = value(x), value(y)
    if one.is_nan():
        return x
    if other.is_nan():
        return y
    if (type(x) is arb_series or type(y) is arb_series) and one == other:
        if _derivative(x) != _derivative(y):
            raise KinkError
        return x if type(x) is arb_series else y
    return y if less(x, y) else x


def minimum(x: Ball, y: Ball) -> Ball:
    """The smaller of two; NaN if either is. KinkError as for `maximum`."""
    return -maximum(-x, -y)


def total(xs: Sequence[Ball]) -> Ball:
    """The sum; 0 of no terms."""
    result = arb(0)
    for x in xs:
        result = result + x
    return result
