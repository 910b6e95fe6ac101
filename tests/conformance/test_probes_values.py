"""Probes of values and slopes tell planted behaviours apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import planted
import pytest
import scipy.special
from planted import (
    BCE,
    BCE_LOGITS,
    CCE,
    CCE_LOGITS,
    SPARSE,
    Array,
    RefusalError,
    bce,
    bce_logits,
    cce,
    cce_logits,
    clipped,
    observe,
    sigmoid,
    softmax,
    sparse,
    swallowed,
    unshifted,
    wide,
)

NONE, MEAN = {"reduction": "none"}, {"reduction": "mean"}

Row = tuple[str, str, Callable[..., Any], dict[str, Any], str]


def refuses(*arrays: Array, **parameters: Any) -> Array:
    raise RefusalError(f"{len(arrays)} arrays and {len(parameters)} parameters are too much")


def label(check: str, operation: str, function: Callable[..., Any], **options: Any) -> str | None:
    (found,) = observe(check, operation, function, **options).values()
    return found.get("label")


def over_rows(x: Array, mask: Array) -> Array:
    e = np.where(mask, np.exp(x), 0)
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def linear_above_twenty(x: Array) -> Array:
    return np.where(x > 20, x, np.logaddexp(0, x))


def low_clip(edge: float, *, normalise_first: bool, normalise_last: bool) -> Callable[..., Any]:
    def loss(t: Array, p: Array) -> Array:
        p = p / p.sum(axis=1, keepdims=True) if normalise_first else p
        p = np.clip(p, np.float32(edge), np.float32(1 - edge))
        p = p / p.sum(axis=1, keepdims=True) if normalise_last else p
        return cce(t, p)

    return wide(loss)


def weighted_mean(by_weights: bool) -> Callable[..., Any]:
    def loss(t: Array, p: Array, w: Array) -> Any:
        return (bce(t, p) * w).sum() / (w.sum() if by_weights else len(w))

    return loss


def smoothed(t: Array, z: Array, e: float, axis: int = -1, along: int = -1) -> Array:
    targets = t * (1 - e) + e / t.shape[along]
    log_p = z - np.log(np.exp(z).sum(axis=axis, keepdims=True))
    return np.asarray(-(targets * log_p).sum(axis=axis))


WEIGHTED = {"call": "planted(y_true, y_pred, sample_weight)", **MEAN}
SMOOTHED = {"call": "planted(y_true, logits, label_smoothing)", **NONE}
ALONG = {"call": "planted(y_true, logits, label_smoothing, axis)", **NONE}
MASKED = {"call": "planted(mask, x)"}
NEGATED = {"call": "planted(y_true, logits, pos_weight)", **NONE}


def default(axis: int | None) -> Callable[..., Any]:
    return lambda x, axis=axis: np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


def hinge_slope(at_kink: float) -> Callable[..., Any]:
    return lambda y, s, c: c * np.where(y * s < 1, -y, np.where(y * s == 1, at_kink, 0.0))


ACTIVATIONS: tuple[Row, ...] = (
    ("two-plus-inf-in-log-softmax", "log_softmax", planted.log_softmax, {}, "NaN everywhere"),
    ("row-of-minus-inf", "softmax", softmax, {}, "NaN"),
    ("row-of-minus-inf", "softmax", lambda x, _axis: np.zeros_like(x), {}, "zero everywhere"),
    ("row-of-minus-inf", "softmax", lambda x, _axis: np.full_like(x, 1 / 3), {}, "a third each"),
    ("row-of-minus-inf-in-logsumexp", "logsumexp", scipy.special.logsumexp, {}, "-inf"),
    ("nan-in-a-row-of-softmax", "softmax", softmax, {}, "over its row only"),
    ("nan-in-a-row-of-softmax", "softmax", lambda x, axis: softmax(x, axis) + 0 * x.sum(), {}, "over every row"),
    (
        "nan-in-a-row-of-softmax",
        "softmax",
        lambda x, axis: np.where(np.isnan(x), x, np.where(np.isnan(x).any(axis=axis, keepdims=True), 0, 1 / 3)),
        {},
        "NaN there, 0 beside it",
    ),
    ("hard-sigmoid-slope", "hard_sigmoid", lambda x: np.clip(x / 6 + 0.5, 0, 1), {}, "1/6, cut at -3 and 3"),
    ("hard-sigmoid-slope", "hard_sigmoid", lambda x: np.clip(x / 5 + 0.5, 0, 1), {}, "1/5, cut at -2.5 and 2.5"),
    ("softplus-above-twenty", "softplus", planted.softplus, {"dtype": "float64"}, "what the definition says"),
    ("softplus-above-twenty", "softplus", linear_above_twenty, {"dtype": "float64"}, "nothing: linear above 20"),
    ("softplus-threshold-is-of", "softplus", linear_above_twenty, {"dtype": "float64"}, "beta * x"),
    ("softplus-threshold-is-of", "softplus", planted.softplus, {"dtype": "float64"}, "x"),
    ("masked-entry-of-softmax", "masked_softmax", lambda m, x: over_rows(x, m), MASKED, "zero"),
    (
        "masked-entry-of-softmax",
        "masked_softmax",
        lambda m, x: np.where(m, over_rows(x, m), 1e-9),
        MASKED,
        "a small number",
    ),
    ("all-masked-row-of-softmax", "masked_softmax", lambda m, x: over_rows(x, m), MASKED, "NaN"),
    ("all-masked-row-of-softmax", "masked_softmax", lambda _m, x: softmax(x), MASKED, "as if nothing were masked"),
    ("sparsemax-is-a-projection", "sparsemax", softmax, {"call": "planted(x, axis)"}, "no"),
    ("default-axis-of-softmax", "softmax", default(-1), {"call": "planted(x, axis=axis)"}, "the last"),
    ("default-axis-of-softmax", "softmax", default(0), {"call": "planted(x, axis=axis)"}, "the first"),
    ("default-axis-of-softmax", "softmax", default(None), {"call": "planted(x, axis=axis)"}, "all of them"),
    ("default-axis-of-softmax", "softmax", refuses, {"call": "planted(x, axis=axis)"}, "refuses"),
    ("default-axis-of-softmax-rank-3", "softmax", default(1), {"call": "planted(x, axis=axis)"}, "the middle"),
    ("axis-of-no-entries", "softmax", unshifted, {}, "an empty array"),
    ("axis-of-no-entries", "softmax", softmax, {}, "refuses"),
    ("softmax-of-a-scalar", "softmax", lambda x, _axis: np.ones_like(x), {}, "yes: 1"),
    (
        "softmax-of-a-very-long-row",
        "softmax",
        softmax,
        {"dtype": "float16"},
        "in the format: it overflows, and all is 0",
    ),
    ("softmax-of-a-very-long-row", "softmax", wide(softmax), {"dtype": "float16"}, "in a wider format"),
    (
        "softmax-of-a-very-long-row",
        "softmax",
        lambda x, _axis: np.full_like(x, 1 / 256),
        {"dtype": "bfloat16"},
        "in the format: it stops at 256",
    ),
    ("python-number-as-input", "sigmoid", lambda _x: 1 / (1 + np.exp(-1.0)), {}, "an answer in binary64"),
    ("python-number-as-input", "sigmoid", sigmoid, {}, "an answer in binary32"),
    ("sign-of-zero-of-log-sigmoid", "log_sigmoid", lambda x: 0 * x, {}, "no: 0"),
    ("sign-of-zero-of-log-sigmoid", "log_sigmoid", lambda x: -np.exp(-x), {}, "yes: -0"),
    ("sign-of-zero-of-log-sigmoid", "log_sigmoid", lambda x: 0 * x - 1e-30, {}, "it is no 0"),
)

BINARY: tuple[Row, ...] = (
    ("certain-and-right", BCE, wide(bce), NONE, "yes"),
    ("certain-and-right", BCE, lambda t, p: -(t * np.log(p) + (1 - t) * np.log(1 - p)), NONE, "no, NaN"),
    ("probability-below-zero", BCE, refuses, NONE, "refuses"),
    ("probability-below-zero", BCE, clipped(1e-7), NONE, "clipped at 1e-7"),
    ("nan-probability", BCE, wide(bce), NONE, "NaN"),
    ("nan-probability", BCE, swallowed(wide(bce)), NONE, "silent: a number comes back"),
    ("target-of-minus-one", BCE, wide(bce), NONE, "the formula is evaluated: a negative loss"),
    ("target-of-minus-one", BCE, lambda t, p: wide(bce)((t + 1) / 2, p), NONE, "as labels of 0 and 1"),
    ("target-of-minus-one", BCE_LOGITS, refuses, NONE, "refuses"),
    ("infinite-logits-right", BCE_LOGITS, bce_logits, NONE, "zero"),
    ("infinite-logits-right", BCE_LOGITS, lambda t, z: planted.softplus(z) - t * z, NONE, "NaN"),
    ("infinite-logits-wrong", BCE_LOGITS, bce_logits, NONE, "infinite"),
    ("infinite-logits-with-soft-targets", BCE_LOGITS, bce_logits, NONE, "infinite"),
    ("large-logits-wrong", BCE_LOGITS, bce_logits, NONE, "yes"),
    (
        "large-logits-wrong",
        BCE_LOGITS,
        lambda t, z: clipped(1e-7)(t, sigmoid(z)),
        NONE,
        "no: as of a clipped probability",
    ),
    ("mean-of-weighted-samples", BCE, weighted_mean(True), WEIGHTED, "the sum of the weights"),
    ("mean-of-weighted-samples", BCE, weighted_mean(False), WEIGHTED, "the number of samples"),
    ("mean-of-weights-of-zero", BCE, weighted_mean(True), WEIGHTED, "NaN"),
    ("mean-of-weights-of-zero", BCE, weighted_mean(False), WEIGHTED, "zero"),
    ("mean-with-a-negative-weight", BCE, weighted_mean(True), WEIGHTED, "the sum divided by that of the weights"),
    ("unreduced-losses-of-a-matrix", BCE, bce, NONE, "one for each number"),
    (
        "unreduced-losses-of-a-matrix",
        BCE,
        lambda t, p: bce(t, p).mean(axis=-1),
        NONE,
        "one for each row, the mean over it",
    ),
    (
        "default-reduction-of-binary-losses",
        BCE,
        lambda t, p: bce(t, p).mean(),
        {"call": "planted(y_true, y_pred, reduction=reduction)"},
        "the mean",
    ),
    ("what-pos-weight-multiplies", BCE_LOGITS, lambda t, z, w: w * bce_logits(t, z), NEGATED, "every loss"),
    (
        "what-pos-weight-multiplies",
        BCE_LOGITS,
        lambda t, z, w: w * t * planted.softplus(-z) + (1 - t) * planted.softplus(z),
        NEGATED,
        "the term of positives",
    ),
    (
        "smoothing-of-binary-targets",
        BCE_LOGITS,
        lambda t, z, e: bce_logits(t * (1 - e) + e / 2, z),
        SMOOTHED,
        "1 - e/2 and e/2",
    ),
    ("smoothing-of-binary-targets", BCE_LOGITS, lambda t, z, e: bce_logits(t * (1 - e), z), SMOOTHED, "1 - e and 0"),
    ("smoothing-above-one-of-binary-targets", BCE_LOGITS, refuses, SMOOTHED, "refuses"),
    ("sign-of-zero-of-binary-loss", BCE, lambda _t, p: 0 * p, NONE, "no: 0"),
    ("sign-of-zero-of-binary-loss", BCE, lambda _t, p: -0.0 * (p + 1), NONE, "yes: -0 for both"),
    ("sign-of-zero-of-binary-loss", BCE, lambda t, _p: np.where(t == 1, -0.0, 0.0), NONE, "yes: -0 for a positive"),
)

CATEGORICAL: tuple[Row, ...] = (
    (
        "clipped-or-normalised-first",
        CCE,
        low_clip(1e-7, normalise_first=True, normalise_last=False),
        NONE,
        "normalised, then clipped at 1e-7",
    ),
    (
        "clipped-or-normalised-first",
        CCE,
        low_clip(1e-7, normalise_first=False, normalise_last=True),
        NONE,
        "clipped at 1e-7, then normalised",
    ),
    (
        "clipped-or-normalised-first",
        CCE,
        low_clip(1e-7, normalise_first=False, normalise_last=False),
        NONE,
        "clipped at 1e-7",
    ),
    ("clipped-or-normalised-first", CCE, wide(cce), NONE, "neither"),
    ("certain-class", CCE, wide(cce), NONE, "yes"),
    ("negative-class-probability", CCE, wide(cce), NONE, "NaN"),
    ("nan-class-probability", CCE, lambda t, p: cce(t[:, :1], p[:, :1]), NONE, "silent: the NaN takes no part"),
    ("minus-inf-logit-with-target", CCE_LOGITS, cce_logits, NONE, "infinite"),
    ("minus-inf-logit-with-target", SPARSE, swallowed(lambda y, _z: 0 * y), NONE, "zero"),
    ("plus-inf-logit-with-target", SPARSE, sparse, NONE, "NaN"),
    ("nan-in-a-row-of-cross-entropy", SPARSE, sparse, NONE, "no"),
    ("nan-in-a-row-of-cross-entropy", SPARSE, lambda y, z: sparse(y, z) + 0 * z.sum(), NONE, "yes"),
    ("row-of-targets-all-zero", CCE_LOGITS, cce_logits, NONE, "zero"),
    ("row-of-targets-all-zero", CCE_LOGITS, lambda t, z: sparse(t.argmax(axis=1), z), NONE, "as of the first class"),
    ("smoothing-of-classes", CCE_LOGITS, smoothed, SMOOTHED, "1 - e + e/K and e/K"),
    (
        "smoothing-counts-classes-along",
        CCE_LOGITS,
        lambda t, z, e, a: smoothed(t, z, e, a, a),
        ALONG,
        "that of classes",
    ),
    ("smoothing-counts-classes-along", CCE_LOGITS, lambda t, z, e, a: smoothed(t, z, e, a, -1), ALONG, "the last"),
    ("above-one-smoothing-of-classes", CCE_LOGITS, smoothed, SMOOTHED, "no: targets of 0.75 and 0.25"),
    ("class-axis-of-images", CCE_LOGITS, lambda t, z: smoothed(t, z, 0.0, -1), NONE, "the last"),
    (
        "class-axis-of-images",
        CCE_LOGITS,
        lambda t, z: smoothed(t, z, 0.0, 1),
        NONE,
        "the middle, the second of the input",
    ),
    ("softmax-over-another-axis", CCE, lambda t, p: cce(t, softmax(p, 0)), NONE, "no: the columns' softmax"),
    ("logits-behind-a-softmax", CCE, lambda t, p: cce_logits(t, p), NONE, "yes: it is that of the logits"),
    ("logits-behind-a-sigmoid", BCE, lambda t, p: clipped(1e-7)(t, sigmoid(p)), NONE, "no: clipped at 1e-7"),
)

SLOPES: tuple[Row, ...] = (
    ("slope-at-zero-probability", BCE, lambda t, p, c: -c * t / p, NONE, "infinite"),
    ("slope-at-zero-probability", BCE, lambda _t, _p, c: 0 * c, NONE, "zero: clipped"),
    ("slope-at-zero-probability", BCE, lambda t, p, c: -c * t / np.maximum(p, 1e-12), NONE, "bounded by 1e12"),
    ("slope-at-the-end-of-the-clip", BCE, lambda _t, p, c: -c / p / 2, NONE, "half of -1/p"),
    ("slope-at-a-logit-of-zero", BCE_LOGITS, lambda t, z, c: c * (sigmoid(z) - t), NONE, "yes"),
    ("slope-at-a-logit-of-zero", BCE_LOGITS, lambda t, _z, c: c * (1 - t), NONE, "no: of the other side"),
    ("slope-of-softplus-at-zero", "softplus", lambda x, c: c * sigmoid(x), {}, "yes"),
    ("slope-of-softplus-at-zero", "softplus", lambda x, c: c * (x > 0), {}, "no: 0"),
    ("slope-at-kink-of-hinge", "hinge", hinge_slope(0.0), NONE, "zero"),
    ("slope-at-kink-of-hinge", "hinge", hinge_slope(-1.0), NONE, "that of the violated side"),
    ("slope-at-kink-of-hinge", "hinge", hinge_slope(-0.5), NONE, "half of it"),
    ("slope-at-kink-of-hard-sigmoid", "hard_sigmoid", lambda x, c: c * (abs(x) < 3) / 6, {}, "zero"),
    ("slope-at-kink-of-hard-sigmoid", "hard_sigmoid", lambda x, c: c * (abs(x) <= 3) / 6, {}, "that of the line"),
    ("slope-of-targets-all-zero", CCE_LOGITS, lambda t, z, _c: softmax(z) - t, NONE, "no: the softmax"),
    (
        "slope-of-targets-that-sum-to-a-half",
        CCE_LOGITS,
        lambda t, z, _c: softmax(z) - t,
        NONE,
        "no: softmax less the targets",
    ),
    (
        "slope-of-targets-that-sum-to-a-half",
        CCE_LOGITS,
        lambda t, z, _c: softmax(z) * t.sum(axis=1, keepdims=True) - t,
        NONE,
        "yes",
    ),
    ("slope-of-binary-targets", BCE, lambda p, _t, c: c * (np.log1p(-p) - np.log(p)), NONE, "yes, minus the logit"),
    ("slope-of-binary-targets", BCE, refuses, NONE, "refuses"),
    (
        "slope-at-tied-runners-up",
        "multiclass_hinge",
        lambda _y, _s, _c: np.array([[-1.0, 1.0, 0.0]]),
        NONE,
        "the first",
    ),
)

BAD_INPUT: tuple[Row, ...] = (
    ("vector-of-targets-and-column-of-probabilities", BCE, bce, NONE, "silent: broadcast to (N, N)"),
    (
        "vector-of-targets-and-column-of-probabilities",
        BCE,
        lambda t, p: bce(t, p).mean(axis=-1),
        NONE,
        "silent: broadcast to (N, N), the mean over rows",
    ),
    (
        "vector-of-targets-and-column-of-probabilities",
        BCE,
        lambda t, p: bce(t, p).mean(),
        NONE,
        "silent: broadcast to (N, N), the mean over all",
    ),
    ("vector-of-targets-and-column-of-probabilities", BCE, lambda t, p: bce(t, p[:, 0]), NONE, "as pairs"),
    ("fewer-targets-than-probabilities", BCE, bce, NONE, "refuses"),
    ("fewer-targets-than-probabilities", BCE, lambda t, p: bce(t, p[: len(t)]), NONE, "silent: a number comes back"),
    ("one-target-for-all-logits", BCE_LOGITS, bce_logits, NONE, "silent: the target is repeated"),
    ("one-row-of-targets-for-all", CCE_LOGITS, cce_logits, NONE, "silent: the row is repeated"),
    ("as-many-labels-as-classes-beside-logits", CCE_LOGITS, lambda t, z: sparse(t, z), NONE, "taken for labels"),
    ("as-many-labels-as-classes-beside-logits", CCE_LOGITS, cce_logits, NONE, "silent: taken for one row for all"),
    ("integer-rows-given-to-a-loss-of-labels", SPARSE, lambda y, z: cce_logits(y, z), NONE, "taken for rows"),
    ("axis-beyond-the-rank", "softmax", softmax, {}, "refuses"),
    ("axis-beyond-the-rank", "softmax", lambda x, _axis: softmax(x), {}, "silent: a number comes back"),
)


@pytest.mark.parametrize(
    ("check", "operation", "function", "options", "told"),
    [*ACTIVATIONS, *BINARY, *CATEGORICAL, *BAD_INPUT],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_answers(check: str, operation: str, function: Callable[..., Any], options: dict[str, Any], told: str) -> None:
    assert told in (label(check, operation, function, **options) or "").split(" or ")


@pytest.mark.parametrize(("check", "operation", "gradient", "options", "told"), list(SLOPES))
def test_slopes(check: str, operation: str, gradient: Callable[..., Any], options: dict[str, Any], told: str) -> None:
    assert label(check, operation, refuses, gradient=gradient, **options) == told


def test_answers_that_are_wrong_deviate() -> None:
    found = observe("sparsemax-is-a-projection", "sparsemax", softmax, call="planted(x, axis)")
    assert [each["verdict"] for each in found.values()] == ["deviates"]
    right = observe("slope-of-softplus-at-zero", "softplus", refuses, gradient=lambda x, c: c * sigmoid(x))
    assert [each["verdict"] for each in right.values()] == ["conforms"]
