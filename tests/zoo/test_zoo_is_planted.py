"""The zoo itself: bases are right, every fault is wrong where its entry says, no variant is."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import right
import right_binary
from entries import KINDS, Entry
from gaugeblock.reference.catalogue import OPERATIONS
from gaugeblock.reference.formats import FORMATS
from judging import excess
from planting import Show, normal, show

INF = np.inf
HOME = Path(__file__).parent
TABLES = {
    path.stem: importlib.import_module(path.stem)
    for path in sorted([*HOME.glob("faults_*.py"), *HOME.glob("variants_*.py")])
}
FAULTS: list[Entry] = [e for name, module in TABLES.items() if name.startswith("faults") for e in module.FAULTS]
VARIANTS: list[Entry] = [e for name, module in TABLES.items() if name.startswith("variants") for e in module.VARIANTS]
PLANTED = [entry for entry in FAULTS if isinstance(entry.shows, tuple) and entry.shows]

REALS = [*normal(40, scale=3), *normal(20, scale=60, seed=2), 0.0, -0.0, 1.0, -1.0, 3.0, -2.9999999, 1e-30, 88.8, -88.8]
SHARES = [*np.random.default_rng(3).random(60), 0.0, 1.0, 0.5, 0.50000006, 0.4999, 1e-9, 1 - 2**-20, 2**-20]
ROWS = np.concatenate(
    [normal(4, 9, scale=3), normal(3, 9, scale=30, seed=4), normal(1, 9, shift=1000), normal(1, 9, scale=1e-4)]
)
MASK = np.random.default_rng(5).random(ROWS.shape) < 0.7
MASK[:, 0] = True
SIGNS = np.where(np.arange(len(REALS)) % 3 == 0, -1.0, 1.0)
HARD = np.where(np.arange(len(SHARES)) % 3 == 0, 0.0, 1.0)


def _ordinary(name: str) -> dict[str, Any]:
    """Inputs of an operation of one number or of rows."""
    domains = OPERATIONS[name].domains
    if domains[0] == "mask":
        return {"mask": MASK, "x": ROWS}
    if domains == ("sign", "real"):
        return {"y_true": SIGNS, "score": REALS}
    if domains == ("target", "real"):
        soft = np.where(np.arange(len(REALS)) % 5 == 0, 0.25, (SIGNS + 1) / 2)
        return {"y_true": soft, "logits": REALS}
    if domains == ("target", "probability"):
        return {"y_true": HARD, "y_pred": SHARES}
    if domains == ("probability",):
        return {"x": SHARES}
    return {"x": REALS if domains == ("real",) else ROWS}


def _framework_answer(entry: Entry, inputs: dict[str, Any], above: Any, keywords: dict[str, Any]) -> Any:
    """The answer of a function of tensors, or by autodiff its vector-Jacobian product."""
    framework = entry.options["arrays"]
    module = pytest.importorskip(framework)
    last = OPERATIONS[entry.operation].inputs[-1]
    if framework == "torch":
        # from_numpy shares memory and strides, so that writing to an input is seen.
        tensors = {name: module.from_numpy(array) for name, array in inputs.items()}
        if above is None:
            return entry.function(**tensors, **keywords).numpy()
        tensors[last].requires_grad_()
        answer = entry.function(**tensors, **keywords)
        return module.autograd.grad(answer, tensors[last], module.from_numpy(above))[0].numpy()
    if framework == "jax":
        if above is None:
            return np.asarray(entry.function(**inputs, **keywords))
        _, back = module.vjp(lambda x: entry.function(**{**inputs, last: x}, **keywords), inputs[last])
        return np.asarray(back(above)[0])
    tensors = {name: module.constant(array) for name, array in inputs.items()}
    with module.GradientTape() as tape:
        tape.watch(tensors[last])
        answer = entry.function(**tensors, **keywords)
    return (answer if above is None else tape.gradient(answer, tensors[last], module.constant(above))).numpy()


def _answer(entry: Entry, call: Show) -> tuple[dict[str, Any], Any, Any]:
    """The inputs as they were, the cotangent and the answer."""
    inputs = call.arrays()
    before = {name: array.copy() for name, array in inputs.items()}
    known = inspect.signature(entry.function).parameters
    keywords = {name: value for name, value in call.keywords.items() if name in known}
    if "reduction" in known:
        keywords.setdefault("reduction", "none")
    above = None if call.cotangent is None else call.upstream()
    if entry.options.get("arrays", "numpy") != "numpy":
        answer = _framework_answer(entry, inputs, above, keywords)
    elif above is None:
        with np.errstate(all="ignore"):
            answer = entry.function(**inputs, **keywords)
    else:
        order = OPERATIONS[entry.operation].inputs
        given = above.copy() if above.flags.c_contiguous else above
        weights = {n: a for n, a in inputs.items() if n not in order}
        with np.errstate(all="ignore"):
            answer = entry.options["gradient"](*(inputs[name] for name in order), given, **weights, **keywords)
        if given.tobytes() != above.tobytes():
            raise OverwrittenError
    for name, array in inputs.items():
        if array.tobytes() != before[name].tobytes():
            raise OverwrittenError
    return before, above, answer


class OverwrittenError(Exception):
    """An input was written to."""


def _excesses(entry: Entry, calls: tuple[Show, ...]) -> Iterator[tuple[float, float]]:
    """Of calls made one after the other, all answers judged after the last."""
    answers = [_answer(entry, call) for call in calls]
    for call, (inputs, above, answer) in zip(calls, answers, strict=True):
        keywords = call.keywords
        yield excess(entry.operation, call.dtype, inputs, answer, keywords=keywords, cotangent=above)


def _base(name: str) -> Any:
    return getattr(right, name, None) or getattr(right_binary, name, None)


BASES = [name for name in OPERATIONS if _base(name)]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("name", BASES)
def test_bases_are_right(name: str, dtype: str) -> None:
    entry = Entry(name, name, _base(name), "", "", options={"gradient": _base(f"{name}_gradient")})
    calls = [show(dtype=dtype, **_ordinary(name))]
    if OPERATIONS[name].rowwise:
        calls.append(show(dtype=dtype, keywords={"axis": 0}, **_ordinary(name)))
    calls += [show(dtype=dtype, keywords=dict(asked), **_ordinary(name)) for asked in OPERATIONS[name].asks]
    for call in calls:
        shape = evaluate_shape(entry, call)
        inner = _inside(name, dict(call.inputs), dtype)
        slope = show(dtype=dtype, keywords=call.keywords, cotangent=normal(*shape, seed=6), **inner)
        assert max(ratio for _, ratio in _excesses(entry, (call, slope))) <= 1


def _inside(name: str, inputs: dict[str, Any], dtype: str) -> dict[str, Any]:
    """Inputs without those at which there is no derivative."""
    if "probability" not in OPERATIONS[name].domains:
        return inputs
    last = OPERATIONS[name].inputs[-1]
    held = FORMATS[dtype].rounded(inputs[last]).astype(np.float64)
    return {**inputs, last: np.where(np.isin(held, [0.0, 1.0]), 0.75, held)}


def evaluate_shape(entry: Entry, call: Show) -> tuple[int, ...]:
    return np.shape(_answer(entry, call)[2])


def test_ids_are_unique_and_kinds_known() -> None:
    names = [entry.id for entry in [*FAULTS, *VARIANTS]]
    assert len(set(names)) == len(names)
    assert {entry.kind for entry in FAULTS} <= set(KINDS)
    assert {entry.kind for entry in VARIANTS} <= {"variant"}


@pytest.mark.parametrize("entry", PLANTED, ids=lambda entry: entry.id)
def test_faults_are_faults(entry: Entry) -> None:
    """An answer is off by more than 100 ULP and twice its bound, or an input is written to."""
    try:
        worst = max(_excesses(entry, entry.shows))
    except OverwrittenError:
        assert entry.kind == "input-overwritten"
        return
    assert entry.kind != "input-overwritten"
    assert worst[0] > 100
    assert worst[1] > 2


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("entry", [v for v in VARIANTS if v.operation in BASES], ids=lambda entry: entry.id)
def test_variants_are_right(entry: Entry, dtype: str) -> None:
    if dtype not in entry.options.get("dtypes", (dtype,)):
        pytest.skip("for other formats")
    inputs = _ordinary(entry.operation)
    calls = [show(dtype=dtype, **inputs)]
    if "gradient" in entry.options:
        shape = evaluate_shape(entry, calls[0])
        calls.append(show(dtype=dtype, cotangent=normal(*shape, seed=7), **_inside(entry.operation, inputs, dtype)))
    if OPERATIONS[entry.operation].rowwise and "axis" in inspect.signature(entry.function).parameters:
        calls.append(show(dtype=dtype, keywords={"axis": 0}, **inputs))
    # Those of other bases round an argument once more.
    assert max(ratio for _, ratio in _excesses(entry, tuple(calls))) <= 2
