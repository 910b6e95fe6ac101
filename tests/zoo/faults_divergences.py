"""Wrong losses of rows: divergences, squared errors, cross-entropies of probabilities, and margins."""

from __future__ import annotations

import numpy as np

from tests.zoo.entries import Table, given
from tests.zoo.right_rows import (
    ROWS,
    at,
    class_weights,
    complement,
    log_shares,
    narrow,
    one_hot,
    others,
    product,
    projected,
    relative_entropy,
    shares_of,
    shortfalls,
    shown,
    smoothed,
    soft_plus,
    wide,
)
from tests.zoo.row_inputs import distributions, labels, logits, multi_hots, one_hots

fault = Table(ROWS, wide=True)
KL = "kl_divergence"
GENERALISED = "generalised_kl_divergence_of_probabilities"
FOCAL = "categorical_focal_cross_entropy"


def pair(n=5, c=4, dtype="float32"):
    return lambda: {"y_true": distributions(n, c, dtype), "y_pred": distributions(n, c, dtype, seed=8)}


WEIGHTS = np.float32([0.5, 2.0, 1.25, 3.0])


def rows(n=6, c=4, dtype="float32", scale=1.0, **more):
    return lambda: {"labels": labels(n, c), "scores": logits(n, c, dtype, scale), **more}


MULTILABEL = "multilabel_binary_cross_entropy_with_logits"

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
    p = y_pred + np.where(y_pred == 1, 2.0**-24, 0)
    return -alpha * product(t, (1 - p) ** gamma * np.log(p)).sum(axis=-1)

fault.row("weight-inside-the-square", "multi_margin", "two-conditions", rows(class_weight=WEIGHTS, p=2),
    "(w * violation)^p, as the documentation had it, differs from w * violation^p for p = 2 with weights.",
    lambda y, s, p=1, margin=1.0, class_weight=None: ((class_weights(class_weight, s)[y][..., None]
        * shortfalls(y, s, margin)) ** p).sum(axis=-1) / s.shape[-1], upstream="pytorch/pytorch/pull/104844")
fault.row("divided-by-the-other-classes", "multi_margin", "formula", rows(),
    "The mean is over the other classes, C - 1 of them, and not over all.",
    lambda y, s, p=1, margin=1.0: (shortfalls(y, s, margin) ** p).sum(axis=-1) / max(1, s.shape[-1] - 1))
fault.row("label-takes-part-with-its-own-margin", "multi_margin", "formula", rows(),
    "The label's own term, margin^p, is not left out.",
    lambda y, s, p=1, margin=1.0: (np.maximum(np.longdouble(margin) - at(s, y)[..., None] + s, 0) ** p).sum(axis=-1)
        / s.shape[-1])
fault.row("margin-of-one-whatever-is-asked", "multi_margin", "parameters", rows(p=2, margin=2.0),
    "The squared form has its margin of 1 compiled in.",
    lambda y, s, p=1, margin=1.0: (shortfalls(y, s, margin if p == 1 else 1.0) ** p).sum(axis=-1) / s.shape[-1])
fault.row("violations-added-in-half", "multi_margin", "dtype",
    given(labels=[0], scores=np.zeros((1, 6000), np.float16)),
    "float16 violations are added one by one in float16: from 2048 on, ones are lost.",
    lambda y, s, p=1, margin=1.0: wide(np.add.accumulate(narrow(shortfalls(y, s, margin) ** p, s), axis=-1,
        dtype=s.dtype)[..., -1]) / s.shape[-1], dtypes=("float16",), wide=False)
fault.row("margin-added-before-the-gap", "multiclass_hinge", "relative-accuracy",
    given(labels=[0], scores=[[-1e38, -1e38]]),
    "(1 + s_other) - s_label loses the margin beside scores of 2^64, which their difference does not.",
    lambda y, s: np.maximum(1 + others(s, y).max(axis=-1) - at(s, y), 0))
fault.row("nan-is-no-violation", "multiclass_hinge", "special-values",
    given(labels=[1], scores=np.float32([[0.5, np.nan, 1.0]])), "max(0, NaN) is 0 where the maximum passes a NaN over.",
    lambda y, s: np.fmax(1 + (np.fmax.reduce(others(s, y), axis=-1) - at(s, y)), 0),
    upstream="apache/mxnet/issues/11115")
fault.row("label-masked-with-zero", "multiclass_hinge", "narrow-range", given(labels=[0], scores=[[0.5, -2.0, -0.25]]),
    "The label's score is replaced by 0, not -inf: where all others are negative, 0 is the largest of them.",
    lambda y, s: np.maximum(1 + (np.where(one_hot(y, s.shape[-1]), 0, s).max(axis=-1) - at(s, y)), 0))
fault.row("label-among-the-others", "multiclass_hinge", "formula", given(labels=[0], scores=[[3.0, 0.5, 1.0]]),
    "The maximum is over all classes, so that no loss is below 1.",
    lambda y, s: np.maximum(1 + (s.max(axis=-1) - at(s, y)), 0), conventions={"true-class-in-the-maximum": "no"})
fault.row("zero-not-among-the-others", "categorical_hinge", "narrow-range",
    given(y_true=np.float32([[1, 0, 0]]), scores=[[0.5, -2.0, -3.0]]),
    "The true class is masked with -inf, where the definition has 0 in its place.",
    lambda t, s: np.maximum(np.where(t == 1, -np.inf, (1 - t) * s).max(axis=-1) - product(t, s).sum(axis=-1) + 1, 0),
    conventions={"zero-in-the-maximum": "yes"})
fault.row("margin-added-outside-the-hinge", "categorical_hinge", "formula",
    given(y_true=np.float32([[1, 0, 0]]), scores=[[3.0, 0.5, 1.0]]), "1 + max(0, gap) in place of max(0, 1 + gap).",
    lambda t, s: 1 + np.maximum(product(1 - t, s).max(axis=-1) - product(t, s).sum(axis=-1), 0))
fault.row("averaged-beyond-sixteen-classes", "one_vs_all_hinge", "shape", rows(4, 20),
    "Rows of more than 16 classes are averaged over pairs of blocks, and their sum is half of what it is to be.",
    lambda y, s: np.maximum(1 - np.where(one_hot(y, s.shape[-1]), 1, -1) * s, 0).sum(axis=-1)
        / (2 if s.shape[-1] > 16 else 1))
fault.row("best-score-starts-at-zero", "multiclass_perceptron", "narrow-range",
    given(labels=[1], scores=[[-1.0, -2.0, -3.0]]),
    "The search for the largest score starts at 0, which no row of negative scores reaches.",
    lambda y, s: s.max(axis=-1, initial=0) - at(s, y))
fault.row("labels-compared-among-themselves", "multilabel_margin", "formula",
    given(y_true=multi_hots(5, 6), scores=logits(5, 6)),
    "Pairs of two labels that are there are not left out, but for a label with itself.",
    lambda y_true, s: np.where((y_true == 1)[..., :, None] & ~np.eye(s.shape[-1], dtype=bool),
        np.maximum(1 - (s[..., :, None] - s[..., None, :]), 0), 0).sum(axis=(-2, -1)) / s.shape[-1])
fault.row("weights-lost-in-the-stable-form", MULTILABEL, "weights",
    given(y_true=multi_hots(5, 4), logits=logits(5, 4), class_weight=WEIGHTS),
    "The stable formula was written without the class weights of the one before it.",
    lambda t, z, class_weight=None, pos_weight=None: (product(class_weights(pos_weight, z) * t, soft_plus(-z))
        + product(1 - t, soft_plus(z))).mean(axis=-1), upstream="torch/nn/pull/953")


@fault("multi_margin", "two-conditions", rows(class_weight=WEIGHTS), upstream="torch/nn/pull/1177")
def sign_exchanged_beside_weights(y, s, p=1, margin=1.0, class_weight=None):
    """With class weights the violation is margin - s_label - s_c."""
    if class_weight is None:
        return (shortfalls(y, s, margin) ** p).sum(axis=-1) / s.shape[-1]
    short = np.maximum(margin - (at(s, y)[..., None] + s), 0)
    short = np.where(one_hot(y, s.shape[-1]), 0, short)
    return class_weights(class_weight, s)[y] * (short**p).sum(axis=-1) / s.shape[-1]

@fault("multi_margin", "layout", rows(class_weight=np.float32([9, 1, 9, 2, 9, 3, 9, 4])[1::2]),
    upstream="pytorch/pytorch/pull/104852")
def weights_read_by_stride_one(y, s, p=1, margin=1.0, class_weight=None):
    """A view of every second weight is read as the first weights of the memory behind it."""
    behind = getattr(class_weight, "base", None)
    if isinstance(behind, np.ndarray) and behind.ndim == 1 and behind.size > class_weight.size:
        class_weight = behind[: class_weight.size]
    losses = (shortfalls(y, s, margin) ** p).sum(axis=-1) / s.shape[-1]
    return class_weights(class_weight, s)[y] * losses

@fault("multiclass_hinge", "ties", given(labels=[0], scores=[[2.0, 2.0, 0.5]]))
def runner_up_of_tied_winners(y, s):
    """The runner-up is the largest score below the label's own: one that ties with it is passed over."""
    own = at(s, y)
    rest = others(s, y)
    rest = np.where(rest == own[..., None], -np.inf, rest)
    best = np.where(np.isneginf(rest.max(axis=-1)) & (s.shape[-1] > 1), own - 1, rest.max(axis=-1))
    return np.maximum(1 + (best - own), 0)

@fault("one_vs_all_hinge", "labels", given(labels=labels(5, 4, "uint8"), scores=logits(5, 4)))
def minus_one_in_an_unsigned_dtype(y, s):
    """2 * one_hot - 1 is computed in the labels' dtype: for uint8 the sign of other classes is 255."""
    y = np.asarray(y)
    hot = one_hot(y, s.shape[-1]).astype(y.dtype)
    return np.maximum(1 - wide(hot * y.dtype.type(2) - y.dtype.type(1)) * s, 0).sum(axis=-1)

@fault("multilabel_margin", "formula", given(y_true=multi_hots(5, 6), scores=logits(5, 6)))
def first_label_of_each_row(y_true, s):
    """Of several labels that are there the first alone is compared with the others."""
    t = y_true == 1
    first = t & (np.cumsum(t, axis=-1) == 1)
    pairs = first[..., :, None] & ~t[..., None, :]
    short = np.maximum(1 - (s[..., :, None] - s[..., None, :]), 0)
    return np.where(pairs, short, 0).sum(axis=(-2, -1)) / s.shape[-1]

@fault(MULTILABEL, "relative-accuracy", given(y_true=np.float32([[0, 1]]), logits=[[20.0, 1.0]]),
    upstream="torch/nn/pull/953", wide=False)
def sigmoid_then_logarithm(t, z):
    """1 - sigmoid(z) is rounded to 0 for large logits, and the loss is infinite."""
    p = (1 / (1 + np.exp(-z))).astype(z.dtype)
    each = product(wide(t), np.log(wide(p))) + product(1 - wide(t), np.log(wide(1 - p)))
    return -each.mean(axis=-1)

@fault(MULTILABEL, "two-conditions", given(y_true=multi_hots(4, 4), logits=logits(4, 4), pos_weight=WEIGHTS),
    conventions={"axis-of-pos-weight": "that of labels"})
def weights_along_the_samples_if_square(t, z, pos_weight=None):
    """With as many samples as classes pos_weight is broadcast along the samples."""
    q = class_weights(pos_weight, z)
    q = q[:, None] if z.ndim == 2 and z.shape[0] == z.shape[1] else q
    return (product(q * t, soft_plus(-z)) + product(1 - t, soft_plus(z))).mean(axis=-1)

@fault(MULTILABEL, "dtype", given(y_true=np.array([[0.0]]), logits=np.array([[20.5]])), dtypes=("float64",))
def linear_beyond_twenty(t, z):
    """Softplus is taken for its argument beyond 20, which is exact in binary32 and 2e-9 off in binary64."""
    up, down = (np.where(x > 20, x, soft_plus(x)) for x in (z, -z))
    return (product(t, down) + product(1 - t, up)).mean(axis=-1)

@fault(MULTILABEL, "input-overwritten", lambda: {"y_true": multi_hots(5, 4), "logits": logits(5, 4)}, wide=False)
def targets_thresholded_in_place(y_true, logits):
    """The targets' array is used as scratch for the terms of the loss."""
    t, z = wide(y_true), wide(logits)
    each = product(t, soft_plus(-z)) + product(1 - t, soft_plus(z))
    y_true[...] = narrow(each, y_true)
    return each.mean(axis=-1)

@fault("sparsemax_loss", "narrow-range", given(labels=[2], scores=[[2.0, 1.5, -1.0]]))
def label_outside_the_support_costs_no_more(y, s):
    """Half the squared distance of sparsemax to the label, without what its score lacks to be in the support."""
    d, _, p = projected(s)
    return np.square(p - one_hot(y, d.shape[-1])).sum(axis=-1) / 2

@fault("sparsemax_loss", "shape", given(labels=[0], scores=np.float32([[0.0] * 64 + [0.5]])))
def threshold_of_the_whole_row(y, s):
    """Rows of more than 64 classes are searched for their support among the first 64 alone."""
    d = s
    d = d - d.max(axis=-1, keepdims=True)
    _, tau, _ = projected(d[..., :64])
    tau = tau + d[..., :64].max(axis=-1, keepdims=True)
    p = np.maximum(d - tau, 0)
    losses = np.square(p - one_hot(y, d.shape[-1])).sum(axis=-1) / 2
    return losses + np.maximum(tau[..., 0] - at(d, y), 0)

FAULTS = tuple(fault.entries)
