"""The story of the log loss of two models on three animals, computed by hand and by every framework."""

from __future__ import annotations

import math

import numpy as np
from gaugeblock.conformance.cases.named_arrays import ANIMALS
from gaugeblock.conformance.stories.base import Figure, Story
from gaugeblock.reference.formats import Array

FIRST, SECOND = 1.378388852247452, 0.6391075640678003
"""The losses of the two models, each the binary64 number nearest to the exact value."""

PRINTED = 1.3783888722474517

THREE = (3.0, 1.0, -3.0)


def data() -> tuple[Array, ...]:
    """One-hot labels of three animals, what two models predict, two distributions, and three scores."""
    labels = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    first, second = np.array(ANIMALS)
    return labels, first, second, np.array([[0.5, 0.2, 0.3], [0.7, 0.1, 0.2]]), np.array(THREE)


def share_of(score: float) -> str:
    """The name of the figure that is a score's share in the softmax."""
    return f"softmax-of-{score:g}".replace("--", "-minus-")


def figures(losses: list[float], two: list[float], apart: float, shares: Array, scores: Array) -> dict[str, float]:
    """The figures by name, from the losses of the models and of (1, 0, 0), and what softmax makes of the scores."""
    return {
        "model-1": losses[0],
        "model-2": losses[1],
        "sure-against-half": two[0],
        "sure-against-seven-tenths": two[1],
        "entropy-and-divergence": apart,
        **{share_of(score): float(share) for score, share in zip(scores, shares, strict=True)},
    }


def in_numpy(labels: Array, first: Array, second: Array, rows: Array, scores: Array) -> dict[str, float]:
    """By the formula, with SciPy's entropy and softmax."""
    import scipy

    losses = [float(np.mean(-np.sum(labels * np.log(p), axis=1))) for p in (first, second)]
    p, q = rows
    apart = float(-np.sum(p * np.log(q)) - scipy.stats.entropy(p) - scipy.stats.entropy(p, q))
    seen = figures(losses, [float(-np.log(row[0])) for row in rows], apart, scipy.special.softmax(scores), scores)
    return {**seen, "largest": float(np.max(rows[1])), "place-of-largest": float(np.argmax(rows[1]))}


def in_sklearn(labels: Array, first: Array, second: Array, rows: Array, scores: Array) -> dict[str, float]:
    """log_loss, and the softmax of scikit-learn's own classifiers."""
    import sklearn.metrics
    import sklearn.utils.extmath

    losses = [float(sklearn.metrics.log_loss(labels, p)) for p in (first, second)]
    two = [float(sklearn.metrics.log_loss([0], row[None], labels=[0, 1, 2])) for row in rows]
    shares = sklearn.utils.extmath.softmax(scores[None])[0]
    seen = figures(losses, two, 0.0, shares, scores)
    del seen["entropy-and-divergence"]
    return seen


def in_torch(labels: Array, first: Array, second: Array, rows: Array, scores: Array) -> dict[str, float]:
    """nll_loss of the logarithms, kl_div, and softmax."""
    import torch
    from torch.nn import functional

    classes = torch.tensor(labels).argmax(dim=1)
    losses = [float(functional.nll_loss(torch.tensor(p).log(), classes)) for p in (first, second)]
    two = [float(functional.nll_loss(torch.tensor(row).log(), torch.tensor(0))) for row in rows]
    p, q = torch.tensor(rows)
    divergence = functional.kl_div(q.log(), p, reduction="sum")
    apart = float(-(p * q.log()).sum() - torch.special.entr(p).sum() - divergence)
    seen = figures(losses, two, apart, torch.softmax(torch.tensor(scores), 0).numpy(), scores)
    return {**seen, "largest": float(q.new_tensor(rows[1]).max()), "place-of-largest": float(q.argmax())}


def in_keras(labels: Array, first: Array, second: Array, rows: Array, scores: Array) -> dict[str, float]:
    """CategoricalCrossentropy and KLDivergence of probabilities, in binary64."""
    import keras

    # On PyTorch, Keras computes a mean in binary32 whatever the dtype asked for: NumPy takes it.
    loss = keras.losses.CategoricalCrossentropy(reduction=None, dtype="float64")
    divergence = keras.losses.KLDivergence(reduction=None, dtype="float64")
    losses = [float(np.mean(keras.ops.convert_to_numpy(loss(labels, p)))) for p in (first, second)]
    two = [float(loss(np.array([[1.0, 0.0, 0.0]]), row[None])[0]) for row in rows]
    p, q = rows[:1], rows[1:]
    apart = float(loss(p, q)[0]) - float(loss(p, p)[0]) - float(divergence(p, q)[0])
    shares = keras.ops.convert_to_numpy(keras.ops.softmax(keras.ops.convert_to_tensor(scores, "float64")))
    seen = figures(losses, two, apart, shares, scores)
    largest = keras.ops.max(keras.ops.convert_to_tensor(rows[1], "float64"))
    return {**seen, "largest": float(largest), "place-of-largest": float(keras.ops.argmax(rows[1]))}


def in_tensorflow(labels: Array, first: Array, second: Array, rows: Array, scores: Array) -> dict[str, float]:
    """The loss of logits, with logarithms for logits: their softmax is the probabilities again."""
    import tensorflow as tf

    loss = tf.nn.softmax_cross_entropy_with_logits
    losses = [float(tf.reduce_mean(loss(labels, tf.math.log(p)))) for p in (first, second)]
    two = [float(loss(np.array([1.0, 0.0, 0.0]), tf.math.log(row))) for row in rows]
    p, q = tf.constant(rows)
    divergence = tf.reduce_sum(p * tf.math.log(p / q))
    apart = float(loss(p, tf.math.log(q)) + tf.reduce_sum(p * tf.math.log(p)) - divergence)
    seen = figures(losses, two, apart, tf.nn.softmax(scores).numpy(), scores)
    return {**seen, "largest": float(tf.reduce_max(rows[1])), "place-of-largest": float(tf.argmax(rows[1]))}


def in_jax(labels: Array, first: Array, second: Array, rows: Array, scores: Array) -> dict[str, float]:
    """Optax's loss of logits, with logarithms for logits, and its KL divergence."""
    import jax
    import optax

    log = jax.numpy.log
    losses = [float(optax.softmax_cross_entropy(log(p), labels).mean()) for p in (first, second)]
    two = [float(optax.softmax_cross_entropy(log(row), np.array([1.0, 0.0, 0.0]))) for row in rows]
    p, q = jax.numpy.asarray(rows)
    divergence = optax.kl_divergence(log(q), p)
    apart = float(optax.softmax_cross_entropy(log(q), p) - jax.scipy.special.entr(p).sum() - divergence)
    seen = figures(losses, two, apart, np.asarray(jax.nn.softmax(scores)), scores)
    return {**seen, "largest": float(q.max()), "place-of-largest": float(q.argmax())}


WITH_DISTRIBUTIONS = ("numpy", "torch", "keras", "tensorflow", "jax")
LAST_BIT = "to the last bit"
NEXT = {"one unit in the last place above": math.inf, "one unit in the last place below": -math.inf}
ROUNDED = (LAST_BIT, *NEXT, "two units in the last place above", "two units in the last place below")


def neighbours(value: float) -> dict[str, float]:
    """A binary64 number and its neighbours, by what they are."""
    found = {LAST_BIT: value}
    for label, towards in NEXT.items():
        found[label] = math.nextafter(value, towards)
        found[label.replace("one unit", "two units")] = math.nextafter(found[label], towards)
    return found


FIGURES = (
    Figure("model-1", "What is the log loss of the first model?",
           {**neighbours(FIRST), "1.3783888722474517, as printed": PRINTED}, ROUNDED, 0.0,
           "-(2 ln 0.4 + ln 0.1) / 3 = 1.378388852247452, of the binary64 numbers 0.4 and 0.1; 1.3783888522474517 is "
           "one unit below it. The source prints 1.3783888722474517."),
    Figure("model-2", "What is the log loss of the second model?", neighbours(SECOND), ROUNDED, 0.0,
           "-(2 ln 0.7 + ln 0.3) / 3 = 0.6391075640678003, of the binary64 numbers 0.7 and 0.3, as the source prints."),
    Figure("sure-against-half", "What is the loss of (1, 0, 0) against (0.5, 0.2, 0.3)?", {"ln 2": math.log(2)},
           ("ln 2",), 2.0**-52, "-ln 0.5: the other two take no part."),
    Figure("sure-against-seven-tenths", "What is the loss of (1, 0, 0) against (0.7, 0.1, 0.2)?",
           {"-ln 0.7": -math.log(0.7)}, ("-ln 0.7",), 2.0**-52,
           "-ln 0.7 = 0.356675: the better prediction costs less."),
    Figure("entropy-and-divergence",
           "How far is the cross-entropy of (0.5, 0.2, 0.3) against (0.7, 0.1, 0.2) from entropy and KL divergence?",
           {"it is their sum": 0.0}, ("it is their sum",), 2.0**-50,
           "-sum p ln q = -sum p ln p + sum p ln(p / q); each of the three has a rounding or two.", WITH_DISTRIBUTIONS),
    *(
        Figure(share_of(score), f"Which share has the score {score:g} in the softmax of (3, 1, -3)?",
               {"e^x / sum e^x": math.exp(score) / sum(map(math.exp, THREE))}, ("e^x / sum e^x",), 2.0**-51,
               "Softmax is 0.8789, 0.1189 and 0.0022: it keeps the order and sums to 1.")
        for score in THREE
    ),
    Figure("largest", "What does max say of (0.7, 0.1, 0.2)?", {"the largest probability": 0.7, "its place": 0.0},
           ("the largest probability",), 0.0,
           "The largest entry is how sure the model is; the class is its place, argmax.", WITH_DISTRIBUTIONS),
    Figure("place-of-largest", "What does argmax say of (0.7, 0.1, 0.2)?",
           {"its place": 0.0, "the largest probability": 0.7}, ("its place",), 0.0, "Classes are counted from 0.",
           WITH_DISTRIBUTIONS),
)  # fmt: skip

STORY = Story(
    name="three_animals",
    title="The log loss of two models on three animals",
    question="Two models predict probabilities for three animals, and both are right about two of them. The page says "
    "that their losses are 1.3783888722474517 and 0.6391075640678003. How do I compute that, and why do they differ?",
    data=data,
    scenes={
        "numpy": in_numpy,
        "sklearn": in_sklearn,
        "torch": in_torch,
        "keras": in_keras,
        "tensorflow": in_tensorflow,
        "jax": in_jax,
    },
    figures=FIGURES,
    explanation="The log loss is the mean of -ln p, where p is what the model gave to the class that was right; all "
    "other entries of a row are multiplied by 0. The first model is barely right twice and very wrong once: "
    "`-(2 ln 0.4 + ln 0.1) / 3 = 1.378388852247452`. The second is surely right twice and a little wrong once: "
    "`-(2 ln 0.7 + ln 0.3) / 3 = 0.6391075640678003`. Their accuracies are the same.\n\n"
    "The second figure holds to its last bit, or one beside it, in every framework. The first that the page prints "
    "is no rounding: 1.3783888722474517 is another number, off in the eighth decimal, and no framework gives it. They "
    "give 1.3783888522474517, one unit in the last place beside the exact loss, and one digit differs.\n\n"
    "The cross-entropy of two distributions is the entropy of the first plus the KL divergence between them. For "
    "one-hot labels the entropy is 0, so that loss and divergence are the same there.",
    instead="- scikit-learn: `sklearn.metrics.log_loss(y, p)`\n"
    "- Keras: `keras.losses.CategoricalCrossentropy()(y, p)`\n"
    "- PyTorch: `torch.nn.functional.nll_loss(p.log(), y.argmax(dim=1))`\n"
    "- TensorFlow and Optax have losses of logits alone; the logarithms of probabilities will do for logits.\n\n"
    "If there are logits, give those to a loss of logits. For the class use `argmax`; `max` is how sure the model is.",
    source="A tutorial on the cross-entropy of classifiers, with its figures 1.3783888722474517 and 0.6391075640678003",
    dtype="float64",
)
