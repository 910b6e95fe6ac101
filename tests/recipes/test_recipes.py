"""Recipes name what exists, evaluate, and are seen to deviate where they are wrong; those that lack are listed."""

import ast
import builtins
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from gaugeblock.adapters.registry import adapter
from gaugeblock.conformance.execution.worker import Server
from gaugeblock.conformance.recipes import translations
from gaugeblock.conformance.recipes.recipe import Recipe, UnknownImplementationError, implementation, recipes
from gaugeblock.conformance.recipes.translations import ARRAYS, Pair, equivalents, means, missing
from gaugeblock.conformance.recipes.translations import translations as translated
from gaugeblock.conformance.trials import engine
from gaugeblock.conformance.trials.setting import Setting

from tests.invoking import invoke, sentence
from tests.planted import BCE as BINARY
from tests.planted import SPARSE, by_case

BCE = f"{BINARY}/keras.losses.BinaryCrossentropy"
OF_NUMPY = [recipe for recipe in recipes() if "numpy" in recipe.calls]
NUMPY = Server(adapter("numpy"), adapter("numpy").load())


def setting(recipe: Recipe, dtype: str = "float32", framework: str = "numpy") -> Setting:
    return Setting(recipe.implementation(framework), dtype, "cpu", adapter(framework).modes[0])


def verdicts(recipe: Recipe, dtype: str = "float32") -> dict[str, str]:
    """What each case shows of a recipe's expression in NumPy."""
    with np.errstate(all="ignore"):
        ask = lambda calls: [NUMPY.answer(call) for call in calls]  # noqa: E731
        found = engine.observe(recipe.check(), setting(recipe, dtype), ask)
    return {case: each.verdict.value for case, each in by_case(found).items()}


def planted(call: str, like: str, **conventions: Any) -> Recipe:
    (made,) = Recipe("planted", like, "what is planted", {"numpy": call}, conventions).reduced()
    return made


@pytest.mark.parametrize("recipe", recipes(), ids=lambda recipe: recipe.name)
def test_a_recipe_names_what_exists_and_is_asked_something(recipe: Recipe) -> None:
    assert implementation(recipe.like).operation == recipe.operation.name
    assert set(recipe.conventions) <= {*recipe.operation.parameters, "reduction", "mean_over"}
    assert recipe.calls
    if recipe.cases != ("*",):
        assert recipe.limits or recipe.cases[0].startswith(("*-", "weighted-")), "limited, and not said why"
    known = {*recipe.operation.inputs, *recipe.operation.parameters, "sample_weight", "axis", *vars(builtins)}
    for framework in recipe.calls:
        written = recipe.implementation(framework)
        tree = ast.walk(ast.parse(written.call, mode="eval"))
        bound = {node.id for node in tree if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
        modules = {each.rpartition(" as ")[2].partition(".")[0] for each in adapter(framework).modules}
        assert written.names <= known | bound | modules, framework
        assert framework in ARRAYS
        assert recipe.asked(setting(recipe, framework=framework)), framework


@pytest.mark.parametrize("recipe", OF_NUMPY, ids=lambda recipe: recipe.name)
def test_a_call_evaluates_and_conforms(recipe: Recipe) -> None:
    first = recipe.asked(setting(recipe))[0]
    assert verdicts(replace(recipe, cases=(first.name,))) == {first.name: "conforms"}


def test_ways_of_reducing() -> None:
    found = {each.name: each for each in Recipe("made", BCE, "m", {"numpy": "l", "torch": "l"}).reduced()}
    assert list(found) == [
        "made", "made-mean", "made-sum", "made-weighted-none", "made-weighted-mean", "made-weighted-sum",
    ]  # fmt: skip
    assert found["made"].calls["torch"] == "l"
    assert found["made-weighted-mean"].calls == {
        "numpy": "numpy.mean((l) * sample_weight)",
        "torch": "((l) * sample_weight).mean()",
    }
    metric = Recipe("made", f"{BINARY}/keras.metrics.BinaryCrossentropy", "m", {"numpy": "l"})
    averages = ["numpy.mean(l)", "numpy.average(l, weights=sample_weight)"]
    assert [each.calls["numpy"] for each in metric.reduced()] == averages
    chosen = replace(metric, ways=("sum",))
    assert [each.conventions for each in chosen.reduced()] == [{"reduction": "sum"}]


def test_a_recipe_is_asked_what_it_states_alone() -> None:
    asked = {recipe.name: {case.name for case in recipe.asked(setting(recipe))} for recipe in OF_NUMPY}
    assert all(name.startswith("weighted-mean-") for name in asked["brier-score-over-weights-weighted-mean"])
    assert asked["mean-of-integer-labels-class-weight"] >= {"mean-ordinary-3-class-weight-varied"}
    assert not any("class-weight" in name or "ignore" in name for name in asked["integer-labels-mean"])
    assert asked["integer-labels-of-images"] == {"images"}


STABLE = "numpy.logaddexp(0, numpy.where(y_true == 1, -logits, logits))"
TAKEN = "numpy.take_along_axis(scipy.special.log_softmax(logits, axis=1), labels[:, None], axis=1)[:, 0]"
RIGHT = [
    (f"-{TAKEN}.mean()", f"{SPARSE}/torch.nn.functional.cross_entropy", "mean"),
    (f"-numpy.average({TAKEN}, weights=class_weight[labels])", f"{SPARSE}/torch.nn.functional.cross_entropy", "mean"),
    (f"-(class_weight[labels] * {TAKEN}).mean()", f"{SPARSE}/keras.losses.SparseCategoricalCrossentropy-sample_weight",
     "mean"),
    ("((y_pred - y_true) ** 2).mean()", "brier_score/torch.nn.functional.mse_loss", "mean"),
]  # fmt: skip
WRONG = [
    ("divided by the samples", f"-(class_weight[labels] * {TAKEN}).mean()", RIGHT[1][1], "mean"),
    ("divided by the weights", RIGHT[1][0], RIGHT[2][1], "mean"),
    ("a sum", f"-{TAKEN}.sum()", RIGHT[0][1], "mean"),
    ("another shape", f"-{TAKEN}", RIGHT[0][1], "mean"),
    ("log of softmax", "-numpy.log(numpy.exp(logits) / numpy.exp(logits).sum())", RIGHT[0][1], "none"),
    ("no clip", "-(scipy.special.xlogy(y_true, y_pred) + scipy.special.xlog1py(1 - y_true, -y_pred))", BCE, "none"),
    (
        "clipped elsewhere",
        "-(scipy.special.xlogy(y_true, (p := numpy.clip(y_pred, 1e-6, 1 - 1e-6)))"
        " + scipy.special.xlog1py(1 - y_true, -p))",
        BCE,
        "none",
    ),
    (
        "smoothed to e instead of e / 2",
        "-((t := y_true * (1 - label_smoothing) + label_smoothing) * numpy.log(y_pred)"
        " + (1 - t) * numpy.log1p(-y_pred))",
        BCE,
        "mean",
    ),
    ("half of it", "((y_pred - y_true) ** 2).mean() / 2", RIGHT[3][1], "mean"),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("call", "like", "reduction"), RIGHT)
def test_a_right_recipe_conforms(call: str, like: str, reduction: str, dtype: str) -> None:
    assert set(verdicts(planted(call, like, reduction=reduction), dtype).values()) == {"conforms"}


@pytest.mark.parametrize(("what", "call", "like", "reduction"), WRONG, ids=[each[0] for each in WRONG])
def test_a_wrong_recipe_deviates(what: str, call: str, like: str, reduction: str) -> None:
    assert "deviates" in verdicts(planted(call, like, reduction=reduction)).values(), what


def test_a_limited_recipe_is_judged_where_it_is_claimed() -> None:
    like = "binary_cross_entropy_with_logits/tf.nn.sigmoid_cross_entropy_with_logits"
    everywhere = planted(STABLE, like, reduction="none")
    hard = replace(everywhere, cases=("*-one", "*-zero"))
    assert set(verdicts(everywhere).values()) == {"conforms", "deviates"}
    assert set(verdicts(hard).values()) == {"conforms"}
    assert verdicts(hard).keys() < verdicts(everywhere).keys()


def test_an_unknown_implementation_is_answered_with_the_nearest() -> None:
    with pytest.raises(UnknownImplementationError, match=r"did you mean 'softmax/torch\.softmax'\?"):
        implementation("softmax/torch.softmx")


def without(monkeypatch: pytest.MonkeyPatch, operation: str | None = None) -> set[Pair]:
    """What is missing without the recipes of an operation, or without any."""
    left = tuple(recipe for recipe in recipes() if operation is not None and recipe.operation.name != operation)
    with monkeypatch.context() as patched:
        patched.setattr(translations, "recipes", lambda: left)
        return set(missing())


def test_what_no_recipe_covers_is_missing_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    lacking, every = set(missing()), without(monkeypatch)
    assert lacking <= every
    for pair in every - lacking:
        assert any(
            {pair.framework, ARRAYS[pair.framework]} & recipe.calls.keys() and means(recipe, implementation(pair.like))
            for recipe in recipes()
        ), pair
    found = without(monkeypatch, BINARY)
    assert found == {pair for pair in lacking if pair.operation != BINARY} | {p for p in every if p.operation == BINARY}
    found = {pair for pair in found if pair.operation == BINARY}
    assert Pair(BINARY, "torch", "mean", "clip=1e-07", BCE) in found
    assert Pair(BINARY, "keras", "mean", "clip=epsilon", f"{BINARY}/sklearn.metrics.log_loss") in found
    weighted = [pair for pair in found if "sample_weight" in pair.asked and pair.asked.startswith("mean")]
    assert any("mean_over=samples" in pair.conventions for pair in weighted)
    assert not any("mean_over" in pair.conventions for pair in found if pair not in weighted)
    assert not any(pair.framework == "torch" and pair.conventions.startswith("log_floor") for pair in found)
    # A library of metrics is asked for what it has.
    assert not any(pair.operation == "softmin" and pair.framework in ("sklearn", "torchmetrics") for pair in every)
    assert any(pair.operation == "roc_auc" and pair.framework == "sklearn" for pair in every)


def test_translations_mean_the_same() -> None:
    keras = {recipe.name for recipe, _, _ in translated("keras.losses.BinaryCrossentropy")}
    assert "binary-cross-entropy-clipped-at-1e-7-weighted-mean" in keras
    assert "binary-cross-entropy-of-logits-weighted-mean" in keras
    assert not any("epsilon" in name or "minus-100" in name or "over-weights" in name for name in keras)
    torch = {recipe.name for recipe, _, _ in translated("binary_cross_entropy/torch.nn.BCELoss")}
    assert torch
    assert all("minus-100" in name for name in torch)
    assert {framework for _, framework, _ in translated("torch.nn.BCELoss", "keras")} == {"keras"}


def test_a_mean_over_samples_is_not_one_over_weights() -> None:
    by_name = {recipe.name: recipe for recipe in recipes()}
    metric, loss = (implementation(f"brier_score/keras.{each}.MeanSquaredError") for each in ("metrics", "losses"))
    assert means(by_name["brier-score-mean"], metric)
    assert means(by_name["brier-score-mean"], loss)
    assert means(by_name["brier-score-weighted-mean"], loss)
    assert not means(by_name["brier-score-weighted-mean"], metric)


def test_equivalents_are_those_of_other_frameworks_under_the_same_conventions() -> None:
    found = {each.name for each in equivalents("torch.sigmoid")}
    assert {"scipy.special.expit", "jax.nn.sigmoid", "keras.ops.sigmoid", "tf.math.sigmoid"} <= found
    assert not any(name.startswith("torch.") for name in found)
    assert not list(equivalents("torch.nn.BCELoss")), "no other framework takes logarithms for at least -100"
    assert {each.framework for each in equivalents("torch.sigmoid", "jax")} == {"jax"}


def test_list_recipes() -> None:
    done = invoke("list", "recipes")
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert len(lines) == len(recipes()) + 1
    assert any(line.startswith("integer-labels-of-images ") and "tensorflow" in line for line in lines)


def test_list_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    left = tuple(recipe for recipe in recipes() if recipe.operation.name != BINARY)
    monkeypatch.setattr(translations, "recipes", lambda: left)
    done = invoke("list", "recipes", "--missing")
    assert done.exit_code == 0, "what is missing is no failure"
    *rows, total = done.output.splitlines()[1:]
    assert total == f"{len(rows)} missing."
    assert [(row.split()[0], row.split()[-1]) for row in rows] == [
        (each.operation, each.framework) for each in missing()
    ]


def test_translate() -> None:
    done = invoke("translate", "torch.nn.functional.multi_margin_loss", "--to", "tensorflow")
    assert done.exit_code == 0
    assert "multi_margin: recipe multi-margin-mean, " in done.output
    lines = [line for line in done.output.splitlines() if line.startswith("  ") and "limits" not in line]
    assert lines
    assert all(line.startswith("  tensorflow: ") for line in lines)
    assert "  torch: " in invoke("translate", "multi_margin/torch.nn.MultiMarginLoss").output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("torch.nn.BCELos",), "there is no implementation 'torch.nn.BCELos': did you mean 'torch.nn.BCELoss'?"),
        (("zzzzzzzz",), "there is no implementation 'zzzzzzzz': 'gaugeblock list implementations' names them all."),
        (("jax.nn.sparse_sigmoid", "--to", "torchmetrics"),
         "nothing like jax.nn.sparse_sigmoid is known in torchmetrics; 'gaugeblock list recipes' has the rest."),
    ],
)  # fmt: skip
def test_what_cannot_be_translated_is_one_sentence(arguments: tuple[str, ...], said: str) -> None:
    assert sentence(invoke("translate", *arguments)) == f"gaugeblock: {said}\n"
