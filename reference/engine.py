"""The engine: evaluates a definition over balls, raising the precision until its rounding is certain."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import Any, cast

import numpy as np
from flint import arb, arb_series, ctx
from trueline.reference.balls import Ball, KinkError, PrecisionError, times, total
from trueline.reference.formats import Array, Format
from trueline.reference.operations import Operation, Weighted

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
    asked: Array | None = None
    """Where a truth was computed at some elements alone: which. None means all."""

    def text(self, at: tuple[int, ...]) -> str:
        """The exact value of one element to 20 significant digits."""
        nearest = float(self.nearest[at])
        if not math.isfinite(nearest):
            return repr(nearest)
        error = Fraction(float(self.residual[0][at])) + Fraction(float(self.residual[1][at]))
        return decimal(Fraction(nearest) - error * Fraction(float(self.ulp[at])))

    def core_axis_to(self, axis: int) -> Truth:
        """The same truth with its last axis moved to `axis`."""
        return Truth(
            np.moveaxis(self.nearest, -1, axis),
            np.moveaxis(self.ulp, -1, axis),
            np.stack([np.moveaxis(part, -1, axis) for part in self.residual]),
            np.moveaxis(self.undecided, -1, axis),
            None if self.asked is None else np.moveaxis(self.asked, -1, axis),
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


def _settle_plainly(ball: Ball, fmt: Format) -> _Element | None:
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
        known = settled or itertools.repeat(None)
        settled = [
            old or _settle_plainly(ball, fmt) or _settle(ball, fmt, last)
            for ball, old in zip(balls, known, strict=False)
        ]
        if None not in settled:
            break
    return cast("list[_Element]", settled)


def _truth(elements: list[_Element], shape: tuple[int, ...]) -> Truth:
    table = np.array(elements, dtype=np.float64).reshape(-1, 5).T.reshape(5, *shape)
    return Truth(table[0], table[1], table[2:4], table[4].astype(bool))


def _balls(values: Any) -> Any:
    """Exact balls from a number or a row of numbers."""
    return list(map(arb, values)) if isinstance(values, list) else arb(values)


def resolve(operation: Operation, fmt: Format, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as the definition takes them: numbers become balls, `clip` an interval of numbers of the format.

    `clip=e` means the interval [e, 1 - e], its ends rounded to the format as a framework's own constants are;
    `clip="epsilon"` takes the format's own epsilon for e.
    """
    unknown = set(parameters) - set(operation.parameters)
    if unknown:
        raise TypeError(f"{operation.name} has no parameter {sorted(unknown)[0]!r}")
    return {name: _resolved(name, given, fmt) for name, given in parameters.items()}


def _resolved(name: str, given: Any, fmt: Format) -> Any:
    if name == "clip":
        edge = fmt.epsilon if given == "epsilon" else float(given)
        return arb(fmt.round(edge)), arb(fmt.round(1 - edge))
    if isinstance(given, tuple):
        return [_resolved(name, each, fmt) for each in given]
    return arb(given) if isinstance(given, float) else given


@dataclass(frozen=True)
class _Rows:
    """A batch of inputs as rows: the core axis last, the batch axes flattened."""

    operation: Operation
    batch: tuple[int, ...]
    arrays: tuple[Array, ...]

    def __iter__(self) -> Iterator[list[Any]]:
        count = math.prod(self.batch)
        columns = []
        for name, array in zip(self.operation.inputs, self.arrays, strict=True):
            flat = array.reshape(count, *array.shape[len(self.batch) :])
            labels = name in self.operation.integers
            columns.append(flat.tolist() if labels else map(_balls, flat.astype(np.float64).tolist()))
        yield from map(list, zip(*columns, strict=True))


def rows(operation: Operation, inputs: Mapping[str, Array], axis: int = -1) -> _Rows:
    """The inputs with `axis` moved to the end where the operation takes rows."""
    arrays = []
    batch: tuple[int, ...] = ()
    for name, rank in zip(operation.inputs, operation.core_ranks, strict=True):
        array = np.moveaxis(inputs[name], axis, -1) if rank else inputs[name]
        batch = array.shape[: array.ndim - rank]
        arrays.append(array)
    return _Rows(operation, batch, tuple(arrays))


def _per_row(operation: Operation, row: list[Any], parameters: Mapping[str, Any]) -> tuple[list[Ball], Ball]:
    """The answers for one row, and the weight with which it counts in a mean."""
    answer = operation.definition(*row, **parameters)
    if isinstance(answer, Weighted):
        return [answer.value], answer.weight
    return (list(answer) if operation.output_rank else [answer]), arb(1)


@dataclass(frozen=True)
class _Samples:
    """Rows with the weights that the caller gives them, and the number that a mean divides by."""

    operation: Operation
    rows: list[list[Any]]
    weights: list[Ball]
    parameters: dict[str, Any]
    reduction: str
    mean_over: str

    def weighed(self, index: int, row: list[Any]) -> tuple[list[Ball], Ball]:
        """The weighted answers for one row, and its weight."""
        answers, own = _per_row(self.operation, row, self.parameters)
        weight = self.weights[index]
        return (answers, own) if weight is None else ([times(weight, each) for each in answers], weight * own)

    def answer(self, index: int, row: list[Any]) -> list[Ball]:
        """The weighted answers for one row."""
        return self.weighed(index, row)[0]

    def divisor(self, weights: Iterable[Ball]) -> Ball:
        """What the reduction divides the sum by."""
        if self.reduction != "mean":
            return arb(1)
        return arb(len(self.rows)) if self.mean_over == "samples" else total(list(weights))


def _samples(
    batch: _Rows,
    fmt: Format,
    sample_weight: Array | None,
    parameters: dict[str, Any],
    reduction: str,
    mean_over: str,
) -> _Samples:
    listed = list(batch)
    weights = [None] * len(listed)
    if sample_weight is not None:
        given = sample_weight.astype(np.float64).ravel().tolist()
        if batch.operation.whole:
            parameters = {**parameters, "sample_weight": tuple(given)}
        else:
            weights = _balls(given)
    resolved = resolve(batch.operation, fmt, parameters)
    return _Samples(batch.operation, listed, weights, resolved, reduction, mean_over)


def evaluate(
    operation: Operation,
    fmt: Format,
    inputs: Mapping[str, Array],
    *,
    axis: int = -1,
    reduction: str = "none",
    mean_over: str = "weights",
    **parameters: Any,
) -> Truth:
    """The exact answers of `operation` for arrays of numbers of `fmt`, in the shape that an implementation returns.

    Shapes: every input has the same batch axes; rowwise inputs have one more at `axis`. `reduction` mean and sum
    give shape (), none keeps all. A mean divides by the sum of the samples' weights, or by their number for
    `mean_over="samples"`; 0/0 is NaN. Weights come from the input `sample_weight`, one for each sample, and from
    the definition itself; a metric of a whole batch takes them as its parameter `sample_weight`.
    """
    batch = rows(operation, inputs, axis)
    with _lock:
        samples = _samples(batch, fmt, inputs.get("sample_weight"), parameters, reduction, mean_over)
        if reduction == "none":
            elements = [
                element
                for index, row in enumerate(samples.rows)
                for element in _decide(partial(samples.answer, index, row), fmt)
            ]
            core = (batch.arrays[-1].shape[-1],) if operation.output_rank else ()
            truth = _truth(elements, (*batch.batch, *core))
            return truth.core_axis_to(axis) if operation.output_rank else truth

        def reduced() -> list[Ball]:
            weighed = [samples.weighed(index, row) for index, row in enumerate(samples.rows)]
            return [total([each[0] for each, _ in weighed]) / samples.divisor(weight for _, weight in weighed)]

        return _truth(_decide(reduced, fmt), ())


LONG = 128
"""Rows longer than this are differentiated at a sample of their entries."""


def _differentiated(entries: list[Ball], row: list[Any]) -> Iterable[int]:
    """The entries of a row whose derivative is computed: all, or both ends, the extremes, the label and a sample."""
    count = len(entries)
    if count <= LONG:
        return range(count)
    numbers = [float(entry.mid()) for entry in entries]
    known = [index for index, number in enumerate(numbers) if not math.isnan(number)]
    extremes = [min(known, key=numbers.__getitem__), max(known, key=numbers.__getitem__)] if known else []
    labels = [label for label in row[:-1] if isinstance(label, int) and 0 <= label < count]
    return sorted({0, count - 1, *extremes, *labels, *(count * step // 16 for step in range(16))})


_UNASKED: _Element = (0.0, 1.0, 0.0, 0.0, False)


def gradient(
    operation: Operation,
    fmt: Format,
    inputs: Mapping[str, Array],
    cotangent: Array,
    *,
    axis: int = -1,
    reduction: str = "none",
    mean_over: str = "weights",
    order: int = 1,
    **parameters: Any,
) -> Truth:
    """The exact vector-Jacobian product with respect to the last input, in its shape.

    `cotangent` has the shape of the answer. The derivative comes from the definition itself, evaluated on power
    series with one input entry as the variable. `order=2` gives the second derivative of a function of one number.
    Of rows longer than LONG a sample of entries is `asked`, and no entry that stands at a kink.
    """
    batch = rows(operation, inputs, axis)
    weights = np.asarray(cotangent, dtype=np.float64)
    if reduction != "none":
        weights = np.broadcast_to(weights, batch.batch)
    elif operation.output_rank:
        weights = np.moveaxis(weights, axis, -1)
    count = math.prod(batch.batch)
    flat = weights.reshape(count, batch.arrays[-1].shape[-1] if operation.output_rank else 1)
    rowwise = bool(operation.core_ranks[-1])
    elements: list[_Element] = []
    asked: list[bool] = []
    with _lock:
        samples = _samples(batch, fmt, inputs.get("sample_weight"), parameters, reduction, mean_over)
        divisors: dict[int, Ball] = {}
        for index, (row, weight) in enumerate(zip(samples.rows, flat, strict=True)):
            entries = row[-1] if rowwise else [row[-1]]
            chosen = _differentiated(entries, row)
            kinks: set[int] = set()

            def product(
                index: int = index,
                row: list[Any] = row,
                weight: Array = weight,
                entries: list[Ball] = entries,
                chosen: Iterable[int] = chosen,
                kinks: set[int] = kinks,
            ) -> list[Ball]:
                if ctx.prec not in divisors:
                    divisors[ctx.prec] = samples.divisor(samples.weighed(*each)[1] for each in enumerate(samples.rows))
                results = []
                for place in chosen:
                    seeded = [*entries[:place], arb_series([entries[place], 1], order + 1), *entries[place + 1 :]]
                    try:
                        answers = samples.answer(index, [*row[:-1], seeded if rowwise else seeded[0]])
                    except KinkError:
                        kinks.add(place)
                        results.append(arb(0))
                        continue
                    # The coefficient of x^2 is half of the second derivative.
                    slopes = [a[order] * order if isinstance(a, arb_series) else arb(0) for a in answers]
                    results.append(
                        total([arb(float(w)) * s for w, s in zip(weight, slopes, strict=True)]) / divisors[ctx.prec]
                    )
                return results

            found = dict(zip(chosen, _decide(product, fmt), strict=True))
            elements += [found.get(place, _UNASKED) for place in range(len(entries))]
            asked += [place in found and place not in kinks for place in range(len(entries))]
    shape = batch.arrays[-1].shape
    truth = _truth(elements, shape)
    if not all(asked):
        truth = replace(truth, asked=np.array(asked, dtype=bool).reshape(shape))
    return truth.core_axis_to(axis) if rowwise else truth
