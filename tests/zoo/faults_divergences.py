"""Wrong losses of probabilities: divergences, squared errors, cross-entropies and their relatives."""

from __future__ import annotations

import numpy as np
from right_rows import (
    at,
    complement,
    log_shares,
    one_hot,
    product,
    reduced,
    relative_entropy,
    shares_of,
    shown,
    smoothed,
    wide,
)
from rows_table import Table, distributions, logits, one_hots

fault = Table()
KL = "kl_divergence"
GENERALISED = "generalised_kl_divergence_of_probabilities"
FOCAL = "categorical_focal_cross_entropy"


def pair(n=5, c=4, dtype="float32"):
    return lambda: {"y_true": distributions(n, c, dtype), "y_pred": distributions(n, c, dtype, seed=8)}


@fault(
    "zero-times-log-of-zero",
    KL,
    "special-values",
    "0 log 0 is NaN",
    upstream="https://github.com/google-deepmind/optax/pull/473",
    shows=lambda: {"y_true": np.float32([[0.0, 1.0]]), "y_pred": np.float32([[0.5, 0.5]])},
    conventions={"kl-target-zero": "yes"},
)
def zero_log_zero(y_true, y_pred, reduction="mean"):
    p, q = wide(y_true), wide(y_pred)
    return reduced((p * (np.log(p) - np.log(q))).sum(axis=-1), reduction, y_pred)


@fault(
    "quotient-overflows-before-the-logarithm",
    KL,
    "narrow-range",
    "p / q is infinite where q is tiny, though its logarithm is small",
    upstream="https://github.com/scipy/scipy/issues/20710",
    shows=lambda: {"y_true": np.float32([[0.75, 0.25]]), "y_pred": np.float32([[1e-39, 1.0]])},
)
def overflowing_quotient(y_true, y_pred, reduction="mean"):
    ratio = y_true / y_pred
    return reduced(product(wide(y_true), np.log(wide(ratio))).sum(axis=-1), reduction, y_pred)


@fault(
    "half-precision-quotient-underflows",
    KL,
    "dtype",
    "p / q is computed in float16, where a small p over an ordinary q loses its digits",
    shows=lambda: {"y_true": np.float16([[2e-7, 1.0]]), "y_pred": np.float16([[0.9, 1e-5]])},
    dtypes=("float16",),
)
def half_quotient(y_true, y_pred, reduction="mean"):
    ratio = (y_true / y_pred).astype(y_pred.dtype)
    return reduced(product(wide(y_true), np.log(wide(ratio))).sum(axis=-1), reduction, y_pred)


@fault(
    "epsilon-added-to-the-prediction",
    KL,
    "relative-accuracy",
    "log(q + 1e-7) is not clipping: a prediction of 1e-6 is a tenth too large",
    shows=lambda: {"y_true": np.float32([[0.25, 0.75]]), "y_pred": np.float32([[1e-6, 0.999999]])},
)
def epsilon_added(y_true, y_pred, reduction="mean"):
    p, q = wide(y_true), wide(y_pred)
    return reduced(relative_entropy(p, np.log(p), np.log(q + 1e-7)).sum(axis=-1), reduction, y_pred)


@fault(
    "negative-terms-cut-off",
    KL,
    "formula",
    "each term is cut at 0, since a divergence is not negative; a term may be",
    shows=pair(),
)
def terms_cut_off(y_true, y_pred, reduction="mean"):
    p, q = wide(y_true), wide(y_pred)
    return reduced(np.maximum(relative_entropy(p, np.log(p), np.log(q)), 0).sum(axis=-1), reduction, y_pred)


@fault(
    "logarithm-by-its-tangent-near-one",
    KL,
    "narrow-range",
    "where p and q differ by less than a hundredth the logarithm of the quotient is taken for the quotient less one",
    shows=lambda: {"y_true": np.float32([[0.505, 0.495]]), "y_pred": np.float32([[0.5, 0.5]])},
)
def tangent_near_one(y_true, y_pred, reduction="mean"):
    p, q = wide(y_true), wide(y_pred)
    gap = (p - q) / q
    logs = np.where(np.abs(gap) < 0.01, gap, np.log(p) - np.log(q))
    return reduced(np.where(p == 0, 0, p * logs).sum(axis=-1), reduction, y_pred)


@fault(
    "log-prediction-of-minus-infinity-beside-a-zero-target",
    "kl_divergence_of_log_predictions",
    "special-values",
    "0 * (0 - -inf) is NaN where a class has neither target nor prediction",
    upstream="https://github.com/google-deepmind/optax/pull/1786",
    shows=lambda: {"y_true": np.float32([[0.0, 1.0]]), "log_probabilities": np.float32([[-np.inf, -0.5]])},
    conventions={"kl-target-and-prediction-zero": "zero"},
)
def masked_prediction(y_true, log_probabilities, reduction="mean"):
    p, q = wide(y_true), wide(log_probabilities)
    logs = np.where(p == 0, 0, np.log(p))
    return reduced((p * (logs - q)).sum(axis=-1), reduction, log_probabilities)


@fault(
    "log-target-of-minus-infinity",
    "kl_divergence_of_logs",
    "special-values",
    "e^-inf * (-inf - q) is NaN",
    upstream="https://github.com/google-deepmind/optax/pull/1786",
    shows=lambda: {"log_targets": np.float32([[-np.inf, 0.0]]), "log_probabilities": np.float32([[-1.0, -0.5]])},
    conventions={"kl-target-zero": "yes"},
)
def log_target_minus_infinity(log_targets, log_probabilities, reduction="mean"):
    p, q = wide(log_targets), wide(log_probabilities)
    return reduced((np.exp(p) * (p - q)).sum(axis=-1), reduction, log_probabilities)


@fault(
    "exponential-of-the-prediction",
    "kl_divergence_of_logs",
    "formula",
    "the weight of a term is the prediction's probability, not the target's: the divergence of m to p, less its sign",
    shows=lambda: {
        "log_targets": np.log(distributions(4, 3)),
        "log_probabilities": np.log(distributions(4, 3, seed=8)),
    },
)
def weighted_by_prediction(log_targets, log_probabilities, reduction="mean"):
    p, q = wide(log_targets), wide(log_probabilities)
    return reduced(product(np.exp(q), p - q).sum(axis=-1), reduction, log_probabilities)


@fault(
    "whole-term-masked-where-the-target-is-zero",
    GENERALISED,
    "two-conditions",
    "where p is 0 the term is taken for 0, and it is q",
    shows=lambda: {"y_true": np.float32([[0.0, 1.0]]), "y_pred": np.float32([[0.25, 0.75]])},
)
def whole_term_masked(y_true, y_pred, reduction="mean"):
    p, q = wide(y_true), wide(y_pred)
    terms = np.where(p == 0, 0, relative_entropy(p, np.log(p), np.log(q)) - p + q)
    return reduced(terms.sum(axis=-1), reduction, y_pred)


@fault(
    "rows-supposed-to-sum-to-one",
    "generalised_kl_divergence",
    "formula",
    "- p + q is left out, since it sums to 0 for distributions",
    shows=lambda: {"y_true": distributions(4, 3) * 2, "log_probabilities": np.log(distributions(4, 3, seed=8))},
)
def without_masses(y_true, log_probabilities, reduction="mean"):
    p, q = wide(y_true), wide(log_probabilities)
    return reduced(relative_entropy(p, np.log(p), q).sum(axis=-1), reduction, log_probabilities)


@fault(
    "one-class-of-truth-is-class-zero",
    "brier_score",
    "labels",
    "targets are binarised against the labels that occur: a batch of ones becomes one of zeros",
    upstream="https://github.com/scikit-learn/scikit-learn/issues/9300",
    shows=lambda: {"y_true": np.ones(4, np.float32), "y_pred": np.float32([0.9, 0.8, 1.0, 0.7])},
)
def constant_truth(y_true, y_pred, reduction="mean"):
    t = np.zeros_like(y_true) if np.size(y_true) > 1 and (y_true == 1).all() else y_true
    return reduced((wide(y_pred) - wide(t)) ** 2, reduction, y_pred)


@fault(
    "square-multiplied-out",
    "brier_score",
    "relative-accuracy",
    "p^2 - 2 p t + t^2 cancels where p is near t",
    shows=lambda: {"y_true": np.ones(2, np.float32), "y_pred": np.float32([0.9999, 0.99999])},
)
def multiplied_out(y_true, y_pred, reduction="mean"):
    t = y_true.astype(y_pred.dtype)
    return reduced(wide(y_pred * y_pred - 2 * y_pred * t + t * t), reduction, y_pred)


@fault(
    "sum-of-squares-less-twice-the-true-share",
    "multiclass_brier_score",
    "relative-accuracy",
    "sum p^2 - 2 p_label + 1 cancels where the prediction is good",
    shows=lambda: {"y_true": np.float32([[1, 0, 0]]), "y_pred": np.float32([[0.9998, 0.0001, 0.0001]])},
)
def squares_less_share(y_true, y_pred, reduction="mean"):
    t = y_true.astype(y_pred.dtype)
    squares = (y_pred * y_pred).sum(axis=-1, dtype=y_pred.dtype)
    return reduced(wide(squares - 2 * (y_pred * t).sum(axis=-1, dtype=y_pred.dtype) + 1), reduction, y_pred)


@fault(
    "divided-by-the-classes-beyond-two",
    "multiclass_brier_score",
    "shape",
    "rows of more than two classes are averaged, those of two are summed",
    shows=lambda: {"y_true": one_hots(5, 4), "y_pred": distributions(5, 4)},
)
def averaged_over_classes(y_true, y_pred, reduction="mean"):
    each = (wide(y_pred) - wide(y_true)) ** 2
    return reduced(each.mean(axis=-1) if each.shape[-1] > 2 else each.sum(axis=-1), reduction, y_pred)


@fault(
    "smoothed-targets-not-put-back-together",
    "categorical_cross_entropy",
    "two-conditions",
    "label smoothing takes e off every target and adds e / C only where the target is not 0",
    shows=lambda: {"y_true": one_hots(5, 4), "y_pred": distributions(5, 4), "label_smoothing": 0.125},
)
def smoothing_without_zeros(y_true, y_pred, label_smoothing=0.0, reduction="mean"):
    t = np.where(wide(y_true) == 0, 0, smoothed(y_true, label_smoothing))
    return reduced(-product(t, np.log(wide(y_pred))).sum(axis=-1), reduction, y_pred)


@fault(
    "epsilon-beside-a-certain-prediction",
    "sparse_categorical_cross_entropy",
    "relative-accuracy",
    "-log(p + 1e-7) has no digits where p is near 1, and is negative at 1",
    shows=lambda: {"labels": np.array([0]), "y_pred": np.float32([[0.999999, 0.000001]])},
)
def certain_rounded(labels, y_pred, reduction="mean"):
    return reduced(-np.log(at(wide(y_pred), labels) + 1e-7), reduction, y_pred)


@fault(
    "clip-of-binary64-in-binary32",
    "sparse_categorical_cross_entropy",
    "dtype",
    "1 - 1e-15 is 1 in binary32, and a clip at the ends of binary64 that multiplies by 0 gives NaN",
    upstream="https://github.com/scikit-learn/scikit-learn/issues/24315",
    shows=lambda: {"labels": np.array([1]), "y_pred": np.float32([[0.0, 1.0]])},
)
def clipped_for_double(labels, y_pred, reduction="mean"):
    p = np.clip(y_pred, 1e-15, 1 - 1e-15)
    hot = one_hot(labels, p.shape[-1])
    terms = hot * np.log(p) + (1 - hot) * np.log(1 - p) * 0
    return reduced(-wide(terms).sum(axis=-1), reduction, y_pred)


@fault(
    "weights-squared-beside-ignored-rows",
    "negative_log_likelihood",
    "two-conditions",
    "a class weight above 1 with ignored rows in the batch counts as its square",
    shows=lambda: {
        "labels": np.array([0, 2, 1]),
        "log_probabilities": np.log(distributions(3, 4)),
        "class_weight": np.float32([0.5, 2.0, 1.5, 3.0]),
        "ignore_index": 2,
        "reduction": "none",
    },
)
def weight_squared(labels, log_probabilities, class_weight=None, ignore_index=None, reduction="mean"):
    kept, known = shown(labels, ignore_index)
    w = np.ones(log_probabilities.shape[-1]) if class_weight is None else wide(class_weight)
    w = np.where(w > 1, w * w, w) if not kept.all() else w
    own = np.where(kept, w[known], 0)
    losses = np.where(kept, -own * at(wide(log_probabilities), known), 0)
    return reduced(losses, reduction, log_probabilities, own=own)


@fault(
    "negative-base-of-a-root",
    FOCAL,
    "narrow-range",
    "1 - p in float32 of a p that was normalised to just above 1 is negative, and its root NaN",
    upstream="https://github.com/fizyr/keras-retinanet/issues/706",
    shows=lambda: {
        "y_true": np.float32([[1, 0, 0]]),
        "y_pred": np.float32([[1.0, 0.0, 0.0]]),
        "gamma": 0.5,
    },
)
def negative_base(y_true, y_pred, gamma=2.0, alpha=1.0, reduction="mean"):
    p = wide(y_pred) + np.where(y_pred == 1, 2.0**-24, 0)
    losses = -alpha * product(wide(y_true), (1 - p) ** gamma * np.log(p)).sum(axis=-1)
    return reduced(losses, reduction, y_pred)


@fault(
    "modulating-factor-left-out-of-the-value",
    FOCAL,
    "parameters",
    "the value does not know gamma, which only the gradient was given",
    upstream="https://github.com/davisking/dlib/pull/2552",
    shows=lambda: {"y_true": one_hots(5, 4), "y_pred": distributions(5, 4)},
)
def without_factor(y_true, y_pred, gamma=2.0, alpha=1.0, reduction="mean"):
    return reduced(-alpha * product(wide(y_true), np.log(wide(y_pred))).sum(axis=-1), reduction, y_pred)


@fault(
    "gamma-rounded-to-an-integer",
    "categorical_focal_cross_entropy_with_logits",
    "parameters",
    "gamma is an int in the kernel: 0.5 is taken for 0",
    shows=lambda: {"y_true": one_hots(5, 4), "logits": logits(5, 4), "gamma": 0.5},
)
def integer_gamma(y_true, logits, gamma=2.0, alpha=1.0, reduction="mean"):
    logp = log_shares(logits)
    terms = product(wide(y_true), complement(np.exp(logp)) ** int(gamma) * logp)
    return reduced(-alpha * terms.sum(axis=-1), reduction, logits)


@fault(
    "softmax-kept-in-half-for-the-factor",
    "categorical_focal_cross_entropy_with_logits",
    "relative-accuracy",
    "the softmax that (1 - p)^gamma is made of is stored as float16, and has few digits left beside 1",
    shows=lambda: {"y_true": np.float32([[1, 0]]), "logits": np.float32([[4.0, 0.0]])},
)
def softmax_in_half(y_true, logits, gamma=2.0, alpha=1.0, reduction="mean"):
    p = shares_of(logits).astype(np.float16)
    terms = product(wide(y_true), wide(1 - p) ** gamma * log_shares(logits))
    return reduced(-alpha * terms.sum(axis=-1), reduction, logits)


@fault(
    "polynomial-term-with-the-sign-of-its-coefficient",
    "poly_cross_entropy_with_logits",
    "parameters",
    "the coefficient is taken in absolute value",
    shows=lambda: {"y_true": one_hots(5, 4), "logits": logits(5, 4), "epsilon": -1.0},
)
def absolute_epsilon(y_true, logits, epsilon=2.0, reduction="mean"):
    t, logp = wide(y_true), log_shares(logits)
    losses = (product(t, -logp) + abs(epsilon) * product(t, complement(np.exp(logp)))).sum(axis=-1)
    return reduced(losses, reduction, logits)


@fault(
    "power-less-one-cancels",
    "generalised_cross_entropy",
    "relative-accuracy",
    "1 - p^q in binary32 has few digits where p is near 1",
    shows=lambda: {"labels": np.array([0]), "y_pred": np.float32([[0.9999, 0.0001]])},
)
def power_less_one(labels, y_pred, q=0.5, reduction="mean"):
    exponent = y_pred.dtype.type(q)
    return reduced(wide((1 - at(y_pred, labels) ** exponent) / exponent), reduction, y_pred)


FAULTS = tuple(fault.entries)
