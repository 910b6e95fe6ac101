"""NumPy and SciPy: the formulas that people write by hand, the stable forms, and scipy.special."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from trueline.adapters.base import NATIVE, Adapter, Array, Mode, implements
from trueline.adapters.layouts import LAYOUTS, laid_out

TEXTBOOK = "numpy.textbook"
STABLE = "numpy.stable"
OUT_OF_ROWS = "numpy.take_along_axis({}, labels[:, None], axis=1)[:, 0]"

# A narrow format needs a wider accumulator; binary32 and binary64 are their own.
ACCUMULATE = "dtype=numpy.result_type({}, numpy.float32)"
SHIFTED = "(x - x.max(axis=axis, keepdims=True))"
SHIFTED_LOGITS = "(logits - logits.max(axis=1, keepdims=True))"


class NumPyAdapter(Adapter):
    """Arrays are NumPy's own, so they pass through untouched."""

    framework = "numpy"
    distributions: ClassVar[tuple[str, ...]] = ("numpy", "scipy")
    extra = "numpy"
    modules: ClassVar[tuple[str, ...]] = ("numpy", "scipy.special")
    modes: ClassVar[tuple[Mode, ...]] = (Mode("eager", layouts=tuple(LAYOUTS)),)
    differentiable = False
    cpu_only = True
    table: ClassVar[tuple[tuple[Any, ...], ...]] = (
        implements("sigmoid", "1 / (1 + numpy.exp(-x))", name=TEXTBOOK),
        implements("sigmoid", "numpy.exp(-numpy.logaddexp(0, -x))", name="numpy.exp-logaddexp"),
        implements("sigmoid", "numpy.where(x >= 0, 1, e := numpy.exp(-abs(x))) / (1 + e)", name=STABLE),
        implements("sigmoid", "scipy.special.expit(x)"),
        implements(
            "sigmoid",
            "scipy.special.expit(x, out=numpy.empty_like(x))",
            name="scipy.special.expit-out",
            dtypes=NATIVE,
        ),
        implements("log_sigmoid", "numpy.log(1 / (1 + numpy.exp(-x)))", name=TEXTBOOK),
        implements("log_sigmoid", "numpy.minimum(x, 0) - numpy.log1p(numpy.exp(-abs(x)))", name=STABLE),
        implements("log_sigmoid", "scipy.special.log_expit(x)"),
        implements(
            "log_sigmoid",
            "scipy.special.log_expit(x, out=numpy.empty_like(x))",
            name="scipy.special.log_expit-out",
            dtypes=NATIVE,
        ),
        implements("logit", "numpy.log(x / (1 - x))", name=TEXTBOOK),
        implements(
            "logit",
            "numpy.where(abs(x - 0.5) < 0.25, numpy.log1p((2 * x - 1) / (1 - x)), numpy.log(x) - numpy.log1p(-x))",
            name=STABLE,
        ),
        implements("logit", "scipy.special.logit(x)"),
        implements("hard_sigmoid", "numpy.clip((x + width / 2) / width, 0, 1).astype(x.dtype)", name=STABLE),
        implements(
            "softmin",
            f"((e := numpy.exp(x.min(axis=axis, keepdims=True) - x)) / e.sum(axis=axis, keepdims=True,"
            f" {ACCUMULATE.format('x')})).astype(x.dtype)",
            name=STABLE,
        ),
        implements(
            "softmax_with_temperature",
            "scipy.special.softmax(x / x.dtype.type(temperature), axis=axis)",
        ),
        implements(
            "masked_softmax",
            "(numpy.where(mask, e := numpy.exp(numpy.where(mask, x, -numpy.inf)"
            " - x.max(axis=axis, keepdims=True, where=mask, initial=-numpy.inf)), 0)"
            f" / e.sum(axis=axis, keepdims=True, {ACCUMULATE.format('x')})).astype(x.dtype)",
            name=STABLE,
        ),
        implements(
            "masked_log_softmax",
            "scipy.special.log_softmax(numpy.where(mask, x, x.dtype.type(-numpy.inf)), axis=axis)",
        ),
        implements("masked_logsumexp", "scipy.special.logsumexp(x, axis=axis, b=mask)"),
        implements("softplus", "numpy.log(1 + numpy.exp(x))", name=TEXTBOOK),
        implements("softplus", "numpy.maximum(x, 0) + numpy.log1p(numpy.exp(-abs(x)))", name=STABLE),
        implements("softplus", "numpy.logaddexp(0, x)"),
        implements(
            "softplus",
            "numpy.logaddexp(0, x, out=numpy.empty_like(x))",
            name="numpy.logaddexp-out",
            dtypes=NATIVE,
        ),
        implements("softmax", "(e := numpy.exp(x)) / e.sum(axis=axis, keepdims=True)", name=TEXTBOOK),
        implements(
            "softmax",
            f"((e := numpy.exp{SHIFTED}) / e.sum(axis=axis, keepdims=True, {ACCUMULATE.format('x')})).astype(x.dtype)",
            name=STABLE,
        ),
        implements("softmax", "scipy.special.softmax(x, axis=axis)"),
        implements("log_softmax", "numpy.log((e := numpy.exp(x)) / e.sum(axis=axis, keepdims=True))", name=TEXTBOOK),
        implements(
            "log_softmax",
            f"((d := {SHIFTED}) - numpy.log(numpy.exp(d).sum(axis=axis, keepdims=True, {ACCUMULATE.format('x')})))"
            ".astype(x.dtype)",
            name=STABLE,
        ),
        implements("log_softmax", "scipy.special.log_softmax(x, axis=axis)"),
        implements("logsumexp", "numpy.log(numpy.exp(x).sum(axis=axis))", name=TEXTBOOK),
        implements(
            "logsumexp",
            "(numpy.log(numpy.exp(x - numpy.where(numpy.isfinite(m := x.max(axis=axis, keepdims=True)), m, 0))"
            f".sum(axis=axis, {ACCUMULATE.format('x')})) + numpy.where(numpy.isfinite(m), m, 0).squeeze(axis))"
            ".astype(x.dtype)",
            name=STABLE,
        ),
        implements("logsumexp", "scipy.special.logsumexp(x, axis=axis)"),
        implements("logsumexp", "numpy.logaddexp.reduce(x, axis=axis)"),
        implements(
            "binary_cross_entropy",
            "-(y_true * numpy.log(y_pred) + (1 - y_true) * numpy.log(1 - y_pred))",
            name=TEXTBOOK,
            reduction="none",
        ),
        implements(
            "binary_cross_entropy",
            "-(scipy.special.xlogy(y_true, y_pred) + scipy.special.xlog1py(1 - y_true, -y_pred)).astype(y_pred.dtype)",
            name=STABLE,
            reduction="none",
        ),
        implements(
            "binary_cross_entropy_with_logits",
            "-(y_true * numpy.log(p := 1 / (1 + numpy.exp(-logits))) + (1 - y_true) * numpy.log(1 - p))",
            name=TEXTBOOK,
            reduction="none",
        ),
        implements(
            "binary_cross_entropy_with_logits",
            "numpy.where(y_true == 0, 0, y_true * numpy.logaddexp(0, -logits))"
            " + numpy.where(y_true == 1, 0, (1 - y_true) * numpy.logaddexp(0, logits))",
            name=STABLE,
            reduction="none",
        ),
        implements(
            "categorical_cross_entropy",
            "-(y_true * numpy.log(y_pred)).sum(axis=1)",
            name=TEXTBOOK,
            reduction="none",
        ),
        implements(
            "categorical_cross_entropy",
            "-scipy.special.xlogy(y_true, y_pred).sum(axis=1).astype(y_pred.dtype)",
            name=STABLE,
            reduction="none",
        ),
        implements(
            "categorical_cross_entropy_with_logits",
            "-(y_true * numpy.log((e := numpy.exp(logits)) / e.sum(axis=1, keepdims=True))).sum(axis=1)",
            name=TEXTBOOK,
            reduction="none",
        ),
        implements(
            "categorical_cross_entropy_with_logits",
            f"-numpy.where(y_true == 0, 0, y_true * ((d := {SHIFTED_LOGITS})"
            f" - numpy.log(numpy.exp(d).sum(axis=1, keepdims=True, {ACCUMULATE.format('logits')}))))"
            ".sum(axis=1).astype(logits.dtype)",
            name=STABLE,
            reduction="none",
        ),
        implements(
            "sparse_categorical_cross_entropy_with_logits",
            "-numpy.log(" + OUT_OF_ROWS.format("(e := numpy.exp(logits))") + " / e.sum(axis=1))",
            name=TEXTBOOK,
            reduction="none",
        ),
        implements(
            "sparse_categorical_cross_entropy_with_logits",
            f"(numpy.log(numpy.exp(d := {SHIFTED_LOGITS}).sum(axis=1, {ACCUMULATE.format('logits')})) - "
            f"{OUT_OF_ROWS.format('d')}).astype(logits.dtype)",
            name=STABLE,
            reduction="none",
        ),
        implements("accuracy", "(y_true == y_pred).mean()", name="numpy.mean", reduction="mean"),
        implements(
            "binary_accuracy",
            "((y_score > threshold) == (y_true == 1)).mean()",
            name="numpy.mean",
            reduction="mean",
        ),
        implements(
            "categorical_accuracy",
            "(y_true.argmax(axis=1) == y_score.argmax(axis=1)).mean()",
            name="numpy.argmax",
            reduction="mean",
        ),
        implements(
            "sparse_categorical_accuracy",
            "(labels == y_score.argmax(axis=1)).mean()",
            name="numpy.argmax",
            reduction="mean",
        ),
        implements(
            "top_k_accuracy",
            "(numpy.argsort(y_score, axis=1)[:, -k:] == labels[:, None]).any(axis=1).mean()",
            name="numpy.argsort",
            reduction="mean",
        ),
        implements("accuracy", "numpy.average(y_true == y_pred, weights=sample_weight)", reduction="mean"),
        implements(
            "zero_one_loss",
            "numpy.average(y_true != y_pred, weights=sample_weight)",
            name=STABLE,
            reduction="mean",
        ),
        implements(
            "hamming_loss",
            "((y_score > threshold) != (y_true == 1)).mean()",
            name=STABLE,
            reduction="mean",
        ),
        implements(
            "multilabel_accuracy",
            "((y_score > threshold) == (y_true == 1)).mean()",
            name=STABLE,
            reduction="mean",
        ),
        implements(
            "subset_accuracy",
            "numpy.average(((y_score > threshold) == (y_true == 1)).all(axis=1), weights=sample_weight)",
            name=STABLE,
            reduction="mean",
        ),
        implements(
            "balanced_accuracy",
            "numpy.mean([(y_pred[y_true == label] == label).mean() for label in numpy.unique(y_true)])",
            name=STABLE,
        ),
        implements("precision", "(y_true[y_pred == 1] == 1).mean()", name=STABLE),
        implements("recall", "(y_pred[y_true == 1] == 1).mean()", name=STABLE),
        implements("f1_score", "2 * (y_true & y_pred).sum() / (y_true.sum() + y_pred.sum())", name=STABLE),
        implements(
            "macro_precision",
            "numpy.mean([(y_true[y_pred == label] == label).mean() for label in numpy.unique(y_true)])",
            name=STABLE,
        ),
        implements(
            "macro_recall",
            "numpy.mean([(y_pred[y_true == label] == label).mean() for label in numpy.unique(y_true)])",
            name=STABLE,
        ),
        implements(
            "macro_f1_score",
            "numpy.mean([2 * ((y_true == label) & (y_pred == label)).sum()"
            " / ((y_true == label).sum() + (y_pred == label).sum()) for label in numpy.unique(y_true)])",
            name=STABLE,
        ),
        implements(
            "roc_auc",
            "(((p := y_score[y_true == 1][:, None]) > (n := y_score[y_true == 0])) + (p == n) / 2).mean()",
            name=STABLE,
        ),
        implements(
            "expected_calibration_error",
            "abs(numpy.bincount(numpy.maximum(numpy.ceil((p := y_score.astype(float)) * n_bins), 1).astype(int),"
            " y_true - p)).sum() / p.size",
            name=STABLE,
        ),
    )

    def load(self) -> dict[str, Any]:
        """NumPy's warnings on overflow and invalid values are silenced: the suite looks at the results."""
        np.seterr(all="ignore")
        return super().load()

    def put(self, array: Array, device: str) -> Array:
        """The array itself."""
        del device
        return array

    def lay_out(self, array: Array, layout: str, device: str) -> Array:
        """The numbers in that layout."""
        del device
        return laid_out(array, layout)

    def get(self, answer: Any) -> Array:
        """The answer as an array; a Python scalar becomes binary64."""
        return np.asarray(answer)


ADAPTER = NumPyAdapter()
