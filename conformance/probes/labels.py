"""Integer labels that name no class."""

from __future__ import annotations

import math

from trueline.conformance.probe import INF, NAN, REFUSES, Probe, Values


def _cross_entropy(logits: list[float], label: int) -> list[float]:
    return [math.log(sum(math.exp(z) for z in logits)) - logits[label]]


THREE = [0.0, 1.0, 2.0]
OUT_OF_RANGE: dict[str, Values] = {
    REFUSES: [],
    "NaN": [NAN],
    "zero": [0.0],
    "infinite": [INF],
    "as the last class": _cross_entropy(THREE, 2),
    "as the first class": _cross_entropy(THREE, 0),
    "the log-sum-exp alone": [math.log(sum(math.exp(z) for z in THREE))],
}
SPARSE = ("sparse_categorical_cross_entropy_with_logits",)

PROBES = (
    Probe("label-too-large", SPARSE, "What does a label equal to the number of classes give?",
          {"labels": [3], "logits": [THREE]}, OUT_OF_RANGE),
    Probe("label-minus-one", SPARSE, "What does the label -1 give?", {"labels": [-1], "logits": [THREE]}, OUT_OF_RANGE),
    Probe("label-minus-hundred", SPARSE, "What does the label -100 give where none was told to be ignored?",
          {"labels": [-100], "logits": [THREE]}, OUT_OF_RANGE),
)  # fmt: skip
