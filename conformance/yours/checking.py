"""`check`: the suite's judgement on a user's function or class."""

from __future__ import annotations

import difflib
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from gaugeblock.adapters.base import Adapter
from gaugeblock.adapters.registry import adapter
from gaugeblock.conformance.checks.table import CHECKS
from gaugeblock.conformance.execution.call import Answer, Call, NoAnswer
from gaugeblock.conformance.execution.query import Ask
from gaugeblock.conformance.execution.worker import Server
from gaugeblock.conformance.judging.policy import RELAXED
from gaugeblock.conformance.minimise.reproduction import deviating, reproduced
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.effort import EFFORTS, STANDARD, Effort
from gaugeblock.conformance.trials.engine import observe
from gaugeblock.conformance.trials.setting import Setting
from gaugeblock.conformance.yours.binding import CHOICES, OF_EVERY_LOSS, Act, Binding, bound
from gaugeblock.conformance.yours.callable_adapter import CallableAdapter, CallableError
from gaugeblock.conformance.yours.collector import Collector
from gaugeblock.conformance.yours.conventions import abilities, conventions_of, following, pinned, reduction
from gaugeblock.conformance.yours.result import Result
from gaugeblock.reference.catalogue import Operation, operation
from gaugeblock.reference.formats import FORMATS
from gaugeblock.reports.verdicts import Verdict

LARGE = ("shapes", "large-batch")
"""Checks that ask large batches. They come last: who mixes up samples makes arrays of the square of their number."""

Progress = Callable[[int, int, str], None]
"""Called with how many checks are done, of how many, and the name of the next."""


class SuiteError(Exception):
    """The suite itself failed; nothing is said about the callable."""


def check(
    user_callable: Callable[..., Any],
    operation_name: str,
    /,
    *,
    dtypes: Sequence[str] = (),
    arrays: str = "numpy",
    effort: str = STANDARD,
    signature: Mapping[str, str] | None = None,
    gradient: Callable[..., Any] | None = None,
    conventions: Mapping[str, Any] | None = None,
    protocol: Mapping[str, Act] | None = None,
    device: str = "cpu",
    progress: Progress | None = None,
    **fixed: Any,
) -> Result:
    """Judge an implementation of an operation against its definition.

    Args:
        user_callable: a function of arrays, called with the operation's own names of inputs and parameters where it
            takes them (`gaugeblock list operations`, docs/operations); what it does not take is not asked. Or a class
            whose objects take in batches.
        operation_name: the operation that it claims to compute, such as "softmax".
        dtypes: formats of its inputs: float16, bfloat16, float32, float64. Default: float32, or int64 for an operation
            of labels alone.
        arrays: whose arrays it takes: numpy, torch, jax, tensorflow, or another framework that the suite knows.
        effort: "quick" (within 2 s for a softmax of NumPy arrays in one dtype), "standard" (within 20 s), or
            "thorough".
        signature: the callable's own names: {"logits": "x"} gives it the logits as `x`.
        gradient: its vector-Jacobian product: takes the inputs, `cotangent` in the shape of the answer, and parameters;
            returns the gradient with respect to the last input. Without one, autodiff is used where there is any.
        conventions: what it must follow: a parameter of the definition ({"clip": 1e-7}), or the label that a probe must
            have ({"ties": "lowest index"}). Other conventions are measured and reported, and no failure.
        protocol: the methods of a class: {"update": ..., "result": ..., "reset": ..., "merge": ...}, each a name or a
            function of the object.
        device: where arrays lie: cpu, or a device of that framework.
        progress: is called with the number of checks done, of all, and the name of the next.
        fixed: values of parameters that it is always called with.

    Raises:
        CallableError: what is asked for does not exist, or cannot be asked; the message says what to do.
        UnknownOperationError: there is no such operation; the message names the nearest.
        SuiteError: the suite itself failed.
    """
    started = time.perf_counter()
    op = operation(operation_name)
    if effort not in EFFORTS:
        raise CallableError(f"there is no effort {effort!r}: it is {' or '.join(EFFORTS)}.")
    chosen, base = EFFORTS[effort].callable, adapter(arrays)
    if not base.versions():
        raise CallableError(f"{base.install_hint()}.")
    named = _dtypes(op, dtypes)
    settled, labels = pinned(conventions or {}, op, (*op.parameters, *OF_EVERY_LOSS, "reduction"))
    binding = bound(
        user_callable,
        op,
        framework=base.framework,
        signature=signature or {},
        gradient=gradient,
        protocol=protocol,
        conventions=settled,
        fixed=fixed,
    )
    own, notes = binding.implementation, list(binding.notes)
    if op.gradient_bound is not None and not (own.stateful or base.differentiable or own.product is not None):
        notes.append("gradients: there is no autodiff of these arrays, and no gradient= was given.")
    collector = Collector(labels, notes)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        subjects = [_subject(binding, base, dtype, device, chosen) for dtype in named]
        total, done = sum(len(each.checks) for each in subjects), 0
        for setting, ask, checks in subjects:
            collector.settle(setting, sorted(binding.open))
            few = replace(setting, mode=replace(setting.mode, few_shapes=True))
            for each in checks:
                if progress is not None:
                    progress(done, total, each.name)
                where = few if each.name in LARGE and collector.failures else setting
                outcomes = observe(each, where, ask)
                wanted = deviating(outcomes)[: chosen.shrunk]
                collector.add(where, each, reproduced(where, outcomes, ask, wanted))
                done += 1
    return collector.result(own, arrays, named, effort, time.perf_counter() - started)


def _dtypes(op: Operation, dtypes: Sequence[str]) -> tuple[str, ...]:
    """The dtypes to ask; those of labels have no format."""
    if op.integers.issuperset(op.inputs):
        return ("int64",)
    for name in dtypes:
        if name not in FORMATS:
            near = difflib.get_close_matches(name, FORMATS, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise CallableError(f"there is no format {name!r}: {hint}Known are {', '.join(FORMATS)}.")
    return tuple(dict.fromkeys(dtypes)) or ("float32",)


class _Subject(NamedTuple):
    """What is asked in one dtype."""

    setting: Setting
    ask: Ask
    checks: list[Check]


def _subject(binding: Binding, base: Adapter, dtype: str, device: str, effort: Effort) -> _Subject:
    """The checks in the framework's eager mode, once conventions that are open and abilities were measured."""
    modes = [mode for mode in base.modes if not mode.compiled and (dtype in mode.dtypes or dtype == "int64")]
    if not modes:
        raise CallableError(f"{base.framework} has no {dtype}: leave it out of dtypes.")
    own = CallableAdapter(base, binding.implementation, binding.namespace)
    server = Server(own, own.load(), watchful=True)
    if device not in base.devices():
        raise CallableError(f"{base.framework} sees no device {device!r}: it sees {', '.join(base.devices())}.")
    if dtype in FORMATS and base.get(base.put(np.zeros(1, FORMATS[dtype].dtype), device)).dtype.name != dtype:
        wanted = " ".join(f"{name}={value}" for name, value in modes[0].environ.items())
        raise CallableError(f"{base.framework} makes no {dtype} here: set {wanted} before it is imported.")
    mode = replace(modes[0], sweeps=(dtype,), subnormals=server.flags()["subnormals"] == "kept")
    ask = _asking(server)
    setting = Setting(binding.implementation, dtype, device, mode, own, effort, RELAXED)
    if "reduction" in binding.open:
        setting = following(setting, {"reduction": reduction(setting, ask)})
    if binding.open.intersection((*CHOICES, *OF_EVERY_LOSS)):
        setting = following(setting, conventions_of(setting, ask))
    own.implementations = (setting.implementation,)
    setting = replace(setting, abilities=abilities(setting, ask))
    applying = [each for each in CHECKS if each.applies(setting)]
    return _Subject(setting, ask, sorted(applying, key=lambda each: each.name in LARGE))


def _asking(server: Server) -> Ask:
    def answer(call: Call) -> Answer:
        found = server.answer(call)
        if isinstance(found, NoAnswer) and found.verdict == Verdict.HARNESS_ERROR:
            raise SuiteError(f"the suite could not ask {call.implementation.call}: {found.message}")
        # bfloat16 is a type of its own to NumPy.
        if isinstance(found, np.ndarray) and found.dtype.kind not in "biuf" and found.dtype.name not in FORMATS:
            return NoAnswer(Verdict.DEVIATES, f"the answer is of type {found.dtype.name}, no array of numbers")
        return found

    return lambda calls: [answer(call) for call in calls]
