"""ONNX Runtime: operators of the ONNX standard, each run as a model of one node.

A call like `onnx.Softmax(x, axis=1)` makes that model with onnx.helper, loads it into an InferenceSession and runs it.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from gaugeblock.adapters.base import NATIVE, Function, Mode, implementing, implements
from gaugeblock.adapters.layouts import LAYOUTS
from gaugeblock.adapters.numpy import NumPyAdapter
from gaugeblock.adapters.wording import Wording, placing

OPSET = 21
"""Version of the standard's operators."""
IR_VERSION = 10
"""Version of the model format that came with that opset."""

OPTIMISATION = "GAUGEBLOCK_ONNXRUNTIME_OPTIMISATION"
"""Environment variable with the name of a GraphOptimizationLevel."""
DEFAULT_OPTIMISATION = "ORT_ENABLE_ALL"


def _prelude_names(environ: Mapping[str, str]) -> dict[str, Any]:
    """The names that the prelude needs beside the device."""
    return {"opset": OPSET, "ir_version": IR_VERSION, "level": environ.get(OPTIMISATION, DEFAULT_OPTIMISATION)}


UP_TO_BINARY32 = ("float16", "float32")
"""For operators whose kernel is of binary32 alone: binary16 is computed in it between two casts."""


PRELUDE = """\
def session(operator, kinds, attributes):
    \"\"\"A model of one node. Its shapes are symbolic, the types of its outputs are inferred.\"\"\"
    names = ["" if kind is None else f"input_{i}" for i, kind in enumerate(kinds)]
    known = [(name, *kind) for name, kind in zip(names, kinds) if kind is not None]
    of = onnx.helper.np_dtype_to_tensor_dtype
    inputs = [onnx.helper.make_tensor_value_info(name, of(dtype), [None] * rank) for name, dtype, rank in known]
    count = onnx.defs.get_schema(operator, opset).min_output
    outputs = [onnx.ValueInfoProto(name=f"output_{i}") for i in range(count)]
    node = onnx.helper.make_node(operator, names, [output.name for output in outputs], **dict(attributes))
    graph = onnx.helper.make_graph([node], operator, inputs, outputs)
    standard = onnx.helper.make_opsetid("", opset)
    model = onnx.helper.make_model(graph, opset_imports=[standard], ir_version=ir_version)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    provider = "CPUExecutionProvider" if platform == "cpu" else ("CUDAExecutionProvider", {"device_id": index})
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=[provider])


def run(operator, *inputs, **attributes):
    arrays = [None if each is None else numpy.asarray(each) for each in inputs]
    kinds = tuple(None if array is None else (array.dtype, array.ndim) for array in arrays)
    feeds = {f"input_{i}": array for i, array in enumerate(arrays) if array is not None}
    outputs = session(operator, kinds, tuple(attributes.items())).run(None, feeds)
    return outputs[0] if len(outputs) == 1 else outputs
"""
"""Every operator of the standard as a function: inputs in order, None for one left out; attributes by name.

An operator of one output returns an array, one of several a list. Inputs are what numpy.asarray takes.
"""


class Operators:
    """The operators as attributes, each run on `device`; `names` are those that the prelude needs."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.device = "cpu"
        self._names = names
        self._runs: dict[str, Function] = {}

    def __getattr__(self, operator: str) -> Function:
        if self.device not in self._runs:
            self._runs[self.device] = self._defined(self.device)
        return functools.partial(self._runs[self.device], operator)

    def _defined(self, device: str) -> Function:
        names = {"numpy": np, **self._names, **placing(device)}
        exec(PRELUDE, names)
        made = names["session"]

        @functools.cache
        def session(*node: Any) -> Any:
            found = made(*node)
            if device != "cpu" and found.get_providers()[0] == "CPUExecutionProvider":
                # Where CUDA's libraries are not found, ONNX Runtime warns and computes on the CPU.
                raise RuntimeError(f"ONNX Runtime has no {device} here")
            return found

        names["session"] = session
        run: Function = names["run"]
        return run


class OnnxRuntimeAdapter(NumPyAdapter):
    """Takes and returns NumPy arrays; bfloat16 is left out, since no CPU kernel of these operators takes it.

    The standard has neither log-sigmoid nor a loss of probabilities or of one-hot targets.
    """

    framework = "onnxruntime"
    distributions = ("onnxruntime|onnxruntime-gpu", "onnx", "numpy")
    extra = "onnxruntime"
    modules = ("onnxruntime", "onnx")
    modes = (
        Mode("eager", NATIVE, layouts=tuple(LAYOUTS)),
        Mode("unoptimised", NATIVE, {OPTIMISATION: "ORT_DISABLE_ALL"}),
    )
    device_types = ("cpu", "cuda")
    wording = Wording(handed=LAYOUTS, prelude=PRELUDE, operators={"onnx": "run"})
    table = (
        implements("sigmoid", "onnx.Sigmoid(x)", name="onnxruntime.Sigmoid"),
        implements("softplus", "onnx.Softplus(x)", name="onnxruntime.Softplus", dtypes=UP_TO_BINARY32),
        *implementing(name="onnxruntime.HardSigmoid", dtypes=UP_TO_BINARY32)(
            hard_sigmoid="onnx.HardSigmoid(x, alpha=1 / width, beta=0.5)"
        ),
        implements("softmax", "onnx.Softmax(x, axis=axis)", name="onnxruntime.Softmax"),
        implements("log_softmax", "onnx.LogSoftmax(x, axis=axis)", name="onnxruntime.LogSoftmax"),
        implements("logsumexp", "onnx.ReduceLogSumExp(x, [axis], keepdims=0)", name="onnxruntime.ReduceLogSumExp"),
        *implementing(name="onnxruntime.SoftmaxCrossEntropyLoss", axis=1)(
            sparse_categorical_cross_entropy_with_logits="onnx.SoftmaxCrossEntropyLoss("
            "logits, labels, class_weight, ignore_index=ignore_index, reduction=reduction)"
        ),
        *implementing(name="onnxruntime.NegativeLogLikelihoodLoss", axis=1)(
            negative_log_likelihood="onnx.NegativeLogLikelihoodLoss("
            "log_probabilities, labels, class_weight, ignore_index=ignore_index, reduction=reduction)"
        ),
        *implementing(name="onnxruntime.ArgMax", reduction="none")(
            categorical_accuracy="onnx.ArgMax(y_true, axis=1, keepdims=0) == onnx.ArgMax(y_score, axis=1, keepdims=0)",
            sparse_categorical_accuracy="labels == onnx.ArgMax(y_score, axis=1, keepdims=0)",
        ),
        *implementing(name="onnxruntime.TopK", reduction="none")(
            top_k_accuracy="(onnx.TopK(y_score, [k], axis=1)[1] == labels[:, None]).any(axis=1)"
        ),
    )

    def load(self) -> dict[str, Any]:
        """Import ONNX Runtime and onnx; calls find the operators under the name onnx."""
        names = super().load()
        self.operators = Operators({**names, **_prelude_names(os.environ)})
        return {"onnx": self.operators}

    def worded(self, mode: Mode) -> Wording:
        """The prelude names the mode's level of graph optimisation."""
        return replace(self.wording, constants=_prelude_names(mode.environ))

    def devices(self) -> dict[str, str]:
        """The CPU and each CUDA device on which memory can be allocated; ONNX Runtime does not name them."""
        found = {"cpu": ""}
        with contextlib.suppress(RuntimeError):
            for index in itertools.count():
                self.names["onnxruntime"].OrtValue.ortvalue_from_shape_and_type([1], np.float32, "cuda", index)
                found[f"cuda:{index}"] = ""
        return found

    def flags(self) -> dict[str, str | float | bool | None]:
        """The opset, the level of graph optimisation and threads; it has no switch for vector instructions."""
        threads = self.names["onnxruntime"].SessionOptions().intra_op_num_threads
        level = _prelude_names(os.environ)["level"]
        return {"opset": OPSET, "graph_optimisation": level, "threads": threads or "one for each physical core"}

    def on_device(self, function: Function, device: str) -> Function:
        """Sessions on the device; arrays are copied to it and back."""

        def placed(*arrays: Any) -> Any:
            self.operators.device = device
            return function(*arrays)

        return placed


ADAPTER = OnnxRuntimeAdapter()
