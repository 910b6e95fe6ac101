"""Scripts that show a deviation again: what they say of each kind of record, and that those of NumPy show it."""

import ast
import contextlib
import io
import re
from pathlib import Path
from typing import Any, Literal

import ml_dtypes
import msgspec
import numpy as np
import pytest
from gaugeblock.adapters.registry import FRAMEWORKS, adapter
from gaugeblock.reports.records import Expected, Observation, Reproduction, Run, StoredCall, StoredStep, Wording
from gaugeblock.reports.runfile import RunFileError, decode, encode, found
from gaugeblock.reports.scripts import literals
from gaugeblock.reports.scripts.expressions import assigned, chains, inlined
from gaugeblock.reports.scripts.script import NoScriptError, script
from gaugeblock.reports.verdicts import Verdict
from msgspec.structs import replace

from tests.invoking import python

from .synthetic import checked, key, make_run, observation

ALONE = """
import runpy, sys

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in {"numpy", *sys.stdlib_module_names}:
            raise ImportError(f"{name} is not there")

sys.meta_path.insert(0, Nothing())
runpy.run_path(sys.argv[1], run_name="__main__")
"""
"""Runs a script where NumPy is all that can be imported."""

SIGMOID = "1 / (1 + numpy.exp(-x))"
X = np.array([1.0, -100.0], np.float32)
EXACT = Expected(
    exact="3.7200759760208359630e-44",
    nearest="0x1.b000000000000p-145",
    ulp="0x1.0000000000000p-149",
    error=26.5,
    allowed=4.0,
)
"""What is expected of a sigmoid at -100."""


def call(text: str = SIGMOID, *, inputs: dict[str, Any] | None = None, **fields: Any) -> StoredCall:
    stored = {name: encode(array) for name, array in (inputs or {"x": X}).items()}
    seen = {} if fields.keys() & {"at", "got", "shape", "wrote", "refused"} else {"at": [1], "got": "0x0.0p+0"}
    made = {"mode": "eager", "parameters": {}, "last": next(iter(stored)), **seen, **fields}
    return StoredCall(text, "sigmoid", "numpy.planted", inputs=stored, **made)


def recorded(
    expected: Expected,
    *calls: StoredCall,
    framework: str = "numpy",
    mode: str = "eager",
    dtype: str = "float32",
    device: str = "cpu",
    **fields: Any,
) -> tuple[Run, Observation]:
    """A run with one deviation that has this reproduction."""
    where = key(f"{framework}.planted", mode=mode, dtype=dtype, device=device)
    record = Reproduction([replace(each, mode=mode) for each in calls], expected)
    run = make_run([observation(where, "deviates", reproduction=record, **fields)])
    measured = adapter(framework)
    words = {each.name: measured.script_words(each) for each in measured.modes}
    run.frameworks[framework].scripts = msgspec.convert(words, dict[str, Wording | None])
    run = checked(run)
    return run, run.observations[0]


def source(expected: Expected, *calls: StoredCall, **fields: Any) -> str:
    """The script of that deviation."""
    return script(*recorded(expected, *calls, **fields))


def ran(text: str, *allowed: str) -> tuple[int, str]:
    """The exit status of a script that imports no more than it may, and what it prints."""
    names = {each.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Import) for each in node.names}
    assert names <= {"numpy", *allowed}
    said = io.StringIO()
    with contextlib.redirect_stdout(said), np.errstate(all="ignore"), pytest.raises(SystemExit) as end:
        exec(compile(text, "<script>", "exec"), {"__name__": "__main__"})
    assert isinstance(end.value.code, int)
    return end.value.code, said.getvalue()


def ran_alone(text: str, folder: Path) -> tuple[int, str]:
    """The same in a process of its own, which finds NumPy and nothing else."""
    path = folder / "script.py"
    path.write_text(text, encoding="utf-8")
    done = python("-P", "-W", "ignore", "-c", ALONE, path)
    assert not done.stderr, done.stderr + text
    return done.returncode, done.stdout


def test_a_value_is_held_against_the_exact_one(tmp_path: Path) -> None:
    text = source(EXACT, call("0 * x", at=[1], got="-0x0.0p+0"))
    assert (
        text
        == """\
# sigmoid/numpy.planted/float32/cpu/eager/value/one
# 26.5 ULP where 4 are allowed.
from decimal import Decimal

import numpy

x = numpy.array([0x3f800000, 0xc2c80000], 'uint32').view('float32')  # 1.0, -100.0
answer = 0 * x
got = float(answer[1])

exact = Decimal('3.7200759760208359630e-44')
error = float(abs(Decimal(got) - exact) / Decimal(2.0**-149))
print('expected', exact, '0x1.bp-145')
print('got     ', got, got.hex())
print('error   ', error, 'ULP, allowed are', 4.0)
shows = not error <= 4.0
for module in (numpy,):
    print('version ', module.__name__, getattr(module, '__version__', 'unknown'))
print('The deviation shows.' if shows else 'The deviation does not show.')
raise SystemExit(int(shows))
"""
    )
    status, said = ran_alone(text, tmp_path)
    assert status == 1
    assert "expected 3.7200759760208359630E-44 0x1.bp-145" in said
    assert "got      -0.0 -0x0.0p+0" in said
    assert "error    26.5" in said
    assert f"version  numpy {np.__version__}" in said
    assert said.endswith("The deviation shows.\n")


def test_a_deviation_that_is_gone_does_not_show(tmp_path: Path) -> None:
    right = "(numpy.exp(x.astype(float)) / (1 + numpy.exp(x.astype(float)))).astype(x.dtype)"
    status, said = ran_alone(source(EXACT, call(right)), tmp_path)
    assert status == 0
    assert said.endswith("The deviation does not show.\n")


@pytest.mark.parametrize(
    ("nearest", "answer", "shows"),
    [
        ("nan", "x", True),
        ("nan", "x * numpy.nan", False),
        ("inf", "x", True),
        ("inf", "x * numpy.inf", False),
        ("-inf", "x * numpy.inf", True),
        ("0x1.0p+0", "x * numpy.nan", True),
        ("0x1.0p+0", "x * numpy.inf", True),
        ("0x1.0p+0", "x", False),
    ],
)
def test_what_is_no_number(nearest: str, answer: str, shows: bool) -> None:
    exact = "1" if nearest.startswith("0x") else nearest
    expected = Expected(exact=exact, nearest=nearest, ulp="0x1.0p-23", allowed=4.0)
    text = source(expected, call(answer, at=[0], got="nan"), accuracy="wrong")
    assert "# wrong: NaN or infinity" in text
    assert ran(text)[0] == shows


def test_a_scalar_and_parameters_stand_in_the_call() -> None:
    made = call(
        "(x.mean() if reduction == 'mean' else x.sum()) * scale + (0 if skipped is None else skipped)",
        at=[],
        got="0x0.0p+0",
        parameters={"reduction": "mean", "scale": 2.5, "skipped": None},
    )
    text = source(EXACT, made)
    assert "answer = x.mean() * 2.5 + 0\ngot = float(answer)\n" in text
    assert ran(text)[0] == 1


def test_a_number_for_each_class_is_an_array_of_the_last_inputs_dtype() -> None:
    made = call("x * class_weight", parameters={"class_weight": [1.0, 0.1]})
    text = source(EXACT, made)
    assert "class_weight = numpy.array([0x3f800000, 0x3dcccccd], 'uint32').view('float32')  # 1.0, 0.1\n" in text
    assert ran(text)[0] == 1


def test_bfloat16_needs_ml_dtypes_in_numpy_alone() -> None:
    x = np.array([1.0, 3.0], ml_dtypes.bfloat16)
    expected = replace(EXACT, exact="3", nearest="0x1.8p+1", ulp="0x1.0p-6")
    doubled = call("x + x", inputs={"x": x}, at=[1], got="0x1.8p+2")
    text = source(expected, doubled, dtype="bfloat16")
    assert "x = numpy.array([0x3f80, 0x4040], 'uint16').view(ml_dtypes.bfloat16)  # 1, 3\n" in text
    assert ran(text, "ml_dtypes")[0] == 1
    ours = source(expected, doubled, dtype="bfloat16", framework="torch")
    assert "ml_dtypes" not in ours
    assert "torch.tensor(numpy.array([0x3f80, 0x4040], 'uint16'), device='cpu').view(torch.bfloat16)  # 1, 3\n" in ours
    assert "got = float(answer.float().numpy(force=True)[1])\n" in ours


def test_a_wrong_shape() -> None:
    for text, shows in (("x[None]", True), ("x", False)):
        made = source(Expected(shape=[2]), call(text, shape=[1, 2]))
        status, said = ran(made)
        assert status == shows
        assert "expected an answer of shape (2,)" in said


def test_a_layout_is_that_of_the_adapter() -> None:
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    plain = call("x.strides[-1] * x", inputs={"x": x}, at=[1, 2], got="0x0.0p+0")
    strided = replace(plain, layout="strided")
    text = source(Expected(allowed=0.0, ulp="0x1.0p-20"), strided, plain)
    assert "x = numpy.stack([x, numpy.full_like(x, numpy.nan)], axis=-1).reshape(*x.shape[:-1], -1)[..., ::2]\n" in text
    status, said = ran(text)
    assert status == 1
    assert "one      40.0" in said
    assert "other    20.0" in said


def test_vectors_lie_as_the_inputs_and_what_cannot_lie_so_lies_plainly() -> None:
    inputs = {"labels": np.array([0, 1]), "x": np.arange(6, dtype=np.float32).reshape(2, 3)}
    asked = {"parameters": {"weight": [1.0, 2.0, 3.0]}, "at": [1, 2], "got": "0x0.0p+0"}
    laid = {"last": "x", "layout": "reversed", "plain": ["labels"]}
    vector = call("x * weight + labels[:, None]", inputs=inputs, **asked, **laid)
    text = source(EXACT, vector)
    laid = [line.partition(" =")[0] for line in text.splitlines() if "[..., ::-1].copy()" in line]
    assert laid == ["x", "weight"]
    assert "got      16.0" in ran(text)[1]


def test_a_call_that_writes_to_its_input() -> None:
    for text, shows in (("numpy.negative(x, out=x)", True), ("-x", False)):
        made = call(text, wrote="x", layout="contiguous")
        assert ran(source(Expected(unchanged="x"), made))[0] == shows


def test_two_answers_that_should_agree() -> None:
    expected = Expected(allowed=0.0, ulp="0x1.0p-20", error=1.0)
    batch = call("x / x.sum()", at=[1], got="0x1.0p+0")
    alone = call("x / x.sum()", inputs={"x": X[1:]}, at=[0], got="0x1.0p+0")
    text = source(expected, batch, alone)
    assert "other_x = numpy.array([0xc2c80000], 'uint32').view('float32')  # -100.0\n" in text
    assert "answer = other_x / other_x.sum()\nother = float(answer[0])\n" in text
    assert ran(text)[0] == 1
    same = (call("-x", at=[1], got="0x1p+0"), call("-x", inputs={"x": X[1:]}, at=[0], got="0x1p+0"))
    assert ran(source(expected, *same))[0] == 0
    nothing = source(expected, call("x * numpy.nan", at=[0], got="nan"), call("x / 0 - x / 0", at=[0], got="nan"))
    assert ran(nothing)[0] == 0, "NaN is what NaN is"


def test_what_is_made_of_an_answer_before_it_is_looked_at() -> None:
    expected = Expected(allowed=1.0, ulp="0x1.0p-23")
    losses = call("x", at=[], got="0x1.0p+0", then="numpy.mean(answer.astype(numpy.float64))")
    whole = call("x.mean() + 1", at=[], got="0x1.0p+0")
    text = source(expected, whole, losses)
    assert "other = float(numpy.mean(answer.astype(numpy.float64)))\n" in text
    status, said = ran(text)
    assert (status, "other    -49.5" in said) == (1, True)


def probed(right: dict[str, Any], *answers: str | StoredCall, **expected: Any) -> str:
    calls = [each if isinstance(each, StoredCall) else call(each, got=["0x1.0p+0"]) for each in answers]
    return source(Expected(right=right, within=1e-3, **expected), *calls)


@pytest.mark.parametrize(
    ("right", "answer", "shows"),
    [
        ({"yes": ["0x1.0p+0", "-0x1.9p+6"]}, "x", False),
        ({"yes": ["0x1.0p+0", "-0x1.9p+6"]}, "2 * x", True),
        ({"yes": ["0x1.0p+0"]}, "x", True),
        ({"NaN": ["nan", "nan"], "infinite": ["inf", "-inf"]}, "x * numpy.inf", False),
        ({"NaN": ["nan", "nan"], "infinite": ["inf", "-inf"]}, "x", True),
        ({"two numbers": {"shape": [2]}}, "x", False),
        ({"two numbers": {"shape": [2]}}, "x[None]", True),
        ({"refuses": "refused"}, "x", True),
        ({"refuses": "refused"}, "x.reshape(3)", False),
        ({"refuses": "refused", "yes": ["0x1.0p+0", "-0x1.9p+6"]}, "x", False),
    ],
)
def test_a_label_is_held_against_the_right_ones(right: Any, answer: str, shows: bool) -> None:
    assert ran(probed(right, answer))[0] == shows


def test_a_refusal_where_values_are_expected() -> None:
    right = {"yes": ["0x1.0p+0", "-0x1.9p+6"]}
    text = probed(right, call("x.reshape(3)", refused="ValueError: no"), label="refuses")
    assert "# refuses, where yes is right.\n" in text
    status, said = ran(text)
    assert status == 1
    assert "got      refuses refused: ValueError: cannot reshape" in said
    assert ran(probed(right, call("x", refused="ValueError: no"), label="refuses"))[0] == 0


def test_the_sign_of_zero_where_it_matters() -> None:
    for signs in (True, False):
        assert ran(probed({"-0": ["-0x0.0p+0", "-0x0.0p+0"]}, "abs(0 * x)", signs=signs))[0] == signs


def test_samples_that_are_passed_one_at_a_time() -> None:
    calls = [call("x.mean()", inputs={"x": X[i : i + 1]}, got=["0x1.0p+0"]) for i in range(2)]
    text = probed({"yes": ["0x1.0p+0", "-0x1.9p+6"]}, *calls)
    assert text.count("got += ") == 2
    assert ran(text)[0] == 0


ACTS = {
    "make": "numpy.poly1d([0.0])", "update": "metric.__setitem__(0, metric[0] + x.sum())", "result": "metric[0]",
    "reset": "metric.__setitem__(0, 0)", "merge": "metric.__setitem__(0, metric[0] + other[0])", "copy": "metric * 1",
}  # fmt: skip
"""A sum that lives in a polynomial's constant."""


Verb = Literal["update", "call", "result", "reset", "merge", "copy"]


def step(verb: Verb, rows: tuple[int, int | None] = (0, None), **fields: Any) -> StoredStep:
    return StoredStep(verb, rows, **{"tile": 1, "repeat": 1, "on": 0, "other": 0, **fields})


def test_steps_are_plain_statements() -> None:
    steps = [
        step("update", (0, 1)),
        step("result"),
        step("update", (1, None), on=1, repeat=3),
        step("merge", other=1),
        step("copy", on=2),
        step("reset"),
        step("update", (0, 1), tile=4, on=2),
        step("result", on=2),
        step("result"),
    ]
    expected = Expected(exact="7", nearest="0x1.cp+2", ulp="0x1.0p-20", allowed=0.0)
    text = source(expected, call(steps=steps, acts=ACTS, at=[1], got="0x1.0p+0"))
    for line in (
        "metric = numpy.poly1d([0.0])", "metric.__setitem__(0, metric[0] + x[0:1].sum())",
        "for _ in range(3):\n    metric_1.__setitem__(0, metric_1[0] + x[1:].sum())",
        "metric.__setitem__(0, metric[0] + metric_1[0])", "metric_2 = metric * 1",
        "metric_2.__setitem__(0, metric_2[0] + many_x.sum())", "answer = metric_2[0]",
    ):  # fmt: skip
        assert f"\n{line}\n" in text
    status, said = ran(text)
    assert status == 1
    assert "got      -295.0" in said
    sums = Expected(right={"sums": ["0x1.0p+0", "-0x1.27p+8", "0x0.0p+0"]}, within=0.0)
    assert ran(source(sums, call(steps=steps, acts=ACTS, got=["nan"])))[0] == 0


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_every_mode_of_every_framework_has_a_script(framework: str) -> None:
    measured = adapter(framework)
    orders = (1, 2) if measured.differentiable and measured.wording.gradient is not None else ()
    for mode in measured.modes:
        expression = "onnx.Sigmoid(x, axis=axis)" if framework == "onnxruntime" else "tf.f(x)"
        made = call(expression, parameters={"axis": -1})
        text = source(EXACT, made, framework=framework, mode=mode.name)
        tree = ast.parse(text)
        assert "gaugeblock" not in text.lower()
        assert "2.0**-149" in text
        assert ("def function(x):" in text) == mode.compiled
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        assert "numpy" in imported
        for name in mode.environ:
            assert (name in text) == (not name.startswith("GAUGEBLOCK"))
        for order in orders:
            product = call("f(x)", cotangent=encode(X), order=order)
            ast.parse(source(EXACT, product, framework=framework, mode=mode.name))
        for layout in mode.layouts:
            laid_out = call("f(x)", layout=layout)
            ast.parse(source(EXACT, laid_out, framework=framework, mode=mode.name))


def test_a_gradient_is_taken_as_the_adapter_takes_it() -> None:
    made = call("torch.softmax(x, dim=axis)", parameters={"axis": -1}, cotangent=encode(X))
    text = source(EXACT, made, framework="torch")
    assert (
        """
x = x.clone().requires_grad_()
value = torch.softmax(x, dim=-1)
answer = torch.autograd.grad(value, x, cotangent)[0]
got = float(answer.numpy(force=True)[1])
"""
        in text
    )


def test_what_is_compiled_is_a_function_of_its_arrays() -> None:
    made = call("tf.nn.softmax(x, axis=axis)", parameters={"axis": -1})
    text = source(EXACT, made, framework="tensorflow", mode="compiled")
    assert (
        """
def function(x):
    return tf.nn.softmax(x, axis=-1)

answer = tf.function(function, jit_compile=True, reduce_retracing=False)(x)
"""
        in text
    )
    assert "import tensorflow as tf\n" in text
    assert "for module in (numpy, tf):\n" in text


def test_an_operator_of_onnx_is_run_as_a_model_of_one_node() -> None:
    made = call("onnx.Softmax(x, axis=axis)", parameters={"axis": -1})
    text = source(EXACT, made, framework="onnxruntime", mode="unoptimised")
    assert "answer = run('Softmax', x, axis=-1)\n" in text
    assert "graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL\n" in text
    assert "provider = 'CPUExecutionProvider'\n" in text
    assert re.search(r"make_opsetid\('', \d+\)", text), "a whole number"


def test_a_device_is_named_where_there_are_several() -> None:
    run, deviation = recorded(EXACT, call("tf.f(x)"), framework="tensorflow", device="cuda:1")
    assert "tf.device" not in script(run, deviation)
    run.frameworks["tensorflow"].devices["cpu"] = ""
    assert "\nwith tf.device('gpu:1'):\n    x = tf.constant(" in script(run, deviation)
    run, deviation = recorded(EXACT, call("f(x)"), framework="jax", device="cuda:1")
    assert "jax.devices('cuda')[1]" in script(run, deviation)


def test_a_backend_is_chosen_before_keras_is_imported() -> None:
    text = source(EXACT, call("keras.ops.sigmoid(x)"), framework="keras", mode="torch-eager")
    assert text.index("os.environ['KERAS_BACKEND'] = 'torch'") < text.index("import keras") < text.index("keras.ops")
    assert "x = torch.tensor(" in text


def test_why_there_is_no_script() -> None:
    run, deviation = recorded(EXACT, call())
    with pytest.raises(NoScriptError, match=r"does not deviate: its verdict is conforms\.$"):
        script(run, replace(deviation, verdict=Verdict.CONFORMS))
    with pytest.raises(NoScriptError, match=r"has no reproduction: it came and went\.$"):
        script(run, replace(deviation, reproduction=None, reproduction_missing="it came and went"))
    with pytest.raises(NoScriptError, match=r"has no reproduction: the run was made without\.$"):
        script(run, replace(deviation, reproduction=None))
    with pytest.raises(RunFileError, match=r"no observation with the key .*near it are .*/value/one\.$"):
        found(run, deviation.key + "e")
    run.frameworks["numpy"].scripts = {"eager": None}
    with pytest.raises(NoScriptError, match=r"does not say how arrays go in and out of numpy\.$"):
        script(run, deviation)


def test_values_stand_in_the_place_of_names_and_what_they_decide_is_decided() -> None:
    assert inlined("f(x, -100 if i is None else i)", {"i": "None"}) == "f(x, -100)"
    assert inlined("f(x, -100 if i is None else i)", {"i": "3"}) == "f(x, 3)"
    assert inlined("f(normalize=reduction == 'mean')", {"reduction": "'sum'"}) == "f(normalize=False)"
    assert inlined("lambda variable: call", {"variable": "x", "call": "g(x)"}) == "lambda x: g(x)"
    assert inlined("x[0].axis", {"axis": "3", "x": "y"}) == "y[0].axis", "an attribute is no name"
    assert inlined("a * b", {"a": "x + 1", "b": "x"}) == "(x + 1) * x"
    assert chains("torch.nn.functional.f(x.y, g()[0].h)") == {"torch.nn.functional.f", "x.y", "g"}


def test_long_calls_have_an_argument_a_line() -> None:
    text = assigned("answer", f"torch.f({'a' * 60}, {'b' * 60}, c=1)")
    assert text == f"answer = torch.f(\n    {'a' * 60},\n    {'b' * 60},\n    c=1,\n)"
    assert assigned("answer", "f(x)") == "answer = f(x)"


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "int64", "uint8", "bool"])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (3,), (20,), (1, 3), (5, 3), (2, 3, 2), (61, 10), (2, 0)])
def test_arrays_are_written_exactly(dtype: str, shape: tuple[int, ...]) -> None:
    values = np.linspace(-3, 7, int(np.prod(shape))).reshape(shape)
    array = (abs(values) > 2 if dtype == "bool" else values).astype(getattr(ml_dtypes, dtype, dtype))
    if dtype.endswith("64") and array.size > 2 and dtype != "int64":
        array.flat[:3] = np.nan, np.inf, -0.0
    made = eval(literals.array(encode(array, 65536)).text, {"numpy": np, "ml_dtypes": ml_dtypes})
    assert (made.dtype, made.shape, made.tobytes()) == (array.dtype, array.shape, array.tobytes())


def test_an_array_that_repeats_itself_is_written_once() -> None:
    array = np.tile(np.array([1.0, 2.0], np.float32), 20_000)
    stored = encode(array, 65536)
    literal = literals.array(stored)
    assert literal.text == "numpy.resize(numpy.array([0x3f800000, 0x40000000], 'uint32').view('float32'), (40000,))"
    np.testing.assert_array_equal(eval(literal.text, {"numpy": np}), decode(stored))
