"""What a loss sees behind the probabilities handed to it: the activation that made them, and its logits."""

from __future__ import annotations

import math

from gaugeblock.conformance.checks.probes.base import INF, REFUSES, Probe, Values
from gaugeblock.conformance.checks.probes.shared import (
    BINARY,
    CLIPPED_HIGH,
    CLIPPED_LOW,
    LABELS,
    ONCE,
    ROWS,
    F,
    log_softmax,
)

NOTHING_SEEN: dict[str, Values] = {f"no: {label}": values for label, values in CLIPPED_LOW.items()}
CERTAIN: dict[str, Values] = {
    "no: the probability is 1, infinite": [INF],
    "no: the probability is 1, clipped": CLIPPED_HIGH["clipped at 1 - 1e-7"],
    "no: the probability is 1, its logarithm stops at -100": [100.0],
}


def _of(activation: str, targets: str = "y_true", inputs: str = "y_pred") -> dict[str, str]:
    """The losses of an activation of the inputs, in Keras by name and by class."""
    named = {
        "binary_crossentropy": "BinaryCrossentropy",
        "categorical_crossentropy": "CategoricalCrossentropy",
        "sparse_categorical_crossentropy": "SparseCategoricalCrossentropy",
    }
    arguments = f"({targets}, keras.activations.{activation.format(inputs)})"
    return {
        f"keras.losses.{loss}": f"keras.losses.{loss}{called}{arguments}"
        for function, made in named.items()
        for loss, called in ((function, ""), (made, "(reduction='none')"))
    }


COLUMN = {"targets": "y_true[:, None]", "inputs": "y_pred[:, None]"}
TORCH = f"{F}.binary_cross_entropy"

PROBES = (
    Probe("logits-behind-a-sigmoid", (BINARY,), "Does the loss of sigmoid(x) see x behind the probability?",
          {"y_true": [1.0], "y_pred": [-120.0]}, {"yes: it is that of the logit": [120.0], **NOTHING_SEEN}, dtypes=ONCE,
          calls={**_of("sigmoid({})", **COLUMN), TORCH: f"{TORCH}(torch.sigmoid(y_pred), y_true)"}),
    Probe("logits-behind-a-softmax", (ROWS,), "Does the loss of softmax(x) see x behind the probabilities?",
          {"y_true": [[1.0, 0.0]], "y_pred": [[-120.0, 0.0]]},
          {"yes: it is that of the logits": [120.0], **NOTHING_SEEN}, dtypes=ONCE, calls=_of("softmax({})")),
    Probe("logits-behind-a-softmax-of-labels", (LABELS,), "Does the loss of softmax(x) see x behind the probabilities?",
          {"labels": [0], "y_pred": [[-120.0, 0.0]]}, {"yes: it is that of the logits": [120.0], **NOTHING_SEEN},
          dtypes=ONCE, calls=_of("softmax({})", targets="labels")),
    Probe("softmax-before-a-binary-loss", (BINARY,),
          "Does a binary loss heed that softmax over one unit, which is always 1, made the probability?",
          {"y_true": [0.0], "y_pred": [-3.0]},
          {**CERTAIN, "yes: it takes the logit": [math.log1p(math.exp(-3.0))], REFUSES: []}, dtypes=ONCE,
          calls={**_of("softmax({})", **COLUMN),
                 TORCH: f"{TORCH}(torch.softmax(y_pred[:, None], dim=1)[:, 0], y_true)"}),
    Probe("sigmoid-before-a-categorical-loss", (ROWS,),
          "Does a categorical loss heed that a sigmoid made the probabilities?",
          {"y_true": [[1.0, 0.0]], "y_pred": [[-math.log(3), math.log(3)]]},
          {"no: 1/4, of probabilities that sum to 1": [math.log(4)], "yes: it takes the logits": [math.log(10)],
           REFUSES: []}, dtypes=ONCE, calls=_of("sigmoid({})")),
    Probe("softmax-over-another-axis", (ROWS,), "Does a categorical loss heed that the softmax was over the batch?",
          {"y_true": [[1.0, 0.0], [1.0, 0.0]], "y_pred": [[0.0, math.log(2)], [math.log(3), math.log(6)]]},
          {"no: the columns' softmax, normalised over the row": [math.log(2)] * 2,
           "no: the columns' softmax": [math.log(4), math.log(4 / 3)],
           "yes: it takes the logits": [float(-log_softmax([0, math.log(2)])[0])] * 2, REFUSES: []}, dtypes=ONCE,
          calls=_of("softmax({}, axis=0)")),
)  # fmt: skip
