"""The smallest witness: what a planted fault needs, and nothing else, is what is left of a case."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from gaugeblock.adapters.base import Mode
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.cases import cases
from gaugeblock.conformance.execution.call import Answer, Call
from gaugeblock.conformance.minimise import search
from gaugeblock.conformance.minimise.case_axes import CLASS, axes, flattened, kept
from gaugeblock.conformance.minimise.reproduction import deviating as unexplained
from gaugeblock.conformance.minimise.reproduction import reproduced
from gaugeblock.conformance.minimise.simpler_values import at_one, of_all, of_one, repeated
from gaugeblock.conformance.trials import engine
from gaugeblock.reference.catalogue import operation
from gaugeblock.reports.records import Observation, Reproduction
from gaugeblock.reports.runfile import decode
from msgspec.structs import replace

from tests import planted
from tests.planted import BCE, SPARSE, Array, Function, deviating, setting_of, sigmoid, sizes, softmax, values, wide

WRONG = np.float32(2)


def off_where(function: Function, wrong: Function) -> Function:
    """`function`, and twice that where an element, or a row along the last axis, is `wrong`."""

    def off(*arrays: Any) -> Array:
        answer = wide(function)(*arrays)
        return np.asarray(answer * np.where(wrong(*arrays), WRONG, np.float32(1)), answer.dtype)

    return off


def of(observation: Observation) -> Reproduction:
    """Its reproduction."""
    assert observation.reproduction is not None
    return observation.reproduction


def record(check: str, operation_: str, function: Function, case: str, **options: Any) -> Reproduction:
    found = of(deviating(check, operation_, function, **options)[case])
    assert planted.shows(found, function, options.get("gradient"))
    return found


def test_one_row_is_left_of_61_where_it_alone_is_wrong() -> None:
    hits = lambda t, p: np.where((t == 3) & (p == 1), 0.5, t == p)  # noqa: E731
    options = {"dtype": "int64", "call": "planted(y_true, y_pred, reduction)", "reduction": ("none", "mean", "sum")}

    def reduce(true: Array, guess: Array, reduction: str) -> Any:
        values = hits(true, guess).astype(np.float32)
        return {"none": values, "mean": values.mean(), "sum": values.sum()}[reduction]

    found = record("value", "accuracy", reduce, "ordinary", **options)
    assert values(found) == {"y_true": [3], "y_pred": [1]}
    assert found.smaller
    for name in ("mean-ordinary", "sum-ordinary"):
        # A mean that should be zero is another deviation: a hit stays beside it.
        found = record("value", "accuracy", reduce, name, **options)
        assert (3, 1) in zip(*values(found).values(), strict=True)
        assert sizes(found) == {"y_true": (2,), "y_pred": (2,)}, name


def test_rows_that_a_place_needs_stay() -> None:
    # The sixth row is wrong in batches that have a seventh.
    fault = off_where(sigmoid, lambda x: (np.arange(len(x)) == 5) & (len(x) >= 7))
    found = record("every-length", "sigmoid", fault, "17-to-24")
    assert values(found) == {"x": [0.0] * 7}
    assert found.calls[0].at == [5]


def test_all_rows_that_make_a_sum_overflow_stay() -> None:
    def in_half(y_true: Array, y_pred: Array) -> Any:
        return np.float32(planted.bce(y_true, y_pred).sum() if len(y_true) < 20 else math.inf)

    found = record("value", BCE, in_half, "sum-ordinary-right", reduction="sum")
    assert sizes(found) == {"y_true": (20,), "y_pred": (20,)}


def test_further_axes_of_samples_are_left_out() -> None:
    fault = off_where(softmax, lambda x, axis: np.take(x, [0], axis) > 0)
    for name in ("axis-first-10", "axis-middle-10"):
        found = record("value", "softmax", fault, name)
        assert sizes(found) == {"x": (1, 1)}, name
        assert found.calls[0].parameters == {"axis": -1}


def test_two_classes_are_left_of_ten() -> None:
    fault = off_where(softmax, lambda x, axis: np.sum(x == 8, axis=axis, keepdims=True) >= 2)
    found = record("value", "softmax", fault, "tied-top-10")
    assert values(found) == {"x": [[8.0, 8.0]]}


def test_a_masked_entry_and_a_length_are_both_kept() -> None:
    fault = off_where(softmax, lambda x, axis: np.isneginf(x).any(axis=axis, keepdims=True) & (x.shape[axis] >= 5))
    found = record("every-length", "softmax", fault, "17-to-24")
    (row,) = values(found)["x"]
    assert len(row) == 5
    assert sorted(row) == [-math.inf, 0.0, 0.0, 0.0, 0.0]


def test_labels_go_with_their_classes() -> None:
    def wrong(labels: Array, logits: Array) -> Array:
        # The loss of the last class is wrong, from four classes on.
        losses = wide(planted.sparse)(labels, logits)
        return losses * np.where((labels == logits.shape[1] - 1) & (logits.shape[1] > 3), WRONG, np.float32(1))

    found = deviating("value", SPARSE, wrong, reduction="none")
    for name, each in found.items():
        if name.startswith(("ordinary-10", "confident-10")):
            assert values(of(each))["labels"] == [3], name
            assert sizes(of(each)) == {"labels": (1,), "logits": (1, 4)}, name


def test_weights_of_classes_go_with_their_classes() -> None:
    def wrong(y_true: Array, logits: Array, weight: Any) -> Array:
        losses = wide(planted.cce_logits)(y_true if weight is None else y_true * np.array(weight), logits)
        return losses * (WRONG if weight is not None and 2.0 in weight else np.float32(1))

    found = deviating(
        "value", planted.CCE_LOGITS, wrong, call="planted(y_true, logits, class_weight)", reduction="none"
    )
    assert found
    for each in found.values():
        call = of(each).calls[0]
        assert len(call.parameters["class_weight"]) == sizes(of(each))["logits"][1]
        assert 2.0 in call.parameters["class_weight"]


def weighted(y_true: Array, y_pred: Array, weight: Array | None) -> Array:
    return wide(planted.bce)(y_true, y_pred) * (np.float32(1) if weight is None else weight)


WEIGHTED = {"call": "planted(y_true, y_pred, sample_weight)", "reduction": "none"}


def test_weights_that_a_fault_needs_stay_and_others_go() -> None:
    with_weights = lambda t, p, w: weighted(t, p, w) * (WRONG if w is not None else np.float32(1))  # noqa: E731
    always = lambda t, p, w: weighted(t, p, w) * WRONG  # noqa: E731
    needed = record("value", BCE, with_weights, "weighted-ordinary-right", **WEIGHTED)
    assert values(needed)["sample_weight"] == [1.0]
    spared = record("value", BCE, always, "weighted-ordinary-right", **WEIGHTED)
    assert set(values(spared)) == {"y_true", "y_pred"}
    assert spared.calls[0].parameters == {"sample_weight": None}


def test_parameters_go_back_to_their_defaults() -> None:
    def loss(y_true: Array, y_pred: Array, label_smoothing: float) -> Array:
        return wide(planted.bce)(y_true * (1 - label_smoothing) + label_smoothing / 2, y_pred) * WRONG

    found = deviating("value", BCE, loss, reduction="none",
                       call="planted(y_true, y_pred, label_smoothing)")  # fmt: skip
    smoothed = of(found["ordinary-right-label-smoothing-0.125"])
    assert smoothed.calls[0].parameters == {"label_smoothing": 0.0}


def test_numbers_become_round() -> None:
    found = record("value", "sigmoid", off_where(sigmoid, lambda x: x > 3), "dense-positive")
    assert values(found) == {"x": [16.0]}
    found = record("value", "sigmoid", off_where(sigmoid, lambda x: (x > 3.1) & (x < 3.3)), "dense-positive")
    assert values(found) == {"x": [3.25]}


def test_an_isolated_number_stays() -> None:
    (ordinary,) = (case for case in cases("sigmoid", "float32") if case.name == "ordinary")
    worst = float(ordinary.inputs["x"][7])
    found = record("value", "sigmoid", planted.noisy_at_one_input, "ordinary")
    assert values(found) == {"x": [worst]}


def test_the_upstream_gradient_becomes_one_unless_it_matters() -> None:
    twice = lambda x, c: WRONG * planted.sigmoid_gradient(x, c)  # noqa: E731
    found = record("gradient", "sigmoid", sigmoid, "ordinary", gradient=twice)
    assert upstream(found) == [1.0]
    ignored = lambda x, c: planted.sigmoid_gradient(x, np.ones_like(c))  # noqa: E731
    assert upstream(record("gradient", "sigmoid", sigmoid, "ordinary", gradient=ignored)) != [1.0]


def upstream(found: Reproduction) -> list[float]:
    stored = found.calls[0].cotangent
    assert stored is not None
    return list(decode(stored).tolist())


def test_steps_that_a_fault_does_not_need_are_left_out() -> None:
    class Forgets(planted.Counting):
        def reset(self) -> None:
            if not hasattr(self, "hits"):
                super().reset()

    options = {"call": "planted()(y_true, y_pred)", "lifecycle": planted.LIFECYCLE, "dtype": "int64"}
    found = record("streaming", "accuracy", Forgets, "reset-after-result", reduction="mean", **options)
    assert [step.verb for step in found.calls[0].steps] == ["update", "reset", "update", "result"]
    assert found.calls[0].acts["reset"] == "metric.reset()"


def test_the_same_search_ends_in_the_same_witness() -> None:
    found = [deviating("value", "softmax", planted.unshifted, dtype="float16") for _ in range(2)]
    assert found[0] == found[1]
    assert len(found[0]) > 3


def test_the_case_itself_stays_as_it_is() -> None:
    setting, ask = setting_of("softmax", planted.unshifted, dtype="float16")
    seen = engine.observe(planted.check_named("value"), setting, ask)
    before = [{name: array.copy() for name, array in each.trial.case.inputs.items()} for each in seen]
    again = reproduced(setting, seen, ask, unexplained(seen))
    for inputs, outcome in zip(before, again, strict=True):
        assert inputs.keys() == outcome.trial.case.inputs.keys()
        for name, array in inputs.items():
            np.testing.assert_array_equal(outcome.trial.case.inputs[name], array)
    plain = [replace(each.observation, reproduction=None, reproduction_missing=None) for each in again]
    assert plain == [each.observation for each in seen]
    assert any(each.observation.reproduction is not None for each in again)


def test_a_smaller_case_that_deviates_for_another_reason_is_not_taken() -> None:
    def two_faults(x: Array) -> Array:
        # NaN beyond 4; a digit is lost below.
        answer = wide(sigmoid)(x)
        return np.where(x > 4, np.nan, answer * np.float32(1 + 2**-18)).astype(np.float32)

    found = deviating("value", "sigmoid", two_faults)
    assert found["ordinary"].accuracy == "wrong"
    assert values(of(found["ordinary"]))["x"][0] > 4
    assert found["near-zero"].accuracy == "beyond"
    assert values(of(found["near-zero"]))["x"][0] <= 4


def calls_of_a_search(mode: Mode) -> int:
    """How many calls the searches of a test make."""
    setting, ask = setting_of("log_softmax", planted.missing_class, mode=mode)
    seen = engine.observe(planted.check_named("value"), setting, ask)
    count = 0

    def counted(calls: Sequence[Call]) -> list[Answer]:
        nonlocal count
        count += len(calls)
        return ask(calls)

    reproduced(setting, seen, counted, unexplained(seen))
    return count


def test_fewer_steps_are_taken_where_each_shape_is_compiled() -> None:
    few, many = calls_of_a_search(Mode("eager", few_shapes=True)), calls_of_a_search(Mode("eager"))
    assert 0 < 2 * few < many < 3000


def test_the_clock_ends_a_search_and_the_record_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "SECONDS", -1.0)
    found = of(deviating("value", "sigmoid", planted.flushed(wide(sigmoid)))["subnormal-results"])
    assert found.stopped
    assert not found.smaller


def test_no_more_deviations_are_looked_at_than_wanted() -> None:
    found = deviating("value", "softmax", planted.unshifted, most=1)
    assert [each.reproduction is not None for each in found.values()] == [True] + [False] * (len(found) - 1)
    assert len(found) > 1


def test_axes_have_the_names_of_what_lies_along_them() -> None:
    op = operation(SPARSE)
    case = Case("", {"labels": np.zeros((3, 4), int), "logits": np.zeros((3, 5, 4))}, {"axis": 1, "reduction": "none"})
    assert axes(op, case) == {"labels": ("0", "1"), "logits": ("0", CLASS, "1")}
    flat = flattened(op, case)
    assert {name: array.shape for name, array in flat.inputs.items()} == {"labels": (12,), "logits": (12, 5)}
    assert flattened(op, flat) is None


def test_shares_keep_their_sum_and_labels_their_class() -> None:
    op = operation("categorical_cross_entropy")
    inputs = {"y_true": np.array([[0.5, 0.25, 0.25]]), "y_pred": np.array([[0.5, 0.375, 0.125]])}
    case = kept(op, Case("", inputs, {"reduction": "none"}), CLASS, np.array([0, 2]))
    assert case.inputs["y_true"].tolist() == [[0.75, 0.25]]
    assert case.inputs["y_pred"].tolist() == [[0.875, 0.125]]
    op = operation(SPARSE)
    case = Case("", {"labels": np.array([2, -100]), "logits": np.zeros((2, 3))}, {"ignore_index": -100})
    fewer = kept(op, case, CLASS, np.array([1, 2]))
    assert fewer.inputs["labels"].tolist() == [1, -100]
    assert kept(op, case, CLASS, np.array([0, 1])) is None
    assert kept(op, case, CLASS, np.array([2])) is None


def test_a_batch_metric_keeps_its_kinds_of_samples() -> None:
    op = operation("balanced_accuracy")
    case = Case("", {"y_true": np.array([0, 0, 1, 2]), "y_pred": np.array([0, 1, 1, 2])})
    assert kept(op, case, "0", np.array([0, 2])) is not None
    # Class 1 would be predicted, and stand nowhere in the truth.
    assert kept(op, case, "0", np.array([0, 1])) is None


def test_rounder_numbers_come_simplest_first() -> None:
    assert of_one(2.71828, "real")[:4] == [0.0, 1.0, 2.0, 0.5]
    assert of_one(-3.3, "real")[:3] == [0.0, 1.0, -1.0]
    assert all(0 <= each <= 1 for each in of_one(0.3, "probability"))
    assert all(each <= 0 for each in of_one(-0.3, "log_probabilities"))
    assert of_one(1.0, "real") == [0.0]
    assert of_one(0.0, "real") == []


def test_rounder_arrays_stay_in_their_domain() -> None:
    scores = np.array([[0.1, 0.2, 0.3]], np.float32)
    assert all(len(set(made[0].tolist())) == 3 for made in of_all(scores, "scores", -1))
    shares = np.array([[0.3, 0.7]], np.float32)
    for made in (*of_all(shares, "distribution", -1), *at_one(shares, "distribution", -1, (0, 0))):
        assert made.sum() == pytest.approx(1)
        assert (made >= 0).all()
    assert list(of_all(np.array([1.0, -1.0]), "sign", -1)) == []
    largest = np.array([65504.0], np.float16)
    assert all(np.isfinite(made).all() for made in of_all(largest, "real", -1))


def test_a_long_row_repeats_its_first_entries_where_it_need_not_be_all_its_own() -> None:
    row = np.sin(np.arange(5000.0)).reshape(1, 5000)
    again = repeated(row, -1)
    assert np.array_equal(again, np.resize(row[0, :32], row.shape))
    assert np.array_equal(repeated(again, -1), again)
    assert np.array_equal(repeated(row.T, 0), again.T)
    assert repeated(row[0], 1) is not None
