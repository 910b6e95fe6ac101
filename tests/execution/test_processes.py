"""Framework processes: what crashes, hangs or is refused costs itself alone; steps are done to live objects there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gaugeblock.adapters.base import Implementation, Lifecycle, Mode
from gaugeblock.adapters.processor import INSTRUCTION_SETS
from gaugeblock.conformance.cases.steps import Step
from gaugeblock.conformance.execution.call import Answer, Call, NoAnswer
from gaugeblock.conformance.execution.supervisor import ProcessLostError, WorkerProcess
from gaugeblock.conformance.execution.worker import FrameworkProcess
from gaugeblock.reference.formats import Array
from gaugeblock.reports.verdicts import Verdict

from tests.planted import LIFECYCLE

X = np.array([-1.0, 0.0, 1.0], np.float32)
CRASH = "__import__('os')._exit(3)"
HANG = "__import__('time').sleep(60)"


def call(text: str, array: Array = X, **parameters: Any) -> Call:
    return Call(Implementation("numpy", "sigmoid", text, text), ("x",), (array,), parameters, Mode("eager"), "cpu")


def no_answer(answer: Answer) -> NoAnswer:
    assert isinstance(answer, NoAnswer), answer
    return answer


@contextmanager
def started(name: str = "numpy", timeout: float = 60.0, **environ: str) -> Iterator[FrameworkProcess]:
    made = FrameworkProcess(name, environ, timeout)
    try:
        yield made
    finally:
        made.discard()


@pytest.fixture(scope="module")
def process() -> Iterator[FrameworkProcess]:
    with started(PLANTED="here") as made:
        yield made


def test_the_greeting_names_versions_devices_and_flags(process: FrameworkProcess) -> None:
    greeting = process.greet()
    assert greeting.error is None
    assert greeting.versions["numpy"] == np.__version__
    assert greeting.devices == {"cpu": ""}
    assert greeting.flags["subnormals"] == "kept"
    assert greeting.flags["instruction_set"] in INSTRUCTION_SETS
    assert greeting.seconds > 0
    assert process.import_seconds > 0


def test_answers_come_in_order_with_their_bits(process: FrameworkProcess) -> None:
    got = process.ask([call("x + shift", shift=2.0), call("-x"), call("x[1:2] * -1"), call("numpy.float32(2.5)")])
    np.testing.assert_array_equal(got[0], X + np.float32(2))
    np.testing.assert_array_equal(got[1], -X)
    assert np.signbit(np.asarray(got[2])).all()
    assert np.asarray(got[3]).shape == ()
    assert all(isinstance(each, np.ndarray) and each.dtype == np.float32 for each in got)
    assert process.ask([]) == []


def test_arrays_arrive_in_their_layout_and_what_is_written_to_them_is_seen(process: FrameworkProcess) -> None:
    calls = [replace(call("numpy.array(x.strides)"), layout=each) for each in ("strided", "reversed")]
    assert [np.asarray(answer).tolist() for answer in process.ask(calls)] == [[8], [-4]]
    writing = call("numpy.negative(x, out=x)")
    for layout, verdict in (("contiguous", "deviates"), ("strided", "deviates"), ("read-only", "unsupported")):
        (answer,) = process.ask([replace(writing, layout=layout)])
        assert no_answer(answer).verdict == verdict
    assert isinstance(process.ask([writing])[0], np.ndarray), "without a layout nobody looks"


def test_it_runs_apart_under_its_own_environment(process: FrameworkProcess) -> None:
    texts = "__import__('os').getpid()", "__import__('os').environ['PLANTED'] == 'here'"
    pid, there = process.ask([call(f"x[:1] * 0.0 + numpy.float64({text})") for text in texts])
    assert np.asarray(pid)[0] not in (0, os.getpid())
    assert np.asarray(there)[0] == 1
    assert "PLANTED" not in os.environ


@pytest.mark.parametrize(
    ("text", "verdict", "message"),
    [
        ("numpy.reshape(x, (7, 7))", "unsupported", "ValueError: cannot reshape array of size 3 into shape (7,7)"),
        ("nump.exp(x)", "harness_error", "the call 'nump.exp(x)' cannot be evaluated: name 'nump' is not defined"),
        ("x + missing", "harness_error", "the call 'x + missing' cannot be evaluated: name 'missing' is not defined"),
        ("x +", "harness_error", "SyntaxError: "),
        (CRASH, "crashed", "the process of numpy ended with exit code 3."),
        (f"__import__('os').write(2, b'illegal frobnication\\n') and {CRASH}", "crashed", "illegal frobnication"),
        ("__import__('os').abort()", "crashed", "exit code -6"),
        # Nothing of this machine stands in a message.
        ('exec(\'raise ValueError("at <f at 0x7fc428ccea40> in \\\\"/home/me/lib/made.py\\\\"")\')', "unsupported",
         'ValueError: at <f at 0x...> in "made.py"'),
    ],
)  # fmt: skip
def test_a_bad_call_costs_itself_alone(process: FrameworkProcess, text: str, verdict: str, message: str) -> None:
    before, bad, after = process.ask([call("x + 1"), call(text), call("x + 3")])
    np.testing.assert_array_equal(before, X + 1)
    np.testing.assert_array_equal(after, X + 3)
    assert no_answer(bad).verdict == verdict
    assert message in no_answer(bad).message
    assert "\n" not in no_answer(bad).message
    (again,) = process.ask([call("x + 4")])
    np.testing.assert_array_equal(again, X + 4)


def test_a_hang_is_timed_out_once_and_the_next_call_works() -> None:
    with started(timeout=0.7) as process:
        process.greet()
        before, hung, another = process.ask([call("x + 1"), call(HANG), call("x + 2")])
        np.testing.assert_array_equal(before, X + 1)
        assert no_answer(hung) == NoAnswer(Verdict.TIMED_OUT, "no answer within 0.7 s")
        assert no_answer(another).verdict == Verdict.NOT_RUN
        # The time limit is that of a call, not of the start that follows a hang.
        (answer,) = process.ask([call("x + 1")])
        np.testing.assert_array_equal(answer, X + 1)


def test_a_framework_that_cannot_start_is_a_harness_error() -> None:
    with started("no_such_framework", timeout=10) as process:
        greeting = process.greet()
        assert "no_such_framework" in greeting.error
        assert no_answer(process.ask([call("x")])[0]).verdict == "harness_error"


def test_nothing_is_left_behind_and_an_ended_process_starts_no_more() -> None:
    with started() as process:
        process.greet()
        worker = process._worker
        log, running = worker._log, worker._process
        assert running is not None
        assert log.exists()
        process.discard()
        assert not log.exists()
        assert not running.is_alive()
        process.end()
        assert "the session is over" in (process.greet().error or "")


def serve(start: str) -> Iterator[Any]:
    """A life that adds what it is sent."""
    total = start
    while True:
        total += yield total


def test_any_generator_can_live_in_a_process() -> None:
    worker = WorkerProcess("the adder", serve, ("a",))
    try:
        assert not worker.runs
        assert worker.start(60) == "a"
        assert [worker.ask(each, 60) for each in ("b", "c")] == ["ab", "abc"]
        with pytest.raises(ProcessLostError, match="the process of the adder ended with exit code 1") as lost:
            worker.ask(1, 60)
        assert lost.value.verdict == Verdict.CRASHED
        assert worker.start(60) == "a"
    finally:
        worker.discard()


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
