"""What a reader must know before believing a report."""

from __future__ import annotations

from gaugeblock.reports.merge import Merged
from gaugeblock.reports.records import Run
from gaugeblock.reports.verdicts import Verdict

SHOWN = 5
"""Known deviations that a note names."""


def warnings(merged: Merged) -> list[str]:
    """A sentence for each incomplete run, and for each framework and mode that was not measured."""
    sentences: list[str] = []
    for run in merged.runs:
        names = ", ".join(sorted(run.frameworks)) or "no framework"
        if run.status == "partial":
            sentences.append(f"The run of {names} ({run.created}) was interrupted: it is partial.")
        elif run.status == "broken":
            sentences.append(f"The run of {names} ({run.created}) is broken: the suite itself failed in it.")
    digests = {run.suite.digest for run in merged.runs}
    if len(digests) > 1:
        sentences.append(f"The runs were made by {len(digests)} different versions of the suite.")
    for framework, status, message in merged.absent():
        sentences.append(f"{framework}: {Verdict(status).words}" + (f" – {message}" if message else "."))
    frameworks = [item for run in merged.runs for item in run.frameworks.items()]
    # One run lacks what another has: Keras is measured beside each of its backends.
    measured = {
        (name, mode) for name, entry in frameworks for mode, flags in entry.modes.items() if not flags.get("message")
    }
    for run in merged.runs:
        for framework, entry in sorted(run.frameworks.items()):
            for mode, flags in sorted(entry.modes.items()):
                if (framework, mode) not in measured:
                    sentences.append(f"{framework} in mode {mode}: not run – {flags['message']}")
    return list(dict.fromkeys(filter(None, sentences)))


def not_seen(run: Run) -> str:
    """A sentence that names the known deviations of which nothing showed in a run; empty if all did."""
    names = list(dict.fromkeys(entry.known for entry in run.not_seen))
    shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
    said = f"Not seen on this machine, which is no fault: the deviations of {shown}."
    return said if names else ""
