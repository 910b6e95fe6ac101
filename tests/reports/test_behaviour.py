import json

from gaugeblock.reports.merge import merge
from gaugeblock.reports.output.data import render_json
from gaugeblock.reports.output.html import render_html
from gaugeblock.reports.records import OperationRecord, RecipeRecord, Run, Witness
from gaugeblock.reports.summary import agreements, recipes, stories

from .synthetic import checked, key, make_run, observation

LIKE = RecipeRecord("beta.log_loss", "the mean over the rows", "It ends at 0.")


def recipe_run(*verdicts: str) -> Run:
    where = {"operation": "log_loss", "check": "recipe"}
    run = make_run(
        [
            observation(key("alpha.recipe.mean", f"c{n}", **where), verdict, error=1.0 + n, allowed=2.0)
            for n, verdict in enumerate(verdicts)
        ]
    )
    run.implementations["log_loss/alpha.recipe.mean"].recipe = LIKE
    return checked(run)


def story_run() -> Run:
    answer = Witness([], "half: 0.5", "0x1p-1")
    run = make_run(
        [
            observation(key("alpha.story", figure, operation="one-unit", check="story"), label=label, witness=answer)
            for figure, label in (("loss", "half"), ("accuracy", "the share"))
        ]
    )
    run.operations["one-unit"] = OperationRecord(
        kind="story",
        summary="One output unit",
        formula="It does not learn.",
        source="A question",
        parameters={"loss": "What is the loss?", "accuracy": "What is the accuracy?"},
        bound="Write a sigmoid.\n\n```python\nsigmoid(x) < 1\n```\nand `x`",
    )
    return checked(run)


def test_a_recipe_is_shown_with_its_worst_case() -> None:
    merged = merge([recipe_run("conforms", "deviates", "conforms")])
    (recipe,) = recipes(merged)
    (expression,) = recipe.expressions
    assert (recipe.like, recipe.says, recipe.limits) == (LIKE.like, LIKE.says, LIKE.limits)
    assert recipe.name == "mean"
    assert expression.counts == {"conforms": 2, "deviates": 1}
    assert expression.worst.case == "c1"
    page = render_html(merged)
    assert "the mean over the rows" in page
    assert "Where it ends: It ends at 0." in page
    assert ">2 / 2</a>" in page


def test_a_recipe_is_no_implementation_of_its_operation() -> None:
    assert "0 implementations" in render_html(merge([recipe_run("conforms", "conforms")]))


def test_a_story_has_its_figures_in_order() -> None:
    merged = merge([story_run()])
    (story,) = stories(merged)
    assert [figure.name for figure in story.figures] == ["loss", "accuracy"]
    page = render_html(merged)
    for shown in (
        "It does not learn.",
        "What is the loss?",
        "the share",
        "Write a sigmoid.<br><br>",
        "<pre>sigmoid(x) &lt; 1</pre>",
        "<code>x</code>",
        "A question",
    ):
        assert shown in page
    (found,) = json.loads(render_json(merged))["stories"]
    assert found["text"] == "It does not learn."
    assert [figure["observed"][0]["label"] for figure in found["figures"]] == ["half", "the share"]


def test_agreement_counts_shared_cases_and_equal_bits() -> None:
    def answered(framework: str, digests: dict[str, str]) -> Run:
        return make_run([observation(key(f"{framework}.sigmoid", case), digest=bits) for case, bits in digests.items()])

    one = answered("alpha", {"a": "0" * 16, "b": "1" * 16, "c": "2" * 16})
    other = answered("beta", {"a": "0" * 16, "b": "f" * 16, "d": "2" * 16})
    merged = merge([one, other])
    (found,) = agreements(merged)
    assert (found.shared, found.equal) == (2, 1)
    assert "50 %" in render_html(merged)


def test_that_nothing_was_run_is_stated() -> None:
    page = render_html(merge([make_run([observation(key())])]))
    assert "No recipe was run." in page
    assert "No story was played." in page
