"""The command `docs`: the generated pages, and the digests of frozen cases."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from gaugeblock.conformance.cli.terminal import DIRECTORY, failing, output
from gaugeblock.conformance.pages import pages as documentation
from gaugeblock.conformance.session.measure import DEVIATES


@click.command(epilog="Exit code: 0 written or up to date, 1 with --check if a page is not, 2 for a usage error.")
@output(
    "Directory whose folders operations, questions and stories hold README.md and a page for each.",
    DIRECTORY, default=Path("docs"), show_default=True,
)  # fmt: skip
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 and name the pages that are not up to date.")
def docs(output: Path, check: bool) -> None:
    """Write the generated pages of the documentation.

    There is a Markdown page for each operation (formula, special values, bounds, implementations), each question and
    each story, and a file of the digests of frozen cases. No framework is needed. Pages of what is gone are removed;
    other files are left alone.
    """
    made = documentation.pages()
    with failing(output=output, is_read=check):
        found = documentation.differences(output, made) if check else documentation.write(output, made)
    for name, state in found.items():
        click.echo(f"{output / name} {'is' if check else 'was'} {state}")
    click.echo(f"{len(made)} pages, {len(found)} not up to date.")
    if check and found:
        click.echo("gaugeblock docs brings them up to date.", err=True)
        sys.exit(DEVIATES)
