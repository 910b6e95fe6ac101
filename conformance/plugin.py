"""The pytest plugin: the suite as pytest's tests, and the fixture that judges a callable of the user's own.

It is loaded into every pytest session of an environment that has gaugeblock, so it imports the suite only when
the suite's own tests are collected.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gaugeblock.conformance.session.brought import Brought
    from gaugeblock.conformance.session.ending import Ending
    from gaugeblock.conformance.session.plan import Plan, Selection, Test
    from gaugeblock.conformance.session.recorder import Recorder
    from gaugeblock.conformance.yours.result import Result

PLAN: pytest.StashKey[Plan] = pytest.StashKey()
RECORDER: pytest.StashKey[Recorder] = pytest.StashKey()
BROUGHT: pytest.StashKey[Brought] = pytest.StashKey()
STALE: pytest.StashKey[str] = pytest.StashKey()
TESTS: pytest.StashKey[list[Test]] = pytest.StashKey()

REPEATED = {
    "framework": "this framework alone",
    "device": "on this device alone, such as cpu, cuda or cuda:1",
    "dtype": "in this dtype alone",
    "mode": "in this mode alone, such as eager or compiled",
    "operation": "this operation alone, or those of a pattern",
    "implementation": "this public path alone, or those of a pattern",
    "check": "this check alone, or those of a pattern",
}
"""Options that may be given several times, and what is measured then."""

HERE = Path(__file__).parent
VIEW = HERE / "test_conformance.py"


class HarnessError(Exception):
    """The suite itself failed; nothing is said about the framework."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `gaugeblock run`, under names that no other plugin has."""
    group = parser.getgroup("gaugeblock", "classification mathematics (gaugeblock)")
    for name, what in REPEATED.items():
        what = f"measure {what}; may be given several times"
        group.addoption(f"--gaugeblock-{name}", action="append", default=[], metavar=name.upper(), help=what)
    group.addoption("--gaugeblock-effort", default="standard", help="how much is asked: quick, standard or thorough")
    group.addoption("--gaugeblock-output", type=Path, metavar="FILE", help="write the run file here")
    group.addoption("--gaugeblock-timeout", type=_positive, default=180.0, metavar="SECONDS",
                    help="end a framework that does not answer a call in time (default: 180)")  # fmt: skip
    group.addoption("--gaugeblock-jobs", type=lambda text: int(_positive(text)), metavar="N",
                    help="workers at a time, each beside a framework (default: cores)")  # fmt: skip
    group.addoption("--gaugeblock-known", action="append", default=[], type=Path, metavar="FILE",
                    help="apply the known deviations of this file, too; may be given several times")  # fmt: skip
    group.addoption("--gaugeblock-strict", action="store_true", help="fail if a known deviation does not show")
    group.addoption("--gaugeblock-skip-missing-device", action="store_true", help="record a missing device as not run")


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= 86400:
        raise argparse.ArgumentTypeError(f"{text!r} is no number between 0 and 86400")
    return number


class _View(pytest.Module):
    """The suite's own tests, imported under their name in gaugeblock."""

    def _getobj(self) -> ModuleType:
        return importlib.import_module(f"{__package__}.{VIEW.stem}")


def pytest_collect_directory(path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """The suite's package, wherever it is installed, as a plain folder.

    pytest would name its modules after the folders above them that are packages: here `conformance`, a second copy.
    """
    return pytest.Dir.from_parent(parent, path=path) if path == HERE else None


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> pytest.Module | None:
    """The suite's own tests, wherever they are installed."""
    return _View.from_parent(parent, path=module_path) if module_path == VIEW else None


def _option(config: pytest.Config, name: str) -> Any:
    return config.getoption(f"--gaugeblock-{name}")


def _selection(config: pytest.Config) -> Selection:
    from gaugeblock.conformance.session.plan import Selection

    chosen: dict[str, Any] = {f"{name}s": tuple(_option(config, name)) for name in REPEATED}
    skips = _option(config, "skip-missing-device")
    known = tuple(_option(config, "known"))
    return Selection(**chosen, effort=_option(config, "effort"), skip_missing_device=skips, known=known)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One parameter for each test of the plan, and one for each framework that is not measured."""
    if "gaugeblock_test" not in metafunc.fixturenames:
        return
    from gaugeblock.conformance.known.reading import KnownError
    from gaugeblock.conformance.session.brought import brought
    from gaugeblock.conformance.session.measure import NothingError, writable
    from gaugeblock.conformance.session.plan import SelectionError, plan

    config = metafunc.config
    if hasattr(config, "workerinput"):
        raise pytest.Collector.CollectError("gaugeblock measures in processes of its own: leave -n out.")
    try:
        selection = _selection(config)
        config.stash[BROUGHT] = brought(selection.known)
        made = plan(selection)
        output = _option(config, "output")
        if output is not None and not config.option.collectonly:
            writable(output)
    except (SelectionError, KnownError, NothingError) as error:
        raise pytest.Collector.CollectError(str(error)) from None
    config.stash[PLAN] = made
    absent = [pytest.param(None, id=f"{name}/not-measured", marks=pytest.mark.skip(reason=message))
              for name, message in made.absent.items()]  # fmt: skip
    metafunc.parametrize("gaugeblock_test", [*(pytest.param(test, id=test.id) for test in made.tests), *absent])


def pytest_collection_finish(session: pytest.Session) -> None:
    """Start measuring what is left after -k and the like."""
    config = session.config
    if PLAN not in config.stash or config.option.collectonly:
        return
    from dataclasses import replace

    from gaugeblock.conformance.session.recorder import Recorder
    from gaugeblock.conformance.session.workers import Workers

    functions = [item for item in session.items if isinstance(item, pytest.Function)]
    chosen = [each.callspec.params["gaugeblock_test"] for each in functions if "gaugeblock_test" in each.fixturenames]
    tests: list[Test] = [test for test in chosen if test is not None]  # type: ignore[misc]
    selection = replace(_selection(config), expression=config.option.keyword)
    timeout, jobs = _option(config, "timeout"), _option(config, "jobs")
    own = config.stash[BROUGHT]
    entries = [each for listed in own.values() for each in listed]
    workers = Workers(tests, timeout=timeout, jobs=jobs, effort=selection.effort, brought=entries)
    config.stash[TESTS] = tests
    config.stash[RECORDER] = Recorder(config.stash[PLAN], selection, workers, own)
    workers.start()


@pytest.fixture
def gaugeblock_ending(request: pytest.FixtureRequest, gaugeblock_test: Test) -> Ending:
    """How the test ended. A fault of the suite's own is an error of this fixture, hence pytest's `error`."""
    from gaugeblock.conformance.session.ending import End, ending

    measured = request.config.stash[RECORDER].measured(gaugeblock_test)
    ended = ending(gaugeblock_test, measured)
    if ended.end is End.BROKEN:
        raise HarnessError(ended.why)
    return ended


@pytest.fixture(scope="session")
def gaugeblock_check() -> Callable[..., Result]:
    """`gaugeblock.conformance.check` that fails the test unless the implementation conforms, and returns the result."""
    from gaugeblock.conformance.yours.checking import check

    def checked(implementation: Callable[..., Any], operation: str, **options: Any) -> Result:
        __tracebackhide__ = True
        result = check(implementation, operation, **options)
        result.raise_for_failures()
        return result

    return checked


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Any:
    """End the processes and write the run file: whole, or marked as partial."""
    config = session.config
    if RECORDER in config.stash:
        recorder, tests, output = config.stash[RECORDER], config.stash[TESTS], _option(config, "output")
        recorder.workers.finish()
        strict = _option(config, "strict")
        if (output is not None or strict) and recorder.workers.done:
            from gaugeblock.conformance.session.ending import gone
            from gaugeblock.reports import runfile

            run = recorder.run(tests)
            if output is not None:
                runfile.write(run, output)
            stale = gone(run) if strict else None
            if stale is not None:
                config.stash[STALE] = stale
                session.exitstatus = session.exitstatus or pytest.ExitCode.TESTS_FAILED
    return (yield)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Which known deviations a strict session did not show."""
    if STALE in config.stash:
        terminalreporter.section("gaugeblock")
        terminalreporter.line(config.stash[STALE])
