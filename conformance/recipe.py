"""Recipes: what to write in one framework to get what an implementation of another means.

A recipe is an expression that claims to compute what an implementation computes, under that one's conventions. It is
asked the same cases and judged against the same exact answers, so that both are known to mean the same.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib import resources
from typing import Any

from trueline.adapters.base import Implementation
from trueline.adapters.registry import implementations
from trueline.conformance.asking import answers
from trueline.conformance.cases import Case
from trueline.conformance.checks import Check
from trueline.conformance.context import Context, Observation, can_ask
from trueline.conformance.values import judged
from trueline.reference.catalogue import operation


@dataclass(frozen=True)
class Recipe:
    """One meaning, and the expression that has it in each framework.

    `like` is the id of the implementation whose meaning it is, `says` that meaning in words. `calls` maps a framework
    to the expression, in which the operation's inputs and parameters stand under their own names. `conventions` are
    parameters of the definition that the meaning fixes beside those of `like` ({"reduction": "mean"}). The recipe is
    claimed for the cases that `cases` names (as in file names) and that state every parameter that a call mentions;
    `limits` says where it ends, and why.
    """

    name: str
    like: str
    says: str
    calls: Mapping[str, str]
    conventions: Mapping[str, Any] = field(default_factory=dict)
    cases: tuple[str, ...] = ("*",)
    limits: str = ""

    def implementation(self, framework: str) -> Implementation:
        """The expression as what it is: an implementation of the operation, under the conventions of `like`."""
        known = _implementation(self.like)
        fixed = {name: value for name, value in known.conventions.items() if not isinstance(value, tuple)}
        return Implementation(
            framework,
            known.operation,
            f"{framework}.recipe.{self.name}",
            self.calls[framework],
            {**fixed, **self.conventions},
        )

    def claims(self, implementation: Implementation, case: Case) -> bool:
        """Whether it is claimed for this case."""
        op = operation(implementation.operation)
        stated = {*case.parameters, "axis", "reduction"}
        named = {name for name in (*op.parameters, "sample_weight") if name in implementation.names}
        return (
            named <= {*stated, *case.inputs}
            and any(fnmatchcase(case.name, pattern) for pattern in self.cases)
            and can_ask(implementation, op, case)
        )

    def check(self) -> Check:
        """The recipe as a check of its expression in each framework."""

        def observe(context: Context) -> Iterator[Observation]:
            chosen = [case for case in context.cases() if self.claims(context.implementation, case)]
            for case, answer in zip(chosen, answers(context, chosen), strict=True):
                yield judged(context, "recipe", case, answer)

        question = "Does the expression compute what an implementation of another framework means?"
        told = {"like": self.like.partition("/")[2], "says": self.says, "limits": self.limits}
        return Check("recipe", "recipe", question, lambda _: True, observe, entry=told)


@functools.cache
def _implementation(name: str) -> Implementation:
    found = next((each for each in implementations() if each.id == name), None)
    if found is None:
        raise ValueError(f"a recipe is like {name}, which no adapter offers")
    return found


@functools.cache
def recipes() -> tuple[Recipe, ...]:
    """Every recipe.

    Raises ValueError if two share a name.
    """
    found = []
    folder = resources.files(__package__).joinpath("recipes")
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.endswith(".toml"):
            for entry in tomllib.loads(file.read_text(encoding="utf-8")).get("recipe", []):
                fields = {name: tuple(value) if isinstance(value, list) else value for name, value in entry.items()}
                found.append(Recipe(**fields))
    if len({each.name for each in found}) < len(found):
        raise ValueError("two recipes share a name")
    return tuple(found)
