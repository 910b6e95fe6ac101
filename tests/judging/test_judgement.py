"""Errors in ULP, verdicts, digests and allowances."""

import math
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from gaugeblock.conformance.execution.call import NoAnswer
from gaugeblock.conformance.judging.allowance import allowance, condition, condition_of_reduced
from gaugeblock.conformance.judging.judgement import FLUSHED, Judgement, answer_format, classify, judge, unanswered
from gaugeblock.conformance.judging.policy import RELAXED, STRICT, Policy
from gaugeblock.conformance.judging.ulp_error import LARGEST_ERROR, digest, errors
from gaugeblock.reference.catalogue import OPERATIONS
from gaugeblock.reference.engine import evaluate
from gaugeblock.reference.formats import FORMATS
from gaugeblock.reference.operations import Bound
from gaugeblock.reference.truth import Truth
from gaugeblock.reports.verdicts import Verdict

F32, F64 = FORMATS["float32"], FORMATS["float64"]


def truth(nearest: Any, fmt: Any = F32, residual: float | list[float] = 0.0, undecided: Any = False) -> Truth:
    """A truth of which the nearest number and the residual are given."""
    near = np.asarray(nearest, dtype=np.float64)
    exponents = np.frexp(np.where(np.isfinite(near), near, 1.0))[1] - 1
    exponents = np.where(near == 0, fmt.emin, exponents)
    ulp = np.ldexp(1.0, np.vectorize(fmt.ulp_exponent, otypes=[int])(exponents))
    rest = np.broadcast_to(residual, near.shape).astype(float)
    return Truth(near, ulp, np.stack([rest, 0 * rest]), np.broadcast_to(undecided, near.shape))


def f32(*values: float) -> Any:
    return np.array(values, dtype=np.float32)


@pytest.mark.parametrize("steps", [0, 1, 2, 3, 100, 4096])
def test_errors_count_units(steps: int) -> None:
    exact = [1.0, -3.5, 1e-20, 2.0**100, F32.smallest_normal]
    got = np.array(exact, np.float32)
    got = (got.view(np.int32) + steps).view(np.float32)
    np.testing.assert_array_equal(errors(got, truth(np.float32(exact)), F32), [steps] * 5)


def test_errors_are_fractions_of_a_unit() -> None:
    # The exact value lies a quarter of a unit above the nearest number: exact = nearest - residual * ulp.
    quarter = truth([1.0], residual=-0.25)
    assert errors(f32(1.0), quarter, F32)[0] == 0.25
    assert errors(f32(1 + 2.0**-23), quarter, F32)[0] == 0.75
    assert errors(f32(1 - 2.0**-24), quarter, F32)[0] == 0.75  # half a unit of 1 below 1
    half = truth([1.0], residual=-0.5)
    assert errors(f32(1.0), half, F32)[0] == errors(f32(1 + 2.0**-23), half, F32)[0] == 0.5


def test_errors_keep_small_residuals_beside_large_numbers() -> None:
    tiny = truth([1.0], F64, residual=2.0**-60)
    assert errors(np.array([1.0]), tiny, F64)[0] == 2.0**-60


def test_half_an_ulp_of_a_real_truth() -> None:
    x = np.linspace(-10, 10, 501, dtype=np.float32)
    exact = evaluate(OPERATIONS["sigmoid"], F32, {"x": x})
    rounded = (1 / (1 + np.exp(-x.astype(np.float64)))).astype(np.float32)
    off = errors(rounded, exact, F32)
    assert 0.49 < off.max() <= 0.5
    beside = errors(np.nextafter(rounded, np.float32(0)), exact, F32)
    assert beside.min() >= 0.25
    assert 1 <= beside.max() <= 1.5


@pytest.mark.parametrize("dtype", FORMATS)
def test_an_infinity_for_a_finite_truth_is_two_to_emax_plus_one(dtype: str) -> None:
    fmt = FORMATS[dtype]
    infinity = np.array([np.inf], fmt.dtype)
    assert errors(infinity, truth([fmt.largest], fmt), fmt)[0] == 1
    assert errors(-infinity, truth([-fmt.largest], fmt), fmt)[0] == 1
    assert errors(-infinity, truth([fmt.largest], fmt), fmt)[0] == 2.0 ** (fmt.precision + 1) - 1
    far = errors(infinity, truth([1.0], fmt), fmt)[0]
    assert far == min(LARGEST_ERROR, math.ldexp(1.0, min(1023, fmt.emax + fmt.precision)) - 2.0 ** (fmt.precision - 1))
    assert errors(infinity, truth([fmt.smallest_subnormal], fmt), fmt)[0] <= LARGEST_ERROR


def test_nan_both_ways_is_wrong_and_not_far() -> None:
    nan, inf = math.nan, math.inf
    off = errors(f32(nan, 1.0, nan, 1.0, nan), truth([1.0, nan, nan, inf, -inf]), F32)
    np.testing.assert_array_equal(np.isnan(off), [True, True, False, True, True])
    assert off[2] == 0


def test_infinities() -> None:
    inf = math.inf
    off = errors(f32(inf, -inf, inf, -inf), truth([inf, -inf, -inf, inf]), F32)
    np.testing.assert_array_equal(off, [0, 0, math.nan, math.nan])


def test_zeros_of_either_sign_are_the_same_number() -> None:
    np.testing.assert_array_equal(errors(f32(0.0, -0.0, 0.0, -0.0), truth([0.0, 0.0, -0.0, -0.0]), F32), [0] * 4)


def test_subnormals_are_measured_in_the_smallest_number() -> None:
    tiny = F32.smallest_subnormal
    off = errors(f32(0.0, 3 * tiny, 0.0, tiny), truth([tiny, tiny, F32.smallest_normal, 0.0]), F32)
    np.testing.assert_array_equal(off, [1, 2, 2.0**23, 1])
    off = errors(np.array([0.0, 1e-320]), truth([5e-324, 0.0], F64), F64)
    np.testing.assert_array_equal(off, [1, 2024])


def test_half_precision_answers() -> None:
    for kind in (np.float16, ml_dtypes.bfloat16):
        fmt = FORMATS[np.dtype(kind).name]
        got = np.array([1.0, 1.0 + 2 * fmt.epsilon], dtype=kind)
        np.testing.assert_array_equal(errors(got, truth([1.0, 1.0], fmt), fmt), [0, 2])


def test_errors_at_either_end_of_float64_are_capped() -> None:
    off = errors(np.array([1e308, -1e308]), truth([5e-324, 1e308], F64), F64)
    assert off[0] == LARGEST_ERROR
    assert np.isfinite(off[1])


def verdict(got: Any, exact: Truth, allowed: Any = 4.0, policy: Policy = STRICT) -> Judgement:
    return judge(np.asarray(got), exact, np.broadcast_to(np.asarray(allowed, float), exact.nearest.shape), F32, policy)


def test_a_wrong_shape_deviates() -> None:
    for got in (f32(1.0), np.float32([[1.0, 1.0]]), np.float32(1.0), f32()):
        seen = verdict(got, truth([1.0, 1.0]))
        assert (seen.verdict, seen.accuracy, seen.error) == ("deviates", "wrong", None)
        assert str(np.shape(got)) in (seen.message or "")


def test_nothing_asked_conforms() -> None:
    assert verdict(f32(), truth(np.zeros(0))).verdict == "conforms"


def test_the_witness_is_the_worst_in_proportion_to_what_is_allowed() -> None:
    exact = truth([1.0, 1.0, 1.0])
    got = f32(1 + 8 * 2.0**-23, 1 + 3 * 2.0**-23, 1.0)
    seen = verdict(got, exact, [100.0, 1.0, 1.0])
    assert (seen.verdict, seen.error, seen.allowed, seen.accuracy) == ("deviates", 3.0, 1.0, "beyond")
    assert seen.witness.at == [1]
    assert seen.witness.got == float(got[1]).hex()
    assert seen.witness.nearest == "0x1.0000000000000p+0"
    seen = verdict(got, exact, [100.0, 10.0, 1.0])
    assert (seen.verdict, seen.error, seen.accuracy) == ("conforms", 3.0, "within bound")


def test_exactly_the_bound_is_allowed() -> None:
    assert verdict(f32(1 + 4 * 2.0**-23), truth([1.0])).verdict == "conforms"
    assert verdict(f32(1 + 5 * 2.0**-23), truth([1.0])).verdict == "deviates"


def test_nan_outranks_every_distance() -> None:
    seen = verdict(f32(1e30, math.nan, 1.0), truth([1.0, 1.0, 1.0]))
    assert (seen.verdict, seen.accuracy, seen.error) == ("deviates", "wrong", None)
    assert (seen.witness.at, seen.witness.got) == ([1], "nan")
    assert verdict(f32(1.0), truth([math.nan])).verdict == "deviates"
    assert verdict(f32(math.nan), truth([math.nan])).verdict == "conforms"


def test_an_undecided_element_is_never_the_frameworks_fault() -> None:
    exact = truth([1.0, math.nan], undecided=[False, True])
    assert verdict(f32(1.0, 7.0), exact).verdict == "undecided"
    assert verdict(f32(1.0, math.nan), exact).verdict == "undecided"
    seen = verdict(f32(2.0, 7.0), exact)
    assert seen.verdict == "deviates"
    assert seen.witness.at == [0]


@pytest.mark.parametrize(
    ("error", "name"),
    [(0.0, "correctly rounded"), (0.5, "correctly rounded"), (0.5001, "faithful"), (0.999, "faithful"),
     (1.0, "within bound"), (3.0, "within bound")],
)  # fmt: skip
def test_classes(error: float, name: str) -> None:
    assert classify(error) == name


def test_no_answer_keeps_its_verdict() -> None:
    for name in (Verdict.UNSUPPORTED, Verdict.CRASHED, Verdict.TIMED_OUT, Verdict.HARNESS_ERROR):
        seen = unanswered(NoAnswer(name, "why"))
        assert (seen.verdict, seen.message, seen.error) == (name, "why", None)


def test_formats_of_answers() -> None:
    loss, metric = OPERATIONS["binary_cross_entropy"], OPERATIONS["accuracy"]
    assert answer_format(loss, "float16", np.zeros(1)) is FORMATS["float16"]
    assert answer_format(metric, "float16", np.zeros(1, np.float32)) is F32
    assert answer_format(metric, "float16", np.zeros(1, np.int64)) is F64
    assert answer_format(metric, "int64", np.zeros(1, bool)) is F64


def test_equal_bits_have_equal_digests() -> None:
    assert digest(f32(1.0, 2.0)) == digest(f32(1.0, 2.0))
    assert digest(np.float32([[1, 2], [3, 4]]).T) == digest(np.float32([[1, 3], [2, 4]]))
    assert len(digest(f32(1.0))) == 16


def test_payload_and_sign_of_nan_do_not_count() -> None:
    for kind, bits in ((np.float32, np.uint32), (np.float64, np.uint64), (np.float16, np.uint16)):
        width = np.dtype(bits).itemsize * 8
        payload = (np.array([np.nan], kind).view(bits) | bits(1)).view(kind)
        negative = (np.array([np.nan], kind).view(bits) | bits(1 << (width - 1))).view(kind)
        assert np.isnan(payload).all()
        assert np.isnan(negative).all()
        assert digest(np.array([np.nan], kind)) == digest(payload) == digest(negative)
    quiet = np.array([0x7FC0, 0xFFC0, 0x7FC1], np.uint16).view(ml_dtypes.bfloat16)
    assert len({digest(quiet[i : i + 1]) for i in range(3)}) == 1


def test_everything_else_counts() -> None:
    different = [
        f32(0.0),
        f32(-0.0),
        np.float64([0.0]),
        np.float16([0.0]),
        np.zeros(1, ml_dtypes.bfloat16),
        np.zeros(1, np.int32),
        np.zeros(1, bool),
        np.float32(0.0),
        np.float32([[0.0]]),
        f32(0.0, 0.0),
        f32(math.nan),
        f32(math.inf),
        f32(5e-45),
    ]
    assert len({digest(each) for each in different}) == len(different)


def test_a_digest_leaves_the_answer_alone() -> None:
    answer = np.array([0x7FC00001], np.uint32).view(np.float32)
    digest(answer)
    assert answer.view(np.uint32)[0] == 0x7FC00001
    answer.flags.writeable = False
    digest(answer)


def test_a_flushed_subnormal_is_said_and_no_deviation_where_the_policy_leaves_it_to_others() -> None:
    tiny = F32.smallest_normal / 2
    for got, exact in ((0.0, tiny), (-0.0, -tiny)):
        assert verdict(f32(got), truth([exact])).verdict == "deviates"
        relaxed = verdict(f32(got), truth([exact]), policy=RELAXED)
        assert (relaxed.verdict, relaxed.message, relaxed.error) == ("conforms", FLUSHED, 0.0)
    # Another number in its place is wrong all the same, and so is a zero where a normal number is expected.
    assert verdict(f32(1.5 * tiny), truth([tiny]), policy=RELAXED).verdict == "deviates"
    assert verdict(f32(0.0), truth([F32.smallest_normal]), policy=RELAXED).verdict == "deviates"


def test_a_bound_that_is_nan_is_a_fault_of_the_suite() -> None:
    with pytest.raises(ValueError, match="held to nothing"):
        verdict(f32(1.0), truth([1.0]), math.nan)


def test_allowance_without_and_with_a_condition() -> None:
    exact = truth([1.0, 2.0**-20])
    np.testing.assert_array_equal(allowance(Bound(4, "reason"), 0.0, exact, F32, STRICT), [4, 4])
    # A condition of 1 is u = half an epsilon in absolute terms: half a unit at 1, 2^19 units at 2^-20.
    allowed = allowance(Bound(4, "reason"), np.array([1.0, 1.0]), exact, F32, STRICT)
    np.testing.assert_array_equal(allowed, [4.5, 4 + 2.0**19])
    allowed = allowance(Bound(4, "reason"), np.array([1.0, 1.0]), exact, F32, RELAXED)
    # Twice as much; the second is an eighth of its value, of which half is added once more for its square.
    np.testing.assert_array_equal(allowed, [5 + 2.0**-24, 4 + 2.0**20 * (1 + 2.0**-4)])
    # Beyond the value itself it is a quarter more.
    allowed = allowance(Bound(4, "reason"), np.array([1.0, 1.0]), truth([2.0**-30, 0.0]), F32, RELAXED)
    np.testing.assert_array_equal(allowed, [4 + 2.0**30 * 1.25, 4 + 2.0**126 * 1.25])


def test_allowance_is_finite_and_never_below_the_bound() -> None:
    exact = truth([F64.smallest_subnormal, 0.0, math.nan], F64)
    allowed = allowance(Bound(4, "reason"), np.array([math.inf, math.nan, 1e308]), exact, F64, STRICT)
    assert np.isfinite(allowed).all()
    assert (allowed >= 4).all()


def of_softmax(x: Any, axis: int = -1, policy: Policy = STRICT) -> Any:
    op = OPERATIONS["softmax"]
    return condition(op.bound, op, {"x": x}, axis, {}, sums=policy.sums)


def test_condition_of_softmax_follows_the_distance_to_the_maximum() -> None:
    x = np.float32([[0.0, -10.0, -50.0]])
    op = OPERATIONS["softmax"]
    allowed = allowance(op.bound, of_softmax(x), evaluate(op, F32, {"x": x}), F32, STRICT)
    assert allowed.shape == (1, 3)
    assert allowed[0, 0] < allowed[0, 1] < allowed[0, 2]
    # u |d| relative is between |d| / 2 and |d| ULP.
    assert 25 <= allowed[0, 2] - op.bound.ulps <= 50.1


def test_condition_along_another_axis() -> None:
    x = np.float32([[0.0, -10.0, -50.0], [1.0, 2.0, 3.0]])
    np.testing.assert_array_equal(of_softmax(x).T, of_softmax(x.T.copy(), 0))


def test_a_sum_in_any_order_is_allowed_more_than_one_in_the_best_known() -> None:
    x = np.zeros((1, 1000), np.float32)
    assert (of_softmax(x, policy=RELAXED) > 10 * of_softmax(x)).all()


def reduced_allowance(name: str, inputs: dict[str, Any], fmt: Any) -> float:
    op = OPERATIONS[name]
    each, whole = evaluate(op, fmt, inputs), evaluate(op, fmt, inputs, reduction="mean")
    terms = condition(op.bound, op, inputs, -1, {}, sums=STRICT.sums)
    return float(allowance(op.bound, condition_of_reduced(op, terms, each, whole, True), whole, fmt, STRICT))


def test_condition_of_a_mean_grows_with_its_length() -> None:
    for count, low, high in ((10, 0, 30), (1000, 300, 1100)):
        inputs = {"y_true": np.ones(count, np.float32), "y_pred": np.full(count, 0.5, np.float32)}
        assert low < reduced_allowance("binary_cross_entropy", inputs, F32) < high


def test_a_metric_may_be_off_by_its_division_alone() -> None:
    inputs = {"y_true": np.zeros(61, int), "y_pred": np.arange(61) % 2}
    assert reduced_allowance("accuracy", inputs, F64) == 1
