"""How entries are written down that one check alone judges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.zoo.entries import Entry, Function


class ByCheck:
    """Enters functions under the id that is given; their defect is what it says."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def __call__(
        self, name: str, kind: str, check: str, operation: str, function: Function, *expected: Any, **options: Any
    ) -> None:
        """Enter one: cases that deviate, and cases that conform; or a mapping of what is expected of cases."""
        if expected and isinstance(expected[0], Mapping):
            (of_cases,) = expected
        else:
            of_cases = dict(zip(expected, ("deviates", "conforms"), strict=False))
        defect = name.replace("-", " ")
        self.entries.append(
            Entry(name, operation, function, defect, kind, options=options, check=check, expected=of_cases)
        )
