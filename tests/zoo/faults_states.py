"""Wrong stateful metrics: right on a first batch, wrong after a reset, a merge, or many batches."""

from __future__ import annotations

import numpy as np
import right_metrics
from right_metrics import Mean, State
from rows_table import Table, labels

fault = Table()
state = fault.state
METRICS = "https://github.com/Lightning-AI/torchmetrics"
TRUE, GUESS = labels(20, 3), labels(20, 3, seed=13)
FIRST, SECOND, THIRD = (TRUE[:4], GUESS[:4]), (TRUE[4:11], GUESS[4:11]), (TRUE[11:], GUESS[11:])
NOTHING = (TRUE[:0], GUESS[:0])
RIGHT, WRONG = (np.array([1, 2]), np.array([1, 2])), (np.array([1, 2, 0]), np.array([2, 1, 1]))


@state(
    "reset-keeps-the-count",
    "reset forgets the sum of hits and not the number of samples",
    [("update", *FIRST), ("reset",), ("update", *SECOND)],
)
class ResetKeepsCount(Mean):
    def __init__(self):
        self.total = self.count = 0.0

    def reset(self):
        self.total = 0.0


@state(
    "reset-that-does-nothing",
    "a wrapper's reset resets its own fields, and not those of the metrics that it holds",
    [("update", *FIRST), ("reset",), ("update", *WRONG)],
    upstream=f"{METRICS}/issues/2556",
)
class ResetDoesNothing(Mean):
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
    "the result is computed once and kept, whatever comes after",
    [("update", *FIRST), ("result",), ("update", *SECOND)],
    upstream=f"{METRICS}/issues/2206",
)
class CachedResult(Mean):
    def reset(self):
        super().reset()
        self.cached = None

    def result(self):
        if self.cached is None:
            self.cached = super().result()
        return self.cached


@state(
    "result-cached-over-a-reset",
    "an update clears the cached result, a reset does not",
    [("update", *FIRST), ("result",), ("reset",)],
    upstream=f"{METRICS}/pull/147",
)
class CachedOverReset(Mean):
    cached = None

    def update(self, y_true, y_pred, sample_weight=None):
        super().update(y_true, y_pred, sample_weight)
        self.cached = None

    def result(self):
        if self.cached is None:
            self.cached = super().result()
        return self.cached


@state(
    "merge-does-not-clear-the-cache",
    "an update clears the cached result, a merge does not",
    [("update", *FIRST), ("result",), ("merge", [SECOND])],
)
class CachedOverMerge(Mean):
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


@state(
    "mean-of-the-batches-means",
    "every batch counts the same, however many samples it has",
    [("update", *FIRST), ("update", *SECOND), ("update", *THIRD)],
)
class MeanOfMeans(Mean):
    def update(self, y_true, y_pred, sample_weight=None):
        each = Mean()
        each.update(y_true, y_pred, sample_weight)
        if each.count:
            self.total += each.result()
            self.count += 1


@state(
    "the-last-batch-alone",
    "an update replaces what was seen",
    [("update", *FIRST), ("update", *SECOND)],
    upstream=f"{METRICS}/issues/766",
)
class LastBatch(Mean):
    def update(self, y_true, y_pred, sample_weight=None):
        self.reset()
        super().update(y_true, y_pred, sample_weight)


@state(
    "an-empty-batch-is-for-ever",
    "the mean of an empty batch is NaN, and so is every sum with it",
    [("update", *FIRST), ("update", *NOTHING), ("update", *SECOND)],
)
class EmptyForEver(Mean):
    def update(self, y_true, y_pred, sample_weight=None):
        each = Mean()
        each.update(y_true, y_pred, sample_weight)
        self.total += np.float64(each.total) / np.float64(each.count) * each.count
        self.count += each.count


@state(
    "an-empty-batch-resets",
    "an update with no samples is taken for the start of an epoch",
    [("update", *FIRST), ("update", *NOTHING), ("update", *WRONG)],
)
class EmptyResets(Mean):
    def update(self, y_true, y_pred, sample_weight=None):
        if len(y_true) == 0:
            self.reset()
        super().update(y_true, y_pred, sample_weight)


@state(
    "merge-averages-results",
    "the merged result is the mean of both results, whatever either saw",
    [("update", *FIRST), ("merge", [SECOND, THIRD])],
)
class MergeAverages(Mean):
    def merge(self, other):
        if self.count and other.count:
            self.total, self.count = (self.result() + other.result()) / 2, 1.0
        else:
            super().merge(other)


@state(
    "merge-takes-the-others-count",
    "the count is assigned in place of added",
    [("update", *FIRST), ("merge", [SECOND])],
)
class MergeAssigns(Mean):
    def merge(self, other):
        self.total += other.total
        self.count = other.count


@state(
    "merge-into-an-empty-one-is-lost",
    "a metric that saw nothing returns early from a merge",
    [("merge", [SECOND])],
)
class MergeIntoEmpty(Mean):
    def merge(self, other):
        if self.count:
            super().merge(other)


@state(
    "merge-shares-the-others-list",
    "a merge into an empty metric takes the other's list itself: what the other sees later is seen here too",
    [("merge", [FIRST]), ("later", *WRONG)],
)
class MergeAliases(State):
    def merge(self, other):
        self.seen = other.seen if not self.seen else [*self.seen, *other.seen]


@state(
    "merge-empties-the-other",
    "merging moves the other's samples, and leaves it as if it had seen nothing",
    [("update", *FIRST), ("merge", [SECOND]), ("theirs",)],
)
class MergeEmpties(State):
    def merge(self, other):
        super().merge(other)
        other.reset()


@state(
    "state-of-all-instances",
    "a default argument is one list for all instances until their first reset",
    [("update", *FIRST), ("other", *WRONG)],
)
class SharedState(State):
    def __init__(self, seen=[]):  # noqa: B006
        self.seen = seen


@state(
    "the-callers-memory-is-kept",
    "updates keep the caller's arrays, whose memory a data loader uses again",
    [("reuse", np.array([0, 1, 2, 2]), np.array([1, 1, 0, 2])), ("update", *SECOND)],
)
class KeepsReferences(State):
    def update(self, y_true, y_pred, sample_weight=None):
        self.seen.append((np.asarray(y_true), np.asarray(y_pred), sample_weight))


@state(
    "reading-the-result-resets",
    "the result is read and the state cleared: a second reading is of nothing",
    [("update", *FIRST), ("result",), ("update", *SECOND)],
)
class ReadingResets(Mean):
    def result(self):
        value = super().result()
        self.reset()
        return value


@state(
    "reading-the-result-counts",
    "computing the result rescales the state, and every reading changes the next",
    [("update", *FIRST), ("result",), ("result",), ("update", *SECOND)],
)
class ReadingCounts(Mean):
    def result(self):
        value = super().result()
        if self.count:
            self.total, self.count = value, 1.0
        return value


@state(
    "count-in-float32",
    "sums are float32 variables: beside 2^24, single samples are lost",
    [("update", *RIGHT, np.array([2.0**25, 1.0])), *[("update", *WRONG, np.ones(3))] * 400],
    kind="dtype",
)
class SingleCount(Mean):
    def update(self, y_true, y_pred, sample_weight=None):
        each = np.asarray(right_metrics.accuracy(y_true, y_pred, reduction="none"))
        weight = np.ones(each.shape) if sample_weight is None else np.asarray(sample_weight)
        self.total = np.add.accumulate(np.append(self.total, each * weight).astype(np.float32))[-1]
        self.count = np.add.accumulate(np.append(self.count, weight).astype(np.float32))[-1]


@state(
    "count-in-a-byte",
    "the number of samples is an uint8 variable",
    [("update", np.zeros(200, int), np.zeros(200, int)), ("update", np.zeros(100, int), np.ones(100, int))],
    kind="dtype",
    upstream="https://github.com/davidtvs/PyTorch-ENet/pull/46",
)
class ByteCount(Mean):
    def update(self, y_true, y_pred, sample_weight=None):
        super().update(y_true, y_pred, sample_weight)
        if sample_weight is None:
            self.count = self.count % 256


@state(
    "weights-of-the-first-update-alone",
    "from the second update on sample weights are not looked at",
    [("update", *RIGHT, np.array([1.0, 3.0])), ("update", *WRONG, np.array([0.5, 0.25, 4.0]))],
    kind="weights",
)
class FirstWeights(Mean):
    def update(self, y_true, y_pred, sample_weight=None):
        super().update(y_true, y_pred, None if self.count else sample_weight)


@state(
    "the-first-update-after-a-reset-is-lost",
    "reset arms a warm-up that drops a batch",
    [("update", *FIRST), ("reset",), ("update", *RIGHT), ("update", *SECOND)],
)
class WarmUp(Mean):
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


@state(
    "identical-batches-counted-once",
    "a batch that equals the one before is taken for a retransmission",
    [("update", *WRONG), ("update", *RIGHT), ("update", *RIGHT)],
)
class Deduplicated(State):
    def update(self, y_true, y_pred, sample_weight=None):
        if self.seen and np.array_equal(self.seen[-1][0], y_true) and np.array_equal(self.seen[-1][1], y_pred):
            return
        super().update(y_true, y_pred, sample_weight)


FAULTS = tuple(fault.entries)
