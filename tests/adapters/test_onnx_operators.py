"""ONNX operators as functions: what is handed to a session, and when a new one is made. Needs no ONNX Runtime."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from gaugeblock.adapters.onnxruntime import Operators


class Recorder:
    """Stands for both modules; its sessions answer with their feeds, and it remembers what they were made of."""

    def __init__(self) -> None:
        self.made: list[tuple[Any, ...]] = []
        self.providers = ["CPUExecutionProvider"]
        self.helper = SimpleNamespace(
            np_dtype_to_tensor_dtype=lambda dtype: dtype.name,
            make_tensor_value_info=lambda *arguments: arguments,
            make_node=lambda operator, *names, **attributes: (operator, *names, attributes),
            make_graph=lambda nodes, name, inputs, outputs: (nodes[0], inputs),
            make_opsetid=lambda *arguments: arguments,
            make_model=lambda graph, **versions: SimpleNamespace(SerializeToString=lambda: (graph, versions)),
        )
        self.defs = SimpleNamespace(get_schema=lambda operator, opset: SimpleNamespace(min_output=1))
        self.ValueInfoProto = SimpleNamespace
        self.GraphOptimizationLevel = SimpleNamespace(LOW="low")
        self.SessionOptions = SimpleNamespace

    def InferenceSession(self, model: Any, options: Any, providers: list[Any]) -> Any:  # noqa: N802
        self.made.append((*model, options.graph_optimization_level, providers))
        return SimpleNamespace(run=lambda outputs, feeds: list(feeds.items()), get_providers=lambda: self.providers)


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def onnx(recorder: Recorder) -> Operators:
    return Operators({"onnx": recorder, "onnxruntime": recorder, "opset": 21, "ir_version": 10, "level": "LOW"})


def test_a_session_serves_every_shape_of_a_rank(onnx: Operators, recorder: Recorder) -> None:
    for rows in (1, 3):
        name, answer = onnx.Softmax(np.zeros((rows, 2), np.float32), axis=-1)
        assert (name, answer.shape) == ("input_0", (rows, 2))
    node = ("Softmax", ["input_0"], ["output_0"], {"axis": -1})
    versions = {"opset_imports": [("", 21)], "ir_version": 10}
    graph = (node, [("input_0", "float32", [None, None])])
    assert recorder.made == [(graph, versions, "low", ["CPUExecutionProvider"])]


def test_what_makes_another_model_makes_another_session(onnx: Operators, recorder: Recorder) -> None:
    x = np.zeros((2, 2), np.float32)
    onnx.Softmax(x, axis=0)
    onnx.Softmax(x, axis=1)
    onnx.Softmax(x.astype(np.float16), axis=1)
    onnx.Softmax(x[0], axis=1)
    onnx.LogSoftmax(x, axis=1)
    onnx.device = "cuda:1"
    recorder.providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    onnx.LogSoftmax(x, axis=1)
    assert len(recorder.made) == 6
    cuda = ("CUDAExecutionProvider", {"device_id": 1})
    assert [providers for *_, (providers,) in recorder.made] == ["CPUExecutionProvider"] * 5 + [cuda]


def test_a_device_that_is_not_there_is_no_cpu(onnx: Operators) -> None:
    onnx.device = "cuda:0"
    with pytest.raises(RuntimeError, match="no cuda:0 here"):
        onnx.Softmax(np.zeros((2, 2)))


def test_inputs_left_out_keep_their_place(onnx: Operators, recorder: Recorder) -> None:
    outputs = onnx.Clip(np.zeros(3), None, np.float64(1))
    assert [name for name, _ in outputs] == ["input_0", "input_2"]
    (((_, names, _, _), inputs), *_) = recorder.made[0]
    assert names == ["input_0", "", "input_2"]
    assert inputs == [("input_0", "float64", [None]), ("input_2", "float64", [])]


def test_lists_become_arrays_of_rank_one(onnx: Operators) -> None:
    outputs = onnx.TopK(np.zeros((2, 5)), [3], axis=1)
    assert [array.tolist() for _, array in outputs] == [[[0.0] * 5] * 2, [3]]
