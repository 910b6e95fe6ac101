"""Truths on disk: what is kept comes back whole, and nothing that happens to the cache stops a run."""

from pathlib import Path

import numpy as np
import pytest
from gaugeblock.reference import cached_truth
from gaugeblock.reference.cached_truth import Store, _key, definitions, folder
from gaugeblock.reference.catalogue import operation
from gaugeblock.reference.formats import FORMATS
from gaugeblock.reference.truth import Truth


def truth(*shape: int, asked: bool = False) -> Truth:
    numbers = np.linspace(-1, 1, int(np.prod(shape))).reshape(shape)
    numbers.flat[:1] = np.nan
    positive = numbers > 0
    residual = np.stack([numbers / 3, numbers * 2.0**-60])
    return Truth(numbers, np.full(shape, 2.0**-24), residual, ~positive, positive if asked else None)


@pytest.mark.parametrize("shape", [(), (3,), (2, 5), (0, 4)])
@pytest.mark.parametrize("asked", [False, True])
def test_a_truth_comes_back_as_it_was(shape: tuple[int, ...], asked: bool, tmp_path: Path) -> None:
    kept = truth(*shape, asked=asked)
    Store(tmp_path).put(b"one", kept)
    back = Store(tmp_path).get(b"one")
    assert back is not None
    for name in ("nearest", "ulp", "residual", "undecided"):
        np.testing.assert_array_equal(getattr(back, name), getattr(kept, name))
    if asked and not np.asarray(kept.asked).all():
        np.testing.assert_array_equal(back.asked, kept.asked)
    else:
        assert back.asked is None
    assert Store(tmp_path).get(b"other") is None


def test_a_file_that_is_no_database_is_ignored(tmp_path: Path) -> None:
    (tmp_path / f"truths-{definitions()}.sqlite").write_bytes(b"not a database" * 100)
    store = Store(tmp_path)
    store.put(b"one", truth(3))
    assert store.get(b"one") is None


def test_a_folder_that_cannot_be_made_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    store = Store(tmp_path / "file" / "cache")
    store.put(b"one", truth(3))
    assert store.get(b"one") is None


def test_the_folder_can_be_chosen_and_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAUGEBLOCK_CACHE", str(tmp_path))
    assert folder() == tmp_path
    monkeypatch.setenv("GAUGEBLOCK_CACHE", "")
    assert folder() is None
    monkeypatch.delenv("GAUGEBLOCK_CACHE")
    assert folder() is not None
    assert Store(None).get(b"one") is None


def test_other_definitions_have_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("first", "second", "third", "fourth"):
        monkeypatch.setattr(cached_truth, "definitions", lambda version=version: version)
        store = Store(tmp_path)
        assert store.get(b"one") is None
        store.put(b"one", truth(3))
    left = {path.name for path in tmp_path.glob("truths-*.sqlite")}
    assert left == {"truths-fourth.sqlite"}


def test_what_is_kept_has_a_limit_and_can_be_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GAUGEBLOCK_CACHE", str(tmp_path))
    monkeypatch.setattr(cached_truth, "LIMIT", 200_000)
    store = Store(tmp_path)
    for number in range(2000):
        store.put(f"{number}".encode(), truth(number))
    assert store.get(b"0") is not None
    assert store.get(b"1999") is None
    assert 0 < cached_truth.kept() < 10_000_000
    cached_truth.clear()
    assert cached_truth.kept() == 0


def test_the_same_numbers_have_one_truth_in_every_dtype_that_holds_them() -> None:
    def key(labels: list[int], label_dtype: str, weight_dtype: str) -> bytes:
        inputs = {
            "sample_weight": np.array([1, 2], weight_dtype),
            "labels": np.array(labels, label_dtype),
            "logits": np.eye(2, dtype=np.float32),
        }
        op = operation("sparse_categorical_cross_entropy_with_logits")
        return _key(op, FORMATS["float32"], inputs, {})

    plain = key([0, 1], "int64", "float32")
    others = {key([0, 1], labels, weights) for labels in ("int8", "uint16") for weights in ("uint8", "float64")}
    assert others == {plain}
    assert key([1, 0], "int8", "float32") != plain
    assert key([2**53, 0], "int64", "float32") != key([2**53 + 1, 0], "int64", "float32")
    assert key([2**63, 0], "uint64", "float32") != key([2**63 + 1, 0], "uint64", "float32")
