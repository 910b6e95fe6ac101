"""What stands around a call: how arrays go in and out, and how gradients are taken, as the text that is evaluated.

An adapter evaluates these texts, and a script that reproduces a deviation shows them: there is no second copy.
"""

from __future__ import annotations

import functools
import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Wording:
    """Python text, in which the adapter's modules, `numpy` and the names described below can stand.

    Where a text names a device, `device` is its slug ("cpu", "cuda:1"), `platform` and `index` are its parts.
    """

    put: str = "array"
    """The framework's own array with the bits of `array`, a NumPy array, on the device."""
    get: str = "answer"
    """What numpy.asarray takes, from `answer`, the framework's own array."""
    put_bfloat16: str | None = None
    """The same from an array of bfloat16, or of its bits as uint16, for a framework that does not know NumPy's."""
    get_bfloat16: str | None = None
    """The same from an answer in bfloat16, as float32."""
    gradient: str | None = None
    """Statements that leave the vector-Jacobian product with respect to `variable` in `gradient`, from `cotangent`;
    `call` is the call, in which `variable` stands."""
    second: str | None = None
    """The same of that product itself, for a function of one number, with `cotangent` once more."""
    compile: str | None = None
    """`function`, compiled, for modes that are."""
    placed: str | None = None
    """A context manager that places arrays and computations on the device, where `put` alone does not."""
    handed: Mapping[str, str] = field(default_factory=dict)
    """By layout: `array`, a NumPy array, in that layout, before it is put; `filler` fills the gaps in memory."""
    laid_out: Mapping[str, str] = field(default_factory=dict)
    """By layout: `array`, the framework's own, in that layout; `filler` fills the gaps in memory."""
    prelude: str = ""
    """Definitions that the calls need, as statements; the device and the names of `constants` can stand in them."""
    constants: Mapping[str, Any] = field(default_factory=dict)
    """Names that the prelude needs besides, with their values."""
    operators: Mapping[str, str] = field(default_factory=dict)
    """{"onnx": "run"}: what a call writes as onnx.Name(...) is run("Name", ...), a function of the prelude."""

    def record(self) -> dict[str, Any]:
        """The fields that are not empty, for a run file."""
        return {name: value for name, value in asdict(self).items() if value}


def placing(device: str) -> dict[str, Any]:
    """The names that stand for a device in a text, with their values."""
    platform, _, index = device.partition(":")
    return {"device": device, "platform": platform, "index": int(index or 0)}


@functools.cache
def _code(text: str, names: tuple[str, ...]) -> Any:
    return compile(f"lambda {', '.join(names)}: {text}", "<wording>", "eval")


def evaluated(text: str, namespace: Mapping[str, Any], **names: Any) -> Any:
    """The value of an expression in which the names of `namespace` and `names` can stand."""
    return eval(_code(text, tuple(names)), {**namespace})(**names)


PRODUCT = """
def made(function):
    def product(*arrays):
        *inputs, variable, cotangent = arrays
{}
        return gradient
    return product
"""


def product(statements: str, namespace: Mapping[str, Any]) -> Callable[..., Any]:
    """A function that takes f and returns (arrays..., cotangent) -> `gradient`, as the statements of a Wording say."""
    body = re.sub(r"\bcall\b", "function(*inputs, variable)", statements)
    names = {**namespace}
    exec(PRODUCT.format(textwrap.indent(body, " " * 8)), names)
    made: Callable[..., Any] = names["made"]
    return made
