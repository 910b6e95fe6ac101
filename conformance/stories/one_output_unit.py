"""The story of an image classifier that does not learn: one output unit with softmax, and binary_crossentropy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from gaugeblock.conformance.cases.draws import bell
from gaugeblock.conformance.stories.base import Figure, Story
from gaugeblock.reference.formats import Array

SAMPLES, POSITIVE = 256, 136
SHARE = POSITIVE / SAMPLES
TRAINED = ("keras", "torch", "jax")

LEAST = 2.0**-23
"""What is left of 1 - p in binary32, where p is 1 - 1e-7."""


def data() -> tuple[Array, ...]:
    """256 images of 8 x 8 points, of which the 136 of class 1 are brighter in the middle."""
    labels = (np.arange(SAMPLES) * 151 % SAMPLES < POSITIVE).astype(np.float32)
    images = bell("one-output-unit/images", (SAMPLES, 8, 8, 1), 0.5)
    images[labels == 1, 2:6, 2:6] += 1.0
    return images.astype(np.float32), labels


def way(weights: list[Array], start: list[Array]) -> float:
    """How far weights are from their start."""
    return math.sqrt(sum(float(np.sum((w - s) ** 2, dtype=np.float64)) for w, s in zip(weights, start, strict=True)))


def figures(sigmoid: Sequence[float], softmax: Sequence[float]) -> dict[str, float]:
    """The figures by name: of either, the loss, the accuracy before and after training, and the way of the weights."""
    loss, before, after, moved = softmax
    return {
        "accuracy-before": before,
        "loss-before": loss,
        "accuracy-after": after,
        "training": moved / sigmoid[3],
        "sigmoid-accuracy": sigmoid[2],
    }


def in_keras(images: Array, labels: Array) -> dict[str, float]:
    """The model as it was asked about, and the same one with sigmoid."""
    import keras

    seen = []
    for activation in ("sigmoid", "softmax"):
        keras.utils.set_random_seed(1)
        model = keras.Sequential(
            [
                keras.layers.Input(images.shape[1:]),
                keras.layers.Conv2D(4, 3, activation="relu"),
                keras.layers.Flatten(),
                keras.layers.Dense(1, activation=activation, kernel_initializer="zeros"),
            ]
        )
        model.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy", metrics=["accuracy"])
        start = model.get_weights()
        before = model.evaluate(images, labels, verbose=0)
        model.fit(images, labels, batch_size=32, epochs=6, shuffle=False, verbose=0)
        after = model.evaluate(images, labels, verbose=0)
        seen.append((*before, after[1], way(model.get_weights(), start)))
    return figures(*seen)


def in_torch(images: Array, labels: Array) -> dict[str, float]:
    """The same mistake with torch.nn.Softmax and torch.nn.BCELoss."""
    import torch

    x, y = torch.tensor(images).permute(0, 3, 1, 2), torch.tensor(labels)[:, None]
    seen = []
    for activation in (torch.nn.Sigmoid(), torch.nn.Softmax(dim=1)):
        torch.manual_seed(1)
        head = torch.nn.Linear(4 * 6 * 6, 1)
        model = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), head, activation)
        torch.nn.init.zeros_(head.weight)
        torch.nn.init.zeros_(head.bias)
        start = [each.detach().numpy().copy() for each in model.parameters()]
        optimizer = torch.optim.Adam(model.parameters(), 0.01)
        before = float(torch.nn.BCELoss()(model(x), y)), float(((model(x) > 0.5) == y).double().mean())
        for _ in range(6):
            for at in range(0, len(x), 32):
                optimizer.zero_grad()
                torch.nn.BCELoss()(model(x[at : at + 32]), y[at : at + 32]).backward()
                optimizer.step()
        after = float(((model(x) > 0.5) == y).double().mean())
        seen.append((*before, after, way([p.detach().numpy() for p in model.parameters()], start)))
    return {**figures(*seen), "old-formula": float(-torch.log(1 - torch.tensor(1 - 1e-7) + 1e-7))}


def in_jax(images: Array, labels: Array) -> dict[str, float]:
    """One layer, and a softmax in front of Optax's loss of logits: Optax has no loss of probabilities."""
    import jax
    import optax

    x, y = np.hstack([images.reshape(len(images), -1), np.ones((len(images), 1), np.float32)]), labels[:, None]
    seen = []
    for activation in (lambda z: z, jax.nn.softmax):

        def loss(weights: Any, activation: Any = activation) -> Any:
            return optax.sigmoid_binary_cross_entropy(activation(x @ weights), y).mean()

        def accuracy(weights: Any, activation: Any = activation) -> float:
            return float(((jax.nn.sigmoid(activation(x @ weights)) > 0.5) == y).mean())

        start = jax.numpy.zeros((x.shape[1], 1))
        optimizer = optax.adam(0.05)
        weights, state = start, optimizer.init(start)
        step = jax.jit(jax.grad(loss))
        for _ in range(48):
            updates, state = optimizer.update(step(weights), state)
            weights = optax.apply_updates(weights, updates)
        moved = way([np.asarray(weights)], [np.asarray(start)])
        seen.append((float(loss(start)), accuracy(start), accuracy(weights), moved))

    def old(p: Any) -> Any:
        return -jax.numpy.log(1 - p + 1e-7)

    p = jax.numpy.float32(1 - 1e-7)
    return {**figures(*seen), "old-formula": float(old(p)), "old-formula-compiled": float(jax.jit(old)(p))}


def in_tensorflow(images: Array, labels: Array) -> dict[str, float]:
    """The formula of the Keras of that time, on the probability 1 - 1e-7."""
    import tensorflow as tf

    del images, labels

    def old(p: Any) -> Any:
        return -tf.math.log(1 - p + 1e-7)

    p = tf.constant(1 - 1e-7)
    return {"old-formula": float(old(p)), "old-formula-compiled": float(tf.function(old)(p))}


def in_numpy(images: Array, labels: Array) -> dict[str, float]:
    """The formula of the Keras of that time, on the probability 1 - 1e-7."""
    del images, labels
    one, p, epsilon = np.array([1, 1 - 1e-7, 1e-7], np.float32)
    return {"old-formula": float(-np.log(one - p + epsilon))}


AS_WRITTEN, REASSOCIATED = "15.333239: as it is written", "22 ln 2: as (1 + 1e-7) - p"
OLD = {
    AS_WRITTEN: -math.log(float(np.float32(LEAST) + np.float32(1e-7))),
    REASSOCIATED: 22 * math.log(2),
    "23 ln 2: without the 1e-7": 23 * math.log(2),
    "16.118096: exactly": -math.log(1e-7),
}
STUCK = "not at all: the gradient is zero"
CLIPPED = "the share of class 0 times 23 ln 2: clipped at 1 - 1e-7"

FIGURES = (
    Figure("accuracy-before", "What is the accuracy before training?",
           {"the share of class 1": SHARE, "the share of class 0": 1 - SHARE}, ("the share of class 1",), 1e-6,
           "Softmax over one unit is 1 whatever its logit, so every sample is called class 1: 136 of 256 are.",
           TRAINED),
    Figure("loss-before", "What is the loss before training?",
           {CLIPPED: (1 - SHARE) * 23 * math.log(2),
            "the share of class 0 times 22 ln 2": (1 - SHARE) * OLD[REASSOCIATED],
            "the share of class 0 times 15.333239": (1 - SHARE) * OLD[AS_WRITTEN],
            "the share of class 0 times 16.118096": (1 - SHARE) * -math.log(1e-7),
            "the share of class 0 times 100: the logarithm has a floor": (1 - SHARE) * 100, "infinite": math.inf,
            "that of the logit 1: a probability is taken for a logit": math.log1p(math.exp(-1)) + 1 - SHARE,
            "ln 2: of a sigmoid in place of the softmax": math.log(2)},
           (CLIPPED, "the share of class 0 times 100: the logarithm has a floor",
            "that of the logit 1: a probability is taken for a logit"), 1e-4,
           "The probability is 1, so class 1 costs nothing and class 0 as much as the framework lets log 0 cost. "
           "The logits are 0 before training. The sum of 256 numbers in binary32 is known to 1e-5 of itself.",
           TRAINED),
    Figure("accuracy-after", "What is the accuracy after training?", {"the share of class 1": SHARE},
           ("the share of class 1",), 1e-6, "Whatever the weights are, softmax over one unit is 1.", TRAINED),
    Figure("training", "How far do the weights go, as a part of the way they go with sigmoid?",
           {STUCK: 0.0, "as far: the loss takes a sigmoid for the softmax": 1.0}, (STUCK,), 1e-6,
           "The derivative of softmax over one unit is p (1 - p) = 0, exactly.", TRAINED),
    Figure("sigmoid-accuracy", "Does the same model learn with sigmoid?", {"yes, an accuracy above 0.9": 1.0},
           ("yes, an accuracy above 0.9",), 0.1,
           "The classes differ by 16 points of an image, by twice the deviation of the noise in each.", TRAINED),
    Figure("old-formula",
           "What is -log(1 - p + 1e-7), the old Keras's price of certainty, at p = 1 - 1e-7 in binary32?", OLD,
           (AS_WRITTEN,), 1e-5, "p is 1 - 2^-23, so the formula as written is -ln(2^-23 + 1e-7) = 15.333239.",
           ("numpy", "torch", "tensorflow", "jax")),
    Figure("old-formula-compiled", "What is -log(1 - p + 1e-7) at p = 1 - 1e-7 in binary32, compiled?", OLD,
           (AS_WRITTEN, REASSOCIATED), 1e-5,
           "A compiler that sums 1 and 1e-7 first has (1 + 2^-23) - (1 - 2^-23) = 2^-22.", ("tensorflow", "jax")),
)  # fmt: skip

STORY = Story(
    name="one_output_unit",
    title="A classifier that does not learn: one output unit with softmax",
    question="My image classifier of two classes stays at accuracy 0.501897 and loss 7.595693 in every epoch, whatever "
    "I change. Its last layer is `Dense(1, activation='softmax')`, its loss `binary_crossentropy`. Why does it not "
    "learn?",
    data=data,
    scenes={"numpy": in_numpy, "keras": in_keras, "torch": in_torch, "jax": in_jax, "tensorflow": in_tensorflow},
    figures=FIGURES,
    explanation="Softmax divides the exponential of each unit by the sum over all units. Over one unit that is 1, "
    "whatever the unit says: every image is called class 1, the accuracy is the share of class 1, and the derivative "
    "is zero, so that no weight moves.\n\n"
    "The loss is nothing for class 1, and for class 0 as much as the framework lets the logarithm of zero cost: "
    "Keras clips the probability at 1 - 1e-7, of which binary32 keeps 23 ln 2 = 15.942385; PyTorch stops the "
    "logarithm at -100. The loss that was asked about tells which Keras it was: `(1 - 0.501897) * 22 ln 2 = 7.595691`. "
    "That Keras computed `-log(1 - p + 1e-7)`, and TensorFlow's graph optimiser made `(1 + 1e-7) - p` of it, which is "
    "2^-22 and not 2^-23 + 1e-7.\n\n"
    "On TensorFlow, Keras takes the logits from behind the softmax and computes the loss of their sigmoid. The "
    "weights move as if the layer were a sigmoid, and the loss falls, while predictions stay 1 and the accuracy "
    "stays the share of class 1.",
    instead="`Dense(1, activation='sigmoid')` with `binary_crossentropy`, or `Dense(2, activation='softmax')` with "
    "`sparse_categorical_crossentropy`. Better still leave the activation out, and give the logits to a loss of "
    "logits:\n\n"
    "- Keras: `Dense(1)` and `keras.losses.BinaryCrossentropy(from_logits=True)`\n"
    "- PyTorch: `torch.nn.Linear(n, 1)` and `torch.nn.BCEWithLogitsLoss()`\n"
    "- Optax: `optax.sigmoid_binary_cross_entropy(logits, labels)`",
    source="A question on a site for programmers, with its figures 0.501897 and 7.595693",
)
