"""What every command says and how it ends."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NoReturn

import click
from gaugeblock.conformance.session.measure import HARNESS
from rich.console import Console

RUN_FILE = click.Path(path_type=Path, dir_okay=False)


def fail(message: str) -> NoReturn:
    """One sentence on standard error, exit code 2."""
    click.echo(f"gaugeblock: {message}", err=True)
    sys.exit(HARNESS)


def console(width: int = 160) -> Console:
    """A console for tables: a pipe or a file has no width of its own, and 80 columns would break keys."""
    made = Console()
    return made if made.is_terminal else Console(width=width)
