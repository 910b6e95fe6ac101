"""`gaugeblock known` drafts what deviates undocumented, and `gaugeblock run --known` reads it back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from gaugeblock.conformance.cli.app import main
from gaugeblock.conformance.known.drafting import folded
from gaugeblock.conformance.known.matcher import matches
from gaugeblock.conformance.known.reading import KnownError, parsed
from gaugeblock.reports import runfile
from gaugeblock.reports.verdicts import Verdict

from tests.invoking import Process, invoke, python, sentence
from tests.invoking import gaugeblock as invoked
from tests.plugging import bring, import_path
from tests.session.test_views import ADAPTER

EXPRESSION = "endings.wrong and float32 and value"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("known")


def gaugeblock(place: Path, *arguments: str) -> Process:
    """The command where a plug-in is installed that deviates."""
    return invoked(*arguments, cwd=place, PYTHONPATH=import_path(place / "path"))


@pytest.fixture(scope="module")
def deviating(place: Path) -> Path:
    bring(place / "path", "endings", ADAPTER)
    done = gaugeblock(place, "run", "-f", "endings", "-k", EXPRESSION, "-o", "run.json")
    assert done.returncode == 1, done.stdout + done.stderr
    return place / "run.json"


def drafted(deviating: Path) -> str:
    done = invoke("known", deviating)
    assert done.exit_code == 0, done.stderr
    return done.stdout


def test_a_draft_is_refused_until_the_kinds_are_chosen(deviating: Path) -> None:
    with pytest.raises(KnownError, match="has the kind '': choose one of defect, accuracy, convention, limitation"):
        parsed(drafted(deviating), "my.toml")
    entries = parsed(drafted(deviating).replace('kind = ""', 'kind = "defect"'), "my.toml")
    assert len(entries) > 1, "what deviates for different reasons is not one cause"
    assert any(each.when.holds == ("infinity",) and each.gives == ("nan",) for each in entries)
    assert any(each.flush for each in entries)
    wrong = [each.key for each in runfile.read(deviating).observations if each.verdict == Verdict.DEVIATES]
    assert wrong
    assert all(sum(matches(key, seen) for each in entries for key in each.keys) == 1 for seen in wrong)


def test_a_draft_with_kinds_explains_what_it_was_made_of(place: Path, deviating: Path) -> None:
    (place / "my.toml").write_text(drafted(deviating).replace('kind = ""', 'kind = "limitation"'), encoding="utf-8")
    arguments = ("run", "-f", "endings", "-k", EXPRESSION, "--known", "my.toml", "-o", "again.json")
    done = gaugeblock(place, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    run = runfile.read(place / "again.json")
    before = {each.key for each in runfile.read(deviating).observations if each.verdict == Verdict.DEVIATES}
    assert {each.key for each in run.observations if each.verdict == Verdict.KNOWN} == before
    assert run.selection.known == {"my.toml": [each.id for each in parsed((place / "my.toml").read_text(), "")]}
    assert {(each.kind, each.file) for each in run.known.values()} == {("limitation", "my.toml")}


def test_pytest_takes_the_file_too(place: Path, deviating: Path) -> None:
    (place / "mine.toml").write_text(drafted(deviating).replace('kind = ""', 'kind = "limitation"'), encoding="utf-8")
    command = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "--pyargs", "gaugeblock.conformance")
    options = ["--gaugeblock-framework=endings", "-k", EXPRESSION, "--gaugeblock-known=mine.toml"]
    done = python(*command, *options, cwd=place, PYTHONPATH=import_path(place / "path"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 xfailed" in done.stdout


def test_a_strict_run_fails_for_what_does_not_show(place: Path, deviating: Path) -> None:
    assert deviating.exists()
    (place / "gone.toml").write_text(ENTRY.replace("numpy.stable", "endings.right"), encoding="utf-8")
    asked = ("run", "-f", "endings", "-k", "endings.right and value", "--known", "gone.toml", "-o", "gone.json")
    done = gaugeblock(place, *asked)
    assert done.returncode == 0, done.stdout + done.stderr
    strict = gaugeblock(place, *asked, "--strict")
    assert strict.returncode == 1
    assert "not seen here: nothing deviates as recorded in mine (sigmoid/endings.right/" in strict.stdout


ENTRY = """[[known]]
id = "mine"
kind = "accuracy"
why = "Because."
keys = ["sigmoid/numpy.stable/float32/cpu/eager/value/*"]
at_most = 10
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "sigmoid/",
            "sigmoyd/",
            "the entry 'mine' names the operation 'sigmoyd', which does not exist: did you mean",
        ),
        ("numpy.stable", "numpy.stabel", "names the implementation 'numpy.stabel', which does not exist: did you mean"),
        ("float32", "float33", "names the dtype 'float33', which does not exist: did you mean"),
        ("eager", "eagre", "names the mode 'eagre', which does not exist: did you mean 'eager"),
        ("value", "values", "names the check 'values', which does not exist: did you mean 'value'?"),
        ("at_most", "atmost", "the entry 'mine' has the field 'atmost', which does not exist: did you mean 'at_most'?"),
        (
            '"mine"',
            '"scipy-float16-sums-overflow"',
            "two known deviations have the id 'scipy-float16-sums-overflow'",
        ),
    ],
)
def test_a_file_that_cannot_be_used_ends_the_command_with_a_sentence(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    mine = tmp_path / "my.toml"
    mine.write_text(ENTRY.replace(old, new), encoding="utf-8")
    said = sentence(invoke("run", "-f", "numpy", "--known", mine, "-o", tmp_path / "run.json"))
    assert message in said
    assert not (tmp_path / "run.json").exists()


def test_what_cannot_be_drafted(tmp_path: Path, deviating: Path) -> None:
    assert "does not exist; make it with" in sentence(invoke("known", tmp_path / "none.json"))
    (tmp_path / "my.toml").write_text("", encoding="utf-8")
    said = sentence(invoke("known", deviating, "-o", tmp_path / "my.toml"))
    assert "exists, and may hold kinds that were chosen" in said
    run = runfile.read(deviating)
    run.observations = [each for each in run.observations if each.verdict != Verdict.DEVIATES]
    runfile.write(run, tmp_path / "right.json")
    assert "has no undocumented deviation: there is nothing to draft" in sentence(
        invoke("known", tmp_path / "right.json")
    )


def test_the_command_is_listed() -> None:
    assert "known" in main.commands


def _keys(*parts: str) -> Iterator[str]:
    return (f"{a}/{b}/float32/cpu/eager/value/{c}" for a in parts[0] for b in parts[1] for c in parts[2])


@pytest.mark.parametrize(
    ("keys", "patterns"),
    [
        ([], []),
        ([*_keys("a", "p", "x")], ["a/p/float32/cpu/eager/value/x"]),
        ([*_keys("ab", "pq", "xyz")], ["a|b/p|q/float32/cpu/eager/value/x|y|z"]),
        (
            [*_keys("ab", "p", "xy"), *_keys("a", "q", "x")],
            ["a/q/float32/cpu/eager/value/x", "a|b/p/float32/cpu/eager/value/x|y"],
        ),
    ],
)
def test_keys_are_folded_without_another_one(keys: list[str], patterns: list[str]) -> None:
    assert sorted(folded(keys)) == patterns
