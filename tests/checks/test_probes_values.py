"""Probes of values and gradients tell planted behaviours apart."""

from typing import Any

import numpy as np
import pytest
import scipy.special

from tests import planted
from tests.checks.probing import MEAN, NONE, Function, Row, answer
from tests.planted import BCE, BCE_LOGITS, CCE, CCE_LOGITS, Array, bce, bce_logits, cce, refuses, sigmoid, softmax, wide


def over_rows(x: Array, mask: Array) -> Array:
    e = np.where(mask, np.exp(x), 0)
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def linear_above_twenty(x: Array) -> Array:
    return np.where(x > 20, x, np.logaddexp(0, x))


def low_clip(edge: float, *, normalise_first: bool, normalise_last: bool) -> Function:
    def loss(t: Array, p: Array) -> Array:
        p = p / p.sum(axis=1, keepdims=True) if normalise_first else p
        p = np.clip(p, np.float32(edge), np.float32(1 - edge))
        p = p / p.sum(axis=1, keepdims=True) if normalise_last else p
        return cce(t, p)

    return wide(loss)


def weighted_mean(by_weights: bool) -> Function:
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


def default(axis: int | None) -> Function:
    return lambda x, axis=axis: np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


def hinge_gradient(at_kink: float) -> Function:
    return lambda y, s, c: c * np.where(y * s < 1, -y, np.where(y * s == 1, at_kink, 0.0))


ACTIVATIONS: tuple[Row, ...] = (
    ("two-plus-inf-in-log-softmax", "log_softmax", planted.log_softmax, "NaN everywhere", {}),
    ("row-of-minus-inf", "softmax", softmax, "NaN", {}),
    ("row-of-minus-inf", "softmax", lambda x, _axis: np.zeros_like(x), "zero everywhere", {}),
    ("row-of-minus-inf", "softmax", lambda x, _axis: np.full_like(x, 1 / 3), "a third each", {}),
    ("row-of-minus-inf-in-logsumexp", "logsumexp", scipy.special.logsumexp, "-inf", {}),
    ("nan-in-a-row-of-softmax", "softmax", softmax, "over its row only", {}),
    ("nan-in-a-row-of-softmax", "softmax", lambda x, axis: softmax(x, axis) + 0 * x.sum(), "over every row", {}),
    ("nan-in-a-row-of-softmax", "softmax",
     lambda x, axis: np.where(np.isnan(x), x, np.where(np.isnan(x).any(axis=axis, keepdims=True), 0, 1 / 3)),
     "NaN there, 0 beside it", {}),
    ("hard-sigmoid-slope", "hard_sigmoid", lambda x: np.clip(x / 6 + 0.5, 0, 1), "1/6, cut at -3 and 3", {}),
    ("hard-sigmoid-slope", "hard_sigmoid", lambda x: np.clip(x / 5 + 0.5, 0, 1), "1/5, cut at -2.5 and 2.5", {}),
    ("softplus-above-twenty", "softplus", planted.softplus, "what the definition says", {"dtype": "float64"}),
    ("softplus-above-twenty", "softplus", linear_above_twenty, "nothing: linear above 20", {"dtype": "float64"}),
    ("softplus-threshold-is-of", "softplus", linear_above_twenty, "beta * x", {"dtype": "float64"}),
    ("softplus-threshold-is-of", "softplus", planted.softplus, "x", {"dtype": "float64"}),
    ("masked-entry-of-softmax", "masked_softmax", lambda m, x: over_rows(x, m), "zero", MASKED),
    ("masked-entry-of-softmax", "masked_softmax", lambda m, x: np.where(m, over_rows(x, m), 1e-9), "a small number",
     MASKED),
    ("all-masked-row-of-softmax", "masked_softmax", lambda m, x: over_rows(x, m), "NaN", MASKED),
    ("all-masked-row-of-softmax", "masked_softmax", lambda _m, x: softmax(x), "as if nothing were masked", MASKED),
    ("sparsemax-is-a-projection", "sparsemax", softmax, "no", {"call": "planted(x, axis)"}),
    ("default-axis-of-softmax", "softmax", default(-1), "the last", {"call": "planted(x, axis=axis)"}),
    ("default-axis-of-softmax", "softmax", default(0), "the first", {"call": "planted(x, axis=axis)"}),
    ("default-axis-of-softmax", "softmax", default(None), "all of them", {"call": "planted(x, axis=axis)"}),
    ("default-axis-of-softmax", "softmax", refuses, "refuses", {"call": "planted(x, axis=axis)"}),
    ("default-axis-of-softmax-rank-3", "softmax", default(1), "the middle", {"call": "planted(x, axis=axis)"}),
    ("axis-of-no-entries", "softmax", planted.unshifted, "an empty array", {}),
    ("axis-of-no-entries", "softmax", softmax, "refuses", {}),
    ("softmax-of-a-scalar", "softmax", lambda x, _axis: np.ones_like(x), "yes: 1", {}),
    ("softmax-of-a-very-long-row", "softmax", softmax, "in the format: it overflows, and all is 0",
     {"dtype": "float16"}),
    ("softmax-of-a-very-long-row", "softmax", wide(softmax), "in a wider format", {"dtype": "float16"}),
    ("softmax-of-a-very-long-row", "softmax", lambda x, _axis: np.full_like(x, 1 / 256),
     "in the format: it stops at 256", {"dtype": "bfloat16"}),
    ("python-number-as-input", "sigmoid", lambda _x: 1 / (1 + np.exp(-1.0)), "an answer in binary64", {}),
    ("python-number-as-input", "sigmoid", sigmoid, "an answer in binary32", {}),
    ("sign-of-zero-of-log-sigmoid", "log_sigmoid", lambda x: 0 * x, "no: 0", {}),
    ("sign-of-zero-of-log-sigmoid", "log_sigmoid", lambda x: -np.exp(-x), "yes: -0", {}),
    ("sign-of-zero-of-log-sigmoid", "log_sigmoid", lambda x: 0 * x - 1e-30, "it is no 0", {}),
)  # fmt: skip

BINARY: tuple[Row, ...] = (
    ("certain-and-right", BCE, wide(bce), "yes", NONE),
    ("certain-and-right", BCE, lambda t, p: -(t * np.log(p) + (1 - t) * np.log(1 - p)), "no, NaN", NONE),
    ("probability-below-zero", BCE, refuses, "refuses", NONE),
    ("probability-below-zero", BCE, planted.clipped(1e-7), "clipped at 1e-7", NONE),
    ("nan-probability", BCE, wide(bce), "NaN", NONE),
    ("nan-probability", BCE, planted.swallowed(wide(bce)), "silent: a number comes back", NONE),
    ("target-of-minus-one", BCE, wide(bce), "the formula is evaluated: a negative loss", NONE),
    ("target-of-minus-one", BCE, lambda t, p: wide(bce)((t + 1) / 2, p), "as labels of 0 and 1", NONE),
    ("target-of-minus-one", BCE_LOGITS, refuses, "refuses", NONE),
    ("infinite-logits-right", BCE_LOGITS, bce_logits, "zero", NONE),
    ("infinite-logits-right", BCE_LOGITS, lambda t, z: planted.softplus(z) - t * z, "NaN", NONE),
    ("infinite-logits-wrong", BCE_LOGITS, bce_logits, "infinite", NONE),
    ("infinite-logits-with-soft-targets", BCE_LOGITS, bce_logits, "infinite", NONE),
    ("large-logits-wrong", BCE_LOGITS, bce_logits, "yes", NONE),
    ("large-logits-wrong", BCE_LOGITS, lambda t, z: planted.clipped(1e-7)(t, sigmoid(z)),
     "no: as of a clipped probability", NONE),
    ("mean-of-weighted-samples", BCE, weighted_mean(True), "the sum of the weights", WEIGHTED),
    ("mean-of-weighted-samples", BCE, weighted_mean(False), "the number of samples", WEIGHTED),
    ("mean-of-weights-of-zero", BCE, weighted_mean(True), "NaN", WEIGHTED),
    ("mean-of-weights-of-zero", BCE, weighted_mean(False), "zero", WEIGHTED),
    ("mean-with-a-negative-weight", BCE, weighted_mean(True), "the sum divided by that of the weights", WEIGHTED),
    ("unreduced-losses-of-a-matrix", BCE, bce, "one for each number", NONE),
    ("unreduced-losses-of-a-matrix", BCE, lambda t, p: bce(t, p).mean(axis=-1), "one for each row, the mean over it",
     NONE),
    ("default-reduction-of-binary-losses", BCE, lambda t, p: bce(t, p).mean(), "the mean",
     {"call": "planted(y_true, y_pred, reduction=reduction)"}),
    ("what-pos-weight-multiplies", BCE_LOGITS, lambda t, z, w: w * bce_logits(t, z), "every loss", NEGATED),
    ("what-pos-weight-multiplies", BCE_LOGITS,
     lambda t, z, w: w * t * planted.softplus(-z) + (1 - t) * planted.softplus(z), "the term of positives", NEGATED),
    ("smoothing-of-binary-targets", BCE_LOGITS, lambda t, z, e: bce_logits(t * (1 - e) + e / 2, z), "1 - e/2 and e/2",
     SMOOTHED),
    ("smoothing-of-binary-targets", BCE_LOGITS, lambda t, z, e: bce_logits(t * (1 - e), z), "1 - e and 0", SMOOTHED),
    ("smoothing-above-one-of-binary-targets", BCE_LOGITS, refuses, "refuses", SMOOTHED),
    ("sign-of-zero-of-binary-loss", BCE, lambda _t, p: 0 * p, "no: 0", NONE),
    ("sign-of-zero-of-binary-loss", BCE, lambda _t, p: -0.0 * (p + 1), "yes: -0 for both", NONE),
    ("sign-of-zero-of-binary-loss", BCE, lambda t, _p: np.where(t == 1, -0.0, 0.0), "yes: -0 for a positive", NONE),
)  # fmt: skip

CATEGORICAL: tuple[Row, ...] = (
    ("clipped-or-normalised-first", CCE, low_clip(1e-7, normalise_first=True, normalise_last=False),
     "normalised, then clipped at 1e-7", NONE),
    ("clipped-or-normalised-first", CCE, low_clip(1e-7, normalise_first=False, normalise_last=True),
     "clipped at 1e-7, then normalised", NONE),
    ("clipped-or-normalised-first", CCE, low_clip(1e-7, normalise_first=False, normalise_last=False), "clipped at 1e-7",
     NONE),
    ("clipped-or-normalised-first", CCE, wide(cce), "neither", NONE),
    ("certain-class", CCE, wide(cce), "yes", NONE),
    ("negative-class-probability", CCE, wide(cce), "NaN", NONE),
    ("nan-class-probability", CCE, lambda t, p: cce(t[:, :1], p[:, :1]), "silent: the NaN takes no part", NONE),
    ("minus-inf-logit-with-target", CCE_LOGITS, planted.cce_logits, "infinite", NONE),
    ("minus-inf-logit-with-target", planted.SPARSE, planted.swallowed(lambda y, _z: 0 * y), "zero", NONE),
    ("plus-inf-logit-with-target", planted.SPARSE, planted.sparse, "NaN", NONE),
    ("nan-in-a-row-of-cross-entropy", planted.SPARSE, planted.sparse, "no", NONE),
    ("nan-in-a-row-of-cross-entropy", planted.SPARSE, lambda y, z: planted.sparse(y, z) + 0 * z.sum(), "yes", NONE),
    ("row-of-targets-all-zero", CCE_LOGITS, planted.cce_logits, "zero", NONE),
    ("row-of-targets-all-zero", CCE_LOGITS, lambda t, z: planted.sparse(t.argmax(axis=1), z),
     "as of the first class", NONE),
    ("smoothing-of-classes", CCE_LOGITS, smoothed, "1 - e + e/K and e/K", SMOOTHED),
    ("smoothing-counts-classes-along", CCE_LOGITS, lambda t, z, e, a: smoothed(t, z, e, a, a), "that of classes",
     ALONG),
    ("smoothing-counts-classes-along", CCE_LOGITS, lambda t, z, e, a: smoothed(t, z, e, a, -1), "the last", ALONG),
    ("above-one-smoothing-of-classes", CCE_LOGITS, smoothed, "no: targets of 0.75 and 0.25", SMOOTHED),
    ("class-axis-of-images", CCE_LOGITS, lambda t, z: smoothed(t, z, 0.0, -1), "the last", NONE),
    ("class-axis-of-images", CCE_LOGITS, lambda t, z: smoothed(t, z, 0.0, 1), "the middle, the second of the input",
     NONE),
    ("softmax-over-another-axis", CCE, lambda t, p: cce(t, softmax(p, 0)), "no: the columns' softmax", NONE),
    ("logits-behind-a-softmax", CCE, lambda t, p: planted.cce_logits(t, p), "yes: it is that of the logits", NONE),
    ("logits-behind-a-sigmoid", BCE, lambda t, p: planted.clipped(1e-7)(t, sigmoid(p)), "no: clipped at 1e-7", NONE),
)  # fmt: skip

GRADIENTS: tuple[Row, ...] = (
    ("slope-at-zero-probability", BCE, lambda t, p, c: -c * t / p, "infinite", NONE),
    ("slope-at-zero-probability", BCE, lambda _t, _p, c: 0 * c, "zero: clipped", NONE),
    ("slope-at-zero-probability", BCE, lambda t, p, c: -c * t / np.maximum(p, 1e-12), "bounded by 1e12", NONE),
    ("slope-at-the-end-of-the-clip", BCE, lambda _t, p, c: -c / p / 2, "half of -1/p", NONE),
    ("slope-at-a-logit-of-zero", BCE_LOGITS, lambda t, z, c: c * (sigmoid(z) - t), "yes", NONE),
    ("slope-at-a-logit-of-zero", BCE_LOGITS, lambda t, _z, c: c * (1 - t), "no: of the other side", NONE),
    ("slope-of-softplus-at-zero", "softplus", lambda x, c: c * sigmoid(x), "yes", {}),
    ("slope-of-softplus-at-zero", "softplus", lambda x, c: c * (x > 0), "no: 0", {}),
    ("slope-at-kink-of-hinge", "hinge", hinge_gradient(0.0), "zero", NONE),
    ("slope-at-kink-of-hinge", "hinge", hinge_gradient(-1.0), "that of the violated side", NONE),
    ("slope-at-kink-of-hinge", "hinge", hinge_gradient(-0.5), "half of it", NONE),
    ("slope-at-kink-of-hard-sigmoid", "hard_sigmoid", lambda x, c: c * (abs(x) < 3) / 6, "zero", {}),
    ("slope-at-kink-of-hard-sigmoid", "hard_sigmoid", lambda x, c: c * (abs(x) <= 3) / 6, "that of the line", {}),
    ("slope-of-targets-all-zero", CCE_LOGITS, lambda t, z, _c: softmax(z) - t, "no: the softmax", NONE),
    ("slope-of-targets-that-sum-to-a-half", CCE_LOGITS, lambda t, z, _c: softmax(z) - t, "no: softmax less the targets",
     NONE),
    ("slope-of-targets-that-sum-to-a-half", CCE_LOGITS, lambda t, z, _c: softmax(z) * t.sum(axis=1, keepdims=True) - t,
     "yes", NONE),
    ("slope-of-binary-targets", BCE, lambda _t, p, c: c * (np.log1p(-p) - np.log(p)), "yes, minus the logit", NONE),
    ("slope-of-binary-targets", BCE, refuses, "refuses", NONE),
    ("slope-at-tied-runners-up", "multiclass_hinge", lambda _y, _s, _c: np.array([[-1.0, 1.0, 0.0]]), "the first",
     NONE),
)  # fmt: skip

BAD_INPUT: tuple[Row, ...] = (
    ("vector-of-targets-and-column-of-probabilities", BCE, bce, "silent: broadcast to (N, N)", NONE),
    ("vector-of-targets-and-column-of-probabilities", BCE, lambda t, p: bce(t, p).mean(axis=-1),
     "silent: broadcast to (N, N), the mean over rows", NONE),
    ("vector-of-targets-and-column-of-probabilities", BCE, lambda t, p: bce(t, p).mean(),
     "silent: broadcast to (N, N), the mean over all", NONE),
    ("vector-of-targets-and-column-of-probabilities", BCE, lambda t, p: bce(t, p[:, 0]), "as pairs", NONE),
    ("fewer-targets-than-probabilities", BCE, bce, "refuses", NONE),
    ("fewer-targets-than-probabilities", BCE, lambda t, p: bce(t, p[: len(t)]), "silent: a number comes back", NONE),
    ("one-target-for-all-logits", BCE_LOGITS, bce_logits, "silent: the target is repeated", NONE),
    ("one-row-of-targets-for-all", CCE_LOGITS, planted.cce_logits, "silent: the row is repeated", NONE),
    ("as-many-labels-as-classes-beside-logits", CCE_LOGITS, lambda t, z: planted.sparse(t, z),
     "taken for labels", NONE),
    ("as-many-labels-as-classes-beside-logits", CCE_LOGITS, planted.cce_logits,
     "silent: taken for one row for all", NONE),
    ("integer-rows-given-to-a-loss-of-labels", planted.SPARSE, lambda y, z: planted.cce_logits(y, z),
     "taken for rows", NONE),
    ("axis-beyond-the-rank", "softmax", softmax, "refuses", {}),
    ("axis-beyond-the-rank", "softmax", lambda x, _axis: softmax(x), "silent: a number comes back", {}),
)  # fmt: skip


@pytest.mark.parametrize("row", [*ACTIVATIONS, *BINARY, *CATEGORICAL, *BAD_INPUT], ids=lambda row: f"{row[0]}-{row[3]}")
def test_an_answer_has_its_label(row: Row) -> None:
    probe, operation, function, label, options = row
    assert label in (answer(probe, operation, function, **options)[1] or "").split(" or ")


@pytest.mark.parametrize("row", GRADIENTS, ids=lambda row: f"{row[0]}-{row[3]}")
def test_a_gradient_has_its_label(row: Row) -> None:
    probe, operation, gradient, label, options = row
    assert answer(probe, operation, refuses, gradient=gradient, **options)[1] == label


def test_answers_that_are_wrong_deviate() -> None:
    assert answer("sparsemax-is-a-projection", "sparsemax", softmax, call="planted(x, axis)")[0] == "deviates"
    right = answer("slope-of-softplus-at-zero", "softplus", refuses, gradient=lambda x, c: c * sigmoid(x))
    assert right[0] == "conforms"
