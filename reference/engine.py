"""The engine: evaluates a definition, and its derivatives, over balls (python-flint's arb)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from flint import arb, arb_series, ctx
from gaugeblock.reference.balls import Ball, KinkError, times, total
from gaugeblock.reference.formats import Array, Format
from gaugeblock.reference.operations import Operation, Weighted
from gaugeblock.reference.truth import LOCK, Element, Truth, decide, truth_of


def exactly(values: Any) -> Any:
    """Exact balls from a number or a row of numbers."""
    return list(map(arb, values)) if isinstance(values, list) else arb(values)


def resolve(operation: Operation, fmt: Format, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as the definition takes them; TypeError for one that it does not have.

    A float, in a tuple too, becomes a ball, rounded to the format. `clip=e` becomes the interval [e, 1 - e], its ends
    rounded to the format as a framework's own constants are; `clip="epsilon"` takes the format's own epsilon for e.
    """
    unknown = set(parameters) - set(operation.parameters)
    if unknown:
        raise TypeError(f"{operation.name} has no parameter {sorted(unknown)[0]!r}")
    return {name: _resolved(name, value, fmt) for name, value in parameters.items()}


def _resolved(name: str, value: Any, fmt: Format) -> Any:
    if name == "clip":
        edge = fmt.epsilon if value == "epsilon" else float(value)
        return arb(fmt.round(edge)), arb(fmt.round(1 - edge))
    if isinstance(value, tuple):
        return [_resolved(name, each, fmt) for each in value]
    return arb(fmt.round(value)) if isinstance(value, float) else value


def per_row(operation: Operation, row: list[Any], parameters: Mapping[str, Any]) -> tuple[list[Ball], Ball]:
    """The answers for one row (one, or as many as the row is long), and the weight with which it counts in a mean.

    `row` has an entry for each input: a ball or label, or a list of them. `parameters` come from `resolve`.
    """
    answer = operation.definition(*row, **parameters)
    if isinstance(answer, Weighted):
        return [answer.value], answer.weight
    return (list(answer) if operation.output_rank else [answer]), arb(1)


class _Samples:
    """The inputs of an operation as rows, their core axis last, with the caller's weights and how they are reduced."""

    def __init__(
        self,
        operation: Operation,
        fmt: Format,
        inputs: Mapping[str, Array],
        axis: int,
        reduction: str,
        mean_over: str,
        parameters: dict[str, Any],
    ) -> None:
        self.operation, self.reduction, self.mean_over = operation, reduction, mean_over
        columns = []
        for name, rank in zip(operation.inputs, operation.core_ranks, strict=True):
            array = np.moveaxis(inputs[name], axis, -1) if rank else inputs[name]
            self.shape, self.batch = array.shape, array.shape[: array.ndim - rank]
            flat = array.reshape(math.prod(self.batch), *array.shape[len(self.batch) :])
            labels = name in operation.integers
            columns.append(flat.tolist() if labels else map(exactly, flat.astype(np.float64).tolist()))
        self.rows: list[list[Any]] = list(map(list, zip(*columns, strict=True)))
        self.weights = [None] * len(self.rows)
        if "sample_weight" in inputs:
            numbers = inputs["sample_weight"].astype(np.float64).ravel().tolist()
            if operation.whole:
                parameters = {**parameters, "sample_weight": tuple(numbers)}
            else:
                self.weights = exactly(numbers)
        self.parameters = resolve(operation, fmt, parameters)

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
    """The exact answers of `operation`, in the shape that an implementation returns.

    Raises TypeError for a parameter that the definition does not have, and PrecisionError where no precision decides.

    Args:
        operation: the operation.
        fmt: the format to which answers and parameters are rounded.
        inputs: arrays by name, of any real dtype. All have the same batch axes; rowwise ones have one more at `axis`.
            `sample_weight`, if there, is a weight for each sample, in the shape of the batch; a metric of a whole batch
            takes it as its parameter.
        axis: the core axis of rowwise inputs and answers.
        reduction: "mean" and "sum" give shape (), "none" keeps the answer of each sample.
        mean_over: a mean divides by the sum of "weights", those of the definition and of `sample_weight`, or by the
            number of "samples"; 0/0 is NaN.
        **parameters: those of the definition, see `resolve`.
    """
    with LOCK:
        samples = _Samples(operation, fmt, inputs, axis, reduction, mean_over, parameters)
        if reduction == "none":
            elements = [
                element
                for index, row in enumerate(samples.rows)
                for element in decide(partial(samples.answer, index, row), fmt)
            ]
            truth = truth_of(elements, samples.shape if operation.output_rank else samples.batch)
            return truth.core_axis_to(axis) if operation.output_rank else truth

        def reduced() -> list[Ball]:
            weighed = [samples.weighed(index, row) for index, row in enumerate(samples.rows)]
            return [total([each[0] for each, _ in weighed]) / samples.divisor(weight for _, weight in weighed)]

        return truth_of(decide(reduced, fmt), ())


LONG = 24
"""Of rows longer than this, derivatives are computed at a sample of their entries."""


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


_NOT_COMPUTED: Element = (0.0, 1.0, 0.0, 0.0, False)


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

    The derivative comes from the definition itself, evaluated on power series with one input entry as the variable.
    Entries that are not computed are False in `asked`: those at a kink, and of rows longer than LONG all but a sample.
    The other arguments, and what is raised, are those of `evaluate`.

    Args:
        cotangent: numbers in the shape of the answer.
        order: 2 gives the second derivative of a function of one number, times the cotangent.
    """
    weights = np.asarray(cotangent, dtype=np.float64)
    rowwise = bool(operation.core_ranks[-1])
    elements: list[Element] = []
    asked: list[bool] = []
    with LOCK:
        samples = _Samples(operation, fmt, inputs, axis, reduction, mean_over, parameters)
        if reduction != "none":
            weights = np.broadcast_to(weights, samples.batch)
        elif operation.output_rank:
            weights = np.moveaxis(weights, axis, -1)
        flat = weights.reshape(len(samples.rows), samples.shape[-1] if operation.output_rank else 1)
        divisors: dict[int, Ball] = {}

        def product(index: int, chosen: Iterable[int], kinks: set[int]) -> list[Ball]:
            """The products of one row at the chosen entries; 0 at a kink, which is put among `kinks`."""
            if ctx.prec not in divisors:
                divisors[ctx.prec] = samples.divisor(samples.weighed(*each)[1] for each in enumerate(samples.rows))
            *others, last = samples.rows[index]
            results = []
            for place in chosen:
                variable = arb_series([last[place] if rowwise else last, 1], order + 1)
                try:
                    moved = [*last[:place], variable, *last[place + 1 :]] if rowwise else variable
                    answers = samples.answer(index, [*others, moved])
                except KinkError:
                    kinks.add(place)
                    results.append(arb(0))
                    continue
                # The coefficient of x^2 is half of the second derivative.
                derivatives = [a[order] * order if isinstance(a, arb_series) else arb(0) for a in answers]
                terms = [arb(float(w)) * d for w, d in zip(flat[index], derivatives, strict=True)]
                results.append(total(terms) / divisors[ctx.prec])
            return results

        for index, row in enumerate(samples.rows):
            entries = row[-1] if rowwise else row[-1:]
            chosen = _differentiated(entries, row)
            kinks: set[int] = set()
            found = dict(zip(chosen, decide(partial(product, index, chosen, kinks), fmt), strict=True))
            elements += [found.get(place, _NOT_COMPUTED) for place in range(len(entries))]
            asked += [place in found and place not in kinks for place in range(len(entries))]
    truth = truth_of(elements, samples.shape)
    if not all(asked):
        truth = replace(truth, asked=np.array(asked, dtype=bool).reshape(samples.shape))
    return truth.core_axis_to(axis) if rowwise else truth
