"""The verdicts: one enumeration, its order, and how each is shown; and the classes of accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Verdict(StrEnum):
    """What an observation says, most serious first: the order of every list of findings."""

    symbol: str
    """One character that stands for it."""
    style: str
    """A style of rich's."""
    meaning: str
    """What it says, in a sentence."""

    HARNESS_ERROR = (
        "harness_error",
        "!",
        "bold magenta",
        "The suite itself failed here; nothing is said about the framework.",
    )
    CRASHED = "crashed", "†", "bold red", "The framework's process died."
    TIMED_OUT = "timed_out", "…", "bold red", "The framework gave no answer within the time limit."
    DEVIATES = (
        "deviates",
        "✗",
        "red",
        "The answer is not what the definition and the allowance require, and no known deviation explains it.",
    )
    UNDECIDED = "undecided", "?", "magenta", "The suite cannot tell."
    KNOWN = "known", "≈", "yellow", "The answer deviates, and a known deviation explains it."
    UNSUPPORTED = "unsupported", "–", "dim", "The framework refuses this input, with the message shown."
    NOT_RUN = "not_run", "○", "dim", "Not measured: there is no such device, mode or installation."
    CONFORMS = (
        "conforms",
        "✓",
        "green",
        "The answer agrees with the definition within the allowance, or a probe found its label.",
    )

    def __new__(cls, value: str, symbol: str = "", style: str = "", meaning: str = "") -> Verdict:
        """A member with its value and what it is shown with."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.symbol, member.style, member.meaning = symbol, style, meaning
        return member

    @property
    def rank(self) -> int:
        """Its place in the order: 0 is the most serious."""
        return _RANKS[self]

    @property
    def words(self) -> str:
        """As a reader's words: 'timed out'."""
        return self.value.replace("_", " ")


_RANKS = {verdict: rank for rank, verdict in enumerate(Verdict)}

FAILING = frozenset({Verdict.DEVIATES, Verdict.CRASHED, Verdict.TIMED_OUT})
"""Verdicts that say the framework's behaviour is not as defined, and that nothing explains it."""

WRONG = FAILING | {Verdict.KNOWN}
"""The same, and deviations that are known: they are deviations still."""

ABSENT = frozenset({Verdict.UNSUPPORTED, Verdict.NOT_RUN})
"""Verdicts that say there was no answer to judge."""

SCRIPTED = (Verdict.DEVIATES, Verdict.KNOWN)
"""The verdicts of observations that have a script."""

ACCURACIES: Mapping[str, str] = {
    "correctly rounded": "at most half an ULP from the exact value",
    "faithful": "less than one ULP from the exact value",
    "within bound": "further, but within the operation's stated bound",
    "beyond": "further than the bound allows",
    "wrong": "NaN or infinity where a number is expected, or the reverse",
}
"""Accuracy classes, best first, and what they mean."""


def ordered(counts: Mapping[Verdict, int]) -> dict[Verdict, int]:
    """Counts by verdict that are not zero: `conforms` first, then most serious first."""
    names = sorted(Verdict, key=lambda verdict: verdict is not Verdict.CONFORMS)
    return {verdict: counts[verdict] for verdict in names if counts.get(verdict)}
