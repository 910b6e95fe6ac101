"""Wrong losses of probabilities: divergences, squared errors, cross-entropies and their relatives."""

from __future__ import annotations

import numpy as np

from tests.zoo.entries import Table
from tests.zoo.right_rows import (
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
from tests.zoo.row_inputs import distributions, logits, one_hots

fault = Table()
KL = "kl_divergence"
GENERALISED = "generalised_kl_divergence_of_probabilities"
FOCAL = "categorical_focal_cross_entropy"


def pair(n=5, c=4, dtype="float32"):
    return lambda: {"y_true": distributions(n, c, dtype), "y_pred": distributions(n, c, dtype, seed=8)}


@fault(
    KL,
    "special-values",
    lambda: {"y_true": np.float32([[0.0, 1.0]]), "y_pred": np.float32([[0.5, 0.5]])},
    upstream="https://github.com/google-deepmind/optax/pull/473",
    conventions={"kl-target-zero": "yes"},
)
def zero_times_log_of_zero(y_true, y_pred, reduction="mean"):
    """0 log 0 is NaN."""
    p, q = wide(y_true), wide(y_pred)
    return reduced((p * (np.log(p) - np.log(q))).sum(axis=-1), reduction, y_pred)


@fault(
    KL,
    "narrow-range",
    lambda: {"y_true": np.float32([[0.75, 0.25]]), "y_pred": np.float32([[1e-39, 1.0]])},
    upstream="https://github.com/scipy/scipy/issues/20710",
)
def quotient_overflows_before_the_logarithm(y_true, y_pred, reduction="mean"):
    """p / q is infinite where q is tiny, though its logarithm is small."""
    ratio = y_true / y_pred
    return reduced(product(wide(y_true), np.log(wide(ratio))).sum(axis=-1), reduction, y_pred)


@fault(
    KL, "dtype", lambda: {"y_true": np.float16([[2e-7, 1.0]]), "y_pred": np.float16([[0.9, 1e-5]])}, dtypes=("float16",)
)
def half_precision_quotient_underflows(y_true, y_pred, reduction="mean"):
    """p / q is computed in float16, where a small p over an ordinary q loses its digits."""
    ratio = (y_true / y_pred).astype(y_pred.dtype)
    return reduced(product(wide(y_true), np.log(wide(ratio))).sum(axis=-1), reduction, y_pred)


@fault(
    KL, "relative-accuracy", lambda: {"y_true": np.float32([[0.25, 0.75]]), "y_pred": np.float32([[1e-6, 0.999999]])}
)
def epsilon_added_to_the_prediction(y_true, y_pred, reduction="mean"):
    """log(q + 1e-7) is not clipping: a prediction of 1e-6 is a tenth too large."""
    p, q = wide(y_true), wide(y_pred)
    return reduced(relative_entropy(p, np.log(p), np.log(q + 1e-7)).sum(axis=-1), reduction, y_pred)


@fault(KL, "formula", pair())
def negative_terms_cut_off(y_true, y_pred, reduction="mean"):
    """Each term is cut at 0, since a divergence is not negative; a term may be."""
    p, q = wide(y_true), wide(y_pred)
    return reduced(np.maximum(relative_entropy(p, np.log(p), np.log(q)), 0).sum(axis=-1), reduction, y_pred)


@fault(KL, "narrow-range", lambda: {"y_true": np.float32([[0.505, 0.495]]), "y_pred": np.float32([[0.5, 0.5]])})
def logarithm_by_its_tangent_near_one(y_true, y_pred, reduction="mean"):
    """where p and q differ by less than a hundredth the logarithm of the quotient is taken for the quotient less
    one."""
    p, q = wide(y_true), wide(y_pred)
    gap = (p - q) / q
    logs = np.where(np.abs(gap) < 0.01, gap, np.log(p) - np.log(q))
    return reduced(np.where(p == 0, 0, p * logs).sum(axis=-1), reduction, y_pred)


@fault(
    "kl_divergence_of_log_predictions",
    "special-values",
    lambda: {"y_true": np.float32([[0.0, 1.0]]), "log_probabilities": np.float32([[-np.inf, -0.5]])},
    upstream="https://github.com/google-deepmind/optax/pull/1786",
    conventions={"kl-target-and-prediction-zero": "nothing"},
)
def log_prediction_of_minus_infinity_beside_a_zero_target(y_true, log_probabilities, reduction="mean"):
    """0 * (0 - -inf) is NaN where a class has neither target nor prediction."""
    p, q = wide(y_true), wide(log_probabilities)
    logs = np.where(p == 0, 0, np.log(p))
    return reduced((p * (logs - q)).sum(axis=-1), reduction, log_probabilities)


@fault(
    "kl_divergence_of_logs",
    "special-values",
    lambda: {"log_targets": np.float32([[-np.inf, 0.0]]), "log_probabilities": np.float32([[-1.0, -0.5]])},
    upstream="https://github.com/google-deepmind/optax/pull/1786",
    conventions={"kl-target-zero": "yes"},
)
def log_target_of_minus_infinity(log_targets, log_probabilities, reduction="mean"):
    """e^-inf * (-inf - q) is NaN."""
    p, q = wide(log_targets), wide(log_probabilities)
    return reduced((np.exp(p) * (p - q)).sum(axis=-1), reduction, log_probabilities)


@fault(
    "kl_divergence_of_logs",
    "formula",
    lambda: {"log_targets": np.log(distributions(4, 3)), "log_probabilities": np.log(distributions(4, 3, seed=8))},
)
def exponential_of_the_prediction(log_targets, log_probabilities, reduction="mean"):
    """The weight of a term is the prediction's probability, not the target's: the divergence of m to p, less its
    sign."""
    p, q = wide(log_targets), wide(log_probabilities)
    return reduced(product(np.exp(q), p - q).sum(axis=-1), reduction, log_probabilities)


@fault(
    GENERALISED, "two-conditions", lambda: {"y_true": np.float32([[0.0, 1.0]]), "y_pred": np.float32([[0.25, 0.75]])}
)
def whole_term_masked_where_the_target_is_zero(y_true, y_pred, reduction="mean"):
    """where p is 0 the term is taken for 0, and it is q."""
    p, q = wide(y_true), wide(y_pred)
    terms = np.where(p == 0, 0, relative_entropy(p, np.log(p), np.log(q)) - p + q)
    return reduced(terms.sum(axis=-1), reduction, y_pred)


@fault(
    "generalised_kl_divergence",
    "formula",
    lambda: {"y_true": distributions(4, 3) * 2, "log_probabilities": np.log(distributions(4, 3, seed=8))},
)
def rows_supposed_to_sum_to_one(y_true, log_probabilities, reduction="mean"):
    """- p + q is left out, since it sums to 0 for distributions."""
    p, q = wide(y_true), wide(log_probabilities)
    return reduced(relative_entropy(p, np.log(p), q).sum(axis=-1), reduction, log_probabilities)


@fault(
    "multiclass_brier_score",
    "relative-accuracy",
    lambda: {"y_true": np.float32([[1, 0, 0]]), "y_pred": np.float32([[0.9998, 0.0001, 0.0001]])},
)
def sum_of_squares_less_twice_the_true_share(y_true, y_pred, reduction="mean"):
    """Sum p^2 - 2 p_label + 1 cancels where the prediction is good."""
    t = y_true.astype(y_pred.dtype)
    squares = (y_pred * y_pred).sum(axis=-1, dtype=y_pred.dtype)
    return reduced(wide(squares - 2 * (y_pred * t).sum(axis=-1, dtype=y_pred.dtype) + 1), reduction, y_pred)


@fault("multiclass_brier_score", "shape", lambda: {"y_true": one_hots(5, 4), "y_pred": distributions(5, 4)})
def divided_by_the_classes_beyond_two(y_true, y_pred, reduction="mean"):
    """Rows of more than two classes are averaged, those of two are summed."""
    each = (wide(y_pred) - wide(y_true)) ** 2
    return reduced(each.mean(axis=-1) if each.shape[-1] > 2 else each.sum(axis=-1), reduction, y_pred)


@fault(
    "categorical_cross_entropy",
    "two-conditions",
    lambda: {"y_true": one_hots(5, 4), "y_pred": distributions(5, 4), "label_smoothing": 0.125},
)
def smoothed_targets_not_put_back_together(y_true, y_pred, label_smoothing=0.0, reduction="mean"):
    """Label smoothing takes e off every target and adds e / C only where the target is not 0."""
    t = np.where(wide(y_true) == 0, 0, smoothed(y_true, label_smoothing))
    return reduced(-product(t, np.log(wide(y_pred))).sum(axis=-1), reduction, y_pred)


@fault(
    "sparse_categorical_cross_entropy",
    "relative-accuracy",
    lambda: {"labels": np.array([0]), "y_pred": np.float32([[0.999999, 0.000001]])},
)
def epsilon_beside_a_certain_prediction(labels, y_pred, reduction="mean"):
    """-log(p + 1e-7) has no digits where p is near 1, and is negative at 1."""
    return reduced(-np.log(at(wide(y_pred), labels) + 1e-7), reduction, y_pred)


@fault(
    "sparse_categorical_cross_entropy",
    "dtype",
    lambda: {"labels": np.array([1]), "y_pred": np.float32([[0.0, 1.0]])},
    upstream="https://github.com/scikit-learn/scikit-learn/issues/24315",
)
def clip_of_binary64_in_binary32(labels, y_pred, reduction="mean"):
    """1 - 1e-15 is 1 in binary32, and a clip at the ends of binary64 that multiplies by 0 gives NaN."""
    p = np.clip(y_pred, 1e-15, 1 - 1e-15)
    hot = one_hot(labels, p.shape[-1])
    terms = hot * np.log(p) + (1 - hot) * np.log(1 - p) * 0
    return reduced(-wide(terms).sum(axis=-1), reduction, y_pred)


@fault(
    "negative_log_likelihood",
    "two-conditions",
    lambda: {
        "labels": np.array([0, 2, 1]),
        "log_probabilities": np.log(distributions(3, 4)),
        "class_weight": np.float32([0.5, 2.0, 1.5, 3.0]),
        "ignore_index": 2,
        "reduction": "none",
    },
)
def weights_squared_beside_ignored_rows(
    labels, log_probabilities, class_weight=None, ignore_index=None, reduction="mean"
):
    """A class weight above 1 with ignored rows in the batch counts as its square."""
    kept, known = shown(labels, ignore_index)
    w = np.ones(log_probabilities.shape[-1]) if class_weight is None else wide(class_weight)
    w = np.where(w > 1, w * w, w) if not kept.all() else w
    own = np.where(kept, w[known], 0)
    losses = np.where(kept, -own * at(wide(log_probabilities), known), 0)
    return reduced(losses, reduction, log_probabilities, own=own)


@fault(
    FOCAL,
    "narrow-range",
    lambda: {"y_true": np.float32([[1, 0, 0]]), "y_pred": np.float32([[1.0, 0.0, 0.0]]), "gamma": 0.5},
    upstream="https://github.com/fizyr/keras-retinanet/issues/706",
)
def negative_base_of_a_root(y_true, y_pred, gamma=2.0, alpha=1.0, reduction="mean"):
    """1 - p in float32 of a p that was normalised to just above 1 is negative, and its root NaN."""
    p = wide(y_pred) + np.where(y_pred == 1, 2.0**-24, 0)
    losses = -alpha * product(wide(y_true), (1 - p) ** gamma * np.log(p)).sum(axis=-1)
    return reduced(losses, reduction, y_pred)


@fault(
    FOCAL,
    "parameters",
    lambda: {"y_true": one_hots(5, 4), "y_pred": distributions(5, 4)},
    upstream="https://github.com/davisking/dlib/pull/2552",
)
def modulating_factor_left_out_of_the_value(y_true, y_pred, gamma=2.0, alpha=1.0, reduction="mean"):
    """The value does not know gamma, which only the gradient was given."""
    return reduced(-alpha * product(wide(y_true), np.log(wide(y_pred))).sum(axis=-1), reduction, y_pred)


@fault(
    "categorical_focal_cross_entropy_with_logits",
    "parameters",
    lambda: {"y_true": one_hots(5, 4), "logits": logits(5, 4), "gamma": 0.5},
)
def gamma_rounded_to_an_integer(y_true, logits, gamma=2.0, alpha=1.0, reduction="mean"):
    """Gamma is an int in the kernel: 0.5 is taken for 0."""
    logp = log_shares(logits)
    terms = product(wide(y_true), complement(np.exp(logp)) ** int(gamma) * logp)
    return reduced(-alpha * terms.sum(axis=-1), reduction, logits)


@fault(
    "categorical_focal_cross_entropy_with_logits",
    "relative-accuracy",
    lambda: {"y_true": np.float32([[1, 0]]), "logits": np.float32([[4.0, 0.0]])},
)
def softmax_kept_in_half_for_the_factor(y_true, logits, gamma=2.0, alpha=1.0, reduction="mean"):
    """The softmax that (1 - p)^gamma is made of is stored as float16, and has few digits left beside 1."""
    p = shares_of(logits).astype(np.float16)
    terms = product(wide(y_true), wide(1 - p) ** gamma * log_shares(logits))
    return reduced(-alpha * terms.sum(axis=-1), reduction, logits)


@fault(
    "poly_cross_entropy_with_logits",
    "parameters",
    lambda: {"y_true": one_hots(5, 4), "logits": logits(5, 4), "epsilon": -1.0},
)
def polynomial_term_with_the_sign_of_its_coefficient(y_true, logits, epsilon=2.0, reduction="mean"):
    """The coefficient is taken in absolute value."""
    t, logp = wide(y_true), log_shares(logits)
    losses = (product(t, -logp) + abs(epsilon) * product(t, complement(np.exp(logp)))).sum(axis=-1)
    return reduced(losses, reduction, logits)


@fault(
    "generalised_cross_entropy",
    "relative-accuracy",
    lambda: {"labels": np.array([0]), "y_pred": np.float32([[0.9999, 0.0001]])},
)
def power_less_one_cancels(labels, y_pred, q=0.5, reduction="mean"):
    """1 - p^q in binary32 has few digits where p is near 1."""
    exponent = y_pred.dtype.type(q)
    return reduced(wide((1 - at(y_pred, labels) ** exponent) / exponent), reduction, y_pred)


FAULTS = tuple(fault.entries)
