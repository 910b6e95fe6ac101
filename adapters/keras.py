"""Keras 3: keras.ops, keras.losses and keras.metrics, on each of its backends.

Keras chooses its backend when it is imported, so each backend is a process of its own; arrays, devices,
compilation and gradients are the backend's.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from gaugeblock.adapters.base import WIDE, Adapter, Array, Function, Lifecycle, Mode, implements
from gaugeblock.adapters.jax import COMPILED_EACH
from gaugeblock.adapters.layouts import HANDED_OVER
from gaugeblock.adapters.registry import adapter
from gaugeblock.adapters.tables.keras_losses import LOSSES
from gaugeblock.adapters.tensorflow import QUIET
from gaugeblock.adapters.torch import TENSOR_LAYOUTS
from gaugeblock.adapters.wording import Wording

ON_TENSORFLOW = {"KERAS_BACKEND": "tensorflow", **QUIET}
ON_TORCH = {"KERAS_BACKEND": "torch"}
ON_JAX = {"KERAS_BACKEND": "jax"}


class KerasAdapter(Adapter):
    """Losses of (N,) arrays are called with (N, 1): Keras takes the mean over the last axis before any reduction."""

    framework = "keras"
    distributions = ("keras", "tensorflow-cpu|tensorflow", "torch", "jax", "jaxlib", "numpy")
    extra = "tensorflow"
    modules = ("keras", "copy")
    modes = (
        Mode(
            "tensorflow-eager",
            WIDE,
            ON_TENSORFLOW,
            requires=("tensorflow",),
            layouts=tuple(HANDED_OVER),
            sweeps=("float32",),
        ),
        Mode(
            "tensorflow-compiled", ("float32",), ON_TENSORFLOW, requires=("tensorflow",), compiled=True, few_shapes=True
        ),
        Mode("torch-eager", WIDE, ON_TORCH, requires=("torch",), layouts=tuple(TENSOR_LAYOUTS), sweeps=("float32",)),
        Mode(
            "jax-eager",
            ("float32",),
            ON_JAX,
            requires=("jax",),
            layouts=tuple(HANDED_OVER),
            other_dtypes=COMPILED_EACH,
            few_shapes=True,
        ),
        Mode("jax-compiled", ("float32",), ON_JAX, requires=("jax",), compiled=True, few_shapes=True),
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
    table = (
        *LOSSES,
        implements("sigmoid", "keras.ops.sigmoid(x)"),
        implements("log_sigmoid", "keras.ops.log_sigmoid(x)"),
        implements("softplus", "keras.ops.softplus(x)"),
        implements("sigmoid", "keras.activations.sigmoid(x)"),
        implements("log_sigmoid", "keras.activations.log_sigmoid(x)"),
        implements("softplus", "keras.activations.softplus(x)"),
        implements("hard_sigmoid", "keras.ops.hard_sigmoid(x)"),
        implements("softmax", "keras.activations.softmax(x, axis=axis)"),
        implements("softmax", "keras.layers.Softmax(axis=axis, dtype=x.dtype)(x)"),
        implements("log_softmax", "keras.activations.log_softmax(x, axis=axis)"),
        implements("softmax_with_temperature", "keras.ops.softmax(x / temperature, axis=axis)"),
        implements("masked_softmax", "keras.layers.Softmax(axis=axis, dtype=x.dtype)(x, mask=mask)"),
        implements("softmax", "keras.ops.softmax(x, axis=axis)"),
        implements("log_softmax", "keras.ops.log_softmax(x, axis=axis)"),
        implements("logsumexp", "keras.ops.logsumexp(x, axis=axis)"),
        implements("sparse_sigmoid", "keras.ops.sparse_sigmoid(x)"),
        implements("sparse_plus", "keras.ops.sparse_plus(x)"),
        implements("sparsemax", "keras.ops.sparsemax(x, axis=axis)"),
        implements(
            "brier_score",
            "keras.metrics.MeanSquaredError(dtype=y_pred.dtype)"
            "(y_true[:, None], y_pred[:, None], sample_weight=sample_weight)",
            stateful=True,
            reduction="mean",
        ),
        implements(
            "kl_divergence",
            "keras.metrics.KLDivergence(dtype=y_pred.dtype)(y_true, y_pred, sample_weight=sample_weight)",
            floor=1e-7,
            stateful=True,
            reduction="mean",
        ),
        implements(
            "binary_cross_entropy",
            "keras.metrics.BinaryCrossentropy(label_smoothing=label_smoothing, dtype=y_pred.dtype)"
            "(y_true[:, None], y_pred[:, None], sample_weight=sample_weight)",
            stateful=True,
            reduction="mean",
            clip=1e-7,
        ),
        implements(
            "binary_cross_entropy_with_logits",
            "keras.metrics.BinaryCrossentropy(label_smoothing=label_smoothing, from_logits=True, dtype=logits.dtype)"
            "(y_true[:, None], logits[:, None], sample_weight=sample_weight)",
            stateful=True,
            reduction="mean",
        ),
        implements(
            "categorical_cross_entropy",
            "keras.metrics.CategoricalCrossentropy(label_smoothing=label_smoothing, axis=axis, dtype=y_pred.dtype)"
            "(y_true, y_pred, sample_weight=sample_weight)",
            stateful=True,
            reduction="mean",
            clip=1e-7,
            normalise=True,
        ),
        implements(
            "categorical_cross_entropy_with_logits",
            "keras.metrics.CategoricalCrossentropy("
            "label_smoothing=label_smoothing, axis=axis, from_logits=True, dtype=logits.dtype)"
            "(y_true, logits, sample_weight=sample_weight)",
            stateful=True,
            reduction="mean",
        ),
        implements(
            "sparse_categorical_cross_entropy",
            "keras.metrics.SparseCategoricalCrossentropy(axis=axis, dtype=y_pred.dtype)"
            "(labels, y_pred, sample_weight=sample_weight)",
            stateful=True,
            reduction="mean",
            clip=1e-7,
            normalise=True,
        ),
        implements(
            "sparse_categorical_cross_entropy_with_logits",
            "keras.metrics.SparseCategoricalCrossentropy(axis=axis, from_logits=True, dtype=logits.dtype)"
            "(labels, logits, sample_weight=sample_weight)",
            stateful=True,
            reduction="mean",
        ),
        implements(
            "accuracy",
            "keras.metrics.Accuracy()(y_true, y_pred, sample_weight=sample_weight)",
            stateful=True,
            reduction="mean",
        ),
        implements(
            "binary_accuracy",
            "keras.metrics.binary_accuracy(y_true, y_score, threshold=threshold)",
            reduction="none",
        ),
        implements(
            "binary_accuracy",
            "keras.metrics.BinaryAccuracy(threshold=threshold)("
            "y_true[:, None], y_score[:, None], sample_weight=sample_weight)",
            stateful=True,
            reduction="mean",
        ),
        implements("categorical_accuracy", "keras.metrics.categorical_accuracy(y_true, y_score)", reduction="none"),
        implements(
            "categorical_accuracy",
            "keras.metrics.CategoricalAccuracy()(y_true, y_score, sample_weight=sample_weight)",
            stateful=True,
            reduction="mean",
        ),
        implements(
            "sparse_categorical_accuracy",
            "keras.metrics.sparse_categorical_accuracy(labels, y_score)",
            reduction="none",
        ),
        implements(
            "sparse_categorical_accuracy",
            "keras.metrics.SparseCategoricalAccuracy()(labels, y_score, sample_weight=sample_weight)",
            stateful=True,
            reduction="mean",
        ),
        implements(
            "top_k_accuracy",
            "keras.metrics.top_k_categorical_accuracy(keras.ops.one_hot(labels, y_score.shape[1]), y_score, k=k)",
            reduction="none",
        ),
        implements(
            "top_k_accuracy",
            "keras.metrics.sparse_top_k_categorical_accuracy(labels, y_score, k=k)",
            reduction="none",
        ),
        implements(
            "top_k_accuracy",
            "keras.metrics.TopKCategoricalAccuracy(k=k)("
            "keras.ops.one_hot(labels, y_score.shape[1]), y_score, sample_weight=sample_weight)",
            stateful=True,
            reduction="mean",
        ),
        implements(
            "top_k_accuracy",
            "keras.metrics.SparseTopKCategoricalAccuracy(k=k)(labels, y_score, sample_weight=sample_weight)",
            stateful=True,
            reduction="mean",
        ),
        implements(
            "hamming_loss",
            "1 - keras.ops.mean(keras.metrics.binary_accuracy(y_true, y_score, threshold=threshold), axis=1)",
            name="keras.metrics.binary_accuracy",
            reduction="none",
        ),
        implements(
            "multilabel_accuracy",
            "keras.ops.mean(keras.metrics.binary_accuracy(y_true, y_score, threshold=threshold), axis=1)",
            name="keras.metrics.binary_accuracy",
            reduction="none",
        ),
        implements(
            "multilabel_accuracy",
            "keras.metrics.BinaryAccuracy(threshold=threshold)(y_true, y_score, sample_weight=sample_weight)",
            stateful=True,
            reduction="mean",
        ),
        implements(
            "precision",
            "keras.metrics.Precision()(y_true, y_pred, sample_weight=sample_weight)",
            stateful=True,
        ),
        implements("recall", "keras.metrics.Recall()(y_true, y_pred, sample_weight=sample_weight)", stateful=True),
        implements(
            "f1_score",
            "keras.metrics.F1Score(average='micro', threshold=0.5)("
            "y_true[:, None], y_pred[:, None], sample_weight=sample_weight)",
            stateful=True,
        ),
        implements(
            "macro_f1_score",
            "keras.metrics.F1Score(average='macro')(keras.ops.one_hot(y_true, int(keras.ops.max(y_true)) + 1),"
            " keras.ops.one_hot(y_pred, int(keras.ops.max(y_true)) + 1), sample_weight=sample_weight)",
            stateful=True,
        ),
        implements(
            "roc_auc",
            "keras.metrics.AUC()(y_true, y_score, sample_weight=sample_weight)",
            stateful=True,
            num_thresholds=200,
        ),
    )

    def load(self) -> dict[str, Any]:
        """Import Keras and the backend that the environment names."""
        self.backend = adapter(os.environ["KERAS_BACKEND"])
        self.backend.load()
        return super().load()

    def worded(self, mode: Mode) -> Wording:
        """The backend's wording; Keras itself places what is computed."""
        return replace(adapter(mode.environ["KERAS_BACKEND"]).wording, placed=self.wording.placed)

    def imported(self, mode: Mode) -> tuple[str, ...]:
        """The backend's modules, and Keras."""
        return (*adapter(mode.environ["KERAS_BACKEND"]).modules, *self.modules)

    def devices(self) -> dict[str, str]:
        """The backend's devices."""
        return self.backend.devices()

    def flags(self) -> dict[str, str | float | bool | None]:
        """The backend with its version and flags."""
        name, version = next(iter(self.backend.versions().items()))
        return {"backend": f"{name} {version}", **self.backend.flags()}

    def put(self, array: Array, device: str) -> Any:
        """The backend's array."""
        return self.backend.put(array, device)

    def lay_out(self, array: Array, layout: str, device: str) -> Any:
        """The backend's array in that layout."""
        return self.backend.lay_out(array, layout, device)

    def get(self, answer: Any) -> Array:
        """The backend's array, as a NumPy array."""
        return self.backend.get(answer)

    def on_device(self, function: Function, device: str) -> Function:
        """Placed by Keras itself, or its constants would land on another device than the arrays."""
        placed = self.backend.on_device(function, device)
        if device == "cpu" and len(self.backend.devices()) == 1:
            return placed
        return super().on_device(placed, device)

    def compile(self, function: Function) -> Function:
        """The backend's compiler."""
        return self.backend.compile(function)

    def vjp(self, function: Function, order: int = 1) -> Function:
        """The backend's autodiff."""
        return self.backend.vjp(function, order)


ADAPTER = KerasAdapter()
