"""Evaluating calls in the process where the framework is."""

from __future__ import annotations

import os
import re
import time
import traceback
from collections.abc import Sequence
from typing import Any

import numpy as np
from gaugeblock.adapters.base import Adapter, Array, Function
from gaugeblock.conformance.cases.lifecycle import batches, perform
from gaugeblock.conformance.execution.call import Answer, Call, NoAnswer, vectors


def describe(error: BaseException) -> str:
    """The exception in one line, without what differs from run to run: addresses and folders of this machine."""
    text = " ".join(str(error).split())
    text = re.sub(r"0x[0-9a-f]{6,}", "0x...", text)
    text = re.sub(r"""(["'])/[^"']*/([^"'/]+)\1""", r"\1\2\1", text)
    return f"{type(error).__name__}: {text}"[:300]


def handed_over(framework_adapter: Adapter, call: Call, given: Sequence[Array]) -> list[Any]:
    """The arrays of a call as the framework's own, in the layout asked for."""
    if call.layout is None:
        return [framework_adapter.put(array, call.device) for array in given]
    return [framework_adapter.lay_out(array, call.layout, call.device) for array in given]


def overwritten(framework_adapter: Adapter, call: Call, arrays: Sequence[Any]) -> NoAnswer | None:
    """What is said of a call that changed the numbers of an array which it was given."""
    handed = [*zip(call.inputs, call.arrays, strict=True)]
    handed += [] if call.cotangent is None else [("cotangent", call.cotangent)]
    for (name, given), array in zip(handed, arrays, strict=False):
        if framework_adapter.get(array).astype(given.dtype).tobytes() != given.tobytes():
            return NoAnswer("deviates", f"the call wrote to its input {name}")
    return None


def _kept(halves: Array) -> str:
    return "kept" if np.all(halves != 0) else "flushed to zero"


class Server:
    """Evaluates calls; keeps what it compiled."""

    def __init__(self, framework_adapter: Adapter, namespace: dict[str, Any], *, watchful: bool = False) -> None:
        self.adapter = framework_adapter
        self.watchful = watchful
        """Whether a call that writes to its inputs has no answer in any layout."""
        self.namespace = namespace
        self.functions: dict[Any, Function] = {}
        self.seconds = 0.0

    def flags(self) -> dict[str, Any]:
        """The adapter's flags, and what happens to subnormal numbers: in the framework and in NumPy beside it."""
        tiny = np.full(64, np.finfo(np.float32).tiny, np.float32)
        given = self.adapter.put(tiny, next(iter(self.adapter.devices())))
        try:
            half = self.adapter.get(given * 0.5)
        except Exception:
            told = "unknown"
        else:
            told = _kept(half)
        return {
            **self.adapter.flags(),
            "omp_num_threads": os.environ.get("OMP_NUM_THREADS", "not set"),
            "subnormals": told,
            "subnormals_in_numpy_beside_it": _kept(tiny * np.float32(0.5)),
        }

    def answer(self, call: Call) -> Answer:
        """The answer to a call; what its implementation raised is `unsupported`."""
        try:
            function, given = self._stepping(call) if call.steps else self._calling(call)
            arrays = handed_over(self.adapter, call, given)
        except Exception as error:
            traceback.print_exc()
            return NoAnswer("harness_error", describe(error))
        started = time.perf_counter()
        try:
            result: Array = function(*arrays)
        except NameError as error:
            return NoAnswer("harness_error", f"the call {call.implementation.call!r} cannot be evaluated: {error}")
        except Exception as error:
            return NoAnswer("unsupported", describe(error))
        finally:
            self.seconds += time.perf_counter() - started
        watched = self.watchful or call.layout is not None
        written = None if not watched else overwritten(self.adapter, call, arrays)
        return result if written is None else written

    def _calling(self, call: Call) -> tuple[Function, list[Array]]:
        function = self._function(call)
        given = [*call.arrays, *([] if call.cotangent is None else [call.cotangent])]

        def called(*arrays: Any) -> Array:
            answer = function(*arrays)
            return answer if isinstance(answer, np.ndarray) else self.adapter.get(answer)

        return called, given

    def _stepping(self, call: Call) -> tuple[Function, list[Array]]:
        """The steps of a call as a function of their batches' arrays, one batch after another."""
        cut = batches(call.steps, call.arrays)
        width = len(call.arrays)

        def stepped(*arrays: Any) -> list[Any]:
            made = {key: arrays[at * width : (at + 1) * width] for at, key in enumerate(cut)}
            spelled = self.adapter.spelled(call.parameters)
            return perform(call.implementation, call.inputs, spelled, self.namespace, call.steps, made)

        function = self.adapter.on_device(stepped, call.device)

        def joined(*arrays: Any) -> Array:
            return np.concatenate([self.adapter.get(each).ravel() for each in function(*arrays)])

        return joined, [array for batch in cut.values() for array in batch]

    def _function(self, call: Call) -> Function:
        spelled = self.adapter.spelled(call.parameters)
        key = (
            call.implementation.id,
            call.implementation.call,
            call.mode.name,
            call.device,
            tuple(sorted(spelled.items())),
            call.cotangent is not None and call.order,
            call.inputs,
            (call.arrays[-1].dtype.name, call.layout) if vectors(spelled, call) else None,
        )
        if key not in self.functions:
            own = call.implementation.product if call.cotangent is not None else None
            names = (*call.inputs, *([] if own is None else ["cotangent"]), *spelled)
            named = call.implementation.function(self.namespace, names, own)

            held = vectors(spelled, call)
            laid = dict(zip(held, handed_over(self.adapter, call, list(held.values())), strict=True))
            values = [laid.get(name, value) for name, value in spelled.items()]

            def function(*arrays: Any) -> Any:
                return named(*arrays, *values)

            made: Function = function
            if call.cotangent is not None and own is None:
                made = self.adapter.vjp(made, call.order)
            if call.mode.compiled:
                made = self.adapter.compile(made)
            self.functions[key] = self.adapter.on_device(made, call.device)
        return self.functions[key]
