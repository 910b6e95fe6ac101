"""Faults of functions of torch, JAX and TensorFlow, whose gradients come from their autodiff."""

from __future__ import annotations

import functools

import numpy as np

from tests.zoo.entries import Table, normal, show

fault = Table()

LOGITS = "binary_cross_entropy_with_logits"
ROWS = {"x": normal(3, 4), "cotangent": normal(3, 4, seed=2)}


@functools.cache
def _diagonal_softmax():
    """A torch function whose way back is that of the Jacobian's diagonal."""
    import torch

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


# fmt: off
fault.row("torch-softmax-of-the-diagonal", "softmax", "gradient", show(**ROWS),
    "A hand-written way back has the diagonal of the Jacobian alone.",
    lambda x, axis=-1: _diagonal_softmax().apply(x, axis), arrays="torch")

@fault("log_softmax", "gradient", show(**ROWS), arrays="torch")
def torch_log_softmax_of_a_detached_partition(x, axis=-1):
    """The partition is detached to save memory, and the gradient is that of the identity."""
    import torch

    wide = x.double()
    return (wide - torch.logsumexp(wide, axis, keepdim=True).detach()).to(x.dtype)

@fault(LOGITS, "narrow-range", show(y_true=[1.0], logits=[-30.0], cotangent=[1.0]), arrays="torch")
def torch_bce_of_clamped_logits(y_true, logits, reduction="mean"):
    """Logits are clamped to [-20, 20]: beyond, the value stands still and the gradient is 0."""
    import torch

    return torch.nn.functional.binary_cross_entropy_with_logits(logits.clamp(-20, 20), y_true, reduction=reduction)

@fault("softmax", "layout", show(x=lambda: normal(3, 4).astype(np.float32).T), arrays="torch",
    upstream="flagos-ai/Torch-FL/issues/171")
def torch_softmax_of_the_storage(x, axis=-1):
    """The storage of a transposed tensor is reshaped as if it were contiguous."""
    import torch

    if x.dim() < 2 or x.is_contiguous():
        return torch.softmax(x, axis)
    return torch.softmax(torch.as_strided(x, x.shape, torch.empty(x.shape).stride()), axis)

@fault("sigmoid", "input-overwritten", show(x=[0.5, -2.0]), arrays="torch")
def torch_sigmoid_in_place(x):
    """sigmoid_ of the detached input, which shares its memory."""
    import torch

    answer = torch.sigmoid(x.clone())
    x.detach().sigmoid_()
    return answer

@fault("softmax", "dtype", show(x=normal(3, 4)), arrays="torch")
def torch_softmax_through_bfloat16(x, axis=-1):
    """Autocast's habit by hand: float32 rows are computed in bfloat16 and cast back."""
    import torch

    return torch.softmax(x.bfloat16(), axis).to(x.dtype)

@fault("softplus", "gradient", show(x=[100.0, 0.5], cotangent=[1.0, 1.0]), arrays="jax")
def jax_softplus_of_a_single_where(x):
    """where(x > 20, x, log1p(e^x)): the branch not taken overflows, and 0 * inf makes the gradient NaN."""
    import jax.numpy as jnp

    return jnp.where(x > 20, x, jnp.log1p(jnp.exp(x)))

@fault("logsumexp", "gradient", show(x=normal(2, 4), cotangent=[1.0, -2.0]), arrays="jax")
def jax_logsumexp_stopped_in_the_wrong_place(x, axis=-1):
    """stop_gradient has been put around the exponentials and not around the maximum."""
    import jax
    import jax.numpy as jnp

    top = jnp.max(x, axis=axis, keepdims=True)
    return jnp.squeeze(top, axis) + jax.lax.stop_gradient(jnp.log(jnp.sum(jnp.exp(x - top), axis=axis)))

@fault("masked_softmax", "gradient",
    show(mask=[[True, True, False]], x=[[0.0, 1.0, 200.0]], cotangent=[[1.0, -1.0, 0.5]]), arrays="jax")
def jax_masked_softmax_of_a_single_where(mask, x, axis=-1):
    """The quotient of masked exponentials overflows in what is hidden: its gradient is NaN, and the row's with it."""
    import jax
    import jax.numpy as jnp

    top = jax.lax.stop_gradient(jnp.max(jnp.where(mask, x, -jnp.inf), axis=axis, keepdims=True))
    e = jnp.where(mask, jnp.exp(x - top), 0)
    return e / e.sum(axis=axis, keepdims=True)

@fault("sigmoid", "gradient", show(x=[0.5, 1.5], cotangent=[1.0, -2.0]), arrays="tensorflow")
def tensorflow_sigmoid_of_a_unit_gradient(x):
    """A custom gradient returns the derivative and not the derivative times the cotangent."""
    import tensorflow as tf

    @tf.custom_gradient
    def sigmoid(x):
        p = tf.sigmoid(x)
        return p, lambda above: p * tf.sigmoid(-x)

    return sigmoid(x)

@fault(LOGITS, "two-conditions", show(y_true=[0.25], logits=[1.5], keywords={"pos_weight": 2.0}), arrays="tensorflow")
def tensorflow_bce_weighing_soft_targets(y_true, logits, pos_weight=1.0):
    """The weight is 1 + (w - 1) t on the stable formula, which is right for hard targets alone."""
    import tensorflow as tf

    losses = tf.nn.sigmoid_cross_entropy_with_logits(labels=y_true, logits=logits)
    return losses * (1 + (pos_weight - 1) * y_true)

FAULTS = tuple(fault.entries)
