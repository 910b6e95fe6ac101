"""The adapters' tables, read without any framework: every line names an operation and calls what it says."""

from __future__ import annotations

import ast
import builtins
import difflib
import re

import pytest
import static
from gaugeblock.adapters.base import Implementation, implements
from gaugeblock.adapters.registry import FRAMEWORKS, UnknownFrameworkError, adapter, implementations
from gaugeblock.conformance.trials.setting import dtypes_of
from gaugeblock.reference.catalogue import OPERATIONS
from gaugeblock.reference.formats import FORMATS
from gaugeblock.reference.operations import REDUCTIONS

ALL = [pytest.param(each, id=f"{each.framework}/{each.id}") for each in implementations()]

# The names under which calls may find modules, where these are not the modules' own.
ALIASES = {"tensorflow": {"tf"}}


def bound(expression: str) -> set[str]:
    """Names that a call binds itself: by `:=`, in comprehensions and as arguments of lambdas."""
    tree = ast.parse(expression, mode="eval")
    stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return stored | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}


@pytest.mark.parametrize("each", ALL)
def test_calls_mention_what_there_is(each: Implementation) -> None:
    op = OPERATIONS[each.operation]
    modules = {module.partition(".")[0] for module in adapter(each.framework).modules}
    modules |= ALIASES.get(each.framework, set())
    parameters = {*op.parameters, "axis", "reduction", "sample_weight"}
    known = {*op.inputs, *parameters, *modules, *dir(builtins), *bound(each.call)}
    assert each.names <= known, f"unknown: {sorted(each.names - known)}"
    assert set(op.inputs) <= each.names, f"not used: {sorted(set(op.inputs) - each.names)}"


@pytest.mark.parametrize("each", ALL)
def test_parameters_stand_in_the_call_or_are_fixed_by_a_convention(each: Implementation) -> None:
    op = OPERATIONS[each.operation]
    if op.rowwise and op.kind == "activation":
        assert "axis" in each.names
    if op.kind != "activation":
        assert bool(each.choices("reduction", REDUCTIONS)) != op.whole, "no reduction, or one where there is none"
    for name, value in each.conventions.items():
        assert name in op.parameters or name in ("reduction", "mean_over", "axis"), name
        values = value if isinstance(value, tuple) else (value,)
        if name == "reduction":
            assert set(values) <= set(REDUCTIONS)
        # A choice of several is made by the call itself.
        assert not isinstance(value, tuple) or name in each.names


@pytest.mark.parametrize("each", ALL)
def test_names_are_slugs_and_public_paths(each: Implementation) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_.\-]+", each.name), each.name
    root = each.name.partition(".")[0]
    modules = {module.partition(".")[0] for module in adapter(each.framework).modules}
    assert root in modules | ALIASES.get(each.framework, set())
    derived = each.call.partition("(")[0]
    if each.name == derived:
        # Named after what is called: that is an attribute path, down from the module.
        assert isinstance(ast.parse(derived, mode="eval").body, ast.Attribute)
    elif each.name not in ("numpy.textbook", "numpy.stable", "numpy.exp-logaddexp"):
        # Named by hand after the function, or method, that does the work.
        function = each.name.rpartition(".")[2].partition("-")[0]
        assert re.search(rf"\b{function}\(", each.call), f"{each.name} is not called"
        assert each.name.endswith("-out") == ("out=" in each.call)


def test_operation_and_name_are_unique() -> None:
    ids = [each.id for each in implementations()]
    assert len(ids) == len(set(ids)), sorted({each for each in ids if ids.count(each) > 1})


@pytest.mark.parametrize("each", ALL)
def test_calls_become_functions_of_their_arguments(each: Implementation) -> None:
    op = OPERATIONS[each.operation]
    parameters = [name for name in (*("axis", "reduction"), *op.parameters) if name in each.names]
    made = each.function({}, [*op.inputs, *parameters])
    assert made.__code__.co_argcount == len(op.inputs) + len(parameters)
    assert made.__code__.co_filename == f"<{each.name}>"


@pytest.mark.parametrize(
    "each", [p for p in ALL if p.values[0].lifecycle and OPERATIONS[p.values[0].operation].kind == "metric"]
)
def test_stateful_calls_have_a_lifecycle(each: Implementation) -> None:
    assert each.lifecycle is not None
    op = OPERATIONS[each.operation]
    names = list(dict.fromkeys(["metric", "other", *op.inputs, "sample_weight", *op.parameters]))
    acts = each.acts()
    assert {"make", "update", "result", "reset"} <= acts.keys()
    for text in acts.values():
        assert each.function({}, names, text).__code__.co_argcount == len(names)
    assert op.whole or "mean" in each.choices("reduction", REDUCTIONS)


@pytest.mark.parametrize("each", [param for param in ALL if not param.values[0].stateful])
def test_other_calls_have_none(each: Implementation) -> None:
    assert each.lifecycle is None


@pytest.mark.parametrize("each", ALL)
def test_dtypes_are_formats(each: Implementation) -> None:
    assert set(each.dtypes or ()) <= set(FORMATS)
    for mode in adapter(each.framework).modes:
        assert set(dtypes_of(each, mode)) <= {*FORMATS, "int64"}


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_adapters_are_complete(name: str) -> None:
    found = adapter(name)
    assert found.framework == name
    assert found.distributions
    assert found.extra in ("numpy", "sklearn", "torch", "tensorflow", "jax", "torchmetrics", "onnxruntime")
    modes = [mode.name for mode in found.modes]
    assert len(modes) == len(set(modes))
    for mode in found.modes:
        assert re.fullmatch(r"[a-z0-9\-]+", mode.name)
        assert set(mode.dtypes) <= set(FORMATS)
        assert mode.compiled == ("compiled" in mode.name)
        assert set(mode.requires) <= set(FRAMEWORKS)
        if mode.compiled:
            # The relation between compiled and eager answers looks for this one, in the same process.
            (eager,) = (each for each in found.modes if each.name == mode.name.replace("compiled", "eager"))
            assert eager.environ == mode.environ
            assert set(mode.dtypes) <= set(eager.dtypes)
    for parameter, words in found.spelling.items():
        assert parameter == "reduction" or any(parameter in op.parameters for op in OPERATIONS.values())
        assert parameter != "reduction" or set(words) <= set(REDUCTIONS)


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_every_implementation_is_asked_for_something(name: str) -> None:
    asked = {
        setting.implementation.id
        for setting, check in static.tests()
        if setting.implementation.framework == name and check.kind not in ("recipe", "story")
    }
    assert asked == {each.id for each in adapter(name).implementations}


def test_every_operation_has_an_implementation() -> None:
    assert {each.operation for each in implementations()} == set(OPERATIONS)


def test_every_test_has_a_case() -> None:
    for setting, check in static.tests():
        assert static.case_names(setting, check), f"{setting.prefix}/{check.name}"


def test_keys_have_seven_parts_and_are_unique() -> None:
    seen: set[str] = set()
    for setting, check in static.tests():
        test = f"{setting.prefix}/{check.name}"
        assert test not in seen
        seen.add(test)
        for key in static.keys(setting, check):
            assert key.count("/") == 6, key
            assert re.fullmatch(r"[A-Za-z0-9_.:+/\-]+", key), key


def test_what_is_promised_is_offered() -> None:
    """Public paths that users look for; one that goes missing is a breaking change."""
    names = {each.name for each in implementations()}
    promised = [
        "scipy.special.expit",
        "scipy.special.log_expit",
        "scipy.special.softmax",
        "scipy.special.log_softmax",
        "scipy.special.logsumexp",
        "sklearn.metrics.log_loss",
        "sklearn.metrics.accuracy_score",
        "sklearn.metrics.top_k_accuracy_score",
        "torch.sigmoid",
        "torch.nn.functional.softmax",
        "torch.nn.functional.cross_entropy",
        "torch.nn.BCEWithLogitsLoss",
        "tf.nn.softmax",
        "tf.math.sigmoid",
        "tf.nn.sparse_softmax_cross_entropy_with_logits",
        "keras.losses.BinaryCrossentropy",
        "keras.losses.CategoricalCrossentropy",
        "keras.metrics.BinaryAccuracy",
        "keras.metrics.AUC",
        "sklearn.metrics.balanced_accuracy_score",
        "sklearn.metrics.f1_score",
        "sklearn.metrics.roc_auc_score",
        "jax.nn.softmax",
        "jax.nn.sigmoid",
        "jax.scipy.special.logsumexp",
        "optax.sigmoid_binary_cross_entropy",
        "optax.softmax_cross_entropy",
        "torchmetrics.functional.classification.multiclass_accuracy",
        "torchmetrics.classification.BinaryAccuracy",
        "onnxruntime.Softmax",
        "onnxruntime.SoftmaxCrossEntropyLoss",
    ]
    for name in promised:
        near = difflib.get_close_matches(name, names, n=1)
        assert name in names, f"{name} is gone; {near} is there"


def test_a_line_of_a_table() -> None:
    line = implements("sigmoid", "torch.sigmoid(x) + (1)", reduction="mean", dtypes=("float32",))
    each = Implementation("torch", *line)
    assert (each.name, each.id) == ("torch.sigmoid", "sigmoid/torch.sigmoid")
    assert each.names == {"torch", "x"}
    assert each.conventions == {"reduction": "mean"}
    assert each.choices("reduction", REDUCTIONS) == ("mean",)
    assert each.choices("axis", (0, 1)) == ()
    several = Implementation("torch", *implements("sigmoid", "f(x, reduction)", reduction=("mean", "sum")))
    assert several.choices("reduction", REDUCTIONS) == ("mean", "sum")
    free = Implementation("torch", *implements("sigmoid", "f(x, reduction)"))
    assert free.choices("reduction", REDUCTIONS) == REDUCTIONS
    assert free.function({"f": lambda x, r: (x, r)}, ("x", "reduction"))(1, "sum") == (1, "sum")


def test_an_unknown_framework_gets_the_near_name() -> None:
    with pytest.raises(UnknownFrameworkError, match="'tensorflw': did you mean 'tensorflow'"):
        adapter("tensorflw")
    assert adapter("numpy") is adapter("numpy")
