"""Cross-entropies: the ends of [0, 1] and beyond, clips, infinite logits, weights, smoothing, reductions, and what they
see behind the probabilities handed to them: the activation that made them, and its logits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from gaugeblock.conformance.cases.named_arrays import ANIMALS
from gaugeblock.conformance.checks.probes.base import INF, NAN, REFUSES, Probe, Shape, Values
from gaugeblock.conformance.checks.probes.shared import (
    BINARY,
    BINARY_LOGITS,
    EACH,
    EITHER,
    EITHER_ROWS,
    LABELS,
    LABELS_LOGITS,
    LN2,
    LN3,
    MEAN,
    ONCE,
    OTHER,
    RIGHT,
    ROWS,
    ROWS_LOGITS,
    ROWS_OF_LOGITS,
    SILENT,
    WRONG,
    F,
    by_path,
    log_softmax,
    minus_log,
)
from gaugeblock.reference.formats import Array, Format

COMES_BACK: Mapping[str, list[Any]] = {
    "the mean": [(WRONG + RIGHT) / 2],
    "the sum": [WRONG + RIGHT],
    "one loss for each sample": [WRONG, RIGHT],
}
"""What comes back for two samples, one with each of these losses."""

Ends = Callable[[Format], tuple[float, float]]

CLIPS: dict[str, Ends] = {
    "clipped at 1e-7": lambda fmt: (fmt.round(1e-7), fmt.round(1 - 1e-7)),
    "clipped at the format's epsilon": lambda fmt: (fmt.epsilon, 1 - fmt.epsilon),
}
"""The smallest and the largest probability that are left."""

CLIPPED_LOW: dict[str, Values] = {
    "infinite": [INF],
    "the logarithm stops at -100": [100.0],
    "clipped at 1e-7": lambda fmt: [minus_log(fmt.round(1e-7))],
    "clipped at the format's epsilon": lambda fmt: [minus_log(fmt.epsilon)],
    "NaN": [NAN],
}
CLIPPED_HIGH: dict[str, Values] = {
    "infinite": [INF],
    "the logarithm stops at -100": [100.0],
    "clipped at 1 - 1e-7": lambda fmt: [minus_log(1 - fmt.round(1 - 1e-7))],
    "clipped at 1 - epsilon": lambda fmt: [minus_log(fmt.epsilon)],
    "NaN": [NAN],
}
"""What probabilities of 0 and 1 cost where they are wrong, under each way of clipping."""


def quarter(*targets: float) -> dict[str, list[Any]]:
    """These targets, each beside the probability 1/4 or its logit."""
    return {"y_true": list(targets), "y_pred": [0.25] * len(targets), "logits": [-LN3] * len(targets)}


def _clipped(label: str) -> Values:
    """The losses of a certain positive and a certain negative, both right, under a clipping."""

    def losses(fmt: Format) -> list[float]:
        low, high = CLIPS[label](fmt)
        return [minus_log(high), minus_log(fmt.round(1 - low))]

    return losses


NLL = "negative_log_likelihood"

HALVES: dict[str, list[Any]] = {"y_pred": [[0.5, 0.5]], "logits": [[0.0, 0.0]], "log_probabilities": [[-LN2, -LN2]]}
QUARTER: dict[str, list[Any]] = {"y_pred": [[0.75, 0.25]], "logits": [[0.0, -LN3]]}


def _twice(inputs: dict[str, list[Any]]) -> dict[str, list[Any]]:
    return {name: rows * 2 for name, rows in inputs.items()}


FOUR = [1 / 2, 1 / 4, 1 / 8, 1 / 8]
AGAINST = [-math.log(p) for p in FOUR]


def _smoothed(first: float, others: float) -> list[float]:
    """The loss of the four probabilities for these shares of the first class and of each other one."""
    return [first * AGAINST[0] + others * sum(AGAINST[1:])]


def _first(clip: Ends, share: float, second: float) -> Values:
    """The loss of a probability of 0 that is clipped and then divided by `share`, and a second loss."""
    return lambda fmt: [minus_log(clip(fmt)[0] / share), second]


def _orders() -> dict[str, Values]:
    """The losses of (0, 1/4) and of (1/4, 1/4) for the first class."""
    answers: dict[str, Values] = {
        "neither": [INF, math.log(4)],
        "normalised": [INF, LN2],
        "the logarithm stops at -100": [100.0, math.log(4)],
        "NaN": [NAN, math.log(4)],
    }
    for label, clip in CLIPS.items():
        answers[label] = _first(clip, 1.0, math.log(4))
        answers[f"normalised, then {label}"] = _first(clip, 1.0, LN2)
        answers[f"{label}, then normalised"] = _first(clip, 0.25, LN2)
    return answers


def no_rows(fmt: Format) -> Array:
    """Two classes, and no row of them."""
    return fmt.array([[0.0, 1.0]])[:0]


ROWS_OF_LABELS = {
    **by_path(
        f"{F}.cross_entropy(logits, labels, reduction='none')",
        "torch.nn.CrossEntropyLoss(reduction='none')(logits, labels)",
        "tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)",
        "optax.softmax_cross_entropy_with_integer_labels(logits, labels)",
        "keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)",
        "keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction='none')(labels, logits)",
    ),
    "onnxruntime.SoftmaxCrossEntropyLoss": "onnx.SoftmaxCrossEntropyLoss(logits, labels, None, reduction='none')",
}

RANK_3 = [[[0.0, 1.0], [3.0, 5.0]]]
ALONG_LAST = [float(-log_softmax(RANK_3, -1)[0, i, 0]) for i in (0, 1)]
ALONG_MIDDLE = [float(-log_softmax(RANK_3, 1)[0, 0, j]) for j in (0, 1)]
FIRST_OF_BOTH = [[[1.0, 0.0], [0.0, 0.0]]]


NOTHING_SEEN: dict[str, Values] = {f"no: {label}": values for label, values in CLIPPED_LOW.items()}
CERTAIN: dict[str, Values] = {
    "no: the probability is 1, infinite": [INF],
    "no: the probability is 1, clipped": CLIPPED_HIGH["clipped at 1 - 1e-7"],
    "no: the probability is 1, its logarithm stops at -100": [100.0],
}


def _of(activation: str, targets: str = "y_true", inputs: str = "y_pred") -> dict[str, str]:
    """The losses of an activation of the inputs, in Keras by name and by class."""
    named = {
        "binary_crossentropy": "BinaryCrossentropy",
        "categorical_crossentropy": "CategoricalCrossentropy",
        "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
    }
    arguments = f"({targets}, keras.activations.{activation.format(inputs)})"
    return {
        f"keras.losses.{loss}": f"keras.losses.{loss}{called}{arguments}"
        for function, made in named.items()
        for loss, called in ((function, ""), (made, "(reduction='none')"))
    }


COLUMN = {"targets": "y_true[:, None]", "inputs": "y_pred[:, None]"}
TORCH = f"{F}.binary_cross_entropy"

PROBES = (
    # Binary
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
          {"y_true": [1.0], "y_pred": [1.5]}, {REFUSES: [], "the logarithm is taken": [-math.log(1.5)], "NaN": [NAN],
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
          quarter(-1.0, 1.0), {REFUSES: [], "the formula is evaluated: a negative loss": [2 * RIGHT - WRONG, WRONG],
           "as labels of 0 and 1": [RIGHT, WRONG], "NaN": [NAN, WRONG]}, otherwise="silent: other numbers"),
    Probe("nan-target", EITHER, "What does a target of NaN give?", quarter(NAN), {REFUSES: [], "NaN": [NAN]},
          otherwise=SILENT),
    Probe("infinite-logits-right", (BINARY_LOGITS,), "What is the loss of logits of +inf and -inf that are right?",
          {"y_true": [1.0, 0.0], "logits": [INF, -INF]},
          {"zero": [0.0, 0.0], "NaN": [NAN, NAN], "NaN for a positive": [NAN, 0.0], "NaN for a negative": [0.0, NAN]}),
    Probe("infinite-logits-wrong", (BINARY_LOGITS,), "What is the loss of logits of +inf and -inf that are wrong?",
          {"y_true": [0.0, 1.0], "logits": [INF, -INF]}, {"infinite": [INF, INF], "NaN": [NAN, NAN],
           "NaN for a positive": [INF, NAN], "NaN for a negative": [NAN, INF]}),
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
          {name: [values * 3] * 2 for name, values in quarter(1.0).items()}, {"one for each number": Shape((2, 3)),
           "one for each row, the mean over it": Shape((2,)), "one for each row in a column": Shape((2, 1)),
           "a single number": Shape(()), REFUSES: []}, EACH, dtypes=ONCE),
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
          quarter(1.0, 0.0), {"1 - e/2 and e/2": [(3 * WRONG + RIGHT) / 4, (WRONG + 3 * RIGHT) / 4],
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
    # Categorical
    Probe("zero-class-probability", (ROWS,), "What is the loss of a true class with probability 0?",
          {"y_true": [[1.0, 0.0]], "y_pred": [[0.0, 1.0]]}, CLIPPED_LOW),
    Probe("probabilities-that-sum-to-a-half", (ROWS,), "Are probabilities normalised?",
          {"y_true": [[1.0, 0.0]], "y_pred": [[0.25, 0.25]]},
          {"no, taken as given": [math.log(4)], "yes, divided by their sum": [math.log(2)], REFUSES: []}),
    Probe("clipped-or-normalised-first", (ROWS, LABELS),
          "Are probabilities normalised, clipped, or both, and in which order?",
          {"y_true": [[1.0, 0.0]] * 2, "labels": [0, 0], "y_pred": [[0.0, 0.25], [0.25, 0.25]]},
          {**_orders(), REFUSES: []}),
    Probe("certain-class", (ROWS, LABELS), "Is the loss of a true class with probability 1 exactly 0?",
          {"y_true": [[1.0, 0.0]], "labels": [0], "y_pred": [[1.0, 0.0]]},
          {"yes": [0.0], "no, clipped at 1 - 1e-7": lambda fmt: [minus_log(fmt.round(1 - 1e-7))],
           "no, clipped at 1 - epsilon": lambda fmt: [minus_log(1 - fmt.epsilon)],
           "no, clipped, then normalised": lambda fmt: [math.log1p(fmt.round(1e-7))], "no, NaN": [NAN]}),
    Probe("negative-class-probability", (ROWS, LABELS), "What does a probability of -1/4 for the true class give?",
          {"y_true": [[1.0, 0.0]], "labels": [0], "y_pred": [[-0.25, 1.25]]}, {REFUSES: [], **CLIPPED_LOW},
          otherwise=OTHER),
    Probe("nan-class-probability", (ROWS, LABELS), "What does a probability of NaN beside that of the true class give?",
          {"y_true": [[1.0, 0.0]], "labels": [0], "y_pred": [[0.5, NAN]]},
          {REFUSES: [], "NaN": [NAN], "silent: the NaN takes no part": [LN2]}, otherwise=SILENT),
    Probe("minus-inf-logit-without-target", (ROWS_LOGITS,),
          "Does a logit of -inf where the target is 0 leave the loss alone?",
          {"y_true": [[0.0, 0.0, 1.0]], "logits": [[0.0, -INF, 1.0]]},
          {"yes": [math.log1p(math.exp(-1))], "no: NaN": [NAN], "no: infinite": [INF]}, right=("yes",)),
    Probe("minus-inf-logit-with-target", (ROWS_LOGITS, LABELS_LOGITS),
          "What is the loss of a true class with a logit of -inf?",
          {"y_true": [[1.0, 0.0]], "labels": [0], "logits": [[-INF, 0.0]]},
          {"infinite": [INF], "NaN": [NAN], "zero": [0.0]}, right=("infinite",), otherwise="a number"),
    Probe("plus-inf-logit-with-target", (ROWS_LOGITS, LABELS_LOGITS),
          "What is the loss of a true class with a logit of +inf? Its limit is 0.",
          {"y_true": [[1.0, 0.0]], "labels": [0], "logits": [[INF, 0.0]]},
          {"NaN": [NAN], "the limit": [0.0], "infinite": [INF]}),
    Probe("nan-in-a-row-of-cross-entropy", (ROWS_LOGITS, LABELS_LOGITS),
          "Does a NaN in one row change the loss of another?",
          {"y_true": [[1.0, 0.0]] * 2, "labels": [0, 0], "logits": [[NAN, 0.0], [0.0, 0.0]]},
          {"no": [NAN, LN2], "yes": [NAN, NAN]}, right=("no",), otherwise="it is lost: numbers come back"),
    Probe("targets-that-sum-to-a-half", EITHER_ROWS, "Are targets that sum to a half normalised?",
          {"y_true": [[0.5, 0.0]], **HALVES},
          {"no, taken as given": [math.log(2) / 2], "yes, divided by their sum": [math.log(2)], REFUSES: []}),
    Probe("row-of-targets-all-zero", EITHER_ROWS, "What is the loss of a row whose targets are all 0?",
          {"y_true": [[0.0, 0.0]], **HALVES},
          {"zero": [0.0], "as of the first class": [LN2], "NaN": [NAN], REFUSES: []}),
    Probe("negative-targets", EITHER_ROWS, "What do targets of -1 and 2 give?", {"y_true": [[-1.0, 2.0]], **QUARTER},
          {REFUSES: [], "the formula is evaluated": [2 * WRONG - RIGHT]}, otherwise=OTHER),
    Probe("mean-of-weighted-rows", (*EITHER_ROWS, LABELS, LABELS_LOGITS), "What is the weighted mean divided by?",
          {"y_true": [[0.0, 1.0], [1.0, 0.0]], "labels": [1, 0], **_twice(QUARTER), "sample_weight": [1.0, 3.0]},
          {"the number of samples": [(WRONG + 3 * RIGHT) / 2], "the sum of the weights": [(WRONG + 3 * RIGHT) / 4]},
          MEAN),
    Probe("mean-of-no-rows", (*EITHER_ROWS, LABELS, LABELS_LOGITS, NLL),
          "What is the mean loss of a batch without rows?",
          {"y_true": no_rows, "labels": [], "y_pred": no_rows, "logits": no_rows, "log_probabilities": no_rows},
          {"NaN": [NAN], "zero": [0.0], "an empty array": [], REFUSES: []}, MEAN, dtypes=ONCE),
    Probe("mean-with-class-weights", (ROWS_LOGITS, LABELS_LOGITS, NLL),
          "With weights of classes, is the mean divided by those of the labels or by the number of samples?",
          {"y_true": [[1.0, 0.0], [0.0, 1.0]], "labels": [0, 1], **_twice(HALVES)},
          {"by the weights of the labels": [LN2], "by the number of samples": [2 * LN2]},
          {"class_weight": (1.0, 3.0), "reduction": "mean"}),
    Probe("smoothing-of-classes", EITHER_ROWS,
          "What do the targets of the true class and of the K - 1 others become where the smoothing is e = 1/2?",
          {"y_true": [[1.0, 0.0, 0.0, 0.0]], "y_pred": [FOUR], "logits": [[-each for each in AGAINST]]},
          {"1 - e + e/K and e/K": _smoothed(5 / 8, 1 / 8), "1 - e and e/(K - 1)": _smoothed(1 / 2, 1 / 6),
           "1 - e and e/K": _smoothed(1 / 2, 1 / 8), "1 - e/2 and e/2": _smoothed(3 / 4, 1 / 4)},
          {"label_smoothing": 0.5}, right=("1 - e + e/K and e/K",)),
    Probe("smoothing-of-classes-by-label", (LABELS_LOGITS,),
          "What do the targets of the true class and of the K - 1 others become where the smoothing is e = 1/2?",
          {"labels": [0], "logits": [[-each for each in AGAINST]]},
          {"1 - e + e/K and e/K": _smoothed(5 / 8, 1 / 8), "1 - e and e/(K - 1)": _smoothed(1 / 2, 1 / 6),
           "1 - e and e/K": _smoothed(1 / 2, 1 / 8)}, {"label_smoothing": 0.5}, right=("1 - e + e/K and e/K",)),
    Probe("smoothing-counts-classes-along", EITHER_ROWS,
          "Where the classes lie along the middle axis, of which axis is K the length in a smoothing by e/K?",
          {"y_true": [[[1.0] * 3, [0.0] * 3]], "y_pred": [[[0.5] * 3, [0.5] * 3]], "logits": [[[0.0] * 3, [0.0] * 3]]},
          {"that of classes": [LN2] * 3, "the last": [(1 / 2 + 2 / 6) * LN2] * 3, REFUSES: []},
          {"label_smoothing": 0.5, "axis": 1, "reduction": "none"}, right=("that of classes",)),
    Probe("smoothing-and-class-weights", (LABELS_LOGITS,),
          "Which weight has the share of the loss that smoothing gives to every class?", {"labels": [1], **HALVES},
          {"that of each class": [2.5 * LN2], "that of the label": [3 * LN2], "none": [2 * LN2]},
          {"class_weight": (1.0, 3.0), "label_smoothing": 0.5}),
    Probe("smoothing-and-ignored-rows", (LABELS_LOGITS,),
          "Does the share of the loss that smoothing gives to every class count rows that are ignored?",
          {"labels": [0, 1], "logits": [[0.0, 0.0], [0.0, math.log(3)]]},
          {"no": [LN2], "yes, in the sum alone": [LN2 + (WRONG + RIGHT) / 4],
           "yes, in the sum and the number": [(LN2 + (WRONG + RIGHT) / 4) / 2]},
          {"ignore_index": 1, "label_smoothing": 0.5, "reduction": "mean"}, right=("no",)),
    *(
        Probe(f"{slug}-smoothing-of-classes", EITHER_ROWS, f"Is a smoothing of {words} refused?",
              {"y_true": [[0.0, 1.0]], **QUARTER}, {REFUSES: [], "no: it is taken for 0": [WRONG],
               f"no: targets of {e / 2} and {1 - e / 2}": [e / 2 * RIGHT + (1 - e / 2) * WRONG]},
              {"label_smoothing": e}, otherwise="no: other targets")
        for slug, words, e in (("above-one", "3/2", 1.5), ("negative", "-1/2", -0.5))
    ),
    Probe("class-axis-of-images", (ROWS_LOGITS,),
          "Where logits have three axes, along which do the classes lie by default?",
          {"y_true": FIRST_OF_BOTH, "logits": RANK_3},
          {"the last": [ALONG_LAST[0], 0.0], "the middle, the second of the input": [ALONG_MIDDLE[0], 0.0],
           REFUSES: []}, dtypes=ONCE, calls=ROWS_OF_LOGITS),
    Probe("class-axis-of-images-with-labels", (LABELS_LOGITS,),
          "Where logits have three axes, along which do the classes lie by default?",
          {"labels": [[0, 0]], "logits": RANK_3},
          {"the last": ALONG_LAST, "the middle, the second of the input": ALONG_MIDDLE, REFUSES: []}, dtypes=ONCE,
          calls=ROWS_OF_LABELS),
    Probe("default-reduction-of-losses-of-rows", (*EITHER_ROWS, LABELS, LABELS_LOGITS, NLL),
          "What comes back where no reduction is named?",
          {"y_true": [[0.0, 1.0], [1.0, 0.0]], "labels": [1, 0], **_twice(QUARTER),
           "log_probabilities": [[-RIGHT, -WRONG]] * 2}, COMES_BACK, dtypes=ONCE, left_out=("reduction",)),
    *(
        Probe(f"sign-of-zero-of-categorical-{slug}", operations, "Has a loss of 0 a sign?",
              {"y_true": [[1.0, 0.0]], "labels": [0], **inputs}, {"no: 0": [0.0], "yes: -0": [-0.0]},
              dtypes=("float32", "float16"), signs=True, otherwise="it is no 0")
        for slug, operations, inputs in (
            ("loss", (ROWS, LABELS), {"y_pred": [[1.0, 0.0]]}),
            ("loss-of-logits", (ROWS_LOGITS, LABELS_LOGITS), {"logits": [[2000.0, -2000.0]]}),
        )
    ),
    *(
        Probe(f"three-animals-model-{number}", (ROWS,),
              f"Is the mean loss of model {number} on three animals the figure {printed!r} that its source prints?",
              {"y_true": [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], "y_pred": [list(row) for row in p]},
              {"yes": [float(printed)], **({} if float(printed) == value else {f"no, it is {value!r}": [value]})},
              MEAN, right=("yes" if float(printed) == value else f"no, it is {value!r}",),
              dtypes=("float64",), tolerance=2.0**-51)
        for number, p, printed, value in (
            (1, ANIMALS[0], "1.3783888722474517", 1.3783888522474517),
            (2, ANIMALS[1], "0.6391075640678003", 0.6391075640678003),
        )
    ),
    # What is behind the probabilities
    Probe("logits-behind-a-sigmoid", (BINARY,), "Does the loss of sigmoid(x) see x behind the probability?",
          {"y_true": [1.0], "y_pred": [-120.0]}, {"yes: it is that of the logit": [120.0], **NOTHING_SEEN}, dtypes=ONCE,
          calls={**_of("sigmoid({})", **COLUMN), TORCH: f"{TORCH}(torch.sigmoid(y_pred), y_true)"}),
    Probe("logits-behind-a-softmax", (ROWS,), "Does the loss of softmax(x) see x behind the probabilities?",
          {"y_true": [[1.0, 0.0]], "y_pred": [[-120.0, 0.0]]},
          {"yes: it is that of the logits": [120.0], **NOTHING_SEEN}, dtypes=ONCE, calls=_of("softmax({})")),
    Probe("logits-behind-a-softmax-of-labels", (LABELS,), "Does the loss of softmax(x) see x behind the probabilities?",
          {"labels": [0], "y_pred": [[-120.0, 0.0]]}, {"yes: it is that of the logits": [120.0], **NOTHING_SEEN},
          dtypes=ONCE, calls=_of("softmax({})", targets="labels")),
    Probe("softmax-before-a-binary-loss", (BINARY,),
          "Does a binary loss heed that softmax over one unit, which is always 1, made the probability?",
          {"y_true": [0.0], "y_pred": [-3.0]},
          {**CERTAIN, "yes: it takes the logit": [math.log1p(math.exp(-3.0))], REFUSES: []}, dtypes=ONCE,
          calls={**_of("softmax({})", **COLUMN),
                 TORCH: f"{TORCH}(torch.softmax(y_pred[:, None], dim=1)[:, 0], y_true)"}),
    Probe("sigmoid-before-a-categorical-loss", (ROWS,),
          "Does a categorical loss heed that a sigmoid made the probabilities?",
          {"y_true": [[1.0, 0.0]], "y_pred": [[-math.log(3), math.log(3)]]},
          {"no: 1/4, of probabilities that sum to 1": [math.log(4)], "yes: it takes the logits": [math.log(10)],
           REFUSES: []}, dtypes=ONCE, calls=_of("sigmoid({})")),
    Probe("softmax-over-another-axis", (ROWS,), "Does a categorical loss heed that the softmax was over the batch?",
          {"y_true": [[1.0, 0.0], [1.0, 0.0]], "y_pred": [[0.0, math.log(2)], [math.log(3), math.log(6)]]},
          {"no: the columns' softmax, normalised over the row": [math.log(2)] * 2,
           "no: the columns' softmax": [math.log(4), math.log(4 / 3)],
           "yes: it takes the logits": [float(-log_softmax([0, math.log(2)])[0])] * 2, REFUSES: []}, dtypes=ONCE,
          calls=_of("softmax({}, axis=0)")),
)  # fmt: skip
