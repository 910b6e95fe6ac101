"""Tables of probes: which calls are asked, and that every question names checks that there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from gaugeblock.adapters.base import Implementation
from gaugeblock.adapters.registry import FRAMEWORKS, adapter
from gaugeblock.conformance.checks.probes import (
    PROBES,
    activations,
    axes,
    bad_input_values,
    behind,
    binary,
    categorical,
    gradients,
)
from gaugeblock.conformance.checks.probes.base import Probe
from gaugeblock.conformance.checks.table import CHECKS
from gaugeblock.conformance.execution.call import Answer, Call, NoAnswer
from gaugeblock.conformance.pages.questions import questions
from gaugeblock.conformance.trials.setting import Context, Setting, dtypes_of, offered_in
from planted import BCE, SPARSE, observe

MODULES = (activations, axes, binary, categorical, behind, gradients, bad_input_values)

# Which calls are asked


def offers(framework: str, operation: str, name: str) -> Implementation:
    (found,) = (i for i in adapter(framework).implementations if (i.operation, i.name) == (operation, name))
    return found


def probe(name: str) -> Probe:
    (found,) = (each for module in MODULES for each in module.PROBES if each.name == name)
    return found


def setting(implementation: Implementation) -> Setting:
    return Setting(implementation, "float32", "cpu", adapter(implementation.framework).modes[0])


def test_a_call_that_stands_in_for_the_tables_is_asked_of_those_named() -> None:
    of_keras = setting(offers("keras", BCE, "keras.losses.binary_crossentropy"))
    asked = probe("logits-behind-a-sigmoid").asked(of_keras)
    assert asked is not None
    assert asked.call == "keras.losses.binary_crossentropy(y_true[:, None], keras.activations.sigmoid(y_pred[:, None]))"
    assert probe("logits-behind-a-sigmoid").applies(of_keras)
    assert not probe("logits-behind-a-sigmoid").applies(setting(offers("numpy", BCE, "numpy.textbook")))


def test_a_keyword_left_out_is_asked_of_calls_that_have_it() -> None:
    textbook = setting(offers("numpy", BCE, "numpy.textbook"))
    loss = setting(offers("torch", BCE, "torch.nn.BCELoss"))
    asked = probe("default-reduction-of-binary-losses").asked(loss)
    assert asked is not None
    assert asked.call == "torch.nn.BCELoss(weight=sample_weight)(y_pred, y_true)"
    assert probe("default-reduction-of-binary-losses").asked(textbook) is None


def test_losses_that_answer_one_by_one_have_no_slope_and_no_matrix() -> None:
    alone = setting(offers("sklearn", BCE, "sklearn.metrics.log_loss"))
    assert not probe("unreduced-losses-of-a-matrix").applies(alone)
    hinge = setting(offers("torchmetrics", "hinge", "torchmetrics.functional.classification.binary_hinge_loss"))

    def slope(rows: int) -> Probe:
        given = {"y_true": [1.0] * rows, "score": [1.0] * rows}
        return Probe("slope", ("hinge",), "Which slope?", given, {"none": [0.0] * rows}, slope="score")

    assert slope(1).applies(hinge)
    assert not slope(2).applies(hinge)


@pytest.mark.parametrize("module", MODULES)
def test_every_probe_is_asked_of_something_and_every_named_call_exists(module: Any) -> None:
    settings = [
        Setting(implementation, dtype, "cpu", mode)
        for framework in FRAMEWORKS
        for mode in adapter(framework).modes
        for implementation in adapter(framework).implementations
        for dtype in dtypes_of(implementation, mode)
        if offered_in(implementation, mode, dtype)
    ]
    names = {each.implementation.name for each in settings}
    for each in module.PROBES:
        assert set(each.calls) <= names, each.name
        assert any(each.applies(one) for one in settings), each.name


# Questions


def test_every_question_is_answered_by_checks_that_there_are() -> None:
    known = {check.name for check in CHECKS}
    for question in questions():
        assert question.answered_by, question.text
        assert set(question.answered_by) <= known, question.text
        assert question.text.endswith("?")


def test_every_probe_of_a_table_answers_a_question() -> None:
    answering = {name for question in questions() for name in question.answered_by}
    assert {probe.name for probe in PROBES} <= answering


def test_no_label_has_the_word_that_joins_two() -> None:
    assert [(each.name, label) for each in PROBES for label in each.check().answers if " or " in label] == []


def test_a_probe_that_asks_another_call_shows_it() -> None:
    def softmax(x: np.ndarray, axis: int | None = None) -> np.ndarray:
        e = np.exp(x - x.max())
        return e / e.sum(axis=axis, keepdims=True)

    (seen,) = observe("default-axis-of-softmax", "softmax", softmax, call="planted(x, axis=axis)").values()
    assert seen["call"] == "planted(x)"
    (own,) = observe("one-plus-inf-logit", "softmax", softmax, call="planted(x, axis=axis)").values()
    assert "call" not in own


@pytest.mark.parametrize(
    ("message", "label"),
    [
        ("ValueError: labels out of range", "refuses"),
        ("TypeError: cannot convert the argument to a number", "refuses"),
        ("TypeError: smooth_labels() got an unexpected keyword argument 'axis'", None),
        ("AttributeError: module 'keras.api.losses' has no attribute 'CategoricalGeneralizedCrossEntropy'", None),
    ],
)
def test_a_call_that_is_not_there_is_no_refusal(message: str, label: str | None) -> None:
    def ask(calls: Sequence[Call]) -> list[Answer]:
        return [NoAnswer("unsupported", message) for _ in calls]

    asked = setting(offers("torch", SPARSE, "torch.nn.functional.cross_entropy"))
    for name in ("label-too-large", "label-dtype"):
        (check,) = (each for each in CHECKS if each.name == name)
        found = list(check.observe(Context(asked, ask)))
        assert {observation.get("label") for observation in found} == {label}
    (seen,) = next(each for each in PROBES if each.name == "label-too-large").check().observe(Context(asked, ask))
    assert seen["verdict"] == ("conforms" if label else "unsupported")
