"""Probes: questions with enumerated answers. Which convention does the implementation follow?"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from gaugeblock.adapters.base import Implementation
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.lifecycle import Step
from gaugeblock.conformance.checks.gradient import has_autodiff, has_gradient
from gaugeblock.conformance.execution.call import Answer, Call, NoAnswer
from gaugeblock.conformance.judging.judge import Judgement, digest, hexadecimal, refuses
from gaugeblock.conformance.judging.showing import Part, Replay, Shown
from gaugeblock.conformance.trials.batching import joined, samples
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.setting import Context, Observation, Setting, asked_one_by_one, can_ask
from gaugeblock.reference.formats import FORMATS, Array, Format
from gaugeblock.reference.operations import REDUCTIONS

REFUSES = "refuses"
"""The answer of an implementation that raises; a probe that lists it takes it for an answer."""

NAN, INF = math.nan, math.inf


@dataclass(frozen=True)
class Shape:
    """In place of values: any answer of this shape."""

    of: tuple[int, ...]


Values = list[Any] | Shape | Callable[[Format], list[Any]]
Given = list[Any] | float | Callable[[Format], Any]
"""What NumPy makes an array of, in one format or by format."""


@dataclass(frozen=True)
class Probe:
    """A question to the operations named, put with `given`; each answer is a label with the values that mean it.

    Values are one for each row asked, or one row. Where the definition decides, `right` names the right labels.
    """

    name: str
    operations: tuple[str, ...]
    question: str
    given: Mapping[str, Given]
    answers: Mapping[str, Values]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    right: tuple[str, ...] = ()
    dtypes: tuple[str, ...] = (*FORMATS, "int64")
    tolerance: float | None = None
    """Relative distance within which values are the same; default: eight epsilons of the format or 1/1000."""
    given_as: Mapping[str, str] = field(default_factory=dict)
    """Inputs that are handed over in another dtype than the operation's own."""
    reworded: Mapping[str, str] = field(default_factory=dict)
    """Text of the call and what stands in its place. Asked of calls that have all of it."""
    left_out: tuple[str, ...] = ()
    """Parameters of the definition, or keywords of the call, that are left to the framework's defaults. Asked of calls
    that have them as keywords."""
    calls: Mapping[str, str] = field(default_factory=dict)
    """By implementation, what is evaluated in place of the call in its table; no others are asked."""
    signs: bool = False
    """Whether 0 and -0 are different answers."""
    slope: str | None = None
    """The input with respect to which the gradient is asked for, the upstream gradient being 1 everywhere."""
    together: bool = False
    """Whether the rows go into one call even where only their mean can be had: it is the mean of the values then."""
    steps: tuple[Step, ...] = ()
    """What is done to an object of a stateful implementation; the answer holds every result, flat."""
    otherwise: str | None = None
    """The label of an answer that is none of those listed; without one it is no answer to the question."""

    def check(self) -> Check:
        """The probe as a check."""
        listed = (*self.answers, *([self.otherwise] if self.otherwise else []))
        return Check(self.name, "probe", self.question, self.applies, self.observe, listed)

    def case(self, setting: Setting, fmt: Format) -> Case:
        """The inputs in a format."""
        op = setting.operation

        def made(name: str) -> Array:
            values = _listed(self.given[name], fmt)
            if name in self.given_as:
                return np.asarray(values, dtype=np.dtype(self.given_as[name]))
            return np.asarray(values, dtype=np.int64) if name in op.integers else fmt.rounded(values)

        weights = [name for name in ("sample_weight",) if name in self.given]
        return Case(self.name, {name: made(name) for name in (*op.inputs, *weights)}, self.parameters)

    def asked(self, setting: Setting) -> Implementation | None:
        """The implementation with the call that is asked; None if its own is not worded so."""
        found = setting.implementation
        if self.calls:
            found = replace(found, call=self.calls.get(found.name, found.call))
        for text, instead in self.reworded.items():
            if text not in found.call:
                return None
            found = replace(found, call=found.call.replace(text, instead))
        for name in self.left_out:
            call = without(found.call, name)
            stays = name in replace(found, call=call).names and name not in setting.operation.inputs
            if call == without(found.call, "") or stays:
                return None
            found = replace(found, call=call)
        return found

    def _rows(self, setting: Setting) -> int:
        return len(_listed(next(iter(self.given.values())), FORMATS.get(setting.dtype, FORMATS["float64"])))

    def applies(self, setting: Setting) -> bool:
        """Whether the implementation computes one of the operations, and offers what the question needs."""
        op = setting.operation
        if op.name not in self.operations or setting.dtype not in self.dtypes:
            return False
        if self.calls and setting.implementation.name not in self.calls:
            return False
        # A product that the implementation brings is that of its last input.
        if self.slope is not None and not (has_gradient if self.slope == op.inputs[-1] else has_autodiff)(setting):
            return False
        # A sample at a time has neither the shapes that a batch has nor its slopes.
        alone = asked_one_by_one(setting.implementation, op, Case(self.name, {}, {"reduction": "none"}))
        sloped = self.slope and "reduction" not in self.parameters and not self.together and self._rows(setting) > 1
        if alone and (self.parameters.get("reduction") == "none" or sloped):
            return False
        if self.steps and not _offers(setting.implementation, self.steps):
            return False
        weights = {"sample_weight": np.ones(1)} if "sample_weight" in self.given else {}
        asked = self.asked(setting)
        return asked is not None and can_ask(asked, op, Case(self.name, weights, self.parameters))

    def observe(self, context: Context) -> Iterator[Observation]:
        """One observation: the label whose values the answer has."""
        case = self.case(context.setting, context.format)
        asked = self.asked(context.setting)
        assert asked is not None
        posed = _Posed(context, case, self, asked)
        calls = posed.calls(case)
        seen = self.observed(context, case, posed.answer(context.ask(calls)), posed)
        yield seen if asked.call == context.implementation.call else {**seen, "call": asked.call}

    def observed(self, context: Context, case: Case, answer: Answer, replay: Replay | None = None) -> Observation:
        """What the probe makes of an answer."""
        if isinstance(answer, NoAnswer):
            known = REFUSES in self.answers and refuses(answer)
            verdict = self._verdict(REFUSES) if known else answer.verdict
            judgement = Judgement(verdict, message=answer.message)
            return context.observation(self.name, case, judgement, replay=replay, label=REFUSES if known else None)
        label = self.match(answer, context.format) or self.otherwise
        shown = np.array2string(answer.astype(np.float64).ravel(), threshold=12, precision=17)
        witness = {"at": [], "expected": " | ".join(self.answers), "got": shown}
        judgement = Judgement(
            self._verdict(label) if label is not None else "deviates" if self.right else "undecided",
            message=f"the answer {shown} is none of those listed" if label is None else None,
            witness=witness,
        )
        return context.observation(self.name, case, judgement, replay=replay, label=label, digest=digest(answer))

    def reduced(self, asked: Implementation) -> str | None:
        """The reduction that is asked for where the probe and its call leave it open; "samples" one by one."""
        offered = asked.choices("reduction", REDUCTIONS)
        if self.calls or "reduction" in (*self.parameters, *self.left_out) or not offered or self.steps:
            return None
        whole = self.together or self.slope is not None
        if "none" not in offered:
            return "mean" if whole else "samples"
        return "none"

    def called(self, context: Context, case: Case, asked: Implementation) -> Call:
        """The call that asks a case."""
        call = replace(context.call(case, implementation=asked), steps=self.steps)
        if self.slope is not None:
            # The array that is differentiated stands last.
            order = sorted(range(len(call.inputs)), key=lambda at: call.inputs[at] == self.slope)
            call = replace(
                call,
                inputs=tuple(call.inputs[at] for at in order),
                arrays=tuple(call.arrays[at] for at in order),
                cotangent=_ones(context, case),
            )
        return call

    def _verdict(self, label: str) -> str:
        return "conforms" if not self.right or set(label.split(" or ")) & set(self.right) else "deviates"

    def match(self, answer: Array, fmt: Format) -> str | None:
        """The label whose values lie nearest to the answer, and near enough; several, joined, if they coincide."""
        found: dict[str, float] = {}
        for label, values in self.answers.items():
            if isinstance(values, Shape):
                if answer.shape == values.of:
                    found[label] = 0.0
            elif label != REFUSES:
                distance = self.distance(answer, self.meant(label, answer, fmt))
                if distance <= self.within(fmt):
                    found[label] = distance
        # In a narrow format two answers can be the same number: then both labels are told.
        return " or ".join(label for label in found if found[label] == min(found.values())) or None

    def within(self, fmt: Format) -> float:
        """The relative distance within which values are the same."""
        return max(1e-3, 8 * fmt.epsilon) if self.tolerance is None else self.tolerance

    def meant(self, label: str, answer: Array, fmt: Format) -> Array:
        """The values that a label means for an answer of that size, flat."""
        values = self.answers[label]
        assert not isinstance(values, Shape)
        expected = np.asarray(_listed(values, fmt), dtype=np.float64).ravel()
        if self.together and answer.size == 1 and expected.size > 1:
            return np.full(1, expected.mean())
        return expected

    def distance(self, answer: Array, expected: Array) -> float:
        """The largest relative distance from values that are expected; infinite where they are of other number."""
        got = np.asarray(answer, dtype=np.float64).ravel()
        if expected.shape != got.shape:
            return math.inf
        with np.errstate(all="ignore"):
            alike = (np.signbit(got) == np.signbit(expected)) | (not self.signs)
            same = ((got == expected) & alike) | (np.isnan(got) & np.isnan(expected))
            off = np.where(same, 0.0, np.abs(got / expected - 1))
        return float(np.nan_to_num(off, nan=math.inf).max(initial=0.0))


@dataclass(frozen=True)
class _Posed:
    """A probe's question to an implementation, asked once more."""

    context: Context
    case: Case
    probe: Probe
    asked: Implementation

    @property
    def shrinks(self) -> bool:
        """Whether another case can be asked in its place."""
        return False

    def calls(self, case: Case) -> list[Call]:
        """One call, or one for each sample where there is no other way."""
        reduction = self.probe.reduced(self.asked)
        if reduction == "samples":
            return [self.context.call(each, implementation=self.asked) for each in samples(case)]
        if reduction is not None:
            case = replace(case, parameters={**case.parameters, "reduction": reduction})
        return [self.probe.called(self.context, case, self.asked)]

    def answer(self, answers: Sequence[Answer]) -> Answer:
        """The answer, or those of all samples as one."""
        return joined(answers) if self.probe.reduced(self.asked) == "samples" else answers[0]

    def shown(self, case: Case, calls: Sequence[Call], answers: Sequence[Answer]) -> Shown:
        """The label of the answer, the right ones with their values, and how far from those an answer may be."""
        probe, fmt, answer = self.probe, self.context.format, self.answer(answers)
        parts = [_part(call, each) for call, each in zip(calls, answers, strict=True)]
        found = probe.observed(self.context, case, answer)
        right: dict[str, Any] = {}
        near = [probe.within(fmt)]
        given = np.zeros(0) if isinstance(answer, NoAnswer) else answer
        for label in probe.right:
            values = probe.answers[label]
            if label == REFUSES:
                right[label] = "refused"
            elif isinstance(values, Shape):
                right[label] = {"shape": list(values.of)}
            else:
                expected = probe.meant(label, given, fmt)
                right[label] = [hexadecimal(float(value)) for value in expected]
                # Where another label is nearer still, so near is too far.
                near.append(probe.distance(given, expected) / 2)
        due = {"right": right, "label": found.get("label"), "within": min(near), "signs": probe.signs or None}
        return Shown(found, tuple(parts), {name: value for name, value in due.items() if value is not None})


def _part(call: Call, answer: Answer) -> Part:
    if isinstance(answer, NoAnswer):
        return Part(call, {"refused": answer.message})
    return Part(call, {"got": [hexadecimal(float(value)) for value in answer.ravel()], "shape": list(answer.shape)})


def without(call: str, name: str) -> str:
    """A call without its keywords of that name, or whose value is a parameter of that name."""

    class Remover(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST:
            node.keywords = [each for each in node.keywords if each.arg != name and name not in _named(each.value)]
            return self.generic_visit(node)

    tree = ast.parse(call, mode="eval")
    before = ast.unparse(tree)
    after = ast.unparse(Remover().visit(tree))
    return call if after == before else after


def _named(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _offers(implementation: Implementation, steps: Sequence[Step]) -> bool:
    lifecycle = implementation.lifecycle
    return lifecycle is not None and all(getattr(lifecycle, step.verb) is not None for step in steps)


def _ones(context: Context, case: Case) -> Array:
    """An upstream gradient of ones, in the shape of the answer."""
    op = context.operation
    shape = case.inputs[op.inputs[-1]].shape
    if op.core_ranks[-1] and not op.output_rank:
        shape = tuple(np.delete(shape, int(case.parameters.get("axis", -1))))
    return context.format.array(np.ones(() if case.parameters.get("reduction", "none") != "none" else shape))


def _listed(values: Given, fmt: Format) -> Any:
    return values(fmt) if callable(values) else values


def loss_at(clip: Callable[[Format], float]) -> Callable[[Format], list[float]]:
    """-log of the probability that clipping leaves; infinite where it leaves none."""

    def loss(fmt: Format) -> list[float]:
        left = clip(fmt)
        return [-math.log(left) if left > 0 else INF]

    return loss


CLIPPED_LOW: dict[str, Values] = {
    "infinite": [INF],
    "the logarithm stops at -100": [100.0],
    "clipped at 1e-7": loss_at(lambda fmt: fmt.round(1e-7)),
    "clipped at the format's epsilon": loss_at(lambda fmt: fmt.epsilon),
    "NaN": [NAN],
}
CLIPPED_HIGH: dict[str, Values] = {
    "infinite": [INF],
    "the logarithm stops at -100": [100.0],
    "clipped at 1 - 1e-7": loss_at(lambda fmt: 1 - fmt.round(1 - 1e-7)),
    "clipped at 1 - epsilon": loss_at(lambda fmt: fmt.epsilon),
    "NaN": [NAN],
}
