"""How much faster two workers are than one: the same selection, exact answers kept, one run after the other.

Usage: python benchmarks/workers.py [FRAMEWORK]; by default numpy. It wants two cores that do nothing else.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from gaugeblock.conformance.session.measure import measure
from gaugeblock.conformance.session.plan import Selection

OPERATIONS = ("softmax", "log_softmax", "binary_cross_entropy*", "sparse_categorical_cross_entropy*")


def timed(framework: str, jobs: int, folder: Path) -> tuple[float, float]:
    """Wall-clock and CPU seconds of a run, its processes included."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    measure(Selection((framework,), operations=OPERATIONS), folder / f"{jobs}.json", timeout=180, jobs=jobs)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - started
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    framework = sys.argv[1] if len(sys.argv) > 1 else "numpy"
    with tempfile.TemporaryDirectory() as folder:
        timed(framework, 2, Path(folder))
        (one, _), (two, busy) = (timed(framework, jobs, Path(folder)) for jobs in (1, 2))
    print(
        f"{framework}: 1 worker {one:.1f} s, 2 workers {two:.1f} s: {one / two:.2f} times; CPU / wall {busy / two:.2f}"
    )


if __name__ == "__main__":
    main()
