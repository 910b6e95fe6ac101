"""Relations: what must hold between two answers of a framework, each within what both are allowed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from gaugeblock.adapters.base import Implementation
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.named_arrays import scalars
from gaugeblock.conformance.checks.gradient import with_cotangent
from gaugeblock.conformance.checks.value import bounds
from gaugeblock.conformance.execution.call import NoAnswer
from gaugeblock.conformance.execution.query import Query, Reply, stacked
from gaugeblock.conformance.judging.allowance import allowance, condition
from gaugeblock.conformance.judging.judgement import SAMENESS, Evidence, Judgement, compared
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.setting import Setting, batch_of
from gaugeblock.conformance.trials.trial import Asking, Trial, Trials, lacking
from gaugeblock.reference.formats import Array
from gaugeblock.reports.records import Expected
from gaugeblock.reports.verdicts import Verdict

ROW_CASES = ("ordinary-10", "confident-10", "wide-10", "tied-top-10")
SCALAR_CASES = ("ordinary", "near-zero", "positive", "negative")
SOFT_ROWS = ("ordinary-3", "ordinary-10", "equal-10")
SOFT_NUMBERS = ("near-zero-one", "near-zero-zero", "near-zero-soft")

ONE_HOT = "categorical_cross_entropy_with_logits"

ACTIVATION_AND_LOSS = (
    ("binary_cross_entropy_with_logits", "sigmoid", "binary_cross_entropy"),
    (ONE_HOT, "softmax", "categorical_cross_entropy"),
)
"""Losses of logits, each with the activation and the loss that it is made of."""

Within = Callable[[], tuple[Array, Array]]
"""How far apart two answers may lie, and the unit of that."""


def relation(
    name: str, question: str, applies: Callable[[Setting], bool], trials: Callable[[Setting], Trials]
) -> Check:
    """A check between answers."""
    return Check(name, "relation", question, applies, trials, SAMENESS)


def pair(case: Case, one: Query, other: Query, within: Within) -> Trial:
    """The trial that two answers differ by no more than is allowed."""

    return Trial(case, (one, other), lambda replies: compared(replies, *within()))


def twice_allowed(setting: Setting, case: Case) -> Within:
    """Each of two answers to a case may lie as far from the exact one as is allowed."""

    def within() -> tuple[Array, Array]:
        truth, allowed = bounds(setting, case)
        return 2 * allowed, truth.ulp

    return within


def _eager(setting: Setting, name: str, *partners: str) -> bool:
    """Whether it is this operation, not compiled, in a framework that has the others too."""
    asked = setting.operation.name == name and not setting.mode.compiled
    return asked and len(setting.partners(*partners)) == len(partners)


def answers_by_row(setting: Setting) -> bool:
    """Whether there is an answer for each row."""
    return setting.operation.kind != "metric" and "none" in setting.reductions


def _plain(setting: Setting, names: Sequence[str]) -> list[Case]:
    every = {case.name: case for case in setting.cases() if case.parameters.get("reduction", "none") == "none"}
    return [every[name] for name in names if name in every]


def two_logits(setting: Setting) -> Trials:
    """One trial for each vector of logits."""
    (sigmoid,) = setting.partners("sigmoid")
    for name in SCALAR_CASES:
        x = scalars(setting.format)[name]
        both = Case(name, {"x": np.stack([np.zeros_like(x), x], axis=1)}, {"axis": -1})

        def within(both: Case = both) -> tuple[Array, Array]:
            truth, allowed = bounds(setting, both)
            return allowed[:, 1] + setting.of(sigmoid).operation.bound.ulps, truth.ulp[:, 1]

        column = setting.query(both, together=name, pick=lambda array: array[:, 1] if array.ndim == 2 else array)
        alone = setting.query(Case(name, {"x": x}), implementation=sigmoid, together=name)
        yield pair(both, column, alone, within)


def loss_of_activation(setting: Setting) -> Trials:
    """One trial for each case whose probabilities are neither rounded to 0 or 1 nor clipped: there it is lost."""
    inner, outer = next(setting.partners(*names) for loss, *names in ACTIVATION_AND_LOSS if _eager(setting, loss))
    binary = inner.operation == "sigmoid"
    for case in _plain(setting, SOFT_NUMBERS if binary else SOFT_ROWS):
        logits = Case(case.name, {"x": case.inputs["logits"]}, {} if binary else {"axis": -1})
        asked = setting.query(logits, implementation=inner, together=case.name)
        (reply,) = yield Asking((asked,))
        if isinstance(reply, NoAnswer):
            yield lacking(case, asked, reply)
            continue
        composed = Case(case.name, {"y_true": case.inputs["y_true"], "y_pred": reply.answer}, {"reduction": "none"})
        one = setting.query(composed, implementation=outer, together=case.name)
        other = setting.query(case, together="direct")
        yield pair(case, one, other, partial(_through, setting, inner, outer, case, logits, composed))


def _through(
    setting: Setting, activation: Implementation, loss: Implementation, case: Case, logits: Case, composed: Case
) -> tuple[Array, Array]:
    """What the loss of probabilities may be off for the activation's errors and its own."""
    inner, outer = setting.of(activation), setting.of(loss)
    truth, allowed = bounds(setting, case)
    # An error of the activation passes through the loss with the loss's own derivative there.
    ones = setting.format.array(np.ones(truth.nearest.shape))
    derivative = outer.derivative(with_cotangent(composed, ones), ones)
    probabilities, off = bounds(inner, logits)
    moved = np.abs(derivative.nearest) * off * probabilities.ulp
    op, conventions = outer.operation, outer.implementation.conventions
    terms = condition(op.bound, op, composed.inputs, -1, conventions, sums=setting.policy.sums)
    of_outer = outer.truth(composed)
    own = allowance(op.bound, terms, of_outer, setting.format, setting.policy) * of_outer.ulp
    passed = moved if inner.operation.name == "sigmoid" else moved.sum(axis=-1)
    return allowed + (own + np.nan_to_num(passed)) / truth.ulp, truth.ulp


def sparse_is_one_hot(setting: Setting) -> Trials:
    """One trial for each batch of rows."""
    (dense,) = setting.partners(ONE_HOT)
    for case in _plain(setting, ROW_CASES):
        logits = case.inputs["logits"]
        one_hot = setting.format.array(np.arange(logits.shape[1]) == case.inputs["labels"][:, None])
        same = Case(case.name, {"y_true": one_hot, "logits": logits}, {"reduction": "none"})
        other = setting.query(same, implementation=dense, together=case.name)
        yield pair(case, setting.query(case, together="rows"), other, twice_allowed(setting, case))


def shift_invariance(setting: Setting) -> Trials:
    """One trial for each shift."""
    # Small multiples of 1/4 shifted by 16 are exact in every format, so the truth does not move.
    base = (np.arange(40).reshape(4, 10) * 7 % 11) / 4.0
    for shift in (16.0, -16.0):
        plain = Case(f"shift-by-{shift:g}", {"x": setting.format.array(base)}, {"axis": -1})
        moved = Case(plain.name, {"x": setting.format.rounded(base + shift)}, {"axis": -1})
        one, other = (setting.query(each, together=plain.name) for each in (moved, plain))
        yield pair(moved, one, other, twice_allowed(setting, plain))


def log_of_softmax(setting: Setting) -> Trials:
    """One trial for each batch of rows."""
    (softmax,) = setting.partners("softmax")
    soft_setting = setting.of(softmax)
    for case in _plain(setting, ROW_CASES[:3]):

        def within(case: Case = case) -> tuple[Array, Array]:
            truth, allowed = bounds(setting, case)
            soft, soft_allowed = bounds(soft_setting, case)
            # exp turns an absolute error of the logarithm into a relative one.
            return soft_allowed + allowed * truth.ulp * np.abs(soft.nearest) / soft.ulp, soft.ulp

        risen = setting.query(case, together="rows", then="numpy.exp(answer.astype(numpy.float64))")
        yield pair(case, risen, setting.query(case, implementation=softmax, together=case.name), within)


def row_alone(setting: Setting) -> Trials:
    """One trial for each batch, of its first, second and last row."""
    names = ROW_CASES if setting.operation.rowwise else ("ordinary", "ordinary-one", "ordinary-right", "soft")
    cases = _plain(setting, names)
    wholes = {case.name: setting.query(case, together="rows") for case in cases}
    groups: dict[Hashable, list[Case]] = {}
    for case in sorted(cases, key=lambda case: repr(wholes[case.name].together)):
        groups.setdefault(wholes[case.name].together, []).append(case)
    for members in groups.values():
        (found,) = yield Asking((Query((stacked([wholes[case.name].calls[0] for case in members]),)),))
        start = 0
        for case in members:
            rows = len(next(iter(case.inputs.values())))
            yield from _rows_beside(setting, case, found, start)
            start += rows


def _rows_beside(setting: Setting, case: Case, found: Reply | NoAnswer, start: int) -> Trials:
    """The rows of a case in a batch, from `start` on, beside each on its own."""
    places = np.array([0, 1, len(next(iter(case.inputs.values()))) - 1])
    if isinstance(found, NoAnswer):
        # One bad row does not stand for all.
        (found,) = yield Asking((setting.query(case),))
        start = 0
    each = [setting.call(replace(case, inputs=batch_of(case.inputs, [place]))) for place in places]
    alone = Query(tuple(each), join="rows")
    (rows,) = yield Asking((alone,))
    if isinstance(found, NoAnswer):
        yield lacking(case, alone, found)
        return
    picked = partial(np.take, indices=start + places, axis=0)
    batch = Query(found.query.calls, pick=picked)
    shape = (1, *found.answer.shape[1:])

    def judged(replies: Sequence[Reply]) -> Judgement:
        one, other = replies
        for call, answer in zip(each, other.answers, strict=True):
            if answer.shape != shape:
                said = f"an answer of shape {answer.shape} to a single row, where {shape} is expected"
                parts = ((call, {"shape": list(answer.shape)}),)
                evidence = partial(Evidence, parts, Expected(shape=list(shape)))
                return Judgement(Verdict.DEVIATES, label=SAMENESS[2], message=said, evidence=evidence)
        return compared((one, other), np.zeros(1), setting.truth(case).ulp[places])

    yield Trial(case, (batch, alone), judged, replies=(Reply(batch, found.answers), rows))


def compiled_is_eager(setting: Setting) -> Trials:
    """One trial for each case."""
    name = setting.mode.name.replace("compiled", "eager")
    eager = next(mode for mode in setting.adapter.modes if mode.name == name)
    for case in setting.cases():
        if "subnormal" not in case.tags:
            one, other = (setting.query(case, mode=mode, together="value") for mode in (setting.mode, eager))
            yield pair(case, one, other, twice_allowed(setting, case))


CHECKS = (
    relation("two-logits-are-sigmoid", "Is softmax([0, x])[1] equal to sigmoid(x)?",
             lambda setting: _eager(setting, "softmax", "sigmoid"), two_logits),
    relation("loss-of-logits-is-loss-of-activation",
             "Is the loss from logits equal to the loss of the activation's probabilities?",
             lambda setting: any(_eager(setting, *names) for names in ACTIVATION_AND_LOSS), loss_of_activation),
    relation("sparse-is-one-hot", "Is the loss of integer labels equal to that of one-hot targets?",
             lambda setting: _eager(setting, f"sparse_{ONE_HOT}", ONE_HOT), sparse_is_one_hot),
    relation("shift-invariance", "Does adding the same number to every logit leave the answer as it was?",
             lambda setting: _eager(setting, "softmax") or _eager(setting, "log_softmax"), shift_invariance),
    relation("log-softmax-is-log-of-softmax", "Is e^log_softmax(x) equal to softmax(x)?",
             lambda setting: _eager(setting, "log_softmax", "softmax"), log_of_softmax),
    relation("row-alone", "Is a row's answer the same, bit for bit, alone and in a batch?",
             lambda setting: not setting.mode.compiled and answers_by_row(setting), row_alone),
    relation("compiled-is-eager", "Is the compiled answer equal to the eager one?",
             lambda setting: setting.mode.compiled, compiled_is_eager),
)  # fmt: skip
