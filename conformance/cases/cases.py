"""Cases: named inputs, given exactly. What they are follows from the operation's domains and the format alone."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.draws import integers
from gaugeblock.conformance.cases.generators import Draft, generator_of
from gaugeblock.reference.cached_truth import evaluate
from gaugeblock.reference.catalogue import Operation, operation
from gaugeblock.reference.formats import FORMATS, Format

VECTORS = {"varied": (0.5, 2.0, 1.0, 3.0, 0.25), "with-zero": (1.0, 0.0, 2.0)}
"""Parameters with one number for each class, by name; repeated up to the number of classes."""

TAGS = frozenset({"ordinary", "subnormal"})
"""What drafts are about: the words of their names that say so."""


def spread(value: Any, classes: int, vectors: Mapping[str, tuple[float, ...]] = VECTORS) -> Any:
    """The value of a parameter, a number for each class where it names a vector."""
    return tuple(np.resize(vectors[value], classes).tolist()) if value in vectors else value


def _with_parameters(draft: Draft, ask: Mapping[str, Any]) -> Iterator[Draft]:
    """The draft once for each way of asking it with further parameters."""
    slug = "-".join(f"{name.replace('_', '-')}-{value}" for name, value in ask.items()).lower()
    classes = draft.arrays[-1].shape[-1]
    parameters = {**draft.parameters, **{name: spread(value, classes) for name, value in ask.items()}}
    asked = replace(draft, name=f"{draft.name}-{slug}", core=False, parameters=parameters)
    if "ignore_index" not in ask:
        yield asked
        return
    # Every second label is ignored, and once more there are NaN and infinities in the rows of those.
    labels, last = draft.arrays
    ignored = np.arange(len(labels)) % 2 == 0
    known, hidden = np.where(ignored, ask["ignore_index"], labels), last.copy()
    hidden[ignored] = np.resize([math.nan, math.inf], last.shape[1:]).astype(last.dtype)
    yield replace(asked, arrays=(known, last))
    yield replace(asked, name=f"{asked.name}-nan", arrays=(known, hidden))


def _cases(op: Operation, draft: Draft) -> Iterator[Case]:
    """The draft without reduction, and with those it is asked for; tagged by words of its name and by its numbers."""
    inputs = dict(zip(op.inputs, draft.arrays, strict=True))
    wide = [array.astype(np.float64) for array in draft.arrays]
    tags = TAGS & {*draft.name.split("-")}
    for tag, test in {"nan": np.isnan, "infinity": np.isinf}.items():
        tags |= {tag} if any(test(array).any() for array in wide) else set()
    if op.kind == "activation" or op.whole:
        yield Case(draft.name, inputs, draft.parameters, draft.gradient, tags)
        return
    for reduction in ("mean",) if draft.reduced == ("only-mean",) else ("none", *draft.reduced):
        name, gradient = f"{reduction}-{draft.name}".removeprefix("none-"), draft.gradient
        if reduction != "none":
            gradient = gradient and draft.gradient_reduced
        yield Case(name, inputs, {**draft.parameters, "reduction": reduction}, gradient, tags)


def _weighted(op: Operation, case: Case, fmt: Format) -> Case:
    """The case with a weight for each sample: unequal ones, one of them zero."""
    weight = integers(f"weight/{case.name}", case.inputs[op.inputs[0]].shape[:1], 8) / 4.0
    weight[0] = 0
    inputs = {**case.inputs, "sample_weight": fmt.array(weight)}
    return Case(f"weighted-{case.name}", inputs, case.parameters, tags=case.tags)


def _every(op: Operation, fmt: Format) -> Iterator[Case]:
    weighted = 0
    for draft in generator_of(op)(op, fmt):
        takes_weights = "sample_weight" in op.parameters if op.whole else bool(draft.reduced)
        for case in _cases(op, draft):
            yield case
            # The first reduced drafts stand for all: a weight multiplies what the others have shown.
            if op.kind != "activation" and takes_weights and weighted < 2:
                yield _weighted(op, case, fmt)
        weighted += takes_weights
        for ask in op.asks if draft.core else ():
            for more in _with_parameters(draft, ask):
                yield from _cases(op, more)


@functools.cache
def cases(name: str, dtype: str) -> tuple[Case, ...]:
    """Every case of an operation in a format, named uniquely."""
    op, wide = operation(name), FORMATS["float64"]
    # What a metric of a whole batch takes 0/0 for is a question for a probe.
    made = tuple(
        case
        for case in _every(op, FORMATS[dtype])
        if not op.whole or not np.isnan(evaluate(op, wide, case.inputs, **case.parameters).nearest)
    )
    names = [case.name for case in made]
    if len(set(names)) < len(names):
        raise ValueError(f"cases of {name} share a name: {sorted({n for n in names if names.count(n) > 1})}")
    return made
