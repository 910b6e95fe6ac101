"""Finder: the float32 inputs at which a framework's scalar activation is worst, over every input of its range.

Its finds become frozen cases (WORST_KNOWN in conformance/cases/named_arrays.py). The reference is the function in
binary64, good enough to rank by; the cases are then judged by the oracle. Run it as

    python benchmarks/find_worst.py torch sigmoid
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

import numpy as np
from gaugeblock.adapters.registry import adapter
from gaugeblock.reference.formats import Array

CHUNK = 1 << 20

REFERENCE: dict[str, Callable[[Array], Array]] = {
    "sigmoid": lambda x: np.asarray(1 / (1 + np.exp(-x))),
    "log_sigmoid": lambda x: -np.log1p(np.exp(-x)),
    "softplus": lambda x: np.log1p(np.exp(x)),
}


def errors(got: Array, exact: Array) -> Array:
    """Error in float32 ULP over normal results."""
    exponent = np.floor(np.log2(np.abs(exact)))
    return np.where(np.abs(exact) < 2.0**-126, 0, np.abs(got - exact) / 2.0 ** (exponent - 23))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("framework")
    parser.add_argument("operation", choices=REFERENCE)
    parser.add_argument("--most", type=int, default=3, help="how many inputs to print for each implementation")
    parser.add_argument("--lowest-exponent", type=int, default=-4)
    arguments = parser.parse_args()
    framework = adapter(arguments.framework)
    os.environ.update(framework.modes[0].environ)
    namespace = framework.load()
    first, last = ((127 + arguments.lowest_exponent) << 23), ((127 + 7) << 23)
    for implementation in framework.implementations:
        if implementation.operation != arguments.operation:
            continue
        function = implementation.function(namespace, ("x",))
        found: list[tuple[float, str]] = []
        for sign in (0, 1 << 31):
            for start in range(first, last, CHUNK):
                x = (np.arange(start, start + CHUNK, dtype=np.int64) | sign).astype(np.uint32).view(np.float32)
                x = x[np.abs(x) < 88]
                if not len(x):
                    continue
                got = framework.get(function(framework.put(x, "cpu"))).astype(np.float64)
                off = errors(got, REFERENCE[arguments.operation](x.astype(np.float64)))
                worst = int(np.argmax(off))
                found.append((float(off[worst]), float(x[worst]).hex()))
        found.sort(reverse=True)
        for ulps, text in found[: arguments.most]:
            print(f"{implementation.name:40} {ulps:8.4f} ULP at {text}", flush=True)


if __name__ == "__main__":
    main()
