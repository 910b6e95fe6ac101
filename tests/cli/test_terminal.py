"""Progress where no terminal is, and how the command ends where it is interrupted."""

import functools
import io
import re
import time

import click
import pytest
from click.testing import CliRunner
from gaugeblock.conformance.cli.app import Commands
from gaugeblock.conformance.cli.terminal import QUIET_SECONDS, lines, progress
from rich.console import Console

from tests.invoking import sentence


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_line_of_progress_appears_after_a_while_and_no_sooner(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    advance = lines("tests", clock)

    def said(seconds: float, done: int, *now: str) -> str:
        clock.now = 1000.0 + seconds
        advance(done, 90, *now)
        out, err = capsys.readouterr()
        assert out == ""
        return err

    assert said(1, 3) == ""
    assert said(QUIET_SECONDS - 0.1, 5) == ""
    assert said(QUIET_SECONDS, 30) == "gaugeblock: 30 of 90 tests, 2 a second, about 30 s left\n"
    assert said(QUIET_SECONDS + 1, 31) == "", "the next line comes as long after"
    assert said(2 * QUIET_SECONDS, 90) == "gaugeblock: 90 of 90 tests, 3 a second, about 0 s left\n"

    clock = Clock()
    advance = lines("checks", clock)
    assert said(QUIET_SECONDS, 0) == "gaugeblock: 0 of 90 checks\n"
    assert said(2 * QUIET_SECONDS, 0, "dense") == "gaugeblock: 0 of 90 checks, at dense\n"


def test_progress_is_lines_where_no_terminal_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gaugeblock.conformance.cli.terminal.QUIET_SECONDS", 0.0)
    with progress("measuring", "tests") as advance:
        advance(0, 2)
        advance(2, 2)
    out, err = capsys.readouterr()
    assert out == ""
    assert [line[:26] for line in err.splitlines()] == ["gaugeblock: 0 of 2 tests", "gaugeblock: 2 of 2 tests, "]


@pytest.mark.parametrize("width", [80, 140])
def test_a_terminal_shows_rate_time_left_and_what_is_asked(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    shown = io.StringIO()
    drawn = functools.partial(Console, force_terminal=True, width=width)
    monkeypatch.setattr("gaugeblock.conformance.cli.terminal.Console", lambda file: drawn(file=shown))
    key = "softmax_with_temperature/torch.nn.functional.softmax/float64/cpu/eager/every-length"
    with progress("measuring", "tests") as advance:
        advance(0, 900, "")
        for done in range(1, 4):
            time.sleep(0.15)
            advance(done, 900, key)
    frames = [re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", each) for each in re.split(r"[\r\n]", shown.getvalue())]
    assert any("0/900 tests" in frame and frame.rstrip().endswith("measuring") for frame in frames)
    last = next(frame for frame in reversed(frames) if frame.strip())
    assert re.search(r" 3/900 tests, [0-9.]+ a second, [0-9]+:[0-9]{2}:[0-9]{2} left: softmax_with", last)
    assert len(last) <= width
    assert (key in last) == (width == 140)


@pytest.mark.parametrize("raised", [KeyboardInterrupt, click.Abort])
def test_an_interrupted_command_ends_with_a_sentence(raised: type[BaseException]) -> None:
    @click.group(cls=Commands)
    def group() -> None: ...

    @group.command()
    def slow() -> None:
        raise raised

    result = CliRunner().invoke(group, ["slow"])
    result.stderr_bytes = (result.stderr_bytes or b"").lstrip()
    assert sentence(result) == "gaugeblock: interrupted.\n"
