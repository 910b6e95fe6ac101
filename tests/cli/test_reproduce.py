"""`gaugeblock reproduce`: scripts show deviations, each in a process of its own; what becomes of each is said."""

import copy
from pathlib import Path

import msgspec
import pytest
from gaugeblock.adapters.registry import adapter
from gaugeblock.conformance.cli.reproduce import file_name
from gaugeblock.conformance.cli.scripts import SHOWS, scripts, verified
from gaugeblock.conformance.execution.supervisor import ProcessLostError, WorkerProcess
from gaugeblock.reports import runfile
from gaugeblock.reports.records import Expected, Observation, Run, Wording
from gaugeblock.reports.scripts.script import NotShrunkError, script
from gaugeblock.reports.verdicts import SCRIPTED, Verdict

from tests.invoking import invoke, measured, python, sentence
from tests.reports.synthetic import key, make_run, observation

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
    """What deviates and was shrunk: of each known deviation an example for each operation."""
    return [each for each in run.observations if each.verdict in SCRIPTED and each.reproduction is not None]


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


def test_what_was_not_shrunk_is_measured_again_and_shrunk_on_demand(run: Run, path: Path) -> None:
    other = next(each for each in run.observations if each.verdict in SCRIPTED and each.reproduction is None)
    example = next(each for each in deviations(run) if each.known == other.known)
    with pytest.raises(NotShrunkError, match=f"is not the example that was shrunk of {other.known}"):
        script(run, other)
    result = invoke("reproduce", other.key, "--run", path)
    assert result.exit_code == 0
    assert "measuring it again" in result.stderr
    assert result.stdout.startswith(f"# {other.key}\n")
    assert python("-c", result.stdout).returncode == 1
    assert "measuring it again" not in invoke("reproduce", example.key, "--run", path).stderr


def test_a_script_is_printed_and_exits_with_what_it_saw(run: Run, path: Path, tmp_path: Path) -> None:
    key = deviations(run)[0].key
    result = invoke("reproduce", key, "--run", path)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"# {key}\n")
    written = invoke("reproduce", key, "--run", path, "--output", tmp_path / "script.py")
    assert written.stdout == f"{tmp_path / 'script.py'}\n"
    assert (tmp_path / "script.py").read_text(encoding="utf-8") == result.stdout
    (tmp_path / "file").touch()
    nowhere = invoke("reproduce", key, "--run", path, "--output", tmp_path / "file" / "script.py")
    assert "cannot be written" in sentence(nowhere)
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
        (stored,) = each.reproduction.calls
        stored.call = call
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


def test_a_run_says_how_arrays_go_in_and_out(run: Run) -> None:
    for name in ("numpy", "sklearn"):
        own = adapter(name)
        words = {mode.name: msgspec.convert(own.script_words(mode), Wording | None) for mode in own.modes}
        assert run.frameworks[name].scripts == words


def test_show_says_how_a_deviation_is_seen_again(run: Run, path: Path) -> None:
    key = deviations(run)[0].key
    shown = "".join(invoke("show", key, "--run", path).stdout.split("\n"))
    assert f"gaugeblock reproduce {key} --run RUN.json" in shown
    right = next(each.key for each in run.observations if each.verdict == "conforms")
    assert "reproduce" not in invoke("show", right, "--run", path).stdout


SCRIPTS = {
    "shows": ("import sys\nprint('The deviation shows.')\nsys.exit(1)", SHOWS),
    "does-not": ("print('got      1.0\\nso what')\nraise SystemExit(0)", "does not show: got      1.0"),
    "raises": ("numpy.nothing", "raised NameError: name 'numpy' is not defined"),
    "no-python": ("x =", "raised SyntaxError: "),
    "ends": ("x = 1", "ended without saying whether it shows"),
    "crashes": ("import os; os._exit(3)", "the process of the script ended with exit code 3."),
    "says": ("import os; os.write(2, b'no such kernel'); os._exit(4)", "ended with exit code 4. no such kernel"),
    "shows-again": ("raise SystemExit(1)", SHOWS),
}


def run_of(*names: str) -> Run:
    return make_run([observation(key(name, case), "deviates") for name in names for case in SCRIPTS])


def made(run: Run) -> dict[str, str]:
    return {each.key: SCRIPTS[each.key.rpartition("/")[2]][0] for each in run.observations}


def test_each_script_has_its_outcome_whatever_another_does() -> None:
    run = run_of("alpha.sigmoid", "beta.sigmoid")
    counts: list[tuple[int, int]] = []
    outcomes = verified(run, made(run), lambda *count: counts.append(count), jobs=2)
    assert list(outcomes) == [each.key for each in run.observations]
    for name, outcome in outcomes.items():
        expected = SCRIPTS[name.rpartition("/")[2]][1]
        assert outcome == expected or (expected in outcome and expected != SHOWS), name
    assert counts == [(number + 1, len(outcomes)) for number in range(len(outcomes))]


def test_scripts_of_one_framework_and_mode_share_a_process() -> None:
    run = make_run([observation(key(name, case), "deviates") for name in ("alpha.a", "beta.a") for case in "ab"])
    text = "import os\nprint('got', os.getpid())\nraise SystemExit(0)"
    outcomes = verified(run, dict.fromkeys([each.key for each in run.observations], text), lambda done, total: None)
    alpha, again, beta, more = outcomes.values()
    assert alpha == again != beta == more


def test_a_script_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(self: WorkerProcess, message: object, timeout: float) -> str:
        self.close()
        raise ProcessLostError(Verdict.TIMED_OUT, f"no answer within {timeout:g} s")

    monkeypatch.setattr(WorkerProcess, "start", lambda self, timeout: None)
    monkeypatch.setattr(WorkerProcess, "ask", hangs)
    run = make_run([observation(key(), "deviates")])
    assert verified(run, {key(): "while True: pass"}, lambda done, total: None) == {key(): "no answer within 120 s"}


def test_an_interruption_ends_what_runs() -> None:
    run = make_run([observation(key(name, case), "deviates") for name in ("alpha.a", "beta.a") for case in "ab"])
    hang = "import time\ntime.sleep(600)"
    texts = {each.key: "raise SystemExit(1)" if "alpha" in each.key else hang for each in run.observations}

    def interrupted(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verified(run, texts, interrupted, jobs=2)
