"""The command `list`: operations, implementations, frameworks and recipes."""

from __future__ import annotations

from collections.abc import Iterable

import click
from gaugeblock.adapters.registry import adapter, implementations
from gaugeblock.conformance.cli.terminal import console, fail, warn_of_plug_ins
from gaugeblock.conformance.known.admission import frameworks as taking_part
from gaugeblock.conformance.recipes.recipe import recipes
from gaugeblock.conformance.recipes.translations import missing
from gaugeblock.reference.catalogue import OPERATIONS
from rich.table import Table
from rich.text import Text

UNBROKEN = 1000
"""Columns of a list that is piped: nothing is folded, so that grep finds it."""


@click.command("list", epilog="Exit code: 0, 2 for a usage error.")
@click.argument(
    "what", type=click.Choice(["operations", "implementations", "frameworks", "recipes"]), default="operations"
)
@click.option("--missing", "lacking", is_flag=True, help="With recipes: what a framework has no expression for.")
def list_(what: str, lacking: bool) -> None:
    """List operations, implementations, frameworks or recipes.

    Operations are listed with the frameworks that have them, implementations with the calls that are measured and
    their conventions, frameworks with their installed versions and modes, recipes with what they translate.
    """
    if lacking and what != "recipes":
        fail(f"--missing is about recipes, not about {what}.")
    warn_of_plug_ins()
    {
        "operations": _list_operations,
        "implementations": _list_implementations,
        "frameworks": _list_frameworks,
        "recipes": _list_missing if lacking else _list_recipes,
    }[what]()


def _print_table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        # Text, because rich would take the brackets of a call for markup.
        table.add_row(*(Text(cell) for cell in row))
    console(UNBROKEN).print(table)


def _list_operations() -> None:
    offered: dict[str, list[str]] = {}
    for each in implementations(taking_part()):
        offered.setdefault(each.operation, []).append(each.framework)
    rows = (
        (op.name, op.kind, op.summary, " ".join(dict.fromkeys(offered.get(op.name, ())))) for op in OPERATIONS.values()
    )
    _print_table(("operation", "kind", "definition", "frameworks"), rows)


def _list_implementations() -> None:
    rows = (
        (each.operation, each.name, each.call, ", ".join(f"{name}={value}" for name, value in each.conventions.items()))
        for each in implementations(taking_part())
    )
    _print_table(("operation", "implementation", "call", "conventions"), rows)


def _list_frameworks() -> None:
    rows = []
    for name in taking_part():
        each = adapter(name)
        versions = ", ".join(f"{key} {version}" for key, version in each.versions().items())
        modes = " ".join(mode.name for mode in each.modes)
        rows.append((name, versions or each.install_hint(), modes, str(len(each.implementations))))
    _print_table(("framework", "installed", "modes", "implementations"), rows)


def _list_recipes() -> None:
    rows = ((each.name, each.like, each.says, " ".join(each.calls)) for each in recipes())
    _print_table(("recipe", "like", "meaning", "written in"), rows)


def _list_missing() -> None:
    rows = [(each.operation, each.like, each.asked, each.conventions, each.framework) for each in missing()]
    _print_table(("operation", "like", "asked with", "conventions", "not written in"), rows)
    click.echo(f"{len(rows)} missing.")
