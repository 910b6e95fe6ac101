"""Probes of labels, divergences, focal and margin losses name each planted behaviour by its label."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special
from gaugeblock.conformance.checks.probes.base import REFUSES

from tests.checks.probing import MEAN, NONE, Function, Row, answer, mean
from tests.planted import Array, RefusalError, log_softmax, refuses

CE, HINGE = "sparse_categorical_cross_entropy_with_logits", "hinge"
IGNORING = {"call": "planted(labels, logits, ignore_index)", **MEAN}
WEIGHING = {"call": "planted(labels, logits, class_weight)", **MEAN}


def picked(index: Callable[[Array, int], Array]) -> Function:
    """Cross-entropy of the classes that labels are taken for."""
    return lambda y, z, *_: -np.take_along_axis(log_softmax(z), index(y, z.shape[1])[:, None], axis=1)[:, 0]


wrapped = picked(lambda y, classes: y % classes)
clamped = picked(lambda y, classes: np.clip(y, 0, classes - 1))
first = picked(lambda y, classes: np.where((y < 0) | (y >= classes), 0, y))
truncated = picked(lambda y, classes: y.astype(int))
rounded = picked(lambda y, classes: np.rint(y).astype(int))


def within(y: Array, z: Array) -> Array:
    return (y >= 0) & (y < z.shape[1])


def nan_outside(y: Array, z: Array) -> Array:
    return np.where(within(y, z), first(y, z), np.nan)


def zero_outside(y: Array, z: Array) -> Array:
    return np.where(within(y, z), first(y, z), 0.0)


def left_out(y: Array, z: Array) -> Any:
    return first(y, z)[within(y, z)].mean()


def kept(y: Array, z: Array, ignore_index: int) -> Any:
    return first(y[y != ignore_index], z[y != ignore_index]).mean()


def multiplied(y: Array, z: Array, ignore_index: int) -> Any:
    return (first(y, z) * (y != ignore_index)).mean()


def gradient_of(taken: Callable[[Array, Array], Array]) -> Function:
    """softmax less the one-hot rows that `taken` says."""
    return lambda y, z, c, **_: (scipy.special.softmax(z, axis=1) - taken(y, z)) * np.reshape(c, (-1, 1))


def hot(y: Array, z: Array) -> Array:
    return np.asarray(np.arange(z.shape[1]) == y[:, None], dtype=float)


def ignoring_gradient(product: Callable[[Array, Array], Array]) -> Function:
    def gradient(y: Array, z: Array, c: Array, ignore_index: int) -> Array:
        return product(scipy.special.softmax(z, axis=1) - hot(y, z), (y != ignore_index)[:, None])

    return gradient


def weighted(divisor: Callable[[Array, Array], Any]) -> Function:
    def loss(y: Array, z: Array, class_weight: tuple[float, ...]) -> Any:
        w = np.array(class_weight)[y]
        return (w * first(y, z)).sum() / divisor(w, y)

    return loss


LABELS: tuple[Row, ...] = (
    ("label-too-large", CE, refuses, REFUSES, NONE),
    ("label-too-large", CE, nan_outside, "NaN", NONE),
    ("label-too-large", CE, zero_outside, "zero", NONE),
    ("label-too-large", CE, clamped, "as the last class", NONE),
    ("label-too-large", CE, wrapped, "as the first class", NONE),
    ("label-too-large", CE, lambda y, z: scipy.special.logsumexp(z, axis=1), "the log-sum-exp alone", NONE),
    ("label-too-large", CE, lambda y, z: 7.0 + z[:, 0], "silent: a number comes back", NONE),
    ("label-minus-one", CE, wrapped, "as the last class", NONE),
    ("label-minus-one", CE, clamped, "as the first class", NONE),
    ("label-too-large-in-a-mean", CE, left_out, "the row is left out", MEAN),
    ("label-too-large-in-a-mean", CE, mean(zero_outside), "the row counts as a loss of zero", MEAN),
    ("label-minus-hundred-in-a-mean", CE, mean(nan_outside), "the mean is NaN", MEAN),
    ("label-minus-hundred-in-a-mean", CE, mean(first), "as the first class", MEAN),
    ("label-one-point-nine", CE, truncated, "class 1", NONE),
    ("label-one-point-nine", CE, rounded, "class 2", NONE),
    ("every-label-ignored", CE, multiplied, "zero", IGNORING),
    ("every-label-ignored", CE, kept, "NaN", IGNORING),
    ("ignored-row-in-the-mean", CE, kept, "no", IGNORING),
    ("ignored-nan-in-a-mean", CE, kept, "no", IGNORING),
    ("class-weights-all-zero", CE, weighted(lambda w, y: w.sum()), "NaN", WEIGHING),
    ("class-weights-all-zero", CE, weighted(lambda w, y: len(y)), "zero", WEIGHING),
    ("negative-class-weight", CE, weighted(lambda w, y: w.sum()), "the sum of the weights", WEIGHING),
    ("negative-class-weight", CE, weighted(lambda w, y: len(y)), "the rows", WEIGHING),
    ("negative-class-weight", CE, weighted(lambda w, y: abs(w).sum()), "the sum of their sizes", WEIGHING),
)
GRADIENTS: tuple[tuple[Function, str], ...] = (
    (gradient_of(hot), "the softmax: no class is the true one"),
    (gradient_of(lambda y, z: hot(y % 3, z)), "as the first class"),
    (gradient_of(lambda y, z: hot(np.clip(y, 0, 2), z)), "as the last class"),
    (lambda y, z, c: 0 * z, "zero"),
    (lambda y, z, c: np.nan * z, "NaN everywhere"),
    (lambda y, z, c: 3 + z, "silent: another gradient comes back"),
    (refuses, REFUSES),
)


def floored(t: Array, p: Array) -> Array:
    low = [np.clip(each.astype(float), 1e-7, 1) for each in (t, p)]
    return (low[0] * np.log(low[0] / low[1])).sum(axis=1)


def rel_entr(t: Array, p: Array) -> Array:
    return scipy.special.rel_entr(t, p).sum(axis=1)


def textbook(t: Array, p: Array) -> Array:
    return (t * np.log(t / p)).sum(axis=1)


def normalised(t: Array, p: Array) -> Array:
    return rel_entr(t, p / p.sum(axis=1, keepdims=True))


def reducing(t: Array, p: Array, reduction: str = "sum") -> Any:
    return {"sum": np.sum, "none": np.asarray}[reduction](rel_entr(t, p))


def focal(alpha: float | None = None, gamma: float = 2.0) -> Function:
    def loss(t: Array, p: Array, alpha: float | None = alpha, gamma: float = gamma) -> Array:
        balance = 1 if alpha is None else np.where(t == 1, alpha, 1 - alpha)
        return balance * abs(t - p) ** gamma * -scipy.special.xlogy(1, np.where(t == 1, p, 1 - p))

    return loss


def log_loss(y: Array, p: Array, labels: Any = None) -> Any:
    """By columns in the order named, or of sorted labels."""
    order = list(np.unique(y) if labels is None else labels)
    if len(order) != p.shape[1]:
        raise RefusalError("as many classes as columns")
    return -np.log([row[order.index(label)] for label, row in zip(y.tolist(), p, strict=True)]).mean()


KL, FOCAL, P = "kl_divergence", "binary_focal_cross_entropy", "sparse_categorical_cross_entropy"
ALPHA = {"call": "planted(y_true, y_pred, alpha=alpha)", **NONE}
NAMING = {"call": "planted(labels, y_pred, labels=numpy.arange(y_pred.shape[1]))", **MEAN}
REDUCING = {"call": "planted(y_true, y_pred, reduction=reduction)"}

LOSSES: tuple[Row, ...] = (
    ("kl-target-zero", KL, rel_entr, "yes", NONE),
    ("kl-prediction-zero", KL, rel_entr, "infinite", NONE),
    ("kl-prediction-zero", KL, floored, "clipped at 1e-7", NONE),
    ("kl-of-unnormalised-rows", KL, rel_entr, "it is taken as given", NONE),
    ("kl-of-unnormalised-rows", KL, normalised, "it is divided by its sum", NONE),
    ("kl-of-a-negative-prediction", KL, floored, "silent: another number comes back", NONE),
    ("kl-of-exchanged-probabilities", KL, rel_entr, "the divergence the other way round", NONE),
    ("kl-default-reduction", KL, reducing, "the sum", REDUCING),
    ("focal-default-alpha", FOCAL, focal(), "no", ALPHA),
    ("focal-default-alpha", FOCAL, focal(alpha=0.25), "yes, 1/4 for the positive class", ALPHA),
    ("focal-alpha-of-negatives", FOCAL, focal(), "1 - alpha", {"call": "planted(y_true, y_pred, alpha)", **NONE}),
    ("focal-default-gamma", FOCAL, focal(), "2", {"call": "planted(y_true, y_pred, gamma=gamma)", **NONE}),
    ("log-loss-of-an-absent-class", P, log_loss, REFUSES, NAMING),
    ("log-loss-order-of-columns", P, log_loss, "class 0's: classes are sorted", NAMING),
    ("log-loss-labels-in-another-order", P, log_loss, "class 2's", NAMING),
)


def signed(y: Array) -> Array:
    return np.where(np.isin(y, (0, 1)).all(), 2 * y - 1, y)


def hinge(y: Array, s: Array) -> Array:
    return np.maximum(1 - y * s, 0)


def by_batch(y: Array, s: Array) -> Array:
    return hinge(signed(y), s)


def by_element(y: Array, s: Array) -> Array:
    return hinge(np.where(y > 0, 1, -1), s)


def by_smallest(y: Array, s: Array) -> Array:
    return hinge(np.where(y == y.min(), -1, 1), s)


def squashed(y: Array, s: Array) -> Array:
    outside = ((s < 0) | (s > 1)).any()
    return hinge(y, scipy.special.expit(s) if outside else s)


def largest(skipped: bool) -> Function:
    """The multiclass hinge loss whose maximum skips the true class, or does not."""

    def loss(y: Array, s: Array) -> Array:
        own = s[np.arange(len(y)), y]
        return np.maximum(np.where(skipped & (hot(y, s) == 1), -np.inf, 1 + s - own[:, None]).max(axis=1), 0)

    return loss


MARGINS: tuple[Row, ...] = (
    ("hinge-labels-zero-and-one", HINGE, hinge, "no: its loss is 1", NONE),
    ("hinge-labels-zero-and-one", HINGE, by_batch, "yes", NONE),
    ("hinge-labels-zero-and-one", HINGE, mean(by_batch), "yes", MEAN),
    ("hinge-zero-beside-minus-one", HINGE, by_batch, "no: its loss is 1", NONE),
    ("hinge-zero-beside-minus-one", HINGE, by_element, "yes", NONE),
    ("hinge-scores-outside-0-and-1", HINGE, hinge, "yes", NONE),
    ("hinge-scores-outside-0-and-1", HINGE, mean(squashed), "no: the sigmoid of all is", MEAN),
    ("true-class-in-the-maximum", "multiclass_hinge", largest(skipped=True), "no", NONE),
    ("true-class-in-the-maximum", "multiclass_hinge", largest(skipped=False), "yes: the loss is at least 1", NONE),
    ("perceptron-label-zero", "perceptron", lambda y, s: np.maximum(-y * s, 0), "no: its loss is 0", NONE),
)
KINKS = ((0.0, "0"), (-1.0, "-1"), (-0.5, "-1/2"))


def at_kink(value: float) -> dict[str, Any]:
    return {**NONE, "gradient": lambda y, s, c: np.full_like(s, value)}


ZEROED, MULTIPLIED = (
    {**IGNORING, **NONE, "gradient": ignoring_gradient(product)}
    for product in (lambda g, keep: np.where(keep, g, 0), lambda g, keep: g * keep)
)
CONFORMS: tuple[Row, ...] = (
    *LABELS,
    *(("label-too-large-gradient", CE, first, label, {**NONE, "gradient": each}) for each, label in GRADIENTS),
    ("ignored-nan-row-gradient", CE, kept, "zero", ZEROED),
    *LOSSES,
    *MARGINS,
    *(("hinge-kink-slope", HINGE, hinge, label, at_kink(value)) for value, label in KINKS),
)
DEVIATES: tuple[Row, ...] = (
    ("ignored-row-in-the-mean", CE, multiplied, "yes", IGNORING),
    ("ignored-nan-in-a-mean", CE, multiplied, "yes: NaN", IGNORING),
    ("ignored-nan-row-gradient", CE, kept, "NaN in that row", MULTIPLIED),
    # 0 log 0 is 0.
    ("kl-target-zero", KL, textbook, "no: NaN", NONE),
    ("kl-target-and-prediction-zero", KL, textbook, "NaN", NONE),
    ("hinge-labels-of-one-alone", HINGE, mean(by_smallest), "no: the negative class", MEAN),
)


@pytest.mark.parametrize(
    ("verdict", "row"), [*(("conforms", row) for row in CONFORMS), *(("deviates", row) for row in DEVIATES)]
)
def test_a_behaviour_is_named(verdict: str, row: Row) -> None:
    probe, operation, function, label, options = row
    assert answer(probe, operation, function, **options) == (verdict, label)
