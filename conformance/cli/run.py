"""The command `run`: measure the installed frameworks."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from gaugeblock.adapters.registry import FRAMEWORKS
from gaugeblock.conformance.cli.terminal import EFFORT, RUN_FILE, console, fail, progress, several
from gaugeblock.conformance.session.measure import DEVIATES, Measurement, NothingError, measure
from gaugeblock.conformance.session.plan import Selection, SelectionError
from gaugeblock.reference.formats import FORMATS
from gaugeblock.reports import runfile
from gaugeblock.reports.summary import terminal_table

EPILOGUE = "Exit code: 0 nothing deviates but what is known, 1 something does, 2 usage or harness error."


@click.command(epilog=EPILOGUE)
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
@click.option(
    "-k",
    "expression",
    default="",
    metavar="EXPR",
    help="Only tests whose key matches, in pytest's language: 'softmax and not gradient'. A test's key is"
    " operation/implementation/dtype/device/mode/check.",
)
@click.option("--output", "-o", required=True, type=RUN_FILE, help="Where to write the run file.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True, max=86400),
    default=180.0,
    show_default=True,
    metavar="SECONDS",
    help="End a framework that does not answer a call in time.",
)
@click.option(
    "--jobs", "-j", type=click.IntRange(min=1), metavar="N", help="Framework processes at a time. Default: cores."
)
@click.option("--skip-missing-device", is_flag=True, help="Record a device that is not there as not run.")
@click.option("--strict", is_flag=True, help="Fail where a known deviation does not show on this machine.")
@EFFORT
def run(
    frameworks: tuple[str, ...], devices: tuple[str, ...], dtypes: tuple[str, ...], modes: tuple[str, ...],
    expression: str, output: Path, timeout: float, jobs: int | None, skip_missing_device: bool, strict: bool,
    effort: str,
) -> None:  # fmt: skip
    """Measure the installed frameworks and write a run file.

    Ctrl-C keeps what is finished: the run file then says that it is partial. What only --effort thorough asks may show
    deviations that are not recorded yet.
    """
    selection = Selection(frameworks, devices, dtypes, modes, expression, effort, skip_missing_device)
    try:
        with progress("measuring", "tests") as advance:
            measured = measure(selection, output, timeout=timeout, jobs=jobs, strict=strict, progress=advance)
    except (SelectionError, NothingError, runfile.RunFileError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{output} cannot be written ({error.strerror}); give another --output.")
    except KeyboardInterrupt:
        fail("interrupted before anything was finished; no run file was written.")
    _print(measured)
    sys.exit(measured.code)


def _print(measured: Measurement) -> None:
    shown = console()
    if measured.run is not None:
        shown.print(terminal_table(measured.run))
    lines = list(measured.lines)
    path = measured.written
    if path is not None:
        lines += [f"Run file: {path}", f"A page of it: gaugeblock report {path} --output report"]
    if measured.code == DEVIATES:
        lines.append(f"One observation in full: gaugeblock show KEY --run {path}")
    for line in lines:
        shown.print(line, markup=False, highlight=False, soft_wrap=True)
