"""Stories: real questions that people asked, played on real models, each ending in a few figures that must come out."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from trueline.adapters.base import Implementation
from trueline.conformance.calls import Answer, Call, NoAnswer
from trueline.conformance.cases import Case
from trueline.conformance.checks import Check
from trueline.conformance.context import Context, Observation
from trueline.conformance.judge import Judgement, digest, unanswered
from trueline.reference.formats import Array

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
    what `data` returns, and returns the figures by name. `uses` are functions of the story that they call. `told` says
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
    uses: tuple[Callable[..., Any], ...] = ()

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

    @property
    def shared_code(self) -> str:
        """The code of the data, and of the functions that scenes use."""
        parts: tuple[Callable[..., Any], ...] = (self.data, *self.uses)
        return "\n\n\n".join(inspect.getsource(part).strip() for part in parts)

    def scene_code(self, framework: str) -> str:
        """The very code that is played in a framework."""
        return inspect.getsource(self.scenes[framework]).strip()

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
                     entry=self.entry(), code=f"{self.shared_code}\n\n\n{self.scene_code(framework)}")  # fmt: skip

    def observe(self, context: Context) -> Iterator[Observation]:
        """One observation for each figure."""
        setting = context.setting
        call = Call(setting.implementation, (), (), {}, setting.mode, setting.device)
        yield from self.observed(context, context.ask([call])[0])

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
                yield context.observation("story", case, judgement, label=label, digest=seen)


def _unplayed(answer: NoAnswer) -> Judgement:
    """A scene tells what a framework refuses as a figure: any other exception is a fault of the scene."""
    if answer.verdict == "unsupported":
        return Judgement("harness_error", message=f"the scene was not played to its end: {answer.message}")
    return unanswered(answer)
