"""What a reader must know before believing a report."""

from __future__ import annotations

from trueline.reports.merge import Merged
from trueline.reports.verdicts import words


def warnings(merged: Merged) -> list[str]:
    """A sentence for each incomplete run, each framework not measured and each stale expectation."""
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
        for stale in run["stale"]:
            said[
                f"Expectation {stale['expectation']} is stale: no deviation is left where it says "
                f"{stale['pattern']} ({stale['test']})."
            ] = None
    return list(said)
