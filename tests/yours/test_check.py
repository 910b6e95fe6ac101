"""`check`: what it asks of a function, what it says of it, and how it refuses what it cannot ask."""

import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gaugeblock.conformance import ConformanceError, Result, check
from gaugeblock.conformance.trials.effort import EFFORTS
from gaugeblock.conformance.yours.callable_adapter import CallableError
from gaugeblock.reference.catalogue import UnknownOperationError

from tests.invoking import gaugeblock, python
from tests.planted import BCE, SPARSE, Array, sigmoid, softmax, softmax_gradient, sparse, wide
from tests.zoo.faults_states import ResetKeepsCount
from tests.zoo.right_metrics import Mean


def quick(user_callable: Any, operation: str, **options: Any) -> Result:
    return check(user_callable, operation, effort="quick", **options)


def unshifted(x: Array, axis: int = -1) -> Array:
    e = np.exp(x)
    return e / e.sum(axis=axis, keepdims=True)


def bce(y_true: Array, y_pred: Array) -> Any:
    p = np.clip(y_pred, 1e-7, 1 - 1e-7)
    return -(y_true * np.log(p) + (1 - y_true) * np.log1p(-p)).mean()


class Frozen:
    """A metric whose objects never change: each act returns another."""

    def __init__(self, right: int = 0, seen: int = 0) -> None:
        self.right, self.seen = right, seen

    def add(self, y_true: Array, y_pred: Array) -> "Frozen":
        return Frozen(self.right + int((y_true == y_pred).sum()), self.seen + len(y_true))

    def join(self, other: "Frozen") -> "Frozen":
        return Frozen(self.right + other.right, self.seen + other.seen)

    def value(self) -> float:
        return self.right / self.seen


def test_a_right_function_conforms() -> None:
    result = quick(softmax, "softmax")
    assert result.conforms
    assert result.failures == ()
    assert result.counts["conforms"] > 100
    assert result.conventions["row-of-minus-inf"] == "NaN"
    result.raise_for_failures()


def test_a_wrong_one_fails_with_its_witness() -> None:
    result = quick(unshifted, "softmax")
    assert not result.conforms
    failure = next(each for each in result.failures if each.case == "large-offset-10")
    assert (failure.check, failure.dtype, failure.got) == ("value", "float32", "nan")
    assert unshifted(failure.witness.inputs["x"])[failure.witness.at] != float(failure.expected)
    assert failure.witness.parameters == {"axis": -1}
    with pytest.raises(ConformanceError, match="large-offset-10") as raised:
        result.raise_for_failures()
    assert isinstance(raised.value, AssertionError)


def test_the_error_and_its_bound_are_reported() -> None:
    off = quick(lambda x: (wide(sigmoid)(x) * np.float32(1 + 2e-6)).astype(np.float32), "sigmoid")
    failure = next(each for each in off.failures if each.case == "ordinary")
    assert failure.bound == 4
    assert 10 < failure.error < 40


def test_only_what_a_function_takes_is_asked() -> None:
    result = quick(lambda x: softmax(x), "softmax")
    assert result.conforms
    assert "axis: <lambda> does not take it." in result.not_covered
    full = quick(bce, BCE)
    assert "label_smoothing: bce does not take it." in full.not_covered


def test_a_function_that_names_its_inputs_otherwise() -> None:
    def mine(target: Array, z: Array) -> Array:
        return sparse(target, z)

    result = quick(mine, SPARSE, signature={"labels": "target", "logits": "z"}, reduction="none")
    assert result.conforms, str(result)


def test_dtypes_of_labels_that_are_refused_cost_no_combination() -> None:
    def of_int64(labels: Array, logits: Array) -> Array:
        if labels.dtype != np.int64:
            raise TypeError("labels must be int64")
        return sparse(labels, logits)

    result = quick(of_int64, SPARSE, reduction="none")
    assert result.conforms, str(result)
    assert any(sentence.startswith("label-dtype, unsupported") for sentence in result.not_covered)
    assert not any(sentence.startswith("combined, unsupported") for sentence in result.not_covered)


def test_the_last_axis_is_meant_where_there_is_no_parameter() -> None:
    assert not quick(lambda x: softmax(x, 0), "softmax").conforms
    assert quick(softmax, "softmax", axis=-1).conforms
    with pytest.raises(CallableError, match="lambda x: function"):
        quick(lambda x: softmax(x, 0), "softmax", axis=0)


def test_a_parameter_that_is_fixed_is_passed_on() -> None:
    def tempered(x: Array, temperature: float, axis: int = -1) -> Array:
        return softmax(x / x.dtype.type(temperature), axis)

    assert quick(tempered, "softmax_with_temperature", temperature=4.0).conforms
    assert not quick(lambda x: softmax(x), "softmax_with_temperature", temperature=4.0).conforms


def test_reductions_and_clips_are_found_by_measuring() -> None:
    result = quick(bce, BCE)
    assert result.conforms, str(result)
    assert result.conventions["reduction"] == "mean"
    assert result.conventions["clip"] == "1e-07"
    assert result.conventions["zero-probability"] == "clipped at 1e-7"


def test_a_pinned_convention_is_judged() -> None:
    assert quick(bce, BCE, conventions={"clip": 1e-7}).conforms
    assert not quick(bce, BCE, conventions={"clip": 1e-6}).conforms
    result = quick(bce, BCE, conventions={"zero-probability": "infinite"})
    (failure,) = result.failures
    assert (failure.check, failure.expected, failure.got) == ("zero-probability", "infinite", "clipped at 1e-7")


def first_largest(labels: Array, y_score: Array) -> Array:
    return y_score.argmax(axis=1) == labels


def test_ties_can_be_pinned_by_topic() -> None:
    operation = "sparse_categorical_accuracy"
    assert quick(first_largest, operation).conforms
    assert quick(first_largest, operation, conventions={"ties": "lowest index"}).conforms
    result = quick(first_largest, operation, conventions={"ties": "highest index"})
    assert {failure.check for failure in result.failures} == {"tied-largest-scores", "all-scores-equal"}


def test_a_gradient_is_judged_for_any_upstream_gradient() -> None:
    result = quick(softmax, "softmax", gradient=wide(softmax_gradient))
    assert result.conforms, str(result)
    assert not any("gradient" in sentence for sentence in result.not_covered)

    def of_ones(x: Array, cotangent: Array, axis: int) -> Array:
        return softmax_gradient(x, np.sign(cotangent), axis)

    wrong = quick(softmax, "softmax", gradient=of_ones)
    assert {failure.check for failure in wrong.failures} >= {"gradient", "combined-gradient"}


def test_a_gradient_is_asked_with_the_parameters_that_it_takes() -> None:
    def tempered(x: Array, temperature: float = 2.0, axis: int = -1) -> Array:
        return softmax(x.astype(np.longdouble) / temperature, axis).astype(x.dtype)

    def of_two(x: Array, cotangent: Array, axis: int = -1) -> Array:
        return np.asarray(wide(softmax_gradient)(x / 2, cotangent / 2, axis=axis))

    result = quick(tempered, "softmax_with_temperature", gradient=of_two)
    assert result.conforms, str(result)
    assert "gradients with temperature: of_two does not take it." in result.not_covered

    def ignoring(x: Array, cotangent: Array, temperature: float = 2.0, axis: int = -1) -> Array:
        return of_two(x, cotangent, axis)

    wrong = quick(tempered, "softmax_with_temperature", gradient=ignoring)
    assert {failure.check for failure in wrong.failures} >= {"gradient", "combined-gradient"}


def hinge(divisors: dict[str, Callable[[Array], Any]]) -> Callable[..., Any]:
    def mean_over_either(
        y_true: Array,
        score: Array,
        sample_weight: Array | None = None,
        reduction: str = "none",
        mean_over: str = "weights",
    ) -> Any:
        losses = np.maximum(1 - y_true.astype(np.longdouble) * score, 0)
        weights = np.ones(losses.shape) if sample_weight is None else sample_weight.astype(np.longdouble)
        losses = losses * weights
        if reduction == "none":
            return losses.astype(score.dtype)
        return (losses.sum() / (divisors[mean_over](weights) if reduction == "mean" else 1)).astype(score.dtype)

    return mean_over_either


def test_what_a_mean_divides_by_may_be_a_parameter() -> None:
    result = quick(hinge({"weights": np.sum, "samples": np.size}), "hinge")
    assert result.conforms, str(result)
    assert not any("mean_over" in sentence for sentence in result.not_covered)
    wrong = quick(hinge({"weights": np.sum, "samples": np.sum}), "hinge")
    assert {failure.check for failure in wrong.failures} == {"combined"}


def test_a_parameter_that_the_operation_has_not_is_named() -> None:
    def scaled(x: Array, axis: int = -1, gain: float = 1.0) -> Array:
        return softmax(x * x.dtype.type(gain), axis)

    left = "gain: softmax has no parameter of that name, so that it stays at its default."
    assert left in quick(scaled, "softmax").not_covered
    assert left not in quick(scaled, "softmax", gain=1.0).not_covered


def test_without_a_gradient_that_is_said() -> None:
    assert any("gradient=" in sentence for sentence in quick(softmax, "softmax").not_covered)


def test_a_class_is_driven_through_batches() -> None:
    result = quick(Mean, "accuracy")
    assert result.conforms, str(result)
    wrong = quick(ResetKeepsCount, "accuracy")
    assert {failure.check for failure in wrong.failures} == {"streaming"}
    assert all("reset" in failure.case or "two-at-once" in failure.case for failure in wrong.failures)


def test_a_class_of_objects_that_never_change() -> None:
    protocol = {"update": "add", "merge": "join", "result": "value"}
    result = quick(Frozen, "accuracy", protocol=protocol)
    assert result.conforms, str(result)
    assert "reset: nothing says which method of Frozen it is." in result.not_covered


def test_a_protocol_takes_functions() -> None:
    protocol: dict[str, Any] = {"merge": lambda metric, other: metric.merge(other)}
    assert quick(Mean, "accuracy", protocol=protocol).conforms


def test_a_function_that_writes_to_its_input_fails() -> None:
    def scribbles(x: Array) -> Array:
        answer = sigmoid(x.astype(np.float64)).astype(x.dtype)
        if x.size > 40:
            x[...] = 0
        return answer

    result = quick(scribbles, "sigmoid")
    assert any("wrote to its input x" in failure.message for failure in result.failures)


def test_an_answer_that_is_no_array_fails() -> None:
    result = quick(lambda x: None, "sigmoid")
    assert any("no array of numbers" in failure.message for failure in result.failures)


def test_a_refusal_of_some_ordinary_cases_fails_and_of_all_conforms_to_nothing() -> None:
    def short(x: Array) -> Array:
        if x.size > 40:
            raise ValueError("too long")
        return sigmoid(x.astype(np.float64)).astype(x.dtype)

    assert any("too long" in failure.message for failure in quick(short, "sigmoid").failures)

    def never(x: Array) -> Array:
        raise ValueError("not today")

    result = quick(never, "sigmoid")
    assert not result.conforms
    assert any("not today" in sentence for sentence in result.not_covered)


def test_several_dtypes_and_labels_by_dtype() -> None:
    def halved(x: Array) -> Array:
        answer = sigmoid(x.astype(np.float64))
        return (answer * (1.01 if x.dtype == np.float16 else 1)).astype(x.dtype)

    result = quick(halved, "sigmoid", dtypes=["float32", "float16"])
    assert {failure.dtype for failure in result.failures} == {"float16"}


def test_the_summary_as_text_and_as_html() -> None:
    result = quick(unshifted, "softmax")
    assert "✗ does not conform" in str(result)
    assert "Not covered" in str(result)
    page = result._repr_html_()
    assert page.startswith("<pre")
    assert "large-offset-10" in page


def test_the_same_again() -> None:
    one, other = (quick(unshifted, "softmax") for _ in range(2))
    assert [str(each) for each in one.failures] == [str(each) for each in other.failures]
    assert (one.conventions, one.not_covered, one.counts) == (other.conventions, other.not_covered, other.counts)


def test_numpys_warnings_are_left_as_they_were() -> None:
    before = np.geterr()
    quick(softmax, "softmax")
    assert np.geterr() == before


def test_a_higher_effort_asks_more() -> None:
    quick, standard, thorough = (EFFORTS[name].callable for name in ("quick", "standard", "thorough"))
    for less, more in ((quick, standard), (standard, thorough)):
        assert less.combinations < more.combinations
        assert less.gradients < more.gradients
        assert less.points < more.points
    some, many = (check(Mean, "accuracy", effort=effort) for effort in ("quick", "standard"))
    assert (some.effort, many.effort) == ("quick", "standard")
    assert 0 < some.answered < many.answered


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: check(softmax, "sofmax"), "there is no operation 'sofmax': did you mean 'softmax'?"),
        (lambda: check(softmax, "softmax", arrays="numpi"), "did you mean 'numpy'?"),
        (lambda: check(softmax, "softmax", effort="huge"),
         "there is no effort 'huge': it is quick or standard or thorough."),
        (lambda: check(softmax, "softmax", dtypes=["float31"]), "did you mean 'float32'?"),
        (lambda: check(softmax, "softmax", device="cuda"), "numpy sees no device 'cuda': it sees cpu."),
        (lambda: check(softmax, "softmax", signature={"z": "x"}), "softmax has no 'z' to rename"),
        (lambda: check(softmax, "softmax", gamma=2), "neither softmax nor softmax has a parameter 'gamma'."),
        (lambda: check(lambda a, b: a, SPARSE), "say which is which with signature={'labels': '...', 'logits': '...'}"),
        (lambda: check(lambda x, beta: x, "softmax"), "needs 'beta'"),
        (lambda: check(3, "softmax"), "int cannot be called"),
        (lambda: check(softmax, "softmax", protocol={"update": "add"}), "a protocol is for a class"),
        (lambda: check(Frozen, "accuracy", protocol={"update": "plus"}), "Frozen has no method 'plus'"),
        (lambda: check(Frozen, "accuracy", protocol={"add": "add"}), "a protocol has no 'add'"),
        (lambda: check(Frozen, "accuracy", protocol={"update": "add"}), "which method of Frozen is its 'result'"),
        (lambda: check(first_largest, "sparse_categorical_accuracy", conventions={"ties": "random"}),
         "'ties' cannot be 'random': it is one of 'lowest index', 'highest index', 'all'."),
        (lambda: check(softmax, "softmax", conventions={"row-of-minus-in": "NaN"}),
         "there is no convention 'row-of-minus-in' of softmax: did you mean 'row-of-minus-inf'?"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_said_in_a_sentence(make: Callable[[], Any], sentence: str) -> None:
    with pytest.raises((CallableError, UnknownOperationError, LookupError)) as raised:
        make()
    assert sentence in str(raised.value)


MODULE = """
    import numpy as np


    def right(x, axis=-1):
        e = np.exp(x - x.max(axis=axis, keepdims=True))
        return e / e.sum(axis=axis, keepdims=True)


    def wrong(x, axis=-1):
        return right(x, axis) * 1.001
    """


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(textwrap.dedent(MODULE))
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["mine:right", "--operation", "softmax"], 0, "✓ conforms to softmax in float32"),
        (["mine:wrong", "--operation", "softmax", "--dtype", "float64"], 1, "✗ does not conform"),
        (["mine:other", "--operation", "softmax"], 2, "there is no 'other' in mine"),
        (["mine:right", "--operation", "softmax", "--convention", "row-of-minus-inf=zero"], 2, "cannot be 'zero'"),
    ],
)
def test_the_command(folder: Path, arguments: list[str], code: int, said: str) -> None:
    done = gaugeblock("check", *arguments, "--effort", "quick", cwd=folder)
    assert done.returncode == code, done.stderr
    assert said in " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in done.stderr


TESTS = """
    import mine
    from gaugeblock.conformance import check

    def test_right(gaugeblock_check):
        assert gaugeblock_check(mine.right, "softmax", effort="quick").conforms

    def test_wrong(gaugeblock_check):
        gaugeblock_check(mine.wrong, "softmax", effort="quick")

    def test_in_one_line():
        check(mine.right, "softmax", effort="quick").raise_for_failures()
    """


def test_the_fixture(folder: Path) -> None:
    (folder / "test_mine.py").write_text(textwrap.dedent(TESTS))
    done = python("-m", "pytest", "-p", "no:cacheprovider", "-q", cwd=folder)
    assert "2 passed" in done.stdout
    assert "1 failed" in done.stdout
    assert "ConformanceError" in done.stdout


def test_the_package_imports_nothing_until_asked() -> None:
    code = "import sys, gaugeblock.conformance, json; print(json.dumps([m for m in sys.modules if 'flint' in m]))"
    assert json.loads(python("-c", code).stdout) == []
