"""Jinja environments of the packages that render: their own templates, and an error for a name that is not there."""

from __future__ import annotations

from importlib import resources

import jinja2


def environment(package: str, *, escaped: bool) -> jinja2.Environment:
    """An environment of the templates that lie in the package's folder `templates`."""
    folder = resources.files(package).joinpath("templates")

    def load(name: str) -> str:
        return folder.joinpath(name).read_text(encoding="utf-8")

    return jinja2.Environment(
        loader=jinja2.FunctionLoader(load),
        autoescape=escaped,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
