import hashlib
import json
import math
from importlib import resources
from pathlib import Path
from typing import Any

import ml_dtypes
import msgspec
import numpy as np
import pytest
from gaugeblock.reports import records, runfile
from gaugeblock.reports.records import Exceptions, Run, StoredArray, Wording
from gaugeblock.reports.runfile import RunFileError, decode, encode
from gaugeblock.reports.values import lines
from msgspec.structs import replace

from .synthetic import CASE, DEVIATES, checked, key, make_run, observation

INFINITE = observation(key(), "deviates", error=math.inf)

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
    back = decode(msgspec.json.decode(msgspec.json.encode(encode(array)), type=StoredArray))
    native = array.astype(array.dtype.newbyteorder("="))
    assert back.shape == array.shape
    assert back.dtype == native.dtype
    assert back.tobytes() == native.tobytes()


@pytest.mark.parametrize(
    "stored",
    [
        StoredArray("float32", [2], data="AAAA"),
        StoredArray("float32", [3], data="AA=="),
        StoredArray("float99", [0], data=""),
        StoredArray("float32", [1], data="not base64"),
        StoredArray("float32", [1], sha256="0" * 64),
        StoredArray("float32", [3], data="", repeated=True),
        StoredArray("float32", [3], data="AA==", repeated=True),
        StoredArray("float32", [3], data="AAAAAA==", repeated=True, but=Exceptions([3], "AAAAAA==")),
        StoredArray("float32", [3], data="AAAAAA==", repeated=True, but=Exceptions([0, 1, 2], "AAAAAAAAAAA=")),
        StoredArray("float32", [3], data="AAAAAA==", repeated=True, but=Exceptions([0], "not base64")),
    ],
)
def test_damaged_array_is_one_sentence(stored: StoredArray) -> None:
    with pytest.raises(RunFileError, match=r"^An array of dtype float\d+ .* is damaged .*; make the run again\.$"):
        decode(stored)


def test_run_round_trip(mixed: Run, tmp_path: Path) -> None:
    path = runfile.write(mixed, tmp_path / "deep" / "run.json")
    back = runfile.read(path)
    assert back == mixed
    assert [each.key for each in back.observations] == sorted(each.key for each in mixed.observations)
    assert runfile.dumps(back) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is not JSON"),
        ('{"format": 2', "is not JSON"),
        ('{"format": 2, "observations": [], "seconds": {"total": NaN}}', "is not JSON"),
        ('{"format": 1, "observations": [', "is not JSON"),
        ("\udcff", "is not JSON"),
        ('{"format": 2, "created": "\udcff"}', "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "is not a gaugeblock run file"),
        ('{"format": 2}', "is not a gaugeblock run file"),
        ('{"format": 1, "observations": []}', "has run-file format 1, and this gaugeblock reads format 2"),
        ('{"observations": []}', "has run-file format None, and this gaugeblock reads format 2"),
        ('{"format": 2, "observations": []}', "at its top level, Object missing required field `suite`"),
    ],
)
def test_malformed_files_are_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(RunFileError) as caught:
        runfile.read(path)
    message = str(caught.value)
    assert message.startswith(f"{path} {sentence}" if "at its" not in sentence else str(path))
    assert sentence in message
    assert "\n" not in message
    assert message.endswith(".")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(RunFileError, match="does not exist; make it with 'gaugeblock run"):
        runfile.read(tmp_path / "none.json")


def test_a_folder_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(RunFileError, match=r"cannot be read \(.*\); make the run again\."):
        runfile.read(tmp_path)


ONE = ("observations", 0)
X = ("cases", CASE, "inputs", "x")


@pytest.mark.parametrize(
    ("place", "value", "sentence"),
    [
        (("status",), "fine", "at status, Invalid enum value 'fine'"),
        (("colour",), "red", "at its top level, Object contains unknown field `colour`"),
        ((*ONE, "key"), "sigmoid/alpha.sigmoid", "at observations/0/key, Expected `str` matching regex"),
        ((*ONE, "verdict"), "documented", "at observations/0/verdict, Invalid enum value 'documented'"),
        ((*ONE, "error"), "much", "at observations/0/error, Expected `float | null`, got `str`"),
        ((*ONE, "error"), -1.0, "at observations/0/error, Expected `float` >= 0"),
        ((*ONE, "allowed"), 1e301, "at observations/0/allowed, Expected `float` <= 1e+300"),
        ((*ONE, "expectation"), "old", "at observations/0, Object contains unknown field `expectation`"),
        ((*ONE, "reproduction"), {"calls": [], "expected": {}},
         "at observations/0/reproduction/calls, Expected `array`"),
        ((*X, "shape"), [-1], "at cases/.../inputs/.../shape/0, Expected `int` >= 0"),
        ((*X, "data"), "not base64", f"the input {CASE}: An array of dtype float32 in the run file is damaged"),
        ((*X, "sha256"), "0" * 64, f"the input {CASE}: An array has either data or their digest;"),
        (X, {"dtype": "float32", "shape": [1]}, f"the input {CASE}: An array has either data or their digest;"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_place(place: tuple[Any, ...], value: Any, sentence: str) -> None:
    document = msgspec.to_builtins(make_run([observation(key())]))
    *outer, last = place
    part = document
    for step in outer:
        part = part[step]
    part[last] = value
    with pytest.raises(RunFileError) as caught:
        runfile.parsed(msgspec.json.encode(document), "it.json")
    message = str(caught.value)
    assert message.startswith(f"it.json is not a valid run file: {sentence}")
    assert message.endswith("; make the run again.")


def test_a_key_twice_is_refused() -> None:
    run = make_run([observation(key())])
    run.observations.append(observation(key(), "deviates", **DEVIATES))
    with pytest.raises(RunFileError, match=f"the key {key()} stands twice"):
        checked(run)


@pytest.mark.parametrize("table", ["operations", "implementations", "checks", "cases", "known", "frameworks"])
def test_a_dangling_reference_is_refused(table: str, mixed: Run) -> None:
    with pytest.raises(RunFileError, match=f"not among its {table}"):
        checked(replace(mixed, **{table: {}}))


def test_the_order_of_parameters_is_kept() -> None:
    run = make_run([observation(key())])
    run.operations["sigmoid"].parameters = {"second": "2", "first": "1"}
    assert list(checked(run).operations["sigmoid"].parameters) == ["second", "first"]


def test_a_whole_number_among_the_constants_of_a_wording_stays_one() -> None:
    run = make_run([observation(key())])
    run.frameworks["alpha"].scripts["eager"] = Wording([], {}, False, "array", "answer", constants={"opset": 20})
    wording = checked(run).frameworks["alpha"].scripts["eager"]
    assert repr(wording.constants) == "{'opset': 20}"


@pytest.mark.parametrize("status", ["partial", "broken"])
def test_an_incomplete_run_never_replaces_a_complete_one(status: str, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    good = make_run([observation(key())])
    runfile.write(good, path)
    before = path.read_bytes()
    beside = runfile.write(make_run([], status=status), path)
    assert beside == tmp_path / f"run.{status}.json"
    assert runfile.read(beside).status == status
    assert path.read_bytes() == before


def test_an_incomplete_run_gives_way_to_any(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    assert runfile.write(make_run([], status="partial"), path) == path
    assert runfile.write(make_run([observation(key())], status="partial"), path) == path
    assert runfile.write(make_run([observation(key())]), path) == path
    assert runfile.read(path).status == "complete"


@pytest.mark.parametrize(
    "fault", [{"status": "fine"}, {"observations": [observation(key())] * 2}, {"observations": [INFINITE]}]
)
def test_an_invalid_run_is_not_written(fault: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(RunFileError):
        runfile.write(replace(make_run([observation(key())]), **fault), tmp_path / "run.json")
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


def test_large_arrays_are_stored_by_digest(mixed: Run, tmp_path: Path) -> None:
    large = np.arange(runfile.LARGE, dtype=np.float64)
    stored = encode(large)
    assert stored == StoredArray("float64", [runfile.LARGE], sha256=hashlib.sha256(large.tobytes()).hexdigest())
    assert encode(large[: runfile.LARGE // 8]).data is not None
    mixed.cases[CASE].inputs["x"] = stored
    back = runfile.read(runfile.write(mixed, tmp_path / "run.json"))
    assert back.cases[CASE].inputs["x"] == stored
    assert lines(stored) == [f"\u2026 {runfile.LARGE} elements, which the suite draws anew"]


@pytest.mark.parametrize("dtype", [np.float32, ml_dtypes.bfloat16, bool])
def test_large_arrays_that_repeat_are_stored_in_short(dtype: Any) -> None:
    array = np.tile(np.array([0.0, 1.0, 1.0]), (9000, 1)).astype(dtype)
    array[0, 0], array[5000, 1] = 1, 0
    stored = encode(array)
    assert (stored.sha256, stored.repeated, len(stored.data or "")) == (None, True, 4 * array.itemsize)
    assert stored.but.at == [0, 15001]
    assert decode(stored).tobytes() == array.tobytes()


def unordered(value: Any) -> Any:
    """A JSON value without the order of its lists: versions of msgspec list alternatives in one or another."""
    if isinstance(value, dict):
        return {name: unordered(each) for name, each in value.items()}
    return sorted(map(unordered, value), key=repr) if isinstance(value, list) else value


def test_the_schema_is_that_of_the_records() -> None:
    stored = resources.files("gaugeblock.reports").joinpath("run.schema.json").read_text(encoding="utf-8")
    again = "make it again: python -m gaugeblock.reports.records > reports/run.schema.json"
    assert unordered(json.loads(stored)) == unordered(records.schema()), again
