"""What is due in place of what came: the lines of a script that compare the two, print both, and say what shows."""

from __future__ import annotations

import math
from typing import Any

from gaugeblock.reports import literals
from gaugeblock.reports.expressions import literal
from gaugeblock.reports.rendering import refusable
from gaugeblock.reports.values import trim

Record = dict[str, Any]


def judged(record: Record) -> list[str]:
    """The lines that leave in `shows` whether the deviation shows."""
    due = record["due"]
    if "exact" in due:
        return _value(due)
    if "right" in due:
        return _label(record)
    if "shape" in due:
        shape = repr(tuple(due["shape"]))
        return [f"print('expected an answer of shape', {shape})", "print('got     ', got)", f"shows = got != {shape}"]
    if "unchanged" in due:
        return [f"print('the call must leave', {due['unchanged']!r}, 'as it was')", "shows = after != before"]
    return _relation(due)


def _power(ulp: str) -> str:
    mantissa, exponent = math.frexp(float.fromhex(ulp))
    return f"2.0**{exponent - 1}" if mantissa == 0.5 else repr(float.fromhex(ulp))


def _value(due: Record) -> list[str]:
    nearest = due["nearest"]
    got = "print('got     ', got, got.hex())"
    if not math.isfinite(float.fromhex(nearest)):
        shows = "got == got" if nearest == "nan" else f"got != {literal(float(nearest))}"
        return [f"print('expected', {due['exact']!r})", got, f"shows = {shows}"]
    allowed = due.get("allowed", 0.0)
    return [
        f"exact = Decimal({due['exact']!r})",
        f"error = float(abs(Decimal(got) - exact) / Decimal({_power(due['ulp'])}))",
        f"print('expected', exact, {trim(nearest)!r})",
        got,
        f"print('error   ', error, 'ULP, allowed are', {allowed!r})",
        f"shows = not error <= {allowed!r}",
    ]


def _relation(due: Record) -> list[str]:
    allowed = due["allowed"]
    return [
        f"error = 0.0 if one == other or (one != one and other != other) else abs(one - other) / {_power(due['ulp'])}",
        "print('one     ', one, one.hex())",
        "print('other   ', other, other.hex())",
        f"print('apart by', error, 'ULP, allowed are', {allowed!r})",
        f"shows = not error <= {allowed!r}",
    ]


def _label(record: Record) -> list[str]:
    due, refused = record["due"], refusable(record)
    lines, fits = [], []
    for label, values in due["right"].items():
        if values == "refused":
            told, fit = "'refused'", "isinstance(got, str)"
        elif isinstance(values, dict):
            shape = tuple(values["shape"])
            told, fit = f"'an answer of shape', {shape}", f"shape == {shape}"
            fit = f"not isinstance(got, str) and {fit}" if refused else fit
        else:
            told = literals.numbers(values)
            fit = _same(told, len(values), due)
            fit = f"not isinstance(got, str) and {fit}" if refused else fit
        lines.append(f"print('expected', {label!r}, {told})")
        fits.append(fit)
    name = f"{due['label']!r}, " if "label" in due else ""
    told = "got" if refused else "got, [each.hex() for each in got]"
    return [*lines, f"print('got     ', {name}{told})", f"shows = not ({' or '.join(fits)})"]


def _same(values: str, count: int, due: Record) -> str:
    """Whether an answer has the values of a label."""
    rtol, atol = due.get("within", 0), due.get("apart", 0)
    close = f"numpy.allclose(got, {values}, rtol={rtol!r}, atol={atol!r}, equal_nan=True)"
    signs = f" and numpy.array_equal(numpy.signbit(got), numpy.signbit({values}))" if due.get("signs") else ""
    return f"len(got) == {count} and {close}{signs}"
