"""Implementations that lose an invariance must be seen to lose it, and those that keep it to keep it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gaugeblock.adapters.base import Implementation, Mode
from gaugeblock.conformance.checks.table import CHECKS
from gaugeblock.conformance.execution.call import Answer, Call, NoAnswer
from gaugeblock.conformance.trials.setting import Context, Setting
from planted import Array, log_softmax, missing_class, observe, of_neighbour, softmax, sparse, wide

SPARSE = "sparse_categorical_cross_entropy_with_logits"
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
    ("class-permutation", "log_softmax", log_softmax, {}, "conforms"),
    ("class-permutation", "log_softmax", missing_class, {}, "deviates"),
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
    found = observe(check, operation, function, **options)
    worst = "deviates" if any(each["verdict"] == "deviates" for each in found.values()) else "conforms"
    assert worst == verdict
    assert all(each["verdict"] in ("conforms", "deviates") for each in found.values())


def test_the_place_in_the_batch_is_told() -> None:
    found = observe("batch-invariance", "softmax", larger_batches)
    assert re.fullmatch(r"at place \d+ of a batch of (64|65|100|257)", found["rows-of-129"]["message"])


def test_a_device_is_compared_with_the_cpu() -> None:
    (check,) = (each for each in CHECKS if each.name == "device-is-cpu")
    planted = Implementation("torch", "softmax", "planted", "planted(x, axis)")
    off = 2.0**-10

    def ask(calls: Sequence[Call]) -> list[Answer]:
        answers = [softmax(call.arrays[0], call.parameters["axis"]) for call in calls]
        return [
            a * np.float32(1 + off) if call.device == "cuda:0" else a for a, call in zip(answers, calls, strict=True)
        ]

    setting = Setting(planted, "float32", "cuda:0", Mode("eager"))
    assert check.applies(setting)
    assert not check.applies(replace(setting, device="cpu"))
    with np.errstate(all="ignore"):
        found = {o["key"].rpartition("/")[2]: o["verdict"] for o in check.observe(Context(setting, ask))}
    assert found["ordinary-10"] == "deviates"
    off = 0.0
    with np.errstate(all="ignore"):
        assert {o["verdict"] for o in check.observe(Context(setting, ask))} == {"conforms"}


def test_a_refused_batch_is_no_deviation() -> None:
    (check,) = (each for each in CHECKS if each.name == "batch-invariance")
    planted = Implementation("torch", "softmax", "planted", "planted(x, axis)")
    context = Context(
        Setting(planted, "float32", "cpu", Mode("eager")), lambda calls: [NoAnswer("unsupported", "no")] * len(calls)
    )
    assert {observation["verdict"] for observation in check.observe(context)} == {"unsupported"}
