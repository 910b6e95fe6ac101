"""The command `gaugeblock check`: an implementation that is named on the command line, judged."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click
from gaugeblock.adapters.registry import UnknownFrameworkError
from gaugeblock.conformance.session.measure import CONFORMS, DEVIATES, HARNESS
from gaugeblock.conformance.yours.callable_adapter import GivenError
from gaugeblock.conformance.yours.checking import SuiteError, Told, check
from gaugeblock.conformance.yours.efforts import EFFORTS
from gaugeblock.conformance.yours.result import WIDTH, Result
from gaugeblock.reference.catalogue import UnknownOperationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


def _named(text: str) -> Any:
    """What `package.module:name` names; the folder that the command is given in is searched first."""
    module, colon, path = text.partition(":")
    if not colon or not module or not path:
        raise GivenError(f"{text!r} names no function: write package.module:function.")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found: Any = importlib.import_module(module)
    except ImportError as error:
        raise GivenError(f"{module} cannot be imported from here: {error}.") from None
    except Exception as error:
        raise GivenError(f"{module} fails when it is imported: {type(error).__name__}: {error}.") from None
    for part in path.split("."):
        if not hasattr(found, part):
            raise GivenError(f"there is no {path!r} in {module}.")
        found = getattr(found, part)
    return found


def _pairs(given: Sequence[str], option: str) -> dict[str, str]:
    found = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise GivenError(f"--{option} is NAME=VALUE, and {text!r} has no '='.")
        found[name.strip()] = value.strip()
    return found


def _literal(text: str) -> Any:
    """A Python number, string, tuple or None; what is none of them is a string."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _several(name: str, metavar: str, help_: str) -> Callable[..., Any]:
    return click.option(f"--{name}", name, multiple=True, metavar=metavar, help=help_)


@click.command("check", epilog="Exit code: 0 it conforms, 1 it does not, 2 it cannot be asked.")
@click.argument("given", metavar="PACKAGE.MODULE:FUNCTION")
@click.option(
    "--operation", required=True, metavar="NAME", help="What it claims to compute ('gaugeblock list operations')."
)
@_several("dtype", "DTYPE", "Ask in this dtype: float16, bfloat16, float32 (the default), float64. Several times.")
@click.option("--arrays", default="numpy", show_default=True, metavar="FRAMEWORK", help="Whose arrays it takes.")
@click.option("--effort", type=click.Choice(tuple(EFFORTS)), default="default", show_default=True)
@click.option("--gradient", metavar="PACKAGE.MODULE:FUNCTION", help="Its vector-Jacobian product.")
@click.option("--device", default="cpu", show_default=True, metavar="DEVICE", help="Where the arrays lie.")
@_several("signature", "NAME=OWN", "Its own name of an input or parameter: logits=x.")
@_several("convention", "NAME=LABEL", "A convention that it must follow: 'ties=lowest index', clip=1e-7.")
@_several("protocol", "VERB=METHOD", "Of a class, the method for update, result, reset or merge.")
@_several("parameter", "NAME=VALUE", "A parameter's value that it is always called with: axis=0.")
def check_command(
    given: str, operation: str, dtype: tuple[str, ...], arrays: str, effort: str, gradient: str | None, device: str,
    signature: tuple[str, ...], convention: tuple[str, ...], protocol: tuple[str, ...], parameter: tuple[str, ...],
) -> None:  # fmt: skip
    """Judge a function, or a class of metrics, of your own.

    It is called with the operation's names of inputs and parameters where it takes them; what it does not take is not
    asked, and told at the end.
    """
    try:
        result = _watched(
            lambda told: check(
                _named(given),
                operation,
                dtypes=dtype,
                arrays=arrays,
                effort=effort,
                signature=_pairs(signature, "signature"),
                gradient=_named(gradient) if gradient else None,
                conventions={name: _literal(text) for name, text in _pairs(convention, "convention").items()},
                protocol=_pairs(protocol, "protocol") or None,
                device=device,
                progress=told,
                **{name: _literal(text) for name, text in _pairs(parameter, "parameter").items()},
            )
        )
    except (GivenError, SuiteError, UnknownOperationError, UnknownFrameworkError) as error:
        click.echo(f"gaugeblock: {error}", err=True)
        sys.exit(HARNESS)
    except KeyboardInterrupt:
        click.echo("gaugeblock: interrupted: nothing was judged.", err=True)
        sys.exit(HARNESS)
    console = Console()
    (console if console.is_terminal else Console(width=WIDTH)).print(result.summary())
    sys.exit(CONFORMS if result.conforms else DEVIATES)


def _watched(judge: Callable[[Told], Result]) -> Result:
    """With a bar on standard error, where that is a terminal."""
    console = Console(file=sys.stderr)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("checks"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("preparing", total=None)
        return judge(lambda done, total, name: bar.update(task, completed=done, total=total, description=name))
