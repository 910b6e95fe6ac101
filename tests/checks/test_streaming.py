"""The streaming check is put to the proof: metrics with planted faults are found, in the scenarios that show them."""

import hashlib
import math
import re
from typing import Any, ClassVar

import numpy as np
import pytest
from gaugeblock.adapters.base import Lifecycle
from gaugeblock.conformance.checks.streaming import SCENARIOS, SINGLE, basis, case_of
from gaugeblock.reference.formats import FORMATS
from gaugeblock.reports.records import Observation

from tests import static
from tests.planted import LIFECYCLE, Array, Counting, RefusalError, observe, verdicts
from tests.zoo import faults_states as faults

NAMES = {scenario.name for scenario in SCENARIOS}
BEYOND = {"beyond-2-to-the-24", "weights-beyond-2-to-the-24"}
WEIGHTED = {scenario.name for scenario in SCENARIOS if scenario.weights is not None}
MERGED = {name for name in NAMES if "merge" in name}
RESETS = {"reset-after-other-data", "reset-after-result", "weights-reset"}
RESETS_OF_MORE = {
    "as-many-after-reset", "fewer-after-reset", "merge-one-that-was-reset", "reset-after-merge", "reset-twice"
}  # fmt: skip


class InDouble(Counting):
    answer = np.float64


class ToHalf(Counting):
    answer = np.float16


class Integers(Counting):
    kind = np.int64


class Nothing(Counting):
    def result(self) -> Any:
        return super().result() if self.all else np.float32(math.nan)


class InSingle(Counting):
    kind = np.float32


class OneByOne(InSingle):
    def total(self, terms: Array) -> Any:
        # The order with the longest chain of roundings; a tile of 2^20 whole numbers is exact in any.
        return np.add.accumulate(terms, dtype=np.float32)[-1] if 0 < len(terms) < 100 else super().total(terms)


class Downwards(OneByOne):
    def total(self, terms: Array) -> Any:
        return super().total(np.sort(terms)[::-1])


METRIC: dict[str, Any] = {"lifecycle": LIFECYCLE, "dtype": "int64", "reduction": "mean"}
CALL = "planted()(y_true, y_pred, sample_weight=sample_weight)"


def streamed(metric: type[Any], call: str = CALL, **options: Any) -> dict[str, Observation]:
    """What the check shows of a metric of labels, by scenario."""
    return observe("streaming", "accuracy", metric, call=call, **{**METRIC, **options})


def having(verdict: str, found: dict[str, Observation]) -> set[str]:
    return {name for name, each in found.items() if each.verdict == verdict}


@pytest.mark.parametrize("metric", [Counting, InDouble, ToHalf, Nothing])
def test_metrics_that_count_in_binary64_conform(metric: type[Counting]) -> None:
    found = streamed(metric)
    assert verdicts(found) == dict.fromkeys(NAMES, "conforms")
    # Each result is one quotient of two exact sums, where the weights are exact.
    assert {found[name].accuracy for name in NAMES - {"weights-unequal", "weights-wide"}} == {"correctly rounded"}


def test_integer_counters_conform_and_are_not_asked_for_weights() -> None:
    assert verdicts(streamed(Integers, "planted()(y_true, y_pred)")) == dict.fromkeys(NAMES - WEIGHTED, "conforms")


@pytest.mark.parametrize("metric", [InSingle, OneByOne, Downwards])
def test_binary32_counters_conform_until_they_saturate(metric: type[Counting]) -> None:
    found = streamed(metric)
    assert having("deviates", found) == BEYOND
    assert having("conforms", found) == NAMES - BEYOND
    assert {found[name].allowed for name in BEYOND} == {1.0}
    assert all(20 < found[name].error < 200 for name in BEYOND)


def test_what_is_not_offered_is_not_asked() -> None:
    lifecycle = Lifecycle("metric.update", "metric.result()", "metric.reset()")
    found = streamed(Counting, "planted()(y_true, y_pred)", lifecycle=lifecycle)
    assert set(found) == NAMES - WEIGHTED - MERGED - {"copy"}


class RefusesToReset(Counting):
    def __init__(self) -> None:
        super().reset()

    def reset(self) -> None:
        raise RefusalError("no reset")


class MergesHits(Counting):
    def merge(self, other: Counting) -> None:
        self.hits = self.kind(self.hits + other.hits)


class DrainsOnMerge(Counting):
    def merge(self, other: Counting) -> None:
        super().merge(other)
        other.reset()


class MeanOfMeans(Counting):
    def add(self, values: Array, weight: Array) -> None:
        if weight.sum():
            super().add(np.array([(values * weight).sum() / weight.sum()]), np.ones(1))


class WithoutWeights(Counting):
    def add(self, values: Array, weight: Array) -> None:
        super().add(values, np.ones_like(weight))


class ByNumber(Counting):
    def add(self, values: Array, weight: Array) -> None:
        super().add(values, weight)
        self.all = self.kind(self.all - weight.sum() + len(weight))


class NormalisesBatches(Counting):
    def add(self, values: Array, weight: Array) -> None:
        super().add(values, weight * (len(weight) / weight.sum() if weight.sum() else 0))


class RemembersResult(Counting):
    def __init__(self) -> None:
        self.known: Any = None
        super().__init__()

    def result(self) -> Any:
        if self.known is None:
            self.known = super().result()
        return self.known


class Shared(Counting):
    state: ClassVar[dict[str, Any]] = {}

    def __init__(self) -> None:
        self.__dict__ = self.state
        self.reset()


class CopiesItself(Counting):
    def copy(self) -> Counting:
        return self


class CopiesNothing(Counting):
    def copy(self) -> Counting:
        return type(self)()


class DropsFirst(Counting):
    def add(self, values: Array, weight: Array) -> None:
        super().add(values[1:] if len(values) > 1 else values, weight[1:] if len(weight) > 1 else weight)


class InHalf(Counting):
    kind = np.float16

    def result(self) -> Any:
        return np.float32(np.float64(self.hits) / np.float64(self.all))


class HalfWeights(Counting):
    """Takes its weights in binary16."""

    def add(self, values: Array, weight: Array) -> None:
        super().add(values, weight.astype(np.float16).astype(np.float64))


class Rough(Counting):
    def result(self) -> Any:
        return np.float32(super().result() * (1 + 2.0**-14))


WEIGHING = {name for name in WEIGHTED if name not in ("weights-of-one", "weights-reset")}
ONE_UPDATE = {"whole", "reset-before-update"}
ONE_UPDATE_AFTER_OTHERS = RESETS | {"merge-an-empty-one", "merge-into-an-empty-one"}
ASKED_BETWEEN = {
    "asked-twice", "beyond-2-to-the-24", "empty-batch-between", "merge-asked-before", "running", "single-samples",
    "two-at-once", "weights-batch-of-zero", "weights-beyond-2-to-the-24", "weights-by-batch", "weights-fractions",
    "weights-tiny", "weights-unequal", "weights-wide",
}  # fmt: skip
ONE_UPDATE_EACH = {"as-many-after-reset", "as-many-in-two", "reset-twice"}
UPDATED_AND_MERGED = {"other-goes-on-after-merge", "update-after-merge"}
FAULTS: dict[type[Any], set[str]] = {
    faults.ResetKeepsCount: RESETS | RESETS_OF_MORE,
    faults.ResetDoesNothing: RESETS | RESETS_OF_MORE | {"reset-of-another"},
    faults.MergeAverages: MERGED - ONE_UPDATE_AFTER_OTHERS - {"other-goes-on-after-merge", "reset-after-merge"},
    MergesHits: MERGED - {"merge-an-empty-one", "reset-after-merge"},
    faults.MergeAssigns: MERGED - {"merge-into-an-empty-one", "other-goes-on-after-merge", "reset-after-merge"},
    DrainsOnMerge: {"merge-nearly-as-many", "merge-two", "merge-two-other-way", "merge-into-an-empty-one",
        "other-goes-on-after-merge", "reset-after-merge", "update-after-merge", "weights-merged"},
    MeanOfMeans: NAMES
    - ONE_UPDATE
    - ONE_UPDATE_AFTER_OTHERS
    - ONE_UPDATE_EACH
    - {"single-samples", "reset-after-merge"},
    faults.LastBatch: NAMES - ONE_UPDATE - ONE_UPDATE_EACH - RESETS - (MERGED - UPDATED_AND_MERGED) - {"copy"},
    WithoutWeights: WEIGHING | {"weights-reset"},
    ByNumber: WEIGHING | {"weights-reset"},
    NormalisesBatches: WEIGHING,
    RemembersResult: ASKED_BETWEEN | {"reset-after-result", "as-many-after-reset"},
    faults.ReadingResets: ASKED_BETWEEN | {"as-many-in-two"},
    Shared: MERGED | {"two-at-once", "as-many-in-two", "reset-of-another"},
    CopiesItself: {"copy"},
    CopiesNothing: {"copy"},
    faults.EmptyForEver: {"empty-batch-between", "weights-batch-of-zero"},
    faults.Deduplicated: BEYOND | {"same-batch-again", "single-samples", "weights-of-single-samples"},
    DropsFirst: NAMES - {"single-samples", "weights-of-single-samples"},
    InHalf: BEYOND | {"weights-unequal", "weights-wide", "weights-of-single-samples", "weights-tiny"},
    HalfWeights: {"weights-beyond-2-to-the-24", "weights-of-single-samples", "weights-tiny", "weights-unequal",
        "weights-wide"},
    Rough: NAMES,
}  # fmt: skip


@pytest.mark.parametrize("metric", FAULTS)
def test_a_fault_is_found_where_it_shows_and_nowhere_else(metric: type[Any]) -> None:
    found = streamed(metric)
    assert having("deviates", found) == FAULTS[metric]
    assert having("conforms", found) == NAMES - FAULTS[metric] - (set() if hasattr(metric, "copy") else {"copy"})


def test_every_scenario_finds_some_fault() -> None:
    assert set().union(*(FAULTS[metric] for metric in FAULTS if metric is not Rough)) == NAMES


def test_a_refusal_is_recorded_where_it_is_met() -> None:
    found = streamed(RefusesToReset)
    refused = having("unsupported", found)
    assert refused == RESETS | RESETS_OF_MORE | {"reset-before-update", "reset-of-another"}
    assert {found[name].message for name in refused} == {"RefusalError: no reset"}
    assert having("conforms", found) == NAMES - refused


def test_another_number_of_results_deviates() -> None:
    class Twice(Counting):
        def result(self) -> Any:
            return np.repeat(super().result(), 2)

    whole = streamed(Twice)["whole"]
    assert (whole.verdict, whole.message) == ("deviates", "an answer of shape (2,) where (1,) is expected")


class Above(Counting):
    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        super().__init__()

    def update(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        super().update(y_true, (y_pred.astype(np.float64) > self.threshold).astype(np.int64), sample_weight)


class AboveHalf(Above):
    def __init__(self, threshold: float) -> None:
        super().__init__(threshold / 2)


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize(("metric", "verdict"), [(Above, "conforms"), (AboveHalf, "deviates")])
def test_parameters_and_scores_reach_the_object(metric: type[Above], verdict: str, dtype: str) -> None:
    call = "planted(threshold=threshold)(y_true, y_score, sample_weight=sample_weight)"
    found = verdicts(observe("streaming", "binary_accuracy", metric, call=call, **{**METRIC, "dtype": dtype}))
    assert (found["running"], found["whole"]) == (verdict, verdict)


class Precise(Counting):
    """Precision: of the samples that are predicted positive, the share that are."""

    def update(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
        each = np.ones(len(y_true), self.kind) if sample_weight is None else sample_weight.astype(self.kind)
        self.add((y_true == 1).astype(self.kind), each * (y_pred == 1))


class PreciseInSingle(Precise):
    kind = np.float32


class PreciseByBatch(Precise, MeanOfMeans):
    pass


def test_a_metric_of_whole_batches_is_that_of_all_samples() -> None:
    def wrong(metric: type[Counting]) -> set[str]:
        found = observe("streaming", "precision", metric, call=CALL, lifecycle=LIFECYCLE, dtype="int64")
        assert set(verdicts(found).values()) <= {"conforms", "deviates"}
        assert set(found) == NAMES - {"beyond-2-to-the-24"}
        return having("deviates", found)

    assert wrong(Precise) == set()
    assert wrong(PreciseInSingle) == {"weights-beyond-2-to-the-24"}
    assert {"unequal-batches", "running", "merge-two", "weights-fractions"} <= wrong(PreciseByBatch)


def test_what_makes_an_object_sees_every_sample() -> None:
    class Needs(Counting):
        def __init__(self, classes: int) -> None:
            self.classes = classes
            super().__init__()

        def update(self, y_true: Array, y_pred: Array, sample_weight: Array | None = None) -> None:
            if len(y_true) and y_true.max() >= self.classes:
                raise RefusalError("a class too many")
            super().update(y_true, y_pred, sample_weight)

    found = streamed(Needs, "planted(y_true.max() + 1)(y_true, y_pred, sample_weight=sample_weight)")
    assert verdicts(found) == dict.fromkeys(NAMES, "conforms")


class Refuses(Counting):
    def result(self) -> Any:
        raise RefusalError("there is nothing")


class Half(Counting):
    def result(self) -> Any:
        return super().result() if self.all else np.float32(0.5)


@pytest.mark.parametrize("probe", ["result-before-update", "weights-all-zero"])
@pytest.mark.parametrize(
    ("metric", "verdict", "label"),
    [
        (Counting, "conforms", "zero"),
        (Nothing, "conforms", "NaN"),
        (Refuses, "conforms", "refuses"),
        (Half, "undecided", None),
    ],
)
def test_the_mean_over_nothing_is_a_label(metric: type[Counting], verdict: str, label: str | None, probe: str) -> None:
    found = observe(probe, "accuracy", metric, call=CALL, **METRIC)
    assert set(found) == {probe}
    assert (found[probe].verdict, found[probe].label) == (verdict, label)


def test_names_are_unique_slugs() -> None:
    assert len(NAMES) == len(SCENARIOS)
    for name in NAMES:
        assert re.fullmatch(r"[a-z0-9][a-z0-9\-]*", name), name


FROZEN = {
    "weights-of-one": "525a1abd0167", "weights-some-zero": "6724efc08b75", "weights-fractions": "4e471e7017a1",
    "weights-unequal": "cd527df86f18", "weights-wide": "80d3d19dca97", "weights-batch-of-zero": "4af1631ee7a8",
    "weights-reset": "4e471e7017a1", "weights-merged": "4e471e7017a1", "weights-merged-nearly-as-many": "4e471e7017a1",
    "weights-tiny": "47a1344e11f2", "weights-by-batch": "d6d7eab6ea80", "weights-of-single-samples": "cd527df86f18",
    "weights-beyond-2-to-the-24": "db32d0573c20",
}  # fmt: skip


def test_weights_are_frozen() -> None:
    found = {
        each.name: hashlib.sha256(SINGLE.rounded(each.weights(61)).astype("<f4").tobytes()).hexdigest()[:12]
        for each in SCENARIOS
        if each.weights is not None
    }
    assert found == FROZEN


STREAMING = [setting for setting, check in static.tests() if check.name == "streaming" and "eager" in setting.mode.name]


def test_a_metric_of_whole_batches_is_asked_with_values_alone() -> None:
    whole = [setting for setting in STREAMING if setting.operation.whole]
    assert whole
    for setting in whole:
        samples = basis(setting)
        first = [float(array[0]) for array in samples.inputs.values()]
        assert all(first), "a positive that is predicted comes first"
        assert len(next(iter(samples.inputs.values()))) >= 40


@pytest.mark.parametrize(
    "setting", [pytest.param(each, id=each.prefix) for each in STREAMING if not each.operation.whole]
)
def test_samples_tell_batches_apart(setting: Any) -> None:
    samples = basis(setting)
    hits = setting.truth(samples, reduction="none").nearest
    assert len(hits) >= 40
    assert (hits == 0).any()
    assert (hits > 0).any()
    assert all(array.ndim == 1 or array.shape[1] > 1 for array in samples.inputs.values())
    means = [hits[0:1].mean(), hits[1:4].mean(), hits[4:11].mean(), hits[11:].mean(), hits.mean()]
    assert len(set(means)) >= 4
    assert hits.mean() not in means[:-1]
    assert abs(np.mean(means[:-1]) - hits.mean()) > 0.01
    whole = next(case for case in setting.cases() if case.name == samples.name)
    for name, array in samples.inputs.items():
        assert sorted(row.tobytes() for row in array) == sorted(row.tobytes() for row in whole.inputs[name])
    case = case_of(SCENARIOS[-1], samples)
    assert case.inputs["sample_weight"].dtype == np.float32
    assert len(case.inputs["sample_weight"]) == len(hits)
