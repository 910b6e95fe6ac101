"""The generated pages: complete, right by published values, up to date; and the command that writes them."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from gaugeblock.adapters.base import Implementation, implements
from gaugeblock.adapters.registry import FRAMEWORKS, implementations
from gaugeblock.conformance.cases.domains import DOMAINS, INPUT
from gaugeblock.conformance.pages import pages as docs
from gaugeblock.conformance.pages import special_values as specials
from gaugeblock.conformance.stories import STORIES
from gaugeblock.reference.catalogue import OPERATIONS
from gaugeblock.reports.output import gfm

from tests.invoking import invoke, sentence

COMMITTED = Path(__file__).parents[2] / "docs"
PAGES = docs.pages()
MARKDOWN = [name for name in PAGES if name.endswith(".md")]


def cells(page: str, heading: str) -> list[list[str]]:
    """The rows of the first table below a heading, without their code marks."""
    below = PAGES[f"operations/{page}"].partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.strip("|").split(" | ") for line in below.splitlines() if line.startswith("|")]
    return [[cell.strip().replace("`", "") for cell in row] for row in rows[2:]]


def files(folder: Path) -> dict[str, str]:
    """The texts of all files below a folder, by path."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in found}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Freshly written pages."""
    written = tmp_path / "pages"
    assert invoke("docs", "--output", written).exit_code == 0
    return written


def test_every_operation_has_a_page() -> None:
    assert set(PAGES) == {
        *(f"operations/{name}.md" for name in ("README", *OPERATIONS)),
        *(f"stories/{name}.md" for name in ("README", *(story.name for story in STORIES))),
        "questions/README.md",
        docs.CASES,
    }


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_page_holds_what_the_operation_is(name: str) -> None:
    op, page = OPERATIONS[name], PAGES[f"operations/{name}.md"]
    assert f"```python\n{op.formula}\n```" in page
    for fact in (op.summary, op.source, str(op.bound), *([str(op.gradient_bound)] if op.gradient_bound else ())):
        assert gfm.text(fact) in page
    assert [row[0] for row in cells(f"{name}.md", "Inputs")[:-1]] == list(op.inputs)
    assert {*op.parameters} <= {row[0] for row in cells(f"{name}.md", "Parameters")}


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_page_names_every_implementation(name: str) -> None:
    page = PAGES[f"operations/{name}.md"]
    offers = [each for each in implementations() if each.operation == name]
    shown = cells(f"{name}.md", "Implementations")
    assert [(row[0], row[1]) for row in shown] == [(each.framework, each.name) for each in offers]
    assert all(gfm.code(each.call) in page for each in offers)
    # A dtype and a mode that nothing is measured in would be an empty promise.
    assert all(row[4] and row[5] for row in shown)


@pytest.mark.parametrize("name", MARKDOWN)
def test_tables_are_whole(name: str) -> None:
    """Every row of a table has as many cells as its head, and nothing that would swallow it stands above it."""
    head, above = "", ""
    for line in PAGES[name].splitlines():
        if line.startswith("|"):
            if not head:
                assert not above or above.startswith("#"), line
            head = head or line
            assert len(re.findall(r"(?<!\\)\|", line)) == len(re.findall(r"(?<!\\)\|", head)), line
        else:
            head = ""
        above = line
    # Functions are two lines apart.
    assert "\n\n\n" not in re.sub(r"```.*?```", "code", PAGES[name], flags=re.DOTALL)
    assert PAGES[name].endswith("\n")


def test_conventions_are_shown() -> None:
    rows = {row[1]: row for row in cells("binary_cross_entropy.md", "Implementations")}
    assert "clip=1e-07" in rows["keras.losses.BinaryCrossentropy"][3]
    assert rows["sklearn.metrics.log_loss"][3].startswith("reduction=mean or sum")
    assert rows["sklearn.metrics.log_loss"][4] == "float16, float32, float64"


def test_the_index_counts_implementations_and_shows_empty_cells() -> None:
    index = PAGES["operations/README.md"]
    for name in OPERATIONS:
        (line,) = (line for line in index.splitlines() if line.startswith(f"| [`{name}`]({name}.md) |"))
        counts = dict(zip(FRAMEWORKS, line.strip("| ").split(" | ")[-len(FRAMEWORKS) :], strict=True))
        for framework in FRAMEWORKS:
            count = sum(each.framework == framework and each.operation == name for each in implementations())
            assert counts[framework] == (str(count) if count else "–"), (name, framework)


LOG_2 = "0.69314718055994530942"  # OEIS A002162
LOG_3 = "1.0986122886681096914"  # OEIS A002391
PUBLISHED = [
    ("sigmoid", ["0"], "0.5", "0.25"),
    ("sigmoid", ["-inf"], "0", "–"),
    ("sigmoid", ["inf"], "1", "–"),
    ("sigmoid", ["NaN"], "no value", "–"),
    ("log_sigmoid", ["-0"], f"-{LOG_2}", "0.5"),
    ("softplus", ["0"], LOG_2, "0.5"),
    ("softplus", ["inf"], "inf", "–"),
    ("softmax", ["[1, 1, 1] equal"], f"[{', '.join(['0.33333333333333333333'] * 3)}]", None),
    ("softmax", ["[-inf, -inf, -inf] all -inf"], "[no value, no value, no value]", "–"),
    ("softmax", ["[1] size 1"], "[1]", "[0]"),
    ("log_softmax", ["[1, 1, 1] equal"], f"[{', '.join([f'-{LOG_3}'] * 3)}]", None),
    ("logsumexp", ["[-inf, -inf, -inf] all -inf"], "-inf", "–"),
    ("logsumexp", ["[1, 1, 1] equal"], "2.0986122886681096914", None),
    ("binary_cross_entropy", ["1", "1"], "0", "-1"),
    ("binary_cross_entropy", ["1", "0"], "inf", "no value"),
    ("binary_cross_entropy", ["0.5", "0.5"], LOG_2, "0"),
    ("binary_cross_entropy_with_logits", ["1", "0"], LOG_2, "-0.5"),
    ("binary_cross_entropy_with_logits", ["0", "inf"], "inf", "–"),
    ("categorical_cross_entropy", ["[1, 0, 0]", "[0.5, 0.5, 0.5] sum is not 1"], LOG_2, "[-2, 0, 0]"),
    ("sparse_categorical_cross_entropy_with_logits", ["0", "[1, 1, 1] equal"], LOG_3, None),
    ("sparse_categorical_cross_entropy_with_logits", ["0", "[-inf, 0, 1] one -inf"], "inf", "–"),
    ("accuracy", ["2", "2"], "1", None),
    ("sparse_categorical_accuracy", ["2", "[0.125, 0.25, 0.5]"], "1", None),
]


@pytest.mark.parametrize(("name", "point", "answer", "derivative"), PUBLISHED)
def test_special_values_are_the_published_ones(
    name: str, point: list[str], answer: str, derivative: str | None
) -> None:
    (row,) = (row for row in cells(f"{name}.md", "Special values") if row[: len(point)] == point)
    assert row[len(point)] == answer
    if derivative is not None:
        assert row[len(point) + 1] == derivative


def test_special_points_are_numbers_of_the_format() -> None:
    assert DOMAINS.keys() == {domain for op in OPERATIONS.values() for domain in op.domains}
    for domain in DOMAINS.values():
        assert domain.holds
        for rank, points in domain.points.items():
            assert {INPUT.array(point.value).ndim for point in points} == {rank}


def test_parameters_other_than_the_defaults_are_shown_at_frozen_cases() -> None:
    found = {special.case: special for special in specials.at_cases(OPERATIONS["binary_accuracy"])}
    expected = {f"threshold-{number}": {"threshold": number} for number in (0.25, 0.875)}
    assert {name: dict(each.parameters) for name, each in found.items()} == expected
    for each in found.values():
        label, score = (point.value for point in each.points)
        assert each.answer == str(int((score > each.parameters["threshold"]) == (label == 1)))
    assert "| `threshold-0.25` | `threshold=0.25` |" in PAGES["operations/binary_accuracy.md"]


def test_an_input_without_special_points_shows_the_first_frozen_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(DOMAINS, "real", replace(DOMAINS["real"], special=()))
    assert not specials.at_points(OPERATIONS["sigmoid"])
    (found,) = specials.at_cases(OPERATIONS["sigmoid"])
    assert found.case == "ordinary"
    assert re.match(r"0\.\d{18}", found.answer)
    assert "\n| `ordinary` | defaults | `" in docs.pages()["operations/sigmoid.md"]


def test_long_rows_are_elided() -> None:
    assert specials.bracketed(["1"] * specials.SHOWN) == f"[{', '.join('1' * 12)}]"
    assert specials.bracketed(["1"] * 13) == "[1, 1, 1, 1, 1, 1, 1, 1, … 5 more]"
    assert ", … 92 more]` | `" in PAGES["operations/top_k_accuracy.md"]


def test_meanings_of_parameters_come_from_the_docstring(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = {row[0]: row for row in cells("binary_cross_entropy.md", "Parameters")}
    assert rows["clip"][1:] == ["(-inf, inf)", gfm.text(OPERATIONS["binary_cross_entropy"].meanings["clip"])]
    assert rows["reduction"][1] == "none"
    assert {row[0]: row[1] for row in cells("binary_accuracy.md", "Parameters")}["threshold"] == "0.5"
    op = OPERATIONS["top_k_accuracy"]
    monkeypatch.setattr(op.definition, "__doc__", "Summary.\n\n    Args:\n        k: one\n            two\n\n    k: no")
    vars(op).pop("meanings", None)
    assert op.meanings == {"k": "one two"}
    assert "| `k` | `2` | one two |" in docs.pages()["operations/top_k_accuracy.md"]
    vars(op).pop("meanings", None)


def test_a_bar_in_a_call_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    from gaugeblock.adapters.numpy import ADAPTER

    line = implements("sigmoid", "numpy.either(x | x)")
    monkeypatch.setattr(ADAPTER, "implementations", (Implementation("numpy", *line),))
    assert "`numpy.either(x \\| x)`" in docs.pages()["operations/sigmoid.md"]


def test_the_committed_pages_are_up_to_date() -> None:
    done = invoke("docs", "--check", "--output", COMMITTED)
    assert done.exit_code == 0, done.output


def test_pages_are_the_same_bytes_again(folder: Path) -> None:
    assert files(folder) == PAGES
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.md")}
    again = invoke("docs", "--output", folder)
    assert again.exit_code == 0
    assert again.output == f"{len(PAGES)} pages, 0 not up to date.\n"
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.md")} == before


def test_check_names_what_is_not_up_to_date_and_writes_nothing(folder: Path) -> None:
    assert invoke("docs", "--check", "--output", folder).exit_code == 0
    below, stories = folder / "operations", folder / "stories"
    edited, missing, gone = below / "sigmoid.md", below / "softmax.md", stories / "gone.md"
    edited.write_text(edited.read_text(encoding="utf-8").replace("0.25", "0.26"), encoding="utf-8")
    missing.unlink()
    gone.write_text(f"{docs.STORY_MARK}\n# gone\n", encoding="utf-8")
    before = files(folder)
    done = invoke("docs", "--check", "--output", folder)
    assert done.exit_code == 1
    for line in (f"{edited} is changed", f"{missing} is missing", f"{gone} is of no operation or story"):
        assert line in done.stdout.splitlines()
    assert files(folder) == before


def test_what_became_of_frozen_cases_is_said(folder: Path) -> None:
    file = folder / docs.CASES
    frozen = json.loads(file.read_text(encoding="utf-8"))
    cases = frozen["sigmoid/float32"]
    cases |= {"ordinary": "0" * 16, "gone": "1" * 16}
    del cases["near-zero"]
    file.write_text(json.dumps(frozen), encoding="utf-8")
    done = invoke("docs", "--check", "--output", folder)
    assert done.exit_code == 1
    parts = (
        "1 cases new (the first: sigmoid/float32/near-zero)",
        "1 cases gone (the first: sigmoid/float32/gone)",
        "1 cases of other content (the first: sigmoid/float32/ordinary)",
    )
    assert f"{file} is changed: {', '.join(parts)}" in done.stdout.splitlines()
    file.write_text("{ broken", encoding="utf-8")
    assert f"{file} is changed" in invoke("docs", "--check", "--output", folder).stdout.splitlines()


def test_writing_mends_removes_what_is_gone_and_leaves_the_rest(folder: Path) -> None:
    below = folder / "operations"
    (below / "sigmoid.md").write_text("edited", encoding="utf-8")
    (below / "gone.md").write_text(f"{docs.OPERATION_MARK}\n# gone\n", encoding="utf-8")
    others = {folder / "notes.md": docs.STORY_MARK, below / "notes.md": "mine\n", below / "gone.txt": docs.STORY_MARK}
    for path, text in others.items():
        path.write_text(text, encoding="utf-8")
    done = invoke("docs", "--output", folder)
    assert done.exit_code == 0
    assert f"{below / 'gone.md'} was of no operation" in done.output
    assert set(files(folder)) == {*PAGES, *(path.relative_to(folder).as_posix() for path in others)}
    assert all(path.read_text(encoding="utf-8") == text for path, text in others.items())
    assert (below / "sigmoid.md").read_text(encoding="utf-8") == PAGES["operations/sigmoid.md"]


def test_check_of_a_folder_that_is_not_there_creates_none(tmp_path: Path) -> None:
    done = invoke("docs", "--check", "--output", tmp_path / "nowhere")
    assert done.exit_code == 1
    assert done.stdout.count(" is missing\n") == len(PAGES)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("more", [[], ["--check"]])
@pytest.mark.parametrize("below", ["", "deeper"])
def test_an_output_that_cannot_be_is_one_sentence(tmp_path: Path, more: list[str], below: str) -> None:
    file = tmp_path / "file"
    file.write_text("mine", encoding="utf-8")
    assert str(file) in sentence(invoke("docs", "--output", file / below, *more))
    assert file.read_text(encoding="utf-8") == "mine"
