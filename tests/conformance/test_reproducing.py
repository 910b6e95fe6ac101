"""Every kind of check: its deviations are asked again, and their records show them to who evaluates them anew."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from importlib import resources
from typing import Any

import jsonschema
import numpy as np
import planted
import pytest
from gaugeblock.adapters.base import Implementation
from gaugeblock.conformance.checks.probes.base import Probe
from gaugeblock.conformance.checks.table import CHECKS
from gaugeblock.conformance.minimise.reproduction import reproduced
from gaugeblock.conformance.trials.setting import Context, Setting
from gaugeblock.reports import runfile
from planted import Array, log_softmax, missing_class, sigmoid, softmax, sparse, wide
from replayed import deviations, shows, sizes
from test_invariances import CASES, SPARSE
from test_streaming import LIFECYCLE, Counting

COMPILED = {"mode": planted.COMPILED, "framework": "jax"}


def twice(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arrays, **parameters: 2 * function(*arrays, **parameters)


def transposed_plainly(x: Array, axis: int) -> Array:
    """Softmax that sums column-major arrays in another way, and wrongly."""
    return softmax(x, axis) * np.float32(1 if x.flags.c_contiguous else 1.25)


def written(x: Array, axis: int) -> Array:
    x -= 1
    return softmax(x, axis)


def narrow_labels(labels: Array, logits: Array) -> Array:
    """Cross-entropy that keeps its labels in 8 bits."""
    return sparse(labels.astype(np.int64) % 256, logits)


def of_whole_numbers(x: Array) -> Array:
    return x.astype(np.float32) * 2 if x.dtype.kind in "biu" else wide(sigmoid)(x)


def one_row_squeezed(x: Array, axis: int) -> Array:
    answer = wide(softmax)(x, axis)
    return answer[0] if len(x) == 1 else answer


class Forgets(Counting):
    def merge(self, other: Counting) -> None:
        self.hits = self.kind(self.hits + other.hits)


METRIC: dict[str, Any] = {
    "call": "planted()(y_true, y_pred, weight=sample_weight)",
    "lifecycle": LIFECYCLE,
    "dtype": "int64",
    "reduction": "mean",
}
FAULTS: tuple[tuple[str, str, Callable[..., Any], dict[str, Any]], ...] = (
    ("value", "softmax", planted.unshifted, {}),
    ("value", "log_softmax", missing_class, {}),
    ("value", "binary_cross_entropy", lambda t, p: twice(planted.bce)(t, p).mean(), {"reduction": "mean"}),
    ("every-length", "softmax", planted.bfloat16_sum, {}),
    ("shapes", "softmax", planted.of_neighbour, {}),
    ("shapes", "softmax", lambda x, axis: softmax(x, axis)[..., None], {}),
    ("gradient", "softmax", softmax, {"gradient": lambda x, c, axis: c * softmax(x, axis)}),
    ("gradient", "sigmoid", sigmoid, {"gradient": twice(planted.sigmoid_gradient)}),
    ("gradient-of-lengths", "sigmoid", sigmoid, {"gradient": twice(planted.sigmoid_gradient)}),
    ("second-derivative", "sigmoid", sigmoid, {"gradient": lambda x, c: c * c * sigmoid(x)}),
    ("label-dtype", SPARSE, narrow_labels, {"reduction": "none"}),
    ("input-dtype", "sigmoid", of_whole_numbers, {}),
    ("streaming", "accuracy", Forgets, METRIC),
    ("dense", "softmax", twice(softmax), {}),
    ("combined", "softmax", planted.of_neighbour, {}),
    ("combined-gradient", "sigmoid", sigmoid, {"gradient": twice(planted.sigmoid_gradient)}),
    ("long-rows", "softmax", planted.unshifted, {}),
    ("large-batch", "binary_cross_entropy", lambda t, p: twice(planted.bce)(t, p).mean(), {"reduction": "mean"}),
    ("several-batch-axes", "binary_cross_entropy", lambda t, p: twice(planted.bce)(t, p).mean(), {"reduction": "mean"}),
    ("row-alone", "softmax", planted.of_neighbour, {}),
    ("row-alone", "softmax", one_row_squeezed, {}),
    ("shift-invariance", "softmax", planted.unshifted, {"dtype": "float16"}),
    ("memory-layout", "softmax", transposed_plainly, {}),
    ("two-logits-are-sigmoid", "softmax", twice(softmax), {}),
    ("log-softmax-is-log-of-softmax", "log_softmax", lambda x, axis: log_softmax(x, axis) + np.float32(0.5), {}),
    *[(check, operation, function, options) for check, operation, function, options, v in CASES if v == "deviates"],
)


def fits(observation: dict[str, Any]) -> None:
    """An observation is one that a run file may hold."""
    schema = json.loads(resources.files("gaugeblock.reports").joinpath("run.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(observation, {"$defs": schema["$defs"], "$ref": "#/$defs/observation"})


@pytest.mark.parametrize(("check", "operation", "function", "options"), FAULTS)
def test_the_record_of_every_kind_of_check_shows_the_deviation(
    check: str, operation: str, function: Callable[..., Any], options: dict[str, Any]
) -> None:
    found = deviations(check, operation, function, **options)
    assert found
    for observation in found.values():
        assert shows(observation["reproduction"], function, options.get("gradient")), observation
        fits(observation)


def test_every_check_of_numbers_has_a_fault_here() -> None:
    kinds = {check.name for check in CHECKS if check.kind != "probe"}
    # Those need two implementations of a framework, two ways of executing, or two devices, and stand below.
    assert kinds - {fault[0] for fault in FAULTS} == {
        "sparse-is-one-hot",
        "loss-of-logits-is-loss-of-activation",
        "compiled-is-eager",
        "device-is-cpu",
        "dense-gradient",
    }


def test_a_call_that_writes_to_its_input_is_told() -> None:
    found = deviations("memory-layout", "softmax", written)
    record = found["contiguous"]["reproduction"]
    assert record["due"] == {"unchanged": "x"}
    assert record["calls"][0]["wrote"] == "x"
    assert record["calls"][0]["layout"] == "contiguous"
    fits(found["contiguous"])


def test_compiled_and_eager_calls_stand_beside_each_other() -> None:
    found = deviations("compiled-is-eager", "sigmoid", wide(sigmoid), compiled=twice(wide(sigmoid)), **COMPILED)
    compiled, eager = found["ordinary"]["reproduction"]["calls"]
    assert (compiled["mode"], eager["mode"]) == ("compiled", "eager")
    assert float.fromhex(compiled["got"]) == 2 * float.fromhex(eager["got"])
    assert compiled["inputs"] == eager["inputs"]


def test_the_loss_of_one_hot_targets_is_asked_of_the_framework() -> None:
    found = deviations("sparse-is-one-hot", SPARSE, lambda labels, logits: 2 * sparse(labels, logits), reduction="none")
    own, other = found["ordinary-10"]["reproduction"]["calls"]
    assert (own["operation"], other["operation"]) == (SPARSE, "categorical_cross_entropy_with_logits")
    assert own["at"] == other["at"]


def test_a_gradient_says_what_was_multiplied_with() -> None:
    found = deviations("gradient", "sigmoid", sigmoid, gradient=lambda x, c: planted.sigmoid_gradient(x, np.abs(c)))
    record = found["ordinary"]["reproduction"]
    assert runfile.decode(record["calls"][0]["cotangent"]).tolist() == [-1.0]
    assert sizes(record) == {"x": (1,)}


def test_a_second_derivative_says_so() -> None:
    found = deviations("second-derivative", "sigmoid", sigmoid, gradient=lambda x, c: c * c * sigmoid(x))
    assert {each["reproduction"]["calls"][0]["order"] for each in found.values()} == {2}


def test_the_parameters_are_those_of_the_framework() -> None:
    found = deviations("value", "binary_cross_entropy", lambda t, p, reduction: twice(planted.bce)(t, p).mean(),
                       call="planted(y_true, y_pred, reduction)", framework="keras", reduction=("mean",))  # fmt: skip
    (spelled,) = {each["reproduction"]["calls"][0]["parameters"]["reduction"] for each in found.values()}
    assert spelled == "sum_over_batch_size"


def test_what_is_asked_sample_by_sample_is_one_call() -> None:
    wrong = lambda t, p: np.float32(2) * planted.bce(t, p).mean()  # noqa: E731
    record = deviations("value", "binary_cross_entropy", wrong, reduction=("mean",))["ordinary-right"]["reproduction"]
    assert len(record["calls"]) == 1
    assert sizes(record) == {"y_true": (1,), "y_pred": (1,)}
    assert record["calls"][0]["at"] == []


# Probes


def probed(probe: Probe, operation: str, function: Callable[..., Any]) -> dict[str, Any]:
    context, _ = planted.planted("value", operation, function)
    (observation,) = reproduced(context, list(probe.observe(context)))
    assert observation["verdict"] == "deviates"
    fits(observation)
    return dict(observation["reproduction"])


HALF = Probe("half", ("sigmoid",), "Sigmoid of 0?", {"x": [0.0]}, {"a half": [0.5], "none": [0.0]}, right=("a half",))


def test_a_probe_tells_the_label_got_and_the_values_of_the_right_ones() -> None:
    record = probed(HALF, "sigmoid", lambda x: 0 * x)
    assert record["due"]["right"] == {"a half": ["0x1.0000000000000p-1"]}
    assert record["due"]["label"] == "none"
    assert record["calls"][0]["got"] == ["0x0.0p+0"]
    assert shows(record, lambda x: 0 * x)
    assert not shows(record, sigmoid)


def test_a_probe_whose_answer_is_none_of_those_listed_has_no_label() -> None:
    record = probed(HALF, "sigmoid", lambda x: 0 * x + 3)
    assert "label" not in record["due"]
    assert record["calls"][0]["got"] == ["0x1.8000000000000p+1"]


def test_a_probe_that_is_refused_tells_the_message() -> None:
    probe = Probe("half", ("sigmoid",), "Sigmoid of 0?", {"x": [0.0]}, {"a half": [0.5], "refuses": []},
                  right=("a half",))  # fmt: skip
    record = probed(probe, "sigmoid", planted.refuses)
    assert record["calls"][0]["refused"] == "1 arrays, and []"
    assert record["due"]["right"] == {"a half": ["0x1.0000000000000p-1"]}


def test_a_probe_that_should_be_refused_says_so() -> None:
    probe = Probe("half", ("sigmoid",), "Sigmoid of 0?", {"x": [0.0]}, {"a half": [0.5], "refuses": []},
                  right=("refuses",))  # fmt: skip
    assert probed(probe, "sigmoid", sigmoid)["due"]["right"] == {"refuses": "refused"}


def test_another_label_that_is_nearer_narrows_what_is_near_enough() -> None:
    probe = Probe("near", ("sigmoid",), "?", {"x": [0.0]}, {"right": [0.5], "next to it": [0.5002]}, right=("right",))
    record = probed(probe, "sigmoid", lambda x: 0 * x + np.float32(0.5002))
    assert record["due"]["within"] < 0.0002 / 0.5
    assert shows(record, lambda x: 0 * x + np.float32(0.5002))


def test_every_right_label_of_every_probe_has_values() -> None:
    from gaugeblock.conformance.checks.probes import PROBES

    assert all(set(probe.right) <= set(probe.answers) for probe in PROBES)


# What cannot be reproduced


def test_a_fault_that_comes_and_goes_has_no_reproduction() -> None:
    times = itertools.count()

    def flaky(x: Array) -> Array:
        return wide(sigmoid)(x) * np.float32(2 if next(times) == 0 else 1)

    found = deviations("value", "sigmoid", flaky)
    assert found
    for observation in found.values():
        assert "reproduction" not in observation
        assert observation["reproduction_missing"] == "asked again, alone, it did not deviate for the same reason"
        fits(observation)


def test_a_fault_that_is_seen_once_more_by_chance_has_none_either() -> None:
    times = itertools.count()
    turns = [True, True, False]

    def flaky(x: Array) -> Array:
        number = next(times)
        return wide(sigmoid)(x) * np.float32(2 if number < 3 and turns[number] else 1)

    found = deviations("value", "sigmoid", flaky)
    assert found
    assert all("reproduction_missing" in each for each in found.values())


def test_arrays_too_large_to_keep_are_said_to_be() -> None:
    def long_alone(x: Array, axis: int) -> Array:
        # The fault needs its length, and numbers that differ.
        wrong = x.shape[axis] > 99_000 and len(np.unique(x)) > 5000
        return wide(softmax)(x, axis) * np.float32(2 if wrong else 1)

    found = deviations("shapes", "softmax", long_alone)
    assert found["classes-100000"]["reproduction_missing"] == "it needs an array of more than 64 KiB"


def test_a_large_array_that_repeats_itself_is_kept() -> None:
    def many_alone(x: Array, axis: int) -> Array:
        return wide(softmax)(x, axis) * np.float32(2 if len(x) > 60_000 else 1)

    record = deviations("shapes", "softmax", many_alone)["rows-65599"]["reproduction"]
    stored = record["calls"][0]["inputs"]["x"]
    assert stored["repeated"] is True
    assert len(stored["data"]) < 2000
    assert runfile.decode(stored).shape[0] > 60_000
    assert shows(record, many_alone)


def test_what_has_no_calls_of_its_own_says_so() -> None:
    context = Context(Setting(Implementation("numpy", "sigmoid", "m", "m(x)"), "float32", "cpu", planted.EAGER), list)
    (observation,) = reproduced(context, [{"key": "a/b/c/d/e/f/g", "verdict": "deviates"}])
    assert observation["reproduction_missing"] == "it is not asked in calls that can stand alone"
