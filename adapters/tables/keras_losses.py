"""The losses of Keras 3: the functions of keras.losses and its objects."""

from __future__ import annotations

from gaugeblock.adapters.base import implementing, implements

LOSSES = (
    *implementing(reduction="none", clip=1e-7)(
        binary_cross_entropy=(
            "keras.losses.binary_crossentropy(y_true[:, None], y_pred[:, None], label_smoothing=label_smoothing)"
        ),
        binary_focal_cross_entropy="keras.losses.binary_focal_crossentropy(y_true[:, None], y_pred[:, None],"
        " apply_class_balancing=alpha is not None, alpha=alpha, gamma=gamma)",
    ),
    *implementing(clip=1e-7, mean_over="samples")(
        binary_cross_entropy="keras.losses.BinaryCrossentropy("
        "label_smoothing=label_smoothing, reduction=reduction, dtype=y_pred.dtype)"
        "(y_true[:, None], y_pred[:, None], sample_weight=sample_weight)"
    ),
    *implementing(mean_over="samples", clip=1e-7)(
        binary_focal_cross_entropy="keras.losses.BinaryFocalCrossentropy("
        "apply_class_balancing=alpha is not None, alpha=alpha, gamma=gamma, reduction=reduction, dtype=y_pred.dtype)"
        "(y_true[:, None], y_pred[:, None], sample_weight=sample_weight)"
    ),
    *implementing(reduction="none", clip=1e-7, normalise=True)(
        categorical_cross_entropy=(
            "keras.losses.categorical_crossentropy(y_true, y_pred, label_smoothing=label_smoothing, axis=axis)"
        ),
        sparse_categorical_cross_entropy=(
            "keras.losses.sparse_categorical_crossentropy(labels, y_pred, ignore_class=ignore_index, axis=axis)"
        ),
        categorical_focal_cross_entropy=(
            "keras.losses.categorical_focal_crossentropy(y_true, y_pred, alpha=alpha, gamma=gamma, axis=axis)"
        ),
    ),
    *implementing(mean_over="samples", clip=1e-7, normalise=True)(
        categorical_cross_entropy="keras.losses.CategoricalCrossentropy("
        "label_smoothing=label_smoothing, axis=axis, reduction=reduction, dtype=y_pred.dtype)"
        "(y_true, y_pred, sample_weight=sample_weight)",
        categorical_focal_cross_entropy="keras.losses.CategoricalFocalCrossentropy("
        "alpha=alpha, gamma=gamma, axis=axis, reduction=reduction, dtype=y_pred.dtype)"
        "(y_true, y_pred, sample_weight=sample_weight)",
    ),
    *implementing(reduction="none")(
        binary_cross_entropy_with_logits="keras.losses.binary_crossentropy("
        "y_true[:, None], logits[:, None], from_logits=True, label_smoothing=label_smoothing)",
        categorical_cross_entropy_with_logits="keras.losses.categorical_crossentropy("
        "y_true, logits, from_logits=True, label_smoothing=label_smoothing, axis=axis)",
        sparse_categorical_cross_entropy_with_logits="keras.losses.sparse_categorical_crossentropy("
        "labels, logits, from_logits=True, ignore_class=ignore_index, axis=axis)",
        binary_focal_cross_entropy_with_logits=(
            "keras.losses.binary_focal_crossentropy(y_true[:, None], logits[:, None],"
            " apply_class_balancing=alpha is not None, alpha=alpha, gamma=gamma, from_logits=True)"
        ),
        categorical_focal_cross_entropy_with_logits="keras.losses.categorical_focal_crossentropy("
        "y_true, logits, alpha=alpha, gamma=gamma, from_logits=True, axis=axis)",
        brier_score="keras.losses.mean_squared_error(y_true[:, None], y_pred[:, None])",
        hinge="keras.losses.hinge(y_true[:, None], score[:, None])",
        squared_hinge="keras.losses.squared_hinge(y_true[:, None], score[:, None])",
        categorical_hinge="keras.losses.categorical_hinge(y_true, scores)",
        multilabel_binary_cross_entropy_with_logits=(
            "keras.losses.binary_crossentropy(y_true, logits, from_logits=True)"
        ),
    ),
    *implementing(reduction="none", variant="-01")(
        hinge="keras.losses.hinge((y_true[:, None] + 1) / 2, score[:, None])",
        squared_hinge="keras.losses.squared_hinge((y_true[:, None] + 1) / 2, score[:, None])",
    ),
    implements(
        "sparse_categorical_cross_entropy_with_logits",
        "keras.losses.SparseCategoricalCrossentropy("
        "from_logits=True, ignore_class=ignore_index, axis=axis, reduction=reduction, dtype=logits.dtype)"
        "(labels, logits)",
    ),
    implements(
        "sparse_categorical_cross_entropy_with_logits",
        "keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=reduction, dtype=logits.dtype)"
        "(labels, logits, sample_weight=sample_weight)",
        variant="-sample_weight",
        mean_over="samples",
    ),
    *implementing(clip=1e-7, normalise=True)(
        sparse_categorical_cross_entropy="keras.losses.SparseCategoricalCrossentropy("
        "ignore_class=ignore_index, axis=axis, reduction=reduction, dtype=y_pred.dtype)(labels, y_pred)"
    ),
    implements("kl_divergence", "keras.losses.kl_divergence(y_true, y_pred)", reduction="none", floor=1e-7),
    *implementing(floor=1e-7, mean_over="samples")(
        kl_divergence="keras.losses.KLDivergence(reduction=reduction, dtype=y_pred.dtype)"
        "(y_true, y_pred, sample_weight=sample_weight)"
    ),
    *implementing(mean_over="samples")(
        binary_cross_entropy_with_logits="keras.losses.BinaryCrossentropy("
        "from_logits=True, label_smoothing=label_smoothing, reduction=reduction, dtype=logits.dtype)"
        "(y_true[:, None], logits[:, None], sample_weight=sample_weight)",
        categorical_cross_entropy_with_logits="keras.losses.CategoricalCrossentropy("
        "from_logits=True, label_smoothing=label_smoothing, axis=axis, reduction=reduction, dtype=logits.dtype)"
        "(y_true, logits, sample_weight=sample_weight)",
        binary_focal_cross_entropy_with_logits="keras.losses.BinaryFocalCrossentropy("
        "apply_class_balancing=alpha is not None, alpha=alpha, gamma=gamma, from_logits=True,"
        " reduction=reduction, dtype=logits.dtype)(y_true[:, None], logits[:, None], sample_weight=sample_weight)",
        categorical_focal_cross_entropy_with_logits="keras.losses.CategoricalFocalCrossentropy("
        "alpha=alpha, gamma=gamma, from_logits=True, axis=axis, reduction=reduction, dtype=logits.dtype)"
        "(y_true, logits, sample_weight=sample_weight)",
        generalised_cross_entropy=(
            "keras.losses.CategoricalGeneralizedCrossEntropy(q=q, reduction=reduction, dtype=y_pred.dtype)"
            "(labels, y_pred, sample_weight=sample_weight)"
        ),
        brier_score="keras.losses.MeanSquaredError(reduction=reduction, dtype=y_pred.dtype)"
        "(y_true[:, None], y_pred[:, None], sample_weight=sample_weight)",
        hinge="keras.losses.Hinge(reduction=reduction, dtype=score.dtype)"
        "(y_true[:, None], score[:, None], sample_weight=sample_weight)",
        squared_hinge="keras.losses.SquaredHinge(reduction=reduction, dtype=score.dtype)"
        "(y_true[:, None], score[:, None], sample_weight=sample_weight)",
        categorical_hinge="keras.losses.CategoricalHinge(reduction=reduction, dtype=scores.dtype)"
        "(y_true, scores, sample_weight=sample_weight)",
        multilabel_binary_cross_entropy_with_logits=(
            "keras.losses.BinaryCrossentropy(from_logits=True, reduction=reduction, dtype=logits.dtype)"
            "(y_true, logits, sample_weight=sample_weight)"
        ),
    ),
)
