"""The command line as a whole: its commands, and how it ends where it is used wrongly or interrupted."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import click
from gaugeblock.conformance.cli.cache import cache
from gaugeblock.conformance.cli.check import check_command
from gaugeblock.conformance.cli.docs import docs
from gaugeblock.conformance.cli.known import known
from gaugeblock.conformance.cli.listing import list_, translate
from gaugeblock.conformance.cli.reading import compare, report, show
from gaugeblock.conformance.cli.reproduce import reproduce
from gaugeblock.conformance.cli.run import run
from gaugeblock.conformance.cli.terminal import fail
from gaugeblock.conformance.session.recorder import suite


class Commands(click.Group):
    """Commands that end with one sentence and exit code 2 where click prints several lines, or exits with 1."""

    def main(self, *args: Any, **more: Any) -> NoReturn:
        """Run the command that the arguments name, and exit."""
        try:
            code = super().main(*args, **{**more, "standalone_mode": False})
        except click.UsageError as error:
            at = error.ctx.command_path if error.ctx else "gaugeblock"
            fail(f"{error.format_message().rstrip('.')}; see '{at} --help'.")
        except click.ClickException as error:
            fail(error.format_message())
        except click.Abort:
            fail("interrupted.")
        sys.exit(code if isinstance(code, int) else 0)


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(suite().version, prog_name="gaugeblock")
@click.pass_context
def main(context: click.Context) -> None:
    """What do this framework's sigmoid, softmax, losses and accuracies really compute?

    Measures the installed frameworks against definitions in exact arithmetic and writes what it saw.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for command in (run, check_command, report, list_, translate, show, reproduce, known, compare, cache, docs):
    main.add_command(command)
