"""Every kind of check: its deviations are asked again, and their records show them to who evaluates them anew."""

import itertools
from typing import Any

import msgspec
import numpy as np
import pytest
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.checks.probes.base import Probe
from gaugeblock.conformance.judging.judgement import Judgement
from gaugeblock.conformance.minimise.reproduction import NOT_AGAIN, NOT_ALONE, TOO_LARGE
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.effort import EFFORTS
from gaugeblock.conformance.trials.setting import Setting
from gaugeblock.conformance.trials.trial import Trial, Trials
from gaugeblock.reports import runfile
from gaugeblock.reports.records import Expected, Observation, Reproduction
from gaugeblock.reports.verdicts import Verdict

from tests import planted
from tests.checks.test_invariances import CASES
from tests.planted import BCE, SPARSE, Array, Counting, Function, deviating, shows, sigmoid, softmax, sparse, wide


def twice(function: Function) -> Function:
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
    "call": "planted()(y_true, y_pred, sample_weight=sample_weight)",
    "lifecycle": planted.LIFECYCLE,
    "dtype": "int64",
    "reduction": "mean",
}
QUICK = EFFORTS["quick"].callable
"""An effort that asks dense lines of gradients, which frameworks are not asked."""

FAULTS: tuple[tuple[str, str, Function, dict[str, Any]], ...] = (
    ("value", "softmax", planted.unshifted, {}),
    ("value", "log_softmax", planted.missing_class, {}),
    ("value", BCE, lambda t, p: twice(planted.bce)(t, p).mean(), {"reduction": "mean"}),
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
    ("dense-gradient", "sigmoid", sigmoid, {"gradient": twice(planted.sigmoid_gradient), "effort": QUICK}),
    ("combined", "softmax", planted.of_neighbour, {}),
    ("combined-gradient", "sigmoid", sigmoid, {"gradient": twice(planted.sigmoid_gradient)}),
    ("long-rows", "softmax", planted.unshifted, {}),
    ("large-batch", BCE, lambda t, p: twice(planted.bce)(t, p).mean(), {"reduction": "mean"}),
    ("several-batch-axes", BCE, lambda t, p: twice(planted.bce)(t, p).mean(), {"reduction": "mean"}),
    ("row-alone", "softmax", planted.of_neighbour, {}),
    ("row-alone", "softmax", one_row_squeezed, {}),
    ("shift-invariance", "softmax", planted.unshifted, {"dtype": "float16"}),
    ("memory-layout", "softmax", transposed_plainly, {}),
    ("two-logits-are-sigmoid", "softmax", twice(softmax), {}),
    ("log-softmax-is-log-of-softmax", "log_softmax", lambda x, axis: planted.log_softmax(x, axis) + np.float32(0.5),
     {}),
    *[(check, operation, function, options) for check, operation, function, options, v in CASES if v == "deviates"],
)  # fmt: skip


def recorded(observation: Observation) -> Reproduction:
    """The reproduction of an observation, which is one that a run file may hold."""
    assert msgspec.json.decode(msgspec.json.encode(observation), type=Observation) == observation
    assert observation.reproduction is not None
    return observation.reproduction


def lacks(observation: Observation, why: str) -> None:
    assert (observation.reproduction, observation.reproduction_missing) == (None, why)


@pytest.mark.parametrize(("check", "operation", "function", "options"), FAULTS)
def test_the_record_of_every_kind_of_check_shows_the_deviation(
    check: str, operation: str, function: Function, options: dict[str, Any]
) -> None:
    found = deviating(check, operation, function, **options)
    assert found
    for observation in found.values():
        assert shows(recorded(observation), function, options.get("gradient")), observation


def test_a_call_that_writes_to_its_input_is_named() -> None:
    record = recorded(deviating("memory-layout", "softmax", written)["contiguous"])
    assert record.expected == Expected(unchanged="x")
    assert (record.calls[0].wrote, record.calls[0].layout) == ("x", "contiguous")


def test_compiled_and_eager_calls_stand_beside_each_other() -> None:
    found = deviating(
        "compiled-is-eager", "sigmoid", wide(sigmoid), compiled=twice(wide(sigmoid)), mode=planted.COMPILED
    )
    compiled, eager = recorded(found["ordinary"]).calls
    assert (compiled.mode, eager.mode) == ("compiled", "eager")
    assert planted.number(compiled.got) == 2 * planted.number(eager.got)
    assert compiled.inputs == eager.inputs


def test_the_loss_of_one_hot_targets_is_asked_of_the_framework() -> None:
    found = deviating("sparse-is-one-hot", SPARSE, lambda labels, logits: 2 * sparse(labels, logits), reduction="none")
    own, other = recorded(found["ordinary-10"]).calls
    assert (own.operation, other.operation) == (SPARSE, "categorical_cross_entropy_with_logits")
    assert own.at == other.at


def test_a_gradient_says_what_was_multiplied_with() -> None:
    found = deviating("gradient", "sigmoid", sigmoid, gradient=lambda x, c: planted.sigmoid_gradient(x, np.abs(c)))
    record = recorded(found["ordinary"])
    assert runfile.decode(record.calls[0].cotangent).tolist() == [-1.0]
    assert planted.sizes(record) == {"x": (1,)}


def test_a_second_derivative_says_so() -> None:
    found = deviating("second-derivative", "sigmoid", sigmoid, gradient=lambda x, c: c * c * sigmoid(x))
    assert {recorded(each).calls[0].order for each in found.values()} == {2}


def test_the_parameters_are_those_of_the_framework() -> None:
    found = deviating("value", BCE, lambda t, p, reduction: twice(planted.bce)(t, p).mean(),
                       call="planted(y_true, y_pred, reduction)", framework="keras", reduction=("mean",))  # fmt: skip
    (spelled,) = {recorded(each).calls[0].parameters["reduction"] for each in found.values()}
    assert spelled == "sum_over_batch_size"


def test_what_is_asked_sample_by_sample_is_one_call() -> None:
    wrong = lambda t, p: np.float32(2) * planted.bce(t, p).mean()  # noqa: E731
    record = recorded(deviating("value", BCE, wrong, reduction=("mean",))["ordinary-right"])
    assert len(record.calls) == 1
    assert planted.sizes(record) == {"y_true": (1,), "y_pred": (1,)}
    assert record.calls[0].at == []


def probed(probe: Probe, function: Function) -> Reproduction:
    (observation,) = deviating(probe.check(), "sigmoid", function).values()
    return recorded(observation)


def half(answers: dict[str, Any], *right: str) -> Probe:
    return Probe("half", ("sigmoid",), "Sigmoid of 0?", {"x": [0.0]}, answers, right=right)


HALF = half({"a half": [0.5], "none": [0.0]}, "a half")
REFUSING = {"a half": [0.5], "refuses": []}


def test_a_probe_records_the_label_got_and_the_values_of_the_right_ones() -> None:
    record = probed(HALF, lambda x: 0 * x)
    assert record.expected.right == {"a half": ["0x1.0000000000000p-1"]}
    assert record.expected.label == "none"
    assert record.calls[0].got == ["0x0.0p+0"]
    assert shows(record, lambda x: 0 * x)
    assert not shows(record, sigmoid)


def test_a_probe_whose_answer_is_none_of_those_listed_has_no_label() -> None:
    record = probed(HALF, lambda x: 0 * x + 3)
    assert record.expected.label is None
    assert record.calls[0].got == ["0x1.8000000000000p+1"]


def test_a_probe_that_is_refused_records_the_message() -> None:
    record = probed(half(REFUSING, "a half"), planted.refuses)
    assert record.calls[0].refused == "RefusalError: 1 arrays, and []"
    assert record.expected.right == {"a half": ["0x1.0000000000000p-1"]}


def test_a_probe_that_should_be_refused_says_so() -> None:
    assert probed(half(REFUSING, "refuses"), sigmoid).expected.right == {"refuses": "refused"}


def test_another_label_that_is_nearer_narrows_what_is_near_enough() -> None:
    near = half({"right": [0.5], "next to it": [0.5002]}, "right")
    record = probed(near, lambda x: 0 * x + np.float32(0.5002))
    assert record.expected.within < 0.0002 / 0.5
    assert shows(record, lambda x: 0 * x + np.float32(0.5002))


@pytest.mark.parametrize("turns", [(True,), (True, True)], ids=["once", "once more by chance"])
def test_a_fault_that_comes_and_goes_has_no_reproduction(turns: tuple[bool, ...]) -> None:
    times = itertools.count()

    def flaky(x: Array) -> Array:
        return wide(sigmoid)(x) * np.float32(2 if next(times) < len(turns) else 1)

    found = deviating("value", "sigmoid", flaky)
    assert found
    for observation in found.values():
        lacks(observation, NOT_AGAIN)


def test_arrays_too_large_to_keep_are_said_to_be() -> None:
    def long_alone(x: Array, axis: int) -> Array:
        # The fault needs its length, and numbers that differ.
        wrong = x.shape[axis] > 99_000 and len(np.unique(x)) > 5000
        return wide(softmax)(x, axis) * np.float32(2 if wrong else 1)

    lacks(deviating("shapes", "softmax", long_alone)["classes-100000"], TOO_LARGE)


def test_a_large_array_that_repeats_itself_is_kept() -> None:
    def many_alone(x: Array, axis: int) -> Array:
        return wide(softmax)(x, axis) * np.float32(2 if len(x) > 60_000 else 1)

    record = recorded(deviating("shapes", "softmax", many_alone)["rows-65599"])
    stored = record.calls[0].inputs["x"]
    assert stored.repeated
    assert len(stored.data) < 2000
    assert runfile.decode(stored).shape[0] > 60_000
    assert shows(record, many_alone)


def test_what_is_judged_without_evidence_says_so() -> None:
    def trials(setting: Setting) -> Trials:
        case = Case("all", {"x": np.zeros(1, np.float32)})
        yield Trial(case, (setting.query(case),), lambda _: Judgement(Verdict.DEVIATES))

    (observation,) = deviating(Check("bare", "value", "?", lambda _: True, trials), "sigmoid", sigmoid).values()
    lacks(observation, NOT_ALONE)
