"""Expressions that choose tests by their keys, in pytest's language: 'softmax and not gradient'."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence

_TOKEN = re.compile(r"\s*([()]|[^\s()]+)")
_WORDS = ("and", "or", "not", "(", ")")


def compiled(expression: str) -> Callable[[str], bool]:
    """Whether a key has what an expression says: parts of keys, joined by `and`, `or`, `not` and brackets.

    Raises ValueError for what is no expression. Upper and lower case are the same; an empty one holds for every key.
    """
    tokens = _TOKEN.findall(expression)
    parts = [token.lower() for token in tokens if token not in _WORDS]
    numbers = iter(range(len(parts)))
    text = " ".join(token if token in _WORDS else f"p{next(numbers)}" for token in tokens)
    if not text:
        return lambda key: True  # noqa: ARG005
    try:
        holds = _holds(ast.parse(text, mode="eval").body, parts)
    except (SyntaxError, ValueError):
        raise ValueError(f"'{expression}' is no expression of parts of keys, 'and', 'or', 'not' and brackets") from None
    return lambda key: holds(key.lower())


def _holds(node: ast.expr, parts: Sequence[str]) -> Callable[[str], bool]:
    """What a node says of a key in lower case; ValueError for a node that is no part of the language."""
    match node:
        case ast.BoolOp(op=op):
            joined = all if isinstance(op, ast.And) else any
            below = [_holds(each, parts) for each in node.values]
            return lambda key: joined(each(key) for each in below)
        case ast.UnaryOp():
            inner = _holds(node.operand, parts)
            return lambda key: not inner(key)
        case ast.Name():
            part = parts[int(node.id[1:])]
            return lambda key: part in key
        case _:
            raise ValueError("a call or an empty bracket")
