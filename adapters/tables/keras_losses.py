"""The losses of Keras 3: the functions of keras.losses and its objects."""

from __future__ import annotations

from gaugeblock.adapters.base import implements

LOSSES = (
    implements(
        "binary_cross_entropy",
        "keras.losses.binary_crossentropy(y_true[:, None], y_pred[:, None], label_smoothing=label_smoothing)",
        reduction="none",
        clip=1e-7,
    ),
    implements(
        "binary_cross_entropy",
        "keras.losses.BinaryCrossentropy(label_smoothing=label_smoothing, reduction=reduction, dtype=y_pred.dtype)"
        "(y_true[:, None], y_pred[:, None], sample_weight=sample_weight)",
        clip=1e-7,
        mean_over="samples",
    ),
    implements(
        "binary_cross_entropy_with_logits",
        "keras.losses.binary_crossentropy("
        "y_true[:, None], logits[:, None], from_logits=True, label_smoothing=label_smoothing)",
        reduction="none",
    ),
    implements(
        "binary_cross_entropy_with_logits",
        "keras.losses.BinaryCrossentropy("
        "from_logits=True, label_smoothing=label_smoothing, reduction=reduction, dtype=logits.dtype)"
        "(y_true[:, None], logits[:, None], sample_weight=sample_weight)",
        mean_over="samples",
    ),
    implements(
        "categorical_cross_entropy",
        "keras.losses.categorical_crossentropy(y_true, y_pred, label_smoothing=label_smoothing, axis=axis)",
        reduction="none",
        clip=1e-7,
        normalise=True,
    ),
    implements(
        "categorical_cross_entropy",
        "keras.losses.CategoricalCrossentropy("
        "label_smoothing=label_smoothing, axis=axis, reduction=reduction, dtype=y_pred.dtype)"
        "(y_true, y_pred, sample_weight=sample_weight)",
        mean_over="samples",
        clip=1e-7,
        normalise=True,
    ),
    implements(
        "categorical_cross_entropy_with_logits",
        "keras.losses.categorical_crossentropy("
        "y_true, logits, from_logits=True, label_smoothing=label_smoothing, axis=axis)",
        reduction="none",
    ),
    implements(
        "categorical_cross_entropy_with_logits",
        "keras.losses.CategoricalCrossentropy("
        "from_logits=True, label_smoothing=label_smoothing, axis=axis, reduction=reduction, dtype=logits.dtype)"
        "(y_true, logits, sample_weight=sample_weight)",
        mean_over="samples",
    ),
    implements(
        "sparse_categorical_cross_entropy_with_logits",
        "keras.losses.sparse_categorical_crossentropy("
        "labels, logits, from_logits=True, ignore_class=ignore_index, axis=axis)",
        reduction="none",
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
        name="keras.losses.SparseCategoricalCrossentropy-sample_weight",
        mean_over="samples",
    ),
    implements(
        "sparse_categorical_cross_entropy",
        "keras.losses.sparse_categorical_crossentropy(labels, y_pred, ignore_class=ignore_index, axis=axis)",
        reduction="none",
        clip=1e-7,
        normalise=True,
    ),
    implements(
        "sparse_categorical_cross_entropy",
        "keras.losses.SparseCategoricalCrossentropy("
        "ignore_class=ignore_index, axis=axis, reduction=reduction, dtype=y_pred.dtype)(labels, y_pred)",
        clip=1e-7,
        normalise=True,
    ),
    implements(
        "kl_divergence",
        "keras.losses.kl_divergence(y_true, y_pred)",
        reduction="none",
        floor=1e-7,
    ),
    implements(
        "kl_divergence",
        "keras.losses.KLDivergence(reduction=reduction, dtype=y_pred.dtype)"
        "(y_true, y_pred, sample_weight=sample_weight)",
        floor=1e-7,
        mean_over="samples",
    ),
    implements(
        "binary_focal_cross_entropy",
        "keras.losses.binary_focal_crossentropy(y_true[:, None], y_pred[:, None],"
        " apply_class_balancing=alpha is not None, alpha=alpha, gamma=gamma)",
        reduction="none",
        clip=1e-7,
    ),
    implements(
        "binary_focal_cross_entropy",
        "keras.losses.BinaryFocalCrossentropy("
        "apply_class_balancing=alpha is not None, alpha=alpha, gamma=gamma,"
        " reduction=reduction, dtype=y_pred.dtype)"
        "(y_true[:, None], y_pred[:, None], sample_weight=sample_weight)",
        mean_over="samples",
        clip=1e-7,
    ),
    implements(
        "binary_focal_cross_entropy_with_logits",
        "keras.losses.binary_focal_crossentropy(y_true[:, None], logits[:, None],"
        " apply_class_balancing=alpha is not None, alpha=alpha, gamma=gamma, from_logits=True)",
        reduction="none",
    ),
    implements(
        "binary_focal_cross_entropy_with_logits",
        "keras.losses.BinaryFocalCrossentropy("
        "apply_class_balancing=alpha is not None, alpha=alpha, gamma=gamma, from_logits=True,"
        " reduction=reduction, dtype=logits.dtype)"
        "(y_true[:, None], logits[:, None], sample_weight=sample_weight)",
        mean_over="samples",
    ),
    implements(
        "categorical_focal_cross_entropy",
        "keras.losses.categorical_focal_crossentropy(y_true, y_pred, alpha=alpha, gamma=gamma, axis=axis)",
        reduction="none",
        clip=1e-7,
        normalise=True,
    ),
    implements(
        "categorical_focal_cross_entropy",
        "keras.losses.CategoricalFocalCrossentropy("
        "alpha=alpha, gamma=gamma, axis=axis, reduction=reduction, dtype=y_pred.dtype)"
        "(y_true, y_pred, sample_weight=sample_weight)",
        mean_over="samples",
        clip=1e-7,
        normalise=True,
    ),
    implements(
        "categorical_focal_cross_entropy_with_logits",
        "keras.losses.categorical_focal_crossentropy("
        "y_true, logits, alpha=alpha, gamma=gamma, from_logits=True, axis=axis)",
        reduction="none",
    ),
    implements(
        "categorical_focal_cross_entropy_with_logits",
        "keras.losses.CategoricalFocalCrossentropy("
        "alpha=alpha, gamma=gamma, from_logits=True, axis=axis, reduction=reduction, dtype=logits.dtype)"
        "(y_true, logits, sample_weight=sample_weight)",
        mean_over="samples",
    ),
    implements(
        "generalised_cross_entropy",
        "keras.losses.CategoricalGeneralizedCrossEntropy(q=q, reduction=reduction, dtype=y_pred.dtype)"
        "(labels, y_pred, sample_weight=sample_weight)",
        mean_over="samples",
    ),
    implements(
        "brier_score",
        "keras.losses.mean_squared_error(y_true[:, None], y_pred[:, None])",
        reduction="none",
    ),
    implements(
        "brier_score",
        "keras.losses.MeanSquaredError(reduction=reduction, dtype=y_pred.dtype)"
        "(y_true[:, None], y_pred[:, None], sample_weight=sample_weight)",
        mean_over="samples",
    ),
    implements("hinge", "keras.losses.hinge(y_true[:, None], score[:, None])", reduction="none"),
    implements(
        "hinge",
        "keras.losses.hinge((y_true[:, None] + 1) / 2, score[:, None])",
        name="keras.losses.hinge-01",
        reduction="none",
    ),
    implements(
        "hinge",
        "keras.losses.Hinge(reduction=reduction, dtype=score.dtype)"
        "(y_true[:, None], score[:, None], sample_weight=sample_weight)",
        mean_over="samples",
    ),
    implements("squared_hinge", "keras.losses.squared_hinge(y_true[:, None], score[:, None])", reduction="none"),
    implements(
        "squared_hinge",
        "keras.losses.squared_hinge((y_true[:, None] + 1) / 2, score[:, None])",
        name="keras.losses.squared_hinge-01",
        reduction="none",
    ),
    implements(
        "squared_hinge",
        "keras.losses.SquaredHinge(reduction=reduction, dtype=score.dtype)"
        "(y_true[:, None], score[:, None], sample_weight=sample_weight)",
        mean_over="samples",
    ),
    implements("categorical_hinge", "keras.losses.categorical_hinge(y_true, scores)", reduction="none"),
    implements(
        "categorical_hinge",
        "keras.losses.CategoricalHinge(reduction=reduction, dtype=scores.dtype)"
        "(y_true, scores, sample_weight=sample_weight)",
        mean_over="samples",
    ),
    implements(
        "multilabel_binary_cross_entropy_with_logits",
        "keras.losses.binary_crossentropy(y_true, logits, from_logits=True)",
        reduction="none",
    ),
    implements(
        "multilabel_binary_cross_entropy_with_logits",
        "keras.losses.BinaryCrossentropy(from_logits=True, reduction=reduction, dtype=logits.dtype)"
        "(y_true, logits, sample_weight=sample_weight)",
        mean_over="samples",
    ),
)
