import ml_dtypes
import numpy as np
import pytest
from gaugeblock.reports import values
from gaugeblock.reports.records import Run, Witness
from gaugeblock.reports.runfile import RunFileError, encode
from gaugeblock.reports.show import show

from .synthetic import CASE, Renderer, key, make_run, observation


def test_show_has_everything(mixed: Run, renderer: Renderer) -> None:
    text = renderer(show(mixed, key(case="three")), width=120)
    for fact in (
        "≈ known", "sigmoid/alpha.sigmoid/float32/cpu/eager/value/three", "return 1 / (1 + exp(-x))",
        "A textbook, p. 1", "4 ULP", "Is the answer within the bound?", "alpha.sigmoid(x)", "axis", "[0] 0x1.8p+0  1.5",
        "[1] -0x0p+0  -0.0", "[2] nan", "0.81757447619364365937", "0x1.a29918p-1 (0.81757426)",
        "0x1.a29926p-1 (0.8175747)", "9 ULP", "beyond", "1111111111111111", "further than the bound allows",
        "alpha-overflow", "It overflows.", "https://example.org/issue/1", "alpha 1.0", "cpu (Some processor)",
        "flushes_subnormals=False", "3.11.9",
    ):  # fmt: skip
        assert fact in text, fact


def test_show_without_inputs_or_measurement(mixed: Run, renderer: Renderer) -> None:
    next(each for each in mixed.observations if each.key == key("beta.sigmoid")).case = None
    text = renderer(show(mixed, key("beta.sigmoid")))
    assert "beta refuses" in text
    assert "Input" not in text


def test_unknown_key_names_near_ones(mixed: Run) -> None:
    with pytest.raises(RunFileError) as caught:
        show(mixed, key(case="onee"))
    assert key(case="one") in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(RunFileError, match="no observation with the key 'zzz'"):
        show(mixed, "zzz")


def test_long_input_keeps_its_ends_and_the_witness(renderer: Renderer) -> None:
    run = make_run([observation(key(), witness=Witness([500], "1", "0x1p+0"))])
    run.cases[CASE].inputs["x"] = encode(np.arange(1000, dtype=np.float32))
    text = renderer(show(run, key()))
    assert "[0] 0x0p+0  0.0" in text
    assert "[500] 0x1.f4p+8  500.0" in text
    assert "[999]" in text
    assert "… 496 more" in text
    assert "[501]" not in text


def test_witness_of_a_row_shows_the_row() -> None:
    stored = encode(np.arange(300).reshape(100, 3))
    shown = [element.at for element in values.elements(stored, [50]) if not element.skipped]
    assert [at for at in shown if at[0] == 50] == [(50, 0), (50, 1), (50, 2)]
    assert len(shown) <= values.SHOWN


@pytest.mark.parametrize("at", [[], [7, 7, 7], [400], [-1]])
def test_a_witness_that_does_not_fit_the_input_is_no_fault(at: list[int]) -> None:
    shown = values.elements(encode(np.zeros(100)), at)
    assert sum(element.skipped or 1 for element in shown) == 100


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.array([0.1], np.float32), ["[0] 0x1.99999ap-4  0.1"]),
        (np.array([0.1], np.float16), ["[0] 0x1.998p-4  0.1"]),
        (np.array([0.1], ml_dtypes.bfloat16), ["[0] 0x1.9ap-4  0.100098"]),
        (np.array([5e-324]), ["[0] 0x0.0000000000001p-1022  5e-324"]),
        (np.array([8192, 6e-5], np.float16), ["[0] 0x1p+13  8192.0", "[1] 0x1.f78p-15  6e-05"]),
        (np.array([-3, 2**62]), ["[0] -3", "[1] 4611686018427387904"]),
        (np.array([True]), ["[0] True"]),
        (np.array(-np.inf), ["-inf"]),
        (np.zeros((0, 2)), ["(empty)"]),
    ],
)
def test_lines(array: np.ndarray, expected: list[str]) -> None:
    assert values.lines(encode(array)) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0, "0"),
        (0.5, "0.5"),
        (2.468, "2.47"),
        (1234.5, "1234"),
        (8388607.0, "8.39e6"),
        (1e-9, "1e-9"),
        (2.0**129, "6.81e38"),
    ],
)
def test_ulp(value: float | None, text: str) -> None:
    assert values.ulp(value) == text


def test_decimal_of_an_answer() -> None:
    assert values.both("0x1.99999a0000000p-4", "float32") == "0x1.99999ap-4 (0.1)"
    assert values.both("0x1.99999999999ap-4", "float32") == "0x1.99999999999ap-4 (0.10000000000000009)"
    assert values.both("nan", "float32") == "nan"
    assert values.both("10", "float32") == "10"
    assert values.both("0x1p+2000", "float64") == "0x1p+2000"
