"""The command `translate`: what to write in another framework."""

from __future__ import annotations

import click
from gaugeblock.adapters.registry import PlugInError, UnknownFrameworkError, adapter
from gaugeblock.conformance.cli.terminal import fail, warn_of_plug_ins
from gaugeblock.conformance.recipes.recipe import UnknownImplementationError
from gaugeblock.conformance.recipes.translations import equivalents, translations


@click.command(epilog="Exit code: 0, 2 if there is no such implementation.")
@click.argument("implementation")
@click.option("--to", metavar="NAME", help="In this framework alone.")
def translate(implementation: str, to: str | None) -> None:
    """Print what to write in other frameworks instead.

    IMPLEMENTATION is a public path such as torch.nn.BCELoss, or operation/path. First come the frameworks' own
    implementations under the same conventions, then recipes; the suite runs and judges both. Inputs and parameters have
    the names of the operation's definition.
    """
    try:
        if to is not None:
            adapter(to)
        warn_of_plug_ins()
        own, found = list(equivalents(implementation, to)), list(translations(implementation, to))
    except (UnknownFrameworkError, PlugInError, UnknownImplementationError) as error:
        fail(str(error))
    if not own and not found:
        fail(
            f"nothing like {implementation} is known{f' in {to}' if to else ''}; "
            "'gaugeblock list recipes' has the rest."
        )
    for each in own:
        click.echo(f"{each.operation}: {each.name}, under the same conventions")
        click.echo(f"  {each.framework}: {each.call}")
    printed = None
    for recipe, framework, call in found:
        if recipe.name != printed:
            click.echo(f"{recipe.operation.name}: recipe {recipe.name}, {recipe.says}")
            if recipe.limits:
                click.echo(f"  limits: {recipe.limits}")
            printed = recipe.name
        click.echo(f"  {framework}: {call}")
