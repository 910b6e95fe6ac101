"""Values beside the exact ones: how errors are counted and classed, and what is asked of whom."""

from typing import Any

import ml_dtypes
import numpy as np
from gaugeblock.conformance.trials.setting import Setting

from tests import static
from tests.planted import BCE, Array, RefusalError, bce, noisy_at_one_input, observe, sigmoid, verdicts, wide
from tests.zoo.variants_by_check import hinge_gradient, weighted_brier


def test_the_smallest_fault_is_counted_in_ulp() -> None:
    found = observe("value", "sigmoid", noisy_at_one_input)
    beyond = [each for each in found.values() if each.verdict == "deviates"]
    assert beyond[0].witness.at == [7]
    for each in beyond:
        assert abs(each.error - 100) < 1
        assert each.accuracy == "beyond"
        assert float.fromhex(each.witness.got) > float.fromhex(each.witness.nearest)


def test_classes_of_accuracy() -> None:
    def truncated(x: Array) -> Array:
        bits = sigmoid(x.astype(np.float64)).astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
        return bits.view(np.float32).astype(ml_dtypes.bfloat16)

    def two_off(x: Array) -> Array:
        return np.nextafter(np.nextafter(wide(sigmoid)(x), np.float32(2)), np.float32(2))

    for function, dtype, accuracy, low, high in (
        (wide(sigmoid), "float32", "correctly rounded", 0, 0.5),
        (truncated, "bfloat16", "faithful", 0.5, 1),
        (two_off, "float32", "within bound", 1.5, 2.5),
    ):
        found = observe("value", "sigmoid", function, dtype=dtype)["ordinary"]
        assert (found.verdict, found.accuracy) == ("conforms", accuracy)
        assert low <= found.error <= high


def test_a_refusal_is_unsupported_and_costs_only_the_refused_case() -> None:
    def refuses_infinities(x: Array) -> Array:
        if np.isinf(x).any():
            raise RefusalError("infinite input")
        return wide(sigmoid)(x)

    found = observe("value", "sigmoid", refuses_infinities)
    refused = {case for case, verdict in verdicts(found).items() if verdict == "unsupported"}
    assert refused == {"plus-inf", "minus-inf"}
    assert set(verdicts(found).values()) == {"unsupported", "conforms"}
    assert found["plus-inf"].message == "RefusalError: infinite input"


def test_losses_offered_as_a_mean_alone_are_asked_one_by_one() -> None:
    call = "planted(y_true, y_pred) * (1 if reduction == 'mean' else len(y_true))"
    found = observe("value", BCE, wide(lambda t, p: bce(t, p).mean()), reduction=("mean", "sum"), call=call)
    assert {"ordinary-right", "mean-ordinary-right", "sum-ordinary-right"} <= found.keys()
    assert set(verdicts(found).values()) == {"conforms"}


def test_weights_are_not_asked_of_single_means() -> None:
    """A loss that only comes as a mean over weights is asked sample by sample without them."""
    call = "planted(sample_weight, y_true, y_pred)"
    found = observe("value", "brier_score", weighted_brier, call=call, reduction="mean")
    assert "weighted-mean-ordinary-right" in found
    assert "weighted-ordinary-right" not in found


def test_a_loss_that_comes_as_a_mean_alone_is_differentiated_as_a_mean() -> None:
    def mean(y: Array, s: Array) -> Any:
        return np.maximum(1 - y * s, 0).mean()

    found = observe("gradient", "hinge", wide(mean), gradient=wide(hinge_gradient), reduction="mean")
    assert set(found) == {"mean-ordinary-plus", "mean-ordinary-minus", "mean-ordinary-mixed"}
    assert set(verdicts(found).values()) == {"conforms"}


def test_what_autodiff_does_not_know_has_no_gradient() -> None:
    asked = {setting.implementation.id for setting, check in static.tests() if check.kind == "gradient"}
    assert "sigmoid/torch.Tensor.sigmoid_" in asked
    assert "sigmoid/torch.sigmoid" in asked
    assert "sigmoid/torch.sigmoid-out" not in asked
    into: list[Setting] = [each for each, _ in static.tests() if each.implementation.name.endswith("-out")]
    assert into
    assert not any(setting.mode.compiled for setting in into)
