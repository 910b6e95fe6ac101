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
    """Python text in the names of the adapter's modules, `numpy`, and those said below.

    Where a text names a device, `device` is its slug ("cpu", "cuda:1"), `platform` and `index` are its parts.
    """

    put: str = "array"
    """The framework's own array with the bits of `array`, a NumPy array, on the device."""
    get: str = "answer"
    """What NumPy makes an array of, from `answer`, the framework's own array."""
    put_bfloat16: str | None = None
    """The same from an array of bfloat16, or of its bits as uint16, for a framework that does not know NumPy's."""
    get_bfloat16: str | None = None
    """The same from an answer in bfloat16, in binary32."""
    gradient: str | None = None
    """Statements that leave the vector-Jacobian product with respect to `variable` in `gradient`, given `cotangent`;
    `call` is the call, in which `variable` stands."""
    second: str | None = None
    """The same of the vector-Jacobian product with respect to one number, with `cotangent` once more."""
    compile: str | None = None
    """`function` compiled, for modes that are."""
    placed: str | None = None
    """A context in which what is made and computed lies on the device, where that is not said of each array."""
    handed: Mapping[str, str] = field(default_factory=dict)
    """By layout: the numbers of `array`, a NumPy array, in that layout before it is put; between them lies `filler`."""
    laid_out: Mapping[str, str] = field(default_factory=dict)
    """By layout: the numbers of `array`, the framework's own, in that layout; between them lies `filler`."""
    prelude: str = ""
    """Definitions that the calls need; they may name the device and what `given` has."""
    given: Mapping[str, Any] = field(default_factory=dict)
    operators: Mapping[str, str] = field(default_factory=dict)
    """{"onnx": "run"}: what a call writes as onnx.Name(...) is run("Name", ...), a function of the prelude."""

    def record(self) -> dict[str, Any]:
        """The texts that there are, for a run file."""
        return {name: value for name, value in asdict(self).items() if value}


def placing(device: str) -> dict[str, Any]:
    """The names of a device and of its parts."""
    platform, _, index = device.partition(":")
    return {"device": device, "platform": platform, "index": int(index or 0)}


@functools.cache
def _code(text: str, names: tuple[str, ...]) -> Any:
    return compile(f"lambda {', '.join(names)}: {text}", "<wording>", "eval")


def evaluated(text: str, namespace: Mapping[str, Any], **names: Any) -> Any:
    """The value of an expression among `namespace` and `names`."""
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
    """Function -> the function of (arrays..., cotangent) that the statements of a gradient compute."""
    body = re.sub(r"\bcall\b", "function(*inputs, variable)", statements)
    names = {**namespace}
    exec(PRODUCT.format(textwrap.indent(body, " " * 8)), names)
    made: Callable[..., Any] = names["made"]
    return made
