"""Recipes: what to write in one framework to get what an implementation of another means.

A recipe is an expression that claims to compute what an implementation computes, under that one's conventions. It is
asked the same cases and judged against the same exact answers, so that both are known to mean the same.
"""

from __future__ import annotations

import difflib
import functools
import math
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from importlib import resources
from typing import Any

import numpy as np
from gaugeblock.adapters.base import NATIVE, Implementation
from gaugeblock.adapters.registry import implementations
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.rows import rows_of
from gaugeblock.conformance.checks.value import value_trial
from gaugeblock.conformance.known.admission import frameworks
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.setting import Setting, can_ask
from gaugeblock.conformance.trials.trial import Trials
from gaugeblock.reference.catalogue import Operation, operation
from gaugeblock.reference.operations import REDUCTIONS
from gaugeblock.reports.records import RecipeRecord

OF_NUMPY = ("numpy", "sklearn")
"""Frameworks whose arrays are NumPy's, which has no bfloat16 of its own."""
IMAGES = (3, 4)
"""Samples and pixels of a batch of images, whose classes stand on axis 1."""


@dataclass(frozen=True)
class Recipe:
    """One meaning, and the expression that has it in each framework.

    `like` is the id of the implementation whose meaning it is, `says` that meaning in words. `calls` maps a framework
    to the expression, in which the operation's inputs and parameters stand under their own names. `conventions` are
    parameters of the definition that the meaning fixes beside those of `like` ({"reduction": "mean"}). The recipe is
    claimed for the cases that `cases` names (as in file names) and that state what a call mentions and has no default
    for; `limits` says where it ends, and why. `images` asks it of labels (N, d) and logits (N, C, d) instead.

    A loss or metric of many samples without a reduction gives the values of single samples: it is `ways` recipes, one
    for each way of reducing and weighing them, written as `reductions.toml` says; by default all that `like` offers.
    """

    name: str
    like: str
    says: str
    calls: Mapping[str, str]
    conventions: Mapping[str, Any] = field(default_factory=dict)
    cases: tuple[str, ...] = ("*",)
    limits: str = ""
    images: bool = False
    ways: tuple[str, ...] = ()

    @property
    def operation(self) -> Operation:
        """The operation of `like`."""
        return operation(self.like.partition("/")[0])

    def reduced(self) -> Iterator[Recipe]:
        """Itself, or one recipe for each of its ways."""
        if self.operation.kind == "activation" or self.operation.whole or "reduction" in self.conventions:
            yield self
            return
        meant = implementation(self.like)
        offered = [way for way in REDUCTIONS if way in meant.choices("reduction", REDUCTIONS)]
        weighed = [f"weighted-{way}" for way in offered if "sample_weight" in meant.names]
        for way in self.ways or (*offered, *weighed):
            divided = "-over-samples" if way == "weighted-mean" and "mean_over" in meant.conventions else ""
            forms = _reductions()[self.operation.kind].get(way + divided, {})
            yield replace(
                self,
                name=self.name if way == "none" else f"{self.name}-{way}",
                calls={name: forms.get(name, "{}").format(call) for name, call in self.calls.items()},
                conventions={**self.conventions, "reduction": way.removeprefix("weighted-")},
            )

    def implementation(self, framework: str) -> Implementation:
        """The expression as what it is: an implementation of the operation, under the conventions of `like`."""
        known = implementation(self.like)
        fixed = {name: value for name, value in known.conventions.items() if not isinstance(value, tuple)}
        return Implementation(
            framework,
            known.operation,
            f"{framework}.recipe.{self.name}",
            self.calls[framework],
            {**fixed, **self.conventions},
            NATIVE if framework in OF_NUMPY else None,
        )

    def claims(self, written: Implementation, case: Case) -> bool:
        """Whether it is claimed for this case."""
        without_default = {name for name, default in self.operation.parameters.items() if default is None}
        return (
            case.parameters.get("reduction") == written.conventions.get("reduction")
            and ((without_default | {"sample_weight"}) & written.names) <= {*case.parameters, *case.inputs}
            and any(fnmatchcase(case.name, pattern) for pattern in self.cases)
            and can_ask(written, self.operation, case)
        )

    def asked(self, setting: Setting) -> list[Case]:
        """The cases that it is claimed for."""
        made = setting.cases()
        if self.images:
            inputs = rows_of(self.operation, setting.format, math.prod(IMAGES), 10, "images")
            for name, array in inputs.items():
                shaped = array.reshape(*IMAGES, *array.shape[1:])
                inputs[name] = np.ascontiguousarray(np.moveaxis(shaped, -1, 1)) if array.ndim > 1 else shaped
            made = (Case("images", inputs, {"axis": 1, "reduction": self.conventions["reduction"]}),)
        return [case for case in made if self.claims(setting.implementation, case)]

    def check(self) -> Check:
        """The recipe as a check of its expression in each framework."""
        question = "Does the expression compute what an implementation of another framework means?"
        record = RecipeRecord(self.like.partition("/")[2], self.says, self.limits)
        return Check("recipe", "recipe", question, lambda _: True, self.trials, recipe=record)

    def trials(self, setting: Setting) -> Trials:
        """One trial for each case that it is claimed for."""
        for case in self.asked(setting):
            yield value_trial(setting, case, together="recipe")


class UnknownImplementationError(LookupError):
    """No adapter offers this; the message names the nearest that one does."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.4)
        hint = f"did you mean '{near[0]}'?" if near else "'gaugeblock list implementations' names them all."
        super().__init__(f"there is no implementation '{name}': {hint}")


@functools.cache
def _by_id() -> dict[str, Implementation]:
    return {each.id: each for each in implementations()}


def implementation(identity: str) -> Implementation:
    """The implementation with this id; UnknownImplementationError with the near match if there is none."""
    if identity not in _by_id():
        raise UnknownImplementationError(identity, _by_id())
    return _by_id()[identity]


def named(name: str) -> list[Implementation]:
    """The implementations with this public path, or this id; UnknownImplementationError if there are none."""
    every = implementations(frameworks())
    found = [each for each in every if name in (each.name, each.id)]
    if not found:
        raise UnknownImplementationError(name, [each.name for each in every])
    return found


def _tables() -> Iterator[dict[str, Any]]:
    for file in sorted(resources.files(__package__).joinpath("data").iterdir(), key=lambda each: each.name):
        if file.name.endswith(".toml"):
            yield tomllib.loads(file.read_text(encoding="utf-8"))


@functools.cache
def _reductions() -> dict[str, dict[str, dict[str, str]]]:
    """How values of single samples are reduced: by kind of operation, way and framework, with {} for the values."""
    return next(table["reductions"] for table in _tables() if "reductions" in table)


@functools.cache
def recipes() -> tuple[Recipe, ...]:
    """Every recipe; ValueError if two share a name."""
    found: list[Recipe] = []
    for table in _tables():
        for entry in table.get("recipe", []):
            lists = {name: tuple(value) for name, value in entry.items() if isinstance(value, list)}
            found += Recipe(**{**entry, **lists}).reduced()
    names = [each.name for each in found]
    if len(set(names)) < len(names):
        raise ValueError(f"recipes share a name: {sorted({name for name in names if names.count(name) > 1})}")
    return tuple(found)
