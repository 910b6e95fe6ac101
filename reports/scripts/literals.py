"""Arrays as a script writes them: exactly, by their bits."""

from __future__ import annotations

import base64
import textwrap
from collections.abc import Iterable
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np
from gaugeblock.reports.records import StoredArray
from gaugeblock.reports.runfile import decode, encode
from gaugeblock.reports.scripts.expressions import literal
from msgspec.structs import replace

MANY = 48
MANY_WHOLE = 512
"""An array of more elements, or of more whole numbers, is written as its bytes."""
WIDE = 100
"""Columns of a line of them."""

Array = np.ndarray[Any, Any]


class Literal(NamedTuple):
    """A NumPy expression, of several lines if it is long, and the decimals of one that is not."""

    text: str
    comment: str = ""


def array(stored: StoredArray, *, bits: bool = False) -> Literal:
    """A stored array as Python text; with `bits` one of bfloat16 stays uint16, which needs no ml_dtypes."""
    if stored.repeated:
        shape, whole = tuple(stored.shape), decode(stored).ravel()
        # What it repeats to fill its shape, and where it does not.
        period = len(base64.b64decode(stored.data or "")) // whole.itemsize
        start = array(encode(decode(replace(stored, but=None)).ravel()[:period]), bits=bits)
        text = f"numpy.resize({start.text}, {shape})"
        for at in stored.but.at if stored.but is not None else ():
            place = f"numpy.arange({whole.size}).reshape({shape}) == {at}"
            text = f"numpy.where({place}, {array(encode(whole[at : at + 1]), bits=bits).text}, {text})"
        return Literal(text, start.comment)
    values, dtype = decode(stored), str(stored.dtype)
    if values.dtype.kind in "biu":
        return _listed(values, None, dtype, "")
    words = values.view(f"uint{8 * values.dtype.itemsize}")
    format_of = "ml_dtypes.bfloat16" if dtype == "bfloat16" else repr(dtype)
    viewed = "" if bits and dtype == "bfloat16" else f".view({format_of})"
    return _listed(words, values, words.dtype.name, viewed)


def _listed(words: Array, values: Array | None, dtype: str, viewed: str) -> Literal:
    """An array of `words`, in decimals if there are no `values` that they are the bits of."""
    shape, width = words.shape, 2 * words.dtype.itemsize
    written = [str(word) if values is None else f"0x{word:0{width}x}" for word in words.ravel().tolist()]
    decimals = [] if values is None else [str(value) for value in values.ravel()]
    ending = f", {dtype!r}){viewed}"
    if not written:
        return Literal(f"numpy.zeros({shape}{ending}")
    cell = max(map(len, written)) + 2
    if len(written) > (MANY if decimals else MANY_WHOLE) or (words.ndim > 1 and shape[-1] * cell > WIDE):
        digits = words.astype(words.dtype.newbyteorder("<")).tobytes().hex()
        parts = [f"    {part!r}" for part in textwrap.wrap(digits, WIDE - 6)]
        folded = f".reshape{shape}" if words.ndim > 1 else ""
        return Literal("\n".join(["numpy.frombuffer(bytearray.fromhex(", *parts, f"){ending}{folded}"]))
    if words.ndim == 0:
        return Literal(f"numpy.array({written[0]}{ending}", *decimals)
    size = shape[-1] if words.ndim > 1 else WIDE // 2 // cell if decimals else WIDE // cell
    rows = [(written[at : at + size], decimals[at : at + size]) for at in range(0, len(written), size)]
    if len(rows) == 1:
        whole = "[" * words.ndim + ", ".join(written) + "]" * words.ndim
        return Literal(f"numpy.array({whole}{ending}", ", ".join(decimals))
    lines = ["numpy.array(["]
    for entries, numbers_of in rows:
        text = ", ".join(entries)
        comment = f"  # {', '.join(numbers_of)}" if decimals else ""
        lines.append(f"    {f'[{text}]' if words.ndim > 1 else text},{comment}")
    folded = f".reshape{shape}" if words.ndim > 2 else ""
    return Literal("\n".join([*lines, f"]{ending}{folded}"]))


def numbers(values: Iterable[str]) -> str:
    """A list of numbers written in hexadecimal, in decimals that name them."""
    return f"[{', '.join(literal(float.fromhex(each)) for each in values)}]"


def stored(values: Any, dtype: str) -> StoredArray:
    """Numbers as an array of a dtype, in the form of a run file."""
    return encode(np.array(values, getattr(ml_dtypes, dtype, dtype)))
