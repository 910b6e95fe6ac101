"""The main job on NumPy and scikit-learn, as the README's quick command runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

STORY = "categorical_cross_entropy/sklearn.metrics.log_loss/float64/cpu/eager/value/mean-three-animals-model-{}"


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    output = tmp_path_factory.mktemp("job") / "quick.json"
    command = [
        sys.executable,
        "-m",
        "gaugeblock.conformance",
        "run",
        "-f",
        "numpy",
        "-f",
        "sklearn",
        "-o",
        str(output),
    ]
    return subprocess.run(command, capture_output=True, text=True, check=False), output


@pytest.fixture(scope="module")
def run(job: tuple[subprocess.CompletedProcess[str], Path]) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(job[1].read_text(encoding="utf-8"))
    return loaded


def test_every_deviation_is_explained(job: tuple[subprocess.CompletedProcess[str], Path], run: dict[str, Any]) -> None:
    process, _ = job
    assert process.returncode == 0, process.stdout + process.stderr
    assert run["status"] == "complete"
    verdicts = Counter(observation["verdict"] for observation in run["observations"])
    assert verdicts["conforms"] > 2000
    assert verdicts["documented"] > 100
    assert set(verdicts) <= {"conforms", "documented", "unsupported"}


def test_textbook_forms_are_seen_to_overflow(run: dict[str, Any]) -> None:
    seen = {observation["key"]: observation for observation in run["observations"]}
    sigmoid = seen["sigmoid/numpy.textbook/float32/cpu/eager/value/subnormal-results"]
    softmax = seen["softmax/numpy.textbook/float32/cpu/eager/value/large-offset-10"]
    assert sigmoid["verdict"] == "documented"
    assert float.fromhex(sigmoid["witness"]["got"]) == 0.0
    assert softmax["accuracy"] == "wrong"
    assert softmax["witness"]["got"] == "nan"
    for name in ("sigmoid/numpy.stable/float32/cpu/eager/value/subnormal-results",
                 "softmax/numpy.stable/float32/cpu/eager/value/large-offset-10"):  # fmt: skip
        assert seen[name]["verdict"] == "conforms"


def test_stable_forms_conform_everywhere(run: dict[str, Any]) -> None:
    # They are forms for floats and integer labels: what unsigned numbers and float labels do is told, not promised.
    wrong = [
        o["key"]
        for o in run["observations"]
        if "/numpy.stable/" in o["key"] and "/input-dtype/" not in o["key"] and o["verdict"] != "conforms"
    ]
    # NumPy has no maximum of nothing; dense lines reach a quotient and a sum that are beyond the largest number.
    beyond = [f"{operation}/numpy.stable/" for operation in ("kl_divergence", "multi_margin")]
    assert all(key.startswith(tuple(beyond)) for key in wrong if "/dense/" in key), wrong
    known = ("/label-dtype/", "/shapes/size-zero-axis", "/dense/")
    assert all(any(part in key for part in known) for key in wrong), wrong
    refused = [o for o in run["observations"] if o["key"] in wrong and "/dense/" not in o["key"]]
    assert {o["verdict"] for o in refused} == {"unsupported"}


def test_expit_reaches_two_and_a_half_ulp(run: dict[str, Any]) -> None:
    (seen,) = [
        o for o in run["observations"] if o["key"] == "sigmoid/scipy.special.expit/float32/cpu/eager/value/worst-known"
    ]
    assert 2.0 < seen["error"] < 3.0


@pytest.mark.parametrize(
    ("model", "figure", "printed"),
    [(1, 1.3783888522474517, 1.3783888722474517), (2, 0.6391075640678003, 0.6391075640678003)],
)
def test_log_loss_of_three_animals(run: dict[str, Any], model: int, figure: float, printed: float) -> None:
    """The second figure that the story prints is the loss to the last bit; the first is not the loss at all."""
    (seen,) = [o for o in run["observations"] if o["key"] == STORY.format(model)]
    assert seen["verdict"] == "conforms"
    assert float.fromhex(seen["witness"]["got"]) == figure
    exact = float(seen["witness"]["expected"])
    assert (abs(printed - exact) < 1e-12) == (model == 2)


def test_the_run_says_which_printed_figure_is_not_the_loss(run: dict[str, Any]) -> None:
    labels = {
        o["key"].rpartition("/")[2]: o["label"]
        for o in run["observations"]
        if "/sklearn.metrics.log_loss/" in o["key"] and "/three-animals-model-" in o["key"] and "label" in o
    }
    assert labels == {"three-animals-model-1": "no, it is 1.3783888522474517", "three-animals-model-2": "yes"}
