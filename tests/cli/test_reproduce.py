"""`gaugeblock reproduce`: the scripts of a real run show its deviations, and one that does not is named."""

import copy
from pathlib import Path

import msgspec
import pytest
from gaugeblock.adapters.registry import adapter
from gaugeblock.conformance.cli.reproduce import file_name
from gaugeblock.conformance.cli.scripts import SHOWS, scripts, verified
from gaugeblock.reports import runfile
from gaugeblock.reports.records import Expected, Observation, Run, Wording
from gaugeblock.reports.verdicts import SCRIPTED

from tests.invoking import invoke, measured, python, sentence

EXPRESSION = (
    "float16 and (textbook and softmax and not masked and (value or alone or shift)"
    " or log_loss and not sparse and value)"
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run of NumPy and scikit-learn, which deviate here and there."""
    output = tmp_path_factory.mktemp("measured") / "run.json"
    measured(output, "-f", "numpy", "-f", "sklearn", "-k", EXPRESSION)
    return output


@pytest.fixture(scope="module")
def run(path: Path) -> Run:
    return runfile.read(path)


def deviations(run: Run) -> list[Observation]:
    return [each for each in run.observations if each.verdict in SCRIPTED]


def conforming(run: Run) -> str:
    """The key of an observation that does not deviate."""
    return next(each.key for each in run.observations if each.verdict == "conforms")


def test_every_deviation_of_a_run_has_a_script_that_shows_it(run: Run, path: Path) -> None:
    seen = deviations(run)
    assert {each.key.split("/")[1] for each in seen} == {"numpy.textbook", "sklearn.metrics.log_loss"}
    made, lacking = scripts(run)
    assert lacking == {}
    assert list(made) == [each.key for each in seen]
    reported: list[tuple[int, int]] = []
    assert set(verified(run, made, lambda *counts: reported.append(counts)).values()) == {SHOWS}
    assert sorted(reported) == [(number, len(made)) for number in range(1, len(made) + 1)]
    result = invoke("reproduce", "--verify", "--run", path)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"{len(seen)} of {len(seen)} deviations shown by their scripts, 0 without one.\n"


def test_a_script_is_printed_and_exits_with_what_it_saw(run: Run, path: Path, tmp_path: Path) -> None:
    key = deviations(run)[0].key
    result = invoke("reproduce", key, "--run", path)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"# {key}\n")
    written = invoke("reproduce", key, "--run", path, "--output", tmp_path / "script.py")
    assert written.stdout == f"{tmp_path / 'script.py'}\n"
    assert (tmp_path / "script.py").read_text(encoding="utf-8") == result.stdout
    done = python(tmp_path / "script.py")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "The deviation shows."


def test_all_scripts_are_written_each_to_a_file(run: Run, path: Path, tmp_path: Path) -> None:
    result = invoke("reproduce", "--all", "--run", path, "--output", tmp_path / "scripts")
    assert result.exit_code == 0, result.output
    seen = {each.key for each in deviations(run)}
    assert {each.name for each in (tmp_path / "scripts").iterdir()} == {file_name(key) for key in seen}
    assert result.stdout == f"{len(seen)} scripts in {tmp_path / 'scripts'}, 0 deviations without.\n"


def test_scripts_that_do_not_show_their_deviation_are_named(run: Run, tmp_path: Path) -> None:
    changed = copy.deepcopy(run)
    within, raising, ending, lacking, *rest = deviations(changed)
    assert rest
    for each, call in ((within, "numpy.ones(1)"), (raising, "numpy.nothing"), (ending, "__import__('os')._exit(3)")):
        assert each.reproduction is not None
        (stored,) = each.reproduction.calls
        stored.call = call
    assert within.reproduction is not None
    within.reproduction.calls[0].at = [0]
    within.reproduction.expected = Expected(exact="1", nearest="0x1p+0", ulp="0x1p-10", allowed=1.0)
    lacking.reproduction, lacking.reproduction_missing = None, "it came and went"
    path = runfile.write(changed, tmp_path / "changed.json")
    result = invoke("reproduce", "--verify", "--run", path)
    assert result.exit_code == 1
    *named, total = result.stdout.splitlines()
    assert named[0].startswith(f"{within.key}: does not show: got      1.0")
    assert named[1].startswith(f"{raising.key}: raised AttributeError: ")
    assert named[2] == f"{ending.key}: the process of the script ended with exit code 3."
    assert named[3] == f"{lacking.key} has no reproduction: it came and went."
    assert len(named) == 4
    count = len(rest)
    assert total == f"{count} of {count + 4} deviations shown by their scripts, 1 without one."


def test_what_cannot_be_reproduced_is_said_in_sentence(run: Run, path: Path, tmp_path: Path) -> None:
    key = deviations(run)[0].key
    right = conforming(run)
    assert f"near it are {key}" in sentence(invoke("reproduce", f"{key}e", "--run", path))
    assert "does not deviate: its verdict is conforms" in sentence(invoke("reproduce", right, "--run", path))
    assert "does not exist" in sentence(invoke("reproduce", key, "--run", tmp_path / "none.json"))
    assert "give either a KEY" in sentence(invoke("reproduce", "--run", path))
    assert "give either a KEY" in sentence(invoke("reproduce", key, "--verify", "--run", path))
    assert "name a directory" in sentence(invoke("reproduce", "--all", "--run", path))
    (tmp_path / "file").touch()
    assert "cannot be written" in sentence(
        invoke("reproduce", key, "--run", path, "--output", tmp_path / "file" / "script.py")
    )


def test_a_run_says_how_arrays_go_in_and_out(run: Run) -> None:
    for name in ("numpy", "sklearn"):
        own = adapter(name)
        words = {mode.name: msgspec.convert(own.script_words(mode), Wording | None) for mode in own.modes}
        assert run.frameworks[name].scripts == words


def test_show_says_how_a_deviation_is_seen_again(run: Run, path: Path) -> None:
    key = deviations(run)[0].key
    assert f"gaugeblock reproduce {key} --run RUN.json" in "".join(
        invoke("show", key, "--run", path).stdout.split("\n")
    )
    assert "reproduce" not in invoke("show", conforming(run), "--run", path).stdout
