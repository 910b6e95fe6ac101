"""A script that shows one deviation again: the framework's own API and NumPy, nothing of ours.

It prints what is due and what came, and ends with exit status 1 if the deviation shows, 0 if it does not.
"""

from __future__ import annotations

import sys
import textwrap
from typing import Any

from gaugeblock.reports.due import judged
from gaugeblock.reports.expressions import chains, inlined
from gaugeblock.reports.rendering import Calls
from gaugeblock.reports.runfile import Observation, Run, RunFileError, split_key
from gaugeblock.reports.values import ulp
from gaugeblock.reports.verdicts import ACCURACIES

DEVIATING = ("deviates", "documented")
"""The verdicts of observations that have a script."""


class NoScriptError(RunFileError):
    """There is no script; the message says why."""


def script(run: Run, observation: Observation) -> str:
    """The script for an observation; NoScriptError if it does not deviate, or if the run does not say how."""
    key = observation["key"]
    if observation["verdict"] not in DEVIATING:
        raise NoScriptError(f"{key} does not deviate: its verdict is {observation['verdict']}.")
    record = observation.get("reproduction")
    if record is None:
        why = observation.get("reproduction_missing", "the run was made without")
        raise NoScriptError(f"{key} has no reproduction: {why}.")
    parts = split_key(key)
    implementation = run["implementations"][f"{parts['operation']}/{parts['implementation']}"]
    framework = implementation["framework"]
    entry = run["frameworks"][framework]
    wordings = entry.get("scripts", {})
    if any(wordings.get(call["mode"]) is None for call in record["calls"]):
        raise NoScriptError(f"{key} has no script: the run does not say how arrays go in and out of {framework}.")
    wording = wordings[parts["mode"]]
    calls = Calls(wordings, parts["dtype"], parts["device"])
    told = run["operations"][parts["operation"]]["kind"] == "story"
    body = [*(_played(implementation["call"], record) if told else calls.lines(record)), ""]
    if wording.get("placed") and len(entry["devices"]) > 1:
        context = inlined(wording["placed"], calls.place())
        body = [f"with {context}:", textwrap.indent("\n".join(body), "    ")]
    body += judged(record)
    text = "\n".join([*calls.prelude(wording), *body])
    needed = _modules(text, wording)
    return "\n".join([*_head(observation), *_imports(needed, wording), "", text.rstrip(), *_end(needed), ""])


def _head(observation: Observation) -> list[str]:
    due = observation["reproduction"]["due"]
    told = ""
    if "error" in due:
        told = f"{ulp(due['error'])} ULP where {ulp(due.get('allowed'))} are allowed."
    elif "accuracy" in observation:
        told = f"{observation['accuracy']}: {ACCURACIES[observation['accuracy']]}"
    elif "label" in due:
        told = f"{due['label']}, where {' or '.join(due.get('right', {}))} is right."
    return [f"# {observation['key']}", *([f"# {told}"] if told else [])]


def _played(code: str, record: dict[str, Any]) -> list[str]:
    """The code of a story, and the figure that is looked at."""
    (call,) = record["calls"]
    return [code, "", "", f"got = [float({call['call']})]"]


def _modules(text: str, wording: dict[str, Any]) -> dict[str, str]:
    """The modules that the text needs, and the name under which each stands."""
    offered = {"decimal": "Decimal"}
    for module in (*wording["imports"], "numpy", "ml_dtypes"):
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


def _imports(modules: dict[str, str], wording: dict[str, Any]) -> list[str]:
    needed = sorted(modules)
    lines = []
    if wording["environ"]:
        lines = ["import os", ""]
        lines += [f"os.environ[{name!r}] = {value!r}" for name, value in sorted(wording["environ"].items())]
        lines.append("")
    if "decimal" in needed:
        needed.remove("decimal")
        lines += ["from decimal import Decimal", ""]
    return [*lines, *(f"import {module}" for module in needed)]


def _end(modules: dict[str, str]) -> list[str]:
    roots = dict.fromkeys(name.partition(".")[0] for module, name in sorted(modules.items()) if module != "decimal")
    told = [root for root in roots if root not in sys.stdlib_module_names]
    return [
        f"for module in ({', '.join(told)}{',' if len(told) == 1 else ''}):",
        "    print('version ', module.__name__, getattr(module, '__version__', 'unknown'))",
        "print('The deviation shows.' if shows else 'The deviation does not show.')",
        "raise SystemExit(int(shows))",
    ]
