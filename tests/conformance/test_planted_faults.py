"""Wrong implementations, planted, must be seen by the real checks; right ones must pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from planted import (
    BCE,
    BCE_LOGITS,
    CCE,
    CCE_LOGITS,
    COMPILED,
    SPARSE,
    Array,
    RefusalError,
    bce,
    bce_logits,
    bfloat16_sum,
    cce,
    cce_logits,
    clipped,
    f1_of_means,
    flushed,
    log_softmax,
    log_softmax_gradient,
    missing_class,
    noisy_at_one_input,
    observe,
    of_neighbour,
    sigmoid,
    sigmoid_gradient,
    softmax,
    softmax_gradient,
    softplus,
    sparse,
    swallowed,
    top_k,
    unshifted,
    verdicts,
    wide,
    wide_gradient,
)


@dataclass(frozen=True)
class Planted:
    """An implementation, the check it goes through, and the cases that must deviate: none if it is right."""

    id: str
    check: str
    operation: str
    function: Callable[..., Any]
    caught_by: tuple[str, ...] = ()
    spared: tuple[str, ...] = ()
    """Cases that the fault does not reach, which must conform."""
    options: dict[str, Any] = field(default_factory=dict)


def right(name: str, check: str, operation: str, function: Callable[..., Any], **options: Any) -> Planted:
    return Planted(name, check, operation, function, options=options)


RIGHT = (
    right("sigmoid", "value", "sigmoid", wide(sigmoid)),
    right("sigmoid-bfloat16", "value", "sigmoid", wide(sigmoid), dtype="bfloat16"),
    right("sigmoid-float16", "value", "sigmoid", wide(sigmoid), dtype="float16"),
    right("sigmoid-float64", "value", "sigmoid", sigmoid, dtype="float64"),
    right("softplus", "value", "softplus", wide(softplus)),
    right("softmax", "value", "softmax", wide(softmax)),
    right("softmax-in-float32", "value", "softmax", softmax),
    right("log-softmax", "value", "log_softmax", wide(log_softmax)),
    right("bce-logits", "value", "binary_cross_entropy_with_logits", wide(bce_logits), reduction="none"),
    right("bce", "value", "binary_cross_entropy", wide(bce), reduction="none"),
    right("bce-mean", "value", "binary_cross_entropy", wide(lambda t, p: bce(t, p).mean()), reduction="mean"),
    right("bce-sum", "value", "binary_cross_entropy", wide(lambda t, p: bce(t, p).sum()), reduction="sum"),
    right("cce", "value", "categorical_cross_entropy", wide(cce), reduction="none"),
    right(
        "cce-mean",
        "value",
        "categorical_cross_entropy",
        wide(lambda t, p: cce(t, p).mean()),
        reduction="mean",
    ),
    right("cce-logits", "value", "categorical_cross_entropy_with_logits", wide(cce_logits), reduction="none"),
    right("sparse", "value", "sparse_categorical_cross_entropy_with_logits", wide(sparse), reduction="none"),
    right("top-k", "value", "top_k_accuracy", top_k, call="planted(labels, y_score, k)", reduction="mean"),
    right("row-alone", "row-alone", "softmax", wide(softmax)),
    right("shift", "shift-invariance", "softmax", wide(softmax)),
    right("two-logits", "two-logits-are-sigmoid", "softmax", wide(softmax)),
    right("sigmoid-gradient", "gradient", "sigmoid", sigmoid, gradient=wide_gradient(sigmoid_gradient)),
    right("softmax-gradient", "gradient", "softmax", softmax, gradient=wide_gradient(softmax_gradient)),
    right(
        "log-softmax-gradient",
        "gradient",
        "log_softmax",
        log_softmax,
        gradient=wide_gradient(log_softmax_gradient),
    ),
    right(
        "sparse-one-hot",
        "sparse-is-one-hot",
        "sparse_categorical_cross_entropy_with_logits",
        wide(sparse),
        reduction="none",
    ),
    right(
        "compiled",
        "compiled-is-eager",
        "sigmoid",
        wide(sigmoid),
        mode=COMPILED,
        framework="jax",
        compiled=lambda x: np.nextafter(wide(sigmoid)(x), np.float32(0)),
    ),
)


@pytest.mark.parametrize("planted", RIGHT, ids=lambda each: each.id)
def test_right_implementations_conform(planted: Planted) -> None:
    found = observe(planted.check, planted.operation, planted.function, **planted.options)
    assert set(verdicts(found).values()) == {"conforms"}, {
        case: seen for case, seen in found.items() if seen["verdict"] != "conforms"
    }


def fault(
    name: str,
    check: str,
    operation: str,
    function: Callable[..., Any],
    caught_by: str,
    spared: str = "",
    **options: Any,
) -> Planted:
    return Planted(name, check, operation, function, tuple(caught_by.split()), tuple(spared.split()), options)


FAULTS = (
    fault(
        "textbook-sigmoid-overflows",
        "value",
        "sigmoid",
        lambda x: 1 / (1 + np.exp(-x)),
        "subnormal-results",
        "ordinary positive saturated-positive",
    ),
    fault(
        "softmax-unshifted",
        "value",
        "softmax",
        unshifted,
        "large-offset-10 negative-offset-10 extreme-3",
        "ordinary-10 axis-first-10",
    ),
    fault(
        "softmax-always-over-the-first-axis",
        "value",
        "softmax",
        lambda x, axis: softmax(x, 0 * axis),
        "ordinary-10 axis-middle-10",
        "axis-first-10",
    ),
    fault(
        "softmax-ignores-the-axis",
        "value",
        "softmax",
        lambda x, axis: softmax(x, -(abs(axis) ** 0)),
        "axis-first-10 axis-middle-10",
        "ordinary-10",
    ),
    fault(
        "log-softmax-misses-a-class",
        "value",
        "log_softmax",
        missing_class,
        "ordinary-3 equal-10",
        "ordinary-1",
    ),
    fault(
        "mean-divided-by-n-plus-1",
        "value",
        BCE,
        wide(lambda t, p: bce(t, p).sum() / (len(t) + 1)),
        "mean-ordinary-right mean-ordinary-wrong mean-soft",
        reduction="mean",
    ),
    fault(
        "sum-instead-of-mean",
        "value",
        BCE_LOGITS,
        wide(lambda t, z: bce_logits(t, z).sum()),
        "mean-*",
        reduction="mean",
    ),
    fault(
        "mean-over-classes-too",
        "value",
        CCE,
        wide(lambda t, p: cce(t, p).mean() / t.shape[1]),
        "mean-*",
        reduction="mean",
    ),
    fault(
        "logarithm-to-base-2",
        "value",
        CCE,
        wide(lambda t, p: cce(t, p) / np.log(2)),
        "ordinary-3 equal-10",
        "certain-right-3",
        reduction="none",
    ),
    fault(
        "clip-at-1e-6",
        "value",
        BCE,
        clipped(1e-6),
        "certain-wrong",
        "ordinary-right half",
        reduction="none",
        clip=1e-7,
    ),
    fault(
        "no-clip",
        "value",
        BCE,
        wide(bce),
        "certain-wrong",
        "ordinary-right half",
        reduction="none",
        clip=1e-7,
    ),
    fault(
        "label-off-by-one",
        "value",
        SPARSE,
        wide(lambda y, z: sparse((y + 1) % z.shape[1], z)),
        "ordinary-10 confident-10",
        "ordinary-1 equal-10",
        reduction="none",
    ),
    fault(
        "labels-from-the-end",
        "value",
        SPARSE,
        wide(lambda y, z: sparse(-1 - y, z)),
        "ordinary-10",
        reduction="none",
    ),
    fault(
        "soft-targets-made-hard",
        "value",
        BCE_LOGITS,
        wide(lambda t, z: bce_logits(np.round(t), z)),
        "ordinary-soft positive-soft",
        "ordinary-one negative-zero",
        reduction="none",
    ),
    fault(
        "top-k-plus-1",
        "value",
        "top_k_accuracy",
        lambda y, s, k: top_k(y, s, k + 1),
        "mean-top-1-of-* mean-top-2-of-*",
        "mean-top-10-of-10",
        call="planted(labels, y_score, k)",
        reduction="mean",
    ),
    fault(
        "accuracy-counts-the-wrong",
        "value",
        "accuracy",
        lambda t, p: (t != p).mean(),
        "mean-ordinary mean-all-right mean-all-wrong",
        dtype="int64",
        reduction="mean",
    ),
    fault(
        "accuracy-in-float16-steps",
        "value",
        "accuracy",
        lambda t, p: (t == p).mean(dtype=np.float16).astype(float),
        "mean-ordinary",
        "mean-all-right",
        dtype="int64",
        reduction="mean",
    ),
    fault(
        "weighted-mean-over-samples",
        "value",
        "accuracy",
        lambda t, p, w: np.mean((t == p) * (1 if w is None else w)),
        "weighted-mean-ordinary",
        "mean-ordinary",
        dtype="int64",
        call="planted(y_true, y_pred, sample_weight)",
        reduction="mean",
    ),
    fault(
        "one-minus-accuracy-in-float32",
        "value",
        "zero_one_loss",
        lambda t, p: np.float32(1) - np.mean(t == p, dtype=np.float32),
        "mean-few-wrong",
        "mean-all-right mean-all-wrong",
        dtype="int64",
        reduction="mean",
    ),
    fault(
        "hamming-counts-rows",
        "value",
        "hamming_loss",
        lambda t, s: ((s > 0.5) != (t == 1)).any(axis=1).mean(),
        "mean-ordinary-3 mean-ordinary-10",
        "mean-ordinary-1",
        reduction="mean",
    ),
    fault(
        "one-label-right-is-enough",
        "value",
        "subset_accuracy",
        lambda t, s: ((s > 0.5) == (t == 1)).any(axis=1).mean(),
        "mean-ordinary-3 mean-ordinary-10",
        "mean-ordinary-1",
        reduction="mean",
    ),
    fault(
        "balanced-accuracy-is-accuracy",
        "value",
        "balanced_accuracy",
        lambda t, p: (t == p).mean(),
        "ordinary imbalanced",
        "one-of-each all-right",
        dtype="int64",
    ),
    fault(
        "balanced-accuracy-over-predicted-classes",
        "value",
        "balanced_accuracy",
        lambda t, p: np.mean([(p[t == c] == c).mean() for c in np.unique(p)]),
        "never-predicted",
        "ordinary imbalanced",
        dtype="int64",
    ),
    fault(
        "balanced-accuracy-ignores-weights",
        "value",
        "balanced_accuracy",
        lambda t, p, _: np.mean([(p[t == c] == c).mean() for c in np.unique(t)]),
        "weighted-ordinary",
        "ordinary",
        dtype="int64",
        call="planted(y_true, y_pred, sample_weight)",
    ),
    fault(
        "precision-is-recall",
        "value",
        "precision",
        lambda t, p: p[t == 1].mean(),
        "ordinary rare",
        "few-wrong all-right all-wrong",
        dtype="int64",
    ),
    fault(
        "f1-is-the-arithmetic-mean",
        "value",
        "f1_score",
        lambda t, p: (p[t == 1].mean() + t[p == 1].mean()) / 2 if p.any() else 0.0,
        "ordinary rare",
        "never-predicted all-right",
        dtype="int64",
    ),
    fault(
        "f1-of-macro-precision-and-macro-recall",
        "value",
        "macro_f1_score",
        f1_of_means,
        "imbalanced",
        "all-right one-of-each",
        dtype="int64",
    ),
    fault(
        "ties-are-lost",
        "value",
        "roc_auc",
        lambda t, s: (s[t == 1][:, None] > s[t == 0]).mean(),
        "tied equal",
        "ordinary separated",
    ),
    fault(
        "one-is-a-bin-of-its-own",
        "value",
        "expected_calibration_error",
        lambda t, s: np.abs(np.bincount((s.astype(float) * 15).astype(int), t - s.astype(float))).sum() / len(t),
        "certain",
        "ordinary close-together",
    ),
    fault(
        "noise-at-one-input",
        "value",
        "sigmoid",
        noisy_at_one_input,
        "ordinary",
        "near-zero positive negative nan",
    ),
    fault("nan-swallowed", "value", "sigmoid", swallowed(wide(sigmoid)), "nan", "ordinary plus-inf"),
    fault(
        "all-minus-inf-gives-zero",
        "value",
        "softmax",
        swallowed(wide(softmax)),
        "all-minus-inf-3 nan-3",
        "ordinary-10",
    ),
    fault(
        "minus-inf-is-not-zero",
        "value",
        "softmax",
        lambda x, axis: softmax(np.maximum(x, np.float32(-10)), axis),
        "minus-inf-3 wide-10 all-minus-inf-3",
    ),
    fault(
        "shape-kept",
        "value",
        "logsumexp",
        lambda x, axis: np.log(np.exp(x).sum(axis=axis, keepdims=True)),
        "ordinary-1 ordinary-10 axis-first-10",
    ),
    fault(
        "a-row-too-many",
        "value",
        SPARSE,
        lambda y, z: np.append(wide(sparse)(y, z), z[0, 0]),
        "ordinary-10",
        reduction="none",
    ),
    fault(
        "a-row-too-few",
        "value",
        SPARSE,
        lambda y, z: wide(sparse)(y, z)[:-1],
        "ordinary-10",
        reduction="none",
    ),
    fault(
        "scalar-for-a-row",
        "value",
        SPARSE,
        wide(lambda y, z: sparse(y, z).mean()),
        "ordinary-10",
        reduction="none",
    ),
    fault(
        "float64-computed-in-float32",
        "value",
        "sigmoid",
        lambda x: sigmoid(x.astype(np.float32)).astype(np.float64),
        "ordinary dense-negative",
        "plus-inf",
        dtype="float64",
    ),
    fault(
        "softplus-linear-above-20-in-float64",
        "value",
        "softplus",
        lambda x: np.where(x > 20, x, softplus(x)),
        "thresholds positive",
        "ordinary negative",
        dtype="float64",
    ),
    fault(
        "subnormals-flushed",
        "value",
        "sigmoid",
        flushed(wide(sigmoid)),
        "subnormal-results",
        "ordinary underflow",
    ),
    fault("mirrored", "value", "sigmoid", wide(lambda x: sigmoid(-x)), "ordinary plus-inf minus-inf", "zero"),
    fault(
        "log-of-sigmoid",
        "value",
        "log_sigmoid",
        lambda x: np.log(sigmoid(x)),
        "saturated-positive underflow",
        "minus-inf zero",
    ),
    fault(
        "sum-kept-in-bfloat16",
        "value",
        "softmax",
        bfloat16_sum,
        "ordinary-1000",
        "ordinary-3",
        dtype="bfloat16",
    ),
    fault(
        "twelve-ulp-too-large",
        "value",
        "sigmoid",
        lambda x: wide(sigmoid)(x) * np.float32(1 + 12 * 2.0**-23),
        "ordinary negative",
        "minus-inf nan",
    ),
    fault(
        "upstream-gradient-dropped",
        "gradient",
        "sigmoid",
        sigmoid,
        "ordinary near-zero",
        gradient=wide_gradient(lambda x, c: sigmoid_gradient(x, np.ones_like(c))),
    ),
    fault(
        "upstream-gradient-signless",
        "gradient",
        "softmax",
        softmax,
        "ordinary-10",
        gradient=wide_gradient(lambda x, c, axis: softmax_gradient(x, np.abs(c), axis)),
    ),
    fault(
        "log-softmax-gradient-transposed",
        "gradient",
        "log_softmax",
        log_softmax,
        "ordinary-10 axis-first-10",
        gradient=wide_gradient(lambda x, c, axis: c - (softmax(x, axis) * c).sum(axis=axis, keepdims=True)),
    ),
    fault(
        "gradient-saturates",
        "gradient",
        "sigmoid",
        sigmoid,
        "saturated-positive",
        "near-zero saturated-negative",
        gradient=lambda x, c: c * sigmoid(x) * (1 - sigmoid(x)),
    ),
    fault(
        "gradient-of-the-sum-for-the-mean",
        "gradient",
        BCE_LOGITS,
        bce_logits,
        "mean-*",
        reduction="mean",
        gradient=wide_gradient(lambda t, z, c: c * (sigmoid(z) - t)),
    ),
    fault("gradient-zero", "gradient", "softplus", softplus, "ordinary", gradient=lambda x, c: 0 * x * c),
    fault("row-depends-on-its-neighbours", "row-alone", "softmax", of_neighbour, "confident-10"),
    fault(
        "last-bit-depends-on-the-batch",
        "row-alone",
        "sigmoid",
        lambda x: wide(sigmoid)(x) if len(x) > 1 else np.nextafter(wide(sigmoid)(x), np.float32(1)),
        "ordinary",
    ),
    fault("overflow-when-shifted", "shift-invariance", "softmax", unshifted, "shift-by-16", dtype="float16"),
    fault(
        "temperature-of-2",
        "two-logits-are-sigmoid",
        "softmax",
        wide(lambda x, axis: softmax(x / 2, axis)),
        "ordinary positive negative",
    ),
    fault(
        "sparse-is-not-one-hot",
        "sparse-is-one-hot",
        SPARSE,
        wide(lambda y, z: sparse(y * 0, z)),
        "ordinary-10",
        reduction="none",
    ),
    fault(
        "log-of-another-softmax",
        "log-softmax-is-log-of-softmax",
        "log_softmax",
        wide(lambda x, axis: log_softmax(x * 1.001, axis)),
        "ordinary-10",
    ),
    fault(
        "logits-loss-of-another-sign",
        "loss-of-logits-is-loss-of-activation",
        CCE_LOGITS,
        wide(lambda t, z: cce_logits(t, -z)),
        "ordinary-3 ordinary-10",
        reduction="none",
    ),
    fault(
        "compiled-differs",
        "compiled-is-eager",
        "sigmoid",
        wide(sigmoid),
        "ordinary",
        "minus-inf",
        mode=COMPILED,
        framework="jax",
        compiled=lambda x: 0.5 + 0.5 * np.tanh(x / 2) + np.float32(2e-6) * (x > -50),
    ),
    fault(
        "zero-times-minus-inf",
        "minus-inf-logit-without-target",
        CCE_LOGITS,
        lambda t, z: -(t * log_softmax(z)).sum(axis=1),
        "*",
        reduction="none",
    ),
)


@pytest.mark.parametrize("planted", FAULTS, ids=lambda each: each.id)
def test_faults_deviate(planted: Planted) -> None:
    seen = verdicts(observe(planted.check, planted.operation, planted.function, **planted.options))
    for pattern in planted.caught_by:
        matching = {case: verdict for case, verdict in seen.items() if fnmatchcase(case, pattern)}
        assert matching, f"there is no case {pattern}"
        assert "deviates" in matching.values(), matching
        if "*" not in pattern:
            assert set(matching.values()) == {"deviates"}
    for case in planted.spared:
        assert seen[case] == "conforms", (case, seen[case])


def test_the_smallest_fault_is_counted_in_ulp() -> None:
    found = observe("value", "sigmoid", noisy_at_one_input)
    beyond = [seen for seen in found.values() if seen["verdict"] == "deviates"]
    assert beyond[0]["witness"]["at"] == [7]
    for seen in beyond:
        assert abs(seen["error"] - 100) < 1
        assert seen["accuracy"] == "beyond"
        assert float.fromhex(seen["witness"]["got"]) > float.fromhex(seen["witness"]["nearest"])


def test_classes_of_accuracy() -> None:
    best = observe("value", "sigmoid", wide(sigmoid))["ordinary"]
    assert best["accuracy"] == "correctly rounded"
    assert best["error"] <= 0.5

    def truncated(x: Array) -> Array:
        exact = sigmoid(x.astype(np.float64))
        bits = exact.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
        return bits.view(np.float32).astype(ml_dtypes.bfloat16)

    faithful = observe("value", "sigmoid", truncated, dtype="bfloat16")["ordinary"]
    assert (faithful["verdict"], faithful["accuracy"]) == ("conforms", "faithful")
    assert 0.5 < faithful["error"] < 1
    off = observe(
        "value",
        "sigmoid",
        lambda x: np.nextafter(np.nextafter(wide(sigmoid)(x), np.float32(2)), np.float32(2)),
    )
    assert (off["ordinary"]["verdict"], off["ordinary"]["accuracy"]) == ("conforms", "within bound")
    assert 1.5 <= off["ordinary"]["error"] <= 2.5


# What is no deviation


def test_a_refusal_is_unsupported_and_costs_only_the_refused_case() -> None:
    def refuses_infinities(x: Array) -> Array:
        if np.isinf(x).any():
            raise RefusalError("infinite input")
        return wide(sigmoid)(x)

    found = observe("value", "sigmoid", refuses_infinities)
    assert {case for case, verdict in verdicts(found).items() if verdict == "unsupported"} == {
        "plus-inf",
        "minus-inf",
    }
    assert set(verdicts(found).values()) == {"unsupported", "conforms"}
    assert found["plus-inf"]["message"] == "infinite input"


def test_losses_offered_as_a_mean_alone_are_asked_one_by_one() -> None:
    found = observe(
        "value",
        BCE,
        wide(lambda t, p: bce(t, p).mean()),
        reduction=("mean", "sum"),
        call="planted(y_true, y_pred) * (1 if reduction == 'mean' else len(y_true))",
    )
    assert {"ordinary-right", "mean-ordinary-right", "sum-ordinary-right"} <= found.keys()
    assert set(verdicts(found).values()) == {"conforms"}
