"""scikit-learn: metrics and losses on probabilities and labels."""

from __future__ import annotations

from trueline.adapters.base import Mode, implements
from trueline.adapters.layouts import LAYOUTS
from trueline.adapters.numpy import NATIVE, NumPyAdapter

MEAN_OR_SUM = ("mean", "sum")


class SklearnAdapter(NumPyAdapter):
    """Takes and returns NumPy arrays; its answers are Python floats."""

    framework = "sklearn"
    distributions = ("scikit-learn", "numpy", "scipy")
    extra = "sklearn"
    modules = ("sklearn.metrics", "numpy")
    modes = (Mode("eager", dtypes=NATIVE, layouts=tuple(LAYOUTS)),)
    table = (
        implements(
            "binary_cross_entropy",
            "sklearn.metrics.log_loss(y_true, y_pred, normalize=reduction == 'mean', labels=[0, 1])",
            reduction=MEAN_OR_SUM,
            clip="epsilon",
        ),
        implements(
            "categorical_cross_entropy",
            "sklearn.metrics.log_loss(y_true, y_pred, normalize=reduction == 'mean')",
            reduction=MEAN_OR_SUM,
            clip="epsilon",
        ),
        implements(
            "accuracy",
            "sklearn.metrics.accuracy_score(y_true, y_pred, normalize=reduction == 'mean')",
            reduction=MEAN_OR_SUM,
        ),
        implements(
            "binary_accuracy",
            "sklearn.metrics.accuracy_score(y_true, y_score > threshold, normalize=reduction == 'mean')",
            reduction=MEAN_OR_SUM,
        ),
        implements(
            "categorical_accuracy",
            "sklearn.metrics.accuracy_score(y_true.argmax(axis=1), y_score.argmax(axis=1))",
            reduction="mean",
        ),
        implements(
            "sparse_categorical_accuracy",
            "sklearn.metrics.top_k_accuracy_score(labels, y_score, k=1, labels=numpy.arange(y_score.shape[1]),"
            " normalize=reduction == 'mean')",
            reduction=MEAN_OR_SUM,
        ),
        implements(
            "top_k_accuracy",
            "sklearn.metrics.top_k_accuracy_score(labels, y_score, k=k, labels=numpy.arange(y_score.shape[1]),"
            " normalize=reduction == 'mean')",
            reduction=MEAN_OR_SUM,
        ),
    )


ADAPTER = SklearnAdapter()
