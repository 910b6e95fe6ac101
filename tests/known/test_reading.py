"""Files of known deviations: what can be written in them, and the sentence about each thing that cannot."""

from __future__ import annotations

from pathlib import Path

import pytest
from gaugeblock.conformance.known.conditions import When
from gaugeblock.conformance.known.deviation import KnownDeviation
from gaugeblock.conformance.known.reading import KnownError, parsed, read

GOOD = """[[known]]
id = "a"
kind = "accuracy"
why = "Because."
keys = ["softmax/*/*/*/*/value/*"]
when = { length = ">=1024", holds = ["nan"], parameters = { gamma = "<1" } }
at_most = 10
"""


def test_an_entry_is_read_as_it_stands() -> None:
    (entry,) = parsed(GOOD, "my.toml")
    assert entry == KnownDeviation(
        id="a", kind="accuracy", why="Because.", keys=("softmax/*/*/*/*/value/*",), at_most=10.0,
        when=When(length=">=1024", holds=("nan",), parameters={"gamma": "<1"}),
    )  # fmt: skip
    assert parsed("", "my.toml") == ()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'why = "Because."',
            'whi = "Because."',
            "the entry 'a' has the field 'whi', which does not exist: did",
        ),
        ("length =", "lenght =", "has the condition 'lenght', which does not exist: did you mean 'length'?"),
        (
            'kind = "accuracy"',
            "",
            "has the kind '': choose one of defect, accuracy, convention, limitation",
        ),
        ('"accuracy"', '"bad"', "has the kind 'bad': choose one of"),
        ('"accuracy"', '"defect"', "is a defect with no link: name the upstream issue, or write reported = false"),
        ('id = "a"', "", "has an entry without an id"),
        ('why = "Because."', "", "does not say why"),
        ('keys = ["softmax/*/*/*/*/value/*"]', "", "has no keys"),
        ("/value/*", "/value", "has the key 'softmax/*/*/*/*/value' of 6 parts"),
        ("at_most = 10", "", "explains nothing: give one of at_most,"),
        ("at_most = 10", 'at_most = 1\ncomputed_in = "float8"', "is computed in 'float8', which is none of float16,"),
        ("at_most = 10", 'at_most = "ten"', "has a wrong at_most: expected `float`, got `str`"),
        ("at_most = 10", 'gives = ["nun"]', "has a wrong gives[0]: invalid enum value 'nun'"),
        ("at_most = 10", 'at_most = 1\nversions = ["torch~2"]', "has the version 'torch~2', which is no requirement"),
        ("at_most = 10", 'at_most = 1\nlink = "https://x"\nreported = false', "has a link and reported = false"),
        ('">=1024"', '"many"', "has the range 'many', where '>=1024' or"),
        ('"<1"', '"<one"', "has the range '<one', where"),
        ('["nan"]', '["nun"]', "has 'nun' as holds, which is none of nan, infinity, zero"),
        ('holds = ["nan"]', 'instruction_set = ["avx9"]', "has 'avx9' as instruction_set, which is none of baseline,"),
        ('holds = ["nan"]', 'platform = ["dos"]', "has 'dos' as platform, which is none of linux,"),
        ("[[known]]", "[[knwon]]", "my.toml has 'knwon' at its top level, where [[known]] entries are meant"),
        ("[[known]]", "[[known]", "my.toml is no TOML: "),
        ("[[known]]", "[known]", "my.toml has 'known' at its top level"),
        (GOOD, GOOD + GOOD, "two known deviations have the id 'a': give one another name"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_sentence(old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(KnownError) as raised:
        parsed(GOOD.replace(old, new, 1), "my.toml")
    said = str(raised.value)
    assert message in said
    assert said.endswith((".", "?."))
    assert "\n" not in said


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(KnownError, match=r"my\.toml cannot be read \(No such file or directory\); name a file"):
        read(tmp_path / "my.toml")
    (tmp_path / "latin.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(KnownError, match=r"cannot be read \(it is no UTF-8 text\)"):
        read(tmp_path / "latin.toml")
