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


def changed(function: Function, **changes: Function) -> Function:
    """The same function of other arguments: each change takes those that it names, and gives one of them anew."""
    signature = inspect.signature(function)

    def of_others(*arguments: Any, **keywords: Any) -> Any:
        bound = signature.bind(*arguments, **keywords)
        bound.apply_defaults()
        values = bound.arguments
        anew = {
            name: change(*(values[each] for each in inspect.signature(change).parameters))
            for name, change in changes.items()
        }
        return function(**{**values, **anew})

    of_others.__signature__ = signature  # type: ignore[attr-defined]
    return of_others


def added(
    function: Function,
    total: Function = lambda each: each.astype(np.longdouble).sum(),
    count: Function = np.size,
    mean: Function | None = None,
) -> Function:
    """The same losses without parameters, but for their sum, their number or their mean; with weights the right one."""
    whole = inspect.signature(function)
    signature = whole.replace(
        parameters=[each for each in whole.parameters.values() if each.default is each.empty or each.name in REDUCTION]
    )

    def loss(*arguments: Any, **keywords: Any) -> Any:
        bound = signature.bind(*arguments, **keywords)
        bound.apply_defaults()
        values = bound.arguments
        if values["reduction"] == "none" or values["sample_weight"] is not None:
            return function(**values)
        each = function(**{**values, "reduction": "none"})
        if values["reduction"] == "sum":
            return np.asarray(total(each)).astype(each.dtype)
        return np.asarray(mean(each) if mean else total(each) / np.float64(count(each))).astype(each.dtype)

    loss.__signature__ = signature  # type: ignore[attr-defined]
    return loss


def in_binary32(each: Any) -> Any:
    """The sum in binary32."""
    return np.float64(each.astype(np.float32).sum(dtype=np.float32))


def mean_of_means(each: Any, size: int) -> Any:
    """The mean of those of blocks of that size, each of which counts the same."""
    return np.mean([each.ravel()[start : start + size].mean(dtype=np.float64) for start in range(0, each.size, size)])


def along(function: Function) -> Function:
    """What a function makes of rows that lie last, put back where they were, in the dtype that they had."""

    def activation(x: Any, axis: int = -1) -> Any:
        return np.moveaxis(np.asarray(function(np.moveaxis(x, axis, -1))), -1, axis).astype(x.dtype)

    return activation


def less_the_largest(x: Any) -> Any:
    """Rows less their maximum, in their own format, and half ones in binary32."""
    x = x.astype(np.result_type(x.dtype, np.float32))
    return x - x.max(axis=-1, keepdims=True)
