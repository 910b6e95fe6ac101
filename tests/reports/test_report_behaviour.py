from __future__ import annotations

import json

from gaugeblock.reports.behaviour import agreements, recipes, stories
from gaugeblock.reports.data import render_json
from gaugeblock.reports.html import render_html
from gaugeblock.reports.merge import merge
from gaugeblock.reports.runfile import validate
from synthetic import key, make_run, observation

LIKE = {"like": "beta.log_loss", "says": "the mean over the rows", "limits": "It ends at 0."}


def recipe_run(verdicts: tuple[str, ...] = ("conforms", "conforms")) -> dict:
    seen = [
        observation(
            key("alpha.recipe.mean", f"c{n}", operation="log_loss", check="recipe"), verdict, error=1.0 + n, allowed=2.0
        )
        for n, verdict in enumerate(verdicts)
    ]
    run = make_run(seen)
    run["implementations"]["log_loss/alpha.recipe.mean"]["recipe"] = LIKE
    validate(run, "synthetic")
    return run


def story_run() -> dict:
    seen = [
        observation(key("alpha.story", figure, operation="one-unit", check="story"), label=label,
                    witness={"at": [], "expected": "half: 0.5", "got": "0x1p-1"})
        for figure, label in (("loss", "half"), ("accuracy", "the share"))
    ]  # fmt: skip
    run = make_run(seen)
    run["operations"]["one-unit"] = {
        "kind": "story",
        "summary": "One output unit",
        "formula": "It does not learn.",
        "source": "A question",
        "parameters": {"loss": "What is the loss?", "accuracy": "What is the accuracy?"},
        "bound": "Write a sigmoid.\n\n```python\nsigmoid(x) < 1\n```\nand `x`",
    }
    validate(run, "synthetic")
    return run


def test_a_recipe_is_shown_with_its_worst_case() -> None:
    merged = merge([recipe_run(("conforms", "deviates", "conforms"))])
    (recipe,) = recipes(merged)
    (expression,) = recipe.expressions
    assert (recipe.like, recipe.says, recipe.limits) == tuple(LIKE.values())
    assert recipe.name == "mean"
    assert expression.counts == {"conforms": 2, "deviates": 1}
    assert expression.worst.case == "c1"
    page = render_html(merged)
    assert "the mean over the rows" in page
    assert "Where it ends: It ends at 0." in page


def test_a_recipe_is_no_implementation_of_its_operation() -> None:
    assert "0 implementations" in render_html(merge([recipe_run()]))


def test_a_story_tells_its_figures_in_order() -> None:
    merged = merge([story_run()])
    (story,) = stories(merged)
    assert [figure.name for figure in story.figures] == ["loss", "accuracy"]
    page = render_html(merged)
    for told in (
        "It does not learn.",
        "What is the loss?",
        "the share",
        "Write a sigmoid.<br><br>",
        "<pre>sigmoid(x) &lt; 1</pre>",
        "<code>x</code>",
        "A question",
    ):
        assert told in page
    (found,) = json.loads(render_json(merged))["stories"]
    assert [figure["seen"][0]["label"] for figure in found["figures"]] == ["half", "the share"]


def test_agreement_counts_shared_cases_and_equal_bits() -> None:
    def answered(framework: str, digests: dict[str, str]) -> dict:
        return make_run([observation(key(f"{framework}.sigmoid", case), digest=bits) for case, bits in digests.items()])

    one = answered("alpha", {"a": "0" * 16, "b": "1" * 16, "c": "2" * 16})
    other = answered("beta", {"a": "0" * 16, "b": "f" * 16, "d": "2" * 16})
    (found,) = agreements(merge([one, other]))
    assert (found.shared, found.equal) == (2, 1)
    assert "50 %" in render_html(merge([one, other]))


def test_nothing_run_is_said() -> None:
    page = render_html(merge([make_run([observation(key())])]))
    assert "No recipe was run." in page
    assert "No story was played." in page
