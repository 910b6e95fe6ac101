"""The command `known`: drafts known deviations."""

from __future__ import annotations

from pathlib import Path

import click
from gaugeblock.conformance.cli.terminal import RUN_FILE, fail
from gaugeblock.conformance.known.drafting import draft, undocumented
from gaugeblock.reports import runfile


@click.command(epilog="Exit code: 0, 2 if there is no such run file or nothing in it to draft.")
@click.argument("path", type=RUN_FILE, metavar="RUN.json")
@click.option("--output", "-o", type=RUN_FILE, metavar="FILE", help="Write the draft here. Default: print it.")
def known(path: Path, output: Path | None) -> None:
    """Draft known deviations for what deviates undocumented in a run.

    The draft is TOML: an entry for each group of deviations that may have one cause, with the keys, the ceiling that
    was seen, and a kind to be chosen. With the kinds filled in, 'gaugeblock run --known FILE' applies it.
    """
    try:
        run = runfile.read(path)
    except runfile.RunFileError as error:
        fail(str(error))
    if not undocumented(run):
        fail(f"{path} has no undocumented deviation: there is nothing to draft.")
    text = draft(run)
    if output is None:
        click.echo(text, nl=False)
        return
    if output.exists():
        fail(f"{output} exists, and may hold kinds that were chosen: name a file that does not.")
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{output} cannot be written ({error.strerror}); name another file.")
