"""The command line: exit codes, messages, files left alone, and runs that can be repeated and interrupted."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from gaugeblock.adapters.registry import FRAMEWORKS, adapter, implementations
from gaugeblock.conformance.cli.app import main
from gaugeblock.conformance.session import plan as selection
from gaugeblock.reference.catalogue import OPERATIONS
from gaugeblock.reports import runfile

EXPRESSION = (
    "sigmoid and float32 and stable and not log_sigmoid and not softmax and not dtype and not sparse and not hard"
    " and not length and not shapes"
)
ASKED = {
    "value",
    "dense",
    "combined",
    "row-alone",
    "batch-invariance",
    "row-permutation",
    "memory-layout",
    "sign-of-zero-of-sigmoid",
}
"""The checks that the expression leaves."""

KEY = "sigmoid/numpy.stable/float32/cpu/eager/value/ordinary"
BEFORE = "here before\n"


def gaugeblock(*arguments: str | Path, **more: Any) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own."""
    command = [sys.executable, "-c", "from gaugeblock.conformance.cli.app import main; main(prog_name='gaugeblock')"]
    return subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, check=False, **more)


def invoke(*arguments: str | Path) -> Result:
    """The command in this process: for what measures nothing."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="gaugeblock")


def one_sentence(message: str) -> None:
    assert message.startswith("gaugeblock: ")
    assert "Traceback" not in message
    assert len(message.strip().splitlines()) == 1, message
    assert message.rstrip().endswith(".")


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small real run, which conforms."""
    output = tmp_path_factory.mktemp("measured") / "run.json"
    done = gaugeblock("run", "-f", "numpy", "-k", EXPRESSION, "-o", output)
    assert done.returncode == 0, done.stdout + done.stderr
    assert str(output) in done.stdout
    return output


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """An output file with something in it."""
    path = tmp_path / "run.json"
    path.write_text(BEFORE, encoding="utf-8")
    return path


# Runs


def essence(path: Path) -> dict[str, tuple[Any, ...]]:
    """Verdict, digest, label and error of every observation."""
    observations = runfile.read(path)["observations"]
    return {o["key"]: tuple(o.get(name) for name in ("verdict", "digest", "label", "error")) for o in observations}


def test_a_run_is_complete_and_says_what_it_is(measured: Path) -> None:
    run = runfile.read(measured)
    assert run["status"] == "complete"
    assert run["selection"]["frameworks"] == ["numpy"]
    assert run["selection"]["expression"] == EXPRESSION
    assert run["frameworks"]["numpy"]["status"] == "measured"
    assert set(run["frameworks"]) == {"numpy"}
    keys = [o["key"] for o in run["observations"]]
    assert KEY in keys
    assert all(key.startswith("sigmoid/numpy.stable/float32/cpu/eager/") for key in keys)
    assert {key.split("/")[5] for key in keys} == ASKED
    case = run["cases"][runfile.case_name(KEY)]
    assert runfile.decode(case["inputs"]["x"]).dtype == "float32"
    assert not list(measured.parent.glob(".*")), "temporary files are left behind"


def test_two_runs_give_the_same_verdicts_and_digests(measured: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.json"
    assert gaugeblock("run", "-f", "numpy", "-k", EXPRESSION, "-o", again).returncode == 0
    assert essence(again) == essence(measured)


def test_pytest_sees_what_the_command_sees(measured: Path, tmp_path: Path) -> None:
    output = tmp_path / "pytest.json"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--pyargs",
        "gaugeblock.conformance",
        "-q",
        "-p",
        "no:cacheprovider",
    ]
    options = ["--gaugeblock-framework", "numpy", "--gaugeblock-output", str(output), "-k", EXPRESSION]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(ASKED)} passed" in done.stdout
    assert essence(output) == essence(measured)


def test_a_deviation_is_exit_code_1_or_explained(tmp_path: Path) -> None:
    output = tmp_path / "run.json"
    done = gaugeblock(
        "run",
        "-f",
        "numpy",
        "-k",
        "softmax and float16 and textbook and value and not log_softmax",
        "-o",
        output,
    )
    run = runfile.read(output)
    verdicts = {o["verdict"] for o in run["observations"]}
    assert verdicts & {"deviates", "documented"}, "unshifted softmax overflows"
    assert done.returncode == (1 if "deviates" in verdicts else 0), done.stdout
    if "deviates" in verdicts:
        assert "softmax/numpy.textbook/float16/cpu/eager/value/" in done.stdout


BAD = [
    (["-f", "nump"], "framework 'nump'.*did you mean 'numpy'"),
    (["-f", "pytorch"], "framework 'pytorch'.*did you mean 'torch'"),
    (["-f", "zzz"], "framework 'zzz'.*Known are numpy, sklearn, torch, tensorflow, keras, jax"),
    (["-f", "numpy", "--dtype", "float23"], "dtype 'float23'.*did you mean 'float32'"),
    (["-f", "numpy", "--dtype", "zzz"], "dtype 'zzz'.*Known are float16"),
    (["-f", "numpy", "--device", "cudda"], "device 'cudda'.*did you mean 'cuda'"),
    (["-f", "numpy", "--device", "gpu"], "device 'gpu'"),
    (["-f", "numpy", "--device", "cuda:99"], "device 'cuda:99' on this machine.*--skip-missing-device"),
    (["-f", "numpy", "--mode", "eagr"], "mode 'eagr'.*did you mean 'eager'"),
    (["-f", "numpy", "--mode", "compiled"], "nothing to measure"),
    (["-f", "sklearn", "--dtype", "bfloat16"], "nothing to measure"),
]


@pytest.mark.parametrize(
    ("arguments", "message"), BAD, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_bad_names_get_one_sentence_and_touch_nothing(arguments: list[str], message: str, output: Path) -> None:
    done = invoke("run", *arguments, "-o", output)
    assert done.exit_code == 2
    one_sentence(done.stderr)
    assert re.search(message, done.stderr), done.stderr
    assert done.stdout == ""
    assert output.read_text(encoding="utf-8") == BEFORE
    assert [path.name for path in output.parent.iterdir()] == ["run.json"]


@pytest.mark.parametrize("expression", ["nothing_has_this_name", "sigmoid and (", "sigmoid ="])
def test_bad_expressions_get_one_sentence_and_touch_nothing(expression: str, output: Path) -> None:
    done = gaugeblock("run", "-f", "numpy", "-k", expression, "-o", output)
    assert done.returncode == 2
    assert output.read_text(encoding="utf-8") == BEFORE
    one_sentence(done.stderr)
    assert expression in done.stderr


def test_a_framework_that_is_not_installed(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection.adapter("jax").__class__, "versions", lambda _: {})
    done = invoke("run", "-f", "jax", "-o", output)
    assert done.exit_code == 2
    one_sentence(done.stderr)
    assert "pip install '.[jax]' in a clone" in done.stderr
    assert output.read_text(encoding="utf-8") == BEFORE


def test_usage_errors(tmp_path: Path) -> None:
    for arguments in (
        ["run"],
        ["run", "-f", "numpy"],
        ["runn"],
        ["run", "-o", tmp_path],
        ["list", "everything"],
    ):
        done = invoke(*arguments)
        assert done.exit_code == 2, arguments
        assert "Traceback" not in done.output
    done = invoke("run", "-f", "numpy", "-o", tmp_path / "x.json", "--jobs", "0")
    assert done.exit_code == 2


@pytest.mark.parametrize("command", ["run", "report", "list", "show", "compare"])
def test_help(command: str) -> None:
    done = invoke(command, "--help")
    assert done.exit_code == 0
    assert done.output.startswith("Usage: gaugeblock " + command)
    assert invoke(command, "-h").output == done.output
    assert command in invoke("--help").output


# Interruptions


def started(directory: Path, arguments: Sequence[str | Path]) -> subprocess.Popen[str]:
    """A run that has begun to measure: its processes keep their logs in the directory for temporary files."""
    temporary = directory / "tmp"
    temporary.mkdir()
    command = [sys.executable, "-c", "from gaugeblock.conformance.cli.app import main; main(prog_name='gaugeblock')"]
    process = subprocess.Popen(
        [*command, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary)},
        start_new_session=True,
        # A shell that starts the tests in its background makes all their processes deaf to Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 60
    while not list(temporary.glob("gaugeblock-*.log")):
        assert time.monotonic() < deadline, "the run did not begin"
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    return process


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
@pytest.mark.parametrize("stood", ["nothing", "complete"])
def test_an_interrupted_run_is_valid_and_replaces_no_complete_one(measured: Path, tmp_path: Path, stood: str) -> None:
    output = tmp_path / "run.json"
    if stood == "complete":
        shutil.copy(measured, output)
    process = started(tmp_path, ["run", "-f", "numpy", "-f", "sklearn", "-o", output])
    time.sleep(0.7)
    # Ctrl-C goes to the whole group: to the processes of the frameworks too.
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 2, said
    assert "interrupted" in said
    assert "Traceback" not in said
    partial = output if stood == "nothing" else tmp_path / "run.partial.json"
    assert str(partial) in said
    assert runfile.read(partial)["status"] == "partial"
    if stood == "complete":
        assert output.read_bytes() == measured.read_bytes()
    assert not list((tmp_path / "tmp").iterdir()), "logs are left behind"


# Reading runs


def test_report(measured: Path, tmp_path: Path) -> None:
    done = invoke("report", measured, "--output", tmp_path / "report")
    assert done.exit_code == 0, done.output
    for name in ("index.html", "report.md", "report.json"):
        assert (tmp_path / "report" / name).stat().st_size > 200
        assert name in done.stdout
    assert "sigmoid" in (tmp_path / "report" / "index.html").read_text(encoding="utf-8")
    assert invoke("report", measured, "--output", tmp_path / "fresh", "--fresh").exit_code == 0


def test_a_fresh_report_refuses_a_run_of_another_suite(measured: Path, tmp_path: Path) -> None:
    run = json.loads(measured.read_text(encoding="utf-8"))
    run["suite"]["digest"] = "0" * 16
    other = tmp_path / "other.json"
    other.write_text(runfile.dumps(run), encoding="utf-8")
    done = invoke("report", other, "--output", tmp_path / "report", "--fresh")
    assert done.exit_code == 2
    one_sentence(done.stderr)
    assert not (tmp_path / "report").exists()
    assert invoke("report", other, "--output", tmp_path / "report").exit_code == 0


def test_show(measured: Path) -> None:
    done = invoke("show", KEY, "--run", measured)
    assert done.exit_code == 0
    for fact in (KEY, "conforms", "1 / (1 + exp(-x))", "numpy.where"):
        assert fact in done.output
    done = invoke("show", KEY.replace("ordinary", "ordnary"), "--run", measured)
    assert done.exit_code == 2
    one_sentence(done.stderr)
    assert KEY in done.stderr


def test_compare(measured: Path, tmp_path: Path) -> None:
    assert invoke("compare", measured, measured, "--fail-on", "regression").exit_code == 0
    run = json.loads(measured.read_text(encoding="utf-8"))
    (changed,) = (o for o in run["observations"] if o["key"] == KEY)
    changed.update(verdict="deviates", error=99.0, accuracy="beyond", digest="0" * 16)
    worse = tmp_path / "worse.json"
    worse.write_text(runfile.dumps(run), encoding="utf-8")
    done = invoke("compare", measured, worse)
    assert done.exit_code == 0
    assert "float32/cpu/eager/ordinary" in done.output
    assert "99 ULP" in done.output
    assert invoke("compare", measured, worse, "--fail-on", "regression").exit_code == 1
    assert invoke("compare", worse, measured, "--fail-on", "regression").exit_code == 0


MALFORMED = {
    "empty": "",
    "no-json": "{",
    "another-json": "[1, 2]",
    "another-format": '{"format": 99, "observations": []}',
    "nothing-in-it": '{"format": 1, "observations": []}',
}


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED)
def test_malformed_run_files(content: str, measured: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text(content, encoding="utf-8")
    for arguments in (
        ["report", bad, "--output", tmp_path / "report"],
        ["report", measured, bad, "--output", tmp_path / "report"],
        ["show", KEY, "--run", bad],
        ["compare", measured, bad],
        ["compare", bad, measured],
    ):
        done = invoke(*arguments)
        assert done.exit_code == 2, arguments
        one_sentence(done.stderr)
        assert "bad.json" in done.stderr
    assert not (tmp_path / "report").exists()
    assert bad.read_text(encoding="utf-8") == content


def test_a_run_file_that_does_not_exist(tmp_path: Path) -> None:
    done = invoke("show", KEY, "--run", tmp_path / "missing.json")
    assert done.exit_code == 2
    one_sentence(done.stderr)
    assert "gaugeblock run --output" in done.stderr


# Lists


def test_list_operations() -> None:
    done = invoke("list", "operations")
    assert done.exit_code == 0
    for name in OPERATIONS:
        assert re.search(rf"^{name}\b", done.output, re.MULTILINE), name
    assert invoke("list").output == done.output


def test_list_implementations() -> None:
    done = invoke("list", "implementations")
    assert done.exit_code == 0
    assert len(done.output.splitlines()) > len(implementations())
    for each in implementations():
        assert each.call in done.output, each.id
    assert "clip=1e-07" in done.output


def test_list_frameworks() -> None:
    done = invoke("list", "frameworks")
    assert done.exit_code == 0
    absent = [adapter(name) for name in FRAMEWORKS if not adapter(name).versions()]
    assert all(f"pip install '.[{each.extra}]' in a clone" in done.output for each in absent)
    for name in FRAMEWORKS:
        assert re.search(rf"^{name}\b", done.output, re.MULTILINE), name


def test_version() -> None:
    assert re.fullmatch(r"gaugeblock, version \d+\.\d+.*\n", invoke("--version").output)
