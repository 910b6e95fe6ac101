"""Wrong stateful metrics whose result is no mean over samples: F1, areas, calibration, means over classes."""

from __future__ import annotations

import numpy as np

from tests.zoo import right_metrics
from tests.zoo.entries import Table
from tests.zoo.right_metrics import State
from tests.zoo.row_inputs import binary, labels, logits, scores

fault = Table()
state = fault.state
FLAGS, POSITIVE = binary(30), binary(30, seed=14)
BATCHES = [
    ("update", FLAGS[:4], POSITIVE[:4]),
    ("update", FLAGS[4:13], POSITIVE[4:13]),
    ("update", FLAGS[13:], POSITIVE[13:]),
]


@state("quotients-of-batches-averaged", BATCHES, operation="f1_score")
class AveragedF1(State):
    """F1 of a stream is the mean of the batches' F1, weighted by their sizes."""

    of = staticmethod(right_metrics.f1_score)

    def result(self):
        if not self.seen:
            return float("nan")
        values = [right_metrics.f1_score(t, p, w) for t, p, w in self.seen]
        return float(np.average(values, weights=[len(t) for t, _, _ in self.seen]))


@state(
    "classes-of-the-first-batch",
    [("update", np.array([0, 1]), np.array([0, 0])), ("update", np.array([2, 0]), np.array([1, 0]))],
    operation="balanced_accuracy",
)
class FirstClasses(State):
    """The confusion matrix is made for the classes of the first update, and later ones are dropped."""

    of = staticmethod(right_metrics.balanced_accuracy)

    def result(self):
        if not self.seen:
            return float("nan")
        known = np.unique(self.seen[0][0])
        kept, self.seen = self.seen, [tuple(x if x is None else x[np.isin(b[0], known)] for x in b) for b in self.seen]
        value, self.seen = super().result(), kept
        return value


class OfScores(State):
    """A state whose predictions are called scores."""

    def update(self, y_true, y_score, sample_weight=None):
        super().update(y_true, y_score, sample_weight)


CURVE = [("update", FLAGS[:10], scores(30)[:10]), ("merge", [(FLAGS[10:], scores(30)[10:])])]


@state("areas-averaged-in-a-merge", CURVE, operation="roc_auc")
class AveragedAreas(OfScores):
    """The area of merged samples is the mean of the areas: pairs across both are not counted."""

    of = staticmethod(right_metrics.roc_auc)

    def __init__(self):
        super().__init__()
        self.merged = []

    def merge(self, other):
        self.merged.append(other.result())

    def reset(self):
        super().reset()
        self.merged = []

    def result(self):
        own = [super().result()] if self.seen else []
        return float(np.mean([*own, *self.merged])) if own or self.merged else float("nan")


@state(
    "calibration-of-batches-averaged",
    [("update", FLAGS[:15], scores(30)[:15]), ("update", FLAGS[15:], scores(30)[15:])],
    operation="expected_calibration_error",
)
class AveragedCalibration(OfScores):
    """Gaps of bins are summed as sizes, batch by batch, and do not cancel."""

    def result(self):
        if not self.seen:
            return float("nan")
        values = [right_metrics.expected_calibration_error(t, p) for t, p, _ in self.seen]
        return float(np.average(values, weights=[len(t) for t, _, _ in self.seen]))


@state(
    "scores-gathered-in-half",
    [
        ("update", np.array([0, 1]), np.float32([0.70001, 0.70002])),
        ("update", np.array([1, 0]), np.float32([0.30002, 0.30001])),
    ],
    operation="roc_auc",
    kind="narrow-range",
)
class HalfScores(OfScores):
    """Scores are stored as float16 to save memory, and near ones tie."""

    of = staticmethod(right_metrics.roc_auc)

    def update(self, y_true, y_score, sample_weight=None):
        super().update(y_true, np.asarray(y_score).astype(np.float16), sample_weight)


@state(
    "running-mean-of-means",
    [("update", labels(4, 3), logits(4, 3)), ("update", labels(9, 3, seed=8), logits(9, 3, seed=9))],
    operation="sparse_categorical_accuracy",
)
class RunningMean:
    """Total += (batch mean - total) / updates, which is a mean of means for batches of different sizes."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.value, self.updates = float("nan"), 0

    def update(self, labels, y_score, sample_weight=None):
        batch = right_metrics.sparse_categorical_accuracy(labels, y_score, "mean", sample_weight)
        self.updates += 1
        self.value = batch if self.updates == 1 else self.value + (batch - self.value) / self.updates

    def merge(self, other):
        if other.updates:
            total = self.updates + other.updates
            self.value = (
                other.value if not self.updates else (self.value * self.updates + other.value * other.updates) / total
            )
            self.updates = total

    def result(self):
        return self.value


FAULTS = tuple(fault.entries)
