"""Bundles: the source of functions with all that it needs of this project, so that it stands alone."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

OURS = __name__.partition(".")[0]


@functools.cache
def _module(name: str) -> tuple[str, dict[str, ast.stmt]]:
    """The text of a module, and the statement at its top level that binds each name."""
    text = inspect.getsource(importlib.import_module(name))
    bound = {name: statement for statement in ast.parse(text).body for name in _bound(statement)}
    return text, bound


def _bound(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        yield statement.name
    elif isinstance(statement, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in statement.names)
    elif isinstance(statement, ast.Assign | ast.AnnAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        yield from (node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name))


def bundled(*functions: Callable[..., Any]) -> str:
    """Source text that defines the functions: imports of others' modules, then whatever they use of ours, then they.

    The functions are defined at the top level of their modules.
    """
    imports: set[str] = set()
    # A dict keeps what came first, which is what others use.
    parts: dict[tuple[str, int], str] = {}

    def take(module: str, name: str) -> None:
        text, bound = _module(module)
        statement = bound.get(name)
        if statement is None:
            return
        if isinstance(statement, ast.Import | ast.ImportFrom):
            origin = getattr(statement, "module", None) or ""
            if origin.partition(".")[0] == OURS:
                take(origin, name)
            else:
                imports.add(_import(statement, name))
            return
        place = (module, statement.lineno)
        if place in parts:
            return
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and node.id not in _bound(statement):
                take(module, node.id)
        parts[place] = ast.get_source_segment(text, statement) or ""

    for function in functions:
        take(function.__module__, function.__name__)
    defined = [text for text in parts.values() if not text.startswith("def ")]
    functions_text = [text for text in parts.values() if text.startswith("def ")]
    head = "\n".join([*sorted(imports, key=lambda line: (line.startswith("from"), line)), "", *defined]).strip()
    return "\n\n\n".join([head, *functions_text]).strip()


def _import(statement: ast.Import | ast.ImportFrom, name: str) -> str:
    """The import of one name alone."""
    chosen = [ast.unparse(each) for each in statement.names if name in (each.asname, each.name.partition(".")[0])]
    start = f"from {statement.module} " if isinstance(statement, ast.ImportFrom) else ""
    return f"{start}import {', '.join(chosen)}"
