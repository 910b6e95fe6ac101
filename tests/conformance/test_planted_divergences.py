"""Divergences and focal losses computed wrongly must be seen; computed rightly they must pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special
from planted import Array, bce, bce_logits, observe, sigmoid, verdicts, wide, wide_gradient

KL, LOGS = "kl_divergence", "kl_divergence_of_logs"
FOCAL, FOCAL_LOGITS = "binary_focal_cross_entropy", "binary_focal_cross_entropy_with_logits"
NONE = {"reduction": "none"}


def kl(p: Array, q: Array) -> Array:
    return np.asarray(scipy.special.rel_entr(p, q).sum(axis=1))


def kl_of_logs(p: Array, q: Array) -> Array:
    return np.asarray(np.where(np.isneginf(p), 0, np.exp(p) * (p - q)).sum(axis=1))


def wrongness(t: Array, p: Array) -> Array:
    return np.asarray(t * (1 - p) + (1 - t) * p)


def focal(t: Array, p: Array) -> Array:
    return np.asarray(wrongness(t, p) ** 2 * bce(t, p))


def focal_logits(t: Array, z: Array, power: float = 2.0) -> Array:
    return np.asarray((t * sigmoid(-z) + (1 - t) * sigmoid(z)) ** power * bce_logits(t, z))


def focal_logits_gradient(t: Array, z: Array, cotangent: Array) -> Array:
    p, q = sigmoid(z), sigmoid(-z)
    wrong = t * q + (1 - t) * p
    slope = 2 * wrong * (1 - 2 * t) * p * q * bce_logits(t, z) + wrong**2 * ((1 - t) * p - t * q)
    return np.asarray(cotangent * slope)


RIGHT: dict[str, tuple[str, Callable[..., Any], dict[str, Any]]] = {
    KL: ("value", wide(kl), {}),
    LOGS: ("value", wide(kl_of_logs), {}),
    FOCAL: ("value", wide(focal), {}),
    FOCAL_LOGITS: ("value", wide(focal_logits), {}),
    "brier_score": ("value", lambda t, p: (p - t) ** 2, {}),
    "generalised_cross_entropy": (
        "value",
        wide(lambda y, p: -np.expm1(0.5 * np.log(np.take_along_axis(p, y[:, None], 1)[:, 0])) / 0.5),
        {},
    ),
}


@pytest.mark.parametrize("operation", RIGHT)
def test_right_ones_pass(operation: str) -> None:
    check, function, options = RIGHT[operation]
    assert set(verdicts(observe(check, operation, function, **NONE, **options)).values()) == {"conforms"}


def test_right_gradient_passes() -> None:
    found = observe("gradient", FOCAL_LOGITS, focal_logits, gradient=wide_gradient(focal_logits_gradient), **NONE)
    assert set(verdicts(found).values()) == {"conforms"}


FAULTS: dict[str, tuple[str, str, Callable[..., Any], str, str, dict[str, Any]]] = {
    "arguments-swapped": ("value", KL, wide(lambda p, q: kl(q, p)), "ordinary-3-soft", "certain-wrong-3", {}),
    "zero-log-zero": ("value", KL, lambda p, q: (p * np.log(p / q)).sum(axis=1), "ordinary-3", "", {}),
    "mean-over-elements": ("value", KL, wide(lambda p, q: kl(p, q).mean() / 3), "mean-ordinary-3", "", {}),
    "zero-times-minus-inf": (
        "value",
        LOGS,
        wide(lambda p, q: (np.exp(p) * (p - q)).sum(axis=1)),
        "ordinary-3-zeros",
        "ordinary-3 wide-10",
        {},
    ),
    "gamma-of-1": ("value", FOCAL_LOGITS, wide(lambda t, z: focal_logits(t, z, 1.0)), "ordinary-one", "inf-wrong", {}),
    "one-minus-p-cancels": (
        "value",
        FOCAL,
        lambda t, p: (1 - t * p - (1 - t) * (1 - p)) ** 2 * bce(t, p),
        "small-right",
        "small-wrong",
        {},
    ),
    "focus-not-differentiated": (
        "gradient",
        FOCAL_LOGITS,
        focal_logits,
        "ordinary-one positive-soft",
        "",
        {"gradient": wide_gradient(lambda t, z, c: c * sigmoid(-z) ** 2 * (sigmoid(z) - t))},
    ),
    "halved": ("value", "brier_score", lambda t, p: (p - t) ** 2 / 2, "ordinary-right soft", "certain-right", {}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_wrong_ones_are_caught(fault: str) -> None:
    check, operation, function, caught, spared, options = FAULTS[fault]
    reduction = {"reduction": "mean"} if fault == "mean-over-elements" else NONE
    found = verdicts(observe(check, operation, function, **reduction, **options))
    assert {name: found[name] for name in caught.split()} == dict.fromkeys(caught.split(), "deviates")
    assert {name: found[name] for name in spared.split()} == dict.fromkeys(spared.split(), "conforms")


def test_weights_are_not_asked_of_single_means() -> None:
    """A loss that only comes as a mean over weights is asked sample by sample without them."""

    def mean(sample_weight: Array | None, t: Array, p: Array) -> Array:
        return np.asarray(np.average((p - t) ** 2, weights=sample_weight)).astype(p.dtype)

    found = observe("value", "brier_score", mean, call="planted(sample_weight, y_true, y_pred)", reduction="mean")
    assert set(verdicts(found).values()) == {"conforms"}
    assert "weighted-mean-ordinary-right" in found
    assert "weighted-ordinary-right" not in found
