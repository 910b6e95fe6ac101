"""The engine: evaluates a definition, and its derivatives, over balls."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from flint import arb, arb_series, ctx
from gaugeblock.reference.balls import Ball, KinkError, times, total
from gaugeblock.reference.formats import Array, Format
from gaugeblock.reference.operations import Operation, Weighted
from gaugeblock.reference.truth import LOCK, Element, Truth, decide, truth_of


def _balls(values: Any) -> Any:
    """Exact balls from a number or a row of numbers."""
    return list(map(arb, values)) if isinstance(values, list) else arb(values)


def resolve(operation: Operation, fmt: Format, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as the definition takes them: a float becomes a ball, rounded to the format; `clip` an interval.

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
    return arb(fmt.round(given)) if isinstance(given, float) else given


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


def per_row(operation: Operation, row: list[Any], parameters: Mapping[str, Any]) -> tuple[list[Ball], Ball]:
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
        answers, own = per_row(self.operation, row, self.parameters)
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
    with LOCK:
        samples = _samples(batch, fmt, inputs.get("sample_weight"), parameters, reduction, mean_over)
        if reduction == "none":
            elements = [
                element
                for index, row in enumerate(samples.rows)
                for element in decide(partial(samples.answer, index, row), fmt)
            ]
            core = (batch.arrays[-1].shape[-1],) if operation.output_rank else ()
            truth = truth_of(elements, (*batch.batch, *core))
            return truth.core_axis_to(axis) if operation.output_rank else truth

        def reduced() -> list[Ball]:
            weighed = [samples.weighed(index, row) for index, row in enumerate(samples.rows)]
            return [total([each[0] for each, _ in weighed]) / samples.divisor(weight for _, weight in weighed)]

        return truth_of(decide(reduced, fmt), ())


LONG = 24
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


_UNASKED: Element = (0.0, 1.0, 0.0, 0.0, False)


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
    elements: list[Element] = []
    asked: list[bool] = []
    with LOCK:
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

            found = dict(zip(chosen, decide(product, fmt), strict=True))
            elements += [found.get(place, _UNASKED) for place in range(len(entries))]
            asked += [place in found and place not in kinks for place in range(len(entries))]
    shape = batch.arrays[-1].shape
    truth = truth_of(elements, shape)
    if not all(asked):
        truth = replace(truth, asked=np.array(asked, dtype=bool).reshape(shape))
    return truth.core_axis_to(axis) if rowwise else truth
