"""The pytest plugin: options, the tests' parameters, and the run file at the end of the session.

It is loaded into every pytest session of an environment that has gaugeblock, so it imports the suite only when
the suite's own tests are collected.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gaugeblock.conformance.session.plan import Plan, Selection, Test
    from gaugeblock.conformance.session.recorder import Judged, Recorder
    from gaugeblock.conformance.yours.result import Result

PLAN: pytest.StashKey[Plan] = pytest.StashKey()
RECORDER: pytest.StashKey[Recorder] = pytest.StashKey()
WRITTEN: pytest.StashKey[tuple[Path, dict[str, Any]]] = pytest.StashKey()
TESTS: pytest.StashKey[list[Test]] = pytest.StashKey()


class HarnessError(Exception):
    """The suite itself failed; nothing is said about the framework."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `gaugeblock run`, under names that no other plugin has."""
    group = parser.getgroup("gaugeblock", "classification mathematics (gaugeblock)")
    for name, what in (
        ("framework", "measure this framework alone; may be given several times"),
        ("device", "measure on this device alone, such as cpu, cuda or cuda:1; may be given several times"),
        ("dtype", "measure in this dtype alone; may be given several times"),
        ("mode", "measure in this mode alone, such as eager or compiled; may be given several times"),
    ):
        group.addoption(f"--gaugeblock-{name}", action="append", default=[], metavar=name.upper(), help=what)
    group.addoption("--gaugeblock-output", type=Path, metavar="FILE", help="write the run file here")
    group.addoption("--gaugeblock-timeout", type=float, default=180.0, metavar="SECONDS",
                    help="end a framework that does not answer a call in time (default: 180)")  # fmt: skip
    group.addoption("--gaugeblock-jobs", type=int, metavar="N", help="framework processes at a time (default: cores)")
    group.addoption("--gaugeblock-strict", action="store_true", help="fail where an expected deviation does not show")
    group.addoption("--gaugeblock-skip-missing-device", action="store_true", help="record a missing device as not run")


def _selection(config: pytest.Config) -> Selection:
    from gaugeblock.conformance.session.plan import Selection

    return Selection(
        frameworks=tuple(config.getoption("--gaugeblock-framework")),
        devices=tuple(config.getoption("--gaugeblock-device")),
        dtypes=tuple(config.getoption("--gaugeblock-dtype")),
        modes=tuple(config.getoption("--gaugeblock-mode")),
        skip_missing_device=config.getoption("--gaugeblock-skip-missing-device"),
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One parameter for each test of the plan, and one for each framework that is not measured."""
    if "gaugeblock_test" not in metafunc.fixturenames:
        return
    from gaugeblock.conformance.session.plan import SelectionError, plan

    try:
        made = plan(_selection(metafunc.config))
    except SelectionError as error:
        raise pytest.UsageError(str(error)) from None
    metafunc.config.stash[PLAN] = made
    absent = [pytest.param(None, id=f"{name}/not-measured", marks=pytest.mark.skip(reason=message))
              for name, message in made.absent.items()]  # fmt: skip
    metafunc.parametrize("gaugeblock_test", [*(pytest.param(test, id=test.id) for test in made.tests), *absent])


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start measuring what is left after -k and the like."""
    config = session.config
    if PLAN not in config.stash or config.option.collectonly:
        return
    from gaugeblock.conformance.session.recorder import Recorder
    from gaugeblock.conformance.session.workers import Scheduler

    chosen = [item.callspec.params["gaugeblock_test"] for item in session.items
              if isinstance(item, pytest.Function) and "gaugeblock_test" in item.fixturenames]  # fmt: skip
    tests: list[Test] = [test for test in chosen if test is not None]  # type: ignore[misc]
    scheduler = Scheduler(
        tests, timeout=config.getoption("--gaugeblock-timeout"), jobs=config.getoption("--gaugeblock-jobs")
    )
    config.stash[TESTS] = tests
    config.stash[RECORDER] = Recorder(config.stash[PLAN], _selection(config), scheduler, config.option.keyword)
    scheduler.start()


@pytest.fixture
def gaugeblock_judged(request: pytest.FixtureRequest, gaugeblock_test: Test) -> Judged:
    """What the test saw. A fault of the suite's own is an error of this fixture, hence pytest's `error`."""
    judged: Judged = request.config.stash[RECORDER].judged(gaugeblock_test)
    faults = [o for o in judged.observations if o["verdict"] == "harness_error"]
    if judged.outcome.error or faults:
        raise HarnessError(judged.outcome.error or f"{faults[0]['key']}: {faults[0].get('message')}")
    return judged


@pytest.fixture
def gaugeblock_strict(request: pytest.FixtureRequest) -> bool:
    """Whether an expectation that explains nothing here fails its test."""
    return bool(request.config.getoption("--gaugeblock-strict"))


@pytest.fixture(scope="session")
def gaugeblock_check() -> Callable[..., Result]:
    """`gaugeblock.conformance.check` that fails the test unless the implementation conforms, and returns the result."""
    from gaugeblock.conformance.yours.checking import check

    def checked(given: Callable[..., Any], operation: str, **options: Any) -> Result:
        __tracebackhide__ = True
        result = check(given, operation, **options)
        result.raise_for_failures()
        return result

    return checked


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> Any:
    """End the processes and write the run file: whole, or marked as partial."""
    config = session.config
    if RECORDER in config.stash:
        recorder = config.stash[RECORDER]
        recorder.scheduler.finish()
        output = config.getoption("--gaugeblock-output")
        tests = config.stash[TESTS]
        if output is not None and tests and exitstatus != pytest.ExitCode.USAGE_ERROR:
            from gaugeblock.reports import runfile

            run = recorder.run(tests)
            config.stash[WRITTEN] = runfile.write(run, output), run
    return (yield)
