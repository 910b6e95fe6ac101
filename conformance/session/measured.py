"""What a test shows, and the worker process in which that is judged, beside a framework process of its own."""

from __future__ import annotations

import time
import traceback
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.execution.worker import FrameworkProcess, Greeting
from gaugeblock.conformance.known.deviation import KnownDeviation
from gaugeblock.conformance.known.matcher import apply, known_of
from gaugeblock.conformance.known.sight import Environment, Sight
from gaugeblock.conformance.minimise.reproduction import reproduced
from gaugeblock.conformance.session.plan import Test, named_test
from gaugeblock.conformance.trials.engine import Outcome, members, not_run, observe
from gaugeblock.conformance.trials.trial import Asking
from gaugeblock.reference.cached_truth import CLOCK
from gaugeblock.reports import runfile
from gaugeblock.reports.records import NotSeen, Observation, Run, StoredCase, StoredStep
from gaugeblock.reports.runfile import RunFileError
from gaugeblock.reports.verdicts import FAILING, Verdict

NAMED = frozenset({Verdict.CONFORMS, Verdict.UNSUPPORTED})
"""Verdicts of observations whose case the run file names alone."""

SHRINKING = 180.0
"""Seconds that an answer may take where an observation is measured again."""

PLAYED = {"stories": "gaugeblock.conformance.stories"}
"""Modules that calls name beside those of frameworks: the scenes of stories."""


@dataclass
class Measured:
    """What a test showed. `error` is the traceback of a fault of the suite's own."""

    observations: list[Observation] = field(default_factory=list)
    not_seen: list[NotSeen] = field(default_factory=list)
    cases: dict[str, StoredCase] = field(default_factory=dict)
    error: str | None = None


@dataclass
class Seconds:
    """Time, summed over processes."""

    imports: float = 0.0
    framework: float = 0.0
    oracle: float = 0.0
    busy: float = 0.0


@dataclass(frozen=True)
class Share:
    """Tests that are measured one after another, by one worker: those of an operation in one framework process."""

    framework: str
    environ: Mapping[str, str]
    """Environment variables of the framework process."""
    effort: str
    tests: tuple[str, ...]
    """Their ids."""


@dataclass(frozen=True)
class Answer:
    """What a worker says of a test."""

    test: str
    measured: Measured
    greeting: Greeting
    seconds: Seconds


def work(timeout: float, logs: str, brought: Sequence[KnownDeviation] = ()) -> Generator[Any, Any, None]:
    """The life of a worker process: for each test of a share that is sent, what it showed.

    `brought` is known beside what the suite knows.

    A message is a share, whose first test is then answered, or None, for the next one. The examples of known
    deviations that are shrunk are the first of each share, whoever measures it.
    """
    process: FrameworkProcess | None = None
    under: object = None
    reply: Any = None
    share = Share("", {}, "", ())
    examples: set[str] = set()
    names: list[str] = []
    while True:
        message = yield reply
        started, truths = time.perf_counter(), CLOCK.seconds
        if message is not None:
            share, names, examples = message, list(message.tests), set()
        if process is None or under != (share.framework, share.environ):
            if process is not None:
                process.discard()
            process, under = (
                FrameworkProcess(share.framework, share.environ, timeout, PLAYED, logs=Path(logs)),
                (share.framework, share.environ),
            )
        imports, framework = process.import_seconds, process.framework_seconds
        name = names.pop(0)
        greeting = process.greet()
        try:
            test = named_test(share.framework, name, share.effort)
            measured = measured_by(test, process, greeting, examples, brought)
        except Exception:
            measured = Measured(error=traceback.format_exc())
        spent = Seconds(
            process.import_seconds - imports,
            process.framework_seconds - framework,
            CLOCK.seconds - truths,
            time.perf_counter() - started,
        )
        reply = Answer(name, measured, greeting, spent)


def measured_by(
    test: Test,
    process: FrameworkProcess,
    greeting: Greeting,
    examples: set[str],
    brought: Sequence[KnownDeviation] = (),
) -> Measured:
    """What a test shows: known deviations marked, what is news shrunk, and of each that is known one example.

    Args:
        test: what is measured.
        process: where.
        greeting: what it said of itself.
        examples: known deviations that have an example; those of this test are added.
        brought: known deviations beside those of the suite.
    """
    setting = test.setting
    framework = setting.implementation.framework
    if greeting.error is not None:
        return Measured(error=f"{framework} could not be imported: {greeting.error}")
    if setting.device in greeting.devices:
        outcomes = observe(test.check, setting, process.ask)
    else:
        outcomes = [not_run(test.check, setting, f"{framework} sees no device {setting.device}")]
    environment = Environment(greeting.versions, greeting.flags)
    sights = [Sight(each.observation, each.trial.case, environment) for each in outcomes]
    marked, not_seen = apply(test.id, sights, (*known_of(framework), *brought))
    outcomes = [replace(each, observation=seen) for each, seen in zip(outcomes, marked, strict=True)]
    outcomes = reproduced(setting, outcomes, process.ask, _news(marked, examples))
    return Measured([each.observation for each in outcomes], not_seen, _cases(outcomes))


def _news(observations: Sequence[Observation], examples: set[str]) -> list[int]:
    """The observations that are shrunk."""
    found = []
    for number, seen in enumerate(observations):
        example = seen.verdict is Verdict.KNOWN and seen.known not in examples
        if example and seen.known is not None:
            examples.add(seen.known)
        if example or seen.verdict is Verdict.DEVIATES:
            found.append(number)
    return found


def _cases(outcomes: Sequence[Outcome]) -> dict[str, StoredCase]:
    """The cases that a run file holds, by digest: what deviates, and what the suite cannot draw anew."""
    return {
        each.observation.case: stored(each.trial.case)
        for each in outcomes
        if each.observation.case is not None and not (each.drawn and each.observation.verdict in NAMED)
    }


def stored(case: Case) -> StoredCase:
    """The case as a run file holds it."""
    return StoredCase(
        {name: list(value) if isinstance(value, tuple) else value for name, value in case.parameters.items()},
        {name: runfile.encode(array) for name, array in case.inputs.items()},
        case.order,
        [StoredStep(**vars(step)) for step in case.steps],
    )


def source_of(run: Run, observation: Observation) -> Test | None:
    """The test that an observation came from; None if this suite has no such test."""
    name, _, _ = observation.key.rpartition("/")
    operation, implementation, *_ = name.split("/")
    framework = run.implementations[f"{operation}/{implementation}"].framework
    try:
        return named_test(framework, name, run.selection.effort)
    except (KeyError, StopIteration):
        return None


def drawn(run: Run, observation: Observation) -> StoredCase | None:
    """The case that an observation names, which this suite draws anew; None if another version drew it."""
    test = source_of(run, observation)
    every = cases_of(test) if test is not None else ()
    return next((stored(case) for case in every if case.digest == observation.case), None)


def cases_of(test: Test) -> Iterator[Case]:
    """The cases of a test that follow from it alone, and not from replies."""
    for step in test.check.trials(test.setting):
        if isinstance(step, Asking):
            return
        for trial in members(step):
            yield trial.case
            if trial.instead is not None:
                yield trial.instead.case


def shrunk(run: Run, observation: Observation) -> Observation:
    """The observation with its reproduction, measured again here. RunFileError with one sentence if it is not seen."""
    test = source_of(run, observation)
    if test is None:
        raise RunFileError(f"{observation.key} is no test of this gaugeblock; use that which made the run.")
    own = test.setting.adapter
    if not own.versions():
        raise RunFileError(f"{own.install_hint()}; then it can be measured again.")
    process = FrameworkProcess(own.framework, test.setting.mode.environ, SHRINKING, PLAYED)
    try:
        greeting = process.greet()
        if greeting.error is not None:
            raise RunFileError(f"{own.framework} could not be imported: {greeting.error}.")
        outcomes = observe(test.check, test.setting, process.ask)
        places = [n for n, each in enumerate(outcomes) if each.observation.key == observation.key]
        if not places or outcomes[places[0]].observation.verdict not in FAILING:
            raise RunFileError(f"{observation.key} does not deviate here, on this machine with these versions.")
        found = reproduced(test.setting, outcomes, process.ask, places)[places[0]].observation
    finally:
        process.discard()
    return msgspec.structs.replace(found, verdict=Verdict.DEVIATES)
