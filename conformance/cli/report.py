"""The command `report`: a page, a table and data from run files."""

from __future__ import annotations

from pathlib import Path

import click
from gaugeblock.conformance.cli.terminal import RUN_FILE, fail
from gaugeblock.conformance.session.recorder import suite
from gaugeblock.reports import runfile
from gaugeblock.reports.report import write_report


@click.command(epilog="Exit code: 0 written, 2 a run file cannot be used.")
@click.argument("runs", nargs=-1, required=True, type=RUN_FILE, metavar="RUN.json...")
@click.option(
    "--output",
    "-o",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory for index.html, report.md and report.json.",
)
@click.option(
    "--fresh", is_flag=True, help="Refuse runs that are not complete, or that another version of the suite made."
)
def report(runs: tuple[Path, ...], output: Path, fresh: bool) -> None:
    """Make a page, a Markdown table and JSON from run files.

    The HTML page is self-contained. No framework is needed.
    """
    try:
        written = write_report(runs, output, suite_digest=suite().digest if fresh else None)
    except runfile.RunFileError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{output} cannot be written ({error.strerror}); give another --output.")
    for path in written:
        click.echo(path)
