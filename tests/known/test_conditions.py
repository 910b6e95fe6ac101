"""Conditions and ceilings of known deviations: what they see of a case, an answer and a machine."""

from __future__ import annotations

import math
import platform
import sys
from collections.abc import Mapping
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from gaugeblock.conformance.cases.case import COTANGENT, Case
from gaugeblock.conformance.known.conditions import When, bounds, within
from gaugeblock.conformance.known.deviation import KnownDeviation
from gaugeblock.conformance.known.sight import Environment, Sight
from gaugeblock.reference.formats import FORMATS
from gaugeblock.reports.records import Observation, Witness
from gaugeblock.reports.verdicts import Verdict

SINGLE = FORMATS["float32"]
SUBNORMAL = SINGLE.smallest_normal / 4


def case(x: Any = (1.0, -2.0), dtype: Any = np.float32, **parameters: Any) -> Case:
    return Case("case", {"x": np.asarray(x, dtype)}, parameters)


def sight(
    made: Case | None = None,
    *,
    key: str = "softmax/torch.softmax/float32/cpu/eager/value/case",
    expected: float | None = None,
    got: float = 0.0,
    flags: Mapping[str, Any] | None = None,
    **more: Any,
) -> Sight:
    """A deviation of one element; the error is that of a number of the size of what is expected."""
    fields = {"verdict": Verdict.DEVIATES, **more}
    if expected is not None:
        fields["witness"] = Witness([0], repr(expected), _text(got), _text(float(np.float32(expected))))
        if math.isfinite(expected) and not math.isnan(got) and "error" not in more:
            exponent = math.frexp(expected)[1] - 1 if expected else SINGLE.emin
            fields["error"] = min(abs(got - expected) / 2.0 ** SINGLE.ulp_exponent(exponent), 1e300)
    return Sight(Observation(key, **fields), made, Environment({}, flags or {}))


def _text(value: float) -> str:
    return value.hex() if math.isfinite(value) else repr(value)


def holds(when: Mapping[str, Any], seen: Sight) -> bool:
    return not When(**when).unfulfilled(seen)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        (">=1024", [1024, 1e9], [1023]),
        (">8, <=64", [9, 64], [8, 65]),
        ("17", [17], [16, 18]),
        (3, [3], [2]),
        ("<1e-3", [0], [0.001]),
    ],
)
def test_ranges(text: str | float, inside: list[float], outside: list[float]) -> None:
    assert bounds(text)
    assert [within(text, each) for each in (*inside, *outside)] == [True] * len(inside) + [False] * len(outside)


def test_the_length_is_that_of_the_core_axis() -> None:
    rows = np.zeros((3, 5), np.float32)
    assert sight(case(rows)).length == 5
    assert sight(case(rows, axis=0)).length == 3
    assert sight(case(rows), key="sigmoid/a/float32/cpu/eager/value/case").length == 15
    labels = Case("case", {"labels": np.zeros(4, np.int64), "logits": np.zeros((4, 7), np.float32)})
    key = "sparse_categorical_cross_entropy_with_logits/a/float32/cpu/eager/value/case"
    assert sight(labels, key=key).length == 7
    assert sight(None).length is None
    assert sight(case(rows), key="three-animals/a/float32/cpu/eager/value/case").length is None, "a story has no axis"


def test_magnitude_and_what_inputs_hold() -> None:
    seen = sight(case([math.inf, math.nan, -3.0, 0.0, SUBNORMAL]))
    assert seen.magnitude == 3.0
    assert seen.holds == {"nan", "infinity", "zero", "subnormal", "normal", "negative", "beyond-one"}
    assert sight(case([0.5])).holds == {"normal"}
    assert sight(case([1e-39], ml_dtypes.bfloat16)).holds == {"subnormal"}
    assert sight(case([7], np.int32)).magnitude is None
    weighed = Case("case", {"x": np.ones(2, np.float32), COTANGENT: np.full(2, 8, np.float32)})
    assert (sight(weighed).magnitude, sight(weighed).scale) == (1.0, 8.0)
    twice = Case("case", weighed.inputs, order=2)
    assert sight(twice).scale == 64.0
    summed = Case("case", {"y_true": np.ones(4, np.float32), "score": np.full(4, 3, np.float32)}, {"reduction": "sum"})
    assert sight(summed, key="hinge/a/float32/cpu/eager/value/case").scale == 12.0
    assert "huge" in sight(case([2e38])).holds


@pytest.mark.parametrize(
    ("when", "seen", "held"),
    [
        ({}, sight(None), True),
        ({"length": ">=2"}, sight(case()), True),
        ({"length": ">=3"}, sight(case()), False),
        ({"length": ">=2"}, sight(None), False),
        ({"magnitude": "<=2"}, sight(case()), True),
        ({"magnitude": ">2"}, sight(case()), False),
        ({"holds": ("nan", "negative")}, sight(case()), True),
        ({"holds": ("nan",)}, sight(case()), False),
        ({"expects": ("subnormal",)}, sight(case(), expected=SUBNORMAL), True),
        ({"expects": ("subnormal",)}, sight(case(), expected=1e-60), True),
        ({"expects": ("zero",)}, sight(case(), expected=1e-60), False),
        ({"expects": ("nan", "infinity")}, sight(case(), expected=math.inf), True),
        ({"expects": ("normal",)}, sight(case()), False),
        ({"every": {"x": ">=-2, <=1"}}, sight(case()), True),
        ({"every": {"x": ">0"}}, sight(case()), False),
        ({"every": {"x": 1}}, sight(case([1.0, 1.0])), True),
        ({"every": {"y": ">0"}}, sight(case()), False),
        ({"every": {"x": ">0"}}, sight(case([])), False),
        ({"axis": (0,)}, sight(case(axis=0)), True),
        ({"axis": (0,)}, sight(case()), False),
        ({"parameters": {"gamma": "<1", "alpha": [0.25, 0.5]}}, sight(case(gamma=0.5, alpha=0.25)), True),
        ({"parameters": {"gamma": "<1"}}, sight(case(gamma=1.0)), False),
        ({"parameters": {"gamma": 2.0}}, sight(case()), False),
        ({"label": ("nan",)}, sight(label="nan"), True),
        ({"label": ("nan",)}, sight(label="zero"), False),
        ({"instruction_set": ("avx2",)}, sight(flags={"instruction_set": "AVX2"}), True),
        ({"instruction_set": ("avx2",)}, sight(flags={"instruction_set": "avx512"}), False),
        ({"instruction_set": ("avx2",)}, sight(), False),
        ({"platform": (sys.platform,)}, sight(), True),
        ({"platform": (platform.machine().lower(),)}, sight(), True),
        ({"platform": ("elsewhere",)}, sight(), False),
        ({"libraries": ("oneDNN",)}, sight(flags={"libraries": "onednn 3.1, openblas 0.3"}), True),
        ({"libraries": ("mkl",)}, sight(flags={"libraries": "onednn 3.1"}), False),
        ({"libraries": ("mkl",)}, sight(), False),
    ],
)
def test_conditions(when: Mapping[str, Any], seen: Sight, held: bool) -> None:
    assert holds(when, seen) is held


def test_what_is_not_fulfilled_is_said() -> None:
    when = When(length=">=9", holds=("nan",), parameters={"gamma": [1.0, 2.0]}, expects=("zero",))
    assert when.unfulfilled(sight(case(), expected=1.0)) == [
        "its length is 2, not >=9",
        "its inputs hold no nan",
        "its gamma is not known, not 1.0 or 2.0",
        "what is expected is normal, not zero",
    ]


@pytest.mark.parametrize(
    ("ceiling", "seen", "explained"),
    [
        ({"at_most": 10}, sight(error=10.0), True),
        ({"at_most": 10}, sight(error=10.5), False),
        ({"at_most": 10}, sight(), False),
        # A sum: 1 ULP, and half of one for each of two entries.
        ({"at_most": 1, "per_term": 0.5}, sight(case(), error=2.0), True),
        ({"at_most": 1, "per_term": 0.5}, sight(case(), error=2.1), False),
        # An exponential of 2, rounded: 3 ULP for each unit.
        ({"per_size": 3}, sight(case(), error=6.0), True),
        ({"per_size": 3}, sight(case(), error=6.1), False),
        # A ULP of bfloat16 is 65,536 of binary32.
        ({"at_most": 1, "computed_in": "bfloat16"}, sight(case(), error=65536.0), True),
        ({"at_most": 1, "computed_in": "bfloat16"}, sight(case(), error=65537.0), False),
        # Terms of size 2 cancel: what is left may be wrong by two of their units, however small it is.
        ({"cancels": 2}, sight(case(), expected=1e-9, got=1e-9 + 4 * SINGLE.epsilon), True),
        ({"cancels": 2}, sight(case(), expected=1e-9, got=1e-9 + 4.1 * SINGLE.epsilon), False),
        ({"cancels": 2}, sight(case(), expected=1e-9, got=math.inf), False),
        ({"apart": 1}, sight(case(), expected=1e-9, got=1.9), True),
        ({"apart": 1}, sight(case(), expected=1e-9, got=2.1), False),
        # A subnormal number may become 0 or the smallest normal one, and a normal one with a flushed term is near.
        ({"flush": True}, sight(case(), expected=SUBNORMAL, got=0.0), True),
        ({"flush": True}, sight(case(), expected=SUBNORMAL, got=SINGLE.smallest_normal), True),
        ({"flush": True}, sight(case(), expected=SUBNORMAL, got=2 * SINGLE.smallest_normal), False),
        ({"flush": True}, sight(case(), expected=3 * SINGLE.smallest_normal, got=0.0), False),
        ({"flush": 4}, sight(case(), expected=3 * SINGLE.smallest_normal, got=0.0), True),
        ({"gives": ("nan",)}, sight(case(), expected=1.0, got=math.nan), True),
        ({"gives": ("nan",)}, sight(case(), expected=1.0, got=math.inf), False),
        ({"gives": ("infinity",)}, sight(case(), expected=1.0, got=math.inf), True),
        ({"gives": ("zero",)}, sight(case(), expected=1.0, got=0.0), True),
        ({"gives": ("nan",)}, sight(label="another"), False),
        ({"wrong": True}, sight(label="another"), True),
        ({"wrong": True}, sight(error=1.0), False),
        ({"at_most": 10, "when": When(length=">=3")}, sight(case(), error=1.0), False),
    ],
)
def test_ceilings(ceiling: Mapping[str, Any], seen: Sight, explained: bool) -> None:
    deviation = KnownDeviation(id="a", kind="accuracy", why="Because.", keys=("*/*/*/*/*/*/*",), **ceiling)
    assert deviation.explains(seen) is explained
