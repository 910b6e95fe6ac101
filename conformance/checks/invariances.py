"""Invariances: what may be done to a batch, its rows and its classes without changing what is expected of a row.

Reproducible inference needs the first of them: a row has the same bits whatever batch it is in, and wherever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from gaugeblock.adapters.layouts import REPEATED, rank_of
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.draws import uniform
from gaugeblock.conformance.cases.rows import rows_of
from gaugeblock.conformance.checks.relations import answers_by_row, pair, relation, twice_allowed
from gaugeblock.conformance.checks.value import bounds, exactly
from gaugeblock.conformance.execution.call import NoAnswer
from gaugeblock.conformance.execution.query import Query, Reply
from gaugeblock.conformance.judging.judgement import SAMENESS, Evidence, Judgement, answer_format, compared
from gaugeblock.conformance.judging.ulp_error import hexadecimal
from gaugeblock.conformance.trials.setting import Setting, batch_of
from gaugeblock.conformance.trials.trial import Asking, Trial, Trials, Worst, lacking
from gaugeblock.reference.formats import Array
from gaugeblock.reports.records import Expected
from gaugeblock.reports.verdicts import Verdict

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

NUMBERS = 2048
"""Rows in other memory layouts are cut to so many numbers an input, which a run holds."""

LOGITS_ALONE = ({"logits"}, {"label", "logits"})
"""Domains of operations to which a class of logit -inf is no class."""


def _swept(setting: Setting) -> bool:
    """Whether the mode is eager, and the dtype one in which shapes are swept."""
    return not setting.mode.compiled and setting.swept


def _row_by_row(setting: Setting) -> bool:
    """Whether there is an answer for each row, besides."""
    return _swept(setting) and answers_by_row(setting)


def _of_losses(setting: Setting, *reductions: str) -> bool:
    """Whether it is a loss with one of these reductions, besides."""
    return _swept(setting) and setting.operation.kind == "loss" and not {*reductions}.isdisjoint(setting.reductions)


def _plain(
    setting: Setting,
    name: str,
    reduction: str = "none",
    size: tuple[int, int] = (ROWS, LENGTHS[0]),
    drawn: str = "permuted",
) -> Case:
    """So many rows of such a length, or numbers, drawn under a name."""
    op, (rows, length) = setting.operation, size
    parameters: dict[str, object] = {} if op.kind == "activation" else {"reduction": reduction}
    parameters |= {"axis": -1} if op.rowwise else {}
    return Case(name, rows_of(op, setting.format, rows, length if op.rowwise else rows, drawn), parameters)


def _exact(setting: Setting, case: Case, **more: object) -> Query:
    """The case as it is, in one call."""
    return Query((setting.call(case),), **more)  # type: ignore[arg-type]


def batch_invariance(setting: Setting) -> Trials:
    """One observation for each length of rows, of the worst batch."""
    few = setting.mode.few_shapes
    batches = [(np.arange(size) + turn) % DIFFERENT for size in (FEW_SIZES if few else SIZES) for turn in TURNS]
    for length in LENGTHS[: 1 if few or not setting.operation.rowwise else 2]:
        name = f"rows-of-{length}" if setting.operation.rowwise else "elements"
        base = _plain(setting, name, size=(DIFFERENT, length), drawn="batch")
        alone = Query(tuple(setting.call(_of(base, [row])) for row in range(DIFFERENT)), join="rows")
        together = [_exact(setting, _of(base, rows), pick=np.atleast_1d) for rows in batches]
        singles, *found = yield Asking((alone, *together))
        missing = next((each for each in (singles, *found) if isinstance(each, NoAnswer)), None)
        if missing is not None:
            yield lacking(base, alone, missing)
            continue
        beside = zip(batches, found, strict=True)
        yield Worst(tuple(_in_a_batch(setting, base, rows, reply, singles) for rows, reply in beside))


def _of(case: Case, rows: Sequence[int] | Array) -> Case:
    return replace(case, inputs=batch_of(case.inputs, rows))


def _in_a_batch(setting: Setting, base: Case, rows: Array, reply: Reply, singles: Reply) -> Trial:
    """The rows of a batch beside each of them alone, which must have the same bits."""
    alone = replace(singles.query, pick=partial(np.take, indices=rows, axis=0))

    def judged(replies: Sequence[Reply]) -> Judgement:
        found = compared(replies, np.zeros(1), setting.truth(base).ulp[rows])
        if found.verdict == Verdict.CONFORMS:
            return found
        at = found.witness.at[0] if found.witness else 0
        return replace(found, message=f"at place {at} of a batch of {len(rows)}")

    return Trial(base, (reply.query, alone), judged, replies=(reply, Reply(alone, singles.answers)))


def _reversed(setting: Setting, reduction: str) -> tuple[Case, Query, Query]:
    """A case of rows, the rows in the other order, and the rows as they are."""
    plain = _plain(setting, "reversed", reduction)
    return plain, _exact(setting, _of(plain, np.arange(ROWS)[::-1])), _exact(setting, plain)


def row_permutation(setting: Setting) -> Trials:
    """One trial of rows in the other order."""
    plain, back, forth = _reversed(setting, "none")
    turned = replace(back, pick=lambda array: array[::-1])
    yield pair(plain, turned, forth, lambda: (np.zeros(1), setting.truth(plain).ulp))


def order_of_the_samples(setting: Setting) -> Trials:
    """One trial of samples in the other order."""
    plain, back, forth = _reversed(setting, "mean")
    yield pair(plain, back, forth, twice_allowed(setting, plain))


def reduction_of_the_losses(setting: Setting) -> Trials:
    """One trial for each reduction."""
    for reduction in ("mean", "sum"):
        if reduction in setting.reductions:
            case = _plain(setting, reduction, reduction)
            composed = _exact(setting, _plain(setting, "none"), then=f"numpy.{reduction}(answer.astype(numpy.float64))")
            yield pair(case, _exact(setting, case), composed, twice_allowed(setting, case))


def _permuted(domain: str, array: Array, order: Array) -> Array:
    """An input with its classes in another order; a label is the new number of its class."""
    return np.asarray(np.argsort(order)[array] if domain == "label" else array[:, order])


def class_permutation(setting: Setting) -> Trials:
    """One trial of classes in another order."""
    op = setting.operation
    order = np.argsort(uniform("classes", (LENGTHS[0],), 0, 1), kind="stable")
    plain = _plain(setting, "shuffled")
    moved = {n: _permuted(domain, plain.inputs[n], order) for n, domain in zip(op.inputs, op.domains, strict=True)}
    back = partial(np.take, indices=np.argsort(order), axis=1) if op.output_rank else np.asarray
    other = _exact(setting, replace(plain, inputs=moved), pick=back)
    yield pair(plain, other, _exact(setting, plain), twice_allowed(setting, plain))


def padding_with_minus_inf(setting: Setting) -> Trials:
    """One trial of rows that are longer by a few masked classes."""
    op = setting.operation
    plain = _plain(setting, "three-classes-more")
    last = plain.inputs[op.inputs[-1]]
    masked = np.full((ROWS, PADDING), -np.inf, last.dtype)
    wider = replace(plain, inputs={**plain.inputs, op.inputs[-1]: np.concatenate([last, masked], axis=1)})
    within = twice_allowed(setting, plain)
    other = _exact(setting, wider, pick=_unpadded if op.output_rank else np.asarray)

    def judged(replies: Sequence[Reply]) -> Judgement:
        found = _of_masked(replies[0], setting.truth(wider).nearest) if op.output_rank else None
        return found or compared(replies, *within())

    yield Trial(plain, (other, _exact(setting, plain)), judged)


def _unpadded(array: Array) -> Array:
    return array[:, : LENGTHS[0]]


def _of_masked(reply: Reply, exact: Array) -> Judgement | None:
    """What is wrong if a masked class has not what is expected of it, the same number in all."""
    answer = reply.answer
    wrong = np.argwhere(answer.astype(np.float64) != exact) if answer.shape == exact.shape else np.zeros((0, 2), int)
    at = next((tuple(int(i) for i in each) for each in wrong if each[1] >= LENGTHS[0]), None)
    if at is None:
        return None
    said = f"a masked class has {answer[at]!s} where {exact[at]:g} is expected"
    part = reply.query.calls[0], {"at": list(at), "got": hexadecimal(float(answer[at]))}
    nearest = hexadecimal(float(exact[at]))
    expected = Expected(exact=f"{exact[at]:g}", nearest=nearest, ulp=hexadecimal(1.0), allowed=0.0)
    evidence = partial(Evidence, (part,), expected)
    return Judgement(Verdict.DEVIATES, label=SAMENESS[2], message=said, evidence=evidence)


def _has_weights(setting: Setting) -> bool:
    """Whether there is a mean of samples with weights."""
    offered = "sample_weight" in setting.implementation.names and "mean" in setting.reductions
    eager = not setting.mode.compiled and (setting.swept or setting.dtype == "int64")
    return offered and eager and not setting.operation.whole


def weights_of_one(setting: Setting) -> Trials:
    """One trial of a batch with weights and without."""
    plain = _plain(setting, "ones", "mean")
    ones = np.ones(ROWS, np.float32 if setting.dtype == "int64" else setting.format.dtype)
    weighed = replace(plain, inputs={**plain.inputs, "sample_weight": ones})

    def judged(replies: Sequence[Reply]) -> Judgement:
        # An answer that has fewer digits for its weights' sake has no more than its own format's.
        formats = [answer_format(setting.operation, setting.dtype, each.answer) for each in replies]
        fmt = min(formats[::-1], key=lambda each: each.precision)
        truth, allowed = bounds(setting, plain, fmt)
        return compared(replies, 2 * allowed + 1, truth.ulp)

    yield Trial(plain, (_exact(setting, weighed), _exact(setting, plain)), judged)


def device_is_cpu(setting: Setting) -> Trials:
    """One trial for each case."""
    for case in setting.cases():
        if "subnormal" not in case.tags:
            there = setting.call(case)
            one, other = Query((there,)), Query((replace(there, device="cpu"),))
            yield pair(case, one, other, twice_allowed(setting, case))


# Memory layouts: the same numbers, lying differently in memory, have the same answer and stay what they were


def _layouts(setting: Setting) -> bool:
    asked = bool(setting.mode.layouts) and setting.effort.asks("memory-layout", setting.dtype)
    return asked and not (setting.mode.few_shapes and setting.dtype == "float16")


def _ordinary(setting: Setting) -> Case:
    """The ordinary case, long rows before many: a matrix, where the operation takes numbers one by one."""
    case = setting.ordinary(most=2 * NUMBERS)
    if case.parameters.get("reduction", "none") == "none":
        rows = max(1, NUMBERS * len(_largest(case)) // max(NUMBERS, _largest(case).size))
        case = replace(case, inputs={name: array[:rows] for name, array in case.inputs.items()})
    if setting.operation.kind == "activation" and not setting.operation.rowwise:
        case = replace(case, inputs={name: array.reshape(8, -1) for name, array in case.inputs.items()})
    return case


def _largest(case: Case) -> Array:
    return max(case.inputs.values(), key=lambda array: array.size)


def memory_layout(setting: Setting) -> Trials:
    """One trial for each layout, of the answer beside that to a plain array of the same numbers."""
    plain = _ordinary(setting)
    repeated = replace(plain, inputs={n: np.repeat(array[:1], len(array), 0) for n, array in plain.inputs.items()})
    for layout in setting.mode.layouts:
        if _largest(plain).ndim >= rank_of(layout):
            yield _laid_out(setting, repeated if layout in REPEATED else plain, layout)


def _laid_out(setting: Setting, plain: Case, layout: str) -> Trial:
    def judged(replies: Sequence[Reply]) -> Judgement:
        truth, allowed, _ = exactly(setting, plain, replies[1].answer)
        return compared(replies, 2 * allowed, truth.ulp)

    case = replace(plain, name=layout, layout=layout)
    return Trial(case, (_exact(setting, case), _exact(setting, plain)), judged)


CHECKS = (
    relation("batch-invariance", "Has a row the same bits in a batch of any size, at any place, beside any other rows?",
             _row_by_row, batch_invariance),
    relation("row-permutation", "Does the order of the rows leave each row's answer as it was, bit for bit?",
             _row_by_row, row_permutation),
    relation("order-of-the-samples", "Does the order of the samples leave their mean loss within its bound?",
             lambda setting: _of_losses(setting, "mean"), order_of_the_samples),
    relation("reduction-of-the-losses", "Are mean and sum those of the single losses?",
             lambda setting: _row_by_row(setting) and _of_losses(setting, "mean", "sum"), reduction_of_the_losses),
    relation("class-permutation", "Does the order of the classes leave the answer within its bound?",
             lambda setting: setting.operation.rowwise and _row_by_row(setting), class_permutation),
    relation("padding-with-minus-inf",
             "Do further classes with a logit of -inf leave the answer to the others as it was?",
             lambda setting: (set(setting.operation.domains) in LOGITS_ALONE and setting.operation.rowwise
                              and _row_by_row(setting)), padding_with_minus_inf),
    relation("weights-of-one", "Do sample weights of one leave the mean as it is without weights?",
             _has_weights, weights_of_one),
    relation("device-is-cpu", "Is the answer on the device equal to that on the CPU?",
             lambda setting: (setting.device != "cpu" and "cpu" in setting.adapter.device_types
                              and setting.operation.kind != "metric"), device_is_cpu),
    relation("memory-layout",
             "Do the same numbers in another memory layout give the same answer, and are they left as they were?",
             _layouts, memory_layout),
)  # fmt: skip
