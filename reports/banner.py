"""What a reader must know before believing a report."""

from __future__ import annotations

from gaugeblock.reports.merge import Merged
from gaugeblock.reports.records import Run
from gaugeblock.reports.verdicts import Verdict

SHOWN = 5
"""Known deviations that a note names."""


def warnings(merged: Merged) -> list[str]:
    """A sentence for each incomplete run, each framework not measured, and one for known deviations not seen."""
    sentences: dict[str, None] = {}
    for run in merged.runs:
        names = ", ".join(sorted(run.frameworks)) or "no framework"
        if run.status == "partial":
            sentences[f"The run of {names} ({run.created}) was interrupted: it is partial."] = None
        elif run.status == "broken":
            sentences[f"The run of {names} ({run.created}) is broken: the suite itself failed in it."] = None
    digests = sorted({run.suite.digest for run in merged.runs})
    if len(digests) > 1:
        sentences[f"The runs were made by {len(digests)} different versions of the suite."] = None
    for framework, status, message in merged.absent():
        sentences[f"{framework}: {Verdict(status).words}" + (f" – {message}" if message else ".")] = None
    measured = {
        (framework, mode)
        for run in merged.runs
        for framework, entry in run.frameworks.items()
        for mode, flags in entry.modes.items()
        if not flags.get("message")
    }
    for run in merged.runs:
        for framework, entry in sorted(run.frameworks.items()):
            for mode, flags in sorted(entry.modes.items()):
                # One run lacks what another has: Keras is measured beside each of its backends.
                if flags.get("message") and (framework, mode) not in measured:
                    sentences[f"{framework} in mode {mode}: not run – {flags['message']}"] = None
        note = not_seen(run)
        if note:
            sentences[note] = None
    return list(sentences)


def not_seen(run: Run) -> str:
    """A sentence that names the known deviations of a run some of whose deviations did not show; empty if all did."""
    names = list(dict.fromkeys(entry.known for entry in run.not_seen))
    shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    return (
        f"Not seen on this machine, in whole or in part, which is no fault: the deviations of {shown}." if names else ""
    )
