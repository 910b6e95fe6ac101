"""State: what live metric objects say before, between and after batches."""

from __future__ import annotations

import math
from collections.abc import Mapping

from gaugeblock.conformance.cases.steps import Step
from gaugeblock.conformance.checks.probes.base import NAN, REFUSES, Contents, Probe, Values
from gaugeblock.conformance.checks.probes.shared import MEAN, OTHER

RESULT, RESET = Step("result"), Step("reset")
FIRST, SECOND = Step("update", (0, 1)), Step("update", (1, 2))

SAMPLES = ("accuracy", "binary_accuracy")
OF_CLASSES = ("sparse_categorical_accuracy", "top_k_accuracy")
SQUARES = ("brier_score",)
DIVERGENCES = ("kl_divergence",)
OF_NUMBERS = (*SQUARES, "binary_cross_entropy", "binary_cross_entropy_with_logits", "hinge", "squared_hinge")
OF_ROWS = ("categorical_cross_entropy", "categorical_cross_entropy_with_logits", *DIVERGENCES, "kl_divergence_of_logs")
OF_LABELS = ("sparse_categorical_cross_entropy", "sparse_categorical_cross_entropy_with_logits", "multiclass_hinge")

Inputs = Mapping[str, Contents]

# A hit, and then misses.
HITS: Inputs = {"y_true": [1, 1, 1], "y_pred": [1, 0, 0], "y_score": [0.75, 0.25, 0.25]}
HITS_OF_CLASSES: Inputs = {"labels": [0, 0, 0], "y_score": [[0.5, 0.25, 0.125]] + [[0.125, 0.25, 0.5]] * 2}
# Squares of 1/4 and 1.
NUMBERS: Inputs = {"y_true": [1.0, 1.0], "y_pred": [0.5, 0.0]}
TWO: tuple[float, float] = (0.25, 1.0)
# Divergences of ln 2 and ln 4.
ROWS: Inputs = {"y_true": [[1.0, 0.0]] * 2, "y_pred": [[0.5, 0.5], [0.25, 0.75]]}
LOGS: tuple[float, float] = (math.log(2), math.log(4))
ANY_NUMBERS: Inputs = {"y_true": [1.0], "y_pred": [0.5], "logits": [0.0], "score": [0.5], "y_score": [0.5]}
ANY_ROW: Inputs = {
    "labels": [0],
    "y_true": [[1.0, 0.0, 0.0]],
    **{name: [[0.5, 0.25, 0.25]] for name in ("y_pred", "y_score", "scores")},
    **{name: [[-LOGS[0], -LOGS[1], -LOGS[1]]] for name in ("logits", "log_targets", "log_probabilities")},
}
NOTHING: dict[str, Values] = {"zero": [0.0], "one": [1.0], "NaN": [NAN], REFUSES: []}


def _of_two(
    name: str, question: str, steps: tuple[Step, ...], answers: dict[str, tuple[str, ...]], right: tuple[str, ...]
) -> tuple[Probe, ...]:
    """A question to means of two losses; an answer names, for each result, which it is the mean of."""
    losses = (("squares", SQUARES, NUMBERS, TWO), ("divergences", DIVERGENCES, ROWS, LOGS))
    return tuple(
        Probe(f"{name}-of-{what}", operations, question, inputs,
              {label: [_value(each, two) for each in results] for label, results in answers.items()}, MEAN,
              right=right, steps=steps)
        for what, operations, inputs, two in losses
    )  # fmt: skip


def _value(result: str, two: tuple[float, float]) -> float:
    first, second = two
    return {"first": first, "second": second, "both": (first + second) / 2}[result]


PROBES = (
    *(Probe(name, operations, "Is the value of a call with a batch that of the batch, or of all that was seen?", inputs,
            {"of the batch": [*values, sum(values) / len(values)],
             "of all that was seen": [*(sum(values[:n]) / n for n in range(1, len(values) + 1)),
                                      sum(values) / len(values)],
             "of the batch, which replaces what was seen": [*values, values[-1]]},
            MEAN, steps=(*(Step("call", (row, row + 1)) for row in range(len(values))), RESULT))
      for name, operations, inputs, values in (
          ("value-of-an-update", SAMPLES, HITS, [1.0, 0.0, 0.0]),
          ("value-of-an-update-of-classes", OF_CLASSES, HITS_OF_CLASSES, [1.0, 0.0, 0.0]),
          ("value-of-an-update-of-squares", SQUARES, NUMBERS, list(TWO)),
          ("value-of-an-update-of-divergences", DIVERGENCES, ROWS, list(LOGS)),
      )),
    Probe("value-of-an-update-of-precision", ("precision",),
          "Is the value of a call with a batch that of the batch, or of all that was seen?",
          {"y_true": [1, 0], "y_pred": [1, 1]},
          {"of the batch": [1.0, 0.0, 0.5], "of all that was seen": [1.0, 0.5, 0.5]},
          steps=(Step("call", (0, 1)), Step("call", (1, 2)), RESULT)),
    *(Probe(name, operations, "What is the result before the first update?", inputs, NOTHING, MEAN, steps=(RESULT,))
      for name, operations, inputs in (
          ("loss-before-update", OF_NUMBERS, ANY_NUMBERS),
          ("loss-of-rows-before-update", OF_ROWS, ANY_ROW),
          ("loss-of-labels-before-update", OF_LABELS, ANY_ROW),
      )),
    Probe("calibration-before-update", ("expected_calibration_error",), "What is the result before the first update?",
          {"y_true": [1], "y_score": [0.5]}, NOTHING, steps=(RESULT,)),
    Probe("loss-of-unequal-batches", SQUARES, "Is the result of unequal batches the mean over their samples?",
          {"y_true": [1.0] * 4, "y_pred": [0.5, 1.0, 1.0, 1.0]},
          {"yes": [0.0625], "no: over the batches' means": [0.125], "no: that of the last batch": [0.0]}, MEAN,
          right=("yes",), steps=(FIRST, Step("update", (1, 4)), RESULT)),
    Probe("divergence-of-unequal-batches", DIVERGENCES, "Is the result of unequal batches the mean over their samples?",
          {"y_true": [[1.0, 0.0]] + [[0.5, 0.5]] * 3, "y_pred": [[0.5, 0.5]] * 4},
          {"yes": [LOGS[0] / 4], "no: over the batches' means": [LOGS[0] / 2], "no: that of the last batch": [0.0]},
          MEAN, right=("yes",), steps=(FIRST, Step("update", (1, 4)), RESULT)),
    *_of_two("reset", "Does a reset forget what was seen?", (FIRST, RESET, SECOND, RESULT),
             {"yes": ("second",), "no": ("both",)}, ("yes",)),
    *_of_two("merge", "Is the result of two merged objects the mean of what both saw?",
             (FIRST, Step("update", (1, 2), on=1), Step("merge", on=0, other=1), RESULT),
             {"yes": ("both",), "no: of what one saw": ("first",), "no: of what the other saw": ("second",)}, ("yes",)),
    *_of_two("copy", "Does a copy leave the original alone?",
             (FIRST, Step("copy", on=1), Step("update", (1, 2), on=1), RESULT, Step("result", on=1)),
             {"yes": ("first", "both"), "no": ("both", "both"), "yes, but it starts empty": ("first", "second")},
             ("yes",)),
    Probe("negative-weight-in-a-state", SAMPLES, "What does a negative weight do to a mean?",
          {"y_true": [1, 1], "y_pred": [1, 0], "y_score": [0.75, 0.25], "sample_weight": [-1.0, 2.0]},
          {"it is one like any other": [-1.0], "it counts as 0": [0.0], "its size counts": [1 / 3],
           "the sum is divided by the samples": [-0.5], REFUSES: []}, MEAN, steps=(Step("update", (0, 2)), RESULT)),
    Probe("weights-that-cancel-in-a-state", SAMPLES, "What is a mean whose weights add up to 0?",
          {"y_true": [1, 1], "y_pred": [1, 0], "y_score": [0.75, 0.25], "sample_weight": [1.0, -1.0]},
          {"infinite": [math.inf], "zero": [0.0], "NaN": [NAN], REFUSES: []}, MEAN,
          steps=(Step("update", (0, 2)), RESULT), otherwise=OTHER),
    Probe("nan-weight-in-a-state", SAMPLES, "How long does a weight of NaN last?",
          {"y_true": [1, 1], "y_pred": [1, 1], "y_score": [0.75, 0.75], "sample_weight": [NAN, 1.0]},
          {"until the reset": [NAN, NAN, 1.0], "it counts as 0": [0.0, 1.0, 1.0], "for ever": [NAN, NAN, NAN],
           "until the next batch": [NAN, 1.0, 1.0], REFUSES: []}, MEAN,
          steps=(FIRST, RESULT, SECOND, RESULT, RESET, SECOND, RESULT), otherwise=OTHER),
    Probe("nan-batch-in-a-state", SQUARES, "How long does a batch of NaN last?",
          {"y_true": [1.0, 1.0], "y_pred": [NAN, 0.5]},
          {"until the reset": [NAN, NAN, 0.25], "it is passed over": [0.0, 0.25, 0.25], "for ever": [NAN, NAN, NAN],
           "until the next batch": [NAN, 0.25, 0.25], REFUSES: []}, MEAN,
          steps=(FIRST, RESULT, SECOND, RESULT, RESET, SECOND, RESULT)),
    Probe("nan-batch-in-a-state-of-divergences", DIVERGENCES, "How long does a batch of NaN last?",
          {"y_true": [[1.0, 0.0]] * 2, "y_pred": [[NAN, NAN], [0.5, 0.5]]}, {"until the reset": [NAN, NAN, LOGS[0]],
           "it is passed over": [0.0, LOGS[0], LOGS[0]], "it counts as 0": [0.0, LOGS[0] / 2, LOGS[0]],
           "for ever": [NAN, NAN, NAN], "until the next batch": [NAN, LOGS[0], LOGS[0]], REFUSES: []}, MEAN,
          steps=(FIRST, RESULT, SECOND, RESULT, RESET, SECOND, RESULT), otherwise=OTHER),
    *(Probe(name, OF_CLASSES[:1], question, {"labels": labels, "y_score": rows}, answers,
            reworded={"average='micro'": f"average='{average}', ignore_index=1"}, together=True, otherwise=OTHER)
      for name, question, average, labels, rows, answers in (
          ("ignored-class-in-an-accuracy", "How do samples of the ignored class count?", "micro", [0, 1, 1],
           [[0.5, 0.25, 0.125], [0.5, 0.25, 0.125], [0.25, 0.5, 0.125]],
           {"they are left out": [1.0], "as mistakes": [1 / 3], "like any other": [2 / 3], REFUSES: []}),
          ("ignored-class-as-prediction", "How does a prediction of the ignored class count?", "micro", [0, 0],
           [[0.5, 0.25, 0.125], [0.25, 0.5, 0.125]],
           {"as a mistake": [0.5], "it is left out": [1.0], "as the next best": [1.0], REFUSES: []}),
          ("ignored-class-in-a-mean-of-classes", "Does the ignored class count in a mean over classes?", "macro",
           [0, 1, 2],
           [[0.5, 0.25, 0.125], [0.25, 0.5, 0.125], [0.25, 0.5, 0.125]],
           {"no": [0.5], "yes, as 0": [1 / 3], "yes, as 1": [2 / 3], REFUSES: []}),
          ("every-label-ignored-in-an-accuracy", "What is the accuracy where every label is ignored?", "micro", [1, 1],
           [[0.5, 0.25, 0.125], [0.25, 0.5, 0.125]], dict(NOTHING)),
      )),
)  # fmt: skip
