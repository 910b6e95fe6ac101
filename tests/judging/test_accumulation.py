"""What was seen until each result, the roundings that its sums cannot avoid, and exact rationals."""

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
from gaugeblock.conformance.cases.steps import Step
from gaugeblock.conformance.checks.streaming import SCENARIOS, Scenario
from gaugeblock.conformance.judging.accumulation import Accumulated, accumulated, allowed_errors, roundings
from gaugeblock.reference.formats import FORMATS
from gaugeblock.reference.operations import Bound
from gaugeblock.reference.truth import rationals


def brute(steps: tuple[Step, ...], count: int) -> Iterator[list[int]]:
    """The rows that the object has seen at each result, one by one, in the plainest way."""
    objects: dict[int, list[int]] = {}
    for step in steps:
        mine = objects.setdefault(step.on, [])
        other = objects.setdefault(step.other, [])
        for _ in range(step.repeat):
            if step.verb == "update":
                mine += list(range(count))[slice(*step.rows)] * step.tile
            elif step.verb == "merge":
                mine += list(other)
            elif step.verb == "copy":
                objects[step.on] = list(other)
            elif step.verb == "reset":
                mine.clear()
            else:
                yield list(mine)


@pytest.mark.parametrize("scenario", [pytest.param(each, id=each.name) for each in SCENARIOS])
def test_what_was_seen_is_what_was_given(scenario: Scenario) -> None:
    count = 61
    steps = tuple(step if step.tile == 1 else Step("update", step.rows, tile=4, repeat=2) for step in scenario.steps)
    weights = np.ones(count) if scenario.weights is None else scenario.weights(count)
    told = accumulated(steps, [Fraction(float(weight)) for weight in weights])
    plain = list(brute(steps, count))
    assert len(told) == len(plain) > 0
    for sums, rows in zip(told, plain, strict=True):
        heavy = [row for row in rows if weights[row]]
        assert sums == {row: heavy.count(row) for row in heavy}
        assert sums.total() == len(heavy)
        # A mean over nothing is for the probes.
        assert heavy


def test_roundings_that_a_sum_cannot_avoid() -> None:
    single, brain = FORMATS["float32"], FORMATS["bfloat16"]
    hit_and_miss = [Fraction(1), Fraction(0)]
    whole = [Fraction(2**19), Fraction(1)]
    assert roundings(Accumulated({0: 2**10, 1: 200}), whole, hit_and_miss, single) == 0
    eighths = [Fraction(3, 8), Fraction(5, 8)]
    assert roundings(Accumulated({0: 10, 1: 10}), eighths, hit_and_miss, single) == 0
    # 80 eighths have 7 digits, of the 8 that bfloat16 keeps; 257 eighths have one too many.
    assert roundings(Accumulated({0: 10, 1: 10}), eighths, hit_and_miss, brain) == 0
    assert roundings(Accumulated({0: 84, 1: 1}), eighths, hit_and_miss, brain) == 85
    tenth = Fraction(float(np.float32(0.1)))
    assert roundings(Accumulated({0: 1, 1: 2}), [tenth, Fraction(1)], hit_and_miss, single) == 3
    # The multiples of one weight alone are on its own grid.
    assert roundings(Accumulated({0: 3}), [tenth], hit_and_miss, single) == 0
    # A value that is not whole is rounded itself, unless it is a binary fraction.
    ones = [Fraction(1), Fraction(1)]
    assert roundings(Accumulated({0: 2, 1: 3}), ones, [Fraction(1, 4), Fraction(3, 4)], single) == 0
    assert roundings(Accumulated({0: 2, 1: 3}), ones, [Fraction(1, 3), Fraction(3, 4)], single) == 7


def test_the_bound_holds_for_sums_in_any_order_and_is_not_loose() -> None:
    """Weighted means in binary32 by chains of roundings; the worst of many uses more than a tenth of the bound."""
    fmt, bound = FORMATS["float32"], Bound(1, "a quotient")
    rng = np.random.default_rng(7)
    worst = 0.0
    for _ in range(300):
        count = int(rng.integers(2, 12))
        weights = rng.uniform(0.5, 1.0, count).astype(np.float32)
        hits = rng.integers(0, 2, count).astype(np.float32)
        hits[0] = 1
        exact = [Fraction(float(weight)) for weight in weights]
        right = sum((w for w, hit in zip(exact, hits, strict=True) if hit), Fraction(0)) / sum(exact)
        truth = rationals([right], fmt)
        values = [Fraction(float(hit)) for hit in hits]
        (allowed,) = allowed_errors([Accumulated(range(count))], exact, values, bound, truth, fmt)
        chain = np.add.accumulate(weights * hits, dtype=np.float32)[-1] / np.add.accumulate(weights)[-1]
        error = abs(Fraction(float(chain)) - right) / Fraction(float(truth.ulp[0]))
        assert error <= allowed
        assert allowed <= 1 + 2 * (count + 1)
        worst = max(worst, float(error) / float(allowed))
    assert worst > 0.1


def test_exact_rationals_are_rounded_and_keep_their_residual() -> None:
    values = [Fraction(1, 3), Fraction(1), Fraction(0), Fraction(2**24 + 1, 2**24 + 200)]
    truth = rationals(values, FORMATS["float32"])
    assert truth.nearest.tolist() == np.float32([1 / 3, 1, 0, (2**24 + 1) / (2**24 + 200)]).tolist()
    for at, value in enumerate(values):
        assert abs(truth.exact((at,)) - value) < Fraction(1, 2**100)
    assert truth.text((0,)) == "0.33333333333333333333"
