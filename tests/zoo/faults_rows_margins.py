"""Wrong losses of margins between the scores of a row, and of several labels at once."""

from __future__ import annotations

import numpy as np
from right_rows import (
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
from rows_table import Table, labels, logits, multi_hots

fault = Table()
WEIGHTS = np.float32([0.5, 2.0, 1.25, 3.0])


def rows(n=6, c=4, dtype="float32", scale=1.0, **more):
    return lambda: {"labels": labels(n, c), "scores": logits(n, c, dtype, scale), **more}


@fault(
    "sign-exchanged-beside-weights",
    "multi_margin",
    "two-conditions",
    "with class weights the violation is margin - s_label - s_c",
    upstream="https://github.com/torch/nn/pull/1177",
    shows=rows(class_weight=WEIGHTS),
)
def sign_beside_weights(labels, scores, p=1, margin=1.0, class_weight=None, reduction="mean"):
    if class_weight is None:
        return reduced((shortfalls(labels, scores, margin) ** p).sum(axis=-1) / scores.shape[-1], reduction, scores)
    s = wide(scores)
    short = np.maximum(margin - (at(s, labels)[..., None] + s), 0)
    short = np.where(one_hot(labels, s.shape[-1]), 0, short)
    losses = class_weights(class_weight, scores)[labels] * (short**p).sum(axis=-1) / s.shape[-1]
    return reduced(losses, reduction, scores)


@fault(
    "weight-inside-the-square",
    "multi_margin",
    "two-conditions",
    "(w * violation)^p, as the documentation had it, differs from w * violation^p for p = 2 with weights",
    upstream="https://github.com/pytorch/pytorch/pull/104844",
    shows=rows(class_weight=WEIGHTS, p=2),
)
def weight_inside(labels, scores, p=1, margin=1.0, class_weight=None, reduction="mean"):
    w = class_weights(class_weight, scores)[labels][..., None]
    losses = ((w * shortfalls(labels, scores, margin)) ** p).sum(axis=-1) / scores.shape[-1]
    return reduced(losses, reduction, scores)


@fault(
    "divided-by-the-other-classes",
    "multi_margin",
    "formula",
    "the mean is over the other classes, C - 1 of them, and not over all",
    shows=rows(),
)
def over_others(labels, scores, p=1, margin=1.0, reduction="mean"):
    losses = (shortfalls(labels, scores, margin) ** p).sum(axis=-1) / max(1, scores.shape[-1] - 1)
    return reduced(losses, reduction, scores)


@fault(
    "label-takes-part-with-its-own-margin",
    "multi_margin",
    "formula",
    "the label's own term, margin^p, is not left out",
    shows=rows(),
)
def own_term(labels, scores, p=1, margin=1.0, reduction="mean"):
    s = wide(scores)
    short = np.maximum(np.longdouble(margin) - at(s, labels)[..., None] + s, 0)
    return reduced((short**p).sum(axis=-1) / s.shape[-1], reduction, scores)


@fault(
    "margin-of-one-whatever-is-asked",
    "multi_margin",
    "parameters",
    "the squared form has its margin of 1 compiled in",
    shows=rows(p=2, margin=2.0),
)
def fixed_margin(labels, scores, p=1, margin=1.0, reduction="mean"):
    short = shortfalls(labels, scores, margin if p == 1 else 1.0)
    return reduced((short**p).sum(axis=-1) / scores.shape[-1], reduction, scores)


@fault(
    "weights-read-by-stride-one",
    "multi_margin",
    "layout",
    "a view of every second weight is read as the first weights of the memory behind it",
    upstream="https://github.com/pytorch/pytorch/pull/104852",
    shows=rows(class_weight=np.float32([9, 1, 9, 2, 9, 3, 9, 4])[1::2]),
)
def weights_by_stride(labels, scores, p=1, margin=1.0, class_weight=None, reduction="mean"):
    behind = getattr(class_weight, "base", None)
    if isinstance(behind, np.ndarray) and behind.ndim == 1 and behind.size > class_weight.size:
        class_weight = behind[: class_weight.size]
    losses = (shortfalls(labels, scores, margin) ** p).sum(axis=-1) / scores.shape[-1]
    return reduced(class_weights(class_weight, scores)[labels] * losses, reduction, scores)


@fault(
    "violations-added-in-half",
    "multi_margin",
    "dtype",
    "float16 violations are added one by one in float16: from 2048 on, ones are lost",
    shows=lambda: {"labels": np.array([0]), "scores": np.zeros((1, 6000), np.float16)},
    dtypes=("float16",),
)
def half_violations(labels, scores, p=1, margin=1.0, reduction="mean"):
    short = narrow(shortfalls(labels, scores, margin) ** p, scores)
    total = np.add.accumulate(short, axis=-1, dtype=scores.dtype)[..., -1]
    return reduced(wide(total) / scores.shape[-1], reduction, scores)


@fault(
    "margin-added-before-the-gap",
    "multiclass_hinge",
    "relative-accuracy",
    "(1 + s_other) - s_label loses the margin beside scores of 2^64, which their difference does not",
    shows=lambda: {"labels": np.array([0]), "scores": np.float32([[-1e38, -1e38]])},
)
def margin_first(labels, scores, reduction="mean"):
    s = wide(scores)
    return reduced(np.maximum(1 + others(s, labels).max(axis=-1) - at(s, labels), 0), reduction, scores)


@fault(
    "nan-is-no-violation",
    "multiclass_hinge",
    "special-values",
    "max(0, NaN) is 0 where the maximum passes a NaN over",
    upstream="https://github.com/apache/mxnet/issues/11115",
    shows=lambda: {"labels": np.array([1]), "scores": np.float32([[0.5, np.nan, 1.0]])},
)
def nan_swallowed(labels, scores, reduction="mean"):
    s = wide(scores)
    return reduced(np.fmax(1 + (np.fmax.reduce(others(s, labels), axis=-1) - at(s, labels)), 0), reduction, scores)


@fault(
    "label-masked-with-zero",
    "multiclass_hinge",
    "narrow-range",
    "the label's score is replaced by 0, not -inf: where all others are negative, 0 is the largest of them",
    shows=lambda: {"labels": np.array([0]), "scores": np.float32([[0.5, -2.0, -0.25]])},
)
def masked_with_zero(labels, scores, reduction="mean"):
    s = wide(scores)
    rest = np.where(one_hot(labels, s.shape[-1]), 0, s).max(axis=-1)
    return reduced(np.maximum(1 + (rest - at(s, labels)), 0), reduction, scores)


@fault(
    "label-among-the-others",
    "multiclass_hinge",
    "formula",
    "the maximum is over all classes, so that no loss is below 1",
    shows=lambda: {"labels": np.array([0]), "scores": np.float32([[3.0, 0.5, 1.0]])},
    conventions={"true-class-in-the-maximum": "no"},
)
def label_among_others(labels, scores, reduction="mean"):
    s = wide(scores)
    return reduced(np.maximum(1 + (s.max(axis=-1) - at(s, labels)), 0), reduction, scores)


@fault(
    "runner-up-of-tied-winners",
    "multiclass_hinge",
    "ties",
    "the runner-up is the largest score below the label's own: one that ties with it is passed over",
    shows=lambda: {"labels": np.array([0]), "scores": np.float32([[2.0, 2.0, 0.5]])},
)
def below_the_own(labels, scores, reduction="mean"):
    s = wide(scores)
    own = at(s, labels)
    rest = others(s, labels)
    rest = np.where(rest == own[..., None], -np.inf, rest)
    best = np.where(np.isneginf(rest.max(axis=-1)) & (s.shape[-1] > 1), own - 1, rest.max(axis=-1))
    return reduced(np.maximum(1 + (best - own), 0), reduction, scores)


@fault(
    "zero-not-among-the-others",
    "categorical_hinge",
    "narrow-range",
    "the true class is masked with -inf, where the definition has 0 in its place",
    shows=lambda: {"y_true": np.float32([[1, 0, 0]]), "scores": np.float32([[0.5, -2.0, -3.0]])},
    conventions={"zero-in-the-maximum": "yes"},
)
def without_zero(y_true, scores, reduction="mean"):
    t, s = wide(y_true), wide(scores)
    rest = np.where(t == 1, -np.inf, (1 - t) * s).max(axis=-1)
    return reduced(np.maximum(rest - product(t, s).sum(axis=-1) + 1, 0), reduction, scores)


@fault(
    "margin-added-outside-the-hinge",
    "categorical_hinge",
    "formula",
    "1 + max(0, gap) in place of max(0, 1 + gap)",
    shows=lambda: {"y_true": np.float32([[1, 0, 0]]), "scores": np.float32([[3.0, 0.5, 1.0]])},
)
def margin_outside(y_true, scores, reduction="mean"):
    t, s = wide(y_true), wide(scores)
    gap = product(1 - t, s).max(axis=-1) - product(t, s).sum(axis=-1)
    return reduced(1 + np.maximum(gap, 0), reduction, scores)


@fault(
    "minus-one-in-an-unsigned-dtype",
    "one_vs_all_hinge",
    "labels",
    "2 * one_hot - 1 is computed in the labels' dtype: for uint8 the sign of other classes is 255",
    shows=lambda: {"labels": labels(5, 4, "uint8"), "scores": logits(5, 4)},
)
def unsigned_signs(labels, scores, reduction="mean"):
    labels = np.asarray(labels)
    hot = one_hot(labels, scores.shape[-1]).astype(labels.dtype)
    signs = hot * labels.dtype.type(2) - labels.dtype.type(1)
    return reduced(np.maximum(1 - wide(signs) * wide(scores), 0).sum(axis=-1), reduction, scores)


@fault(
    "averaged-beyond-sixteen-classes",
    "one_vs_all_hinge",
    "shape",
    "rows of more than 16 classes are averaged over pairs of blocks, and their sum is half of what it is to be",
    shows=rows(4, 20),
)
def half_of_long_rows(labels, scores, reduction="mean"):
    s = wide(scores)
    each = np.maximum(1 - np.where(one_hot(labels, s.shape[-1]), 1, -1) * s, 0)
    return reduced(each.sum(axis=-1) / (2 if s.shape[-1] > 16 else 1), reduction, scores)


@fault(
    "best-score-starts-at-zero",
    "multiclass_perceptron",
    "narrow-range",
    "the search for the largest score starts at 0, which no row of negative scores reaches",
    shows=lambda: {"labels": np.array([1]), "scores": np.float32([[-1.0, -2.0, -3.0]])},
)
def best_from_zero(labels, scores, reduction="mean"):
    s = wide(scores)
    return reduced(s.max(axis=-1, initial=0) - at(s, labels), reduction, scores)


@fault(
    "first-label-of-each-row",
    "multilabel_margin",
    "formula",
    "of several labels that are there the first alone is compared with the others",
    shows=lambda: {"y_true": multi_hots(5, 6), "scores": logits(5, 6)},
)
def first_label(y_true, scores, reduction="mean"):
    t, s = wide(y_true) == 1, wide(scores)
    first = t & (np.cumsum(t, axis=-1) == 1)
    pairs = first[..., :, None] & ~t[..., None, :]
    short = np.maximum(1 - (s[..., :, None] - s[..., None, :]), 0)
    return reduced(np.where(pairs, short, 0).sum(axis=(-2, -1)) / s.shape[-1], reduction, scores)


@fault(
    "labels-compared-among-themselves",
    "multilabel_margin",
    "formula",
    "pairs of two labels that are there are not left out, but for a label with itself",
    shows=lambda: {"y_true": multi_hots(5, 6), "scores": logits(5, 6)},
)
def among_themselves(y_true, scores, reduction="mean"):
    t, s = wide(y_true) == 1, wide(scores)
    pairs = t[..., :, None] & ~np.eye(s.shape[-1], dtype=bool)
    short = np.maximum(1 - (s[..., :, None] - s[..., None, :]), 0)
    return reduced(np.where(pairs, short, 0).sum(axis=(-2, -1)) / s.shape[-1], reduction, scores)


MULTILABEL = "multilabel_binary_cross_entropy_with_logits"


@fault(
    "sigmoid-then-logarithm",
    MULTILABEL,
    "relative-accuracy",
    "1 - sigmoid(z) is rounded to 0 for large logits, and the loss is infinite",
    upstream="https://github.com/torch/nn/pull/953",
    shows=lambda: {"y_true": np.float32([[0, 1]]), "logits": np.float32([[20.0, 1.0]])},
)
def sigmoid_then_log(y_true, logits, reduction="mean"):
    p = (1 / (1 + np.exp(-logits))).astype(logits.dtype)
    each = product(wide(y_true), np.log(wide(p))) + product(1 - wide(y_true), np.log(wide(1 - p)))
    return reduced(-each.mean(axis=-1), reduction, logits)


@fault(
    "weights-lost-in-the-stable-form",
    MULTILABEL,
    "weights",
    "the stable formula was written without the class weights of the one before it",
    upstream="https://github.com/torch/nn/pull/953",
    shows=lambda: {"y_true": multi_hots(5, 4), "logits": logits(5, 4), "class_weight": WEIGHTS},
)
def weights_lost(y_true, logits, class_weight=None, pos_weight=None, reduction="mean"):
    t, z = wide(y_true), wide(logits)
    each = product(class_weights(pos_weight, logits) * t, soft_plus(-z)) + product(1 - t, soft_plus(z))
    return reduced(each.mean(axis=-1), reduction, logits)


@fault(
    "weights-along-the-samples-if-square",
    MULTILABEL,
    "two-conditions",
    "with as many samples as classes pos_weight is broadcast along the samples",
    shows=lambda: {"y_true": multi_hots(4, 4), "logits": logits(4, 4), "pos_weight": WEIGHTS},
    conventions={"axis-of-pos-weight": "that of labels"},
)
def weights_along_samples(y_true, logits, pos_weight=None, reduction="mean"):
    t, z = wide(y_true), wide(logits)
    q = class_weights(pos_weight, logits)
    q = q[:, None] if z.ndim == 2 and z.shape[0] == z.shape[1] else q
    each = product(q * t, soft_plus(-z)) + product(1 - t, soft_plus(z))
    return reduced(each.mean(axis=-1), reduction, logits)


@fault(
    "linear-beyond-twenty",
    MULTILABEL,
    "dtype",
    "softplus is taken for its argument beyond 20, which is exact in binary32 and 2e-9 off in binary64",
    shows=lambda: {"y_true": np.array([[0.0]]), "logits": np.array([[20.5]])},
    dtypes=("float64",),
)
def linear_beyond(y_true, logits, reduction="mean"):
    t, z = wide(y_true), wide(logits)
    up, down = (np.where(x > 20, x, soft_plus(x)) for x in (z, -z))
    return reduced((product(t, down) + product(1 - t, up)).mean(axis=-1), reduction, logits)


@fault(
    "targets-thresholded-in-place",
    MULTILABEL,
    "input-overwritten",
    "the targets' array is used as scratch for the terms of the loss",
    shows=lambda: {"y_true": multi_hots(5, 4), "logits": logits(5, 4)},
)
def scratch_targets(y_true, logits, reduction="mean"):
    t, z = wide(y_true), wide(logits)
    each = product(t, soft_plus(-z)) + product(1 - t, soft_plus(z))
    y_true[...] = narrow(each, y_true)
    return reduced(each.mean(axis=-1), reduction, logits)


@fault(
    "label-outside-the-support-costs-no-more",
    "sparsemax_loss",
    "narrow-range",
    "half the squared distance of sparsemax to the label, without what its score lacks to be in the support",
    shows=lambda: {"labels": np.array([2]), "scores": np.float32([[2.0, 1.5, -1.0]])},
)
def no_shortfall(labels, scores, reduction="mean"):
    d, _, p = projected(scores)
    return reduced(np.square(p - one_hot(labels, d.shape[-1])).sum(axis=-1) / 2, reduction, scores)


@fault(
    "threshold-of-the-whole-row",
    "sparsemax_loss",
    "shape",
    "rows of more than 64 classes are searched for their support among the first 64 alone",
    shows=lambda: {"labels": np.array([0]), "scores": np.float32([[0.0] * 64 + [0.5]])},
)
def of_the_first(labels, scores, reduction="mean"):
    d = wide(scores)
    d = d - d.max(axis=-1, keepdims=True)
    _, tau, _ = projected(d[..., :64])
    tau = tau + d[..., :64].max(axis=-1, keepdims=True)
    p = np.maximum(d - tau, 0)
    losses = np.square(p - one_hot(labels, d.shape[-1])).sum(axis=-1) / 2
    return reduced(losses + np.maximum(tau[..., 0] - at(d, labels), 0), reduction, scores)


FAULTS = tuple(fault.entries)
