"""Losses of several labels at once: each class is there or not, independently of the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from gaugeblock.reference.balls import Ball, exp, log, times, total
from gaugeblock.reference.definitions.losses import BISHOP, ONE
from gaugeblock.reference.formats import Array
from gaugeblock.reference.operations import Bound, loss
from gaugeblock.reference.summation import Sums


def _mean_of_classes(
    y_true: Array,
    logits: Array,
    *,
    pos_weight: Sequence[float] | None = None,
    class_weight: Sequence[float] | None = None,
    sums: Sums,
) -> Array:
    each = np.nan_to_num(np.logaddexp(0, np.where(y_true == 1, -logits, logits)), posinf=0.0)
    weight = np.abs(np.asarray(class_weight or 1.0)) * np.where(y_true == 1, np.asarray(pos_weight or 1.0), 1.0)
    return np.asarray(sums(logits.shape[-1]) * (weight * each / logits.shape[-1]).sum(axis=-1))


@loss(
    "multi_hot(c), logits(c) -> ()",
    source=f"{BISHOP}, eq. 5.23 with eq. 4.59",
    bound=Bound(6, "two softplus terms of one sign for each class, whose sum is pairwise", _mean_of_classes),
    gradient_bound=Bound(8, "-w_c t sigmoid(-z) + (1-t) sigmoid(z), of which one term is 0"),
    asks=({"pos_weight": "varied"}, {"class_weight": "varied"}),
)
def multilabel_binary_cross_entropy_with_logits(
    y_true: Sequence[Ball],
    logits: Sequence[Ball],
    *,
    pos_weight: Sequence[Ball] | None = None,
    class_weight: Sequence[Ball] | None = None,
) -> Ball:
    """Mean over the classes of w_c (q_c t_c log(1 + e^-z_c) + (1 - t_c) log(1 + e^z_c)).

    Also called the multilabel soft margin loss.

    Args:
        pos_weight: q, a number for each class, the factor of the term of a label 1; None for 1 each.
        class_weight: w, a number for each class; None for 1 each.
    """
    q, w = pos_weight or [ONE] * len(logits), class_weight or [ONE] * len(logits)
    positive = [times(a * t, log(1 + exp(-z))) for a, t, z in zip(q, y_true, logits, strict=True)]
    negative = [times(1 - t, log(1 + exp(z))) for t, z in zip(y_true, logits, strict=True)]
    return total([b * (x + y) for b, x, y in zip(w, positive, negative, strict=True)]) / len(logits)
