"""The main job on NumPy and scikit-learn, as the README's quick command runs it."""

from collections import Counter

import pytest
from gaugeblock.reports import runfile
from gaugeblock.reports.records import Run

from tests.invoking import measured

STORY = "categorical_cross_entropy/sklearn.metrics.log_loss/float64/cpu/eager/value/mean-three-animals-model-{}"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return measured(tmp_path_factory.mktemp("job") / "quick.json", "-f", "numpy", "-f", "sklearn")


def test_every_deviation_is_known(run: Run) -> None:
    assert run.status == "complete"
    verdicts = Counter(observation.verdict for observation in run.observations)
    assert verdicts["conforms"] > 2000
    assert verdicts["known"] > 100
    assert set(verdicts) <= {"conforms", "known", "unsupported"}


def test_textbook_forms_overflow_and_stable_ones_conform(run: Run) -> None:
    sigmoid = "sigmoid/{}/float32/cpu/eager/value/subnormal-results"
    softmax = "softmax/{}/float32/cpu/eager/value/large-offset-10"
    overflowing = runfile.found(run, sigmoid.format("numpy.textbook"))
    assert overflowing.verdict == "known"
    assert float.fromhex(overflowing.witness.got) == 0.0
    wrong = runfile.found(run, softmax.format("numpy.textbook"))
    assert wrong.accuracy == "wrong"
    assert wrong.witness.got == "nan"
    for key in (sigmoid, softmax):
        assert runfile.found(run, key.format("numpy.stable")).verdict == "conforms"


def test_stable_forms_conform_everywhere(run: Run) -> None:
    # They are forms for floats and integer labels: what unsigned numbers and float labels do is reported, not promised.
    wrong = [
        each
        for each in run.observations
        if "/numpy.stable/" in each.key and "/input-dtype/" not in each.key and each.verdict != "conforms"
    ]
    # NumPy has no maximum of nothing; dense lines reach a quotient and a sum that are beyond the largest number.
    beyond = ("kl_divergence/numpy.stable/", "multi_margin/numpy.stable/")
    assert [each.key for each in wrong if "/dense/" in each.key and not each.key.startswith(beyond)] == []
    rest = [each for each in wrong if "/dense/" not in each.key]
    known = ("/label-dtype/", "/shapes/size-zero-axis")
    assert [each.key for each in rest if not any(part in each.key for part in known)] == []
    assert {each.verdict for each in rest} == {"unsupported"}


def test_expit_reaches_two_and_a_half_ulp(run: Run) -> None:
    found = runfile.found(run, "sigmoid/scipy.special.expit/float32/cpu/eager/value/worst-known")
    assert 2.0 < found.error < 3.0


@pytest.mark.parametrize(
    ("model", "figure", "printed"),
    [(1, 1.3783888522474517, 1.3783888722474517), (2, 0.6391075640678003, 0.6391075640678003)],
)
def test_log_loss_of_three_animals(run: Run, model: int, figure: float, printed: float) -> None:
    """The second figure that the story prints is the loss to the last bit; the first is not the loss at all."""
    found = runfile.found(run, STORY.format(model))
    assert found.verdict == "conforms"
    assert float.fromhex(found.witness.got) == figure
    assert (abs(printed - float(found.witness.expected)) < 1e-12) == (model == 2)


def test_the_run_says_which_printed_figure_is_not_the_loss(run: Run) -> None:
    labels = {
        each.key.rpartition("/")[2]: each.label
        for each in run.observations
        if "/sklearn.metrics.log_loss/" in each.key and "/three-animals-model-" in each.key and each.label
    }
    assert labels == {"three-animals-model-1": "no, it is 1.3783888522474517", "three-animals-model-2": "yes"}
