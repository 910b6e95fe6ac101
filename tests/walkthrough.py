"""Executes a page: writes the files that its blocks name, changes them as it says, and runs its commands.

A block after a line `NAME`: is that file. One after In `NAME`: changes it: what it defines, and what a class of it
defines, takes the place of what has that name, and the rest is added. Commands stand behind $ in blocks of `console`,
above what they print, in which ... stands for what varies: alone for any lines.
"""

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """What stands between fences, and the line before it."""

    language: str
    text: str
    before: str


def sections(page: Path) -> dict[str, list[Block]]:
    """The blocks below each heading of the second rank."""
    found = {}
    for part in re.split(r"^## ", page.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        title, _, text = part.partition("\n")
        found[title] = [
            Block(each[1], each[2], text[: each.start()].strip().rpartition("\n")[2]) for each in FENCE.finditer(text)
        ]
    return found


def _names(statement: ast.stmt) -> set[str]:
    match statement:
        case ast.FunctionDef() | ast.ClassDef():
            return {statement.name}
        case ast.Assign():
            return {target.id for target in statement.targets if isinstance(target, ast.Name)}
        case ast.ImportFrom():
            return {f"from {statement.module}"}
    return set()


def changed(source: str, block: str) -> str:
    """The source with what the block defines in place of what had its names, or after the rest."""
    for statement in ast.parse(block).body:
        known = [each for each in ast.parse(source).body if isinstance(each, ast.ClassDef)]
        if isinstance(statement, ast.ClassDef) and statement.name in {each.name for each in known}:
            for member in statement.body:
                source = _with(source, block, member, statement.name)
        else:
            source = _with(source, block, statement)
    return source


def _with(source: str, block: str, statement: ast.stmt, inside: str | None = None) -> str:
    """The source with one statement of the block more, or another in its place: of the file, or of a class."""
    body = ast.parse(source).body
    if inside is not None:
        body = next(each.body for each in body if isinstance(each, ast.ClassDef) and each.name == inside)
    old = next((each for each in body if _names(each) & _names(statement)), None)
    lines, new = source.splitlines(), block.splitlines()[statement.lineno - 1 : statement.end_lineno]
    if old is not None:
        lines[old.lineno - 1 : old.end_lineno] = new
    elif isinstance(statement, ast.ImportFrom):
        at = max(each.end_lineno or 0 for each in body if isinstance(each, ast.ImportFrom))
        lines[at:at] = new
    else:
        at = body[-1].end_lineno or 0
        lines[at:at] = ["", *new]
    return "\n".join(lines) + "\n"


def _installed(folder: Path) -> None:
    """What `pip install -e .` leaves for Python to find, as far as entry points and versions go."""
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    metadata = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    metadata.mkdir(exist_ok=True)
    head = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (metadata / "METADATA").write_text(head, encoding="utf-8")
    groups = [
        "\n".join([f"[{group}]", *(f"{name} = {value}" for name, value in points.items()), ""])
        for group, points in project["entry-points"].items()
    ]
    (metadata / "entry_points.txt").write_text("\n".join(groups), encoding="utf-8")


@dataclass
class Shell:
    """Runs commands in a folder, one after another."""

    folder: Path
    status: int = 0

    def __post_init__(self) -> None:
        command = self.folder / "bin" / "gaugeblock"
        command.parent.mkdir(parents=True)
        program = "from gaugeblock.conformance.cli.app import main; main(prog_name='gaugeblock')"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{program}" "$@"\n', encoding="utf-8")
        command.chmod(0o755)

    def run(self, command: str) -> str:
        """What a command prints."""
        if command == "pip install -e .":
            _installed(self.folder)
            return ""
        environ = {
            **os.environ,
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join([str(self.folder), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]),
            "GAUGEBLOCK_CACHE": str(self.folder / "cache"),
        }
        shell = ["/bin/sh", "-c", f"exec 2>&1; (exit {self.status}); {command}"]
        done = subprocess.run(shell, cwd=self.folder, env=environ, stdout=subprocess.PIPE, text=True, check=False)
        self.status = done.returncode
        return done.stdout


def commands(block: Block) -> Iterator[tuple[str, str]]:
    """The commands of a block, with what is shown below each."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield command, shown


def _plain(text: str) -> list[str]:
    """Lines without the columns' widths."""
    return [" ".join(line.split()) for line in text.strip().splitlines()]


def agrees(printed: str, shown: str) -> bool:
    """Whether a command printed what is shown."""
    patterns = [
        r"(?:.*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") + r"\n" for line in _plain(shown)
    ]
    return re.fullmatch("".join(patterns), "".join(f"{line}\n" for line in _plain(printed))) is not None


def wrote(folder: Path, block: Block) -> str | None:
    """The file that a block makes or changes, if the line before it names one."""
    whole, part = re.fullmatch(r"`([^`]+)`:", block.before), re.fullmatch(r"In `([^`]+)`:", block.before)
    name = whole or part
    if name is None:
        return None
    file = folder / name[1]
    text = block.text if whole else changed(file.read_text(encoding="utf-8"), block.text)
    file.write_text(text, encoding="utf-8")
    return name[1]
