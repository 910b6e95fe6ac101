"""Known deviations explain what they say and no more, are reported where they do not show, and name what exists."""

from typing import Any

import pytest
from gaugeblock.adapters.registry import FRAMEWORKS, adapter
from gaugeblock.conformance.known.conditions import When
from gaugeblock.conformance.known.deviation import KnownDeviation
from gaugeblock.conformance.known.matcher import apply, known_deviations, matches
from gaugeblock.conformance.known.sight import Environment, Sight
from gaugeblock.reports.records import NotSeen, Observation, Witness
from gaugeblock.reports.verdicts import Verdict
from packaging.requirements import Requirement

from tests import static

TEST = "sigmoid/torch.sigmoid/float32/cpu/eager/value"
VERSIONS = {"torch": "2.3.1", "numpy": "2.4.0"}


def seen(case: str = "ordinary", verdict: str = "deviates", test: str = TEST, **more: Any) -> Observation:
    return Observation(f"{test}/{case}", Verdict(verdict), **more)


def known(*keys: str, **more: Any) -> KnownDeviation:
    fields = {"id": "known", "kind": "accuracy", "why": "Because.", "at_most": 1e300, "wrong": True, **more}
    return KnownDeviation(keys=keys or (f"{TEST}/ordinary",), **fields)


def applied(
    observations: list[Observation], *deviations: KnownDeviation, test: str = TEST
) -> tuple[list[tuple[str, str | None]], list[NotSeen]]:
    """The verdict of each observation with the deviation that explains it, and what is not seen."""
    before = [each.verdict for each in observations]
    sights = [Sight(each, None, Environment(VERSIONS)) for each in observations]
    marked, not_seen = apply(test, sights, deviations)
    assert [each.verdict for each in observations] == before, "the observations handed over are left alone"
    return [(each.verdict.value, each.known) for each in marked], not_seen


@pytest.mark.parametrize(
    ("pattern", "key", "there"),
    [
        ("sigmoid/torch.sigmoid/float32/cpu/eager/value/ordinary", f"{TEST}/ordinary", True),
        ("*/*/*/*/*/*/*", f"{TEST}/ordinary", True),
        ("softmax|sigmoid/torch.*/float16|float32/cpu/eager/value|gradient/ord*", f"{TEST}/ordinary", True),
        ("sigmoid/torch.s?gmoid/float32/*/*/*/nan|ordinary", f"{TEST}/ordinary", True),
        ("sigmoid/torch.sigmoid/float32/cpu/eager/value/nan", TEST, True),
        ("sigmoid", f"{TEST}/ordinary", True),
        *[(pattern, f"{TEST}/ordinary", False) for pattern in (
            "softmax/*/*/*/*/*/*", "sigmoid/torch/*/*/*/*/*", "*/torch.sigmoi/*/*/*/*/*",
            "*/*/float16|bfloat16/*/*/*/*", "*/*/*/*/*/gradient/*", "*/*/*/*/*/*/ordinar", "*/*/*/*/*/*/Ordinary",
            "sigmoid*torch.sigmoid/*/*/*/*/*/*",
        )],
    ],
)  # fmt: skip
def test_patterns_match_what_they_say(pattern: str, key: str, there: bool) -> None:
    assert matches(pattern, key) is there


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
    deviation = known(versions=versions)
    assert deviation.holds_for(VERSIONS) is holds
    assert applied([seen()], deviation) == ([("known", "known") if holds else ("deviates", None)], [])


@pytest.mark.parametrize("version", ["2.4.0rc1", "2.3.1+cpu"])
def test_a_pre_release_has_its_version(version: str) -> None:
    assert known(versions=("torch>=2.3",)).holds_for({"torch": version})


WRONG_CASES = [seen("ordinary", error=10.0), seen("nan", error=10.5), seen("zero", accuracy="wrong")]


@pytest.mark.parametrize(
    ("observations", "deviation", "marked"),
    [
        ([seen(error=9.0), seen("nan"), seen("zero", "conforms")], known(), ["known", "deviates", "conforms"]),
        *[([seen(verdict=each)], known(), ["known"]) for each in ("deviates", "crashed", "timed_out")],
        *[
            ([seen(verdict=each)], known(), [each])
            for each in ("conforms", "unsupported", "undecided", "not_run", "harness_error")
        ],
        # Up to the ceiling alone, and without one nothing.
        (WRONG_CASES, known(f"{TEST}/*", at_most=10, wrong=False), ["known", "deviates", "deviates"]),
        (WRONG_CASES, known(f"{TEST}/*", at_most=0, wrong=False), ["deviates", "deviates", "deviates"]),
        (WRONG_CASES, known(f"{TEST}/*", at_most=0), ["deviates", "deviates", "known"]),
    ],
)
def test_what_a_known_deviation_explains(
    observations: list[Observation], deviation: KnownDeviation, marked: list[str]
) -> None:
    found, _ = applied(observations, deviation)
    assert found == [(verdict, "known" if verdict == "known" else None) for verdict in marked]


def test_refusals_are_explained_and_stay_refusals() -> None:
    observations = [seen("ordinary", "unsupported"), seen("nan", "deviates")]
    found, not_seen = applied(observations, known(f"{TEST}/ordinary|nan", refused=True))
    assert found == [("unsupported", "known"), ("deviates", None)]
    assert not not_seen
    _, not_seen = applied([seen("ordinary", "conforms")], known(refused=True))
    assert [each.known for each in not_seen] == ["known"]


def test_of_two_known_deviations_of_one_case_the_first_explains_it() -> None:
    for more in ({}, {"at_most": 1e300, "wrong": True}):
        second = known(f"{TEST}/*", id="second", **{"at_most": 0, "wrong": False, **more})
        assert applied([seen()], known(), second) == ([("known", "known")], [])


def test_its_record_says_what_it_is() -> None:
    defect = known(kind="defect", reported=False, versions=("torch>=2.3", "numpy<3"))
    assert defect.record().words == "defect, not reported"
    assert defect.record().versions == "torch>=2.3, numpy<3"
    assert known(kind="defect", link="https://example.org/1").record("my.toml").words == "defect"
    assert known().record("my.toml").file == "my.toml"


# What a known deviation is exceeded by


def messages(observation: Observation, *deviations: KnownDeviation) -> str | None:
    marked, _ = apply(TEST, [Sight(observation, None, Environment(VERSIONS))], deviations)
    return marked[0].message


def test_what_exceeds_a_known_deviation_names_it() -> None:
    small = known(at_most=24, wrong=False)
    assert messages(seen(error=213.0), small) == "as known, but 213 ULP where 24 are known"
    assert messages(seen(error=213.0, message="why"), small) == "why; as known, but 213 ULP where 24 are known"
    larger = known(at_most=100, wrong=False, id="larger")
    assert messages(seen(error=213.0), small, larger) == "as larger, but 213 ULP where 100 are known", "the nearest"
    nan = Witness([0], "1", "nan", "0x1p+0")
    assert messages(seen(witness=nan), small) == "as known, but nan where 24 are known"
    flushing = known(at_most=0, wrong=False, gives=("zero",))
    assert messages(seen(error=9.0), flushing) == "as known, but 9 ULP where zero is known"


def test_what_one_condition_misses_says_which() -> None:
    narrow = known(when=When(instruction_set=("avx2",)))
    assert messages(seen(error=9.0), narrow) == "as known, but the instruction set is not known, not avx2"
    narrow = known(when=When(instruction_set=("avx2",), length=">=9"))
    assert messages(seen(error=9.0), narrow) is None, "where two are missed the causes differ"


@pytest.mark.parametrize(
    "deviation",
    [known(versions=("torch>=3",), at_most=1, wrong=False), known(f"{TEST}/nan", at_most=1), known(refused=True)],
)
def test_what_a_known_deviation_does_not_speak_of_does_not_name_it(deviation: KnownDeviation) -> None:
    assert messages(seen(error=9.0), deviation) is None


# What is not seen


@pytest.mark.parametrize(
    ("observations", "deviation", "patterns"),
    [
        ([seen(verdict="conforms")], known(), [f"{TEST}/ordinary"]),
        # Each pattern, and each alternative of its last part, is looked at alone; one deviation among many is enough.
        ([seen(), seen("nan", "conforms")], known(f"{TEST}/ordinary", f"{TEST}/nan"), [f"{TEST}/nan"]),
        ([seen(), seen("nan", "conforms")], known(f"{TEST}/ordinary|nan"), [f"{TEST}/nan"]),
        ([seen(), seen("nan", "conforms")], known(f"{TEST}/*"), []),
        # Where nothing was judged, or asked, nothing can be seen.
        *[([seen(verdict=each)], known(), []) for each in ("unsupported", "not_run", "harness_error")],
        ([seen("nan", "conforms")], known(), []),
        ([], known(), []),
        # Nor where other versions are installed, or what deviates is beyond the ceiling.
        ([seen(verdict="conforms")], known(versions=("torch>=3",)), []),
        ([seen(error=99.0)], known(at_most=10), []),
    ],
)
def test_what_is_not_seen(observations: list[Observation], deviation: KnownDeviation, patterns: list[str]) -> None:
    _, not_seen = applied(observations, deviation)
    assert not_seen == [NotSeen("known", pattern, TEST) for pattern in patterns]


def test_other_tests_are_none_of_it() -> None:
    other = TEST.replace("torch.sigmoid", "torch.nn.Sigmoid")
    assert applied([seen(verdict="conforms", test=other)], known(), test=other) == ([("conforms", None)], [])


RECORDED = [pytest.param(each, id=each.id) for each in known_deviations()]


@pytest.mark.parametrize("deviation", RECORDED)
def test_a_recorded_deviation_says_why(deviation: KnownDeviation) -> None:
    why = deviation.why.strip()
    assert why.endswith((".", ")")), why
    assert len(why.split()) >= 4, why
    assert deviation.link is None or deviation.link.startswith("https://")


@pytest.mark.parametrize("deviation", RECORDED)
def test_a_defect_is_reported_or_says_that_it_is_not(deviation: KnownDeviation) -> None:
    assert (deviation.reported is False) == (deviation.kind == "defect" and deviation.link is None)


@pytest.mark.parametrize("deviation", RECORDED)
def test_recorded_versions_are_of_distributions_that_adapters_name(deviation: KnownDeviation) -> None:
    distributions = {name for each in FRAMEWORKS for names in adapter(each).distributions for name in names.split("|")}
    for text in deviation.versions:
        requirement = Requirement(text)
        assert requirement.name in distributions, text
        assert requirement.specifier, f"{text} says nothing"


@pytest.mark.parametrize("deviation", RECORDED)
def test_a_recorded_deviation_names_tests_and_cases_that_exist(deviation: KnownDeviation) -> None:
    """Each word between bars too: a typo hides beside a right one."""
    for pattern in deviation.keys:
        parts = pattern.split("/")
        assert len(parts) == 7, f"{pattern} has {len(parts)} parts"
        assert parts[3] in ("*", "cpu") or parts[3].startswith("cuda"), pattern
        for index, part in enumerate(parts):
            for option in part.split("|"):
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
