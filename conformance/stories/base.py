"""Stories: real questions that people asked, played on real models, each ending in a few figures that must come out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from gaugeblock.adapters.base import Implementation
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.execution.call import Call, NoAnswer
from gaugeblock.conformance.execution.query import Query, Reply
from gaugeblock.conformance.judging.judgement import Evidence, Judgement, unanswered
from gaugeblock.conformance.judging.ulp_error import digest, hexadecimal
from gaugeblock.conformance.stories.source_bundle import bundled
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.setting import Setting
from gaugeblock.conformance.trials.trial import Asking, Trial, Trials
from gaugeblock.reference.formats import Array
from gaugeblock.reports.records import Expected, OperationRecord, Witness
from gaugeblock.reports.verdicts import Verdict

REFUSED = math.nan
"""The figure of what a framework refuses."""


@dataclass(frozen=True)
class Figure:
    """A number that a story ends in.

    Each answer is a label with the number that means it, `within` which the number seen must be; `why` says where both
    come from. `right` are the labels that bear the story out. `frameworks` are those whose scenes end in it; empty
    means all that have a scene.
    """

    name: str
    question: str
    answers: Mapping[str, float]
    right: tuple[str, ...]
    within: float
    why: str
    frameworks: tuple[str, ...] = ()

    def label(self, got: float) -> str | None:
        """The label of the number nearest to `got`, and near enough."""
        off = {
            label: 0.0 if got == value or (math.isnan(got) and math.isnan(value)) else abs(got - value)
            for label, value in self.answers.items()
        }
        near = {label: distance for label, distance in off.items() if distance <= self.within}
        return min(near, key=near.__getitem__, default=None)

    def judgement(self, got: float) -> Judgement:
        """What is made of the number seen."""
        label = self.label(got)
        expected = " | ".join(f"{text}: {value!r}" for text, value in self.answers.items())
        return Judgement(
            Verdict.CONFORMS if label in self.right else Verdict.DEVIATES,
            label=label,
            message=None if label else f"{got!r} is none of the figures listed, each within {self.within:g}",
            witness=Witness([], expected, hexadecimal(got)),
            digest=digest(np.array(got)),
        )


@dataclass(frozen=True)
class Story:
    """A question that somebody asked, the data it is played on, and what comes of it.

    `scenes` maps a framework to the function that builds and trains its models, in that framework's process: it takes
    what `data` returns, and returns the figures by name. `explanation` says what happened, `instead` what to write;
    with `question` they are Markdown. The module `stories.NAME` has it under the name STORY.
    """

    name: str
    title: str
    question: str
    data: Callable[[], tuple[Array, ...]]
    scenes: Mapping[str, Callable[..., Mapping[str, float]]]
    figures: tuple[Figure, ...]
    explanation: str
    instead: str
    source: str
    dtype: str = "float32"
    """The format that it is computed in."""

    def figures_of(self, framework: str) -> tuple[Figure, ...]:
        """The figures that the framework's scene ends in."""
        return tuple(figure for figure in self.figures if framework in (figure.frameworks or self.scenes))

    def play(self, framework: str) -> Array:
        """The figures of the framework's scene: binary64 numbers, in the order of `figures_of`.

        ValueError if the scene ends in others.
        """
        seen = self.scenes[framework](*self.data())
        names = [figure.name for figure in self.figures_of(framework)]
        if sorted(seen) != sorted(names):
            raise ValueError(f"the scene ends in {sorted(seen)} where {sorted(names)} are expected")
        return np.array([seen[name] for name in names], np.float64)

    def code(self, *frameworks: str) -> str:
        """The very code that is played in the frameworks, with all that it needs but them and NumPy."""
        return bundled(self.data, *(self.scenes[framework] for framework in frameworks))

    def implementation(self, framework: str) -> Implementation:
        """The scene of a framework, as what is called."""
        call = f"stories.{self.name}.STORY.play({framework!r})"
        return Implementation(framework, self.name, f"{framework}.story", call, stateful=True, differentiable=False)

    def record(self) -> OperationRecord:
        """What a run file says of it in place of an operation."""
        parameters = {figure.name: f"{figure.question} {figure.why}" for figure in self.figures}
        return OperationRecord("story", self.title, self.explanation, self.source, parameters, self.instead)

    def check(self, framework: str) -> Check:
        """The story as a check with one observation for each figure of the framework's scene."""
        question = "Do the figures of the story come out?"
        record, code = self.record(), self.code(framework)
        return Check("story", "story", question, lambda _: True, self.trials, operation=record, code=code)

    def trials(self, setting: Setting) -> Trials:
        """One trial for each figure. The scene is played once for all."""
        scene = Query((Call(setting.implementation, (), (), {}, setting.mode, setting.device),))
        (reply,) = yield Asking((scene,))
        for number, figure in enumerate(self.figures_of(setting.implementation.framework)):
            # The data follow from the story alone, and are too large to keep.
            judge = partial(self._judged, number, figure)
            yield Trial(Case(figure.name, {}), (scene,), judge, refused=_unplayed, replies=(reply,))

    def _judged(self, number: int, figure: Figure, replies: Sequence[Reply]) -> Judgement:
        (reply,) = replies
        (call,) = reply.query.calls
        found = figure.judgement(float(reply.answer[number]))
        text = f"{self.scenes[call.implementation.framework].__name__}(*{self.data.__name__}())[{figure.name!r}]"
        expected = Expected(
            right={name: [hexadecimal(figure.answers[name])] for name in figure.right},
            apart=figure.within,
            label=found.label,
        )
        return replace(found, evidence=partial(Evidence, ((call, {"call": text}),), expected))


def _unplayed(answer: NoAnswer) -> Judgement:
    """A scene reports what a framework refuses as a figure: any other exception is a fault of the scene."""
    if answer.verdict == Verdict.UNSUPPORTED:
        return Judgement(Verdict.HARNESS_ERROR, message=f"the scene was not played to its end: {answer.message}")
    return unanswered(answer)
