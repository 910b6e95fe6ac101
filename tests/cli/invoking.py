"""The command line in this process, for what measures nothing, and what it says where something is wrong."""

from pathlib import Path

from click.testing import CliRunner, Result
from gaugeblock.conformance.cli.app import main


def invoke(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments], prog_name="gaugeblock")


def sentence(result: Result) -> str:
    """The one sentence on standard error of a command that could not do what it was told, and did nothing else."""
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("gaugeblock: ")
    assert len(result.stderr.strip().splitlines()) == 1, result.stderr
    assert result.stderr.endswith((".\n", "?\n"))
    return result.stderr
