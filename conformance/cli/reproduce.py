"""The command `reproduce`: scripts that show deviations again, and whether they do."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click
from gaugeblock.conformance.cli.scripts import SHOWS, scripts, verified
from gaugeblock.conformance.cli.terminal import RUN, fail, failing, jobs, output, progress
from gaugeblock.conformance.session.measure import DEVIATES
from gaugeblock.conformance.session.measured import shrunk
from gaugeblock.reports import runfile
from gaugeblock.reports.records import Observation, Run
from gaugeblock.reports.scripts.script import NotShrunkError, script


@click.command(
    epilog="Exit code: 0, 1 with --verify if a deviation has no script that shows it, 2 if there is nothing to print."
)
@click.argument("key", required=False)
@RUN
@output(
    "Write the script to this file; with --all a file for each deviation into this directory.",
    click.Path(path_type=Path),
)
@click.option("--all", "every", is_flag=True, help="The scripts of all deviations.")
@click.option("--verify", is_flag=True, help="Run the scripts of all deviations and say which do not show theirs.")
@jobs("With --verify: processes at a time.")
def reproduce(key: str | None, path: Path, output: Path | None, every: bool, verify: bool, jobs: int | None) -> None:
    """Print a script that shows a deviation again.

    KEY is operation/implementation/dtype/device/mode/check/case. The script needs the framework and NumPy, and nothing
    of gaugeblock. It prints what is expected and what came, and exits with 1 if the deviation shows, with 0 if it does
    not. A run shrinks what is new and one example of each known deviation; any other is measured again and shrunk here,
    where the framework is installed.
    """
    if (key is not None) + every + verify != 1:
        fail("give either a KEY, or --all with --output, or --verify.")
    if every and output is None:
        fail("--all writes many files; name a directory with --output.")
    with failing(runfile.RunFileError, output=output):
        run = runfile.read(path)
        if verify:
            sys.exit(_verify(run, jobs))
        if every and output is not None:
            _write_all(run, output)
        elif key is not None:
            text = _script(run, runfile.found(run, key))
            if output is None:
                click.echo(text, nl=False)
            else:
                runfile.write_text(output, text)
                click.echo(output)


def _script(run: Run, observation: Observation) -> str:
    """The script of an observation; one that was not shrunk is measured again, and shrunk now."""
    try:
        return script(run, observation)
    except NotShrunkError:
        click.echo("gaugeblock: measuring it again to shrink it ...", err=True)
    return script(run, shrunk(run, observation))


def file_name(key: str) -> str:
    """The file of a key's script."""
    return re.sub(r"[^A-Za-z0-9_.+-]", "_", key.replace("/", "__")) + ".py"


def _write_all(run: Run, output: Path) -> None:
    made, lacking = scripts(run)
    for key, text in made.items():
        runfile.write_text(output / file_name(key), text)
    for why in lacking.values():
        click.echo(f"gaugeblock: {why}", err=True)
    click.echo(f"{len(made)} scripts in {output}, {len(lacking)} deviations without.")


def _verify(run: Run, jobs: int | None) -> int:
    made, lacking = scripts(run)
    with progress("running", "scripts") as advance:
        found = verified(run, made, advance, jobs=jobs)
    silent = [f"{key}: {outcome}" for key, outcome in found.items() if outcome != SHOWS]
    for line in (*silent, *lacking.values()):
        click.echo(line)
    shown, every = len(found) - len(silent), len(made) + len(lacking)
    click.echo(f"{shown} of {every} deviations shown by their scripts, {len(lacking)} without one.")
    return DEVIATES if shown < every else 0
