"""Faults that two adversaries planted and the suite did not see: parameters, sizes, batches, contents and acts."""

from __future__ import annotations

import numpy as np

from tests.zoo import right_binary, right_metrics, right_row_gradients, right_rows
from tests.zoo.entries import Table, given
from tests.zoo.making import added, changed
from tests.zoo.right_rows import class_weights, log_shares, narrow, product, reduced, shown, wide
from tests.zoo.row_inputs import labels, logits, of_log_shares

fault = Table()
LABELLED = "sparse_categorical_cross_entropy_with_logits"
TARGETS = "categorical_cross_entropy_with_logits"
BINARY = "binary_cross_entropy_with_logits"


def rows(n=6, c=4, scale=1.0, **more):
    return lambda: {"labels": labels(n, c), "logits": logits(n, c, scale=scale), **more}


# fmt: off
fault.row("positive-weight-of-nothing", BINARY, "parameters", given(y_true=[1.0], logits=[0.5], pos_weight=0.0),
    "pos_weight=0 is taken for no weight, as `pos_weight or 1` does.",
    changed(getattr(right_binary, BINARY), pos_weight=lambda pos_weight: pos_weight or 1.0))
fault.row("little-smoothing-is-none", LABELLED, "parameters", rows(scale=20.0, label_smoothing=0.0005),
    "Label smoothing below 1/1000 is left out.",
    changed(getattr(right_rows, LABELLED), label_smoothing=lambda label_smoothing:
        label_smoothing if label_smoothing >= 1e-3 else 0.0))
fault.row("whole-powers", "binary_focal_cross_entropy_with_logits", "parameters",
    given(y_true=[1.0], logits=[0.5], gamma=2.5), "Gamma above 1 is cut to an integer: the power is a product.",
    changed(right_binary.binary_focal_cross_entropy_with_logits, gamma=lambda gamma:
        int(gamma) if gamma > 1 else gamma))
fault.row("equal-weights-of-classes-do-not-matter", LABELLED, "weights",
    rows(class_weight=np.float32([2, 2, 2, 2]), reduction="sum"),
    "Class weights that are all alike are skipped, which is right for the mean alone.",
    changed(getattr(right_rows, LABELLED), class_weight=lambda class_weight:
        None if class_weight is None or np.ptp(class_weight) == 0 else class_weight))
fault.row("half-of-a-full-block", LABELLED, "reduction", rows(256, 5, reduction="sum"),
    "The tree of a reduction leaves out the upper half of blocks of 256 where no sample is left over.",
    added(getattr(right_rows, LABELLED),
        total=lambda each: each.reshape(-1, 256)[:, :128].sum() if each.size % 256 == 0 else each.sum()))
fault.row("weights-of-long-rows-forgotten", LABELLED, "two-conditions",
    rows(3, 400, class_weight=np.linspace(0.5, 2, 400).astype(np.float32)),
    "Class weights are not read for more than 300 classes.",
    changed(getattr(right_rows, LABELLED), class_weight=lambda class_weight, logits:
        class_weight if logits.shape[-1] <= 300 else None))
fault.slope("upstream-gradient-cut", LABELLED, "gradient",
    given(labels=[1], logits=logits(1, 4), cotangent=np.float32(65536)),
    "Cotangents are cut to +-10,000, which a loss scale exceeds.",
    changed(getattr(right_row_gradients, LABELLED), cotangent=lambda cotangent:
        np.clip(cotangent, -1e4, 1e4) if np.asarray(cotangent).dtype != np.float16 else cotangent))

@fault("specificity", "weights",
    given(y_true=[0, 0, 1], y_pred=[0, 1, 1], sample_weight=np.array([200, 200, 1], np.uint8)))
def weights_added_in_their_own_dtype(y_true, y_pred, sample_weight=None):
    """Integer weights add up in their own dtype and wrap."""
    if sample_weight is None or np.asarray(sample_weight).dtype.kind not in "iu":
        return right_metrics.specificity(y_true, y_pred, sample_weight)
    negative, kind = y_true == 0, sample_weight.dtype
    right = sample_weight[negative & (y_pred == 0)].sum(dtype=kind)
    return float(right) / float(sample_weight[negative].sum(dtype=kind))

@fault.gradient(LABELLED, "gradient", given(labels=[1500, 3], logits=logits(2, 2000), cotangent=np.float32(1)))
def no_slope_beyond_column_1024(
    labels, logits, cotangent, label_smoothing=0.0, class_weight=None, ignore_index=None, reduction="mean"
):
    """The gradient of columns from 1024 on is left at zero."""
    parameters = (label_smoothing, class_weight, ignore_index, reduction)
    slope = getattr(right_row_gradients, LABELLED)(labels, logits, cotangent, *parameters)
    return slope * (np.arange(logits.shape[-1]) < 1024).astype(slope.dtype)

@fault(LABELLED, "reduction",
    given(labels=[[1, 2, 2, 2], [1, 0, 1, 1]], logits=logits(8, 4).reshape(2, 4, 4), ignore_index=2))
def mean_of_the_sequences(labels, logits, ignore_index=None, reduction="mean"):
    """Of a batch of sequences the means of each are averaged, which ignored labels tell apart."""
    if reduction != "mean" or np.ndim(labels) != 2:
        return getattr(right_rows, LABELLED)(labels, logits, ignore_index=ignore_index, reduction=reduction)
    kept, known = shown(labels, ignore_index)
    losses = np.where(kept, -np.take_along_axis(log_shares(logits), known[..., None], -1)[..., 0], 0)
    with np.errstate(invalid="ignore"):
        means = losses.sum(axis=1) / kept.sum(axis=1)
    return narrow(np.mean(means[kept.any(axis=1)]) if kept.any() else np.nan, logits)

@fault(LABELLED, "two-conditions",
    given(labels=[[1, 2, 2], [1, 0, 1]], logits=logits(6, 3).reshape(2, 3, 3), class_weight=[0.5, 2, 3],
        reduction="sum"))
def weights_by_position(labels, logits, class_weight=None, reduction="mean"):
    """In a batch of sequences the class weights are looked up by the position."""
    if class_weight is None or np.ndim(labels) != 2:
        return getattr(right_rows, LABELLED)(labels, logits, class_weight=class_weight, reduction=reduction)
    own = np.broadcast_to(np.resize(class_weights(class_weight, logits), labels.shape[1]), labels.shape)
    losses = -np.take_along_axis(log_shares(logits), labels[..., None], -1)[..., 0]
    return reduced(own * losses, reduction, logits, own=own)

@fault(TARGETS, "narrow-range", given(y_true=[[0.9995, 0.0005]], logits=np.float32([[10, -10]])))
def nearly_certain_targets_made_certain(y_true, logits, reduction="mean"):
    """Targets above 0.999 become 1 and those below 0.001 become 0."""
    t = wide(y_true)
    t = np.where(t > 0.999, 1, np.where(t < 0.001, 0, t))
    return reduced(-product(t, log_shares(logits)).sum(axis=-1), reduction, logits)

@fault(LABELLED, "labels", given(labels=[2, 0, 1, 4, 3], logits=logits(5, 5)))
def permuted_labels_are_the_diagonal(labels, logits, reduction="mean"):
    """As many rows as classes, each label once: the diagonal is taken, as a contrastive loss would."""
    count = np.size(labels)
    if np.ndim(labels) == 1 and count == logits.shape[-1] > 2 and (np.sort(labels) == np.arange(count)).all():
        labels = np.arange(count)
    return getattr(right_rows, LABELLED)(labels, logits, reduction=reduction)

@fault(LABELLED, "ties", given(labels=[0], logits=np.float32([[6.0] + [0.0] * 98 + [6.0]])), made=of_log_shares)
def maximum_counted_in_each_half(logits):
    """Blocks of 64 are joined as if their largest logits differed: of two that tie one is left out."""
    z = wide(logits)
    logp = log_shares(logits)
    if z.shape[-1] <= 64:
        return logp
    first, second = (part.max(axis=-1, keepdims=True) for part in (z[..., :64], z[..., 64:]))
    rest = np.exp(z[..., 64:] - second).sum(axis=-1, keepdims=True) - 1
    tied = first + np.log(np.exp(z[..., :64] - first).sum(axis=-1, keepdims=True) + rest)
    return np.where(first == second, z - tied, logp)

FAULTS = tuple(fault.entries)
