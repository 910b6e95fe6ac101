"""What is asked of an implementation, and what may come back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gaugeblock.adapters.base import Array, Implementation, Mode
from gaugeblock.conformance.cases.steps import Step
from gaugeblock.reports.verdicts import Verdict


@dataclass(frozen=True, eq=False)
class Call:
    """One call of an implementation: arrays in the operation's order, parameters by name.

    With a `cotangent` the answer is the vector-Jacobian product with respect to the last array. With `steps` they
    are done to live objects of a stateful implementation, and the answer holds every result asked for, flat. With a
    `layout` arrays lie in memory so where they can, and a call that writes to one of them has no answer, but deviates.
    """

    implementation: Implementation
    inputs: tuple[str, ...]
    arrays: tuple[Array, ...]
    parameters: Mapping[str, Any]
    mode: Mode
    device: str
    cotangent: Array | None = None
    order: int = 1
    """2 asks for the second derivative of a function of one number, times the square of the cotangent."""
    steps: tuple[Step, ...] = ()
    layout: str | None = None


def vectors(parameters: Mapping[str, Any], call: Call) -> dict[str, Array]:
    """Parameters that are one number for each class: arrays of the format of what is differentiated."""
    listed = {name: value for name, value in parameters.items() if isinstance(value, tuple)}
    return {name: np.array(value, call.arrays[-1].dtype) for name, value in listed.items()}


LACKING = re.compile(r"AttributeError: module '[^']+' has no attribute|TypeError: .*unexpected keyword argument")
"""What Python says of a call that names something which is not there."""

NO_CODE = re.compile(
    r"Failed to materialize symbols|LLVM (compilation error|ERROR)|could not create a primitive descriptor"
)
"""What LLVM and oneDNN say without code for the processor: of float16 below AVX, of bfloat16 below AVX-512."""


@dataclass(frozen=True)
class NoAnswer:
    """Why there is no answer: `unsupported` (the framework raised), `crashed`, `timed_out`, `not_run`, `harness_error`.

    `deviates`: there is one, and the call wrote to its input, or it is no array of numbers.
    """

    verdict: Verdict
    message: str
    wrote: str | None = None
    """The input that the call wrote to."""

    @property
    def refuses(self) -> bool:
        """Whether the framework looked at what it was handed and raised.

        A version that lacks the function, or a keyword that the call names, was not asked, nor was one that has no code
        for the processor: its `unsupported` is no answer to a question.
        """
        never_asked = LACKING.search(self.message) or NO_CODE.search(self.message)
        return self.verdict == Verdict.UNSUPPORTED and not never_asked


Answer = Array | NoAnswer
