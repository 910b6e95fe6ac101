"""The command `run`: measure the installed frameworks."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from gaugeblock.adapters import processor
from gaugeblock.adapters.registry import FRAMEWORKS
from gaugeblock.conformance.cli.terminal import (
    EFFORT,
    RUN_FILE,
    console,
    fail,
    failing,
    jobs,
    output,
    progress,
    several,
)
from gaugeblock.conformance.known.reading import KnownError
from gaugeblock.conformance.session.measure import DEVIATES, NothingError, measure
from gaugeblock.conformance.session.plan import Selection, SelectionError
from gaugeblock.reference.formats import FORMATS
from gaugeblock.reports.runfile import RunFileError
from gaugeblock.reports.summary import terminal_table


@click.command(epilog="Exit code: 0 nothing deviates but what is known, 1 something does, 2 usage or harness error.")
@several(
    "--framework", "-f", "frameworks", metavar="NAME",
    help=f"Measure this framework alone: {', '.join(FRAMEWORKS)} or a plug-in. Default: all that are installed.",
)  # fmt: skip
@several(
    "--device", "devices", metavar="DEVICE",
    help="Measure on this device alone: cpu, cuda, cuda:N or a plug-in's. Default: every device there is.",
)  # fmt: skip
@several(
    "--dtype", "dtypes", metavar="DTYPE",
    help=f"Measure in this dtype alone: {', '.join(FORMATS)}, or int64 for operations on labels.",
)  # fmt: skip
@several(
    "--mode", "modes", metavar="MODE",
    help="Measure in this mode alone: eager, compiled, or a mode's full name such as torch-eager.",
)  # fmt: skip
@several(
    "--operation", "operations", metavar="NAME",
    help="Measure this operation alone, such as softmax, or those of a pattern, such as '*focal*'.",
)  # fmt: skip
@several(
    "--implementation", "implementations", metavar="PATH",
    help="Measure this public path alone, such as torch.nn.Softmax, or those of a pattern.",
)  # fmt: skip
@several(
    "--check", "checks", metavar="NAME",
    help="Ask this check alone, such as value, or those of a pattern; see gaugeblock list checks.",
)  # fmt: skip
@click.option(
    "-k", "expression", default="", metavar="EXPR",
    help="Only tests whose key matches, in pytest's language: 'softmax and not gradient'. A test's key is"
    " operation/implementation/dtype/device/mode/check.",
)  # fmt: skip
@output("Where to write the run file.", RUN_FILE, required=True)
@click.option(
    "--timeout", type=click.FloatRange(min=0, min_open=True, max=86400), default=180.0, show_default=True,
    metavar="SECONDS", help="End a framework that does not answer a call in time.",
)  # fmt: skip
@jobs("Workers at a time, each with a framework.")
@click.option("--skip-missing-device", is_flag=True, help="Record a device that is not there as not run.")
@click.option(
    "--skip-without",
    type=click.Choice(processor.INSTRUCTION_SETS),
    envvar="GAUGEBLOCK_SKIP_WITHOUT",
    show_envvar=True,
    help="Measure nothing, and say so, where the processor lacks this instruction set.",
)
@several(
    "--known", "known", metavar="FILE", type=click.Path(path_type=Path),
    help="Apply the known deviations of this file, too; 'gaugeblock known' drafts one.",
)  # fmt: skip
@click.option("--strict", is_flag=True, help="Fail if a known deviation does not show on this machine.")
@EFFORT
def run(
    output: Path, timeout: float, jobs: int | None, skip_without: str | None, strict: bool, **selected: Any
) -> None:
    """Measure the installed frameworks and write a run file.

    Ctrl-C keeps what is finished: the run file then says that it is partial. What only --effort thorough asks may show
    deviations that are not recorded yet.
    """
    if skip_without is not None and not processor.has(skip_without):
        there = processor.instruction_set()
        click.echo(f"not run: this processor has {there}, and not {skip_without}; no run file was written")
        return
    try:
        with (
            failing(SelectionError, KnownError, NothingError, RunFileError, output=output),
            progress("measuring", "tests") as advance,
        ):
            measured = measure(
                Selection(**selected), output, timeout=timeout, jobs=jobs, strict=strict, progress=advance
            )
    except KeyboardInterrupt:
        fail("interrupted before anything was finished; no run file was written.")
    shown, lines = console(), list(measured.lines)
    if measured.run is not None:
        shown.print(terminal_table(measured.run))
    if measured.written is not None:
        lines += [
            f"Run file: {measured.written}",
            f"A page of it: gaugeblock report {measured.written} --output report",
        ]
    if measured.code == DEVIATES:
        lines.append(f"One observation in full: gaugeblock show KEY --run {measured.written}")
    for line in lines:
        shown.print(line, markup=False, highlight=False, soft_wrap=True)
    sys.exit(measured.code)
