"""The verdicts: their order, symbols, colours and meaning, for every kind of output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Verdict(NamedTuple):
    """How one verdict is shown."""

    name: str
    symbol: str
    style: str
    meaning: str


# Most serious first: the order of every list of findings.
_ALL = (
    Verdict(
        "harness_error",
        "!",
        "bold magenta",
        "The suite itself failed here; nothing is said about the framework.",
    ),
    Verdict("crashed", "†", "bold red", "The framework's process died."),
    Verdict("timed_out", "…", "bold red", "The framework gave no answer within the time limit."),
    Verdict(
        "deviates",
        "✗",
        "red",
        "The answer is not what the definition and the bound require, and no expectation explains it.",
    ),
    Verdict("undecided", "?", "magenta", "The suite cannot tell."),
    Verdict("documented", "≈", "yellow", "Deviates, as a recorded expectation says and explains."),
    Verdict("unsupported", "–", "dim", "The framework refuses this input, with the message shown."),
    Verdict("not_run", "○", "dim", "Not measured: there is no such device, mode or installation."),
    Verdict(
        "conforms",
        "✓",
        "green",
        "The answer agrees with the definition within the bound, or a probe found its label.",
    ),
)

VERDICTS: Mapping[str, Verdict] = {verdict.name: verdict for verdict in _ALL}

RANK: Mapping[str, int] = {verdict.name: rank for rank, verdict in enumerate(_ALL)}

WRONG = frozenset({"deviates", "documented", "crashed", "timed_out"})
"""Verdicts that say the framework's behaviour is not as defined; a documented deviation is still one."""

ABSENT = frozenset({"unsupported", "not_run"})
"""Verdicts that say there was no answer to judge."""

ACCURACIES: Mapping[str, str] = {
    "correctly rounded": "at most half an ULP from the exact value",
    "faithful": "less than one ULP from the exact value",
    "within bound": "further, but within the operation's stated bound",
    "beyond": "further than the bound allows",
    "wrong": "NaN or infinity where a number is due, or the reverse",
}
"""Accuracy classes, best first, and what they mean."""

ACCURACY_RANK: Mapping[str, int] = {name: rank for rank, name in enumerate(ACCURACIES)}


def words(verdict: str) -> str:
    """The verdict as a reader's words: `timed_out` is 'timed out'."""
    return verdict.replace("_", " ")


def ordered(counts: Mapping[str, int]) -> dict[str, int]:
    """Counts that are not zero: `conforms` first, then most serious first."""
    names = ["conforms", *(name for name in VERDICTS if name != "conforms")]
    return {name: counts[name] for name in names if counts.get(name)}


def counted(counts: Mapping[str, int], separator: str = " ") -> str:
    """Counts as short text, each with its symbol: '✓812 ✗3'."""
    return separator.join(f"{VERDICTS[name].symbol}{count}" for name, count in ordered(counts).items())
