"""Cases: named inputs, given exactly. What they are follows from the operation's shape and the format alone."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from trueline.conformance.frozen import integers, uniform
from trueline.conformance.inputs import SMOOTH, SMOOTH_ROWS, logit_rows, scalars
from trueline.reference.catalogue import operation
from trueline.reference.formats import FORMATS, Array, Format


@dataclass(frozen=True)
class Case:
    """One named input with its parameters. Inputs have the batch axes first and the core axis at `axis`."""

    name: str
    inputs: Mapping[str, Array]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    gradient: bool = False
    """Whether the derivative is asked for too: inputs finite, answers differentiable there."""


def _labels(name: str, rows: Array) -> Array:
    """Frozen labels that avoid entries of -inf, where the loss is infinite."""
    drawn = integers(f"label/{name}", (rows.shape[0],), rows.shape[1])
    wide = rows.astype(np.float64)
    return np.where(np.isneginf(wide[np.arange(len(drawn)), drawn]), wide.argmax(axis=1), drawn)


def _one_hot(labels: Array, classes: int, fmt: Format) -> Array:
    return fmt.array(np.arange(classes) == labels[:, None])


def _soft(name: str, rows: Array, fmt: Format) -> Array:
    """Soft targets with 2^-6 granularity, each row summing to one; none where the logit is -inf."""
    weights = np.where(np.isneginf(rows.astype(np.float64)), 0, integers(f"soft/{name}", rows.shape, 5))
    shares = np.floor(weights / np.maximum(1, weights.sum(axis=1, keepdims=True)) * 64)
    shares[np.arange(len(rows)), _labels(name, rows)] += 64 - shares.sum(axis=1)
    return fmt.array(shares / 64)


def _probabilities(name: str, shape: tuple[int, int], fmt: Format) -> Array:
    """Rows of probabilities with 2^-p granularity that sum to one exactly, none of them zero."""
    weights = {
        "equal-10": np.ones(shape),
        "confident-10": 1 + 2.0**20 * (np.arange(shape[1]) == integers(f"p/{name}", (shape[0], 1), shape[1])),
    }.get(name, 1.0 + integers(f"p/{name}", shape, 64))
    grain = 2.0 ** min(fmt.precision, 30)
    shares = np.maximum(1, np.floor(weights / weights.sum(axis=1, keepdims=True) * grain))
    top = np.arange(shape[0]), shares.argmax(axis=1)
    shares[top] += grain - shares.sum(axis=1)
    return fmt.array(shares / grain)


def _activation(fmt: Format) -> Iterator[Case]:
    for name, x in scalars(fmt).items():
        yield Case(name, {"x": x}, gradient=name in SMOOTH)


def _row_activation(fmt: Format, *, plus_inf: bool = False) -> Iterator[Case]:
    for name, x in logit_rows(fmt).items():
        yield Case(name, {"x": x}, {"axis": -1}, gradient=name in SMOOTH_ROWS)
    base = logit_rows(fmt)["ordinary-10"]
    yield Case("axis-first-10", {"x": np.ascontiguousarray(base.T)}, {"axis": 0}, gradient=True)
    middle = np.ascontiguousarray(np.moveaxis(np.stack([base, base[::-1]]), -1, 1))
    yield Case("axis-middle-10", {"x": middle}, {"axis": 1})
    if plus_inf:
        yield Case("plus-inf-3", {"x": fmt.array([[0.0, math.inf, 1.0], [math.inf, math.inf, 0.0]])}, {"axis": -1})


def _reduced(case: Case, reductions: tuple[str, ...] = ("mean", "sum")) -> Iterator[Case]:
    for reduction in reductions:
        yield Case(
            f"{reduction}-{case.name}",
            case.inputs,
            {**case.parameters, "reduction": reduction},
            case.gradient,
        )


def _rows_none(case: Case) -> Case:
    return Case(case.name, case.inputs, {**case.parameters, "reduction": "none"}, case.gradient)


def _all(value: float, like: Array, fmt: Format) -> Array:
    return fmt.array(np.full(len(like), value))


def _binary_probability(fmt: Format) -> Iterator[Case]:
    inner = fmt.rounded(uniform("p/inner", (32,), 0.05, 0.95))
    exponents = 5 + integers("p/small-exponent", (32,), min(16, -fmt.emin - 6))
    small = fmt.rounded(np.ldexp(uniform("p/small", (32,), 1, 2), -exponents))
    below_one = fmt.array(1 - fmt.epsilon / 2 * (1 + integers("p/near-one", (16,), 64)))
    soft = fmt.array(integers("p/soft", (32,), 17) / 16)
    halves = fmt.array(np.full(32, 0.5))
    named = {
        "ordinary-right": (_all(1.0, inner, fmt), inner, True),
        "ordinary-wrong": (_all(0.0, inner, fmt), inner, True),
        "soft": (soft, inner, True),
        "half": (soft, halves, False),
        "small-right": (_all(0.0, small, fmt), small, False),
        "small-wrong": (_all(1.0, small, fmt), small, True),
        "near-one-right": (_all(1.0, below_one, fmt), below_one, False),
        "near-one-wrong": (_all(0.0, below_one, fmt), below_one, False),
        "certain-right": (fmt.array([0.0, 1.0]), fmt.array([0.0, 1.0]), False),
        "certain-wrong": (fmt.array([1.0, 0.0]), fmt.array([0.0, 1.0]), False),
        "nan": (fmt.array([1.0, 0.0]), fmt.array([math.nan, math.nan]), False),
    }
    for name, (y_true, y_pred, smooth) in named.items():
        yield _rows_none(Case(name, {"y_true": y_true, "y_pred": y_pred}, {}, smooth))
    for name in ("ordinary-right", "ordinary-wrong", "soft"):
        y_true, y_pred, _ = named[name]
        yield from _reduced(Case(name, {"y_true": y_true, "y_pred": y_pred}, {}, True))


BINARY_LOGITS = (
    "ordinary", "near-zero", "positive", "negative", "saturated-positive", "saturated-negative", "subnormal-results",
    "underflow", "overflow-of-exp", "thresholds", "largest", "nan",
)  # fmt: skip


def _binary_logits(fmt: Format) -> Iterator[Case]:
    table = scalars(fmt)
    for name in BINARY_LOGITS:
        z = table[name]
        for target, label in ((1.0, "one"), (0.0, "zero")):
            y_true = fmt.array(np.full(len(z), target))
            yield _rows_none(Case(f"{name}-{label}", {"y_true": y_true, "logits": z}, {}, name in SMOOTH))
    for name in ("ordinary", "positive", "negative", "near-zero"):
        z = table[name]
        case = Case(
            f"{name}-soft",
            {"y_true": fmt.array(integers(f"z/{name}", z.shape, 17) / 16), "logits": z},
            {},
            True,
        )
        yield _rows_none(case)
        yield from _reduced(case)
    right = {"y_true": fmt.array([1.0, 0.0]), "logits": fmt.array([math.inf, -math.inf])}
    yield _rows_none(Case("inf-right", right))
    yield _rows_none(Case("inf-wrong", {"y_true": right["y_true"], "logits": right["logits"][::-1].copy()}))


def _categorical_probability(fmt: Format) -> Iterator[Case]:
    for name in ("ordinary-3", "ordinary-10", "confident-10", "equal-10"):
        rows = logit_rows(fmt)[name]
        p = _probabilities(name, (rows.shape[0], rows.shape[1]), fmt)
        case = Case(
            name,
            {"y_true": _one_hot(_labels(name, rows), rows.shape[1], fmt), "y_pred": p},
            {},
            name != "confident-10",
        )
        yield _rows_none(case)
        yield _rows_none(
            Case(f"{name}-soft", {"y_true": _soft(name, rows, fmt), "y_pred": p}, {}, name == "ordinary-10")
        )
        if name in ("ordinary-3", "ordinary-10"):
            yield from _reduced(case)
    eye = fmt.array(np.eye(3))
    yield _rows_none(Case("certain-right-3", {"y_true": eye, "y_pred": eye}))
    yield _rows_none(Case("certain-wrong-3", {"y_true": eye, "y_pred": fmt.array(np.eye(3)[[1, 2, 0]])}))
    y_true = fmt.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]])
    for number, model in enumerate(ANIMALS, 1):
        yield from _reduced(
            Case(f"three-animals-model-{number}", {"y_true": y_true, "y_pred": fmt.rounded(model)}), ("mean",)
        )


# Two models' probabilities for three animals, from the log-loss story that the suite retells.
ANIMALS = (
    ((0.3, 0.3, 0.4), (0.3, 0.4, 0.3), (0.1, 0.2, 0.7)),
    ((0.1, 0.2, 0.7), (0.1, 0.7, 0.2), (0.3, 0.4, 0.3)),
)


def _categorical_logits(fmt: Format) -> Iterator[Case]:
    for name, rows in logit_rows(fmt).items():
        labels = _labels(name, rows)
        case = Case(
            name,
            {"y_true": _one_hot(labels, rows.shape[1], fmt), "logits": rows},
            {},
            name in SMOOTH_ROWS and "inf" not in name,
        )
        yield _rows_none(case)
        if name in ("ordinary-3", "ordinary-10", "confident-10"):
            soft = Case(f"{name}-soft", {"y_true": _soft(name, rows, fmt), "logits": rows}, {}, True)
            yield _rows_none(soft)
            yield from _reduced(case)
            yield from _reduced(soft)


def _sparse_logits(fmt: Format) -> Iterator[Case]:
    for name, rows in logit_rows(fmt).items():
        case = Case(name, {"labels": _labels(name, rows), "logits": rows}, {}, name in SMOOTH_ROWS)
        yield _rows_none(case)
        if name in ("ordinary-3", "ordinary-10", "ordinary-1000", "confident-10"):
            yield from _reduced(Case(name, case.inputs, {}, name == "ordinary-10"))


def _metric_cases(case: Case) -> Iterator[Case]:
    yield _rows_none(case)
    yield from _reduced(case)


def _accuracy(fmt: Format) -> Iterator[Case]:
    del fmt
    truth, guess = integers("accuracy/true", (61,), 5), integers("accuracy/pred", (61,), 5)
    for name, pred in {"ordinary": guess, "all-right": truth, "all-wrong": truth + 1}.items():
        yield from _metric_cases(Case(name, {"y_true": truth, "y_pred": pred}))
    yield from _metric_cases(Case("single", {"y_true": truth[:1], "y_pred": guess[:1]}))


def _binary_accuracy(fmt: Format) -> Iterator[Case]:
    y_true, score = (
        integers("binary-accuracy", (61,), 2),
        fmt.rounded(uniform("binary-accuracy/score", (61,), 0.01, 0.99)),
    )
    score = np.where(score == 0.5, fmt.array(0.75), score)
    for threshold in (0.5, 0.25, 0.875):
        sure = np.where(score == threshold, fmt.array(threshold / 2), score)
        parameters = {"threshold": threshold}
        yield from _metric_cases(Case(f"threshold-{threshold:g}", {"y_true": y_true, "y_score": sure}, parameters))
    around = fmt.array([fmt.next_down(0.5), fmt.next_up(0.5)])
    yield from _metric_cases(
        Case("next-to-threshold", {"y_true": np.array([0, 1]), "y_score": around}, {"threshold": 0.5})
    )
    ends = fmt.array([0.0, 1.0])
    yield from _metric_cases(Case("certain", {"y_true": np.array([0, 1]), "y_score": ends}, {"threshold": 0.5}))


def _scores(fmt: Format, name: str, classes: int) -> tuple[Array, Array]:
    """Labels and rows of scores without ties."""
    order = np.argsort(uniform(f"score/{name}", (48, classes), 0, 1), axis=1, kind="stable")
    return integers(f"score-label/{name}", (48,), classes), fmt.array((order + 1) / 2.0 ** classes.bit_length())


def _categorical_accuracy(fmt: Format) -> Iterator[Case]:
    for classes in (2, 10, 100):
        labels, scores = _scores(fmt, f"classes-{classes}", classes)
        case = Case(f"classes-{classes}", {"y_true": _one_hot(labels, classes, fmt), "y_score": scores})
        yield from _metric_cases(case)


def _sparse_accuracy(fmt: Format) -> Iterator[Case]:
    for classes in (2, 10, 100):
        labels, scores = _scores(fmt, f"classes-{classes}", classes)
        yield from _metric_cases(Case(f"classes-{classes}", {"labels": labels, "y_score": scores}))
        best = {"labels": scores.argmax(axis=1), "y_score": scores}
        yield from _metric_cases(Case(f"all-right-{classes}", best))


def _top_k(fmt: Format) -> Iterator[Case]:
    for classes, ks in ((10, (1, 2, 5, 9, 10)), (100, (5, 50))):
        labels, scores = _scores(fmt, f"classes-{classes}", classes)
        for k in ks:
            yield from _metric_cases(Case(f"top-{k}-of-{classes}", {"labels": labels, "y_score": scores}, {"k": k}))


GENERATORS: dict[str, Callable[[Format], Iterator[Case]]] = {
    "sigmoid": _activation,
    "log_sigmoid": _activation,
    "softplus": _activation,
    "softmax": _row_activation,
    "log_softmax": _row_activation,
    "logsumexp": functools.partial(_row_activation, plus_inf=True),
    "binary_cross_entropy": _binary_probability,
    "binary_cross_entropy_with_logits": _binary_logits,
    "categorical_cross_entropy": _categorical_probability,
    "categorical_cross_entropy_with_logits": _categorical_logits,
    "sparse_categorical_cross_entropy_with_logits": _sparse_logits,
    "accuracy": _accuracy,
    "binary_accuracy": _binary_accuracy,
    "categorical_accuracy": _categorical_accuracy,
    "sparse_categorical_accuracy": _sparse_accuracy,
    "top_k_accuracy": _top_k,
}


@functools.cache
def cases(name: str, dtype: str) -> tuple[Case, ...]:
    """Every case of an operation in a format, named uniquely."""
    made = tuple(GENERATORS[operation(name).name](FORMATS[dtype]))
    names = [case.name for case in made]
    if len(set(names)) < len(names):
        raise ValueError(f"cases of {name} share a name: {sorted({n for n in names if names.count(n) > 1})}")
    return made
