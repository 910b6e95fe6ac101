"""Implementations that lose an invariance must be seen to lose it, and those that keep it to keep it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gaugeblock.adapters.base import Implementation, Mode
from gaugeblock.conformance.execution.call import Answer, Call, NoAnswer
from gaugeblock.conformance.trials import engine
from gaugeblock.conformance.trials.setting import Setting
from gaugeblock.reports.verdicts import Verdict

from tests import planted
from tests.planted import SPARSE, Array, by_case, check_named, observe, of_neighbour, softmax, sparse, verdicts, wide

WEIGHED = "planted(labels, logits, sample_weight)"


def blocks_of_16(x: Array, axis: int) -> Array:
    """Softmax whose rows from the seventeenth on are summed from the other end."""
    back = softmax(x[..., ::-1], axis)[..., ::-1]
    return np.where((np.arange(len(x)) < 16)[:, None], softmax(x, axis), back) if x.ndim == 2 else softmax(x, axis)


def larger_batches(x: Array, axis: int) -> Array:
    """Softmax that is computed in another precision from 64 rows on."""
    return softmax(x, axis) if len(x) < 64 else wide(lambda a: softmax(a, axis))(x)


def with_epsilon(x: Array, axis: int = -1) -> Array:
    e = np.exp(x - x.max(axis=axis, keepdims=True))
    return e / (e.sum(axis=axis, keepdims=True) + 1e-5 * x.shape[axis])


def mean(labels: Array, logits: Array) -> Any:
    return wide(sparse)(labels, logits).mean()


def reduced(labels: Array, logits: Array, reduction: str) -> Any:
    losses = sparse(labels, logits)
    return {"none": losses, "mean": losses.mean(), "sum": losses.sum()}[reduction]


def short_mean(labels: Array, logits: Array, reduction: str) -> Any:
    losses = sparse(labels, logits)
    return {"none": losses, "mean": losses.sum() / (len(losses) + 1), "sum": losses.sum()}[reduction]


def weighted(labels: Array, logits: Array, weight: Array | None) -> Any:
    return np.average(sparse(labels, logits), weights=weight)


def weighted_but_one(labels: Array, logits: Array, weight: Array | None) -> Any:
    losses = sparse(labels, logits)
    return losses.mean() if weight is None else (losses * weight).sum() / (weight.sum() - 1)


CASES: tuple[tuple[str, str, Callable[..., Any], dict[str, Any], str], ...] = (
    ("batch-invariance", "softmax", softmax, {}, "conforms"),
    ("batch-invariance", "softmax", blocks_of_16, {}, "deviates"),
    ("batch-invariance", "softmax", larger_batches, {}, "deviates"),
    ("batch-invariance", "softmax", of_neighbour, {}, "deviates"),
    ("row-permutation", "softmax", softmax, {}, "conforms"),
    ("row-permutation", "softmax", blocks_of_16, {}, "deviates"),
    ("order-of-the-samples", SPARSE, mean, {"reduction": "mean"}, "conforms"),
    ("order-of-the-samples", SPARSE, lambda y, z: mean(y[:-1], z[:-1]), {"reduction": "mean"}, "deviates"),
    ("reduction-of-the-losses", SPARSE, reduced, {"call": "planted(labels, logits, reduction)"}, "conforms"),
    ("reduction-of-the-losses", SPARSE, short_mean, {"call": "planted(labels, logits, reduction)"}, "deviates"),
    ("class-permutation", "log_softmax", planted.log_softmax, {}, "conforms"),
    ("class-permutation", "log_softmax", planted.missing_class, {}, "deviates"),
    ("class-permutation", SPARSE, sparse, {"reduction": "none"}, "conforms"),
    ("padding-with-minus-inf", "softmax", softmax, {}, "conforms"),
    ("padding-with-minus-inf", "softmax", with_epsilon, {}, "deviates"),
    ("padding-with-minus-inf", "softmax", lambda x, axis: np.maximum(softmax(x, axis), 1e-30), {}, "deviates"),
    ("padding-with-minus-inf", SPARSE, sparse, {"reduction": "none"}, "conforms"),
    ("weights-of-one", SPARSE, weighted, {"call": WEIGHED, "reduction": "mean"}, "conforms"),
    ("weights-of-one", SPARSE, weighted_but_one, {"call": WEIGHED, "reduction": "mean"}, "deviates"),
)


@pytest.mark.parametrize(("check", "operation", "function", "options", "verdict"), CASES)
def test_an_invariance_is_kept_or_lost(
    check: str, operation: str, function: Callable[..., Any], options: dict[str, Any], verdict: str
) -> None:
    found = set(verdicts(observe(check, operation, function, **options)).values())
    assert found <= {"conforms", "deviates"}
    assert ("deviates" in found) == (verdict == "deviates")


def test_the_place_in_the_batch_is_named() -> None:
    found = observe("batch-invariance", "softmax", larger_batches)
    assert re.fullmatch(r"at place \d+ of a batch of (64|65|100|257)", found["rows-of-129"].message)


SETTING = Setting(Implementation("torch", "softmax", "planted", "planted(x, axis)"), "float32", "cpu", Mode("eager"))


@pytest.mark.parametrize(("off", "verdict"), [(2.0**-10, "deviates"), (0.0, "conforms")])
def test_a_device_is_compared_with_the_cpu(off: float, verdict: str) -> None:
    def ask(calls: Sequence[Call]) -> list[Answer]:
        factors = [np.float32(1 + off * (call.device == "cuda:0")) for call in calls]
        with np.errstate(all="ignore"):
            answers = [softmax(call.arrays[0], call.parameters["axis"]) for call in calls]
            return [answer * factor for answer, factor in zip(answers, factors, strict=True)]

    check, setting = check_named("device-is-cpu"), replace(SETTING, device="cuda:0")
    assert check.applies(setting)
    assert not check.applies(SETTING)
    found = verdicts(by_case(engine.observe(check, setting, ask)))
    assert found["ordinary-10"] == verdict
    assert off or set(found.values()) == {"conforms"}


def test_a_refused_batch_is_no_deviation() -> None:
    refusing = lambda calls: [NoAnswer(Verdict.UNSUPPORTED, "no")] * len(calls)  # noqa: E731
    found = engine.observe(check_named("batch-invariance"), SETTING, refusing)
    assert set(verdicts(by_case(found)).values()) == {"unsupported"}
