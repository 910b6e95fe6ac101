"""Truths: exact values with their rounding certain, and the raising of the precision until it is."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import numpy as np
from flint import arb, ctx
from gaugeblock.reference.balls import Ball, PrecisionError
from gaugeblock.reference.formats import Array, Format

PRECISIONS = (128, 320, 1280, 4096)
"""Working precisions in bits. 1280 decides e^x of the largest binary64 number; what has no value at 4096 has none."""

LOCK = threading.Lock()
"""python-flint keeps its working precision in one global context."""


@dataclass(frozen=True)
class Truth:
    """Exact answers, element by element, as binary64 arrays: exact = nearest - residual * ulp.

    `nearest` is the exact value correctly rounded (NaN where the definition has no value; the largest finite
    number where the exact value is finite and beyond it); `ulp` its unit in the last place; `residual`, in
    [-1/2, 1/2], is the sum of two binary64 numbers, along a leading axis of length 2. `undecided` marks
    elements whose rounding stayed uncertain at the highest precision.
    """

    nearest: Array
    ulp: Array
    residual: Array
    undecided: Array
    asked: Array | None = None
    """Which elements were computed, where not all of them were: of a gradient, the entries whose derivative was."""

    def text(self, at: tuple[int, ...]) -> str:
        """The exact value of one element to 20 significant digits."""
        nearest = float(self.nearest[at])
        if not math.isfinite(nearest):
            return repr(nearest)
        return decimal(self.exact(at))

    def exact(self, at: tuple[int, ...]) -> Fraction:
        """nearest - residual * ulp of one finite element: the exact value to the digits of its residual."""
        error = Fraction(float(self.residual[0][at])) + Fraction(float(self.residual[1][at]))
        return Fraction(float(self.nearest[at])) - error * Fraction(float(self.ulp[at]))

    def take(self, index: Any) -> Truth:
        """The truth of the elements at a NumPy index of the first axis, which may repeat them."""
        return self._each(lambda part: part[index])

    def core_axis_to(self, axis: int) -> Truth:
        """The same truth with its last axis moved to `axis`."""
        return self._each(lambda part: np.moveaxis(part, -1, axis))

    def _each(self, change: Callable[[Array], Array]) -> Truth:
        parts = [change(part) for part in (self.nearest, self.ulp, *self.residual, self.undecided)]
        asked = None if self.asked is None else change(self.asked)
        return Truth(parts[0], parts[1], np.stack(parts[2:4]), parts[4], asked)


def decimal(value: Fraction, digits: int = 20) -> str:
    """`value` rounded to so many significant decimal digits, as text."""
    if value == 0:
        return "0"
    with LOCK:
        # Bits enough that only str rounds.
        ctx.prec = 8 * digits + 64
        return str((arb(value.numerator) / arb(value.denominator)).str(digits, radius=False))


Element = tuple[float, float, float, float, bool]
"""nearest, ulp, the two parts of the residual, undecided: one element of a Truth."""


def settle_plainly(ball: Ball, fmt: Format) -> Element | None:
    """One element of a truth where binary64 arithmetic that makes no rounding error decides it, else None.

    The ball's middle is the sum of three binary64 numbers and less than 2^-60 ULP, the first of them its rounding
    to nearest. Where so much could move the rounding or the unit, there is no decision here.
    """
    head = float(ball)
    size = abs(head)
    if size == 0 and ball.is_zero():
        return (0.0, math.ldexp(1.0, fmt.ulp_exponent(fmt.emin)), 0.0, 0.0, False)
    # No step below overflows, or underflows by what matters, in this range; NaN lies outside.
    if not (1e-250 < size < 1e250 and size < fmt.largest and ball.rel_accuracy_bits() >= fmt.precision + 62):
        return None
    below = ball - head
    tail = float(below)
    lowest = float(below - tail)
    mantissa, exponent = math.frexp(size)
    # Just below a power of two the unit is the smaller one.
    power = mantissa == 0.5
    inwards = power and (tail < 0 < head or head < 0 < tail)
    binade = exponent - 2 if inwards else exponent - 1
    ulp = math.ldexp(1.0, (binade if binade > fmt.emin else fmt.emin) - fmt.precision + 1)
    scaled = head / ulp
    whole = float(round(scaled))
    error = whole - scaled
    tail /= ulp
    residual = error - tail
    # Next to a power of two the unit is in question, next to a half the rounding, and a zero has a sign.
    if (power and abs(tail) < 2**-50 and not ball.is_exact()) or abs(residual) > 0.499 or whole == 0:
        return None
    # The rounding error of that subtraction, exactly (Knuth, TAOCP 2, section 4.2.2, theorem B).
    part = residual - error
    rest = (error - (residual - part)) - (tail + part)
    return (whole * ulp, ulp, residual, rest - lowest / ulp, False)


def settle(ball: Ball, fmt: Format, last: bool) -> Element | None:
    """One element of a truth, or None if this precision does not decide it."""
    if ball.is_nan():
        return (math.nan, 1.0, 0.0, 0.0, False) if last else None
    if not ball.is_finite():
        middle = float(ball.mid())
        # An infinity that met a ball keeps that ball's radius, and is no less certain for it.
        if math.isinf(middle) and ball.rad().is_finite():
            return (middle, 1.0, 0.0, 0.0, False)
        return (math.nan, 1.0, 0.0, 0.0, True) if last else None
    ends = [tuple(int(part) for part in end.man_exp()) for end in (ball.lower(), ball.upper())]
    nearest = fmt.round_dyadic(*ends[0])
    if nearest != fmt.round_dyadic(*ends[1]):
        return (math.nan, 1.0, 0.0, 0.0, True) if last else None
    mantissa, exponent = (int(part) for part in ball.mid().man_exp())
    # A value just below a power of two has the smaller unit, though the ball's middle may be the power itself.
    units = {fmt.ulp_exponent(abs(man).bit_length() - 1 + exp if man else fmt.emin) for man, exp in ends}
    if len(units) > 1 and not last:
        return None
    unit = max(units)
    ulp = math.ldexp(1.0, unit)
    if math.isinf(nearest):
        return (math.copysign(fmt.largest, nearest), ulp, 0.0, 0.0, False)
    radius_man, radius_exp = (int(part) for part in ball.rad().man_exp())
    if radius_man and radius_man.bit_length() + radius_exp > unit - 60 and not last:
        return None
    if nearest == 0 and ball.contains(arb(0)):
        # The exact value is 0, or so near that the digits of the ball's middle mean nothing.
        return (0.0, ulp, 0.0, 0.0, False)
    # Digits below 2^-400 ULP mean nothing to a residual of two binary64 numbers, and exponents have no limit.
    surplus = unit - 400 - exponent
    if surplus > 0:
        mantissa = mantissa >> surplus if surplus <= mantissa.bit_length() else 0
        exponent = unit - 400
    scaled = int(math.ldexp(nearest, -unit)) if abs(nearest) < math.ldexp(1.0, 900) else int(nearest) >> unit
    shift = max(0, unit - exponent)
    error = (scaled << shift) - (mantissa << max(0, exponent - unit))
    head = float(error)
    tail = float(error - int(head))
    return (nearest, ulp, math.ldexp(head, -shift), math.ldexp(tail, -shift), False)


def decide(compute: Callable[[], list[Ball]], fmt: Format) -> list[Element]:
    """Evaluate `compute` at rising precision until the rounding of every element is certain.

    What the last of PRECISIONS leaves uncertain is `undecided`. PrecisionError if `compute` gives no balls even there.
    """
    settled: list[Element | None] = []
    for precision in PRECISIONS:
        ctx.prec = precision
        last = precision == PRECISIONS[-1]
        try:
            balls = compute()
        except (PrecisionError, ValueError, ZeroDivisionError) as error:
            # python-flint refuses a series' division by a ball around zero with a ValueError, and by zero itself.
            if isinstance(error, ValueError) and "leading term" not in str(error):
                raise
            if last:
                raise PrecisionError(f"no decision at {precision} bits: {error}") from error
            continue
        known = settled or itertools.repeat(None)
        settled = [
            old or settle_plainly(ball, fmt) or settle(ball, fmt, last) for ball, old in zip(balls, known, strict=False)
        ]
        if None not in settled:
            break
    return cast("list[Element]", settled)


def truth_of(elements: list[Element], shape: tuple[int, ...]) -> Truth:
    """Elements, in C order, as the truth of an array of that shape."""
    table = np.array(elements, dtype=np.float64).reshape(-1, 5).T.reshape(5, *shape)
    return Truth(table[0], table[1], table[2:4], table[4].astype(bool))


def rationals(values: Sequence[Fraction], fmt: Format) -> Truth:
    """The truth of n exact rationals, in shape (n,)."""
    with LOCK:
        elements = decide(lambda: [arb(value.numerator) / arb(value.denominator) for value in values], fmt)
    return truth_of(elements, (len(values),))


def log_of_ratio(numerator: int, denominator: int) -> float:
    """The binary64 number nearest to the logarithm of a ratio, whatever the machine's libm; -inf for 0."""
    if numerator == 0:
        return -math.inf
    with LOCK:
        ctx.prec = PRECISIONS[0]
        return float((arb(numerator) / denominator).log().mid())
