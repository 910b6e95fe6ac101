"""Sessions in which something is missing: a framework, a device, or what a framework needs to be imported."""

import os
from pathlib import Path

import pytest
from gaugeblock.adapters.registry import adapter
from gaugeblock.conformance.session.measure import CONFORMS, measure
from gaugeblock.conformance.session.plan import Selection, present_devices
from gaugeblock.reports import runfile

from tests.invoking import Process, gaugeblock

NARROW = "sigmoid and float32 and value"


def run(output: Path, *arguments: str, **environ: str) -> Process:
    return gaugeblock("run", "-k", NARROW, "-o", output, *arguments, **environ)


def test_a_framework_that_fails_to_import_breaks_the_run_and_leaves_a_good_one_alone(tmp_path: Path) -> None:
    output = tmp_path / "run.json"
    assert run(output, "-f", "numpy").returncode == 0
    good = output.read_bytes()
    package = tmp_path / "path" / "scipy"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('libfoo.so.1: cannot open shared object file')\n")
    path = os.pathsep.join([str(package.parent), os.environ.get("PYTHONPATH", "")])
    process = run(output, "-f", "numpy", PYTHONPATH=path)
    assert process.returncode == 2
    assert "harness error: numpy could not be imported: ImportError: libfoo.so.1" in process.stdout
    assert output.read_bytes() == good
    broken = runfile.read(tmp_path / "run.broken.json")
    assert (broken.status, broken.observations) == ("broken", [])
    assert broken.frameworks["numpy"].status == "harness_error"
    assert "libfoo.so.1" in (broken.frameworks["numpy"].message or "")


def test_a_framework_that_is_not_installed_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(adapter("jax")), "versions", lambda _: {})
    selection = Selection(("numpy", "jax"), expression="sigmoid/numpy.stable/float32 and value")
    measured = measure(selection, tmp_path / "run.json", timeout=60, jobs=1)
    assert measured.code == CONFORMS, measured.lines
    assert any("pip install '.[jax]' in a clone" in line for line in measured.lines)
    framework = runfile.read(tmp_path / "run.json").frameworks["jax"]
    assert framework.status == "not_run"
    assert "pip install" in (framework.message or "")


@pytest.mark.skipif(len(present_devices()) > 1, reason="there is a CUDA device here")
def test_a_missing_device_is_refused_or_skipped(tmp_path: Path) -> None:
    output = tmp_path / "run.json"
    refused = run(output, "--device", "cuda")
    assert refused.returncode == 2
    assert "there is no device 'cuda'" in refused.stderr
    skipped = run(output, "-f", "numpy", "--device", "cuda", "--skip-missing-device")
    assert skipped.returncode == 0
    assert "not run: there is no device cuda" in skipped.stdout
    assert not output.exists()
