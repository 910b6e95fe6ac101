"""The command `check`: judge a function or a class of the user's own."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from collections.abc import Sequence
from typing import Any

import click
from gaugeblock.adapters.registry import UnknownFrameworkError
from gaugeblock.conformance.cli.terminal import EFFORT, console, failing, progress, several
from gaugeblock.conformance.session.measure import CONFORMS, DEVIATES
from gaugeblock.conformance.yours.callable_adapter import CallableError
from gaugeblock.conformance.yours.checking import SuiteError, check
from gaugeblock.conformance.yours.result import WIDTH
from gaugeblock.reference.catalogue import UnknownOperationError


def _named(text: str) -> Any:
    """What `package.module:name` names; the folder that the command is given in is searched first."""
    module, colon, path = text.partition(":")
    if not colon or not module or not path:
        raise CallableError(f"{text!r} names no function: write package.module:function.")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found: Any = importlib.import_module(module)
    except ImportError as error:
        raise CallableError(f"{module} cannot be imported from here: {error}.") from None
    except (Exception, SystemExit) as error:
        raise CallableError(f"{module} fails when it is imported: {type(error).__name__}: {error}.") from None
    for part in path.split("."):
        if not hasattr(found, part):
            raise CallableError(f"there is no {path!r} in {module}.")
        found = getattr(found, part)
    return found


def _pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise CallableError(f"--{option} is NAME=VALUE, and {text!r} has no '='.")
        found[name.strip()] = value.strip()
    return found


def _fixed(texts: Sequence[str]) -> dict[str, Any]:
    """Values of parameters by name; CallableError for a name that is an option of `check` itself."""
    found = {name: _literal(text) for name, text in _pairs(texts, "parameter").items()}
    for name in found:
        if name in inspect.signature(check).parameters:
            raise CallableError(f"--parameter has values of the operation's parameters, and '{name}' is none.")
    return found


def _literal(text: str) -> Any:
    """A Python number, string, tuple or None; what is none of them is a string."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


@click.command("check", epilog="Exit code: 0 it conforms, 1 it does not, 2 it cannot be asked.")
@click.argument("path", metavar="PACKAGE.MODULE:FUNCTION")
@click.option(
    "--operation", required=True, metavar="NAME", help="What it claims to compute ('gaugeblock list operations')."
)
@several(
    "--dtype", metavar="DTYPE",
    help="Ask in this dtype: float16, bfloat16, float32, float64. Default: float32, or int64 where there are labels"
    " alone.",
)  # fmt: skip
@click.option("--arrays", default="numpy", show_default=True, metavar="FRAMEWORK", help="Whose arrays it takes.")
@EFFORT
@click.option(
    "--gradient", metavar="PACKAGE.MODULE:FUNCTION",
    help="Its vector-Jacobian product: takes the inputs and 'cotangent', returns the gradient of the last input.",
)  # fmt: skip
@click.option("--device", default="cpu", show_default=True, metavar="DEVICE", help="Where the arrays lie.")
@several("--signature", metavar="NAME=OWN", help="Its own name of an input or parameter: logits=x.")
@several("--convention", metavar="NAME=LABEL", help="A convention that it must follow: 'ties=lowest index', clip=1e-7.")
@several("--protocol", metavar="VERB=METHOD", help="Of a class, the method for update, result, reset or merge.")
@several("--parameter", metavar="NAME=VALUE", help="A parameter's value that it is always called with: axis=0.")
def check_command(
    path: str, operation: str, dtype: tuple[str, ...], gradient: str | None, signature: tuple[str, ...],
    convention: tuple[str, ...], protocol: tuple[str, ...], parameter: tuple[str, ...], **options: str,
) -> None:  # fmt: skip
    """Judge a function, or a class of a metric, of your own.

    It is called with the operation's names of inputs and parameters where it takes them; what it does not take is not
    asked, and named at the end.
    """
    refusals = CallableError, SuiteError, UnknownOperationError, UnknownFrameworkError
    with failing(*refusals), progress("preparing", "checks") as advance:
        result = check(
            _named(path),
            operation,
            dtypes=dtype,
            signature=_pairs(signature, "signature"),
            gradient=_named(gradient) if gradient else None,
            conventions={name: _literal(text) for name, text in _pairs(convention, "convention").items()},
            protocol=_pairs(protocol, "protocol") or None,
            progress=advance,
            **options,
            **_fixed(parameter),
        )
    console(WIDTH).print(result.summary())
    sys.exit(CONFORMS if result.conforms else DEVIATES)
