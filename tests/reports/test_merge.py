from typing import Any

import pytest
from gaugeblock.reports.merge import main_version, merge
from gaugeblock.reports.records import Observation, Run
from gaugeblock.reports.runfile import RunFileError
from gaugeblock.reports.summary import Summary, badness, summarise, terminal_table
from gaugeblock.reports.verdicts import Verdict

from .synthetic import DEVIATES, OPERATIONS, Renderer, absent, key, make_run, observation


def sklearn(version: str, *, numpy: str = "2.0", device: str = "cpu", **fields: Any) -> Run:
    observed = observation(key("sklearn.sigmoid", device=device), **fields)
    return make_run([observed], versions={"sklearn": {"scikit-learn": version, "numpy": numpy}})


def summary(*observed: Observation) -> Summary:
    return summarise(merge([make_run(observed)]))


def labels(*runs: Run) -> list[str]:
    return [column.label for column in merge(runs).columns]


def test_two_versions_stay_apart_in_version_order() -> None:
    old = sklearn("1.9.1", error=1.0, allowed=4.0)
    new = sklearn("1.10.0", error=2.0, allowed=4.0)
    merged = merge([new, old])
    assert [c.label for c in merged.columns] == ["scikit-learn 1.9.1", "scikit-learn 1.10.0"]
    assert [(each.column, each.observation.error) for each in merged.placed] == [(0, 1.0), (1, 2.0)]


def test_same_version_with_other_dependencies_says_which() -> None:
    found = labels(sklearn("1.9.1", numpy="1.26"), sklearn("1.9.1", numpy="2.4"))
    assert found == ["scikit-learn 1.9.1 (numpy 1.26)", "scikit-learn 1.9.1 (numpy 2.4)"]


def test_two_frameworks_that_are_named_for_one_distribution() -> None:
    versions = {"scikit-learn": "1.9.1", "numpy": "2.0"}
    observed = [observation(key(f"{name}.sigmoid")) for name in ("sklearn", "scikit")]
    found = labels(make_run(observed, versions={"sklearn": versions, "scikit": versions}))
    assert found == ["scikit-learn 1.9.1 (scikit)", "scikit-learn 1.9.1 (sklearn)"]


def test_devices_are_columns() -> None:
    merged = merge([sklearn("1.9.1"), sklearn("1.9.1", device="cuda:0")])
    assert [c.name for c in merged.columns] == ["scikit-learn 1.9.1 · cpu", "scikit-learn 1.9.1 · cuda:0"]


def test_device_is_not_named_when_there_is_one() -> None:
    assert [c.name for c in merge([sklearn("1.9.1")]).columns] == ["scikit-learn 1.9.1"]


def test_the_same_observation_twice_names_both_runs() -> None:
    with pytest.raises(RunFileError) as caught:
        merge([sklearn("1.9.1"), sklearn("1.9.1")], ["a.json", "b.json"])
    assert "a.json" in str(caught.value)
    assert "b.json" in str(caught.value)
    assert key("sklearn.sigmoid") in str(caught.value)


def test_disjoint_runs_of_one_environment_share_a_column() -> None:
    merged = merge([make_run([observation(key(case="a"))]), make_run([observation(key(case="b"))])])
    assert len(merged.columns) == 1
    assert [each.case for each in merged.placed] == ["a", "b"]


def test_no_run() -> None:
    with pytest.raises(RunFileError, match="No run file was given"):
        merge([])


def test_a_framework_that_another_run_measured_is_not_absent() -> None:
    without = make_run([observation(key("beta.sigmoid"))])
    without.frameworks["alpha"] = absent("pip install alpha")
    assert merge([without]).absent() == [("alpha", "not_run", "pip install alpha")]
    assert merge([without, make_run([observation(key())])]).absent() == []


@pytest.mark.parametrize(
    ("framework", "versions", "expected"),
    [
        ("sklearn", {"numpy": "2", "scikit-learn": "1"}, ("scikit-learn", "1")),
        ("tensorflow", {"keras": "3", "tensorflow-cpu": "2"}, ("tensorflow-cpu", "2")),
        ("jax", {"jaxlib": "1", "jax": "2"}, ("jax", "2")),
        ("alpha", {}, ("alpha", "")),
        ("npu", {"numpy": "2", "torch": "3"}, ("npu", "")),
    ],
)
def test_main_version(framework: str, versions: dict[str, str], expected: tuple[str, str]) -> None:
    assert main_version(framework, versions) == expected


def test_counts_and_totals(mixed: Run) -> None:
    summary = summarise(merge([mixed]))
    assert summary.totals == {"conforms": 6, "deviates": 1, "known": 1, "unsupported": 1, "crashed": 1}
    assert summary.counts["sigmoid", 0] == {"conforms": 2, "deviates": 1, "known": 1}
    assert summary.column_totals(1) == {"conforms": 2, "unsupported": 1, "crashed": 1}
    assert list(summary.merged.operations()) == ["sigmoid", "softmax", "accuracy"]


def test_findings_are_most_serious_first_and_grouped() -> None:
    observed = [
        observation(key(case="a"), "known", known="why", **DEVIATES),
        observation(key(case="b"), "deviates", **DEVIATES),
        observation(key(case="c"), "deviates", **{**DEVIATES, "error": 99.0}),
        observation(key(case="d"), "deviates", accuracy="wrong", allowed=4.0),
    ]
    more = ("not_run", "unsupported", "undecided", "timed_out", "crashed", "harness_error")
    observed += [observation(key(case=f"x-{verdict}"), verdict) for verdict in more]
    found = summary(*observed).findings
    assert [finding.verdict for finding in found] == [each for each in Verdict if each != "conforms"]
    assert [each.case for each in found[3].members] == ["d", "c", "b"]
    assert found[5].known == "why"


def test_badness_is_relative_to_the_bound() -> None:
    def bad(verdict: str, error: float, allowed: float) -> float:
        return badness(observation(key(), verdict, error=error, allowed=allowed))

    assert bad("conforms", 3.0, 300.0) < bad("conforms", 2.0, 4.0)
    assert bad("deviates", 1e-9, 0.0) == float("inf")
    assert bad("conforms", 0.0, 0.0) == 0


def test_accuracy_keeps_the_worst_and_the_worst_that_passes() -> None:
    observed = [
        observation(key(case="a"), error=0.4, allowed=4.0, accuracy="correctly rounded"),
        observation(key(case="b", mode="compiled"), error=2.5, allowed=4.0, accuracy="within bound"),
        observation(key(case="c"), "deviates", **DEVIATES),
        observation(key(check="gradient"), error=0.7, allowed=4.0, accuracy="faithful"),
    ]
    value, gradient = summary(*observed).accuracy
    assert (value.kind, gradient.kind) == ("value", "gradient")
    achieved = value.dtypes["float32"]
    assert achieved.worst.case == "c"
    assert achieved.passing.observation.error == 2.5
    assert achieved.counts == {"correctly rounded": 1, "within bound": 1, "beyond": 1}


def test_accuracy_of_what_passes_is_the_largest_error() -> None:
    one = observation(key(case="a"), error=0.4, allowed=0.5, accuracy="correctly rounded")
    other = observation(key(case="b"), error=20.0, allowed=300.0, accuracy="within bound")
    (row,) = summary(one, other).accuracy
    assert row.dtypes["float32"].worst.case == "b"


def test_conventions_say_who_disagrees_and_where(mixed: Run) -> None:
    (convention,) = summarise(merge([mixed])).conventions
    assert convention.disagree
    assert convention.labels == ["no (>)", "yes (>=)"]
    where = {(a.implementation, a.label): a.where for a in convention.answers}
    alpha = {("alpha.acc", "no (>)"): ("float64",), ("alpha.acc", "yes (>=)"): ("float32",)}
    assert where == {**alpha, ("beta.acc", "no (>)"): ()}


def test_a_refusal_is_no_disagreement() -> None:
    threshold = {"operation": "accuracy", "check": "score-at-threshold"}
    refusal = observation(key("beta.acc", **threshold), "unsupported", message="no")
    (convention,) = summary(observation(key("alpha.acc", **threshold), label="no (>)"), refusal).conventions
    assert not convention.disagree
    assert [(a.label, a.is_label) for a in convention.answers] == [("no (>)", True), ("unsupported", False)]


def test_relations_count(mixed: Run) -> None:
    (relation,) = summarise(merge([mixed])).relations
    assert (relation.operation, relation.implementation, relation.check) == ("softmax", "beta.softmax", "shift")
    assert relation.counts == {"crashed": 1}


def test_terminal_table(mixed: Run, renderer: Renderer) -> None:
    text = renderer(terminal_table(mixed), width=80)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    row = next(line for line in text.splitlines() if line.startswith("sigmoid"))
    assert row.split() == ["sigmoid", "✓2", "✗1", "≈1", "✓1", "–1"]
    names, versions = text.splitlines()[:2]
    assert names.split() == ["alpha", "beta"]
    assert versions.split() == ["operation", "1.0", "2.3.1"]
    assert next(line for line in text.splitlines() if line.startswith("all")).split()[1] == "✓4"


def test_terminal_table_of_long_names_fits_80_columns(renderer: Renderer, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "sparse_categorical_cross_entropy_with_logits"
    monkeypatch.setitem(OPERATIONS, name, ("loss", "return 0"))
    frameworks = ("numpy", "sklearn", "torch", "tensorflow", "keras", "jax", "torchmetrics", "onnxruntime")
    observed = [
        observation(key(f"{framework}.x", f"c{n}", operation=name), verdict)
        for framework in frameworks
        for n, verdict in enumerate(["conforms"] * 200 + ["deviates"] * 30 + ["unsupported"] * 20)
    ]
    text = renderer(terminal_table(make_run(observed)), width=80)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    assert "sparse_categorical_cross_ " in text
    assert "\nentropy_with_logits " in text
    for count in ("✓200", "✗30", "–20"):
        assert text.count(count) == 2 * len(frameworks)


def test_terminal_table_of_nothing(renderer: Renderer) -> None:
    assert "operation" in renderer(terminal_table(make_run([])))


def test_the_conforming_answer_closest_to_its_bound(mixed: Run) -> None:
    closest = summarise(merge([mixed])).closest
    share, where = closest["sigmoid", "value"]
    # 1.25 of 4 ULP; what deviates is further away, and says nothing of whether the bound is too wide.
    assert (share, where) == (0.3125, key(dtype="float64"))
    assert closest["sigmoid", "gradient"][0] == 0.1875
    assert ("accuracy", "value") not in closest
