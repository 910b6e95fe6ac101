"""Deviations of planted implementations with their reproductions, and the evaluation of these from their text alone."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import planted
import scipy.special
from gaugeblock.adapters.registry import adapter
from gaugeblock.conformance.minimise.reproduction import reproduced
from gaugeblock.conformance.trials.setting import Observation
from gaugeblock.reports.runfile import decode

Array = np.ndarray[Any, Any]


def deviations(check: str, operation: str, function: Callable[..., Any], **options: Any) -> dict[str, Observation]:
    """The observations of a check that deviate, with what reproduces them."""
    context, chosen = planted.planted(check, operation, function, **options)
    found = reproduced(context, list(chosen.observe(context)))
    assert all("reproduction" not in each for each in found if each["verdict"] != "deviates")
    return {each["key"].rpartition("/")[2]: each for each in found if each["verdict"] == "deviates"}


def number(text: str) -> float:
    return float(text) if text in ("nan", "inf", "-inf") else float.fromhex(text)


def _steps(call: dict[str, Any], known: dict[str, Any], inputs: dict[str, Array]) -> Array:
    objects: dict[int, Any] = {}
    results = []

    def act(verb: str, metric: Any, other: Any, given: dict[str, Array]) -> Any:
        return eval(call["acts"][verb], {**known, **given, "metric": metric, "other": other})

    def at(place: int) -> Any:
        if place not in objects:
            objects[place] = act("make", None, None, inputs)
        return objects[place]

    for step in call["steps"]:
        start, stop = step["rows"]
        given = {n: np.concatenate([array[start:stop]] * step["tile"]) for n, array in inputs.items()}
        for _ in range(step["repeat"]):
            if step["verb"] == "copy":
                objects[step["on"]] = act("copy", at(step["other"]), None, given)
                continue
            metric = at(step["on"])
            answer = act(step["verb"], metric, at(step["other"]) if step["verb"] == "merge" else None, given)
            if step["verb"] in ("result", "call"):
                results.append(np.ravel(answer))
    return np.concatenate(results)


def evaluated(call: dict[str, Any], function: Callable[..., Any], gradient: Callable[..., Any] | None = None) -> Array:
    """The answer to a call of a reproduction, from what stands in it alone."""
    inputs = {name: decode(stored) for name, stored in call["inputs"].items()}
    if "layout" in call:
        inputs = {name: adapter("numpy").lay_out(array, call["layout"], "cpu") for name, array in inputs.items()}
    parameters = {n: tuple(value) if isinstance(value, list) else value for n, value in call["parameters"].items()}
    known = {"numpy": np, "scipy": scipy, "planted": function, **parameters}
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if "cotangent" in call:
            assert gradient is not None
            return np.asarray(gradient(*inputs.values(), decode(call["cotangent"]), **parameters))
        if "steps" in call:
            return _steps(call, known, inputs)
        answer = np.asarray(eval(call["call"], {**known, **inputs}))
        return np.asarray(eval(call["then"], {"numpy": np, "answer": answer})) if "then" in call else answer


def _shows_value(got: float, due: dict[str, Any]) -> bool:
    nearest, ulp = number(due["nearest"]), number(due["ulp"])
    if math.isfinite(got) and math.isfinite(nearest):
        return abs(got - nearest) / ulp > due["allowed"] - 0.5
    return not (got == nearest or (math.isnan(got) and math.isnan(nearest)))


def _shows_label(got: Array, due: dict[str, Any]) -> bool:
    for values in due["right"].values():
        if isinstance(values, dict):
            if list(got.shape) == values["shape"]:
                return False
            continue
        expected = np.array([number(text) for text in values])
        if expected.shape == got.ravel().shape:
            same = (got.ravel() == expected) | (np.isnan(got.ravel()) & np.isnan(expected))
            with np.errstate(all="ignore"):
                if (same | (np.abs(got.ravel() / expected - 1) <= due["within"])).all():
                    return False
    return True


def shows(record: dict[str, Any], function: Callable[..., Any], gradient: Callable[..., Any] | None = None) -> bool:
    """Whether the calls of a reproduction, evaluated anew, deviate from what is due there."""
    due, numbers = record["due"], []
    answers = [evaluated(call, function, gradient) for call in record["calls"]]
    for call, answer in zip(record["calls"], answers, strict=True):
        if "at" in call:
            got = float(answer[tuple(call["at"])])
            assert got == number(call["got"]) or math.isnan(got) == math.isnan(number(call["got"])) is True
            numbers.append(got)
    if "shape" in due:
        assert list(answers[0].shape) == record["calls"][0]["shape"]
        return list(answers[0].shape) != list(due["shape"])
    if "right" in due:
        return _shows_label(np.concatenate([answer.ravel() for answer in answers]).astype(np.float64), due)
    if "nearest" in due:
        return _shows_value(numbers[0], due)
    one, other = numbers
    if math.isfinite(one) and math.isfinite(other):
        return abs(one - other) / number(due["ulp"]) > due["allowed"]
    return not (one == other or (math.isnan(one) and math.isnan(other)))


def sizes(record: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """The shapes of the inputs of its first call."""
    return {name: tuple(stored["shape"]) for name, stored in record["calls"][0]["inputs"].items()}


def values(record: dict[str, Any]) -> dict[str, Any]:
    """The inputs of its first call."""
    return {name: decode(stored).tolist() for name, stored in record["calls"][0]["inputs"].items()}
