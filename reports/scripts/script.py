"""A script that shows one deviation again: the framework's own API and NumPy, nothing of ours.

It prints what is expected and what came, and ends with exit status 1 if the deviation shows, 0 if it does not.
"""

from __future__ import annotations

import math
import sys
import textwrap

from gaugeblock.reports.records import Expected, Observation, Reproduction, Run, Wording
from gaugeblock.reports.runfile import RunFileError, split_key
from gaugeblock.reports.scripts import literals
from gaugeblock.reports.scripts.calls import Calls, refusable
from gaugeblock.reports.scripts.expressions import chains, inlined, literal
from gaugeblock.reports.values import trim, ulp
from gaugeblock.reports.verdicts import ACCURACIES, SCRIPTED


class NoScriptError(RunFileError):
    """There is no script; the message says why."""


class NotShrunkError(NoScriptError):
    """There is none yet: of each known deviation one example is shrunk, and the others on demand."""


def script(run: Run, observation: Observation) -> str:
    """The script for an observation; NoScriptError if it does not deviate, or if the run does not say how.

    NotShrunkError if it is no example of a known deviation.
    """
    key = observation.key
    if observation.verdict not in SCRIPTED:
        raise NoScriptError(f"{key} does not deviate: its verdict is {observation.verdict}.")
    record = observation.reproduction
    if record is None and observation.known is not None and observation.reproduction_missing is None:
        raise NotShrunkError(
            f"{key} is not the example that was shrunk of {observation.known}; "
            f"'gaugeblock reproduce {key} --run RUN.json' shrinks it where the framework is installed."
        )
    if record is None:
        why = observation.reproduction_missing or "the run was made without"
        raise NoScriptError(f"{key} has no reproduction: {why}.")
    parts = split_key(key)
    implementation = run.implementations[f"{parts['operation']}/{parts['implementation']}"]
    framework = implementation.framework
    entry = run.frameworks[framework]
    wordings = entry.scripts
    wording = wordings.get(parts["mode"])
    if wording is None or any(wordings.get(call.mode) is None for call in record.calls):
        raise NoScriptError(f"{key} has no script: the run does not say how arrays go in and out of {framework}.")
    calls = Calls(wordings, parts["dtype"], parts["device"])
    if run.operations[parts["operation"]].kind == "story":
        # The code that is played, and the figure that is looked at.
        body = [implementation.call, "", "", f"got = [float({record.calls[0].call})]", ""]
    else:
        body = [*calls.lines(record), ""]
    if wording.placed and len(entry.devices) > 1:
        context = inlined(wording.placed, calls.place())
        body = [f"with {context}:", textwrap.indent("\n".join(body), "    ")]
    body += _judged(record)
    text = "\n".join([*calls.prelude(wording), *body])
    needed = _modules(text, wording)
    return "\n".join([*_head(observation), *_imports(needed, wording), "", text.rstrip(), *_end(needed), ""])


def _head(observation: Observation) -> list[str]:
    assert observation.reproduction is not None
    expected, accuracy = observation.reproduction.expected, observation.accuracy
    lines = [f"# {observation.key}"]
    if expected.error is not None:
        lines.append(f"# {ulp(expected.error)} ULP where {ulp(expected.allowed)} are allowed.")
    elif accuracy is not None:
        lines.append(f"# {accuracy}: {ACCURACIES[accuracy]}")
    elif expected.label is not None:
        lines.append(f"# {expected.label}, where {' or '.join(expected.right or {})} is right.")
    return lines


def _modules(text: str, wording: Wording) -> dict[str, str]:
    """The modules that the text needs, and the name under which each stands."""
    offered = {"decimal": "Decimal"}
    for module in (*wording.imports, "numpy", "ml_dtypes"):
        path, _, alias = module.partition(" as ")
        offered[module] = alias or path
    roots = {name.partition(".")[0] for name in offered.values()}
    needed: dict[str, str] = {}
    for chain in chains(text):
        root = chain.partition(".")[0]
        if root in roots:
            fits = [module for module, name in offered.items() if f"{chain}.".startswith(f"{name}.")]
            longest = max(fits, key=len, default=root)
            needed[longest] = offered.get(longest, root)
    return needed


def _imports(modules: dict[str, str], wording: Wording) -> list[str]:
    lines = []
    if wording.environ:
        lines = ["import os", ""]
        lines += [f"os.environ[{name!r}] = {value!r}" for name, value in sorted(wording.environ.items())]
        lines.append("")
    if "decimal" in modules:
        lines += ["from decimal import Decimal", ""]
    return [*lines, *(f"import {module}" for module in sorted(modules) if module != "decimal")]


def _end(modules: dict[str, str]) -> list[str]:
    roots = dict.fromkeys(name.partition(".")[0] for module, name in sorted(modules.items()) if module != "decimal")
    shown = [root for root in roots if root not in sys.stdlib_module_names]
    return [
        f"for module in ({', '.join(shown)}{',' if len(shown) == 1 else ''}):",
        "    print('version ', module.__name__, getattr(module, '__version__', 'unknown'))",
        "print('The deviation shows.' if shows else 'The deviation does not show.')",
        "raise SystemExit(int(shows))",
    ]


# What is expected


def _judged(record: Reproduction) -> list[str]:
    """The lines that leave in `shows` whether the deviation shows."""
    expected = record.expected
    if expected.exact is not None:
        return _value(expected)
    if expected.right is not None:
        return _label(record)
    if expected.shape is not None:
        shape = repr(tuple(expected.shape))
        return [f"print('expected an answer of shape', {shape})", "print('got     ', got)", f"shows = got != {shape}"]
    if expected.unchanged is not None:
        return [f"print('the call must leave', {expected.unchanged!r}, 'as it was')", "shows = after != before"]
    return _relation(expected)


def _power(ulp: str | None) -> str:
    assert ulp is not None
    mantissa, exponent = math.frexp(float.fromhex(ulp))
    return f"2.0**{exponent - 1}" if mantissa == 0.5 else repr(float.fromhex(ulp))


def _value(expected: Expected) -> list[str]:
    nearest = expected.nearest
    assert nearest is not None
    got = "print('got     ', got, got.hex())"
    if not math.isfinite(float.fromhex(nearest)):
        shows = "got == got" if nearest == "nan" else f"got != {literal(float(nearest))}"
        return [f"print('expected', {expected.exact!r})", got, f"shows = {shows}"]
    allowed = expected.allowed or 0.0
    return [
        f"exact = Decimal({expected.exact!r})",
        f"error = float(abs(Decimal(got) - exact) / Decimal({_power(expected.ulp)}))",
        f"print('expected', exact, {trim(nearest)!r})",
        got,
        f"print('error   ', error, 'ULP, allowed are', {allowed!r})",
        f"shows = not error <= {allowed!r}",
    ]


def _relation(expected: Expected) -> list[str]:
    allowed = expected.allowed
    return [
        "same = one == other or (one != one and other != other)",
        f"error = 0.0 if same else abs(one - other) / {_power(expected.ulp)}",
        "print('one     ', one, one.hex())",
        "print('other   ', other, other.hex())",
        f"print('apart by', error, 'ULP, allowed are', {allowed!r})",
        f"shows = not error <= {allowed!r}",
    ]


def _label(record: Reproduction) -> list[str]:
    expected, refused = record.expected, refusable(record)
    lines, fits = [], []
    for label, values in (expected.right or {}).items():
        if values == "refused":
            shown, fit = "'refused'", "isinstance(got, str)"
        else:
            if isinstance(values, dict):
                shape = tuple(values["shape"])
                shown, fit = f"'an answer of shape', {shape}", f"shape == {shape}"
            else:
                shown = literals.numbers(values)
                fit = _same(shown, len(values), expected)
            fit = f"not isinstance(got, str) and {fit}" if refused else fit
        lines.append(f"print('expected', {label!r}, {shown})")
        fits.append(fit)
    name = f"{expected.label!r}, " if expected.label is not None else ""
    got = "got" if refused else "got, [each.hex() for each in got]"
    return [*lines, f"print('got     ', {name}{got})", f"shows = not ({' or '.join(fits)})"]


def _same(values: str, count: int, expected: Expected) -> str:
    """Whether an answer has the values of a label."""
    rtol, atol = expected.within or 0, expected.apart or 0
    close = f"numpy.allclose(got, {values}, rtol={rtol!r}, atol={atol!r}, equal_nan=True)"
    signs = f" and numpy.array_equal(numpy.signbit(got), numpy.signbit({values}))" if expected.signs else ""
    return f"len(got) == {count} and {close}{signs}"
