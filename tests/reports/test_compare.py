import itertools
from typing import Any

import pytest
from gaugeblock.reports.compare import Comparison, compare, render_comparison, summary_text
from gaugeblock.reports.records import Observation, Run, Suite
from gaugeblock.reports.verdicts import Verdict
from msgspec.structs import replace

from .synthetic import DEVIATES, Renderer, absent, key, make_run

OK: dict[str, Any] = {"error": 1.0, "allowed": 4.0, "accuracy": "within bound", "digest": "a" * 16}
MOVED: dict[str, Any] = {**OK, "digest": "b" * 16}
NAN: dict[str, Any] = {"allowed": 4.0, "accuracy": "wrong", "digest": "c" * 16}


def one(verdict: str, case: str = "one", **fields: Any) -> Observation:
    if verdict == "known":
        fields.setdefault("known", "alpha-overflow")
    return Observation(key(case=case), Verdict(verdict), **fields)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (one("conforms", **OK), one("conforms", **OK), "bit_equal"),
        (one("conforms", **OK), one("conforms", **MOVED), "moved"),
        (one("unsupported"), one("unsupported"), "unchanged"),
        (one("deviates", **DEVIATES), one("deviates", **DEVIATES), "bit_equal"),
        (one("conforms", **OK), one("deviates", **DEVIATES), "newly_deviating"),
        (one("conforms", **OK), one("known", **DEVIATES), "newly_deviating"),
        (one("conforms", **OK), one("crashed"), "newly_deviating"),
        (one("conforms", **OK), one("timed_out"), "newly_deviating"),
        (one("undecided"), one("deviates", **DEVIATES), "newly_deviating"),
        (one("unsupported"), one("deviates", **DEVIATES), "newly_deviating"),
        (one("deviates", **DEVIATES), one("crashed"), "newly_deviating"),
        (one("deviates", **DEVIATES), one("conforms", **OK), "newly_conforming"),
        (one("known", **DEVIATES), one("conforms", **OK), "newly_conforming"),
        (one("crashed"), one("conforms", **OK), "newly_conforming"),
        (one("known", **DEVIATES), one("deviates", **DEVIATES), "verdict_changed"),
        (one("crashed"), one("deviates", **DEVIATES), "verdict_changed"),
        (one("crashed"), one("timed_out"), "verdict_changed"),
        (one("conforms", **OK), one("undecided"), "verdict_changed"),
        (one("conforms", **OK), one("harness_error"), "verdict_changed"),
        (one("harness_error"), one("deviates", **DEVIATES), "verdict_changed"),
        (one("conforms", **OK), one("unsupported"), "support_lost"),
        (one("conforms", **OK), one("not_run"), "support_lost"),
        (one("deviates", **DEVIATES), one("unsupported"), "support_lost"),
        (one("unsupported"), one("conforms", **OK), "support_gained"),
        (one("not_run"), one("conforms", **OK), "support_gained"),
        (one("not_run"), one("deviates", **DEVIATES), "support_gained"),
        (one("conforms", label="a", digest="1"), one("conforms", label="b", digest="2"), "label_changed"),
        (one("conforms", label="a"), one("deviates", label="b"), "newly_deviating"),
        (one("conforms", **OK), one("conforms", **{**MOVED, "error": 2.0}), "error_grew"),
        (one("conforms", **{**OK, "error": 0.0}), one("conforms", **{**MOVED, "error": 0.6}), "error_grew"),
        (one("conforms", **{**OK, "error": 0.1}), one("conforms", **{**MOVED, "error": 0.6}), "moved"),
        (one("conforms", **{**OK, "error": 2.0}), one("conforms", **{**MOVED, "error": 2.9}), "moved"),
        (one("conforms", **{**OK, "error": 2.0}), one("conforms", **MOVED), "error_shrank"),
        (one("deviates", **DEVIATES), one("deviates", **NAN), "error_grew"),
        (one("deviates", **NAN), one("deviates", **DEVIATES), "error_shrank"),
        (one("deviates", **NAN), one("deviates", **{**NAN, "digest": "d"}), "moved"),
    ],
)
def test_category(old: Observation, new: Observation, expected: str) -> None:
    categories = compare(make_run([old]), make_run([new])).categories()
    assert [name for name, changes in categories.items() if changes] == [expected]


def test_added_and_gone() -> None:
    result = compare(make_run([one("conforms", "a", **OK)]), make_run([one("conforms", "b", **OK)]))
    assert [c.key for c in result.gone] == [key(case="a")]
    assert [c.key for c in result.added] == [key(case="b")]
    assert not result.has_regression


def test_every_key_is_in_exactly_one_category() -> None:
    states = [(verdict, fields) for verdict in Verdict for fields in ({}, OK, NAN, {"label": "x"})]
    pairs = list(itertools.product(states, states))
    old = [one(was[0], f"c{n}", **was[1]) for n, (was, _) in enumerate(pairs)] + [one("conforms", "old", **OK)]
    new = [one(now[0], f"c{n}", **now[1]) for n, (_, now) in enumerate(pairs)] + [one("conforms", "new", **OK)]
    result = compare(make_run(old), make_run(new))
    keys = [change.key for changes in result.categories().values() for change in changes]
    assert sorted(keys) == sorted({each.key for each in old + new})
    for change in result.bit_equal + result.unchanged + result.moved:
        assert change.old.verdict == change.new.verdict


@pytest.fixture
def much_better() -> Comparison:
    """One regression among a hundred improvements."""
    old = [one("deviates", f"c{n}", **DEVIATES) for n in range(100)] + [one("conforms", "lost", **OK)]
    new = [one("conforms", f"c{n}", **OK) for n in range(100)] + [one("known", "lost", **DEVIATES)]
    return compare(make_run(old), make_run(new, versions={"alpha": {"alpha": "2.0"}}))


def test_improvements_do_not_hide_a_regression(much_better: Comparison, renderer: Renderer) -> None:
    assert much_better.has_regression
    assert len(much_better.newly_conforming) == 100
    text = renderer(render_comparison(much_better))
    assert "newly deviating (1)" in text
    assert "newly conforming (100)" in text
    assert text.index("newly deviating (1)") < text.index("newly conforming (100)")
    assert "Regressions: sigmoid/alpha.sigmoid/value." in text
    assert "✓ conforms → ≈ known" in text
    assert "1 ULP → 7.5 ULP" in text


def test_rendering_groups_and_names_versions(much_better: Comparison, renderer: Renderer) -> None:
    text = renderer(render_comparison(much_better))
    row = next(line for line in text.splitlines() if line.startswith("alpha"))
    assert row.split() == ["alpha", "1.0", "2.0"]
    assert len(text.splitlines()) < 20


@pytest.mark.parametrize(
    ("old", "new", "regression"),
    [
        ("conforms", "crashed", True),
        ("conforms", "timed_out", True),
        ("conforms", "unsupported", True),
        ("conforms", "known", True),
        ("known", "deviates", True),
        ("conforms", "undecided", True),
        ("conforms", "harness_error", True),
        ("unsupported", "conforms", False),
    ],
)
def test_regression(old: str, new: str, regression: bool) -> None:
    assert compare(make_run([one(old)]), make_run([one(new)])).has_regression is regression


def test_equal_runs_say_so(mixed: Run, renderer: Renderer) -> None:
    text = renderer(render_comparison(compare(mixed, mixed)))
    assert "Nothing else changed." not in text
    assert "Other: 6 unchanged, without bits to compare." in " ".join(text.split())
    assert "No regression." in text
    assert "newly" not in text


def test_nearly_equal_is_not_rounded_up_to_all() -> None:
    same = [one("conforms", f"c{n}", **OK) for n in range(2000)]
    result = compare(make_run([*same, one("conforms", **OK)]), make_run([*same, one("conforms", **MOVED)]))
    assert "2000 are bit-equal (99.9 %)" in summary_text(result)


def test_nothing_in_common() -> None:
    result = compare(make_run([one("conforms", "a")]), make_run([one("conforms", "b")]))
    assert "no observation in common" in summary_text(result)


def of_effort(effort: str, *observations: Observation, elsewhere: str = "") -> Run:
    """A run of an effort; under the key that ends in `elsewhere` its case is another."""
    made = make_run(observations)
    found = [replace(each, case="d" * 16) if each.key == key(case=elsewhere) else each for each in made.observations]
    return replace(made, observations=found, selection=replace(made.selection, effort=effort))


def test_runs_of_different_effort_compare_what_both_asked() -> None:
    quick = of_effort("quick", *(one("conforms", case, **OK) for case in ("both", "range", "mine")))
    thorough = of_effort(
        "thorough",
        one("conforms", "both", **{**OK, "error": 3.0, "group_digest": "1"}),
        one("deviates", "range", **DEVIATES),
        one("deviates", "theirs", **DEVIATES),
        elsewhere="range",
    )
    result = compare(quick, thorough)
    assert {name: [c.key for c in changes] for name, changes in result.categories().items() if changes} == {
        "error_grew": [key(case="both")]
    }
    assert not result.has_regression, "the worst of more lengths is no change of the framework"
    text = summary_text(result)
    assert text.startswith("The old run is of quick effort, the new one of thorough: ")
    assert "3 observations are left out" in text
    assert "effort" not in summary_text(compare(quick, quick))


def on(flags: dict[str, Any], versions: str = "1.0", **fields: Any) -> Run:
    """A run of processes with these flags."""
    made = make_run([one("conforms", **{**OK, **fields})], versions={"alpha": {"alpha": versions}})
    made.frameworks["alpha"].modes["eager"] = flags
    return made


def test_another_processor_is_said_and_is_no_other_version(renderer: Renderer) -> None:
    wide = on({"instruction_set": "avx512", "onednn_max_isa": None, "threads": 2})
    narrow = on({"instruction_set": "avx2", "onednn_max_isa": "AVX2", "threads": 1}, error=3.0, digest="b" * 16)
    text = renderer(render_comparison(compare(wide, narrow)))
    rows = [line.split() for line in text.splitlines()]
    assert ["alpha", "1.0", "1.0"] in rows
    assert ["instruction", "set", "avx512", "avx2"] in rows
    assert ["oneDNN's", "limit", "none", "AVX2"] in rows
    assert "threads" not in text
    sentence = "The same versions computed for another processor (alpha: instruction set avx512 → avx2"
    assert sentence in " ".join(text.split())
    assert "float32/cpu/eager/one: 1 ULP → 3 ULP on avx2" in text

    newer = on({"instruction_set": "avx2"}, "2.0")
    assert "another processor" not in summary_text(compare(wide, newer)), "then it may be the version"
    assert ["instruction", "set", "avx512", "avx2"] in [
        line.split() for line in renderer(render_comparison(compare(wide, newer))).splitlines()
    ]
    moved = replace(wide, environment={**wide.environment, "processor": "Another Model"})
    assert "another processor (x86_64 → Another Model)." in summary_text(compare(wide, moved))
    for before in ({}, {"instruction_set": "avx2"}):
        assert "processor" not in summary_text(compare(on(before), on({"instruction_set": "avx2"})))


def test_caveats() -> None:
    old = make_run([one("conforms", **OK)])
    gone = absent("ImportError: x", "harness_error")
    new = make_run([], status="broken", suite=Suite("2", "z"), frameworks={"alpha": gone})
    text = summary_text(compare(old, new))
    assert "different versions of the suite" in text
    assert "The new run is broken." in text
    assert "alpha was measured in the old run and is harness error in the new (ImportError: x)." in text


def test_hostile_names_are_not_markup(renderer: Renderer) -> None:
    old = make_run([one("conforms", label="[red]x[/red]")])
    new = make_run([one("conforms", label="[/]")])
    text = renderer(render_comparison(compare(old, new)))
    assert "“[red]x[/red]” → “[/]”" in text


def test_a_framework_that_is_not_measured_any_more_is_a_regression() -> None:
    old, new = make_run([one("conforms", **OK)]), make_run([one("conforms", **OK)])
    new.frameworks["alpha"].status = "not_run"
    comparison = compare(old, new)
    assert comparison.lost_frameworks == ("alpha",)
    assert comparison.has_regression
    assert "alpha is not measured any more" in summary_text(comparison)
    assert not compare(old, old).has_regression
