"""The engine: evaluates a definition over balls, raising the precision until its rounding is certain."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb, arb_series, ctx
from trueline.reference.balls import Ball, PrecisionError, total
from trueline.reference.formats import Array, Format
from trueline.reference.operations import Operation

PRECISIONS = (128, 320, 1280, 4096)
"""Working precisions in bits. 1280 decides e^x of the largest binary64 number; what has no value at 4096 has none."""

_lock = threading.Lock()
"""python-flint keeps its working precision in one global context."""


@dataclass(frozen=True)
class Truth:
    """Exact answers, element by element: exact = nearest - residual * ulp.

    `nearest` is the exact value correctly rounded (NaN where the definition has no value; the largest finite
    number where the exact value is finite and beyond it); `ulp` its unit in the last place; `residual`, in
    [-1/2, 1/2], is given as the sum of two binary64 numbers along a leading axis of length 2. `undecided` marks
    elements whose rounding stayed uncertain at the highest precision.
    """

    nearest: Array
    ulp: Array
    residual: Array
    undecided: Array

    def text(self, at: tuple[int, ...]) -> str:
        """The exact value of one element to 20 significant digits."""
        nearest = float(self.nearest[at])
        if not math.isfinite(nearest):
            return repr(nearest)
        return decimal(self.exact(at))

    def exact(self, at: tuple[int, ...]) -> Fraction:
        """The exact value of one finite element, to the digits of its residual."""
        error = Fraction(float(self.residual[0][at])) + Fraction(float(self.residual[1][at]))
        return Fraction(float(self.nearest[at])) - error * Fraction(float(self.ulp[at]))

    def core_axis_to(self, axis: int) -> Truth:
        """The same truth with its last axis moved to `axis`."""
        return Truth(
            np.moveaxis(self.nearest, -1, axis),
            np.moveaxis(self.ulp, -1, axis),
            np.stack([np.moveaxis(part, -1, axis) for part in self.residual]),
            np.moveaxis(self.undecided, -1, axis),
        )


def decimal(value: Fraction, digits: int = 20) -> str:
    """`value` to so many significant decimal digits."""
    if value == 0:
        return "0"
    # Two more bits a digit than needed leave the rounding to str alone.
    ball = arb(value.numerator) if value.denominator == 1 else None
    with _lock:
        ctx.prec = 8 * digits + 64
        ball = ball if ball is not None else arb(value.numerator) / arb(value.denominator)
        return str(ball.str(digits, radius=False))


_Element = tuple[float, float, float, float, bool]


def _settle(ball: Ball, fmt: Format, last: bool) -> _Element | None:
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


def _decide(compute: Callable[[], list[Ball]], fmt: Format) -> list[_Element]:
    """Evaluate `compute` at rising precision until every element is settled."""
    settled: list[_Element | None] = []
    for precision in PRECISIONS:
        ctx.prec = precision
        last = precision == PRECISIONS[-1]
        try:
            balls = compute()
        except (PrecisionError, ValueError) as error:
            # python-flint refuses a series' division by a ball around zero with a ValueError.
            if isinstance(error, ValueError) and "leading term" not in str(error):
                raise
            if last:
                raise PrecisionError(f"no decision at {precision} bits: {error}") from error
            continue
        settled = [
            _settle(ball, fmt, last) if index >= len(settled) or settled[index] is None else settled[index]
            for index, ball in enumerate(balls)
        ]
        if None not in settled:
            break
    return [element for element in settled if element is not None]


def _truth(elements: list[_Element], shape: tuple[int, ...]) -> Truth:
    table = np.array(elements, dtype=np.float64).reshape(-1, 5).T.reshape(5, *shape)
    return Truth(table[0], table[1], table[2:4], table[4].astype(bool))


def _balls(array: Array, integer: bool) -> Any:
    """A nested list of exact balls (or ints, for labels) from an array."""
    if integer:
        return array.tolist()
    if array.ndim == 0:
        return arb(float(array))
    return [_balls(part, integer) for part in np.asarray(array, dtype=np.float64)]


def resolve(operation: Operation, fmt: Format, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as the definition takes them: numbers become balls, `clip` an interval of numbers of the format.

    `clip=e` means the interval [e, 1 - e], its ends rounded to the format as a framework's own constants are;
    `clip="epsilon"` takes the format's own epsilon for e.
    """
    unknown = set(parameters) - set(operation.parameters)
    if unknown:
        raise TypeError(f"{operation.name} has no parameter {sorted(unknown)[0]!r}")
    resolved: dict[str, Any] = {}
    for name, given in parameters.items():
        if name == "clip":
            edge = fmt.epsilon if given == "epsilon" else float(given)
            resolved[name] = (arb(fmt.round(edge)), arb(fmt.round(1 - edge)))
        else:
            resolved[name] = arb(given) if isinstance(given, float) else given
    return resolved


@dataclass(frozen=True)
class _Rows:
    """A batch of inputs as rows: the core axis last, the batch axes flattened."""

    operation: Operation
    batch: tuple[int, ...]
    arrays: tuple[Array, ...]

    def __iter__(self) -> Iterator[list[Any]]:
        count = math.prod(self.batch)
        flat = [array.reshape(count, *array.shape[len(self.batch) :]) for array in self.arrays]
        names = self.operation.inputs
        for index in range(count):
            yield [
                _balls(array[index], name in self.operation.integers) for name, array in zip(names, flat, strict=True)
            ]


def rows(operation: Operation, inputs: Mapping[str, Array], axis: int = -1) -> _Rows:
    """The inputs with `axis` moved to the end where the operation takes rows."""
    arrays = []
    batch: tuple[int, ...] = ()
    for name, rank in zip(operation.inputs, operation.core_ranks, strict=True):
        array = np.moveaxis(inputs[name], axis, -1) if rank else inputs[name]
        batch = array.shape[: array.ndim - rank]
        arrays.append(array)
    return _Rows(operation, batch, tuple(arrays))


def _per_row(operation: Operation, row: list[Any], parameters: Mapping[str, Any]) -> list[Ball]:
    answer = operation.definition(*row, **parameters)
    return list(answer) if operation.output_rank else [answer]


def evaluate(
    operation: Operation,
    fmt: Format,
    inputs: Mapping[str, Array],
    *,
    axis: int = -1,
    reduction: str = "none",
    **parameters: Any,
) -> Truth:
    """The exact answers of `operation` for arrays of numbers of `fmt`, in the shape that an implementation returns.

    Shapes: every input has the same batch axes; rowwise inputs have one more at `axis`. `reduction` mean and sum
    give shape (), none keeps all. The mean over no rows is NaN, as 0/0 is.
    """
    batch = rows(operation, inputs, axis)
    with _lock:
        resolved = resolve(operation, fmt, parameters)
        if reduction == "none":
            elements = [e for row in batch for e in _decide(lambda row=row: _per_row(operation, row, resolved), fmt)]  # type: ignore[misc]
            core = (batch.arrays[-1].shape[-1],) if operation.output_rank else ()
            truth = _truth(elements, (*batch.batch, *core))
            return truth.core_axis_to(axis) if operation.output_rank else truth
        listed = list(batch)

        def reduced() -> list[Ball]:
            answer = total([_per_row(operation, row, resolved)[0] for row in listed])
            return [answer if reduction == "sum" else answer / len(listed)]

        return _truth(_decide(reduced, fmt), ())


def rationals(values: Sequence[Fraction], fmt: Format) -> Truth:
    """The truth of exact rationals, in shape (n,)."""
    with _lock:
        elements = _decide(lambda: [arb(value.numerator) / arb(value.denominator) for value in values], fmt)
    return _truth(elements, (len(values),))


def gradient(
    operation: Operation,
    fmt: Format,
    inputs: Mapping[str, Array],
    cotangent: Array,
    *,
    axis: int = -1,
    reduction: str = "none",
    **parameters: Any,
) -> Truth:
    """The exact vector-Jacobian product with respect to the last input, in its shape.

    `cotangent` has the shape of the answer. The derivative comes from the definition itself, evaluated on power
    series with one input entry as the variable.
    """
    batch = rows(operation, inputs, axis)
    weights = np.asarray(cotangent, dtype=np.float64)
    if reduction != "none":
        weights = np.broadcast_to(weights, batch.batch)
    elif operation.output_rank:
        weights = np.moveaxis(weights, axis, -1)
    count = math.prod(batch.batch)
    divisor = count if reduction == "mean" else 1
    flat = weights.reshape(count, batch.arrays[-1].shape[-1] if operation.output_rank else 1)
    rowwise = bool(operation.core_ranks[-1])
    elements: list[_Element] = []
    with _lock:
        resolved = resolve(operation, fmt, parameters)
        for row, weight in zip(batch, flat, strict=True):

            def product(row: list[Any] = row, weight: Array = weight) -> list[Ball]:
                entries = row[-1] if rowwise else [row[-1]]
                results = []
                for index, entry in enumerate(entries):
                    seeded = [*entries[:index], arb_series([entry, 1], 2), *entries[index + 1 :]]
                    answers = _per_row(operation, [*row[:-1], seeded if rowwise else seeded[0]], resolved)
                    slopes = [answer[1] if isinstance(answer, arb_series) else arb(0) for answer in answers]
                    results.append(total([arb(float(w)) * s for w, s in zip(weight, slopes, strict=True)]) / divisor)
                return results

            elements += _decide(product, fmt)
    shape = batch.arrays[-1].shape
    truth = _truth(elements, shape)
    return truth.core_axis_to(axis) if rowwise else truth
