"""Small synthetic runs, so that the reports are tested without any framework."""

from __future__ import annotations

from typing import Any

import numpy as np
from gaugeblock.reports.runfile import encode, split_key, validate

Run = dict[str, Any]

OPERATIONS = {
    "sigmoid": ("activation", "return 1 / (1 + exp(-x))"),
    "softmax": ("activation", "e = exp(x)\nreturn e / sum(e)"),
    "log_loss": ("loss", "return -log(p)"),
    "accuracy": ("metric", "return mean(y_true == y_pred)"),
    "one-unit": ("story", "It does not learn."),
}

CHECKS = {
    "value": ("value", "Is the answer within the bound?", []),
    "gradient": ("gradient", "Is the derivative within the bound?", []),
    "shift": ("relation", "Does adding a constant change nothing?", []),
    "recipe": ("recipe", "Does the expression compute what another framework means?", []),
    "story": ("story", "Do the figures of the story come out?", []),
    "score-at-threshold": ("probe", "Is a score at the threshold positive?", ["yes (>=)", "no (>)"]),
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


def observation(where: str, verdict: str = "conforms", **fields: Any) -> dict[str, Any]:
    if verdict == "conforms" and not fields:
        fields = {"error": 0.25, "allowed": 4.0, "accuracy": "correctly rounded", "digest": "0" * 16}
    return {"key": where, "verdict": verdict, **fields}


def make_run(
    observations: list[dict[str, Any]],
    *,
    versions: dict[str, dict[str, str]] | None = None,
    **changes: Any,
) -> Run:
    """A valid run. An implementation `alpha.x` is of the framework alpha, version 1.0 unless said."""
    versions = versions or {}
    run: Run = {
        "format": 1,
        "suite": {"version": "0.1.0", "digest": "a" * 16},
        "status": "complete",
        "created": "2026-01-02T03:04:05Z",
        "selection": {"frameworks": [], "devices": [], "dtypes": [], "modes": [], "expression": ""},
        "seconds": {"total": 12.5},
        "environment": {"python": "3.11.9", "platform": "Linux", "processor": "x86_64"},
        "frameworks": {},
        "operations": {},
        "implementations": {},
        "checks": {},
        "cases": {},
        "expectations": {},
        "stale": [],
        "observations": observations,
    }
    for seen in observations:
        parts = split_key(seen["key"])
        operation, implementation, check = (parts[p] for p in ("operation", "implementation", "check"))
        framework = implementation.split(".")[0]
        kind, formula = OPERATIONS[operation]
        run["operations"][operation] = {
            "kind": kind,
            "summary": f"The {operation} function.",
            "formula": formula,
            "source": "A textbook, p. 1",
            "parameters": {},
            "bound": "4 ULP",
        }
        run["implementations"][f"{operation}/{implementation}"] = {
            "framework": framework,
            "call": f"{implementation}(x)",
            "conventions": {},
        }
        kind, question, answers = CHECKS[check]
        run["checks"][check] = {"kind": kind, "question": question, "answers": answers}
        name = "/".join(parts[p] for p in ("operation", "dtype", "check", "case"))
        values = np.array([1.5, -0.0, np.nan], np.float32)
        run["cases"][name] = {"parameters": {"axis": -1}, "inputs": {"x": encode(values)}}
        entry = run["frameworks"].setdefault(
            framework,
            {
                "status": "measured",
                "message": None,
                "versions": versions.get(framework, {framework: "1.0"}),
                "devices": {},
                "modes": {},
            },
        )
        entry["devices"][parts["device"]] = "Some processor"
        entry["modes"][parts["mode"]] = {"flushes_subnormals": False}
        if "expectation" in seen:
            run["expectations"][seen["expectation"]] = {
                "why": "It overflows.",
                "versions": ">=1",
                "link": "https://example.org/issue/1",
            }
    run.update(changes)
    return validate(run, "synthetic")


DEVIATES = {
    "error": 7.5,
    "allowed": 4.0,
    "accuracy": "beyond",
    "digest": "1" * 16,
    "message": "further than the bound allows",
    "witness": {
        "at": [0],
        "expected": "0.81757447619364365937",
        "nearest": "0x1.a29918p-1",
        "got": "0x1.a29926p-1",
    },
}
