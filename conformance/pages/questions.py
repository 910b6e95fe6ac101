"""Questions: what a user asks about behaviour, and the checks that answer it by measuring."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path

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
    files = sorted(Path(__file__).with_name("data").glob("*.toml"))
    entries = [entry for file in files for entry in tomllib.loads(file.read_text(encoding="utf-8"))["question"]]
    found = [Question(each["paragraph"], each["text"], tuple(each["answered_by"])) for each in entries]
    for question in found:
        if not question.answered_by or not set(question.answered_by) <= _known().keys():
            raise ValueError(f"no check answers the question {question.text!r} under the name that it gives")
    return tuple(sorted(found, key=lambda each: each.paragraph))
