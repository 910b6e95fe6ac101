"""The command and plain pytest are two views of one session: plan, workers, recorder."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from gaugeblock.reports import runfile
from gaugeblock.reports.records import Run

from tests.invoking import gaugeblock, python
from tests.plugging import bring, import_path

ADAPTER = """
import numpy
from gaugeblock.adapters.base import Adapter, Mode, implements

RIGHT = "(numpy.where(x >= 0, 1, numpy.exp(-numpy.abs(x))) / (1 + numpy.exp(-numpy.abs(x))))"

class Endings(Adapter):
    framework = "endings"
    distributions = ("numpy",)
    modules = ("numpy",)
    modes = (Mode("eager", dtypes=("float32",)),)
    differentiable = False
    table = (
        implements("sigmoid", RIGHT, name="endings.right"),
        implements("sigmoid", "(x * 0)", name="endings.wrong"),
        implements("sigmoid", "(x * 0 + 1)", name="endings.known"),
        implements("sigmoid", "numpy.reshape(x, (7, 7, 7))", name="endings.refusing"),
        implements("sigmoid", "nothing.like(x)", name="endings.broken"),
    )
    known = (
        {"id": "always-one", "kind": "limitation", "keys": ["sigmoid/endings.known/*/*/*/value/*"], "why": "planted",
         "wrong": True, "at_most": 1e300},
    )

    def put(self, array, device):
        return array

    def get(self, answer):
        return numpy.asarray(answer)

ADAPTER = Endings()
"""

EXPRESSION = "endings and float32 and (value or row-alone)"

ENDS = {
    "endings.right": {"value": "passed", "row-alone": "passed"},
    "endings.wrong": {"value": "failed", "row-alone": "passed"},
    "endings.known": {"value": "xfailed", "row-alone": "passed"},
    "endings.refusing": {"value": "failed", "row-alone": "skipped"},
    "endings.broken": {"value": "error", "row-alone": "error"},
}
"""How each test ends in pytest's words."""

PYTEST = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--pyargs", "gaugeblock.conformance"]
CLONE = Path(__file__).parents[2]
OUTCOMES = {"failure": "failed", "error": "error", "pytest.skip": "skipped", "pytest.xfail": "xfailed"}


def essence(run: Run) -> dict[str, object]:
    """A run without what differs from one to the next."""
    found = msgspec.to_builtins(run)
    return {name: value for name, value in found.items() if name not in ("created", "seconds")}


def outcomes(report: Path) -> Iterator[tuple[str, str]]:
    """The parameter of each test, and how pytest says that it ended."""
    for case in ElementTree.parse(report).iter("testcase"):
        (below,) = [each for each in case if each.tag in ("failure", "error", "skipped")] or [None]
        kind = None if below is None else below.get("type") if below.tag == "skipped" else below.tag
        yield case.attrib["name"].partition("[")[2][:-1], OUTCOMES[str(kind)] if kind else "passed"


def test_both_views_show_the_same_outcomes_and_write_the_same_run(tmp_path: Path) -> None:
    bring(tmp_path, "endings", ADAPTER)
    path = import_path(tmp_path)
    done = gaugeblock("run", "-f", "endings", "-k", EXPRESSION, "-o", tmp_path / "run.json", PYTHONPATH=path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "sigmoid/endings.wrong/float32/cpu/eager/value/ordinary: deviates, " in done.stdout
    assert "harness error: " in done.stdout
    run = runfile.read(tmp_path / "run.json")
    assert run.status == "broken"

    options = ["--gaugeblock-framework", "endings", "--gaugeblock-output", "view.json", "--junitxml", "report.xml"]
    seen = python(*PYTEST, *options, "-k", EXPRESSION, cwd=tmp_path, PYTHONPATH=path)
    assert seen.returncode == 1, seen.stdout + seen.stderr
    assert dict(outcomes(tmp_path / "report.xml")) == {
        f"sigmoid/{name}/float32/cpu/eager/{check}": end for name, ends in ENDS.items() for check, end in ends.items()
    }
    assert "sigmoid/endings.wrong/float32/cpu/eager/value/ordinary: deviates, " in seen.stdout
    assert essence(runfile.read(tmp_path / "view.json")) == essence(run)


@pytest.mark.parametrize("inside", ["elsewhere", "a clone"])
def test_pytest_finds_the_suite_wherever_it_is_started(inside: str, tmp_path: Path) -> None:
    options = ["--gaugeblock-framework", "numpy", "--collect-only", "-k", "sigmoid/numpy.stable/float32 and value"]
    done = python(*PYTEST, *options, cwd=CLONE if inside == "a clone" else tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "test_conformance[sigmoid/numpy.stable/float32/cpu/eager/value]" in done.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--gaugeblock-framework=nump"], "there is no framework 'nump': did you mean 'numpy'?"),
        (["--gaugeblock-effort=mad"], "there is no effort 'mad'"),
        (["--gaugeblock-output=."], "is no file; name a file for the run."),
        (["--gaugeblock-timeout=0"], "'0' is no number between 0 and 86400"),
        (["--gaugeblock-framework=numpy", "-n2"], "measures in processes of its own: leave -n out."),
    ],
)
def test_what_pytest_cannot_be_asked_is_said_in_a_line(options: list[str], message: str, tmp_path: Path) -> None:
    done = python(*PYTEST, *options, cwd=tmp_path)
    assert done.returncode != 0
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stdout
    assert not list(tmp_path.glob("*.json"))
