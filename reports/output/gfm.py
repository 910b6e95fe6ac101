"""Pieces of GitHub-flavoured Markdown: text, code and rows of a table that mean what they say."""

from __future__ import annotations

import re
from collections.abc import Iterable


def row(cells: Iterable[str]) -> str:
    """One line of a table."""
    return f"| {' | '.join(cells)} |"


def text(content: str, limit: int | None = None) -> str:
    """Text that means itself in a table cell: no markup, no HTML, no mention of a user, one line."""
    line = " ".join(content.split())
    if limit is not None and len(line) > limit:
        line = line[: limit - 1] + "…"
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("@", "&#64;")
    return re.sub(r"([\\|*_`\[\]~])", r"\\\1", line)


def code(content: str) -> str:
    """Text as code; a bare pipe would end the cell even there."""
    return "`" + content.replace("`", "'").replace("|", "\\|") + "`"
