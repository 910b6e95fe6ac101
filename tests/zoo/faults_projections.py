"""Faults of softmin, of softmax at a temperature, and of sparsemax."""

from __future__ import annotations

import ml_dtypes
import numpy as np

from tests.zoo import right
from tests.zoo.entries import Table, normal, show
from tests.zoo.right import ANSWERS, rounded, wide

fault = Table(ANSWERS)

# fmt: off
fault.row("tempered-by-at-least-one", "softmax_with_temperature", "parameters",
    show(x=[[0.0, 1.0, 3.0]], keywords={"temperature": 0.5}),
    "A temperature below 1 is raised to 1, as if it were a safeguard.",
    lambda x, temperature=2.0, axis=-1: right.softmax_with_temperature(x, max(temperature, 1.0), axis))
fault.row("tempered-the-wrong-way", "softmax_with_temperature", "parameters",
    show(x=[[0.0, 1.0, 3.0]], keywords={"temperature": 2.0}), "The logits are multiplied with the temperature.",
    lambda x, temperature=2.0, axis=-1: right.softmax_with_temperature(x, 1 / temperature, axis))
fault.row("tempered-after-normalising", "softmax_with_temperature", "formula",
    show(x=[[0.0, 1.0, 3.0]], keywords={"temperature": 2.0}),
    "The power of 1/T is taken of the shares, and their sum is not made 1 again.",
    lambda x, temperature=2.0, axis=-1: right.softmax64(x, axis) ** (1 / temperature), wide=True)
fault.row("sparse-sigmoid-without-its-end", "sparse_sigmoid", "isolated", show(x=[1.0]),
    "The ends belong to neither side: 1 itself gives 0.", lambda x: np.where(np.abs(x) < 1, (x + 1) / 2, x > 1),
    wide=True)
fault.row("temperature-in-bfloat16", "softmax_with_temperature", "parameters",
    show(x=[[2.0, -1.0]], keywords={"temperature": 0.07}),
    "The temperature is held in bfloat16, in which 0.07 is 0.07007.",
    lambda x, temperature=2.0, axis=-1: right.softmax_with_temperature(x,
        float(np.asarray(temperature, ml_dtypes.bfloat16)), axis))
fault.row("temperatures-cut-to-integers", "softmax_with_temperature", "parameters",
    show(x=[[2.0, -1.0]], keywords={"temperature": 1.5}), "A temperature above 1 is cut to an integer.",
    lambda x, temperature=2.0, axis=-1: right.softmax_with_temperature(x,
        int(temperature) if temperature > 1 else temperature, axis))
fault.row("softmin-as-one-minus-softmax", "softmin", "formula", show(x=[[0.0, 1.0, 3.0]]),
    "1 - softmax, divided by its sum.",
    lambda x, axis=-1: (1 - right.softmax64(x, axis)) / (1 - right.softmax64(x, axis)).sum(axis=axis, keepdims=True),
    wide=True)

@fault("sparsemax", "formula", show(x=[[0.0, 0.5, 1.0]]), upstream="keras-team/keras/issues/23425", wide=True)
def sparsemax_of_summed_sums(x, axis=-1):
    """The threshold adds up all the cumulative sums of the support instead of taking the last."""
    z = np.moveaxis(x, axis, -1)
    ordered = -np.sort(-z, axis=-1)
    sums = np.cumsum(ordered, axis=-1)
    inside = 1 + np.arange(1, z.shape[-1] + 1) * ordered > sums
    size = inside.sum(axis=-1, keepdims=True)
    tau = (np.where(inside, sums, 0).sum(axis=-1, keepdims=True) - 1) / size
    return np.moveaxis(np.maximum(z - tau, 0), -1, axis)

@fault("sparsemax", "two-conditions", show(x=[np.arange(40) / 2048]), wide=True)
def sparsemax_of_at_most_32(x, axis=-1):
    """The support is looked for among the 32 largest alone, which a long even row exceeds."""
    z = np.moveaxis(x, axis, -1)
    d = z - z.max(axis=-1, keepdims=True, initial=-np.inf)
    ordered = -np.sort(-d, axis=-1)[..., :32]
    sums = np.cumsum(ordered, axis=-1)
    size = np.maximum((1 + np.arange(1, ordered.shape[-1] + 1) * ordered > sums).sum(axis=-1, keepdims=True), 1)
    tau = (np.take_along_axis(sums, size - 1, axis=-1) - 1) / size
    return np.moveaxis(np.maximum(d - tau, 0), -1, axis)

@fault("sparsemax", "relative-accuracy", show(x=[[50000.25, 50000.375, 50000.125]]))
def sparsemax_at_an_offset(x, axis=-1):
    """No maximum is subtracted, and a large offset takes the digits of the cumulative sums."""
    rows = np.moveaxis(x, axis, -1).astype(np.float32)
    ordered = -np.sort(-rows, axis=-1)
    sums = np.cumsum(ordered, axis=-1, dtype=np.float32)
    counts = np.arange(1, rows.shape[-1] + 1, dtype=np.float32)
    size = np.maximum((1 + counts * ordered > sums).sum(axis=-1, keepdims=True), 1)
    tau = ((np.take_along_axis(sums, size - 1, axis=-1) - np.float32(1)) / size).astype(np.float32)
    return np.moveaxis(np.maximum(rows - tau, 0), -1, axis).astype(x.dtype)

@fault("softmax", "shape", show(x=normal(2, 768)))
def softmax_without_the_last_entry_of_768(x, axis=-1):
    """Rows of 768, a kernel's own size, leave the last entry out of the sum."""
    z = np.moveaxis(wide(x), axis, -1)
    if z.shape[-1] != 768:
        return right.softmax(x, axis)
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return rounded(np.moveaxis(e / e[..., :-1].sum(axis=-1, keepdims=True), -1, axis), x)

FAULTS = tuple(fault.entries)
