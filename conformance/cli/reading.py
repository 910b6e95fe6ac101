"""The commands that read run files and need no framework: `report`, `show` and `compare`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from gaugeblock.conformance.cli.terminal import DIRECTORY, RUN, RUN_FILE, console, failing, output
from gaugeblock.conformance.session.measure import DEVIATES
from gaugeblock.conformance.session.recorder import suite
from gaugeblock.reports.compare import compare as compared
from gaugeblock.reports.compare import render_comparison
from gaugeblock.reports.report import write_report
from gaugeblock.reports.runfile import RunFileError, read
from gaugeblock.reports.show import show as shown


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
        console().print(shown(read(path), key))


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
    console().print(render_comparison(comparison))
    if fail_on and comparison.has_regression:
        sys.exit(DEVIATES)
