"""JAX and Optax: jax.nn, jax.scipy and optax.losses."""

from __future__ import annotations

from gaugeblock.adapters.base import Adapter, Mode, implementing
from gaugeblock.adapters.layouts import HANDED_OVER
from gaugeblock.adapters.processor import instruction_set, threads, xla_limit
from gaugeblock.adapters.wording import Wording

NARROW = ("float16", "bfloat16", "float32")
X64 = {"JAX_ENABLE_X64": "1"}

COMPILED_EACH = ("uint8", "int32")
"""Every operation is compiled for every dtype in eager mode, too: these few stand for the others."""


class JaxAdapter(Adapter):
    """binary64 exists only with x64 enabled, which changes the whole process: a mode of its own."""

    framework = "jax"
    distributions = ("jax", "jaxlib", "optax", "numpy", "ml_dtypes")
    extra = "jax"
    modules = ("jax", "jax.nn", "jax.numpy", "jax.scipy.special", "optax")
    modes = (
        Mode(
            "eager",
            NARROW,
            layouts=tuple(HANDED_OVER),
            other_dtypes=COMPILED_EACH,
            sweeps=("float32",),
            few_shapes=True,
        ),
        Mode("compiled", NARROW, compiled=True, sweeps=("float32",)),
        Mode("eager-x64", ("float64",), environ=X64, other_dtypes=COMPILED_EACH, sweeps=()),
        Mode("compiled-x64", ("float64",), environ=X64, compiled=True, sweeps=()),
    )
    # Every compilation, however short: there are thousands of them.
    caches = {  # noqa: RUF012
        "JAX_COMPILATION_CACHE_DIR": "{folder}",
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    wording = Wording(
        # A committed array; without x64, int64 labels become int32.
        put="jax.device_put(array, jax.devices(platform)[index])",
        get="numpy.asarray(answer)",
        gradient="""\
answer, pull = jax.vjp(lambda variable: call, variable)
gradient = pull(cotangent.astype(answer.dtype))[0]""",
        second="""\
first, pull = jax.vjp(lambda variable: jax.vjp(lambda variable: call, variable)[1](cotangent)[0], variable)
gradient = pull(cotangent.astype(first.dtype))[0]""",
        compile="jax.jit(function)",
        handed=HANDED_OVER,
    )
    same_as = {  # noqa: RUF012
        "jax.lax.logistic": "jax.nn.sigmoid",
        "jax.scipy.special.logsumexp": "jax.nn.logsumexp",
    }
    table = (
        *implementing()(
            sigmoid=("jax.nn.sigmoid(x)", "jax.scipy.special.expit(x)", "jax.lax.logistic(x)"),
            logit="jax.scipy.special.logit(x)",
            hard_sigmoid="jax.nn.hard_sigmoid(x)",
            softmax_with_temperature="jax.nn.softmax(x / temperature, axis=axis)",
            masked_softmax="jax.nn.softmax(x, axis=axis, where=mask)",
            masked_log_softmax="jax.nn.log_softmax(x, axis=axis, where=mask)",
            masked_logsumexp="jax.nn.logsumexp(x, axis=axis, where=mask)",
            log_sigmoid="jax.nn.log_sigmoid(x)",
            softplus="jax.nn.softplus(x)",
            softmax="jax.nn.softmax(x, axis=axis)",
            log_softmax="jax.nn.log_softmax(x, axis=axis)",
            logsumexp=("jax.nn.logsumexp(x, axis=axis)", "jax.scipy.special.logsumexp(x, axis=axis)"),
            sparse_sigmoid="jax.nn.sparse_sigmoid(x)",
            sparse_plus="jax.nn.sparse_plus(x)",
        ),
        *implementing(name="optax.projections.projection_simplex")(
            sparsemax="jax.numpy.apply_along_axis(lambda row: optax.projections.projection_simplex(row), axis, x)"
        ),
        *implementing(reduction="none")(
            binary_cross_entropy_with_logits="optax.sigmoid_binary_cross_entropy(logits, y_true)",
            categorical_cross_entropy_with_logits=(
                "optax.softmax_cross_entropy("
                "logits, optax.smooth_labels(y_true, label_smoothing, axis=axis), axis=axis)",
                "optax.safe_softmax_cross_entropy(logits, y_true)",
            ),
            sparse_categorical_cross_entropy_with_logits=(
                "optax.softmax_cross_entropy_with_integer_labels(logits, labels, axis=axis)"
            ),
            kl_divergence="jax.scipy.special.rel_entr(y_true, y_pred).sum(axis=1)",
            kl_divergence_of_log_predictions="optax.losses.kl_divergence(log_probabilities, y_true, axis=axis)",
            kl_divergence_of_logs=(
                "optax.losses.kl_divergence_with_log_targets(log_probabilities, log_targets, axis=axis)"
            ),
            generalised_kl_divergence="optax.losses.generalized_kl_divergence(log_probabilities, y_true, axis=axis)",
            binary_focal_cross_entropy_with_logits=(
                "optax.losses.sigmoid_focal_loss(logits, y_true, alpha=alpha, gamma=gamma)"
            ),
            poly_cross_entropy_with_logits=(
                "optax.losses.poly_loss_cross_entropy(logits, y_true, epsilon=epsilon, axis=axis)"
            ),
            brier_score="optax.losses.squared_error(y_pred, y_true)",
            multiclass_brier_score="optax.losses.squared_error(y_pred, y_true).sum(axis=1)",
            hinge="optax.losses.hinge_loss(score, y_true)",
            perceptron="optax.losses.perceptron_loss(score, y_true)",
            binary_sparsemax_loss="optax.losses.sparsemax_loss(score, y_true > 0)",
            multiclass_hinge="optax.losses.multiclass_hinge_loss(scores, labels)",
            multiclass_perceptron="optax.losses.multiclass_perceptron_loss(scores, labels)",
            sparsemax_loss="optax.losses.multiclass_sparsemax_loss(scores, labels)",
        ),
        *implementing(name="optax.losses.sigmoid_binary_cross_entropy", reduction="none")(
            multilabel_binary_cross_entropy_with_logits=(
                "optax.losses.sigmoid_binary_cross_entropy(logits, y_true).mean(axis=1)"
            )
        ),
        *implementing(name="jax.lax.top_k", reduction="none")(
            top_k_accuracy="(jax.lax.top_k(y_score, k)[1] == labels[:, None]).any(axis=1)"
        ),
    )

    def devices(self) -> dict[str, str]:
        """The CPU and each CUDA device."""
        gpus = (device for device in self.names["jax"].devices() if device.platform == "gpu")
        return {"cpu": "", **{f"cuda:{gpu.id}": gpu.device_kind for gpu in gpus}}

    def flags(self) -> dict[str, str | float | bool | None]:
        """Vector instructions, threads, whether binary64 exists, and how matrix products are computed."""
        config = self.names["jax"].config
        return {
            "instruction_set": instruction_set(xla_limit()),
            "xla_max_isa": xla_limit(),
            # XLA heeds no variable of OpenMP's.
            "threads": threads("NPROC"),
            "x64": bool(config.jax_enable_x64),
            "matmul_precision": config.jax_default_matmul_precision,
        }


ADAPTER = JaxAdapter()
