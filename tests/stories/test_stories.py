"""The stories: figures by the reference engine and by exact arithmetic, planted wrong ones, scenes that NumPy plays."""

import inspect
import itertools
import json
import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from gaugeblock.adapters.registry import FRAMEWORKS, adapter
from gaugeblock.conformance import stories
from gaugeblock.conformance.execution.call import Answer, NoAnswer
from gaugeblock.conformance.execution.query import Ask
from gaugeblock.conformance.execution.worker import Server
from gaugeblock.conformance.minimise.reproduction import reproduced
from gaugeblock.conformance.session.plan import every_test
from gaugeblock.conformance.stories import (
    STORIES,
    accuracy_too_good,
    never_thresholded,
    one_output_unit,
    one_unit_or_two,
    three_animals,
)
from gaugeblock.conformance.stories.base import REFUSED, Figure, Story
from gaugeblock.conformance.trials import engine
from gaugeblock.conformance.trials.setting import Setting
from gaugeblock.reference import engine as reference
from gaugeblock.reference.catalogue import operation
from gaugeblock.reference.formats import FORMATS
from gaugeblock.reports import runfile
from gaugeblock.reports.records import FrameworkRecord, ImplementationRecord, Observation, Wording
from gaugeblock.reports.scripts.script import script
from gaugeblock.reports.verdicts import Verdict

from tests.invoking import invoke, measured, python
from tests.planted import by_case
from tests.reports.synthetic import make_run

SINGLE, DOUBLE = FORMATS["float32"], FORMATS["float64"]
FIGURES = [
    pytest.param(story, figure, id=f"{story.name}-{figure.name}") for story in STORIES for figure in story.figures
]
NEAR_ONE = float(np.float32(1 - 1e-7))


def exact(name: str, fmt: Any = SINGLE, /, **stated: Any) -> Any:
    """What the reference engine says of an operation: parameters are what is not an input."""
    op = operation(name)
    arrays = {}
    for key in op.inputs:
        array = np.asarray(stated.pop(key))
        arrays[key] = array.astype(np.int64) if key in op.integers else fmt.rounded(array.astype(np.float64))
    return reference.evaluate(op, fmt, arrays, **stated).nearest.astype(np.float64)


def answers(story: Story, figure: str) -> list[float]:
    """The numbers of a figure's answers, in their order."""
    (found,) = (each for each in story.figures if each.name == figure)
    return list(found.answers.values())


def test_stories_are_named_as_their_modules() -> None:
    assert len({story.name for story in STORIES}) == len(STORIES)
    for story in STORIES:
        assert getattr(stories, story.name).STORY is story
        names = [figure.name for figure in story.figures]
        assert len(set(names)) == len(names)
        assert set(story.scenes) <= set(FRAMEWORKS)
        assert all(story.figures_of(framework) for framework in story.scenes)
        assert all((story.question, story.explanation, story.instead, story.source))


@pytest.mark.parametrize(("story", "figure"), FIGURES)
def test_answers_of_a_figure_are_apart(story: Story, figure: Figure) -> None:
    assert figure.right
    assert set(figure.right) <= set(figure.answers)
    assert set(figure.frameworks) <= set(story.scenes)
    finite = [value for value in figure.answers.values() if math.isfinite(value)]
    assert all(abs(a - b) > 2 * figure.within for a, b in itertools.combinations(finite, 2))
    for label, value in figure.answers.items():
        assert figure.label(value) == label


def test_stories_are_played_in_every_eager_mode_of_their_format() -> None:
    keras = adapter("keras")
    for mode in keras.modes:
        played = {s.implementation.operation for s, check in every_test(keras, mode) if check.kind == "story"}
        fitting = {story.name for story in STORIES if "keras" in story.scenes and story.dtype in mode.dtypes}
        assert played == (set() if mode.compiled else fitting), mode.name
        assert ("three_animals" in played) == ("float64" in mode.dtypes and not mode.compiled)


def test_one_output_unit() -> None:
    clipped = float(exact("binary_cross_entropy", y_true=0.0, y_pred=NEAR_ONE))
    logit = exact("binary_cross_entropy_with_logits", y_true=[1.0, 0.0], logits=[1.0, 1.0])
    share = float(one_output_unit.data()[1].mean())
    assert share == one_output_unit.SHARE == 0.53125
    got = answers(one_output_unit.STORY, "loss-before")
    assert got[0] == pytest.approx((1 - share) * clipped, rel=1e-7)
    assert got[6] == pytest.approx(share * logit[0] + (1 - share) * logit[1], rel=1e-7)
    assert got[7] == pytest.approx(float(exact("binary_cross_entropy_with_logits", y_true=0.0, logits=0.0)), rel=1e-7)


def test_the_loss_of_the_question_is_that_of_the_reassociated_formula() -> None:
    one, p, epsilon = np.array([1, 1 - 1e-7, 1e-7], np.float32)
    assert (one + epsilon) - p == np.float32(2.0**-22)
    assert one - p == np.float32(one_output_unit.LEAST)
    assert one_output_unit.OLD[one_output_unit.AS_WRITTEN] == pytest.approx(-math.log((one - p) + epsilon), rel=1e-12)
    assert one_output_unit.OLD[one_output_unit.REASSOCIATED] == pytest.approx(-math.log(2.0**-22), rel=1e-12)
    assert f"{(1 - 0.501897) * one_output_unit.OLD[one_output_unit.REASSOCIATED]:.6f}" == "7.595691"
    assert f"{one_output_unit.OLD[one_output_unit.AS_WRITTEN]:.6f}" == "15.333239"


def test_softmax_over_one_unit_has_no_gradient() -> None:
    softmax = operation("softmax")
    got = reference.gradient(softmax, SINGLE, {"x": np.array([[3.5]], np.float32)}, np.ones((1, 1), np.float32))
    assert got.nearest.tolist() == [[0.0]]


def test_one_unit_or_two() -> None:
    points, labels, start = one_unit_or_two.data()
    assert labels.mean() == one_unit_or_two.SHARE
    scores = (points @ start)[:, 0]
    one = exact("binary_cross_entropy_with_logits", y_true=labels, logits=scores)
    two = exact("sparse_categorical_cross_entropy_with_logits", labels=labels, logits=np.stack([0 * scores, scores], 1))
    assert one == pytest.approx(two, rel=1e-6)
    zeros = np.zeros((len(labels), 2))
    broadcast = -np.mean(np.sum(labels[:, None] * np.log(np.full((1, 2), 0.5)), axis=1))
    meant = exact("sparse_categorical_cross_entropy_with_logits", labels=labels, logits=zeros).mean()
    assert answers(one_unit_or_two.STORY, "class-numbers")[1:] == pytest.approx([meant, broadcast], rel=1e-7)
    sure = [float(exact("binary_cross_entropy_with_logits", y_true=0.0, logits=40.0))]
    sure += [float(exact("binary_cross_entropy", y_true=y, y_pred=p)) for y, p in ((0.0, NEAR_ONE), (1.0, 1e-7))]
    assert answers(one_unit_or_two.STORY, "sure-mistake-of-one")[:3] == pytest.approx(sure, rel=1e-7)


def test_what_is_said_of_training_two_units_holds_for_the_exact_steps() -> None:
    """One step of gradient descent on each form, in binary64, with and without L2."""
    points, labels, start = (np.asarray(each, np.float64) for each in one_unit_or_two.data())

    def train(form: str, rate: float, decay: float, steps: int) -> Any:
        weights = start if form == "one" else np.hstack([0 * start, start])
        for _ in range(steps):
            apart = points @ (weights if form == "one" else weights[:, 1:] - weights[:, :1])
            gradient = points.T @ (1 / (1 + np.exp(-apart)) - labels[:, None]) / len(points)
            weights = weights - rate * (
                (gradient if form == "one" else np.hstack([-gradient, gradient])) + 2 * decay * weights
            )
        return weights if form == "one" else weights[:, 1:] - weights[:, :1]

    got = one_unit_or_two.compared(train, "one", "two", start)
    assert got == pytest.approx({"first-step": 2, "half-the-rate": 0, "l2": 0.5, "l2-doubled": 0}, abs=1e-12)


def test_three_animals() -> None:
    labels, first, second, rows, scores = three_animals.data()
    losses = [
        float(exact("categorical_cross_entropy", DOUBLE, y_true=labels, y_pred=p, reduction="mean"))
        for p in (first, second)
    ]
    assert losses == [three_animals.FIRST, three_animals.SECOND]
    assert abs(three_animals.PRINTED - losses[0]) > 1e-8
    p, q = rows
    cross = exact("categorical_cross_entropy", DOUBLE, y_true=p, y_pred=q)
    entropy = exact("categorical_cross_entropy", DOUBLE, y_true=p, y_pred=p)
    assert cross == pytest.approx(entropy + exact("kl_divergence", DOUBLE, y_true=p, y_pred=q), abs=2.0**-51)
    for score, share in zip(scores, exact("softmax", DOUBLE, x=scores), strict=True):
        assert answers(three_animals.STORY, three_animals.share_of(score)) == pytest.approx([share], rel=2.0**-51)
    sure = exact("categorical_cross_entropy", DOUBLE, y_true=[[1.0, 0.0, 0.0]] * 2, y_pred=rows)
    figures = ("sure-against-half", "sure-against-seven-tenths")
    assert [answers(three_animals.STORY, name)[0] for name in figures] == sure.tolist()


def test_never_thresholded() -> None:
    _, labels = never_thresholded.data()
    for figure, threshold in (("untrained-accuracy", 0.5), ("untrained-accuracy-at-a-quarter", 0.25)):
        (found,) = (each for each in never_thresholded.STORY.figures if each.name == figure)
        whole = exact("binary_accuracy", y_true=labels, y_score=0 * labels + 0.5, threshold=threshold).mean()
        assert found.label(float(whole)) in found.right
    (loss,) = answers(never_thresholded.STORY, "untrained-loss")
    assert loss == pytest.approx(float(exact("binary_cross_entropy", y_true=1.0, y_pred=0.5)), rel=1e-7)


def test_accuracy_too_good() -> None:
    *_, truth, predictions = accuracy_too_good.data()
    wrong = Fraction(int((truth != predictions).sum()), truth.size)
    by_class = Fraction(int((truth.argmax(1) != predictions.argmax(1)).sum()), len(truth))
    assert wrong == 2 * by_class / 10
    assert answers(accuracy_too_good.STORY, "one-hot-by-entry") == [float(1 - wrong), float(1 - by_class)]
    assert (round(float(1 - wrong), 4), float(1 - by_class)) == (0.9976, 0.9878)
    entries = exact("binary_cross_entropy", y_true=[1.0] + [0.0] * 9, y_pred=[0.1] * 10)
    assert answers(accuracy_too_good.STORY, "untrained-loss")[0] == pytest.approx(float(entries.mean()), rel=1e-7)


@pytest.mark.parametrize("output", list(accuracy_too_good.outputs()), ids=lambda output: output[0])
def test_accuracies_of_outputs_are_the_definitions(output: tuple[str, Any, Any]) -> None:
    _, labels, scores = output
    found = accuracy_too_good.accuracies(labels, scores)
    if labels.shape == scores.shape:
        by_entry = exact("binary_accuracy", y_true=labels.ravel(), y_score=scores.ravel())
        assert found["binary accuracy, entry by entry"] == by_entry.mean()
    if scores.ndim == 2 and scores.shape[1] > 1:
        classes = labels.argmax(1) if labels.shape == scores.shape else labels.ravel()
        by_class = exact("sparse_categorical_accuracy", labels=classes, y_score=scores)
        assert found["categorical accuracy, by argmax"] == by_class.mean()


def asking(story: Story, framework: str, answer: Answer | None = None) -> tuple[Setting, Ask]:
    """A story whose scene is played here, or answers so."""
    (mode,) = (mode for mode in adapter(framework).modes if mode.name == "eager")
    server = Server(adapter(framework), {"stories": stories})
    setting = Setting(story.implementation(framework), story.dtype, "cpu", mode)
    return setting, lambda calls: [server.answer(call) if answer is None else answer for call in calls]


def observe(story: Story, framework: str, answer: Answer | None = None) -> dict[str, Observation]:
    """What is seen of it."""
    return by_case(engine.observe(story.check(framework), *asking(story, framework, answer)))


@pytest.mark.parametrize(
    ("framework", "needed", "story"),
    [
        pytest.param(framework, needed, story, id=f"{framework}-{story.name}")
        for framework, needed in (("numpy", "scipy"), ("sklearn", "sklearn"))
        for story in STORIES
        if framework in story.scenes
    ],
)
def test_scenes_are_played(framework: str, needed: str, story: Story) -> None:
    pytest.importorskip(needed)
    found = observe(story, framework)
    assert list(found) == [figure.name for figure in story.figures_of(framework)]
    assert {each.verdict for each in found.values()} == {"conforms"}


PLANTED = [
    ("loss-before", (1 - 0.53125) * 22 * math.log(2), "deviates", "the share of class 0 times 22 ln 2"),
    ("loss-before", math.inf, "deviates", "infinite"),
    ("loss-before", 0.6, "deviates", None),
    ("loss-before", math.nan, "deviates", None),
    ("training", 1.0, "deviates", "as far: the loss takes a sigmoid for the softmax"),
    ("training", 1e-3, "deviates", None),
    ("sigmoid-accuracy", 0.95, "conforms", "yes, an accuracy above 0.9"),
    ("sigmoid-accuracy", 0.89, "deviates", None),
    ("accuracy-after", 1 - 0.53125, "deviates", None),
    ("old-formula", 22 * math.log(2), "deviates", one_output_unit.REASSOCIATED),
    ("old-formula-compiled", 22 * math.log(2), "conforms", one_output_unit.REASSOCIATED),
]


@pytest.mark.parametrize(("name", "number", "verdict", "label"), PLANTED)
def test_a_planted_figure_is_judged(name: str, number: float, verdict: str, label: str | None) -> None:
    story = one_output_unit.STORY
    right = [figure.answers[figure.right[0]] for figure in story.figures_of("jax")]
    at = [figure.name for figure in story.figures_of("jax")].index(name)
    found = observe(story, "jax", np.array([*right[:at], number, *right[at + 1 :]]))
    assert (found[name].verdict, found[name].label) == (verdict, label)
    assert {each.verdict for other, each in found.items() if other != name} == {"conforms"}
    assert (found[name].message is None) == (label is not None)


@pytest.mark.parametrize(("shift", "status"), [(0.0, 0), (1e-3, 1)])
def test_a_deviating_figure_has_a_script_that_needs_nothing_of_ours(shift: float, status: int) -> None:
    pytest.importorskip("scipy")
    figure = one_output_unit.STORY.figures_of("numpy")[0]
    planted = replace(figure, answers={"planted": figure.answers[figure.right[0]] + 1e-3}, right=("planted",))
    story = replace(one_output_unit.STORY, figures=(planted,))
    setting, ask = asking(story, "numpy")
    (outcome,) = reproduced(setting, engine.observe(story.check("numpy"), setting, ask), ask, [0])
    seen = outcome.observation
    assert seen.verdict == "deviates"
    seen.reproduction.expected.right["planted"] = [(planted.answers["planted"] - 1e-3 + shift).hex()]
    words = msgspec.convert(adapter("numpy").script_words(setting.mode), Wording)
    run = make_run(
        [],
        operations={story.name: story.record()},
        implementations={f"{story.name}/numpy.story": ImplementationRecord("numpy", story.code("numpy"), {})},
        frameworks={"numpy": FrameworkRecord("measured", None, {}, {"cpu": ""}, {}, {"eager": words})},
    )
    text = script(run, seen)
    assert "gaugeblock" not in text.partition("\n")[2]
    done = python("-c", text)
    assert done.returncode == status, done.stderr
    assert f"The deviation {'shows' if status else 'does not show'}." in done.stdout


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_the_code_of_a_story_stands_alone(story: Story) -> None:
    for framework, scene in story.scenes.items():
        text = story.code(framework)
        assert "gaugeblock" not in text
        names: dict[str, Any] = {}
        exec(compile(text, story.name, "exec"), names)
        assert callable(names[scene.__name__])
        found = names[story.data.__name__]()
        assert all(np.array_equal(one, other) for one, other in zip(found, story.data(), strict=True))


def test_a_refusal_is_an_answer() -> None:
    (figure,) = (each for each in one_unit_or_two.FIGURES if each.name == "class-numbers")
    assert figure.label(REFUSED) == one_unit_or_two.REFUSES
    assert figure.judgement(REFUSED).verdict == "conforms"
    assert figure.judgement(0.519860385419959).verdict == "deviates"


def test_a_scene_that_breaks_is_no_fault_of_the_framework() -> None:
    found = observe(three_animals.STORY, "numpy", NoAnswer(Verdict.UNSUPPORTED, "ValueError: no"))
    assert {each.verdict for each in found.values()} == {"harness_error"}
    assert {each.message for each in found.values()} == {"the scene was not played to its end: ValueError: no"}
    found = observe(three_animals.STORY, "numpy", NoAnswer(Verdict.CRASHED, "gone"))
    assert {each.verdict for each in found.values()} == {"crashed"}


def test_a_scene_ends_in_the_figures_that_are_asked_of_it() -> None:
    story = replace(one_output_unit.STORY, scenes={"numpy": lambda *_: {"old-formula": 1.0, "more": 2.0}})
    with pytest.raises(ValueError, match="'more'"):
        story.play("numpy")
    story = replace(one_output_unit.STORY, scenes={"numpy": lambda *_: {}})
    with pytest.raises(ValueError, match="where \\['old-formula'\\] are expected"):
        story.play("numpy")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the stories that NumPy plays."""
    pytest.importorskip("scipy")
    path = tmp_path_factory.mktemp("stories") / "run.json"
    measured(path, "-f", "numpy", "-k", "story")
    return path


def test_a_run_shows_the_code_that_was_played(run: Path) -> None:
    found = runfile.read(run)
    assert found.operations["three_animals"].kind == "story"
    call = found.implementations["three_animals/numpy.story"].call
    assert inspect.getsource(three_animals.data).strip() in call
    assert inspect.getsource(three_animals.in_numpy).strip() in call
    assert {each.verdict for each in found.observations} == {"conforms"}


def test_a_report_tells_the_story_with_its_figures(run: Path, tmp_path: Path) -> None:
    done = invoke("report", run, "-o", tmp_path)
    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    (story,) = (each for each in report["stories"] if each["name"] == "three_animals")
    figures = {figure["name"]: figure for figure in story["figures"]}
    assert set(figures) == {figure.name for figure in three_animals.STORY.figures_of("numpy")}
    assert figures["model-2"]["question"].startswith("What is the log loss of the second model?")
    assert [seen["label"] for seen in figures["model-2"]["observed"]] == [three_animals.LAST_BIT]
