"""A measuring session from its plan to its exit code and the run file that it wrote."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gaugeblock.conformance.session.brought import brought
from gaugeblock.conformance.session.ending import End, Ending, ending, gone
from gaugeblock.conformance.session.plan import Plan, Selection, plan
from gaugeblock.conformance.session.recorder import Recorder
from gaugeblock.conformance.session.workers import Workers
from gaugeblock.reports import runfile
from gaugeblock.reports.banner import not_seen
from gaugeblock.reports.records import Run
from gaugeblock.reports.verdicts import Verdict

CONFORMS, DEVIATES, HARNESS = 0, 1, 2
"""Exit codes."""

SHOWN = 20
"""Lines about what failed."""

OFTEN = 0.2
"""Seconds between two reports of the progress."""

Progress = Callable[[int, int, str], None]
"""Called with the number of tests that are finished, that of all, and the test that was started last."""


class NothingError(Exception):
    """Nothing was measured; the message says why and what to do."""


@dataclass
class Measurement:
    """How a session ended."""

    code: int
    """CONFORMS, DEVIATES or HARNESS."""
    lines: list[str]
    """What a reader must know of it: what failed first."""
    run: Run | None = None
    """None where no device that was named is there."""
    written: Path | None = None
    """Where the run file is: a partial or broken run never replaces a complete one."""


def measure(
    selection: Selection,
    output: Path,
    *,
    timeout: float,
    jobs: int | None,
    strict: bool = False,
    progress: Progress = lambda done, total, now: None,  # noqa: ARG005
) -> Measurement:
    """Measure a selection and write the run file. Ctrl-C ends it, and what is finished is written.

    Args:
        selection: what to measure.
        output: where the run file is written.
        timeout: seconds that a framework may take for an answer.
        jobs: framework processes at a time; by default the number of cores.
        strict: whether a known deviation that does not show in the run fails it.
        progress: called again and again while it measures.

    Raises SelectionError for a name that does not exist, KnownError for a known deviation that the selection brings and
    that cannot be used, NothingError if there is nothing to measure or no place for
    the run file, and KeyboardInterrupt if it was interrupted before anything was finished; then no file is touched.
    """
    own = brought(selection.known)
    made = plan(selection)
    if not made.tests and selection.skip_missing_device and not selection.has_device():
        note = f"not run: there is no device {' or '.join(selection.devices)} on this machine; no run file was written"
        return Measurement(CONFORMS, [note])
    if not made.tests:
        raise NothingError(_nothing(made, selection))
    output = writable(output)
    entries = [each for listed in own.values() for each in listed]
    workers = Workers(made.tests, timeout=timeout, jobs=jobs, effort=selection.effort, brought=entries)
    recorder = Recorder(made, selection, workers, own)
    interrupted = False
    try:
        workers.start()
        _watch(workers, progress)
    except KeyboardInterrupt:
        interrupted = True
    workers.finish()
    if interrupted and not workers.done:
        raise KeyboardInterrupt
    run = recorder.run(made.tests)
    written = runfile.write(run, output)
    endings = [ending(test, recorder.measured(test)) for test in recorder.finished(made.tests)]
    stale = gone(run) if strict else None
    lines = [*_findings(endings), *([] if stale is None else [stale]), *_notes(made, run)]
    if interrupted:
        lines.append("interrupted: the run file holds what was finished")
    ends = {each.end for each in endings}
    broken = interrupted or End.BROKEN in ends
    return Measurement(
        HARNESS if broken else DEVIATES if End.FAILED in ends or stale else CONFORMS, lines, run, written
    )


def writable(output: Path) -> Path:
    """The absolute path of a file that can be written, its folder made; NothingError if it cannot.

    A place that cannot be written is known before an hour of measuring, not after.
    """
    output = output.resolve()
    if output.exists() and not output.is_file():
        raise NothingError(f"{output} is no file; name a file for the run.")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=output.parent).close()
    except OSError as error:
        raise NothingError(f"{output} cannot be written ({error.strerror}); name another file.") from None
    return output


def _nothing(made: Plan, selection: Selection) -> str:
    reasons = [reason.rstrip(".") for reason in (*made.absent.values(), *made.missing_modes.values())]
    if selection.expression:
        reasons.append(f"no test matches -k '{selection.expression}' (see 'gaugeblock list implementations')")
    return f"nothing to measure: {'; '.join(reasons) or 'no test has this framework, device, dtype and mode'}."


def _watch(workers: Workers, progress: Progress) -> None:
    total = len(workers.measured)
    while not workers.over.wait(OFTEN):
        progress(workers.done, total, workers.now)
    progress(workers.done, total, workers.now)


def _findings(endings: Sequence[Ending]) -> list[str]:
    lines = [line for each in endings if each.end is End.FAILED for line in each.why.splitlines()]
    shown = lines[:SHOWN] + ([f"... and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else [])
    causes = dict.fromkeys(each.why.strip().splitlines()[-1] for each in endings if each.end is End.BROKEN)
    return [*shown, *(f"harness error: {cause}" for cause in list(causes)[:SHOWN])]


def _notes(made: Plan, run: Run) -> list[str]:
    missing = [seen.message for seen in run.observations if seen.verdict is Verdict.NOT_RUN and seen.message]
    modes = [f"{framework} in mode {mode}: {why}" for (framework, mode), why in made.missing_modes.items()]
    lines = [f"not run: {message}" for message in dict.fromkeys([*made.absent.values(), *modes, *missing])]
    note = not_seen(run)
    return [*lines, note] if note else lines
