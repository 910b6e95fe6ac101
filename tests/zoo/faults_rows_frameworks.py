"""Losses of rows in torch, JAX and TensorFlow whose values are right and whose derivatives, or inputs, are not.

Each framework is imported inside the functions, so that the table can be read where none is installed.
"""

from __future__ import annotations

import numpy as np
from rows_table import Table, labels, logits, multi_hots

fault = Table()
SPARSE = "sparse_categorical_cross_entropy_with_logits"
MULTILABEL = "multilabel_binary_cross_entropy_with_logits"


def over(losses, reduction):
    return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.mean()


def rows(cotangent=1.0, **more):
    return lambda: {"labels": labels(6, 4), "logits": logits(6, 4), "cotangent": np.float32(cotangent), **more}


def far(cotangent=1.0):
    return lambda: {
        "y_true": multi_hots(3, 4),
        "logits": np.float32([[100.0, -100.0, 1.0, 2.0]] * 3),
        "cotangent": np.float32(cotangent),
    }


@fault(
    "torch-function-that-saves-its-gradient",
    SPARSE,
    "gradient",
    "the gradient is computed in forward, and backward returns it without looking at grad_output",
    upstream="https://github.com/linkedin/Liger-Kernel/issues/968",
    shows=rows(3.0),
    arrays="torch",
)
def saved_gradient(labels, logits, reduction="mean"):
    import torch

    class Loss(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            losses = x.logsumexp(-1) - x.gather(-1, labels.long().unsqueeze(-1)).squeeze(-1)
            hot = torch.nn.functional.one_hot(labels.long(), x.shape[-1]).to(x.dtype)
            scale = 1 / losses.numel() if reduction == "mean" and losses.numel() else 1
            ctx.save_for_backward((x.softmax(-1) - hot) * scale)
            return over(losses, reduction)

        @staticmethod
        def backward(ctx, grad_output):  # noqa: ARG004
            return ctx.saved_tensors[0]

    return Loss.apply(logits)


@fault(
    "torch-log-sum-detached",
    SPARSE,
    "gradient",
    "the log-sum is detached from the graph to save memory, and the slope is minus the one-hot row",
    shows=rows(),
    arrays="torch",
)
def detached(labels, logits, reduction="mean"):
    own = logits.gather(-1, labels.long().unsqueeze(-1)).squeeze(-1)
    return over(logits.detach().logsumexp(-1) - own, reduction)


@fault(
    "torch-logits-shifted-in-their-storage",
    SPARSE,
    "input-overwritten",
    "x.data.sub_(max) writes to the caller's tensor, and autograd does not know",
    upstream="https://github.com/linkedin/Liger-Kernel/pull/1251",
    shows=lambda: {"labels": labels(6, 4), "logits": logits(6, 4)},
    arrays="torch",
)
def storage_shifted(labels, logits, reduction="mean"):
    import torch

    logits.data.sub_(logits.data.amax(-1, keepdim=True))
    return over(torch.logsumexp(logits, -1) - logits.gather(-1, labels.long().unsqueeze(-1)).squeeze(-1), reduction)


@fault(
    "torch-labels-read-as-signed-bytes",
    SPARSE,
    "labels",
    "labels of dtype uint8 pass through int8: from 128 on they are counted from the end",
    shows=lambda: {"labels": np.array([200, 3], np.uint8), "logits": logits(2, 230)},
    arrays="torch",
)
def int8_labels(labels, logits, reduction="mean"):
    import torch

    index = labels.to(torch.int8).long() % logits.shape[-1] if labels.dtype == torch.uint8 else labels.long()
    return over(logits.logsumexp(-1) - logits.gather(-1, index.unsqueeze(-1)).squeeze(-1), reduction)


@fault(
    "jax-where-over-an-overflow",
    MULTILABEL,
    "narrow-range",
    "where(z > 20, z, log1p(e^z)) has the right value; the branch not taken overflows, and its slope is 0 * inf",
    upstream="https://github.com/google-deepmind/optax/pull/1786",
    shows=far(),
    arrays="jax",
)
def jax_where(y_true, logits, reduction="mean"):
    import jax.numpy as jnp

    def soft_plus(z):
        return jnp.where(z > 20, z, jnp.log1p(jnp.exp(z)))

    each = jnp.where(y_true == 1, soft_plus(-logits), soft_plus(logits))
    return over(each.mean(-1), reduction)


@fault(
    "jax-custom-derivative-without-a-cotangent",
    SPARSE,
    "gradient",
    "custom_vjp's backward leaves out the cotangent of a mean that is scaled",
    shows=rows(0.5),
    arrays="jax",
)
def jax_custom(labels, logits, reduction="mean"):
    import jax
    import jax.numpy as jnp

    def value(x):
        own = jnp.take_along_axis(x, jnp.asarray(labels)[..., None], -1)[..., 0]
        return over(jax.scipy.special.logsumexp(x, axis=-1) - own, reduction)

    loss = jax.custom_vjp(value)
    loss.defvjp(lambda x: (value(x), x), lambda x, g: (jax.grad(lambda y: value(y).sum())(x) * jnp.sign(g).mean(),))
    return loss(jnp.asarray(logits))


@fault(
    "tensorflow-where-over-an-overflow",
    MULTILABEL,
    "narrow-range",
    "tf.where takes the slope of both branches, and that of log(1 + e^100) is NaN",
    shows=far(),
    arrays="tensorflow",
)
def tensorflow_where(y_true, logits, reduction="mean"):
    import tensorflow as tf

    def soft_plus(z):
        return tf.where(z > 20, z, tf.math.log1p(tf.exp(z)))

    losses = tf.reduce_mean(tf.where(y_true == 1, soft_plus(-logits), soft_plus(logits)), -1)
    if reduction == "none":
        return losses
    return tf.reduce_sum(losses) if reduction == "sum" else tf.reduce_mean(losses)


@fault(
    "tensorflow-softmax-held-constant",
    SPARSE,
    "gradient",
    "stop_gradient is put around the log-sum, not around the shift alone",
    shows=rows(),
    arrays="tensorflow",
)
def tensorflow_stopped(labels, logits, reduction="mean"):
    import tensorflow as tf

    own = tf.gather(logits, tf.cast(labels, tf.int32), batch_dims=len(logits.shape) - 1)
    losses = tf.stop_gradient(tf.reduce_logsumexp(logits, -1)) - own
    if reduction == "none":
        return losses
    return tf.reduce_sum(losses) if reduction == "sum" else tf.reduce_mean(losses)


FAULTS = tuple(fault.entries)
