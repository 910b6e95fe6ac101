"""The command `show`: one observation in full."""

from __future__ import annotations

from pathlib import Path

import click
from gaugeblock.conformance.cli.terminal import RUN, console, fail
from gaugeblock.reports import runfile
from gaugeblock.reports.show import show as shown


@click.command(epilog="Exit code: 0, 2 if there is no such observation or run file.")
@click.argument("key")
@RUN
def show(key: str, path: Path) -> None:
    """Show one observation in full.

    KEY is operation/implementation/dtype/device/mode/check/case. Shown are the definition, the exact input, what is
    expected and what came, and why that is right or wrong.
    """
    try:
        console().print(shown(runfile.read(path), key))
    except runfile.RunFileError as error:
        fail(str(error))
