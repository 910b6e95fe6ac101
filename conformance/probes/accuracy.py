"""Accuracies: thresholds, ties, NaN and the k-th place."""

from __future__ import annotations

from trueline.conformance.probe import NAN, REFUSES, Probe

ARGMAX = ("sparse_categorical_accuracy",)

PROBES = (
    Probe(
        "score-at-threshold",
        ("binary_accuracy",),
        "Does a score equal to the threshold count as positive?",
        {"y_true": [1], "y_score": [0.5]},
        {"yes (>=)": [1.0], "no (>)": [0.0]},
        {"threshold": 0.5},
    ),
    Probe(
        "tied-largest-scores",
        ARGMAX,
        "Which of two equal largest scores is the prediction?",
        {"labels": [0, 1], "y_score": [[0.5, 0.5, 0.25]] * 2},
        {"the first": [1.0, 0.0], "the last": [0.0, 1.0], "both": [1.0, 1.0], "neither": [0.0, 0.0]},
    ),
    Probe(
        "zeros-of-either-sign",
        ARGMAX,
        "Is 0 a larger score than -0?",
        {"labels": [0, 1], "y_score": [[-0.0, 0.0, -1.0]] * 2},
        {"no, they tie and the first wins": [1.0, 0.0], "yes": [0.0, 1.0], "they tie and both win": [1.0, 1.0]},
    ),
    Probe(
        "nan-among-scores",
        ARGMAX,
        "What does a NaN among the scores do to the prediction?",
        {"labels": [1, 2], "y_score": [[0.0, NAN, 1.0]] * 2},
        {
            "the NaN is the prediction": [1.0, 0.0],
            "it is passed over": [0.0, 1.0],
            "nothing is right": [0.0, 0.0],
            "everything is right": [1.0, 1.0],
            REFUSES: [],
        },
    ),
    Probe(
        "tied-at-the-kth-place",
        ("top_k_accuracy",),
        "Of three equal largest scores, which are among the top two?",
        {"labels": [0, 1, 2], "y_score": [[0.5, 0.5, 0.5, 0.25]] * 3},
        {
            "the first two": [1.0, 1.0, 0.0],
            "the last two": [0.0, 1.0, 1.0],
            "all": [1.0, 1.0, 1.0],
            "none": [0.0, 0.0, 0.0],
        },
        {"k": 2},
    ),
    Probe(
        "k-above-classes",
        ("top_k_accuracy",),
        "What does a k larger than the number of classes do?",
        {"labels": [0, 2], "y_score": [[0.5, 0.25, 0.125]] * 2},
        {"every row is right": [1.0, 1.0], REFUSES: [], "every row is wrong": [0.0, 0.0]},
        {"k": 4},
    ),
)
