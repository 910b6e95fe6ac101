"""NumPy and SciPy: the formulas that people write by hand, the stable forms, and scipy.special."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from gaugeblock.adapters.base import NATIVE, Adapter, Array, Mode, implements
from gaugeblock.adapters.layouts import LAYOUTS
from gaugeblock.adapters.tables.handwritten import HANDWRITTEN
from gaugeblock.adapters.wording import Wording


class NumPyAdapter(Adapter):
    """Arrays are NumPy's own, so they pass through untouched."""

    framework = "numpy"
    distributions: ClassVar[tuple[str, ...]] = ("numpy", "scipy")
    extra = "numpy"
    modules: ClassVar[tuple[str, ...]] = ("numpy", "scipy.special", "scipy.stats")
    modes: ClassVar[tuple[Mode, ...]] = (Mode("eager", layouts=tuple(LAYOUTS), combined=True),)
    wording = Wording(handed=LAYOUTS)
    differentiable = False
    device_types: ClassVar[tuple[str, ...]] = ("cpu",)
    table: ClassVar[tuple[tuple[Any, ...], ...]] = (
        *HANDWRITTEN,
        implements("sigmoid", "scipy.special.expit(x)"),
        implements(
            "sigmoid",
            "scipy.special.expit(x, out=numpy.empty_like(x))",
            name="scipy.special.expit-out",
            dtypes=NATIVE,
        ),
        implements("log_sigmoid", "scipy.special.log_expit(x)"),
        implements(
            "log_sigmoid",
            "scipy.special.log_expit(x, out=numpy.empty_like(x))",
            name="scipy.special.log_expit-out",
            dtypes=NATIVE,
        ),
        implements("logit", "scipy.special.logit(x)"),
        implements(
            "softmax_with_temperature",
            "scipy.special.softmax(x / x.dtype.type(temperature), axis=axis)",
        ),
        implements(
            "masked_log_softmax",
            "scipy.special.log_softmax(numpy.where(mask, x, x.dtype.type(-numpy.inf)), axis=axis)",
        ),
        implements("masked_logsumexp", "scipy.special.logsumexp(x, axis=axis, b=mask)"),
        implements("softplus", "numpy.logaddexp(0, x)"),
        implements(
            "softplus",
            "numpy.logaddexp(0, x, out=numpy.empty_like(x))",
            name="numpy.logaddexp-out",
            dtypes=NATIVE,
        ),
        implements("softmax", "scipy.special.softmax(x, axis=axis)"),
        implements("log_softmax", "scipy.special.log_softmax(x, axis=axis)"),
        implements("logsumexp", "scipy.special.logsumexp(x, axis=axis)"),
        implements("logsumexp", "numpy.logaddexp.reduce(x, axis=axis)"),
        implements(
            "generalised_kl_divergence_of_probabilities",
            "scipy.special.kl_div(y_true, y_pred).sum(axis=1)",
            reduction="none",
        ),
        implements("kl_divergence", "scipy.special.rel_entr(y_true, y_pred).sum(axis=1)", reduction="none"),
        implements("kl_divergence", "scipy.stats.entropy(y_true, y_pred, axis=1)", reduction="none", normalise=True),
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
    )

    def load(self) -> dict[str, Any]:
        """Import NumPy and SciPy, with warnings of overflow and invalid values silenced: the suite judges results."""
        np.seterr(all="ignore")
        return super().load()

    def get(self, answer: Any) -> Array:
        """The answer as an array; a Python scalar becomes binary64."""
        return np.asarray(answer)


ADAPTER = NumPyAdapter()
