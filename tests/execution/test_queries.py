"""Queries: how many calls are sent, in which shapes, and what is made of the answers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from gaugeblock.adapters.base import Implementation, Mode
from gaugeblock.conformance.execution.call import Answer, Call, NoAnswer
from gaugeblock.conformance.execution.query import Query, Reply, ask_all
from gaugeblock.reports.verdicts import Verdict

REFUSED = NoAnswer(Verdict.UNSUPPORTED, "ValueError: no NaN here")


def call(*rows: float, cotangent: bool = False) -> Call:
    array = np.array(rows)
    implementation = Implementation("numpy", "sigmoid", "planted", "planted(x)")
    upstream = array + 100 if cotangent else None
    return Call(implementation, ("x",), (array,), {}, Mode("eager"), "cpu", upstream)


class Framework:
    """Doubles its input, or adds the cotangent to it; refuses NaN, and forgets the last row of two hundred and more."""

    def __init__(self) -> None:
        self.sent: list[list[int]] = []

    def __call__(self, calls: Sequence[Call]) -> list[Answer]:
        self.sent.append([len(each.arrays[0]) for each in calls])
        return [self.answer(each) for each in calls]

    def answer(self, asked: Call) -> Answer:
        (array,) = asked.arrays
        if np.isnan(array).any():
            return REFUSED
        answer: Answer = 2 * array if asked.cotangent is None else array + asked.cotangent
        return answer[:-1] if len(array) >= 200 else answer


def numbers(reply: Reply | NoAnswer) -> Any:
    assert isinstance(reply, Reply), reply
    return reply.numbers.tolist()


def test_queries_that_go_together_are_one_call_of_a_usual_size() -> None:
    framework = Framework()
    plain = Query((call(1, 2),), pick=lambda answer: answer[::-1])
    together = [Query((call(*rows),), together="rows") for rows in ((3.0,), (4.0, 5.0))]
    slopes = [Query((call(each, cotangent=True),), together="slopes") for each in (7, 8)]
    replies = ask_all(framework, [together[0], plain, *slopes, together[1]])
    assert framework.sent == [[64, 2, 64]]
    assert [numbers(each) for each in replies] == [[6], [4, 2], [114], [116], [8, 10]]
    assert ask_all(framework, []) == []


def test_one_bad_row_does_not_stand_for_all() -> None:
    framework = Framework()
    replies = ask_all(framework, [Query((call(each),), together="rows") for each in (1.0, np.nan, 3.0)])
    assert framework.sent == [[64], [1, 1, 1]]
    assert replies[1] == REFUSED
    assert [numbers(replies[0]), numbers(replies[2])] == [[2], [6]]


def test_an_answer_of_other_rows_than_were_asked_is_no_answer_to_each() -> None:
    framework = Framework()
    replies = ask_all(framework, [Query((call(*rows),), together="rows") for rows in (range(100), range(150))])
    assert framework.sent == [[4096], [100, 150]]
    assert [len(numbers(each)) for each in replies] == [100, 150]


def test_answers_are_joined_and_the_place_of_a_number_is_found_again() -> None:
    framework = Framework()
    calls = (call(1), call(2), call(3))
    joined = [Query(calls, join="rows", pick=lambda answer: answer[1:]), Query(calls, join="samples")]
    rows, samples, later = ask_all(framework, [*joined, Query((call(1, 2),), then="answer + numpy.pi")])
    assert numbers(rows) == [4, 6]
    assert rows.place([1]) == (calls[2], [0])
    assert numbers(samples) == [[2], [4], [6]]
    assert samples.place([1, 0]) == (calls[1], [0])
    assert numbers(later) == [2 + np.pi, 4 + np.pi]
    (lacking,) = ask_all(framework, [Query((call(1), call(np.nan)), join="rows")])
    assert lacking == REFUSED
