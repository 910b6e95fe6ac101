"""How a test ends: the same on the command line and in pytest's view."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from gaugeblock.conformance.session.measured import Measured
from gaugeblock.conformance.session.plan import Test
from gaugeblock.reports.records import Observation, Run
from gaugeblock.reports.verdicts import ABSENT, FAILING, Verdict

REFUSABLE = ("combined", "large-batch", "several-batch-axes")
"""Checks of soft targets, labels of a byte and batches of several axes, which an implementation need not take."""


class End(StrEnum):
    """What became of a test."""

    PASSED = "passed"
    FAILED = "failed"
    KNOWN = "known"
    SKIPPED = "skipped"
    BROKEN = "broken"


class Ending(NamedTuple):
    """What became of a test, and the lines that say why."""

    end: End
    why: str = ""


def ending(test: Test, measured: Measured) -> Ending:
    """How a test ends: it fails if something deviates that no known deviation explains."""
    observations = measured.observations
    faults = [each for each in observations if each.verdict is Verdict.HARNESS_ERROR]
    if measured.error or faults:
        return Ending(End.BROKEN, measured.error or f"{faults[0].key}: {faults[0].message}")
    wrong = [each for each in observations if each.verdict in FAILING]
    if wrong:
        return Ending(End.FAILED, "\n".join(map(_line, wrong)))
    known = sorted({each.known for each in observations if each.known is not None})
    if known:
        return Ending(End.KNOWN, ", ".join(known))
    verdicts = {each.verdict for each in observations}
    must = test.check.kind == "value" and test.check.name not in REFUSABLE
    if must and verdicts == {Verdict.UNSUPPORTED}:
        return Ending(End.FAILED, f"every case is refused, so the suite may ask wrongly: {observations[0].message}")
    if not observations:
        return Ending(End.SKIPPED, "no case of the operation fits the check")
    if verdicts <= ABSENT:
        return Ending(End.SKIPPED, observations[0].message or observations[0].verdict.words)
    return Ending(End.PASSED)


def gone(run: Run) -> str | None:
    """What fails a strict run: the known deviations that it does not show; None if it shows all of which it asks."""
    patterns: dict[str, str] = {}
    for each in run.not_seen:
        patterns.setdefault(each.known, each.pattern)
    named = ", ".join(f"{name} ({pattern})" for name, pattern in patterns.items())
    return f"not seen here: nothing deviates as recorded in {named}" if named else None


def _line(observation: Observation) -> str:
    parts = [f"{observation.key}: {observation.verdict}"]
    if observation.error is not None:
        parts.append(f"{observation.error:.4g} ULP of {observation.allowed:.4g} allowed")
    parts += [each for each in (observation.accuracy, observation.label, observation.message) if each is not None]
    return ", ".join(parts)
