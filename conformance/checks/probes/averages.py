"""Averages of metrics: over samples or classes, classes that are absent or weigh nothing, and nothing to measure."""

from __future__ import annotations

from gaugeblock.conformance.checks.probes.base import NAN, REFUSES, Probe, Shape, Values

OTHER = "silent: another number comes back"
MACRO = ("balanced_accuracy", "macro_recall", "macro_precision", "macro_f1_score")
WHOLE = (*MACRO, "precision", "recall", "specificity", "f1_score", "roc_auc", "expected_calibration_error")
MEANS = ("accuracy", "binary_accuracy", "zero_one_loss")
NOTHING: dict[str, Values] = {"zero": [0.0], "one": [1.0], "a half": [0.5], "NaN": [NAN], REFUSES: []}

THREE_SCORES = {0: [0.5, 0.25, 0.125], 1: [0.25, 0.5, 0.125], 2: [0.125, 0.25, 0.5]}


def _predicted(truth: list[int], predictions: list[int]) -> dict[str, list[object]]:
    """Labels and predictions among three classes, for whatever takes labels, scores or one-hot rows."""
    return {
        "labels": list(truth),
        "y_pred": list(predictions),
        "y_true": list(truth),
        "y_score": [THREE_SCORES[each] for each in predictions],
    }


def _average(
    name: str, operations: tuple[str, ...], truth: list[int], predictions: list[int], **answers: Values
) -> Probe:
    labels = {text.replace("_", " "): values for text, values in answers.items()}
    return Probe(name, operations, "What is averaged over if no average is asked for?", _predicted(truth, predictions),
                 {**labels, REFUSES: []}, left_out=("average",), together=True, otherwise=OTHER)  # fmt: skip


def _classes(
    name: str,
    question: str,
    truth: list[int],
    predictions: list[int],
    answers: dict[str, dict[str, Values]],
    weights: list[float] | None = None,
) -> tuple[Probe, ...]:
    """A question to each mean over classes that is named, whose answers have numbers of their own."""
    given = _predicted(truth, predictions) | ({} if weights is None else {"sample_weight": list(weights)})
    return tuple(
        Probe(f"{name}-in-{op.replace('_', '-')}", (op,), question, given, {**values, "NaN": [NAN], REFUSES: []},
              otherwise=OTHER)
        for op, values in answers.items()
    )  # fmt: skip


OUT, ZERO, ONE = "it is left out", "it counts as 0", "it counts as 1"
SKEWED = ([0, 0, 0, 0, 1], [0, 0, 1, 1, 1])

PROBES = (
    _average("accuracy-default-average", ("sparse_categorical_accuracy", "accuracy"),
             [0, 0, 0, 1], [0, 0, 0, 0], samples=[0.75], classes=[0.5], classes_with_the_one_that_is_absent=[1 / 3]),
    _average("precision-default-average", ("macro_precision",), *SKEWED,
             the_positive_class_alone=[1 / 3], classes=[2 / 3], samples=[0.6]),
    _average("recall-default-average", ("macro_recall",), *SKEWED,
             the_positive_class_alone=[1.0], classes=[0.75], samples=[0.6]),
    _average("f1-default-average", ("macro_f1_score",), *SKEWED,
             the_positive_class_alone=[0.5], classes=[7 / 12], samples=[0.6], nothing=[2 / 3, 0.5]),
    *_classes("class-absent-from-the-truth", "What becomes of a class that is predicted and never true?",
              [0, 0, 2], [0, 1, 2],
              {"balanced_accuracy": {OUT: [0.75], ZERO: [0.5]}, "macro_recall": {OUT: [0.75], ZERO: [0.5]},
               "macro_precision": {OUT: [1.0], ZERO: [2 / 3]}, "macro_f1_score": {OUT: [5 / 6], ZERO: [5 / 9]}}),
    *_classes("class-absent-from-the-predictions", "What becomes of a class that is true and never predicted?",
              [0, 1, 2], [0, 0, 2],
              {"balanced_accuracy": {OUT: [1.0], ZERO: [2 / 3]}, "macro_recall": {OUT: [1.0], ZERO: [2 / 3]},
               "macro_precision": {OUT: [0.75], ZERO: [0.5], ONE: [2.5 / 3]},
               "macro_f1_score": {OUT: [5 / 6], ZERO: [5 / 9]}}),
    *_classes("class-absent-from-both", "What becomes of a class between others that is neither true nor predicted?",
              [0, 2, 2], [0, 2, 0],
              {"balanced_accuracy": {OUT: [0.75], ZERO: [0.5], ONE: [2.5 / 3]},
               "macro_recall": {OUT: [0.75], ZERO: [0.5], ONE: [2.5 / 3]},
               "macro_precision": {OUT: [0.75], ZERO: [0.5], ONE: [2.5 / 3]},
               "macro_f1_score": {OUT: [2 / 3], ZERO: [4 / 9], ONE: [7 / 9]}}),
    *_classes("class-of-zero-weight", "What becomes of a class whose samples all weigh nothing?",
              [0, 0, 1, 1], [0, 1, 1, 1],
              {"balanced_accuracy": {OUT: [0.5], ZERO: [0.25], "its weights are ignored": [0.75]},
               "macro_recall": {OUT: [0.5], ZERO: [0.25], "its weights are ignored": [0.75]},
               "macro_precision": {OUT: [1.0], ZERO: [0.5], "its weights are ignored": [5 / 6]},
               "macro_f1_score": {OUT: [2 / 3], ZERO: [1 / 3], "its weights are ignored": [11 / 15]}},
              [1.0, 1.0, 0.0, 0.0]),
    Probe("nothing-is-predicted", ("precision",), "What is the precision where nothing is predicted positive?",
          {"y_true": [1, 0], "y_pred": [0, 0]}, NOTHING),
    Probe("nothing-is-true", ("recall",), "What is the recall where nothing is positive?",
          {"y_true": [0, 0], "y_pred": [1, 0]}, NOTHING),
    Probe("nothing-is-negative", ("specificity",), "What is the specificity where nothing is negative?",
          {"y_true": [1, 1], "y_pred": [1, 0]}, NOTHING),
    Probe("nothing-is-true-or-predicted", ("f1_score",), "What is F1 where nothing is positive, nor predicted to be?",
          {"y_true": [0, 0], "y_pred": [0, 0]}, NOTHING),
    Probe("area-of-one-class", ("roc_auc",), "What is the area under the curve where all samples are positive?",
          {"y_true": [1, 1], "y_score": [0.25, 0.75]}, NOTHING),
    Probe("area-of-tied-scores", ("roc_auc",), "What does a positive and a negative with the same score add?",
          {"y_true": [0, 1], "y_score": [0.5, 0.5]}, {"a half": [0.5], "nothing": [0.0], "one": [1.0]},
          right=("a half",)),
    Probe("area-of-a-nan-score", ("roc_auc",), "What does a score of NaN do to the area under the curve?",
          {"y_true": [0, 1, 0, 1], "y_score": [0.25, 0.75, NAN, 0.5]},
          {"NaN": [NAN], "as the smallest score": [1.0], "as the largest score": [0.5], "as a tie": [0.75],
           REFUSES: []},
          otherwise=OTHER),
    Probe("empty-batch-of-a-whole-metric", WHOLE, "What is the metric of an empty batch?",
          {"y_true": [], "y_pred": [], "y_score": []}, NOTHING),
    Probe("empty-batch-of-an-accuracy", MEANS, "What is the mean over an empty batch?",
          {"y_true": [], "y_pred": [], "y_score": []}, {**NOTHING, "an empty array": []}, together=True),
    Probe("binary-accuracy-of-several-labels", ("binary_accuracy",), "What is the accuracy of rows of several labels?",
          {"y_true": [[1, 0, 1], [0, 1, 0]], "y_score": [[0.75, 0.25, 0.75], [0.25, 0.75, 0.75]]},
          {"the share of right labels": [5 / 6], "the share of rows that are right altogether": [0.5],
           "whether each label is right": Shape((2, 3)), REFUSES: []}, together=True, otherwise=OTHER),
    Probe("rows-of-several-labels", ("multilabel_accuracy", "subset_accuracy", "hamming_loss"),
          "Which share is the metric of rows of several labels?",
          {"y_true": [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0]], "y_score": [[0.75, 0.25, 0.25], [0.75, 0.75, 0.75]]},
          {"that of labels that are right": [2 / 3, 1 / 3], "that of labels that are wrong": [1 / 3, 2 / 3],
           "that of rows that are right altogether": [0.0, 0.0]}, together=True),
    Probe("precision-of-the-label-two", ("precision",), "Is the label 2 positive?",
          {"y_true": [2, 0, 2], "y_pred": [2, 2, 0]},
          {"yes": [0.5], "no: nothing is": [0.0], "no: NaN": [NAN], REFUSES: []}, otherwise=OTHER),
)  # fmt: skip
