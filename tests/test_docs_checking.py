"""docs/checking.md is executed: every block of Python, one after another, and the tests that it shows."""

import re
from pathlib import Path

from tests.invoking import python

PAGE = Path(__file__).parents[1] / "docs" / "checking.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_the_page_runs_as_a_test_suite(tmp_path: Path) -> None:
    assert len(BLOCKS) >= 4
    (tmp_path / "test_page.py").write_text("\n".join(BLOCKS), encoding="utf-8")
    done = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_page.py", cwd=tmp_path)
    assert "2 passed" in done.stdout, done.stdout + done.stderr
