"""Probes: questions with enumerated answers. Which convention does the implementation follow?"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from gaugeblock.adapters.base import Implementation
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.steps import Step
from gaugeblock.conformance.checks.gradient import answer_shape, has_autodiff, has_product, with_cotangent
from gaugeblock.conformance.execution.call import Call, NoAnswer
from gaugeblock.conformance.execution.query import Query, Reply
from gaugeblock.conformance.judging.judgement import Evidence, Judgement, unanswered
from gaugeblock.conformance.judging.ulp_error import hexadecimal
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.setting import Setting, asked_one_by_one, can_ask, samples
from gaugeblock.conformance.trials.trial import Trial, Trials
from gaugeblock.reference.formats import FORMATS, Array, Format
from gaugeblock.reference.operations import REDUCTIONS
from gaugeblock.reports.records import Expected, Witness
from gaugeblock.reports.verdicts import Verdict

REFUSES = "refuses"
"""The answer of an implementation that raises; a probe that lists it takes it for an answer."""

NAN, INF = math.nan, math.inf


@dataclass(frozen=True)
class Shape:
    """In place of values: any answer of this shape."""

    of: tuple[int, ...]


Values = list[Any] | Shape | Callable[[Format], list[Any]]
Contents = list[Any] | float | Callable[[Format], Any]
"""What NumPy makes an array of, in one format or by format."""


@dataclass(frozen=True)
class Probe:
    """A question to the operations named, about `inputs`; each answer is a label with the values that mean it.

    Values are one for each row asked, or one row. Where the definition decides, `right` names the right labels.
    """

    name: str
    operations: tuple[str, ...]
    question: str
    inputs: Mapping[str, Contents]
    answers: Mapping[str, Values]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    right: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = (*FORMATS, "int64")
    tolerance: float | None = None
    """Relative distance within which values are the same; default: eight epsilons of the format or 1/1000."""
    cast: Mapping[str, str] = field(default_factory=dict)
    """Inputs that are handed over in another dtype than the operation's own."""
    reworded: Mapping[str, str] = field(default_factory=dict)
    """Text of the call and what stands in its place. Only calls that have all of it are asked."""
    left_out: tuple[str, ...] = ()
    """Parameters of the definition, or keywords of the call, that are left to the framework's defaults. Only calls that
    have them as keywords are asked."""
    calls: Mapping[str, str] = field(default_factory=dict)
    """By implementation, what is evaluated in place of the call in its table; no others are asked."""
    signs: bool = False
    """Whether 0 and -0 are different answers."""
    gradient: str | None = None
    """The input with respect to which the gradient is asked for, the upstream gradient being 1 everywhere."""
    together: bool = False
    """Whether the rows go into one call even where only their mean can be had: it is the mean of the values then."""
    steps: tuple[Step, ...] = ()
    """What is done to an object of a stateful implementation; the answer holds every result, flat."""
    otherwise: str | None = None
    """The label of an answer that is none of those listed; without one it is no answer to the question."""

    def check(self) -> Check:
        """The probe as a check."""
        labels = (*self.answers, *([self.otherwise] if self.otherwise else []))
        return Check(self.name, "probe", self.question, self.applies, self.trials, labels)

    # Where and what is asked

    def applies(self, setting: Setting) -> bool:
        """Whether the implementation computes one of the operations, and offers what the question needs."""
        op, reduction = setting.operation, self.parameters.get("reduction")
        if op.name not in self.operations or setting.dtype not in self.dtypes:
            return False
        if self.calls and setting.implementation.name not in self.calls:
            return False
        # A product that the implementation brings is that of its last input.
        if self.gradient and not (has_product if self.gradient == op.inputs[-1] else has_autodiff)(setting):
            return False
        if self.steps and not offers(setting.implementation, self.steps):
            return False
        # A sample at a time has neither the shapes that a batch has nor its gradients.
        if asked_one_by_one(setting.implementation, op, Case(self.name, {}, {"reduction": "none"})):
            if reduction == "none":
                return False
            of_each = self.gradient and not self.together and reduction is None
            if of_each and len(_in_format(next(iter(self.inputs.values())), setting.format)) > 1:
                return False
        weights = {"sample_weight": np.ones(1)} if "sample_weight" in self.inputs else {}
        asked = self.asked(setting)
        return asked is not None and can_ask(asked, op, Case(self.name, weights, self.parameters))

    def asked(self, setting: Setting) -> Implementation | None:
        """The implementation with the call that is asked; None if its own is not worded so."""
        own = setting.implementation
        call: str | None = self.calls.get(own.name, own.call)
        for text, instead in self.reworded.items():
            call = call.replace(text, instead) if call and text in call else None
        for name in self.left_out:
            shorter = without(call, name) if call else None
            stays = shorter and name in replace(own, call=shorter).names and name not in setting.operation.inputs
            call = None if stays else shorter
        return replace(own, call=call) if call else None

    def trials(self, setting: Setting) -> Trials:
        """The one trial: the label whose values the answer has."""
        asked = self.asked(setting)
        assert asked is not None
        case, reduction = self._case(setting), self._reduction(asked)
        if reduction == "samples":
            query = Query(tuple(setting.call(each, implementation=asked) for each in samples(case)), join="samples")
        else:
            posed = replace(case, parameters={**case.parameters, **({"reduction": reduction} if reduction else {})})
            if self.gradient is not None:
                upstream = setting.format.array(np.ones(answer_shape(setting.operation, posed)))
                case, posed = with_cotangent(case, upstream), with_cotangent(posed, upstream)
            query = Query((_last(setting.call(posed, implementation=asked), self.gradient),))
        yield self.trial(setting, case, query, None if asked.call == setting.implementation.call else asked.call)

    def _reduction(self, asked: Implementation) -> str | None:
        """The reduction that is asked for where the probe and its call leave it open; "samples": one by one."""
        offered = asked.choices("reduction", REDUCTIONS)
        if self.calls or "reduction" in (*self.parameters, *self.left_out) or not offered or self.steps:
            return None
        if "none" in offered:
            return "none"
        return "mean" if self.together or self.gradient is not None else "samples"

    def _case(self, setting: Setting) -> Case:
        op, fmt = setting.operation, setting.format
        masks = [name for name, domain in zip(op.inputs, op.domains, strict=True) if domain == "mask"]
        dtypes = dict.fromkeys(op.integers, "int64") | dict.fromkeys(masks, "bool") | {**self.cast}
        arrays = {}
        for name in (*op.inputs, *({"sample_weight"} & {*self.inputs})):
            values = _in_format(self.inputs[name], fmt)
            arrays[name] = np.asarray(values, np.dtype(dtypes[name])) if name in dtypes else fmt.rounded(values)
        return Case(self.name, arrays, self.parameters, steps=self.steps)

    # What is made of an answer

    def trial(self, setting: Setting, case: Case, query: Query, call: str | None = None) -> Trial:
        """The trial whose observation is the label of an answer; `call` is the expression where it is not the usual."""
        fmt = setting.format
        return Trial(case, (query,), partial(self._judged, fmt), refused=partial(self._refused, fmt, query), call=call)

    def _judged(self, fmt: Format, replies: Sequence[Reply]) -> Judgement:
        (reply,) = replies
        label = self.label(reply.answer, fmt)
        shown = np.array2string(reply.answer.astype(np.float64).ravel(), threshold=12, precision=17)
        unlisted = Verdict.DEVIATES if self.right else Verdict.UNDECIDED
        return Judgement(
            unlisted if label is None else self._verdict(label),
            label=label,
            message=f"the answer {shown} is none of those listed" if label is None else None,
            witness=Witness([], " | ".join(self.answers), shown),
            evidence=partial(self._evidence, fmt, reply, label),
        )

    def _evidence(self, fmt: Format, reply: Reply, label: str | None) -> Evidence:
        parts = [
            (call, {"got": _hexadecimals(answer.ravel()), "shape": list(answer.shape)})
            for call, answer in zip(reply.query.calls, reply.answers, strict=True)
        ]
        return Evidence(tuple(parts), self._expected(fmt, label, reply.answer))

    def _refused(self, fmt: Format, query: Query, refusal: NoAnswer) -> Judgement:
        """A refusal has a label where the probe lists it."""
        call = query.calls[0]
        if REFUSES not in self.answers or not refusal.refuses:
            return unanswered(refusal, call)
        parts = ((call, {"refused": refusal.message}),)
        return Judgement(
            self._verdict(REFUSES),
            label=REFUSES,
            message=refusal.message,
            evidence=lambda: Evidence(parts, self._expected(fmt, REFUSES, np.zeros(0))),
        )

    def _verdict(self, label: str) -> Verdict:
        right = not self.right or set(label.split(" or ")) & set(self.right)
        return Verdict.CONFORMS if right else Verdict.DEVIATES

    def label(self, answer: Array, fmt: Format) -> str | None:
        """The label whose values lie nearest to the answer, and near enough; several, joined, if they coincide.

        Where none is near enough, that of any other answer, if there is one.
        """
        distances = {label: self._distance(label, answer, fmt) for label in self.answers}
        least = min(distances.values(), default=math.inf)
        # In a narrow format two answers can be the same number: then both labels are reported.
        nearest = " or ".join(label for label, distance in distances.items() if distance == least)
        return nearest if least <= self._within(fmt) else self.otherwise

    def _expected(self, fmt: Format, label: str | None, answer: Array) -> Expected:
        """The right labels with their values, and how far from those an answer may be."""
        right: dict[str, Any] = {}
        near = [self._within(fmt)]
        for name in self.right:
            values = self.answers[name]
            if name == REFUSES:
                right[name] = "refused"
            elif isinstance(values, Shape):
                right[name] = {"shape": list(values.of)}
            else:
                right[name] = _hexadecimals(self._meant(values, answer, fmt))
                # Where another label is nearer still, so near is too far.
                near.append(self._distance(name, answer, fmt) / 2)
        return Expected(right=right, label=label, within=min(near), signs=self.signs)

    def _within(self, fmt: Format) -> float:
        """The relative distance within which values are the same."""
        return max(1e-3, 8 * fmt.epsilon) if self.tolerance is None else self.tolerance

    def _meant(self, values: Values, answer: Array, fmt: Format) -> Array:
        """The numbers that values mean for an answer of that size, flat."""
        expected = np.asarray(_in_format(values, fmt), dtype=np.float64).ravel()
        mean = self.together and answer.size == 1 and expected.size > 1
        return np.full(1, expected.mean()) if mean else expected

    def _distance(self, label: str, answer: Array, fmt: Format) -> float:
        """The largest relative distance from the values of a label; infinite where they are of other number."""
        values = self.answers[label]
        if isinstance(values, Shape):
            return 0.0 if answer.shape == values.of else math.inf
        got, expected = np.asarray(answer, dtype=np.float64).ravel(), self._meant(values, answer, fmt)
        if label == REFUSES or expected.shape != got.shape:
            return math.inf
        with np.errstate(all="ignore"):
            alike = (np.signbit(got) == np.signbit(expected)) | (not self.signs)
            same = ((got == expected) & alike) | (np.isnan(got) & np.isnan(expected))
            off = np.where(same, 0.0, np.abs(got / expected - 1))
        return float(np.nan_to_num(off, nan=math.inf).max(initial=0.0))


def _last(call: Call, name: str | None) -> Call:
    """The call with the array of that name last, where what is differentiated stands."""
    order = sorted(range(len(call.inputs)), key=lambda at: call.inputs[at] == name)
    return replace(call, inputs=tuple(call.inputs[at] for at in order), arrays=tuple(call.arrays[at] for at in order))


def without(call: str, name: str) -> str | None:
    """A call without its keywords of that name, or whose value has a parameter of that name; None if there are none."""

    def named(node: ast.AST) -> bool:
        return any(isinstance(each, ast.Name) and each.id == name for each in ast.walk(node))

    tree = ast.parse(call, mode="eval")
    for node in [each for each in ast.walk(tree) if isinstance(each, ast.Call)]:
        node.keywords = [each for each in node.keywords if each.arg != name and not named(each.value)]
    shorter = ast.unparse(tree)
    return None if shorter == ast.unparse(ast.parse(call, mode="eval")) else shorter


def offers(implementation: Implementation, steps: Sequence[Step]) -> bool:
    """Whether the objects of an implementation can be put through every step."""
    lifecycle = implementation.lifecycle
    return lifecycle is not None and all(getattr(lifecycle, step.verb) is not None for step in steps)


def _in_format(values: Contents | Values, fmt: Format) -> Any:
    return values(fmt) if callable(values) else values


def _hexadecimals(numbers: Array) -> list[str]:
    return [hexadecimal(float(number)) for number in numbers]
