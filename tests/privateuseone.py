"""A stand-in for a PyTorch backend: tensors of the device `mynpu`, whose operators compute on the CPU.

PyTorch's own way of writing a backend in Python; a real one is an extension in C++.
"""

from typing import Any

import torch
from torch import library
from torch.utils import _pytree as pytree
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend


class Module:
    """What `torch.mynpu` is."""

    @staticmethod
    def device_count() -> int:
        return 1

    @staticmethod
    def is_available() -> bool:
        return True

    @staticmethod
    def current_device() -> int:
        return 0


_setup_privateuseone_for_python_backend("mynpu", backend_module=Module())


class NpuTensor(torch.Tensor):
    """A tensor of the device, which holds one of the CPU."""

    __torch_function__ = torch._C._disabled_torch_function_impl

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> "NpuTensor":
        made = torch._C._acc.create_empty_tensor(held.shape, held.dtype)
        made.__class__ = cls
        made.held = held
        return made


def _there(value: Any) -> Any:
    if isinstance(value, NpuTensor):
        return value.held
    return torch.device("cpu") if isinstance(value, torch.device) else value


def _computed(operator: Any, *arguments: Any, **named: Any) -> Any:
    arguments, named = pytree.tree_map(_there, (arguments, named))
    answer = operator(*arguments, **named)
    return pytree.tree_map(lambda each: NpuTensor(each) if isinstance(each, torch.Tensor) else each, answer)


def _copied(source: torch.Tensor, target: torch.Tensor, non_blocking: bool = False) -> torch.Tensor:
    held = source.held if isinstance(source, NpuTensor) else source
    if isinstance(target, NpuTensor):
        target.held = held.to(target.dtype).clone()
        return target
    return target.copy_(held)


EVERY, ATEN = library.Library("_", "IMPL"), library.Library("aten", "IMPL")
EVERY.fallback(_computed, "PrivateUse1")
ATEN.impl("_copy_from", _copied, "PrivateUse1")
ATEN.impl("detach", lambda tensor: NpuTensor(tensor.held.detach()), "PrivateUse1")
