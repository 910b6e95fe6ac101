"""Distributions that bring plug-ins, written into a folder as pip would leave them."""

import os
from pathlib import Path


def bring(folder: Path, name: str, text: str | None, distribution: str = "") -> None:
    """A distribution with the entry point `name` and the module behind it, unless the text is None."""
    distribution = distribution or name
    module, metadata = f"{distribution}_adapter", folder / f"{distribution}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[gaugeblock.adapters]\n{name} = {module}:ADAPTER\n")
    if text is not None:
        (folder / f"{module}.py").write_text(text.replace("{name}", name))


def import_path(folder: Path) -> str:
    """PYTHONPATH of a process that finds what lies in the folder first."""
    return os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
