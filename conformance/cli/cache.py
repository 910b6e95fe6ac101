"""The command `cache`: what is kept from one run to the next, and where."""

from __future__ import annotations

import click
from gaugeblock.conformance.cli.terminal import fail
from gaugeblock.conformance.execution import compiled
from gaugeblock.reference import cached_truth


@click.command(epilog="Exit code: 0, 2 if what is kept cannot be removed.")
@click.argument("what", type=click.Choice(["clear"]), required=False)
def cache(what: str | None) -> None:
    """Say what is kept between runs, and where.

    Exact answers are, and what JAX compiled; `clear` removes them.

    GAUGEBLOCK_CACHE names another folder; empty, nothing is kept. What is removed is computed anew when it is needed.
    """
    where = cached_truth.folder()
    if where is None:
        click.echo("Nothing is kept: GAUGEBLOCK_CACHE is empty.")
        return
    try:
        if what == "clear":
            cached_truth.clear()
            compiled.clear()
        truths, code = cached_truth.kept(), compiled.kept()
    except OSError as error:
        fail(f"{where} cannot be cleared ({error.strerror}); end what uses it, or remove the folder yourself.")
    click.echo(f"{where}: {_of(truths, cached_truth.LIMIT)} of exact answers, {_of(code, compiled.LIMIT)} compiled.")


def _of(size: int, limit: int) -> str:
    return f"{size / 1e6:.1f} of {limit / 1e6:.0f} MB"
