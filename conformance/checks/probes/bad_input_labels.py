"""Bad input to losses of labels and to metrics: lengths and ranks that do not match, numbers that mean nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gaugeblock.conformance.checks.probes.base import INF, NAN, REFUSES, Probe, Shape, Values
from gaugeblock.conformance.checks.probes.labels import LOGS, LOSSES, NLL, SHARES, SILENT, THREE

SCORED = ("sparse_categorical_accuracy", "top_k_accuracy")
MARGINS = ("multiclass_hinge", "multi_margin", "one_vs_all_hinge", "multiclass_perceptron", "sparsemax_loss")
BY_LABEL = (*NLL, *MARGINS, "generalised_cross_entropy", *SCORED)
COUNTED = ("accuracy", "zero_one_loss", "precision", "recall", "f1_score", "balanced_accuracy", "macro_precision",
           "macro_recall", "macro_f1_score")  # fmt: skip
PAIRED = (*COUNTED, "binary_accuracy", "roc_auc", "expected_calibration_error")
SIGNED = ("hinge", "squared_hinge", "perceptron", "logistic_of_signs", "hinge_embedding")

REFUSED: dict[str, Values] = {REFUSES: [], "NaN": [NAN]}
SCORES = [0.25, 0.5, 0.75]


def _rows(labels: Any, rows: int) -> Mapping[str, list[Any]]:
    """Labels, and so many rows of whatever the operation takes beside them."""
    columns = {"logits": THREE, "y_pred": SHARES, "log_probabilities": LOGS, "scores": THREE, "y_score": SCORES}
    return {"labels": labels, **{name: [row] * rows for name, row in columns.items()}}


def _row(labels: Any) -> Mapping[str, list[Any]]:
    """Labels beside one row, without an axis of samples."""
    return {"labels": labels, **{name: rows[0] for name, rows in _rows([], 1).items() if name != "labels"}}


def _pairs(truth: int, predictions: int) -> Mapping[str, list[Any]]:
    return {
        "y_true": [1, 0, 1, 0][:truth],
        "y_pred": [1, 0, 0, 1][:predictions],
        "y_score": [0.75, 0.25, 0.25, 0.75][:predictions],
    }


def _signs(truth: int, scores: int) -> Mapping[str, list[Any]]:
    return {"y_true": [1.0, -1.0, 1.0, -1.0][:truth], "score": [0.5, 0.25, 0.5, 0.25][:scores]}


COLUMN: Mapping[str, list[Any]] = {"y_true": [1, 0, 0], "y_pred": [[1], [0], [0]], "y_score": [[0.75], [0.25], [0.25]]}

PROBES = (
    Probe("fewer-labels-than-rows", BY_LABEL, "What do two labels beside three rows give?", _rows([0, 1], 3),
          {**REFUSED, "silent: the rest of the rows is left out": Shape((2,))}, together=True, otherwise=SILENT),
    Probe("more-labels-than-rows", BY_LABEL, "What do three labels beside two rows give?", _rows([0, 1, 2], 2), REFUSED,
          together=True, otherwise=SILENT),
    Probe("one-label-for-three-rows", BY_LABEL, "What does one label beside three rows give?", _rows([1], 3),
          {**REFUSED, "silent: the rest of the rows is left out": Shape((1,)),
           "silent: it stands for all rows": Shape((3,))},
          together=True, otherwise=SILENT),
    Probe("three-labels-for-one-row", BY_LABEL, "What do three labels beside one row give?", _rows([0, 1, 2], 1),
          {**REFUSED, "silent: the row stands for all labels": Shape((3,))}, together=True, otherwise=SILENT),
    Probe("labels-as-a-column", NLL, "What do labels of shape (N, 1) give?", _rows([[0], [1]], 2),
          {REFUSES: [], "a loss for each row, their mean where only that is given": LOSSES[:2], "NaN": [NAN]},
          together=True, otherwise=SILENT),
    Probe("labels-as-a-column-in-an-accuracy", SCORED[:1], "What do labels of shape (N, 1) give?",
          {"labels": [[0], [1], [2]], "y_score": [[0.75, 0.25, 0.125], [0.25, 0.75, 0.125], [0.125, 0.25, 0.75]]},
          {REFUSES: [], "each is compared with its row": [1.0, 1.0, 1.0],
           "each is compared with every row": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]},
          together=True, otherwise=SILENT),
    Probe("labels-as-a-column-in-top-k", SCORED[1:], "What do labels of shape (N, 1) give?",
          {"labels": [[0], [0], [2]], "y_score": [[0.75, 0.25, 0.125], [0.25, 0.75, 0.125], [0.125, 0.25, 0.75]]},
          {REFUSES: [], "each is compared with its row": [1.0, 1.0, 1.0]}, together=True,
          otherwise="silent: each is compared with other rows too"),
    Probe("label-without-an-axis", NLL, "What does one label beside one row, neither with an axis of samples, give?",
          _row(1), {REFUSES: [], "its loss": LOSSES[1:2], "NaN": [NAN]}, together=True, otherwise=SILENT),
    Probe("labels-without-rows", NLL, "What do three labels beside one row without an axis of samples give?",
          _row([0, 1, 2]), REFUSED, together=True, otherwise=SILENT),
    Probe("fewer-predictions-than-truths", PAIRED, "What do two predictions for three truths give?", _pairs(3, 2),
          REFUSED,
          together=True, otherwise=SILENT),
    Probe("more-predictions-than-truths", PAIRED, "What do three predictions for two truths give?", _pairs(2, 3),
          REFUSED,
          together=True, otherwise=SILENT),
    Probe("one-prediction-for-four-truths", PAIRED, "What does one prediction for four truths give?", _pairs(4, 1),
          REFUSED,
          together=True, otherwise=SILENT),
    Probe("one-truth-for-four-predictions", PAIRED, "What does one truth for four predictions give?", _pairs(1, 4),
          REFUSED,
          together=True, otherwise=SILENT),
    Probe("column-of-predictions", ("accuracy", "binary_accuracy"), "What do predictions of shape (N, 1) give?", COLUMN,
          {REFUSES: [], "each is compared with its truth": [1.0, 1.0, 1.0],
           "each is compared with every truth": [1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0]}, together=True,
          otherwise=SILENT),
    Probe("fewer-scores-than-signs", SIGNED, "What do two scores for three labels give?", _signs(3, 2), REFUSED,
          together=True, otherwise=SILENT),
    Probe("one-score-for-four-signs", SIGNED, "What does one score for four labels give?", _signs(4, 1),
          {**REFUSED, "silent: it stands for all": Shape((4,))}, together=True, otherwise=SILENT),
    Probe("column-of-signed-scores", SIGNED, "What do scores of shape (N, 1) give?",
          {"y_true": [1.0, -1.0], "score": [[0.5], [0.25]]},
          {**REFUSED, "silent: each stands beside every label": Shape((2, 2))}, together=True, otherwise=SILENT),
    Probe("fewer-sample-weights-than-rows", (*NLL, *SCORED), "What do two weights for three rows give?",
          {**_rows([0, 1, 2], 3), "sample_weight": [1.0, 2.0]}, REFUSED, {"reduction": "mean"}, otherwise=SILENT),
    Probe("one-sample-weight-for-all", (*NLL, *SCORED), "What does one weight for three rows give?",
          {**_rows([0, 1, 2], 3), "sample_weight": [2.0]}, REFUSED, {"reduction": "mean"},
          otherwise=SILENT),
    *(Probe(name, ("accuracy", "binary_accuracy", "sparse_categorical_accuracy"), f"What does a weight of {word} give?",
            {"labels": [0, 0], "y_true": [1, 1], "y_pred": [1, 0], "y_score": scores, "sample_weight": [weight, 1.0]},
            {"NaN": [NAN], "zero": [0.0], "infinite": [INF], REFUSES: []}, {"reduction": "mean"}, otherwise=SILENT)
      for name, word, weight, scores in (
          ("infinite-sample-weight", "+inf", INF, [0.75, 0.25]), ("nan-sample-weight", "NaN", NAN, [0.75, 0.25]))),
    Probe("fewer-class-weights-than-classes", NLL, "What do two class weights beside three classes give?",
          _rows([0, 1], 2), REFUSED, {"reduction": "mean", "class_weight": (1.0, 2.0)}, otherwise=SILENT),
    Probe("label-two-of-two", ("binary_accuracy",), "What does the label 2 beside a positive score give?",
          {"y_true": [2], "y_score": [0.75]},
          {"it is wrong": [0.0], "as a positive it is right": [1.0], "NaN": [NAN], REFUSES: []}),
    Probe("label-minus-one-of-two", ("binary_accuracy",), "What does the label -1 beside a negative score give?",
          {"y_true": [-1], "y_score": [0.25]},
          {"it is wrong": [0.0], "as a negative it is right": [1.0], "NaN": [NAN], REFUSES: []}),
    Probe("label-half-of-two", ("multilabel_accuracy", "subset_accuracy"), "What does the label 1/2 give?",
          {"y_true": [[0.5, 0.5]] * 2, "y_score": [[0.25, 0.25], [0.75, 0.75]]},
          {"it is a negative": [1.0, 0.0], "it is a positive": [0.0, 1.0], "it is wrong either way": [0.0, 0.0],
           REFUSES: []}),
    Probe("score-above-one-in-a-curve", ("roc_auc", "expected_calibration_error"), "Is a score of 1.5 taken?",
          {"y_true": [0, 1, 1], "y_score": [0.5, 0.75, 1.5]}, {REFUSES: []}, otherwise="yes"),
    Probe("negative-label-in-a-count", ("accuracy", "balanced_accuracy", "macro_recall"),
          "Is -1 a class like any other?",
          {"y_true": [-1, -1, 1, 1], "y_pred": [-1, 1, 1, 1]}, {"yes": [0.75], REFUSES: [], "NaN": [NAN]},
          together=True,
          otherwise="silent: no, another number comes back"),
)  # fmt: skip
