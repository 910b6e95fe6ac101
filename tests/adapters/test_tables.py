"""The adapters' tables, read without any framework: every line names an operation and calls what it says."""

import ast
import builtins
import difflib
import re
import tomllib
from pathlib import Path

import pytest
from gaugeblock.adapters.base import Implementation, implements
from gaugeblock.adapters.registry import FRAMEWORKS, UnknownFrameworkError, adapter, implementations
from gaugeblock.conformance.trials.setting import dtypes_of
from gaugeblock.reference.catalogue import OPERATIONS
from gaugeblock.reference.formats import FORMATS
from gaugeblock.reference.operations import REDUCTIONS

from tests import static

every_line = pytest.mark.parametrize(
    "line", [pytest.param(each, id=f"{each.framework}/{each.id}") for each in implementations()]
)
every_framework = pytest.mark.parametrize("name", FRAMEWORKS)

ALIASES = {"tensorflow": {"tf"}}
"""The names under which calls may find modules, where these are not the modules' own."""

COMPOSED = ("numpy.textbook", "numpy.stable", "numpy.exp-logaddexp")
"""Names of expressions that are no call of one function."""

PROMISED = """
    scipy.special.expit scipy.special.log_expit scipy.special.softmax scipy.special.log_softmax scipy.special.logsumexp
    sklearn.metrics.log_loss sklearn.metrics.accuracy_score sklearn.metrics.top_k_accuracy_score
    sklearn.metrics.balanced_accuracy_score sklearn.metrics.f1_score sklearn.metrics.roc_auc_score
    torch.sigmoid torch.nn.functional.softmax torch.nn.functional.cross_entropy torch.nn.BCEWithLogitsLoss
    tf.nn.softmax tf.math.sigmoid tf.nn.sparse_softmax_cross_entropy_with_logits
    keras.losses.BinaryCrossentropy keras.losses.CategoricalCrossentropy keras.metrics.BinaryAccuracy keras.metrics.AUC
    jax.nn.softmax jax.nn.sigmoid jax.scipy.special.logsumexp
    optax.sigmoid_binary_cross_entropy optax.softmax_cross_entropy
    torchmetrics.functional.classification.multiclass_accuracy torchmetrics.classification.BinaryAccuracy
    onnxruntime.Softmax onnxruntime.SoftmaxCrossEntropyLoss
"""
"""Public paths that users look for; one that goes missing is a breaking change."""

EXTRAS = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]
"""What pip installs with the suite, by name."""

WITHOUT_ROWS = "hinge squared_hinge logit logistic_of_signs hinge_embedding perceptron binary_sparsemax_loss"
"""Operations none of whose cases has a name that row-alone looks for: its test is skipped."""


def modules(framework: str) -> set[str]:
    """Names of modules that calls of the framework may start with."""
    return {module.partition(".")[0] for module in adapter(framework).modules} | ALIASES.get(framework, set())


def bound(expression: str) -> set[str]:
    """Names that a call binds itself: by `:=`, in comprehensions and as arguments of lambdas."""
    tree = ast.parse(expression, mode="eval")
    stored = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return stored | {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}


@every_line
def test_calls_mention_what_there_is(line: Implementation) -> None:
    op = OPERATIONS[line.operation]
    parameters = {*op.parameters, "axis", "reduction", "sample_weight"}
    known = {*op.inputs, *parameters, *modules(line.framework), *dir(builtins), *bound(line.call)}
    assert line.names <= known, f"unknown: {sorted(line.names - known)}"
    assert set(op.inputs) <= line.names, f"not used: {sorted(set(op.inputs) - line.names)}"
    named = [name for name in (*("axis", "reduction"), *op.parameters) if name in line.names]
    function = line.function({}, [*op.inputs, *named])
    assert function.__code__.co_argcount == len(op.inputs) + len(named)
    assert function.__code__.co_filename == f"<{line.name}>"


@every_line
def test_parameters_stand_in_the_call_or_are_fixed_by_a_convention(line: Implementation) -> None:
    op = OPERATIONS[line.operation]
    if op.rowwise and op.kind == "activation":
        assert "axis" in line.names
    if op.kind != "activation":
        assert bool(line.choices("reduction", REDUCTIONS)) != op.whole, "no reduction, or one where there is none"
    for name, value in line.conventions.items():
        assert name in op.parameters or name in ("reduction", "mean_over", "axis"), name
        values = value if isinstance(value, tuple) else (value,)
        if name == "reduction":
            assert set(values) <= set(REDUCTIONS)
        # A choice of several is made by the call itself.
        assert not isinstance(value, tuple) or name in line.names


@every_line
def test_names_are_slugs_and_public_paths(line: Implementation) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_.\-]+", line.name), line.name
    assert line.name.partition(".")[0] in modules(line.framework)
    called = line.call.partition("(")[0]
    if line.name == called:
        # Named after what is called: that is an attribute path, down from the module.
        assert isinstance(ast.parse(called, mode="eval").body, ast.Attribute)
    elif line.name not in COMPOSED:
        # Named by hand after the function, or method, that does the work.
        function = line.name.rpartition(".")[2].partition("-")[0]
        assert re.search(rf"\b{function}\(", line.call), f"{line.name} is not called"
        assert line.name.endswith("-out") == ("out=" in line.call)


@every_line
def test_stateful_calls_alone_have_a_lifecycle(line: Implementation) -> None:
    op = OPERATIONS[line.operation]
    assert line.lifecycle is None or line.stateful
    if line.lifecycle is None or op.kind != "metric":
        return
    names = list(dict.fromkeys(["metric", "other", *op.inputs, "sample_weight", *op.parameters]))
    acts = line.acts()
    assert {"make", "update", "result", "reset"} <= acts.keys()
    for text in acts.values():
        assert line.function({}, names, text).__code__.co_argcount == len(names)
    assert op.whole or "mean" in line.choices("reduction", REDUCTIONS)


@every_line
def test_dtypes_are_formats(line: Implementation) -> None:
    assert set(line.dtypes or ()) <= set(FORMATS)
    for mode in adapter(line.framework).modes:
        assert set(dtypes_of(line, mode)) <= {*FORMATS, "int64"}


@every_framework
def test_adapters_are_complete(name: str) -> None:
    found = adapter(name)
    assert found.framework == name
    assert found.distributions
    assert found.extra in ("", *EXTRAS)
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


@every_framework
def test_every_implementation_is_asked_something(name: str) -> None:
    settings = [setting for setting, check in static.tests() if check.kind not in ("recipe", "story")]
    asked = {each.implementation.id for each in settings if each.implementation.framework == name}
    assert asked == {each.id for each in adapter(name).implementations}


def test_names_are_unique_and_every_operation_has_one() -> None:
    ids = [each.id for each in implementations()]
    assert len(ids) == len(set(ids)), sorted({each for each in ids if ids.count(each) > 1})
    assert {each.operation for each in implementations()} == set(OPERATIONS)
    names = {each.name for each in implementations()}
    for promised in PROMISED.split():
        near = difflib.get_close_matches(promised, names, n=1)
        assert promised in names, f"{promised} is gone; {near} is there"


def test_every_test_has_cases_whose_keys_have_seven_parts_and_are_unique() -> None:
    tests = [f"{setting.prefix}/{check.name}" for setting, check in static.tests()]
    assert len(tests) == len(set(tests))
    without = set()
    # Names of cases are those of the operation and the check: one setting stands for all.
    kinds = {(setting.implementation.operation, check.name): (setting, check) for setting, check in static.tests()}
    for kind, (setting, check) in kinds.items():
        keys = list(static.keys(setting, check))
        if not keys:
            without.add(kind)
        for key in keys:
            assert key.count("/") == 6, key
            assert re.fullmatch(r"[A-Za-z0-9_.:+/\-]+", key), key
    assert without == {(operation, "row-alone") for operation in WITHOUT_ROWS.split()}


def test_a_line_of_a_table() -> None:
    entry = implements("sigmoid", "torch.sigmoid(x) + (1)", reduction="mean", dtypes=("float32",))
    line = Implementation("torch", *entry)
    assert (line.name, line.id) == ("torch.sigmoid", "sigmoid/torch.sigmoid")
    assert line.names == {"torch", "x"}
    assert line.conventions == {"reduction": "mean"}
    assert line.choices("reduction", REDUCTIONS) == ("mean",)
    assert line.choices("axis", (0, 1)) == ()
    several = Implementation("torch", *implements("sigmoid", "f(x, reduction)", reduction=("mean", "sum")))
    assert several.choices("reduction", REDUCTIONS) == ("mean", "sum")
    free = Implementation("torch", *implements("sigmoid", "f(x, reduction)"))
    assert free.choices("reduction", REDUCTIONS) == REDUCTIONS
    assert free.function({"f": lambda x, r: (x, r)}, ("x", "reduction"))(1, "sum") == (1, "sum")


def test_an_unknown_framework_gets_the_near_name() -> None:
    with pytest.raises(UnknownFrameworkError, match="'tensorflw': did you mean 'tensorflow'"):
        adapter("tensorflw")
    assert adapter("numpy") is adapter("numpy")
