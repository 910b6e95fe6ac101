"""Wrong losses of margins between the scores of a row, and of several labels at once."""

from __future__ import annotations

import numpy as np

from tests.zoo.entries import Table, given
from tests.zoo.right_rows import (
    ROWS,
    at,
    class_weights,
    narrow,
    one_hot,
    others,
    product,
    projected,
    shortfalls,
    soft_plus,
    wide,
)
from tests.zoo.row_inputs import labels, logits, multi_hots

fault = Table(ROWS, wide=True)
WEIGHTS = np.float32([0.5, 2.0, 1.25, 3.0])


def rows(n=6, c=4, dtype="float32", scale=1.0, **more):
    return lambda: {"labels": labels(n, c), "scores": logits(n, c, dtype, scale), **more}


MULTILABEL = "multilabel_binary_cross_entropy_with_logits"

# fmt: off
fault.row("weight-inside-the-square", "multi_margin", "two-conditions", rows(class_weight=WEIGHTS, p=2),
    "(w * violation)^p, as the documentation had it, differs from w * violation^p for p = 2 with weights.",
    lambda y, s, p=1, margin=1.0, class_weight=None: ((class_weights(class_weight, s)[y][..., None]
        * shortfalls(y, s, margin)) ** p).sum(axis=-1) / s.shape[-1], upstream="pytorch/pytorch/pull/104844")
fault.row("divided-by-the-other-classes", "multi_margin", "formula", rows(),
    "The mean is over the other classes, C - 1 of them, and not over all.",
    lambda y, s, p=1, margin=1.0: (shortfalls(y, s, margin) ** p).sum(axis=-1) / max(1, s.shape[-1] - 1))
fault.row("label-takes-part-with-its-own-margin", "multi_margin", "formula", rows(),
    "The label's own term, margin^p, is not left out.",
    lambda y, s, p=1, margin=1.0: (np.maximum(np.longdouble(margin) - at(s, y)[..., None] + s, 0) ** p).sum(axis=-1)
        / s.shape[-1])
fault.row("margin-of-one-whatever-is-asked", "multi_margin", "parameters", rows(p=2, margin=2.0),
    "The squared form has its margin of 1 compiled in.",
    lambda y, s, p=1, margin=1.0: (shortfalls(y, s, margin if p == 1 else 1.0) ** p).sum(axis=-1) / s.shape[-1])
fault.row("violations-added-in-half", "multi_margin", "dtype",
    given(labels=[0], scores=np.zeros((1, 6000), np.float16)),
    "float16 violations are added one by one in float16: from 2048 on, ones are lost.",
    lambda y, s, p=1, margin=1.0: wide(np.add.accumulate(narrow(shortfalls(y, s, margin) ** p, s), axis=-1,
        dtype=s.dtype)[..., -1]) / s.shape[-1], dtypes=("float16",), wide=False)
fault.row("margin-added-before-the-gap", "multiclass_hinge", "relative-accuracy",
    given(labels=[0], scores=[[-1e38, -1e38]]),
    "(1 + s_other) - s_label loses the margin beside scores of 2^64, which their difference does not.",
    lambda y, s: np.maximum(1 + others(s, y).max(axis=-1) - at(s, y), 0))
fault.row("nan-is-no-violation", "multiclass_hinge", "special-values",
    given(labels=[1], scores=np.float32([[0.5, np.nan, 1.0]])), "max(0, NaN) is 0 where the maximum passes a NaN over.",
    lambda y, s: np.fmax(1 + (np.fmax.reduce(others(s, y), axis=-1) - at(s, y)), 0),
    upstream="apache/mxnet/issues/11115")
fault.row("label-masked-with-zero", "multiclass_hinge", "narrow-range", given(labels=[0], scores=[[0.5, -2.0, -0.25]]),
    "The label's score is replaced by 0, not -inf: where all others are negative, 0 is the largest of them.",
    lambda y, s: np.maximum(1 + (np.where(one_hot(y, s.shape[-1]), 0, s).max(axis=-1) - at(s, y)), 0))
fault.row("label-among-the-others", "multiclass_hinge", "formula", given(labels=[0], scores=[[3.0, 0.5, 1.0]]),
    "The maximum is over all classes, so that no loss is below 1.",
    lambda y, s: np.maximum(1 + (s.max(axis=-1) - at(s, y)), 0), conventions={"true-class-in-the-maximum": "no"})
fault.row("zero-not-among-the-others", "categorical_hinge", "narrow-range",
    given(y_true=np.float32([[1, 0, 0]]), scores=[[0.5, -2.0, -3.0]]),
    "The true class is masked with -inf, where the definition has 0 in its place.",
    lambda t, s: np.maximum(np.where(t == 1, -np.inf, (1 - t) * s).max(axis=-1) - product(t, s).sum(axis=-1) + 1, 0),
    conventions={"zero-in-the-maximum": "yes"})
fault.row("margin-added-outside-the-hinge", "categorical_hinge", "formula",
    given(y_true=np.float32([[1, 0, 0]]), scores=[[3.0, 0.5, 1.0]]), "1 + max(0, gap) in place of max(0, 1 + gap).",
    lambda t, s: 1 + np.maximum(product(1 - t, s).max(axis=-1) - product(t, s).sum(axis=-1), 0))
fault.row("averaged-beyond-sixteen-classes", "one_vs_all_hinge", "shape", rows(4, 20),
    "Rows of more than 16 classes are averaged over pairs of blocks, and their sum is half of what it is to be.",
    lambda y, s: np.maximum(1 - np.where(one_hot(y, s.shape[-1]), 1, -1) * s, 0).sum(axis=-1)
        / (2 if s.shape[-1] > 16 else 1))
fault.row("best-score-starts-at-zero", "multiclass_perceptron", "narrow-range",
    given(labels=[1], scores=[[-1.0, -2.0, -3.0]]),
    "The search for the largest score starts at 0, which no row of negative scores reaches.",
    lambda y, s: s.max(axis=-1, initial=0) - at(s, y))
fault.row("labels-compared-among-themselves", "multilabel_margin", "formula",
    given(y_true=multi_hots(5, 6), scores=logits(5, 6)),
    "Pairs of two labels that are there are not left out, but for a label with itself.",
    lambda y_true, s: np.where((y_true == 1)[..., :, None] & ~np.eye(s.shape[-1], dtype=bool),
        np.maximum(1 - (s[..., :, None] - s[..., None, :]), 0), 0).sum(axis=(-2, -1)) / s.shape[-1])
fault.row("weights-lost-in-the-stable-form", MULTILABEL, "weights",
    given(y_true=multi_hots(5, 4), logits=logits(5, 4), class_weight=WEIGHTS),
    "The stable formula was written without the class weights of the one before it.",
    lambda t, z, class_weight=None, pos_weight=None: (product(class_weights(pos_weight, z) * t, soft_plus(-z))
        + product(1 - t, soft_plus(z))).mean(axis=-1), upstream="torch/nn/pull/953")


@fault("multi_margin", "two-conditions", rows(class_weight=WEIGHTS), upstream="torch/nn/pull/1177")
def sign_exchanged_beside_weights(y, s, p=1, margin=1.0, class_weight=None):
    """With class weights the violation is margin - s_label - s_c."""
    if class_weight is None:
        return (shortfalls(y, s, margin) ** p).sum(axis=-1) / s.shape[-1]
    short = np.maximum(margin - (at(s, y)[..., None] + s), 0)
    short = np.where(one_hot(y, s.shape[-1]), 0, short)
    return class_weights(class_weight, s)[y] * (short**p).sum(axis=-1) / s.shape[-1]

@fault("multi_margin", "layout", rows(class_weight=np.float32([9, 1, 9, 2, 9, 3, 9, 4])[1::2]),
    upstream="pytorch/pytorch/pull/104852")
def weights_read_by_stride_one(y, s, p=1, margin=1.0, class_weight=None):
    """A view of every second weight is read as the first weights of the memory behind it."""
    behind = getattr(class_weight, "base", None)
    if isinstance(behind, np.ndarray) and behind.ndim == 1 and (behind.size > class_weight.size):
        class_weight = behind[: class_weight.size]
    losses = (shortfalls(y, s, margin) ** p).sum(axis=-1) / s.shape[-1]
    return class_weights(class_weight, s)[y] * losses

@fault("multiclass_hinge", "ties", given(labels=[0], scores=[[2.0, 2.0, 0.5]]))
def runner_up_of_tied_winners(y, s):
    """The runner-up is the largest score below the label's own: one that ties with it is passed over."""
    own = at(s, y)
    rest = others(s, y)
    rest = np.where(rest == own[..., None], -np.inf, rest)
    best = np.where(np.isneginf(rest.max(axis=-1)) & (s.shape[-1] > 1), own - 1, rest.max(axis=-1))
    return np.maximum(1 + (best - own), 0)

@fault("one_vs_all_hinge", "labels", given(labels=labels(5, 4, "uint8"), scores=logits(5, 4)))
def minus_one_in_an_unsigned_dtype(y, s):
    """2 * one_hot - 1 is computed in the labels' dtype: for uint8 the sign of other classes is 255."""
    y = np.asarray(y)
    hot = one_hot(y, s.shape[-1]).astype(y.dtype)
    return np.maximum(1 - wide(hot * y.dtype.type(2) - y.dtype.type(1)) * s, 0).sum(axis=-1)

@fault("multilabel_margin", "formula", given(y_true=multi_hots(5, 6), scores=logits(5, 6)))
def first_label_of_each_row(y_true, s):
    """Of several labels that are there the first alone is compared with the others."""
    t = y_true == 1
    first = t & (np.cumsum(t, axis=-1) == 1)
    pairs = first[..., :, None] & ~t[..., None, :]
    short = np.maximum(1 - (s[..., :, None] - s[..., None, :]), 0)
    return np.where(pairs, short, 0).sum(axis=(-2, -1)) / s.shape[-1]

@fault(MULTILABEL, "relative-accuracy", given(y_true=np.float32([[0, 1]]), logits=[[20.0, 1.0]]),
    upstream="torch/nn/pull/953", wide=False)
def sigmoid_then_logarithm(t, z):
    """1 - sigmoid(z) is rounded to 0 for large logits, and the loss is infinite."""
    p = (1 / (1 + np.exp(-z))).astype(z.dtype)
    each = product(wide(t), np.log(wide(p))) + product(1 - wide(t), np.log(wide(1 - p)))
    return -each.mean(axis=-1)

@fault(MULTILABEL, "two-conditions", given(y_true=multi_hots(4, 4), logits=logits(4, 4), pos_weight=WEIGHTS),
    conventions={"axis-of-pos-weight": "that of labels"})
def weights_along_the_samples_if_square(t, z, pos_weight=None):
    """With as many samples as classes pos_weight is broadcast along the samples."""
    q = class_weights(pos_weight, z)
    q = q[:, None] if z.ndim == 2 and z.shape[0] == z.shape[1] else q
    return (product(q * t, soft_plus(-z)) + product(1 - t, soft_plus(z))).mean(axis=-1)

@fault(MULTILABEL, "dtype", given(y_true=np.array([[0.0]]), logits=np.array([[20.5]])), dtypes=("float64",))
def linear_beyond_twenty(t, z):
    """Softplus is taken for its argument beyond 20, which is exact in binary32 and 2e-9 off in binary64."""
    up, down = (np.where(x > 20, x, soft_plus(x)) for x in (z, -z))
    return (product(t, down) + product(1 - t, up)).mean(axis=-1)

@fault(MULTILABEL, "input-overwritten", lambda: {"y_true": multi_hots(5, 4), "logits": logits(5, 4)}, wide=False)
def targets_thresholded_in_place(y_true, logits):
    """The targets' array is used as scratch for the terms of the loss."""
    t, z = wide(y_true), wide(logits)
    each = product(t, soft_plus(-z)) + product(1 - t, soft_plus(z))
    y_true[...] = narrow(each, y_true)
    return each.mean(axis=-1)

@fault("sparsemax_loss", "narrow-range", given(labels=[2], scores=[[2.0, 1.5, -1.0]]))
def label_outside_the_support_costs_no_more(y, s):
    """Half the squared distance of sparsemax to the label, without what its score lacks to be in the support."""
    d, _, p = projected(s)
    return np.square(p - one_hot(y, d.shape[-1])).sum(axis=-1) / 2

@fault("sparsemax_loss", "shape", given(labels=[0], scores=np.float32([[0.0] * 64 + [0.5]])))
def threshold_of_the_whole_row(y, s):
    """Rows of more than 64 classes are searched for their support among the first 64 alone."""
    d = s
    d = d - d.max(axis=-1, keepdims=True)
    _, tau, _ = projected(d[..., :64])
    tau = tau + d[..., :64].max(axis=-1, keepdims=True)
    p = np.maximum(d - tau, 0)
    losses = np.square(p - one_hot(y, d.shape[-1])).sum(axis=-1) / 2
    return losses + np.maximum(tau[..., 0] - at(d, y), 0)

FAULTS = tuple(fault.entries)
