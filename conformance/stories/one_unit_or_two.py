"""The story of one sigmoid unit against two softmax units: the same model, and yet another training."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from gaugeblock.conformance.cases.draws import bell
from gaugeblock.conformance.stories.base import REFUSED, Figure, Story
from gaugeblock.reference.formats import Array

SAMPLES, POSITIVE = 128, 48
SHARE = POSITIVE / SAMPLES
RATE, DECAY, EPOCHS = 0.25, 0.05, 20


def data() -> tuple[Array, ...]:
    """128 points of four numbers, 48 of them of class 1, and four weights to start from."""
    points, start = bell("one-unit-or-two/points", (SAMPLES, 4), 1.0), bell("one-unit-or-two/start", (4, 1), 0.5)
    scores = points @ [1.0, -2.0, 0.5, 1.0] + bell("one-unit-or-two/noise", (SAMPLES,), 1.0)
    labels = np.argsort(np.argsort(-scores)) < POSITIVE
    return points.astype(np.float32), labels.astype(np.int64), start.astype(np.float32)


def compared(train: Callable[..., Any], one: Any, two: Any, start: Array) -> dict[str, float]:
    """What becomes of the weights, those of class 1 against class 0. `train(form, rate, decay, steps)` returns them."""

    def weights(form: Any, rate: float, decay: float, steps: int) -> Array:
        kernel = np.asarray(train(form, rate, decay, steps))
        return np.asarray(kernel if kernel.shape[1] == 1 else kernel[:, 1:] - kernel[:, :1], np.float64)

    def apart(first: Array, second: Array) -> float:
        return float(np.max(np.abs(first - second)))

    def along(first: Array, second: Array) -> float:
        return float(np.vdot(first, second) / np.vdot(second, second))

    step_of_one = weights(one, RATE, 0.0, 1) - start
    decay_of_one = weights(one, RATE, DECAY, 1) - start - step_of_one
    decay_of_two = weights(two, RATE / 2, DECAY, 1) - weights(two, RATE / 2, 0.0, 1)
    return {
        "first-step": along(weights(two, RATE, 0.0, 1) - start, step_of_one),
        "half-the-rate": apart(weights(two, RATE / 2, 0.0, EPOCHS), weights(one, RATE, 0.0, EPOCHS)),
        "l2": along(decay_of_two, decay_of_one),
        "l2-doubled": apart(weights(two, RATE / 2, 2 * DECAY, EPOCHS), weights(one, RATE, DECAY, EPOCHS)),
    }


def figures(
    train: Callable[..., Any], loss: Callable[..., float], one: Any, two: Any, *data: Array
) -> dict[str, float]:
    """The figures. `loss(form, weights, inputs, targets)` is NaN where the framework refuses the targets."""
    points, labels, start = data
    one_hot, zeros = np.eye(2, dtype=np.float32)[labels], np.zeros((4, 2), np.float32)
    sure, no, yes = np.array([[[40.0]], [[0.0]], [[1.0]]], np.float32)
    # Class 0 starts with weights of zero: the difference of the two units is the one unit.
    of_one = loss(one, start, points, labels[:, None].astype(np.float32))
    of_two = loss(two, np.hstack([0 * start, start]), points, one_hot)
    return {
        "values": abs(of_one - of_two),
        **compared(train, one, two, start),
        "class-numbers": loss(two, zeros, points, labels),
        "class-numbers-in-a-column": loss(two, zeros, points, labels[:, None]),
        "sure-mistake-of-one": loss(one, yes, sure, no),
        "sure-mistake-of-two": loss(two, np.hstack([no, yes]), sure, np.hstack([yes, no])),
    }


def in_keras(points: Array, labels: Array, start: Array) -> dict[str, float]:
    """Both forms from the same start, in full batches."""
    import keras

    one = 1, "sigmoid", "binary_crossentropy", labels[:, None].astype(np.float32), start
    two = 2, "softmax", "categorical_crossentropy", np.eye(2, dtype=np.float32)[labels], np.hstack([0 * start, start])

    def model(form: Any, weights: Array, rate: float = RATE, decay: float = 0.0) -> Any:
        units, activation, loss, *_ = form
        l2 = keras.regularizers.L2(decay)
        dense = keras.layers.Dense(units, activation=activation, use_bias=False, kernel_regularizer=l2)
        made = keras.Sequential([keras.layers.Input((weights.shape[0],)), dense])
        made.compile(optimizer=keras.optimizers.SGD(rate), loss=loss)
        made.set_weights([weights])
        return made

    def train(form: Any, rate: float, decay: float, epochs: int) -> Any:
        *_, targets, weights = form
        made = model(form, weights, rate, decay)
        made.fit(points, targets, batch_size=len(points), epochs=epochs, shuffle=False, verbose=0)
        return made.get_weights()[0]

    def loss(form: Any, weights: Array, inputs: Array, targets: Array) -> float:
        made = model(form, weights)
        made.run_eagerly = True
        try:
            return float(made.evaluate(inputs, targets, batch_size=len(inputs), verbose=0))
        except ValueError:
            return REFUSED

    return figures(train, loss, one, two, points, labels, start)


def in_torch(points: Array, labels: Array, start: Array) -> dict[str, float]:
    """BCELoss behind a sigmoid against CrossEntropyLoss, which takes logits."""
    import torch

    x, classes = torch.tensor(points), torch.tensor(labels)
    column, one_hot = classes[:, None].float(), torch.nn.functional.one_hot(classes, 2).float()

    def one(weights: Any, inputs: Any = x, targets: Any = column) -> Any:
        return torch.nn.BCELoss()(torch.sigmoid(inputs @ weights), targets)

    def two(weights: Any, inputs: Any = x, targets: Any = one_hot) -> Any:
        return torch.nn.CrossEntropyLoss()(inputs @ weights, targets)

    starts = {one: torch.tensor(start), two: torch.tensor(np.hstack([0 * start, start]))}

    def train(form: Any, rate: float, decay: float, epochs: int) -> Any:
        weights = starts[form].clone().requires_grad_()
        optimizer = torch.optim.SGD([weights], rate, weight_decay=decay)
        for _ in range(epochs):
            optimizer.zero_grad()
            form(weights).backward()
            optimizer.step()
        return weights.detach().numpy()

    def loss(form: Any, *arrays: Array) -> float:
        try:
            return float(form(*map(torch.tensor, arrays)))
        except (RuntimeError, ValueError):
            return REFUSED

    return figures(train, loss, one, two, points, labels, start)


def in_jax(points: Array, labels: Array, start: Array) -> dict[str, float]:
    """Optax's losses of logits, for one unit and for two."""
    import jax
    import optax

    x, classes = jax.numpy.asarray(points), jax.numpy.asarray(labels, "int32")
    one_hot = jax.nn.one_hot(classes, 2)

    def one(weights: Any, inputs: Any = x, targets: Any = classes[:, None]) -> Any:
        return optax.sigmoid_binary_cross_entropy(inputs @ weights, targets).mean()

    def two(weights: Any, inputs: Any = x, targets: Any = one_hot) -> Any:
        return optax.softmax_cross_entropy(inputs @ weights, targets).mean()

    starts = {one: jax.numpy.asarray(start), two: jax.numpy.hstack([0 * start, start])}

    def train(form: Any, rate: float, decay: float, epochs: int) -> Any:
        optimizer = optax.chain(optax.add_decayed_weights(decay), optax.sgd(rate))
        weights, state = starts[form], optimizer.init(starts[form])
        step = jax.jit(jax.grad(form))
        for _ in range(epochs):
            updates, state = optimizer.update(step(weights), state, weights)
            weights = optax.apply_updates(weights, updates)
        return weights

    def loss(form: Any, *arrays: Array) -> float:
        try:
            return float(form(*map(jax.numpy.asarray, arrays)))
        except (TypeError, ValueError):
            return REFUSED

    return figures(train, loss, one, two, points, labels, start)


REFUSES = "refused"
MEANT = "ln 2: taken for the numbers of the classes"
CLASS_NUMBERS = {
    REFUSES: REFUSED,
    MEANT: math.log(2),
    "2 ln 2 times the share of class 1: multiplied by every logarithm": 2 * math.log(2) * SHARE,
}
LOSS_OF_LOGITS = "40: of the logits"
SURE_MISTAKE = {
    LOSS_OF_LOGITS: 40.0,
    "23 ln 2: clipped at 1 - 1e-7": 23 * math.log(2),
    "-ln 1e-7: clipped at 1e-7": -math.log(1e-7),
    "100: the logarithm has a floor": 100.0,
    "infinite": math.inf,
}

FIGURES = (
    Figure("values", "How far apart are the losses where the two units differ by the one?", {"they are equal": 0.0},
           ("they are equal",), 1e-6, "softmax(0, z) is (1 - sigmoid(z), sigmoid(z))."),
    Figure("first-step",
           "How far does the first step of SGD move the two units apart, as a multiple of the one unit's step?",
           {"twice as far": 2.0, "as far": 1.0}, ("twice as far",), 1e-4,
           "Each unit moves by the rate times the gradient, and they move in opposite directions."),
    Figure("half-the-rate", f"How far apart are the weights after {EPOCHS} steps, the two units at half the rate?",
           {"they are equal": 0.0}, ("they are equal",), 1e-5,
           "Half the rate in each of two opposite directions is the whole rate."),
    Figure("l2", "At half the rate, which part of the one unit's L2 decay do the two units have?",
           {"half of it": 0.5, "all of it": 1.0}, ("half of it",), 1e-3,
           "The decay of the difference is the rate times the difference, once and not twice."),
    Figure("l2-doubled",
           f"At half the rate and twice the L2 penalty, how far apart are the weights after {EPOCHS} steps?",
           {"they are equal": 0.0}, ("they are equal",), 1e-5,
           "Half the rate and twice the penalty give the decay of the one unit."),
    Figure("class-numbers",
           "What does the loss for one-hot labels make of class numbers, one for each sample, at logits of 0?",
           CLASS_NUMBERS, (REFUSES, MEANT), 1e-6, "At logits of 0 each class has probability 1/2."),
    Figure("class-numbers-in-a-column", "What does it make of class numbers in a column, (N, 1)?", CLASS_NUMBERS,
           (REFUSES, MEANT), 1e-6,
           "Broadcast over two columns, a label of 1 counts the logarithms of both classes, a label of 0 none."),
    Figure("sure-mistake-of-one", "What does the one unit lose with the logit 40 for a sample of class 0?",
           SURE_MISTAKE, tuple(SURE_MISTAKE)[:4], 1e-4,
           "ln(1 + e^40) = 40. In binary32 the sigmoid of 40 is 1, and what log 0 costs is up to the framework."),
    Figure("sure-mistake-of-two", "What do the two units lose with the logits 0 and 40 for a sample of class 0?",
           SURE_MISTAKE, tuple(SURE_MISTAKE)[:4], 1e-4,
           "The probability of class 0 is e^-40, which binary32 holds; whoever clips it forgets how wrong it was."),
)  # fmt: skip

STORY = Story(
    name="one_unit_or_two",
    title="One sigmoid unit or two softmax units",
    question="For two classes I can use `Dense(1, activation='sigmoid')` with `binary_crossentropy`, or `Dense(2, "
    "activation='softmax')` with `categorical_crossentropy` and one-hot labels. Are they the same? In my training "
    "they are not. And what if I leave the labels as 0 and 1?",
    data=data,
    scenes={"keras": in_keras, "torch": in_torch, "jax": in_jax},
    figures=FIGURES,
    explanation="They are the same function: the softmax of two scores is the sigmoid of their difference, and the "
    "losses of the same difference are equal.\n\n"
    "They are not trained the same. Both units move, in opposite directions, so that their difference moves twice as "
    "far in a step of plain SGD; at half the rate both go the same way. With an L2 penalty they part again, since "
    "each unit is drawn to zero by itself: at half the rate the two units have half the decay, and with twice the "
    "penalty they agree again.\n\n"
    "They part for good where a framework clips. A sure mistake, logit 40 for the wrong class, costs 40 where the "
    "loss sees logits, and 15.94, 16.12 or 100 where it sees probabilities of which the logarithm is cut off.\n\n"
    "Class numbers are not one-hot labels. Keras refuses them. PyTorch's `cross_entropy` takes integers for the "
    "numbers of the classes, which is right. Optax refuses a flat array of them, and broadcasts a column: the loss is "
    "a number, and it is not the loss.",
    instead="One unit and a loss of logits. With two or more units leave the labels as they are, and use the loss for "
    "class numbers:\n\n"
    "- Keras: `keras.losses.SparseCategoricalCrossentropy(from_logits=True)`\n"
    "- PyTorch: `torch.nn.CrossEntropyLoss()`\n"
    "- Optax: `optax.softmax_cross_entropy_with_integer_labels(logits, labels)`\n\n"
    "To go from one unit to two at the same pace, halve the rate of SGD and double the L2 penalty.",
    source="A question on a site for programmers: sigmoid with binary, or softmax with categorical cross-entropy",
)
