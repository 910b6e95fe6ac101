"""The suite as pytest sees it: one test for each implementation, dtype, device, mode and check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from gaugeblock.conformance.session.plan import Test
    from gaugeblock.conformance.session.recorder import Judged


REFUSABLE = ("combined", "large-batch", "several-batch-axes")
"""Checks of soft targets, labels of a byte and batches of several axes, which an implementation need not take."""


def _line(observation: dict[str, object]) -> str:
    parts = [f"{observation['key']}: {observation['verdict']}"]
    if "error" in observation:
        parts.append(f"{observation['error']:.4g} ULP of {observation['allowed']:.4g} allowed")
    parts += [str(observation[name]) for name in ("accuracy", "label", "message") if name in observation]
    return ", ".join(parts)


def test_conformance(gaugeblock_test: Test, gaugeblock_judged: Judged, gaugeblock_strict: bool) -> None:
    """Nothing deviates that no expectation explains; with --strict, each one explains something here."""
    observations = gaugeblock_judged.observations
    wrong = [o for o in observations if o["verdict"] in ("deviates", "crashed", "timed_out")]
    if wrong:
        pytest.fail("\n".join(_line(observation) for observation in wrong), pytrace=False)
    if gaugeblock_strict and gaugeblock_judged.stale:
        gone = ", ".join(f"{entry['expectation']} ({entry['pattern']})" for entry in gaugeblock_judged.stale)
        pytest.fail(f"not seen here: nothing deviates as expected by {gone}", pytrace=False)
    known = sorted({o["expectation"] for o in observations if "expectation" in o})
    if known:
        raise pytest.xfail.Exception(", ".join(known), pytrace=False)
    verdicts = {o["verdict"] for o in observations}
    must = gaugeblock_test.check.kind == "value" and gaugeblock_test.check.name not in REFUSABLE
    if must and verdicts == {"unsupported"} and "expectation" not in observations[0]:
        said = observations[0].get("message")
        pytest.fail(f"every case is refused, so the suite may ask wrongly: {said}", pytrace=False)
    if observations and verdicts <= {"unsupported", "not_run"}:
        pytest.skip(str(observations[0].get("message", "unsupported")))
    assert verdicts <= {"conforms", "undecided", "unsupported", "not_run"}
