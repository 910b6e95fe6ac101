"""Binary cross-entropy: the ends of [0, 1] and beyond them."""

from __future__ import annotations

import math

from trueline.conformance.probe import CLIPPED_HIGH, CLIPPED_LOW, NAN, REFUSES, Probe

PROBES = (
    Probe(
        "zero-probability",
        ("binary_cross_entropy",),
        "What is the loss of probability 0 for a positive?",
        {"y_true": [1.0], "y_pred": [0.0]},
        CLIPPED_LOW,
    ),
    Probe(
        "certain-false-positive",
        ("binary_cross_entropy",),
        "What is the loss of probability 1 for a negative?",
        {"y_true": [0.0], "y_pred": [1.0]},
        CLIPPED_HIGH,
    ),
    Probe(
        "probability-above-one",
        ("binary_cross_entropy",),
        "What does a probability of 1.5 give?",
        {"y_true": [1.0], "y_pred": [1.5]},
        {
            REFUSES: [],
            "the logarithm is taken": [-math.log(1.5)],
            "NaN": [NAN],
            "clipped": lambda fmt: [-math.log(fmt.round(1 - 1e-7))],
            "clipped at 1 - epsilon": lambda fmt: [-math.log(1 - fmt.epsilon)],
        },
    ),
    Probe(
        "target-above-one",
        ("binary_cross_entropy",),
        "What does a target of 2 give?",
        {"y_true": [2.0], "y_pred": [0.25]},
        {
            REFUSES: [],
            "the formula is evaluated": [-(2 * math.log(0.25) - math.log(0.75))],
            "as the target 1": [-math.log(0.25)],
            "as the target 0": [-math.log(0.75)],
            "NaN": [NAN],
        },
    ),
    Probe(
        "mean-over-nothing",
        ("binary_cross_entropy_with_logits", "binary_cross_entropy"),
        "What is the mean loss of an empty batch?",
        {"y_true": [], "logits": [], "y_pred": []},
        {"NaN": [NAN], "zero": [0.0], "an empty array": [], REFUSES: []},
        {"reduction": "mean"},
    ),
)
