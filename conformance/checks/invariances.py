"""Invariances: what may be done to a batch, its rows and its classes without changing what is due to a row.

Reproducible inference needs the first of them: a row has the same bits whatever batch it is in, and wherever.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.draws import uniform
from gaugeblock.conformance.checks.relations import bounds, relation
from gaugeblock.conformance.checks.shapes import rows_of
from gaugeblock.conformance.checks.value import allowed_errors
from gaugeblock.conformance.execution.call import Answer, Call, NoAnswer
from gaugeblock.conformance.judging.judge import answer_format, hexadecimal, unanswered
from gaugeblock.conformance.judging.showing import Shown, element
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.comparison import Alone, Pair, Side, compared
from gaugeblock.conformance.trials.setting import Context, Observation, Setting
from gaugeblock.reference.formats import Array
from gaugeblock.reference.operations import REDUCTIONS

SIZES = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 65, 100, 257)
"""Batches in which one row is asked: around the widths of vectors and blocks."""

FEW_SIZES = (1, 2, 64)
"""Batches in modes that compile each shape."""

DIFFERENT = 13
"""Rows that batches are made of: no power of two, so that each stands at every place of a vector."""

TURNS = (0, 5)
"""Places by which the rows of a batch are moved on, so that each has other neighbours and another place."""

LENGTHS = (10, 129)
"""Classes of the rows."""

ROWS = 64
"""The rows that cases are filled up to: no further shape to compile."""
PADDING = 3
LOGITS_ALONE = ({"logits"}, {"label", "logits"})
"""Domains of operations to which a class of logit -inf is no class."""

CHECKS: list[Check] = []


def _swept(setting: Setting) -> bool:
    """Whether the mode is eager, and the dtype one in which shapes are swept."""
    return not setting.mode.compiled and setting.dtype in setting.mode.sweeps


def _asked(setting: Setting) -> bool:
    """Whether there is an answer for each row, besides."""
    return _swept(setting) and setting.operation.kind != "metric" and _has(setting, "none")


def _has(setting: Setting, reduction: str) -> bool:
    offered = setting.implementation.choices("reduction", REDUCTIONS)
    return reduction in (offered or ("none",))


def _parameters(context: Context, reduction: str = "none") -> dict[str, object]:
    op = context.operation
    return {**({"axis": -1} if op.rowwise else {}), **({"reduction": reduction} if op.kind != "activation" else {})}


def _batch(inputs: Mapping[str, Array], rows: Sequence[int] | Array) -> dict[str, Array]:
    return {name: array[np.asarray(rows, int)] for name, array in inputs.items()}


def _drawn(context: Context, rows: int, length: int, name: str) -> dict[str, Array]:
    return rows_of(context.operation, context.format, rows, length if context.operation.rowwise else rows, name)


def _refused(context: Context, check: str, case: Case, found: Sequence[Answer]) -> Observation | None:
    for answer in found:
        if isinstance(answer, NoAnswer):
            return context.observation(check, case, unanswered(answer))
    return None


@relation(
    CHECKS,
    "batch-invariance",
    "Has a row the same bits in a batch of any size, at any place, beside any other rows?",
    _asked,
)
def _batch_invariance(context: Context) -> Iterator[Observation]:
    few = context.setting.mode.few_shapes
    batches = [(np.arange(size) + turn) % DIFFERENT for size in (FEW_SIZES if few else SIZES) for turn in TURNS]
    for length in LENGTHS[: 1 if few or not context.operation.rowwise else 2]:
        rows = _drawn(context, DIFFERENT, length, "batch")
        name = f"rows-of-{length}" if context.operation.rowwise else "elements"
        base = Case(name, rows, _parameters(context))
        asked = [np.array([row]) for row in range(DIFFERENT)] + batches
        calls = [context.call(replace(base, inputs=_batch(rows, each))) for each in asked]
        found = context.ask(calls)
        refused = _refused(context, "batch-invariance", base, found)
        if refused is not None:
            yield refused
            continue
        truth = context.truth(base)
        alone = Side(tuple(calls[:DIFFERENT]), tuple(found[:DIFFERENT]), join="rows")
        pairs = [
            Pair(
                base,
                Side((call,), (answer,), pick=np.atleast_1d),
                replace(alone, pick=partial(np.take, indices=each, axis=0)),
                np.zeros(1),
                truth.ulp[each],
            )
            for each, call, answer in zip(batches, calls[DIFFERENT:], found[DIFFERENT:], strict=True)
        ]
        seen = [pair.seen() for pair in pairs]
        worst = max(range(len(seen)), key=lambda n: (seen[n]["verdict"] != "conforms", seen[n].get("error", np.inf)))
        if seen[worst]["verdict"] != "conforms":
            at = seen[worst].get("witness", {}).get("at", [0])[0]
            seen[worst]["message"] = f"at place {at} of a batch of {len(batches[worst])}"
        yield context.seen("batch-invariance", base, seen[worst], pairs[worst])


def _reversed(context: Context, reduction: str) -> tuple[Case, Side, Side]:
    """A case of rows, the answer to it, and that to the rows in the other order."""
    rows = _drawn(context, ROWS, LENGTHS[0], "permuted")
    plain = Case("reversed", rows, _parameters(context, reduction))
    back = replace(plain, inputs=_batch(rows, np.arange(ROWS)[::-1]))
    one, other = _sides(context, plain, back)
    return plain, one, other


def _sides(context: Context, *cases: Case) -> Iterator[Side]:
    """The answers to cases, each with its call."""
    calls = [context.call(case) for case in cases]
    for call, answer in zip(calls, context.ask(calls), strict=True):
        yield Side((call,), (answer,))


@relation(
    CHECKS,
    "row-permutation",
    "Does the order of the rows leave each row's answer as it was, bit for bit?",
    _asked,
)
def _row_permutation(context: Context) -> Iterator[Observation]:
    plain, one, other = _reversed(context, "none")
    back = replace(other, pick=lambda array: array[::-1])
    yield compared(context, "row-permutation", plain, back, one, np.zeros(1), context.truth(plain).ulp)


@relation(
    CHECKS,
    "order-of-the-samples",
    "Does the order of the samples leave their mean loss within its bound?",
    lambda setting: setting.operation.kind == "loss" and _swept(setting) and _has(setting, "mean"),
)
def _order_of_samples(context: Context) -> Iterator[Observation]:
    plain, one, other = _reversed(context, "mean")
    truth, allowed = bounds(context, plain)
    yield compared(context, "order-of-the-samples", plain, other, one, 2 * allowed, truth.ulp)


@relation(
    CHECKS,
    "reduction-of-the-losses",
    "Are mean and sum those of the single losses?",
    lambda setting: (
        setting.operation.kind == "loss" and _asked(setting) and (_has(setting, "mean") or _has(setting, "sum"))
    ),
)
def _reduction(context: Context) -> Iterator[Observation]:
    rows = _drawn(context, ROWS, LENGTHS[0], "permuted")
    (each,) = _sides(context, Case("none", rows, _parameters(context)))
    for reduction in ("mean", "sum"):
        if not _has(context.setting, reduction):
            continue
        case = Case(reduction, rows, _parameters(context, reduction))
        (whole,) = _sides(context, case)
        truth, allowed = bounds(context, case)
        composed = replace(each, then=f"numpy.{reduction}(answer.astype(numpy.float64))")
        yield compared(context, "reduction-of-the-losses", case, whole, composed, 2 * allowed, truth.ulp)


def _permuted(domain: str, array: Array, order: Array) -> Array:
    """An input with its classes in another order; a label is the new number of its class."""
    return np.asarray(np.argsort(order)[array] if domain == "label" else array[:, order])


@relation(
    CHECKS,
    "class-permutation",
    "Does the order of the classes leave the answer within its bound?",
    lambda setting: setting.operation.rowwise and _asked(setting),
)
def _class_permutation(context: Context) -> Iterator[Observation]:
    op = context.operation
    order = np.argsort(uniform("classes", (LENGTHS[0],), 0, 1), kind="stable")
    rows = _drawn(context, ROWS, LENGTHS[0], "permuted")
    plain = Case("shuffled", rows, _parameters(context))
    moved = {name: _permuted(domain, rows[name], order) for name, domain in zip(op.inputs, op.domains, strict=True)}
    one, other = _sides(context, plain, replace(plain, inputs=moved))
    back = replace(other, pick=lambda array: array[:, np.argsort(order)]) if op.output_rank else other
    truth, allowed = bounds(context, plain)
    yield compared(context, "class-permutation", plain, back, one, 2 * allowed, truth.ulp)


@relation(
    CHECKS,
    "padding-with-minus-inf",
    "Do further classes with a logit of -inf leave the answer to the others as it was?",
    lambda setting: set(setting.operation.domains) in LOGITS_ALONE and setting.operation.rowwise and _asked(setting),
)
def _padding(context: Context) -> Iterator[Observation]:
    op = context.operation
    rows = _drawn(context, ROWS, LENGTHS[0], "permuted")
    plain = Case("three-classes-more", rows, _parameters(context))
    last = op.inputs[-1]
    masked = np.full((ROWS, PADDING), -np.inf, rows[last].dtype)
    wider = replace(plain, inputs={**rows, last: np.concatenate([rows[last], masked], axis=1)})
    one, other = _sides(context, plain, wider)
    (answer,) = other.answers
    if op.output_rank and isinstance(answer, np.ndarray):
        due = context.truth(wider).nearest
        shown = _masked(due, other.calls[0], answer)
        if shown.observed["verdict"] != "conforms":
            replay = Alone(plain, other.calls[0], partial(_masked, due))
            yield context.seen("padding-with-minus-inf", plain, shown.observed, replay)
            return
        other = replace(other, pick=lambda array: array[:, : LENGTHS[0]])
    truth, allowed = bounds(context, plain)
    yield compared(context, "padding-with-minus-inf", plain, other, one, 2 * allowed, truth.ulp)


def _masked(due: Array, call: Call, answer: Array) -> Shown:
    """Whether every masked class has what is due to it, the same number in all."""
    wrong = np.argwhere(answer.astype(np.float64) != due)
    at = next((tuple(each) for each in wrong if each[1] >= LENGTHS[0]), None)
    if at is None:
        return Shown({"verdict": "conforms"})
    said = f"a masked class has {answer[at]!s} where {due[at]:g} is due"
    told = {"exact": f"{due[at]:g}", "nearest": hexadecimal(float(due[at])), "ulp": hexadecimal(1.0), "allowed": 0.0}
    return Shown({"verdict": "deviates", "message": said, "label": "differ"}, (element(call, answer, at),), told)


@relation(
    CHECKS,
    "weights-of-one",
    "Do sample weights of one leave the mean as it is without weights?",
    lambda setting: (
        "sample_weight" in setting.implementation.names
        and _has(setting, "mean")
        and (_swept(setting) or (setting.dtype == "int64" and not setting.mode.compiled))
        and not setting.operation.whole
    ),
)
def _weights_of_one(context: Context) -> Iterator[Observation]:
    rows = _drawn(context, ROWS, LENGTHS[0], "permuted")
    plain = Case("ones", rows, _parameters(context, "mean"))
    ones = np.ones(ROWS, np.float32 if context.setting.dtype == "int64" else context.format.dtype)
    weighed = replace(plain, inputs={**rows, "sample_weight": ones})
    one, other = _sides(context, plain, weighed)
    # An answer that has fewer digits for its weights' sake has no more than its own format's.
    found = [each for each in (*one.answers, *other.answers) if isinstance(each, np.ndarray)]
    formats = [answer_format(context.operation, context.setting.dtype, each) for each in found]
    fmt = min(formats, key=lambda each: each.precision, default=context.format)
    truth = context.truth(plain, fmt)
    allowed = allowed_errors(context, plain, truth, fmt)
    yield compared(context, "weights-of-one", plain, other, one, 2 * allowed + 1, truth.ulp)


@relation(
    CHECKS,
    "device-is-cpu",
    "Is the answer on the device equal to that on the CPU?",
    lambda setting: (
        setting.device != "cpu" and "cpu" in setting.adapter.device_types and setting.operation.kind != "metric"
    ),
)
def _device_is_cpu(context: Context) -> Iterator[Observation]:
    chosen = [case for case in context.cases() if "subnormal" not in case.name]
    there = [context.call(case) for case in chosen]
    here = [replace(call, device="cpu") for call in there]
    found = zip(chosen, there, context.ask(there), here, context.ask(here), strict=True)
    for case, call, answer, same, beside in found:
        truth, allowed = bounds(context, case)
        both = Side((call,), (answer,)), Side((same,), (beside,))
        yield compared(context, "device-is-cpu", case, *both, 2 * allowed, truth.ulp)
