"""The table of operations: every entry is complete, and its formula is the text that is evaluated."""

import inspect
import re
from typing import Any

import numpy as np
import pytest
from flint import arb, ctx
from gaugeblock.reference.catalogue import OPERATIONS, UnknownOperationError, operation
from gaugeblock.reference.engine import evaluate, gradient
from gaugeblock.reference.formats import FORMATS
from gaugeblock.reference.operations import REDUCTIONS, Bound, Operation, define

ALL = [pytest.param(op, id=name) for name, op in OPERATIONS.items()]

NAMES = {
    "activation": {"sigmoid", "log_sigmoid", "softplus", "softmax", "log_softmax", "logsumexp"},
    "loss": {"binary_cross_entropy", "binary_cross_entropy_with_logits", "categorical_cross_entropy",
        "categorical_cross_entropy_with_logits", "sparse_categorical_cross_entropy_with_logits"},
    "metric": {"accuracy", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy", "top_k_accuracy",
        "zero_one_loss", "hamming_loss", "multilabel_accuracy", "subset_accuracy", "balanced_accuracy", "precision",
        "recall", "f1_score", "macro_precision", "macro_recall", "macro_f1_score", "roc_auc",
        "expected_calibration_error"},
}  # fmt: skip


@pytest.mark.parametrize("kind", NAMES)
def test_the_operations_promised_are_there(kind: str) -> None:
    assert NAMES[kind] <= {name for name, op in OPERATIONS.items() if op.kind == kind}


def sample(op: Operation, batch: tuple[int, ...] = (2,)) -> dict[str, Any]:
    """Inputs in every domain: probabilities of 1/4, labels of 0 and 1, rows of four."""
    inputs: dict[str, Any] = {}
    for name, rank in zip(op.inputs, op.core_ranks, strict=True):
        shape = (*batch, *((4,) if rank else ()))
        if name in op.integers:
            inputs[name] = np.resize(np.array([0, 1]), shape)
        elif name == "y_true" and rank:
            inputs[name] = np.broadcast_to(np.eye(4)[1], shape)
        else:
            inputs[name] = np.full(shape, 0.25)
    return inputs


@pytest.mark.parametrize("op", ALL)
def test_every_entry_is_complete(op: Operation) -> None:
    assert op.kind in NAMES
    assert re.fullmatch(r"[a-z][a-z0-9_]*", op.name)
    assert op.summary.endswith(".")
    assert len(op.summary.split()) >= 3
    assert len(op.source) > 10
    assert op.bound.ulps >= 1
    assert len(op.bound.reason.split()) >= 3
    assert op.bound.reason in str(op.bound)
    assert str(op.bound).startswith(f"{op.bound.ulps:g} ULP")
    if op.kind == "metric":
        assert op.gradient_bound is None
    else:
        assert len(op.gradient_bound.reason.split()) >= 3
    assert op.integers <= set(op.inputs)


@pytest.mark.parametrize("op", ALL)
def test_signatures_name_the_inputs(op: Operation) -> None:
    assert re.fullmatch(r"\((\w?)\)(,\((\w?)\))*->\((\w?)\)", op.signature)
    parameters = inspect.signature(op.definition).parameters
    positional = [name for name, p in parameters.items() if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    assert list(op.inputs) == positional
    assert len(op.core_ranks) == len(op.inputs)
    assert op.rowwise == any(op.core_ranks)
    keywords = {name for name, p in parameters.items() if p.kind is inspect.Parameter.KEYWORD_ONLY}
    assert set(op.parameters) == keywords
    # Gradients are taken with respect to the last input.
    assert op.inputs[-1] not in op.integers or op.gradient_bound is None


@pytest.mark.parametrize("op", ALL)
def test_every_parameter_has_a_meaning_in_the_docstring_of_its_definition(op: Operation) -> None:
    assert list(op.meanings) == list(op.parameters)
    for meaning in op.meanings.values():
        assert len(meaning.split()) >= 3
        assert meaning.endswith(".")


def test_core_ranks() -> None:
    expected = {
        "sigmoid": ((0,), 0),
        "softmax": ((1,), 1),
        "logsumexp": ((1,), 0),
        "binary_cross_entropy": ((0, 0), 0),
        "categorical_cross_entropy": ((1, 1), 0),
        "sparse_categorical_cross_entropy_with_logits": ((0, 1), 0),
        "top_k_accuracy": ((0, 1), 0),
    }
    assert {name: (OPERATIONS[name].core_ranks, OPERATIONS[name].output_rank) for name in expected} == expected


@pytest.mark.parametrize("op", ALL)
def test_the_formula_is_what_is_evaluated(op: Operation) -> None:
    assert op.formula.startswith(f"def {op.name}(")
    namespace = dict(op.definition.__globals__)
    exec(op.formula, namespace)
    ctx.prec = 128
    row = [
        (([0, 1] if rank else 1) if name in op.integers else [arb(0.25), arb(0.5)] if rank else arb(0.25))
        for name, rank in zip(op.inputs, op.core_ranks, strict=True)
    ]
    assert str(namespace[op.name](*row)) == str(op.definition(*row))


@pytest.mark.parametrize("op", ALL)
def test_every_definition_evaluates_in_every_format(op: Operation) -> None:
    inputs = sample(op)
    for fmt in FORMATS.values():
        arrays = {name: a if name in op.integers else fmt.array(a) for name, a in inputs.items()}
        truth = evaluate(op, fmt, arrays)
        assert truth.nearest.shape == ((2, 4) if op.output_rank else (2,))
        # A masked entry has the logarithm of 0.
        assert (np.isfinite(truth.nearest) | (truth.nearest == -np.inf) * (op.domains[0] == "mask")).all()
        if op.kind != "activation":
            for reduction in REDUCTIONS[1:]:
                assert evaluate(op, fmt, arrays, reduction=reduction).nearest.shape == ()
        if op.gradient_bound is not None:
            product = gradient(op, fmt, arrays, np.ones_like(truth.nearest))
            assert product.nearest.shape == arrays[op.inputs[-1]].shape


@pytest.mark.parametrize("op", ALL)
def test_conditions_have_the_shape_of_the_answer_and_are_not_negative(op: Operation) -> None:
    arrays = list(sample(op, (3,)).values())
    answer = (3, 4) if op.output_rank else (3,)
    if op.bound.sensitivity is not None:
        condition = np.asarray(op.bound.condition(arrays, {}))
        assert condition.shape == answer
        assert (condition >= 0).all()
    if op.gradient_bound is not None and op.gradient_bound.sensitivity is not None:
        condition = np.asarray(op.gradient_bound.condition([*arrays, np.full(answer, -2.0)], {}))
        assert condition.shape == arrays[-1].shape
        assert (condition >= 0).all()


@pytest.mark.parametrize("name", ["softmax", "softmin", "softmax_with_temperature"])
def test_an_entry_whose_cotangent_is_0_has_the_condition_of_the_others(name: str) -> None:
    x = np.array([[-200.0, 200.0]])
    bound = operation(name).gradient_bound
    assert bound is not None
    first = np.exp(-200.0) if name == "softmax_with_temperature" else np.exp(-400.0)
    cotangent = np.array([[0.0, 1.0]] if name == "softmin" else [[1.0, 0.0]])
    assert (np.asarray(bound.condition([x, cotangent], {})) > 100 * first).all()


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("sofmax", "softmax"),
        ("Sigmoid", "sigmoid"),
        ("binary_crossentropy", "binary_cross_entropy"),
        ("log-softmax", "log_softmax"),
        ("top_k_accuracies", "top_k_accuracy"),
    ],
)
def test_a_typo_gets_the_near_name(typed: str, meant: str) -> None:
    with pytest.raises(UnknownOperationError, match=f"'{re.escape(typed)}': did you mean '{meant}'"):
        operation(typed)


def test_what_is_like_nothing_gets_the_way_to_the_list() -> None:
    with pytest.raises(UnknownOperationError, match="gaugeblock list operations"):
        operation("zzzz")
    assert operation("softmax") is OPERATIONS["softmax"]


def test_a_name_is_defined_once() -> None:
    def softmax(x: Any) -> Any:
        return x

    with pytest.raises(ValueError, match="'softmax' is defined twice"):
        define("activation", "real() -> ()", source="nowhere", bound=Bound(1, "none"))(softmax)


def test_labels_may_have_any_integer_type() -> None:
    op = OPERATIONS["sparse_categorical_cross_entropy_with_logits"]
    logits = np.array([[1.0, 2.0, 3.0]])
    for kind in (np.int64, np.int32, np.uint8):
        assert evaluate(op, FORMATS["float64"], {"labels": np.array([2], kind), "logits": logits}).nearest[0] < 0.5
