"""Steps are done to live objects in the framework's process, in the words of its lifecycle."""

import numpy as np
import pytest
from gaugeblock.adapters.base import Implementation, Lifecycle, Mode
from gaugeblock.conformance.cases.steps import Step
from gaugeblock.conformance.execution.call import Call, NoAnswer
from gaugeblock.conformance.execution.worker import FrameworkProcess

from tests.planted import LIFECYCLE

RESULT = Step("result")
TALLY = Implementation(
    "numpy",
    "accuracy",
    "tally",
    "__import__('collections').Counter()((x * scale).tolist())",
    stateful=True,
    lifecycle=Lifecycle(
        "metric.update",
        "numpy.array(sum(key * times for key, times in metric.items()), numpy.float32)",
        "metric.clear()",
        merge="metric.update(other)",
        copy="metric.copy()",
    ),
)


def test_steps_are_done_in_the_framework_process() -> None:
    x = np.array([1.0, 2.0, 4.0, 8.0], np.float32)
    steps = (
        *(Step("update", (0, 2)), RESULT, Step("update", (2, None), tile=3, repeat=2, on=1)),
        *(Step("result", on=1), Step("merge", other=1), RESULT, Step("copy", on=2), Step("reset"), RESULT),
        *(Step("result", on=2, repeat=2), Step("result", on=3)),
    )
    process = FrameworkProcess("numpy", {}, timeout=60)
    try:
        call = Call(TALLY, ("x",), (x,), {"scale": 10}, Mode("eager"), "cpu", steps=steps)
        (answer,) = process.ask([call])
        assert isinstance(answer, np.ndarray)
        assert answer.dtype == np.float32
        assert answer.tolist() == [30, 720, 750, 0, 750, 750, 0]
        bad = Call(TALLY, ("x",), (x,), {}, Mode("eager"), "cpu", steps=steps)
        (refused,) = process.ask([bad])
        assert isinstance(refused, NoAnswer)
        assert refused.verdict == "harness_error"
    finally:
        process.discard()


def test_a_call_is_taken_apart() -> None:
    line = Implementation(
        "keras", "accuracy", "m.M", "m.M(k=k)(y_true[:, None], y_pred, flag=True)", lifecycle=LIFECYCLE
    )
    assert line.acts() == {
        "make": "m.M(k=k)",
        "update": "metric.update(y_true[:, None], y_pred, flag=True)",
        "result": "metric.result()",
        "reset": "metric.reset()",
        "merge": "metric.merge(other)",
        "copy": "metric.copy()",
    }
    for wrong in ("m.f(y_true)", "m.M()(y_true) + 1"):
        with pytest.raises(ValueError, match="no stateful call"):
            Implementation("keras", "accuracy", "m", wrong, lifecycle=LIFECYCLE).acts()
    with pytest.raises(ValueError, match="no stateful call"):
        Implementation("keras", "accuracy", "m", "m.M()(y_true)").acts()
