"""`check`: the suite's judgement on a function, or a class, that somebody gives."""

from __future__ import annotations

import difflib
import time
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from gaugeblock.adapters.base import Adapter, Mode
from gaugeblock.adapters.registry import adapter
from gaugeblock.conformance.execution.call import Answer, Call, NoAnswer
from gaugeblock.conformance.execution.worker import Server
from gaugeblock.conformance.minimise.reproduction import reproduced
from gaugeblock.conformance.session.plan import install_hint
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.lenient import leniently
from gaugeblock.conformance.trials.setting import Context, Observation, Setting
from gaugeblock.conformance.yours import conventions as following
from gaugeblock.conformance.yours.binding import ENGINE, Asked, asked
from gaugeblock.conformance.yours.callable_adapter import SETTLED, Act, Given, GivenError
from gaugeblock.conformance.yours.collector import Seen
from gaugeblock.conformance.yours.efforts import EFFORTS, LARGE, Effort
from gaugeblock.conformance.yours.pins import pinned
from gaugeblock.conformance.yours.result import Result
from gaugeblock.reference.catalogue import Operation, operation
from gaugeblock.reference.formats import FORMATS

Told = Callable[[int, int, str], None]
"""What is told of the progress: how many checks are done, of how many, and the one that is next."""


class SuiteError(Exception):
    """The suite itself failed; nothing is said about what was given."""


def check(
    given: Callable[..., Any],
    operation_name: str,
    /,
    *,
    dtypes: Sequence[str] = (),
    arrays: str = "numpy",
    effort: str = "default",
    signature: Mapping[str, str] | None = None,
    gradient: Callable[..., Any] | None = None,
    conventions: Mapping[str, Any] | None = None,
    protocol: Mapping[str, Act] | None = None,
    device: str = "cpu",
    progress: Told | None = None,
    **fixed: Any,
) -> Result:
    """Judge an implementation of an operation against its definition.

    Args:
        given: a function of arrays, called with the operation's own names of inputs and parameters where it takes them
            (`gaugeblock list operations`, docs/operations); what it does not take is not asked. Or a class whose
            objects take in batches.
        operation_name: the operation that it claims to compute, such as "softmax".
        dtypes: formats of its inputs: float16, bfloat16, float32, float64. Default: float32, or int64 for an operation
            of labels alone.
        arrays: whose arrays it takes: numpy, torch, jax, tensorflow, or another framework that the suite knows.
        effort: "quick" (within 2 s for a softmax of NumPy arrays in one dtype) or "default" (within 20 s).
        signature: the callable's own names: {"logits": "x"} gives it the logits as `x`.
        gradient: its vector-Jacobian product: takes the inputs, `cotangent` in the shape of the answer, and parameters;
            returns the gradient with respect to the last input. Without one, autodiff is used where there is any.
        conventions: what it must follow: a parameter of the definition ({"clip": 1e-7}), or the label that a probe must
            tell ({"ties": "lowest index"}). Other conventions are measured and reported, and no failure.
        protocol: the methods of a class: {"update": ..., "result": ..., "reset": ..., "merge": ...}, each a name or a
            function of the object.
        device: where arrays lie: cpu, or a device of that framework.
        progress: is called with the number of checks done, of all, and the name of the next.
        fixed: values of parameters that it is always called with.

    Raises:
        GivenError: what is asked for does not exist, or cannot be asked; the message says what to do.
        UnknownOperationError: there is no such operation; the message names the nearest.
        SuiteError: the suite itself failed.
    """
    started = time.perf_counter()
    op = operation(operation_name)
    chosen = _effort(effort)
    base = _base(arrays)
    named = _dtypes(op, dtypes)
    pins = pinned(conventions or {}, op, (*op.parameters, *ENGINE, "reduction"))
    target = asked(
        given,
        op,
        framework=base.framework,
        signature=signature or {},
        gradient=gradient,
        protocol=protocol,
        conventions=pins.settled,
        fixed=fixed,
    )
    seen = Seen(pins, _notes(target, op, base))
    with leniently(), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        measuring = [_Measuring.of(target, base, dtype, device, chosen) for dtype in named]
        total = sum(len(each.checks) for each in measuring)
        done = 0
        for each in measuring:
            seen.settle(each.context.implementation, sorted(target.open), each.context.setting.dtype)
            for made in each.checks:
                if progress is not None:
                    progress(done, total, made.name)
                context = each.few if made.name in LARGE and seen.failures else each.context
                seen.add(context, made, _shrunk(context, list(made.observe(context)), chosen.shrunk))
                done += 1
    return seen.result(target.implementation, arrays, named, effort, time.perf_counter() - started)


def _shrunk(context: Context, observations: list[Observation], most: int) -> list[Observation]:
    """The observations, so many of those that deviate with the smallest input that does."""
    wrong = [each for each in observations if each["verdict"] == "deviates"][:most]
    smaller = {each["key"]: each for each in reproduced(replace(context), wrong)}
    return [smaller.get(each["key"], each) for each in observations]


def _notes(target: Asked, op: Operation, base: Adapter) -> list[str]:
    sloped = op.gradient_bound is not None and not target.implementation.stateful
    if sloped and not base.differentiable and target.implementation.product is None:
        return [*target.notes, "gradients: there is no autodiff of these arrays, and no gradient= was given."]
    return list(target.notes)


def _effort(name: str) -> Effort:
    if name not in EFFORTS:
        raise GivenError(f"there is no effort {name!r}: it is {' or '.join(EFFORTS)}.")
    return EFFORTS[name]


def _base(arrays: str) -> Adapter:
    found = adapter(arrays)
    if not found.versions():
        raise GivenError(f"{install_hint(found)}.")
    return found


def _dtypes(op: Operation, dtypes: Sequence[str]) -> tuple[str, ...]:
    """The dtypes to ask; those of labels have no format."""
    if op.integers.issuperset(op.inputs):
        return ("int64",)
    for name in dtypes:
        if name not in FORMATS:
            near = difflib.get_close_matches(name, FORMATS, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise GivenError(f"there is no format {name!r}: {hint}Known are {', '.join(FORMATS)}.")
    return tuple(dict.fromkeys(dtypes)) or ("float32",)


def _mode(base: Adapter, dtype: str) -> Mode:
    """How it is executed: as it is given, in the framework's eager mode for the dtype."""
    modes = [mode for mode in base.modes if not mode.compiled and (dtype in mode.dtypes or dtype == "int64")]
    if not modes:
        raise GivenError(f"{base.framework} has no {dtype}: leave it out of dtypes.")
    return replace(modes[0], sweeps=(dtype,))


@dataclass(frozen=True)
class _Measuring:
    """What is asked in one dtype."""

    context: Context
    checks: tuple[Check, ...]

    @property
    def few(self) -> Context:
        """Where only small shapes are asked."""
        setting = self.context.setting
        return replace(self.context, setting=replace(setting, mode=replace(setting.mode, few_shapes=True)))

    @staticmethod
    def of(target: Asked, base: Adapter, dtype: str, device: str, effort: Effort) -> _Measuring:
        """With the conventions that are open settled by measuring."""
        mode = _mode(base, dtype)
        own = Given(base, target.implementation, target.namespace)
        server = Server(own, own.load(), watchful=True)
        if device not in base.devices():
            raise GivenError(f"{base.framework} sees no device {device!r}: it sees {', '.join(base.devices())}.")
        if dtype in FORMATS and base.get(base.put(np.zeros(1, FORMATS[dtype].dtype), device)).dtype.name != dtype:
            wanted = " ".join(f"{name}={value}" for name, value in mode.environ.items())
            raise GivenError(f"{base.framework} makes no {dtype} here: set {wanted} before it is imported.")
        mode = replace(mode, subnormals=server.flags()["subnormals"] == "kept")
        context = Context(Setting(target.implementation, dtype, device, mode, own), _asking(server))
        settled = replace(target.implementation, conventions=_conventions(context, target.open))
        own.implementation = settled
        context = context.of(settled)
        return _Measuring(context, tuple(effort.checks(context.setting)))


def _asking(server: Server) -> Callable[[Sequence[Call]], list[Answer]]:
    def answer(call: Call) -> Answer:
        found = server.answer(call)
        if isinstance(found, NoAnswer) and found.verdict == "harness_error":
            raise SuiteError(f"the suite could not ask {call.implementation.call}: {found.message}")
        # bfloat16 is a type of its own to NumPy.
        if isinstance(found, np.ndarray) and found.dtype.kind not in "biuf" and found.dtype.name not in FORMATS:
            return NoAnswer("deviates", f"the answer is of type {found.dtype.name}, no array of numbers")
        return found

    return lambda calls: [answer(call) for call in calls]


def _conventions(context: Context, open_: Iterable[str]) -> dict[str, Any]:
    """Conventions that are settled, and those that are open as measured."""
    settled = dict(context.implementation.conventions)
    if "reduction" in open_:
        settled["reduction"] = following.reduction(context)
        context = context.of(replace(context.implementation, conventions=settled))
    if any(name in open_ for name in (*SETTLED, *ENGINE)):
        settled |= following.conventions(context, settled)
    return settled
