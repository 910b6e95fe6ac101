"""What a check is: a rule, the settings it applies to, and what it asks there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from gaugeblock.conformance.trials.setting import Context, Observation, Setting

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
