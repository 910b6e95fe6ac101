"""The engine: each trial is asked, judged once and recorded; what has no verdict is never the framework's fault."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.checks.value import value_trial
from gaugeblock.conformance.execution.call import Answer, Call, NoAnswer
from gaugeblock.conformance.judging.judgement import Judgement
from gaugeblock.conformance.judging.ulp_error import LARGEST_ERROR, digest
from gaugeblock.conformance.trials import engine
from gaugeblock.conformance.trials.check import Check
from gaugeblock.conformance.trials.setting import Setting
from gaugeblock.conformance.trials.trial import Asking, Trial, Trials, Worst
from gaugeblock.reference.balls import PrecisionError
from gaugeblock.reference.formats import Array
from gaugeblock.reports.records import Observation
from gaugeblock.reports.verdicts import Verdict

from tests.planted import by_case, setting_of, sigmoid, wide

RIGHT = wide(sigmoid)


def case(name: str, *numbers: float) -> Case:
    return Case(name, {"x": np.array(numbers, np.float32)})


def observed(trials: Any, function: Any = RIGHT, asked: list[int] | None = None) -> dict[str, Observation]:
    """What a check of these trials shows; `asked` gets the number of calls that go out each time."""
    setting, ask = setting_of("sigmoid", function)

    def counted(calls: Sequence[Call]) -> list[Answer]:
        if asked is not None:
            asked.append(len(calls))
        return ask(calls)

    return by_case(engine.observe(Check("made", "value", "", lambda _: True, trials), setting, counted))


def test_trials_go_out_together_and_in_one_call_where_they_differ_in_rows_alone() -> None:
    def trials(setting: Setting) -> Trials:
        for number in range(5):
            yield value_trial(setting, case(f"alone-{number}", *range(number + 1)))
        for number in range(5):
            yield value_trial(setting, case(f"together-{number}", *range(number + 1)), together="rows")

    asked: list[int] = []
    found = observed(trials, asked=asked)
    assert asked == [6]
    for number in range(5):
        alone, together = found[f"alone-{number}"], found[f"together-{number}"]
        assert (alone.verdict, alone.digest, alone.case) == ("conforms", together.digest, together.case)


def test_rows_that_are_refused_together_are_asked_alone() -> None:
    def positive(x: Array) -> Array:
        if (x < 0).any():
            raise ValueError("a negative number")
        return wide(sigmoid)(x)

    def trials(setting: Setting) -> Trials:
        for name, number in (("good", 1.0), ("bad", -1.0)):
            yield value_trial(setting, case(name, number), together="rows")

    asked: list[int] = []
    found = observed(trials, positive, asked)
    assert asked == [1, 2]
    assert found["good"].verdict == "conforms"
    assert (found["bad"].verdict, found["bad"].message) == ("unsupported", "ValueError: a negative number")


def test_what_takes_much_memory_goes_out_before_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "PENDING", 7)

    def trials(setting: Setting) -> Trials:
        for number in range(3):
            yield value_trial(setting, case(f"of-{number}", number, number))

    asked: list[int] = []
    assert list(observed(trials, asked=asked)) == ["of-0", "of-1", "of-2"]
    assert asked[:3] == [1, 1, 1]


def test_a_check_may_ask_before_it_goes_on() -> None:
    def trials(setting: Setting) -> Trials:
        (reply,) = yield Asking((setting.query(case("first", 0.5)),))
        yield value_trial(setting, case("first", 0.5), replies=(reply,))
        (reply,) = yield Asking((setting.query(case("last", 0.5)),))

    asked: list[int] = []
    found = observed(trials, asked=asked)
    assert asked == [1, 1]
    assert found["first"].digest == digest(wide(sigmoid)(np.float32([0.5])))


def test_a_rounding_that_stays_uncertain_is_undecided() -> None:
    def unsure(replies: object) -> Judgement:
        raise PrecisionError("no precision decides")

    def trials(setting: Setting) -> Trials:
        yield replace(value_trial(setting, case("hard", 1.0)), judge=unsure)

    found = observed(trials)["hard"]
    assert (found.verdict, found.message) == ("undecided", "no precision decides")
    assert found.digest == digest(wide(sigmoid)(np.float32([1.0])))


def refuses(x: Array) -> Array:
    if len(x) > 1:
        raise ValueError("more than one")
    return wide(sigmoid)(x)


def test_what_is_refused_is_asked_in_another_way_where_there_is_one() -> None:
    def trials(setting: Setting) -> Trials:
        yield value_trial(setting, case("refused", 1.0, 2.0))
        yield value_trial(setting, case("as-two", 1.0, 2.0), instead=value_trial(setting, case("as-one", 1.0)))

        def taken(why: NoAnswer) -> Judgement:
            return Judgement(Verdict.CONFORMS, label="refuses", message=why.message)

        yield replace(value_trial(setting, case("expected", 1.0, 2.0)), refused=taken)

    found = observed(trials, refuses)
    assert {name: str(each.verdict) for name, each in found.items()} == {
        "refused": "unsupported", "as-one": "conforms", "expected": "conforms",
    }  # fmt: skip
    assert found["expected"].label == "refuses"


def test_of_several_trials_the_worst_is_recorded_with_the_digest_of_all() -> None:
    def off(x: Array) -> Array:
        return wide(sigmoid)(x) * np.float32(1 + 2.0**-10 * x[0])

    def trials(setting: Setting) -> Trials:
        yield Worst(tuple(value_trial(setting, case(f"at-{number}", number)) for number in (1.0, 3.0, 2.0)))

    found = observed(trials, off)
    assert list(found) == ["at-3.0"]
    assert found["at-3.0"].verdict == "deviates"
    every = np.concatenate([off(np.float32([number])) for number in (1, 3, 2)])
    assert found["at-3.0"].group_digest == digest(every)


def test_no_number_in_an_observation_is_beyond_what_a_run_file_holds() -> None:
    setting, _ = setting_of("sigmoid", sigmoid)
    check = Check("made", "value", "", lambda _: True, lambda _: iter(()))
    trial = Trial(case("made", 1.0), (), lambda _: Judgement(Verdict.CONFORMS))
    found = engine.outcome(check, setting, trial, Judgement(Verdict.CONFORMS, float("inf"), 2 * LARGEST_ERROR))
    assert found.observation.error == found.observation.allowed == LARGEST_ERROR
