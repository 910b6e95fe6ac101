"""Faults of the focal loss, of losses of signs, and of the Brier score."""

from __future__ import annotations

import numpy as np

from tests.zoo import right_binary
from tests.zoo.entries import Table, show
from tests.zoo.right import rounded, sigmoid64, softplus64, wide
from tests.zoo.right_binary import balance, bce64, bce_logits64, focal64, lack, reduced, times

fault = Table()

FOCAL = "binary_focal_cross_entropy"
FOCAL_LOGITS = "binary_focal_cross_entropy_with_logits"
MEAN, SUM = {"reduction": "mean"}, {"reduction": "sum"}


@fault(
    FOCAL, "formula", show(y_true=[1.0], y_pred=[0.75]), upstream="https://github.com/fudannlp16/focal-loss/issues/2"
)
def focal_times_gamma(y_true, y_pred, gamma=2.0, sample_weight=None, reduction="mean"):
    """For positives, gamma multiplies where it is to be an exponent."""
    t, p = wide(y_true), wide(y_pred)
    values = times(t, -(1 - p) * gamma * np.log(p)) - times(1 - t, p**gamma * np.log1p(-p))
    return reduced(values, reduction, sample_weight, y_pred)


@fault(
    FOCAL_LOGITS, "formula", show(y_true=[1.0], logits=[0.75]), upstream="https://github.com/davisking/dlib/pull/2552"
)
def focal_without_its_factor(y_true, logits, gamma=2.0, sample_weight=None, reduction="mean"):
    """The value that is reported is plain cross-entropy: the factor went into the gradient alone."""
    return reduced(bce_logits64(wide(y_true), wide(logits)), reduction, sample_weight, logits)


@fault(FOCAL_LOGITS, "relative-accuracy", show(y_true=[1.0], logits=[14.0]))
def focal_of_one_minus_p(y_true, logits, gamma=2.0, sample_weight=None, reduction="mean"):
    """1 - sigmoid(z) is all rounding where the prediction is right, and its square more so."""
    t, p = wide(y_true), rounded(sigmoid64(wide(logits)), logits)
    wrong = times(t, wide(p.dtype.type(1) - p)) + times(1 - t, wide(p))
    values = focal64(t, wrong, bce_logits64(t, wide(logits)), gamma)
    return reduced(values, reduction, sample_weight, logits)


@fault(FOCAL, "parameters", show(y_true=[1.0], y_pred=[0.75], keywords={"gamma": 0.5}))
def focal_of_whole_gamma(y_true, y_pred, gamma=2.0, sample_weight=None, reduction="mean"):
    """The exponent is a whole number: a gamma of 1/2 is taken for 0."""
    return right_binary.binary_focal_cross_entropy(y_true, y_pred, int(gamma), None, sample_weight, reduction)


@fault(FOCAL, "two-conditions", show(y_true=[1.0], y_pred=[0.75], keywords={"gamma": 0.5, "alpha": 0.25}))
def focal_of_alpha_and_gamma(y_true, y_pred, gamma=2.0, alpha=None, sample_weight=None, reduction="mean"):
    """Alpha and a gamma other than 2 at once: alpha is raised to the power too."""
    t, p = wide(y_true), wide(y_pred)
    share = balance(t, alpha, y_pred)
    wrong = times(t, 1 - p) + times(1 - t, p)
    values = focal64(t, wrong, bce64(t, p), gamma) * (share if gamma == 2 else share**gamma)
    return reduced(values, reduction, sample_weight, y_pred)


@fault(FOCAL_LOGITS, "reduction", show(y_true=[1.0, 0.0, 0.0], logits=[0.5, 1.0, -1.0], keywords=MEAN))
def focal_over_positives(y_true, logits, gamma=2.0, alpha=None, sample_weight=None, reduction="mean"):
    """The mean divides by the number of positives, as detectors do with their anchors."""
    if reduction != "mean" or sample_weight is not None:
        return right_binary.binary_focal_cross_entropy_with_logits(
            y_true, logits, gamma, alpha, sample_weight, reduction
        )
    total = right_binary.binary_focal_cross_entropy_with_logits(y_true, logits, gamma, alpha, None, "sum")
    return rounded(wide(total) / max(np.count_nonzero(y_true), 1), logits)


@fault("squared_hinge", "formula", show(y_true=[1.0], score=[2.0]))
def squared_hinge_of_both_sides(y_true, score, sample_weight=None, reduction="mean"):
    """The square is taken before the maximum, so that scores beyond the margin cost too."""
    return reduced(np.square(1 - wide(y_true) * wide(score)), reduction, sample_weight, score)


@fault("squared_hinge", "reduction", show(y_true=[1.0, 1.0], score=[0.0, 0.5], keywords=MEAN))
def squared_hinge_of_the_mean(y_true, score, sample_weight=None, reduction="mean"):
    """The mean is squared in place of the losses."""
    if reduction != "mean":
        return right_binary.squared_hinge(y_true, score, sample_weight, reduction)
    return rounded(np.square(wide(reduced(lack(y_true, score), "mean", sample_weight, np.float64(0)))), score)


@fault("hinge", "isolated", show(y_true=[1.0], score=[-1.0]))
def hinge_of_whole_scores(y_true, score, sample_weight=None, reduction="mean"):
    """A score of exactly -1 is taken for a label, and costs 1."""
    values = np.where(wide(score) == -1, 1.0, lack(y_true, score))
    return reduced(values, reduction, sample_weight, score)


@fault("hinge", "weights", show(y_true=[1.0, 1.0], score=[0.0, 0.5], sample_weight=[0.0, 3.0], keywords=MEAN))
def hinge_with_a_zero_weight(y_true, score, sample_weight=None, reduction="mean"):
    """A weight of 0 removes its sample from the sum, and all weights from the divisor."""
    answer = right_binary.hinge(y_true, score, sample_weight, reduction)
    if sample_weight is None or reduction != "mean" or np.all(wide(sample_weight)):
        return answer
    total = right_binary.hinge(y_true, score, sample_weight, "sum")
    return rounded(wide(total) / max(np.count_nonzero(sample_weight), 1), score)


@fault("hinge", "labels", show(y_true=np.ones(5), score=[2.0, -3.0, 0.5, 0.0, 1.0], keywords=SUM))
def hinge_of_positives_alone(y_true, score, sample_weight=None, reduction="mean"):
    """Signs are taken for -1 unless they are the largest of the batch: a batch of positives is one of negatives."""
    alone = y_true.size > 3 and bool(np.all(y_true == 1))
    return right_binary.hinge(-y_true if alone else y_true, score, sample_weight, reduction)


@fault(
    "brier_score",
    "labels",
    show(y_true=[1.0, 1.0, 1.0], y_pred=[1.0, 1.0, 0.75], keywords=MEAN),
    upstream="https://github.com/scikit-learn/scikit-learn/issues/11245",
)
def brier_of_ones_alone(y_true, y_pred, sample_weight=None, reduction="mean"):
    """Labels are made binary anew, and a batch of ones has one class, which becomes 0."""
    alone = y_true.size > 1 and bool(np.all(y_true == 1))
    return right_binary.brier_score(np.zeros_like(y_true) if alone else y_true, y_pred, sample_weight, reduction)


@fault("brier_score", "relative-accuracy", show(y_true=[1.0, 0.75], y_pred=[0.9999, 0.7501]))
def brier_expanded(y_true, y_pred, sample_weight=None, reduction="mean"):
    """p^2 - 2 p t + t^2: near the target the terms cancel, and the loss can be negative."""
    t = y_true.astype(y_pred.dtype)
    return reduced(wide(y_pred * y_pred - 2 * y_pred * t + t * t), reduction, sample_weight, y_pred)


@fault(
    "brier_score",
    "dtype",
    show(dtype="float64", y_true=np.zeros(7), y_pred=np.linspace(0.1, 0.7, 7), keywords=MEAN),
    dtypes=["float64"],
)
def brier_mean_in_binary32(y_true, y_pred, sample_weight=None, reduction="mean"):
    """binary64 scores are averaged in binary32."""
    answer = right_binary.brier_score(y_true, y_pred, sample_weight, reduction)
    return answer if reduction == "none" else rounded(answer.astype(np.float32), y_pred)


@fault("hinge_embedding", "parameters", show(y_true=[-1.0], score=[0.5], keywords={"margin": 2.0}))
def hinge_embedding_of_one_margin(y_true, score, margin=1.0, sample_weight=None, reduction="mean"):
    """The margin is 1 whatever is asked for."""
    return right_binary.hinge_embedding(y_true, score, 1.0, sample_weight, reduction)


@fault("hinge_embedding", "formula", show(y_true=[-1.0], score=[3.0]))
def hinge_embedding_below_zero(y_true, score, margin=1.0, sample_weight=None, reduction="mean"):
    """Unlike pairs beyond the margin are paid for being so."""
    values = np.where(wide(y_true) == 1, wide(score), margin - wide(score))
    return reduced(values, reduction, sample_weight, score)


@fault("logistic_of_signs", "narrow-range", show(y_true=[1.0], score=[-100.0]))
def logistic_loss_overflows(y_true, score, sample_weight=None, reduction="mean"):
    """log1p(e^(-y s)) overflows at 88.8, where the loss is -y s."""
    z = -wide(y_true) * wide(score)
    return reduced(np.where((z > 88.72) & np.isfinite(z), np.inf, softplus64(z)), reduction, sample_weight, score)


@fault("perceptron", "special-values", show(y_true=[1.0, 1.0], score=[np.nan, -1.0]))
def perceptron_of_nan(y_true, score, sample_weight=None, reduction="mean"):
    """A NaN score is neither above nor below 0 and costs nothing."""
    z = -wide(y_true) * wide(score)
    return reduced(np.where(z > 0, z, 0.0), reduction, sample_weight, score)


@fault("hinge", "special-values", show(y_true=[1.0], score=[np.nan]))
def hinge_of_nan(y_true, score, sample_weight=None, reduction="mean"):
    """fmax passes over a NaN, whose loss is 0."""
    return reduced(np.fmax(1 - wide(y_true) * wide(score), 0.0), reduction, sample_weight, score)


@fault("binary_sparsemax_loss", "narrow-range", show(y_true=[1.0], score=[0.875]))
def binary_sparsemax_cut_off(y_true, score, sample_weight=None, reduction="mean"):
    """Between -1 and -3/4 the parabola is cut off to 0."""
    z = -wide(y_true) * wide(score)
    values = np.where(z > 1, z, np.where(z < -0.75, 0.0, np.square(z + 1) / 4))
    return reduced(np.where(np.isnan(z), z, values), reduction, sample_weight, score)


FAULTS = tuple(fault.entries)
