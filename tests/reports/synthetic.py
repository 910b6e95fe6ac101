"""Small synthetic runs, so that the reports are tested without any framework."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from gaugeblock.reports import records
from gaugeblock.reports.records import FORMAT, CheckRecord, FrameworkRecord, Observation, OperationRecord, Run, Witness
from gaugeblock.reports.runfile import dumps, encode, parsed, split_key
from gaugeblock.reports.verdicts import Verdict
from msgspec.structs import replace

Renderer = Callable[..., str]

OPERATIONS: dict[str, tuple[Any, str]] = {
    "sigmoid": ("activation", "return 1 / (1 + exp(-x))"),
    "softmax": ("activation", "e = exp(x)\nreturn e / sum(e)"),
    "log_loss": ("loss", "return -log(p)"),
    "accuracy": ("metric", "return mean(y_true == y_pred)"),
    "one-unit": ("story", "It does not learn."),
}

CHECKS = {
    "value": CheckRecord("value", "Is the answer within the bound?", []),
    "gradient": CheckRecord("gradient", "Is the derivative within the bound?", []),
    "shift": CheckRecord("relation", "Does adding a constant change nothing?", []),
    "recipe": CheckRecord("recipe", "Does the expression compute what another framework means?", []),
    "story": CheckRecord("story", "Do the figures of the story come out?", []),
    "score-at-threshold": CheckRecord("probe", "Is a score at the threshold positive?", ["yes (>=)", "no (>)"]),
}

CASE = "c" * 16
"""The digest of the case that every observation was made of."""

DEVIATES: dict[str, Any] = {
    "error": 7.5,
    "allowed": 4.0,
    "accuracy": "beyond",
    "digest": "1" * 16,
    "message": "further than the bound allows",
    "witness": Witness([0], "0.81757447619364365937", "0x1.a29926p-1", "0x1.a29918p-1"),
}


def key(
    implementation: str = "alpha.sigmoid",
    case: str = "one",
    *,
    operation: str = "sigmoid",
    dtype: str = "float32",
    device: str = "cpu",
    mode: str = "eager",
    check: str = "value",
) -> str:
    return f"{operation}/{implementation}/{dtype}/{device}/{mode}/{check}/{case}"


def observation(where: str, verdict: str = "conforms", **fields: Any) -> Observation:
    if verdict == "conforms" and not fields:
        fields = {"error": 0.25, "allowed": 4.0, "accuracy": "correctly rounded", "digest": "0" * 16}
    return Observation(where, Verdict(verdict), **fields)


def absent(message: str, status: Literal["not_run", "harness_error"] = "not_run") -> FrameworkRecord:
    """A framework that was not measured."""
    return FrameworkRecord(status, message, {}, {}, {})


def checked(run: Run) -> Run:
    """The run as its file holds it, if it is valid."""
    return parsed(dumps(run), "synthetic")


def make_run(
    observations: Sequence[Observation], *, versions: Mapping[str, dict[str, str]] | None = None, **changes: Any
) -> Run:
    """A valid run. An implementation `alpha.x` is of the framework alpha, version 1.0 unless stated."""
    run = Run(
        format=FORMAT,
        suite=records.Suite("0.1.0", "a" * 16),
        status="complete",
        created="2026-01-02T03:04:05Z",
        selection=records.Selected([], [], [], [], "", "standard"),
        seconds={"total": 12.5},
        environment={"python": "3.11.9", "platform": "Linux", "processor": "x86_64"},
        frameworks={},
        operations={},
        implementations={},
        checks={},
        cases={CASE: records.StoredCase({"axis": -1}, {"x": encode(np.array([1.5, -0.0, np.nan], np.float32))})},
        known={},
        not_seen=[],
        observations=[replace(each, case=CASE) for each in observations],
    )
    for each in observations:
        parts = split_key(each.key)
        operation, implementation, check = (parts[part] for part in ("operation", "implementation", "check"))
        kind, formula = OPERATIONS[operation]
        run.operations[operation] = OperationRecord(
            kind, f"The {operation} function.", formula, "A textbook, p. 1", {}, "4 ULP"
        )
        framework = implementation.partition(".")[0]
        run.implementations[f"{operation}/{implementation}"] = records.ImplementationRecord(
            framework, f"{implementation}(x)", {}
        )
        run.checks[check] = CHECKS[check]
        measured = (versions or {}).get(framework, {framework: "1.0"})
        entry = run.frameworks.setdefault(framework, FrameworkRecord("measured", None, measured, {}, {}))
        entry.devices[parts["device"]] = "Some processor"
        entry.modes[parts["mode"]] = {"flushes_subnormals": False}
        if each.known is not None:
            run.known[each.known] = records.KnownRecord("It overflows.", ">=1", "https://example.org/issue/1")
    return checked(replace(run, **changes))
