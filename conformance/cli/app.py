"""The command line: run, check, report, list, translate, show, compare, docs."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click
from gaugeblock.adapters.registry import FRAMEWORKS, PlugInError, UnknownFrameworkError, adapter, implementations
from gaugeblock.conformance.cli.check import check_command
from gaugeblock.conformance.cli.reproduce import reproduce
from gaugeblock.conformance.cli.terminal import RUN_FILE, console, fail
from gaugeblock.conformance.known.admission import frameworks as taking_part
from gaugeblock.conformance.known.admission import left_out
from gaugeblock.conformance.pages import pages as documentation
from gaugeblock.conformance.recipes.recipe import UnknownImplementationError, recipes
from gaugeblock.conformance.recipes.translations import equivalents, missing, translations
from gaugeblock.conformance.session.measure import DEVIATES, Nothing, Report, measure
from gaugeblock.conformance.session.plan import Selection, SelectionError, install_hint
from gaugeblock.conformance.session.recorder import suite
from gaugeblock.reference.catalogue import OPERATIONS
from gaugeblock.reports import runfile
from gaugeblock.reports.compare import compare as compared
from gaugeblock.reports.compare import render_comparison
from gaugeblock.reports.report import write_report
from gaugeblock.reports.show import show as shown
from gaugeblock.reports.summary import terminal_table
from rich.table import Table
from rich.text import Text

UNBROKEN = 1000
"""Columns of a list that is piped: nothing is folded, so that grep finds it."""

EPILOGUE = "Exit code: 0 nothing deviates undocumented, 1 something does, 2 usage or harness error."


def _warn() -> None:
    """A line on standard error for each plug-in that is left out."""
    for told in left_out().values():
        click.echo(f"gaugeblock: {told}", err=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(suite()["version"], prog_name="gaugeblock")
def main() -> None:
    """What do this framework's sigmoid, softmax, losses and accuracies really compute?

    Measures the installed frameworks against definitions in exact arithmetic and writes what it saw.
    """


main.add_command(check_command)


@main.command(epilog=EPILOGUE)
@click.option(
    "--framework",
    "-f",
    "frameworks",
    multiple=True,
    metavar="NAME",
    help=f"Measure this framework alone ({', '.join(FRAMEWORKS)}, or a plug-in). May be given several times.",
)
@click.option(
    "--device",
    "devices",
    multiple=True,
    metavar="DEVICE",
    help="Measure on this device alone: cpu, cuda, cuda:N or a plug-in's. Default: every device there is.",
)
@click.option(
    "--dtype",
    "dtypes",
    multiple=True,
    metavar="DTYPE",
    help="Measure in this dtype alone: float16, bfloat16, float32, float64, int64 (labels).",
)
@click.option(
    "--mode",
    "modes",
    multiple=True,
    metavar="MODE",
    help="Measure in this mode alone: eager, compiled, or a mode's full name such as torch-eager.",
)
@click.option(
    "-k",
    "expression",
    default="",
    metavar="EXPR",
    help="Only tests whose key matches, in pytest's language: 'softmax and not gradient'.",
)
@click.option("--output", "-o", required=True, type=RUN_FILE, help="Where to write the run file.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True, max=86400),
    default=180.0,
    show_default=True,
    metavar="SECONDS",
    help="End a framework that does not answer a call in time.",
)
@click.option("--jobs", "-j", type=click.IntRange(min=1), help="Framework processes at a time. Default: cores.")
@click.option("--skip-missing-device", is_flag=True, help="Record a device that is not there as not run.")
@click.option("--strict", is_flag=True, help="Fail where an expected deviation does not show on this machine.")
def run(
    frameworks: tuple[str, ...], devices: tuple[str, ...], dtypes: tuple[str, ...], modes: tuple[str, ...],
    expression: str, output: Path, timeout: float, jobs: int | None, skip_missing_device: bool, strict: bool,
) -> None:  # fmt: skip
    """Measure the installed frameworks and write a run file.

    Ctrl-C keeps what is finished: the run file then says that it is partial.
    """
    selection = Selection(frameworks, devices, dtypes, modes, skip_missing_device)
    try:
        report = measure(selection, expression, output, timeout=timeout, jobs=jobs, strict=strict)
    except (SelectionError, Nothing, runfile.RunFileError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{output} cannot be written ({error.strerror}); give another --output.")
    except KeyboardInterrupt:
        fail("interrupted before anything was measured; nothing was written.")
    _tell(report)
    sys.exit(report.code)


def _tell(report: Report) -> None:
    told = console()
    if report.run is not None:
        told.print(terminal_table(report.run))
    for line in report.lines:
        told.print(line, markup=False, highlight=False)
    if report.written is not None:
        told.print(f"Run file: {report.written}", markup=False, highlight=False, soft_wrap=True)
        told.print(f"A page of it: gaugeblock report {report.written} --output report", markup=False, soft_wrap=True)
    if report.code == DEVIATES:
        told.print("One observation in full: gaugeblock show KEY --run RUN.json", markup=False, highlight=False)


@main.command(epilog="Exit code: 0 written, 2 a run file is missing, broken, partial or (with --fresh) stale.")
@click.argument("runs", nargs=-1, required=True, type=RUN_FILE, metavar="RUN.json...")
@click.option(
    "--output",
    "-o",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Directory for index.html, report.md and report.json.",
)
@click.option("--fresh", is_flag=True, help="Refuse runs that are partial or that another version of the suite made.")
def report(runs: tuple[Path, ...], output: Path, fresh: bool) -> None:
    """Make a self-contained HTML page, a Markdown table and JSON from run files. Needs no framework."""
    try:
        written = write_report(runs, output, suite_digest=suite()["digest"] if fresh else None)
    except runfile.RunFileError as error:
        fail(str(error))
    except OSError as error:
        fail(f"{output} cannot be written ({error.strerror}); give another --output.")
    for path in written:
        click.echo(path)


@main.command("list")
@click.argument(
    "what", type=click.Choice(["operations", "implementations", "frameworks", "recipes"]), default="operations"
)
@click.option("--missing", "lacking", is_flag=True, help="With recipes: what a framework has no expression for.")
def list_(what: str, lacking: bool) -> None:
    """List the operations, the implementations with their calls, the frameworks, or the recipes."""
    if lacking and what != "recipes":
        fail(f"--missing is about recipes, not about {what}.")
    _warn()
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
        rows.append((name, versions or install_hint(each), modes, str(len(each.implementations))))
    _print_table(("framework", "installed", "modes", "implementations"), rows)


def _list_recipes() -> None:
    rows = ((each.name, each.like, each.says, " ".join(each.calls)) for each in recipes())
    _print_table(("recipe", "like", "meaning", "written in"), rows)


def _list_missing() -> None:
    rows = [(each.operation, each.like, each.asked, each.conventions, each.framework) for each in missing()]
    _print_table(("operation", "like", "asked with", "conventions", "not written in"), rows)
    click.echo(f"{len(rows)} missing.")


@main.command(epilog="Exit code: 0, 2 if there is no such implementation.")
@click.argument("implementation")
@click.option("--to", metavar="NAME", help="In this framework alone.")
def translate(implementation: str, to: str | None) -> None:
    """Print what to write in other frameworks to get what an implementation means.

    IMPLEMENTATION is a public path such as torch.nn.BCELoss, or operation/path. First come the frameworks' own
    implementations under the same conventions, then recipes, all of which the suite runs and judges; inputs and
    parameters have the names of the operation's definition.
    """
    try:
        if to is not None:
            adapter(to)
        _warn()
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
    told = None
    for recipe, framework, call in found:
        if recipe.name != told:
            click.echo(f"{recipe.operation.name}: recipe {recipe.name}, {recipe.says}")
            if recipe.limits:
                click.echo(f"  limits: {recipe.limits}")
            told = recipe.name
        click.echo(f"  {framework}: {call}")


@main.command()
@click.argument("key")
@click.option("--run", "path", required=True, type=RUN_FILE, help="The run file to look into.")
def show(key: str, path: Path) -> None:
    """Show one observation in full: definition, exact input, expected and got, and why.

    KEY is operation/implementation/dtype/device/mode/check/case.
    """
    try:
        console().print(shown(runfile.read(path), key))
    except runfile.RunFileError as error:
        fail(str(error))


main.add_command(reproduce)


@main.command(epilog="Exit code: 0, or 1 with --fail-on regression if there is one, 2 for a usage error.")
@click.argument("old", type=RUN_FILE)
@click.argument("new", type=RUN_FILE)
@click.option("--fail-on", type=click.Choice(["regression"]), help="Exit with 1 if something got worse.")
def compare(old: Path, new: Path, fail_on: str | None) -> None:
    """Compare two runs key by key: verdicts, labels, errors, bits, and what is supported."""
    try:
        comparison = compared(runfile.read(old), runfile.read(new))
    except runfile.RunFileError as error:
        fail(str(error))
    console().print(render_comparison(comparison))
    if fail_on and comparison.has_regression:
        sys.exit(DEVIATES)


@main.command(epilog="Exit code: 0 written or up to date, 1 with --check if a page is not, 2 for a usage error.")
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path),
    default=Path("docs"),
    show_default=True,
    help="Directory whose folders operations and stories hold README.md and a page for each.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 and name the pages that are not up to date.")
def docs(output: Path, check: bool) -> None:
    """Write a Markdown page for each operation (formula, special values, bounds, implementations) and each story.

    Needs no framework. Pages of operations and stories that are gone are removed; other files are left alone.
    """
    made = documentation.pages()
    try:
        found = documentation.differences(output, made) if check else documentation.write(output, made)
    except OSError as error:
        fail(f"{output} cannot be {'read' if check else 'written'} ({error.strerror}); give another --output.")
    for name, state in found.items():
        click.echo(f"{output / name} {'is' if check else 'was'} {state}")
    click.echo(f"{len(made)} pages, {len(found)} not up to date.")
    if check and found:
        click.echo("gaugeblock docs brings them up to date.", err=True)
        sys.exit(DEVIATES)
