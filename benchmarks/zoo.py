"""The zoo through `check`: faults caught and variants failed for each effort, and the seconds it takes by operation.

    python benchmarks/zoo.py [quick] [standard] [-k TEXT]

Entries of frameworks that are not installed are left out, and counted; those that one check alone judges are no part.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.zoo.tables import installed, judged, table


def main() -> None:
    parser = argparse.ArgumentParser(description="Faults caught and variants failed, and the seconds that it takes.")
    parser.add_argument("efforts", nargs="*", default=["quick", "standard"])
    parser.add_argument("-k", dest="part", default="", help="entries whose id has this part alone")
    chosen = parser.parse_args()
    for effort in chosen.efforts:
        seconds: dict[str, list[float]] = defaultdict(list)
        missed, failed, counts = [], [], {"faults": 0, "variants": 0, "left out": 0}
        for kind in ("faults", "variants"):
            for entry in (each for each in table(kind) if chosen.part in each.id and not each.check):
                if not installed(entry):
                    counts["left out"] += 1
                    continue
                result = judged(entry, effort)
                counts[kind] += 1
                seconds[entry.operation].append(result.seconds / len(result.dtypes))
                if kind == "faults" and not result.failures:
                    missed.append(entry.id)
                    print(f"missed: {entry.id} ({entry.operation}): {entry.defect}", flush=True)
                if kind == "variants" and not result.conforms:
                    failed.append(entry.id)
                    print(
                        f"failed: {entry.id} ({entry.operation}): {[str(each) for each in result.failures[:2]]}",
                        flush=True,
                    )
        caught = counts["faults"] - len(missed)
        print(f"{effort}: {caught} of {counts['faults']} faults caught, {len(failed)} of {counts['variants']} variants "
              f"failed, {counts['left out']} left out")  # fmt: skip
        for operation, spent in sorted(seconds.items()):
            print(f"  {operation}: median {statistics.median(spent):.2f} s, largest {max(spent):.2f} s of {len(spent)}")


if __name__ == "__main__":
    main()
