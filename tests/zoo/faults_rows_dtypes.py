"""Cross-entropies of logits that are wrong in one dtype, or write where they should read."""

from __future__ import annotations

import numpy as np
from right_rows import at, log_shares, narrow, reduced
from rows_table import Table, of_log_shares, of_rows

fault = Table()
SPARSE = "sparse_categorical_cross_entropy_with_logits"


@fault(
    "double-input-computed-in-single",
    SPARSE,
    "dtype",
    "binary64 logits are cast to binary32 on the way in",
    shows=of_rows(6, 5, "float64"),
    dtypes=("float64",),
)
def in_single(labels, logits, reduction="mean"):
    return narrow(reduced(-at(log_shares(logits.astype(np.float32)), labels), reduction, np.float32(0)), logits)


@fault(
    "partition-summed-in-half",
    SPARSE,
    "dtype",
    "the sum of exponentials of float16 logits is kept in float16, and stops growing at 2048",
    shows=lambda: {"labels": np.array([7]), "logits": np.zeros((1, 5000), np.float16)},
    made=of_log_shares,
    dtypes=("float16",),
)
def partition_in_half(x):
    d = x - x.max(axis=-1, keepdims=True)
    return d - np.log(np.add.accumulate(np.exp(d), axis=-1, dtype=x.dtype)[..., -1:].astype(np.float32))


@fault(
    "logits-shifted-in-place",
    SPARSE,
    "input-overwritten",
    "`logits -= max` writes to the caller's array",
    upstream="https://github.com/linkedin/Liger-Kernel/issues/343",
    shows=of_rows(4, 3),
    made=of_log_shares,
)
def shifted_in_place(x):
    x -= x.max(axis=-1, keepdims=True)
    return log_shares(x)


FAULTS = tuple(fault.entries)
