"""What a check is, and the table of them all."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gaugeblock.conformance.context import Context, Observation, Setting

Kind = Literal["value", "gradient", "relation", "probe", "recipe", "story"]


@dataclass(frozen=True)
class Check:
    """A rule that turns a setting's answers into observations."""

    name: str
    kind: Kind
    question: str
    applies: Callable[[Setting], bool]
    observe: Callable[[Context], Iterable[Observation]]
    answers: tuple[str, ...] = ()
    entry: Mapping[str, Any] | None = None
    """What a run file says more: of a story in place of an operation, of a recipe beside its expression."""
    code: str | None = None
    """What a run file shows as the call, where that only names the code: the scene of a story."""


@functools.cache
def checks() -> tuple[Check, ...]:
    """Every check, in the order in which they run."""
    from gaugeblock.conformance import (
        combinations,
        dense,
        gradients,
        input_dtypes,
        invariances,
        label_dtypes,
        large,
        layouts,
        probes,
        relations,
        streaming,
        sweeps,
        values,
    )

    every = (
        values.CHECK,
        label_dtypes.CHECK,
        *gradients.CHECKS,
        *sweeps.CHECKS,
        *large.CHECKS,
        *combinations.checks_of(*combinations.USUAL),
        *dense.CHECKS,
        *relations.CHECKS,
        *invariances.CHECKS,
        layouts.CHECK,
        input_dtypes.CHECK,
        *probes.CHECKS,
        *streaming.CHECKS,
    )
    names = [check.name for check in every]
    if len(set(names)) < len(names):
        raise ValueError("two checks share a name")
    return every
