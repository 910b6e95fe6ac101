"""Cases: named inputs, given exactly. What they are follows from the operation's domains and the format alone."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.draws import integers
from gaugeblock.conformance.cases.generators import Draft, generator_of
from gaugeblock.reference.cached_truth import evaluate
from gaugeblock.reference.catalogue import Operation, operation
from gaugeblock.reference.formats import FORMATS, Array, Format

VECTORS = {
    "varied": (0.5, 2.0, 1.0, 3.0, 0.25),
    "with-zero": (1.0, 0.0, 2.0),
}
"""Parameters with one number for each class, by name; repeated up to the number of classes."""

Inputs = tuple[str, dict[str, Array], bool]


def _ignoring(op: Operation, inputs: Mapping[str, Array], index: int) -> Iterator[Inputs]:
    """Every second label ignored, and once more with NaN and infinities in the rows that are."""
    (labels,) = op.integers
    last = op.inputs[-1]
    ignored = np.arange(len(inputs[labels])) % 2 == 0
    known = {**inputs, labels: np.where(ignored, index, inputs[labels])}
    yield "", known, True
    hidden = inputs[last].copy()
    hidden[ignored] = np.resize([math.nan, math.inf], hidden.shape[1:]).astype(hidden.dtype)
    yield "-nan", {**known, last: hidden}, True


def _with_parameters(
    op: Operation, draft: Draft, inputs: Mapping[str, Array], ask: Mapping[str, Any]
) -> Iterator[Draft]:
    """The draft once for each way of asking it with further parameters."""
    slug = "-".join(f"{name.replace('_', '-')}-{value}" for name, value in ask.items()).lower()
    classes = inputs[op.inputs[-1]].shape[-1]
    parameters = {
        name: tuple(float(v) for v in np.resize(VECTORS[value], classes)) if value in VECTORS else value
        for name, value in ask.items()
    }
    variants: Iterator[Inputs] = (
        _ignoring(op, inputs, ask["ignore_index"])
        if "ignore_index" in ask
        else iter([("", dict(inputs), draft.gradient)])
    )
    for suffix, arrays, gradient in variants:
        yield Draft(
            f"{draft.name}-{slug}{suffix}",
            tuple(arrays[name] for name in op.inputs),
            draft.gradient and gradient,
            draft.reduced,
            draft.gradient_reduced,
            parameters={**draft.parameters, **parameters},
        )


TAGS = ("ordinary", "subnormal")
"""What drafts are about: the words of their names that say so."""


def _tags(draft: Draft) -> frozenset[str]:
    """What the cases of a draft are about: words of its name, and what its numbers are."""
    wide = [array.astype(np.float64) for array in draft.arrays]
    content = {"nan": np.isnan, "infinity": np.isinf}
    held = {tag for tag, test in content.items() if any(test(array).any() for array in wide)}
    return frozenset(held | ({*TAGS} & {*draft.name.split("-")}))


def _cases(op: Operation, draft: Draft) -> Iterator[Case]:
    """The draft without reduction, and with those it is asked for."""
    inputs = dict(zip(op.inputs, draft.arrays, strict=True))
    tags = _tags(draft)
    if op.kind == "activation" or op.whole:
        yield Case(draft.name, inputs, draft.parameters, draft.gradient, tags)
        return
    if draft.reduced == ("only-mean",):
        yield Case(f"mean-{draft.name}", inputs, {**draft.parameters, "reduction": "mean"}, tags=tags)
        return
    yield Case(draft.name, inputs, {**draft.parameters, "reduction": "none"}, draft.gradient, tags)
    for reduction in draft.reduced:
        parameters = {**draft.parameters, "reduction": reduction}
        yield Case(f"{reduction}-{draft.name}", inputs, parameters, draft.gradient and draft.gradient_reduced, tags)


def _weighted(op: Operation, case: Case, fmt: Format) -> Iterator[Case]:
    """The case with a weight for each sample: unequal ones, one of them zero."""
    batch = case.inputs[op.inputs[0]].shape[:1]
    weight = integers(f"weight/{case.name}", batch, 8) / 4.0
    weight[0] = 0
    inputs = {**case.inputs, "sample_weight": fmt.array(weight)}
    yield Case(f"weighted-{case.name}", inputs, case.parameters, tags=case.tags)


def _has_value(op: Operation, case: Case) -> bool:
    """Whether a metric of a whole batch has one there: what 0/0 is taken for is a question for a probe."""
    return not op.whole or not np.isnan(evaluate(op, FORMATS["float64"], case.inputs, **case.parameters).nearest)


def _every(op: Operation, fmt: Format) -> Iterator[Case]:
    weighted = 0
    for draft in generator_of(op)(op, fmt):
        takes_weights = "sample_weight" in op.parameters if op.whole else bool(draft.reduced)
        for case in _cases(op, draft):
            yield case
            # The first reduced drafts stand for all: a weight multiplies what the others have shown.
            if op.kind != "activation" and takes_weights and weighted < 2:
                yield from _weighted(op, case, fmt)
        weighted += takes_weights
        if draft.core:
            inputs = dict(zip(op.inputs, draft.arrays, strict=True))
            for ask in op.asks:
                for more in _with_parameters(op, draft, inputs, ask):
                    yield from _cases(op, more)


@functools.cache
def cases(name: str, dtype: str) -> tuple[Case, ...]:
    """Every case of an operation in a format, named uniquely."""
    op = operation(name)
    made = tuple(case for case in _every(op, FORMATS[dtype]) if _has_value(op, case))
    names = [case.name for case in made]
    if len(set(names)) < len(names):
        raise ValueError(f"cases of {name} share a name: {sorted({n for n in names if names.count(n) > 1})}")
    return made
