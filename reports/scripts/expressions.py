"""Python text in a run file, made ready for a script: names have their values, and choices are decided."""

from __future__ import annotations

import ast
import functools
import operator
import re
from collections.abc import Mapping
from typing import Any

WIDTH = 100
"""Columns of a script, which a call may need more of."""

COMPARES = {ast.Is: operator.is_, ast.IsNot: operator.is_not, ast.Eq: operator.eq, ast.NotEq: operator.ne}


class _Inliner(ast.NodeTransformer):
    """Puts expressions in the place of names, and decides what can be decided without running anything."""

    def __init__(self, values: Mapping[str, str], operators: Mapping[str, str]) -> None:
        self._values = values
        self._operators = operators

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id not in self._values:
            return node
        value = ast.parse(self._values[node.id], mode="eval").body
        if isinstance(value, ast.Name):
            value.ctx = node.ctx
        return value

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg = self._values.get(node.arg, node.arg)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        renamed = None
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            renamed = self._operators.get(node.func.value.id)
        self.generic_visit(node)
        if renamed is not None and isinstance(node.func, ast.Attribute):
            node.args.insert(0, ast.Constant(node.func.attr))
            node.func = ast.Name(renamed, ast.Load())
        values = [each.value for each in node.args if isinstance(each, ast.Constant)]
        match node.func:
            # A device's name in another spelling.
            case ast.Attribute(ast.Constant(text), "replace") if len(values) == 2:
                return ast.Constant(str(text).replace(str(values[0]), str(values[1])))
            case ast.Name("getattr") if len(values) == 1:
                return ast.Attribute(node.args[0], str(values[0]), ast.Load())
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        match node:
            case ast.Compare(ast.Constant(one), [comparison], [ast.Constant(other)]):
                decide = next((each for kind, each in COMPARES.items() if isinstance(comparison, kind)), None)
                return ast.Constant(decide(one, other)) if decide else node
        return node

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.test, ast.Constant):
            return node.body if node.test.value else node.orelse
        return node


def inlined(text: str, values: Mapping[str, str], operators: Mapping[str, str] | None = None) -> str:
    """`text`, an expression or statements, with expressions in the place of names.

    Comparisons and choices that are decided by constants are gone. `operators` as in a wording: what is written
    onnx.Name(...) becomes run("Name", ...).
    """
    return _inlined(text, tuple(values.items()), tuple((operators or {}).items()))


@functools.lru_cache(maxsize=4096)
def _inlined(text: str, values: tuple[tuple[str, str], ...], operators: tuple[tuple[str, str], ...]) -> str:
    tree = _Inliner(dict(values), dict(operators)).visit(ast.parse(text))
    return ast.unparse(ast.fix_missing_locations(tree))


@functools.lru_cache(maxsize=4096)
def names(text: str) -> frozenset[str]:
    """Every name that a text mentions."""
    return frozenset(node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name))


def chains(text: str) -> set[str]:
    """The dotted names that a text mentions, each as far as it goes: torch.nn.functional.softmax."""
    # Arrays make a syntax tree of a script large: what matters of it is plain to see without one.
    return set(re.findall(r"(?<![\w.)\]])[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*", re.sub(r"'[^'\n]*'|#.*", "''", text)))


def literal(value: Any) -> str:
    """A number, text, truth value or None as Python writes it; numbers that are none by NumPy's names."""
    text = repr(value)
    return {"nan": "numpy.nan", "inf": "numpy.inf", "-inf": "-numpy.inf"}.get(text, text)


def assigned(target: str, expression: str) -> str:
    """`target = expression`, the arguments of a long call on lines of their own."""
    line = f"{target} = {expression}"
    if len(line) <= WIDTH or "\n" in expression:
        return line
    call = ast.parse(expression, mode="eval").body
    if not isinstance(call, ast.Call):
        return line
    arguments = [ast.unparse(each) for each in (*call.args, *call.keywords)]
    inner = "".join(f"\n    {argument}," for argument in arguments)
    return f"{target} = {ast.unparse(call.func)}({inner}\n)"
