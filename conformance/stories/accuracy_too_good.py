"""The story of ten classes trained with binary_crossentropy, whose accuracy was too good to be true."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from gaugeblock.conformance.cases.draws import bell
from gaugeblock.conformance.stories.base import REFUSED, Figure, Story
from gaugeblock.reference.formats import Array

CLASSES, SAMPLES, ERRORS = 10, 10_000, 122
LOSSES = ("binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy", "mean_squared_error")


def data() -> tuple[Array, ...]:
    """500 points of ten classes; 10,000 one-hot rows of labels, and predictions of which 122 name another class."""
    classes = np.arange(500) % CLASSES
    points = bell("accuracy-too-good/points", (500, 16), 0.5)
    points += bell("accuracy-too-good/centres", (CLASSES, 16), 1.5)[classes]
    truth = np.arange(SAMPLES) % CLASSES
    one_hot = np.eye(CLASSES, dtype=np.float32)
    predictions = one_hot[np.where(np.arange(SAMPLES) < ERRORS, (truth + 3) % CLASSES, truth)]
    return points.astype(np.float32), one_hot[classes], one_hot[truth], predictions


def outputs() -> Iterator[tuple[str, Array, Array]]:
    """Kinds of output by name: labels, and predictions for which no two accuracies are equal."""
    classes = np.array([0, 1, 2, 3, 3, 3, 0, 1])
    scores = np.array(
        [
            [0.9, 0.1, 0.1, 0.1],
            [0.1, 0.9, 0.1, 0.1],
            [0.1, 0.1, 0.4, 0.1],
            [0.1, 0.1, 0.1, 0.4],
            [0.9, 0.1, 0.1, 0.1],
            [0.4, 0.1, 0.1, 0.1],
            [0.1, 0.6, 0.7, 0.1],
            [0.1, 0.4, 0.1, 0.1],
        ],
        np.float32,
    )
    one_hot = np.eye(4, dtype=np.float32)[classes]
    several = np.maximum(one_hot, np.array([1.0, 0.0, 0.0, 1.0], np.float32))
    unit = one_hot[:, 3:]
    yield "one-hot-labels", one_hot, scores
    yield "class-numbers", classes, scores
    yield "class-numbers-in-a-column", classes[:, None], scores
    yield "several-labels-a-sample", several, scores
    yield "two-units", np.hstack([1 - unit, unit]), np.ascontiguousarray(scores[:, 2:])
    yield "one-unit", unit, scores[:, 3:] + np.array([[0.3]], np.float32)
    yield "no-axis-of-units", unit[:, 0], scores[:, 3] + np.array([0.3] * 8, np.float32)


def accuracies(labels: Array, scores: Array) -> dict[str, float]:
    """What each accuracy is of an output, by what a reader calls it."""
    found = {"it depends on the loss": REFUSED, "equality of labels and scores": 0.0}
    if labels.shape == scores.shape:
        found["binary accuracy, entry by entry"] = float(np.mean((scores > 0.5) == labels))
    if scores.ndim == 1:
        found["argmax over the batch"] = float(scores.argmax() == labels.argmax())
    elif scores.shape[1] > 1:
        classes = labels.argmax(axis=1) if labels.shape == scores.shape else labels.ravel()
        found["categorical accuracy, by argmax"] = float(np.mean(scores.argmax(axis=1) == classes))
    return found


def resolved(labels: Array, scores: Array) -> float:
    """What metrics=['accuracy'] says of an output, whatever the loss; NaN if that depends on the loss."""
    import keras

    inputs = keras.layers.Input(scores.shape[1:] or (1,))
    unchanged = keras.layers.Activation("linear") if scores.ndim > 1 else keras.layers.Reshape(())
    model = keras.Model(inputs, unchanged(inputs))
    seen = set()
    for loss in LOSSES:
        model.compile(loss=loss, metrics=["accuracy"], run_eagerly=True)
        try:
            report = model.evaluate(scores.reshape(len(scores), -1), labels, verbose=0, return_dict=True)
        except Exception:
            # Losses refuse outputs that are not theirs, each backend with an exception of its own.
            continue
        seen.add(report["accuracy"])
    if not seen:
        raise ValueError("every loss refuses the output")
    return seen.pop() if len(seen) == 1 else REFUSED


def in_keras(points: Array, labels: Array, truth: Array, predictions: Array) -> dict[str, float]:
    """The model as it was asked about, before and after training; and what 'accuracy' is of every output."""
    import keras

    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.layers.Input((points.shape[1],)),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(labels.shape[1], activation="softmax", kernel_initializer="zeros"),
        ]
    )
    metrics = ["accuracy", "binary_accuracy", "categorical_accuracy"]
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss="binary_crossentropy", metrics=metrics)
    untrained = model.evaluate(points, labels, verbose=0, return_dict=True)
    model.fit(points, labels, batch_size=50, epochs=8, shuffle=False, verbose=0)
    trained = model.evaluate(points, labels, verbose=0, return_dict=True)
    by_entry, by_class = keras.metrics.BinaryAccuracy(), keras.metrics.CategoricalAccuracy()
    return {
        "untrained-loss": untrained["loss"],
        "untrained-accuracy": untrained["accuracy"],
        "untrained-binary-accuracy": untrained["binary_accuracy"],
        "untrained-categorical-accuracy": untrained["categorical_accuracy"],
        "trained-accuracy": abs(trained["accuracy"] - trained["categorical_accuracy"]),
        "one-hot-by-entry": float(by_entry(truth, predictions)),
        "one-hot-by-class": float(by_class(truth, predictions)),
        **{f"accuracy-of-{name}": resolved(known, scores) for name, known, scores in outputs()},
    }


def in_torchmetrics(points: Array, labels: Array, truth: Array, predictions: Array) -> dict[str, float]:
    """A softmax in front of BCELoss, and both accuracies by name."""
    import torch
    from torchmetrics.functional import classification

    p = torch.softmax(torch.zeros(len(points), labels.shape[1]), dim=1)
    untrained, known = torch.tensor(labels), torch.tensor(truth)
    predicted, count = torch.tensor(predictions), labels.shape[1]

    def by_entry(scores: Any, y: Any) -> float:
        return float(classification.multilabel_accuracy(scores, y.int(), count, average="micro"))

    def by_class(scores: Any, y: Any) -> float:
        return float(classification.multiclass_accuracy(scores, y.argmax(dim=1), count, average="micro"))

    return {
        "untrained-loss": float(torch.nn.BCELoss()(p, untrained)),
        "untrained-binary-accuracy": by_entry(p, untrained),
        "untrained-categorical-accuracy": by_class(p, untrained),
        "one-hot-by-entry": by_entry(predicted, known),
        "one-hot-by-class": by_class(predicted, known),
    }


def in_sklearn(points: Array, labels: Array, truth: Array, predictions: Array) -> dict[str, float]:
    """One less the Hamming loss is the accuracy by entry; accuracy_score of classes is that by class."""
    import sklearn.metrics

    del points, labels
    return {
        "one-hot-by-entry": 1 - float(sklearn.metrics.hamming_loss(truth, predictions)),
        "one-hot-by-class": float(sklearn.metrics.accuracy_score(truth.argmax(axis=1), predictions.argmax(axis=1))),
    }


ERROR = ERRORS / SAMPLES
ENTRIES, BY_CLASS = "0.9: nine of ten entries are 0, and none is above 0.5", "0.1: one class of ten"
OF_SOFTMAX = "0.325083: of the probabilities 1/10"
MODELS = ("keras", "torchmetrics")
QUESTIONS = {
    "one-hot-labels": "What is 'accuracy' for (N, C) outputs with one-hot labels, whatever the loss?",
    "class-numbers": "What is 'accuracy' for (N, C) outputs with class numbers, (N,)?",
    "class-numbers-in-a-column": "What is 'accuracy' for (N, C) outputs with class numbers in a column, (N, 1)?",
    "several-labels-a-sample": "What is 'accuracy' for (N, C) outputs with several labels for a sample?",
    "two-units": "What is 'accuracy' for two units, (N, 2), with one-hot labels?",
    "one-unit": "What is 'accuracy' for one unit, (N, 1)?",
    "no-axis-of-units": "What is 'accuracy' for outputs without an axis of units, (N,)?",
}

FIGURES = (
    Figure("untrained-loss", "What is binary_crossentropy of ten softmax units, before training?",
           {OF_SOFTMAX: -(0.1 * math.log(0.1) + 0.9 * math.log(0.9)),
            "ln 2: of ten sigmoids in place of the softmax": math.log(2)}, (OF_SOFTMAX,), 1e-6,
           "The last layer is zeros, so each probability is 1/10: -(0.1 ln 0.1 + 0.9 ln 0.9).", MODELS),
    Figure("untrained-accuracy", "What is 'accuracy' before training?", {BY_CLASS: 0.1, ENTRIES: 0.9},
           (BY_CLASS, ENTRIES), 1e-6,
           "The Keras that was asked about took binary accuracy for this loss: 0.9 for a model that knows nothing.",
           ("keras",)),
    Figure("untrained-binary-accuracy", "What is binary accuracy before training?", {ENTRIES: 0.9, BY_CLASS: 0.1},
           (ENTRIES,), 1e-6, "Entries are compared one by one, and 1/10 is not greater than 0.5.", MODELS),
    Figure("untrained-categorical-accuracy", "What is categorical accuracy before training?",
           {BY_CLASS: 0.1, ENTRIES: 0.9}, (BY_CLASS,), 1e-6,
           "All ten are equal, and the first of them is right for one sample of ten.", MODELS),
    Figure("trained-accuracy", "After training, how far is 'accuracy' from categorical accuracy?", {"it is that": 0.0},
           ("it is that",), 1e-6, "Keras 3 chooses by the shapes of outputs and labels alone.", ("keras",)),
    Figure("one-hot-by-entry",
           "10,000 one-hot predictions of which 122 name another class: what is the accuracy by entry?",
           {"0.99756: 1 - 2 error / C": 1 - 2 * ERROR / CLASSES, "0.9878: by class": 1 - ERROR},
           ("0.99756: 1 - 2 error / C",), 1e-6,
           "A mistake is two wrong entries out of ten: the 1 that is missing, and the 1 that is elsewhere."),
    Figure("one-hot-by-class",
           "10,000 one-hot predictions of which 122 name another class: what is the accuracy by class?",
           {"0.9878: by class": 1 - ERROR, "0.99756: 1 - 2 error / C": 1 - 2 * ERROR / CLASSES}, ("0.9878: by class",),
           1e-6, "122 of 10,000 are wrong."),
    *(
        Figure(f"accuracy-of-{name}", QUESTIONS[name], accuracies(known, scores),
               tuple(label for label in accuracies(known, scores) if label.startswith(("binary", "categorical"))), 1e-6,
               "Scores are given for which no two of these accuracies are equal; a loss that refuses them is left out.",
               ("keras",))
        for name, known, scores in outputs()
    ),
)  # fmt: skip

STORY = Story(
    name="accuracy_too_good",
    title="Ten classes trained with binary_crossentropy: an accuracy too good",
    question="I train ten classes with softmax, `binary_crossentropy` and `metrics=['accuracy']`, and get 0.9976. When "
    "I count with `argmax` it is 0.9878. With `categorical_crossentropy` both are the same. Which one is right?",
    data=data,
    scenes={"keras": in_keras, "torchmetrics": in_torchmetrics, "sklearn": in_sklearn},
    figures=FIGURES,
    explanation="0.9878 is the share of samples that are classified rightly. 0.9976 compares the ten entries of each "
    "row one by one: nine of ten labels are 0, and a model that knows nothing has nine of ten entries right. A sample "
    "that is wrong has two wrong entries of ten, so that an error of 1.22 % looks like 0.244 %: "
    "`1 - 2 * 0.0122 / 10 = 0.99756`.\n\n"
    "The Keras that was asked about let the loss choose which accuracy `'accuracy'` is, binary for "
    "`binary_crossentropy`. Keras 3 looks at the shapes alone: binary for one unit, by argmax for more, whatever the "
    "loss. So the figure is right today for ten classes. For several labels a sample it compares the largest entries "
    "alone, where binary accuracy would be meant; and for outputs without an axis of units it takes the batch for "
    "the classes.\n\n"
    "The loss is another matter. On TensorFlow, Keras takes the logits from behind the softmax and computes the loss "
    "of ten sigmoids: ln 2 for a model that knows nothing, where the probabilities 1/10 have 0.325083.",
    instead="Name the accuracy:\n\n"
    "- one-hot labels: `metrics=['categorical_accuracy']`\n"
    "- class numbers: `metrics=['sparse_categorical_accuracy']`\n"
    "- several labels a sample: `metrics=['binary_accuracy']`\n"
    "- outputs without an axis of units: `metrics=['binary_accuracy']`, or `Dense(1)` and no reshaping\n\n"
    "And train classes that exclude each other with `categorical_crossentropy`.",
    source="A question on a site for programmers, with its figures 0.9976 and 0.9878",
)
