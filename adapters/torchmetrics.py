"""TorchMetrics: torchmetrics.functional.classification, and the metric objects of torchmetrics.classification.

Arrays, devices, flags and gradients are torch's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from gaugeblock.adapters.base import Lifecycle, Mode, implementing
from gaugeblock.adapters.torch import TENSOR_LAYOUTS, TorchAdapter

FUNCTIONAL = "torchmetrics.functional.classification"
OBJECTS = "torchmetrics.classification"

# Multiclass metrics take the mean over classes by default; 'micro' is the mean over samples.
MICRO = "num_classes=y_score.shape[1], average='micro'"
# A metric object keeps its counts on the CPU until it is moved to the arrays' device.
BESIDE_SCORES = ".to(y_score.device)"
BESIDE_LABELS = ".to(y_pred.device)"
MACRO = "num_classes=int(y_true.max()) + 1, average='macro'"
PER_LABEL = "num_labels=y_score.shape[1], threshold=threshold"


class TorchMetricsAdapter(TorchAdapter):
    """Scores lie in [0, 1]: where one of a call's scores does not, binary metrics take the sigmoid of them all."""

    framework = "torchmetrics"
    distributions = ("torchmetrics", "torch", "numpy")
    extra = "torchmetrics"
    modules = ("torch", "torchmetrics.classification", "torchmetrics.functional.classification", "copy")
    modes = (Mode("eager", requires=("torch",), layouts=tuple(TENSOR_LAYOUTS)),)
    lifecycle = Lifecycle(
        update="metric.update",
        call="metric",
        result="metric.compute()",
        reset="metric.reset()",
        merge="metric.merge_state(other)",
        copy="copy.deepcopy(metric)",
    )
    # A function computes what its object computes of one batch.
    same_as: ClassVar[Mapping[str, str]] = {
        f"{FUNCTIONAL}.{function}": f"{OBJECTS}.{made}"
        for function, made in (
            ("binary_accuracy", "BinaryAccuracy"),
            ("binary_calibration_error", "BinaryCalibrationError"),
            ("binary_f1_score", "BinaryF1Score"),
            ("binary_precision", "BinaryPrecision"),
            ("binary_recall", "BinaryRecall"),
            ("multiclass_accuracy", "MulticlassAccuracy"),
            ("multiclass_f1_score", "MulticlassF1Score"),
            ("multiclass_precision", "MulticlassPrecision"),
            ("multiclass_recall", "MulticlassRecall"),
            ("multilabel_accuracy", "MultilabelAccuracy"),
            ("multilabel_exact_match", "MultilabelExactMatch"),
            ("multilabel_hamming_distance", "MultilabelHammingDistance"),
        )
    }
    table = (
        *implementing(reduction="mean")(
            accuracy=f"{FUNCTIONAL}.multiclass_accuracy(y_pred, y_true, average='micro')",
            hinge=f"{FUNCTIONAL}.binary_hinge_loss(score, y_true > 0)",
            squared_hinge=f"{FUNCTIONAL}.binary_hinge_loss(score, y_true > 0, squared=True)",
            multiclass_hinge=f"{FUNCTIONAL}.multiclass_hinge_loss(scores, labels, num_classes=scores.shape[1])",
            one_vs_all_hinge=f"{FUNCTIONAL}.multiclass_hinge_loss("
            "scores, labels, num_classes=scores.shape[1], multiclass_mode='one-vs-all').sum()",
            binary_accuracy=f"{FUNCTIONAL}.binary_accuracy(y_score, y_true, threshold=threshold)",
            categorical_accuracy=f"{FUNCTIONAL}.multiclass_accuracy(y_score, y_true.argmax(dim=1), {MICRO})",
            sparse_categorical_accuracy=f"{FUNCTIONAL}.multiclass_accuracy(y_score, labels, {MICRO})",
            top_k_accuracy=f"{FUNCTIONAL}.multiclass_accuracy(y_score, labels, {MICRO}, top_k=k)",
            hamming_loss=(
                f"{FUNCTIONAL}.multilabel_hamming_distance(y_score, y_true.long(), {PER_LABEL}, average='micro')"
            ),
            multilabel_accuracy=(
                f"{FUNCTIONAL}.multilabel_accuracy(y_score, y_true.long(), {PER_LABEL}, average='micro')"
            ),
            subset_accuracy=f"{FUNCTIONAL}.multilabel_exact_match(y_score, y_true.long(), {PER_LABEL})",
        ),
        *implementing(stateful=True, reduction="mean")(
            accuracy=f"{OBJECTS}.MulticlassAccuracy(average='micro').to(y_pred.device)(y_pred, y_true)",
            hinge=f"{OBJECTS}.BinaryHingeLoss().to(score.device)(score, y_true > 0)",
            squared_hinge=f"{OBJECTS}.BinaryHingeLoss(squared=True).to(score.device)(score, y_true > 0)",
            multiclass_hinge=(
                f"{OBJECTS}.MulticlassHingeLoss(num_classes=scores.shape[1]).to(scores.device)(scores, labels)"
            ),
            one_vs_all_hinge=(
                f"{OBJECTS}.MulticlassHingeLoss(num_classes=scores.shape[1], multiclass_mode='one-vs-all')"
                ".to(scores.device)(scores, labels).sum()"
            ),
            binary_accuracy=f"{OBJECTS}.BinaryAccuracy(threshold=threshold){BESIDE_SCORES}(y_score, y_true)",
            brier_score="torchmetrics.MeanSquaredError().to(y_pred.device)(y_pred, y_true)",
            categorical_accuracy=f"{OBJECTS}.MulticlassAccuracy({MICRO}){BESIDE_SCORES}(y_score, y_true.argmax(dim=1))",
            sparse_categorical_accuracy=f"{OBJECTS}.MulticlassAccuracy({MICRO}){BESIDE_SCORES}(y_score, labels)",
            top_k_accuracy=f"{OBJECTS}.MulticlassAccuracy({MICRO}, top_k=k){BESIDE_SCORES}(y_score, labels)",
            hamming_loss=f"{OBJECTS}.MultilabelHammingDistance({PER_LABEL}, average='micro'){BESIDE_SCORES}"
            "(y_score, y_true.long())",
            multilabel_accuracy=f"{OBJECTS}.MultilabelAccuracy({PER_LABEL}, average='micro'){BESIDE_SCORES}"
            "(y_score, y_true.long())",
            subset_accuracy=f"{OBJECTS}.MultilabelExactMatch({PER_LABEL}){BESIDE_SCORES}(y_score, y_true.long())",
        ),
        *implementing(normalise=True)(
            kl_divergence="torchmetrics.functional.kl_divergence(y_true, y_pred, reduction=reduction)"
        ),
        *implementing(stateful=True, normalise=True)(
            kl_divergence="torchmetrics.KLDivergence(reduction=reduction).to(y_pred.device)(y_true, y_pred)"
        ),
        *implementing()(
            kl_divergence_of_logs="torchmetrics.functional.kl_divergence("
            "log_targets, log_probabilities, log_prob=True, reduction=reduction)",
            balanced_accuracy=f"{FUNCTIONAL}.multiclass_accuracy(y_pred, y_true, {MACRO})",
            macro_precision=f"{FUNCTIONAL}.multiclass_precision(y_pred, y_true, {MACRO})",
            macro_recall=f"{FUNCTIONAL}.multiclass_recall(y_pred, y_true, {MACRO})",
            macro_f1_score=f"{FUNCTIONAL}.multiclass_f1_score(y_pred, y_true, {MACRO})",
            precision=f"{FUNCTIONAL}.binary_precision(y_pred, y_true)",
            recall=f"{FUNCTIONAL}.binary_recall(y_pred, y_true)",
            specificity=f"{FUNCTIONAL}.binary_specificity(y_pred, y_true)",
            f1_score=f"{FUNCTIONAL}.binary_f1_score(y_pred, y_true)",
            roc_auc=f"{FUNCTIONAL}.binary_auroc(y_score, y_true)",
            expected_calibration_error=(
                f"{FUNCTIONAL}.binary_calibration_error(y_score, y_true, n_bins=n_bins, norm='l1')"
            ),
        ),
        *implementing(stateful=True)(
            kl_divergence_of_logs=(
                "torchmetrics.KLDivergence(log_prob=True, reduction=reduction).to(log_probabilities.device)"
                "(log_targets, log_probabilities)"
            ),
            balanced_accuracy=f"{OBJECTS}.MulticlassAccuracy({MACRO}){BESIDE_LABELS}(y_pred, y_true)",
            macro_precision=f"{OBJECTS}.MulticlassPrecision({MACRO}){BESIDE_LABELS}(y_pred, y_true)",
            macro_recall=f"{OBJECTS}.MulticlassRecall({MACRO}){BESIDE_LABELS}(y_pred, y_true)",
            macro_f1_score=f"{OBJECTS}.MulticlassF1Score({MACRO}){BESIDE_LABELS}(y_pred, y_true)",
            precision=f"{OBJECTS}.BinaryPrecision(){BESIDE_LABELS}(y_pred, y_true)",
            recall=f"{OBJECTS}.BinaryRecall(){BESIDE_LABELS}(y_pred, y_true)",
            f1_score=f"{OBJECTS}.BinaryF1Score(){BESIDE_LABELS}(y_pred, y_true)",
            roc_auc=f"{OBJECTS}.BinaryAUROC(){BESIDE_SCORES}(y_score, y_true)",
            expected_calibration_error=(
                f"{OBJECTS}.BinaryCalibrationError(n_bins=n_bins, norm='l1'){BESIDE_SCORES}(y_score, y_true)"
            ),
        ),
    )


ADAPTER = TorchMetricsAdapter()
