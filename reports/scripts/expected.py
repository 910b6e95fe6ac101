"""What is expected: the lines of a script that compare the answer with it, print both, and say whether they differ."""

from __future__ import annotations

import math

from gaugeblock.reports.records import Expected, Reproduction
from gaugeblock.reports.scripts import literals
from gaugeblock.reports.scripts.calls import refusable
from gaugeblock.reports.scripts.expressions import literal
from gaugeblock.reports.values import trim


def judged(record: Reproduction) -> list[str]:
    """The lines that leave in `shows` whether the deviation shows."""
    expected = record.expected
    if expected.exact is not None:
        return _value(expected)
    if expected.right is not None:
        return _label(record)
    if expected.shape is not None:
        shape = repr(tuple(expected.shape))
        return [f"print('expected an answer of shape', {shape})", "print('got     ', got)", f"shows = got != {shape}"]
    if expected.unchanged is not None:
        return [f"print('the call must leave', {expected.unchanged!r}, 'as it was')", "shows = after != before"]
    return _relation(expected)


def _power(ulp: str | None) -> str:
    assert ulp is not None
    mantissa, exponent = math.frexp(float.fromhex(ulp))
    return f"2.0**{exponent - 1}" if mantissa == 0.5 else repr(float.fromhex(ulp))


def _value(expected: Expected) -> list[str]:
    nearest = expected.nearest
    assert nearest is not None
    got = "print('got     ', got, got.hex())"
    if not math.isfinite(float.fromhex(nearest)):
        shows = "got == got" if nearest == "nan" else f"got != {literal(float(nearest))}"
        return [f"print('expected', {expected.exact!r})", got, f"shows = {shows}"]
    allowed = expected.allowed or 0.0
    return [
        f"exact = Decimal({expected.exact!r})",
        f"error = float(abs(Decimal(got) - exact) / Decimal({_power(expected.ulp)}))",
        f"print('expected', exact, {trim(nearest)!r})",
        got,
        f"print('error   ', error, 'ULP, allowed are', {allowed!r})",
        f"shows = not error <= {allowed!r}",
    ]


def _relation(expected: Expected) -> list[str]:
    allowed = expected.allowed
    return [
        "same = one == other or (one != one and other != other)",
        f"error = 0.0 if same else abs(one - other) / {_power(expected.ulp)}",
        "print('one     ', one, one.hex())",
        "print('other   ', other, other.hex())",
        f"print('apart by', error, 'ULP, allowed are', {allowed!r})",
        f"shows = not error <= {allowed!r}",
    ]


def _label(record: Reproduction) -> list[str]:
    expected, refused = record.expected, refusable(record)
    lines, fits = [], []
    for label, values in (expected.right or {}).items():
        if values == "refused":
            shown, fit = "'refused'", "isinstance(got, str)"
        elif isinstance(values, dict):
            shape = tuple(values["shape"])
            shown, fit = f"'an answer of shape', {shape}", f"shape == {shape}"
            fit = f"not isinstance(got, str) and {fit}" if refused else fit
        else:
            shown = literals.numbers(values)
            fit = _same(shown, len(values), expected)
            fit = f"not isinstance(got, str) and {fit}" if refused else fit
        lines.append(f"print('expected', {label!r}, {shown})")
        fits.append(fit)
    name = f"{expected.label!r}, " if expected.label is not None else ""
    got = "got" if refused else "got, [each.hex() for each in got]"
    return [*lines, f"print('got     ', {name}{got})", f"shows = not ({' or '.join(fits)})"]


def _same(values: str, count: int, expected: Expected) -> str:
    """Whether an answer has the values of a label."""
    rtol, atol = expected.within or 0, expected.apart or 0
    close = f"numpy.allclose(got, {values}, rtol={rtol!r}, atol={atol!r}, equal_nan=True)"
    signs = f" and numpy.array_equal(numpy.signbit(got), numpy.signbit({values}))" if expected.signs else ""
    return f"len(got) == {count} and {close}{signs}"
