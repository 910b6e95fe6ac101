"""Definitions along a line, where one number moves and everything else stands: fast, in binary64, with proven errors.

Between two numbers the definition is its Taylor polynomial around their middle plus a remainder: the next coefficient
of the series, evaluated over a ball that holds them all, times a power of their distance. Where that is not small
enough the numbers are divided, until few are left, which the engine decides one by one: those beside a kink, a pole or
a change of sign. What comes out is a finder of suspects. A verdict is the engine's.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from flint import arb, arb_series, ctx
from gaugeblock.reference.balls import Ball, KinkError, PrecisionError, times, total
from gaugeblock.reference.engine import exactly, per_row, resolve
from gaugeblock.reference.formats import Array, Format
from gaugeblock.reference.operations import Bound, Operation
from gaugeblock.reference.summation import Sums, pairwise
from gaugeblock.reference.truth import LOCK, PRECISIONS, decide

FEW = 4
"""So many numbers the engine decides as fast as a polynomial is made."""

PROBED = 9

TINY = math.ldexp(1.0, -1074)

TERMS = {8: 5, 11: 5, 24: 8, 53: 14}
"""Terms of the polynomials, by the format's precision: as many as make a line the fastest."""

_Fitted = tuple[float, list[float], float]

_BLURRED: _Fitted = (math.nan, [], math.nan)
"""Stands for a polynomial whose coefficients want a higher precision."""


@dataclass(frozen=True)
class Line:
    """One sample of an operation's inputs, core axes alone, in whose last input the entry `place` moves.

    With `weights`, one for each answer, what is approximated is the derivative of their weighted sum.
    """

    operation: Operation
    format: Format
    inputs: Mapping[str, Array]
    parameters: Mapping[str, Any]
    place: int = 0
    weights: tuple[float, ...] | None = None
    sums: Sums = pairwise
    """How sums may be taken, where the condition counts their roundings."""

    @cached_property
    def _fixed(self) -> tuple[list[Any], dict[str, Any]]:
        held = []
        for name in self.operation.inputs:
            numbers = np.asarray(self.inputs[name])
            labels = name in self.operation.integers
            held.append(numbers.tolist() if labels else exactly(numbers.astype(np.float64).tolist()))
        return held, resolve(self.operation, self.format, self.parameters)

    @property
    def width(self) -> int:
        """How many numbers an answer holds."""
        whole = self.operation.output_rank and self.weights is None
        return len(self.inputs[self.operation.inputs[-1]]) if whole else 1

    def answers(self, moving: Ball) -> list[Ball]:
        """The definition's answers where the moving number is this ball or series."""
        held, parameters = self._fixed
        last = held[-1]
        moved = [*last[: self.place], moving, *last[self.place + 1 :]] if isinstance(last, list) else moving
        return per_row(self.operation, [*held[:-1], moved], parameters)[0]

    def series(self, moving: Ball, terms: int) -> list[list[Ball]]:
        """So many Taylor coefficients of each answer, or of the derivative, around a ball."""
        more = terms if self.weights is None else terms + 1
        found = [_coefficients(each, more) for each in self.answers(arb_series([moving, 1], more))]
        if self.weights is None:
            return found
        derived = [[row[k] * k for k in range(1, more)] for row in found]
        return [
            [total([times(arb(w), row[k]) for w, row in zip(self.weights, derived, strict=True)]) for k in range(terms)]
        ]

    def batch(self, numbers: Array) -> dict[str, Array]:
        """The inputs where the moving entry is each of the numbers in turn, batch axis first."""
        made = {name: np.repeat(np.asarray(array)[None], len(numbers), axis=0) for name, array in self.inputs.items()}
        last = self.operation.inputs[-1]
        if self.operation.core_ranks[-1]:
            made[last][:, self.place] = numbers
        else:
            made[last] = numbers.astype(made[last].dtype)
        return made

    @property
    def bound(self) -> Bound:
        """What the answers are held to; ValueError if there is none for derivatives."""
        bound = self.operation.bound if self.weights is None else self.operation.gradient_bound
        if bound is None:
            raise ValueError(f"{self.operation.name} has no bound for its derivative")
        return bound

    def upstream(self, count: int) -> Array | None:
        """The weights as an upstream gradient for so many samples, if the line is one of derivatives."""
        if self.weights is None:
            return None
        weights = self.format.array(self.weights if self.operation.output_rank else self.weights[0])
        return np.repeat(weights[None], count, axis=0)

    def condition(self, numbers: Array) -> Array:
        """What the bound takes for the unavoidable rounding errors of the answer, of shape (numbers, answers or 1)."""
        if self.bound.sensitivity is None:
            return np.zeros((len(numbers), 1))
        upstream = self.upstream(len(numbers))
        arrays = [*self.batch(numbers).values(), *([] if upstream is None else [upstream])]
        terms = np.asarray(self.bound.condition(arrays, self.parameters, self.sums))
        return self.moved(terms).reshape(len(numbers), -1)

    def moved(self, answers: Array) -> Array:
        """Of derivatives, those with respect to the entry that moves; all of other answers."""
        entries = self.weights is not None and self.operation.core_ranks[-1]
        return answers[:, self.place] if entries else answers

    def at(self, number: float) -> list[Ball]:
        """The answers at one number."""
        if self.weights is None:
            return self.answers(arb(number))
        return [row[0] for row in self.series(arb(number), 1)]


def _coefficients(answer: Ball, terms: int) -> list[Ball]:
    if not isinstance(answer, arb_series):
        return [answer] + [arb(0)] * (terms - 1)
    if answer.prec < terms:
        raise PrecisionError
    return [answer[k] for k in range(terms)]


@dataclass(frozen=True)
class Piece:
    """So many neighbouring numbers and, for each answer, a polynomial of (t - middle) * scale in binary64.

    Its leading coefficient is head + tails[0]. A single number that the engine decided is a piece of its own.
    """

    count: int
    middle: float
    scale: float
    heads: list[float]
    tails: list[list[float]]
    errors: list[float]
    proven: bool = True
    """Whether the errors are. Where a ball over the numbers has no image, as 1 / (1 + e^x) far out, the tangent in the
    middle stands if it is what the engine says at PROBED numbers, the ends among them."""


@dataclass(frozen=True)
class Approximation:
    """The pieces of a line, in order: what `pieces` of Piece hold, as arrays with the pieces first."""

    counts: Array
    middles: Array
    scales: Array
    heads: Array
    tails: Array
    """In shape (terms, pieces, answers)."""
    errors: Array
    proven: Array
    format: Format

    def __call__(self, numbers: Array) -> tuple[Array, Array, Array]:
        """Head, tail and error, each of shape (numbers, answers), at the numbers that the pieces are of.

        The exact answer is head + tail, certain up to the error. As in a truth the head is NaN where the definition
        has no value, and the largest number of the format for what is beyond. An error that is not known is infinite.
        """
        u = ((numbers - self.each(self.middles)) * self.each(self.scales))[:, None]
        used = max(1, int(np.max(np.flatnonzero(np.any(self.tails, axis=(1, 2))), initial=0)) + 1)
        tail = self.each(self.tails[used - 1])
        for coefficients in self.tails[used - 1 :: -1][1:]:
            tail *= u
            tail += self.each(coefficients)
        head = self.each(self.heads)
        with np.errstate(all="ignore"):
            past = np.abs(head + tail) - self.format.largest
            beyond = np.isfinite(head) & (past >= math.ldexp(0.5, self.format.ulp_exponent(self.format.emax)))
        if beyond.any():
            head = np.where(beyond, np.copysign(self.format.largest, head), head)
            tail = np.where(beyond, 0.0, tail)
        return head, tail, self.each(self.errors)

    def each(self, of_pieces: Array) -> Array:
        """What is known of pieces, for each of their numbers."""
        return np.repeat(of_pieces, self.counts, axis=0)


class _Pieces:
    """Divides the numbers of a line."""

    def __init__(self, line: Line, numbers: Array) -> None:
        self.line, self.numbers, self.format = line, numbers, line.format
        # Of a ULP; binary64 itself cannot do much better than half of its own.
        self.part = 2.0**-1 if self.format.precision == 53 else 2.0**-6
        self.terms = TERMS[self.format.precision]
        condition = line.condition(numbers)
        self.slack = self.format.unit_roundoff * np.where(np.isfinite(condition), condition, 0.0)
        bits = np.ascontiguousarray(numbers).view(np.int64)
        self.order = np.where(bits < 0, -(bits & np.int64(2**63 - 1)), bits)

    def __iter__(self) -> Iterator[Piece]:
        waiting = [(0, len(self.numbers), 0)]
        while waiting:
            start, stop, level = waiting.pop()
            if stop - start <= FEW:
                yield from (self.single(float(number)) for number in self.numbers[start:stop])
                continue
            piece, level = self.tried(start, stop, level)
            if piece is not None:
                yield piece
                continue
            halfway = (int(self.order[start]) + int(self.order[stop - 1])) // 2
            cut = start + int(np.searchsorted(self.order[start:stop], halfway, "right"))
            cut = cut if start < cut < stop else (start + stop) // 2
            waiting += [(cut, stop, max(0, level - 1)), (start, cut, max(0, level - 1))]

    def single(self, number: float) -> Piece:
        """One number, decided by the engine."""
        try:
            elements = decide(partial(self.line.at, number), self.format)
        except (KinkError, PrecisionError):
            elements = [(math.nan, 1.0, 0.0, 0.0, True)] * self.line.width
        nearest, ulps, residuals, lows, undecided = zip(*elements, strict=True)
        tails = [[-(a + b) * ulp for a, b, ulp in zip(residuals, lows, ulps, strict=True)]]
        tails += [[0.0] * len(elements)] * (self.terms - 1)
        errors = [math.inf if open_ else 2.0**-50 * ulp for open_, ulp in zip(undecided, ulps, strict=True)]
        return Piece(1, 0.0, 0.0, list(nearest), tails, errors)

    def tried(self, start: int, stop: int, level: int) -> tuple[Piece | None, int]:
        """A piece of these numbers if its polynomials are near enough, and the level of precision that it took."""
        low, high = float(self.numbers[start]), float(self.numbers[stop - 1])
        middle = low / 2 + high / 2
        reach = math.nextafter(max(high - middle, middle - low), math.inf)
        exponent = math.frexp(reach)[1]
        if abs(exponent) > 1020:
            return None, level
        slack = self.slack[start:stop].min(axis=0).tolist()
        for more in range(level, len(PRECISIONS)):
            ctx.prec = PRECISIONS[more]
            try:
                near = self.series(arb(middle), self.terms)
            except PrecisionError:
                continue
            except KinkError:
                return None, level
            try:
                wide = self.series(arb(middle, reach), self.terms + 1)
            except (PrecisionError, KinkError):
                return None, more
            made = [self.fitted(*each, reach, exponent) for each in zip(wide, near, itertools.cycle(slack))]
            if None in made:
                return None, more
            if _BLURRED not in made:
                heads, tails, errors = zip(*made, strict=True)
                columns = [list(row) for row in zip(*tails, strict=True)]
                scale = math.ldexp(1.0, -exponent)
                proven = all(each[0].is_finite() or each[0].is_exact() for each in wide)
                piece = Piece(stop - start, middle, scale, list(heads), columns, list(errors), proven)
                return (piece if proven or self.holds(piece, start, stop) else None), more
        return None, level

    def series(self, around: Ball, terms: int) -> list[list[Ball]]:
        """The coefficients of each answer; NaN where a ball that something is divided by has reached 0."""
        try:
            return self.line.series(around, terms)
        except ValueError as error:
            if "leading term" not in str(error):
                raise
            return [[arb("nan")] * terms] * self.line.width

    def fitted(self, wide: list[Ball], near: list[Ball], slack: float, reach: float, exponent: int) -> _Fitted | None:
        """Head, tails and error of one answer's polynomial; None if it is too far off, or for lack of precision."""
        standing = self.beyond(wide[0])
        if standing is not None:
            return standing, [0.0] * self.terms, TINY
        if not near[0].is_finite():
            return _BLURRED
        if not wide[0].is_finite():
            near = [*near[:2], *[arb(0)] * (self.terms - 2)]
        scaled = [c * arb(2) ** (k * exponent) for k, c in enumerate(near)]
        head = float(scaled[0])
        tails = [float(scaled[0] - head), *map(float, scaled[1:])]
        ratio = reach * 2.0**-exponent
        sizes = [abs(each) * ratio**k for k, each in enumerate(tails)]
        blur = sum(float(c.rad()) for c in scaled) * (1 + 2.0**-30)
        most = max(TINY, self.part * (self.ulp(max(0.0, abs(head) * (1 - 2.0**-30) - sum(sizes))) + slack))
        if not blur <= most / 8:
            return _BLURRED if math.isfinite(head) else None
        # Each coefficient is rounded once, its variable once, and Horner's scheme 2 k + 1 times; so is a comparison.
        rounding = 2.0**-53 * sum((3 * k + 4) * size for k, size in enumerate(sizes)) * (1 + 2.0**-30)
        if not wide[0].is_finite():
            return (head, tails, most) if blur + rounding <= most / 2 else None
        remainder = float((wide[-1] * arb(reach) ** self.terms).abs_upper()) * (1 + 2.0**-30)
        error = remainder + blur + rounding + 4 * self.terms * TINY
        while len(sizes) > 1 and error + sizes[-1] <= most / 2:
            # What would not be seen need not be computed.
            error += sizes.pop()
        tails[len(sizes) :] = [0.0] * (self.terms - len(sizes))
        return (head, tails, error) if error <= most else None

    def holds(self, piece: Piece, start: int, stop: int) -> bool:
        """Whether a piece that is not proven agrees with the engine at its ends and between."""
        chosen = self.numbers[np.linspace(start, stop - 1, PROBED).astype(int)]
        for numbers in (chosen[[0, -1]], chosen[1:-1]):
            head, tail, error = joined([replace(piece, count=len(numbers))], self.format)(numbers)
            exact, rest, unknown = joined([self.single(float(number)) for number in numbers], self.format)(numbers)
            with np.errstate(invalid="ignore"):
                apart = np.where(head == exact, 0.0, head - exact) + (tail - rest)
            if not np.all((np.abs(apart) <= error) | np.isinf(unknown)):
                return False
        return True

    def ulp(self, size: float) -> float:
        """The unit of numbers from this size on."""
        return math.ldexp(1.0, self.format.ulp_exponent(math.frexp(size)[1] - 1 if size else self.format.emin))

    def beyond(self, ball: Ball) -> float | None:
        """What stands for a ball that is beyond every number of the format, or nearer to 0 than any of binary64."""
        if not ball.is_finite():
            return float(ball.mid()) if ball.is_exact() and not ball.is_nan() else None
        if ball.abs_lower() > 2 * arb(self.format.largest):
            return math.copysign(self.format.largest, float(ball.mid()))
        return 0.0 if ball.abs_upper() < arb(TINY) / 4 else None


def approximate(line: Line, numbers: Array) -> Approximation:
    """The answers of a line at finite numbers of its format, in ascending order, as binary64 of shape (numbers,)."""
    with LOCK:
        cap, ctx.cap = ctx.cap, max(TERMS.values()) + 2
        try:
            pieces = list(_Pieces(line, numbers))
        finally:
            ctx.cap = cap
    return joined(pieces, line.format)


def joined(pieces: list[Piece], fmt: Format) -> Approximation:
    """Pieces in a row."""
    return Approximation(
        np.array([piece.count for piece in pieces]),
        np.array([piece.middle for piece in pieces]),
        np.array([piece.scale for piece in pieces]),
        np.array([piece.heads for piece in pieces]),
        np.ascontiguousarray(np.moveaxis(np.array([piece.tails for piece in pieces]), 1, 0)),
        np.array([piece.errors for piece in pieces]),
        np.array([piece.proven for piece in pieces]),
        fmt,
    )
