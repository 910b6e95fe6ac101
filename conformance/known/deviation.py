"""A known deviation: its cause, where that reaches, and how far it can carry an answer."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Literal, get_args

from gaugeblock.conformance.known.conditions import When
from gaugeblock.conformance.known.sight import Sight
from gaugeblock.reference.formats import FORMATS
from gaugeblock.reports.records import KnownRecord
from gaugeblock.reports.verdicts import FAILING, Verdict
from msgspec import Struct
from packaging.requirements import Requirement

Kind = Literal["defect", "accuracy", "convention", "limitation"]
"""A result that is wrong and can be mended; one that is rounded worse than the bound allows; a choice that is
documented or deliberate; something that is not supported, subnormal numbers or a dtype for example."""

KINDS: tuple[str, ...] = get_args(Kind)

EVERYWHERE = When()


class KnownDeviation(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A deviation whose cause is known.

    Its fields say where the cause reaches (`keys`, `versions`, `when`), and which answers it explains there: those that
    any of `at_most` (with `per_term` and `per_size`), `cancels`, `apart`, `flush`, `gives`, `wrong` and `refused`
    admits.
    """

    id: str
    kind: Kind
    why: str
    keys: tuple[str, ...]
    """Patterns of observation keys, part by part: `*` and `?` as in file names, `|` between alternatives."""
    versions: tuple[str, ...] = ()
    """Requirements ("torch>=2.3") that must all hold."""
    when: When = EVERYWHERE
    """Conditions of the case, the answer and the machine that must all hold."""
    link: str | None = None
    """Of a defect, the upstream issue; of a convention, where it is documented."""
    reported: bool | None = None
    """`false` says of a defect that nobody has told upstream; it has a link otherwise."""
    at_most: float = 0.0
    """The largest error in ULP that is explained."""
    per_term: float = 0.0
    """ULP that are added to it for each entry along the core axis: the error of a sum grows with its length."""
    per_size: float = 0.0
    """ULP that are added to it for each unit of the largest finite |input|: an exponential turns the rounding of its
    argument into a relative error of that size."""
    cancels: float = 0.0
    """The largest error that is explained in units of the terms, not of the answer: of epsilon times the largest
    finite |input|, or times 1 if that is larger. Where terms of this size cancel, an answer keeps no more digits."""
    apart: float = 0.0
    """The same in the terms themselves, of an answer to another question: twice what went in, for example."""
    computed_in: str | None = None
    """A format narrower than the dtype, in which the answer is computed: ULP and epsilon are this one's."""
    flush: bool | float = False
    """Whether a subnormal number may be taken for 0 or for the smallest normal number: an error of at most that. A
    number says how many such terms an answer has."""
    gives: tuple[Literal["nan", "infinity", "zero", "subnormal", "normal"], ...] = ()
    """Sorts of answers that are explained whatever is expected: NaN of 0 * inf, infinity of an overflow."""
    wrong: bool = False
    """Whether what is no distance is explained: NaN against a number, another label or shape, a crash."""
    refused: bool = False
    """Whether it is explained that the framework takes none of the cases; their verdict stays `unsupported`."""

    def holds_for(self, versions: Mapping[str, str]) -> bool:
        """Whether it speaks of these versions."""
        for text in self.versions:
            requirement = _requirement(text)
            installed = versions.get(requirement.name)
            if installed is None or not requirement.specifier.contains(installed, prereleases=True):
                return False
        return True

    def explains(self, seen: Sight) -> bool:
        """Whether a deviation of a case that a key of it names is of the kind and size that is meant."""
        return self.admits(seen) and not self.when.unfulfilled(seen)

    def admits(self, seen: Sight) -> bool:
        """Whether the answer lies under its ceiling, whatever its conditions say."""
        if self.refused:
            return seen.observation.verdict is Verdict.UNSUPPORTED
        if seen.observation.verdict not in FAILING:
            return False
        if seen.observation.witness is not None and seen.sort(seen.got) in self.gives:
            return True
        if seen.observation.error is None:
            return self.wrong
        return seen.observation.error <= self.ceiling(seen)

    def ceiling(self, seen: Sight) -> float:
        """The largest error in ULP that it explains of a case."""
        fmt = seen.format if self.computed_in is None else FORMATS[self.computed_in]
        # Beyond the logarithm of the largest number an exponential is infinite or 0.
        size = min(seen.magnitude or 0.0, math.log(fmt.largest))
        relative = self.at_most + self.per_term * (seen.length or 0) + self.per_size * size
        found = [relative * fmt.epsilon / seen.format.epsilon]
        if (self.flush or self.cancels or self.apart) and seen.distance is not None and seen.observation.error:
            # One unit in the last place, as a number; of an exact hit there would be none to tell.
            unit = seen.distance / seen.observation.error
            for size in (
                fmt.smallest_normal * self.flush,
                self.cancels * fmt.epsilon * seen.scale,
                self.apart * seen.scale,
            ):
                # The unit is a rounded quotient.
                found.append(size / unit * (1 + 1e-9) if unit else math.inf)
        return max(found)

    def record(self, file: str | None = None) -> KnownRecord:
        """The known deviation as the run file holds it; `file` is the user's own in which it stands."""
        return KnownRecord(self.why, ", ".join(self.versions) or "all", self.link, self.kind, file)


@functools.cache
def _requirement(text: str) -> Requirement:
    return Requirement(text)
