"""Every bad input ends with one sentence on standard error and exit code 2, and nothing is written."""

import re
from pathlib import Path

import pytest
from gaugeblock.adapters.registry import adapter
from gaugeblock.reports import runfile

from tests.invoking import invoke, sentence
from tests.reports.synthetic import key, make_run, observation

BEFORE = "here before\n"
USER = """
def right(x): return 1 / (1 + numpy.exp(-x))
import numpy
"""
RUN = ("run", "-o", "out.json")
NUMPY = (*RUN, "-f", "numpy")
CHECK = ("check", "user:right", "--operation", "sigmoid")

BAD = [
    # Names
    ((*RUN, "-f", "nump"), "framework 'nump'.*did you mean 'numpy'"),
    ((*RUN, "-f", "pytorch"), "framework 'pytorch'.*did you mean 'torch'"),
    ((*RUN, "-f", "zzz"), "framework 'zzz'.*Known are numpy, sklearn, torch, tensorflow, keras, jax"),
    ((*NUMPY, "--dtype", "float23"), "dtype 'float23'.*did you mean 'float32'"),
    ((*NUMPY, "--dtype", "zzz"), "dtype 'zzz'.*Known are float16"),
    ((*NUMPY, "--device", "cudda"), "device 'cudda'.*did you mean 'cuda'"),
    ((*NUMPY, "--device", "gpu"), "device 'gpu'"),
    ((*NUMPY, "--device", "cuda:99"), "device 'cuda:99' on this machine.*--skip-missing-device"),
    ((*NUMPY, "--mode", "eagr"), "mode 'eagr'.*did you mean 'eager'"),
    ((*NUMPY, "--effort", "mad"), "'mad' is not one of 'quick', 'standard', 'thorough'; see 'gaugeblock run --help'"),
    ((*NUMPY, "--mode", "compiled"), "nothing to measure: no test has this framework, device, dtype and mode"),
    ((*RUN, "-f", "sklearn", "--dtype", "bfloat16"), "nothing to measure"),
    # Expressions
    ((*NUMPY, "-k", "nothing_has_this_name"), "no test matches -k 'nothing_has_this_name'"),
    ((*NUMPY, "-k", "sigmoid and ("), r"'sigmoid and \(' is no expression of parts of keys"),
    ((*NUMPY, "-k", "sigmoid (float32)"), r"'sigmoid \(float32\)' is no expression"),
    ((*NUMPY, "-k", "a\nb"), "'a b' is no expression"),
    # Places
    (("run", "-f", "numpy", "-o", "."), "File '.' is a directory; see 'gaugeblock run --help'"),
    (("run", "-f", "numpy", "-o", "out.json/run.json"), "run.json cannot be written .*; name another file"),
    (("run", "-f", "numpy", "-o", "/proc/nothing/run.json"), "/proc/nothing/run.json cannot be written"),
    (("report", "run.json", "-o", "out.json"), "'out.json' is a file; see 'gaugeblock report --help'"),
    (("report", "run.json", "-o", "out.json/pages"), "out.json/pages cannot be written .*; give another --output"),
    (("reproduce", key(), "--run", "run.json", "-o", "out.json/x.py"), "does not deviate: its verdict is conforms"),
    (("docs", "-o", "out.json"), "'out.json' is a file"),
    # How commands are called
    (("runn",), "No such command 'runn'"),
    (("--bad",), "No such option '?--bad"),
    (("run", "-f", "numpy"), "Missing option '--output' / '-o'"),
    ((*NUMPY, "--jobs", "0"), "0 is not in the range x>=1"),
    ((*NUMPY, "--timeout", "0"), "'--timeout'"),
    ((*NUMPY, "more"), "unexpected extra argument"),
    (("list", "everything"), "'everything' is not one of 'operations'"),
    (("list", "operations", "--missing"), "--missing is about recipes, not about operations"),
    (("show", "--run", "run.json"), "Missing argument 'KEY'"),
    (("show", key(case="onne"), "--run", "run.json"), f"near it are {key()}"),
    (("reproduce", "--run", "run.json"), "give either a KEY, or --all with --output, or --verify"),
    (("reproduce", key(), "--verify", "--run", "run.json"), "give either a KEY, or --all with --output, or --verify"),
    (("reproduce", key(case="onne"), "--run", "run.json"), f"near it are {key()}"),
    (("reproduce", "--all", "--run", "run.json"), "name a directory with --output"),
    (("translate", "torch.nothing.like.it"), "torch.nothing.like.it"),
    (("translate", "torch.sigmoid", "--to", "nump"), "framework 'nump': did you mean 'numpy'"),
    # Callables of the user's own
    (("check", "user:right"), "Missing option '--operation'"),
    (("check", "nowhere:softmax", "--operation", "softmax"), "nowhere cannot be imported from here: No module"),
    (("check", "user", "--operation", "softmax"), "'user' names no function: write package.module:function"),
    (("check", "user:wrong.one", "--operation", "softmax"), "there is no 'wrong.one' in user"),
    (("check", "raising:f", "--operation", "softmax"),
     "raising fails when it is imported: ZeroDivisionError: division"),
    (("check", "leaving:f", "--operation", "softmax"), "leaving fails when it is imported: SystemExit: 0"),
    (("check", "user:right", "--operation", "sigmoyd"), "operation 'sigmoyd': did you mean 'sigmoid'"),
    ((*CHECK, "--arrays", "nump"), "framework 'nump': did you mean 'numpy'"),
    ((*CHECK, "--dtype", "float23"), "float23"),
    ((*CHECK, "--device", "cuda"), "cuda"),
    ((*CHECK, "--effort", "mad"), "'mad' is not one of"),
    ((*CHECK, "--signature", "x"), "--signature is NAME=VALUE, and 'x' has no '='"),
    ((*CHECK, "--parameter", "x"), "--parameter is NAME=VALUE, and 'x' has no '='"),
    ((*CHECK, "--convention", "ties=first"), "ties"),
    ((*CHECK, "--parameter", "width=3"), "width"),
    ((*CHECK, "--parameter", "device=cpu"), "'device' is none"),
    ((*CHECK, "--gradient", "user:slope"), "there is no 'slope' in user"),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command is given: with an output that has something in it, a run, and modules."""
    (tmp_path / "out.json").write_text(BEFORE, encoding="utf-8")
    (tmp_path / "user.py").write_text(USER, encoding="utf-8")
    (tmp_path / "raising.py").write_text("1 / 0", encoding="utf-8")
    (tmp_path / "leaving.py").write_text("raise SystemExit(0)", encoding="utf-8")
    runfile.write(make_run([observation(key())]), tmp_path / "run.json")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    for name in ("user", "raising", "leaving"):
        monkeypatch.delitem(__import__("sys").modules, name, raising=False)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("arguments", "message"), BAD, ids=[" ".join(arguments) for arguments, _ in BAD])
def test_bad_inputs(arguments: tuple[str, ...], message: str, folder: Path) -> None:
    before = contents(folder)
    said = sentence(invoke(*arguments))
    assert re.search(message, said), said
    assert contents(folder) == before


MALFORMED = {
    "empty": ("", "is not JSON"),
    "no JSON": ("{", "is not JSON"),
    "other JSON": ("[1, 2]", "is not a gaugeblock run file; make one with 'gaugeblock run --output"),
    "an older format": ('{"format": 1, "observations": []}', "has run-file format 1, and this gaugeblock reads format"),
    "a newer format": ('{"format": 99, "observations": []}', "has run-file format 99"),
    "nothing in it": ('{"format": 2, "observations": []}', "is not a valid run file"),
}


@pytest.mark.parametrize("name", [*MALFORMED, "missing"])
def test_run_files_that_cannot_be_used(name: str, folder: Path) -> None:
    content, message = MALFORMED.get(name, ("", "does not exist; make it with 'gaugeblock run --output bad.json'"))
    if name != "missing":
        (folder / "bad.json").write_text(content, encoding="utf-8")
    before = contents(folder)
    for arguments in (
        ("report", "bad.json", "-o", "pages"),
        ("report", "run.json", "bad.json", "-o", "pages"),
        ("show", key(), "--run", "bad.json"),
        ("compare", "run.json", "bad.json"),
        ("compare", "bad.json", "run.json"),
        ("reproduce", key(), "--run", "bad.json"),
        ("reproduce", "--verify", "--run", "bad.json"),
    ):
        said = sentence(invoke(*arguments))
        assert "bad.json" in said
        assert message in said
    assert contents(folder) == before
    assert not (folder / "pages").exists()


def test_a_fresh_report_refuses_runs_that_are_not_complete_or_of_another_suite(folder: Path) -> None:
    runfile.write(make_run([observation(key())], status="partial"), folder / "partial.json")
    for path in ("run.json", "partial.json"):
        assert path in sentence(invoke("report", path, "-o", "pages", "--fresh"))
        assert not (folder / "pages").exists()
        assert invoke("report", path, "-o", f"of-{path}").exit_code == 0


def test_a_framework_that_is_not_installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(adapter("jax")), "versions", lambda _: {})
    before = contents(folder)
    for more in ((), ("-k", "softmax")):
        assert "pip install '.[jax]' in a clone" in sentence(invoke(*RUN, "-f", "jax", *more))
    assert contents(folder) == before
