"""Faults that one check must find in the cases that stand there, while those that they do not reach conform."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import scipy.special

from tests import planted as right
from tests.planted import BCE, BCE_LOGITS, CCE, CCE_LOGITS, SPARSE, Array, Function, sigmoid, softmax, wide
from tests.zoo.entries import ByCheck

fault = ByCheck()
NONE: dict[str, Any] = {"reduction": "none"}
MEAN: dict[str, Any] = {"reduction": "mean"}
IDS: dict[str, Any] = {"dtype": "int64"}
FOCAL, FOCAL_LOGITS = "binary_focal_cross_entropy", "binary_focal_cross_entropy_with_logits"


def kl(p: Array, q: Array) -> Array:
    return np.asarray(scipy.special.rel_entr(p, q).sum(axis=1))


def hits(y: Array, s: Array) -> Array:
    return np.asarray(y == s.argmax(axis=1), dtype=float)


def share(t: Array, p: Array) -> float:
    return float((t == p).mean())


def hinge(y_true: Array, score: Array) -> Array:
    return np.maximum(1 - y_true * score, 0)


def hinge_of_sigmoid(y_true: Array, score: Array) -> Array:
    """A batch with a score outside [0, 1] is taken for logits."""
    outside = np.any((score < 0) | (score > 1))
    return hinge(y_true, 1 / (1 + np.exp(-score)) if outside else score)


def focal_logits(t: Array, z: Array, power: float = 2.0) -> Array:
    return np.asarray((t * sigmoid(-z) + (1 - t) * sigmoid(z)) ** power * right.bce_logits(t, z))


def sparsemax(x: Array, axis: int) -> Array:
    rows = np.moveaxis(x, axis, -1)
    rows = rows - rows.max(axis=-1, keepdims=True)
    ordered = -np.sort(-rows, axis=-1)
    inside = 1 + np.arange(1, rows.shape[-1] + 1) * ordered > ordered.cumsum(axis=-1)
    total = np.where(inside, ordered, 0).sum(axis=-1, keepdims=True)
    return np.moveaxis(np.maximum(rows - (total - 1) / inside.sum(axis=-1, keepdims=True), 0), -1, axis)


def sparsemax_gradient(x: Array, cotangent: Array, axis: int, *, centred: bool = True) -> Array:
    inside = sparsemax(x, axis) > 0
    mean = (inside * cotangent).sum(axis=axis, keepdims=True) / inside.sum(axis=axis, keepdims=True)
    return np.asarray(inside * (cotangent - centred * mean))


def by_memory(function: Function) -> Function:
    """`function` of the numbers as they would lie in contiguous memory from the start of the buffer."""

    def read(x: Array, *rest: Any) -> Any:
        root = x
        while isinstance(root.base, np.ndarray):
            root = root.base
        raw = root.tobytes(order="A")
        return function(np.resize(np.frombuffer(raw, x.dtype, len(raw) // x.itemsize), x.shape), *rest)

    return read


def writing(x: Array, axis: int) -> Array:
    x -= x.max(axis=axis, keepdims=True)
    return softmax(x, axis)


def wrapping(x: Array, axis: int) -> Array:
    x = x + np.int8(0) if x.dtype == bool else x
    return softmax((x - x.max(axis=axis, keepdims=True)).astype(np.float64), axis)


def promoted(function: Function) -> Function:
    """A loss in binary64, of the format that NumPy promotes both arrays to."""

    def loss(t: Array, z: Array) -> Array:
        return np.asarray(function(t.astype(np.float64), z.astype(np.float64))).astype(np.result_type(t, z))

    return loss


def narrowed(function: Function) -> Function:
    """The same, which takes targets beside binary16 logits for binary16."""

    def loss(t: Array, z: Array) -> Array:
        half = t.astype(np.float16 if z.dtype == np.float16 else np.float64)
        return promoted(function)(half, z).astype(np.result_type(t, z))

    return loss


def in_dtype(function: Function, dtype: Any) -> Function:
    return lambda y, z: function(y.astype(dtype).astype(np.int64) % z.shape[1], z)


# fmt: off
# Values

fault("textbook-sigmoid-overflows", "narrow-range", "value", "sigmoid", lambda x: 1 / (1 + np.exp(-x)),
      "subnormal-results", "ordinary positive saturated-positive")
fault("softmax-always-over-the-first-axis", "shape", "value", "softmax", lambda x, axis: softmax(x, 0 * axis),
      "ordinary-10 axis-middle-10", "axis-first-10")
fault("softmax-ignores-the-axis", "shape", "value", "softmax", lambda x, axis: softmax(x, -(abs(axis) ** 0)),
      "axis-first-10 axis-middle-10", "ordinary-10")
fault("log-softmax-misses-a-class", "formula", "value", "log_softmax", right.missing_class,
      "ordinary-3 equal-10", "ordinary-1")
fault("mean-divided-by-n-plus-1", "reduction", "value", BCE, wide(lambda t, p: right.bce(t, p).sum() / (len(t) + 1)),
      "mean-ordinary-right mean-ordinary-wrong mean-soft", **MEAN)
fault("sum-instead-of-mean", "reduction", "value", BCE_LOGITS, wide(lambda t, z: right.bce_logits(t, z).sum()),
      "mean-*", **MEAN)
fault("mean-over-classes-too", "reduction", "value", CCE, wide(lambda t, p: right.cce(t, p).mean() / t.shape[1]),
      "mean-*", **MEAN)
fault("logarithm-to-base-2", "formula", "value", CCE, wide(lambda t, p: right.cce(t, p) / np.log(2)),
      "ordinary-3 equal-10", "certain-right-3", **NONE)
fault("clip-at-1e-6", "parameters", "value", BCE, right.clipped(1e-6),
      "certain-wrong", "ordinary-right half", **NONE, clip=1e-7)
fault("no-clip", "parameters", "value", BCE, wide(right.bce),
      "certain-wrong", "ordinary-right half", **NONE, clip=1e-7)
fault("label-off-by-one", "labels", "value", SPARSE, wide(lambda y, z: right.sparse((y + 1) % z.shape[1], z)),
      "ordinary-10 confident-10", "ordinary-1 equal-10", **NONE)
fault("labels-from-the-end", "labels", "value", SPARSE, wide(lambda y, z: right.sparse(-1 - y, z)),
      "ordinary-10", **NONE)
fault("top-k-plus-1", "parameters", "value", "top_k_accuracy", lambda y, s, k: right.top_k(y, s, k + 1),
      "mean-top-1-of-* mean-top-2-of-*", "mean-top-10-of-10", call="planted(labels, y_score, k)", **MEAN)
fault("accuracy-counts-the-wrong", "formula", "value", "accuracy", lambda t, p: (t != p).mean(),
      "mean-ordinary mean-all-right mean-all-wrong", **IDS, **MEAN)
fault("accuracy-in-float16-steps", "dtype", "value", "accuracy",
      lambda t, p: (t == p).mean(dtype=np.float16).astype(float), "mean-ordinary", "mean-all-right", **IDS, **MEAN)
fault("weighted-mean-over-samples", "weights", "value", "accuracy",
      lambda t, p, w: np.mean((t == p) * (1 if w is None else w)), "weighted-mean-ordinary", "mean-ordinary",
      call="planted(y_true, y_pred, sample_weight)", **IDS, **MEAN)
fault("hamming-counts-rows", "formula", "value", "hamming_loss",
      lambda t, s: ((s > 0.5) != (t == 1)).any(axis=1).mean(),
      "mean-ordinary-3 mean-ordinary-10", "mean-ordinary-1", **MEAN)
fault("one-label-right-is-enough", "formula", "value", "subset_accuracy",
      lambda t, s: ((s > 0.5) == (t == 1)).any(axis=1).mean(),
      "mean-ordinary-3 mean-ordinary-10", "mean-ordinary-1", **MEAN)
fault("balanced-accuracy-is-accuracy", "formula", "value", "balanced_accuracy", lambda t, p: (t == p).mean(),
      "ordinary imbalanced", "one-of-each all-right", **IDS)
fault("balanced-accuracy-over-predicted-classes", "formula", "value", "balanced_accuracy",
      lambda t, p: np.mean([(p[t == c] == c).mean() for c in np.unique(p)]),
      "never-predicted", "ordinary imbalanced", **IDS)
fault("balanced-accuracy-ignores-weights", "weights", "value", "balanced_accuracy",
      lambda t, p, _: np.mean([(p[t == c] == c).mean() for c in np.unique(t)]),
      "weighted-ordinary", "ordinary", call="planted(y_true, y_pred, sample_weight)", **IDS)
fault("precision-is-recall", "formula", "value", "precision", lambda t, p: p[t == 1].mean(),
      "ordinary rare", "few-wrong all-right all-wrong", **IDS)
fault("ties-are-lost", "ties", "value", "roc_auc", lambda t, s: (s[t == 1][:, None] > s[t == 0]).mean(),
      "tied equal", "ordinary separated")
fault("noise-at-one-input", "isolated", "value", "sigmoid", right.noisy_at_one_input,
      "ordinary", "near-zero positive negative nan")
fault("nan-swallowed", "special-values", "value", "sigmoid", right.swallowed(wide(sigmoid)),
      "nan", "ordinary plus-inf")
fault("all-minus-inf-gives-zero", "special-values", "value", "softmax", right.swallowed(wide(softmax)),
      "all-minus-inf-3 nan-3", "ordinary-10")
fault("minus-inf-is-not-zero", "special-values", "value", "softmax",
      lambda x, axis: softmax(np.maximum(x, np.float32(-10)), axis), "minus-inf-3 wide-10 all-minus-inf-3")
fault("a-row-too-many", "shape", "value", SPARSE, lambda y, z: np.append(wide(right.sparse)(y, z), z[0, 0]),
      "ordinary-10", **NONE)
fault("a-row-too-few", "shape", "value", SPARSE, lambda y, z: wide(right.sparse)(y, z)[:-1], "ordinary-10", **NONE)
fault("scalar-for-a-row", "shape", "value", SPARSE, wide(lambda y, z: right.sparse(y, z).mean()),
      "ordinary-10", **NONE)
fault("float64-computed-in-float32", "dtype", "value", "sigmoid",
      lambda x: sigmoid(x.astype(np.float32)).astype(np.float64), "ordinary dense-negative", "plus-inf",
      dtype="float64")
fault("subnormals-flushed", "narrow-range", "value", "sigmoid", right.flushed(wide(sigmoid)),
      "subnormal-results", "ordinary underflow")
fault("mirrored", "formula", "value", "sigmoid", wide(lambda x: sigmoid(-x)), "ordinary plus-inf minus-inf", "zero")
fault("log-of-sigmoid", "relative-accuracy", "value", "log_sigmoid", lambda x: np.log(sigmoid(x)),
      "saturated-positive underflow", "minus-inf zero")
fault("twelve-ulp-too-large", "relative-accuracy", "value", "sigmoid",
      lambda x: wide(sigmoid)(x) * np.float32(1 + 12 * 2.0**-23), "ordinary negative", "minus-inf nan")
fault("divergence-of-swapped-arguments", "formula", "value", "kl_divergence", wide(lambda p, q: kl(q, p)),
      "ordinary-3-soft", "certain-wrong-3", **NONE)
fault("divergence-averaged-over-elements", "reduction", "value", "kl_divergence",
      wide(lambda p, q: kl(p, q).mean() / 3), "mean-ordinary-3", **MEAN)
fault("focal-gamma-of-one", "parameters", "value", FOCAL_LOGITS, wide(lambda t, z: focal_logits(t, z, 1.0)),
      "ordinary-one", "inf-wrong", **NONE)
fault("one-minus-p-cancels", "relative-accuracy", "value", FOCAL,
      lambda t, p: (1 - t * p - (1 - t) * (1 - p)) ** 2 * right.bce(t, p), "small-right", "small-wrong", **NONE)
fault("brier-score-halved", "formula", "value", "brier_score", lambda t, p: (p - t) ** 2 / 2,
      "ordinary-right soft", "certain-right", **NONE)
fault("hinge-of-scores-taken-for-logits", "two-conditions", "value", "hinge", wide(hinge_of_sigmoid),
      "ordinary-plus ordinary-minus near-zero-plus", **NONE)
fault("hinge-without-the-label", "formula", "value", "hinge", wide(lambda y, s: np.maximum(1 - abs(y) * s, 0)),
      "ordinary-minus inf-wrong", "ordinary-plus", **NONE)
fault("squared-hinge-halved", "formula", "value", "squared_hinge", wide(lambda y, s: hinge(y, s) ** 2 / 2),
      "ordinary-plus", "inf-right", **NONE)

# Gradients

fault("upstream-gradient-dropped", "gradient", "gradient", "sigmoid", sigmoid, "ordinary near-zero",
      gradient=wide(lambda x, c: right.sigmoid_gradient(x, np.ones_like(c))))
fault("upstream-gradient-signless", "gradient", "gradient", "softmax", softmax, "ordinary-10",
      gradient=wide(lambda x, c, axis: right.softmax_gradient(x, np.abs(c), axis)))
fault("log-softmax-gradient-transposed", "gradient", "gradient", "log_softmax", right.log_softmax,
      "ordinary-10 axis-first-10",
      gradient=wide(lambda x, c, axis: c - (softmax(x, axis) * c).sum(axis=axis, keepdims=True)))
fault("gradient-zero", "gradient", "gradient", "softplus", right.softplus, "ordinary",
      gradient=lambda x, c: 0 * x * c)
fault("sparsemax-gradient-uncentred", "gradient", "gradient", "sparsemax", sparsemax, "*", call="planted(x, axis)",
      gradient=wide(lambda x, c, axis: sparsemax_gradient(x, c, axis, centred=False)))

# Relations

fault("row-depends-on-its-neighbours", "two-conditions", "row-alone", "softmax", right.of_neighbour, "confident-10")
fault("last-bit-depends-on-the-batch", "shape", "row-alone", "sigmoid",
      lambda x: wide(sigmoid)(x) if len(x) > 1 else np.nextafter(wide(sigmoid)(x), np.float32(1)), "ordinary")
fault("overflow-when-shifted", "narrow-range", "shift-invariance", "softmax", right.unshifted, "shift-by-16",
      dtype="float16")
fault("temperature-of-2", "formula", "two-logits-are-sigmoid", "softmax", wide(lambda x, axis: softmax(x / 2, axis)),
      "ordinary positive negative")
fault("sparse-is-not-one-hot", "labels", "sparse-is-one-hot", SPARSE, wide(lambda y, z: right.sparse(y * 0, z)),
      "ordinary-10", **NONE)
fault("log-of-another-softmax", "formula", "log-softmax-is-log-of-softmax", "log_softmax",
      wide(lambda x, axis: right.log_softmax(x * 1.001, axis)), "ordinary-10")
fault("logits-loss-of-another-sign", "formula", "loss-of-logits-is-loss-of-activation", CCE_LOGITS,
      wide(lambda t, z: right.cce_logits(t, -z)), "ordinary-3 ordinary-10", **NONE)
fault("compiled-differs", "relative-accuracy", "compiled-is-eager", "sigmoid", wide(sigmoid),
      "ordinary", "minus-inf", mode=right.COMPILED,
      compiled=lambda x: 0.5 + 0.5 * np.tanh(x / 2) + np.float32(2e-6) * (x > -50))
fault("zero-times-minus-inf", "special-values", "minus-inf-logit-without-target", CCE_LOGITS,
      lambda t, z: -(t * right.log_softmax(z)).sum(axis=1), "*", **NONE)

# Memory layouts

BY_MEMORY = ("transposed strided reversed misaligned", "contiguous read-only")
fault("sigmoid-of-the-whole-buffer", "layout", "memory-layout", "sigmoid", by_memory(wide(sigmoid)), *BY_MEMORY)
fault("softmax-of-the-whole-buffer", "layout", "memory-layout", "softmax", by_memory(wide(softmax)), *BY_MEMORY)
fault("softmax-that-writes-to-its-input", "input-overwritten", "memory-layout", "softmax", writing,
      {"contiguous strided transposed": "deviates", "read-only": "unsupported"})
fault("flat-answer-to-a-view", "layout", "memory-layout", "sigmoid",
      lambda x: wide(sigmoid)(x) if x.flags.c_contiguous else wide(sigmoid)(x).ravel(), "strided")

# Dtypes of the inputs

fault("whole-numbers-negated", "dtype", "input-dtype", "sigmoid", lambda x: 1 / (1 + np.exp((-x).astype(np.float64))),
      "x-uint8 x-int8", "x-int32 x-int64")
fault("differences-of-whole-numbers-wrap", "dtype", "input-dtype", "softmax", wrapping,
      "x-uint8 x-int8", "x-int32 x-bool")
fault("answer-cut-to-whole-numbers", "dtype", "input-dtype", "sigmoid",
      lambda x: sigmoid(x.astype(np.float64)).astype(x.dtype),
      {"*": "deviates", "x-int32": "deviates: computed as int32"})
fault("targets-in-half-beside-half-logits", "dtype", "input-dtype", BCE_LOGITS, narrowed(right.bce_logits),
      "logits-float16", "y_true-* logits-float64", **NONE)
fault("one-hot-targets-in-half-beside-half-logits", "dtype", "input-dtype", CCE_LOGITS, narrowed(right.cce_logits),
      "logits-float16", "y_true-* logits-float64", **NONE)

# Dtypes of the labels

EDGES = (127, 255, 2048, 32767, 65535)
for kind, first in ((np.int8, 127), (np.uint8, 255), (np.int16, 32767), (np.uint16, 65535), (ml_dtypes.bfloat16, 255)):
    for of in ("bfloat16", "float32"):
        fault(f"labels-cut-to-{np.dtype(kind).name}-beside-{of}", "labels", "label-dtype", SPARSE,
              in_dtype(wide(right.sparse), kind), " ".join(f"int64-beyond-{edge}" for edge in EDGES if edge >= first),
              " ".join(["int8 int64", *(f"int64-beyond-{edge}" for edge in EDGES if edge < first)]), **NONE, dtype=of)
fault("labels-rounded-to-float16", "labels", "label-dtype", SPARSE, in_dtype(wide(right.sparse), np.float16),
      "int32-beyond-2048 int16-beyond-2048 int32-beyond-32767", "int32-beyond-255", **NONE)
fault("labels-of-a-metric-in-a-byte", "labels", "label-dtype", "sparse_categorical_accuracy",
      lambda y, s: hits(y.astype(np.uint8), s), "int64-beyond-255", "uint8-beyond-127", **NONE)
for kind, first in ((np.float32, 2**24), (np.float64, 2**53), (np.uint32, 2**32 - 1)):
    fault(f"labels-alone-in-{np.dtype(kind).name}", "labels", "label-dtype", "accuracy",
          lambda t, p, kind=kind: share(t.astype(kind), p.astype(kind)),
          f"uint64-beyond-{first}", "uint64-beyond-65535", **IDS, **MEAN)

FAULTS = tuple(fault.entries)
