"""What a stateful metric has accumulated at each result, and the roundings that its sums cannot avoid."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from gaugeblock.conformance.cases.steps import Step
from gaugeblock.reference.formats import Array, Format
from gaugeblock.reference.operations import Bound
from gaugeblock.reference.truth import Truth

Accumulated = Counter[int]
"""How often an object has accumulated each sample."""


def accumulated(steps: Sequence[Step], weights: Sequence[Fraction], every: bool = False) -> list[Accumulated]:
    """What is accumulated at each result that the steps ask for: `every` sample, or those that weigh anything."""
    objects: defaultdict[int, Accumulated] = defaultdict(Counter)
    results = []
    for step in steps:
        if step.verb == "update":
            rows = [row for row in range(len(weights))[slice(*step.rows)] if every or weights[row]]
            objects[step.on].update(dict.fromkeys(rows, step.tile * step.repeat))
        elif step.verb == "merge":
            objects[step.on] += objects[step.other]
        elif step.verb == "copy":
            objects[step.on] = objects[step.other].copy()
        elif step.verb == "reset":
            objects[step.on] = Counter()
        else:
            results.append(objects[step.on].copy())
    return results


def roundings(sums: Accumulated, weights: Sequence[Fraction], values: Sequence[Fraction], fmt: Format) -> int:
    """How many roundings the two sums, of weights and of weighted values, cannot avoid in `fmt`.

    None where they are exact: whole terms are counts, which integers and binary64 hold, and terms on a binary grid so
    coarse that their total has no more digits than `fmt` add exactly in any order. Else one for each sample: n - 1
    additions, and the conversion of its weight into the format; and two for a value that is not whole, and its product.
    """
    terms = [(weights[row], weights[row] * values[row], times) for row, times in sums.items()]
    scale = math.lcm(*(part.denominator for weight, product, _ in terms for part in (weight, product)))
    if scale == 1:
        return 0
    grid = math.gcd(*(int(part * scale) for weight, product, _ in terms for part in (weight, product)))
    total = max(sum(weight * times for weight, _, times in terms), sum(product * times for _, product, times in terms))
    binary = scale & (scale - 1) == 0
    if binary and total * scale <= grid << fmt.precision:
        return 0
    return sums.total() + (0 if all(values[row].denominator == 1 for row in sums) else 2)


def allowed_errors(
    results: Sequence[Accumulated],
    weights: Sequence[Fraction],
    values: Sequence[Fraction],
    bound: Bound,
    truth: Truth,
    fmt: Format,
) -> Array:
    """The bound in ULP of each result: that of the exact quotient, and the roundings of both its sums.

    A sum of n numbers of one sign in any order, each rounding at most u, lies within (1 + u)^n of the exact one
    (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., 2002, section 4.2).
    """
    u = fmt.unit_roundoff
    count = np.array([roundings(sums, weights, values, fmt) for sums in results])
    growth = np.expm1(count * (math.log1p(u) - math.log1p(-u)))
    size = np.nan_to_num(np.abs(truth.nearest) / truth.ulp)
    return np.asarray(bound.ulps + np.where(size == 0, 0.0, growth * size))
