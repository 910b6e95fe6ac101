"""Wrong stateful metrics: right on a first batch, wrong after a reset, a merge, or many batches."""

from __future__ import annotations

import numpy as np

from tests.zoo import right_metrics
from tests.zoo.entries import Table
from tests.zoo.right_metrics import Mean, State
from tests.zoo.row_inputs import labels

fault = Table()
state = fault.state
METRICS = "https://github.com/Lightning-AI/torchmetrics"
TRUE, GUESS = labels(20, 3), labels(20, 3, seed=13)
FIRST, SECOND, THIRD = (TRUE[:4], GUESS[:4]), (TRUE[4:11], GUESS[4:11]), (TRUE[11:], GUESS[11:])
NOTHING = (TRUE[:0], GUESS[:0])
RIGHT, WRONG = (np.array([1, 2]), np.array([1, 2])), (np.array([1, 2, 0]), np.array([2, 1, 1]))


@state("reset-keeps-the-count", [("update", *FIRST), ("reset",), ("update", *SECOND)])
class ResetKeepsCount(Mean):
    """Reset forgets the sum of hits and not the number of samples."""

    def __init__(self):
        self.total = self.count = 0.0

    def reset(self):
        self.total = 0.0


@state(
    "reset-that-does-nothing", [("update", *FIRST), ("reset",), ("update", *WRONG)], upstream=f"{METRICS}/issues/2556"
)
class ResetDoesNothing(Mean):
    """A wrapper's reset resets its own fields, and not those of the metrics that it holds."""

    def __init__(self):
        self.total = self.count = 0.0
        self.updates = 0

    def update(self, y_true, y_pred, sample_weight=None):
        super().update(y_true, y_pred, sample_weight)
        self.updates += 1

    def reset(self):
        self.updates = 0


@state(
    "result-cached-over-an-update",
    [("update", *FIRST), ("result",), ("update", *SECOND)],
    upstream=f"{METRICS}/issues/2206",
)
class CachedResult(Mean):
    """The result is computed once and kept, whatever comes after."""

    def reset(self):
        super().reset()
        self.cached = None

    def result(self):
        if self.cached is None:
            self.cached = super().result()
        return self.cached


@state("result-cached-over-a-reset", [("update", *FIRST), ("result",), ("reset",)], upstream=f"{METRICS}/pull/147")
class CachedOverReset(Mean):
    """An update clears the cached result, a reset does not."""

    cached = None

    def update(self, y_true, y_pred, sample_weight=None):
        super().update(y_true, y_pred, sample_weight)
        self.cached = None

    def result(self):
        if self.cached is None:
            self.cached = super().result()
        return self.cached


@state("merge-does-not-clear-the-cache", [("update", *FIRST), ("result",), ("merge", [SECOND])])
class CachedOverMerge(Mean):
    """An update clears the cached result, a merge does not."""

    cached = None

    def update(self, y_true, y_pred, sample_weight=None):
        super().update(y_true, y_pred, sample_weight)
        self.cached = None

    def reset(self):
        super().reset()
        self.cached = None

    def result(self):
        if self.cached is None:
            self.cached = super().result()
        return self.cached


@state("mean-of-the-batches-means", [("update", *FIRST), ("update", *SECOND), ("update", *THIRD)])
class MeanOfMeans(Mean):
    """Every batch counts the same, however many samples it has."""

    def update(self, y_true, y_pred, sample_weight=None):
        each = Mean()
        each.update(y_true, y_pred, sample_weight)
        if each.count:
            self.total += each.result()
            self.count += 1


@state("the-last-batch-alone", [("update", *FIRST), ("update", *SECOND)], upstream=f"{METRICS}/issues/766")
class LastBatch(Mean):
    """An update replaces what was seen."""

    def update(self, y_true, y_pred, sample_weight=None):
        self.reset()
        super().update(y_true, y_pred, sample_weight)


@state("an-empty-batch-is-for-ever", [("update", *FIRST), ("update", *NOTHING), ("update", *SECOND)])
class EmptyForEver(Mean):
    """The mean of an empty batch is NaN, and so is every sum with it."""

    def update(self, y_true, y_pred, sample_weight=None):
        each = Mean()
        each.update(y_true, y_pred, sample_weight)
        self.total += np.float64(each.total) / np.float64(each.count) * each.count
        self.count += each.count


@state("an-empty-batch-resets", [("update", *FIRST), ("update", *NOTHING), ("update", *WRONG)])
class EmptyResets(Mean):
    """An update with no samples is taken for the start of an epoch."""

    def update(self, y_true, y_pred, sample_weight=None):
        if len(y_true) == 0:
            self.reset()
        super().update(y_true, y_pred, sample_weight)


@state("merge-averages-results", [("update", *FIRST), ("merge", [SECOND, THIRD])])
class MergeAverages(Mean):
    """The merged result is the mean of both results, whatever either saw."""

    def merge(self, other):
        if self.count and other.count:
            self.total, self.count = (self.result() + other.result()) / 2, 1.0
        else:
            super().merge(other)


@state("merge-takes-the-others-count", [("update", *FIRST), ("merge", [SECOND])])
class MergeAssigns(Mean):
    """The count is assigned in place of added."""

    def merge(self, other):
        self.total += other.total
        self.count = other.count


@state("merge-into-an-empty-one-is-lost", [("merge", [SECOND])])
class MergeIntoEmpty(Mean):
    """A metric that saw nothing returns early from a merge."""

    def merge(self, other):
        if self.count:
            super().merge(other)


@state("merge-shares-the-others-list", [("merge", [FIRST]), ("later", *WRONG)])
class MergeAliases(State):
    """A merge into an empty metric takes the other's list itself: what the other sees later is seen here too."""

    def merge(self, other):
        self.seen = other.seen if not self.seen else [*self.seen, *other.seen]


@state("merge-empties-the-other", [("update", *FIRST), ("merge", [SECOND]), ("theirs",)])
class MergeEmpties(State):
    """Merging moves the other's samples, and leaves it as if it had seen nothing."""

    def merge(self, other):
        super().merge(other)
        other.reset()


def after_none_before():
    SharedState.__init__.__defaults__[0].clear()
    return [("update", *FIRST), ("other", *WRONG)]


@state("state-of-all-instances", after_none_before)
class SharedState(State):
    """A default argument is one list for all instances until their first reset."""

    def __init__(self, seen=[]):  # noqa: B006
        self.seen = seen


@state("the-callers-memory-is-kept", [("reuse", np.array([0, 1, 2, 2]), np.array([1, 1, 0, 2])), ("update", *SECOND)])
class KeepsReferences(State):
    """Updates keep the caller's arrays, whose memory a data loader uses again."""

    def update(self, y_true, y_pred, sample_weight=None):
        self.seen.append((np.asarray(y_true), np.asarray(y_pred), sample_weight))


@state("reading-the-result-resets", [("update", *FIRST), ("result",), ("update", *SECOND)])
class ReadingResets(Mean):
    """The result is read and the state cleared: a second reading is of nothing."""

    def result(self):
        value = super().result()
        self.reset()
        return value


@state("reading-the-result-counts", [("update", *FIRST), ("result",), ("result",), ("update", *SECOND)])
class ReadingCounts(Mean):
    """Computing the result rescales the state, and every reading changes the next."""

    def result(self):
        value = super().result()
        if self.count:
            self.total, self.count = value, 1.0
        return value


@state(
    "count-in-float32",
    [("update", *RIGHT, np.array([2.0**25, 1.0])), *[("update", *WRONG, np.ones(3))] * 400],
    kind="dtype",
)
class SingleCount(Mean):
    """Sums are float32 variables: beside 2^24, single samples are lost."""

    def update(self, y_true, y_pred, sample_weight=None):
        each = np.asarray(right_metrics.accuracy(y_true, y_pred, reduction="none"))
        weight = np.ones(each.shape) if sample_weight is None else np.asarray(sample_weight)
        self.total = np.add.accumulate(np.append(self.total, each * weight).astype(np.float32))[-1]
        self.count = np.add.accumulate(np.append(self.count, weight).astype(np.float32))[-1]


@state(
    "count-in-a-byte",
    [("update", np.zeros(200, int), np.zeros(200, int)), ("update", np.zeros(100, int), np.ones(100, int))],
    kind="dtype",
    upstream="https://github.com/davidtvs/PyTorch-ENet/pull/46",
)
class ByteCount(Mean):
    """The number of samples is an uint8 variable."""

    def update(self, y_true, y_pred, sample_weight=None):
        super().update(y_true, y_pred, sample_weight)
        if sample_weight is None:
            self.count = self.count % 256


@state(
    "weights-of-the-first-update-alone",
    [("update", *RIGHT, np.array([1.0, 3.0])), ("update", *WRONG, np.array([0.5, 0.25, 4.0]))],
    kind="weights",
)
class FirstWeights(Mean):
    """From the second update on sample weights are not looked at."""

    def update(self, y_true, y_pred, sample_weight=None):
        super().update(y_true, y_pred, None if self.count else sample_weight)


@state(
    "the-first-update-after-a-reset-is-lost", [("update", *FIRST), ("reset",), ("update", *RIGHT), ("update", *SECOND)]
)
class WarmUp(Mean):
    """Reset arms a warm-up that drops a batch."""

    def __init__(self):
        self.total = self.count = 0.0
        self.armed = False

    def reset(self):
        super().reset()
        self.armed = True

    def update(self, y_true, y_pred, sample_weight=None):
        if not self.armed:
            super().update(y_true, y_pred, sample_weight)
        self.armed = False


@state("identical-batches-counted-once", [("update", *WRONG), ("update", *RIGHT), ("update", *RIGHT)])
class Deduplicated(State):
    """A batch that equals the one before is taken for a retransmission."""

    def update(self, y_true, y_pred, sample_weight=None):
        if self.seen and np.array_equal(self.seen[-1][0], y_true) and np.array_equal(self.seen[-1][1], y_pred):
            return
        super().update(y_true, y_pred, sample_weight)


FAULTS = tuple(fault.entries)
