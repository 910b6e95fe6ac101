"""Translations: how a framework says what an implementation of another means, by one of its own or by a recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gaugeblock.adapters.base import Implementation
from gaugeblock.adapters.registry import adapter, implementations
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.cases import cases
from gaugeblock.conformance.known.admission import frameworks
from gaugeblock.conformance.recipes.recipe import Recipe, named, recipes
from gaugeblock.conformance.trials.setting import can_ask
from gaugeblock.reference.catalogue import OPERATIONS, Operation

ARRAYS = {"numpy": "numpy", "sklearn": "numpy", "torch": "torch", "tensorflow": "tensorflow", "keras": "keras",
          "jax": "jax", "torchmetrics": "torch"}  # fmt: skip
"""The frameworks that expressions are written in, and whose arrays each of them takes."""

DIVISOR = "mean_over"
PLACE = ("reduction", "axis")
"""Conventions that a case states, or that make no difference to rows of two axes."""

Meaning = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, order=True)
class Pair:
    """A way of asking implementations that a framework has no expression for."""

    operation: str
    framework: str
    asked: str
    """With which reduction, parameters and weights."""
    conventions: str
    like: str
    """One of the implementations that mean it."""


def meaning(op: Operation, conventions: Mapping[str, Any], case: Case) -> Meaning:
    """The conventions that make a difference in a case: what a mean divides by does only in one that is weighed."""
    weighed = "sample_weight" in case.inputs or (
        "ignore_index" in op.parameters and bool({"class_weight", "ignore_index"} & set(case.parameters))
    )
    return tuple(sorted(_kept(conventions, weighed and case.parameters.get("reduction") == "mean").items()))


def _ways(op: Operation) -> dict[tuple[Any, ...], Case]:
    """A case for each way of asking: the parameters it states, its reduction, and whether samples have weights."""
    found: dict[tuple[Any, ...], Case] = {}
    # Operations on labels alone have cases of every format.
    for case in cases(op.name, "float32"):
        stated = frozenset((name, value != op.parameters.get(name)) for name, value in case.parameters.items())
        found.setdefault((stated, case.parameters.get("reduction"), "sample_weight" in case.inputs), case)
    return found


def _asked(case: Case) -> str:
    stated = [name for name in case.parameters if name not in PLACE]
    weights = ["sample_weight"] if "sample_weight" in case.inputs else []
    return ", ".join([str(case.parameters.get("reduction", "")), *stated, *weights]).removeprefix(", ")


def _offered(op: Operation, case: Case, framework: str) -> set[Meaning]:
    """What a framework, or the one whose arrays it takes, can be asked to mean there."""
    names = {framework, ARRAYS[framework]}
    own = [each for name in names for each in adapter(name).implementations]
    meant = [each for each in own if each.operation == op.name and can_ask(each, op, case)]
    for recipe in recipes():
        if recipe.operation.name == op.name and not recipe.images:
            written = [recipe.implementation(name) for name in recipe.calls if name in names]
            meant += [each for each in written if recipe.claims(each, case)]
    return {meaning(op, each.conventions, case) for each in meant}


def missing() -> list[Pair]:
    """What an implementation of one framework means and another framework has neither by itself nor by a recipe.

    Of the suite's own frameworks; a library of metrics is asked only for operations that it has implementations of.
    """
    found = set()
    for op in OPERATIONS.values():
        every = [each for each in implementations() if each.operation == op.name]
        concerned = [name for name in ARRAYS if ARRAYS[name] == name or any(each.framework == name for each in every)]
        for case in _ways(op).values():
            able = [each for each in reversed(every) if can_ask(each, op, case)]
            meant = {meaning(op, each.conventions, case): each.id for each in able}
            for framework in concerned if meant else ():
                for lacking in meant.keys() - _offered(op, case, framework):
                    conventions = ", ".join(f"{name}={value}" for name, value in lacking)
                    found.add(Pair(op.name, framework, _asked(case), conventions, meant[lacking]))
    return sorted(found)


def translations(name: str, to: str | None = None) -> Iterator[tuple[Recipe, str, str]]:
    """Each recipe that means what the implementation called `name` means, with a framework and its expression.

    `name` is a public path, or an id; `to` names a framework. Raises UnknownImplementationError.
    """
    meant = named(name)
    for recipe in recipes():
        if any(means(recipe, each) for each in meant):
            for framework, call in recipe.calls.items():
                if to in (None, framework):
                    yield recipe, framework, call


def equivalents(name: str, to: str | None = None) -> Iterator[Implementation]:
    """Implementations of other frameworks with the operation and the conventions of what is called `name`.

    Raises UnknownImplementationError.
    """
    meant = [(each.operation, each.framework, _kept(each.conventions)) for each in named(name)]
    for each in implementations(frameworks()):
        if to in (None, each.framework) and any(
            (each.operation, _kept(each.conventions)) == (operation, conventions) and each.framework != framework
            for operation, framework, conventions in meant
        ):
            yield each


def _kept(conventions: Mapping[str, Any], divided: bool = True) -> dict[str, Any]:
    """The conventions that are no matter of the place, and of a mean of weighed samples also what it divides by."""
    without = PLACE if divided else (*PLACE, DIVISOR)
    return {name: value for name, value in conventions.items() if name not in without}


def means(recipe: Recipe, implementation: Implementation) -> bool:
    """Whether a recipe means what an implementation does: the same operation under the same conventions."""
    if recipe.operation.name != implementation.operation:
        return False
    written = recipe.implementation(next(iter(recipe.calls)))
    reduction = written.conventions.get("reduction")
    if reduction is not None and reduction not in implementation.choices("reduction", (reduction,)):
        return False
    divided = reduction == "mean" and bool(written.names & {"sample_weight", "class_weight", "ignore_index"})
    return _kept(written.conventions, divided) == _kept(implementation.conventions, divided)
