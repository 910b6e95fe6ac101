"""Conventions: those that an implementation must follow, those that it is measured to follow, and what it can take.

Measured are which reduction it returns, where it clips, what its mean divides by. Each candidate is the definition with
other conventions; the one that explains the most answers is taken, the plain definition where several explain as many.
"""

from __future__ import annotations

import difflib
import itertools
import time
import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.random_arrays import Levels, contents, patterns_of
from gaugeblock.conformance.cases.rows import DISTINCT
from gaugeblock.conformance.checks.shapes import COUNTS, OF_PAIRS
from gaugeblock.conformance.checks.table import CHECKS
from gaugeblock.conformance.checks.value import value_trial
from gaugeblock.conformance.execution.call import NoAnswer
from gaugeblock.conformance.execution.query import Ask, Reply, ask_all
from gaugeblock.conformance.trials.engine import judged_of, judgement_on
from gaugeblock.conformance.trials.setting import Setting, batch_of
from gaugeblock.conformance.yours.binding import CHOICES
from gaugeblock.conformance.yours.callable_adapter import CallableError
from gaugeblock.reference.catalogue import Operation
from gaugeblock.reference.formats import Array
from gaugeblock.reference.operations import REDUCTIONS
from gaugeblock.reports.verdicts import Verdict

ENOUGH = 40
"""Deviating cases that a candidate is tried on."""

PATIENCE = 0.5
"""Seconds for a few thousand samples, of what is asked for many more."""

TIES = ("tied-largest-scores", "all-scores-equal", "tied-at-the-kth-place", "constant-scores-in-top-k")

TOPICS: dict[str, dict[str, tuple[tuple[str, str], ...]]] = {
    "ties": {
        "lowest index": tuple(zip(TIES, ("the first", "the first", "the first two", "the first three"), strict=True)),
        "highest index": tuple(zip(TIES, ("the last", "the last", "the last two", "the last three"), strict=True)),
        "all": tuple(zip(TIES, ("both", "all", "all", "all"), strict=True)),
    },
}
"""By topic and what is asked for: probes, and the label that each must have."""


def pinned(
    conventions: Mapping[str, Any], op: Operation, parameters: Sequence[str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """What `conventions` fixes: parameters of the definition and its reduction, and labels by the names of probes.

    CallableError for a name or label that there is not.
    """
    settled: dict[str, Any] = {}
    labels: dict[str, str] = {}
    probes = {each.name: each for each in CHECKS if each.kind == "probe"}
    for name, value in conventions.items():
        if name in parameters:
            settled[name] = value
            continue
        if name not in TOPICS and name not in probes:
            near = difflib.get_close_matches(name, (*parameters, *TOPICS, *probes), n=1, cutoff=0.4)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise CallableError(f"there is no convention {name!r} of {op.name}: {hint}docs/questions names the probes.")
        choices = TOPICS.get(name) or {answer: ((name, answer),) for answer in probes[name].answers}
        if value not in choices:
            raise CallableError(f"{name!r} cannot be {value!r}: it is one of {', '.join(map(repr, choices))}.")
        labels.update(choices[value])
    return settled, labels


def following(setting: Setting, conventions: Mapping[str, Any]) -> Setting:
    """The setting with more conventions that the implementation follows."""
    own = setting.implementation
    return setting.of(replace(own, conventions={**own.conventions, **conventions}))


def reduction(setting: Setting, ask: Ask) -> str:
    """What an implementation without the parameter returns: `none`, the losses of all samples, `mean` or `sum`."""
    op, single = setting.operation, following(setting, {"reduction": "none"})
    offered = [case for case in single.cases() if set(case.inputs) == set(op.inputs)]
    several = [case for case in offered if case.inputs[op.inputs[-1]].shape[:1] > (2,)] or offered
    case = next((case for case in several if "ordinary" in case.tags), several[0])
    (answer,) = ask([single.call(case)])
    if isinstance(answer, NoAnswer) or answer.size != 1:
        return "none"
    got = float(answer.reshape(()))
    expected = {name: float(single.truth(case, reduction=name).nearest) for name in ("mean", "sum")}
    return min(expected, key=lambda name: abs(got - expected[name]))


def candidates(setting: Setting) -> Iterator[dict[str, Any]]:
    """The plain definition first, then every combination of conventions that are open."""
    op, own = setting.operation, setting.implementation
    open_ones = op.parameters.keys() & CHOICES.keys() - own.conventions.keys()
    choices = {name: (None, *values) for name, values in CHOICES.items() if name in open_ones}
    # Who takes what a mean divides by as a parameter is asked for either.
    weighs = {"sample_weight", "class_weight", "ignore_index"} & own.names and "mean_over" not in own.names
    if weighs and "reduction" in {*own.names, *own.conventions} and op.kind == "loss":
        choices["mean_over"] = (None, "samples")
    for values in itertools.product(*choices.values()):
        chosen = {name: value for name, value in zip(choices, values, strict=True) if value is not None}
        # A loss clips its probabilities or its logarithms.
        if not {"clip", "log_floor"} <= set(chosen):
            yield chosen


def conventions_of(setting: Setting, ask: Ask) -> dict[str, Any]:
    """The candidate under which the fewest answers deviate."""
    chosen = setting.cases()
    replies = ask_all(ask, [setting.query(case, together="conventions") for case in chosen])
    known = [(case, reply) for case, reply in zip(chosen, replies, strict=True) if isinstance(reply, Reply)]
    first, *others = candidates(setting)
    wrong = _deviating(following(setting, first), known)
    best, fewest = first, len(wrong)
    for candidate in others:
        if not fewest:
            break
        candidate_setting = following(setting, candidate)
        # Most candidates explain none of what deviates, and need not be tried on all.
        if len(_deviating(candidate_setting, wrong[:ENOUGH])) == len(wrong[:ENOUGH]):
            continue
        left = len(_deviating(candidate_setting, known))
        if left < fewest:
            best, fewest = candidate, left
    return best


def _deviating(setting: Setting, answered: Sequence[tuple[Case, Reply]]) -> list[tuple[Case, Reply]]:
    trials = ((case, reply, value_trial(setting, case, replies=(reply,))) for case, reply in answered)
    return [(case, reply) for case, reply, trial in trials if judgement_on(trial, (reply,)).verdict == Verdict.DEVIATES]


def abilities(setting: Setting, ask: Ask) -> frozenset[str]:
    """What it can take that not all can: `batches` of several axes, and `many-samples` in a metric of their pairs."""
    tried = {"batches": _takes_batches, "many-samples": _takes_many_samples}
    return frozenset(name for name, takes in tried.items() if takes(setting, ask))


def _drawn(setting: Setting, name: str, shape: tuple[int, int]) -> dict[str, Array]:
    op = setting.operation
    return contents(op, setting.format, Levels(f"{name}/{op.name}"), shape, next(iter(patterns_of(op)), None))


def _takes_batches(setting: Setting, ask: Ask) -> bool:
    """Whether losses of a plain batch of two axes are right: who is asked for rows alone may take no other."""
    if setting.operation.kind == "activation" or setting.operation.whole:
        return False
    # No two sizes are alike, nor 1, which would stand for all.
    inputs = {n: array.reshape(3, 4, *array.shape[1:]) for n, array in _drawn(setting, "batches", (12, 5)).items()}
    cases = [Case("batches", inputs, {"reduction": each}) for each in REDUCTIONS]
    known = [case for case in cases if setting.offers(case) and not setting.one_by_one(case)][:1]
    judged = judged_of(ask, [value_trial(setting, case) for case in known])
    return any(judgement.verdict == Verdict.CONFORMS for _, judgement, _ in judged)


def _takes_many_samples(setting: Setting, ask: Ask) -> bool:
    """Whether what computes a metric of pairs of samples takes neither memory nor time for each of them."""
    op, count = setting.operation, COUNTS[1]
    if op.domains != OF_PAIRS or "sample_weight" not in op.parameters:
        return False
    few = _drawn(setting, "large", (DISTINCT, 2))
    call = setting.call(Case("many-samples", batch_of(few, np.arange(count) % DISTINCT)))
    tracemalloc.start()
    started = time.perf_counter()
    try:
        ask([call])
        return tracemalloc.get_traced_memory()[1] < count**2 / 4 and time.perf_counter() - started < PATIENCE
    finally:
        tracemalloc.stop()
