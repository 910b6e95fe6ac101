"""Probes: questions with enumerated answers. Which convention does the implementation follow?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from trueline.conformance.asking import one_by_one
from trueline.conformance.cases import Case
from trueline.conformance.checks import Check
from trueline.conformance.context import Context, Observation, Setting, can_ask
from trueline.conformance.inputs import ANIMALS
from trueline.conformance.isolation import Answer, NoAnswer
from trueline.conformance.judge import Judgement, digest
from trueline.reference.formats import FORMATS, Array, Format
from trueline.reference.operations import REDUCTIONS

REFUSES = "refuses"
"""The answer of an implementation that raises; a probe that lists it takes it for an answer."""

NAN, INF = math.nan, math.inf

Values = list[Any] | Callable[[Format], list[Any]]


@dataclass(frozen=True)
class Probe:
    """A question to the operations named, put with `given`; each answer is a label with the values that mean it.

    Values are one for each row asked, or one row. Where the definition decides, `right` names the right labels.
    """

    name: str
    operations: tuple[str, ...]
    question: str
    given: Mapping[str, Values]
    answers: Mapping[str, Values]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    right: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = tuple(FORMATS)
    tolerance: float | None = None
    """Relative distance within which values are the same; default: eight epsilons of the format or 1/1000."""

    def check(self) -> Check:
        """The probe as a check."""
        return Check(self.name, "probe", self.question, self.applies, self.observe, tuple(self.answers))

    def case(self, setting: Setting, fmt: Format) -> Case:
        """The inputs in a format."""
        op = setting.operation
        inputs = {
            name: np.asarray(_values(self.given[name], fmt), dtype=np.int64)
            if name in op.integers
            else fmt.rounded(_values(self.given[name], fmt))
            for name in op.inputs
        }
        return Case(self.name, inputs, self.parameters)

    def applies(self, setting: Setting) -> bool:
        """Whether the implementation computes one of the operations and takes the parameters."""
        if setting.operation.name not in self.operations or setting.dtype not in self.dtypes:
            return False
        empty = Case(self.name, {}, self.parameters)
        return can_ask(setting.implementation, setting.operation, empty)

    def observe(self, context: Context) -> Iterator[Observation]:
        """One observation: the label whose values the answer has."""
        case = self.case(context.setting, context.format)
        answer = self._ask(context, case)
        if isinstance(answer, NoAnswer):
            known = REFUSES in self.answers and answer.verdict == "unsupported"
            verdict = self._verdict(REFUSES) if known else answer.verdict
            judgement = Judgement(verdict, message=answer.message)
            yield context.observation(self.name, case, judgement, label=REFUSES if known else None)
            return
        label = self.match(answer, context.format)
        shown = np.array2string(answer.astype(np.float64).ravel(), threshold=12, precision=17)
        witness = {"at": [], "expected": " | ".join(self.answers), "got": shown}
        judgement = Judgement(
            self._verdict(label) if label is not None else "deviates" if self.right else "undecided",
            message=f"the answer {shown} is none of those listed" if label is None else None,
            witness=witness,
        )
        yield context.observation(self.name, case, judgement, label=label, digest=digest(answer))

    def _ask(self, context: Context, case: Case) -> Answer:
        offered = context.implementation.choices("reduction", REDUCTIONS)
        if "reduction" in self.parameters or not offered:
            return context.ask([context.call(case)])[0]
        if "none" not in offered:
            return one_by_one(context, case, context.implementation)
        whole = Case(case.name, case.inputs, {**case.parameters, "reduction": "none"})
        return context.ask([context.call(whole)])[0]

    def _verdict(self, label: str) -> str:
        return "conforms" if not self.right or set(label.split(" or ")) & set(self.right) else "deviates"

    def match(self, answer: Array, fmt: Format) -> str | None:
        """The label whose values lie nearest to the answer, and near enough; several, joined, if they coincide."""
        most = max(1e-3, 8 * fmt.epsilon) if self.tolerance is None else self.tolerance
        got = np.asarray(answer, dtype=np.float64).ravel()
        found: dict[str, float] = {}
        for label, values in self.answers.items():
            if label == REFUSES:
                continue
            expected = np.asarray(_values(values, fmt), dtype=np.float64).ravel()
            if expected.shape != got.shape:
                continue
            with np.errstate(all="ignore"):
                same = (got == expected) | (np.isnan(got) & np.isnan(expected))
                off = np.where(same, 0.0, np.abs(got / expected - 1))
            distance = float(np.nan_to_num(off, nan=math.inf).max(initial=0.0))
            if distance <= most:
                found[label] = distance
        # In a narrow format two answers can be the same number: then both labels are told.
        return " or ".join(label for label in found if found[label] == min(found.values())) or None


def _values(values: Values, fmt: Format) -> list[Any]:
    return values(fmt) if callable(values) else values


def _cross_entropy(logits: list[float], label: int) -> list[float]:
    return [math.log(sum(math.exp(z) for z in logits)) - logits[label]]


def _loss_at(clip: Callable[[Format], float]) -> Callable[[Format], list[float]]:
    """-log of the probability that clipping leaves; infinite where it leaves none."""

    def loss(fmt: Format) -> list[float]:
        left = clip(fmt)
        return [-math.log(left) if left > 0 else INF]

    return loss


def _gap(fmt: Format) -> float:
    """A distance between logits whose exponential is lost beside 1 but is a normal number."""
    return fmt.round(-1.3 * math.log(fmt.epsilon))


CLIPPED_LOW: dict[str, Values] = {
    "infinite": [INF],
    "the logarithm stops at -100": [100.0],
    "clipped at 1e-7": _loss_at(lambda fmt: fmt.round(1e-7)),
    "clipped at the format's epsilon": _loss_at(lambda fmt: fmt.epsilon),
    "NaN": [NAN],
}
CLIPPED_HIGH: dict[str, Values] = {
    "infinite": [INF],
    "the logarithm stops at -100": [100.0],
    "clipped at 1 - 1e-7": _loss_at(lambda fmt: 1 - fmt.round(1 - 1e-7)),
    "clipped at 1 - epsilon": _loss_at(lambda fmt: fmt.epsilon),
    "NaN": [NAN],
}
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
    Probe(
        "one-plus-inf-logit",
        ("softmax",),
        "What does one logit of +inf give? The limit is one-hot.",
        {"x": [[0.0, INF, 1.0]]},
        {"NaN everywhere": [NAN] * 3, "the limit": [0.0, 1.0, 0.0], "NaN at the infinity": [0.0, NAN, 0.0]},
        {"axis": -1},
    ),
    Probe(
        "two-plus-inf-logits",
        ("softmax",),
        "What do two logits of +inf give? There is no limit.",
        {"x": [[INF, INF, 1.0]]},
        {"NaN everywhere": [NAN] * 3, "a half each": [0.5, 0.5, 0.0], "NaN at the infinities": [NAN, NAN, 0.0]},
        {"axis": -1},
    ),
    Probe(
        "plus-inf-in-log-softmax",
        ("log_softmax",),
        "What does one logit of +inf give? The limit is 0 there and -inf elsewhere.",
        {"x": [[0.0, INF, 1.0]]},
        {"NaN everywhere": [NAN] * 3, "the limit": [-INF, 0.0, -INF], "NaN at the infinity": [-INF, NAN, -INF]},
        {"axis": -1},
    ),
    Probe(
        "log-softmax-near-zero",
        ("log_softmax",),
        "Does a log-probability close to 0 keep its relative accuracy?",
        {"x": lambda fmt: [[0.0, -_gap(fmt)]]},
        {
            "kept": lambda fmt: [-math.log1p(math.exp(-_gap(fmt))), -_gap(fmt) - math.log1p(math.exp(-_gap(fmt)))],
            "lost: exactly 0": lambda fmt: [0.0, -_gap(fmt)],
        },
        {"axis": -1},
    ),
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
        "zero-class-probability",
        ("categorical_cross_entropy",),
        "What is the loss of a true class with probability 0?",
        {"y_true": [[1.0, 0.0]], "y_pred": [[0.0, 1.0]]},
        CLIPPED_LOW,
    ),
    Probe(
        "probabilities-that-sum-to-a-half",
        ("categorical_cross_entropy",),
        "Are probabilities normalised?",
        {"y_true": [[1.0, 0.0]], "y_pred": [[0.25, 0.25]]},
        {"no, taken as given": [math.log(4)], "yes, divided by their sum": [math.log(2)], REFUSES: []},
    ),
    Probe(
        "minus-inf-logit-without-target",
        ("categorical_cross_entropy_with_logits",),
        "Does a logit of -inf where the target is 0 leave the loss alone?",
        {"y_true": [[0.0, 0.0, 1.0]], "logits": [[0.0, -INF, 1.0]]},
        {"yes": [math.log1p(math.exp(-1))], "no: NaN": [NAN], "no: infinite": [INF]},
        right=("yes",),
    ),
    Probe(
        "targets-that-sum-to-a-half",
        ("categorical_cross_entropy_with_logits",),
        "Are targets that sum to a half normalised?",
        {"y_true": [[0.5, 0.0]], "logits": [[0.0, 0.0]]},
        {"no, taken as given": [math.log(2) / 2], "yes, divided by their sum": [math.log(2)], REFUSES: []},
    ),
    Probe("label-too-large", SPARSE, "What does a label equal to the number of classes give?",
          {"labels": [3], "logits": [THREE]}, OUT_OF_RANGE),
    Probe("label-minus-one", SPARSE, "What does the label -1 give?", {"labels": [-1], "logits": [THREE]}, OUT_OF_RANGE),
    Probe("label-minus-hundred", SPARSE, "What does the label -100 give where none was told to be ignored?",
          {"labels": [-100], "logits": [THREE]}, OUT_OF_RANGE),
    *(
        Probe(
            f"three-animals-model-{number}",
            ("categorical_cross_entropy",),
            f"Is the mean loss of model {number} on three animals the figure {printed!r} that its source prints?",
            {"y_true": [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], "y_pred": [list(row) for row in p]},
            {"yes": [float(printed)], **({} if float(printed) == value else {f"no, it is {value!r}": [value]})},
            {"reduction": "mean"},
            right=("yes" if float(printed) == value else f"no, it is {value!r}",),
            dtypes=("float64",),
            tolerance=2.0**-51,
        )
        for number, p, printed, value in (
            (1, ANIMALS[0], "1.3783888722474517", 1.3783888522474517),
            (2, ANIMALS[1], "0.6391075640678003", 0.6391075640678003),
        )
    ),
    Probe(
        "mean-over-nothing",
        ("binary_cross_entropy_with_logits", "binary_cross_entropy"),
        "What is the mean loss of an empty batch?",
        {"y_true": [], "logits": [], "y_pred": []},
        {"NaN": [NAN], "zero": [0.0], "an empty array": [], REFUSES: []},
        {"reduction": "mean"},
    ),
)  # fmt: skip

CHECKS = tuple(probe.check() for probe in PROBES)
