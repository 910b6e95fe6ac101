"""Conventions of a definition that an implementation follows without saying so: found by measuring.

Which reduction it returns, where it clips, what its mean divides by. Each candidate is the definition with other
conventions; the one that explains the most answers is taken, the plain definition where several explain as many.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from gaugeblock.adapters.base import Implementation
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.checks.value import judged
from gaugeblock.conformance.execution.call import Answer, NoAnswer
from gaugeblock.conformance.trials.batching import answers
from gaugeblock.conformance.trials.setting import Context

CHOICES: dict[str, tuple[Any, ...]] = {
    "clip": ("epsilon", 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15, 1e-16),
    "log_floor": (-100.0,),
    "floor": (1e-6, 1e-7, 1e-8, 1e-10, 1e-12, 1e-15),
    "normalise": (True,),
    "num_thresholds": (200,),
}
"""Values that are in use, of conventions that definitions have as parameters."""

ENOUGH = 40
"""Deviating cases that a candidate is tried on."""


def reduction(context: Context) -> str:
    """What an implementation without the parameter returns: `none`, the losses of all samples, `mean` or `sum`."""
    op = context.operation
    single = context.of(_following(context.implementation, {"reduction": "none"}))
    offered = [case for case in single.cases() if set(case.inputs) == set(op.inputs)]
    several = [case for case in offered if case.inputs[op.inputs[-1]].shape[:1] > (2,)] or offered
    case = next((case for case in several if "ordinary" in case.name), several[0])
    (answer,) = context.ask([single.call(case)])
    if isinstance(answer, NoAnswer) or answer.size != 1:
        return "none"
    got = float(answer.reshape(()))
    due = {name: float(single.truth(case, reduction=name).nearest) for name in ("mean", "sum")}
    return min(due, key=lambda name: abs(got - due[name]))


def candidates(context: Context, settled: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The plain definition first, then every combination of conventions that are open."""
    choices = {
        name: (None, *values)
        for name, values in CHOICES.items()
        if name in context.operation.parameters and name not in settled
    }
    weighs = {"sample_weight", "class_weight", "ignore_index"} & context.implementation.names
    # Who takes it as a parameter is told.
    if "mean_over" in context.implementation.names:
        weighs = set()
    if weighs and "reduction" in {*context.implementation.names, *settled} and context.operation.kind == "loss":
        choices["mean_over"] = (None, "samples")
    for values in itertools.product(*choices.values()):
        chosen = {name: value for name, value in zip(choices, values, strict=True) if value is not None}
        # A loss clips its probabilities or its logarithms.
        if not {"clip", "log_floor"} <= set(chosen):
            yield chosen


def conventions(context: Context, settled: Mapping[str, Any]) -> dict[str, Any]:
    """The candidate under which the fewest answers deviate."""
    chosen = context.cases()
    got = answers(context, chosen)
    first, *others = candidates(context, settled)
    wrong = _deviating(context, first, zip(chosen, got, strict=True))
    best, fewest = first, len(wrong)
    for candidate in others:
        if not fewest:
            break
        # Most candidates explain none of what deviates, and need not be tried on all.
        if len(_deviating(context, candidate, wrong[:ENOUGH])) == len(wrong[:ENOUGH]):
            continue
        left = len(_deviating(context, candidate, zip(chosen, got, strict=True)))
        if left < fewest:
            best, fewest = candidate, left
    return best


def _following(implementation: Implementation, more: Mapping[str, Any]) -> Implementation:
    return replace(implementation, conventions={**implementation.conventions, **more})


def _deviating(context: Context, candidate: Mapping[str, Any], asked: Any) -> list[tuple[Case, Answer]]:
    told = context.of(_following(context.implementation, candidate))
    pairs = [(case, answer) for case, answer in asked if isinstance(answer, np.ndarray)]
    return [(c, a) for c, a in pairs if judged(told, "value", c, a)["verdict"] == "deviates"]
