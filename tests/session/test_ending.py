"""How a test ends: from what it showed, the same on the command line and in pytest's view."""

import pytest
from gaugeblock.adapters.registry import adapter
from gaugeblock.conformance.checks.table import CHECKS
from gaugeblock.conformance.session.ending import End, Ending, ending, gone
from gaugeblock.conformance.session.plan import Test
from gaugeblock.conformance.session.workers import Measured
from gaugeblock.conformance.trials.setting import Setting
from gaugeblock.reports.records import NotSeen, Observation
from gaugeblock.reports.verdicts import Verdict

from tests.reports import synthetic

NUMPY = adapter("numpy")
SETTING = Setting(NUMPY.implementations[0], "float32", "cpu", NUMPY.modes[0])
RIGHT, WRONG = ("conforms", None), ("deviates", None)


def ended(*verdicts: tuple[str, str | None], check: str = "value", error: str | None = None) -> Ending:
    (asked,) = (each for each in CHECKS if each.name == check)
    test = Test(SETTING, asked)
    shown = [
        Observation(f"{test.id}/case-{number}", Verdict(verdict), message="why", known=known)
        for number, (verdict, known) in enumerate(verdicts)
    ]
    return ending(test, Measured(shown, error=error))


@pytest.mark.parametrize(
    ("verdicts", "end", "why"),
    [
        ([RIGHT, RIGHT], End.PASSED, ""),
        ([RIGHT, ("undecided", None), ("unsupported", None)], End.PASSED, ""),
        ([], End.SKIPPED, "no case of the operation fits the check"),
        ([RIGHT, WRONG], End.FAILED, "/value/case-1: deviates, why"),
        ([RIGHT, ("crashed", None)], End.FAILED, "/value/case-1: crashed, why"),
        ([("timed_out", None), ("not_run", None)], End.FAILED, "/value/case-0: timed_out, why"),
        ([("known", "overflows"), WRONG], End.FAILED, "/value/case-1: deviates, why"),
        ([("known", "overflows"), ("known", "flushes"), RIGHT], End.KNOWN, "flushes, overflows"),
        ([("unsupported", "refused"), ("unsupported", "refused")], End.KNOWN, "refused"),
        ([("not_run", None)], End.SKIPPED, "why"),
        ([("not_run", None), ("unsupported", None)], End.SKIPPED, "why"),
        ([("unsupported", None)], End.FAILED, "every case is refused, so the suite may ask wrongly: why"),
        ([WRONG, ("harness_error", None)], End.BROKEN, "/value/case-1: why"),
    ],
)
def test_the_end_follows_from_the_verdicts(verdicts: list[tuple[str, str | None]], end: End, why: str) -> None:
    assert ended(*verdicts).end == end
    assert ended(*verdicts).why.endswith(why)


def test_checks_that_need_not_be_taken_are_skipped_where_they_are_refused() -> None:
    for check in ("row-alone", "combined"):
        assert ended(("unsupported", None), check=check) == Ending(End.SKIPPED, "why")


def test_a_fault_of_the_suite_breaks_a_test_whatever_it_showed() -> None:
    assert ended(RIGHT, error="Traceback: no").end == End.BROKEN
    assert ended(WRONG, error="Traceback: no").why == "Traceback: no"


def test_what_a_strict_run_misses_is_named_with_its_first_pattern() -> None:
    run = synthetic.make_run([])
    run.not_seen = []
    assert gone(run) is None
    run.not_seen = [NotSeen("gone", "a/*", "a/b"), NotSeen("gone", "c/*", "c/d"), NotSeen("other", "e/*", "e/f")]
    assert gone(run) == "not seen here: nothing deviates as recorded in gone (a/*), other (e/*)"
