"""The formulas that people write by hand with NumPy: as the textbook prints them, and in their stable forms."""

from __future__ import annotations

from gaugeblock.adapters.base import implementing, implements

TEXTBOOK = "numpy.textbook"
STABLE = "numpy.stable"
OUT_OF_ROWS = "numpy.take_along_axis({}, labels[:, None], axis=1)[:, 0]"

# A narrow format needs a wider accumulator; binary32 and binary64 are their own.
ACCUMULATE = "dtype=numpy.result_type({}, numpy.float32)"
OVER_CLASSES = ACCUMULATE.format("y_true")
SHIFTED = "(x - x.max(axis=axis, keepdims=True))"
SHIFTED_LOGITS = "(logits - logits.max(axis=1, keepdims=True))"
# The weight of the positive class and that of the negative in a focal loss.
BALANCE = "(1 if alpha is None else y_true * alpha + (1 - y_true) * (1 - alpha))"
WIDE_SCORES = "scores.astype(numpy.result_type(scores, numpy.float32))"
OF_LABEL = "(numpy.arange(scores.shape[1]) == labels[:, None])"
GAPS = f"scores - {OUT_OF_ROWS.format('scores')}[:, None]"
# The threshold of sparsemax: the largest of (the sum of the k largest entries - 1) / k.
THRESHOLD = (
    "(((-numpy.sort(-{0}, axis={1})).cumsum(axis={1}, dtype=numpy.result_type({0}, numpy.float32)) - 1)"
    " / numpy.arange(1, {0}.shape[{1}] + 1)).max(axis={1}, keepdims=True)"
)


HANDWRITTEN = (
    *implementing(name=TEXTBOOK)(
        sigmoid="1 / (1 + numpy.exp(-x))",
        log_sigmoid="numpy.log(1 / (1 + numpy.exp(-x)))",
        logit="numpy.log(x / (1 - x))",
        softplus="numpy.log(1 + numpy.exp(x))",
        softmax="(e := numpy.exp(x)) / e.sum(axis=axis, keepdims=True)",
        log_softmax="numpy.log((e := numpy.exp(x)) / e.sum(axis=axis, keepdims=True))",
        logsumexp="numpy.log(numpy.exp(x).sum(axis=axis))",
    ),
    implements("sigmoid", "numpy.exp(-numpy.logaddexp(0, -x))", name="numpy.exp-logaddexp"),
    *implementing(name=STABLE)(
        sigmoid="numpy.where(x >= 0, 1, e := numpy.exp(-abs(x))) / (1 + e)",
        log_sigmoid="numpy.minimum(x, 0) - numpy.log1p(numpy.exp(-abs(x)))",
        logit="numpy.where(abs(x - 0.5) < 0.25, numpy.log1p((2 * x - 1) / (1 - x)), numpy.log(x) - numpy.log1p(-x))",
        hard_sigmoid="numpy.clip((x + width / 2) / width, 0, 1).astype(x.dtype)",
        softmin=f"((e := numpy.exp(x.min(axis=axis, keepdims=True) - x)) / e.sum(axis=axis, keepdims=True,"
        f" {ACCUMULATE.format('x')})).astype(x.dtype)",
        masked_softmax="(numpy.where(mask, e := numpy.exp(numpy.where(mask, x, -numpy.inf)"
        " - x.max(axis=axis, keepdims=True, where=mask, initial=-numpy.inf)), 0)"
        f" / e.sum(axis=axis, keepdims=True, {ACCUMULATE.format('x')})).astype(x.dtype)",
        softplus="numpy.maximum(x, 0) + numpy.log1p(numpy.exp(-abs(x)))",
        softmax=(
            f"((e := numpy.exp{SHIFTED}) / e.sum(axis=axis, keepdims=True, {ACCUMULATE.format('x')})).astype(x.dtype)"
        ),
        log_softmax=(
            f"((d := {SHIFTED}) - numpy.log(numpy.exp(d).sum(axis=axis, keepdims=True, {ACCUMULATE.format('x')})))"
            ".astype(x.dtype)"
        ),
        sparse_sigmoid="numpy.minimum(numpy.maximum((x + 1) / 2, 0), 1)",
        sparse_plus="numpy.where(x > 1, x, numpy.square(numpy.maximum(numpy.minimum(x, 1) + 1, 0)) / 4)",
        sparsemax=f"numpy.moveaxis(numpy.maximum((d := numpy.moveaxis({SHIFTED}, axis, -1))"
        f" - {THRESHOLD.format('d', -1)}, 0), -1, axis).astype(x.dtype)",
        logsumexp="(numpy.log(numpy.exp(x - numpy.where(numpy.isfinite(m := x.max(axis=axis, keepdims=True)), m, 0))"
        f".sum(axis=axis, {ACCUMULATE.format('x')})) + numpy.where(numpy.isfinite(m), m, 0).squeeze(axis))"
        ".astype(x.dtype)",
    ),
    *implementing(name=TEXTBOOK, reduction="none")(
        binary_cross_entropy="-(y_true * numpy.log(y_pred) + (1 - y_true) * numpy.log(1 - y_pred))",
        binary_cross_entropy_with_logits=(
            "-(y_true * numpy.log(p := 1 / (1 + numpy.exp(-logits))) + (1 - y_true) * numpy.log(1 - p))"
        ),
        categorical_cross_entropy="-(y_true * numpy.log(y_pred)).sum(axis=1)",
        categorical_cross_entropy_with_logits=(
            "-(y_true * numpy.log((e := numpy.exp(logits)) / e.sum(axis=1, keepdims=True))).sum(axis=1)"
        ),
        sparse_categorical_cross_entropy_with_logits=(
            "-numpy.log(" + OUT_OF_ROWS.format("(e := numpy.exp(logits))") + " / e.sum(axis=1))"
        ),
        kl_divergence="(y_true * numpy.log(y_true / y_pred)).sum(axis=1)",
        binary_focal_cross_entropy=f"-{BALANCE} * (1 - y_true * y_pred - (1 - y_true) * (1 - y_pred)) ** gamma"
        " * (y_true * numpy.log(y_pred) + (1 - y_true) * numpy.log(1 - y_pred))",
        generalised_cross_entropy=f"(1 - {OUT_OF_ROWS.format('y_pred')} ** q) / q",
    ),
    *implementing(name=STABLE, reduction="none")(
        binary_cross_entropy=(
            "-(scipy.special.xlogy(y_true, y_pred) + scipy.special.xlog1py(1 - y_true, -y_pred)).astype(y_pred.dtype)"
        ),
        binary_cross_entropy_with_logits="numpy.where(y_true == 0, 0, y_true * numpy.logaddexp(0, -logits))"
        " + numpy.where(y_true == 1, 0, (1 - y_true) * numpy.logaddexp(0, logits))",
        categorical_cross_entropy="-scipy.special.xlogy(y_true, y_pred).sum(axis=1).astype(y_pred.dtype)",
        categorical_cross_entropy_with_logits=f"-numpy.where(y_true == 0, 0, y_true * ((d := {SHIFTED_LOGITS})"
        f" - numpy.log(numpy.exp(d).sum(axis=1, keepdims=True, {ACCUMULATE.format('logits')}))))"
        ".sum(axis=1).astype(logits.dtype)",
        sparse_categorical_cross_entropy_with_logits=(
            f"(numpy.log(numpy.exp(d := {SHIFTED_LOGITS}).sum(axis=1, {ACCUMULATE.format('logits')})) - "
            f"{OUT_OF_ROWS.format('d')}).astype(logits.dtype)"
        ),
        sparse_categorical_cross_entropy=f"-numpy.log({OUT_OF_ROWS.format('y_pred')})",
        negative_log_likelihood=f"-{OUT_OF_ROWS.format('log_probabilities')}",
        kl_divergence=f"numpy.where(y_true == 0, 0, y_true * numpy.log(y_true / y_pred)).sum(axis=1, {OVER_CLASSES})"
        ".astype(y_pred.dtype)",
        kl_divergence_of_log_predictions=(
            "numpy.where(y_true == 0, 0, y_true * (numpy.log(y_true) - log_probabilities))"
            f".sum(axis=1, {ACCUMULATE.format('log_probabilities')}).astype(log_probabilities.dtype)"
        ),
        kl_divergence_of_logs=(
            "numpy.where(log_targets == -numpy.inf, 0, numpy.exp(log_targets) * (log_targets - log_probabilities))"
            f".sum(axis=1, {ACCUMULATE.format('log_targets')}).astype(log_targets.dtype)"
        ),
        generalised_kl_divergence="(numpy.where(y_true == 0, 0, y_true * (numpy.log(y_true) - log_probabilities))"
        f" - y_true + numpy.exp(log_probabilities)).sum(axis=1, {ACCUMULATE.format('log_probabilities')})"
        ".astype(log_probabilities.dtype)",
        brier_score="numpy.square(y_pred - y_true)",
        multiclass_brier_score=f"numpy.square(y_pred - y_true).sum(axis=1, {OVER_CLASSES}).astype(y_pred.dtype)",
        binary_focal_cross_entropy=(
            f"-({BALANCE} * (y_true * (1 - y_pred) + (1 - y_true) * y_pred) ** gamma * (scipy.special.xlogy("
            "y_true, y_pred) + scipy.special.xlog1py(1 - y_true, -y_pred))).astype(y_pred.dtype)"
        ),
        binary_focal_cross_entropy_with_logits=(
            f"({BALANCE} * ((y_true * numpy.where(logits >= 0, e := numpy.exp(-abs(logits)), 1)"
            " + (1 - y_true) * numpy.where(logits >= 0, 1, e)) / (1 + e)) ** gamma"
            " * (numpy.where(y_true == 0, 0, y_true * numpy.logaddexp(0, -logits))"
            " + numpy.where(y_true == 1, 0, (1 - y_true) * numpy.logaddexp(0, logits)))).astype(logits.dtype)"
        ),
        categorical_focal_cross_entropy=(
            "-(alpha * (1 - y_pred) ** gamma * scipy.special.xlogy(y_true, y_pred)).sum(axis=1).astype(y_pred.dtype)"
        ),
        categorical_focal_cross_entropy_with_logits=(
            f"-(alpha * numpy.where(y_true == 0, 0, ((numpy.cumsum(numpy.pad(e := numpy.exp(d := {SHIFTED_LOGITS})"
            ".astype(numpy.result_type(logits, numpy.float32)), ((0, 0), (1, 0))), axis=1, dtype=float)[:, :-1]"
            " + numpy.cumsum(numpy.pad(e, ((0, 0), (0, 1)))[:, ::-1], axis=1, dtype=float)[:, -2::-1])"
            " / (s := e.sum(axis=1, keepdims=True))) ** gamma * y_true * (d - numpy.log(s))))"
            ".sum(axis=1).astype(logits.dtype)"
        ),
        poly_cross_entropy_with_logits=(
            f"numpy.where(y_true == 0, 0, y_true * (epsilon * (1 - (e := numpy.exp(d := {SHIFTED_LOGITS}))"
            f" / (s := e.sum(axis=1, keepdims=True, {ACCUMULATE.format('logits')}))) + numpy.log(s) - d))"
            ".sum(axis=1).astype(logits.dtype)"
        ),
        generalised_cross_entropy=f"-numpy.expm1(q * numpy.log({OUT_OF_ROWS.format('y_pred')})) / q",
        hinge="numpy.maximum(1 - y_true * score, 0)",
        squared_hinge="numpy.square(numpy.maximum(1 - y_true * score, 0))",
        perceptron="numpy.maximum(-y_true * score, 0)",
        logistic_of_signs="numpy.logaddexp(0, -y_true * score)",
        hinge_embedding="numpy.where(y_true == 1, score, numpy.maximum(margin - score, 0))",
        categorical_hinge="numpy.maximum(numpy.where(y_true == 1, 0, scores).max(axis=1)"
        " - numpy.where(y_true == 1, scores, 0).sum(axis=1) + 1, 0)",
        multiclass_hinge=(
            f"numpy.maximum(numpy.where({OF_LABEL}, -numpy.inf, {GAPS}).max(axis=1) + 1, 0).astype(scores.dtype)"
        ),
        multiclass_perceptron=f"scores.max(axis=1) - {OUT_OF_ROWS.format('scores')}",
        one_vs_all_hinge=f"numpy.maximum(numpy.where({OF_LABEL}, 1 - scores, 1 + scores), 0)"
        f".sum(axis=1, {ACCUMULATE.format('scores')}).astype(scores.dtype)",
        multi_margin=f"((1 if class_weight is None else class_weight[labels])"
        f" * numpy.where({OF_LABEL}, 0, numpy.maximum({GAPS} + margin, 0) ** p)"
        f".sum(axis=1, {ACCUMULATE.format('scores')}) / scores.shape[1]).astype(scores.dtype)",
        multilabel_margin="numpy.array([(numpy.maximum(1 - (s[t == 1][:, None] - s[t != 1]), 0) / len(s))"
        f".sum({ACCUMULATE.format('s')}) for t, s in zip(y_true, scores)]).astype(scores.dtype)",
        multilabel_binary_cross_entropy_with_logits=(
            "((1 if class_weight is None else class_weight) * numpy.where(y_true == 1,"
            " (1 if pos_weight is None else pos_weight) * numpy.logaddexp(0, -logits), numpy.logaddexp(0, logits))"
            ".astype(numpy.result_type(logits, numpy.float32)) / logits.shape[1]).sum(axis=1).astype(logits.dtype)"
        ),
        sparsemax_loss=f"((numpy.square(numpy.maximum((d := {WIDE_SCORES} - scores.max(axis=1, keepdims=True))"
        f" - (tau := {THRESHOLD.format('d', 1)}), 0) - {OF_LABEL}).sum(axis=1)) / 2"
        f" + numpy.maximum(tau[:, 0] - {OUT_OF_ROWS.format('d')}, 0)).astype(scores.dtype)",
        binary_sparsemax_loss=(
            "numpy.where((x := -y_true * score) > 1, x, numpy.square(numpy.maximum(numpy.minimum(x, 1) + 1, 0)) / 4)"
        ),
    ),
    *implementing(name=STABLE, reduction="mean")(
        zero_one_loss="numpy.average(y_true != y_pred, weights=sample_weight)",
        hamming_loss="((y_score > threshold) != (y_true == 1)).mean()",
        multilabel_accuracy="((y_score > threshold) == (y_true == 1)).mean()",
        subset_accuracy="numpy.average(((y_score > threshold) == (y_true == 1)).all(axis=1), weights=sample_weight)",
    ),
    *implementing(name=STABLE)(
        balanced_accuracy="numpy.mean([(y_pred[y_true == label] == label).mean() for label in numpy.unique(y_true)])",
        precision="(y_true[y_pred == 1] == 1).mean()",
        recall="(y_pred[y_true == 1] == 1).mean()",
        specificity="(y_pred[y_true == 0] == 0).mean()",
        f1_score="2 * (y_true & y_pred).sum() / (y_true.sum() + y_pred.sum())",
        macro_precision="numpy.mean([(y_true[y_pred == label] == label).mean() for label in numpy.unique(y_true)])",
        macro_recall="numpy.mean([(y_pred[y_true == label] == label).mean() for label in numpy.unique(y_true)])",
        macro_f1_score="numpy.mean([2 * ((y_true == label) & (y_pred == label)).sum()"
        " / ((y_true == label).sum() + (y_pred == label).sum()) for label in numpy.unique(y_true)])",
        roc_auc="(((p := y_score[y_true == 1][:, None]) > (n := y_score[y_true == 0])) + (p == n) / 2).mean()",
        expected_calibration_error=(
            "abs(numpy.bincount(numpy.maximum(numpy.ceil((p := y_score.astype(float)) * n_bins), 1).astype(int),"
            " y_true - p)).sum() / p.size"
        ),
    ),
)
