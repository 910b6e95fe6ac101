"""Run files that are compressed."""

from pathlib import Path

import pytest
from gaugeblock.reports.records import Run
from gaugeblock.reports.runfile import RunFileError, read, write

from .synthetic import key, make_run, observation


def made() -> Run:
    return make_run([observation(key())])


def test_a_name_that_ends_in_gz_compresses_the_same_run(tmp_path: Path) -> None:
    run = made()
    plain, packed = write(run, tmp_path / "run.json"), write(run, tmp_path / "run.json.gz")
    assert packed.stat().st_size < plain.stat().st_size
    assert read(packed) == read(plain)
    before = packed.read_bytes()
    assert write(run, packed).read_bytes() == before


def test_a_partial_run_stands_beside_a_complete_one(tmp_path: Path) -> None:
    run = made()
    packed = write(run, tmp_path / "run.json.gz")
    run.status = "partial"
    assert write(run, packed) == tmp_path / "run.partial.json.gz"
    assert read(packed).status == "complete"


def test_what_cannot_be_unpacked_is_one_sentence(tmp_path: Path) -> None:
    packed = write(made(), tmp_path / "run.json.gz")
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(RunFileError, match=r"cannot be unpacked .*; make the run again\.$"):
        read(packed)
