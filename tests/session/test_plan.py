"""Plans: which tests a selection has, and expressions that choose them by their keys. Nothing is measured."""

import pytest
from gaugeblock.adapters.registry import adapter
from gaugeblock.conformance.session.expression import compiled
from gaugeblock.conformance.session.plan import (
    Plan,
    Selection,
    SelectionError,
    every_test,
    matches_device,
    named_test,
    plan,
)
from gaugeblock.conformance.trials.effort import EFFORTS

from tests import static


def ids(**more: str | tuple[str, ...]) -> set[str]:
    made: Plan = plan(Selection(frameworks=("numpy",), **more))  # type: ignore[arg-type]
    found = [test.id for test in made.tests]
    assert len(found) == len(set(found))
    return set(found)


def test_a_greater_effort_asks_what_a_smaller_one_asks() -> None:
    quick, standard, thorough = (ids(effort=effort) for effort in EFFORTS)
    assert quick < standard
    assert standard <= thorough
    assert {test.rpartition("/")[2] for test in standard - quick} >= {"combined", "dense", "long-rows", "large-batch"}


def test_cases_of_a_smaller_effort_are_cases_of_a_greater() -> None:
    names: dict[str, dict[str, frozenset[str]]] = {}
    for effort in EFFORTS:
        expression = "binary_cross_entropy/ and float32 and not recipe"
        made = plan(Selection(frameworks=("numpy",), effort=effort, expression=expression))
        names[effort] = {test.id: static.case_names(test.setting, test.check) for test in made.tests}
    for smaller, greater in (("quick", "standard"), ("standard", "thorough")):
        for test, cases in names[smaller].items():
            assert cases <= names[greater][test], test
    more = [test for test, cases in names["standard"].items() if cases < names["thorough"][test]]
    assert any("/combined" in test for test in more)


def test_a_test_is_found_by_its_id() -> None:
    made = plan(Selection(frameworks=("numpy",), expression="softmax/ and float32"))
    for test in made.tests:
        found = named_test("numpy", test.id, "standard")
        assert (found.id, found.setting, found.check.name) == (test.id, test.setting, test.check.name)


def test_a_selection_is_what_all_its_parts_hold_for() -> None:
    every = ids()
    assert ids(dtypes=("float16",)) == {each for each in every if "/float16/" in each}
    assert ids(expression="softmax and not gradient") == {
        each for each in every if "softmax" in each and "gradient" not in each
    }
    assert ids(dtypes=("int64",), expression="accuracy/") == {
        each for each in every if "/int64/" in each and "accuracy/" in each
    }
    assert ids(operations=("softmax",)) == {each for each in every if each.startswith("softmax/")}
    assert ids(operations=("*soft*",), checks=("value", "dens*")) == {
        each
        for each in every
        if "soft" in each.partition("/")[0] and each.endswith(("/value", "/dense", "/dense-gradient"))
    }
    assert ids(implementations=("numpy.textbook",)) == {each for each in every if "/numpy.textbook/" in each}
    assert ids(modes=("eager",)) == every
    assert ids(modes=("compiled",)) == set()
    assert ids(devices=("cpu",)) == every


def test_what_ends_in_the_code_of_another_is_held_to_its_bits_and_keeps_its_conventions() -> None:
    torch = adapter("torch")
    names = {each.id for each in torch.implementations}
    for each in torch.implementations:
        assert each.same_as is None or f"{each.operation}/{each.same_as}" in names
    (mode, *_) = torch.modes
    asked: dict[str, dict[str, set[str]]] = {}
    for effort in EFFORTS:
        for setting, check in every_test(torch, mode, effort=effort):
            if setting.implementation.operation == "softmax" and setting.dtype == "float32":
                asked.setdefault(effort, {}).setdefault(setting.implementation.name, set()).add(check.name)
    for effort, of in asked.items():
        alias, other = of["torch.nn.Softmax"], of["torch.softmax"]
        assert "same-bits" not in other
        assert ("same-bits" in alias) == (effort != "quick")
        assert {"default-axis-of-softmax", "two-plus-inf-logits"} <= alias & other
        assert ("value" in alias) == (effort == "thorough")


def test_frameworks_that_are_not_installed_stand_in_the_plan_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("jax", "torch"):
        monkeypatch.setattr(type(adapter(name)), "versions", lambda _: {})
    made = plan(Selection(frameworks=("numpy", "jax", "numpy", "keras"), expression="sigmoid and float32"))
    assert made.absent["jax"].startswith("jax is not installed; pip install '.[jax]'")
    assert {test.setting.implementation.framework for test in made.tests} <= {"numpy", "keras"}
    assert all("torch" in why for (_, mode), why in made.missing_modes.items() if mode.startswith("torch"))


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (Selection(effort="through"), "no effort 'through': did you mean 'thorough'"),
        (Selection(devices=("cpu:0",)), "no device 'cpu:0': did you mean 'cpu'"),
        (Selection(devices=("cuda:x",)), "no device 'cuda:x'"),
    ],
)
def test_names_that_do_not_exist_get_the_nearest(selection: Selection, message: str) -> None:
    with pytest.raises(SelectionError) as raised:
        plan(selection)
    assert message in str(raised.value)


def test_a_kind_of_device_stands_for_each() -> None:
    assert matches_device("cuda", "cuda:1")
    assert matches_device("cuda:1", "cuda:1")
    assert not matches_device("cuda:1", "cuda:10")
    assert not matches_device("cpu", "cuda:0")


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
