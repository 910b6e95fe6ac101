import base64
import json
import re
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gaugeblock.reports import records, runfile
from gaugeblock.reports.merge import merge
from gaugeblock.reports.output.data import render_json
from gaugeblock.reports.output.html import ROWS, key_link, render_html
from gaugeblock.reports.output.markdown import LIMIT, render_markdown
from gaugeblock.reports.records import KnownRecord, RecipeRecord, Reproduction, Run, StoredCall, Suite, Witness, Wording
from gaugeblock.reports.report import write_report
from gaugeblock.reports.runfile import RunFileError, encode
from gaugeblock.reports.scripts.script import script
from gaugeblock.reports.summary import agreements, recipes, stories
from gaugeblock.reports.verdicts import Verdict

from .synthetic import DEVIATES, absent, checked, key, make_run, observation

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>|`@someone`"


class Page(HTMLParser):
    """The facts of a page that the tests ask for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.loads: list[tuple[str, str, str]] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.scripts = 0
        self.text = ""
        self.embedded = ""
        self._inside = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.scripts += tag == "script"
        self._inside = found.get("id", tag) if tag in ("script", "style") else ""
        for name, value in found.items():
            assert not name.startswith("on"), f"inline handler on <{tag}>"
            if name in ("src", "srcset", "data", "action", "poster", "href") and tag != "a":
                self.loads.append((tag, name, value))
        if tag == "a":
            self.links.append(found["href"])
        if "id" in found:
            self.ids.append(found["id"])

    def handle_endtag(self, _: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "data":
            self.embedded += data
        elif not self._inside:
            self.text += data

    def data(self) -> dict[str, Any]:
        """What the table of all observations is made of."""
        unpacked: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(self.embedded, validate=True)))
        return unpacked


def page(*runs: Run) -> Page:
    return Page(render_html(merge(runs)))


def test_page_has_the_facts(mixed: Run) -> None:
    text = " ".join(page(mixed).text.split())
    for fact in (
        "10 observations of 3 operations in 2 environments", "alpha 1.0", "beta 2.3.1", "gamma 9", "Some processor",
        "2026-01-02T03:04:05Z", "return 1 / (1 + exp(-x))", "A textbook, p. 1", "alpha.sigmoid(x)",
        "0.81757447619364365937", "0x1.a29926p-1 (0.8175747)", "9 ULP, allowed 4 (beyond)", "It overflows.",
        "Is a score at the threshold positive?", "≠ 2 different answers", "signal 11", "beta refuses", "else 0.25 / 4",
        "axis", "0x1.8p+0", "The answer deviates, and a known deviation explains it.", "≈ known",
    ):  # fmt: skip
        assert fact in text, fact


def test_verdicts_are_classes_of_the_style_sheet(mixed: Run) -> None:
    text = render_html(merge([mixed]))
    for verdict in Verdict:
        assert f'<dt class="{verdict}">{verdict.symbol} {verdict.words}</dt>' in text
    for name in ("deviates", "known", "crashed", "unsupported"):
        assert f'class="badge {name}"' in text
        assert re.search(rf"\.{name}\b", text)


def test_page_loads_nothing(mixed: Run) -> None:
    text = render_html(merge([mixed]))
    parsed = Page(text)
    assert parsed.loads == []
    assert "https://example.org/issue/1" in parsed.links
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|import\(", text)


def test_every_link_within_the_page_leads_somewhere(mixed: Run) -> None:
    parsed = page(mixed)
    assert len(parsed.ids) == len(set(parsed.ids))
    for link in parsed.links:
        if link.startswith("#") and not re.match(r"#(key|find|verdict|column)=", link):
            assert link[1:] in parsed.ids, link


def test_ids_are_unique_when_versions_share_a_key() -> None:
    observed = [observation(key(case=case), "deviates", **DEVIATES) for case in ("a", "b")]
    parsed = page(*(make_run(observed, versions={"alpha": {"alpha": version}}) for version in ("1", "2")))
    assert len(parsed.ids) == len(set(parsed.ids))
    assert f"key={key(case='a')}" in parsed.ids


def test_hostile_text_stays_text() -> None:
    fields = {**DEVIATES, "message": HOSTILE, "known": "evil"}
    run = make_run([observation(key(), "known", **fields), observation(key(case="b"), label=HOSTILE)])
    run.known["evil"] = KnownRecord(HOSTILE, "<b>", "javascript:alert(3)")
    run.operations["sigmoid"].formula = HOSTILE
    run.implementations["sigmoid/alpha.sigmoid"].call = HOSTILE
    parsed = page(run)
    assert parsed.scripts == 2
    assert HOSTILE in parsed.text
    assert parsed.data()["known"]["evil"]["why"] == HOSTILE
    assert not any(link.startswith("javascript") for link in parsed.links)
    markdown = render_markdown(merge([run]))
    assert "<script" not in markdown
    assert "<img" not in markdown
    assert "@someone" not in markdown


def test_same_runs_same_bytes_in_any_order(mixed: Run) -> None:
    other = make_run([observation(key("gamma.sigmoid"))], created="2026-01-02T03:04:05Z")
    for render in (render_html, render_markdown, render_json):
        assert render(merge([mixed, other])) == render(merge([other, mixed])), render.__name__


def test_embedded_rows_name_every_observation(mixed: Run) -> None:
    data = page(mixed).data()
    keys = {"/".join(data["strings"][n] for n in row[:7]) for row in data["rows"]}
    assert keys == {each.key for each in mixed.observations}
    by_key = {"/".join(data["strings"][n] for n in row[:7]): row for row in data["rows"]}
    bad = by_key[key(case="two")]
    assert data["verdicts"][bad[8]][0] == "deviates"
    assert bad[9:11] == [7.5, 4]
    assert data["strings"][bad[17]] == "0x1.a29926p-1 (0.8175747)"
    assert "x: float32, shape (3)\n  [0] 0x1.8p+0  1.5" in data["strings"][bad[19]]
    assert len(by_key[key(case="one")]) <= 19


def test_embedded_scripts_share_their_lines() -> None:
    inputs = {"x": encode(np.array([1.5], np.float32))}
    call = StoredCall("alpha.sigmoid(x)", "sigmoid", "alpha.sigmoid", "eager", inputs, {}, at=[0], got="0x1p+1")
    record = Reproduction([call], records.Expected(exact="1", nearest="0x1p+0", ulp="0x1p-23", allowed=1.0))
    observed = [observation(key(case=name), "deviates", reproduction=record) for name in ("one", "two")]
    observed.append(observation(key(case="three"), "deviates", reproduction_missing="it came and went"))
    run = make_run([*observed, observation(key(case="four"))])
    run.frameworks["alpha"].scripts["eager"] = Wording(["alpha"], {}, False, "alpha.array(array)", "answer")
    data = page(run).data()
    rows = {data["strings"][row[6]]: row for row in data["rows"]}
    lines = [data["strings"][number] for number in rows["one"][21]]
    assert "\n".join(lines) + "\n" == script(run, observed[0])
    assert "answer = alpha.sigmoid(x)" in lines
    assert rows["one"][21][1:] == rows["two"][21][1:], "only the key differs"
    assert data["strings"][rows["three"][21]].endswith("has no reproduction: it came and went.")
    assert len(rows["four"]) <= 19


def test_many_alike_are_one_entry_and_the_rest_is_linked() -> None:
    parsed = page(make_run([observation(key(case=f"c{n:03}"), "deviates", **DEVIATES) for n in range(200)]))
    assert parsed.text.count("further than the bound allows\n") == 1
    assert f"{ROWS} of 200, worst first" in parsed.text
    assert len([i for i in parsed.ids if i.startswith("key=")]) == ROWS
    assert "#find=/sigmoid/alpha.sigmoid/%20/value/&verdict=deviates" in parsed.links


def test_key_links_are_fragments() -> None:
    assert key_link("a/b.c/float32/cuda:0/eager/v/x[1]") == "#key=a/b.c/float32/cuda:0/eager/v/x[1]"
    assert key_link('a/"b"/%&#') == "#key=a/%22b%22/%25%26%23"


def test_banner_for_what_is_missing(mixed: Run) -> None:
    mixed.status = "partial"
    mixed.frameworks["delta"] = absent("pip install delta")
    mixed.frameworks["alpha"].modes["compiled"] = {"message": "no compiler"}
    mixed.not_seen.append(records.NotSeen("old", "a/*", "t"))
    for text in (page(mixed).text, render_markdown(merge([mixed]))):
        assert "was interrupted: it is partial" in text
        assert "delta: not run – pip install delta" in text
        assert "alpha in mode compiled: not run – no compiler" in text
    first, _, environments = page(mixed).text.partition("What was measured, where")
    assert "which is no fault: the deviations of old." not in first, "it is no warning"
    assert "which is no fault: the deviations of old." in environments


def test_page_of_nothing() -> None:
    text = page(make_run([])).text
    assert "Nothing: every observation conforms." in text
    assert "No probe was run." in text


def test_twenty_thousand_observations_stay_small() -> None:
    observed = []
    for number in range(20_000):
        where = {"dtype": ("float16", "float32", "float64")[number % 3], "mode": ("eager", "compiled")[number % 2]}
        name = f"{('alpha', 'beta', 'gamma', 'delta')[number % 4]}.nn.functional.sigmoid"
        fields: dict[str, Any] = {
            "error": 0.01 + number / 7919,
            "allowed": 4 + number / 104729,
            "digest": f"{number * 2654435761 % 2**64:016x}",
            "witness": Witness(
                [number % 1000],
                f"0.{number * 7919 % 10**9:09}12345678901",
                f"0x1.{number * 31339 % 16**6:06x}p-{number % 120}",
                f"0x1.{number * 31337 % 16**6:06x}p-{number % 120}",
            ),
        }
        place = key(name, f"uniform-{number // 12}", **where)
        if number % 20:
            observed.append(observation(place, accuracy="faithful", **fields))
        else:
            observed.append(observation(place, "deviates", accuracy="beyond", message="beyond the bound", **fields))
    merged = merge([make_run(observed)])
    assert len(render_html(merged).encode()) < 6_000_000
    assert len(render_markdown(merged)) <= LIMIT


def test_markdown(mixed: Run) -> None:
    text = render_markdown(merge([mixed]))
    assert "| `sigmoid` | ✓2 ✗1 ≈1 | ✓1 –1 |" in text
    assert "| alpha 1.0 | alpha 1.0 | Some processor |" in text
    assert "| ✗ deviates 1 | `alpha.sigmoid` sigmoid, value | float32, alpha 1.0 | 7.5 of 4 ULP (`two`) |" in text
    assert "It overflows." in text
    assert "≠ Is a score at the threshold positive?" in text
    assert "**yes (&gt;=)**: alpha.acc (alpha 1.0) \\[float32\\]" in text
    for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1, block


def test_markdown_fits_a_comment() -> None:
    fields = {**DEVIATES, "message": "m" * 500}
    observed = [observation(key(f"alpha.{'x' * 60}{n}"), "deviates", **fields) for n in range(500)]
    text = render_markdown(merge([make_run(observed)]))
    assert len(text) <= LIMIT
    assert re.search(r"… and \d+ more; the HTML report has them all\.", text)


def test_json(mixed: Run) -> None:
    data = json.loads(render_json(merge([mixed])))
    assert data["format"] == 2
    assert data["runs"][0]["suite"] == {"version": "0.1.0", "digest": "a" * 16}
    assert [c["label"] for c in data["columns"]] == ["alpha 1.0", "beta 2.3.1"]
    assert data["totals"] == {"conforms": 6, "crashed": 1, "deviates": 1, "known": 1, "unsupported": 1}
    counts = {"conforms": 2, "deviates": 1, "known": 1}
    assert data["operations"]["sigmoid"]["counts"][0] == {"column": 0, "counts": counts}
    assert data["findings"][0]["verdict"] == "crashed"
    assert data["findings"][1]["keys"] == [{"column": 0, "key": key(case="two")}]
    assert data["conventions"][0]["disagree"] is True
    assert data["relations"][0]["counts"] == {"crashed": 1}
    float32 = data["accuracy"][0]["dtypes"]["float32"]
    assert (float32["error"], float32["counts"]) == (9.0, {"correctly rounded": 1, "beyond": 2})


def written(run: Run, path: Path) -> Path:
    runfile.write_text(path, runfile.dumps(run))
    return path


def test_write_report(mixed: Run, tmp_path: Path) -> None:
    output = tmp_path / "deep" / "report"
    paths = write_report([written(mixed, tmp_path / "run.json")], output, suite_digest="a" * 16)
    assert paths == [output / name for name in ("index.html", "report.md", "report.json")]
    assert sorted(p.name for p in output.iterdir()) == sorted(p.name for p in paths)
    assert str(tmp_path) not in "".join(p.read_text(encoding="utf-8") for p in paths)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (None, "does not exist; run `tox run -e other`."),
        ("broken text", "is not JSON"),
        ({"suite": Suite("0.1.0", "b")}, "was made by another version of the suite; run `tox run -e other` again."),
        ({"status": "partial"}, "is partial, and only complete runs are reported; run `tox run -e other` again."),
        ({"status": "broken"}, "is broken, and only complete runs"),
    ],
)
def test_a_bad_input_leaves_the_old_report(
    change: str | dict[str, Any] | None, sentence: str, mixed: Run, tmp_path: Path
) -> None:
    good = written(mixed, tmp_path / "run.json")
    output = tmp_path / "report"
    write_report([good], output)
    before = {p: p.read_bytes() for p in output.iterdir()}
    other = tmp_path / "other.json"
    if isinstance(change, str):
        other.write_text(change)
    elif change:
        written(make_run([observation(key("gamma.sigmoid"))], **change), other)
    with pytest.raises(RunFileError) as caught:
        write_report([good, other], output, suite_digest="a" * 16)
    assert sentence in str(caught.value)
    assert str(other) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert {p: p.read_bytes() for p in output.iterdir()} == before


def test_a_partial_run_is_reported_without_a_digest_of_the_suite(mixed: Run, tmp_path: Path) -> None:
    mixed.status = "partial"
    write_report([written(mixed, tmp_path / "run.json")], tmp_path / "report")
    assert "it is partial" in (tmp_path / "report" / "report.md").read_text(encoding="utf-8")


def test_the_same_run_twice_writes_nothing(mixed: Run, tmp_path: Path) -> None:
    path = written(mixed, tmp_path / "run.json")
    with pytest.raises(RunFileError, match="give only one of them"):
        write_report([path, path], tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_output_that_is_a_file_is_refused(mixed: Run, tmp_path: Path) -> None:
    path = written(mixed, tmp_path / "run.json")
    with pytest.raises(RunFileError, match="is a file; give a directory"):
        write_report([path], path)


def test_no_runs(tmp_path: Path) -> None:
    with pytest.raises(RunFileError, match="No run file was given"):
        write_report([], tmp_path / "report")


LIKE = RecipeRecord("beta.log_loss", "the mean over the rows", "It ends at 0.")


def recipe_run(*verdicts: str) -> Run:
    where = {"operation": "log_loss", "check": "recipe"}
    run = make_run([
        observation(key("alpha.recipe.mean", f"c{n}", **where), verdict, error=1.0 + n, allowed=2.0)
        for n, verdict in enumerate(verdicts)
    ])  # fmt: skip
    run.implementations["log_loss/alpha.recipe.mean"].recipe = LIKE
    return checked(run)


def story_run() -> Run:
    answer = Witness([], "half: 0.5", "0x1p-1")
    run = make_run([
        observation(key("alpha.story", figure, operation="one-unit", check="story"), label=label, witness=answer)
        for figure, label in (("loss", "half"), ("accuracy", "the share"))
    ])  # fmt: skip
    run.operations["one-unit"] = records.OperationRecord(
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
        "It does not learn.", "What is the loss?", "the share", "Write a sigmoid.<br><br>",
        "<pre>sigmoid(x) &lt; 1</pre>", "<code>x</code>", "A question",
    ):  # fmt: skip
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
