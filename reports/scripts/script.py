"""A script that shows one deviation again: the framework's own API and NumPy, nothing of ours.

It prints what is expected and what came, and ends with exit status 1 if the deviation shows, 0 if it does not.
"""

from __future__ import annotations

import sys
import textwrap

from gaugeblock.reports.records import Observation, Reproduction, Run, Wording
from gaugeblock.reports.runfile import RunFileError, split_key
from gaugeblock.reports.scripts.calls import Calls
from gaugeblock.reports.scripts.expected import judged
from gaugeblock.reports.scripts.expressions import chains, inlined
from gaugeblock.reports.values import ulp
from gaugeblock.reports.verdicts import ACCURACIES, SCRIPTED


class NoScriptError(RunFileError):
    """There is no script; the message says why."""


def script(run: Run, observation: Observation) -> str:
    """The script for an observation; NoScriptError if it does not deviate, or if the run does not say how."""
    key = observation.key
    if observation.verdict not in SCRIPTED:
        raise NoScriptError(f"{key} does not deviate: its verdict is {observation.verdict}.")
    record = observation.reproduction
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
    played = run.operations[parts["operation"]].kind == "story"
    body = [*(_played(implementation.call, record) if played else calls.lines(record)), ""]
    if wording.placed and len(entry.devices) > 1:
        context = inlined(wording.placed, calls.place())
        body = [f"with {context}:", textwrap.indent("\n".join(body), "    ")]
    body += judged(record)
    text = "\n".join([*calls.prelude(wording), *body])
    needed = _modules(text, wording)
    return "\n".join([*_head(observation), *_imports(needed, wording), "", text.rstrip(), *_end(needed), ""])


def _head(observation: Observation) -> list[str]:
    assert observation.reproduction is not None
    expected = observation.reproduction.expected
    summary = ""
    if expected.error is not None:
        summary = f"{ulp(expected.error)} ULP where {ulp(expected.allowed)} are allowed."
    elif observation.accuracy is not None:
        summary = f"{observation.accuracy}: {ACCURACIES[observation.accuracy]}"
    elif expected.label is not None:
        summary = f"{expected.label}, where {' or '.join(expected.right or {})} is right."
    return [f"# {observation.key}", *([f"# {summary}"] if summary else [])]


def _played(code: str, record: Reproduction) -> list[str]:
    """The code of a story, and the figure that is looked at."""
    (call,) = record.calls
    return [code, "", "", f"got = [float({call.call})]"]


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
    needed = sorted(modules)
    lines = []
    if wording.environ:
        lines = ["import os", ""]
        lines += [f"os.environ[{name!r}] = {value!r}" for name, value in sorted(wording.environ.items())]
        lines.append("")
    if "decimal" in needed:
        needed.remove("decimal")
        lines += ["from decimal import Decimal", ""]
    return [*lines, *(f"import {module}" for module in needed)]


def _end(modules: dict[str, str]) -> list[str]:
    roots = dict.fromkeys(name.partition(".")[0] for module, name in sorted(modules.items()) if module != "decimal")
    shown = [root for root in roots if root not in sys.stdlib_module_names]
    return [
        f"for module in ({', '.join(shown)}{',' if len(shown) == 1 else ''}):",
        "    print('version ', module.__name__, getattr(module, '__version__', 'unknown'))",
        "print('The deviation shows.' if shows else 'The deviation does not show.')",
        "raise SystemExit(int(shows))",
    ]
