"""Numbers and arrays as a reader sees them: hexadecimal, decimal, and elided where they are long."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
from gaugeblock.reports.records import Observation, StoredArray
from gaugeblock.reports.runfile import decode

SHOWN = 16
"""An array with more elements than this is elided in the middle."""

_EDGE = 4


class Element(NamedTuple):
    """One element of an array, or a gap: `skipped` elements left out."""

    at: tuple[int, ...]
    hex: str
    decimal: str
    skipped: int = 0


def ulp(value: float | None) -> str:
    """An error or bound in ULP, to three digits; nothing for None."""
    if value is None:
        return ""
    if value == 0:
        return "0"
    text = f"{value:.3g}"
    if "e" not in text:
        return text
    if 1e-3 <= value < 1e6:
        return f"{value:.0f}"
    mantissa, exponent = text.split("e")
    return f"{mantissa}e{int(exponent)}"


def trim(text: str) -> str:
    """A C99 hexadecimal number without the zeros that end its fraction."""
    return re.sub(r"\.?0+p", "p", text) if "." in text else text


def decimal(text: str, dtype: str) -> str:
    """The shortest decimal that names `text` in the format `dtype`; empty if it is no hexadecimal number."""
    if "0x" not in text.lower():
        return ""
    try:
        value = float.fromhex(text)
    except (ValueError, OverflowError):
        return ""
    try:
        # A number beyond the format is shown as it is.
        with np.errstate(over="ignore"):
            near = np.dtype(getattr(ml_dtypes, dtype, dtype)).type(value)
    except (TypeError, OverflowError):
        return repr(value)
    return _shortest(near) if float(near) == value else repr(value)


def both(text: str, dtype: str) -> str:
    """A stored answer as hexadecimal with its decimal, or as it stands if it is no hexadecimal number."""
    plain = decimal(text, dtype)
    return f"{trim(text)} ({plain})" if plain else text


class Seen(NamedTuple):
    """What a reader sees of a witness; where there is none, nothing."""

    at: Sequence[int] = ()
    expected: str = ""
    nearest: str = ""
    got: str = ""


def seen(observation: Observation) -> Seen:
    """An observation's witness, its numbers in hexadecimal and decimal."""
    witness, dtype = observation.witness, observation.key.split("/")[2]
    if witness is None:
        return Seen()
    return Seen(witness.at, witness.expected, both(witness.nearest or "", dtype), both(witness.got, dtype))


def elements(stored: StoredArray, at: Sequence[int] = ()) -> list[Element]:
    """The elements of a stored array; a long one keeps its ends and what stands at the index `at`.

    `at` is an index into the answer. Where the input has more axes than the answer (a loss of rows), all
    below that index is kept, as far as it fits.
    """
    if stored.data is None:
        return [Element((), "", "", math.prod(stored.shape))]
    array = decode(stored)
    out: list[Element] = []
    expected = 0
    for position in [*_kept(array.shape, tuple(at)), array.size]:
        if position > expected:
            out.append(Element((), "", "", position - expected))
        if position < array.size:
            value = array.reshape(-1)[position]
            index = tuple(int(i) for i in np.unravel_index(position, array.shape)) if array.shape else ()
            exact = str(value) if array.dtype.kind in "biu" else trim(float(value).hex())
            out.append(Element(index, exact, _shortest(value)))
        expected = position + 1
    return out


def describe(stored: StoredArray) -> str:
    """An array's dtype and shape: 'float32, shape (3, 4)', or 'float32, a scalar'."""
    shape = stored.shape
    return f"{stored.dtype}, shape ({', '.join(map(str, shape))})" if shape else f"{stored.dtype}, a scalar"


def lines(stored: StoredArray, at: Sequence[int] = ()) -> list[str]:
    """The array as text, an element a line: index, hexadecimal, decimal."""
    text = []
    left_out = "more" if stored.data is not None else "elements, which the suite draws anew"
    for element in elements(stored, at):
        if element.skipped:
            text.append(f"… {element.skipped} {left_out}")
        else:
            where = f"[{', '.join(map(str, element.at))}] " if stored.shape else ""
            same = element.hex == element.decimal
            text.append(f"{where}{element.hex}" if same else f"{where}{element.hex}  {element.decimal}")
    return text or ["(empty)"]


def _shortest(value: Any) -> str:
    """The shortest decimal in the value's own format, but a whole number in full: not 8.19e+03 for 8192."""
    if np.asarray(value).dtype.kind in "biu":
        return str(value)
    number = float(value)
    return repr(number) if number.is_integer() and abs(number) < 1e16 else str(value)


def _kept(shape: tuple[int, ...], at: tuple[int, ...]) -> list[int]:
    size = math.prod(shape)
    if size <= SHOWN:
        return list(range(size))
    witness: list[int] = []
    if 0 < len(at) <= len(shape) and all(0 <= i < n for i, n in zip(at, shape, strict=False)):
        below = math.prod(shape[len(at) :])
        start = int(np.ravel_multi_index(at, shape[: len(at)])) * below
        witness = list(range(start, start + min(below, SHOWN - 2 * _EDGE)))
    edge = _EDGE if witness else SHOWN // 2
    return sorted({*range(edge), *range(size - edge, size), *witness})
