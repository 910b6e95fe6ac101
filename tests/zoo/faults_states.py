"""Wrong stateful metrics: right on a first batch, wrong after a reset, a merge, or many batches.

The last ones give no mean over samples: F1, areas, calibration, means over classes.
"""

from __future__ import annotations

import numpy as np

from tests.zoo import right_binary, right_metrics
from tests.zoo.entries import Table
from tests.zoo.right import wide
from tests.zoo.right_metrics import Mean, State
from tests.zoo.row_inputs import binary, labels, logits, scores

fault = Table()
state = fault.state
TRUE, GUESS = labels(20, 3), labels(20, 3, seed=13)
FIRST, SECOND, THIRD = (TRUE[:4], GUESS[:4]), (TRUE[4:11], GUESS[4:11]), (TRUE[11:], GUESS[11:])
NOTHING = (TRUE[:0], GUESS[:0])
RIGHT, WRONG = (np.array([1, 2]), np.array([1, 2])), (np.array([1, 2, 0]), np.array([2, 1, 1]))
ONE, NONE = (np.array([1]), np.array([1])), (np.array([1]), np.array([2]))
FLAGS, POSITIVE = binary(30), binary(30, seed=14)
PARTS = [(FLAGS[:4], POSITIVE[:4]), (FLAGS[4:13], POSITIVE[4:13]), (FLAGS[13:], POSITIVE[13:])]


# fmt: off
@state("reset-keeps-the-count", FIRST, "reset", SECOND)
class ResetKeepsCount(Mean):
    """Reset forgets the sum of hits and not the number of samples."""
    def reset(self):
        self.total = 0.0

@state("reset-that-does-nothing", FIRST, "reset", WRONG, upstream="Lightning-AI/torchmetrics/issues/2556")
class ResetDoesNothing(Mean):
    """A wrapper's reset resets its own fields, and not those of the metrics that it holds."""
    def reset(self):
        pass

class Cached(Mean):
    """The result is computed once and kept, until an act of `clearing`."""

    cached, clearing = None, ()

    def update(self, y_true, y_pred, sample_weight=None):
        super().update(y_true, y_pred, sample_weight)
        self.cached = None if "update" in self.clearing else self.cached

    def reset(self):
        super().reset()
        self.cached = None if "reset" in self.clearing else self.cached

    def result(self):
        self.cached = super().result() if self.cached is None else self.cached
        return self.cached

@state("result-cached-over-an-update", FIRST, "result", SECOND, upstream="Lightning-AI/torchmetrics/issues/2206")
class CachedResult(Cached):
    """The result is computed once and kept, whatever comes after."""
    clearing = ("reset",)

@state("result-cached-over-a-reset", FIRST, "result", "reset", upstream="Lightning-AI/torchmetrics/pull/147")
class CachedOverReset(Cached):
    """An update clears the cached result, a reset does not."""
    clearing = ("update",)

@state("merge-does-not-clear-the-cache", FIRST, "result", ("merge", [SECOND]))
class CachedOverMerge(Cached):
    """An update clears the cached result, a merge does not."""
    clearing = ("update", "reset")

@state("mean-of-the-batches-means", FIRST, SECOND, THIRD)
class MeanOfMeans(Mean):
    """Every batch counts the same, however many samples it has."""
    def update(self, y_true, y_pred, sample_weight=None):
        each = Mean()
        each.update(y_true, y_pred, sample_weight)
        if each.count:
            self.total += each.result()
            self.count += 1

@state("the-last-batch-alone", FIRST, SECOND, upstream="Lightning-AI/torchmetrics/issues/766")
class LastBatch(Mean):
    """An update replaces what was seen."""
    def update(self, y_true, y_pred, sample_weight=None):
        self.reset()
        super().update(y_true, y_pred, sample_weight)

@state("an-empty-batch-is-for-ever", FIRST, NOTHING, SECOND)
class EmptyForEver(Mean):
    """The mean of an empty batch is NaN, and so is every sum with it."""
    def update(self, y_true, y_pred, sample_weight=None):
        each = Mean()
        each.update(y_true, y_pred, sample_weight)
        self.total += np.float64(each.total) / np.float64(each.count) * each.count
        self.count += each.count

@state("an-empty-batch-resets", FIRST, NOTHING, WRONG)
class EmptyResets(Mean):
    """An update with no samples is taken for the start of an epoch."""
    def update(self, y_true, y_pred, sample_weight=None):
        if len(y_true) == 0:
            self.reset()
        super().update(y_true, y_pred, sample_weight)

@state("merge-averages-results", FIRST, ("merge", [SECOND, THIRD]))
class MergeAverages(Mean):
    """The merged result is the mean of both results, whatever either saw."""
    def merge(self, other):
        if self.count and other.count:
            self.total, self.count = (self.result() + other.result()) / 2, 1.0
        else:
            super().merge(other)

@state("merge-takes-the-others-count", FIRST, ("merge", [SECOND]))
class MergeAssigns(Mean):
    """The count is assigned in place of added."""
    def merge(self, other):
        self.total += other.total
        self.count = other.count

@state("merge-into-an-empty-one-is-lost", ("merge", [SECOND]))
class MergeIntoEmpty(Mean):
    """A metric that saw nothing returns early from a merge."""
    def merge(self, other):
        if self.count:
            super().merge(other)

@state("merge-shares-the-others-list", ("merge", [FIRST]), ("later", *WRONG))
class MergeAliases(State):
    """A merge into an empty metric takes the other's list itself: what the other sees later is seen here too."""
    def merge(self, other):
        self.seen = other.seen if not self.seen else [*self.seen, *other.seen]

@state("merge-empties-the-other", FIRST, ("merge", [SECOND]), "theirs")
class MergeEmpties(State):
    """Merging moves the other's samples, and leaves it as if it had seen nothing."""
    def merge(self, other):
        super().merge(other)
        other.reset()

def after_none_before():
    SharedState.__init__.__defaults__[0].clear()
    return [FIRST, ("other", *WRONG)]

@state("state-of-all-instances", after_none_before)
class SharedState(State):
    """A default argument is one list for all instances until their first reset."""
    def __init__(self, seen=[]):  # noqa: B006
        self.seen = seen

@state("the-callers-memory-is-kept", ("reuse", np.array([0, 1, 2, 2]), np.array([1, 1, 0, 2])), SECOND)
class KeepsReferences(State):
    """Updates keep the caller's arrays, whose memory a data loader uses again."""
    def update(self, y_true, y_pred, sample_weight=None):
        self.seen.append((np.asarray(y_true), np.asarray(y_pred), sample_weight))

@state("reading-the-result-resets", FIRST, "result", SECOND)
class ReadingResets(Mean):
    """The result is read and the state cleared: a second reading is of nothing."""
    def result(self):
        value = super().result()
        self.reset()
        return value

@state("reading-the-result-counts", FIRST, "result", "result", SECOND)
class ReadingCounts(Mean):
    """Computing the result rescales the state, and every reading changes the next."""
    def result(self):
        value = super().result()
        if self.count:
            self.total, self.count = value, 1.0
        return value

@state("count-in-float32", (*RIGHT, np.array([2.0**25, 1.0])), *[("update", *WRONG, np.ones(3))] * 400, kind="dtype")
class SingleCount(Mean):
    """Sums are float32 variables: beside 2^24, single samples are lost."""
    def update(self, y_true, y_pred, sample_weight=None):
        each = np.asarray(right_metrics.accuracy(y_true, y_pred, reduction="none"))
        weight = np.ones(each.shape) if sample_weight is None else np.asarray(sample_weight)
        self.total = np.add.accumulate(np.append(self.total, each * weight).astype(np.float32))[-1]
        self.count = np.add.accumulate(np.append(self.count, weight).astype(np.float32))[-1]

@state("count-in-a-byte", (np.zeros(200, int), np.zeros(200, int)), (np.zeros(100, int), np.ones(100, int)),
    kind="dtype", upstream="davidtvs/PyTorch-ENet/pull/46")
class ByteCount(Mean):
    """The number of samples is an uint8 variable."""
    def update(self, y_true, y_pred, sample_weight=None):
        super().update(y_true, y_pred, sample_weight)
        if sample_weight is None:
            self.count = self.count % 256

@state("weights-of-the-first-update-alone", (*RIGHT, np.array([1.0, 3.0])), (*WRONG, np.array([0.5, 0.25, 4.0])),
    kind="weights")
class FirstWeights(Mean):
    """From the second update on sample weights are not looked at."""
    def update(self, y_true, y_pred, sample_weight=None):
        super().update(y_true, y_pred, None if self.count else sample_weight)

@state("the-first-update-after-a-reset-is-lost", FIRST, "reset", RIGHT, SECOND)
class WarmUp(Mean):
    """Reset arms a warm-up that drops a batch."""
    armed = False

    def reset(self):
        super().reset()
        self.armed = True

    def update(self, y_true, y_pred, sample_weight=None):
        if not self.armed:
            super().update(y_true, y_pred, sample_weight)
        self.armed = False

@state("identical-batches-counted-once", WRONG, RIGHT, RIGHT)
class Deduplicated(State):
    """A batch that equals the one before is taken for a retransmission."""
    def update(self, y_true, y_pred, sample_weight=None):
        if self.seen and np.array_equal(self.seen[-1][0], y_true) and np.array_equal(self.seen[-1][1], y_pred):
            return
        super().update(y_true, y_pred, sample_weight)

@state("second-reset-does-nothing", ONE, "reset", NONE, "reset", ONE)
class ResetOnce(Mean):
    """A flag says that it was reset once, and is never taken back."""
    clean = False

    def reset(self):
        if not self.clean:
            super().reset()
        self.clean = True

@state("result-cached-by-the-count", RIGHT, "result", "reset", (np.array([1, 2]), np.array([2, 1])))
class CachedByCount(Mean):
    """The result is kept under the number of samples, and a reset does not clear it."""

    def __init__(self):
        super().__init__()
        self.known = {}

    def result(self):
        return self.known.setdefault(self.count, super().result())

class BinaryLoss(Mean):
    """The mean binary cross-entropy of logits, batch by batch."""
    of = staticmethod(right_binary.binary_cross_entropy_with_logits)

    def update(self, y_true, logits, sample_weight=None):
        super().update(y_true, wide(logits), sample_weight)

BINARY = "binary_cross_entropy_with_logits"
BATCHES = [(binary(5), logits(5, 2)[:, 0]), (binary(9, seed=3), logits(9, 2, scale=3.0)[:, 1])]

@state("merged-losses-are-lost", BATCHES[0], ("merge", [BATCHES[1]]), operation=BINARY)
class MergesNoLoss(BinaryLoss):
    """Merge does nothing to the mean of a loss."""

    def merge(self, other):
        pass

@state("mean-of-the-batches-losses", *BATCHES, operation=BINARY)
class MeanOfBatches(BinaryLoss):
    """The means of batches are averaged, whatever their sizes."""

    def update(self, y_true, logits, sample_weight=None):
        batch = BinaryLoss()
        batch.update(y_true, logits, sample_weight)
        self.total += batch.result() if batch.count else 0.0
        self.count += bool(batch.count)

@state("quotients-of-batches-averaged", *PARTS, operation="f1_score")
class AveragedF1(State):
    """F1 of a stream is the mean of the batches' F1, weighted by their sizes."""
    of = staticmethod(right_metrics.f1_score)

    def result(self):
        if not self.seen:
            return float("nan")
        values = [right_metrics.f1_score(t, p, w) for t, p, w in self.seen]
        return float(np.average(values, weights=[len(t) for t, _, _ in self.seen]))

@state("classes-of-the-first-batch", (np.array([0, 1]), np.array([0, 0])), (np.array([2, 0]), np.array([1, 0])),
    operation="balanced_accuracy")
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

@state("areas-averaged-in-a-merge", *CURVE, operation="roc_auc")
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

@state("calibration-of-batches-averaged", (FLAGS[:15], scores(30)[:15]), (FLAGS[15:], scores(30)[15:]),
    operation="expected_calibration_error")
class AveragedCalibration(OfScores):
    """Gaps of bins are summed as sizes, batch by batch, and do not cancel."""
    def result(self):
        if not self.seen:
            return float("nan")
        values = [right_metrics.expected_calibration_error(t, p) for t, p, _ in self.seen]
        return float(np.average(values, weights=[len(t) for t, _, _ in self.seen]))

@state("scores-gathered-in-half", (np.array([0, 1]), np.float32([0.70001, 0.70002])),
    (np.array([1, 0]), np.float32([0.30002, 0.30001])), operation="roc_auc", kind="narrow-range")
class HalfScores(OfScores):
    """Scores are stored as float16 to save memory, and near ones tie."""
    of = staticmethod(right_metrics.roc_auc)

    def update(self, y_true, y_score, sample_weight=None):
        super().update(y_true, np.asarray(y_score).astype(np.float16), sample_weight)

@state("running-mean-of-means", (labels(4, 3), logits(4, 3)), (labels(9, 3, seed=8), logits(9, 3, seed=9)),
    operation="sparse_categorical_accuracy")
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
