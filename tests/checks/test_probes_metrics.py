"""Probes of accuracies, averages, state and bad input name each planted behaviour by its label."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.special
from gaugeblock.adapters.base import Lifecycle
from gaugeblock.conformance.checks.probes.base import REFUSES

from tests.checks.probing import MEAN, NONE, Function, Row, answer, mean
from tests.planted import SPARSE as CE
from tests.planted import Array, refuses, sparse, top_k

SPARSE = "sparse_categorical_accuracy"


def above(y: Array, s: Array, threshold: float = 0.5) -> Array:
    return np.asarray((s > threshold) == (y == 1), dtype=float)


def in_double(y: Array, s: Array, threshold: float) -> Array:
    return above(y, s.astype(float), threshold)


def sigmoids(y: Array, s: Array, threshold: float = 0.5) -> Array:
    outside = not ((s >= 0) & (s <= 1)).all()
    return above(y, scipy.special.expit(s) if outside else s, threshold)


def argmax(y: Array, s: Array) -> Array:
    return np.asarray(y == s.argmax(axis=1), dtype=float)


def last(y: Array, s: Array) -> Array:
    return np.asarray(y == s.shape[1] - 1 - s[:, ::-1].argmax(axis=1), dtype=float)


def bits(y: Array, s: Array) -> Array:
    """By the order of the numbers' bits, in which -0 lies below 0."""
    return argmax(y, s + np.where(np.signbit(s), -1e-30, 0))


def rank(y: Array, s: Array, k: int) -> Array:
    """How many scores are larger than the label's own."""
    own = s[np.arange(len(y)), np.clip(y, 0, s.shape[1] - 1)][:, None]
    return np.asarray(((s > own).sum(axis=1) < k) & (y >= 0) & (y < s.shape[1]), dtype=float)


def finite_rank(y: Array, s: Array, k: int) -> Array:
    return np.where(np.isfinite(s).all(axis=1), rank(y, s, k), 0.0)


def narrow(y: Array, s: Array) -> Array:
    return np.asarray(y.astype(s.dtype) == s.argmax(axis=1).astype(s.dtype), dtype=float)


BINARY, TOP_K = "binary_accuracy", "top_k_accuracy"
AT = {"call": "planted(y_true, y_score, threshold)"}
K = {"call": "planted(labels, y_score, k)"}

ACCURACIES: tuple[Row, ...] = (
    ("threshold-between-two-numbers", BINARY, in_double, "yes", {**AT, **NONE}),
    ("threshold-between-two-numbers", BINARY, above, "no: the threshold is rounded to the scores' dtype first",
     {**AT, **NONE}),
    ("default-threshold", BINARY, above, "3/4",
     {"call": "planted(y_true, y_score, threshold=threshold)", **NONE}),
    ("binary-scores-outside-0-and-1", BINARY, above, "yes", {**AT, **NONE}),
    ("binary-scores-outside-0-and-1", BINARY, mean(sigmoids), "no: the sigmoid of all is", {**AT, **MEAN}),
    ("nan-as-a-binary-score", BINARY, above, "as a negative", NONE),
    ("nan-beside-a-binary-score", BINARY, mean(above), "no, and the NaN is a negative", MEAN),
    ("nan-beside-a-binary-score", BINARY, mean(sigmoids), "yes: the sigmoid of all is taken", MEAN),
    ("all-scores-equal", SPARSE, argmax, "the first", NONE),
    ("all-scores-equal", SPARSE, last, "the last", NONE),
    ("zeros-of-either-sign", SPARSE, argmax, "no, they tie and the first wins", NONE),
    ("zeros-of-either-sign", SPARSE, last, "no, they tie and the last wins", NONE),
    ("zeros-of-either-sign", SPARSE, bits, "yes", NONE),
    ("label-minus-one-in-an-accuracy", SPARSE, argmax, "it is a mistake", NONE),
    ("label-minus-one-in-an-accuracy", SPARSE, lambda y, s: argmax(y % 3, s), "as the last class it is right", NONE),
    ("label-minus-one-in-an-accuracy", SPARSE, lambda y, s: argmax(y, s)[y >= 0].mean(), "its row is left out", MEAN),
    ("tied-at-the-kth-place", TOP_K, rank, "all", {**K, **NONE}),
    ("constant-scores-in-top-k", TOP_K, rank, "all", {**K, **NONE}),
    ("constant-scores-in-top-k", TOP_K, top_k, "the first three", {**K, **MEAN}),
    ("k-of-zero", TOP_K, rank, "every row is wrong", {**K, **NONE}),
    ("default-k", TOP_K, lambda y, s, k=5: rank(y, s, k), "5", {"call": "planted(labels, y_score, k=k)", **NONE}),
    ("infinity-in-top-k", TOP_K, rank, "yes", {**K, **NONE}),
)  # fmt: skip


def macro(classes: Callable[[Array, Array], Array]) -> Function:
    def recall(y: Array, p: Array) -> Any:
        each = [(p[y == label] == label).mean() if (y == label).any() else 0.0 for label in classes(y, p)]
        return np.mean(each)

    return recall


def share(y: Array, p: Array, average: str = "binary") -> Any:
    return macro(lambda y, p: np.unique(y))(y, p) if average == "macro" else (p[y == 1] == 1).mean()


present = macro(lambda y, p: np.unique(y))
met = macro(lambda y, p: np.union1d(y, p))
counted = macro(lambda y, p: np.arange(3))
INT = {"dtype": "int64"}
AVERAGING = {**INT, "call": "planted(y_true, y_pred, average='macro')"}

AVERAGES: tuple[Row, ...] = (
    ("recall-default-average", "macro_recall", share, "the positive class alone", AVERAGING),
    ("class-absent-from-the-truth-in-macro-recall", "macro_recall", present, "it is left out", INT),
    ("class-absent-from-the-truth-in-macro-recall", "macro_recall", met, "it counts as 0", INT),
    ("class-absent-from-both-in-macro-recall", "macro_recall", met, "it is left out", INT),
    ("class-absent-from-both-in-macro-recall", "macro_recall", counted, "it counts as 0", INT),
    ("nothing-is-true", "recall", lambda y, p: (p[y == 1] == 1).mean(), "NaN", INT),
    ("nothing-is-true", "recall", lambda y, p: (p[y == 1] == 1).sum() / max((y == 1).sum(), 1), "zero", INT),
    ("empty-batch-of-an-accuracy", "accuracy", lambda y, p: np.mean(y == p), "NaN", {**INT, **MEAN}),
    ("empty-batch-of-an-accuracy", "accuracy", lambda y, p: 0.0, "zero", {**INT, **MEAN}),
    ("binary-accuracy-of-several-labels", BINARY, mean(above), "the share of right labels", MEAN),
    ("binary-accuracy-of-several-labels", BINARY, above, "whether each label is right", NONE),
    ("binary-accuracy-of-several-labels", BINARY, lambda y, s: above(y, s).all(axis=1).mean(),
     "the share of rows that are right altogether", MEAN),
)  # fmt: skip


BAD: tuple[Row, ...] = (
    ("fewer-labels-than-rows", CE, lambda y, z: sparse(y, z[: len(y)]), "silent: the rest of the rows is left out",
     NONE),
    ("fewer-labels-than-rows", CE, refuses, REFUSES, NONE),
    ("one-label-for-three-rows", CE, lambda y, z: sparse(np.resize(y, len(z)), z), "silent: it stands for all rows",
     NONE),
    ("labels-as-a-column", CE, lambda y, z: sparse(y[:, 0], z),
     "a loss for each row, their mean where only that is given", NONE),
    ("labels-as-a-column-in-an-accuracy", SPARSE, lambda y, s: (y == s.argmax(axis=1)).mean(),
     "each is compared with every row", MEAN),
    ("column-of-predictions", BINARY, mean(above), "each is compared with every truth", MEAN),
    ("label-minus-one-of-two", BINARY, above, "as a negative it is right", NONE),
    ("column-of-signed-scores", "hinge", lambda y, s: np.maximum(1 - y * s, 0),
     "silent: each stands beside every label", NONE),
)  # fmt: skip


class Squares:
    """The mean of all squares seen."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def update(self, y: Array, p: Array) -> None:
        self.seen += ((y - p) ** 2).tolist()

    def result(self) -> Any:
        return np.mean(self.seen) if self.seen else 0.0

    def reset(self) -> None:
        self.seen = []

    def merge(self, other: "Squares") -> None:
        self.seen += other.seen

    def copy(self) -> "Squares":
        made = type(self)()
        made.seen = list(self.seen)
        return made

    def __call__(self, y: Array, p: Array) -> Any:
        self.update(y, p)
        return self.result()


class OfTheBatch(Squares):
    def __call__(self, y: Array, p: Array) -> Any:
        self.update(y, p)
        return np.mean((y - p) ** 2)


class OfMeans(Squares):
    def update(self, y: Array, p: Array) -> None:
        self.seen.append(float(np.mean((y - p) ** 2)))


class Passing(Squares):
    def update(self, y: Array, p: Array) -> None:
        super().update(y[~np.isnan(p)], p[~np.isnan(p)])


class Unreset(Squares):
    def reset(self) -> None:
        pass


class Empty(Squares):
    def copy(self) -> "Squares":
        return Empty()


class Shared(Squares):
    def copy(self) -> "Squares":
        return self


LIFECYCLE = Lifecycle(
    "metric.update", "metric.result()", "metric.reset()", "metric", merge="metric.merge(other)", copy="metric.copy()"
)


STATES: tuple[tuple[str, type[Squares], str], ...] = (
    ("value-of-an-update-of-squares", Squares, "of all that was seen"),
    ("value-of-an-update-of-squares", OfTheBatch, "of the batch"),
    ("loss-before-update", Squares, "zero"),
    ("loss-of-unequal-batches", Squares, "yes"),
    ("reset-of-squares", Squares, "yes"),
    ("merge-of-squares", Squares, "yes"),
    ("copy-of-squares", Squares, "yes"),
    ("nan-batch-in-a-state", Squares, "until the reset"),
    ("nan-batch-in-a-state", Unreset, "for ever"),
    ("nan-batch-in-a-state", Passing, "it is passed over"),
)
WRONG_STATES: tuple[tuple[str, type[Squares], str], ...] = (
    ("loss-of-unequal-batches", OfMeans, "no: over the batches' means"),
    ("reset-of-squares", Unreset, "no"),
    ("copy-of-squares", Empty, "yes, but it starts empty"),
    ("copy-of-squares", Shared, "no"),
)
OF_STATES = {"call": "planted()(y_true, y_pred)", "lifecycle": LIFECYCLE, **MEAN}

CONFORMS: tuple[Row, ...] = (
    *ACCURACIES,
    ("label-beyond-the-scores-dtype", SPARSE, argmax, "no", {"dtype": "float16", **NONE}),
    *AVERAGES,
    *BAD,
    *((probe, "brier_score", metric, label, OF_STATES) for probe, metric, label in STATES),
)
DEVIATES: tuple[Row, ...] = (
    # Infinite scores are scores, and labels are not rounded to the dtype of scores.
    ("infinity-in-top-k", TOP_K, finite_rank, "no class is", {**K, **NONE}),
    ("minus-infinity-in-top-k", TOP_K, finite_rank, "none", {**K, **NONE}),
    ("label-beyond-the-scores-dtype", SPARSE, narrow, "yes", {"dtype": "float16", **NONE}),
    *((probe, "brier_score", metric, label, OF_STATES) for probe, metric, label in WRONG_STATES),
)


@pytest.mark.parametrize(
    ("verdict", "row"), [*(("conforms", row) for row in CONFORMS), *(("deviates", row) for row in DEVIATES)]
)
def test_a_behaviour_is_named(verdict: str, row: Row) -> None:
    probe, operation, function, label, options = row
    assert answer(probe, operation, function, **options) == (verdict, label)
