"""Keras 3: keras.ops, keras.losses and keras.metrics, on each of its backends.

Keras chooses its backend when it is imported, so each backend is a process of its own; arrays, devices,
compilation and gradients are the backend's.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from gaugeblock.adapters.base import WIDE, Adapter, Function, Lifecycle, Mode, implementing
from gaugeblock.adapters.jax import COMPILED_EACH
from gaugeblock.adapters.layouts import HANDED_OVER
from gaugeblock.adapters.registry import adapter
from gaugeblock.adapters.tables.keras_losses import LOSSES
from gaugeblock.adapters.tensorflow import QUIET
from gaugeblock.adapters.torch import TENSOR_LAYOUTS
from gaugeblock.adapters.wording import Wording


def _mode(name: str, dtypes: tuple[str, ...] = ("float32",), **more: Any) -> Mode:
    """A mode of the backend with which its name begins."""
    backend = name.partition("-")[0]
    environ = {"KERAS_BACKEND": backend, **(QUIET if backend == "tensorflow" else {})}
    return Mode(name, dtypes, environ, requires=(backend,), **more)


class KerasAdapter(Adapter):
    """Losses of (N,) arrays are called with (N, 1): Keras takes the mean over the last axis before any reduction."""

    framework = "keras"
    distributions = ("keras", "tensorflow-cpu|tensorflow", "torch", "jax", "jaxlib", "numpy")
    extra = "tensorflow"
    modules = ("keras", "copy")
    modes = (
        _mode("tensorflow-eager", WIDE, layouts=tuple(HANDED_OVER), sweeps=("float32",)),
        _mode("tensorflow-compiled", compiled=True, few_shapes=True),
        _mode("torch-eager", WIDE, layouts=tuple(TENSOR_LAYOUTS), sweeps=("float32",)),
        _mode("jax-eager", layouts=tuple(HANDED_OVER), other_dtypes=COMPILED_EACH, few_shapes=True),
        _mode("jax-compiled", compiled=True, few_shapes=True),
    )
    wording = Wording(placed="keras.device(device.replace('cuda', 'gpu'))")
    spelling = {"reduction": {"mean": "sum_over_batch_size"}}  # noqa: RUF012
    # Keras 3 has no merge of its own: a metric's variables say of themselves that replicas are to be summed.
    lifecycle = Lifecycle(
        update="metric.update_state",
        call="metric",
        result="metric.result()",
        reset="metric.reset_state()",
        merge="[mine.assign_add(theirs) for mine, theirs in zip(metric.variables, other.variables)]",
        copy="copy.deepcopy(metric)",
    )
    same_as = {  # noqa: RUF012
        "keras.activations.sigmoid": "keras.ops.sigmoid",
        "keras.activations.log_sigmoid": "keras.ops.log_sigmoid",
        "keras.activations.softplus": "keras.ops.softplus",
        "keras.activations.softmax": "keras.ops.softmax",
        "keras.layers.Softmax": "keras.ops.softmax",
        "keras.activations.log_softmax": "keras.ops.log_softmax",
        # A function gives what its object gives for each sample, and is asked for no more.
        "keras.losses.binary_crossentropy": "keras.losses.BinaryCrossentropy",
        "keras.losses.binary_focal_crossentropy": "keras.losses.BinaryFocalCrossentropy",
        "keras.losses.categorical_crossentropy": "keras.losses.CategoricalCrossentropy",
        "keras.losses.categorical_focal_crossentropy": "keras.losses.CategoricalFocalCrossentropy",
        "keras.losses.kl_divergence": "keras.losses.KLDivergence",
        "keras.losses.mean_squared_error": "keras.losses.MeanSquaredError",
    }
    table = (
        *LOSSES,
        *implementing()(
            sigmoid=("keras.ops.sigmoid(x)", "keras.activations.sigmoid(x)"),
            log_sigmoid=("keras.ops.log_sigmoid(x)", "keras.activations.log_sigmoid(x)"),
            softplus=("keras.ops.softplus(x)", "keras.activations.softplus(x)"),
            hard_sigmoid="keras.ops.hard_sigmoid(x)",
            softmax=(
                "keras.activations.softmax(x, axis=axis)",
                "keras.layers.Softmax(axis=axis, dtype=x.dtype)(x)",
                "keras.ops.softmax(x, axis=axis)",
            ),
            log_softmax=("keras.activations.log_softmax(x, axis=axis)", "keras.ops.log_softmax(x, axis=axis)"),
            softmax_with_temperature="keras.ops.softmax(x / temperature, axis=axis)",
            masked_softmax="keras.layers.Softmax(axis=axis, dtype=x.dtype)(x, mask=mask)",
            logsumexp="keras.ops.logsumexp(x, axis=axis)",
            sparse_sigmoid="keras.ops.sparse_sigmoid(x)",
            sparse_plus="keras.ops.sparse_plus(x)",
            sparsemax="keras.ops.sparsemax(x, axis=axis)",
        ),
        *implementing(reduction="none")(
            binary_accuracy="keras.metrics.binary_accuracy(y_true, y_score, threshold=threshold)",
            categorical_accuracy="keras.metrics.categorical_accuracy(y_true, y_score)",
            sparse_categorical_accuracy="keras.metrics.sparse_categorical_accuracy(labels, y_score)",
            top_k_accuracy=(
                "keras.metrics.top_k_categorical_accuracy(keras.ops.one_hot(labels, y_score.shape[1]), y_score, k=k)",
                "keras.metrics.sparse_top_k_categorical_accuracy(labels, y_score, k=k)",
            ),
        ),
        *implementing(name="keras.metrics.binary_accuracy", reduction="none")(
            hamming_loss="1 - keras.ops.mean("
            "keras.metrics.binary_accuracy(y_true, y_score, threshold=threshold), axis=1)",
            multilabel_accuracy="keras.ops.mean("
            "keras.metrics.binary_accuracy(y_true, y_score, threshold=threshold), axis=1)",
        ),
        *implementing(stateful=True, reduction="mean")(
            brier_score="keras.metrics.MeanSquaredError(dtype=y_pred.dtype)"
            "(y_true[:, None], y_pred[:, None], sample_weight=sample_weight)",
            binary_cross_entropy_with_logits="keras.metrics.BinaryCrossentropy("
            "label_smoothing=label_smoothing, from_logits=True, dtype=logits.dtype)"
            "(y_true[:, None], logits[:, None], sample_weight=sample_weight)",
            categorical_cross_entropy_with_logits="keras.metrics.CategoricalCrossentropy("
            "label_smoothing=label_smoothing, axis=axis, from_logits=True, dtype=logits.dtype)"
            "(y_true, logits, sample_weight=sample_weight)",
            sparse_categorical_cross_entropy_with_logits=(
                "keras.metrics.SparseCategoricalCrossentropy(axis=axis, from_logits=True, dtype=logits.dtype)"
                "(labels, logits, sample_weight=sample_weight)"
            ),
            accuracy="keras.metrics.Accuracy()(y_true, y_pred, sample_weight=sample_weight)",
            binary_accuracy="keras.metrics.BinaryAccuracy(threshold=threshold)("
            "y_true[:, None], y_score[:, None], sample_weight=sample_weight)",
            categorical_accuracy="keras.metrics.CategoricalAccuracy()(y_true, y_score, sample_weight=sample_weight)",
            sparse_categorical_accuracy="keras.metrics.SparseCategoricalAccuracy()"
            "(labels, y_score, sample_weight=sample_weight)",
            top_k_accuracy=(
                "keras.metrics.TopKCategoricalAccuracy(k=k)("
                "keras.ops.one_hot(labels, y_score.shape[1]), y_score, sample_weight=sample_weight)",
                "keras.metrics.SparseTopKCategoricalAccuracy(k=k)(labels, y_score, sample_weight=sample_weight)",
            ),
            multilabel_accuracy="keras.metrics.BinaryAccuracy(threshold=threshold)"
            "(y_true, y_score, sample_weight=sample_weight)",
        ),
        *implementing(stateful=True, floor=1e-7, reduction="mean")(
            kl_divergence="keras.metrics.KLDivergence(dtype=y_pred.dtype)(y_true, y_pred, sample_weight=sample_weight)"
        ),
        *implementing(stateful=True, reduction="mean", clip=1e-7)(
            binary_cross_entropy="keras.metrics.BinaryCrossentropy(label_smoothing=label_smoothing, dtype=y_pred.dtype)"
            "(y_true[:, None], y_pred[:, None], sample_weight=sample_weight)"
        ),
        *implementing(stateful=True, reduction="mean", clip=1e-7, normalise=True)(
            categorical_cross_entropy="keras.metrics.CategoricalCrossentropy("
            "label_smoothing=label_smoothing, axis=axis, dtype=y_pred.dtype)"
            "(y_true, y_pred, sample_weight=sample_weight)",
            sparse_categorical_cross_entropy="keras.metrics.SparseCategoricalCrossentropy("
            "axis=axis, dtype=y_pred.dtype)(labels, y_pred, sample_weight=sample_weight)",
        ),
        *implementing(stateful=True)(
            precision="keras.metrics.Precision()(y_true, y_pred, sample_weight=sample_weight)",
            recall="keras.metrics.Recall()(y_true, y_pred, sample_weight=sample_weight)",
            f1_score="keras.metrics.F1Score(average='micro', threshold=0.5)("
            "y_true[:, None], y_pred[:, None], sample_weight=sample_weight)",
            macro_f1_score=(
                "keras.metrics.F1Score(average='macro')(keras.ops.one_hot(y_true, int(keras.ops.max(y_true)) + 1),"
                " keras.ops.one_hot(y_pred, int(keras.ops.max(y_true)) + 1), sample_weight=sample_weight)"
            ),
        ),
        *implementing(stateful=True, num_thresholds=200)(
            roc_auc="keras.metrics.AUC()(y_true, y_score, sample_weight=sample_weight)"
        ),
    )

    def load(self) -> dict[str, Any]:
        """Import Keras and the backend that the environment names, and do as the backend does."""
        self.backend = adapter(os.environ["KERAS_BACKEND"])
        self.backend.load()
        for name in ("devices", "put", "lay_out", "get", "compile", "vjp"):
            setattr(self, name, getattr(self.backend, name))
        return super().load()

    def worded(self, mode: Mode) -> Wording:
        """The backend's wording; Keras itself places what is computed."""
        return replace(adapter(mode.environ["KERAS_BACKEND"]).wording, placed=self.wording.placed)

    def imported(self, mode: Mode) -> tuple[str, ...]:
        """The backend's modules, and Keras."""
        return (*adapter(mode.environ["KERAS_BACKEND"]).modules, *self.modules)

    def flags(self) -> dict[str, str | float | bool | None]:
        """The backend with its version and flags."""
        name, version = next(iter(self.backend.versions().items()))
        return {"backend": f"{name} {version}", **self.backend.flags()}

    def on_device(self, function: Function, device: str) -> Function:
        """Placed by Keras itself, or its constants would land on another device than the arrays."""
        placed = self.backend.on_device(function, device)
        if device == "cpu" and len(self.backend.devices()) == 1:
            return placed
        return super().on_device(placed, device)


ADAPTER = KerasAdapter()
