"""Binary cross-entropy: the ends of [0, 1] and beyond them, infinite logits, weights and reductions."""

from __future__ import annotations

import math
from typing import Any

from gaugeblock.conformance.checks.probes.base import INF, NAN, REFUSES, Probe, Shape, Values
from gaugeblock.conformance.checks.probes.shared import (
    BINARY,
    BINARY_LOGITS,
    CLIPPED_HIGH,
    CLIPPED_LOW,
    CLIPS,
    COMES_BACK,
    EACH,
    EITHER,
    LN3,
    MEAN,
    ONCE,
    RIGHT,
    SILENT,
    WRONG,
    minus_log,
)
from gaugeblock.reference.formats import Format


def quarter(*targets: float) -> dict[str, list[Any]]:
    """These targets, each beside the probability 1/4 or its logit."""
    return {"y_true": list(targets), "y_pred": [0.25] * len(targets), "logits": [-LN3] * len(targets)}


def _clipped(label: str) -> Values:
    """The losses of a certain positive and a certain negative, both right, under a clipping."""

    def losses(fmt: Format) -> list[float]:
        low, high = CLIPS[label](fmt)
        return [minus_log(high), minus_log(fmt.round(1 - low))]

    return losses


PROBES = (
    Probe("zero-probability", (BINARY,), "What is the loss of probability 0 for a positive?",
          {"y_true": [1.0], "y_pred": [0.0]}, CLIPPED_LOW),
    Probe("certain-false-positive", (BINARY,), "What is the loss of probability 1 for a negative?",
          {"y_true": [0.0], "y_pred": [1.0]}, CLIPPED_HIGH),
    Probe("certain-and-right", (BINARY,),
          "Is the loss of probability 1 for a positive, and of 0 for a negative, exactly 0?",
          {"y_true": [1.0, 0.0], "y_pred": [1.0, 0.0]},
          {"yes": [0.0, 0.0], **{f"no, {label}": _clipped(label) for label in CLIPS},
           "no, clipped at 1e-7, and log(1 - p) is accurate": lambda fmt: [minus_log(fmt.round(1 - 1e-7)),
                                                                           -math.log1p(-fmt.round(1e-7))],
           "no, NaN": [NAN, NAN], "no, NaN for a positive": [NAN, 0.0]}),
    Probe("probability-above-one", (BINARY,), "What does a probability of 1.5 give?",
          {"y_true": [1.0], "y_pred": [1.5]},
          {REFUSES: [], "the logarithm is taken": [-math.log(1.5)], "NaN": [NAN],
           "clipped": lambda fmt: [-math.log(fmt.round(1 - 1e-7))],
           "clipped at 1 - epsilon": lambda fmt: [-math.log(1 - fmt.epsilon)]}),
    Probe("probability-below-zero", (BINARY,), "What does a probability of -1/2 give for a positive?",
          {"y_true": [1.0], "y_pred": [-0.5]}, {REFUSES: [], **CLIPPED_LOW}),
    Probe("nan-probability", (BINARY,), "What does a probability of NaN give?", {"y_true": [1.0], "y_pred": [NAN]},
          {REFUSES: [], "NaN": [NAN]}, otherwise=SILENT),
    Probe("target-above-one", (BINARY,), "What does a target of 2 give?", {"y_true": [2.0], "y_pred": [0.25]},
          {REFUSES: [], "the formula is evaluated": [-(2 * math.log(0.25) - math.log(0.75))],
           "as the target 1": [-math.log(0.25)], "as the target 0": [-math.log(0.75)], "NaN": [NAN]}),
    Probe("target-of-two-beside-logits", (BINARY_LOGITS,), "What does a target of 2 give?", quarter(2.0),
          {REFUSES: [], "the formula is evaluated": [2 * WRONG - RIGHT], "as the target 1": [WRONG],
           "as the target 0": [RIGHT], "NaN": [NAN]}),
    Probe("target-of-minus-one", EITHER, "What do labels of -1 and 1 give where 0 and 1 are expected?",
          quarter(-1.0, 1.0),
          {REFUSES: [], "the formula is evaluated: a negative loss": [2 * RIGHT - WRONG, WRONG],
           "as labels of 0 and 1": [RIGHT, WRONG], "NaN": [NAN, WRONG]}, otherwise="silent: other numbers"),
    Probe("nan-target", EITHER, "What does a target of NaN give?", quarter(NAN), {REFUSES: [], "NaN": [NAN]},
          otherwise=SILENT),
    Probe("infinite-logits-right", (BINARY_LOGITS,), "What is the loss of logits of +inf and -inf that are right?",
          {"y_true": [1.0, 0.0], "logits": [INF, -INF]},
          {"zero": [0.0, 0.0], "NaN": [NAN, NAN], "NaN for a positive": [NAN, 0.0], "NaN for a negative": [0.0, NAN]}),
    Probe("infinite-logits-wrong", (BINARY_LOGITS,), "What is the loss of logits of +inf and -inf that are wrong?",
          {"y_true": [0.0, 1.0], "logits": [INF, -INF]},
          {"infinite": [INF, INF], "NaN": [NAN, NAN], "NaN for a positive": [INF, NAN],
           "NaN for a negative": [NAN, INF]}),
    Probe("infinite-logits-with-soft-targets", (BINARY_LOGITS,),
          "What is the loss of logits of +inf and -inf for a target of 1/2? Its limit is infinite.",
          {"y_true": [0.5, 0.5], "logits": [INF, -INF]},
          {"infinite": [INF, INF], "NaN": [NAN, NAN], "NaN at +inf": [NAN, INF], "NaN at -inf": [INF, NAN]}),
    Probe("large-logits-wrong", (BINARY_LOGITS,), "Is the loss of a large logit that is wrong the logit itself?",
          {"y_true": [0.0, 1.0], "logits": [1000.0, -1000.0]},
          {"yes": [1000.0, 1000.0], "no: infinite": [INF, INF], "no: NaN": [NAN, NAN],
           "no: infinite, and NaN for a positive": [INF, NAN], "no: NaN for a negative": [NAN, 1000.0],
           "no: infinite for a negative": [INF, 1000.0]}, right=("yes",), otherwise="no: as of a clipped probability"),
    Probe("mean-over-nothing", EITHER, "What is the mean loss of an empty batch?",
          {"y_true": [], "logits": [], "y_pred": []}, {"NaN": [NAN], "zero": [0.0], "an empty array": [], REFUSES: []},
          MEAN),
    Probe("mean-of-weighted-samples", EITHER, "What is the weighted mean divided by?",
          {**quarter(1.0, 0.0), "sample_weight": [1.0, 3.0]},
          {"the number of samples": [(WRONG + 3 * RIGHT) / 2], "the sum of the weights": [(WRONG + 3 * RIGHT) / 4]},
          MEAN),
    Probe("mean-of-weights-of-zero", EITHER, "What is the weighted mean of samples that all weigh 0?",
          {**quarter(1.0, 0.0), "sample_weight": [0.0, 0.0]}, {"zero": [0.0], "NaN": [NAN], REFUSES: []}, MEAN),
    Probe("mean-with-a-negative-weight", EITHER, "What does a weight of -1 beside one of 4 give?",
          {**quarter(1.0, 0.0), "sample_weight": [-1.0, 4.0]},
          {REFUSES: [], "the sum divided by the number of samples": [(4 * RIGHT - WRONG) / 2],
           "the sum divided by that of the weights": [(4 * RIGHT - WRONG) / 3], "as a weight of 0": [RIGHT]}, MEAN),
    Probe("unreduced-losses-of-a-matrix", EITHER, "What is the loss of a matrix of targets, without reduction?",
          {name: [values * 3] * 2 for name, values in quarter(1.0).items()},
          {"one for each number": Shape((2, 3)), "one for each row, the mean over it": Shape((2,)),
           "one for each row in a column": Shape((2, 1)), "a single number": Shape(()), REFUSES: []},
          EACH, dtypes=ONCE),
    Probe("summed-losses-of-a-matrix", EITHER, "What is summed up of a matrix of targets?",
          {name: [values * 3] * 2 for name, values in quarter(1.0).items()},
          {"every number's loss": [6 * WRONG], "the means over rows": [2 * WRONG], REFUSES: []}, {"reduction": "sum"},
          dtypes=ONCE),
    Probe("default-reduction-of-binary-losses", EITHER, "What comes back where no reduction is named?",
          quarter(1.0, 0.0), COMES_BACK, dtypes=ONCE, left_out=("reduction",)),
    Probe("what-pos-weight-multiplies", (BINARY_LOGITS,), "What does pos_weight multiply?", quarter(1.0, 0.0, 0.5),
          {"the term of positives": [3 * WRONG, RIGHT, (3 * WRONG + RIGHT) / 2],
           "the loss of targets above 0": [3 * WRONG, RIGHT, 3 * (WRONG + RIGHT) / 2],
           "the loss of targets of 1": [3 * WRONG, RIGHT, (WRONG + RIGHT) / 2],
           "every loss": [3 * WRONG, 3 * RIGHT, 3 * (WRONG + RIGHT) / 2]}, {"pos_weight": 3.0},
          right=("the term of positives",)),
    Probe("axis-of-pos-weight", ("multilabel_binary_cross_entropy_with_logits",),
          "Along which axis do as many weights of positives as there are labels, and samples, lie?",
          {"y_true": [[1.0, 1.0], [1.0, 1.0]], "logits": [[-LN3, -LN3], [-LN3, -LN3]]},
          {"that of labels": [2.5 * WRONG] * 2, "that of samples": [WRONG, 4 * WRONG]}, {"pos_weight": (1.0, 4.0)},
          right=("that of labels",)),
    Probe("smoothing-of-binary-targets", EITHER, "What do targets of 1 and 0 become where the smoothing is e = 1/2?",
          quarter(1.0, 0.0),
          {"1 - e/2 and e/2": [(3 * WRONG + RIGHT) / 4, (WRONG + 3 * RIGHT) / 4],
           "1 - e and e": [(WRONG + RIGHT) / 2, (WRONG + RIGHT) / 2], "1 - e and 0": [(WRONG + RIGHT) / 2, RIGHT]},
          {"label_smoothing": 0.5}),
    Probe("smoothing-above-one-of-binary-targets", EITHER, "Is a smoothing of 3/2 refused?", quarter(1.0, 0.0),
          {REFUSES: [], "no: targets of 1/4 and 3/4": [(WRONG + 3 * RIGHT) / 4, (3 * WRONG + RIGHT) / 4]},
          {"label_smoothing": 1.5}, otherwise="no: other targets"),
    Probe("negative-smoothing-of-binary-targets", EITHER, "Is a smoothing of -1/2 refused?", quarter(1.0, 0.0),
          {REFUSES: [], "no: targets of 5/4 and -1/4": [(5 * WRONG - RIGHT) / 4, (5 * RIGHT - WRONG) / 4]},
          {"label_smoothing": -0.5}, otherwise="no: other targets"),
    *(
        Probe(f"sign-of-zero-of-binary-{slug}", (name,), "Has a loss of 0 a sign?", {"y_true": [1.0, 0.0], **inputs},
              {"no: 0": [0.0, 0.0], "yes: -0 for both": [-0.0, -0.0], "yes: -0 for a positive": [-0.0, 0.0],
               "yes: -0 for a negative": [0.0, -0.0]}, dtypes=("float32", "float16"), signs=True,
              otherwise="it is no 0")
        for slug, name, inputs in (
            ("loss", BINARY, {"y_pred": [1.0, 0.0]}),
            ("loss-of-logits", BINARY_LOGITS, {"logits": [2000.0, -2000.0]}),
        )
    ),
)  # fmt: skip
