from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from gaugeblock.reports import runfile
from gaugeblock.reports.runfile import RunFileError, decode, encode
from gaugeblock.reports.values import lines
from synthetic import DEVIATES, key, make_run, observation

ARRAYS = {
    "float16": np.array([1.5, -0.0, np.nan, np.inf, 6e-8], np.float16),
    "bfloat16": np.array([1.5, -0.0, np.nan, -np.inf], ml_dtypes.bfloat16),
    "float8": np.array([1.5, -0.0, np.nan], ml_dtypes.float8_e4m3fn),
    "float32": np.array([[1e-45, -0.0], [np.nan, 3.4e38]], np.float32),
    "float64": np.array([5e-324, -0.0, np.nan, -np.inf]),
    "payload": np.array([0x7FF8000000000001, 0xFFF8000000000000], np.uint64).view(np.float64),
    "int64": np.array([-(2**63), 2**63 - 1, 2**53 + 1]),
    "bool": np.array([True, False]),
    "empty": np.zeros((0, 3), np.float32),
    "scalar": np.array(-0.0),
    "big-endian": np.array([1.5, 2.5], ">f4"),
    "strided": np.arange(12.0).reshape(3, 4)[:, ::2],
}


@pytest.mark.parametrize("name", ARRAYS)
def test_array_round_trip(name: str) -> None:
    array = ARRAYS[name]
    back = decode(json.loads(json.dumps(encode(array))))
    native = array.astype(array.dtype.newbyteorder("="))
    assert back.shape == array.shape
    assert back.dtype == native.dtype
    assert back.tobytes() == native.tobytes()


@pytest.mark.parametrize(
    "stored",
    [
        {"dtype": "float32", "shape": [2], "data": "AAAA"},
        {"dtype": "float32", "shape": [3], "data": "AA=="},
        {"dtype": "float99", "shape": [0], "data": ""},
        {"dtype": "float32", "shape": [1], "data": "not base64"},
    ],
)
def test_damaged_array_is_one_sentence(stored: dict[str, object]) -> None:
    with pytest.raises(RunFileError, match=r"^An array of dtype float\d+ .* is damaged .*; make the run again\.$"):
        decode(stored)


def test_run_round_trip(mixed: runfile.Run, tmp_path: Path) -> None:
    path = runfile.write(mixed, tmp_path / "deep" / "run.json")
    back = runfile.read(path)
    assert back["observations"] == sorted(mixed["observations"], key=lambda o: o["key"])
    assert {**back, "observations": None} == {**mixed, "observations": None}
    assert runfile.dumps(back) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not JSON"),
        ('{"format": 1', "is not JSON"),
        ("[]", "is not a gaugeblock run file"),
        ('{"format": 1}', "is not a gaugeblock run file"),
        ('{"format": 2, "observations": []}', "run-file format 2, and this gaugeblock reads format 1"),
        ('{"format": 1, "observations": []}', "is a required property"),
        ("\udcff", "cannot be read"),
    ],
)
def test_malformed_files_are_one_sentence(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(RunFileError) as caught:
        runfile.read(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert says in message
    assert "\n" not in message
    assert message.endswith(".")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(RunFileError, match="does not exist; make it with 'gaugeblock run"):
        runfile.read(tmp_path / "none.json")


def test_a_key_of_too_few_parts_is_refused() -> None:
    run = make_run([observation(key())])
    run["observations"][0]["key"] = "sigmoid/alpha.sigmoid"
    with pytest.raises(RunFileError, match="at observations/0/key"):
        runfile.validate(run, "it")


def test_a_key_twice_is_refused() -> None:
    run = make_run([observation(key())])
    run["observations"].append(observation(key(), "deviates", **DEVIATES))
    with pytest.raises(RunFileError, match="stands twice"):
        runfile.validate(run, "it")


@pytest.mark.parametrize("table", ["operations", "implementations", "checks", "expectations", "frameworks"])
def test_a_dangling_reference_is_refused(table: str, mixed: runfile.Run) -> None:
    run = {**copy.deepcopy(mixed), table: {}}
    with pytest.raises(RunFileError, match=f"not among its {table}"):
        runfile.validate(run, "it")


@pytest.mark.parametrize("status", ["partial", "broken"])
def test_an_incomplete_run_never_replaces_a_complete_one(status: str, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    good = make_run([observation(key())])
    runfile.write(good, path)
    before = path.read_bytes()
    beside = runfile.write(make_run([], status=status), path)
    assert beside == tmp_path / f"run.{status}.json"
    assert runfile.read(beside)["status"] == status
    assert path.read_bytes() == before


def test_an_incomplete_run_gives_way_to_any(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    assert runfile.write(make_run([], status="partial"), path) == path
    assert runfile.write(make_run([observation(key())], status="partial"), path) == path
    assert runfile.write(make_run([observation(key())]), path) == path
    assert runfile.read(path)["status"] == "complete"


def test_an_invalid_run_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    with pytest.raises(RunFileError):
        runfile.write({**make_run([]), "status": "fine"}, path)
    assert list(tmp_path.iterdir()) == []


def test_writing_leaves_the_old_file_when_it_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "text"
    runfile.write_text(path, "old")

    def fail(*_: object) -> Path:
        raise OSError("disk")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disk"):
        runfile.write_text(path, "new")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["text"]


def test_case_name() -> None:
    assert runfile.case_name(key(case="big")) == "sigmoid/float32/value/big"


def test_large_arrays_are_stored_by_digest(mixed: runfile.Run, tmp_path: Path) -> None:
    large = np.arange(runfile.LARGE, dtype=np.float64)
    stored = encode(large)
    assert stored == {
        "dtype": "float64",
        "shape": [runfile.LARGE],
        "sha256": hashlib.sha256(large.tobytes()).hexdigest(),
    }
    assert "data" in encode(large[: runfile.LARGE // 8])
    name = next(iter(mixed["cases"]))
    mixed["cases"][name]["inputs"]["x"] = stored
    back = runfile.read(runfile.write(mixed, tmp_path / "run.json"))
    assert back["cases"][name]["inputs"]["x"] == stored
    assert lines(stored) == [f"\u2026 {runfile.LARGE} elements, which the suite draws anew"]
