"""Policies: what a judgement holds against an answer, and what it leaves to other checks."""

from __future__ import annotations

from dataclasses import dataclass

from gaugeblock.reference.summation import Sums, in_any_order, pairwise


@dataclass(frozen=True)
class Policy:
    """How an answer is judged.

    Frameworks are held to the best known algorithm. Checks that look for what is grossly wrong, and all checks of a
    callable that a user hands in, are relaxed: how accurate a sum is, and what becomes of subnormal results, have
    checks of their own.
    """

    any_order: bool = False
    """Whether functions may be composed in any way that keeps digits: sums in any order, exponentials to any base."""
    flush: bool = False
    """Whether a zero where a subnormal number is expected is said in the judgement's message, and is no deviation."""

    @property
    def sums(self) -> Sums:
        """How sums may be taken."""
        return in_any_order if self.any_order else pairwise


STRICT = Policy()
RELAXED = Policy(any_order=True, flush=True)
