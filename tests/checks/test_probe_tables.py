"""Tables of probes: which calls are asked, and that every question names checks that exist."""

from collections.abc import Sequence

import numpy as np
import pytest
from gaugeblock.adapters.registry import FRAMEWORKS, adapter
from gaugeblock.conformance.checks.probes import PROBES
from gaugeblock.conformance.checks.probes.base import Probe
from gaugeblock.conformance.checks.table import CHECKS
from gaugeblock.conformance.execution.call import Answer, Call, NoAnswer
from gaugeblock.conformance.pages.pages import questions
from gaugeblock.conformance.trials import engine
from gaugeblock.conformance.trials.setting import Setting, dtypes_of, offered_in
from gaugeblock.reports.verdicts import Verdict

from tests import static
from tests.planted import BCE, SPARSE, check_named, observe

BY_NAME = {each.name: each for each in PROBES}


def setting(framework: str, operation: str, name: str) -> Setting:
    """An implementation in the first mode of its framework."""
    (found,) = (i for i in adapter(framework).implementations if (i.operation, i.name) == (operation, name))
    return Setting(found, "float32", "cpu", adapter(framework).modes[0])


TEXTBOOK = setting("numpy", BCE, "numpy.textbook")


def test_a_call_that_stands_in_for_the_tables_is_asked_of_those_named() -> None:
    of_keras, probe = setting("keras", BCE, "keras.losses.binary_crossentropy"), BY_NAME["logits-behind-a-sigmoid"]
    asked = probe.asked(of_keras)
    assert asked.call == "keras.losses.binary_crossentropy(y_true[:, None], keras.activations.sigmoid(y_pred[:, None]))"
    assert probe.applies(of_keras)
    assert not probe.applies(TEXTBOOK)


def test_a_keyword_left_out_is_asked_of_calls_that_have_it() -> None:
    probe = BY_NAME["default-reduction-of-binary-losses"]
    asked = probe.asked(setting("torch", BCE, "torch.nn.BCELoss"))
    assert asked.call == "torch.nn.BCELoss(weight=sample_weight)(y_pred, y_true)"
    assert probe.asked(TEXTBOOK) is None


def test_losses_that_answer_one_by_one_have_no_gradient_and_no_matrix() -> None:
    alone = setting("sklearn", BCE, "sklearn.metrics.log_loss")
    assert not BY_NAME["unreduced-losses-of-a-matrix"].applies(alone)
    hinge = setting("torchmetrics", "hinge", "torchmetrics.functional.classification.binary_hinge_loss")

    def gradient(rows: int) -> Probe:
        inputs = {"y_true": [1.0] * rows, "score": [1.0] * rows}
        return Probe("slope", ("hinge",), "Which gradient?", inputs, {"none": [0.0] * rows}, gradient="score")

    assert gradient(1).applies(hinge)
    assert not gradient(2).applies(hinge)


SETTINGS: dict[str, list[Setting]] = {}
for _framework in FRAMEWORKS:
    for _mode in adapter(_framework).modes:
        for _each in adapter(_framework).implementations:
            _offered = [dtype for dtype in dtypes_of(_each, _mode) if offered_in(_each, _mode, dtype)]
            SETTINGS.setdefault(_each.operation, []).extend(Setting(_each, dtype, "cpu", _mode) for dtype in _offered)


@pytest.mark.parametrize("probe", PROBES, ids=lambda probe: probe.name)
def test_every_probe_is_asked_of_something_and_names_what_exists(probe: Probe) -> None:
    assert set(probe.calls) <= {each.name for each in static.implementations()}
    assert any(probe.applies(one) for operation in probe.operations for one in SETTINGS[operation])
    # The word joins two labels that are the same number.
    assert [label for label in probe.check().answers if " or " in label] == []
    assert set(probe.right) <= set(probe.answers)


def test_every_question_is_answered_by_checks_that_exist_and_every_probe_answers_one() -> None:
    known = {check.name for check in CHECKS}
    for question in questions():
        assert question.answered_by, question.text
        assert set(question.answered_by) <= known, question.text
        assert question.text.endswith("?")
    assert BY_NAME.keys() <= {name for question in questions() for name in question.answered_by}


def test_a_probe_that_asks_another_call_shows_it() -> None:
    def softmax(x: np.ndarray, axis: int | None = None) -> np.ndarray:
        e = np.exp(x - x.max())
        return e / e.sum(axis=axis, keepdims=True)

    (seen,) = observe("default-axis-of-softmax", "softmax", softmax, call="planted(x, axis=axis)").values()
    assert seen.call == "planted(x)"
    (own,) = observe("one-plus-inf-logit", "softmax", softmax, call="planted(x, axis=axis)").values()
    assert own.call is None


@pytest.mark.parametrize(
    ("message", "label"),
    [
        ("ValueError: labels out of range", "refuses"),
        ("TypeError: cannot convert the argument to a number", "refuses"),
        ("TypeError: smooth_labels() got an unexpected keyword argument 'axis'", None),
        ("AttributeError: module 'keras.api.losses' has no attribute 'CategoricalGeneralizedCrossEntropy'", None),
        ("JaxRuntimeError: INTERNAL: Failed to materialize symbols: { (<xla_jit_dylib_0>, { convert }) }", None),
        ("AbortedError: Status: 3, message: could not create a primitive descriptor for the softmax forward", None),
    ],
)
def test_a_call_that_is_not_there_or_not_compiled_is_no_refusal(message: str, label: str | None) -> None:
    def ask(calls: Sequence[Call]) -> list[Answer]:
        return [NoAnswer(Verdict.UNSUPPORTED, message) for _ in calls]

    asked = setting("torch", SPARSE, "torch.nn.functional.cross_entropy")
    (seen,), others = (engine.observe(check_named(name), asked, ask) for name in ("label-too-large", "label-dtype"))
    assert {each.observation.label for each in (seen, *others)} == {label}
    assert seen.observation.verdict == ("conforms" if label else "unsupported")
