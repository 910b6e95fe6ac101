"""Steps: in words, and the batches that they cut."""

import numpy as np
from gaugeblock.conformance.cases.steps import Step, batches

RESULT = Step("result")


def test_steps_in_words() -> None:
    words = [str(step) for step in (Step("update", (0, 32), tile=4, repeat=16), Step("update", (11, None), on=1))]
    assert words == ["update metric 0 with rows 0:32 4 times over, 16 times", "update metric 1 with rows 11:"]
    others = (RESULT, Step("reset"), Step("merge", on=1, other=2), Step("copy", on=1))
    assert [str(step) for step in others] == [
        "result of metric 0",
        "reset metric 0",
        "merge metric 2 into metric 1",
        "copy metric 0 as metric 1",
    ]


def test_batches_are_cut_once_and_tiled() -> None:
    rows, labels = np.arange(6.0).reshape(3, 2), np.arange(3)
    update = Step("update", (1, None), tile=2)
    made = batches((update, RESULT, update, Step("update", (3, 3))), (rows, labels))
    assert set(made) == {((0, None), 1), ((1, None), 2), ((3, 3), 1)}
    np.testing.assert_array_equal(made[(1, None), 2][0], [[2, 3], [4, 5], [2, 3], [4, 5]])
    np.testing.assert_array_equal(made[(1, None), 2][1], [1, 2, 1, 2])
    assert [array.shape for array in made[(3, 3), 1]] == [(0, 2), (0,)]
    (whole,) = batches((RESULT,), (rows, labels)).values()
    np.testing.assert_array_equal(whole[0], rows)
