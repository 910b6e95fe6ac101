"""Efforts: how much is asked. One table says what each asks, of frameworks and of a user's callable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

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
    """Whether labels and scenarios are asked that others stand for, and lengths between those that are named."""
    rows: int = 2
    """Rows of each length. Of three the last is plain: a mask at its start would hide what goes wrong there."""
    more_of_cheap: bool = False
    """Whether more combinations are asked of operations whose exact answers take little time."""
    shrunk: int | None = None
    """Failures of each check whose input is shrunk; None: all."""
    checks: tuple[str, ...] = ()
    """Checks that are asked, beside those of `kinds`; all, where neither names any."""
    kinds: tuple[str, ...] = ()
    formats: tuple[str, ...] = EVERY
    """Dtypes in which anything is asked."""
    dtypes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Dtypes in which a check is asked, where others stand for the rest; of checks that are not named, all."""
    ranges: frozenset[str] | None = None
    """Ranges of lengths, out of those of gaugeblock.conformance.checks.shapes; None: all."""
    derivative_lengths: tuple[int, ...] | None = None
    """Lengths at which the gradient is asked; None: all."""
    few: tuple[int, ...] = (1, 2, 3, 8, 17, 33, 129, 1025)
    """Lengths in modes that compile each shape."""
    few_ranks: bool = False
    """Whether those modes are asked for few ranks and axes, too."""
    lines: int | None = None
    """Dense lines of an operation, the first ones; None: all."""
    large: bool = True
    """Whether losses are asked over tens of thousands of classes as activations are."""
    aliases: bool = True
    """Whether an implementation that ends in the code of another is asked what that one is; if not, whether its bits
    are the same."""

    def asks(self, check: str, dtype: str) -> bool:
        """Whether the check is asked in this dtype."""
        return dtype in self.dtypes.get(check, EVERY)

    def includes(self, check: str, kind: str) -> bool:
        """Whether a check of this name and kind is asked at all."""
        return check in self.checks or kind in self.kinds or not (self.checks or self.kinds)


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


LENGTHS = (1300, 300, 4100)

QUICK = Effort("quick", checks=("value", "gradient"), kinds=("probe",), formats=("float32", "int64"), aliases=False)
"""Of a framework: conventions and special values."""

KINDS = Effort(
    "standard",
    # A vector's tail, its body, two blocks, and rows of several.
    ranges=frozenset({"1-to-8", "17-to-24", "127-to-129", "1023-to-1025"}),
    derivative_lengths=(3, 17, 129),
    few=(3, 17, 129),
    few_ranks=True,
    large=False,
    aliases=False,
)
"""Of a framework: everything, but few of each kind of shape."""


def _callable(
    name: str, combinations: int, gradients: int, points: int, lengths: tuple[int, ...], shrunk: int
) -> Effort:
    return Effort(name, combinations, gradients, points, points // 8, lengths, True, 3, True, shrunk, dtypes=LAYOUTS)


EFFORTS = {
    "quick": Row(QUICK, QUICK, _callable("quick", 80, 48, 2**14, (1300,), 1)),
    "standard": Row(
        replace(KINDS, dtypes=FRAMEWORK),
        replace(
            KINDS,
            combinations=8,
            gradients=4,
            points=2**12,
            derivative_points=2**12,
            lines=2,
            lengths=(300,),
            dtypes=COMBINED,
        ),
        _callable("standard", 600, 200, 2**21, LENGTHS, 3),
    ),
    "thorough": Row(
        Effort("thorough", dtypes=FRAMEWORK),
        Effort("thorough", 48, 16, 2**16, 2**16, LENGTHS, thorough=True, dtypes=COMBINED),
        _callable("thorough", 2400, 800, 2**23, LENGTHS, 3),
    ),
}
"""Every effort by name: the table."""

STANDARD = "standard"
"""The default."""
