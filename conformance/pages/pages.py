"""The pages of the operations, with formula, special values, bounds and implementations; of stories and questions."""

from __future__ import annotations

import ast
import functools
import inspect
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jinja2
from gaugeblock.adapters.base import Implementation
from gaugeblock.adapters.registry import FRAMEWORKS, adapter, implementations
from gaugeblock.conformance.checks.probes import PROBES
from gaugeblock.conformance.pages.questions import questions
from gaugeblock.conformance.pages.special_values import HOLDS, NO_VALUE, UNDECIDED, at_cases, at_points, bracketed
from gaugeblock.conformance.stories import STORIES
from gaugeblock.conformance.stories.base import Story
from gaugeblock.conformance.trials.setting import dtypes_of, offered_in
from gaugeblock.reference.catalogue import OPERATIONS, Operation
from gaugeblock.reports import gfm, templating
from gaugeblock.reports.runfile import write_text

MARK = "<!-- Written by `gaugeblock docs`: change {}, not this page. -->"
"""The first line of every page. A page that has it and is of no operation or story is removed."""

OPERATION_MARK, STORY_MARK = MARK.format("the definition or the adapter"), MARK.format("the story")

QUESTION_MARK = MARK.format("the table of questions, or the check")

FOLDERS = ("operations", "stories", "questions")

INDEX = "README.md"

UNDESCRIBED = "not described; see the formula"

GIVEN = {
    "axis": ("-1", "the axis along which a row lies"),
    "reduction": ("none", "none keeps the answer of every sample, sum adds them, mean divides as mean_over says"),
    "mean_over": ("weights", "what a mean divides by: the samples' weights, summed, or (samples) their number"),
}
"""Parameters of the engine, which no definition has: default and meaning."""


SHARED = {
    "alpha": "the weight of the positive class, its complement that of the negative; of categorical losses a factor",
    "epsilon": "the factor of the polynomial's first term, 1 - p",
    "floor": "the least value that a probability may have",
    "gamma": "the power of 1 - p by which sure and right samples count less",
    "margin": "the distance by which the right score must exceed the others",
    "n_bins": "the number of intervals of equal width that probabilities are sorted into",
    "num_thresholds": "points of the curve, equally spaced; None takes every score for one",
    "p": "the power of a violated margin",
    "q": "between the cross-entropy (towards 0) and the mean absolute error (at 1)",
    "sample_weight": "how much each sample counts; None counts each once",
    "threshold": "the score above which a label is predicted",
    "class_weight": "a factor for each class; None gives every class the factor 1",
    "clip": "the interval into which probabilities are moved; a number e means from e to 1 - e",
    "ignore_index": "samples with this label take no part",
    "label_smoothing": "the share of the uniform distribution that is mixed into the targets",
    "log_floor": "the least value that a logarithm may have",
    "normalise": "whether a row of probabilities is first divided by its sum",
    "pos_weight": "a factor for the term of the positive label",
}
"""What parameters mean that several definitions take; a definition's own docstring goes before."""


def pages() -> dict[str, str]:
    """Every page by folder/name. The same suite gives the same bytes."""
    return {
        f"operations/{INDEX}": _index(),
        **{f"operations/{operation.name}.md": _page(operation) for operation in OPERATIONS.values()},
        f"stories/{INDEX}": _environment().get_template("stories.md.j2").render(mark=STORY_MARK, stories=STORIES),
        **{f"stories/{story.name}.md": _story(story) for story in STORIES},
        f"questions/{INDEX}": _environment()
        .get_template("questions.md.j2")
        .render(mark=QUESTION_MARK, questions=questions()),
    }


def differences(folder: Path, made: Mapping[str, str]) -> dict[str, str]:
    """What is not up to date below `folder`, by folder/name: missing, changed, or of nothing. OSError if unreadable."""
    found: dict[str, str] = {}
    for name, text in made.items():
        there = _read(folder / name)
        if there != text:
            found[name] = "missing" if there is None else "changed"
    for below in FOLDERS:
        for path in sorted((folder / below).glob("*.md")):
            name = f"{below}/{path.name}"
            if name not in made and (_read(path) or "").startswith((OPERATION_MARK, STORY_MARK, QUESTION_MARK)):
                found[name] = "of no operation or story"
    return found


def write(folder: Path, made: Mapping[str, str]) -> dict[str, str]:
    """Bring `folder` up to date and return what was not. Files that are no pages stay as they are.

    A reader sees a page's old text or its new one. OSError if the folder cannot be written.
    """
    found = differences(folder, made)
    for name in found:
        if name in made:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            write_text(folder / name, made[name])
        else:
            (folder / name).unlink()
    return found


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


@functools.cache
def _environment() -> jinja2.Environment:
    environment = templating.environment(__package__, escaped=False)
    environment.filters.update(text=gfm.text, code=gfm.code, number=_number, answer=_answer, given=_given)
    return environment


def _index() -> str:
    counts: dict[str, Counter[str]] = {name: Counter() for name in OPERATIONS}
    for each in implementations():
        counts[each.operation][each.framework] += 1
    titles = {"activation": "Activations", "loss": "Losses", "metric": "Metrics"}
    kinds = [
        (title, [(op, counts[op.name]) for op in OPERATIONS.values() if op.kind == kind])
        for kind, title in titles.items()
    ]
    return _environment().get_template("index.md.j2").render(mark=OPERATION_MARK, kinds=kinds, frameworks=FRAMEWORKS)


def _story(story: Story) -> str:
    module = f"conformance/stories/{story.name}.py"
    return _environment().get_template("story.md.j2").render(mark=STORY_MARK, story=story, module=module)


def _page(op: Operation) -> str:
    offers = [each for each in implementations() if each.operation == op.name]
    module = "/".join(op.definition.__module__.split(".")[1:]) + ".py"
    last = op.inputs[-1]
    shapes = [f"({', '.join(('...', *axes))})" for axes in op.core_axes]
    slope = f"gradient by {last}" if op.core_ranks[-1] else f"derivative by {last}"
    return (
        _environment()
        .get_template("operation.md.j2")
        .render(
            mark=OPERATION_MARK,
            op=op,
            module=module,
            written_with=list(_written_with(op)),
            inputs=[
                (name, shape, HOLDS[domain]) for name, shape, domain in zip(op.inputs, shapes, op.domains, strict=True)
            ],
            answer_shape=shapes[-1] if op.output_rank else "(...)",
            parameters=list(_parameters(op)),
            points=at_points(op),
            cases=at_cases(op),
            slopes=op.gradient_bound is not None,
            slope=f"{slope}, entry 0" if op.output_rank else slope,
            probes=[probe for probe in PROBES if op.name in probe.operations],
            offers=[_offer(each) for each in offers],
            absent=[name for name in FRAMEWORKS if name not in {each.framework for each in offers}],
        )
    )


def _written_with(op: Operation) -> Iterator[tuple[str, str]]:
    """Functions of ours that the formula calls, by name, with what they mean."""
    names = [node.id for node in ast.walk(ast.parse(op.formula)) if isinstance(node, ast.Name)]
    for name in sorted(set(names)):
        found = op.definition.__globals__.get(name)
        if inspect.isfunction(found):
            yield name, (inspect.getdoc(found) or "").partition("\n")[0]


def _parameters(op: Operation) -> Iterator[tuple[str, str, str]]:
    for name, default in op.parameters.items():
        yield name, _default(default), op.meanings.get(name) or SHARED.get(name, UNDESCRIBED)
    if op.kind == "activation":
        names = ["axis"] if op.rowwise else []
    else:
        names = [] if op.whole else ["reduction", "mean_over"]
    for name in names:
        yield name, *GIVEN[name]


def _default(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(_default, value))})"
    if value is inspect.Parameter.empty:
        return "none, must be given"
    # What is neither is a ball.
    return str(value) if value is None or isinstance(value, int | str) else _number(float(value))


def _number(value: Any) -> str:
    """A number, label or list of them as a reader writes it: 0 and -0 for 0.0 and -0.0."""
    if isinstance(value, list):
        return bracketed([_number(entry) for entry in value])
    return "NaN" if value != value else str(value).removesuffix(".0")


def _answer(told: str) -> str:
    return told if told in ("", NO_VALUE, UNDECIDED) else gfm.code(told)


def _offer(each: Implementation) -> dict[str, str]:
    modes = [
        (mode, [dtype for dtype in dtypes_of(each, mode) if offered_in(each, mode, dtype)])
        for mode in adapter(each.framework).modes
    ]
    dtypes = dict.fromkeys(dtype for _, offered in modes for dtype in offered)
    return {
        "framework": each.framework,
        "name": each.name,
        "call": each.call,
        "conventions": _given(each.conventions),
        "dtypes": ", ".join(dtypes),
        "modes": ", ".join(mode.name for mode, offered in modes if offered),
    }


def _given(parameters: Mapping[str, Any]) -> str:
    """Parameters as they are given; a tuple of words lists those that can be."""
    return ", ".join(f"{name}={_value(value)}" for name, value in parameters.items())


def _value(value: Any) -> str:
    if isinstance(value, tuple) and all(isinstance(each, str) for each in value):
        return " or ".join(value)
    return str(value)
