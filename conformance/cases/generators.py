"""From what an operation's inputs hold to its cases: one generator for each combination of domains."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gaugeblock.conformance.cases import named_arrays as named
from gaugeblock.conformance.cases.domains import DOMAINS
from gaugeblock.conformance.cases.draws import integers, shuffled, uniform
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

Generator = Callable[[Operation, Format], Iterable[Draft]]


def _drafts(found: Mapping[str, tuple[Array, ...]], **more: Any) -> list[Draft]:
    """The drafts of named arrays; the ordinary ones are asked with further parameters."""
    return [Draft(name, arrays, core=name == "ordinary", **more) for name, arrays in found.items()]


def _named(op: Operation, fmt: Format) -> Iterator[tuple[str, Array, bool]]:
    """The named inputs of what the operation differentiates, each with whether it has a derivative there."""
    domain = DOMAINS[op.domains[-1]]
    assert domain.named is not None
    for name, array in domain.named(fmt).items():
        yield name, array, name in domain.smooth


def _numbers(op: Operation, fmt: Format) -> Iterator[Draft]:
    for name, x, smooth in _named(op, fmt):
        yield Draft(name, (x,), smooth, core=name in ("ordinary", "positive", "negative"))


def _probability(_: Operation, fmt: Format) -> Iterator[Draft]:
    for name, p in named.probability_scalars(fmt).items():
        yield Draft(name, (p,), name != "near-one", core=True)
    for name, values in {
        "half": [0.5],
        "certain": [0.0, -0.0, 1.0],
        "outside": [-0.25, 1.25, -math.inf, math.inf],
        "nan": [math.nan],
        "subnormal-inputs": [fmt.smallest_subnormal, 3 * fmt.smallest_subnormal],
    }.items():
        yield Draft(name, (fmt.array(values),))


CORE_ROWS = ("ordinary-3", "ordinary-10", "confident-10", "separated-10")


def _along(axis: int, name: str, *arrays: Array, gradient: bool = False) -> Draft:
    return Draft(name, arrays, gradient, core=name in CORE_ROWS, parameters={"axis": axis})


def _logits(op: Operation, fmt: Format) -> Iterator[Draft]:
    known = {}
    for name, x, smooth in _named(op, fmt):
        known[name] = x
        if op.domains != ("finite_logits",) or not np.isinf(x.astype(np.float64)).any():
            yield _along(-1, name, x, gradient=smooth)
    base = known.get("separated-10", known["ordinary-10"])
    yield _along(0, "axis-first-10", np.ascontiguousarray(base.T), gradient=True)
    middle = np.ascontiguousarray(np.moveaxis(np.stack([base, base[::-1]]), -1, 1))
    yield _along(1, "axis-middle-10", middle)
    if not op.output_rank:
        # The limit exists for a sum alone: softmax of infinities is a question for a probe.
        yield _along(-1, "plus-inf-3", fmt.array([[0.0, math.inf, 1.0], [math.inf, math.inf, 0.0]]))


def _masked_logits(_: Operation, fmt: Format) -> Iterator[Draft]:
    for name, x in named.logit_rows(fmt).items():
        # A row without any number that takes part has no value, and masked entries beside it none either.
        if np.isfinite(x.astype(np.float64)).all():
            yield _along(-1, name, named.masks(name, x.shape), x, gradient=name in named.SMOOTH_ROWS)
    x = named.logit_rows(fmt)["ordinary-10"]
    yield _along(-1, "all-taking-part-10", np.ones(x.shape, bool), x, gradient=True)
    hidden, mask = x.copy(), named.masks("hidden", x.shape)
    hidden[~mask] = fmt.array(np.resize([math.nan, math.inf, fmt.largest], int((~mask).sum())))
    yield _along(-1, "nan-masked-10", mask, hidden)


def _all(value: float, like: Array, fmt: Format) -> Array:
    return fmt.array(np.full(len(like), value))


def _binary_probability(_: Operation, fmt: Format) -> Iterator[Draft]:
    inner, small, below_one = (named.probability_scalars(fmt)[name] for name in ("inner", "small", "near-one"))
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


BESIDE_TARGETS = (
    "ordinary", "near-zero", "positive", "negative", "saturated-positive", "saturated-negative", "subnormal-results",
    "underflow", "overflow-of-exp", "thresholds", "largest", "nan",
)  # fmt: skip


def _beside_reals(op: Operation, fmt: Format) -> Iterator[Draft]:
    """Targets, or signs, beside real numbers."""
    table, signed = named.scalars(fmt), op.domains[0] == "sign"
    sides = {"plus": 1.0, "minus": -1.0} if signed else {"one": 1.0, "zero": 0.0}
    # An exponent below 1 has an infinite slope at 0, where a saturated probability lies.
    core = {"ordinary"} | ({"saturated-positive", "saturated-negative"} if "gamma" in op.parameters else set())
    for name in BESIDE_TARGETS:
        for label, target in sides.items():
            arrays = (_all(target, table[name], fmt), table[name])
            reduced = BOTH if signed and name in core else ()
            # The kink of a hinge lies among the thresholds alone.
            yield Draft(f"{name}-{label}", arrays, name in named.SMOOTH, reduced, core=name in core)
    for name in ("ordinary",) if signed else ("ordinary", "positive", "negative", "near-zero"):
        z = table[name]
        drawn = 1 - 2 * integers(f"sign/{name}", z.shape, 2) if signed else integers(f"z/{name}", z.shape, 17) / 16
        core_too = not signed and name != "near-zero"
        yield Draft(f"{name}-{'mixed' if signed else 'soft'}", (fmt.array(drawn), z), True, BOTH, core=core_too)
    one, other = sides.values()
    for name, high in {"inf-right": math.inf, "inf-wrong": -math.inf}.items():
        yield Draft(name, (fmt.array([one, other]), fmt.array([high, -high])))


def _log_of(targets: Array, fmt: Format) -> Array:
    """Logarithms of targets in sixty-fourths, without the libm of this machine."""
    table = {k: log_of_ratio(k, 64) for k in range(65)}
    return fmt.rounded([[table[round(float(t) * 64)] for t in row] for row in targets])


def _companions(op: Operation, fmt: Format, name: str, rows: Array) -> Iterator[tuple[str, Array, bool]]:
    """Targets for named rows: the suffix of the case's name, the array, and whether it is differentiable."""
    known = named.labels(name, rows)
    of_logits = op.domains[-1] == "logits"
    finite = not np.isinf(rows.astype(np.float64)).any()
    match op.domains[0]:
        case "label":
            yield "", known, True
        case "one_hot":
            yield "", named.one_hot(known, rows, fmt), finite
        case "multi_hot":
            yield "", fmt.array(named.multi_hot(name, rows.shape)), finite
        case "distribution":
            yield "", named.one_hot(known, rows, fmt), finite
            if name in (CORE_ROWS if of_logits else (*CORE_ROWS, "equal-10")):
                yield "-soft", named.soft(name, rows, fmt), of_logits or name == "ordinary-10"
            if name in ("ordinary-3", "ordinary-10"):
                yield "-unnormalised", named.unnormalised(name, rows, fmt), True
        case "log_distribution":
            shares = named.soft(name, rows, fmt)
            yield "", _log_of(named.positive(shares, fmt), fmt), finite
            if name in CORE_ROWS:
                yield "-zeros", _log_of(shares, fmt), True


def _pairs(op: Operation, fmt: Format) -> Iterator[Draft]:
    """Rows with their targets or labels."""
    for name, rows, smooth in _named(op, fmt):
        for suffix, target, differentiable in _companions(op, fmt, name, rows):
            yield Draft(
                f"{name}{suffix}",
                (target, rows),
                differentiable and smooth,
                ("only-mean",) if name in named.THREE_ANIMALS else _reductions(op, name, suffix),
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


def _label_pairs(op: Operation, _: Format) -> list[Draft]:
    truth, guess = integers("accuracy/true", (61,), 5), integers("accuracy/pred", (61,), 5)
    if not op.whole:
        found = {
            "ordinary": (truth, guess),
            "all-right": (truth, truth),
            "all-wrong": (truth, truth + 1),
            "single": (truth[:1], guess[:1]),
            "few-wrong": (truth, _few_wrong(truth, 5)),
        }
        return _drafts(found, reduced=BOTH)
    # Every class stands in the truth of each.
    uneven = np.maximum(integers("imbalanced/true", (61,), 16) - 11, 0)
    biased = np.where(integers("imbalanced/pred", (61,), 3) == 0, guess, uneven)
    found = {
        "ordinary": (truth, guess),
        "imbalanced": (uneven, biased),
        "all-right": (truth, truth),
        "all-wrong": (truth, (truth + 1) % 5),
        "few-wrong": (truth, _few_wrong(truth, 5)),
        "never-predicted": (truth, np.where(guess == 3, 0, guess)),
        "two-classes": (truth % 2, guess % 2),
        "one-of-each": (np.arange(5), np.array([0, 1, 2, 4, 3])),
    }
    return _drafts(found)


def _few_wrong(truth: Array, classes: int) -> Array:
    """Predictions that are right but for two in 61."""
    return np.where(np.arange(len(truth)) % 32 == 7, (truth + 1) % classes, truth)


def _binary_labels() -> tuple[Array, Array]:
    """As many of 0 as of 1, and few of 1."""
    return integers("binary/true", (61,), 2), (integers("binary/rare", (61,), 8) == 0).astype(np.int64)


def _binary_pairs(_: Operation, __: Format) -> list[Draft]:
    truth, rare = _binary_labels()
    guess = integers("binary/pred", (61,), 2)
    found = {
        "ordinary": (truth, guess),
        "rare": (rare, guess),
        "all-right": (truth, truth),
        "all-wrong": (truth, 1 - truth),
        "few-wrong": (truth, _few_wrong(truth, 2)),
        "always-predicted": (truth, np.ones_like(truth)),
        "never-predicted": (truth, np.zeros_like(truth)),
    }
    return _drafts(found)


def _scores_of_binary(_: Operation, fmt: Format) -> list[Draft]:
    """Distinct scores, and some that are equal. None but 0 and 1 is the edge of a bin or a threshold."""
    truth, rare = _binary_labels()
    order = shuffled("binary-scores/order", (61,))
    scores = fmt.array((order + 1) / 64)
    found = {
        "ordinary": (truth, scores),
        "tied": (truth, fmt.array((1 + order // 10) / 8)),
        "separated": ((order >= 30).astype(np.int64), scores),
        "inverted": ((order < 30).astype(np.int64), scores),
        "rare": (rare, scores),
        "close-together": (truth, fmt.array((order + 1) / 2048)),
        "equal": (truth, fmt.array(np.full(61, 0.75))),
        "certain": (truth, fmt.array(np.clip(order / 32 - 0.5, 0, 1))),
    }
    return _drafts(found)


def _undecided(name: str, shape: tuple[int, ...], fmt: Format) -> Array:
    """Scores, none of which lies on the threshold of a half."""
    drawn = fmt.rounded(uniform(name, shape, 0.01, 0.99))
    return np.where(drawn == 0.5, fmt.array(0.75), drawn)


def _binary_scores(_: Operation, fmt: Format) -> Iterator[Draft]:
    truth, score = integers("binary-accuracy", (61,), 2), _undecided("binary-accuracy/score", (61,), fmt)
    for threshold in (0.5, 0.25, 0.875):
        sure = np.where(score == threshold, fmt.array(threshold / 2), score)
        yield Draft(f"threshold-{threshold:g}", (truth, sure), reduced=BOTH, parameters={"threshold": threshold})
    around = fmt.array([fmt.next_down(0.5), fmt.next_up(0.5)])
    pairs = {"next-to-threshold": (np.arange(2), around), "certain": (np.arange(2), fmt.array([0.0, 1.0]))}
    yield from _drafts(pairs, reduced=BOTH, parameters={"threshold": 0.5})


@functools.cache
def _scores(fmt: Format, classes: int) -> tuple[Array, Array]:
    """Labels and rows of scores without ties."""
    order = shuffled(f"score/classes-{classes}", (48, classes))
    drawn = integers(f"score-label/classes-{classes}", (48,), classes)
    return drawn, fmt.array((order + 1) / 2.0 ** classes.bit_length())


def _class_scores(op: Operation, fmt: Format) -> Iterator[Draft]:
    """Labels, or one-hot rows, beside rows of scores."""
    for classes, ks in {2: (), 10: (1, 2, 5, 9, 10), 100: (5, 50)}.items():
        known, scores = _scores(fmt, classes)
        if "k" in op.parameters:
            for k in ks:
                yield Draft(f"top-{k}-of-{classes}", (known, scores), reduced=BOTH, parameters={"k": k})
        elif op.domains[0] == "one_hot":
            yield Draft(f"classes-{classes}", (named.one_hot(known, scores, fmt), scores), reduced=BOTH)
        else:
            yield Draft(f"classes-{classes}", (known, scores), reduced=BOTH)
            yield Draft(f"all-right-{classes}", (scores.argmax(axis=1), scores), reduced=BOTH)


def _multi_hot_scores(op: Operation, fmt: Format) -> Iterator[Draft]:
    parameters = {"threshold": 0.5} if "threshold" in op.parameters else {}
    for count in (1, 3, 10):
        truth, scores = (
            named.multi_hot(f"scores-{count}", (48, count)),
            _undecided(f"multi-hot-scores/{count}", (48, count), fmt),
        )
        right = 0.25 + truth / 2.0
        agreeing = np.where(integers(f"agree/{count}", (48, 1), 2) == 1, fmt.array(right), scores)
        few = fmt.array(np.where(np.arange(truth.size).reshape(truth.shape) == 7, 1 - right, right))
        rows = {"ordinary": scores, "half-exact": agreeing, "few-wrong": few}
        pairs = {f"{name}-{count}": (fmt.array(truth), given) for name, given in rows.items()}
        yield from _drafts(pairs, reduced=BOTH, parameters=parameters)


GENERATORS: dict[tuple[str, ...], Generator] = {
    ("probability",): _probability,
    ("mask", "logits"): _masked_logits,
    ("target", "probability"): _binary_probability,
    ("target", "real"): _beside_reals,
    ("sign", "real"): _beside_reals,
    ("label", "label"): _label_pairs,
    ("binary", "binary"): _binary_pairs,
    ("binary", "probability"): _scores_of_binary,
    ("binary", "score"): _binary_scores,
    ("one_hot", "scores"): _class_scores,
    ("label", "scores"): _class_scores,
    ("multi_hot", "scores"): _multi_hot_scores,
}
"""What to ask operations whose inputs hold such things. Numbers alone, and rows with targets beside them, follow from
the domain."""


def generator_of(op: Operation) -> Generator:
    """What makes the drafts of an operation; LookupError if nothing is known of what its inputs hold."""
    if op.domains in GENERATORS:
        return GENERATORS[op.domains]
    domain = DOMAINS.get(op.domains[-1])
    if domain is not None and domain.named is not None:
        if len(op.domains) == 1:
            return _logits if op.core_ranks[-1] else _numbers
        if op.core_ranks[-1]:
            return _pairs
    raise LookupError(f"{op.name} has inputs of {' and '.join(op.domains)}, for which no cases are drawn")
