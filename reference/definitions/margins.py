"""Losses of signed scores and of margins between scores; the engine applies the reduction over samples.

A label of one class out of two is a sign, -1 or 1; a score is any real number, such as the distance to a hyperplane.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from flint import arb
from gaugeblock.reference.balls import INFINITY, Ball, exp, log, maximum, times, total
from gaugeblock.reference.definitions.activations import SCALAR, SCALAR_GRADIENT
from gaugeblock.reference.definitions.losses import ONE, ZERO, one_hot
from gaugeblock.reference.formats import Array
from gaugeblock.reference.operations import Bound, loss
from gaugeblock.reference.summation import Sums

CRAMMER = (
    "Crammer and Singer, On the algorithmic implementation of multiclass kernel-based vector machines, JMLR 2, 2001"
)
CHANG = "Chang, Hsieh and Lin, Coordinate descent method for large-scale L2-loss linear SVM, JMLR 9, 2008"
RIFKIN = "Rifkin and Klautau, In defense of one-vs-all classification, JMLR 5, 2004"
HTF = "Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, 2nd ed., Springer, 2009"
COLLINS = "Collins, Discriminative training methods for hidden Markov models, EMNLP 2002"
WESTON = "Weston and Watkins, Support vector machines for multi-class pattern recognition, ESANN 1999"
ELISSEEFF = "Elisseeff and Weston, A kernel method for multi-labelled classification, NIPS 14, 2001"
HADSELL = "Hadsell, Chopra and LeCun, Dimensionality reduction by learning an invariant mapping, CVPR 2006"

EXACT = Bound(1, "a product with a sign is exact, and one difference is rounded")
PIECEWISE = Bound(3, "a number of small integers, divided by those of samples and classes")


def largest(xs: Sequence[Ball]) -> Ball:
    """The largest of several; -inf of none."""
    result = -INFINITY
    for x in xs:
        result = maximum(result, x)
    return result


def _finite(x: Array) -> Array:
    return np.nan_to_num(x, nan=0.0, posinf=0.0, neginf=0.0)


def _gaps(wanted: Array, scores: Array) -> tuple[Array, Array]:
    """Score minus the wanted class's, and which classes are others; the wanted one is 1 in a one-hot row."""
    own = np.sum(np.where(wanted == 1, scores, 0.0), axis=-1, keepdims=True)
    return _finite(scores - own), wanted != 1


def _multiclass(labels: Array, scores: Array) -> Array:
    gaps, others = _gaps(one_hot(labels, scores), scores)
    nearest = np.max(np.where(others, gaps, -np.inf), axis=-1)
    return np.where(nearest > -1, np.abs(_finite(nearest)), 0.0)


def _categorical(y_true: Array, scores: Array) -> Array:
    gap = np.max(_finite((1 - y_true) * scores), axis=-1) - np.sum(_finite(y_true * scores), axis=-1)
    return np.asarray(np.where(gap > -1, np.abs(gap), 0.0))


def _one_vs_all(labels: Array, scores: Array, *, sums: Sums) -> Array:
    each = np.maximum(0.0, 1 - _finite((2 * one_hot(labels, scores) - 1) * scores))
    return np.asarray(sums(scores.shape[-1]) * each.sum(axis=-1))


def _multi_margin(
    labels: Array,
    scores: Array,
    cotangent: Array | None = None,
    *,
    p: int = 1,
    margin: float = 1.0,
    class_weight: Sequence[float] | None = None,
    sums: Sums,
) -> Array:
    wanted = one_hot(labels, scores)
    gaps, others = _gaps(wanted, scores)
    short = np.maximum(0.0, gaps + margin) * others
    violated = short > 0
    weight = np.ones(scores.shape[-1]) if class_weight is None else np.abs(np.asarray(class_weight))
    weight = weight[labels.astype(int)] / scores.shape[-1]
    if cotangent is None:
        each = p * short ** (p - 1) * np.abs(gaps) * violated + sums(scores.shape[-1]) * short**p
        return np.asarray(weight * each.sum(axis=-1))
    each = (p - 1) * p * np.abs(gaps) * violated
    whole = each + sums(scores.shape[-1]) * p * short ** (p - 1) * violated
    sizes = each + wanted * whole.sum(axis=-1, keepdims=True)
    return np.asarray((np.abs(cotangent) * weight)[..., None] * sizes)


def _multilabel_margin(y_true: Array, scores: Array, *, sums: Sums) -> Array:
    pairs = (y_true == 1)[..., :, None] & (y_true != 1)[..., None, :]
    gaps = _finite(scores[..., None, :] - scores[..., :, None])
    short = np.maximum(0.0, 1 + gaps) * pairs
    each = np.abs(gaps) * (short > 0) + sums(np.sum(pairs, axis=(-1, -2), keepdims=True)) * short
    return np.asarray(np.sum(each, axis=(-1, -2)) / scores.shape[-1])


@loss("sign(), real() -> ()", source=f"{HTF}, table 12.1", bound=EXACT, gradient_bound=PIECEWISE)
def hinge(y_true: Ball, score: Ball) -> Ball:
    """Hinge loss of a sign and a score, max(0, 1 - y s)."""
    return maximum(1 - y_true * score, ZERO)


@loss(
    "sign(), real() -> ()",
    source=CHANG,
    bound=Bound(3, "a rounded difference, squared"),
    gradient_bound=Bound(4, "twice a rounded difference, times the cotangent"),
)
def squared_hinge(y_true: Ball, score: Ball) -> Ball:
    """Squared hinge loss of a sign and a score, max(0, 1 - y s)^2."""
    shortfall = maximum(1 - y_true * score, ZERO)
    return shortfall * shortfall


@loss("sign(), real() -> ()", source=COLLINS, bound=EXACT, gradient_bound=PIECEWISE)
def perceptron(y_true: Ball, score: Ball) -> Ball:
    """Perceptron loss of a sign and a score, max(0, -y s)."""
    return maximum(-y_true * score, ZERO)


@loss("sign(), real() -> ()", source=f"{HTF}, table 12.1", bound=SCALAR, gradient_bound=SCALAR_GRADIENT)
def logistic_of_signs(y_true: Ball, score: Ball) -> Ball:
    """Logistic loss of a sign and a score, log(1 + e^(-y s)); also called the soft margin loss."""
    return log(1 + exp(-y_true * score))


@loss(
    "sign(), real() -> ()",
    source=f"{HADSELL}, eq. 4, without its squares and halves",
    bound=EXACT,
    gradient_bound=PIECEWISE,
    asks=({"margin": 2.0},),
)
def hinge_embedding(y_true: Ball, score: Ball, *, margin: Ball = ONE) -> Ball:
    """Hinge loss of a distance, s for like pairs (y = 1) and max(0, margin - s) for unlike ones.

    Args:
        margin: the distance from which on unlike pairs cost nothing.
    """
    return score if y_true == 1 else maximum(margin - score, ZERO)


@loss(
    "one_hot(c), decisions(c) -> ()",
    source=f"{CRAMMER}; with 0 among the scores of the other classes",
    bound=Bound(2, "the gap between two scores is rounded once, and cancels against the margin", _categorical),
    gradient_bound=PIECEWISE,
)
def categorical_hinge(y_true: Sequence[Ball], scores: Sequence[Ball]) -> Ball:
    """Hinge loss of a one-hot row, max(0, 1 + max_c (1 - t_c) s_c - sum_c t_c s_c), with 0 * inf = 0."""
    positive = total([times(t, s) for t, s in zip(y_true, scores, strict=True)])
    negative = largest([times(1 - t, s) for t, s in zip(y_true, scores, strict=True)])
    return maximum(negative - positive + 1, ZERO)


@loss(
    "label(), decisions(c) -> ()",
    source=CRAMMER,
    bound=Bound(2, "the gap between two scores is rounded once, and cancels against the margin", _multiclass),
    gradient_bound=PIECEWISE,
)
def multiclass_hinge(labels: int, scores: Sequence[Ball]) -> Ball:
    """Hinge loss of a label and a row of scores, max(0, 1 + max over the other classes - s_label)."""
    others = [s for c, s in enumerate(scores) if c != labels]
    return maximum(1 + largest(others) - scores[labels], ZERO)


@loss("label(), decisions(c) -> ()", source=COLLINS, bound=EXACT, gradient_bound=PIECEWISE)
def multiclass_perceptron(labels: int, scores: Sequence[Ball]) -> Ball:
    """Perceptron loss of a label and a row of scores, max_c s_c - s_label."""
    return largest(scores) - scores[labels]


@loss(
    "label(), decisions(c) -> ()",
    source=RIFKIN,
    bound=Bound(2, "the terms have one sign; their sum is pairwise", _one_vs_all),
    gradient_bound=PIECEWISE,
)
def one_vs_all_hinge(labels: int, scores: Sequence[Ball]) -> Ball:
    """Sum of each class's hinge loss, sum_c max(0, 1 - y_c s_c), where y_c is 1 at the label and -1 elsewhere."""
    signs = [arb(1 if c == labels else -1) for c in range(len(scores))]
    return total([maximum(1 - y * s, ZERO) for y, s in zip(signs, scores, strict=True)])


@loss(
    "label(), decisions(c) -> ()",
    source=f"{WESTON}; over the number of classes",
    bound=Bound(4, "each gap is rounded once, and cancels against the margin; their sum is pairwise", _multi_margin),
    gradient_bound=Bound(4, "as many terms as the margin is violated by classes", _multi_margin),
    asks=({"p": 2}, {"margin": 2.0}, {"class_weight": "varied"}, {"p": 2, "class_weight": "varied"}),
)
def multi_margin(
    labels: int,
    scores: Sequence[Ball],
    *,
    p: int = 1,
    margin: Ball = ONE,
    class_weight: Sequence[Ball] | None = None,
) -> Ball:
    """Mean over the classes of w_label max(0, margin - s_label + s_c)^p, in which the label's own term is 0.

    Args:
        p: exponent of each shortfall, 1 or 2.
        margin: by how much the label's score must exceed another class's for that class to cost nothing.
        class_weight: w, a number for each class; None for 1 each.
    """
    weight = class_weight[labels] if class_weight else ONE
    shortfalls = [maximum(margin - scores[labels] + s, ZERO) for c, s in enumerate(scores) if c != labels]
    return weight * total([shortfall**p for shortfall in shortfalls]) / len(scores)


@loss(
    "multi_hot(c), decisions(c) -> ()",
    source=f"{ELISSEEFF}; over the number of classes",
    bound=Bound(4, "each gap is rounded once, and cancels against the margin; sums are pairwise", _multilabel_margin),
    gradient_bound=PIECEWISE,
)
def multilabel_margin(y_true: Sequence[Ball], scores: Sequence[Ball]) -> Ball:
    """Sum over labels j and other classes i of max(0, 1 - (s_j - s_i)), over the number of classes."""
    own = [s for t, s in zip(y_true, scores, strict=True) if t == 1]
    others = [s for t, s in zip(y_true, scores, strict=True) if t != 1]
    return total([maximum(1 - (a - b), ZERO) for a in own for b in others]) / len(scores)
