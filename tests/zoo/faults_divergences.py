"""Wrong losses of probabilities: divergences, squared errors, cross-entropies and their relatives."""

from __future__ import annotations

import numpy as np

from tests.zoo.entries import Table, given
from tests.zoo.right_rows import (
    ROWS,
    at,
    complement,
    log_shares,
    one_hot,
    product,
    relative_entropy,
    shares_of,
    shown,
    smoothed,
    wide,
)
from tests.zoo.row_inputs import distributions, logits, one_hots

fault = Table(ROWS, wide=True)
KL = "kl_divergence"
GENERALISED = "generalised_kl_divergence_of_probabilities"
FOCAL = "categorical_focal_cross_entropy"


def pair(n=5, c=4, dtype="float32"):
    return lambda: {"y_true": distributions(n, c, dtype), "y_pred": distributions(n, c, dtype, seed=8)}


# fmt: off
fault.row("zero-times-log-of-zero", KL, "special-values", given(y_true=[[0.0, 1.0]], y_pred=[[0.5, 0.5]]),
    "0 log 0 is NaN.", lambda p, q: (p * (np.log(p) - np.log(q))).sum(axis=-1),
    upstream="google-deepmind/optax/pull/473", conventions={"kl-target-zero": "yes"})
fault.row("quotient-overflows-before-the-logarithm", KL, "narrow-range",
    given(y_true=[[0.75, 0.25]], y_pred=[[1e-39, 1.0]]),
    "p / q is infinite where q is tiny, though its logarithm is small.",
    lambda t, p: product(wide(t), np.log(wide(t / p))).sum(axis=-1), upstream="scipy/scipy/issues/20710", wide=False)
fault.row("half-precision-quotient-underflows", KL, "dtype",
    given(y_true=np.float16([[2e-7, 1.0]]), y_pred=np.float16([[0.9, 1e-5]])),
    "p / q is computed in float16, where a small p over an ordinary q loses its digits.",
    lambda t, p: product(wide(t), np.log(wide((t / p).astype(p.dtype)))).sum(axis=-1), dtypes=("float16",), wide=False)
fault.row("epsilon-added-to-the-prediction", KL, "relative-accuracy",
    given(y_true=[[0.25, 0.75]], y_pred=[[1e-6, 0.999999]]),
    "log(q + 1e-7) is not clipping: a prediction of 1e-6 is a tenth too large.",
    lambda p, q: relative_entropy(p, np.log(p), np.log(q + 1e-7)).sum(axis=-1))
fault.row("negative-terms-cut-off", KL, "formula", pair(),
    "Each term is cut at 0, since a divergence is not negative; a term may be.",
    lambda p, q: np.maximum(relative_entropy(p, np.log(p), np.log(q)), 0).sum(axis=-1))
fault.row("logarithm-by-its-tangent-near-one", KL, "narrow-range", given(y_true=[[0.505, 0.495]], y_pred=[[0.5, 0.5]]),
    "where p and q differ by less than a hundredth the logarithm of the quotient is taken for the quotient less one.",
    lambda p, q: np.where(p == 0, 0, p * np.where(np.abs((p - q) / q) < 0.01, (p - q) / q,
        np.log(p) - np.log(q))).sum(axis=-1))
fault.row("log-prediction-of-minus-infinity-beside-a-zero-target", "kl_divergence_of_log_predictions", "special-values",
    given(y_true=[[0.0, 1.0]], log_probabilities=np.float32([[-np.inf, -0.5]])),
    "0 * (0 - -inf) is NaN where a class has neither target nor prediction.",
    lambda p, q: (p * (np.where(p == 0, 0, np.log(p)) - q)).sum(axis=-1), upstream="google-deepmind/optax/pull/1786",
    conventions={"kl-target-and-prediction-zero": "nothing"})
fault.row("log-target-of-minus-infinity", "kl_divergence_of_logs", "special-values",
    given(log_targets=np.float32([[-np.inf, 0.0]]), log_probabilities=[[-1.0, -0.5]]), "e^-inf * (-inf - q) is NaN.",
    lambda p, q: (np.exp(p) * (p - q)).sum(axis=-1), upstream="google-deepmind/optax/pull/1786",
    conventions={"kl-target-zero": "yes"})
fault.row("exponential-of-the-prediction", "kl_divergence_of_logs", "formula",
    given(log_targets=np.log(distributions(4, 3)), log_probabilities=np.log(distributions(4, 3, seed=8))),
    "The weight of a term is the prediction's probability, not the target's: the divergence of m to p, less its sign.",
    lambda p, q: product(np.exp(q), p - q).sum(axis=-1))
fault.row("whole-term-masked-where-the-target-is-zero", GENERALISED, "two-conditions",
    given(y_true=[[0.0, 1.0]], y_pred=[[0.25, 0.75]]), "where p is 0 the term is taken for 0, and it is q.",
    lambda p, q: np.where(p == 0, 0, relative_entropy(p, np.log(p), np.log(q)) - p + q).sum(axis=-1))
fault.row("rows-supposed-to-sum-to-one", "generalised_kl_divergence", "formula",
    given(y_true=distributions(4, 3) * 2, log_probabilities=np.log(distributions(4, 3, seed=8))),
    "- p + q is left out, since it sums to 0 for distributions.",
    lambda p, q: relative_entropy(p, np.log(p), q).sum(axis=-1))
fault.row("sum-of-squares-less-twice-the-true-share", "multiclass_brier_score", "relative-accuracy",
    given(y_true=np.float32([[1, 0, 0]]), y_pred=[[0.9998, 0.0001, 0.0001]]),
    "Sum p^2 - 2 p_label + 1 cancels where the prediction is good.",
    lambda y_true, p: wide((p * p).sum(axis=-1, dtype=p.dtype) - 2
        * (p * y_true.astype(p.dtype)).sum(axis=-1, dtype=p.dtype) + 1), wide=False)
fault.row("smoothed-targets-not-put-back-together", "categorical_cross_entropy", "two-conditions",
    given(y_true=one_hots(5, 4), y_pred=distributions(5, 4), label_smoothing=0.125),
    "Label smoothing takes e off every target and adds e / C only where the target is not 0.",
    lambda y_true, p, label_smoothing=0.0: -product(np.where(y_true == 0, 0, smoothed(y_true, label_smoothing)),
        np.log(p)).sum(axis=-1))
fault.row("epsilon-beside-a-certain-prediction", "sparse_categorical_cross_entropy", "relative-accuracy",
    given(labels=[0], y_pred=[[0.999999, 0.000001]]),
    "-log(p + 1e-7) has no digits where p is near 1, and is negative at 1.", lambda y, p: -np.log(at(p, y) + 1e-7))
fault.row("modulating-factor-left-out-of-the-value", FOCAL, "parameters",
    given(y_true=one_hots(5, 4), y_pred=distributions(5, 4)),
    "The value does not know gamma, which only the gradient was given.",
    lambda t, p, gamma=2.0, alpha=1.0: -alpha * product(t, np.log(p)).sum(axis=-1), upstream="davisking/dlib/pull/2552")
fault.row("gamma-rounded-to-an-integer", "categorical_focal_cross_entropy_with_logits", "parameters",
    given(y_true=one_hots(5, 4), logits=logits(5, 4), gamma=0.5), "Gamma is an int in the kernel: 0.5 is taken for 0.",
    lambda t, z, gamma=2.0, alpha=1.0: -alpha * product(t, complement(np.exp(log_shares(z))) ** int(gamma)
        * log_shares(z)).sum(axis=-1))
fault.row("softmax-kept-in-half-for-the-factor", "categorical_focal_cross_entropy_with_logits", "relative-accuracy",
    given(y_true=np.float32([[1, 0]]), logits=[[4.0, 0.0]]),
    "The softmax that (1 - p)^gamma is made of is stored as float16, and has few digits left beside 1.",
    lambda t, z, gamma=2.0, alpha=1.0: -alpha * product(t, wide(1 - shares_of(z).astype(np.float16)) ** gamma
        * log_shares(z)).sum(axis=-1))
fault.row("polynomial-term-with-the-sign-of-its-coefficient", "poly_cross_entropy_with_logits", "parameters",
    given(y_true=one_hots(5, 4), logits=logits(5, 4), epsilon=-1.0), "The coefficient is taken in absolute value.",
    lambda t, z, epsilon=2.0: (product(t, -log_shares(z)) + abs(epsilon)
        * product(t, complement(np.exp(log_shares(z))))).sum(axis=-1))
fault.row("power-less-one-cancels", "generalised_cross_entropy", "relative-accuracy",
    given(labels=[0], y_pred=[[0.9999, 0.0001]]), "1 - p^q in binary32 has few digits where p is near 1.",
    lambda y, p, q=0.5: wide((1 - at(p, y) ** p.dtype.type(q)) / p.dtype.type(q)), wide=False)

@fault("multiclass_brier_score", "shape", given(y_true=one_hots(5, 4), y_pred=distributions(5, 4)))
def divided_by_the_classes_beyond_two(t, p):
    """Rows of more than two classes are averaged, those of two are summed."""
    each = (p - t) ** 2
    return each.mean(axis=-1) if each.shape[-1] > 2 else each.sum(axis=-1)

@fault("sparse_categorical_cross_entropy", "dtype", given(labels=[1], y_pred=[[0.0, 1.0]]),
    upstream="scikit-learn/scikit-learn/issues/24315", wide=False)
def clip_of_binary64_in_binary32(y, y_pred):
    """1 - 1e-15 is 1 in binary32, and a clip at the ends of binary64 that multiplies by 0 gives NaN."""
    p = np.clip(y_pred, 1e-15, 1 - 1e-15)
    hot = one_hot(y, p.shape[-1])
    return -wide(hot * np.log(p) + (1 - hot) * np.log(1 - p) * 0).sum(axis=-1)

@fault("negative_log_likelihood", "two-conditions",
    given(labels=[0, 2, 1], log_probabilities=np.log(distributions(3, 4)), class_weight=[0.5, 2.0, 1.5, 3.0],
        ignore_index=2, reduction="none"))
def weights_squared_beside_ignored_rows(y, logq, class_weight=None, ignore_index=None):
    """A class weight above 1 with ignored rows in the batch counts as its square."""
    kept, known = shown(y, ignore_index)
    w = np.ones(logq.shape[-1]) if class_weight is None else wide(class_weight)
    w = np.where(w > 1, w * w, w) if not kept.all() else w
    own = np.where(kept, w[known], 0)
    return np.where(kept, -own * at(logq, known), 0), own

@fault(FOCAL, "narrow-range", given(y_true=np.float32([[1, 0, 0]]), y_pred=[[1.0, 0.0, 0.0]], gamma=0.5),
    upstream="fizyr/keras-retinanet/issues/706")
def negative_base_of_a_root(t, y_pred, gamma=2.0, alpha=1.0):
    """1 - p in float32 of a p that was normalised to just above 1 is negative, and its root NaN."""
    p = y_pred + np.where(y_pred == 1, 2.0 ** (-24), 0)
    return -alpha * product(t, (1 - p) ** gamma * np.log(p)).sum(axis=-1)

FAULTS = tuple(fault.entries)
