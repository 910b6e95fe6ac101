"""Accuracies: thresholds, ties, NaN, the k-th place, and labels beside scores."""

from __future__ import annotations

import numpy as np
from gaugeblock.conformance.checks.probes.base import INF, NAN, REFUSES, Probe, Shape, Values
from gaugeblock.reference.formats import Format

BINARY = ("binary_accuracy",)
ARGMAX = ("sparse_categorical_accuracy", "categorical_accuracy")
SPARSE = ("sparse_categorical_accuracy",)
TOP_K = ("top_k_accuracy",)
BY_LABEL = (*SPARSE, *TOP_K)
MULTILABEL = ("multilabel_accuracy", "subset_accuracy")
OTHER = "silent: another number comes back"

Given = dict[str, list[object]]


def of_classes(labels: list[int], row: list[float]) -> Given:
    """The same scores for each label, which stands by itself and as a one-hot row."""
    one_hot = [[float(label == column) for column in range(len(row))] for label in labels]
    return {"labels": list(labels), "y_true": list(one_hot), "y_score": [row] * len(labels)}


def binary(truth: list[int], scores: list[float]) -> Given:
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

PROBES = (
    Probe(
        "score-at-threshold",
        BINARY,
        "Does a score equal to the threshold count as positive?",
        {"y_true": [1], "y_score": [0.5]},
        {"yes (>=)": [1.0], "no (>)": [0.0]},
        {"threshold": 0.5},
    ),
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
          {"threshold": 2.0},
          together=True),
    Probe("binary-scores-outside-0-and-1", BINARY, "Are scores taken as they are where one is not in [0, 1]?",
          binary([1, 1], [-0.5, 0.25]),
          {"yes": [0.0, 0.0], "no: the sigmoid of all is": [1.0, 1.0], "no: the sigmoid of that one is": [1.0, 0.0],
           REFUSES: []}, {"threshold": 0.3125}, together=True),
    Probe("multilabel-scores-outside-0-and-1", MULTILABEL, "Are scores of labels taken as they are outside [0, 1]?",
          {"y_true": [[1.0, 1.0]] * 2, "y_score": [[-0.5, -0.5], [0.25, 0.25]]},
          {"yes": [0.0, 0.0], "no: the sigmoid of all is": [1.0, 1.0], "no: the sigmoid of that one is": [1.0, 0.0],
           REFUSES: []}, {"threshold": 0.3125}, together=True),
    Probe("nan-as-a-binary-score", BINARY, "As what does a score of NaN count?", binary([0, 1], [NAN, NAN]), NAN_SCORE),
    Probe("nan-beside-a-binary-score", BINARY, "Does a score of NaN change what a score beside it counts as?",
          binary([0, 0, 0], [NAN, 0.25, 0.25]),
          {"no, and the NaN is a negative": [1.0, 1.0, 1.0], "no, and the NaN is a mistake": [0.0, 1.0, 1.0],
           "yes: the sigmoid of all is taken": [1.0, 0.0, 0.0], "the accuracy is NaN": [NAN] * 3, REFUSES: []},
          together=True),
    Probe("nan-as-a-label-score", MULTILABEL, "As what does a label's score of NaN count?",
          {"y_true": [[0.0, 0.0], [1.0, 1.0]], "y_score": [[NAN, NAN]] * 2}, NAN_SCORE),
    Probe(
        "tied-largest-scores",
        ARGMAX,
        "Which of two equal largest scores is the prediction?",
        of_classes([0, 1], [0.5, 0.5, 0.25]),
        {"the first": [1.0, 0.0], "the last": [0.0, 1.0], "both": [1.0, 1.0], "neither": [0.0, 0.0]},
    ),
    Probe("all-scores-equal", ARGMAX, "Which class is the prediction where all scores are equal?",
          of_classes([0, 1, 2], [0.5, 0.5, 0.5]),
          {"the first": [1.0, 0.0, 0.0], "the last": [0.0, 0.0, 1.0], "all": [1.0] * 3, "none": [0.0] * 3}),
    Probe(
        "zeros-of-either-sign",
        ARGMAX,
        "Is 0 a larger score than -0?",
        {
            "labels": [0, 1, 0, 1],
            "y_true": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]] * 2,
            "y_score": [[-0.0, 0.0, -1.0]] * 2 + [[0.0, -0.0, -1.0]] * 2,
        },
        {
            "no, they tie and the first wins": [1.0, 0.0, 1.0, 0.0],
            "no, they tie and the last wins": [0.0, 1.0, 0.0, 1.0],
            "yes": [0.0, 1.0, 1.0, 0.0],
            "they tie and both win": [1.0] * 4,
        },
    ),
    Probe(
        "nan-among-scores",
        ARGMAX,
        "What does a NaN among the scores do to the prediction?",
        of_classes([1, 2], [0.0, NAN, 1.0]),
        {
            "the NaN is the prediction": [1.0, 0.0],
            "it is passed over": [0.0, 1.0],
            "nothing is right": [0.0, 0.0],
            "everything is right": [1.0, 1.0],
            REFUSES: [],
        },
    ),
    Probe("all-scores-nan", ARGMAX, "Which class is the prediction where all scores are NaN?",
          of_classes([0, 1, 2], [NAN] * 3),
          {"the first": [1.0, 0.0, 0.0], "the last": [0.0, 0.0, 1.0], "none": [0.0] * 3, "all": [1.0] * 3,
           REFUSES: []}),
    Probe("two-infinite-scores", ARGMAX, "Which of two scores of +inf is the prediction?",
          of_classes([0, 1, 2], [0.5, INF, INF]),
          {"the first": [0.0, 1.0, 0.0], "the last": [0.0, 0.0, 1.0], "both": [0.0, 1.0, 1.0], "neither": [0.0] * 3,
           "another class": [1.0, 0.0, 0.0], REFUSES: []}),
    Probe("row-of-no-class", ("categorical_accuracy",), "What is right where a one-hot row is all zeros?",
          {"y_true": [[0.0] * 3] * 3, "y_score": [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]},
          {"the first class": [1.0, 0.0, 0.0], "the last class": [0.0, 0.0, 1.0], "no class": [0.0] * 3,
           "any class": [1.0] * 3,
           REFUSES: []}),
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
          {"labels": lambda fmt: [above_exact(fmt)], "y_score": _peak}, {"no": [0.0], "yes": [1.0]}, {},
          right=("no",), dtypes=("float16", "bfloat16")),
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
          {"class 1": [1.0, 0.0], "class 2": [0.0, 1.0], "none": [0.0, 0.0], REFUSES: []},
          given_as={"labels": "float32"}),
    Probe(
        "tied-at-the-kth-place",
        TOP_K,
        "Of three equal largest scores, which are among the top two?",
        {"labels": [0, 1, 2], "y_score": [[0.5, 0.5, 0.5, 0.25]] * 3},
        {
            "the first two": [1.0, 1.0, 0.0],
            "the last two": [0.0, 1.0, 1.0],
            "all": [1.0, 1.0, 1.0],
            "none": [0.0, 0.0, 0.0],
            "the first and the last": [1.0, 0.0, 1.0],
        },
        {"k": 2},
    ),
    Probe("constant-scores-in-top-k", TOP_K, "Of six equal scores, which are among the top three?",
          {"labels": [0, 1, 2, 3, 4, 5], "y_score": [[0.5] * 6] * 6},
          {"the first three": [1.0] * 3 + [0.0] * 3, "the last three": [0.0] * 3 + [1.0] * 3, "all": [1.0] * 6,
           "none": [0.0] * 6}, {"k": 3}, otherwise="three, neither the first nor the last"),
    Probe(
        "k-above-classes",
        TOP_K,
        "What does a k larger than the number of classes do?",
        {"labels": [0, 2], "y_score": [[0.5, 0.25, 0.125]] * 2},
        {"every row is right": [1.0, 1.0], REFUSES: [], "every row is wrong": [0.0, 0.0]},
        {"k": 4},
    ),
    Probe("k-equal-to-classes", TOP_K, "What does a k equal to the number of classes do?",
          {"labels": [0, 2], "y_score": [[0.5, 0.25, 0.125]] * 2},
          {"every row is right": [1.0, 1.0], REFUSES: [], "every row is wrong": [0.0, 0.0]}, {"k": 3}),
    *(
        Probe(name, TOP_K, f"What does k = {k} do?", {"labels": [0, 2], "y_score": [[0.5, 0.25, 0.125]] * 2},
              {"every row is wrong": [0.0, 0.0], "every row is right": [1.0, 1.0], "as k = 1": [1.0, 0.0],
               "three numbers for each row": Shape((2, 3)), REFUSES: []},
              {"k": k}, otherwise=OTHER)
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
           "the score and the last": [0.0, 1.0, 0.0, 1.0],
           "the score and one in the middle": [0.0, 1.0, 1.0, 0.0], "the score alone": [0.0, 1.0, 0.0, 0.0],
           "all": [1.0] * 4, "none": [0.0] * 4, REFUSES: []}, {"k": 2},
          right=("the score and the first of the others", "the score and the last", "the score and one in the middle",
                 "the score alone", "all", REFUSES), otherwise=OTHER),
)  # fmt: skip
