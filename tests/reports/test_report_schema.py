"""The compiled schema says of every value what jsonschema says."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from importlib import resources
from typing import Any

import jsonschema
import pytest
from trueline.reports.runfile import Run
from trueline.reports.schema import predicate as compiled

SCHEMA = json.loads(resources.files("trueline.reports").joinpath("run.schema.json").read_text(encoding="utf-8"))

OTHERS = (
    None,
    True,
    False,
    0,
    1,
    1.0,
    -1,
    -0.5,
    2.5,
    1e301,
    "",
    "conforms",
    "a/b/c/d/e/f/g",
    [],
    [1],
    ["x"],
    {},
    {"x": 1},
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


def changed(run: Run, path: tuple[Any, ...], change: Any) -> Run:
    """The run with `change` applied to the container of what stands at `path`."""
    whole = copy.deepcopy(run)
    at = whole
    for key in path[:-1]:
        at = at[key]
    change(at, path[-1])
    return whole


def variants(run: Run) -> Iterator[Run]:
    for path in list(places(run))[1:]:
        for other in OTHERS:
            yield changed(run, path, lambda at, key, other=other: at.__setitem__(key, other))
        yield changed(run, path, lambda at, key: at.pop(key))
        if isinstance(path[-1], str):
            yield changed(run, path, lambda at, _: at.__setitem__("unheard-of", "x"))


def test_it_agrees_with_jsonschema(mixed: Run) -> None:
    valid, validator = compiled(SCHEMA), jsonschema.Draft202012Validator(SCHEMA)
    small = {**mixed, "observations": mixed["observations"][:3], "cases": dict(list(mixed["cases"].items())[:2])}
    said = {True: 0, False: 0}
    for run in (small, *variants(small)):
        expected = validator.is_valid(run)
        said[expected] += 1
        assert valid(run) is expected, run
    assert min(said.values()) > 100


def test_an_unknown_keyword_is_not_passed_over() -> None:
    with pytest.raises(NotImplementedError, match="maxLength"):
        compiled({"type": "object", "properties": {"key": {"type": "string", "maxLength": 3}}})
