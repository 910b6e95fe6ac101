"""Relations: what must hold between two answers of a framework, each within what both are allowed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.named_arrays import scalars
from gaugeblock.conformance.checks.value import allowed_errors
from gaugeblock.conformance.execution.call import Call, NoAnswer
from gaugeblock.conformance.judging.judge import Judgement, allowance, sensitivity, unanswered
from gaugeblock.conformance.judging.showing import Part, Shown
from gaugeblock.conformance.trials.batching import answers, given
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.comparison import Alone, Side, compared, side
from gaugeblock.conformance.trials.setting import Context, Observation, Setting, partner
from gaugeblock.reference.formats import Array
from gaugeblock.reference.operations import REDUCTIONS
from gaugeblock.reference.truth import Truth

ROW_CASES = ("ordinary-10", "confident-10", "wide-10", "tied-top-10")
ACTIVATION_AND_LOSS = {
    "binary_cross_entropy_with_logits": ("sigmoid", "binary_cross_entropy"),
    "categorical_cross_entropy_with_logits": ("softmax", "categorical_cross_entropy"),
}

SCALAR_CASES = ("ordinary", "near-zero", "positive", "negative")

SAMENESS = ("bit-equal", "equal within the bounds", "differ")
"""What is seen of two answers."""

Observe = Callable[[Context], Iterator[Observation]]


def relation(
    table: list[Check], name: str, question: str, applies: Callable[[Setting], bool]
) -> Callable[[Observe], Observe]:
    """Decorator that enters a relation in a table."""

    def enter(observe: Observe) -> Observe:
        table.append(Check(name, "relation", question, applies, observe, SAMENESS))
        return observe

    return enter


CHECKS: list[Check] = []


def _eager(setting: Setting, *names: str) -> bool:
    return setting.operation.name in names and not setting.mode.compiled


def _plain(context: Context, names: Sequence[str]) -> list[Case]:
    every = {case.name: case for case in context.cases() if case.parameters.get("reduction", "none") == "none"}
    return [every[name] for name in names if name in every]


def bounds(context: Context, case: Case) -> tuple[Truth, Array]:
    """The truth of a case in the format of its inputs, and the errors that are allowed."""
    truth = context.truth(case)
    return truth, allowed_errors(context, case, truth, context.format)


def _second_column(array: Array) -> Array:
    return array[:, 1] if array.ndim == 2 else array


@relation(
    CHECKS,
    "two-logits-are-sigmoid",
    "Is softmax([0, x])[1] equal to sigmoid(x)?",
    lambda setting: _eager(setting, "softmax") and partner(setting, "sigmoid") is not None,
)
def _two_logits(context: Context) -> Iterator[Observation]:
    sigmoid = context.partner("sigmoid")
    assert sigmoid is not None
    for name in SCALAR_CASES:
        x = scalars(context.format)[name]
        pair = Case(name, {"x": np.stack([np.zeros_like(x), x], axis=1)}, {"axis": -1})
        alone = Case(name, {"x": x})
        (both,) = answers(context, [pair])
        (single,) = answers(context, [alone], implementation=sigmoid)
        truth, allowed = bounds(context, pair)
        most = allowed[:, 1] + context.of(sigmoid).operation.bound.ulps
        column = side(context, pair, both, pick=_second_column)
        alone_side = side(context, alone, single, implementation=sigmoid)
        yield compared(context, "two-logits-are-sigmoid", pair, column, alone_side, most, truth.ulp[:, 1])


@relation(
    CHECKS,
    "loss-of-logits-is-loss-of-activation",
    "Is the loss from logits equal to the loss of the activation's probabilities?",
    lambda setting: any(
        _eager(setting, loss) and partner(setting, inner) is not None and partner(setting, outer) is not None
        for loss, (inner, outer) in ACTIVATION_AND_LOSS.items()
    ),
)
def _loss_of_activation(context: Context) -> Iterator[Observation]:
    name_inner, name_outer = ACTIVATION_AND_LOSS[context.operation.name]
    inner, outer = context.partner(name_inner), context.partner(name_outer)
    assert inner is not None
    assert outer is not None
    binary = name_inner == "sigmoid"
    # Where the probability is rounded to 0 or 1 or clipped, the relation is lost with it.
    names = (
        ("near-zero-one", "near-zero-zero", "near-zero-soft") if binary else ("ordinary-3", "ordinary-10", "equal-10")
    )
    chosen = _plain(context, names)
    for case, direct in zip(chosen, answers(context, chosen), strict=True):
        logits = Case(case.name, {"x": case.inputs["logits"]}, {} if binary else {"axis": -1})
        (probability,) = answers(context, [logits], implementation=inner)
        if isinstance(probability, NoAnswer):
            yield context.observation("loss-of-logits-is-loss-of-activation", case, unanswered(probability))
            continue
        composed = Case(case.name, {"y_true": case.inputs["y_true"], "y_pred": probability}, {"reduction": "none"})
        (loss,) = answers(context, [composed], implementation=outer)
        truth, allowed = bounds(context, case)
        # An error of the activation passes through the loss with the loss's own slope there.
        slope = context.gradient(composed, context.format.array(np.ones(truth.nearest.shape)), implementation=outer)
        inner_context = context.of(inner)
        activation = inner_context.truth(logits)
        moved = (
            np.abs(slope.nearest) * allowed_errors(inner_context, logits, activation, context.format) * activation.ulp
        )
        outer_operation = context.of(outer).operation
        outer_truth = context.truth(composed, implementation=outer)
        condition = sensitivity(outer_operation, composed.inputs, -1, "none", None, outer.conventions)
        own = allowance(outer_operation.bound, condition, outer_truth, context.format) * outer_truth.ulp
        passed = moved if binary else moved.sum(axis=-1)
        most = allowed + (own + np.nan_to_num(passed)) / truth.ulp
        one, other = side(context, composed, loss, implementation=outer), side(context, case, direct)
        yield compared(context, "loss-of-logits-is-loss-of-activation", case, one, other, most, truth.ulp)


@relation(
    CHECKS,
    "sparse-is-one-hot",
    "Is the loss of integer labels equal to that of one-hot targets?",
    lambda setting: (
        _eager(setting, "sparse_categorical_cross_entropy_with_logits")
        and partner(setting, "categorical_cross_entropy_with_logits") is not None
    ),
)
def _sparse_is_one_hot(context: Context) -> Iterator[Observation]:
    dense = context.partner("categorical_cross_entropy_with_logits")
    assert dense is not None
    chosen = _plain(context, ROW_CASES)
    for case, sparse in zip(chosen, answers(context, chosen), strict=True):
        logits = case.inputs["logits"]
        one_hot = context.format.array(np.arange(logits.shape[1]) == case.inputs["labels"][:, None])
        same = Case(case.name, {"y_true": one_hot, "logits": logits}, {"reduction": "none"})
        (other,) = answers(context, [same], implementation=dense)
        truth, allowed = bounds(context, case)
        both = side(context, case, sparse), side(context, same, other, implementation=dense)
        yield compared(context, "sparse-is-one-hot", case, *both, 2 * allowed, truth.ulp)


@relation(
    CHECKS,
    "shift-invariance",
    "Does adding the same number to every logit leave the answer as it was?",
    lambda setting: _eager(setting, "softmax", "log_softmax"),
)
def _shift_invariance(context: Context) -> Iterator[Observation]:
    # Small multiples of 1/4 shifted by 16 are exact in every format, so the truth does not move.
    base = (np.arange(40).reshape(4, 10) * 7 % 11) / 4.0
    for shift in (16.0, -16.0):
        plain = Case(f"shift-by-{shift:g}", {"x": context.format.array(base)}, {"axis": -1})
        moved = Case(plain.name, {"x": context.format.rounded(base + shift)}, {"axis": -1})
        one, other = answers(context, [moved, plain])
        truth, allowed = bounds(context, plain)
        both = side(context, moved, one), side(context, plain, other)
        yield compared(context, "shift-invariance", moved, *both, 2 * allowed, truth.ulp)


@relation(
    CHECKS,
    "log-softmax-is-log-of-softmax",
    "Is e^log_softmax(x) equal to softmax(x)?",
    lambda setting: _eager(setting, "log_softmax") and partner(setting, "softmax") is not None,
)
def _log_of_softmax(context: Context) -> Iterator[Observation]:
    softmax = context.partner("softmax")
    assert softmax is not None
    chosen = _plain(context, ROW_CASES[:3])
    for case, logs in zip(chosen, answers(context, chosen), strict=True):
        (plain,) = answers(context, [case], implementation=softmax)
        truth, allowed = bounds(context, case)
        soft_context = context.of(softmax)
        soft = soft_context.truth(case)
        soft_allowed = allowed_errors(soft_context, case, soft, context.format)
        # exp turns an absolute error of the logarithm into a relative one.
        most = soft_allowed + allowed * truth.ulp * np.abs(soft.nearest) / soft.ulp
        risen = side(context, case, logs, then="numpy.exp(answer.astype(numpy.float64))")
        beside = side(context, case, plain, implementation=softmax)
        yield compared(context, "log-softmax-is-log-of-softmax", case, risen, beside, most, soft.ulp)


@relation(
    CHECKS,
    "row-alone",
    "Is a row's answer the same, bit for bit, alone and in a batch?",
    lambda setting: (
        not setting.mode.compiled
        and setting.operation.kind != "metric"
        and "none" in (setting.implementation.choices("reduction", REDUCTIONS) or ("none",))
    ),
)
def _row_alone(context: Context) -> Iterator[Observation]:
    names = ROW_CASES if context.operation.rowwise else ("ordinary", "ordinary-one", "ordinary-right", "soft")
    chosen = _plain(context, names)
    at = {case.name: [0, 1, len(next(iter(case.inputs.values()))) - 1] for case in chosen}
    alone = [
        Case(case.name, {name: array[i : i + 1] for name, array in case.inputs.items()}, case.parameters)
        for case in chosen
        for i in at[case.name]
    ]
    wholes = given(context, chosen)
    posed = [context.call(part) for part in alone]
    singles, calls = iter(context.ask(posed)), iter(posed)
    for case, beside in zip(chosen, wholes, strict=True):
        whole, positions = beside.answer, at[case.name]
        parts = [next(singles) for _ in positions]
        asked = [next(calls) for _ in positions]
        refused = next((answer for answer in (whole, *parts) if isinstance(answer, NoAnswer)), None)
        if refused is not None or isinstance(whole, NoAnswer):
            yield context.observation("row-alone", case, unanswered(refused or NoAnswer("harness_error", "no answer")))
            continue
        shape = (1, *whole.shape[1:])
        found = [part for part in parts if not isinstance(part, NoAnswer)]
        odd = next((number for number, part in enumerate(found) if part.shape != shape), None)
        if odd is not None:
            message = f"an answer of shape {found[odd].shape} to a single row, where {shape} is due"
            told = Judgement("deviates", message=message)
            replay = Alone(case, asked[odd], partial(_shape_of_a_row, shape))
            yield context.observation("row-alone", case, told, replay=replay, label="differ")
            continue
        truth = context.truth(case)
        places = beside.start + np.array(positions)
        batch = Side(beside.calls, beside.whole, pick=partial(np.take, indices=places, axis=0))
        rows = Side(tuple(asked), tuple(parts), join="rows")
        yield compared(context, "row-alone", case, batch, rows, np.zeros(1), truth.ulp[positions])


def _shape_of_a_row(due: tuple[int, ...], call: Call, answer: Array) -> Shown:
    verdict = "conforms" if answer.shape == due else "deviates"
    part = Part(call, {"shape": list(answer.shape)})
    return Shown({"verdict": verdict, "label": "differ"}, (part,), {"shape": list(due)})


@relation(
    CHECKS,
    "compiled-is-eager",
    "Is the compiled answer equal to the eager one?",
    lambda setting: setting.mode.compiled,
)
def _compiled_is_eager(context: Context) -> Iterator[Observation]:
    name = context.setting.mode.name.replace("compiled", "eager")
    eager = next(mode for mode in context.setting.adapter.modes if mode.name == name)
    chosen = [case for case in context.cases() if "subnormal" not in case.name]
    one, other = answers(context, chosen), answers(context, chosen, mode=eager)
    for case, compiled, plain in zip(chosen, one, other, strict=True):
        truth, allowed = bounds(context, case)
        both = side(context, case, compiled), side(context, case, plain, mode=eager)
        yield compared(context, "compiled-is-eager", case, *both, 2 * allowed, truth.ulp)
