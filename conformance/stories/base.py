"""Stories: real questions that people asked, played on real models, each ending in a few figures that must come out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gaugeblock.adapters.base import Implementation
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.execution.call import Answer, Call, NoAnswer
from gaugeblock.conformance.judging.judge import Judgement, digest, hexadecimal, unanswered
from gaugeblock.conformance.judging.showing import Part, Shown, observed
from gaugeblock.conformance.stories.source_bundle import bundled
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.setting import Context, Observation
from gaugeblock.reference.formats import Array

REFUSED = math.nan
"""The figure of what a framework refuses."""


@dataclass(frozen=True)
class Figure:
    """A number that a story ends in.

    Each answer is a label with the number that means it, `within` which the number seen must be; `why` says where both
    come from. `right` are the labels under which the story is told. `frameworks` are those whose scenes end in it;
    empty means all that have a scene.
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

    def judgement(self, got: float) -> tuple[Judgement, str | None]:
        """What is made of the number seen."""
        label = self.label(got)
        expected = " | ".join(f"{text}: {value!r}" for text, value in self.answers.items())
        witness = {"at": [], "expected": expected, "got": float(got).hex() if math.isfinite(got) else repr(got)}
        message = None if label else f"{got!r} is none of the figures listed, each within {self.within:g}"
        return Judgement("conforms" if label in self.right else "deviates", message=message, witness=witness), label


@dataclass(frozen=True)
class Story:
    """A question that somebody asked, the data it is played on, and what comes of it.

    `scenes` maps a framework to the function that builds and trains its models, in that framework's process: it takes
    what `data` returns, and returns the figures by name. `told` says
    what happened, `instead` what to write; with `asked` they are Markdown. The module `stories.NAME` has it under the
    name STORY.
    """

    name: str
    title: str
    asked: str
    data: Callable[[], tuple[Array, ...]]
    scenes: Mapping[str, Callable[..., Mapping[str, float]]]
    figures: tuple[Figure, ...]
    told: str
    instead: str
    source: str
    dtype: str = "float32"
    """The format that it is computed in."""

    def asked_of(self, framework: str) -> tuple[Figure, ...]:
        """The figures that the framework's scene ends in."""
        return tuple(figure for figure in self.figures if framework in (figure.frameworks or self.scenes))

    def play(self, framework: str) -> Array:
        """The figures of the framework's scene: binary64 numbers, in the order of `asked_of`.

        ValueError if the scene ends in others.
        """
        seen = self.scenes[framework](*self.data())
        names = [figure.name for figure in self.asked_of(framework)]
        if sorted(seen) != sorted(names):
            raise ValueError(f"the scene ends in {sorted(seen)} where {sorted(names)} are due")
        return np.array([seen[name] for name in names], np.float64)

    def code(self, *frameworks: str) -> str:
        """The very code that is played in the frameworks, with all that it needs but them and NumPy."""
        return bundled(self.data, *(self.scenes[framework] for framework in frameworks))

    def implementation(self, framework: str) -> Implementation:
        """The scene of a framework, as what is called."""
        call = f"stories.{self.name}.STORY.play({framework!r})"
        return Implementation(framework, self.name, f"{framework}.story", call, stateful=True, differentiable=False)

    def entry(self) -> dict[str, Any]:
        """What a run file says of it in place of an operation."""
        return {
            "kind": "story",
            "summary": self.title,
            "formula": self.told,
            "source": self.source,
            "parameters": {figure.name: f"{figure.question} {figure.why}" for figure in self.figures},
            "bound": self.instead,
        }

    def check(self, framework: str) -> Check:
        """The story as a check with one observation for each figure of the framework's scene."""
        return Check("story", "story", "Do the figures of the story come out?", lambda _: True, self.observe,
                     entry=self.entry(), code=self.code(framework))  # fmt: skip

    def observe(self, context: Context) -> Iterator[Observation]:
        """One observation for each figure."""
        yield from self.observed(context, context.ask([call_of(context)])[0])

    def observed(self, context: Context, answer: Answer) -> Iterator[Observation]:
        """What is made of the figures that a scene gave."""
        for number, figure in enumerate(self.asked_of(context.implementation.framework)):
            # The data follow from the story alone, and are too large to keep.
            case = Case(figure.name, {})
            if isinstance(answer, NoAnswer):
                yield context.observation("story", case, _unplayed(answer))
            else:
                judgement, label = figure.judgement(float(answer[number]))
                seen = digest(np.array(answer[number]))
                replay = Played(context, self, case)
                yield context.observation("story", case, judgement, replay=replay, label=label, digest=seen)


def call_of(context: Context) -> Call:
    """The call that plays a scene."""
    setting = context.setting
    return Call(setting.implementation, (), (), {}, setting.mode, setting.device)


@dataclass(frozen=True)
class Played:
    """A figure of a scene, which is played again."""

    context: Context
    story: Story
    case: Case

    @property
    def shrinks(self) -> bool:
        """The data are the story's own."""
        return False

    def calls(self, case: Case) -> list[Call]:  # noqa: ARG002
        """The call that plays the scene, whose figures come together."""
        return [call_of(self.context)]

    def shown(self, case: Case, calls: Sequence[Call], answers: Sequence[Answer]) -> Shown:
        """The figure, beside those under which the story is told."""
        (call,), (answer,) = calls, answers
        if isinstance(answer, NoAnswer):
            return Shown(observed(unanswered(answer)))
        framework = call.implementation.framework
        asked = zip(self.story.asked_of(framework), answer, strict=True)
        (figure, got) = next((figure, got) for figure, got in asked if figure.name == case.name)
        judgement, label = figure.judgement(float(got))
        text = f"{self.story.scenes[framework].__name__}(*{self.story.data.__name__}())[{figure.name!r}]"
        due = {
            "right": {name: [hexadecimal(figure.answers[name])] for name in figure.right},
            "apart": figure.within,
            **({"label": label} if label else {}),
        }
        return Shown(observed(judgement, label=label), (Part(call, {"call": text}),), due)


def _unplayed(answer: NoAnswer) -> Judgement:
    """A scene tells what a framework refuses as a figure: any other exception is a fault of the scene."""
    if answer.verdict == "unsupported":
        return Judgement("harness_error", message=f"the scene was not played to its end: {answer.message}")
    return unanswered(answer)
