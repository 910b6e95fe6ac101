"""The pages of the operations, with formula, special values, bounds and implementations; of stories and questions."""

from __future__ import annotations

import ast
import contextlib
import functools
import inspect
import json
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from gaugeblock.adapters.base import Implementation
from gaugeblock.adapters.registry import FRAMEWORKS, adapter, implementations
from gaugeblock.conformance.cases.cases import cases
from gaugeblock.conformance.cases.domains import DOMAINS
from gaugeblock.conformance.checks.probes import PROBES
from gaugeblock.conformance.checks.table import CHECKS
from gaugeblock.conformance.pages.special_values import NO_VALUE, UNDECIDED, at_cases, at_points, bracketed
from gaugeblock.conformance.stories import STORIES
from gaugeblock.conformance.trials.setting import dtypes_of, offered_in
from gaugeblock.reference.catalogue import OPERATIONS, Operation
from gaugeblock.reference.formats import FORMATS
from gaugeblock.reports.output import gfm, templating
from gaugeblock.reports.runfile import write_text

MARK = "<!-- Written by `gaugeblock docs`: change {}, not this page. -->"
"""The first line of every page. A page that has it and is of no operation or story is removed."""

OPERATION_MARK, STORY_MARK = MARK.format("the definition or the adapter"), MARK.format("the story")

QUESTION_MARK = MARK.format("the table of questions, or the check")

FOLDERS = ("operations", "stories", "questions")

INDEX = "README.md"

CASES = "cases.json"
"""The file of the frozen cases' digests."""

OF_THE_ENGINE = {
    "axis": ("-1", "the axis along which a row lies."),
    "reduction": ("none", "none keeps the answer of every sample, sum adds them, mean divides as mean_over says."),
    "mean_over": ("weights", "what a mean divides by: the samples' weights, summed, or (samples) their number."),
}
"""Parameters of the engine, which no definition has: default and meaning."""

_CHECKS = {check.name: check for check in CHECKS}


def pages() -> dict[str, str]:
    """Every page by folder/name, and the frozen cases. The same suite gives the same bytes."""
    return {
        f"operations/{INDEX}": _index(),
        **{f"operations/{name}.md": _page(operation) for name, operation in OPERATIONS.items()},
        f"stories/{INDEX}": _rendered("stories", STORY_MARK, stories=STORIES),
        **{f"stories/{each.name}.md": _rendered("story", STORY_MARK, story=each) for each in STORIES},
        f"questions/{INDEX}": _rendered("questions", QUESTION_MARK, questions=questions(), checks=_CHECKS),
        CASES: json.dumps(frozen_cases(), indent=1) + "\n",
    }


@dataclass(frozen=True)
class Question:
    """One question, the paragraph that it belongs to, and the names of the checks that answer it."""

    paragraph: str
    text: str
    answered_by: tuple[str, ...]


@functools.cache
def questions() -> tuple[Question, ...]:
    """Every question, by paragraph.

    Raises ValueError if one is answered by no check that there is.
    """
    files = sorted(Path(__file__).with_name("data").glob("*.toml"))
    entries = [entry for file in files for entry in tomllib.loads(file.read_text(encoding="utf-8"))["question"]]
    found = [Question(each["paragraph"], each["text"], tuple(each["answered_by"])) for each in entries]
    for question in found:
        if not question.answered_by or not _CHECKS.keys() >= set(question.answered_by):
            raise ValueError(f"no check answers the question {question.text!r} under the name that it gives")
    return tuple(sorted(found, key=lambda each: each.paragraph))


def frozen_cases() -> dict[str, dict[str, str]]:
    """The digest of every case by its name, for each operation/dtype, and whether derivatives are compared there.

    A change of a case is a breaking change.
    """
    return {
        f"{name}/{dtype}": {
            case.name: f"{case.digest}{' gradient' if case.gradient else ''}" for case in cases(name, dtype)
        }
        for name in OPERATIONS
        for dtype in FORMATS
    }


def differences(folder: Path, made: Mapping[str, str]) -> dict[str, str]:
    """What is not up to date below `folder`, by folder/name: missing, changed, or of nothing. OSError if unreadable."""
    found: dict[str, str] = {}
    for name, text in made.items():
        there = _read(folder / name)
        if there != text:
            found[name] = "missing" if there is None else "changed"
            if there is not None and name == CASES:
                # Of a file that is broken, as by a merge, nothing more can be said.
                with contextlib.suppress(ValueError):
                    found[name] = _changed_cases(json.loads(there), json.loads(text))
    for below in FOLDERS:
        for path in sorted((folder / below).glob("*.md")):
            name = f"{below}/{path.name}"
            if name not in made and (_read(path) or "").startswith((OPERATION_MARK, STORY_MARK, QUESTION_MARK)):
                found[name] = "of no operation or story"
    return found


def _changed_cases(old: Mapping[str, Mapping[str, str]], new: Mapping[str, Mapping[str, str]]) -> str:
    """What became of frozen cases, in words."""
    before, after = (
        {(key, case): digest for key, digests in each.items() for case, digest in digests.items()}
        for each in (old, new)
    )
    other = [each for each in before.keys() & after.keys() if before[each] != after[each]]
    parts = {"new": after.keys() - before.keys(), "gone": before.keys() - after.keys(), "of other content": other}
    named = (f"{len(each)} cases {what} (the first: {'/'.join(min(each))})" for what, each in parts.items() if each)
    return f"changed: {', '.join(named)}"


def write(folder: Path, made: Mapping[str, str]) -> dict[str, str]:
    """Bring `folder` up to date and return what was not. Files that are no pages stay as they are.

    A reader sees a page's old text or its new one. OSError if the folder cannot be written.
    """
    found = differences(folder, made)
    for name in found:
        if name in made:
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
    environment.filters.update(text=gfm.text, code=gfm.code, number=_number, answer=_answer, stated=_stated)
    return environment


def _rendered(template: str, mark: str, **facts: Any) -> str:
    return _environment().get_template(f"{template}.md.j2").render(mark=mark, **facts)


def _index() -> str:
    counts = Counter((each.operation, each.framework) for each in implementations())
    titles = {"activation": "Activations", "loss": "Losses", "metric": "Metrics"}
    kinds = [(title, [op for op in OPERATIONS.values() if op.kind == kind]) for kind, title in titles.items()]
    return _rendered("index", OPERATION_MARK, kinds=kinds, counts=counts, frameworks=FRAMEWORKS)


def _page(op: Operation) -> str:
    last = op.inputs[-1]
    shapes = [f"({', '.join(('...', *axes))})" for axes in op.core_axes]
    derivative = f"gradient by {last}" if op.core_ranks[-1] else f"derivative by {last}"
    holds = [DOMAINS[domain].holds for domain in op.domains]
    return _rendered(
        "operation",
        OPERATION_MARK,
        op=op,
        module="/".join(op.definition.__module__.split(".")[1:]) + ".py",
        written_with=list(_written_with(op)),
        inputs=list(zip(op.inputs, shapes, holds, strict=True)),
        answer_shape=shapes[-1] if op.output_rank else "(...)",
        parameters=list(_parameters(op)),
        points=at_points(op),
        cases=at_cases(op),
        differentiable=op.gradient_bound is not None,
        derivative=f"{derivative}, entry 0" if op.output_rank else derivative,
        probes=[probe for probe in PROBES if op.name in probe.operations],
        offers=[_offer(each) for each in implementations() if each.operation == op.name],
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
        yield name, _default(default), op.meanings[name]
    if op.kind == "activation":
        names = ["axis"] if op.rowwise else []
    else:
        names = [] if op.whole else ["reduction", "mean_over"]
    for name in names:
        yield name, *OF_THE_ENGINE[name]


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


def _answer(text: str) -> str:
    return text if text in ("", NO_VALUE, UNDECIDED) else gfm.code(text)


def _offer(each: Implementation) -> tuple[Implementation, str, str]:
    """An implementation, its dtypes and its modes."""
    modes = {
        mode.name: [dtype for dtype in dtypes_of(each, mode) if offered_in(each, mode, dtype)]
        for mode in adapter(each.framework).modes
    }
    dtypes = dict.fromkeys(dtype for offered in modes.values() for dtype in offered)
    return each, ", ".join(dtypes), ", ".join(name for name, offered in modes.items() if offered)


def _stated(parameters: Mapping[str, Any]) -> str:
    """Parameters and their values; a tuple of words lists those that can be."""
    words = {
        name: " or ".join(value) if isinstance(value, tuple) and all(isinstance(each, str) for each in value) else value
        for name, value in parameters.items()
    }
    return ", ".join(f"{name}={value}" for name, value in words.items())
