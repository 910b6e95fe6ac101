"""The commands that read run files and need no framework: `report`, `show` and `compare`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from gaugeblock.conformance.cli.terminal import DIRECTORY, RUN, RUN_FILE, console, fail, failing, output
from gaugeblock.conformance.session.measure import DEVIATES
from gaugeblock.conformance.session.measured import drawn
from gaugeblock.conformance.session.recorder import suite
from gaugeblock.reports.compare import compare as compared
from gaugeblock.reports.compare import render_comparison
from gaugeblock.reports.records import Run
from gaugeblock.reports.report import write_report
from gaugeblock.reports.runfile import RunFileError, found, read, split_key
from gaugeblock.reports.show import show as shown
from gaugeblock.reports.verdicts import Verdict


@click.command(epilog="Exit code: 0 written, 2 a run file cannot be used.")
@click.argument("runs", nargs=-1, required=True, type=RUN_FILE, metavar="RUN.json...")
@output("Directory for index.html, report.md and report.json.", DIRECTORY, required=True)
@click.option(
    "--fresh", is_flag=True, help="Refuse runs that are not complete, or that another version of the suite made."
)
def report(runs: tuple[Path, ...], output: Path, fresh: bool) -> None:
    """Make a page, a Markdown table and JSON from run files.

    The HTML page is self-contained. No framework is needed.
    """
    with failing(RunFileError, output=output):
        written = write_report(runs, output, suite_digest=suite().digest if fresh else None)
    for path in written:
        click.echo(path)


@click.command(epilog="Exit code: 0, 2 if there is no such observation or run file.")
@click.argument("key")
@RUN
def show(key: str, path: Path) -> None:
    """Show one observation in full.

    KEY is operation/implementation/dtype/device/mode/check/case. Shown are the definition, the exact input, what is
    expected and what came, and why that is right or wrong.
    """
    with failing(RunFileError):
        run = read(path)
        observation = found(run, key)
        if observation.case is not None and observation.case not in run.cases:
            case = drawn(run, observation)
            if case is not None:
                run.cases[observation.case] = case
        console().print(shown(run, key))


@click.command(epilog="Exit code: 0, or 1 with --fail-on regression if there is one, 2 for a usage error.")
@click.argument("old", type=RUN_FILE, metavar="OLD.json")
@click.argument("new", type=RUN_FILE, metavar="NEW.json")
@click.option("--fail-on", type=click.Choice(["regression"]), help="Exit with 1 if something got worse.")
def compare(old: Path, new: Path, fail_on: str | None) -> None:
    """Compare two runs.

    Key by key: verdicts, labels, errors, bits, and what is supported.
    """
    with failing(RunFileError):
        comparison = compared(read(old), read(new))
    if not comparison.common:
        held = " and ".join(map(_held, (comparison.old, comparison.new)))
        fail(f"{old} and {new} have no observation in common: they hold {held}; give two that ask the same.")
    console().print(render_comparison(comparison))
    if fail_on and comparison.has_regression:
        sys.exit(DEVIATES)


def _held(run: Run) -> str:
    """What a run measured, and in which dtypes."""
    dtypes = dict.fromkeys(split_key(each.key)["dtype"] for each in run.observations)
    frameworks = [
        name if entry.status == "measured" else f"{name} ({Verdict(entry.status).words})"
        for name, entry in sorted(run.frameworks.items())
    ]
    return f"{', '.join(frameworks) or 'no framework'} in {', '.join(dtypes) or 'no dtype'}"
