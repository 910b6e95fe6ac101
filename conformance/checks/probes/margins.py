"""Margin losses: which labels, whether scores are taken as they are, the maximum over classes, and kinks."""

from __future__ import annotations

import math

from gaugeblock.conformance.checks.probes.base import NAN, REFUSES, Contents, Probe, Values
from gaugeblock.conformance.checks.probes.shared import OTHER

BY_ROW = "multiclass_hinge"


def _sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


def _softmaxed(second: float, third: float) -> float:
    """The loss of a label beside the softmax of its score and of two that lie so much lower."""
    return 1 - (1 - math.exp(-second)) / (1 + math.exp(-second) + math.exp(-third))


def _both(answers: dict[str, list[float]]) -> dict[str, dict[str, Values]]:
    """The answers of the hinge loss, and those of its square."""
    return {
        "hinge": dict(answers),
        "squared_hinge": {label: [value**2 for value in values] for label, values in answers.items()},
    }


def _of_signs(
    name: str,
    question: str,
    labels: list[float],
    scores: list[float],
    answers: dict[str, list[float]],
    right: tuple[str, ...] = (),
) -> tuple[Probe, ...]:
    """A question to the hinge loss and to its square."""
    return tuple(
        Probe(name if op == "hinge" else f"{name}-squared", (op,), question, {"y_true": labels, "score": scores},
              {**values, REFUSES: []}, right=right, together=True, otherwise=OTHER)
        for op, values in _both(answers).items()
    )  # fmt: skip


def _kink(
    name: str, operations: tuple[str, ...], inputs: dict[str, Contents], gradient: str, answers: dict[str, Values]
) -> Probe:
    return Probe(
        name, operations, "Which derivative does the loss have at its kink?", inputs, answers, gradient=gradient
    )


S = 0.5

OF_SIGNS: dict[str, Values] = {"0": [0.0], "-1": [-1.0], "-1/2": [-0.5], "NaN": [NAN]}

PROBES = (
    *_of_signs("hinge-labels-zero-and-one", "Is the label 0, beside 1, the negative class of a hinge loss?", [0.0, 1.0],
               [S, S], {"yes": [1 + S, 1 - S], "no: its loss is 1": [1.0, 1 - S]}),
    *_of_signs("hinge-labels-of-zero-alone", "Is the label 0, in a batch of nothing else, the negative class?",
               [0.0, 0.0], [S, S], {"yes": [1 + S, 1 + S], "no: its loss is 1": [1.0, 1.0]}),
    *_of_signs("hinge-zero-beside-minus-one", "Is the label 0, beside -1 and 1, the negative class?", [-1.0, 0.0, 1.0],
               [S, S, S], {"yes": [1 + S, 1 + S, 1 - S], "no: its loss is 1": [1 + S, 1.0, 1 - S]}),
    *_of_signs("hinge-labels-of-one-alone", "Is the label 1, in a batch of nothing else, the positive class?",
               [1.0, 1.0], [S, S], {"yes": [1 - S, 1 - S], "no: the negative class": [1 + S, 1 + S]}, ("yes",)),
    *_of_signs("hinge-labels-of-minus-one-alone", "Is the label -1, in a batch of nothing else, the negative class?",
               [-1.0, -1.0], [S, S], {"yes": [1 + S, 1 + S], "no: the positive class": [1 - S, 1 - S]}, ("yes",)),
    Probe("hinge-one-class-and-none-named", ("hinge",),
          "Is the label 1, in a batch of nothing else, the positive class if no class is named?",
          {"y_true": [1.0, 1.0], "score": [S, S]},
          {"yes": [1 - S, 1 - S], "no: the negative class": [1 + S, 1 + S], REFUSES: []}, left_out=("labels",),
          together=True),
    Probe("hinge-soft-label", ("hinge",), "What is the hinge loss of the label 1/2?", {"y_true": [0.5], "score": [0.5]},
          {"1 - 1/2 score": [0.75], "as the label 1": [0.5], "as the label -1": [1.5], REFUSES: []}, otherwise=OTHER),
    *_of_signs("hinge-scores-outside-0-and-1", "Are scores taken as they are where one is not in [0, 1]?",
               [1.0, -1.0], [-1.0, S],
               {"yes": [2.0, 1 + S], "no: the sigmoid of all is": [1 - _sigmoid(-1), 1 + _sigmoid(S)],
                "no: the sigmoid of that one is": [1 - _sigmoid(-1), 1 + S]}),
    Probe("multiclass-scores-outside-0-and-1", (BY_ROW,), "Are scores of classes taken as they are outside [0, 1]?",
          {"labels": [0], "scores": [[2.0, 1.5, 1.0]]}, {"yes": [0.5], "no: their softmax is": [_softmaxed(0.5, 1.0)]}),
    Probe("true-class-in-the-maximum", (BY_ROW, "categorical_hinge"),
          "Does the true class take part in the maximum of the hinge loss?",
          {"labels": [0], "y_true": [[1.0, 0.0, 0.0]], "scores": [[1.0, 0.5, 0.25]]},
          {"no": [0.5], "yes: the loss is at least 1": [1.0]}),
    Probe("zero-in-the-maximum", (BY_ROW, "categorical_hinge"),
          "Does a 0 in the true class's place take part in the maximum?",
          {"labels": [0], "y_true": [[1.0, 0.0, 0.0]], "scores": [[-1.0, -3.0, -2.0]]},
          {"no": [0.0], "yes": [2.0], "no, but their softmax is taken": [_softmaxed(1.0, 2.0)]}),
    Probe("categorical-hinge-of-two-true-classes", ("categorical_hinge",),
          "What becomes of a row with two true classes?", {"y_true": [[1.0, 1.0, 0.0]], "scores": [[0.5, 0.25, 0.0]]},
          {"their scores are added": [0.25], "the larger counts": [0.5], "the smaller counts": [0.75]}),
    Probe("one-class-alone", (BY_ROW, "multi_margin", "one_vs_all_hinge"), "What is the loss where there is one class?",
          {"labels": [0, 0], "scores": [[0.5], [0.5]]},
          {"zero": [0.0, 0.0], "one": [1.0, 1.0], "1 - the score": [0.5, 0.5], "1 + the score": [1.5, 1.5],
           "minus infinity": [-math.inf] * 2, REFUSES: []}, otherwise=OTHER),
    Probe("hinge-of-classes-by-default", ("one_vs_all_hinge",), "Which multiclass hinge loss is the default?",
          {"labels": [0], "scores": [[1.0, 0.5]]},
          {"the largest other class against the true one": [0.5], "one against all, added": [1.5],
           "one against all, averaged": [0.75]}, left_out=("multiclass_mode",)),
    Probe("absent-class-in-a-multiclass-hinge", (BY_ROW,), "What if a class that has a score occurs in no row?",
          {"labels": [0, 1], "scores": [[1.0, 0.5, 0.25]] * 2}, {REFUSES: [], "its score is kept": [0.5, 1.5]},
          together=True),
    Probe("logistic-loss-of-the-label-zero", ("logistic_of_signs",), "Is the label 0 the negative class?",
          {"y_true": [0.0], "score": [S]},
          {"yes": [math.log1p(math.exp(S))], "no: its loss is ln 2": [math.log(2)], REFUSES: []}),
    Probe("hinge-embedding-of-the-label-zero", ("hinge_embedding",), "Is the label 0 the negative class?",
          {"y_true": [0.0], "score": [0.25]},
          {"yes": [0.75], "no: both terms are added": [1.0], "no: its loss is 0": [0.0], REFUSES: []}),
    Probe("perceptron-label-zero", ("perceptron",), "Is the label 0 the negative class?",
          {"y_true": [0.0], "score": [S]}, {"yes": [S], "no: its loss is 0": [0.0], REFUSES: []}),
    _kink("hinge-kink-slope", ("hinge",), {"y_true": [1.0], "score": [1.0]}, "score", OF_SIGNS),
    _kink("perceptron-kink-slope", ("perceptron",), {"y_true": [1.0], "score": [0.0]}, "score", OF_SIGNS),
    _kink("hinge-embedding-kink-slope", ("hinge_embedding",), {"y_true": [-1.0], "score": [1.0]}, "score", OF_SIGNS),
    _kink("multiclass-kink-slope", (BY_ROW, "categorical_hinge", "multi_margin"),
          {"labels": [0], "y_true": [[1.0, 0.0]], "scores": [[1.0, 0.0]]}, "scores",
          {"0": [0.0, 0.0], "-1 and 1": [-1.0, 1.0], "-1/2 and 1/2": [-0.5, 0.5], "NaN": [NAN, NAN],
           "-1 at the true class alone": [-1.0, 0.0], "-1/2 at the true class alone": [-0.5, 0.0],
           "-1 and 1/2": [-1.0, 0.5], "-1/2 and 1/4": [-0.5, 0.25]}),
    _kink("tied-classes-slope", (BY_ROW, "categorical_hinge"),
          {"labels": [0], "y_true": [[1.0, 0.0, 0.0]], "scores": [[0.5, 0.25, 0.25]]}, "scores",
          {"all to the first": [-1.0, 1.0, 0.0], "all to the last": [-1.0, 0.0, 1.0], "in halves": [-1.0, 0.5, 0.5],
           "one each": [-1.0, 1.0, 1.0]}),
)  # fmt: skip
