import json
from importlib import resources
from typing import Any

from gaugeblock.reports import records


def unordered(value: Any) -> Any:
    """A JSON value without the order of its lists: versions of msgspec list alternatives in one or another."""
    if isinstance(value, dict):
        return {name: unordered(each) for name, each in value.items()}
    return sorted(map(unordered, value), key=repr) if isinstance(value, list) else value


def test_the_schema_is_that_of_the_records() -> None:
    stored = resources.files("gaugeblock.reports").joinpath("run.schema.json").read_text(encoding="utf-8")
    again = "make it again: python -m gaugeblock.reports.records > reports/run.schema.json"
    assert unordered(json.loads(stored)) == unordered(records.schema()), again
