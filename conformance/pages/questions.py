"""Questions: what a user asks about behaviour, and the checks that answer it by measuring."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from importlib import resources

from gaugeblock.conformance.checks.table import CHECKS
from gaugeblock.conformance.trials.check import Check


@dataclass(frozen=True)
class Question:
    """One question, the paragraph that it belongs to, and the names of the checks that answer it."""

    paragraph: str
    text: str
    answered_by: tuple[str, ...]

    @property
    def checks(self) -> tuple[Check, ...]:
        """The checks that answer it."""
        return tuple(_known()[name] for name in self.answered_by)


@functools.cache
def _known() -> dict[str, Check]:
    return {check.name: check for check in CHECKS}


@functools.cache
def questions() -> tuple[Question, ...]:
    """Every question, by paragraph.

    Raises ValueError if one is answered by no check that there is.
    """
    found = []
    folder = resources.files(__package__).joinpath("data")
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.endswith(".toml"):
            for entry in tomllib.loads(file.read_text(encoding="utf-8"))["question"]:
                found.append(Question(entry["paragraph"], entry["text"], tuple(entry["answered_by"])))
    for question in found:
        if not question.answered_by or not set(question.answered_by) <= _known().keys():
            raise ValueError(f"no check answers the question {question.text!r} under the name that it gives")
    return tuple(sorted(found, key=lambda each: each.paragraph))
