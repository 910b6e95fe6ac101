"""Implementations that follow one convention or another must get the label that says which."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from planted import BCE, CCE, SPARSE, Array, RefusalError, bce, cce, clipped, observe, sparse, wide

# Probes: the right label for each behaviour


def label(check: str, operation: str, function: Callable[..., Any], **options: Any) -> tuple[str, str | None]:
    (found,) = observe(check, operation, function, **options).values()
    return found["verdict"], found.get("label")


def test_threshold_labels() -> None:
    asked = {"call": "planted(y_true, y_score, threshold)", "reduction": "mean"}
    above = label("score-at-threshold", "binary_accuracy", lambda y, s, t: ((s > t) == (y == 1)).mean(), **asked)
    at = label("score-at-threshold", "binary_accuracy", lambda y, s, t: ((s >= t) == (y == 1)).mean(), **asked)
    assert above == ("conforms", "no (>)")
    assert at == ("conforms", "yes (>=)")


def last_of_ties(y: Array, scores: Array) -> Array:
    return np.asarray(y == scores.shape[1] - 1 - scores[:, ::-1].argmax(axis=1), dtype=np.float64)


def test_tie_labels() -> None:
    name = "sparse_categorical_accuracy"
    first = lambda y, s: (y == s.argmax(axis=1)).astype(float)  # noqa: E731
    both = lambda y, s: (s[np.arange(len(y)), y] == s.max(axis=1)).astype(float)  # noqa: E731
    none = lambda y, s: 0.0 * first(y, s)  # noqa: E731
    for function, answer in (
        (first, "the first"),
        (last_of_ties, "the last"),
        (both, "both"),
        (none, "neither"),
    ):
        assert label("tied-largest-scores", name, function, reduction="none") == ("conforms", answer)
    assert label("nan-among-scores", name, first, reduction="none")[1] == "the NaN is the prediction"

    def passes_over(y: Array, s: Array) -> Array:
        return np.asarray(y == np.nanargmax(s, axis=1), dtype=float)

    assert label("nan-among-scores", name, passes_over, reduction="none")[1] == "it is passed over"

    def refuses(*arrays: Array) -> Array:
        raise RefusalError(f"{len(arrays)} arrays, and one has a NaN")

    assert label("nan-among-scores", name, refuses, reduction="none") == ("conforms", "refuses")


def test_clipping_labels() -> None:
    asked = {"reduction": "none"}
    assert label("zero-probability", BCE, wide(bce), **asked)[1] == "infinite"
    assert label("zero-probability", BCE, clipped(1e-7), **asked)[1] == "clipped at 1e-7"
    # 1 - 1e-7 and 1 - epsilon are the same float32 number, so the answer cannot tell them apart.
    both = "clipped at 1 - 1e-7 or clipped at 1 - epsilon"
    assert label("certain-false-positive", BCE, clipped(1e-7), **asked)[1] == both
    eps = float(np.finfo(np.float32).eps)
    assert label("zero-probability", BCE, clipped(eps), **asked)[1] == "clipped at the format's epsilon"
    floored = wide(lambda t, p: np.minimum(bce(t, p), 100))
    assert label("zero-probability", BCE, floored, **asked)[1] == "the logarithm stops at -100"
    assert label("zero-probability", BCE, clipped(1e-3), **asked) == ("undecided", None)


def test_normalisation_labels() -> None:
    check = "probabilities-that-sum-to-a-half"
    assert label(check, CCE, wide(cce), reduction="none")[1] == "no, taken as given"
    normalised = wide(lambda t, p: cce(t, p / p.sum(axis=1, keepdims=True)))
    assert label(check, CCE, normalised, reduction="none")[1] == "yes, divided by their sum"


def test_labels_out_of_range() -> None:
    def refuses(*arrays: Array) -> Array:
        raise RefusalError(f"label {arrays[0][0]} is out of range")

    assert label("label-too-large", SPARSE, refuses, reduction="none") == ("conforms", "refuses")
    assert label("label-minus-one", SPARSE, wide(sparse), reduction="none")[1] == "as the last class"
    nan = lambda y, z: np.where((y < 0) | (y >= z.shape[1]), np.nan, 0.0)  # noqa: E731
    assert label("label-minus-hundred", SPARSE, nan, reduction="none")[1] == "NaN"
