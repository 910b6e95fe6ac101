"""NumPy and SciPy: the formulas that people write by hand, the stable forms, and scipy.special."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from gaugeblock.adapters.base import NATIVE, Adapter, Mode, implementing, implements
from gaugeblock.adapters.layouts import LAYOUTS
from gaugeblock.adapters.processor import numpy_flags
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
        *implementing()(
            sigmoid="scipy.special.expit(x)",
            log_sigmoid="scipy.special.log_expit(x)",
            logit="scipy.special.logit(x)",
            softmax_with_temperature="scipy.special.softmax(x / x.dtype.type(temperature), axis=axis)",
            masked_log_softmax="scipy.special.log_softmax(numpy.where(mask, x, x.dtype.type(-numpy.inf)), axis=axis)",
            masked_logsumexp="scipy.special.logsumexp(x, axis=axis, b=mask)",
            softplus="numpy.logaddexp(0, x)",
            softmax="scipy.special.softmax(x, axis=axis)",
            log_softmax="scipy.special.log_softmax(x, axis=axis)",
            logsumexp=("scipy.special.logsumexp(x, axis=axis)", "numpy.logaddexp.reduce(x, axis=axis)"),
        ),
        *implementing(variant="-out", dtypes=NATIVE)(
            sigmoid="scipy.special.expit(x, out=numpy.empty_like(x))",
            log_sigmoid="scipy.special.log_expit(x, out=numpy.empty_like(x))",
            softplus="numpy.logaddexp(0, x, out=numpy.empty_like(x))",
        ),
        *implementing(reduction="none")(
            generalised_kl_divergence_of_probabilities="scipy.special.kl_div(y_true, y_pred).sum(axis=1)",
            kl_divergence="scipy.special.rel_entr(y_true, y_pred).sum(axis=1)",
        ),
        implements("kl_divergence", "scipy.stats.entropy(y_true, y_pred, axis=1)", reduction="none", normalise=True),
        *implementing(name="numpy.mean", reduction="mean")(
            accuracy="(y_true == y_pred).mean()", binary_accuracy="((y_score > threshold) == (y_true == 1)).mean()"
        ),
        *implementing(name="numpy.argmax", reduction="mean")(
            categorical_accuracy="(y_true.argmax(axis=1) == y_score.argmax(axis=1)).mean()",
            sparse_categorical_accuracy="(labels == y_score.argmax(axis=1)).mean()",
        ),
        *implementing(name="numpy.argsort", reduction="mean")(
            top_k_accuracy="(numpy.argsort(y_score, axis=1)[:, -k:] == labels[:, None]).any(axis=1).mean()"
        ),
        implements("accuracy", "numpy.average(y_true == y_pred, weights=sample_weight)", reduction="mean"),
    )

    def load(self) -> dict[str, Any]:
        """Import NumPy and SciPy, with warnings of overflow and invalid values silenced: the suite judges results."""
        np.seterr(all="ignore")
        return super().load()

    def flags(self) -> dict[str, str | float | bool | None]:
        """Which of its loops NumPy uses, and the library of its linear algebra."""
        return {**numpy_flags()}


ADAPTER = NumPyAdapter()
