"""What the commands share: options, progress, and how they end where something is wrong."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import click
from gaugeblock.conformance.known.admission import left_out
from gaugeblock.conformance.session.measure import HARNESS
from gaugeblock.conformance.trials.effort import EFFORTS, STANDARD
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

RUN_FILE = click.Path(path_type=Path, dir_okay=False)

RUN = click.option("--run", "path", required=True, type=RUN_FILE, metavar="RUN.json", help="The run file to look into.")

EFFORT = click.option(
    "--effort",
    type=click.Choice(tuple(EFFORTS)),
    default=STANDARD,
    show_default=True,
    envvar="GAUGEBLOCK_EFFORT",
    help="How much is asked.",
)

DIRECTORY = click.Path(path_type=Path, file_okay=False)

QUIET_SECONDS = 15.0
"""How often progress is printed where there is no terminal to draw on."""

Advance = Callable[..., None]
"""Called with how many are done, how many there are, and perhaps what is done now."""


def several(*names: str, metavar: str, help: str, **more: Any) -> Callable[..., Any]:
    """An option that may be given more than once; `more` is handed to click."""
    return click.option(*names, multiple=True, metavar=metavar, help=f"{help} May be given several times.", **more)


def output(help: str, type: click.Path, **more: Any) -> Callable[..., Any]:
    """The option --output."""
    return click.option("--output", "-o", type=type, help=help, **more)


def jobs(help: str) -> Callable[..., Any]:
    """The option --jobs."""
    return click.option("--jobs", "-j", type=click.IntRange(min=1), metavar="N", help=f"{help} Default: cores.")


@contextlib.contextmanager
def failing(*errors: type[Exception], output: Path | None = None, is_read: bool = False) -> Iterator[None]:
    """End with the sentence of one of these errors, or with one that says that `output` cannot be written, or read."""
    try:
        yield
    except errors as error:
        fail(str(error))
    except OSError as error:
        if output is None:
            raise
        fail(f"{output} cannot be {'read' if is_read else 'written'} ({error.strerror}); give another --output.")


def fail(message: str) -> NoReturn:
    """One sentence on standard error, exit code 2."""
    click.echo(f"gaugeblock: {' '.join(message.split())}", err=True)
    sys.exit(HARNESS)


def warn_of_plug_ins() -> None:
    """A line on standard error for each plug-in that is left out."""
    for why in left_out().values():
        click.echo(f"gaugeblock: {why}", err=True)


def console(width: int = 160) -> Console:
    """A console for tables: a pipe or a file has no width of its own, and 80 columns would break keys."""
    made = Console()
    return made if made.is_terminal else Console(width=width)


class _Rate(ProgressColumn):
    """How many are done in a second."""

    def render(self, task: Task) -> Text:
        """Nothing until some are done."""
        return Text(f"{task.speed:.3g} a second," if task.speed else "")


@contextlib.contextmanager
def progress(verb: str, things: str) -> Iterator[Advance]:
    """A bar with rate, time left and what is done now on standard error, or lines there where that is no terminal.

    Args:
        verb: what is being done ("measuring").
        things: what is counted ("tests").
    """
    shown = Console(file=sys.stderr)
    if not shown.is_terminal:
        yield lines(things)
        return
    columns = (
        BarColumn(12),
        MofNCompleteColumn(),
        TextColumn(f"{things},"),
        _Rate(),
        TimeRemainingColumn(),
        TextColumn("left:"),
        # What is done has a long name, of which 80 columns show the start.
        TextColumn("{task.description}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis")),
    )
    with Progress(*columns, console=shown, transient=True, expand=True) as bar:
        task = bar.add_task(verb, total=None)
        yield lambda done, total, now="": bar.update(task, completed=done, total=total, description=escape(now or verb))


def lines(things: str, clock: Callable[[], float] = time.monotonic) -> Advance:
    """What prints a line on standard error whenever QUIET_SECONDS have passed since the last one.

    Args:
        things: what is counted ("tests").
        clock: seconds since some moment.
    """
    started = last = clock()

    def printed(done: int, total: int, now: str = "") -> None:
        nonlocal last
        if clock() - last < QUIET_SECONDS:
            return
        last = clock()
        line = f"gaugeblock: {done} of {total} {things}"
        if done:
            rate = done / (last - started)
            line += f", {rate:.3g} a second, about {(total - done) / rate:.0f} s left"
        if now:
            line += f", at {now}"
        click.echo(line, err=True)

    return printed
