"""From run files to a report's files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gaugeblock.reports.merge import merge
from gaugeblock.reports.output.data import render_json
from gaugeblock.reports.output.html import render_html
from gaugeblock.reports.output.markdown import render_markdown
from gaugeblock.reports.records import Run
from gaugeblock.reports.runfile import RunFileError, read, write_text


def write_report(paths: Sequence[Path], output: Path, *, suite_digest: str | None = None) -> list[Path]:
    """Write index.html, report.md and report.json made from the runs at `paths` into the directory `output`.

    With `suite_digest`, the digest of the suite as it now is, a run made by any other and a run that is not
    complete are refused. RunFileError then, and for a run that is missing or broken; nothing is written.
    """
    runs = [_read(path, suite_digest) for path in paths]
    merged = merge(runs, [str(path) for path in paths])
    renders = {"index.html": render_html, "report.md": render_markdown, "report.json": render_json}
    texts = {output / name: render(merged) for name, render in renders.items()}
    if output.exists() and not output.is_dir():
        raise RunFileError(f"{output} is a file; give a directory with --output.")
    for path, text in texts.items():
        write_text(path, text)
    return list(texts)


def _read(path: Path, suite_digest: str | None) -> Run:
    if suite_digest is None:
        return read(path)
    # tox names a run file for the environment that makes it.
    again = f"run `tox run -e {path.stem}` again"
    if not path.exists():
        raise RunFileError(f"{path} does not exist; run `tox run -e {path.stem}`.")
    run = read(path)
    if run.suite.digest != suite_digest:
        raise RunFileError(f"{path} was made by another version of the suite; {again}.")
    if run.status != "complete":
        raise RunFileError(f"{path} is {run.status}, and only complete runs are reported; {again}.")
    return run
