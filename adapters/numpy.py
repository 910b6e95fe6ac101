"""NumPy and SciPy: the formulas that people write by hand, the stable forms, and scipy.special."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from trueline.adapters.base import Adapter, Array, Mode, implements
from trueline.adapters.layouts import LAYOUTS, laid_out

NATIVE = ("float16", "float32", "float64")
"""The formats that are NumPy's own."""

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
