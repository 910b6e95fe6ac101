"""Expectations explain what they say and no more, go stale, and name tests and cases that exist."""

from __future__ import annotations

from typing import Any

import pytest
import static
from gaugeblock.adapters.registry import FRAMEWORKS, adapter
from gaugeblock.conformance.known.matcher import Expectation, apply, expectations, matches
from packaging.requirements import Requirement

TEST = "sigmoid/torch.sigmoid/float32/cpu/eager/value"
VERSIONS = {"torch": "2.3.1", "numpy": "2.4.0"}


def seen(case: str = "ordinary", verdict: str = "deviates", **more: Any) -> dict[str, Any]:
    return {"key": f"{TEST}/{case}", "verdict": verdict, **more}


def expect(*keys: str, **more: Any) -> Expectation:
    return Expectation("known", keys or (f"{TEST}/ordinary",), "Because.", **{"at_most": 1e300, "wrong": True, **more})


# Patterns


@pytest.mark.parametrize(
    ("pattern", "key"),
    [
        ("sigmoid/torch.sigmoid/float32/cpu/eager/value/ordinary", f"{TEST}/ordinary"),
        ("*/*/*/*/*/*/*", f"{TEST}/ordinary"),
        ("softmax|sigmoid/torch.*/float16|float32/cpu/eager/value|gradient/ord*", f"{TEST}/ordinary"),
        ("sigmoid/torch.s?gmoid/float32/*/*/*/nan|ordinary", f"{TEST}/ordinary"),
        ("sigmoid/torch.sigmoid/float32/cpu/eager/value/nan", TEST),
        ("sigmoid", f"{TEST}/ordinary"),
    ],
)
def test_patterns_that_match(pattern: str, key: str) -> None:
    assert matches(pattern, key)


@pytest.mark.parametrize(
    "pattern",
    [
        "softmax/*/*/*/*/*/*",
        "sigmoid/torch/*/*/*/*/*",
        "*/torch.sigmoi/*/*/*/*/*",
        "*/*/float16|bfloat16/*/*/*/*",
        "*/*/*/*/*/gradient/*",
        "*/*/*/*/*/*/ordinar",
        "*/*/*/*/*/*/Ordinary",
        "sigmoid*torch.sigmoid/*/*/*/*/*/*",
    ],
)
def test_patterns_that_do_not_match(pattern: str) -> None:
    assert not matches(pattern, f"{TEST}/ordinary")


# Versions


@pytest.mark.parametrize(
    ("versions", "holds"),
    [
        ((), True),
        (("torch>=2.3",), True),
        (("torch>=2.4",), False),
        (("torch>=2.3", "numpy<2"), False),
        (("torch>=2.3", "numpy>=2"), True),
        (("jax>=0.1",), False),
        (("torch==2.3.*",), True),
    ],
)
def test_versions_must_all_hold(versions: tuple[str, ...], holds: bool) -> None:
    expectation = expect(versions=versions)
    assert expectation.holds_for(VERSIONS) is holds
    observations, stale = apply(TEST, [seen()], VERSIONS, [expectation])
    assert observations[0]["verdict"] == ("documented" if holds else "deviates")
    assert not stale


def test_a_pre_release_has_its_version() -> None:
    assert expect(versions=("torch>=2.3",)).holds_for({"torch": "2.4.0rc1"})
    assert expect(versions=("torch>=2.3",)).holds_for({"torch": "2.3.1+cpu"})


# What is explained


def test_a_known_deviation_is_documented_and_the_rest_stays() -> None:
    given = [seen(error=9.0), seen("nan"), seen("zero", "conforms")]
    observations, stale = apply(TEST, given, VERSIONS, [expect()])
    assert [o["verdict"] for o in observations] == ["documented", "deviates", "conforms"]
    assert observations[0]["expectation"] == "known"
    assert "expectation" not in observations[1]
    assert not stale
    assert given[0]["verdict"] == "deviates", "the observations given are left alone"


@pytest.mark.parametrize("verdict", ["deviates", "crashed", "timed_out"])
def test_explainable_verdicts(verdict: str) -> None:
    assert apply(TEST, [seen(verdict=verdict)], VERSIONS, [expect()])[0][0]["verdict"] == "documented"


@pytest.mark.parametrize("verdict", ["conforms", "unsupported", "undecided", "not_run", "harness_error"])
def test_verdicts_that_need_no_explanation_stay(verdict: str) -> None:
    assert apply(TEST, [seen(verdict=verdict)], VERSIONS, [expect()])[0][0]["verdict"] == verdict


def test_at_most_explains_errors_up_to_it() -> None:
    given = [seen("ordinary", error=10.0), seen("nan", error=10.5), seen("zero", accuracy="wrong")]
    observations, _ = apply(TEST, given, VERSIONS, [expect(f"{TEST}/*", at_most=10, wrong=False)])
    assert [o["verdict"] for o in observations] == ["documented", "deviates", "deviates"]


def test_without_a_ceiling_nothing_is_explained() -> None:
    bare = Expectation("known", (f"{TEST}/*",), "Because.")
    observations, _ = apply(TEST, [seen(error=5.0), seen("nan", accuracy="wrong")], VERSIONS, [bare])
    assert [o["verdict"] for o in observations] == ["deviates", "deviates"]


def test_refusals_are_explained_and_stay_refusals() -> None:
    given = [seen("ordinary", "unsupported"), seen("nan", "deviates")]
    observations, stale = apply(TEST, given, VERSIONS, [expect(f"{TEST}/ordinary|nan", refused=True)])
    assert [(o["verdict"], o.get("expectation")) for o in observations] == [
        ("unsupported", "known"),
        ("deviates", None),
    ]
    assert not stale
    _, stale = apply(TEST, [seen("ordinary", "conforms")], VERSIONS, [expect(refused=True)])
    assert [entry["expectation"] for entry in stale] == ["known"]


# Stale ones


def test_stale_where_nothing_deviates_any_more() -> None:
    _, stale = apply(TEST, [seen(verdict="conforms")], VERSIONS, [expect()])
    assert stale == [{"expectation": "known", "pattern": f"{TEST}/ordinary", "test": TEST}]


def test_each_pattern_goes_stale_alone() -> None:
    known = expect(f"{TEST}/ordinary", f"{TEST}/nan")
    _, stale = apply(TEST, [seen(), seen("nan", "conforms")], VERSIONS, [known])
    assert [entry["pattern"] for entry in stale] == [f"{TEST}/nan"]


def test_one_deviation_keeps_a_pattern_of_many_cases_alive() -> None:
    observations, stale = apply(TEST, [seen(), seen("nan", "conforms")], VERSIONS, [expect(f"{TEST}/*")])
    assert not stale
    assert [o["verdict"] for o in observations] == ["documented", "conforms"]


def test_each_alternative_goes_stale_alone() -> None:
    _, stale = apply(TEST, [seen(), seen("nan", "conforms")], VERSIONS, [expect(f"{TEST}/ordinary|nan")])
    assert [entry["pattern"] for entry in stale] == [f"{TEST}/nan"]


def test_not_stale_where_nothing_was_judged() -> None:
    for verdict in ("unsupported", "not_run", "harness_error"):
        assert not apply(TEST, [seen(verdict=verdict)], VERSIONS, [expect()])[1]
    assert not apply(TEST, [seen("nan", "conforms")], VERSIONS, [expect()])[1], "the case was not asked"
    assert not apply(TEST, [], VERSIONS, [expect()])[1]


def test_not_stale_for_other_tests_and_versions() -> None:
    other = TEST.replace("torch.sigmoid", "torch.nn.Sigmoid")
    assert not apply(other, [{"key": f"{other}/ordinary", "verdict": "conforms"}], VERSIONS, [expect()])[1]
    assert not apply(TEST, [seen(verdict="conforms")], VERSIONS, [expect(versions=("torch>=3",))])[1]


def test_a_deviation_beyond_what_is_explained_is_not_stale() -> None:
    observations, stale = apply(TEST, [seen(error=99.0)], VERSIONS, [expect(at_most=10)])
    assert observations[0]["verdict"] == "deviates"
    assert not stale


def test_two_expectations_for_one_deviation() -> None:
    second = Expectation("second", (f"{TEST}/*",), "Because.")
    observations, stale = apply(TEST, [seen()], VERSIONS, [expect(), second])
    assert observations[0]["expectation"] == "known"
    assert not stale


# The recorded ones

RECORDED = [pytest.param(each, id=each.id) for each in expectations()]


@pytest.mark.parametrize("expectation", RECORDED)
def test_recorded_expectations_say_why(expectation: Expectation) -> None:
    why = expectation.why.strip()
    assert why.endswith((".", ")")), why
    assert len(why.split()) >= 4, why
    assert expectation.link is None or expectation.link.startswith("https://")
    assert expectation.at_most > 0 or expectation.wrong or expectation.refused
    assert expectation.keys


@pytest.mark.parametrize("expectation", RECORDED)
def test_recorded_versions_are_of_distributions_that_adapters_name(expectation: Expectation) -> None:
    known = {name for each in FRAMEWORKS for names in adapter(each).distributions for name in names.split("|")}
    for text in expectation.versions:
        requirement = Requirement(text)
        assert requirement.name in known, text
        assert requirement.specifier, f"{text} says nothing"


@pytest.mark.parametrize("expectation", RECORDED)
def test_recorded_patterns_name_tests_and_cases_that_exist(expectation: Expectation) -> None:
    for pattern in expectation.keys:
        parts = pattern.split("/")
        assert len(parts) == 7, f"{pattern} has {len(parts)} parts"
        assert parts[3] in ("*", "cpu") or parts[3].startswith("cuda"), pattern
        assert static.exists(pattern), f"no case has {pattern}"


@pytest.mark.parametrize("expectation", RECORDED)
def test_every_alternative_of_a_recorded_pattern_is_needed(expectation: Expectation) -> None:
    """Each word between bars names something that exists: a typo hides beside a right one."""
    for pattern in expectation.keys:
        parts = pattern.split("/")
        for index, part in enumerate(parts):
            for option in part.split("|") if "|" in part else ():
                narrowed = "/".join([*parts[:index], option, *parts[index + 1 :]])
                assert static.exists(narrowed), f"no case has {narrowed}"


@pytest.mark.parametrize(
    ("pattern", "there"),
    [
        ("sigmoid/torch.sigmoid/float32/cpu/eager/value/ordinary", True),
        ("sigmoid/torch.sigmoid/float32/cuda:0/eager/value/ordinary", True),
        ("sigmoid/torch.sigmoid/float32/*/eager/value/ordinari", False),
        ("sigmoid/torch.sigmoid/float32/*/eager/values/*", False),
        ("sigmoid/torch.nn.sigmoid/float32/*/eager/value/*", False),
        ("sigmoid/jax.nn.sigmoid/float64/*/eager/value/*", False),
        ("softmax/*/*/*/*/shift-invariance/shift-by-16", True),
        ("sigmoid/numpy.*/*/*/*/gradient/*", False),
        ("binary_accuracy/*/*/*/*/score-at-threshold/score-at-threshold", True),
        ("binary_accuracy/*/*/*/*/score-at-threshold/half", False),
    ],
)
def test_a_typo_is_seen(pattern: str, there: bool) -> None:
    assert static.exists(pattern) is there
