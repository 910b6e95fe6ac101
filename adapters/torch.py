"""PyTorch: torch, torch.nn.functional and torch.nn."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from gaugeblock.adapters.base import Adapter, Function, Mode, implementing, implements
from gaugeblock.adapters.processor import instruction_set, onednn_limit
from gaugeblock.adapters.wording import Wording

TENSOR_LAYOUTS = {
    "contiguous": "array",
    "transposed": "array.transpose(0, -1).contiguous().transpose(0, -1)",
    "strided": "torch.stack([array, torch.full_like(array, filler)], dim=-1).flatten(-2)[..., ::2]",
    "offset": "torch.cat([array.new_zeros(1), array.flatten()])[1:].view(array.shape)",
    "expanded": "array[:1].expand(array.shape)",
}
"""As NumPy's LAYOUTS, except: a storage offset of one element, and torch's name for a stride of 0. Strides are never
negative."""

WORDING = Wording(
    put="torch.tensor(array, device=device)",
    get="answer.numpy(force=True)",
    put_bfloat16="torch.tensor(array.view('uint16'), device=device).view(torch.bfloat16)",
    get_bfloat16="answer.float().numpy(force=True)",
    gradient="""\
variable = variable.clone().requires_grad_()
answer = call
gradient = torch.autograd.grad(answer, variable, cotangent)[0]""",
    second="""\
variable = variable.clone().requires_grad_()
answer = call
first = torch.autograd.grad(answer, variable, cotangent, create_graph=True)[0]
gradient = torch.autograd.grad(first, variable, cotangent)[0]""",
    compile="torch.compile(function, dynamic=True)",
    laid_out=TENSOR_LAYOUTS,
)

# The mean over rows. Only unreduced terms still have a class axis to sum over.
BATCHMEAN = "reduction='batchmean' if reduction == 'mean' else reduction"
# A row of labels from a row of zeros and ones: the classes that are there, then -1.
LISTED = "(ones := y_true.sort(dim=1, descending=True, stable=True)).indices.masked_fill(ones.values == 0, -1)"


class TorchAdapter(Adapter):
    """Compiled means torch.compile with its default backend."""

    framework = "torch"
    distributions: ClassVar[tuple[str, ...]] = ("torch", "numpy")
    extra = "torch"
    modules: ClassVar[tuple[str, ...]] = ("torch",)
    modes: ClassVar[tuple[Mode, ...]] = (
        Mode("eager", layouts=tuple(TENSOR_LAYOUTS)),
        Mode("compiled", dtypes=("float32",), compiled=True),
    )
    wording = WORDING
    same_as: ClassVar[Mapping[str, str]] = {
        "torch.nn.functional.sigmoid": "torch.sigmoid",
        "torch.nn.Sigmoid": "torch.sigmoid",
        "torch.special.expit": "torch.sigmoid",
        "torch.nn.LogSigmoid": "torch.nn.functional.logsigmoid",
        "torch.nn.Softplus": "torch.nn.functional.softplus",
        "torch.nn.Hardsigmoid": "torch.nn.functional.hardsigmoid",
        "torch.nn.functional.hardsigmoid-inplace": "torch.nn.functional.hardsigmoid",
        "torch.nn.Softmax": "torch.softmax",
        "torch.nn.functional.softmax": "torch.softmax",
        "torch.softmax-out": "torch.softmax",
        "torch.nn.LogSoftmax": "torch.log_softmax",
        "torch.nn.functional.log_softmax": "torch.log_softmax",
        "torch.log_softmax-out": "torch.log_softmax",
        "torch.nn.Softmin": "torch.nn.functional.softmin",
        "torch.nn.SoftMarginLoss": "torch.nn.functional.soft_margin_loss",
        "torch.nn.HingeEmbeddingLoss": "torch.nn.functional.hinge_embedding_loss",
        "torch.nn.MultiMarginLoss": "torch.nn.functional.multi_margin_loss",
        "torch.nn.MultiLabelMarginLoss": "torch.nn.functional.multilabel_margin_loss",
        "torch.nn.MultiLabelSoftMarginLoss": "torch.nn.functional.multilabel_soft_margin_loss",
        "torch.nn.KLDivLoss": "torch.nn.functional.kl_div",
        "torch.nn.MSELoss": "torch.nn.functional.mse_loss",
        "torch.nn.BCELoss": "torch.nn.functional.binary_cross_entropy",
        "torch.nn.CrossEntropyLoss": "torch.nn.functional.cross_entropy",
        "torch.nn.NLLLoss": "torch.nn.functional.nll_loss",
    }
    table: ClassVar[tuple[tuple[Any, ...], ...]] = (
        *implementing()(
            sigmoid=(
                "torch.sigmoid(x)",
                "torch.nn.functional.sigmoid(x)",
                "torch.nn.Sigmoid()(x)",
                "torch.special.expit(x)",
            ),
            log_sigmoid=("torch.nn.functional.logsigmoid(x)", "torch.nn.LogSigmoid()(x)"),
            softplus=("torch.nn.functional.softplus(x)", "torch.nn.Softplus()(x)"),
            logit="torch.logit(x)",
            hard_sigmoid="torch.nn.functional.hardsigmoid(x)",
            softmax=(
                "torch.nn.Softmax(dim=axis)(x)",
                "torch.softmax(x, dim=axis)",
                "torch.nn.functional.softmax(x, dim=axis)",
            ),
            log_softmax=(
                "torch.nn.LogSoftmax(dim=axis)(x)",
                "torch.log_softmax(x, dim=axis)",
                "torch.nn.functional.log_softmax(x, dim=axis)",
            ),
            softmin=("torch.nn.functional.softmin(x, dim=axis)", "torch.nn.Softmin(dim=axis)(x)"),
            softmax_with_temperature="torch.softmax(x / temperature, dim=axis)",
            masked_softmax=(
                "torch.masked.softmax(x, dim=axis, mask=mask)",
                "torch.softmax(x.masked_fill(~mask, -torch.inf), dim=axis)",
            ),
            masked_log_softmax="torch.masked.log_softmax(x, dim=axis, mask=mask)",
            masked_logsumexp="torch.masked.logsumexp(x, dim=axis, mask=mask)",
            logsumexp="torch.logsumexp(x, dim=axis)",
            logistic_of_signs=(
                "torch.nn.functional.soft_margin_loss(score, y_true, reduction=reduction)",
                "torch.nn.SoftMarginLoss(reduction=reduction)(score, y_true)",
            ),
            hinge_embedding=(
                "torch.nn.functional.hinge_embedding_loss(score, y_true, margin=margin, reduction=reduction)",
                "torch.nn.HingeEmbeddingLoss(margin=margin, reduction=reduction)(score, y_true)",
            ),
            multi_margin=(
                "torch.nn.functional.multi_margin_loss("
                "scores, labels, p=p, margin=margin, weight=class_weight, reduction=reduction)",
                "torch.nn.MultiMarginLoss("
                "p=p, margin=margin, weight=class_weight, reduction=reduction)(scores, labels)",
            ),
            multilabel_margin=(
                f"torch.nn.functional.multilabel_margin_loss(scores, {LISTED}, reduction=reduction)",
                f"torch.nn.MultiLabelMarginLoss(reduction=reduction)(scores, {LISTED})",
            ),
            multilabel_binary_cross_entropy_with_logits=(
                "torch.nn.functional.multilabel_soft_margin_loss("
                "logits, y_true, weight=class_weight, reduction=reduction)",
                "torch.nn.MultiLabelSoftMarginLoss(weight=class_weight, reduction=reduction)(logits, y_true)",
            ),
            kl_divergence_of_log_predictions=(
                f"torch.nn.functional.kl_div(log_probabilities, y_true, {BATCHMEAN}).sum(dim=-1)",
                f"torch.nn.KLDivLoss({BATCHMEAN})(log_probabilities, y_true).sum(dim=-1)",
            ),
            kl_divergence_of_logs=(
                f"torch.nn.functional.kl_div(log_probabilities, log_targets, {BATCHMEAN}, log_target=True).sum(dim=-1)",
                f"torch.nn.KLDivLoss({BATCHMEAN}, log_target=True)(log_probabilities, log_targets).sum(dim=-1)",
            ),
            brier_score=(
                "torch.nn.functional.mse_loss(y_pred, y_true, reduction=reduction)",
                "torch.nn.MSELoss(reduction=reduction)(y_pred, y_true)",
            ),
        ),
        # Each writes to the tensor `out`, which autograd does not support.
        *implementing(variant="-out", stateful=True, differentiable=False)(
            sigmoid="torch.sigmoid(x, out=torch.empty_like(x))",
            softmax="torch.softmax(x, dim=axis, out=torch.empty_like(x))",
            log_softmax="torch.log_softmax(x, dim=axis, out=torch.empty_like(x))",
            logsumexp="torch.logsumexp(x, dim=axis, out=x.new_empty(0))",
        ),
        implements("sigmoid", "x.clone().sigmoid_()", name="torch.Tensor.sigmoid_"),
        implements("hard_sigmoid", "torch.nn.functional.hardsigmoid(x.clone(), inplace=True)", variant="-inplace"),
        implements("hard_sigmoid", "torch.nn.Hardsigmoid()(x)"),
        *implementing(log_floor=-100.0, mean_over="samples")(
            binary_cross_entropy=(
                "torch.nn.functional.binary_cross_entropy(y_pred, y_true, weight=sample_weight, reduction=reduction)",
                "torch.nn.BCELoss(weight=sample_weight, reduction=reduction)(y_pred, y_true)",
            )
        ),
        *implementing(mean_over="samples")(
            binary_cross_entropy_with_logits=(
                "torch.nn.functional.binary_cross_entropy_with_logits("
                "logits, y_true, weight=sample_weight, pos_weight=torch.tensor(pos_weight), reduction=reduction)",
                "torch.nn.BCEWithLogitsLoss("
                "weight=sample_weight, pos_weight=torch.tensor(pos_weight), reduction=reduction)(logits, y_true)",
            )
        ),
        *implementing(mean_over="samples", axis=1)(
            categorical_cross_entropy_with_logits=(
                "torch.nn.functional.cross_entropy("
                "logits, y_true, weight=class_weight, label_smoothing=label_smoothing, reduction=reduction)",
                "torch.nn.CrossEntropyLoss("
                "weight=class_weight, label_smoothing=label_smoothing, reduction=reduction)(logits, y_true)",
            )
        ),
        *implementing(axis=1)(
            sparse_categorical_cross_entropy_with_logits=(
                "torch.nn.functional.cross_entropy(logits, labels, weight=class_weight,"
                " ignore_index=-100 if ignore_index is None else ignore_index,"
                " label_smoothing=label_smoothing, reduction=reduction)",
                "torch.nn.CrossEntropyLoss(weight=class_weight,"
                " ignore_index=-100 if ignore_index is None else ignore_index,"
                " label_smoothing=label_smoothing, reduction=reduction)(logits, labels)",
            ),
            sparse_categorical_cross_entropy="torch.nn.functional.nll_loss(y_pred.log(), labels,"
            " ignore_index=-100 if ignore_index is None else ignore_index, reduction=reduction)",
            negative_log_likelihood=(
                "torch.nn.functional.nll_loss(log_probabilities, labels, weight=class_weight,"
                " ignore_index=-100 if ignore_index is None else ignore_index, reduction=reduction)",
                "torch.nn.NLLLoss(weight=class_weight, ignore_index=-100 if ignore_index is None else ignore_index,"
                " reduction=reduction)(log_probabilities, labels)",
            ),
        ),
        *implementing(reduction="none")(
            multilabel_binary_cross_entropy_with_logits="torch.nn.functional.binary_cross_entropy_with_logits("
            "logits, y_true, weight=class_weight, pos_weight=pos_weight, reduction='none').mean(dim=1)",
            multiclass_brier_score="torch.nn.functional.mse_loss(y_pred, y_true, reduction='none').sum(dim=1)",
        ),
        *implementing(reduction="mean")(
            multilabel_binary_cross_entropy_with_logits="torch.nn.BCEWithLogitsLoss("
            "weight=class_weight, pos_weight=pos_weight, reduction=reduction)(logits, y_true)"
        ),
        *implementing(name="torch.topk", reduction="none")(
            top_k_accuracy="(torch.topk(y_score, k, dim=1).indices == labels[:, None]).any(dim=1)"
        ),
    )

    def load(self) -> dict[str, Any]:
        """Import torch."""
        names = super().load()
        self.torch = names["torch"]
        return names

    def devices(self) -> dict[str, str]:
        """The CPU and each CUDA device."""
        cuda = self.torch.cuda
        found = {f"cuda:{i}": cuda.get_device_name(i) for i in range(cuda.device_count() if cuda.is_available() else 0)}
        return {"cpu": self.torch.backends.cpu.get_cpu_capability(), **found}

    def flags(self) -> dict[str, str | float | bool | None]:
        """Vector instructions, vendor libraries, threads and matrix-product precision."""
        capability = self.torch.backends.cpu.get_cpu_capability()
        built = self.torch.__config__.show()
        libraries = re.findall(r"BLAS_INFO=(\w+)", built)
        if self.torch.backends.mkldnn.is_available():
            libraries += [" ".join(["onednn", *re.findall(r"MKL-DNN (v[\d.]+)", built)])]
        return {
            # ATen's default is what its compiler makes of the baseline.
            "instruction_set": instruction_set("baseline" if capability == "DEFAULT" else capability),
            "cpu_capability": capability,
            "libraries": ", ".join(libraries) or None,
            "onednn_max_isa": onednn_limit(),
            "threads": self.torch.get_num_threads(),
            "float32_matmul_precision": self.torch.get_float32_matmul_precision(),
            "cuda": self.torch.version.cuda,
        }

    def compile(self, function: Function) -> Function:
        """One compilation serves rows of every length; rows of another number of axes are compiled anew."""
        with contextlib.suppress(AttributeError):
            self.torch._dynamo.config.cache_size_limit = 256
        return super().compile(function)


ADAPTER = TorchAdapter()
