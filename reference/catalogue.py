"""The whole table of operations: importing this module enters every definition."""

from __future__ import annotations

from gaugeblock.reference.definitions import (  # noqa: F401
    activations,
    batch_metrics,
    divergences,
    focal,
    losses,
    margins,
    metrics,
    multilabel,
    sparse,
)
from gaugeblock.reference.operations import OPERATIONS, Operation, UnknownOperationError, operation

__all__ = ["OPERATIONS", "Operation", "UnknownOperationError", "operation"]
