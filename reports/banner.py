"""What a reader must know before believing a report."""

from __future__ import annotations

from gaugeblock.reports.merge import Merged
from gaugeblock.reports.runfile import Run
from gaugeblock.reports.verdicts import words

SHOWN = 5
"""Expectations that a note names."""


def warnings(merged: Merged) -> list[str]:
    """A sentence for each incomplete run, each framework not measured, and one for expectations not seen."""
    said: dict[str, None] = {}
    for run in merged.runs:
        names = ", ".join(sorted(run["frameworks"])) or "no framework"
        if run["status"] == "partial":
            said[f"The run of {names} ({run['created']}) was interrupted: it is partial."] = None
        elif run["status"] == "broken":
            said[f"The run of {names} ({run['created']}) is broken: the suite itself failed in it."] = None
    digests = sorted({run["suite"]["digest"] for run in merged.runs})
    if len(digests) > 1:
        said[f"The runs were made by {len(digests)} different versions of the suite."] = None
    for framework, status, message in merged.absent():
        said[f"{framework}: {words(status)}" + (f" – {message}" if message else ".")] = None
    measured = {
        (framework, mode)
        for run in merged.runs
        for framework, entry in run["frameworks"].items()
        for mode, flags in entry["modes"].items()
        if not flags.get("message")
    }
    for run in merged.runs:
        for framework, entry in sorted(run["frameworks"].items()):
            for mode, flags in sorted(entry["modes"].items()):
                # One run lacks what another has: Keras is measured beside each of its backends.
                if flags.get("message") and (framework, mode) not in measured:
                    said[f"{framework} in mode {mode}: not run – {flags['message']}"] = None
        note = not_seen(run)
        if note:
            said[note] = None
    return list(said)


def not_seen(run: Run) -> str:
    """A sentence that names the expectations of a run some of whose deviations did not show; empty if all did."""
    names = list(dict.fromkeys(entry["expectation"] for entry in run["stale"]))
    shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    return (
        f"Not seen on this machine, in whole or in part, which is no fault: the deviations of {shown}." if names else ""
    )
