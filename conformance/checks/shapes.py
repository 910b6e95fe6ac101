"""Sweeps over shapes: every length of a row or vector, ranks, axes, empty and very large batches.

A framework changes its code with the shape: vector bodies and tails, blocks, reductions in several passes. The
answers to a range of lengths make one observation, whose case is that of the worst length.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.draws import bell, integers, uniform
from gaugeblock.conformance.checks.gradient import cotangent, has_gradient, judged
from gaugeblock.conformance.checks.value import Due, Valued, due
from gaugeblock.conformance.execution.call import Answer, NoAnswer
from gaugeblock.conformance.judging.judge import Judgement, digest, judge, unanswered
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.setting import Context, Observation, Setting, can_ask
from gaugeblock.reference.catalogue import Operation, operation
from gaugeblock.reference.formats import Array, Format
from gaugeblock.reference.operations import REDUCTIONS
from gaugeblock.reference.truth import Truth

RANGES = tuple(
    [range(low, low + 8) for low in range(1, 65, 8)]
    + [range(65, 67)]
    + [range(n - 1, n + 2) for n in (128, 256, 512, 1024, 2048, 4096)]
)
"""Lengths, in ranges that are observed together: all of a vector's and around powers of two."""

SPREAD = (range(70, 500, 29), range(531, 1020, 61), range(1100, 4000, 367))
"""Others between them, for those who are asked thoroughly."""

FEW = (1, 2, 3, 8, 17, 33, 129, 1025)
"""Lengths in modes that compile each shape for several hundred milliseconds."""

GRADIENT_LENGTHS = (1, 2, 3, 7, 8, 9, 16, 17, 33, 65, 129, 513)

PAIRWISE = ("multi_hot", "decisions")
"""Domains of losses that compare every label with every other class, whose exact value grows with the square."""

LONGEST_PAIRWISE = 130

PRODUCTS = ("distribution", "log_distribution", "one_hot", "multi_hot")
"""Targets that are multiplied with the logarithm of each class."""

FLAT = ("logits", "finite_logits", "decisions")

DISTINCT = 61
"""Rows of a large batch repeat so many: no power of two, so that blocks of rows do not repeat with them."""


def _logits(name: str, rows: int, length: int, fmt: Format) -> Array:
    """Ordinary rows; from the second on, every second has its first third masked and a large gap at its middle."""
    drawn = bell(f"sweep/{name}/{length}", (rows, length), 1.5)
    hidden = np.zeros((rows, length), bool)
    hidden[1::2, : length // 3] = True
    drawn[1::2, length // 2] += min(-fmt.emin * 0.6, 80.0)
    return np.where(hidden, -math.inf, drawn)


def _probabilities(name: str, rows: int, length: int, fmt: Format) -> Array:
    """Positive numbers whose sum is close to one."""
    del fmt
    drawn = 1.0 + integers(f"sweep-p/{name}/{length}", (rows, length), 64)
    return np.asarray(drawn / drawn.sum(axis=1, keepdims=True))


def _scores(name: str, rows: int, length: int, fmt: Format) -> Array:
    """A permutation of different numbers in each row: equal steps, or neighbours where the format has no such steps."""
    order = np.argsort(uniform(f"sweep-order/{name}/{length}", (rows, length), 0, 1), axis=1, kind="stable")
    if length < 2**fmt.precision:
        return np.asarray((order + 1) / 2.0 ** length.bit_length())
    one = np.ones((), fmt.dtype).view(f"i{fmt.dtype.itemsize}")
    return (one - 1 - order).astype(one.dtype).view(fmt.dtype).astype(np.float64)


def _labels(last: Array) -> Array:
    """The last class where it takes part, the largest entry elsewhere."""
    known = np.full(len(last), last.shape[1] - 1)
    return np.where(np.arange(len(last)) % 2 == 1, last.argmax(axis=1), known)


LAST: dict[str, Callable[[str, int, int, Format], Array]] = {
    "logits": _logits,
    "finite_logits": lambda name, rows, length, _: bell(f"sweep/{name}/{length}", (rows, length), 3),
    "decisions": lambda name, rows, length, _: bell(f"sweep/{name}/{length}", (rows, length), 3),
    "probabilities": _probabilities,
    "log_probabilities": lambda name, rows, length, _: -uniform(f"sweep-log/{name}/{length}", (rows, length), 0.1, 9),
    "scores": _scores,
}

FIRST: dict[str, Callable[[Array], Array]] = {
    "label": _labels,
    "one_hot": lambda last: np.arange(last.shape[1]) == _labels(last)[:, None],
    "distribution": lambda last: np.where(np.arange(last.shape[1]) == _labels(last)[:, None], 1.0, 0.0),
    "log_distribution": lambda last: np.where(np.arange(last.shape[1]) == _labels(last)[:, None], -0.125, -6.0),
    "multi_hot": lambda last: ((np.arange(last.shape[1]) % 3 == 0) & np.isfinite(last)) * 1.0,
    "mask": lambda last: np.isfinite(last),
}

ELEMENTS: dict[str, Callable[[str, int, Format], Array]] = {
    "real": lambda name, n, fmt: uniform(f"sweep/{name}", (n,), -0.4, 0.4) * -2 * fmt.emin * 0.69,
    "probability": lambda name, n, _: uniform(f"sweep-p/{name}", (n,), 0.01, 0.99),
    "score": lambda name, n, _: uniform(f"sweep-p/{name}", (n,), 0.51, 0.99) - (np.arange(n) % 2) * 0.5,
    "target": lambda name, n, _: integers(f"sweep-t/{name}", (n,), 2) * 1.0,
    "sign": lambda name, n, _: 1.0 - 2 * integers(f"sweep-t/{name}", (n,), 2),
    "binary": lambda name, n, _: integers(f"sweep-t/{name}", (n,), 2),
    "label": lambda name, n, _: integers(f"sweep-l/{name}", (n,), 7),
}


def rows_of(op: Operation, fmt: Format, rows: int, length: int, name: str = "row") -> dict[str, Array]:
    """`rows` rows of `length` entries for a rowwise operation, or `length` elements for one of single numbers."""
    return dict(_rows_of(op.name, fmt, rows, length, name))


@functools.cache
def _rows_of(operation_name: str, fmt: Format, rows: int, length: int, name: str) -> dict[str, Array]:
    # Every implementation of an operation is asked the same.
    op = operation(operation_name)
    if not op.rowwise:
        drawn = {given: ELEMENTS[domain](f"{name}/{given}", length, fmt) for given, domain in _held(op)}
    else:
        last = LAST[op.domains[-1]](name, rows, length, fmt)
        if op.domains[0] in PRODUCTS:
            # The known NaN of 0 * -inf would hide what a length does.
            last = np.where(np.isneginf(last), -20.0, last)
        drawn = {given: FIRST[domain](last) if given != op.inputs[-1] else last for given, domain in _held(op)}
    return {
        given: np.array(drawn[given], bool if domain == "mask" else np.int64)
        if given in op.integers
        else fmt.rounded(drawn[given])
        for given, domain in _held(op)
    }


def _held(op: Operation) -> list[tuple[str, str]]:
    return list(zip(op.inputs, op.domains, strict=True))


def _case(context: Context, name: str, inputs: dict[str, Array], axis: int | None = None) -> Case:
    """A case along an axis. Where none is named, losses are asked as they are used: rows, classes last."""
    op = context.operation
    named = -1 if axis is None and op.kind == "activation" else axis
    parameters: dict[str, object] = {"axis": named} if op.rowwise and named is not None else {}
    offered = context.implementation.choices("reduction", REDUCTIONS)
    if op.kind != "activation":
        parameters["reduction"] = "none" if "none" in offered else "mean"
    return Case(name, inputs, parameters)


def _due_of_elements(longest: Case) -> Due:
    """What is due to vectors that are the start of the longest: its truth is theirs, where nothing is reduced."""
    known: dict[str, tuple[Truth, Array, Format]] = {}

    def due_to_start(context: Context, case: Case, answer: Array) -> tuple[Truth, Array, Format]:
        start = slice(len(case.inputs[context.operation.inputs[-1]]))
        if any(array.tobytes() != longest.inputs[name][start].tobytes() for name, array in case.inputs.items()):
            return due(context, case, answer)
        if answer.dtype.name not in known:
            known[answer.dtype.name] = due(context, longest, answer)
        truth, allowed, fmt = known[answer.dtype.name]
        return truth.take(start), allowed[start], fmt

    return due_to_start


def judgement(context: Context, case: Case, answer: Answer, due_to: Due = due) -> Judgement:
    """What is seen of an answer; of none, why there is none."""
    return unanswered(answer) if isinstance(answer, NoAnswer) else judge(answer, *due_to(context, case, answer))


WORSE = ("conforms", "unsupported", "not_run", "undecided", "deviates", "timed_out", "crashed", "harness_error")
"""Verdicts from the best to the worst: one length that is refused does not hide another that deviates."""


def severity(seen: Judgement) -> tuple[int, float]:
    """How bad it is: by the verdict, then by the error in proportion to what is allowed."""
    far = math.inf if seen.error is None else seen.error / max(seen.allowed or 0.0, 1e-9)
    return WORSE.index(seen.verdict), far


def _asked(context: Context, chosen: Sequence[Case], cotangents: Sequence[Array] | None = None) -> list[Answer]:
    """The answers to cases as they are: a batch that is filled up would have another shape."""
    upstream: Sequence[Array | None] = cotangents or [None] * len(chosen)
    return context.ask([context.call(case, cotangent=c) for case, c in zip(chosen, upstream, strict=True)])


def _wanted(context: Context, lengths: Iterable[int]) -> list[int]:
    longest = LONGEST_PAIRWISE if context.operation.domains == PAIRWISE else math.inf
    return [n for n in lengths if n <= longest and (not context.setting.mode.few_shapes or n in FEW)]


def _lengths(context: Context) -> Iterator[Observation]:
    op, fmt = context.operation, context.format
    longest = _case(context, "longest", rows_of(op, fmt, 2, max(each[-1] for each in RANGES)))
    apart = not op.rowwise and longest.parameters.get("reduction", "none") == "none"
    due_to = _due_of_elements(longest) if apart else due
    for lengths in (*RANGES, *(SPREAD if context.setting.thorough else ())):
        wanted = _wanted(context, lengths)
        if not wanted:
            continue
        name = f"{lengths[0]}-to-{lengths[-1]}"
        # Of three rows the last is plain: a mask at its start would hide what goes wrong there.
        rows = 3 if context.setting.own is not None else 2
        chosen = [_case(context, name, rows_of(op, fmt, rows, length)) for length in wanted]
        found = _asked(context, chosen)
        seen = [judgement(context, case, answer, due_to) for case, answer in zip(chosen, found, strict=True)]
        worst = max(range(len(wanted)), key=lambda index: severity(seen[index]))
        # The case kept is the worst length's, the digest that of the answers to all.
        known = [answer.ravel() for answer in found if not isinstance(answer, NoAnswer)]
        more = {"digest": digest(np.concatenate(known))} if known else {}
        replay = Valued(context, chosen[worst], due_to)
        yield context.observation("every-length", chosen[worst], seen[worst], replay=replay, **more)


def _length_gradients(context: Context) -> Iterator[Observation]:
    op, fmt = context.operation, context.format
    bound = op.gradient_bound
    assert bound is not None
    wanted = _wanted(context, GRADIENT_LENGTHS)
    chosen = [_case(context, f"length-{n}", rows_of(op, fmt, 2, n, "slope")) for n in wanted]
    upstream = [cotangent(context, case) for case in chosen]
    for case, weights, answer in zip(chosen, upstream, _asked(context, chosen, upstream), strict=True):
        yield judged(context, "gradient-of-lengths", case, weights, answer, bound)


def _tiled(context: Context, name: str, rows: int, classes: int) -> Iterator[Observation]:
    """A batch of so many rows, whose truth is that of the few that it repeats."""
    op, fmt = context.operation, context.format
    few = rows_of(op, fmt, DISTINCT, DISTINCT if not op.rowwise else classes, name)
    index = np.arange(rows) % DISTINCT
    base, whole = (_case(context, name, inputs) for inputs in (few, {k: a[index] for k, a in few.items()}))
    if whole.parameters.get("reduction") == "mean":
        return
    (answer,) = context.ask([context.call(whole)])
    if isinstance(answer, NoAnswer):
        yield context.observation("shapes", base, unanswered(answer))
        return

    def due_to(context: Context, case: Case, answer: Array) -> tuple[Truth, Array, Format]:
        if case is not whole:
            return due(context, case, answer)
        truth, allowed, format_ = due(context, base, answer)
        return truth.take(index), allowed[index], format_

    seen = judgement(context, whole, answer, due_to)
    replay = Valued(context, whole, due_to)
    # The rows that are repeated say what was asked: the name says how often.
    yield context.observation("shapes", base, seen, replay=replay, digest=digest(answer))


def _shapes(context: Context) -> Iterator[Observation]:
    op, fmt = context.operation, context.format
    made = []
    if op.rowwise:
        flat = rows_of(op, fmt, 12, 10, "ranks")
        ranks = {"rank-1": (), "rank-3": (3, 4), "rank-4": (2, 3, 2)} if op.kind == "activation" else {"rank-3": (3, 4)}
        for name, batch in ranks.items():
            size = math.prod(batch)
            shaped = {key: array[:size].reshape(*batch, *array.shape[1:]) for key, array in flat.items()}
            for axis in range(-len(batch) - 1, len(batch) + 1):
                moved = {
                    key: np.ascontiguousarray(np.moveaxis(array, -1, axis)) if rank else array
                    for (key, array), rank in zip(shaped.items(), op.core_ranks, strict=True)
                }
                made.append(_case(context, f"{name}-axis-{axis}", moved, axis))
        made.append(_case(context, "square", rows_of(op, fmt, 10, 10, "square")))
        made.append(_case(context, "empty-batch", rows_of(op, fmt, 0, 5, "empty")))
        if op.kind == "activation" and op.output_rank:
            made.append(_case(context, "size-zero-axis", {key: a[:, :0] for key, a in flat.items()}))
    else:
        vector = rows_of(op, fmt, 1, 24, "ranks")
        shapes = {"rank-0": (), "rank-2": (4, 6), "rank-3": (2, 3, 4), "rank-4": (2, 3, 2, 2)}
        for name, shape in shapes.items() if op.kind == "activation" else ():
            made.append(_case(context, name, {k: a[: math.prod(shape)].reshape(shape) for k, a in vector.items()}))
        made.append(_case(context, "empty-batch", {key: a[:0] for key, a in vector.items()}))
    chosen = [case for case in made if can_ask(context.implementation, op, case)]
    for case, answer in zip(chosen, _asked(context, chosen), strict=True):
        more = {} if isinstance(answer, NoAnswer) else {"digest": digest(answer)}
        replay = Valued(context, case)
        yield context.observation("shapes", case, judgement(context, case, answer), replay=replay, **more)
    yield from _large(context)


def _large(context: Context) -> Iterator[Observation]:
    op, fmt = context.operation, context.format
    if context.setting.mode.few_shapes:
        return
    yield from _tiled(context, "rows-65599", 65_599, 3)
    # Losses of several labels may compare every two classes.
    formats = ("float32",) if op.domains[-1] == "scores" else ("float16", "float32")
    if op.rowwise and op.domains != PAIRWISE and context.setting.dtype in formats:
        inputs = {key: array[1:] for key, array in rows_of(op, fmt, 2, 100_000, "wide").items()}
        if fmt.largest < 100_000 and op.domains[-1] in FLAT:
            # Neither the length nor the sum of so many nearly equal exponentials is a number of the format.
            inputs[op.inputs[-1]] = fmt.rounded(uniform("sweep/flat", (1, 100_000), -0.25, 0.25))
        case = _case(context, "classes-100000", inputs)
        (answer,) = _asked(context, [case])
        more = {} if isinstance(answer, NoAnswer) else {"digest": digest(answer)}
        replay = Valued(context, case)
        yield context.observation("shapes", case, judgement(context, case, answer), replay=replay, **more)


def _swept(setting: Setting) -> bool:
    return not setting.operation.whole and setting.dtype in (*setting.mode.sweeps, "int64")


CHECKS = (
    Check("every-length", "value", "Is a row right at every length, and a vector at every size?", _swept, _lengths),
    Check("shapes", "value", "Is the answer right at every rank and axis, for empty and very large batches?", _swept,
          _shapes),
    Check(
        "gradient-of-lengths",
        "gradient",
        "Is the gradient right at every length?",
        lambda setting: _swept(setting)
        and setting.operation.gradient_bound is not None
        and has_gradient(setting),
        _length_gradients,
    ),
)  # fmt: skip
