"""ONNX Runtime: operators of the ONNX standard, each run as a model of one node.

A call like `onnx.Softmax(x, axis=1)` makes that model with onnx.helper, loads it into an InferenceSession and runs it.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from trueline.adapters.base import NATIVE, Function, Mode, implements
from trueline.adapters.layouts import LAYOUTS
from trueline.adapters.numpy import NumPyAdapter

OPSET = 21
"""Version of the standard's operators."""
IR_VERSION = 10
"""Version of the model format that came with that opset."""

OPTIMISATION = "TRUELINE_ONNXRUNTIME_OPTIMISATION"
"""Environment variable with the name of a GraphOptimizationLevel."""
DEFAULT_OPTIMISATION = "ORT_ENABLE_ALL"

UP_TO_BINARY32 = ("float16", "float32")
"""For operators whose kernel is of binary32 alone: binary16 is computed in it between two casts."""


@dataclass(frozen=True)
class Node:
    """All that a session depends on: the operator, dtype and rank of each input given, attributes, and the device."""

    operator: str
    inputs: tuple[tuple[str, int] | None, ...]
    attributes: tuple[tuple[str, Any], ...]
    device: str


class Operators:
    """Every operator of the standard as a function: inputs in order, None for one left out; attributes by name.

    An operator of one output returns an array, one of several a list. Inputs are arrays or what NumPy makes one of.
    """

    def __init__(self, session: Callable[[Node], Any]) -> None:
        self.device = "cpu"
        self._session = functools.cache(session)

    def __getattr__(self, operator: str) -> Function:
        return functools.partial(self._run, operator)

    def _run(self, operator: str, *inputs: Any, **attributes: Any) -> Any:
        arrays = [None if each is None else np.asarray(each) for each in inputs]
        kinds = tuple(None if array is None else (array.dtype.name, array.ndim) for array in arrays)
        node = Node(operator, kinds, tuple(sorted(attributes.items())), self.device)
        feeds = {_input(index): array for index, array in enumerate(arrays) if array is not None}
        outputs = self._session(node).run(None, feeds)
        return outputs[0] if len(outputs) == 1 else outputs


def _input(index: int) -> str:
    return f"input_{index}"


class OnnxRuntimeAdapter(NumPyAdapter):
    """Takes and returns NumPy arrays; bfloat16 is not asked for, since no CPU kernel of these operators takes it.

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
    table = (
        implements("sigmoid", "onnx.Sigmoid(x)", name="onnxruntime.Sigmoid"),
        implements("softplus", "onnx.Softplus(x)", name="onnxruntime.Softplus", dtypes=UP_TO_BINARY32),
        implements(
            "hard_sigmoid",
            "onnx.HardSigmoid(x, alpha=1 / width, beta=0.5)",
            name="onnxruntime.HardSigmoid",
            dtypes=UP_TO_BINARY32,
        ),
        implements("softmax", "onnx.Softmax(x, axis=axis)", name="onnxruntime.Softmax"),
        implements("log_softmax", "onnx.LogSoftmax(x, axis=axis)", name="onnxruntime.LogSoftmax"),
        implements("logsumexp", "onnx.ReduceLogSumExp(x, [axis], keepdims=0)", name="onnxruntime.ReduceLogSumExp"),
        implements(
            "sparse_categorical_cross_entropy_with_logits",
            "onnx.SoftmaxCrossEntropyLoss("
            "logits, labels, class_weight, ignore_index=ignore_index, reduction=reduction)",
            name="onnxruntime.SoftmaxCrossEntropyLoss",
            axis=1,
        ),
        implements(
            "negative_log_likelihood",
            "onnx.NegativeLogLikelihoodLoss("
            "log_probabilities, labels, class_weight, ignore_index=ignore_index, reduction=reduction)",
            name="onnxruntime.NegativeLogLikelihoodLoss",
            axis=1,
        ),
        implements(
            "categorical_accuracy",
            "onnx.ArgMax(y_true, axis=1, keepdims=0) == onnx.ArgMax(y_score, axis=1, keepdims=0)",
            name="onnxruntime.ArgMax",
            reduction="none",
        ),
        implements(
            "sparse_categorical_accuracy",
            "labels == onnx.ArgMax(y_score, axis=1, keepdims=0)",
            name="onnxruntime.ArgMax",
            reduction="none",
        ),
        implements(
            "top_k_accuracy",
            "(onnx.TopK(y_score, [k], axis=1)[1] == labels[:, None]).any(axis=1)",
            name="onnxruntime.TopK",
            reduction="none",
        ),
    )

    def load(self) -> dict[str, Any]:
        """Import ONNX Runtime and onnx; calls find the operators under the name onnx."""
        names = super().load()
        self.runtime, self.onnx = names["onnxruntime"], names["onnx"]
        self.operators = Operators(self._session)
        return {"onnx": self.operators}

    def devices(self) -> dict[str, str]:
        """The CPU and each CUDA device that memory can be had on; ONNX Runtime does not tell what they are called."""
        found = {"cpu": ""}
        with contextlib.suppress(RuntimeError):
            for index in itertools.count():
                self.runtime.OrtValue.ortvalue_from_shape_and_type([1], np.float32, "cuda", index)
                found[f"cuda:{index}"] = ""
        return found

    def flags(self) -> dict[str, str | float | bool | None]:
        """The opset and the level of graph optimisation."""
        return {"opset": OPSET, "graph_optimisation": os.environ.get(OPTIMISATION, DEFAULT_OPTIMISATION)}

    def on_device(self, function: Function, device: str) -> Function:
        """Sessions on the device; arrays are copied to it and back."""

        def placed(*arrays: Any) -> Any:
            self.operators.device = device
            return function(*arrays)

        return placed

    def _session(self, node: Node) -> Any:
        """A session of a model of one node. Its shapes are symbolic, the types of its outputs are inferred."""
        helper = self.onnx.helper
        names = [_input(index) if kind else "" for index, kind in enumerate(node.inputs)]
        inputs = [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(kind[0])), [None] * kind[1])
            for name, kind in zip(names, node.inputs, strict=True)
            if kind
        ]
        count = self.onnx.defs.get_schema(node.operator, OPSET).min_output
        outputs = [self.onnx.ValueInfoProto(name=f"output_{index}") for index in range(count)]
        made = helper.make_node(node.operator, names, [output.name for output in outputs], **dict(node.attributes))
        model = helper.make_model(
            helper.make_graph([made], node.operator, inputs, outputs),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
        )
        options = self.runtime.SessionOptions()
        level = os.environ.get(OPTIMISATION, DEFAULT_OPTIMISATION)
        options.graph_optimization_level = getattr(self.runtime.GraphOptimizationLevel, level)
        name, _, index = node.device.partition(":")
        provider = ("CUDAExecutionProvider", {"device_id": index}) if name == "cuda" else ("CPUExecutionProvider", {})
        session = self.runtime.InferenceSession(model.SerializeToString(), options, providers=[provider])
        if session.get_providers()[0] != provider[0]:
            # Where CUDA's libraries are not found, ONNX Runtime warns and computes on the CPU.
            raise RuntimeError(f"ONNX Runtime has no {provider[0]} here")
        return session


ADAPTER = OnnxRuntimeAdapter()
