"""docs/adding-a-framework.md is executed: its files, the changes to them, its commands and what they print."""

import importlib.util
import sys
from pathlib import Path

import pytest

from tests import walkthrough

PAGE = Path(__file__).parents[1] / "docs" / "adding-a-framework.md"
SECTIONS = walkthrough.sections(PAGE)
TORCH, CUPY, WRONG = "A PyTorch backend of your own", "Array libraries such as CuPy", "When something is wrong"
STORY = [title for title in SECTIONS if title not in (TORCH, CUPY, WRONG)]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the page's commands are a shell's")

PROJECT = """[project]
name = "{name}"
version = "0.1"

[project.entry-points."gaugeblock.adapters"]
{framework} = "gaugeblock_{framework}:ADAPTER"
"""


def play(shell: walkthrough.Shell, titles: list[str]) -> int:
    """Do what sections say; how many commands were run."""
    ran = 0
    for block in (block for title in titles for block in SECTIONS[title]):
        if block.language != "console":
            assert walkthrough.wrote(shell.folder, block), f"no file is named before {block.text}"
            continue
        for command, shown in walkthrough.commands(block):
            printed = shell.run(command)
            ran += 1
            assert walkthrough.agrees(printed, shown), f"$ {command}\n{printed}\nis not\n{shown}"
    return ran


def project(shell: walkthrough.Shell, framework: str, name: str) -> None:
    text = PROJECT.format(name=name, framework=framework)
    (shell.folder / "pyproject.toml").write_text(text, encoding="utf-8")
    shell.run("pip install -e .")


def test_tinyflow(tmp_path: Path) -> None:
    assert len(STORY) >= 8
    assert play(walkthrough.Shell(tmp_path), STORY) >= 15


BACKEND = Path(__file__).with_name("privateuseone.py")


def test_a_pytorch_backend(tmp_path: Path) -> None:
    shell = walkthrough.Shell(tmp_path)
    project(shell, "mynpu", "mynpu")
    (tmp_path / "mynpu.py").write_text(BACKEND.read_text(encoding="utf-8"), encoding="utf-8")
    torch = importlib.util.find_spec("torch")
    registration = Path(torch.origin).parent / "utils" / "backend_registration.py" if torch and torch.origin else None
    if registration is None or "for_python_backend" not in registration.read_text(encoding="utf-8"):
        # The adapter is read without PyTorch; older releases have no backends in Python.
        walkthrough.wrote(tmp_path, SECTIONS[TORCH][0])
        assert "mynpu" in shell.run("gaugeblock list frameworks")
        assert "mynpu.torch.softmax" in shell.run("gaugeblock list implementations")
    else:
        assert play(shell, [TORCH]) == 2


CUPY_ON_NUMPY = '''"""A stand-in for CuPy, on NumPy and SciPy."""

import contextlib
import sys
import types

from numpy import *
from scipy import special

asnumpy = asarray
sys.modules["cupyx.scipy.special"] = special
sys.modules["cupyx"] = types.SimpleNamespace(scipy=types.SimpleNamespace(special=special))


class Runtime:
    def getDeviceCount(self):
        return 1

    def getDeviceProperties(self, number):
        return {"name": b"none"}


cuda = types.SimpleNamespace(runtime=Runtime(), Device=lambda number: contextlib.nullcontext())
'''


def test_an_array_library(tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    shell = walkthrough.Shell(tmp_path)
    project(shell, "cupy", "cupy-cuda12x")
    (tmp_path / "cupy.py").write_text(CUPY_ON_NUMPY, encoding="utf-8")
    # There need be no CUDA device: one that is missing is asked for, and CuPy's stand-in has it.
    blocks = SECTIONS[CUPY]
    walkthrough.wrote(tmp_path, blocks[0])
    for command, shown in walkthrough.commands(blocks[1]):
        printed = shell.run(command.replace("run ", "run --skip-missing-device "))
        assert walkthrough.agrees(printed, shown), printed


def test_a_plug_in_that_cannot_be_used(tmp_path: Path) -> None:
    shell = walkthrough.Shell(tmp_path)
    project(shell, "badflow", "badflow")
    for block in SECTIONS["The adapter"][:1]:
        text = block.text.replace("tinyflow", "badflow").replace("(x, axis=axis)", "(x)")
        (tmp_path / "gaugeblock_badflow.py").write_text(text, encoding="utf-8")
    assert play(shell, [WRONG]) == 1
    assert shell.status == 2


@pytest.mark.parametrize(
    ("printed", "shown", "agreed"),
    [
        ("a  b\nc\n", "a b\nc", True),
        ("a\nb\nc\n", "a\n...\nc", True),
        ("a\nc\n", "a\n...\nc", True),
        ("a 1 c\n", "a ... c", True),
        ("a\nb\nc\n", "a\nc", False),
        ("a\nb\n", "a", False),
        ("a.c\n", "abc", False),
        ("", "", True),
        ("a\n", "", False),
    ],
)
def test_what_is_shown_is_compared(printed: str, shown: str, agreed: bool) -> None:
    assert walkthrough.agrees(printed, shown) is agreed


SOURCE = """import a
from b import c


def f():
    return 1


class A:
    x = 1

    def g(self):
        pass


LAST = A()
"""
CHANGE = """from d import e


def f():
    return 2


class A:
    x = 2

    def h(self):
        return 3
"""
CHANGED = """import a
from b import c
from d import e


def f():
    return 2


class A:
    x = 2

    def g(self):
        pass

    def h(self):
        return 3


LAST = A()
"""


def test_a_change_replaces_what_has_the_name_and_adds_the_rest() -> None:
    assert walkthrough.changed(SOURCE, CHANGE) == CHANGED
    assert walkthrough.changed("x = 1\n", "y = 2\n") == "x = 1\n\ny = 2\n"
