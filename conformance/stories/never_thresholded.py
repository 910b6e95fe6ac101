"""The story of a sigmoid output, metrics=['acc'] and predict(): who applies a threshold, and which."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from gaugeblock.conformance.cases.draws import bell
from gaugeblock.conformance.stories.base import REFUSED, Figure, Story
from gaugeblock.reference.formats import Array

SAMPLES, POSITIVE = 256, 96
SHARE = POSITIVE / SAMPLES


def data() -> tuple[Array, ...]:
    """256 points of four numbers, 96 of them of class 1, not quite separable."""
    points = bell("never-thresholded/points", (SAMPLES, 4), 1.0)
    scores = points @ [1.0, -2.0, 0.5, 1.0] + bell("never-thresholded/noise", (SAMPLES,), 0.5)
    labels = np.argsort(np.argsort(-scores)) < POSITIVE
    return points.astype(np.float32), labels.astype(np.float32)


def in_keras(points: Array, labels: Array) -> dict[str, float]:
    """A model of zeros, then the same one trained."""
    import keras

    keras.utils.set_random_seed(1)
    dense = keras.layers.Dense(1, activation="sigmoid", kernel_initializer="zeros")
    model = keras.Sequential([keras.layers.Input((4,)), dense])
    lower = keras.metrics.BinaryAccuracy(threshold=0.25, name="lower")
    model.compile(optimizer=keras.optimizers.Adam(0.05), loss="binary_crossentropy", metrics=["acc", lower])
    untrained = model.evaluate(points, labels, verbose=0, return_dict=True)
    halves = model.predict(points, verbose=0)
    model.fit(points, labels, batch_size=32, epochs=8, shuffle=False, verbose=0)
    trained = model.evaluate(points, labels, verbose=0, return_dict=True)
    predicted = model.predict(points, verbose=0)[:, 0]
    rounded = keras.ops.convert_to_numpy(keras.ops.round(keras.ops.convert_to_tensor([0.5])))
    return {
        "untrained-prediction": float(np.unique(halves).item()),
        "untrained-loss": untrained["loss"],
        "untrained-accuracy": untrained["acc"],
        "untrained-accuracy-at-a-quarter": untrained["lower"],
        "predictions": float(np.mean((predicted > 0) & (predicted < 1))),
        "predictions-compared": float(np.mean(predicted == labels)),
        "accuracy": abs(trained["acc"] - float(np.mean((predicted > 0.5) == labels))),
        "accuracy-at-a-quarter": abs(trained["lower"] - float(np.mean((predicted > 0.25) == labels))),
        "half-rounded": float(rounded[0]),
    }


def in_torchmetrics(points: Array, labels: Array) -> dict[str, float]:
    """The same model in PyTorch, which has no metrics; TorchMetrics has."""
    import torch
    import torchmetrics

    x, y = torch.tensor(points), torch.tensor(labels)
    linear = torch.nn.Linear(4, 1)
    torch.nn.init.zeros_(linear.weight)
    torch.nn.init.zeros_(linear.bias)
    optimizer = torch.optim.Adam(linear.parameters(), 0.05)

    def evaluated() -> tuple[Any, ...]:
        p = torch.sigmoid(linear(x))[:, 0].detach()
        at = [float(torchmetrics.classification.BinaryAccuracy(each)(p, y.int())) for each in (0.5, 0.25)]
        return p, float(torch.nn.BCELoss()(p, y)), *at

    halves, loss, accuracy, lower = evaluated()
    for _ in range(64):
        optimizer.zero_grad()
        torch.nn.BCELoss()(torch.sigmoid(linear(x))[:, 0], y).backward()
        optimizer.step()
    p, _, trained, trained_lower = evaluated()
    return {
        "untrained-prediction": float(np.unique(halves.numpy()).item()),
        "untrained-loss": loss,
        "untrained-accuracy": accuracy,
        "untrained-accuracy-at-a-quarter": lower,
        "predictions": float(((p > 0) & (p < 1)).double().mean()),
        "predictions-compared": float((p == y).double().mean()),
        "accuracy": abs(trained - float(((p > 0.5) == y).double().mean())),
        "accuracy-at-a-quarter": abs(trained_lower - float(((p > 0.25) == y).double().mean())),
        "half-rounded": float(torch.round(torch.tensor(0.5))),
    }


def in_sklearn(points: Array, labels: Array) -> dict[str, float]:
    """LogisticRegression, where predict() does answer with classes and predict_proba() with probabilities."""
    import sklearn.linear_model
    import sklearn.metrics

    model = sklearn.linear_model.LogisticRegression().fit(points, labels)
    classes, p = model.predict(points), model.predict_proba(points)[:, 1]
    try:
        compared = float(sklearn.metrics.accuracy_score(labels, p))
    except ValueError:
        compared = REFUSED
    accuracy = float(model.score(points, labels))
    model.coef_, model.intercept_ = 0 * model.coef_, 0 * model.intercept_
    halves = model.predict_proba(points)[:, 1]
    return {
        "untrained-prediction": float(np.unique(halves).item()),
        "untrained-loss": float(sklearn.metrics.log_loss(labels, halves)),
        "untrained-accuracy": float(model.score(points, labels)),
        "predictions": float(np.mean((classes > 0) & (classes < 1))),
        "predictions-compared": compared,
        "accuracy": abs(accuracy - float(np.mean((p > 0.5) == labels))),
    }


METRICS = ("keras", "torchmetrics")
AS_ZERO, AS_ONE = "the share of class 0: 0.5 counts as class 0", "the share of class 1: 0.5 counts as class 1"
NEVER = "none: predictions are probabilities"

FIGURES = (
    Figure("untrained-prediction", "What does a model of zeros predict?", {"0.5, for every sample": 0.5},
           ("0.5, for every sample",), 0.0, "The sigmoid of 0 is 1/2, a number of every format."),
    Figure("untrained-loss", "What is the loss of a model of zeros?", {"ln 2": math.log(2)}, ("ln 2",), 1e-6,
           "-ln(1/2), for either class."),
    Figure("untrained-accuracy", "What is the accuracy of a model of zeros, whose every prediction is exactly 0.5?",
           {AS_ZERO: 1 - SHARE, AS_ONE: SHARE}, (AS_ZERO,), 1e-6,
           "96 of 256 samples are of class 1. A score is positive where it is greater than the threshold."),
    Figure("untrained-accuracy-at-a-quarter", "What is the accuracy of a model of zeros with the threshold 0.25?",
           {AS_ZERO: 1 - SHARE, AS_ONE: SHARE}, (AS_ONE,), 1e-6, "0.5 is greater than 0.25.", METRICS),
    Figure("predictions", "After training, which share of predict()'s values is neither 0 nor 1?",
           {"all: they are probabilities": 1.0, "none: they are classes": 0.0},
           ("all: they are probabilities", "none: they are classes"), 0.0,
           "A sigmoid of moderate logits is 0 or 1 in no format; a class always is."),
    Figure("predictions-compared", "What is the share of labels that the raw probabilities are equal to?",
           {NEVER: 0.0, "refused": REFUSED}, (NEVER, "refused"), 0.0,
           "No probability is equal to 0 or 1. scikit-learn refuses to compare classes with numbers between them."),
    Figure("accuracy", "How far is the accuracy reported from that of the predictions greater than 0.5?",
           {"it is that": 0.0}, ("it is that",), 1e-6,
           "'acc' resolves to binary accuracy for one output unit, whose threshold is 0.5 unless it is given."),
    Figure("accuracy-at-a-quarter",
           "How far is the accuracy with threshold 0.25 from that of the predictions greater than 0.25?",
           {"it is that": 0.0}, ("it is that",), 1e-6, "The threshold belongs to the metric, not to the model.",
           METRICS),
    Figure("half-rounded", "What does the framework's round make of 0.5?", {"0, as the metric does": 0.0, "1": 1.0},
           ("0, as the metric does",), 0.0,
           "Halves go to the even neighbour, so that round(p) and p > 0.5 agree at 0.5.", METRICS),
)  # fmt: skip

STORY = Story(
    name="never_thresholded",
    title="A sigmoid output, the metric 'acc', and predict()",
    question="My model ends in a sigmoid and I train it with `metrics=['acc']`. `predict()` gives me numbers such as "
    "0.37. Does Keras apply a threshold of 0.5 when it predicts, or must I? And which one does the accuracy use?",
    data=data,
    scenes={"keras": in_keras, "torchmetrics": in_torchmetrics, "sklearn": in_sklearn},
    figures=FIGURES,
    explanation="Nothing thresholds a prediction. `predict()` returns what the last layer returns: probabilities. The "
    "metric has a threshold of its own: for one output unit `'acc'` is binary accuracy, which calls a probability "
    "positive if it is greater than 0.5. Compared with the labels as they are, the probabilities are right never.\n\n"
    "At exactly 0.5, which is what a model of zeros says of everything, the answer is class 0, since 0.5 is not "
    "greater than 0.5: the accuracy is the share of class 0. With another threshold it is another number, though the "
    "model is the same and so is its loss, ln 2.\n\n"
    "scikit-learn is the other way round: `predict()` returns classes, and `predict_proba()` the probabilities.",
    instead="`(model.predict(x) > 0.5).astype(int)` for classes. Another threshold has to be given to the metric, too:"
    "\n\n"
    "- Keras: `metrics=[keras.metrics.BinaryAccuracy(threshold=0.25)]`\n"
    "- TorchMetrics: `torchmetrics.classification.BinaryAccuracy(threshold=0.25)`",
    source="A question on a site for programmers: whether predict() applies a threshold",
)
