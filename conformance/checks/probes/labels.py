"""Integer labels: out of range, of odd dtypes, ignored; and what class weights do to a mean."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gaugeblock.conformance.checks.probes.base import INF, NAN, REFUSES, Probe, Values
from gaugeblock.conformance.checks.probes.shared import LABELS, LABELS_LOGITS, MEAN, SILENT

THREE = [-1.0, 1.0, 2.0]
TOTAL = math.log(sum(math.exp(z) for z in THREE))
LOGS = [z - TOTAL for z in THREE]
SHARES = [math.exp(z) for z in LOGS]
LOSSES = [-z for z in LOGS]
"""Of each label beside the logits THREE, or their softmax, or its logarithm."""

SHARES_OF_300 = [1 / 512] * 255 + [213 / 512] + [1 / 512] * 44
LOGS_OF_300 = [math.log(p) for p in SHARES_OF_300]

SPARSE = (LABELS_LOGITS,)
NLL = (LABELS_LOGITS, LABELS, "negative_log_likelihood")
MARGINS = (
    "multiclass_hinge",
    "multi_margin",
    "one_vs_all_hinge",
    "multiclass_perceptron",
    "sparsemax_loss",
    "generalised_cross_entropy",
)


def beside(labels: list[Any], **more: list[Any]) -> Mapping[str, list[Any]]:
    """Labels, each beside the same three classes, in whatever the operation takes them."""
    rows = {"logits": THREE, "y_pred": SHARES, "log_probabilities": LOGS, "scores": THREE}
    return {"labels": labels, **{name: [row] * len(labels) for name, row in rows.items()}, **more}


def _gradient(target: Sequence[float]) -> list[float]:
    return [p - t for p, t in zip(SHARES, target, strict=True)]


OUT_OF_RANGE: dict[str, Values] = {
    REFUSES: [],
    "NaN": [NAN],
    "zero": [0.0],
    "infinite": [INF],
    "as the last class": LOSSES[2:],
    "as the middle class": LOSSES[1:2],
    "as the first class": LOSSES[:1],
    "the log-sum-exp alone": [TOTAL],
}
OUT_OF_RANGE_GRADIENT: dict[str, Values] = {
    REFUSES: [],
    "NaN everywhere": [NAN] * 3,
    "zero": [0.0] * 3,
    "as the last class": _gradient([0, 0, 1]),
    "as the middle class": _gradient([0, 1, 0]),
    "as the first class": _gradient([1, 0, 0]),
    "the softmax: no class is the true one": SHARES,
}
MARGIN_OUT_OF_RANGE: dict[str, Values] = {REFUSES: [], "NaN": [NAN], "zero": [0.0], "infinite": [INF]}
NAMES = {3: "label-too-large", -1: "label-minus-one", -100: "label-minus-hundred"}
WORDS = {
    3: "a label equal to the number of classes give",
    -1: "the label -1 give",
    -100: "the label -100 give where none is to be ignored",
}


PROBES = (
    *(Probe(name, NLL, f"What does {WORDS[label]}?", beside([label]), OUT_OF_RANGE, otherwise=SILENT)
      for label, name in NAMES.items()),
    *(Probe(f"{name}-gradient", SPARSE, f"What gradient does {WORDS[label]}?", beside([label]), OUT_OF_RANGE_GRADIENT,
            gradient="logits", otherwise="silent: another gradient comes back")
      for label, name in NAMES.items()),
    *(Probe(f"{name}-in-a-margin-loss", MARGINS, f"What does {WORDS[label]}?", beside([label]), MARGIN_OUT_OF_RANGE,
            otherwise=SILENT)
      for label, name in NAMES.items()),
    *(Probe(f"{name}-in-a-mean", NLL, f"What does {WORDS[label]}, beside a label that names a class, in their mean?",
            beside([1, label]), {REFUSES: [], "the mean is NaN": [NAN], "the mean is infinite": [INF],
             "the row is left out": LOSSES[1:2], "the row counts as a loss of zero": [LOSSES[1] / 2],
             "as the last class": [(LOSSES[1] + LOSSES[2]) / 2], "as the first class": [(LOSSES[1] + LOSSES[0]) / 2],
             "the log-sum-exp alone": [(LOSSES[1] + TOTAL) / 2]}, MEAN, otherwise=SILENT)
      for label, name in NAMES.items() if label != -1),
    Probe("label-just-below-the-range", NLL,
          "What does the label -4, which no negative index of three classes is, give?",
          beside([-4]), OUT_OF_RANGE, otherwise=SILENT),
    Probe("every-label-ignored", NLL, "What is the mean loss where every label is ignored?", beside([1, 1]),
          {"NaN": [NAN], "zero": [0.0], REFUSES: []}, {"reduction": "mean", "ignore_index": 1}),
    Probe("every-label-ignored-gradient", SPARSE, "What is the gradient of the mean where every label is ignored?",
          beside([1, 1]), {"zero": [0.0] * 6, "NaN": [NAN] * 6, REFUSES: []},
          {"reduction": "mean", "ignore_index": 1}, gradient="logits"),
    Probe("ignored-row-in-the-mean", NLL, "Does an ignored row count where the mean is divided by the number of rows?",
          beside([0, 1]), {"no": LOSSES[:1], "yes": [LOSSES[0] / 2], REFUSES: []},
          {"reduction": "mean", "ignore_index": 1}, right=("no",)),
    *(
        Probe(name, NLL, f"Does an ignored row that holds {what} spoil the mean of the others?",
              beside([0, 1], **{key: [row, [value] * 3] for key, row in (
                  ("logits", THREE), ("y_pred", SHARES), ("log_probabilities", LOGS))}),
              {"no": LOSSES[:1], "no, but the row is counted": [LOSSES[0] / 2], "yes: NaN": [NAN], REFUSES: []},
              {"reduction": "mean", "ignore_index": 1}, right=("no",))
        for name, what, value in (("ignored-nan-in-a-mean", "NaN", NAN), ("ignored-inf-in-a-mean", "infinities", INF))
    ),
    *(
        Probe(name, SPARSE, f"What is the gradient of an ignored row that holds {what}?",
              beside([0, 1], logits=[THREE, row]), {"zero": [*_gradient([1, 0, 0]), 0.0, 0.0, 0.0],
               "NaN in that row": [*_gradient([1, 0, 0]), NAN, NAN, NAN],
               "NaN where the infinity is": [*_gradient([1, 0, 0]), 0.0, NAN, 0.0], "NaN everywhere": [NAN] * 6,
               REFUSES: []}, {"ignore_index": 1}, right=("zero",), gradient="logits")
        for name, what, row in (
            ("ignored-nan-row-gradient", "NaN", [NAN] * 3), ("ignored-inf-row-gradient", "one +inf", [0.0, INF, 1.0]),
        )
    ),
    Probe("label-one-point-nine", NLL, "Which class is the label 1.9, of a floating-point dtype?", beside([1.9]),
          {REFUSES: [], "class 1": LOSSES[1:2], "class 2": LOSSES[2:], "NaN": [NAN],
           "between them: the target that the fraction says": [0.1 * LOSSES[1] + 0.9 * LOSSES[2]]},
          cast={"labels": "float32"}, otherwise=SILENT),
    Probe("label-nan", NLL, "Which class is the label NaN?", beside([NAN]), OUT_OF_RANGE,
          cast={"labels": "float32"}, otherwise=SILENT),
    Probe("boolean-labels", NLL, "Are False and True the classes 0 and 1?", beside([False, True]),
          {REFUSES: [], "yes": LOSSES[:2]}, cast={"labels": "bool"}, otherwise="no: another number comes back"),
    Probe("label-255-as-int8", NLL, "Which class is the label -1 that the 255 of 300 classes has become in int8?",
          {"labels": [-1], "logits": [LOGS_OF_300], "y_pred": [SHARES_OF_300], "log_probabilities": [LOGS_OF_300]},
          {REFUSES: [], "NaN": [NAN], "zero": [0.0], "infinite": [INF], "class 255": [-LOGS_OF_300[255]],
           "class 299": [-LOGS_OF_300[299]]}, cast={"labels": "int8"}, otherwise=SILENT),
    Probe("class-weights-all-zero", NLL, "What is the mean where every label's class weighs nothing?", beside([0, 0]),
          {"NaN": [NAN], "zero": [0.0], REFUSES: []}, {"reduction": "mean", "class_weight": (0.0, 1.0, 1.0)}),
    Probe("class-weights-that-cancel", NLL, "What is the mean where the weights of the labels' classes add up to 0?",
          beside([0, 1]), {"infinite": [INF], "NaN": [NAN], "zero": [0.0], REFUSES: []},
          {"reduction": "mean", "class_weight": (1.0, -1.0, 1.0)}, otherwise=SILENT),
    Probe("negative-class-weight", NLL, "What does the mean with a negative class weight divide by?", beside([0, 1]),
          {"the sum of the weights": [2 * LOSSES[1] - LOSSES[0]], "the rows": [LOSSES[1] - LOSSES[0] / 2],
           "the sum of their sizes": [(2 * LOSSES[1] - LOSSES[0]) / 3], REFUSES: []},
          {"reduction": "mean", "class_weight": (-1.0, 2.0, 1.0)}),
    Probe("ignored-class-has-weight", NLL, "Does the weight of the ignored class count in the mean?", beside([0, 1]),
          {"no": LOSSES[:1], "yes": [LOSSES[0] / 17], REFUSES: []},
          {"reduction": "mean", "ignore_index": 1, "class_weight": (1.0, 16.0, 1.0)}, right=("no",)),
    Probe("ignored-class-has-weight-gradient", SPARSE, "Does the weight of the ignored class count in the gradient?",
          beside([0, 1]), {"no": [*_gradient([1, 0, 0]), 0.0, 0.0, 0.0],
           "yes": [*(g / 17 for g in _gradient([1, 0, 0])), 0.0, 0.0, 0.0]},
          {"reduction": "mean", "ignore_index": 1, "class_weight": (1.0, 16.0, 1.0)}, right=("no",), gradient="logits"),
    Probe("sample-weights-all-zero-in-a-loss", (*NLL, "multiclass_hinge", "generalised_cross_entropy"),
          "What is the mean loss where every sample weighs nothing?", {**beside([0, 1]), "sample_weight": [0.0, 0.0]},
          {"NaN": [NAN], "zero": [0.0], REFUSES: []}, MEAN),
    Probe("negative-sample-weight-in-a-loss", NLL, "What does the mean with a negative sample weight divide by?",
          {**beside([0, 1]), "sample_weight": [-1.0, 2.0]},
          {"the sum of the weights": [2 * LOSSES[1] - LOSSES[0]], "the rows": [LOSSES[1] - LOSSES[0] / 2],
           "the sum of their sizes": [(2 * LOSSES[1] - LOSSES[0]) / 3], REFUSES: []}, MEAN),
    Probe("zero-weight-beside-a-nan", NLL, "Does a row of NaN that weighs nothing spoil the mean?",
          {**beside([0, 1], **{key: [row, [NAN] * 3] for key, row in (
              ("logits", THREE), ("y_pred", SHARES), ("log_probabilities", LOGS))}), "sample_weight": [1.0, 0.0]},
          {"no: divided by the sum of the weights": LOSSES[:1], "no: divided by the rows": [LOSSES[0] / 2],
           "yes: NaN": [NAN], REFUSES: []}, MEAN),
    *(Probe(name, NLL, "What is a weighted mean with an ignored row divided by?",
            {**beside([0, 1, 0]), "sample_weight": [2.0, 16.0, 4.0]}, {"the rows that are left": [3 * LOSSES[0]],
             "all rows": [2 * LOSSES[0]], "the weights that are left": LOSSES[:1], "all weights": [LOSSES[0] * 3 / 11],
             REFUSES: []}, {"reduction": "mean", "ignore_index": 1},
            reworded={f"(labels, {scores})": f"(labels, {scores}, sample_weight=sample_weight)"})
      for name, scores in (
          ("ignored-class-and-sample-weights", "logits"), ("ignored-class-and-sample-weights-of-p", "y_pred"))),
    Probe("default-reduction-of-labels", NLL, "What becomes of the losses of two rows if no reduction is asked for?",
          beside([0, 1]),
          {"their mean": [(LOSSES[0] + LOSSES[1]) / 2], "their sum": [LOSSES[0] + LOSSES[1]], "nothing": LOSSES[:2]},
          left_out=("reduction",)),
)  # fmt: skip
