"""Inputs at which faults of rows show, and losses that are made of a part."""

from __future__ import annotations

import numpy as np

from tests.zoo.right_rows import at, log_shares, reduced


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


def pairs(n=30, c=4, **more):
    """Labels and predicted ones, and whatever else."""
    return lambda: {"y_true": labels(n, c), "y_pred": labels(n, c, seed=11), **more}


def flags(n=30, **more):
    """The same of two classes."""
    return lambda: {"y_true": binary(n), "y_pred": binary(n, seed=12), **more}


def of_rows(n, c, dtype="float32", **more):
    """Labels and logits, and whatever else."""
    return lambda: {"labels": labels(n, c), "logits": logits(n, c, dtype), **more}
