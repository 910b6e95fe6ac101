"""The whole table of operations: importing this module enters every definition."""

from __future__ import annotations

from trueline.reference import activations, batch_metrics, losses, metrics
from trueline.reference.operations import OPERATIONS, Operation, UnknownOperationError, operation

__all__ = [
    "OPERATIONS",
    "Operation",
    "UnknownOperationError",
    "activations",
    "batch_metrics",
    "losses",
    "metrics",
    "operation",
]
