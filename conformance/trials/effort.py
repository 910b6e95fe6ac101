"""Efforts: how much is asked. One table says what each asks, of frameworks and of a user's callable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gaugeblock.reference.formats import FORMATS

EVERY = (*FORMATS, "int64")
"""Every dtype that something is asked in."""


@dataclass(frozen=True)
class Effort:
    """How much is asked of an implementation. What a mode declares expensive is asked less of, in any effort."""

    name: str
    combinations: int = 0
    """Cases in which sizes, contents, parameters and layouts meet; none means neither long rows nor large batches."""
    gradients: int = 0
    """Gradients of such cases."""
    points: int = 0
    """Numbers of each dense line: every one of 16 bits, so many of a wider format."""
    derivative_points: int = 0
    """The same of its gradients."""
    lengths: tuple[int, ...] = ()
    """Entries of long rows."""
    thorough: bool = False
    """Whether lengths, labels and scenarios are asked that others stand for."""
    rows: int = 2
    """Rows of each length. Of three the last is plain: a mask at its start would hide what goes wrong there."""
    more_of_cheap: bool = False
    """Whether more combinations are asked of operations whose exact answers take little time."""
    shrunk: int | None = None
    """Failures of each check whose input is shrunk; None: all."""
    dtypes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Dtypes in which a check is asked, where others stand for the rest; of checks that are not named, all."""

    def asks(self, check: str, dtype: str) -> bool:
        """Whether the check is asked in this dtype."""
        return dtype in self.dtypes.get(check, EVERY)


LAYOUTS = {"memory-layout": ("float16", "float32", "int64")}
"""One format narrower than the registers' usual, and the usual one: other formats take the same ways."""

FRAMEWORK = {**LAYOUTS, "label-dtype": ("bfloat16", "float32", "int64")}
"""Of formats beside labels: the one that holds the fewest labels, the usual one."""

COMBINED = {
    **FRAMEWORK,
    # The others differ from these in what sweeps ask as well.
    **dict.fromkeys(
        ("combined", "combined-gradient", "large-batch", "several-batch-axes", "long-rows"), ("float32", "int64")
    ),
    # The others take a minute for the lines alone.
    "dense": ("float16", "float32"),
}


@dataclass(frozen=True)
class Row:
    """What an effort asks of each kind of subject."""

    framework: Effort
    """Of an implementation of a framework."""
    combined: Effort
    """Of one in a mode of which every deviation in combinations has its reason."""
    callable: Effort
    """Of a callable that a user hands in."""


def _row(
    name: str,
    *,
    combined: tuple[int, int, int, tuple[int, ...]],
    callable: tuple[int, int, int, tuple[int, ...]],
    shrunk: int,
) -> Row:
    """A row; each tuple has combinations, gradients of them, points of dense lines and lengths of long rows."""
    combinations, gradients, points, lengths = combined
    more = bool(combinations)
    own, own_gradients, own_points, own_lengths = callable
    return Row(
        Effort(name, dtypes=FRAMEWORK),
        Effort(name, combinations, gradients, points, points, lengths, thorough=more, dtypes=COMBINED),
        Effort(
            name, own, own_gradients, own_points, own_points // 8, own_lengths, True, 3, True, shrunk, dtypes=LAYOUTS
        ),
    )


LENGTHS = (1300, 300, 4100)

EFFORTS = {
    "quick": _row("quick", combined=(0, 0, 0, ()), callable=(80, 48, 2**14, (1300,)), shrunk=1),
    "standard": _row("standard", combined=(48, 16, 2**16, LENGTHS), callable=(600, 200, 2**21, LENGTHS), shrunk=3),
    "thorough": _row("thorough", combined=(200, 80, 2**18, LENGTHS), callable=(2400, 800, 2**23, LENGTHS), shrunk=3),
}
"""Every effort by name: the table."""

STANDARD = "standard"
"""The default."""
