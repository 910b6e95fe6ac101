"""scikit-learn: metrics and losses on probabilities and labels."""

from __future__ import annotations

from gaugeblock.adapters.base import NATIVE, Mode, implementing
from gaugeblock.adapters.layouts import LAYOUTS
from gaugeblock.adapters.numpy import NumPyAdapter

MEAN_OR_SUM = ("mean", "sum")


class SklearnAdapter(NumPyAdapter):
    """Takes and returns NumPy arrays; its answers are Python floats."""

    framework = "sklearn"
    distributions = ("scikit-learn", "numpy", "scipy")
    extra = "sklearn"
    modules = ("sklearn.metrics", "numpy", "scipy.special")
    modes = (Mode("eager", dtypes=NATIVE, layouts=tuple(LAYOUTS), combined=True),)
    table = (
        *implementing(reduction=MEAN_OR_SUM, clip="epsilon")(
            binary_cross_entropy="sklearn.metrics.log_loss("
            "y_true, y_pred, normalize=reduction == 'mean', labels=[0, 1], sample_weight=sample_weight)",
            categorical_cross_entropy=(
                "sklearn.metrics.log_loss(y_true, y_pred, normalize=reduction == 'mean', sample_weight=sample_weight)"
            ),
            sparse_categorical_cross_entropy="sklearn.metrics.log_loss(labels, y_pred, normalize=reduction == 'mean',"
            " labels=numpy.arange(y_pred.shape[1]), sample_weight=sample_weight)",
        ),
        *implementing(reduction="mean")(
            brier_score="sklearn.metrics.brier_score_loss(y_true, y_pred, sample_weight=sample_weight, pos_label=1)",
            multiclass_brier_score=(
                "sklearn.metrics.brier_score_loss(y_true.argmax(axis=1), y_pred, sample_weight=sample_weight,"
                " labels=numpy.arange(y_pred.shape[1]), scale_by_half=False)"
            ),
            hinge="sklearn.metrics.hinge_loss(y_true, score, labels=[-1, 1], sample_weight=sample_weight)",
            multiclass_hinge="sklearn.metrics.hinge_loss("
            "labels, scores, labels=numpy.arange(scores.shape[1]), sample_weight=sample_weight)",
            hamming_loss="sklearn.metrics.hamming_loss(y_true, y_score > threshold, sample_weight=sample_weight)",
        ),
        *implementing(reduction=MEAN_OR_SUM)(
            accuracy="sklearn.metrics.accuracy_score("
            "y_true, y_pred, normalize=reduction == 'mean', sample_weight=sample_weight)",
            binary_accuracy="sklearn.metrics.accuracy_score("
            "y_true, y_score > threshold, normalize=reduction == 'mean', sample_weight=sample_weight)",
            categorical_accuracy="sklearn.metrics.accuracy_score(y_true.argmax(axis=1), y_score.argmax(axis=1),"
            " normalize=reduction == 'mean', sample_weight=sample_weight)",
            sparse_categorical_accuracy=(
                "sklearn.metrics.top_k_accuracy_score(labels, y_score, k=1, labels=numpy.arange(y_score.shape[1]),"
                " normalize=reduction == 'mean', sample_weight=sample_weight)"
            ),
            top_k_accuracy=(
                "sklearn.metrics.top_k_accuracy_score(labels, y_score, k=k, labels=numpy.arange(y_score.shape[1]),"
                " normalize=reduction == 'mean', sample_weight=sample_weight)"
            ),
            zero_one_loss="sklearn.metrics.zero_one_loss("
            "y_true, y_pred, normalize=reduction == 'mean', sample_weight=sample_weight)",
            subset_accuracy="sklearn.metrics.accuracy_score("
            "y_true, y_score > threshold, normalize=reduction == 'mean', sample_weight=sample_weight)",
        ),
        *implementing()(
            balanced_accuracy="sklearn.metrics.balanced_accuracy_score(y_true, y_pred, sample_weight=sample_weight)",
            precision="sklearn.metrics.precision_score(y_true, y_pred, sample_weight=sample_weight)",
            recall="sklearn.metrics.recall_score(y_true, y_pred, sample_weight=sample_weight)",
            specificity="sklearn.metrics.recall_score(y_true, y_pred, pos_label=0, sample_weight=sample_weight)",
            f1_score="sklearn.metrics.f1_score(y_true, y_pred, sample_weight=sample_weight)",
            macro_precision=(
                "sklearn.metrics.precision_score(y_true, y_pred, average='macro', sample_weight=sample_weight)"
            ),
            macro_recall="sklearn.metrics.recall_score(y_true, y_pred, average='macro', sample_weight=sample_weight)",
            macro_f1_score="sklearn.metrics.f1_score(y_true, y_pred, average='macro', sample_weight=sample_weight)",
            roc_auc="sklearn.metrics.roc_auc_score(y_true, y_score, sample_weight=sample_weight)",
        ),
    )


ADAPTER = SklearnAdapter()
