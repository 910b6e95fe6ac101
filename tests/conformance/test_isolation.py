"""Framework processes that crash, hang, refuse and fail cost no more than the call that did it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gaugeblock.adapters.base import Implementation, Mode
from gaugeblock.conformance.execution.call import Answer, Call, NoAnswer
from gaugeblock.conformance.execution.supervisor import FrameworkProcess

Array = np.ndarray[Any, Any]
X = np.array([-1.0, 0.0, 1.0], np.float32)
CRASH = "__import__('os')._exit(3)"


def call(text: str, array: Array = X, name: str = "planted", **parameters: Any) -> Call:
    return Call(Implementation("numpy", "sigmoid", name, text), ("x",), (array,), parameters, Mode("eager"), "cpu")


def no_answer(answer: Answer) -> NoAnswer:
    assert isinstance(answer, NoAnswer), answer
    return answer


@pytest.fixture(scope="module")
def process() -> Iterator[FrameworkProcess]:
    made = FrameworkProcess("numpy", {"PLANTED": "here"}, timeout=60)
    yield made
    made.discard()


def test_the_greeting_names_versions_devices_and_flags(process: FrameworkProcess) -> None:
    greeting = process.greet()
    assert greeting.error is None
    assert greeting.versions["numpy"] == np.__version__
    assert greeting.devices == {"cpu": ""}
    assert greeting.flags["subnormals"] == "kept"
    assert greeting.seconds > 0
    assert process.import_seconds > 0


def test_answers_come_in_order_with_their_bits(process: FrameworkProcess) -> None:
    got = process.ask([call("x + shift", name="shifted", shift=2.0), call("-x", name="negated"), call("x[1:2] * -1")])
    np.testing.assert_array_equal(got[0], X + np.float32(2))
    np.testing.assert_array_equal(got[1], -X)
    assert np.signbit(np.asarray(got[2])).all()
    assert all(isinstance(each, np.ndarray) and each.dtype == np.float32 for each in got)
    assert process.ask([]) == []


def test_arrays_arrive_in_the_layout_asked_for_and_what_is_written_to_them_is_seen(process: FrameworkProcess) -> None:
    asked = [replace(call("numpy.array(x.strides)", name="strides"), layout=each) for each in ("strided", "reversed")]
    assert [np.asarray(answer).tolist() for answer in process.ask(asked)] == [[8], [-4]]
    writing = call("numpy.negative(x, out=x)", name="writes")
    for layout, verdict in (("contiguous", "deviates"), ("strided", "deviates"), ("read-only", "unsupported")):
        (answer,) = process.ask([replace(writing, layout=layout)])
        assert no_answer(answer).verdict == verdict
    assert isinstance(process.ask([writing])[0], np.ndarray), "without a layout nobody looks"


def test_it_runs_apart_under_its_own_environment(process: FrameworkProcess) -> None:
    (identity,) = process.ask([call("x * 0 + __import__('os').getpid()", np.zeros(1), name="pid")])
    assert np.asarray(identity)[0] != os.getpid()
    (there,) = process.ask([call("x * 0 + (__import__('os').environ['PLANTED'] == 'here')", np.zeros(1), name="env")])
    assert np.asarray(there)[0] == 1
    assert "PLANTED" not in os.environ


def test_what_the_framework_raises_is_unsupported_with_its_message(process: FrameworkProcess) -> None:
    refused = no_answer(process.ask([call("numpy.reshape(x, (7, 7))", name="refuses")])[0])
    assert refused.verdict == "unsupported"
    assert refused.message.startswith("ValueError: cannot reshape array of size 3")
    assert "\n" not in refused.message


def test_a_call_that_cannot_be_evaluated_is_the_harness_own_fault(process: FrameworkProcess) -> None:
    for text in ("nump.exp(x)", "x +", "x + missing"):
        failed = no_answer(process.ask([call(text, name=text)])[0])
        assert failed.verdict == "harness_error", text
    assert "nump" in no_answer(process.ask([call("nump.exp(x)", name="nump.exp(x)")])[0]).message


def test_an_answer_that_is_no_array_of_numbers_is_not_taken_for_one(process: FrameworkProcess) -> None:
    (answer,) = process.ask([call("2.5", name="scalar")])
    assert np.asarray(answer).shape == ()


def test_a_crash_costs_the_crashing_call_alone(process: FrameworkProcess) -> None:
    calls = [call("x + 1", name="before"), call(CRASH, name="crash"), call("x + 3", name="after")]
    before, crashed, after = process.ask(calls)
    np.testing.assert_array_equal(before, X + 1)
    np.testing.assert_array_equal(after, X + 3)
    assert no_answer(crashed).verdict == "crashed"
    assert "exit code 3" in no_answer(crashed).message
    (again,) = process.ask([call("x + 4", name="again")])
    np.testing.assert_array_equal(again, X + 4)


def test_a_crash_shows_what_was_said_last(process: FrameworkProcess) -> None:
    text = "__import__('os').write(2, b'illegal frobnication\\n') and " + CRASH
    crashed = no_answer(process.ask([call(text, name="says")])[0])
    assert crashed.verdict == "crashed"
    assert "illegal frobnication" in crashed.message


def test_a_signal_is_a_crash(process: FrameworkProcess) -> None:
    crashed = no_answer(process.ask([call("__import__('os').abort()", name="abort")])[0])
    assert crashed.verdict == "crashed"
    assert "exit code -6" in crashed.message


def test_a_hang_is_timed_out_and_the_next_call_works() -> None:
    process = FrameworkProcess("numpy", {}, timeout=0.7)
    try:
        process.greet()
        started = time.perf_counter()
        (hung,) = process.ask([call("__import__('time').sleep(60)", name="hangs")])
        assert time.perf_counter() - started < 20
        assert no_answer(hung) == NoAnswer("timed_out", "no answer within 0.7 s")
        # The time limit is that of a call, not of the start that follows a hang.
        (answer,) = process.ask([call("x + 1", name="works")])
        np.testing.assert_array_equal(answer, X + 1)
    finally:
        process.discard()


def test_a_hang_among_calls_keeps_what_came_before() -> None:
    process = FrameworkProcess("numpy", {}, timeout=0.7)
    try:
        process.greet()
        calls = [call("x + 1", name="before"), call("__import__('time').sleep(60)", name="hangs")]
        before, hung = process.ask(calls)
        np.testing.assert_array_equal(before, X + 1)
        assert no_answer(hung).verdict == "timed_out"
    finally:
        process.discard()


def test_a_framework_that_cannot_start_is_a_harness_error() -> None:
    process = FrameworkProcess("no_such_framework", {}, timeout=10)
    try:
        greeting = process.greet()
        assert greeting.error is not None
        assert "no_such_framework" in greeting.error
        answer = no_answer(process.ask([call("x")])[0])
        assert answer.verdict == "harness_error"
    finally:
        process.discard()


def test_nothing_is_left_behind() -> None:
    process = FrameworkProcess("numpy", {}, timeout=10)
    process.greet()
    log, running = process._log, process._process
    assert running is not None
    assert log.exists()
    process.discard()
    assert not log.exists()
    assert not running.is_alive()
    process.discard()


def test_messages_hold_nothing_of_this_machine(process: FrameworkProcess) -> None:
    text = 'exec(\'raise ValueError("at <f at 0x7fc428ccea40> in \\\\"/home/me/lib/made.py\\\\"")\')'
    assert no_answer(process.ask([call(text, name="raises")])[0]).message == 'ValueError: at <f at 0x...> in "made.py"'
