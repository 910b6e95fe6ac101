"""Expressions that choose tests by their keys."""

import pytest
from gaugeblock.conformance.session.expression import compiled

KEYS = ("softmax/torch.softmax/float16/cpu/eager/value", "sigmoid/numpy.stable/float32/cpu/eager/gradient")


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("", (True, True)),
        ("  ", (True, True)),
        ("softmax", (True, False)),
        ("SoftMax/Torch", (True, False)),
        ("numpy.stable", (False, True)),
        ("cpu and not gradient", (True, False)),
        ("not not softmax", (True, False)),
        ("softmax or sigmoid and float16", (True, False)),
        ("(softmax or sigmoid)and(float32)", (False, True)),
        ("eager/value or float32", (True, True)),
        ("not (softmax or sigmoid)", (False, False)),
        ("android or order or nothing", (False, False)),
    ],
)
def test_an_expression_holds_for_keys(expression: str, holds: tuple[bool, bool]) -> None:
    assert tuple(map(compiled(expression), KEYS)) == holds


@pytest.mark.parametrize(
    "expression",
    [
        "softmax sigmoid", "softmax (float16)", "()", "(softmax", "softmax)", "not", "or", "softmax and", "a = b",
        "a , b",
    ],
)  # fmt: skip
def test_what_is_no_expression_is_said(expression: str) -> None:
    with pytest.raises(ValueError, match="is no expression of parts of keys") as raised:
        compiled(expression)
    assert str(raised.value).startswith(f"'{expression}'")
