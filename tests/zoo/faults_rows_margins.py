"""Wrong losses of margins between the scores of a row, and of several labels at once."""

from __future__ import annotations

import numpy as np

from tests.zoo.entries import Table
from tests.zoo.right_rows import (
    at,
    class_weights,
    narrow,
    one_hot,
    others,
    product,
    projected,
    reduced,
    shortfalls,
    soft_plus,
    wide,
)
from tests.zoo.row_inputs import labels, logits, multi_hots

fault = Table()
WEIGHTS = np.float32([0.5, 2.0, 1.25, 3.0])


def rows(n=6, c=4, dtype="float32", scale=1.0, **more):
    return lambda: {"labels": labels(n, c), "scores": logits(n, c, dtype, scale), **more}


@fault("multi_margin", "two-conditions", rows(class_weight=WEIGHTS), upstream="https://github.com/torch/nn/pull/1177")
def sign_exchanged_beside_weights(labels, scores, p=1, margin=1.0, class_weight=None, reduction="mean"):
    """With class weights the violation is margin - s_label - s_c."""
    if class_weight is None:
        return reduced((shortfalls(labels, scores, margin) ** p).sum(axis=-1) / scores.shape[-1], reduction, scores)
    s = wide(scores)
    short = np.maximum(margin - (at(s, labels)[..., None] + s), 0)
    short = np.where(one_hot(labels, s.shape[-1]), 0, short)
    losses = class_weights(class_weight, scores)[labels] * (short**p).sum(axis=-1) / s.shape[-1]
    return reduced(losses, reduction, scores)


@fault(
    "multi_margin",
    "two-conditions",
    rows(class_weight=WEIGHTS, p=2),
    upstream="https://github.com/pytorch/pytorch/pull/104844",
)
def weight_inside_the_square(labels, scores, p=1, margin=1.0, class_weight=None, reduction="mean"):
    """(w * violation)^p, as the documentation had it, differs from w * violation^p for p = 2 with weights."""
    w = class_weights(class_weight, scores)[labels][..., None]
    losses = ((w * shortfalls(labels, scores, margin)) ** p).sum(axis=-1) / scores.shape[-1]
    return reduced(losses, reduction, scores)


@fault("multi_margin", "formula", rows())
def divided_by_the_other_classes(labels, scores, p=1, margin=1.0, reduction="mean"):
    """The mean is over the other classes, C - 1 of them, and not over all."""
    losses = (shortfalls(labels, scores, margin) ** p).sum(axis=-1) / max(1, scores.shape[-1] - 1)
    return reduced(losses, reduction, scores)


@fault("multi_margin", "formula", rows())
def label_takes_part_with_its_own_margin(labels, scores, p=1, margin=1.0, reduction="mean"):
    """The label's own term, margin^p, is not left out."""
    s = wide(scores)
    short = np.maximum(np.longdouble(margin) - at(s, labels)[..., None] + s, 0)
    return reduced((short**p).sum(axis=-1) / s.shape[-1], reduction, scores)


@fault("multi_margin", "parameters", rows(p=2, margin=2.0))
def margin_of_one_whatever_is_asked(labels, scores, p=1, margin=1.0, reduction="mean"):
    """The squared form has its margin of 1 compiled in."""
    short = shortfalls(labels, scores, margin if p == 1 else 1.0)
    return reduced((short**p).sum(axis=-1) / scores.shape[-1], reduction, scores)


@fault(
    "multi_margin",
    "layout",
    rows(class_weight=np.float32([9, 1, 9, 2, 9, 3, 9, 4])[1::2]),
    upstream="https://github.com/pytorch/pytorch/pull/104852",
)
def weights_read_by_stride_one(labels, scores, p=1, margin=1.0, class_weight=None, reduction="mean"):
    """A view of every second weight is read as the first weights of the memory behind it."""
    behind = getattr(class_weight, "base", None)
    if isinstance(behind, np.ndarray) and behind.ndim == 1 and behind.size > class_weight.size:
        class_weight = behind[: class_weight.size]
    losses = (shortfalls(labels, scores, margin) ** p).sum(axis=-1) / scores.shape[-1]
    return reduced(class_weights(class_weight, scores)[labels] * losses, reduction, scores)


@fault(
    "multi_margin",
    "dtype",
    lambda: {"labels": np.array([0]), "scores": np.zeros((1, 6000), np.float16)},
    dtypes=("float16",),
)
def violations_added_in_half(labels, scores, p=1, margin=1.0, reduction="mean"):
    """float16 violations are added one by one in float16: from 2048 on, ones are lost."""
    short = narrow(shortfalls(labels, scores, margin) ** p, scores)
    total = np.add.accumulate(short, axis=-1, dtype=scores.dtype)[..., -1]
    return reduced(wide(total) / scores.shape[-1], reduction, scores)


@fault(
    "multiclass_hinge", "relative-accuracy", lambda: {"labels": np.array([0]), "scores": np.float32([[-1e38, -1e38]])}
)
def margin_added_before_the_gap(labels, scores, reduction="mean"):
    """(1 + s_other) - s_label loses the margin beside scores of 2^64, which their difference does not."""
    s = wide(scores)
    return reduced(np.maximum(1 + others(s, labels).max(axis=-1) - at(s, labels), 0), reduction, scores)


@fault(
    "multiclass_hinge",
    "special-values",
    lambda: {"labels": np.array([1]), "scores": np.float32([[0.5, np.nan, 1.0]])},
    upstream="https://github.com/apache/mxnet/issues/11115",
)
def nan_is_no_violation(labels, scores, reduction="mean"):
    """max(0, NaN) is 0 where the maximum passes a NaN over."""
    s = wide(scores)
    return reduced(np.fmax(1 + (np.fmax.reduce(others(s, labels), axis=-1) - at(s, labels)), 0), reduction, scores)


@fault(
    "multiclass_hinge", "narrow-range", lambda: {"labels": np.array([0]), "scores": np.float32([[0.5, -2.0, -0.25]])}
)
def label_masked_with_zero(labels, scores, reduction="mean"):
    """The label's score is replaced by 0, not -inf: where all others are negative, 0 is the largest of them."""
    s = wide(scores)
    rest = np.where(one_hot(labels, s.shape[-1]), 0, s).max(axis=-1)
    return reduced(np.maximum(1 + (rest - at(s, labels)), 0), reduction, scores)


@fault(
    "multiclass_hinge",
    "formula",
    lambda: {"labels": np.array([0]), "scores": np.float32([[3.0, 0.5, 1.0]])},
    conventions={"true-class-in-the-maximum": "no"},
)
def label_among_the_others(labels, scores, reduction="mean"):
    """The maximum is over all classes, so that no loss is below 1."""
    s = wide(scores)
    return reduced(np.maximum(1 + (s.max(axis=-1) - at(s, labels)), 0), reduction, scores)


@fault("multiclass_hinge", "ties", lambda: {"labels": np.array([0]), "scores": np.float32([[2.0, 2.0, 0.5]])})
def runner_up_of_tied_winners(labels, scores, reduction="mean"):
    """The runner-up is the largest score below the label's own: one that ties with it is passed over."""
    s = wide(scores)
    own = at(s, labels)
    rest = others(s, labels)
    rest = np.where(rest == own[..., None], -np.inf, rest)
    best = np.where(np.isneginf(rest.max(axis=-1)) & (s.shape[-1] > 1), own - 1, rest.max(axis=-1))
    return reduced(np.maximum(1 + (best - own), 0), reduction, scores)


@fault(
    "categorical_hinge",
    "narrow-range",
    lambda: {"y_true": np.float32([[1, 0, 0]]), "scores": np.float32([[0.5, -2.0, -3.0]])},
    conventions={"zero-in-the-maximum": "yes"},
)
def zero_not_among_the_others(y_true, scores, reduction="mean"):
    """The true class is masked with -inf, where the definition has 0 in its place."""
    t, s = wide(y_true), wide(scores)
    rest = np.where(t == 1, -np.inf, (1 - t) * s).max(axis=-1)
    return reduced(np.maximum(rest - product(t, s).sum(axis=-1) + 1, 0), reduction, scores)


@fault(
    "categorical_hinge", "formula", lambda: {"y_true": np.float32([[1, 0, 0]]), "scores": np.float32([[3.0, 0.5, 1.0]])}
)
def margin_added_outside_the_hinge(y_true, scores, reduction="mean"):
    """1 + max(0, gap) in place of max(0, 1 + gap)."""
    t, s = wide(y_true), wide(scores)
    gap = product(1 - t, s).max(axis=-1) - product(t, s).sum(axis=-1)
    return reduced(1 + np.maximum(gap, 0), reduction, scores)


@fault("one_vs_all_hinge", "labels", lambda: {"labels": labels(5, 4, "uint8"), "scores": logits(5, 4)})
def minus_one_in_an_unsigned_dtype(labels, scores, reduction="mean"):
    """2 * one_hot - 1 is computed in the labels' dtype: for uint8 the sign of other classes is 255."""
    labels = np.asarray(labels)
    hot = one_hot(labels, scores.shape[-1]).astype(labels.dtype)
    signs = hot * labels.dtype.type(2) - labels.dtype.type(1)
    return reduced(np.maximum(1 - wide(signs) * wide(scores), 0).sum(axis=-1), reduction, scores)


@fault("one_vs_all_hinge", "shape", rows(4, 20))
def averaged_beyond_sixteen_classes(labels, scores, reduction="mean"):
    """Rows of more than 16 classes are averaged over pairs of blocks, and their sum is half of what it is to be."""
    s = wide(scores)
    each = np.maximum(1 - np.where(one_hot(labels, s.shape[-1]), 1, -1) * s, 0)
    return reduced(each.sum(axis=-1) / (2 if s.shape[-1] > 16 else 1), reduction, scores)


@fault(
    "multiclass_perceptron",
    "narrow-range",
    lambda: {"labels": np.array([1]), "scores": np.float32([[-1.0, -2.0, -3.0]])},
)
def best_score_starts_at_zero(labels, scores, reduction="mean"):
    """The search for the largest score starts at 0, which no row of negative scores reaches."""
    s = wide(scores)
    return reduced(s.max(axis=-1, initial=0) - at(s, labels), reduction, scores)


@fault("multilabel_margin", "formula", lambda: {"y_true": multi_hots(5, 6), "scores": logits(5, 6)})
def first_label_of_each_row(y_true, scores, reduction="mean"):
    """Of several labels that are there the first alone is compared with the others."""
    t, s = wide(y_true) == 1, wide(scores)
    first = t & (np.cumsum(t, axis=-1) == 1)
    pairs = first[..., :, None] & ~t[..., None, :]
    short = np.maximum(1 - (s[..., :, None] - s[..., None, :]), 0)
    return reduced(np.where(pairs, short, 0).sum(axis=(-2, -1)) / s.shape[-1], reduction, scores)


@fault("multilabel_margin", "formula", lambda: {"y_true": multi_hots(5, 6), "scores": logits(5, 6)})
def labels_compared_among_themselves(y_true, scores, reduction="mean"):
    """Pairs of two labels that are there are not left out, but for a label with itself."""
    t, s = wide(y_true) == 1, wide(scores)
    pairs = t[..., :, None] & ~np.eye(s.shape[-1], dtype=bool)
    short = np.maximum(1 - (s[..., :, None] - s[..., None, :]), 0)
    return reduced(np.where(pairs, short, 0).sum(axis=(-2, -1)) / s.shape[-1], reduction, scores)


MULTILABEL = "multilabel_binary_cross_entropy_with_logits"


@fault(
    MULTILABEL,
    "relative-accuracy",
    lambda: {"y_true": np.float32([[0, 1]]), "logits": np.float32([[20.0, 1.0]])},
    upstream="https://github.com/torch/nn/pull/953",
)
def sigmoid_then_logarithm(y_true, logits, reduction="mean"):
    """1 - sigmoid(z) is rounded to 0 for large logits, and the loss is infinite."""
    p = (1 / (1 + np.exp(-logits))).astype(logits.dtype)
    each = product(wide(y_true), np.log(wide(p))) + product(1 - wide(y_true), np.log(wide(1 - p)))
    return reduced(-each.mean(axis=-1), reduction, logits)


@fault(
    MULTILABEL,
    "weights",
    lambda: {"y_true": multi_hots(5, 4), "logits": logits(5, 4), "class_weight": WEIGHTS},
    upstream="https://github.com/torch/nn/pull/953",
)
def weights_lost_in_the_stable_form(y_true, logits, class_weight=None, pos_weight=None, reduction="mean"):
    """The stable formula was written without the class weights of the one before it."""
    t, z = wide(y_true), wide(logits)
    each = product(class_weights(pos_weight, logits) * t, soft_plus(-z)) + product(1 - t, soft_plus(z))
    return reduced(each.mean(axis=-1), reduction, logits)


@fault(
    MULTILABEL,
    "two-conditions",
    lambda: {"y_true": multi_hots(4, 4), "logits": logits(4, 4), "pos_weight": WEIGHTS},
    conventions={"axis-of-pos-weight": "that of labels"},
)
def weights_along_the_samples_if_square(y_true, logits, pos_weight=None, reduction="mean"):
    """With as many samples as classes pos_weight is broadcast along the samples."""
    t, z = wide(y_true), wide(logits)
    q = class_weights(pos_weight, logits)
    q = q[:, None] if z.ndim == 2 and z.shape[0] == z.shape[1] else q
    each = product(q * t, soft_plus(-z)) + product(1 - t, soft_plus(z))
    return reduced(each.mean(axis=-1), reduction, logits)


@fault(MULTILABEL, "dtype", lambda: {"y_true": np.array([[0.0]]), "logits": np.array([[20.5]])}, dtypes=("float64",))
def linear_beyond_twenty(y_true, logits, reduction="mean"):
    """Softplus is taken for its argument beyond 20, which is exact in binary32 and 2e-9 off in binary64."""
    t, z = wide(y_true), wide(logits)
    up, down = (np.where(x > 20, x, soft_plus(x)) for x in (z, -z))
    return reduced((product(t, down) + product(1 - t, up)).mean(axis=-1), reduction, logits)


@fault(MULTILABEL, "input-overwritten", lambda: {"y_true": multi_hots(5, 4), "logits": logits(5, 4)})
def targets_thresholded_in_place(y_true, logits, reduction="mean"):
    """The targets' array is used as scratch for the terms of the loss."""
    t, z = wide(y_true), wide(logits)
    each = product(t, soft_plus(-z)) + product(1 - t, soft_plus(z))
    y_true[...] = narrow(each, y_true)
    return reduced(each.mean(axis=-1), reduction, logits)


@fault("sparsemax_loss", "narrow-range", lambda: {"labels": np.array([2]), "scores": np.float32([[2.0, 1.5, -1.0]])})
def label_outside_the_support_costs_no_more(labels, scores, reduction="mean"):
    """Half the squared distance of sparsemax to the label, without what its score lacks to be in the support."""
    d, _, p = projected(scores)
    return reduced(np.square(p - one_hot(labels, d.shape[-1])).sum(axis=-1) / 2, reduction, scores)


@fault("sparsemax_loss", "shape", lambda: {"labels": np.array([0]), "scores": np.float32([[0.0] * 64 + [0.5]])})
def threshold_of_the_whole_row(labels, scores, reduction="mean"):
    """Rows of more than 64 classes are searched for their support among the first 64 alone."""
    d = wide(scores)
    d = d - d.max(axis=-1, keepdims=True)
    _, tau, _ = projected(d[..., :64])
    tau = tau + d[..., :64].max(axis=-1, keepdims=True)
    p = np.maximum(d - tau, 0)
    losses = np.square(p - one_hot(labels, d.shape[-1])).sum(axis=-1) / 2
    return reduced(losses + np.maximum(tau[..., 0] - at(d, labels), 0), reduction, scores)


FAULTS = tuple(fault.entries)
