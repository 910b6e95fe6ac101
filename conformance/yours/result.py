"""What `check` found: verdicts, failures with their witnesses, conventions, and what was not covered."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gaugeblock.adapters.base import Array
from gaugeblock.reports.values import both, ulp
from rich.console import Console, RenderableType, group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

SHOWN = 5
"""Failures of one check that a summary shows."""

ENTRIES = 24
"""Numbers of an input that a summary shows; of a larger one, three at each end of an axis."""

WIDTH = 110


class ConformanceError(AssertionError):
    """An implementation that was checked does not conform; the message is the summary."""


@dataclass(frozen=True, repr=False, eq=False)
class Witness:
    """The input of a failure: arrays and parameters by the operation's names, and the place in the answer.

    Among the arrays of a gradient is its `cotangent`.
    """

    inputs: Mapping[str, Array]
    parameters: Mapping[str, Any]
    at: tuple[int, ...] = ()

    def __str__(self) -> str:
        arrays = (f"{name}={_shown(array)}" for name, array in self.inputs.items())
        return ", ".join([*arrays, *(f"{name}={value!r}" for name, value in self.parameters.items())])

    def __repr__(self) -> str:
        return f"<{self}>"


@dataclass(frozen=True, eq=False)
class Failure:
    """One answer that is wrong: what was asked, what is expected, what came, and by how much.

    `error` and `bound` are in ULP of the exact value; None where they are no distances. `expected` is the exact value
    to 20 digits, or the labels that are right; `got` is a hexadecimal number, a label or what was raised. The witness
    is the smallest input found that fails for the same reason; `original` is the case as it was asked.
    """

    check: str
    question: str
    case: str
    dtype: str
    witness: Witness
    expected: str
    got: str
    error: float | None
    bound: float | None
    message: str
    original: Witness

    def __str__(self) -> str:
        text = f"{self.check} of {self.case} ({self.dtype})"
        if self.expected or self.got:
            text += f": expected {self.expected}, got {self.got}"
        if self.error is not None and self.bound is not None:
            text += f", {ulp(self.error)} ULP where {ulp(self.bound)} are allowed"
        return text + (f": {self.message}" if self.message else "")


@dataclass(frozen=True, repr=False, eq=False)
class Result:
    """The verdict on an implementation.

    `conventions` holds, by question, the label that it was measured to follow, or the parameter of the definition
    that explains its answers. `not_covered` says, a sentence each, what was not asked or has no answer.
    `counts` are the observations by verdict; `failures` come one for each observation, the gravest check first.
    """

    name: str
    operation: str
    arrays: str
    dtypes: tuple[str, ...]
    effort: str
    failures: tuple[Failure, ...]
    conventions: Mapping[str, str]
    not_covered: tuple[str, ...]
    counts: Mapping[str, int]
    answered: int
    """How many values and gradients were judged and are right."""
    seconds: float

    @property
    def conforms(self) -> bool:
        """Whether something was answered, and nothing failed."""
        return not self.failures and self.answered > 0

    def __repr__(self) -> str:
        said = "conforms" if self.conforms else f"does not conform, {len(self.failures)} failures"
        return f"<{self.name} as {self.operation}: {said}>"

    def raise_for_failures(self) -> None:
        """ConformanceError, an AssertionError, with the summary, unless it conforms."""
        __tracebackhide__ = True
        if not self.conforms:
            raise ConformanceError("\n" + _text(self.summary()))

    def _repr_html_(self) -> str:
        console = Console(record=True, width=WIDTH, file=io.StringIO(), force_jupyter=False)
        console.print(self.summary())
        return console.export_html(inline_styles=True, code_format='<pre style="line-height:1.3">{code}</pre>')

    def __str__(self) -> str:
        return _text(self.summary()).rstrip()

    @group()
    def summary(self) -> Iterator[RenderableType]:
        """The verdict, failures by check, conventions and what was not covered, for rich's print."""
        verdict = ("✓ conforms", "bold green") if self.conforms else ("✗ does not conform", "bold red")
        asked = f" to {self.operation} in {', '.join(self.dtypes)} ({self.arrays} arrays, effort {self.effort})"
        yield Text.assemble((self.name, "bold"), " ", verdict, asked)
        counted = ", ".join(f"{count} {verdict}" for verdict, count in self.counts.items())
        yield Text(f"{counted or 'nothing was judged'}; {self.seconds:.1f} s", "dim")
        by_check = Counter((failure.check, failure.dtype) for failure in self.failures)
        for (check, dtype), count in by_check.items():
            members = [each for each in self.failures if (each.check, each.dtype) == (check, dtype)]
            yield Text.assemble((f"\n✗ {check}", "red"), f", {dtype}: {count} failed. ", (members[0].question, "dim"))
            for failure in members[:SHOWN]:
                yield _grid(_rows(failure))
            if count > SHOWN:
                yield Text(f"  ... and {count - SHOWN} more", "dim")
        if self.conventions:
            yield Text("\nConventions, as measured", "bold")
            yield _grid(self.conventions.items())
        if self.not_covered:
            yield Text("\nNot covered", "bold")
            for sentence in self.not_covered:
                yield Padding(Text(sentence, overflow="fold"), (0, 0, 0, 2))


def _rows(failure: Failure) -> list[tuple[str, str]]:
    got, witness = failure.got, failure.witness
    if got.lstrip("-").startswith(("0x", "nan", "inf")):
        got = both(got, failure.dtype)
    rows = [("case", failure.case), *((name, _shown(array)) for name, array in witness.inputs.items())]
    rows += [(name, repr(value)) for name, value in witness.parameters.items()]
    rows += [("at", str(list(witness.at)) if witness.at else ""), ("expected", failure.expected), ("got", got)]
    if failure.error is not None and failure.bound is not None:
        rows.append(("error", f"{ulp(failure.error)} ULP, {ulp(failure.bound)} allowed"))
    return [(name, text) for name, text in (*rows, ("said", failure.message)) if text]


def _grid(rows: Iterable[tuple[str, str]]) -> Padding:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim", overflow="fold")
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(Text(name), Text(text))
    return Padding(table, (0, 0, 0, 2))


def _shown(array: Array) -> str:
    wide = array.astype(np.float64) if array.dtype.kind not in "biu" else array
    listed = np.array2string(wide, separator=", ", threshold=ENTRIES, edgeitems=3, max_line_width=10_000)
    return f"{array.dtype.name}{list(array.shape)} {' '.join(listed.split())}"


def _text(rendered: RenderableType) -> str:
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=False)
    console.print(rendered)
    return console.export_text()
