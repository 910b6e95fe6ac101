"""How often JAX compiles in a run, by check: compilations are what a run of it takes its time for.

Usage: python benchmarks/compilations.py [FRAMEWORK [MODE [EFFORT]]]; by default jax, eager, standard.
"""

from __future__ import annotations

import collections
import os
import sys
import time

from gaugeblock.adapters.registry import adapter
from gaugeblock.conformance.execution.worker import Server
from gaugeblock.conformance.session.plan import Selection, plan
from gaugeblock.conformance.trials.engine import observe


def main() -> None:
    named = sys.argv[1:]
    framework, mode, effort = [*named, *["jax", "eager", "standard"][len(named) :]]
    tests = plan(Selection((framework,), modes=(mode,), effort=effort)).tests
    os.environ.update(tests[0].setting.mode.environ)
    own = adapter(framework)
    server = Server(own, own.load())
    import jax.monitoring

    compiled: collections.Counter[str] = collections.Counter()
    seconds: collections.Counter[str] = collections.Counter()
    now = ""

    def heard(event: str, duration: float, **_: object) -> None:
        if event.endswith("backend_compile_duration"):
            compiled[now] += 1
            seconds[now] += duration

    jax.monitoring.register_event_duration_secs_listener(heard)
    started = time.perf_counter()
    spent: collections.Counter[str] = collections.Counter()
    for test in tests:
        now = test.check.name if test.check.kind != "probe" else "probes"
        before = time.perf_counter()
        observe(test.check, test.setting, lambda calls: [server.answer(call) for call in calls])
        spent[now] += time.perf_counter() - before
    print(f"{framework} {mode} {effort}: {len(tests)} tests, {sum(compiled.values())} compilations, "
          f"{sum(seconds.values()):.1f} s of {time.perf_counter() - started:.1f} s")  # fmt: skip
    for name, count in compiled.most_common():
        print(f"{count:6d} compilations {seconds[name]:7.1f} s of {spent[name]:7.1f} s  {name}")


if __name__ == "__main__":
    main()
