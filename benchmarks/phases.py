"""Where a run's time goes: import, framework calls, oracle, and the rest, as shares of one run.

    python benchmarks/phases.py numpy sklearn torch

measures each framework with one process at a time, so that the parts add up, and prints the observations for each
second of the suite's own time (everything but import and framework). The oracle's share is that of a cold session.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from trueline.reports import runfile

PARTS = ("import", "framework", "oracle", "rest")


def measure(framework: str) -> runfile.Run:
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "run.json"
        command = [
            sys.executable,
            "-m",
            "trueline.conformance",
            "run",
            "-f",
            framework,
            "-j",
            "1",
            "-o",
            str(output),
        ]
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
        return runfile.read(output)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("framework", nargs="+")
    print(
        f"{'framework':12} {'observations':>12} {'total s':>8} " + " ".join(f"{p:>10}" for p in PARTS) + "   own rate"
    )
    for framework in parser.parse_args().framework:
        run = measure(framework)
        seconds = run["seconds"]
        busy = sum(seconds[part] for part in PARTS)
        shares = " ".join(f"{seconds[part] / busy:>10.0%}" for part in PARTS)
        count = len(run["observations"])
        rate = count / (seconds["oracle"] + seconds["rest"])
        print(f"{framework:12} {count:12d} {seconds['total']:8.1f} {shares} {rate:8.0f}/s", flush=True)


if __name__ == "__main__":
    main()
