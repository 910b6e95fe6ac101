"""Right implementations, whose cases must all conform under one check, and conventions that a probe must tell apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests import planted as right
from tests.planted import (
    BCE,
    BCE_LOGITS,
    CCE,
    CCE_LOGITS,
    SPARSE,
    Array,
    Function,
    RefusalError,
    sigmoid,
    softmax,
    wide,
)
from tests.zoo.entries import ByCheck
from tests.zoo.faults_by_check import (
    FOCAL,
    FOCAL_LOGITS,
    IDS,
    MEAN,
    NONE,
    focal_logits,
    hinge,
    hits,
    in_dtype,
    kl,
    promoted,
    share,
    sparsemax,
    sparsemax_gradient,
)  # fmt: skip

table = ByCheck()
ALL = {"*": "conforms"}


def variant(name: str, check: str, operation: str, function: Function, expected: Any = ALL, **options: Any) -> None:
    table(name, "variant", check, operation, function, expected, **options)


def nearer_zero(x: Array) -> Array:
    return np.nextafter(wide(sigmoid)(x), np.float32(0))


def kl_of_logs(p: Array, q: Array) -> Array:
    return np.asarray(np.where(np.isneginf(p), 0, np.exp(p) * (p - q)).sum(axis=1))


def focal(t: Array, p: Array) -> Array:
    return np.asarray((t * (1 - p) + (1 - t) * p) ** 2 * right.bce(t, p))


def focal_gradient(t: Array, z: Array, cotangent: Array) -> Array:
    p, q = sigmoid(z), sigmoid(-z)
    wrong = t * q + (1 - t) * p
    slope = 2 * wrong * (1 - 2 * t) * p * q * right.bce_logits(t, z) + wrong**2 * ((1 - t) * p - t * q)
    return np.asarray(cotangent * slope)


def others(labels: Array, scores: Array) -> Array:
    """Each score less that of the label, and -inf in its place."""
    own = np.take_along_axis(scores, labels[:, None], axis=1)
    return np.where(np.arange(scores.shape[1]) == labels[:, None], -np.inf, scores - own)


def weighted_brier(sample_weight: Array | None, t: Array, p: Array) -> Array:
    return np.asarray(np.average((p - t) ** 2, weights=sample_weight)).astype(p.dtype)


def hinge_gradient(y_true: Array, score: Array, cotangent: Array) -> Array:
    return np.asarray(cotangent * np.where(y_true * score < 1, -y_true, 0) / len(score))


def contiguous_alone(x: Array) -> Array:
    if not x.flags.c_contiguous:
        raise RefusalError("must be contiguous")
    return wide(sigmoid)(x)


def of_one_dtype(y_true: Array, logits: Array) -> Array:
    if y_true.dtype != logits.dtype:
        raise RefusalError("dtypes differ")
    return wide(right.bce_logits)(y_true, logits)


def signed_labels_alone(y: Array, z: Array) -> Array:
    if y.dtype != np.int64:
        raise RefusalError("expected int64")
    return wide(right.sparse)(y, z)


def finite_alone(x: Array) -> Array:
    if np.isinf(x).any():
        raise RefusalError("infinite input")
    return wide(sigmoid)(x)


def python_float(t: Array, z: Array) -> float:
    return float(right.bce_logits(t.astype(np.float32), z.astype(np.float32)).mean(dtype=np.float64))


# fmt: off
# Values

variant("value-of-sigmoid", "value", "sigmoid", wide(sigmoid))
variant("value-of-sigmoid-bfloat16", "value", "sigmoid", wide(sigmoid), dtype="bfloat16")
variant("value-of-sigmoid-float16", "value", "sigmoid", wide(sigmoid), dtype="float16")
variant("value-of-sigmoid-float64", "value", "sigmoid", sigmoid, dtype="float64")
variant("value-of-softplus", "value", "softplus", wide(right.softplus))
variant("value-of-softmax", "value", "softmax", wide(softmax))
variant("value-of-softmax-in-float32", "value", "softmax", softmax)
variant("value-of-log-softmax", "value", "log_softmax", wide(right.log_softmax))
variant("value-of-sparsemax", "value", "sparsemax", wide(sparsemax), call="planted(x, axis)")
variant("value-of-bce-logits", "value", BCE_LOGITS, wide(right.bce_logits), **NONE)
variant("value-of-bce", "value", BCE, wide(right.bce), **NONE)
variant("value-of-bce-mean", "value", BCE, wide(lambda t, p: right.bce(t, p).mean()), **MEAN)
variant("value-of-bce-sum", "value", BCE, wide(lambda t, p: right.bce(t, p).sum()), reduction="sum")
variant("value-of-cce", "value", CCE, wide(right.cce), **NONE)
variant("value-of-cce-mean", "value", CCE, wide(lambda t, p: right.cce(t, p).mean()), **MEAN)
variant("value-of-cce-logits", "value", CCE_LOGITS, wide(right.cce_logits), **NONE)
variant("value-of-sparse", "value", SPARSE, wide(right.sparse), **NONE)
variant("value-of-top-k", "value", "top_k_accuracy", right.top_k, call="planted(labels, y_score, k)", **MEAN)
variant("value-of-kl", "value", "kl_divergence", wide(kl), **NONE)
variant("value-of-kl-of-logs", "value", "kl_divergence_of_logs", wide(kl_of_logs), **NONE)
variant("value-of-focal", "value", FOCAL, wide(focal), **NONE)
variant("value-of-focal-logits", "value", FOCAL_LOGITS, wide(focal_logits), **NONE)
variant("value-of-brier", "value", "brier_score", lambda t, p: (p - t) ** 2, **NONE)
variant("value-of-weighted-brier", "value", "brier_score", weighted_brier,
        call="planted(sample_weight, y_true, y_pred)", **MEAN)
variant("value-of-generalised-cross-entropy", "value", "generalised_cross_entropy",
        wide(lambda y, p: -np.expm1(0.5 * np.log(np.take_along_axis(p, y[:, None], 1)[:, 0])) / 0.5), **NONE)
variant("value-of-hinge", "value", "hinge", wide(hinge), **NONE)
variant("value-of-squared-hinge", "value", "squared_hinge", wide(lambda y, s: hinge(y, s) ** 2), **NONE)
variant("value-of-multiclass-hinge", "value", "multiclass_hinge",
        wide(lambda y, s: np.maximum(1 + others(y, s).max(axis=1), 0)), **NONE)
variant("value-of-multi-margin", "value", "multi_margin",
        wide(lambda y, s: np.maximum(1 + others(y, s), 0).mean(axis=1)), **NONE)
variant("value-of-finite-numbers-alone", "value", "sigmoid", finite_alone,
        {"plus-inf minus-inf": "unsupported", "[!pm]* positive": "conforms"})

# Gradients

variant("gradient-of-sigmoid", "gradient", "sigmoid", sigmoid, gradient=wide(right.sigmoid_gradient))
variant("gradient-of-softmax", "gradient", "softmax", softmax, gradient=wide(right.softmax_gradient))
variant("gradient-of-log-softmax", "gradient", "log_softmax", right.log_softmax,
        gradient=wide(right.log_softmax_gradient))
variant("gradient-of-sparsemax", "gradient", "sparsemax", sparsemax, call="planted(x, axis)",
        gradient=wide(sparsemax_gradient))
variant("gradient-of-focal-logits", "gradient", FOCAL_LOGITS, focal_logits, gradient=wide(focal_gradient), **NONE)
variant("gradient-of-a-mean-of-hinges", "gradient", "hinge", wide(lambda y, s: hinge(y, s).mean()),
        gradient=wide(hinge_gradient), **MEAN)

# Relations

variant("row-alone-of-softmax", "row-alone", "softmax", wide(softmax))
variant("shift-of-softmax", "shift-invariance", "softmax", wide(softmax))
variant("two-logits-of-softmax", "two-logits-are-sigmoid", "softmax", wide(softmax))
variant("one-hot-of-sparse", "sparse-is-one-hot", SPARSE, wide(right.sparse), **NONE)
variant("compiled-to-the-last-bit", "compiled-is-eager", "sigmoid", wide(sigmoid), mode=right.COMPILED,
        compiled=nearer_zero)

# Memory layouts

EQUAL = {"*": "conforms: bit-equal"}
for _dtype in ("float16", "float32"):
    variant(f"layouts-of-sigmoid-{_dtype}", "memory-layout", "sigmoid", wide(sigmoid), EQUAL, dtype=_dtype)
    variant(f"layouts-of-softmax-{_dtype}", "memory-layout", "softmax", wide(softmax), EQUAL, dtype=_dtype)
variant("layouts-of-sparse", "memory-layout", SPARSE, wide(right.sparse), EQUAL, **NONE)
variant("layouts-of-accuracy", "memory-layout", "accuracy", share, EQUAL, **IDS, **MEAN)
variant("layouts-refused", "memory-layout", "sigmoid", contiguous_alone, {
    "transposed strided padded reversed broadcast": "unsupported", "contiguous misaligned read-only": "conforms"})
variant("layouts-to-the-last-bit", "memory-layout", "sigmoid",
        lambda x: wide(sigmoid)(x) if x.flags.c_contiguous else nearer_zero(x),
        {"*": "conforms", "strided": "conforms: equal within the bounds", "contiguous": "conforms: bit-equal"})

# Dtypes of the inputs

variant("whole-numbers-promoted", "input-dtype", "sigmoid", lambda x: sigmoid(x.astype(np.float64)),
        {"*": "conforms: promoted to float64"})
variant("whole-numbers-promoted-to-half", "input-dtype", "sigmoid",
        lambda x: sigmoid(x.astype(np.float64)).astype(np.float16), {"*": "conforms: promoted to float16"})
variant("dtypes-that-differ-refused", "input-dtype", BCE_LOGITS, of_one_dtype, {"*": "conforms: refuses"}, **NONE)
MIXED = {"*": "conforms", "y_true-bool y_true-int64": "conforms", "logits-float16": "conforms: promoted to float32",
         "logits-float64": "conforms: promoted to float64"}
variant("mixed-formats-promoted", "input-dtype", BCE_LOGITS, promoted(right.bce_logits), MIXED, **NONE)
variant("mixed-formats-of-rows-promoted", "input-dtype", CCE_LOGITS, promoted(right.cce_logits), MIXED, **NONE)
variant("a-python-float", "input-dtype", BCE_LOGITS, python_float,
        {"y_true-int64": "conforms: promoted to float64"}, **MEAN)
variant("scores-of-whole-numbers", "input-dtype", "sparse_categorical_accuracy", hits,
        {"*": "conforms", "y_score-int8 y_score-int64": "conforms"}, **NONE)

# Dtypes of the labels

TAKEN = {"*": "conforms: taken"}
for _dtype in ("bfloat16", "float32"):
    variant(f"labels-of-sparse-{_dtype}", "label-dtype", SPARSE, in_dtype(wide(right.sparse), np.int64), TAKEN,
            dtype=_dtype, **NONE)
variant("labels-of-a-metric", "label-dtype", "sparse_categorical_accuracy",
        lambda y, s: hits(y.astype(np.int64), s), TAKEN, **NONE)
variant("labels-alone", "label-dtype", "accuracy", share, TAKEN, **IDS, **MEAN)
variant("labels-refused", "label-dtype", SPARSE, signed_labels_alone, {
    "int64*": "conforms: taken", "int8* uint* int16* int32* float32": "unsupported: refuses"}, **NONE)
variant("labels-of-two-classes", "label-dtype", "binary_accuracy",
        lambda t, s, least: ((s > least) == (t == 1)).astype(float), TAKEN,
        call="planted(y_true, y_score, threshold)", **NONE)

# Conventions, each under the label that says which


def convention(name: str, check: str, operation: str, function: Function, label: str, **options: Any) -> None:
    variant(name, check, operation, function, {"*": label}, **options)


AT = {"call": "planted(y_true, y_score, threshold)", **MEAN}
convention("above-the-threshold", "score-at-threshold", "binary_accuracy",
           lambda y, s, t: ((s > t) == (y == 1)).mean(), "conforms: no (>)", **AT)
convention("from-the-threshold-on", "score-at-threshold", "binary_accuracy",
           lambda y, s, t: ((s >= t) == (y == 1)).mean(), "conforms: yes (>=)", **AT)
TOP = "sparse_categorical_accuracy"
convention("first-of-ties", "tied-largest-scores", TOP, hits, "conforms: the first", **NONE)
convention("last-of-ties", "tied-largest-scores", TOP,
           lambda y, s: (y == s.shape[1] - 1 - s[:, ::-1].argmax(axis=1)).astype(float), "conforms: the last", **NONE)
convention("both-of-ties", "tied-largest-scores", TOP,
           lambda y, s: (s[np.arange(len(y)), y] == s.max(axis=1)).astype(float), "conforms: both", **NONE)
convention("neither-of-ties", "tied-largest-scores", TOP, lambda y, s: 0.0 * hits(y, s), "conforms: neither", **NONE)
convention("nan-is-predicted", "nan-among-scores", TOP, hits, "conforms: the NaN is the prediction", **NONE)
convention("nan-is-passed-over", "nan-among-scores", TOP,
           lambda y, s: (y == np.nanargmax(s, axis=1)).astype(float), "conforms: it is passed over", **NONE)
convention("nan-is-refused", "nan-among-scores", TOP, right.refuses, "conforms: refuses", **NONE)
convention("no-probability-is-clipped", "zero-probability", BCE, wide(right.bce), "conforms: infinite", **NONE)
convention("clipped-at-1e-7", "zero-probability", BCE, right.clipped(1e-7), "conforms: clipped at 1e-7", **NONE)
# 1 - 1e-7 and 1 - epsilon are the same float32 number, so the answer cannot tell them apart.
convention("clipped-from-above", "certain-false-positive", BCE, right.clipped(1e-7),
           "conforms: clipped at 1 - 1e-7 or clipped at 1 - epsilon", **NONE)
convention("clipped-at-epsilon", "zero-probability", BCE, right.clipped(float(np.finfo(np.float32).eps)),
           "conforms: clipped at the format's epsilon", **NONE)
convention("logarithm-with-a-floor", "zero-probability", BCE, wide(lambda t, p: np.minimum(right.bce(t, p), 100)),
           "conforms: the logarithm stops at -100", **NONE)
convention("clipped-where-nobody-does", "zero-probability", BCE, right.clipped(1e-3), "undecided", **NONE)
HALVES = "probabilities-that-sum-to-a-half"
convention("shares-as-they-are", HALVES, CCE, wide(right.cce), "conforms: no, taken as given", **NONE)
convention("shares-over-their-sum", HALVES, CCE,
           wide(lambda t, p: right.cce(t, p / p.sum(axis=1, keepdims=True))), "conforms: yes, divided by their sum",
           **NONE)
convention("nan-for-a-label-out-of-range", "label-minus-hundred", SPARSE,
           lambda y, z: np.where((y < 0) | (y >= z.shape[1]), np.nan, 0.0), "conforms: NaN", **NONE)

VARIANTS = tuple(table.entries)
