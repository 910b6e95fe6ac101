"""The verdicts: one enumeration, its order, and how each is shown; and the classes of accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Verdict(StrEnum):
    """What an observation says, most serious first: the order of every list of findings."""

    HARNESS_ERROR = "harness_error"
    CRASHED = "crashed"
    TIMED_OUT = "timed_out"
    DEVIATES = "deviates"
    UNDECIDED = "undecided"
    KNOWN = "known"
    UNSUPPORTED = "unsupported"
    NOT_RUN = "not_run"
    CONFORMS = "conforms"

    @property
    def rank(self) -> int:
        """Its place in the order: 0 is the most serious."""
        return _RANKS[self]

    @property
    def symbol(self) -> str:
        """One character that stands for it."""
        return _SHOWN[self][0]

    @property
    def style(self) -> str:
        """A style of rich's."""
        return _SHOWN[self][1]

    @property
    def meaning(self) -> str:
        """What it says, in a sentence."""
        return _SHOWN[self][2]

    @property
    def words(self) -> str:
        """As a reader's words: 'timed out'."""
        return self.value.replace("_", " ")


_RANKS = {verdict: rank for rank, verdict in enumerate(Verdict)}

_SHOWN = {
    Verdict.HARNESS_ERROR: ("!", "bold magenta", "The suite itself failed here; nothing is said about the framework."),
    Verdict.CRASHED: ("†", "bold red", "The framework's process died."),
    Verdict.TIMED_OUT: ("…", "bold red", "The framework gave no answer within the time limit."),
    Verdict.DEVIATES: (
        "✗",
        "red",
        "The answer is not what the definition and the allowance require, and no known deviation explains it.",
    ),
    Verdict.UNDECIDED: ("?", "magenta", "The suite cannot tell."),
    Verdict.KNOWN: ("≈", "yellow", "The answer deviates, and a known deviation explains it."),
    Verdict.UNSUPPORTED: ("–", "dim", "The framework refuses this input, with the message shown."),
    Verdict.NOT_RUN: ("○", "dim", "Not measured: there is no such device, mode or installation."),
    Verdict.CONFORMS: (
        "✓",
        "green",
        "The answer agrees with the definition within the allowance, or a probe found its label.",
    ),
}

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

ACCURACY_RANK: Mapping[str, int] = {name: rank for rank, name in enumerate(ACCURACIES)}


def ordered(counts: Mapping[str, int]) -> dict[Verdict, int]:
    """Counts by verdict that are not zero: `conforms` first, then most serious first."""
    names = [Verdict.CONFORMS, *(verdict for verdict in Verdict if verdict is not Verdict.CONFORMS)]
    return {verdict: counts[verdict] for verdict in names if counts.get(verdict)}


def counted(counts: Mapping[str, int], separator: str = " ") -> str:
    """Counts as short text, each with its symbol: '✓812 ✗3'."""
    return separator.join(f"{verdict.symbol}{count}" for verdict, count in ordered(counts).items())
