"""Checks: a rule, the settings it applies to, and the trials it makes there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from gaugeblock.conformance.trials.setting import Setting
from gaugeblock.conformance.trials.trial import Trials
from gaugeblock.reports.records import OperationRecord, RecipeRecord

Kind = Literal["value", "gradient", "relation", "probe", "recipe", "story"]


@dataclass(frozen=True)
class Check:
    """A rule that makes trials of a setting, and does nothing else."""

    name: str
    kind: Kind
    question: str
    applies: Callable[[Setting], bool]
    trials: Callable[[Setting], Trials]
    answers: tuple[str, ...] = ()
    operation: OperationRecord | None = None
    """Of a story, what a run file says of it in place of an operation."""
    recipe: RecipeRecord | None = None
    """Of a recipe, what a run file says of it beside its expression."""
    code: str | None = None
    """What a run file shows as the call, where that only names the code: the scene of a story."""
