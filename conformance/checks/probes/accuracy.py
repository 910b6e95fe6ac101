"""Accuracies and other metrics: thresholds, ties, NaN, the k-th place, labels beside scores, and what is averaged."""

from __future__ import annotations

import numpy as np
from gaugeblock.conformance.checks.probes.base import INF, NAN, REFUSES, Contents, Probe, Shape, Values
from gaugeblock.conformance.checks.probes.shared import NARROW, OTHER
from gaugeblock.reference.formats import Format

BINARY = ("binary_accuracy",)
ARGMAX = ("sparse_categorical_accuracy", "categorical_accuracy")
SPARSE = ("sparse_categorical_accuracy",)
TOP_K = ("top_k_accuracy",)
BY_LABEL = (*SPARSE, *TOP_K)
MULTILABEL = ("multilabel_accuracy", "subset_accuracy")
MACRO = ("balanced_accuracy", "macro_recall", "macro_precision", "macro_f1_score")
WHOLE = (*MACRO, "precision", "recall", "specificity", "f1_score", "roc_auc", "expected_calibration_error")
MEANS = ("accuracy", "binary_accuracy", "zero_one_loss")

Inputs = dict[str, Contents]


def of_classes(labels: list[int], row: list[float]) -> Inputs:
    """The same scores for each label, which stands by itself and as a one-hot row."""
    one_hot = [[float(label == column) for column in range(len(row))] for label in labels]
    return {"labels": list(labels), "y_true": list(one_hot), "y_score": [row] * len(labels)}


def binary(truth: list[int], scores: list[float]) -> Inputs:
    """Binary labels and scores."""
    return {"y_true": list(truth), "y_score": list(scores)}


def above_exact(fmt: Format) -> int:
    """The smallest label that the format does not hold."""
    return (1 << fmt.precision) + 1


def _peak(fmt: Format) -> list[list[float]]:
    row = np.zeros(above_exact(fmt) + 2)
    row[above_exact(fmt) - 1], row[0] = 0.5, 0.25
    return [row.tolist()]


def _close(fmt: Format) -> list[list[float]]:
    """Scores of many classes which lie as near to one another as the format allows; the last is the largest."""
    low = 1 - 64 * fmt.unit_roundoff
    return [[low + step * fmt.unit_roundoff for step in range(64)]]


NAN_SCORE: dict[str, Values] = {
    "as a negative": [1.0, 0.0],
    "as a positive": [0.0, 1.0],
    "as a mistake": [0.0, 0.0],
    "as right": [1.0, 1.0],
    "the accuracy is NaN": [NAN, NAN],
    REFUSES: [],
}

OUTSIDE: dict[str, Values] = {
    "yes": [0.0, 0.0],
    "no: the sigmoid of all is": [1.0, 1.0],
    "no: the sigmoid of that one is": [1.0, 0.0],
    REFUSES: [],
}
"""Whether -1/2 and 1/4 are taken as they are beside a threshold of 5/16."""

ACCURACIES = (
    Probe("score-at-threshold", BINARY, "Does a score equal to the threshold count as positive?",
          {"y_true": [1], "y_score": [0.5]}, {"yes (>=)": [1.0], "no (>)": [0.0]}, {"threshold": 0.5}),
    Probe("multilabel-score-at-threshold", MULTILABEL, "Does a label's score equal to the threshold count as positive?",
          {"y_true": [[1.0, 1.0]], "y_score": [[0.5, 0.5]]}, {"yes (>=)": [1.0], "no (>)": [0.0]}, {"threshold": 0.5}),
    Probe("threshold-between-two-numbers", BINARY,
          "Is the score nearest to the threshold 0.3, which lies above it, positive?",
          {"y_true": [1], "y_score": [0.3]},
          {"yes": [1.0], "no: the threshold is rounded to the scores' dtype first": [0.0]}, {"threshold": 0.3},
          dtypes=("float16", "bfloat16", "float32")),
    Probe("default-threshold", BINARY, "Which of the scores 1/4, 1/2, 3/4 are positive if no threshold is given?",
          binary([1, 1, 1], [0.25, 0.5, 0.75]),
          {"3/4": [0.0, 0.0, 1.0], "1/2 and 3/4": [0.0, 1.0, 1.0], "all": [1.0, 1.0, 1.0], "none": [0.0, 0.0, 0.0]},
          left_out=("threshold",)),
    Probe("threshold-of-two", BINARY, "Is a threshold of 2 taken?", binary([1, 1], [1.5, 2.5]),
          {REFUSES: [], "yes": [0.0, 1.0], "no: the sigmoid of scores never exceeds it": [0.0, 0.0]},
          {"threshold": 2.0}, together=True),
    Probe("binary-scores-outside-0-and-1", BINARY, "Are scores taken as they are where one is not in [0, 1]?",
          binary([1, 1], [-0.5, 0.25]), OUTSIDE, {"threshold": 0.3125}, together=True),
    Probe("multilabel-scores-outside-0-and-1", MULTILABEL, "Are scores of labels taken as they are outside [0, 1]?",
          {"y_true": [[1.0, 1.0]] * 2, "y_score": [[-0.5, -0.5], [0.25, 0.25]]},
          OUTSIDE, {"threshold": 0.3125}, together=True),
    Probe("nan-as-a-binary-score", BINARY, "As what does a score of NaN count?", binary([0, 1], [NAN, NAN]), NAN_SCORE),
    Probe("nan-beside-a-binary-score", BINARY, "Does a score of NaN change what a score beside it counts as?",
          binary([0, 0, 0], [NAN, 0.25, 0.25]), {"no, and the NaN is a negative": [1.0, 1.0, 1.0],
           "no, and the NaN is a mistake": [0.0, 1.0, 1.0], "yes: the sigmoid of all is taken": [1.0, 0.0, 0.0],
           "the accuracy is NaN": [NAN] * 3, REFUSES: []}, together=True),
    Probe("nan-as-a-label-score", MULTILABEL, "As what does a label's score of NaN count?",
          {"y_true": [[0.0, 0.0], [1.0, 1.0]], "y_score": [[NAN, NAN]] * 2}, NAN_SCORE),
    Probe("tied-largest-scores", ARGMAX, "Which of two equal largest scores is the prediction?",
          of_classes([0, 1], [0.5, 0.5, 0.25]),
          {"the first": [1.0, 0.0], "the last": [0.0, 1.0], "both": [1.0, 1.0], "neither": [0.0, 0.0]}),
    Probe("all-scores-equal", ARGMAX, "Which class is the prediction where all scores are equal?",
          of_classes([0, 1, 2], [0.5, 0.5, 0.5]),
          {"the first": [1.0, 0.0, 0.0], "the last": [0.0, 0.0, 1.0], "all": [1.0] * 3, "none": [0.0] * 3}),
    Probe("zeros-of-either-sign", ARGMAX, "Is 0 a larger score than -0?",
          {"labels": [0, 1, 0, 1], "y_true": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]] * 2,
           "y_score": [[-0.0, 0.0, -1.0]] * 2 + [[0.0, -0.0, -1.0]] * 2},
          {"no, they tie and the first wins": [1.0, 0.0, 1.0, 0.0],
           "no, they tie and the last wins": [0.0, 1.0, 0.0, 1.0], "yes": [0.0, 1.0, 1.0, 0.0],
           "they tie and both win": [1.0] * 4}),
    Probe("nan-among-scores", ARGMAX, "What does a NaN among the scores do to the prediction?",
          of_classes([1, 2], [0.0, NAN, 1.0]),
          {"the NaN is the prediction": [1.0, 0.0], "it is passed over": [0.0, 1.0], "nothing is right": [0.0, 0.0],
           "everything is right": [1.0, 1.0], REFUSES: []}),
    Probe("all-scores-nan", ARGMAX, "Which class is the prediction where all scores are NaN?",
          of_classes([0, 1, 2], [NAN] * 3), {"the first": [1.0, 0.0, 0.0], "the last": [0.0, 0.0, 1.0],
           "none": [0.0] * 3, "all": [1.0] * 3, REFUSES: []}),
    Probe("two-infinite-scores", ARGMAX, "Which of two scores of +inf is the prediction?",
          of_classes([0, 1, 2], [0.5, INF, INF]), {"the first": [0.0, 1.0, 0.0], "the last": [0.0, 0.0, 1.0],
           "both": [0.0, 1.0, 1.0], "neither": [0.0] * 3, "another class": [1.0, 0.0, 0.0], REFUSES: []}),
    Probe("row-of-no-class", ("categorical_accuracy",), "What is right where a one-hot row is all zeros?",
          {"y_true": [[0.0] * 3] * 3, "y_score": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]},
          {"the first class": [1.0, 0.0, 0.0], "the last class": [0.0, 0.0, 1.0], "no class": [0.0] * 3,
           "any class": [1.0] * 3, REFUSES: []}),
    Probe("row-of-two-classes", ("categorical_accuracy",), "What is right where a row has two true classes?",
          {"y_true": [[0.0, 1.0, 1.0]] * 2, "y_score": [[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]},
          {"the first of them": [1.0, 0.0], "the last of them": [0.0, 1.0], "either": [1.0, 1.0], "none": [0.0, 0.0],
           REFUSES: []}),
    Probe("neighbouring-scores-of-many-classes", (*ARGMAX, *TOP_K),
          "Is the largest of 64 scores, each the format's neighbour of another, the prediction?",
          {"labels": [63], "y_true": [[0.0] * 63 + [1.0]], "y_score": _close},
          {"yes": [1.0], "no": [0.0]}, right=("yes",)),
    Probe("label-beyond-the-scores-dtype", BY_LABEL,
          "Is a label that the scores' dtype does not hold taken for its neighbour, which is the prediction?",
          {"labels": lambda fmt: [above_exact(fmt)], "y_score": _peak}, {"no": [0.0], "yes": [1.0]}, right=("no",),
          dtypes=NARROW),
    *(
        Probe(name, BY_LABEL, f"What does {words} do to an accuracy, beside two others of which one is right?",
              {"labels": [0, 2, label], "y_score": [[0.125, 0.25, 0.5]] * 2 + [row]},
              {"it is a mistake": [0.0, 1.0, 0.0], f"as the {taken} class it is right": [0.0, 1.0, 1.0],
               "its row is left out": [0.5], "the accuracy is NaN": [NAN], REFUSES: []}, together=True, otherwise=OTHER)
        for name, label, words, row, taken in (
            ("label-too-large-in-an-accuracy", 3, "a label equal to the number of classes", [0.5, 0.25, 0.125],
             "first"),
            ("label-minus-one-in-an-accuracy", -1, "the label -1", [0.125, 0.25, 0.5], "last"),
            ("label-minus-hundred-in-an-accuracy", -100, "the label -100", [0.125, 0.25, 0.5], "last"),
        )
    ),
    Probe("label-one-point-nine-in-an-accuracy", BY_LABEL, "Which class is the label 1.9, of a floating-point dtype?",
          {"labels": [1.9, 1.9], "y_score": [[0.25, 0.5, 0.125, 0.0], [0.0, 0.125, 0.5, 0.25]]},
          {"class 1": [1.0, 0.0], "class 2": [0.0, 1.0], "none": [0.0, 0.0], REFUSES: []}, cast={"labels": "float32"}),
    Probe("tied-at-the-kth-place", TOP_K, "Of three equal largest scores, which are among the top two?",
          {"labels": [0, 1, 2], "y_score": [[0.5, 0.5, 0.5, 0.25]] * 3},
          {"the first two": [1.0, 1.0, 0.0], "the last two": [0.0, 1.0, 1.0], "all": [1.0, 1.0, 1.0],
           "none": [0.0, 0.0, 0.0], "the first and the last": [1.0, 0.0, 1.0]}, {"k": 2}),
    Probe("constant-scores-in-top-k", TOP_K, "Of six equal scores, which are among the top three?",
          {"labels": [0, 1, 2, 3, 4, 5], "y_score": [[0.5] * 6] * 6},
          {"the first three": [1.0] * 3 + [0.0] * 3, "the last three": [0.0] * 3 + [1.0] * 3, "all": [1.0] * 6,
           "none": [0.0] * 6}, {"k": 3}, otherwise="three, neither the first nor the last"),
    Probe("k-above-classes", TOP_K, "What does a k larger than the number of classes do?",
          {"labels": [0, 2], "y_score": [[0.5, 0.25, 0.125]] * 2},
          {"every row is right": [1.0, 1.0], REFUSES: [], "every row is wrong": [0.0, 0.0]}, {"k": 4}),
    Probe("k-equal-to-classes", TOP_K, "What does a k equal to the number of classes do?",
          {"labels": [0, 2], "y_score": [[0.5, 0.25, 0.125]] * 2},
          {"every row is right": [1.0, 1.0], REFUSES: [], "every row is wrong": [0.0, 0.0]}, {"k": 3}),
    *(
        Probe(name, TOP_K, f"What does k = {k} do?", {"labels": [0, 2], "y_score": [[0.5, 0.25, 0.125]] * 2},
              {"every row is wrong": [0.0, 0.0], "every row is right": [1.0, 1.0], "as k = 1": [1.0, 0.0],
               "three numbers for each row": Shape((2, 3)), REFUSES: []}, {"k": k}, otherwise=OTHER)
        for name, k in (("k-of-zero", 0), ("k-of-minus-one", -1))
    ),
    Probe("default-k", TOP_K, "How many of the largest scores count if k is not given?",
          {"labels": [0, 1, 2, 3, 4, 5, 6], "y_score": [[0.75, 0.625, 0.5, 0.375, 0.25, 0.125, 0.0]] * 7},
          {str(k): [1.0] * k + [0.0] * (7 - k) for k in (1, 2, 3, 5)}, left_out=("k",)),
    Probe("nan-in-top-k", TOP_K, "Is a score of NaN among the top two of four?",
          {"labels": [0, 1, 2, 3], "y_score": [[NAN, 0.5, 0.25, 0.125]] * 4},
          {"yes": [1.0, 1.0, 0.0, 0.0], "no": [0.0, 1.0, 1.0, 0.0], "no, but it takes its place": [0.0, 1.0, 0.0, 0.0],
           "no class is": [0.0] * 4, "every class is": [1.0] * 4, "every other class is": [0.0, 1.0, 1.0, 1.0],
           REFUSES: []}, {"k": 2}, otherwise=OTHER),
    Probe("infinity-in-top-k", TOP_K, "Is a score of +inf among the top two of four?",
          {"labels": [0, 1, 2, 3], "y_score": [[INF, 0.5, 0.25, 0.125]] * 4},
          {"yes": [1.0, 1.0, 0.0, 0.0], "no": [0.0, 1.0, 1.0, 0.0], "no, but it takes its place": [0.0, 1.0, 0.0, 0.0],
           "no class is": [0.0] * 4, REFUSES: []}, {"k": 2}, right=("yes", REFUSES), otherwise=OTHER),
    Probe("minus-infinity-in-top-k", TOP_K, "Which are the top two of one score and three of -inf?",
          {"labels": [0, 1, 2, 3], "y_score": [[-INF, 0.5, -INF, -INF]] * 4},
          {"the score and the first of the others": [1.0, 1.0, 0.0, 0.0],
           "the score and the last": [0.0, 1.0, 0.0, 1.0], "the score and one in the middle": [0.0, 1.0, 1.0, 0.0],
           "the score alone": [0.0, 1.0, 0.0, 0.0], "all": [1.0] * 4, "none": [0.0] * 4, REFUSES: []}, {"k": 2},
          right=("the score and the first of the others", "the score and the last", "the score and one in the middle",
                 "the score alone", "all", REFUSES), otherwise=OTHER),
)  # fmt: skip

# What is averaged, and what there is of nothing

NOTHING: dict[str, Values] = {"zero": [0.0], "one": [1.0], "a half": [0.5], "NaN": [NAN], REFUSES: []}

THREE_SCORES = {0: [0.5, 0.25, 0.125], 1: [0.25, 0.5, 0.125], 2: [0.125, 0.25, 0.5]}


def _predicted(truth: list[int], predictions: list[int]) -> Inputs:
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
    inputs = _predicted(truth, predictions) | ({} if weights is None else {"sample_weight": list(weights)})
    return tuple(
        Probe(f"{name}-in-{op.replace('_', '-')}", (op,), question, inputs, {**values, "NaN": [NAN], REFUSES: []},
              otherwise=OTHER)
        for op, values in answers.items()
    )  # fmt: skip


OUT, ZERO, ONE = "it is left out", "it counts as 0", "it counts as 1"
SKEWED = ([0, 0, 0, 0, 1], [0, 0, 1, 1, 1])

AVERAGES = (
    _average("accuracy-default-average", ("sparse_categorical_accuracy", "accuracy"), [0, 0, 0, 1], [0, 0, 0, 0],
             samples=[0.75], classes=[0.5], classes_with_the_one_that_is_absent=[1 / 3]),
    _average("precision-default-average", ("macro_precision",), *SKEWED, the_positive_class_alone=[1 / 3],
             classes=[2 / 3], samples=[0.6]),
    _average("recall-default-average", ("macro_recall",), *SKEWED, the_positive_class_alone=[1.0], classes=[0.75],
             samples=[0.6]),
    _average("f1-default-average", ("macro_f1_score",), *SKEWED, the_positive_class_alone=[0.5], classes=[7 / 12],
             samples=[0.6], nothing=[2 / 3, 0.5]),
    *_classes("class-absent-from-the-truth", "What becomes of a class that is predicted and never true?", [0, 0, 2],
              [0, 1, 2], {"balanced_accuracy": {OUT: [0.75], ZERO: [0.5]}, "macro_recall": {OUT: [0.75], ZERO: [0.5]},
               "macro_precision": {OUT: [1.0], ZERO: [2 / 3]}, "macro_f1_score": {OUT: [5 / 6], ZERO: [5 / 9]}}),
    *_classes("class-absent-from-the-predictions", "What becomes of a class that is true and never predicted?",
              [0, 1, 2], [0, 0, 2],
              {"balanced_accuracy": {OUT: [1.0], ZERO: [2 / 3]}, "macro_recall": {OUT: [1.0], ZERO: [2 / 3]},
               "macro_precision": {OUT: [0.75], ZERO: [0.5], ONE: [2.5 / 3]},
               "macro_f1_score": {OUT: [5 / 6], ZERO: [5 / 9]}}),
    *_classes("class-absent-from-both", "What becomes of a class between others that is neither true nor predicted?",
              [0, 2, 2], [0, 2, 0], {"balanced_accuracy": {OUT: [0.75], ZERO: [0.5], ONE: [2.5 / 3]},
               "macro_recall": {OUT: [0.75], ZERO: [0.5], ONE: [2.5 / 3]},
               "macro_precision": {OUT: [0.75], ZERO: [0.5], ONE: [2.5 / 3]},
               "macro_f1_score": {OUT: [2 / 3], ZERO: [4 / 9], ONE: [7 / 9]}}),
    *_classes("class-of-zero-weight", "What becomes of a class whose samples all weigh nothing?", [0, 0, 1, 1],
              [0, 1, 1, 1], {"balanced_accuracy": {OUT: [0.5], ZERO: [0.25], "its weights are ignored": [0.75]},
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
          {"y_true": [0, 1, 0, 1], "y_score": [0.25, 0.75, NAN, 0.5]}, {"NaN": [NAN], "as the smallest score": [1.0],
           "as the largest score": [0.5], "as a tie": [0.75], REFUSES: []}, otherwise=OTHER),
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
