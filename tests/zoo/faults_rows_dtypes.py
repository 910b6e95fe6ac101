"""Cross-entropies of logits that are wrong in one dtype, or write where they should read."""

from __future__ import annotations

import numpy as np

from tests.zoo.entries import Table, given
from tests.zoo.right_rows import ROWS, at, log_shares, narrow, reduced
from tests.zoo.row_inputs import of_log_shares, of_rows

fault = Table(ROWS, wide=True)
SPARSE = "sparse_categorical_cross_entropy_with_logits"

# fmt: off
fault.row("double-input-computed-in-single", SPARSE, "dtype", of_rows(6, 5, "float64"),
    "binary64 logits are cast to binary32 on the way in.",
    lambda labels, logits, reduction="mean": narrow(reduced(-at(log_shares(logits.astype(np.float32)), labels),
        reduction, np.float32(0)), logits), dtypes=("float64",))


@fault(SPARSE, "dtype", given(labels=[7], logits=np.zeros((1, 5000), np.float16)), made=of_log_shares,
    dtypes=("float16",))
def partition_summed_in_half(x):
    """The sum of exponentials of float16 logits is kept in float16, and stops growing at 2048."""
    d = x - x.max(axis=-1, keepdims=True)
    return d - np.log(np.add.accumulate(np.exp(d), axis=-1, dtype=x.dtype)[..., -1:].astype(np.float32))

@fault(SPARSE, "input-overwritten", of_rows(4, 3), upstream="linkedin/Liger-Kernel/issues/343", made=of_log_shares)
def logits_shifted_in_place(x):
    """`logits -= max` writes to the caller's array."""
    x -= x.max(axis=-1, keepdims=True)
    return log_shares(x)

FAULTS = tuple(fault.entries)
