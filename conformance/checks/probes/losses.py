"""Divergences, focal and margin losses: order and defaults of arguments, zeros, labels, kinks and saturation."""

from __future__ import annotations

import math

from gaugeblock.conformance.checks.probes.base import INF, NAN, REFUSES, Probe, Values
from gaugeblock.conformance.checks.probes.shared import LN2, LN3, OTHER, minus_log

OF_ROWS = ("kl_divergence", "kl_divergence_of_log_predictions", "kl_divergence_of_logs")
KL = (*OF_ROWS, "generalised_kl_divergence", "generalised_kl_divergence_of_probabilities")
OF_LOGS = ("kl_divergence_of_logs",)
OF_LOG_PREDICTIONS = ("kl_divergence_of_log_predictions", "kl_divergence_of_logs", "generalised_kl_divergence")
THREE = [0.5, 0.375, 0.125]


def divergence(target: list[float], prediction: list[float], rows: int = 1) -> dict[str, list[list[float]]]:
    """Rows of both, as they are and as logarithms."""
    return {
        "y_true": [target] * rows,
        "y_pred": [prediction] * rows,
        "log_targets": [[-minus_log(p) for p in target]] * rows,
        "log_probabilities": [[-minus_log(q) for q in prediction]] * rows,
    }


def _kl(target: list[float], prediction: list[float]) -> float:
    return sum(p * math.log(p / q) for p, q in zip(target, prediction, strict=True) if p)


SKEWED, EVEN = [0.75, 0.25], [0.5, 0.5]
FORWARD = _kl(SKEWED, EVEN)

ZERO_PREDICTION: dict[str, Values] = {
    "infinite": [INF],
    "NaN": [NAN],
    "zero": [0.0],
    "clipped at 1e-7": lambda fmt: [(math.log(0.5) + math.log(0.5 / fmt.round(1e-7))) / 2],
    "clipped at the format's epsilon": lambda fmt: [(math.log(0.5) + math.log(0.5 / fmt.epsilon)) / 2],
    REFUSES: [],
}

FOCAL = ("binary_focal_cross_entropy", "binary_focal_cross_entropy_with_logits")
CATEGORICAL_FOCAL = ("categorical_focal_cross_entropy", "categorical_focal_cross_entropy_with_logits")
FOCAL_LOGITS = ("binary_focal_cross_entropy_with_logits",)
FOCAL_SHARES = ("binary_focal_cross_entropy",)
EVEN_BINARY = {"y_true": [1.0], "y_pred": [0.5], "logits": [0.0]}
EVEN_ROW = {"y_true": [[1.0, 0.0]], "y_pred": [[0.5, 0.5]], "logits": [[0.0, 0.0]]}
SATURATED: dict[str, Values] = {"zero": [0.0], "NaN": [NAN], "infinite": [INF], "minus infinity": [-INF]}

BY_ROW = "multiclass_hinge"


def _sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


def _softmaxed(second: float, third: float) -> float:
    """The loss of a label beside the softmax of its score and of two that lie so much lower."""
    return 1 - (1 - math.exp(-second)) / (1 + math.exp(-second) + math.exp(-third))


def _of_signs(
    name: str,
    question: str,
    labels: list[float],
    scores: list[float],
    answers: dict[str, list[float]],
    right: tuple[str, ...] = (),
) -> tuple[Probe, ...]:
    """A question to the hinge loss and to its square."""
    return tuple(
        Probe(name + end, (op,), question, {"y_true": labels, "score": scores},
              {**{label: [value**power for value in values] for label, values in answers.items()}, REFUSES: []},
              right=right, together=True, otherwise=OTHER)
        for op, end, power in (("hinge", "", 1), ("squared_hinge", "-squared", 2))
    )  # fmt: skip


S = 0.5

AT_THE_KINK = "Which derivative does the loss have at its kink?"
OF_SIGNS: dict[str, Values] = {"0": [0.0], "-1": [-1.0], "-1/2": [-0.5], "NaN": [NAN]}

PROBES = (
    Probe("divergence-of-which-from-which", KL, "Of which argument from which is the divergence?",
          divergence(SKEWED, EVEN),
          {"of the target from the prediction": [FORWARD], "of the prediction from the target": [_kl(EVEN, SKEWED)]},
          right=("of the target from the prediction",)),
    *(
        Probe(name, KL, f"What does the call say with its first two arguments, {first} and {second}, exchanged?",
              divergence(SKEWED, EVEN),
              {"the divergence the other way round": [_kl(EVEN, SKEWED)], "the same divergence": [FORWARD],
               "NaN": [NAN], REFUSES: []}, reworded={f"({first}, {second}": f"({second}, {first}"}, otherwise=OTHER)
        for name, first, second in (
            ("kl-of-exchanged-probabilities", "y_true", "y_pred"),
            ("kl-of-exchanged-log-predictions", "log_probabilities", "y_true"),
            ("kl-of-exchanged-log-targets", "log_probabilities", "log_targets"),
            ("kl-of-log-targets-exchanged", "log_targets", "log_probabilities"),
        )
    ),
    Probe("kl-default-reduction", KL, "What is the divergence of two rows of two classes if no reduction is asked for?",
          divergence(SKEWED, EVEN, 2),
          {"the mean over the rows": [FORWARD], "the mean over rows and classes": [FORWARD / 2],
           "the sum": [2 * FORWARD], "one number for each row": [FORWARD] * 2}, left_out=("reduction",)),
    Probe("kl-target-zero", KL, "Is 0 log 0 zero in a divergence?", divergence([0.0, 1.0], EVEN),
          {"yes": [LN2], "no: NaN": [NAN], "no: infinite": [INF]}, right=("yes",), otherwise=OTHER),
    Probe("kl-target-zero-gradient", KL, "What is the derivative at the prediction of a class of probability 0?",
          divergence([0.0, 1.0], EVEN),
          {"zero": [0.0, -2.0], "that of the target's floor": lambda fmt: [-2 * fmt.round(1e-7), -2.0],
           "zero: of the logarithm": [0.0, -1.0], "as the normalisation of predictions has it": [1.0, -1.0],
           "as the predicted mass has it": [0.5, -0.5], "minus infinity there": [-INF, -2.0], "NaN there": [NAN, -2.0],
           "NaN everywhere": [NAN, NAN]}, gradient="y_pred"),
    Probe("kl-prediction-zero", OF_ROWS, "What is the divergence where a class that occurs has the prediction 0?",
          divergence(EVEN, [1.0, 0.0]), ZERO_PREDICTION, otherwise=OTHER),
    Probe("kl-prediction-zero-gradient", OF_ROWS,
          "What is the derivative at a prediction of 0 for a class that occurs?", divergence(EVEN, [1.0, 0.0]),
          {"of the logarithm: minus the target": [-0.5, -0.5], "minus infinity": [-0.5, -INF],
           "zero, beyond the clip": [-0.5, 0.0], "zero": [0.0, 0.0], "NaN there": [-0.5, NAN],
           "NaN everywhere": [NAN, NAN], "minus infinity, and of the normalisation": [0.5, -INF]}, gradient="y_pred",
          otherwise="another slope"),
    Probe("kl-target-and-prediction-zero", KL, "What does a class add whose target and prediction are both 0?",
          divergence([0.0, 1.0], [0.0, 1.0]), {"nothing": [0.0], "NaN": [NAN], "infinite": [INF]}, right=("nothing",),
          otherwise=OTHER),
    Probe("kl-target-and-prediction-zero-gradient", OF_LOG_PREDICTIONS,
          "What is the derivative at a log-prediction of -inf where the target is 0?",
          divergence([0.0, 1.0], [0.0, 1.0]), {"zero": [0.0, -1.0], "zero, less the predicted mass": [0.0, 0.0],
           "NaN there": [NAN, -1.0], "NaN everywhere": [NAN, NAN]}, gradient="log_probabilities"),
    Probe("kl-log-target-minus-inf-gradient", OF_LOGS, "What is the derivative beside a log-target of -inf?",
          divergence([0.0, 1.0], EVEN), {"zero": [0.0, -1.0], "NaN there": [NAN, -1.0], "NaN everywhere": [NAN, NAN]},
          gradient="log_probabilities", right=("zero",)),
    Probe("kl-of-unnormalised-rows", OF_ROWS,
          "What becomes of a prediction that sums to a half?", divergence(EVEN, [0.25, 0.25]),
          {"it is taken as given": [LN2], "it is divided by its sum": [0.0], REFUSES: []}, otherwise=OTHER),
    Probe("kl-of-a-negative-prediction", ("kl_divergence",), "What becomes of a negative predicted probability?",
          divergence(EVEN, [1.5, -0.5]), {"NaN": [NAN], "infinite": [INF], REFUSES: []}, otherwise=OTHER),
    Probe("focal-default-alpha", FOCAL, "Is the class weight of the binary focal loss on by default?", EVEN_BINARY,
          {"no": [LN2 / 4], "yes, 1/4 for the positive class": [LN2 / 16],
           "yes, 3/4 for the positive class": [LN2 * 3 / 16]}, left_out=("alpha",)),
    Probe("categorical-focal-default-alpha", CATEGORICAL_FOCAL,
          "Is the class weight of the categorical focal loss on by default?", EVEN_ROW,
          {"no": [LN2 / 4], "yes, 1/4": [LN2 / 16]}, left_out=("alpha",)),
    Probe("focal-default-gamma", FOCAL, "Which exponent has the binary focal loss by default?", EVEN_BINARY,
          {"2": [LN2 / 4], "1": [LN2 / 2], "0": [LN2], REFUSES: []}, left_out=("gamma",)),
    Probe("categorical-focal-default-gamma", CATEGORICAL_FOCAL,
          "Which exponent has the categorical focal loss by default?", EVEN_ROW,
          {"2": [LN2 / 4], "1": [LN2 / 2], "0": [LN2], REFUSES: []}, left_out=("gamma",)),
    Probe("focal-alpha-of-negatives", FOCAL, "What does alpha = 1/4 multiply a negative's loss by?",
          {**EVEN_BINARY, "y_true": [0.0]}, {"1 - alpha": [LN2 * 3 / 16], "alpha": [LN2 / 16], "1": [LN2 / 4]},
          {"alpha": 0.25}),
    Probe("focal-of-a-soft-target", FOCAL, "What is the focal loss of the target 1/2 at the probability 3/4?",
          {"y_true": [0.5], "y_pred": [0.75], "logits": [LN3]},
          {"the cross-entropy times the squared mean distance": [(LN2 - LN3 / 2 + LN2) / 4],
           "the mean of both classes' losses": [(math.log(4 / 3) / 16 + math.log(4) * 9 / 16) / 2]}, otherwise=OTHER),
    Probe("focal-saturated-gamma-half", FOCAL_LOGITS, "What is the loss, gamma = 1/2, of a positive at the logit 2000?",
          {"y_true": [1.0], "logits": [2000.0]}, SATURATED, {"gamma": 0.5}, right=("zero",)),
    Probe("focal-saturated-gamma-half-gradient", FOCAL_LOGITS,
          "What is the derivative, gamma = 1/2, of a positive at the logit 2000?",
          {"y_true": [1.0], "logits": [2000.0]}, SATURATED, {"gamma": 0.5}, right=("zero",), gradient="logits"),
    Probe("focal-saturated-gamma-zero-gradient", FOCAL_LOGITS,
          "What is the derivative, gamma = 0, of a positive at the logit 2000?",
          {"y_true": [1.0], "logits": [2000.0]}, SATURATED, {"gamma": 0.0}, right=("zero",), gradient="logits"),
    Probe("focal-saturated-wrong-gradient", FOCAL_LOGITS,
          "What is the derivative, gamma = 1/2, of a positive at the logit -2000?",
          {"y_true": [1.0], "logits": [-2000.0]}, {"-1": [-1.0], **SATURATED}, {"gamma": 0.5}, right=("-1",),
          gradient="logits"),
    Probe("focal-certain-gamma-half", FOCAL_SHARES, "What is the loss, gamma = 1/2, of a positive at p = 1?",
          {"y_true": [1.0], "y_pred": [1.0]}, SATURATED, {"gamma": 0.5}, otherwise="not zero: p is clipped"),
    Probe("focal-certain-gamma-half-gradient", FOCAL_SHARES,
          "What is the derivative, gamma = 1/2, of a positive at p = 1?", {"y_true": [1.0], "y_pred": [1.0]}, SATURATED,
          {"gamma": 0.5}, gradient="y_pred", otherwise="not zero"),
    Probe("focal-inf-logit", FOCAL_LOGITS, "What is the loss of a positive at the logit +inf?",
          {"y_true": [1.0], "logits": [INF]}, SATURATED, right=("zero",)),
    Probe("categorical-focal-certain-gradient", ("categorical_focal_cross_entropy_with_logits",),
          "What is the derivative, gamma = 1/2, of a certain and right class?",
          {"y_true": [[1.0, 0.0]], "logits": [[2000.0, 0.0]]},
          {"zero": [0.0, 0.0], "NaN": [NAN, NAN], "NaN at the right class": [NAN, 0.0]}, {"gamma": 0.5},
          right=("zero",), gradient="logits", otherwise="not zero: p is clipped"),
    Probe("default-reduction-of-focal", FOCAL,
          "What becomes of the losses of two samples if no reduction is asked for?",
          {"y_true": [1.0, 1.0], "y_pred": [0.5, 0.5], "logits": [0.0, 0.0]},
          {"their mean": [LN2 / 4], "their sum": [LN2 / 2], "nothing": [LN2 / 4] * 2}, left_out=("reduction",)),
    *(Probe(name, ("sparse_categorical_cross_entropy",), question, {"labels": labels, "y_pred": [THREE] * len(labels)},
            answers, left_out=("labels",), together=True)
      for name, question, labels, answers in (
          ("log-loss-of-an-absent-class", "What if a class that has a column occurs in no row, and no class is named?",
           [0, 2], {REFUSES: [], "its column is kept": [minus_log(THREE[0]), minus_log(THREE[2])]}),
          ("log-loss-of-one-class", "What if all rows are of one class, and no class is named?",
           [1, 1], {REFUSES: [], "the other columns are kept": [minus_log(THREE[1])] * 2}),
          ("log-loss-order-of-columns", "Whose is the first column, where class 2 comes first and no class is named?",
           [2, 2, 0, 1],
           {"class 0's: classes are sorted": [minus_log(THREE[label]) for label in (2, 2, 0, 1)],
            "class 2's": [minus_log(THREE[column]) for column in (0, 0, 1, 2)], REFUSES: []}),
      )),
    Probe("log-loss-labels-in-another-order", ("sparse_categorical_cross_entropy",),
          "Whose is the first column, where classes are named in the order 2, 1, 0?",
          {"labels": [2, 2], "y_pred": [THREE] * 2},
          {"class 0's: their order is ignored": [minus_log(THREE[2])] * 2, "class 2's": [minus_log(THREE[0])] * 2,
           REFUSES: []}, reworded={"numpy.arange(y_pred.shape[1])": "[2, 1, 0]"}, together=True),
    Probe("log-loss-of-one-column", ("sparse_categorical_cross_entropy",),
          "Whose probabilities are those of a row without columns?", {"labels": [0, 1, 1], "y_pred": [0.25, 0.75, 0.5]},
          {"class 1's": [minus_log(0.75), minus_log(0.75), LN2], "class 0's": [minus_log(0.25), minus_log(0.25), LN2],
           REFUSES: []}, reworded={"numpy.arange(y_pred.shape[1])": "[0, 1]"}, together=True),
    # Margins
    *_of_signs("hinge-labels-zero-and-one", "Is the label 0, beside 1, the negative class of a hinge loss?", [0.0, 1.0],
               [S, S], {"yes": [1 + S, 1 - S], "no: its loss is 1": [1.0, 1 - S]}),
    *_of_signs("hinge-labels-of-zero-alone", "Is the label 0, in a batch of nothing else, the negative class?",
               [0.0, 0.0], [S, S], {"yes": [1 + S, 1 + S], "no: its loss is 1": [1.0, 1.0]}),
    *_of_signs("hinge-zero-beside-minus-one", "Is the label 0, beside -1 and 1, the negative class?", [-1.0, 0.0, 1.0],
               [S, S, S], {"yes": [1 + S, 1 + S, 1 - S], "no: its loss is 1": [1 + S, 1.0, 1 - S]}),
    *_of_signs("hinge-labels-of-one-alone", "Is the label 1, in a batch of nothing else, the positive class?",
               [1.0, 1.0], [S, S], {"yes": [1 - S, 1 - S], "no: the negative class": [1 + S, 1 + S]}, ("yes",)),
    *_of_signs("hinge-labels-of-minus-one-alone", "Is the label -1, in a batch of nothing else, the negative class?",
               [-1.0, -1.0], [S, S], {"yes": [1 + S, 1 + S], "no: the positive class": [1 - S, 1 - S]}, ("yes",)),
    Probe("hinge-one-class-and-none-named", ("hinge",),
          "Is the label 1, in a batch of nothing else, the positive class if no class is named?",
          {"y_true": [1.0, 1.0], "score": [S, S]},
          {"yes": [1 - S, 1 - S], "no: the negative class": [1 + S, 1 + S], REFUSES: []}, left_out=("labels",),
          together=True),
    Probe("hinge-soft-label", ("hinge",), "What is the hinge loss of the label 1/2?", {"y_true": [0.5], "score": [0.5]},
          {"1 - 1/2 score": [0.75], "as the label 1": [0.5], "as the label -1": [1.5], REFUSES: []}, otherwise=OTHER),
    *_of_signs("hinge-scores-outside-0-and-1", "Are scores taken as they are where one is not in [0, 1]?", [1.0, -1.0],
               [-1.0, S], {"yes": [2.0, 1 + S], "no: the sigmoid of all is": [1 - _sigmoid(-1), 1 + _sigmoid(S)],
                "no: the sigmoid of that one is": [1 - _sigmoid(-1), 1 + S]}),
    Probe("multiclass-scores-outside-0-and-1", (BY_ROW,), "Are scores of classes taken as they are outside [0, 1]?",
          {"labels": [0], "scores": [[2.0, 1.5, 1.0]]}, {"yes": [0.5], "no: their softmax is": [_softmaxed(0.5, 1.0)]}),
    Probe("true-class-in-the-maximum", (BY_ROW, "categorical_hinge"),
          "Does the true class take part in the maximum of the hinge loss?",
          {"labels": [0], "y_true": [[1.0, 0.0, 0.0]], "scores": [[1.0, 0.5, 0.25]]},
          {"no": [0.5], "yes: the loss is at least 1": [1.0]}),
    Probe("zero-in-the-maximum", (BY_ROW, "categorical_hinge"),
          "Does a 0 in the true class's place take part in the maximum?",
          {"labels": [0], "y_true": [[1.0, 0.0, 0.0]], "scores": [[-1.0, -3.0, -2.0]]},
          {"no": [0.0], "yes": [2.0], "no, but their softmax is taken": [_softmaxed(1.0, 2.0)]}),
    Probe("categorical-hinge-of-two-true-classes", ("categorical_hinge",),
          "What becomes of a row with two true classes?", {"y_true": [[1.0, 1.0, 0.0]], "scores": [[0.5, 0.25, 0.0]]},
          {"their scores are added": [0.25], "the larger counts": [0.5], "the smaller counts": [0.75]}),
    Probe("one-class-alone", (BY_ROW, "multi_margin", "one_vs_all_hinge"), "What is the loss where there is one class?",
          {"labels": [0, 0], "scores": [[0.5], [0.5]]},
          {"zero": [0.0, 0.0], "one": [1.0, 1.0], "1 - the score": [0.5, 0.5], "1 + the score": [1.5, 1.5],
           "minus infinity": [-math.inf] * 2, REFUSES: []}, otherwise=OTHER),
    Probe("hinge-of-classes-by-default", ("one_vs_all_hinge",), "Which multiclass hinge loss is the default?",
          {"labels": [0], "scores": [[1.0, 0.5]]}, {"the largest other class against the true one": [0.5],
           "one against all, added": [1.5], "one against all, averaged": [0.75]}, left_out=("multiclass_mode",)),
    Probe("absent-class-in-a-multiclass-hinge", (BY_ROW,), "What if a class that has a score occurs in no row?",
          {"labels": [0, 1], "scores": [[1.0, 0.5, 0.25]] * 2}, {REFUSES: [], "its score is kept": [0.5, 1.5]},
          together=True),
    Probe("logistic-loss-of-the-label-zero", ("logistic_of_signs",), "Is the label 0 the negative class?",
          {"y_true": [0.0], "score": [S]},
          {"yes": [math.log1p(math.exp(S))], "no: its loss is ln 2": [math.log(2)], REFUSES: []}),
    Probe("hinge-embedding-of-the-label-zero", ("hinge_embedding",), "Is the label 0 the negative class?",
          {"y_true": [0.0], "score": [0.25]},
          {"yes": [0.75], "no: both terms are added": [1.0], "no: its loss is 0": [0.0], REFUSES: []}),
    Probe("perceptron-label-zero", ("perceptron",), "Is the label 0 the negative class?",
          {"y_true": [0.0], "score": [S]}, {"yes": [S], "no: its loss is 0": [0.0], REFUSES: []}),
    *(Probe(f"{name}-kink-slope", (name.replace("-", "_"),), AT_THE_KINK, {"y_true": [label], "score": [score]},
            OF_SIGNS, gradient="score")
      for name, label, score in (("hinge", 1.0, 1.0), ("perceptron", 1.0, 0.0), ("hinge-embedding", -1.0, 1.0))),
    Probe("multiclass-kink-slope", (BY_ROW, "categorical_hinge", "multi_margin"), AT_THE_KINK,
          {"labels": [0], "y_true": [[1.0, 0.0]], "scores": [[1.0, 0.0]]},
          {"0": [0.0, 0.0], "-1 and 1": [-1.0, 1.0], "-1/2 and 1/2": [-0.5, 0.5], "NaN": [NAN, NAN],
           "-1 at the true class alone": [-1.0, 0.0], "-1/2 at the true class alone": [-0.5, 0.0],
           "-1 and 1/2": [-1.0, 0.5], "-1/2 and 1/4": [-0.5, 0.25]}, gradient="scores"),
    Probe("tied-classes-slope", (BY_ROW, "categorical_hinge"), AT_THE_KINK,
          {"labels": [0], "y_true": [[1.0, 0.0, 0.0]], "scores": [[0.5, 0.25, 0.25]]},
          {"all to the first": [-1.0, 1.0, 0.0], "all to the last": [-1.0, 0.0, 1.0], "in halves": [-1.0, 0.5, 0.5],
           "one each": [-1.0, 1.0, 1.0]}, gradient="scores"),
)  # fmt: skip
