"""A JSON Schema as a Python function: it says fast whether a value is valid, and leaves it to jsonschema to say why.

A run has a million values, for which jsonschema, which interprets the schema for each, takes a minute.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Test = Callable[[Any], bool]

ANNOTATIONS = frozenset({"$schema", "$id", "$defs", "title", "description"})
OBJECT = frozenset({"properties", "additionalProperties", "required"})
OTHER = frozenset({"$ref", "type", "const", "enum", "pattern", "minimum", "maximum", "items"})


def _integer(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value // 1


TYPES: Mapping[str, Test] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": _integer,
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}


def predicate(schema: Mapping[str, Any], definitions: Mapping[str, Any] | None = None) -> Test:
    """The function that says whether a value, as json.loads gives it, is valid under `schema`.

    NotImplementedError for a keyword that it does not know: nothing is passed over.
    """
    known = schema.get("$defs", {}) if definitions is None else definitions
    tests: list[Test] = []
    if "$ref" in schema:
        tests.append(predicate(known[schema["$ref"].removeprefix("#/$defs/")], known))
    if "type" in schema and not (schema["type"] == "object" and not OBJECT.isdisjoint(schema)):
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        tests.append(_any([TYPES[name] for name in names]))
    if "const" in schema or "enum" in schema:
        tests.append(_one_of(schema.get("enum", [schema.get("const")])))
    if "pattern" in schema:
        search = re.compile(schema["pattern"]).search
        tests.append(lambda value: not isinstance(value, str) or search(value) is not None)
    if "minimum" in schema or "maximum" in schema:
        low, high = schema.get("minimum", float("-inf")), schema.get("maximum", float("inf"))
        number = TYPES["number"]
        tests.append(lambda value: not number(value) or not (value < low or value > high))
    if "items" in schema:
        item = predicate(schema["items"], known)
        tests.append(lambda value: not isinstance(value, list) or all(map(item, value)))
    if not OBJECT.isdisjoint(schema):
        tests.append(_members(schema, known))
    unknown = schema.keys() - ANNOTATIONS - OBJECT - OTHER
    if unknown:
        raise NotImplementedError(f"the schema has the keyword {sorted(unknown)[0]!r}")
    return _all(tests)


def _all(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]
    if len(tests) == 2:
        one, other = tests
        return lambda value: one(value) and other(value)
    return lambda value: all(test(value) for test in tests)


def _any(tests: list[Test]) -> Test:
    return tests[0] if len(tests) == 1 else lambda value: any(test(value) for test in tests)


def _one_of(values: list[Any]) -> Test:
    # True == 1 in Python, and not in JSON.
    allowed = {(type(value) is bool, value) for value in values}
    return lambda value: not isinstance(value, dict | list) and (type(value) is bool, value) in allowed


def _members(schema: Mapping[str, Any], known: Mapping[str, Any]) -> Test:
    members = {name: predicate(each, known) for name, each in schema.get("properties", {}).items()}
    more = schema.get("additionalProperties", True)
    other: Test = (lambda _: more) if isinstance(more, bool) else predicate(more, known)
    required = frozenset(schema.get("required", ()))
    others = schema.get("type") != "object"

    def test(value: Any) -> bool:
        if not isinstance(value, dict):
            return others
        for name, each in value.items():
            if not members.get(name, other)(each):
                return False
        return required <= value.keys()

    return test
