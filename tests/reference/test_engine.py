"""The engine against decimal arithmetic, published values, and definitions made to be hard."""

import math
import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import ctx
from gaugeblock.reference import balls
from gaugeblock.reference.balls import KinkError, PrecisionError, maximum, minimum
from gaugeblock.reference.catalogue import OPERATIONS
from gaugeblock.reference.engine import LONG, evaluate, gradient
from gaugeblock.reference.formats import FORMATS, Array, Format
from gaugeblock.reference.operations import Bound, Operation
from gaugeblock.reference.truth import PRECISIONS, Truth, decimal

from tests.reference import highprecision as hp

DTYPES = tuple(FORMATS)
SCALARS = {name: getattr(hp, name) for name in ("sigmoid", "log_sigmoid", "softplus")}


def array(values: Any, dtype: str) -> Array:
    return np.asarray(values, dtype=np.float64).astype(hp.DTYPES[dtype])


def draws(name: str, count: int, dtype: str, low: float, high: float) -> list[float]:
    """Numbers of the format with magnitudes spread evenly over binades, of either sign; the same for ever."""
    source = random.Random(f"{name}/{dtype}")
    drawn = [source.choice((1, -1)) * 2 ** source.uniform(low, high) for _ in range(count)]
    return [float(value) for value in array(drawn, dtype)]


def check_element(truth: Truth, at: tuple[int, ...], exact: Decimal, dtype: str, what: Any = "") -> None:
    """Nearest is the nearest; nearest - residual * ulp is the value; and so is the text, to 20 digits."""
    fmt = FORMATS[dtype]
    nearest, ulp = float(truth.nearest[at]), float(truth.ulp[at])
    assert not truth.undecided[at], what
    assert hp.is_nearest(nearest, exact, dtype), (what, nearest, exact)
    residual = sum(Fraction(float(part)) for part in truth.residual[(slice(None), *at)])
    assert abs(residual) <= Fraction(1, 2), what
    said = Fraction(nearest) - residual * Fraction(ulp)
    off = abs(Decimal(said.numerator) / Decimal(said.denominator) - exact)
    assert off <= Decimal(ulp) * Decimal(2) ** -55, (what, off / Decimal(ulp))
    if exact and abs(exact) >= Decimal(fmt.smallest_normal):
        unit = math.ldexp(1.0, math.frexp(abs(nearest))[1] - fmt.precision)
        if math.frexp(abs(nearest))[0] == 0.5 and abs(exact) < abs(Decimal(nearest)):
            # A value that rounds up to a power of two has the smaller unit of its own binade. Nearer to the
            # power than the first precision shows, it has either.
            close = abs(exact / Decimal(nearest) - 1) < Decimal(2) ** -110
            assert ulp == unit / 2 or (close and ulp == unit), what
        else:
            assert ulp == unit, what
        text = Decimal(truth.text(at))
        assert abs(text - exact) <= Decimal("1.0001") * Decimal(10) ** (exact.adjusted() - 19), (what, text, exact)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SCALARS)
def test_elementwise_values(name: str, dtype: str) -> None:
    fmt = FORMATS[dtype]
    xs = draws(name, 150, dtype, -12, math.log2(-math.log(fmt.smallest_subnormal)))
    xs += draws(f"{name}/tiny", 30, dtype, max(fmt.emin - 2, -200), -12)
    truth = evaluate(OPERATIONS[name], fmt, {"x": array(xs, dtype)})
    assert truth.nearest.shape == (len(xs),)
    # 1 - sigmoid(x) is as small as the smallest binary64 number.
    with hp.digits(360):
        for i, x in enumerate(xs):
            check_element(truth, (i,), SCALARS[name](Decimal(x)), dtype, (name, x))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_numbers_in_steps(dtype: str) -> None:
    # An odd stride walks through all signs, exponents and last bits.
    bits = (np.arange(0, 2**16, 31)).astype(np.uint16)
    xs = bits.view(hp.DTYPES[dtype])
    with np.errstate(all="ignore"):
        xs = xs[np.isfinite(xs.astype(np.float64))]
    for name, function in SCALARS.items():
        truth = evaluate(OPERATIONS[name], FORMATS[dtype], {"x": xs})
        with hp.digits(110):
            for i, x in enumerate(xs):
                if abs(float(x)) < 1e6:
                    assert hp.is_nearest(float(truth.nearest[i]), function(Decimal(float(x))), dtype), (name, x)


HARD = [(dtype, k) for dtype in DTYPES for k in (1, 3, 5, 7, 11)]


@pytest.mark.parametrize(("dtype", "odd"), HARD)
def test_sigmoid_just_below_a_tie(dtype: str, odd: int) -> None:
    # sigmoid(x) = 1/2 + x/4 - x^3/48 + ...: with x/4 an odd number of half ULP the value lies below a tie by
    # x^3/48, which is less than 2^-150 in binary64. An oracle of fewer bits rounds the tie to even.
    fmt = FORMATS[dtype]
    x = odd * 2.0 ** (1 - fmt.precision)
    truth = evaluate(OPERATIONS["sigmoid"], fmt, {"x": array([x, -x], dtype)})
    half_ulp = 2.0 ** -(fmt.precision + 1)
    assert x / 4 == odd * half_ulp
    assert truth.nearest[0] == 0.5 + (odd - 1) * half_ulp
    # Below one half the unit is half as large, so the mirror image is representable.
    assert truth.nearest[1] == 0.5 - odd * half_ulp
    assert 0.4 < -truth.residual[0][0] <= 0.5
    with hp.digits(110):
        for i, value in enumerate((x, -x)):
            check_element(truth, (i,), hp.sigmoid(Decimal(value)), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_scalars_at_the_edges(dtype: str) -> None:
    fmt = FORMATS[dtype]
    top = fmt.largest
    x = array([0.0, -0.0, math.inf, -math.inf, math.nan, top, -top], dtype)
    sigmoid, log_sigmoid, softplus = (evaluate(OPERATIONS[name], fmt, {"x": x}) for name in SCALARS)
    np.testing.assert_array_equal(sigmoid.nearest, [0.5, 0.5, 1, 0, np.nan, 1, 0])
    log_2 = float(array([math.log(2)], dtype)[0])
    np.testing.assert_array_equal(log_sigmoid.nearest, [-log_2, -log_2, 0, -np.inf, np.nan, 0, -top])
    np.testing.assert_array_equal(softplus.nearest, [log_2, log_2, np.inf, 0, np.nan, top, 0])
    for truth in (sigmoid, log_sigmoid, softplus):
        assert not truth.undecided.any()
    assert Fraction(sigmoid.text((0,))) == Fraction(1, 2)
    assert log_sigmoid.text((3,)) == "-inf"
    assert softplus.text((4,)) == "nan"


def test_values_printed_in_books() -> None:
    # ln 2 and e: OEIS A002162 and A001113. sigmoid(1) = e / (1 + e): OEIS A226573 is not needed, e is.
    x = np.array([0.0])
    assert evaluate(OPERATIONS["softplus"], FORMATS["float64"], {"x": x}).text((0,)) == "0.69314718055994530942"
    one = evaluate(OPERATIONS["sigmoid"], FORMATS["float64"], {"x": np.array([1.0])})
    e = Fraction("2.71828182845904523536028747135266249775724709369995")
    assert abs(Fraction(one.text((0,))) - e / (1 + e)) < Fraction(1, 10**20)


ANIMALS = (
    ([[0.3, 0.3, 0.4], [0.3, 0.4, 0.3], [0.1, 0.2, 0.7]], "1.3783888522474517", "1.3783888522474518826"),
    ([[0.1, 0.2, 0.7], [0.1, 0.7, 0.2], [0.3, 0.4, 0.3]], "0.6391075640678003", "0.63910756406780030478"),
)


@pytest.mark.parametrize(("y_pred", "printed", "text"), ANIMALS)
def test_log_loss_of_the_animals(y_pred: list[list[float]], printed: str, text: str) -> None:
    y_true = np.array([[0, 0, 1], [0, 1, 0], [1, 0, 0]], float)
    inputs = {"y_true": y_true, "y_pred": np.array(y_pred)}
    truth = evaluate(OPERATIONS["categorical_cross_entropy"], FORMATS["float64"], inputs, reduction="mean")
    assert truth.nearest.shape == ()
    assert abs(float(truth.nearest) - float(printed)) <= 2**-52
    assert abs(Decimal(truth.text(())) - Decimal(text)) <= Decimal("2e-19" if text.startswith("1") else "2e-20")
    picked = [Fraction(row[t.index(1)]) for row, t in zip(y_pred, y_true.tolist(), strict=True)]
    with hp.digits(80):
        exact = -sum((Decimal(p.numerator) / Decimal(p.denominator)).ln() for p in picked) / 3
        check_element(truth, (), exact, "float64")


def test_softmax_of_three_one_minus_three() -> None:
    truth = evaluate(OPERATIONS["softmax"], FORMATS["float64"], {"x": np.array([3.0, 1.0, -3.0])})
    np.testing.assert_allclose(truth.nearest, [0.87887824, 0.11894324, 0.00217852], atol=5e-9)
    with hp.digits(60):
        for i, exact in enumerate(hp.softmax([Decimal(3), Decimal(1), Decimal(-3)])):
            check_element(truth, (i,), exact, "float64")


def test_binary_cross_entropy_of_a_half_is_log_2() -> None:
    for dtype in DTYPES:
        inputs = {"y_true": array([0.0, 1.0, 0.25], dtype), "y_pred": array([0.5] * 3, dtype)}
        truth = evaluate(OPERATIONS["binary_cross_entropy"], FORMATS[dtype], inputs)
        assert truth.text((0,)) == truth.text((1,)) == truth.text((2,)) == "0.69314718055994530942"


def test_clip_of_keras_in_float32() -> None:
    inputs = {"y_true": array([0.0, 1.0], "float32"), "y_pred": array([1.0, 0.0], "float32")}
    truth = evaluate(OPERATIONS["binary_cross_entropy"], FORMATS["float32"], inputs, clip=1e-7)
    assert truth.text((0,)) == "15.942385152878742117"  # 23 ln 2: 1 - 1e-7 rounds to 1 - 2^-23
    with hp.digits(60):
        check_element(truth, (0,), 23 * Decimal(2).ln(), "float32")
        check_element(truth, (1,), -Decimal(float(np.float32(1e-7))).ln(), "float32")


def test_conventions() -> None:
    fmt = FORMATS["float32"]
    bce, cce = OPERATIONS["binary_cross_entropy"], OPERATIONS["categorical_cross_entropy"]
    zero = {"y_true": array([1.0, 0.0, 0.0], "float32"), "y_pred": array([0.0, 1.0, 0.5], "float32")}
    np.testing.assert_array_equal(evaluate(bce, fmt, zero).nearest[:2], [np.inf, np.inf])
    floored = evaluate(bce, fmt, zero, log_floor=-100.0)
    np.testing.assert_array_equal(floored.nearest[:2], [100, 100])
    assert floored.text((2,)) == "0.69314718055994530942"
    clipped = evaluate(bce, fmt, zero, clip="epsilon")
    with hp.digits(60):
        check_element(clipped, (0,), 23 * Decimal(2).ln(), "float32")
    half = {"y_true": array([[1, 0]], "float32"), "y_pred": array([[0.25, 0.25]], "float32")}
    with hp.digits(60):
        check_element(evaluate(cce, fmt, half), (0,), Decimal(4).ln(), "float32")
        check_element(evaluate(cce, fmt, half, normalise=True), (0,), Decimal(2).ln(), "float32")
    with pytest.raises(TypeError, match="'smoothing'"):
        evaluate(bce, fmt, zero, smoothing=0.1)


def rows_of(dtype: str, count: int, classes: int, span: float) -> Array:
    drawn = draws(f"rows/{classes}/{span}", count * classes, dtype, -6, math.log2(span))
    return array(np.reshape(drawn, (count, classes)), dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("classes", "span"), [(1, 8.0), (2, 8.0), (3, 80.0), (7, 8.0), (10, 80.0)])
def test_rows(dtype: str, classes: int, span: float) -> None:
    fmt = FORMATS[dtype]
    rows = rows_of(dtype, 6, classes, span)
    answers = {name: evaluate(OPERATIONS[name], fmt, {"x": rows}) for name in ("softmax", "log_softmax", "logsumexp")}
    labels = np.arange(6) % classes
    targets = array(np.arange(classes) == labels[:, None], dtype)
    soft = targets.astype(float) * 0.75 + array(np.arange(classes) == classes - 1, dtype).astype(float) * 0.25
    sparse = evaluate(
        OPERATIONS["sparse_categorical_cross_entropy_with_logits"], fmt, {"labels": labels, "logits": rows}
    )
    dense = OPERATIONS["categorical_cross_entropy_with_logits"]
    hot = evaluate(dense, fmt, {"y_true": targets, "logits": rows})
    mixed = evaluate(dense, fmt, {"y_true": array(soft, dtype), "logits": rows})
    np.testing.assert_array_equal(hot.nearest, sparse.nearest)
    with hp.digits(160):
        for r, row in enumerate(rows.astype(float).tolist()):
            xs = [Decimal(x) for x in row]
            for name in ("softmax", "log_softmax"):
                for c, exact in enumerate(getattr(hp, name)(xs)):
                    check_element(answers[name], (r, c), exact, dtype, (name, row))
            check_element(answers["logsumexp"], (r,), hp.logsumexp(xs), dtype, row)
            check_element(sparse, (r,), hp.sparse_categorical_cross_entropy_with_logits(labels[r], xs), dtype, row)
            ts = [Decimal(t) for t in soft[r].tolist()]
            check_element(mixed, (r,), hp.categorical_cross_entropy_with_logits(ts, xs), dtype, row)


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_of_one_class_are_exact(dtype: str) -> None:
    fmt = FORMATS[dtype]
    x = array([[0.0], [1.0], [-3.5], [fmt.largest], [-fmt.largest], [fmt.smallest_subnormal]], dtype)
    assert not evaluate(OPERATIONS["log_softmax"], fmt, {"x": x}).nearest.any()
    np.testing.assert_array_equal(evaluate(OPERATIONS["softmax"], fmt, {"x": x}).nearest, np.ones((6, 1)))
    np.testing.assert_array_equal(evaluate(OPERATIONS["logsumexp"], fmt, {"x": x}).nearest, x[:, 0].astype(float))


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_at_the_edges(dtype: str) -> None:
    fmt = FORMATS[dtype]
    inf, nan, top = np.inf, np.nan, fmt.largest
    rows = array([[0, -inf], [-inf, -inf], [nan, 0], [top, -top], [top, top], [-top, -top]], dtype)
    softmax, log_softmax, total = (
        evaluate(OPERATIONS[name], fmt, {"x": rows}) for name in ("softmax", "log_softmax", "logsumexp")
    )
    np.testing.assert_array_equal(softmax.nearest, [[1, 0], [nan, nan], [nan, nan], [1, 0], [0.5, 0.5], [0.5, 0.5]])
    log_2 = float(array([math.log(2)], dtype)[0])
    # -top - top is finite in mathematics and beyond the largest number: the truth is capped there.
    np.testing.assert_array_equal(
        log_softmax.nearest, [[0, -inf], [nan, nan], [nan, nan], [0, -top], [-log_2, -log_2], [-log_2, -log_2]]
    )
    np.testing.assert_array_equal(total.nearest, [0, -inf, nan, top, top, -top])
    for truth in (softmax, log_softmax, total):
        assert not truth.undecided.any()


def test_ties_share_equally() -> None:
    for n in (2, 3, 10):
        truth = evaluate(OPERATIONS["softmax"], FORMATS["float64"], {"x": np.full(n, -30.25)})
        assert set(truth.nearest.tolist()) == {1 / n}


def test_axes() -> None:
    base = array(np.reshape(draws("axes", 24, "float32", -3, 3), (2, 3, 4)), "float32")
    fmt = FORMATS["float32"]
    for axis in (0, 1, 2, -1, -2, -3):
        for name in ("softmax", "log_softmax"):
            got = evaluate(OPERATIONS[name], fmt, {"x": base}, axis=axis)
            moved = evaluate(OPERATIONS[name], fmt, {"x": np.moveaxis(base, axis, -1)})
            assert got.nearest.shape == got.ulp.shape == got.undecided.shape == base.shape
            np.testing.assert_array_equal(got.nearest, np.moveaxis(moved.nearest, -1, axis))
            np.testing.assert_array_equal(got.residual[0], np.moveaxis(moved.residual[0], -1, axis))
        shares = evaluate(OPERATIONS["softmax"], fmt, {"x": base}, axis=axis).nearest
        np.testing.assert_allclose(shares.sum(axis=axis), 1, rtol=1e-6)
        total = evaluate(OPERATIONS["logsumexp"], fmt, {"x": base}, axis=axis)
        assert total.nearest.shape == tuple(np.delete(base.shape, axis))
        np.testing.assert_allclose(total.nearest, np.log(np.exp(base.astype(float)).sum(axis=axis)), rtol=1e-6)


def test_reductions() -> None:
    fmt = FORMATS["float32"]
    z = array(draws("reductions", 12, "float32", -3, 3), "float32")
    t = array(np.arange(12) % 3 / 2, "float32")
    op, inputs = OPERATIONS["binary_cross_entropy_with_logits"], {"y_true": t, "logits": z}
    with hp.digits(80):
        each = [
            hp.binary_cross_entropy_with_logits(Decimal(float(ti)), Decimal(float(zi)))
            for ti, zi in zip(t, z, strict=True)
        ]
        none = evaluate(op, fmt, inputs)
        for i, exact in enumerate(each):
            check_element(none, (i,), exact, "float32")
        check_element(evaluate(op, fmt, inputs, reduction="sum"), (), sum(each), "float32")
        check_element(evaluate(op, fmt, inputs, reduction="mean"), (), sum(each) / 12, "float32")
    empty = {name: array_[:0] for name, array_ in inputs.items()}
    assert np.isnan(evaluate(op, fmt, empty, reduction="mean").nearest)
    assert evaluate(op, fmt, empty, reduction="sum").nearest == 0
    assert evaluate(op, fmt, empty).nearest.shape == (0,)


def test_metrics_are_exact_rationals() -> None:
    fmt = FORMATS["float64"]
    inputs = {"y_true": np.array([0, 1, 2]), "y_pred": np.array([0, 1, 0])}
    truth = evaluate(OPERATIONS["accuracy"], fmt, inputs, reduction="mean")
    assert truth.nearest == 2 / 3
    assert truth.text(()) == "0.66666666666666666667"
    scores = np.array([[0.1, 0.5, 0.4], [0.6, 0.3, 0.1], [0.2, 0.3, 0.5], [0.2, 0.3, 0.5]])
    labels = np.array([2, 0, 0, 1])
    for k, expected in ((1, 0.25), (2, 0.75), (3, 1.0)):
        inputs = {"labels": labels, "y_score": scores}
        assert evaluate(OPERATIONS["top_k_accuracy"], fmt, inputs, reduction="mean", k=k).nearest == expected
    inputs = {"labels": labels, "y_score": scores}
    hits = evaluate(OPERATIONS["sparse_categorical_accuracy"], fmt, inputs).nearest
    np.testing.assert_array_equal(hits, [0, 1, 0, 0])
    hot = {"y_true": np.eye(3)[labels], "y_score": scores}
    assert evaluate(OPERATIONS["categorical_accuracy"], fmt, hot, reduction="sum").nearest == 1
    binary = {"y_true": np.array([0, 1, 0, 1]), "y_score": np.array([0.2, 0.8, 0.6, 0.7])}
    assert evaluate(OPERATIONS["binary_accuracy"], fmt, binary, reduction="mean").nearest == 0.75
    assert evaluate(OPERATIONS["binary_accuracy"], fmt, binary, reduction="mean", threshold=0.75).nearest == 0.75
    assert evaluate(OPERATIONS["binary_accuracy"], fmt, binary, reduction="mean", threshold=0.65).nearest == 1.0


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", SCALARS)
def test_elementwise_gradients(name: str, dtype: str) -> None:
    fmt = FORMATS[dtype]
    xs = draws(f"{name}/gradient", 40, dtype, -8, math.log2(-math.log(fmt.smallest_normal) * 0.9))
    weights = [(-1) ** i * (i % 7 + 1) / 4 for i in range(40)]
    truth = gradient(OPERATIONS[name], fmt, {"x": array(xs, dtype)}, array(weights, dtype))
    with hp.digits(260):
        for i, x in enumerate(xs):
            at = Decimal(x)
            closed = {
                "sigmoid": hp.sigmoid(at) * hp.sigmoid(-at),
                "log_sigmoid": hp.sigmoid(-at),
                "softplus": hp.sigmoid(at),
            }[name]
            if i % 4 == 0 and abs(x) < 100:
                assert abs(hp.slope(SCALARS[name], at) / closed - 1) < Decimal("1e-60")
            exact = closed * Decimal(weights[i])
            if abs(exact) < Decimal(fmt.largest):
                check_element(truth, (i,), exact, dtype, (name, x))


def pulled(
    function: Callable[[list[Decimal]], Sequence[Decimal]], at: list[Decimal], weights: list[Decimal]
) -> list[Decimal]:
    """The vector-Jacobian product by central differences."""

    def along(index: int) -> Callable[[Decimal], Decimal]:
        def varied(x: Decimal) -> Decimal:
            answer = function([*at[:index], x, *at[index + 1 :]])
            return sum((w * a for w, a in zip(weights, answer, strict=True)), Decimal(0))

        return varied

    return [hp.slope(along(i), x) for i, x in enumerate(at)]


ROW_GRADIENTS: dict[str, tuple[dict[str, Any], Callable[[list[Decimal]], list[Decimal]]]] = {
    "softmax": ({}, hp.softmax),
    "log_softmax": ({}, hp.log_softmax),
    "logsumexp": ({}, lambda xs: [hp.logsumexp(xs)]),
    "categorical_cross_entropy_with_logits": ({"y_true": [0.25, 0.75, 0.0]},
        lambda xs: [hp.categorical_cross_entropy_with_logits([Decimal("0.25"), Decimal("0.75"), Decimal(0)], xs)]),
    "sparse_categorical_cross_entropy_with_logits": ({"labels": 2},
        lambda xs: [hp.sparse_categorical_cross_entropy_with_logits(2, xs)]),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["bfloat16", "float32", "float64"])
@pytest.mark.parametrize("name", ROW_GRADIENTS)
def test_row_gradients(name: str, dtype: str) -> None:
    fmt, op = FORMATS[dtype], OPERATIONS[name]
    others, function = ROW_GRADIENTS[name]
    rows = rows_of(dtype, 4, 3, 20.0)
    inputs = {
        given: np.full(4, value) if given in op.integers else array([value] * 4, dtype)
        for given, value in others.items()
    }
    weights = [[0.5, -1.25, 2.0]] * 4 if op.output_rank else [[-1.25]] * 4
    cotangent = array(weights if op.output_rank else [w[0] for w in weights], dtype)
    truth = gradient(op, fmt, {**inputs, op.inputs[-1]: rows}, cotangent)
    with hp.digits(250):
        for r, row in enumerate(rows.astype(float).tolist()):
            exact = pulled(function, [Decimal(x) for x in row], [Decimal(w) for w in weights[r]])
            for c in range(3):
                check_element(truth, (r, c), exact[c], dtype, (name, row))


def test_gradient_along_another_axis_and_of_reductions() -> None:
    fmt = FORMATS["float64"]
    x = np.reshape(draws("axis-gradient", 6, "float64", -2, 2), (2, 3))
    c = np.array([[0.5, -1.0, 2.0], [1.25, 0.75, -0.5]])
    rows = gradient(OPERATIONS["softmax"], fmt, {"x": x}, c)
    columns = gradient(OPERATIONS["softmax"], fmt, {"x": x.T.copy()}, c.T.copy(), axis=0)
    np.testing.assert_array_equal(columns.nearest, rows.nearest.T)
    p = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(rows.nearest, p * (c - (c * p).sum(axis=1, keepdims=True)), rtol=1e-12)
    op = OPERATIONS["binary_cross_entropy_with_logits"]
    inputs = {"y_true": np.array([0.0, 1.0]), "logits": np.array([0.5, -2.0])}
    whole = gradient(op, fmt, inputs, np.array([3.0, 3.0])).nearest
    np.testing.assert_array_equal(gradient(op, fmt, inputs, np.array(3.0), reduction="sum").nearest, whole)
    np.testing.assert_array_equal(gradient(op, fmt, inputs, np.array(3.0), reduction="mean").nearest, whole / 2)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_probability_gradients(dtype: str) -> None:
    fmt = FORMATS[dtype]
    p, t = array([0.125, 0.3, 0.9, 0.5], dtype), array([1.0, 0.0, 0.25, 1.0], dtype)
    truth = gradient(OPERATIONS["binary_cross_entropy"], fmt, {"y_true": t, "y_pred": p}, array([1, -2, 0.5, 1], dtype))
    with hp.digits(100):
        for i, (pi, ti, w) in enumerate(zip(p.astype(float), t.astype(float), (1, -2, 0.5, 1), strict=True)):
            pd, td = Decimal(pi), Decimal(ti)
            check_element(truth, (i,), Decimal(w) * (-td / pd + (1 - td) / (1 - pd)), dtype)
    # Where the clip holds, the slope is zero; inside it is the plain one.
    clipped = gradient(
        OPERATIONS["binary_cross_entropy"], fmt, {"y_true": t[:2], "y_pred": array([0.0, 0.5], dtype)},
        array([1, 1], dtype), clip=0.25,
    )  # fmt: skip
    np.testing.assert_array_equal(clipped.nearest, [0, 2])
    q = array([[0.125, 0.25, 0.5]], dtype)
    hot = array([[0, 1, 0]], dtype)
    op = OPERATIONS["categorical_cross_entropy"]
    plain = gradient(op, fmt, {"y_true": hot, "y_pred": q}, array([3], dtype))
    np.testing.assert_array_equal(plain.nearest, [[0, -12, 0]])
    normalised = gradient(op, fmt, {"y_true": hot, "y_pred": q}, array([3], dtype), normalise=True)
    with hp.digits(60):
        for c, exact in enumerate((Decimal(24) / 7, Decimal(24) / 7 - 12, Decimal(24) / 7)):
            check_element(normalised, (0, c), exact, dtype)


def crafted(definition: Callable[..., Any]) -> Operation:
    return Operation("crafted", "activation", definition, "()->()", ("real",), "the test", Bound(1, "none"))


def recording(definition: Callable[..., Any]) -> tuple[Operation, list[int]]:
    seen: list[int] = []

    def recorded(x: Any) -> Any:
        seen.append(ctx.prec)
        return definition(x)

    return crafted(recorded), seen


@pytest.mark.parametrize(
    ("lost", "precisions"), [(0, PRECISIONS[:1]), (200, PRECISIONS[:2]), (1000, PRECISIONS[:3]), (3000, PRECISIONS[:4])]
)
def test_the_precision_is_raised_as_far_as_needed(lost: int, precisions: tuple[int, ...]) -> None:
    # 1 + x 2^-lost - 1 cancels `lost` bits; third roots of numbers have no short expansion to help.
    def cancelling(x: Any) -> Any:
        small = balls.exp(x) * balls.arb(2) ** -lost
        return ((1 + small) - 1) * balls.arb(2) ** lost if lost else balls.exp(x)

    op, seen = recording(cancelling)
    truth = evaluate(op, FORMATS["float64"], {"x": np.array([1.0])})
    assert tuple(seen) == precisions
    assert not truth.undecided[0]
    with hp.digits(60):
        check_element(truth, (0,), Decimal(1).exp(), "float64")


def test_what_is_never_certain_is_undecided() -> None:
    # Exactly half way between two numbers, but no ball of any precision shows it.
    def tie(x: Any) -> Any:
        return 1 + balls.arb(2) ** -24 + (balls.log(balls.exp(x)) - x)

    op, seen = recording(tie)
    truth = evaluate(op, FORMATS["float32"], {"x": array([0.7], "float32")})
    assert tuple(seen) == PRECISIONS
    assert truth.undecided[0]
    assert np.isnan(truth.nearest[0])
    # The same value without the ball is a tie that rounds to even.
    op = crafted(lambda x: x - x + 1 + balls.arb(2) ** -24)
    exact = evaluate(op, FORMATS["float32"], {"x": array([0.7], "float32")})
    assert exact.nearest[0] == 1.0
    assert not exact.undecided[0]
    assert abs(exact.residual[0][0]) == 0.5


def test_an_undecidable_comparison_is_a_precision_error() -> None:
    def compares(x: Any) -> Any:
        return balls.maximum(balls.log(balls.exp(x)), x)

    op, seen = recording(compares)
    with pytest.raises(PrecisionError, match=str(PRECISIONS[-1])):
        evaluate(op, FORMATS["float32"], {"x": array([0.7], "float32")})
    assert tuple(seen) == PRECISIONS


def test_a_comparison_that_needs_more_bits_gets_them() -> None:
    def compares(x: Any) -> Any:
        # Apart by 2^-500: 320 bits cannot tell, 1280 can.
        return balls.arb(1) if balls.less(balls.log(balls.exp(x)), x + balls.arb(2) ** -500) else balls.arb(0)

    op, seen = recording(compares)
    assert evaluate(op, FORMATS["float32"], {"x": array([0.7], "float32")}).nearest[0] == 1
    assert tuple(seen) == PRECISIONS[:3]


def test_one_hard_element_leaves_the_others() -> None:
    def mixed(x: Any) -> Any:
        return [
            xi if index else 1 + balls.arb(2) ** -24 + (balls.log(balls.exp(xi)) - xi) for index, xi in enumerate(x)
        ]

    op = Operation("crafted", "activation", mixed, "(n)->(n)", ("logits",), "the test", Bound(1, "none"))
    truth = evaluate(op, FORMATS["float32"], {"x": array([[0.7, 0.25]], "float32")})
    np.testing.assert_array_equal(truth.undecided, [[True, False]])
    assert truth.nearest[0, 1] == 0.25


def test_no_value_is_nan_and_decided() -> None:
    truth = evaluate(crafted(lambda x: balls.log(x)), FORMATS["float64"], {"x": np.array([-1.0, 0.0, 1.0])})
    np.testing.assert_array_equal(truth.nearest, [np.nan, -np.inf, 0.0])
    assert not truth.undecided.any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_overflow_and_underflow_of_the_exact_value(dtype: str) -> None:
    fmt: Format = FORMATS[dtype]
    exponential = crafted(lambda x: balls.exp(x))
    x = array([math.ceil(math.log(fmt.largest)) * 2, -math.ceil(-math.log(fmt.smallest_subnormal)) * 2], dtype)
    truth = evaluate(exponential, fmt, {"x": x})
    np.testing.assert_array_equal(truth.nearest, [fmt.largest, 0])
    assert truth.ulp[0] == fmt.largest - hp.neighbours(fmt.largest, dtype)[0]
    assert truth.ulp[1] == fmt.smallest_subnormal
    # The largest binary64 number needs an exponent of 1024 bits.
    far = evaluate(exponential, FORMATS["float64"], {"x": np.array([1e308, -1e308, 1.7976931348623157e308])})
    np.testing.assert_array_equal(far.nearest, [1.7976931348623157e308, 0, 1.7976931348623157e308])
    assert not far.undecided.any()


def test_residual_of_a_subnormal_result() -> None:
    fmt = FORMATS["float32"]
    truth = evaluate(OPERATIONS["sigmoid"], fmt, {"x": array([-100.0, -103.5], "float32")})
    np.testing.assert_array_equal(truth.ulp, [2.0**-149] * 2)
    with hp.digits(120):
        for i, x in enumerate((-100, Decimal("-103.5"))):
            check_element(truth, (i,), hp.sigmoid(Decimal(x)), "float32")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(0), "0"),
        (Fraction(1, 3), "0.33333333333333333333"),
        (Fraction(2, 3), "0.66666666666666666667"),
        (Fraction(10**20), "1.0000000000000000000e+20"),
        (Fraction(-5, 2), "-2.5000000000000000000"),
    ],
)
def test_decimal(value: Fraction, text: str) -> None:
    got = decimal(value)
    assert Fraction(got) == Fraction(text)


def test_decimal_of_extremes() -> None:
    for value in (Fraction(2) ** 1023, Fraction(1, 2**1074), -Fraction(3, 2**1074)):
        assert abs(Fraction(decimal(value)) / value - 1) < Fraction(1, 10**19)


def test_residuals_at_the_highest_precision() -> None:
    """A value that only 4096 bits settle, here 1/3 beside e^1000, keeps its digits."""
    fmt = FORMATS["float32"]

    def third(x: Any) -> Any:
        huge = balls.exp(x * 1000)
        return (1 + huge - huge) / 3

    made = Operation("third", "activation", third, "()->()", ("real",), "here", Bound(1, "here"))
    truth = evaluate(made, fmt, {"x": np.array([1.0], np.float32)})
    assert truth.text((0,)).startswith("0.3333333333333333333")


WIDE = FORMATS["float64"]
SPARSE = OPERATIONS["negative_log_likelihood"]
ROWS = {"labels": np.array([0, 1, 2]), "log_probabilities": -np.array([[1.0, 8, 8], [8, 2.0, 8], [8, 8, 4.0]])}


def mean(rows: dict[str, Array], **more: Any) -> float:
    return float(evaluate(SPARSE, WIDE, rows, reduction="mean", **more).nearest)


def test_a_mean_divides_by_what_is_said() -> None:
    # The losses are 1, 2 and 4, of samples that weigh 1/2, 2 and 1 by their class.
    weights = {"class_weight": (0.5, 2.0, 1.0)}
    assert mean(ROWS) == 7 / 3
    assert mean(ROWS, **weights) == (0.5 + 4 + 4) / 3.5
    assert mean(ROWS, mean_over="samples", **weights) == (0.5 + 4 + 4) / 3
    given = {**ROWS, "sample_weight": np.array([0.0, 1.0, 3.0])}
    assert mean(given) == (2 + 12) / 4
    assert mean(given, mean_over="samples") == (2 + 12) / 3
    assert mean(given, **weights) == (4 + 12) / 5


def test_ignored_samples_count_neither_above_nor_below() -> None:
    hidden = {**ROWS, "log_probabilities": ROWS["log_probabilities"].copy()}
    hidden["log_probabilities"][1] = math.nan
    assert mean(hidden, ignore_index=1) == (1 + 4) / 2
    each = evaluate(SPARSE, WIDE, hidden, ignore_index=1)
    np.testing.assert_array_equal(each.nearest, [1, 0, 4])
    slope = gradient(SPARSE, WIDE, hidden, np.array(1.0), reduction="mean", ignore_index=1)
    np.testing.assert_array_equal(slope.nearest, [[-0.5, 0, 0], [0, 0, 0], [0, 0, -0.5]])
    assert math.isnan(mean({**ROWS, "labels": np.array([1, 1, 1])}, ignore_index=1)), "0 / 0"


def test_a_kink_has_no_derivative_and_is_not_asked() -> None:
    hinge = OPERATIONS["hinge"]
    inputs = {"y_true": np.array([1.0, 1.0, 1.0]), "score": np.array([0.0, 1.0, 2.0])}
    np.testing.assert_array_equal(evaluate(hinge, WIDE, inputs).nearest, [1, 0, 0])
    slope = gradient(hinge, WIDE, inputs, np.ones(3))
    np.testing.assert_array_equal(slope.asked, [True, False, True])
    np.testing.assert_array_equal(slope.nearest[slope.asked], [-1, 0])


def test_where_both_branches_have_one_slope_there_is_no_kink() -> None:
    from flint import arb, arb_series

    x = arb_series([arb(1), 1], 2)
    assert maximum(x, x)[1] == 1
    assert minimum(x, x)[1] == 1
    with pytest.raises(KinkError):
        maximum(x, arb(1))
    with pytest.raises(KinkError):
        minimum(x, 2 * x - 1)


def test_second_derivatives() -> None:
    x = {"x": np.array([0.0, 1.0])}
    e = math.exp(-1)
    p = 1 / (1 + e)
    for name, due in (("sigmoid", [0, p * (1 - p) * (1 - 2 * p)]), ("softplus", [0.25, p * (1 - p)])):
        found = gradient(OPERATIONS[name], WIDE, x, np.ones(2), order=2)
        np.testing.assert_allclose(found.nearest, due, rtol=1e-15, atol=0)
    twice = gradient(OPERATIONS["logit"], WIDE, {"x": np.array([0.25, 0.5])}, np.ones(2), order=2)
    np.testing.assert_allclose(twice.nearest, [1 / 0.75**2 - 1 / 0.25**2, 0], rtol=1e-15, atol=0)


def test_long_rows_are_differentiated_at_a_sample() -> None:
    rows = np.zeros((1, LONG + 40))
    rows[0, 7], rows[0, 11] = 3, -3
    operation = OPERATIONS["sparse_categorical_cross_entropy_with_logits"]
    found = gradient(operation, WIDE, {"labels": np.array([13]), "logits": rows}, np.ones(1))
    assert {0, 7, 11, 13, rows.shape[1] - 1} <= set(np.flatnonzero(found.asked[0]).tolist())
    assert not found.asked.all()
    whole = math.exp(3) + math.exp(-3) + LONG + 38
    np.testing.assert_allclose(found.nearest[0, [7, 13]], [math.exp(3) / whole, 1 / whole - 1], rtol=1e-14)
    short = gradient(operation, WIDE, {"labels": np.array([13]), "logits": rows[:, :LONG]}, np.ones(1))
    assert short.asked is None
