"""Faults of functions of torch, JAX and TensorFlow, whose gradients come from their autodiff.

Each framework is imported when a function is called, so that the table can be read where none is installed.
"""

from __future__ import annotations

import functools
import importlib

import numpy as np

from tests.zoo.entries import Table, given, normal, show
from tests.zoo.row_inputs import labels, logits, multi_hots


class Later:
    """A module that is imported when something of it is asked for."""

    def __init__(self, name):
        self.name = name

    def __getattr__(self, attribute):
        return getattr(importlib.import_module(self.name), attribute)


torch, jax, jnp, tf = (Later(name) for name in ("torch", "jax", "jax.numpy", "tensorflow"))
fault = Table()
LOGITS = "binary_cross_entropy_with_logits"
ROWS = {"x": normal(3, 4), "cotangent": normal(3, 4, seed=2)}


@functools.cache
def _diagonal_softmax():
    """A torch function whose way back is that of the Jacobian's diagonal."""

    class Softmax(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, axis):
            p = torch.softmax(x, axis)
            ctx.save_for_backward(p)
            return p

        @staticmethod
        def backward(ctx, above):
            (p,) = ctx.saved_tensors
            return above * p * (1 - p), None

    return Softmax


SPARSE = "sparse_categorical_cross_entropy_with_logits"
MULTILABEL = "multilabel_binary_cross_entropy_with_logits"


def over(losses, reduction):
    return losses if reduction == "none" else losses.sum() if reduction == "sum" else losses.mean()


def tf_over(losses, reduction):
    return losses if reduction == "none" else tf.reduce_sum(losses) if reduction == "sum" else tf.reduce_mean(losses)


def rows(cotangent=1.0, **more):
    return lambda: {"labels": labels(6, 4), "logits": logits(6, 4), "cotangent": np.float32(cotangent), **more}


def far(cotangent=1.0):
    return lambda: {
        "y_true": multi_hots(3, 4),
        "logits": np.float32([[100.0, -100.0, 1.0, 2.0]] * 3),
        "cotangent": np.float32(cotangent),
    }


# fmt: off
fault.row("torch-softmax-of-the-diagonal", "softmax", "gradient", show(**ROWS),
    "A hand-written way back has the diagonal of the Jacobian alone.",
    lambda x, axis=-1: _diagonal_softmax().apply(x, axis), arrays="torch")
fault.row("torch-log-softmax-of-a-detached-partition", "log_softmax", "gradient", show(**ROWS),
    "The partition is detached to save memory, and the gradient is that of the identity.",
    lambda x, axis=-1: (x.double() - torch.logsumexp(x.double(), axis, keepdim=True).detach()).to(x.dtype),
    arrays="torch")
fault.row("torch-bce-of-clamped-logits", LOGITS, "narrow-range", show(y_true=[1.0], logits=[-30.0], cotangent=[1.0]),
    "Logits are clamped to [-20, 20]: beyond, the value stands still and the gradient is 0.",
    lambda y_true, logits, reduction="mean": torch.nn.functional.binary_cross_entropy_with_logits(logits.clamp(-20, 20),
        y_true, reduction=reduction), arrays="torch")
fault.row("torch-softmax-through-bfloat16", "softmax", "dtype", show(x=normal(3, 4)),
    "Autocast's habit by hand: float32 rows are computed in bfloat16 and cast back.",
    lambda x, axis=-1: torch.softmax(x.bfloat16(), axis).to(x.dtype), arrays="torch")
fault.row("jax-softplus-of-a-single-where", "softplus", "gradient", show(x=[100.0, 0.5], cotangent=[1.0, 1.0]),
    "where(x > 20, x, log1p(e^x)): the branch not taken overflows, and 0 * inf makes the gradient NaN.",
    lambda x: jnp.where(x > 20, x, jnp.log1p(jnp.exp(x))), arrays="jax")

@fault("softmax", "layout", show(x=lambda: normal(3, 4).astype(np.float32).T), arrays="torch",
    upstream="flagos-ai/Torch-FL/issues/171")
def torch_softmax_of_the_storage(x, axis=-1):
    """The storage of a transposed tensor is reshaped as if it were contiguous."""
    if x.dim() < 2 or x.is_contiguous():
        return torch.softmax(x, axis)
    return torch.softmax(torch.as_strided(x, x.shape, torch.empty(x.shape).stride()), axis)

@fault("sigmoid", "input-overwritten", show(x=[0.5, -2.0]), arrays="torch")
def torch_sigmoid_in_place(x):
    """sigmoid_ of the detached input, which shares its memory."""
    answer = torch.sigmoid(x.clone())
    x.detach().sigmoid_()
    return answer

@fault("logsumexp", "gradient", show(x=normal(2, 4), cotangent=[1.0, -2.0]), arrays="jax")
def jax_logsumexp_stopped_in_the_wrong_place(x, axis=-1):
    """stop_gradient has been put around the exponentials and not around the maximum."""
    top = jnp.max(x, axis=axis, keepdims=True)
    return jnp.squeeze(top, axis) + jax.lax.stop_gradient(jnp.log(jnp.sum(jnp.exp(x - top), axis=axis)))

@fault("masked_softmax", "gradient",
    show(mask=[[True, True, False]], x=[[0.0, 1.0, 200.0]], cotangent=[[1.0, -1.0, 0.5]]), arrays="jax")
def jax_masked_softmax_of_a_single_where(mask, x, axis=-1):
    """The quotient of masked exponentials overflows in what is hidden: its gradient is NaN, and the row's with it."""
    top = jax.lax.stop_gradient(jnp.max(jnp.where(mask, x, -jnp.inf), axis=axis, keepdims=True))
    e = jnp.where(mask, jnp.exp(x - top), 0)
    return e / e.sum(axis=axis, keepdims=True)

@fault("sigmoid", "gradient", show(x=[0.5, 1.5], cotangent=[1.0, -2.0]), arrays="tensorflow")
def tensorflow_sigmoid_of_a_unit_gradient(x):
    """A custom gradient returns the derivative and not the derivative times the cotangent."""
    @tf.custom_gradient
    def sigmoid(x):
        p = tf.sigmoid(x)
        return p, lambda above: p * tf.sigmoid(-x)

    return sigmoid(x)

@fault(LOGITS, "two-conditions", show(y_true=[0.25], logits=[1.5], keywords={"pos_weight": 2.0}), arrays="tensorflow")
def tensorflow_bce_weighing_soft_targets(y_true, logits, pos_weight=1.0):
    """The weight is 1 + (w - 1) t on the stable formula, which is right for hard targets alone."""
    losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=y_true, logits=logits)
    return losses * (1 + (pos_weight - 1) * y_true)

fault.row("torch-log-sum-detached", SPARSE, "gradient", rows(),
    "The log-sum is detached from the graph to save memory, and the derivative is minus the one-hot row.",
    lambda labels, logits, reduction="mean": over(logits.detach().logsumexp(-1)
        - logits.gather(-1, labels.long().unsqueeze(-1)).squeeze(-1), reduction), arrays="torch")

@fault(SPARSE, "gradient", rows(3.0), upstream="linkedin/Liger-Kernel/issues/968", arrays="torch")
def torch_function_that_saves_its_gradient(labels, logits, reduction="mean"):
    """The gradient is computed in forward, and backward returns it without looking at grad_output."""
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

@fault(SPARSE, "input-overwritten", lambda: {"labels": labels(6, 4), "logits": logits(6, 4)},
    upstream="linkedin/Liger-Kernel/pull/1251", arrays="torch")
def torch_logits_shifted_in_their_storage(labels, logits, reduction="mean"):
    """x.data.sub_(max) writes to the caller's tensor, and autograd does not know."""
    logits.data.sub_(logits.data.amax(-1, keepdim=True))
    return over(torch.logsumexp(logits, -1) - logits.gather(-1, labels.long().unsqueeze(-1)).squeeze(-1), reduction)

@fault(SPARSE, "labels", given(labels=np.array([200, 3], np.uint8), logits=logits(2, 230)), arrays="torch")
def torch_labels_read_as_signed_bytes(labels, logits, reduction="mean"):
    """Labels of dtype uint8 pass through int8: from 128 on they are counted from the end."""
    index = labels.to(torch.int8).long() % logits.shape[-1] if labels.dtype == torch.uint8 else labels.long()
    return over(logits.logsumexp(-1) - logits.gather(-1, index.unsqueeze(-1)).squeeze(-1), reduction)

@fault(MULTILABEL, "narrow-range", far(), upstream="google-deepmind/optax/pull/1786", arrays="jax")
def jax_where_over_an_overflow(y_true, logits, reduction="mean"):
    """where(z > 20, z, log1p(e^z)) has the right value; the branch not taken overflows, and its derivative is 0 *
    inf."""
    def soft_plus(z):
        return jnp.where(z > 20, z, jnp.log1p(jnp.exp(z)))

    return over(jnp.where(y_true == 1, soft_plus(-logits), soft_plus(logits)).mean(-1), reduction)

@fault(SPARSE, "gradient", rows(0.5), arrays="jax")
def jax_custom_derivative_without_a_cotangent(labels, logits, reduction="mean"):
    """custom_vjp's backward leaves out the cotangent of a mean that is scaled."""
    def value(x):
        own = jnp.take_along_axis(x, jnp.asarray(labels)[..., None], -1)[..., 0]
        return over(jax.scipy.special.logsumexp(x, axis=-1) - own, reduction)

    loss = jax.custom_vjp(value)
    loss.defvjp(lambda x: (value(x), x), lambda x, g: (jax.grad(lambda y: value(y).sum())(x) * jnp.sign(g).mean(),))
    return loss(jnp.asarray(logits))

@fault(MULTILABEL, "narrow-range", far(), arrays="tensorflow")
def tensorflow_where_over_an_overflow(y_true, logits, reduction="mean"):
    """tf.where takes the derivative of both branches, and that of log(1 + e^100) is NaN."""
    def soft_plus(z):
        return tf.where(z > 20, z, tf.math.log1p(tf.exp(z)))

    return tf_over(tf.reduce_mean(tf.where(y_true == 1, soft_plus(-logits), soft_plus(logits)), -1), reduction)

@fault(SPARSE, "gradient", rows(), arrays="tensorflow")
def tensorflow_softmax_held_constant(labels, logits, reduction="mean"):
    """stop_gradient is put around the log-sum, not around the shift alone."""
    own = tf.gather(logits, tf.cast(labels, tf.int32), batch_dims=len(logits.shape) - 1)
    return tf_over(tf.stop_gradient(tf.reduce_logsumexp(logits, -1)) - own, reduction)

FAULTS = tuple(fault.entries)
