"""`gaugeblock run`: complete, the same again, partial where it was interrupted; and what is made of a run."""

import re
import shutil
import sys
from pathlib import Path

import pytest
from gaugeblock.adapters.processor import INSTRUCTION_SETS, has, instruction_set
from gaugeblock.adapters.registry import FRAMEWORKS, adapter, implementations
from gaugeblock.conformance.cli import run as command
from gaugeblock.conformance.session.measure import HARNESS, measure
from gaugeblock.conformance.session.measured import Answer
from gaugeblock.conformance.session.plan import Selection
from gaugeblock.conformance.session.workers import ProcessKey, Workers
from gaugeblock.reference.catalogue import OPERATIONS
from gaugeblock.reports import runfile
from gaugeblock.reports.verdicts import Verdict
from msgspec.structs import replace

from tests.invoking import gaugeblock, invoke, python, sentence
from tests.plugging import bring, import_path
from tests.session.test_views import ADAPTER

EXPRESSION = (
    "sigmoid/numpy.stable/float32 and not (log_ or hard_ or sparse_ or length or shapes or input-dtype or recipe)"
)
CHECKS = {
    "value", "dense", "combined", "row-alone", "batch-invariance", "row-permutation", "memory-layout",
    "sign-of-zero-of-sigmoid",
}  # fmt: skip
"""The checks that the expression leaves."""

KEY = "sigmoid/numpy.stable/float32/cpu/eager/value/ordinary"


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small real run, which conforms."""
    output = tmp_path_factory.mktemp("measured") / "new" / "run.json"
    done = gaugeblock("run", "-f", "numpy", "-k", EXPRESSION, "-o", output)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert f"Run file: {output}\nA page of it: gaugeblock report {output} --output report\n" in done.stdout
    return output


def essence(path: Path) -> dict[str, tuple[object, ...]]:
    observations = runfile.read(path).observations
    return {each.key: (each.verdict, each.digest, each.label, each.error, each.case) for each in observations}


def test_a_run_is_complete_and_says_what_it_is(measured: Path) -> None:
    run = runfile.read(measured)
    assert run.status == "complete"
    assert (run.selection.frameworks, run.selection.expression) == (["numpy"], EXPRESSION)
    assert {name: entry.status for name, entry in run.frameworks.items()} == {"numpy": "measured"}
    assert all(each.key.startswith("sigmoid/numpy.stable/float32/cpu/eager/") for each in run.observations)
    assert {runfile.split_key(each.key)["check"] for each in run.observations} == CHECKS
    case = run.cases[runfile.found(run, KEY).case or ""]
    assert runfile.decode(case.inputs["x"]).dtype == "float32"
    assert not list(measured.parent.glob(".*")), "temporary files are left behind"


def test_a_run_says_for_which_processor_it_computed(measured: Path) -> None:
    run = runfile.read(measured)
    assert run.environment["instruction_set"] in INSTRUCTION_SETS
    flags = run.frameworks["numpy"].modes["eager"]
    assert flags["instruction_set"] in INSTRUCTION_SETS
    assert not any("/" in str(value) for value in flags.values()), "no folder of this machine"


def test_what_the_processor_lacks_is_skipped_with_a_sentence(tmp_path: Path) -> None:
    output = tmp_path / "run.json"
    lacking = next(word for word in INSTRUCTION_SETS if not has(word))
    done = invoke("run", "-f", "numpy", "--skip-without", lacking, "-o", output)
    assert done.exit_code == 0
    assert done.stdout == (
        f"not run: this processor has {instruction_set()}, and not {lacking}; no run file was written\n"
    )
    assert not output.exists()
    assert "'mmx' is not one of" in sentence(invoke("run", "--skip-without", "mmx", "-o", output))


def test_progress_names_what_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gaugeblock.conformance.cli.terminal.QUIET_SECONDS", 0.0)
    done = invoke("run", "-f", "numpy", "-k", EXPRESSION, "-o", tmp_path / "run.json")
    lines = done.stderr.splitlines()
    assert all(line.startswith("gaugeblock: ") and f" of {len(CHECKS)} tests" in line for line in lines)
    assert any(", at sigmoid/numpy.stable/float32/cpu/eager/" in line for line in lines)
    assert " a second, about 0 s left" in lines[-1]


def test_two_runs_give_the_same_verdicts_and_digests(measured: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.json"
    assert gaugeblock("run", "-f", "numpy", "-k", EXPRESSION, "-o", again).returncode == 0
    assert essence(again) == essence(measured)


def test_a_deviation_is_exit_code_1_unless_it_is_known(tmp_path: Path) -> None:
    arguments = ("run", "-f", "numpy", "-k", "softmax/numpy.textbook/float16 and value and not (log_ or masked_)")
    output = tmp_path / "run.json"
    assert invoke(*arguments, "-o", output).exit_code == 0
    verdicts = {each.verdict for each in runfile.read(output).observations}
    assert verdicts == {Verdict.CONFORMS, Verdict.KNOWN}, "unshifted softmax overflows"
    examples = [each for each in runfile.read(output).observations if each.reproduction is not None]
    assert len(examples) == len({each.known for each in examples}), "one of each known deviation is shrunk"
    bring(tmp_path, "endings", ADAPTER)
    arguments = ("run", "-f", "endings", "--check", "value", "--implementation", "endings.wrong", "-o", output)
    done = gaugeblock(*arguments, PYTHONPATH=import_path(tmp_path))
    assert done.returncode == 1, done.stderr
    wrong = [each for each in runfile.read(output).observations if each.verdict == Verdict.DEVIATES]
    assert wrong
    assert all(each.reproduction is not None for each in wrong)
    assert f"{wrong[0].key}: deviates, " in done.stdout
    assert f"gaugeblock show KEY --run {output}" in done.stdout


@pytest.mark.parametrize("stood", ["nothing", "complete"])
def test_an_interrupted_run_keeps_what_is_finished_and_replaces_no_complete_one(
    measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stood: str
) -> None:
    output = tmp_path / "run.json"
    if stood == "complete":
        shutil.copy(measured, output)
    selection = Selection(("numpy",), expression=EXPRESSION)
    settle = Workers._settle

    def slow(self: Workers, key: ProcessKey, answer: Answer) -> None:
        if self.done < 2 or not self._stopped.wait(60):
            settle(self, key, answer)

    def interrupted(done: int, total: int, now: str) -> None:
        if done == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(Workers, "_settle", slow)

    ended = measure(selection, output, timeout=60, jobs=1, progress=interrupted)
    assert ended.code == HARNESS
    assert "interrupted: the run file holds what was finished" in ended.lines
    assert ended.written == (output if stood == "nothing" else tmp_path / "run.partial.json")
    partial = runfile.read(ended.written)
    assert partial.status == "partial"
    whole = essence(measured)
    assert {**whole, **essence(ended.written)} == whole
    assert {runfile.split_key(each.key)["check"] for each in partial.observations} < CHECKS
    assert partial.observations
    if stood == "complete":
        assert output.read_bytes() == measured.read_bytes()


def test_a_run_that_is_interrupted_before_anything_is_finished_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "measure", interrupted)
    said = sentence(invoke("run", "-f", "numpy", "-o", tmp_path / "run.json"))
    assert "interrupted before anything was finished; no run file was written" in said
    monkeypatch.undo()
    with pytest.raises(KeyboardInterrupt):
        measure(Selection(("numpy",), expression=EXPRESSION), tmp_path / "run.json", timeout=60, jobs=1,
                progress=interrupted)  # fmt: skip
    assert not list(tmp_path.iterdir())


DRIVER = """
import os, signal, sys, time
from gaugeblock.conformance.cli.app import main
from gaugeblock.conformance.session import measure

def watch(workers, progress):
    while not workers.done:
        time.sleep(0.01)
    os.killpg(0, signal.SIGINT)
    time.sleep(60)

measure._watch = watch
if __name__ == "__main__":
    # A shell that starts the tests in its background makes all their processes deaf to Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main(sys.argv[1:], prog_name="gaugeblock")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
def test_ctrl_c_reaches_every_process_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """Ctrl-C goes to the whole group: to the processes of the frameworks too."""
    temporary, output = tmp_path / "tmp", tmp_path / "run.json"
    temporary.mkdir()
    (tmp_path / "driver.py").write_text(DRIVER, encoding="utf-8")
    asked = ("run", "-f", "numpy", "-f", "sklearn", "-o", output)
    done = python(tmp_path / "driver.py", *asked, session=True, TMPDIR=str(temporary))
    assert done.returncode == 2, done.stdout + done.stderr
    assert "interrupted: the run file holds what was finished" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert runfile.read(output).status == "partial"
    assert not list(temporary.iterdir()), "logs are left behind"


def test_report(measured: Path, tmp_path: Path) -> None:
    done = invoke("report", measured, "--output", tmp_path / "report", "--fresh")
    assert done.exit_code == 0, done.output
    for name in ("index.html", "report.md", "report.json"):
        assert (tmp_path / "report" / name).stat().st_size > 200
        assert name in done.stdout
    assert "sigmoid" in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")


def test_show(measured: Path) -> None:
    done = invoke("show", KEY, "--run", measured)
    assert done.exit_code == 0
    for fact in (KEY, "conforms", "1 / (1 + exp(-x))", "numpy.where"):
        assert fact in done.output
    assert KEY in sentence(invoke("show", KEY.replace("ordinary", "ordnary"), "--run", measured))


def test_runs_with_nothing_in_common_are_refused(measured: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    run = runfile.read(measured)
    observations = [replace(each, key=each.key.replace("/float32/", "/float64/")) for each in run.observations]
    runfile.write(replace(run, observations=observations), other)
    assert sentence(invoke("compare", measured, other)) == (
        f"gaugeblock: {measured} and {other} have no observation in common: they hold numpy in float32 and numpy in"
        " float64; give two that ask the same.\n"
    )


def test_compare(measured: Path, tmp_path: Path) -> None:
    run = runfile.read(measured)
    changed = runfile.found(run, KEY)
    changed.verdict, changed.error, changed.accuracy, changed.digest = Verdict.DEVIATES, 99.0, "beyond", "0" * 16
    worse = runfile.write(run, tmp_path / "worse.json")
    done = invoke("compare", measured, worse)
    assert done.exit_code == 0
    assert "float32/cpu/eager/ordinary" in done.output
    assert "99 ULP" in done.output
    for old, new, code in ((measured, measured, 0), (measured, worse, 1), (worse, measured, 0)):
        assert invoke("compare", old, new, "--fail-on", "regression").exit_code == code


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("operations", list(OPERATIONS)),
        ("implementations", [each.operation for each in implementations()]),
        ("frameworks", list(FRAMEWORKS)),
    ],
)
def test_lists(what: str, names: list[str]) -> None:
    done = invoke("list", what)
    assert done.exit_code == 0
    assert done.stderr == ""
    for name in names:
        assert re.search(rf"^{name}\b", done.output, re.MULTILINE), name
    if what == "operations":
        assert invoke("list").output == done.output
    if what == "implementations":
        assert len(done.output.splitlines()) > len(names)
        assert all(each.call in done.output for each in implementations())
        assert "clip=1e-07" in done.output
    if what == "frameworks":
        absent = [adapter(name) for name in FRAMEWORKS if not adapter(name).versions()]
        assert all(each.install_hint() in done.output for each in absent)


def test_help_and_version() -> None:
    whole = invoke()
    assert whole.exit_code == 0
    assert whole.output == invoke("--help").output
    commands = re.findall(r"^  (\w+) ", whole.output.partition("Commands:")[2], re.MULTILINE)
    known = {"run", "check", "report", "list", "show", "compare", "reproduce", "translate", "cache", "known", "docs"}
    assert known == set(commands)
    for name in commands:
        done = invoke(name, "--help")
        assert done.exit_code == 0
        assert done.output.startswith("Usage: gaugeblock " + name)
        assert "Exit code: 0" in done.output
        assert invoke(name, "-h").output == done.output
    assert "..." not in whole.output.partition("Commands:")[2], "what a command does is cut off"
    assert re.fullmatch(r"gaugeblock, version \d+\.\d+.*\n", invoke("--version").output)
