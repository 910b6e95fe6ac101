"""Functions with the names of a definition, made out of formulas of its samples.

A formula takes the inputs in their order, by whatever names, and the parameters that it knows by their own: labels
and masks as they are, numbers as widely as right functions compute, unless it is to have them as they are. A loss
gives each sample's, or with it what it weighs in a mean; the reduction and the weights of samples are added here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from inspect import Parameter
from typing import Any

import numpy as np
from gaugeblock.reference.catalogue import OPERATIONS

Function = Callable[..., Any]
REDUCTION = {"reduction": "mean", "sample_weight": None}


@dataclass(frozen=True)
class Maker:
    """How formulas of one sort become functions.

    `value` makes the answer of a formula's, the input whose dtype it gets and the arguments `added`; `gradient` the
    same with the cotangent before these. Where nothing is added, a formula of a gradient takes the cotangent itself.
    """

    wide: Function
    value: Function
    gradient: Function | None = None
    added: tuple[str, ...] = ("reduction", "sample_weight")
    added_to_gradient: tuple[str, ...] = ("reduction", "sample_weight")
    parameter: Function = lambda value, like: value
    """What a formula gets of a parameter."""

    def __call__(self, formula: Function) -> Function:
        """The function that a formula with the name of an operation, or of one's gradient, stands for."""
        return self.of(formula.__name__, formula)

    def slope(self, formula: Function) -> Function:
        """The gradient that a formula with the name of the operation stands for."""
        return self.of(f"{formula.__name__}_gradient", formula)

    def of(self, name: str, formula: Function, *, wide: bool = True) -> Function:
        """The same for a formula without a name; its numbers are as they are, if `wide` is false."""
        operation = OPERATIONS[name.removesuffix("_gradient")]
        gradient = name.endswith("_gradient")
        added = self.added_to_gradient if gradient else self.added
        parameters = [each for each in inspect.signature(formula).parameters.values() if each.default is not each.empty]
        names = (*operation.inputs, "cotangent") if gradient else operation.inputs
        signature = inspect.Signature(
            [Parameter(each, Parameter.POSITIONAL_OR_KEYWORD) for each in names]
            + parameters
            + [Parameter(each, Parameter.POSITIONAL_OR_KEYWORD, default=REDUCTION[each]) for each in added]
        )
        widened = [wide and domain not in ("label", "mask") for domain in operation.domains]

        def function(*arguments: Any, **keywords: Any) -> Any:
            bound = signature.bind(*arguments, **keywords)
            bound.apply_defaults()
            values = bound.arguments
            like = np.asarray(values[operation.inputs[-1]])
            taken = [
                (self.wide if w else np.asarray)(values[n]) for n, w in zip(operation.inputs, widened, strict=True)
            ]
            if gradient and not added:
                taken.append(self.wide(values["cotangent"]))
            answer = formula(*taken, **{each.name: self.parameter(values[each.name], like) for each in parameters})
            rest = [values[each] for each in added]
            if gradient and self.gradient:
                return self.gradient(answer, like, values["cotangent"], *rest)
            return self.value(answer, like, *rest)

        function.__name__, function.__module__ = name, formula.__module__
        function.__signature__ = signature  # type: ignore[attr-defined]
        return function
