"""The command `compare`: what changed between two runs."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from gaugeblock.conformance.cli.terminal import RUN_FILE, console, fail
from gaugeblock.conformance.session.measure import DEVIATES
from gaugeblock.reports import runfile
from gaugeblock.reports.compare import compare as compared
from gaugeblock.reports.compare import render_comparison


@click.command(epilog="Exit code: 0, or 1 with --fail-on regression if there is one, 2 for a usage error.")
@click.argument("old", type=RUN_FILE, metavar="OLD.json")
@click.argument("new", type=RUN_FILE, metavar="NEW.json")
@click.option("--fail-on", type=click.Choice(["regression"]), help="Exit with 1 if something got worse.")
def compare(old: Path, new: Path, fail_on: str | None) -> None:
    """Compare two runs.

    Key by key: verdicts, labels, errors, bits, and what is supported.
    """
    try:
        comparison = compared(runfile.read(old), runfile.read(new))
    except runfile.RunFileError as error:
        fail(str(error))
    console().print(render_comparison(comparison))
    if fail_on and comparison.has_regression:
        sys.exit(DEVIATES)
