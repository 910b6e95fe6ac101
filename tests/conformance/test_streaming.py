"""The streaming check is put to the proof: metrics with planted faults are found, in the scenarios that show them."""

from __future__ import annotations

import copy
import hashlib
import math
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
import planted
import pytest
import static
from gaugeblock.adapters.base import Implementation, Lifecycle, Mode
from gaugeblock.conformance.cases.lifecycle import Step, batches
from gaugeblock.conformance.checks.scenarios import RESULT, SCENARIOS, SINGLE
from gaugeblock.conformance.checks.streaming import basis, case_of
from gaugeblock.conformance.execution.call import Call, NoAnswer
from gaugeblock.conformance.execution.supervisor import FrameworkProcess
from gaugeblock.conformance.judging.accumulation import Sums, allowed_errors, roundings, seen
from gaugeblock.conformance.trials.setting import Context, Observation
from gaugeblock.reference.formats import FORMATS
from gaugeblock.reference.operations import Bound
from gaugeblock.reference.truth import rationals
from planted import RefusalError, observe

Array = np.ndarray[Any, Any]

LIFECYCLE = Lifecycle(
    update="metric.update",
    result="metric.result()",
    reset="metric.reset()",
    merge="metric.merge(other)",
    copy="metric.copy()",
)
NAMES = {scenario.name for scenario in SCENARIOS}
BEYOND = {"beyond-2-to-the-24", "weights-beyond-2-to-the-24"}
WEIGHTED = {scenario.name for scenario in SCENARIOS if scenario.weights is not None}
MERGED = {name for name in NAMES if "merge" in name}
RESETS = {"reset-after-other-data", "reset-after-result", "weights-reset"}
RESETS_OF_MORE = {
    "as-many-after-reset", "fewer-after-reset", "merge-one-that-was-reset", "reset-after-merge", "reset-twice"
}  # fmt: skip


# Right metrics


class Counting:
    """A mean of hits: two sums, in `kind`, and one quotient, in `answer`."""

    kind: ClassVar[Any] = np.float64
    answer: ClassVar[Any] = np.float32

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.hits, self.all = self.kind(0), self.kind(0)

    def total(self, terms: Array) -> Any:
        return terms.sum(dtype=self.kind)

    def add(self, values: Array, weight: Array) -> None:
        self.hits = self.kind(self.hits + self.total(values * weight))
        self.all = self.kind(self.all + self.total(weight))

    def update(self, y_true: Array, y_pred: Array, weight: Array | None = None) -> None:
        values = (y_true == y_pred).astype(self.kind)
        self.add(values, np.ones(len(values), self.kind) if weight is None else weight.astype(self.kind))

    def result(self) -> Any:
        return self.answer(self.hits / self.all) if self.all else self.answer(0)

    def merge(self, other: Counting) -> None:
        self.hits, self.all = self.kind(self.hits + other.hits), self.kind(self.all + other.all)

    def copy(self) -> Counting:
        return copy.copy(self)


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


def streamed(
    metric: type[Counting], lifecycle: Lifecycle = LIFECYCLE, *, weighted: bool = True
) -> dict[str, Observation]:
    """What the check sees of a metric of labels, by scenario."""
    call = f"planted()(y_true, y_pred{', weight=sample_weight' if weighted else ''})"
    return observe("streaming", "accuracy", metric, call=call, lifecycle=lifecycle, dtype="int64", reduction="mean")


@pytest.mark.parametrize("metric", [Counting, InDouble, ToHalf, Nothing])
def test_metrics_that_count_in_binary64_conform(metric: type[Counting]) -> None:
    found = streamed(metric)
    assert planted.verdicts(found) == dict.fromkeys(NAMES, "conforms")
    # Each result is one quotient of two exact sums, where the weights are exact.
    assert {found[name]["accuracy"] for name in NAMES - {"weights-unequal", "weights-wide"}} == {"correctly rounded"}


def test_integer_counters_conform_and_are_not_asked_for_weights() -> None:
    found = streamed(Integers, weighted=False)
    assert planted.verdicts(found) == dict.fromkeys(NAMES - WEIGHTED, "conforms")


@pytest.mark.parametrize("metric", [InSingle, OneByOne, Downwards])
def test_binary32_counters_conform_until_they_saturate(metric: type[Counting]) -> None:
    found = streamed(metric)
    wrong = {name for name, each in found.items() if each["verdict"] == "deviates"}
    assert wrong == BEYOND
    assert {found[name]["verdict"] for name in NAMES - BEYOND} == {"conforms"}
    assert {found[name]["allowed"] for name in BEYOND} == {1.0}
    assert all(20 < found[name]["error"] < 200 for name in BEYOND)


def test_what_is_not_offered_is_not_asked() -> None:
    lifecycle = Lifecycle("metric.update", "metric.result()", "metric.reset()")
    found = streamed(Counting, lifecycle, weighted=False)
    assert set(found) == NAMES - WEIGHTED - MERGED - {"copy"}


# Wrong ones


class ForgetsToReset(Counting):
    def __init__(self) -> None:
        self.all = self.kind(0)
        self.reset()

    def reset(self) -> None:
        self.hits = self.kind(0)


class NeverResets(Counting):
    def __init__(self) -> None:
        super().reset()

    def reset(self) -> None:
        pass


class RefusesToReset(Counting):
    def __init__(self) -> None:
        super().reset()

    def reset(self) -> None:
        raise RefusalError("no reset")


class MergesMeans(Counting):
    def merge(self, other: Counting) -> None:
        self.hits, self.all = self.kind((self.result() + other.result()) / 2), self.kind(1)


class MergesHits(Counting):
    def merge(self, other: Counting) -> None:
        self.hits = self.kind(self.hits + other.hits)


class ReplacesOnMerge(Counting):
    def merge(self, other: Counting) -> None:
        self.hits, self.all = other.hits, other.all


class DrainsOnMerge(Counting):
    def merge(self, other: Counting) -> None:
        super().merge(other)
        other.reset()


class MeanOfMeans(Counting):
    def add(self, values: Array, weight: Array) -> None:
        if weight.sum():
            super().add(np.array([(values * weight).sum() / weight.sum()]), np.ones(1))


class LastBatch(Counting):
    def add(self, values: Array, weight: Array) -> None:
        self.reset()
        super().add(values, weight)


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


class ForgetsOnResult(Counting):
    def result(self) -> Any:
        answer = super().result()
        self.reset()
        return answer


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


class EmptyIsNaN(Counting):
    def add(self, values: Array, weight: Array) -> None:
        super().add(values, weight)
        self.all = self.kind(self.all * (weight.sum() / weight.sum() if weight.size == 0 else 1))


class OncePerBatch(Counting):
    def __init__(self) -> None:
        self.known: set[bytes] = set()
        super().__init__()

    def add(self, values: Array, weight: Array) -> None:
        if values.tobytes() not in self.known:
            super().add(values, weight)
        self.known = {*self.known, values.tobytes()}


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
FAULTS: dict[type[Counting], set[str]] = {
    ForgetsToReset: RESETS | RESETS_OF_MORE,
    NeverResets: RESETS | RESETS_OF_MORE | {"reset-of-another"},
    MergesMeans: MERGED - {"reset-after-merge"},
    MergesHits: MERGED - {"merge-an-empty-one", "reset-after-merge"},
    ReplacesOnMerge: MERGED - {"merge-into-an-empty-one", "other-goes-on-after-merge", "reset-after-merge"},
    DrainsOnMerge: {
        "merge-nearly-as-many",
        "merge-two",
        "merge-two-other-way",
        "merge-into-an-empty-one",
        "other-goes-on-after-merge",
        "reset-after-merge",
        "update-after-merge",
        "weights-merged",
    },
    MeanOfMeans: NAMES
    - ONE_UPDATE
    - ONE_UPDATE_AFTER_OTHERS
    - ONE_UPDATE_EACH
    - {"single-samples", "reset-after-merge"},
    LastBatch: NAMES - ONE_UPDATE - ONE_UPDATE_EACH - RESETS - (MERGED - UPDATED_AND_MERGED),
    WithoutWeights: WEIGHING | {"weights-reset"},
    ByNumber: WEIGHING | {"weights-reset"},
    NormalisesBatches: WEIGHING,
    RemembersResult: ASKED_BETWEEN | {"reset-after-result", "as-many-after-reset"},
    ForgetsOnResult: ASKED_BETWEEN | {"as-many-in-two"},
    Shared: MERGED | {"two-at-once", "as-many-in-two", "reset-of-another"},
    CopiesItself: {"copy"},
    CopiesNothing: {"copy"},
    EmptyIsNaN: {"empty-batch-between"},
    OncePerBatch: BEYOND | {"same-batch-again", "single-samples", "weights-of-single-samples"},
    DropsFirst: NAMES - {"single-samples", "weights-of-single-samples"},
    InHalf: BEYOND | {"weights-unequal", "weights-wide", "weights-of-single-samples", "weights-tiny"},
    HalfWeights: {
        "weights-beyond-2-to-the-24",
        "weights-of-single-samples",
        "weights-tiny",
        "weights-unequal",
        "weights-wide",
    },
    Rough: NAMES,
}


@pytest.mark.parametrize("metric", FAULTS)
def test_a_fault_is_found_where_it_shows_and_nowhere_else(metric: type[Counting]) -> None:
    verdicts = planted.verdicts(streamed(metric))
    assert verdicts == {name: "deviates" if name in FAULTS[metric] else "conforms" for name in NAMES}


def test_every_scenario_finds_some_fault() -> None:
    assert set().union(*(FAULTS[metric] for metric in FAULTS if metric is not Rough)) == NAMES


def test_a_refusal_is_recorded_where_it_is_met() -> None:
    found = streamed(RefusesToReset)
    refused = {name for name, each in found.items() if each["verdict"] == "unsupported"}
    assert refused == RESETS | RESETS_OF_MORE | {"reset-before-update", "reset-of-another"}
    assert {found[name]["message"] for name in refused} == {"no reset"}
    assert {found[name]["verdict"] for name in NAMES - refused} == {"conforms"}


def test_another_number_of_results_deviates() -> None:
    class Twice(Counting):
        def result(self) -> Any:
            return np.repeat(super().result(), 2)

    found = streamed(Twice)
    assert found["whole"]["verdict"] == "deviates"
    assert found["whole"]["message"] == "an answer of shape (2,) where (1,) is due"


def test_parameters_and_scores_reach_the_object() -> None:
    class Above(Counting):
        def __init__(self, threshold: float) -> None:
            self.threshold = threshold
            super().__init__()

        def update(self, y_true: Array, y_pred: Array, weight: Array | None = None) -> None:
            super().update(y_true, (y_pred.astype(np.float64) > self.threshold).astype(np.int64), weight)

    class NotBelow(Above):
        def __init__(self, threshold: float) -> None:
            super().__init__(threshold / 2)

    call = "planted(threshold=threshold)(y_true, y_score, weight=sample_weight)"
    for dtype in FORMATS:
        for metric, verdict in ((Above, "conforms"), (NotBelow, "deviates")):
            found = observe(
                "streaming", "binary_accuracy", metric, call=call, lifecycle=LIFECYCLE, dtype=dtype, reduction="mean"
            )
            assert found["running"]["verdict"] == verdict
            assert found["whole"]["verdict"] == verdict


class Precise(Counting):
    """Precision: of the samples that are predicted positive, the share that are."""

    def update(self, y_true: Array, y_pred: Array, weight: Array | None = None) -> None:
        each = np.ones(len(y_true), self.kind) if weight is None else weight.astype(self.kind)
        self.add((y_true == 1).astype(self.kind), each * (y_pred == 1))


class PreciseInSingle(Precise):
    kind = np.float32


class PreciseByBatch(Precise):
    def add(self, values: Array, weight: Array) -> None:
        if weight.sum():
            super().add(np.array([(values * weight).sum() / weight.sum()]), np.ones(1))


def test_a_metric_of_whole_batches_is_that_of_all_samples() -> None:
    def wrong(metric: type[Counting]) -> set[str]:
        call = "planted()(y_true, y_pred, weight=sample_weight)"
        found = observe("streaming", "precision", metric, call=call, lifecycle=LIFECYCLE, dtype="int64")
        assert {each["verdict"] for each in found.values()} <= {"conforms", "deviates"}
        assert set(found) == NAMES - {"beyond-2-to-the-24"}
        return {name for name, each in found.items() if each["verdict"] == "deviates"}

    assert wrong(Precise) == set()
    assert wrong(PreciseInSingle) == {"weights-beyond-2-to-the-24"}
    assert {"unequal-batches", "running", "merge-two", "weights-fractions"} <= wrong(PreciseByBatch)


def test_what_makes_an_object_sees_every_sample() -> None:
    class Needs(Counting):
        def __init__(self, classes: int) -> None:
            self.classes = classes
            super().__init__()

        def update(self, y_true: Array, y_pred: Array, weight: Array | None = None) -> None:
            if len(y_true) and y_true.max() >= self.classes:
                raise RefusalError("a class too many")
            super().update(y_true, y_pred, weight)

    call = "planted(y_true.max() + 1)(y_true, y_pred, weight=sample_weight)"
    found = observe("streaming", "accuracy", Needs, call=call, lifecycle=LIFECYCLE, dtype="int64", reduction="mean")
    assert planted.verdicts(found) == dict.fromkeys(NAMES, "conforms")


@pytest.mark.parametrize("probe", ["result-before-update", "weights-all-zero"])
def test_the_mean_over_nothing_is_a_label(probe: str) -> None:
    class Refuses(Counting):
        def result(self) -> Any:
            raise RefusalError("there is nothing")

    class Half(Counting):
        def result(self) -> Any:
            return super().result() if self.all else np.float32(0.5)

    seen_of = {Counting: ("conforms", "zero"), Nothing: ("conforms", "NaN"), Refuses: ("conforms", "refuses")}
    for metric, (verdict, label) in {**seen_of, Half: ("undecided", None)}.items():
        call = "planted()(y_true, y_pred, weight=sample_weight)"
        found = observe(probe, "accuracy", metric, call=call, lifecycle=LIFECYCLE, dtype="int64", reduction="mean")
        assert set(found) == {probe}
        assert (found[probe]["verdict"], found[probe].get("label")) == (verdict, label)


# What is right, and how nearly


def brute(steps: tuple[Step, ...], count: int) -> Iterator[list[int]]:
    """The rows that the object has seen at each result, one by one, in the plainest way."""
    objects: dict[int, list[int]] = {}
    for step in steps:
        mine = objects.setdefault(step.on, [])
        other = objects.setdefault(step.other, [])
        for _ in range(step.repeat):
            if step.verb == "update":
                mine += list(range(count))[slice(*step.rows)] * step.tile
            elif step.verb == "merge":
                mine += list(other)
            elif step.verb == "copy":
                objects[step.on] = list(other)
            elif step.verb == "reset":
                mine.clear()
            else:
                yield list(mine)


@pytest.mark.parametrize("scenario", [pytest.param(each, id=each.name) for each in SCENARIOS])
def test_what_was_seen_is_what_was_given(scenario: Any) -> None:
    count = 61
    steps = tuple(step if step.tile == 1 else Step("update", step.rows, tile=4, repeat=2) for step in scenario.steps)
    weights = np.ones(count) if scenario.weights is None else scenario.weights(count)
    told = seen(steps, [Fraction(float(weight)) for weight in weights])
    plain = list(brute(steps, count))
    assert len(told) == len(plain) > 0
    for sums, rows in zip(told, plain, strict=True):
        heavy = [row for row in rows if weights[row]]
        assert sums.times == {row: heavy.count(row) for row in heavy}
        assert sums.terms == len(heavy)
        # A mean over nothing is for the probes.
        assert heavy


def test_steps_in_words() -> None:
    words = [str(step) for step in (Step("update", (0, 32), tile=4, repeat=16), Step("update", (11, None), on=1))]
    assert words == ["update metric 0 with rows 0:32 4 times over, 16 times", "update metric 1 with rows 11:"]
    others = (RESULT, Step("reset"), Step("merge", on=1, other=2), Step("copy", on=1))
    assert [str(step) for step in others] == [
        "result of metric 0",
        "reset metric 0",
        "merge metric 2 into metric 1",
        "copy metric 0 as metric 1",
    ]


def test_batches_are_cut_once_and_tiled() -> None:
    rows, labels = np.arange(6.0).reshape(3, 2), np.arange(3)
    update = Step("update", (1, None), tile=2)
    made = batches((update, RESULT, update, Step("update", (3, 3))), (rows, labels))
    assert set(made) == {((0, None), 1), ((1, None), 2), ((3, 3), 1)}
    np.testing.assert_array_equal(made[(1, None), 2][0], [[2, 3], [4, 5], [2, 3], [4, 5]])
    np.testing.assert_array_equal(made[(1, None), 2][1], [1, 2, 1, 2])
    assert [array.shape for array in made[(3, 3), 1]] == [(0, 2), (0,)]
    (whole,) = batches((RESULT,), (rows, labels)).values()
    np.testing.assert_array_equal(whole[0], rows)


def test_roundings_that_a_sum_cannot_avoid() -> None:
    single, brain = FORMATS["float32"], FORMATS["bfloat16"]
    hit_and_miss = [Fraction(1), Fraction(0)]
    whole = [Fraction(2**19), Fraction(1)]
    assert roundings(Sums({0: 2**10, 1: 200}, 1224), whole, hit_and_miss, single) == 0
    eighths = [Fraction(3, 8), Fraction(5, 8)]
    assert roundings(Sums({0: 10, 1: 10}, 20), eighths, hit_and_miss, single) == 0
    # 80 eighths have 7 digits, of the 8 that bfloat16 keeps; 257 eighths have one too many.
    assert roundings(Sums({0: 10, 1: 10}, 20), eighths, hit_and_miss, brain) == 0
    assert roundings(Sums({0: 84, 1: 1}, 85), eighths, hit_and_miss, brain) == 85
    tenth = Fraction(float(np.float32(0.1)))
    assert roundings(Sums({0: 1, 1: 2}, 3), [tenth, Fraction(1)], hit_and_miss, single) == 3
    # The multiples of one weight alone are on its own grid.
    assert roundings(Sums({0: 3}, 3), [tenth], hit_and_miss, single) == 0
    # A value that is not whole is rounded itself, unless it is a binary fraction.
    ones = [Fraction(1), Fraction(1)]
    assert roundings(Sums({0: 2, 1: 3}, 5), ones, [Fraction(1, 4), Fraction(3, 4)], single) == 0
    assert roundings(Sums({0: 2, 1: 3}, 5), ones, [Fraction(1, 3), Fraction(3, 4)], single) == 7


def test_the_bound_holds_for_sums_in_any_order_and_is_not_loose() -> None:
    """Weighted means in binary32 by chains of roundings; the worst of many uses more than a tenth of the bound."""
    fmt, bound = FORMATS["float32"], Bound(1, "a quotient")
    rng = np.random.default_rng(7)
    worst = 0.0
    for _ in range(300):
        count = int(rng.integers(2, 12))
        weights = rng.uniform(0.5, 1.0, count).astype(np.float32)
        hits = rng.integers(0, 2, count).astype(np.float32)
        hits[0] = 1
        exact = [Fraction(float(weight)) for weight in weights]
        right = sum((w for w, hit in zip(exact, hits, strict=True) if hit), Fraction(0)) / sum(exact)
        truth = rationals([right], fmt)
        values = [Fraction(float(hit)) for hit in hits]
        (allowed,) = allowed_errors([Sums(dict.fromkeys(range(count), 1), count)], exact, values, bound, truth, fmt)
        chain = np.add.accumulate(weights * hits, dtype=np.float32)[-1] / np.add.accumulate(weights)[-1]
        error = abs(Fraction(float(chain)) - right) / Fraction(float(truth.ulp[0]))
        assert error <= allowed
        assert allowed <= 1 + 2 * (count + 1)
        worst = max(worst, float(error) / float(allowed))
    assert worst > 0.1


def test_exact_rationals_are_rounded_and_keep_their_residual() -> None:
    values = [Fraction(1, 3), Fraction(1), Fraction(0), Fraction(2**24 + 1, 2**24 + 200)]
    truth = rationals(values, FORMATS["float32"])
    assert truth.nearest.tolist() == [
        float(np.float32(1 / 3)),
        1.0,
        0.0,
        float(np.float32((2**24 + 1) / (2**24 + 200))),
    ]
    for at, value in enumerate(values):
        assert abs(truth.exact((at,)) - value) < Fraction(1, 2**100)
    assert truth.text((0,)) == "0.33333333333333333333"


# The scenarios


def test_names_are_unique_slugs() -> None:
    assert len(NAMES) == len(SCENARIOS)
    for name in NAMES:
        assert re.fullmatch(r"[a-z0-9][a-z0-9\-]*", name), name


FROZEN = {
    "weights-of-one": "525a1abd0167",
    "weights-some-zero": "6724efc08b75",
    "weights-fractions": "4e471e7017a1",
    "weights-unequal": "cd527df86f18",
    "weights-wide": "80d3d19dca97",
    "weights-batch-of-zero": "4af1631ee7a8",
    "weights-reset": "4e471e7017a1",
    "weights-merged": "4e471e7017a1",
    "weights-merged-nearly-as-many": "4e471e7017a1",
    "weights-tiny": "47a1344e11f2",
    "weights-by-batch": "d6d7eab6ea80",
    "weights-of-single-samples": "cd527df86f18",
    "weights-beyond-2-to-the-24": "db32d0573c20",
}


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
        samples = basis(Context(setting, lambda _: []))
        first = [float(array[0]) for array in samples.inputs.values()]
        assert all(first), "a positive that is predicted comes first"
        assert len(next(iter(samples.inputs.values()))) >= 40


@pytest.mark.parametrize(
    "setting", [pytest.param(each, id=each.prefix) for each in STREAMING if not each.operation.whole]
)
def test_samples_tell_batches_apart(setting: Any) -> None:
    context = Context(setting, lambda _: [])
    samples = basis(context)
    hits = context.truth(samples, reduction="none").nearest
    assert len(hits) >= 40
    assert (hits == 0).any()
    assert (hits > 0).any()
    assert all(array.ndim == 1 or array.shape[1] > 1 for array in samples.inputs.values())
    means = [hits[0:1].mean(), hits[1:4].mean(), hits[4:11].mean(), hits[11:].mean(), hits.mean()]
    assert len(set(means)) >= 4
    assert hits.mean() not in means[:-1]
    assert abs(np.mean(means[:-1]) - hits.mean()) > 0.01
    whole = next(case for case in context.cases() if case.name == samples.name)
    for name, array in samples.inputs.items():
        assert sorted(row.tobytes() for row in array) == sorted(row.tobytes() for row in whole.inputs[name])
    case = case_of(SCENARIOS[-1], samples)
    assert case.inputs["sample_weight"].dtype == np.float32
    assert len(case.inputs["sample_weight"]) == len(hits)


# Across the process


TALLY = Implementation(
    "numpy",
    "accuracy",
    "tally",
    "__import__('collections').Counter()((x * scale).tolist())",
    stateful=True,
    lifecycle=Lifecycle(
        "metric.update",
        "numpy.array(sum(key * times for key, times in metric.items()), numpy.float32)",
        "metric.clear()",
        merge="metric.update(other)",
        copy="metric.copy()",
    ),
)


def test_steps_are_done_in_the_framework_process() -> None:
    x = np.array([1.0, 2.0, 4.0, 8.0], np.float32)
    steps = (
        *(Step("update", (0, 2)), RESULT, Step("update", (2, None), tile=3, repeat=2, on=1)),
        *(Step("result", on=1), Step("merge", other=1), RESULT, Step("copy", on=2), Step("reset"), RESULT),
        *(Step("result", on=2, repeat=2), Step("result", on=3)),
    )
    process = FrameworkProcess("numpy", {}, timeout=60)
    try:
        call = Call(TALLY, ("x",), (x,), {"scale": 10}, Mode("eager"), "cpu", steps=steps)
        (answer,) = process.ask([call])
        assert isinstance(answer, np.ndarray)
        assert answer.dtype == np.float32
        assert answer.tolist() == [30, 720, 750, 0, 750, 750, 0]
        bad = Call(TALLY, ("x",), (x,), {}, Mode("eager"), "cpu", steps=steps)
        (refused,) = process.ask([bad])
        assert isinstance(refused, NoAnswer)
        assert refused.verdict == "harness_error"
    finally:
        process.discard()


def test_a_call_is_taken_apart() -> None:
    line = Implementation(
        "keras", "accuracy", "m.M", "m.M(k=k)(y_true[:, None], y_pred, flag=True)", lifecycle=LIFECYCLE
    )
    assert line.acts() == {
        "make": "m.M(k=k)",
        "update": "metric.update(y_true[:, None], y_pred, flag=True)",
        "result": "metric.result()",
        "reset": "metric.reset()",
        "merge": "metric.merge(other)",
        "copy": "metric.copy()",
    }
    for wrong in ("m.f(y_true)", "m.M()(y_true) + 1"):
        with pytest.raises(ValueError, match="no stateful call"):
            Implementation("keras", "accuracy", "m", wrong, lifecycle=LIFECYCLE).acts()
    with pytest.raises(ValueError, match="no stateful call"):
        Implementation("keras", "accuracy", "m", "m.M()(y_true)").acts()
