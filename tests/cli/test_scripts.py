"""Scripts of deviations are run in processes of their own: what becomes of each is said, and costs no other."""

import pytest
from gaugeblock.conformance.cli.scripts import SHOWS, verified
from gaugeblock.conformance.execution.supervisor import ProcessLostError, WorkerProcess
from gaugeblock.reports.records import Run
from gaugeblock.reports.verdicts import Verdict

from tests.reports.synthetic import key, make_run, observation

SCRIPTS = {
    "shows": ("import sys\nprint('The deviation shows.')\nsys.exit(1)", SHOWS),
    "does-not": ("print('got      1.0\\nso what')\nraise SystemExit(0)", "does not show: got      1.0"),
    "raises": ("numpy.nothing", "raised NameError: name 'numpy' is not defined"),
    "no-python": ("x =", "raised SyntaxError: "),
    "ends": ("x = 1", "ended without saying whether it shows"),
    "crashes": ("import os; os._exit(3)", "the process of the script ended with exit code 3."),
    "says": ("import os; os.write(2, b'no such kernel'); os._exit(4)", "ended with exit code 4. no such kernel"),
    "shows-again": ("raise SystemExit(1)", SHOWS),
}


def run_of(*names: str) -> Run:
    return make_run([observation(key(name, case), "deviates") for name in names for case in SCRIPTS])


def made(run: Run) -> dict[str, str]:
    return {each.key: SCRIPTS[each.key.rpartition("/")[2]][0] for each in run.observations}


def test_each_script_has_its_outcome_whatever_another_does() -> None:
    run = run_of("alpha.sigmoid", "beta.sigmoid")
    counts: list[tuple[int, int]] = []
    outcomes = verified(run, made(run), lambda *count: counts.append(count), jobs=2)
    assert list(outcomes) == [each.key for each in run.observations]
    for name, outcome in outcomes.items():
        expected = SCRIPTS[name.rpartition("/")[2]][1]
        assert outcome == expected or (expected in outcome and expected != SHOWS), name
    assert counts == [(number + 1, len(outcomes)) for number in range(len(outcomes))]


def test_scripts_of_one_framework_and_mode_share_a_process() -> None:
    run = make_run([observation(key(name, case), "deviates") for name in ("alpha.a", "beta.a") for case in "ab"])
    text = "import os\nprint('got', os.getpid())\nraise SystemExit(0)"
    outcomes = verified(run, dict.fromkeys([each.key for each in run.observations], text), lambda done, total: None)
    alpha, again, beta, more = outcomes.values()
    assert alpha == again != beta == more


def test_a_script_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def hangs(self: WorkerProcess, message: object, timeout: float) -> str:
        self.close()
        raise ProcessLostError(Verdict.TIMED_OUT, f"no answer within {timeout:g} s")

    monkeypatch.setattr(WorkerProcess, "start", lambda self, timeout: None)
    monkeypatch.setattr(WorkerProcess, "ask", hangs)
    run = make_run([observation(key(), "deviates")])
    assert verified(run, {key(): "while True: pass"}, lambda done, total: None) == {key(): "no answer within 120 s"}


def test_an_interruption_ends_what_runs() -> None:
    run = make_run([observation(key(name, case), "deviates") for name in ("alpha.a", "beta.a") for case in "ab"])
    hang = "import time\ntime.sleep(600)"
    texts = {each.key: "raise SystemExit(1)" if "alpha" in each.key else hang for each in run.observations}

    def interrupted(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verified(run, texts, interrupted, jobs=2)
