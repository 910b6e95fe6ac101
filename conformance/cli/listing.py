"""The commands `list`, of what there is, and `translate`, of what to write in another framework."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import click
from gaugeblock.adapters.registry import PlugInError, UnknownFrameworkError, adapter, implementations
from gaugeblock.conformance.checks.table import CHECKS
from gaugeblock.conformance.cli.terminal import console, fail, failing, warn_of_plug_ins
from gaugeblock.conformance.known.admission import frameworks as taking_part
from gaugeblock.conformance.recipes.recipe import UnknownImplementationError, recipes
from gaugeblock.conformance.recipes.translations import equivalents, missing, translations
from gaugeblock.reference.catalogue import OPERATIONS
from rich.table import Column, Table
from rich.text import Text

Row = tuple[str, ...]

UNBROKEN = 1000
"""Columns of a list that is piped: nothing is folded, so that grep finds it."""


@click.command("list", epilog="Exit code: 0, 2 for a usage error.")
@click.argument(
    "what",
    type=click.Choice(["operations", "implementations", "frameworks", "checks", "recipes"]),
    default="operations",
)
@click.option("--missing", "lacking", is_flag=True, help="With recipes: what a framework has no expression for.")
def list_(what: str, lacking: bool) -> None:
    """List operations, implementations, frameworks, checks or recipes.

    Operations are listed with the frameworks that have them, implementations with the calls that are measured and
    their conventions, frameworks with their installed versions and modes, checks with their questions, recipes with
    what they translate.
    """
    if lacking and what != "recipes":
        fail(f"--missing is about recipes, not about {what}.")
    warn_of_plug_ins()
    columns, rows = _LISTS["missing" if lacking else what]
    table = Table(*(Column(name, overflow="fold") for name in columns), box=None, pad_edge=False, header_style="bold")
    for row in rows():
        # Text, because rich would take the brackets of a call for markup.
        table.add_row(*map(Text, row))
    console(UNBROKEN).print(table)
    if lacking:
        click.echo(f"{len(table.rows)} missing.")


def _operations() -> Iterator[Row]:
    offered: dict[str, dict[str, None]] = {}
    for each in implementations(taking_part()):
        offered.setdefault(each.operation, {})[each.framework] = None
    for op in OPERATIONS.values():
        yield op.name, op.kind, op.summary, " ".join(offered.get(op.name, ()))


def _implementations() -> Iterator[Row]:
    for each in implementations(taking_part()):
        conventions = ", ".join(f"{name}={value}" for name, value in each.conventions.items())
        yield each.operation, each.name, each.call, conventions


def _frameworks() -> Iterator[Row]:
    for name in taking_part():
        each = adapter(name)
        versions = ", ".join(f"{key} {version}" for key, version in each.versions().items())
        modes = " ".join(mode.name for mode in each.modes)
        yield name, versions or each.install_hint(), modes, str(len(each.implementations))


def _checks() -> Iterator[Row]:
    for each in CHECKS:
        yield each.name, each.kind, each.question


def _recipes() -> Iterator[Row]:
    for each in recipes():
        yield each.name, each.like, each.says, " ".join(each.calls)


def _missing() -> Iterator[Row]:
    for each in missing():
        yield each.operation, each.like, each.asked, each.conventions, each.framework


_LISTS: dict[str, tuple[Row, Callable[[], Iterator[Row]]]] = {
    "operations": (("operation", "kind", "definition", "frameworks"), _operations),
    "implementations": (("operation", "implementation", "call", "conventions"), _implementations),
    "frameworks": (("framework", "installed", "modes", "implementations"), _frameworks),
    "checks": (("check", "kind", "question"), _checks),
    "recipes": (("recipe", "like", "meaning", "written in"), _recipes),
    "missing": (("operation", "like", "asked with", "conventions", "not written in"), _missing),
}
"""Of each list its columns and its rows."""


@click.command(epilog="Exit code: 0, 2 if there is no such implementation.")
@click.argument("implementation")
@click.option("--to", metavar="NAME", help="In this framework alone.")
def translate(implementation: str, to: str | None) -> None:
    """Print what to write in other frameworks instead.

    IMPLEMENTATION is a public path such as torch.nn.BCELoss, or operation/path. First come the frameworks' own
    implementations under the same conventions, then recipes; the suite runs and judges both. Inputs and parameters have
    the names of the operation's definition.
    """
    with failing(UnknownFrameworkError, PlugInError, UnknownImplementationError):
        if to is not None:
            adapter(to)
        warn_of_plug_ins()
        own, found = list(equivalents(implementation, to)), list(translations(implementation, to))
    if not own and not found:
        place = f" in {to}" if to else ""
        fail(f"nothing like {implementation} is known{place}; 'gaugeblock list recipes' has the rest.")
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
