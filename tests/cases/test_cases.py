"""Cases: numbers of their format, valid for their operation, and frozen.

docs/cases.json holds the digest of every case. A change of one is a breaking change; where it is meant, `gaugeblock
docs` writes the file anew, to be read as a diff.
"""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from gaugeblock.conformance.cases.case import Case
from gaugeblock.conformance.cases.cases import cases
from gaugeblock.conformance.cases.draws import bell, integers, uniform
from gaugeblock.conformance.cases.steps import Step, batches
from gaugeblock.conformance.pages.pages import frozen_cases
from gaugeblock.reference.catalogue import OPERATIONS
from gaugeblock.reference.engine import evaluate, gradient
from gaugeblock.reference.formats import FORMATS, Array

from tests.invoking import python

FROZEN = Path(__file__).parents[2] / "docs" / "cases.json"
PAIRS = [(name, dtype) for name in OPERATIONS for dtype in FORMATS]

pairs = pytest.mark.parametrize(("name", "dtype"), PAIRS)


def test_cases_are_frozen() -> None:
    frozen, found = json.loads(FROZEN.read_text(encoding="utf-8")), frozen_cases()
    assert set(frozen) == set(found)
    for of, known in frozen.items():
        changed = sorted(case for case in found[of].keys() & known.keys() if found[of][case] != known[case])
        assert not changed, f"inputs of {of} changed: give the new ones a new name, or see the docstring"
        assert not known.keys() - found[of].keys(), f"cases of {of} are gone: a breaking change; see the docstring"
        assert not found[of].keys() - known.keys(), f"cases of {of} are new: freeze them; see the docstring"


def test_cases_are_the_same_on_other_processors() -> None:
    """NumPy computes exp, log and power by other instructions there, and differently in the last bit."""
    try:
        from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
    except ImportError:
        pytest.skip("this NumPy keeps its dispatch elsewhere")
    wide = [name for name in __cpu_dispatch__ if __cpu_features__.get(name)]
    if not wide:
        pytest.skip("this processor has none of the instructions that NumPy can do without")
    program = "import json; from gaugeblock.conformance.pages.pages import frozen_cases as f; print(json.dumps(f()))"
    features = " ".join(wide)
    done = python("-W", "ignore", "-c", program, cwd=Path(__file__).parent, NPY_DISABLE_CPU_FEATURES=features)
    there, here = json.loads(done.stdout), frozen_cases()
    other = [key for key in here if here[key] != there[key]]
    assert {key: {n for n in here[key] if here[key][n] != there[key][n]} for key in other} == {}


def test_draws_are_frozen() -> None:
    # By hashlib alone: SHAKE-256 of the name, in little-endian words of 64 bits.
    drawn = [each.hex() for each in uniform("test", (3,), 0, 1).tolist()]
    assert drawn == ["0x1.ea7055725f748p-4", "0x1.ae4303e4a5e90p-4", "0x1.c12aab3aaf349p-1"]
    assert integers("test", (6,), 10).tolist() == [3, 4, 5, 9, 5, 4]
    assert uniform("a", (4,), -1, 1).tolist() != uniform("b", (4,), -1, 1).tolist()
    assert uniform("test", (1000,), 2, 3).min() >= 2
    assert uniform("test", (1000,), 2, 3).max() < 3
    # The beginning does not depend on how many are drawn.
    np.testing.assert_array_equal(uniform("test", (1000,), 0, 1)[:3], uniform("test", (3,), 0, 1))
    around = bell("test", (10000,), 1.5)
    assert abs(around.mean()) < 0.05
    assert abs(around.std() - 1.5) < 0.05


@pairs
def test_names_are_unique_slugs(name: str, dtype: str) -> None:
    names = [case.name for case in cases(name, dtype)]
    assert len(names) >= 8
    assert len(set(names)) == len(names)
    for each in names:
        assert re.fullmatch(r"[a-z0-9][a-z0-9.\-]*", each), each


@pairs
def test_inputs_are_what_the_operation_takes(name: str, dtype: str) -> None:
    op, fmt = OPERATIONS[name], FORMATS[dtype]
    for case in cases(name, dtype):
        assert set(case.inputs) - {"sample_weight"} == set(op.inputs)
        axis = case.parameters.get("axis", -1)
        batches = set()
        for given, rank, domain in zip(op.inputs, op.core_ranks, op.domains, strict=True):
            array = case.inputs[given]
            kind = bool if domain == "mask" else np.int64 if given in op.integers else fmt.dtype
            assert array.dtype == kind, case.name
            batches.add(tuple(np.delete(array.shape, axis)) if rank else array.shape)
        if "sample_weight" in case.inputs:
            assert op.kind != "activation"
            assert (case.inputs["sample_weight"] >= 0).all()
            assert len(set(case.inputs["sample_weight"].tolist())) > 1
            batches.add(case.inputs["sample_weight"].shape if not op.whole else ())
        assert len(batches) == 1, f"{case.name}: batch axes {batches}"
        assert set(case.parameters) <= {*op.parameters, "axis", "reduction"}
        if op.kind == "activation":
            assert ("axis" in case.parameters) == op.rowwise
        elif not op.whole:
            assert case.parameters["reduction"] in ("none", "mean", "sum")
            bare = case.name.removeprefix("weighted-")
            assert bare.startswith(("mean-", "sum-")) == (case.parameters["reduction"] != "none")


RANGES = {"target": (0, 1), "distribution": (0, 1), "one_hot": (0, 1), "multi_hot": (0, 1), "binary": (0, 1),
          "sign": (-1, 1), "probabilities": (0, 1), "log_probabilities": (-np.inf, 0), "log_distribution": (-np.inf, 0),
          "scores": (0, 1), "score": (0, 1)}  # fmt: skip


@pairs
def test_inputs_hold_what_their_domain_says(name: str, dtype: str) -> None:
    op = OPERATIONS[name]
    for case in cases(name, dtype):
        for given, domain in zip(op.inputs, op.domains, strict=True):
            wide = case.inputs[given].astype(np.float64)
            known = wide[~np.isnan(wide)]
            said = "nan" in case.tags or "unnormalised" in case.name
            if domain in RANGES and not said:
                low, high = RANGES[domain]
                assert known.min() >= low, case.name
                assert known.max() <= high, case.name
            if domain == "label" and op.core_ranks[-1] and op.core_ranks[0] == 0:
                known = wide[wide != case.parameters.get("ignore_index")]
                assert known.min() >= 0, case.name
                assert known.max() < case.inputs[op.inputs[-1]].shape[-1], case.name
            if domain in ("distribution", "probabilities", "one_hot") and not said and "animals" not in case.name:
                np.testing.assert_array_equal(wide.sum(axis=-1), 1, err_msg=case.name)
            if domain == "sign":
                assert set(np.abs(known)) == {1}
            if domain == "mask":
                assert wide.any(axis=-1).all()


@pytest.mark.parametrize(("name", "dtype"), [pair for pair in PAIRS if OPERATIONS[pair[0]].inputs[-1] == "y_score"])
def test_metrics_have_no_ties_which_are_for_probes(name: str, dtype: str) -> None:
    for case in cases(name, dtype):
        scores = case.inputs["y_score"].astype(np.float64)
        # Labels of one row that are each compared with the threshold may share a score.
        if scores.ndim == 2 and OPERATIONS[name].domains[0] != "multi_hot":
            assert all(len(set(row)) == len(row) for row in scores.tolist()), case.name
        if "threshold" in case.parameters:
            assert (scores != case.parameters["threshold"]).all(), case.name


def results(case: Case, name: str, dtype: str) -> Array:
    return evaluate(OPERATIONS[name], FORMATS[dtype], case.inputs, **case.parameters).nearest


# In float16 the smallest normal number is e^-9.7: a confident row cannot but have smaller probabilities.
@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float64"])
@pytest.mark.parametrize("name", ["sigmoid", "log_sigmoid", "softplus", "softmax", "log_softmax", "logsumexp"])
def test_subnormal_results_stand_in_cases_that_say_so(name: str, dtype: str) -> None:
    """Or a processor that flushes them would make other cases deviate, and hide what these have to show."""
    smallest = FORMATS[dtype].smallest_normal
    found = set()
    for case in cases(name, dtype):
        if case.name.startswith(("ordinary-100", "dense")):
            continue  # long, and no different from their shorter fellows
        size = np.abs(results(case, name, dtype))
        if ((size > 0) & (size < smallest)).any():
            found.add(case.name)
    if name in ("sigmoid", "softplus", "softmax"):
        assert any("subnormal" in case for case in found)
    # Thresholds and powers of two are there to cross every edge.
    assert not {case for case in found if not re.search("subnormal|thresholds|powers-of-two", case)}


@pairs
def test_gradients_are_asked_for_where_they_exist(name: str, dtype: str) -> None:
    op, fmt = OPERATIONS[name], FORMATS[dtype]
    if op.gradient_bound is None:
        assert not any(case.gradient for case in cases(name, dtype))
        return
    asked = [case for case in cases(name, dtype) if case.gradient]
    assert len(asked) >= 3
    for case in asked:
        last = case.inputs[op.inputs[-1]]
        if last.size > 100:
            continue
        plain = {key: value for key, value in case.parameters.items() if key != "reduction"}
        answer = evaluate(op, fmt, case.inputs, **plain)
        truth = gradient(op, fmt, case.inputs, np.ones_like(answer.nearest), **plain)
        assert np.isfinite(truth.nearest).all(), case.name
        assert not truth.undecided.any(), case.name


RESULT = Step("result")


def test_steps_in_words() -> None:
    words = [str(step) for step in (Step("update", (0, 32), tile=4, repeat=16), Step("update", (11, None), on=1))]
    assert words == ["update metric 0 with rows 0:32 4 times over, 16 times", "update metric 1 with rows 11:"]
    others = (RESULT, Step("reset"), Step("merge", on=1, other=2), Step("copy", on=1))
    assert [str(step) for step in others] == [
        "result of metric 0", "reset metric 0", "merge metric 2 into metric 1", "copy metric 0 as metric 1",
    ]  # fmt: skip


def test_batches_are_cut_once_and_tiled() -> None:
    rows, labels = np.arange(6.0).reshape(3, 2), np.arange(3)
    update = Step("update", (1, None), tile=2)
    made = batches((update, RESULT, update, Step("update", (3, 3))), (rows, labels))
    assert set(made) == {((0, None), 1), ((1, None), 2), ((3, 3), 1)}
    np.testing.assert_array_equal(made[(1, None), 2][0], [[2, 3], [4, 5], [2, 3], [4, 5]])
    np.testing.assert_array_equal(made[(1, None), 2][1], [1, 2, 1, 2])
    assert [array.shape for array in made[(3, 3), 1]] == [(0, 2), (0,)]
    (whole,) = batches((RESULT,), (rows, labels)).values()
    np.testing.assert_array_equal(whole[0], rows)
