"""The processor: which instructions a process may use, and which vendor libraries compute beside the frameworks.

The same release of a framework computes by other code on another processor. NumPy's detection, which knows x86 and ARM,
says what there is; the frameworks' own switches, which emulate other processors, say how much of it is used.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import numpy as np

try:
    _umath: Any = importlib.import_module("numpy._core._multiarray_umath")
except ImportError:
    # Until NumPy 2.
    _umath = importlib.import_module("numpy.core._multiarray_umath")

FAMILIES = (("baseline", "sse4.2", "avx", "avx2", "avx512"), ("neon", "sve"))
"""Instruction sets, each with those before it: of x86-64, and of ARM. Any other architecture has its `baseline`."""

INSTRUCTION_SETS = tuple(word for family in FAMILIES for word in family)

_STARTS = {
    "avx512": ("AVX512", "AVX10", "AMX", "X86_V4"),
    "avx2": ("AVX2", "X86_V3"),
    "avx": ("AVX",),
    "sse4.2": ("SSE4", "X86_V2"),
    "sve": ("SVE",),
    "neon": ("NEON", "ASIMD"),
    "baseline": ("SSE", "BASELINE"),
}
"""How each is called, by its beginning, in NumPy, torch, oneDNN and XLA; the first that fits is meant."""

SWITCHES = (
    "ATEN_CPU_CAPABILITY",
    "DNNL_MAX_CPU_ISA",
    "MKL_CBWR",
    "MKL_ENABLE_INSTRUCTIONS",
    "NPY_DISABLE_CPU_FEATURES",
    "NPY_ENABLE_CPU_FEATURES",
    "ONEDNN_MAX_CPU_ISA",
    "OPENBLAS_CORETYPE",
    "TF_ENABLE_ONEDNN_OPTS",
    "XLA_FLAGS",
)
"""Environment variables by which frameworks and their libraries use less of the processor, or other code."""


def features() -> tuple[str, ...]:
    """What the processor can do, in NumPy's names."""
    return tuple(sorted(name for name, there in _umath.__cpu_features__.items() if there))


def instruction_set(*limits: str | None) -> str:
    """One word of INSTRUCTION_SETS for what a process may use.

    Args:
        *limits: what a framework or a switch says is the most that is used, in its own words ("AVX512_CORE", "SSE4_2");
            None, and what names no instruction set, sets no limit.
    """
    machine = _highest(features())
    family = next(each for each in FAMILIES if machine in each)
    places = [family.index(machine)]
    for word in map(_named, filter(None, limits)):
        if word == "baseline":
            places.append(0)
        elif word in family:
            places.append(family.index(word))
    return family[min(places)]


def has(wanted: str) -> bool:
    """Whether this processor has an instruction set."""
    there = instruction_set()
    return any(wanted in each[: each.index(there) + 1] for each in FAMILIES if there in each)


def switches() -> dict[str, str]:
    """The switches that are set, without what names files of this machine."""
    found = {name: " ".join(os.environ[name].split()) for name in SWITCHES if os.environ.get(name)}
    if "XLA_FLAGS" in found:
        found["XLA_FLAGS"] = " ".join(re.findall(r"--xla_cpu_[^\s/]+(?!\S)", found["XLA_FLAGS"]))
    return {name: value for name, value in found.items() if value}


def onednn_limit() -> str | None:
    """The most that oneDNN uses, in its own words; None unless the environment says it."""
    return os.environ.get("ONEDNN_MAX_CPU_ISA") or os.environ.get("DNNL_MAX_CPU_ISA")


def xla_limit() -> str | None:
    """The most for which XLA compiles, in its own words; None unless the environment says it."""
    found = re.findall(r"--xla_cpu_max_isa=(\w+)", os.environ.get("XLA_FLAGS", ""))
    return found[-1] if found else None


def threads(variable: str) -> int:
    """Threads of a pool that has one for each core on which this process may run, unless the variable has a number."""
    said = os.environ.get(variable, "")
    if said.isdecimal() and int(said):
        return int(said)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def numpy_flags() -> dict[str, str | int]:
    """What NumPy's loops are compiled for and dispatched to, and its linear algebra library."""
    dispatched = [name for name in _umath.__cpu_dispatch__ if _umath.__cpu_features__.get(name)]
    library = np.show_config(mode="dicts").get("Build Dependencies", {}).get("blas", {})
    return {
        "instruction_set": instruction_set(_highest([*_umath.__cpu_baseline__, *dispatched])),
        "numpy_features": " ".join(dispatched) or "none",
        "libraries": f"{library.get('name', 'unknown')} {library.get('version', '')}".strip(),
        **_openblas(),
    }


def _openblas() -> dict[str, str | int]:
    """The core that NumPy's OpenBLAS computes for, and its threads; nothing where it is another library."""
    # A symbol is looked for in the libraries that an extension module was linked with, too; on Windows it is not.
    linked = ctypes.CDLL(_umath.__file__)
    for prefix in ("scipy_openblas_", "openblas_"):
        for suffix in ("64_", ""):
            with suppress(AttributeError):
                core = getattr(linked, f"{prefix}get_corename{suffix}")
                core.restype = ctypes.c_char_p
                count = getattr(linked, f"{prefix}get_num_threads{suffix}")
                return {"openblas_core": core().decode(), "blas_threads": count()}
    return {}


def _named(text: str) -> str | None:
    return next((word for word, starts in _STARTS.items() if text.upper().startswith(starts)), None)


def _highest(names: Iterable[str]) -> str:
    words = set(map(_named, names))
    return next((word for word in _STARTS if word in words), "baseline")
