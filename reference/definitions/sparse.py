"""Sparsemax and what belongs to it: activations that reach 0 and 1, and their losses."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from flint import arb
from gaugeblock.reference.balls import Ball, PrecisionError, less, maximum, minimum, total, value
from gaugeblock.reference.definitions.losses import ONE, ZERO, one_hot
from gaugeblock.reference.formats import Array
from gaugeblock.reference.operations import Bound, activation, loss
from gaugeblock.reference.summation import Sums

MARTINS = "Martins and Astudillo, From softmax to sparsemax, ICML 2016"
BLONDEL = "Blondel, Martins and Niculae, Learning with Fenchel-Young losses, JMLR 21, 2020"

NAN = arb("nan")


def support(row: Sequence[Ball]) -> list[Ball]:
    """The scores at which sparsemax is not 0, in descending order; none for a row with NaN or without a finite maximum.

    It is the longest start of the sorted row with 1 + k z_(k) > z_(1) + ... + z_(k), compared as the sum of the
    differences from z_(k), in which it stands once. PrecisionError if the balls are too wide to sort.
    """
    if any(value(z).is_nan() for z in row):
        return []
    ordered = sorted(row, key=value, reverse=True)
    # Sorting does not notice balls that overlap.
    if any(less(upper, lower) for upper, lower in itertools.pairwise(ordered)):
        raise PrecisionError
    if any(not value(z).is_finite() for z in ordered[:1]):
        return []
    inside: list[Ball] = []
    for z in ordered:
        if not less(total([upper - z for upper in inside]), ONE):
            break
        inside.append(z)
    return inside


def _projected(scores: Array) -> tuple[Array, Array, Array]:
    """Distance to the row's maximum, the threshold on that scale, and sparsemax, along the last axis."""
    d = np.nan_to_num(scores - np.max(scores, axis=-1, keepdims=True), nan=0.0, posinf=0.0, neginf=-1e4)
    ordered = -np.sort(-d, axis=-1)
    starts = np.cumsum(ordered, axis=-1)
    k = np.arange(1, d.shape[-1] + 1)
    size = np.sum(1 + k * ordered > starts, axis=-1, keepdims=True)
    tau = (np.take_along_axis(starts, size - 1, axis=-1) - 1) / size
    return d, tau, np.maximum(d - tau, 0.0)


def _sparsemax(x: Array, cotangent: Array | None = None, *, sums: Sums) -> Array:
    """The distances to the maximum and their mean over the support are rounded, each of them at most 1 in size."""
    d, tau, p = _projected(x)
    size = np.sum(p > 0, axis=-1, keepdims=True)
    if cotangent is None:
        mean = np.sum(np.abs(d) * (p > 0), axis=-1, keepdims=True) / size
        return np.asarray(np.minimum(np.abs(d), 1.0) + (1 + sums(x.shape[-1])) * mean + 2 * np.abs(tau))
    weight = np.abs(cotangent) * (p > 0)
    mean = weight.sum(axis=-1, keepdims=True) / size
    return np.asarray(weight + (p > 0) * (1 + sums(x.shape[-1])) * mean)


def _sparsemax_loss(labels: Array, scores: Array, cotangent: Array | None = None, *, sums: Sums) -> Array:
    wanted = one_hot(labels, scores)
    each = _sparsemax(scores, sums=sums)
    if cotangent is not None:
        return np.asarray(np.abs(cotangent)[..., None] * (each + wanted))
    d, tau, p = _projected(scores)
    own = np.sum(np.where(wanted == 1, d, 0.0), axis=-1)
    missed = np.where(own < tau[..., 0], np.abs(own) + np.abs(tau[..., 0]), 0.0)
    halves = 0.5 * np.square(p - wanted) * sums(scores.shape[-1])
    return np.asarray(np.sum(np.abs(p - wanted) * each * (p > 0) + halves, axis=-1) + missed)


@activation(
    "real() -> ()",
    source=f"{BLONDEL}, section 4.4",
    bound=Bound(1, "one rounded sum; halves are exact"),
    gradient_bound=Bound(1, "a half or 0, and exact"),
)
def sparse_sigmoid(x: Ball) -> Ball:
    """Sparse sigmoid, (x + 1) / 2 between 0 and 1."""
    return maximum(ZERO, minimum(ONE, (x + 1) / 2))


@activation(
    "real() -> ()",
    source=f"{BLONDEL}, section 4.4",
    bound=Bound(3, "a rounded sum, squared"),
    gradient_bound=Bound(3, "a rounded sum, times the cotangent"),
)
def sparse_plus(x: Ball) -> Ball:
    """Sparse plus, whose derivative is the sparse sigmoid: 0 below -1, x above 1, (x + 1)^2 / 4 between."""
    if value(x).is_nan() or less(ONE, x):
        return x
    shifted = maximum(x + 1, ZERO)
    return shifted * shifted / 4


@activation(
    "decisions(n) -> (n)",
    source=f"{MARTINS}, eq. 2 and proposition 1",
    bound=Bound(2, "differences from the maximum, and their mean over the support, which is pairwise", _sparsemax),
    gradient_bound=Bound(2, "c_j minus its mean over the support", _sparsemax),
)
def sparsemax(x: Sequence[Ball]) -> list[Ball]:
    """Sparsemax along a row, its projection onto the simplex: max(0, x_i - tau) with the tau that makes the sum 1."""
    inside = support(x)
    if not inside:
        return [NAN] * len(x)
    tau = (total(inside) - 1) / len(inside)
    return [xi - tau if any(xi is z for z in inside) else ZERO for xi in x]


@loss(
    "label(), logits(c) -> ()",
    source=f"{MARTINS}, section 3.2",
    bound=Bound(
        4,
        "half the squared distance of sparsemax to the label, plus what the label's score lacks to be in the support",
        _sparsemax_loss,
    ),
    gradient_bound=Bound(2, "sparsemax minus 1 at the label", _sparsemax_loss),
)
def sparsemax_loss(labels: int, scores: Sequence[Ball]) -> Ball:
    """Sparsemax loss of a label, -s_label + 1/2 + the sum over the support of (s_j^2 - tau^2) / 2."""
    inside = support(scores)
    if not inside:
        return NAN
    # The sum of tau^2 over the support, divided once: a quotient of series is exact where its terms are.
    beyond = total(inside) - 1
    return (total([s * s for s in inside]) - beyond * beyond / len(inside) + 1) / 2 - scores[labels]


@loss(
    "sign(), real() -> ()",
    source=f"{MARTINS}, section 3.3",
    bound=Bound(3, "a rounded difference, squared"),
    gradient_bound=Bound(4, "a rounded difference, times the cotangent"),
)
def binary_sparsemax_loss(y_true: Ball, score: Ball) -> Ball:
    """Sparsemax loss of a sign and a score, sparse plus of -y s; also called the modified Huber loss."""
    return sparse_plus(-y_true * score)
