"""The command line in this process and in one of its own, and what it says where something is wrong."""

import os
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result
from gaugeblock.conformance.cli.app import main
from gaugeblock.reports import runfile
from gaugeblock.reports.records import Run

Process = subprocess.CompletedProcess[str]


def invoke(*arguments: str | Path) -> Result:
    """The command in this process: for what measures nothing."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="gaugeblock")


def python(*arguments: str | Path, cwd: Path | None = None, session: bool = False, **environ: str) -> Process:
    """Python in a process of its own, and with `session` in a group of its own."""
    command, how = [sys.executable, *arguments], {"cwd": cwd, "env": {**os.environ, **environ}, "timeout": 3600}
    return subprocess.run(command, capture_output=True, text=True, check=False, start_new_session=session, **how)


def gaugeblock(*arguments: str | Path, cwd: Path | None = None, **environ: str) -> Process:
    """The command in a process of its own."""
    return python("-m", "gaugeblock.conformance", *arguments, cwd=cwd, **environ)


def measured(output: Path, *arguments: str) -> Run:
    """A run in which every deviation is known."""
    done = gaugeblock("run", *arguments, "-o", output)
    assert done.returncode == 0, done.stdout + done.stderr
    return runfile.read(output)


def sentence(result: Result) -> str:
    """The one sentence on standard error of a command that could not do what it was told, and did nothing else."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("gaugeblock: ")
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert result.stderr.endswith((".\n", "?\n"))
    return result.stderr
