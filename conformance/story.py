"""Stories: real questions that people asked, played on real models, each ending in a few figures that must come out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from trueline.adapters.base import Implementation
from trueline.conformance.cases import Case
from trueline.conformance.checks import Check
from trueline.conformance.context import Context, Observation
from trueline.conformance.isolation import Answer, Call, NoAnswer
from trueline.conformance.judge import Judgement, digest, unanswered
from trueline.reference.formats import Array


@dataclass(frozen=True)
class Figure:
    """A number that a story ends in.

    Each answer is a label with the number that means it, `within` which the number seen must be; `why` says where both
    come from. `right` are the labels under which the story is told.
    """

    name: str
    question: str
    answers: Mapping[str, float]
    right: tuple[str, ...]
    within: float
    why: str

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

    `scenes` maps a framework to the expression that builds and trains its models, evaluated in its process, where
    `stories` is the package of them; its value is an array (len(figures),) of binary64 numbers, in the order of
    `figures`. `told` says what happened, `instead` what to write.
    """

    name: str
    title: str
    asked: str
    inputs: Mapping[str, Callable[[], Array]]
    scenes: Mapping[str, str]
    figures: tuple[Figure, ...]
    told: str
    instead: str
    source: str
    modes: tuple[str, ...] = field(default=())
    """The modes in which it is played; empty means every eager one."""

    def implementation(self, framework: str) -> Implementation:
        """The scene of a framework, as what is called."""
        name = f"{framework}.story"
        return Implementation(framework, self.name, name, self.scenes[framework], stateful=True, differentiable=False)

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

    def check(self) -> Check:
        """The story as a check with one observation for each figure."""
        return Check("story", "story", "Do the figures of the story come out?", lambda _: True, self.observe,
                     entry=self.entry())  # fmt: skip

    def observe(self, context: Context) -> Iterator[Observation]:
        """One observation for each figure."""
        setting = context.setting
        arrays = {name: make() for name, make in self.inputs.items()}
        call = Call(setting.implementation, tuple(arrays), tuple(arrays.values()), {}, setting.mode, setting.device)
        yield from self.observed(context, context.ask([call])[0])

    def observed(self, context: Context, answer: Answer) -> Iterator[Observation]:
        """What is made of the figures that a scene gave."""
        for number, figure in enumerate(self.figures):
            # The data follow from the story alone, and are too large to keep.
            case = Case(figure.name, {})
            if isinstance(answer, NoAnswer):
                yield context.observation("story", case, unanswered(answer))
            elif answer.shape != (len(self.figures),):
                message = f"{answer.shape} figures where {len(self.figures)} are due"
                yield context.observation("story", case, Judgement("harness_error", message=message))
            else:
                judgement, label = figure.judgement(float(answer[number]))
                yield context.observation(
                    "story", case, judgement, label=label, digest=digest(np.array(answer[number]))
                )
