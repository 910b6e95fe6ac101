"""Faults of losses of one number, and of gradients of such whose values are right."""

from __future__ import annotations

import numpy as np

from tests.zoo import right, right_binary
from tests.zoo.entries import Table, normal, show
from tests.zoo.making import added, changed, in_binary32, mean_of_means
from tests.zoo.right import rounded, sigmoid64, softplus64, wide
from tests.zoo.right_binary import (
    LOSSES,
    balance,
    bce64,
    bce64_slope,
    bce_logits64,
    bce_logits64_slope,
    focal64,
    lack,
    reduced,
    smoothed,
    spread,
    times,
)

fault = Table(LOSSES, wide=True)
PROBABILITY = "binary_cross_entropy"
LOGITS = "binary_cross_entropy_with_logits"
MEAN, SUM = {"reduction": "mean"}, {"reduction": "sum"}
FOCAL = "binary_focal_cross_entropy"
FOCAL_LOGITS = "binary_focal_cross_entropy_with_logits"

# fmt: off
fault.row("bce-without-log1p", PROBABILITY, "relative-accuracy", show(y_true=[0.0, 0.0], y_pred=[1e-6, 1e-9]),
    "log(1 - p) for log1p(-p): the loss of a small probability for a negative is all rounding.",
    lambda t, p: -(times(wide(t), np.log(wide(p))) + times(1 - wide(t),
        np.log(p.dtype.type(1) - p).astype(np.float64))), wide=False)
fault.row("bce-of-hard-targets", PROBABILITY, "formula", show(y_true=[0.75, 0.25], y_pred=[0.5, 0.25]),
    "Targets are compared with 1/2: a soft target is taken for a hard one.",
    lambda t, p: bce64(np.where(t > 0.5, 1.0, 0.0), p))
fault.row("bce-smoothed-too-much", PROBABILITY, "parameters",
    show(y_true=[1.0, 0.0], y_pred=[0.75, 0.25], keywords={"label_smoothing": 0.125}),
    "Smoothing adds all of e and not half of it to a binary target.",
    lambda y_true, p, label_smoothing=0.0: bce64(y_true * (1 - label_smoothing) + label_smoothing, p))
fault.row("bce-of-certainty", PROBABILITY, "special-values", show(y_true=[1.0, 0.0], y_pred=[1.0, 0.0]),
    "0 log 0 is NaN: a certain and right prediction spoils the batch.",
    lambda t, p: -(t * np.log(p) + (1 - t) * np.log1p(-p)))
fault.row("bce-of-flushed-float16", PROBABILITY, "dtype", show(dtype="float16", y_true=[1.0], y_pred=[3e-5]),
    "Subnormal float16 probabilities, below 6e-5, are flushed to 0 before the logarithm.",
    changed(right_binary.binary_cross_entropy, y_pred=lambda y_pred:
        np.where(np.abs(y_pred) < np.finfo(y_pred.dtype).tiny, y_pred.dtype.type(0), y_pred)), dtypes=["float16"])
fault.row("bce-of-sigmoid", LOGITS, "narrow-range", show(y_true=[1.0, 0.0], logits=[-120.0, 150.0]),
    "The logarithm of a sigmoid that has underflowed is infinite from -104 on.",
    lambda t, z: times(t, np.where(z < -104, np.inf, softplus64(-z)))
        + times(1 - t, np.where(z > 104, np.inf, softplus64(z))))
fault.row("bce-of-clipped-sigmoid", LOGITS, "narrow-range", show(y_true=[1.0, 0.0], logits=[-30.0, 30.0]),
    "The sigmoid is clipped to [1e-7, 1 - 1e-7] on the way, so that no logit costs more than 16.1.",
    lambda t, z: bce_logits64(t, np.clip(z, -16.118, 16.118)))
fault.row("bce-of-logits-without-log1p", LOGITS, "relative-accuracy", show(y_true=[1.0, 0.0], logits=[12.0, -20.0]),
    "max(z, 0) - z t + log(1 + e^-|z|) without log1p: a right logit beyond 17 costs nothing at all.",
    lambda t, z: wide(np.maximum(z, 0) - z * t + np.log(z.dtype.type(1) + np.exp(-np.abs(z)))), wide=False)
fault.row("bce-weighing-the-logarithm", LOGITS, "parameters",
    show(y_true=[1.0], logits=[-14.913008], keywords={"pos_weight": 2.0}),
    "pos_weight multiplies the logarithm and not the linear part: 14.9 where 44.7 is due.",
    lambda t, z, pos_weight=1.0: bce_logits64(t, z) + (pos_weight - 1) * t * np.log1p(np.exp(-np.abs(z))),
    upstream="PaddlePaddle/Paddle/pull/65859")
fault.row("bce-weighing-soft-targets", LOGITS, "two-conditions",
    show(y_true=[0.25], logits=[1.5], keywords={"pos_weight": 2.0}),
    "The loss is multiplied with 1 + (w - 1) t, which is right for hard targets alone.",
    lambda t, z, pos_weight=1.0: bce_logits64(t, z) * (1 + (pos_weight - 1) * t))
fault.row("bce-of-logits-of-hard-targets", LOGITS, "formula", show(y_true=[0.75], logits=[1.5]),
    "A choice between two softplus by t > 1/2, which is right for hard targets alone.",
    lambda t, logits: softplus64(np.where(t > 0.5, -logits, logits)))
fault.row("bce-mean-over-rows", PROBABILITY, "reduction",
    show(y_true=np.ones((2, 3)), y_pred=np.full((2, 3), 0.25), keywords=MEAN),
    "The mean of a matrix is divided by its rows alone.",
    added(right_binary.binary_cross_entropy, count=lambda each: len(each) if each.ndim else 1))
fault.row("bce-mean-in-float16", PROBABILITY, "two-conditions",
    show(dtype="float16", y_true=np.ones(6000), y_pred=np.full(6000, 0.3), keywords=MEAN),
    "The mean of float16 losses is added up in float16, one after the other: long batches stick.",
    added(right_binary.binary_cross_entropy,
        total=lambda each: np.cumsum(each, dtype=np.float16)[-1] if each.size else np.float16(0)), dtypes=["float16"])
fault.row("bce-mean-by-a-short-count", LOGITS, "reduction",
    show(y_true=np.ones(4500), logits=normal(4500), keywords=MEAN),
    "The mean divides by a 12-bit count: from 4096 losses on it is too large.",
    added(right_binary.binary_cross_entropy_with_logits, count=lambda each: each.size & 0xFFF))
fault.row("bce-mean-of-means", LOGITS, "reduction",
    show(y_true=np.ones(130), logits=[*np.zeros(128), -30.0, -40.0], keywords=MEAN),
    "The mean is one of means over blocks of 128, the last of which may be shorter and counts as much.",
    added(right_binary.binary_cross_entropy_with_logits, mean=lambda each: mean_of_means(each, 128)))
fault.row("bce-sum-in-binary32", LOGITS, "dtype",
    show(dtype="float64", y_true=np.ones(50), logits=normal(50), keywords=SUM),
    "binary64 losses are added up in binary32.",
    added(right_binary.binary_cross_entropy_with_logits, total=in_binary32), dtypes=["float64"])
fault.row("brier-mean-in-binary32", "brier_score", "dtype",
    show(dtype="float64", y_true=np.zeros(7), y_pred=np.linspace(0.1, 0.7, 7), keywords=MEAN),
    "binary64 scores are averaged in binary32.", added(right_binary.brier_score, total=in_binary32), dtypes=["float64"])
fault.row("bce-of-small-logits", LOGITS, "narrow-range", show(y_true=[1.0], logits=[5e-4]),
    "The exponential of a logit between -1e-3 and 1e-3 is taken for 1 + z in a shortcut with a wrong constant.",
    lambda t, z: np.where((np.abs(z) < 1e-3) & (z != 0), bce_logits64(t, z) + 5e-5, bce_logits64(t, z)))

@fault(PROBABILITY, "weights", show(y_true=[1.0, 1.0], y_pred=[0.25, 0.5], sample_weight=[1.0, 3.0], keywords=MEAN))
def bce_weighted_twice(y_true, y_pred, sample_weight=None, reduction="mean"):
    """The losses are weighted, and their mean is weighted again."""
    values = bce64(wide(y_true), wide(y_pred))
    if sample_weight is not None and reduction == "mean":
        values = values * wide(sample_weight)
    return reduced(values, y_pred, sample_weight, reduction)

@fault(PROBABILITY, "weights", show(y_true=[1.0, 1.0], y_pred=[0.25, 0.5], sample_weight=[1.0, 3.0], keywords=MEAN))
def bce_of_a_column_and_a_row(y_true, y_pred, sample_weight=None, reduction="mean"):
    """A column of losses meets a row of weights: every loss is weighted with every weight, and the mean forgets
    which."""
    values = bce64(wide(y_true), wide(y_pred))
    if sample_weight is None or reduction == "none":
        return reduced(values, y_pred, sample_weight, reduction)
    table = values.reshape(-1, 1) * wide(sample_weight).reshape(1, -1)
    total = table.sum() / max(values.size, 1)
    return rounded(total / (wide(sample_weight).sum() if reduction == "mean" else 1.0), y_pred)

@fault(PROBABILITY, "weights", show(y_true=[1.0, 1.0], y_pred=[0.25, 0.5], sample_weight=[0.75, 1.5], keywords=MEAN))
def bce_over_whole_weights(y_true, y_pred, sample_weight=None, reduction="mean"):
    """The sum of the weights that a mean divides by is kept as a whole number."""
    answer = right_binary.binary_cross_entropy(y_true, y_pred, 0.0, sample_weight, reduction)
    if sample_weight is None or reduction != "mean":
        return answer
    total = wide(sample_weight).sum()
    return rounded(wide(answer) * total / max(np.trunc(total), 1.0), y_pred)

@fault(LOGITS, "two-conditions", show(y_true=[1.0], logits=[-120.0], keywords={"pos_weight": 2.0}),
    upstream="pytorch/pytorch/issues/13773")
def bce_weighing_positives_overflows(t, z, pos_weight=1.0):
    """With a pos_weight another formula is taken, which overflows at -120."""
    values = bce_logits64(t, z, pos_weight)
    if pos_weight != 1:
        values = np.where((t > 0) & (z < -88.7), np.inf, values)
    return values

@fault(LOGITS, "two-conditions",
    show(y_true=[0.0, 1.0], logits=[1.5, 1.5], keywords={"pos_weight": 2.0, "label_smoothing": 0.125}))
def bce_weighing_before_smoothing(
    y_true, logits, label_smoothing=0.0, pos_weight=1.0, sample_weight=None, reduction="mean"
):
    """With smoothing and pos_weight at once, pos_weight is that of the target before it was smoothed."""
    if not label_smoothing:
        return right_binary.binary_cross_entropy_with_logits(y_true, logits, 0.0, pos_weight, sample_weight, reduction)
    weight = 1 + (pos_weight - 1) * wide(y_true)
    values = bce_logits64(smoothed(wide(y_true), label_smoothing), wide(logits)) * weight
    return reduced(values, logits, sample_weight, reduction)

fault.row("focal-times-gamma", FOCAL, "formula", show(y_true=[1.0], y_pred=[0.75]),
    "For positives, gamma multiplies where it is to be an exponent.",
    lambda t, p, gamma=2.0: times(t, -(1 - p) * gamma * np.log(p)) - times(1 - t, p**gamma * np.log1p(-p)),
    upstream="fudannlp16/focal-loss/issues/2")
fault.row("focal-without-its-factor", FOCAL_LOGITS, "formula", show(y_true=[1.0], logits=[0.75]),
    "The value that is reported is plain cross-entropy: the factor went into the gradient alone.",
    lambda t, z, gamma=2.0: bce_logits64(t, z), upstream="davisking/dlib/pull/2552")
fault.row("focal-of-whole-gamma", FOCAL, "parameters", show(y_true=[1.0], y_pred=[0.75], keywords={"gamma": 0.5}),
    "The exponent is a whole number: a gamma of 1/2 is taken for 0.",
    changed(right_binary.binary_focal_cross_entropy, gamma=lambda gamma: int(gamma)))
fault.row("squared-hinge-of-both-sides", "squared_hinge", "formula", show(y_true=[1.0], score=[2.0]),
    "The square is taken before the maximum, so that scores beyond the margin cost too.",
    lambda t, s: np.square(1 - t * s))
fault.row("squared-hinge-of-the-mean", "squared_hinge", "reduction",
    show(y_true=[1.0, 1.0], score=[0.0, 0.5], keywords=MEAN), "The mean is squared in place of the losses.",
    lambda y_true, score, sample_weight=None, reduction="mean":
        right_binary.squared_hinge(y_true, score, sample_weight, reduction) if reduction != "mean"
        else rounded(np.square(wide(reduced(lack(y_true, score), np.float64(0), sample_weight, "mean"))), score))
fault.row("hinge-of-whole-scores", "hinge", "isolated", show(y_true=[1.0], score=[-1.0]),
    "A score of exactly -1 is taken for a label, and costs 1.", lambda t, s: np.where(wide(s) == -1, 1.0, lack(t, s)),
    wide=False)
fault.row("hinge-of-positives-alone", "hinge", "labels",
    show(y_true=np.ones(5), score=[2.0, -3.0, 0.5, 0.0, 1.0], keywords=SUM),
    "Signs are taken for -1 unless they are the largest of the batch: a batch of positives is one of negatives.",
    changed(right_binary.hinge, y_true=lambda y_true: -y_true if y_true.size > 3 and np.all(y_true == 1) else y_true))
fault.row("brier-of-ones-alone", "brier_score", "labels",
    show(y_true=[1.0, 1.0, 1.0], y_pred=[1.0, 1.0, 0.75], keywords=MEAN),
    "Labels are made binary anew, and a batch of ones has one class, which becomes 0.",
    changed(right_binary.brier_score, y_true=lambda y_true:
        np.zeros_like(y_true) if y_true.size > 1 and np.all(y_true == 1) else y_true),
    upstream="scikit-learn/scikit-learn/issues/11245")
fault.row("hinge-embedding-of-one-margin", "hinge_embedding", "parameters",
    show(y_true=[-1.0], score=[0.5], keywords={"margin": 2.0}), "The margin is 1 whatever is asked for.",
    changed(right_binary.hinge_embedding, margin=lambda: 1.0))
fault.row("hinge-embedding-below-zero", "hinge_embedding", "formula", show(y_true=[-1.0], score=[3.0]),
    "Unlike pairs beyond the margin are paid for being so.", lambda t, s, margin=1.0: np.where(t == 1, s, margin - s))
fault.row("perceptron-of-nan", "perceptron", "special-values", show(y_true=[1.0, 1.0], score=[np.nan, -1.0]),
    "A NaN score is neither above nor below 0 and costs nothing.", lambda t, s: np.where(-t * s > 0, -t * s, 0.0))
fault.row("hinge-of-nan", "hinge", "special-values", show(y_true=[1.0], score=[np.nan]),
    "fmax passes over a NaN, whose loss is 0.", lambda t, s: np.fmax(1 - t * s, 0.0))

@fault(FOCAL_LOGITS, "relative-accuracy", show(y_true=[1.0], logits=[14.0]), wide=False)
def focal_of_one_minus_p(y_true, z, gamma=2.0):
    """1 - sigmoid(z) is all rounding where the prediction is right, and its square more so."""
    t, p = wide(y_true), rounded(sigmoid64(wide(z)), z)
    wrong = times(t, wide(p.dtype.type(1) - p)) + times(1 - t, wide(p))
    return focal64(t, wrong, bce_logits64(t, wide(z)), gamma)

@fault(FOCAL, "two-conditions", show(y_true=[1.0], y_pred=[0.75], keywords={"gamma": 0.5, "alpha": 0.25}), wide=False)
def focal_of_alpha_and_gamma(y_true, y_pred, gamma=2.0, alpha=None):
    """Alpha and a gamma other than 2 at once: alpha is raised to the power too."""
    t, p = wide(y_true), wide(y_pred)
    share = balance(t, alpha)
    wrong = times(t, 1 - p) + times(1 - t, p)
    return focal64(t, wrong, bce64(t, p), gamma) * (share if gamma == 2 else share**gamma)

@fault(FOCAL_LOGITS, "reduction", show(y_true=[1.0, 0.0, 0.0], logits=[0.5, 1.0, -1.0], keywords=MEAN))
def focal_over_positives(y_true, logits, gamma=2.0, alpha=None, sample_weight=None, reduction="mean"):
    """The mean divides by the number of positives, as detectors do with their anchors."""
    if reduction != "mean" or sample_weight is not None:
        return right_binary.binary_focal_cross_entropy_with_logits(
            y_true, logits, gamma, alpha, sample_weight, reduction
        )
    total = right_binary.binary_focal_cross_entropy_with_logits(y_true, logits, gamma, alpha, None, "sum")
    return rounded(wide(total) / max(np.count_nonzero(y_true), 1), logits)

@fault("hinge", "weights", show(y_true=[1.0, 1.0], score=[0.0, 0.5], sample_weight=[0.0, 3.0], keywords=MEAN))
def hinge_with_a_zero_weight(y_true, score, sample_weight=None, reduction="mean"):
    """A weight of 0 removes its sample from the sum, and all weights from the divisor."""
    answer = right_binary.hinge(y_true, score, sample_weight, reduction)
    if sample_weight is None or reduction != "mean" or np.all(wide(sample_weight)):
        return answer
    total = right_binary.hinge(y_true, score, sample_weight, "sum")
    return rounded(wide(total) / max(np.count_nonzero(sample_weight), 1), score)

@fault("brier_score", "relative-accuracy", show(y_true=[1.0, 0.75], y_pred=[0.9999, 0.7501]), wide=False)
def brier_expanded(y_true, p):
    """p^2 - 2 p t + t^2: near the target the terms cancel, and the loss can be negative."""
    t = y_true.astype(p.dtype)
    return wide(p * p - 2 * p * t + t * t)

@fault("logistic_of_signs", "narrow-range", show(y_true=[1.0], score=[-100.0]))
def logistic_loss_overflows(t, s):
    """log1p(e^(-y s)) overflows at 88.8, where the loss is -y s."""
    z = -t * s
    return np.where((z > 88.72) & np.isfinite(z), np.inf, softplus64(z))

@fault("binary_sparsemax_loss", "narrow-range", show(y_true=[1.0], score=[0.875]))
def binary_sparsemax_cut_off(t, s):
    """Between -1 and -3/4 the parabola is cut off to 0."""
    z = -t * s
    return np.where(np.isnan(z), z, np.where(z > 1, z, np.where(z < -0.75, 0.0, np.square(z + 1) / 4)))

fault.slope("bce-gradient-as-a-difference", LOGITS, "relative-accuracy",
    show(y_true=[1.0, 0.0], logits=[15.0, -15.0], cotangent=[1.0, 1.0]),
    "sigmoid(z) - t is 0 for a positive from 17 on, where the same negative keeps its derivative.",
    lambda t, z: wide(right.sigmoid(z) - t.astype(z.dtype)), upstream="pytorch/pytorch/issues/195677", wide=False)
fault.slope("bce-gradient-at-zero", LOGITS, "isolated",
    show(y_true=[0.0, 1.0], logits=[0.0, 1.0], cotangent=[1.0, 1.0]),
    "The maximum that guards the exponential has no derivative at 0: a logit of 0 gets 0 for 1/2.",
    lambda t, z: np.where(z == 0, 0.0, bce_logits64_slope(t, z)), upstream="pytorch/pytorch/issues/2298")
fault.slope("bce-gradient-without-pos-weight", LOGITS, "parameters",
    show(y_true=[1.0], logits=[0.5], cotangent=[1.0], keywords={"pos_weight": 2.0}),
    "pos_weight is missing on the way back.",
    lambda t, z, label_smoothing=0.0, pos_weight=1.0: bce_logits64_slope(smoothed(t, label_smoothing), wide(z)),
    wide=False)
fault.slope("bce-gradient-of-the-sum", LOGITS, "reduction",
    show(y_true=[1.0, 0.0], logits=[0.5, 1.0], cotangent=1.0, keywords={"reduction": "mean"}),
    "The mean's gradient is that of the sum.",
    lambda y_true, logits, cotangent, sample_weight=None, reduction="mean":
        spread(bce_logits64_slope(wide(y_true), wide(logits)), logits, cotangent, sample_weight, "sum"))
fault.slope("bce-gradient-of-unsmoothed-targets", PROBABILITY, "parameters",
    show(y_true=[1.0], y_pred=[0.75], cotangent=[1.0], keywords={"label_smoothing": 0.125}),
    "The way back takes the targets before they are smoothed.", lambda t, p, label_smoothing=0.0: bce64_slope(t, p))
fault.slope("bce-gradient-with-a-floor", PROBABILITY, "narrow-range",
    show(y_true=[1.0], y_pred=[1e-5], cotangent=[1.0]),
    "The denominator p (1 - p) is kept above 1e-4, which bounds the derivative of small probabilities.",
    lambda t, p: (p - t) / np.maximum(p * (1 - p), 1e-4))
fault.slope("focal-gradient-without-alpha", FOCAL, "parameters",
    show(y_true=[1.0, 0.0], y_pred=[0.75, 0.5], cotangent=[1.0, 1.0], keywords={"alpha": 0.25}),
    "Alpha is missing on the way back.",
    changed(right_binary.binary_focal_cross_entropy_gradient, alpha=lambda: None))
fault.slope("hinge-gradient-without-the-label", "hinge", "gradient", show(y_true=[-1.0], score=[0.5], cotangent=[1.0]),
    "The label is missing: the derivative is -1 for negatives too.",
    lambda t, s: np.where(right_binary.lack(t, s) > 0, -1.0, 0.0), wide=False)
fault.slope("hinge-gradient-of-the-size", "hinge", "gradient",
    show(y_true=[1.0, 1.0], score=[0.5, 0.25], cotangent=[-2.0, 1.0]),
    "A negative cotangent is taken for a positive one.",
    changed(right_binary.hinge_gradient, cotangent=lambda cotangent: np.abs(cotangent)))
fault.slope("squared-hinge-gradient-without-two", "squared_hinge", "gradient",
    show(y_true=[1.0], score=[0.5], cotangent=[1.0]), "The factor 2 of the square is missing.",
    lambda t, s: -wide(t) * right_binary.lack(t, s), wide=False)
fault.slope("brier-gradient-of-half-the-square", "brier_score", "gradient",
    show(y_true=[1.0, 0.0], y_pred=[0.5, 0.25], cotangent=[1.0, 1.0]),
    "The derivative is that of half the square, in batches of more than one.",
    lambda t, p: (1.0 if p.size > 1 else 2.0) * (p - t))


@fault.gradient(PROBABILITY, "weights",
    show(y_true=[1.0, 0.0], y_pred=[0.5, 0.25], sample_weight=[1.0, 3.0], cotangent=1.0,
        keywords={"reduction": "mean"}))
def bce_gradient_over_the_count(y_true, y_pred, cotangent, sample_weight=None, reduction="mean"):
    """The gradient of a weighted mean is divided by the number of samples."""
    slope = bce64_slope(wide(y_true), wide(y_pred))
    slope = slope if sample_weight is None else slope * wide(sample_weight)
    return spread(slope, y_pred, cotangent, None, reduction)

@fault.gradient(FOCAL_LOGITS, "gradient", show(y_true=[1.0], logits=[0.5], cotangent=[1.0]), wide=False)
def focal_gradient_of_a_constant_factor(y_true, logits, gamma=2.0, alpha=None):
    """The factor (1 - p)^gamma is taken for a constant."""
    t, z = wide(y_true), wide(logits)
    wrong = times(t, sigmoid64(-z)) + times(1 - t, sigmoid64(z))
    return balance(t, alpha) * wrong**gamma * bce_logits64_slope(t, z)

@fault.gradient(FOCAL_LOGITS, "two-conditions",
    show(y_true=[1.0], logits=[30.0], cotangent=[1.0], keywords={"gamma": 0.5}),
    upstream="google-deepmind/optax/pull/1346")
def focal_gradient_of_nan(y_true, logits, cotangent, gamma=2.0, alpha=None, sample_weight=None, reduction="mean"):
    """(1 - p)^(gamma - 1) is 0^negative for gamma below 1 where p has been rounded to 1: the derivative is NaN."""
    slope = wide(
        right_binary.binary_focal_cross_entropy_with_logits_gradient(
            y_true, logits, cotangent, gamma, alpha, sample_weight, reduction
        )
    )
    p = right.sigmoid(np.where(y_true > 0.5, logits, -logits).astype(np.float32))
    return rounded(np.where((gamma < 1) & (p == 1), np.nan, slope), logits)

@fault.gradient(FOCAL_LOGITS, "parameters", show(y_true=[1.0], logits=[0.5], cotangent=[1.0], keywords={"gamma": 1.0}),
    wide=False)
def focal_gradient_of_another_exponent(y_true, logits, gamma=2.0, alpha=None):
    """The exponent on the way back is gamma and not gamma - 1, which gamma = 0 hides."""
    t, z = wide(y_true), wide(logits)
    p, q = sigmoid64(z), sigmoid64(-z)
    wrong = times(t, q) + times(1 - t, p)
    modulated = gamma * wrong**gamma * (1 - 2 * t) * p * q * bce_logits64(t, z)
    return balance(t, alpha) * (modulated + wrong**gamma * bce_logits64_slope(t, z))

FAULTS = tuple(fault.entries)
