"""From what an operation's inputs hold to its cases: one generator for each combination of domains."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gaugeblock.conformance.cases.domains import DOMAINS
from gaugeblock.conformance.cases.draws import integers, uniform
from gaugeblock.conformance.cases.named_arrays import (
    SMOOTH,
    SMOOTH_ROWS,
    THREE_ANIMALS,
    labels,
    logit_rows,
    masks,
    multi_hot,
    one_hot,
    positive,
    probability_scalars,
    scalars,
    soft,
    unnormalised,
)
from gaugeblock.reference.catalogue import Operation
from gaugeblock.reference.formats import Array, Format
from gaugeblock.reference.truth import log_of_ratio


@dataclass(frozen=True)
class Draft:
    """Arrays in the operation's order, before reductions, weights and further parameters are asked for."""

    name: str
    arrays: tuple[Array, ...]
    gradient: bool = False
    reduced: tuple[str, ...] = ()
    """Reductions asked for besides none."""
    gradient_reduced: bool = True
    """Whether reduced answers are differentiated too, where the draft is."""
    core: bool = False
    """Asked with the operation's further parameters, too."""
    parameters: Mapping[str, Any] = field(default_factory=dict)


BOTH = ("mean", "sum")

Generator = Callable[[Operation, Format], Iterator[Draft]]


def _numbers(op: Operation, fmt: Format) -> Iterator[Draft]:
    domain = DOMAINS[op.domains[-1]]
    assert domain.numbers is not None
    for name, x in domain.numbers(fmt).items():
        yield Draft(name, (x,), name in domain.smooth_numbers, core=name in ("ordinary", "positive", "negative"))


def _probability(op: Operation, fmt: Format) -> Iterator[Draft]:
    del op
    for name, p in probability_scalars(fmt).items():
        yield Draft(name, (p,), name != "near-one", core=True)
    for name, values in {
        "half": [0.5],
        "certain": [0.0, -0.0, 1.0],
        "outside": [-0.25, 1.25, -math.inf, math.inf],
        "nan": [math.nan],
        "subnormal-inputs": [fmt.smallest_subnormal, 3 * fmt.smallest_subnormal],
    }.items():
        yield Draft(name, (fmt.array(values),))


def _rows(op: Operation, fmt: Format) -> Mapping[str, Array]:
    """The named rows of what the operation differentiates."""
    rows = DOMAINS[op.domains[-1]].rows
    assert rows is not None
    return rows(fmt)


def _logits(op: Operation, fmt: Format) -> Iterator[Draft]:
    known = _rows(op, fmt)
    for name, x in known.items():
        if op.domains != ("finite_logits",) or not np.isinf(x.astype(np.float64)).any():
            yield Draft(
                name, (x,), name in DOMAINS[op.domains[-1]].smooth_rows, core=name in CORE_ROWS, parameters={"axis": -1}
            )
    base = known.get("separated-10", known["ordinary-10"])
    yield Draft("axis-first-10", (np.ascontiguousarray(base.T),), True, parameters={"axis": 0})
    middle = np.ascontiguousarray(np.moveaxis(np.stack([base, base[::-1]]), -1, 1))
    yield Draft("axis-middle-10", (middle,), parameters={"axis": 1})
    if not op.output_rank:
        # The limit exists for a sum alone: softmax of infinities is a question for a probe.
        infinite = fmt.array([[0.0, math.inf, 1.0], [math.inf, math.inf, 0.0]])
        yield Draft("plus-inf-3", (infinite,), parameters={"axis": -1})


def _masked_logits(op: Operation, fmt: Format) -> Iterator[Draft]:
    del op
    for name, x in logit_rows(fmt).items():
        # A row without any number that takes part has no value, and masked entries beside it none either.
        if np.isfinite(x.astype(np.float64)).all():
            arrays = (masks(name, x.shape), x)
            yield Draft(name, arrays, name in SMOOTH_ROWS, core=name in CORE_ROWS, parameters={"axis": -1})
    x = logit_rows(fmt)["ordinary-10"]
    yield Draft("all-taking-part-10", (np.ones(x.shape, bool), x), True, parameters={"axis": -1})
    hidden = x.copy()
    mask = masks("hidden", x.shape)
    hidden[~mask] = fmt.array(np.resize([math.nan, math.inf, fmt.largest], int((~mask).sum())))
    yield Draft("nan-masked-10", (mask, hidden), parameters={"axis": -1})


CORE_ROWS = ("ordinary-3", "ordinary-10", "confident-10", "separated-10")


def _all(value: float, like: Array, fmt: Format) -> Array:
    return fmt.array(np.full(len(like), value))


def _binary_probability(op: Operation, fmt: Format) -> Iterator[Draft]:
    del op
    inner, small, below_one = (probability_scalars(fmt)[name] for name in ("inner", "small", "near-one"))
    softened = fmt.array(integers("p/soft", (32,), 17) / 16)
    for name, target, p, smooth in (
        ("ordinary-right", _all(1.0, inner, fmt), inner, True),
        ("ordinary-wrong", _all(0.0, inner, fmt), inner, True),
        ("soft", softened, inner, True),
        ("half", softened, fmt.array(np.full(32, 0.5)), False),
        ("small-right", _all(0.0, small, fmt), small, False),
        ("small-wrong", _all(1.0, small, fmt), small, True),
        ("near-one-right", _all(1.0, below_one, fmt), below_one, False),
        ("near-one-wrong", _all(0.0, below_one, fmt), below_one, False),
        ("certain-right", fmt.array([0.0, 1.0]), fmt.array([0.0, 1.0]), False),
        ("certain-wrong", fmt.array([1.0, 0.0]), fmt.array([0.0, 1.0]), False),
        ("nan", fmt.array([1.0, 0.0]), fmt.array([math.nan, math.nan]), False),
    ):
        core = name in ("ordinary-right", "ordinary-wrong", "soft")
        yield Draft(name, (target, p), smooth, BOTH if core else (), core=core)


BINARY_LOGITS = (
    "ordinary", "near-zero", "positive", "negative", "saturated-positive", "saturated-negative", "subnormal-results",
    "underflow", "overflow-of-exp", "thresholds", "largest", "nan",
)  # fmt: skip


def _binary_logits(op: Operation, fmt: Format) -> Iterator[Draft]:
    table = scalars(fmt)
    # An exponent below 1 has an infinite slope at 0, where a saturated probability lies.
    saturated = ("saturated-positive", "saturated-negative") if "gamma" in op.parameters else ()
    for name in BINARY_LOGITS:
        for target, label in ((1.0, "one"), (0.0, "zero")):
            core = name in ("ordinary", *saturated)
            yield Draft(f"{name}-{label}", (_all(target, table[name], fmt), table[name]), name in SMOOTH, core=core)
    for name in ("ordinary", "positive", "negative", "near-zero"):
        z = table[name]
        targets = fmt.array(integers(f"z/{name}", z.shape, 17) / 16)
        yield Draft(f"{name}-soft", (targets, z), True, BOTH, core=name != "near-zero")
    right = fmt.array([math.inf, -math.inf])
    yield Draft("inf-right", (fmt.array([1.0, 0.0]), right))
    yield Draft("inf-wrong", (fmt.array([1.0, 0.0]), right[::-1].copy()))


def _signed_scores(op: Operation, fmt: Format) -> Iterator[Draft]:
    del op
    table = scalars(fmt)
    for name in BINARY_LOGITS:
        for sign, label in ((1.0, "plus"), (-1.0, "minus")):
            core = name == "ordinary"
            arrays = (_all(sign, table[name], fmt), table[name])
            # The kink of a hinge lies among the thresholds alone.
            yield Draft(f"{name}-{label}", arrays, name in SMOOTH, BOTH if core else (), core=core)
    z = table["ordinary"]
    signs = fmt.array(1.0 - 2 * integers("sign/ordinary", z.shape, 2))
    yield Draft("ordinary-mixed", (signs, z), True, BOTH)
    yield Draft("inf-right", (fmt.array([1.0, -1.0]), fmt.array([math.inf, -math.inf])))
    yield Draft("inf-wrong", (fmt.array([1.0, -1.0]), fmt.array([-math.inf, math.inf])))


def _log_of(targets: Array, fmt: Format) -> Array:
    """Logarithms of targets in sixty-fourths, without the libm of this machine."""
    table = {k: log_of_ratio(k, 64) for k in range(65)}
    return fmt.rounded([[table[round(float(t) * 64)] for t in row] for row in targets])


def _companions(op: Operation, fmt: Format, name: str, rows: Array) -> Iterator[tuple[str, Array, bool]]:
    """Targets for named rows: the suffix of the case's name, the array, and whether it is differentiable."""
    known = labels(name, rows)
    of_logits = op.domains[-1] == "logits"
    finite = not np.isinf(rows.astype(np.float64)).any()
    match op.domains[0]:
        case "label":
            yield "", known, True
        case "one_hot":
            yield "", one_hot(known, rows, fmt), finite
        case "multi_hot":
            yield "", fmt.array(multi_hot(name, rows.shape)), finite
        case "distribution":
            yield "", one_hot(known, rows, fmt), finite
            if name in (CORE_ROWS if of_logits else (*CORE_ROWS, "equal-10")):
                yield "-soft", soft(name, rows, fmt), of_logits or name == "ordinary-10"
            if name in ("ordinary-3", "ordinary-10"):
                yield "-unnormalised", unnormalised(name, rows, fmt), True
        case "log_distribution":
            shares = soft(name, rows, fmt)
            yield "", _log_of(positive(shares, fmt), fmt), finite
            if name in CORE_ROWS:
                yield "-zeros", _log_of(shares, fmt), True


def _pairs(op: Operation, fmt: Format) -> Iterator[Draft]:
    """Rows with their targets or labels."""
    for name, rows in _rows(op, fmt).items():
        for suffix, target, differentiable in _companions(op, fmt, name, rows):
            reduced = _reductions(op, name, suffix)
            if name in THREE_ANIMALS:
                yield Draft(name, (target, rows), False, ("only-mean",))
                continue
            yield Draft(
                f"{name}{suffix}",
                (target, rows),
                differentiable and name in DOMAINS[op.domains[-1]].smooth_rows,
                reduced,
                gradient_reduced=op.domains[0] != "label" or name in ("ordinary-10", "separated-10"),
                core=name in CORE_ROWS and not suffix,
            )


def _reductions(op: Operation, name: str, suffix: str) -> tuple[str, ...]:
    if suffix == "-unnormalised":
        return ("mean",)
    if op.domains[-1] == "probabilities":
        return BOTH if name in ("ordinary-3", "ordinary-10") and not suffix else ()
    long = op.domains[0] == "label" and name == "ordinary-1000"
    return BOTH if name in CORE_ROWS or long else ()


def _label_pairs(op: Operation, fmt: Format) -> Iterator[Draft]:
    del fmt
    truth, guess = integers("accuracy/true", (61,), 5), integers("accuracy/pred", (61,), 5)
    if op.whole:
        yield from _label_batches(truth, guess)
        return
    for name, pred in {"ordinary": guess, "all-right": truth, "all-wrong": truth + 1}.items():
        yield Draft(name, (truth, pred), reduced=BOTH, core=name == "ordinary")
    yield Draft("single", (truth[:1], guess[:1]), reduced=BOTH)
    yield Draft("few-wrong", (truth, _few_wrong(truth, 5)), reduced=BOTH)


def _few_wrong(truth: Array, classes: int) -> Array:
    """Predictions that are right but for two in 61."""
    return np.where(np.arange(len(truth)) % 32 == 7, (truth + 1) % classes, truth)


def _label_batches(truth: Array, guess: Array) -> Iterator[Draft]:
    """Every class stands in the truth of each."""
    uneven = np.maximum(integers("imbalanced/true", (61,), 16) - 11, 0)
    biased = np.where(integers("imbalanced/pred", (61,), 3) == 0, guess, uneven)
    for name, (true, pred) in {
        "ordinary": (truth, guess),
        "imbalanced": (uneven, biased),
        "all-right": (truth, truth),
        "all-wrong": (truth, (truth + 1) % 5),
        "few-wrong": (truth, _few_wrong(truth, 5)),
        "never-predicted": (truth, np.where(guess == 3, 0, guess)),
        "two-classes": (truth % 2, guess % 2),
        "one-of-each": (np.arange(5), np.array([0, 1, 2, 4, 3])),
    }.items():
        yield Draft(name, (true, pred), core=name == "ordinary")


def _binary_pairs(op: Operation, fmt: Format) -> Iterator[Draft]:
    del op, fmt
    truth, guess = integers("binary/true", (61,), 2), integers("binary/pred", (61,), 2)
    rare = (integers("binary/rare", (61,), 8) == 0).astype(np.int64)
    for name, (true, pred) in {
        "ordinary": (truth, guess),
        "rare": (rare, guess),
        "all-right": (truth, truth),
        "all-wrong": (truth, 1 - truth),
        "few-wrong": (truth, _few_wrong(truth, 2)),
        "always-predicted": (truth, np.ones_like(truth)),
        "never-predicted": (truth, np.zeros_like(truth)),
    }.items():
        yield Draft(name, (true, pred), core=name == "ordinary")


def _scores_of_binary(op: Operation, fmt: Format) -> Iterator[Draft]:
    """Distinct scores, and some that are equal. None but 0 and 1 is the edge of a bin or a threshold."""
    del op
    order = np.argsort(uniform("binary-scores/order", (61,), 0, 1), kind="stable")
    scores = fmt.array((order + 1) / 64)
    truth = integers("binary/true", (61,), 2)
    rare = (integers("binary/rare", (61,), 8) == 0).astype(np.int64)
    for name, (true, score) in {
        "ordinary": (truth, scores),
        "tied": (truth, fmt.array((1 + order // 10) / 8)),
        "separated": ((order >= 30).astype(np.int64), scores),
        "inverted": ((order < 30).astype(np.int64), scores),
        "rare": (rare, scores),
        "close-together": (truth, fmt.array((order + 1) / 2048)),
        "equal": (truth, fmt.array(np.full(61, 0.75))),
        "certain": (truth, fmt.array(np.clip(order / 32 - 0.5, 0, 1))),
    }.items():
        yield Draft(name, (true, score), core=name == "ordinary")


def _binary_scores(op: Operation, fmt: Format) -> Iterator[Draft]:
    del op
    y_true = integers("binary-accuracy", (61,), 2)
    score = fmt.rounded(uniform("binary-accuracy/score", (61,), 0.01, 0.99))
    score = np.where(score == 0.5, fmt.array(0.75), score)
    for threshold in (0.5, 0.25, 0.875):
        sure = np.where(score == threshold, fmt.array(threshold / 2), score)
        yield Draft(f"threshold-{threshold:g}", (y_true, sure), reduced=BOTH, parameters={"threshold": threshold})
    around = fmt.array([fmt.next_down(0.5), fmt.next_up(0.5)])
    for name, pair in {"next-to-threshold": around, "certain": fmt.array([0.0, 1.0])}.items():
        yield Draft(name, (np.array([0, 1]), pair), reduced=BOTH, parameters={"threshold": 0.5})


@functools.cache
def _scores(fmt: Format, name: str, classes: int) -> tuple[Array, Array]:
    """Labels and rows of scores without ties."""
    order = np.argsort(uniform(f"score/{name}", (48, classes), 0, 1), axis=1, kind="stable")
    return integers(f"score-label/{name}", (48,), classes), fmt.array((order + 1) / 2.0 ** classes.bit_length())


def _one_hot_scores(op: Operation, fmt: Format) -> Iterator[Draft]:
    del op
    for classes in (2, 10, 100):
        known, scores = _scores(fmt, f"classes-{classes}", classes)
        yield Draft(f"classes-{classes}", (one_hot(known, scores, fmt), scores), reduced=BOTH)


def _label_scores(op: Operation, fmt: Format) -> Iterator[Draft]:
    for classes, ks in ((2, (1,)), (10, (1, 2, 5, 9, 10)), (100, (5, 50))):
        known, scores = _scores(fmt, f"classes-{classes}", classes)
        if "k" in op.parameters:
            for k in ks if classes > 2 else ():
                yield Draft(f"top-{k}-of-{classes}", (known, scores), reduced=BOTH, parameters={"k": k})
        else:
            yield Draft(f"classes-{classes}", (known, scores), reduced=BOTH)
            yield Draft(f"all-right-{classes}", (scores.argmax(axis=1), scores), reduced=BOTH)


def _multi_hot_scores(op: Operation, fmt: Format) -> Iterator[Draft]:
    for count in (1, 3, 10):
        truth = multi_hot(f"scores-{count}", (48, count))
        scores = fmt.rounded(uniform(f"multi-hot-scores/{count}", (48, count), 0.01, 0.99))
        scores = np.where(scores == 0.5, fmt.array(0.75), scores)
        right = 0.25 + truth / 2.0
        agreeing = np.where(integers(f"agree/{count}", (48, 1), 2) == 1, fmt.array(right), scores)
        few = fmt.array(np.where(np.arange(truth.size).reshape(truth.shape) == 7, 1 - right, right))
        for name, given in {"ordinary": scores, "half-exact": agreeing, "few-wrong": few}.items():
            yield Draft(f"{name}-{count}", (fmt.array(truth), given), reduced=BOTH, parameters=_threshold(op))


def _threshold(op: Operation) -> dict[str, float]:
    return {"threshold": 0.5} if "threshold" in op.parameters else {}


GENERATORS: dict[tuple[str, ...], Generator] = {
    ("probability",): _probability,
    ("mask", "logits"): _masked_logits,
    ("target", "probability"): _binary_probability,
    ("target", "real"): _binary_logits,
    ("sign", "real"): _signed_scores,
    ("label", "label"): _label_pairs,
    ("binary", "binary"): _binary_pairs,
    ("binary", "probability"): _scores_of_binary,
    ("binary", "score"): _binary_scores,
    ("one_hot", "scores"): _one_hot_scores,
    ("label", "scores"): _label_scores,
    ("multi_hot", "scores"): _multi_hot_scores,
}
"""What to ask operations whose inputs hold such things. Numbers alone, and rows with targets beside them, follow from
the domain."""


def generator_of(op: Operation) -> Generator:
    """What makes the drafts of an operation; LookupError if nothing is known of what its inputs hold."""
    if op.domains in GENERATORS:
        return GENERATORS[op.domains]
    alone, domain = len(op.domains) == 1, DOMAINS.get(op.domains[-1])
    if domain is not None and domain.rows is not None:
        return _logits if alone else _pairs
    if domain is not None and domain.numbers is not None and alone:
        return _numbers
    raise LookupError(f"{op.name} has inputs of {' and '.join(op.domains)}, for which no cases are drawn")
