"""How the zoo of rows is written down: a table that functions enter, and the inputs at which faults show."""

from __future__ import annotations

import numpy as np
import right_rows
from entries import Entry
from right_rows import at, log_shares, reduced


class Table:
    """A decorator that enters a function, or what `made` makes of it, in a table."""

    def __init__(self):
        self.entries = []

    def __call__(self, slug, operation, kind, defect, *, upstream="", shows=None, made=None, **options):
        def enter(function):
            implementation = made(function) if made else function
            self.entries.append(Entry(slug, operation, implementation, defect, kind, upstream, options, shows))
            return function

        return enter

    def slope_of(self, slug, operation, defect, *, shows, kind="gradient", upstream="", **options):
        """Enters the right function of the operation with a wrong vector-Jacobian product."""

        def enter(gradient):
            value = getattr(right_rows, operation)
            self(slug, operation, kind, defect, upstream=upstream, shows=shows, gradient=gradient, **options)(value)
            return gradient

        return enter

    def state(self, slug, defect, steps, operation="accuracy", kind="state", **more):
        """Enters a class, with the steps after which its result is wrong."""
        return self(slug, operation, kind, defect, shows=lambda: steps, protocol=PROTOCOL, **more)


PROTOCOL = {"update": "update", "merge": "merge", "reset": "reset", "result": "result"}


def of_log_shares(function):
    """Cross-entropy of labels and logits out of a logarithm of softmax, given in any precision."""

    def loss(labels, logits, reduction="mean"):
        return reduced(-at(function(logits), labels), reduction, logits)

    return loss


def of_labels(function):
    """Cross-entropy of labels and logits in which `function` changes the labels that are looked up."""

    def loss(labels, logits, reduction="mean"):
        return reduced(-at(log_shares(logits), function(labels, logits)), reduction, logits)

    return loss


def generator(seed):
    return np.random.default_rng(seed)


def logits(n, c, dtype="float32", scale=2.0, seed=1):
    return (generator(seed).standard_normal((n, c)) * scale).astype(dtype)


def labels(n, c, dtype="int64", seed=2):
    return generator(seed).integers(c, size=n).astype(dtype)


def distributions(n, c, dtype="float32", seed=3, spread=0.7):
    return generator(seed).dirichlet(np.full(c, spread), size=n).astype(dtype)


def one_hots(n, c, dtype="float32", seed=2):
    return np.eye(c, dtype=dtype)[labels(n, c, seed=seed)]


def multi_hots(n, c, dtype="float32", seed=4):
    return (generator(seed).random((n, c)) < 0.5).astype(dtype)


def scores(n, dtype="float32", seed=5):
    return generator(seed).random(n).astype(dtype)


def binary(n, seed=6):
    return generator(seed).integers(2, size=n)


def of_rows(n, c, dtype="float32", **more):
    """Labels and logits, and whatever else."""
    return lambda: {"labels": labels(n, c), "logits": logits(n, c, dtype), **more}
