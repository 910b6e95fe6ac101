"""Where a run's time goes: import, framework calls, oracle, and the rest, as shares of one run.

    python benchmarks/phases.py numpy sklearn torch -n 3 --mode eager

measures each framework with one process at a time, so that the parts add up; what follows the frameworks is handed
to `gaugeblock run`. Of -n runs it prints the one of median rate: observations for each second of the suite's own time,
everything but import and framework, once by the seconds of the run file, which end with the last test (`own`), and
once by those of the command from its start to its exit (`whole`): the suite's own imports, the run file and the
table too. The oracle's share is that of a cold session.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from gaugeblock.reports import runfile
from gaugeblock.reports.records import Run

PARTS = ("import", "framework", "oracle", "rest")


def measure(framework: str, more: Sequence[str]) -> tuple[Run, float]:
    """A run of one framework, and the wall-clock seconds of the whole command."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "run.json"
        command = [sys.executable, "-m", "gaugeblock.conformance", "run", "-f", framework, "-j", "1", "-o", str(output)]
        started = time.perf_counter()
        subprocess.run([*command, *more], check=False, stdout=subprocess.DEVNULL)
        return runfile.read(output), time.perf_counter() - started


def rates(run: Run, whole: float) -> tuple[float, float]:
    """Observations a second of own time: of the run's threads, and of the whole command."""
    count, seconds = len(run.observations), run.seconds
    return count / (seconds["oracle"] + seconds["rest"]), count / (whole - seconds["import"] - seconds["framework"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("framework", nargs="+")
    parser.add_argument("-n", type=int, default=1, metavar="RUNS")
    chosen, more = parser.parse_known_args()
    head = " ".join(f"{part:>10}" for part in PARTS)
    print(f"{'framework':12} {'observations':>12} {'total s':>8} {head} {'own':>9} {'whole':>9}")
    for framework in chosen.framework:
        measured = sorted((measure(framework, more) for _ in range(chosen.n)), key=lambda each: rates(*each))
        run, whole = measured[len(measured) // 2]
        seconds = run.seconds
        busy = sum(seconds[part] for part in PARTS)
        shares = " ".join(f"{seconds[part] / busy:>10.0%}" for part in PARTS)
        own, all_in = rates(run, whole)
        count = len(run.observations)
        print(f"{framework:12} {count:12d} {whole:8.1f} {shares} {own:7.0f}/s {all_in:7.0f}/s", flush=True)


if __name__ == "__main__":
    main()
