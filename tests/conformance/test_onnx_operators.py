"""ONNX operators as functions: what is handed to a session, and when a new one is made. Needs no ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from trueline.adapters.onnxruntime import Node, Operators


class Recorder:
    """Makes sessions that answer with their feeds, and remembers what for."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    def session(self, node: Node) -> Session:
        self.nodes.append(node)
        return Session()


class Session:
    def run(self, outputs: None, feeds: dict[str, Any]) -> list[Any]:
        assert outputs is None
        return list(feeds.items())


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


def test_a_session_serves_every_shape_of_a_rank(recorder: Recorder) -> None:
    onnx = Operators(recorder.session)
    for rows in (1, 3):
        name, given = onnx.Softmax(np.zeros((rows, 2), np.float32), axis=-1)
        assert (name, given.shape) == ("input_0", (rows, 2))
    assert recorder.nodes == [Node("Softmax", (("float32", 2),), (("axis", -1),), "cpu")]


def test_what_makes_another_model_makes_another_session(recorder: Recorder) -> None:
    onnx = Operators(recorder.session)
    x = np.zeros((2, 2), np.float32)
    onnx.Softmax(x, axis=0)
    onnx.Softmax(x, axis=1)
    onnx.Softmax(x.astype(np.float16), axis=1)
    onnx.Softmax(x[0], axis=1)
    onnx.LogSoftmax(x, axis=1)
    onnx.device = "cuda:1"
    onnx.LogSoftmax(x, axis=1)
    assert len(recorder.nodes) == len(set(recorder.nodes)) == 6
    assert [node.device for node in recorder.nodes] == ["cpu"] * 5 + ["cuda:1"]


def test_inputs_left_out_keep_their_place(recorder: Recorder) -> None:
    onnx = Operators(recorder.session)
    outputs = onnx.Clip(np.zeros(3), None, np.float64(1))
    assert [name for name, _ in outputs] == ["input_0", "input_2"]
    assert recorder.nodes[0].inputs == (("float64", 1), None, ("float64", 0))


def test_lists_become_arrays_of_rank_one(recorder: Recorder) -> None:
    outputs = Operators(recorder.session).TopK(np.zeros((2, 5)), [3], axis=1)
    assert [array.tolist() for _, array in outputs] == [[[0.0] * 5] * 2, [3]]
    assert recorder.nodes[0].inputs == (("float64", 2), ("int64", 1))
