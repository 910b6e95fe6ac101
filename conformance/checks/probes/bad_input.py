"""Bad input: lengths, ranks and axes that do not match, labels in place of rows, numbers that mean nothing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from gaugeblock.conformance.checks.probes.base import INF, NAN, REFUSES, Contents, Probe, Shape, Values
from gaugeblock.conformance.checks.probes.labels import LOGS, LOSSES, NLL, SHARES, THREE
from gaugeblock.conformance.checks.probes.shared import (
    BINARY,
    BINARY_LOGITS,
    EACH,
    EITHER,
    EITHER_ROWS,
    LABELS_LOGITS,
    LN3,
    MEAN,
    ONCE,
    RIGHT,
    ROWS,
    ROWS_LOGITS,
    ROWS_OF_LOGITS,
    SILENT,
    WRONG,
    F,
    by_path,
)

SCORED = ("sparse_categorical_accuracy", "top_k_accuracy")
MARGINS = ("multiclass_hinge", "multi_margin", "one_vs_all_hinge", "multiclass_perceptron", "sparsemax_loss")
BY_LABEL = (*NLL, *MARGINS, "generalised_cross_entropy", *SCORED)
COUNTED = ("accuracy", "zero_one_loss", "precision", "recall", "f1_score", "balanced_accuracy", "macro_precision",
           "macro_recall", "macro_f1_score")  # fmt: skip
PAIRED = (*COUNTED, "binary_accuracy", "roc_auc", "expected_calibration_error")
SIGNED = ("hinge", "squared_hinge", "perceptron", "logistic_of_signs", "hinge_embedding")

_silent = partial(Probe, together=True, otherwise=SILENT)
_once = partial(Probe, dtypes=ONCE, otherwise=SILENT)

REFUSED: dict[str, Values] = {REFUSES: [], "NaN": [NAN]}
SCORES = [0.25, 0.5, 0.75]


def _rows(labels: Any, rows: int) -> Mapping[str, list[Any]]:
    """Labels, and so many rows of whatever the operation takes beside them."""
    columns = {"logits": THREE, "y_pred": SHARES, "log_probabilities": LOGS, "scores": THREE, "y_score": SCORES}
    return {"labels": labels, **{name: [row] * rows for name, row in columns.items()}}


def _row(labels: Any) -> Mapping[str, Contents]:
    """Labels beside one row, without an axis of samples."""
    return {"labels": labels, **{name: rows[0] for name, rows in _rows([], 1).items() if name != "labels"}}


def _pairs(truth: int, predictions: int) -> Mapping[str, Contents]:
    return {
        "y_true": [1, 0, 1, 0][:truth],
        "y_pred": [1, 0, 0, 1][:predictions],
        "y_score": [0.75, 0.25, 0.25, 0.75][:predictions],
    }


def _signs(truth: int, scores: int) -> Mapping[str, Contents]:
    return {"y_true": [1.0, -1.0, 1.0, -1.0][:truth], "score": [0.5, 0.25, 0.5, 0.25][:scores]}


COLUMN: Mapping[str, Contents] = {"y_true": [1, 0, 0], "y_pred": [[1], [0], [0]], "y_score": [[0.75], [0.25], [0.25]]}

OF_LABELS = (
    _silent("fewer-labels-than-rows", BY_LABEL, "What do two labels beside three rows give?", _rows([0, 1], 3),
            {**REFUSED, "silent: the rest of the rows is left out": Shape((2,))}),
    _silent("more-labels-than-rows", BY_LABEL, "What do three labels beside two rows give?", _rows([0, 1, 2], 2),
            REFUSED),
    _silent("one-label-for-three-rows", BY_LABEL, "What does one label beside three rows give?", _rows([1], 3),
            {**REFUSED, "silent: the rest of the rows is left out": Shape((1,)),
             "silent: it stands for all rows": Shape((3,))}),
    _silent("three-labels-for-one-row", BY_LABEL, "What do three labels beside one row give?", _rows([0, 1, 2], 1),
            {**REFUSED, "silent: the row stands for all labels": Shape((3,))}),
    _silent("labels-as-a-column", NLL, "What do labels of shape (N, 1) give?", _rows([[0], [1]], 2),
            {REFUSES: [], "a loss for each row, their mean where only that is given": LOSSES[:2], "NaN": [NAN]}),
    _silent("labels-as-a-column-in-an-accuracy", SCORED[:1], "What do labels of shape (N, 1) give?",
            {"labels": [[0], [1], [2]], "y_score": [[0.75, 0.25, 0.125], [0.25, 0.75, 0.125], [0.125, 0.25, 0.75]]},
            {REFUSES: [], "each is compared with its row": [1.0, 1.0, 1.0],
             "each is compared with every row": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]}),
    Probe("labels-as-a-column-in-top-k", SCORED[1:], "What do labels of shape (N, 1) give?",
          {"labels": [[0], [0], [2]], "y_score": [[0.75, 0.25, 0.125], [0.25, 0.75, 0.125], [0.125, 0.25, 0.75]]},
          {REFUSES: [], "each is compared with its row": [1.0, 1.0, 1.0]}, together=True,
          otherwise="silent: each is compared with other rows too"),
    _silent("label-without-an-axis", NLL, "What does one label beside one row, neither with an axis of samples, give?",
            _row(1), {REFUSES: [], "its loss": LOSSES[1:2], "NaN": [NAN]}),
    _silent("labels-without-rows", NLL, "What do three labels beside one row without an axis of samples give?",
            _row([0, 1, 2]), REFUSED),
    *(_silent(name, PAIRED, f"What {words} give?", _pairs(*counts), REFUSED)
      for name, words, counts in (
          ("fewer-predictions-than-truths", "do two predictions for three truths", (3, 2)),
          ("more-predictions-than-truths", "do three predictions for two truths", (2, 3)),
          ("one-prediction-for-four-truths", "does one prediction for four truths", (4, 1)),
          ("one-truth-for-four-predictions", "does one truth for four predictions", (1, 4)),
      )),
    _silent("column-of-predictions", ("accuracy", "binary_accuracy"), "What do predictions of shape (N, 1) give?",
            COLUMN, {REFUSES: [], "each is compared with its truth": [1.0, 1.0, 1.0],
             "each is compared with every truth": [1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0]}),
    _silent("fewer-scores-than-signs", SIGNED, "What do two scores for three labels give?", _signs(3, 2), REFUSED),
    _silent("one-score-for-four-signs", SIGNED, "What does one score for four labels give?", _signs(4, 1),
            {**REFUSED, "silent: it stands for all": Shape((4,))}),
    _silent("column-of-signed-scores", SIGNED, "What do scores of shape (N, 1) give?",
            {"y_true": [1.0, -1.0], "score": [[0.5], [0.25]]},
            {**REFUSED, "silent: each stands beside every label": Shape((2, 2))}),
    Probe("fewer-sample-weights-than-rows", (*NLL, *SCORED), "What do two weights for three rows give?",
          {**_rows([0, 1, 2], 3), "sample_weight": [1.0, 2.0]}, REFUSED, MEAN, otherwise=SILENT),
    Probe("one-sample-weight-for-all", (*NLL, *SCORED), "What does one weight for three rows give?",
          {**_rows([0, 1, 2], 3), "sample_weight": [2.0]}, REFUSED, MEAN, otherwise=SILENT),
    *(Probe(name, ("accuracy", "binary_accuracy", "sparse_categorical_accuracy"), f"What does a weight of {word} give?",
            {"labels": [0, 0], "y_true": [1, 1], "y_pred": [1, 0], "y_score": scores, "sample_weight": [weight, 1.0]},
            {"NaN": [NAN], "zero": [0.0], "infinite": [INF], REFUSES: []}, MEAN, otherwise=SILENT)
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
          {"y_true": [[0.5, 0.5]] * 2, "y_score": [[0.25, 0.25], [0.75, 0.75]]}, {"it is a negative": [1.0, 0.0],
           "it is a positive": [0.0, 1.0], "it is wrong either way": [0.0, 0.0], REFUSES: []}),
    Probe("score-above-one-in-a-curve", ("roc_auc", "expected_calibration_error"), "Is a score of 1.5 taken?",
          {"y_true": [0, 1, 1], "y_score": [0.5, 0.75, 1.5]}, {REFUSES: []}, otherwise="yes"),
    Probe("negative-label-in-a-count", ("accuracy", "balanced_accuracy", "macro_recall"),
          "Is -1 a class like any other?", {"y_true": [-1, -1, 1, 1], "y_pred": [-1, 1, 1, 1]},
          {"yes": [0.75], REFUSES: [], "NaN": [NAN]}, together=True, otherwise="silent: no, another number comes back"),
)  # fmt: skip

# Targets beside predictions

AS_WRITTEN: Mapping[str, Mapping[str, str]] = {
    BINARY: {
        "numpy.textbook": "-(y_true * numpy.log(y_pred) + (1 - y_true) * numpy.log(1 - y_pred))",
        **by_path(
            "sklearn.metrics.log_loss(y_true, y_pred)",
            f"{F}.binary_cross_entropy(y_pred, y_true, reduction='none')",
            "torch.nn.BCELoss(reduction='none')(y_pred, y_true)",
            "keras.losses.binary_crossentropy(y_true, y_pred)",
            "keras.losses.BinaryCrossentropy()(y_true, y_pred)",
            "keras.metrics.BinaryCrossentropy()(y_true, y_pred)",
        ),
    },
    BINARY_LOGITS: {
        "numpy.stable": "numpy.logaddexp(0, logits) - logits * y_true",
        **by_path(
            f"{F}.binary_cross_entropy_with_logits(logits, y_true, reduction='none')",
            "torch.nn.BCEWithLogitsLoss(reduction='none')(logits, y_true)",
            "tf.nn.sigmoid_cross_entropy_with_logits(labels=y_true, logits=logits)",
            "tf.nn.weighted_cross_entropy_with_logits(labels=y_true, logits=logits, pos_weight=1.0)",
            "optax.sigmoid_binary_cross_entropy(logits, y_true)",
            "keras.losses.binary_crossentropy(y_true, logits, from_logits=True)",
            "keras.losses.BinaryCrossentropy(from_logits=True)(y_true, logits)",
            "keras.metrics.BinaryCrossentropy(from_logits=True)(y_true, logits)",
        ),
    },
    ROWS: {
        "numpy.textbook": "-(y_true * numpy.log(y_pred)).sum(axis=1)",
        **by_path(
            "keras.losses.categorical_crossentropy(y_true, y_pred)",
            "keras.losses.CategoricalCrossentropy(reduction='none')(y_true, y_pred)",
        ),
    },
    ROWS_LOGITS: ROWS_OF_LOGITS,
}
"""The calls as they are usually written, without columns made of vectors."""

# Each target beside its own probability costs as much as the others; beside another's it may not.
PAIRS = [1.0, 0.0, 1.0]
BESIDE = {"y_pred": [0.25, 0.75, 0.25], "logits": [-LN3, LN3, -LN3]}
TABLE = [[WRONG, RIGHT, WRONG], [RIGHT, WRONG, RIGHT], [WRONG, RIGHT, WRONG]]
BY_ROW = [(2 * WRONG + RIGHT) / 3, (WRONG + 2 * RIGHT) / 3, (2 * WRONG + RIGHT) / 3]

BROADCAST: dict[str, Values] = {
    REFUSES: [],
    "as pairs": [WRONG] * 3,
    "as pairs: their mean": [WRONG],
    "silent: broadcast to (N, N)": [each for row in TABLE for each in row],
    "silent: broadcast to (N, N), the mean over rows": BY_ROW,
    "silent: broadcast to (N, N), the mean over all": [sum(BY_ROW) / 3],
}


def _column(values: list[Any]) -> list[Any]:
    return [[value] for value in values]


OF_SHAPES = (
    *(Probe(name.format(slug), (operation,), f"What do {words.format(slug)} give?", inputs, answers, dtypes=ONCE,
            calls=AS_WRITTEN[operation], otherwise=otherwise)
      for name, words, inputs, answers, otherwise in (
          ("vector-of-targets-and-column-of-{}", "targets of shape (N,) and {} of shape (N, 1)",
           {"y_true": PAIRS, **{name: _column(values) for name, values in BESIDE.items()}}, BROADCAST, None),
          ("column-of-targets-and-vector-of-{}", "targets of shape (N, 1) and {} of shape (N,)",
           {"y_true": _column(PAIRS), **BESIDE}, BROADCAST, None),
          ("fewer-targets-than-{}", "two targets and three {}", {"y_true": PAIRS[:2], **BESIDE}, {REFUSES: []}, SILENT),
          ("one-target-for-all-{}", "one target and three {}", {"y_true": [1.0], **BESIDE},
           {REFUSES: [], "silent: the target is repeated": [WRONG, RIGHT, WRONG],
            "silent: the target is repeated, the mean": [(2 * WRONG + RIGHT) / 3]}, SILENT),
      )
      for slug, operation in (("probabilities", BINARY), ("logits", BINARY_LOGITS))),
    _once("fewer-weights-than-samples", EITHER, "What do two weights for three samples give?",
          {"y_true": PAIRS, **BESIDE, "sample_weight": [1.0, 2.0]}, {REFUSES: []}, MEAN),
    _once("column-of-weights", EITHER, "What do weights of shape (N, 1) for losses of shape (N,) give?",
          {"y_true": [1.0, 0.0], "y_pred": [0.25, 0.25], "logits": [-LN3, -LN3], "sample_weight": [[1.0], [3.0]]},
          {REFUSES: [], "as one for each sample": [(WRONG + 3 * RIGHT) / 2],
           "as one for each sample, over their sum": [(WRONG + 3 * RIGHT) / 4],
           "silent: broadcast to (N, N)": [WRONG + RIGHT]}, MEAN),
    _once("rows-of-other-numbers-of-classes", EITHER_ROWS,
          "What do targets of three classes and predictions of two give?",
          {"y_true": [[1.0, 0.0, 0.0]] * 2, "y_pred": [[0.5, 0.5]] * 2, "logits": [[0.0, 0.0]] * 2}, {REFUSES: []},
          EACH),
    _once("one-row-of-targets-for-all", EITHER_ROWS, "What do one row of targets and two of predictions give?",
          {"y_true": [[1.0, 0.0]], "y_pred": [[0.75, 0.25], [0.25, 0.75]], "logits": [[LN3, 0.0], [-LN3, 0.0]]},
          {REFUSES: [], "silent: the row is repeated": [RIGHT, WRONG]}, EACH),
    _once("row-without-a-batch", EITHER_ROWS, "What does a single row of shape (C,) give?",
          {"y_true": [1.0, 0.0], "y_pred": [0.25, 0.75], "logits": [-LN3, 0.0]}, {"its loss": [WRONG], REFUSES: []},
          EACH),
    _once("row-without-a-batch-and-label", (LABELS_LOGITS,),
          "What do a single row of shape (C,) and a label of shape () give?", {"labels": 0, "logits": [-LN3, 0.0]},
          {"its loss": [WRONG], REFUSES: []}, EACH),
    *(_once(f"{name}-{slug}", (operation,),
            "What do integer labels of shape (N,) give where rows are expected, " f"N {being} the number of classes?",
            {"y_true": labels, "y_pred": shares, "logits": logits}, {REFUSES: [], **answers}, cast={"y_true": "int64"},
            calls=AS_WRITTEN[operation])
      for name, being, labels, shares, logits, answers in (
          ("labels-beside-rows-of", "not being", [1, 0, 1], [[0.75, 0.25]] * 3, [[0.0, -LN3]] * 3,
           {"taken for labels": [WRONG, RIGHT, WRONG]}),
          ("as-many-labels-as-classes-beside", "being", [1, 0], [[0.75, 0.25], [0.25, 0.75]],
           [[0.0, -LN3], [-LN3, 0.0]],
           {"taken for labels": [WRONG, WRONG], "silent: taken for one row for all": [RIGHT, WRONG]}),
      )
      for slug, operation in (("probabilities", ROWS), ("logits", ROWS_LOGITS))),
    *(
        _once(f"{slug}-rows-given-to-a-loss-of-labels", (LABELS_LOGITS,),
              f"What do one-hot rows of {kind} numbers give where labels are expected?",
              {"labels": [[0, 1], [1, 0], [0, 1]], "logits": [[0.0, -LN3]] * 3},
              {REFUSES: [], "taken for rows": [WRONG, RIGHT, WRONG]}, EACH, cast={"labels": dtype})
        for slug, kind, dtype in (("integer", "whole", "int64"), ("float", "floating-point", "float32"))
    ),
    _once("axis-beyond-the-rank", ("softmax", "log_softmax", "logsumexp", "sparsemax"),
          "What does the third axis of a matrix give?", {"x": [[0.0, 0.0], [0.0, 0.0]]}, {REFUSES: []}, {"axis": 2}),
    _once("mask-of-another-length", ("masked_softmax", "masked_log_softmax", "masked_logsumexp"),
          "What does a mask of two entries for rows of three give?", {"mask": [[True, False]], "x": [[0.0, 0.0, 0.0]]},
          {REFUSES: []}),
    _once("mask-of-one-entry", ("masked_softmax",),
          "What does a mask of one entry, which is false, for rows of three give?",
          {"mask": [[False]], "x": [[0.0, 0.0, 0.0]]},
          {REFUSES: [], "as of a mask of three": [NAN] * 3, "zero everywhere": [0.0] * 3, "a third each": [1 / 3] * 3}),
)  # fmt: skip
