"""A plug-in whose implementations end in every way that a test can end."""

import os
from pathlib import Path

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
        {"id": "always-one", "keys": ["sigmoid/endings.known/*/*/*/value/*"], "why": "planted", "wrong": True,
         "at_most": 1e300},
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


def environment(folder: Path) -> dict[str, str]:
    """The environment of a process that sees the plug-in, which is written into the folder."""
    metadata = folder / "endings-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: endings\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(
        "[gaugeblock.adapters]\nendings = endings_adapter:ADAPTER\n", encoding="utf-8"
    )
    (folder / "endings_adapter.py").write_text(ADAPTER, encoding="utf-8")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}
