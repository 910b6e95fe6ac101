"""The case that an observation names is the one that it was made of, over a run of NumPy."""

import warnings
from collections import Counter
from collections.abc import Iterator
from copy import copy
from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from gaugeblock.adapters.registry import adapter
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.steps import Step
from gaugeblock.conformance.execution.call import NoAnswer
from gaugeblock.conformance.execution.query import ask_all
from gaugeblock.conformance.execution.worker import Server
from gaugeblock.conformance.judging.ulp_error import digest
from gaugeblock.conformance.session.measured import cases_of, source_of, stored
from gaugeblock.conformance.trials.setting import Setting, batch_of
from gaugeblock.reports import runfile
from gaugeblock.reports.records import Observation, Run, StoredArray
from msgspec.structs import asdict

from tests.invoking import measured

EXPRESSION = (
    "(binary_cross_entropy/ or kl_divergence/ or logsumexp/ or sparsemax or sigmoid/ or hinge/ or focal or accuracy/"
    " or f1_score or roc_auc or logit/) and (bfloat16 or float32 or int64) and not recipe"
)
"""Activations, losses and metrics of every domain, and all their checks."""

BY_SETTING = ("every-length", "long-rows", "dense", "combined", "large-batch")
"""Checks that choose their cases by what the implementation answers, or store large ones."""

AS_THEY_ARE = ("input-dtype", "memory-layout", "padding-with-minus-inf", "row-permutation", "weights-of-one")
"""Relations whose digest is that of the answer to the case itself; others look at a part of it, or at another call."""

NUMPY = adapter("numpy")
SERVER = Server(NUMPY, NUMPY.load())
IMPLEMENTATIONS = {each.id: each for each in NUMPY.implementations}
MODES = {mode.name: mode for mode in NUMPY.modes}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run, with the cases that its file names alone drawn anew."""
    output = tmp_path_factory.mktemp("run") / "run.json"
    made = measured(output, "-f", "numpy", "--mode", "eager", "-k", EXPRESSION, "--effort", "thorough")
    tests = {each.key.rpartition("/")[0]: source_of(made, each) for each in made.observations}
    for test in tests.values():
        for case in cases_of(test) if test is not None else ():
            if case.inputs and case.digest not in made.cases:
                made.cases[case.digest] = stored(case)
    return made


def array_of(name: str, stored: StoredArray) -> Any:
    """The array; where its data are not stored one of the same shape and dtype."""
    if stored.sha256 is None:
        return runfile.decode(stored)
    dtype = np.dtype(getattr(ml_dtypes, stored.dtype, stored.dtype))
    return (np.ones if name == "sample_weight" else np.zeros)(stored.shape, dtype)


def asked_again(run: Run, observation: Observation) -> tuple[Setting, Case]:
    """The setting of an observation, and the case that it names."""
    parts = runfile.split_key(observation.key)
    implementation = IMPLEMENTATIONS[f"{parts['operation']}/{parts['implementation']}"]
    if observation.call is not None:
        implementation = replace(implementation, call=observation.call)
    stored = run.cases[observation.case]
    parameters = {name: tuple(value) if isinstance(value, list) else value for name, value in stored.parameters.items()}
    inputs = {name: array_of(name, each) for name, each in stored.inputs.items()}
    steps = tuple(Step(**asdict(step)) for step in stored.steps)
    case = Case(parts["case"], inputs, parameters, order=stored.order, layout=observation.layout, steps=steps)
    return Setting.of_framework(implementation, parts["dtype"], parts["device"], MODES[parts["mode"]], "thorough"), case


def answer(setting: Setting, case: Case) -> Any:
    """The answer to a case; None where it is refused."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (reply,) = ask_all(lambda calls: [SERVER.answer(call) for call in calls], [setting.query(case)])
    return None if isinstance(reply, NoAnswer) else reply.answer


def row_by_row(setting: Setting, case: Case) -> Any:
    """The answer to each row, as probes of metrics ask."""
    rows = range(len(next(iter(case.inputs.values()))))
    return np.stack([answer(setting, replace(case, inputs=batch_of(case.inputs, [row]))) for row in rows])


def faults(run: Run, observations: list[Observation], seen: Counter[str] | None = None) -> Iterator[str]:
    """What is wrong with the cases of observations; `seen` counts the answers that were compared, by check."""
    for observation in observations:
        check = runfile.split_key(observation.key)["check"]
        kind = run.checks[check].kind
        setting, case = asked_again(run, observation)
        known = all(stored.sha256 is None for stored in run.cases[str(observation.case)].inputs.values())
        if known and case.digest != observation.case:
            yield f"{observation.key}: what is stored as {observation.case} has the digest {case.digest}"
        again = answer(setting, case)
        if again is None:
            if observation.digest is not None:
                yield f"{observation.key}: the case that it names is refused"
            continue
        if observation.witness is not None and observation.witness.at:
            at = observation.witness.at
            # A relation may look at a part of the answer.
            whole = kind != "value" or len(at) == again.ndim
            if not whole or any(index >= size for index, size in zip(at, again.shape, strict=False)):
                yield f"{observation.key}: the witness is at {at} of an answer of shape {again.shape}"
        if known and observation.digest is not None and (kind != "relation" or check in AS_THEY_ARE):
            same = digest(again) == observation.digest
            if kind == "probe" and not same:
                same = digest(row_by_row(setting, case)) == observation.digest
            if not same:
                yield f"{observation.key}: the case that it names has another answer"
            if seen is not None:
                seen[check if kind == "value" else kind] += 1


def test_every_witness_lies_in_its_case_and_asking_that_again_gives_the_answer(run: Run) -> None:
    seen: Counter[str] = Counter()
    with_case = [each for each in run.observations if each.case is not None]
    assert len(with_case) > 0.9 * len(run.observations)
    assert {each.case for each in with_case} <= {*run.cases}
    assert list(faults(run, with_case, seen)) == []
    assert {*BY_SETTING, "value", "shapes", "label-dtype", "probe", "relation"} <= set(seen)


def test_cases_stored_by_name_would_be_noticed(run: Run) -> None:
    """As they once were: under operation, dtype, check and case, where the last implementation's stood for all."""

    def name(observation: Observation) -> tuple[str, ...]:
        parts = runfile.split_key(observation.key)
        return tuple(parts[each] for each in ("operation", "dtype", "check", "case"))

    chosen = [each for each in run.observations if name(each)[2] in BY_SETTING]
    last = {name(each): each.case for each in chosen}
    moved = [copy(each) for each in chosen]
    for each in moved:
        each.case = last[name(each)]
    found = list(faults(run, moved))
    for check, fault in (
        ("every-length", "the witness is at"),
        ("every-length", "has another answer"),
        ("long-rows", "has another answer"),
        ("dense", "has another answer"),
    ):
        assert any(f"/{check}/" in line and fault in line for line in found), (check, fault)
