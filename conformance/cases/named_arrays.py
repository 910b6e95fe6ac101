"""Frozen inputs by name: arguments of functions of one number, and rows of logits, for every format.

They are made with exact or correctly rounded operations alone: NumPy's and the libm's functions of this machine
must not show in them.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from gaugeblock.conformance.cases.draws import bell, integers, shuffled, uniform
from gaugeblock.reference.formats import Array, Format

LN2 = float.fromhex("0x1.62e42fefa39efp-1")


@dataclass(frozen=True)
class Landmarks:
    """Logarithms at which a format's behaviour changes."""

    normal: float
    subnormal: float
    epsilon: float
    largest: float

    @classmethod
    def of(cls, fmt: Format) -> Landmarks:
        """-log of the smallest normal, of the smallest subnormal and of epsilon; log of the largest number."""
        digits = fmt.precision - 1
        return cls(-fmt.emin * LN2, (digits - fmt.emin) * LN2, digits * LN2, (fmt.emax + 1) * LN2)


# Arguments at which the source of some framework branches, or a libm changes its method.
THRESHOLDS = (
    0.5, 1.0, 2.5, 3.0, 5.0, 8.0, 9.0, 12.5, 15.9, 16.6, 17.3, 18.0, 20.0, 33.3, 36.7, 37.0, 50.0, 80.0, 87.3, 88.0,
)  # fmt: skip

# Where benchmarks/find_worst.py found frameworks' float32 functions worst over all inputs in [2^-4, 88], both signs.
WORST_KNOWN = tuple(
    float.fromhex(text)
    for text in (
        "0x1.0a2bd8p+4", "0x1.f2343ap+0", "0x1.f23412p+0", "0x1.ba7fecp+1", "0x1.364aa2p+2", "0x1.3672c4p+2",
        "0x1.c128cep+5", "0x1.d1ecb8p+3", "0x1.5d2592p-1", "0x1.61457ep-1", "0x1.be29bep+3", "0x1.c0009cp+3",
        "0x1.5d566ap+6", "0x1.8f3a4cp+2", "0x1.056d66p+1", "0x1.43ff20p+0", "0x1.b9d67ap+1",
    )
)  # fmt: skip


@functools.cache
def scalars(fmt: Format) -> dict[str, Array]:
    """Arguments of an elementwise function of one real number, by name."""
    at = Landmarks.of(fmt)
    powers = np.array([math.ldexp(1.0, k) for k in range(fmt.emin, fmt.emax + 1, max(1, fmt.emax // 24))])
    powers = powers[(powers < at.normal) | (powers > at.subnormal + 1)]
    turns = np.array([t for t in (*THRESHOLDS, at.epsilon, at.normal, at.largest) if t <= fmt.largest])
    near = [fmt.round(float(t)) for t in turns]
    every = np.array([v for t in near for v in (fmt.next_down(t), t, fmt.next_up(t))])
    edge = (every > at.normal - 0.001) & (every < at.subnormal + 1)
    worst = np.array([v for v in WORST_KNOWN if fmt.round(v) < at.normal])
    dense = np.array([math.ldexp(1 + step / 80, k) for k in range(-6, 10) for step in range(80)])
    dense = dense[dense < 0.98 * at.normal]
    raw: dict[str, Array] = {
        "ordinary": uniform("scalar/ordinary", (64,), -8, 8),
        "near-zero": np.concatenate([s * np.ldexp(1.0, -np.arange(1, 12)) for s in (1, -1)]),
        "positive": uniform("scalar/positive", (64,), 2, at.epsilon),
        "negative": uniform("scalar/negative", (64,), -at.epsilon, -2),
        "saturated-positive": uniform("scalar/saturated", (64,), 1.1 * at.epsilon, 0.98 * at.normal),
        "saturated-negative": -uniform("scalar/saturated", (64,), 1.1 * at.epsilon, 0.98 * at.normal),
        "dense-positive": dense,
        "dense-negative": -dense,
        "subnormal-results": -uniform("scalar/subnormal", (32,), at.normal + 0.01, at.subnormal - 0.01),
        "subnormal-inputs": fmt.smallest_subnormal * np.array([1.0, -1.0, 3.0, -5.0, 2.0 ** (fmt.precision - 2)]),
        "underflow": -uniform("scalar/underflow", (16,), at.subnormal + 1, 4 * at.subnormal),
        "overflow-of-exp": uniform("scalar/overflow", (16,), at.largest + 0.1, 4 * at.largest),
        "powers-of-two": powers,
        "minus-powers-of-two": -powers,
        "thresholds": every[~edge],
        "minus-thresholds": -every[~edge & (every < at.normal)],
        "subnormal-thresholds": every[edge],
        "subnormal-minus-thresholds": -every[edge],
        "worst-known": np.concatenate([worst, -worst]),
        "largest": np.array([fmt.largest, -fmt.largest]),
        "zero": np.zeros(1),
        "minus-zero": -np.zeros(1),
        "plus-inf": np.array([math.inf]),
        "minus-inf": np.array([-math.inf]),
        "nan": np.array([math.nan]),
    }
    return {name: fmt.rounded(values) for name, values in raw.items()}


SMOOTH = ("ordinary", "near-zero", "positive", "negative", "saturated-positive", "saturated-negative")
"""Scalar arguments at which derivatives are asked for."""


LEADING = np.arange(10) == np.array([[0], [3], [9], [5]])
"""Which entry leads in each of four rows."""


@functools.cache
def logit_rows(fmt: Format) -> dict[str, Array]:
    """Rows of logits by name, each of shape (rows, classes)."""
    at = Landmarks.of(fmt)
    offset = 2 * at.largest
    shape = bell("row/base", (4, 10), 1.5)
    lead = 1.3 * at.epsilon if 1.3 * at.epsilon < at.normal else 0.7 * at.normal
    inf, nan, top = math.inf, math.nan, fmt.largest
    raw: dict[str, Array] = {
        **{f"ordinary-{n}": bell(f"row/ordinary-{n}", (4, n), 1.5) for n in (1, 3, 10, 1000)},
        "wide-10": uniform("row/wide", (4, 10), -0.4 * at.normal, 0.4 * at.normal),
        "subnormal-results-10": np.concatenate(
            [np.zeros((4, 1)), -uniform("row/subnormal", (4, 9), at.normal + 0.01, at.subnormal - 1)], axis=1
        ),
        "large-offset-10": shape + offset,
        "negative-offset-10": shape - offset,
        "confident-10": shape + lead * LEADING,
        "equal-10": np.repeat([[0.0], [1.0], [-30.0], [offset]], 10, axis=1),
        "tied-top-10": np.where(np.arange(10) < 2, 8.0, shape),
        "extreme-3": np.array([[top, -top, 0.0], [-top, -top, -top], [top, top, top], [0.0, top, top / 2]]),
        "minus-inf-3": np.array([[0.0, -inf, 1.0], [-inf, -inf, 2.0], [-inf, 3.0, -inf], [0.5, 0.25, -inf]]),
        "all-minus-inf-3": np.array([[-inf, -inf, -inf]]),
        "nan-3": np.array([[0.0, nan, 1.0], [0.0, 1.0, 2.0], [nan, nan, nan], [1.0, 1.0, 0.0]]),
    }
    return {name: fmt.rounded(values) for name, values in raw.items()}


SMOOTH_ROWS = ("ordinary-3", "ordinary-10", "confident-10", "wide-10", "large-offset-10", "minus-inf-3")

SMOOTH_DECISIONS = ("separated-3", "separated-10", "separated-confident-10")
"""Rows at which losses of margins have derivatives."""

# Two models' probabilities for three animals, from the log-loss story that the suite retells.
ANIMALS = (
    ((0.3, 0.3, 0.4), (0.3, 0.4, 0.3), (0.1, 0.2, 0.7)),
    ((0.1, 0.2, 0.7), (0.1, 0.7, 0.2), (0.3, 0.4, 0.3)),
)

THREE_ANIMALS = tuple(f"three-animals-model-{number}" for number in (1, 2))
"""Names of their rows."""

FIXED_LABELS = {
    "certain-right-3": (0, 1, 2),
    "certain-wrong-3": (0, 1, 2),
    **dict.fromkeys(THREE_ANIMALS, (2, 1, 0)),
}
"""Rows whose labels belong to them."""


@functools.cache
def probability_scalars(fmt: Format) -> dict[str, Array]:
    """Probabilities by name: in the middle, small, next to one."""
    exponents = 5 + integers("p/small-exponent", (32,), min(16, -fmt.emin - 6))
    return {
        "inner": fmt.rounded(uniform("p/inner", (32,), 0.05, 0.95)),
        "small": fmt.rounded(np.ldexp(uniform("p/small", (32,), 1, 2), -exponents)),
        "near-one": fmt.array(1 - fmt.epsilon / 2 * (1 + integers("p/near-one", (16,), 64))),
        "near-half": fmt.array(0.5 + fmt.epsilon * (1 + integers("p/near-half", (16,), 64))),
    }


@functools.cache
def probability_rows(fmt: Format) -> dict[str, Array]:
    """Rows of probabilities by name; those that are drawn have 2^-p granularity and sum to one exactly."""
    drawn = {}
    for name in ("ordinary-3", "ordinary-10", "confident-10", "equal-10"):
        shape = logit_rows(fmt)[name].shape
        weights = {
            "equal-10": np.ones(shape),
            "confident-10": 1 + 2.0**20 * (np.arange(shape[1]) == integers(f"p/{name}", (shape[0], 1), shape[1])),
        }.get(name, 1.0 + integers(f"p/{name}", shape, 64))
        grain = 2.0 ** min(fmt.precision, 30)
        shares = np.maximum(1, np.floor(weights / weights.sum(axis=1, keepdims=True) * grain))
        top = np.arange(shape[0]), shares.argmax(axis=1)
        shares[top] += grain - shares.sum(axis=1)
        drawn[name] = fmt.array(shares / grain)
    return {
        **drawn,
        "certain-right-3": fmt.array(np.eye(3)),
        "certain-wrong-3": fmt.array(np.eye(3)[[1, 2, 0]]),
        **{name: fmt.rounded(model) for name, model in zip(THREE_ANIMALS, ANIMALS, strict=True)},
    }


@functools.cache
def log_probability_rows(fmt: Format) -> dict[str, Array]:
    """Rows of logarithms of probabilities by name; they need not be normalised for any definition here."""
    three, ten = (-uniform(f"log-p/{n}", (4, n), 0.25, 8) for n in (3, 10))
    raw = {
        "ordinary-3": three,
        "ordinary-10": ten,
        "confident-10": np.where(LEADING, -fmt.epsilon, ten),
        "wide-10": -uniform("log-p/wide", (4, 10), 0, Landmarks.of(fmt).subnormal),
        "certain-right-3": np.where(np.eye(3) == 1, 0.0, -math.inf),
        "certain-wrong-3": np.where(np.eye(3)[[1, 2, 0]] == 1, 0.0, -math.inf),
        "nan-3": np.array([[-1.0, math.nan, -2.0], [-0.5, -1.0, -2.0]]),
    }
    return {name: fmt.rounded(values) for name, values in raw.items()}


@functools.cache
def decision_rows(fmt: Format) -> dict[str, Array]:
    """Rows of logits, and rows whose scores and their differences are no integers: at least 1/16 lies between.

    A loss of margins has a kink where two scores are equal, one is zero, or they differ by the margin.
    """

    def separated(name: str, classes: int, spread: int) -> Array:
        places = shuffled(f"{name}/order", (4, classes))
        return (places + 1) / 16 + integers(f"{name}/whole", (4, classes), spread) - spread // 2

    ten = separated("row/separated-10", 10, 6)
    return {
        **logit_rows(fmt),
        "separated-3": fmt.array(separated("row/separated-3", 3, 4)),
        "separated-10": fmt.array(ten),
        "separated-confident-10": fmt.array(ten + 8 * LEADING),
    }


def labels(name: str, rows: Array) -> Array:
    """Frozen labels, of shape (rows,), that avoid entries of -inf, where the loss is infinite."""
    if name in FIXED_LABELS:
        return np.array(FIXED_LABELS[name])
    drawn = integers(f"label/{name}", (rows.shape[0],), rows.shape[1])
    wide = rows.astype(np.float64)
    return np.where(np.isneginf(wide[np.arange(len(drawn)), drawn]), wide.argmax(axis=1), drawn)


def one_hot(classes: Array, like: Array, fmt: Format) -> Array:
    """Rows of zeros with a one at each label."""
    return fmt.array(np.arange(like.shape[1]) == classes[:, None])


def soft(name: str, rows: Array, fmt: Format) -> Array:
    """Soft targets with 2^-6 granularity, each row summing to one; none where the row holds -inf."""
    weights = np.where(np.isneginf(rows.astype(np.float64)), 0, integers(f"soft/{name}", rows.shape, 5))
    shares = np.floor(weights / np.maximum(1, weights.sum(axis=1, keepdims=True)) * 64)
    shares[np.arange(len(rows)), labels(name, rows)] += 64 - shares.sum(axis=1)
    return fmt.array(shares / 64)


def positive(targets: Array, fmt: Format) -> Array:
    """Soft targets in sixty-fourths with every 0 raised to 1/64, at the cost of the row's largest."""
    shares = np.maximum(1, targets.astype(np.float64) * 64)
    shares[np.arange(len(shares)), shares.argmax(axis=1)] += 64 - shares.sum(axis=1)
    return fmt.array(shares / 64)


def unnormalised(name: str, rows: Array, fmt: Format) -> Array:
    """Non-negative targets in quarters that do not sum to one; the first row is all zero."""
    drawn = integers(f"unnormalised/{name}", rows.shape, 5) / 4.0
    drawn[0] = 0
    return fmt.array(drawn)


def multi_hot(name: str, shape: tuple[int, ...]) -> Array:
    """Several labels for each row, as zeros and ones; the first row has none, the second has all.

    About eight labels of a long row's: losses of pairs take the product of those that are there and those that are not.
    """
    one_in = max(2, shape[1] // 8)
    drawn = (integers(f"multi-hot/{name}", shape, one_in) == one_in - 1).astype(np.int64)
    drawn[:1], drawn[1:2] = 0, 1
    return np.asarray(drawn)


def masks(name: str, shape: tuple[int, ...]) -> Array:
    """Which entries of each row take part: at least one of each; the first row leaves out its first half."""
    drawn = integers(f"mask/{name}", shape, 2).astype(bool)
    drawn[:1] = np.arange(shape[1]) >= shape[1] // 2
    drawn[:, -1] = True
    return drawn
