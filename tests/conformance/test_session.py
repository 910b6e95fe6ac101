"""Sessions in which something is missing: a framework, a device, or a framework's own import."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from gaugeblock.adapters.registry import adapter
from gaugeblock.conformance.session.plan import present_devices

NARROW = "sigmoid and float32 and value"


def measured(output: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gaugeblock.conformance", "run", "-k", NARROW, "-o", str(output), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environ})


def loaded(path: Path) -> dict[str, Any]:
    run: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return run


def test_a_framework_that_fails_to_import_is_a_harness_error(tmp_path: Path) -> None:
    package = tmp_path / "path" / "scipy"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('libfoo.so.1: cannot open shared object file')\n")
    output = tmp_path / "run.json"
    process = measured(output, "-f", "numpy", PYTHONPATH=str(package.parent))
    assert process.returncode == 2
    assert "harness error: numpy could not be imported: ImportError: libfoo.so.1" in process.stdout
    run = loaded(output)
    assert run["status"] == "broken"
    assert run["frameworks"]["numpy"]["status"] == "harness_error"
    assert "libfoo.so.1" in run["frameworks"]["numpy"]["message"]
    assert run["observations"] == []


def test_a_broken_run_leaves_a_good_one_alone(tmp_path: Path) -> None:
    output = tmp_path / "run.json"
    assert measured(output, "-f", "numpy").returncode == 0
    good = output.read_bytes()
    package = tmp_path / "path" / "scipy"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('no')\n")
    assert measured(output, "-f", "numpy", PYTHONPATH=str(package.parent)).returncode == 2
    assert output.read_bytes() == good
    assert loaded(tmp_path / "run.broken.json")["status"] == "broken"


def test_a_framework_that_is_not_installed_is_not_run(tmp_path: Path) -> None:
    absent = [name for name in ("torch", "tensorflow", "jax") if not adapter(name).versions()]
    if not absent:
        pytest.skip("every framework is installed here")
    output = tmp_path / "run.json"
    process = measured(output, "-f", "numpy", "-f", absent[0])
    assert process.returncode == 0, process.stdout + process.stderr
    assert f"pip install '.[{adapter(absent[0]).extra}]' in a clone" in process.stdout
    framework = loaded(output)["frameworks"][absent[0]]
    assert framework["status"] == "not_run"
    assert "pip install" in framework["message"]
    alone = measured(tmp_path / "alone.json", "-f", absent[0])
    assert alone.returncode == 2
    assert "pip install" in alone.stderr
    assert not (tmp_path / "alone.json").exists()


@pytest.mark.skipif(len(present_devices()) > 1, reason="there is a CUDA device here")
def test_a_missing_device_is_refused_or_skipped(tmp_path: Path) -> None:
    output = tmp_path / "run.json"
    refused = measured(output, "--device", "cuda")
    assert refused.returncode == 2
    assert "there is no device 'cuda'" in refused.stderr
    skipped = measured(output, "-f", "numpy", "--device", "cuda", "--skip-missing-device")
    assert skipped.returncode == 0
    assert "not run: there is no device cuda" in skipped.stdout
    assert not output.exists()
