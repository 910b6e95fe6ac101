"""Faults of the focal loss, of losses of signs, and of the Brier score."""

from __future__ import annotations

import numpy as np

from tests.zoo import right_binary
from tests.zoo.entries import Table, show
from tests.zoo.right import rounded, sigmoid64, softplus64, wide
from tests.zoo.right_binary import LOSSES, balance, bce64, bce_logits64, focal64, lack, reduced, times

fault = Table(LOSSES, wide=True)

FOCAL = "binary_focal_cross_entropy"
FOCAL_LOGITS = "binary_focal_cross_entropy_with_logits"
MEAN, SUM = {"reduction": "mean"}, {"reduction": "sum"}

# fmt: off
fault.row("focal-times-gamma", FOCAL, "formula", show(y_true=[1.0], y_pred=[0.75]),
    "For positives, gamma multiplies where it is to be an exponent.",
    lambda t, p, gamma=2.0: times(t, -(1 - p) * gamma * np.log(p)) - times(1 - t, p**gamma * np.log1p(-p)),
    upstream="fudannlp16/focal-loss/issues/2")
fault.row("focal-without-its-factor", FOCAL_LOGITS, "formula", show(y_true=[1.0], logits=[0.75]),
    "The value that is reported is plain cross-entropy: the factor went into the gradient alone.",
    lambda t, z, gamma=2.0: bce_logits64(t, z), upstream="davisking/dlib/pull/2552")
fault.row("focal-of-whole-gamma", FOCAL, "parameters", show(y_true=[1.0], y_pred=[0.75], keywords={"gamma": 0.5}),
    "The exponent is a whole number: a gamma of 1/2 is taken for 0.",
    lambda y_true, y_pred, gamma=2.0, sample_weight=None, reduction="mean":
        right_binary.binary_focal_cross_entropy(y_true, y_pred, int(gamma), None, sample_weight, reduction))
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
    lambda y_true, score, sample_weight=None, reduction="mean":
        right_binary.hinge(-y_true if y_true.size > 3 and bool(np.all(y_true == 1)) else y_true, score, sample_weight,
        reduction))
fault.row("brier-of-ones-alone", "brier_score", "labels",
    show(y_true=[1.0, 1.0, 1.0], y_pred=[1.0, 1.0, 0.75], keywords=MEAN),
    "Labels are made binary anew, and a batch of ones has one class, which becomes 0.",
    lambda y_true, y_pred, sample_weight=None, reduction="mean":
        right_binary.brier_score(np.zeros_like(y_true) if y_true.size > 1 and bool(np.all(y_true == 1)) else y_true,
        y_pred, sample_weight, reduction), upstream="scikit-learn/scikit-learn/issues/11245")
fault.row("hinge-embedding-of-one-margin", "hinge_embedding", "parameters",
    show(y_true=[-1.0], score=[0.5], keywords={"margin": 2.0}), "The margin is 1 whatever is asked for.",
    lambda y_true, score, margin=1.0, sample_weight=None, reduction="mean":
        right_binary.hinge_embedding(y_true, score, 1.0, sample_weight, reduction))
fault.row("hinge-embedding-below-zero", "hinge_embedding", "formula", show(y_true=[-1.0], score=[3.0]),
    "Unlike pairs beyond the margin are paid for being so.", lambda t, s, margin=1.0: np.where(t == 1, s, margin - s))
fault.row("perceptron-of-nan", "perceptron", "special-values", show(y_true=[1.0, 1.0], score=[np.nan, -1.0]),
    "A NaN score is neither above nor below 0 and costs nothing.", lambda t, s: np.where(-t * s > 0, -t * s, 0.0))
fault.row("hinge-of-nan", "hinge", "special-values", show(y_true=[1.0], score=[np.nan]),
    "fmax passes over a NaN, whose loss is 0.", lambda t, s: np.fmax(1 - t * s, 0.0))

@fault(FOCAL_LOGITS, "relative-accuracy", show(y_true=[1.0], logits=[14.0]), wide=False)
def focal_of_one_minus_p(y_true, z, gamma=2.0):
    """1 - sigmoid(z) is all rounding where the prediction is right, and its square more so."""
    t, p = (wide(y_true), rounded(sigmoid64(wide(z)), z))
    wrong = times(t, wide(p.dtype.type(1) - p)) + times(1 - t, wide(p))
    return focal64(t, wrong, bce_logits64(t, wide(z)), gamma)

@fault(FOCAL, "two-conditions", show(y_true=[1.0], y_pred=[0.75], keywords={"gamma": 0.5, "alpha": 0.25}), wide=False)
def focal_of_alpha_and_gamma(y_true, y_pred, gamma=2.0, alpha=None):
    """Alpha and a gamma other than 2 at once: alpha is raised to the power too."""
    t, p = (wide(y_true), wide(y_pred))
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

@fault("brier_score", "dtype", show(dtype="float64", y_true=np.zeros(7), y_pred=np.linspace(0.1, 0.7, 7),
    keywords=MEAN),
    dtypes=["float64"])
def brier_mean_in_binary32(y_true, y_pred, sample_weight=None, reduction="mean"):
    """binary64 scores are averaged in binary32."""
    answer = right_binary.brier_score(y_true, y_pred, sample_weight, reduction)
    return answer if reduction == "none" else rounded(answer.astype(np.float32), y_pred)

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

FAULTS = tuple(fault.entries)
