"""TensorFlow: tf.math and tf.nn."""

from __future__ import annotations

import importlib
import os
from typing import Any

from gaugeblock.adapters.base import Adapter, Mode, implementing, implements
from gaugeblock.adapters.layouts import HANDED_OVER
from gaugeblock.adapters.processor import instruction_set, onednn_limit, threads, xla_limit
from gaugeblock.adapters.wording import Wording

QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3"}

WORDING = Wording(
    put="tf.constant(array)",
    get="answer.numpy()",
    gradient="""\
with tf.GradientTape() as tape:
    tape.watch(variable)
    answer = call
gradient = tape.gradient(answer, variable, output_gradients=cotangent)""",
    second="""\
with tf.GradientTape() as outer:
    outer.watch(variable)
    with tf.GradientTape() as inner:
        inner.watch(variable)
        answer = call
    first = inner.gradient(answer, variable, output_gradients=cotangent)
gradient = outer.gradient(first, variable, output_gradients=cotangent)""",
    compile="tf.function(function, jit_compile=True, reduce_retracing=False)",
    placed="tf.device(device.replace('cuda', 'gpu'))",
    handed=HANDED_OVER,
)


class TensorFlowAdapter(Adapter):
    """Compiled means tf.function(jit_compile=True), which is XLA."""

    framework = "tensorflow"
    distributions = ("tensorflow-cpu|tensorflow", "numpy", "ml_dtypes")
    extra = "tensorflow"
    modules = ("tensorflow as tf",)
    modes = (
        Mode("eager", environ=QUIET, layouts=tuple(HANDED_OVER)),
        Mode("compiled", environ=QUIET, compiled=True, sweeps=("float32",)),
    )
    wording = WORDING
    table = (
        *implementing()(
            sigmoid="tf.math.sigmoid(x)",
            log_sigmoid="tf.math.log_sigmoid(x)",
            softplus="tf.math.softplus(x)",
            softmax_with_temperature="tf.nn.softmax(x / temperature, axis=axis)",
            masked_softmax="tf.nn.softmax(tf.where(mask, x, tf.cast(float('-inf'), x.dtype)), axis=axis)",
            softmax="tf.nn.softmax(x, axis=axis)",
            log_softmax="tf.nn.log_softmax(x, axis=axis)",
            logsumexp="tf.math.reduce_logsumexp(x, axis=axis)",
        ),
        implements("hard_sigmoid", "tf.nn.relu6(x + 3) / 6", name="tf.nn.relu6"),
        *implementing(reduction="none")(
            binary_cross_entropy_with_logits=(
                "tf.nn.sigmoid_cross_entropy_with_logits(labels=y_true, logits=logits)",
                "tf.nn.weighted_cross_entropy_with_logits(labels=y_true, logits=logits, pos_weight=pos_weight)",
            ),
            categorical_cross_entropy_with_logits=(
                "tf.nn.softmax_cross_entropy_with_logits(labels=y_true, logits=logits, axis=axis)"
            ),
            sparse_categorical_cross_entropy_with_logits=(
                "tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)"
            ),
            brier_score="tf.math.squared_difference(y_pred, y_true)",
        ),
        *implementing(name="tf.nn.sigmoid_cross_entropy_with_logits", reduction="none")(
            multilabel_binary_cross_entropy_with_logits="tf.reduce_mean("
            "tf.nn.sigmoid_cross_entropy_with_logits(labels=y_true, logits=logits), axis=1)"
        ),
        *implementing(name="tf.nn.weighted_cross_entropy_with_logits", reduction="none")(
            multilabel_binary_cross_entropy_with_logits="tf.reduce_mean(tf.nn.weighted_cross_entropy_with_logits("
            "labels=y_true, logits=logits, pos_weight=1.0 if pos_weight is None else pos_weight), axis=1)"
        ),
        implements("top_k_accuracy", "tf.math.in_top_k(labels, y_score, k)", reduction="none", dtypes=("float32",)),
        *implementing(name="tf.math.top_k", reduction="none")(
            top_k_accuracy="tf.reduce_any("
            "tf.math.top_k(y_score, k).indices == tf.cast(labels, 'int32')[:, None], axis=1)"
        ),
    )

    def load(self) -> dict[str, Any]:
        """Import TensorFlow; GPU memory is taken as needed, so that processes can share a device."""
        names = super().load()
        self.tf = names["tf"]
        for device in self.tf.config.list_physical_devices("GPU"):
            self.tf.config.experimental.set_memory_growth(device, True)
        return names

    def devices(self) -> dict[str, str]:
        """The CPU and each GPU, under CUDA's name for it."""
        details = self.tf.config.experimental.get_device_details
        gpus = self.tf.config.list_physical_devices("GPU")
        return {"cpu": "", **{f"cuda:{i}": details(gpu).get("device_name", "") for i, gpu in enumerate(gpus)}}

    def flags(self) -> dict[str, str | float | bool | None]:
        """Vector instructions, oneDNN, threads and TF32 change results."""
        chosen = self.tf.config.threading.get_intra_op_parallelism_threads()
        return {
            "instruction_set": instruction_set(onednn_limit(), xla_limit()),
            "libraries": "eigen, onednn" if self._onednn() else "eigen",
            "onednn_max_isa": onednn_limit(),
            "xla_max_isa": xla_limit(),
            # 0 leaves it to TensorFlow, which heeds no variable of OpenMP's.
            "threads": chosen or threads("TF_NUM_INTRAOP_THREADS"),
            "tf32": bool(self.tf.config.experimental.tensor_float_32_execution_enabled()),
        }

    def _onednn(self) -> bool:
        """Whether oneDNN's kernels replace TensorFlow's own: by default that depends on the processor."""
        try:
            port = importlib.import_module("tensorflow.python.util._pywrap_util_port")
            return bool(port.IsMklEnabled())
        except (ImportError, AttributeError):
            return os.environ.get("TF_ENABLE_ONEDNN_OPTS") == "1"


ADAPTER = TensorFlowAdapter()
