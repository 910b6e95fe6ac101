"""The engine: asks the trials of a check in few calls, judges each once, and records what it showed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.execution.call import NoAnswer
from gaugeblock.conformance.execution.query import Ask, Reply, ask_all
from gaugeblock.conformance.judging.judgement import Judgement, unanswered
from gaugeblock.conformance.judging.ulp_error import LARGEST_ERROR, digest
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.setting import Setting
from gaugeblock.conformance.trials.trial import Asking, Trial, Worst
from gaugeblock.reference.balls import PrecisionError
from gaugeblock.reports.records import Observation
from gaugeblock.reports.verdicts import Verdict

PENDING = 2**25
"""Bytes of arrays that wait to be asked together."""

Replies = Sequence[Reply | NoAnswer]


@dataclass(frozen=True, eq=False)
class Outcome:
    """A trial, and what it showed."""

    trial: Trial
    judgement: Judgement
    observation: Observation
    drawn: bool = True
    """Whether the case follows from the setting alone, and not from replies: whoever has the suite can draw it."""


def observe(check: Check, setting: Setting, ask: Ask) -> list[Outcome]:
    """What the check's trials show in a setting."""
    found: list[Outcome] = []
    pending: list[tuple[Trial | Worst, bool]] = []
    size = 0
    drawn = True
    trials = check.trials(setting)
    step = next(trials, None)
    while step is not None:
        if isinstance(step, Asking):
            drawn = False
            step = _sent(trials, ask_all(ask, step.queries))
            continue
        pending.append((step, drawn))
        size += _bytes(step)
        if size > PENDING:
            found += _outcomes(check, setting, ask, pending)
            pending, size = [], 0
        step = next(trials, None)
    return found + _outcomes(check, setting, ask, pending)


def _sent(trials: object, replies: Replies) -> Trial | Worst | Asking | None:
    try:
        step: Trial | Worst | Asking = trials.send(replies)  # type: ignore[attr-defined]
    except StopIteration:
        return None
    return step


def members(step: Trial | Worst) -> tuple[Trial, ...]:
    """The trials of which a step is the worst; itself, if it is one."""
    return step.trials if isinstance(step, Worst) else (step,)


def _bytes(step: Trial | Worst) -> int:
    arrays = (a for trial in members(step) for query in trial.queries for call in query.calls for a in call.arrays)
    return sum(array.nbytes for array in arrays)


def _outcomes(check: Check, setting: Setting, ask: Ask, pending: Sequence[tuple[Trial | Worst, bool]]) -> list[Outcome]:
    judged = iter(judged_of(ask, [trial for step, _ in pending for trial in members(step)]))
    return [
        replace(outcome(check, setting, *_worst([next(judged) for _ in members(step)])), drawn=drawn)
        for step, drawn in pending
    ]


def _worst(judged: Sequence[tuple[Trial, Judgement, Replies]]) -> tuple[Trial, Judgement]:
    """The worst of several trials, with the digest over the answers to all."""
    trial, judgement, _ = max(judged, key=lambda each: each[1].severity)
    if len(judged) > 1:
        alone = (replies[0] for _, _, replies in judged if len(replies) == 1)
        known = [each.answer.ravel() for each in alone if isinstance(each, Reply)]
        if known and len({array.dtype for array in known}) == 1:
            judgement = replace(judgement, group_digest=digest(np.concatenate(known)))
    return trial, judgement


def judged_of(ask: Ask, trials: Sequence[Trial]) -> list[tuple[Trial, Judgement, Replies]]:
    """Each trial, or what was asked in its place, with the judgement on its replies."""
    replies = _replies(ask, trials)
    refused = [
        number
        for number, trial in enumerate(trials)
        if trial.instead is not None
        and any(isinstance(each, NoAnswer) and each.verdict == Verdict.UNSUPPORTED for each in replies[number])
    ]
    chosen = list(trials)
    others = [trials[number].instead for number in refused]
    for number, other, found in zip(refused, others, _replies(ask, [each for each in others if each]), strict=True):
        assert other is not None
        chosen[number], replies[number] = other, found
    return [(trial, judgement_on(trial, found), found) for trial, found in zip(chosen, replies, strict=True)]


def _replies(ask: Ask, trials: Sequence[Trial]) -> list[Replies]:
    asked = [query for trial in trials if trial.replies is None for query in trial.queries]
    found: Iterator[Reply | NoAnswer] = iter(ask_all(ask, asked)) if asked else iter(())
    return [trial.replies if trial.replies is not None else [next(found) for _ in trial.queries] for trial in trials]


def judgement_on(trial: Trial, replies: Replies) -> Judgement:
    """What the replies to a trial's queries show; undecided where the exact answer's rounding stays uncertain."""
    known: list[Reply] = []
    for query, reply in zip(trial.queries, replies, strict=True):
        if isinstance(reply, NoAnswer):
            return trial.refused(reply) if trial.refused is not None else unanswered(reply, query.calls[0])
        known.append(reply)
    bits = digest(known[0].answer) if len(known) == 1 else None
    try:
        judgement = trial.judge(known)
    except PrecisionError as error:
        return Judgement(Verdict.UNDECIDED, message=str(error), digest=bits)
    return judgement if judgement.digest is not None else replace(judgement, digest=bits)


def outcome(check: Check, setting: Setting, trial: Trial, judgement: Judgement) -> Outcome:
    """The outcome of a trial that was judged."""
    case = trial.case
    observation = Observation(
        key=f"{setting.prefix}/{check.name}/{case.name}",
        verdict=judgement.verdict,
        case=case.digest if case.inputs else None,
        layout=case.layout,
        error=None if judgement.error is None else min(judgement.error, LARGEST_ERROR),
        allowed=None if judgement.allowed is None else min(judgement.allowed, LARGEST_ERROR),
        accuracy=judgement.accuracy,  # type: ignore[arg-type]
        label=judgement.label,
        message=judgement.message,
        digest=judgement.digest,
        group_digest=judgement.group_digest,
        witness=judgement.witness,
        call=trial.call,
    )
    return Outcome(trial, judgement, observation)


def not_run(check: Check, setting: Setting, why: str) -> Outcome:
    """The outcome of a check that cannot be asked here at all."""
    trial = Trial(Case("all", {}), (), lambda _: Judgement(Verdict.NOT_RUN))
    return outcome(check, setting, trial, Judgement(Verdict.NOT_RUN, message=why))
